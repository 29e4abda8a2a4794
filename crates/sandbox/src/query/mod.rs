//! Queries: filters, sorts, dates and cursors.

pub(crate) mod condition;
pub(crate) mod dates;
pub(crate) mod filter;
pub(crate) mod meetings;
pub(crate) mod session;
pub(crate) mod sort;
pub(crate) mod words;
