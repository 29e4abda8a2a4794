//! What Notion or the gate said, as text that tells a model what to do. One table for all tools.

use rmcp::model::ContentBlock;

use crate::caller::Reply;
use crate::tool::Outcome;

/// The answer as Notion gives it, an error too; what to do about one is said beside it.
pub(crate) fn as_notion_says(answer: Result<String, Reply>) -> Outcome {
    match answer {
        Ok(text) => Outcome::text(text),
        Err(reply) => {
            let mut outcome = Outcome::error(reply.body.to_string());
            outcome.content.extend(advice(&reply).map(ContentBlock::text));
            outcome
        }
    }
}

/// What to do about an error.
pub(crate) fn advice(reply: &Reply) -> Option<String> {
    let data = &reply.body["additional_data"];
    let seconds = reply.retry_after.map(|seconds| seconds.to_string());
    let seconds = seconds.as_deref().or(data["retry_after"].as_str());
    let fixed = match (reply.status, reply.reason) {
        (_, Some("budget")) => {
            let seconds = seconds.unwrap_or("60");
            return Some(format!(
                "It is this key's own budget: wait {seconds} s, or ask for less."
            ));
        }
        (_, Some("reauthorization_required" | "connection")) => {
            "Tell the user: only a person can mend this."
        }
        (400, _) => "Mend the argument that the message names, then call again.",
        (401, _) => "Notion does not take the token that was sent along: ask the user for another.",
        (403, Some(_)) => {
            "The key that you act with may not do this, and trying again will not help: tell the user, \
             who can ask an admin for another role or capability."
        }
        (403, None) => {
            "The connection lacks the capability: trying again will not help, tell the user."
        }
        (404, _) => {
            "It does not exist, or is not shared with this key: check the id by a search, or ask the user \
             to share it."
        }
        (429, _) => match seconds {
            Some(seconds) => return Some(format!("Wait {seconds} s, then go on.")),
            None => "Wait a minute, then go on.",
        },
        (409, _) => "Somebody changed it meanwhile: read it again, then retry.",
        (503, _) if data["committed_resource_id"].is_string() => {
            "It may have been saved all the same: look before you try again."
        }
        (500..=599, _) => {
            "The arguments are not at fault. After a write, look whether it was done; then try once more."
        }
        _ => return None,
    };
    Some(fixed.to_owned())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn every_error_says_what_to_do() {
        let cases = [
            (404, None, None, "not shared with this key"),
            (403, Some("role"), None, "tell the user"),
            (403, None, None, "capability"),
            (400, None, None, "Mend the argument"),
            (401, None, None, "ask the user for another"),
            (429, None, Some(7), "Wait 7 s"),
            (429, Some("budget"), Some(9), "own budget: wait 9 s"),
            (409, None, None, "read it again"),
            (503, None, None, "look whether it was done"),
            (502, Some("connection"), None, "only a person"),
        ];
        for (status, reason, retry_after, expected) in cases {
            let body = json!({"code": "some_code", "message": "Notion's words."});
            let outcome = as_notion_says(Err(Reply { status, body, reason, retry_after }));
            let text = format!("{:?}", outcome.content);
            assert!(outcome.is_error && text.contains(expected), "{status}: {text}");
            assert!(text.contains("Notion's words."), "{text}");
        }
    }
}
