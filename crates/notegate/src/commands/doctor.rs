//! `notegate doctor`: looks at an installation and says what stands in its way.
//!
//! A section is an entry in [`SECTIONS`] and a function from what was gathered to findings. It changes
//! nothing and asks nobody outside.

mod credentials;
mod master_key;
mod oauth;
mod oidc;

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::anyhow;
use http::Method;
use jiff::Timestamp;
use model::{Clock, SystemClock};
use serde::Serialize;
use serde_json::{Value, json};

use crate::Done;
use crate::data_dir::DataDir;
use crate::failure::Failure;
use crate::local::{Local, Where, block_on, encoded};
use crate::settings::Settings;
use crate::term::{Style, printable};

/// Look at an installation, and say what stands in its way.
///
/// Exit code 0 if nothing does, 1 if something does. Warnings do not count.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Only this section: token_age, connections, oauth, oidc, master_key; may be repeated
    #[arg(value_name = "SECTION")]
    sections: Vec<String>,
    #[command(flatten)]
    place: Where,
    /// As JSON
    #[arg(long)]
    json: bool,
}

/// Something that can be looked at.
struct Section {
    name: &'static str,
    needs: Needs,
    look: fn(&Patient) -> Vec<Finding>,
}

/// What is gathered for a section, besides the settings.
#[derive(Clone, Copy, Eq, PartialEq)]
enum Needs {
    Settings,
    MasterKeys,
    Connections,
}

const SECTIONS: &[Section] = &[
    Section { name: "token_age", needs: Needs::Connections, look: credentials::token_age },
    Section { name: "connections", needs: Needs::Connections, look: credentials::connections },
    Section { name: "oauth", needs: Needs::Settings, look: oauth::look },
    Section { name: "oidc", needs: Needs::Settings, look: oidc::look },
    Section { name: "master_key", needs: Needs::MasterKeys, look: master_key::look },
];

/// What is known of an installation.
struct Patient {
    settings: Settings,
    now: Timestamp,
    /// The connections of all tenants, as the API shows them, each with its tenant.
    connections: Result<Vec<(String, Value)>, String>,
    master_keys: master_key::Read,
}

/// What was found about one thing.
#[derive(Debug, Serialize)]
struct Finding {
    level: Level,
    /// A stable word for machines.
    code: &'static str,
    /// What it is about.
    subject: String,
    text: String,
    /// What to do.
    advice: Option<String>,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
enum Level {
    Good,
    Warning,
    Problem,
}

impl Finding {
    fn new(
        level: Level,
        code: &'static str,
        subject: impl Into<String>,
        text: impl Into<String>,
    ) -> Self {
        Self { level, code, subject: subject.into(), text: text.into(), advice: None }
    }

    fn advice(mut self, advice: impl Into<String>) -> Self {
        self.advice = Some(advice.into());
        self
    }
}

pub(crate) fn run(args: Args) -> Done {
    let known = |name: &str| SECTIONS.iter().any(|section| section.name == name);
    if let Some(unknown) = args.sections.iter().find(|name| !known(name)) {
        let all: Vec<_> = SECTIONS.iter().map(|section| section.name).collect();
        return Err(Failure::usage(anyhow!(
            "there is no section `{}`: there are {}",
            printable(unknown),
            all.join(", ")
        )));
    }
    let chosen = |section: &&Section| {
        args.sections.is_empty() || args.sections.iter().any(|name| name == section.name)
    };
    let sections: Vec<_> = SECTIONS.iter().filter(chosen).collect();
    let patient = block_on(Patient::gather(&args.place, &sections))?;
    let found: Vec<_> =
        sections.iter().map(|section| (section.name, (section.look)(&patient))).collect();
    let blocked = found.iter().flat_map(|(_, findings)| findings);
    let blocked = blocked.filter(|finding| finding.level == Level::Problem).count();
    if args.json {
        let sections: Vec<_> = found
            .iter()
            .map(|(name, findings)| json!({ "name": name, "findings": findings }))
            .collect();
        println!("{}", json!({ "ready": blocked == 0, "sections": sections }));
    } else {
        print!("{}", shown(&found, Style::of_stdout()));
    }
    Ok(ExitCode::from(u8::from(blocked > 0)))
}

impl Patient {
    async fn gather(place: &Where, sections: &[&Section]) -> Result<Self, Failure> {
        let needs = |what| sections.iter().any(|section| section.needs == what);
        let mut settings = Settings::gather(place.flags());
        let data_dir = PathBuf::from(settings.text("NOTEGATE_DATA_DIR").unwrap_or("."));
        let master_keys = match needs(Needs::MasterKeys) {
            true => master_key::Read::now(&mut settings, &data_dir).await,
            false => master_key::Read::default(),
        };
        // Without a data directory there is nothing yet, which is no fault.
        let connections = match needs(Needs::Connections) && DataDir::is_one(&data_dir) {
            true => all_connections(place).await.map_err(|failure| failure.to_string()),
            false => Ok(Vec::new()),
        };
        Ok(Self { settings, now: SystemClock.now(), connections, master_keys })
    }
}

async fn all_connections(place: &Where) -> Result<Vec<(String, Value)>, Failure> {
    let local = Local::find(place).await?;
    let gathered = async {
        let mut all = Vec::new();
        for tenant in local.items("/api/v1/tenants").await? {
            let Some(name) = tenant["name"].as_str() else { continue };
            for item in local.items_for(Some(name), "/api/v1/workspaces").await? {
                let id = item["bot_id"].as_str().unwrap_or_default();
                let path = format!("/api/v1/workspaces/{}", encoded(id));
                let whole = local.json_for(Some(name), Method::GET, &path, None).await?;
                all.push((name.to_owned(), whole));
            }
        }
        Ok(all)
    };
    let all = gathered.await;
    local.close().await;
    all
}

fn shown(found: &[(&str, Vec<Finding>)], style: Style) -> String {
    let all = || found.iter().flat_map(|(_, findings)| findings);
    let width = all().map(|it| it.subject.chars().count()).max().unwrap_or_default().min(60);
    let mut text = String::new();
    for (name, findings) in found {
        text.push_str(&format!("{}\n", style.bold(name)));
        for Finding { level, subject, text: what, advice, .. } in findings {
            let mark = match level {
                Level::Good => style.green("✓"),
                Level::Warning => style.bold("!"),
                Level::Problem => style.red("✗"),
            };
            let (subject, what) = (printable(subject), printable(what));
            text.push_str(format!("  {mark} {subject:<width$}  {what}").trim_end());
            text.push('\n');
            if let Some(advice) = advice {
                text.push_str(&format!("    {:<width$}  {}\n", "", style.dim(&printable(advice))));
            }
        }
        text.push('\n');
    }
    let count = |level| all().filter(|finding| finding.level == level).count();
    let warnings = match count(Level::Warning) {
        0 => String::new(),
        1 => ", 1 warning".to_owned(),
        more => format!(", {more} warnings"),
    };
    let mut codes: Vec<_> =
        all().filter(|it| it.level == Level::Problem).map(|it| it.code).collect();
    codes.dedup();
    if codes.is_empty() {
        text.push_str(&format!("{} nothing stands in the way{warnings}\n", style.green("READY")));
    } else {
        let codes = codes.join(", ");
        text.push_str(&format!("{} by {codes}{warnings}\n", style.red("BLOCKED")));
    }
    text
}
