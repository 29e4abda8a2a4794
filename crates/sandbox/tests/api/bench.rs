//! A sandbox without a server, and short ways to ask it.

use std::sync::atomic::{AtomicU32, Ordering};

use axum::Router;
use axum::body::Body;
use http::Request;
use http_body_util::BodyExt;
use notion::Id;
use referee::schemas::Verdict;
use sandbox::{Demo, Options, Sandbox};
use serde_json::{Value, json};
use tower::ServiceExt;

pub(crate) const OLD: &str = "2022-06-28";
pub(crate) const MID: &str = "2025-09-03";
pub(crate) const NEW: &str = "2026-03-11";

/// A demo sandbox.
pub(crate) struct Bench {
    /// The year that the clock was set to: the schemas are those of today.
    year: AtomicU32,
    router: Router,
    pub(crate) demo: Demo,
}

/// What came back.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: http::HeaderMap,
    pub(crate) body: Value,
}

impl Answer {
    pub(crate) fn message(&self) -> &str {
        self.body["message"].as_str().unwrap_or_default()
    }

    pub(crate) fn id(&self) -> String {
        self.body["id"].as_str().unwrap_or_else(|| panic!("no id in {}", self.body)).to_owned()
    }

    pub(crate) fn keys(&self) -> Vec<&str> {
        self.body.as_object().unwrap().keys().map(String::as_str).collect()
    }

    pub(crate) fn titles(&self) -> Vec<String> {
        let results = self.body["results"].as_array().unwrap();
        results.iter().map(title).collect()
    }

    #[track_caller]
    pub(crate) fn ok(self) -> Self {
        assert_eq!(self.status, 200, "{}", self.body);
        self
    }
}

/// What came back, as text.
#[derive(Debug)]
pub(crate) struct Text {
    pub(crate) status: u16,
    pub(crate) headers: http::HeaderMap,
    pub(crate) body: String,
}

impl Text {
    /// Where it leads.
    #[track_caller]
    pub(crate) fn location(&self) -> String {
        self.headers["location"].to_str().unwrap().to_owned()
    }
}

/// The title of a page or table.
pub(crate) fn title(object: &Value) -> String {
    let runs = match object["properties"].as_object() {
        Some(all) if object["object"] == "page" => {
            all.values().find(|value| value["type"] == "title").unwrap()["title"].clone()
        }
        _ => object["title"].clone(),
    };
    runs.as_array().unwrap().iter().map(|run| run["plain_text"].as_str().unwrap()).collect()
}

/// Every answer of every test fits Notion's strict schemas, where those lie beside the workspace.
#[track_caller]
fn judge(method: &http::Method, path: &str, version: &str, answer: &Answer) {
    match referee::schemas::judge(method, path, version, answer.status, &answer.body) {
        Verdict::Fits => {}
        Verdict::Broken(what) => {
            panic!("{method} {path} in {version}: {what}\n{}", answer.body)
        }
        // Said once: by the test that looks at all of the demo.
        Verdict::Unknown(_) => {}
    }
}

impl Bench {
    pub(crate) fn new() -> Self {
        Self::with_options(&Options::default())
    }

    /// A sandbox that began with the demo, whatever else is chosen.
    pub(crate) fn with_options(options: &Options) -> Self {
        let (router, demo) = Sandbox::router(options).unwrap();
        Self { year: u32::MAX.into(), router, demo: demo.unwrap() }
    }

    pub(crate) async fn send(&self, request: Request<Body>) -> Answer {
        let (method, path) = (request.method().clone(), request.uri().path().to_owned());
        let version = request.headers().get("notion-version").cloned();
        let response = self.router.clone().oneshot(request).await.unwrap();
        let (parts, body) = response.into_parts();
        let bytes = body.collect().await.unwrap().to_bytes();
        let body = serde_json::from_slice(&bytes).unwrap();
        let answer = Answer { status: parts.status.as_u16(), headers: parts.headers, body };
        let version = version.as_ref().and_then(|it| it.to_str().ok()).unwrap_or_default();
        let first = if version < "2025-09-03" { 2025 } else { 2026 };
        if path.starts_with("/v1/") && self.year.load(Ordering::Relaxed) >= first {
            judge(&method, &path, version, &answer);
        }
        answer
    }

    /// An answer that is not JSON: status, headers, text.
    pub(crate) async fn text(&self, request: Request<Body>) -> (u16, http::HeaderMap, String) {
        let response = self.router.clone().oneshot(request).await.unwrap();
        let (parts, body) = response.into_parts();
        let bytes = body.collect().await.unwrap().to_bytes();
        let text = String::from_utf8(bytes.to_vec()).unwrap();
        (parts.status.as_u16(), parts.headers, text)
    }

    /// A request whose answer need not be JSON.
    pub(crate) async fn browse(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: impl Into<Body>,
    ) -> Text {
        let mut request = Request::builder().method(method).uri(path);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let request = request.body(body.into()).unwrap();
        let (status, headers, body) = self.text(request).await;
        Text { status, headers, body }
    }

    /// What a URL of the sandbox gives, as it is.
    pub(crate) async fn bytes(&self, path: &str) -> (u16, http::HeaderMap, Vec<u8>) {
        let request = Request::builder().uri(path).body(Body::empty()).unwrap();
        let (parts, body) = self.router.clone().oneshot(request).await.unwrap().into_parts();
        (parts.status.as_u16(), parts.headers, body.collect().await.unwrap().to_bytes().to_vec())
    }

    /// What came back to any request, JSON or not; nothing is judged.
    pub(crate) async fn status_and_body(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: impl Into<Body>,
    ) -> (u16, Value) {
        let mut request = Request::builder().method(method).uri(path);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let request = request.body(body.into()).unwrap();
        let response = self.router.clone().oneshot(request).await.unwrap();
        let status = response.status().as_u16();
        let bytes = response.into_body().collect().await.unwrap().to_bytes();
        let text = || Value::from(String::from_utf8_lossy(&bytes).into_owned());
        (status, serde_json::from_slice(&bytes).unwrap_or_else(|_| text()))
    }

    /// A request with every header chosen.
    pub(crate) async fn raw(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: impl Into<Body>,
    ) -> Answer {
        let mut request = Request::builder().method(method).uri(path);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        self.send(request.body(body.into()).unwrap()).await
    }

    pub(crate) async fn with(
        &self,
        token: &str,
        version: &str,
        method: &str,
        path: &str,
        body: &Value,
    ) -> Answer {
        let bearer = format!("Bearer {token}");
        let headers = [("authorization", bearer.as_str()), ("notion-version", version)];
        let text = if body.is_null() { String::new() } else { body.to_string() };
        self.raw(method, path, &headers, text).await
    }

    /// With the token that may do everything, in the newest version.
    pub(crate) async fn call(&self, method: &str, path: &str, body: Value) -> Answer {
        self.with(&self.demo.tokens.full, NEW, method, path, &body).await
    }

    pub(crate) async fn get(&self, path: &str) -> Answer {
        self.call("GET", path, Value::Null).await
    }

    pub(crate) async fn control(&self, method: &str, route: &str, body: Value) -> Answer {
        if let Some(now) = body["as_of"].as_str().filter(|_| route == "era") {
            let year = now.get(..4).and_then(|year| year.parse().ok()).unwrap_or(u32::MAX);
            self.year.store(year, Ordering::Relaxed);
        }
        let text = if body.is_null() { String::new() } else { body.to_string() };
        self.raw(method, &format!("/_sandbox/{route}"), &[], text).await
    }

    /// A connection of its own.
    pub(crate) async fn token(&self, capabilities: &[&str], shared: &[Id]) -> (String, String) {
        let body = json!({"name": "Probe", "capabilities": capabilities, "shared": shared});
        let answer = self.control("POST", "tokens", body).await.ok();
        let text = |name: &str| answer.body[name].as_str().unwrap().to_owned();
        (text("token"), text("bot_id"))
    }

    /// A page under another.
    pub(crate) async fn page(&self, parent: &Value, title: &str) -> String {
        let body = json!({
            "parent": parent,
            "properties": {"title": {"title": [{"text": {"content": title}}]}},
        });
        self.call("POST", "/v1/pages", body).await.ok().id()
    }

    pub(crate) async fn query(&self, body: Value) -> Answer {
        let path = format!("/v1/data_sources/{}/query", self.demo.data_source_id);
        self.call("POST", &path, body).await
    }
}
