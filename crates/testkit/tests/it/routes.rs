//! Every route asks who is calling, and answers errors in the shape of its door.

use http::Method;
use model::Role;
use notion::catalogue::{Auth, OPERATIONS};
use serde_json::{Value, json};
use testkit::{Kit, VERSION};

/// Routes of ours that are open to everybody. The list may only shrink.
const OPEN: &[&str] = &[
    "/health",
    "/health/live",
    "/health/ready",
    "/metrics",
    "/api/openapi.json",
    // People come to these with a browser; who may do what is in `install`.
    "/auth/notion",
    "/auth/notion/callback",
    "/auth/notion/sign-in",
    "/auth/oidc",
    "/auth/oidc/callback",
    // What clients find out before anybody is asked, and what they show codes and tokens to.
    "/.well-known/oauth-authorization-server",
    "/.well-known/oauth-protected-resource",
    "/.well-known/oauth-protected-resource/mcp",
    "/.well-known/oauth-protected-resource/mcp/all",
    "/.well-known/oauth-protected-resource/mcp/official",
    "/authorize",
    "/oauth/authorize",
    "/oauth/authorize",
    "/oauth/jwks.json",
    "/oauth/register",
    "/oauth/revoke",
    "/oauth/token",
    "/register",
    "/token",
];

/// A concrete path for a template.
fn concrete(template: &str) -> String {
    let id = "0a1b2c3d-4e5f-4a6b-8c7d-9e0f1a2b3c4d";
    template
        .split('/')
        .map(|part| match part {
            "{property_id}" => "title",
            "{task_id}" => "task_0a1b2c3d4e5f4a6b8c7d9e0f1a2b3c4d",
            part if part.starts_with('{') => id,
            part => part,
        })
        .collect::<Vec<_>>()
        .join("/")
}

#[tokio::test]
async fn no_route_answers_without_a_key() {
    let kit = Kit::start().await;
    let document = kit.raw("GET", "/api/openapi.json", &[], None).await.json();
    kit.forget_calls().await;
    let mut open = Vec::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        for method in item.as_object().unwrap().keys() {
            let method = method.to_uppercase();
            let headers = [("notion-version", VERSION), ("content-type", "application/json")];
            let body = (method != "GET").then(|| "{}".to_owned());
            let reply = kit.raw(&method, &concrete(path), &headers, body).await;
            // What Notion sends is signed instead.
            if path.starts_with("/webhooks/") {
                assert!([401, 404].contains(&reply.status), "{method} {path}: {}", reply.status);
                continue;
            }
            if reply.status == 401 {
                let json = reply.json();
                let code = if path.starts_with("/v1/") { "unauthorized" } else { "key_missing" };
                assert_eq!(json["code"], code, "{method} {path}");
                assert_eq!(reply.reason(), Some("no_key"));
            } else {
                open.push(path.clone());
            }
        }
    }
    open.sort();
    let mut expected: Vec<_> = OPEN.iter().map(ToString::to_string).collect();
    expected.sort();
    assert_eq!(open, expected);
    assert!(kit.calls().await.is_empty(), "Notion was asked");
    kit.finish().await;
}

/// What routes of ours answer to somebody who lacks what they are declared to need.
#[tokio::test]
async fn every_declared_route_is_refused_to_those_who_lack_its_permission() {
    let kit = Kit::start().await;
    let [viewer, editor] = [kit.key(Role::Viewer, &[]).await, kit.key(Role::Editor, &[]).await];
    let narrow = kit.key(Role::Admin, &[kit.demo.team_page_id]).await;
    kit.forget_calls().await;
    let mut refused = Vec::new();
    let body = json!({"parent": kit.demo.team_page_id, "title": "x"});
    for route in web::declared_routes() {
        if route.path.starts_with("/v1") || route.path.starts_with("/dashboard") {
            continue;
        }
        let rules: &[(&str, &str)] = match route.permission {
            "write" => &[(&viewer, "role")],
            "delete" => &[(&viewer, "role"), (&editor, "role")],
            "manage" | "audit" => &[(&viewer, "role"), (&editor, "role"), (&narrow, "scope")],
            "delegate" => &[(&viewer, "role"), (&editor, "role"), (&narrow, "scope")],
            "operator" => &[(&viewer, "operator"), (&editor, "operator"), (&kit.admin, "operator")],
            "open" | "signature" | "installer" | "own" | "read" => continue,
            other => panic!("{other}: which keys lack it?"),
        };
        let shown = format!("{} {}", route.method, route.path);
        for (key, rule) in rules {
            let path = concrete(&route.path);
            let body = (route.permission == "write").then_some(&body);
            let reply = kit.call(route.method.as_str(), key, &path, body).await;
            assert_eq!((reply.status, reply.reason()), (403, Some(*rule)), "{shown}");
            if *rule == "role" {
                let permission = match route.permission {
                    "delegate" | "audit" => "manage",
                    other => other,
                };
                let requires = format!("Requires \"{permission}\" permission");
                assert_eq!(reply.json()["detail"], requires, "{shown}");
            }
        }
        if ["manage", "delegate", "operator"].contains(&route.permission) {
            refused.push((route.operation.unwrap(), shown, rules.len()));
        }
    }
    assert!(kit.calls().await.is_empty(), "Notion was asked");
    let entries = kit.entries(500).await;
    for (operation, route, times) in refused {
        let told = entries.iter().filter(|entry| {
            entry.operation == operation.as_str() && entry.action == "manage_denied"
        });
        let told: Vec<_> = told.collect();
        assert_eq!(told.len(), times, "{route}");
        assert!(told.iter().all(|it| it.resource.kind == "route" && it.resource.id == route));
    }
    kit.finish().await;
}

#[tokio::test]
async fn every_operation_is_refused_to_the_roles_that_lack_it() {
    let kit = Kit::start().await;
    let viewer = kit.key(Role::Viewer, &[]).await;
    let editor = kit.key(Role::Editor, &[]).await;
    kit.forget_calls().await;
    for operation in OPERATIONS {
        let path = concrete(operation.path);
        for (key, allowed) in [
            (&viewer, operation.effect == notion::Effect::Read),
            (&editor, operation.effect != notion::Effect::Destroy),
        ] {
            if allowed {
                continue;
            }
            let bearer = format!("Bearer {key}");
            let headers = [("authorization", bearer.as_str()), ("notion-version", VERSION)];
            let method = Method::from(operation.verb);
            let body = if operation.multipart { None } else { Some("{}".to_owned()) };
            let reply = kit.raw(method.as_str(), &path, &headers, body).await;
            let rule = if operation.auth == Auth::Bearer { "role" } else { "operation" };
            assert_eq!(
                (reply.status, reply.reason()),
                (403, Some(rule)),
                "{}: {}",
                operation.name,
                reply.text()
            );
        }
    }
    assert!(kit.calls().await.is_empty(), "Notion was asked");
    kit.finish().await;
}

#[tokio::test]
async fn malformed_requests_are_told_so_in_notions_words() {
    let kit = Kit::start().await;
    let bearer = format!("Bearer {}", kit.admin);
    let page = format!("/v1/pages/{}", kit.demo.team_page_id);
    let version = ("notion-version", VERSION);
    let key = ("authorization", bearer.as_str());
    let deep = "[".repeat(200) + &"]".repeat(200);
    let large = format!("{{\"x\":\"{}\"}}", "a".repeat(600 * 1024));
    type Case<'a> = (&'a str, &'a str, &'a [(&'a str, &'a str)], Option<&'a str>, u16, &'a str);
    let cases: &[Case<'_>] = &[
        ("GET", "/v1/nothing", &[key, version], None, 400, "invalid_request_url"),
        (
            "GET",
            "/v1/nothing",
            &[("authorization", "Bearer wrong"), version],
            None,
            400,
            "invalid_request_url",
        ),
        ("PUT", &page, &[key, version], None, 400, "invalid_request_url"),
        ("GET", "/v1/pages/..%2fusers", &[key, version], None, 400, "invalid_request_url"),
        ("GET", "/v1/pages/%2e%2e", &[key, version], None, 400, "invalid_request_url"),
        ("GET", "/v1/pages//properties/x", &[key, version], None, 400, "invalid_request_url"),
        ("GET", "/v1/data_sources/x/query", &[key, version], None, 400, "invalid_request_url"),
        ("GET", "/v1/pages/AAA", &[key, version], None, 400, "validation_error"),
        ("GET", &page, &[key], None, 400, "missing_version"),
        ("GET", &page, &[key, ("notion-version", "2030-01-01")], None, 400, "missing_version"),
        (
            "GET",
            &page,
            &[key, version, ("notion-version", "2022-06-28")],
            None,
            400,
            "missing_version",
        ),
        (
            "GET",
            "/v1/views?database_id=x",
            &[key, ("notion-version", "2022-06-28")],
            None,
            400,
            "invalid_request_url",
        ),
        ("GET", &page, &[version], None, 401, "unauthorized"),
        ("GET", &page, &[("authorization", "Basic abc"), version], None, 401, "unauthorized"),
        ("GET", &page, &[("authorization", "Bearer "), version], None, 401, "unauthorized"),
        ("GET", &page, &[key, key, version], None, 401, "unauthorized"),
        ("PATCH", &page, &[key, version], Some("{"), 400, "invalid_json"),
        ("PATCH", &page, &[key, version], Some("not json"), 400, "invalid_json"),
        ("PATCH", &page, &[key, version], Some(&deep), 400, "invalid_json"),
        ("PATCH", &page, &[key, version], Some(&large), 400, "validation_error"),
    ];
    kit.forget_calls().await;
    for (method, path, headers, body, status, code) in cases {
        let reply = kit.raw(method, path, headers, body.map(str::to_owned)).await;
        let json = reply.json();
        assert_eq!(
            (reply.status, json["code"].as_str()),
            (*status, Some(*code)),
            "{method} {path}: {json}"
        );
        let keys: Vec<_> =
            json.as_object().unwrap().keys().filter(|key| *key != "additional_data").collect();
        assert_eq!(keys, ["object", "status", "code", "message", "request_id"], "{method} {path}");
        assert!(reply.header("x-request-id").is_some());
    }
    assert!(kit.calls().await.is_empty(), "something was forwarded: {:?}", kit.calls().await);
    kit.finish().await;
}

#[tokio::test]
async fn request_ids_are_echoed_if_they_are_harmless() {
    let kit = Kit::start().await;
    let echo = async |sent: &str| {
        let reply = kit.raw("GET", "/health", &[("x-request-id", sent)], None).await;
        reply.header("x-request-id").unwrap().to_owned()
    };
    assert_eq!(echo("abc-123").await, "abc-123");
    assert_ne!(echo("two words").await, "two words");
    assert_ne!(echo(&"x".repeat(200)).await, "x".repeat(200));
    assert_ne!(echo("ntn_looks_like_a_token").await, "ntn_looks_like_a_token");
    kit.finish().await;
}

#[tokio::test]
async fn doubled_members_cannot_mean_two_things() {
    let kit = Kit::start().await;
    let editor = kit.key(Role::Editor, &[kit.demo.team_page_id]).await;
    let (inside, outside) = (kit.demo.team_page_id, kit.demo.other_page_id);
    let bearer = format!("Bearer {editor}");
    let headers = [("authorization", bearer.as_str()), ("notion-version", VERSION)];
    let body = format!(
        "{{\"parent\":{{\"page_id\":\"{outside}\"}},\"parent\":{{\"page_id\":\"{inside}\"}},\"properties\":{{}}}}"
    );
    let made = kit.raw("POST", "/v1/pages", &headers, Some(body)).await;
    assert_eq!(made.status, 200, "{}", made.text());
    assert_eq!(made.json()["parent"]["page_id"], inside.to_string());
    let sent = kit.calls().await.pop().unwrap();
    assert_eq!(sent["body"]["parent"], json!({"page_id": inside}));
    kit.finish().await;
}

#[tokio::test]
async fn keys_are_managed_with_clear_errors() {
    let kit = Kit::start().await;
    let create = async |body: Value| kit.post(&kit.admin, "/api/v1/keys", &body).await;
    let bad = [
        json!({}),
        json!({"name": "x"}),
        json!({"name": "x", "role": "owner"}),
        json!({"name": "", "role": "viewer"}),
        json!({"name": "x", "role": "viewer", "within": ["nonsense"]}),
        json!({"name": "x", "role": "viewer", "expires_in": "soon"}),
        json!({"name": "x", "role": "viewer", "expires_in": 0}),
        json!({"name": "x", "role": "viewer", "capabilities": ["fly"]}),
        json!({"name": "x", "role": "viewer", "unknown": 1}),
        json!({"name": "x", "role": "viewer", "connection": "0a1b2c3d-4e5f-4a6b-8c7d-9e0f1a2b3c4d"}),
    ];
    for body in bad {
        let reply = create(body.clone()).await;
        assert_eq!(reply.status, 400, "{body}: {}", reply.text());
        assert_eq!(reply.json()["code"], "validation_error", "{body}");
        assert_eq!(reply.header("content-type"), Some("application/problem+json"));
    }
    let shaped = create(json!({
        "name": "for a picky client", "role": "viewer", "notion_shaped": true, "expires_in": "30d",
        "within": [format!("https://www.notion.so/Team-{}", kit.demo.team_page_id.plain())],
        "capabilities": ["read_content"], "budget": {"calls_per_minute": 60},
    }))
    .await
    .json();
    assert!(shaped["key"].as_str().unwrap().starts_with("ntn_ng"));
    assert_eq!(shaped["within"], json!([kit.demo.team_page_id]));
    assert_eq!(kit.delete(&kit.admin, "/api/v1/keys/nosuchkey000").await.status, 404);
    let listed = kit.get(&kit.admin, "/api/v1/keys?limit=1").await.json();
    assert_eq!(listed["items"].as_array().unwrap().len(), 1);
    assert!(listed["next_cursor"].is_string());
    kit.finish().await;
}
