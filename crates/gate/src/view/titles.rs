//! Titles that Notion answers as plain text: those of child pages, of tables, of templates, in markdown.
//!
//! A title may mention a page, and then its plain text holds that page's title. Whether it does, only the
//! object itself tells; so what was seen of it is remembered, and where nothing is known, it is looked up.

use std::sync::Arc;

use notion::{Id, Kind};
use serde_json::Value;

use super::rich_text::{UNTITLED, mentions};
use super::walk::Walk;

/// Titles that mention objects with titles that mention objects are read so deep.
const READING_MAX: u8 = 2;

/// What is known of a title.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Title {
    /// Its runs, if it holds more than words.
    runs: Option<Arc<[Value]>>,
    /// The tables of a database: Notion may show the title of one for the database's own.
    tables: Arc<[Id]>,
}

impl Title {
    /// A title in which nothing has to be hidden.
    pub(crate) fn plain() -> Self {
        Self { runs: None, tables: Arc::new([]) }
    }

    /// The title of a page, database or data source, as its object has it.
    pub(crate) fn of(object: &Value) -> Option<(Id, Self)> {
        let kind = object.get("object")?.as_str()?;
        if !matches!(kind, "page" | "database" | "data_source") {
            return None;
        }
        let id = object.get("id")?.as_str().and_then(Id::parse)?;
        let of_page = || {
            let properties = object.get("properties")?.as_object()?;
            properties.values().find(|value| value["type"] == "title")?.get("title")
        };
        let runs = match kind {
            "page" => of_page(),
            _ => object.get("title"),
        };
        let runs = runs.filter(|runs| runs.is_array())?;
        let tables = object.get("data_sources").and_then(Value::as_array);
        // An old version does not name the tables of a database: it tells too little.
        if kind == "database" && tables.is_none() {
            return None;
        }
        let tables = tables.into_iter().flatten();
        let tables = tables.filter_map(|table| Id::parse(table.get("id")?.as_str()?)).collect();
        let runs = runs.as_array().filter(|_| mentions(runs) > 0);
        let runs = runs.map(|runs| runs.iter().cloned().collect());
        Some((id, Self { runs, tables }))
    }
}

/// The objects of an answer that tell their titles.
pub(crate) fn told(answer: &Value) -> impl Iterator<Item = (Id, Title)> {
    let results = answer.get("results").and_then(Value::as_array);
    std::iter::once(answer).chain(results.into_iter().flatten()).filter_map(Title::of)
}

/// Cuts down the plain text of the title of an object that the caller sees.
pub(super) fn cut(walk: &mut Walk, kind: Kind, id: Option<Id>, text: &mut String) {
    if text.is_empty() {
        return;
    }
    // A title may mention what mentions it.
    if walk.eyes.reading == READING_MAX {
        UNTITLED.clone_into(text);
        return;
    }
    walk.eyes.reading += 1;
    cut_known(walk, kind, id, text);
    walk.eyes.reading -= 1;
}

fn cut_known(walk: &mut Walk, kind: Kind, id: Option<Id>, text: &mut String) {
    let Some(title) = id.and_then(|id| walk.eyes.title(kind, id)) else {
        UNTITLED.clone_into(text);
        return;
    };
    if let Some(shown) = altered(walk, &title) {
        *text = shown;
        return;
    }
    for table in title.tables.iter().copied() {
        let known = walk.eyes.see(Kind::DataSource, table);
        let of_table = if known { walk.eyes.title(Kind::DataSource, table) } else { None };
        if known && of_table.is_none_or(|title| altered(walk, &title).is_some()) {
            UNTITLED.clone_into(text);
        }
    }
}

/// The text of a title as the caller sees it, if that is not all of it.
fn altered(walk: &mut Walk, title: &Title) -> Option<String> {
    let mut runs = Value::Array(title.runs.as_deref()?.to_vec());
    let before = mentions(&runs);
    walk.value(&mut runs);
    let shown = runs.as_array().into_iter().flatten();
    let shown: String = shown.filter_map(|run| run.get("plain_text")?.as_str()).collect();
    (mentions(&runs) != before).then_some(shown)
}
