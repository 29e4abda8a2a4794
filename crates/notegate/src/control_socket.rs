//! The socket in a data directory, by which commands on this machine reach the gate that runs there. The
//! gate itself does not need it.

use std::path::{Path, PathBuf};

use tokio::sync::watch;
use tokio::task::JoinHandle;
use web::{App, Limits};

use crate::data_dir::{self, DataDir};

/// A socket that is served.
#[derive(Debug)]
pub(crate) struct ControlSocket {
    path: PathBuf,
    task: JoinHandle<()>,
}

impl ControlSocket {
    /// Serves `app` there, to whoever may open the socket, as the operator, until `stopped` turns true.
    #[cfg(unix)]
    pub(crate) fn open(data_dir: &Path, app: App, stopped: watch::Receiver<bool>) -> Option<Self> {
        use std::os::unix::fs::PermissionsExt;
        let path = DataDir::socket(data_dir);
        let _ = std::fs::remove_file(&path);
        let listener = data_dir::short_path(&path).and_then(|(short, _directory)| {
            let listener = tokio::net::UnixListener::bind(short)?;
            std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600))?;
            Ok(listener)
        });
        match listener {
            Ok(listener) => {
                let router = web::operator_router(app);
                let served = web::serve_unix(listener, router, Limits::default(), stopped);
                Some(Self { path, task: tokio::spawn(served) })
            }
            Err(error) => {
                tracing::warn!(%error, path = %path.display(), "no control socket: `notegate keys` and `notegate audit` work only while the gate is stopped");
                None
            }
        }
    }

    /// There are no such sockets here.
    #[cfg(not(unix))]
    pub(crate) fn open(_: &Path, _: App, _: watch::Receiver<bool>) -> Option<Self> {
        None
    }

    /// Waits until calls under way have ended, after `stopped` turned true; the socket goes.
    pub(crate) async fn ended(self) {
        let _ = self.task.await;
        let _ = std::fs::remove_file(self.path);
    }
}
