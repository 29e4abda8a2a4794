//! Keys that keys make: never wider than those above them, and ended with them.

use std::collections::BTreeSet;
use std::time::Duration;

use gate::KeyRequest;
use model::{Budget, Meter, Principal, Role};
use notion::{Capabilities, Capability, Id};
use serde_json::{Value, json};
use testkit::{Kit, Reply};

/// A key that may make keys.
async fn parent(kit: &Kit, role: Role, within: &[Id]) -> String {
    kit.new_key(KeyRequest { may_delegate: true, ..testkit::request(role, within) }).await
}

async fn make(kit: &Kit, maker: &str, body: Value) -> Reply {
    let mut request = json!({ "name": "child", "role": "viewer" });
    for (name, value) in body.as_object().unwrap() {
        request[name] = value.clone();
    }
    kit.post(maker, "/api/v1/keys", &request).await
}

fn key_of(made: &Reply) -> String {
    assert_eq!(made.status, 201, "{}", made.text());
    made.json()["key"].as_str().unwrap().to_owned()
}

fn id_of(key: &str) -> &str {
    &key[4..16]
}

async fn ids_of(kit: &Kit, key: &str) -> BTreeSet<String> {
    let listed = kit.get(key, "/api/v1/keys?limit=1000").await.json();
    let items = listed["items"].as_array().unwrap().iter();
    items.map(|item| item["id"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn a_child_is_cut_to_its_family_and_wider_ones_are_refused() {
    let kit = Kit::start().await;
    let (team, other) = (kit.demo.team_page_id, kit.demo.other_page_id);
    let request = KeyRequest {
        may_delegate: true,
        capabilities: Some(
            [Capability::ReadContent, Capability::UpdateContent].into_iter().collect(),
        ),
        budget: Some(Budget { calls_per_day: Some(10), ..Budget::default() }),
        expires_in: Some(Duration::from_secs(3600)),
        ..testkit::request(Role::Editor, &[team])
    };
    let maker = kit.new_key(request).await;
    let nowhere = "0a1b2c3d-4e5f-4a6b-8c7d-9e0f1a2b3c4d";
    let bot = kit.gate.identify(Some(&maker), "x").await.unwrap().connection;
    for (wider, what) in [
        (json!({ "role": "admin" }), "role"),
        (json!({ "within": [other] }), "within"),
        (json!({ "within": [team, nowhere] }), "within"),
        (json!({ "capabilities": ["insert_content"] }), "capabilities"),
        (json!({ "expires_in": "2h" }), "expires_in"),
        (json!({ "budget": { "calls_per_day": 11 } }), "budget"),
        (json!({ "connection": null }), "connection"),
        (json!({ "connection": nowhere }), "connection"),
        (json!({ "user": nowhere }), "user"),
    ] {
        let refused = make(&kit, &maker, wider.clone()).await;
        assert_eq!(refused.status, 400, "{wider}: {}", refused.text());
        let detail = refused.json()["detail"].as_str().unwrap().to_owned();
        assert!(detail.contains(&format!("`{what}`")), "{wider}: {detail}");
    }
    // Outside and not there are told alike.
    let say = async |id: &str| {
        let refused = make(&kit, &maker, json!({ "within": [id] })).await;
        refused.json()["detail"].as_str().unwrap().replace(id, "<id>")
    };
    assert_eq!(say(&other.to_string()).await, say(nowhere).await);

    let rows = kit.demo.data_source_id;
    let body =
        json!({ "within": [rows], "connection": bot, "role": "editor", "may_delegate": true });
    let made = make(&kit, &maker, body).await;
    let child = key_of(&made);
    let shown = made.json();
    assert_eq!(shown["parent"], id_of(&maker));
    assert_eq!(shown["capabilities"], json!(["read_content", "update_content"]));
    assert_eq!(shown["budget"], json!({ "calls_per_day": 10 }));
    assert!(shown["expires_at"].is_string());
    assert_eq!(kit.get(&child, &format!("/v1/pages/{team}")).await.status, 404);
    assert_eq!(kit.get(&child, &format!("/v1/data_sources/{rows}")).await.status, 200);
    let grandchild = key_of(&make(&kit, &child, json!({})).await);
    assert_eq!(kit.get(&grandchild, &format!("/v1/data_sources/{rows}")).await.status, 200);
    assert_eq!(kit.get(&grandchild, &format!("/v1/pages/{team}")).await.status, 404);
    let entry = kit.entries(1).await.remove(0);
    assert_eq!(entry.metadata["parent"], ledger::Meta::Text(id_of(&child).to_owned()));
    // Every call was the whole family's: four so far, and there were ten.
    let path = format!("/v1/data_sources/{rows}");
    let mut calls = 0;
    while kit.get(&grandchild, &path).await.status == 200 {
        calls += 1;
    }
    assert_eq!(calls, 6);
    for key in [&maker, &child, &grandchild] {
        assert_eq!(kit.get(key, "/v1/users/me").await.reason(), Some("budget"));
    }
    kit.finish().await;
}

#[tokio::test]
async fn what_moves_out_of_the_parents_scope_is_gone_for_the_child() {
    let kit = Kit::start().await;
    let (team, other) = (kit.demo.team_page_id, kit.demo.other_page_id);
    let page = async |parent: String| {
        let body = json!({ "parent": { "page_id": parent }, "properties": {} });
        kit.direct("POST", "/v1/pages", Some(&body)).await.json()["id"].as_str().unwrap().to_owned()
    };
    let root = page(team.to_string()).await;
    let below = page(root.clone()).await;
    let maker = parent(&kit, Role::Editor, &[team]).await;
    let child = key_of(&make(&kit, &maker, json!({ "within": [root], "role": "editor" })).await);
    let sibling = page(team.to_string()).await;
    let sees = async |id: &str| kit.get(&child, &format!("/v1/pages/{id}")).await.status;
    assert_eq!((sees(&root).await, sees(&below).await, sees(&sibling).await), (200, 200, 404));
    // Moving needs rights at both ends, of all keys of the family.
    for (target, to) in [(&below, &sibling), (&sibling, &root), (&below, &team.to_string())] {
        let to = json!({ "parent": { "page_id": to } });
        let moved = kit.post(&child, &format!("/v1/pages/{target}/move"), &to).await;
        assert_eq!(moved.status, 404, "{}", moved.text());
    }
    let to = json!({ "parent": { "page_id": other } });
    kit.as_human("POST", &format!("/v1/pages/{root}/move"), to).await;
    // As far as the tree may be out of date, no further.
    kit.clock.advance(Duration::from_secs(61));
    assert_eq!((sees(&root).await, sees(&below).await), (404, 404));
    let found = kit.post(&child, "/v1/search", &json!({})).await;
    assert_eq!(found.ids().len(), 0, "{}", found.text());
    assert_eq!(kit.get(&maker, &format!("/v1/pages/{root}")).await.status, 404);
    let to = json!({ "parent": { "page_id": team } });
    kit.as_human("POST", &format!("/v1/pages/{root}/move"), to).await;
    assert_eq!((sees(&root).await, sees(&below).await), (200, 200));
    kit.finish().await;
}

#[tokio::test]
async fn a_family_ends_together() {
    let kit = Kit::start().await;
    for ends_by_itself in [false, true] {
        let request = KeyRequest {
            may_delegate: true,
            expires_in: Some(Duration::from_secs(60)),
            ..testkit::request(Role::Viewer, &[])
        };
        let maker = kit.new_key(request).await;
        let child = key_of(&make(&kit, &maker, json!({ "may_delegate": true })).await);
        let grandchild = key_of(&make(&kit, &child, json!({})).await);
        assert_eq!(kit.get(&grandchild, "/v1/users/me").await.status, 200);
        let word = if ends_by_itself {
            kit.clock.advance(Duration::from_secs(60));
            "expired"
        } else {
            let path = format!("/api/v1/keys/{}", id_of(&maker));
            assert_eq!(kit.delete(&kit.admin, &path).await.status, 204);
            "revoked"
        };
        for key in [&maker, &child, &grandchild] {
            let refused = kit.get(key, "/v1/users/me").await;
            assert_eq!((refused.status, refused.reason()), (401, Some(word)));
            let shown = kit.get(&kit.admin, &format!("/api/v1/keys/{}", id_of(key))).await.json();
            assert_eq!(shown["state"], word);
        }
    }
    kit.finish().await;
}

#[tokio::test]
async fn only_what_stands_below_a_key_exists_for_it() {
    let kit = Kit::start().await;
    let plain = kit.key(Role::Editor, &[]).await;
    let refused = make(&kit, &plain, json!({})).await;
    assert_eq!((refused.status, refused.reason()), (403, Some("role")));
    let plain_admin = kit.key(Role::Admin, &[kit.demo.team_page_id]).await;
    let refused = make(&kit, &plain_admin, json!({})).await;
    assert_eq!((refused.status, refused.reason()), (403, Some("scope")));
    let scoped_admin = parent(&kit, Role::Admin, &[kit.demo.team_page_id]).await;
    let of_admin = make(&kit, &scoped_admin, json!({ "role": "admin" })).await;
    assert_eq!(kit.get(&key_of(&of_admin), "/api/v1/audit").await.reason(), Some("scope"));

    let maker = parent(&kit, Role::Viewer, &[]).await;
    let child = key_of(&make(&kit, &maker, json!({ "may_delegate": true })).await);
    let sibling = key_of(&make(&kit, &maker, json!({ "may_delegate": true })).await);
    let grandchild = key_of(&make(&kit, &child, json!({})).await);
    let ids = |keys: &[&String]| keys.iter().map(|key| id_of(key).to_owned()).collect();
    assert_eq!(ids_of(&kit, &maker).await, ids(&[&child, &sibling, &grandchild]));
    assert_eq!(ids_of(&kit, &child).await, ids(&[&grandchild]));
    assert_eq!(ids_of(&kit, &sibling).await, ids(&[]));
    assert!(ids_of(&kit, &kit.admin).await.is_superset(&ids(&[&maker, &grandchild])));
    let plain_shape = |reply: Reply| {
        let mut json = reply.json();
        json["request_id"] = Value::Null;
        (reply.status, json)
    };
    for other in [&maker, &sibling, &plain, &child, &kit.admin] {
        for method in ["GET", "DELETE"] {
            let path = format!("/api/v1/keys/{}", id_of(other));
            let there = plain_shape(kit.call(method, &child, &path, None).await);
            let nowhere = kit.call(method, &child, "/api/v1/keys/nosuchkey000", None).await;
            assert_eq!(there, plain_shape(nowhere), "{method} {path}");
            assert_eq!(there.0, 404);
        }
    }
    let path = format!("/api/v1/keys/{}", id_of(&grandchild));
    assert_eq!(kit.get(&sibling, &path).await.status, 404);
    assert_eq!(kit.get(&child, &path).await.status, 200);
    assert_eq!(kit.delete(&maker, &path).await.status, 204);
    assert_eq!(kit.get(&grandchild, "/v1/users/me").await.status, 401);
    kit.finish().await;
}

#[tokio::test]
async fn families_are_bounded() {
    let kit = Kit::start().await;
    let mut key = parent(&kit, Role::Viewer, &[]).await;
    let top = key.clone();
    for _ in 0..4 {
        key = key_of(&make(&kit, &key, json!({ "may_delegate": true })).await);
    }
    let refused = make(&kit, &key, json!({})).await;
    assert_eq!(refused.status, 409, "{}", refused.text());
    assert_eq!(kit.get(&key, "/v1/users/me").await.status, 200);
    // One is there already.
    let kit = std::sync::Arc::new(kit);
    let makers = (0..60).map(|_| {
        let (kit, top) = (kit.clone(), top.clone());
        tokio::spawn(async move { make(&kit, &top, json!({})).await.status })
    });
    let mut made = 0;
    for maker in makers.collect::<Vec<_>>() {
        match maker.await.unwrap() {
            201 => made += 1,
            status => assert_eq!(status, 409),
        }
    }
    assert_eq!(made, 49);
    std::sync::Arc::into_inner(kit).unwrap().finish().await;
}

/// Everything that a caller has, in a form that can be compared.
fn is_no_wider(child: &Principal, maker: &Principal, objects: &[Id]) -> Result<(), String> {
    let covers = |it: &Principal, id: &Id| it.scope().is_none_or(|scope| scope.covers(&[*id]));
    let (small, large) = (child.key().unwrap(), maker.key().unwrap());
    let said = |fits: bool, what: &str| fits.then_some(()).ok_or_else(|| what.to_owned());
    said(child.role <= maker.role, "role")?;
    said(child.tenant == maker.tenant && child.connection == maker.connection, "connection")?;
    said(child.capabilities.iter().all(|it| maker.capabilities.grants(it)), "capabilities")?;
    said(objects.iter().all(|id| !covers(child, id) || covers(maker, id)), "scope")?;
    said(maker.scope().is_none() || child.scope().is_some(), "scope")?;
    let ends = |at: Option<jiff::Timestamp>| at.unwrap_or(jiff::Timestamp::MAX);
    said(ends(small.expires_at) <= ends(large.expires_at), "expiry")?;
    let no_more = |meter| match (small.budget.limit(meter), large.budget.limit(meter)) {
        (_, None) => true,
        (Some(small), Some(large)) => small <= large,
        (None, Some(_)) => false,
    };
    said(Meter::ALL.into_iter().all(no_more), "budget")
}

#[tokio::test]
async fn no_chain_of_keys_ever_widens_anything() {
    let kit = Kit::start().await;
    let demo = kit.demo.clone();
    let objects = [demo.team_page_id, demo.other_page_id, demo.database_id, demo.data_source_id];
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let mut draw = |below: u64| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state % below
    };
    let (mut made, mut refused) = (0, 0);
    for _ in 0..30 {
        let mut request = |root: bool| {
            let some = |draw: &mut dyn FnMut(u64) -> u64, most: u64| {
                let number = draw(2 * most);
                (number < most).then(|| u32::try_from(number + 1).unwrap())
            };
            let within = objects.iter().filter(|_| draw(3) == 0).copied().collect::<Vec<_>>();
            let all: Capabilities = Capability::ALL.into_iter().filter(|_| draw(8) != 0).collect();
            KeyRequest {
                capabilities: (draw(2) == 0).then_some(all),
                budget: (draw(2) == 0).then(|| Budget {
                    calls_per_day: some(&mut draw, 100_000),
                    pages_per_hour: some(&mut draw, 1000),
                    ..Budget::default()
                }),
                expires_in: (draw(2) == 0).then(|| Duration::from_secs(1000 + draw(9000))),
                may_delegate: root || draw(6) != 0,
                ..KeyRequest::new("x", Role::ALL[draw(3) as usize], within)
            }
        };
        let top = request(true);
        let operator = kit.operator();
        let first = kit.gate.create_key(&operator, top, "x").await.unwrap();
        let mut makers = vec![kit.gate.identify(Some(first.token.reveal()), "x").await.unwrap()];
        if makers[0].role == Role::Admin && makers[0].scope().is_none() {
            continue;
        }
        for _ in 0..12 {
            let at = draw(makers.len() as u64) as usize;
            let maker = makers[at].clone();
            let mut request = |root| {
                let within = objects.iter().filter(|_| draw(4) == 0).copied().collect::<Vec<_>>();
                KeyRequest {
                    capabilities: (draw(2) == 0)
                        .then(|| maker.capabilities.iter().filter(|_| draw(8) != 0).collect()),
                    budget: (draw(3) == 0).then(|| Budget {
                        calls_per_day: Some(1 + u32::try_from(draw(100_000)).unwrap()),
                        ..Budget::default()
                    }),
                    expires_in: (draw(3) == 0).then(|| Duration::from_secs(1 + draw(9000))),
                    may_delegate: root,
                    ..KeyRequest::new("x", Role::ALL[draw(3) as usize], within)
                }
            };
            let request = request(true);
            match kit.gate.create_key(&maker, request.clone(), "x").await {
                Ok(new) => {
                    made += 1;
                    let child = kit.gate.identify(Some(new.token.reveal()), "x").await.unwrap();
                    // Not wider than its maker, nor than any key above that.
                    let mut above = Some(maker.key_id().unwrap().clone());
                    while let Some(id) = above {
                        let it = makers.iter().find(|it| it.key_id() == Some(&id)).unwrap();
                        is_no_wider(&child, it, &objects)
                            .unwrap_or_else(|what| panic!("{what}: {request:?} of {maker:?}"));
                        above = it.key().unwrap().parent.clone();
                    }
                    makers.push(child);
                }
                Err(_) => refused += 1,
            }
        }
    }
    assert!(made > 40 && refused > 40, "made {made}, refused {refused}");
    kit.finish().await;
}
