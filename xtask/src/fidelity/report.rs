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

    pub(super) fn markdown(&self) -> String {
        let mut text = "# Fidelity\n".to_owned();
        for level in &self.levels {
            let verdict = if level.passed() { "bar reached" } else { "below the bar" };
            text.push_str(&format!("\n## {}: {} ({verdict})\n\n", level.name(), level.title()));
            let (header, rows) = level.table();
            text.push_str(&format!(
                "| {} |\n|{}\n",
                header.join(" | "),
                "---|".repeat(header.len())
            ));
            for row in rows {
                text.push_str(&format!("| {} |\n", row.join(" | ")));
            }
        }
        text
    }
}

/// `97.31 %`
pub(super) fn percent(part: usize, whole: usize) -> String {
    if whole == 0 {
        return "-".to_owned();
    }
    format!("{:.2} %", 100.0 * part as f64 / whole as f64)
}
