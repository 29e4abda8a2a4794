//! Queries of views: a result that is kept for a quarter of an hour, and read page by page.

use jiff::SignedDuration;
use notion::{Id, Kind};
use serde_json::{Value, json};

use super::query::{Which, matching, status};
use super::{Request, Scene, views};
use crate::clock::to_millis;
use crate::fail::Fail;
use crate::input::paging::Paging;
use crate::input::view_query::Asking;
use crate::query::session::{self, RESULTS_MAX};
use crate::render;
use crate::render::Object;
use crate::render::list::list;
use crate::world::view::ViewQuery;

/// How long a result is kept (measured).
const LIFE: SignedDuration = SignedDuration::from_mins(15);

/// `POST /v1/views/{view_id}/queries`
pub(super) fn create(scene: &mut Scene, request: &Request) -> Result<Value, Fail> {
    let view_id = request.id("view_id")?;
    let body = request.body();
    body.only(&["page_size"])?;
    let paging = Paging::in_body(&body)?;
    let view = views::find_known(scene, view_id)?;
    let eyes = scene.view();
    let source = view.source.and_then(|id| eyes.world.source(id).map(|source| (id, source)));
    let Some((id, source)) = source else {
        // Own wording: a dashboard has no rows, its widgets have.
        return Err(Fail::validation("A dashboard cannot be queried; query its widgets."));
    };
    let asking = Asking { world: eyes.world, source, me: eyes.who.user };
    let (filter, sorts) = asking.ready(&view.filter, &view.sorts)?;
    let mut pages = matching(eyes, id, Which::default(), filter.as_ref(), &sorts);
    let is_cut = pages.len() > RESULTS_MAX;
    pages.truncate(RESULTS_MAX);
    let now = scene.now();
    let query = ViewQuery {
        id: scene.world.ids.random(),
        view: view_id,
        by: scene.who.user,
        expires_at: now.checked_add(LIFE).unwrap_or(now),
        pages,
        is_cut,
    };
    let (page, next) = session::slice(&query.pages, &paging)?;
    let mut answer = Object::new("view_query")
        .with("id", query.id.to_string())
        .with("view_id", view_id.to_string())
        .with("expires_at", to_millis(query.expires_at))
        .with("total_count", query.pages.len())
        .with("results", references(&page))
        .with("next_cursor", json!(next))
        .with("has_more", next.is_some())
        .done();
    status(&mut answer, is_cut);
    scene.world.keep_view_query(query);
    Ok(answer)
}

fn references(pages: &[Id]) -> Vec<Value> {
    pages.iter().map(|id| render::partial(Kind::Page, *id)).collect()
}

/// The result, if it is this view's and the caller's, and not too old.
fn find<'a>(scene: &'a Scene, request: &Request) -> Result<&'a ViewQuery, Fail> {
    let (view, id) = (request.id("view_id")?, request.id("query_id")?);
    views::find_known(scene, view)?;
    let found = scene.world.view_queries.get(&id);
    found
        .filter(|query| query.view == view && query.by == scene.who.user)
        .filter(|query| scene.now() < query.expires_at)
        .ok_or_else(|| scene.not_found("view_query", id))
}

/// `GET /v1/views/{view_id}/queries/{query_id}`
pub(super) fn results(scene: &mut Scene, request: &Request) -> Result<Value, Fail> {
    let paging = Paging::in_query(&request.query)?;
    let query = find(scene, request)?;
    let (page, next) = session::slice(&query.pages, &paging)?;
    let mut answer = list("page", references(&page), next);
    status(&mut answer, query.is_cut);
    Ok(answer)
}

/// `DELETE /v1/views/{view_id}/queries/{query_id}`
pub(super) fn delete(scene: &mut Scene, request: &Request) -> Result<Value, Fail> {
    let id = find(scene, request)?.id;
    scene.world.view_queries.shift_remove(&id);
    Ok(json!({"object": "view_query", "id": id, "deleted": true}))
}
