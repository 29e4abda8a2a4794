//! Why a difference is there, by where it is and of what sort; never by transcript.

use super::compare::Kind;

/// Operation (`*`: any), how the path ends, kinds (none: any), reason.
type Row = (&'static str, &'static str, &'static [Kind], &'static str);

const ROWS: &[Row] = &[];

/// The reason for a difference, if it is known.
pub(super) fn explain(operation: &str, path: &str, kind: Kind) -> Option<&'static str> {
    let row = ROWS.iter().find(|(at, end, kinds, _)| {
        (*at == "*" || *at == operation)
            && path.ends_with(end)
            && (kinds.is_empty() || kinds.contains(&kind))
    });
    row.map(|(_, _, _, reason)| *reason)
}
