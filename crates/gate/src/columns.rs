//! Columns that reach outside a caller's part of Notion do not exist for it.

mod judge;
mod schema;
