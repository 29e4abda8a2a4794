//! Who makes the calls: every operation of the catalogue, three versions, ids of the inside, the outside
//! and nowhere, columns that are visible, hidden and not there; and what there is in MCP ([`super::tools`]).

use fastrand::Rng;
use notion::Operation;
use notion::catalogue::{Auth, OPERATIONS, Place, Verb};
use serde_json::Value;

use super::calls::{Call, Way};
use super::scene::{self, Plan, outside, target, vendor, vendors, vendors_database};
use super::world::{BOT, SHARED};

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

/// Makes calls, and learns from answers what else there is to name.
pub(crate) struct Caller<'a> {
    pub(crate) random: Rng,
    pub(crate) plan: &'a Plan,
    /// What was made by this key: object, id.
    made: Vec<(String, String)>,
    /// Results of views that are kept: view, query.
    queries: Vec<(String, String)>,
    /// Whether the call that is being made names things of the outside.
    strays: bool,
    /// Operations and tools that are mostly asked for; any, if there are none.
    pub(crate) favours: Vec<&'static str>,
}

/// The parameters of a call, by name.
pub(crate) type Parameters = Vec<(&'static str, String)>;

impl<'a> Caller<'a> {
    pub(crate) fn new(seed: u64, plan: &'a Plan, favours: Vec<&'static str>) -> Self {
        let random = Rng::with_seed(seed);
        Self { random, plan, made: Vec::new(), queries: Vec::new(), strays: true, favours }
    }

    /// Remembers what an answer brought.
    pub(crate) fn learn(&mut self, call: &Call, answer: &Value) {
        if call.name == "create-view-query"
            && let (Some(view), Some(id)) = (answer["view_id"].as_str(), answer["id"].as_str())
        {
            self.queries.push((view.to_owned(), id.to_owned()));
        }
        if call.reads() {
            return;
        }
        if let Some(text) = answer.as_str() {
            return self.learn_from(text);
        }
        for object in answer["results"].as_array().into_iter().flatten().chain([answer]) {
            if let (Some(kind), Some(id)) = (object["object"].as_str(), object["id"].as_str()) {
                self.keep(kind, id);
            }
        }
    }

    /// What a tool for agents says that it made.
    fn learn_from(&mut self, text: &str) {
        for line in text.lines() {
            let made = [("page", "made "), ("file_upload", "upload id: ")];
            for (kind, words) in made {
                let id = line.strip_prefix(words).and_then(|rest| rest.get(..32));
                if let Some(id) = id.and_then(notion::Id::parse) {
                    self.keep(kind, &id.to_string());
                }
            }
        }
    }

    fn keep(&mut self, kind: &str, id: &str) {
        if !self.made.iter().any(|(_, known)| known == id) {
            self.made.push((kind.to_owned(), id.to_owned()));
        }
    }

    /// The next call, by one way or the other.
    pub(crate) fn call(&mut self) -> Call {
        self.strays = self.random.bool();
        if !self.favours.is_empty() && self.random.u8(..8) < 7 {
            let name = *self.random.choice(&self.favours).unwrap();
            return match Operation::named(name) {
                Some(operation) => self.by_rest(operation),
                None => self.by_mcp(name),
            };
        }
        match self.random.u8(..8) {
            0..5 => self.rest(),
            5 => self.official(),
            _ => self.agents(),
        }
    }

    /// An operation; half of them are asked for more often, because more can go wrong.
    fn rest(&mut self) -> Call {
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
        let operation = match self.random.bool() {
            true => Operation::named(self.random.choice(OFTEN).unwrap()).unwrap(),
            false => self.random.choice(OPERATIONS).unwrap(),
        };
        self.by_rest(operation)
    }

    pub(crate) fn by_rest(&mut self, operation: &'static Operation) -> Call {
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
        let (parameters, query) = (self.parameters(operation), self.query(operation));
        let mut path = operation.path.to_owned();
        for (name, value) in parameters {
            path = path.replace(&format!("{{{name}}}"), &value.replace(' ', "%20"));
        }
        for (index, (name, value)) in query.into_iter().enumerate() {
            path.push(if index == 0 { '?' } else { '&' });
            path.push_str(&format!("{name}={}", value.replace(' ', "%20")));
        }
        let body = match operation.verb {
            Verb::Get | Verb::Delete => None,
            _ => Some(tamed(operation, self.body(operation, version))),
        };
        Call { name: operation.name, way: Way::Rest(operation), path, version, body, cursor: None }
    }

    /// What stands in the path.
    pub(crate) fn parameters(&mut self, operation: &'static Operation) -> Parameters {
        let parts = operation.path.split('/');
        let names: Vec<&'static str> =
            parts.filter_map(|part| part.strip_prefix('{')?.strip_suffix('}')).collect();
        if names.contains(&"query_id") && !self.queries.is_empty() {
            let (view, query) = self.random.choice(&self.queries).cloned().unwrap();
            return vec![("view_id", view), ("query_id", query)];
        }
        let value = |name: &'static str| match name {
            "property_id" => self.column().0.to_owned(),
            "task_id" => scene::TASK.to_owned(),
            name => self.id(name.trim_end_matches("_id")),
        };
        names.iter().copied().zip(names.iter().copied().map(value)).collect()
    }

    /// What stands in the query.
    pub(crate) fn query(&mut self, operation: &'static Operation) -> Parameters {
        let mut query = Vec::new();
        for place in operation.ids {
            if let Place::Query(name, _) = place
                && self.random.u8(..4) > 0
            {
                query.push((*name, self.id(name.trim_end_matches("_id"))));
            }
        }
        if operation.verb == Verb::Get && self.random.u8(..4) == 0 {
            query.push(("page_size", self.random.u8(1..4).to_string()));
        }
        if matches!(operation.name, "retrieve-a-page" | "query-data-source")
            && self.random.u8(..4) == 0
        {
            query.push(("filter_properties", self.column().0.to_owned()));
        }
        if operation.name == "list-data-source-templates" && self.random.u8(..3) == 0 {
            query.push(("name", "a".to_owned()));
        }
        if operation.name == "retrieve-page-markdown" && self.random.u8(..3) == 0 {
            query.push(("include_transcript", "true".to_owned()));
        }
        query
    }

    pub(crate) fn column(&mut self) -> (&'static str, &'static str) {
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
