//! An audit as a document that people keep: Markdown, or a web page of its own. Titles come from
//! outside: nothing in them becomes markup.

use std::fmt::Write;
use std::path::Path;

use anyhow::anyhow;
use gate::{AccessItem, AccessKind, AccessReport, Changed};

use super::Failure;
use crate::term::printable;

/// The form of a document.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Format {
    Markdown,
    Html,
}

/// Lists in Markdown are not nested deeper than this.
const DEPTH_MAX: u32 = 40;

impl Format {
    /// By the end of the file's name.
    pub(super) fn of(path: &Path) -> Result<Self, Failure> {
        match path.extension().and_then(|end| end.to_str()) {
            Some("md") => Ok(Self::Markdown),
            Some("html") => Ok(Self::Html),
            _ => Err(Failure::usage(anyhow!(
                "--report {}: the name must end with .md or .html",
                path.display()
            ))),
        }
    }

    pub(super) fn write(self, report: &AccessReport) -> String {
        match self {
            Self::Markdown => markdown(report),
            Self::Html => html(report),
        }
    }
}

/// What a report says before the objects: one sentence each.
fn sentences(report: &AccessReport) -> Vec<String> {
    let counts = &report.counts;
    let mut all = vec![
        format!(
            "{} objects: {} pages and {} data sources, in {} databases.",
            report.total, counts.page, counts.data_source, counts.database
        ),
        format!("Made {}.", report.at.strftime("%Y-%m-%d %H:%M UTC")),
    ];
    all.extend(report.notes.iter().map(|note| format!("Note: {note}.")));
    all
}

fn heading(report: &AccessReport) -> String {
    let name = printable(&report.name);
    match &report.workspace_name {
        Some(workspace) => format!("What “{name}” reaches in “{}”", printable(workspace)),
        None => format!("What “{name}” reaches"),
    }
}

/// What is said of an object beside its title.
fn remarks(item: &AccessItem) -> String {
    let mut text = item.kind.as_str().replace('_', " ");
    if item.below > 0 {
        let _ = write!(text, ", {} below", item.below);
    }
    if let Some(at) = item.last_edited_time {
        let _ = write!(text, ", edited {}", at.strftime("%Y-%m-%d"));
    }
    if item.depth == 0 {
        text += ", shared itself";
    }
    if item.in_trash {
        text += ", in the trash";
    } else if item.archived {
        text += ", archived";
    }
    text
}

fn changes(report: &AccessReport) -> Vec<(&'static str, &Changed)> {
    let Some(compared) = &report.compared else { return Vec::new() };
    let added = compared.added.iter().map(|it| ("reachable now", it));
    added.chain(compared.removed.iter().map(|it| ("no longer reachable", it))).collect()
}

fn markdown(report: &AccessReport) -> String {
    let mut text = format!("# {}\n\n", in_markdown(&heading(report)));
    for sentence in sentences(report) {
        text += &format!("{}\n", in_markdown(&sentence));
    }
    let changes = changes(report);
    if !changes.is_empty() {
        text += "\n## What changed\n\n";
        for (what, changed) in changes {
            let title = in_markdown(&printable(&changed.title));
            text += &format!("- {what}: {title} `{}`\n", changed.id);
        }
    }
    text += "\n## What it reaches\n\n";
    for item in &report.items {
        let indent = "  ".repeat(item.depth.min(DEPTH_MAX) as usize);
        let title = in_markdown(&printable(&item.title));
        let title = match &item.url {
            Some(url) if url.chars().all(is_plain_in_url) => format!("[{title}]({url})"),
            _ => title,
        };
        text += &format!("{indent}- {title} ({}) `{}`\n", remarks(item), item.id);
    }
    text
}

fn is_plain_in_url(c: char) -> bool {
    c.is_ascii_alphanumeric() || "-._~:/?#=&%+".contains(c)
}

/// A text in which Markdown sees no markup.
fn in_markdown(text: &str) -> String {
    let special = |c: char| c.is_ascii_punctuation() && !"-.,:;'\"/?%".contains(c);
    text.chars().fold(String::new(), |mut out, c| {
        if special(c) {
            out.push('\\');
        }
        out.push(c);
        out
    })
}

fn html(report: &AccessReport) -> String {
    let heading = in_html(&heading(report));
    let mut text = format!(
        "<!doctype html>\n<html lang=\"en\">\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width\">\n<title>{heading}</title>\n\
         <style>body{{font:16px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem}}\
         li{{margin:.15rem 0;overflow-wrap:anywhere}}small{{color:#666}}</style>\n<h1>{heading}</h1>\n"
    );
    for sentence in sentences(report) {
        text += &format!("<p>{}</p>\n", in_html(&sentence));
    }
    let changes = changes(report);
    if !changes.is_empty() {
        text += "<h2>What changed</h2>\n<ul>\n";
        for (what, changed) in changes {
            let title = in_html(&printable(&changed.title));
            text += &format!("<li>{what}: {title} <small>{}</small>\n", changed.id);
        }
        text += "</ul>\n";
    }
    text += "<h2>What it reaches</h2>\n";
    let mut open = 0;
    for item in &report.items {
        let depth = item.depth.min(DEPTH_MAX) + 1;
        while open < depth {
            text += "<ul>\n";
            open += 1;
        }
        while open > depth {
            text += "</ul>\n";
            open -= 1;
        }
        let title = in_html(&printable(&item.title));
        let title = match &item.url {
            Some(url) => format!("<a href=\"{}\" rel=\"noreferrer\">{title}</a>", in_html(url)),
            None => title,
        };
        let kind = if item.kind == AccessKind::Page { "" } else { " <small>▦</small>" };
        text += &format!("<li>{title}{kind} <small>{}</small>\n", in_html(&remarks(item)));
    }
    text += &"</ul>\n".repeat(open as usize);
    text
}

fn in_html(text: &str) -> String {
    text.chars().fold(String::new(), |mut out, c| {
        match c {
            '&' => out += "&amp;",
            '<' => out += "&lt;",
            '>' => out += "&gt;",
            '"' => out += "&quot;",
            '\'' => out += "&#39;",
            c => out.push(c),
        }
        out
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_in_a_title_becomes_markup() {
        assert_eq!(
            in_markdown("[x](y) *a* `b` <c> # | \\"),
            r"\[x\]\(y\) \*a\* \`b\` \<c\> \# \| \\"
        );
        assert_eq!(
            in_html("<a href=\"x\" onload='y'>&"),
            "&lt;a href=&quot;x&quot; onload=&#39;y&#39;&gt;&amp;"
        );
    }

    #[test]
    fn the_name_says_the_form() {
        let of = |name: &str| Format::of(Path::new(name)).ok();
        assert_eq!((of("a.md"), of("b.html")), (Some(Format::Markdown), Some(Format::Html)));
        assert_eq!((of("a.pdf"), of("md"), of("")), (None, None, None));
    }
}
