//! Why a command failed, and the exit code for it.
//!
//! 0 done, 1 the answer is no, 2 wrong usage or configuration, 3 could not (network, store).

use std::fmt;
use std::process::ExitCode;

/// Why a command failed.
#[derive(Debug)]
pub(crate) struct Failure {
    kind: Kind,
    error: anyhow::Error,
}

#[derive(Clone, Copy, Debug)]
enum Kind {
    No,
    Usage,
    CouldNot,
}

impl Failure {
    /// The answer is no: a check failed.
    pub(crate) fn no(error: impl Into<anyhow::Error>) -> Self {
        Self { kind: Kind::No, error: error.into() }
    }

    /// Wrong usage or configuration.
    pub(crate) fn usage(error: impl Into<anyhow::Error>) -> Self {
        Self { kind: Kind::Usage, error: error.into() }
    }

    /// The network, the store or the machine does not do what is needed.
    pub(crate) fn could_not(error: impl Into<anyhow::Error>) -> Self {
        Self { kind: Kind::CouldNot, error: error.into() }
    }

    pub(crate) fn exit_code(&self) -> ExitCode {
        ExitCode::from(match self.kind {
            Kind::No => 1,
            Kind::Usage => 2,
            Kind::CouldNot => 3,
        })
    }
}

impl fmt::Display for Failure {
    /// The error and its causes, in one line.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:#}", self.error)
    }
}
