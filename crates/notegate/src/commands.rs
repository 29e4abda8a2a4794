//! One file per command.

pub(crate) mod access;
pub(crate) mod audit;
pub(crate) mod capabilities;
pub(crate) mod clients;
pub(crate) mod config;
pub(crate) mod doctor;
pub(crate) mod groups;
pub(crate) mod keys;
pub(crate) mod mcp;
pub(crate) mod moves;
pub(crate) mod policy;
pub(crate) mod routes;
pub(crate) mod sandbox;
pub(crate) mod serve;
pub(crate) mod tenants;
pub(crate) mod tour;
pub(crate) mod trace;
pub(crate) mod users;
pub(crate) mod vault;
pub(crate) mod webhooks;
pub(crate) mod workspaces;
