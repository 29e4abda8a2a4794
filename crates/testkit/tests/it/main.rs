//! The product as its callers meet it, in process.

#[cfg(test)]
mod access;
#[cfg(test)]
mod browser;
mod dashboard;
mod dashboard_workspaces;
#[cfg(test)]
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
mod two_tenants;
mod upstream;
mod vault_rekey;
mod vault_start;
mod webhooks;
mod workspaces;
