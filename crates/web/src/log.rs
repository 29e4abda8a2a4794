//! The layer around every request: its id, one line in the log, the counters, and no panic goes out.

use std::panic::AssertUnwindSafe;
use std::time::Instant;

use axum::extract::{MatchedPath, Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use futures_util::FutureExt;
use http::{HeaderValue, StatusCode};
use percent_encoding::percent_decode_str;

use crate::App;
use crate::caller::{REQUEST_ID, RequestId};
use crate::problem::{Problem, REASON};

/// Put into the extensions of an answer by the `/v1` door: the operation, for log and counters.
#[derive(Clone, Copy, Debug)]
pub(crate) struct OperationName(pub(crate) &'static str);

pub(crate) async fn around(State(app): State<App>, mut request: Request, next: Next) -> Response {
    let begun = Instant::now();
    let request_id = RequestId::of(request.headers(), &app);
    request.extensions_mut().insert(request_id.clone());
    let route = request.extensions().get::<MatchedPath>().cloned();
    let method = request.method().clone();
    let path = shown_path(request.uri().path());

    let answered = AssertUnwindSafe(next.run(request)).catch_unwind().await;
    let mut response = answered.unwrap_or_else(|_| {
        let detail = "notegate failed inside; the log has more under this request's id";
        Problem::new(StatusCode::INTERNAL_SERVER_ERROR, "internal_error", detail).into_response()
    });

    if let Ok(value) = HeaderValue::try_from(request_id.as_str()) {
        response.headers_mut().insert(REQUEST_ID, value);
    }
    let status = response.status();
    let took = begun.elapsed();
    let operation = response.extensions().get::<OperationName>().map(|name| name.0);
    let label = match (operation, &route) {
        (Some(operation), _) => operation,
        (None, Some(route)) => route.as_str(),
        (None, None) => "unmatched",
    };
    let reason = response.headers().get(REASON).and_then(|value| value.to_str().ok());
    app.metrics.count(label, &method, status, reason, took);
    tracing::info!(
        target: "request",
        %method,
        path,
        operation,
        status = status.as_u16(),
        reason,
        ms = took.as_micros() as f64 / 1000.0,
        request_id = request_id.as_str(),
    );
    response
}

/// A path as it may stand in a log: bounded, and hidden if somebody put a token into it.
fn shown_path(path: &str) -> String {
    const LENGTH_MAX: usize = 200;
    if looks_like_a_secret(path) {
        return "(hidden: it looks like a secret)".to_owned();
    }
    path.chars().take(LENGTH_MAX).collect()
}

/// Whether a text holds what might be a token or a key.
pub(crate) fn looks_like_a_secret(text: &str) -> bool {
    let text = percent_decode_str(text).decode_utf8_lossy();
    ["ntn_", "secret_", "ngk_", "nrt_"].iter().any(|prefix| text.contains(prefix))
}
