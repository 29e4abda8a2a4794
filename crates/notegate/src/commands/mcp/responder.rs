//! Who answers a message: a gate at an address, that of an installation, or one for just this process.

use anyhow::{Context, bail};
use bytes::Bytes;
use http::{HeaderValue, Request, Response, Uri, header};
use http_body_util::{BodyExt, Full};
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use model::{ExposeSecret, SecretString, ToolSet};

use super::here::Here;
use super::installation::Installation;
use crate::local::Body;

/// Who answers.
pub(super) enum Responder {
    /// A gate that serves MCP over HTTP.
    Elsewhere(Box<Elsewhere>),
    /// The gate of an installation, whichever process has it.
    Installation(Box<Installation>),
    /// A gate of this process.
    Here(Box<Here>),
}

impl Responder {
    /// Sends a message on. `headers` are what HTTP wants to know about it without reading it.
    pub(super) async fn send(
        &self,
        tools: ToolSet,
        message: Bytes,
        headers: Vec<(&'static str, String)>,
    ) -> anyhow::Result<Response<Body>> {
        let mut request = Request::post(match tools {
            ToolSet::Agent => "/mcp",
            ToolSet::Official => "/mcp/official",
            ToolSet::All => "/mcp/all",
        })
        .header(header::HOST, "localhost")
        .header(header::CONTENT_TYPE, "application/json")
        .header(header::ACCEPT, "application/json, text/event-stream");
        for (name, value) in headers {
            request = request.header(name, value);
        }
        let request = request.body(Full::new(message))?;
        match self {
            Self::Elsewhere(gate) => gate.send(request).await,
            Self::Installation(gate) => gate.send(request).await,
            Self::Here(gate) => Ok(gate.answer(request).await),
        }
    }

    /// Writes what is left to write.
    pub(super) async fn close(self) {
        match self {
            Self::Elsewhere(_) => {}
            Self::Installation(gate) => gate.close().await,
            Self::Here(gate) => gate.close().await,
        }
    }
}

/// A gate at an address, and a key for it.
pub(super) struct Elsewhere {
    client: Client<HttpsConnector<HttpConnector>, Full<Bytes>>,
    base: String,
    bearer: HeaderValue,
}

impl Elsewhere {
    pub(super) fn at(url: &str, key: &SecretString) -> anyhow::Result<Self> {
        let base = url.trim().trim_end_matches('/').trim_end_matches("/mcp").to_owned();
        let uri: Uri = base.parse().ok().with_context(|| {
            format!("NOTEGATE_URL must be an address like https://gate.example.com, and is `{url}`")
        })?;
        let host = uri.host().unwrap_or_default();
        match uri.scheme_str() {
            Some("https") => {}
            Some("http") if super::is_loopback(host) => {}
            Some("http") => bail!(
                "NOTEGATE_URL is not https, and the key would travel in clear: use https for `{host}`"
            ),
            _ => bail!(
                "NOTEGATE_URL must be an address like https://gate.example.com, and is `{url}`"
            ),
        }
        let mut bearer = HeaderValue::try_from(format!("Bearer {}", key.expose_secret()))
            .context("NOTEGATE_KEY is no key: copy it whole, it begins with ngk_")?;
        bearer.set_sensitive(true);
        let tls =
            HttpsConnectorBuilder::new().with_webpki_roots().https_or_http().enable_http1().build();
        let client = Client::builder(TokioExecutor::new()).build(tls);
        Ok(Self { client, base, bearer })
    }

    async fn send(&self, mut request: Request<Full<Bytes>>) -> anyhow::Result<Response<Body>> {
        *request.uri_mut() = format!("{}{}", self.base, request.uri()).parse()?;
        // The client writes the one of the address.
        request.headers_mut().remove(header::HOST);
        request.headers_mut().insert(header::AUTHORIZATION, self.bearer.clone());
        let answer = self.client.request(request).await;
        let answer =
            answer.with_context(|| format!("the gate at {} gives no answer", self.base))?;
        Ok(answer.map(|body| body.map_err(anyhow::Error::from).boxed_unsync()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_does_not_travel_in_clear() {
        let key = SecretString::from("ngk_a");
        for good in ["https://gate.example.com", "http://127.0.0.1:3000/mcp", "http://[::1]:1"] {
            assert!(Elsewhere::at(good, &key).is_ok(), "{good}");
        }
        for bad in ["http://gate.example.com", "gate.example.com", "ftp://a", ""] {
            assert!(Elsewhere::at(bad, &key).is_err(), "{bad}");
        }
    }
}
