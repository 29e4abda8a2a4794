//! The start: what is in the workspace, and how to call it.

use maud::{Markup, html};
use notion::Kind;

use super::Page;
use super::frame::{Place, Tool};
use super::text::{icon_of, link_to, title};
use super::when::time;
use crate::world::access::View;

/// So many pages are listed as lately edited.
const RECENT_MAX: usize = 12;

pub(super) fn page(view: View) -> Page {
    let world = view.world;
    let count = |wanted: Kind| {
        world.nodes.titled().filter(|node| !node.in_trash && node.kind() == wanted).count()
    };
    let figures = [
        ("Pages", count(Kind::Page)),
        ("Databases", count(Kind::Database)),
        ("Blocks", world.nodes.len() - world.nodes.titled().count()),
        ("Comments", world.comments.len()),
        ("Connections", world.connections.values().filter(|one| one.token.is_some()).count()),
    ];
    let main = html! {
        header.head {
            h1 { (world.workspace.name) }
            p { "A Notion that runs on this machine. Everything your client does shows up here." }
        }
        dl.figures {
            @for (name, figure) in figures { div { dt { (name) } dd { (figure) } } }
        }
        (recent(view))
        section {
            h2 { "Call it" }
            p {
                "Notion's API is served under " code { "/v1" } " of this address. Take a token from where "
                "the sandbox was started, and look at " a href=(Tool::Calls.path()) { "Calls" }
                " afterwards."
            }
            pre { code {
                "curl \"$NOTION_BASE_URL/v1/search\" -X POST \\\n"
                "  -H \"Authorization: Bearer $NOTION_TOKEN\" \\\n"
                "  -H \"Notion-Version: " (view.version) "\""
            } }
        }
        section {
            h2 { "Begin again" }
            p { "Puts the workspace back to its seed, and forgets calls and faults. This cannot be undone." }
            form.after method="post" action="/workspace/reset" {
                button.button.danger type="submit" { "Reset the sandbox" }
            }
        }
    };
    Page::new("Workspace", Place::Home, main)
}

fn recent(view: View) -> Markup {
    let mut pages: Vec<_> = view
        .world
        .nodes
        .titled()
        .filter(|node| node.kind() == Kind::Page && !node.in_trash)
        .map(|node| (node.last_edited_time, node.id))
        .collect();
    pages.sort_by(|a, b| b.cmp(a));
    pages.truncate(RECENT_MAX);
    html! {
        section {
            h2 { "Edited last" }
            @if pages.is_empty() {
                p.empty { "There are no pages yet. Create one with POST /v1/pages, or as a person with POST /_sandbox/as-human." }
            } @else {
                ul.recent {
                    @for (at, id) in pages {
                        li {
                            a href=(link_to(id)) { (icon_of(view, id)) span { (title(view, id)) } }
                            (time(at))
                        }
                    }
                }
            }
        }
    }
}
