//! A connection: one credential to one workspace.

use std::fmt;

use jiff::Timestamp;
use notion::{Capabilities, Id};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::tenant::TenantId;

/// The id of a connection: the id of the bot that its credential acts as.
#[derive(Clone, Copy, Debug, Deserialize, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize)]
#[serde(transparent)]
pub struct ConnectionId(pub Id);

impl ConnectionId {
    /// In place of an id where there is no connection: no bot has it.
    pub const NONE: Self = Self(Id::NIL);
}

impl fmt::Display for ConnectionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// What is known of a connection, its credentials aside.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
pub struct Connection {
    /// The bot of the credential; of a pair, the bot that reads.
    pub bot_id: ConnectionId,
    /// Whose it is.
    #[serde(skip)]
    pub tenant: TenantId,
    /// The bot's name: the connection's name in the workspace's settings.
    pub name: String,
    /// How its credential is made.
    pub kind: ConnectionKind,
    /// The workspace, as far as Notion tells.
    pub workspace_id: Option<Id>,
    /// The workspace's name, as far as Notion tells.
    pub workspace_name: Option<String>,
    /// The workspace's icon: a URL or an emoji.
    pub workspace_icon: Option<String>,
    /// Who authorised it, as Notion says it.
    pub owner: Option<Value>,
    /// The page that was made from the template when it was authorised.
    pub duplicated_template_id: Option<Id>,
    /// What Notion lets the credential do; `None` if that could not be found out.
    pub capabilities: Option<Capabilities>,
    /// The half of a pair that writes.
    pub writer: Option<Writer>,
    /// How it came here.
    pub origin: Origin,
    /// Whether calls go out by it.
    pub state: ConnectionState,
    /// Why it is in this state, in a word for machines.
    pub state_reason: Option<String>,
    /// When it was authorised the last time.
    pub authorized_at: Timestamp,
    /// Who gave it to notegate: a principal's name.
    pub authorized_by: String,
    /// Since when its credential is the one that it is.
    pub rotated_at: Timestamp,
    /// When a call went out by it the last time.
    pub last_used_at: Option<Timestamp>,
}

impl Connection {
    /// An active connection of which no more is known than this.
    pub fn new(
        tenant: TenantId,
        bot_id: ConnectionId,
        name: impl Into<String>,
        kind: ConnectionKind,
        origin: Origin,
        now: Timestamp,
    ) -> Self {
        Self {
            bot_id,
            tenant,
            name: name.into(),
            kind,
            workspace_id: None,
            workspace_name: None,
            workspace_icon: None,
            owner: None,
            duplicated_template_id: None,
            capabilities: None,
            writer: None,
            origin,
            state: ConnectionState::Active,
            state_reason: None,
            authorized_at: now,
            authorized_by: String::new(),
            rotated_at: now,
            last_used_at: None,
        }
    }
}

/// The half of a pair that writes: another internal integration of the same workspace.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct Writer {
    /// Its bot.
    pub bot_id: ConnectionId,
    /// The bot's name.
    pub name: String,
    /// What Notion lets it do; `None` if that could not be found out.
    pub capabilities: Option<Capabilities>,
}

/// The text is none of the words that are known.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("the word is unknown")]
pub struct UnknownWord;

/// An enum whose variants have a word each, the same in JSON, in the store and in the ledger.
macro_rules! words {
    ($(#[$about:meta])* $name:ident { $($(#[$variant_about:meta])* $variant:ident = $word:literal,)+ }) => {
        $(#[$about])*
        #[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
        pub enum $name {
            $($(#[$variant_about])* $variant,)+
        }

        impl $name {
            /// The word for it.
            pub fn as_str(self) -> &'static str {
                match self {
                    $(Self::$variant => $word,)+
                }
            }
        }

        impl std::str::FromStr for $name {
            type Err = UnknownWord;

            fn from_str(text: &str) -> Result<Self, UnknownWord> {
                match text {
                    $($word => Ok(Self::$variant),)+
                    _ => Err(UnknownWord),
                }
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(self.as_str())
            }
        }

        impl Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(self.as_str())
            }
        }
    };
}

words! {
    /// How a connection's credential is made.
    ConnectionKind {
        /// The token of an internal integration; it lasts until somebody replaces it.
        Internal = "internal",
        /// Tokens from an OAuth installation, which are refreshed.
        Oauth = "oauth",
    }
}

words! {
    /// How a connection came here.
    Origin {
        /// The environment names its token at every start.
        Environment = "environment",
        /// An admin gave its token.
        Given = "given",
        /// Somebody installed it by OAuth.
        Oauth = "oauth",
    }
}

words! {
    /// Whether calls go out by a connection.
    ConnectionState {
        /// They do.
        Active = "active",
        /// They do; the credential is about to be replaced.
        Rotating = "rotating",
        /// Not until somebody authorises it again.
        NeedsReauthorization = "needs_reauthorization",
        /// Not any more: its credential is gone.
        Revoked = "revoked",
    }
}

impl ConnectionState {
    /// Whether calls go out by a connection in this state.
    pub fn is_usable(self) -> bool {
        matches!(self, Self::Active | Self::Rotating)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_word_reads_back() {
        for state in [
            ConnectionState::Active,
            ConnectionState::Rotating,
            ConnectionState::NeedsReauthorization,
            ConnectionState::Revoked,
        ] {
            assert_eq!(state.as_str().parse(), Ok(state));
        }
        assert_eq!("oauth".parse(), Ok(ConnectionKind::Oauth));
        assert_eq!("given".parse(), Ok(Origin::Given));
        assert_eq!("Given".parse::<Origin>(), Err(UnknownWord));
    }
}
