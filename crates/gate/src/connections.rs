//! Connections: verified when they come, sealed while they stay, opened for one request.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, PoisonError, RwLock};

use http::Method;
use ledger::Resource;
use model::{Clock, Connection, ConnectionId, Principal, Role, SecretString, TenantId, Who};
use notion::client::{Client, Request, RequestBody, Response, SendError, Settings};
use notion::error::Integration;
use notion::{ApiError, Capabilities, Id, Kind, Version};
use policy::Permit;
use serde::Deserialize;
use store::{Store, StoreError, StoredConnection, token_place};
use vault::Sealed;

use crate::Gate;
use crate::error::Error;
use crate::record::Record;

/// Connections in memory, their tokens sealed.
pub(crate) struct Custody {
    held: RwLock<HashMap<(TenantId, ConnectionId), Arc<Held>>>,
}

/// One connection.
pub(crate) struct Held {
    pub(crate) connection: Connection,
    token: Sealed,
    not_found: RwLock<Option<NotFoundForm>>,
}

/// Notion's answer about an object that is not there, as this connection gets it.
#[derive(Clone)]
struct NotFoundForm {
    sample: ApiError,
    id: Id,
}

impl Custody {
    pub(crate) async fn load(store: &dyn Store) -> Result<Self, StoreError> {
        let stored = store.all_connections().await?;
        // Of each tenant the one that was authorised last: the others were replaced by it.
        let mut latest: HashMap<TenantId, StoredConnection> = HashMap::new();
        for stored in stored {
            let age = |it: &StoredConnection| (it.connection.authorized_at, it.connection.bot_id);
            let tenant = stored.connection.tenant.clone();
            if latest.get(&tenant).is_none_or(|known| age(known) < age(&stored)) {
                latest.insert(tenant, stored);
            }
        }
        let held = latest.into_values().map(|StoredConnection { connection, token }| {
            let name = (connection.tenant.clone(), connection.bot_id);
            (name, Arc::new(Held { connection, token, not_found: RwLock::default() }))
        });
        Ok(Self { held: RwLock::new(held.collect()) })
    }

    pub(crate) fn get(&self, tenant: &TenantId, id: ConnectionId) -> Option<Arc<Held>> {
        let held = self.held.read().unwrap_or_else(PoisonError::into_inner);
        held.get(&(tenant.clone(), id)).cloned()
    }

    /// The connection that was authorised last: the one for keys that name none.
    pub(crate) fn default_connection(&self) -> Option<Connection> {
        let held = self.held.read().unwrap_or_else(PoisonError::into_inner);
        held.values()
            .map(|held| &held.connection)
            .max_by_key(|it| (it.authorized_at, it.bot_id))
            .cloned()
    }

    /// Takes a connection in place of the tenant's others: today a gate stands before one workspace,
    /// and a token that was replaced must not go on being used for keys of before.
    fn put(&self, new: Held) {
        let name = (new.connection.tenant.clone(), new.connection.bot_id);
        let mut held = self.held.write().unwrap_or_else(PoisonError::into_inner);
        let before = held.len();
        held.retain(|(tenant, id), _| *tenant != name.0 || *id == name.1);
        if held.len() < before {
            tracing::warn!(
                connection = %new.connection.bot_id,
                "another integration's token is in use now: keys made for the one before do not work with it"
            );
        }
        held.insert(name, Arc::new(new));
    }
}

impl fmt::Debug for Custody {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Custody")
    }
}

impl Held {
    /// The error for an object that is not there for the caller.
    pub(crate) fn not_found(&self, kind: Kind, id: Id) -> ApiError {
        let form = self.not_found.read().unwrap_or_else(PoisonError::into_inner).clone();
        match form {
            Some(NotFoundForm { sample, id: probed }) => {
                let message = sample
                    .message
                    .replace(&probed.to_string(), &id.to_string())
                    .replacen("find page with", &format!("find {kind} with"), 1);
                ApiError { message, ..sample }
            }
            None => {
                let name = self.connection.name.clone();
                let integration = Integration { name, id: self.connection.bot_id.0 };
                ApiError::object_not_found(kind, &id, Some(&integration))
            }
        }
    }
}

/// Why a token is not taken.
#[derive(Debug, thiserror::Error)]
pub enum ConnectError {
    /// Notion does not know it.
    #[error(
        "the Notion token is invalid or expired: rotate it in the integration's settings (https://www.notion.so/profile/integrations) and set the new one"
    )]
    Rejected,
    /// Notion could not be asked.
    #[error("Notion could not be reached at {url}")]
    Unreachable {
        /// Where it was looked for.
        url: String,
        /// Why not.
        #[source]
        source: SendError,
    },
    /// Notion answered something else.
    #[error("Notion answered {status} to the question whose token this is: {text}")]
    Unexpected {
        /// The status.
        status: u16,
        /// What it said, or what was wrong with it.
        text: String,
    },
    /// A database that ought to be there is not.
    #[error(
        "the database {0} was not found: ensure the database is shared with the integration (in Notion: ••• → Connections)"
    )]
    DatabaseNotFound(Id),
    /// It could not be kept.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// It could not be recorded.
    #[error(transparent)]
    Gate(#[from] Error),
}

#[derive(Deserialize)]
struct Bot {
    id: Id,
    name: Option<String>,
    bot: Option<BotDetails>,
}

#[derive(Deserialize)]
struct BotDetails {
    workspace_name: Option<String>,
    workspace_id: Option<Id>,
}

/// Questions about a token itself, before there is a connection that a permit could name.
#[derive(Clone, Debug)]
pub struct TokenCheck {
    client: Client,
    clock: Arc<dyn Clock>,
}

impl TokenCheck {
    /// Asks where `settings` say that Notion is.
    pub fn new(settings: Settings, clock: Arc<dyn Clock>) -> Self {
        Self { client: Client::new(settings), clock }
    }

    /// Asks Notion whose token this is.
    pub async fn connection(&self, token: &SecretString) -> Result<Connection, ConnectError> {
        let operation = "get-self";
        let (status, body) = self.ask(token, "/v1/users/me").await?;
        if status == 401 {
            return Err(ConnectError::Rejected);
        }
        if status != 200 {
            return Err(unexpected(status, &body));
        }
        let bot: Bot = serde_json::from_slice(&body).map_err(|error| {
            let text = format!("the answer to {operation} is no user: {error}");
            ConnectError::Unexpected { status, text }
        })?;
        let details = bot.bot.unwrap_or(BotDetails { workspace_name: None, workspace_id: None });
        Ok(Connection {
            bot_id: ConnectionId(bot.id),
            tenant: TenantId::default(),
            name: bot.name.unwrap_or_else(|| "(unnamed)".to_owned()),
            workspace_id: details.workspace_id,
            workspace_name: details.workspace_name,
            authorized_at: self.clock.now(),
        })
    }

    /// Asks Notion whether a database is there for the token.
    pub async fn database(&self, token: &SecretString, id: Id) -> Result<(), ConnectError> {
        let (status, body) = self.ask(token, &format!("/v1/databases/{id}")).await?;
        match status {
            200 => Ok(()),
            404 => Err(ConnectError::DatabaseNotFound(id)),
            status => Err(unexpected(status, &body)),
        }
    }

    async fn ask(
        &self,
        token: &SecretString,
        path: &str,
    ) -> Result<(u16, bytes::Bytes), ConnectError> {
        let request = Request {
            method: Method::GET,
            path_and_query: path.to_owned(),
            version: Version::DEFAULT.as_str(),
            body: RequestBody::Empty,
            repeatable: true,
        };
        let url = || self.client.settings().base_url.clone();
        let answer = self
            .client
            .send(request, token)
            .await
            .map_err(|source| ConnectError::Unreachable { url: url(), source })?;
        let (status, _, body) = answer.collect(1024 * 1024).await.map_err(|error| {
            ConnectError::Unexpected { status: 200, text: format!("the answer broke off: {error}") }
        })?;
        Ok((status.as_u16(), body))
    }

    /// Asks for a page that cannot exist, to learn how Notion says so to this connection.
    async fn not_found_form(&self, token: &SecretString, id: Id) -> Option<NotFoundForm> {
        let (status, body) = self.ask(token, &format!("/v1/pages/{id}")).await.ok()?;
        let sample = (status == 404).then(|| ApiError::parse(status, &body)).flatten()?;
        sample.message.contains(&id.to_string()).then_some(NotFoundForm { sample, id })
    }
}

impl Gate {
    /// Verifies a token and takes it into custody, in place of an older one of the same bot.
    pub async fn connect(&self, token: &SecretString) -> Result<Connection, ConnectError> {
        let check = TokenCheck { client: (*self.notion).clone(), clock: self.shared.clock.clone() };
        let mut connection = check.connection(token).await?;
        let known = self.shared.custody.get(&connection.tenant, connection.bot_id);
        let unchanged = known.as_ref().is_some_and(|known| self.same_token(known, token));
        if let Some(known) = known.filter(|_| unchanged) {
            connection.authorized_at = known.connection.authorized_at;
        }
        let no_page = Id::parse(&self.new_request_id()).unwrap_or(Id::NIL);
        let form = check.not_found_form(token, no_page).await;
        let row = StoredConnection::row(&connection.tenant, connection.bot_id);
        let shared = &self.shared;
        let place = token_place(&row);
        let sealed = Sealed::seal(&shared.master_key, &*shared.chance, place, token);
        if !unchanged {
            let resource =
                Resource { kind: "connection".into(), id: connection.bot_id.to_string() };
            let request_id = self.new_request_id();
            let operator = Principal {
                who: Who::Operator,
                tenant: connection.tenant.clone(),
                connection: connection.bot_id,
                role: Role::Admin,
                capabilities: Capabilities::ALL,
            };
            let mut record =
                Record::manage(shared, &operator, "connect-workspace", resource, &request_id);
            record.intend().await?;
            let stored = StoredConnection { connection: connection.clone(), token: sealed.clone() };
            shared.store.put_connection(stored).await?;
            record.done().await?;
        }
        shared.custody.put(Held {
            connection: connection.clone(),
            token: sealed,
            not_found: RwLock::new(form),
        });
        Ok(connection)
    }

    /// Whether this is the token of the connection that is in use.
    pub fn holds(&self, token: &SecretString) -> bool {
        let custody = &self.shared.custody;
        let held = custody.default_connection().and_then(|it| custody.get(&it.tenant, it.bot_id));
        held.is_some_and(|held| self.same_token(&held, token))
    }

    /// The connection that keys get which name none.
    pub fn default_connection(&self) -> Option<Connection> {
        self.shared.custody.default_connection()
    }

    /// Sends a request to Notion. The only road there for calls: it takes a permit.
    pub(crate) async fn send(&self, permit: Permit, request: Request) -> Result<Response, Error> {
        let (tenant, connection) = (permit.tenant(), permit.connection());
        let held = self.shared.custody.get(tenant, connection).ok_or(Error::NoConnection)?;
        let token = self.open_token(&held)?;
        self.notion.send(request, &token).await.map_err(Error::Upstream)
    }

    fn open_token(&self, held: &Held) -> Result<SecretString, Error> {
        let Connection { tenant, bot_id, .. } = &held.connection;
        let row = StoredConnection::row(tenant, *bot_id);
        held.token.open(&self.shared.master_key, token_place(&row)).map_err(Error::Credential)
    }

    fn same_token(&self, held: &Held, token: &SecretString) -> bool {
        use model::ExposeSecret;
        self.open_token(held).is_ok_and(|known| {
            aws_lc_rs::constant_time::verify_slices_are_equal(
                known.expose_secret().as_bytes(),
                token.expose_secret().as_bytes(),
            )
            .is_ok()
        })
    }
}

fn unexpected(status: u16, body: &[u8]) -> ConnectError {
    let text =
        ApiError::parse(status, body).map_or_else(|| "no error object".to_owned(), |e| e.message);
    ConnectError::Unexpected { status, text }
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::*;

    #[test]
    fn the_error_for_a_missing_object_is_notions_own() {
        let id = |text| Id::parse(text).unwrap();
        let probed = id("00000000-0000-4000-8000-00000000000a");
        let asked = id("00000000-0000-4000-8000-00000000000b");
        let bot = id("00000000-0000-4000-8000-00000000000c");
        let integration = Integration { name: "page with care".into(), id: bot };
        let sample = ApiError::object_not_found(Kind::Page, &probed, Some(&integration));
        let held = Held {
            connection: Connection {
                bot_id: ConnectionId(bot),
                tenant: TenantId::default(),
                name: "page with care".into(),
                workspace_id: None,
                workspace_name: None,
                authorized_at: Timestamp::UNIX_EPOCH,
            },
            token: Sealed::from_bytes(Vec::new()),
            not_found: RwLock::new(Some(NotFoundForm { sample, id: probed })),
        };
        for kind in [Kind::Page, Kind::Block, Kind::Database] {
            let expected = ApiError::object_not_found(kind, &asked, Some(&integration));
            assert_eq!(held.not_found(kind, asked), expected);
        }
    }
}
