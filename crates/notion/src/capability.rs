//! What a connection may be allowed to do: Notion's seven capabilities.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// One of Notion's capabilities.
///
/// Source: <https://developers.notion.com/reference/capabilities>.
#[derive(Clone, Copy, Debug, Deserialize, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize)]
#[serde(try_from = "String", into = "&'static str")]
pub enum Capability {
    /// Read pages, blocks, databases.
    ReadContent,
    /// Change what exists.
    UpdateContent,
    /// Create something new.
    InsertContent,
    /// Read comments.
    ReadComments,
    /// Write comments.
    InsertComments,
    /// See people, without their addresses.
    ReadUsersWithoutEmail,
    /// See people with their addresses.
    ReadUsersWithEmail,
}

impl Capability {
    /// All seven, in the order of Notion's settings page.
    pub const ALL: [Self; 7] = [
        Self::ReadContent,
        Self::UpdateContent,
        Self::InsertContent,
        Self::ReadComments,
        Self::InsertComments,
        Self::ReadUsersWithoutEmail,
        Self::ReadUsersWithEmail,
    ];

    /// The name, as notegate writes it; Notion's OAuth scopes use the same words for content.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::ReadContent => "read_content",
            Self::UpdateContent => "update_content",
            Self::InsertContent => "insert_content",
            Self::ReadComments => "read_comments",
            Self::InsertComments => "insert_comments",
            Self::ReadUsersWithoutEmail => "read_users_without_email",
            Self::ReadUsersWithEmail => "read_users_with_email",
        }
    }
}

impl fmt::Display for Capability {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The text names no capability.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error(
    "`{0}` is no capability of Notion; there are: read_content, update_content, insert_content, \
     read_comments, insert_comments, read_users_without_email, read_users_with_email"
)]
pub struct ParseCapabilityError(String);

impl FromStr for Capability {
    type Err = ParseCapabilityError;

    /// Reads a name; people write the two about users in several ways, and all are understood.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let name = text.trim().to_ascii_lowercase().replace([' ', '-'], "_");
        let user_form = name
            .replace("user_information", "users")
            .replace("user_info", "users")
            .replace("including", "with")
            .replace("excluding", "without")
            .replace("read_user_", "read_users_")
            .replace("email_addresses", "email")
            .replace("emails", "email");
        match user_form.as_str() {
            "read_users" | "users_without_email" => return Ok(Self::ReadUsersWithoutEmail),
            "read_users_email" | "users_with_email" => return Ok(Self::ReadUsersWithEmail),
            _ => {}
        }
        Self::ALL
            .into_iter()
            .find(|capability| capability.as_str() == user_form)
            .ok_or_else(|| ParseCapabilityError(text.chars().take(60).collect()))
    }
}

impl TryFrom<String> for Capability {
    type Error = ParseCapabilityError;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<Capability> for &'static str {
    fn from(capability: Capability) -> Self {
        capability.as_str()
    }
}

/// A set of capabilities, one bit each.
#[derive(Clone, Copy, Default, Eq, Hash, PartialEq)]
pub struct Capabilities(u8);

impl Capabilities {
    /// Every capability.
    pub const ALL: Self = Self(0b111_1111);
    /// None.
    pub const NONE: Self = Self(0);

    /// Whether the set grants `capability`; seeing people with addresses includes seeing them.
    pub fn grants(self, capability: Capability) -> bool {
        self.has(capability)
            || (capability == Capability::ReadUsersWithoutEmail
                && self.has(Capability::ReadUsersWithEmail))
    }

    /// The members, in the order of [`Capability::ALL`].
    pub fn iter(self) -> impl Iterator<Item = Capability> {
        Capability::ALL.into_iter().filter(move |capability| self.has(*capability))
    }

    fn has(self, capability: Capability) -> bool {
        self.0 & (1 << capability as u8) != 0
    }
}

impl FromIterator<Capability> for Capabilities {
    fn from_iter<T: IntoIterator<Item = Capability>>(iter: T) -> Self {
        Self(iter.into_iter().fold(0, |bits, capability| bits | 1 << capability as u8))
    }
}

impl fmt::Debug for Capabilities {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.iter().map(Capability::as_str)).finish()
    }
}

impl Serialize for Capabilities {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.iter())
    }
}

impl<'de> Deserialize<'de> for Capabilities {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Vec::<Capability>::deserialize(deserializer).map(|all| all.into_iter().collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_the_ways_people_write_it() {
        for (text, expected) in [
            ("read_content", Capability::ReadContent),
            ("Read content", Capability::ReadContent),
            ("read_user_info", Capability::ReadUsersWithoutEmail),
            ("read_user_with_email", Capability::ReadUsersWithEmail),
            ("read_user_information_including_email_addresses", Capability::ReadUsersWithEmail),
        ] {
            assert_eq!(text.parse(), Ok(expected), "{text}");
        }
        assert!("delete_everything".parse::<Capability>().is_err());
    }

    #[test]
    fn seeing_addresses_includes_seeing_people() {
        let set = Capabilities::from_iter([Capability::ReadUsersWithEmail]);
        assert!(set.grants(Capability::ReadUsersWithoutEmail));
        assert!(!Capabilities::NONE.grants(Capability::ReadContent));
        assert_eq!(Capabilities::ALL.iter().count(), 7);
    }
}
