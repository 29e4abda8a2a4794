//! How far formulas reach: through relations, into the columns of other tables.

use notion::Id;

use super::schema::{Reads, Schema};

/// Whether a formula of this table could read columns of other tables.
pub(super) fn reaches(schema: &Schema) -> bool {
    schema.columns.iter().any(|column| match &column.reads {
        Reads::Formula(None) => true,
        Reads::Formula(Some(named)) => named.iter().filter(|it| !it.counted).any(|it| {
            let mut all = schema.called(&it.called).filter_map(|at| schema.columns.get(at));
            all.any(|named| matches!(named.reads, Reads::Relation(_) | Reads::Rollup { .. }))
        }),
        _ => false,
    })
}

/// The tables that its relations lead to.
pub(super) fn targets(schema: &Schema) -> Vec<Id> {
    let relations = schema.columns.iter().filter_map(|column| match column.reads {
        Reads::Relation(target) => Some(target),
        _ => None,
    });
    relations.collect()
}
