//! `/mcp`: the way to the MCP door, which stands in a crate of its own. The two do not know each other;
//! the binary hands the one to the other.

use std::fmt;
use std::sync::Arc;

use axum::body::Body;
use axum::extract::{Request, State};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use futures_util::future::BoxFuture;
use http::{HeaderValue, StatusCode};

use crate::App;
use crate::caller::{LocalOperator, REQUEST_ID, RequestId, identify};
use crate::problem;
use crate::routes::{Routes, any_operation};
use crate::site::came_in_private;

/// The MCP door: from a request to an answer. It judges who is calling itself; whoever the doors here
/// know already is in the request's extensions, as a [`model::Principal`].
#[derive(Clone)]
pub struct McpDoor(Arc<dyn Fn(Request) -> BoxFuture<'static, Response> + Send + Sync>);

impl fmt::Debug for McpDoor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("McpDoor")
    }
}

impl McpDoor {
    /// A door made of a function.
    pub fn new<F, A, B>(answer: F) -> Self
    where
        F: Fn(Request) -> A + Send + Sync + 'static,
        A: Future<Output = http::Response<B>> + Send + 'static,
        B: http_body::Body<Data = Bytes, Error = std::convert::Infallible> + Send + 'static,
    {
        Self(Arc::new(move |request| {
            let answered = answer(request);
            Box::pin(async move { answered.await.map(Body::new) })
        }))
    }
}

pub(crate) fn routes() -> Routes {
    Routes::new()
        .route("/mcp", any_operation(door))
        .route("/mcp/", any_operation(door))
        .route("/mcp/official", any_operation(door))
        .route("/mcp/all", any_operation(door))
}

async fn door(State(app): State<App>, mut request: Request) -> Response {
    let Some(McpDoor(answer)) = app.mcp.clone() else {
        return problem::no_route().await.into_response();
    };
    if request.headers().contains_key("notion-token") && !came_in_private(&request) {
        let detail = "A Notion token may not travel in clear: use https, and let the reverse proxy set \
                      `X-Forwarded-Proto: https`. The token that was sent was readable on its way: replace it";
        return problem::Problem::new(StatusCode::BAD_REQUEST, "https_required", detail)
            .into_response();
    }
    let request_id = request.extensions().get::<RequestId>().cloned();
    let request_id = request_id.unwrap_or_else(|| RequestId::of(request.headers(), &app));
    if let Ok(value) = HeaderValue::try_from(request_id.as_str()) {
        request.headers_mut().insert(REQUEST_ID, value);
    }
    // By what name the gate is reached here: access tokens are made for it.
    if let Ok(origin) = crate::oauth::origin(&app, request.headers()) {
        request.extensions_mut().insert(origin);
    }
    if request.extensions().get::<LocalOperator>().is_some() {
        let (mut parts, body) = request.into_parts();
        match identify(&parts, &app, &request_id).await {
            Ok(operator) => drop(parts.extensions.insert(operator)),
            Err(error) => return problem::Problem::of(&error).into_response(),
        }
        request = Request::from_parts(parts, body);
    }
    answer(request).await
}
