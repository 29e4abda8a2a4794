//! A move changes who reaches what: which keys gain an object, and which lose it.

use std::sync::Arc;

use model::key::KeyState;
use model::{ConnectionId, Key, Principal, TenantId, Who};
use notion::{Effect, Id, Kind};
use policy::{Place, Row};
use serde::Deserialize;
use serde_json::Value;

use crate::Gate;
use crate::call::Underway;
use crate::custody::usable;
use crate::error::Error;
use crate::locate::{Looking, Trust};
use crate::record::Record;

/// Ids that an entry of the ledger names.
const NAMED_MAX: usize = 20;

/// The keys for which a move makes a difference.
#[derive(Debug, Default)]
pub struct MoveEffect {
    /// Those that reach the object only afterwards.
    pub gains: Vec<Arc<Key>>,
    /// Those that reach it only before.
    pub loses: Vec<Arc<Key>>,
}

/// A move that is asked about.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MoveQuery {
    /// What is to move: an id or URL.
    pub object: String,
    /// Where to: an id or URL, or `workspace` for its top.
    pub to: String,
    /// By which connection; the caller's if not said.
    #[serde(default)]
    pub connection: Option<ConnectionId>,
}

/// Where something is to stand.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum To {
    /// Below an object.
    Object(Kind, Id),
    /// At the top of the workspace.
    Top,
}

impl Gate {
    /// Which keys would gain an object by a move, and which would lose it. Nothing is moved.
    pub async fn preview_move(
        &self,
        principal: &Principal,
        query: MoveQuery,
        request_id: &str,
    ) -> Result<MoveEffect, Error> {
        let shared = &self.shared;
        let mut record = Record::open(shared, principal, Effect::Read, "preview-move", request_id);
        match self.look_ahead(principal, query, request_id, &mut record).await {
            Ok(effect) => record.done().await.map(|()| effect),
            Err(error) => Err(record.failed(error).await),
        }
    }

    async fn look_ahead(
        &self,
        principal: &Principal,
        query: MoveQuery,
        request_id: &str,
        record: &mut Record<'_>,
    ) -> Result<MoveEffect, Error> {
        self.operator_of(principal)?;
        let id = |text: &str, name: &str| {
            let id = Id::from_pasted(text);
            id.ok_or_else(|| {
                Error::Invalid(format!("`{name}` is neither an id nor a URL of Notion"))
            })
        };
        let object = id(&query.object, "object")?;
        record.about("object", object);
        let connection = query.connection.unwrap_or(principal.connection);
        let held = self.shared.custody.get(&principal.tenant, connection);
        usable(&held.ok_or(Error::NoConnection)?.current().connection)?;
        let looker = looker(principal, connection);
        let looking = Looking::new(&looker, request_id, self.shared.clock.now());
        let before = self.find_place(&looking, object).await?;
        let above = match query.to.as_str() {
            "workspace" => Place::Path(Vec::new()),
            to => self.find_place(&looking, id(to, "to")?).await?,
        };
        if above.path().is_some_and(|path| path.contains(&object)) {
            return Err(Error::Invalid("`to` stands below `object`".to_owned()));
        }
        let after = above.holding(object, None);
        Ok(self.effect_of_move(&principal.tenant, connection, &before, &after))
    }

    /// Where an object of any kind stands, all the way up, as Notion has it now.
    async fn find_place(&self, looking: &Looking<'_>, id: Id) -> Result<Place, Error> {
        for kind in [Kind::Page, Kind::Database, Kind::DataSource, Kind::Block] {
            let place = self.locate(looking, kind, id, Trust::Lately).await?;
            if place != Place::Unknown {
                return Ok(place);
            }
        }
        Err(Error::Missing(format!("the connection reaches no object {id}")))
    }

    /// Notes on the record of a move which keys gain by it and which lose.
    pub(crate) async fn note_move(&self, call: &Underway<'_>, record: &mut Record<'_>) {
        let to = destination(call.operation().name, call.body.as_ref());
        let Some(((kind, id), to)) = call.object().zip(to) else { return };
        let (principal, connection) = (call.principal, call.principal.connection);
        if self.narrow_keys(&principal.tenant, connection).next().is_none() {
            return;
        }
        let looker = looker(principal, connection);
        let looking = Looking::new(&looker, call.request_id, self.shared.clock.now());
        let places = self.before_and_after(&looking, (kind, id), to);
        let time = self.notion.settings().timeout;
        let (before, after) = match tokio::time::timeout(time, places).await {
            Ok(Ok((before, after))) if before.path().is_some() && after.path().is_some() => {
                (before, after)
            }
            // Notion will say what is wrong with the move; if nothing is, nobody knows what it did.
            _ => return record.fact("move_effect", "unknown"),
        };
        let effect = self.effect_of_move(&principal.tenant, connection, &before, &after);
        for (number, names, keys) in [
            ("keys_gaining", "keys_gaining_ids", &effect.gains),
            ("keys_losing", "keys_losing_ids", &effect.loses),
        ] {
            record.fact(number, i64::try_from(keys.len()).unwrap_or(i64::MAX));
            let ids: Vec<_> = keys.iter().take(NAMED_MAX).map(|key| key.id.as_str()).collect();
            if !ids.is_empty() {
                record.fact(names, ids.join(","));
            }
        }
    }

    /// Where a call moves something from, and where to; `None` if it moves nothing.
    pub(crate) async fn places_of_move(
        &self,
        looking: &Looking<'_>,
        (operation, object): (&str, Option<(Kind, Id)>),
        body: Option<&Value>,
    ) -> Result<Option<(Place, Place)>, Error> {
        match object.zip(destination(operation, body)) {
            Some((object, to)) => self.before_and_after(looking, object, to).await.map(Some),
            None => Ok(None),
        }
    }

    /// Where an object stands, and where it will after a move.
    async fn before_and_after(
        &self,
        looking: &Looking<'_>,
        (kind, id): (Kind, Id),
        to: To,
    ) -> Result<(Place, Place), Error> {
        let before = self.locate(looking, kind, id, Trust::Lately).await?;
        let above = match to {
            To::Object(kind, id) => self.locate(looking, kind, id, Trust::Lately).await?,
            To::Top => Place::Path(Vec::new()),
        };
        // Which values it will have as a row of a table, nobody can tell.
        let becomes_row =
            kind == Kind::Page && matches!(to, To::Object(Kind::DataSource | Kind::Database, _));
        let row = becomes_row.then(|| Arc::new(Row::unreadable()));
        Ok((before, above.holding(id, row)))
    }

    fn effect_of_move(
        &self,
        tenant: &TenantId,
        connection: ConnectionId,
        before: &Place,
        after: &Place,
    ) -> MoveEffect {
        let mut effect = MoveEffect::default();
        for (key, caller) in self.narrow_keys(tenant, connection) {
            match (self.sees(&caller, before), self.sees(&caller, after)) {
                (false, true) => effect.gains.push(key),
                (true, false) => effect.loses.push(key),
                _ => {}
            }
        }
        effect
    }

    /// The working keys of a connection that do not see everything, newest first.
    fn narrow_keys(
        &self,
        tenant: &TenantId,
        connection: ConnectionId,
    ) -> impl Iterator<Item = (Arc<Key>, Principal)> {
        let keys = self.shared.keys.of_tenant(tenant).into_iter();
        let keys = keys.filter(|key| self.key_state(key) == KeyState::Active);
        let keys = keys.map(|key| (key.clone(), self.principal_of(key)));
        keys.filter(move |(_, caller)| {
            caller.connection == connection && !self.sees_every_object(caller)
        })
    }
}

/// The gate itself, looking on behalf of somebody: it sees every path to its top.
fn looker(principal: &Principal, connection: ConnectionId) -> Principal {
    Principal { who: Who::Gate, connection, ..principal.clone() }
}

/// Where a call moves the object that it names; `None` if it moves none.
fn destination(operation: &str, body: Option<&Value>) -> Option<To> {
    if !["move-page", "update-database", "update-a-data-source"].contains(&operation) {
        return None;
    }
    let parent = body?.get("parent").filter(|parent| parent.is_object())?;
    let id = |name: &str| parent.get(name).and_then(Value::as_str).and_then(Id::parse);
    let members = [
        ("page_id", Kind::Page),
        ("data_source_id", Kind::DataSource),
        ("database_id", Kind::Database),
        ("block_id", Kind::Block),
    ];
    let named = members.into_iter().find_map(|(name, kind)| Some(To::Object(kind, id(name)?)));
    named.or_else(|| parent.get("workspace").map(|_| To::Top))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn moves_are_told_from_other_changes() {
        let id = "00000000-0000-4000-8000-00000000000a";
        let to = |operation, body: Value| destination(operation, Some(&body));
        let page = json!({ "parent": { "type": "page_id", "page_id": id } });
        let expected = Some(To::Object(Kind::Page, Id::parse(id).unwrap()));
        assert_eq!(to("move-page", page.clone()), expected);
        assert_eq!(to("update-database", page.clone()), expected);
        assert_eq!(to("patch-page", page), None);
        let top = json!({ "parent": { "type": "workspace", "workspace": true } });
        assert_eq!(to("update-database", top), Some(To::Top));
        assert_eq!(to("update-a-data-source", json!({ "title": [] })), None);
        assert_eq!(to("move-page", json!({ "parent": { "page_id": "x" } })), None);
    }
}
