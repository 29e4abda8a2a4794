//! Parts of a page's markdown: from a heading to the next one of its rank, or from where the last part
//! ended.

use super::fault::Fault;
use super::tokens::{estimate, fit};

/// Headings that are listed of what was cut off.
const OUTLINE_MAX: usize = 20;

/// A heading: its rank, its text, where it stands.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Heading<'a> {
    rank: usize,
    text: &'a str,
    at: usize,
}

/// The headings of a text, those in code and further in left out.
fn headings(text: &str) -> Vec<Heading<'_>> {
    let (mut found, mut at, mut fenced) = (Vec::new(), 0, false);
    for line in text.split_inclusive('\n') {
        if line.trim_start().starts_with("```") {
            fenced = !fenced;
        }
        let rank = line.bytes().take_while(|byte| *byte == b'#').count();
        if !fenced && (1..=4).contains(&rank) && line[rank..].starts_with(' ') {
            let text = line[rank..].trim();
            // A colour, or that it toggles.
            let text = text.split(" {").next().unwrap_or(text).trim();
            found.push(Heading { rank, text, at });
        }
        at += line.len();
    }
    found
}

/// The section under a heading, the heading with it.
pub(crate) fn section<'a>(text: &'a str, name: &str) -> Result<&'a str, Fault> {
    let all = headings(text);
    let wanted = name.trim().trim_start_matches('#').trim().to_lowercase();
    let mut alike: Vec<usize> =
        (0..all.len()).filter(|at| all[*at].text.to_lowercase() == wanted).collect();
    if alike.is_empty() {
        alike =
            (0..all.len()).filter(|at| all[*at].text.to_lowercase().contains(&wanted)).collect();
    }
    match alike.as_slice() {
        [first, ..] => {
            let this = all[*first];
            let next = all[*first + 1..].iter().find(|it| it.rank <= this.rank);
            Ok(&text[this.at..next.map_or(text.len(), |it| it.at)])
        }
        [] => Err(Fault::input(match outline(text) {
            empty if empty.is_empty() => {
                "The page has no headings: leave `section` out.".to_owned()
            }
            listed => format!("There is no section `{name}`. Sections: {listed}."),
        })),
    }
}

/// The names of the sections.
fn outline(text: &str) -> String {
    let all = headings(text);
    let mut names: Vec<_> =
        all.iter().take(OUTLINE_MAX).map(|it| format!("\"{}\"", it.text)).collect();
    if all.len() > OUTLINE_MAX {
        names.push(format!("{} more", all.len() - OUTLINE_MAX));
    }
    names.join(", ")
}

/// A part of a text that fits a budget, with a note that says how to get the rest.
///
/// `how` is what that note says before the cursor.
pub(crate) fn part(
    text: &str,
    budget: usize,
    cursor: Option<&str>,
    how: &str,
) -> Result<String, Fault> {
    let start = match cursor {
        None => 0,
        Some(cursor) => start_of(text, cursor)?,
    };
    let rest = &text[start..];
    let shown = &rest[..fit(rest, budget)];
    if shown.len() == rest.len() {
        return Ok(shown.to_owned());
    }
    let end = start + shown.len();
    let left = &rest[shown.len()..];
    let sections = outline(left);
    let by_name =
        if sections.is_empty() { String::new() } else { format!(" Or section: {sections}.") };
    Ok(format!(
        "{}\n[Cut here; about {} tokens follow. More: {how} \"{end}.{:x}\".{by_name}]",
        shown.trim_end_matches('\n'),
        estimate(left),
        mark(&text[..end]),
    ))
}

/// Where a cursor says to go on: only while what stands before it is as it was.
fn start_of(text: &str, cursor: &str) -> Result<usize, Fault> {
    let parts = cursor.split_once('.').and_then(|(at, mark)| {
        Some((at.parse::<usize>().ok()?, u32::from_str_radix(mark, 16).ok()?))
    });
    let (at, told) = parts.ok_or_else(|| {
        Fault::input("The cursor is not one that `fetch` gave: pass it as it was, or leave it out.")
    })?;
    match text.get(..at) {
        Some(before) if mark(before) == told => Ok(at),
        _ => Err(Fault::input(
            "The page has changed since, and the cursor with it: fetch it from the start, or by section.",
        )),
    }
}

/// A checksum (FNV-1a), against mistakes only.
fn mark(text: &str) -> u32 {
    text.bytes().fold(0x811c_9dc5, |hash, byte| (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193))
}

#[cfg(test)]
mod tests {
    use super::*;

    const PAGE: &str =
        "Intro\n# One {color=\"red\"}\na\n## Sub\nb\n```\n# no heading\n```\n# Two\nc";

    #[test]
    fn sections_reach_to_the_next_of_their_rank() {
        assert_eq!(section(PAGE, "two").unwrap(), "# Two\nc");
        assert_eq!(section(PAGE, "## Sub").unwrap(), "## Sub\nb\n```\n# no heading\n```\n");
        assert!(section(PAGE, "One").unwrap().ends_with("```\n"));
        let fault = section(PAGE, "Three").unwrap_err().text;
        assert!(fault.contains("\"One\", \"Sub\", \"Two\""), "{fault}");
        assert!(section("plain", "x").unwrap_err().text.contains("no headings"));
    }

    #[test]
    fn the_parts_make_up_the_whole() {
        let text = (0..60).map(|n| format!("# Part {n}\nSome words of it.\n")).collect::<String>();
        let (mut whole, mut cursor) = (String::new(), None::<String>);
        for _ in 0..100 {
            let shown = part(&text, 100, cursor.as_deref(), "cursor").unwrap();
            let Some((shown, note)) = shown.split_once("\n[Cut here") else {
                whole.push_str(&shown);
                break;
            };
            whole.push_str(shown);
            whole.push('\n');
            cursor = note.split('"').nth(1).map(str::to_owned);
            assert!(
                part("changed", 100, cursor.as_deref(), "cursor")
                    .unwrap_err()
                    .text
                    .contains("changed")
            );
        }
        assert_eq!(whole, text);
        assert!(part(&text, 100, Some("x"), "").is_err());
        assert!(part(&text, 100, Some("99999999.0"), "").is_err());
    }
}
