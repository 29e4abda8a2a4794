//! `notegate workspaces`: the workspaces that this gate stands before.

use crate::Done;
use crate::commands::access;
use crate::local::block_on;

/// Look after the connections to workspaces.
#[derive(Debug, clap::Subcommand)]
pub(crate) enum Command {
    /// List everything that a connection reaches, and what changed since the last time.
    Access(Box<access::Args>),
}

pub(crate) fn run(command: Command) -> Done {
    block_on(async {
        match command {
            Command::Access(args) => access::run(*args).await,
        }
    })
}
