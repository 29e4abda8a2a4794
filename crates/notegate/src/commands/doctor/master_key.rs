//! Where the master key comes from, and whether it can be had.

use std::path::Path;

use gate::{KeySource, KeySourceKind};

use super::{Finding, Level, Patient};
use crate::master_key::MasterKeys;
use crate::settings::Settings;

const CODE: &str = "master_key";

/// What the source gave.
#[derive(Default)]
pub(super) struct Read {
    source: Option<(KeySourceKind, String)>,
    /// How many keys; `None` if there is none yet.
    keys: Option<Result<Option<usize>, String>>,
    /// What is wrong with the settings of it.
    faults: Vec<String>,
}

impl Read {
    pub(super) async fn now(settings: &mut Settings, data_dir: &Path) -> Self {
        let before = settings.faults().len();
        let source = MasterKeys::of(settings, data_dir);
        let concerns = |fault: &&String| fault.contains("NOTEGATE_MASTER_KEY");
        let mut faults: Vec<_> = settings.faults()[before..].to_vec();
        faults.extend(settings.faults()[..before].iter().filter(concerns).cloned());
        let keys = match faults.is_empty() {
            true => {
                let read = source.read().await;
                Some(read.map(|keys| keys.map(|it| it.ids().count())).map_err(|it| it.to_string()))
            }
            false => None,
        };
        Self { source: Some((source.kind(), source.shown())), keys, faults }
    }
}

pub(super) fn look(patient: &Patient) -> Vec<Finding> {
    let Read { source, keys, faults } = &patient.master_keys;
    let mut found: Vec<_> =
        faults.iter().map(|fault| Finding::new(Level::Problem, CODE, "settings", fault)).collect();
    let (Some((kind, shown)), Some(keys)) = (source, keys) else { return found };
    let count = match keys {
        Ok(count) => *count,
        Err(error) => {
            let advice = "see docs/master-key.md";
            found.push(Finding::new(Level::Problem, CODE, shown, error).advice(advice));
            return found;
        }
    };
    found.push(match (kind, count) {
        (_, None) => Finding::new(Level::Good, CODE, shown, "is made at the first start"),
        (KeySourceKind::DataDirectory, Some(_)) => {
            let text = "the master key lies beside the data: who copies the directory has both";
            Finding::new(Level::Warning, CODE, shown, text).advice(
                "for production, give it from a secret manager (docs/master-key.md); back it up \
                 apart from the data",
            )
        }
        (_, Some(1)) => Finding::new(Level::Good, CODE, shown, "gives the master key"),
        (_, Some(more)) => {
            let text = format!("gives {more} keys: the first seals, the others still open");
            Finding::new(Level::Good, CODE, shown, text)
        }
    });
    if count.is_some_and(|count| count > 1) {
        let (text, advice) = match kind {
            KeySourceKind::DataDirectory => {
                ("a change of the master key is not ended", "run `notegate vault rotate`")
            }
            _ => (
                "there are older keys",
                "`notegate vault status` shows whether they can be removed",
            ),
        };
        found.push(Finding::new(Level::Warning, CODE, shown, text).advice(advice));
    }
    found
}
