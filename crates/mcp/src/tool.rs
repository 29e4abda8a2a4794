//! What a tool is.
//!
//! A tool is a name, a schema, the operations of Notion that it makes, and something that runs. What a
//! client is told about its effect, and who is shown it, follows from the operation catalogue.

use std::sync::Arc;

use async_trait::async_trait;
use model::Principal;
use model::role::Permission;
use notion::{Effect, Operation};
use rmcp::model::{CallToolResult, ContentBlock, JsonObject, ToolAnnotations};
use serde_json::Value;

use crate::caller::Caller;
use crate::settings::ToolSet;

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
    /// What it does, if that is not what its operations do.
    pub(crate) hints: Option<Hints>,
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
    /// What follows from the catalogue.
    fn of(operations: &[&'static str]) -> Self {
        let rows = || operations.iter().filter_map(|name| Operation::named(name));
        let effect = rows().map(|it| it.effect).max_by_key(|effect| match effect {
            Effect::Read => 0,
            Effect::Write => 1,
            Effect::Destroy => 2,
        });
        Self {
            // A tool without a known operation may do anything.
            effect: effect.unwrap_or(Effect::Destroy),
            idempotent: rows().all(Operation::repeatable),
        }
    }

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
    /// What it does to the workspace.
    pub(crate) fn hints(&self) -> Hints {
        self.hints.unwrap_or_else(|| Hints::of(self.operations))
    }

    /// Whether it leaves the workspace as it is.
    pub(crate) fn is_read_only(&self) -> bool {
        self.hints().effect == Effect::Read
    }

    /// Whether `principal` could use it at all, by role and capabilities.
    pub(crate) fn is_for(&self, principal: &Principal) -> bool {
        let usable = |operation: &&'static Operation| {
            principal.role.grants(Permission::from(operation.effect))
                && operation.needs.met_by(principal.capabilities)
        };
        let mut rows = self.operations.iter().filter_map(|name| Operation::named(name));
        rows.all(|operation| usable(&operation))
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
        .with_annotations(self.hints().annotations(self.title))
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
