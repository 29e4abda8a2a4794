//! The MCP door with the fixtures of the conformance suite behind it, on a port of the system's choice,
//! until it is ended. `cargo xtask test --only mcp` runs it.
#![expect(clippy::print_stdout, reason = "tells where it serves")]

use std::net::TcpListener;
use std::sync::Arc;

use mcp::{Admission, Door, Settings};
use testkit::Kit;
use tokio::sync::watch;
use web::{App, Limits, McpDoor};

#[tokio::main]
async fn main() {
    // As the product does: clients may be documents.
    let documents = Some(Arc::new(gate::WebDocuments::new()) as Arc<dyn gate::Documents>);
    let kit = Kit::start_with(|options| options.authorization.documents = documents).await;
    let admission = Admission::Everybody(kit.operator());
    let door = Door::with_fixtures(kit.gate.clone(), Settings { admission, ..Settings::default() });
    let mcp = McpDoor::new(move |request| {
        let door = door.clone();
        async move { door.answer(request).await }
    });
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    // The one who lets the suite's client in has this key, of a gate that ends with the process.
    println!("{}", kit.admin);
    println!("http://{}/mcp", listener.local_addr().expect("an address"));
    let router = web::router(App { mcp: Some(mcp), ..App::new(kit.gate.clone()) });
    let (stop, stopped) = watch::channel(false);
    let served = tokio::spawn(web::serve_tcp(listener, router, Limits::default(), stopped));
    let mut ended =
        tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate()).expect("signals");
    ended.recv().await;
    let _ = stop.send(true);
    let _ = served.await;
    kit.finish().await;
}
