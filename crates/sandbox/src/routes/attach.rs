//! Attaching uploaded files to what shows them.

use notion::{Id, Kind};
use serde_json::Value;

use super::Scene;
use crate::fail::Fail;
use crate::input::blocks::Draft;
use crate::render::file_upload::{FILES, in_url};
use crate::world::file_upload::Status;

/// Uploads that can be attached.
#[must_use]
pub(super) struct Checked(Vec<Id>);

/// Checks every uploaded file that values name. Values are as readers give them.
pub(super) fn check<'a>(
    scene: &Scene,
    values: impl IntoIterator<Item = &'a Value>,
) -> Result<Checked, Fail> {
    let mut ids = Vec::new();
    for value in values {
        named(scene, value, &mut ids)?;
    }
    Ok(Checked(ids))
}

impl Checked {
    /// From now on something shows them: they stay.
    pub(super) fn attach(self, scene: &mut Scene) {
        for id in self.0 {
            if let Some(upload) = scene.world.file_uploads.get_mut(&id) {
                upload.attached = true;
            }
        }
    }
}

/// Checks and attaches: for handlers of which this is the last check.
pub(super) fn attach<'a>(
    scene: &mut Scene,
    values: impl IntoIterator<Item = &'a Value>,
) -> Result<(), Fail> {
    check(scene, values)?.attach(scene);
    Ok(())
}

/// The bodies of blocks that are to be made.
pub(super) fn bodies(drafts: &[Draft]) -> Vec<&Value> {
    let mut all = Vec::new();
    for draft in drafts {
        all.push(&draft.body);
        all.append(&mut bodies(&draft.children));
    }
    all
}

fn named(scene: &Scene, value: &Value, ids: &mut Vec<Id>) -> Result<(), Fail> {
    if let Value::Array(all) = value {
        return all.iter().try_for_each(|one| named(scene, one, ids));
    }
    match value["type"].as_str() {
        Some("file_upload") => {
            if let Some(id) = value["file_upload"]["id"].as_str().and_then(Id::parse) {
                ids.push(usable(scene, id)?);
            }
        }
        // A file as it was read stays attached; its URL shows that the caller has seen it.
        Some("file") => {
            let url = value["file"]["url"].as_str().unwrap_or_default();
            if url.contains(FILES) && in_url(scene.world, url).is_none() {
                return Err(Fail::validation("This file URL was not given by this workspace."));
            }
        }
        _ => {}
    }
    if value["icon"].is_object() { named(scene, &value["icon"], ids) } else { Ok(()) }
}

/// An upload that can be attached: the caller's own, whole, and not expired (own wording).
fn usable(scene: &Scene, id: Id) -> Result<Id, Fail> {
    let found = scene.world.file_uploads.get(&id);
    let upload = found.filter(|upload| upload.created_by == scene.who.user).ok_or_else(|| {
        let kind = Kind::FileUpload.as_str();
        Fail::validation(format!("Could not find {kind} with ID: {id}."))
    })?;
    match upload.status {
        Status::Uploaded => Ok(id),
        other => Err(Fail::validation(format!(
            "File upload {id} has a status of `{}`, but should be `uploaded` to be attached.",
            other.as_str()
        ))),
    }
}
