//! What the sandbox was asked: newest first, to filter and to unfold.

use std::collections::BTreeSet;

use maud::{Markup, html};
use serde_json::Value;

use super::frame::{Place, Tool};
use super::media::shortened;
use super::when::time;
use super::{Page, Pages, text};
use crate::calls::{Call, Calls};
use crate::pipeline::read_query;

const CALLS_AT_ONCE: usize = 50;
/// So many characters of a body are shown, and so many bytes of it are searched.
const BODY_SHOWN_MAX: usize = 20_000;
const BODY_SEARCHED_MAX: usize = 64 * 1024;

/// Statuses that can be chosen, by their first digit.
const STATUSES: [(&str, &str); 4] =
    [("", "Any status"), ("2", "Succeeded"), ("4", "Refused (4xx)"), ("5", "Failed (5xx)")];

pub(super) fn page(calls: &Calls, pages: &Pages) -> Page {
    let query = pages.query("q").unwrap_or_default();
    let status = pages.query("status").unwrap_or_default();
    let operation = pages.query("operation").unwrap_or_default();
    let is_live = pages.query("live").is_some();
    let found: Vec<&Call> = calls
        .newest()
        .filter(|call| status.is_empty() || call.status.to_string().starts_with(status))
        .filter(|call| operation.is_empty() || call.operation == Some(operation))
        .filter(|call| query.is_empty() || mentions(call, query))
        .collect();
    let (shown, links) = pages.cut(&found, CALLS_AT_ONCE, "calls");
    let operations: BTreeSet<&str> = calls.newest().filter_map(|call| call.operation).collect();
    let is_filtered = [query, status, operation].iter().any(|text| !text.is_empty());
    let main = html! {
        header.head {
            h1 { "Calls" }
            p { "Every request to " code { "/v1" } ", newest first. Tokens are shown as fingerprints." }
        }
        form.row.filters method="get" {
            div.field {
                label for="calls-q" { "Path, body or token fingerprint" }
                input #calls-q type="search" name="q" value=(query) maxlength="200";
            }
            div.field {
                label for="calls-operation" { "Operation" }
                select #calls-operation name="operation" {
                    option value="" { "Any operation" }
                    @for name in &operations { option value=(name) selected[*name == operation] { (name) } }
                }
            }
            div.field {
                label for="calls-status" { "Status" }
                select #calls-status name="status" {
                    @for (value, label) in STATUSES { option value=(value) selected[value == status] { (label) } }
                }
            }
            @if is_live { input type="hidden" name="live" value="1"; }
            button.button type="submit" { "Filter" }
        }
        div data-live=[is_live.then_some("")] {
            div.bar {
                span {
                    (found.len()) (if found.len() == 1 { " call" } else { " calls" })
                    @if is_filtered { " · " a href=(pages.link(&[("q", ""), ("status", ""), ("operation", ""), ("from", "")])) { "Clear the filter" } }
                }
                @if is_live {
                    a href=(pages.link(&[("live", "")])) { "Stop refreshing" }
                } @else {
                    a href=(pages.link(&[("live", "1"), ("from", "")])) { "Refresh by itself" }
                }
            }
            @if shown.is_empty() { (nothing(is_filtered)) } @else {
                ol.calls { @for call in shown { li { (one(call)) } } }
            }
            (links)
        }
    };
    Page { is_live, ..Page::new("Calls", Place::Tool(Tool::Calls), main) }
}

fn nothing(is_filtered: bool) -> Markup {
    html! {
        p.empty {
            @if is_filtered {
                "No call is like that."
            } @else {
                "Nothing has called yet. Point a client at this address (" code { "NOTION_BASE_URL" }
                ", or its option for a base URL) with one of the sandbox's tokens."
            }
        }
    }
}

fn mentions(call: &Call, query: &str) -> bool {
    let is_in_body = || {
        let bytes = &call.body[..call.body.len().min(BODY_SEARCHED_MAX)];
        String::from_utf8_lossy(bytes).contains(query)
    };
    // Ids come with and without dashes.
    let plain = notion::Id::parse(query).map(|id| id.plain());
    let path = |text: &str| call.path.contains(text) || call.query.contains(text);
    path(query)
        || plain.is_some_and(|plain| path(&plain))
        || call.token_fingerprint.as_deref() == Some(query)
        || is_in_body()
}

/// The class of a status.
pub(super) fn status_class(status: u16) -> &'static str {
    match status {
        0..400 => "status",
        429 => "status warn",
        _ => "status bad",
    }
}

fn one(call: &Call) -> Markup {
    html! {
        details {
            summary {
                time datetime=(call.at.to_string()) { (call.at.strftime("%H:%M:%S.%3f").to_string()) }
                span.method { (call.method) }
                code.path { (call.path) }
                span.operation { (call.operation.unwrap_or("unknown")) }
                span class=(status_class(call.status)) { (call.status) }
            }
            div.call-body {
                @if let Some(refusal) = &call.refusal { p.refusal { (refusal) } }
                dl.pairs {
                    dt { "At" } dd { (time(call.at)) }
                    dt { "Path" } dd { (text::id(&call.path)) }
                    @if let Some(operation) = call.operation { dt { "Operation" } dd { code { (operation) } } }
                    @if !call.query.is_empty() { dt { "Query" } dd { code { (masked(read_query(&call.query))) } } }
                    dt { "Notion-Version" } dd { (call.version.as_deref().unwrap_or("none")) }
                    dt { "Token" } dd { (call.token_fingerprint.as_deref().unwrap_or("none")) }
                }
                (body(call))
            }
        }
    }
}

fn body(call: &Call) -> Markup {
    if call.body.iter().all(u8::is_ascii_whitespace) {
        return html! { p.quiet { "No body." } };
    }
    match serde_json::from_slice::<Value>(&call.body) {
        Ok(body) => html! {
            pre tabindex="0" role="group" aria-label="Body" {
                code { (shortened(&format!("{:#}", masked(body)), BODY_SHOWN_MAX)) }
            }
        },
        Err(_) => html! { p.quiet { "A body of " (call.body.len()) " bytes that is not JSON." } },
    }
}

/// JSON without what opens doors: tokens, secrets and codes.
pub(super) fn masked(value: Value) -> Value {
    const SECRET: [&str; 6] =
        ["access_token", "client_secret", "code", "code_verifier", "refresh_token", "token"];
    match value {
        Value::Object(members) => members
            .into_iter()
            .map(|(name, value)| {
                let is_secret = SECRET.contains(&name.as_str()) && value.is_string();
                let value = if is_secret { "•••".into() } else { masked(value) };
                (name, value)
            })
            .collect(),
        Value::Array(all) => all.into_iter().map(masked).collect(),
        Value::String(text) if text.contains("ntn_") || text.starts_with("secret_") => "•••".into(),
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn secrets_are_masked_at_any_depth() {
        let body =
            json!({"a": [{"client_secret": "x"}], "b": "ntn_sandbox1", "code": {"language": "c"}});
        let shown = json!({"a": [{"client_secret": "•••"}], "b": "•••", "code": {"language": "c"}});
        assert_eq!(masked(body), shown);
    }
}
