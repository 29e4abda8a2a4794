//! Who is calling, and under which request id.

use std::time::Duration;

use axum::extract::{FromRequest, FromRequestParts, Path, Request};
use bytes::Bytes;
use gate::{Audience, Error, bearer};
use http::request::Parts;
use http::{HeaderMap, StatusCode};
use model::Principal;
use serde::de::DeserializeOwned;

use crate::App;
use crate::problem::Problem;

/// In the extensions of requests by those who can open the data directory.
#[derive(Clone, Copy, Debug)]
pub(crate) struct LocalOperator;

/// The id of a request: the caller's own, if it is harmless, or a new one.
#[derive(Clone, Debug)]
pub(crate) struct RequestId(pub(crate) String);

/// Names the tenant that the operator acts for. Nobody else's is looked at.
const TENANT: &str = "x-notegate-tenant";
pub(crate) const REQUEST_ID: &str = "x-request-id";
/// For a whole request body.
pub(crate) const BODY_TIMEOUT: Duration = Duration::from_secs(30);

impl RequestId {
    pub(crate) fn of(headers: &HeaderMap, app: &App) -> Self {
        let harmless = |text: &&str| {
            (1..=128).contains(&text.len())
                && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.:".contains(&byte))
                && !crate::log::looks_like_a_secret(text)
        };
        let sent = headers.get(REQUEST_ID).and_then(|value| value.to_str().ok()).filter(harmless);
        Self(sent.map_or_else(|| app.gate.new_request_id(), str::to_owned))
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

/// A JSON body, whatever the content type says: nothing here relies on cookies, so a browser that is
/// talked into sending a form can do no harm with it.
#[derive(Debug)]
pub(crate) struct JsonBody<T>(pub(crate) T);

impl<T: DeserializeOwned> FromRequest<App> for JsonBody<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, app: &App) -> Result<Self, Problem> {
        let whole = tokio::time::timeout(BODY_TIMEOUT, Bytes::from_request(request, app)).await;
        let bytes = whole.map_err(|_| {
            let detail = "The body did not come in time";
            Problem::new(StatusCode::REQUEST_TIMEOUT, "timeout", detail)
        })??;
        serde_json::from_slice(&bytes).map(Self).map_err(|error| {
            let code = if error.is_data() { "validation_error" } else { "invalid_json" };
            Problem::new(StatusCode::BAD_REQUEST, code, format!("The body does not fit: {error}"))
        })
    }
}

/// The one parameter of a path.
#[derive(Debug)]
pub(crate) struct PathParam(pub(crate) String);

impl FromRequestParts<App> for PathParam {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Problem> {
        let Path(text) = Path::<String>::from_request_parts(parts, app).await?;
        Ok(Self(text))
    }
}

/// Who calls `/api/v1`. Found out before the handler runs, by what the route needs (`routes.rs`); a
/// route that is open to everybody has none.
#[derive(Clone, Debug)]
pub(crate) struct Caller {
    pub(crate) principal: Principal,
    pub(crate) request_id: RequestId,
}

impl FromRequestParts<App> for Caller {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &App) -> Result<Self, Problem> {
        parts.extensions.remove::<Self>().ok_or_else(|| Problem::of(&Error::NoKey))
    }
}

/// Who sends this request, by a key.
pub(crate) async fn identify(
    parts: &Parts,
    app: &App,
    request_id: &RequestId,
) -> Result<Principal, Error> {
    match local_operator(parts, app) {
        Some(operator) => operator,
        None => app.gate.identify(bearer(&parts.headers), request_id.as_str()).await,
    }
}

/// Who sends this request to `/api/v1`, by a key or by an access token that was made for it.
pub(crate) async fn identify_at_api(
    parts: &Parts,
    app: &App,
    request_id: &RequestId,
) -> Result<Principal, Error> {
    match local_operator(parts, app) {
        Some(operator) => operator,
        None => {
            let shown = bearer(&parts.headers);
            app.gate.recognise(shown, Audience::Api, request_id.as_str()).await
        }
    }
}

/// The operator, if the request came by the socket of the data directory.
fn local_operator(parts: &Parts, app: &App) -> Option<Result<Principal, Error>> {
    parts.extensions.get::<LocalOperator>()?;
    let tenant = parts.headers.get(TENANT).map(|name| name.to_str().unwrap_or_default());
    Some(tenant.map_or_else(|| Ok(app.gate.operator()), |name| app.gate.operator_named(name)))
}
