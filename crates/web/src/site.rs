//! How callers reach this gate: its public address, and whether they must come over https.

use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::str::FromStr;

use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use http::uri::Scheme;
use http::{HeaderMap, StatusCode, Uri};

use crate::App;
use crate::caller::{LocalOperator, RequestId};
use crate::problem::Problem;
use crate::server::{Encrypted, PeerAddress};

/// How callers reach this gate.
#[derive(Clone, Debug, Default)]
pub struct Site {
    /// Whether the gate speaks https itself.
    pub own_tls: bool,
    /// Whether requests that did not come over https are refused.
    pub require_tls: bool,
    /// The gate's public address, if it differs from the one that it listens on.
    pub service_url: Option<ServiceUrl>,
}

impl Site {
    /// Whether people reach the gate over https only, so that cookies and pages may insist on it.
    pub fn is_secure(&self) -> bool {
        self.own_tls
            || self.require_tls
            || self.service_url.as_ref().is_some_and(ServiceUrl::is_https)
    }

    /// Where a request comes from. Behind a reverse proxy that is what the proxy adds to
    /// `X-Forwarded-For`, at its end; without one nobody's word is taken for it.
    pub(crate) fn source(&self, headers: &HeaderMap, peer: Option<SocketAddr>) -> Option<IpAddr> {
        let peer = peer.map(|peer| peer.ip());
        if self.own_tls || !self.is_secure() {
            return peer;
        }
        let forwarded = headers.get_all("x-forwarded-for").iter().next_back();
        let added = forwarded.and_then(|value| value.to_str().ok()?.rsplit(',').next());
        added.and_then(|address| address.trim().parse().ok()).or(peer)
    }

    /// The address that tokens and metadata name: as the gate was told, or how somebody at this machine
    /// calls it. What a caller from elsewhere writes into `Host` is nobody's address.
    pub(crate) fn public_origin(&self, host: Option<&str>) -> Option<gate::Origin> {
        let told = self.service_url.as_ref().map(|url| gate::Origin::new(url.as_str()));
        told.or_else(|| {
            let host = host?.to_ascii_lowercase();
            let authority: http::uri::Authority = host.parse().ok()?;
            let is_local = matches!(authority.host(), "localhost" | "127.0.0.1" | "[::1]");
            let is_plain = is_local && !host.contains('@');
            self.origin(Some(&host)).filter(|_| is_plain).map(|origin| gate::Origin::new(&origin))
        })
    }

    /// Where people open the gate: as it was told, otherwise as they named it themselves.
    pub(crate) fn origin(&self, host: Option<&str>) -> Option<String> {
        let scheme = if self.is_secure() { "https" } else { "http" };
        match (&self.service_url, host) {
            (Some(url), _) => Some(url.as_str().to_owned()),
            (None, Some(host)) => Some(format!("{scheme}://{}", host.to_ascii_lowercase())),
            (None, None) => None,
        }
    }
}

/// The gate's public address: scheme, host and port, without a path.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct ServiceUrl(String);

/// The text is no address that a gate can have.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("must be an address like https://gate.example.com, without path and query")]
pub struct BadServiceUrl;

impl ServiceUrl {
    /// The address as browsers write an origin: without a slash at the end.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether it begins with `https://`.
    pub fn is_https(&self) -> bool {
        self.0.starts_with("https://")
    }
}

impl FromStr for ServiceUrl {
    type Err = BadServiceUrl;

    fn from_str(text: &str) -> Result<Self, BadServiceUrl> {
        let uri: Uri = text.trim().parse().map_err(|_| BadServiceUrl)?;
        let (Some(scheme), Some(authority)) = (uri.scheme(), uri.authority()) else {
            return Err(BadServiceUrl);
        };
        let known = *scheme == Scheme::HTTPS || *scheme == Scheme::HTTP;
        let bare = matches!(uri.path(), "" | "/") && uri.query().is_none();
        if !known || !bare || authority.as_str().contains('@') || authority.host().is_empty() {
            return Err(BadServiceUrl);
        }
        let default_port = if *scheme == Scheme::HTTPS { 443 } else { 80 };
        let port = authority.port_u16().filter(|port| *port != default_port);
        let host = authority.host().to_ascii_lowercase();
        let port = port.map(|port| format!(":{port}")).unwrap_or_default();
        Ok(Self(format!("{scheme}://{host}{port}")))
    }
}

impl fmt::Display for ServiceUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Refuses requests that travelled in clear, where that is not allowed. Whether the gate is alive is
/// told to everybody: those who ask stand beside it.
pub(crate) async fn require_tls(State(app): State<App>, request: Request, next: Next) -> Response {
    let path = request.uri().path();
    let is_health = path == "/health" || path.starts_with("/health/");
    let is_local = request.extensions().get::<LocalOperator>().is_some();
    if !app.site.require_tls || is_health || is_local || came_over_https(&request) {
        return next.run(request).await;
    }
    let detail = "This gate takes requests over https only, and this one came in clear: use https, and \
                  let the reverse proxy set `X-Forwarded-Proto: https`";
    if path == "/v1" || path.starts_with("/v1/") {
        let error = gate::Error::Malformed(notion::ApiError::validation(format!("{detail}.")));
        return crate::v1::refused(&error, &RequestId::of(request.headers(), &app));
    }
    Problem::new(StatusCode::BAD_REQUEST, "https_required", detail).into_response()
}

/// Whether nobody on its way could read a request: it came over https, or from this machine itself.
pub(crate) fn came_in_private<B>(request: &http::Request<B>) -> bool {
    let here = request
        .extensions()
        .get::<PeerAddress>()
        .is_some_and(|it| it.0.ip().to_canonical().is_loopback());
    // A reverse proxy is on this machine, too, but its callers are not.
    let proxied = ["x-forwarded-for", "x-forwarded-proto", "forwarded"]
        .iter()
        .any(|name| request.headers().contains_key(*name));
    let is_local = request.extensions().get::<LocalOperator>().is_some();
    is_local || (here && !proxied) || came_over_https(request)
}

/// Whether a request came over https, here or at the reverse proxy.
fn came_over_https<B>(request: &http::Request<B>) -> bool {
    request.extensions().get::<Encrypted>().is_some() || forwarded_https(request.headers())
}

/// Whether the reverse proxy says that the request came over https, on every part of its way.
fn forwarded_https(headers: &HeaderMap) -> bool {
    let mut values = headers.get_all("x-forwarded-proto").iter().peekable();
    values.peek().is_some()
        && values.all(|value| {
            let schemes = value.to_str().unwrap_or_default().split(',');
            schemes.into_iter().all(|scheme| scheme.trim().eq_ignore_ascii_case("https"))
        })
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    #[test]
    fn a_service_url_is_an_origin() {
        for (text, origin) in [
            ("https://Gate.Example.com", "https://gate.example.com"),
            (" https://gate.example.com:443/ ", "https://gate.example.com"),
            ("http://localhost:3000", "http://localhost:3000"),
            ("https://[::1]:8443", "https://[::1]:8443"),
        ] {
            assert_eq!(text.parse::<ServiceUrl>().unwrap().as_str(), origin);
        }
        for wrong in [
            "",
            "gate.example.com",
            "ftp://gate.example.com",
            "https://gate.example.com/notegate",
            "https://gate.example.com/?a=b",
            "https://user@gate.example.com",
            "https://",
        ] {
            assert_eq!(wrong.parse::<ServiceUrl>(), Err(BadServiceUrl), "{wrong}");
        }
    }

    #[test]
    fn a_source_is_the_peer_or_what_the_proxy_says() {
        let peer: SocketAddr = "192.0.2.1:4000".parse().unwrap();
        let mut headers = HeaderMap::new();
        headers.append("x-forwarded-for", HeaderValue::from_static("198.51.100.7"));
        headers.append("x-forwarded-for", HeaderValue::from_static("10.0.0.1, 203.0.113.9"));
        let told = |site: Site, headers: &HeaderMap| {
            site.source(headers, Some(peer)).map(|address| address.to_string())
        };
        let proxied = || Site { require_tls: true, ..Site::default() };
        assert_eq!(told(proxied(), &headers).as_deref(), Some("203.0.113.9"));
        assert_eq!(told(proxied(), &HeaderMap::new()).as_deref(), Some("192.0.2.1"));
        assert_eq!(told(Site::default(), &headers).as_deref(), Some("192.0.2.1"));
        let own = Site { own_tls: true, require_tls: true, ..Site::default() };
        assert_eq!(told(own, &headers).as_deref(), Some("192.0.2.1"));
        headers.append("x-forwarded-for", HeaderValue::from_static("nonsense"));
        assert_eq!(told(proxied(), &headers).as_deref(), Some("192.0.2.1"));
    }

    #[test]
    fn f127_what_is_private() {
        let private = |peer: &str, headers: &[(&str, &str)]| {
            let mut request = http::Request::builder();
            for (name, value) in headers {
                request = request.header(*name, *value);
            }
            let mut request = request.body(()).unwrap();
            request.extensions_mut().insert(PeerAddress(SocketAddr::new(peer.parse().unwrap(), 9)));
            came_in_private(&request)
        };
        assert!(private("127.0.0.1", &[]));
        assert!(private("::1", &[]));
        assert!(private("::ffff:127.0.0.1", &[]));
        assert!(private("10.0.0.9", &[("x-forwarded-proto", "https")]));
        assert!(private("127.0.0.1", &[("x-forwarded-for", "a"), ("x-forwarded-proto", "https")]));
        assert!(!private("10.0.0.9", &[]));
        assert!(!private("127.0.0.1", &[("x-forwarded-for", "192.0.2.1")]));
        assert!(!private("127.0.0.1", &[("x-forwarded-proto", "http")]));
        assert!(!private("127.0.0.1", &[("forwarded", "proto=http")]));
        assert!(!came_in_private(&http::Request::new(())), "nobody knows from where");
    }

    #[test]
    fn as_50_what_a_caller_writes_into_host_changes_no_address() {
        let told = |site: &Site, host| site.public_origin(host).map(|origin| origin.to_string());
        let here = Site::default();
        for (host, origin) in [
            ("localhost:3000", "http://localhost:3000"),
            ("127.0.0.1", "http://127.0.0.1"),
            ("LOCALHOST:1", "http://localhost:1"),
            ("[::1]:3000", "http://[::1]:3000"),
        ] {
            assert_eq!(told(&here, Some(host)).as_deref(), Some(origin));
        }
        let foreign = [
            "evil.example",
            "localhost.evil.example",
            "127.0.0.1.evil.example",
            "x@localhost",
            "localhost@evil.example",
            "localhost:3000/x",
            "localhost\"",
            "",
        ];
        for host in foreign {
            assert_eq!(told(&here, Some(host)), None, "{host}");
        }
        let service_url = Some("https://gate.example".parse().unwrap());
        let public = Site { service_url, ..Site::default() };
        for host in foreign.iter().copied().chain(["localhost:3000", "gate.example:1"]) {
            assert_eq!(told(&public, Some(host)).as_deref(), Some("https://gate.example"));
        }
    }

    #[test]
    fn every_part_of_the_way_must_be_https() {
        let told = |values: &[&'static str]| {
            let mut headers = HeaderMap::new();
            for value in values {
                headers.append("x-forwarded-proto", HeaderValue::from_static(value));
            }
            forwarded_https(&headers)
        };
        assert!(told(&["https"]));
        assert!(told(&["HTTPS, https"]));
        for wrong in [&[][..], &["http"], &["https, http"], &["https", "http"], &[""], &["https,"]]
        {
            assert!(!told(wrong), "{wrong:?}");
        }
    }
}
