//! Pages as markdown: tags and links that lead outside are taken out of the text.
//!
//! A mention becomes `Untitled`, a link its text, and a synced copy with all that it shows becomes an
//! `<unknown/>` tag, which is Notion's own form for what cannot be shown. Code is not told from other
//! text: taking a tag out of an example is harmless, and overlooking one would not be. Where tags do not
//! fit together, the page is not shown at all.

use notion::{Id, Kind, link};
use serde_json::Value;

use super::markdown_tag::Tag;
use super::rich_text::UNTITLED;
use super::titles;
use super::walk::{Members, Strange, Walk};

/// Tags that stand for one object, with its name in them.
const OBJECTS: &[&str] = &["page", "database", "folder"];
/// Tags that show what is elsewhere, or a caption beside it.
const LEAVES: &[&str] = &[
    "audio",
    "bookmark",
    "custom-block",
    "embed",
    "external_object_instance",
    "file",
    "image",
    "mail",
    "pdf",
    "video",
];
/// Tags around what a synced original holds.
const COPIES: &[&str] = &["synced_block_reference", "synced-block-reference"];

/// Cuts a page in markdown down.
pub(super) fn cut(walk: &mut Walk, page: &mut Members) -> Result<(), Strange> {
    if let Some(Value::String(text)) = page.get_mut("markdown") {
        *text = cut_text(walk, text)?;
    }
    if let Some(Value::Array(ids)) = page.get_mut("unknown_block_ids") {
        ids.retain(|id| walk.sees_id(Kind::Block, Some(id)));
    }
    Ok(())
}

/// The originals of which a markdown text shows copies; `None` for one that cannot be read.
pub(super) fn copies(text: &str) -> Vec<Option<(Kind, Id)>> {
    let tags = text.split('\n').filter_map(|line| Tag::read(line.trim_start_matches('\t')));
    let tags = tags.filter(|tag| !tag.closes && COPIES.contains(&tag.name));
    let originals = tags.flat_map(|tag| {
        let named = tag.get("url").and_then(|url| link::targets(&url)).unwrap_or_default();
        if named.is_empty() { vec![None] } else { named.into_iter().map(Some).collect() }
    });
    originals.collect()
}

/// Cuts a markdown text down.
pub(super) fn cut_text(walk: &mut Walk, text: &str) -> Result<String, Strange> {
    let mut out: Vec<String> = Vec::new();
    // The copy whose content is being left out: how deep it stands, and its tag.
    let mut hidden: Option<(usize, String)> = None;
    for line in text.split('\n') {
        let body = line.trim_start_matches('\t');
        let depth = line.len() - body.len();
        if let Some((outer, name)) = &hidden {
            if body.trim().is_empty() || depth > *outer {
                continue;
            }
            let closes = Tag::read(body).is_some_and(|tag| tag.closes && tag.name == name);
            if depth < *outer || !closes {
                return Err(Strange::Markdown);
            }
            hidden = None;
            continue;
        }
        match Tag::read(body).filter(|tag| !tag.closes && COPIES.contains(&tag.name)) {
            Some(tag) if !is_named_seen(walk, &tag) => {
                out.push(format!("{}<unknown alt=\"synced_block\"/>", &line[..depth]));
                let closed = format!("</{}>", tag.name);
                if !tag.whole && !body[tag.length..].contains(&closed) {
                    hidden = Some((depth, tag.name.to_owned()));
                }
            }
            _ => out.push(format!("{}{}", &line[..depth], inline(walk, body)?)),
        }
    }
    if hidden.is_some() { Err(Strange::Markdown) } else { Ok(out.join("\n")) }
}

/// One line without its indentation. What is left when a tag is taken out of a text that was not made by
/// Notion may be read as another tag: such a line is not shown.
fn inline(walk: &mut Walk, line: &str) -> Result<String, Strange> {
    let cut = cut_once(walk, line)?;
    if cut != line && cut_once(walk, &cut)? != cut {
        return Err(Strange::Markdown);
    }
    Ok(cut)
}

fn cut_once(walk: &mut Walk, line: &str) -> Result<String, Strange> {
    let mut out = String::with_capacity(line.len());
    // Where the brackets that are open begin in `out`.
    let mut open: Vec<usize> = Vec::new();
    let mut rest = line;
    while let Some(c) = rest.chars().next() {
        let mut taken = c.len_utf8();
        match c {
            '\\' => {
                taken += rest[taken..].chars().next().map_or(0, char::len_utf8);
                out.push_str(&rest[..taken]);
            }
            '<' => match Tag::read(rest) {
                Some(tag) => taken = put_tag(walk, &mut out, rest, &tag),
                None if hides_a_tag(walk, rest) => return Err(Strange::Markdown),
                None => out.push(c),
            },
            '[' if rest.starts_with("[^") => {
                // A citation: its address stands in the brackets.
                let end = rest.find(']').map_or(rest.len(), |at| at + 1);
                if walk.eyes.see_link(rest[2..end].trim_end_matches(']')) {
                    out.push(c);
                } else {
                    taken = end;
                }
            }
            '[' => {
                open.push(out.len());
                out.push(c);
            }
            ']' => {
                let from = open.pop();
                let target = rest.strip_prefix("](").map(target);
                match target {
                    Some((url, length)) if !walk.eyes.see_link(&url) => {
                        taken = 2 + length;
                        unlink(walk, &mut out, from);
                    }
                    _ => out.push(c),
                }
            }
            _ => out.push(c),
        }
        rest = &rest[taken..];
    }
    Ok(out)
}

/// The target of a link, unescaped, and how much of the text it takes with its parenthesis.
fn target(text: &str) -> (String, usize) {
    let mut url = String::new();
    let mut chars = text.char_indices();
    while let Some((at, c)) = chars.next() {
        match c {
            ')' => return (url, at + 1),
            '\\' => url.extend(chars.next().map(|(_, c)| c)),
            _ => url.push(c),
        }
    }
    (url, text.len())
}

/// Leaves of a link that was begun at `from` only its text, of a picture nothing.
fn unlink(walk: &mut Walk, out: &mut String, from: Option<usize>) {
    let Some(from) = from else {
        out.push(']');
        return;
    };
    if out[..from].ends_with('!') {
        out.truncate(from - 1);
        out.push_str("<unknown alt=\"image\"/>");
        return;
    }
    let text = out.split_off(from).split_off(1);
    let plain: String = text.chars().filter(|c| *c != '\\').collect();
    out.push_str(if walk.eyes.see_link(&plain) { &text } else { UNTITLED });
}

/// Writes a tag as far as it may be seen; gives how much of the text it and what it hides take.
fn put_tag(walk: &mut Walk, out: &mut String, rest: &str, tag: &Tag) -> usize {
    let mention = tag.name == "mention" || tag.name.starts_with("mention-");
    let object = OBJECTS.contains(&tag.name);
    if tag.closes {
        out.push_str(&rest[..tag.length]);
        return tag.length;
    }
    let seen = if mention || object || COPIES.contains(&tag.name) {
        is_named_seen(walk, tag)
    } else {
        !LEAVES.contains(&tag.name) || tag.links().all(|(_, value)| walk.eyes.see_link(&value))
    };
    if seen {
        out.push_str(&tag.without(&rest[..tag.length], |name, value| {
            (!object || name != "url") && !walk.eyes.see_link(value)
        }));
        let length = title_length(rest, tag);
        if (object || mention) && length > 0 {
            out.push_str(&title(walk, tag, &rest[tag.length..tag.length + length]));
        } else {
            return tag.length;
        }
        return tag.length + length;
    }
    if mention {
        out.push_str(UNTITLED);
    } else {
        out.push_str(&format!("<unknown alt=\"{}\"/>", tag.name));
    }
    if tag.whole {
        return tag.length;
    }
    let close = format!("</{}>", tag.name);
    // What is not closed on its line takes all of it.
    rest[tag.length..].find(&close).map_or(rest.len(), |at| tag.length + at + close.len())
}

/// How long the text is between a tag and the one that closes it.
fn title_length(rest: &str, tag: &Tag) -> usize {
    let close = format!("</{}>", tag.name);
    let length = (!tag.whole).then(|| rest[tag.length..].find(&close)).flatten();
    length.unwrap_or_default()
}

/// The title in the tag of an object that the caller sees.
fn title(walk: &mut Walk, tag: &Tag, text: &str) -> String {
    let kind = match tag.name {
        "page" | "mention-page" => Kind::Page,
        "database" | "mention-database" => Kind::Database,
        "mention-data-source" => Kind::DataSource,
        "mention-date" | "mention-user" | "mention-agent" | "mention-template" => {
            return text.to_owned();
        }
        _ => Kind::Block,
    };
    let url = tag.get("url").unwrap_or_default();
    let id = link::targets(&url).unwrap_or_default().last().map(|(_, id)| *id);
    let mut shown = text.to_owned();
    titles::cut(walk, kind, id, &mut shown);
    if shown == text { shown } else { escape(&shown) }
}

/// Text as Notion writes it in markdown.
fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        if "\\*~`$[]<>{}|^".contains(c) {
            out.push('\\');
        }
        out.push(c);
    }
    out
}

/// Whether the caller sees the object that a tag stands for. A tag that stands for an object and names
/// none is not understood.
fn is_named_seen(walk: &mut Walk, tag: &Tag) -> bool {
    let no_object = matches!(
        tag.name,
        "mention-date" | "mention-template" | "mention-user" | "mention-agent" | "mention"
    );
    match tag.get("url") {
        Some(url) => {
            let names = link::targets(&url).is_some_and(|targets| !targets.is_empty());
            walk.eyes.see_link(&url) && (names || no_object)
        }
        None => no_object,
    }
}

/// Whether what cannot be read as a tag could be one that names something outside.
fn hides_a_tag(walk: &mut Walk, rest: &str) -> bool {
    let name = rest.trim_start_matches(['<', '/']);
    let known = ["mention", "page", "database", "folder", "synced", "unknown"];
    let piece = rest.split('>').next().unwrap_or_default();
    known.iter().any(|known| name.starts_with(known))
        && link::ids_in(piece).filter(|id| !walk.eyes.see(Kind::Block, *id)).count() > 0
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::view::eyes::Eyes;

    const OUT: &str = "0a1b2c3d4e5f4a6b8c7d9e0f1a2b3c4d";
    const IN: &str = "38c9ce7b60a481d79c8f0027e2be250c";

    fn shown(text: &str) -> Result<String, Strange> {
        let mut eyes = Eyes::default();
        let inside = Id::parse(IN).unwrap();
        eyes.note(inside, true);
        let page = serde_json::json!({"object": "page", "id": inside, "properties": {"Name": {"type": "title", "title": []}}});
        eyes.note_title(inside, titles::Title::of(&page).map(|(_, title)| title));
        let (pseudonym, source_of) = (|id| id, |_| None);
        let mut walk = Walk {
            eyes: &mut eyes,
            pseudonym: &pseudonym,
            source_of: &source_of,
            names_unsupported: true,
        };
        cut_text(&mut walk, text)
    }

    fn check(text: &str, expected: &str) {
        let filled = |id: &str| text.replace("OUT", id);
        assert_eq!(shown(&filled(OUT)).unwrap(), expected.replace("OUT", OUT), "{text}");
        // The same about something inside is left as it is.
        assert_eq!(shown(&filled(IN)).unwrap(), filled(IN), "{text}");
    }

    #[test]
    fn mentions_and_links_lose_what_they_lead_to() {
        for (text, expected) in [
            (
                "a <mention-page url=\"https://www.notion.so/OUT\">Secret \\<b\\></mention-page> b",
                "a Untitled b",
            ),
            ("<mention-database url='https://app.notion.com/p/x-OUT'/>!", "Untitled!"),
            (
                "<mention-data-source url=\"collection://OUT\">Secret</mention-data-source>",
                "Untitled",
            ),
            ("**[Secret](https://www.notion.so/OUT)** c", "**Secret** c"),
            ("[a [b] c](/OUT) d", "a [b] c d"),
            ("[https://www.notion.so/OUT](https://www.notion.so/OUT)", "Untitled"),
            ("see[^https://www.notion.so/OUT]!", "see!"),
            (
                "\t- <page url=\"https://www.notion.so/OUT\">Secret</page>",
                "\t- <unknown alt=\"page\"/>",
            ),
            ("![Secret](https://www.notion.so/image/x?id=OUT)", "<unknown alt=\"image\"/>"),
            (
                "<bookmark source=\"https://www.notion.so/OUT\">Secret</bookmark>",
                "<unknown alt=\"bookmark\"/>",
            ),
            (
                "<unknown url=\"https://www.notion.so/OUT\" alt=\"button\"/>",
                "<unknown alt=\"button\"/>",
            ),
            (
                "<span discussion-urls=\"discussion://OUT\" color=\"red\">text</span>",
                "<span color=\"red\">text</span>",
            ),
        ] {
            check(text, expected);
        }
    }

    #[test]
    fn a_linked_database_does_not_say_what_it_shows() {
        let line = |source: &str| {
            format!(
                "<database url=\"https://www.notion.so/{IN}\" inline=\"true\"{source}>Tasks</database>"
            )
        };
        let with = line(&format!(" data-source-url=\"collection://{OUT}\""));
        assert_eq!(shown(&with).unwrap(), line(""));
    }

    #[test]
    fn a_copy_and_what_it_shows_is_gone() {
        let text = "before\n\t<synced_block_reference url=\"https://www.notion.so/OUT#OUT\">\n\
                    \t\tSecret\n\n\t\t```\n\t\t</synced_block_reference>\n\t\t```\n\
                    \t</synced_block_reference>\nafter";
        check(text, "before\n\t<unknown alt=\"synced_block\"/>\nafter");
        let empty = "<synced-block-reference url=\"https://www.notion.so/OUT\"/>\nafter";
        check(empty, "<unknown alt=\"synced_block\"/>\nafter");
    }

    #[test]
    fn copies_are_found_wherever_they_stand() {
        let text = "<page url=\"https://www.notion.so/IN\">x</page>\n\t<synced_block_reference \
                    url=\"https://www.notion.so/OUT\">\n\t\tx\n\t</synced_block_reference>\n\
                    <synced-block-reference/>";
        let text = text.replace("OUT", OUT).replace("IN", IN);
        assert_eq!(copies(&text), [Some((Kind::Block, Id::parse(OUT).unwrap())), None]);
    }

    #[test]
    fn what_does_not_fit_together_is_not_shown() {
        for text in [
            "<synced_block_reference url=\"https://www.notion.so/OUT\">\nSecret",
            "\t<synced_block_reference url=\"https://www.notion.so/OUT\">\n\t\tx\nSecret",
            "<synced_block_reference url=\"https://www.notion.so/OUT\">\n\tSecret",
            "<mention-page url=\"https://www.notion.so/OUT\" =>Secret</mention-page>",
            "<page url=\"/>https://www.notion.so/OUT<mention-page url=<page url=\"<page url=\"/>\">",
        ] {
            assert!(shown(&text.replace("OUT", OUT)).is_err(), "{text}");
        }
    }

    #[test]
    fn words_stay_as_they_were_written() {
        for text in [
            "",
            "plain text with OUT in it",
            "\\<page url=\"https://www.notion.so/OUT\"\\>",
            "a < b, [c], (d), <br> and <span color=\"red\">e</span>",
            "[elsewhere](https://example.com/OUT)",
            "<mention-user url=\"user://OUT\">Ada</mention-user>, <mention-date start=\"2026-01-01\"/>",
            "<mention-user url=\"user://OUT\"/>",
            "]( unbalanced ) ]",
        ] {
            let text = text.replace("OUT", OUT);
            assert_eq!(shown(&text).unwrap(), text);
        }
    }

    proptest::proptest! {
        #[test]
        fn never_panics_and_never_shows_a_tag_of_what_is_outside(
            text in "(\\PC|[<>\\[\\]()\"'/\\\\!^=\\t\\n ]|<mention-page url=|<page url=\"|https://www\\.notion\\.so/0a1b2c3d4e5f4a6b8c7d9e0f1a2b3c4d|\">|/>|</page>){0,30}",
        ) {
            if let Ok(shown) = shown(&text) {
                let outside = Id::parse(OUT).unwrap();
                let leads_out = |value: &str| {
                    let targets = link::targets(value).unwrap_or_default();
                    targets.iter().any(|(_, id)| *id == outside)
                };
                for line in shown.lines() {
                    for (at, _) in line.match_indices('<') {
                        // A tag after a backslash is text.
                        let tag = Tag::read(&line[at..]).filter(|_| !line[..at].ends_with('\\'));
                        let shows = tag.is_some_and(|tag| {
                            tag.links().any(|(_, value)| leads_out(&value))
                        });
                        proptest::prop_assert!(!shows, "{shown:?}");
                    }
                }
            }
        }
    }
}
