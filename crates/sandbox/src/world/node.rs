//! A node of the tree: page, block, database (the container) or data source (the table).

use indexmap::IndexMap;
use jiff::Timestamp;
use notion::{Id, Kind};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::block::Block;
use super::property::Property;

/// Where a node hangs.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Parent {
    /// At the top of the workspace.
    Workspace,
    /// Under another node.
    Node(Id),
}

/// Anything in the tree, with what all of them have.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub(crate) struct Node {
    pub(crate) id: Id,
    pub(crate) parent: Parent,
    pub(crate) created_time: Timestamp,
    pub(crate) created_by: Id,
    pub(crate) last_edited_time: Timestamp,
    pub(crate) last_edited_by: Id,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(crate) in_trash: bool,
    /// In order; trashed ones stay in their place.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) children: Vec<Id>,
    pub(crate) content: Content,
}

/// What sort of node it is.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Content {
    /// A page: under a page or block, at the top, or a row of a data source.
    Page(Box<Page>),
    /// A block that is neither page nor database.
    Block(Block),
    /// The container of data sources.
    Database(Box<Database>),
    /// A table; its children are its rows.
    DataSource(Box<DataSource>),
}

/// A page's own data. Values are kept by property id; see [`crate::input::values`] for their form.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
pub(crate) struct Page {
    #[serde(default)]
    pub(crate) icon: Value,
    #[serde(default)]
    pub(crate) cover: Value,
    #[serde(default)]
    pub(crate) is_locked: bool,
    #[serde(default)]
    pub(crate) is_archived: bool,
    /// A template of its data source.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(crate) is_template: bool,
    pub(crate) values: IndexMap<String, Value>,
}

/// A container's own data.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
pub(crate) struct Database {
    pub(crate) title: Vec<Value>,
    pub(crate) description: Vec<Value>,
    #[serde(default)]
    pub(crate) icon: Value,
    #[serde(default)]
    pub(crate) cover: Value,
    #[serde(default)]
    pub(crate) is_inline: bool,
    #[serde(default)]
    pub(crate) is_locked: bool,
}

/// A table's own data.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
pub(crate) struct DataSource {
    pub(crate) title: Vec<Value>,
    pub(crate) description: Vec<Value>,
    #[serde(default)]
    pub(crate) icon: Value,
    #[serde(default)]
    pub(crate) cover: Value,
    /// By property id.
    pub(crate) schema: IndexMap<String, Property>,
    /// The last number that a `unique_id` property gave.
    #[serde(default)]
    pub(crate) last_unique_id: u64,
    /// The template that `default` means.
    #[serde(default)]
    pub(crate) default_template: Option<Id>,
}

impl Node {
    /// Something new, made at a time by somebody.
    pub(crate) fn new(id: Id, parent: Parent, made: (Timestamp, Id), content: Content) -> Self {
        let (created_time, created_by) = made;
        Self {
            id,
            parent,
            created_time,
            created_by,
            last_edited_time: created_time,
            last_edited_by: created_by,
            in_trash: false,
            children: Vec::new(),
            content,
        }
    }

    pub(crate) fn kind(&self) -> Kind {
        match self.content {
            Content::Page(_) => Kind::Page,
            Content::Block(_) => Kind::Block,
            Content::Database(_) => Kind::Database,
            Content::DataSource(_) => Kind::DataSource,
        }
    }

    pub(crate) fn parent_id(&self) -> Option<Id> {
        match self.parent {
            Parent::Workspace => None,
            Parent::Node(id) => Some(id),
        }
    }

    pub(crate) fn page(&self) -> Option<&Page> {
        if let Content::Page(page) = &self.content { Some(page) } else { None }
    }

    pub(crate) fn page_mut(&mut self) -> Option<&mut Page> {
        if let Content::Page(page) = &mut self.content { Some(page) } else { None }
    }

    pub(crate) fn block(&self) -> Option<&Block> {
        if let Content::Block(block) = &self.content { Some(block) } else { None }
    }

    pub(crate) fn block_mut(&mut self) -> Option<&mut Block> {
        if let Content::Block(block) = &mut self.content { Some(block) } else { None }
    }

    pub(crate) fn database(&self) -> Option<&Database> {
        if let Content::Database(database) = &self.content { Some(database) } else { None }
    }

    pub(crate) fn database_mut(&mut self) -> Option<&mut Database> {
        if let Content::Database(database) = &mut self.content { Some(database) } else { None }
    }

    pub(crate) fn source(&self) -> Option<&DataSource> {
        if let Content::DataSource(source) = &self.content { Some(source) } else { None }
    }

    pub(crate) fn source_mut(&mut self) -> Option<&mut DataSource> {
        if let Content::DataSource(source) = &mut self.content { Some(source) } else { None }
    }
}
