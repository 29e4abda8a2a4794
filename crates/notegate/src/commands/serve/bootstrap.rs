//! Keys that `serve` makes: an admin key to begin with, and two narrow ones for the demo.

use futures_util::future::{try_join, try_join_all};
use gate::{Gate, KeyRequest};
use model::{KeyToken, Role};
use sandbox::Demo;
use serde_json::{Value, json};

use crate::failure::Failure;

const ADMIN: &str = "admin of this run";
const VIEWER: &str = "demo viewer";
const EDITOR: &str = "demo editor";

/// The keys of this run. Those of the last run end.
pub(super) struct Keys {
    pub(super) admin: Option<KeyToken>,
    pub(super) demo: Option<(KeyToken, KeyToken)>,
}

impl Keys {
    /// Makes an admin key if somebody will see it (a ready file, a demo) or if there is none yet.
    pub(super) async fn make(
        gate: &Gate,
        ready_file: bool,
        demo: Option<&Demo>,
    ) -> Result<Self, Failure> {
        let itself = gate.itself();
        let request_id = gate.new_request_id();
        // Side by side, so that they share their waits for the disk.
        let names = [ADMIN, VIEWER, EDITOR].into_iter();
        let names = names.filter(|name| *name != ADMIN || ready_file || demo.is_some());
        let ended: Vec<_> = names.flat_map(|name| gate.own_keys_named(name)).collect();
        let ended = ended.iter().map(|id| gate.revoke_key(&itself, id.as_str(), &request_id));
        try_join_all(ended).await.map_err(Failure::could_not)?;
        let make = async |name: &str, role, within| {
            let request = KeyRequest::new(name, role, within);
            let key = gate.create_key(&itself, request, &request_id).await;
            key.map(|key| key.token).map_err(Failure::could_not)
        };
        let first = !gate.has_working_admin();
        let admin = async {
            if ready_file || demo.is_some() || first {
                make(ADMIN, Role::Admin, Vec::new()).await.map(Some)
            } else {
                Ok(None)
            }
        };
        let demo = async {
            let Some(demo) = demo else { return Ok(None) };
            let within = vec![demo.team_page_id];
            let viewer = make(VIEWER, Role::Viewer, within.clone());
            let editor = make(EDITOR, Role::Editor, within);
            try_join(viewer, editor).await.map(Some)
        };
        let (admin, demo) = try_join(admin, demo).await?;
        Ok(Self { admin, demo })
    }

    /// The members of the ready file that hold keys.
    pub(super) fn to_json(&self) -> (Value, Option<Value>) {
        let text = |key: &KeyToken| key.reveal().to_owned();
        let admin = self.admin.as_ref().map(text).into();
        let demo = self.demo.as_ref();
        (
            admin,
            demo.map(|(viewer, editor)| json!({ "viewer": text(viewer), "editor": text(editor) })),
        )
    }
}
