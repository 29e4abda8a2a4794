//! Joins the levels into one report: for the terminal, as JSON, as Markdown.

use serde_json::{Map, Value, json};

use crate::table;

/// One level of the proof.
pub(super) trait Level {
    /// `L2`
    fn name(&self) -> &'static str;
    /// What it shows.
    fn title(&self) -> &'static str;
    /// Whether it reaches its bar.
    fn passed(&self) -> bool;
    /// Header and rows.
    fn table(&self) -> (Vec<&'static str>, Vec<Vec<String>>);
    /// What `--verbose` adds.
    fn details(&self) -> String;
    /// Everything.
    fn json(&self) -> Value;
    /// What the page of the documentation says of it: the table, if nothing else.
    fn section(&self) -> String {
        let (header, rows) = self.table();
        section(self.name(), self.title(), &header, &rows)
    }
}

/// The levels that were run.
pub(super) struct Report {
    pub(super) levels: Vec<Box<dyn Level>>,
}

impl Report {
    pub(super) fn passed(&self) -> bool {
        self.levels.iter().all(|level| level.passed())
    }

    /// For the terminal.
    pub(super) fn text(&self, verbose: bool) -> String {
        let mut text = String::new();
        for level in &self.levels {
            let verdict = if level.passed() { "reached" } else { "BELOW THE BAR" };
            text.push_str(&format!("{} {}: {verdict}\n\n", level.name(), level.title()));
            let (header, rows) = level.table();
            text.push_str(&table::render(&header, &rows));
            text.push('\n');
            if verbose {
                text.push_str(&level.details());
                text.push('\n');
            }
        }
        text
    }

    pub(super) fn json(&self) -> Value {
        let levels = self.levels.iter().map(|level| (level.name().to_owned(), level.json()));
        json!({"passed": self.passed(), "levels": levels.collect::<Map<String, Value>>()})
    }
}

/// A table in Markdown under a heading of its own.
pub(super) fn section(name: &str, title: &str, header: &[&str], rows: &[Vec<String>]) -> String {
    let line = "---|".repeat(header.len());
    let mut text = format!("\n## {name}: {title}\n\n| {} |\n|{line}\n", header.join(" | "));
    for row in rows {
        text.push_str(&format!("| {} |\n", row.join(" | ")));
    }
    text
}

/// `97.31 %`
pub(super) fn percent(part: usize, whole: usize) -> String {
    if whole == 0 {
        return "-".to_owned();
    }
    format!("{:.2} %", 100.0 * part as f64 / whole as f64)
}
