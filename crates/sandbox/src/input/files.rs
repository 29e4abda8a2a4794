//! Reads icons, covers and the sources of media.

use serde_json::{Value, json};

use super::check::{Checked, Spot, fix_one};
use crate::fail::Fail;

const URL_MAX: usize = 2000;

/// Colours of Notion's own icons, as its schemas list them.
const ICON_COLORS: [&str; 10] =
    ["gray", "lightgray", "brown", "yellow", "orange", "green", "blue", "purple", "pink", "red"];

/// Reads an icon (`null` clears it).
pub(crate) fn icon(spot: &Spot) -> Result<Value, Fail> {
    if spot.is_null() {
        return Ok(Value::Null);
    }
    spot.object()?;
    let kinds = ["emoji", "external", "file_upload", "custom_emoji", "icon", "file"];
    let Some(kind) = kinds.into_iter().find(|kind| spot.get(kind).is_there()) else {
        return Err(fix_one(kinds[..4].iter().map(|kind| spot.get(kind).undefined()).collect()));
    };
    let member = spot.get(kind);
    Ok(match kind {
        "emoji" => {
            let emoji = member.text(100)?;
            if !looks_like_emoji(emoji) {
                return Err(member.should_be("an emoji").into());
            }
            json!({"type": "emoji", "emoji": emoji})
        }
        "custom_emoji" => {
            let id = member.get("id").id()?;
            let name = member.get("name").string_opt()?.unwrap_or("emoji");
            let url = member.get("url").string_opt()?;
            json!({"type": kind, kind: {"id": id, "name": name, "url": url}})
        }
        "icon" => {
            let name = member.get("name").text(100)?;
            let color = member.get("color");
            let color = if color.is_there() { color.word(&ICON_COLORS, true)? } else { "gray" };
            json!({"type": kind, kind: {"name": name, "color": color}})
        }
        _ => native(source(spot)?),
    })
}

/// Texts are refused, new emojis are not: something beyond ASCII (keycaps: their frame), no letters.
/// Notion compares with a list of its own; its words for a refusal are not known.
fn looks_like_emoji(text: &str) -> bool {
    !text.is_ascii() && !text.chars().any(|one| one.is_alphabetic() && !is_framed(one))
}

/// Letters in a frame, of which flags and signs are made.
fn is_framed(letter: char) -> bool {
    matches!(letter, '\u{24c2}' | '\u{1f130}'..='\u{1f1ff}' | '\u{1f200}'..='\u{1f251}')
        || matches!(letter, '\u{2139}' | '\u{3297}' | '\u{3299}')
}

/// A URL of one of Notion's own icons becomes the icon itself (measured).
fn native(icon: Value) -> Value {
    let name = icon["external"]["url"]
        .as_str()
        .and_then(|url| url.strip_prefix("https://www.notion.so/icons/"))
        .and_then(|file| file.split('?').next())
        .and_then(|file| file.strip_suffix(".svg"))
        .and_then(|file| file.rsplit_once('_'));
    match name {
        Some((name, color)) => json!({"type": "icon", "icon": {"name": name, "color": color}}),
        None => icon,
    }
}

/// Reads a cover (`null` clears it).
pub(crate) fn cover(spot: &Spot) -> Result<Value, Fail> {
    if spot.is_null() { Ok(Value::Null) } else { source(spot) }
}

/// Reads `{type?, external | file | file_upload}`.
pub(crate) fn source(spot: &Spot) -> Result<Value, Fail> {
    spot.object()?;
    if spot.get("file_upload").is_there() {
        let id = spot.get("file_upload").get("id").id()?;
        return Ok(json!({"type": "file_upload", "file_upload": {"id": id}}));
    }
    if spot.get("file").is_there() {
        let file = spot.get("file");
        let until = file.get("expiry_time").string_opt()?;
        return Ok(json!({"type": "file", "file": {"url": url(&file)?, "expiry_time": until}}));
    }
    let external = spot.get("external");
    if !external.is_there() {
        return Err(external.undefined().into());
    }
    Ok(json!({"type": "external", "external": {"url": url(&external)?}}))
}

fn url(spot: &Spot) -> Checked<String> {
    spot.object()?;
    let url = spot.get("url");
    let text = url.text(URL_MAX)?;
    if text.contains("://") && !text.contains(char::is_whitespace) {
        Ok(text.to_owned())
    } else {
        Err(url.complain("should be a valid url"))
    }
}

/// The name that a file has when none was given: the last part of its URL.
pub(crate) fn name_in_url(url: &str) -> String {
    let path = url.split(['?', '#']).next().unwrap_or_default();
    path.rsplit('/').next().unwrap_or_default().to_owned()
}
