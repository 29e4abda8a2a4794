//! Between a client on standard input and output and a gate that serves MCP over HTTP: every line is
//! sent on as a message of its own, and what comes back is written line by line.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::{Context, anyhow, bail};
use bytes::Bytes;
use http::{HeaderValue, Request, Uri, header};
use http_body_util::{BodyExt, Full};
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use model::{ExposeSecret, SecretString, ToolSet};
use serde_json::{Value, json};
use tokio::io::{AsyncBufRead, AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::task::{AbortHandle, JoinSet};

use crate::local::{Body, through_socket};

/// A longer line is no message.
const LINE_MAX: u64 = 2 * 1024 * 1024;
/// The most that is read before an event of a stream is complete.
const EVENT_MAX: usize = 64 * 1024 * 1024;
/// For answers that are still on their way when the client closes its end.
const DRAIN: Duration = Duration::from_secs(30);

/// A gate that serves MCP over HTTP.
pub(super) struct Remote {
    to: To,
    path: &'static str,
}

enum To {
    Url {
        client: Client<HttpsConnector<HttpConnector>, Full<Bytes>>,
        base: String,
        key: SecretString,
    },
    Socket(PathBuf),
}

fn path_of(tools: ToolSet) -> &'static str {
    match tools {
        ToolSet::Agent => "/mcp",
        ToolSet::Official => "/mcp/official",
        ToolSet::All => "/mcp/all",
    }
}

impl Remote {
    /// The gate at this address.
    pub(super) fn at(url: &str, key: SecretString, tools: ToolSet) -> anyhow::Result<Self> {
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
        HeaderValue::try_from(format!("Bearer {}", key.expose_secret()))
            .map_err(|_| anyhow!("NOTEGATE_KEY is no key: it holds characters that none has"))?;
        let tls =
            HttpsConnectorBuilder::new().with_webpki_roots().https_or_http().enable_http1().build();
        let client = Client::builder(TokioExecutor::new()).build(tls);
        Ok(Self { to: To::Url { client, base, key }, path: path_of(tools) })
    }

    /// The gate that answers on this socket.
    pub(super) fn through(socket: PathBuf, tools: ToolSet) -> Self {
        Self { to: To::Socket(socket), path: path_of(tools) }
    }

    async fn send(
        &self,
        message: &Value,
        version: Option<&str>,
    ) -> anyhow::Result<http::Response<Body>> {
        let mut request = Request::post(match &self.to {
            To::Url { base, .. } => format!("{base}{}", self.path),
            To::Socket(_) => self.path.to_owned(),
        })
        .header(header::CONTENT_TYPE, "application/json")
        .header(header::ACCEPT, "application/json, text/event-stream");
        for (name, value) in headers_of(message, version) {
            request = request.header(name, value);
        }
        match &self.to {
            To::Url { key, .. } => {
                let mut shown = HeaderValue::try_from(format!("Bearer {}", key.expose_secret()))?;
                shown.set_sensitive(true);
                request = request.header(header::AUTHORIZATION, shown);
            }
            To::Socket(_) => request = request.header(header::HOST, "localhost"),
        }
        let request = request.body(Full::new(Bytes::from(message.to_string())))?;
        match &self.to {
            To::Url { client, base, .. } => {
                let answer = client.request(request).await;
                let answer =
                    answer.with_context(|| format!("the gate at {base} gives no answer"))?;
                Ok(answer.map(|body| body.map_err(anyhow::Error::from).boxed_unsync()))
            }
            To::Socket(path) => {
                through_socket(path, request).await.map_err(|failure| anyhow!("{failure}"))
            }
        }
    }
}

/// What HTTP wants to know about a message without reading it.
fn headers_of(message: &Value, negotiated: Option<&str>) -> Vec<(&'static str, String)> {
    let mut headers = Vec::new();
    let params = &message["params"];
    let own = params["_meta"]["io.modelcontextprotocol/protocolVersion"].as_str();
    if let Some(version) = own.or(negotiated) {
        headers.push(("mcp-protocol-version", version.to_owned()));
    }
    if let Some(method) = message["method"].as_str() {
        headers.push(("mcp-method", escaped(method)));
        let name = match method {
            "tools/call" | "prompts/get" => params["name"].as_str(),
            "resources/read" => params["uri"].as_str(),
            _ => None,
        };
        headers.extend(name.map(|name| ("mcp-name", escaped(name))));
    }
    headers
}

/// A text as a header has it: as it is, or in base64 where it could not stand there.
fn escaped(text: &str) -> String {
    let plain = text.bytes().all(|byte| (0x21..0x7f).contains(&byte) || byte == b' ')
        && text.trim() == text
        && !text.starts_with("=?");
    if plain {
        text.to_owned()
    } else {
        format!(
            "=?base64?{}?=",
            base64::Engine::encode(&base64::engine::general_purpose::STANDARD, text)
        )
    }
}

/// Lets messages through in both directions until the input ends.
pub(super) async fn run(remote: Remote) -> anyhow::Result<()> {
    let remote = Arc::new(remote);
    let output = Arc::new(tokio::sync::Mutex::new(tokio::io::stdout()));
    let version = Arc::new(Mutex::new(None::<String>));
    let mut input = BufReader::new(tokio::io::stdin());
    let (mut tasks, mut underway) = (JoinSet::new(), HashMap::<String, AbortHandle>::new());
    while let Some(line) = read_line(&mut input).await? {
        while tasks.try_join_next().is_some() {}
        underway.retain(|_, task| !task.is_finished());
        let line = String::from_utf8_lossy(&line).into_owned();
        if line.trim().is_empty() {
            continue;
        }
        let Ok(message) = serde_json::from_str::<Value>(&line) else {
            let fault = json!({ "code": -32700, "message": "this line is no JSON" });
            write(&output, &json!({ "jsonrpc": "2.0", "id": null, "error": fault })).await;
            continue;
        };
        if message["method"] == "notifications/cancelled" {
            if let Some(task) = underway.remove(&message["params"]["requestId"].to_string()) {
                task.abort();
            }
            continue;
        }
        let id = message.get("id").cloned();
        let (remote, output, version) = (remote.clone(), output.clone(), version.clone());
        let task = tasks.spawn(async move { exchange(&remote, message, &output, &version).await });
        if let Some(id) = id {
            underway.insert(id.to_string(), task);
        }
    }
    let drained = async { while tasks.join_next().await.is_some() {} };
    let _ = tokio::time::timeout(DRAIN, drained).await;
    Ok(())
}

type Output = tokio::sync::Mutex<tokio::io::Stdout>;

async fn write(output: &Output, message: &Value) {
    let line = format!("{message}\n");
    let mut output = output.lock().await;
    // A client that reads no more closes its other end, too.
    let _ = output.write_all(line.as_bytes()).await;
    let _ = output.flush().await;
}

/// One line, without its end; `None` when the input ends.
async fn read_line(input: &mut (impl AsyncBufRead + Unpin)) -> anyhow::Result<Option<Vec<u8>>> {
    let mut line = Vec::new();
    let read = input.take(LINE_MAX).read_until(b'\n', &mut line).await;
    let read = read.context("standard input cannot be read")?;
    if read as u64 == LINE_MAX && line.last() != Some(&b'\n') {
        bail!("a line of more than {LINE_MAX} bytes came, which is no message");
    }
    Ok((read > 0).then_some(line))
}

/// Sends one message, and writes what comes back.
async fn exchange(
    remote: &Remote,
    message: Value,
    output: &Output,
    version: &Mutex<Option<String>>,
) {
    let negotiated = version.lock().unwrap_or_else(PoisonError::into_inner).clone();
    let negotiated = negotiated.filter(|_| message["method"] != "initialize");
    let id = message.get("id").cloned();
    let answered = async {
        let answer = remote.send(&message, negotiated.as_deref()).await?;
        let kind = answer.headers().get(header::CONTENT_TYPE);
        if kind.is_some_and(|kind| kind.as_bytes().starts_with(b"text/event-stream")) {
            return events(answer.into_body(), output).await;
        }
        let status = answer.status();
        let bytes = answer.into_body().collect().await?.to_bytes();
        let Some(id) = &id else { return Ok(()) };
        let mut answer: Value = serde_json::from_slice(&bytes)
            .with_context(|| format!("the gate answered {status} without a message"))?;
        if answer.get("result").is_none() && answer.get("error").is_none() {
            bail!("the gate answered {status} without a message");
        }
        if answer["id"].is_null() {
            answer["id"] = id.clone();
        }
        if message["method"] == "initialize"
            && let Some(told) = answer["result"]["protocolVersion"].as_str()
        {
            *version.lock().unwrap_or_else(PoisonError::into_inner) = Some(told.to_owned());
        }
        write(output, &answer).await;
        Ok(())
    };
    if let Err(error) = answered.await
        && let Some(id) = id
    {
        let fault = json!({ "code": -32603, "message": format!("{error:#}") });
        write(output, &json!({ "jsonrpc": "2.0", "id": id, "error": fault })).await;
    }
}

/// Writes every message of an event stream as it comes.
async fn events(mut body: Body, output: &Output) -> anyhow::Result<()> {
    let mut rest = Vec::new();
    while let Some(frame) = body.frame().await {
        let Ok(data) = frame?.into_data() else { continue };
        rest.extend_from_slice(&data);
        while let Some(end) = rest.iter().position(|byte| *byte == b'\n') {
            let line: Vec<u8> = rest.drain(..=end).collect();
            if let Some(data) = line.strip_prefix(b"data:")
                && let Ok(message) = serde_json::from_slice::<Value>(data)
            {
                write(output, &message).await;
            }
        }
        if rest.len() > EVENT_MAX {
            bail!("the gate's answer is too large");
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_follow_from_the_message() {
        let message = json!({ "jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {
            "name": "API-get-self",
            "_meta": { "io.modelcontextprotocol/protocolVersion": "2026-07-28" },
        } });
        let headers = headers_of(&message, Some("2025-11-25"));
        let expected = [
            ("mcp-protocol-version", "2026-07-28"),
            ("mcp-method", "tools/call"),
            ("mcp-name", "API-get-self"),
        ];
        assert_eq!(headers, expected.map(|(name, value)| (name, value.to_owned())));
        assert_eq!(escaped("ä"), "=?base64?w6Q=?=");
    }

    #[test]
    fn a_key_does_not_travel_in_clear() {
        let key = || SecretString::from("ngk_a");
        for good in ["https://gate.example.com", "http://127.0.0.1:3000/mcp", "http://[::1]:1"] {
            assert!(Remote::at(good, key(), ToolSet::Agent).is_ok(), "{good}");
        }
        for bad in ["http://gate.example.com", "gate.example.com", "ftp://a", ""] {
            assert!(Remote::at(bad, key(), ToolSet::Agent).is_err(), "{bad}");
        }
    }
}
