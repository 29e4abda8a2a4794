//! The sandbox, and both servers in front of it.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use serde_json::{Value, json};

use super::http::Client;
use super::pipe::Pipe;
use crate::process::{self, Background};
use crate::{http, install, workspace};

/// How long anything may take until it serves.
const START: Duration = Duration::from_secs(60);
/// What HTTP clients show.
const SECRET: &str = "a-secret-for-the-benchmark";

pub(super) const OFFICIAL_TOOLS: &str = "official";
pub(super) const AGENT_TOOLS: &str = "agent";

/// Which server.
#[derive(Clone, Copy, Eq, PartialEq)]
pub(super) enum Kind {
    Official,
    Notegate,
}

impl Kind {
    pub(super) const BOTH: [Self; 2] = [Self::Official, Self::Notegate];

    fn name(self) -> &'static str {
        match self {
            Self::Official => "the official server",
            Self::Notegate => "notegate mcp",
        }
    }
}

/// How servers are started.
pub(super) struct Servers {
    pub(super) node: PathBuf,
    pub(super) packages: PathBuf,
    notegate: PathBuf,
    directory: PathBuf,
    sandbox: Sandbox,
    page: String,
}

impl Servers {
    /// Starts the sandbox.
    pub(super) fn new(notegate: &Path, packages: &Path) -> Result<Self> {
        let directory = workspace::empty("bench-mcp")?;
        let sandbox = Sandbox::start(notegate, &directory)?;
        let page = sandbox.found("page", "Engineering")?;
        Ok(Self {
            node: install::node_of(packages),
            packages: packages.to_owned(),
            notegate: notegate.to_owned(),
            directory,
            sandbox,
            page,
        })
    }

    pub(super) fn sandbox(&self) -> &Sandbox {
        &self.sandbox
    }

    fn official(&self) -> PathBuf {
        self.packages.join("node_modules/@notionhq/notion-mcp-server")
    }

    pub(super) fn official_version(&self) -> Result<Value> {
        let text = fs::read_to_string(self.official().join("package.json"))?;
        Ok(serde_json::from_str::<Value>(&text)?["version"].take())
    }

    fn command(&self, kind: Kind, tools: &str) -> Command {
        let mut command = match kind {
            Kind::Official => {
                let mut command = Command::new(&self.node);
                command.arg(self.official().join("bin/cli.mjs"));
                command
            }
            Kind::Notegate => {
                let mut command = Command::new(&self.notegate);
                command.args(["mcp", "--tools", tools]);
                command
            }
        };
        process::clean_environment(&mut command);
        // Not as NOTION_TOKEN: with that, the official server asks Notion's own address who it is.
        let headers = json!({ "Authorization": format!("Bearer {}", self.sandbox.token) });
        command
            .current_dir(&self.directory)
            .env("BASE_URL", &self.sandbox.url)
            .env("OPENAPI_MCP_HEADERS", headers.to_string());
        command
    }

    /// A server on pipes.
    pub(super) fn pipe(&self, kind: Kind, tools: &str) -> Result<Pipe> {
        Pipe::start(self.command(kind, tools)).with_context(|| kind.name())
    }

    /// A server on HTTP, and how long it took until it answered.
    pub(super) fn http(&self, kind: Kind) -> Result<(Server, Duration)> {
        let port = process::free_port()?;
        let mut command = self.command(kind, OFFICIAL_TOOLS);
        command.args(["--transport", "http", "--auth-token", SECRET, "--port"]);
        command.arg(port.to_string());
        let begun = Instant::now();
        let process = Background::start(kind.name(), &command, self.directory.join("server.log"))?;
        let mut server = Server { process, kind, port, page: self.page.clone() };
        loop {
            match server.connect() {
                Ok(_) => return Ok((server, begun.elapsed())),
                Err(error) if begun.elapsed() > START => {
                    let log = server.process.log();
                    return Err(error.context(format!("{} does not serve: {log}", kind.name())));
                }
                Err(_) => std::thread::sleep(Duration::from_millis(1)),
            }
            server.process.check()?;
        }
    }
}

/// A server on HTTP.
pub(super) struct Server {
    process: Background,
    kind: Kind,
    port: u16,
    page: String,
}

impl Server {
    pub(super) fn id(&self) -> u32 {
        self.process.id()
    }

    pub(super) fn name(&self) -> &'static str {
        self.kind.name()
    }

    /// The page that calls are about.
    pub(super) fn page(&self) -> &str {
        &self.page
    }

    /// A new client, which has opened its conversation.
    pub(super) fn connect(&self) -> Result<Client> {
        Client::open(self.port, SECRET)
    }
}

/// The Notion of this benchmark.
pub(super) struct Sandbox {
    _process: Background,
    pub(super) url: String,
    pub(super) token: String,
}

impl Sandbox {
    fn start(notegate: &Path, directory: &Path) -> Result<Self> {
        let mut command = Command::new(notegate);
        process::clean_environment(&mut command);
        command.args(["sandbox", "serve", "--listen", "127.0.0.1:0"]).current_dir(directory);
        let mut process =
            Background::start("the sandbox", &command, directory.join("sandbox.log"))?;
        let log = directory.join("sandbox.log");
        let (url, token) = process::wait_for(&mut process, START, || {
            let text = fs::read_to_string(&log).ok()?;
            let url = text.lines().find_map(|line| line.strip_prefix("sandbox "))?;
            let token = text.lines().find_map(|line| line.trim().strip_prefix("full "))?;
            Some((url.trim().to_owned(), token.trim().to_owned()))
        })?;
        Ok(Self { _process: process, url, token })
    }

    /// One request to Notion's API, without any server between.
    pub(super) fn send(&self, method: &str, path: &str, body: Option<&Value>) -> Result<Value> {
        let url = format!("{}/v1/{path}", self.url);
        Ok(serde_json::from_str(&http::send(method, &url, Some(&self.token), body)?)?)
    }

    /// Back to the demo workspace.
    pub(super) fn reset(&self) -> Result<()> {
        http::send("POST", &format!("{}/_sandbox/reset", self.url), None, None).map(drop)
    }

    /// The id of what is called so.
    pub(super) fn found(&self, object: &str, title: &str) -> Result<String> {
        let filter = json!({ "property": "object", "value": object });
        let wanted = json!({ "query": title, "filter": filter });
        let mut found = self.send("POST", "search", Some(&wanted))?;
        let id = found["results"][0]["id"].take();
        let id = id.as_str().with_context(|| format!("the demo has no {object} {title}"))?;
        Ok(id.to_owned())
    }
}
