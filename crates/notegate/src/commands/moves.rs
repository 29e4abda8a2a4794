//! `notegate keys if-moved`: which keys gain an object by a move, and which lose it.

use std::process::ExitCode;

use http::Method;
use serde_json::{Value, json};

use crate::Done;
use crate::local::{Local, Where};
use crate::term::table;

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    place: Where,
    /// What would be moved (id or URL)
    object: String,
    /// Where to (id or URL, or `workspace` for its top)
    #[arg(long, value_name = "PARENT")]
    to: String,
    /// By which workspace, by bot id; the one that was connected last if not said
    #[arg(long, value_name = "BOT_ID")]
    connection: Option<String>,
    /// As JSON
    #[arg(long)]
    json: bool,
}

pub(crate) async fn run(args: Args) -> Done {
    let local = Local::find(&args.place).await?;
    let mut body = json!({ "object": args.object, "to": args.to });
    if let Some(connection) = args.connection {
        body["connection"] = connection.into();
    }
    let preview = local.json(Method::POST, "/api/v1/moves/preview", Some(&body)).await;
    local.close().await;
    let preview = preview?;
    if args.json {
        println!("{preview}");
        return Ok(ExitCode::SUCCESS);
    }
    let keys = |name: &str| preview[name].as_array().cloned().unwrap_or_default();
    let (gains, loses) = (keys("gains"), keys("loses"));
    if gains.is_empty() && loses.is_empty() {
        println!("The move changes nothing for any key.");
        return Ok(ExitCode::SUCCESS);
    }
    let row = |word: &str, key: &Value| {
        let text = |name: &str| key[name].as_str().unwrap_or_default().to_owned();
        vec![word.to_owned(), text("id"), text("name"), text("role")]
    };
    let gains = gains.iter().map(|key| row("gains it", key));
    let rows = gains.chain(loses.iter().map(|key| row("loses it", key)));
    print!("{}", table(&["", "KEY", "NAME", "ROLE"], rows));
    Ok(ExitCode::SUCCESS)
}
