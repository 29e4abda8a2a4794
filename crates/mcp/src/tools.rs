//! All tools, made once.

use std::sync::OnceLock;

use model::Principal;

use crate::tool::Tool;
use crate::{agent, official};
use model::ToolSet;

/// A tool, and how it is listed.
pub(crate) struct Listed {
    pub(crate) tool: Tool,
    pub(crate) shown: rmcp::model::Tool,
}

/// All tools, in the order in which they are listed.
fn all() -> &'static [Listed] {
    static ALL: OnceLock<Vec<Listed>> = OnceLock::new();
    ALL.get_or_init(|| {
        let tools = agent::tools().into_iter().chain(official::tools());
        tools.map(|tool| Listed { shown: tool.listed(), tool }).collect()
    })
}

/// The tool of this name, if the set has it.
pub(crate) fn find(set: ToolSet, name: &str) -> Option<&'static Tool> {
    all().iter().map(|it| &it.tool).find(|tool| set.has(tool.set) && tool.name == name)
}

/// The tools of a set that `principal` could use; with `step_up` those, too, for which its client may ask
/// the person for more. Always in the same order.
pub(crate) fn list(
    set: ToolSet,
    principal: &Principal,
    read_only: bool,
    step_up: bool,
) -> Vec<rmcp::model::Tool> {
    let is_open =
        |tool: &Tool| tool.is_for(principal) || (step_up && tool.could_be_given_to(principal));
    let shown = all().iter().filter(|it| {
        set.has(it.tool.set) && (!read_only || it.tool.is_read_only()) && is_open(&it.tool)
    });
    shown.map(|it| it.shown.clone()).collect()
}
