//! Users: keys that are made for somebody never do more than that person may.

use model::Role;
use serde_json::json;
use testkit::Kit;

#[tokio::test]
async fn keys_follow_the_person_that_they_are_for() {
    let kit = Kit::start().await;
    let body = json!({"email": "ada@example.com", "role": "editor"});
    let made = kit.post(&kit.admin, "/api/v1/users", &body).await;
    assert_eq!(made.status, 201, "{}", made.text());
    let user = made.json();
    let keys: Vec<_> = user.as_object().unwrap().keys().cloned().collect();
    assert_eq!(keys, ["id", "email", "role", "bot_id", "groups", "identity"]);
    let id = user["id"].as_str().unwrap();
    let path = format!("/api/v1/users/{id}");
    assert_eq!(kit.get(&kit.admin, &path).await.json(), user);
    let listed = kit.get(&kit.admin, "/api/v1/users").await.json();
    assert_eq!(listed["items"], json!([user]));

    // An admin's key in name, an editor's in effect.
    let body = json!({"name": "hers", "role": "admin", "user": id});
    let made = kit.post(&kit.admin, "/api/v1/keys", &body).await;
    assert_eq!((made.status, &made.json()["user"]), (201, &json!(id)));
    let key = made.json()["key"].as_str().unwrap().to_owned();
    let page = format!("/v1/pages/{}", kit.demo.team_page_id);
    let write = async || kit.patch(&key, &page, &json!({"icon": null})).await.status;
    assert_eq!(write().await, 200);
    assert_eq!(kit.get(&key, "/api/v1/keys").await.status, 403);
    let entry = kit.entries(20).await.into_iter().find(|it| it.operation == "patch-page").unwrap();
    assert_eq!(entry.metadata["user"], id.into());

    let role = async |role: &str| kit.patch(&kit.admin, &path, &json!({"role": role})).await;
    assert_eq!(role("viewer").await.json()["role"], "viewer");
    assert_eq!((write().await, kit.get(&key, &page).await.status), (403, 200));
    assert_eq!(role("admin").await.status, 200);
    assert_eq!(kit.get(&key, "/api/v1/keys").await.status, 200);
    assert_eq!(role("owner").await.status, 400);

    assert_eq!(kit.delete(&kit.admin, &path).await.status, 204);
    let ended = kit.get(&key, &page).await;
    assert_eq!((ended.status, ended.reason()), (401, Some("revoked")));
    assert_eq!(kit.delete(&kit.admin, &path).await.status, 404);
    let listed = kit.get(&kit.admin, "/api/v1/keys").await.json();
    let hers = listed["items"].as_array().unwrap().iter().find(|it| it["name"] == "hers").unwrap();
    assert!(hers["revoked_at"].is_string(), "{hers}");
    kit.finish().await;
}

#[tokio::test]
async fn users_belong_to_their_tenant() {
    let kit = Kit::start().await;
    let body = json!({"email": "ada@example.com", "role": "viewer"});
    let made = kit.post(&kit.admin, "/api/v1/users", &body).await.json();
    let path = format!("/api/v1/users/{}", made["id"].as_str().unwrap());
    let tenant = json!({"name": "aurora"});
    let tenant = kit.as_operator("POST", "/api/v1/tenants", None, Some(&tenant)).await.json();
    let other = tenant["key"].as_str().unwrap();
    assert_eq!(kit.get(other, &path).await.status, 404);
    assert_eq!(kit.patch(other, &path, &json!({"role": "admin"})).await.status, 404);
    assert_eq!(kit.delete(other, &path).await.status, 404);
    let key = json!({"name": "x", "role": "viewer", "user": made["id"]});
    assert_eq!(kit.post(other, "/api/v1/keys", &key).await.status, 400);
    assert_eq!(kit.get(other, "/api/v1/users").await.json()["items"], json!([]));
    // The same address is another person's there.
    assert_eq!(kit.post(other, "/api/v1/users", &body).await.status, 201);
    assert_eq!(kit.post(&kit.admin, "/api/v1/users", &body).await.status, 409);
    for email in ["", "ada", "@", "a b@c", "a@", &format!("{}@x", "a".repeat(300))] {
        let body = json!({"email": email, "role": "viewer"});
        assert_eq!(kit.post(&kit.admin, "/api/v1/users", &body).await.status, 400, "{email}");
    }
    for role in [Role::Viewer, Role::Editor] {
        let key = kit.key(role, &[]).await;
        for (method, path) in [("GET", "/api/v1/users"), ("GET", &path), ("DELETE", &path)] {
            let refused = kit.call(method, &key, path, None).await;
            assert_eq!((refused.status, refused.reason()), (403, Some("role")));
        }
    }
    kit.finish().await;
}

#[tokio::test]
async fn groups_hold_users_of_their_own_tenant() {
    let kit = Kit::start().await;
    let user = async |key: &str, email: &str| {
        let body = json!({"email": email, "role": "viewer"});
        let made = kit.post(key, "/api/v1/users", &body).await;
        assert_eq!(made.status, 201, "{}", made.text());
        made.json()["id"].as_str().unwrap().to_owned()
    };
    let (ada, bob) =
        (user(&kit.admin, "ada@example.com").await, user(&kit.admin, "bob@example.com").await);
    let add =
        async |name: &str| kit.post(&kit.admin, "/api/v1/groups", &json!({ "name": name })).await;
    let made = add("Design / UX").await;
    assert_eq!((made.status, &made.json()["members"]), (201, &json!([])));
    assert_eq!(add(" Design / UX ").await.status, 409);
    for name in ["", "  ", "a\nb", &"x".repeat(101)] {
        assert_eq!(add(name).await.status, 400, "{name}");
    }
    let group = "/api/v1/groups/Design%20%2F%20UX";
    let member = |id: &str| format!("{group}/members/{id}");
    let put = async |key: &str, path: &str| kit.call("PUT", key, path, None).await.status;
    assert_eq!(put(&kit.admin, &member(&ada)).await, 204);
    assert_eq!(put(&kit.admin, &member(&ada)).await, 204, "what is so stays so");
    assert_eq!(put(&kit.admin, &member(&bob)).await, 204);
    assert_eq!(put(&kit.admin, &member("0a1b2c3d-4e5f-4a6b-8c7d-9e0f1a2b3c4d")).await, 404);
    assert_eq!(put(&kit.admin, "/api/v1/groups/other/members/x").await, 404);
    let shown = kit.get(&kit.admin, group).await.json();
    let emails = |shown: &serde_json::Value| {
        let members = shown["members"].as_array().unwrap().iter();
        let mut emails: Vec<_> =
            members.map(|it| it["email"].as_str().unwrap().to_owned()).collect();
        emails.sort();
        emails
    };
    assert_eq!(emails(&shown), ["ada@example.com", "bob@example.com"]);
    let path = format!("/api/v1/users/{ada}");
    assert_eq!(kit.get(&kit.admin, &path).await.json()["groups"], json!(["Design / UX"]));

    // Keys of a person are in the person's groups, at once.
    let key = json!({"name": "hers", "role": "viewer", "user": ada});
    let key = kit.post(&kit.admin, "/api/v1/keys", &key).await.json()["key"].clone();
    let groups = async || {
        let shown = key.as_str().unwrap();
        kit.gate.identify(Some(shown), "test").await.unwrap().groups().to_vec()
    };
    assert_eq!(groups().await, ["Design / UX"]);
    assert_eq!(kit.patch(&kit.admin, &path, &json!({"role": "editor"})).await.status, 200);
    assert_eq!(groups().await, ["Design / UX"]);

    // Another tenant has none of it.
    let tenant = json!({"name": "aurora"});
    let tenant = kit.as_operator("POST", "/api/v1/tenants", None, Some(&tenant)).await.json();
    let other = tenant["key"].as_str().unwrap();
    assert_eq!(kit.get(other, group).await.status, 404);
    assert_eq!(put(other, &member(&ada)).await, 404);
    assert_eq!(
        kit.post(other, "/api/v1/groups", &json!({"name": "Design / UX"})).await.status,
        201
    );
    assert_eq!(put(other, &member(&ada)).await, 404, "a user of another tenant");
    assert_eq!(kit.delete(other, group).await.status, 204);

    assert_eq!(kit.delete(&kit.admin, &member(&bob)).await.status, 204);
    assert_eq!(kit.delete(&kit.admin, &member(&bob)).await.status, 204);
    assert_eq!(emails(&kit.get(&kit.admin, group).await.json()), ["ada@example.com"]);
    assert_eq!(kit.delete(&kit.admin, group).await.status, 204);
    assert_eq!(groups().await, [""; 0]);
    assert_eq!(kit.get(&kit.admin, &path).await.json()["groups"], json!([]));
    let acts = kit.entries(200).await.into_iter().filter(|it| it.resource.kind == "group");
    let acts: std::collections::BTreeSet<_> = acts.map(|it| it.operation.to_string()).collect();
    let expected = ["add-group-member", "create-group", "delete-group", "remove-group-member"];
    assert_eq!(acts.iter().map(String::as_str).collect::<Vec<_>>(), expected);
    kit.finish().await;
}
