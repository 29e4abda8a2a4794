//! A client of Streamable HTTP on one connection that stays open.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};

use super::client;

/// No answer takes longer.
const PATIENCE: Duration = Duration::from_secs(60);

/// A client, with the session that the server gave it, if it gave one.
pub(super) struct Client {
    stream: BufReader<TcpStream>,
    head: String,
    id: u64,
}

/// Head and body of an answer.
struct Answer {
    status: u16,
    session: Option<String>,
    body: Vec<u8>,
}

impl Client {
    /// Connects and opens the conversation.
    pub(super) fn open(port: u16, token: &str) -> Result<Self> {
        let stream = TcpStream::connect(("127.0.0.1", port))?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        let head = format!(
            "POST /mcp HTTP/1.1\r\nhost: 127.0.0.1:{port}\r\nauthorization: Bearer {token}\r\n\
             content-type: application/json\r\naccept: application/json, text/event-stream\r\n"
        );
        let mut client = Self { stream: BufReader::new(stream), head, id: 0 };
        let opened = client.exchange(&client::initialize(0))?;
        client::result(&mut message(&opened)?)?;
        client.head.push_str(&format!("mcp-protocol-version: {}\r\n", client::REVISION));
        if let Some(session) = opened.session {
            client.head.push_str(&format!("mcp-session-id: {session}\r\n"));
        }
        let noted = client.exchange(&client::initialized())?;
        ensure!(noted.status == 202, "the notification was answered with {}", noted.status);
        Ok(client)
    }

    fn exchange(&mut self, message: &Value) -> Result<Answer> {
        let body = message.to_string();
        let text = format!("{}content-length: {}\r\n\r\n{body}", self.head, body.len());
        self.stream.get_mut().write_all(text.as_bytes())?;
        self.read()
    }

    fn request(&mut self, method: &str, params: Value) -> Result<Answer> {
        self.id += 1;
        self.exchange(&client::request(self.id, method, params))
    }

    /// The list of tools.
    pub(super) fn tools(&mut self) -> Result<Value> {
        let answer = self.request("tools/list", json!({}))?;
        client::result(&mut message(&answer)?)
    }

    /// Calls a tool whose answer must hold `expected`; it is not parsed, so that the client costs little.
    pub(super) fn call(&mut self, params: &Value, expected: &str) -> Result<()> {
        let answer = self.request("tools/call", params.clone())?;
        let body = &answer.body;
        let good = answer.status == 200
            && body.windows(expected.len()).any(|part| part == expected.as_bytes());
        ensure!(good, "answered {}: {}", answer.status, String::from_utf8_lossy(body));
        Ok(())
    }

    fn read(&mut self) -> Result<Answer> {
        let mut answer = Answer { status: 0, session: None, body: Vec::new() };
        let (mut length, mut chunked) = (0, false);
        loop {
            let line = self.line()?;
            if line.is_empty() {
                break;
            }
            if answer.status == 0 {
                let status = line.split(' ').nth(1).and_then(|word| word.parse().ok());
                answer.status = status.context("the answer has no status")?;
                continue;
            }
            let Some((name, value)) = line.split_once(':') else { continue };
            match (name.to_ascii_lowercase().as_str(), value.trim()) {
                ("content-length", value) => length = value.parse()?,
                ("transfer-encoding", value) => chunked = value == "chunked",
                ("mcp-session-id", value) => answer.session = Some(value.to_owned()),
                _ => {}
            }
        }
        if !chunked {
            answer.body = vec![0; length];
            self.stream.read_exact(&mut answer.body)?;
            return Ok(answer);
        }
        loop {
            let size = usize::from_str_radix(self.line()?.trim(), 16)?;
            let before = answer.body.len();
            answer.body.resize(before + size, 0);
            self.stream.read_exact(&mut answer.body[before..])?;
            self.line()?;
            if size == 0 {
                return Ok(answer);
            }
        }
    }

    fn line(&mut self) -> Result<String> {
        let mut line = String::new();
        ensure!(self.stream.read_line(&mut line)? > 0, "the connection ended");
        line.truncate(line.trim_end().len());
        Ok(line)
    }
}

/// The message of an answer, which may come as the only event of a stream.
fn message(answer: &Answer) -> Result<Value> {
    let text = String::from_utf8_lossy(&answer.body);
    let data = text.lines().find_map(|line| line.strip_prefix("data:"));
    serde_json::from_str(data.unwrap_or(&text))
        .with_context(|| format!("answered {}: {text}", answer.status))
}
