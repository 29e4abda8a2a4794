//! Errors that help: F061 (three codes, three hints) and F053 (the time-out).

use serde_json::{Value, json};

use crate::harness::*;

#[track_caller]
fn expect_advice(gate: &Gate, key: &str, status: u16, code: &str, hint: &str) {
    for base in ["/api/v1/pages", "/api/pages"] {
        let answer = gate.api("GET", &format!("{base}/{TEAM_PAGE}"), key, None);
        assert_eq!(answer.status, status, "{}", answer.text());
        let problem = answer.expect_problem();
        assert_eq!(problem["code"], code, "{problem}");
        let advice = problem["advice"].as_str().unwrap_or_default().to_lowercase();
        assert!(advice.contains(hint), "{problem}");
    }
}

#[test]
fn f061_three_refusals_of_notion_are_kept_apart() {
    let place = Place::new();
    let sandbox = Sandbox::start(&place);
    let (token, bot) = sandbox.token(EVERYTHING, &[TEAM_PAGE]);
    let gate = Start::before(&place, &sandbox).set("NOTION_TOKEN", &token).run();
    let scoped = gate.key("viewer", &[TEAM_PAGE]);
    for key in [&gate.admin, &scoped] {
        gate.api("GET", &format!("/api/v1/pages/{TEAM_PAGE}"), key, None).expect(200);
        expect_advice_free(&gate, key);
    }
    sandbox.control("POST", "unshare", json!({ "bot_id": bot, "id": TEAM_PAGE }));
    for key in [&gate.admin, &scoped] {
        expect_advice(&gate, key, 404, "object_not_found", "connections");
    }
    sandbox.control("POST", "share", json!({ "bot_id": bot, "id": TEAM_PAGE }));
    // One whose page the gate has not looked for yet: its place is asked for first.
    let fresh = gate.key("viewer", &[OTHER_PAGE]);
    sandbox.control("DELETE", &format!("tokens/{bot}"), Value::Null);
    for key in [&gate.admin, &scoped] {
        expect_advice(&gate, key, 409, "reauthorization_required", "re-authorize");
    }
    let answer = gate.api("GET", &format!("/api/v1/pages/{ROOT_PAGE}"), &fresh, None);
    let code = &answer.expect_problem()["code"];
    assert_eq!((answer.status, code), (409, &json!("reauthorization_required")));
    drop(gate);

    let place = Place::new();
    let blind = sandbox.token(&["insert_content"], &[TEAM_PAGE]).0;
    let gate = Start::before(&place, &sandbox).set("NOTION_TOKEN", &blind).run();
    for key in [&gate.admin, &gate.key("viewer", &[TEAM_PAGE])] {
        expect_advice(&gate, key, 403, "capability_missing", "capabilit");
    }
}

/// No advice where all is well.
#[track_caller]
fn expect_advice_free(gate: &Gate, key: &str) {
    let answer = gate.api("GET", &format!("/api/v1/pages/{TEAM_PAGE}"), key, None);
    assert!(answer.json().get("advice").is_none());
}

#[test]
fn f067_f068_the_small_api_of_pages() {
    let place = Place::new();
    let gate = Start::demo(&place).run();
    for base in ["/api/v1/pages", "/api/pages"] {
        let page = gate.api("GET", &format!("{base}/{TEAM_PAGE}"), &gate.viewer(), None);
        assert_eq!(page.expect(200)["id"], TEAM_PAGE);
        let new = json!({ "parent": TEAM_PAGE, "title": "Made here" });
        let calls = calls(gate.sandbox_url()).len();
        let refused = gate.api("POST", base, &gate.viewer(), Some(new.clone()));
        let problem = refused.expect_problem();
        assert_eq!(refused.status, 403);
        assert_eq!(problem["detail"], "Requires \"write\" permission", "{problem}");
        assert_eq!(crate::harness::calls(gate.sandbox_url()).len(), calls, "nothing was sent on");
        let made = gate.api("POST", base, &gate.editor(), Some(new)).expect(201);
        let made = format!("{base}/{}", made["id"].as_str().unwrap());
        gate.api("GET", &made, &gate.viewer(), None).expect(200);
        let refused = gate.api("DELETE", &made, &gate.editor(), None);
        let problem = refused.expect_problem();
        assert_eq!(
            (refused.status, &problem["detail"]),
            (403, &json!("Requires \"delete\" permission"))
        );
        gate.api("DELETE", &made, &gate.admin, None).expect(200);
        let outside = json!({ "parent": OTHER_PAGE, "title": "Not here" });
        let refused = gate.api("POST", base, &gate.editor(), Some(outside));
        assert_eq!(
            (refused.status, &refused.expect_problem()["code"]),
            (404, &json!("object_not_found"))
        );
    }
}

#[test]
fn f053_a_notion_that_does_not_answer_is_504() {
    let place = Place::new();
    let sandbox = Sandbox::start(&place);
    let gate = Start::before(&place, &sandbox).set("NOTEGATE_UPSTREAM_TIMEOUT", "1").run();
    let scoped = gate.key("editor", &[TEAM_PAGE]);
    let team = format!("/v1/pages/{TEAM_PAGE}");
    sandbox.control("POST", "faults", json!({ "match": {}, "latency_ms": 20_000 }));
    let icon = json!({ "icon": { "emoji": "🔥" } });
    for (method, key, body) in [
        ("GET", &gate.admin, None),
        ("PATCH", &gate.admin, Some(icon.clone())),
        ("GET", &scoped, None),
        ("PATCH", &scoped, Some(icon)),
    ] {
        gate.v1(method, &team, key, body).expect_notion_error(504, "gateway_timeout");
    }
    let answer = gate.api("GET", &format!("/api/v1/pages/{TEAM_PAGE}"), &gate.admin, None);
    assert_eq!(answer.status, 504, "{}", answer.text());
    assert_eq!(answer.expect_problem()["code"], "gateway_timeout");
    sandbox.control("DELETE", "faults", Value::Null);
    gate.v1("GET", &team, &gate.admin, None).expect(200);
    // A write that timed out is in the ledger as one whose end is not known.
    let ledger = gate.ledger();
    let failed: Vec<&Value> =
        ledger.iter().filter(|it| it["action"] == "write" && it["result"] == "error").collect();
    assert!(!failed.is_empty(), "the timed-out write");
    gate.expect_intact();
}

#[test]
fn f013_f014_f047_what_reaches_notion() {
    let place = Place::new();
    let sandbox = Sandbox::start(&place);
    let gate = Start::before(&place, &sandbox).run();
    let filter = json!({ "filter": { "property": "Status", "status": { "equals": "Done" } } });
    let path = format!("/v1/data_sources/{DATA_SOURCE}/query");
    let through = gate.v1("POST", &path, &gate.admin, Some(filter.clone()));
    let arrived = sandbox.calls().pop().unwrap();
    assert_eq!(arrived["body"], filter, "the filter arrives as it was sent");
    assert_eq!(arrived["notion_version"], VERSION);
    let direct = v1("POST", &path, &sandbox.full, Some(filter));
    let direct = crate::http::send(address(&sandbox.url), &direct);
    assert_eq!(through.status, direct.status);
    if through.status == 200 {
        assert_eq!(through.json()["results"], direct.json()["results"]);
    }
    for call in sandbox.calls() {
        assert!(call["notion_version"].is_string(), "{call}");
    }
    drop(gate);
    // A configured version wins over the caller's.
    let gate = Start::before(&place, &sandbox).set("NOTION_VERSION", "2022-06-28").run();
    gate.v1("GET", &format!("/v1/databases/{DATABASE}"), &gate.admin, None).expect(200);
    assert_eq!(sandbox.calls().pop().unwrap()["notion_version"], "2022-06-28");
}

/// An answer with everything taken out that may differ from call to call.
fn bare(answer: &crate::http::Answer, id: &str) -> String {
    let text = String::from_utf8_lossy(&answer.raw).replace(id, "ID");
    let request_id = answer.header("x-request-id").unwrap();
    let notions = answer.header("x-notion-request-id").unwrap_or(request_id);
    let body_id = answer.json()["request_id"].as_str().unwrap().to_owned();
    let date = answer.header("date").unwrap();
    text.replace(request_id, "R").replace(notions, "R").replace(&body_id, "R").replace(date, "D")
}

#[test]
fn outside_and_nowhere_are_the_same() {
    let place = Place::new();
    let gate = Start::demo(&place).run();
    let icon = json!({ "icon": { "emoji": "🔥" } });
    let append = json!({ "children": [{ "paragraph": { "rich_text": [] } }] });
    for key in [gate.viewer(), gate.editor(), gate.key("admin", &[TEAM_PAGE])] {
        for (method, before, after, body) in [
            ("GET", "/v1/pages/", "", None),
            ("GET", "/v1/pages/", "/properties/title", None),
            ("GET", "/v1/pages/", "/markdown", None),
            ("GET", "/v1/blocks/", "", None),
            ("GET", "/v1/blocks/", "/children?page_size=3", None),
            ("GET", "/v1/comments?block_id=", "", None),
            ("PATCH", "/v1/pages/", "", Some(icon.clone())),
            ("PATCH", "/v1/blocks/", "/children", Some(append.clone())),
            ("DELETE", "/v1/blocks/", "", None),
        ] {
            let ask = |id: &str| {
                let path = format!("{before}{id}{after}");
                bare(&gate.v1(method, &path, &key, body.clone()), id)
            };
            assert_eq!(ask(OTHER_PAGE), ask(NOTHING), "{method} {before}…{after}");
            // And the second time, when the gate has a memory of the first.
            assert_eq!(ask(OTHER_PAGE), ask(NOTHING), "{method} {before}…{after}");
        }
        let outside = json!({ "parent": { "page_id": OTHER_PAGE }, "properties": {} });
        let nowhere = json!({ "parent": { "page_id": NOTHING }, "properties": {} });
        assert_eq!(
            bare(&gate.v1("POST", "/v1/pages", &key, Some(outside)), OTHER_PAGE),
            bare(&gate.v1("POST", "/v1/pages", &key, Some(nowhere)), NOTHING),
        );
    }
}
