//! Recordings: one exchange with the real Notion per line of JSON, perhaps compressed.

use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::path::Path;

use anyhow::Context;
use flate2::read::MultiGzDecoder;
use http::Method;
use indexmap::IndexMap;
use notion::catalogue;
use serde_json::Value;

use super::line;

/// One request and what Notion answered.
#[derive(Clone, Debug)]
pub(super) struct Exchange {
    pub(super) cassette: String,
    pub(super) n: String,
    /// The name of the operation; the path where the catalogue has none.
    pub(super) operation: String,
    pub(super) version: Option<String>,
    pub(super) method: Method,
    pub(super) path: String,
    pub(super) query: Value,
    /// Of a body that is no JSON.
    pub(super) content_type: Option<String>,
    /// A text, where it is no JSON.
    pub(super) request: Value,
    pub(super) status: u16,
    pub(super) answer: Value,
}

/// A file of exchanges, each cassette being a transcript of its own.
#[derive(Debug)]
pub(super) struct Recording {
    pub(super) name: String,
    pub(super) cassettes: IndexMap<String, Vec<Exchange>>,
    /// Lines that are no exchanges, and why.
    pub(super) unreadable: Vec<String>,
}

/// Reads a recording; a line that cannot be read is named, and does not stop the rest.
pub(super) fn read(path: &Path) -> anyhow::Result<Recording> {
    let file = File::open(path).with_context(|| format!("cannot open {}", path.display()))?;
    let is_packed = path.extension().is_some_and(|extension| extension == "gz");
    let reader: Box<dyn Read> =
        if is_packed { Box::new(MultiGzDecoder::new(file)) } else { Box::new(file) };
    let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let mut recording = Recording { name, cassettes: IndexMap::new(), unreadable: Vec::new() };
    for (index, line) in BufReader::new(reader).split(b'\n').enumerate() {
        let line = line.with_context(|| format!("cannot read {}", path.display()))?;
        if line.iter().all(u8::is_ascii_whitespace) {
            continue;
        }
        match exchange(&line) {
            Ok(exchange) => {
                recording.cassettes.entry(exchange.cassette.clone()).or_default().push(exchange);
            }
            Err(error) => recording.unreadable.push(format!("line {}: {error}", index + 1)),
        }
    }
    Ok(recording)
}

fn exchange(line: &[u8]) -> Result<Exchange, String> {
    let wire: Value = serde_json::from_slice(line).map_err(|error| error.to_string())?;
    let (request, response) = (&wire["request"], &wire["response"]);
    let method = request["method"].as_str().and_then(|m| m.to_ascii_uppercase().parse().ok());
    let method: Method = method.ok_or("there is no request.method")?;
    let keys = ["path", "uri", "url"];
    let path = keys.iter().find_map(|key| request[*key].as_str());
    let path = path.ok_or("there is no request.path")?;
    let path = path.strip_prefix("https://api.notion.com").unwrap_or(path);
    if !path.starts_with('/') {
        return Err(format!("the path does not begin with a slash: {path}"));
    }
    let (path, inline) = path.split_once('?').unwrap_or((path, ""));
    let answer = line::body(&response["body"]);
    let status = line::status(response, &answer).ok_or("there is no response.status")?;
    let named = catalogue::find(&method, path).map(|found| found.operation.name.to_owned());
    let version = line::header(&request["headers"], "notion-version");
    Ok(Exchange {
        cassette: line::text(&wire["cassette"]).unwrap_or_default(),
        n: line::text(&wire["n"]).unwrap_or_default(),
        operation: named.unwrap_or_else(|| format!("{method} {path}")),
        version: version.or_else(|| line::text(&wire["notion_version"])),
        method,
        path: path.to_owned(),
        query: line::query(&request["query"], inline),
        content_type: line::header(&request["headers"], "content-type"),
        request: line::body(&request["body"]),
        status,
        answer,
    })
}

/// A text without percent-encoding.
pub(super) fn decoded(text: &str) -> String {
    percent_encoding::percent_decode_str(text).decode_utf8_lossy().into_owned()
}

impl Exchange {
    /// Whether Notion did it.
    pub(super) fn succeeded(&self) -> bool {
        (200..300).contains(&self.status)
    }

    /// Whether it may have changed something.
    pub(super) fn is_write(&self) -> bool {
        match self.method {
            Method::PATCH | Method::DELETE => true,
            Method::POST => !self.path.ends_with("/query") && !self.path.ends_with("/search"),
            _ => false,
        }
    }

    /// The parts of the path after `/v1`.
    pub(super) fn segments(&self) -> Vec<&str> {
        self.path.split('/').filter(|part| !part.is_empty()).skip(1).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_an_exchange_or_says_why_not() {
        let line = br#"{"cassette":"c","n":"1","request":{"method":"GET","path":"/v1/users/me",
            "query":{},"headers":{"notion-version":"2026-03-11"},"body":null},
            "response":{"status":200,"body":{"object":"user"}}}"#;
        let read = exchange(line).unwrap();
        assert_eq!((read.operation.as_str(), read.status), ("get-self", 200));
        assert!(!read.is_write() && read.succeeded());
        assert!(exchange(b"{").is_err());
        assert!(exchange(br#"{"request":{"method":"GET"}}"#).is_err());
    }
}
