//! Blocks that hold something else than text: files, links, tables, equations, code.

use maud::{Markup, html};
use notion::Id;
use serde_json::Value;

use super::text::{self, linked, plain, runs, title};
use super::when::time_text;
use crate::render::block as shown;
use crate::render::file_upload::FILES;
use crate::world::access::View;
use crate::world::node::Node;

/// So many rows of a table block are shown.
const ROWS_MAX: usize = 300;
/// So many characters of code.
const CODE_MAX: usize = 50_000;

/// A table block with its rows.
pub(super) fn table(view: View, id: Id, body: &Value) -> Markup {
    let rows = view.world.live_children(id);
    let more = rows.len().saturating_sub(ROWS_MAX);
    let cells = |node: &Node| shown::block(view, node)["table_row"]["cells"].take();
    let rows: Vec<Value> =
        rows.into_iter().take(ROWS_MAX).filter_map(|id| view.world.node(id)).map(cells).collect();
    let (head, rows) = match (body["has_column_header"] == true, rows.split_first()) {
        (true, Some((head, rows))) => (Some(head), rows),
        _ => (None, rows.as_slice()),
    };
    let names_rows = body["has_row_header"] == true;
    let list = |row: &Value| row.as_array().cloned().unwrap_or_default();
    html! {
        div.scroll tabindex="0" role="region" aria-label="Table" {
            table {
                caption.hidden { "Table block" }
                @if let Some(head) = head {
                    thead { tr { @for cell in list(head) { th scope="col" { (runs(&cell)) } } } }
                }
                tbody {
                    @for row in rows {
                        tr {
                            @for (index, cell) in list(row).iter().enumerate() {
                                @if names_rows && index == 0 {
                                    th scope="row" { (runs(cell)) }
                                } @else {
                                    td { (runs(cell)) }
                                }
                            }
                        }
                    }
                }
            }
        }
        @if more > 0 { p.cut { (more) " more rows are not shown." } }
    }
}

/// The head of a block with meeting notes.
pub(super) fn meeting(body: &Value) -> Markup {
    let times = &body["calendar_event"];
    html! {
        p.label { "Meeting notes" @if let Some(status) = body["status"].as_str() { " · " (status.replace('_', " ")) } }
        p { strong { (runs(&body["title"])) } }
        @if let Some(start) = times["start_time"].as_str() {
            p.quiet {
                (time_text(start))
                @if let Some(end) = times["end_time"].as_str() { " to " (time_text(end)) }
            }
        }
    }
}

/// Everything that has no blocks in it.
pub(super) fn other(view: View, kind: &str, body: &Value) -> Markup {
    match kind {
        "code" => code(body),
        "equation" => {
            let words = body["expression"].as_str().unwrap_or_default();
            html! { p.formula { code { (words) } span.label { "LaTeX" } } }
        }
        "link_to_page" => {
            let to = ["page_id", "database_id", "comment_id"]
                .iter()
                .find_map(|name| body[name].as_str());
            match to.and_then(Id::parse).filter(|id| view.world.node(*id).is_some()) {
                Some(id) => html! {
                    a.child href=(text::link_to(id)) { (text::icon_of(view, id)) span { (title(view, id)) } span.label { "link" } }
                },
                None => html! { p.quiet { "Link to something that is not there" } },
            }
        }
        "image" | "video" | "audio" | "pdf" | "file" => file(view, kind, body),
        "embed" | "bookmark" | "link_preview" => {
            let url = body["url"].as_str().unwrap_or_default();
            html! {
                figure.card-link {
                    span.label { (kind.replace('_', " ")) }
                    (linked(Some(url), &html! { (url) }))
                    (caption(body))
                }
            }
        }
        _ => html! {
            p.label { "Block of type " code { (kind) } }
            @if !body.is_null() { pre tabindex="0" { code { (shortened(&format!("{body:#}"), 4000)) } } }
        },
    }
}

fn code(body: &Value) -> Markup {
    let language = body["language"].as_str().unwrap_or("plain text");
    let words = plain(&body["rich_text"]);
    html! {
        figure.code {
            figcaption { span.label { (language) } (caption_words(body)) }
            pre tabindex="0" role="group" aria-label={ "Code: " (language) } {
                code { (shortened(&words, CODE_MAX)) }
            }
        }
    }
}

fn file(view: View, kind: &str, body: &Value) -> Markup {
    let source = body["type"].as_str().unwrap_or_default();
    let url = body[source]["url"].as_str().unwrap_or_default();
    let name = body["name"].as_str().unwrap_or_else(|| name_of(url));
    let words = plain(&body["caption"]);
    let own = own_path(view, url);
    html! {
        figure.file {
            @if let Some(path) = &own {
                @match kind {
                    "image" => img src=(path) alt=(if words.is_empty() { name } else { words.as_str() }) loading="lazy";,
                    "video" => video src=(path) controls preload="none" aria-label=(name) {},
                    "audio" => audio src=(path) controls preload="none" aria-label=(name) {},
                    _ => {}
                }
            }
            p {
                span.label { (kind) }
                (own_link(own.as_deref(), url, name))
                @if source == "external" { span.quiet { (host(url)) } }
            }
            (caption(body))
        }
    }
}

/// The path of a file that this server has itself; pictures from elsewhere are not loaded.
pub(super) fn own_path(view: View<'_>, url: &str) -> Option<String> {
    let path = url.strip_prefix(view.world.base_url.as_str())?;
    path.starts_with(FILES).then(|| path.to_owned())
}

/// The last part of a path.
pub(super) fn name_of(url: &str) -> &str {
    let path = url.split(['?', '#']).next().unwrap_or_default();
    path.rsplit('/').find(|part| !part.is_empty()).unwrap_or("file")
}

/// The host in an address.
pub(super) fn host(url: &str) -> &str {
    let rest = url.split_once("://").map_or("", |(_, rest)| rest);
    rest.split(['/', '?', '#']).next().unwrap_or_default()
}

/// A link to a file: within this server by its path, so that it works by any name of the server.
pub(super) fn own_link(own: Option<&str>, url: &str, name: &str) -> Markup {
    match own {
        Some(path) => html! { a href=(path) { (name) } },
        None => linked(Some(url), &html! { (name) }),
    }
}

fn caption(body: &Value) -> Markup {
    let words = caption_words(body);
    if words.0.is_empty() {
        words
    } else {
        html! { figcaption { (words) } }
    }
}

fn caption_words(body: &Value) -> Markup {
    runs(&body["caption"])
}

/// A text, cut where it gets too long.
pub(super) fn shortened(text: &str, most: usize) -> String {
    match text.char_indices().nth(most) {
        Some((at, _)) => format!("{}\n… {} more bytes", &text[..at], text.len() - at),
        None => text.to_owned(),
    }
}
