//! The ledger: a chain of entries that shows tampering. Pure: no database, no clock.
//!
//! Every entry carries the hash of the one before it, so a changed, deleted or swapped entry breaks
//! the chain at its place. A signed checkpoint names the newest entry, so that cutting off the end
//! and computing the whole chain anew are noticed, too: for that one needs the signing key. A chain
//! that was found otherwise than signed when notegate started says so in an entry of its own, which
//! fails every later check: going on does not cover it up.
//!
//! Each tenant has a chain of its own, numbered from 1.

mod chain;
mod checkpoint;
mod entry;
mod export;

pub use chain::{Chain, Fault, Head, Verdict, Verifier};
pub use checkpoint::{Checkpoint, Signer};
pub use entry::{Draft, Entry, FAULT_ACTION, Hash, Meta, Metadata, Outcome, Resource};
pub use export::{CSV_HEADER, ExportError, csv_line, verify_export};
