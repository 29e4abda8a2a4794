//! Clients whose id is the address of a document that describes them (OAuth client ID metadata documents).
//!
//! The document is fetched over https from a host that is public, without following redirects, in a few
//! seconds and kilobytes. It must name itself, to the byte. What it says is kept for a while, as is that it
//! could not be had.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use bytes::Bytes;
use jiff::Timestamp;
use serde_json::Value;
use url::{Host, Url};

use super::clients::{Client, plain_name, redirect_uris};
use super::fault::OAuthFault;
use super::is_past;
use crate::Gate;
use crate::rate::Limiter;

/// The largest document.
pub(super) const SIZE_MAX: usize = 10 * 1024;
/// The longest address.
const ADDRESS_MAX: usize = 500;
/// Documents that are kept.
const KEPT_MAX: usize = 1000;
/// Seconds for which a document is kept, at least, if it does not say, and at most.
const AGES: [i64; 3] = [300, 3600, 24 * 3600];
/// Seconds for which it is remembered that one could not be had.
const FAILURE_AGE: i64 = 30;
/// Fetches from one host in a minute.
const PER_MINUTE: u32 = 20;
/// Fetches that go on at once.
const AT_ONCE: usize = 8;

/// What a fetch brought.
#[derive(Clone, Debug)]
pub struct Document {
    /// The status.
    pub status: u16,
    /// The header `Content-Type`.
    pub content_type: Option<String>,
    /// The header `Cache-Control`.
    pub cache_control: Option<String>,
    /// The body, of ten kilobytes at most.
    pub body: Bytes,
}

/// Fetches documents. The one of a product goes to public hosts only ([`super::WebDocuments`]).
#[async_trait]
pub trait Documents: fmt::Debug + Send + Sync {
    /// Fetches a document; or says why not, for people.
    async fn fetch(&self, url: &Url) -> Result<Document, String>;
}

/// What was fetched.
pub(super) struct Cache {
    kept: Mutex<HashMap<String, Kept>>,
    per_host: Limiter<String>,
    at_once: tokio::sync::Semaphore,
    /// Held by whoever fetches that address.
    fetching: Mutex<HashMap<String, Arc<tokio::sync::Mutex<()>>>>,
}

#[derive(Clone)]
struct Kept {
    since: Timestamp,
    seconds: i64,
    client: Result<Arc<Client>, String>,
}

impl Default for Cache {
    fn default() -> Self {
        Self {
            kept: Mutex::default(),
            per_host: Limiter::new(PER_MINUTE),
            at_once: tokio::sync::Semaphore::new(AT_ONCE),
            fetching: Mutex::default(),
        }
    }
}

impl Cache {
    fn get(&self, id: &str, now: Timestamp) -> Option<Result<Arc<Client>, String>> {
        let kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        let found = kept.get(id).filter(|it| !is_past(it.since, it.seconds, now))?;
        Some(found.client.clone())
    }

    fn put(&self, id: &str, found: Kept, now: Timestamp) {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.len() >= KEPT_MAX {
            kept.retain(|_, it| !is_past(it.since, it.seconds, now));
        }
        if kept.len() >= KEPT_MAX {
            let oldest = kept.iter().min_by_key(|(_, it)| it.since).map(|(id, _)| id.clone());
            oldest.map(|id| kept.remove(&id));
        }
        kept.insert(id.to_owned(), found);
    }

    fn turn(&self, id: &str) -> Arc<tokio::sync::Mutex<()>> {
        let mut fetching = self.fetching.lock().unwrap_or_else(PoisonError::into_inner);
        fetching.retain(|_, turn| Arc::strong_count(turn) > 1);
        fetching.entry(id.to_owned()).or_default().clone()
    }
}

impl fmt::Debug for Cache {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Cache")
    }
}

impl Gate {
    /// The client whose id is this address.
    pub(super) async fn document_client(&self, id: &str) -> Result<Arc<Client>, OAuthFault> {
        let authorization = &self.shared.authorization;
        let Some(documents) = &authorization.settings.documents else {
            return Err(OAuthFault::unknown_client());
        };
        let bad = |why: String| OAuthFault::bad_document(format!("the client's document: {why}"));
        let url = address(id).map_err(|why| bad(why.to_owned()))?;
        let cache = &authorization.documents;
        let now = || self.shared.clock.now();
        if let Some(known) = cache.get(id, now()) {
            return known.map_err(bad);
        }
        let turn = cache.turn(id);
        let _turn = turn.lock().await;
        if let Some(known) = cache.get(id, now()) {
            return known.map_err(bad);
        }
        let host = url.host_str().unwrap_or_default().to_owned();
        if cache.per_host.take(&host, now()).is_err() {
            return Err(OAuthFault::full());
        }
        let Ok(_permit) = cache.at_once.try_acquire() else { return Err(OAuthFault::full()) };
        let fetched = documents.fetch(&url).await;
        let (seconds, client) = match fetched.and_then(|document| read(id, &document)) {
            Ok((client, seconds)) => (seconds, Ok(Arc::new(client))),
            Err(why) => (FAILURE_AGE, Err(why)),
        };
        cache.put(id, Kept { since: now(), seconds, client: client.clone() }, now());
        client.map_err(bad)
    }
}

/// The address of a document, if it is one that may be asked.
fn address(id: &str) -> Result<Url, &'static str> {
    if id.len() > ADDRESS_MAX || !id.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Err("its address is too long, or has characters that it cannot have");
    }
    let url = Url::parse(id).map_err(|_| "its address is no URL")?;
    // No second reading: what would be written differently (dot segments, capitals, a default port) is none.
    if url.as_str() != id {
        return Err("its address is not written in the normal form");
    }
    if url.scheme() != "https" || url.path() == "/" || url.fragment().is_some() {
        return Err("its address must be https with a path and without a fragment");
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err("its address names a user");
    }
    let local = ["localhost", "local", "internal", "lan", "home", "intranet", "test", "invalid"];
    match url.host() {
        Some(Host::Domain(name)) => {
            let last = name.trim_end_matches('.').rsplit('.').next().unwrap_or_default();
            if !name.contains('.') || local.contains(&last) || name.ends_with('.') {
                return Err("its host is not a public name");
            }
        }
        _ => return Err("its host must be a name"),
    }
    Ok(url)
}

/// What a document says, and for how many seconds.
fn read(id: &str, document: &Document) -> Result<(Client, i64), String> {
    if document.status != 200 {
        return Err(format!("it was answered with the status {}", document.status));
    }
    let kind = document.content_type.as_deref().unwrap_or_default();
    let kind = kind.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    if kind != "application/json" && !(kind.starts_with("application/") && kind.ends_with("+json"))
    {
        return Err("it is no JSON".to_owned());
    }
    if document.body.len() > SIZE_MAX {
        return Err("it is too large".to_owned());
    }
    let json: Value =
        serde_json::from_slice(&document.body).map_err(|_| "it is no JSON".to_owned())?;
    if json["client_id"].as_str() != Some(id) {
        return Err("`client_id` is not its own address".to_owned());
    }
    let name = json["client_name"].as_str().filter(|name| !name.trim().is_empty());
    let name = name.ok_or_else(|| "`client_name` is missing".to_owned())?;
    let method = &json["token_endpoint_auth_method"];
    if !method.is_null() && method != "none" {
        return Err("`token_endpoint_auth_method` must be none".to_owned());
    }
    if !json["client_secret"].is_null() {
        return Err("a document keeps no secret".to_owned());
    }
    let uris = redirect_uris(json.get("redirect_uris")).map_err(|fault| fault.description)?;
    let seconds = seconds(document.cache_control.as_deref());
    Ok((Client::of_document(id.to_owned(), plain_name(name), uris), seconds))
}

/// For how long a document is kept.
fn seconds(cache_control: Option<&str>) -> i64 {
    let [least, usual, most] = AGES;
    let words = cache_control.unwrap_or_default().to_ascii_lowercase();
    let mut words = words.split(',').map(str::trim);
    if words.clone().any(|word| matches!(word, "no-store" | "no-cache")) {
        return least;
    }
    let told = words.find_map(|word| word.strip_prefix("max-age=")?.parse().ok());
    told.unwrap_or(usual).clamp(least, most)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const ID: &str = "https://claude.example/oauth/client.json";

    fn document(json: &Value) -> Document {
        Document {
            status: 200,
            content_type: Some("application/json; charset=utf-8".into()),
            cache_control: None,
            body: json.to_string().into(),
        }
    }

    fn good() -> Value {
        json!({
            "client_id": ID, "client_name": "Claude",
            "redirect_uris": ["https://claude.example/callback", "http://localhost/callback"],
        })
    }

    #[test]
    fn as_41_only_public_addresses_in_the_normal_form_are_fetched() {
        assert!(address(ID).is_ok());
        assert!(address("https://claude.example:8443/x?y=z").is_ok());
        for bad in [
            "http://claude.example/client.json",
            "https://claude.example",
            "https://claude.example/",
            "https://claude.example/a#b",
            "https://user@claude.example/a",
            "https://user:secret@claude.example/a",
            "https://claude.example/../a",
            "https://claude.example/a/./b",
            "https://claude.example/%2e%2e/a",
            "https://CLAUDE.example/a",
            "https://claude.example:443/a",
            "https://127.0.0.1/a",
            "https://2130706433/a",
            "https://0x7f.1/a",
            "https://[::1]/a",
            "https://169.254.169.254/latest",
            "https://localhost/a",
            "https://gate.localhost/a",
            "https://metadata.google.internal/a",
            "https://printer.local/a",
            "https://intranet/a",
            "https://claude.example./a",
            "https://claude.example\\@evil.example/a",
            "https://cl\u{e4}ude.example/a",
            "https://",
            "",
        ] {
            assert!(address(bad).is_err(), "{bad}");
        }
        assert!(address(&format!("https://claude.example/{}", "a".repeat(600))).is_err());
    }

    #[test]
    fn as_41_a_document_names_itself_and_keeps_no_secret() {
        let (client, _) = read(ID, &document(&good())).unwrap();
        assert_eq!((client.id.as_str(), client.name.as_str()), (ID, "Claude"));
        assert!(client.takes_answers_at("http://localhost:4711/callback"));
        let with = |name: &str, value: Value| {
            let mut changed = good();
            changed[name] = value;
            read(ID, &document(&changed))
        };
        for (name, value) in [
            ("client_id", json!("https://claude.example/oauth/client.json/")),
            ("client_id", json!("https://evil.example/client.json")),
            ("client_id", Value::Null),
            ("client_name", Value::Null),
            ("client_name", json!(" ")),
            ("redirect_uris", json!([])),
            ("redirect_uris", json!("https://claude.example/callback")),
            ("redirect_uris", json!(["javascript:alert(1)"])),
            ("redirect_uris", json!(["http://claude.example/callback"])),
            ("token_endpoint_auth_method", json!("client_secret_post")),
            ("token_endpoint_auth_method", json!("private_key_jwt")),
            ("client_secret", json!("x")),
        ] {
            assert!(with(name, value.clone()).is_err(), "{name}: {value}");
        }
        assert!(with("token_endpoint_auth_method", json!("none")).is_ok());
        for status in [201, 301, 302, 404, 500] {
            assert!(read(ID, &Document { status, ..document(&good()) }).is_err(), "{status}");
        }
        for kind in [None, Some("text/html"), Some("text/plain"), Some("application/jsonx")] {
            let content_type = kind.map(str::to_owned);
            assert!(read(ID, &Document { content_type, ..document(&good()) }).is_err());
        }
        for body in ["", "[", "[]", "null", "<html>"] {
            let body = Bytes::from_static(body.as_bytes());
            assert!(read(ID, &Document { body, ..document(&good()) }).is_err());
        }
        assert!(with("x", json!("a".repeat(1_000_000))).is_err(), "a megabyte");
    }

    #[test]
    fn as_41_how_long_a_document_is_kept_has_a_floor_and_a_ceiling() {
        for (said, kept) in [
            (None, 3600),
            (Some("no-store"), 300),
            (Some("max-age=0"), 300),
            (Some("public, MAX-AGE=7200"), 7200),
            (Some("max-age=999999999"), 24 * 3600),
            (Some("max-age=x"), 3600),
        ] {
            assert_eq!(seconds(said), kept, "{said:?}");
        }
    }

    #[test]
    fn as_11_a_name_is_one_line_of_what_can_be_seen() {
        assert_eq!(plain_name("  Cl\u{202e}aude\n\u{0}  <b> "), "Cl aude <b>");
        assert_eq!(plain_name("\u{200b}\n"), "A client without a name");
        assert_eq!(plain_name(&"a".repeat(500)).len(), 100);
    }
}
