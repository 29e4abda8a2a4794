//! The product as its callers meet it, in process.

#[cfg(test)]
mod access;
#[cfg(test)]
mod authorization;
#[cfg(test)]
mod browser;
#[cfg(test)]
mod budgets;
#[cfg(test)]
mod capabilities;
#[cfg(test)]
mod columns;
#[cfg(test)]
mod connections;
#[cfg(test)]
mod crash;
#[cfg(test)]
mod dashboard;
mod dashboard_policies;
#[cfg(test)]
mod dashboard_workspaces;
#[cfg(test)]
mod fake_notion;
#[cfg(test)]
mod family;
#[cfg(test)]
mod https;
#[cfg(test)]
mod install;
#[cfg(test)]
mod ledger;
#[cfg(test)]
mod ledger_bodies;
#[cfg(test)]
mod ledger_fuzz;
#[cfg(test)]
mod ledger_kept;
#[cfg(test)]
mod lifecycle;
#[cfg(test)]
mod lookups;
#[cfg(test)]
mod mcp_choice;
#[cfg(test)]
mod mcp_official;
#[cfg(test)]
mod mcp_passthrough;
#[cfg(test)]
mod mirror;
#[cfg(test)]
mod oidc;
#[cfg(test)]
mod policies;
#[cfg(test)]
mod policy_columns;
#[cfg(test)]
mod refresh;
#[cfg(test)]
mod roles;
#[cfg(test)]
mod routes;
#[cfg(test)]
mod rows;
#[cfg(test)]
mod scope;
#[cfg(test)]
mod search;
#[cfg(test)]
mod tenants;
#[cfg(test)]
mod two_tenants;
#[cfg(test)]
mod upstream;
#[cfg(test)]
mod users;
#[cfg(test)]
mod vault_rekey;
#[cfg(test)]
mod vault_start;
#[cfg(test)]
mod view;
#[cfg(test)]
mod webhooks;
#[cfg(test)]
mod workspaces;
