//! The ledger as CSV: to look at. What a spreadsheet would run is disarmed and numbers become text, so CSV
//! cannot be checked; JSON Lines can.

use crate::entry::{Entry, time_text};
use crate::line::Row;
use crate::pruned::Pruned;

/// The first line of a CSV export.
pub const CSV_HEADER: &str = "seq,at,principal,tenant,connection,action,operation,resource_type,\
resource_id,result,reason,request_id,prev,hash,metadata\n";

/// A row as a line of CSV (RFC 4180).
pub fn csv_line(row: &Row) -> String {
    match row {
        Row::Entry(entry) => entry_line(entry),
        Row::Unreadable { unreadable } => {
            let column = quote(&unreadable.column);
            format!("{},,,,,unreadable,,,,,unreadable: {column},,,,\n", unreadable.seq)
        }
    }
}

/// What is gone, as a line of CSV: its first and its last hash stand where an entry has its two.
pub fn csv_pruned(pruned: &Pruned) -> String {
    let Pruned { tenant, first, last, first_hash, last_hash, at, by, .. } = pruned;
    let (at, by) = (time_text(*at), quote(by));
    let what = format!("entries {first} to {last} were dropped");
    format!("{last},{at},{by},{tenant},,pruned,,,,,{what},,{first_hash},{last_hash},\n")
}

fn entry_line(entry: &Entry) -> String {
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
