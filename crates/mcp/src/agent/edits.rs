//! Changes of a page's markdown: found, checked to be about one place, and made ready for Notion.

use serde::Deserialize;

use super::fault::{Fault, short};

/// A piece of text to be replaced. Notion's own names for its parts are taken, too.
#[derive(Clone, Debug, Deserialize, PartialEq)]
#[serde(deny_unknown_fields)]
pub(crate) struct Edit {
    #[serde(alias = "old_str")]
    pub(crate) find: String,
    #[serde(alias = "new_str")]
    pub(crate) replace: String,
    #[serde(default, alias = "replace_all_matches")]
    pub(crate) all: bool,
}

/// The text after an edit; an error if it is not about exactly one place.
pub(crate) fn apply(text: &str, edit: &Edit) -> Result<String, Fault> {
    let Edit { find, replace, all } = edit;
    if find.is_empty() {
        return Err(Fault::input("`find` is empty: to add text, use `append`."));
    }
    match text.matches(find.as_str()).count() {
        0 => Err(Fault::input(format!(
            "`find` is not on the page: \"{}\".{} Copy it exactly from `fetch`, with tabs and marks.",
            short(&find.as_str().into()),
            near(text, find)
        ))),
        1 => Ok(text.replacen(find, replace, 1)),
        _ if *all => Ok(text.replace(find, replace)),
        count => Err(Fault::input(format!(
            "`find` stands {count} times on the page: \"{}\". Make it longer, or set all: true.",
            short(&find.as_str().into())
        ))),
    }
}

/// The line that has most words of what was looked for.
fn near(text: &str, find: &str) -> String {
    let words = |text: &str| -> Vec<String> {
        let split = text.split(|c: char| !c.is_alphanumeric());
        split.filter(|it| it.len() > 2).map(str::to_lowercase).collect()
    };
    let wanted = words(find);
    let score = |line: &&str| {
        let there = words(line);
        wanted.iter().filter(|word| there.contains(word)).count()
    };
    let best = text.lines().max_by_key(score).filter(|line| score(line) * 2 > wanted.len());
    best.map_or_else(String::new, |line| format!(" Near: \"{}\".", short(&line.trim().into())))
}

/// The edit that ticks a to-do, or takes the tick away: found by its text, or by a part of it.
pub(crate) fn tick(text: &str, wanted: &str, done: bool) -> Result<Option<Edit>, Fault> {
    let wanted = wanted.trim().trim_start_matches("- [ ]").trim_start_matches("- [x]").trim();
    let todos: Vec<(usize, &str)> = lines(text)
        .filter(|(_, line)| {
            let line = line.trim_start_matches('\t');
            line.starts_with("- [ ] ") || line.starts_with("- [x] ")
        })
        .collect();
    let label =
        |line: &str| line.trim_start_matches('\t').get(6..).unwrap_or_default().trim().to_owned();
    let lower = wanted.to_lowercase();
    let mut found: Vec<_> =
        todos.iter().filter(|(_, line)| label(line).to_lowercase() == lower).collect();
    if found.is_empty() && !lower.is_empty() {
        found =
            todos.iter().filter(|(_, line)| label(line).to_lowercase().contains(&lower)).collect();
    }
    let (at, line) = match found.as_slice() {
        [one] => **one,
        [] => {
            let listed: Vec<_> = todos.iter().take(30).map(|(_, line)| label(line)).collect();
            return Err(Fault::input(match listed.is_empty() {
                true => "The page has no to-dos.".to_owned(),
                false => format!("There is no to-do `{wanted}`. To-dos: {}.", listed.join("; ")),
            }));
        }
        several => {
            let listed: Vec<_> = several.iter().take(10).map(|(_, line)| label(line)).collect();
            return Err(Fault::input(format!(
                "`{wanted}` may be one of several to-dos: {}. Give more of the text, or use `edits`.",
                listed.join("; ")
            )));
        }
    };
    let (from, to) = if done { ("- [ ] ", "- [x] ") } else { ("- [x] ", "- [ ] ") };
    if line.trim_start_matches('\t').starts_with(to) {
        return Ok(None);
    }
    let box_at = at + line.len() - line.trim_start_matches('\t').len();
    Ok(Some(unique(text, box_at, from.len(), line.len() + at - box_at, to)))
}

/// An edit that replaces `length` bytes at `at`, with as much around it as makes it the only place.
fn unique(text: &str, at: usize, length: usize, line: usize, to: &str) -> Edit {
    let (mut start, mut end) = (at, at + line);
    while text.matches(&text[start..end]).count() > 1 && (start > 0 || end < text.len()) {
        end = text[end..]
            .char_indices()
            .skip(1)
            .find(|(_, c)| *c == '\n')
            .map_or(text.len(), |it| end + it.0);
        if start > 0 {
            start = text[..start - 1].rfind('\n').map_or(0, |it| it + 1);
        }
    }
    let replace = format!("{}{to}{}", &text[start..at], &text[at + length..end]);
    Edit { find: text[start..end].to_owned(), replace, all: false }
}

/// The lines of a text, with where they begin, without their ends.
fn lines(text: &str) -> impl Iterator<Item = (usize, &str)> {
    text.split_inclusive('\n').scan(0, |at, line| {
        let start = *at;
        *at += line.len();
        Some((start, line.trim_end_matches('\n')))
    })
}

/// The child pages and databases that stand in `before` and not in `after`: their tags.
pub(crate) fn dropped<'a>(before: &'a str, after: &str) -> Vec<&'a str> {
    let tags = lines(before).map(|(_, line)| line.trim());
    let children = tags.filter(|line| line.starts_with("<page ") || line.starts_with("<database "));
    let gone = children.filter(|tag| {
        let url = tag.split("url=\"").nth(1).and_then(|rest| rest.split('"').next());
        url.is_some_and(|url| !after.contains(url))
    });
    gone.collect()
}

/// Lines that are told of one change, of those that go and those that come.
const LINES_MAX: usize = 30;

/// What changes, line by line: what goes with `-`, what comes with `+`.
pub(crate) fn difference(before: &str, after: &str) -> String {
    let (old, new): (Vec<_>, Vec<_>) = (before.lines().collect(), after.lines().collect());
    let same = old.iter().zip(&new).take_while(|(a, b)| a == b).count();
    let (old, new) = (&old[same..], &new[same..]);
    let tail = old.iter().rev().zip(new.iter().rev()).take_while(|(a, b)| a == b).count();
    let (old, new) = (&old[..old.len() - tail], &new[..new.len() - tail]);
    if old.is_empty() && new.is_empty() {
        return String::new();
    }
    let mut text = format!("@ line {}\n", same + 1);
    for (sign, lines) in [('-', old), ('+', new)] {
        for line in lines.iter().take(LINES_MAX) {
            text.push_str(&format!("{sign}{line}\n"));
        }
        if lines.len() > LINES_MAX {
            text.push_str(&format!("{sign}… {} more lines\n", lines.len() - LINES_MAX));
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn edit(find: &str, replace: &str, all: bool) -> Edit {
        Edit { find: find.into(), replace: replace.into(), all }
    }

    #[test]
    fn edits_are_about_one_place() {
        assert_eq!(apply("a b a", &edit("b", "c", false)).unwrap(), "a c a");
        assert_eq!(apply("a b a", &edit("a", "c", true)).unwrap(), "c b c");
        assert!(apply("a b a", &edit("a", "c", false)).unwrap_err().text.contains("2 times"));
        let fault = apply("The quick brown fox\nlazy dog", &edit("quick red fox", "", false));
        assert!(fault.unwrap_err().text.contains("Near: \"The quick brown fox\""));
        assert!(apply("a", &edit("", "c", false)).is_err());
    }

    #[test]
    fn to_dos_are_ticked_by_their_text() {
        let page = "- [ ] Buy milk\n- [ ] Buy milk and bread\n\t- [x] Call Ada\n- plain";
        let ticked = |wanted: &str, done: bool| {
            tick(page, wanted, done).map(|it| it.map(|it| apply(page, &it).unwrap()))
        };
        let after = ticked("buy milk", true).unwrap().unwrap();
        assert!(after.starts_with("- [x] Buy milk\n- [ ] Buy milk and bread"), "{after}");
        let after = ticked("bread", true).unwrap().unwrap();
        assert!(after.starts_with("- [ ] Buy milk\n- [x] Buy milk and bread"), "{after}");
        assert!(ticked("Call Ada", false).unwrap().unwrap().contains("\t- [ ] Call Ada\n"));
        assert_eq!(ticked("Call Ada", true).unwrap(), None, "done already");
        assert!(ticked("plain", true).unwrap_err().text.contains("Buy milk; Buy milk and bread"));
        assert!(ticked("Buy", true).unwrap_err().text.contains("several"));
        assert!(tick("none", "x", true).unwrap_err().text.contains("no to-dos"));
    }

    #[test]
    fn children_that_would_go_are_seen() {
        let before = "a\n<page url=\"https://x/1\">One</page>\n\t<database url=\"https://x/2\">Two</database>";
        assert_eq!(dropped(before, before).len(), 0);
        assert_eq!(dropped(before, "<page url=\"https://x/1\">Renamed</page>").len(), 1);
        assert_eq!(dropped(before, "").len(), 2);
    }

    #[test]
    fn differences_are_short() {
        assert_eq!(difference("a\nb\nc", "a\nx\nc"), "@ line 2\n-b\n+x\n");
        assert_eq!(difference("a", "a\nb"), "@ line 2\n+b\n");
        assert_eq!(difference("a", "a"), "");
        let long = "x\n".repeat(100);
        assert!(difference("", &long).ends_with("+… 70 more lines\n"));
    }

    proptest::proptest! {
        #[test]
        fn a_tick_is_exactly_one_place(
            lines in proptest::collection::vec("(\\t)?- \\[( |x)\\] [ab]{1,2}|[ab#é]{0,3}", 0..12),
            wanted in "[ab]{1,2}",
        ) {
            let page = lines.join("\n");
            if let Ok(Some(edit)) = tick(&page, &wanted, true) {
                let after = apply(&page, &edit).unwrap();
                proptest::prop_assert_eq!(after.matches("[x]").count(), page.matches("[x]").count() + 1);
                proptest::prop_assert_eq!(after.len(), page.len());
            }
        }
    }
}
