//! What values mean: cells for filters, sorts, rollups and formulas.

pub(crate) mod cell;
pub(crate) mod formula;
pub(crate) mod rollup;
