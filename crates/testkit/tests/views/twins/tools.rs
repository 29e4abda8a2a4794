//! Random calls of MCP: the official tools with the arguments that their operations get by REST, the tools for
//! agents with what models say, and the methods beside them; in both eras of the protocol.

use notion::Operation;
use notion::catalogue::Verb;
use serde_json::{Map, Value, json};

use super::caller::{Caller, Parameters};
use super::calls::{Call, MODERN, OFFICIAL, Way};
use super::scene::url;

/// The tools of the official server.
pub(crate) const OFFICIALS: &[&str] = &[
    "API-get-user",
    "API-get-users",
    "API-get-self",
    "API-post-search",
    "API-get-block-children",
    "API-patch-block-children",
    "API-retrieve-a-block",
    "API-update-a-block",
    "API-delete-a-block",
    "API-retrieve-a-page",
    "API-patch-page",
    "API-post-page",
    "API-retrieve-a-page-property",
    "API-retrieve-a-comment",
    "API-create-a-comment",
    "API-query-data-source",
    "API-retrieve-a-data-source",
    "API-update-a-data-source",
    "API-create-a-data-source",
    "API-list-data-source-templates",
    "API-retrieve-a-database",
    "API-move-page",
    "API-retrieve-page-markdown",
    "API-update-page-markdown",
];
/// The tools for agents.
pub(crate) const AGENTS: &[&str] = &[
    "search",
    "fetch",
    "query",
    "create_pages",
    "update_page",
    "move_pages",
    "comments",
    "add_comment",
    "upload_file",
    "list_users",
    "self",
];
/// The methods beside `tools/call`.
pub(crate) const METHODS: &[&str] = &[
    "tools/list",
    "resources/list",
    "resources/templates/list",
    "resources/read",
    "prompts/list",
    "prompts/get",
    "completion/complete",
    "server/discover",
    "initialize",
    "ping",
];
/// The versions before the current one.
const LEGACY: &[&str] = &["2025-11-25", "2025-06-18", "2025-03-26", "2024-11-05"];
/// A page in an answer of a tool is cut to so many tokens, if it is cut: the least.
const FEW_TOKENS: u64 = 200;

impl Caller<'_> {
    /// A call of an official tool.
    pub(crate) fn official(&mut self) -> Call {
        let name = *self.random.choice(OFFICIALS).unwrap();
        self.by_mcp(name)
    }

    /// A call of a tool for agents; now and then of another method.
    pub(crate) fn agents(&mut self) -> Call {
        const OFTEN: &[&str] = &["fetch", "query", "search", "create_pages", "update_page"];
        let name = match self.random.u8(..12) {
            0 => *self.random.choice(METHODS).unwrap(),
            1 => "resources/read",
            2..7 => *self.random.choice(OFTEN).unwrap(),
            _ => *self.random.choice(AGENTS).unwrap(),
        };
        self.by_mcp(name)
    }

    pub(crate) fn by_mcp(&mut self, name: &'static str) -> Call {
        if METHODS.contains(&name) {
            return self.by_method(name);
        }
        let own = match name.strip_prefix(OFFICIAL) {
            Some(operation) => {
                let operation = Operation::named(operation).unwrap();
                (self.of_operation(operation), "/mcp/official", is_read(operation))
            }
            None => {
                let arguments = self.of_agent(name);
                const READ: [&str; 6] =
                    ["search", "fetch", "query", "comments", "list_users", "self"];
                let reads = READ.contains(&name) || arguments["dry_run"] == true;
                (arguments, "/mcp", reads)
            }
        };
        let (arguments, path, reads) = own;
        let path = if self.random.u8(..6) == 0 { "/mcp/all" } else { path };
        let version = self.era();
        let body = json!({ "name": name, "arguments": arguments });
        let way = Way::Mcp("tools/call", reads);
        Call { name, way, path: path.to_owned(), version, body: Some(body), cursor: None }
    }

    fn era(&mut self) -> &'static str {
        match self.random.bool() {
            true => MODERN,
            false => self.random.choice(LEGACY).unwrap(),
        }
    }

    fn by_method(&mut self, name: &'static str) -> Call {
        // Few titles are offered, and fewer where a crowd has to be passed.
        let is_short = name == "completion/complete" && self.plan.is_crowded();
        let name = if is_short { "ping" } else { name };
        let version = match name {
            "server/discover" => MODERN,
            "initialize" | "ping" => *self.random.choice(LEGACY).unwrap(),
            _ => self.era(),
        };
        let params = match name {
            "resources/read" => json!({ "uri": self.uri() }),
            "initialize" => json!({
                "protocolVersion": version, "capabilities": {},
                "clientInfo": { "name": "twins", "version": "1" },
            }),
            "prompts/get" => {
                let page = self.reference("page");
                json!({ "name": "summarize_page", "arguments": { "page": page } })
            }
            "completion/complete" => {
                let typed = *self.random.choice(&["quartz", "plan", ""]).unwrap();
                let of = match self.random.u8(..3) {
                    0 => json!({ "type": "ref/prompt", "name": "summarize_page" }),
                    1 => json!({ "type": "ref/prompt", "name": "review_database" }),
                    _ => json!({ "type": "ref/resource", "uri": "notion://page/{id}" }),
                };
                json!({ "ref": of, "argument": { "name": "page", "value": typed } })
            }
            "tools/list" if self.random.u8(..8) == 0 => json!({ "cursor": "more" }),
            _ => json!({}),
        };
        let path = *self.random.choice(&["/mcp", "/mcp/official", "/mcp/all"]).unwrap();
        let way = Way::Mcp(name, true);
        Call { name, way, path: path.to_owned(), version, body: Some(params), cursor: None }
    }

    fn uri(&mut self) -> String {
        match self.random.u8(..8) {
            0 => "notion://docs/values".to_owned(),
            1 => format!("notion://page/{}", self.id("block")),
            2 => url(&self.id("page")),
            _ => format!("notion://page/{}", self.id("page")),
        }
    }

    /// The arguments of an official tool: what goes by REST into path, query and body.
    fn of_operation(&mut self, operation: &'static Operation) -> Value {
        let mut arguments = Map::new();
        let mut put = |given: Parameters| {
            for (name, value) in given {
                let value = match (name, value.parse::<u64>()) {
                    ("page_size", Ok(size)) => size.into(),
                    ("filter_properties", _) => json!([value]),
                    ("include_transcript", _) => true.into(),
                    _ => value.into(),
                };
                arguments.insert(name.to_owned(), value);
            }
        };
        put(self.parameters(operation));
        put(self.query(operation));
        if matches!(operation.verb, Verb::Post | Verb::Patch) {
            let version = match operation.name {
                "update-page-markdown" => "2026-03-11",
                _ => "2025-09-03",
            };
            if let Value::Object(body) = self.body(operation, version) {
                arguments.extend(body);
            }
        }
        // Some clients wrap what is an object into a text.
        if self.random.u8(..8) == 0 {
            for value in arguments.values_mut().filter(|value| value.is_object()) {
                *value = value.to_string().into();
            }
        }
        Value::Object(arguments)
    }

    /// The arguments of a tool for agents.
    fn of_agent(&mut self, name: &str) -> Value {
        match name {
            "search" => self.of_search(),
            "fetch" => self.of_fetch(),
            "query" => self.of_query(),
            "create_pages" => self.of_create(),
            "update_page" => self.of_update(),
            "move_pages" => {
                let place = *self.random.choice(&["page", "page", "data_source"]).unwrap();
                let (page, to) = (self.reference("page"), self.reference(place));
                self.perhaps_dry(json!({ "pages": [page], "to": to }))
            }
            "comments" => match self.random.u8(..4) {
                0 => json!({ "on": self.reference("block"), "max_tokens": FEW_TOKENS }),
                _ => json!({ "on": self.reference("block") }),
            },
            "add_comment" => {
                let (place, name) = match self.random.u8(..3) {
                    0 => ("discussion", "reply_to"),
                    _ => ("block", "on"),
                };
                let (place, text) = (self.reference(place), self.markdown());
                self.perhaps_dry(json!({ name: place, "text": text }))
            }
            "upload_file" => {
                let mut wish = json!({ "name": "a.txt", "data": "aGVsbG8=" });
                match self.random.u8(..4) {
                    0 => wish["attach_to"] = self.reference("block").into(),
                    1 => wish = json!({ "name": "a.png", "url": url(&self.id("page")) }),
                    _ => {}
                }
                self.perhaps_dry(wish)
            }
            "list_users" => match self.random.u8(..3) {
                0 => json!({}),
                1 => json!({ "query": "near" }),
                _ => json!({ "query": "quartz" }),
            },
            _ => json!({}),
        }
    }

    fn of_search(&mut self) -> Value {
        let mut wish = json!({});
        match self.random.u8(..5) {
            0 => wish["query"] = "quartz".into(),
            1 => wish["query"] = "plan".into(),
            2 => wish["kind"] = "page".into(),
            3 => wish["edited_after"] = "2026-01-20".into(),
            _ => {}
        }
        if self.random.bool() {
            // A drill may need a page that ends between the ends of the two worlds.
            let is_long = !self.favours.is_empty() && self.random.bool();
            wish["limit"] = self.random.u8(1..if is_long { 50 } else { 5 }).into();
        }
        wish
    }

    fn of_fetch(&mut self) -> Value {
        const PLACES: [&str; 9] =
            ["page", "page", "page", "block", "database", "data_source", "view", "user", "comment"];
        let count = self.random.usize(1..3);
        let ids: Vec<String> = (0..count)
            .map(|_| {
                let place = *self.random.choice(&PLACES).unwrap();
                self.reference(place)
            })
            .collect();
        let mut wish = json!({ "ids": ids });
        if self.random.u8(..3) == 0 {
            wish["max_tokens"] = FEW_TOKENS.into();
        }
        match self.random.u8(..8) {
            0 => wish["section"] = "words".into(),
            1..4 => wish["comments"] = true.into(),
            _ => {}
        }
        wish
    }

    fn of_query(&mut self) -> Value {
        let place =
            *self.random.choice(&["data_source", "data_source", "database", "view"]).unwrap();
        let mut wish = json!({ "source": self.reference(place) });
        match self.random.u8(..4) {
            0 => wish["filter"] = self.filter(),
            1 | 2 => wish["filter"] = self.condition().into(),
            _ => {}
        }
        match self.random.u8(..6) {
            0 => wish["sorts"] = json!([format!("{} desc", self.column().0)]),
            1 => wish["sorts"] = json!([{ "property": self.column().0, "direction": "ascending" }]),
            _ => {}
        }
        if self.random.u8(..3) == 0 {
            wish["columns"] = json!(["Name", self.column().0]);
        }
        match self.random.u8(..4) {
            0 => wish["limit"] = self.random.u8(1..4).into(),
            1 => wish["max_tokens"] = FEW_TOKENS.into(),
            _ => {}
        }
        if self.random.u8(..3) == 0 {
            wish["format"] = "json".into();
        }
        wish
    }

    /// A condition on some column, in the words that the tool takes.
    fn condition(&mut self) -> String {
        let (column, kind) = self.column();
        let one = match kind {
            "title" | "rich_text" => {
                format!("contains {}", self.random.choice(&["an", "quartz", "some"]).unwrap())
            }
            "number" | "rollup" | "formula" => "> 3".to_owned(),
            "select" => format!("= {}", self.random.choice(&["opt-a", "quartz"]).unwrap()),
            "checkbox" => "= true".to_owned(),
            "people" | "created_by" => format!("contains \"{}\"", self.name_of("user")),
            "relation" => format!("contains \"{}\"", self.name_of("page")),
            _ => "is not empty".to_owned(),
        };
        let one = if self.random.u8(..5) == 0 { "is empty".to_owned() } else { one };
        match self.random.u8(..5) {
            0 => format!("{column} {one} and N < 8"),
            1 => format!("({column} {one} or created_time is not empty)"),
            _ => format!("{column} {one}"),
        }
    }

    /// Somebody or something as a model names it: by name, or by id or address.
    fn name_of(&mut self, place: &str) -> String {
        const PEOPLE: [&str; 5] = ["Ada Near", "near", "Twin bot", "Quartz Person 1 0", "quartz"];
        const PAGES: [&str; 4] = ["Plan", "Road map", "Quartz", "Team"];
        match (place, self.random.bool()) {
            ("user", true) => (*self.random.choice(&PEOPLE).unwrap()).to_owned(),
            (_, true) => (*self.random.choice(&PAGES).unwrap()).to_owned(),
            _ => self.reference(place),
        }
    }

    /// Flat values, as models write them.
    fn values(&mut self) -> Value {
        let mut all = json!({});
        for _ in 0..self.random.usize(1..3) {
            let (column, kind) = self.column();
            all[column] = match kind {
                "title" | "rich_text" => "typed".into(),
                "number" => json!(5),
                "select" => (*self.random.choice(&["opt-b", "quartz"]).unwrap()).into(),
                "people" => json!([self.name_of("user")]),
                "checkbox" => true.into(),
                "relation" => json!([self.name_of("page")]),
                "files" => match self.random.bool() {
                    true => url(&self.id("page")).into(),
                    false => self.id("file_upload").into(),
                },
                _ => json!(1),
            };
            if self.random.u8(..8) == 0 {
                all[column] = Value::Null;
            }
        }
        all
    }

    fn of_create(&mut self) -> Value {
        let place =
            *self.random.choice(&["page", "data_source", "data_source", "database"]).unwrap();
        let mut pages = Vec::new();
        for _ in 0..self.random.usize(1..3) {
            let mut page = json!({ "title": "Typed" });
            match self.random.u8(..4) {
                0 => page["content"] = self.markdown().into(),
                1 => page["icon"] = "🧪".into(),
                2 if place == "page" => page["icon"] = url(&self.id("page")).into(),
                _ if place != "page" => page["properties"] = self.values(),
                _ => {}
            }
            pages.push(page);
        }
        let parent = self.reference(place);
        self.perhaps_dry(json!({ "parent": parent, "pages": pages }))
    }

    fn of_update(&mut self) -> Value {
        const WORDS: [&str; 6] = ["some words", "words", "Untitled", "quartz", "a link", "item"];
        let mut pages = vec![self.reference("page")];
        if self.random.u8(..4) == 0 {
            pages.push(self.reference("page"));
        }
        let mut wish = json!({ "pages": pages });
        let word = *self.random.choice(&WORDS).unwrap();
        match self.random.u8(..10) {
            0..3 => wish["properties"] = self.values(),
            3 => wish["icon"] = "🧪".into(),
            4 => wish["edits"] = json!([{ "find": word, "replace": "done", "all": true }]),
            5 => wish["check"] = json!([word]),
            6 => wish["replace_content"] = self.markdown().into(),
            7 => wish["trash"] = self.random.bool().into(),
            _ => wish["append"] = self.markdown().into(),
        }
        if self.random.u8(..4) == 0 {
            wish["allow_deleting"] = true.into();
        }
        self.perhaps_dry(wish)
    }

    /// A third of what would write only tries.
    fn perhaps_dry(&mut self, mut wish: Value) -> Value {
        if self.random.u8(..3) == 0 {
            wish["dry_run"] = true.into();
        }
        wish
    }

    /// An id, or one of the forms that the tools take as well.
    fn reference(&mut self, place: &str) -> String {
        let id = self.id(place);
        let plain = id.replace('-', "");
        match (self.random.u8(..6), place) {
            (0, _) => url(&id),
            (1, "data_source") => format!("collection://{plain}"),
            (1, "view") => format!("view://{plain}"),
            (1, "user") => format!("user://{plain}"),
            (1, "discussion") => format!("discussion://{plain}"),
            (1, "page") => format!("notion://page/{plain}"),
            (2, "database") => format!("{}?v={}", url(&id), self.id("view").replace('-', "")),
            (2, "page") => format!("{}#{}", url(&id), self.id("block").replace('-', "")),
            _ => id,
        }
    }
}

fn is_read(operation: &Operation) -> bool {
    operation.effect == notion::Effect::Read
}
