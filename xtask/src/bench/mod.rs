//! `cargo xtask bench NAME`: measurements that anyone can repeat.

mod machine;
mod nginx;
mod proxy;
mod usage;
mod wrk;

use anyhow::Result;

use crate::args::{Args, Usage};

/// Runs one benchmark.
pub(crate) fn run(mut args: Args) -> Result<bool> {
    match args.word().as_deref() {
        Some("proxy") => proxy::run(args).map(|()| true),
        Some(other) => Err(Usage(format!("no benchmark is called `{other}`")).into()),
        None => Err(Usage("which benchmark? there is: proxy".to_owned()).into()),
    }
}
