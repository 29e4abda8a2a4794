//! `cargo xtask crash`: processes that die while tokens are replaced, as many as one likes.
//!
//! In process at every step in turn, on a good wire and on one that loses answers, with a Notion that
//! keeps a pair of before and one that does not; and the real program by SIGKILL at any moment. What was
//! found is printed; a lost installation that nobody named ends it with 1.

use anyhow::{Context, Result};

use crate::args::Args;
use crate::process;

/// Package, and the tests in it; of how many kills asked for each test there makes one.
const TESTS: [(&str, &str, u64); 2] =
    [("notegate-testkit", "crash::", 5), ("notegate", "crash_tokens::", 1)];

/// Runs the command; `false` says that something was lost.
pub(crate) fn run(mut args: Args) -> Result<bool> {
    let kills: u64 = args.value("--kills")?.unwrap_or(1000);
    args.finish()?;
    let mut is_good = true;
    for (package, test, share) in TESTS {
        let mut command = process::cargo();
        command.args(["test", "--package", package, "--test", "it", "--"]);
        command.args(["--nocapture", "--test-threads", "1", test]);
        command.env("NOTEGATE_TEST_KILLS", kills.div_ceil(share).to_string());
        println!("    $ {}", process::line(&command));
        is_good &= command.status().context("cannot run cargo")?.success();
    }
    Ok(is_good)
}
