//! Rich text: a mention of something outside is plain text, a link there is none.

use notion::{Id, Kind};
use serde_json::{Value, json};

use super::titles;
use super::walk::{Members, Walk};

/// What Notion calls what it does not show.
pub(crate) const UNTITLED: &str = "Untitled";

/// Whether this is a run of text.
pub(super) fn is_run(members: &Members) -> bool {
    members.get("plain_text").is_some_and(Value::is_string)
}

/// How many of these runs are more than words.
pub(crate) fn mentions(runs: &Value) -> usize {
    let runs = runs.as_array().into_iter().flatten();
    runs.filter(|run| run["type"] != "text" && run["type"] != "equation").count()
}

/// Cuts one run down.
pub(super) fn cut(walk: &mut Walk, run: &mut Members) {
    let kind = run.get("type").and_then(Value::as_str).unwrap_or_default().to_owned();
    let shown = match kind.as_str() {
        "text" => {
            if let Some(text) = run.get_mut("text") {
                let url = text.pointer("/link/url").and_then(Value::as_str);
                if url.is_some_and(|url| !walk.eyes.see_link(url)) {
                    text["link"] = Value::Null;
                }
            }
            true
        }
        "mention" => run.get("mention").is_some_and(|mention| is_seen(walk, mention)),
        "equation" => true,
        _ => false,
    };
    if !shown {
        untitle(run);
        return;
    }
    name_mentioned(walk, run);
    let href = run.get("href").and_then(Value::as_str);
    if href.is_some_and(|href| !walk.eyes.see_link(href)) {
        run.insert("href".to_owned(), Value::Null);
    }
}

/// The text of a mention is the title of what is mentioned.
fn name_mentioned(walk: &mut Walk, run: &mut Members) {
    let kinds = [("page", Kind::Page), ("database", Kind::Database)];
    let found = kinds.into_iter().find_map(|(name, kind)| {
        let id = run.get("mention")?.get(name)?.get("id")?.as_str()?;
        Some((kind, Id::parse(id)))
    });
    if let (Some((kind, id)), Some(Value::String(text))) = (found, run.get_mut("plain_text")) {
        titles::cut(walk, kind, id, text);
    }
}

fn is_seen(walk: &mut Walk, mention: &Value) -> bool {
    let kind = mention.get("type").and_then(Value::as_str).unwrap_or_default();
    let Some(member) = mention.get(kind) else { return false };
    match kind {
        "page" => walk.sees_id(Kind::Page, member.get("id")),
        "database" => walk.sees_id(Kind::Database, member.get("id")),
        "user" | "date" | "template_mention" | "custom_emoji" => true,
        // What is known of the target of a link.
        "link_preview" | "link_mention" => {
            let texts = member.as_object().into_iter().flat_map(Members::values);
            let texts: Vec<&str> = texts.filter_map(Value::as_str).collect();
            texts.into_iter().filter(|text| !walk.eyes.see_link(text)).count() == 0
        }
        _ => false,
    }
}

/// Makes a run plain text, in its place and with its annotations.
fn untitle(run: &mut Members) {
    let old = std::mem::take(run);
    let kind = old.get("type").and_then(Value::as_str).unwrap_or_default().to_owned();
    for (name, value) in old {
        match name.as_str() {
            "type" => run.insert(name, "text".into()),
            "annotations" => run.insert(name, value),
            "plain_text" => run.insert(name, UNTITLED.into()),
            "href" => run.insert(name, Value::Null),
            other if other == kind => {
                run.insert("text".to_owned(), json!({"content": UNTITLED, "link": null}))
            }
            _ => None,
        };
    }
}
