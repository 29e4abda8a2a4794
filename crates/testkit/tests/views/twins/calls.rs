//! Random calls: every operation of the catalogue, three versions, ids of the inside, the outside and
//! nowhere, columns that are visible, hidden and not there.

use bytes::Bytes;
use fastrand::Rng;
use notion::Operation;
use notion::catalogue::{Auth, OPERATIONS, Place, Verb};
use serde_json::{Value, json};

use super::scene::{self, OUTSIDE, Plan, outside, target, url, vendor, vendors, vendors_database};
use super::world::{BOT, SHARED};

/// Stands in a path or body where the cursor of an earlier answer belongs.
const CURSOR: &str = "{cursor}";
/// A thing that nobody has.
pub(crate) const NOWHERE: &str = "00e0e0e0-4e5f-4a6b-8c7d-9e0f1a2b3c4d";

/// Names and ids of columns, visible, hidden and unknown, with the type of what they hold.
const COLUMNS: &[(&str, &str)] = &[
    ("Name", "title"),
    ("Notes", "rich_text"),
    ("N", "number"),
    ("Choice", "select"),
    ("Owner", "people"),
    ("Done", "checkbox"),
    ("Files", "files"),
    ("Author", "created_by"),
    ("Peer", "relation"),
    ("Peer N", "rollup"),
    ("Peer names", "rollup"),
    ("Peer vendors", "rollup"),
    ("Twice", "formula"),
    ("Peers", "formula"),
    ("Shout", "formula"),
    ("Vendor", "relation"),
    ("Vendor sum", "rollup"),
    ("Vendor texts", "rollup"),
    ("Vendors", "formula"),
    ("Sum twice", "formula"),
    ("Sum more", "formula"),
    ("Dotted", "formula"),
    ("Company", "title"),
    ("Balance", "number"),
    ("Contacts", "relation"),
    ("Customers", "relation"),
    ("Nothing", "number"),
    ("title", "title"),
    ("peer", "relation"),
    ("numb", "number"),
    ("outr", "relation"),
    ("rout", "rollup"),
    ("rtex", "rollup"),
    ("rthr", "rollup"),
    ("frol", "formula"),
    ("ftwo", "formula"),
    ("frel", "formula"),
    ("vown", "relation"),
    ("nope", "number"),
];

/// One call of a sequence; its cursor is filled in for each side.
#[derive(Clone, Debug)]
pub(crate) struct Call {
    pub(crate) operation: &'static Operation,
    pub(crate) path: String,
    pub(crate) version: &'static str,
    pub(crate) body: Option<Value>,
    /// Which answer's cursor it goes on from: one of ours, or one of somebody else's.
    pub(crate) cursor: Option<usize>,
}

/// A call as it is sent to one side.
pub(crate) struct Sent {
    pub(crate) method: &'static str,
    pub(crate) path: String,
    pub(crate) version: &'static str,
    pub(crate) content_type: Option<&'static str>,
    pub(crate) body: Bytes,
    /// The cursor in it.
    pub(crate) cursor: Option<String>,
}

/// A body without words of the outside that a view would repeat from the caller's own mouth.
fn tamed(operation: &Operation, body: Value) -> Value {
    match operation.name {
        "create-view" | "update-a-view" => {
            serde_json::from_str(&body.to_string().replace("quartz", "plan")).unwrap_or(body)
        }
        _ => body,
    }
}

impl Call {
    /// With this side's cursors in it.
    pub(crate) fn sent(&self, cursors: &[Option<String>]) -> Sent {
        let cursor = self.cursor.and_then(|at| cursors.get(at).cloned().flatten());
        let filled = |text: &str| match &cursor {
            Some(cursor) => text.replace(CURSOR, cursor),
            None => text.to_owned(),
        };
        let multipart = self.operation.multipart;
        let body = match &self.body {
            Some(Value::String(text)) if multipart => text.clone(),
            Some(body) => filled(&body.to_string()),
            None => String::new(),
        };
        let content_type = match (multipart, &self.body) {
            (_, None) => None,
            (true, _) => Some("multipart/form-data; boundary=b"),
            (false, _) => Some("application/json"),
        };
        Sent {
            method: self.operation.verb.as_str(),
            path: filled(&self.path),
            version: self.version,
            content_type,
            body: body.into(),
            cursor,
        }
    }

    /// The same with the cursor of the `at`-th answer.
    pub(crate) fn going_on(&self, at: usize) -> Self {
        let mut next = Self { cursor: Some(at), ..self.clone() };
        if self.operation.verb == Verb::Get {
            let (path, query) = self.path.split_once('?').unwrap_or((&self.path, ""));
            let mut parts: Vec<&str> = query
                .split('&')
                .filter(|part| !part.is_empty() && !part.starts_with("start_cursor"))
                .collect();
            let cursor = format!("start_cursor={CURSOR}");
            parts.push(&cursor);
            next.path = format!("{path}?{}", parts.join("&"));
        } else {
            let mut body = self.body.clone().unwrap_or_else(|| json!({}));
            if let Some(members) = body.as_object_mut() {
                members.insert("start_cursor".to_owned(), CURSOR.into());
            }
            next.body = Some(body);
        }
        next
    }
}

/// Makes calls, and learns from answers what else there is to name.
pub(crate) struct Caller<'a> {
    pub(crate) random: Rng,
    plan: &'a Plan,
    /// What was made by this key: object, id.
    made: Vec<(String, String)>,
    /// Results of views that are kept: view, query.
    queries: Vec<(String, String)>,
    /// Whether the call that is being made names things of the outside.
    strays: bool,
    /// Operations that are mostly asked for; any, if there are none.
    favours: &'static [&'static str],
}

impl<'a> Caller<'a> {
    pub(crate) fn new(seed: u64, plan: &'a Plan, favours: &'static [&'static str]) -> Self {
        let random = Rng::with_seed(seed);
        Self { random, plan, made: Vec::new(), queries: Vec::new(), strays: true, favours }
    }

    /// Remembers what an answer brought.
    pub(crate) fn learn(&mut self, call: &Call, answer: &Value) {
        if call.operation.name == "create-view-query"
            && let (Some(view), Some(id)) = (answer["view_id"].as_str(), answer["id"].as_str())
        {
            self.queries.push((view.to_owned(), id.to_owned()));
        }
        if call.operation.effect == notion::Effect::Read {
            return;
        }
        for object in answer["results"].as_array().into_iter().flatten().chain([answer]) {
            if let (Some(kind), Some(id)) = (object["object"].as_str(), object["id"].as_str())
                && !self.made.iter().any(|(_, known)| known == id)
            {
                self.made.push((kind.to_owned(), id.to_owned()));
            }
        }
    }

    /// The next call; half of the operations are asked for more often, because more can go wrong.
    pub(crate) fn call(&mut self) -> Call {
        const OFTEN: &[&str] = &[
            "retrieve-a-page",
            "get-block-children",
            "query-data-source",
            "post-search",
            "retrieve-a-data-source",
            "retrieve-page-markdown",
            "retrieve-a-page-property",
            "retrieve-a-block",
            "retrieve-a-database",
            "retrieve-a-view",
            "list-views",
            "post-database-query",
            "create-view-query",
            "retrieve-a-comment",
        ];
        let favours = if self.favours.is_empty() { OFTEN } else { self.favours };
        let often = if self.favours.is_empty() { 4 } else { 7 };
        let operation = match self.random.u8(..8) < often {
            true => Operation::named(self.random.choice(favours).unwrap()).unwrap(),
            false => self.random.choice(OPERATIONS).unwrap(),
        };
        let version = match self.random.u8(..10) {
            0..3 if operation.exists_in(notion::Version::V2022_06_28) => "2022-06-28",
            0..7 => "2025-09-03",
            _ => "2026-03-11",
        };
        // Now and then the version does not know it.
        let version = match (operation.auth, operation.name) {
            (Auth::Bearer, "get-databases") if self.random.u8(..4) > 0 => "2021-05-13",
            (_, "post-database-query") if self.random.u8(..8) > 0 => "2022-06-28",
            _ => version,
        };
        self.strays = self.random.bool();
        let path = self.path(operation);
        let body = match operation.verb {
            Verb::Get | Verb::Delete => None,
            _ => Some(tamed(operation, self.body(operation, version))),
        };
        Call { operation, path, version, body, cursor: None }
    }

    fn path(&mut self, operation: &Operation) -> String {
        let mut path = String::new();
        for part in operation.path.split('/').skip(1) {
            path.push('/');
            match part.strip_prefix('{').map(|name| name.trim_end_matches('}')) {
                Some("property_id") => {
                    let (column, _) = self.column();
                    path.push_str(&column.replace(' ', "%20"));
                }
                Some("task_id") => path.push_str(scene::TASK),
                Some("query_id") if !self.queries.is_empty() => {
                    let (view, query) = self.random.choice(&self.queries).unwrap();
                    return format!("/v1/views/{view}/queries/{query}");
                }
                Some(name) => path.push_str(&self.id(name.trim_end_matches("_id"))),
                None => path.push_str(part),
            }
        }
        let mut query = Vec::new();
        for place in operation.ids {
            if let Place::Query(name, _) = place
                && self.random.u8(..4) > 0
            {
                query.push(format!("{name}={}", self.id(name.trim_end_matches("_id"))));
            }
        }
        if operation.verb == Verb::Get && self.random.u8(..4) == 0 {
            query.push(format!("page_size={}", self.random.u8(1..4)));
        }
        if matches!(operation.name, "retrieve-a-page" | "query-data-source")
            && self.random.u8(..4) == 0
        {
            query.push(format!("filter_properties={}", self.column().0.replace(' ', "%20")));
        }
        if operation.name == "list-data-source-templates" && self.random.u8(..3) == 0 {
            query.push("name=a".to_owned());
        }
        if operation.name == "retrieve-page-markdown" && self.random.u8(..3) == 0 {
            query.push("include_transcript=true".to_owned());
        }
        if !query.is_empty() {
            path.push('?');
            path.push_str(&query.join("&"));
        }
        path
    }

    fn column(&mut self) -> (&'static str, &'static str) {
        *self.random.choice(COLUMNS).unwrap()
    }

    /// An id for a place of this name: mostly of the inside, often of the outside.
    pub(crate) fn id(&mut self, place: &str) -> String {
        let plain = self.random.u8(..12) == 0;
        let most = if self.strays { 40 } else { 26 };
        let id = match self.random.u8(..most) {
            0..22 => self.inside(place),
            22..26 => self.made(place),
            26..36 => self.outside(place),
            36 => NOWHERE.to_owned(),
            37 => self.outside("page"),
            38 => self.inside("block"),
            _ => return ["AAA", "0ff51de0", "%00"][self.random.usize(..3)].to_owned(),
        };
        if plain { id.replace('-', "") } else { id }
    }

    fn made(&mut self, place: &str) -> String {
        let fits = |kind: &str| kind == place || place == "block" && kind == "page";
        let all: Vec<&String> =
            self.made.iter().filter(|(kind, _)| fits(kind)).map(|(_, id)| id).collect();
        match self.random.choice(&all) {
            Some(id) => (*id).clone(),
            None => self.inside(place),
        }
    }

    fn inside(&mut self, place: &str) -> String {
        let plan = self.plan;
        let sources: Vec<String> = plan.sources.iter().map(|source| source.id.clone()).collect();
        let pages = || plan.pages.iter().chain(&plan.rows).cloned();
        let made = || self.made.iter().filter(|(kind, _)| *kind == place).map(|(_, id)| id);
        let all: Vec<String> = match place {
            "page" => pages().collect(),
            "block" => plan.blocks.iter().cloned().chain(pages()).collect(),
            "database" => plan.databases.clone(),
            "data_source" => sources,
            "view" => plan.view_ids.clone(),
            // Only what the key made itself can be changed, or filled with a file.
            "comment" => plan.comment_ids.iter().chain(made()).cloned().collect(),
            "file_upload" => made().cloned().collect(),
            "discussion" => plan.threads.clone(),
            "user" => plan.people.iter().cloned().chain([BOT.to_owned()]).collect(),
            _ => Vec::new(),
        };
        self.random.choice(&all).cloned().unwrap_or_else(|| NOWHERE.to_owned())
    }

    /// An id that is not the key's to see; of one of the worlds, or of both.
    fn outside(&mut self, place: &str) -> String {
        let world = self.random.u16(0..3);
        let number = self.random.usize(1..14);
        match (place, self.random.u8(..3)) {
            ("page" | "block", 0) => target(self.random.usize(..6)),
            ("page" | "block", 1) => vendor(self.random.usize(..4)),
            ("block", _) if self.random.bool() => scene::original(),
            ("page" | "block", _) if self.random.u8(..4) == 0 => SHARED.to_owned(),
            ("database", 0) => outside(0, 4, 9),
            ("database", _) => vendors_database(),
            ("data_source", _) => vendors(),
            ("user", _) => outside(world, 0xa, self.random.usize(..3)),
            ("file_upload", _) => outside(0, 8, 0),
            _ => {
                let kind = match place {
                    "page" => 1,
                    "block" => 5,
                    "view" => 12,
                    "comment" => 6,
                    "discussion" => 7,
                    _ => 8,
                };
                outside(world.max(1), kind, number)
            }
        }
    }

    fn text(&mut self) -> Value {
        let mut runs = vec![json!({ "text": { "content": "typed" } })];
        match self.random.u8(..8) {
            0 => runs.push(json!({ "mention": { "page": { "id": self.id("page") } } })),
            1 => runs.push(json!({ "mention": { "database": { "id": self.id("database") } } })),
            2 => {
                let link = url(&self.id("page"));
                runs.push(json!({ "text": { "content": "link", "link": { "url": link } } }));
            }
            3 => runs.push(json!({ "mention": { "user": { "id": self.id("user") } } })),
            _ => {}
        }
        runs.into()
    }

    fn children(&mut self) -> Value {
        let text = self.text();
        let one = match self.random.u8(..9) {
            0 => json!({ "synced_block": { "synced_from": { "block_id": self.id("block") } } }),
            1 => json!({ "link_to_page": { "type": "page_id", "page_id": self.id("page") } }),
            2 => {
                json!({ "link_to_page": { "type": "database_id", "database_id": self.id("database") } })
            }
            3 => json!({ "bookmark": { "url": url(&self.id("page")), "caption": text } }),
            4 => json!({ "toggle": { "rich_text": text, "children": [{ "divider": {} }] } }),
            5 => {
                json!({ "synced_block": { "synced_from": null, "children": [{ "paragraph": { "rich_text": text } }] } })
            }
            6 => {
                json!({ "image": { "type": "external", "external": { "url": url(&self.id("page")) } } })
            }
            _ => json!({ "paragraph": { "rich_text": text } }),
        };
        json!([one])
    }

    fn parent(&mut self, version: &str) -> Value {
        match self.random.u8(..6) {
            0 | 1 => json!({ "page_id": self.id("page") }),
            2 | 3 if version != "2022-06-28" => json!({ "data_source_id": self.id("data_source") }),
            4 => json!({ "block_id": self.id("block") }),
            5 => json!({ "workspace": true }),
            _ => json!({ "database_id": self.id("database") }),
        }
    }

    /// A condition on some column, of the type that the column has, or of another.
    fn filter(&mut self) -> Value {
        let (column, kind) = self.column();
        let page = self.id("page");
        let condition = match kind {
            "title" | "rich_text" => {
                json!({ "contains": *self.random.choice(&["an", "quartz", "some"]).unwrap() })
            }
            "number" => json!({ "greater_than": 3 }),
            "select" => json!({ "equals": "opt-a" }),
            "checkbox" => json!({ "equals": true }),
            "relation" if self.random.bool() => json!({ "contains": page }),
            "relation" => json!({ "is_not_empty": true }),
            "people" | "created_by" => json!({ "contains": self.id("user") }),
            "rollup" if self.random.bool() => json!({ "number": { "greater_than": 2 } }),
            "rollup" => json!({ "any": { "rich_text": { "contains": "quartz" } } }),
            "formula" => json!({ "number": { "greater_than": 4 } }),
            _ => json!({ "is_empty": true }),
        };
        let kind = if self.random.u8(..10) == 0 { "number" } else { kind };
        let one = json!({ "property": column, kind: condition });
        match self.random.u8(..5) {
            0 => json!({ "and": [one, { "property": "N", "number": { "less_than": 8 } }] }),
            1 => {
                json!({ "or": [one, { "timestamp": "created_time", "created_time": { "is_not_empty": true } }] })
            }
            _ => one,
        }
    }

    fn sorts(&mut self) -> Value {
        let (column, _) = self.column();
        json!([{ "property": column, "direction": "descending" }])
    }

    fn properties(&mut self) -> Value {
        let mut all = json!({});
        for _ in 0..self.random.usize(0..3) {
            let (column, kind) = self.column();
            let value = match kind {
                "title" => json!({ "title": self.text() }),
                "rich_text" => json!({ "rich_text": self.text() }),
                "number" => json!({ "number": 5 }),
                "select" => json!({ "select": { "name": "opt-b" } }),
                "people" => json!({ "people": [{ "id": self.id("user") }] }),
                "checkbox" => json!({ "checkbox": true }),
                "relation" => json!({ "relation": [{ "id": self.id("page") }] }),
                _ => json!({ "number": 1 }),
            };
            all[column] = value;
        }
        all
    }

    fn schema(&mut self) -> Value {
        let (column, _) = self.column();
        let change = match self.random.u8(..8) {
            0 => Value::Null,
            1 => json!({ "name": "Renamed" }),
            2 => {
                json!({ "relation": { "data_source_id": self.id("data_source"), "single_property": {} } })
            }
            3 => {
                json!({ "relation": { "data_source_id": self.id("data_source"), "dual_property": {} } })
            }
            4 => {
                json!({ "rollup": { "relation_property_name": self.column().0, "rollup_property_name": self.column().0, "function": "show_original" } })
            }
            5 => json!({ "formula": { "expression": format!("prop(\"{}\")", self.column().0) } }),
            _ => json!({ "number": { "format": "number" } }),
        };
        let column = if self.random.bool() { column } else { "Fresh" };
        json!({ column: change })
    }

    fn view(&mut self) -> Value {
        let mut view = json!({
            "name": "Made", "type": "table", "data_source_id": self.id("data_source"),
            "database_id": self.id("database"),
        });
        match self.random.u8(..5) {
            0 => view["filter"] = self.filter(),
            1 => view["sorts"] = self.sorts(),
            2 => {
                let (column, _) = self.column();
                view["quick_filters"] = json!({ column: { "relation": { "is_not_empty": true } } });
            }
            3 => {
                let (column, _) = self.column();
                view["configuration"] = json!({ "type": "table", "properties": [{ "property_id": column, "visible": true }] });
            }
            _ => {}
        }
        view
    }

    fn markdown(&mut self) -> String {
        let id = url(&self.id("page"));
        match self.random.u8(..7) {
            6 => format!("by <mention-user url=\"user://{}\"/>", self.id("user")),
            0 => format!("<page url=\"{id}\">x</page>"),
            1 => format!("see <mention-page url=\"{id}\"/>"),
            2 => format!("[link]({id})"),
            3 => "# Head\n- item\n".to_owned(),
            _ => "words".to_owned(),
        }
    }

    fn body(&mut self, operation: &Operation, version: &'static str) -> Value {
        let flag = if version == "2026-03-11" { "in_trash" } else { "archived" };
        match operation.name {
            "post-page" => {
                let mut body =
                    json!({ "parent": self.parent(version), "properties": self.properties() });
                match self.random.u8(..5) {
                    0 => body["children"] = self.children(),
                    1 => body["markdown"] = self.markdown().into(),
                    2 if version != "2022-06-28" => {
                        let template = self.random.choice(&self.plan.templates).cloned();
                        let template = template.filter(|_| self.random.bool());
                        let id = template.unwrap_or_else(|| self.id("page"));
                        body["template"] = json!({ "type": "template_id", "template_id": id });
                    }
                    _ => {}
                }
                body
            }
            "patch-page" => match self.random.u8(..6) {
                0 => json!({ flag: true }),
                1 => json!({ flag: false }),
                2 => json!({ "icon": { "emoji": "🧪" } }),
                3 if self.random.bool() => {
                    json!({ "cover": { "type": "external", "external": { "url": url(&self.id("page")) } } })
                }
                3 => {
                    json!({ "template": { "type": "template_id", "template_id": self.id("page") } })
                }
                _ => json!({ "properties": self.properties() }),
            },
            "move-page" => json!({ "parent": self.parent(version) }),
            "update-page-markdown" => match self.random.u8(..3) {
                0 => {
                    json!({ "type": "replace_content", "replace_content": { "new_str": self.markdown() } })
                }
                _ => {
                    json!({ "type": "insert_content", "insert_content": { "content": self.markdown() } })
                }
            },
            "update-a-block" => match self.random.u8(..3) {
                0 => json!({ flag: true }),
                _ => json!({ "paragraph": { "rich_text": self.text() } }),
            },
            "patch-block-children" => {
                let mut body = json!({ "children": self.children() });
                if self.random.u8(..4) == 0 {
                    body["position"] =
                        json!({ "type": "after_block", "after_block": { "id": self.id("block") } });
                }
                body
            }
            "create-meeting-notes" => json!({
                "source": { "type": "file_upload", "file_upload_id": self.id("file_upload") },
                "parent": { "type": "page_id", "page_id": self.id("page") },
            }),
            "query-meeting-notes" => json!({ "limit": self.random.u8(1..9) }),
            "create-database" => json!({
                "parent": { "type": "page_id", "page_id": self.id("page") }, "title": self.text(),
                "initial_data_source": { "properties": { "Name": { "title": {} } } },
            }),
            "update-database" => match self.random.u8(..3) {
                0 => json!({ "parent": { "type": "page_id", "page_id": self.id("page") } }),
                1 => json!({ "title": self.text() }),
                _ => json!({ "properties": self.schema() }),
            },
            "create-a-data-source" => json!({
                "parent": { "type": "database_id", "database_id": self.id("database") },
                "properties": { "Name": { "title": {} } },
            }),
            "update-a-data-source" => match self.random.u8(..4) {
                0 => json!({ "title": self.text() }),
                1 => {
                    json!({ "parent": { "type": "database_id", "database_id": self.id("database") } })
                }
                _ => json!({ "properties": self.schema() }),
            },
            "query-data-source" | "post-database-query" => {
                let mut body = json!({});
                if self.random.u8(..3) > 0 {
                    body["filter"] = self.filter();
                }
                if self.random.u8(..4) == 0 {
                    body["sorts"] = self.sorts();
                }
                if self.random.u8(..3) == 0 {
                    body["page_size"] = self.random.u8(1..4).into();
                }
                if self.random.u8(..8) == 0 {
                    body["in_trash"] = true.into();
                }
                body
            }
            "create-view" | "update-a-view" => {
                let mut view = self.view();
                if operation.name == "update-a-view" {
                    for name in ["type", "data_source_id", "database_id"] {
                        view.as_object_mut().unwrap().shift_remove(name);
                    }
                }
                view
            }
            "post-search" => {
                let mut body = json!({});
                match self.random.u8(..6) {
                    0 => body["query"] = "quartz".into(),
                    1 => body["query"] = "plan".into(),
                    2 => body["filter"] = json!({ "property": "object", "value": "page" }),
                    3 => {
                        body["sort"] =
                            json!({ "timestamp": "last_edited_time", "direction": "ascending" })
                    }
                    _ => {}
                }
                if self.random.bool() {
                    // A drill may need a page that ends between the ends of the two worlds.
                    let is_long = !self.favours.is_empty() && self.random.bool();
                    let most = if is_long { 60 } else { 5 };
                    body["page_size"] = self.random.u8(1..most).into();
                }
                body
            }
            "create-a-comment" => match self.random.u8(..4) {
                0 => json!({ "discussion_id": self.id("discussion"), "rich_text": self.text() }),
                1 => {
                    json!({ "parent": { "block_id": self.id("block") }, "markdown": self.markdown() })
                }
                _ => json!({ "parent": { "page_id": self.id("page") }, "rich_text": self.text() }),
            },
            "update-a-comment" => json!({ "rich_text": self.text() }),
            "create-file" => json!({ "filename": "a.txt", "content_type": "text/plain" }),
            "upload-file" => {
                "--b\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a.txt\"\r\n\
                 Content-Type: text/plain\r\n\r\nhello\r\n--b--\r\n"
                    .into()
            }
            _ => json!({}),
        }
    }
}

/// What of a request an answer may repeat although it is the outside's: the ids in it.
pub(crate) fn outside_ids_in(text: &str) -> Vec<String> {
    let mut all = Vec::new();
    for (at, _) in text.match_indices(OUTSIDE) {
        let piece: String = text[at..]
            .chars()
            .take_while(|c| c.is_ascii_hexdigit() || *c == '-')
            .take(36)
            .collect();
        all.push(piece);
    }
    all
}
