//! `notegate config print`: every setting, its value, and where that came from.

use std::path::PathBuf;

use serde_json::json;

use crate::Done;
use crate::failure::Failure;
use crate::settings::{Flags, SETTINGS, Settings};
use crate::term::print_list;

/// Show the configuration.
#[derive(Debug, clap::Subcommand)]
pub(crate) enum Command {
    /// Print every setting, its value (secrets hidden), and where the value came from.
    Print {
        /// Settings file [env: NOTEGATE_CONFIG]
        #[arg(long, value_name = "FILE")]
        config: Option<PathBuf>,
        /// As JSON
        #[arg(long)]
        json: bool,
    },
}

pub(crate) fn run(command: Command) -> Done {
    let Command::Print { config, json } = command;
    let mut flags = Flags::new();
    if let Some(path) = config {
        flags.insert("NOTEGATE_CONFIG", path.to_string_lossy().into_owned());
    }
    let settings = Settings::gather(flags);
    let items: Vec<_> = SETTINGS
        .iter()
        .map(|setting| {
            json!({
                "name": setting.name,
                "value": settings.shown(setting),
                "source": settings.source(setting.name).map(ToString::to_string),
                "used": setting.used,
                "about": setting.about,
            })
        })
        .collect();
    let header = ["SETTING", "VALUE", "FROM", "ABOUT"];
    let done = print_list(&items, json, "There are no settings.", &header, |item| {
        let text = |name: &str, none: &str| item[name].as_str().unwrap_or(none).to_owned();
        let used = if item["used"] == true { "" } else { "(not used yet) " };
        vec![
            text("name", ""),
            text("value", "-"),
            text("source", ""),
            used.to_owned() + &text("about", ""),
        ]
    });
    if settings.faults().is_empty() {
        done
    } else {
        Err(Failure::usage(anyhow::anyhow!("{}", settings.faults().join("; "))))
    }
}
