//! Rich text as inline markdown.

use serde_json::Value;

use super::tag::{put, put_color};
use super::{Look, page_url};
use crate::input::rich_text::{append, joins};
use notion::Id;

/// What must be escaped so that it stays text.
const SPECIAL: &str = "\\*~`$[]<>{}|^";

/// A style that is open, outermost first in the order in which they are nested.
#[derive(Clone, Debug, PartialEq)]
enum Mark {
    Span { color: String, underline: bool },
    Link(String),
    Bold,
    Italic,
    Strike,
}

/// More than there are.
const MARKS_MAX: usize = 6;

/// Styles whose markers must touch what they mark.
const TOUCHING: [(&str, Mark); 3] =
    [("bold", Mark::Bold), ("italic", Mark::Italic), ("strikethrough", Mark::Strike)];

/// Writes runs as the world keeps them.
pub(super) fn inline(runs: &[Value], look: Look) -> String {
    let mut out = String::new();
    let mut open: Vec<Mark> = Vec::new();
    for run in pieces(runs) {
        let wanted = marks(&run);
        let same = open.iter().zip(&wanted).take_while(|(is, wanted)| is == wanted).count();
        for mark in open.drain(same..).rev() {
            close(&mut out, &mark);
        }
        for mark in &wanted[same..] {
            begin(&mut out, mark);
        }
        open = wanted;
        leaf(&mut out, &run, look);
    }
    for mark in open.iter().rev() {
        close(&mut out, mark);
    }
    out
}

/// The runs, merged where they look the same. Whitespace where a style begins or ends is not part
/// of it, because its markers must touch what they mark.
fn pieces(runs: &[Value]) -> Vec<Value> {
    let merged = merge(runs.iter().cloned());
    let all: Vec<Vec<Mark>> = merged.iter().map(marks).collect();
    let shared = |one: Option<&Vec<Mark>>, other: &[Mark]| {
        let both = one.into_iter().flatten().zip(other);
        both.take_while(|(one, other)| one == other).count()
    };
    let mut out = Vec::new();
    for (index, run) in merged.into_iter().enumerate() {
        let text = run["text"]["content"].as_str().filter(|_| !is_on(&run, "code"));
        let Some(text) = text else {
            out.push(run);
            continue;
        };
        let before = shared(index.checked_sub(1).and_then(|at| all.get(at)), &all[index]);
        let after = shared(all.get(index + 1), &all[index]);
        let is_edge = |c: char| c.is_whitespace() && c != '\n';
        let core = text.trim_matches(is_edge);
        let start = text.len() - text.trim_start_matches(is_edge).len();
        let end = start + core.len();
        let (start, end) = if core.is_empty() { (text.len(), text.len()) } else { (start, end) };
        let first = if core.is_empty() { before.min(after) } else { before };
        let parts = [(&text[..start], first), (core, MARKS_MAX), (&text[end..], after)];
        for (part, kept) in parts.into_iter().filter(|(part, _)| !part.is_empty()) {
            let mut piece = run.clone();
            piece["text"]["content"] = part.into();
            for (style, mark) in TOUCHING {
                if !all[index].iter().take(kept).any(|open| *open == mark) {
                    piece["annotations"][style] = false.into();
                }
            }
            out.push(piece);
        }
    }
    merge(out.into_iter())
}

fn merge(runs: impl Iterator<Item = Value>) -> Vec<Value> {
    let mut out: Vec<Value> = Vec::new();
    for run in runs {
        match out.last_mut() {
            Some(last) if joins(last, &run) => append(last, &run),
            _ => out.push(run),
        }
    }
    out
}

fn is_on(run: &Value, style: &str) -> bool {
    run["annotations"][style] == true
}

fn marks(run: &Value) -> Vec<Mark> {
    let mut all = Vec::new();
    let color = run["annotations"]["color"].as_str().unwrap_or("default");
    let underline = is_on(run, "underline");
    if color != "default" || underline {
        all.push(Mark::Span { color: color.to_owned(), underline });
    }
    if let Some(url) = link(run) {
        all.push(Mark::Link(url.to_owned()));
    }
    all.extend(TOUCHING.into_iter().filter(|(style, _)| is_on(run, style)).map(|(_, mark)| mark));
    all
}

/// The target of a link; previews and mentions of links can be written as nothing else.
fn link(run: &Value) -> Option<&str> {
    let mention = &run["mention"];
    let url = match mention["type"].as_str() {
        None => &run["text"]["link"]["url"],
        Some("link_preview") => &mention["link_preview"]["url"],
        Some(_) => &mention["link_mention"]["href"],
    };
    url.as_str()
}

fn begin(out: &mut String, mark: &Mark) {
    match mark {
        Mark::Span { color, underline } => {
            out.push_str("<span");
            put_color(out, color);
            if *underline {
                put(out, "underline", "true");
            }
            out.push('>');
        }
        Mark::Link(_) => out.push('['),
        Mark::Bold => out.push_str("**"),
        Mark::Italic => out.push('*'),
        Mark::Strike => out.push_str("~~"),
    }
}

fn close(out: &mut String, mark: &Mark) {
    match mark {
        Mark::Span { .. } => out.push_str("</span>"),
        Mark::Link(url) => {
            out.push_str("](");
            out.push_str(&target(url));
            out.push(')');
        }
        other => begin(out, other),
    }
}

/// A URL between parentheses.
pub(super) fn target(url: &str) -> String {
    let mut out = String::new();
    for c in url.chars() {
        if matches!(c, '(' | ')' | '\\') {
            out.push('\\');
        }
        out.push(c);
    }
    out
}

fn leaf(out: &mut String, run: &Value, look: Look) {
    match run["type"].as_str() {
        Some("equation") => {
            let expression = run["equation"]["expression"].as_str().unwrap_or_default();
            let expression = expression.trim().replace('\n', " ").replace('$', "\\$");
            if !expression.is_empty() {
                out.push('$');
                out.push_str(&expression);
                out.push('$');
            }
        }
        Some("mention") => mention(out, run, look),
        _ => {
            let text = run["text"]["content"].as_str().unwrap_or_default();
            if is_on(run, "code") {
                code(out, text);
            } else {
                out.push_str(&escape(text));
            }
        }
    }
}

/// A code span: its text is literal, so the ticks around it are more than there are in it.
fn code(out: &mut String, text: &str) {
    // A line break cannot stand in a span, nor in any line.
    for (index, line) in text.split('\n').enumerate() {
        if index > 0 {
            out.push_str("<br>");
        }
        if line.is_empty() {
            continue;
        }
        let most = line.split(|c| c != '`').map(str::len).max().unwrap_or_default();
        let fence = "`".repeat(most + 1);
        let spaced = line.starts_with(' ') && line.ends_with(' ') && !line.trim().is_empty();
        let pad = if spaced || line.starts_with('`') || line.ends_with('`') { " " } else { "" };
        for part in [&fence, pad, line, pad, &fence] {
            out.push_str(part);
        }
    }
}

/// Text that reads back as itself.
pub(super) fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '\n' => out.push_str("<br>"),
            '\r' => {}
            _ => {
                if SPECIAL.contains(c) {
                    out.push('\\');
                }
                out.push(c);
            }
        }
    }
    out
}

fn mention(out: &mut String, run: &Value, look: Look) {
    let mention = &run["mention"];
    let kind = mention["type"].as_str().unwrap_or_default();
    let member = &mention[kind];
    let id = || member["id"].as_str().and_then(Id::parse).unwrap_or(Id::NIL);
    let mut tag = format!("<mention-{kind}");
    match kind {
        "user" => put(&mut tag, "url", &format!("user://{}", id())),
        "page" | "database" => put(&mut tag, "url", &page_url(id())),
        "date" => date(&mut tag, member),
        "template_mention" => {
            // How the real service writes these is not known.
            tag = "<mention-template".to_owned();
            let word = ["template_mention_date", "template_mention_user"];
            let word = word.iter().find_map(|key| member[*key].as_str());
            put(&mut tag, "value", word.unwrap_or("today"));
        }
        "custom_emoji" => {
            out.push_str(&format!(":{}:", member["name"].as_str().unwrap_or_default()));
            return;
        }
        // A link around its address.
        _ => {
            let url = link(run).unwrap_or_default();
            out.push_str(&escape(url));
            return;
        }
    }
    out.push_str(&tag);
    let name = run["plain_text"].as_str().filter(|_| !look.bare && kind != "date");
    match (name, kind) {
        (Some(name), "user" | "page" | "database") => {
            let name = escape(name.strip_prefix('@').unwrap_or(name));
            out.push_str(&format!(">{name}</mention-{kind}>"));
        }
        _ => out.push_str("/>"),
    }
}

/// `start`, `end`, and the times apart from the days.
fn date(tag: &mut String, date: &Value) {
    let mut zone = None;
    for (day_key, time_key, value) in
        [("start", "startTime", &date["start"]), ("end", "endTime", &date["end"])]
    {
        let Some(text) = value.as_str() else { continue };
        match text.split_once('T') {
            None => put(tag, day_key, text),
            Some((day, time)) => {
                put(tag, day_key, day);
                put(tag, time_key, time.get(..5).unwrap_or(time));
                zone = time.find(['+', '-', 'Z']).map(|at| time[at..].to_owned());
            }
        }
    }
    match zone.as_deref() {
        None => {}
        Some("Z" | "+00:00") => put(tag, "timeZone", "UTC"),
        Some(offset) => put(tag, "timeZone", offset),
    }
}
