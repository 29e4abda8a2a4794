//! The tools of the official server, by name.

use async_trait::async_trait;
use serde_json::json;

use crate::answer::relayed;
use crate::caller::{Ask, Caller};
use crate::settings::ToolSet;
use crate::tool::{Arguments, Outcome, Run, Tool};

/// The tools.
pub(crate) fn tools() -> Vec<Tool> {
    vec![Tool {
        set: ToolSet::Official,
        name: "API-get-self",
        title: "Retrieve your token's bot user",
        description: "Retrieve your token's bot user".to_owned(),
        input: json!({ "type": "object", "properties": {}, "additionalProperties": false }),
        operations: &["get-self"],
        hints: None,
        run: Box::new(GetSelf),
    }]
}

struct GetSelf;

#[async_trait]
impl Run for GetSelf {
    async fn run(&self, caller: &Caller<'_>, _: Arguments) -> Outcome {
        relayed(caller.ask(Ask { operation: "get-self", ..Ask::default() }).await)
    }
}
