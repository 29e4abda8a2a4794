//! The commands of an update, as changes of the text. What the refusals say is own wording:
//! nobody has recorded any.

use std::ops::Range;

use super::Text;
use crate::fail::Fail;

/// Longest piece of what was looked for that a refusal shows.
const SHOWN_MAX: usize = 80;

fn shown(text: &str) -> String {
    let short: String = text.chars().take(SHOWN_MAX).collect();
    if short.len() < text.len() { format!("\"{short}...\"") } else { format!("\"{text}\"") }
}

/// `update_content`: puts `new` where `old` stands, which must be one place unless `all` is said.
pub(crate) fn replace(text: &str, old: &str, new: &str, all: bool) -> Result<String, Fail> {
    if old.is_empty() {
        return Err(Fail::validation("old_str must not be empty."));
    }
    match text.matches(old).count() {
        0 => Err(Fail::validation(format!(
            "No match found for old_str {} in the page content. It must be the exact text, as \
             the page's markdown has it.",
            shown(old)
        ))),
        1 => Ok(text.replacen(old, new, 1)),
        _ if all => Ok(text.replace(old, new)),
        count => Err(Fail::validation(format!(
            "Found {count} matches for old_str {} in the page content. Make it longer, or set \
             replace_all_matches.",
            shown(old)
        ))),
    }
}

/// The place that a selection means: a piece of text, or `start...end`.
pub(crate) fn select(text: &str, selection: &str) -> Result<Range<usize>, Fail> {
    let wanted = selection.trim();
    if wanted.is_empty() {
        return Err(Fail::validation("The selection must not be empty."));
    }
    if let Some(place) = only(text, wanted, selection)? {
        return Ok(place);
    }
    let missing = || {
        Fail::validation(format!(
            "No match found for the selection {} in the page content.",
            shown(selection)
        ))
    };
    let (start, end) = wanted.split_once("...").ok_or_else(missing)?;
    let (start, end) = (start.trim(), end.trim());
    if start.is_empty() || end.is_empty() {
        return Err(missing());
    }
    let first = only(text, start, selection)?.ok_or_else(missing)?;
    let last = text[first.end..].find(end).ok_or_else(missing)?;
    Ok(first.start..first.end + last + end.len())
}

/// The one place where `wanted` stands; a whole line counts more than a part of another.
fn only(text: &str, wanted: &str, selection: &str) -> Result<Option<Range<usize>>, Fail> {
    let places: Vec<Range<usize>> =
        text.match_indices(wanted).map(|(at, found)| at..at + found.len()).collect();
    let is_line = |place: &&Range<usize>| {
        text[..place.start].trim_end_matches('\t').ends_with('\n')
            || text[..place.start].trim_end_matches('\t').is_empty()
    };
    let is_whole = |place: &&Range<usize>| {
        is_line(place) && matches!(text[place.end..].chars().next(), None | Some('\n'))
    };
    let whole: Vec<Range<usize>> = places.iter().filter(is_whole).cloned().collect();
    match (whole.as_slice(), places.as_slice()) {
        ([one], _) | ([], [one]) => Ok(Some(one.clone())),
        ([], []) => Ok(None),
        _ => Err(Fail::validation(format!(
            "Found {} matches for the selection {} in the page content. Make it longer.",
            places.len(),
            shown(selection)
        ))),
    }
}

/// `insert_content` at the top or at the end.
pub(crate) fn join(first: &str, second: &str) -> String {
    match (first.is_empty(), second.is_empty()) {
        (true, _) => second.to_owned(),
        (_, true) => first.to_owned(),
        _ => format!("{first}\n{second}"),
    }
}

/// `insert_content` after a selection: below the block that it ends in, and as far in as that.
pub(crate) fn insert_after(text: &Text, place: &Range<usize>, content: &str) -> String {
    let last = place.end.saturating_sub(1);
    let spans = text.spans.iter().filter(|span| span.start <= last && last < span.end);
    let block = spans.min_by_key(|span| span.end - span.start);
    let (end, depth) = block.map_or((text.markdown.len(), 0), |span| (span.end, span.depth));
    let (before, after) = text.markdown.split_at(end);
    format!("{before}\n{}{}{after}", "\t".repeat(depth), indented(content, depth))
}

/// `replace_content_range`
pub(crate) fn replace_range(text: &Text, place: &Range<usize>, content: &str) -> String {
    let markdown = &text.markdown;
    let line = markdown[..place.start].rfind('\n').map_or(0, |at| at + 1);
    let depth = markdown[line..].bytes().take_while(|byte| *byte == b'\t').count();
    let content = indented(content, depth);
    format!("{}{content}{}", &markdown[..place.start], &markdown[place.end..])
}

/// Further lines as far in as the first.
fn indented(content: &str, depth: usize) -> String {
    content.trim_end_matches(['\n', '\r']).replace('\n', &format!("\n{}", "\t".repeat(depth)))
}

#[cfg(test)]
mod tests {
    use super::super::{Look, parse, render};
    use super::*;

    fn text(markdown: &str) -> Text {
        render(&parse(markdown).unwrap(), Look::default())
    }

    #[test]
    fn one_place_is_replaced_or_all() {
        assert_eq!(replace("a b a", "b", "c", false).unwrap(), "a c a");
        assert_eq!(replace("a b a", "a", "c", true).unwrap(), "c b c");
        assert!(replace("a b a", "a", "c", false).unwrap_err().message.contains("2 matches"));
        assert!(replace("a b a", "A", "c", false).unwrap_err().message.contains("No match"));
        assert!(replace("a", "", "c", true).is_err());
    }

    #[test]
    fn selections_are_lines_or_ranges() {
        let page = "To Do later\n- [ ] To Do\nend here";
        // Measured: a whole line with its line break.
        assert_eq!(select(page, "- [ ] To Do\n").unwrap(), 12..23);
        assert_eq!(select(page, "To Do la...end").unwrap(), 0..27);
        assert_eq!(select("x\nTo Do\nTo Do 2", "To Do").unwrap(), 2..7);
        assert!(select(page, "To Do").is_err(), "twice");
        for nothing in ["", " ", "nowhere", "...end", "end...To", "a...b"] {
            assert!(select(page, nothing).is_err(), "{nothing}");
        }
    }

    #[test]
    fn content_goes_below_the_block_that_was_selected() {
        let page =
            text("- a\n\t- b\n\t\tc\n- d\n<details>\n<summary>s</summary>\n\tin\n</details>");
        let after = |selection: &str| {
            let place = select(&page.markdown, selection).unwrap();
            insert_after(&page, &place, "new\nmore\n")
        };
        assert!(after("- b").contains("\t\tc\n\tnew\n\tmore\n- d"), "{}", after("- b"));
        assert!(after("- a").contains("\t\tc\nnew\nmore\n- d"));
        assert!(after("<summary>s</summary>").ends_with("</details>\nnew\nmore"));
        let place = select(&page.markdown, "- b...c").unwrap();
        assert!(replace_range(&page, &place, "x\ny\n").starts_with("- a\n\tx\n\ty\n- d"));
    }
}
