//! The few requests that the tools themselves send: HTTP/1.1, no TLS, 127.0.0.1 only.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use serde_json::Value;

const LIMIT: Duration = Duration::from_secs(30);

/// Sends a request and gives the body of a successful answer.
pub(crate) fn send(
    method: &str,
    url: &str,
    bearer: Option<&str>,
    body: Option<&Value>,
) -> Result<String> {
    let (status, text) =
        exchange(method, url, bearer, body).with_context(|| format!("{method} {url}"))?;
    ensure!((200..300).contains(&status), "{method} {url} answered {status}: {text}");
    Ok(text)
}

fn exchange(
    method: &str,
    url: &str,
    bearer: Option<&str>,
    body: Option<&Value>,
) -> Result<(u16, String)> {
    let rest = url.strip_prefix("http://").context("only http:// URLs are used here")?;
    let (authority, path) = rest.split_once('/').unwrap_or((rest, ""));
    ensure!(authority.starts_with("127.0.0.1:"), "only 127.0.0.1 is spoken to");
    let body = body.map(Value::to_string).unwrap_or_default();
    let mut head = format!(
        "{method} /{path} HTTP/1.1\r\nhost: {authority}\r\nconnection: close\r\n\
         content-length: {}\r\nnotion-version: 2025-09-03\r\n",
        body.len()
    );
    if !body.is_empty() {
        head.push_str("content-type: application/json\r\n");
    }
    if let Some(bearer) = bearer {
        head.push_str(&format!("authorization: Bearer {bearer}\r\n"));
    }
    let mut stream = TcpStream::connect(authority)?;
    stream.set_read_timeout(Some(LIMIT))?;
    stream.set_write_timeout(Some(LIMIT))?;
    stream.write_all(format!("{head}\r\n{body}").as_bytes())?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer)?;
    parse(&answer)
}

fn parse(answer: &[u8]) -> Result<(u16, String)> {
    let end = answer.windows(4).position(|bytes| bytes == b"\r\n\r\n");
    let end = end.context("the answer has no end of its head")?;
    let head = String::from_utf8_lossy(&answer[..end]).to_ascii_lowercase();
    let status = head.split(' ').nth(1).and_then(|word| word.parse().ok());
    let status = status.context("the answer has no status")?;
    let rest = &answer[end + 4..];
    let body = if head.contains("\r\ntransfer-encoding: chunked") {
        unchunk(rest)?
    } else {
        rest.to_vec()
    };
    Ok((status, String::from_utf8(body).context("the answer is not UTF-8")?))
}

fn unchunk(mut rest: &[u8]) -> Result<Vec<u8>> {
    let mut body = Vec::new();
    loop {
        let end = rest.windows(2).position(|bytes| bytes == b"\r\n");
        let end = end.context("a chunk has no size")?;
        let size = std::str::from_utf8(&rest[..end])?;
        let size = usize::from_str_radix(size.split(';').next().unwrap_or_default().trim(), 16)?;
        if size == 0 {
            return Ok(body);
        }
        let start = end + 2;
        if rest.len() < start + size + 2 {
            bail!("the answer ends within a chunk");
        }
        body.extend_from_slice(&rest[start..start + size]);
        rest = &rest[start + size + 2..];
    }
}

#[cfg(test)]
mod tests {
    use super::parse;

    #[test]
    fn a_body_comes_whole_or_in_chunks() {
        let whole = b"HTTP/1.1 201 Created\r\ncontent-length: 2\r\n\r\nok";
        assert_eq!(parse(whole).unwrap(), (201, "ok".to_owned()));
        let chunks = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n\
            2\r\nab\r\n1;x=y\r\nc\r\n0\r\n\r\n";
        assert_eq!(parse(chunks).unwrap(), (200, "abc".to_owned()));
    }

    #[test]
    fn a_cut_answer_is_an_error() {
        assert!(parse(b"HTTP/1.1 200 OK\r\n").is_err());
        assert!(parse(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n9\r\nab").is_err());
    }
}
