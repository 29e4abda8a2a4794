//! The accept loop: bounded connections, bounded time for the request head, no delay on sockets.
//!
//! Our own instead of axum's, because that one has no time-out for a request head that never ends.

use std::io;
use std::net::SocketAddr;
use std::pin::pin;
use std::time::Duration;

use axum::Router;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::sync::mpsc::error::TrySendError;
use tokio::sync::{Mutex, Semaphore, mpsc, watch};
use tower::ServiceExt;

use crate::leftover;
use crate::tls::Tls;

/// In the extensions of every request that came over TCP: who is at the other end of the connection.
/// That is the reverse proxy where there is one. Requests over the control socket have none.
#[derive(Clone, Copy, Debug)]
pub struct PeerAddress(pub SocketAddr);

/// In the extensions of every request that came over the gate's own TLS.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Encrypted;

/// What the accept loop allows.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Connections at once; more wait in the kernel's queue.
    pub connections_max: usize,
    /// For the head of a request, also for the next one on an idle connection.
    pub head_timeout: Duration,
    /// For calls that are under way when the server stops.
    pub drain_timeout: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connections_max: 4096,
            head_timeout: Duration::from_secs(30),
            drain_timeout: Duration::from_secs(30),
        }
    }
}

/// Serves TCP until `stop` turns true; then lets calls end.
pub async fn serve_tcp(
    listener: std::net::TcpListener,
    router: Router,
    limits: Limits,
    stop: watch::Receiver<bool>,
) -> io::Result<()> {
    listener.set_nonblocking(true)?;
    let listener = tokio::net::TcpListener::from_std(listener)?;
    serve(listener, router, limits, None, stop).await;
    Ok(())
}

/// Serves a Unix socket until `stop` turns true; then lets calls end.
#[cfg(unix)]
pub async fn serve_unix(
    listener: tokio::net::UnixListener,
    router: Router,
    limits: Limits,
    stop: watch::Receiver<bool>,
) {
    serve(listener, router, limits, None, stop).await;
}

/// Hands connections out to several doors in turn, so that they share the work evenly, until `stop`
/// turns true. A door that is full is passed over.
pub async fn deal(
    listener: std::net::TcpListener,
    doors: Vec<mpsc::Sender<std::net::TcpStream>>,
    mut stop: watch::Receiver<bool>,
) -> io::Result<()> {
    listener.set_nonblocking(true)?;
    let listener = tokio::net::TcpListener::from_std(listener)?;
    let mut turn = 0;
    loop {
        let accepted = tokio::select! {
            accepted = Accept::accept(&listener) => accepted.and_then(TcpStream::into_std),
            _ = stop.wait_for(|stop| *stop) => return Ok(()),
        };
        let mut socket = match accepted {
            Ok(socket) => socket,
            Err(error) => {
                pause_after(&error).await;
                continue;
            }
        };
        for _ in 0..doors.len() {
            turn = (turn + 1) % doors.len();
            match doors[turn].try_send(socket) {
                Ok(()) => break,
                // The last one to say no drops the connection: every door is full.
                Err(TrySendError::Full(back) | TrySendError::Closed(back)) => socket = back,
            }
        }
    }
}

/// Serves the connections that [`deal`] hands over, until `stop` turns true; then lets calls end.
/// With `tls`, they speak https.
pub async fn serve_dealt(
    connections: mpsc::Receiver<std::net::TcpStream>,
    router: Router,
    limits: Limits,
    tls: Option<Tls>,
    stop: watch::Receiver<bool>,
) {
    serve(Dealt(Mutex::new(connections)), router, limits, tls, stop).await;
}

struct Dealt(Mutex<mpsc::Receiver<std::net::TcpStream>>);

impl Accept for Dealt {
    type Socket = TcpStream;

    async fn accept(&self) -> io::Result<TcpStream> {
        match self.0.lock().await.recv().await {
            Some(socket) => TcpStream::from_std(socket),
            // Nobody deals any more: the server is about to be told to stop.
            None => std::future::pending().await,
        }
    }

    fn peer(socket: &TcpStream) -> Option<PeerAddress> {
        peer_of(socket)
    }
}

/// Out of file descriptors, most likely: spinning would only make it worse.
async fn pause_after(error: &io::Error) {
    tracing::warn!(%error, "a connection could not be accepted");
    tokio::time::sleep(Duration::from_millis(100)).await;
}

/// What connections come from.
trait Accept {
    type Socket: AsyncRead + AsyncWrite + Send + Unpin + 'static;

    fn accept(&self) -> impl Future<Output = io::Result<Self::Socket>> + Send;

    /// Who is at the other end, where that has an address.
    fn peer(_socket: &Self::Socket) -> Option<PeerAddress> {
        None
    }
}

fn peer_of(socket: &TcpStream) -> Option<PeerAddress> {
    socket.peer_addr().ok().map(PeerAddress)
}

impl Accept for tokio::net::TcpListener {
    type Socket = TcpStream;

    async fn accept(&self) -> io::Result<Self::Socket> {
        let (socket, _) = self.accept().await?;
        socket.set_nodelay(true)?;
        Ok(socket)
    }

    fn peer(socket: &TcpStream) -> Option<PeerAddress> {
        peer_of(socket)
    }
}

#[cfg(unix)]
impl Accept for tokio::net::UnixListener {
    type Socket = tokio::net::UnixStream;

    async fn accept(&self) -> io::Result<Self::Socket> {
        self.accept().await.map(|(socket, _)| socket)
    }
}

/// An error means that nobody is left who could say stop: then it is time.
async fn until_told(mut stop: watch::Receiver<bool>) {
    let _ = stop.wait_for(|stop| *stop).await;
}

async fn serve<A: Accept>(
    listener: A,
    router: Router,
    limits: Limits,
    tls: Option<Tls>,
    stop: watch::Receiver<bool>,
) {
    let graceful = GracefulShutdown::new();
    let places = std::sync::Arc::new(Semaphore::new(limits.connections_max));
    let mut stopped = pin!(until_told(stop.clone()));
    loop {
        let place = tokio::select! {
            place = places.clone().acquire_owned() => place,
            () = &mut stopped => break,
        };
        let socket = tokio::select! {
            socket = Accept::accept(&listener) => socket,
            () = &mut stopped => break,
        };
        let socket = match socket {
            Ok(socket) => socket,
            Err(error) => {
                pause_after(&error).await;
                continue;
            }
        };
        let (peer, encrypted) = (A::peer(&socket), tls.is_some());
        let router = router.clone();
        let service = service_fn(move |mut request: http::Request<Incoming>| {
            if let Some(peer) = peer {
                request.extensions_mut().insert(peer);
            }
            if encrypted {
                request.extensions_mut().insert(Encrypted);
            }
            let (request, leftover) = leftover::lend(request);
            let answer = router.clone().oneshot(request.map(axum::body::Body::new));
            async move {
                let answer = answer.await;
                leftover.discard();
                answer
            }
        });
        let mut http = http1::Builder::new();
        http.timer(TokioTimer::new()).header_read_timeout(limits.head_timeout);
        let (watcher, tls, stop) = (graceful.watcher(), tls.clone(), stop.clone());
        tokio::spawn(async move {
            let _place = place;
            // The caller went away, or sent what is no HTTP: nothing to do and nobody to tell.
            let _ = match tls {
                None => watcher.watch(http.serve_connection(TokioIo::new(socket), service)).await,
                Some(tls) => {
                    // A handshake is no call yet: it may be cut off at a stop.
                    let socket = tokio::select! {
                        socket = tls.accept(socket) => socket,
                        () = until_told(stop) => None,
                    };
                    let Some(socket) = socket else { return };
                    watcher.watch(http.serve_connection(TokioIo::new(socket), service)).await
                }
            };
        });
    }
    if tokio::time::timeout(limits.drain_timeout, graceful.shutdown()).await.is_err() {
        tracing::warn!("calls were still under way after the time to end them; they are cut off");
    }
}
