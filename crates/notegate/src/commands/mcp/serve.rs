//! Serves the gate of this process over HTTP, to many clients.

use std::net::{IpAddr, SocketAddr, TcpListener};
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::{Context, anyhow};
use mcp::{Admission, Door};
use model::{ExposeSecret, SecretString};
use tokio::sync::watch;
use vault::SystemChance;
use web::{App, Limits, Site};

use super::Args;
use super::here::{Here, door_settings};
use crate::Done;
use crate::commands::serve::{mounted, wait_for_signal};
use crate::data_dir;
use crate::failure::Failure;
use crate::settings::Settings;

pub(super) async fn http(args: &Args, here: &Here, settings: &mut Settings) -> Done {
    let listener = listen(args)?;
    let address = listener.local_addr().map_err(Failure::could_not)?;
    let (admission, file) = admission(args, here, settings)?;
    let door = Door::new(
        here.gate.clone(),
        mcp::Settings {
            passthrough: settings.switch("ENABLE_TOKEN_PASSTHROUGH"),
            admission,
            ..door_settings(args, here.token().cloned())
        },
    );
    let mcp = mounted(door);
    let site = Arc::new(Site::default());
    let router = web::router(App { mcp: Some(mcp), site, ..App::new(here.gate.clone()) });
    eprintln!("notegate: serving MCP at http://{address}/mcp");
    if args.is_open() {
        eprintln!("notegate: everybody who reaches this address is let in (--unsafe-disable-auth)");
    }
    if let Some(file) = &file {
        eprintln!("notegate: the bearer token for clients is in {}", file.display());
    }
    let (stop, stopped) = watch::channel(false);
    let served = tokio::spawn(web::serve_tcp(listener, router, Limits::default(), stopped));
    wait_for_signal().await;
    let _ = stop.send(true);
    let _ = served.await;
    if let Some(file) = file {
        let _ = std::fs::remove_file(file);
    }
    Ok(ExitCode::SUCCESS)
}

fn listen(args: &Args) -> Result<TcpListener, Failure> {
    let bare = args.host.trim_start_matches('[').trim_end_matches(']');
    let listener = match bare.parse::<IpAddr>() {
        Ok(address) => TcpListener::bind(SocketAddr::new(address, args.port)),
        Err(_) => TcpListener::bind((bare, args.port)),
    };
    let hint = || {
        format!(
            "cannot listen on {} port {}: choose others with --host and --port (0 picks a port)",
            args.host, args.port
        )
    };
    listener.with_context(hint).map_err(Failure::could_not)
}

/// Who is let in, and the file that has the token if one was made.
fn admission(
    args: &Args,
    here: &Here,
    settings: &Settings,
) -> Result<(Admission, Option<std::path::PathBuf>), Failure> {
    let operator = here.gate.operator();
    if args.is_open() {
        return Ok((Admission::Everybody(operator), None));
    }
    let given = args.auth_token.clone().map(SecretString::from);
    if let Some(token) = given.or_else(|| settings.secret("AUTH_TOKEN").cloned()) {
        if token.expose_secret().trim().is_empty() {
            return Err(Failure::usage(anyhow!(
                "the token of --auth-token or AUTH_TOKEN is empty"
            )));
        }
        return Ok((Admission::Secret(token, operator), None));
    }
    // An installation has keys of its own.
    if here.has_keys() {
        return Ok((Admission::Shown, None));
    }
    let token = model::chance::base62(&SystemChance::new(), 43);
    let file =
        std::env::temp_dir().join(format!(".notegate-mcp-auth-token-{}", std::process::id()));
    data_dir::write_private(&file, &token)
        .with_context(|| format!("the token file {} cannot be written", file.display()))
        .map_err(Failure::could_not)?;
    Ok((Admission::Secret(token.into(), operator), Some(file)))
}
