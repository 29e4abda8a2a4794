//! Checks an export, line by line, without a database and without notegate running.
//!
//! A whole export begins with the first entry, or with the records of what was dropped, and ends with a
//! signed checkpoint; anything less is a fault, unless the file is given as a part. What a part, or a file
//! without the key from elsewhere, cannot prove is said.

use std::collections::BTreeMap;
use std::fmt;
use std::io::{self, BufRead, Read};

use serde::Serialize;

use crate::chain::{Fault, Head, Verdict, Verifier};
use crate::checkpoint::Checkpoint;
use crate::entry::{Entry, Hash};
use crate::line::{LINE_MAX, Line, LineError, Row};
use crate::pruned::Pruned;

/// What an export is checked against.
#[derive(Clone, Debug, Default)]
pub struct Terms {
    /// The key that must have signed it, in base64.
    pub public_key: Option<String>,
    /// Checkpoints that were kept elsewhere. The export must go on from where they stand.
    pub kept: Vec<Checkpoint>,
    /// Whether the file is a part: then it need not begin at the beginning nor end with a checkpoint.
    pub part: bool,
}

/// What a check of an export found.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Checked {
    /// Whether it is as it was written.
    #[serde(flatten)]
    pub verdict: Verdict,
    /// Whose ledger it is; `None` if nothing in it says so.
    pub tenant: Option<String>,
    /// The first entry in it.
    pub first: Option<u64>,
    /// The last good one.
    pub last: Option<u64>,
    /// The newest entry that a signature covers, and with it all before.
    pub signed: Option<u64>,
    /// What is gone, and says so.
    pub dropped: Vec<Pruned>,
    /// What this file does not prove.
    pub unproven: Vec<Unproven>,
}

/// Something that an export without a fault still does not prove.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize)]
#[serde(tag = "what", rename_all = "snake_case")]
pub enum Unproven {
    /// Who signed it: the key is the one in the file.
    Key,
    /// What came before its first entry.
    Before {
        /// The first entry.
        first: u64,
    },
    /// That nothing came after its last entry.
    After {
        /// The last entry.
        last: u64,
    },
    /// That these entries are the installation's.
    Unsigned {
        /// From this one.
        from: u64,
        /// To this one.
        to: u64,
    },
    /// That it goes on from a kept checkpoint: the file does not hold the entry that it names.
    Kept {
        /// The entry.
        seq: u64,
    },
}

impl fmt::Display for Unproven {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Key => f.write_str(
                "who signed it: the public key is the one in the file, so a forgery of the whole would \
                 look the same; give the key (--public-key) or a checkpoint (--checkpoints) from elsewhere",
            ),
            Self::Before { first } => {
                write!(f, "what came before entry {first}, and whether anything did")
            }
            Self::After { last } => write!(f, "that nothing came after entry {last}"),
            Self::Unsigned { from, to } => write!(
                f,
                "that entries {from} to {to} are this installation's: no signature covers them, so \
                 anybody could have written them"
            ),
            Self::Kept { seq } => write!(
                f,
                "that it goes on from the kept checkpoint at entry {seq}: that entry is not in the file"
            ),
        }
    }
}

/// Why an export cannot be checked at all.
#[derive(Debug, thiserror::Error)]
pub enum ExportError {
    /// The text cannot be read.
    #[error("the export cannot be read")]
    Io(#[from] io::Error),
    /// No line is one of an export.
    #[error("line {line} is no ledger entry: give the file that `notegate audit export` wrote")]
    NoExport {
        /// Which line, from 1.
        line: u64,
        /// What is wrong with it.
        #[source]
        source: LineError,
    },
    /// It is CSV.
    #[error(
        "this is the ledger as CSV, which is to look at: what can be checked is JSON Lines \
         (`notegate audit export --format jsonl`)"
    )]
    Csv,
    /// There is nothing in it.
    #[error("the export is empty: it has not even a checkpoint")]
    Empty,
    /// A kept checkpoint is not signed by the key, or is another tenant's.
    #[error(
        "the kept checkpoint at entry {seq} is not signed by the key that is to be trusted: check where \
         both come from"
    )]
    Kept {
        /// The entry that it names.
        seq: u64,
    },
}

/// Lines that are none before a file is no export.
const STRANGE_MAX: usize = 100;
/// Lines between two notes of progress.
const PROGRESS_EVERY: u64 = 4096;

/// Checks an export. `on_progress` is told how many bytes were read.
pub fn verify_export(
    mut text: impl BufRead,
    terms: &Terms,
    on_progress: &mut dyn FnMut(u64),
) -> Result<Checked, ExportError> {
    let mut check = Check::new(terms)?;
    let mut line = Vec::new();
    let (mut number, mut bytes, mut is_export) = (0, 0, false);
    let mut strange = Vec::new();
    while read_line(&mut text, &mut line, &mut bytes)? {
        number += 1;
        if number % PROGRESS_EVERY == 0 {
            on_progress(bytes);
        }
        let content = line.strip_suffix(b"\n").unwrap_or(&line);
        let content = content.strip_suffix(b"\r").unwrap_or(content);
        if content.is_empty() {
            continue;
        }
        if number == 1 && content.starts_with(b"seq,at,") {
            return Err(ExportError::Csv);
        }
        let read =
            if content.len() > LINE_MAX { Err(LineError::Long) } else { Line::read(content) };
        match read {
            Ok(line) => {
                is_export = true;
                check.line(line);
            }
            Err(error) => {
                is_export |= matches!(error, LineError::Form);
                check.strange_line();
                strange.push((number, error));
            }
        }
        // Behind the first fault nothing is looked at, once it is certain that this is an export.
        if check.verifier.has_found() && (is_export || strange.len() > STRANGE_MAX) {
            break;
        }
    }
    match strange.into_iter().next() {
        Some((line, source)) if !is_export => Err(ExportError::NoExport { line, source }),
        _ if !is_export => Err(ExportError::Empty),
        _ => Ok(check.end()),
    }
}

/// Reads one line, at most so much of it that it is known to be too long; `false` at the end.
fn read_line(text: &mut impl BufRead, line: &mut Vec<u8>, bytes: &mut u64) -> io::Result<bool> {
    line.clear();
    // A line break of two bytes still belongs to the longest line.
    let read = text.by_ref().take(LINE_MAX as u64 + 3).read_until(b'\n', line)?;
    *bytes += read as u64;
    Ok(read > 0)
}

/// A check under way.
struct Check {
    verifier: Verifier,
    /// The key that all signatures must be of.
    key: Option<String>,
    key_is_known: bool,
    part: bool,
    /// Kept checkpoints that the file has not been compared with yet.
    kept: BTreeMap<u64, Hash>,
    /// Whether anything tells where the chain begins.
    begun: bool,
    first: Option<u64>,
    signed: Option<u64>,
    dropped: Vec<Pruned>,
    unproven: Vec<Unproven>,
    /// Whether the last line was a checkpoint.
    ended: bool,
}

impl Check {
    fn new(terms: &Terms) -> Result<Self, ExportError> {
        let known = terms.public_key.as_ref().or(terms.kept.first().map(|it| &it.public_key));
        let mut verifier = Verifier::after(Head::START);
        let mut kept = BTreeMap::new();
        for checkpoint in &terms.kept {
            let signed = known.is_some_and(|key| checkpoint.is_signed_by(key));
            let fits = verifier.belongs(&checkpoint.tenant)
                && *kept.entry(checkpoint.seq).or_insert(checkpoint.hash) == checkpoint.hash;
            if !signed || !fits {
                return Err(ExportError::Kept { seq: checkpoint.seq });
            }
        }
        Ok(Self {
            verifier,
            key: known.cloned(),
            key_is_known: known.is_some(),
            part: terms.part,
            kept,
            begun: false,
            first: None,
            signed: None,
            dropped: Vec::new(),
            unproven: Vec::new(),
            ended: false,
        })
    }

    fn line(&mut self, line: Line) {
        if self.verifier.has_found() {
            return;
        }
        self.ended = false;
        match line {
            Line::Row(Row::Entry(entry)) => self.entry(&entry),
            Line::Row(Row::Unreadable { unreadable }) => {
                let at = if self.begun { self.next() } else { unreadable.seq };
                self.verifier.fail(at, Fault::Unreadable);
            }
            Line::Checkpoint { checkpoint } => self.checkpoint(&checkpoint),
            Line::Pruned { pruned } => self.pruned(pruned),
        }
    }

    fn strange_line(&mut self) {
        self.verifier.fail(self.next(), Fault::Unreadable);
    }

    /// The number of the entry that ought to come.
    fn next(&self) -> u64 {
        self.verifier.head().seq + 1
    }

    fn entry(&mut self, entry: &Entry) {
        if !self.begun {
            self.begin(entry);
        }
        self.begun = true;
        self.verifier.check(entry);
        if !self.verifier.has_found() {
            self.first.get_or_insert(entry.seq);
            self.compare(Head { seq: entry.seq, hash: entry.hash });
        }
    }

    /// Where a file begins that does not begin at the beginning.
    fn begin(&mut self, entry: &Entry) {
        let before = entry.seq.saturating_sub(1);
        if before == self.verifier.head().seq {
            return;
        }
        if let Some(hash) = self.kept.remove(&before) {
            if hash == entry.prev {
                self.verifier.go_on_after(Head { seq: before, hash });
                self.signed = Some(before);
            } else {
                self.verifier.fail(entry.seq, Fault::Rewritten);
            }
        } else if self.part {
            self.unproven.push(Unproven::Before { first: entry.seq });
            self.verifier.go_on_after(Head { seq: before, hash: entry.prev });
        }
    }

    /// Compares with a checkpoint that was kept for this place.
    fn compare(&mut self, head: Head) {
        match self.kept.remove(&head.seq) {
            Some(hash) if hash == head.hash => self.signed = Some(head.seq),
            Some(_) => self.verifier.fail(head.seq, Fault::Rewritten),
            None => {}
        }
    }

    fn checkpoint(&mut self, checkpoint: &Checkpoint) {
        let head = self.verifier.head();
        let key = self.key.get_or_insert_with(|| checkpoint.public_key.clone());
        if !checkpoint.is_signed_by(key) || !self.verifier.belongs(&checkpoint.tenant) {
            self.verifier.fail(checkpoint.seq, Fault::BadCheckpoint);
        } else if !self.begun && self.part {
            // A part may say itself after what it comes.
            self.verifier.go_on_after(checkpoint.head());
            self.begun = true;
            self.signed = Some(checkpoint.seq);
            self.compare(checkpoint.head());
        } else if checkpoint.head() != head {
            self.verifier.fail(head.seq.min(checkpoint.seq) + 1, Fault::Cut);
        } else {
            self.signed = Some(checkpoint.seq);
            self.ended = true;
        }
    }

    fn pruned(&mut self, pruned: Pruned) {
        let key = self.key.get_or_insert_with(|| pruned.public_key.clone()).clone();
        self.verifier.skip(&pruned, &key);
        if self.verifier.has_found() {
            return;
        }
        self.begun = true;
        self.signed = Some(pruned.last);
        self.compare(Head { seq: pruned.first, hash: pruned.first_hash });
        self.compare(pruned.head());
        self.dropped.push(pruned);
    }

    fn end(mut self) -> Checked {
        let last = self.verifier.head().seq;
        if !self.verifier.has_found() && !self.ended {
            if self.part {
                self.unproven.push(Unproven::After { last });
            } else {
                self.verifier.fail(last + 1, Fault::Cut);
            }
        }
        let (dropped, is_whole) = (self.dropped.last().map_or(0, |it| it.last), self.ended);
        for seq in std::mem::take(&mut self.kept).into_keys() {
            let before = self.first.is_some_and(|first| seq < first) || seq <= dropped;
            if before || !is_whole || self.verifier.has_found() {
                self.unproven.push(Unproven::Kept { seq });
            } else {
                self.verifier.fail(last + 1, Fault::Shortened);
            }
        }
        if let Some(first) = self.first {
            let from = self.signed.map_or(first, |signed| signed + 1).max(first);
            if from <= last {
                self.unproven.push(Unproven::Unsigned { from, to: last });
            }
        }
        if !self.key_is_known && self.signed.is_some() {
            self.unproven.insert(0, Unproven::Key);
        }
        Checked {
            verdict: self.verifier.verdict(),
            tenant: self.verifier.tenant().map(str::to_owned),
            last: self.first.map(|_| last),
            first: self.first,
            signed: self.signed,
            dropped: self.dropped,
            unproven: self.unproven,
        }
    }
}
