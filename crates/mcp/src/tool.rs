//! What a tool is.
//!
//! A tool is a name, a schema, what it does at worst, the operations of Notion that it cannot do without,
//! and something that runs. Who is shown it follows from the operation catalogue.

use std::sync::Arc;

use async_trait::async_trait;
use model::Principal;
use model::role::Permission;
use model::user::User;
use notion::{Effect, Operation};
use rmcp::model::{CallToolResult, ContentBlock, JsonObject, ToolAnnotations};
use serde_json::Value;

use crate::caller::Caller;
use model::ToolSet;

/// One tool.
pub(crate) struct Tool {
    /// In which set it is: `Agent` or `Official`.
    pub(crate) set: ToolSet,
    /// What it is called.
    pub(crate) name: &'static str,
    /// Its name for people.
    pub(crate) title: &'static str,
    /// What it does, for the model.
    pub(crate) description: String,
    /// The JSON schema of its arguments: an object.
    pub(crate) input: Value,
    /// The operations that it cannot do without, by name. Who may make none of them is not shown it.
    pub(crate) operations: &'static [&'static str],
    /// What it does to the workspace.
    pub(crate) hints: Hints,
    /// What happens when it is called.
    pub(crate) run: Box<dyn Run>,
}

/// What happens when a tool is called.
#[async_trait]
pub(crate) trait Run: Send + Sync {
    /// Does it. Whatever goes wrong is told to the model.
    async fn run(&self, caller: &Caller<'_>, arguments: Arguments) -> Outcome;
}

/// What a tool does to the workspace.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Hints {
    /// The worst that it does.
    pub(crate) effect: Effect,
    /// Whether doing it twice is like doing it once.
    pub(crate) idempotent: bool,
}

impl Hints {
    fn annotations(self, title: &str) -> ToolAnnotations {
        ToolAnnotations::with_title(title)
            .read_only(self.effect == Effect::Read)
            .destructive(self.effect == Effect::Destroy)
            .idempotent(self.idempotent)
            // What stands in Notion was written by anybody.
            .open_world(true)
    }
}

impl Tool {
    fn rows(&self) -> impl Iterator<Item = &'static Operation> {
        self.operations.iter().filter_map(|name| Operation::named(name))
    }

    /// Whether it leaves the workspace as it is.
    pub(crate) fn is_read_only(&self) -> bool {
        self.hints.effect == Effect::Read
    }

    /// The permission that it takes to use it at all.
    pub(crate) fn needs(&self) -> Permission {
        let has = |effect| self.rows().any(|operation| operation.effect == effect);
        let strongest = [Effect::Destroy, Effect::Write].into_iter().find(|effect| has(*effect));
        strongest.unwrap_or(Effect::Read).into()
    }

    /// Whether `principal` could use it at all, by role and capabilities.
    pub(crate) fn is_for(&self, principal: &Principal) -> bool {
        principal.role.grants(self.needs()) && self.is_within(principal)
    }

    /// Whether the person who let this client in may use it, and has only not given the client as much.
    pub(crate) fn could_be_given_to(&self, principal: &Principal) -> bool {
        let needed = self.needs();
        let to_give = |person: &User| person.role.grants(needed);
        !principal.role.grants(needed)
            && self.is_within(principal)
            && principal.person.as_deref().is_none_or(to_give)
    }

    /// Whether the capabilities of `principal` are enough for it.
    fn is_within(&self, principal: &Principal) -> bool {
        self.rows().all(|operation| operation.needs.met_by(principal.capabilities))
    }

    /// As `tools/list` shows it.
    pub(crate) fn listed(&self) -> rmcp::model::Tool {
        let input = match &self.input {
            Value::Object(members) => members.clone(),
            _ => JsonObject::new(),
        };
        rmcp::model::Tool::new_with_raw(
            self.name,
            Some(self.description.clone().into()),
            Arc::new(input),
        )
        .with_title(self.title)
        .with_annotations(self.hints.annotations(self.title))
    }
}

/// The arguments of a call.
#[derive(Clone, Debug, Default)]
pub(crate) struct Arguments(pub(crate) JsonObject);

/// What comes of a call.
#[derive(Clone, Debug)]
pub(crate) struct Outcome {
    /// For the model.
    pub(crate) content: Vec<ContentBlock>,
    /// For programs.
    pub(crate) structured: Option<Value>,
    /// Whether it went wrong.
    pub(crate) is_error: bool,
}

impl Outcome {
    /// It went well, and this came of it.
    pub(crate) fn text(text: impl Into<String>) -> Self {
        Self { content: vec![ContentBlock::text(text)], structured: None, is_error: false }
    }

    /// It went wrong; the text says what to do now.
    pub(crate) fn error(text: impl Into<String>) -> Self {
        Self { is_error: true, ..Self::text(text) }
    }
}

impl From<Outcome> for CallToolResult {
    fn from(outcome: Outcome) -> Self {
        let mut result = Self::success(outcome.content);
        result.is_error = Some(outcome.is_error);
        result.structured_content = outcome.structured;
        result
    }
}
