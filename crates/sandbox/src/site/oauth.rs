//! OAuth clients, and who let them in.

use maud::{Markup, html};
use notion::Id;

use super::frame::{Place, Tool};
use super::text::{self, icon_of, link_to, title};
use super::when::time;
use super::{Page, Pages, media};
use crate::calls::fingerprint;
use crate::render::user::name;
use crate::world::access::View;
use crate::world::connection::Connection;
use crate::world::oauth::Client;

const CLIENTS_AT_ONCE: usize = 25;
/// So many people's consents are listed for a client.
const CONSENTS_MAX: usize = 50;

pub(super) fn page(view: View, pages: &Pages) -> Page {
    let all: Vec<&Client> = view.world.oauth.clients.values().collect();
    let (shown, links) = pages.cut(&all, CLIENTS_AT_ONCE, "clients");
    let main = html! {
        header.head {
            h1 { "OAuth clients" }
            p { "Apps that may ask people to let them in at " code { "/v1/oauth/authorize" } ". Secrets are shown as fingerprints." }
        }
        @if all.is_empty() {
            p.empty { "No app is registered. Register one; its secret is in the answer:" }
            pre tabindex="0" role="group" aria-label="Example" { code {
                "curl \"$NOTION_BASE_URL/_sandbox/oauth/clients\" -d '{\"name\": \"My app\",\n"
                "  \"redirect_uris\": [\"http://localhost:8080/callback\"]}'"
            } }
        }
        @for client in shown { (one(view, client)) }
        (links)
    };
    Page::new("OAuth clients", Place::Tool(Tool::OAuth), main)
}

fn one(view: View, client: &Client) -> Markup {
    let id = client.id.to_string();
    html! {
        section.record id=(client.id.plain()) {
            h2 { (client.name) }
            dl.pairs {
                dt { "Client" } dd { (text::id(&id)) }
                dt { "Secret" } dd { "fingerprint " code { (fingerprint(&client.secret)) } }
                dt { "Redirects to" }
                dd { ul.plain { @for uri in &client.redirect_uris { li { code { (media::shortened(uri, 300)) } } } } }
                dt { "Asks for" }
                dd { span.tags { @for capability in client.capabilities.iter() { span.tag { (capability.as_str().replace('_', " ")) } } } }
                @if let Some(page) = client.template_page_id {
                    dt { "Template" } dd { a.page-link href=(link_to(page)) { (icon_of(view, page)) (title(view, page)) } }
                }
                dt { "Codes" } dd { (open_codes(view, client.id)) " not exchanged yet" }
                dt { "Let in by" } dd { (consents(view, client.id)) }
            }
        }
    }
}

fn open_codes(view: View, client: Id) -> usize {
    let now = view.world.now();
    let codes = view.world.oauth.codes.values();
    codes.filter(|code| code.client == client && !code.is_used && !code.has_ended(now)).count()
}

fn consents(view: View, client: Id) -> Markup {
    let is_its = |one: &&Connection| one.grant.as_ref().is_some_and(|grant| grant.client == client);
    let all: Vec<&Connection> = view.world.connections.values().filter(is_its).collect();
    html! {
        @if all.is_empty() { span.none { "nobody yet" } }
        ul.plain {
            @for connection in all.iter().take(CONSENTS_MAX) {
                li {
                    a href={ (Tool::Connections.path()) "#" (connection.bot_id.plain()) } {
                        (connection.owner.person().and_then(|id| name(view.world, id)).unwrap_or_default())
                    }
                    @if let Some(grant) = &connection.grant { span.quiet { " since " (time(grant.issued_at)) } }
                    @if connection.token.is_none() { " " span.flag.bad { "Removed" } }
                }
            }
            @if all.len() > CONSENTS_MAX { li.cut { "and " (all.len() - CONSENTS_MAX) " more" } }
        }
    }
}
