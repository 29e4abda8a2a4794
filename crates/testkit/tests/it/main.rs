//! The product as its callers meet it, in process.

#[cfg(test)]
#[cfg(test)]
mod access;
mod browser;
mod dashboard;
mod dashboard_workspaces;
mod fake_notion;
mod https;
mod install;
mod ledger;
mod lifecycle;
mod roles;
mod routes;
mod scope;
mod search;
mod tenants;
mod upstream;
mod vault_rekey;
mod vault_start;
mod webhooks;
mod workspaces;
