//! Notion's object ids, in every form that people paste.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use url::Url;
use uuid::Uuid;

/// The id of a Notion object: a UUID, always written dashed and in lower case.
///
/// Notion takes ids with and without dashes and answers dashed ones.
#[derive(Clone, Copy, Debug, Deserialize, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize)]
#[serde(try_from = "String", into = "String")]
pub struct Id(Uuid);

impl Id {
    /// The id of nothing.
    pub const NIL: Self = Self(Uuid::nil());

    /// Reads an id as the API takes it: 32 hexadecimal digits, with the four dashes or without any.
    ///
    /// Like Notion, this refuses UUIDs of version 1 to 3 and of a foreign variant; the nil UUID is
    /// an id (measured on the real service).
    pub fn parse(text: &str) -> Option<Self> {
        if text.len() != 36 && text.len() != 32 {
            return None;
        }
        let uuid = Uuid::try_parse(text).ok()?;
        let known = uuid.is_nil()
            || (uuid.get_version_num() >= 4
                && uuid.get_version_num() <= 8
                && uuid.get_variant() == uuid::Variant::RFC4122);
        known.then_some(Self(uuid))
    }

    /// An id out of 16 bytes, as made by a generator.
    pub fn from_bytes(bytes: [u8; 16]) -> Self {
        Self(Uuid::from_bytes(bytes))
    }

    /// The 16 bytes of the id.
    pub fn as_bytes(&self) -> &[u8; 16] {
        self.0.as_bytes()
    }

    /// 32 hexadecimal digits, as in Notion's URLs.
    pub fn plain(&self) -> String {
        self.0.simple().to_string()
    }

    /// Finds the id in what a person pastes: an id, or any URL of Notion's app, its published
    /// sites or its desktop client.
    ///
    /// ```
    /// use notion::Id;
    /// let id = Id::parse("0a1b2c3d4e5f4a6b8c7d9e0f1a2b3c4d").unwrap();
    /// for pasted in [
    ///     "https://www.notion.so/acme/Road-map-0a1b2c3d4e5f4a6b8c7d9e0f1a2b3c4d?pvs=4",
    ///     "https://app.notion.com/p/road-map-0a1b2c3d4e5f4a6b8c7d9e0f1a2b3c4d",
    ///     "https://acme.notion.site/0a1b2c3d4e5f4a6b8c7d9e0f1a2b3c4d",
    ///     "notion://www.notion.so/Road-map-0a1b2c3d4e5f4a6b8c7d9e0f1a2b3c4d",
    ///     " 0a1b2c3d-4e5f-4a6b-8c7d-9e0f1a2b3c4d ",
    /// ] {
    ///     assert_eq!(Id::from_pasted(pasted), Some(id), "{pasted}");
    /// }
    /// ```
    pub fn from_pasted(text: &str) -> Option<Self> {
        Pasted::parse(text).map(|pasted| pasted.object)
    }
}

/// What a pasted id or URL points at.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Pasted {
    /// The page or database. In a URL with `?p=` it is the page that is open on top.
    pub object: Id,
    /// The view of a database (`?v=`).
    pub view: Option<Id>,
    /// The block that the URL scrolls to (`#…`).
    pub block: Option<Id>,
}

impl Pasted {
    /// Reads an id or a URL; `None` when it holds no id.
    pub fn parse(text: &str) -> Option<Self> {
        let text = text.trim().trim_matches(['<', '>', '"', '\'']);
        if let Some(object) = Id::parse(text) {
            return Some(Self { object, view: None, block: None });
        }
        let with_scheme;
        let text = if text.contains("://") {
            text
        } else {
            with_scheme = format!("https://{text}");
            &with_scheme
        };
        let url = Url::parse(text).ok()?;
        let query = |name| url.query_pairs().find(|(key, _)| key == name).map(|(_, value)| value);
        let in_path = url
            .path_segments()
            .and_then(|segments| segments.rev().find_map(trailing_id))
            .or_else(|| url.host_str().and_then(Id::parse));
        let object = query("p").and_then(|value| Id::parse(&value)).or(in_path)?;
        Some(Self {
            object,
            view: query("v").and_then(|value| Id::parse(&value)),
            block: url.fragment().and_then(|fragment| {
                Id::parse(fragment.strip_prefix("block-").unwrap_or(fragment))
            }),
        })
    }
}

/// The id at the end of a path segment like `Road-map-0a1b…` (a dashed or a plain one).
fn trailing_id(segment: &str) -> Option<Id> {
    [36, 32]
        .into_iter()
        .filter_map(|length| segment.len().checked_sub(length))
        .filter_map(|start| segment.get(start..))
        .find_map(Id::parse)
}

impl fmt::Display for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.as_hyphenated().fmt(f)
    }
}

/// The text is not an id.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error("`{0}` is not an id of Notion: 32 hexadecimal digits, with or without dashes")]
pub struct ParseIdError(String);

impl FromStr for Id {
    type Err = ParseIdError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::parse(text).ok_or_else(|| ParseIdError(text.chars().take(80).collect()))
    }
}

impl TryFrom<String> for Id {
    type Error = ParseIdError;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<Id> for String {
    fn from(id: Id) -> Self {
        id.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn takes_what_notion_takes() {
        let taken = [
            "00000000-0000-0000-0000-000000000000",
            "0a1b2c3d-4e5f-4a6b-8c7d-9e0f1a2b3c4d",
            "0A1B2C3D4E5F4A6B8C7D9E0F1A2B3C4D",
            "38c9ce7b-60a4-81d7-9c8f-0027e2be250c",
        ];
        let refused = [
            "",
            "AAA",
            "12345678-1234-1234-1234-123456789abc",
            "f3f2e850-b5d4-11ef-ac7e-96584d5248b2",
            "0a1b2c3d-4e5f4a6b-8c7d-9e0f1a2b3c4d0",
            "{0a1b2c3d-4e5f-4a6b-8c7d-9e0f1a2b3c4d}",
            "0a1b2c3d4e5f4a6b8c7d9e0f1a2b3c4g",
        ];
        for text in taken {
            assert!(Id::parse(text).is_some(), "{text}");
        }
        for text in refused {
            assert!(Id::parse(text).is_none(), "{text}");
        }
    }

    #[test]
    fn reads_views_blocks_and_peeked_pages() {
        let page = Id::parse("0a1b2c3d4e5f4a6b8c7d9e0f1a2b3c4d").unwrap();
        let other = Id::parse("38c9ce7b60a481d79c8f0027e2be250c").unwrap();
        let cases = [
            (
                "https://www.notion.so/acme/0a1b2c3d4e5f4a6b8c7d9e0f1a2b3c4d?v=38c9ce7b60a481d79c8f0027e2be250c",
                Pasted { object: page, view: Some(other), block: None },
            ),
            (
                "https://www.notion.so/Doc-0a1b2c3d4e5f4a6b8c7d9e0f1a2b3c4d#38c9ce7b60a481d79c8f0027e2be250c",
                Pasted { object: page, view: None, block: Some(other) },
            ),
            (
                "www.notion.so/38c9ce7b60a481d79c8f0027e2be250c?p=0a1b2c3d4e5f4a6b8c7d9e0f1a2b3c4d&pm=s",
                Pasted { object: page, view: None, block: None },
            ),
        ];
        for (text, expected) in cases {
            assert_eq!(Pasted::parse(text), Some(expected), "{text}");
        }
        assert_eq!(Pasted::parse("https://www.notion.so/Plain-title"), None);
        assert_eq!(Pasted::parse("not an id"), None);
    }

    proptest::proptest! {
        #[test]
        fn never_panics(text in ".{0,80}") {
            let _ = Pasted::parse(&text);
        }

        #[test]
        fn reads_what_it_writes(bytes: [u8; 16]) {
            let mut bytes = bytes;
            bytes[6] = bytes[6] & 0x0f | 0x40;
            bytes[8] = bytes[8] & 0x3f | 0x80;
            let id = Id::from_bytes(bytes);
            proptest::prop_assert_eq!(Id::parse(&id.to_string()), Some(id));
            proptest::prop_assert_eq!(Id::parse(&id.plain()), Some(id));
        }
    }
}
