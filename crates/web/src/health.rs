//! `/health`, `/health/live`, `/health/ready`, `/metrics`: open to everybody, and tell nothing secret.

use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::{StatusCode, header};
use serde_json::json;

use crate::App;
use crate::routes::{OPEN, Routes, get};

pub(crate) fn routes() -> Routes {
    Routes::new()
        .route("/health", get(OPEN, health))
        .route("/health/live", get(OPEN, live))
        .route("/health/ready", get(OPEN, ready))
        .route("/metrics", get(OPEN, metrics))
        .with(|router| router.method_not_allowed_fallback(crate::problem::no_method))
}

/// The state of everything that calls need; 200 even if something is missing.
async fn health(State(app): State<App>) -> Response {
    let readiness = app.gate.readiness();
    let word = |good| if good { "ok" } else { "failing" };
    let connection = readiness.connection.map_or("none", word);
    Json(json!({
        "status": if readiness.makes_calls() { "ok" } else { "degraded" },
        "version": env!("CARGO_PKG_VERSION"),
        "checks": { "ledger": word(readiness.ledger), "connection": connection },
    }))
    .into_response()
}

/// The process answers.
async fn live() -> Response {
    Json(json!({ "status": "ok" })).into_response()
}

/// Requests can be taken: 200, or 503.
async fn ready(State(app): State<App>) -> Response {
    let readiness = app.gate.readiness();
    if readiness.takes_requests() {
        Json(json!({ "status": "ok" })).into_response()
    } else {
        (StatusCode::SERVICE_UNAVAILABLE, health(State(app)).await).into_response()
    }
}

/// The counters, in the text format of Prometheus.
async fn metrics(State(app): State<App>) -> Response {
    let readiness = app.gate.readiness();
    match app.metrics.text(readiness.makes_calls(), app.gate.mirror_status()) {
        Ok(text) => {
            let kind = "application/openmetrics-text; version=1.0.0; charset=utf-8";
            ([(header::CONTENT_TYPE, kind)], text).into_response()
        }
        Err(_) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    }
}
