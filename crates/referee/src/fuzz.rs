//! A stream of requests to every route, valid, nearly valid and absurd, the same for the same seed.
//!
//! Bodies start from ones that make sense, and from what the sandbox itself answered; then they are
//! bent. [`Fuzzer::check`] says what no answer may be: a 5xx, or another shape than Notion's.

use fastrand::Rng;
use http::Method;
use notion::catalogue::{Auth, OPERATIONS, Operation, Place, Verb};
use serde_json::{Map, Value, json};

use crate::schemas::{Verdict, judge};

/// Most ids and bodies that are remembered from answers.
const REMEMBERED: usize = 200;

const VERSIONS: [&str; 7] = [
    "2021-05-13",
    "2021-08-16",
    "2022-02-22",
    "2022-06-28",
    "2025-09-03",
    "2026-03-11",
    "2026-03-11",
];

/// One request.
#[derive(Clone, Debug)]
pub struct Request {
    /// The HTTP method.
    pub method: &'static str,
    /// Path and query.
    pub path: String,
    /// Names and values.
    pub headers: Vec<(String, String)>,
    /// The body as it is sent.
    pub body: Vec<u8>,
}

/// Makes requests, and learns from answers.
#[derive(Debug)]
pub struct Fuzzer {
    random: Rng,
    tokens: Vec<String>,
    /// What objects are called, and their ids.
    ids: Vec<(String, String)>,
    objects: Vec<Value>,
}

/// Ids for a body; each is of the kind that its name says, if one is known.
struct Ids {
    page: String,
    other: String,
    source: String,
    database: String,
    block: String,
    upload: String,
    discussion: String,
}

impl Fuzzer {
    /// Starts with these tokens and objects (their kind, their id).
    pub fn new(seed: u64, tokens: Vec<String>, ids: Vec<(String, String)>) -> Self {
        Self { random: Rng::with_seed(seed), tokens, ids, objects: Vec::new() }
    }

    /// The next request.
    pub fn request(&mut self) -> Request {
        let operation = &OPERATIONS[self.random.usize(..OPERATIONS.len())];
        let mut path = self.path(operation);
        self.query(operation, &mut path);
        let mut headers = self.headers(operation);
        let body = if operation.multipart {
            headers.push(("content-type".into(), "multipart/form-data; boundary=b".into()));
            self.multipart()
        } else if matches!(operation.verb, Verb::Get | Verb::Delete) && self.random.u8(..) > 8 {
            Vec::new()
        } else {
            headers.push(("content-type".into(), "application/json".into()));
            self.body(operation)
        };
        Request { method: operation.verb.as_str(), path, headers, body }
    }

    /// Remembers ids and objects of an answer, to ask for them and to send them back.
    pub fn learn(&mut self, answer: &Value) {
        let results = answer["results"].as_array().map_or(&[][..], Vec::as_slice);
        for object in results.iter().take(3).chain([answer]) {
            let kind = object["object"].as_str().unwrap_or_default();
            if let Some(id) = object["id"].as_str() {
                remember(&mut self.random, &mut self.ids, (kind.to_owned(), id.to_owned()));
            }
            if let Some(id) = object["discussion_id"].as_str() {
                let thread = ("discussion".to_owned(), id.to_owned());
                remember(&mut self.random, &mut self.ids, thread);
            }
            if object["object"].is_string() && object["object"] != "error" {
                remember(&mut self.random, &mut self.objects, object.clone());
            }
        }
    }

    /// What is wrong with an answer, whatever the request was.
    ///
    /// # Errors
    ///
    /// A 5xx, or a shape that is not Notion's.
    pub fn check(request: &Request, status: u16, answer: &Value) -> Result<(), String> {
        if status >= 500 {
            return Err(format!("{status} {answer}"));
        }
        // The consent page of OAuth is for browsers.
        if answer.is_string() {
            return Ok(());
        }
        let path = request.path.split('?').next().unwrap_or_default();
        let version = request.headers.iter().find(|(name, _)| name == "notion-version");
        let version = version.map_or("", |(_, version)| version.as_str());
        let method = Method::from_bytes(request.method.as_bytes()).unwrap_or_default();
        match judge(&method, path, version, status, answer) {
            Verdict::Broken(what) => Err(format!("{what}\n{answer}")),
            Verdict::Fits | Verdict::Unknown(_) => Ok(()),
        }
    }

    fn path(&mut self, operation: &Operation) -> String {
        let mut path = String::new();
        for part in operation.path.split('/').skip(1) {
            path.push('/');
            match part.strip_prefix('{') {
                Some("property_id}") if self.random.bool() => path.push_str("title"),
                Some(name) => {
                    let name = name.trim_end_matches('}');
                    let kind = operation.ids.iter().find_map(|place| match place {
                        Place::Path(its, kind) if *its == name => Some(kind.as_str()),
                        _ => None,
                    });
                    path.push_str(&self.id(kind));
                }
                None => path.push_str(part),
            }
        }
        path
    }

    /// Mostly the id of such an object; of any, if no kind is said.
    fn id(&mut self, kind: Option<&str>) -> String {
        match self.random.u8(..60) {
            0 => "AAA".to_owned(),
            1 => "%00".to_owned(),
            2 => "00000000-0000-0000-0000-000000000000".to_owned(),
            3 => "%F0%9F%92%A9".to_owned(),
            4 => self.pick_id(kind).replace('-', ""),
            5..8 => self.pick_id(None),
            _ => self.pick_id(kind),
        }
    }

    fn pick_id(&mut self, kind: Option<&str>) -> String {
        let fits =
            |its: &str| kind.is_none_or(|kind| its == kind || kind == "block" && its == "page");
        let all: Vec<&String> =
            self.ids.iter().filter(|(kind, _)| fits(kind)).map(|(_, id)| id).collect();
        match self.random.choice(&all) {
            Some(id) => (*id).clone(),
            None if kind.is_some() => self.pick_id(None),
            None => String::new(),
        }
    }

    fn ids(&mut self) -> Ids {
        Ids {
            page: self.id(Some("page")),
            other: self.id(Some("page")),
            source: self.id(Some("data_source")),
            database: self.id(Some("database")),
            block: self.id(Some("block")),
            upload: self.id(Some("file_upload")),
            discussion: self.id(Some("discussion")),
        }
    }

    fn query(&mut self, operation: &Operation, path: &mut String) {
        let mut parts = Vec::new();
        for place in operation.ids {
            if let Place::Query(name, kind) = place {
                parts.push(format!("{name}={}", self.id(Some(kind.as_str()))));
            }
        }
        for name in [
            "page_size",
            "start_cursor",
            "filter_properties",
            "name",
            "include_transcript",
            "markdown_version",
            "status",
        ] {
            if self.random.u8(..) < 12 {
                let value = match self.random.u8(..6) {
                    0 => "1".to_owned(),
                    1 => "-1".to_owned(),
                    2 => "101".to_owned(),
                    3 => "x".repeat(self.random.usize(..3000)),
                    4 => "true".to_owned(),
                    _ => self.id(None),
                };
                parts.push(format!("{name}={value}"));
            }
        }
        if !parts.is_empty() {
            path.push('?');
            path.push_str(&parts.join("&"));
        }
    }

    fn headers(&mut self, operation: &Operation) -> Vec<(String, String)> {
        let mut headers = Vec::new();
        let token = match (operation.auth, self.random.u8(..30)) {
            (Auth::Client, 0..15) => "Basic aWQ6c2VjcmV0".to_owned(),
            (_, 0) => "Bearer".to_owned(),
            (_, 1) => "Bearer nobody".to_owned(),
            _ => {
                let token = self.random.choice(&self.tokens).cloned().unwrap_or_default();
                format!("Bearer {token}")
            }
        };
        headers.push(("authorization".to_owned(), token));
        if self.random.u8(..) > 3 {
            let version = VERSIONS[self.random.usize(..VERSIONS.len())];
            headers.push(("notion-version".to_owned(), version.to_owned()));
        }
        headers
    }

    fn multipart(&mut self) -> Vec<u8> {
        let size = self.random.usize(..2000);
        let mut body =
            b"--b\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a.txt\"\r\n\
            Content-Type: text/plain\r\n\r\n"
                .to_vec();
        body.extend((0..size).map(|_| self.random.u8(..)));
        body.extend_from_slice(
            b"\r\n--b\r\nContent-Disposition: form-data; name=\"part_number\"\r\n\r\n",
        );
        body.extend_from_slice(self.random.u16(..3).to_string().as_bytes());
        body.extend_from_slice(b"\r\n--b--\r\n");
        if self.random.u8(..) < 100 {
            let at = self.random.usize(..body.len());
            body.truncate(at);
        }
        body
    }

    fn body(&mut self, operation: &Operation) -> Vec<u8> {
        let mut value = if self.random.u8(..5) == 0 {
            self.random.choice(&self.objects).cloned().unwrap_or_default()
        } else {
            let ids = self.ids();
            let all = sensible(operation.name, &ids);
            all[self.random.usize(..all.len())].clone()
        };
        for _ in 0..[0, 0, 0, 1, 1, 3][self.random.usize(..6)] {
            self.bend(&mut value, 0);
        }
        let mut bytes = value.to_string().into_bytes();
        if self.random.u8(..) < 4 {
            let at = self.random.usize(..=bytes.len());
            bytes.truncate(at);
        }
        bytes
    }

    /// Changes one place of a value.
    fn bend(&mut self, value: &mut Value, depth: usize) {
        let goes_down = depth < 12 && self.random.u8(..10) < 8;
        match value {
            Value::Object(members) if goes_down && !members.is_empty() => {
                let index = self.random.usize(..members.len());
                let Some(key) = members.keys().nth(index).cloned() else { return };
                match self.random.u8(..12) {
                    0 => {
                        members.shift_remove(&key);
                    }
                    1 => {
                        let value = self.leaf();
                        members.insert("unknown".to_owned(), value);
                    }
                    _ => {
                        if let Some(inner) = members.get_mut(&key) {
                            self.bend(inner, depth + 1);
                        }
                    }
                }
            }
            Value::Array(all) if goes_down && !all.is_empty() => {
                let index = self.random.usize(..all.len());
                match self.random.u8(..12) {
                    0 => {
                        all.remove(index);
                    }
                    1 => *all = vec![all[index].clone(); 101],
                    _ => self.bend(&mut all[index], depth + 1),
                }
            }
            other => *other = self.leaf(),
        }
    }

    fn leaf(&mut self) -> Value {
        match self.random.u8(..16) {
            0 => Value::Null,
            1 => json!(true),
            2 => json!(-1),
            3 => json!(1e308),
            4 => json!(u64::MAX),
            5 => json!(0.1),
            6 => json!(""),
            7 => json!("x".repeat(2001)),
            8 => json!("\u{0}\u{feff}é🏔️\u{202e}"),
            9 => json!([]),
            10 => json!({}),
            11 => json!("2026-02-30T25:61:00Z"),
            12 => json!("{{notion:block_property:x}} prop(\"Name\") + ((((1"),
            13 => (0..200).fold(json!(0), |inner, _| json!([inner])),
            14 => self.random.choice(&self.objects).cloned().unwrap_or_default(),
            _ => self.pick_id(None).into(),
        }
    }
}

fn remember<T>(random: &mut Rng, all: &mut Vec<T>, new: T) {
    if all.len() < REMEMBERED {
        all.push(new);
    } else {
        all[random.usize(..REMEMBERED)] = new;
    }
}

/// Bodies with which an operation may succeed.
fn sensible(operation: &str, ids: &Ids) -> Vec<Value> {
    let Ids { page, other, source, database, block, upload, discussion } = ids;
    let text = json!([{"text": {"content": "word"}, "annotations": {"bold": true, "color": "red"}},
        {"mention": {"page": {"id": other}}}, {"equation": {"expression": "x^2"}},
        {"mention": {"date": {"start": "2026-01-01", "end": null}}}]);
    let children = json!([{"paragraph": {"rich_text": text}}, {"divider": {}},
        {"toggle": {"rich_text": text, "children": [{"to_do": {"rich_text": text, "checked": true}}]}},
        {"table": {"table_width": 2, "children": [{"table_row": {"cells": [text, []]}}]}},
        {"column_list": {"children": [{"column": {"children": [{"divider": {}}]}},
            {"column": {"children": [{"code": {"rich_text": text, "language": "rust"}}]}}]}},
        {"synced_block": {"synced_from": {"block_id": block}}},
        {"image": {"external": {"url": "https://example.com/a.png"}}},
        {"callout": {"rich_text": text, "icon": {"emoji": "💡"}}}]);
    let title = json!({"title": {"title": text}});
    let schema = json!({"Name": {"title": {}}, "N": {"number": {"format": "dollar"}},
        "S": {"select": {"options": [{"name": "a", "color": "red"}]}}, "St": {"status": {}},
        "R": {"relation": {"data_source_id": source, "database_id": database, "dual_property": {}}},
        "F": {"formula": {"expression": "prop(\"N\") * 2 + length(prop(\"Name\"))"}},
        "Ro": {"rollup": {"relation_property_name": "R", "rollup_property_name": "Name", "function": "count"}},
        "U": {"unique_id": {"prefix": "AB"}}, "D": {"date": {}}, "P": {"people": {}}, "Fi": {"files": {}}});
    let filter = json!({"and": [{"property": "Status", "status": {"equals": "Done"}},
        {"or": [{"property": "Estimate", "number": {"greater_than": 3}},
            {"timestamp": "created_time", "created_time": {"past_week": {}}},
            {"property": "title", "rich_text": {"contains": "a"}}]}]});
    let sorts = json!([{"property": "Due", "direction": "ascending"},
        {"timestamp": "last_edited_time", "direction": "descending"}]);
    let view = json!({"name": "V", "type": "board", "data_source_id": source, "database_id": database,
        "filter": filter, "sorts": sorts, "configuration": {"type": "board", "group_by":
            {"type": "status", "property_id": "Status", "group_by": "option", "sort": {"type": "manual"}}}});
    match operation {
        "post-page" => vec![
            json!({"parent": {"page_id": page}, "properties": title, "children": children,
                "icon": {"emoji": "🧪"}, "cover": {"external": {"url": "https://example.com/c.png"}}}),
            json!({"parent": {"data_source_id": source}, "properties": {"Task": {"title": text},
                "Estimate": {"number": 3}, "Priority": {"select": {"name": "High"}},
                "Due": {"date": {"start": "2026-03-01T10:00:00", "time_zone": "Europe/Paris"}},
                "Blocked by": {"relation": [{"id": other}]}, "Tags": {"multi_select": [{"name": "x"}]}}}),
            json!({"parent": {"page_id": page}, "markdown": "# T\n- [ ] a\n\t- b\n<callout>c</callout>\n"}),
            json!({"parent": {"data_source_id": source}, "template": {"type": "default"}}),
        ],
        "patch-page" => vec![
            json!({"properties": title, "is_locked": true, "icon": null}),
            json!({"in_trash": false, "erase_content": true}),
            json!({"in_trash": true}),
        ],
        "move-page" => vec![
            json!({"parent": {"page_id": other}}),
            json!({"parent": {"data_source_id": source}}),
        ],
        "update-page-markdown" => vec![
            json!({"type": "replace_content", "replace_content": {"new_str": "# A\n- b\n\t- c\n| a | b |\n|---|---|\n| 1 | 2 |\n", "allow_deleting_content": true}}),
            json!({"type": "update_content", "update_content": {"content_updates": [{"old_str": "a", "new_str": "b", "replace_all_matches": true}]}}),
            json!({"type": "insert_content", "insert_content": {"content": "x", "position": {"type": "end"}}, "allow_async": true}),
            json!({"type": "replace_content_range", "replace_content_range": {"content": "y", "content_range": "a...b"}}),
        ],
        "patch-block-children" => vec![
            json!({"children": children}),
            json!({"children": [{"divider": {}}], "position": {"type": "after_block", "after_block": {"id": block}}}),
        ],
        "update-a-block" => vec![
            json!({"paragraph": {"rich_text": text, "color": "blue"}}),
            json!({"heading_1": {"rich_text": text, "is_toggleable": true}}),
            json!({"in_trash": true}),
        ],
        "create-database" => vec![
            json!({"parent": {"page_id": page}, "title": text, "initial_data_source": {"properties": schema}, "properties": schema}),
        ],
        "update-database" => vec![
            json!({"title": text, "is_inline": true, "parent": {"page_id": other}}),
            json!({"properties": schema}),
        ],
        "create-a-data-source" => {
            vec![json!({"parent": {"database_id": database}, "properties": schema, "title": text})]
        }
        "update-a-data-source" => vec![
            json!({"properties": {"Estimate": {"name": "E"}, "Notes": null, "New": {"number": {}}}}),
            json!({"properties": schema, "parent": {"database_id": database}}),
        ],
        "query-data-source" | "post-database-query" => vec![
            json!({"filter": filter, "sorts": sorts, "page_size": 3}),
            json!({"filter": {"property": "Project lead", "rollup": {"any": {"people": {"is_not_empty": true}}}}}),
        ],
        "post-search" => vec![
            json!({"query": "a", "sort": {"timestamp": "last_edited_time", "direction": "ascending"}}),
        ],
        "create-a-comment" => vec![
            json!({"parent": {"page_id": page}, "rich_text": text}),
            json!({"discussion_id": discussion, "rich_text": text, "display_name": {"type": "custom", "custom": {"name": "N"}}}),
            json!({"parent": {"block_id": block}, "markdown": "**a** $x$"}),
        ],
        "update-a-comment" => vec![json!({"rich_text": text}), json!({"markdown": "b"})],
        "create-view" | "update-a-view" => vec![view],
        "create-file" => vec![
            json!({"filename": "a.txt", "content_type": "text/plain"}),
            json!({"mode": "multi_part", "filename": "a.mp4", "number_of_parts": 2}),
            json!({"mode": "external_url", "external_url": "https://example.com/a.png", "filename": "a.png"}),
        ],
        "create-meeting-notes" => {
            vec![json!({"source": {"type": "file_upload", "file_upload_id": upload},
            "parent": {"type": "page_id", "page_id": other}})]
        }
        "query-meeting-notes" => {
            vec![json!({"filter": {"operator": "and", "filters": []}, "limit": 3})]
        }
        "create-a-token" => vec![
            json!({"grant_type": "authorization_code", "code": page}),
            json!({"grant_type": "refresh_token", "refresh_token": page}),
        ],
        "introspect-token" | "revoke-token" => vec![json!({"token": page})],
        _ => vec![Value::Object(Map::new()), json!({"page_size": 2})],
    }
}
