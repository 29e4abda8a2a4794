//! What a model is told when something does not go: what happened, and what to do next.

use serde_json::Value;

use crate::answer::advice;
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
