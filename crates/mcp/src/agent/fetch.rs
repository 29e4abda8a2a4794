//! `fetch`: whatever an id or URL names, to be read.

use std::fmt::Write as _;

use notion::{Id, Kind};
use percent_encoding::percent_decode_str;
use rmcp::model::JsonObject;
use serde::Deserialize;
use serde_json::{Value, json};

use super::arguments::read;
use super::fault::{Fault, bounded, missing};
use super::flat_out::{lines, one_line, parent, person, plain, shown, title};
use super::reach::{self, Found, Table};
use super::reference::Reference;
use super::{MAX_TOKENS, NOTICE, budget, comments, section};
use crate::caller::Caller;
use crate::tool::Outcome;

/// Objects in one call, data sources that are shown of a database, and views.
const IDS_MAX: usize = 10;
const SOURCES_MAX: usize = 5;
const VIEWS_MAX: usize = 8;
/// Related pages that are shown of one property.
const RELATED_MAX: usize = 200;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Arguments {
    ids: Vec<String>,
    max_tokens: Option<usize>,
    section: Option<String>,
    cursor: Option<String>,
    #[serde(default)]
    comments: bool,
}

/// How much of it is wanted.
struct Wish<'a> {
    budget: usize,
    section: Option<&'a str>,
    cursor: Option<&'a str>,
    comments: bool,
    /// How the rest of what is cut is had, before the cursor.
    rest: &'a str,
}

pub(crate) async fn run(caller: &Caller<'_>, arguments: JsonObject) -> Result<Outcome, Fault> {
    let Arguments { ids, max_tokens, section, cursor, comments } = read(arguments)?;
    if ids.is_empty() {
        return Err(missing("ids", "{\"ids\": [\"https://www.notion.so/…\"]}"));
    }
    bounded("ids", ids.len(), IDS_MAX)?;
    if ids.len() > 1 && (section.is_some() || cursor.is_some()) {
        return Err(Fault::input("`section` and `cursor` go with one id."));
    }
    let wish = Wish {
        budget: budget(max_tokens) / ids.len(),
        section: section.as_deref(),
        cursor: cursor.as_deref(),
        comments,
        rest: if ids.len() == 1 { "same call, cursor" } else { "fetch it alone, cursor" },
    };
    let (mut text, mut failed) = (format!("{NOTICE}\n"), 0);
    for (index, id) in ids.iter().enumerate() {
        caller.progress(index as f64, Some(ids.len() as f64), "reading").await;
        match one(caller, id, &wish).await {
            Ok(shown) => text.push_str(&shown),
            Err(fault) if ids.len() == 1 => return Err(fault),
            Err(fault) => {
                failed += 1;
                let _ = write!(text, "{}", fault.about(id).text);
            }
        }
        text.push('\n');
    }
    if failed == ids.len() { Err(Fault::input(text)) } else { Ok(Outcome::text(text)) }
}

async fn one(caller: &Caller<'_>, id: &str, wish: &Wish<'_>) -> Result<String, Fault> {
    const ALL: [Kind; 7] = [
        Kind::Page,
        Kind::Database,
        Kind::DataSource,
        Kind::Block,
        Kind::View,
        Kind::User,
        Kind::Comment,
    ];
    let reference = Reference::read(id)?;
    if reference.kind == Some(Kind::Discussion) {
        return Err(Fault::input(
            "A discussion is read with its page: fetch the page with comments: true.",
        ));
    }
    let found = reach::find(caller, reference, &ALL).await?;
    match found.kind {
        Kind::Page => page(caller, &found, wish).await,
        Kind::Block => block(caller, &found, wish).await,
        Kind::Database => database(caller, &found).await,
        Kind::DataSource => {
            source(caller, &Table::of(found.id, &found.object), &found.object).await
        }
        Kind::View => Ok(view(&found.object)),
        Kind::User => Ok(format!("user {}: {}", found.id.plain(), shown(&person(&found.object)))),
        _ => Ok(comments::line(&found.object)),
    }
}

/// A page as a resource: all of it as far as a large budget goes.
pub(crate) async fn page_resource(caller: &Caller<'_>, id: Id) -> Result<String, Fault> {
    let reference = Reference { id, kind: Some(Kind::Page) };
    let found = reach::find(caller, reference, &[Kind::Page]).await?;
    let wish = Wish {
        budget: MAX_TOKENS,
        section: None,
        cursor: None,
        comments: false,
        rest: "the tool `fetch`, cursor",
    };
    page(caller, &found, &wish).await
}

async fn page(caller: &Caller<'_>, found: &Found, wish: &Wish<'_>) -> Result<String, Fault> {
    let object = &found.object;
    let mut text = format!("---\ntitle: {}\nid: {}\n", one_line(&title(object)), found.id.plain());
    let _ = writeln!(text, "in: {}", parent(&object["parent"]));
    let edited = object["last_edited_time"].as_str().unwrap_or_default();
    let _ = writeln!(text, "edited: {}", edited.get(..16).unwrap_or(edited));
    for flag in ["in_trash", "is_locked"] {
        if object[flag] == true {
            let _ = writeln!(text, "{flag}: true");
        }
    }
    // Only with the first part: whoever reads on has them.
    if wish.cursor.is_none() {
        let mut properties = object["properties"].clone();
        complete(caller, found.id, &mut properties).await?;
        text.push_str(&lines(&properties));
    }
    text.push_str("---\n");
    text.push_str(&content(caller, found.id, wish).await?);
    if wish.comments {
        text.push_str("\n\nComments:\n");
        text.push_str(&comments::list(caller, found.id, wish.budget).await?);
    }
    Ok(text)
}

/// Puts in the related pages that Notion left out of a page: it tells the first 25 of each relation.
async fn complete(caller: &Caller<'_>, id: Id, properties: &mut Value) -> Result<(), Fault> {
    let all = properties.as_object_mut().into_iter().flatten();
    for (_, property) in all.filter(|(_, property)| property["has_more"] == true) {
        let Some(name) = property["id"].as_str() else { continue };
        let name = percent_decode_str(name).decode_utf8_lossy().into_owned();
        let path = [("page_id", id.to_string()), ("property_id", name)];
        let (items, more) =
            reach::list_at(caller, "retrieve-a-page-property", &path, &[], RELATED_MAX).await?;
        property["relation"] = items.iter().map(|item| item["relation"].clone()).collect();
        property["has_more"] = more.into();
    }
    Ok(())
}

/// The markdown of a page or block.
pub(crate) async fn markdown(caller: &Caller<'_>, id: Id) -> Result<Value, Fault> {
    reach::about(caller, "retrieve-page-markdown", "page_id", id, None).await
}

async fn content(caller: &Caller<'_>, id: Id, wish: &Wish<'_>) -> Result<String, Fault> {
    let answer = markdown(caller, id).await?;
    let whole = answer["markdown"].as_str().unwrap_or_default();
    let wanted = match wish.section {
        Some(name) => section::section(whole, name)?,
        None => whole,
    };
    let mut text = section::part(wanted, wish.budget, wish.cursor, wish.rest)?;
    if whole.is_empty() {
        text.push_str("(empty page)");
    }
    let unknown = answer["unknown_block_ids"].as_array().into_iter().flatten();
    let unknown: Vec<_> = unknown.filter_map(|id| Id::parse(id.as_str()?)).collect();
    if !unknown.is_empty() {
        let ids: Vec<_> = unknown.iter().take(IDS_MAX).map(|id| id.plain()).collect();
        let _ = write!(
            text,
            "\n[Notion left out {} blocks; fetch them by id: {}]",
            unknown.len(),
            ids.join(", ")
        );
    } else if answer["truncated"] == true {
        text.push_str("\n[Notion left out the rest of this page: fetch its blocks by id]");
    }
    Ok(text)
}

async fn block(caller: &Caller<'_>, found: &Found, wish: &Wish<'_>) -> Result<String, Fault> {
    let kind = found.object["type"].as_str().unwrap_or("unknown");
    let mut text =
        format!("{kind} block {}, in {}\n", found.id.plain(), parent(&found.object["parent"]));
    text.push_str(&content(caller, found.id, wish).await?);
    if wish.comments {
        text.push_str("\n\nComments:\n");
        text.push_str(&comments::list(caller, found.id, wish.budget).await?);
    }
    Ok(text)
}

async fn database(caller: &Caller<'_>, found: &Found) -> Result<String, Fault> {
    let object = &found.object;
    let mut text = format!(
        "database {} \"{}\", in {}\n",
        found.id.plain(),
        title(object),
        parent(&object["parent"])
    );
    let sources = object["data_sources"].as_array().into_iter().flatten();
    let ids: Vec<Id> = sources.filter_map(|it| Id::parse(it["id"].as_str()?)).collect();
    for id in ids.iter().take(SOURCES_MAX) {
        let object =
            reach::about(caller, "retrieve-a-data-source", "data_source_id", *id, None).await?;
        text.push_str(&described(&Table::of(*id, &object), &object));
    }
    if ids.len() > SOURCES_MAX {
        let _ = writeln!(text, "{} more data sources", ids.len() - SOURCES_MAX);
    }
    text.push_str(&views(caller, "database_id", found.id).await);
    Ok(text)
}

async fn source(caller: &Caller<'_>, table: &Table, object: &Value) -> Result<String, Fault> {
    let mut text = described(table, object);
    let _ = writeln!(text, "in {}", parent(&object["parent"]));
    text.push_str(&views(caller, "data_source_id", table.id).await);
    Ok(text)
}

fn described(table: &Table, object: &Value) -> String {
    let mut text = format!("data source collection://{} \"{}\"\n", table.id.plain(), table.title);
    let about = plain(&object["description"]);
    if !about.is_empty() {
        let _ = writeln!(text, "{about}");
    }
    let _ = write!(text, "Columns (for `query` and `create_pages`):\n{}", table.schema.shown());
    text
}

/// The views, by name. Whoever may not see them gets none: they are an extra.
async fn views(caller: &Caller<'_>, parameter: &str, id: Id) -> String {
    let query = vec![(parameter, id.to_string())];
    let Ok(answer) = reach::plain(caller, "list-views", query, None).await else {
        return String::new();
    };
    let ids = answer["results"].as_array().into_iter().flatten();
    let ids: Vec<Id> = ids.filter_map(|it| Id::parse(it["id"].as_str()?)).collect();
    let mut text = String::new();
    for id in ids.iter().take(VIEWS_MAX) {
        if let Ok(view) = reach::about(caller, "retrieve-a-view", "view_id", *id, None).await {
            let name = view["name"].as_str().unwrap_or_default();
            let kind = view["type"].as_str().unwrap_or_default();
            let _ = writeln!(text, "view://{} \"{name}\" ({kind})", id.plain());
        }
    }
    if ids.len() > VIEWS_MAX {
        let _ = writeln!(text, "{} more views", ids.len() - VIEWS_MAX);
    }
    text
}

fn view(object: &Value) -> String {
    let said = |name: &str| object[name].as_str().unwrap_or_default();
    let id_of = |name: &str| object[name].as_str().and_then(Id::parse).map(|id| id.plain());
    let mut text = format!("view \"{}\" ({})\n", said("name"), said("type"));
    if let Some(source) = id_of("data_source_id") {
        let _ = writeln!(text, "of collection://{source}");
    }
    let asked = json!({"filter": object["filter"], "sorts": object["sorts"]});
    let _ = writeln!(text, "{asked}\n(`query` takes the view as source, or these as they are)");
    text
}
