//! Colour and tables, where somebody looks; plain text where a program reads.

use std::io::IsTerminal;
use std::process::ExitCode;

use comfy_table::presets::NOTHING;
use comfy_table::{Cell, Table};
use serde_json::{Value, json};

use crate::Done;

/// How to write to standard output.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Style {
    colour: bool,
}

impl Style {
    /// Colour only on a terminal, and only if `NO_COLOR` is not set (<https://no-color.org>).
    pub(crate) fn of_stdout() -> Self {
        let unwanted = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
        Self { colour: std::io::stdout().is_terminal() && !unwanted }
    }

    /// No colour.
    #[cfg(test)]
    pub(crate) fn none() -> Self {
        Self { colour: false }
    }

    pub(crate) fn bold(self, text: &str) -> String {
        self.paint("1", text)
    }

    pub(crate) fn dim(self, text: &str) -> String {
        self.paint("2", text)
    }

    pub(crate) fn green(self, text: &str) -> String {
        self.paint("32", text)
    }

    pub(crate) fn red(self, text: &str) -> String {
        self.paint("31", text)
    }

    fn paint(self, code: &str, text: &str) -> String {
        if self.colour && !text.is_empty() {
            format!("\x1b[{code}m{text}\x1b[0m")
        } else {
            text.to_owned()
        }
    }
}

/// Prints a list: in the shape that the API gives lists, or as a table. Where there is nothing, `none` says
/// what would make something.
pub(crate) fn print_list(
    items: &[Value],
    as_json: bool,
    none: &str,
    header: &[&str],
    row: impl FnMut(&Value) -> Vec<String>,
) -> Done {
    if as_json {
        println!("{}", json!({ "items": items, "next_cursor": null }));
    } else if items.is_empty() {
        println!("{none}");
    } else {
        print!("{}", table(header, items.iter().map(row)));
    }
    Ok(ExitCode::SUCCESS)
}

/// A table whose columns align, without lines. Nothing in it can move the cursor.
pub(crate) fn table(header: &[&str], rows: impl IntoIterator<Item = Vec<String>>) -> String {
    let mut table = Table::new();
    table.load_style(NOTHING);
    table.set_header(header);
    for row in rows {
        table.add_row(row.iter().map(|text| Cell::new(printable(text))));
    }
    let text = table.to_string();
    text.lines().map(|line| line.trim_end().to_owned() + "\n").collect()
}

/// A number of things, in the words for one and for more.
pub(crate) fn counted(count: usize, one: &str, more: &str) -> String {
    format!("{count} {}", if count == 1 { one } else { more })
}

/// A time of the API as people read it: to the second, without its zone, which is UTC.
pub(crate) fn moment(time: &str) -> String {
    time.chars().take(19).map(|c| if c == 'T' { ' ' } else { c }).collect()
}

/// A text from outside, without control characters, and without those that turn the direction of what
/// follows.
pub(crate) fn printable(text: &str) -> String {
    let turns = |c| matches!(c, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    text.chars().map(|c| if c.is_control() || turns(c) { '\u{fffd}' } else { c }).collect()
}
