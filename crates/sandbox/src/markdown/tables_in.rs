//! Tables: `<table>` with rows and cells, and rows between pipes.

use serde_json::Value;

use super::Reading;
use super::blocks_in::Parser;
use super::bodies::table;
use super::inline_in::inline;
use super::tag::{Form, Tag};
use crate::fail::Fail;
use crate::input::blocks::Draft;

/// Most columns.
const WIDTH_MAX: usize = 100;

fn too_wide() -> Fail {
    Fail::validation(format!("A table in the markdown has more than {WIDTH_MAX} columns."))
}

/// Reads what stands between `<table>` and `</table>`; nothing without rows.
pub(super) fn markup(markup: &str, tag: &Tag, parser: &mut Parser) -> Result<Option<Draft>, Fail> {
    let mut columns: Vec<&str> = Vec::new();
    let mut rows: Vec<Vec<Vec<Value>>> = Vec::new();
    let mut row_color = "default";
    let mut rest = markup;
    while let Some(start) = rest.find('<') {
        rest = &rest[start..];
        let Some(found) = Tag::read(rest) else {
            rest = &rest[1..];
            continue;
        };
        rest = &rest[found.length..];
        if found.form == Form::Close {
            continue;
        }
        match found.name {
            "col" => columns.push(found.color()),
            "tr" => {
                parser.count(1)?;
                row_color = found.color();
                rows.push(Vec::new());
            }
            "td" | "th" => {
                if rows.is_empty() {
                    rows.push(Vec::new());
                }
                let Some(row) = rows.last_mut() else { continue };
                if row.len() >= WIDTH_MAX {
                    return Err(too_wide());
                }
                let end = end_of_cell(rest);
                let lines: Vec<&str> = rest[..end].trim_matches('\n').split('\n').collect();
                let mut runs = inline(&lines.join("<br>"), parser.reading);
                // The nearest colour counts: cell, row, column (documented).
                let column = columns.get(row.len()).copied().unwrap_or("default");
                let color = [found.color(), row_color, column];
                if let Some(color) = color.into_iter().find(|color| *color != "default") {
                    paint(&mut runs, color);
                }
                row.push(runs);
                rest = &rest[end..];
            }
            _ => {}
        }
    }
    rows.retain(|row| !row.is_empty());
    Ok((!rows.is_empty()).then(|| table(rows, tag.is_on("header-row"), tag.is_on("header-column"))))
}

/// A cell ends at its tag, or where the next begins.
fn end_of_cell(text: &str) -> usize {
    let mut from = 0;
    while let Some(start) = text[from..].find('<') {
        let start = from + start;
        if let Some(tag) = Tag::read(&text[start..])
            && matches!(tag.name, "td" | "th" | "tr")
        {
            return start;
        }
        from = start + 1;
    }
    text.len()
}

fn paint(runs: &mut [Value], color: &str) {
    for run in runs {
        if run["annotations"]["color"] == "default" {
            run["annotations"]["color"] = color.into();
        }
    }
}

/// Reads rows between pipes.
pub(super) fn pipes(lines: &[&str], reading: &Reading) -> Result<Draft, Fail> {
    let is_rule = |line: &&str| {
        line.contains('-') && line.chars().all(|c| matches!(c, '|' | '-' | ':' | ' '))
    };
    let has_header = lines.get(1).is_some_and(is_rule);
    let mut rows = Vec::new();
    for (index, line) in lines.iter().enumerate() {
        if has_header && index == 1 {
            continue;
        }
        let cells = split(line);
        if cells.len() > WIDTH_MAX {
            return Err(too_wide());
        }
        rows.push(cells.iter().map(|cell| inline(cell.trim(), reading)).collect());
    }
    Ok(table(rows, has_header, false))
}

/// The cells of a row; escaped pipes are text.
fn split(line: &str) -> Vec<&str> {
    let line = line.trim();
    let line = line.strip_prefix('|').unwrap_or(line);
    let (mut cells, mut from, mut escaped) = (Vec::new(), 0, false);
    for (at, c) in line.char_indices() {
        if c == '|' && !escaped {
            cells.push(&line[from..at]);
            from = at + 1;
        }
        escaped = c == '\\' && !escaped;
    }
    if from < line.len() || cells.is_empty() {
        cells.push(&line[from..]);
    }
    cells
}
