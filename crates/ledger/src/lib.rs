//! The ledger: a chain of entries that shows tampering. Pure: no database, no clock.
//!
//! Every entry carries the hash of the one before it, so a changed, deleted or swapped entry breaks
//! the chain at its place. A signed checkpoint names the newest entry, so that cutting off the end
//! and computing the whole chain anew are noticed, too: for that one needs the signing key. A chain
//! that was found otherwise than signed when notegate started says so in an entry of its own, which
//! fails every later check: going on does not cover it up.
//!
//! Old entries can be dropped, from the beginning on: a signed record takes their place, so that the
//! chain can still be checked, and says what is gone.
//!
//! Each tenant has a chain of its own, numbered from 1.

mod chain;
mod checkpoint;
mod csv;
mod entry;
mod export;
mod line;
mod pruned;
mod signature;

pub use chain::{Chain, Fault, Head, Verdict, Verifier};
pub use checkpoint::Checkpoint;
pub use csv::{CSV_HEADER, csv_line, csv_pruned};
pub use entry::{Draft, Entry, FAULT_ACTION, Hash, Meta, Metadata, Outcome, Resource};
pub use export::{Checked, ExportError, Terms, Unproven, verify_export};
pub use line::{LINE_MAX, Line, LineError, Row, Unreadable};
pub use pruned::{Dropped, Pruned};
pub use signature::{Signer, is_public_key};
