//! Search by title, and the old list of databases.

use std::cmp::Reverse;

use notion::{Id, Kind};
use serde_json::Value;

use super::{Request, Scene, query};
use crate::fail::Fail;
use crate::input::check::Spot;
use crate::input::paging::Paging;
use crate::query::words;
use crate::render;
use crate::world::access::View;
use crate::world::node::{Content, Node};

/// `POST /v1/search`
pub(super) fn search(scene: &mut Scene, request: &Request) -> Result<Value, Fail> {
    let body = request.body();
    body.only(&["query", "filter", "sort", "start_cursor", "page_size"])?;
    let query_text = body.get("query").string_opt()?.unwrap_or_default().trim();
    let words = words::stems(query_text);
    let wanted = filter(&body.get("filter"), scene.has_sources())?;
    let descending = sort(&body.get("sort"))?;
    let paging = Paging::in_body(&body)?;
    let view = View { world: scene.world, who: &scene.who, version: scene.version };
    let run = || {
        let mut found: Vec<&Node> = view
            .world
            .nodes
            .titled()
            .filter(|node| {
                is_result(view, node) && wanted.fits(node) || wanted.finds_stale(view, node)
            })
            .filter(|node| {
                query_text.is_empty() || words::matches(query_text, &words, &title(view, node))
            })
            .filter(|node| !view.world.search_index.late.contains(&node.id))
            .filter(|node| view.sees(node.id))
            .collect();
        // Without a sort as well, what was edited last comes first, exact titles or not (measured).
        found.sort_by_key(|node| Reverse(node.last_edited_time));
        if descending == Some(false) {
            found.reverse();
        }
        Ok(found.into_iter().map(|node| node.id).collect::<Vec<Id>>())
    };
    let (page, next, is_cut) =
        scene.sessions.page(query::key(view, "search", request), &paging, run)?;
    let nodes = page.iter().filter_map(|id| view.world.node(*id));
    let results = nodes.map(|node| render::any(view, node)).collect();
    Ok(query::rows_list(view, results, next, is_cut))
}

/// What the filter lets through.
#[derive(Clone, Copy, Debug)]
struct Wanted {
    kind: Option<Kind>,
    in_trash: bool,
}

impl Wanted {
    fn fits(self, node: &Node) -> bool {
        self.kind.is_none_or(|kind| node.kind() == kind) && node.in_trash == self.in_trash
    }

    /// What the index has not forgotten is found although it is in the trash.
    fn finds_stale(self, view: View, node: &Node) -> bool {
        view.world.search_index.stale.contains(&node.id)
            && self.kind.is_none_or(|kind| node.kind() == kind)
    }
}

fn filter(spot: &Spot, has_sources: bool) -> Result<Wanted, Fail> {
    let mut wanted = Wanted { kind: None, in_trash: false };
    if !spot.is_there() {
        return Ok(wanted);
    }
    spot.object()?;
    wanted.in_trash = spot.get("in_trash").bool_opt()?.unwrap_or(false);
    let value = spot.get("value");
    if !value.is_there() && spot.get("in_trash").is_there() {
        return Ok(wanted);
    }
    let (table, kind) =
        if has_sources { ("data_source", Kind::DataSource) } else { ("database", Kind::Database) };
    let is_page = value.word(&["page", table], false)? == "page";
    wanted.kind = Some(if is_page { Kind::Page } else { kind });
    spot.get("property").word(&["object"], false)?;
    Ok(wanted)
}

/// Whether to sort by time of editing, and then whether the latest comes first.
fn sort(spot: &Spot) -> Result<Option<bool>, Fail> {
    if !spot.is_there() {
        return Ok(None);
    }
    spot.object()?;
    if spot.get("property").is_there() {
        spot.get("property").word(&["relevance"], false)?;
        return Ok(None);
    }
    let direction = spot.get("direction").word(&["ascending", "descending"], true);
    let direction = if spot.get("direction").is_there() { direction? } else { "descending" };
    if spot.get("timestamp").string()? != "last_edited_time" {
        let text = "body.sort.timestamp should be \"last_edited_time\" when sorting by timestamp.";
        return Err(Fail::validation(text));
    }
    Ok(Some(direction == "descending"))
}

/// Pages and tables; before data sources were known, a database stands for its only one.
fn is_result(view: View, node: &Node) -> bool {
    let kind_fits = match node.content {
        Content::Page(ref page) => !page.is_template,
        Content::DataSource(_) => view.has_sources(),
        Content::Database(_) => !view.has_sources() && view.world.sources_of(node.id).len() == 1,
        Content::Block(_) => false,
    };
    // A table is found on after its database went to the trash, hours later as well (measured).
    let above = match node.content {
        Content::DataSource(_) => node.parent_id().unwrap_or(node.id),
        _ => node.id,
    };
    kind_fits && !view.world.has_trashed_ancestor(above)
}

fn title(view: View, node: &Node) -> String {
    render::rich_text::plain(view, view.world.title_of(node.id))
}

/// `GET /v1/databases`, of the oldest versions.
pub(super) fn databases(scene: &mut Scene, request: &Request) -> Result<Value, Fail> {
    let paging = Paging::in_query(&request.query)?;
    let view = scene.view();
    let all: Vec<Id> = view
        .world
        .nodes
        .titled()
        .filter(|node| node.kind() == Kind::Database && !node.in_trash)
        .filter(|node| is_result(view, node) && view.sees(node.id))
        .map(|node| node.id)
        .collect();
    let (page, next) = crate::query::session::slice(&all, &paging)?;
    let nodes = page.iter().filter_map(|id| view.world.node(*id));
    let results = nodes.map(|node| render::any(view, node)).collect();
    Ok(render::list::list("database", results, next))
}
