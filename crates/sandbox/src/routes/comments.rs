//! Comments: create, list, retrieve, edit and delete.

use notion::{Capability, Id, Kind};
use serde_json::{Value, json};

use super::attach::attach;
use super::{Request, Scene};
use crate::fail::Fail;
use crate::input::check::{Spot, fix_one};
use crate::input::paging::Paging;
use crate::input::rich_text;
use crate::markdown::{Dialect, Reading, rich_text as inline_markdown};
use crate::media_type;
use crate::query::session;
use crate::render;
use crate::render::list::list as envelope;
use crate::world::COMMENTS_MAX;
use crate::world::access::View;
use crate::world::comment::Comment;
use crate::world::journal::{Change, Subject};

const ATTACHMENTS_MAX: usize = 3;

/// `POST /v1/comments`
pub(super) fn create(scene: &mut Scene, request: &Request) -> Result<Value, Fail> {
    let body = request.body();
    let (parent, thread) = (body.get("parent"), body.get("discussion_id"));
    let place = match (parent.is_there(), thread.is_there()) {
        (false, false) => return Err(fix_one(vec![parent.undefined(), thread.undefined()])),
        (true, true) => return Err(thread.not_present().into()),
        (true, false) => Place::On(about(&parent)?),
        (false, true) => Place::In(thread.id()?),
    };
    let text = text(scene, &body)?;
    let shown_as = display_name(&body.get("display_name"))?;
    let mut attachments = Vec::new();
    if body.get("attachments").is_there() {
        for item in body.get("attachments").items(ATTACHMENTS_MAX)? {
            let id = item.get("file_upload_id").id()?;
            attachments.push(json!({"type": "file_upload", "file_upload": {"id": id}}));
        }
    }
    let (about, discussion_id) = match place {
        Place::On((kind, id)) => (scene.find(kind, id)?.id, None),
        Place::In(thread) => {
            let first = scene.world.comments.values().find(|one| one.discussion_id == thread);
            let about = first.map(|first| first.about).filter(|id| scene.view().sees(*id));
            (about.ok_or_else(|| scene.not_found("discussion", thread))?, Some(thread))
        }
    };
    scene.check_editable(about)?;
    if scene.world.comments.len() >= COMMENTS_MAX {
        return Err(Fail::full());
    }
    attach(scene, &attachments)?;
    let discussion_id = discussion_id
        .or_else(|| open_thread(scene, about))
        .unwrap_or_else(|| scene.world.ids.object());
    let (id, now) = (scene.world.ids.object(), scene.now());
    let comment = Comment {
        id,
        about,
        discussion_id,
        created_time: now,
        last_edited_time: now,
        created_by: scene.who.user,
        rich_text: text,
        resolved: false,
        shown_as,
        attachments,
    };
    scene.world.comments.insert(id, comment);
    scene.note(Subject::Comment { id, about }, Change::Created);
    Ok(written(scene, id))
}

/// What is said about a page goes on in its open thread (measured).
fn open_thread(scene: &Scene, about: Id) -> Option<Id> {
    scene.world.page(about)?;
    let mut comments = scene.world.comments.values();
    comments.find(|one| one.about == about && !one.resolved).map(|one| one.discussion_id)
}

/// What a comment says: rich text, or inline markdown, of which each line is a line.
fn text(scene: &Scene, body: &Spot) -> Result<Vec<Value>, Fail> {
    let (rich, markdown) = (body.get("rich_text"), body.get("markdown"));
    if !markdown.is_there() {
        return rich_text::read(&rich);
    }
    if rich.is_there() {
        return Err(markdown.not_present().into());
    }
    let reading = Reading { dialect: Dialect::V1, emoji: &|name| scene.world.emoji_named(name) };
    Ok(inline_markdown(markdown.string()?, &reading))
}

enum Place {
    On((Kind, Id)),
    In(Id),
}

fn about(spot: &Spot) -> Result<(Kind, Id), Fail> {
    spot.object()?;
    let (page, block) = (spot.get("page_id"), spot.get("block_id"));
    match (page.is_there(), block.is_there()) {
        (true, _) => Ok((Kind::Page, page.id()?)),
        (_, true) => Ok((Kind::Block, block.id()?)),
        _ => Err(fix_one(vec![page.undefined(), block.undefined()])),
    }
}

fn display_name(spot: &Spot) -> Result<Option<String>, Fail> {
    if !spot.is_there() {
        return Ok(None);
    }
    spot.object()?;
    let kind = spot.get("type").word(&["integration", "user", "custom"], false)?;
    if kind != "custom" {
        return Ok(None);
    }
    Ok(Some(spot.get("custom").get("name").text(200)?.to_owned()))
}

fn written(scene: &Scene, id: Id) -> Value {
    match scene.world.comments.get(&id) {
        Some(comment) if scene.who.can(Capability::ReadComments) => render_one(scene, comment),
        _ => render::partial(Kind::Comment, id),
    }
}

fn render_one(scene: &Scene, comment: &Comment) -> Value {
    let view = scene.view();
    let mut shown = render::comment::comment(view, comment);
    if let Some(all) = shown.get_mut("attachments").and_then(Value::as_array_mut) {
        for one in all {
            let file = render::file(view, one);
            let category = category(view, one);
            *one = json!({"category": category, "file": file["file"]});
        }
    }
    shown
}

/// What sort of file is attached.
fn category(view: View, attachment: &Value) -> &'static str {
    let id = attachment["file_upload"]["id"].as_str().and_then(Id::parse);
    let upload = id.and_then(|id| view.world.file_uploads.get(&id));
    let kind = upload.and_then(|upload| upload.content_type.as_deref()).unwrap_or_default();
    match kind.split('/').next() {
        Some("audio") => "audio",
        Some("image") => "image",
        Some("video") => "video",
        _ if media_type::essence(kind) == "application/pdf" => "pdf",
        _ => "productivity",
    }
}

/// `GET /v1/comments?block_id=`
pub(super) fn list(scene: &mut Scene, request: &Request) -> Result<Value, Fail> {
    let about = Spot::root("query", &request.query).get("block_id").id()?;
    let paging = Paging::in_query(&request.query)?;
    scene.find(Kind::Block, about)?;
    let open = |comment: &&Comment| comment.about == about && !comment.resolved;
    let all: Vec<Id> =
        scene.world.comments.values().filter(open).map(|comment| comment.id).collect();
    let (page, next) = session::slice(&all, &paging)?;
    let comments = page.iter().filter_map(|id| scene.world.comments.get(id));
    let results = comments.map(|comment| render_one(scene, comment)).collect();
    Ok(envelope("comment", results, next))
}

fn find<'a>(scene: &'a Scene, id: Id) -> Result<&'a Comment, Fail> {
    let found = scene.world.comments.get(&id);
    let visible = found.filter(|comment| scene.view().sees(comment.about));
    visible.ok_or_else(|| scene.not_found("comment", id))
}

/// What a comment is about that the caller may change: an own one.
fn find_own(scene: &Scene, id: Id) -> Result<Id, Fail> {
    let comment = find(scene, id)?;
    if comment.created_by == scene.who.user { Ok(comment.about) } else { Err(Fail::no_access()) }
}

/// `GET /v1/comments/{comment_id}`
pub(super) fn retrieve(scene: &mut Scene, request: &Request) -> Result<Value, Fail> {
    let comment = find(scene, request.id("comment_id")?)?;
    Ok(render_one(scene, comment))
}

/// `PATCH /v1/comments/{comment_id}`
pub(super) fn update(scene: &mut Scene, request: &Request) -> Result<Value, Fail> {
    let id = request.id("comment_id")?;
    let body = request.body();
    let text = text(scene, &body)?;
    let about = find_own(scene, id)?;
    let now = scene.now();
    if let Some(comment) = scene.world.comments.get_mut(&id) {
        comment.rich_text = text;
        comment.last_edited_time = now;
    }
    scene.note(Subject::Comment { id, about }, Change::Updated);
    Ok(written(scene, id))
}

/// `DELETE /v1/comments/{comment_id}`; answers the comment that is gone.
pub(super) fn delete(scene: &mut Scene, request: &Request) -> Result<Value, Fail> {
    let id = request.id("comment_id")?;
    let about = find_own(scene, id)?;
    let answer = written(scene, id);
    scene.world.comments.shift_remove(&id);
    scene.note(Subject::Comment { id, about }, Change::Deleted);
    Ok(answer)
}
