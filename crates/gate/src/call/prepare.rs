//! Steps 1, name, and 2, aim, and the part of 4 that needs no facts; in Notion's own order of checks:
//! route, JSON, (token), version, capability, ids.

use model::Principal;
use notion::catalogue::{Match, Verb};
use notion::{ApiError, Capability, Effect, Id, Kind, Operation, Version};
use policy::{Admission, Depth};
use serde_json::Value;

use super::Call;
use super::body::{self, Upload};
use crate::Gate;
use crate::aim::{self, Named};
use crate::columns::StandIns;
use crate::custody::usable;
use crate::error::Error;
use crate::locate::Looking;
use crate::record::Record;
use crate::view::Asked;

/// Objects that one call may name; each may have to be looked up.
const TARGETS_MAX: usize = 300;

/// A call that is under way: what is known of it, from step to step.
pub(crate) struct Underway<'a> {
    pub(crate) principal: &'a Principal,
    pub(crate) request_id: &'a str,
    /// The row of the catalogue, and what stands in the path.
    pub(crate) found: Match,
    pub(crate) query: Option<String>,
    pub(crate) version: Version,
    pub(crate) body: Option<Value>,
    /// What it does, now that its body is known.
    pub(crate) effect: Effect,
    /// A capability that it needs beside those of its operation.
    pub(crate) needs_too: Option<Capability>,
    /// The objects that it names (step 2).
    pub(crate) named: Named,
    /// What is looked up for it (from step 3 on).
    pub(crate) looking: Looking<'a>,
    /// What it says otherwise than its caller did (step 4).
    pub(crate) stand_ins: StandIns,
}

impl Underway<'_> {
    pub(crate) fn operation(&self) -> &'static Operation {
        self.found.operation
    }

    /// The object that the call is about.
    pub(crate) fn object(&self) -> Option<(Kind, Id)> {
        self.named.objects.first().copied()
    }

    /// Path and query, as they go to Notion.
    pub(crate) fn path_and_query(&self) -> String {
        with_query(self.found.upstream_path(), self.query.as_deref())
    }

    /// What is asked for, with path, query and body as they go to Notion.
    pub(crate) fn asked<'a>(&'a self, path_and_query: &'a str, body: &'a [u8]) -> Asked<'a> {
        Asked {
            principal: self.principal,
            operation: self.operation(),
            effect: self.effect,
            version: self.version,
            objects: &self.named.objects,
            said: (path_and_query, body),
        }
    }
}

impl Gate {
    /// Step 1, name: which row of the catalogue is this, and what does it do? What passes through unread
    /// travels beside the call.
    pub(super) fn name<'a>(
        &self,
        principal: &'a Principal,
        call: Call<'a>,
        record: &mut Record<'_>,
    ) -> Result<(Underway<'a>, Option<Upload>), Error> {
        let Call { found, query, version, body, request_id, .. } = call;
        let found = found.ok_or_else(|| Error::Malformed(ApiError::invalid_request_url()))?;
        let (body, upload) = match found.operation.verb {
            // A body here means nothing to Notion, and something else to who knows whom.
            Verb::Get | Verb::Delete => (None, None),
            Verb::Post | Verb::Patch => {
                body::read(body, found.operation.multipart).map_err(Error::Malformed)?
            }
        };
        let version = self.version(version).map_err(Error::Malformed)?;
        if !found.operation.exists_in(version) {
            return Err(Error::Malformed(ApiError::invalid_request_url()));
        }
        let effect = found.operation.effect_of(body.as_ref());
        record.effect(effect);
        if let Ok([(kind, id), ..]) = found.path_ids().as_deref() {
            record.about(kind.as_str(), id);
        }
        let needs_too = found.operation.needs_too(body.as_ref());
        if let Some(capability) = needs_too {
            record.fact("needs_too", capability.as_str());
        }
        let call = Underway {
            principal,
            request_id,
            found,
            query: query.map(str::to_owned),
            version,
            body,
            effect,
            needs_too,
            named: Named::default(),
            looking: Looking::new(principal, request_id, self.shared.clock.now()),
            stand_ins: StandIns::default(),
        };
        Ok((call, upload))
    }

    fn version(&self, sent: Option<&str>) -> Result<Version, ApiError> {
        if let Some(fixed) = self.shared.notion_version {
            return Ok(fixed);
        }
        sent.and_then(Version::parse).ok_or_else(|| ApiError::missing_version(sent))
    }

    /// The part of step 4 that needs no facts: role and capabilities.
    pub(super) fn admit<'a>(&self, call: &Underway<'a>) -> Result<Admission<'a>, Error> {
        let policies = self.policies(call.principal);
        Ok(policies.admit(call.principal, call.operation(), call.effect, call.needs_too)?)
    }

    /// Step 2, aim: which objects does it touch?
    pub(super) fn aim(
        &self,
        call: &mut Underway<'_>,
        admission: &Admission<'_>,
        record: &mut Record<'_>,
    ) -> Result<(), Error> {
        let in_url = aim::of_url(&call.found, call.query.as_deref()).map_err(Error::Malformed)?;
        let anywhere = admission.depth() == Depth::Nothing;
        let named = if !anywhere || call.effect != Effect::Read {
            aim::of_call(&call.found, in_url, call.body.as_ref())
        } else {
            Ok(Named { objects: in_url, nowhere: false })
        };
        call.named = match named {
            Ok(named) => named,
            // Where places do not matter a strange id is Notion's to judge.
            Err(_) if anywhere => Named::default(),
            Err(error) => return Err(Error::Malformed(error)),
        };
        let count = call.named.objects.len();
        if count > TARGETS_MAX && !anywhere {
            return Err(Error::Malformed(ApiError::validation(format!(
                "body failed validation: a key with a scope may name at most {TARGETS_MAX} objects \
                 in one call, instead were {count}.",
            ))));
        }
        if let Some((kind, id)) = call.object() {
            record.about(kind.as_str(), id);
        }
        Ok(())
    }

    /// A connection that is out of use costs nothing: not the caller, and not Notion. Nor does what the
    /// connection itself may not do.
    pub(super) fn check_connection(&self, call: &Underway<'_>) -> Result<(), Error> {
        let held = self.held_for(call.principal)?;
        usable(&held.current().connection)?;
        held.grants(call.operation(), call.effect, call.needs_too)
    }
}

pub(crate) fn with_query(mut path: String, query: Option<&str>) -> String {
    if let Some(query) = query {
        path.push('?');
        path.push_str(query);
    }
    path
}
