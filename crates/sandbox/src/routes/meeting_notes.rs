//! Meeting notes: made from a recording, filled in after the answer, and searched.
//!
//! Nobody has recorded these endpoints: requests and shapes are those of the SDK and the docs.
//! Nobody listens here either, so transcript and summary are stand-ins; which statuses a note goes
//! through, and that its tabs are paragraphs with a name (as those of tab blocks are), are guesses.

use notion::{Capability, Id, Kind};
use serde_json::{Map, Value, json};

use super::attach::{self, Checked};
use super::{Request, Scene, blocks};
use crate::fail::Fail;
use crate::input::blocks::Draft;
use crate::input::check::Spot;
use crate::input::rich_text::plain;
use crate::markdown::parse;
use crate::media_type::essence;
use crate::query::meetings::Wanted;
use crate::render;
use crate::render::file_upload::kept_in_url;
use crate::world::NODES_MAX;
use crate::world::block::Block;
use crate::world::later::Work;
use crate::world::node::Node;
use crate::world::tree::Slot;

/// Longest title (own choice).
const TITLE_MAX: usize = 2000;
const LANGUAGES: [&str; 23] = [
    "auto", "en", "zh-CN", "zh-TW", "es", "fr", "de", "ja", "ko", "pt", "ru", "th", "vi", "id",
    "da", "fi", "no", "nl", "it", "sv", "ar", "he", "pl",
];
const TABS: [&str; 3] = ["Summary", "Notes", "Transcript"];
const TRANSCRIPT: &str = "The sandbox does not listen.\nThis stands for what was said.";
const SUMMARY: &str = "This stands for a summary.\n### Action items\n- [ ] Read the transcript";

/// What the notes are made from.
enum Source {
    Upload { id: Id, page: Id },
    Block(Id),
}

/// `POST /v1/blocks/meeting_notes`
pub(super) fn create(scene: &mut Scene, request: &Request) -> Result<Value, Fail> {
    let body = request.body();
    let source = source(&body)?;
    body.only(&["source", "parent", "title", "language", "options"])?;
    let title = body.get("title");
    let title = if title.is_there() { title.text(TITLE_MAX)? } else { "" };
    let (language, options) = (body.get("language"), body.get("options"));
    if language.is_there() {
        language.word(&LANGUAGES, true)?;
    }
    options.object_opt()?;
    options.only(&["kickoff_summary"])?;
    let summary = options.get("kickoff_summary").bool_opt()?.unwrap_or(true);
    let (parent, slot, file, upload) = match source {
        Source::Upload { id, page } => {
            scene.find(Kind::Page, page)?;
            scene.check_editable(page)?;
            let value = json!({"type": "file_upload", "file_upload": {"id": id}});
            (page, Slot::End, id, Some(attach::check(scene, [&value])?))
        }
        Source::Block(id) => {
            if !scene.who.can(Capability::ReadContent) {
                return Err(Fail::no_capability());
            }
            let node = scene.find(Kind::Block, id)?;
            let (parent, file) = node.parent_id().zip(recording(node)).ok_or_else(|| {
                Fail::validation(format!(
                    "Block {id} should be an audio, video or file block with an uploaded file."
                ))
            })?;
            scene.check_editable(id)?;
            // Beside the block (documented).
            (parent, Slot::After(id), file, None)
        }
    };
    check_media(scene, file)?;
    let names = &TABS[usize::from(!summary)..];
    let tabs = parse(&names.join("\n"))?;
    if scene.world.nodes.len() + 1 + blocks::count(&tabs) > NODES_MAX {
        return Err(Fail::full());
    }
    upload.into_iter().for_each(|upload: Checked| upload.attach(scene));
    let body = json!({
        "title": if title.is_empty() { Vec::new() } else { plain(title) },
        "status": "transcription_in_progress",
    });
    let note = Draft { id: None, kind: "meeting_notes", body, children: tabs };
    let made = blocks::plant(scene, &[note], parent, slot);
    let Some(block) = made.first().copied() else { return Err(Fail::full()) };
    let tabs = names.iter().zip(scene.world.live_children(block));
    let tabs = tabs.map(|(name, id)| (format!("{}_block_id", name.to_lowercase()), json!(id)));
    let tabs: Map<_, _> = tabs.collect();
    change(scene, block, |body| body["children"] = tabs.into());
    scene.touch(parent);
    put_off(scene, Work::Transcript { block, summary });
    if summary {
        put_off(scene, Work::Summary { block, file });
    }
    let view = scene.view();
    match view.world.node(block).filter(|_| scene.who.can(Capability::ReadContent)) {
        Some(node) => Ok(render::block::meeting_note(view, node)),
        None => Ok(render::partial(Kind::Block, block)),
    }
}

fn source(body: &Spot) -> Result<Source, Fail> {
    let (source, parent) = (body.get("source"), body.get("parent"));
    source.object()?;
    if source.get("type").word(&["file_upload", "block"], false)? == "block" {
        source.only(&["type", "block_id"])?;
        let id = source.get("block_id").id()?;
        return if parent.is_there() {
            Err(parent.not_present().into())
        } else {
            Ok(Source::Block(id))
        };
    }
    source.only(&["type", "file_upload_id"])?;
    let id = source.get("file_upload_id").id()?;
    parent.object()?;
    parent.get("type").word(&["page_id"], false)?;
    parent.only(&["type", "page_id"])?;
    Ok(Source::Upload { id, page: parent.get("page_id").id()? })
}

/// The upload that a block shows.
fn recording(node: &Node) -> Option<Id> {
    let block = node.block()?;
    if !matches!(block.kind.as_str(), "audio" | "video" | "file") {
        return None;
    }
    let body = block.body();
    match body["type"].as_str()? {
        "file_upload" => Id::parse(body["file_upload"]["id"].as_str()?),
        "file" => kept_in_url(body["file"]["url"].as_str()?),
        _ => None,
    }
}

/// Audio or video, but not audio in `WebM` (documented; own wording).
fn check_media(scene: &Scene, file: Id) -> Result<(), Fail> {
    let upload = scene.world.file_uploads.get(&file);
    let kind = upload.and_then(|upload| upload.content_type.as_deref()).unwrap_or("unknown");
    let essence = essence(kind);
    let is_media = essence.starts_with("audio/") || essence.starts_with("video/");
    if is_media && essence != "audio/webm" {
        return Ok(());
    }
    Err(Fail::validation(format!(
        "Meeting notes are made from audio or video; the content type of file upload {file} is \
         `{kind}`, which is not supported."
    )))
}

/// Puts work off; where too much waits already, it is done at once.
fn put_off(scene: &mut Scene, work: Work) {
    if !scene.world.put_off(&scene.who, scene.version, work.clone()) {
        go_on(scene, &work);
    }
}

/// Fills in what is there by now. Notes and tabs that are gone are left alone.
pub(super) fn go_on(scene: &mut Scene, work: &Work) {
    let (Work::Transcript { block, .. } | Work::Summary { block, .. }) = work else { return };
    if scene.world.is_gone(*block) {
        return;
    }
    match work {
        Work::Transcript { block, summary } => {
            fill(scene, *block, "transcript_block_id", TRANSCRIPT);
            // Without a summary the notes are not said to get ready, so nobody should wait for it.
            let status = if *summary { "summary_in_progress" } else { "transcription_paused" };
            change(scene, *block, |body| body["status"] = status.into());
        }
        Work::Summary { block, file } => {
            fill(scene, *block, "summary_block_id", SUMMARY);
            let file = scene.world.file_uploads.get(file).map_or("", |upload| upload.name());
            let title = plain(file.rsplit_once('.').map_or(file, |(name, _)| name));
            change(scene, *block, |body| {
                body["status"] = "notes_ready".into();
                if body["title"] == json!([]) {
                    body["title"] = title.into();
                }
            });
        }
        Work::Task { .. } | Work::Template(_) => {}
    }
}

fn fill(scene: &mut Scene, block: Id, tab: &str, text: &str) {
    let body = scene.world.node(block).and_then(Node::block).map(Block::body);
    let tab = body.and_then(|body| Id::parse(body["children"][tab].as_str()?));
    let tab = tab.filter(|tab| scene.world.node(*tab).is_some() && !scene.world.is_gone(*tab));
    let (Some(tab), Ok(drafts)) = (tab, parse(text)) else { return };
    if scene.world.nodes.len() + blocks::count(&drafts) <= NODES_MAX {
        let made = blocks::plant(scene, &drafts, tab, Slot::End);
        scene.touch(tab);
        scene.note_content(&made);
    }
}

fn change(scene: &mut Scene, block: Id, work: impl FnOnce(&mut Value)) {
    let node = scene.world.nodes.get_mut(&block);
    let Some(note) = node.and_then(|node| node.block_mut()) else { return };
    let mut body = note.body();
    work(&mut body);
    note.set_body(&body);
    scene.touch(block);
    scene.note_content(&[block]);
}

/// `POST /v1/blocks/meeting_notes/query`; no cursor, and no `object` (SDK).
pub(super) fn query(scene: &mut Scene, request: &Request) -> Result<Value, Fail> {
    let wanted = Wanted::read(&request.body(), scene.who.user, scene.now())?;
    let view = scene.view();
    let (found, has_more) = wanted.find(view);
    let results: Vec<Value> =
        found.into_iter().map(|node| render::block::meeting_note(view, node)).collect();
    Ok(json!({"results": results, "has_more": has_more}))
}
