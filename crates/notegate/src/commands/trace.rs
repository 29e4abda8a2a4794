//! `notegate trace`: why a connection reaches an object, or why not.

use std::process::ExitCode;

use anyhow::anyhow;
use gate::AccessTrace;
use http::Method;

use crate::Done;
use crate::failure::Failure;
use crate::local::{Local, Where, block_on, encoded};
use crate::term::{Style, printable};

/// Which object, and by which connection.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    place: Where,
    /// An id or URL; before it, if you know, what it is: page, database, data-source or block
    #[arg(required = true, num_args = 1..=2, value_name = "OBJECT")]
    object: Vec<String>,
    /// The connection, by its bot's id; not needed where there is only one
    #[arg(long, value_name = "ID")]
    connection: Option<String>,
    /// As JSON
    #[arg(long)]
    json: bool,
}

pub(crate) fn run(args: Args) -> Done {
    block_on(trace(args))
}

async fn trace(args: Args) -> Done {
    let (kind, object) = match &args.object[..] {
        [object] => (None, object),
        [kind, object] => match kind.replace('-', "_").as_str() {
            known @ ("page" | "database" | "data_source" | "block") => {
                (Some(known.to_owned()), object)
            }
            _ => {
                return Err(Failure::usage(anyhow!(
                    "`{}` is none of page, database, data-source, block",
                    printable(kind)
                )));
            }
        },
        _ => return Err(Failure::usage(anyhow!("which object? Give an id or a URL"))),
    };
    let mut path = format!("/api/v1/access/trace?object={}", encoded(object));
    for (name, value) in [("type", &kind), ("connection", &args.connection)] {
        if let Some(value) = value {
            path += &format!("&{name}={}", encoded(value));
        }
    }
    let local = Local::find_with_notion(&args.place).await?;
    let found = local.json(Method::GET, &path, None).await;
    local.close().await;
    let found = found?;
    let trace: AccessTrace = serde_json::from_value(found.clone()).map_err(Failure::could_not)?;
    if args.json {
        println!("{found}");
    } else {
        tell(&trace);
    }
    Ok(if trace.reachable { ExitCode::SUCCESS } else { ExitCode::from(1) })
}

fn tell(trace: &AccessTrace) {
    let style = Style::of_stdout();
    let because = printable(&trace.because);
    match trace.reachable {
        true => println!("{} reachable: {because}.", style.green("✓")),
        false => println!("{} {because}.", style.red("✗")),
    }
    println!();
    // From the top down, as people think of it.
    for (depth, link) in trace.chain.iter().rev().enumerate() {
        let branch = match depth {
            0 => String::new(),
            depth => format!("{}└─ ", "   ".repeat(depth - 1)),
        };
        let kind = link.kind.map_or("object", gate::AccessKind::as_str).replace('_', " ");
        let name = match &link.title {
            Some(title) => format!("{} ({kind})", printable(title)),
            None => format!("(a {kind} out of reach)"),
        };
        let granted = trace.granted_by.as_ref().is_some_and(|by| by.id == link.id);
        let mark = if granted { style.green("  ← shared") } else { String::new() };
        println!("  {branch}{name}  {}{mark}", style.dim(&link.id.to_string()));
    }
    println!();
    for note in &trace.notes {
        println!("{}", printable(note));
    }
    println!("{}", printable(&trace.advice));
    println!();
    for rule in &trace.rules {
        println!("{}", style.dim(&format!("• {}", printable(rule))));
    }
}
