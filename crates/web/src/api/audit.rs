//! `/api/v1/audit`.

use axum::Json;
use axum::body::Body;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use axum::response::Response;
use bytes::Bytes;
use futures_util::stream;
use gate::{AuditFilter, Gate};
use http::{HeaderValue, StatusCode, header};
use ledger::{CSV_HEADER, Checkpoint, Entry, Outcome, csv_line};
use model::{KeyId, Principal};
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::{Items, Paging};
use crate::App;
use crate::caller::Caller;
use crate::problem::Problem;
use crate::routes::{MANAGE, Routes, get};

pub(super) fn routes() -> Routes {
    Routes::new()
        .route("/api/v1/audit", get(MANAGE, list))
        .route("/api/v1/audit/verify", get(MANAGE, verify))
        .route("/api/v1/audit/export", get(MANAGE, export))
}

#[derive(Debug, Deserialize)]
struct Wanted {
    principal: Option<String>,
    action: Option<String>,
    result: Option<String>,
    object: Option<String>,
    // Not flattened: serde would read the numbers of a query as text.
    cursor: Option<String>,
    limit: Option<u32>,
}

async fn list(
    State(app): State<App>,
    caller: Caller,
    wanted: Result<Query<Wanted>, QueryRejection>,
) -> Result<Json<Items<Entry>>, Problem> {
    let Query(Wanted { principal, action, result, object, cursor, limit }) = wanted?;
    let invalid =
        |detail: String| Problem::new(StatusCode::BAD_REQUEST, "validation_error", detail);
    if let Some(result) = &result {
        result.parse::<Outcome>().map_err(invalid)?;
    }
    let before = match cursor {
        None => None,
        Some(cursor) => {
            let seq = cursor.parse::<i64>().ok().and_then(|seq| u64::try_from(seq).ok());
            Some(seq.ok_or_else(|| invalid("`cursor` is none that this list gave".to_owned()))?)
        }
    };
    let limit = Paging { cursor: None, limit }.limit();
    // Objects are recorded dashed; people paste them in every form.
    let object =
        object.map(|text| notion::Id::from_pasted(&text).map_or(text, |id| id.to_string()));
    // A key is named `key:<id>`; the bare id will do.
    let principal = principal.map(|name| match KeyId::parse(&name) {
        Some(id) => format!("key:{id}"),
        None => name,
    });
    let filter = AuditFilter { principal, action, result, object };
    let request_id = caller.request_id.as_str();
    let page = app.gate.list_audit(&caller.principal, filter, before, limit, request_id).await?;
    Ok(Json(Items { items: page.items, next_cursor: page.next.map(|seq| seq.to_string()) }))
}

/// Whether the ledger is as it was written.
#[derive(Debug, Serialize)]
struct Checked {
    #[serde(flatten)]
    verdict: ledger::Verdict,
    public_key: String,
}

async fn verify(State(app): State<App>, caller: Caller) -> Result<Json<Checked>, Problem> {
    let verdict = app.gate.verify_audit(&caller.principal, caller.request_id.as_str()).await?;
    Ok(Json(Checked { verdict, public_key: app.gate.audit_public_key().to_owned() }))
}

#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq)]
#[serde(rename_all = "lowercase")]
enum Format {
    #[default]
    Jsonl,
    Csv,
}

#[derive(Debug, Deserialize)]
struct Export {
    #[serde(default)]
    format: Format,
}

async fn export(
    State(app): State<App>,
    caller: Caller,
    wanted: Result<Query<Export>, QueryRejection>,
) -> Result<Response, Problem> {
    let Query(Export { format }) = wanted?;
    let until = app.gate.begin_export(&caller.principal, caller.request_id.as_str()).await?;
    let (kind, name) = match format {
        Format::Jsonl => ("application/jsonl", "attachment; filename=\"ledger.jsonl\""),
        Format::Csv => ("text/csv; charset=utf-8", "attachment; filename=\"ledger.csv\""),
    };
    let mut response = Response::new(lines(app.gate, caller.principal, until, format));
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
    headers.insert(header::CONTENT_DISPOSITION, HeaderValue::from_static(name));
    Ok(response)
}

/// Reads the ledger piece by piece, as fast as the caller takes it.
fn lines(gate: Gate, principal: Principal, until: Option<Checkpoint>, format: Format) -> Body {
    enum Step {
        Begin,
        After(u64),
        End,
    }
    let steps = stream::try_unfold(Step::Begin, move |step| {
        let (gate, principal, until) = (gate.clone(), principal.clone(), until.clone());
        async move {
            let after = match step {
                Step::Begin if format == Format::Csv => {
                    return Ok(Some((Bytes::from_static(CSV_HEADER.as_bytes()), Step::After(0))));
                }
                Step::Begin => 0,
                Step::After(seq) => seq,
                Step::End => return Ok(None),
            };
            let end = until.as_ref().map_or(0, |checkpoint| checkpoint.seq);
            let entries = gate.export_chunk(&principal, after, end).await?;
            let text = match (entries.is_empty(), format, &until) {
                (true, Format::Jsonl, Some(checkpoint)) => {
                    json!({ "checkpoint": checkpoint }).to_string() + "\n"
                }
                (true, _, _) => return Ok(None),
                (false, Format::Jsonl, _) => entries.iter().map(json_line).collect(),
                (false, Format::Csv, _) => entries.iter().map(csv_line).collect(),
            };
            let next = entries.last().map_or(Step::End, |entry| Step::After(entry.seq));
            Ok::<_, gate::Error>(Some((Bytes::from(text), next)))
        }
    });
    Body::from_stream(steps)
}

fn json_line(entry: &Entry) -> String {
    // INVARIANT: an entry always has a JSON form.
    serde_json::to_string(entry).expect("an entry is JSON") + "\n"
}
