//! What became reachable between two audits, and what was lost. Pure.

use std::collections::HashSet;

use jiff::Timestamp;
use notion::Id;
use serde::{Deserialize, Serialize};

use super::report::{AccessItem, AccessKind, AccessReport, UNTITLED};

/// An object that came or went.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct Changed {
    /// What it is; `None` if an id is all that is known.
    #[serde(rename = "type")]
    pub kind: Option<AccessKind>,
    /// Its id.
    pub id: Id,
    /// Its title when it was last seen.
    pub title: String,
}

/// The difference to an earlier audit, or to a list of what was expected.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
pub struct Compared {
    /// The time of the earlier audit; `None` for a list of ids.
    pub with: Option<Timestamp>,
    /// What is reachable now and was not then.
    pub added: Vec<Changed>,
    /// What was reachable then and is not now.
    pub removed: Vec<Changed>,
}

impl Compared {
    /// Whether there is no difference.
    pub fn is_equal(&self) -> bool {
        self.added.is_empty() && self.removed.is_empty()
    }
}

/// Compares two audits. Databases are frames around their data sources and do not count by themselves.
pub fn compare(before: &AccessReport, now: &AccessReport) -> Compared {
    let ids = |report: &AccessReport| -> HashSet<Id> { counted(report).map(|it| it.id).collect() };
    let (then_ids, now_ids) = (ids(before), ids(now));
    Compared {
        with: Some(before.at),
        added: counted(now).filter(|it| !then_ids.contains(&it.id)).map(changed).collect(),
        removed: counted(before).filter(|it| !now_ids.contains(&it.id)).map(changed).collect(),
    }
}

/// Compares with a list of the ids that ought to be reachable. People copy the id of a database from
/// its address: it stands for the data sources in it, too.
pub fn compare_with_ids(expected: &[Id], now: &AccessReport) -> Compared {
    let wanted: HashSet<Id> = expected.iter().copied().collect();
    let there: HashSet<Id> = now.items.iter().map(|item| item.id).collect();
    let is_wanted = |item: &AccessItem| {
        let database = item.parent.filter(|_| item.kind == AccessKind::DataSource);
        wanted.contains(&item.id) || database.is_some_and(|it| wanted.contains(&it.id))
    };
    let mut seen = HashSet::new();
    let missing = expected.iter().filter(|id| !there.contains(id) && seen.insert(**id));
    Compared {
        with: None,
        added: counted(now).filter(|item| !is_wanted(item)).map(changed).collect(),
        removed: missing
            .map(|id| Changed { kind: None, id: *id, title: UNTITLED.to_owned() })
            .collect(),
    }
}

fn counted(report: &AccessReport) -> impl Iterator<Item = &AccessItem> {
    report.items.iter().filter(|item| item.kind != AccessKind::Database)
}

fn changed(item: &AccessItem) -> Changed {
    Changed { kind: Some(item.kind), id: item.id, title: item.title.clone() }
}
