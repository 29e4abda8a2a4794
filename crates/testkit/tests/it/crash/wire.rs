//! The wire between a gate and Notion: each request can die with the process, get lost, or come back in
//! pieces.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::client::legacy::Client;
use hyper_util::rt::{TokioExecutor, TokioIo};
use testkit::{Dead, Death};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

/// What becomes of a request.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Fate {
    Passes,
    NeverArrives,
    AnswerLost,
    HalfAnswer,
    FailsAfterwards,
    Slow,
}

/// Decides what becomes of a request, by its path.
pub(crate) type Fates = Arc<dyn Fn(&str) -> Fate + Send + Sync>;

/// A wire, as long as it is kept.
pub(crate) struct Wire {
    pub(crate) url: String,
    task: JoinHandle<()>,
}

impl Drop for Wire {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Wire {
    pub(crate) async fn lay(upstream: String, death: Arc<Death>, fates: Fates) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let url = format!("http://{}", listener.local_addr().expect("an address"));
        let client = Client::builder(TokioExecutor::new()).build_http::<Full<Bytes>>();
        let task = tokio::spawn(async move {
            loop {
                let Ok((socket, _)) = listener.accept().await else { return };
                let (upstream, death) = (upstream.clone(), death.clone());
                let (fates, client) = (fates.clone(), client.clone());
                let service = service_fn(move |request| {
                    relay(upstream.clone(), death.clone(), fates.clone(), client.clone(), request)
                });
                tokio::spawn(
                    hyper::server::conn::http1::Builder::new()
                        .serve_connection(TokioIo::new(socket), service),
                );
            }
        });
        Self { url, task }
    }
}

type Http = Client<hyper_util::client::legacy::connect::HttpConnector, Full<Bytes>>;

/// An error closes the connection without an answer.
async fn relay(
    upstream: String,
    death: Arc<Death>,
    fates: Fates,
    client: Http,
    request: hyper::Request<Incoming>,
) -> Result<hyper::Response<Full<Bytes>>, Dead> {
    let (mut parts, body) = request.into_parts();
    let path = parts.uri.path().to_owned();
    let what = format!("{} {path}", parts.method);
    death.passes(&what, "before")?;
    let fate = fates(&path);
    if fate == Fate::NeverArrives {
        return Err(Dead);
    }
    let body = body.collect().await.map_err(|_| Dead)?.to_bytes();
    let address = format!("{upstream}{}", parts.uri.path_and_query().map_or("", |it| it.as_str()));
    parts.uri = address.parse().map_err(|_| Dead)?;
    parts.headers.remove("host");
    let sent = client.request(hyper::Request::from_parts(parts, Full::new(body))).await;
    let (parts, body) = sent.map_err(|_| Dead)?.into_parts();
    let body = body.collect().await.map_err(|_| Dead)?.to_bytes();
    let answer = match fate {
        Fate::AnswerLost => return Err(Dead),
        Fate::HalfAnswer => {
            let half = body.slice(..body.len() / 2);
            hyper::Response::builder().status(parts.status).body(Full::new(half))
        }
        Fate::FailsAfterwards => {
            hyper::Response::builder().status(502).body(Full::new("Bad Gateway".into()))
        }
        Fate::Slow => {
            tokio::time::sleep(Duration::from_millis(60)).await;
            Ok(hyper::Response::from_parts(parts, Full::new(body)))
        }
        Fate::Passes | Fate::NeverArrives => {
            Ok(hyper::Response::from_parts(parts, Full::new(body)))
        }
    };
    death.passes(&what, "after")?;
    answer.map_err(|_| Dead)
}
