//! Calls to Notion, for tools that make several: what was asked for, or a fault in words.

use notion::{Id, Kind, Version};
use serde_json::{Value, json};

use super::fault::Fault;
use super::flat_out::title;
use super::reference::Reference;
use super::schema::Schema;
use crate::caller::{Ask, Caller};

/// The version of Notion's API that these tools speak.
const SPOKEN: Version = Version::LATEST;

/// A call that is about one object.
pub(crate) async fn about(
    caller: &Caller<'_>,
    operation: &str,
    parameter: &str,
    id: Id,
    body: Option<Value>,
) -> Result<Value, Fault> {
    let path = vec![(parameter, id.to_string())];
    send(caller, Ask { operation, path, body, ..Ask::default() }).await
}

/// A call that is about none.
pub(crate) async fn plain(
    caller: &Caller<'_>,
    operation: &str,
    query: Vec<(&str, String)>,
    body: Option<Value>,
) -> Result<Value, Fault> {
    send(caller, Ask { operation, query, body, ..Ask::default() }).await
}

/// Any call.
pub(crate) async fn send(caller: &Caller<'_>, ask: Ask<'_>) -> Result<Value, Fault> {
    let reply = caller.ask(Ask { version: Some(SPOKEN), ..ask }).await;
    if reply.is_success() { Ok(reply.body) } else { Err(Fault::of(&reply)) }
}

/// Whether the gate would let these calls through: for dry runs. What Notion thinks of them only it knows.
pub(crate) async fn rehearse(caller: &Caller<'_>, asks: Vec<Ask<'_>>) -> Result<(), Fault> {
    let asks: Vec<_> = asks.into_iter().map(|ask| Ask { version: Some(SPOKEN), ..ask }).collect();
    let rehearsed = caller.rehearse(&asks).await;
    rehearsed.map_err(|reply| Fault::of(&reply).about("It would be refused; nothing was changed"))
}

/// An object that was found.
#[derive(Clone, Debug)]
pub(crate) struct Found {
    pub(crate) kind: Kind,
    pub(crate) id: Id,
    /// As Notion answered it.
    pub(crate) object: Value,
}

/// What may have an id that does not say what it names, in the order of asking, with the operation and the
/// parameter that it takes.
const SORTS: &[(Kind, &str, &str)] = &[
    (Kind::Page, "retrieve-a-page", "page_id"),
    (Kind::Database, "retrieve-a-database", "database_id"),
    (Kind::DataSource, "retrieve-a-data-source", "data_source_id"),
    (Kind::Block, "retrieve-a-block", "block_id"),
    (Kind::View, "retrieve-a-view", "view_id"),
    (Kind::User, "get-user", "user_id"),
    (Kind::Comment, "retrieve-comment", "comment_id"),
];

/// Finds out what an id names, among `among`.
pub(crate) async fn find(
    caller: &Caller<'_>,
    reference: Reference,
    among: &[Kind],
) -> Result<Found, Fault> {
    let Reference { id, kind } = reference;
    let mut first = None;
    for (sort, operation, parameter) in SORTS {
        if !among.contains(sort) || kind.is_some_and(|kind| kind != *sort) {
            continue;
        }
        match about(caller, operation, parameter, id, None).await {
            Ok(object) => return Ok(Found { kind: *sort, id, object }),
            // A capability that is missing for one kind says nothing about the others.
            Err(fault) if kind.is_none() && (fault.is_elsewhere() || fault.status == 403) => {
                first.get_or_insert(fault);
            }
            Err(fault) => return Err(fault),
        }
    }
    Err(first.unwrap_or_else(|| {
        let wanted: Vec<_> = among.iter().map(|kind| kind.as_str()).collect();
        Fault::input(format!("{} is none of: {}.", id.plain(), wanted.join(", ")))
    }))
}

/// A data source with its columns.
#[derive(Clone, Debug)]
pub(crate) struct Table {
    pub(crate) id: Id,
    pub(crate) title: String,
    pub(crate) schema: Schema,
}

impl Table {
    /// Of an answered data source.
    pub(crate) fn of(id: Id, source: &Value) -> Self {
        Self { id, title: title(source), schema: Schema::read(source) }
    }
}

/// Reads a data source.
pub(crate) async fn table(caller: &Caller<'_>, id: Id) -> Result<Table, Fault> {
    let source = about(caller, "retrieve-a-data-source", "data_source_id", id, None).await?;
    Ok(Table::of(id, &source))
}

/// The one data source of a database; an error that lists them if there are several.
pub(crate) async fn only_source(caller: &Caller<'_>, database: &Value) -> Result<Table, Fault> {
    let sources: Vec<&Value> = database["data_sources"].as_array().into_iter().flatten().collect();
    let id_of = |source: &Value| source["id"].as_str().and_then(Id::parse);
    match sources.as_slice() {
        [one] => match id_of(one) {
            Some(id) => table(caller, id).await,
            None => Err(Fault::input("The database's data source has no id.")),
        },
        [] => Err(Fault::input(
            "The database shows no data source to this key: it may be a linked one; ask for the \
             original.",
        )),
        several => {
            let listed = several.iter().filter_map(|it| {
                Some(format!("{} = collection://{}", it["name"].as_str()?, id_of(it)?.plain()))
            });
            let listed: Vec<_> = listed.collect();
            Err(Fault::input(format!(
                "The database has several data sources, say which: {}.",
                listed.join(", ")
            )))
        }
    }
}

/// The data source that an id or URL names: itself, the only one of a database, or that of a view; and that
/// view.
pub(crate) async fn source_of(
    caller: &Caller<'_>,
    text: &str,
) -> Result<(Table, Option<Value>), Fault> {
    let reference = match Reference::read(text)? {
        // The rows are those of the database, whatever view the URL shows.
        Reference { kind: Some(Kind::View), .. } if text.contains("?v=") => {
            Reference { id: Reference::object(text)?, kind: None }
        }
        other => other,
    };
    let among = [Kind::DataSource, Kind::Database, Kind::View];
    // A data source first: that is what `search` and `fetch` show.
    if reference.kind.is_none() {
        let asked = table(caller, reference.id).await;
        match asked {
            Err(fault) if fault.is_elsewhere() => {}
            other => return other.map(|table| (table, None)),
        }
    }
    let found = find(caller, reference, &among).await?;
    match found.kind {
        Kind::Database => Ok((only_source(caller, &found.object).await?, None)),
        Kind::View => match found.object["data_source_id"].as_str().and_then(Id::parse) {
            Some(id) => Ok((table(caller, id).await?, Some(found.object))),
            None => {
                Err(Fault::input("The view shows no single data source: ask for one by its id."))
            }
        },
        _ => Ok((Table::of(found.id, &found.object), None)),
    }
}

/// Everything of a list, at most `max` items; whether there is more.
pub(crate) async fn list(
    caller: &Caller<'_>,
    operation: &str,
    query: &[(&str, String)],
    max: usize,
) -> Result<(Vec<Value>, bool), Fault> {
    list_at(caller, operation, &[], query, max).await
}

/// The same, of a list that stands at a path with parameters.
pub(crate) async fn list_at(
    caller: &Caller<'_>,
    operation: &str,
    path: &[(&str, String)],
    query: &[(&str, String)],
    max: usize,
) -> Result<(Vec<Value>, bool), Fault> {
    let mut items = Vec::new();
    let mut cursor: Option<String> = None;
    loop {
        let mut query = query.to_vec();
        query.push(("page_size", "100".to_owned()));
        query.extend(cursor.take().map(|cursor| ("start_cursor", cursor)));
        let ask = Ask { operation, path: path.to_vec(), query, ..Ask::default() };
        let answer = send(caller, ask).await?;
        items.extend(answer["results"].as_array().into_iter().flatten().cloned());
        match answer["next_cursor"].as_str() {
            Some(next) if items.len() < max => cursor = Some(next.to_owned()),
            next => {
                let more = next.is_some() || items.len() > max;
                items.truncate(max);
                return Ok((items, more));
            }
        }
    }
}

/// The part of a body that says under what something is made.
pub(crate) fn parent_of(kind: Kind, id: Id) -> Value {
    match kind {
        Kind::DataSource => json!({"type": "data_source_id", "data_source_id": id.to_string()}),
        _ => json!({"type": "page_id", "page_id": id.to_string()}),
    }
}
