//! notegate: a gate in front of Notion. This file picks the command; each has a file of its own in
//! `commands/`. `serve.rs` is where the parts are joined.
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a command-line tool")]

mod commands;
mod control_socket;
mod data_dir;
mod failure;
mod key_command;
mod local;
mod logging;
mod master_key;
mod official_headers;
mod secret;
mod settings;
mod term;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

use crate::commands::{
    audit, clients, config, doctor, groups, keys, mcp, policy, routes, sandbox, serve, tenants,
    tour, trace, users, vault, webhooks, workspaces,
};
use crate::failure::Failure;

/// A gate in front of Notion: narrow, revocable, recorded keys instead of whole tokens.
#[derive(Debug, Parser)]
#[command(name = "notegate", version, max_term_width = 100)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run the gate.
    Serve(serve::Args),
    /// Serve Notion's tools to an MCP client: on standard input and output, or over HTTP.
    Mcp(mcp::Args),
    /// See what a narrow key sees: a story in the terminal, with a Notion that runs here.
    Tour,
    /// Make, list and end keys.
    #[command(subcommand)]
    Keys(keys::Command),
    /// Look after MCP clients that people let in.
    #[command(subcommand)]
    Clients(clients::Command),
    /// Look after the people who may sign in, and their roles.
    #[command(subcommand)]
    Users(users::Command),
    /// Look after groups of users.
    #[command(subcommand)]
    Groups(groups::Command),
    /// See under which master key the secrets are, and change it.
    #[command(subcommand)]
    Vault(vault::Command),
    /// Read, check and export the ledger.
    #[command(subcommand)]
    Audit(audit::Command),
    /// Look after the connections to workspaces.
    #[command(alias = "token")]
    Workspaces(workspaces::Args),
    /// Several teams on one gate, each with workspaces, keys and a ledger of its own.
    #[command(subcommand)]
    Tenants(tenants::Command),
    /// Who may do what, where: show, change, test and explain the policies.
    #[command(subcommand)]
    Policy(policy::Command),
    /// Why a page, database or block can be reached, or not.
    Trace(trace::Args),
    /// Take events from Notion: pair, look at what came, work it again.
    #[command(subcommand)]
    Webhooks(webhooks::Command),
    /// Look at an installation, and say what stands in its way.
    Doctor(doctor::Args),
    /// Show the configuration.
    #[command(subcommand)]
    Config(config::Command),
    /// List every route of the gate, and the permission that it needs.
    Routes(routes::Args),
    /// A Notion that runs here.
    #[command(subcommand)]
    Sandbox(sandbox::Command),
}

fn main() -> ExitCode {
    let done = match Cli::parse().command {
        Command::Serve(args) => serve::run(args),
        Command::Mcp(args) => mcp::run(args),
        Command::Tour => tour::run(),
        Command::Keys(command) => keys::run(command),
        Command::Clients(command) => clients::run(command),
        Command::Users(command) => users::run(command),
        Command::Groups(command) => groups::run(command),
        Command::Vault(command) => vault::run(command),
        Command::Audit(command) => audit::run(command),
        Command::Workspaces(args) => workspaces::run(args),
        Command::Tenants(command) => tenants::run(command),
        Command::Policy(command) => policy::run(command),
        Command::Trace(args) => trace::run(args),
        Command::Webhooks(command) => webhooks::run(command),
        Command::Doctor(args) => doctor::run(args),
        Command::Config(command) => config::run(command),
        Command::Routes(args) => routes::run(&args),
        Command::Sandbox(command) => sandbox::run(command),
    };
    match done {
        Ok(code) => code,
        Err(failure) => {
            eprintln!("notegate: {failure}");
            failure.exit_code()
        }
    }
}

/// What a command gives back: a code of its own, or why it failed.
type Done = Result<ExitCode, Failure>;

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    /// Every help text, as people see it.
    #[test]
    fn help() {
        let mut all = String::new();
        let mut command = Cli::command();
        command.build();
        collect(&mut command, &mut all);
        insta::assert_snapshot!(all);
    }

    fn collect(command: &mut clap::Command, all: &mut String) {
        let help = command.render_long_help().to_string();
        all.push_str(&format!(
            "$ {} --help\n\n{}\n",
            command.get_bin_name().unwrap_or("notegate"),
            help.trim()
        ));
        for sub in command.get_subcommands_mut().filter(|sub| sub.get_name() != "help") {
            all.push('\n');
            collect(sub, all);
        }
    }
}
