//! `cargo xtask bench NAME`: measurements that anyone can repeat.

mod access;
mod machine;
mod mcp;
mod nginx;
mod policy;
mod proxy;
mod sandbox;
mod scope;
mod usage;
mod waits;
mod webhooks;
mod world;
mod wrk;

use anyhow::Result;

use crate::args::{Args, Usage};

/// Runs one benchmark.
pub(crate) fn run(mut args: Args) -> Result<bool> {
    match args.word().as_deref() {
        Some("access") => access::run(args).map(|()| true),
        Some("mcp") => mcp::run(args).map(|()| true),
        Some("policy") => policy::run(args).map(|()| true),
        Some("proxy") => proxy::run(args).map(|()| true),
        Some("sandbox") => sandbox::run(args).map(|()| true),
        Some("scope") => scope::run(args).map(|()| true),
        Some("webhooks") => webhooks::run(args).map(|()| true),
        Some(other) => Err(Usage(format!("no benchmark is called `{other}`")).into()),
        None => {
            let all = "access, mcp, policy, proxy, sandbox, scope, webhooks";
            Err(Usage(format!("which benchmark? there are: {all}")).into())
        }
    }
}
