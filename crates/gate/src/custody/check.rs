//! Questions to Notion about a token itself, before there is a connection that a permit could name.

use http::Method;
use model::{Connection, ConnectionId, ConnectionKind, Origin, SecretString, TenantId};
use notion::client::{Client, Request, RequestBody, SendError, Settings};
use notion::{ApiError, Id, Kind, Version};
use serde::Deserialize;

use super::Tokens;

/// Why a token is not taken.
#[derive(Debug, thiserror::Error)]
pub enum TokenError {
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
    /// The two tokens of a pair do not belong together.
    #[error("{0}")]
    Mismatch(String),
}

/// Whose a token is, as Notion says it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Bot {
    /// The bot that the token acts as.
    pub id: ConnectionId,
    /// Its name: the connection's name in the workspace's settings.
    pub name: String,
    /// The workspace, as far as Notion tells.
    pub workspace_id: Option<Id>,
    /// Its name, as far as Notion tells.
    pub workspace_name: Option<String>,
    /// Whom the bot belongs to, as Notion says it.
    pub owner: Option<serde_json::Value>,
}

impl Bot {
    /// What is known of a connection that acts as this bot, before it is kept for anybody.
    pub(crate) fn into_connection(self, kind: ConnectionKind, origin: Origin) -> Connection {
        let (nobody, unknown) = (TenantId::default(), jiff::Timestamp::UNIX_EPOCH);
        Connection {
            workspace_id: self.workspace_id,
            workspace_name: self.workspace_name,
            owner: self.owner,
            ..Connection::new(nobody, self.id, self.name, kind, origin, unknown)
        }
    }
}

#[derive(Deserialize)]
struct User {
    id: Id,
    name: Option<String>,
    bot: Option<BotDetails>,
}

#[derive(Default, Deserialize)]
struct BotDetails {
    workspace_name: Option<String>,
    workspace_id: Option<Id>,
    owner: Option<serde_json::Value>,
}

/// The longest name that is kept.
const NAME_LENGTH_MAX: usize = 200;
/// The largest owner object that is kept.
const OWNER_MAX: usize = 16 * 1024;

/// A name from outside, bounded.
pub(crate) fn bounded_name(name: &str) -> String {
    name.chars().take(NAME_LENGTH_MAX).collect()
}

/// An owner object from outside, if it is of a decent size.
pub(crate) fn bounded_owner(owner: Option<serde_json::Value>) -> Option<serde_json::Value> {
    owner.filter(|owner| !owner.is_null() && owner.to_string().len() <= OWNER_MAX)
}

/// Questions about a token itself, before there is a connection that a permit could name.
#[derive(Clone, Debug)]
pub struct TokenCheck {
    client: Client,
}

impl TokenCheck {
    /// Asks where `settings` say that Notion is.
    pub fn new(settings: Settings) -> Self {
        Self::with(Client::new(settings))
    }

    pub(super) fn with(client: Client) -> Self {
        Self { client }
    }

    /// Asks Notion whose token this is.
    pub async fn bot(&self, token: &SecretString) -> Result<Bot, TokenError> {
        let operation = "get-self";
        let (status, body) = self.ask(token, "/v1/users/me").await?;
        // Only Notion's own word counts: what stands between may say 401 for reasons of its own.
        if status == 401 && ApiError::parse(status, &body).is_some() {
            return Err(TokenError::Rejected);
        }
        if status != 200 {
            return Err(unexpected(status, &body));
        }
        let user: User = serde_json::from_slice(&body).map_err(|error| {
            let text = format!("the answer to {operation} is no user: {error}");
            TokenError::Unexpected { status, text }
        })?;
        let details = user.bot.unwrap_or_default();
        Ok(Bot {
            id: ConnectionId(user.id),
            name: user.name.map_or_else(|| "(unnamed)".to_owned(), |name| bounded_name(&name)),
            workspace_id: details.workspace_id,
            workspace_name: details.workspace_name.map(|name| bounded_name(&name)),
            owner: bounded_owner(details.owner),
        })
    }

    /// Asks Notion whose tokens these are, and of a pair, whether the two belong together.
    pub async fn bots(&self, tokens: &Tokens) -> Result<(Bot, Option<Bot>), TokenError> {
        let bot = self.bot(&tokens.access).await?;
        let Some(write) = &tokens.write else { return Ok((bot, None)) };
        let writer = self.bot(write).await?;
        fit(&bot, &writer)?;
        Ok((bot, Some(writer)))
    }

    /// Asks Notion whether a database is there for the token.
    pub async fn database(&self, token: &SecretString, id: Id) -> Result<(), TokenError> {
        let (status, body) = self.ask(token, &format!("/v1/databases/{id}")).await?;
        match status {
            200 => Ok(()),
            404 => Err(TokenError::DatabaseNotFound(id)),
            status => Err(unexpected(status, &body)),
        }
    }

    async fn ask(
        &self,
        token: &SecretString,
        path: &str,
    ) -> Result<(u16, bytes::Bytes), TokenError> {
        let request = Request {
            method: Method::GET,
            path_and_query: path.to_owned(),
            version: Version::DEFAULT.as_str(),
            body: RequestBody::Empty,
            repeatable: true,
        };
        self.send(request, token).await
    }

    pub(super) async fn send(
        &self,
        request: Request,
        token: &SecretString,
    ) -> Result<(u16, bytes::Bytes), TokenError> {
        let url = || self.client.settings().base_url.clone();
        let answer = self
            .client
            .send(request, token)
            .await
            .map_err(|source| TokenError::Unreachable { url: url(), source })?;
        let (status, _, body) = answer.collect(1024 * 1024).await.map_err(|error| {
            TokenError::Unexpected { status: 200, text: format!("the answer broke off: {error}") }
        })?;
        Ok((status.as_u16(), body))
    }

    /// Asks for a page that cannot exist, to learn how Notion says so to this token.
    pub(crate) async fn not_found_form(
        &self,
        token: &SecretString,
        id: Id,
    ) -> Option<NotFoundForm> {
        let (status, body) = self.ask(token, &format!("/v1/pages/{id}")).await.ok()?;
        let sample = (status == 404).then(|| ApiError::parse(status, &body)).flatten()?;
        sample.message.contains(&id.to_string()).then_some(NotFoundForm { sample, id })
    }
}

/// Two tokens make a pair if they are two integrations of one workspace.
fn fit(reader: &Bot, writer: &Bot) -> Result<(), TokenError> {
    let name = |name: &Option<String>| name.clone().unwrap_or_else(|| "(unnamed)".to_owned());
    if reader.id == writer.id {
        return Err(TokenError::Mismatch(
            "both tokens of the pair belong to the same integration: make a second one that may \
             write, or give the one token alone"
                .to_owned(),
        ));
    }
    let same = match (reader.workspace_id, writer.workspace_id) {
        (Some(a), Some(b)) => a == b,
        _ => reader.workspace_name == writer.workspace_name,
    };
    if same {
        return Ok(());
    }
    Err(TokenError::Mismatch(format!(
        "the tokens of the pair belong to two workspaces: the one that reads to \"{}\", the one that \
         writes to \"{}\"; both must belong to the same",
        name(&reader.workspace_name),
        name(&writer.workspace_name)
    )))
}

/// Whether a base URL is that of Notion itself: tokens of a sandbox are not sent there.
pub fn is_notions_own(base_url: &str) -> bool {
    let uri = base_url.parse::<http::Uri>().ok();
    let host = uri.as_ref().and_then(http::Uri::host).unwrap_or_default().to_ascii_lowercase();
    host.trim_end_matches('.') == "api.notion.com"
}

/// Notion's answer about an object that is not there, as a token gets it.
#[derive(Clone)]
pub(crate) struct NotFoundForm {
    pub(super) sample: ApiError,
    pub(super) id: Id,
}

impl NotFoundForm {
    /// The same answer about another object.
    pub(super) fn about(self, kind: Kind, id: Id) -> ApiError {
        let Self { sample, id: probed } = self;
        let message = sample.message.replace(&probed.to_string(), &id.to_string()).replacen(
            "find page with",
            &format!("find {kind} with"),
            1,
        );
        ApiError { message, ..sample }
    }
}

fn unexpected(status: u16, body: &[u8]) -> TokenError {
    let text =
        ApiError::parse(status, body).map_or_else(|| "no error object".to_owned(), |e| e.message);
    TokenError::Unexpected { status, text }
}
