//! Shows comments.

use serde_json::{Value, json};

use super::{Object, parent_reference, rich_text, user};
use crate::clock::to_minute;
use crate::world::access::View;
use crate::world::comment::Comment;

/// A comment object.
pub(crate) fn comment(view: View, comment: &Comment) -> Value {
    let author = user::name(view.world, comment.created_by).unwrap_or_default();
    let is_bot = view.world.connections.contains_key(&comment.created_by);
    let display = match &comment.shown_as {
        Some(name) => json!({"type": "custom", "resolved_name": name}),
        None if is_bot => json!({"type": "integration", "resolved_name": author}),
        None => json!({"type": "user", "resolved_name": author}),
    };
    Object::new("comment")
        .with("id", comment.id.to_string())
        .with("parent", parent(view, comment))
        .with("discussion_id", comment.discussion_id.to_string())
        .with("created_time", to_minute(comment.created_time))
        .with("last_edited_time", to_minute(comment.last_edited_time))
        .with("created_by", user::reference(comment.created_by))
        .with("rich_text", rich_text::rich_text(view, &comment.rich_text))
        .with("display_name", display)
        .with_if(!comment.attachments.is_empty(), "attachments", comment.attachments.clone())
        .done()
}

/// Comments stand on pages and blocks; on a database, they stand on its block.
fn parent(view: View, comment: &Comment) -> Value {
    match parent_reference(view, comment.about) {
        page if page["type"] == "page_id" => page,
        _ => json!({"type": "block_id", "block_id": comment.about}),
    }
}
