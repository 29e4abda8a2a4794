//! `/api/v1/audit`.

use axum::Json;
use axum::body::Body;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use axum::response::Response;
use bytes::Bytes;
use futures_util::stream;
use gate::{AuditCheck, AuditExport, AuditFilter, AuditPruned, Gate, KeptBody};
use http::{HeaderValue, StatusCode, header};
use jiff::Timestamp;
use ledger::{CSV_HEADER, Line, Outcome, Row, csv_line, csv_pruned};
use model::{KeyId, Principal};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::{Items, Paging};
use crate::App;
use crate::caller::{Caller, JsonBody, PathParam};
use crate::problem::Problem;
use crate::routes::{AUDIT, OPERATOR, Routes, get, post};

pub(super) fn routes() -> Routes {
    Routes::new()
        .route("/api/v1/audit", get(AUDIT, list))
        .route("/api/v1/audit/verify", get(AUDIT, verify))
        .route("/api/v1/audit/export", get(AUDIT, export))
        .route("/api/v1/audit/checkpoint", get(AUDIT, checkpoint))
        .route("/api/v1/audit/public-key", get(AUDIT, public_key))
        .route("/api/v1/audit/{seq}/body", get(AUDIT, body))
        .route("/api/v1/audit/prune", post(OPERATOR, prune))
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
) -> Result<Json<Items<Row>>, Problem> {
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
    check: AuditCheck,
    public_key: String,
}

async fn verify(State(app): State<App>, caller: Caller) -> Result<Json<Checked>, Problem> {
    let check = app.gate.verify_audit(&caller.principal, caller.request_id.as_str()).await?;
    Ok(Json(Checked { check, public_key: app.gate.audit_public_key().to_owned() }))
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
    #[serde(default)]
    after: u64,
}

async fn export(
    State(app): State<App>,
    caller: Caller,
    wanted: Result<Query<Export>, QueryRejection>,
) -> Result<Response, Problem> {
    let Query(Export { format, after }) = wanted?;
    let request_id = caller.request_id.as_str();
    let export = app.gate.begin_export(&caller.principal, after, request_id).await?;
    let (kind, name) = match format {
        Format::Jsonl => ("application/jsonl", "attachment; filename=\"ledger.jsonl\""),
        Format::Csv => ("text/csv; charset=utf-8", "attachment; filename=\"ledger.csv\""),
    };
    let mut response = Response::new(lines(app.gate, caller.principal, export, format));
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
    headers.insert(header::CONTENT_DISPOSITION, HeaderValue::from_static(name));
    Ok(response)
}

/// Where the ledger stands, in the form of a line of an export, to be kept elsewhere.
async fn checkpoint(State(app): State<App>, caller: Caller) -> Result<Json<Line>, Problem> {
    let request_id = caller.request_id.as_str();
    let checkpoint = app.gate.audit_checkpoint(&caller.principal, request_id).await?;
    Ok(Json(Line::Checkpoint { checkpoint }))
}

async fn public_key(State(app): State<App>, caller: Caller) -> Result<Json<Value>, Problem> {
    let request_id = caller.request_id.as_str();
    let key = app.gate.show_public_key(&caller.principal, request_id).await?;
    Ok(Json(json!({ "algorithm": "Ed25519", "public_key": key })))
}

/// What a write sent, if bodies are kept.
async fn body(
    State(app): State<App>,
    caller: Caller,
    PathParam(seq): PathParam,
) -> Result<Json<KeptBody>, Problem> {
    let detail = "the path has the number of an entry";
    let invalid = |_| Problem::new(StatusCode::BAD_REQUEST, "validation_error", detail);
    let seq: u64 = seq.parse().map_err(invalid)?;
    Ok(Json(app.gate.audit_body(&caller.principal, seq, caller.request_id.as_str()).await?))
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Prune {
    before: String,
}

async fn prune(
    State(app): State<App>,
    caller: Caller,
    JsonBody(Prune { before }): JsonBody<Prune>,
) -> Result<Json<AuditPruned>, Problem> {
    let detail = "`before` is a time like 2026-01-31T00:00:00Z";
    let invalid = |_| Problem::new(StatusCode::BAD_REQUEST, "validation_error", detail);
    let before: Timestamp = before.parse().map_err(invalid)?;
    let request_id = caller.request_id.as_str();
    Ok(Json(app.gate.prune_audit(&caller.principal, before, request_id).await?))
}

/// Reads the ledger piece by piece, as fast as the caller takes it.
fn lines(gate: Gate, principal: Principal, export: AuditExport, format: Format) -> Body {
    enum Step {
        Begin,
        After(u64),
        End,
    }
    let steps = stream::try_unfold(Step::Begin, move |step| {
        let (gate, principal, export) = (gate.clone(), principal.clone(), export.clone());
        async move {
            let after = match step {
                Step::Begin => {
                    return Ok(Some((beginning(&export, format), Step::After(export.after))));
                }
                Step::After(seq) => seq,
                Step::End => return Ok(None),
            };
            let end = export.until.as_ref().map_or(0, |checkpoint| checkpoint.seq);
            let rows = gate.export_chunk(&principal, after, end).await?;
            let next = rows.last().map_or(Step::End, |row| Step::After(row.seq()));
            let text = match (rows.is_empty(), format, export.until) {
                (true, Format::Jsonl, Some(checkpoint)) => {
                    json_line(Line::Checkpoint { checkpoint })
                }
                (true, _, _) => return Ok(None),
                (false, Format::Jsonl, _) => {
                    rows.into_iter().map(|row| json_line(Line::Row(row))).collect()
                }
                (false, Format::Csv, _) => rows.iter().map(csv_line).collect(),
            };
            Ok::<_, gate::Error>(Some((Bytes::from(text), next)))
        }
    });
    Body::from_stream(steps)
}

/// What stands before the first entry.
fn beginning(export: &AuditExport, format: Format) -> Bytes {
    let dropped = export.dropped.iter();
    let text = match format {
        Format::Csv => CSV_HEADER.to_owned() + &dropped.map(csv_pruned).collect::<String>(),
        Format::Jsonl => {
            dropped.map(|pruned| json_line(Line::Pruned { pruned: pruned.clone() })).collect()
        }
    };
    Bytes::from(text)
}

fn json_line(line: Line) -> String {
    line.to_json() + "\n"
}
