//! A tag in Notion's markdown: `<name key="value"/>`.

/// Attributes that one tag can have.
const ATTRIBUTES_MAX: usize = 30;

/// A tag at the beginning of a text.
#[derive(Debug)]
pub(super) struct Tag<'a> {
    pub(super) name: &'a str,
    /// `</name>`
    pub(super) closes: bool,
    /// `<name/>`
    pub(super) whole: bool,
    /// Bytes of the text that it takes.
    pub(super) length: usize,
    attributes: Vec<Attribute<'a>>,
}

#[derive(Debug)]
struct Attribute<'a> {
    name: &'a str,
    value: &'a str,
    /// Where it stands in the tag, with the space before it.
    from: usize,
    to: usize,
}

impl<'a> Tag<'a> {
    /// Reads the tag that a text begins with.
    pub(super) fn read(text: &'a str) -> Option<Self> {
        let mut at = text.strip_prefix('<').map(|_| 1)?;
        let closes = text[at..].starts_with('/');
        at += usize::from(closes);
        let name = word(&text[at..]);
        if !name.starts_with(|c: char| c.is_ascii_alphabetic()) {
            return None;
        }
        at += name.len();
        let mut attributes = Vec::new();
        loop {
            let from = at;
            at += text[at..].len() - text[at..].trim_start_matches([' ', '\t']).len();
            let rest = &text[at..];
            if let Some(whole) = [("/>", true), (">", false)]
                .into_iter()
                .find_map(|(end, whole)| rest.starts_with(end).then_some(whole))
            {
                let length = at + if whole { 2 } else { 1 };
                return Some(Self { name, closes, whole, length, attributes });
            }
            let key = word(rest);
            if key.is_empty() || attributes.len() == ATTRIBUTES_MAX {
                return None;
            }
            at += key.len();
            let mut value = "";
            if let Some(rest) = text[at..].strip_prefix('=') {
                let quote = rest.chars().next().filter(|c| matches!(c, '"' | '\''));
                let (start, end) = match quote {
                    Some(quote) => (1, 1 + rest[1..].find(quote)?),
                    None => (0, rest.find([' ', '\t', '>']).unwrap_or(rest.len())),
                };
                // `url=x/>`: the slash ends the tag.
                let bare =
                    quote.is_none() && rest[..end].ends_with('/') && rest[end..].starts_with('>');
                let end = end - usize::from(bare);
                value = &rest[start..end];
                at += 1 + end + usize::from(quote.is_some());
            }
            attributes.push(Attribute { name: key, value, from, to: at });
        }
    }

    /// The value of an attribute.
    pub(super) fn get(&self, name: &str) -> Option<String> {
        let mut found = self.attributes.iter().filter(|attribute| attribute.name == name);
        // Twice means neither.
        found.next().filter(|_| found.next().is_none()).map(|attribute| unescape(attribute.value))
    }

    /// Names and values of the attributes; of a list of addresses, each.
    pub(super) fn links(&self) -> impl Iterator<Item = (&'a str, String)> {
        self.attributes.iter().flat_map(|attribute| {
            let value = unescape(attribute.value);
            let all: Vec<_> =
                value.split([',', ' ']).map(|part| (attribute.name, part.to_owned())).collect();
            all
        })
    }

    /// The tag's text without the attributes of which `drop` says so for any of their addresses.
    pub(super) fn without(&self, text: &str, mut drop: impl FnMut(&str, &str) -> bool) -> String {
        let (mut out, mut from) = (String::new(), 0);
        for attribute in &self.attributes {
            let value = unescape(attribute.value);
            let dropped =
                value.split([',', ' ']).filter(|part| drop(attribute.name, part)).count() > 0;
            if dropped {
                out.push_str(&text[from..attribute.from]);
                from = attribute.to;
            }
        }
        out.push_str(&text[from..]);
        out
    }
}

/// The name that a text begins with.
fn word(text: &str) -> &str {
    let end = text.find(|c: char| !c.is_ascii_alphanumeric() && !matches!(c, '-' | '_'));
    &text[..end.unwrap_or(text.len())]
}

fn unescape(value: &str) -> String {
    value.replace("&quot;", "\"").replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")
}
