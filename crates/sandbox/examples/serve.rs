//! Serves a sandbox until it is interrupted: `cargo run -p notegate-sandbox --example serve`.
//!
//! The first argument is where to listen, 127.0.0.1:3001 otherwise.

use std::io::Write as _;

use sandbox::{Options, Sandbox};

#[tokio::main(flavor = "current_thread")]
async fn main() -> std::io::Result<()> {
    let listen = std::env::args().nth(1).unwrap_or_else(|| "127.0.0.1:3001".to_owned());
    let listen = listen.parse().map_err(std::io::Error::other)?;
    let sandbox = Sandbox::start(Options { listen, ..Options::default() }).await?;
    let demo = serde_json::json!({"url": sandbox.url(), "demo": sandbox.demo()});
    writeln!(std::io::stdout(), "{demo:#}")?;
    std::future::pending::<()>().await;
    sandbox.shutdown().await?;
    Ok(())
}
