//! A tenant's own policies: from an admin's text to what callers meet, at once.

use model::Role;
use serde_json::{Value, json};
use testkit::Kit;

/// The id that nobody has.
const NOWHERE: &str = "0a1b2c3d-4e5f-4a6b-8c7d-9e0f1a2b3c4d";

async fn set(kit: &Kit, text: &str) -> Value {
    let reply = kit.call("PUT", &kit.admin, "/api/v1/policies", Some(&json!({"text": text}))).await;
    assert_eq!(reply.status, 200, "{}", reply.text());
    reply.json()
}

async fn explain(kit: &Kit, body: Value) -> Value {
    let reply = kit.post(&kit.admin, "/api/v1/policy/explain", &body).await;
    assert_eq!(reply.status, 200, "{}", reply.text());
    reply.json()
}

/// The public part of a key.
fn id_of(key: &str) -> String {
    key[4..16].to_owned()
}

#[tokio::test]
async fn policies_are_versions_and_hold_at_once() {
    let kit = Kit::start().await;
    let none = kit.get(&kit.admin, "/api/v1/policies").await.json();
    assert_eq!((&none["version"], &none["text"]), (&json!(0), &json!("")));
    assert!(none["built_in"].as_str().unwrap().contains("@id(\"viewer\")"));
    assert!(none["policies"].as_array().unwrap().iter().all(|policy| policy["own"] == false));

    let editor = kit.key(Role::Editor, &[]).await;
    let page = format!("/v1/pages/{}", kit.demo.team_page_id);
    let write = async || kit.patch(&editor, &page, &json!({"icon": null})).await;
    assert_eq!(write().await.status, 200);

    let text = "@id(\"read-only\") @says(\"nobody changes anything this week\")\n\
                forbid (principal, action in [Action::\"write\", Action::\"delete\"], resource);";
    let body = json!({"text": text, "note": "audit week", "version": 0});
    let first = kit.call("PUT", &kit.admin, "/api/v1/policies", Some(&body)).await.json();
    assert_eq!((&first["version"], &first["note"]), (&json!(1), &json!("audit week")));
    let refused = write().await;
    assert_eq!((refused.status, refused.reason()), (403, Some("policy")));
    let message = "notegate refuses: nobody changes anything this week: policy `read-only`.";
    assert_eq!(refused.json()["message"], message);
    assert_eq!(kit.get(&editor, &page).await.status, 200);
    let entry = kit.entries(20).await.into_iter().find(|it| it.operation == "patch-page").unwrap();
    assert_eq!((&*entry.action, entry.reason.as_deref()), ("write_denied", Some("policy")));

    // Nobody overwrites what somebody else did meanwhile.
    let late = kit.call("PUT", &kit.admin, "/api/v1/policies", Some(&body)).await;
    assert_eq!(late.status, 409, "{}", late.text());

    set(&kit, "").await;
    assert_eq!(write().await.status, 200);
    let versions = kit.get(&kit.admin, "/api/v1/policies/versions").await.json();
    let versions: Vec<_> = versions["items"].as_array().unwrap().iter().collect();
    assert_eq!(versions.iter().map(|it| &it["version"]).collect::<Vec<_>>(), [2, 1]);
    assert_eq!(versions[1]["text"], text);
    let changes: Vec<_> = kit
        .entries(100)
        .await
        .into_iter()
        .filter(|entry| entry.operation == "change-policies" && entry.action == "manage")
        .collect();
    assert_eq!(changes.len(), 2);
    assert_eq!(changes[1].metadata["note"], "audit week".into());
    kit.finish().await;
}

#[tokio::test]
async fn policies_that_are_not_right_are_not_taken() {
    let kit = Kit::start().await;
    for text in [
        "forbid (principal, action, resource);",
        "@id(\"a\") forbid (principal, action == Action::\"patch-pgae\", resource);",
        "@id(\"a\") forbid (principal, action, resource",
        "@id(\"a\") forbid (principal, action, resource in Object::\"x\");",
    ] {
        let body = json!({"text": text});
        let reply = kit.call("PUT", &kit.admin, "/api/v1/policies", Some(&body)).await;
        assert_eq!(reply.status, 400, "{}", reply.text());
        let detail = reply.json()["detail"].as_str().unwrap().to_owned();
        assert!(detail.starts_with("the policies are not taken: line 1"), "{detail}");
        let checked = kit.post(&kit.admin, "/api/v1/policies/validate", &body).await.json();
        assert_eq!((&checked["valid"], &checked["faults"][0]["line"]), (&json!(false), &json!(1)));
    }
    let fine = json!({"text": "@id(\"a\") forbid (principal, action, resource);"});
    let checked = kit.post(&kit.admin, "/api/v1/policies/validate", &fine).await.json();
    assert_eq!(checked, json!({"valid": true, "faults": []}));

    // An admin does not saw off the branch that it sits on; the operator may, and saws no branch of its.
    let reply = kit.call("PUT", &kit.admin, "/api/v1/policies", Some(&fine)).await;
    assert_eq!(reply.status, 400);
    assert!(reply.json()["detail"].as_str().unwrap().contains("could not manage them any more"));
    let reply = kit.as_operator("PUT", "/api/v1/policies", None, Some(&fine)).await;
    assert_eq!(reply.status, 200, "{}", reply.text());
    for path in ["/api/v1/policies", "/api/v1/keys", "/api/v1/audit"] {
        let reply = kit.get(&kit.admin, path).await;
        assert_eq!((reply.status, reply.reason()), (403, Some("policy")), "{path}");
        assert_eq!(kit.as_operator("GET", path, None, None).await.status, 200, "{path}");
    }
    let none = json!({"text": ""});
    assert_eq!(kit.as_operator("PUT", "/api/v1/policies", None, Some(&none)).await.status, 200);
    assert_eq!(kit.get(&kit.admin, "/api/v1/policies").await.status, 200);
    kit.finish().await;
}

#[tokio::test]
async fn what_policies_hide_does_not_exist() {
    let kit = Kit::start().await;
    let (team, other) = (kit.demo.team_page_id, kit.demo.other_page_id);
    let editor = kit.key(Role::Editor, &[]).await;
    let in_other = kit.get(&editor, &format!("/v1/blocks/{other}/children")).await.json();
    let block = in_other["results"][0]["id"].as_str().unwrap().to_owned();
    set(
        &kit,
        &format!(
            "@id(\"wall\") forbid (principal in Role::\"editor\", action in Action::\"read\",\n\
             resource in Object::\"{other}\");"
        ),
    )
    .await;
    for (method, path, body) in [
        ("GET", "/v1/pages/{}", None),
        ("GET", "/v1/blocks/{}/children", None),
        ("GET", "/v1/pages/{}/markdown", None),
        ("PATCH", "/v1/pages/{}", Some(json!({"icon": null}))),
        ("PATCH", "/v1/blocks/{}/children", Some(json!({"children": []}))),
        ("DELETE", "/v1/blocks/{}", None),
    ] {
        let at = |id: &str| path.replace("{}", id);
        for hidden in [other.to_string(), block.clone()] {
            let reply = kit.call(method, &editor, &at(&hidden), body.as_ref()).await;
            let nowhere = kit.call(method, &editor, &at(NOWHERE), body.as_ref()).await;
            assert_eq!(reply.status, nowhere.status, "{method} {path}: {}", reply.text());
            assert_eq!(reply.reason(), nowhere.reason());
            let text = |reply: &testkit::Reply, id: &str| {
                let mut json = reply.json();
                json["request_id"] = Value::Null;
                json.to_string().replace(id, "<id>")
            };
            assert_eq!(text(&reply, &hidden), text(&nowhere, NOWHERE), "{method} {path}");
        }
    }
    let found = kit.post(&editor, "/v1/search", &json!({"page_size": 100})).await;
    assert!(!found.text().contains(&other.to_string()));
    assert!(found.text().contains(&team.to_string()));
    // A deletion needs more than a role, and what may be deleted is refused by name.
    assert_eq!(kit.get(&editor, &format!("/v1/pages/{team}")).await.status, 200);
    // Others are not concerned.
    let viewer = kit.key(Role::Viewer, &[]).await;
    assert_eq!(kit.get(&viewer, &format!("/v1/pages/{other}")).await.status, 200);
    assert_eq!(kit.get(&kit.admin, &format!("/v1/pages/{other}")).await.status, 200);
    kit.finish().await;
}

#[tokio::test]
async fn a_hidden_part_is_missing_from_the_lists_around_it() {
    let kit = Kit::start().await;
    let team = kit.demo.team_page_id;
    let viewer = kit.key(Role::Viewer, &[team]).await;
    let path = format!("/v1/blocks/{team}/children");
    let ids = |list: &Value| -> Vec<String> {
        let results = list["results"].as_array().unwrap().iter();
        results.map(|it| it["id"].as_str().unwrap().to_owned()).collect()
    };
    let all = ids(&kit.get(&viewer, &path).await.json());
    assert!(all.len() > 2);
    let hidden = &all[1];
    let text = format!(
        "@id(\"hole\") forbid (principal in Role::\"viewer\", action == Action::\"see\", \
         resource in Object::\"{hidden}\");"
    );
    set(&kit, &text).await;
    let expected: Vec<String> = all.iter().filter(|id| *id != hidden).cloned().collect();
    assert_eq!(ids(&kit.get(&viewer, &path).await.json()), expected);
    // Full pages, none doubled, none left out, and an end.
    let (mut met, mut cursor) = (Vec::new(), None::<String>);
    loop {
        let from = cursor.map(|cursor| format!("&start_cursor={cursor}")).unwrap_or_default();
        let page = kit.get(&viewer, &format!("{path}?page_size=1{from}")).await.json();
        assert_eq!(ids(&page).len(), 1, "{page}");
        met.extend(ids(&page));
        match page["next_cursor"].as_str() {
            Some(next) => cursor = Some(next.to_owned()),
            None => break,
        }
    }
    assert_eq!(met, expected);
    kit.finish().await;
}

#[tokio::test]
async fn policies_open_what_role_and_scope_do_not() {
    let kit = Kit::start().await;
    let (team, other) = (kit.demo.team_page_id, kit.demo.other_page_id);
    let viewer = kit.key(Role::Viewer, &[team]).await;
    let robot = json!({"name": "robot", "role": "viewer", "within": [team], "agent": "robot"});
    let robot = kit.post(&kit.admin, "/api/v1/keys", &robot).await.json();
    assert_eq!(robot["agent"], "robot");
    let robot = robot["key"].as_str().unwrap().to_owned();
    let path = format!("/v1/pages/{other}");
    assert_eq!(kit.get(&robot, &path).await.status, 404);
    set(
        &kit,
        &format!(
            "@id(\"robots-read-there\") permit (principal in Agent::\"robot\",\n\
               action in Action::\"read\", resource in Object::\"{other}\");\n\
             @id(\"robots-write\") permit (principal in Agent::\"robot\",\n\
               action == Action::\"patch-page\", resource) when {{ resource is Object && resource.inside }};"
        ),
    )
    .await;
    assert_eq!(kit.get(&robot, &path).await.status, 200);
    assert_eq!(kit.get(&viewer, &path).await.status, 404);
    let icon = json!({"icon": null});
    let own = kit.patch(&robot, &format!("/v1/pages/{team}"), &icon).await;
    assert_eq!(own.status, 200, "{}", own.text());
    // What is seen but may not be changed is refused, not hidden.
    let there = kit.patch(&robot, &path, &icon).await;
    assert_eq!((there.status, there.reason()), (403, Some("role")));
    assert_eq!(kit.patch(&viewer, &format!("/v1/pages/{team}"), &icon).await.status, 403);
    let trash = kit.patch(&robot, &format!("/v1/pages/{team}"), &json!({"in_trash": true})).await;
    assert_eq!((trash.status, trash.reason()), (403, Some("role")));
    kit.finish().await;
}

#[tokio::test]
async fn explanations_are_what_calls_meet() {
    let kit = Kit::start().await;
    let (team, other) = (kit.demo.team_page_id, kit.demo.other_page_id);
    let viewer = kit.key(Role::Viewer, &[team]).await;
    let admin = kit.key(Role::Admin, &[]).await;
    set(
        &kit,
        &format!(
            "@id(\"keep\") @says(\"the team's page stays\")\n\
             forbid (principal, action in Action::\"delete\", resource in Object::\"{team}\");"
        ),
    )
    .await;
    let cases = [
        (&viewer, "retrieve-a-page", Some(team), "allow", "viewer", 200),
        (&viewer, "retrieve-a-page", Some(other), "deny", "scope", 404),
        (&viewer, "patch-page", Some(team), "deny", "role", 403),
        (&viewer, "post-search", None, "allow", "viewer", 200),
        (&admin, "patch-page", Some(team), "allow", "admin", 200),
        (&admin, "patch-page/delete", Some(team), "deny", "keep", 403),
        (&admin, "delete-a-block", Some(team), "deny", "keep", 403),
    ];
    for (key, operation, object, decision, rule, status) in cases {
        let mut body = json!({"key": id_of(key), "operation": operation});
        if let Some(object) = object {
            body["object"] = json!(object);
        }
        let explained = explain(&kit, body).await;
        assert_eq!(explained["decision"], decision, "{explained}");
        assert_eq!(explained["rule"], rule, "{explained}");
        assert_eq!(explained["hidden"], json!(status == 404), "{explained}");
        assert_eq!(explained["needed"].is_string(), decision == "deny", "{explained}");
        let at = object.map(|id| id.to_string()).unwrap_or_default();
        let met = match operation {
            "retrieve-a-page" => kit.get(key, &format!("/v1/pages/{at}")).await,
            "patch-page" => {
                kit.patch(key, &format!("/v1/pages/{at}"), &json!({"icon": null})).await
            }
            "patch-page/delete" => {
                kit.patch(key, &format!("/v1/pages/{at}"), &json!({"in_trash": true})).await
            }
            "delete-a-block" => kit.delete(key, &format!("/v1/blocks/{at}")).await,
            _ => kit.post(key, "/v1/search", &json!({})).await,
        };
        assert_eq!(met.status, status, "{operation} {at}: {}", met.text());
    }
    let because = |principal: &str, operation: &str| {
        explain(&kit, json!({"principal": principal, "operation": operation}))
    };
    assert_eq!(because("role:editor", "manage").await["rule"], "role");
    assert_eq!(because("role:admin", "manage").await["rule"], "admin-manages");
    assert_eq!(because("operator", "manage").await["decision"], "allow");
    assert_eq!(because("role:editor", "post-page").await["decision"], "allow");
    let top = explain(&kit, json!({"key": id_of(&viewer), "operation": "get-self"})).await;
    assert_eq!(top["decision"], "allow");

    for (body, status) in [
        (json!({"operation": "get-self"}), 400),
        (json!({"key": "x", "principal": "operator", "operation": "get-self"}), 400),
        (json!({"key": "abcdefghijkl", "operation": "get-self"}), 404),
        (json!({"principal": "role:boss", "operation": "get-self"}), 400),
        (json!({"principal": "nobody", "operation": "get-self"}), 400),
        (json!({"principal": "operator", "operation": "get-selfie"}), 400),
        (json!({"principal": "operator", "operation": "get-self/delete"}), 400),
        (json!({"principal": "operator", "operation": "retrieve-a-page", "object": "x"}), 400),
    ] {
        let reply = kit.post(&kit.admin, "/api/v1/policy/explain", &body).await;
        assert_eq!(reply.status, status, "{body}: {}", reply.text());
    }
    // Of a key that has ended, that is what there is to say.
    let id = id_of(&viewer);
    assert_eq!(kit.delete(&kit.admin, &format!("/api/v1/keys/{id}")).await.status, 204);
    let ended =
        explain(&kit, json!({"key": id, "operation": "retrieve-a-page", "object": team})).await;
    assert_eq!((&ended["decision"], &ended["rule"]), (&json!("deny"), &json!("revoked")));
    for role in [Role::Viewer, Role::Editor] {
        let key = kit.key(role, &[]).await;
        let body = json!({"principal": "operator", "operation": "get-self"});
        assert_eq!(kit.post(&key, "/api/v1/policy/explain", &body).await.status, 403);
        assert_eq!(kit.get(&key, "/api/v1/policies").await.status, 403);
        assert_eq!(kit.get(&key, "/api/v1/policies/versions").await.status, 403);
    }
    kit.finish().await;
}

#[tokio::test]
async fn other_policies_are_tried_on_what_callers_did() {
    let kit = Kit::start().await;
    let (team, other) = (kit.demo.team_page_id, kit.demo.other_page_id);
    let editor = kit.key(Role::Editor, &[]).await;
    let viewer = kit.key(Role::Viewer, &[team]).await;
    let page = |id| format!("/v1/pages/{id}");
    for _ in 0..3 {
        assert_eq!(kit.get(&editor, &page(other)).await.status, 200);
    }
    assert_eq!(kit.patch(&editor, &page(team), &json!({"icon": null})).await.status, 200);
    assert_eq!(kit.get(&viewer, &page(other)).await.status, 404);
    assert_eq!(kit.get(&viewer, &page(team)).await.status, 200);
    let before = kit.get(&kit.admin, "/api/v1/policies").await.json();

    let text = format!(
        "@id(\"wall\") forbid (principal in Role::\"editor\", action in Action::\"read\",\n\
           resource in Object::\"{other}\");\n\
         @id(\"door\") permit (principal in Role::\"viewer\", action in Action::\"read\",\n\
           resource in Object::\"{other}\");"
    );
    let tried = kit.post(&kit.admin, "/api/v1/policy/what-if", &json!({"text": text})).await;
    assert_eq!(tried.status, 200, "{}", tried.text());
    let tried = tried.json();
    let told = |list: &str| -> Vec<Value> {
        let fields = ["principal", "operation", "object", "calls", "rule", "hidden"];
        let pick = |it: &Value| fields.iter().map(|name| it[*name].clone()).collect::<Value>();
        tried[list].as_array().unwrap().iter().map(pick).collect()
    };
    let who = |key: &str| format!("key:{}", id_of(key));
    let refused = json!([who(&editor), "retrieve-a-page", other, 3, "wall", true]);
    let allowed = json!([who(&viewer), "retrieve-a-page", other, 1, "door", true]);
    assert_eq!((told("newly_refused"), told("newly_allowed")), (vec![refused], vec![allowed]));
    assert_eq!(tried["unknown"], 0);
    // Nothing came of it.
    assert_eq!(kit.get(&kit.admin, "/api/v1/policies").await.json(), before);
    assert_eq!(kit.get(&editor, &page(other)).await.status, 200);
    kit.finish().await;
}

#[tokio::test]
async fn what_if_tells_of_columns_what_a_caller_would_get() {
    let kit = Kit::start().await;
    let editor = kit.key(Role::Editor, &[]).await;
    let (table, query) =
        (kit.demo.data_source_id, format!("/v1/data_sources/{}/query", kit.demo.data_source_id));
    assert_eq!(kit.post(&editor, &query, &json!({})).await.status, 200);
    assert_eq!(kit.post(&editor, &query, &json!({})).await.status, 200);
    let text = format!(
        "@id(\"hide\") forbid (principal in Role::\"editor\", action == Action::\"see-property\",\n\
           resource in Object::\"{table}\") when {{ context.property == \"Status\" }};\n\
         @id(\"mask\") forbid (principal in Role::\"editor\", action == Action::\"read-property\",\n\
           resource in Object::\"{table}\") when {{ context.property == \"Notes\" }};"
    );
    let told = async |text: &str| {
        let tried = kit.post(&kit.admin, "/api/v1/policy/what-if", &json!({"text": text})).await;
        assert_eq!(tried.status, 200, "{}", tried.text());
        let fields = ["principal", "table", "property", "before", "after", "rule", "calls"];
        let pick = |it: &Value| fields.iter().map(|name| it[*name].clone()).collect::<Value>();
        let mut all: Vec<Value> =
            tried.json()["columns"].as_array().unwrap().iter().map(pick).collect();
        all.sort_by_key(|it| it[2].as_str().map(str::to_owned));
        all
    };
    let who = format!("key:{}", id_of(&editor));
    let notes = json!([who, table, "Notes", "whole", "masked", "mask", 2]);
    let status = json!([who, table, "Status", "whole", "hidden", "hide", 2]);
    assert_eq!(told(&text).await, [notes, status]);
    // The other way round it would be shown again.
    set(&kit, &text).await;
    let notes = json!([who, table, "Notes", "masked", "whole", "mask", 2]);
    let status = json!([who, table, "Status", "hidden", "whole", "hide", 2]);
    assert_eq!(told("").await, [notes, status]);
    assert_eq!(told(&text).await, Vec::<Value>::new());
    kit.finish().await;
}

#[tokio::test]
async fn the_least_that_a_key_needs_is_told_and_does() {
    let kit = Kit::start().await;
    let (team, other) = (kit.demo.team_page_id, kit.demo.other_page_id);
    let admin = kit.key(Role::Admin, &[]).await;
    let page = format!("/v1/pages/{team}");
    assert_eq!(kit.get(&admin, &page).await.status, 200);
    assert_eq!(kit.get(&admin, &format!("/v1/blocks/{team}/children")).await.status, 200);
    assert_eq!(kit.patch(&admin, &page, &json!({"icon": null})).await.status, 200);
    // What was refused is not needed.
    assert_eq!(kit.get(&admin, &format!("/v1/pages/{NOWHERE}")).await.status, 404);
    let body = json!({"key": id_of(&admin)});
    let suggestion = kit.post(&kit.admin, "/api/v1/policy/suggest", &body).await;
    assert_eq!(suggestion.status, 200, "{}", suggestion.text());
    let suggestion = suggestion.json();
    assert_eq!((&suggestion["role"], &suggestion["within"]), (&json!("editor"), &json!([team])));
    assert_eq!(suggestion["capabilities"], json!(["read_content", "update_content"]));
    assert_eq!(suggestion["calls"], 3);

    // With the policy the key still does what it did, and nothing else.
    set(&kit, suggestion["policy"].as_str().unwrap()).await;
    assert_eq!(kit.get(&admin, &page).await.status, 200);
    assert_eq!(kit.patch(&admin, &page, &json!({"icon": null})).await.status, 200);
    for refused in [
        kit.patch(&admin, &page, &json!({"in_trash": true})).await,
        kit.post(&admin, "/v1/search", &json!({})).await,
        kit.get(&admin, "/api/v1/keys").await,
    ] {
        assert_eq!((refused.status, refused.reason()), (403, Some("policy")), "{}", refused.text());
    }
    // So does a key that is made as it says.
    let mut key = json!({"name": "less"});
    for name in ["role", "within", "capabilities"] {
        key[name] = suggestion[name].clone();
    }
    let less = kit.post(&kit.admin, "/api/v1/keys", &key).await.json();
    let less = less["key"].as_str().unwrap();
    assert_eq!(kit.patch(less, &page, &json!({"icon": null})).await.status, 200);
    assert_eq!(kit.get(less, &format!("/v1/pages/{other}")).await.status, 404);

    // A search says nothing of where: the scope stays what it is, and does not become everything.
    let searching = kit.key(Role::Viewer, &[team]).await;
    assert_eq!(kit.post(&searching, "/v1/search", &json!({})).await.status, 200);
    let body = json!({"key": id_of(&searching)});
    let suggestion = kit.post(&kit.admin, "/api/v1/policy/suggest", &body).await.json();
    assert_eq!(suggestion["within"], json!([team]), "{suggestion}");
    kit.finish().await;
}

#[tokio::test]
async fn what_is_forbidden_to_a_key_is_forbidden_to_the_keys_that_it_makes() {
    let kit = Kit::start().await;
    let (team, other) = (kit.demo.team_page_id, kit.demo.other_page_id);
    let make = async |by: &str, name: &str, more: Value| {
        let mut body = json!({"name": name, "role": "editor", "may_delegate": true});
        for (name, value) in more.as_object().unwrap() {
            body[name] = value.clone();
        }
        let made = kit.post(by, "/api/v1/keys", &body).await;
        assert_eq!(made.status, 201, "{}", made.text());
        made.json()["key"].as_str().unwrap().to_owned()
    };
    let robot = make(&kit.admin, "robot", json!({"agent": "robot"})).await;
    let child = make(&robot, "child", json!({})).await;
    let grandchild = make(&child, "grandchild", json!({"within": [other]})).await;
    let stranger = make(&kit.admin, "stranger", json!({})).await;
    let page = format!("/v1/pages/{other}");
    let read = async |key: &str| kit.get(key, &page).await.status;
    for key in [&robot, &child, &grandchild, &stranger] {
        assert_eq!(read(key).await, 200);
    }
    let wall = |who: &str| {
        format!(
            "@id(\"wall\") forbid (principal in {who}, action in Action::\"read\", \
             resource in Object::\"{other}\");"
        )
    };
    for who in [format!("Key::\"{}\"", id_of(&robot)), "Agent::\"robot\"".to_owned()] {
        set(&kit, &wall(&who)).await;
        for key in [&robot, &child, &grandchild] {
            assert_eq!(read(key).await, 404, "{who}");
        }
        assert_eq!(read(&stranger).await, 200);
        assert_eq!(kit.get(&child, &format!("/v1/pages/{team}")).await.status, 200);
    }
    set(&kit, &wall(&format!("Key::\"{}\"", id_of(&grandchild)))).await;
    assert_eq!((read(&child).await, read(&grandchild).await), (200, 404));
    kit.finish().await;
}
