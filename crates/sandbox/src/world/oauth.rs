//! OAuth: the clients that may ask people, the codes that consent gave them, and the pairs of
//! tokens that they got for a code.

use std::fmt;

use indexmap::IndexMap;
use jiff::{SignedDuration, Timestamp};
use notion::{Capabilities, Id};
use serde::{Deserialize, Serialize};

use super::World;
use super::connection::{Connection, Grant, Owner, Replaced};
use super::ids::IdSource;
use super::journal::{Change, Subject};

/// Most clients.
pub(crate) const CLIENTS_MAX: usize = 100;
/// Most codes that are remembered; the oldest are forgotten first.
const CODES_MAX: usize = 1000;
/// How long a code can be exchanged (undocumented; RFC 6749 recommends at most ten minutes).
const CODE_LIFETIME: SignedDuration = SignedDuration::from_mins(10);

/// Whose the tokens are called that a client gets. What they can do is the same.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum ClientKind {
    #[default]
    User,
    /// Token answers and bots say `workspace` as owner.
    Workspace,
}

/// A public connection, as its developer registered it.
#[derive(Clone, Deserialize, Serialize)]
pub(crate) struct Client {
    pub(crate) id: Id,
    pub(crate) secret: String,
    pub(crate) name: String,
    pub(crate) redirect_uris: Vec<String>,
    pub(crate) capabilities: Capabilities,
    #[serde(default)]
    pub(crate) template_page_id: Option<Id>,
    #[serde(default)]
    pub(crate) kind: ClientKind,
    /// How long access tokens work; without it, until they are refreshed or revoked.
    #[serde(default)]
    pub(crate) token_lifetime_ms: Option<u32>,
    /// How long the old pair goes on to work after a refresh.
    #[serde(default)]
    pub(crate) refresh_grace_ms: u32,
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client")
            .field("id", &self.id)
            .field("name", &self.name)
            .finish_non_exhaustive()
    }
}

/// What a person agreed to.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub(crate) struct Consent {
    pub(crate) person: Id,
    pub(crate) pages: Vec<Id>,
    /// A copy of the client's template, instead of pages that exist.
    #[serde(default)]
    pub(crate) template: bool,
    /// In the name of the workspace: the answer names it as owner.
    #[serde(default)]
    pub(crate) for_workspace: bool,
}

/// An authorization code.
#[derive(Clone, Deserialize, Serialize)]
pub(crate) struct Code {
    pub(crate) client: Id,
    pub(crate) consent: Consent,
    /// The redirect URI, if the authorization request named one.
    pub(crate) redirect_uri: Option<String>,
    pub(crate) issued_at: Timestamp,
    #[serde(default)]
    pub(crate) is_used: bool,
}

/// A workspace of this sandbox.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Neighbour {
    pub(crate) id: Id,
    pub(crate) name: String,
}

/// Clients by their id, codes by their text.
#[derive(Clone, Default, Deserialize, Serialize)]
pub(crate) struct OAuth {
    pub(crate) clients: IndexMap<Id, Client>,
    pub(crate) codes: IndexMap<String, Code>,
}

impl fmt::Debug for OAuth {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OAuth").field("clients", &self.clients).finish_non_exhaustive()
    }
}

impl Client {
    /// An app that may do everything.
    pub(crate) fn new(ids: &mut IdSource, name: &str, redirect_uris: Vec<String>) -> Self {
        Self {
            id: ids.random(),
            secret: ids.secret("secret_sandbox"),
            name: name.to_owned(),
            redirect_uris,
            capabilities: Capabilities::ALL,
            template_page_id: None,
            kind: ClientKind::default(),
            token_lifetime_ms: None,
            refresh_grace_ms: 0,
        }
    }
}

fn later(now: Timestamp, by: SignedDuration) -> Timestamp {
    now.checked_add(by).unwrap_or(Timestamp::MAX)
}

impl Code {
    pub(crate) fn has_ended(&self, now: Timestamp) -> bool {
        now >= later(self.issued_at, CODE_LIFETIME)
    }
}

impl World {
    /// A code for what a person agreed to.
    pub(crate) fn issue_code(
        &mut self,
        client: Id,
        consent: Consent,
        redirect_uri: Option<String>,
    ) -> String {
        let text = self.ids.random().to_string();
        let code = Code { client, consent, redirect_uri, issued_at: self.now(), is_used: false };
        self.oauth.codes.insert(text.clone(), code);
        if self.oauth.codes.len() > CODES_MAX {
            self.oauth.codes.shift_remove_index(0);
        }
        text
    }

    /// The connection that a person's consent to a client made before.
    pub(crate) fn authorised(&self, client: Id, person: Id) -> Option<Id> {
        let fits = |one: &&Connection| {
            one.owner == Owner::User(person)
                && one.grant.as_ref().is_some_and(|grant| grant.client == client)
        };
        self.connections.values().find(fits).map(|connection| connection.bot_id)
    }

    /// Exchanges a code that is good: gives the bot.
    ///
    /// A person who authorises a client again keeps the bot; its tokens and pages are replaced
    /// (undocumented, the sandbox's own choice).
    pub(crate) fn redeem(&mut self, client: &Client, text: &str) -> Option<Id> {
        let code = self.oauth.codes.get_mut(text)?;
        code.is_used = true;
        let Consent { person, mut pages, template, for_workspace } = code.consent.clone();
        let copy = client.template_page_id.filter(|_| template);
        let copy = copy.and_then(|page| self.duplicate(page, person));
        if let Some(copy) = copy {
            pages.push(copy);
            self.note(person, Subject::Node(copy), Change::Created);
            self.note_content(person, &[copy]);
        }
        let bot_id = self.authorised(client.id, person).unwrap_or_else(|| self.ids.random());
        let token = self.ids.token();
        let grant = Grant {
            client: client.id,
            code: text.to_owned(),
            refresh_token: self.ids.refresh_token(),
            issued_at: self.now(),
            duplicated_template_id: copy,
            for_workspace,
            replaced: None,
        };
        let connection = Connection {
            shared: pages,
            owner: Owner::User(person),
            expires_at: self.end_of_token(client),
            grant: Some(grant),
            ..Connection::new(bot_id, client.name.as_str(), token, client.capabilities)
        };
        self.connections.insert(bot_id, connection);
        Some(bot_id)
    }

    fn end_of_token(&self, client: &Client) -> Option<Timestamp> {
        let lifetime = client.token_lifetime_ms?;
        Some(later(self.now(), SignedDuration::from_millis(lifetime.into())))
    }

    /// Takes back what a code gave, unless its person has authorised anew since.
    pub(crate) fn take_back(&mut self, text: &str) {
        let gave =
            |one: &&mut Connection| one.grant.as_ref().is_some_and(|grant| grant.code == text);
        if let Some(connection) = self.connections.values_mut().find(gave) {
            connection.revoke();
        }
    }

    /// The connection of `client` that a refresh token belongs to, and whether it is the current
    /// one rather than the one before, in its time of grace.
    pub(crate) fn refreshable(&self, client: Id, refresh_token: &str) -> Option<(Id, bool)> {
        let now = self.now();
        self.connections.values().find_map(|one| {
            let grant = one.grant.as_ref().filter(|grant| grant.client == client)?;
            one.token.as_ref()?;
            let old = grant.replaced.as_ref();
            let is_old =
                old.is_some_and(|old| old.refresh_token == refresh_token && now < old.until);
            let is_current = grant.refresh_token == refresh_token;
            (is_current || is_old).then_some((one.bot_id, is_current))
        })
    }

    /// Gives a connection a new pair of tokens.
    pub(crate) fn rotate(&mut self, client: &Client, bot: Id) {
        let (now, expires_at) = (self.now(), self.end_of_token(client));
        let (token, refresh_token) = (self.ids.token(), self.ids.refresh_token());
        let Some(connection) = self.connections.get_mut(&bot) else { return };
        let old_token = connection.token.replace(token);
        connection.expires_at = expires_at;
        if let Some(grant) = &mut connection.grant {
            let old_refresh = std::mem::replace(&mut grant.refresh_token, refresh_token);
            let grace = SignedDuration::from_millis(client.refresh_grace_ms.into());
            let replaced = old_token.map(|token| Replaced {
                token,
                refresh_token: old_refresh,
                until: later(now, grace),
            });
            grant.replaced = replaced.filter(|_| client.refresh_grace_ms > 0);
            grant.issued_at = now;
        }
    }

    /// The connection of `client` that a token of either sort is good for.
    pub(crate) fn holder(&self, client: Id, token: &str) -> Option<Id> {
        let now = self.now();
        let fits = |one: &&Connection| {
            one.opens_with(token, now)
                && one.grant.as_ref().is_some_and(|grant| grant.client == client)
        };
        let by_access = self.connections.values().find(fits).map(|one| one.bot_id);
        by_access.or_else(|| Some(self.refreshable(client, token)?.0))
    }

    /// Whether a token of either sort is, or was just now, one of this workspace's.
    pub(crate) fn knows_token(&self, token: &str) -> bool {
        self.connections.values().any(|one| {
            let grant = one.grant.as_ref();
            let replaced = grant.and_then(|grant| grant.replaced.as_ref());
            one.token.as_deref() == Some(token)
                || grant.is_some_and(|grant| grant.refresh_token == token)
                || replaced.is_some_and(|old| old.token == token || old.refresh_token == token)
        })
    }

    /// Takes the clients that there are now; what others got that are gone is worthless.
    pub(crate) fn take_clients(&mut self, clients: &IndexMap<Id, Client>) {
        let mut gone: Vec<Id> = self.oauth.clients.keys().copied().collect();
        gone.retain(|id| !clients.contains_key(id));
        for id in gone {
            self.remove_client(id);
        }
        for (id, client) in clients {
            // A template is a page of the first workspace.
            let client = Client { template_page_id: None, ..client.clone() };
            self.oauth.clients.insert(*id, client);
        }
    }

    /// Removes a client, and all that it got.
    pub(crate) fn remove_client(&mut self, id: Id) -> bool {
        self.oauth.codes.retain(|_, code| code.client != id);
        for connection in self.connections.values_mut() {
            if connection.grant.as_ref().is_some_and(|grant| grant.client == id) {
                connection.revoke();
            }
        }
        self.oauth.clients.shift_remove(&id).is_some()
    }
}
