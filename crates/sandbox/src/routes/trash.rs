//! The trash: the three names of its flag, and what happens to what goes in.

use notion::{Id, Version};

use super::Scene;
use crate::fail::Fail;
use crate::input::check::Spot;
use crate::world::journal::Change;

/// Reads `in_trash`, or `archived` where the version still has it.
pub(super) fn wish(body: &Spot, version: Version) -> Result<Option<bool>, Fail> {
    let archived = body.get("archived");
    if version >= Version::V2026_03_11 && archived.is_there() {
        return Err(archived.not_present().into());
    }
    let in_trash = body.get("in_trash").bool_opt()?;
    Ok(in_trash.or(archived.bool_opt()?))
}

/// Moves a node to the trash or back.
pub(super) fn set(scene: &mut Scene, id: Id, in_trash: bool) {
    let Some(node) = scene.world.nodes.get_mut(&id) else { return };
    let is_change = node.in_trash != in_trash;
    let is_block = node.block().is_some();
    node.in_trash = in_trash;
    scene.touch(id);
    if is_change {
        if !is_block {
            scene.note_node(id, if in_trash { Change::Deleted } else { Change::Undeleted });
        }
        scene.note_content(&[id]);
        if in_trash {
            note_transcript(scene, id);
        }
    }
}

/// A transcript that goes is told of its page as well.
fn note_transcript(scene: &mut Scene, id: Id) {
    let Some(way) = scene.world.lineage(id) else { return };
    let Some(meeting) = way.get(1).and_then(|above| scene.world.node(*above)) else { return };
    let page = way.iter().find(|above| scene.world.page(**above).is_some());
    let is_transcript = meeting.block().is_some_and(|block| {
        block.body()["children"]["transcript_block_id"].as_str().and_then(Id::parse) == Some(id)
    });
    if let (Some(page), true) = (page, is_transcript) {
        let change = Change::TranscriptDeleted { block: meeting.id, transcript: Some(id) };
        scene.note_node(*page, change);
    }
}
