//! A workspace out of files that people write: a directory of markdown pages, tables in TOML, and
//! `workspace.toml` for people, connections and comments. `docs/sandbox.md` describes it.
//!
//! Everything is made by requests, as the demo is, so a seed obeys every rule that the operations
//! enforce. The ids of an object follow from its path: a new file does not change those of others.

mod around;
mod build;
mod load;
mod short;
mod workspace;

use std::fmt;
use std::path::{Path, PathBuf};

use crate::world::World;

/// What is wrong with a seed, and where.
#[derive(Debug)]
pub(crate) struct Problem {
    file: PathBuf,
    line: Option<usize>,
    text: String,
}

impl Problem {
    fn new(file: &Path, line: Option<usize>, text: impl Into<String>) -> Self {
        Self { file: file.to_owned(), line, text: text.into() }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.file.display())?;
        if let Some(line) = self.line {
            write!(f, ":{line}")?;
        }
        write!(f, ": {}", self.text)
    }
}

/// Reads the directory and makes the workspace that it describes.
pub(crate) fn read(directory: &Path) -> Result<World, Problem> {
    let entries = load::entries(directory)?;
    let workspace = workspace::read(&directory.join("workspace.toml"))?;
    build::build(&workspace, &entries)
}
