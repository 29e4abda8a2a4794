//! Why a call would be allowed or refused, for somebody who manages the tenant.

use std::sync::Arc;

use model::key::KeyState;
use model::user::UserId;
use model::{Key, KeyId, KeyToken, Principal, Role, Scope, Who};
use notion::catalogue::{Answer, Place as At};
use notion::{Capabilities, Effect, Id, Kind, Operation};
use policy::{Aim, Explanation, Outcome, Place, RowProperties, Showing, Target};
use serde::{Deserialize, Serialize};

use crate::Gate;
use crate::error::Error;
use crate::locate::{Looking, Trust};

/// Whether who may do what, where?
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ExplainRequest {
    /// A key, by its id (or as a whole; it is not kept).
    #[serde(default)]
    pub key: Option<String>,
    /// In place of a key: `key:…`, `user:…` (a key of theirs without a scope), `role:…` (the same), or
    /// `operator`.
    #[serde(default)]
    pub principal: Option<String>,
    /// Notion's operation id, `…/delete` where its body makes it a deletion, `manage`, or (of a column)
    /// `see-property`, `read-property`.
    pub operation: String,
    /// What it is about: an id or URL; nothing for what concerns the whole workspace.
    #[serde(default)]
    pub object: Option<String>,
    /// A column of the data source that the object is, by its name or id.
    #[serde(default)]
    pub property: Option<String>,
}

/// The answer, and what was asked.
#[derive(Clone, Debug, Serialize)]
pub struct Explained {
    /// The decision, and why.
    #[serde(flatten)]
    pub explanation: Explanation,
    /// Whom it is about.
    pub principal: String,
    /// The operation.
    pub operation: String,
    /// The object.
    pub object: Option<Id>,
    /// Where it stands: the object and what is above it, nearest first; nothing if nobody could find it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub path: Option<Vec<Id>>,
}

/// What is asked about.
pub(super) enum Question {
    Manage,
    /// Whether a column is there, or (`true`) its values are.
    Column(bool),
    Call(&'static Operation, Effect),
}

impl Question {
    /// Reads an operation's name, with `/delete` or without.
    pub(super) fn parse(text: &str) -> Result<Self, Error> {
        match text {
            "manage" => return Ok(Self::Manage),
            "see-property" => return Ok(Self::Column(false)),
            "read-property" => return Ok(Self::Column(true)),
            _ => {}
        }
        let (name, deletes) = match text.strip_suffix("/delete") {
            Some(name) => (name, true),
            None => (text, false),
        };
        let shown: String = text.chars().take(80).collect();
        let unknown = || {
            Error::Invalid(format!(
                "`operation`: there is no `{shown}`; use one of Notion's operation ids, as \
                 `notegate policy schema` lists them (`patch-page`, `patch-page/delete`, …), `manage`, \
                 `see-property` or `read-property`"
            ))
        };
        let operation = Operation::named(name).ok_or_else(unknown)?;
        let destroys = operation.effect == Effect::Destroy;
        if deletes && !destroys && operation.triggers.is_empty() {
            return Err(unknown());
        }
        let effect = if deletes { Effect::Destroy } else { operation.effect };
        Ok(Self::Call(operation, effect))
    }
}

impl Gate {
    /// Says whether somebody may do something, and why.
    pub async fn explain_policy(
        &self,
        principal: &Principal,
        request: ExplainRequest,
        request_id: &str,
    ) -> Result<Explained, Error> {
        self.audited(principal, "explain-policy", request_id).await?;
        let question = Question::parse(&request.operation)?;
        let (who, ended) = self.asked_about(principal, &request)?;
        // An example stands for those who were asked about, by their name.
        let is_example = who.key().is_some_and(|key| key.id.as_str() == EXAMPLE);
        let name = request.principal.clone().filter(|_| is_example);
        let object = request.object.as_deref().map(|text| {
            let shown: String = text.chars().take(80).collect();
            let strange = format!("`object`: `{shown}` is neither an id nor a URL of Notion");
            Id::from_pasted(text).ok_or(Error::Invalid(strange))
        });
        let object = object.transpose()?;
        let mut explained = Explained {
            explanation: ended_key(ended),
            principal: name.unwrap_or_else(|| who.name()),
            operation: request.operation,
            object,
            path: None,
        };
        if ended.is_some() {
            return Ok(explained);
        }
        let policies = self.policies(&who);
        explained.explanation = match question {
            Question::Manage => policies.explain_manage(&who),
            Question::Column(values) => {
                let column = (object, request.property.as_deref(), values);
                let (table, explanation) = self.explain_column(&who, column, request_id).await?;
                explained.path = table.place.path().map(<[Id]>::to_vec);
                explanation
            }
            Question::Call(operation, effect) => {
                let aim = self.aim_at(&who, operation, object, request_id).await?;
                let place = aim.targets.first().map(|target| &target.place);
                explained.path = place.and_then(Place::path).map(<[Id]>::to_vec);
                policies.explain(&who, operation, effect, None, &aim)
            }
        };
        Ok(explained)
    }

    /// What somebody gets of a column, going by policies and by what it is made from.
    async fn explain_column(
        &self,
        who: &Principal,
        (object, called, values): (Option<Id>, Option<&str>, bool),
        request_id: &str,
    ) -> Result<(Target, Explanation), Error> {
        let missing = || {
            let what = "`object` and `property`: name the data source, and a column of it";
            Error::Invalid(what.to_owned())
        };
        let (id, called) = object.zip(called).ok_or_else(missing)?;
        let (kind, place) = self.place_of(who, &[Kind::DataSource], id, None, request_id).await?;
        let table = Target { kind, id, place };
        let looking = Looking::new(who, request_id, self.shared.clock.now());
        let columns = self.columns_of(&looking, id).await?;
        self.settle_looking(&looking);
        let (column, showing) = columns.showing(called).ok_or_else(|| {
            let shown: String = called.chars().take(80).collect();
            Error::Invalid(format!("`property`: the data source has no column `{shown}`"))
        })?;
        let asked = policy::Column { name: &column.name, id: &column.id, kind: &column.kind };
        let said = self.policies(who).explain_column(who, &table, asked);
        // What policies say of the column itself comes before what they say of others that it is made from.
        let explanation = match said.decision {
            Outcome::Deny => said,
            Outcome::Allow => Explanation::of_column(showing),
        };
        let is_there = explanation.masked && !values;
        let explanation = match is_there {
            true => Explanation::of_column(Showing::Whole),
            false => explanation,
        };
        Ok((table, explanation))
    }

    /// What a call with this operation on `object` touches.
    async fn aim_at(
        &self,
        who: &Principal,
        operation: &'static Operation,
        object: Option<Id>,
        request_id: &str,
    ) -> Result<Aim, Error> {
        let Some(id) = object else {
            let makes = matches!(operation.answer, Answer::One(kind) if kind != Kind::FileUpload);
            let nowhere = operation.effect == Effect::Write && operation.ids.is_empty() && makes;
            return Ok(Aim { targets: Vec::new(), nowhere });
        };
        let named = operation.ids.iter().map(|place| match place {
            At::Path(_, kind) | At::Query(_, kind) => *kind,
        });
        // In a body the object can be of any kind; a page is what it mostly is.
        let kinds: Vec<Kind> = match named.collect::<Vec<_>>() {
            none if none.is_empty() => {
                vec![Kind::Page, Kind::Database, Kind::DataSource, Kind::Block]
            }
            some => some,
        };
        let (kind, place) = self.place_of(who, &kinds, id, None, request_id).await?;
        Ok(Aim { targets: vec![Target { kind, id, place }], nowhere: false })
    }

    /// Where an object stands, up to the top, taken for each of `kinds` until it is found. `rows` are the
    /// properties of rows to look at, if others than the policies in force look at.
    pub(super) async fn place_of(
        &self,
        who: &Principal,
        kinds: &[Kind],
        id: Id,
        rows: Option<&Arc<RowProperties>>,
        request_id: &str,
    ) -> Result<(Kind, Place), Error> {
        // It is the gate that wants to know, and the one who asks manages the tenant.
        let gate = Principal { who: Who::Gate, ..who.clone() };
        let mut found = (kinds.first().copied().unwrap_or(Kind::Page), Place::Unknown);
        for kind in kinds {
            let mut looking = Looking::new(&gate, request_id, self.shared.clock.now());
            looking.rows = rows.cloned();
            let place = self.locate(&looking, *kind, id, Trust::Lately).await?;
            if place != Place::Unknown {
                found = (*kind, place);
                break;
            }
        }
        Ok(found)
    }

    /// Whom a question is about, and whether that is a key that has ended.
    fn asked_about(
        &self,
        principal: &Principal,
        request: &ExplainRequest,
    ) -> Result<(Principal, Option<KeyState>), Error> {
        let name = match (&request.key, &request.principal) {
            (Some(key), None) => {
                let id = KeyToken::parse(key).map(|token| token.id().to_string());
                format!("key:{}", id.as_deref().unwrap_or(key))
            }
            (None, Some(principal)) => principal.clone(),
            _ => return Err(Error::Invalid("name either a `key` or a `principal`".to_owned())),
        };
        match name.split_once(':') {
            Some(("key", id)) => {
                let key = self.own_key(principal, id)?;
                let state = self.key_state(&key);
                Ok((self.principal_of(key), (state != KeyState::Active).then_some(state)))
            }
            Some(("user", id)) => {
                let user = self.own_user(principal, id)?;
                Ok((self.principal_of(example(principal, user.role, Some(user.id))), None))
            }
            Some(("role", role)) => {
                let role = role.parse::<Role>();
                let role = role.map_err(|error| Error::Invalid(format!("`principal`: {error}")))?;
                Ok((self.principal_of(example(principal, role, None)), None))
            }
            _ if name == "operator" => Ok((self.operator_for(principal.tenant.clone()), None)),
            _ => Err(Error::Invalid(
                "`principal` is `key:<id>`, `user:<id>`, `role:<role>` or `operator`".to_owned(),
            )),
        }
    }
}

/// The id of a key that nobody has.
const EXAMPLE: &str = "000000000000";

/// A key that somebody could have: without a scope, by the tenant's only or newest connection.
fn example(principal: &Principal, role: Role, user: Option<UserId>) -> Arc<Key> {
    Arc::new(Key {
        // INVARIANT: twelve letters and digits.
        id: KeyId::parse(EXAMPLE).expect("an id of a key"),
        name: format!("an example of a {role}"),
        tenant: principal.tenant.clone(),
        connection: Some(principal.connection),
        role,
        within: Scope::default(),
        capabilities: Capabilities::ALL,
        budget: model::Budget::default(),
        user,
        agent: None,
        parent: None,
        may_delegate: false,
        tools: None,
        auditor: false,
        created_at: jiff::Timestamp::UNIX_EPOCH,
        created_by: principal.name(),
        expires_at: None,
        revoked_at: None,
    })
}

/// What is said of a key that has ended; for one that has not, what is said until there is more.
fn ended_key(state: Option<KeyState>) -> Explanation {
    let (rule, because) = match state {
        Some(KeyState::Expired) => ("expired", "the key has expired"),
        _ => ("revoked", "the key was revoked"),
    };
    Explanation {
        decision: Outcome::Deny,
        rule: rule.to_owned(),
        because: because.to_owned(),
        needed: Some("another key".to_owned()),
        hidden: false,
        masked: false,
    }
}
