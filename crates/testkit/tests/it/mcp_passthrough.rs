//! Callers of the MCP door who bring a Notion token of their own.

use std::net::TcpListener;

use model::Role;
use serde_json::{Value, json};
use testkit::Kit;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use web::{App, Limits};

use crate::mcp_official::{call, told};

/// Another door of the kit's gate.
pub(crate) struct Door {
    pub(crate) url: String,
    stop: watch::Sender<bool>,
    task: JoinHandle<()>,
}

impl Door {
    pub(crate) fn open(kit: &Kit, settings: mcp::Settings) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let mcp = Some(testkit::mcp_door(&kit.gate, settings));
        let router = web::router(App { mcp, ..App::new(kit.gate.clone()) });
        let (stop, stopped) = watch::channel(false);
        let task = tokio::spawn(async move {
            web::serve_tcp(listener, router, Limits::default(), stopped).await.unwrap();
        });
        Self { url, stop, task }
    }

    fn passing(kit: &Kit) -> Self {
        Self::open(kit, mcp::Settings { passthrough: true, ..mcp::Settings::default() })
    }

    pub(crate) async fn close(self) {
        let _ = self.stop.send(true);
        self.task.await.unwrap();
    }
}

/// The status, and the bot that a call of `get-self` finds.
async fn who(url: &str, headers: &[(&str, &str)]) -> (u16, Value) {
    let reply = call(url, headers, "get-self", &json!({})).await;
    if reply.status != 200 {
        return (reply.status, reply.json());
    }
    (200, told(&reply).1["id"].clone())
}

async fn bot_of(kit: &Kit, token: &str) -> Value {
    let bearer = format!("Bearer {token}");
    let headers = [("authorization", bearer.as_str()), ("notion-version", testkit::VERSION)];
    let url = format!("{}/v1/users/me", kit.sandbox.url());
    testkit::send("GET", &url, &headers, String::new().into()).await.json()["id"].clone()
}

#[tokio::test]
async fn f116_f119_f128_a_good_token_is_used_and_a_bad_one_is_not_passed_over() {
    let kit = Kit::start().await;
    let door = Door::passing(&kit);
    let bearer = format!("Bearer {}", kit.admin);
    let key = ("authorization", bearer.as_str());
    let reader = bot_of(&kit, &kit.demo.tokens.reader).await;
    let own = bot_of(&kit, &kit.demo.tokens.full).await;
    // Beside notegate's own key, and padded.
    assert_eq!(
        who(&door.url, &[key, ("notion-token", &kit.demo.tokens.reader)]).await,
        (200, reader.clone())
    );
    let padded = format!(" {} ", kit.demo.tokens.reader);
    assert_eq!(who(&door.url, &[key, ("notion-token", &padded)]).await.1, reader);
    // Without one: the connection of before.
    assert_eq!(who(&door.url, &[key]).await, (200, own));
    // Not without showing who one is; and with authentication the bearer is never a Notion token.
    kit.forget_calls().await;
    assert_eq!(who(&door.url, &[("notion-token", &kit.demo.tokens.reader)]).await.0, 401);
    let as_bearer = format!("Bearer {}", kit.demo.tokens.reader);
    assert_eq!(who(&door.url, &[("authorization", &as_bearer)]).await.0, 401, "f117, f121, rs-03");
    // A key of notegate, even one that looks like Notion's, is no Notion token.
    let shaped = testkit::request(Role::Viewer, &[]);
    let shaped = kit.new_key(gate::KeyRequest { notion_shaped: true, ..shaped }).await;
    for bad in ["nonsense", "", "ntn_a b", "ntn_a,ntn_b", "ntn_abc", &kit.admin, &shaped] {
        let (status, answer) = who(&door.url, &[key, ("notion-token", bad)]).await;
        assert_eq!(status, 401, "{bad}");
        assert!(!answer.to_string().contains("ntn_a"), "{answer}");
    }
    let twice = [key, ("notion-token", &kit.demo.tokens.reader), ("notion-token", "ntn_second")];
    assert_eq!(who(&door.url, &twice).await.0, 401);
    // Where the feature is off it is refused, with a hint.
    let (status, answer) = who(&kit.url, &[key, ("notion-token", &kit.demo.tokens.reader)]).await;
    assert_eq!(status, 400);
    assert!(answer.to_string().contains("ENABLE_TOKEN_PASSTHROUGH"), "{answer}");
    assert!(kit.calls().await.is_empty(), "none of them reached Notion");
    door.close().await;
    kit.finish().await;
}

#[tokio::test]
async fn f117_f118_without_authentication_the_bearer_will_do() {
    let kit = Kit::start().await;
    let everybody = |connection| {
        let mut operator = kit.operator();
        operator.connection = connection;
        Door::open(
            &kit,
            mcp::Settings {
                passthrough: true,
                admission: mcp::Admission::Everybody(operator),
                ..mcp::Settings::default()
            },
        )
    };
    let reader = bot_of(&kit, &kit.demo.tokens.reader).await;
    let writer = bot_of(&kit, &kit.demo.tokens.writer).await;
    let own = bot_of(&kit, &kit.demo.tokens.full).await;
    let with_own = everybody(kit.operator().connection);
    let without = everybody(model::ConnectionId::NONE);
    let as_bearer = format!("Bearer {}", kit.demo.tokens.reader);
    let as_bearer = ("authorization", as_bearer.as_str());
    for door in [&with_own, &without] {
        assert_eq!(who(&door.url, &[as_bearer]).await, (200, reader.clone()));
        let both = [as_bearer, ("notion-token", &kit.demo.tokens.writer)];
        assert_eq!(who(&door.url, &both).await, (200, writer.clone()), "the header goes first");
        assert_eq!(who(&door.url, &[as_bearer, ("notion-token", "x")]).await.0, 401);
    }
    // The start-up token as fallback; none is a 401 at once, whatever is asked.
    assert_eq!(who(&with_own.url, &[]).await, (200, own));
    kit.forget_calls().await;
    let (status, answer) = who(&without.url, &[]).await;
    assert_eq!(status, 401);
    assert!(answer.to_string().contains("Notion-Token"), "{answer}");
    assert!(kit.calls().await.is_empty());
    with_own.close().await;
    without.close().await;
    kit.finish().await;
}

#[tokio::test]
async fn f121_rs_03_the_secret_of_the_gateway_and_tokens_of_notion_are_never_confused() {
    let kit = Kit::start().await;
    let secret = "a-secret-of-the-gateway";
    let door = Door::open(
        &kit,
        mcp::Settings {
            passthrough: true,
            admission: mcp::Admission::Secret(secret.to_owned().into(), kit.operator()),
            ..mcp::Settings::default()
        },
    );
    let token = kit.demo.tokens.reader.as_str();
    let [good, wrong] = [secret, token].map(|shown| format!("Bearer {shown}"));
    let [good, wrong] = [&good, &wrong].map(|shown| ("authorization", shown.as_str()));
    kit.forget_calls().await;
    // The one in the other's place is refused, and used for nothing.
    assert_eq!(who(&door.url, &[good, ("notion-token", secret)]).await.0, 401);
    let (status, answer) = who(&door.url, &[wrong]).await;
    assert_eq!(status, 403, "nobody can sign in here, so it is no 401");
    assert!(answer.to_string().contains("Notion-Token") && !answer.to_string().contains(token));
    assert_eq!(who(&door.url, &[wrong, ("notion-token", token)]).await.0, 403);
    assert_eq!(who(&door.url, &[("notion-token", token)]).await.0, 401);
    assert!(kit.calls().await.is_empty());
    assert_eq!(who(&door.url, &[good, ("notion-token", token)]).await.0, 200);
    // Where people sign in, it is a 401 that says how.
    assert_eq!(who(&kit.url, &[wrong]).await.0, 401);
    door.close().await;
    kit.finish().await;
}

#[tokio::test]
async fn f123_each_tenant_decides_whether_its_callers_bring_tokens() {
    let kit = Kit::start().await;
    let door = Door::passing(&kit);
    let made =
        kit.as_operator("POST", "/api/v1/tenants", None, Some(&json!({ "name": "aurora" }))).await;
    let admin = made.json()["key"].as_str().unwrap().to_owned();
    let world = kit.add_workspace("aurora").await;
    let connect = json!({ "token": world["tokens"]["full"] });
    assert_eq!(kit.post(&admin, "/api/v1/workspaces", &connect).await.status, 201);
    let viewer = json!({ "name": "x", "role": "viewer" });
    let viewer = kit.post(&admin, "/api/v1/keys", &viewer).await.json();
    let viewer = viewer["key"].as_str().unwrap().to_owned();
    let token = world["tokens"]["reader"].as_str().unwrap();
    let bring = async |key: &str| {
        let bearer = format!("Bearer {key}");
        who(&door.url, &[("authorization", &bearer), ("notion-token", token)]).await
    };
    // The tenant of an installation for one team is let by the operator's switch; others say so themselves.
    assert_eq!(bring(&kit.admin).await.0, 200);
    let (status, answer) = bring(&viewer).await;
    assert_eq!(status, 400);
    assert!(answer.to_string().contains("tenants set --token-passthrough on"), "{answer}");
    let on = json!({ "token_passthrough": true });
    assert_eq!(kit.patch(&viewer, "/api/v1/tenant", &on).await.status, 403);
    assert_eq!(bring(&viewer).await.0, 400);
    let changed = kit.patch(&admin, "/api/v1/tenant", &on).await;
    assert_eq!((changed.status, &changed.json()["token_passthrough"]), (200, &json!(true)));
    assert_eq!(bring(&viewer).await.0, 200);
    assert_eq!(kit.get(&admin, "/api/v1/tenant").await.json()["name"], "aurora");
    // Off for one is not off for another, and comes at once.
    let off = json!({ "token_passthrough": false });
    assert_eq!(kit.patch(&kit.admin, "/api/v1/tenant", &off).await.status, 200);
    assert_eq!((bring(&kit.admin).await.0, bring(&viewer).await.0), (400, 200));
    for bad in [json!({}), json!({ "token_passthrough": 1 }), json!({ "name": "x" })] {
        assert_eq!(kit.patch(&admin, "/api/v1/tenant", &bad).await.status, 400, "{bad}");
    }
    let entries = kit.entries(50).await;
    assert!(entries.iter().any(|entry| entry.operation == "change-tenant"));
    door.close().await;
    kit.finish().await;
}

#[tokio::test]
async fn f122_f123_tokens_that_interleave_never_mix() {
    let kit = Kit::start().await;
    let door = Door::passing(&kit);
    let mut worlds = Vec::new();
    for name in ["aurora", "borealis"] {
        let world = kit.add_workspace(name).await;
        let token = world["tokens"]["full"].as_str().unwrap().to_owned();
        let page = world["demo"]["team_page_id"].as_str().unwrap().to_owned();
        worlds.push((token, page));
    }
    let bearer = format!("Bearer {}", kit.admin);
    let ask = async |token: &str, page: &str| {
        let headers = [("authorization", bearer.as_str()), ("notion-token", token)];
        told(&call(&door.url, &headers, "retrieve-a-page", &json!({ "page_id": page })).await)
    };
    for round in 0..250 {
        let ((a, page_a), (b, page_b)) = (&worlds[0], &worlds[1]);
        let (own_a, own_b, other_a, other_b) =
            tokio::join!(ask(a, page_a), ask(b, page_b), ask(a, page_b), ask(b, page_a));
        assert_eq!((own_a.0, &own_a.1["id"]), (false, &json!(page_a)), "{round}");
        assert_eq!((own_b.0, &own_b.1["id"]), (false, &json!(page_b)), "{round}");
        for (is_error, told) in [other_a, other_b] {
            assert!(is_error && told["code"] == "object_not_found", "{round}: {told}");
        }
    }
    // A narrow key stays narrow, whatever token it brings.
    let inside = notion::Id::parse(&worlds[0].1).unwrap();
    let narrow = format!("Bearer {}", kit.key(Role::Viewer, &[inside]).await);
    let headers = [("authorization", narrow.as_str()), ("notion-token", worlds[0].0.as_str())];
    let page =
        told(&call(&door.url, &headers, "retrieve-a-page", &json!({ "page_id": inside })).await);
    assert_eq!((page.0, &page.1["id"]), (false, &json!(inside)));
    let made = json!({ "parent": { "page_id": inside }, "properties": {} });
    let made = told(&call(&door.url, &headers, "post-page", &made).await);
    assert_eq!((made.0, &made.1["status"]), (true, &json!(403)), "a viewer");
    // A cursor of one token is none of the other's.
    let search = |cursor: Option<&Value>| {
        let mut given = json!({ "page_size": 1 });
        if let Some(cursor) = cursor {
            given["start_cursor"] = cursor.clone();
        }
        given
    };
    let first = told(&call(&door.url, &headers, "post-search", &search(None)).await).1;
    if first["has_more"] == true {
        let other = [("authorization", narrow.as_str()), ("notion-token", worlds[1].0.as_str())];
        let next = told(
            &call(&door.url, &other, "post-search", &search(Some(&first["next_cursor"]))).await,
        );
        assert!(next.0, "{}", next.1);
    }
    door.close().await;
    kit.finish().await;
}

#[tokio::test]
async fn f124_a_token_is_found_nowhere() {
    const CANARY: &str = "ntn_sandboxCANARYcanary0123456789abcdefghijk";
    let kit = Kit::start().await;
    let door = Door::passing(&kit);
    let bearer = format!("Bearer {}", kit.admin);
    let headers = [("authorization", bearer.as_str()), ("notion-token", CANARY)];
    let mut said = String::new();
    for (tool, given) in [
        ("get-self", json!({})),
        ("retrieve-a-page", json!({ "page_id": kit.demo.team_page_id })),
        ("post-page", json!({ "parent": { "page_id": kit.demo.team_page_id }, "properties": {} })),
    ] {
        let reply = call(&door.url, &headers, tool, &given).await;
        let (is_error, answer) = told(&reply);
        // Notion's word about the caller's own token is the caller's to know, as an error of the tool.
        assert!(is_error, "{tool}");
        assert_eq!(
            (&answer["status"], &answer["code"]),
            (&json!(401), &json!("unauthorized")),
            "{answer}"
        );
        said.push_str(&reply.text());
    }
    let good = kit.demo.tokens.writer.clone();
    let headers = [("authorization", bearer.as_str()), ("notion-token", good.as_str())];
    let page = json!({ "parent": { "page_id": kit.demo.team_page_id }, "properties": {} });
    let reply = call(&door.url, &headers, "post-page", &page).await;
    assert!(!told(&reply).0, "{}", reply.text());
    said.push_str(&reply.text());

    let entries = kit.entries(50).await;
    let shown = format!("ntn_…({} chars)", CANARY.len());
    assert!(
        entries.iter().any(|entry| { serde_json::to_string(entry).unwrap().contains(&shown) }),
        "the ledger says by which sort of token"
    );
    said.push_str(&serde_json::to_string(&entries).unwrap());
    said.push_str(&format!("{:?}", kit.gate));
    for list in ["/workspaces", "/api/v1/keys", "/api/v1/audit?limit=100", "/metrics"] {
        said.push_str(&kit.get(&kit.admin, list).await.text());
    }
    let connections = kit.get(&kit.admin, "/workspaces").await.json();
    assert_eq!(connections["items"].as_array().unwrap().len(), 1, "a guest is no connection");
    for secret in ["CANARY", "canary0123", &good, &good[12..]] {
        assert!(!said.contains(secret), "{secret}");
    }
    for file in kit.files() {
        let bytes = std::fs::read(&file).unwrap();
        for secret in ["CANARYcanary", &good] {
            let found = bytes.windows(secret.len()).any(|window| window == secret.as_bytes());
            assert!(!found, "{} in {}", secret, file.display());
        }
    }
    // The connection of the environment is as it was.
    assert_eq!(kit.get(&kit.admin, "/v1/users/me").await.status, 200);
    door.close().await;
    kit.finish().await;
}
