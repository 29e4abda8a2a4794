//! Reads blocks of a request into drafts, and the changes of an update.

use serde_json::{Map, Value, json};

use super::block_body::read_body;
use super::check::{Checked, Spot, fix_one};
use crate::fail::Fail;
use notion::{Id, Version};

/// Most children of one array.
pub(crate) const CHILDREN_MAX: usize = 100;
/// Most blocks of one request.
const BLOCKS_MAX: usize = 1000;
/// Below this level a block may not bring children.
const LEVEL_MAX: usize = 2;

/// Types that a request may create, in the order in which the validator lists them.
const CREATABLE: [&str; 33] = [
    "embed",
    "bookmark",
    "image",
    "video",
    "pdf",
    "file",
    "audio",
    "code",
    "equation",
    "divider",
    "breadcrumb",
    "tab",
    "table_of_contents",
    "link_to_page",
    "table_row",
    "table",
    "column_list",
    "column",
    "heading_1",
    "heading_2",
    "heading_3",
    "heading_4",
    "paragraph",
    "bulleted_list_item",
    "numbered_list_item",
    "quote",
    "to_do",
    "toggle",
    "template",
    "callout",
    "synced_block",
    "child_page",
    "child_database",
];
/// The last two cannot be created, but their names are understood.
const LISTED: usize = 31;

/// A block that is to be made, checked through and through.
///
/// Markdown also names what is there already, and pages and databases among the blocks: their
/// `kind` is `child_page` or `child_database`, and `id` says which one.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Draft {
    /// What it stands for, where that is there already.
    pub(crate) id: Option<Id>,
    pub(crate) kind: &'static str,
    pub(crate) body: Value,
    pub(crate) children: Vec<Self>,
}

/// Reads an array of blocks.
pub(crate) fn read(spot: &Spot, version: Version) -> Result<Vec<Draft>, Fail> {
    let mut left = BLOCKS_MAX;
    read_level(spot, version, 0, None, &mut left)
}

fn read_level(
    spot: &Spot,
    version: Version,
    level: usize,
    within: Option<&'static str>,
    left: &mut usize,
) -> Result<Vec<Draft>, Fail> {
    let mut drafts = Vec::new();
    for item in spot.items(CHILDREN_MAX)? {
        *left = left.checked_sub(1).ok_or_else(|| {
            Fail::validation(format!(
                "body failed validation: the request holds more than {BLOCKS_MAX} blocks."
            ))
        })?;
        drafts.push(read_one(&item, version, level, within, left)?);
    }
    Ok(drafts)
}

fn read_one(
    spot: &Spot,
    version: Version,
    level: usize,
    within: Option<&'static str>,
    left: &mut usize,
) -> Result<Draft, Fail> {
    spot.object()?;
    if version >= Version::V2026_03_11 && spot.get("archived").is_there() {
        return Err(spot.get("archived").not_present().into());
    }
    let kind = kind_of(spot)?;
    let member = spot.get(kind);
    member.object()?;
    if kind.starts_with("child_") {
        return Err(member.not_present().into());
    }
    let fits = match kind {
        "column" => matches!(within, None | Some("column_list")),
        "table_row" => within.is_none() || within == Some("table"),
        "column_list" => level == 0,
        _ => !matches!(within, Some("column_list" | "table")),
    };
    if !fits {
        return Err(member.not_present().into());
    }
    let body = read_body(kind, &member)?;
    let inner = member.get("children");
    let outer = spot.get("children");
    let given = if inner.is_there() { inner } else { outer };
    let children = if given.is_there() {
        if level >= LEVEL_MAX || !takes_children(kind, &body) {
            return Err(given.not_present().into());
        }
        read_level(&given, version, level + 1, Some(kind), left)?
    } else if matches!(kind, "column_list" | "column" | "table" | "tab") {
        return Err(member.get("children").undefined().into());
    } else {
        Vec::new()
    };
    check_children(kind, &body, &children, &member)?;
    Ok(Draft { id: None, kind, body, children })
}

fn check_children(kind: &str, body: &Value, children: &[Draft], spot: &Spot) -> Checked<()> {
    let least = match kind {
        "column_list" => 2,
        "table" => 1,
        _ => 0,
    };
    if children.len() < least {
        return Err(spot
            .get("children")
            .get("length")
            .complain(format!("should be ≥ `{least}`, instead was `{}`", children.len())));
    }
    if kind == "table" {
        let width = body["table_width"].as_u64().unwrap_or_default();
        let odd = children
            .iter()
            .find(|row| row.body["cells"].as_array().map_or(0, Vec::len) as u64 != width);
        if let Some(row) = odd {
            let cells = row.body["cells"].as_array().map_or(0, Vec::len);
            return Err(spot.get("children").complain(format!(
                "should have rows of `{width}` cells, as `table_width` says, instead one had `{cells}`"
            )));
        }
    }
    Ok(())
}

/// The type of a block in a request: its `type`, else the one member that is named like a type.
fn kind_of(spot: &Spot) -> Result<&'static str, Fail> {
    let named = spot.get("type").value.and_then(Value::as_str);
    if let Some(kind) = named.and_then(|name| CREATABLE.into_iter().find(|kind| *kind == name)) {
        return Ok(kind);
    }
    let found = CREATABLE.into_iter().find(|kind| spot.get(kind).is_there());
    found.ok_or_else(|| {
        fix_one(CREATABLE[..LISTED].iter().map(|kind| spot.get(kind).undefined()).collect())
    })
}

/// Whether blocks of this type may have children (headings only as toggles).
pub(crate) fn takes_children(kind: &str, body: &Value) -> bool {
    match kind {
        "heading_1" | "heading_2" | "heading_3" | "heading_4" => body["is_toggleable"] == true,
        "paragraph" | "bulleted_list_item" | "numbered_list_item" | "quote" | "to_do"
        | "toggle" | "template" | "callout" | "synced_block" | "column" | "column_list"
        | "table" | "tab" => true,
        _ => false,
    }
}

/// Works an update into a block's body: what the request names is replaced, the rest stays.
pub(crate) fn updated(kind: &str, old: &Value, spot: &Spot) -> Result<Value, Fail> {
    spot.object()?;
    let Some(kind) = CREATABLE.into_iter().find(|known| *known == kind) else {
        return Err(spot.not_present().into());
    };
    let children = spot.get("children");
    if children.value.is_some_and(|value| *value != json!([])) {
        return Err(children.not_present().into());
    }
    if kind == "table" && spot.get("table_width").is_there() {
        return Err(spot.get("table_width").not_present().into());
    }
    // A whole body, made of the old one and the request, goes through the reader for new blocks.
    let mut whole = old.as_object().cloned().unwrap_or_default();
    for (key, value) in spot.object()? {
        if matches!(key.as_str(), "external" | "file" | "file_upload") {
            for other in ["external", "file", "file_upload", "type"] {
                whole.shift_remove(other);
            }
        }
        let key = if key == "text" && !has_member(spot, "rich_text") { "rich_text" } else { key };
        whole.insert(key.to_owned(), value.clone());
    }
    let whole = Value::Object(Map::from_iter([(kind.to_owned(), Value::Object(whole))]));
    read_body(kind, &Spot::body(&whole).get(kind))
}

fn has_member(spot: &Spot, key: &str) -> bool {
    spot.get(key).is_there()
}
