//! An audit as text: as a list or a tree whose columns align, titles cut to the width of the terminal.

use std::io::{ErrorKind, Write};

use console::{Term, measure_text_width, truncate_str};
use gate::{AccessItem, AccessKind, AccessReport, Changed, Compared};

use super::Failure;
use crate::term::{Style, printable};

/// Where there is no terminal that has a width.
const WIDTH_DEFAULT: usize = 140;
/// Titles are cut to no less than this, and their column is no wider than that.
const TITLE_MIN: usize = 16;
const TITLE_MAX: usize = 72;
/// Deeper branches are all drawn at this depth.
const DEPTH_MAX: u32 = 24;

/// Writes to standard output; whoever reads may have enough.
pub(super) fn print(text: &str) -> Result<(), Failure> {
    match std::io::stdout().lock().write_all(text.as_bytes()) {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => Err(Failure::could_not(error)),
        _ => Ok(()),
    }
}

fn terminal_width() -> usize {
    Term::stdout().size_checked().map_or(WIDTH_DEFAULT, |(_, columns)| usize::from(columns))
}

/// One line for each object: type, title, how much is below, when it was edited, id.
pub(super) fn list(report: &AccessReport, style: Style) -> String {
    lines(report, terminal_width(), |_| String::new(), style)
}

/// One line for each object, below what it stands under.
pub(super) fn tree(report: &AccessReport, style: Style) -> String {
    let branches = branches(&report.items);
    lines(report, terminal_width(), |at| branches[at].clone(), style)
}

fn lines(
    report: &AccessReport,
    width: usize,
    branch: impl Fn(usize) -> String,
    style: Style,
) -> String {
    // Type, how much is below, date, id; what does not fit is left out.
    let (is_wide, has_id) = (width >= 110, width >= 76);
    let beside = 13 + if is_wide { 11 + 12 } else { 0 } + if has_id { 38 } else { 0 };
    let names: Vec<(String, String)> =
        report.items.iter().enumerate().map(|(at, item)| (branch(at), title(item))).collect();
    let longest = names.iter().map(|(a, b)| measure_text_width(a) + measure_text_width(b)).max();
    let room = width.saturating_sub(beside).clamp(TITLE_MIN, TITLE_MAX).min(longest.unwrap_or(0));
    let mut text = String::new();
    for ((branch, title), item) in names.iter().zip(&report.items) {
        let left = room.saturating_sub(measure_text_width(branch));
        let title = truncate_str(title, left.max(8), "…");
        let used = measure_text_width(branch) + measure_text_width(&title);
        let gap = " ".repeat(room.saturating_sub(used));
        let title = if item.depth == 0 { style.bold(&title) } else { title.into_owned() };
        let kind = item.kind.as_str().replace('_', " ");
        let mut line = format!("{}{title}{gap}  {kind:<11}", style.dim(branch));
        if is_wide {
            let below =
                if item.below > 0 { format!("{} below", item.below) } else { String::new() };
            let edited = item.last_edited_time.map_or_else(String::new, day);
            line += &format!("{below:>11}  {edited:<10}");
        }
        if has_id {
            line += &style.dim(&format!("  {}", item.id));
        }
        text += line.trim_end();
        text.push('\n');
    }
    text
}

fn day(at: jiff::Timestamp) -> String {
    at.strftime("%Y-%m-%d").to_string()
}

fn title(item: &AccessItem) -> String {
    let marks = match (item.in_trash, item.archived) {
        (true, _) => " (in the trash)",
        (false, true) => " (archived)",
        (false, false) => "",
    };
    printable(&item.title) + marks
}

/// What stands before the title of each item, so that it hangs below the right one.
fn branches(items: &[AccessItem]) -> Vec<String> {
    let depth = |item: &AccessItem| item.depth.min(DEPTH_MAX) as usize;
    // From the end: whether something at each depth still follows below the same parent.
    let mut follows = vec![false; DEPTH_MAX as usize + 2];
    let mut all: Vec<String> = Vec::with_capacity(items.len());
    for item in items.iter().rev() {
        let depth = depth(item);
        let mut branch = String::new();
        for line in follows.iter().take(depth).skip(1) {
            branch += if *line { "│  " } else { "   " };
        }
        if depth > 0 {
            branch += if follows[depth] { "├─ " } else { "└─ " };
        }
        follows[depth] = true;
        follows[depth + 1..].fill(false);
        all.push(branch);
    }
    all.reverse();
    all
}

/// What came and what went, and how many of each.
pub(super) fn changes(compared: &Compared, style: Style) -> String {
    let with = compared.with.map_or_else(
        || "Compared with the list that was expected".to_owned(),
        |at| format!("Since the audit of {}", at.strftime("%Y-%m-%d %H:%M:%S UTC")),
    );
    let mut text = format!("{with}: +{} −{}\n", compared.added.len(), compared.removed.len());
    if compared.is_equal() {
        text += "Nothing became reachable, and nothing was lost.\n";
    }
    let line = |sign: &str, changed: &Changed| {
        let kind = changed.kind.map_or("object", AccessKind::as_str).replace('_', " ");
        let title = printable(&changed.title);
        let title = truncate_str(&title, TITLE_MAX, "…");
        format!("{sign} {kind:<11}  {title}  ({})\n", changed.id)
    };
    compared.added.iter().for_each(|it| text += &style.green(&line("+", it)));
    compared.removed.iter().for_each(|it| text += &style.red(&line("−", it)));
    text
}

#[cfg(test)]
mod tests {
    use gate::AccessReport;
    use serde_json::json;

    use super::*;

    fn report(items: &[(u32, &str)]) -> AccessReport {
        let items: Vec<_> = items
            .iter()
            .enumerate()
            .map(|(number, (depth, title))| {
                json!({
                    "type": "page", "id": format!("00000000-0000-4000-8000-{number:012}"),
                    "title": title, "parent": null, "depth": depth, "below": 0, "url": null,
                    "last_edited_time": "2026-01-05T09:00:00Z", "last_edited_by": null,
                    "in_trash": false, "archived": false,
                })
            })
            .collect();
        let report = json!({
            "connection": "00000000-0000-4000-8000-00000000000b", "name": "bot", "workspace_name": null,
            "at": "2026-01-05T09:00:00Z", "total": items.len(), "counts": {"page": 0, "database": 0, "data_source": 0},
            "complete": true, "notes": [], "asked": {"searches": 1, "lookups": 0, "waits": 0}, "items": items,
        });
        serde_json::from_value(report).unwrap()
    }

    #[test]
    fn a_tree_hangs_together() {
        let report = report(&[
            (0, "A"),
            (1, "B"),
            (2, "C"),
            (2, "D"),
            (1, "E"),
            (2, "F"),
            (0, "G"),
            (1, "H"),
        ]);
        let drawn: Vec<String> = branches(&report.items)
            .into_iter()
            .zip(&report.items)
            .map(|(branch, item)| branch + &item.title)
            .collect();
        assert_eq!(drawn, ["A", "├─ B", "│  ├─ C", "│  └─ D", "└─ E", "   └─ F", "G", "└─ H"]);
    }

    #[test]
    fn columns_align_at_any_width_and_nothing_moves_the_cursor() {
        let long = "長い題名".repeat(100);
        let hostile = "\u{1b}[2J\u{202e}evil\r\n\u{9b}31m";
        let report = report(&[(0, "A"), (1, &long), (30, "deep"), (2, hostile), (0, "")]);
        let branches = branches(&report.items);
        for width in [20, 40, 76, 80, 107, 108, 140, 300] {
            let text = lines(&report, width, |at| branches[at].clone(), Style::none());
            assert_eq!(text.lines().count(), 5, "{text}");
            assert!(!text.contains(['\u{1b}', '\u{202e}', '\r', '\u{9b}']), "{text:?}");
            let columns: Vec<usize> = text
                .lines()
                .filter(|line| !line.contains("deep"))
                .map(|line| measure_text_width(line.split("  page").next().unwrap()))
                .collect();
            assert!(
                columns.iter().all(|column| *column == columns[0]),
                "{width}: {columns:?}\n{text}"
            );
            if width >= 76 {
                let widest = text.lines().filter(|it| !it.contains("deep")).map(measure_text_width);
                assert!(widest.max().unwrap() <= width, "{width}: {text}");
            }
        }
    }
}
