//! Reads blocks of a request into drafts, and the changes of an update.

use serde_json::{Map, Value, json};

use super::check::{Checked, Spot, fix_one};
use super::{files, rich_text};
use crate::fail::Fail;
use notion::Version;

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

const LANGUAGES: &str = "abap|abc|agda|arduino|ascii art|assembly|bash|basic|bnf|c|c#|c++|clojure|\
    coffeescript|coq|css|dart|dhall|diff|docker|ebnf|elixir|elm|erlang|f#|flow|fortran|gherkin|glsl|\
    go|graphql|groovy|haskell|hcl|html|idris|java|javascript|json|julia|kotlin|latex|less|lisp|\
    livescript|llvm ir|lua|makefile|markdown|markup|matlab|mathematica|mermaid|nix|notion formula|\
    objective-c|ocaml|pascal|perl|php|plain text|powershell|prolog|protobuf|purescript|python|r|\
    racket|reason|ruby|rust|sass|scala|scheme|scss|shell|smalltalk|solidity|sql|swift|toml|\
    typescript|vb.net|verilog|vhdl|visual basic|webassembly|xml|yaml|java/c/c++/c#";

/// A block that is to be made, checked through and through.
#[derive(Clone, Debug)]
pub(crate) struct Draft {
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
    Ok(Draft { kind, body, children })
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

/// Reads the member named like the type, with every default.
fn read_body(kind: &'static str, spot: &Spot) -> Result<Value, Fail> {
    let mut body = Map::new();
    match kind {
        "paragraph" | "heading_1" | "heading_2" | "heading_3" | "heading_4"
        | "bulleted_list_item" | "numbered_list_item" | "quote" | "to_do" | "toggle"
        | "template" | "callout" => {
            put(&mut body, "rich_text", rich_text::read(&text_of(spot))?.into());
        }
        "code" => {
            put(&mut body, "caption", caption(spot)?);
            put(&mut body, "rich_text", rich_text::read(&text_of(spot))?.into());
            put(&mut body, "language", language(&spot.get("language"))?.into());
        }
        "embed" | "bookmark" => {
            put(&mut body, "caption", caption(spot)?);
            put(&mut body, "url", spot.get("url").text(2000)?.into());
        }
        "image" | "video" | "pdf" | "audio" | "file" => {
            put(&mut body, "caption", caption(spot)?);
            merge(&mut body, files::source(spot)?);
            if kind == "file" {
                let url = body.get("external").and_then(|file| file["url"].as_str());
                let usual = files::name_in_url(url.unwrap_or("file"));
                let mut name = spot.get("name").string_opt()?.unwrap_or(&usual).to_owned();
                // A name without an extension gets that of the URL (measured).
                if let Some((_, extension)) = usual.rsplit_once('.')
                    && !name.contains('.')
                {
                    name = format!("{name}.{extension}");
                }
                put(&mut body, "name", name.into());
            }
        }
        "equation" => put(&mut body, "expression", spot.get("expression").text(1000)?.into()),
        "table" => {
            let width = spot.get("table_width");
            let cells = width.number()?;
            if !(1.0..=100.0).contains(&cells) || cells.fract() != 0.0 {
                return Err(width.should_be("an integer from `1` to `100`").into());
            }
            put(&mut body, "table_width", (cells as u64).into());
            for flag in ["has_column_header", "has_row_header"] {
                put(&mut body, flag, spot.get(flag).bool_opt()?.unwrap_or(false).into());
            }
        }
        "table_row" => put(&mut body, "cells", cells(&spot.get("cells"))?),
        "column" if spot.get("width_ratio").is_there() => {
            put(&mut body, "width_ratio", ratio(&spot.get("width_ratio"))?.into());
        }
        "synced_block" => {
            let from = spot.get("synced_from");
            if !from.is_there() || from.is_null() {
                put(&mut body, "synced_from", Value::Null);
            } else {
                let id = from.get("block_id").id()?;
                put(&mut body, "synced_from", json!({"type": "block_id", "block_id": id}));
            }
        }
        "link_to_page" => {
            let kinds = ["page_id", "database_id", "comment_id"];
            let Some(to) = kinds.into_iter().find(|kind| spot.get(kind).is_there()) else {
                let complaints = kinds.iter().map(|kind| spot.get(kind).undefined()).collect();
                return Err(fix_one(complaints));
            };
            merge(&mut body, json!({"type": to, to: spot.get(to).id()?}));
        }
        _ => {}
    }
    read_rest(kind, spot, &mut body)?;
    Ok(Value::Object(body))
}

/// The members that stand after the text: icon, state, numbering, colour.
fn read_rest(kind: &str, spot: &Spot, body: &mut Map<String, Value>) -> Result<(), Fail> {
    match kind {
        "callout" => {
            let icon = spot.get("icon");
            let icon = if icon.is_there() {
                files::icon(&icon)?
            } else {
                json!({"type": "emoji", "emoji": "💡"})
            };
            put(body, "icon", icon);
        }
        "paragraph" => {
            let icon = spot.get("icon");
            let icon = if icon.is_there() { files::icon(&icon)? } else { Value::Null };
            put(body, "icon", icon);
        }
        "to_do" => put(body, "checked", spot.get("checked").bool_opt()?.unwrap_or(false).into()),
        "numbered_list_item" => {
            if let Some(start) = spot.get("list_start_index").value {
                put(body, "list_start_index", start.clone());
            }
            if let Some(format) = spot.get("list_format").value {
                put(body, "list_format", format.clone());
            }
        }
        _ if kind.starts_with("heading_") => {
            let toggle = spot.get("is_toggleable").bool_opt()?.unwrap_or(false);
            put(body, "is_toggleable", toggle.into());
        }
        _ => {}
    }
    if has_color(kind) {
        let color = spot.get("color");
        let color =
            if color.is_there() { color.word(&rich_text::COLORS, true)? } else { "default" };
        put(body, "color", color.into());
    }
    Ok(())
}

fn has_color(kind: &str) -> bool {
    kind.starts_with("heading_")
        || matches!(
            kind,
            "paragraph"
                | "bulleted_list_item"
                | "numbered_list_item"
                | "quote"
                | "to_do"
                | "toggle"
                | "callout"
                | "table_of_contents"
        )
}

/// Versions before 2022-02-22 said `text` for the text of a block.
fn text_of<'a>(spot: &Spot<'a>) -> Spot<'a> {
    let (new, old) = (spot.get("rich_text"), spot.get("text"));
    if !new.is_there() && old.is_there() { old } else { new }
}

fn caption(spot: &Spot) -> Result<Value, Fail> {
    Ok(rich_text::read_opt(&spot.get("caption"))?.unwrap_or_default().into())
}

fn cells(spot: &Spot) -> Result<Value, Fail> {
    let cells: Result<Vec<Value>, Fail> =
        spot.items(100)?.iter().map(|cell| rich_text::read(cell).map(Value::from)).collect();
    Ok(cells?.into())
}

fn ratio(spot: &Spot) -> Checked<f64> {
    let ratio = spot.number()?;
    if ratio > 0.0 && ratio <= 1.0 {
        Ok(ratio)
    } else {
        Err(spot.should_be("a number above `0` and ≤ `1`"))
    }
}

fn language(spot: &Spot) -> Checked<&'static str> {
    let words: Vec<&'static str> = LANGUAGES.split('|').collect();
    spot.word(&words, false)
}

fn put(body: &mut Map<String, Value>, key: &str, value: Value) {
    body.insert(key.to_owned(), value);
}

fn merge(body: &mut Map<String, Value>, value: Value) {
    if let Value::Object(members) = value {
        body.extend(members);
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
