//! The gate of an installation. Only one process at a time can have it: whoever is first opens it and
//! answers on its socket, others send their messages there. When that process ends, one of the others takes
//! its place, with the next message.

use std::path::{Path, PathBuf};

use anyhow::anyhow;
use bytes::Bytes;
use http::{Request, Response};
use http_body_util::Full;
use tokio::sync::{RwLock, RwLockReadGuard};

use super::Args;
use super::here::Here;
use crate::failure::Failure;
use crate::local::{Body, Found, Reached};

/// The gate of an installation.
pub(super) struct Installation {
    args: Args,
    now: RwLock<Now>,
}

/// Who has it.
enum Now {
    /// Another process, which answers on this socket.
    There(PathBuf),
    /// This one.
    Here(Box<Here>),
}

impl Installation {
    /// Finds it, and opens it if nobody has it.
    pub(super) async fn find(args: Args) -> Result<Self, Failure> {
        let now = RwLock::new(find(&args).await?);
        Ok(Self { args, now })
    }

    /// Whether another process has it at the moment.
    pub(super) async fn is_there(&self) -> bool {
        matches!(*self.now.read().await, Now::There(_))
    }

    pub(super) async fn send(
        &self,
        request: Request<Full<Bytes>>,
    ) -> anyhow::Result<Response<Body>> {
        let mut now = self.now.read().await;
        loop {
            let socket = match &*now {
                Now::Here(here) => return Ok(here.answer(request).await),
                Now::There(socket) => socket.clone(),
            };
            // Once a message is on its way, it may have done something: it is not sent again.
            if let Ok(reached) = Reached::through(&socket).await {
                drop(now);
                return reached.send(request).await.map_err(told);
            }
            drop(now);
            now = self.take_over(&socket).await.map_err(told)?;
        }
    }

    /// Looks again, since nobody answers on `socket` any more.
    async fn take_over(&self, socket: &Path) -> Result<RwLockReadGuard<'_, Now>, Failure> {
        let mut now = self.now.write().await;
        if matches!(&*now, Now::There(gone) if gone.as_path() == socket) {
            *now = find(&self.args).await?;
        }
        Ok(now.downgrade())
    }

    /// Lets go of it.
    pub(super) async fn close(self) {
        if let Now::Here(here) = self.now.into_inner() {
            here.close().await;
        }
    }
}

fn told(failure: Failure) -> anyhow::Error {
    anyhow!("{failure}")
}

async fn find(args: &Args) -> Result<Now, Failure> {
    Ok(match Found::at(args.settings()?).await? {
        Found::Running(socket) => Now::There(socket),
        Found::Ours(dir, settings) => {
            Now::Here(Box::new(Here::of_directory(dir, settings, args).await?))
        }
    })
}
