//! `/dashboard`: workspaces are shown, connected, rotated and disconnected, and only the own ones.

use std::time::Duration;

use serde_json::json;
use testkit::{Kit, Reply};

use crate::browser::Browser;

/// The connection that every kit begins with.
fn bot(kit: &Kit) -> String {
    kit.gate.latest_connection().expect("a connection").bot_id.to_string()
}

/// A token of another integration in the sandbox's workspace, and its bot.
async fn another(kit: &Kit) -> (String, String) {
    let body = json!({ "name": "Second <b>", "capabilities": ["read_content"] });
    let made = kit.control("POST", "tokens", Some(&body)).await;
    let text = |name: &str| made[name].as_str().expect("a text").to_owned();
    (text("token"), text("bot_id"))
}

async fn page(browser: &Browser<'_>, path: &str) -> String {
    let reply = browser.get(path).await;
    assert_eq!(reply.status, 200, "{path}: {}", reply.text());
    reply.text()
}

fn location(reply: &Reply) -> &str {
    assert_eq!(reply.status, 303, "{}", reply.text());
    reply.header("location").expect("a way on")
}

#[tokio::test]
async fn a_workspace_is_connected_with_a_token_and_shown() {
    let kit = Kit::start().await;
    let browser = Browser::signed_in(&kit).await;
    let (token, bot) = another(&kit).await;
    let reply = browser.submit("/dashboard/connect", &format!("&token={token}")).await;
    let shown = page(&browser, location(&reply)).await;
    assert!(shown.contains("is connected."), "{shown}");
    assert!(shown.contains("Second &lt;b&gt;") && !shown.contains("Second <b>"));
    assert!(shown.contains("Active") && shown.contains("Integration token"));
    let shown = page(&browser, &format!("/dashboard/workspaces/{bot}")).await;
    assert!(shown.contains(&bot) && !shown.contains(&token));

    for wrong in ["", "nonsense", "ntn_%3Cscript%3E", &format!("ntn_{}", "x".repeat(46))] {
        let reply = browser.submit("/dashboard/connect", &format!("&token={wrong}")).await;
        assert_eq!(reply.status, 422, "{wrong}: {}", reply.text());
        assert!(reply.text().contains("role=\"alert\""));
        assert!(wrong.is_empty() || !reply.text().contains(wrong), "what was typed is shown");
    }
    kit.finish().await;
}

#[tokio::test]
async fn a_credential_is_rotated_and_a_wrong_one_changes_nothing() {
    let kit = Kit::start().await;
    let browser = Browser::signed_in(&kit).await;
    let path = format!("/dashboard/workspaces/{}", bot(&kit));
    let (foreign, _) = another(&kit).await;
    for wrong in [foreign.as_str(), "nonsense", ""] {
        let reply = browser.submit(&format!("{path}/rotate"), &format!("&token={wrong}")).await;
        assert_eq!(reply.status, 422, "{wrong}: {}", reply.text());
        assert!(wrong.is_empty() || !reply.text().contains(wrong));
    }
    assert_eq!(kit.get(&kit.admin, "/v1/users/me").await.status, 200);
    kit.finish().await;
}

#[tokio::test]
async fn disconnecting_takes_a_confirmation_and_clicking_twice_does_no_more() {
    let kit = Kit::start().await;
    let browser = Browser::signed_in(&kit).await;
    let path = format!("/dashboard/workspaces/{}", bot(&kit));
    let asked = page(&browser, &format!("{path}/disconnect")).await;
    assert!(asked.contains("Disconnect") && asked.contains("name=\"state\" value=\"active\""));
    assert_eq!(kit.get(&kit.admin, "/v1/users/me").await.status, 200, "asking did it");

    let disconnect = format!("{path}/disconnect");
    let reply = browser.submit(&disconnect, "&state=active").await;
    let shown = page(&browser, location(&reply)).await;
    assert!(shown.contains("The workspace is disconnected.") && shown.contains("Disconnected"));
    assert_eq!(kit.get(&kit.admin, "/v1/users/me").await.status, 409);

    // The second click of a double click carries the state of before.
    let reply = browser.submit(&disconnect, "&state=active").await;
    assert_eq!(location(&reply), path);
    page(&browser, &path).await;
    let reply = browser.submit(&disconnect, "&state=revoked").await;
    let shown = page(&browser, location(&reply)).await;
    assert!(
        shown.contains("The record was removed.") && shown.contains("No workspace is connected")
    );
    assert_eq!(browser.get(&path).await.status, 404);
    kit.finish().await;
}

#[tokio::test]
async fn the_access_report_is_made_and_shown_as_a_tree() {
    let kit = Kit::start().await;
    let browser = Browser::signed_in(&kit).await;
    let path = format!("/dashboard/workspaces/{}/access", bot(&kit));
    assert!(page(&browser, &path).await.contains("No report was made yet."));
    assert_eq!(location(&browser.submit(&path, "").await), path);
    let shown = loop {
        let shown = page(&browser, &path).await;
        if !shown.contains("http-equiv=\"refresh\"") {
            break shown;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    };
    assert!(shown.contains("<details") && shown.contains("Engineering"), "{shown}");
    for part in shown.split("href=\"").skip(1) {
        let target = part.split('"').next().expect("an end");
        let notions = target.starts_with("https://www.notion.so/")
            || target.starts_with("https://app.notion.com/");
        assert!(target.starts_with('/') || target == "#main" || notions, "{target}");
    }
    kit.finish().await;
}

#[tokio::test]
async fn what_needs_somebody_is_said_first() {
    let kit = Kit::start().await;
    let browser = Browser::signed_in(&kit).await;
    assert!(!page(&browser, "/dashboard").await.contains("Somebody is needed"));
    kit.clock.advance(Duration::from_secs(91 * 24 * 3600));
    let browser = Browser::signed_in(&kit).await;
    let shown = page(&browser, "/dashboard").await;
    assert!(shown.contains("Somebody is needed") && shown.contains("overdue"), "{shown}");
    kit.finish().await;
}

#[tokio::test]
async fn another_tenants_workspaces_are_not_there() {
    let kit = Kit::start().await;
    let operator = kit.gate.operator();
    let (_, key) = kit.gate.add_tenant(&operator, "umbra", "test").await.expect("a tenant");
    let mut browser = Browser::new(&kit);
    browser.sign_in(key.token.reveal()).await;
    let list = page(&browser, "/dashboard").await;
    assert!(list.contains("No workspace is connected") && !list.contains("Acme"), "{list}");
    let activity = page(&browser, "/dashboard/activity").await;
    assert!(!activity.contains(&bot(&kit)), "{activity}");
    let path = format!("/dashboard/workspaces/{}", bot(&kit));
    let nobodys = "/dashboard/workspaces/0a1b2c3d-4e5f-4a6b-8c7d-9e0f1a2b3c4d";
    for below in ["", "/rotate", "/disconnect", "/access"] {
        let (reply, known) = (
            browser.get(&format!("{path}{below}")).await,
            browser.get(&format!("{nobodys}{below}")).await,
        );
        assert_eq!((reply.status, known.status), (404, 404), "{below}");
        assert_eq!(reply.text(), known.text(), "{below}: the answers differ");
    }
    for below in ["/rotate", "/disconnect", "/access"] {
        let reply = browser.submit(&format!("{path}{below}"), "&state=active&token=x").await;
        assert_eq!(reply.status, 404, "{below}");
    }
    assert_eq!(kit.get(&kit.admin, "/v1/users/me").await.status, 200);
    kit.finish().await;
}
