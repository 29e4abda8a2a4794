//! Rows of a data source: as a table, a board, a list.

use maud::{Markup, html};
use notion::Id;
use serde_json::{Value, json};

use super::text::{icon_of, link_to, title};
use super::{Pages, values};
use crate::render;
use crate::world::access::View;
use crate::world::property::{Property, TITLE};

/// So many rows of a table, and cards of a board's column, are shown at a time.
const ROWS_AT_ONCE: usize = 50;
const CARDS_MAX: usize = 25;
/// So many rows are looked through for a board.
const BOARD_ROWS_MAX: usize = 2000;

pub(super) fn table(
    view: View,
    name: &str,
    columns: &[&Property],
    rows: &[Id],
    pages: &Pages,
) -> Markup {
    let (shown, links) = pages.cut(rows, ROWS_AT_ONCE, "rows");
    html! {
        @if rows.is_empty() { (nothing()) } @else {
            div.scroll.tall tabindex="0" role="region" aria-label={ "Rows of " (name) } {
                (grid(view, name, columns, shown))
            }
        }
        (links)
    }
}

fn nothing() -> Markup {
    html! { p.empty { "No rows here. Create one with POST /v1/pages and this data source as parent." } }
}

/// A table of rows, as it is.
pub(super) fn grid(view: View, name: &str, columns: &[&Property], rows: &[Id]) -> Markup {
    html! {
        table.rows {
            caption.hidden { "Rows of " (name) }
            thead {
                tr {
                    @for property in columns {
                        th.number[property.kind.as_str() == "number"] scope="col" title=(property.kind.as_str()) {
                            (property.name)
                        }
                    }
                }
            }
            tbody {
                @for row in rows { tr { @for property in columns { (cell(view, *row, property)) } } }
            }
        }
    }
}

fn cell(view: View, row: Id, property: &Property) -> Markup {
    if property.id == TITLE {
        return html! {
            th scope="row" { a href=(link_to(row)) { (icon_of(view, row)) span { (title(view, row)) } } }
        };
    }
    let value = render::values::value(view, row, property);
    let is_number = value["type"] == "number";
    html! { td.number[is_number] { (values::value(view, property, &value)) } }
}

/// Rows one below the other, with one more value beside each.
pub(super) fn list(view: View, rows: &[Id], beside: Option<&Property>, pages: &Pages) -> Markup {
    let (shown, links) = pages.cut(rows, ROWS_AT_ONCE, "rows");
    let value = |row: Id, property: &Property| {
        values::value(view, property, &render::values::value(view, row, property))
    };
    html! {
        @if rows.is_empty() { (nothing()) } @else {
            ul.recent {
                @for row in shown {
                    li {
                        a href=(link_to(*row)) { (icon_of(view, *row)) span { (title(view, *row)) } }
                        @if let Some(property) = beside { span { (value(*row, property)) } }
                    }
                }
            }
        }
        (links)
    }
}

/// One column per choice, and one for rows without any.
pub(super) fn board(view: View, rows: &[Id], by: &Property) -> Markup {
    let looked_at = &rows[..rows.len().min(BOARD_ROWS_MAX)];
    let kept = |row: &Id| view.world.page(*row).and_then(|page| page.values.get(&by.id));
    let has = |row: &Id, choice: &str| match kept(row) {
        Some(Value::Array(all)) => all.iter().any(|one| one == choice),
        Some(one) => one == choice,
        None => false,
    };
    let is_empty = |row: &Id| !by.choices().iter().any(|choice| has(row, &choice.id));
    let of = |fits: &dyn Fn(&Id) -> bool| {
        looked_at.iter().copied().filter(|row| fits(row)).collect::<Vec<Id>>()
    };
    let none = json!({"name": format!("No {}", by.name), "color": "default"});
    let mut all: Vec<(Value, Vec<Id>)> = vec![(none, of(&is_empty))];
    all.extend(by.choices().iter().map(|choice| {
        (json!({"name": choice.name, "color": choice.color}), of(&|row| has(row, &choice.id)))
    }));
    // The column of those without a choice is there when there are any.
    let all = if all[0].1.is_empty() { &all[1..] } else { &all[..] };
    html! {
        div.scroll tabindex="0" role="region" aria-label={ "Board by " (by.name) } {
            div.board {
                @for (choice, rows) in all {
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
        @if rows.len() > BOARD_ROWS_MAX {
            p.cut { "Only the first " (BOARD_ROWS_MAX) " of " (rows.len()) " rows are on the board." }
        }
    }
}
