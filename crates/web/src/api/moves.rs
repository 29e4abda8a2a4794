//! `/api/v1/moves`: what a move would change.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use gate::MoveQuery;
use model::{Key, KeyId, Role};
use serde::Serialize;

use crate::App;
use crate::caller::{Caller, JsonBody};
use crate::problem::Problem;
use crate::routes::{MANAGE, Routes, post};

pub(super) fn routes() -> Routes {
    Routes::new().route("/api/v1/moves/preview", post(MANAGE, preview))
}

/// Which keys gain an object, and which lose it.
#[derive(Debug, Serialize)]
struct Preview {
    gains: Vec<Named>,
    loses: Vec<Named>,
}

/// A key, in short.
#[derive(Debug, Serialize)]
struct Named {
    id: KeyId,
    name: String,
    role: Role,
}

impl Named {
    fn of(key: &Arc<Key>) -> Self {
        Self { id: key.id.clone(), name: key.name.clone(), role: key.role }
    }
}

async fn preview(
    State(app): State<App>,
    caller: Caller,
    JsonBody(query): JsonBody<MoveQuery>,
) -> Result<Json<Preview>, Problem> {
    let request_id = caller.request_id.as_str();
    let effect = app.gate.preview_move(&caller.principal, query, request_id).await?;
    let named = |keys: &[Arc<Key>]| keys.iter().map(Named::of).collect();
    Ok(Json(Preview { gains: named(&effect.gains), loses: named(&effect.loses) }))
}
