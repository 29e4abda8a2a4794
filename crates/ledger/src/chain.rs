//! The chain: where entries get their place, and how it is checked.

use serde::{Deserialize, Serialize};

use crate::entry::{Draft, Entry, Hash};

/// The newest entry of a chain.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Head {
    /// Its number; 0 if the chain is empty.
    pub seq: u64,
    /// Its hash; zero if the chain is empty.
    pub hash: Hash,
}

impl Head {
    /// The head of an empty chain.
    pub const START: Self = Self { seq: 0, hash: Hash::ZERO };
}

/// A chain that grows.
#[derive(Clone, Debug)]
pub struct Chain {
    head: Head,
}

impl Chain {
    /// A chain that goes on after `head`.
    pub fn after(head: Head) -> Self {
        Self { head }
    }

    /// The newest entry.
    pub fn head(&self) -> Head {
        self.head
    }

    /// Gives `draft` its place.
    pub fn append(&mut self, draft: Draft) -> Entry {
        let entry = Entry::place(draft, self.head.seq + 1, self.head.hash);
        self.head = Head { seq: entry.seq, hash: entry.hash };
        entry
    }
}

/// What is wrong with a chain.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize, thiserror::Error)]
#[serde(rename_all = "snake_case")]
pub enum Fault {
    /// The numbers do not follow each other.
    #[error("an entry is missing or out of its order")]
    Gap,
    /// The hash of the entry before does not fit.
    #[error("the entry does not follow the one before it")]
    Broken,
    /// The entry is not what was hashed.
    #[error("the entry was changed")]
    Changed,
    /// The chain ends before the entry that the checkpoint names, or after it.
    #[error("the chain does not end where its signed checkpoint says")]
    Cut,
    /// When notegate started, the ledger was not as it had signed it; see the entry `ledger_fault`.
    #[error("the ledger was not as it had been signed when notegate started")]
    Unsigned,
    /// The checkpoint was not signed by this installation, or names another entry.
    #[error("the signed checkpoint does not fit the chain")]
    BadCheckpoint,
}

/// What a check found.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize)]
pub struct Verdict {
    /// Whether the chain is as it was written.
    pub intact: bool,
    /// How many entries were good before the first fault, or in all.
    pub entries: u64,
    /// The number of the first entry that is wrong.
    pub at: Option<u64>,
    /// What is wrong there.
    pub fault: Option<Fault>,
}

/// Checks entries in their order, one by one, without holding them.
#[derive(Debug)]
pub struct Verifier {
    head: Head,
    entries: u64,
    found: Option<(u64, Fault)>,
}

impl Verifier {
    /// A check that begins after `head`.
    pub fn after(head: Head) -> Self {
        Self { head, entries: 0, found: None }
    }

    /// Looks at the next entry; after the first fault it looks no further.
    pub fn check(&mut self, entry: &Entry) {
        if self.found.is_some() {
            return;
        }
        let fault = if entry.seq != self.head.seq + 1 {
            Some(Fault::Gap)
        } else if entry.prev != self.head.hash {
            Some(Fault::Broken)
        } else if entry.compute_hash() != entry.hash {
            Some(Fault::Changed)
        } else {
            None
        };
        match fault {
            // The number that ought to be here: for a missing entry that is the one that is gone.
            Some(fault) => self.found = Some((self.head.seq + 1, fault)),
            None => {
                self.head = Head { seq: entry.seq, hash: entry.hash };
                self.entries += 1;
                if let Some(at) = entry.fault_at() {
                    self.found = Some((at, Fault::Unsigned));
                    self.entries = self.entries.min(at.saturating_sub(1));
                }
            }
        }
    }

    /// Notes a fault that lies outside the entries.
    pub fn fail(&mut self, at: u64, fault: Fault) {
        self.found.get_or_insert((at, fault));
    }

    /// The newest good entry.
    pub fn head(&self) -> Head {
        self.head
    }

    /// What was found.
    pub fn verdict(&self) -> Verdict {
        Verdict {
            intact: self.found.is_none(),
            entries: self.entries,
            at: self.found.map(|(at, _)| at),
            fault: self.found.map(|(_, fault)| fault),
        }
    }
}
