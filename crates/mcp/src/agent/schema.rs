//! The columns of a data source, as a model needs to know them.

use std::fmt::Write as _;

use notion::Id;
use serde_json::Value;

use super::fault::Fault;

/// Columns that an error lists.
const LISTED_MAX: usize = 60;
/// Options that a schema or an error lists of one column.
const OPTIONS_MAX: usize = 40;

/// The columns of a data source.
#[derive(Clone, Debug, Default)]
pub(crate) struct Schema {
    pub(crate) columns: Vec<Column>,
}

/// A column.
#[derive(Clone, Debug, Default)]
pub(crate) struct Column {
    pub(crate) name: String,
    pub(crate) id: String,
    /// Notion's word for its type.
    pub(crate) kind: String,
    /// The names of its options.
    pub(crate) options: Vec<String>,
    /// The data source that it relates to.
    pub(crate) related: Option<Id>,
    /// What its cells are called beside the name (description, expression of a formula).
    pub(crate) note: Option<String>,
}

impl Schema {
    /// Reads a data source's `properties`.
    pub(crate) fn read(source: &Value) -> Self {
        let properties = source["properties"].as_object();
        let columns = properties.into_iter().flatten().map(|(name, it)| {
            let kind = it["type"].as_str().unwrap_or("unknown");
            let body = &it[kind];
            let options = body["options"].as_array().into_iter().flatten();
            Column {
                name: name.clone(),
                id: it["id"].as_str().unwrap_or_default().to_owned(),
                kind: kind.to_owned(),
                options: options.filter_map(|it| it["name"].as_str()).map(Into::into).collect(),
                related: body["data_source_id"].as_str().and_then(Id::parse),
                note: it["description"].as_str().filter(|it| !it.is_empty()).map(Into::into),
            }
        });
        let mut columns: Vec<Column> = columns.collect();
        // What a row is called comes first; the others stay in Notion's order.
        columns.sort_by_key(|column| column.kind != "title");
        Self { columns }
    }

    /// The column that holds the titles of rows.
    pub(crate) fn title(&self) -> Option<&Column> {
        self.columns.iter().find(|column| column.kind == "title")
    }

    /// A column by its name (exactly, or but for upper case), or by its id. `title` is the title.
    pub(crate) fn find(&self, name: &str) -> Result<&Column, Fault> {
        let wanted = name.trim();
        if let Some(column) = self.columns.iter().find(|it| it.name == name || it.id == wanted) {
            return Ok(column);
        }
        let lower = wanted.to_lowercase();
        let mut alike = self.columns.iter().filter(|it| it.name.trim().to_lowercase() == lower);
        match (alike.next(), alike.next()) {
            (Some(column), None) => return Ok(column),
            (Some(_), Some(_)) => {
                return Err(Fault::input(format!(
                    "Several columns are called `{wanted}` but for upper case: write the name exactly."
                )));
            }
            _ => {}
        }
        if matches!(lower.as_str(), "title" | "name")
            && let Some(title) = self.title()
        {
            return Ok(title);
        }
        Err(Fault::input(format!("There is no column `{wanted}`. Columns: {}.", self.names())))
    }

    /// The names of the columns with their types.
    pub(crate) fn names(&self) -> String {
        let listed = self.columns.iter().take(LISTED_MAX);
        let mut names: Vec<_> = listed.map(|it| format!("{} ({})", it.name, it.kind)).collect();
        if self.columns.len() > LISTED_MAX {
            names.push(format!("and {} more", self.columns.len() - LISTED_MAX));
        }
        names.join(", ")
    }

    /// One line per column.
    pub(crate) fn shown(&self) -> String {
        let mut text = String::new();
        for column in &self.columns {
            let _ = write!(text, "- {}: {}", column.name, column.kind);
            if !column.options.is_empty() {
                let _ = write!(text, " [{}]", column.options_shown());
            }
            if let Some(related) = column.related {
                let _ = write!(text, " -> collection://{}", related.plain());
            }
            if column.is_computed() {
                text.push_str(" (read-only)");
            }
            if let Some(note) = &column.note {
                let _ = write!(text, " // {}", note.replace('\n', " "));
            }
            text.push('\n');
        }
        text
    }
}

impl Column {
    /// Whether nobody can set it.
    pub(crate) fn is_computed(&self) -> bool {
        matches!(
            self.kind.as_str(),
            "formula"
                | "rollup"
                | "created_time"
                | "created_by"
                | "last_edited_time"
                | "last_edited_by"
                | "last_visited_time"
                | "unique_id"
                | "button"
        )
    }

    /// Its options, for reading.
    pub(crate) fn options_shown(&self) -> String {
        let mut shown =
            self.options.iter().take(OPTIONS_MAX).cloned().collect::<Vec<_>>().join(" | ");
        if self.options.len() > OPTIONS_MAX {
            let _ = write!(shown, " | … {} more", self.options.len() - OPTIONS_MAX);
        }
        shown
    }

    /// The option of this name, upper case or not.
    pub(crate) fn option(&self, name: &str) -> Option<&str> {
        let wanted = name.trim().to_lowercase();
        let exact = self.options.iter().find(|it| *it == name);
        exact
            .or_else(|| self.options.iter().find(|it| it.to_lowercase() == wanted))
            .map(String::as_str)
    }
}
