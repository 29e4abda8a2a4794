//! `/api/v1/policies` and `/api/v1/policy`: what is in force, what was, why.

use axum::Json;
use axum::extract::State;
use gate::{
    ExplainRequest, Explained, PolicyChange, Replay, ShownPolicies, StoredPolicies, Suggestion,
    WhatIf,
};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::{Items, Paging};
use crate::App;
use crate::caller::{Caller, JsonBody};
use crate::problem::Problem;
use crate::routes::{MANAGE, Routes, get, post};

pub(super) fn routes() -> Routes {
    Routes::new()
        .route("/api/v1/policies", get(MANAGE, show).put(MANAGE, change))
        .route("/api/v1/policies/versions", get(MANAGE, versions))
        .route("/api/v1/policies/validate", post(MANAGE, validate))
        .route("/api/v1/policy/explain", post(MANAGE, explain))
        .route("/api/v1/policy/what-if", post(MANAGE, what_if))
        .route("/api/v1/policy/suggest", post(MANAGE, suggest))
}

/// A version of a tenant's own policies.
#[derive(Debug, Serialize)]
struct Version {
    version: u64,
    text: String,
    made_at: Option<Timestamp>,
    made_by: Option<String>,
    note: String,
}

impl From<&StoredPolicies> for Version {
    fn from(stored: &StoredPolicies) -> Self {
        Self {
            version: stored.version,
            text: stored.text.clone(),
            made_at: Some(stored.made_at),
            made_by: Some(stored.made_by.clone()),
            note: stored.note.clone(),
        }
    }
}

/// The policies in force.
#[derive(Debug, Serialize)]
struct Shown {
    #[serde(flatten)]
    own: Version,
    built_in: &'static str,
    policies: Vec<Value>,
}

impl From<ShownPolicies> for Shown {
    fn from(shown: ShownPolicies) -> Self {
        let none = || Version {
            version: 0,
            text: String::new(),
            made_at: None,
            made_by: None,
            note: String::new(),
        };
        let list = shown.policies.list().map(|(rule, forbids)| {
            let effect = if forbids { "forbid" } else { "permit" };
            json!({ "id": rule.id, "effect": effect, "says": rule.says, "own": rule.own })
        });
        Self {
            policies: list.collect(),
            own: shown.own.as_deref().map_or_else(none, Version::from),
            built_in: gate::BUILT_IN_POLICIES,
        }
    }
}

async fn show(State(app): State<App>, caller: Caller) -> Result<Json<Shown>, Problem> {
    let shown = app.gate.show_policies(&caller.principal, caller.request_id.as_str()).await?;
    Ok(Json(shown.into()))
}

async fn change(
    State(app): State<App>,
    caller: Caller,
    JsonBody(change): JsonBody<PolicyChange>,
) -> Result<Json<Shown>, Problem> {
    let request_id = caller.request_id.as_str();
    let shown = app.gate.change_policies(&caller.principal, change, request_id).await?;
    Ok(Json(shown.into()))
}

async fn versions(
    State(app): State<App>,
    caller: Caller,
    paging: Paging,
) -> Result<Json<Items<Version>>, Problem> {
    let all = app.gate.policy_versions(&caller.principal, caller.request_id.as_str()).await?;
    let page = paging.page(all, |stored| stored.version.to_string())?;
    Ok(Json(page.map(|stored| Version::from(&stored))))
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Text {
    text: String,
}

/// Whether policies would be taken.
#[derive(Debug, Serialize)]
struct Validity {
    valid: bool,
    faults: Vec<Value>,
}

async fn validate(
    State(app): State<App>,
    caller: Caller,
    JsonBody(Text { text }): JsonBody<Text>,
) -> Result<Json<Validity>, Problem> {
    let request_id = caller.request_id.as_str();
    let checked = app.gate.validate_policies(&caller.principal, &text, request_id).await?;
    let faults = checked.err().map(|faults| faults.0).unwrap_or_default();
    let shape = |fault: &gate::PolicyFault| {
        json!({
            "message": fault.message, "help": fault.help, "line": fault.line, "column": fault.column,
        })
    };
    Ok(Json(Validity { valid: faults.is_empty(), faults: faults.iter().map(shape).collect() }))
}

async fn explain(
    State(app): State<App>,
    caller: Caller,
    JsonBody(request): JsonBody<ExplainRequest>,
) -> Result<Json<Explained>, Problem> {
    let request_id = caller.request_id.as_str();
    Ok(Json(app.gate.explain_policy(&caller.principal, request, request_id).await?))
}

async fn what_if(
    State(app): State<App>,
    caller: Caller,
    JsonBody(request): JsonBody<WhatIf>,
) -> Result<Json<Replay>, Problem> {
    let request_id = caller.request_id.as_str();
    Ok(Json(app.gate.what_if(&caller.principal, request, request_id).await?))
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct OfKey {
    key: String,
}

async fn suggest(
    State(app): State<App>,
    caller: Caller,
    JsonBody(OfKey { key }): JsonBody<OfKey>,
) -> Result<Json<Suggestion>, Problem> {
    let request_id = caller.request_id.as_str();
    Ok(Json(app.gate.suggest_policy(&caller.principal, &key, request_id).await?))
}
