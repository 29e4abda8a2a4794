//! Control: what a person does in Notion's app, and what tests need, under `/_sandbox/`.

mod clock;
mod connections;
mod emojis;
mod human;
mod import;
mod oauth;
pub(crate) mod snapshots;
pub(crate) mod state;
mod templates;
mod webhooks;

use std::sync::Arc;

use notion::Id;
use serde_json::{Value, json};

use crate::app::{App, Inner};
use crate::origin::base_url;
use crate::pipeline::Incoming;
use crate::routes::later::run_due;

/// A refusal: status and what to do.
pub(crate) type Refused = (u16, String);
pub(crate) type Answer = Result<(u16, Value), Refused>;

/// Answers a control route; `route` is what follows `/_sandbox/`.
pub(crate) async fn answer(app: &Arc<App>, route: &str, incoming: &Incoming) -> (u16, Value) {
    let body = if incoming.body.iter().all(u8::is_ascii_whitespace) {
        Ok(Value::Null)
    } else {
        serde_json::from_slice(&incoming.body)
            .map_err(|error| (400, format!("the body is not JSON ({error}); send a JSON object")))
    };
    app.lock().world.base_url = base_url(&incoming.headers);
    shown(match body {
        Ok(body) => run(app, route, incoming.method.as_str(), &body).await,
        Err(refused) => Err(refused),
    })
}

/// Status and body of an answer.
pub(crate) fn shown(answer: Answer) -> (u16, Value) {
    answer.unwrap_or_else(|(status, error)| (status, json!({"error": error})))
}

/// Runs a route; what concerns webhooks waits until they are sent.
async fn run(app: &Arc<App>, route: &str, method: &str, body: &Value) -> Answer {
    let segments: Vec<&str> = route.trim_end_matches('/').split('/').collect();
    if let ["webhooks", rest @ ..] = segments.as_slice() {
        return webhooks::answer(app, method, rest, body).await;
    }
    let answer = run_now(app, route, method, &segments, body);
    // What else control routes change, such as a world that is imported, is nobody's news.
    app.lock().world.read_journal();
    if let ("POST", ["clock"]) = (method, segments.as_slice()) {
        crate::webhooks::pump(app, false).await;
    }
    answer
}

fn run_now(app: &App, route: &str, method: &str, segments: &[&str], body: &Value) -> Answer {
    let mut inner = app.lock();
    let inner = &mut *inner;
    let ok = Ok((200, json!({"ok": true})));
    match (method, segments) {
        ("GET", ["health"]) => {
            Ok((200, json!({"status": "ok", "objects": inner.world.nodes.len()})))
        }
        ("POST", ["reset"]) => {
            state::reset(inner);
            ok
        }
        ("POST", ["import"]) => import::take(inner, body),
        ("POST", ["search-index"]) => import::search_index(inner, body),
        ("POST", ["era"]) => import::era(inner, body),
        ("POST", ["ids"]) => import::ids(inner, body),
        ("GET", ["calls"]) => Ok((200, inner.calls.shown())),
        ("DELETE", ["calls"]) => {
            inner.calls.clear();
            ok
        }
        ("GET", ["faults"]) => Ok((200, inner.faults.shown())),
        ("POST", ["faults"]) => {
            let id = inner.faults.add(body.clone()).map_err(|error| (400, error))?;
            Ok((200, json!({"id": id})))
        }
        ("DELETE", ["faults"]) => {
            inner.faults.clear();
            ok
        }
        ("GET", ["limits"]) => Ok((200, inner.limits.shown(inner.world.now()))),
        ("PUT", ["limits"]) => {
            inner.limits.change(body).map_err(|error| (400, error))?;
            Ok((200, inner.limits.shown(inner.world.now())))
        }
        ("GET", ["snapshots"]) => Ok((200, snapshots::list(inner))),
        ("POST", ["snapshots"]) => snapshots::take(inner, body),
        ("POST", ["snapshots", name, "restore"]) => snapshots::restore(inner, name),
        ("DELETE", ["snapshots", name]) => snapshots::remove(inner, name),
        ("GET", ["clock"]) => clock::get(inner),
        ("POST", ["clock"]) => {
            let answer = clock::set(inner, body);
            // What was put off till then is done.
            run_due(&mut inner.world, &mut inner.sessions);
            answer
        }
        ("POST", ["tokens"]) => connections::create(inner, body),
        ("POST", ["tokens", bot, "renew"]) => connections::renew(inner, bot, body),
        ("DELETE", ["tokens", bot]) => connections::remove(inner, bot),
        ("POST", ["share"]) => connections::share(inner, body, true),
        ("POST", ["unshare"]) => connections::share(inner, body, false),
        ("GET", ["oauth", "clients"]) => oauth::list(inner),
        ("POST", ["oauth", "clients"]) => oauth::create(inner, body),
        ("DELETE", ["oauth", "clients", client]) => oauth::remove(inner, client),
        ("POST", ["private"]) => connections::private(inner, body),
        ("POST", ["templates"]) => templates::create(inner, body),
        ("POST", ["emojis"]) => emojis::create(inner, body),
        ("POST", ["as-human"]) => {
            let answer = human::act(inner, body);
            app.tell(&mut inner.world);
            answer
        }
        _ => Err((
            404,
            format!(
                "there is no control route {method} /_sandbox/{route}; there are: GET health, \
                 POST reset, GET/PUT state, POST import, POST ids, POST era, POST search-index, GET/DELETE calls, \
                 GET/POST/DELETE faults, GET/PUT limits, GET/POST snapshots, POST \
                 snapshots/{{name}}/restore, DELETE snapshots/{{name}}, GET/POST clock, POST \
                 tokens, POST tokens/{{bot_id}}/renew, DELETE tokens/{{bot_id}}, POST share, POST unshare, GET/POST \
                 oauth/clients, DELETE oauth/clients/{{client_id}}, POST private, POST \
                 templates, POST emojis, POST as-human, webhooks, and GET/POST \
                 workspaces"
            ),
        )),
    }
}

/// A member of the body that must be an id, with or without dashes.
fn id(body: &Value, name: &str) -> Result<Id, Refused> {
    let text = body[name].as_str();
    text.and_then(Id::parse).ok_or_else(|| {
        (400, format!("`{name}` must be an id: 32 hexadecimal digits, with or without dashes"))
    })
}

/// The id of something in the tree.
fn node(inner: &Inner, id: Id) -> Result<Id, Refused> {
    match inner.world.node(id) {
        Some(_) => Ok(id),
        None => {
            Err((404, format!("there is nothing with the id {id}; GET /_sandbox/state shows all")))
        }
    }
}
