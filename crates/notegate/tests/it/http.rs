//! A small HTTP client over bare sockets: it can send what a well-behaved one refuses to.

use std::io::{ErrorKind, Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use serde_json::Value;

/// Longer than anything that the gate documents.
const PATIENCE: Duration = Duration::from_secs(120);

/// An answer.
#[derive(Clone, Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
    /// As it came over the wire.
    pub(crate) raw: Vec<u8>,
}

impl Answer {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let found = self.headers.iter().find(|(known, _)| known.eq_ignore_ascii_case(name));
        found.map(|(_, value)| value.as_str())
    }

    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    #[track_caller]
    pub(crate) fn json(&self) -> Value {
        match serde_json::from_slice(&self.body) {
            Ok(value) => value,
            Err(error) => panic!("{} is no JSON ({error}): {}", self.status, self.text()),
        }
    }

    /// Checks the status; gives the JSON.
    #[track_caller]
    pub(crate) fn expect(&self, status: u16) -> Value {
        assert_eq!(self.status, status, "{}", self.text());
        if self.body.is_empty() { Value::Null } else { self.json() }
    }

    /// Checks that it is an error as Notion writes it: status, members, their order, request id.
    #[track_caller]
    pub(crate) fn expect_notion_error(&self, status: u16, code: &str) -> Value {
        let body = self.expect_notion_shape();
        assert_eq!((self.status, body["code"].as_str()), (status, Some(code)), "{body}");
        body
    }

    /// Checks that it is some error as Notion writes it.
    #[track_caller]
    pub(crate) fn expect_notion_shape(&self) -> Value {
        let body = self.json();
        let shown = self.text();
        let members: Vec<&str> =
            body.as_object().expect("an object").keys().map(String::as_str).collect();
        let plain = ["object", "status", "code", "message", "request_id"];
        let with_data = ["object", "status", "code", "message", "additional_data", "request_id"];
        assert!(members == plain || members == with_data, "{members:?}: {shown}");
        assert_eq!(body["object"], "error", "{shown}");
        assert_eq!(body["status"], self.status, "{shown}");
        assert!(!body["code"].as_str().unwrap_or_default().is_empty(), "{shown}");
        assert!(!body["message"].as_str().unwrap_or_default().is_empty(), "{shown}");
        assert!(body["request_id"].is_string(), "{shown}");
        let kind = self.header("content-type").unwrap_or_default();
        assert!(kind.starts_with("application/json"), "{kind}: {shown}");
        assert!(self.header("x-request-id").is_some(), "{shown}");
        body
    }

    /// Checks that it is an error of notegate's own API (RFC 9457).
    #[track_caller]
    pub(crate) fn expect_problem(&self) -> Value {
        let kind = self.header("content-type").unwrap_or_default();
        assert_eq!(kind, "application/problem+json", "{} {}", self.status, self.text());
        let body = self.json();
        assert_eq!(body["status"], self.status, "{body}");
        for member in ["type", "title", "code", "detail"] {
            assert!(!body[member].as_str().unwrap_or_default().is_empty(), "{member}: {body}");
        }
        for trace in ["panicked", "stack backtrace", "src/", ".rs:"] {
            assert!(!body.to_string().contains(trace), "{body}");
        }
        assert!(self.header("x-request-id").is_some(), "{body}");
        body
    }
}

/// A request, as its bytes.
pub(crate) fn request(
    method: &str,
    target: &str,
    headers: &[(&str, &str)],
    body: Option<&[u8]>,
) -> Vec<u8> {
    let mut bytes =
        format!("{method} {target} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n");
    for (name, value) in headers {
        bytes.push_str(&format!("{name}: {value}\r\n"));
    }
    if let Some(body) = body {
        bytes.push_str(&format!("Content-Length: {}\r\n", body.len()));
    }
    bytes.push_str("\r\n");
    let mut bytes = bytes.into_bytes();
    bytes.extend_from_slice(body.unwrap_or_default());
    bytes
}

/// Sends `bytes`, and reads what comes until the other side closes; `None` if there is no answer.
pub(crate) fn try_send(address: &str, bytes: &[u8]) -> Option<Answer> {
    let mut stream = TcpStream::connect(address).ok()?;
    stream.set_read_timeout(Some(PATIENCE)).ok()?;
    stream.set_write_timeout(Some(PATIENCE)).ok()?;
    // A gate that has said no does not read on: the rest cannot be written, and need not be.
    let _ = stream.write_all(bytes);
    read_answer(&mut stream)
}

/// Like [`try_send`], where no answer is a failure.
#[track_caller]
pub(crate) fn send(address: &str, bytes: &[u8]) -> Answer {
    try_send(address, bytes).unwrap_or_else(|| {
        let shown = String::from_utf8_lossy(&bytes[..bytes.len().min(200)]).into_owned();
        panic!("no answer to {shown:?}")
    })
}

/// Reads one answer to its end.
pub(crate) fn read_answer(stream: &mut impl Read) -> Option<Answer> {
    let mut raw = Vec::new();
    let mut piece = [0; 16 * 1024];
    loop {
        match stream.read(&mut piece) {
            Ok(0) => break,
            Ok(length) => raw.extend_from_slice(&piece[..length]),
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            // Cut off after the answer, or before it: the parser tells.
            Err(_) => break,
        }
        if let Some(answer) = parse(&raw, false) {
            return Some(answer);
        }
    }
    parse(&raw, true)
}

fn parse(raw: &[u8], ended: bool) -> Option<Answer> {
    let end = raw.windows(4).position(|four| four == b"\r\n\r\n")?;
    let head = String::from_utf8_lossy(&raw[..end]).into_owned();
    let mut lines = head.split("\r\n");
    let status = lines.next()?.split(' ').nth(1)?.parse().ok()?;
    let headers: Vec<(String, String)> = lines
        .filter_map(|line| line.split_once(':'))
        .map(|(name, value)| (name.to_owned(), value.trim().to_owned()))
        .collect();
    let rest = &raw[end + 4..];
    let header = |name: &str| {
        headers.iter().find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, value)| value)
    };
    let length = header("content-length").and_then(|text| text.parse::<usize>().ok());
    let chunked = header("transfer-encoding").is_some_and(|value| value == "chunked");
    let body = match length {
        _ if chunked => dechunk(rest)?,
        Some(length) if rest.len() >= length => rest[..length].to_vec(),
        // The answer to HEAD has a length and no body.
        Some(_) if ended && rest.is_empty() => Vec::new(),
        None if ended => rest.to_vec(),
        _ => return None,
    };
    Some(Answer { status, headers, body, raw: raw.to_vec() })
}

fn dechunk(mut rest: &[u8]) -> Option<Vec<u8>> {
    let mut body = Vec::new();
    loop {
        let end = rest.windows(2).position(|two| two == b"\r\n")?;
        let size =
            usize::from_str_radix(std::str::from_utf8(&rest[..end]).ok()?.trim(), 16).ok()?;
        let chunk = rest.get(end + 2..end + 2 + size)?;
        if size == 0 {
            return Some(body);
        }
        body.extend_from_slice(chunk);
        rest = rest.get(end + 2 + size + 2..)?;
    }
}
