//! `upload_file`: bytes or an address into Notion. Never a path: the files of this machine are not the
//! caller's.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use bytes::Bytes;
use http::HeaderValue;
use notion::Id;
use rmcp::model::JsonObject;
use serde::Deserialize;
use serde_json::{Value, json};

use super::arguments::read;
use super::fault::Fault;
use super::reference::Reference;
use super::{REHEARSED, reach};
use crate::caller::{Ask, Caller};
use crate::tool::Outcome;

/// How often and after how long it is looked whether Notion has loaded a file from its address.
const LOOKS_MAX: u32 = 15;
const LOOKS_EVERY: Duration = Duration::from_secs(1);
/// The longest name that Notion takes, in bytes.
const NAME_MAX: usize = 900;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Arguments {
    name: String,
    data: Option<String>,
    url: Option<String>,
    content_type: Option<String>,
    attach_to: Option<String>,
    #[serde(default)]
    dry_run: bool,
}

pub(crate) async fn run(caller: &Caller<'_>, arguments: JsonObject) -> Result<Outcome, Fault> {
    let Arguments { name, data, url, content_type, attach_to, dry_run } = read(arguments)?;
    let name = plain_name(&name)?;
    let kind = content_type.unwrap_or_else(|| type_of(&name).to_owned());
    let attach_to = attach_to.as_deref().map(Reference::read).transpose()?;
    let bytes = match (&data, &url) {
        (Some(data), None) => Some(decoded(data)?),
        (None, Some(url)) if url.starts_with("https://") => None,
        (None, Some(_)) => return Err(Fault::input("`url` must be a public https:// address.")),
        _ => return Err(Fault::input("Pass `data` (base64) or `url`, one of them.")),
    };
    let begin = match &url {
        Some(url) => {
            json!({"mode": "external_url", "filename": name, "external_url": url, "content_type": kind})
        }
        None => json!({"mode": "single_part", "filename": name, "content_type": kind}),
    };
    if dry_run {
        let mut asks = vec![Ask { operation: "create-file", body: Some(begin), ..Ask::default() }];
        asks.extend(attach_to.map(|place| attaching(place, &placeholder())));
        reach::rehearse(caller, asks).await?;
        let size = bytes
            .as_ref()
            .map_or_else(|| "from the URL".to_owned(), |it| format!("{} bytes", it.len()));
        return Ok(Outcome::text(format!(
            "Dry run, nothing sent. Would upload {name} ({kind}, {size}). {REHEARSED}"
        )));
    }
    let made = reach::plain(caller, "create-file", Vec::new(), Some(begin)).await?;
    let id = made["id"].as_str().and_then(Id::parse);
    let id = id.ok_or_else(|| Fault::input("Notion answered no id for the upload."))?;
    if let Some(bytes) = bytes {
        let boundary = caller.gate.new_request_id();
        let (content_type, body) = form(&boundary, &name, &kind, &bytes)?;
        let reply = caller.upload(id, content_type, body).await;
        if !reply.is_success() {
            return Err(Fault::of(&reply));
        }
    }
    let mut text = format!("upload id: {}", id.plain());
    let there = url.is_none() || attach_to.is_none() || loaded(caller, id).await?;
    match attach_to {
        Some(place) if there => {
            match reach::send(caller, attaching(place, &block(&kind, id))).await {
                Ok(_) => text.push_str(&format!("\nattached at the end of {}", place.id.plain())),
                Err(fault) => {
                    return Ok(Outcome::error(format!("{text}\nbut not attached: {}", fault.text)));
                }
            }
        }
        Some(_) => text.push_str("\nNotion is still loading it from there: it is not attached."),
        None => {}
    }
    text.push_str("\nFor a files column pass the id as value. Unused uploads end after an hour.");
    Ok(Outcome::text(text))
}

/// Waits until Notion has loaded a file from its address; `false` if that takes too long.
async fn loaded(caller: &Caller<'_>, id: Id) -> Result<bool, Fault> {
    for look in 0..LOOKS_MAX {
        let upload =
            reach::about(caller, "retrieve-file-upload", "file_upload_id", id, None).await?;
        match upload["status"].as_str() {
            Some("uploaded") => return Ok(true),
            Some("pending") => {}
            other => {
                return Err(Fault::input(format!(
                    "Notion could not load the file from there (it is {}): check the address, or send the \
                     bytes as `data`.",
                    other.unwrap_or("unknown")
                )));
            }
        }
        caller.progress(f64::from(look), None, "Notion loads the file").await;
        tokio::time::sleep(LOOKS_EVERY).await;
    }
    Ok(false)
}

/// The call that puts a block at the end of a page or block.
fn attaching(place: Reference, block: &Value) -> Ask<'static> {
    let path = vec![("block_id", place.id.to_string())];
    let body = Some(json!({ "children": [block] }));
    Ask { operation: "patch-block-children", path, body, ..Ask::default() }
}

/// A block that stands for that of a file in a dry run: the file is not there yet.
fn placeholder() -> Value {
    json!({"type": "paragraph", "paragraph": {"rich_text": []}})
}

fn decoded(data: &str) -> Result<Bytes, Fault> {
    // As data URLs have it, too.
    let bare = data.rsplit_once(";base64,").map_or(data, |(_, bare)| bare);
    let bare: String = bare.chars().filter(|c| !c.is_ascii_whitespace()).collect();
    let bytes =
        STANDARD.decode(&bare).or_else(|_| URL_SAFE_NO_PAD.decode(bare.trim_end_matches('=')));
    match bytes {
        Ok(bytes) if bytes.is_empty() => Err(Fault::input("`data` is empty.")),
        Ok(bytes) => Ok(bytes.into()),
        Err(_) => Err(Fault::input("`data` is not base64. For text, encode it first.")),
    }
}

/// A name without a path.
fn plain_name(name: &str) -> Result<String, Fault> {
    let bare = name.trim();
    let fine = !bare.is_empty()
        && bare.len() <= NAME_MAX
        && !bare.contains(['/', '\\', '"'])
        && !bare.chars().any(char::is_control);
    if fine {
        return Ok(bare.to_owned());
    }
    Err(Fault::input("`name` is a file name with ending, without a path: report.pdf"))
}

fn type_of(name: &str) -> &'static str {
    let ending = name.rsplit('.').next().unwrap_or_default().to_ascii_lowercase();
    match ending.as_str() {
        "png" => "image/png",
        "jpg" | "jpeg" => "image/jpeg",
        "gif" => "image/gif",
        "webp" => "image/webp",
        "svg" => "image/svg+xml",
        "pdf" => "application/pdf",
        "csv" => "text/csv",
        "json" => "application/json",
        "md" | "txt" => "text/plain",
        "mp4" => "video/mp4",
        "mp3" => "audio/mpeg",
        "wav" => "audio/wav",
        "zip" => "application/zip",
        _ => "application/octet-stream",
    }
}

/// The block that shows a file.
fn block(kind: &str, id: Id) -> Value {
    let sort = match kind {
        "application/pdf" => "pdf",
        kind if kind.starts_with("image/") => "image",
        kind if kind.starts_with("video/") => "video",
        kind if kind.starts_with("audio/") => "audio",
        _ => "file",
    };
    json!({
        "type": sort,
        sort: {"type": "file_upload", "file_upload": {"id": id.to_string()}},
    })
}

/// The form that Notion takes a file in.
fn form(
    boundary: &str,
    name: &str,
    kind: &str,
    bytes: &[u8],
) -> Result<(HeaderValue, Bytes), Fault> {
    if HeaderValue::try_from(kind).is_err() {
        return Err(Fault::input("`content_type` is a media type as image/png."));
    }
    let mut body = format!(
        "--{boundary}\r\nContent-Disposition: form-data; name=\"file\"; filename=\"{name}\"\r\n\
         Content-Type: {kind}\r\n\r\n"
    )
    .into_bytes();
    body.extend_from_slice(bytes);
    body.extend_from_slice(format!("\r\n--{boundary}--\r\n").as_bytes());
    let content_type = HeaderValue::try_from(format!("multipart/form-data; boundary={boundary}"));
    let content_type = content_type.map_err(|_| Fault::input("The form could not be made."))?;
    Ok((content_type, body.into()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_have_no_path_and_data_is_decoded() {
        for name in ["", "/etc/passwd", "..\\x", "a\"b", "a\nb"] {
            assert!(plain_name(name).is_err(), "{name:?}");
        }
        assert_eq!(plain_name(" report.pdf ").unwrap(), "report.pdf");
        for data in ["aGk=", "aGk", "data:text/plain;base64,aGk=", " aG\nk="] {
            assert_eq!(decoded(data).unwrap(), "hi".as_bytes(), "{data}");
        }
        assert!(decoded("no base64!").is_err());
        assert!(decoded("").is_err());
    }

    #[test]
    fn a_form_holds_the_bytes_as_they_are() {
        let (kind, body) =
            form("b", "a.bin", "application/octet-stream", &[0, 13, 10, 255]).unwrap();
        assert_eq!(kind, "multipart/form-data; boundary=b");
        let at = body.windows(4).position(|it| it == [0, 13, 10, 255]);
        assert!(at.is_some() && body.ends_with(b"\r\n--b--\r\n"));
        assert!(form("b", "a", "text/plain\r\nX: y", b"").is_err());
    }
}
