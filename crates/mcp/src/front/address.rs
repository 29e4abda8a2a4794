//! Whether a request was meant for this gate. A page that a browser shows may make its name point here,
//! or send requests to here from elsewhere; what it cannot do is to say `Host` and `Origin` otherwise.

use std::net::IpAddr;

use http::request::Parts;
use http::uri::Authority;
use http::{HeaderName, StatusCode, Uri, header};

use super::refusal::Refusal;

/// Refuses a request that was meant for somebody else. `own` is the gate's public address.
pub(crate) fn check(parts: &Parts, own: Option<&str>) -> Result<(), Refusal> {
    let own: Option<Uri> = own.and_then(|own| own.parse().ok());
    let host = host(parts)?;
    if !is_ours(&host, own.as_ref()) {
        let message = format!(
            "the host `{}` is not this gate's: set SERVICE_URL to the address that callers use",
            shown(host.as_str())
        );
        return Err(Refusal::new(StatusCode::FORBIDDEN, message));
    }
    match single(parts, &header::ORIGIN)? {
        Some(origin) if !is_same_origin(origin, &host, own.as_ref()) => {
            let message = format!(
                "the origin `{}` is not this gate's: pages elsewhere may not call it",
                shown(origin)
            );
            Err(Refusal::new(StatusCode::FORBIDDEN, message))
        }
        _ => Ok(()),
    }
}

/// A header that may stand only once.
fn single<'a>(parts: &'a Parts, name: &HeaderName) -> Result<Option<&'a str>, Refusal> {
    let mut values = parts.headers.get_all(name).iter();
    let (first, second) = (values.next(), values.next());
    match (first, second) {
        (None, _) => Ok(None),
        (Some(value), None) => match value.to_str() {
            Ok(text) => Ok(Some(text)),
            Err(_) => Err(foreign(name)),
        },
        _ => Err(foreign(name)),
    }
}

fn foreign(name: &HeaderName) -> Refusal {
    Refusal::new(
        StatusCode::FORBIDDEN,
        format!("the header `{name}` is none that can be understood"),
    )
}

fn host(parts: &Parts) -> Result<Authority, Refusal> {
    let named = match single(parts, &header::HOST)? {
        Some(host) => host.parse().ok(),
        None => parts.uri.authority().cloned(),
    };
    named
        .filter(|host: &Authority| !host.as_str().contains('@'))
        .ok_or_else(|| foreign(&header::HOST))
}

/// The machine itself, the address that was told, or, where none was, an address in numbers: no page
/// has one that it could point elsewhere.
fn is_ours(host: &Authority, own: Option<&Uri>) -> bool {
    let name = bare(host.host());
    let address = name.parse::<IpAddr>().ok();
    if name.eq_ignore_ascii_case("localhost") || address.is_some_and(|it| it.is_loopback()) {
        return true;
    }
    match own.and_then(Uri::authority) {
        Some(own_host) => {
            let default = default_port(own.and_then(Uri::scheme_str));
            bare(own_host.host()).eq_ignore_ascii_case(name)
                && own_host.port_u16().or(default) == host.port_u16().or(default)
        }
        None => address.is_some(),
    }
}

fn is_same_origin(origin: &str, host: &Authority, own: Option<&Uri>) -> bool {
    let Ok(origin) = origin.parse::<Uri>() else { return false };
    let (Some(scheme @ ("http" | "https")), Some(named)) =
        (origin.scheme_str(), origin.authority())
    else {
        return false;
    };
    if named.as_str().contains('@') || !matches!(origin.path(), "" | "/") {
        return false;
    }
    let default = default_port(Some(scheme));
    let is = |other: &Authority, other_default| {
        named.host().eq_ignore_ascii_case(other.host())
            && named.port_u16().or(default) == other.port_u16().or(other_default)
    };
    let is_own = own.is_some_and(|own| {
        own.scheme_str() == Some(scheme) && own.authority().is_some_and(|own| is(own, default))
    });
    is_own || is(host, default)
}

fn bare(host: &str) -> &str {
    host.trim_start_matches('[').trim_end_matches(']')
}

fn default_port(scheme: Option<&str>) -> Option<u16> {
    match scheme {
        Some("https") => Some(443),
        Some("http") => Some(80),
        _ => None,
    }
}

/// A bounded part of what a caller sent.
fn shown(text: &str) -> String {
    text.chars().take(100).collect()
}

#[cfg(test)]
mod tests {
    use http::Request;

    use super::*;

    fn taken(own: Option<&str>, host: &str, origin: Option<&str>) -> bool {
        let mut request = Request::builder().uri("/mcp").header("host", host);
        if let Some(origin) = origin {
            request = request.header("origin", origin);
        }
        check(&request.body(()).unwrap().into_parts().0, own).is_ok()
    }

    #[test]
    fn h01_rs_10_own_origins_are_taken_and_foreign_ones_are_not() {
        let own = Some("https://gate.example.com");
        assert!(taken(own, "gate.example.com", None));
        assert!(taken(own, "gate.example.com:443", Some("https://gate.example.com")));
        assert!(taken(None, "127.0.0.1:3000", Some("http://127.0.0.1:3000")));
        assert!(taken(None, "localhost:3000", Some("http://localhost:3000")));
        assert!(taken(own, "127.0.0.1:3000", Some("https://GATE.example.com")));
        for foreign in [
            "http://evil.example.com",
            "https://gate.example.com.evil.com",
            "https://gate.example.com:8443",
            "http://gate.example.com",
            "https://user@gate.example.com",
            "null",
            "",
            "ftp://gate.example.com",
            "gate.example.com",
        ] {
            assert!(!taken(own, "gate.example.com:443", Some(foreign)), "{foreign}");
        }
        assert!(!taken(None, "127.0.0.1:3000", Some("http://127.0.0.1:4000")));
    }

    #[test]
    fn rs_10_foreign_hosts_are_not_taken() {
        let own = Some("https://gate.example.com");
        for host in ["localhost", "127.0.0.1:3000", "[::1]:3000", "gate.example.com"] {
            assert!(taken(own, host, None), "{host}");
        }
        for host in
            ["evil.example.com", "gate.example.com:99", "gate.example.com.evil.com", "10.0.0.1"]
        {
            assert!(!taken(own, host, None), "{host}");
        }
        assert!(taken(None, "192.168.1.7:3000", None));
        for host in ["evil.example.com", "localhost.evil.com", "127.0.0.1.evil.com", "a@localhost"]
        {
            assert!(!taken(None, host, None), "{host}");
        }
    }
}
