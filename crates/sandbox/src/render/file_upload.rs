//! Shows file uploads, and signs the URLs from which files are read.

use aws_lc_rs::hmac;
use jiff::{SignedDuration, Timestamp};
use notion::Id;
use serde_json::{Value, json};

use super::Object;
use crate::clock::to_minute;
use crate::world::World;
use crate::world::access::View;
use crate::world::file_upload::{FileUpload, Mode, Status};
use crate::world::property::encode;

/// Where files are read: `/_sandbox/files/{id}/{name}?expires=…&signature=…`.
pub(crate) const FILES: &str = "/_sandbox/files/";

/// A file upload object.
pub(crate) fn file_upload(view: View, upload: &FileUpload) -> Value {
    let is_pending = upload.status == Status::Pending;
    let is_whole = upload.status == Status::Uploaded;
    let (by, base) = (upload.created_by, &view.world.base_url);
    let kind = if view.world.people.contains_key(&by) { "person" } else { "bot" };
    let url = |what: &str| format!("{base}/v1/file_uploads/{}/{what}", upload.id);
    let mut object = Object::new("file_upload")
        .with("id", upload.id.to_string())
        .with("created_time", to_minute(upload.created_time))
        .with("created_by", json!({"id": by, "type": kind}))
        .with("last_edited_time", to_minute(upload.last_edited_time))
        .with("expiry_time", upload.expiry().map(to_minute))
        .with_if(is_pending, "upload_url", url("send"));
    if let Mode::MultiPart { .. } = upload.mode {
        object = object.with_if(is_pending && !view.is_dated(), "complete_url", url("complete"));
    }
    object = object
        // The old word alone in old versions and until 2026, both for a while, then the new one.
        .with(if view.has_sources() && !view.is_dated() { "in_trash" } else { "archived" }, false)
        .with("status", upload.status.as_str())
        .with("filename", upload.filename.clone())
        .with("content_type", upload.content_type.clone())
        .with("content_length", is_whole.then(|| upload.length()));
    if let Mode::MultiPart { total } = upload.mode {
        // Once whole, the parts are one piece.
        let sent = if is_whole { total as usize } else { upload.parts.len() };
        object = object.with("number_of_parts", json!({"total": total, "sent": sent}));
    }
    object
        .with_if(
            !upload.import_result.is_null(),
            "file_import_result",
            upload.import_result.clone(),
        )
        .with_if(view.has_archived(), "archived", false)
        .done()
}

/// `{type: "file", file: {url, expiry_time}}` of an uploaded file.
pub(crate) fn readable(world: &World, id: Id) -> Value {
    let until = world.now().checked_add(SignedDuration::from_hours(1)).unwrap_or(world.now());
    let name = encode(world.file_uploads.get(&id).map_or("file", FileUpload::name));
    let (base, expires) = (&world.base_url, until.as_second());
    let signature = sign(world, id, expires);
    json!({"type": "file", "file": {
        "url": format!("{base}{FILES}{id}/{name}?expires={expires}&signature={signature}"),
        "expiry_time": until.strftime("%Y-%m-%dT%H:%M:%S.%3fZ").to_string(),
    }})
}

/// The upload that one of our own URLs is about, if the URL is one that we gave, even long ago.
pub(crate) fn in_url(world: &World, url: &str) -> Option<Id> {
    let (_, rest) = url.split_once(FILES)?;
    let id = Id::parse(rest.split('/').next()?)?;
    let (_, query) = rest.split_once('?')?;
    is_signed(world, id, query).then_some(id)
}

/// The upload that a URL in the world is about: it was checked when it came in.
pub(crate) fn kept_in_url(url: &str) -> Option<Id> {
    let (_, rest) = url.split_once(FILES)?;
    Id::parse(rest.split('/').next()?)
}

fn is_signed(world: &World, id: Id, query: &str) -> bool {
    let member = |name: &str| {
        query.split('&').filter_map(|pair| pair.split_once('=')).find(|(key, _)| *key == name)
    };
    let expires = member("expires").and_then(|(_, text)| text.parse::<i64>().ok());
    let signature = member("signature").map(|(_, text)| text);
    expires.is_some_and(|expires| signature == Some(sign(world, id, expires).as_str()))
}

/// Whether a URL that names `id` with this query may be read now.
pub(crate) fn may_read(world: &World, id: Id, query: &str) -> bool {
    let expires = query.split('&').find_map(|pair| pair.strip_prefix("expires="));
    let expires = expires.and_then(|text| text.parse::<i64>().ok());
    let until = expires.and_then(|seconds| Timestamp::from_second(seconds).ok());
    is_signed(world, id, query) && until.is_some_and(|until| world.now() < until)
}

/// No secret is at stake: the key is the workspace's id, so that URLs outlive a restart.
fn sign(world: &World, id: Id, expires: i64) -> String {
    let key = hmac::Key::new(hmac::HMAC_SHA256, world.workspace.id.to_string().as_bytes());
    let tag = hmac::sign(&key, format!("{id} {expires}").as_bytes());
    tag.as_ref().iter().take(16).map(|byte| format!("{byte:02x}")).collect()
}
