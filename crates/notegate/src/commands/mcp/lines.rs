//! A client on standard input and output. Each line is a message, which whoever answers gets as it came;
//! what comes back is written line by line. Nothing else is ever written to standard output.

use std::collections::HashMap;
use std::pin::pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::{Context, bail};
use bytes::Bytes;
use http::header;
use http_body_util::BodyExt;
use model::ToolSet;
use serde_json::{Value, json};
use tokio::io::{AsyncBufRead, AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::sync::mpsc;
use tokio::task::{AbortHandle, JoinSet};

use super::responder::Responder;
use crate::commands::serve::wait_for_signal;
use crate::local::Body;

/// A longer line is no message.
const LINE_MAX: usize = 2 * 1024 * 1024;
/// The most that is read before an event of a stream is complete.
const EVENT_MAX: usize = 64 * 1024 * 1024;
/// Messages that are answered at a time; others wait in the pipe.
const UNDERWAY_MAX: usize = 128;
/// For answers that are still on their way when the client closes its end.
const DRAIN: Duration = Duration::from_secs(30);
/// Lines that wait for a client that reads slowly; with more, answers wait.
const WRITING_MAX: usize = 16;
/// For what is written when everything has been answered.
const LAST_LINES: Duration = Duration::from_secs(5);

const PARSE_ERROR: i64 = -32700;
const INVALID_REQUEST: i64 = -32600;
const INTERNAL_ERROR: i64 = -32603;

/// Serves the client until it closes its end, or somebody ends this process.
pub(super) async fn serve(responder: Arc<Responder>, tools: ToolSet) -> anyhow::Result<()> {
    let (output, lines) = mpsc::channel(WRITING_MAX);
    let written = tokio::spawn(write(lines));
    let exchange = Arc::new(Exchange { responder, tools, output, version: Mutex::new(None) });
    let mut input = BufReader::new(tokio::io::stdin());
    let mut ended = pin!(wait_for_signal());
    let (mut tasks, mut underway) = (JoinSet::new(), HashMap::<String, AbortHandle>::new());
    let (mut read, mut stopped) = (Ok(()), false);
    loop {
        while tasks.try_join_next().is_some() {}
        if tasks.len() >= UNDERWAY_MAX {
            tokio::select! {
                _ = tasks.join_next() => {}
                () = &mut ended => {
                    stopped = true;
                    break;
                }
            }
        }
        let line = tokio::select! {
            line = next_line(&mut input) => line,
            () = &mut ended => {
                stopped = true;
                break;
            }
        };
        let line = line.unwrap_or_else(|error| {
            read = Err(error).context("standard input cannot be read");
            None
        });
        let exchange = exchange.clone();
        let (message, seen) = match line.map(read_message) {
            None => break,
            Some(Ok(None)) => continue,
            Some(Ok(Some(read))) => read,
            Some(Err((code, told))) => {
                tasks.spawn(async move { exchange.fail(&Value::Null, code, told).await });
                continue;
            }
        };
        if seen["method"] == "notifications/cancelled" {
            if let Some(task) = underway.remove(&seen["params"]["requestId"].to_string()) {
                task.abort();
            }
            continue;
        }
        underway.retain(|_, task| !task.is_finished());
        let id = seen.get("id").map(Value::to_string);
        let task = tasks.spawn(async move { exchange.answer(message, seen).await });
        if let Some(id) = id {
            underway.insert(id, task);
        }
    }
    if !stopped {
        let drained = async { while tasks.join_next().await.is_some() {} };
        tokio::select! {
            _ = tokio::time::timeout(DRAIN, drained) => {}
            () = &mut ended => {}
        }
    }
    // Whoever is not answered yet waits no more, and calls to Notion end here.
    tasks.shutdown().await;
    drop(exchange);
    let _ = tokio::time::timeout(LAST_LINES, written).await;
    read
}

/// Writes lines, each whole, whatever becomes of the one that it answers.
async fn write(mut lines: mpsc::Receiver<String>) {
    let mut output = tokio::io::stdout();
    while let Some(line) = lines.recv().await {
        // A client that reads no more closes its other end, too.
        let _ = output.write_all(line.as_bytes()).await;
        let _ = output.flush().await;
    }
}

/// A line of the input.
#[derive(Debug, Eq, PartialEq)]
enum Line {
    Whole(Vec<u8>),
    /// It was read to its end, and not kept.
    TooLong,
}

/// The next line, without its end; `None` when the input ends.
async fn next_line(input: &mut (impl AsyncBufRead + Unpin)) -> std::io::Result<Option<Line>> {
    let (mut line, mut too_long, mut begun) = (Vec::new(), false, false);
    loop {
        let read = input.fill_buf().await?;
        let end = read.iter().position(|byte| *byte == b'\n');
        let part = &read[..end.unwrap_or(read.len())];
        let used = end.map_or(part.len(), |end| end + 1);
        begun |= used > 0;
        too_long |= line.len() + part.len() > LINE_MAX;
        if too_long {
            line = Vec::new();
        } else {
            line.extend_from_slice(part);
        }
        input.consume(used);
        if end.is_some() || used == 0 {
            let line = if too_long { Line::TooLong } else { Line::Whole(line) };
            return Ok(begun.then_some(line));
        }
    }
}

/// The message on a line, as it came and as it reads; `None` on an empty one. An error is JSON-RPC's.
fn read_message(line: Line) -> Result<Option<(Bytes, Value)>, (i64, &'static str)> {
    match line {
        Line::TooLong => Err((INVALID_REQUEST, "a line of more than 2 MiB is no message")),
        Line::Whole(line) if line.trim_ascii().is_empty() => Ok(None),
        Line::Whole(line) => {
            let seen = serde_json::from_slice(&line);
            let seen = seen.map_err(|_| (PARSE_ERROR, "this line is no JSON"))?;
            Ok(Some((line.into(), seen)))
        }
    }
}

/// What all messages of a client share.
struct Exchange {
    responder: Arc<Responder>,
    tools: ToolSet,
    output: mpsc::Sender<String>,
    /// The version that `initialize` agreed on.
    version: Mutex<Option<String>>,
}

impl Exchange {
    async fn write(&self, message: &Value) {
        let _ = self.output.send(format!("{message}\n")).await;
    }

    async fn fail(&self, id: &Value, code: i64, message: &str) {
        let fault = json!({ "code": code, "message": message });
        self.write(&json!({ "jsonrpc": "2.0", "id": id, "error": fault })).await;
    }

    /// Sends one message on, and writes what comes back, if an answer is due.
    async fn answer(&self, message: Bytes, seen: Value) {
        let due = answer_due(&seen);
        let answered = async {
            let headers = headers_of(&seen, self.negotiated(&seen).as_deref());
            let answer = self.responder.send(self.tools, message, headers).await?;
            let kind = answer.headers().get(header::CONTENT_TYPE);
            if kind.is_some_and(|kind| kind.as_bytes().starts_with(b"text/event-stream")) {
                return self.events(answer.into_body()).await;
            }
            let status = answer.status();
            let bytes = answer.into_body().collect().await?.to_bytes();
            let Some(id) = &due else { return Ok(()) };
            let mut answer: Value = serde_json::from_slice(&bytes)
                .with_context(|| format!("the gate answered {status} without a message"))?;
            if answer.get("result").is_none() && answer.get("error").is_none() {
                bail!("the gate answered {status} without a message");
            }
            if answer["id"].is_null() {
                answer["id"] = id.clone();
            }
            if seen["method"] == "initialize"
                && let Some(told) = answer["result"]["protocolVersion"].as_str()
            {
                *self.version.lock().unwrap_or_else(PoisonError::into_inner) =
                    Some(told.to_owned());
            }
            self.write(&answer).await;
            Ok(())
        };
        if let Err(error) = answered.await
            && let Some(id) = due
        {
            self.fail(&id, INTERNAL_ERROR, &format!("{error:#}")).await;
        }
    }

    /// The version that this message is in, if it does not say so itself.
    fn negotiated(&self, message: &Value) -> Option<String> {
        let version = self.version.lock().unwrap_or_else(PoisonError::into_inner).clone();
        version.filter(|_| message["method"] != "initialize")
    }

    /// Writes every message of an event stream as it comes.
    async fn events(&self, mut body: Body) -> anyhow::Result<()> {
        let mut rest = Vec::new();
        while let Some(frame) = body.frame().await {
            let Ok(data) = frame?.into_data() else { continue };
            rest.extend_from_slice(&data);
            while let Some(end) = rest.iter().position(|byte| *byte == b'\n') {
                let line: Vec<u8> = rest.drain(..=end).collect();
                if let Some(data) = line.strip_prefix(b"data:")
                    && let Ok(message) = serde_json::from_slice::<Value>(data)
                {
                    self.write(&message).await;
                }
            }
            if rest.len() > EVENT_MAX {
                bail!("the gate's answer is too large");
            }
        }
        Ok(())
    }
}

/// The id under which the client waits for an answer. What is no message at all is told so under none;
/// notifications and responses are never answered.
fn answer_due(message: &Value) -> Option<Value> {
    let is_response = message.get("result").is_some() || message.get("error").is_some();
    match (message.get("method"), message.get("id")) {
        (Some(_), None) => None,
        (Some(_), Some(id)) => Some(id.clone()),
        (None, _) => (!is_response).then_some(Value::Null),
    }
}

/// What HTTP wants to know about a message without reading it.
fn headers_of(message: &Value, negotiated: Option<&str>) -> Vec<(&'static str, String)> {
    let mut headers = Vec::new();
    let params = &message["params"];
    let own = params["_meta"]["io.modelcontextprotocol/protocolVersion"].as_str();
    if let Some(version) = own.or(negotiated) {
        headers.push(("mcp-protocol-version", escaped(version)));
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
    fn only_requests_and_nonsense_are_answered() {
        let request = json!({ "id": "a", "method": "tools/list" });
        assert_eq!(answer_due(&request), Some(json!("a")));
        for nonsense in [json!([request]), json!("x"), json!({ "id": 1 }), json!(null)] {
            assert_eq!(answer_due(&nonsense), Some(Value::Null), "{nonsense}");
        }
        for other in [
            json!({ "method": "notifications/initialized" }),
            json!({ "id": 1, "result": {} }),
            json!({ "id": 1, "error": {} }),
        ] {
            assert_eq!(answer_due(&other), None, "{other}");
        }
    }

    #[tokio::test]
    async fn a_line_that_is_too_long_is_passed_over_and_the_next_is_read() {
        let mut text = b"{}\n\n".to_vec();
        text.extend(vec![b'x'; LINE_MAX]);
        text.push(b'\n');
        text.extend(vec![b'y'; LINE_MAX + 1]);
        text.extend(b"\nlast");
        let mut input = BufReader::with_capacity(1000, text.as_slice());
        let mut next = async || next_line(&mut input).await.unwrap();
        assert_eq!(next().await, Some(Line::Whole(b"{}".to_vec())));
        assert_eq!(next().await, Some(Line::Whole(Vec::new())));
        assert_eq!(next().await, Some(Line::Whole(vec![b'x'; LINE_MAX])));
        assert_eq!(next().await, Some(Line::TooLong));
        assert_eq!(next().await, Some(Line::Whole(b"last".to_vec())));
        assert_eq!(next().await, None);
    }
}
