//! What stands before the protocol on HTTP: bounds, Host and Origin, who is calling, and whether this is
//! a message at all. Whatever is refused here is refused in JSON-RPC's words.

mod address;
mod credentials;
mod message;
mod passthrough;
mod refusal;

use std::convert::Infallible;
use std::fmt::Display;
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Method, Request, Response, StatusCode, header};
use http_body_util::combinators::BoxBody;
use http_body_util::{BodyExt, Full, LengthLimitError, Limited};
use rmcp::ServerHandler;

use self::message::{Kind, Message};
use self::refusal::Refusal;
use crate::Door;
use crate::server::Arrived;
use model::{Principal, ToolSet};

/// The body of an answer.
pub type Body = BoxBody<Bytes, Infallible>;

/// The largest message: some of what Notion takes, written as JSON in JSON.
pub(crate) const BODY_MAX: usize = 2 * 1024 * 1024;
/// For a whole message.
const BODY_TIMEOUT: Duration = Duration::from_secs(30);
/// What is read of a message from somebody who is not let in, and for how long.
const STRANGERS_BODY_MAX: usize = 64 * 1024;
const STRANGERS_BODY_TIMEOUT: Duration = Duration::from_secs(1);
/// All header values together, and a single one.
const HEADERS_MAX: usize = 32 * 1024;
const HEADER_MAX: usize = 16 * 1024;
const REQUEST_ID: &str = "x-request-id";
const BOTH_KINDS: &str = "application/json, text/event-stream";
const JSON: &str = "application/json";
const EVENT_STREAM: &str = "text/event-stream";
/// What sessions are made of, of which there are none.
const OF_SESSIONS: [&str; 2] = ["mcp-session-id", "last-event-id"];

impl<H: ServerHandler + Clone> Door<H> {
    /// Answers one HTTP request.
    pub async fn answer<B>(&self, request: Request<B>) -> Response<Body>
    where
        B: http_body::Body<Data = Bytes> + Send + 'static,
        B::Error: Into<Box<dyn std::error::Error + Send + Sync>> + Display,
    {
        let mut id = None;
        match self.admit(request, &mut id).await {
            Ok(response) => response,
            Err(refusal) => refusal.into_response(id),
        }
    }

    /// The tools that a caller is offered: those that its key is for, or those that it asks for.
    fn tools_for(&self, principal: &Principal, path: &str) -> ToolSet {
        let fixed = principal.key().and_then(|key| key.tools);
        fixed.unwrap_or_else(|| match path.trim_end_matches('/').rsplit('/').next() {
            Some("official") => ToolSet::Official,
            Some("all") => ToolSet::All,
            _ => self.settings.tools,
        })
    }

    /// Everything in its order. `id` is that of the message, as soon as it is known.
    async fn admit<B>(
        &self,
        request: Request<B>,
        id: &mut Option<serde_json::Value>,
    ) -> Result<Response<Body>, Refusal>
    where
        B: http_body::Body<Data = Bytes> + Send + 'static,
        B::Error: Into<Box<dyn std::error::Error + Send + Sync>> + Display,
    {
        let (mut parts, body) = request.into_parts();
        check_sizes(&parts.headers)?;
        if parts.extensions.get::<Principal>().is_none() {
            address::check(&parts, self.settings.service_url.as_deref())?;
        }
        let request_id = parts.headers.get(REQUEST_ID).and_then(|value| value.to_str().ok());
        let request_id = request_id.map_or_else(|| self.gate.new_request_id(), str::to_owned);
        let principal = match self.identify(&parts, &request_id).await {
            Ok(principal) => principal,
            Err(refusal) => {
                *id = id_of(body).await;
                return Err(refusal);
            }
        };
        if parts.method != Method::POST {
            return Err(Refusal::method());
        }
        check_types(&parts.headers)?;
        let bytes = read(body, BODY_TIMEOUT).await?;
        let message = Message::read(&bytes, id)?;
        if message.kind == Kind::Response {
            return answer_to_nothing(&parts.headers);
        }
        let tools = self.tools_for(&principal, parts.uri.path());
        if let Some(name) = &message.tool {
            credentials::check_scope(&parts, &principal, tools, name)?;
        }
        let step_up = credentials::is_access_token(&parts);
        parts.extensions.insert(Arrived { principal, request_id, tools, step_up });
        for name in OF_SESSIONS {
            parts.headers.remove(name);
        }
        parts.headers.insert(header::ACCEPT, HeaderValue::from_static(BOTH_KINDS));
        // Nothing of what the caller showed goes further than here.
        parts.headers.remove(header::AUTHORIZATION);
        parts.headers.remove(passthrough::NOTION_TOKEN);
        let response = self.protocol.handle(Request::from_parts(parts, Full::new(bytes))).await;
        in_json(response).await
    }
}

fn check_sizes(headers: &HeaderMap) -> Result<(), Refusal> {
    let sizes = || headers.values().map(HeaderValue::len);
    if sizes().sum::<usize>() > HEADERS_MAX || sizes().any(|size| size > HEADER_MAX) {
        return Err(Refusal::new(
            StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE,
            "the headers are too large: 16 KiB for one and 32 KiB for all is the most",
        ));
    }
    Ok(())
}

/// What comes must be JSON, and JSON must be good enough for an answer.
fn check_types(headers: &HeaderMap) -> Result<(), Refusal> {
    let essence = |value: &str| value.split(';').next().unwrap_or_default().trim().to_lowercase();
    let content = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    if content.map(essence).as_deref() != Some(JSON) {
        return Err(Refusal::new(
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            "the body must be JSON: send `Content-Type: application/json`",
        ));
    }
    let mut accepted = headers.get_all(header::ACCEPT).iter().peekable();
    let is_good = |kind: &str| {
        matches!(essence(kind).as_str(), JSON | EVENT_STREAM | "*/*" | "application/*" | "")
    };
    let takes_json =
        |value: &HeaderValue| value.to_str().is_ok_and(|it| it.split(',').any(is_good));
    if accepted.peek().is_some() && !accepted.any(takes_json) {
        return Err(Refusal::new(
            StatusCode::NOT_ACCEPTABLE,
            "answers are JSON or an event stream: send `Accept: application/json, text/event-stream`",
        ));
    }
    Ok(())
}

async fn read<B>(body: B, within: Duration) -> Result<Bytes, Refusal>
where
    B: http_body::Body<Data = Bytes>,
    B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    match tokio::time::timeout(within, Limited::new(body, BODY_MAX).collect()).await {
        Ok(Ok(whole)) => Ok(whole.to_bytes()),
        Ok(Err(error)) if error.is::<LengthLimitError>() => Err(Refusal::new(
            StatusCode::PAYLOAD_TOO_LARGE,
            "the message is too large: 2 MiB is the most",
        )),
        Ok(Err(_)) => Err(Refusal::new(StatusCode::BAD_REQUEST, "the body broke off")),
        Err(_) => Err(Refusal::new(StatusCode::REQUEST_TIMEOUT, "the body did not come in time")),
    }
}

/// The id of a message whose sender is refused. Some clients show their users only answers that bear it.
async fn id_of<B>(body: B) -> Option<serde_json::Value>
where
    B: http_body::Body<Data = Bytes>,
    B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    let whole = Limited::new(body, STRANGERS_BODY_MAX).collect();
    let bytes = tokio::time::timeout(STRANGERS_BODY_TIMEOUT, whole).await.ok()?.ok()?.to_bytes();
    let mut id = None;
    // Whatever is wrong with the message is no matter now.
    let _ = Message::read(&bytes, &mut id);
    id
}

/// We ask nothing, so an answer answers nothing. Earlier protocols let it pass.
fn answer_to_nothing(headers: &HeaderMap) -> Result<Response<Body>, Refusal> {
    let version = headers.get("mcp-protocol-version").and_then(|value| value.to_str().ok());
    if version.is_some_and(|version| version >= "2026-07-28") {
        return Err(Refusal::invalid("a request or a notification is wanted, not a response"));
    }
    let mut response = Response::new(Full::new(Bytes::new()).boxed());
    *response.status_mut() = StatusCode::ACCEPTED;
    Ok(response)
}

/// What the protocol refuses in plain text, in JSON-RPC's words.
async fn in_json(response: Response<Body>) -> Result<Response<Body>, Refusal> {
    let kind = response.headers().get(header::CONTENT_TYPE).map(HeaderValue::as_bytes);
    let status = response.status();
    if status.is_success() || kind.is_some_and(|kind| kind.starts_with(JSON.as_bytes())) {
        return Ok(response);
    }
    let whole = response.into_body().collect().await.map(|whole| whole.to_bytes());
    let text = whole.map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).unwrap_or_default();
    Err(match status {
        // It is JSON of the right kind, so what is wrong is inside.
        StatusCode::UNSUPPORTED_MEDIA_TYPE => {
            Refusal::invalid("the parameters do not fit the method")
        }
        StatusCode::BAD_REQUEST => Refusal::invalid(text),
        status if status.is_server_error() => {
            tracing::warn!(%status, text, "MCP failed inside");
            Refusal::internal()
        }
        status => Refusal::new(status, text),
    })
}

#[cfg(test)]
mod tests {
    use std::pin::Pin;
    use std::task::{Context, Poll};

    use http_body::Frame;

    use super::*;

    /// A body that says a little, and then nothing more for ever.
    struct Slow(Option<Bytes>);

    impl http_body::Body for Slow {
        type Data = Bytes;
        type Error = Infallible;

        fn poll_frame(
            mut self: Pin<&mut Self>,
            _: &mut Context<'_>,
        ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
            self.0.take().map_or(Poll::Pending, |bytes| Poll::Ready(Some(Ok(Frame::data(bytes)))))
        }
    }

    fn status<T>(read: Result<T, Refusal>) -> Option<StatusCode> {
        read.err().map(|refusal| refusal.into_response(None).status())
    }

    #[tokio::test]
    async fn mt_06_a_body_that_trickles_is_given_up_and_a_large_one_is_not_read() {
        let slow = Slow(Some(Bytes::from_static(b"{")));
        let given_up = status(read(slow, Duration::from_millis(20)).await);
        assert_eq!(given_up, Some(StatusCode::REQUEST_TIMEOUT));
        let large = Slow(Some(Bytes::from(vec![b' '; BODY_MAX + 1])));
        assert_eq!(status(read(large, BODY_TIMEOUT).await), Some(StatusCode::PAYLOAD_TOO_LARGE));
        let whole = Full::new(Bytes::from_static(b"{}"));
        assert_eq!(read(whole, BODY_TIMEOUT).await.ok(), Some(Bytes::from_static(b"{}")));
    }
}
