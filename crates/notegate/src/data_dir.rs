//! The data directory: private, used by one process at a time, with the master key if no other place
//! was named for it.

use std::fs::{self, File, TryLockError};
use std::io::Write;
use std::path::{Path, PathBuf};

use anyhow::{Context, anyhow};
use vault::Keyring;

use crate::failure::Failure;
use crate::master_key::MasterKeys;

const LOCK: &str = "lock";
pub(crate) const MASTER_KEY: &str = "master.key";
const DATABASE: &str = "notegate.sqlite";
const SOCKET: &str = "control.sock";

/// A data directory that this process holds; let go when it is dropped.
#[derive(Debug)]
pub(crate) struct DataDir {
    path: PathBuf,
    _lock: File,
}

/// Where the master key came from.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum MasterKeySource {
    /// It was given.
    Given,
    /// It lay in the data directory.
    Found,
    /// It was made now, in the data directory.
    Made,
}

impl DataDir {
    /// Opens `path`, creates it if it is not there, and holds it; `None` if another process does.
    pub(crate) fn try_open(path: &Path) -> Result<Option<Self>, Failure> {
        let shown = path.display();
        if !path.exists() {
            create_private(path)
                .with_context(|| format!("the data directory {shown} cannot be created"))
                .map_err(Failure::could_not)?;
        }
        if !path.is_dir() {
            return Err(Failure::usage(anyhow!(
                "{shown} is no directory: choose another with --data-dir"
            )));
        }
        let lock = private_file().append(true).create(true).open(path.join(LOCK));
        let lock = lock
            .with_context(|| format!("the data directory {shown} cannot be written"))
            .map_err(Failure::could_not)?;
        match lock.try_lock() {
            Ok(()) => Ok(Some(Self { path: path.to_owned(), _lock: lock })),
            Err(TryLockError::WouldBlock) => Ok(None),
            Err(TryLockError::Error(error)) => {
                let context = format!("the data directory {shown} cannot be locked");
                Err(Failure::could_not(anyhow::Error::new(error).context(context)))
            }
        }
    }

    /// Makes a directory for one command, which its owner alone can read.
    pub(crate) fn create_passing(path: &Path) -> std::io::Result<()> {
        match fs::remove_dir_all(path) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(error),
            _ => create_private(path),
        }
    }

    /// Like [`DataDir::try_open`], where another process is an error.
    pub(crate) fn open(path: &Path) -> Result<Self, Failure> {
        Self::try_open(path)?.ok_or_else(|| {
            Failure::could_not(anyhow!(
                "the data directory {} is in use by another notegate: stop that one, or choose \
                 another directory with --data-dir",
                path.display()
            ))
        })
    }

    /// The directory itself.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// The database file.
    pub(crate) fn database(&self) -> PathBuf {
        self.path.join(DATABASE)
    }

    /// Whether `path` is a directory that a gate has used.
    pub(crate) fn is_one(path: &Path) -> bool {
        path.join(DATABASE).is_file()
    }

    /// The socket through which commands on this machine reach a gate that runs.
    pub(crate) fn socket(path: &Path) -> PathBuf {
        path.join(SOCKET)
    }

    /// The master keys: what the source has, or a new one in the directory if it is to have them.
    pub(crate) async fn master_keys(
        &self,
        source: &MasterKeys,
    ) -> Result<(Keyring, MasterKeySource), Failure> {
        let read = source.read().await.map_err(match source {
            MasterKeys::Command(_) => Failure::could_not,
            _ => Failure::usage,
        });
        if let Some(keyring) = read? {
            let from = match source {
                MasterKeys::DataDirectory(_) => MasterKeySource::Found,
                _ => MasterKeySource::Given,
            };
            return Ok((keyring, from));
        }
        if self.database().exists() {
            return Err(Failure::usage(anyhow!(
                "the data directory {} was made with a master key that is not there: set \
                 NOTEGATE_MASTER_KEY or NOTEGATE_MASTER_KEY_FILE to it",
                self.path.display()
            )));
        }
        let keyring = source.make(&self.path.join(MASTER_KEY)).map_err(Failure::could_not)?;
        Ok((keyring, MasterKeySource::Made))
    }
}

/// A path to the same socket that is short enough for the kernel (108 bytes), with what must stay open
/// while it is used.
#[cfg(unix)]
pub(crate) fn short_path(socket: &Path) -> std::io::Result<(PathBuf, Option<File>)> {
    const LENGTH_MAX: usize = 100;
    let (Some(directory), Some(name)) = (socket.parent(), socket.file_name()) else {
        return Ok((socket.to_owned(), None));
    };
    if socket.as_os_str().len() <= LENGTH_MAX || !cfg!(target_os = "linux") {
        return Ok((socket.to_owned(), None));
    }
    let directory = File::open(directory)?;
    let number = std::os::fd::AsRawFd::as_raw_fd(&directory);
    Ok((Path::new("/proc/self/fd").join(number.to_string()).join(name), Some(directory)))
}

fn create_private(path: &Path) -> std::io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(path)
}

fn private_file() -> fs::OpenOptions {
    let mut options = fs::OpenOptions::new();
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options
}

/// A new file that only its owner can read, in place of an older one.
pub(crate) fn create_private_file(path: &Path) -> std::io::Result<File> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(error),
        _ => private_file().write(true).create_new(true).open(path),
    }
}

/// Writes a file that only its owner can read, whole or not at all.
pub(crate) fn write_private(path: &Path, text: &str) -> std::io::Result<()> {
    let mut name = path.as_os_str().to_owned();
    name.push(".new");
    let new = PathBuf::from(name);
    let _ = fs::remove_file(&new);
    let mut file = private_file().write(true).create_new(true).open(&new)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()?;
    fs::rename(&new, path)?;
    // The new name, too, must survive a power cut.
    #[cfg(unix)]
    if let Some(directory) = path.parent().filter(|it| !it.as_os_str().is_empty()) {
        File::open(directory)?.sync_all()?;
    }
    Ok(())
}
