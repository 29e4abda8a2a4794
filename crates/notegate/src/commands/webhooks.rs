//! `notegate webhooks`: pair with a subscription of Notion's, look at events, work them again.

use std::io::{IsTerminal, Write};
use std::process::ExitCode;
use std::time::Duration;

use anyhow::anyhow;
use http::Method;
use serde_json::{Value, json};

use crate::Done;
use crate::failure::Failure;
use crate::local::{Local, Where, block_on, encoded};
use crate::term::{print_list, table};

/// Where the subscription is made: Notion has no API for it.
const PORTAL: &str = "https://www.notion.so/profile/integrations";
/// Between two looks whether the token has come.
const LOOK_EVERY: Duration = Duration::from_secs(1);
const PAIRING: &str = "/api/v1/webhooks/pairing";

/// Take events from Notion: pair, look at what came, work it again.
#[derive(Debug, clap::Subcommand)]
pub(crate) enum Command {
    /// Open the window for a new subscription, wait for Notion's token, and show it.
    Pair(Pair),
    /// How the window stands, the subscriptions, and how many events wait or were given up.
    Status(Status),
    /// List the events that came, newest first.
    Events(Events),
    /// Let an event be worked once more, now.
    Replay(Replay),
    /// List the subscriptions, or forget one.
    Subscriptions(Subscriptions),
}

#[derive(Debug, clap::Args)]
pub(crate) struct Pair {
    #[command(flatten)]
    place: Where,
    /// Close the window instead of opening it
    #[arg(long)]
    close: bool,
}

#[derive(Debug, clap::Args)]
pub(crate) struct Status {
    #[command(flatten)]
    place: Where,
    /// As JSON
    #[arg(long)]
    json: bool,
}

#[derive(Debug, clap::Args)]
pub(crate) struct Events {
    #[command(flatten)]
    place: Where,
    /// Only in this state: new, done or dead
    #[arg(long, value_name = "STATE")]
    state: Option<String>,
    /// Only of this type: page.created, …
    #[arg(long = "type", value_name = "TYPE")]
    kind: Option<String>,
    /// Only about this object (id or URL)
    #[arg(long, value_name = "ID")]
    object: Option<String>,
    /// How many at most
    #[arg(long, value_name = "N", default_value_t = 50)]
    limit: usize,
    /// As JSON
    #[arg(long)]
    json: bool,
}

#[derive(Debug, clap::Args)]
pub(crate) struct Replay {
    #[command(flatten)]
    place: Where,
    /// The id of the event
    id: String,
}

#[derive(Debug, clap::Args)]
pub(crate) struct Subscriptions {
    #[command(flatten)]
    place: Where,
    /// Forget this one: what its token signs is refused from now on
    #[arg(long, value_name = "ID")]
    delete: Option<String>,
    /// As JSON
    #[arg(long)]
    json: bool,
}

pub(crate) fn run(command: Command) -> Done {
    block_on(async {
        match command {
            Command::Pair(args) => pair(args).await,
            Command::Status(args) => status(args).await,
            Command::Events(args) => events(args).await,
            Command::Replay(args) => replay(args).await,
            Command::Subscriptions(args) => subscriptions(args).await,
        }
    })
}

async fn pair(args: Pair) -> Done {
    let local = Local::find(&args.place).await?;
    if args.close {
        let closed = local.json(Method::DELETE, PAIRING, None).await;
        local.close().await;
        closed?;
        println!("The window is closed.");
        return Ok(ExitCode::SUCCESS);
    }
    if !local.is_running() {
        local.close().await;
        return Err(Failure::could_not(anyhow!(
            "no gate runs, so no token can come: start `notegate serve`, and pair then"
        )));
    }
    let opened = local.json(Method::POST, PAIRING, None).await?;
    let url = text(&opened, "url");
    println!("The window is open until {}.\n", text(&opened, "opened_until"));
    println!("1. Open {PORTAL}, your integration, Webhooks, \"Create a subscription\".");
    if url.starts_with("http") {
        println!("2. Its URL is {url}");
    } else {
        println!("2. Its URL is the public address of this gate (https), followed by {url}");
        println!("   (set SERVICE_URL, and it is shown here in full)");
    }
    println!("3. Press \"Create\": Notion sends a token here, which is shown below.\n");
    let shown = wait_for_token(&local).await?;
    match shown["state"].as_str().unwrap_or_default() {
        "received" | "paired" => {
            println!("Notion's token has come. Paste it there, and press \"Verify\":\n");
            println!("{}", text(&shown, "verification_token"));
            Ok(ExitCode::SUCCESS)
        }
        "conflict" => Err(Failure::no(anyhow!(
            "two different tokens came, and neither is trusted: somebody else may have sent one. \
             Delete the subscription in Notion, and begin again"
        ))),
        _ => Err(Failure::no(anyhow!(
            "the window closed before a token came: see that the URL can be reached from the Internet, \
             and begin again"
        ))),
    }
}

/// Waits as long as the window is open and no token has come.
async fn wait_for_token(local: &Local) -> Result<Value, Failure> {
    let is_watched = std::io::stderr().is_terminal();
    let mut seconds = 0;
    loop {
        let shown = local.json(Method::GET, PAIRING, None).await?;
        if shown["state"] != "waiting" {
            if is_watched {
                eprintln!();
            }
            return Ok(shown);
        }
        if is_watched {
            eprint!("\rwaiting for Notion … {seconds} s (Ctrl-C leaves the window open)");
            let _ = std::io::stderr().flush();
        }
        tokio::time::sleep(LOOK_EVERY).await;
        seconds += LOOK_EVERY.as_secs();
    }
}

async fn status(args: Status) -> Done {
    let local = Local::find(&args.place).await?;
    let looked = async {
        let mut pairing = local.json(Method::GET, PAIRING, None).await?;
        if let Some(members) = pairing.as_object_mut() {
            // To be shown to whoever pairs, not to whoever looks.
            members.remove("verification_token");
        }
        let subscriptions = local.json(Method::GET, "/api/v1/webhooks/subscriptions", None).await?;
        let subscriptions = subscriptions["items"].clone();
        let waiting = count(&local, "new").await?;
        let given_up = count(&local, "dead").await?;
        Ok::<_, Failure>(json!({
            "pairing": pairing, "subscriptions": subscriptions, "waiting": waiting,
            "given_up": given_up,
        }))
    };
    let looked = looked.await;
    local.close().await;
    let looked = looked?;
    if args.json {
        println!("{looked}");
        return Ok(ExitCode::SUCCESS);
    }
    println!("window         {}", text(&looked["pairing"], "state"));
    println!("url            {}", text(&looked["pairing"], "url"));
    println!("subscriptions  {}", looked["subscriptions"].as_array().map_or(0, Vec::len));
    println!("waiting        {}", shown_count(&looked["waiting"]));
    println!("given up       {}", shown_count(&looked["given_up"]));
    Ok(ExitCode::SUCCESS)
}

/// Events that are counted one by one; it is enough to know that there are many.
const COUNTED_MAX: usize = 1000;

async fn count(local: &Local, state: &str) -> Result<usize, Failure> {
    let path = format!("/api/v1/webhooks/events?state={state}&limit={COUNTED_MAX}");
    let page = local.json(Method::GET, &path, None).await?;
    Ok(page["items"].as_array().map_or(0, Vec::len))
}

fn shown_count(count: &Value) -> String {
    match count.as_u64() {
        Some(count) if count as usize >= COUNTED_MAX => format!("{COUNTED_MAX} or more"),
        count => count.unwrap_or_default().to_string(),
    }
}

async fn events(args: Events) -> Done {
    let local = Local::find(&args.place).await?;
    let mut filter = String::new();
    for (name, value) in [("state", &args.state), ("type", &args.kind), ("object", &args.object)] {
        if let Some(value) = value {
            filter.push_str(&format!("&{name}={}", encoded(value)));
        }
    }
    let (mut items, mut cursor) = (Vec::new(), String::new());
    while items.len() < args.limit {
        let limit = (args.limit - items.len()).min(1000);
        let path = format!("/api/v1/webhooks/events?limit={limit}{filter}{cursor}");
        let page = local.json(Method::GET, &path, None).await?;
        items.extend(page["items"].as_array().cloned().unwrap_or_default());
        match page["next_cursor"].as_str() {
            Some(next) => cursor = format!("&cursor={}", encoded(next)),
            None => break,
        }
    }
    local.close().await;
    let header = ["RECEIVED", "STATE", "TYPE", "OBJECT", "TRIED", "ID", "LAST ERROR"];
    print_list(&items, args.json, "There are no such events.", &header, |item| {
        let object = format!("{} {}", text(&item["entity"], "type"), text(&item["entity"], "id"));
        vec![
            text(item, "received_at"),
            text(item, "state"),
            text(item, "type"),
            object,
            item["attempts"].to_string(),
            text(item, "id"),
            text(item, "last_error"),
        ]
    })
}

async fn replay(args: Replay) -> Done {
    let local = Local::find(&args.place).await?;
    let path = format!("/api/v1/webhooks/events/{}/replay", encoded(&args.id));
    let replayed = local.json(Method::POST, &path, None).await;
    let runs = local.is_running();
    local.close().await;
    let event = replayed?;
    let when = if runs { "now" } else { "when the gate runs" };
    println!("The event {} is worked once more, {when}.", text(&event, "id"));
    Ok(ExitCode::SUCCESS)
}

async fn subscriptions(args: Subscriptions) -> Done {
    let local = Local::find(&args.place).await?;
    if let Some(id) = &args.delete {
        let path = format!("/api/v1/webhooks/subscriptions/{}", encoded(id));
        let gone = local.json(Method::DELETE, &path, None).await;
        local.close().await;
        gone?;
        println!("The subscription {id} is forgotten. Delete it in Notion, too: {PORTAL}");
        return Ok(ExitCode::SUCCESS);
    }
    let listed = local.json(Method::GET, "/api/v1/webhooks/subscriptions", None).await;
    local.close().await;
    let listed = listed?;
    if args.json {
        println!("{listed}");
        return Ok(ExitCode::SUCCESS);
    }
    let items = listed["items"].as_array().cloned().unwrap_or_default();
    if items.is_empty() {
        println!("There are no subscriptions. `notegate webhooks pair` begins one.");
        return Ok(ExitCode::SUCCESS);
    }
    let names = ["id", "created_at", "created_by", "subscription_id"];
    let rows = items.iter().map(|item| names.map(|name| text(item, name)).to_vec());
    print!("{}", table(&["ID", "CREATED", "BY", "NOTION'S ID"], rows));
    Ok(ExitCode::SUCCESS)
}

fn text(item: &Value, name: &str) -> String {
    item[name].as_str().unwrap_or_default().to_owned()
}
