//! `notegate sandbox`: a Notion that runs here.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Context;
use sandbox::{Demo, Options, Sandbox, Seed};

use crate::Done;
use crate::failure::Failure;
use crate::term::Style;

/// What clients call the base URL: most, the official MCP server, Notion's command line (twice).
const BASE_URLS: [&str; 4] =
    ["NOTION_BASE_URL", "BASE_URL", "NOTION_API_BASE_URL", "NOTION_API_DOCS_BASE_URL"];

/// A Notion that runs here, to try things and to test Notion code against.
#[derive(Debug, clap::Subcommand)]
pub(crate) enum Command {
    /// Serve it until it is stopped.
    Serve {
        /// Address; port 0 picks one
        #[arg(long, default_value = "127.0.0.1:3001")]
        listen: SocketAddr,
        /// What it holds at first: demo, empty, a directory of pages, or a file that `GET /_sandbox/state` gave
        #[arg(long, default_value = "demo")]
        seed: String,
        /// File in which it is kept from run to run
        #[arg(long, value_name = "FILE")]
        state: Option<PathBuf>,
        /// Refuse more than 180 requests a minute, as Notion does (`PUT /_sandbox/limits` too)
        #[arg(long)]
        limits: bool,
    },
    /// Run a command against it, with NOTION_BASE_URL and NOTION_TOKEN set; ends with its exit code.
    Exec {
        /// What it holds at first: demo, empty, a directory of pages, or a file that `GET /_sandbox/state` gave
        #[arg(long, default_value = "demo")]
        seed: String,
        /// The command and its arguments
        #[arg(last = true, required = true)]
        command: Vec<String>,
    },
}

pub(crate) fn run(command: Command) -> Done {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    runtime.map_err(Failure::could_not)?.block_on(async {
        match command {
            Command::Serve { listen, seed: name, state: state_file, limits } => {
                serve(Options { listen, seed: seed(&name)?, state_file, limits }).await
            }
            Command::Exec { seed, command } => exec(&seed, &command).await,
        }
    })
}

fn seed(text: &str) -> Result<Seed, Failure> {
    match text {
        "demo" => Ok(Seed::Demo),
        "empty" => Ok(Seed::Empty),
        path if std::path::Path::new(path).exists() => Ok(Seed::Path(path.into())),
        path => Err(Failure::usage(anyhow::anyhow!(
            "there is no seed {path}: give demo, empty, a directory or a file"
        ))),
    }
}

async fn start(options: Options) -> Result<Sandbox, Failure> {
    let listen = options.listen;
    Sandbox::start(options).await.map_err(|error| match error.kind() {
        // A seed or a state file that says something wrong; it is named in the text.
        std::io::ErrorKind::InvalidData => Failure::usage(error),
        _ => {
            Failure::could_not(anyhow::Error::from(error).context(format!(
                "the sandbox cannot start on {listen} (another address: --listen)"
            )))
        }
    })
}

async fn serve(options: Options) -> Done {
    let sandbox = start(options).await?;
    let style = Style::of_stdout();
    let url = sandbox.url();
    println!("{} {url}", style.bold("sandbox"));
    let tokens = tokens(&sandbox);
    if let Some((_, token)) = tokens.first() {
        println!();
        for (name, token) in &tokens {
            println!("  {} {token}", style.dim(&format!("{name:<8}")));
        }
        println!();
        println!(
            "  curl -s {url}/v1/users/me -H 'Authorization: Bearer {token}' -H 'Notion-Version: 2025-09-03'"
        );
    }
    println!();
    println!("  In a browser, {url}/ shows the workspace, and what was called.");
    println!("  {}", style.dim("Ctrl-C stops it."));
    wait().await;
    stop(sandbox).await?;
    Ok(ExitCode::SUCCESS)
}

/// What its connections are called, and their tokens.
fn tokens(sandbox: &Sandbox) -> Vec<(String, String)> {
    match sandbox.demo() {
        Some(Demo { tokens, .. }) => vec![
            ("full".to_owned(), tokens.full),
            ("reader".to_owned(), tokens.reader),
            ("writer".to_owned(), tokens.writer),
        ],
        None => sandbox.tokens(),
    }
}

/// Stops it; what it holds is in the state file then, if one was named.
async fn stop(sandbox: Sandbox) -> Result<(), Failure> {
    sandbox
        .shutdown()
        .await
        .context("the state file could not be written; what it held is as before")
        .map_err(Failure::could_not)
}

async fn wait() {
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        if let Ok(mut terminate) = signal(SignalKind::terminate()) {
            tokio::select! {
                _ = terminate.recv() => {}
                _ = tokio::signal::ctrl_c() => {}
            }
            return;
        }
    }
    let _ = tokio::signal::ctrl_c().await;
}

async fn exec(seed_name: &str, command: &[String]) -> Done {
    let sandbox = start(Options { seed: seed(seed_name)?, ..Options::default() }).await?;
    let [program, arguments @ ..] = command else {
        return Err(Failure::usage(anyhow::anyhow!("name a command after `--`")));
    };
    let mut child = tokio::process::Command::new(program);
    child.args(arguments);
    for name in BASE_URLS {
        child.env(name, sandbox.url());
    }
    if let Some((_, token)) = tokens(&sandbox).first() {
        child.env("NOTION_TOKEN", token).env("NOTION_API_TOKEN", token);
    }
    let status = child.status().await;
    let status =
        status.with_context(|| format!("`{program}` cannot be run")).map_err(Failure::could_not)?;
    stop(sandbox).await?;
    // Ended by a signal: the shell's convention.
    #[cfg(unix)]
    let code = std::os::unix::process::ExitStatusExt::signal(&status).map(|signal| 128 + signal);
    #[cfg(not(unix))]
    let code = None;
    let code = status.code().or(code).unwrap_or(1);
    Ok(ExitCode::from(u8::try_from(code).unwrap_or(1)))
}
