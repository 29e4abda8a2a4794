//! What the sandbox does differently from Notion, or not at all, as far as we know. The page in the
//! documentation is made from this, so it is said here and nowhere else.

/// How far from Notion.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Distance {
    /// It is there, and differs in something.
    Approximate,
    /// It is not there.
    Missing,
}

/// One difference.
#[derive(Clone, Copy, Debug)]
pub struct Gap {
    /// The operation that it is about, or a subject.
    pub about: &'static str,
    /// How far from Notion.
    pub distance: Distance,
    /// What differs.
    pub what: &'static str,
}

const fn approximate(about: &'static str, what: &'static str) -> Gap {
    Gap { about, distance: Distance::Approximate, what }
}

const fn missing(about: &'static str, what: &'static str) -> Gap {
    Gap { about, distance: Distance::Missing, what }
}

/// Every difference that we know of.
pub const GAPS: &[Gap] = &[
    missing(
        "agents and sessions",
        "Custom agents, their threads and sessions: 400 `invalid_request_url`.",
    ),
    approximate(
        "versions before 2022-06-28",
        "Their shapes are those that the changes by version name; little of them was recorded, and their errors are worded as today's.",
    ),
    approximate(
        "formulas",
        "No regular expressions and no styles; dates are in UTC, formats in English. What goes beyond what the sandbox knows is a string without a value, or the result that was imported.",
    ),
    approximate("rollups", "A rollup of rollups is `unsupported`."),
    approximate(
        "errors",
        "A text that nobody has recorded or quoted is the sandbox's own wording.",
    ),
    approximate(
        "authorize",
        "`owner=workspace`, which Notion does not document, is taken: the answer names the workspace as owner, and all else is as for a person.",
    ),
    approximate(
        "workspaces",
        "Those that were added (`POST /_sandbox/workspaces`) have no pages for people and no state file; an app's template exists in the first only.",
    ),
    approximate(
        "post-search",
        "Any word of the query is enough, by its stem, and the latest edit comes first (measured); the index lags only when told to (`POST /_sandbox/search-index`).",
    ),
    approximate(
        "webhooks",
        "Notion does not document its retry times: the first pause is 79 s, each is three times the one before; the eighth attempt comes after a day.",
    ),
    approximate(
        "webhooks",
        "Trashing a page tells of that page only; a change of a table's schema tells of the table only.",
    ),
    approximate(
        "create-a-token",
        "Codes live for ten minutes; refreshing ends the old pair at once, unless the client was given a grace; revoking either token of a pair ends both.",
    ),
    approximate(
        "authorize",
        "Authorising again keeps the bot and replaces its token and its pages.",
    ),
    approximate(
        "create-file",
        "A file from elsewhere (`external_url`) is never fetched: a stand-in takes its place.",
    ),
    approximate("list-file-uploads", "The newest come first: Notion documents no order."),
    approximate(
        "create-meeting-notes",
        "Nobody listens: transcript and summary are stand-ins, there after one and two seconds. Nobody has recorded which statuses a note goes through, or what its tabs look like.",
    ),
    approximate(
        "query-meeting-notes",
        "Nobody is behind an internal connection, so it finds all notes that are shared with it; without a `sort` the newest come first.",
    ),
    approximate("upload-file", "A world holds at most 256 MiB of files."),
    approximate(
        "limits",
        "The workspace's own budget is not published by Notion: it is what one sets.",
    ),
    approximate(
        "people",
        "A person sees a page or does not; there are no levels of viewing and editing.",
    ),
];
