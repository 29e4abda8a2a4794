//! Views of databases, and the results of views that are kept for a while.

use jiff::Timestamp;
use notion::Id;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::World;

/// Most views.
pub(crate) const VIEWS_MAX: usize = 20_000;
/// So many results are kept; older ones go first.
const QUERIES_MAX: usize = 256;

/// The types of views that the API knows. (The app has `feed` as well.)
pub(crate) const TYPES: [&str; 10] = [
    "table",
    "board",
    "list",
    "calendar",
    "timeline",
    "gallery",
    "form",
    "chart",
    "map",
    "dashboard",
];
pub(crate) const FEED: &str = "feed";
pub(crate) const DASHBOARD: &str = "dashboard";
/// What the view is called that comes with a new database (documented).
pub(crate) const DEFAULT_NAME: &str = "Default view";

/// A view: a tab of a database, or a widget of a dashboard. Filters, sorts and configuration name
/// properties by id.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub(crate) struct DatabaseView {
    pub(crate) id: Id,
    pub(crate) database: Id,
    /// What it shows; nothing of its own if it is a dashboard.
    pub(crate) source: Option<Id>,
    pub(crate) name: String,
    #[serde(rename = "type")]
    pub(crate) kind: String,
    pub(crate) created_time: Timestamp,
    pub(crate) created_by: Id,
    pub(crate) last_edited_time: Timestamp,
    pub(crate) last_edited_by: Id,
    #[serde(default)]
    pub(crate) filter: Value,
    #[serde(default)]
    pub(crate) sorts: Value,
    #[serde(default)]
    pub(crate) quick_filters: Value,
    #[serde(default)]
    pub(crate) configuration: Value,
    /// The dashboard of which it is a widget.
    #[serde(default)]
    pub(crate) dashboard: Option<Id>,
}

/// Where among the views of its database a new one goes.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Tab {
    Start,
    End,
    After(Id),
}

/// A result of a view, kept for its caller.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub(crate) struct ViewQuery {
    pub(crate) id: Id,
    pub(crate) view: Id,
    pub(crate) by: Id,
    pub(crate) expires_at: Timestamp,
    pub(crate) pages: Vec<Id>,
    /// There were more pages than a query gives.
    pub(crate) is_cut: bool,
}

impl World {
    /// The tabs of a database, in order; widgets of dashboards are not among them.
    pub(crate) fn views_of(&self, database: Id) -> impl Iterator<Item = &DatabaseView> {
        self.views
            .values()
            .filter(move |view| view.database == database && view.dashboard.is_none())
    }

    /// Adds a view; the order of all views is the order of the tabs of each database.
    pub(crate) fn add_view(&mut self, view: DatabaseView, tab: Tab) {
        let at = match tab {
            Tab::End => None,
            Tab::Start => self.views.values().position(|other| other.database == view.database),
            Tab::After(id) => self.views.get_index_of(&id).map(|index| index + 1),
        };
        let at = at.unwrap_or(self.views.len());
        self.views.shift_insert(at, view.id, view);
    }

    /// The view that a new database or data source brings along.
    pub(crate) fn add_standard_view(&mut self, database: Id, source: Id, by: Id) {
        if self.views.len() >= VIEWS_MAX {
            return;
        }
        let now = self.now();
        let view = DatabaseView {
            id: self.ids.view(),
            database,
            source: Some(source),
            name: DEFAULT_NAME.to_owned(),
            kind: "table".to_owned(),
            created_time: now,
            created_by: by,
            last_edited_time: now,
            last_edited_by: by,
            filter: Value::Null,
            sorts: Value::Null,
            quick_filters: Value::Null,
            configuration: json!({"type": "table"}),
            dashboard: None,
        };
        self.add_view(view, Tab::End);
    }

    /// Keeps a result; the oldest gives way.
    pub(crate) fn keep_view_query(&mut self, query: ViewQuery) {
        let now = self.now();
        self.view_queries.retain(|_, kept| kept.expires_at > now);
        if self.view_queries.len() >= QUERIES_MAX {
            self.view_queries.shift_remove_index(0);
        }
        self.view_queries.insert(query.id, query);
    }
}
