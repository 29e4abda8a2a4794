//! Who answers tell of, and which of them the token is.

use serde_json::{Value, json};

use super::super::recording::Exchange;
use super::Finder;
use super::wire::{each_object, is_target};

impl Finder {
    /// Who the token is: the author of what it made, the last editor of what it changed.
    pub(super) fn authors(&mut self, exchange: &Exchange) {
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

    pub(super) fn user(&mut self, wire: &Value) {
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

    /// The one bot that is shown with its owner: others' owners are kept back.
    pub(super) fn own_bot(&self) -> Option<&Value> {
        let mut owned = self.users.values().filter(|user| user["bot"]["owner"].is_object());
        let own = owned.next();
        own.filter(|_| owned.next().is_none())
    }
}
