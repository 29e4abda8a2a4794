//! File uploads: what was begun, the bytes that came, and what time makes of them.

use std::collections::BTreeMap;

use bytes::Bytes;
use jiff::{SignedDuration, Timestamp};
use notion::Id;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::World;
use super::journal::{Change, Subject};

/// Most bytes of all files of a world.
pub(crate) const BYTES_MAX: usize = 256 * 1024 * 1024;
/// Most file uploads of a world.
pub(crate) const UPLOADS_MAX: usize = 10_000;
/// What is not attached ends after this long (measured).
const LIFE: SignedDuration = SignedDuration::from_hours(1);
/// An import takes this long (own choice: long enough that a client has to poll).
const IMPORT_TAKES: SignedDuration = SignedDuration::from_secs(2);

/// How the bytes come.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Mode {
    SinglePart,
    MultiPart { total: u32 },
    ExternalUrl { url: String },
}

/// How far it is.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Status {
    Pending,
    Uploaded,
    Expired,
    Failed,
}

impl Status {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Uploaded => "uploaded",
            Self::Expired => "expired",
            Self::Failed => "failed",
        }
    }
}

/// A piece of a file.
#[derive(Clone, Debug)]
pub(crate) struct Part(pub(crate) Bytes);

impl Serialize for Part {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        use base64::Engine;
        serializer.serialize_str(&base64::engine::general_purpose::STANDARD.encode(&self.0))
    }
}

impl<'de> Deserialize<'de> for Part {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        use base64::Engine;
        let text = String::deserialize(deserializer)?;
        let bytes = base64::engine::general_purpose::STANDARD.decode(text);
        bytes.map(|bytes| Self(bytes.into())).map_err(serde::de::Error::custom)
    }
}

/// One file upload.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub(crate) struct FileUpload {
    pub(crate) id: Id,
    pub(crate) created_by: Id,
    pub(crate) created_time: Timestamp,
    pub(crate) last_edited_time: Timestamp,
    pub(crate) mode: Mode,
    pub(crate) status: Status,
    pub(crate) filename: Option<String>,
    pub(crate) content_type: Option<String>,
    /// By number; a single part is number 1.
    pub(crate) parts: BTreeMap<u32, Part>,
    /// Something shows the file: it stays.
    #[serde(default)]
    pub(crate) attached: bool,
    #[serde(default)]
    pub(crate) import_result: Value,
}

impl FileUpload {
    pub(crate) fn length(&self) -> usize {
        self.parts.values().map(|part| part.0.len()).sum()
    }

    /// When it ends, unless somebody attaches it.
    pub(crate) fn expiry(&self) -> Option<Timestamp> {
        if self.attached { None } else { self.created_time.checked_add(LIFE).ok() }
    }

    /// The whole file.
    pub(crate) fn bytes(&self) -> Bytes {
        match self.parts.values().next() {
            Some(only) if self.parts.len() == 1 => only.0.clone(),
            _ => {
                let parts: Vec<&[u8]> = self.parts.values().map(|part| part.0.as_ref()).collect();
                parts.concat().into()
            }
        }
    }

    /// The name that is shown when none was given.
    pub(crate) fn name(&self) -> &str {
        self.filename.as_deref().unwrap_or("file")
    }
}

impl World {
    /// Bytes of all files.
    pub(crate) fn file_bytes(&self) -> usize {
        self.file_uploads.values().map(FileUpload::length).sum()
    }

    /// What has become of imports and of uploads that nobody attached, by now.
    pub(crate) fn settle_uploads(&mut self) {
        let now = self.now();
        let open: Vec<Id> = self
            .file_uploads
            .values()
            .filter(|upload| match upload.status {
                Status::Pending => true,
                Status::Uploaded => !upload.attached,
                Status::Expired | Status::Failed => false,
            })
            .map(|upload| upload.id)
            .collect();
        let mut used = None;
        for id in open {
            let Some(upload) = self.file_uploads.get(&id) else { continue };
            let (by, import) = (upload.created_by, import_due(upload, now));
            let expired = upload.expiry().is_some_and(|expiry| expiry <= now);
            let change = if let Some(done) = import {
                let used = used.get_or_insert_with(|| self.file_bytes());
                finish_import(&mut self.file_uploads[&id], done, used)
            } else if expired {
                let upload = &mut self.file_uploads[&id];
                upload.status = Status::Expired;
                upload.parts.clear();
                Change::Expired
            } else {
                continue;
            };
            self.note(by, Subject::FileUpload { id, by }, change);
        }
    }
}

impl World {
    /// When an import is over or an upload ends, next.
    pub(crate) fn next_of_uploads(&self) -> Option<Timestamp> {
        let next = |upload: &FileUpload| match (upload.status, &upload.mode) {
            (Status::Expired | Status::Failed, _) => None,
            (Status::Pending, Mode::ExternalUrl { .. }) => {
                upload.created_time.checked_add(IMPORT_TAKES).ok()
            }
            (Status::Pending | Status::Uploaded, _) => upload.expiry(),
        };
        self.file_uploads.values().filter_map(next).min()
    }
}

/// When the import was done, and from where, if it is over by now.
fn import_due(upload: &FileUpload, now: Timestamp) -> Option<(String, Timestamp)> {
    let Mode::ExternalUrl { url } = &upload.mode else { return None };
    let done = upload.created_time.checked_add(IMPORT_TAKES).ok()?;
    (upload.status == Status::Pending && done <= now).then(|| (url.clone(), done))
}

/// Ends an import. There is no network here: what could be fetched becomes a stand-in, a file that
/// holds its URL.
fn finish_import(
    upload: &mut FileUpload,
    (url, done): (String, Timestamp),
    used: &mut usize,
) -> Change {
    let at = crate::clock::to_minute(done);
    upload.last_edited_time = done;
    let refused = refusal(&url).or_else(|| {
        let full = *used + url.len() > BYTES_MAX;
        full.then_some(("internal_system_error", "file_upload_failed", "The sandbox is full."))
    });
    if let Some((kind, code, message)) = refused {
        upload.status = Status::Failed;
        upload.import_result = json!({
            "type": "error",
            "error": {
                "type": kind,
                "code": code,
                "message": format!("{message} Please try again with a new file upload."),
                "parameter": null,
                "status_code": null,
            },
            "imported_time": at,
        });
        return Change::Failed(upload.import_result.clone());
    }
    upload.status = Status::Uploaded;
    upload.import_result = json!({"type": "success", "success": {}, "imported_time": at});
    *used += url.len();
    upload.parts.insert(1, Part(url.into()));
    Change::Completed
}

/// Why a URL cannot be fetched. Hosts under `.invalid` (RFC 2606) are the switch for tests of a
/// download that fails. Codes and messages are own wording, in the manner of the documented one.
fn refusal(url: &str) -> Option<(&'static str, &'static str, &'static str)> {
    let Some(rest) = url.strip_prefix("https://") else {
        let text = "The external URL must begin with https://.";
        return Some(("validation_error", "file_upload_invalid_url", text));
    };
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let host = authority.rsplit('@').next().unwrap_or_default().to_ascii_lowercase();
    let bare = if host.starts_with('[') { "" } else { host.split(':').next().unwrap_or("") };
    let is_number = bare.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
    if is_number || !bare.contains('.') || bare.ends_with(".localhost") || bare.ends_with(".local")
    {
        let text = "The external URL must be publicly accessible.";
        return Some(("validation_error", "file_upload_invalid_url", text));
    }
    bare.ends_with(".invalid").then_some((
        "download_error",
        "file_upload_download_failed",
        "The file could not be downloaded.",
    ))
}
