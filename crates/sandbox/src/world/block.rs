//! A block's own data, packed: a large workspace is a million blocks.
//!
//! A body is kept as its JSON text and read when somebody looks at it. As a tree of maps, one
//! paragraph takes several kilobytes.

use std::borrow::Cow;
use std::fmt;
use std::ops::Deref;

use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value;
use serde_json::value::RawValue;

/// A block's type and the member of that name.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub(crate) struct Block {
    pub(crate) kind: BlockKind,
    body: Body,
}

impl Block {
    pub(crate) fn new(kind: impl Into<BlockKind>, body: &Value) -> Self {
        Self { kind: kind.into(), body: Body::new(body) }
    }

    /// The member named like the type.
    pub(crate) fn body(&self) -> Value {
        // Only JSON comes in, so this reads; a body nested too deep to be read shows as nothing.
        serde_json::from_str(self.body.0.get()).unwrap_or_default()
    }

    pub(crate) fn set_body(&mut self, body: &Value) {
        self.body = Body::new(body);
    }
}

/// JSON text without whitespace.
#[derive(Clone, Debug, Serialize)]
struct Body(Box<RawValue>);

impl Body {
    fn new(value: &Value) -> Self {
        Self(serde_json::value::to_raw_value(value).unwrap_or_else(|_| RawValue::NULL.to_owned()))
    }
}

impl<'de> Deserialize<'de> for Body {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let raw = <Box<RawValue>>::deserialize(deserializer)?;
        // A file that a person laid out is kept without the layout.
        if raw.get().contains('\n') {
            let value: Value = serde_json::from_str(raw.get()).map_err(serde::de::Error::custom)?;
            return Ok(Self::new(&value));
        }
        Ok(Self(raw))
    }
}

/// The name of a block type; those that are known take no memory of their own.
#[derive(Clone, Eq, PartialEq, Serialize)]
pub(crate) struct BlockKind(Cow<'static, str>);

/// Known types, sorted.
const KNOWN: [&str; 41] = [
    "ai_block",
    "audio",
    "bookmark",
    "breadcrumb",
    "bulleted_list_item",
    "button",
    "callout",
    "child_database",
    "child_page",
    "code",
    "column",
    "column_list",
    "divider",
    "embed",
    "equation",
    "file",
    "form",
    "heading_1",
    "heading_2",
    "heading_3",
    "heading_4",
    "image",
    "link_preview",
    "link_to_page",
    "meeting_notes",
    "numbered_list_item",
    "paragraph",
    "pdf",
    "quote",
    "synced_block",
    "tab",
    "table",
    "table_of_contents",
    "table_row",
    "template",
    "to_do",
    "toggle",
    "transcription",
    "unsupported",
    "video",
    "view",
];

impl From<&str> for BlockKind {
    fn from(name: &str) -> Self {
        Self(match KNOWN.binary_search(&name) {
            Ok(index) => Cow::Borrowed(KNOWN[index]),
            Err(_) => Cow::Owned(name.to_owned()),
        })
    }
}

impl From<String> for BlockKind {
    fn from(name: String) -> Self {
        Self::from(name.as_str())
    }
}

impl<'de> Deserialize<'de> for BlockKind {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(Self::from(<Cow<'de, str>>::deserialize(deserializer)?.as_ref()))
    }
}

impl BlockKind {
    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }

    /// The name if it is a known one.
    pub(crate) fn known(&self) -> Option<&'static str> {
        KNOWN.binary_search(&self.as_str()).ok().map(|index| KNOWN[index])
    }
}

impl Deref for BlockKind {
    type Target = str;

    fn deref(&self) -> &str {
        &self.0
    }
}

impl PartialEq<str> for BlockKind {
    fn eq(&self, other: &str) -> bool {
        self.as_str() == other
    }
}

impl PartialEq<&str> for BlockKind {
    fn eq(&self, other: &&str) -> bool {
        self.as_str() == *other
    }
}

impl fmt::Debug for BlockKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self.as_str(), f)
    }
}

impl fmt::Display for BlockKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_block_is_what_was_put_in() {
        assert!(KNOWN.is_sorted());
        let body = json!({"rich_text": [{"text": {"content": "a\nb"}}], "color": "default"});
        let block = Block::new("paragraph", &body);
        assert!(matches!(block.kind.0, Cow::Borrowed("paragraph")));
        assert_eq!(block.body(), body);
        let laid_out = serde_json::to_string_pretty(&block).unwrap();
        let again: Block = serde_json::from_str(&laid_out).unwrap();
        assert_eq!(json!(again), json!(block));
        assert_eq!(again.body.0.get(), block.body.0.get());
        let from_tree: Block = serde_json::from_value(json!(block)).unwrap();
        assert_eq!(from_tree.body(), body);
        let odd: Block = serde_json::from_str(r#"{"kind": "novel", "body": 7}"#).unwrap();
        assert_eq!((odd.kind.as_str(), odd.body()), ("novel", json!(7)));
    }
}
