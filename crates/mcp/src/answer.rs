//! What Notion or the gate said, as text that tells a model what to do.

use rmcp::model::ContentBlock;
use serde_json::Value;

use crate::caller::Reply;
use crate::tool::Outcome;

/// The answer as Notion gives it, an error too; what to do about one is said beside it.
pub(crate) fn as_notion_says(reply: &Reply) -> Outcome {
    let mut outcome = Outcome::text(reply.body.to_string());
    if !reply.is_success() {
        outcome.is_error = true;
        let code = reply.body.get("code").and_then(Value::as_str).unwrap_or_default();
        outcome.content.extend(advice(reply, code).map(ContentBlock::text));
    }
    outcome
}

fn advice(reply: &Reply, code: &str) -> Option<String> {
    let advice = match (code, reply.reason) {
        (_, Some("role" | "capability" | "policy")) => {
            "This key may not do that; trying again will not help. Ask the person who made the key."
        }
        ("rate_limited", _) => {
            let seconds = reply.retry_after.unwrap_or(1);
            return Some(format!("Wait {seconds} s, then try again."));
        }
        ("object_not_found", _) => {
            "Check the id. If it is right, the object is not shared with this connection or key."
        }
        ("validation_error" | "invalid_json", _) => {
            "Mend the argument that the message names, then call again."
        }
        ("unauthorized", _) => {
            "Notion does not take the token that was sent along: ask for another."
        }
        ("conflict_error", _) => "Somebody else changed it at the same time: read it again first.",
        ("service_unavailable" | "gateway_timeout" | "internal_server_error", _) => {
            "If this was a write, look whether it was done before you try again."
        }
        _ => return None,
    };
    Some(advice.to_owned())
}
