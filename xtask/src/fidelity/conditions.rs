//! What a sandbox of a proof runs under: a rule that is broken on purpose, or none; and what the
//! judge said of its answers.

use std::cell::RefCell;
use std::collections::BTreeMap;

use http::Method;
use referee::schemas::{Verdict, judge};
use serde_json::Value;

use super::drills::Drill;

/// How a run goes.
#[derive(Debug, Default)]
pub(super) struct Conditions {
    /// The rule that is broken.
    pub(super) drill: Option<&'static Drill>,
    judged: RefCell<Judged>,
}

/// What was judged.
#[derive(Clone, Debug, Default)]
pub(super) struct Judged {
    /// By operation and version.
    pub(super) counts: BTreeMap<(String, String), Counts>,
    /// What was wrong, how often.
    pub(super) broken: BTreeMap<String, usize>,
}

/// Answers of one operation in one version.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Counts {
    pub(super) fitting: usize,
    pub(super) judged: usize,
    /// Answers for which there is no schema.
    pub(super) unknown: usize,
}

impl Conditions {
    pub(super) fn broken_by(drill: &'static Drill) -> Self {
        Self { drill: Some(drill), ..Self::default() }
    }

    /// Holds an answer against the schemas.
    pub(super) fn judge(&self, method: &Method, path: &str, version: &str, answer: (u16, &Value)) {
        let operation = notion::catalogue::find(method, path).map(|found| found.operation.name);
        // Errors have one shape, whatever was asked.
        let name = operation.filter(|_| answer.0 < 400).unwrap_or("errors");
        let mut judged = self.judged.borrow_mut();
        let version = if answer.0 < 400 { version } else { "" };
        let counts = judged.counts.entry((name.to_owned(), version.to_owned())).or_default();
        match judge(method, path, version, answer.0, answer.1) {
            Verdict::Fits => {
                counts.fitting += 1;
                counts.judged += 1;
            }
            Verdict::Unknown(_) => counts.unknown += 1,
            Verdict::Broken(what) => {
                counts.judged += 1;
                *judged.broken.entry(format!("{name} {version} {what}")).or_default() += 1;
            }
        }
    }

    pub(super) fn judged(&self) -> Judged {
        self.judged.borrow().clone()
    }
}
