//! Finds and reads the files of a seed: what there is, not yet what it means.

use std::path::{Path, PathBuf};

use serde_json::{Map, Value};

use super::Problem;

/// Longest file.
const FILE_MAX: u64 = 5 * 1024 * 1024;
/// Most files.
const FILES_MAX: usize = 100_000;
/// Deepest directory.
const DEPTH_MAX: usize = 50;
/// The mark around the front matter of a page.
const FENCE: &str = "+++";

/// A page or a database.
#[derive(Debug)]
pub(super) struct Entry {
    /// Its place: the names above it and its own, with slashes between them.
    pub(super) path: String,
    pub(super) file: PathBuf,
    pub(super) is_database: bool,
    /// Front matter, or all of a database.
    pub(super) data: Map<String, Value>,
    /// The whole file, to find lines in.
    pub(super) text: String,
    /// Where the markdown of a page begins in the text.
    pub(super) body: usize,
}

impl Entry {
    pub(super) fn name(&self) -> &str {
        self.path.rsplit('/').next().unwrap_or(&self.path)
    }

    pub(super) fn parent(&self) -> Option<&str> {
        self.path.rsplit_once('/').map(|(parent, _)| parent)
    }

    pub(super) fn markdown(&self) -> &str {
        self.text.get(self.body..).unwrap_or_default()
    }

    /// Something is wrong where `word` stands first.
    pub(super) fn problem(&self, word: &str, text: impl Into<String>) -> Problem {
        Problem::new(&self.file, line_of(&self.text, word), text)
    }
}

/// The number of the first line that holds a word.
pub(super) fn line_of(text: &str, word: &str) -> Option<usize> {
    text.lines().position(|line| !word.is_empty() && line.contains(word)).map(|index| index + 1)
}

/// Everything below a directory: what contains comes before what is contained, names in order.
pub(super) fn entries(directory: &Path) -> Result<Vec<Entry>, Problem> {
    let mut found = Vec::new();
    walk(directory, "", 0, &mut found)?;
    Ok(found)
}

fn walk(
    directory: &Path,
    above: &str,
    depth: usize,
    found: &mut Vec<Entry>,
) -> Result<(), Problem> {
    let unreadable = |error: std::io::Error| Problem::new(directory, None, error.to_string());
    if depth > DEPTH_MAX {
        return Err(Problem::new(directory, None, "this is too deep for a workspace"));
    }
    let mut files = Vec::new();
    for item in std::fs::read_dir(directory).map_err(unreadable)? {
        let item = item.map_err(unreadable)?;
        let kind = item.file_type().map_err(unreadable)?;
        let name = item
            .file_name()
            .into_string()
            .map_err(|_| Problem::new(&item.path(), None, "the name of this file is not UTF-8"))?;
        if !name.starts_with('.') && name != "workspace.toml" {
            files.push((name, kind.is_dir(), item.path()));
        }
    }
    files.sort();
    let place = |name: &str| {
        if above.is_empty() { name.to_owned() } else { format!("{above}/{name}") }
    };
    let mut here: Vec<Entry> = Vec::new();
    for (name, is_directory, file) in files.iter().filter(|(_, is_directory, _)| !is_directory) {
        debug_assert!(!is_directory);
        if found.len() + here.len() >= FILES_MAX {
            return Err(Problem::new(file, None, format!("these are more than {FILES_MAX} files")));
        }
        if let Some(name) = name.strip_suffix(".database.toml") {
            here.push(database(place(name), file)?);
        } else if let Some(name) = name.strip_suffix(".md") {
            here.push(page(place(name), file)?);
        } else {
            let text = "a seed holds pages (NAME.md), databases (NAME.database.toml) and one \
                        workspace.toml at its top";
            return Err(Problem::new(file, None, text));
        }
    }
    // A directory alone is a page without content.
    for (name, _, file) in files.iter().filter(|(_, is_directory, _)| *is_directory) {
        if !here.iter().any(|entry| entry.name() == name) {
            here.push(Entry {
                path: place(name),
                file: file.clone(),
                is_database: false,
                data: Map::new(),
                text: String::new(),
                body: 0,
            });
        }
    }
    here.sort_by(|a, b| a.path.cmp(&b.path));
    if let Some([_, second]) = here.array_windows().find(|[a, b]| a.path == b.path) {
        let text = "there are a page and a database of this name; rename one";
        return Err(Problem::new(&second.file, None, text));
    }
    for entry in here {
        let path = entry.path.clone();
        let below = directory.join(entry.name());
        found.push(entry);
        if below.is_dir() {
            walk(&below, &path, depth + 1, found)?;
        }
    }
    Ok(())
}

pub(super) fn read_text(file: &Path) -> Result<String, Problem> {
    let wrong = |error: std::io::Error| Problem::new(file, None, error.to_string());
    if std::fs::metadata(file).map_err(wrong)?.len() > FILE_MAX {
        return Err(Problem::new(file, None, format!("this is longer than {FILE_MAX} bytes")));
    }
    std::fs::read_to_string(file).map_err(wrong)
}

fn database(path: String, file: &Path) -> Result<Entry, Problem> {
    let text = read_text(file)?;
    let data = table(file, &text)?;
    let body = text.len();
    Ok(Entry { path, file: file.to_owned(), is_database: true, data, text, body })
}

fn page(path: String, file: &Path) -> Result<Entry, Problem> {
    let text = read_text(file)?.replace("\r\n", "\n");
    let mut body = 0;
    let mut data = Map::new();
    if let Some(rest) = text.strip_prefix("+++\n") {
        let end =
            rest.find("\n+++\n").map(|end| end + 1).or(rest.starts_with("+++\n").then_some(0));
        let last = rest.strip_suffix("\n+++").map(|front| front.len() + 1);
        let end = end.or(last).ok_or_else(|| {
            Problem::new(file, Some(1), format!("the front matter has no second `{FENCE}` line"))
        })?;
        // An empty line stands for the first mark, so that lines are counted as in the file.
        data = table(file, &format!("\n{}", &rest[..end]))?;
        body = (4 + end + 4).min(text.len());
    }
    Ok(Entry { path, file: file.to_owned(), is_database: false, data, text, body })
}

/// Reads TOML; what is wrong is said with its line.
pub(super) fn table(file: &Path, text: &str) -> Result<Map<String, Value>, Problem> {
    let table: toml::Table = toml::from_str(text).map_err(|error| {
        let line = error
            .span()
            .map(|span| text.get(..span.start).unwrap_or_default().matches('\n').count() + 1);
        Problem::new(file, line, error.message())
    })?;
    Ok(table.into_iter().map(|(key, value)| (key, json(value))).collect())
}

fn json(value: toml::Value) -> Value {
    match value {
        toml::Value::String(text) => text.into(),
        toml::Value::Integer(number) => number.into(),
        toml::Value::Float(number) => number.into(),
        toml::Value::Boolean(on) => on.into(),
        toml::Value::Datetime(time) => time.to_string().into(),
        toml::Value::Array(all) => all.into_iter().map(json).collect(),
        toml::Value::Table(all) => {
            Value::Object(all.into_iter().map(|(key, value)| (key, json(value))).collect())
        }
    }
}
