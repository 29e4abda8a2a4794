//! The request to a subscriber: signed, with a time limit, redirects not followed.

use std::fmt::Write;
use std::time::Duration;

use aws_lc_rs::hmac;
use bytes::Bytes;
use http::{Request, Uri, header};
use http_body_util::Full;
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use tokio::time::{Instant, timeout};

/// The value of `X-Notion-Signature`: HMAC-SHA256 of the body, with the whole token as key.
pub(crate) fn sign(verification_token: &str, body: &[u8]) -> String {
    let key = hmac::Key::new(hmac::HMAC_SHA256, verification_token.as_bytes());
    let mut text = "sha256=".to_owned();
    for byte in hmac::sign(&key, body).as_ref() {
        // Writing to a text cannot fail.
        let _ = write!(text, "{byte:02x}");
    }
    text
}

/// What came of a request.
#[derive(Clone, Debug)]
pub(crate) struct Outcome {
    pub(crate) status: Option<u16>,
    pub(crate) latency_ms: u64,
    /// Why there is no status, or why it is not good enough.
    pub(crate) error: Option<String>,
}

impl Outcome {
    /// Whether the receiver took the event.
    pub(crate) fn is_taken(&self) -> bool {
        self.status.is_some_and(|status| (200..300).contains(&status))
    }
}

/// Sends requests. Every one has a connection of its own: one that was kept and that the receiver
/// has closed meanwhile would look like a failed attempt.
#[derive(Debug)]
pub(crate) struct Sender(Client<HttpConnector, Full<Bytes>>);

impl Default for Sender {
    fn default() -> Self {
        Self(Client::builder(TokioExecutor::new()).pool_max_idle_per_host(0).build_http())
    }
}

impl Sender {
    /// Posts a JSON body and waits for the head of the answer; nobody looks at its body.
    pub(crate) async fn post(
        &self,
        url: &str,
        body: String,
        signature: &str,
        limit: Duration,
    ) -> Outcome {
        let start = Instant::now();
        let answered = timeout(limit, self.ask(url, body, signature)).await;
        let latency_ms = u64::try_from(start.elapsed().as_millis()).unwrap_or(u64::MAX);
        let (status, error) = match answered {
            Err(_) => (None, Some(format!("no answer within {} ms", limit.as_millis()))),
            Ok(Err(error)) => (None, Some(error)),
            Ok(Ok(status @ 200..300)) => (Some(status), None),
            Ok(Ok(status)) => (Some(status), Some(format!("the receiver answered {status}"))),
        };
        Outcome { status, latency_ms, error }
    }

    async fn ask(&self, url: &str, body: String, signature: &str) -> Result<u16, String> {
        let uri: Uri = url.parse().map_err(|error| format!("this is not a URL: {error}"))?;
        let request = Request::post(uri)
            .header(header::CONTENT_TYPE, "application/json")
            .header(header::USER_AGENT, "notion-sandbox")
            .header("x-notion-signature", signature)
            .body(Full::new(Bytes::from(body)))
            .map_err(|error| error.to_string())?;
        let response = self.0.request(request).await.map_err(|error| {
            let cause = std::error::Error::source(&error).map(ToString::to_string);
            cause.map_or_else(|| error.to_string(), |cause| format!("{error}: {cause}"))
        })?;
        Ok(response.status().as_u16())
    }
}

#[cfg(test)]
mod tests {
    use super::sign;

    /// The sample in Notion's documentation.
    #[test]
    fn signs_as_notion_does() {
        let token = "secret_tMrlL1qK5vuQAh1b6cZGhFChZTSYJlce98V0pYn7yBl";
        let body = format!("{{\"verification_token\":\"{token}\"}}");
        assert_eq!(
            sign(token, body.as_bytes()),
            "sha256=461e8cbcba8a75c3edd866f0e71280f5a85cbf21eff040ebd10fe266df38a735"
        );
    }
}
