//! The chain: where entries get their place, and how it is checked.

use serde::{Deserialize, Serialize};

use crate::entry::{Draft, Entry, Hash};
use crate::pruned::Pruned;

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
    /// The entry cannot be read.
    #[error("the entry cannot be read: it is not what notegate wrote")]
    Unreadable,
    /// The entry is of another tenant's ledger.
    #[error("the entry belongs to the ledger of another tenant")]
    OtherTenant,
    /// The chain ends before the entry that the checkpoint names, or after it.
    #[error("the chain does not end where its signed checkpoint says")]
    Cut,
    /// When notegate started, the ledger was not as it had signed it; see the entry `ledger_fault`.
    #[error("the ledger was not as it had been signed when notegate started")]
    Unsigned,
    /// The checkpoint was not signed by this installation, or names another entry.
    #[error("the signed checkpoint does not fit the chain")]
    BadCheckpoint,
    /// The record of what was dropped was not signed by this installation, or does not fit.
    #[error("the record of dropped entries is not signed by this installation, or does not fit")]
    BadPruned,
    /// The chain is not the one that a checkpoint kept elsewhere names.
    #[error(
        "a checkpoint that was kept names another entry here: this entry or one before it was rewritten"
    )]
    Rewritten,
    /// The chain ends before a checkpoint kept elsewhere.
    #[error("the chain ends before a checkpoint that was kept: its end was cut off")]
    Shortened,
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
    tenant: Option<String>,
    entries: u64,
    found: Option<(u64, Fault)>,
}

impl Verifier {
    /// A check that begins after `head`.
    pub fn after(head: Head) -> Self {
        Self { head, tenant: None, entries: 0, found: None }
    }

    /// Goes on after what was dropped, if `public_key` says that it was, and nothing else is missing.
    pub fn skip(&mut self, pruned: &Pruned, public_key: &str) {
        if self.found.is_some() {
            return;
        }
        let fits = pruned.first == self.head.seq + 1
            && self.entries == 0
            && self.belongs(&pruned.tenant)
            && pruned.is_signed_by(public_key);
        if fits {
            self.head = pruned.head();
        } else {
            self.found = Some((self.head.seq + 1, Fault::BadPruned));
        }
    }

    /// Goes on after an entry that is known from elsewhere. Only at the beginning.
    pub(crate) fn go_on_after(&mut self, head: Head) {
        self.head = head;
    }

    /// Whose chain it is, as far as anything said so.
    pub(crate) fn tenant(&self) -> Option<&str> {
        self.tenant.as_deref()
    }

    /// Whether everything until now is of this tenant, too.
    pub(crate) fn belongs(&mut self, tenant: &str) -> bool {
        self.tenant.get_or_insert_with(|| tenant.to_owned()) == tenant
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
        } else if !self.belongs(&entry.tenant) {
            Some(Fault::OtherTenant)
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

    /// Whether something wrong was found.
    pub fn has_found(&self) -> bool {
        self.found.is_some()
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
