//! Notion's enhanced markdown: blocks written as text, and text read into blocks.
//!
//! Both ways go over [`Draft`], the blocks that are to be made: `tree` makes drafts of what is in
//! the world, `render` writes them, `parse` reads them. What is read is what was written, for all
//! that markdown can say. `edit` changes the text itself, as the commands of an update ask for.
//!
//! The syntax is documented; how Notion escapes is not, so that is the sandbox's own: any
//! punctuation after a backslash is text.

mod blocks_in;
mod blocks_out;
mod bodies;
pub(crate) mod edit;
mod inline_in;
mod inline_out;
mod mention_in;
mod tables_in;
mod tag;
#[cfg(test)]
mod tests;
pub(crate) mod tree;

use notion::Id;
use notion::id::Pasted;
use serde_json::Value;

use crate::fail::Fail;
use crate::input::blocks::Draft;

/// Most blocks of one text; larger pages are shown cut (documented as about this many).
pub(crate) const BLOCKS_MAX: usize = 20_000;
/// Deepest nesting.
pub(crate) const DEPTH_MAX: usize = 50;

/// The two ways of writing.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(crate) enum Dialect {
    /// What is used unless a request asks for the other.
    #[default]
    V1,
    /// Stricter, with tags like HTML's.
    V2,
}

/// How to write.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Look {
    pub(crate) dialect: Dialect,
    /// Without what only helps a reader (names in mentions, titles), to compare by.
    pub(crate) bare: bool,
    /// The page that the blocks stand on, for their addresses.
    pub(crate) page: Option<Id>,
}

/// How to read.
pub(crate) struct Reading<'a> {
    pub(crate) dialect: Dialect,
    /// The custom emoji of a name, as mentions hold it.
    pub(crate) emoji: &'a dyn Fn(&str) -> Option<Value>,
}

/// A text, and where its blocks stand in it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Text {
    pub(crate) markdown: String,
    pub(crate) spans: Vec<Span>,
}

/// The bytes that a block takes, its children included.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Span {
    pub(crate) start: usize,
    pub(crate) end: usize,
    pub(crate) depth: usize,
}

/// Reads a text of the usual dialect into blocks; a refusal says what is too large.
pub(crate) fn parse(text: &str) -> Result<Vec<Draft>, Fail> {
    parse_as(text, &Reading { dialect: Dialect::V1, emoji: &|_| None })
}

/// The same, in any dialect.
pub(crate) fn parse_as(text: &str, reading: &Reading) -> Result<Vec<Draft>, Fail> {
    blocks_in::parse(text, reading)
}

/// Writes blocks.
pub(crate) fn render(drafts: &[Draft], look: Look) -> Text {
    blocks_out::render(drafts, look)
}

/// Reads a line of inline markdown into rich text, as comments have it; lines stay lines.
pub(crate) fn rich_text(text: &str, reading: &Reading) -> Vec<Value> {
    inline_in::inline(text, reading)
}

/// The address of a page or database as tags show it.
fn page_url(id: Id) -> String {
    format!("https://www.notion.so/{}", id.plain())
}

/// The address of a block.
fn block_url(page: Option<Id>, block: Id) -> String {
    format!("{}#{}", page_url(page.unwrap_or(block)), block.plain())
}

/// The id that an address in a tag means: the block in it, else the page.
fn id_in(url: &str) -> Option<Id> {
    let text = url.split_once("://").filter(|(_, rest)| Id::parse(rest).is_some());
    let pasted = Pasted::parse(text.map_or(url, |(_, id)| id))?;
    Some(pasted.block.unwrap_or(pasted.object))
}
