//! Reads the member of a block that is named like its type.

use serde_json::{Map, Value, json};

use super::check::{Checked, Spot, fix_one};
use super::{files, rich_text};
use crate::fail::Fail;

/// Languages of code blocks.
const LANGUAGES: &str = "abap|abc|agda|arduino|ascii art|assembly|bash|basic|bnf|c|c#|c++|clojure|\
    coffeescript|coq|css|dart|dhall|diff|docker|ebnf|elixir|elm|erlang|f#|flow|fortran|gherkin|glsl|\
    go|graphql|groovy|haskell|hcl|html|idris|java|javascript|json|julia|kotlin|latex|less|lisp|\
    livescript|llvm ir|lua|makefile|markdown|markup|matlab|mathematica|mermaid|nix|notion formula|\
    objective-c|ocaml|pascal|perl|php|plain text|powershell|prolog|protobuf|purescript|python|r|\
    racket|reason|ruby|rust|sass|scala|scheme|scss|shell|smalltalk|solidity|sql|swift|toml|\
    typescript|vb.net|verilog|vhdl|visual basic|webassembly|xml|yaml|java/c/c++/c#";

/// Reads the member named like the type, with every default.
pub(super) fn read_body(kind: &'static str, spot: &Spot) -> Result<Value, Fail> {
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
            if kind == "embed" && spot.get("file_upload").is_there() {
                merge(&mut body, files::source(spot)?);
            } else {
                put(&mut body, "url", spot.get("url").text(2000)?.into());
            }
        }
        "image" | "video" | "pdf" | "audio" | "file" => {
            put(&mut body, "caption", caption(spot)?);
            merge(&mut body, files::source(spot)?);
            if kind == "file" {
                let url = body.get("external").and_then(|file| file["url"].as_str());
                let usual = files::name_in_url(url.unwrap_or("file"));
                let mut name = spot.get("name").string_or_null(2000)?.unwrap_or(&usual).to_owned();
                // A name without an extension gets that of the URL (measured).
                if let Some((_, extension)) = usual.rsplit_once('.')
                    && !name.contains('.')
                {
                    name = format!("{name}.{extension}");
                }
                // Without a name, an uploaded file has the one that it was sent with.
                let is_upload = body.contains_key("file_upload");
                let unnamed = is_upload && spot.get("name").value.is_none_or(Value::is_null);
                put(&mut body, "name", if unnamed { Value::Null } else { name.into() });
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

/// The language of a code block that markdown names; what is not known is plain text.
pub(crate) fn language_in(name: &str) -> &'static str {
    let name = name.to_lowercase();
    let name = match name.as_str() {
        "js" | "jsx" => "javascript",
        "ts" | "tsx" => "typescript",
        "py" => "python",
        "rs" => "rust",
        "sh" | "zsh" => "shell",
        "yml" => "yaml",
        "md" => "markdown",
        "rb" => "ruby",
        "text" | "txt" | "" => "plain text",
        other => other,
    };
    LANGUAGES.split('|').find(|language| *language == name).unwrap_or("plain text")
}

fn put(body: &mut Map<String, Value>, key: &str, value: Value) {
    body.insert(key.to_owned(), value);
}

fn merge(body: &mut Map<String, Value>, value: Value) {
    if let Value::Object(members) = value {
        body.extend(members);
    }
}
