//! Webhook subscriptions, which a person makes in the developer portal, and their deliveries.

use std::sync::Arc;
use std::time::Duration;

use notion::{Id, Version};
use serde_json::{Value, json};

use super::{Answer, Refused};
use crate::app::App;
use crate::webhooks::{self, KNOWN, Outcome, job, sign};
use crate::world::World;
use crate::world::webhooks::{
    Attempt, Delivery, Progress, SUBSCRIPTIONS_MAX, Settings, State, Subscription,
};

const URL_MAX: usize = 2000;
/// The longest window, delay or time limit: a day.
const MILLISECONDS_MAX: u64 = 24 * 3600 * 1000;

/// Answers what lies under `/_sandbox/webhooks`; `segments` is what follows.
pub(super) async fn answer(
    app: &Arc<App>,
    method: &str,
    segments: &[&str],
    body: &Value,
) -> Answer {
    match (method, segments) {
        ("GET", []) => {
            let world = &app.lock().world;
            let all = world.webhooks.subscriptions.values();
            Ok((200, all.map(show).collect()))
        }
        ("POST", []) => subscribe(app, body).await,
        ("GET", ["deliveries"]) => {
            Ok((200, app.lock().world.webhooks.deliveries.iter().map(delivery).collect()))
        }
        ("DELETE", ["deliveries"]) => {
            let webhooks = &mut app.lock().world.webhooks;
            webhooks.deliveries.retain(|delivery| delivery.progress == Progress::Waiting);
            Ok((200, json!({"ok": true})))
        }
        ("POST", ["deliveries", id, "redeliver"]) => redeliver(app, id).await,
        ("POST", ["flush"]) => {
            webhooks::pump(app, true).await;
            Ok((200, json!({"ok": true})))
        }
        ("GET", ["settings"]) => Ok((200, json!(app.lock().world.webhooks.settings))),
        ("POST", ["settings"]) => configure(app, body),
        ("DELETE", [id]) => {
            let id = find(&app.lock().world, id)?.id;
            app.lock().world.webhooks.unsubscribe(id);
            Ok((200, json!({"ok": true})))
        }
        ("POST", [id, "resend"]) => {
            let subscription = find(&app.lock().world, id)?;
            Ok((200, handshake(app, &subscription).await))
        }
        ("POST", [id, "verify"]) => {
            let subscription = find(&app.lock().world, id)?;
            if body["verification_token"] != subscription.verification_token {
                return Err((400, "`verification_token` is not the one that was sent".to_owned()));
            }
            turn(app, &subscription, State::Active)
        }
        ("POST", [id, action @ ("pause" | "resume")]) => {
            let subscription = find(&app.lock().world, id)?;
            if subscription.state == State::PendingVerification {
                let error = "the subscription is not verified; POST its `verification_token` to \
                             …/verify, or POST …/resend to try the handshake again";
                return Err((400, error.to_owned()));
            }
            turn(app, &subscription, if *action == "pause" { State::Paused } else { State::Active })
        }
        _ => Err((
            404,
            format!(
                "there is no control route {method} /_sandbox/webhooks/{}; there are: GET/POST \
                 webhooks, DELETE webhooks/{{id}}, POST webhooks/{{id}}/pause, …/resume, …/resend, \
                 …/verify, GET/DELETE webhooks/deliveries, POST \
                 webhooks/deliveries/{{id}}/redeliver, POST webhooks/flush, GET/POST \
                 webhooks/settings",
                segments.join("/")
            ),
        )),
    }
}

fn find(world: &World, id: &str) -> Result<Subscription, Refused> {
    let found = Id::parse(id).and_then(|id| world.webhooks.subscriptions.get(&id));
    found.cloned().ok_or_else(|| (404, format!("there is no subscription `{id}`")))
}

fn turn(app: &App, subscription: &Subscription, state: State) -> Answer {
    let world = &mut app.lock().world;
    match world.webhooks.subscriptions.get_mut(&subscription.id) {
        Some(subscription) => {
            subscription.state = state;
            Ok((200, show(subscription)))
        }
        None => Err((404, "the subscription is gone".to_owned())),
    }
}

fn show(subscription: &Subscription) -> Value {
    json!({
        "subscription_id": subscription.id,
        "integration_id": subscription.integration,
        "url": subscription.url,
        "events": subscription.events,
        "api_version": subscription.api_version,
        "state": subscription.state,
        "verification_token": subscription.verification_token,
    })
}

fn delivery(delivery: &Delivery) -> Value {
    let attempt = |attempt: &Attempt| {
        json!({
            "attempt_number": attempt.number,
            "at": attempt.at.strftime("%Y-%m-%dT%H:%M:%S.%3fZ").to_string(),
            "status": attempt.status,
            "latency_ms": attempt.latency_ms,
            "error": attempt.error,
            "headers": {
                "content-type": "application/json",
                "x-notion-signature": attempt.signature,
            },
            "body": delivery.body(attempt.number),
        })
    };
    let next = (delivery.progress == Progress::Waiting)
        .then(|| delivery.due.strftime("%Y-%m-%dT%H:%M:%S.%3fZ").to_string());
    json!({
        "id": delivery.id,
        "subscription_id": delivery.subscription,
        "type": delivery.event["type"],
        "url": delivery.url,
        "state": delivery.progress,
        "next_attempt_at": next,
        "event": delivery.event,
        "attempts": delivery.attempts.iter().map(attempt).collect::<Vec<_>>(),
    })
}

/// `POST webhooks` `{url, events?, api_version?, bot_id or client_id?}`; without either of the last
/// two, for the first connection. Whatever the receiver answers to the handshake, the subscription
/// is active then: the caller has the token, as the person in the portal would. Without an answer
/// it waits for …/resend or …/verify.
async fn subscribe(app: &Arc<App>, body: &Value) -> Answer {
    let subscription = read(&mut app.lock().world, body)?;
    {
        let webhooks = &mut app.lock().world.webhooks;
        webhooks.subscriptions.insert(subscription.id, subscription.clone());
    }
    Ok((200, handshake(app, &subscription).await))
}

fn read(world: &mut World, body: &Value) -> Result<Subscription, Refused> {
    let refuse = |error: &str| (400, error.to_owned());
    let url = body["url"].as_str().filter(|url| url.len() <= URL_MAX);
    let is_http = |url: &&str| {
        let uri = url.parse::<http::Uri>();
        uri.is_ok_and(|uri| uri.scheme_str() == Some("http") && uri.host().is_some())
    };
    let url = url.filter(is_http).ok_or_else(|| {
        refuse("`url` must be an http:// URL; the sandbox speaks to local receivers, without TLS")
    })?;
    let api_version = match body.get("api_version") {
        None | Some(Value::Null) => Version::LATEST,
        Some(given) => given
            .as_str()
            .and_then(Version::parse)
            .filter(|version| *version >= Version::V2022_06_28)
            .ok_or_else(|| {
                refuse("`api_version` must be \"2022-06-28\", \"2025-09-03\" or \"2026-03-11\"")
            })?,
    };
    let events = match body.get("events") {
        None | Some(Value::Null) => None,
        Some(given) => {
            let known = |name: &&str| KNOWN.iter().any(|(known, ..)| known == name);
            let all = given.as_array().map(Vec::as_slice).unwrap_or_default();
            let names: Option<Vec<String>> =
                all.iter().map(|one| one.as_str().filter(known).map(str::to_owned)).collect();
            let names = names.filter(|names| given.is_array() && names.len() <= KNOWN.len());
            Some(names.ok_or_else(|| {
                let known = KNOWN.map(|(name, ..)| name).join(", ");
                (400, format!("`events` must be a list of types of events: {known}"))
            })?)
        }
    };
    let integration = integration(world, body)?;
    if world.webhooks.subscriptions.len() >= SUBSCRIPTIONS_MAX {
        return Err(refuse("there are too many subscriptions: DELETE /_sandbox/webhooks/{id}"));
    }
    let created_time = world.now();
    let ids = &mut world.webhooks.ids;
    Ok(Subscription {
        id: ids.random(),
        integration,
        url: url.to_owned(),
        verification_token: ids.secret("secret_"),
        events,
        api_version: api_version.as_str().to_owned(),
        state: State::PendingVerification,
        created_time,
    })
}

fn integration(world: &World, body: &Value) -> Result<Id, Refused> {
    let alive = || world.connections.values().filter(|one| one.token.is_some());
    let id = |name: &str| body[name].as_str().and_then(Id::parse);
    if !body["client_id"].is_null() {
        let client = id("client_id").filter(|client| world.oauth.clients.contains_key(client));
        return client.ok_or_else(|| {
            let error = "`client_id` must be that of a client; POST /_sandbox/oauth/clients";
            (404, error.to_owned())
        });
    }
    let found = if body["bot_id"].is_null() {
        alive().next()
    } else {
        id("bot_id").and_then(|bot| alive().find(|one| one.bot_id == bot))
    };
    let connection = found.ok_or_else(|| {
        let error = "`bot_id` must be that of a connection; POST /_sandbox/tokens makes one";
        (404, error.to_owned())
    })?;
    Ok(connection.grant.as_ref().map_or(connection.bot_id, |grant| grant.client))
}

/// Sends the token, signed like an event. Whether the real one is signed is not documented; the
/// sample of a signature in the docs is that of a handshake.
async fn handshake(app: &App, subscription: &Subscription) -> Value {
    let token = &subscription.verification_token;
    let body = json!({"verification_token": token}).to_string();
    let limit = Duration::from_millis(app.lock().world.webhooks.settings.timeout_ms.into());
    let signature = sign(token, body.as_bytes());
    let Outcome { status, latency_ms, error } =
        app.sender.post(&subscription.url, body, &signature, limit).await;
    let webhooks = &mut app.lock().world.webhooks;
    let mut shown = match webhooks.subscriptions.get_mut(&subscription.id) {
        Some(subscription) => {
            if status.is_some() && subscription.state == State::PendingVerification {
                subscription.state = State::Active;
            }
            show(subscription)
        }
        None => show(subscription),
    };
    shown["handshake"] = json!({"status": status, "latency_ms": latency_ms, "error": error});
    shown
}

/// `POST webhooks/deliveries/{id}/redeliver`: sends an event once more, at once.
async fn redeliver(app: &Arc<App>, id: &str) -> Answer {
    let missing = || (404, format!("there is no delivery `{id}` of a subscription that exists"));
    let found = Id::parse(id).ok_or_else(missing)?;
    let turn = app.turn.lock().await;
    let job = {
        let webhooks = &app.lock().world.webhooks;
        let delivery = webhooks.deliveries.iter().find(|delivery| delivery.id == found);
        delivery.and_then(|delivery| job(webhooks, delivery)).ok_or_else(missing)?
    };
    webhooks::send_one(app, &job).await;
    drop(turn);
    let deliveries = &app.lock().world.webhooks.deliveries;
    let sent = deliveries.iter().find(|delivery| delivery.id == found);
    Ok((200, delivery(sent.ok_or_else(missing)?)))
}

/// `POST webhooks/settings` `{window_ms?, timeout_ms?, delay_ms?, duplicate?, reverse?}`
fn configure(app: &App, body: &Value) -> Answer {
    let webhooks = &mut app.lock().world.webhooks;
    let error = "send {\"window_ms\", \"timeout_ms\", \"delay_ms\": milliseconds up to a day, \
                 \"duplicate\", \"reverse\": true or false}, any of them";
    let refused = || (400, error.to_owned());
    let mut settings = json!(webhooks.settings);
    for (name, value) in body.as_object().ok_or_else(refused)? {
        let is_small = value.as_u64().is_none_or(|value| value <= MILLISECONDS_MAX);
        let place = settings.get_mut(name).filter(|_| is_small).ok_or_else(refused)?;
        *place = value.clone();
    }
    let settings: Settings = serde_json::from_value(settings).map_err(|_| refused())?;
    webhooks.settings = settings;
    Ok((200, json!(settings)))
}
