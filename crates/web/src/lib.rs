//! The HTTP doors: `/v1` (Notion's REST API), `/api/v1` (notegate's own), `/dashboard` (pages for
//! admins), health and metrics.
//!
//! A handler extracts, makes one call into the gate, and shapes the answer. Nothing here decides
//! anything. Deliberately absent: the store, policies, the environment.

mod api;
mod caller;
mod dashboard;
mod flow_cookie;
mod health;
mod install;
mod leftover;
mod log;
mod mcp;
mod metrics;
mod oauth;
mod oidc;
mod openapi;
mod problem;
mod routes;
mod server;
mod session;
mod site;
mod tls;
mod v1;
mod webhooks;

use std::sync::Arc;

use axum::middleware::from_fn_with_state;
use axum::{Extension, Router};
use gate::{Gate, Limiter, Source};

pub use dashboard::AccessRuns;
pub use install::{BadRedirectUri, CALLBACK_PATH, check_redirect_uri};
pub use mcp::McpDoor;
pub use metrics::Metrics;
pub use oidc::{OIDC_CALLBACK_PATH, SIGNED_OUT_PATH};
pub use routes::{DeclaredRoute, declared_routes};
pub use server::{Limits, PeerAddress, deal, serve_dealt, serve_tcp, serve_unix};
pub use site::{BadServiceUrl, ServiceUrl, Site};
pub use tls::{BadCertificate, Tls};

/// What every handler gets.
#[derive(Clone, Debug)]
pub struct App {
    /// The gate.
    pub gate: Gate,
    /// The counters.
    pub metrics: Arc<Metrics>,
    /// How callers reach this gate.
    pub site: Arc<Site>,
    /// How often one source may try to sign in.
    pub sign_ins: Arc<Limiter<Source>>,
    /// How often clients may register from one source.
    pub registrations: Arc<Limiter<Source>>,
    /// How often requests of clients are read from one source, before anybody is signed in.
    pub asking: Arc<Limiter<Source>>,
    /// The access reports that the dashboard has made.
    pub access_runs: Arc<AccessRuns>,
    /// The MCP door, if there is one.
    pub mcp: Option<McpDoor>,
}

/// Attempts to sign in that one source has in a minute.
const SIGN_INS_PER_MINUTE: u32 = 10;
/// Requests of clients that one source can send people with, before they are signed in, in a minute.
const ASKING_PER_MINUTE: u32 = 60;
/// Clients that may register from one source in a minute.
const REGISTRATIONS_PER_MINUTE: u32 = 30;

impl App {
    /// A gate behind its doors, reached over plain HTTP.
    pub fn new(gate: Gate) -> Self {
        let sign_ins = Arc::new(Limiter::new(SIGN_INS_PER_MINUTE));
        Self {
            gate,
            metrics: Arc::default(),
            site: Arc::default(),
            sign_ins,
            registrations: Arc::new(Limiter::new(REGISTRATIONS_PER_MINUTE)),
            asking: Arc::new(Limiter::new(ASKING_PER_MINUTE)),
            access_runs: Arc::default(),
            mcp: None,
        }
    }
}

/// All routes.
pub fn router(app: App) -> Router {
    // One layer around everything: request id, the log line, counters, and a last resort for panics.
    routes()
        .guarded(app.clone())
        .fallback(problem::no_route)
        .layer(from_fn_with_state(app.clone(), site::require_tls))
        .layer(from_fn_with_state(app.clone(), log::around))
        .with_state(app)
}

/// Every route, with what it needs.
fn routes() -> routes::Routes {
    routes::Routes::new()
        .merge(health::routes())
        .merge(api::routes())
        .merge(v1::routes())
        .merge(dashboard::routes())
        .merge(install::routes())
        .merge(oidc::routes())
        .merge(oauth::routes())
        .merge(webhooks::routes())
        .merge(mcp::routes())
}

/// All routes, every caller taken for the operator: only for those who can open the data directory.
pub fn operator_router(app: App) -> Router {
    router(app).layer(Extension(caller::LocalOperator))
}
