//! Queries of data sources, and of databases in the versions that know nothing else.

use notion::{Id, Kind};
use serde_json::Value;

use super::{Request, Scene, databases};
use crate::fail::Fail;
use crate::input::paging::Paging;
use crate::query::filter::{Filter, Reader, Rules};
use crate::query::sort::{self, Sort};
use crate::render;
use crate::render::list::list;
use crate::world::access::View;
use crate::world::era::Era;

/// `POST /v1/databases/{database_id}/query`
pub(super) fn database(scene: &mut Scene, request: &Request) -> Result<Value, Fail> {
    let id = request.id("database_id")?;
    check(request)?;
    let source = databases::only_source(scene, id)?;
    query(scene, request, source)
}

/// `POST /v1/data_sources/{data_source_id}/query`
pub(super) fn data_source(scene: &mut Scene, request: &Request) -> Result<Value, Fail> {
    let id = request.id("data_source_id")?;
    check(request)?;
    scene.find(Kind::DataSource, id)?;
    query(scene, request, id)
}

/// What can be said about the body without looking at anything.
fn check(request: &Request) -> Result<(), Fail> {
    let body = request.body();
    body.only(&[
        "filter",
        "sorts",
        "start_cursor",
        "page_size",
        "archived",
        "in_trash",
        "is_archived",
        "result_type",
    ])?;
    Paging::in_body(&body)?;
    for flag in ["archived", "in_trash", "is_archived"] {
        body.get(flag).bool_opt()?;
    }
    let kind = body.get("result_type");
    if kind.is_there() {
        kind.word(&["page", "data_source"], true)?;
    }
    Ok(())
}

fn query(scene: &mut Scene, request: &Request, id: Id) -> Result<Value, Fail> {
    let body = request.body();
    let paging = Paging::in_body(&body)?;
    let view = View { world: scene.world, who: &scene.who, version: scene.version };
    let Some(source) = view.world.source(id) else {
        return Err(Fail::not_found("data_source", id, view.who, view.version));
    };
    let (me, now) = (view.who.user, view.world.now());
    let reader = Reader { source, me, now, rules: Rules::Query };
    let filter = body.get("filter");
    let filter =
        if filter.is_there() && !filter.is_null() { Some(reader.read(&filter, 0)?) } else { None };
    let sorts = sort::read(&body.get("sorts"), source)?;
    let flag = |name: &str| body.get(name).value == Some(&Value::Bool(true));
    let which = Which {
        archived: flag("is_archived"),
        trashed: flag("in_trash") || flag("archived"),
        kind: body.get("result_type").value.map(|kind| match kind.as_str() {
            Some("data_source") => Kind::DataSource,
            _ => Kind::Page,
        }),
    };
    let run = || Ok(matching(view, id, which, filter.as_ref(), &sorts));
    let key = key(view, &format!("query {id}"), request);
    let (page, next, is_cut) = scene.sessions.page(key, &paging, run)?;
    let wanted = request.all("filter_properties");
    let results = page
        .iter()
        .filter_map(|id| view.world.node(*id))
        .map(|node| {
            if node.page().is_none() {
                return render::any(view, node);
            }
            render::page::page_with(view, node, |property| {
                wanted.is_empty() || wanted.iter().any(|called| property.is_called(called))
            })
        })
        .collect();
    Ok(rows_list(view, results, next, is_cut))
}

/// Which rows a query is about, before any filter.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Which {
    archived: bool,
    trashed: bool,
    /// Pages only, or tables only; a wiki has both.
    kind: Option<Kind>,
}

/// The rows of a data source that pass, in order.
pub(super) fn matching(
    view: View,
    source: Id,
    which: Which,
    filter: Option<&Filter>,
    sorts: &[Sort],
) -> Vec<Id> {
    let rows = view.world.node(source).map(|node| node.children.as_slice()).unwrap_or_default();
    let has_holes = view.has_holes();
    let fits = |row: &&Id| {
        view.world.node(**row).is_some_and(|node| {
            node.in_trash == which.trashed
                && node.page().is_some_and(|page| page.is_archived) == which.archived
                && !node.page().is_some_and(|page| page.is_template)
                && which.kind.is_none_or(|kind| (kind == Kind::Page) == node.page().is_some())
        }) && filter.is_none_or(|filter| filter.passes(view, **row))
            && (!has_holes || view.sees(**row))
    };
    let mut rows: Vec<Id> = rows.iter().filter(fits).copied().collect();
    // Nobody promises an order; these were measured.
    match view.world.era(view.version) {
        Era::Of2026 => rows.reverse(),
        _ => rows.sort(),
    }
    sort::sort(view, &mut rows, sorts);
    if rows.iter().all(|row| view.world.page(*row).is_some()) {
        return rows;
    }
    rows.into_iter().flat_map(|row| shown(view, row)).collect()
}

/// What stands for a row: a page for itself, a database in a wiki for its tables (or, in old
/// versions, for its only one).
fn shown(view: View, row: Id) -> Vec<Id> {
    if view.world.page(row).is_some() {
        return vec![row];
    }
    let mut tables = view.world.sources_of(row);
    tables.retain(|id| view.sees(*id));
    match (view.has_sources(), tables.as_slice()) {
        (true, _) => tables,
        (false, [_]) => vec![row],
        (false, _) => Vec::new(),
    }
}

/// The list of a query or search: its type is named after what the version knows.
pub(super) fn rows_list(
    view: View,
    results: Vec<Value>,
    next: Option<String>,
    is_cut: bool,
) -> Value {
    let kind = match view.has_sources() {
        true => "page_or_data_source",
        false if view.world.era(view.version) < Era::Of2024 => "page",
        false => "page_or_database",
    };
    let mut list = list(kind, results, next);
    status(&mut list, is_cut);
    list
}

/// Says that a result was cut at the limit; a complete one says nothing (measured).
pub(super) fn status(answer: &mut Value, is_cut: bool) {
    if is_cut {
        answer["request_status"] = serde_json::json!({
            "type": "incomplete",
            "incomplete_reason": "query_result_limit_reached",
        });
    }
}

/// What a cursor belongs to: the caller, the list and the question.
pub(super) fn key(view: View, list: &str, request: &Request) -> String {
    let mut question = request.body.clone();
    if let Some(members) = question.as_object_mut() {
        members.shift_remove("start_cursor");
        members.shift_remove("page_size");
    }
    format!("{} {list} {question}", view.who.connection)
}
