//! Faults and the clock, with the two things that can be done from a page: move the time, reset.

use std::sync::Arc;

use bytes::Bytes;
use http::Method;
use maud::{Markup, html};
use serde_json::{Value, json};

use super::frame::{Place, Tool};
use super::{Page, Pages, text};
use crate::app::App;
use crate::control;
use crate::faults::Faults;
use crate::origin::is_from_here;
use crate::pipeline::{Incoming, read_query};
use crate::world::access::View;

const FAULTS_AT_ONCE: usize = 100;
/// Steps by which the clock is moved.
const STEPS: [(&str, &str); 5] = [
    ("60000", "a minute"),
    ("600000", "ten minutes"),
    ("3600000", "an hour"),
    ("86400000", "a day"),
    ("2592000000", "30 days"),
];

/// What a form does: a control route and its body. `None` for an unknown form.
pub(super) async fn act(
    app: &Arc<App>,
    route: &[&str],
    incoming: &Incoming,
) -> Option<&'static str> {
    if !is_from_here(&incoming.headers) {
        return None;
    }
    let form = read_query(&String::from_utf8_lossy(&incoming.body));
    let (control_route, body, next) = match route {
        ["clock"] => {
            let by = form["advance_ms"].as_str().and_then(|text| text.parse::<i64>().ok());
            let freeze = form["freeze"].as_str().map(|text| text == "true");
            let body = match (by, freeze) {
                (Some(by), _) => json!({"advance_ms": by}),
                (_, Some(freeze)) => json!({"freeze": freeze}),
                _ => return None,
            };
            ("clock", body, Tool::Clock.path())
        }
        ["reset"] => ("reset", Value::Null, "/"),
        _ => return None,
    };
    let body = if body.is_null() { Bytes::new() } else { Bytes::from(body.to_string()) };
    let order = Incoming { method: Method::POST, body, ..incoming.clone() };
    let (status, _) = control::answer(app, control_route, &order).await;
    (status == 200).then_some(next)
}

pub(super) fn clock(view: View) -> Page {
    let clock = &view.world.clock;
    let now = clock.now();
    let is_frozen = clock.is_frozen();
    let main = html! {
        header.head {
            h1 { "Clock" }
            p { "The world's own time. Cursors, upload links, tokens and retries of webhooks end by it, so a test need not wait." }
        }
        p.clock {
            time datetime=(now.to_string()) { (now.strftime("%H:%M:%S").to_string()) } " "
            small { (now.strftime("%A, %-d %B %Y").to_string()) " UTC, " (if is_frozen { "stopped" } else { "running" }) }
        }
        section {
            h2 { "Move it" }
            form.row method="post" action="/workspace/clock" {
                div.field {
                    label for="advance" { "Forward by" }
                    select #advance name="advance_ms" { @for (ms, label) in STEPS { option value=(ms) { (label) } } }
                }
                button.button.primary type="submit" { "Move forward" }
            }
        }
        section {
            h2 { (if is_frozen { "Let it run" } else { "Stop it" }) }
            form method="post" action="/workspace/clock" {
                input type="hidden" name="freeze" value=(if is_frozen { "false" } else { "true" });
                button.button type="submit" { (if is_frozen { "Let the time run" } else { "Stop the time" }) }
            }
        }
    };
    Page::new("Clock", Place::Tool(Tool::Clock), main)
}

pub(super) fn faults(faults: &Faults, pages: &Pages) -> Page {
    let shown = faults.shown();
    let all = shown.as_array().map_or(&[][..], Vec::as_slice);
    let (piece, links) = pages.cut(all, FAULTS_AT_ONCE, "faults");
    let main = html! {
        header.head {
            h1 { "Faults" }
            p { "Answers that go wrong on demand, to see what a client does about it." }
        }
        @if all.is_empty() {
            p.empty { "No faults are set. This one makes the next search fail as if there were too many:" }
            pre tabindex="0" role="group" aria-label="Example" { code {
                "curl \"$NOTION_BASE_URL/_sandbox/faults\" -d '{\"match\": {\"operation\": \"post-search\"},\n"
                "  \"answer\": {\"status\": 429, \"retry_after\": 2}, \"times\": 1}'"
            } }
        } @else {
            div.scroll tabindex="0" role="region" aria-label="Faults" {
                table {
                    caption.hidden { "Faults" }
                    thead { tr { @for name in ["Requests", "What happens", "Still", "Happened", "Id"] { th scope="col" { (name) } } } }
                    tbody { @for fault in piece { (row(fault)) } }
                }
            }
            (links)
        }
    };
    Page::new("Faults", Place::Tool(Tool::Faults), main)
}

fn row(fault: &Value) -> Markup {
    let matches = fault["match"].as_object();
    html! {
        tr {
            th scope="row" {
                @for (name, value) in matches.into_iter().flatten() {
                    div { span.quiet { (name) " " } code { (value.as_str().unwrap_or_default()) } }
                }
                @if matches.is_none_or(serde_json::Map::is_empty) { "all" }
            }
            td {
                @if let Some(status) = fault["answer"]["status"].as_u64() {
                    div {
                        "answers " (status)
                        @if fault["answer"]["committed"] == true { ", after doing it" }
                        @if let Some(seconds) = fault["answer"]["retry_after"].as_u64() { ", retry after " (seconds) " s" }
                    }
                }
                @if let Some(ms) = fault["latency_ms"].as_u64() { div { "waits " (ms) " ms" } }
                @if fault["drop"] == true { div { "cuts the connection" } }
                @if let Some(odds) = fault["probability"].as_f64() { div { "with probability " (odds) } }
            }
            td { @match fault["times"].as_u64() { Some(0) => "over", Some(times) => { (times) "×" }, None => "always" } }
            td { (fault["hits"].as_u64().unwrap_or_default()) "×" }
            td { (text::id(fault["id"].as_str().unwrap_or_default())) }
        }
    }
}
