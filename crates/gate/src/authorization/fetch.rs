//! Fetches client documents from the Internet, and from nowhere else.
//!
//! The connection goes to an address that the look-up of the host's name gave and that is public. There is
//! no second look-up, so a name cannot mean one host when it is judged and another when it is used.

use std::future::Future;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use http::{Request, header};
use http_body_util::{BodyExt, Full, Limited};
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::client::legacy::connect::dns::Name;
use hyper_util::rt::TokioExecutor;
use tower::Service;
use url::Url;

use super::documents::{Document, Documents, SIZE_MAX};

/// For a whole fetch.
const TIMEOUT: Duration = Duration::from_secs(4);

/// Fetches documents from public hosts.
#[derive(Clone, Debug)]
pub struct WebDocuments {
    client: Client<HttpsConnector<HttpConnector<PublicOnly>>, Full<Bytes>>,
}

impl WebDocuments {
    /// Asks the system's resolver.
    pub fn new() -> Self {
        let mut tcp = HttpConnector::new_with_resolver(PublicOnly);
        tcp.enforce_http(false);
        tcp.set_connect_timeout(Some(TIMEOUT));
        let tls = HttpsConnectorBuilder::new()
            .with_provider_and_webpki_roots(rustls::crypto::aws_lc_rs::default_provider())
            // INVARIANT: the provider is compiled in and knows TLS 1.2 and 1.3.
            .expect("the TLS provider supports the default protocol versions")
            .https_only()
            .enable_http1()
            .wrap_connector(tcp);
        // A connection lives on the runtime that made it, so nothing is kept open.
        let client = Client::builder(TokioExecutor::new()).pool_max_idle_per_host(0).build(tls);
        Self { client }
    }
}

impl Default for WebDocuments {
    fn default() -> Self {
        Self::new()
    }
}

#[async_trait]
impl Documents for WebDocuments {
    async fn fetch(&self, url: &Url) -> Result<Document, String> {
        let request = Request::get(url.as_str())
            .header(header::ACCEPT, "application/json")
            .body(Full::new(Bytes::new()))
            .map_err(|error| error.to_string())?;
        let whole = async {
            let answer = self.client.request(request).await;
            let answer =
                answer.map_err(|_| "its host cannot be reached, or is not public".to_owned())?;
            let (parts, body) = answer.into_parts();
            let text =
                |name| parts.headers.get(name).and_then(|it| it.to_str().ok()).map(str::to_owned);
            let body = Limited::new(body, SIZE_MAX).collect().await;
            let body = body.map_err(|_| "it is too large, or broke off".to_owned())?.to_bytes();
            Ok(Document {
                status: parts.status.as_u16(),
                content_type: text(header::CONTENT_TYPE),
                cache_control: text(header::CACHE_CONTROL),
                body,
            })
        };
        let in_time = tokio::time::timeout(TIMEOUT, whole).await;
        in_time.unwrap_or_else(|_| Err("its host did not answer in time".to_owned()))
    }
}

/// Looks names up, and gives public addresses only.
#[derive(Clone, Copy, Debug)]
struct PublicOnly;

impl Service<Name> for PublicOnly {
    type Response = std::vec::IntoIter<SocketAddr>;
    type Error = io::Error;
    type Future = Pin<Box<dyn Future<Output = io::Result<Self::Response>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, name: Name) -> Self::Future {
        Box::pin(async move {
            let found = tokio::net::lookup_host((name.as_str(), 0)).await?;
            public_only(found.collect())
        })
    }
}

/// The addresses, if all of them are public: a name that means both is up to something.
fn public_only(found: Vec<SocketAddr>) -> io::Result<std::vec::IntoIter<SocketAddr>> {
    if found.is_empty() || !found.iter().all(|address| is_public(address.ip())) {
        return Err(io::Error::other("the name does not lead to a public address"));
    }
    Ok(found.into_iter())
}

/// Whether an address is one of the Internet (RFC 6890).
fn is_public(address: IpAddr) -> bool {
    match address.to_canonical() {
        IpAddr::V4(address) => {
            let [a, b, c, _] = address.octets();
            let special = a == 0
                || a == 10
                || a == 127
                || a >= 224
                || (a == 100 && (64..128).contains(&b))
                || (a == 169 && b == 254)
                || (a == 172 && (16..32).contains(&b))
                || (a == 192 && b == 168)
                || (a == 192 && b == 0 && (c == 0 || c == 2))
                || (a == 192 && b == 88 && c == 99)
                || (a == 198 && (b == 18 || b == 19))
                || (a == 198 && b == 51 && c == 100)
                || (a == 203 && b == 0 && c == 113);
            !special
        }
        IpAddr::V6(address) => {
            let [a, b, ..] = address.segments();
            // Of 2000::/3, what stands for other addresses or for none: documentation, 6to4, Teredo and
            // their like, NAT64 lies outside.
            let global = (a & 0xe000) == 0x2000;
            global && a != 0x2002 && !(a == 0x2001 && b < 0x0200) && !(a == 0x2001 && b == 0x0db8)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn as_41_private_addresses_are_not_connected_to() {
        for public in
            ["1.1.1.1", "8.8.8.8", "160.79.104.10", "2606:4700::1111", "2a00:1450:4001::1"]
        {
            assert!(is_public(public.parse().unwrap()), "{public}");
        }
        for private in [
            "0.0.0.0",
            "10.0.0.1",
            "100.64.0.1",
            "127.0.0.1",
            "127.1.2.3",
            "169.254.169.254",
            "172.16.0.1",
            "172.31.255.255",
            "192.0.0.1",
            "192.0.2.1",
            "192.168.1.1",
            "198.18.0.1",
            "198.51.100.1",
            "203.0.113.1",
            "224.0.0.1",
            "255.255.255.255",
            "::",
            "::1",
            "::ffff:127.0.0.1",
            "::ffff:10.0.0.1",
            "64:ff9b::7f00:1",
            "fc00::1",
            "fd12::1",
            "fe80::1",
            "fec0::1",
            "ff02::1",
            "2001:db8::1",
            "2001::1",
            "2002:7f00:1::1",
        ] {
            assert!(!is_public(private.parse().unwrap()), "{private}");
        }
    }

    #[test]
    fn as_41_a_name_that_leads_inside_and_outside_is_not_believed() {
        let addresses = |texts: &[&str]| -> Vec<SocketAddr> {
            texts.iter().map(|text| SocketAddr::new(text.parse().unwrap(), 0)).collect()
        };
        assert!(public_only(addresses(&["1.1.1.1", "2606:4700::1111"])).is_ok());
        assert!(public_only(addresses(&["1.1.1.1", "127.0.0.1"])).is_err());
        assert!(public_only(addresses(&["10.0.0.1"])).is_err());
        assert!(public_only(Vec::new()).is_err());
    }
}
