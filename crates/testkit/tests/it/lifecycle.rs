//! The life of an internal integration's token at the gate: refused by Notion, rotated, disconnected.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use gate::{Error, TokenError};
use model::{Connection, ConnectionId, ConnectionState};
use notion::Id;
use serde_json::{Value, json};
use testkit::{Kit, Reply, VERSION, send};

/// The connection as it is on the disk.
async fn connection(kit: &Kit) -> Connection {
    connections(kit).await.pop().expect("a connection")
}

async fn connections(kit: &Kit) -> Vec<Connection> {
    let all = store::Connections::all_connections(&*kit.store).await.expect("the store");
    all.into_iter().map(|stored| stored.connection).collect()
}

async fn bot(kit: &Kit) -> ConnectionId {
    connection(kit).await.bot_id
}

fn page(kit: &Kit) -> String {
    format!("/v1/pages/{}", kit.demo.team_page_id)
}

async fn rotate(kit: &Kit, token: &str) -> Result<Connection, Error> {
    kit.gate.rotate(&kit.operator(), bot(kit).await, Some(token.to_owned().into()), "rotate").await
}

/// Renews the token in the developer portal; the old one works on for a while.
async fn renew(kit: &Kit, grace_ms: u64) -> String {
    let route = format!("tokens/{}/renew", bot(kit).await);
    let made = kit.control("POST", &route, Some(&json!({"grace_ms": grace_ms}))).await;
    made["token"].as_str().expect("a token").to_owned()
}

async fn fault(kit: &Kit, fault: Value) {
    kit.control("POST", "faults", Some(&fault)).await;
}

async fn no_faults(kit: &Kit) {
    kit.control("DELETE", "faults", None).await;
}

async fn of_operation(kit: &Kit, operation: &str) -> usize {
    let calls = kit.calls().await;
    calls.iter().filter(|call| call["operation"] == operation).count()
}

fn expect_reauthorize(reply: &Reply) {
    assert_eq!(reply.status, 409, "{}", reply.text());
    assert_eq!(reply.reason(), Some("reauthorization_required"));
    let body = reply.json();
    assert_eq!(body["code"], "conflict_error");
    let message = body["message"].as_str().unwrap();
    assert!(message.starts_with("User needs to re-authorize"), "{message}");
}

#[tokio::test]
async fn a_token_that_notion_ended_is_noticed_once_and_never_used_again() {
    let kit = Arc::new(Kit::start().await);
    let bot = bot(&kit).await;
    kit.control("DELETE", &format!("tokens/{bot}"), None).await;
    let calls = (0..40).map(|_| {
        let kit = kit.clone();
        tokio::spawn(async move { kit.get(&kit.admin, &page(&kit)).await })
    });
    for call in calls.collect::<Vec<_>>() {
        expect_reauthorize(&call.await.unwrap());
    }
    assert_eq!(of_operation(&kit, "get-self").await, 1, "asked once whether it is dead");
    let now = connection(&kit).await;
    assert_eq!(now.state, ConnectionState::Revoked);
    assert_eq!(now.state_reason.as_deref(), Some("unauthorized"));

    kit.forget_calls().await;
    for path in [page(&kit), "/v1/users/me".to_owned()] {
        expect_reauthorize(&kit.get(&kit.admin, &path).await);
    }
    let small = kit.get(&kit.admin, &format!("/api{}", page(&kit))).await;
    assert_eq!((small.status, &small.json()["code"]), (409, &json!("reauthorization_required")));
    assert!(kit.calls().await.is_empty(), "nothing goes out by it");
    // A key of it still manages.
    assert_eq!(kit.get(&kit.admin, "/api/v1/keys").await.status, 200);

    let entries = kit.entries(200).await;
    let ends: Vec<_> =
        entries.iter().filter(|entry| entry.operation == "disconnect-workspace").collect();
    let [end, intent] = &ends[..] else { panic!("{ends:?}") };
    assert_eq!((intent.action.as_ref(), end.action.as_ref()), ("manage_intended", "manage"));
    assert_eq!((end.principal.as_str(), end.result.as_str()), ("gate", "success"));
    assert_eq!(end.metadata["event"], "workspace_deauthorized".into());
    assert_eq!(end.resource.id, bot.to_string());
    Arc::into_inner(kit).unwrap().finish().await;
}

#[tokio::test]
async fn nc_10_a_refusal_that_was_a_slip_ends_nothing_and_is_not_passed_on() {
    let kit = Kit::start().await;
    let refuse = |operation: &str, times: Option<u32>| json!({"match": {"operation": operation}, "answer": {"status": 401}, "times": times});
    // Once: sent again, a write, too, for a 401 did nothing.
    for (method, operation) in [("GET", "retrieve-a-page"), ("PATCH", "patch-page")] {
        fault(&kit, refuse(operation, Some(1))).await;
        let body = json!({"icon": {"emoji": "🔥"}});
        let body = (method == "PATCH").then_some(&body);
        let reply = kit.call(method, &kit.admin, &page(&kit), body).await;
        assert_eq!(reply.status, 200, "{}", reply.text());
        assert_eq!(of_operation(&kit, operation).await, 2);
    }
    // Always: Notion contradicts itself, and the caller's key is not to blame.
    fault(&kit, refuse("retrieve-a-page", None)).await;
    let reply = kit.get(&kit.admin, &page(&kit)).await;
    assert_eq!((reply.status, &reply.json()["code"]), (502, &json!("bad_gateway")));
    assert_eq!(reply.header("www-authenticate"), None);
    // Notion cannot be asked whether the token is dead: nothing is concluded.
    fault(&kit, json!({"match": {"operation": "get-self"}, "drop": true})).await;
    for _ in 0..3 {
        let reply = kit.get(&kit.admin, &page(&kit)).await;
        assert_eq!(reply.status, 502, "{}", reply.text());
    }
    assert!(of_operation(&kit, "get-self").await < 12, "no storm of questions");
    assert_eq!(connection(&kit).await.state, ConnectionState::Active);
    no_faults(&kit).await;
    assert_eq!(kit.get(&kit.admin, &page(&kit)).await.status, 200);
    kit.finish().await;
}

#[tokio::test]
async fn without_the_ledger_no_token_is_forgotten() {
    let kit = Kit::start().await;
    let bot = bot(&kit).await;
    kit.control("DELETE", &format!("tokens/{bot}"), None).await;
    kit.store.fail_ledger(true);
    let ended = kit.gate.disconnect(&kit.operator(), bot, "x").await;
    assert!(matches!(ended, Err(Error::Ledger)), "{ended:?}");
    let rotated = rotate(&kit, &kit.demo.tokens.full).await;
    assert!(rotated.is_err(), "{rotated:?}");
    assert_eq!(connection(&kit).await.state, ConnectionState::Active);
    kit.store.fail_ledger(false);
    kit.finish().await;
}

/// Callers that read and write until told to stop; counts, and what failed.
struct Callers {
    tasks: Vec<tokio::task::JoinHandle<Option<String>>>,
    stop: Arc<AtomicBool>,
    answered: Arc<AtomicUsize>,
}

impl Callers {
    fn start(kit: &Kit, count: usize) -> Self {
        let (stop, answered) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicUsize::new(0)));
        let tasks = (0..count).map(|number| {
            let (stop, answered) = (stop.clone(), answered.clone());
            let url = format!("{}{}", kit.url, page(kit));
            let bearer = format!("Bearer {}", kit.admin);
            tokio::spawn(async move {
                let headers = [("authorization", bearer.as_str()), ("notion-version", VERSION)];
                while !stop.load(Ordering::Relaxed) {
                    let write = number % 10 == 0;
                    let method = if write { "PATCH" } else { "GET" };
                    let body = if write { "{\"icon\":{\"emoji\":\"🔥\"}}" } else { "" };
                    let reply = send(method, &url, &headers, body.into()).await;
                    if reply.status != 200 {
                        return Some(format!("{method} {} {}", reply.status, reply.text()));
                    }
                    answered.fetch_add(1, Ordering::Relaxed);
                }
                None
            })
        });
        Self { tasks: tasks.collect(), stop, answered }
    }

    async fn more(&self, count: usize) {
        let target = self.answered.load(Ordering::Relaxed) + count;
        while self.answered.load(Ordering::Relaxed) < target
            && !self.tasks.iter().any(tokio::task::JoinHandle::is_finished)
        {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    async fn stop(self) {
        self.stop.store(true, Ordering::Relaxed);
        let mut failed = Vec::new();
        for task in self.tasks {
            failed.extend(task.await.unwrap());
        }
        assert!(failed.is_empty(), "{} calls failed: {}", failed.len(), failed[0]);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_hundred_callers_lose_no_call_to_a_rotation_whenever_the_old_token_dies() {
    let kit = Kit::start().await;
    for dies in ["while the new one is verified", "after", "never"] {
        let token = renew(&kit, 3_600_000).await;
        let callers = Callers::start(&kit, 200);
        callers.more(200).await;
        let slow = json!({"match": {"operation": "get-self"}, "latency_ms": 400, "times": 1});
        fault(&kit, slow).await;
        let (gate, operator, id) = (kit.gate.clone(), kit.operator(), bot(&kit).await);
        let rotating = tokio::spawn({
            let token = token.clone();
            async move { gate.rotate(&operator, id, Some(token.into()), "rotate").await }
        });
        let kill = || async {
            let later = json!({"advance_ms": 3_600_001});
            kit.control("POST", "clock", Some(&later)).await;
        };
        if dies.starts_with("while") {
            while kit.control("GET", "faults", None).await[0]["hits"] == 0 {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
            kill().await;
        }
        rotating.await.unwrap().expect("a rotation");
        if dies == "after" {
            kill().await;
        }
        callers.more(400).await;
        callers.stop().await;
        no_faults(&kit).await;

        kit.forget_calls().await;
        assert_eq!(kit.get(&kit.admin, &page(&kit)).await.status, 200);
        let seen = kit.calls().await;
        let used = seen[0]["token_fingerprint"].clone();
        let own = [("authorization", format!("Bearer {token}"))];
        let own = [(own[0].0, own[0].1.as_str()), ("notion-version", VERSION)];
        let url = format!("{}/v1/users/me", kit.sandbox.url());
        send("GET", &url, &own, "".into()).await;
        let expected = kit.calls().await.pop().unwrap()["token_fingerprint"].clone();
        assert_eq!(used, expected, "{dies}: the new token is used");
    }
    kit.finish().await;
}

#[tokio::test]
async fn a_rotation_takes_only_a_token_of_the_same_bot_and_workspace() {
    let kit = Kit::start().await;
    let before = connection(&kit).await;
    kit.clock.advance(Duration::from_secs(60));
    let rejected = rotate(&kit, "ntn_sandbox_nobody").await;
    assert!(matches!(rejected, Err(Error::Token(TokenError::Rejected))), "{rejected:?}");
    let other_bot = rotate(&kit, &kit.demo.tokens.reader).await;
    assert!(matches!(other_bot, Err(Error::Token(TokenError::Mismatch(_)))), "{other_bot:?}");
    let second =
        kit.control("POST", "workspaces", Some(&json!({"name": "Umbra"}))).await["control"].clone();
    let control = second.as_str().expect("a control address");
    let body = json!({"name": "Same bot", "bot_id": before.bot_id}).to_string();
    let url = if control.starts_with("http") {
        format!("{control}/tokens")
    } else {
        format!("{}{control}/tokens", kit.sandbox.url())
    };
    let made = send("POST", &url, &[("content-type", "application/json")], body.into()).await;
    let elsewhere = made.json()["token"].as_str().expect("a token").to_owned();
    let other_workspace = rotate(&kit, &elsewhere).await;
    assert!(
        matches!(&other_workspace, Err(Error::Token(TokenError::Mismatch(text))) if text.contains("workspace")),
        "{other_workspace:?}"
    );
    let same = rotate(&kit, &kit.demo.tokens.full).await;
    assert!(matches!(same, Err(Error::Conflict(_))), "{same:?}");
    let no_token = kit.gate.rotate(&kit.operator(), before.bot_id, None, "x").await;
    assert!(matches!(no_token, Err(Error::Invalid(_))), "{no_token:?}");
    let unknown = ConnectionId(Id::parse("0a1b2c3d-4e5f-4a6b-8c7d-9e0f1a2b3c4d").unwrap());
    let missing = kit.gate.rotate(&kit.operator(), unknown, None, "x").await;
    assert!(missing.as_ref().is_err_and(|error| error.to_api().status == 404), "{missing:?}");
    // Nothing of it changed anything, and no token is in any of the errors.
    let after = connection(&kit).await;
    assert_eq!((after.state, after.rotated_at), (ConnectionState::Active, before.rotated_at));
    assert_eq!(kit.get(&kit.admin, &page(&kit)).await.status, 200);
    let told = format!("{rejected:?} {other_bot:?} {other_workspace:?} {same:?}");
    assert!(!told.contains("ntn_") && !told.contains(&elsewhere), "{told}");

    let token = renew(&kit, 1000).await;
    let rotated = rotate(&kit, &token).await.expect("a rotation");
    assert!(rotated.rotated_at > before.rotated_at);
    kit.finish().await;
}

#[tokio::test]
async fn the_token_of_before_is_a_way_back_for_its_grace_and_then_forgotten() {
    let kit = Kit::start().await;
    let token = renew(&kit, 86_400_000).await;
    rotate(&kit, &token).await.expect("a rotation");
    // A start with an environment that names the token of before goes on with the new one.
    let old = gate::Tokens { access: kit.demo.tokens.full.clone().into(), write: None };
    kit.control("POST", "clock", Some(&json!({"advance_ms": 90_000_000}))).await;
    kit.gate.declare(Some(&old)).await.expect("the connection goes on");
    let token = renew(&kit, 86_400_000).await;
    rotate(&kit, &token).await.expect("a rotation");
    // Notion does not take the new token everywhere yet.
    fault(&kit, json!({"match": {"token": token}, "answer": {"status": 401}})).await;
    assert_eq!(kit.get(&kit.admin, &page(&kit)).await.status, 200);
    let body = json!({"icon": {"emoji": "🔥"}});
    assert_eq!(kit.patch(&kit.admin, &page(&kit), &body).await.status, 200);
    kit.clock.advance(Duration::from_secs(3600));
    kit.gate.tend_connections().await;
    expect_reauthorize(&kit.get(&kit.admin, &page(&kit)).await);
    no_faults(&kit).await;
    // A new token of the same bot puts it into use again.
    rotate(&kit, &token).await.expect("a rotation");
    assert_eq!(kit.get(&kit.admin, &page(&kit)).await.status, 200);
    kit.finish().await;
}

#[tokio::test]
async fn nc_09_a_disconnected_workspace_is_out_of_use_then_gone() {
    let kit = Kit::start().await;
    let (bot, operator) = (bot(&kit).await, kit.operator());
    assert_eq!(kit.get(&kit.admin, &page(&kit)).await.status, 200);
    kit.forget_calls().await;
    kit.gate.disconnect(&operator, bot, "disconnect").await.expect("an end");
    assert_eq!(connection(&kit).await.state, ConnectionState::Revoked);
    expect_reauthorize(&kit.get(&kit.admin, &page(&kit)).await);
    assert!(kit.calls().await.is_empty(), "Notion has no route to revoke such a token");
    let entries = kit.entries(20).await;
    let end = entries.iter().find(|entry| entry.request_id == "disconnect").unwrap();
    assert_eq!(end.operation, "disconnect-workspace");
    assert_eq!(end.metadata["event"], "workspace_deauthorized".into());
    assert_eq!(end.metadata["upstream"], "not_possible".into());
    kit.gate.disconnect(&operator, bot, "again").await.expect("its removal");
    assert!(connections(&kit).await.is_empty());
    let gone = kit.gate.disconnect(&operator, bot, "gone").await;
    assert!(gone.is_err_and(|error| error.to_api().status == 404));
    expect_reauthorize(&kit.get(&kit.admin, &page(&kit)).await);
    kit.finish().await;
}

#[tokio::test]
async fn rotation_and_disconnection_have_routes_for_admins() {
    let kit = Kit::start().await;
    let path = format!("/api/v1/workspaces/{}", bot(&kit).await);
    let rotation = format!("{path}/rotate");
    let token = renew(&kit, 3_600_000).await;
    let good = json!({ "token": token });
    for role in [model::Role::Viewer, model::Role::Editor] {
        let key = kit.key(role, &[]).await;
        for (method, path) in [("POST", &rotation), ("DELETE", &path)] {
            let refused = kit.call(method, &key, path, Some(&good)).await;
            assert_eq!((refused.status, refused.reason()), (403, Some("role")), "{method}");
        }
    }
    for wrong in [json!([]), json!({"token": 1}), json!({"token": "x", "more": 1})] {
        let refused = kit.post(&kit.admin, &rotation, &wrong).await;
        assert_eq!((refused.status, &refused.json()["code"]), (400, &json!("validation_error")));
    }
    let refused = kit.post(&kit.admin, &rotation, &json!({"token": "ntn_sandbox_nobody"})).await;
    assert_eq!((refused.status, &refused.json()["code"]), (400, &json!("token_rejected")));
    assert!(!refused.text().contains("ntn_"), "{}", refused.text());
    kit.clock.advance(Duration::from_secs(86_400 * 90));
    let old = kit.get(&kit.admin, &path).await.json();
    assert_eq!(old["age_days"], 90);
    assert_eq!(old["rotation_due_at"], json!(kit.gate.clock().now()));
    let is_due = |shown: &Value| {
        let warnings = shown["warnings"].as_array().unwrap();
        warnings.iter().any(|warning| warning["code"] == "rotation_due")
    };
    assert!(is_due(&old), "{old}");
    let rotated = kit.post(&kit.admin, &rotation, &good).await;
    assert_eq!((rotated.status, &rotated.json()["age_days"]), (200, &json!(0)));
    assert!(!is_due(&rotated.json()) && !rotated.text().contains("ntn_"), "{}", rotated.text());
    let same = kit.post(&kit.admin, &rotation, &good).await;
    assert_eq!((same.status, &same.json()["code"]), (409, &json!("conflict")));

    assert_eq!(kit.delete(&kit.admin, &path).await.status, 204);
    expect_reauthorize(&kit.get(&kit.admin, &page(&kit)).await);
    let revoked = kit.get(&kit.admin, &path).await.json();
    assert_eq!((&revoked["state"], &revoked["age_days"]), (&json!("revoked"), &Value::Null));
    assert_eq!(kit.delete(&kit.admin, &path).await.status, 204);
    for (method, path) in [("GET", &path), ("DELETE", &path), ("POST", &rotation)] {
        let gone = kit.call(method, &kit.admin, path, Some(&json!({}))).await;
        assert_eq!(gone.status, 404, "{method} {}", gone.text());
    }
    assert_eq!(kit.delete(&kit.admin, "/api/v1/workspaces/nonsense").await.status, 404);
    kit.finish().await;
}
