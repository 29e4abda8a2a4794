//! Command-line arguments, without a parser to compile first.

use std::collections::VecDeque;
use std::error::Error;
use std::fmt;
use std::str::FromStr;

/// A mistake in how the tool was called.
#[derive(Debug)]
pub(crate) struct Usage(pub(crate) String);

impl fmt::Display for Usage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Error for Usage {}

/// The arguments that no one has taken yet.
pub(crate) struct Args(VecDeque<String>);

impl Args {
    /// The arguments of this process.
    pub(crate) fn from_environment() -> Self {
        Self(std::env::args().skip(1).collect())
    }

    /// Takes the next argument if it is a word and not an option.
    pub(crate) fn word(&mut self) -> Option<String> {
        self.0.pop_front_if(|next| !next.starts_with('-'))
    }

    /// Takes a switch.
    pub(crate) fn flag(&mut self, name: &str) -> bool {
        let position = self.0.iter().position(|arg| arg == name);
        position.is_some_and(|index| self.0.remove(index).is_some())
    }

    /// Takes `name VALUE` or `name=VALUE`.
    pub(crate) fn value<T: FromStr>(&mut self, name: &str) -> Result<Option<T>, Usage> {
        let Some(index) = self.0.iter().position(|arg| arg.split('=').next() == Some(name)) else {
            return Ok(None);
        };
        let given = self.0.remove(index).unwrap_or_default();
        let text = match given.split_once('=') {
            Some((_, value)) => value.to_owned(),
            None => self.0.remove(index).ok_or_else(|| Usage(format!("`{name}` needs a value")))?,
        };
        let parsed = text.parse().map_err(|_| Usage(format!("`{name}` cannot be `{text}`")))?;
        Ok(Some(parsed))
    }

    /// Refuses whatever was not taken.
    pub(crate) fn finish(self) -> Result<(), Usage> {
        match self.0.front() {
            None => Ok(()),
            Some(extra) => Err(Usage(format!("unexpected argument `{extra}`"))),
        }
    }
}
