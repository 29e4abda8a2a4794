//! Reads what Notion's search lists. Members that say nothing to an audit are skipped unread; what is
//! strange is left out and counted, and everything that is kept is short.

use std::borrow::Cow;

use jiff::Timestamp;
use notion::Id;
use serde::Deserialize;
use serde_json::value::RawValue;

use super::report::{Above, AccessKind, UNTITLED};

/// Characters of a title that are kept.
const TITLE_MAX: usize = 500;
const URL_MAX: usize = 2_000;

/// An object as search lists it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct Found {
    pub(super) kind: AccessKind,
    pub(super) id: Id,
    pub(super) title: String,
    pub(super) parent: Parent,
    /// Where the database of a data source stands.
    pub(super) database_parent: Parent,
    pub(super) url: Option<String>,
    pub(super) last_edited_time: Option<Timestamp>,
    pub(super) last_edited_by: Option<Id>,
    pub(super) in_trash: bool,
    pub(super) archived: bool,
}

/// What an object says of its place.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(super) enum Parent {
    /// The top of the workspace.
    Workspace,
    /// Under another object; of a row also the database around the data source.
    Under(Above, Option<Id>),
    /// Nothing that we understand.
    #[default]
    Unknown,
}

/// One page of search.
#[derive(Debug, Deserialize)]
pub(super) struct Page<'a> {
    #[serde(borrow)]
    pub(super) results: Vec<&'a RawValue>,
    #[serde(default)]
    pub(super) next_cursor: Option<String>,
    #[serde(default)]
    request_status: Option<RequestStatus<'a>>,
}

#[derive(Debug, Deserialize)]
struct RequestStatus<'a> {
    #[serde(borrow, rename = "type", default)]
    kind: Option<Cow<'a, str>>,
}

impl Page<'_> {
    /// Whether Notion says that it stops before the end.
    pub(super) fn is_cut(&self) -> bool {
        let status = self.request_status.as_ref().and_then(|status| status.kind.as_deref());
        status == Some("incomplete")
    }
}

#[derive(Deserialize)]
struct Wire<'a> {
    #[serde(borrow, default)]
    object: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    id: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    parent: Option<&'a RawValue>,
    #[serde(borrow, default)]
    database_parent: Option<&'a RawValue>,
    #[serde(borrow, default)]
    url: Option<&'a RawValue>,
    #[serde(borrow, default)]
    last_edited_time: Option<&'a RawValue>,
    #[serde(borrow, default)]
    last_edited_by: Option<&'a RawValue>,
    #[serde(borrow, default)]
    in_trash: Option<&'a RawValue>,
    #[serde(borrow, default)]
    archived: Option<&'a RawValue>,
    #[serde(borrow, default)]
    is_archived: Option<&'a RawValue>,
    /// Of databases and data sources.
    #[serde(borrow, default)]
    title: Option<&'a RawValue>,
    /// Of pages; of data sources the schema, which is not looked into.
    #[serde(borrow, default)]
    properties: Option<&'a RawValue>,
    /// Of blocks.
    #[serde(borrow, default, rename = "type")]
    kind: Option<Cow<'a, str>>,
}

/// Reads what a member holds, if it holds that.
fn read<'a, T: Deserialize<'a>>(raw: Option<&'a RawValue>) -> Option<T> {
    serde_json::from_str(raw?.get()).ok()
}

impl Found {
    /// Reads an object; `None` if it is of no kind that an audit knows, or has no id.
    pub(super) fn read(text: &str) -> Option<Self> {
        let wire: Wire<'_> = serde_json::from_str(text).ok()?;
        let kind = match wire.object.as_deref()? {
            "page" => AccessKind::Page,
            "database" => AccessKind::Database,
            "data_source" => AccessKind::DataSource,
            "block" => AccessKind::Block,
            _ => return None,
        };
        let title = match kind {
            AccessKind::Page => title_property(wire.properties),
            AccessKind::Database | AccessKind::DataSource => rich_text(wire.title),
            // Blocks have no title; what sort of block it is says more than nothing.
            AccessKind::Block => wire.kind.map(Cow::into_owned).unwrap_or_default(),
        };
        let url: Option<String> = read(wire.url);
        let last_edited_time: Option<String> = read(wire.last_edited_time);
        let last_edited_by: Option<User> = read(wire.last_edited_by);
        let is = |raw| read::<bool>(raw).unwrap_or(false);
        Some(Self {
            kind,
            id: Id::parse(wire.id.as_deref()?)?,
            title: shown(&title),
            parent: place(wire.parent),
            database_parent: place(wire.database_parent),
            // Nothing but a web address becomes a link.
            url: url.filter(|url| url.len() <= URL_MAX && url.starts_with("https://")),
            last_edited_time: last_edited_time.and_then(|time| time.parse().ok()),
            last_edited_by: last_edited_by.and_then(|user| Id::parse(&user.id)),
            in_trash: is(wire.in_trash),
            // Before 2026-03-11, `archived` meant the trash, too.
            archived: is(wire.is_archived) || is(wire.archived),
        })
    }
}

#[derive(Deserialize)]
struct User {
    id: String,
}

/// A title as it is shown: short, and never empty.
fn shown(title: &str) -> String {
    let title = title.trim();
    if title.is_empty() {
        return UNTITLED.to_owned();
    }
    match title.char_indices().nth(TITLE_MAX) {
        Some((end, _)) => format!("{}…", &title[..end]),
        None => title.to_owned(),
    }
}

fn rich_text(raw: Option<&RawValue>) -> String {
    #[derive(Deserialize)]
    struct Text<'a> {
        #[serde(borrow, default)]
        plain_text: Cow<'a, str>,
    }
    let texts: Vec<Text<'_>> = read(raw).unwrap_or_default();
    texts.into_iter().map(|text| text.plain_text).collect()
}

/// The title among the properties of a page, whatever it is called there.
fn title_property(raw: Option<&RawValue>) -> String {
    #[derive(Deserialize)]
    struct Property<'a> {
        #[serde(borrow, rename = "type", default)]
        kind: Cow<'a, str>,
        #[serde(borrow, default)]
        title: Option<&'a RawValue>,
    }
    let Some(properties): Option<indexmap::IndexMap<String, &RawValue>> = read(raw) else {
        return String::new();
    };
    let mut properties = properties.into_values().filter_map(|raw| read::<Property<'_>>(Some(raw)));
    let title = properties.find(|property| property.kind == "title");
    title.map(|property| rich_text(property.title)).unwrap_or_default()
}

fn place(raw: Option<&RawValue>) -> Parent {
    #[derive(Deserialize)]
    struct Wire {
        #[serde(rename = "type", default)]
        kind: String,
        #[serde(default)]
        page_id: Option<Id>,
        #[serde(default)]
        block_id: Option<Id>,
        #[serde(default)]
        database_id: Option<Id>,
        #[serde(default)]
        data_source_id: Option<Id>,
    }
    let Some(wire): Option<Wire> = read(raw) else { return Parent::Unknown };
    let (kind, id) = match wire.kind.as_str() {
        "workspace" => return Parent::Workspace,
        "page_id" => (AccessKind::Page, wire.page_id),
        "block_id" => (AccessKind::Block, wire.block_id),
        "database_id" => (AccessKind::Database, wire.database_id),
        "data_source_id" => (AccessKind::DataSource, wire.data_source_id),
        _ => return Parent::Unknown,
    };
    let around = wire.database_id.filter(|_| kind == AccessKind::DataSource);
    id.map_or(Parent::Unknown, |id| Parent::Under(Above { kind, id }, around))
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    const ID: &str = "0a1b2c3d-4e5f-4a6b-8c7d-9e0f1a2b3c4d";
    const OTHER: &str = "1a1b2c3d-4e5f-4a6b-8c7d-9e0f1a2b3c4d";

    fn found(object: Value) -> Option<Found> {
        Found::read(&object.to_string())
    }

    fn titled(title: &str) -> Value {
        let texts = [json!({"plain_text": title})];
        json!({"object": "page", "id": ID, "properties": {
            "Tags": {"id": "x", "type": "multi_select", "multi_select": [], "title": 3},
            "Whatever": {"id": "title", "type": "title", "title": texts},
        }})
    }

    #[test]
    fn a_page() {
        let mut page = titled("Plan");
        page["parent"] =
            json!({"type": "data_source_id", "data_source_id": OTHER, "database_id": ID});
        page["url"] = json!("https://www.notion.so/Plan");
        page["last_edited_time"] = json!("2026-01-05T09:00:00.000Z");
        page["last_edited_by"] = json!({"object": "user", "id": OTHER});
        page["in_trash"] = json!(true);
        let found = found(page).unwrap();
        let other = Id::parse(OTHER).unwrap();
        assert_eq!((found.kind, found.title.as_str()), (AccessKind::Page, "Plan"));
        let above = Above { kind: AccessKind::DataSource, id: other };
        assert_eq!(found.parent, Parent::Under(above, Id::parse(ID)));
        assert_eq!(found.url.as_deref(), Some("https://www.notion.so/Plan"));
        assert_eq!(found.last_edited_time.unwrap().as_second(), 1_767_603_600);
        assert_eq!(found.last_edited_by, Some(other));
        assert!(found.in_trash && !found.archived);
    }

    #[test]
    fn titles_are_short_and_never_empty() {
        for empty in ["", "   ", "\n\t"] {
            assert_eq!(found(titled(empty)).unwrap().title, UNTITLED);
        }
        let bare = json!({"object": "page", "id": ID});
        assert_eq!(found(bare).unwrap().title, UNTITLED);
        let long = found(titled(&"ü".repeat(1_000_000))).unwrap().title;
        assert_eq!(long.chars().count(), TITLE_MAX + 1);
        let table = json!({"object": "data_source", "id": ID, "title": [{"plain_text": "A"}, {"plain_text": "B"}],
            "properties": {"Name": {"type": "title", "title": {}}}});
        assert_eq!(found(table).unwrap().title, "AB");
    }

    #[test]
    fn what_is_strange_is_nothing_and_harms_nothing() {
        for strange in [
            json!({}),
            json!([]),
            json!("page"),
            json!(null),
            json!({"object": "page"}),
            json!({"object": "page", "id": "x"}),
            json!({"object": "page", "id": 7}),
            json!({"object": "agent", "id": ID}),
        ] {
            assert_eq!(found(strange.clone()), None, "{strange}");
        }
        let odd = found(json!({
            "object": "page", "id": ID, "parent": [], "properties": 7, "url": {"a": 1},
            "last_edited_time": "soon", "last_edited_by": "me", "in_trash": "yes", "archived": null,
        }));
        let odd = odd.unwrap();
        assert_eq!((odd.parent, odd.url, odd.last_edited_time), (Parent::Unknown, None, None));
        assert!(!odd.in_trash && !odd.archived);
        for url in ["javascript:alert(1)", "http://x", &format!("https://{}", "x".repeat(3000))] {
            assert_eq!(found(json!({"object": "page", "id": ID, "url": url})).unwrap().url, None);
        }
    }
}
