//! Shows rich text: what the world keeps plus what follows from it.

use notion::Id;
use serde_json::{Value, json};

use super::{Object, user};
use crate::world::access::View;

/// Runs as answers show them.
pub(crate) fn rich_text(view: View, runs: &[Value]) -> Value {
    runs.iter().map(|run| shown(view, run)).collect::<Vec<_>>().into()
}

/// The plain text of runs.
pub(crate) fn plain(view: View, runs: &[Value]) -> String {
    runs.iter().map(|run| plain_run(view, run)).collect()
}

/// One run.
pub(crate) fn shown(view: View, run: &Value) -> Value {
    let kind = run["type"].as_str().unwrap_or("text");
    let member = &run[kind];
    let value = match (kind, member["type"].as_str()) {
        ("mention", Some("user")) => match id_in(&member["user"]) {
            Some(id) => json!({"type": "user", "user": user::user(view, id)}),
            None => member.clone(),
        },
        ("mention", Some(emoji @ "custom_emoji")) => {
            json!({"type": emoji, emoji: view.world.resolve_emoji(&member[emoji])})
        }
        _ => member.clone(),
    };
    Object::default()
        .with("type", kind)
        .with(kind, value)
        .with("annotations", run["annotations"].clone())
        .with("plain_text", plain_run(view, run))
        .with("href", href(run))
        .done()
}

fn id_in(value: &Value) -> Option<Id> {
    value["id"].as_str().and_then(Id::parse)
}

fn href(run: &Value) -> Value {
    if run["type"] == "text" {
        return run["text"]["link"]["url"].clone();
    }
    let mention = &run["mention"];
    match mention["type"].as_str() {
        Some(kind @ ("page" | "database")) => match id_in(&mention[kind]) {
            Some(id) => format!("https://www.notion.so/{}", id.plain()).into(),
            None => Value::Null,
        },
        Some("link_preview") => mention["link_preview"]["url"].clone(),
        Some("link_mention") => mention["link_mention"]["href"].clone(),
        _ => Value::Null,
    }
}

fn plain_run(view: View, run: &Value) -> String {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    match run["type"].as_str() {
        Some("text") => text(&run["text"]["content"]),
        Some("equation") => text(&run["equation"]["expression"]),
        _ => mention(view, &run["mention"]),
    }
}

fn mention(view: View, mention: &Value) -> String {
    let kind = mention["type"].as_str().unwrap_or_default();
    let member = &mention[kind];
    match kind {
        "user" => {
            let name = id_in(member).and_then(|id| user::name(view.world, id));
            format!("@{}", name.unwrap_or_else(|| "Anonymous".to_owned()))
        }
        "date" => {
            let start = member["start"].as_str().unwrap_or_default();
            match member["end"].as_str() {
                Some(end) => format!("{start} → {end}"),
                None => start.to_owned(),
            }
        }
        "page" | "database" => {
            let id = id_in(member).filter(|id| view.sees(*id));
            // One level only: a title may mention a page whose title mentions the first.
            let title: String = id
                .map(|id| view.world.title_of(id))
                .unwrap_or_default()
                .iter()
                .filter_map(|run| run["text"]["content"].as_str())
                .collect();
            if title.is_empty() { "Untitled".to_owned() } else { title }
        }
        "template_mention" => match member["type"].as_str() {
            Some("template_mention_user") => "@Me".to_owned(),
            _ if member["template_mention_date"] == "now" => "@Now".to_owned(),
            _ => "@Today".to_owned(),
        },
        "custom_emoji" => {
            format!(":{}:", view.world.resolve_emoji(member)["name"].as_str().unwrap_or_default())
        }
        "link_preview" => member["url"].as_str().unwrap_or_default().to_owned(),
        "link_mention" => member["href"].as_str().unwrap_or_default().to_owned(),
        _ => String::new(),
    }
}
