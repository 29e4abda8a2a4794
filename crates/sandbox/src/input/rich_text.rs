//! Reads rich text of a request into the form that the world keeps: type, member, annotations.
//! What follows from them (`plain_text`, `href`, names of people) is worked out when it is shown.

use jiff::tz::TimeZone;
use serde_json::{Map, Value, json};

use super::check::{Checked, Spot, fix_one};
use crate::fail::Fail;

/// Most elements of an array of rich text.
const RUNS_MAX: usize = 100;
const CONTENT_MAX: usize = 2000;
const URL_MAX: usize = 2000;
const EXPRESSION_MAX: usize = 1000;

/// Colours of text and blocks.
pub(crate) const COLORS: [&str; 20] = [
    "default",
    "gray",
    "brown",
    "orange",
    "yellow",
    "green",
    "blue",
    "purple",
    "pink",
    "red",
    "default_background",
    "gray_background",
    "brown_background",
    "orange_background",
    "yellow_background",
    "green_background",
    "blue_background",
    "purple_background",
    "pink_background",
    "red_background",
];

const STYLES: [&str; 5] = ["bold", "italic", "strikethrough", "underline", "code"];

/// Reads an array of rich text.
pub(crate) fn read(spot: &Spot) -> Result<Vec<Value>, Fail> {
    let mut runs: Vec<Value> = Vec::new();
    for item in spot.items(RUNS_MAX)? {
        let run = run(&item)?;
        if is_empty(&run) {
            continue;
        }
        match runs.last_mut() {
            Some(last) if joins(last, &run) => append(last, &run),
            _ => runs.push(run),
        }
    }
    Ok(runs)
}

/// The same, when the member may be missing.
pub(crate) fn read_opt(spot: &Spot) -> Result<Option<Vec<Value>>, Fail> {
    if spot.is_there() { read(spot).map(Some) } else { Ok(None) }
}

/// Plain text as the world keeps it.
pub(crate) fn plain(text: &str) -> Vec<Value> {
    vec![json!({
        "type": "text",
        "text": {"content": text, "link": null},
        "annotations": no_annotations(),
    })]
}

pub(crate) fn no_annotations() -> Value {
    json!({
        "bold": false, "italic": false, "strikethrough": false, "underline": false, "code": false,
        "color": "default",
    })
}

fn is_empty(run: &Value) -> bool {
    run["type"] == "text" && run["text"]["content"] == ""
}

/// Neighbours that look the same are one run.
pub(crate) fn joins(last: &Value, next: &Value) -> bool {
    last["type"] == "text"
        && next["type"] == "text"
        && last["annotations"] == next["annotations"]
        && last["text"]["link"] == next["text"]["link"]
}

pub(crate) fn append(last: &mut Value, next: &Value) {
    let text = format!(
        "{}{}",
        last["text"]["content"].as_str().unwrap_or_default(),
        next["text"]["content"].as_str().unwrap_or_default()
    );
    last["text"]["content"] = Value::String(text);
}

fn run(spot: &Spot) -> Result<Value, Fail> {
    spot.object()?;
    let kinds = ["text", "mention", "equation"];
    let named = spot.get("type").word(&kinds, true).ok();
    let Some(kind) = named.or_else(|| kinds.into_iter().find(|kind| spot.get(kind).is_there()))
    else {
        return Err(fix_one(kinds.iter().map(|kind| spot.get(kind).undefined()).collect()));
    };
    let member = spot.get(kind);
    if !member.is_there() {
        return Err(fix_one(kinds.iter().map(|kind| spot.get(kind).undefined()).collect()));
    }
    let value = match kind {
        "text" => text(&member)?,
        "equation" => {
            member.object()?;
            json!({"expression": member.get("expression").text(EXPRESSION_MAX)?})
        }
        _ => mention(&member)?,
    };
    let mut run = Map::new();
    run.insert("type".into(), kind.into());
    run.insert(kind.into(), value);
    run.insert("annotations".into(), annotations(&spot.get("annotations"))?);
    Ok(Value::Object(run))
}

fn text(spot: &Spot) -> Result<Value, Fail> {
    spot.object()?;
    let content = spot.get("content").text(CONTENT_MAX)?;
    let link = spot.get("link");
    if !link.is_there() || link.is_null() {
        return Ok(json!({"content": content, "link": null}));
    }
    link.object()?;
    let url = link.get("url").text(URL_MAX)?;
    let url = normal_url(url).ok_or_else(|| {
        Fail::validation("Content creation Failed. Fix the following: \nInvalid URL for link.")
    })?;
    Ok(json!({"content": content, "link": {"url": url}}))
}

/// A link as it reads back, or `None` if it is none: a bare host gains a slash.
pub(crate) fn normal_url(url: &str) -> Option<String> {
    let bad = url.is_empty() || url.contains(char::is_whitespace);
    if bad {
        return None;
    }
    if url.starts_with(['/', '#']) || url.starts_with("mailto:") || url.starts_with("tel:") {
        return Some(url.to_owned());
    }
    let host = url.strip_prefix("https://").or_else(|| url.strip_prefix("http://"))?;
    if host.is_empty() {
        return None;
    }
    let bare = !host.contains(['/', '?', '#']);
    Some(if bare { format!("{url}/") } else { url.to_owned() })
}

fn annotations(spot: &Spot) -> Result<Value, Fail> {
    let mut all = no_annotations();
    if spot.object_opt()?.is_none() {
        return Ok(all);
    }
    for style in STYLES {
        if let Some(on) = spot.get(style).bool_opt()? {
            all[style] = on.into();
        }
    }
    let color = spot.get("color");
    if color.is_there() {
        all["color"] = color.word(&COLORS, true)?.into();
    }
    Ok(all)
}

fn mention(spot: &Spot) -> Result<Value, Fail> {
    spot.object()?;
    let kinds = ["user", "date", "page", "database", "template_mention", "custom_emoji"];
    let Some(kind) = kinds.into_iter().find(|kind| spot.get(kind).is_there()) else {
        return Err(fix_one(kinds.iter().map(|kind| spot.get(kind).undefined()).collect()));
    };
    let member = spot.get(kind);
    member.object()?;
    let value = match kind {
        "date" => date(&member)?,
        "template_mention" => template(&member)?,
        "custom_emoji" => json!({
            "id": member.get("id").id()?,
            "name": member.get("name").string_opt()?,
            "url": member.get("url").string_opt()?,
        }),
        _ => json!({"id": member.get("id").id()?}),
    };
    Ok(json!({"type": kind, kind: value}))
}

/// `{start, end, time_zone}` of a date mention or a date property. A zone becomes the offset that
/// it has at that time, and is itself forgotten (measured).
pub(crate) fn date(spot: &Spot) -> Checked<Value> {
    spot.object()?;
    let zone = spot.get("time_zone");
    let zone = match zone.string_or_null(100)? {
        None => TimeZone::UTC,
        Some(name) => {
            TimeZone::get(name).map_err(|_| zone.should_be("a valid IANA time zone or `null`"))?
        }
    };
    let part = |name: &str| -> Checked<Option<String>> {
        let part = spot.get(name);
        let Some(text) = part.string_or_null(100)? else { return Ok(None) };
        crate::query::dates::normalise(text, &zone)
            .map(Some)
            .ok_or_else(|| part.should_be("a valid ISO 8601 date string"))
    };
    let Some(start) = part("start")? else {
        let start = spot.get("start");
        return Err(if start.is_there() { start.should_be("a string") } else { start.undefined() });
    };
    Ok(json!({"start": start, "end": part("end")?, "time_zone": null}))
}

fn template(spot: &Spot) -> Checked<Value> {
    let date = spot.get("template_mention_date");
    if date.is_there() {
        let word = date.word(&["today", "now"], false)?;
        return Ok(json!({"type": "template_mention_date", "template_mention_date": word}));
    }
    let word = spot.get("template_mention_user").word(&["me"], false)?;
    Ok(json!({"type": "template_mention_user", "template_mention_user": word}))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(value: Value) -> Result<Vec<Value>, String> {
        let body = json!({"rich_text": value});
        read(&Spot::body(&body).get("rich_text")).map_err(|fail| fail.message)
    }

    #[test]
    fn equal_neighbours_merge_and_empty_runs_vanish() {
        let runs = parse(json!([
            {"text": {"content": "one "}}, {"text": {"content": ""}}, {"text": {"content": "two"}},
            {"text": {"content": "three"}, "annotations": {"bold": true}},
        ]))
        .unwrap();
        assert_eq!(runs.len(), 2);
        assert_eq!(runs[0]["text"]["content"], "one two");
    }

    #[test]
    fn a_run_without_a_member_lists_the_branches() {
        // Recorded for every text block.
        assert_eq!(
            parse(json!([{}])).unwrap_err(),
            "body failed validation. Fix one:\n\
             body.rich_text[0].text should be defined, instead was `undefined`.\n\
             body.rich_text[0].mention should be defined, instead was `undefined`.\n\
             body.rich_text[0].equation should be defined, instead was `undefined`."
        );
    }

    #[test]
    fn long_text_and_bad_links_are_refused() {
        assert_eq!(
            parse(json!([{"text": {"content": "x".repeat(2001)}}])).unwrap_err(),
            "body failed validation: body.rich_text[0].text.content.length should be ≤ `2000`, \
             instead was `2001`."
        );
        assert_eq!(
            parse(json!([{"text": {"content": "x", "link": {"url": "nowhere"}}}])).unwrap_err(),
            "Content creation Failed. Fix the following: \nInvalid URL for link."
        );
    }
}
