//! Refreshing: once for all who need it, and what each answer of Notion comes to.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use gate::{AuditFilter, Error};
use model::ConnectionState;
use serde_json::json;
use testkit::{Death, send};

use crate::crash::stage::{Life, Stage, Tenant, passes};
use crate::crash::wire::{Fate, Fates};

const GRACE_MS: u64 = 36_000_000;

fn lives<T, F: Future<Output = T>>(stage: &Stage, fates: Fates, days: impl FnOnce(Life) -> F) -> T {
    stage.live(Arc::new(Death::never()), fates, days).expect("nobody dies here")
}

/// These fates befall the first requests for tokens; the others pass.
fn first_of_tokens(fates: &'static [Fate]) -> Fates {
    let count = AtomicUsize::new(0);
    Arc::new(move |path| {
        if path != "/v1/oauth/token" {
            return Fate::Passes;
        }
        fates.get(count.fetch_add(1, Ordering::SeqCst)).copied().unwrap_or(Fate::Passes)
    })
}

/// How often the tenant's workspace saw an operation.
async fn seen(tenant: &Tenant, operation: &str) -> usize {
    let url = format!("{}/calls", tenant.control);
    let calls = send("GET", &url, &[], Default::default()).await.json();
    calls.as_array().unwrap().iter().filter(|call| call["operation"] == operation).count()
}

async fn forget(tenant: &Tenant) {
    send("DELETE", &format!("{}/calls", tenant.control), &[], Default::default()).await;
}

/// Reasons with which refreshes ended, oldest first.
async fn endings(life: &Life, tenant: &Tenant) -> Vec<String> {
    let filter = AuditFilter { action: Some("manage".to_owned()), ..AuditFilter::default() };
    let operator = life.operator(tenant);
    let page = life.gate.list_audit(&operator, filter, None, 100, "look").await.unwrap();
    let mut entries: Vec<_> = page.into_entries().collect();
    entries.reverse();
    entries
        .into_iter()
        .filter(|entry| entry.operation == "refresh-credential")
        .map(|entry| entry.reason.unwrap_or_default().into_owned())
        .collect()
}

#[test]
fn f100_nc_07_fifty_callers_with_a_dead_token_make_one_refresh() {
    for grace in [0, GRACE_MS] {
        let stage = Stage::new(grace);
        let tenants = stage.tenants.clone();
        lives(&stage, passes(), async move |life: Life| {
            let tenant = &tenants[0];
            Stage::expire_tokens(&tenants[..1]).await;
            forget(tenant).await;
            let calls = (0..50).map(|_| {
                let (life, tenant) = (life.clone(), tenant.clone());
                // As the doors do it: each on a runtime of its own.
                std::thread::spawn(move || {
                    let mut runtime = tokio::runtime::Builder::new_current_thread();
                    let runtime = runtime.enable_all().build().unwrap();
                    let gate = runtime.block_on(async { life.gate.for_this_runtime() });
                    runtime.block_on(life.with(gate).call(&tenant))
                })
            });
            for call in calls.collect::<Vec<_>>() {
                let call = tokio::task::spawn_blocking(move || call.join().unwrap());
                assert_eq!(call.await.unwrap(), 200);
            }
            assert_eq!(seen(tenant, "create-a-token").await, 1);
            assert_eq!(endings(&life, tenant).await, [""]);
            // The next one needs none.
            assert_eq!(life.call(tenant).await, 200);
            assert_eq!(seen(tenant, "create-a-token").await, 1);
        });
        let (connection, credentials) = stage.stored(stage.tenants[0].bot).unwrap();
        assert_eq!((connection.state, credentials), (ConnectionState::Active, 4));
        assert_eq!(connection.state_reason, None);
    }
}

#[test]
fn a_caller_that_hangs_up_does_not_stop_the_refresh() {
    let stage = Stage::new(0);
    let tenants = stage.tenants.clone();
    lives(&stage, first_of_tokens(&[Fate::Slow]), async move |life: Life| {
        let tenant = &tenants[0];
        Stage::expire_tokens(&tenants[..1]).await;
        forget(tenant).await;
        let call = tokio::spawn({
            let (life, tenant) = (life.clone(), tenant.clone());
            async move { life.call(&tenant).await }
        });
        while seen(tenant, "create-a-token").await == 0 {
            tokio::time::sleep(std::time::Duration::from_millis(2)).await;
        }
        call.abort();
        assert_eq!(life.call(tenant).await, 200);
        assert_eq!(seen(tenant, "create-a-token").await, 1);
    });
}

#[test]
fn nc_07_lost_answers_are_cleared_up_while_notion_keeps_the_pair_of_before() {
    for fate in [
        &[Fate::AnswerLost] as &'static [Fate],
        &[Fate::HalfAnswer],
        &[Fate::FailsAfterwards],
        &[Fate::NeverArrives],
        &[Fate::AnswerLost, Fate::HalfAnswer],
    ] {
        let stage = Stage::new(GRACE_MS);
        let tenants = stage.tenants.clone();
        lives(&stage, first_of_tokens(fate), async move |life: Life| {
            let tenant = &tenants[0];
            Stage::expire_tokens(&tenants[..1]).await;
            // In the grace the old token works on, and this call need not wait for the new one.
            let first = life.call(tenant).await;
            assert!([200, 502].contains(&first), "{fate:?}: {first}");
            assert!(life.gate.tend_connections().await, "{fate:?}");
            assert_eq!(life.call(tenant).await, 200, "{fate:?}");
            assert!(endings(&life, tenant).await.last().unwrap().is_empty(), "{fate:?}");
        });
        let (connection, _) = stage.stored(stage.tenants[0].bot).unwrap();
        assert_eq!(connection.state, ConnectionState::Active, "{fate:?}");
    }
}

#[test]
fn an_answer_that_is_lost_for_good_is_named_and_mended_by_authorising_again() {
    let stage = Stage::new(0);
    let tenants = stage.tenants.clone();
    lives(&stage, first_of_tokens(&[Fate::HalfAnswer]), async move |life: Life| {
        let [tenant, other] = &tenants[..] else { panic!() };
        Stage::expire_tokens(&tenants[..1]).await;
        forget(tenant).await;
        assert_eq!(life.call(tenant).await, 409);
        // The token that Notion took already is shown to it once more, in the hope of a grace, and then
        // never again.
        let tried = seen(tenant, "create-a-token").await;
        assert_eq!(tried, 2);
        for _ in 0..5 {
            assert_eq!(life.call(tenant).await, 409);
            assert!(life.gate.tend_connections().await);
        }
        assert_eq!(seen(tenant, "create-a-token").await, tried, "no storm");
        assert_eq!(endings(&life, tenant).await, ["refresh_lost"]);
        assert_eq!(life.call(other).await, 200, "nobody else suffers");
        let (status, body) = life.get(&tenant.key, "/v1/users/me").await;
        let message = body["message"].as_str().unwrap();
        assert!(status == 409 && message.starts_with("User needs to re-authorize"), "{body}");
    });
    let (connection, _) = stage.stored(stage.tenants[0].bot).unwrap();
    assert_eq!(connection.state, ConnectionState::NeedsReauthorization);
    assert_eq!(connection.state_reason.as_deref(), Some("refresh_lost"));
    let tenants = stage.tenants.clone();
    lives(&stage, passes(), async move |life: Life| {
        assert_eq!(life.install(&tenants[0], "").await, tenants[0].bot, "the same connection");
        assert_eq!(life.call(&tenants[0]).await, 200);
    });
}

#[test]
fn nc_07_an_app_that_a_person_removed_needs_that_person() {
    let stage = Stage::new(0);
    let tenants = stage.tenants.clone();
    lives(&stage, passes(), async move |life: Life| {
        let tenant = &tenants[0];
        let url = format!("{}/tokens/{}", tenant.control, tenant.bot);
        send("DELETE", &url, &[], Default::default()).await;
        forget(tenant).await;
        for _ in 0..3 {
            assert_eq!(life.call(tenant).await, 409);
        }
        assert_eq!(seen(tenant, "create-a-token").await, 1);
        assert_eq!(endings(&life, tenant).await, ["refresh_refused"]);
    });
}

#[test]
fn a_wrong_client_secret_or_a_busy_notion_costs_no_installation() {
    let stage = Stage::new(0);
    let tenants = stage.tenants.clone();
    lives(&stage, passes(), async move |life: Life| {
        let tenant = &tenants[0];
        Stage::expire_tokens(&tenants[..1]).await;
        let fault = async |answer: serde_json::Value| {
            let fault = json!({ "match": { "operation": "create-a-token" }, "answer": answer });
            let headers = [("content-type", "application/json")];
            let url = format!("{}/faults", tenant.control);
            send("DELETE", &url, &[], Default::default()).await;
            send("POST", &url, &headers, fault.to_string().into()).await;
        };
        fault(json!({ "status": 401, "code": "invalid_client" })).await;
        let (status, body) = life.get(&tenant.key, "/v1/users/me").await;
        assert_eq!(status, 502, "{body}");
        assert!(body["message"].as_str().unwrap().contains("invalid_client"), "{body}");
        fault(json!({ "status": 429, "retry_after": 0 })).await;
        let operator = life.operator(tenant);
        let rotated = life.gate.rotate(&operator, tenant.bot, None, "x").await;
        assert!(matches!(rotated, Err(Error::Unauthorized(_))), "{rotated:?}");
        send("DELETE", &format!("{}/faults", tenant.control), &[], Default::default()).await;
        life.gate.rotate(&operator, tenant.bot, None, "x").await.expect("a refresh");
        assert_eq!(life.call(tenant).await, 200);
        let endings = endings(&life, tenant).await;
        assert_eq!(endings, ["refresh_not_done", "refresh_not_done", ""]);
    });
    let (connection, _) = stage.stored(stage.tenants[0].bot).unwrap();
    assert_eq!(connection.state, ConnectionState::Active);
}

#[test]
fn nc_09_an_admin_refreshes_and_disconnects_an_installation_and_notion_knows() {
    let stage = Stage::new(0);
    let tenants = stage.tenants.clone();
    lives(&stage, passes(), async move |life: Life| {
        let [tenant, other] = &tenants[..] else { panic!() };
        let operator = life.operator(tenant);
        forget(tenant).await;
        life.gate.rotate(&operator, tenant.bot, None, "rotate").await.expect("a refresh");
        assert_eq!(seen(tenant, "create-a-token").await, 1);
        let given = life.gate.rotate(&operator, tenant.bot, Some("ntn_x".to_owned().into()), "x");
        assert!(matches!(given.await, Err(Error::Conflict(_))));
        let theirs = life.gate.disconnect(&operator, other.bot, "x").await;
        assert!(theirs.is_err_and(|error| error.to_api().status == 404), "another tenant's");
        life.gate.disconnect(&operator, tenant.bot, "disconnect").await.expect("an end");
        assert_eq!(life.call(tenant).await, 409);
        assert_eq!(life.call(other).await, 200);
        let filter = AuditFilter::default();
        let page = life.gate.list_audit(&operator, filter, None, 50, "look").await.unwrap();
        let end = page.into_entries().find(|entry| entry.request_id == "disconnect").unwrap();
        assert_eq!(end.metadata["upstream"], "revoked".into());
    });
    assert!(!stage.has_token(stage.tenants[0].bot));
    let (connection, credentials) = stage.stored(stage.tenants[0].bot).unwrap();
    assert_eq!((connection.state, credentials), (ConnectionState::Revoked, 0));
}

#[test]
fn nc_09_an_unreachable_notion_is_asked_to_revoke_later() {
    let stage = Stage::new(0);
    let tenants = stage.tenants.clone();
    let cut: Fates =
        Arc::new(|path| if path.ends_with("/revoke") { Fate::NeverArrives } else { Fate::Passes });
    lives(&stage, cut, async move |life: Life| {
        let operator = life.operator(&tenants[0]);
        life.gate.disconnect(&operator, tenants[0].bot, "x").await.expect("out of use at once");
        assert_eq!(life.call(&tenants[0]).await, 409);
        assert!(!life.gate.tend_connections().await);
    });
    assert!(stage.has_token(stage.tenants[0].bot));
    lives(&stage, passes(), async move |life: Life| assert!(life.gate.tend_connections().await));
    assert!(!stage.has_token(stage.tenants[0].bot));
    assert_eq!(stage.stored(stage.tenants[0].bot).unwrap().1, 0);
}
