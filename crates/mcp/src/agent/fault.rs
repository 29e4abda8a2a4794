//! What a model is told when something does not go: what happened, and what to do next.

use serde_json::Value;

use crate::caller::Reply;

/// Why a tool did not do what it was asked.
#[derive(Clone, Debug)]
pub(crate) struct Fault {
    /// The HTTP status that Notion's API has for it; 0 for arguments that make no sense.
    pub(crate) status: u16,
    /// For the model.
    pub(crate) text: String,
}

impl Fault {
    /// The arguments make no sense; nothing was asked of Notion.
    pub(crate) fn input(text: impl Into<String>) -> Self {
        Self { status: 0, text: text.into() }
    }

    /// What Notion or the gate answered instead of what was asked for.
    pub(crate) fn of(reply: &Reply) -> Self {
        let said = |name: &str| reply.body[name].as_str().unwrap_or_default().trim();
        let (code, message) = (said("code"), said("message"));
        let text = match advice(reply) {
            Some(advice) => format!("{message} {advice}"),
            None => format!("{code}: {message}"),
        };
        Self { status: reply.status, text: text.trim().to_owned() }
    }

    /// Whether this may only mean that the id is one of another kind of object.
    pub(crate) fn is_elsewhere(&self) -> bool {
        matches!(self.status, 400 | 404)
    }

    /// The same, about one thing of several.
    pub(crate) fn about(self, what: &str) -> Self {
        Self { text: format!("{what}: {}", self.text), ..self }
    }
}

/// What to do about it.
fn advice(reply: &Reply) -> Option<String> {
    let data = &reply.body["additional_data"];
    let seconds = reply.retry_after.map(|seconds| seconds.to_string());
    let seconds = seconds.as_deref().or(data["retry_after"].as_str());
    let fixed = match (reply.status, reply.reason) {
        (_, Some("budget")) => {
            let seconds = seconds.unwrap_or("60");
            return Some(format!(
                "It is this key's own budget (see `self`): wait {seconds} s, or ask for less."
            ));
        }
        (_, Some("reauthorization_required" | "connection")) => {
            "Tell the user: only a person can mend this."
        }
        (403, Some(_)) => {
            "The key that you act with may not do this, and trying again will not help: tell the user, \
             who can ask an admin for another role or capability (`self` shows what it has)."
        }
        (403, None) => {
            "The connection lacks the capability: trying again will not help, tell the user."
        }
        (404, _) => {
            "It does not exist, or is not shared with this key: check the id with `search`, or ask the \
             user to share it."
        }
        (429, _) => match seconds {
            Some(seconds) => return Some(format!("Wait {seconds} s, then go on.")),
            None => "Wait a minute, then go on.",
        },
        (409, _) => "Somebody changed it meanwhile: `fetch` it again, then retry.",
        (503, _) if data["committed_resource_id"].is_string() => {
            "It may have been saved all the same: `fetch` before you try again."
        }
        (500..=599, _) => {
            "The arguments are not at fault. After a write, `fetch` to see whether it was done; then try \
             once more."
        }
        _ => return None,
    };
    Some(fixed.to_owned())
}

/// What went wrong with an argument of a tool, or `null` where something was expected.
pub(crate) fn missing(name: &str, example: &str) -> Fault {
    Fault::input(format!("`{name}` is missing. Example: {example}"))
}

/// At most so many of something.
pub(crate) fn bounded(name: &str, count: usize, max: usize) -> Result<(), Fault> {
    if count > max {
        return Err(Fault::input(format!(
            "`{name}` has {count} entries; at most {max} go in one call."
        )));
    }
    Ok(())
}

/// A value in an error, in a few characters.
pub(crate) fn short(value: &Value) -> String {
    let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    if text.chars().count() <= 80 {
        text
    } else {
        format!("{}…", text.chars().take(80).collect::<String>())
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn reply(status: u16, reason: Option<&'static str>, retry_after: Option<u64>) -> Reply {
        let body = json!({"code": "some_code", "message": "Notion's words."});
        Reply { status, body, reason, retry_after }
    }

    #[test]
    fn every_error_says_what_to_do() {
        let cases = [
            (reply(404, None, None), "not shared with this key"),
            (reply(403, Some("role"), None), "tell the user"),
            (reply(403, None, None), "capability"),
            (reply(429, None, Some(7)), "Wait 7 s"),
            (reply(429, Some("budget"), Some(9)), "own budget (see `self`): wait 9 s"),
            (reply(409, None, None), "fetch"),
            (reply(503, None, None), "see whether it was done"),
            (reply(400, None, None), "some_code: Notion's words."),
        ];
        for (reply, expected) in cases {
            let text = Fault::of(&reply).text;
            assert!(text.contains(expected) && text.contains("Notion's words."), "{text}");
        }
    }
}
