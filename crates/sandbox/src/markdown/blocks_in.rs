//! Markdown read into blocks, the usual dialect.
//!
//! Line by line: what is one tab further in is below the block before it. Indentation by spaces is
//! understood, tags without indentation too. Nothing is refused but what is too much.

use serde_json::json;

use super::bodies::{draft, heading, icon_in, media, paragraph, text};
use super::inline_in::{inline, target};
use super::tag::{Form, Tag, trailing};
use super::{BLOCKS_MAX, DEPTH_MAX, Dialect, Reading, id_in, tables_in};
use crate::fail::Fail;
use crate::input::block_body::language_in;
use crate::input::blocks::{Draft, takes_children};

/// Columns of a tab.
const TAB: usize = 4;
/// So many columns further in is below the line before: lists are indented by two and more.
const STEP: usize = 2;

/// A line without its indentation.
#[derive(Clone, Copy, Debug)]
struct Line<'a> {
    /// In columns.
    indent: usize,
    text: &'a str,
    /// With the indentation, for code.
    raw: &'a str,
}

impl<'a> Line<'a> {
    fn new(raw: &'a str) -> Self {
        let raw = raw.strip_suffix('\r').unwrap_or(raw);
        let text = raw.trim_start_matches([' ', '\t']);
        let space = &raw[..raw.len() - text.len()];
        let is_list = Marker::read(text).is_some_and(|(marker, _)| marker.is_list());
        let mut indent = 0;
        for part in space.split_inclusive('\t') {
            let spaces = part.trim_end_matches('\t').len();
            // Other blocks are indented by tabs; a few spaces mean nothing.
            indent += if is_list { spaces } else { spaces / TAB * TAB };
            indent += (part.len() - spaces) * TAB;
        }
        Self { indent, text, raw }
    }

    fn is_blank(&self) -> bool {
        self.text.trim().is_empty()
    }
}

/// What a line begins with.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Marker {
    Heading(usize),
    Bullet,
    Number(u64),
    ToDo(bool),
    Quote,
}

impl Marker {
    fn is_list(self) -> bool {
        matches!(self, Self::Bullet | Self::Number(_) | Self::ToDo(_))
    }

    /// The marker and the text behind it.
    fn read(line: &str) -> Option<(Self, &str)> {
        let after = |rest: &'_ str| rest.is_empty() || rest.starts_with(' ');
        let content = |rest: &'_ str| rest.len().min(1);
        let hashes = line.len() - line.trim_start_matches('#').len();
        if (1..=6).contains(&hashes) && after(&line[hashes..]) {
            let rest = &line[hashes..];
            // Five and six become four (documented).
            return Some((Self::Heading(hashes.min(4)), &rest[content(rest)..]));
        }
        if let Some(rest) = line.strip_prefix('>') {
            return Some((Self::Quote, rest.strip_prefix(' ').unwrap_or(rest)));
        }
        if let Some(rest) = line.strip_prefix(['-', '*', '+']).filter(|rest| after(rest)) {
            let rest = &rest[content(rest)..];
            for (sign, checked) in [("[ ]", false), ("[x]", true), ("[X]", true)] {
                if let Some(rest) = rest.strip_prefix(sign).filter(|rest| after(rest)) {
                    return Some((Self::ToDo(checked), &rest[content(rest)..]));
                }
            }
            return Some((Self::Bullet, rest));
        }
        let digits = line.len() - line.trim_start_matches(|c: char| c.is_ascii_digit()).len();
        let number = line.get(..digits).filter(|digits| digits.len() <= 9)?.parse().ok()?;
        let rest = line[digits..].strip_prefix(['.', ')']).filter(|rest| after(rest))?;
        Some((Self::Number(number), &rest[content(rest)..]))
    }
}

/// Reads a whole text.
pub(super) fn parse(text: &str, reading: &Reading) -> Result<Vec<Draft>, Fail> {
    let lines = text.split('\n').rev().map(Line::new).collect();
    let mut parser = Parser { lines, left: BLOCKS_MAX, reading };
    parser.siblings(0, None, 0)
}

pub(super) struct Parser<'a> {
    /// The next one last.
    lines: Vec<Line<'a>>,
    /// How many more blocks there may be.
    left: usize,
    pub(super) reading: &'a Reading<'a>,
}

type Read<T> = Result<T, Fail>;

impl<'a> Parser<'a> {
    fn peek(&mut self) -> Option<Line<'a>> {
        while self.lines.last().is_some_and(Line::is_blank) {
            self.lines.pop();
        }
        self.lines.last().copied()
    }

    /// Text that stands on a line behind something else comes as a line of its own.
    fn put_back(&mut self, text: &'a str, indent: usize) {
        if !text.is_empty() {
            self.lines.push(Line { indent, text, raw: text });
        }
    }

    pub(super) fn count(&mut self, blocks: usize) -> Read<()> {
        self.left = self.left.checked_sub(blocks).ok_or_else(|| {
            Fail::validation(format!("The markdown holds more than {BLOCKS_MAX} blocks."))
        })?;
        Ok(())
    }

    /// Blocks that stand side by side, up to a line that is further out, or to `closer`.
    fn siblings(&mut self, depth: usize, closer: Option<&str>, level: usize) -> Read<Vec<Draft>> {
        if level > DEPTH_MAX {
            return Err(Fail::validation(format!(
                "The markdown is nested deeper than {DEPTH_MAX} levels."
            )));
        }
        let mut all: Vec<Draft> = Vec::new();
        // In tags, people forget to indent.
        let least = if closer.is_some() { depth.saturating_sub(TAB) } else { depth };
        let mut depth = None;
        while let Some(line) = self.peek() {
            if let Some(closer) = closer
                && let Some(rest) = line.text.strip_prefix(closer)
            {
                self.lines.pop();
                self.put_back(rest.trim(), line.indent);
                break;
            }
            if line.indent < least {
                break;
            }
            let depth = *depth.get_or_insert(line.indent);
            if line.indent >= depth + STEP
                && let Some(last) = all.last_mut()
            {
                let below = self.siblings(depth + STEP, None, level + 1)?;
                if holds_any(last) {
                    last.children.extend(below);
                } else {
                    all.extend(below);
                }
                continue;
            }
            self.lines.pop();
            self.block(line, &mut all, level)?;
            if closer != Some("</columns>")
                && let Some(column) = all.pop_if(|last| last.kind == "column")
            {
                all.extend(column.children);
            }
        }
        Ok(all)
    }

    fn block(&mut self, line: Line<'a>, all: &mut Vec<Draft>, level: usize) -> Read<()> {
        if line.text.starts_with('<')
            && let Some(tag) = Tag::read(line.text)
            && let Some(found) = self.tag(line, &tag, level)?
        {
            self.count(found.len())?;
            all.extend(found);
            return Ok(());
        }
        let block = self.plain(line, level)?;
        self.count(1)?;
        all.push(block);
        Ok(())
    }

    fn plain(&mut self, line: Line<'a>, level: usize) -> Read<Draft> {
        let written = line.text;
        let reading = self.reading;
        let ticks = written.len() - written.trim_start_matches('`').len();
        if ticks >= 3 && !written[ticks..].contains('`') {
            return Ok(self.code(line, &written[..ticks], written[ticks..].trim()));
        }
        if written.trim_end() == "$$" {
            let expression = self.until(line.indent, |line| line.trim() == "$$");
            return Ok(draft("equation", json!({"expression": expression})));
        }
        if matches!(written.trim_end(), "---" | "***" | "___") {
            return Ok(draft("divider", json!({})));
        }
        if let Some(rest) = written.strip_prefix(":::").map(str::trim)
            && let Some(rest) = rest.strip_prefix("callout")
        {
            let (rest, found) = trailing(rest.trim());
            self.put_back(rest, line.indent + TAB);
            let icon = found.get("icon").map_or(serde_json::Value::Null, |it| icon_in(it, reading));
            let inner = self.siblings(line.indent + TAB, Some(":::"), level + 1)?;
            return Ok(callout(icon, found.color(), inner));
        }
        if let Some(image) = image(written, self.reading) {
            return Ok(image);
        }
        if written.starts_with('|') {
            return self.pipes(line);
        }
        let marker = Marker::read(written);
        let (content, found) = trailing(marker.map_or(written, |(_, rest)| rest));
        let (runs, color) = (inline(content, reading), found.color());
        Ok(match marker.map(|(marker, _)| marker) {
            None => paragraph(runs, color),
            Some(Marker::Heading(level)) => heading(level, runs, found.is_on("toggle"), color),
            Some(Marker::Bullet) => text("bulleted_list_item", runs, json!(null), color),
            Some(Marker::Number(_)) => text("numbered_list_item", runs, json!(null), color),
            Some(Marker::ToDo(checked)) => text("to_do", runs, json!({"checked": checked}), color),
            Some(Marker::Quote) => text("quote", runs, json!(null), color),
        })
    }

    /// Lines as they are, without the indentation of the block, up to one that ends them.
    fn until(&mut self, indent: usize, is_end: impl Fn(&str) -> bool) -> String {
        let mut text: Option<String> = None;
        while let Some(line) = self.lines.pop() {
            let mut raw = line.raw;
            for _ in 0..indent / TAB {
                raw = raw.strip_prefix('\t').unwrap_or(raw);
            }
            if is_end(raw) {
                break;
            }
            text = Some(text.map_or_else(|| raw.to_owned(), |text| format!("{text}\n{raw}")));
        }
        text.unwrap_or_default()
    }

    fn code(&mut self, line: Line<'a>, fence: &str, language: &str) -> Draft {
        let content = self.until(line.indent, |line| line.trim() == fence);
        let runs = super::inline_in::plain(&content);
        let body = json!({"caption": [], "rich_text": runs, "language": language_in(language)});
        draft("code", body)
    }

    /// Rows between pipes, with a line of dashes under the first if that is a header.
    fn pipes(&mut self, first: Line<'a>) -> Read<Draft> {
        let mut lines = vec![first.text];
        while let Some(line) = self.lines.last().filter(|line| line.text.starts_with('|')) {
            lines.push(line.text);
            self.lines.pop();
        }
        self.count(lines.len())?;
        tables_in::pipes(&lines, self.reading)
    }

    /// The blocks of a tag; `None` when it is none that makes a block.
    fn tag(&mut self, line: Line<'a>, tag: &Tag<'a>, level: usize) -> Read<Option<Vec<Draft>>> {
        let content = line.text[tag.length..].trim_end();
        let rest = content.trim_start();
        if tag.form == Form::Close {
            // What it closes was not opened.
            return Ok(is_container(tag.name).then(Vec::new));
        }
        let is_open = tag.form == Form::Open;
        let color = tag.color();
        let url = tag.get("url").and_then(id_in);
        let v2 = self.reading.dialect == Dialect::V2;
        let name = match tag.name {
            "table-of-contents" if v2 => "table_of_contents",
            "synced-block" if v2 => "synced_block",
            "synced-block-reference" if v2 => "synced_block_reference",
            name => name,
        };
        let content_of = |parser: &Self| inline(closed(content, tag.name).trim(), parser.reading);
        let mut one = match name {
            "p" if v2 => paragraph(content_of(self), color),
            "h1" | "h2" | "h3" | "h4" if v2 => {
                let level = name[1..].parse().unwrap_or(1);
                heading(level, content_of(self), tag.is_on("toggle"), color)
            }
            "quote" if v2 => text("quote", content_of(self), json!(null), color),
            "todo" if v2 => {
                text("to_do", content_of(self), json!({"checked": tag.is_on("checked")}), color)
            }
            "equation" if v2 => {
                draft("equation", json!({"expression": closed(content, "equation").trim()}))
            }
            "bookmark" | "embed" if v2 => {
                let kind = if name == "embed" { "embed" } else { "bookmark" };
                let url = tag.get("source").unwrap_or_default();
                draft(kind, json!({"caption": content_of(self), "url": url}))
            }
            "empty-block" => paragraph(Vec::new(), "default"),
            "table_of_contents" => draft("table_of_contents", json!({"color": color})),
            "unknown" => draft("unknown", json!({"alt": tag.get("alt").unwrap_or("block")})),
            "details" => {
                self.put_back(rest, line.indent);
                let summary = self.summary();
                text("toggle", summary, json!(null), color)
            }
            "image" | "audio" | "video" | "file" | "pdf" if v2 || name != "image" => {
                let kinds = ["image", "audio", "video", "file", "pdf"];
                let kind = kinds.into_iter().find(|kind| *kind == tag.name).unwrap_or("file");
                let source = tag.get("src").or_else(|| tag.get("source")).unwrap_or_default();
                media(kind, source, inline(closed(content, tag.name), self.reading))
            }
            "page" | "database" => {
                let kind = if tag.name == "page" { "child_page" } else { "child_database" };
                let title = inline(closed(content, tag.name), self.reading);
                let title: String =
                    title.iter().filter_map(|run| run["text"]["content"].as_str()).collect();
                draft(kind, json!({"title": title}))
            }
            "table" => {
                self.put_back(rest, line.indent);
                return self.table(tag).map(Some);
            }
            "callout"
            | "columns"
            | "column"
            | "synced_block"
            | "synced_block_reference"
            | "meeting-notes" => {
                self.put_back_split(rest, tag.name, line.indent + TAB);
                let ratio = tag.get("ratio").and_then(|ratio| ratio.parse::<f64>().ok());
                match ratio.filter(|ratio| name == "column" && *ratio > 0.0 && *ratio <= 1.0) {
                    Some(ratio) => draft("column", json!({"width_ratio": ratio})),
                    None => draft("column", json!({})),
                }
            }
            _ => return Ok(None),
        };
        let container = if tag.name == "details" || is_container(name) {
            Some(format!("</{}>", tag.name))
        } else {
            None
        };
        let inner = match container {
            Some(closer) if is_open => {
                self.siblings(line.indent + TAB, Some(&closer), level + 1)?
            }
            _ => Vec::new(),
        };
        one.id = url;
        Ok(Some(match name {
            "details" => {
                one.children = inner;
                vec![one]
            }
            "callout" => {
                let icon = tag.get("icon");
                let icon = icon.map_or(serde_json::Value::Null, |it| icon_in(it, self.reading));
                vec![callout(icon, color, inner)]
            }
            "columns" => columns(inner),
            "column" => {
                one.children = inner;
                vec![one]
            }
            "synced_block" => {
                one.kind = "synced_block";
                one.body = json!({"synced_from": null});
                one.children = inner;
                vec![one]
            }
            "synced_block_reference" => {
                // What it shows is its original's.
                let from = url.map(|id| json!({"type": "block_id", "block_id": id}));
                vec![draft("synced_block", json!({"synced_from": from}))]
            }
            "meeting-notes" => {
                // Recordings and summaries are not written by markdown: what is there stays.
                one.kind = "meeting_notes";
                vec![one]
            }
            _ => vec![one],
        }))
    }

    /// `<tag>content</tag>` on one line is content, and the end of the tag.
    fn put_back_split(&mut self, rest: &'a str, name: &str, indent: usize) {
        let closer = format!("</{name}>");
        match rest.strip_suffix(closer.as_str()) {
            Some(content) if !rest.is_empty() => {
                self.put_back(&rest[content.len()..], indent);
                self.put_back(content, indent);
            }
            _ => self.put_back(rest, indent),
        }
    }

    fn summary(&mut self) -> Vec<serde_json::Value> {
        let Some(line) = self.peek().filter(|line| line.text.starts_with("<summary>")) else {
            return Vec::new();
        };
        self.lines.pop();
        let rest = &line.text["<summary>".len()..];
        let (content, after) = rest.split_once("</summary>").unwrap_or((rest, ""));
        self.put_back_split(after.trim(), "details", line.indent + TAB);
        inline(content, self.reading)
    }

    fn table(&mut self, tag: &Tag) -> Read<Vec<Draft>> {
        let mut markup = String::new();
        if tag.form == Form::Open {
            while let Some(line) = self.lines.pop() {
                let (before, after) = match line.text.find("</table>") {
                    Some(at) => (&line.text[..at], Some(&line.text[at + "</table>".len()..])),
                    None => (line.text, None),
                };
                markup.push_str(before);
                markup.push('\n');
                if let Some(after) = after {
                    self.put_back(after.trim(), line.indent);
                    break;
                }
            }
        }
        let table = tables_in::markup(&markup, tag, self)?;
        Ok(table.into_iter().collect())
    }
}

/// Whether a line that is further in can be below this block.
fn holds_any(block: &Draft) -> bool {
    match block.kind {
        "table" | "column_list" => false,
        "synced_block" => block.body["synced_from"].is_null(),
        kind => takes_children(kind, &block.body),
    }
}

/// Tags that hold blocks.
fn is_container(name: &str) -> bool {
    matches!(
        name,
        "details"
            | "callout"
            | "columns"
            | "column"
            | "synced_block"
            | "synced_block_reference"
            | "meeting-notes"
            | "table"
    )
}

/// What stands before the end of a tag.
fn closed<'a>(rest: &'a str, name: &str) -> &'a str {
    rest.strip_suffix(format!("</{name}>").as_str()).unwrap_or(rest)
}

/// The first paragraph in a callout is its text.
fn callout(icon: serde_json::Value, color: &str, mut inner: Vec<Draft>) -> Draft {
    let mut runs = serde_json::Value::Array(Vec::new());
    if inner.first().is_some_and(|first| first.kind == "paragraph") {
        let first = inner.remove(0);
        runs = first.body["rich_text"].clone();
        inner.splice(0..0, first.children);
    }
    let runs = if let serde_json::Value::Array(runs) = runs { runs } else { Vec::new() };
    let mut callout = text("callout", runs, json!({"icon": icon}), color);
    callout.children = inner;
    callout
}

/// A list of columns; what stands beside them goes into the one before, and one alone is none.
fn columns(inner: Vec<Draft>) -> Vec<Draft> {
    let mut all: Vec<Draft> = Vec::new();
    for block in inner {
        match all.last_mut() {
            _ if block.kind == "column" => all.push(block),
            Some(last) => last.children.push(block),
            None => {
                let mut column = draft("column", json!({}));
                column.children.push(block);
                all.push(column);
            }
        }
    }
    if all.len() < 2 {
        return all.into_iter().flat_map(|column| column.children).collect();
    }
    let mut list = draft("column_list", json!({}));
    list.children = all;
    vec![list]
}

/// `![caption](url)`, alone on its line.
fn image(line: &str, reading: &Reading) -> Option<Draft> {
    let rest = line.trim_end().strip_prefix("![")?;
    // The last `](` that is no text: in captions it is escaped.
    let at = rest.match_indices("](").map(|(at, _)| at).filter(|at| {
        let before = &rest[..*at];
        (before.len() - before.trim_end_matches('\\').len()) % 2 == 0
    });
    let at = at.last()?;
    let (url, length) = target(&rest[at + 2..])?;
    (at + 2 + length == rest.len()).then(|| media("image", &url, inline(&rest[..at], reading)))
}
