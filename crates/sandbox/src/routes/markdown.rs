//! Pages as markdown: read, and edited by changing the text.

use notion::{Capability, Id, Kind};
use serde_json::{Value, json};

use super::{Request, Scene, later, rewrite};
use crate::fail::Fail;
use crate::input::check::Spot;
use crate::markdown::tree::{self, Tree};
use crate::markdown::{Dialect, Look, Reading, Text, edit, parse_as, render};
use crate::render::Object;

/// Most replacements of one update.
const UPDATES_MAX: usize = 100;
const COMMANDS: [&str; 4] =
    ["insert_content", "replace_content_range", "update_content", "replace_content"];

/// `GET /v1/pages/{page_id}/markdown`; the id may be that of a block that was left out.
pub(super) fn retrieve(scene: &mut Scene, request: &Request) -> Result<Value, Fail> {
    let id = request.id("page_id")?;
    let query = Spot::root("query", &request.query);
    query.only(&["include_transcript", "markdown_version"])?;
    let transcript = query.get("include_transcript");
    let with_transcript = match transcript.string_opt()? {
        None | Some("false") => false,
        Some("true") => true,
        Some(_) => return Err(transcript.should_be("a boolean or `undefined`").into()),
    };
    let dialect = dialect(&query.get("markdown_version"))?;
    let page = find(scene, id)?;
    let is_page = scene.world.node(id).is_some_and(|node| node.page().is_some());
    let tree = if is_page {
        tree::under(scene.view(), id, with_transcript)
    } else {
        tree::one(scene.view(), id, with_transcript)
    };
    Ok(shown(id, &tree, Look { dialect, page: Some(page), ..Look::default() }))
}

/// Checks that the id is one of a page or block; gives the page.
fn find(scene: &Scene, id: Id) -> Result<Id, Fail> {
    let node = scene.world.node(id).filter(|_| scene.view().sees(id));
    let node = node.ok_or_else(|| scene.not_found("page", id))?;
    if matches!(node.kind(), Kind::Database | Kind::DataSource) {
        let kind = node.kind();
        return Err(Fail::validation(format!(
            "The {kind} {id} is not a page: it has no markdown."
        )));
    }
    let way = scene.world.lineage(id).unwrap_or_default();
    let is_page = |id: &Id| scene.world.page(*id).is_some();
    Ok(way.into_iter().find(is_page).unwrap_or(id))
}

/// Reads `markdown_version`.
pub(super) fn dialect(spot: &Spot) -> Result<Dialect, Fail> {
    if !spot.is_there() {
        return Ok(Dialect::V1);
    }
    Ok(if spot.word(&["v1", "v2"], true)? == "v2" { Dialect::V2 } else { Dialect::V1 })
}

fn shown(id: Id, tree: &Tree, look: Look) -> Value {
    Object::new("page_markdown")
        .with("id", id.to_string())
        .with("markdown", render(&tree.drafts, look).markdown)
        .with("truncated", tree.truncated)
        .with("unknown_block_ids", json!(tree.unknown))
        .done()
}

/// What an update asks for, checked as far as that goes without the page.
enum Command<'a> {
    Update { updates: Vec<(&'a str, &'a str, bool)>, deletes: bool },
    Replace { text: &'a str, deletes: bool },
    Insert { content: &'a str, at: At<'a> },
    ReplaceRange { content: &'a str, range: &'a str, deletes: bool },
}

enum At<'a> {
    Start,
    End,
    After(&'a str),
}

/// `PATCH /v1/pages/{page_id}/markdown`
pub(super) fn update(scene: &mut Scene, request: &Request) -> Result<Value, Fail> {
    let id = request.id("page_id")?;
    let body = request.body();
    if body.get("allow_async").bool_opt()? == Some(true) {
        scene.find(Kind::Page, id)?;
        return later::accept(scene, "update-page-markdown", request);
    }
    let command = Command::read(&body)?;
    let dialect = dialect(&body.get("markdown_version"))?;
    let page = find(scene, id)?;
    if page != id {
        return Err(Fail::validation(format!(
            "{id} is a block: only pages are edited as markdown."
        )));
    }
    scene.check_editable(id)?;
    let old = tree::under(scene.view(), id, false);
    if old.truncated {
        return Err(Fail::validation(
            "The page is too large to be edited as markdown. Use the block endpoints.",
        ));
    }
    let look = Look { dialect, page: Some(id), ..Look::default() };
    let text = command.apply(&render(&old.drafts, look))?;
    let emoji = |name: &str| emoji(&old, name).or_else(|| scene.world.emoji_named(name));
    let new = parse_as(&text, &Reading { dialect, emoji: &emoji })?;
    rewrite::rewrite(scene, id, &old, &new, command.deletes())?;
    if !scene.who.can(Capability::ReadContent) {
        return Ok(Object::new("page_markdown").with("id", id.to_string()).done());
    }
    Ok(shown(id, &tree::under(scene.view(), id, false), look))
}

impl<'a> Command<'a> {
    fn read(body: &Spot<'a>) -> Result<Self, Fail> {
        let kind = body.get("type");
        // The key alone decides where there is no type.
        let kind = match COMMANDS.into_iter().find(|kind| body.get(kind).is_there()) {
            Some(there) if !kind.is_there() => there,
            _ => kind.word(&COMMANDS, false)?,
        };
        let spot = body.get(kind);
        spot.object()?;
        body.only(&["type", kind, "allow_async", "markdown_version"])?;
        let deletes = spot.get("allow_deleting_content").bool_opt()?.unwrap_or(false);
        Ok(match kind {
            "update_content" => {
                spot.only(&["content_updates", "allow_deleting_content"])?;
                let mut updates = Vec::new();
                for item in spot.get("content_updates").items(UPDATES_MAX)? {
                    item.object()?;
                    item.only(&["old_str", "new_str", "replace_all_matches"])?;
                    let all = item.get("replace_all_matches").bool_opt()?.unwrap_or(false);
                    updates.push((
                        item.get("old_str").string()?,
                        item.get("new_str").string()?,
                        all,
                    ));
                }
                Self::Update { updates, deletes }
            }
            "replace_content" => {
                spot.only(&["new_str", "allow_deleting_content"])?;
                Self::Replace { text: spot.get("new_str").string()?, deletes }
            }
            "insert_content" => {
                spot.only(&["content", "after", "position"])?;
                Self::Insert { content: spot.get("content").string()?, at: At::read(&spot)? }
            }
            _ => {
                spot.only(&["content", "content_range", "allow_deleting_content"])?;
                let (content, range) = (spot.get("content"), spot.get("content_range"));
                Self::ReplaceRange { content: content.string()?, range: range.string()?, deletes }
            }
        })
    }

    /// The text of the page after it.
    fn apply(&self, page: &Text) -> Result<String, Fail> {
        let text = &page.markdown;
        Ok(match self {
            Self::Update { updates, .. } => {
                let mut text = text.clone();
                for (old, new, all) in updates {
                    text = edit::replace(&text, old, new, *all)?;
                }
                text
            }
            Self::Replace { text, .. } => (*text).to_owned(),
            Self::Insert { content, at: At::Start } => edit::join(content, text),
            Self::Insert { content, at: At::End } => edit::join(text, content),
            Self::Insert { content, at: At::After(selection) } => {
                edit::insert_after(page, &edit::select(text, selection)?, content)
            }
            Self::ReplaceRange { content, range, .. } => {
                edit::replace_range(page, &edit::select(text, range)?, content)
            }
        })
    }

    /// Whether child pages and databases may go.
    fn deletes(&self) -> bool {
        match self {
            Self::Update { deletes, .. }
            | Self::Replace { deletes, .. }
            | Self::ReplaceRange { deletes, .. } => *deletes,
            Self::Insert { .. } => false,
        }
    }
}

impl<'a> At<'a> {
    fn read(spot: &Spot<'a>) -> Result<Self, Fail> {
        let (after, position) = (spot.get("after"), spot.get("position"));
        if after.is_there() {
            if position.is_there() {
                return Err(position.not_present().into());
            }
            return Ok(Self::After(after.string()?));
        }
        if !position.is_there() {
            return Ok(Self::End);
        }
        position.object()?;
        let is_start = position.get("type").word(&["start", "end"], false)? == "start";
        Ok(if is_start { Self::Start } else { Self::End })
    }
}

/// The custom emoji of a name that the page already shows.
fn emoji(tree: &Tree, name: &str) -> Option<Value> {
    fn within(value: &Value, name: &str) -> Option<Value> {
        match value {
            Value::Object(members) => {
                let emoji = &value["custom_emoji"];
                if emoji["name"] == name {
                    return Some(emoji.clone());
                }
                members.values().find_map(|member| within(member, name))
            }
            Value::Array(all) => all.iter().find_map(|one| within(one, name)),
            _ => None,
        }
    }
    let mut open: Vec<_> = tree.drafts.iter().collect();
    while let Some(draft) = open.pop() {
        if let Some(emoji) = within(&draft.body, name) {
            return Some(emoji);
        }
        open.extend(&draft.children);
    }
    None
}
