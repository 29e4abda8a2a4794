//! What comes in: the validator and the readers of rich text, icons, blocks, values and schemas.
//!
//! Readers check everything before anything changes, so that a refused request leaves no trace.

pub(crate) mod block_body;
pub(crate) mod blocks;
pub(crate) mod check;
mod choices;
pub(crate) mod files;
pub(crate) mod multipart;
pub(crate) mod paging;
pub(crate) mod rich_text;
pub(crate) mod schema;
pub(crate) mod values;
pub(crate) mod view_config;
mod view_fields;
pub(crate) mod view_query;
