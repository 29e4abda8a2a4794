//! File uploads: begin, send, complete, look.

use std::collections::BTreeMap;

use notion::{Id, Kind};
use serde_json::Value;

use super::{Request, Scene};
use crate::fail::Fail;
use crate::input::check::Spot;
use crate::input::files::name_in_url;
use crate::input::multipart::Form;
use crate::input::paging::Paging;
use crate::media_type;
use crate::query::session;
use crate::render::file_upload::file_upload;
use crate::render::list::list as envelope;
use crate::world::file_upload::{BYTES_MAX, FileUpload, Mode, Part, Status, UPLOADS_MAX};
use crate::world::journal::{Change, Subject};

const MEBIBYTE: usize = 1024 * 1024;
/// Longest file in one part, and longest part.
const PART_MAX: usize = 20 * MEBIBYTE;
/// Shortest part, but for the last.
const PART_MIN: usize = 5 * MEBIBYTE;
/// Most parts. (The documentation says 10,000 in one place and 1,000 in another.)
const PARTS_MAX: u32 = 1000;
const FILENAME_MAX: usize = 900;
const CONTENT_TYPE_MAX: usize = 200;
const URL_MAX: usize = 2000;

/// `POST /v1/file_uploads`
pub(super) fn create(scene: &mut Scene, request: &Request) -> Result<Value, Fail> {
    let body = request.body();
    body.only(&["mode", "filename", "content_type", "number_of_parts", "external_url"])?;
    let mode = mode(&body)?;
    let mut filename = filename(&body.get("filename"))?;
    if filename.is_none() {
        match &mode {
            Mode::MultiPart { .. } => return Err(body.get("filename").undefined().into()),
            Mode::ExternalUrl { url } => {
                filename = Some(name_in_url(url)).filter(|name| !name.is_empty());
            }
            Mode::SinglePart => {}
        }
    }
    let content_type = content_type(&body.get("content_type"))?;
    if scene.world.file_uploads.len() >= UPLOADS_MAX {
        return Err(Fail::full());
    }
    let (id, now) = (scene.world.ids.object(), scene.now());
    let mut upload = FileUpload {
        id,
        created_by: scene.who.user,
        created_time: now,
        last_edited_time: now,
        mode,
        status: Status::Pending,
        filename,
        content_type,
        parts: BTreeMap::new(),
        attached: false,
        import_result: Value::Null,
    };
    complete_names(&mut upload);
    scene.world.file_uploads.insert(id, upload);
    note(scene, id, Change::Created);
    shown(scene, id)
}

fn mode(body: &Spot) -> Result<Mode, Fail> {
    let word = body.get("mode");
    let modes = ["single_part", "multi_part", "external_url"];
    let mode = if word.is_there() { word.word(&modes, true)? } else { "single_part" };
    let (parts, url) = (body.get("number_of_parts"), body.get("external_url"));
    if mode != "multi_part" && parts.is_there() {
        return Err(parts.not_present().into());
    }
    if mode != "external_url" && url.is_there() {
        return Err(url.not_present().into());
    }
    Ok(match mode {
        "multi_part" => {
            let number = parts.number()?;
            let total = (1..=PARTS_MAX).find(|whole| f64::from(*whole) == number);
            let what = format!("an integer from `1` to `{PARTS_MAX}`");
            Mode::MultiPart { total: total.ok_or_else(|| parts.should_be(&what))? }
        }
        "external_url" => {
            let text = url.text(URL_MAX)?;
            if !text.contains("://") || text.contains(char::is_whitespace) {
                return Err(url.complain("should be a valid url").into());
            }
            Mode::ExternalUrl { url: text.to_owned() }
        }
        _ => Mode::SinglePart,
    })
}

fn filename(spot: &Spot) -> Result<Option<String>, Fail> {
    let Some(name) = spot.string_opt()? else { return Ok(None) };
    if name.is_empty() {
        return Err(spot.get("length").complain("should be ≥ `1`, instead was `0`").into());
    }
    check_name(name)?;
    Ok(Some(name.to_owned()))
}

fn check_name(name: &str) -> Result<(), Fail> {
    if name.len() <= FILENAME_MAX {
        return Ok(());
    }
    Err(Fail::validation(format!(
        "body failed validation: body.filename should be ≤ `{FILENAME_MAX}` bytes, instead was \
         `{}`.",
        name.len()
    )))
}

fn content_type(spot: &Spot) -> Result<Option<String>, Fail> {
    if !spot.is_there() {
        return Ok(None);
    }
    let text = spot.text(CONTENT_TYPE_MAX)?;
    if !is_media_type(text) {
        return Err(spot.should_be("a valid MIME type").into());
    }
    Ok(Some(text.to_owned()))
}

fn is_media_type(text: &str) -> bool {
    let essence = media_type::essence(text);
    let is_word = |part: &str| {
        let fits = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$&^_.+-".contains(&byte);
        !part.is_empty() && part.bytes().all(fits)
    };
    let visible = text.bytes().all(|byte| (0x20..0x7f).contains(&byte));
    visible && essence.split_once('/').is_some_and(|(kind, rest)| is_word(kind) && is_word(rest))
}

/// Name and content type give each other what is missing.
fn complete_names(upload: &mut FileUpload) {
    if upload.content_type.is_none() {
        let known = upload.filename.as_deref().and_then(media_type::of_name);
        upload.content_type = known.map(str::to_owned);
    }
    let kind = upload.content_type.as_deref().map(media_type::essence);
    if let (Some(name), Some(ending)) =
        (&mut upload.filename, kind.as_deref().and_then(media_type::ending))
        && !name.contains('.')
    {
        *name = format!("{name}.{ending}");
    }
}

/// An upload of the caller's own: others are not there.
fn find<'a>(scene: &'a Scene, id: Id) -> Result<&'a FileUpload, Fail> {
    let found = scene.world.file_uploads.get(&id);
    let own = found.filter(|upload| upload.created_by == scene.who.user);
    own.ok_or_else(|| scene.not_found(Kind::FileUpload.as_str(), id))
}

fn find_pending<'a>(scene: &'a Scene, id: Id) -> Result<&'a FileUpload, Fail> {
    let upload = find(scene, id)?;
    if upload.status == Status::Pending {
        return Ok(upload);
    }
    // Own wording.
    Err(Fail::validation(format!(
        "File upload {id} has a status of `{}`, but should be `pending`.",
        upload.status.as_str()
    )))
}

fn note(scene: &mut Scene, id: Id, change: Change) {
    scene.note(Subject::FileUpload { id, by: scene.who.user }, change);
}

fn shown(scene: &Scene, id: Id) -> Result<Value, Fail> {
    Ok(file_upload(scene.view(), find(scene, id)?))
}

/// `GET /v1/file_uploads/{file_upload_id}`
pub(super) fn retrieve(scene: &mut Scene, request: &Request) -> Result<Value, Fail> {
    shown(scene, request.id("file_upload_id")?)
}

/// `GET /v1/file_uploads`: own ones, the newest first (a guess: the docs name no order).
pub(super) fn list(scene: &mut Scene, request: &Request) -> Result<Value, Fail> {
    let status = Spot::root("query", &request.query).get("status");
    let wanted = if status.is_there() {
        Some(status.word(&["pending", "uploaded", "expired", "failed"], true)?)
    } else {
        None
    };
    let paging = Paging::in_query(&request.query)?;
    let view = scene.view();
    let all: Vec<Id> = view
        .world
        .file_uploads
        .values()
        .rev()
        .filter(|upload| upload.created_by == view.who.user)
        .filter(|upload| wanted.is_none_or(|wanted| upload.status.as_str() == wanted))
        .map(|upload| upload.id)
        .collect();
    let (page, next) = session::slice(&all, &paging)?;
    let uploads = page.iter().filter_map(|id| view.world.file_uploads.get(id));
    Ok(envelope("file_upload", uploads.map(|upload| file_upload(view, upload)).collect(), next))
}

/// `POST /v1/file_uploads/{file_upload_id}/send`. Refusals are own wording.
pub(super) fn send(scene: &mut Scene, request: &Request, form: Form) -> Result<Value, Fail> {
    let id = request.id("file_upload_id")?;
    let sent = form.file.ok_or_else(|| Spot::body(&Value::Null).get("file").undefined())?;
    let upload = find_pending(scene, id)?;
    let number = match &upload.mode {
        Mode::SinglePart => 1,
        Mode::MultiPart { total } => part_number(form.part_number.as_deref(), *total)?,
        Mode::ExternalUrl { .. } => {
            return Err(Fail::validation(format!(
                "File upload {id} has a mode of `external_url`: its bytes cannot be sent."
            )));
        }
    };
    check_length(upload, number, sent.bytes.len())?;
    let given = sent.content_type.filter(|kind| is_media_type(kind));
    let given = given.filter(|kind| media_type::essence(kind) != "application/octet-stream");
    if let (Some(is), Some(should)) = (&given, &upload.content_type)
        && matches!(upload.mode, Mode::SinglePart)
        && media_type::essence(is) != media_type::essence(should)
    {
        return Err(Fail::validation(format!(
            "Content type of the file (`{is}`) should match the file upload's (`{should}`)."
        )));
    }
    if let Some(name) = &sent.filename {
        check_name(name)?;
    }
    let before = upload.parts.get(&number).map_or(0, |part| part.0.len());
    let own = upload.length() - before + sent.bytes.len();
    check_size(scene, own)?;
    if scene.world.file_bytes() - before + sent.bytes.len() > BYTES_MAX {
        return Err(Fail::full());
    }
    let now = scene.now();
    let Some(upload) = scene.world.file_uploads.get_mut(&id) else { return shown(scene, id) };
    upload.last_edited_time = now;
    upload.parts.insert(number, Part(sent.bytes));
    if upload.filename.is_none() {
        upload.filename = sent.filename.filter(|name| !name.is_empty());
    }
    if upload.content_type.is_none() {
        upload.content_type = given;
    }
    complete_names(upload);
    if matches!(upload.mode, Mode::SinglePart) {
        upload.status = Status::Uploaded;
        note(scene, id, Change::Completed);
    }
    shown(scene, id)
}

fn part_number(given: Option<&str>, total: u32) -> Result<u32, Fail> {
    let number = given.map(|text| Value::String(text.trim().to_owned()));
    let body = serde_json::json!({"part_number": number});
    let spot = Spot::body(&body).get("part_number");
    if given.is_none() {
        return Err(Spot::body(&Value::Null).get("part_number").undefined().into());
    }
    let number = spot.string()?.parse::<u32>().ok();
    number
        .filter(|number| (1..=total).contains(number))
        .ok_or_else(|| spot.should_be(&format!("an integer from `1` to `{total}`")).into())
}

fn check_length(upload: &FileUpload, number: u32, length: usize) -> Result<(), Fail> {
    let is_last = match upload.mode {
        Mode::MultiPart { total } => number == total,
        _ => true,
    };
    if length > PART_MAX || (!is_last && length < PART_MIN) {
        let what = if matches!(upload.mode, Mode::MultiPart { .. }) {
            "Each part but the last must be from 5 MiB to 20 MiB"
        } else {
            "A file that is sent in one part must be at most 20 MiB"
        };
        return Err(Fail::validation(format!("{what}, instead was {length} bytes.")));
    }
    Ok(())
}

/// The workspace's limit; the sentence is the one of failed imports (documented).
fn check_size(scene: &Scene, length: usize) -> Result<(), Fail> {
    let most = scene.world.workspace.max_file_upload_size_in_bytes;
    if length as u64 <= most {
        return Ok(());
    }
    Err(Fail::validation(format!(
        "The file size is not within the allowed limit of {} MiB. Please try again with a new file \
         upload.",
        most / MEBIBYTE as u64
    )))
}

/// `POST /v1/file_uploads/{file_upload_id}/complete`. Refusals are own wording.
pub(super) fn complete(scene: &mut Scene, request: &Request) -> Result<Value, Fail> {
    let id = request.id("file_upload_id")?;
    request.body().only(&[])?;
    let upload = find_pending(scene, id)?;
    let Mode::MultiPart { total } = upload.mode else {
        return Err(Fail::validation(format!(
            "File upload {id} should have a mode of `multi_part` to be completed."
        )));
    };
    let sent = upload.parts.len();
    if sent != total as usize {
        return Err(Fail::validation(format!(
            "File upload {id} has {sent} of {total} parts: send the others before completing it."
        )));
    }
    let now = scene.now();
    if let Some(upload) = scene.world.file_uploads.get_mut(&id) {
        upload.status = Status::Uploaded;
        upload.last_edited_time = now;
        // One piece, as it will be served.
        let whole = upload.bytes();
        upload.parts = BTreeMap::from([(1, Part(whole))]);
    }
    note(scene, id, Change::Completed);
    shown(scene, id)
}
