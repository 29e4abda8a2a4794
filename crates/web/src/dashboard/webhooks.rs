//! Webhooks: setting one up with its pairing window, the subscriptions, and the events that came.

use axum::extract::rejection::QueryRejection;
use axum::extract::{Path, Query, State};
use axum::response::Response;
use gate::{EventFilter, EventState, Pairing, PairingState, ShownEvent, ShownSubscription};
use http::{HeaderMap, header};
use jiff::Timestamp;
use maud::{Markup, html};
use model::ExposeSecret;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde::Deserialize;

use super::layout::{Frame, Section};
use super::{failed, parts, redirect, words};
use crate::App;
use crate::session::{Submitted, Visitor};

const PATH: &str = "/dashboard/webhooks";
const EVENTS_SHOWN: u32 = 50;
/// Seconds between two looks for the token.
const REFRESH: u32 = 3;

/// Which events are asked for.
#[derive(Debug, Default, Deserialize)]
pub(super) struct Wanted {
    #[serde(default)]
    state: String,
    after: Option<String>,
}

pub(super) async fn show(
    State(app): State<App>,
    visitor: Visitor,
    headers: HeaderMap,
    wanted: Result<Query<Wanted>, QueryRejection>,
) -> Result<Response, Response> {
    let Wanted { state, after } = wanted.map(|Query(wanted)| wanted).unwrap_or_default();
    let (gate, principal, request_id) = (&app.gate, visitor.principal(), visitor.request_id());
    let pairing = gate
        .pairing(principal, request_id)
        .await
        .map_err(|error| failed(&app, &visitor, &error))?;
    let subscriptions = gate.list_webhook_subscriptions(principal, request_id).await;
    let subscriptions = subscriptions.map_err(|error| failed(&app, &visitor, &error))?;
    let state = EventState::parse(&state);
    let filter = EventFilter { state, kind: None, object: None };
    let is_first = after.is_none();
    let events = gate.list_webhook_events(principal, filter, after, EVENTS_SHOWN, request_id).await;
    let (events, next) = events.map_err(|error| failed(&app, &visitor, &error))?;
    let host = headers.get(header::HOST).and_then(|host| host.to_str().ok());
    let origin = app.site.origin(host).unwrap_or_default();
    let mut frame = Frame::new(&app, &visitor, "Webhooks", Section::Webhooks);
    if pairing.state == PairingState::Waiting {
        frame = frame.refreshed(REFRESH);
    }
    let now = frame.now;
    let body = html! {
        div.heading {
            h1 { "Webhooks" }
            @if pairing.state == PairingState::Closed && !subscriptions.is_empty() {
                (pairing_form(&frame, "open", "Add a subscription", false))
            }
        }
        (window(&frame, &pairing, &origin, subscriptions.is_empty()))
        @if !subscriptions.is_empty() { (subscription_list(&app, &visitor, &subscriptions, now)) }
        @if !subscriptions.is_empty() || !events.is_empty() {
            section aria-labelledby="events" {
                h2 #events { "Events" }
                (tabs(state))
                @if events.is_empty() {
                    p.empty { (nothing(state, is_first)) }
                } @else {
                    ol.log { @for event in &events { (line(&frame, event)) } }
                }
                nav.pages aria-label="Pages" {
                    @if !is_first { a.button href=(PATH) { "Newest" } }
                    @if let Some(next) = &next { a.button href=(older(state, next)) { "Older" } }
                }
            }
        }
    };
    Ok(frame.page(&body))
}

fn older(state: Option<EventState>, next: &str) -> String {
    let state = state.map(|state| format!("state={}&", state.as_str())).unwrap_or_default();
    format!("{PATH}?{state}after={}", utf8_percent_encode(next, NON_ALPHANUMERIC))
}

fn pairing_form(frame: &Frame<'_>, act: &str, text: &str, primary: bool) -> Markup {
    html! {
        form method="post" action={ (PATH) "/pairing" } {
            (frame.token())
            input type="hidden" name="act" value=(act);
            button.button.primary[primary] { (text) }
        }
    }
}

/// The pairing window, step by step.
fn window(frame: &Frame<'_>, pairing: &Pairing, origin: &str, is_first: bool) -> Markup {
    let url = format!("{origin}{}", pairing.path);
    let until = pairing.open_until.map(|until| words::when(until, frame.now));
    let token = pairing.verification_token.as_ref();
    html! {
        @match (pairing.state, token) {
            (PairingState::Closed, _) if is_first => {
                div.empty {
                    h2 { "Notion tells this gate nothing yet" }
                    p {
                        "With a webhook, edits in Notion arrive here within moments. Open a window of \
                         ten minutes, in which this gate takes the token that Notion sends."
                    }
                    div.actions { (pairing_form(frame, "open", "Set up a webhook", true)) }
                }
            }
            (PairingState::Closed, _) => {}
            (PairingState::Waiting, _) => {
                section.card aria-labelledby="waiting" {
                    h2 #waiting { "Waiting for Notion" }
                    ol.steps {
                        li {
                            "In Notion, open the integration's settings at "
                            a href="https://www.notion.so/profile/integrations" target="_blank" rel="noopener noreferrer" {
                                "your integrations"
                            }
                            ", go to " strong { "Webhooks" } ", and create a subscription."
                        }
                        li { "Give it this address:" code.copy tabindex="0" { (url) } }
                        li { "Choose the events, and create it. Its token appears here within seconds." }
                    }
                    @if !url.starts_with("https://") {
                        p.notice.warn {
                            "Notion reaches https addresses on the internet only. Set SERVICE_URL to the one of this gate."
                        }
                    }
                    p.quiet role="status" {
                        "The window closes " @if let Some(until) = &until { (until) } ". This page renews itself."
                    }
                    (pairing_form(frame, "close", "Close the window", false))
                }
            }
            (PairingState::Received, Some(token)) => {
                section.card aria-labelledby="received" {
                    h2 #received { "The token has come" }
                    ol.steps {
                        li { "Copy it:" code.copy tabindex="0" { (token.expose_secret()) } }
                        li { "In Notion, press " strong { "Verify" } " beside the subscription, and paste it." }
                    }
                    p.quiet {
                        "It is shown until the window closes"
                        @if let Some(until) = &until { " " (until) }
                        ". Did no subscription of yours send it? Close the window, and delete the subscription below."
                    }
                    div.actions {
                        a.button.primary href=(PATH) { "I have pasted it" }
                        (pairing_form(frame, "close", "Close the window", false))
                    }
                }
            }
            (PairingState::Received | PairingState::Paired, _) => {
                p.notice.good role="status" {
                    strong { "The webhook works." } " Its first event came, signed with its token."
                }
            }
            (PairingState::Conflict, _) => {
                div.notice.bad role="alert" {
                    p {
                        strong { "Two tokens came while the window was open." }
                        " One of them is not from you, so neither is trusted. Delete the subscription in \
                         Notion, and begin again."
                    }
                    (pairing_form(frame, "open", "Begin again", false))
                }
            }
        }
    }
}

fn subscription_list(
    app: &App,
    visitor: &Visitor,
    all: &[ShownSubscription],
    now: Timestamp,
) -> Markup {
    html! {
        section aria-labelledby="subscriptions" {
            h2 #subscriptions { "Subscriptions" }
            ul.rows {
                @for it in all {
                    li {
                        div {
                            strong { "Subscription " code { (words::line(&it.id, 40)) } }
                            p.quiet { "paired " (words::when(it.created_at, now)) " by " (parts::who(app, visitor, &it.created_by)) }
                        }
                        @if it.subscription_id.is_some() { span.badge.good { "Verified" } }
                        @else { span.badge.warn { "No event yet" } }
                        a.button.danger href={ (PATH) "/subscriptions/" (it.id) "/delete" } {
                            "Delete" span.hidden { " the subscription " (it.id) }
                        }
                    }
                }
            }
        }
    }
}

fn tabs(state: Option<EventState>) -> Markup {
    let all = [
        (None, "All"),
        (Some(EventState::New), "Waiting"),
        (Some(EventState::Done), "Done"),
        (Some(EventState::Dead), "Given up"),
    ];
    html! {
        nav.tabs aria-label="States" {
            ul {
                @for (tab, title) in all {
                    @let query = tab.map(|tab| format!("?state={}", tab.as_str())).unwrap_or_default();
                    li { a href={ (PATH) (query) } aria-current=[(tab == state).then_some("page")] { (title) } }
                }
            }
        }
    }
}

fn nothing(state: Option<EventState>, is_first: bool) -> &'static str {
    match (state, is_first) {
        (_, false) => "There is nothing older.",
        (Some(EventState::Dead), _) => "No event was given up.",
        (Some(EventState::New), _) => "No event waits: all were worked.",
        _ => "No event has come yet. Edit a page that is shared with the integration.",
    }
}

fn line(frame: &Frame<'_>, event: &ShownEvent) -> Markup {
    let (class, word) = match event.state {
        EventState::New => ("idle", "Waiting"),
        EventState::Done => ("good", "Done"),
        EventState::Dead => ("bad", "Given up"),
    };
    html! {
        li class=(class) {
            span class={ "badge " (class) } { (word) }
            div.what {
                p {
                    strong { (words::line(&event.kind, 60)) } " "
                    span.object { (words::line(&event.entity.kind, 40)) " " code { (words::line(&event.entity.id, 60)) } }
                }
                @if let Some(error) = &event.last_error {
                    p.quiet { (words::capital(&words::line(error, 200))) " · " (words::count(u64::from(event.attempts), "attempt")) }
                }
                @if event.state == EventState::Dead {
                    form method="post" action={ (PATH) "/events/replay" } {
                        (frame.token())
                        input type="hidden" name="event" value=(event.id);
                        button.button.small { "Try again" span.hidden { " the event " (words::line(&event.id, 60)) } }
                    }
                }
            }
            p.quiet.at { (words::when(event.received_at, frame.now)) }
        }
    }
}

pub(super) async fn pair(
    State(app): State<App>,
    submitted: Submitted,
) -> Result<Response, Response> {
    let Submitted { visitor, fields } = submitted;
    let (principal, request_id) = (visitor.principal(), visitor.request_id());
    let done = match fields.text("act") {
        "open" => app.gate.open_pairing(principal, request_id).await.map(drop),
        "close" => app.gate.close_pairing(principal, request_id).await,
        _ => Ok(()),
    };
    done.map_err(|error| failed(&app, &visitor, &error))?;
    Ok(redirect(PATH))
}

pub(super) async fn replay(
    State(app): State<App>,
    submitted: Submitted,
) -> Result<Response, Response> {
    let Submitted { visitor, fields } = submitted;
    let (principal, request_id) = (visitor.principal(), visitor.request_id());
    let done = app.gate.replay_webhook_event(principal, fields.text("event"), request_id).await;
    done.map_err(|error| failed(&app, &visitor, &error))?;
    Ok(redirect(PATH))
}

pub(super) async fn delete(
    State(app): State<App>,
    visitor: Visitor,
    Path(id): Path<String>,
) -> Response {
    let frame = Frame::new(&app, &visitor, "Delete the subscription", Section::Webhooks);
    let id = words::line(&id, 60);
    let body = html! {
        p.crumb { a href=(PATH) { "Webhooks" } }
        div.sheet.wide {
            h1 { "Delete the subscription?" }
            ul.points {
                li { "Events that Notion sends with its token are refused from now on." }
                li { "Those that wait are given up." }
                li { "Delete it in Notion as well, or Notion goes on trying." }
            }
            form method="post" action={ (PATH) "/subscriptions/delete" } {
                (frame.token())
                input type="hidden" name="subscription" value=(id);
                div.actions {
                    button.button.danger.primary { "Delete" }
                    a.button href=(PATH) { "Cancel" }
                }
            }
        }
    };
    frame.page(&body)
}

pub(super) async fn submit_delete(
    State(app): State<App>,
    submitted: Submitted,
) -> Result<Response, Response> {
    let Submitted { visitor, fields } = submitted;
    let (principal, request_id) = (visitor.principal(), visitor.request_id());
    let id = fields.text("subscription");
    let done = app.gate.delete_webhook_subscription(principal, id, request_id).await;
    done.map_err(|error| failed(&app, &visitor, &error))?;
    Ok(redirect(PATH))
}
