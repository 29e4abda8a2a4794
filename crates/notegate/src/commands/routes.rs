//! `notegate routes`: every route of the gate, and who may use it. Asks nobody: it is part of the program.

use std::process::ExitCode;

use serde_json::json;
use web::DeclaredRoute;

use crate::Done;
use crate::term::table;

/// List every route of the gate, and the permission that it needs.
///
/// open: everybody; signature: Notion, by its signature; installer: an admin, or somebody at this machine;
/// own: any key or session, about the caller's own things; read, write, delete, manage: the roles' four
/// permissions; operator: access to the data directory; refused: nobody.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// As JSON
    #[arg(long)]
    json: bool,
}

pub(crate) fn run(args: &Args) -> Done {
    let all = web::declared_routes();
    if args.json {
        let item = |route: &DeclaredRoute| {
            json!({
                "method": route.method.as_str(),
                "path": route.path,
                "permission": route.permission,
                "operation": route.operation,
            })
        };
        let items: Vec<_> = all.iter().map(item).collect();
        println!("{}", json!({ "items": items, "next_cursor": null }));
        return Ok(ExitCode::SUCCESS);
    }
    let rows = all.into_iter().map(|route| {
        let operation = route.operation.unwrap_or_default();
        vec![route.method.to_string(), route.path, route.permission.to_owned(), operation]
    });
    print!("{}", table(&["METHOD", "PATH", "PERMISSION", "OPERATION"], rows));
    Ok(ExitCode::SUCCESS)
}
