//! `notegate config print`: every setting, its value, and where that came from.

use std::path::PathBuf;
use std::process::ExitCode;

use serde_json::json;

use crate::Done;
use crate::failure::Failure;
use crate::settings::{Flags, SETTINGS, Settings};
use crate::term::table;

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
    if json {
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
        println!("{}", json!({ "items": items, "next_cursor": null }));
    } else {
        let rows = SETTINGS.iter().map(|setting| {
            let value = settings.shown(setting).unwrap_or_else(|| "-".to_owned());
            let source = settings.source(setting.name).map(ToString::to_string).unwrap_or_default();
            let about = if setting.used {
                setting.about.to_owned()
            } else {
                format!("(not used yet) {}", setting.about)
            };
            vec![setting.name.to_owned(), value, source, about]
        });
        print!("{}", table(&["SETTING", "VALUE", "FROM", "ABOUT"], rows));
    }
    if settings.faults().is_empty() {
        Ok(ExitCode::SUCCESS)
    } else {
        Err(Failure::usage(anyhow::anyhow!("{}", settings.faults().join("; "))))
    }
}
