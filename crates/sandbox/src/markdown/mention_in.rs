//! Mention tags, read into runs without annotations.

use jiff::tz::TimeZone;
use serde_json::{Value, json};

use super::id_in;
use super::tag::Tag;
use crate::query::dates::normalise;

/// The mention that a tag is, if it is one and says whom or what it means.
pub(super) fn mention(tag: &Tag) -> Option<Value> {
    let kind = match tag.name {
        // v2 has one tag for most.
        "mention" => tag.get("type")?,
        "date" => "date",
        name => name.strip_prefix("mention-")?,
    };
    let member = match kind {
        "user" | "agent" => ("user", json!({"id": id_in(tag.get("url")?)?})),
        "page" => ("page", json!({"id": id_in(tag.get("url")?)?})),
        // The API's rich text knows no mention of a data source; it is one of a database.
        "database" | "data-source" => ("database", json!({"id": id_in(tag.get("url")?)?})),
        "date" => ("date", date(tag)?),
        "template" => ("template_mention", template(tag.get("value")?)?),
        _ => return None,
    };
    let (kind, member) = member;
    Some(json!({"type": "mention", "mention": {"type": kind, kind: member}}))
}

fn template(word: &str) -> Option<Value> {
    match word {
        "today" | "now" => {
            Some(json!({"type": "template_mention_date", "template_mention_date": word}))
        }
        "me" => Some(json!({"type": "template_mention_user", "template_mention_user": word})),
        _ => None,
    }
}

fn date(tag: &Tag) -> Option<Value> {
    let get = |v1: &str, v2: &str| tag.get(v1).or_else(|| tag.get(v2));
    let zone = get("timeZone", "time-zone").unwrap_or("UTC");
    let part = |day: &str, time: Option<&str>| match time {
        None => normalise(day, &TimeZone::UTC),
        Some(time) if zone.starts_with(['+', '-']) => {
            normalise(&format!("{day}T{time}{zone}"), &TimeZone::UTC)
        }
        Some(time) => normalise(&format!("{day}T{time}"), &TimeZone::get(zone).ok()?),
    };
    let start = part(tag.get("start")?, get("startTime", "start-time"))?;
    let end = match tag.get("end") {
        None => None,
        Some(end) => Some(part(end, get("endTime", "end-time"))?),
    };
    Some(json!({"start": start, "end": end, "time_zone": null}))
}
