//! The running server, and how others start it.

use std::convert::Infallible;
use std::fmt;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use axum::Router;
use http::Request;
use hyper::body::Incoming;
use hyper_util::rt::TokioIo;
use serde_json::Value;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tower::ServiceExt;

use crate::app::{self, App, Dropped};
use crate::seed::{self, Demo};
use crate::transfer;
use crate::webhooks;
use crate::workspaces::Workspaces;
use crate::world::World;
use crate::world::oauth::Client;

/// What the world holds at first.
#[derive(Clone, Debug, Default)]
pub enum Seed {
    /// A team's workspace with some 150 objects; the same ids every time.
    #[default]
    Demo,
    /// A workspace with one person and nothing in it.
    Empty,
    /// A world, as `GET /_sandbox/state` writes it.
    File(Value),
    /// A file with such a world, or a directory of pages, tables and `workspace.toml`.
    Path(PathBuf),
}

/// How to start a sandbox.
#[derive(Clone, Debug)]
pub struct Options {
    /// Where to listen; port 0 picks one.
    pub listen: SocketAddr,
    /// What the world holds at first.
    pub seed: Seed,
    /// Where the world is kept between runs: read at the start if it exists, written at the end.
    pub state_file: Option<PathBuf>,
    /// Whether Notion's limits of requests per minute hold from the start.
    pub limits: bool,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
            seed: Seed::default(),
            state_file: None,
            limits: false,
        }
    }
}

/// A sandbox that runs; it stops when this is dropped.
pub struct Sandbox {
    address: SocketAddr,
    demo: Option<Demo>,
    app: Arc<App>,
    stop: watch::Sender<bool>,
    tasks: Vec<JoinHandle<()>>,
}

impl fmt::Debug for Sandbox {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sandbox").field("url", &self.url()).finish_non_exhaustive()
    }
}

impl Sandbox {
    /// Starts a sandbox; it serves when this returns.
    pub async fn start(options: Options) -> std::io::Result<Self> {
        let (app, demo) = build(&options)?;
        let listener = TcpListener::bind(options.listen).await?;
        let address = listener.local_addr()?;
        let (stop, stopped) = watch::channel(false);
        let router = app::router(Arc::new(Workspaces::new(app.clone(), options)));
        let tasks = vec![
            tokio::spawn(accept(listener, router, stopped.clone())),
            tokio::spawn(webhooks::run(app.clone(), stopped)),
        ];
        Ok(Self { address, demo, app, stop, tasks })
    }

    /// Where it is: `http://127.0.0.1:PORT`, without a slash at the end.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Where its control routes are.
    pub fn control_url(&self) -> String {
        format!("{}/_sandbox", self.url())
    }

    /// Ids and tokens of the demo workspace, if that is what it began with.
    pub fn demo(&self) -> Option<Demo> {
        self.demo.clone()
    }

    /// Names and tokens of its connections, in order of creation.
    pub fn tokens(&self) -> Vec<(String, String)> {
        let inner = self.app.lock();
        let connections = inner.world.connections.values();
        connections.filter_map(|one| Some((one.name.clone(), one.token.clone()?))).collect()
    }

    /// Registers an app, as in Notion's developer portal: one with all capabilities that people are
    /// sent back from to `redirect_uri`. Gives its id and secret.
    pub fn add_client(&self, name: &str, redirect_uri: &str) -> (String, String) {
        let world = &mut self.app.lock().world;
        let client = Client::new(&mut world.ids, name, vec![redirect_uri.to_owned()]);
        let shown = (client.id.to_string(), client.secret.clone());
        world.oauth.clients.insert(client.id, client);
        shown
    }

    /// The routes of a sandbox without a server, for tests in process, with the demo's ids.
    ///
    /// A fault that cuts the connection answers 503 here.
    pub fn router(options: &Options) -> std::io::Result<(Router, Option<Demo>)> {
        let (app, demo) = build(options)?;
        Ok((app::router(Arc::new(Workspaces::new(app, options.clone()))), demo))
    }

    /// Stops it, waits until it has, and writes the state file.
    pub async fn shutdown(mut self) -> std::io::Result<()> {
        self.stop.send_replace(true);
        for task in std::mem::take(&mut self.tasks) {
            // A cancelled task has stopped as well.
            let _ = task.await;
        }
        self.app.save()
    }
}

impl Drop for Sandbox {
    fn drop(&mut self) {
        self.stop.send_replace(true);
        // Nobody is left to hear of a failure; `shutdown` tells.
        if !self.tasks.is_empty() {
            let _ = self.app.save();
        }
    }
}

fn build(options: &Options) -> std::io::Result<(Arc<App>, Option<Demo>)> {
    let (seed, demo) = match &options.seed {
        Seed::Demo => {
            let (world, demo) = seed::demo();
            (world, Some(demo))
        }
        Seed::Empty => (seed::empty(), None),
        Seed::File(value) => {
            let world: World = serde_json::from_value(value.clone())?;
            world.check().map_err(std::io::Error::other)?;
            (world, None)
        }
        Seed::Path(path) if path.is_dir() => {
            let world = seed::files::read(path).map_err(|problem| {
                std::io::Error::new(std::io::ErrorKind::InvalidData, problem.to_string())
            })?;
            (world, None)
        }
        Seed::Path(path) => (read(path)?, None),
    };
    let kept = match &options.state_file {
        Some(path) if path.exists() => Some(read(path)?),
        _ => None,
    };
    let world = kept.unwrap_or_else(|| seed.clone());
    Ok((Arc::new(App::new(seed, world, options)), demo))
}

/// Reads a world from a file, as `GET /_sandbox/state` wrote it.
fn read(path: &Path) -> std::io::Result<World> {
    let wrong = |error: String| {
        let text = format!("{} is not a world of the sandbox: {error}", path.display());
        std::io::Error::new(std::io::ErrorKind::InvalidData, text)
    };
    transfer::read(std::fs::File::open(path)?).map_err(wrong)
}

async fn accept(listener: TcpListener, router: Router, mut stopped: watch::Receiver<bool>) {
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            _ = stopped.changed() => return,
        };
        // A failed accept is about one client, or passes (no file handles left).
        let Ok((stream, _)) = accepted else {
            tokio::time::sleep(std::time::Duration::from_millis(10)).await;
            continue;
        };
        tokio::spawn(serve(stream, router.clone(), stopped.clone()));
    }
}

/// A fault asked for the connection to be cut.
#[derive(Debug)]
struct Cut;

impl fmt::Display for Cut {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a fault cut the connection")
    }
}

impl std::error::Error for Cut {}

async fn serve(stream: TcpStream, router: Router, mut stopped: watch::Receiver<bool>) {
    if stream.set_nodelay(true).is_err() {
        return;
    }
    let service = hyper::service::service_fn(move |request: Request<Incoming>| {
        let router = router.clone();
        async move {
            let answered: Result<_, Infallible> =
                router.oneshot(request.map(axum::body::Body::new)).await;
            match answered {
                Ok(response) if response.extensions().get::<Dropped>().is_some() => Err(Cut),
                Ok(response) => Ok(response),
                Err(never) => match never {},
            }
        }
    });
    let connection =
        hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), service);
    tokio::pin!(connection);
    tokio::select! {
        // Whatever ends a connection concerns its client only.
        _ = &mut connection => {}
        _ = stopped.changed() => {
            connection.as_mut().graceful_shutdown();
            let _ = connection.await;
        }
    }
}
