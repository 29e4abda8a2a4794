//! `self`: who the caller is, what it may do, and how much of its budgets is left.

use std::fmt::Write as _;

use model::Who;
use model::role::Permission;
use rmcp::model::JsonObject;
use serde::Deserialize;

use super::arguments::read;
use super::fault::Fault;
use super::reach;
use crate::caller::Caller;
use crate::tool::Outcome;

/// Roots of a scope that are listed.
const ROOTS_MAX: usize = 20;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Arguments {}

pub(crate) async fn run(caller: &Caller<'_>, arguments: JsonObject) -> Result<Outcome, Fault> {
    let Arguments {} = read(arguments)?;
    let principal = caller.principal;
    let mut text = String::new();
    match reach::plain(caller, "get-self", Vec::new(), None).await {
        Ok(bot) => {
            let workspace = bot["bot"]["workspace_name"].as_str();
            let name = bot["name"].as_str().unwrap_or("unnamed");
            let _ = writeln!(text, "workspace: {}", workspace.unwrap_or("unknown"));
            let _ = writeln!(text, "Notion shows your writes as: {name}");
        }
        Err(fault) => {
            let _ = writeln!(text, "workspace: {}", fault.text);
        }
    }
    if let Who::Key(key) = &principal.who {
        let _ = writeln!(text, "key: {}", key.name);
        if let Some(expires) = key.expires_at {
            let _ = writeln!(text, "expires: {expires}");
        }
    }
    let all = [Permission::Read, Permission::Write, Permission::Delete];
    let may = all
        .into_iter()
        .filter(|it| principal.role.grants(*it) && (*it == Permission::Read || !caller.read_only));
    let may: Vec<_> = may.map(Permission::as_str).collect();
    let _ = writeln!(text, "role: {} (may {})", principal.role, may.join(", "));
    if caller.read_only {
        text.push_str("this server is read-only\n");
    }
    let capabilities: Vec<_> = principal.capabilities.iter().map(|it| it.as_str()).collect();
    let _ = writeln!(text, "capabilities: {}", capabilities.join(", "));
    match principal.scope() {
        None => text.push_str("reaches: everything that is shared with the connection\n"),
        Some(scope) => {
            let roots: Vec<_> =
                scope.levels().flatten().take(ROOTS_MAX).map(|id| id.plain()).collect();
            let _ = writeln!(text, "reaches only what is under: {}", roots.join(", "));
        }
    }
    if let Some(key) = principal.key() {
        for (meter, usage) in caller.gate.usage_of_key(key) {
            let _ = writeln!(
                text,
                "{}: {} of {} left until {}",
                meter.as_str(),
                usage.left,
                usage.limit,
                usage.resets_at
            );
        }
    }
    Ok(Outcome::text(text))
}
