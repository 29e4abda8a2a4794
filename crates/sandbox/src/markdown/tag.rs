//! Tags, attribute lists, and the words in them: `<name key="value"/>`, `{key="value"}`, colours.

use std::fmt::Write;

use crate::input::rich_text::COLORS;

/// Longest tag that is understood as one.
const TAG_MAX: usize = 4096;
const ATTRIBUTES_MAX: usize = 20;

/// How a tag stands.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Form {
    Open,
    Close,
    /// `<name/>`
    Whole,
}

/// A tag at the beginning of a text.
#[derive(Clone, Debug)]
pub(super) struct Tag<'a> {
    pub(super) name: &'a str,
    pub(super) form: Form,
    attributes: Attributes,
    /// Bytes of the text that it takes.
    pub(super) length: usize,
}

/// `key="value"` pairs; a key alone is `true`.
#[derive(Clone, Debug, Default)]
pub(super) struct Attributes(Vec<(String, String)>);

impl Attributes {
    pub(super) fn get(&self, key: &str) -> Option<&str> {
        self.0.iter().find(|(name, _)| name == key).map(|(_, value)| value.as_str())
    }

    pub(super) fn is_on(&self, key: &str) -> bool {
        self.get(key) == Some("true")
    }

    /// The colour, in the API's words.
    pub(super) fn color(&self) -> &'static str {
        self.get("color").and_then(color_in).unwrap_or("default")
    }
}

impl<'a> Tag<'a> {
    /// Reads the tag that `text` begins with.
    pub(super) fn read(text: &'a str) -> Option<Self> {
        let rest = text.strip_prefix('<')?;
        let (rest, closes) = match rest.strip_prefix('/') {
            Some(rest) => (rest, true),
            None => (rest, false),
        };
        let end = rest.find(|c: char| !is_name(c)).unwrap_or(rest.len());
        let (name, rest) = rest.split_at(end);
        if !name.starts_with(|c: char| c.is_ascii_alphabetic()) {
            return None;
        }
        let (attributes, rest) = attributes(rest)?;
        let (rest, whole) = match rest.strip_prefix('/') {
            Some(rest) => (rest, true),
            None => (rest, false),
        };
        let rest = rest.strip_prefix('>')?;
        let form = match (closes, whole) {
            (true, _) => Form::Close,
            (_, true) => Form::Whole,
            _ => Form::Open,
        };
        Some(Self { name, form, attributes, length: text.len() - rest.len() })
    }

    pub(super) fn get(&self, key: &str) -> Option<&str> {
        self.attributes.get(key)
    }

    pub(super) fn is_on(&self, key: &str) -> bool {
        self.attributes.is_on(key)
    }

    pub(super) fn color(&self) -> &'static str {
        self.attributes.color()
    }
}

fn is_name(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '-' | '_')
}

/// Reads attributes; gives what follows them, without the spaces between.
fn attributes(text: &str) -> Option<(Attributes, &str)> {
    let (mut rest, mut found) = (text.trim_start_matches(' '), Vec::new());
    loop {
        let end = rest.find(|c: char| !is_name(c)).unwrap_or(rest.len());
        if end == 0 {
            return Some((Attributes(found), rest));
        }
        let (key, after) = rest.split_at(end);
        let (value, after) = match after.strip_prefix('=') {
            None => ("true".to_owned(), after),
            Some(after) => {
                let quote = after.chars().next().filter(|c| matches!(c, '"' | '\''))?;
                let inner = &after[1..];
                let end = inner.bytes().take(TAG_MAX).position(|byte| byte == quote as u8)?;
                (unescape(&inner[..end]), &inner[end + 1..])
            }
        };
        if found.len() >= ATTRIBUTES_MAX {
            return None;
        }
        found.push((key.to_owned(), value));
        rest = after.trim_start_matches(' ');
    }
}

/// Cuts the attribute list off the end of a line: `text {color="red"}`.
pub(super) fn trailing(text: &str) -> (&str, Attributes) {
    let whole = || (text, Attributes::default());
    let Some(inner) = text.strip_suffix('}') else { return whole() };
    let Some(start) =
        inner.rfind('{').filter(|start| *start == 0 || inner[..*start].ends_with(' '))
    else {
        return whole();
    };
    match attributes(&inner[start + 1..]) {
        Some((found, "")) if !found.0.is_empty() => {
            (text[..start].strip_suffix(' ').unwrap_or(&text[..start]), found)
        }
        _ => whole(),
    }
}

/// Writes ` key="value"`.
pub(super) fn put(out: &mut String, key: &str, value: &str) {
    let _ = write!(out, " {key}=\"{}\"", escape(value));
}

/// Writes ` color="…"` unless it is the usual one.
pub(super) fn put_color(out: &mut String, color: &str) {
    if color != "default" {
        put(out, "color", &color_out(color));
    }
}

/// `gray_background` is written `gray_bg`.
pub(super) fn color_out(color: &str) -> String {
    match color.strip_suffix("_background") {
        Some(name) => format!("{name}_bg"),
        None => color.to_owned(),
    }
}

fn color_in(written: &str) -> Option<&'static str> {
    let name = match written.strip_suffix("_bg") {
        Some(name) => format!("{name}_background"),
        None => written.to_owned(),
    };
    COLORS.into_iter().find(|color| *color == name)
}

/// What may not stand in an attribute.
const ENTITIES: [(&str, &str); 5] =
    [("&amp;", "&"), ("&quot;", "\""), ("&lt;", "<"), ("&gt;", ">"), ("&#10;", "\n")];

fn escape(value: &str) -> String {
    ENTITIES.iter().fold(value.to_owned(), |text, (entity, plain)| text.replace(plain, entity))
}

fn unescape(value: &str) -> String {
    // `&amp;` last: what it stands for must not be read again.
    ENTITIES
        .iter()
        .rev()
        .fold(value.to_owned(), |text, (entity, plain)| text.replace(entity, plain))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_are_read_with_their_attributes() {
        let tag = Tag::read(r#"<col color="red_bg" fit width='7'/> x"#).unwrap();
        assert_eq!((tag.name, tag.form, tag.length), ("col", Form::Whole, 35));
        assert_eq!(
            (tag.color(), tag.is_on("fit"), tag.get("width")),
            ("red_background", true, Some("7"))
        );
        for text in ["<", "< a>", "<1>", "<a", "<a b=c>", "<a b=\"c>", "a<b>"] {
            assert!(Tag::read(text).is_none(), "{text}");
        }
        let mut out = String::new();
        put(&mut out, "a", "<\"&quot;\n&>");
        assert_eq!(Tag::read(&format!("<x{out}>")).unwrap().get("a"), Some("<\"&quot;\n&>"));
    }

    #[test]
    fn attribute_lists_end_a_line() {
        let (text, found) = trailing("a b {color=\"gray\" toggle=\"true\"}");
        assert_eq!((text, found.color(), found.is_on("toggle")), ("a b", "gray", true));
        assert_eq!(trailing("{color=\"red\"}").0, "");
        for text in ["a{b}", "a {b c", "a {}", "{\"json\": 1}", "a {b=c}"] {
            assert_eq!(trailing(text).0, text);
        }
    }
}
