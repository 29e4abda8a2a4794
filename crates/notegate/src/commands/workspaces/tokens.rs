//! Where commands get tokens from: a question on the terminal, standard input, or a private file.

use std::io::{BufRead, IsTerminal, Read};
use std::path::{Path, PathBuf};

use anyhow::{Context, anyhow};
use console::Term;
use model::SecretString;

use crate::failure::Failure;
use crate::secret;

/// More than that is no token.
const LINE_MAX: u64 = 4096;

#[derive(Debug, clap::Args)]
pub(super) struct Input {
    /// File to read the token from, which only its owner may be able to read; without it, it is asked
    /// for, or read from standard input
    #[arg(long, value_name = "FILE")]
    from: Option<PathBuf>,
}

impl Input {
    /// The token.
    pub(super) fn token(&self, question: &str) -> Result<SecretString, Failure> {
        match &self.from {
            Some(path) => from_file(path),
            None => self.next_token(question),
        }
    }

    /// A token from the terminal or from the next line of standard input.
    pub(super) fn next_token(&self, question: &str) -> Result<SecretString, Failure> {
        let line = if std::io::stdin().is_terminal() {
            let terminal = Term::stderr();
            terminal.write_str(question).map_err(Failure::could_not)?;
            terminal.read_secure_line().map_err(Failure::could_not)?
        } else {
            let mut line = String::new();
            let read = std::io::stdin().lock().take(LINE_MAX).read_line(&mut line);
            read.context("standard input cannot be read").map_err(Failure::could_not)?;
            line
        };
        let token = SecretString::from(line.trim().to_owned());
        secret::check_token("the token", &token).map_err(|fault| Failure::usage(anyhow!(fault)))?;
        Ok(token)
    }
}

/// The token in a file.
pub(super) fn from_file(path: &Path) -> Result<SecretString, Failure> {
    let token = secret::read_file(path).map_err(|fault| Failure::usage(anyhow!(fault)))?;
    let name = format!("the token in {}", path.display());
    secret::check_token(&name, &token).map_err(|fault| Failure::usage(anyhow!(fault)))?;
    Ok(token)
}
