//! A client of Notion's API: bounded time, bounded retries, bodies that stream.
//!
//! The token is an argument of each call. What may be sent again, and when:
//!
//! | answer | reads | writes |
//! |---|---|---|
//! | no connection could be made | again | again: nothing was sent |
//! | 429, 529 | after `Retry-After` | after `Retry-After`: Notion did nothing |
//! | 500, 502, 503, 504 | again, with backoff | never: Notion may have saved it |
//! | time-out, connection lost | again while time is left | never |
//!
//! A 429 with `public_api_request_blocked` is never repeated. Sources: Notion's
//! "request limits" page, section on errors after a saved write.

use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Method, StatusCode, Uri, header};
use http_body::{Body, Frame, SizeHint};
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt, Full, Limited};
use hyper::body::Incoming;
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::Client as Pool;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::{TokioExecutor, TokioTimer};
use secrecy::{ExposeSecret, SecretString};
use tokio::time::{Instant, Sleep};

use crate::error::ApiError;

/// An error of any kind, as streamed bodies have it.
pub type BoxError = Box<dyn std::error::Error + Send + Sync>;
/// A body that streams.
pub type StreamBody = UnsyncBoxBody<Bytes, BodyError>;
/// Why a body broke off.
#[derive(Debug, thiserror::Error)]
#[error(transparent)]
pub struct BodyError(#[from] pub BoxError);

/// A number in `[0, 1)`, drawn anew at each call.
pub type Dice = Arc<dyn Fn() -> f64 + Send + Sync>;

/// The header that names the version.
pub const VERSION_HEADER: &str = "notion-version";
/// The header with the request's id in an answer of Notion.
pub const REQUEST_ID_HEADER: &str = "x-notion-request-id";

const RETRIES_MAX: u32 = 2;
const BACKOFF: Duration = Duration::from_millis(500);
/// An error body is short; what is longer is not looked into.
const ERROR_BODY_MAX: usize = 64 * 1024;

/// How a client behaves.
#[derive(Clone)]
pub struct Settings {
    /// Where Notion is: scheme, host, port and perhaps a path prefix, without a slash at the end.
    pub base_url: String,
    /// For a whole call, retries and the body included.
    pub timeout: Duration,
    /// For the delay between retries.
    pub dice: Dice,
}

impl fmt::Debug for Settings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Settings")
            .field("base_url", &self.base_url)
            .field("timeout", &self.timeout)
            .finish_non_exhaustive()
    }
}

/// A pool of connections to Notion.
///
/// A clone shares the pool. Connections live on the runtime that opened them, so each runtime should
/// have a client of its own ([`Client::new`]).
#[derive(Clone, Debug)]
pub struct Client {
    pool: Pool<HttpsConnector<HttpConnector>, StreamBody>,
    settings: Arc<Settings>,
}

/// What is sent.
#[derive(Debug)]
pub enum RequestBody {
    /// Nothing.
    Empty,
    /// JSON, held so that it can be sent again.
    Json(Bytes),
    /// Bytes that pass through once, with their content type.
    Stream(HeaderValue, StreamBody),
}

/// A request, without its token.
#[derive(Debug)]
pub struct Request {
    /// The method.
    pub method: Method,
    /// Path and query, beginning with `/v1/`.
    pub path_and_query: String,
    /// The value of `Notion-Version`.
    pub version: &'static str,
    /// The body.
    pub body: RequestBody,
    /// Whether it may be sent again after an answer that leaves open what happened.
    pub repeatable: bool,
}

impl Request {
    /// The same request once more; `None` if its body streams, for that passes through once.
    pub fn again(&self) -> Option<Self> {
        let body = match &self.body {
            RequestBody::Empty => RequestBody::Empty,
            RequestBody::Json(bytes) => RequestBody::Json(bytes.clone()),
            RequestBody::Stream(..) => return None,
        };
        let (method, path_and_query) = (self.method.clone(), self.path_and_query.clone());
        Some(Self {
            method,
            path_and_query,
            body,
            version: self.version,
            repeatable: self.repeatable,
        })
    }
}

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub enum SendError {
    /// The time was over.
    #[error("Notion did not answer within {} s", .0.as_secs_f64())]
    Timeout(Duration),
    /// No connection could be made; nothing was sent.
    #[error("no connection to Notion could be made")]
    Connect(#[source] BoxError),
    /// The connection broke; a write may have been done.
    #[error("the connection to Notion broke before it answered")]
    Broken(#[source] BoxError),
    /// The request is none that HTTP can carry.
    #[error("the request cannot be written as HTTP")]
    Malformed(#[source] http::Error),
}

/// An answer of Notion.
#[derive(Debug)]
pub struct Response {
    /// The status.
    pub status: StatusCode,
    /// All headers.
    pub headers: HeaderMap,
    /// The body, with the rest of the call's time.
    pub body: StreamBody,
}

impl Response {
    /// Reads the whole body, up to `limit` bytes.
    pub async fn collect(self, limit: usize) -> Result<(StatusCode, HeaderMap, Bytes), BoxError> {
        let bytes = Limited::new(self.body, limit).collect().await?.to_bytes();
        Ok((self.status, self.headers, bytes))
    }
}

impl Client {
    /// A client with a pool of its own.
    pub fn new(settings: Settings) -> Self {
        let mut tcp = HttpConnector::new();
        tcp.enforce_http(false);
        tcp.set_nodelay(true);
        tcp.set_connect_timeout(Some(settings.timeout.min(Duration::from_secs(10))));
        let tls = HttpsConnectorBuilder::new()
            .with_provider_and_webpki_roots(rustls::crypto::aws_lc_rs::default_provider())
            // INVARIANT: the provider is compiled in and knows TLS 1.2 and 1.3.
            .expect("the TLS provider supports the default protocol versions")
            .https_or_http()
            .enable_http1()
            .wrap_connector(tcp);
        let pool = Pool::builder(TokioExecutor::new())
            .pool_timer(TokioTimer::new())
            .pool_idle_timeout(Duration::from_secs(60))
            .pool_max_idle_per_host(512)
            .build(tls);
        Self { pool, settings: Arc::new(settings) }
    }

    /// How the client behaves.
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// Sends `request` with `token`; an error status is an answer, too.
    pub async fn send(
        &self,
        request: Request,
        token: &SecretString,
    ) -> Result<Response, SendError> {
        self.send_as(request, &authorization("Bearer", token)?).await
    }

    /// Sends `request` with the value of its `Authorization` header.
    pub(crate) async fn send_as(
        &self,
        request: Request,
        authorization: &HeaderValue,
    ) -> Result<Response, SendError> {
        let deadline = Instant::now() + self.settings.timeout;
        let timeout = SendError::Timeout(self.settings.timeout);
        let Request { method, path_and_query, version, mut body, repeatable } = request;
        let uri: Uri = format!("{}{path_and_query}", self.settings.base_url)
            .parse()
            .map_err(|error: http::uri::InvalidUri| SendError::Malformed(error.into()))?;
        let mut attempt = 0;
        loop {
            let replayable = !matches!(body, RequestBody::Stream(..));
            let attempts_left = replayable && attempt < RETRIES_MAX;
            let request = build(&method, &uri, version, &mut body, authorization)?;
            let Ok(answer) = tokio::time::timeout_at(deadline, self.pool.request(request)).await
            else {
                return Err(timeout);
            };
            let wait = match answer {
                Ok(answer) => {
                    let answer = receive(answer, deadline);
                    match self.wait_before_retry(answer, repeatable, attempt).await {
                        Verdict::Final(answer) => return Ok(answer),
                        Verdict::Retry(answer, wait) => {
                            if !attempts_left || Instant::now() + wait >= deadline {
                                return Ok(answer);
                            }
                            wait
                        }
                    }
                }
                Err(error) => {
                    let unsent = error.is_connect();
                    let wait = self.backoff(attempt);
                    let again = attempts_left && (unsent || repeatable);
                    if !again || Instant::now() + wait >= deadline {
                        let error = BoxError::from(error);
                        return Err(if unsent {
                            SendError::Connect(error)
                        } else {
                            SendError::Broken(error)
                        });
                    }
                    wait
                }
            };
            tracing::debug!(%method, path = uri.path(), attempt, wait_ms = wait.as_millis() as u64, "again");
            tokio::time::sleep(wait).await;
            attempt += 1;
        }
    }

    /// Whether `answer` is worth another try, and after how long.
    async fn wait_before_retry(&self, answer: Response, repeatable: bool, attempt: u32) -> Verdict {
        match answer.status.as_u16() {
            429 | 529 => {
                let wait = retry_after(&answer.headers).unwrap_or_else(|| self.backoff(attempt));
                // Read, because the body tells whether a retry is welcome at all.
                let Response { status, headers, body } = answer;
                let Ok(body) = Limited::new(body, ERROR_BODY_MAX).collect().await else {
                    let body = Full::default().map_err(|never| match never {}).boxed_unsync();
                    return Verdict::Final(Response { status, headers, body });
                };
                let bytes = body.to_bytes();
                let blocked = ApiError::parse(status.as_u16(), &bytes)
                    .and_then(|error| error.additional_data)
                    .is_some_and(|data| {
                        data.get("rate_limit_reason")
                            .is_some_and(|reason| reason == "public_api_request_blocked")
                    });
                let body = Full::new(bytes).map_err(|never| match never {}).boxed_unsync();
                let answer = Response { status, headers, body };
                if blocked { Verdict::Final(answer) } else { Verdict::Retry(answer, wait) }
            }
            500 | 502..=504 if repeatable => {
                let wait = retry_after(&answer.headers).unwrap_or_else(|| self.backoff(attempt));
                Verdict::Retry(answer, wait)
            }
            _ => Verdict::Final(answer),
        }
    }

    /// 0.25 to 0.75 s, then twice that.
    fn backoff(&self, attempt: u32) -> Duration {
        BACKOFF.mul_f64(f64::from(1 << attempt) * ((self.settings.dice)() + 0.5))
    }
}

enum Verdict {
    Final(Response),
    Retry(Response, Duration),
}

/// The value of an `Authorization` header, marked so that nothing prints it.
pub(crate) fn authorization(scheme: &str, secret: &SecretString) -> Result<HeaderValue, SendError> {
    let value = format!("{scheme} {}", secret.expose_secret());
    let mut value =
        HeaderValue::try_from(value).map_err(|error| SendError::Malformed(error.into()))?;
    value.set_sensitive(true);
    Ok(value)
}

fn build(
    method: &Method,
    uri: &Uri,
    version: &'static str,
    body: &mut RequestBody,
    authorization: &HeaderValue,
) -> Result<http::Request<StreamBody>, SendError> {
    let builder = http::Request::builder()
        .method(method.clone())
        .uri(uri.clone())
        .header(header::AUTHORIZATION, authorization)
        .header(VERSION_HEADER, HeaderValue::from_static(version))
        .header(
            header::USER_AGENT,
            HeaderValue::from_static(concat!("notegate/", env!("CARGO_PKG_VERSION"))),
        );
    let whole = |bytes| Full::new(bytes).map_err(|never| match never {}).boxed_unsync();
    let request = match body {
        RequestBody::Empty => builder.body(whole(Bytes::new())),
        RequestBody::Json(bytes) => builder
            .header(header::CONTENT_TYPE, HeaderValue::from_static("application/json"))
            .body(whole(bytes.clone())),
        RequestBody::Stream(content_type, stream) => {
            let stream = std::mem::replace(stream, whole(Bytes::new()));
            builder.header(header::CONTENT_TYPE, content_type.clone()).body(stream)
        }
    };
    request.map_err(SendError::Malformed)
}

/// `Retry-After` in whole seconds (Notion sends no dates).
fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    headers.get(header::RETRY_AFTER)?.to_str().ok()?.trim().parse().ok().map(Duration::from_secs)
}

fn receive(answer: http::Response<Incoming>, deadline: Instant) -> Response {
    let (parts, body) = answer.into_parts();
    let body = Timed { body, until: Box::pin(tokio::time::sleep_until(deadline)) };
    Response { status: parts.status, headers: parts.headers, body: body.boxed_unsync() }
}

/// A body that must be read before its time is over.
struct Timed {
    body: Incoming,
    until: Pin<Box<Sleep>>,
}

impl Body for Timed {
    type Data = Bytes;
    type Error = BodyError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        if let Poll::Ready(frame) = Pin::new(&mut self.body).poll_frame(context) {
            return Poll::Ready(frame.map(|frame| frame.map_err(|error| BodyError(error.into()))));
        }
        self.until
            .as_mut()
            .poll(context)
            .map(|()| Some(Err(BodyError("Notion did not send the whole body in time".into()))))
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
