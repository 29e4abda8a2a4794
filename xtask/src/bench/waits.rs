//! What one client on one connection waits, one request at a time.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::time::Instant;

use anyhow::{Context, Result, ensure};
use serde_json::Value;

/// A request to Notion's API, or to something that speaks it.
pub(super) struct Request {
    pub(super) method: &'static str,
    pub(super) path: String,
    pub(super) body: Value,
}

/// One connection, kept open.
pub(super) struct Client {
    stream: BufReader<TcpStream>,
    token: String,
}

impl Client {
    pub(super) fn connect(url: &str, token: &str) -> Result<Self> {
        let stream = TcpStream::connect(url.trim_start_matches("http://"))?;
        stream.set_nodelay(true)?;
        Ok(Self { stream: BufReader::new(stream), token: token.to_owned() })
    }

    /// Sends a request; gives the milliseconds until its answer was there.
    pub(super) fn send(&mut self, request: &Request) -> Result<f64> {
        let body = if request.body.is_null() { String::new() } else { request.body.to_string() };
        let text = format!(
            "{} {} HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer {}\r\n\
             notion-version: 2025-09-03\r\ncontent-type: application/json\r\n\
             content-length: {}\r\n\r\n{body}",
            request.method,
            request.path,
            self.token,
            body.len()
        );
        let begun = Instant::now();
        self.stream.get_mut().write_all(text.as_bytes())?;
        let (status, length) = self.head()?;
        let mut answer = vec![0; length];
        self.stream.read_exact(&mut answer)?;
        let wait = begun.elapsed();
        ensure!(status == 200, "answered {status}: {}", String::from_utf8_lossy(&answer));
        Ok(wait.as_secs_f64() * 1e3)
    }

    /// The status and length that the head of an answer tells.
    fn head(&mut self) -> Result<(u16, usize)> {
        let (mut status, mut length) = (0, None);
        loop {
            let mut line = String::new();
            ensure!(self.stream.read_line(&mut line)? > 0, "the connection ended");
            let line = line.trim_end().to_ascii_lowercase();
            if line.is_empty() {
                return Ok((status, length.context("the answer does not tell its length")?));
            }
            if line.starts_with("http/1.1 ") {
                status = line.split(' ').nth(1).and_then(|word| word.parse().ok()).unwrap_or(0);
            } else if let Some(value) = line.strip_prefix("content-length:") {
                length = Some(value.trim().parse()?);
            }
        }
    }
}

/// The smallest value of sorted ones that so large a share does not exceed.
pub(super) fn percentile(sorted: &[f64], share: f64) -> f64 {
    let index = (sorted.len() as f64 * share).ceil() as usize;
    sorted.get(index.saturating_sub(1)).copied().unwrap_or_default()
}
