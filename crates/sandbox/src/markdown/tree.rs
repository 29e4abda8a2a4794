//! What stands under a node of the world, as drafts with ids, as the caller sees it.

use notion::Id;
use serde_json::{Value, json};

use super::bodies::{draft, icon_out};
use super::{BLOCKS_MAX, DEPTH_MAX};
use crate::input::blocks::Draft;
use crate::render;
use crate::world::access::View;
use crate::world::node::{Content, Node};

/// Most ids of what was left out.
const UNKNOWN_MAX: usize = 100;

/// Blocks, and what of them is missing.
#[derive(Debug, Default)]
pub(crate) struct Tree {
    pub(crate) drafts: Vec<Draft>,
    /// Not all was loaded.
    pub(crate) truncated: bool,
    /// What was not loaded, or is not shared.
    pub(crate) unknown: Vec<Id>,
}

/// The blocks under a page.
pub(crate) fn under(view: View, id: Id, with_transcript: bool) -> Tree {
    let mut reader = Reader::new(view, with_transcript);
    reader.tree.drafts = reader.children(id, 0);
    reader.tree
}

/// One block with what is under it.
pub(crate) fn one(view: View, id: Id, with_transcript: bool) -> Tree {
    let mut reader = Reader::new(view, with_transcript);
    reader.tree.drafts =
        view.world.node(id).map(|node| reader.block(node, 0)).into_iter().collect();
    reader.tree
}

struct Reader<'a> {
    view: View<'a>,
    tree: Tree,
    left: usize,
    with_transcript: bool,
}

impl<'a> Reader<'a> {
    fn new(view: View<'a>, with_transcript: bool) -> Self {
        Self { view, tree: Tree::default(), left: BLOCKS_MAX, with_transcript }
    }

    fn children(&mut self, id: Id, depth: usize) -> Vec<Draft> {
        let mut all = Vec::new();
        for child in render::block::children(self.view, id) {
            let Some(node) = self.view.world.node(child) else { continue };
            if self.left == 0 || depth > DEPTH_MAX {
                self.tree.truncated = true;
                if self.tree.unknown.len() >= UNKNOWN_MAX {
                    break;
                }
                all.push(self.missing(child, "block"));
                continue;
            }
            self.left -= 1;
            all.push(self.block(node, depth));
        }
        all
    }

    fn missing(&mut self, id: Id, alt: &str) -> Draft {
        self.tree.unknown.push(id);
        let mut missing = draft("unknown", json!({"alt": alt}));
        missing.id = Some(id);
        missing
    }

    fn block(&mut self, node: &Node, depth: usize) -> Draft {
        let is_shared = self.view.sees(node.id);
        let mut one = match &node.content {
            Content::Page(_) if !is_shared => return self.missing(node.id, "page"),
            Content::Database(_) | Content::DataSource(_) if !is_shared => {
                return self.missing(node.id, "database");
            }
            Content::Page(_) => draft("child_page", json!({"title": self.title(node.id)})),
            Content::Database(_) | Content::DataSource(_) => self.database(node),
            Content::Block(block) => match block.kind.known() {
                Some("meeting_notes" | "transcription") => self.meeting(&block.body(), depth),
                Some(kind) => {
                    let mut one = draft(kind, self.shown(block.body()));
                    if kind != "tab" {
                        one.children = self.children(node.id, depth + 1);
                    }
                    one
                }
                None => draft("unsupported", json!({"alt": block.kind.as_str()})),
            },
        };
        one.id = Some(node.id);
        one
    }

    fn title(&self, id: Id) -> String {
        render::rich_text::plain(self.view, self.view.world.title_of(id))
    }

    fn database(&self, node: &Node) -> Draft {
        let sources = self.view.world.sources_of(node.id);
        let mut body = json!({"title": self.title(sources.first().copied().unwrap_or(node.id))});
        if let Some(database) = node.database() {
            body["inline"] = database.is_inline.to_string().into();
            if let Some(icon) = icon_out(&database.icon) {
                body["icon"] = icon.into();
            }
        }
        if let [source] = sources.as_slice() {
            body["data-source-url"] = format!("collection://{source}").into();
        }
        draft("child_database", body)
    }

    fn meeting(&mut self, body: &Value, depth: usize) -> Draft {
        let mut meeting = draft("meeting_notes", json!({"title": body["title"]}));
        for part in ["summary", "notes", "transcript"] {
            let block = body["children"][format!("{part}_block_id")].as_str().and_then(Id::parse);
            if part == "transcript" && !self.with_transcript {
                continue;
            }
            if let Some(block) = block {
                let mut section = draft("column", json!({"part": part}));
                section.children = self.children(block, depth + 2);
                meeting.children.push(section);
            }
        }
        meeting
    }

    /// A body with the names of what is mentioned, and the addresses of files.
    fn shown(&self, mut body: Value) -> Value {
        for key in ["rich_text", "caption"] {
            if let Some(runs) = body.get_mut(key) {
                self.name(runs);
            }
        }
        for cell in body.get_mut("cells").and_then(Value::as_array_mut).into_iter().flatten() {
            self.name(cell);
        }
        let file = render::file(self.view, &body);
        if let Some(kind @ ("file" | "external")) = file["type"].as_str() {
            let url = file[kind]["url"].clone();
            body["type"] = "external".into();
            body["external"] = json!({"url": url});
        }
        body
    }

    fn name(&self, runs: &mut Value) {
        for run in runs.as_array_mut().into_iter().flatten() {
            if run["type"] == "mention" {
                if let Some(emoji) = run["mention"].get_mut("custom_emoji") {
                    *emoji = self.view.world.resolve_emoji(emoji);
                }
                run["plain_text"] = render::rich_text::shown(self.view, run)["plain_text"].take();
            }
        }
    }
}
