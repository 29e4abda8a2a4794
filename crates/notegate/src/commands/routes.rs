//! `notegate routes`: every route of the gate, and who may use it. Asks nobody: it is part of the program.

use serde_json::json;
use web::DeclaredRoute;

use crate::Done;
use crate::term::print_list;

/// List every route of the gate, and the permission that it needs.
///
/// open: everybody; signature: Notion, by its signature; installer: an admin, or somebody at this machine;
/// own: any key or session, about the caller's own things; read, write, delete, manage: the roles' four
/// permissions (viewers read; editors also write; admins also delete and manage); delegate: admins, and keys
/// that may make narrower keys, about those; audit: admins and auditors' keys, about the ledger; operator: access to the data directory; refused: nobody.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// As JSON
    #[arg(long)]
    json: bool,
}

pub(crate) fn run(args: &Args) -> Done {
    const COLUMNS: [&str; 4] = ["method", "path", "permission", "operation"];
    let item = |route: DeclaredRoute| {
        json!({
            "method": route.method.as_str(),
            "path": route.path,
            "permission": route.permission,
            "operation": route.operation,
        })
    };
    let items: Vec<_> = web::declared_routes().into_iter().map(item).collect();
    let header = ["METHOD", "PATH", "PERMISSION", "OPERATION"];
    print_list(&items, args.json, "There are no routes.", &header, |item| {
        COLUMNS.map(|name| item[name].as_str().unwrap_or_default().to_owned()).to_vec()
    })
}
