//! The rules that drills break, each on the way in or on the way out of the sandbox.

use std::fmt;

use serde_json::{Map, Value, json};

/// A request as it is about to be sent.
#[derive(Clone, Debug)]
pub(super) struct Ask {
    pub(super) method: String,
    pub(super) address: String,
    pub(super) headers: Vec<(String, String)>,
    pub(super) body: Value,
}

/// One broken rule.
pub(super) struct Drill {
    /// The rule that does not hold any more.
    pub(super) rule: &'static str,
    breaks: Breaks,
}

enum Breaks {
    Request(fn(&mut Ask)),
    Answer(fn(&Ask, &mut u16, &mut Value)),
}

impl fmt::Debug for Drill {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Drill").field("rule", &self.rule).finish_non_exhaustive()
    }
}

impl Drill {
    pub(super) fn on_request(&self, ask: &mut Ask) {
        if let Breaks::Request(change) = self.breaks {
            change(ask);
        }
    }

    pub(super) fn on_answer(&self, ask: &Ask, status: &mut u16, body: &mut Value) {
        if let Breaks::Answer(change) = self.breaks
            && !ask.is_control()
        {
            change(ask, status, body);
        }
    }
}

impl Ask {
    fn is_control(&self) -> bool {
        self.address.starts_with("/_sandbox/")
    }

    fn is_query(&self) -> bool {
        self.address.ends_with("/query")
    }

    pub(super) fn version(&self) -> &str {
        let named = self.headers.iter().find(|(name, _)| name == "notion-version");
        named.map_or("", |(_, version)| version.as_str())
    }
}

const fn request(rule: &'static str, change: fn(&mut Ask)) -> Drill {
    Drill { rule, breaks: Breaks::Request(change) }
}

const fn answer(rule: &'static str, change: fn(&Ask, &mut u16, &mut Value)) -> Drill {
    Drill { rule, breaks: Breaks::Answer(change) }
}

/// Every drill.
pub(super) const DRILLS: [Drill; 38] = [
    // --- who may do what
    request("what is shared is seen", |ask| {
        if ask.address == "/_sandbox/share" {
            ask.address = "/_sandbox/unshare".to_owned();
        }
    }),
    request("a token does only what its capabilities say", |ask| {
        if ask.address == "/_sandbox/tokens" {
            let all = [
                "read_content",
                "update_content",
                "insert_content",
                "read_comments",
                "insert_comments",
                "read_users_with_email",
            ];
            ask.body["capabilities"] = json!(all);
        }
    }),
    request("the version of a request decides the shapes", |ask| {
        for (name, value) in &mut ask.headers {
            if name == "notion-version" {
                *value = "2025-09-03".to_owned();
            }
        }
    }),
    request("a request without a version is refused", |ask| {
        if ask.version().is_empty() {
            ask.headers.push(("notion-version".to_owned(), "2026-03-11".to_owned()));
        }
    }),
    answer("an unknown route is 400, never 404", |_, status, body| {
        if body["code"] == "invalid_request_url" {
            *status = 404;
            body["status"] = json!(404);
        }
    }),
    answer("a missing capability is 403", |_, status, body| {
        if *status == 403 {
            *status = 404;
            body["status"] = json!(404);
        }
    }),
    answer("what is not shared is not there", |_, status, body| {
        if *status == 404 {
            *status = 403;
            body["status"] = json!(403);
        }
    }),
    // --- errors
    answer("an error carries a request id", |_, status, body| {
        if *status >= 400 {
            remove(body, "request_id");
        }
    }),
    answer("an error names the connection since 2025-09-03", |_, status, body| {
        if *status == 404 {
            remove(body, "additional_data");
        }
    }),
    answer("a validation error says where", |_, _, body| {
        if body["code"] == "validation_error" {
            body["message"] = json!("body failed validation.");
        }
    }),
    answer("the code of an error is Notion's", |_, _, body| {
        if body["code"] == "object_not_found" {
            body["code"] = json!("not_found");
        }
    }),
    // --- shapes
    answer("request_id comes last", |_, _, body| {
        if let Some(id) = remove(body, "request_id") {
            let old = body.as_object().cloned().unwrap_or_default();
            let mut new = Map::new();
            new.insert("request_id".to_owned(), id);
            new.extend(old);
            *body = Value::Object(new);
        }
    }),
    answer("items of lists have no request_id", |_, _, body| {
        each_result(body, |item| item["request_id"] = json!("0"));
    }),
    answer("in_trash is part of every object", |_, _, body| {
        each_object(body, &mut |object| {
            object.shift_remove("in_trash");
        });
    }),
    answer("archived ends with 2025-09-03", |ask, _, body| {
        if ask.version() == "2026-03-11" && body["in_trash"].is_boolean() {
            body["archived"] = json!(false);
        }
    }),
    answer("ids are dashed", |_, _, body| {
        if let Some(id) = body["id"].as_str().map(|id| id.replace('-', "")) {
            body["id"] = id.into();
        }
    }),
    answer("times are rounded to the minute", |_, _, body| {
        if let Some(time) =
            body["last_edited_time"].as_str().map(|it| it.replace(":00.000Z", ":07.123Z"))
        {
            body["last_edited_time"] = time.into();
        }
    }),
    answer("the type of a list fits the version", |_, _, body| {
        if body["type"] == "page_or_data_source" {
            body["type"] = json!("page_or_database");
        }
    }),
    answer("a row names its data source and its database", |_, _, body| {
        each_object(body, &mut |object| {
            let is_row = object.get("type").is_some_and(|it| it == "data_source_id");
            if is_row {
                object.shift_remove("database_id");
            }
        });
    }),
    answer("a relation says whether there is more", |_, _, body| {
        each_object(body, &mut |object| {
            if object.contains_key("relation") {
                object.shift_remove("has_more");
            }
        });
    }),
    answer("rich text has a plain text", |_, _, body| {
        each_object(body, &mut |object| {
            if let Some(text) = object.get_mut("plain_text") {
                *text = json!("");
            }
        });
    }),
    answer("rich text has annotations", |_, _, body| {
        each_object(body, &mut |object| {
            object.shift_remove("annotations");
        });
    }),
    answer("a block says whether it has children", |_, _, body| {
        each_object(body, &mut |object| {
            if let Some(has_children) = object.get_mut("has_children") {
                *has_children = json!(false);
            }
        });
    }),
    answer("property ids are percent-encoded", |_, _, body| {
        each_object(body, &mut |object| {
            if let Some(Value::String(id)) = object.get_mut("id") {
                *id = id
                    .replace("%3A", ":")
                    .replace("%3D", "=")
                    .replace("%5D", "]")
                    .replace("%60", "`");
            }
        });
    }),
    answer("a chosen colour stays", |_, _, body| {
        each_object(body, &mut |object| {
            if let Some(color) = object.get_mut("color").filter(|color| color.is_string()) {
                *color = json!("default");
            }
        });
    }),
    answer("numbers are numbers", |_, _, body| {
        each_object(body, &mut |object| {
            if let Some(number) = object.get_mut("number").filter(|number| number.is_number()) {
                *number = json!(number.to_string());
            }
        });
    }),
    answer("a deleted block is answered whole", |ask, status, body| {
        if ask.method == "DELETE" && *status == 200 {
            *body = json!({"object": "block", "deleted": true});
        }
    }),
    answer("trashed children are left out", |ask, _, body| {
        if ask.address.contains("/children") && ask.method == "GET" {
            each_result(body, |item| item["in_trash"] = json!(true));
        }
    }),
    // --- lists
    answer("a list that goes on says so", |_, _, body| {
        if body["has_more"] == true {
            body["has_more"] = json!(false);
            body["next_cursor"] = Value::Null;
        }
    }),
    request("a page of a list has the size that was asked for", |ask| {
        if !ask.is_control() {
            ask.address = ask.address.replace("page_size=", "page_sizes=");
            remove(&mut ask.body, "page_size");
            if ask.is_query() {
                ask.body["page_size"] = json!(1);
            }
        }
    }),
    request("a cursor goes on where the last answer ended", |ask| {
        remove(&mut ask.body, "start_cursor");
    }),
    // --- queries
    request("a filter filters", |ask| {
        if ask.is_query() {
            remove(&mut ask.body, "filter");
        }
    }),
    request("a sort sorts", |ask| {
        if ask.is_query() {
            remove(&mut ask.body, "sorts");
        }
    }),
    // --- writes
    request("appended blocks go where they were asked to", |ask| {
        if ask.method == "PATCH" && ask.address.ends_with("/children") {
            remove(&mut ask.body, "after");
            remove(&mut ask.body, "position");
        }
    }),
    request("a page is made with its children", |ask| {
        if ask.method == "POST" && ask.address == "/v1/pages" {
            remove(&mut ask.body, "children");
        }
    }),
    request("the trash takes what is thrown into it", |ask| {
        if ask.method == "PATCH" {
            remove(&mut ask.body, "in_trash");
            remove(&mut ask.body, "archived");
        }
    }),
    request("a text that is too long is refused", |ask| {
        if ask.method == "PATCH" && ask.address.ends_with("/children") {
            shorten(&mut ask.body);
        }
    }),
    request("letters beyond ASCII stay", |ask| {
        if ask.body.is_object() && !ask.is_control() {
            let text: String = ask
                .body
                .to_string()
                .chars()
                .map(|letter| if letter.is_ascii() { letter } else { '?' })
                .collect();
            ask.body = serde_json::from_str(&text).unwrap_or_default();
        }
    }),
];

fn remove(value: &mut Value, key: &str) -> Option<Value> {
    value.as_object_mut()?.shift_remove(key)
}

fn each_result(body: &mut Value, mut change: impl FnMut(&mut Value)) {
    for item in body["results"].as_array_mut().into_iter().flatten() {
        change(item);
    }
}

/// Calls `change` with the object and every object inside it.
fn each_object(value: &mut Value, change: &mut impl FnMut(&mut Map<String, Value>)) {
    match value {
        Value::Array(all) => all.iter_mut().for_each(|one| each_object(one, change)),
        Value::Object(members) => {
            members.values_mut().for_each(|one| each_object(one, change));
            change(members);
        }
        _ => {}
    }
}

fn shorten(value: &mut Value) {
    match value {
        Value::String(text) if text.len() > 2000 => *text = text.chars().take(2000).collect(),
        Value::Array(all) => all.iter_mut().for_each(shorten),
        Value::Object(members) => members.values_mut().for_each(shorten),
        _ => {}
    }
}
