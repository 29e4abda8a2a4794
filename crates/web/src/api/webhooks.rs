//! `/api/v1/webhooks`: pairing, subscriptions, events.

use axum::Json;
use axum::extract::rejection::QueryRejection;
use axum::extract::{FromRequestParts, Query, State};
use gate::{EventFilter, EventState, Pairing, ShownEvent, ShownSubscription};
use http::request::Parts;
use http::{StatusCode, header};
use jiff::Timestamp;
use model::ExposeSecret;
use serde::{Deserialize, Serialize};

use super::{Items, Paging};
use crate::App;
use crate::caller::{Caller, LocalOperator, PathParam};
use crate::problem::Problem;
use crate::routes::{MANAGE, Routes, delete, get, post};
use crate::server::Encrypted;

pub(super) fn routes() -> Routes {
    Routes::new()
        .route(
            "/api/v1/webhooks/pairing",
            get(MANAGE, pairing).post(MANAGE, open).delete(MANAGE, close),
        )
        .route("/api/v1/webhooks/subscriptions", get(MANAGE, subscriptions))
        .route("/api/v1/webhooks/subscriptions/{id}", delete(MANAGE, forget))
        .route("/api/v1/webhooks/events", get(MANAGE, events))
        .route("/api/v1/webhooks/events/{id}/replay", post(MANAGE, replay))
}

/// The window as it is shown.
#[derive(Debug, Serialize)]
struct Shown {
    state: gate::PairingState,
    /// What Notion is to be told.
    url: String,
    opened_until: Option<Timestamp>,
    /// To be pasted back into Notion's portal.
    #[serde(skip_serializing_if = "Option::is_none")]
    verification_token: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    subscription: Option<String>,
}

impl Shown {
    fn new(pairing: Pairing, origin: &Origin) -> Self {
        Self {
            state: pairing.state,
            url: format!("{}{}", origin.0, pairing.path),
            opened_until: pairing.open_until,
            verification_token: pairing
                .verification_token
                .map(|token| token.expose_secret().to_owned()),
            subscription: pairing.subscription,
        }
    }
}

/// How the gate is reached, as far as it knows: as it was told, or as the caller did. Nothing for a
/// command on this machine, which comes another way.
struct Origin(String);

impl FromRequestParts<App> for Origin {
    type Rejection = std::convert::Infallible;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Self::Rejection> {
        if let Some(url) = &app.site.service_url {
            return Ok(Self(url.as_str().to_owned()));
        }
        if parts.extensions.get::<LocalOperator>().is_some() {
            return Ok(Self(String::new()));
        }
        let scheme = if parts.extensions.get::<Encrypted>().is_some() { "https" } else { "http" };
        let host = parts.headers.get(header::HOST).and_then(|host| host.to_str().ok());
        Ok(Self(host.map_or_else(String::new, |host| format!("{scheme}://{host}"))))
    }
}

async fn open(
    State(app): State<App>,
    caller: Caller,
    origin: Origin,
) -> Result<(StatusCode, Json<Shown>), Problem> {
    let pairing = app.gate.open_pairing(&caller.principal, caller.request_id.as_str()).await?;
    Ok((StatusCode::CREATED, Json(Shown::new(pairing, &origin))))
}

async fn pairing(
    State(app): State<App>,
    caller: Caller,
    origin: Origin,
) -> Result<Json<Shown>, Problem> {
    let pairing = app.gate.pairing(&caller.principal, caller.request_id.as_str()).await?;
    Ok(Json(Shown::new(pairing, &origin)))
}

async fn close(State(app): State<App>, caller: Caller) -> Result<StatusCode, Problem> {
    app.gate.close_pairing(&caller.principal, caller.request_id.as_str()).await?;
    Ok(StatusCode::NO_CONTENT)
}

async fn subscriptions(
    State(app): State<App>,
    caller: Caller,
) -> Result<Json<Items<ShownSubscription>>, Problem> {
    let request_id = caller.request_id.as_str();
    // At most twenty: one page has them all.
    let items = app.gate.list_webhook_subscriptions(&caller.principal, request_id).await?;
    Ok(Json(Items { items, next_cursor: None }))
}

async fn forget(
    State(app): State<App>,
    caller: Caller,
    PathParam(id): PathParam,
) -> Result<StatusCode, Problem> {
    let request_id = caller.request_id.as_str();
    app.gate.delete_webhook_subscription(&caller.principal, &id, request_id).await?;
    Ok(StatusCode::NO_CONTENT)
}

#[derive(Debug, Deserialize)]
struct Wanted {
    state: Option<String>,
    #[serde(rename = "type")]
    kind: Option<String>,
    object: Option<String>,
    // Not flattened: serde would read the numbers of a query as text.
    cursor: Option<String>,
    limit: Option<u32>,
}

async fn events(
    State(app): State<App>,
    caller: Caller,
    wanted: Result<Query<Wanted>, QueryRejection>,
) -> Result<Json<Items<ShownEvent>>, Problem> {
    let Query(Wanted { state, kind, object, cursor, limit }) = wanted?;
    let state = state.map(|text| {
        EventState::parse(&text).ok_or_else(|| {
            let detail = format!("`{text}` is no state: use new, done or dead");
            Problem::new(StatusCode::BAD_REQUEST, "validation_error", detail)
        })
    });
    // Objects are kept dashed; people paste them in every form.
    let object =
        object.map(|text| notion::Id::from_pasted(&text).map_or(text, |id| id.to_string()));
    let filter = EventFilter { state: state.transpose()?, kind, object };
    let limit = Paging { cursor: None, limit }.limit();
    let (principal, request_id) = (&caller.principal, caller.request_id.as_str());
    let (items, next_cursor) =
        app.gate.list_webhook_events(principal, filter, cursor, limit, request_id).await?;
    Ok(Json(Items { items, next_cursor }))
}

async fn replay(
    State(app): State<App>,
    caller: Caller,
    PathParam(id): PathParam,
) -> Result<(StatusCode, Json<ShownEvent>), Problem> {
    let request_id = caller.request_id.as_str();
    let event = app.gate.replay_webhook_event(&caller.principal, &id, request_id).await?;
    Ok((StatusCode::ACCEPTED, Json(event)))
}
