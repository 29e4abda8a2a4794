//! A receiver of webhooks on a port of its own, which remembers what came.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, Uri};
use serde_json::{Value, json};
use tokio::task::JoinHandle;

use crate::bench::Bench;

/// One request that came.
#[derive(Clone, Debug)]
pub(crate) struct Received {
    pub(crate) path: String,
    pub(crate) headers: HeaderMap,
    pub(crate) text: String,
    pub(crate) body: Value,
}

#[derive(Debug, Default)]
struct Inner {
    received: Vec<Received>,
    /// What to answer; 200 where it is empty.
    status: Option<u16>,
    /// How long to wait before.
    delay: Duration,
}

/// The receiver; it ends when this is dropped.
pub(crate) struct Receiver {
    url: String,
    inner: Arc<Mutex<Inner>>,
    task: JoinHandle<()>,
}

impl Drop for Receiver {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn take(
    State(inner): State<Arc<Mutex<Inner>>>,
    uri: Uri,
    headers: HeaderMap,
    text: String,
) -> (StatusCode, HeaderMap) {
    let (status, delay) = {
        let mut inner = inner.lock().unwrap();
        let body = serde_json::from_str(&text).unwrap();
        inner.received.push(Received { path: uri.path().to_owned(), headers, text, body });
        (inner.status.unwrap_or(200), inner.delay)
    };
    tokio::time::sleep(delay).await;
    let mut headers = HeaderMap::new();
    if (300..400).contains(&status) {
        headers.insert("location", "/elsewhere".parse().unwrap());
    }
    (StatusCode::from_u16(status).unwrap(), headers)
}

impl Receiver {
    pub(crate) async fn start() -> Self {
        let inner = Arc::new(Mutex::new(Inner::default()));
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let router = Router::new().fallback(take).with_state(inner.clone());
        let task = tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        Self { url, inner, task }
    }

    pub(crate) fn url(&self) -> String {
        format!("{}/hook", self.url)
    }

    /// What came since the last time.
    pub(crate) fn taken(&self) -> Vec<Received> {
        std::mem::take(&mut self.inner.lock().unwrap().received)
    }

    /// The types of what came since the last time.
    pub(crate) fn types(&self) -> Vec<String> {
        let taken = self.taken();
        taken.iter().map(|one| one.body["type"].as_str().unwrap().to_owned()).collect()
    }

    pub(crate) fn answer(&self, status: u16) {
        self.inner.lock().unwrap().status = Some(status);
    }

    pub(crate) fn wait(&self, delay: Duration) {
        self.inner.lock().unwrap().delay = delay;
    }

    /// Subscribes; gives the id and the token, and forgets the handshake.
    pub(crate) async fn subscribe(&self, bench: &Bench, more: Value) -> (String, String) {
        let mut body = json!({"url": self.url()});
        for (name, value) in more.as_object().unwrap() {
            body[name] = value.clone();
        }
        let answer = bench.control("POST", "webhooks", body).await.ok().body;
        assert_eq!(answer["state"], "active", "{answer}");
        self.taken();
        let text = |name: &str| answer[name].as_str().unwrap().to_owned();
        (text("subscription_id"), text("verification_token"))
    }
}

impl Bench {
    /// Sends all that waits to be told.
    pub(crate) async fn flush(&self) {
        self.control("POST", "webhooks/flush", Value::Null).await.ok();
    }

    pub(crate) async fn deliveries(&self) -> Vec<Value> {
        let all = self.control("GET", "webhooks/deliveries", Value::Null).await.ok().body;
        all.as_array().unwrap().clone()
    }

    /// What a person does in the app.
    pub(crate) async fn human(&self, method: &str, path: &str, body: Value) -> Value {
        let body = json!({"method": method, "path": path, "body": body});
        self.control("POST", "as-human", body).await.ok().body
    }
}
