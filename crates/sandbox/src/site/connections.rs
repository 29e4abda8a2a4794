//! Connections and people: who can do what, and where.

use maud::{Markup, html};
use notion::Id;

use super::frame::{Place, Tool};
use super::text::{self, icon_of, link_to, title};
use super::when::time;
use super::{Page, Pages, paging};
use crate::calls::fingerprint;
use crate::render::user::name;
use crate::world::access::View;
use crate::world::connection::{Connection, Owner};

const CONNECTIONS_AT_ONCE: usize = 25;
const PEOPLE_AT_ONCE: usize = 100;
/// So many shared pages are named.
const SHARED_MAX: usize = 50;

pub(super) fn page(view: View, pages: &Pages) -> Page {
    let all: Vec<&Connection> = view.world.connections.values().collect();
    let (shown, links) = pages.cut(&all, CONNECTIONS_AT_ONCE, "connections");
    let main = html! {
        header.head {
            h1 { "Connections" }
            p { "Who holds a token, what it allows, and which pages it reaches. Make one with " code { "POST /_sandbox/tokens" } "." }
        }
        @if all.is_empty() { p.empty { "There are no connections, so nobody can call. Make one with POST /_sandbox/tokens." } }
        @for connection in shown { (one(view, connection)) }
        (links)
    };
    Page::new("Connections", Place::Tool(Tool::Connections), main)
}

fn one(view: View, connection: &Connection) -> Markup {
    let token = connection.token.as_deref().map(fingerprint);
    html! {
        section.record id=(connection.bot_id.plain()) {
            h2 {
                (connection.name)
                @if token.is_none() { span.flag.bad { "Removed" } }
            }
            dl.pairs {
                dt { "Acts as" }
                dd {
                    @match connection.owner {
                        Owner::Workspace => "its own bot, for the workspace",
                        Owner::User(id) => { "its own bot, for " (name(view.world, id).unwrap_or_default()) }
                        Owner::Personal(id) => { (name(view.world, id).unwrap_or_default()) " (personal token)" }
                    }
                }
                dt { "Bot" } dd { (text::id(&connection.bot_id.to_string())) }
                @if let Some(token) = &token {
                    dt { "Token" }
                    dd {
                        "fingerprint " code { (token) } " · "
                        a href={ (Tool::Calls.path()) "?q=" (paging::encode(token)) } { "its calls" }
                    }
                }
                @if let Some(at) = connection.expires_at { dt { "Token ends" } dd { (time(at)) } }
                dt { "May" }
                dd { span.tags { @for capability in connection.capabilities.iter() { span.tag { (capability.as_str().replace('_', " ")) } } } }
                dt { "Shared" } dd { (places(view, &connection.shared, "nothing yet: use POST /_sandbox/share")) }
                @if !connection.hidden.is_empty() { dt { "Taken off" } dd { (places(view, &connection.hidden, "")) } }
            }
        }
    }
}

fn places(view: View, ids: &[Id], none: &str) -> Markup {
    html! {
        @if ids.is_empty() { span.none { (none) } }
        ul.plain {
            @for id in ids.iter().take(SHARED_MAX) {
                li { a.page-link href=(link_to(*id)) { (icon_of(view, *id)) (title(view, *id)) } }
            }
            @if ids.len() > SHARED_MAX { li.cut { "and " (ids.len() - SHARED_MAX) " more" } }
        }
    }
}

pub(super) fn people(view: View, pages: &Pages) -> Page {
    let all: Vec<_> = view.world.people.values().collect();
    let (shown, links) = pages.cut(&all, PEOPLE_AT_ONCE, "people");
    let main = html! {
        header.head { h1 { "People" } p { "Members and guests of the workspace. Act as one of them with " code { "POST /_sandbox/as-human" } "." } }
        div.scroll tabindex="0" role="region" aria-label="People" {
            table {
                caption.hidden { "People of the workspace" }
                thead { tr { th scope="col" { "Name" } th scope="col" { "E-mail" } th scope="col" { "Kind" } th scope="col" { "Id" } } }
                tbody {
                    @for person in shown {
                        tr {
                            th scope="row" { (person.name) }
                            td { (person.email) }
                            td { (if person.guest { "Guest" } else { "Member" }) }
                            td { (text::id(&person.id.to_string())) }
                        }
                    }
                }
            }
        }
        (links)
    };
    Page::new("People", Place::Tool(Tool::People), main)
}
