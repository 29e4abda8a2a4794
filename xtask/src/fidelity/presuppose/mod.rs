//! The world that a transcript presupposes, worked out of its own answers.
//!
//! What answers show before the transcript itself made it was there before, in the state that the
//! first answers show. What hangs under something that the transcript made was made by it, too.
//!
//! `created` tells apart what the transcript made, `objects` and `people` take in what was there,
//! `order` how it stood, `wire` walks through answers.

mod created;
mod objects;
mod order;
mod people;
mod wire;

use std::collections::HashSet;

use indexmap::{IndexMap, IndexSet};
use serde_json::{Map, Value, json};

use super::recording::Exchange;
use objects::stub;
use wire::{each_id, each_mention, each_object, each_user, list};

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
        let own = self.own_bot().map(|bot| (bot["id"].clone(), bot["name"].clone()));
        if let (None, Some((id, name))) = (&self.me, own) {
            self.me = id.as_str().map(str::to_owned);
            self.name = self.name.take().or(name.as_str().map(str::to_owned));
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

#[cfg(test)]
mod tests {
    use http::Method;

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
            content_type: None,
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
