//! Keys that `serve` makes: an admin key to begin with, and two narrow ones for the demo.

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
        let operator = gate.operator();
        let request_id = gate.new_request_id();
        for name in [ADMIN, VIEWER, EDITOR] {
            let shown_again = name != ADMIN || ready_file || demo.is_some();
            for id in gate.working_keys_named(name).iter().filter(|_| shown_again) {
                let ended = gate.revoke_key(&operator, id.as_str(), &request_id).await;
                ended.map_err(Failure::could_not)?;
            }
        }
        let make = async |name: &str, role, within| {
            let request = KeyRequest {
                name: name.to_owned(),
                role,
                within,
                capabilities: None,
                expires_in: None,
                budget: None,
                connection: None,
                notion_shaped: false,
            };
            let key = gate.create_key(&operator, request, &request_id).await;
            key.map(|key| key.token).map_err(Failure::could_not)
        };
        let first = !gate.has_working_admin();
        let admin = if ready_file || demo.is_some() || first {
            Some(make(ADMIN, Role::Admin, Vec::new()).await?)
        } else {
            None
        };
        let demo = match demo {
            Some(demo) => Some((
                make(VIEWER, Role::Viewer, vec![demo.team_page_id]).await?,
                make(EDITOR, Role::Editor, vec![demo.team_page_id]).await?,
            )),
            None => None,
        };
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
