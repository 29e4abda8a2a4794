//! `notegate serve`: where the parts are joined.

mod banner;
mod bootstrap;
mod plan;
mod run;

pub(crate) use plan::notion_of;
pub(crate) use run::{mounted, wait_for_signal};

use std::path::PathBuf;

use crate::Done;
use crate::settings::Flags;

/// Run the gate.
///
/// Each option is also a variable in the environment (NOTEGATE_…) and a key in notegate.toml; flag
/// over environment over file over default. The Notion token comes from NOTION_TOKEN or a file named
/// by NOTION_TOKEN_FILE. `notegate config print` shows every setting.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Address to serve on; port 0 picks one [default: 127.0.0.1:3000]
    #[arg(long, value_name = "ADDRESS")]
    listen: Option<String>,
    /// Directory of keys, credentials and ledger [default: ./notegate-data]
    #[arg(long, value_name = "DIR")]
    data_dir: Option<PathBuf>,
    /// Settings file [default: ./notegate.toml, if it is there]
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Run a Notion here, with a demo workspace, and stand in front of that
    #[arg(long)]
    sandbox: bool,
    /// Address of that Notion [default: 127.0.0.1:3001]
    #[arg(long, value_name = "ADDRESS")]
    sandbox_listen: Option<String>,
    /// Check settings, token and database, and exit: 0 if all is well, 1 if not
    #[arg(long)]
    check: bool,
    /// File to write once it serves: URL and an admin key, as JSON
    #[arg(long, value_name = "PATH")]
    ready_file: Option<PathBuf>,
}

impl Args {
    fn flags(&self) -> Flags {
        let path =
            |path: &Option<PathBuf>| path.as_ref().map(|path| path.to_string_lossy().into_owned());
        let given = [
            ("NOTEGATE_LISTEN", self.listen.clone()),
            ("NOTEGATE_DATA_DIR", path(&self.data_dir)),
            ("NOTEGATE_CONFIG", path(&self.config)),
            ("NOTEGATE_SANDBOX", self.sandbox.then(|| "true".to_owned())),
            ("NOTEGATE_SANDBOX_LISTEN", self.sandbox_listen.clone()),
            ("NOTEGATE_READY_FILE", path(&self.ready_file)),
        ];
        given.into_iter().filter_map(|(name, value)| Some((name, value?))).collect()
    }
}

pub(crate) fn run(args: Args) -> Done {
    if args.check { plan::check(args.flags()) } else { run::run(args.flags()) }
}
