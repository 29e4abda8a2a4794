//! The binary as its users meet it: real processes, real sockets, real files.
//!
//! Nothing here looks inside: what a test knows, it knows from flags, environment, exit codes, HTTP
//! and the files of a data directory.

#[cfg(test)]
mod access;
#[cfg(test)]
mod advice;
#[cfg(test)]
mod audit;
#[cfg(test)]
mod bad_input;
#[cfg(test)]
mod budgets;
#[cfg(test)]
mod canary;
#[cfg(test)]
mod connections;
#[cfg(test)]
mod crash;
#[cfg(test)]
mod crash_tokens;
#[cfg(test)]
mod data_dir;
#[cfg(test)]
mod doctor;
#[cfg(test)]
mod harness;
#[cfg(test)]
mod http;
#[cfg(test)]
mod https;
#[cfg(test)]
mod keys;
#[cfg(test)]
mod mcp;
mod mcp_shared;
#[cfg(test)]
mod oauth;
#[cfg(test)]
mod people;
#[cfg(test)]
mod policy;
#[cfg(test)]
mod roles;
#[cfg(test)]
mod sandbox;
#[cfg(test)]
mod start;
#[cfg(test)]
mod story;
#[cfg(test)]
mod vault;
#[cfg(test)]
mod webhooks;
#[cfg(test)]
mod workspaces;
