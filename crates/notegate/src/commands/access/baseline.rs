//! What an audit is compared with: one that was saved, or a list of ids that somebody wrote.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use super::{AccessReport, Compared, Context, Failure, Value, anyhow, compare};
use gate::compare_with_ids;
use model::ConnectionId;
use notion::Id;

/// The largest file that is read.
const LENGTH_MAX: u64 = 512 * 1024 * 1024;

/// What an audit is compared with.
#[derive(Debug)]
pub(super) enum Baseline {
    Saved(Box<AccessReport>),
    Expected(Vec<Id>),
}

impl Baseline {
    pub(super) fn compare(&self, report: &AccessReport) -> Compared {
        match self {
            Self::Saved(before) => compare(before, report),
            Self::Expected(ids) => compare_with_ids(ids, report),
        }
    }

    /// The connection that it is of, if it says.
    pub(super) fn connection(&self) -> Option<ConnectionId> {
        match self {
            Self::Saved(report) => Some(report.connection),
            Self::Expected(_) => None,
        }
    }
}

/// Reads a baseline from a file.
pub(super) fn read(path: &Path) -> Result<Baseline, Failure> {
    let shown = path.display();
    let read = || -> std::io::Result<String> {
        let mut text = String::new();
        File::open(path)?.take(LENGTH_MAX).read_to_string(&mut text)?;
        Ok(text)
    };
    let text = read().with_context(|| format!("{shown} cannot be read")).map_err(Failure::usage)?;
    parse(&text).with_context(|| format!("{shown} is no baseline")).map_err(Failure::usage)
}

fn parse(text: &str) -> anyhow::Result<Baseline> {
    const WANTED: &str = "it must be an audit that `--save` wrote, or a JSON list of ids";
    let value: Value = serde_json::from_str(text).context(WANTED)?;
    match value {
        Value::Array(all) => {
            let ids = all.iter().map(|one| {
                let text = one.as_str().or_else(|| one["id"].as_str());
                text.and_then(Id::from_pasted).ok_or_else(|| {
                    let shown: String = one.to_string().chars().take(80).collect();
                    anyhow!("{shown} is not an id or URL of Notion: {WANTED}")
                })
            });
            ids.collect::<anyhow::Result<_>>().map(Baseline::Expected)
        }
        Value::Object(_) => {
            let report = serde_json::from_value(value).context(WANTED)?;
            Ok(Baseline::Saved(Box::new(report)))
        }
        _ => Err(anyhow!(WANTED)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_of_ids_urls_and_objects() {
        let text = r#"["0a1b2c3d4e5f4a6b8c7d9e0f1a2b3c4d",
            "https://www.notion.so/Plan-1a1b2c3d4e5f4a6b8c7d9e0f1a2b3c4d",
            {"id": "2a1b2c3d-4e5f-4a6b-8c7d-9e0f1a2b3c4d", "title": "x"}]"#;
        match parse(text).unwrap() {
            Baseline::Expected(ids) => assert_eq!(ids.len(), 3),
            other => panic!("{other:?}"),
        }
        assert!(matches!(parse("[]").unwrap(), Baseline::Expected(ids) if ids.is_empty()));
    }

    #[test]
    fn anything_else_is_refused() {
        for wrong in
            ["", "nonsense", "7", "null", "\"x\"", "{}", r#"{"items":[]}"#, "[7]", r#"["x"]"#]
        {
            let error = parse(wrong).map(drop).unwrap_err();
            assert!(format!("{error:#}").contains("list of ids"), "{wrong}: {error:#}");
        }
    }
}
