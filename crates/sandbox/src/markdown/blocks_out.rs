//! Blocks as markdown, the usual dialect: one block per line, children one tab further in.

use serde_json::Value;

use super::bodies::icon_out;
use super::inline_out::{escape, inline, target};
use super::tag::{put, put_color};
use super::{Dialect, Look, Span, Text, block_url, page_url};
use crate::input::blocks::Draft;

/// Writes blocks.
pub(super) fn render(drafts: &[Draft], look: Look) -> Text {
    let mut writer = Writer { text: Text::default(), look };
    writer.blocks(drafts, 0);
    writer.text.markdown.pop();
    writer.text
}

struct Writer {
    text: Text,
    look: Look,
}

impl Writer {
    fn line(&mut self, depth: usize, line: &str) {
        let out = &mut self.text.markdown;
        out.extend(std::iter::repeat_n('\t', depth));
        out.push_str(line);
        out.push('\n');
    }

    fn v2(&self) -> bool {
        self.look.dialect == Dialect::V2
    }

    fn blocks(&mut self, drafts: &[Draft], depth: usize) {
        let mut number = 0;
        for draft in drafts {
            number = match (draft.kind, draft.body["list_start_index"].as_u64()) {
                ("numbered_list_item", Some(start)) if number == 0 => start,
                ("numbered_list_item", _) => number + 1,
                _ => 0,
            };
            // The other dialect parts blocks by blank lines.
            if self.v2() && depth == 0 && !self.text.markdown.is_empty() {
                self.text.markdown.push('\n');
            }
            let start = self.text.markdown.len();
            self.block(draft, depth, number);
            let end = self.text.markdown.len().saturating_sub(1).max(start);
            self.text.spans.push(Span { start: start + depth.min(end - start), end, depth });
        }
    }

    fn inline(&self, runs: &Value) -> String {
        inline(runs.as_array().map_or(&[], Vec::as_slice), self.look)
    }

    /// A line of text with its attributes, and what is below it.
    fn text(&mut self, draft: &Draft, depth: usize, marker: &str) {
        let text = self.inline(&draft.body["rich_text"]);
        self.marked(draft, depth, marker, &text);
    }

    fn marked(&mut self, draft: &Draft, depth: usize, marker: &str, text: &str) {
        let mut line = format!("{marker}{text}");
        let mut attributes = String::new();
        put_color(&mut attributes, draft.body["color"].as_str().unwrap_or("default"));
        if draft.body["is_toggleable"] == true {
            put(&mut attributes, "toggle", "true");
        }
        if !attributes.is_empty() {
            if line.len() > marker.len() {
                line.push(' ');
            }
            line.push('{');
            line.push_str(attributes.trim_start());
            line.push('}');
        }
        self.line(depth, &line);
        self.blocks(&draft.children, depth + 1);
    }

    /// A tag around the children.
    fn around(&mut self, draft: &Draft, depth: usize, name: &str, attributes: &str) {
        self.line(depth, &format!("<{name}{attributes}>"));
        self.blocks(&draft.children, depth + 1);
        self.line(depth, &format!("</{name}>"));
    }

    fn block(&mut self, draft: &Draft, depth: usize, number: u64) {
        let body = &draft.body;
        let color = body["color"].as_str().unwrap_or("default");
        let mut attributes = String::new();
        match draft.kind {
            "paragraph" => self.paragraph(draft, depth),
            "heading_1" => self.text(draft, depth, "# "),
            "heading_2" => self.text(draft, depth, "## "),
            "heading_3" => self.text(draft, depth, "### "),
            "heading_4" => self.text(draft, depth, "#### "),
            "bulleted_list_item" => self.text(draft, depth, "- "),
            "numbered_list_item" => {
                let number = if self.look.bare { 1 } else { number };
                self.text(draft, depth, &format!("{number}. "));
            }
            "to_do" => {
                let marker = if body["checked"] == true { "- [x] " } else { "- [ ] " };
                self.text(draft, depth, marker);
            }
            "quote" => self.text(draft, depth, "> "),
            "toggle" => {
                put_color(&mut attributes, color);
                self.line(depth, &format!("<details{attributes}>"));
                let summary = self.inline(&body["rich_text"]);
                self.line(depth, &format!("<summary>{summary}</summary>"));
                self.blocks(&draft.children, depth + 1);
                self.line(depth, "</details>");
            }
            "callout" => self.callout(draft, depth),
            "code" => self.code(draft, depth),
            "equation" => {
                self.line(depth, "$$");
                for line in body["expression"].as_str().unwrap_or_default().split('\n') {
                    self.line(depth, line);
                }
                self.line(depth, "$$");
            }
            "divider" => self.line(depth, "---"),
            "table" => self.table(draft, depth),
            "column_list" => self.around(draft, depth, "columns", ""),
            "column" => {
                let ratio = body["width_ratio"].as_f64().filter(|_| self.v2() && !self.look.bare);
                if let Some(ratio) = ratio {
                    put(&mut attributes, "ratio", &ratio.to_string());
                }
                self.around(draft, depth, "column", &attributes);
            }
            "image" | "audio" | "video" | "file" | "pdf" if self.v2() => {
                put(&mut attributes, "source", source(body));
                self.captioned(draft, depth, &attributes);
            }
            "bookmark" | "embed" if self.v2() => {
                put(&mut attributes, "source", body["url"].as_str().unwrap_or_default());
                self.captioned(draft, depth, &attributes);
            }
            "image" => {
                let caption = self.inline(&body["caption"]);
                self.line(depth, &format!("![{caption}]({})", target(source(body))));
            }
            "audio" | "video" | "file" | "pdf" => {
                put(&mut attributes, "src", source(body));
                self.captioned(draft, depth, &attributes);
            }
            "child_page" => self.child(draft, depth, "page"),
            "child_database" => self.child(draft, depth, "database"),
            "table_of_contents" => {
                put_color(&mut attributes, color);
                let name = if self.v2() { "table-of-contents" } else { "table_of_contents" };
                self.line(depth, &format!("<{name}{attributes}/>"));
            }
            "synced_block" => self.synced(draft, depth),
            "link_to_page" => {
                // The syntax has nothing for it but a mention.
                let kind = if body["type"] == "database_id" { "database" } else { "page" };
                let id = body["type"].as_str().and_then(|key| body[key].as_str());
                if let Some(id) = id.and_then(notion::Id::parse) {
                    put(&mut attributes, "url", &page_url(id));
                }
                self.line(depth, &format!("<mention-{kind}{attributes}/>"));
            }
            "meeting_notes" => self.meeting(draft, depth),
            _ => self.unknown(draft, depth),
        }
    }

    fn captioned(&mut self, draft: &Draft, depth: usize, attributes: &str) {
        let (kind, caption) = (draft.kind, self.inline(&draft.body["caption"]));
        self.line(depth, &format!("<{kind}{attributes}>{caption}</{kind}>"));
    }

    fn paragraph(&mut self, draft: &Draft, depth: usize) {
        let text = self.inline(&draft.body["rich_text"]);
        let has_color = draft.body["color"].as_str().is_some_and(|color| color != "default");
        if text.is_empty() && !has_color {
            self.line(depth, if self.v2() { "<p />" } else { "<empty-block/>" });
            self.blocks(&draft.children, depth + 1);
        } else {
            self.marked(draft, depth, "", &shielded(&text));
        }
    }

    fn callout(&mut self, draft: &Draft, depth: usize) {
        let mut attributes = String::new();
        if let Some(icon) = icon_out(&draft.body["icon"]) {
            put(&mut attributes, "icon", &icon);
        }
        put_color(&mut attributes, draft.body["color"].as_str().unwrap_or("default"));
        self.line(depth, &format!("<callout{attributes}>"));
        let text = self.inline(&draft.body["rich_text"]);
        if !text.is_empty() {
            self.line(depth + 1, &shielded(&text));
        } else if draft.children.first().is_some_and(|first| first.kind == "paragraph") {
            // Else the first paragraph would be taken for the text.
            self.line(depth + 1, "<empty-block/>");
        }
        self.blocks(&draft.children, depth + 1);
        self.line(depth, "</callout>");
    }

    /// Between fences that are longer than any in the text; nothing in it is escaped.
    fn code(&mut self, draft: &Draft, depth: usize) {
        let runs = draft.body["rich_text"].as_array().map_or(&[][..], Vec::as_slice);
        let text: String = runs.iter().filter_map(|run| run["text"]["content"].as_str()).collect();
        let most = text.split(|c| c != '`').map(str::len).max().unwrap_or_default();
        let fence = "`".repeat(most.max(2) + 1);
        let language = draft.body["language"].as_str().unwrap_or_default();
        self.line(depth, &format!("{fence}{language}"));
        for line in text.split('\n') {
            self.line(depth, line);
        }
        self.line(depth, &fence);
    }

    fn table(&mut self, draft: &Draft, depth: usize) {
        let mut attributes = String::new();
        for (key, flag) in
            [("header-row", "has_column_header"), ("header-column", "has_row_header")]
        {
            if draft.body[flag] == true {
                put(&mut attributes, key, "true");
            }
        }
        self.line(depth, &format!("<table{attributes}>"));
        for row in &draft.children {
            self.line(depth + 1, "<tr>");
            for cell in row.body["cells"].as_array().into_iter().flatten() {
                let cell = self.inline(cell);
                self.line(depth + 2, &format!("<td>{cell}</td>"));
            }
            self.line(depth + 1, "</tr>");
        }
        self.line(depth, "</table>");
    }

    fn child(&mut self, draft: &Draft, depth: usize, name: &str) {
        let mut attributes = String::new();
        if let Some(id) = draft.id {
            put(&mut attributes, "url", &page_url(id));
        }
        if self.look.bare && draft.id.is_some() {
            self.line(depth, &format!("<{name}{attributes}/>"));
            return;
        }
        for key in ["inline", "icon", "data-source-url"] {
            if let Some(value) = draft.body[key].as_str() {
                put(&mut attributes, key, value);
            }
        }
        let title = escape(draft.body["title"].as_str().unwrap_or_default());
        self.line(depth, &format!("<{name}{attributes}>{title}</{name}>"));
    }

    fn synced(&mut self, draft: &Draft, depth: usize) {
        let from = draft.body["synced_from"]["block_id"].as_str().and_then(notion::Id::parse);
        let mut attributes = String::new();
        if let Some(id) = from.or(draft.id) {
            put(&mut attributes, "url", &block_url(self.look.page.filter(|_| from.is_none()), id));
        }
        let name = if from.is_some() { "synced_block_reference" } else { "synced_block" };
        let name = if self.v2() { name.replace('_', "-") } else { name.to_owned() };
        self.around(draft, depth, &name, &attributes);
    }

    fn meeting(&mut self, draft: &Draft, depth: usize) {
        let mut attributes = String::new();
        if let Some(id) = draft.id {
            put(&mut attributes, "url", &block_url(self.look.page, id));
        }
        self.line(depth, &format!("<meeting-notes{attributes}>"));
        let title = self.inline(&draft.body["title"]);
        if !title.is_empty() {
            self.line(depth + 1, &title);
        }
        for part in &draft.children {
            let name = part.body["part"].as_str().unwrap_or("notes").to_owned();
            self.around(part, depth + 1, &name, "");
        }
        self.line(depth, "</meeting-notes>");
    }

    /// What has no syntax, or cannot be shown.
    fn unknown(&mut self, draft: &Draft, depth: usize) {
        let mut attributes = String::new();
        if let Some(id) = draft.id {
            put(&mut attributes, "url", &block_url(self.look.page, id));
        }
        if !self.look.bare {
            let alt = draft.body["alt"].as_str().unwrap_or(draft.kind);
            put(&mut attributes, "alt", alt);
        }
        self.line(depth, &format!("<unknown{attributes}/>"));
    }
}

/// The address of a file.
pub(super) fn source(body: &Value) -> &str {
    let kind = body["type"].as_str().unwrap_or("external");
    body[kind]["url"].as_str().unwrap_or_default()
}

/// A line of text that is not read as another block: with a backslash where it would be.
pub(super) fn shielded(text: &str) -> String {
    let after_digits = text.trim_start_matches(|c: char| c.is_ascii_digit());
    let digits = text.len() - after_digits.len();
    let hashes = text.len() - text.trim_start_matches('#').len();
    let is_marked = |marker: &str| {
        text.strip_prefix(marker).is_some_and(|rest| rest.is_empty() || rest.starts_with(' '))
    };
    let at = if digits > 0 && after_digits.starts_with(['.', ')']) {
        digits
    } else if ["---", "___", "![", ":::", " ", "\t"].iter().any(|start| text.starts_with(start))
        || is_marked("-")
        || is_marked("+")
        || (hashes > 0 && is_marked(&text[..hashes]))
    {
        0
    } else {
        return text.to_owned();
    };
    format!("{}\\{}", &text[..at], &text[at..])
}
