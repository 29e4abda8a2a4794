//! Policies on the dashboard: read, checked, put into force, taken back.

use model::Role;
use serde_json::json;
use testkit::{Kit, Reply};
use url::form_urlencoded::byte_serialize;

use crate::browser::Browser;

const PATH: &str = "/dashboard/policies";
const QUIET: &str = "@id(\"quiet\")\r\n@says(\"<b>nobody</b> writes\")\r\n\
     forbid (principal in Role::\"editor\", action in Action::\"write\", resource);";

async fn submit(admin: &Browser<'_>, act: &str, version: u64, text: &str) -> Reply {
    let text: String = byte_serialize(text.as_bytes()).collect();
    let fields = format!("&act={act}&version={version}&note=a+quiet+week&text={text}");
    admin.submit(PATH, &fields).await
}

#[tokio::test]
async fn policies_are_checked_put_into_force_and_taken_back() {
    let kit = Kit::start().await;
    let admin = Browser::signed_in(&kit).await;
    let page = async |query: &str| admin.get(&format!("{PATH}{query}")).await.text();
    let none = page("").await;
    assert!(none.contains("only the roles hold"), "{none}");
    assert!(none.contains("@id(&quot;viewer&quot;)"), "the roles can be read");
    let version = async || kit.get(&kit.admin, "/api/v1/policies").await.json()["version"].clone();

    // What is wrong is told with its place, and what was typed is there still.
    let nameless = "// a week\r\nforbid (principal, action, resource);";
    let wrong = submit(&admin, "save", 0, nameless).await;
    assert_eq!(wrong.status, 422);
    let text = wrong.text();
    assert!(text.contains("line 2, column 1: the policy has no name"), "{text}");
    assert!(text.contains("forbid (principal, action, resource);</textarea>"), "{text}");
    let checked = submit(&admin, "check", 0, QUIET).await;
    assert!(checked.status == 200 && checked.text().contains("It is right"), "{}", checked.text());
    assert_eq!(version().await, 0);

    let saved = submit(&admin, "save", 0, QUIET).await;
    assert_eq!(
        (saved.status, saved.header("location")),
        (303, Some(&*format!("{PATH}?done=saved")))
    );
    let shown = page("?done=saved").await;
    assert!(shown.contains("&lt;b&gt;nobody&lt;/b&gt; writes"), "{shown}");
    assert!(shown.contains("Version 1") && shown.contains("a quiet week"), "{shown}");
    let stored = kit.get(&kit.admin, "/api/v1/policies").await.json();
    assert_eq!(stored["text"], QUIET.replace("\r\n", "\n"));
    let editor = kit.key(Role::Editor, &[]).await;
    let team = format!("/v1/pages/{}", kit.demo.team_page_id);
    let write = async || kit.patch(&editor, &team, &json!({ "icon": null })).await.status;
    assert_eq!(write().await, 403);

    // Somebody else was quicker; and nobody saws off the branch.
    let late = submit(&admin, "save", 0, "").await;
    assert!(late.status == 422 && late.text().contains("ersion 1 of the policies is in force"));
    let all = "@id(\"all\") forbid (principal, action, resource);";
    let locked = submit(&admin, "save", 1, all).await;
    assert!(
        locked.status == 422 && locked.text().contains("could not manage"),
        "{}",
        locked.text()
    );
    assert_eq!(version().await, 1);

    assert!(page("?version=0").await.contains("back to version 0"));
    assert_eq!(submit(&admin, "save", 1, "").await.status, 303);
    assert_eq!(write().await, 200);
    assert!(page("?version=1").await.contains("nobody&lt;/b&gt; writes"));
    assert_eq!(admin.get(&format!("{PATH}?version=9")).await.status, 404);
    let long = format!("// {}\n", "x".repeat(40_000));
    let body = json!({ "text": long });
    assert_eq!(kit.call("PUT", &kit.admin, "/api/v1/policies", Some(&body)).await.status, 200);
    assert!(page("").await.contains("too long for a form"));
    kit.finish().await;
}
