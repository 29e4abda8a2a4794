//! `notegate mcp`: Notion's tools for an MCP client that starts this process, or over HTTP. Takes the
//! flags and the environment of the official server.

mod here;
mod installation;
mod lines;
mod responder;
mod serve;

use std::net::IpAddr;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::anyhow;
use model::ToolSet;

use self::here::Here;
use self::installation::Installation;
use self::responder::{Elsewhere, Responder};
use crate::Done;
use crate::failure::Failure;
use crate::local::Found;
use crate::logging;
use crate::settings::{Flags, Settings, Source};

/// Serve Notion's tools to an MCP client: on standard input and output, or over HTTP.
///
/// Which gate: with NOTEGATE_URL and NOTEGATE_KEY the one at that address; with --data-dir (or
/// NOTEGATE_DATA_DIR) the one of that installation; with NOTION_TOKEN (or OPENAPI_MCP_HEADERS) alone,
/// one for just this process and that token.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// stdio, or http for Streamable HTTP
    #[arg(long, value_name = "TYPE", default_value = "stdio", value_parser = ["stdio", "http"], ignore_case = true)]
    transport: String,
    /// Port for HTTP; 0 picks one
    #[arg(long, value_name = "NUMBER", default_value_t = 3000)]
    port: u16,
    /// Address for HTTP
    #[arg(long, value_name = "HOST", default_value = "127.0.0.1")]
    host: String,
    /// Bearer token that HTTP clients must show [env: AUTH_TOKEN; made if not set]
    #[arg(long, value_name = "TOKEN")]
    auth_token: Option<String>,
    /// Let every HTTP client in; only on a loopback address
    #[arg(long)]
    unsafe_disable_auth: bool,
    /// The old name of --unsafe-disable-auth
    #[arg(long, hide = true)]
    disable_auth: bool,
    /// Let HTTP clients bring Notion tokens of their own, in the header Notion-Token
    /// [env: ENABLE_TOKEN_PASSTHROUGH]
    #[arg(long)]
    enable_token_passthrough: bool,
    /// The tools: agent (few, made for agents), official (the names of the official server) or all
    #[arg(long, value_name = "SET", default_value = "agent")]
    tools: ToolSet,
    /// Leave out everything that changes anything
    #[arg(long)]
    read_only: bool,
    /// Directory of keys, credentials and ledger [env: NOTEGATE_DATA_DIR]
    #[arg(long, value_name = "DIR")]
    data_dir: Option<PathBuf>,
    /// Settings file [env: NOTEGATE_CONFIG]
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
}

impl Args {
    fn is_http(&self) -> bool {
        self.transport.eq_ignore_ascii_case("http")
    }

    fn is_open(&self) -> bool {
        self.unsafe_disable_auth || self.disable_auth
    }

    fn flags(&self) -> Flags {
        let path =
            |path: &Option<PathBuf>| path.as_ref().map(|path| path.to_string_lossy().into_owned());
        let given = [
            ("NOTEGATE_DATA_DIR", path(&self.data_dir)),
            ("NOTEGATE_CONFIG", path(&self.config)),
            ("ENABLE_TOKEN_PASSTHROUGH", self.enable_token_passthrough.then(|| "true".to_owned())),
        ];
        given.into_iter().filter_map(|(name, value)| Some((name, value?))).collect()
    }

    /// The settings. Standard output belongs to the protocol, and the log of a process that a client
    /// started is the client's to show: so it says little unless asked.
    fn settings(&self) -> Result<Settings, Failure> {
        let mut flags = self.flags();
        let first = Settings::gather(flags.clone());
        if first.source("NOTEGATE_LOG") == Some(&Source::Default) && !self.is_http() {
            flags.insert("NOTEGATE_LOG", "warn".to_owned());
        }
        let mut settings = Settings::gather(flags);
        settings.want_official_headers();
        faultless(settings)
    }

    /// What does not go together.
    fn check(&self) -> Result<(), Failure> {
        let usage = |text: &str| Err(Failure::usage(anyhow!("{text}")));
        let for_http = self.auth_token.is_some() || self.is_open();
        if for_http && !self.is_http() {
            return usage(
                "--auth-token and --unsafe-disable-auth are for --transport http: add that, or leave \
                 them out",
            );
        }
        if self.is_open() && self.auth_token.is_some() {
            return usage(
                "--unsafe-disable-auth lets everybody in, so --auth-token means nothing: choose one",
            );
        }
        if self.is_open() && !is_loopback(&self.host) {
            return usage(
                "--unsafe-disable-auth lets everybody in who reaches this address: use it with \
                 --host 127.0.0.1, or use --auth-token",
            );
        }
        Ok(())
    }
}

fn faultless(settings: Settings) -> Result<Settings, Failure> {
    match settings.faults() {
        [] => Ok(settings),
        faults => Err(Failure::usage(anyhow!("{}", faults.join("; ")))),
    }
}

fn is_loopback(host: &str) -> bool {
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    bare == "localhost" || bare.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

pub(crate) fn run(args: Args) -> Done {
    args.check()?;
    let settings = args.settings()?;
    logging::begin(&settings)?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(Failure::could_not)?;
    let done = runtime.block_on(start(args, settings));
    // A read of standard input that waits cannot be called off: it ends with the process.
    runtime.shutdown_background();
    done
}

async fn start(args: Args, settings: Settings) -> Done {
    if args.is_http() {
        return over_http(args, settings).await;
    }
    let tools = args.tools;
    let responder = Arc::new(responder(args, settings).await?);
    let served = lines::serve(responder.clone(), tools).await;
    if let Some(responder) = Arc::into_inner(responder) {
        responder.close().await;
    }
    served.map_err(Failure::could_not)?;
    Ok(ExitCode::SUCCESS)
}

/// Who answers the client that started this process.
async fn responder(args: Args, mut settings: Settings) -> Result<Responder, Failure> {
    if let Some(gate) = elsewhere(&settings)? {
        if args.read_only {
            return Err(Failure::usage(anyhow!(READ_ONLY)));
        }
        return Ok(Responder::Elsewhere(Box::new(gate)));
    }
    if !has_directory(&settings) {
        return Ok(Responder::Here(Box::new(Here::of_token(&mut settings, &args).await?)));
    }
    let read_only = args.read_only;
    let installation = Installation::find(args).await?;
    if read_only && installation.is_there().await {
        installation.close().await;
        return Err(Failure::usage(anyhow!(READ_ONLY)));
    }
    Ok(Responder::Installation(Box::new(installation)))
}

async fn over_http(args: Args, mut settings: Settings) -> Done {
    let serves_itself = || {
        Failure::usage(anyhow!(
            "that gate runs, and as `notegate serve` it serves MCP over HTTP itself, at /mcp: use that, or leave \
             out --transport http"
        ))
    };
    let here = if elsewhere(&settings)?.is_some() {
        return Err(serves_itself());
    } else if has_directory(&settings) {
        match Found::at(args.settings()?).await? {
            Found::Running(_) => return Err(serves_itself()),
            Found::Ours(dir, settings) => Here::of_directory(dir, settings, &args).await?,
        }
    } else {
        Here::of_token(&mut settings, &args).await?
    };
    let done = serve::http(&args, &here, &mut settings).await;
    here.close().await;
    done
}

/// The gate that the environment names.
fn elsewhere(settings: &Settings) -> Result<Option<Elsewhere>, Failure> {
    let Some(url) = settings.text("NOTEGATE_URL") else { return Ok(None) };
    let key = settings.secret("NOTEGATE_KEY").ok_or_else(|| {
        Failure::usage(anyhow!(
            "NOTEGATE_URL names a gate, and there is no key for it: set NOTEGATE_KEY (or \
             NOTEGATE_KEY_FILE)"
        ))
    })?;
    Elsewhere::at(url, key).map(Some).map_err(Failure::usage)
}

fn has_directory(settings: &Settings) -> bool {
    settings.source("NOTEGATE_DATA_DIR") != Some(&Source::Default)
}

const READ_ONLY: &str =
    "--read-only is for a gate of this process; for one that runs, use a key of a viewer";
