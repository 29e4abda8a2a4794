//! The MCP door: Notion's tools for agents. A message comes as an HTTP request, whatever it came over.
//!
//! A request comes through `front` (bounds, Host and Origin, who is calling), then through the SDK to
//! `server`, which knows methods and finds the tool; the tool makes calls at the gate (`caller`). Every
//! one of them takes the gate's nine steps: there is no other way to Notion here.
//!
//! Nothing is kept between requests, in either era of the protocol: who calls is found out each time.
//! Deliberately absent: HTTP servers, the store, policies, the environment.

mod agent;
mod answer;
mod caller;
#[cfg(feature = "conformance")]
mod fixtures;
mod front;
mod official;
mod server;
mod settings;
mod tool;
mod tools;

use std::fmt;
use std::sync::Arc;

use gate::Gate;
use rmcp::ServerHandler;
use rmcp::transport::streamable_http_server::session::never::NeverSessionManager;
use rmcp::transport::streamable_http_server::{StreamableHttpServerConfig, StreamableHttpService};

#[cfg(feature = "conformance")]
pub use fixtures::Fixtures;
pub use front::Body;
pub use server::Server;
pub use settings::{Admission, Settings};

/// The MCP door of a gate, with what answers behind it. A clone is another handle of the same one.
#[derive(Clone)]
pub struct Door<H = Server> {
    gate: Gate,
    settings: Arc<Settings>,
    /// The protocol, without sessions.
    protocol: StreamableHttpService<H, NeverSessionManager>,
}

impl<H> fmt::Debug for Door<H> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Door").field("settings", &self.settings).finish_non_exhaustive()
    }
}

impl Door {
    /// A door to `gate`.
    pub fn new(gate: Gate, settings: Settings) -> Self {
        let settings = Arc::new(settings);
        let server = Server::new(gate.clone(), settings.clone());
        Self::of(gate, settings, server)
    }
}

impl<H: ServerHandler + Clone> Door<H> {
    /// A door with that behind it.
    fn of(gate: Gate, settings: Arc<Settings>, handler: H) -> Self {
        let mut config = StreamableHttpServerConfig::default();
        config.legacy_session_mode = false;
        config.json_response = true;
        config.max_request_body_bytes = front::BODY_MAX;
        // Host and Origin are checked in front, where a refusal can say what to do.
        let config = config.disable_allowed_hosts();
        let protocol = StreamableHttpService::new(
            move || Ok(handler.clone()),
            Arc::new(NeverSessionManager::default()),
            config,
        );
        Self { gate, settings, protocol }
    }
}
