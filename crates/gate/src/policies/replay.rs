//! The ledger read again: what other policies would have changed, and the least that a key needs.
//!
//! An entry names the first object of its call, and where that stood then is not known: it is judged
//! where it stands today, by today's keys. So both answers are about what callers do, not about what
//! happened.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use ledger::{Entry, Row};
use model::role::Permission;
use model::{KeyId, Principal, Role};
use notion::catalogue::{Answer, Needs, Place as At};
use notion::{Capability, Effect, Id, Kind, Operation};
use policy::{Aim, Explanation, Outcome, Place, Policies, RowProperties, Target};
use serde::{Deserialize, Serialize};
use store::EntryFilter;

use super::replay_columns::{ColumnChange, Tables};
use crate::Gate;
use crate::error::Error;

/// Entries that are read at once, by default and at most.
const CHUNK: u32 = 1_000;
const ENTRIES: usize = 10_000;
const ENTRIES_MAX: usize = 100_000;
/// Objects whose place is asked for.
const OBJECTS_MAX: usize = 1_000;
/// Changes that are told.
const CHANGES_MAX: usize = 1_000;
/// Roots of a scope that people still read.
const ROOTS_MAX: usize = 20;

/// Other policies, to be tried on what the ledger knows.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WhatIf {
    /// The policies, in Cedar: all of a tenant's own.
    pub text: String,
    /// So many of the newest entries are looked at.
    #[serde(default)]
    pub entries: Option<usize>,
}

/// What other policies would change.
#[derive(Clone, Debug, Serialize)]
pub struct Replay {
    /// Calls that were looked at.
    pub calls: usize,
    /// Those whose key is gone, or whose object nobody can locate any more.
    pub unknown: usize,
    /// What is refused now, and would be allowed.
    pub newly_allowed: Vec<Change>,
    /// What is allowed now, and would be refused.
    pub newly_refused: Vec<Change>,
    /// Columns, of the tables that callers used, of which they would get more or less.
    pub columns: Vec<ColumnChange>,
}

/// A call whose outcome would change.
#[derive(Clone, Debug, Serialize)]
pub struct Change {
    /// By whom.
    pub principal: String,
    /// What people call the key.
    pub name: String,
    /// The operation, with `/delete` where the body made it a deletion.
    pub operation: String,
    /// The object; nothing for the workspace.
    pub object: Option<Id>,
    /// How often.
    pub calls: usize,
    /// The rule that would decide.
    pub rule: String,
    /// Its sentence.
    pub because: String,
    /// Whether the object would no longer exist for the caller, or did not so far.
    pub hidden: bool,
}

/// The least that covers what a key did.
#[derive(Clone, Debug, Serialize)]
pub struct Suggestion {
    /// The key.
    pub key: KeyId,
    /// Calls that were looked at.
    pub calls: usize,
    /// Objects that nobody can locate any more; they are not covered.
    pub unknown: usize,
    /// The weakest role.
    pub role: Role,
    /// The capabilities that were used.
    pub capabilities: BTreeSet<Capability>,
    /// The roots of a scope; nothing if the key touched no object, or manages.
    pub within: Vec<Id>,
    /// A policy that leaves the key just the operations that it used.
    pub policy: String,
}

/// A sort of call: who, what, which object.
#[derive(Clone, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
struct Sort {
    key: KeyId,
    operation: &'static str,
    permission: &'static str,
    object: Option<Id>,
}

struct Seen {
    operation: &'static Operation,
    effect: Effect,
    kind: Option<Kind>,
    calls: usize,
}

impl Gate {
    /// Tries other policies on the calls of the ledger.
    pub async fn what_if(
        &self,
        principal: &Principal,
        request: WhatIf,
        request_id: &str,
    ) -> Result<Replay, Error> {
        self.audited(principal, "try-policies", request_id).await?;
        let changed = Policies::with_own(&request.text)
            .map_err(|faults| Error::Invalid(format!("the policies are not taken: {faults}")))?;
        let (changed, current) = (Arc::new(changed), self.policies(principal));
        let most = request.entries.unwrap_or(ENTRIES).min(ENTRIES_MAX);
        let sorts = self.sorts(principal, None, most, |_| true).await?;
        let mut replay = Replay {
            calls: sorts.values().map(|seen| seen.calls).sum(),
            unknown: 0,
            newly_allowed: Vec::new(),
            newly_refused: Vec::new(),
            columns: Vec::new(),
        };
        let mut tables = Tables::default();
        let mut places = Places::default();
        let looked_at = [&current, &changed].map(|policies| policies.row_properties());
        let looked_at: RowProperties =
            looked_at.into_iter().flatten().flat_map(|all| all.iter().cloned()).collect();
        let looks = changed.row_properties().is_some() || current.row_properties().is_some();
        places.rows = looks.then(|| Arc::new(looked_at));
        for (sort, seen) in sorts {
            let Ok(key) = self.own_key(principal, sort.key.as_str()) else {
                replay.unknown += seen.calls;
                continue;
            };
            let name = key.name.clone();
            let who = self.principal_of(key);
            let concerned = |policies: &Arc<Policies>| policies.sight(&who).needs_whole_paths();
            if !concerned(&current) && !concerned(&changed) {
                continue;
            }
            let Some(aim) = places.aim(self, &who, &sort, &seen, request_id).await? else {
                replay.unknown += seen.calls;
                continue;
            };
            if let Some(target) = aim.targets.first() {
                tables.note(self, &who, &name, (target.kind, target.id, seen.calls));
            }
            let judge = |policies: &Arc<Policies>| {
                policies.explain(&who, seen.operation, seen.effect, None, &aim)
            };
            let (before, after) = (judge(&current), judge(&changed));
            let told = |explanation: Explanation, hidden| Change {
                principal: who.name(),
                name: name.clone(),
                operation: shown(&seen),
                object: sort.object,
                calls: seen.calls,
                rule: explanation.rule,
                because: explanation.because,
                hidden,
            };
            match (before.decision, after.decision) {
                (Outcome::Deny, Outcome::Allow) => {
                    replay.newly_allowed.push(told(after, before.hidden));
                }
                (Outcome::Allow, Outcome::Deny) => {
                    let hidden = after.hidden;
                    replay.newly_refused.push(told(after, hidden));
                }
                _ => {}
            }
        }
        for changes in [&mut replay.newly_allowed, &mut replay.newly_refused] {
            changes.sort_by_key(|change| std::cmp::Reverse(change.calls));
            changes.truncate(CHANGES_MAX);
        }
        replay.columns = self.changed_columns(tables, (&current, &changed), request_id).await?;
        Ok(replay)
    }

    /// Says the least that covers what a key did, as far as the ledger's newest entries tell.
    pub async fn suggest_policy(
        &self,
        principal: &Principal,
        key: &str,
        request_id: &str,
    ) -> Result<Suggestion, Error> {
        self.audited(principal, "suggest-policy", request_id).await?;
        let key = self.own_key(principal, key)?;
        let who = self.principal_of(key.clone());
        let worked = |entry: &Entry| entry.result == ledger::Outcome::Success;
        let name = Some(who.name());
        let sorts = self.sorts(principal, name.clone(), ENTRIES_MAX, worked).await?;
        let filter = EntryFilter {
            principal: name,
            action: Some("manage".to_owned()),
            ..EntryFilter::default()
        };
        let managed = self.shared.store.list_entries(&principal.tenant, filter, None, 1).await?;
        let manages = !managed.is_empty();

        let mut suggestion = Suggestion {
            key: key.id.clone(),
            calls: sorts.values().map(|seen| seen.calls).sum(),
            unknown: 0,
            role: Role::Viewer,
            capabilities: BTreeSet::new(),
            within: Vec::new(),
            policy: String::new(),
        };
        let mut actions =
            BTreeSet::from(["see", "see-property", "read-property"].map(str::to_owned));
        let (mut places, mut paths) = (Places::default(), Vec::new());
        let mut permissions = vec![Permission::Read];
        if manages {
            permissions.push(Permission::Manage);
            actions.insert("manage".to_owned());
        }
        for (sort, seen) in &sorts {
            permissions.push(seen.effect.into());
            actions.insert(shown(seen));
            match seen.operation.needs {
                Needs::All(all) => suggestion.capabilities.extend(all),
                Needs::Any(any) => {
                    let own = any.iter().find(|it| key.capabilities.grants(**it));
                    suggestion.capabilities.extend(own);
                }
            }
            if sort.object.is_none() {
                continue;
            }
            let aim = places.aim(self, &who, sort, seen, request_id).await?;
            match aim.and_then(|aim| aim.targets.into_iter().next()).map(|target| target.place) {
                Some(Place::Path(path) | Place::InRows(path, _)) => paths.push(path),
                Some(Place::Own) => {}
                Some(Place::Unknown) | None => suggestion.unknown += 1,
            }
        }
        let covers = |role: &Role| permissions.iter().all(|it| role.grants(*it));
        suggestion.role = Role::ALL.into_iter().find(covers).unwrap_or(Role::Admin);
        if !manages {
            suggestion.within = roots(paths);
            // Nothing that it touched says where: then it is where it is now. No scope would be every scope.
            if suggestion.within.is_empty() {
                suggestion.within = key.within.within().to_vec();
            }
        }
        let actions: Vec<_> =
            actions.iter().map(|action| format!("    Action::\"{action}\"")).collect();
        suggestion.policy = format!(
            "@id(\"only-what-{id}-does\")\n@says(\"this key is for what it did so far, and for nothing else\")\n\
             forbid (principal in Key::\"{id}\", action, resource)\n\
             unless {{\n  action in [\n{}\n  ]\n}};\n",
            actions.join(",\n"),
            id = key.id
        );
        Ok(suggestion)
    }

    /// The calls of keys among the newest entries, sort by sort.
    async fn sorts(
        &self,
        principal: &Principal,
        of: Option<String>,
        most: usize,
        wanted: impl Fn(&Entry) -> bool,
    ) -> Result<BTreeMap<Sort, Seen>, Error> {
        let filter = EntryFilter { principal: of, ..EntryFilter::default() };
        let mut sorts = BTreeMap::new();
        let (mut before, mut read) = (None, 0);
        while read < most {
            let store = &self.shared.store;
            let entries =
                store.list_entries(&principal.tenant, filter.clone(), before, CHUNK).await?;
            let Some(last) = entries.last() else { break };
            before = Some(last.seq());
            let read_now = entries.iter().take(most - read).filter_map(Row::entry);
            for entry in read_now.filter(|entry| wanted(entry)) {
                let Some((sort, seen)) = sort_of(entry) else { continue };
                let known = sorts.entry(sort).or_insert(Seen { calls: 0, ..seen });
                known.calls += 1;
            }
            read += entries.len();
        }
        Ok(sorts)
    }
}

/// What sort of call an entry is of; `None` if it is no call by a key, or an intent (its conclusion counts).
fn sort_of(entry: &Entry) -> Option<(Sort, Seen)> {
    let key = entry.principal.strip_prefix("key:").and_then(KeyId::parse)?;
    let operation = Operation::named(&entry.operation)?;
    let action = entry.action.strip_suffix("_denied").unwrap_or(&entry.action);
    let effect = match action {
        "read" => Effect::Read,
        "write" => Effect::Write,
        "delete" => Effect::Destroy,
        _ => return None,
    };
    let object = Id::parse(&entry.resource.id);
    let permission = Permission::from(effect).as_str();
    let kinds = [
        Kind::Page,
        Kind::Block,
        Kind::Database,
        Kind::DataSource,
        Kind::View,
        Kind::Comment,
        Kind::FileUpload,
    ];
    let kind = kinds.into_iter().find(|kind| kind.as_str() == entry.resource.kind);
    let sort = Sort { key, operation: operation.name, permission, object };
    Some((sort, Seen { operation, effect, kind, calls: 0 }))
}

/// The action of a sort of call, as policies name it.
fn shown(seen: &Seen) -> String {
    let deletes = seen.effect == Effect::Destroy && seen.operation.effect != Effect::Destroy;
    format!("{}{}", seen.operation.name, if deletes { "/delete" } else { "" })
}

/// Where objects stand, each asked for once.
#[derive(Default)]
struct Places {
    known: HashMap<Id, Place>,
    /// The properties of rows that any of the policies looks at.
    rows: Option<Arc<RowProperties>>,
}

impl Places {
    /// What a call of this sort touches; `None` if its object cannot be located.
    async fn aim(
        &mut self,
        gate: &Gate,
        who: &Principal,
        sort: &Sort,
        seen: &Seen,
        request_id: &str,
    ) -> Result<Option<Aim>, Error> {
        let Some(id) = sort.object else {
            let makes =
                matches!(seen.operation.answer, Answer::One(kind) if kind != Kind::FileUpload);
            let nowhere = seen.effect == Effect::Write && seen.operation.ids.is_empty() && makes;
            return Ok(Some(Aim { targets: Vec::new(), nowhere }));
        };
        let kind = seen.kind.or_else(|| {
            seen.operation.ids.first().map(|place| match place {
                At::Path(_, kind) | At::Query(_, kind) => *kind,
            })
        });
        let kind = kind.unwrap_or(Kind::Page);
        if !self.known.contains_key(&id) {
            if self.known.len() == OBJECTS_MAX {
                return Ok(None);
            }
            let place = if kind == Kind::FileUpload {
                Place::Own
            } else {
                gate.place_of(who, &[kind], id, self.rows.as_ref(), request_id).await?.1
            };
            self.known.insert(id, place);
        }
        let place = self.known.get(&id).cloned().unwrap_or(Place::Unknown);
        if place == Place::Unknown {
            return Ok(None);
        }
        Ok(Some(Aim { targets: vec![Target { kind, id, place }], nowhere: false }))
    }
}

/// The fewest roots that cover all paths: the objects themselves, where one stands in another the outer;
/// and what they stand in, as long as there are too many to read.
fn roots(mut paths: Vec<Vec<Id>>) -> Vec<Id> {
    loop {
        let ends: BTreeSet<Id> = paths.iter().filter_map(|path| path.first().copied()).collect();
        let outer = |path: &&Vec<Id>| !path.iter().skip(1).any(|id| ends.contains(id));
        let kept: Vec<Vec<Id>> = paths.iter().filter(outer).cloned().collect();
        let roots: BTreeSet<Id> = kept.iter().filter_map(|path| path.first().copied()).collect();
        let deepest = kept.iter().map(Vec::len).max().unwrap_or(0);
        if roots.len() <= ROOTS_MAX || deepest <= 1 {
            return roots.into_iter().collect();
        }
        // The deepest go up one step.
        paths = kept
            .into_iter()
            .map(|path| if path.len() == deepest { path[1..].to_vec() } else { path })
            .collect();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(number: u16) -> Id {
        Id::parse(&format!("00000000-0000-4000-8000-00000000{number:04x}")).unwrap()
    }

    #[test]
    fn roots_cover_everything_and_are_few() {
        let path = |numbers: &[u16]| numbers.iter().map(|number| id(*number)).collect::<Vec<_>>();
        assert_eq!(roots(vec![]), []);
        assert_eq!(roots(vec![path(&[3, 2, 1]), path(&[2, 1])]), [id(2)]);
        assert_eq!(roots(vec![path(&[3, 1]), path(&[4, 1])]), [id(3), id(4)]);
        // Too many children: what they stand in.
        let many: Vec<_> = (100..200).map(|number| path(&[number, 7, 1])).collect();
        assert_eq!(roots(many), [id(7)]);
        // At the top there is nothing to stand in.
        let tops: Vec<_> = (100..200).map(|number| path(&[number])).collect();
        assert_eq!(roots(tops).len(), 100);
    }
}
