//! Resources: a page by its address, and what a model may want to look up once, so that it does not
//! stand in every list of tools.

use notion::Id;
use rmcp::model::{Resource, ResourceTemplate};

use super::fault::Fault;
use super::fetch;
use crate::caller::Caller;

/// How values are written, for `create_pages` and `update_page`.
const VALUES: &str = include_str!("values.md");
/// How filters are written, for `query`.
const FILTERS: &str = include_str!("filters.md");

/// Documents: address, name, what it says.
const DOCUMENTS: &[(&str, &str, &str)] = &[
    ("notion://docs/values", "Flat property values", VALUES),
    ("notion://docs/filters", "Filters and sorts of query", FILTERS),
];
const PAGE: &str = "notion://page/";
const MARKDOWN: &str = "text/markdown";

/// The documents, as they are listed. Pages are not: `search` finds them.
pub(crate) fn listed() -> Vec<Resource> {
    let all = DOCUMENTS.iter();
    all.map(|(uri, name, _)| Resource::new(*uri, *name).with_mime_type(MARKDOWN)).collect()
}

/// The addresses that take an id.
pub(crate) fn templates() -> Vec<ResourceTemplate> {
    vec![
        ResourceTemplate::new(format!("{PAGE}{{id}}"), "A page as Markdown")
            .with_mime_type(MARKDOWN),
    ]
}

/// An id, or what completion offers: the title before it.
fn id_of(text: &str) -> Option<Id> {
    let id = || text.get(text.len().checked_sub(32)?..).and_then(Id::parse);
    Id::parse(text).or_else(id)
}

/// Whether completion knows the addresses that this template makes.
pub(crate) fn is_page_template(uri: &str) -> bool {
    uri.strip_prefix(PAGE) == Some("{id}")
}

/// A resource as markdown.
pub(crate) async fn read(caller: &Caller<'_>, uri: &str) -> Result<String, Fault> {
    if let Some((_, _, text)) = DOCUMENTS.iter().find(|(known, _, _)| *known == uri) {
        return Ok((*text).to_owned());
    }
    let id = uri.strip_prefix(PAGE).and_then(id_of).ok_or_else(|| {
        Fault::input("There is no such resource: notion://page/<id>, or one of the list.")
    })?;
    fetch::page_resource(caller, id).await
}
