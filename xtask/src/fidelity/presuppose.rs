//! The world that a transcript presupposes, worked out of its own answers.
//!
//! What answers show before the transcript itself made it was there before, in the state that the
//! first answers show. What hangs under something that the transcript made was made by it, too.

use std::collections::HashSet;

use http::Method;
use indexmap::{IndexMap, IndexSet};
use serde_json::{Map, Value, json};

use super::recording::Exchange;

/// What must be there before the first request.
#[derive(Debug, Default)]
pub(super) struct Presupposed {
    /// For `POST /_sandbox/import`.
    pub(super) document: Value,
    /// For `POST /_sandbox/tokens`, without what is shared.
    pub(super) connection: Value,
    /// What the token saw.
    pub(super) shared: Vec<String>,
    /// Every id that was there before.
    pub(super) ids: IndexSet<String>,
}

/// Works it out.
pub(super) fn presuppose(exchanges: &[Exchange]) -> Presupposed {
    let mut finder = Finder::default();
    for exchange in exchanges {
        finder.mark_created(exchange);
    }
    for exchange in exchanges {
        finder.take(exchange);
    }
    finder.finish()
}

#[derive(Debug, Default)]
struct Finder {
    created: HashSet<String>,
    objects: IndexMap<String, Value>,
    children: IndexMap<String, Vec<String>>,
    users: IndexMap<String, Value>,
    listed: HashSet<String>,
    has_list: bool,
    /// Pages that are only named: in mentions, relations and requests.
    named: IndexMap<String, Value>,
    /// Objects of which a search told the order.
    ranked: HashSet<String>,
    me: Option<String>,
    name: Option<String>,
}

impl Finder {
    /// Notes what an exchange made.
    fn mark_created(&mut self, exchange: &Exchange) {
        if !exchange.succeeded() {
            return;
        }
        let segments = exchange.segments();
        match (exchange.method.clone(), segments.as_slice()) {
            (Method::POST, [_]) if exchange.is_write() => {
                self.create(&exchange.answer["id"]);
                for source in list(&exchange.answer["data_sources"]) {
                    self.create(&source["id"]);
                }
            }
            (Method::PATCH, ["blocks", _, "children"]) => {
                let made = list(&exchange.request["children"]).len();
                for block in list(&exchange.answer["results"]).iter().take(made) {
                    self.create(&block["id"]);
                }
            }
            _ => {}
        }
        // What hangs under what was made was made as well; so is what comes with a copy.
        self.spread(&exchange.answer);
    }

    fn create(&mut self, id: &Value) {
        if let Some(id) = id.as_str() {
            self.created.insert(id.to_owned());
        }
    }

    fn spread(&mut self, answer: &Value) {
        let mut grows = true;
        while grows {
            grows = false;
            each_object(answer, &mut |object| {
                let (Some(id), Some(parent)) = (object["id"].as_str(), parent_of(object)) else {
                    return;
                };
                if self.created.contains(parent) && self.created.insert(id.to_owned()) {
                    grows = true;
                }
            });
        }
    }

    /// Takes what an exchange tells of the time before.
    fn take(&mut self, exchange: &Exchange) {
        if exchange.status == 404 {
            let message = exchange.answer["message"].as_str().unwrap_or_default();
            let name = message.rsplit_once("integration \"").and_then(|(_, t)| t.split_once("\"."));
            self.name = self.name.take().or(name.map(|(name, _)| name.to_owned()));
            let me = exchange.answer["additional_data"]["integration_id"].as_str();
            self.me = self.me.take().or(me.map(str::to_owned));
        }
        if !exchange.succeeded() {
            return;
        }
        each_user(&exchange.answer, &mut |user| self.user(user));
        self.authors(exchange);
        if exchange.segments() == ["users", "me"] {
            self.me = exchange.answer["id"].as_str().map(str::to_owned);
            self.name = exchange.answer["name"].as_str().map(str::to_owned).or(self.name.take());
        }
        if exchange.segments() == ["users"] {
            self.has_list = true;
            for user in list(&exchange.answer["results"]) {
                self.listed.extend(user["id"].as_str().map(str::to_owned));
            }
        }
        each_object(&exchange.answer, &mut |object| self.object(exchange, object));
        self.search_order(exchange);
        each_mention(&exchange.answer, &mut |run| self.mention(run));
        self.places(exchange);
        self.order(exchange);
    }

    /// Who the token is: the author of what it made, the last editor of what it changed.
    fn authors(&mut self, exchange: &Exchange) {
        let mut me = None;
        each_object(&exchange.answer, &mut |object| {
            let id = object["id"].as_str().unwrap_or_default();
            if self.created.contains(id) {
                me = me.take().or(object["created_by"]["id"].as_str().map(str::to_owned));
            } else if exchange.is_write() && is_target(exchange, id) {
                me = me.take().or(object["last_edited_by"]["id"].as_str().map(str::to_owned));
            }
        });
        self.me = self.me.take().or(me);
        let mut users = Vec::new();
        each_object(&exchange.answer, &mut |comment| {
            let (kind, name) =
                (&comment["display_name"]["type"], &comment["display_name"]["resolved_name"]);
            let id = &comment["created_by"]["id"];
            let user = json!({"object": "user", "id": id, "name": name, "avatar_url": null});
            match kind.as_str() {
                Some("integration") if id.as_str() == self.me.as_deref() => {
                    self.name = self.name.take().or(name.as_str().map(str::to_owned));
                }
                Some("integration") => users.push((user, json!({"type": "bot", "bot": {}}))),
                Some("user") => users.push((user, json!({"type": "person", "person": {}}))),
                _ => {}
            }
        });
        for (mut user, rest) in users {
            if let (Some(user), Some(rest)) = (user.as_object_mut(), rest.as_object()) {
                user.extend(rest.clone());
            }
            self.user(&user);
        }
    }

    /// Of what was edited in the same minute, a search tells which was edited last.
    fn search_order(&mut self, exchange: &Exchange) {
        if !exchange.path.ends_with("/search") || !exchange.request["sort"].is_null() {
            return;
        }
        let results = list(&exchange.answer["results"]);
        for (rank, one) in results.iter().rev().enumerate() {
            let (id, time) = (one["id"].as_str(), one["last_edited_time"].as_str());
            if let (Some(id), Some(time)) = (id, time)
                && !self.created.contains(id)
                && self.objects.get(id).is_some_and(|known| known["last_edited_time"] == time)
                && !self.ranked.contains(id)
            {
                self.ranked.insert(id.to_owned());
                let finer = time
                    .replace(":00.000Z", &format!(":{:02}.{:03}Z", rank / 1000 % 60, rank % 1000));
                self.objects[id]["last_edited_time"] = finer.into();
            }
        }
    }

    fn user(&mut self, wire: &Value) {
        let Some(id) = wire["id"].as_str().filter(|_| wire["type"].is_string()) else { return };
        let tells = |user: &Value| user.to_string().len();
        let known = self.users.get(id);
        if known.is_none_or(|known| tells(known) < tells(wire)) {
            let mut user = wire.clone();
            if let Some(members) = user.as_object_mut() {
                members.shift_remove("request_id");
            }
            self.users.insert(id.to_owned(), user);
        }
    }

    fn object(&mut self, exchange: &Exchange, wire: &Value) {
        let Some(id) = wire["id"].as_str() else { return };
        if self.created.contains(id) {
            return;
        }
        let is_child = wire["object"] == "block"
            && matches!(wire["type"].as_str(), Some("child_page" | "child_database"));
        let is_better = match self.objects.get(id) {
            None => true,
            // The block that stands for a page tells less than the page.
            Some(known) => known["object"] == "block" && wire["object"] != "block" && !is_child,
        };
        if !is_better {
            return;
        }
        let mut object = wire.clone();
        // The answer to the request that throws it away or brings it back shows the time after.
        if exchange.is_write() && is_target(exchange, id) {
            let flag = ["in_trash", "archived"]
                .iter()
                .find_map(|key| exchange.request[key].as_bool())
                .or((exchange.method == Method::DELETE).then_some(true));
            if let Some(flag) = flag {
                for key in ["in_trash", "archived"] {
                    if object[key].is_boolean() {
                        object[key] = (!flag).into();
                    }
                }
            }
        }
        for id in list(&wire["properties"]).iter().chain(values(&wire["properties"])) {
            for related in list(&id["relation"]) {
                self.name(&related["id"], Value::Null);
            }
            // A relation is shown only if its table is.
            for key in ["database_id", "data_source_id"] {
                self.name(&id["relation"][key], Value::Null);
            }
        }
        self.objects.insert(id.to_owned(), object);
    }

    fn mention(&mut self, run: &Value) {
        let mention = &run["mention"];
        let Some(kind @ ("page" | "database")) = mention["type"].as_str() else { return };
        if run["plain_text"] != "Untitled" {
            let title = run["plain_text"].clone();
            self.name(&mention[kind]["id"], json!({"object": kind, "title": title}));
        }
    }

    fn name(&mut self, id: &Value, wire: Value) {
        if let Some(id) = id.as_str() {
            self.named.entry(id.to_owned()).or_insert(wire);
        }
    }

    /// Where a request that worked put something, or what it asked about, was there.
    fn places(&mut self, exchange: &Exchange) {
        let parent = &exchange.request["parent"];
        for (key, kind) in
            [("page_id", "page"), ("database_id", "database"), ("data_source_id", "data_source")]
        {
            self.name(&parent[key], json!({"object": kind}));
        }
        let segments = exchange.segments();
        if segments == ["comments"]
            && let Some(id) = exchange.query["block_id"].as_str().and_then(dashed)
        {
            self.name(&id.into(), json!({"object": "page"}));
        }
        if let [noun, id, ..] = segments.as_slice()
            && let Some(id) = dashed(id)
        {
            let inner = list(&exchange.answer["results"]).first().map(|one| &one["parent"]);
            let is_block = inner.is_some_and(|parent| parent["type"] == "block_id");
            let kind = match *noun {
                "pages" => "page",
                "databases" => "database",
                "data_sources" => "data_source",
                "blocks" if is_block => "block",
                "blocks" => "page",
                _ => return,
            };
            self.name(&id.into(), json!({"object": kind}));
        }
    }

    /// The order of children and rows, where an answer tells it.
    fn order(&mut self, exchange: &Exchange) {
        let segments = exchange.segments();
        let (parent, is_query) = match (&exchange.method, segments.as_slice()) {
            (&Method::GET, ["blocks", id, "children"]) => (dashed(id), false),
            (&Method::POST, ["data_sources" | "databases", id, "query"]) => {
                let body = &exchange.request;
                let is_plain = body["filter"].is_null()
                    && list(&body["sorts"]).is_empty()
                    && body["page_size"] != 1;
                if !is_plain {
                    return;
                }
                (dashed(id), true)
            }
            _ => return,
        };
        let Some(parent) = parent else { return };
        let results = list(&exchange.answer["results"]).iter();
        let ids = results.filter_map(|one| one["id"].as_str()).map(str::to_owned);
        let ids: Vec<String> = ids.filter(|id| !self.created.contains(id)).collect();
        let cursor = [&exchange.query["start_cursor"], &exchange.request["start_cursor"]];
        let goes_on = cursor.iter().any(|cursor| cursor.is_string());
        let known = self.children.entry(parent).or_default();
        if known.is_empty() || goes_on {
            // A query shows the newest first, and the world keeps the oldest first.
            for id in ids {
                match known.contains(&id) {
                    true => {}
                    false if is_query => known.insert(0, id),
                    false => known.push(id),
                }
            }
        }
    }

    fn finish(mut self) -> Presupposed {
        let mut objects: Vec<Value> = self.objects.values().cloned().collect();
        let mut shared: IndexSet<String> = self.objects.keys().cloned().collect();
        for (id, named) in &self.named {
            if self.created.contains(id) || self.objects.contains_key(id) {
                continue;
            }
            shared.insert(id.clone());
            if let Some(stub) = stub(id, named) {
                objects.push(stub);
            }
        }
        let me = self.me.clone();
        for (id, user) in &mut self.users {
            if self.has_list && !self.listed.contains(id) {
                user["guest"] = true.into();
            }
        }
        let users: Vec<Value> = self.users.values().cloned().collect();
        let mut ids: IndexSet<String> = shared.clone();
        ids.extend(self.users.keys().cloned());
        ids.extend(me.clone());
        for object in &objects {
            each_id(object, &mut |id| {
                ids.insert(id.to_owned());
            });
        }
        let name = self.name.unwrap_or_else(|| "Connection".to_owned());
        let owner = me.as_ref().and_then(|me| self.users.get(me)).map(|me| &me["bot"]["owner"]);
        let owner = owner.and_then(|owner| owner["user"]["id"].as_str()).map(str::to_owned);
        let owner = owner.filter(|owner| self.users.contains_key(owner));
        let children: Map<String, Value> =
            self.children.into_iter().map(|(id, all)| (id, all.into())).collect();
        Presupposed {
            document: json!({"fresh": true, "users": users, "objects": objects, "children": children}),
            connection: json!({"name": name, "bot_id": me, "owner": owner}),
            shared: shared.into_iter().collect(),
            ids,
        }
    }
}

/// As little of an object as is known of one that is only named.
fn stub(id: &str, named: &Value) -> Option<Value> {
    let parent = json!({"type": "workspace", "workspace": true});
    let runs = named["title"].as_str().map_or_else(
        || json!([]),
        |title| {
            json!([{"type": "text", "text": {"content": title, "link": null},
                "annotations": {"bold": false, "italic": false, "strikethrough": false,
                    "underline": false, "code": false, "color": "default"}}])
        },
    );
    Some(match named["object"].as_str()? {
        "page" => {
            let title = json!({"id": "title", "type": "title", "title": runs});
            json!({"object": "page", "id": id, "parent": parent, "properties": {"title": title}})
        }
        "block" => json!({"object": "block", "id": id, "parent": parent, "type": "paragraph",
            "paragraph": {"rich_text": [], "icon": null, "color": "default"}}),
        kind => {
            json!({"object": kind, "id": id, "parent": parent, "title": runs, "properties": {}})
        }
    })
}

fn parent_of(object: &Value) -> Option<&str> {
    let parent = &object["parent"];
    let kinds = ["data_source_id", "database_id", "page_id", "block_id"];
    kinds.iter().find_map(|kind| parent[kind].as_str())
}

/// Calls with every object of Notion's that an answer shows in full.
fn each_object(value: &Value, call: &mut impl FnMut(&Value)) {
    let all = match value["results"].as_array() {
        Some(results) => results.iter().collect(),
        None => vec![value],
    };
    for one in all {
        let kind = one["object"].as_str().unwrap_or_default();
        let is_whole = one["parent"].is_object();
        if is_whole && matches!(kind, "page" | "database" | "data_source" | "block" | "comment") {
            call(one);
        }
    }
}

fn each_user(value: &Value, call: &mut impl FnMut(&Value)) {
    walk(value, &mut |value| {
        if value["object"] == "user" {
            call(value);
        }
    });
}

fn each_mention(value: &Value, call: &mut impl FnMut(&Value)) {
    walk(value, &mut |value| {
        if value["type"] == "mention" {
            call(value);
        }
    });
}

/// Every text that stands under a key that holds ids.
fn each_id(value: &Value, call: &mut impl FnMut(&str)) {
    walk(value, &mut |value| {
        for (key, member) in value.as_object().into_iter().flatten() {
            let all = match member {
                Value::Array(all) => all.iter().collect(),
                one => vec![one],
            };
            if key == "id" || key.ends_with("_id") || key.ends_with("_ids") {
                all.into_iter().filter_map(Value::as_str).for_each(&mut *call);
            }
        }
    });
}

fn walk(value: &Value, call: &mut impl FnMut(&Value)) {
    match value {
        Value::Array(all) => all.iter().for_each(|one| walk(one, call)),
        Value::Object(members) => {
            call(value);
            members.values().for_each(|one| walk(one, call));
        }
        _ => {}
    }
}

fn list(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}

fn values(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_object().into_iter().flat_map(Map::values)
}

fn dashed(id: &str) -> Option<String> {
    notion::Id::parse(id).map(|id| id.to_string())
}

fn is_target(exchange: &Exchange, id: &str) -> bool {
    exchange.segments().get(1).is_some_and(|target| same_id(target, id))
}

fn same_id(a: &str, b: &str) -> bool {
    notion::Id::parse(a).is_some_and(|a| notion::Id::parse(b) == Some(a))
}

#[cfg(test)]
mod tests {
    use super::*;

    const OLD: &str = "11111111-1111-4111-8111-111111111111";
    const NEW: &str = "22222222-2222-4222-8222-222222222222";

    fn exchange(method: Method, path: &str, request: Value, answer: Value) -> Exchange {
        Exchange {
            cassette: String::new(),
            n: String::new(),
            operation: String::new(),
            version: None,
            method,
            path: path.to_owned(),
            query: Value::Null,
            request,
            status: 200,
            answer,
        }
    }

    #[test]
    fn what_was_made_is_not_presupposed_and_where_it_was_put_is() {
        let made =
            json!({"object": "page", "id": NEW, "parent": {"type": "page_id", "page_id": OLD}});
        let block =
            json!({"object": "block", "id": "x", "parent": {"page_id": NEW}, "type": "divider"});
        let found = presuppose(&[
            exchange(Method::POST, "/v1/pages", json!({"parent": {"page_id": OLD}}), made),
            exchange(
                Method::GET,
                &format!("/v1/blocks/{NEW}/children"),
                Value::Null,
                json!({"object": "list", "results": [block]}),
            ),
        ]);
        let objects = found.document["objects"].as_array().unwrap();
        assert_eq!(objects.len(), 1, "{objects:?}");
        assert_eq!(objects[0]["id"], OLD);
        assert_eq!(found.shared, [OLD]);
    }

    #[test]
    fn what_is_thrown_away_was_there() {
        let gone = json!({"object": "block", "id": OLD, "parent": {"workspace": true},
            "type": "divider", "divider": {}, "in_trash": true});
        let path = format!("/v1/blocks/{OLD}");
        let found = presuppose(&[exchange(Method::DELETE, &path, Value::Null, gone)]);
        assert_eq!(found.document["objects"][0]["in_trash"], false);
    }
}
