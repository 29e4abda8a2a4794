//! `/v1`: Notion's REST API, as Notion answers it.

use axum::body::Body;
use axum::extract::{Request, State};
use axum::response::Response;
use bytes::Bytes;
use gate::{Answer, AnswerBody, BODY_MAX, Call, CallBody, Error};
use http::{HeaderMap, HeaderValue, StatusCode, header};
use http_body::Body as _;
use http_body_util::{BodyExt, Limited};
use notion::catalogue::find;
use notion::client::{BodyError, REQUEST_ID_HEADER, VERSION_HEADER};
use notion::{ApiError, Operation};

use crate::App;
use crate::caller::{BODY_TIMEOUT, RequestId, identify};
use crate::log::OperationName;
use crate::problem::REASON;
use crate::routes::{Routes, any_operation};

/// A single part of a file upload is at most 20 MB; the rest is the envelope of the form.
const UPLOAD_MAX: usize = 21 * 1024 * 1024;

pub(crate) fn routes() -> Routes {
    Routes::new()
        .route("/v1", any_operation(door))
        .route("/v1/", any_operation(door))
        .route("/v1/{*path}", any_operation(door))
}

async fn door(State(app): State<App>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let request_id = parts
        .extensions
        .get::<RequestId>()
        .cloned()
        .unwrap_or_else(|| RequestId::of(&parts.headers, &app));
    let found = find(&parts.method, parts.uri.path());
    let operation = found.as_ref().map(|found| found.operation);
    let answer = match identify(&parts, &app, &request_id).await {
        // Like Notion, an unknown route is told before a bad token.
        Err(_) if found.is_none() => Err(Error::Malformed(ApiError::invalid_request_url())),
        Err(error) => Err(error),
        Ok(principal) => {
            let origin = app.site.origin(single(&parts.headers, header::HOST.as_str()));
            let call = Call {
                found,
                query: parts.uri.query(),
                version: single(&parts.headers, VERSION_HEADER),
                body: read(&parts.headers, body).await,
                request_id: request_id.as_str(),
                origin: origin.as_deref(),
            };
            app.gate.call(&principal, call).await
        }
    };
    let mut response = match answer {
        Ok(answer) => passed_on(answer),
        Err(error) => refused(&error, &request_id),
    };
    if let Some(Operation { name, .. }) = operation {
        response.extensions_mut().insert(OperationName(name));
    }
    response
}

/// A header that may stand only once.
fn single<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    let mut values = headers.get_all(name).iter();
    match (values.next(), values.next()) {
        (Some(value), None) => value.to_str().ok(),
        _ => None,
    }
}

async fn read(headers: &HeaderMap, body: Body) -> CallBody {
    if body.is_end_stream() {
        return CallBody::Whole(Bytes::new());
    }
    let content_type = headers.get(header::CONTENT_TYPE);
    let multipart =
        content_type.filter(|value| value.as_bytes().starts_with(b"multipart/form-data"));
    if let Some(content_type) = multipart {
        let body = Limited::new(body, UPLOAD_MAX).map_err(BodyError).boxed_unsync();
        return CallBody::Stream(content_type.clone(), body);
    }
    if body.size_hint().lower() > BODY_MAX as u64 {
        return CallBody::TooLarge;
    }
    match tokio::time::timeout(BODY_TIMEOUT, Limited::new(body, BODY_MAX).collect()).await {
        Ok(Ok(whole)) => CallBody::Whole(whole.to_bytes()),
        Ok(Err(error)) if error.is::<http_body_util::LengthLimitError>() => CallBody::TooLarge,
        // Cut off: no JSON, whatever came before.
        Ok(Err(_)) | Err(_) => CallBody::Whole(Bytes::from_static(b"{")),
    }
}

fn passed_on(answer: Answer) -> Response {
    let body = match answer.body {
        AnswerBody::Whole(bytes) => Body::from(bytes),
        AnswerBody::Stream(stream) => Body::new(stream),
    };
    let mut response = Response::new(body);
    *response.status_mut() = answer.status;
    *response.headers_mut() = answer.headers;
    response
}

/// An error of the gate in Notion's shape.
pub(crate) fn refused(error: &Error, request_id: &RequestId) -> Response {
    let api = error.to_api();
    let mut response = Response::new(Body::from(api.to_json(request_id.as_str()).to_string()));
    *response.status_mut() =
        StatusCode::from_u16(api.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let headers = response.headers_mut();
    headers
        .insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json; charset=utf-8"));
    if let Ok(value) = HeaderValue::try_from(request_id.as_str()) {
        headers.insert(REQUEST_ID_HEADER, value);
    }
    if let Some(reason) = error.reason() {
        headers.insert(REASON, HeaderValue::from_static(reason));
    }
    if let Some(retry_after) = error.retry_after() {
        headers.insert(header::RETRY_AFTER, retry_after.into());
    }
    if matches!(
        error,
        Error::Upstream(_)
            | Error::Answer(_)
            | Error::Ledger
            | Error::Store(_)
            | Error::Credential(_)
    ) {
        log_failure(error, request_id);
    }
    response
}

/// What is ours or Notion's fault goes to the log with its causes; the caller gets the first line.
pub(crate) fn log_failure(error: &Error, request_id: &RequestId) {
    let causes = std::iter::successors(std::error::Error::source(error), |cause| cause.source());
    let causes: Vec<_> = causes.map(ToString::to_string).collect();
    tracing::warn!(request_id = request_id.as_str(), causes = causes.join(": "), "{error}");
}
