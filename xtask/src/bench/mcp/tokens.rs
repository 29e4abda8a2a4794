//! Tokens of texts, as models of the o200k vocabulary count them: by the library that its maker's tools use.

use std::io::Write;
use std::process::{Command, Stdio};

use anyhow::{Context, Result, ensure};

use super::servers::Servers;

/// How many tokens each text has.
pub(super) fn count(servers: &Servers, texts: &[String]) -> Result<Vec<u64>> {
    let mut child = Command::new(&servers.node)
        .arg(servers.packages.join("tokens.mjs"))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .context("cannot run node")?;
    let mut input = child.stdin.take().context("node has no input")?;
    input.write_all(serde_json::to_string(texts)?.as_bytes())?;
    drop(input);
    let output = child.wait_with_output()?;
    ensure!(output.status.success(), "tokens.mjs ended with {}", output.status);
    let counted: Vec<u64> = serde_json::from_slice(&output.stdout)?;
    ensure!(counted.len() == texts.len(), "tokens.mjs did not count every text");
    Ok(counted)
}
