//! `/webhooks/notion`: what Notion sends. Who may send is the gate's to judge; here the request is
//! read, with a bound, and the judgement is put into words.

use axum::Json;
use axum::body::Body;
use axum::extract::{Path, Request, State};
use axum::response::{IntoResponse, Response};
use gate::{Delivery, DeliveryBody, Received, WebhookRefusal};
use http::{HeaderMap, StatusCode, header};
use http_body::Body as _;
use http_body_util::{BodyExt, LengthLimitError, Limited};
use notion::webhook::SIGNATURE_HEADER;
use serde_json::json;

use crate::App;
use crate::caller::{BODY_TIMEOUT, RequestId};
use crate::problem::{Problem, REASON};
use crate::routes::{Routes, SIGNATURE, post};
use crate::server::PeerAddress;

pub(crate) fn routes() -> Routes {
    Routes::new()
        .route("/webhooks/notion", post(SIGNATURE, receive))
        .route("/webhooks/notion/{hook}", post(SIGNATURE, receive))
        .with(|router| router.method_not_allowed_fallback(crate::problem::no_method))
}

async fn receive(State(app): State<App>, hook: Option<Path<String>>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let request_id = parts
        .extensions
        .get::<RequestId>()
        .cloned()
        .unwrap_or_else(|| RequestId::of(&parts.headers, &app));
    let peer = parts.extensions.get::<PeerAddress>().map(|peer| peer.0);
    let source = app.site.source(&parts.headers, peer);
    let delivery = Delivery {
        hook: hook.map(|Path(hook)| hook),
        source,
        content_type: only(&parts.headers, header::CONTENT_TYPE.as_str()),
        signature: only(&parts.headers, SIGNATURE_HEADER),
        body: read(body).await,
        request_id: request_id.0,
    };
    match app.gate.receive_webhook(delivery).await {
        Ok(Received::Event) => Json(json!({ "received": true })).into_response(),
        Ok(Received::Duplicate) => {
            Json(json!({ "received": true, "duplicate": true })).into_response()
        }
        Ok(Received::Handshake) => Json(json!({ "received": true })).into_response(),
        Ok(Received::Challenge(challenge)) => {
            Json(json!({ "challenge": challenge })).into_response()
        }
        Err(refusal) => refused(&refusal),
    }
}

/// A header that may stand only once. Two are what no honest sender sends.
fn only(headers: &HeaderMap, name: &str) -> Option<String> {
    let mut values = headers.get_all(name).iter();
    let value = values.next()?;
    let is_plain = values.next().is_none();
    Some(value.to_str().ok().filter(|_| is_plain).unwrap_or_default().to_owned())
}

async fn read(body: Body) -> DeliveryBody {
    if body.size_hint().lower() > DeliveryBody::MAX as u64 {
        return DeliveryBody::TooLarge;
    }
    let whole = Limited::new(body, DeliveryBody::MAX).collect();
    match tokio::time::timeout(BODY_TIMEOUT, whole).await {
        Ok(Ok(whole)) => DeliveryBody::Whole(whole.to_bytes()),
        Ok(Err(error)) if error.is::<LengthLimitError>() => DeliveryBody::TooLarge,
        Ok(Err(_)) | Err(_) => DeliveryBody::Broken,
    }
}

fn refused(refusal: &WebhookRefusal) -> Response {
    let (status, code) = match refusal {
        WebhookRefusal::NoSuchHook => (StatusCode::NOT_FOUND, "no_such_route"),
        WebhookRefusal::ContentType => {
            (StatusCode::UNSUPPORTED_MEDIA_TYPE, "unsupported_media_type")
        }
        WebhookRefusal::TooLarge => (StatusCode::PAYLOAD_TOO_LARGE, "too_large"),
        WebhookRefusal::Broken => (StatusCode::BAD_REQUEST, "invalid_payload"),
        WebhookRefusal::Rate { .. } => (StatusCode::TOO_MANY_REQUESTS, "rate_limited"),
        WebhookRefusal::NoSignature => (StatusCode::UNAUTHORIZED, "signature_missing"),
        WebhookRefusal::WrongSignature => (StatusCode::UNAUTHORIZED, "signature_wrong"),
        WebhookRefusal::NotPairing => (StatusCode::FORBIDDEN, "pairing_closed"),
        WebhookRefusal::Conflict => (StatusCode::CONFLICT, "pairing_conflict"),
        WebhookRefusal::Payload(_) => (StatusCode::BAD_REQUEST, "invalid_payload"),
        WebhookRefusal::Unable(error) => {
            tracing::warn!(%error, "a webhook could not be taken; Notion sends it again");
            let detail = "The event cannot be taken now: send it again later";
            let problem = Problem::new(StatusCode::SERVICE_UNAVAILABLE, "unavailable", detail);
            return problem.into_response();
        }
    };
    let mut response = Problem::new(status, code, refusal.to_string()).into_response();
    let headers = response.headers_mut();
    headers.insert(REASON, http::HeaderValue::from_static(refusal.reason()));
    // What proves who sends is a signature, not a key.
    headers.remove(header::WWW_AUTHENTICATE);
    if let WebhookRefusal::Rate { retry_after } = refusal {
        headers.insert(header::RETRY_AFTER, (*retry_after).into());
    }
    response
}
