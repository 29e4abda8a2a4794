//! A client that starts its server, and speaks to it over pipes.

use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};

use super::client;
use crate::process;

/// A server on standard input and output; killed when it is dropped.
pub(super) struct Pipe {
    child: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
    id: u64,
}

impl Pipe {
    pub(super) fn start(mut command: Command) -> Result<Self> {
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut child = command
            .spawn()
            .with_context(|| format!("cannot start `{}`", process::line(&command)))?;
        let (input, output) = (child.stdin.take(), child.stdout.take());
        let (input, output) = input.zip(output).context("the server has no pipes")?;
        Ok(Self { child, input, output: BufReader::new(output), id: 0 })
    }

    /// The process id.
    pub(super) fn id(&self) -> u32 {
        self.child.id()
    }

    fn send(&mut self, message: &Value) -> Result<()> {
        writeln!(self.input, "{message}").context("the server does not read")
    }

    fn ask(&mut self, message: &Value) -> Result<Value> {
        self.send(message)?;
        let mut line = String::new();
        ensure!(self.output.read_line(&mut line)? > 0, "the server ended");
        let mut answer: Value = serde_json::from_str(&line)
            .with_context(|| format!("the server wrote what is no message: {line}"))?;
        ensure!(answer["id"] == message["id"], "another answer: {answer}");
        client::result(&mut answer)
    }

    fn request(&mut self, method: &str, params: Value) -> Result<Value> {
        self.id += 1;
        self.ask(&client::request(self.id, method, params))
    }

    /// Opens the conversation.
    pub(super) fn open(&mut self) -> Result<()> {
        self.ask(&client::initialize(0))?;
        self.send(&client::initialized())
    }

    /// The list of tools.
    pub(super) fn tools(&mut self) -> Result<Value> {
        Ok(self.request("tools/list", json!({}))?["tools"].take())
    }

    /// The result of a call.
    pub(super) fn call(&mut self, tool: &str, arguments: &Value) -> Result<Value> {
        self.request("tools/call", json!({ "name": tool, "arguments": arguments }))
    }
}

impl Drop for Pipe {
    fn drop(&mut self) {
        let _already_gone = self.child.kill();
        let _already_reaped = self.child.wait();
    }
}
