//! `audit body`: what a write sent.

use std::process::ExitCode;

use http::Method;

use crate::Done;
use crate::local::{Local, Where};
use crate::term::Style;

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    place: Where,
    /// The number of the entry
    seq: u64,
    /// As JSON
    #[arg(long)]
    json: bool,
}

pub(super) async fn run(args: Args) -> Done {
    let local = Local::find(&args.place).await?;
    let path = format!("/api/v1/audit/{}/body", args.seq);
    let answer = local.json(Method::GET, &path, None).await;
    local.close().await;
    let answer = answer?;
    if args.json {
        println!("{answer}");
    } else {
        println!("{:#}", answer["body"]);
    }
    if answer["intact"] == true {
        return Ok(ExitCode::SUCCESS);
    }
    eprintln!("{} the body is not the one that the entry names", Style::of_stdout().red("✗"));
    Ok(ExitCode::from(1))
}
