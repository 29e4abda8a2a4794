//! A connection: a token, its capabilities, whom it acts for, and the pages that were shared with it.

use std::fmt;

use jiff::Timestamp;
use notion::{Capabilities, Id};
use serde::{Deserialize, Serialize};

/// Whose the connection is, and so as whom it acts and how far it sees.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Owner {
    /// An internal connection: a bot of its own that sees what was shared with it.
    Workspace,
    /// A person authorised it: a bot that sees what was shared with it and the person sees too.
    User(Id),
    /// A personal access token: no bot, it acts as the person and sees what the person sees.
    Personal(Id),
}

impl Owner {
    /// The person behind it.
    pub(crate) fn person(self) -> Option<Id> {
        match self {
            Self::Workspace => None,
            Self::User(person) | Self::Personal(person) => Some(person),
        }
    }
}

/// What an OAuth client got for a person's consent.
#[derive(Clone, Deserialize, Serialize)]
pub(crate) struct Grant {
    pub(crate) client: Id,
    /// The code that it came from.
    pub(crate) code: String,
    pub(crate) refresh_token: String,
    pub(crate) issued_at: Timestamp,
    /// The copy of the client's template that was made for it.
    #[serde(default)]
    pub(crate) duplicated_template_id: Option<Id>,
    /// Answers name the workspace as owner.
    #[serde(default)]
    pub(crate) for_workspace: bool,
    /// The pair before the last refresh, as long as it may still be used.
    #[serde(default)]
    pub(crate) replaced: Option<Replaced>,
}

/// A pair of tokens that was replaced, in its time of grace.
#[derive(Clone, Deserialize, Serialize)]
pub(crate) struct Replaced {
    pub(crate) token: String,
    pub(crate) refresh_token: String,
    pub(crate) until: Timestamp,
}

/// A connection of any kind, keyed by the id of its bot; a personal token's is just a name for it.
#[derive(Clone, Deserialize, Serialize)]
pub(crate) struct Connection {
    pub(crate) bot_id: Id,
    pub(crate) name: String,
    /// `None` once the connection was removed; its bot stays known as an author.
    pub(crate) token: Option<String>,
    pub(crate) capabilities: Capabilities,
    /// Roots of the subtrees that it sees.
    pub(crate) shared: Vec<Id>,
    /// Roots of subtrees within them that it does not see: somebody took it off a page.
    #[serde(default)]
    pub(crate) hidden: Vec<Id>,
    pub(crate) owner: Owner,
    /// The picture of its bot.
    #[serde(default)]
    pub(crate) avatar_url: Option<String>,
    /// When the token ends, if it does.
    #[serde(default)]
    pub(crate) expires_at: Option<Timestamp>,
    #[serde(default)]
    pub(crate) grant: Option<Grant>,
    /// The token before the last renewal in the developer portal, as long as it may still be used.
    #[serde(default)]
    pub(crate) renewed: Option<Renewed>,
}

/// A token that was renewed in the developer portal, in its time of grace.
#[derive(Clone, Deserialize, Serialize)]
pub(crate) struct Renewed {
    pub(crate) token: String,
    pub(crate) until: Timestamp,
}

impl Connection {
    /// An internal connection that sees nothing yet.
    pub(crate) fn new(
        bot_id: Id,
        name: impl Into<String>,
        token: String,
        capabilities: Capabilities,
    ) -> Self {
        Self {
            bot_id,
            name: name.into(),
            token: Some(token),
            capabilities,
            shared: Vec::new(),
            hidden: Vec::new(),
            owner: Owner::Workspace,
            avatar_url: None,
            expires_at: None,
            grant: None,
            renewed: None,
        }
    }

    /// Whether it is a bot that people meet as an author; personal tokens have none.
    pub(crate) fn is_bot(&self) -> bool {
        !matches!(self.owner, Owner::Personal(_))
    }

    /// Whether `token` opens it now.
    pub(crate) fn opens_with(&self, token: &str, now: Timestamp) -> bool {
        let is_current = self.token.as_deref() == Some(token)
            && self.expires_at.is_none_or(|expires_at| now < expires_at);
        let replaced = self.grant.as_ref().and_then(|grant| grant.replaced.as_ref());
        is_current
            || replaced.is_some_and(|old| old.token == token && now < old.until)
            || self.renewed.as_ref().is_some_and(|old| old.token == token && now < old.until)
    }

    /// Makes its tokens worthless and takes its pages away; as an author it stays known.
    pub(crate) fn revoke(&mut self) {
        self.token = None;
        self.renewed = None;
        self.shared.clear();
        self.hidden.clear();
        if let Some(grant) = &mut self.grant {
            grant.refresh_token.clear();
            grant.replaced = None;
        }
    }
}

impl fmt::Debug for Connection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connection")
            .field("bot_id", &self.bot_id)
            .field("name", &self.name)
            .field("capabilities", &self.capabilities)
            .field("shared", &self.shared)
            .field("hidden", &self.hidden)
            .field("owner", &self.owner)
            .finish_non_exhaustive()
    }
}
