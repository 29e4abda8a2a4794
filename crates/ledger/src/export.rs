//! The ledger as text: one JSON object a line, the last line a checkpoint; or CSV to look at.
//!
//! An export is checked without a database and without notegate running.

use std::io::{self, BufRead};

use serde::Deserialize;

use crate::chain::{Fault, Head, Verdict, Verifier};
use crate::checkpoint::Checkpoint;
use crate::entry::Entry;

/// Why an export cannot be checked at all.
#[derive(Debug, thiserror::Error)]
pub enum ExportError {
    /// The text cannot be read.
    #[error("the export cannot be read")]
    Io(#[from] io::Error),
    /// A line is neither an entry nor a checkpoint.
    #[error("line {line} is no ledger entry: give the file that `notegate audit export` wrote")]
    Line {
        /// Which line, from 1.
        line: usize,
        /// What is wrong with it.
        #[source]
        source: serde_json::Error,
    },
    /// There is nothing in it.
    #[error("the export is empty: it has not even a checkpoint")]
    Empty,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Line {
    Checkpoint { checkpoint: Checkpoint },
    Entry(Box<Entry>),
}

/// Checks an export line by line.
///
/// `public_key` (base64), where it is known from elsewhere, proves who signed the checkpoint; without
/// it the key in the export is taken, which shows damage but not a forgery of the whole.
pub fn verify_export(text: impl BufRead, public_key: Option<&str>) -> Result<Verdict, ExportError> {
    let mut verifier = Verifier::after(Head::START);
    let mut checkpoint = None;
    for (index, line) in text.lines().enumerate() {
        let line = line?;
        if line.trim().is_empty() {
            continue;
        }
        let number = index + 1;
        match serde_json::from_str(&line).map_err(|_| ()).or_else(|()| explain(&line, number))? {
            Line::Entry(entry) if checkpoint.is_none() => verifier.check(&entry),
            Line::Entry(entry) => verifier.fail(entry.seq, Fault::Cut),
            Line::Checkpoint { checkpoint: found } => checkpoint = Some(found),
        }
    }
    match checkpoint {
        None if verifier.head() == Head::START => return Err(ExportError::Empty),
        None => verifier.fail(verifier.head().seq + 1, Fault::Cut),
        Some(checkpoint) => {
            let key = public_key.unwrap_or(&checkpoint.public_key);
            if !checkpoint.is_signed_by(key) {
                verifier.fail(checkpoint.seq, Fault::BadCheckpoint);
            } else if checkpoint.head() != verifier.head() {
                verifier.fail(verifier.head().seq.min(checkpoint.seq) + 1, Fault::Cut);
            }
        }
    }
    Ok(verifier.verdict())
}

/// An untagged enum says only that nothing fitted; the error of the entry says what is wrong.
fn explain(line: &str, number: usize) -> Result<Line, ExportError> {
    serde_json::from_str::<Entry>(line)
        .map(|entry| Line::Entry(Box::new(entry)))
        .map_err(|source| ExportError::Line { line: number, source })
}

/// The first line of a CSV export.
pub const CSV_HEADER: &str = "seq,at,principal,tenant,connection,action,operation,resource_type,\
resource_id,result,reason,request_id,prev,hash,metadata\n";

/// An entry as a line of CSV (RFC 4180).
pub fn csv_line(entry: &Entry) -> String {
    let json = serde_json::to_value(entry).unwrap_or_default();
    let text = |name: &str| match &json[name] {
        serde_json::Value::Null => String::new(),
        serde_json::Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    let fields = [
        text("seq"),
        text("at"),
        text("principal"),
        text("tenant"),
        text("connection"),
        text("action"),
        text("operation"),
        entry.resource.kind.to_string(),
        entry.resource.id.clone(),
        text("result"),
        text("reason"),
        text("request_id"),
        text("prev"),
        text("hash"),
        text("metadata"),
    ];
    let quoted: Vec<_> = fields.iter().map(|field| quote(field)).collect();
    quoted.join(",") + "\n"
}

/// Quotes a field where CSV asks for it, and takes the power from what a spreadsheet would run.
fn quote(field: &str) -> String {
    let harmless;
    let field = if field.starts_with(['=', '+', '-', '@', '\t', '\r']) {
        harmless = format!("'{field}");
        &harmless
    } else {
        field
    };
    if field.contains([',', '"', '\n', '\r']) {
        format!("\"{}\"", field.replace('"', "\"\""))
    } else {
        field.to_owned()
    }
}
