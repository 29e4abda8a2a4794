//! Where the master keys come from: the environment, a file, a command, or the data directory itself.

use std::path::{Path, PathBuf};

use async_trait::async_trait;
use gate::{KeySource, KeySourceError, KeySourceKind};
use model::{ExposeSecret, SecretString};
use vault::{Keyring, MasterKey, MasterKeyId, SystemChance};

use crate::data_dir::{MASTER_KEY, write_private};
use crate::key_command::KeyCommand;
use crate::secret;
use crate::settings::{Settings, Source};

const NAME: &str = "NOTEGATE_MASTER_KEY";
const COMMAND: &str = "NOTEGATE_MASTER_KEY_COMMAND";

/// Where the master keys come from. The variable and the command are as they were at the start; files
/// and the command's output are read again each time.
#[derive(Debug)]
pub(crate) enum MasterKeys {
    /// The text of the variable.
    Environment(SecretString),
    /// The file that a variable names.
    File(PathBuf),
    /// What a command prints.
    Command(KeyCommand),
    /// `master.key` in the data directory.
    DataDirectory(PathBuf),
}

impl MasterKeys {
    /// What the settings say; notes what is wrong with it.
    pub(crate) fn of(settings: &mut Settings, data_dir: &Path) -> Self {
        let given = settings.secret(NAME).cloned();
        let command = settings.text(COMMAND).map(str::to_owned);
        let source = settings.source(NAME).cloned();
        if let (Some(source), true) = (&source, command.is_some()) {
            settings
                .fault(format!("{COMMAND} is set, and {NAME}, too ({source}): keep one of them"));
        }
        if let Some(Err(error)) = given.as_ref().map(Keyring::parse) {
            settings.fault(format!("{NAME}: {error}"));
        }
        if let Some(text) = command {
            match KeyCommand::parse(&text) {
                Ok(command) => return Self::Command(command),
                Err(fault) => settings.fault(format!("{COMMAND}: {fault}")),
            }
        }
        match (given, source) {
            (Some(_), Some(Source::SecretFile(path))) => Self::File(path),
            (Some(text), _) => Self::Environment(text),
            (None, _) => Self::DataDirectory(data_dir.join(MASTER_KEY)),
        }
    }

    /// The keys. `None` if the data directory has none yet.
    pub(crate) async fn read(&self) -> Result<Option<Keyring>, KeySourceError> {
        let keyring = |text: &SecretString| {
            Keyring::parse(text)
                .map_err(|error| KeySourceError(format!("{}: {error}", self.shown())))
        };
        match self {
            Self::Environment(text) => keyring(text).map(Some),
            Self::DataDirectory(path) if !path.exists() => Ok(None),
            Self::File(path) | Self::DataDirectory(path) => {
                keyring(&secret::read_file(path).map_err(KeySourceError)?).map(Some)
            }
            Self::Command(command) => {
                keyring(&command.run().await.map_err(KeySourceError)?).map(Some)
            }
        }
    }

    /// Writes the first key of a new data directory.
    pub(crate) fn make(&self, path: &Path) -> Result<Keyring, KeySourceError> {
        let keyring = Keyring::of(MasterKey::generate(&SystemChance::new()));
        write(path, &keyring)?;
        Ok(keyring)
    }
}

fn write(path: &Path, keyring: &Keyring) -> Result<(), KeySourceError> {
    write_private(path, keyring.reveal().expose_secret())
        .map_err(|error| KeySourceError(format!("{} cannot be written: {error}", path.display())))
}

#[async_trait]
impl KeySource for MasterKeys {
    fn kind(&self) -> KeySourceKind {
        match self {
            Self::Environment(_) => KeySourceKind::Environment,
            Self::File(_) => KeySourceKind::File,
            Self::Command(_) => KeySourceKind::Command,
            Self::DataDirectory(_) => KeySourceKind::DataDirectory,
        }
    }

    fn shown(&self) -> String {
        match self {
            Self::Environment(_) => format!("the environment ({NAME})"),
            Self::File(path) | Self::DataDirectory(path) => path.display().to_string(),
            Self::Command(command) => format!("the command `{}` ({COMMAND})", command.program()),
        }
    }

    async fn renew(&self) -> Result<Keyring, KeySourceError> {
        let keyring = self.read().await?.ok_or_else(|| {
            KeySourceError(format!("{} is gone: put it back from a backup", self.shown()))
        })?;
        match self {
            // With two keys in it, a change was begun: it goes on.
            Self::DataDirectory(path) if keyring.ids().count() == 1 => {
                let keyring = Keyring::before(MasterKey::generate(&SystemChance::new()), keyring);
                write(path, &keyring)?;
                Ok(keyring)
            }
            _ => Ok(keyring),
        }
    }

    async fn settle(&self, current: MasterKeyId) -> Result<(), KeySourceError> {
        let Self::DataDirectory(path) = self else { return Ok(()) };
        let Some(keyring) = self.read().await? else { return Ok(()) };
        if keyring.current().id() != current {
            return Err(KeySourceError(format!(
                "{} was changed by somebody else meanwhile: nothing was removed from it",
                path.display()
            )));
        }
        write(
            path,
            &Keyring::parse(&keyring.current().reveal())
                .map_err(|error| KeySourceError(error.to_string()))?,
        )
    }

    async fn is_unsettled(&self) -> bool {
        let ours = matches!(self, Self::DataDirectory(_));
        ours && matches!(self.read().await, Ok(Some(keyring)) if keyring.ids().count() > 1)
    }
}
