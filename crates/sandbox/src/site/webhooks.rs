//! Webhook subscriptions and their deliveries.

use maud::{Markup, html};

use super::calls::{masked, status_class};
use super::frame::{Place, Tool};
use super::media::shortened;
use super::when::time;
use super::{Page, Pages, text};
use crate::render::user::name;
use crate::world::access::View;
use crate::world::webhooks::{Attempt, Delivery, Progress, State, Subscription};

const DELIVERIES_AT_ONCE: usize = 50;
/// So many characters of an event are shown.
const EVENT_SHOWN_MAX: usize = 20_000;

pub(super) fn page(view: View, pages: &Pages) -> Page {
    let webhooks = &view.world.webhooks;
    let wanted = pages.query("type").unwrap_or_default();
    let kind = |delivery: &Delivery| delivery.event["type"].as_str().unwrap_or_default().to_owned();
    let all: Vec<&Delivery> = webhooks
        .deliveries
        .iter()
        .rev()
        .filter(|delivery| wanted.is_empty() || kind(delivery) == wanted)
        .collect();
    let (shown, links) = pages.cut(&all, DELIVERIES_AT_ONCE, "deliveries");
    let waiting = webhooks.pending.len();
    let main = html! {
        header.head {
            h1 { "Webhooks" }
            p { "Who is told of changes, and what came of telling them." }
        }
        @if webhooks.subscriptions.is_empty() { (nobody()) } @else {
            div.scroll tabindex="0" role="region" aria-label="Subscriptions" {
                table {
                    caption.hidden { "Subscriptions" }
                    thead { tr { @for name in ["Sent to", "State", "Events", "Version", "For", "Id"] { th scope="col" { (name) } } } }
                    tbody { @for one in webhooks.subscriptions.values() { (subscription(view, one)) } }
                }
            }
        }
        section {
            h2 { "Deliveries" }
            @if waiting > 0 {
                p.quiet { (waiting) " changes wait to be gathered into events; POST /_sandbox/webhooks/flush sends them at once." }
            }
            @if !wanted.is_empty() {
                div.bar { span { "Only " code { (wanted) } " · " a href=(pages.link(&[("type", ""), ("from", "")])) { "Show all" } } }
            }
            @if shown.is_empty() {
                p.empty { "Nothing was sent. Change something with a client, and it is told here." }
            } @else {
                ol.calls { @for one in shown { li { (delivery(one, pages)) } } }
            }
            (links)
        }
    };
    Page::new("Webhooks", Place::Tool(Tool::Webhooks), main)
}

fn nobody() -> Markup {
    html! {
        p.empty { "Nobody has subscribed. Subscribe a receiver on this machine:" }
        pre tabindex="0" role="group" aria-label="Example" { code {
            "curl \"$NOTION_BASE_URL/_sandbox/webhooks\" -d '{\"url\": \"http://127.0.0.1:8080/hook\"}'"
        } }
    }
}

fn subscription(view: View, one: &Subscription) -> Markup {
    let (state, class) = match one.state {
        State::PendingVerification => ("not verified", "flag bad"),
        State::Active => ("active", "flag"),
        State::Paused => ("paused", "flag"),
    };
    let client = view.world.oauth.clients.get(&one.integration).map(|client| client.name.clone());
    html! {
        tr {
            th scope="row" { code { (shortened(&one.url, 200)) } }
            td { span class=(class) { (state) } }
            td { @match &one.events { None => "all", Some(events) => { (events.join(", ")) } } }
            td.nowrap { (one.api_version) }
            td { (client.or_else(|| name(view.world, one.integration)).unwrap_or_default()) }
            td { (text::id(&one.id.to_string())) }
        }
    }
}

fn delivery(one: &Delivery, pages: &Pages) -> Markup {
    let kind = one.event["type"].as_str().unwrap_or_default();
    let entity = one.event["entity"]["id"].as_str().unwrap_or_default();
    let (state, class) = match one.progress {
        Progress::Waiting => ("waiting", "status warn"),
        Progress::Delivered => ("sent", "status"),
        Progress::Dropped => ("failed", "status bad"),
    };
    let at = one.attempts.first().map_or(one.due, |attempt| attempt.at);
    html! {
        details {
            summary.delivery {
                time datetime=(at.to_string()) { (at.strftime("%H:%M:%S.%3f").to_string()) }
                code.path { (kind) }
                span.operation { (one.attempts.len()) (if one.attempts.len() == 1 { " attempt" } else { " attempts" }) }
                span class=(class) { (state) }
            }
            div.call-body {
                dl.pairs {
                    dt { "To" } dd { (text::id(&one.url)) }
                    dt { "Type" } dd { a href=(pages.link(&[("type", kind), ("from", "")])) { (kind) } }
                    dt { "Event" } dd { (text::id(&one.id.to_string())) }
                    @if !entity.is_empty() { dt { "About" } dd { (text::id(entity)) } }
                    @if one.progress == Progress::Waiting { dt { "Next attempt" } dd { (time(one.due)) } }
                }
                @if !one.attempts.is_empty() {
                    ol.attempts { @for attempt in &one.attempts { li { (attempted(attempt)) } } }
                }
                pre tabindex="0" role="group" aria-label="Event" {
                    code { (shortened(&format!("{:#}", masked(one.event.clone())), EVENT_SHOWN_MAX)) }
                }
            }
        }
    }
}

fn attempted(attempt: &Attempt) -> Markup {
    html! {
        (time(attempt.at)) " "
        @if let Some(status) = attempt.status { span class=(status_class(status)) { (status) } }
        @if let Some(error) = &attempt.error { span.refusal { (error) } }
        span.quiet { " after " (attempt.latency_ms) " ms" }
    }
}
