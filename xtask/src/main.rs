//! `cargo xtask`: what a developer of notegate types. One command per file; `--help` lists them.

#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a command-line tool")]

mod args;
mod bench;
mod browser;
mod check;
mod clients;
mod crash;
mod fidelity;
mod fuzz;
mod http;
mod install;
mod mcp;
mod mcp_clients;
mod process;
mod scripts;
mod sdk;
mod steps;
mod table;
mod test;
mod workspace;

use std::process::ExitCode;

use args::{Args, Usage};

const HELP: &str = "\
Development tools of notegate.

usage: cargo xtask COMMAND

  test [--only NAME,…]   install what the tests need, then run all of them
                         names: fmt, clippy, unit, doc, fidelity, clients, sdk, mcp,
                         mcp-clients, browser, deny
  check                  formatting, clippy, rustdoc: quick, nothing is installed
  bench access [--json FILE] [--objects N] [--in-blocks N] [--budget N] [--binary FILE]
                         an access audit, beside what Notion's request budget allows
                         --objects   pages that are reached (default 5000)
                         --in-blocks so many of them stand in a block (default 550)
                         --budget    requests a minute (default 180)
  bench mcp [--tasks] [--json FILE] [--seconds N] [--rounds N] [--starts N] [--binary FILE]
                         notegate's MCP server beside the official one, in front of the same sandbox
                         --tasks     instead: calls and tokens of five tasks of an agent
                         --seconds   length of one measurement (default 5)
                         --rounds    how often each is repeated; the median counts (default 3)
                         --starts    how often each is started (default 15)
                         --binary    measure this notegate instead of building one
  bench policy [--json FILE]
                         a decision with 100 policies and 12 ancestors, cold and remembered
  bench proxy [--json FILE] [--seconds N] [--rounds N] [--requests N] [--binary FILE]
                         the gate beside nginx, in front of the same upstream
                         --seconds   length of one measurement (default 5)
                         --rounds    how often each is repeated; the median counts (default 3)
                         --requests  then watch the memory over so many requests
                         --binary    measure this notegate instead of building one
  bench sandbox [--json FILE] [--pages N] [--blocks N] [--requests N] [--binary FILE]
                         a large workspace in the sandbox: time to load, memory, waits
                         --pages     rows of its table (default 10000), each with
                         --blocks    so many blocks (default 100)
                         --requests  how often the quick requests are sent (default 1000)
  bench scope [--json FILE] [--requests N] [--binary FILE]
                         what a key with a scope waits longer than one that reaches everything
                         --requests  how often each operation is asked, by each key (default 1000)
  bench webhooks [--json FILE] [--events N] [--connections N] [--pages N] [--sleep S]
                 [--binary FILE]
                         how long Notion waits for an answer while the work hangs
                         --events       how many are sent (default 5000), of
                         --pages        so many pages (default 500), over
                         --connections  so many connections (default 8)
                         --sleep        seconds that a look at a page hangs (default 10)
  fidelity [--recorded FILE]… [--only LEVEL,…] [--json FILE] [--markdown FILE] [--verbose]
                         how much the sandbox is Notion, measured against recorded answers
                         --recorded  a recording (.jsonl or .jsonl.gz); may be repeated
                         --only      of the levels L0 (shapes), L1 (errors), L2 (replay),
                                     L3 (filters), L5 (drills)
                         --json, --markdown  where the report goes (default: target/xtask/fidelity)
                         --verbose   every difference, with an example
  crash [--kills N]      processes that die while tokens are replaced (default 1000): what came of it
  fuzz [callback|ledger|webhooks] [--seconds N] [--seed N]
                         requests of all sorts to every route of the sandbox (default 60 seconds)
                         callback    to the routes of the gate that people come back to from Notion
                         ledger      damaged exports, to the reader that checks them
  fuzz views [--sequences N] [--seed N]
                         calls of a scoped key to two worlds that differ outside its scope: the
                         answers must be the same bytes (default: 100000 sequences from seed 0)

exit codes: 0 done, 1 something failed, 2 wrong usage, 3 could not
";

fn main() -> ExitCode {
    match run(Args::from_environment()) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::from(1),
        Err(error) if error.is::<Usage>() => {
            eprintln!("{error}\n\n{HELP}");
            ExitCode::from(2)
        }
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::from(3)
        }
    }
}

/// Runs one command. `false` says that it ran and the answer is no.
fn run(mut args: Args) -> anyhow::Result<bool> {
    if args.flag("--help") || args.flag("-h") {
        print!("{HELP}");
        return Ok(true);
    }
    match args.word().as_deref() {
        Some("test") => test::run(args),
        Some("check") => check::run(args),
        Some("crash") => crash::run(args),
        Some("fuzz") => fuzz::run(args),
        Some("bench") => bench::run(args),
        Some("fidelity") => fidelity::run(args),
        Some(other) => Err(Usage(format!("unknown command `{other}`")).into()),
        None => Err(Usage("no command given".to_owned()).into()),
    }
}
