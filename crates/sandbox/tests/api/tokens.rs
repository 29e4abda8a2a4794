//! Sorts of tokens: internal, authorised by a person, personal.

use serde_json::{Value, json};

use crate::bench::{Bench, NEW, OLD};

/// Ids of the people of the demo.
async fn people(bench: &Bench) -> Vec<String> {
    let users = bench.get("/v1/users").await.ok();
    let all = users.body["results"].as_array().unwrap().iter();
    let people = all.filter(|user| user["type"] == "person");
    people.map(|user| user["id"].as_str().unwrap().to_owned()).collect()
}

/// A token with an owner; `kind` is `internal` or `personal`.
async fn token(bench: &Bench, kind: &str, owner: &str, more: &Value) -> String {
    let mut body = json!({"name": "Ada's token", "kind": kind, "owner": {"user": owner}});
    body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    let made = bench.control("POST", "tokens", body).await.ok();
    made.body["token"].as_str().unwrap().to_owned()
}

async fn status(bench: &Bench, token: &str, id: &str) -> u16 {
    bench.with(token, NEW, "GET", &format!("/v1/pages/{id}"), &Value::Null).await.status
}

#[tokio::test]
async fn a_personal_token_is_its_person() {
    let bench = Bench::new();
    let people = people(&bench).await;
    let personal = token(&bench, "personal", &people[1], &json!({})).await;
    let me = bench.with(&personal, NEW, "GET", "/v1/users/me", &Value::Null).await.ok();
    assert_eq!((me.id(), &me.body["type"]), (people[1].clone(), &json!("person")));
    // O: quoted by a client's maintainers.
    let list = bench.with(&personal, NEW, "GET", "/v1/users", &Value::Null).await;
    assert_eq!((list.status, list.message()), (403, "Personal access tokens cannot list users."));
    assert_eq!(list.body["code"], "restricted_resource");
    // It sees everything that the person sees, and the person is the author of what it writes.
    let team = bench.demo.team_page_id.to_string();
    assert_eq!(status(&bench, &personal, &team).await, 200);
    let body = json!({"parent": {"page_id": team}, "properties": {}});
    let made = bench.with(&personal, NEW, "POST", "/v1/pages", &body).await.ok();
    assert_eq!(made.body["created_by"]["id"], people[1]);
    let body =
        json!({"parent": {"page_id": made.id()}, "rich_text": [{"text": {"content": "Hi"}}]});
    let comment = bench.with(&personal, NEW, "POST", "/v1/comments", &body).await.ok();
    assert_eq!(comment.body["display_name"]["type"], "user");
    // It is nobody of its own: no list shows it.
    let users = bench.get("/v1/users").await.ok();
    assert!(!users.body.to_string().contains("Ada's token"));
}

#[tokio::test]
async fn a_personal_token_has_its_capabilities_and_its_end() {
    let bench = Bench::new();
    let people = people(&bench).await;
    let more = json!({"capabilities": ["read_content"], "expires": "2030-01-01"});
    let personal = token(&bench, "personal", &people[0], &more).await;
    let team = bench.demo.team_page_id.to_string();
    assert_eq!(status(&bench, &personal, &team).await, 200);
    let path = format!("/v1/pages/{team}");
    let refused = bench.with(&personal, NEW, "PATCH", &path, &json!({})).await;
    assert_eq!(refused.status, 403);
    bench.control("POST", "clock", json!({"now": "2029-12-31T23:59:00Z"})).await.ok();
    assert_eq!(status(&bench, &personal, &team).await, 200);
    bench.control("POST", "clock", json!({"now": "2030-01-01T00:00:00Z"})).await.ok();
    let ended = bench.with(&personal, NEW, "GET", "/v1/users/me", &Value::Null).await;
    assert_eq!((ended.status, ended.message()), (401, "API token is invalid."));
}

#[tokio::test]
async fn what_a_token_is_made_of_is_checked() {
    let bench = Bench::new();
    let ada = &people(&bench).await[0];
    for body in [
        json!({"name": "", "capabilities": []}),
        json!({"name": "A", "kind": "personal"}),
        json!({"name": "A", "kind": "public"}),
        json!({"name": "A", "kind": "personal", "owner": bench.demo.workspace_id}),
        json!({"name": "A", "kind": "personal", "owner": ada, "expires": "soon"}),
        json!({"name": "A", "owner": {"name": "Ada"}}),
    ] {
        assert_eq!(bench.control("POST", "tokens", body.clone()).await.status, 400, "{body}");
    }
    let made = json!({"name": "A", "kind": "personal", "owner": {"user": ada}});
    let made = bench.control("POST", "tokens", made).await.ok();
    let share = json!({"bot_id": made.body["bot_id"], "id": bench.demo.team_page_id});
    assert_eq!(bench.control("POST", "share", share).await.status, 400);
}

#[tokio::test]
async fn people_see_what_is_not_private_and_bots_see_no_more_than_their_person() {
    let bench = Bench::new();
    let people = people(&bench).await;
    let team = bench.demo.team_page_id.to_string();
    let below = bench.page(&json!({"page_id": team}), "Below").await;
    let shared = json!({"shared": [team]});
    let ada = token(&bench, "personal", &people[0], &json!({})).await;
    let ben = token(&bench, "personal", &people[1], &json!({})).await;
    let bot = token(&bench, "internal", &people[1], &shared).await;
    let (internal, _) = bench.token(&["read_content"], &[bench.demo.team_page_id]).await;
    let all = async |id: &str| {
        let mut seen = Vec::new();
        for token in [&ada, &ben, &bot, &internal] {
            seen.push(status(&bench, token, id).await);
        }
        seen
    };
    assert_eq!(all(&below).await, [200, 200, 200, 200]);
    let private = async |id: &str, people: Value| {
        bench.control("POST", "private", json!({"id": id, "people": people})).await
    };
    private(&team, json!([people[0]])).await.ok();
    // An internal connection has no person: it keeps what was shared with it.
    assert_eq!(all(&below).await, [200, 404, 404, 200]);
    assert_eq!(all(&team).await, [200, 404, 404, 200]);
    // The nearest page decides.
    private(&below, json!([people[1]])).await.ok();
    assert_eq!(all(&below).await, [404, 200, 200, 200]);
    let search = bench.with(&ben, NEW, "POST", "/v1/search", &json!({"query": "Below"})).await;
    assert_eq!(search.ok().titles(), ["Below"]);
    let search = bench.with(&ada, NEW, "POST", "/v1/search", &json!({"query": "Below"})).await;
    assert_eq!(search.ok().titles(), [""; 0]);
    // Moved, a page is as open as its new parent.
    let to = json!({"parent": {"page_id": bench.demo.other_page_id}});
    bench.call("POST", &format!("/v1/pages/{below}/move"), to).await.ok();
    assert_eq!(all(&below).await, [200, 200, 404, 404]);
    private(&team, Value::Null).await.ok();
    assert_eq!(all(&team).await, [200, 200, 200, 200]);
    for people in [json!("ada"), json!([bench.demo.workspace_id]), json!([1])] {
        assert_eq!(private(&team, people).await.status, 400);
    }
    assert_eq!(private(&bench.demo.workspace_id.to_string(), json!([])).await.status, 404);
}

#[tokio::test]
async fn only_tokens_with_a_person_make_pages_at_the_top() {
    let bench = Bench::new();
    let people = people(&bench).await;
    let ada = token(&bench, "personal", &people[0], &json!({})).await;
    let bot = token(&bench, "internal", &people[0], &json!({})).await;
    let ben = token(&bench, "personal", &people[1], &json!({})).await;
    let bodies = [
        json!({"parent": {"workspace": true}, "properties": {"title": []}}),
        json!({"parent": {"type": "workspace", "workspace": true}, "properties": {}}),
        json!({}),
    ];
    for body in &bodies {
        for version in [OLD, NEW] {
            let internal = &bench.demo.tokens.full;
            let refused = bench.with(internal, version, "POST", "/v1/pages", body).await;
            // O: quoted by users in 2026.
            assert_eq!(
                refused.message(),
                "Provide a `parent.page_id` or `parent.database_id` parameter to create a page, \
                 or use a public integration with `insert_content` capability. Internal \
                 integrations aren't owned by a single user, so creating workspace-level private \
                 pages is not supported."
            );
            assert_eq!(
                (refused.status, refused.body["code"].as_str()),
                (400, Some("validation_error"))
            );
            for token in [&ada, &bot] {
                let made = bench.with(token, version, "POST", "/v1/pages", body).await.ok();
                assert_eq!(made.body["parent"], json!({"type": "workspace", "workspace": true}));
                assert_eq!(status(&bench, token, &made.id()).await, 200);
                assert_eq!(status(&bench, &ada, &made.id()).await, 200, "its person sees it");
                assert_eq!(status(&bench, &ben, &made.id()).await, 404, "it is private");
                assert_eq!(status(&bench, &bench.demo.tokens.full, &made.id()).await, 404);
            }
        }
    }
    // What there is below is there for the bot, too.
    let made = bench.with(&bot, NEW, "POST", "/v1/pages", &bodies[2]).await.ok();
    let below = json!({"parent": {"page_id": made.id()}, "properties": {}});
    let below = bench.with(&bot, NEW, "POST", "/v1/pages", &below).await.ok();
    assert_eq!(status(&bench, &ben, &below.id()).await, 404);
    let database = json!({"parent": {"workspace": true}, "initial_data_source": {"properties": {"Name": {"title": {}}}}});
    bench.with(&bot, NEW, "POST", "/v1/databases", &database).await.ok();
    let refused = bench.call("POST", "/v1/databases", database).await;
    assert_eq!(refused.status, 400);
}

#[tokio::test]
async fn an_authorised_bot_names_its_person() {
    let bench = Bench::new();
    let people = people(&bench).await;
    let bot = token(&bench, "internal", &people[2], &json!({})).await;
    let me = bench.with(&bot, NEW, "GET", "/v1/users/me", &Value::Null).await.ok();
    assert_eq!(me.body["type"], "bot");
    assert_eq!(me.body["bot"]["owner"]["type"], "user");
    assert_eq!(me.body["bot"]["owner"]["user"]["id"], people[2]);
    assert_ne!(me.body["id"], people[2]);
}

#[tokio::test]
async fn tokens_and_private_pages_outlive_an_export() {
    let bench = Bench::new();
    let people = people(&bench).await;
    let personal = token(&bench, "personal", &people[0], &json!({"expires": "2099-01-01"})).await;
    let team = bench.demo.team_page_id.to_string();
    let private = json!({"id": team, "people": [people[1]]});
    bench.control("POST", "private", private).await.ok();
    let state = bench.control("GET", "state", Value::Null).await.ok().body;
    bench.control("POST", "reset", Value::Null).await.ok();
    assert_eq!(status(&bench, &personal, &team).await, 401);
    bench.control("PUT", "state", state).await.ok();
    assert_eq!(status(&bench, &personal, &team).await, 404);
    let other = bench.demo.other_page_id.to_string();
    assert_eq!(status(&bench, &personal, &other).await, 200);
}

#[tokio::test]
async fn a_renewed_token_ends_the_old_one_at_once_or_after_a_grace() {
    let bench = Bench::new();
    let team = bench.demo.team_page_id.to_string();
    let body = json!({"name": "Renewed", "shared": [team]});
    let made = bench.control("POST", "tokens", body).await.ok().body;
    let (first, bot) = (made["token"].as_str().unwrap(), made["bot_id"].as_str().unwrap());
    let route = format!("tokens/{bot}/renew");
    let second = bench.control("POST", &route, json!({"grace_ms": 5000})).await.ok().body;
    assert_eq!(second["bot_id"], bot);
    let second = second["token"].as_str().unwrap();
    for token in [first, second] {
        assert_eq!(status(&bench, token, &team).await, 200);
    }
    bench.control("POST", "clock", json!({"advance_ms": 5000})).await.ok();
    assert_eq!(status(&bench, first, &team).await, 401);
    assert_eq!(status(&bench, second, &team).await, 200);
    let third = bench.control("POST", &route, Value::Null).await.ok().body;
    assert_eq!(status(&bench, second, &team).await, 401);
    assert_eq!(status(&bench, third["token"].as_str().unwrap(), &team).await, 200);
    bench.control("DELETE", &format!("tokens/{bot}"), Value::Null).await.ok();
    assert_eq!(bench.control("POST", &route, Value::Null).await.status, 404);
}
