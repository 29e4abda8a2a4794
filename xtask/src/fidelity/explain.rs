//! Why a difference is there, by where it is and of what sort; never by transcript.

use super::compare::Kind;

/// Operation (`*`: any), how the path ends, kinds (none: any), reason.
type Row = (&'static str, &'static str, &'static [Kind], &'static str);

const ROWS: &[Row] = &[
    (
        "post-search",
        ".results",
        &[Kind::Length],
        "others changed the workspace, or search's index lagged, while the transcript was recorded; \
         only a later search of the same words would prove it",
    ),
    (
        "post-search",
        "",
        &[],
        "others changed the workspace while the transcript was recorded: objects and authors that \
         no request of its own explains",
    ),
    (
        "get-users",
        "",
        &[],
        "the recording's scrubber gave several bots one id, or the token's own bot is not told",
    ),
    (
        "retrieve-a-page",
        ".relation[].id",
        &[],
        "the other end of a relation is written late: rows made within a second come in the order \
         of arrival",
    ),
    (
        "retrieve-a-page-property",
        ".relation.id",
        &[],
        "the other end of a relation is written late: rows made within a second come in the order \
         of arrival",
    ),
    (
        "retrieve-a-comment",
        ".display_name.resolved_name",
        &[],
        "the recording's scrubber gave several authors one id",
    ),
    (
        "retrieve-a-comment",
        ".display_name.type",
        &[],
        "the recording's scrubber gave several authors one id",
    ),
    (
        "post-database-query",
        ".results",
        &[Kind::Length],
        "a filter over values that were scrubbed out of the recording (see L3)",
    ),
    (
        "query-data-source",
        ".results[].id",
        &[],
        "rows made in the last seconds: Notion's index does not sort them by time yet",
    ),
    (
        "query-data-source",
        ".results",
        &[Kind::Length],
        "a filter over values that were scrubbed out of the recording (see L3)",
    ),
    (
        "retrieve-a-database",
        "",
        &[Kind::Status],
        "a linked database: nothing in the transcript tells of it before the refusal",
    ),
    (
        "*",
        ".plain_text",
        &[Kind::Value],
        "a mention whose target the transcript shows only elsewhere, or under another kind of id",
    ),
    ("patch-page", ".in_trash", &[], "Notion answered to the request before it took effect"),
    ("patch-page", ".archived", &[], "Notion answered to the request before it took effect"),
];

/// The reason for a difference, if it is known.
pub(super) fn explain(operation: &str, path: &str, kind: Kind) -> Option<&'static str> {
    let row = ROWS.iter().find(|(at, end, kinds, _)| {
        (*at == "*" || *at == operation)
            && path.ends_with(end)
            && (kinds.is_empty() || kinds.contains(&kind))
    });
    row.map(|(_, _, _, reason)| *reason)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reasons_go_by_place_and_sort() {
        assert!(explain("post-search", ".results", Kind::Length).is_some());
        assert!(
            explain("patch-block-children", ".results[].rich_text[].plain_text", Kind::Value)
                .is_some()
        );
        assert!(explain("post-page", ".id", Kind::Value).is_none());
    }
}
