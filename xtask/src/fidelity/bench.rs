//! A sandbox in this process, and short ways to ask it.

use std::cell::Cell;

use anyhow::{Context, bail};
use axum::Router;
use axum::body::Body;
use http::{Method, Request};
use http_body_util::BodyExt;
use sandbox::{Demo, Options, Sandbox, Seed};
use serde_json::Value;
use tower::ServiceExt;

use super::conditions::Conditions;
use super::drills::Ask;

/// A sandbox without a server.
#[derive(Debug)]
pub(super) struct Bench<'a> {
    router: Router,
    runtime: tokio::runtime::Runtime,
    conditions: &'a Conditions,
    /// The year that the clock was set to: the schemas are those of today.
    year: Cell<u32>,
}

impl<'a> Bench<'a> {
    /// A sandbox with an empty workspace.
    pub(super) fn empty(conditions: &'a Conditions) -> anyhow::Result<Self> {
        Ok(Self::new(Seed::Empty, conditions)?.0)
    }

    /// A sandbox with the demo workspace.
    pub(super) fn demo(conditions: &'a Conditions) -> anyhow::Result<(Self, Demo)> {
        let (bench, demo) = Self::new(Seed::Demo, conditions)?;
        Ok((bench, demo.context("the demo workspace says nothing of itself")?))
    }

    fn new(seed: Seed, conditions: &'a Conditions) -> anyhow::Result<(Self, Option<Demo>)> {
        let options = Options { seed, ..Options::default() };
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let (router, demo) = Sandbox::router(&options).context("the sandbox does not start")?;
        Ok((Self { router, runtime, conditions, year: Cell::new(u32::MAX) }, demo))
    }

    pub(super) fn block_on<F: Future>(&self, future: F) -> F::Output {
        self.runtime.block_on(future)
    }

    /// A request as the conditions let it through: status and body, judged if it is Notion's side.
    pub(super) async fn send(
        &self,
        method: &str,
        address: &str,
        headers: &[(String, String)],
        body: &str,
    ) -> (u16, Value) {
        let parsed: Option<Value> = serde_json::from_str(body).ok();
        let mut ask = Ask {
            method: method.to_owned(),
            address: address.to_owned(),
            headers: headers.to_vec(),
            body: parsed.clone().unwrap_or_default(),
        };
        if let Some(drill) = self.conditions.drill {
            drill.on_request(&mut ask);
        }
        // What is no JSON goes out as it came.
        let text = match parsed {
            Some(parsed) if parsed != ask.body => ask.body.to_string(),
            _ => body.to_owned(),
        };
        let (mut status, mut answer) = self.exchange(&ask, text).await;
        if let Some(drill) = self.conditions.drill {
            drill.on_answer(&ask, &mut status, &mut answer);
        }
        self.judge(&ask, (status, &answer));
        (status, answer)
    }

    /// A request that a fuzzer made; judged, and not drilled.
    pub(super) async fn send_made(&self, request: &referee::fuzz::Request) -> (u16, Value) {
        let ask = Ask {
            method: request.method.to_owned(),
            address: request.path.clone(),
            headers: request.headers.clone(),
            body: Value::Null,
        };
        let (status, answer) = self.exchange(&ask, request.body.clone()).await;
        self.judge(&ask, (status, &answer));
        (status, answer)
    }

    /// Where a browser is sent on to.
    pub(super) fn location(&self, address: &str) -> String {
        let Ok(request) = Request::builder().uri(address).body(Body::empty()) else {
            return String::new();
        };
        let Ok(response) = self.block_on(self.router.clone().oneshot(request));
        let location = response.headers().get(http::header::LOCATION);
        location.and_then(|it| it.to_str().ok()).unwrap_or_default().to_owned()
    }

    /// Notion's side is judged.
    fn judge(&self, ask: &Ask, answer: (u16, &Value)) {
        let path = ask.address.split('?').next().unwrap_or_default();
        let Ok(method) = Method::from_bytes(ask.method.as_bytes()) else { return };
        // The consent page of OAuth is for browsers.
        let first = if ask.version() < "2025-09-03" { 2025 } else { 2026 };
        if path.starts_with("/v1/") && self.year.get() >= first && !answer.1.is_string() {
            self.conditions.judge(&method, path, ask.version(), answer);
        }
    }

    /// Status 0 stands for no answer at all; what is no JSON is told as text.
    async fn exchange(&self, ask: &Ask, body: impl Into<Body>) -> (u16, Value) {
        let mut request = Request::builder().method(ask.method.as_str()).uri(&ask.address);
        for (name, value) in &ask.headers {
            request = request.header(name, value);
        }
        let Ok(request) = request.body(body.into()) else {
            return (0, Value::from("the request cannot be made"));
        };
        let Ok(response) = self.router.clone().oneshot(request).await;
        let status = response.status().as_u16();
        match response.into_body().collect().await {
            Ok(collected) => {
                let bytes = collected.to_bytes();
                let text = || Value::from(String::from_utf8_lossy(&bytes).into_owned());
                (status, serde_json::from_slice(&bytes).unwrap_or_else(|_| text()))
            }
            Err(error) => (0, Value::from(error.to_string())),
        }
    }

    /// A request to Notion's side: status and body.
    pub(super) fn ask(
        &self,
        method: &Method,
        address: &str,
        headers: &[(&str, &str)],
        body: &Value,
    ) -> (u16, Value) {
        let headers: Vec<(String, String)> =
            headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        let text = match body {
            Value::Null => String::new(),
            // What is no JSON goes out as it is.
            Value::String(text) => text.clone(),
            body => body.to_string(),
        };
        self.block_on(self.send(method.as_str(), address, &headers, &text))
    }

    /// A control route; it must agree.
    pub(super) fn control(&self, route: &str, body: &Value) -> anyhow::Result<Value> {
        let address = format!("/_sandbox/{route}");
        if let Some(now) = body["as_of"].as_str().filter(|_| route == "era") {
            let year = now.get(..4).and_then(|year| year.parse().ok());
            self.year.set(year.unwrap_or(u32::MAX));
        }
        let (status, answer) = self.ask(&Method::POST, &address, &[], body);
        if status != 200 {
            bail!("POST {address} answered {status}: {answer}");
        }
        Ok(answer)
    }
}
