//! What `serve` tells the person who started it.

use model::Connection;
use sandbox::Demo;

use super::bootstrap::Keys;
use crate::data_dir::MasterKeySource;
use crate::term::{Style, printable};

/// Everything that there is to tell.
pub(super) struct Banner<'a> {
    pub(super) url: &'a str,
    pub(super) connection: Option<&'a Connection>,
    pub(super) data_dir: &'a std::path::Path,
    pub(super) master_key: MasterKeySource,
    pub(super) keys: &'a Keys,
    pub(super) sandbox: Option<(&'a str, &'a Demo)>,
}

impl Banner<'_> {
    pub(super) fn print(&self) {
        let style = Style::of_stdout();
        let line =
            |name: &str, text: &str| println!("  {} {text}", style.dim(&format!("{name:<13}")));
        println!("{} {}", style.bold("notegate"), env!("CARGO_PKG_VERSION"));
        println!();
        line("gate", self.url);
        line("dashboard", &format!("{}/dashboard", self.url));
        if let Some((url, _)) = self.sandbox {
            line("sandbox", &format!("{url} (a Notion that runs here, with a demo workspace)"));
        }
        if let Some(connection) = self.connection {
            let workspace = connection.workspace_name.as_deref().unwrap_or("(unnamed)");
            line(
                "workspace",
                &format!("{} as bot \"{}\"", printable(workspace), printable(&connection.name)),
            );
        }
        let data_dir = self.data_dir.display();
        line("data", &data_dir.to_string());
        if self.master_key == MasterKeySource::Made {
            line(
                "master key",
                &format!("made now: {data_dir}/master.key. Back it up apart from the data."),
            );
        }
        if let Some(admin) = &self.keys.admin {
            line("admin key", admin.reveal());
            line("", &style.dim("shown this once; `notegate keys create` makes others"));
        }
        if let (Some((viewer, editor)), Some((_, demo))) = (&self.keys.demo, self.sandbox) {
            line("viewer key", viewer.reveal());
            line("editor key", editor.reveal());
            line(
                "",
                &style.dim(&format!(
                    "both reach the page {} and what lies below, and nothing else",
                    demo.team_page_id
                )),
            );
            println!();
            println!("{}", style.bold("Try it:"));
            let url = self.url;
            let call = |what: &str, rest: &str| {
                println!();
                println!("  {}", style.dim(&format!("# {what}")));
                println!(
                    "  curl -s {rest} -H 'Authorization: Bearer {}' -H 'Notion-Version: 2025-09-03'",
                    viewer.reveal()
                );
            };
            call("a page inside: 200", &format!("{url}/v1/pages/{}", demo.team_page_id));
            call(
                "a page outside: 404, as if it were not there",
                &format!("{url}/v1/pages/{}", demo.other_page_id),
            );
            call(
                "a write by a viewer: 403, and Notion never hears of it",
                &format!(
                    "-X PATCH {url}/v1/pages/{} -d '{{\"icon\":{{\"emoji\":\"🔥\"}}}}'",
                    demo.team_page_id
                ),
            );
        }
        println!();
    }
}
