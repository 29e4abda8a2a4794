//! Workspaces, for those who look after them: list, show, connect.

use jiff::Timestamp;
use model::{
    Connection, ConnectionId, ConnectionState, Origin, Principal, Role, SecretString, TenantId,
};
use notion::{Capabilities, Capability, Effect, Id};
use serde::Serialize;

use crate::Gate;
use crate::custody::{CredentialAge, Held, Tokens};
use crate::error::Error;
use crate::record::Record;

/// A connection as an admin sees it: everything but its credentials.
#[derive(Clone, Debug, Serialize)]
pub struct Workspace {
    /// What is known of it.
    #[serde(flatten)]
    pub connection: Connection,
    /// Since how many days its credential is the one that it is; `null` if it has none any more.
    pub age_days: Option<i64>,
    /// When the credential ought to be replaced.
    pub rotation_due_at: Option<Timestamp>,
    /// What is granted to it and not needed, or missing; what is old.
    pub warnings: Vec<Warning>,
}

/// Something about a connection that its owner may want to change.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
pub struct Warning {
    /// A stable word.
    pub code: &'static str,
    /// What it is and what to do.
    pub detail: String,
}

impl Warning {
    fn new(code: &'static str, detail: String) -> Self {
        Self { code, detail }
    }
}

/// What only a half that writes needs.
const WRITING: [Capability; 3] =
    [Capability::UpdateContent, Capability::InsertContent, Capability::InsertComments];

impl Gate {
    /// The tenant's connections, the one that was authorised last first.
    pub async fn list_workspaces(
        &self,
        principal: &Principal,
        request_id: &str,
    ) -> Result<Vec<Workspace>, Error> {
        let record =
            Record::open(&self.shared, principal, Effect::Read, "list-workspaces", request_id);
        if let Err(error) = self.operator_of(principal) {
            return Err(record.failed(error).await);
        }
        record.done().await?;
        let all = self.shared.custody.of_tenant(&principal.tenant);
        Ok(all.iter().map(|held| self.workspace(held.connection())).collect())
    }

    /// One connection of the tenant.
    pub async fn find_workspace(
        &self,
        principal: &Principal,
        id: &str,
        request_id: &str,
    ) -> Result<Workspace, Error> {
        let mut record =
            Record::open(&self.shared, principal, Effect::Read, "retrieve-workspace", request_id);
        if let Some(id) = Id::parse(id) {
            record.about("connection", id);
        }
        match self.operator_of(principal).and_then(|()| self.own_connection(principal, id)) {
            Ok(held) => {
                record.done().await?;
                Ok(self.workspace(held.connection()))
            }
            Err(error) => Err(record.failed(error).await),
        }
    }

    /// Verifies tokens that somebody gave and takes them into custody.
    pub async fn connect_workspace(
        &self,
        principal: &Principal,
        tokens: &Tokens,
        request_id: &str,
    ) -> Result<Workspace, Error> {
        let connection = self.connect(principal, tokens, Origin::Given, request_id).await?;
        Ok(self.workspace(connection))
    }

    /// Replaces the credential of a connection; without a token, those of an installation are refreshed.
    pub async fn rotate_workspace(
        &self,
        principal: &Principal,
        id: &str,
        token: Option<SecretString>,
        request_id: &str,
    ) -> Result<Workspace, Error> {
        let connection = self.rotate(principal, connection_id(id), token, request_id).await?;
        Ok(self.workspace(connection))
    }

    /// Ends a connection; one that is ended already is removed altogether.
    pub async fn disconnect_workspace(
        &self,
        principal: &Principal,
        id: &str,
        request_id: &str,
    ) -> Result<(), Error> {
        self.disconnect(principal, connection_id(id), request_id).await
    }

    /// What people call the workspace of a connection of the caller's tenant.
    pub fn name_of_connection(&self, principal: &Principal, id: &str) -> Option<String> {
        self.operator_of(principal).ok()?;
        let connection = self.own_connection(principal, id).ok()?.connection();
        Some(connection.workspace_name.unwrap_or(connection.name))
    }

    /// The connection of the principal's tenant with this id, whatever its state. That of another tenant
    /// is not there, like one that never was.
    pub(crate) fn own_connection(
        &self,
        principal: &Principal,
        id: &str,
    ) -> Result<std::sync::Arc<Held>, Error> {
        let parsed = Id::parse(id).map(ConnectionId);
        parsed
            .and_then(|id| self.shared.custody.get(&principal.tenant, id))
            .ok_or(Error::NoSuchConnection)
    }

    /// A connection with what there is to say about it.
    pub(crate) fn workspace(&self, connection: Connection) -> Workspace {
        let has_credential = connection.state != ConnectionState::Revoked;
        let age = CredentialAge::of(&connection, self.shared.clock.now());
        let age = Some(age).filter(|_| has_credential);
        let mut warnings = self.warnings(&connection);
        if age.is_some_and(|age| age.is_due) {
            warnings.push(Warning::new(
                "rotation_due",
                "the credential is older than 90 days: rotate it".to_owned(),
            ));
        }
        let (age_days, rotation_due_at) = age.map(|age| (age.days, age.rotation_due_at)).unzip();
        Workspace { connection, age_days, rotation_due_at, warnings }
    }

    fn warnings(&self, connection: &Connection) -> Vec<Warning> {
        let mut warnings = Vec::new();
        if connection.state == ConnectionState::Revoked {
            return warnings;
        }
        match (&connection.writer, connection.capabilities) {
            (_, None) => warnings.push(Warning::new(
                "capabilities_unknown",
                "what the integration may do is not known yet: the gate asks within a minute or so of its start"
                    .to_owned(),
            )),
            (Some(writer), Some(reader)) => {
                if let Some(too_many) = words(WRITING.into_iter().filter(|it| reader.grants(*it))) {
                    warnings.push(Warning::new(
                        "reader_may_write",
                        format!(
                            "the integration that reads has {too_many}, which only the one that writes \
                             needs: take it away in the integration's settings"
                        ),
                    ));
                }
                let writes = writer.capabilities.is_none_or(|granted| {
                    WRITING.into_iter().any(|capability| granted.grants(capability))
                });
                if !writes {
                    warnings.push(Warning::new(
                        "writer_may_not_write",
                        "the integration that writes has no capability to write anything".to_owned(),
                    ));
                }
            }
            (None, Some(_)) => {}
        }
        warnings.extend(self.unused(connection));
        warnings
    }

    /// Capabilities that no working key of the connection makes use of.
    fn unused(&self, connection: &Connection) -> Option<Warning> {
        let writer = connection.writer.as_ref().and_then(|writer| writer.capabilities);
        let granted = [connection.capabilities, writer].into_iter().flatten();
        let granted: Capabilities = granted.flat_map(Capabilities::iter).collect();
        let used = self.capabilities_in_use(&connection.tenant, connection.bot_id)?;
        let unused = words(granted.iter().filter(|capability| !used.grants(*capability)))?;
        Some(Warning::new(
            "capabilities_unused",
            format!(
                "no key makes use of {unused}: if none is to, take it away in the integration's settings"
            ),
        ))
    }

    /// What the working keys of a connection use together; `None` if it has none.
    fn capabilities_in_use(&self, tenant: &TenantId, id: ConnectionId) -> Option<Capabilities> {
        let only = self.shared.custody.only(tenant);
        let keys = self.shared.keys.of_tenant(tenant);
        let of_this = keys.iter().filter(|key| {
            self.key_state(key) == model::key::KeyState::Active
                && key.connection.unwrap_or(only) == id
        });
        let each = of_this.map(|key| {
            let reads_only = key.role == Role::Viewer;
            key.capabilities.iter().filter(move |it| !(reads_only && WRITING.contains(it)))
        });
        let all: Vec<_> = each.collect();
        (!all.is_empty()).then(|| all.into_iter().flatten().collect())
    }
}

/// The id of a connection in a path; what is no id is the id of none.
fn connection_id(text: &str) -> ConnectionId {
    Id::parse(text).map_or(ConnectionId::NONE, ConnectionId)
}

/// Capabilities in a row; `None` if there are none.
fn words(capabilities: impl Iterator<Item = Capability>) -> Option<String> {
    let words: Vec<_> = capabilities.map(Capability::as_str).collect();
    (!words.is_empty()).then(|| words.join(", "))
}
