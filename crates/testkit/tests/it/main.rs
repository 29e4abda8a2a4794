//! The product as its callers meet it, in process.

mod dashboard;
mod https;
mod ledger;
mod lifecycle;
mod roles;
mod routes;
mod scope;
mod search;
mod upstream;
mod vault_start;
mod webhooks;
