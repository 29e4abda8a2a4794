//! Leaks in what the tools for agents say. What a tool says to somebody who sees everything is what could come
//! through.

use serde_json::json;

use super::compare::Seen;
use super::drills::Drill;

/// All that the tool found, where it had nothing to say.
fn found(ours: &mut Seen, theirs: &Seen) {
    if ours.status >= 400 && theirs.status == 200 {
        *ours = theirs.clone();
    }
}

/// All of an answer in place of a part.
fn instead(ours: &mut Seen, theirs: &Seen) {
    if ours.status == 200 && theirs.status == 200 {
        ours.body = theirs.body.clone();
    }
}

/// The lines of an answer that are left out, those that `wanted` says.
fn lines(ours: &mut Seen, theirs: &Seen, wanted: fn(&str) -> bool) {
    let (Some(mine), Some(whole)) = (ours.body.as_str(), theirs.body.as_str()) else { return };
    if ours.status == 200 && theirs.status == 200 {
        let missing = whole.lines().filter(|line| wanted(line) && !mine.contains(line));
        let missing: Vec<&str> = missing.collect();
        ours.body = format!("{mine}\n{}", missing.join("\n")).into();
    }
}

/// How much there is, of what is not shown.
fn count(ours: &mut Seen, theirs: &Seen) {
    let (Some(mine), Some(whole)) = (ours.body.as_str(), theirs.body.as_str()) else { return };
    if ours.status == 200 && theirs.status == 200 {
        ours.body = format!("{mine} {} lines", whole.lines().count()).into();
    }
}

pub(crate) const AGENT_DRILLS: &[Drill] = &[
    Drill { name: "an object by its id or address", asks: &["fetch"], leak: |_, o, t| found(o, t) },
    Drill {
        name: "what a page says and mentions",
        asks: &["fetch"],
        leak: |_, o, t| instead(o, t),
    },
    Drill {
        name: "a column of a table",
        asks: &["fetch"],
        leak: |_, o, t| lines(o, t, |line| line.starts_with("- ") && line.contains("relation")),
    },
    Drill {
        name: "a view of a table",
        asks: &["fetch"],
        leak: |_, o, t| lines(o, t, |line| line.starts_with("view://")),
    },
    Drill {
        name: "where something stands",
        asks: &["fetch"],
        leak: |_, o, t| lines(o, t, |line| line.starts_with("in")),
    },
    Drill { name: "rows of a table", asks: &["query"], leak: |_, o, t| found(o, t) },
    Drill {
        name: "columns of rows, and rows by a hidden column",
        asks: &["query"],
        leak: |_, o, t| instead(o, t),
    },
    Drill { name: "how much there is", asks: &["query", "search"], leak: |_, o, t| count(o, t) },
    Drill {
        name: "a page that is found",
        asks: &["search"],
        leak: |_, o, t| lines(o, t, |line| line.contains(" | ")),
    },
    Drill {
        name: "that a search goes on",
        asks: &["search"],
        leak: |_, o, t| lines(o, t, |line| line.starts_with("More:")),
    },
    Drill { name: "comments of what is outside", asks: &["comments"], leak: |_, o, t| found(o, t) },
    Drill { name: "what comments mention", asks: &["comments"], leak: |_, o, t| instead(o, t) },
    Drill { name: "who works here", asks: &["list_users"], leak: |_, o, t| instead(o, t) },
    Drill { name: "a page as a resource", asks: &["resources/read"], leak: |_, o, t| found(o, t) },
    Drill {
        name: "the title of a place, by trying to write there",
        asks: &["create_pages", "move_pages"],
        leak: |_, o, t| found(o, t),
    },
    Drill {
        name: "the values of a page, by trying to change it",
        asks: &["update_page"],
        leak: |_, o, t| found(o, t),
    },
    Drill {
        name: "another text where there is something",
        asks: &["fetch", "query"],
        leak: |_, o, t| told_by_words(o, t),
    },
    Drill {
        name: "that something failed in the protocol, where there is something",
        asks: &["fetch"],
        leak: |_, o, t| {
            if o.status >= 400 && t.status == 200 {
                o.around = json!({ "error": { "code": -32602 } });
            }
        },
    },
    Drill {
        name: "the reason of a refusal",
        asks: &["fetch", "API-retrieve-a-page"],
        leak: |_, o, t| {
            let said = o.around["result"]["content"].as_array_mut();
            if matches!(o.status, 400 | 404) && t.status == 200 {
                said.expect("what is said").push("outside your scope".into());
            }
        },
    },
];

/// Words that are said of what is there, and not of what is not.
fn told_by_words(ours: &mut Seen, theirs: &Seen) {
    if let (400, 200, Some(text)) = (ours.status, theirs.status, ours.body.as_str()) {
        ours.body = format!("{text} You may not see it.").into();
    }
}
