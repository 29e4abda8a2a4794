//! `/api/v1/audit/capabilities`.

use std::time::Duration;

use axum::Json;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use gate::{ConnectionCapabilities, KeyCapabilities};
use http::StatusCode;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{Items, Paging};
use crate::App;
use crate::caller::Caller;
use crate::problem::Problem;
use crate::routes::{MANAGE, Routes, get};

/// Days that are looked at if nobody says how many.
const DAYS: u16 = 30;
const DAYS_MAX: u16 = 3650;

pub(super) fn routes() -> Routes {
    Routes::new().route("/api/v1/audit/capabilities", get(MANAGE, audit))
}

#[derive(Debug, Deserialize)]
struct Wanted {
    days: Option<u16>,
    cursor: Option<String>,
    limit: Option<u32>,
}

/// Keys page by page, and with each page all connections.
#[derive(Debug, Serialize)]
struct Report {
    since: Timestamp,
    until: Timestamp,
    #[serde(flatten)]
    keys: Items<KeyCapabilities>,
    connections: Vec<ConnectionCapabilities>,
}

async fn audit(
    State(app): State<App>,
    caller: Caller,
    wanted: Result<Query<Wanted>, QueryRejection>,
) -> Result<Json<Report>, Problem> {
    let Query(Wanted { days, cursor, limit }) = wanted?;
    let days = days.unwrap_or(DAYS);
    if !(1..=DAYS_MAX).contains(&days) {
        let detail = format!("`days` must be 1 to {DAYS_MAX}");
        return Err(Problem::new(StatusCode::BAD_REQUEST, "validation_error", detail));
    }
    let within = Duration::from_secs(u64::from(days) * 24 * 3600);
    let request_id = caller.request_id.as_str();
    let report = app.gate.audit_capabilities(&caller.principal, within, request_id).await?;
    let keys = Paging { cursor, limit }.page(report.keys, |key| key.id.to_string())?;
    let (since, until, connections) = (report.since, report.until, report.connections);
    Ok(Json(Report { since, until, keys, connections }))
}
