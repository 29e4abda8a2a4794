//! A sandbox in this process, and short ways to ask it.

use anyhow::{Context, bail};
use axum::Router;
use axum::body::Body;
use http::{Method, Request};
use http_body_util::BodyExt;
use sandbox::{Options, Sandbox, Seed};
use serde_json::Value;
use tower::ServiceExt;

/// A sandbox without a server.
#[derive(Debug)]
pub(super) struct Bench {
    router: Router,
    runtime: tokio::runtime::Runtime,
}

impl Bench {
    /// A sandbox with an empty workspace.
    pub(super) fn empty() -> anyhow::Result<Self> {
        let options = Options { seed: Seed::Empty, ..Options::default() };
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let (router, _) = Sandbox::router(&options).context("the sandbox does not start")?;
        Ok(Self { router, runtime })
    }

    /// A request to Notion's side: status and body.
    pub(super) fn ask(
        &self,
        method: &Method,
        address: &str,
        headers: &[(&str, &str)],
        body: &Value,
    ) -> anyhow::Result<(u16, Value)> {
        let mut request = Request::builder().method(method).uri(address);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let text = if body.is_null() { String::new() } else { body.to_string() };
        let request = request.body(Body::from(text))?;
        self.runtime.block_on(async {
            let response = self.router.clone().oneshot(request).await?;
            let status = response.status().as_u16();
            let bytes = response.into_body().collect().await?.to_bytes();
            Ok((status, serde_json::from_slice(&bytes)?))
        })
    }

    /// A control route; it must agree.
    pub(super) fn control(&self, route: &str, body: &Value) -> anyhow::Result<Value> {
        let address = format!("/_sandbox/{route}");
        let (status, answer) = self.ask(&Method::POST, &address, &[], body)?;
        if status != 200 {
            bail!("POST {address} answered {status}: {answer}");
        }
        Ok(answer)
    }
}
