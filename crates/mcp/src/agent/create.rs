//! `create_pages`: pages or rows, flat values and markdown.

use std::fmt::Write as _;

use notion::{Id, Kind};
use rmcp::model::JsonObject;
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::REHEARSED;
use super::arguments::read;
use super::fault::{Fault, bounded, missing};
use super::flat_out::{one_line, title};
use super::names::Names;
use super::reach::{self, Table};
use super::reference::Reference;
use super::schema::{Column, Schema};
use super::tokens::estimate;
use crate::caller::{Ask, Caller};
use crate::tool::Outcome;

/// Pages in one call.
const PAGES_MAX: usize = 50;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Arguments {
    parent: String,
    pages: Vec<New>,
    #[serde(default)]
    dry_run: bool,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct New {
    title: Option<String>,
    #[serde(default)]
    properties: Map<String, Value>,
    content: Option<String>,
    icon: Option<String>,
}

/// Under what pages are made.
pub(super) struct Parent {
    pub(super) kind: Kind,
    pub(super) id: Id,
    pub(super) title: String,
    pub(super) schema: Schema,
}

impl Parent {
    /// In words: what it is and how it is called.
    pub(super) fn shown(&self) -> String {
        let kind = if self.kind == Kind::DataSource { "database" } else { "page" };
        format!("{kind} \"{}\"", one_line(&self.title))
    }
}

/// The schema of a page that is no row: a title, and nothing else.
pub(super) fn plain_page() -> Schema {
    let title = Column {
        name: "title".into(),
        id: "title".into(),
        kind: "title".into(),
        ..Column::default()
    };
    Schema { columns: vec![title] }
}

/// Finds the page or data source that an id or URL names.
pub(super) async fn parent(caller: &Caller<'_>, text: &str) -> Result<Parent, Fault> {
    let reference = match Reference::read(text)? {
        // A URL that shows a view names the database under it.
        Reference { kind: Some(Kind::View | Kind::Block), .. } => {
            Reference { id: Reference::object(text)?, kind: None }
        }
        other => other,
    };
    let among = [Kind::Page, Kind::Database, Kind::DataSource];
    let found = reach::find(caller, reference, &among).await?;
    let of_table = |table: Table| Parent {
        kind: Kind::DataSource,
        id: table.id,
        title: table.title,
        schema: table.schema,
    };
    Ok(match found.kind {
        Kind::Database => of_table(reach::only_source(caller, &found.object).await?),
        Kind::DataSource => of_table(Table::of(found.id, &found.object)),
        _ => Parent {
            kind: Kind::Page,
            id: found.id,
            title: title(&found.object),
            schema: plain_page(),
        },
    })
}

/// An icon: an emoji, or the address of a picture.
pub(super) fn icon(text: &str) -> Value {
    if text.starts_with("https://") {
        json!({"type": "external", "external": {"url": text}})
    } else {
        json!({"type": "emoji", "emoji": text})
    }
}

pub(crate) async fn run(caller: &Caller<'_>, arguments: JsonObject) -> Result<Outcome, Fault> {
    let Arguments { parent: under, pages, dry_run } = read(arguments)?;
    if pages.is_empty() {
        return Err(missing("pages", "[{\"title\": \"Plan\", \"content\": \"# Why\"}]"));
    }
    bounded("pages", pages.len(), PAGES_MAX)?;
    let parent = parent(caller, &under).await?;

    // All are checked before the first is made.
    let mut bodies = Vec::with_capacity(pages.len());
    let mut names = Names::new(caller);
    for (index, page) in pages.iter().enumerate() {
        let body = body(&mut names, &parent, page).await;
        bodies
            .push(body.map_err(|fault| fault.about(&format!("pages[{index}]; nothing was made")))?);
    }
    let place = format!("in {}", parent.shown());
    if dry_run {
        let asks = bodies.iter().map(|body| Ask {
            operation: "post-page",
            body: Some(body.clone()),
            ..Ask::default()
        });
        reach::rehearse(caller, asks.collect()).await?;
        let mut text = format!("Dry run, nothing made. Would make {} {place}:\n", pages.len());
        for (page, body) in pages.iter().zip(&bodies) {
            let content = page.content.as_deref().map_or(0, estimate);
            let _ = writeln!(text, "- {} (content: {content} tokens)", body["properties"]);
        }
        text.push_str(REHEARSED);
        return Ok(Outcome::text(text));
    }
    let mut text = String::new();
    for (index, body) in bodies.into_iter().enumerate() {
        caller.progress(index as f64, Some(pages.len() as f64), "creating").await;
        match reach::plain(caller, "post-page", Vec::new(), Some(body)).await {
            Ok(made) => {
                let id = made["id"].as_str().and_then(Id::parse).map(|id| id.plain());
                let name = title(&made);
                let _ = writeln!(text, "made {} \"{name}\"", id.unwrap_or_default());
            }
            Err(fault) if index == 0 => return Err(fault),
            Err(fault) => {
                let left = pages.len() - index;
                let _ = write!(text, "Then pages[{index}] failed, {left} not made: {}", fault.text);
                return Ok(Outcome::error(text));
            }
        }
    }
    let _ = write!(text, "{place}. Link: https://www.notion.so/<id>");
    Ok(Outcome::text(text))
}

async fn body(names: &mut Names<'_, '_>, parent: &Parent, page: &New) -> Result<Value, Fault> {
    let mut flat = page.properties.clone();
    if let Some(title) = &page.title {
        flat.insert("title".to_owned(), title.clone().into());
    }
    let properties = match names.values(&parent.schema, &flat).await {
        Err(fault) if parent.kind == Kind::Page && fault.status == 0 => {
            return Err(Fault::input(format!(
                "{} (The parent is a page: its pages have a title only. For rows, pass the database.)",
                fault.text
            )));
        }
        other => other?,
    };
    let mut body = json!({
        "parent": reach::parent_of(parent.kind, parent.id),
        "properties": properties,
    });
    if let Some(content) = &page.content {
        body["markdown"] = json!(content);
    }
    if let Some(text) = &page.icon {
        body["icon"] = icon(text);
    }
    Ok(body)
}
