//! Rich text, titles, icons and links.

use maud::{Markup, html};
use notion::{Id, Kind};
use serde_json::Value;

use crate::render::rich_text;
use crate::world::access::View;

/// The address of an object's page.
pub(super) fn link_to(id: Id) -> String {
    format!("/workspace/{}", id.plain())
}

/// The title of a page, database or data source; a block is named by its type.
pub(super) fn title(view: View, id: Id) -> String {
    let own = rich_text::plain(view, view.world.title_of(id));
    if !own.is_empty() {
        return own;
    }
    let node = view.world.node(id);
    if let Some(block) = node.and_then(|node| node.block()) {
        return format!("{} block", block.kind.replace('_', " "));
    }
    // A container without a title goes by the name of its table.
    let first = view.world.sources_of(id).first().copied();
    match (node.map(|node| node.kind()), first) {
        (Some(Kind::Database), Some(source)) => title(view, source),
        (None, _) => "Unknown".to_owned(),
        _ => "Untitled".to_owned(),
    }
}

/// A member that holds rich text.
pub(super) fn runs(runs: &Value) -> Markup {
    html! { @for run in runs.as_array().into_iter().flatten() { (one_run(run)) } }
}

/// The plain text of a member that holds rich text.
pub(super) fn plain(runs: &Value) -> String {
    let runs = runs.as_array().into_iter().flatten();
    runs.filter_map(|run| run["plain_text"].as_str()).collect()
}

fn one_run(run: &Value) -> Markup {
    let kind = run["type"].as_str().unwrap_or_default();
    let words = run["plain_text"].as_str().unwrap_or_default();
    let mut out = match kind {
        "equation" => html! { code.math { (words) } },
        "mention" => mention(&run["mention"], words, run["href"].as_str()),
        _ => linked(run["href"].as_str(), &html! { (words) }),
    };
    let style = &run["annotations"];
    if style["code"] == true {
        out = html! { code { (out) } };
    }
    if style["bold"] == true {
        out = html! { strong { (out) } };
    }
    if style["italic"] == true {
        out = html! { em { (out) } };
    }
    if style["strikethrough"] == true {
        out = html! { s { (out) } };
    }
    if style["underline"] == true {
        out = html! { u { (out) } };
    }
    match color(style) {
        Some(color) => html! { span class=(color) { (out) } },
        None => out,
    }
}

/// The class for a `color` member; none for the default.
pub(super) fn color(holder: &Value) -> Option<String> {
    let name = holder["color"].as_str().filter(|name| *name != "default")?;
    // Names come from a closed list, but a world can be imported.
    let is_plain = name.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_');
    is_plain.then(|| match name.strip_suffix("_background") {
        Some(name) => format!("bg-{name}"),
        None => format!("fg-{name}"),
    })
}

fn mention(mention: &Value, words: &str, href: Option<&str>) -> Markup {
    let member = |kind: &str| mention[kind]["id"].as_str().and_then(Id::parse);
    match mention["type"].as_str() {
        Some("user") => html! { span.mention { (words) } },
        Some("date") => html! { time.mention { (words) } },
        Some(kind @ ("page" | "database")) => match member(kind) {
            Some(id) => html! { a.mention href=(link_to(id)) { (words) } },
            None => html! { span.mention { (words) } },
        },
        _ => linked(href, &html! { (words) }),
    }
}

/// A link, if the address is one that a browser may follow.
pub(super) fn linked(href: Option<&str>, words: &Markup) -> Markup {
    match href.and_then(followable) {
        Some(href) => html! { a href=(href) rel="noreferrer" { (words) } },
        None => words.clone(),
    }
}

/// What a link leads to: Notion's own pages are those of the sandbox; else the web and mail only.
pub(super) fn followable(href: &str) -> Option<String> {
    let lower = href.trim().to_ascii_lowercase();
    let is_notion = ["https://www.notion.so/", "https://notion.so/", "https://app.notion.com/"]
        .iter()
        .any(|start| lower.starts_with(start));
    let pasted = if is_notion { Id::from_pasted(href.trim()) } else { None };
    let relative = href.strip_prefix('/').and_then(Id::parse);
    if let Some(id) = pasted.or(relative) {
        return Some(link_to(id));
    }
    let is_safe = ["https://", "http://", "mailto:"].iter().any(|start| lower.starts_with(start));
    is_safe.then(|| href.trim().to_owned())
}

/// An icon; decoration, so it is silent.
pub(super) fn icon(icon: &Value, usual: &str) -> Markup {
    let sign = match icon["type"].as_str() {
        Some("emoji") => icon["emoji"].as_str().unwrap_or(usual),
        // Pictures from elsewhere are not loaded; a sign stands for them.
        Some(_) => "◨",
        None => usual,
    };
    html! { span.icon aria-hidden="true" { (sign) } }
}

/// The icon of a node.
pub(super) fn icon_of(view: View, id: Id) -> Markup {
    use crate::world::node::Content;
    let node = view.world.node(id);
    match node.map(|node| &node.content) {
        Some(Content::Page(page)) => icon(&page.icon, "📄"),
        Some(Content::Database(database)) => icon(&database.icon, "▦"),
        Some(Content::DataSource(source)) => icon(&source.icon, "▦"),
        _ => icon(&Value::Null, "·"),
    }
}

/// An id that can be marked with one click, and copied with a button where scripts run.
pub(super) fn id(id: &str) -> Markup {
    html! { code.id data-copy=(id) { (id) } }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_web_and_mail_become_links() {
        let id = "0a1b2c3d4e5f4a6b8c7d9e0f1a2b3c4d";
        let notion = format!("https://www.notion.so/acme/Road-map-{id}?pvs=4");
        assert_eq!(followable(&notion), Some(format!("/workspace/{id}")));
        assert_eq!(
            followable("mailto:ada@acme.example").as_deref(),
            Some("mailto:ada@acme.example")
        );
        assert_eq!(followable("HTTPS://acme.example").as_deref(), Some("HTTPS://acme.example"));
        for bad in ["javascript:alert(1)", " JavaScript:x", "data:text/html,x", "//evil", "x", ""] {
            assert_eq!(followable(bad), None, "{bad}");
        }
    }
}
