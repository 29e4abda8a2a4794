//! A database and its data sources: the rows as a table or a board, and the schema.

use maud::{Markup, html};
use notion::Id;
use serde_json::{Value, json};

use super::frame::Place;
use super::text::{icon_of, link_to, runs, title};
use super::{Page, Pages, aside, page, schema, values};
use crate::render;
use crate::world::access::View;
use crate::world::node::{DataSource, Node};
use crate::world::property::{Property, PropertyKind, TITLE};

/// So many rows of a table, and cards of a board's column, are shown at a time.
const ROWS_AT_ONCE: usize = 50;
const CARDS_MAX: usize = 25;
/// So many rows are looked through for a board.
const BOARD_ROWS_MAX: usize = 2000;

/// The page of a database; that of a data source is the same, with its table chosen.
pub(super) fn page(view: View, node: &Node, pages: &Pages) -> Page {
    let container = match node.source() {
        Some(_) => node.parent_id().and_then(|id| view.world.node(id)).unwrap_or(node),
        None => node,
    };
    let sources = view.world.sources_of(container.id);
    let chosen = if node.source().is_some() { Some(node.id) } else { sources.first().copied() };
    let name = title(view, container.id);
    let database = render::any(view, container);
    let main = html! {
        div.over-aside {
            article {
                (page::breadcrumb(view, container.id, "Breadcrumb"))
                (page::cover_band(&database["cover"]))
                header.title { h1 { (icon_of(view, container.id)) span { (name) } } (aside::flags(view, container)) }
                p.description { (runs(&database["description"])) }
                @if sources.len() > 1 { (source_tabs(view, &sources, chosen)) }
                @match chosen.and_then(|id| Some((id, view.world.source(id)?))) {
                    Some((id, source)) => (table_of(view, id, source, pages)),
                    None => p.empty { "This database has no data source." },
                }
            }
            (aside::about(view, node))
        }
    };
    Page::new(name, Place::Node(container.id), main)
}

fn source_tabs(view: View, sources: &[Id], chosen: Option<Id>) -> Markup {
    html! {
        nav.tab-list aria-label="Data sources" {
            @for id in sources {
                a href=(link_to(*id)) aria-current=[(Some(*id) == chosen).then_some("page")] { (title(view, *id)) }
            }
        }
    }
}

fn table_of(view: View, id: Id, source: &DataSource, pages: &Pages) -> Markup {
    let layout = pages.query("layout").unwrap_or("table");
    let grouped =
        source.schema.values().find(|property| property.kind == PropertyKind::Status).or_else(
            || source.schema.values().find(|property| property.kind == PropertyKind::Select),
        );
    let tab = |name: &str, label: &str| {
        let wanted = if name == "table" { "" } else { name };
        html! {
            a href=(pages.link(&[("layout", wanted), ("from", "")]))
                aria-current=[(layout == name).then_some("page")] { (label) }
        }
    };
    let rows = view.world.live_children(id);
    html! {
        nav.tab-list aria-label="Layouts" {
            (tab("table", "Table"))
            @if grouped.is_some() { (tab("board", "Board")) }
            (tab("schema", "Schema"))
        }
        @match (layout, grouped) {
            ("schema", _) => (schema::table(view, id, source)),
            ("board", Some(by)) => (board(view, &rows, by)),
            _ => (table(view, &title(view, id), source, &rows, pages)),
        }
    }
}

/// Columns in the order of the schema, the title first.
fn columns(source: &DataSource) -> Vec<&Property> {
    let mut columns: Vec<&Property> = source.schema.values().collect();
    columns.sort_by_key(|property| property.id != TITLE);
    columns
}

fn table(view: View, name: &str, source: &DataSource, rows: &[Id], pages: &Pages) -> Markup {
    let (shown, links) = pages.cut(rows, ROWS_AT_ONCE, "rows");
    let columns = columns(source);
    html! {
        div.scroll.tall tabindex="0" role="region" aria-label={ "Rows of " (name) } {
            table.rows {
                caption.hidden { "Rows of " (name) }
                thead {
                    tr { @for property in &columns { th scope="col" title=(property.kind.as_str()) { (property.name) } } }
                }
                tbody {
                    @for row in shown {
                        tr { @for property in &columns { (cell(view, *row, property)) } }
                    }
                }
            }
        }
        @if rows.is_empty() { p.empty { "No rows yet. Create one with POST /v1/pages and this data source as parent." } }
        (links)
    }
}

fn cell(view: View, row: Id, property: &Property) -> Markup {
    let value = render::values::value(view, row, property);
    if property.id == TITLE {
        return html! {
            th scope="row" { a href=(link_to(row)) { (icon_of(view, row)) span { (title(view, row)) } } }
        };
    }
    let is_number = value["type"] == "number";
    html! { td.number[is_number] { (values::value(view, property, &value)) } }
}

/// One column per choice, and one for rows without any.
fn board(view: View, rows: &[Id], by: &Property) -> Markup {
    let choice_of = |row: &Id| {
        let page = view.world.page(*row);
        page.and_then(|page| page.values.get(&by.id)?.as_str()).map(str::to_owned)
    };
    let looked_at = &rows[..rows.len().min(BOARD_ROWS_MAX)];
    let keyed: Vec<(Option<String>, Id)> =
        looked_at.iter().map(|row| (choice_of(row), *row)).collect();
    let in_column = |choice: Option<&str>| {
        let all = keyed.iter().filter(|(key, _)| key.as_deref() == choice);
        all.map(|(_, row)| *row).collect::<Vec<Id>>()
    };
    let none = json!({"name": format!("No {}", by.name), "color": "default"});
    let mut all: Vec<(Value, Vec<Id>)> = vec![(none, in_column(None))];
    all.extend(by.choices().iter().map(|choice| (json!(choice), in_column(Some(&choice.id)))));
    all.retain(|(choice, rows)| choice["id"].is_string() || !rows.is_empty());
    html! {
        div.scroll tabindex="0" role="region" aria-label={ "Board by " (by.name) } {
            div.board {
                @for (choice, rows) in &all {
                    section {
                        h2 { (values::tag(choice)) span.quiet { (rows.len()) } }
                        ul {
                            @for row in rows.iter().take(CARDS_MAX) {
                                li { a href=(link_to(*row)) { (icon_of(view, *row)) span { (title(view, *row)) } } }
                            }
                        }
                        @if rows.len() > CARDS_MAX { p.cut { (rows.len() - CARDS_MAX) " more" } }
                    }
                }
            }
        }
        @if rows.len() > BOARD_ROWS_MAX { p.cut { "Only the first " (BOARD_ROWS_MAX) " of " (rows.len()) " rows are on the board." } }
    }
}
