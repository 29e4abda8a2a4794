//! Who asks through a browser. A page from anywhere on the web can make its reader's browser send
//! requests to this machine: it cannot read the answers, but control routes and the forms of the
//! workspace change things. So both take requests from pages of the sandbox only.

use std::net::IpAddr;

use http::{HeaderMap, Method, header};

use crate::render::file_upload::FILES;

/// Top-level names that no public name server has (RFC 2606, RFC 6761, and `.internal` by ICANN).
const PRIVATE: [&str; 3] = [".localhost", ".test", ".internal"];

/// Why a request is not answered, if it is not.
pub(crate) fn refusal(
    is_local: bool,
    method: &Method,
    path: &str,
    headers: &HeaderMap,
) -> Option<&'static str> {
    let is_control = path.starts_with("/_sandbox/") && !path.starts_with(FILES);
    let is_site = path == "/" || path.starts_with("/workspace");
    // A name that leads here only now (DNS rebinding) would make a page from elsewhere one of ours.
    if is_local && (is_control || is_site) && !host(headers).is_none_or(is_private) {
        return Some(
            "this sandbox listens on this machine only, and `Host` names another: use 127.0.0.1 \
             or localhost, or start it with --listen 0.0.0.0:PORT",
        );
    }
    if is_control && !method.is_safe() && !is_from_here(headers) {
        return Some(
            "`Origin` is a page of another site: control routes are for programs, and for pages \
             of the sandbox",
        );
    }
    None
}

/// Whether a request was sent by a program, or from one of the sandbox's own pages.
pub(crate) fn is_from_here(headers: &HeaderMap) -> bool {
    let origin = text(headers, header::ORIGIN.as_str());
    match (text(headers, "sec-fetch-site"), origin) {
        (Some(site), _) => matches!(site, "same-origin" | "none"),
        (None, Some(origin)) => origin.split_once("://").map(|(_, host)| host) == host(headers),
        (None, None) => true,
    }
}

/// The sandbox as its client addresses it: the `Host` of the request, if that is one.
pub(crate) fn base_url(headers: &HeaderMap) -> String {
    let is_plain = |host: &&str| {
        host.bytes().all(|byte| byte.is_ascii_alphanumeric() || b".-_:[]".contains(&byte))
    };
    format!("http://{}", host(headers).filter(is_plain).unwrap_or("localhost"))
}

fn text<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name).and_then(|value| value.to_str().ok())
}

fn host(headers: &HeaderMap) -> Option<&str> {
    text(headers, header::HOST.as_str())
}

/// Whether a host is a number, or a name that nobody on the internet can give away.
fn is_private(host: &str) -> bool {
    let name = match host.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        Some((address, _)) => address,
        None => host.split(':').next().unwrap_or_default(),
    };
    let name = name.trim_end_matches('.').to_ascii_lowercase();
    name.parse::<IpAddr>().is_ok()
        || !name.contains('.')
        || PRIVATE.iter().any(|end| name.ends_with(end))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_private_names_lead_to_control() {
        for host in
            ["localhost", "LOCALHOST:3001", "127.0.0.1:3001", "[::1]:3001", "notion", "a.test"]
        {
            assert!(is_private(host), "{host}");
        }
        for host in
            ["example.com", "localhost.example.com:3001", "127.0.0.1.nip.io", "a.test.evil.com"]
        {
            assert!(!is_private(host), "{host}");
        }
    }
}
