//! The tools for agents.

use crate::tool::Tool;

/// The tools.
pub(crate) fn tools() -> Vec<Tool> {
    Vec::new()
}
