//! Asking a provider: over TLS, without following redirects, bounded in time and size.

use std::time::Duration;

use bytes::Bytes;
use http::{Method, Request, StatusCode, header};
use http_body_util::{BodyExt, Full, Limited};
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use serde_json::Value;

use crate::error::OidcError;

/// The largest answer that is read.
const ANSWER_MAX: usize = 512 * 1024;

/// What asks.
#[derive(Clone, Debug)]
pub(crate) struct Fetch {
    client: Client<HttpsConnector<HttpConnector>, Full<Bytes>>,
    timeout: Duration,
}

impl Fetch {
    pub(crate) fn new(timeout: Duration) -> Self {
        let mut tcp = HttpConnector::new();
        tcp.enforce_http(false);
        tcp.set_connect_timeout(Some(timeout));
        let tls = HttpsConnectorBuilder::new()
            .with_provider_and_webpki_roots(rustls::crypto::aws_lc_rs::default_provider())
            // INVARIANT: the provider is compiled in and knows TLS 1.2 and 1.3.
            .expect("the TLS provider supports the default protocol versions")
            .https_or_http()
            .enable_http1()
            .wrap_connector(tcp);
        // Nothing is kept open: a connection lives on the runtime that made it, and people sign in on all.
        let client = Client::builder(TokioExecutor::new()).pool_max_idle_per_host(0).build(tls);
        Self { client, timeout }
    }

    /// A GET, with a bearer token if there is one.
    pub(crate) async fn get(&self, url: &str, bearer: Option<&str>) -> Result<Value, OidcError> {
        let mut request = Request::builder().method(Method::GET).uri(url);
        if let Some(token) = bearer {
            request = request.header(header::AUTHORIZATION, format!("Bearer {token}"));
        }
        let (status, answer) = self.send(url, request, Bytes::new()).await?;
        match status {
            StatusCode::OK => Ok(answer),
            other => Err(OidcError::Status { url: url.to_owned(), status: other.as_u16() }),
        }
    }

    /// A form; an error of OAuth is an answer, too.
    pub(crate) async fn post(
        &self,
        url: &str,
        authorization: Option<&str>,
        form: String,
    ) -> Result<(StatusCode, Value), OidcError> {
        let mut request = Request::builder()
            .method(Method::POST)
            .uri(url)
            .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded");
        if let Some(authorization) = authorization {
            request = request.header(header::AUTHORIZATION, authorization);
        }
        self.send(url, request, form.into()).await
    }

    async fn send(
        &self,
        url: &str,
        request: http::request::Builder,
        body: Bytes,
    ) -> Result<(StatusCode, Value), OidcError> {
        let unreachable = |why: String| OidcError::Unreachable { url: url.to_owned(), why };
        let nonsense = |what: &str| OidcError::Nonsense { url: url.to_owned(), what: what.into() };
        let request = request.header(header::ACCEPT, "application/json").body(Full::new(body));
        let request = request.map_err(|error| unreachable(error.to_string()))?;
        let whole = async {
            let answer = self.client.request(request).await.map_err(|error| {
                let cause = std::error::Error::source(&error).map(ToString::to_string);
                unreachable(cause.unwrap_or_else(|| error.to_string()))
            })?;
            let status = answer.status();
            let read = Limited::new(answer.into_body(), ANSWER_MAX).collect().await;
            let bytes = read.map_err(|_| nonsense("it is too large, or broke off"))?.to_bytes();
            match serde_json::from_slice(&bytes) {
                Ok(json) => Ok((status, json)),
                // What a proxy in between says is no JSON; its status tells more.
                Err(_) if !status.is_success() => {
                    Err(OidcError::Status { url: url.to_owned(), status: status.as_u16() })
                }
                Err(_) => Err(nonsense("it is no JSON")),
            }
        };
        let seconds = self.timeout.as_secs_f64();
        let in_time = tokio::time::timeout(self.timeout, whole).await;
        in_time.unwrap_or_else(|_| Err(unreachable(format!("no answer within {seconds} s"))))
    }
}
