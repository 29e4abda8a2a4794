//! The workspace as pages for people: what a client did, seen as in Notion's app.
//!
//! Rendered here, whole, without anything from elsewhere; all of it works without scripts. Pages
//! are made from what the API would answer (`render`), so that both show the same. Except for two
//! small forms (clock, reset) nothing is changed here.

mod aside;
mod blocks;
mod calls;
mod connections;
mod database;
mod find;
mod frame;
mod home;
mod media;
mod oauth;
mod page;
mod paging;
mod rows;
mod schema;
mod text;
mod tools;
mod tree;
mod uploads;
mod values;
mod webhooks;
mod when;

use std::sync::Arc;

use http::Method;
use maud::{Markup, html};
use notion::{Id, Kind, Version};

use crate::app::{App, Inner};
use crate::pipeline::Incoming;
use crate::world::access::{View, Who};
use crate::world::node::Node;
use axum::response::Response;
use frame::{Frame, Place, Tool};
use paging::Pages;

/// What a page is made of.
struct Page {
    status: u16,
    title: String,
    place: Place,
    main: Markup,
    /// Whether it loads itself again and again.
    is_live: bool,
    /// Where to go instead.
    moved: Option<String>,
}

impl Page {
    fn new(title: impl Into<String>, place: Place, main: Markup) -> Self {
        Self { status: 200, title: title.into(), place, main, is_live: false, moved: None }
    }
}

/// Answers `/` and everything under `/workspace`; `None` when the path is not one of these.
pub(crate) async fn answer(app: &Arc<App>, incoming: &Incoming) -> Option<Response> {
    let path = incoming.path.as_str();
    let route = if path == "/" { "" } else { path.strip_prefix("/workspace")? };
    if !route.is_empty() && !route.starts_with('/') {
        return None;
    }
    if let Some(name) = route.strip_prefix("/assets/") {
        return Some(frame::asset(name));
    }
    let route: Vec<&str> = route.split('/').filter(|part| !part.is_empty()).collect();
    if incoming.method == Method::POST
        && let Some(next) = tools::act(app, &route, incoming).await
    {
        return Some(frame::redirect(next));
    }
    let inner = app.lock();
    let who = inner.world.observer();
    let page = match incoming.method {
        Method::GET | Method::HEAD => read(&inner, &who, &route, incoming),
        _ => not_found("This could not be done"),
    };
    let view = View { world: &inner.world, who: &who, version: Version::LATEST };
    if let Some(to) = page.moved {
        return Some(frame::redirect(&to));
    }
    let whole = Frame { view, title: &page.title, place: page.place, is_live: page.is_live }
        .around(&page.main);
    Some(frame::answer(page.status, &whole))
}

fn read(inner: &Inner, who: &Who, route: &[&str], incoming: &Incoming) -> Page {
    let view = View { world: &inner.world, who, version: Version::LATEST };
    let pages = Pages::of(incoming);
    match route {
        [] => home::page(view),
        ["search"] => find::search(view, &pages),
        ["calls"] => calls::page(&inner.calls, &pages),
        ["connections"] => connections::page(view, &pages),
        ["webhooks"] => webhooks::page(view, &pages),
        ["uploads"] => uploads::page(view, &pages),
        ["oauth"] => oauth::page(view, &pages),
        ["people"] => connections::people(view, &pages),
        ["faults"] => tools::faults(&inner.faults, &pages),
        ["clock"] => tools::clock(view),
        ["trash"] => find::trash(view, &pages),
        [id] => match Id::parse(id).and_then(|id| view.world.node(id)) {
            Some(node) => object(view, node, &pages),
            None => not_found("There is no such page"),
        },
        _ => not_found("There is no such page"),
    }
}

/// Whatever has an id.
fn object(view: View, node: &Node, pages: &Pages) -> Page {
    match node.kind() {
        Kind::Page => page::page(view, node, pages),
        Kind::Database | Kind::DataSource => database::page(view, node, pages),
        _ => match aside::page_of(view, node.id) {
            // A block is shown where it stands.
            Some(page) => Page {
                moved: Some(format!("{}#b-{}", text::link_to(page), node.id.plain())),
                ..not_found("This block is on a page")
            },
            None => not_found("There is no such page"),
        },
    }
}

fn not_found(title: &str) -> Page {
    let main = html! {
        header.head { h1 { (title) } }
        p.empty {
            "It may have been erased, or belong to a world that was reset. "
            a href="/" { "Back to the workspace" }
            ", or look "
            a href=(Tool::Calls.path()) { "what was called" }
            "."
        }
    };
    Page { status: 404, ..Page::new(title, Place::Elsewhere, main) }
}
