//! Runs the gate: opens everything in order, serves, and lets everything end in order.

use std::io;
use std::net::{SocketAddr, TcpListener};
use std::process::ExitCode;
use std::sync::Arc;
use std::thread;

use anyhow::{Context, anyhow};
use gate::{Error, Gate, Options, TokenError, Tokens};
use model::{Connection, SecretString, SystemClock};
use notion::oauth::OAuthClient;
use sandbox::Sandbox;
use serde_json::json;
use store::SqliteStore;
use tokio::sync::{mpsc, watch};
use vault::SystemChance;
use web::{App, Limits, McpDoor, ServiceUrl, Site};

use super::banner::Banner;
use super::bootstrap::Keys;
use super::plan::{self, Plan, callback_at};
use crate::Done;
use crate::control_socket::ControlSocket;
use crate::data_dir::{self, DataDir, MasterKeySource};
use crate::failure::Failure;
use crate::local::open_failure;
use crate::logging;
use crate::settings::{Flags, Settings};

pub(super) fn run(flags: Flags) -> Done {
    let mut settings = Settings::gather(flags);
    let plan = Plan::make(&mut settings).map_err(|faults| Failure::usage(anyhow!(faults)))?;
    let on_entry = logging::begin(&settings)?;
    // Doors get threads of their own; this runtime is for everything around them.
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .map_err(Failure::could_not)?;
    runtime.block_on(serve(plan, on_entry))
}

async fn serve(plan: Plan, on_entry: gate::EntrySink) -> Done {
    let dir = DataDir::open(&plan.data_dir)?;
    let listener = TcpListener::bind(plan.listen)
        .with_context(|| listen_hint(&plan))
        .map_err(Failure::could_not)?;
    let scheme = if plan.tls.is_some() { "https" } else { "http" };
    let url = format!("{scheme}://{}", listener.local_addr().map_err(Failure::could_not)?);
    let sandbox = start_sandbox(&plan).await?;
    let demo = sandbox.as_ref().and_then(Sandbox::demo);

    let oauth = match &sandbox {
        Some(sandbox) => Some(sandbox_app(sandbox, &plan, listener.local_addr())),
        None => plan.oauth.clone(),
    };
    let (gate, master_key) = open_gate(&plan, &dir, sandbox.as_ref(), oauth, on_entry).await?;
    let tokens = match &demo {
        Some(demo) => Some(Tokens { access: demo.tokens.full.clone().into(), write: None }),
        None => plan.tokens.clone(),
    };
    if tokens.is_none() && gate.oauth_app().is_none() && !gate.has_own_connections() {
        return Err(Failure::usage(anyhow!(plan::token_required())));
    }
    let connection = connect(&gate, tokens.as_ref()).await?;
    gate.find_out_before_serving().await;
    if let (Some(database), Some(tokens)) = (plan.database, tokens.as_ref()) {
        check_database(&plan, &tokens.access, database).await?;
    }
    if let Some(email) = &plan.bootstrap_admin
        && gate.bootstrap_admin(email).await.map_err(Failure::usage)?
    {
        tracing::info!(email, "is the first admin among the users");
    }
    let keys = Keys::make(&gate, plan.ready_file.is_some(), demo.as_ref()).await?;

    let app = App { site: Arc::new(plan.site.clone()), ..App::new(gate.clone()) };
    let (stop, stopped) = watch::channel(false);
    let doors = open_doors(listener, &app, &plan, &stopped).map_err(Failure::could_not)?;
    let mcp = Some(mcp_door(app.gate.clone(), &app.site, plan.token_passthrough));
    let socket = ControlSocket::open(&plan.data_dir, App { mcp, ..app.clone() }, stopped.clone());
    let background = tokio::spawn({
        let gate = gate.clone();
        async move { gate.run_background(stopped).await }
    });

    let sandbox_url = sandbox.as_ref().map(Sandbox::url);
    Banner {
        url: &url,
        connection: connection.as_ref(),
        data_dir: &plan.data_dir,
        master_key,
        keys: &keys,
        sandbox: sandbox_url.as_deref().zip(demo.as_ref()),
    }
    .print();
    if let Some(path) = &plan.ready_file {
        let (admin_key, demo_keys) = keys.to_json();
        let mut ready = json!({ "url": url, "admin_key": admin_key, "pid": std::process::id() });
        if let (Some(url), Some(demo)) = (&sandbox_url, &demo) {
            ready["sandbox"] = sandbox_json(url, demo);
            ready["keys"] = demo_keys.unwrap_or_default();
        }
        data_dir::write_private(path, &format!("{ready}\n"))
            .with_context(|| format!("the ready file {} cannot be written", path.display()))
            .map_err(Failure::could_not)?;
    }
    tracing::info!(url, "serving");

    wait_for_signal().await;
    tracing::info!("stopping: calls under way may end");
    let _ = stop.send(true);
    let joined =
        tokio::task::spawn_blocking(move || doors.into_iter().for_each(|door| drop(door.join())));
    let _ = joined.await;
    if let Some(socket) = socket {
        socket.ended().await;
    }
    let _ = background.await;
    let written = gate.close().await;
    if let Some(sandbox) = sandbox {
        // Without a state file, stopping cannot fail.
        let _ = sandbox.shutdown().await;
    }
    drop(dir);
    if !written {
        return Err(Failure::could_not(anyhow!(
            "stopped, but the end of the ledger could not be written: look at the log and at the disk"
        )));
    }
    tracing::info!("stopped; the ledger is written");
    Ok(ExitCode::SUCCESS)
}

fn listen_hint(plan: &Plan) -> String {
    format!(
        "cannot listen on {}: choose another address with --listen (port 0 picks a free one)",
        plan.listen
    )
}

async fn start_sandbox(plan: &Plan) -> Result<Option<Sandbox>, Failure> {
    let Some(listen) = plan.sandbox_listen else { return Ok(None) };
    let sandbox = Sandbox::start(sandbox::Options { listen, ..sandbox::Options::default() }).await;
    let hint = || {
        format!(
            "the sandbox cannot listen on {listen}: choose another address with --sandbox-listen"
        )
    };
    sandbox.with_context(hint).map(Some).map_err(Failure::could_not)
}

fn sandbox_json(url: &str, demo: &sandbox::Demo) -> serde_json::Value {
    let members = serde_json::to_value(demo).unwrap_or_default();
    let mut sandbox = json!({ "url": url, "control_url": format!("{url}/_sandbox") });
    // Either flat or with the ids below `demo`; the ready file has tokens beside, ids below.
    if let (Some(all), Some(members)) = (sandbox.as_object_mut(), members.as_object()) {
        all.extend(members.clone());
    }
    sandbox
}

/// Registers this gate as an app with the sandbox, so that workspaces can be connected there.
fn sandbox_app(sandbox: &Sandbox, plan: &Plan, address: io::Result<SocketAddr>) -> OAuthClient {
    let scheme = if plan.tls.is_some() { "https" } else { "http" };
    // Listening everywhere is no place that a browser could go to.
    let address = address.unwrap_or(plan.listen);
    let here = match address.ip().is_unspecified() {
        true => format!("{scheme}://127.0.0.1:{}", address.port()),
        false => format!("{scheme}://{address}"),
    };
    let service_url = plan.site.service_url.as_ref().map_or(here.as_str(), ServiceUrl::as_str);
    let redirect_uri = callback_at(service_url);
    let (client_id, client_secret) = sandbox.add_client("notegate", &redirect_uri);
    OAuthClient { client_id, client_secret: client_secret.into(), redirect_uri }
}

async fn open_gate(
    plan: &Plan,
    dir: &DataDir,
    sandbox: Option<&Sandbox>,
    oauth: Option<OAuthClient>,
    on_entry: gate::EntrySink,
) -> Result<(Gate, MasterKeySource), Failure> {
    let (keyring, source) = dir.master_keys(&plan.master_keys).await?;
    let store = SqliteStore::open(&dir.database()).map_err(Failure::could_not)?;
    let base_url = sandbox.map_or_else(|| plan.base_url.clone(), Sandbox::url);
    let gate = Gate::open(Options {
        store: Arc::new(store),
        keyring,
        key_source: plan.master_keys.clone(),
        clock: Arc::new(SystemClock),
        chance: Arc::new(SystemChance::new()),
        notion: plan.notion(base_url),
        oauth,
        oidc: plan.oidc.clone(),
        authorization: plan.authorization.clone(),
        notion_version: plan.notion_version,
        strict_ledger: plan.strict_ledger,
        ledger_retention: plan.ledger_retention,
        mirror: plan.mirror.clone(),
        ledger_bodies: plan.ledger_bodies,
        tree_age_max: plan.tree_age_max,
        lookups_per_minute: plan.lookups_per_minute,
        session_secret: plan.session_secret.clone(),
        rotation_grace: plan.rotation_grace,
        webhooks: plan.webhooks.clone(),
        on_entry,
    });
    Ok((gate.await.map_err(open_failure)?, source))
}

/// Makes the environment's token a connection. Without one, another will do, if there is any.
async fn connect(gate: &Gate, tokens: Option<&Tokens>) -> Result<Option<Connection>, Failure> {
    match gate.declare(tokens).await {
        Ok(declared) => Ok(declared.or_else(|| gate.latest_connection())),
        Err(Error::Token(error @ TokenError::Unreachable { .. })) => Err(Failure::could_not(error)),
        Err(Error::Token(error)) => Err(Failure::usage(error)),
        Err(error) => Err(Failure::could_not(error)),
    }
}

async fn check_database(plan: &Plan, token: &SecretString, id: notion::Id) -> Result<(), Failure> {
    let check = gate::TokenCheck::new(plan.notion(plan.base_url.clone()));
    match check.database(token, id).await {
        Ok(()) => Ok(()),
        Err(error @ TokenError::Unreachable { .. }) => {
            tracing::warn!("{:#}", anyhow::Error::new(error));
            Ok(())
        }
        Err(error) => Err(Failure::usage(error)),
    }
}

/// One thread and one runtime per core; connections are dealt out to them in turn, and no call ever
/// crosses from one core to another.
fn open_doors(
    listener: TcpListener,
    app: &App,
    plan: &Plan,
    stopped: &watch::Receiver<bool>,
) -> io::Result<Vec<thread::JoinHandle<()>>> {
    let count = thread::available_parallelism().map_or(1, usize::from);
    let limits = Limits::default();
    let limits = Limits { connections_max: limits.connections_max.div_ceil(count), ..limits };
    let (mut doors, mut threads) = (Vec::new(), Vec::new());
    for number in 0..count {
        let (door, connections) = mpsc::channel(WAITING_MAX);
        let (app, tls, stopped) = (app.clone(), plan.tls.clone(), stopped.clone());
        let passthrough = plan.token_passthrough;
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let serve = move || {
            runtime.block_on(async {
                let gate = app.gate.for_this_runtime();
                let mcp = Some(mcp_door(gate.clone(), &app.site, passthrough));
                let app = App { gate, mcp, ..app };
                web::serve_dealt(connections, web::router(app), limits, tls, stopped).await;
            });
        };
        threads.push(thread::Builder::new().name(format!("door-{number}")).spawn(serve)?);
        doors.push(door);
    }
    let stopped = stopped.clone();
    tokio::spawn(async move {
        if let Err(error) = web::deal(listener, doors, stopped).await {
            tracing::error!(%error, "no connections can be taken");
        }
    });
    Ok(threads)
}

/// The MCP door, for the routes of the HTTP door.
fn mcp_door(gate: Gate, site: &Site, passthrough: bool) -> McpDoor {
    let service_url = site.service_url.as_ref().map(|url| url.as_str().to_owned());
    mounted(mcp::Door::new(
        gate,
        mcp::Settings { service_url, passthrough, ..mcp::Settings::default() },
    ))
}

/// An MCP door, as the HTTP door takes it.
pub(crate) fn mounted(door: mcp::Door) -> McpDoor {
    McpDoor::new(move |request| {
        let door = door.clone();
        async move { door.answer(request).await }
    })
}

/// Connections that may wait for a door.
const WAITING_MAX: usize = 128;

#[cfg(unix)]
pub(crate) async fn wait_for_signal() {
    use tokio::signal::unix::{SignalKind, signal};
    match signal(SignalKind::terminate()) {
        Ok(mut terminate) => {
            tokio::select! {
                _ = terminate.recv() => {}
                _ = tokio::signal::ctrl_c() => {}
            }
        }
        Err(_) => drop(tokio::signal::ctrl_c().await),
    }
}

#[cfg(not(unix))]
pub(crate) async fn wait_for_signal() {
    let _ = tokio::signal::ctrl_c().await;
}
