//! Inline markdown read into runs as the world keeps them.
//!
//! One pass makes tokens and closes what was opened; a second gives each text its styles. What is
//! never closed is text. Each search has a bound, so that no text takes longer than its length
//! should.

use serde_json::{Value, json};

use super::mention_in;
use super::tag::{Form, Tag};
use super::{Dialect, Reading};
use crate::input::check::text_length;
use crate::input::rich_text::{self, append, joins, no_annotations, normal_url};

/// Most ticks around code.
const TICKS_MAX: usize = 32;
/// Longest address or equation, and longest name in a mention, that is looked for.
const REACH: usize = 4096;
/// Deepest nesting of parentheses in an address.
const PARENTHESES_MAX: usize = 16;
/// Longest text of one run.
const RUN_MAX: usize = 2000;

/// A style that begins or ends.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Mark {
    Bold,
    Italic,
    Strike,
    Underline,
    Link,
    Span,
    Code,
}

const MARKS: usize = 7;

#[derive(Debug)]
enum Token {
    Text(String),
    Code(String),
    /// A run without its annotations.
    Atom(Value),
    /// `text` is what stands there should it never be closed.
    Open {
        mark: Mark,
        text: String,
        color: Option<&'static str>,
        underline: bool,
        url: Option<String>,
    },
    Close(Mark),
}

/// Reads a line.
pub(super) fn inline(text: &str, reading: &Reading) -> Vec<Value> {
    let mut reader = Reader {
        text,
        at: 0,
        tokens: Vec::new(),
        open: Vec::new(),
        counts: [0; MARKS],
        no_ticks: [false; TICKS_MAX + 1],
        reading,
    };
    reader.read();
    runs(reader.tokens, &reader.open)
}

struct Reader<'a> {
    text: &'a str,
    at: usize,
    tokens: Vec<Token>,
    /// Indexes of what is open.
    open: Vec<(usize, Mark)>,
    /// How many of each mark are open.
    counts: [usize; MARKS],
    /// Numbers of ticks that do not come again.
    no_ticks: [bool; TICKS_MAX + 1],
    reading: &'a Reading<'a>,
}

impl<'a> Reader<'a> {
    fn rest(&self) -> &'a str {
        &self.text[self.at..]
    }

    fn read(&mut self) {
        while let Some(c) = self.rest().chars().next() {
            let done = match c {
                '\\' => self.escaped(),
                '`' => self.code(),
                '*' => self.stars(),
                '~' => self.strike(),
                '$' => self.equation(),
                '[' => self.bracket(),
                ']' => self.end_of_link(),
                '<' => self.tag(),
                ':' => self.emoji(),
                '&' if self.reading.dialect == Dialect::V2 => self.entity(),
                _ => false,
            };
            if !done {
                self.take(c.len_utf8());
            }
        }
    }

    /// The next bytes are text.
    fn take(&mut self, length: usize) {
        let text = &self.text[self.at..self.at + length];
        self.at += length;
        self.push_text(text);
    }

    fn push_text(&mut self, text: &str) {
        match self.tokens.last_mut() {
            Some(Token::Text(last)) => last.push_str(text),
            _ => self.tokens.push(Token::Text(text.to_owned())),
        }
    }

    fn skip(&mut self, length: usize) -> bool {
        self.at += length;
        true
    }

    fn open(&mut self, mark: Mark, text: &str) {
        self.open_as(mark, text, None, false);
    }

    fn open_as(&mut self, mark: Mark, text: &str, color: Option<&'static str>, underline: bool) {
        self.open.push((self.tokens.len(), mark));
        self.counts[mark as usize] += 1;
        self.tokens.push(Token::Open { mark, text: text.to_owned(), color, underline, url: None });
    }

    /// Closes the innermost `mark`; what was opened in it and not closed is text.
    fn close(&mut self, mark: Mark) -> Option<usize> {
        if self.counts[mark as usize] == 0 {
            return None;
        }
        while let Some((index, is)) = self.open.pop() {
            self.counts[is as usize] -= 1;
            if is == mark {
                self.tokens.push(Token::Close(mark));
                return Some(index);
            }
            self.give_up(index);
        }
        None
    }

    fn give_up(&mut self, index: usize) {
        if let Some(token @ Token::Open { .. }) = self.tokens.get_mut(index)
            && let Token::Open { text, .. } = token
        {
            *token = Token::Text(std::mem::take(text));
        }
    }

    fn escaped(&mut self) -> bool {
        let Some(next) = self.text[self.at + 1..].chars().next() else { return false };
        if !(next.is_ascii_punctuation() || matches!(next, ' ' | '\t')) {
            return false;
        }
        self.at += 1;
        self.take(1);
        true
    }

    fn code(&mut self) -> bool {
        let rest = self.rest();
        let ticks = rest.len() - rest.trim_start_matches('`').len();
        if ticks > TICKS_MAX || self.no_ticks[ticks] {
            self.take(ticks);
            return true;
        }
        let inner = &rest[ticks..];
        let mut from = 0;
        while let Some(start) = inner[from..].find('`') {
            let start = from + start;
            let after = &inner[start..];
            let length = after.len() - after.trim_start_matches('`').len();
            if length == ticks {
                let code = &inner[..start];
                let spaced =
                    code.starts_with(' ') && code.ends_with(' ') && !code.trim().is_empty();
                let code = if spaced { &code[1..code.len() - 1] } else { code };
                self.tokens.push(Token::Code(code.to_owned()));
                return self.skip(2 * ticks + start);
            }
            from = start + length;
        }
        self.no_ticks[ticks] = true;
        self.take(ticks);
        true
    }

    /// Whether marks of `length` bytes may close (they follow a character) and open (one follows).
    fn flanks(&self, length: usize) -> (bool, bool) {
        let is_solid = |c: Option<char>| c.is_some_and(|c| !c.is_whitespace());
        let before = self.text[..self.at].chars().next_back();
        (is_solid(before), is_solid(self.text[self.at + length..].chars().next()))
    }

    fn stars(&mut self) -> bool {
        let rest = self.rest();
        let length = rest.len() - rest.trim_start_matches('*').len();
        let (closes, opens) = self.flanks(length);
        let mut left = length;
        while left > 0 && closes {
            let inner = self.open.iter().rev().map(|(_, mark)| *mark).take(MARKS);
            let top = inner.into_iter().find(|mark| matches!(mark, Mark::Bold | Mark::Italic));
            let has = |mark: Mark| self.counts[mark as usize] > 0;
            let mark = if left >= 2 && has(Mark::Bold) && (top == Some(Mark::Bold) || left == 2) {
                Mark::Bold
            } else if has(Mark::Italic) && (top == Some(Mark::Italic) || left == 1) {
                Mark::Italic
            } else {
                break;
            };
            self.close(mark);
            left -= if mark == Mark::Bold { 2 } else { 1 };
        }
        if !opens {
            self.push_text(&rest[..left]);
            return self.skip(length);
        }
        if left > 3 {
            self.push_text(&rest[..left - 3]);
            left = 3;
        }
        if left >= 2 {
            self.open(Mark::Bold, "**");
        }
        if left % 2 == 1 {
            self.open(Mark::Italic, "*");
        }
        self.skip(length)
    }

    fn strike(&mut self) -> bool {
        if !self.rest().starts_with("~~") {
            return false;
        }
        let (closes, opens) = self.flanks(2);
        if closes && self.close(Mark::Strike).is_some() {
            return self.skip(2);
        }
        if opens {
            self.open(Mark::Strike, "~~");
            return self.skip(2);
        }
        self.take(2);
        true
    }

    fn equation(&mut self) -> bool {
        let rest = self.rest();
        let fence = if rest.starts_with("$$") { "$$" } else { "$" };
        let inner = &rest[fence.len()..];
        let mut expression = String::new();
        let mut chars = inner.char_indices().take(REACH).peekable();
        while let Some((index, c)) = chars.next() {
            match c {
                '\\' if chars.peek().is_some_and(|(_, next)| *next == '$') => {
                    chars.next();
                    expression.push('$');
                }
                '$' => {
                    let is_tight = expression.trim() == expression && !expression.is_empty();
                    if !is_tight || !inner[index..].starts_with(fence) {
                        return false;
                    }
                    self.tokens.push(Token::Atom(
                        json!({"type": "equation", "equation": {"expression": expression}}),
                    ));
                    return self.skip(index + 2 * fence.len());
                }
                _ => expression.push(c),
            }
        }
        false
    }

    /// A link may begin, or a citation is there: `[^url]`.
    fn bracket(&mut self) -> bool {
        let rest = self.rest();
        if let Some(cited) = rest.strip_prefix("[^")
            && let Some(end) = cited.bytes().take(REACH).position(|byte| b"] [".contains(&byte))
            && cited[end..].starts_with(']')
            && let Some(url) = normal_url(&cited[..end])
        {
            // Citations have no form of their own in the API's rich text.
            self.tokens.push(Token::Atom(
                json!({"type": "text", "text": {"content": url, "link": {"url": url}}}),
            ));
            return self.skip(end + 3);
        }
        self.open(Mark::Link, "[");
        self.skip(1)
    }

    fn end_of_link(&mut self) -> bool {
        if self.counts[Mark::Link as usize] == 0 {
            return false;
        }
        let Some((url, length)) = self.rest()[1..].strip_prefix('(').and_then(target) else {
            // The bracket was none of a link.
            if let Some((index, Mark::Link)) = self.open.last().copied() {
                self.open.pop();
                self.counts[Mark::Link as usize] -= 1;
                self.give_up(index);
            }
            return false;
        };
        if let Some(index) = self.close(Mark::Link)
            && let Some(Token::Open { url: slot, .. }) = self.tokens.get_mut(index)
        {
            *slot = normal_url(&url);
        }
        self.skip(2 + length)
    }

    fn tag(&mut self) -> bool {
        let rest = self.rest();
        let Some(tag) = Tag::read(rest) else { return false };
        let v2 = self.reading.dialect == Dialect::V2;
        let mark = match tag.name {
            "br" => {
                self.push_text("\n");
                return self.skip(tag.length);
            }
            "span" => Some(Mark::Span),
            "b" | "strong" if v2 => Some(Mark::Bold),
            "i" | "em" if v2 => Some(Mark::Italic),
            "s" | "del" if v2 => Some(Mark::Strike),
            "u" if v2 => Some(Mark::Underline),
            "code" if v2 => Some(Mark::Code),
            _ => None,
        };
        if let Some(mark) = mark {
            let text = &rest[..tag.length];
            match tag.form {
                Form::Open => {
                    let color = Some(tag.color()).filter(|color| *color != "default");
                    let underline = mark == Mark::Underline || tag.is_on("underline");
                    self.open_as(mark, text, color, underline);
                }
                Form::Close if self.close(mark).is_none() => return false,
                _ => {}
            }
            return self.skip(tag.length);
        }
        let Some(atom) = mention_in::mention(&tag) else { return false };
        let mut length = tag.length;
        if tag.form == Form::Open {
            // The name is only shown.
            let closer = format!("</{}>", tag.name);
            let end = rest.floor_char_boundary(tag.length + REACH);
            if let Some(start) = rest[tag.length..end].find(&closer) {
                length += start + closer.len();
            }
        }
        self.tokens.push(Token::Atom(atom));
        self.skip(length)
    }

    fn emoji(&mut self) -> bool {
        let rest = &self.rest()[1..];
        let is_name = |c: char| c.is_alphanumeric() || matches!(c, '-' | '_' | '+');
        let Some(end) = rest.char_indices().take(100).find(|(_, c)| !is_name(*c)) else {
            return false;
        };
        if end.1 != ':' || end.0 == 0 {
            return false;
        }
        let Some(emoji) = (self.reading.emoji)(&rest[..end.0]) else { return false };
        let mention = json!({"type": "custom_emoji", "custom_emoji": emoji});
        self.tokens.push(Token::Atom(json!({"type": "mention", "mention": mention})));
        self.skip(end.0 + 2)
    }

    fn entity(&mut self) -> bool {
        let known = [("&lt;", "<"), ("&gt;", ">"), ("&amp;", "&")];
        let Some((written, plain)) = known.iter().find(|(it, _)| self.rest().starts_with(it))
        else {
            return false;
        };
        self.push_text(plain);
        self.skip(written.len())
    }
}

/// An address up to its parenthesis, and how many bytes both take.
pub(super) fn target(text: &str) -> Option<(String, usize)> {
    let (mut url, mut depth) = (String::new(), 0_usize);
    let mut chars = text.char_indices().take(REACH);
    while let Some((index, c)) = chars.next() {
        match c {
            '\\' => url.push(chars.next()?.1),
            '(' if depth >= PARENTHESES_MAX => return None,
            '(' => {
                depth += 1;
                url.push(c);
            }
            ')' if depth == 0 => return Some((url, index + 1)),
            ')' => {
                depth -= 1;
                url.push(c);
            }
            _ => url.push(c),
        }
    }
    None
}

/// Text that is no markdown, as runs.
pub(super) fn plain(text: &str) -> Vec<Value> {
    if text.is_empty() {
        return Vec::new();
    }
    rich_text::plain(text).into_iter().flat_map(split).collect()
}

/// What is open at a place of the second pass.
#[derive(Default)]
struct Style {
    counts: [usize; MARKS],
    links: Vec<Option<String>>,
    spans: Vec<(Option<&'static str>, bool)>,
}

fn runs(mut tokens: Vec<Token>, never_closed: &[(usize, Mark)]) -> Vec<Value> {
    for (index, _) in never_closed {
        if let Token::Open { text, .. } = &mut tokens[*index] {
            tokens[*index] = Token::Text(std::mem::take(text));
        }
    }
    let (mut style, mut out) = (Style::default(), Vec::new());
    let mut tokens = tokens.into_iter().peekable();
    while let Some(token) = tokens.next() {
        match token {
            Token::Text(mut text) => {
                while let Some(Token::Text(more)) =
                    tokens.next_if(|next| matches!(next, Token::Text(_)))
                {
                    text.push_str(&more);
                }
                add(&mut out, style.text(&text, false));
            }
            Token::Code(text) => add(&mut out, style.text(&text, true)),
            Token::Atom(run) => add(&mut out, style.dress(run, false)),
            Token::Open { mark, color, underline, url, .. } => {
                style.open(mark, color, underline, url)
            }
            Token::Close(mark) => style.close(mark),
        }
    }
    out.into_iter().flat_map(split).collect()
}

fn add(out: &mut Vec<Value>, run: Value) {
    match out.last_mut() {
        _ if run["text"]["content"] == "" => {}
        Some(last) if joins(last, &run) => append(last, &run),
        _ => out.push(run),
    }
}

impl Style {
    fn open(
        &mut self,
        mark: Mark,
        color: Option<&'static str>,
        underline: bool,
        url: Option<String>,
    ) {
        self.counts[mark as usize] += 1;
        match mark {
            Mark::Link => self.links.push(url),
            Mark::Span | Mark::Underline => self.spans.push((color, underline)),
            _ => {}
        }
    }

    fn close(&mut self, mark: Mark) {
        self.counts[mark as usize] = self.counts[mark as usize].saturating_sub(1);
        match mark {
            Mark::Link => {
                self.links.pop();
            }
            Mark::Span | Mark::Underline => {
                self.spans.pop();
            }
            _ => {}
        }
    }

    fn text(&self, text: &str, is_code: bool) -> Value {
        let link = self.links.iter().rev().flatten().next();
        let link = link.map(|url| json!({"url": url}));
        self.dress(json!({"type": "text", "text": {"content": text, "link": link}}), is_code)
    }

    fn dress(&self, mut run: Value, is_code: bool) -> Value {
        let on = |mark: Mark| self.counts[mark as usize] > 0;
        let mut all = no_annotations();
        all["bold"] = on(Mark::Bold).into();
        all["italic"] = on(Mark::Italic).into();
        all["strikethrough"] = on(Mark::Strike).into();
        all["underline"] = self.spans.iter().any(|(_, underline)| *underline).into();
        all["code"] = (is_code || on(Mark::Code)).into();
        if let Some(color) = self.spans.iter().rev().find_map(|(color, _)| *color) {
            all["color"] = color.into();
        }
        run["annotations"] = all;
        run
    }
}

/// A text that is too long for one run is several.
fn split(run: Value) -> Vec<Value> {
    let Some(text) = run["text"]["content"].as_str().filter(|text| text_length(text) > RUN_MAX)
    else {
        return vec![run];
    };
    let (mut parts, mut part, mut length) = (Vec::new(), String::new(), 0);
    for c in text.chars() {
        if length + c.len_utf16() > RUN_MAX {
            parts.push(std::mem::take(&mut part));
            length = 0;
        }
        length += c.len_utf16();
        part.push(c);
    }
    parts.push(part);
    let piece = |part: String| {
        let mut piece = run.clone();
        piece["text"]["content"] = part.into();
        piece
    };
    parts.into_iter().map(piece).collect()
}
