//! Databases by row filter: of a table a caller sees the rows that a policy lets it see, by their values.

mod named;
mod related;
mod stale;
mod templates;
mod views;
mod written;

use model::Role;
use notion::Id;
use serde_json::{Value, json};
use testkit::{Kit, Reply};

use crate::columns::{id, row, table, text};

const VERSIONS: [&str; 3] = ["2022-06-28", "2025-09-03", "2026-03-11"];
/// The id that nobody has.
const NOWHERE: &str = "0a1b2c3d-4e5f-4a6b-8c7d-9e0f1a2b3c4d";

/// A table of deals, every second of which is of the team of those whom the policy concerns.
struct World {
    kit: Kit,
    /// Sees the deals of its team.
    editor: String,
    database: Id,
    deals: Id,
    sales: Vec<Id>,
    legal: Vec<Id>,
}

fn deal(number: usize, team: &str) -> Value {
    json!({
        "Name": {"title": text(&format!("{team} deal {number}"))},
        "Team": {"select": {"name": team}},
        "Amount": {"number": 1000 + number},
    })
}

async fn set(kit: &Kit, policies: &str) {
    let body = json!({"text": policies});
    let reply = kit.call("PUT", &kit.admin, "/api/v1/policies", Some(&body)).await;
    assert_eq!(reply.status, 200, "{}", reply.text());
}

/// The policy: editors see the deals of their team.
fn own_team(deals: Id) -> String {
    format!(
        "@id(\"own-team\") @says(\"sales sees its own deals\")\n\
         forbid (principal in Role::\"editor\", action in Action::\"read\",\n\
         resource in Object::\"{deals}\")\n\
         when {{ resource has row }}\n\
         unless {{ resource.row.hasTag(\"Team\") && resource.row.getTag(\"Team\").contains(\"Sales\") }};"
    )
}

impl World {
    async fn start() -> Self {
        let kit = Kit::start().await;
        let columns = json!({
            "Name": {"title": {}},
            "Team": {"select": {"options": [{"name": "Sales"}, {"name": "Legal"}]}},
            "Amount": {"number": {}},
        });
        let (database, deals) = table(&kit, kit.demo.team_page_id, "Deals", columns).await;
        let (mut sales, mut legal) = (Vec::new(), Vec::new());
        for number in 0..6 {
            legal.push(row(&kit, deals, deal(number, "Legal")).await);
            sales.push(row(&kit, deals, deal(number, "Sales")).await);
        }
        set(&kit, &own_team(deals)).await;
        let editor = kit.key(Role::Editor, &[]).await;
        Self { kit, editor, database, deals, sales, legal }
    }

    async fn call_in(&self, version: &str, method: &str, path: &str, body: Value) -> Reply {
        let bearer = format!("Bearer {}", self.editor);
        let headers = [("authorization", bearer.as_str()), ("notion-version", version)];
        let body = (!body.is_null()).then(|| body.to_string());
        self.kit.raw(method, path, &headers, body).await
    }

    /// The path of a query, and of the schema, in a version.
    fn paths(&self, version: &str) -> (String, String) {
        let at = match version < "2025-09-03" {
            true => format!("/v1/databases/{}", self.database),
            false => format!("/v1/data_sources/{}", self.deals),
        };
        (format!("{at}/query"), at)
    }

    /// Whether a row is there for those whom the policy concerns.
    async fn sees(&self, row: Id) -> bool {
        let reply = self.kit.get(&self.editor, &format!("/v1/pages/{row}")).await;
        assert!([200, 404].contains(&reply.status), "{}", reply.text());
        reply.status == 200
    }

    async fn set_team(&self, row: Id, team: &str) {
        let change = json!({"properties": {"Team": {"select": {"name": team}}}});
        self.kit.as_human("PATCH", &format!("/v1/pages/{row}"), change).await;
    }
}

fn ids(list: &Value) -> Vec<Id> {
    let results = list["results"].as_array().unwrap_or_else(|| panic!("a list: {list}"));
    results.iter().map(|one| id(&one["id"])).collect()
}

fn sorted(mut ids: Vec<Id>) -> Vec<Id> {
    ids.sort();
    ids
}

#[tokio::test]
async fn a_query_gives_the_rows_that_are_seen_and_its_paging_means_what_it_says() {
    let world = World::start().await;
    for version in VERSIONS {
        let (query, schema) = world.paths(version);
        let whole = world.call_in(version, "GET", &schema, Value::Null).await;
        assert_eq!(whole.status, 200, "the table is there: {}", whole.text());
        assert!(whole.json()["properties"]["Team"].is_object(), "{}", whole.text());
        for size in [1, 2, 4, 100] {
            let (mut met, mut cursor) = (Vec::new(), Value::Null);
            loop {
                let mut body = json!({"page_size": size, "sorts": [
                    {"property": "Amount", "direction": "ascending"}]});
                if !cursor.is_null() {
                    body["start_cursor"] = cursor;
                }
                let page = world.call_in(version, "POST", &query, body).await;
                assert_eq!(page.status, 200, "{}", page.text());
                assert!(!page.text().contains("Legal deal"), "{}", page.text());
                let page = page.json();
                let found = ids(&page);
                assert!(!found.is_empty() && found.len() <= size);
                met.extend(found);
                cursor = page["next_cursor"].clone();
                assert_eq!(page["has_more"], !cursor.is_null());
                if cursor.is_null() {
                    break;
                }
                assert_eq!(met.len() % size, 0, "full pages");
            }
            assert_eq!(met, world.sales, "{version}: in order, none twice, none left out");
        }
        // A filter that names a row that is not there finds nothing.
        let by_name = json!({"filter": {"property": "Name", "title": {"contains": "Legal"}}});
        let found = world.call_in(version, "POST", &query, by_name).await.json();
        assert_eq!((ids(&found), &found["has_more"]), (vec![], &json!(false)));
        // Asking for a part does not take away what the policy looks at, nor show it.
        let part = format!("{query}?filter_properties[]=Amount");
        let found = world.call_in(version, "POST", &part, json!({})).await.json();
        assert_eq!(sorted(ids(&found)), sorted(world.sales.clone()), "{version}");
        let shown = found["results"][0]["properties"].as_object().unwrap();
        assert_eq!(shown.keys().collect::<Vec<_>>(), ["Amount"], "{version}");
    }
    world.kit.finish().await;
}

#[tokio::test]
async fn a_query_costs_one_call_and_nothing_costs_those_whom_it_does_not_concern() {
    let world = World::start().await;
    let (kit, deals) = (&world.kit, world.deals);
    let query = format!("/v1/data_sources/{deals}/query");
    // Where the table stands has to be known.
    assert_eq!(kit.post(&world.editor, &query, &json!({})).await.status, 200);
    kit.forget_calls().await;
    kit.clock.advance(std::time::Duration::from_secs(9));
    let found = kit.post(&world.editor, &query, &json!({})).await.json();
    assert_eq!(ids(&found).len(), world.sales.len());
    let calls = kit.calls().await;
    assert_eq!(calls.len(), 1, "{calls:?}");
    // From the query the rows are known, and what stands in them.
    kit.forget_calls().await;
    let path = format!("/v1/blocks/{}/children", world.sales[0]);
    assert_eq!(kit.get(&world.editor, &path).await.status, 200);
    assert_eq!(kit.calls().await.len(), 1);
    let viewer = kit.key(Role::Viewer, &[]).await;
    kit.forget_calls().await;
    let all = kit.post(&viewer, &query, &json!({})).await.json();
    assert_eq!(ids(&all).len(), world.sales.len() + world.legal.len());
    assert_eq!(kit.calls().await.len(), 1);
    world.kit.finish().await;
}

#[tokio::test]
async fn what_is_not_seen_is_answered_like_what_does_not_exist() {
    let world = World::start().await;
    let (kit, hidden) = (&world.kit, world.legal[0]);
    let child = json!({"children": [{"paragraph": {"rich_text": text("terms of the deal")}}]});
    let path = format!("/v1/blocks/{hidden}/children");
    let made = kit.call("PATCH", &kit.admin, &path, Some(&child)).await.json();
    let block = id(&made["results"][0]["id"]);
    let page =
        json!({"parent": {"page_id": hidden}, "properties": {"title": {"title": text("Annex")}}});
    let below = id(&kit.post(&kit.admin, "/v1/pages", &page).await.json()["id"]);
    let comment = json!({"parent": {"page_id": hidden}, "rich_text": text("too cheap")});
    let comment = kit.post(&kit.admin, "/v1/comments", &comment).await;
    let comment = id(&comment.json()["id"]);
    let name = "title";
    let write = json!({"properties": {"Amount": {"number": 1}}});
    for version in VERSIONS {
        for (method, path, body) in [
            ("GET", "/v1/pages/{}".to_owned(), Value::Null),
            ("GET", format!("/v1/pages/{{}}/properties/{name}"), Value::Null),
            ("GET", "/v1/pages/{}/markdown".to_owned(), Value::Null),
            ("GET", "/v1/blocks/{}".to_owned(), Value::Null),
            ("GET", "/v1/blocks/{}/children".to_owned(), Value::Null),
            ("GET", "/v1/comments?block_id={}".to_owned(), Value::Null),
            ("PATCH", "/v1/pages/{}".to_owned(), write.clone()),
            ("PATCH", "/v1/blocks/{}/children".to_owned(), child.clone()),
            ("DELETE", "/v1/blocks/{}".to_owned(), Value::Null),
        ] {
            let is_block = path.starts_with("/v1/blocks") || path.starts_with("/v1/comments");
            for target in [hidden, below, block] {
                if target == block && !is_block {
                    continue;
                }
                let call = async |id: &str| {
                    let reply =
                        world.call_in(version, method, &path.replace("{}", id), body.clone()).await;
                    let mut json = reply.json();
                    json["request_id"] = Value::Null;
                    (reply.status, json.to_string().replace(id, "<id>"))
                };
                let (found, nowhere) = (call(&target.to_string()).await, call(NOWHERE).await);
                assert_eq!(found, nowhere, "{version} {method} {path}");
            }
        }
        let path = format!("/v1/comments/{comment}");
        let reply = world.call_in(version, "GET", &path, Value::Null).await;
        assert_ne!(reply.status, 200, "{version}");
        for query in ["Legal", "Annex"] {
            let found = world.call_in(version, "POST", "/v1/search", json!({"query": query})).await;
            assert_eq!((ids(&found.json()), &found.json()["has_more"]), (vec![], &json!(false)));
        }
        let found = world.call_in(version, "POST", "/v1/search", json!({"query": "deal"})).await;
        let found = ids(&found.json());
        assert!(world.sales.iter().all(|row| found.contains(row)), "{version}: {found:?}");
        assert!(!world.legal.iter().any(|row| found.contains(row)), "{version}: {found:?}");
    }
    // What policies permit on top of a scope, they hide there, too.
    let scoped = kit.key(Role::Editor, &[world.legal[1]]).await;
    assert_eq!(kit.get(&scoped, &format!("/v1/pages/{}", world.legal[1])).await.status, 404);
    world.kit.finish().await;
}

#[tokio::test]
async fn what_points_at_a_hidden_row_points_at_nothing() {
    let world = World::start().await;
    let (kit, hidden, seen) = (&world.kit, world.legal[0], world.sales[0]);
    let child = json!({"children": [{"synced_block": {"synced_from": null,
        "children": [{"paragraph": {"rich_text": text("the terms")}}]}}]});
    let path = format!("/v1/blocks/{hidden}/children");
    let made = kit.call("PATCH", &kit.admin, &path, Some(&child)).await.json();
    let original = id(&made["results"][0]["id"]);
    let mention =
        |row: Id| json!({"paragraph": {"rich_text": [{"mention": {"page": {"id": row}}}]}});
    let team = kit.demo.team_page_id;
    let blocks = json!({"children": [
        mention(hidden), mention(seen),
        {"link_to_page": {"type": "page_id", "page_id": hidden}},
        {"synced_block": {"synced_from": {"block_id": original}}},
        {"bookmark": {"url": format!("https://www.notion.so/{}", hidden.plain())}},
    ]});
    let path = format!("/v1/blocks/{team}/children");
    let made = kit.call("PATCH", &kit.admin, &path, Some(&blocks)).await;
    assert_eq!(made.status, 200, "{}", made.text());
    let mut met = Vec::new();
    let mut at = format!("{path}?page_size=100");
    loop {
        let list = kit.get(&world.editor, &at).await;
        assert_eq!(list.status, 200, "{}", list.text());
        for secret in [hidden.to_string(), hidden.plain().to_string(), original.to_string()] {
            assert!(!list.text().contains(&secret), "{secret} in {}", list.text());
        }
        assert!(!list.text().contains("Legal deal"), "{}", list.text());
        let list = list.json();
        met.extend(list["results"].as_array().unwrap().clone());
        match list["next_cursor"].as_str() {
            Some(next) => at = format!("{path}?page_size=100&start_cursor={next}"),
            None => break,
        }
    }
    let last: Vec<&str> = met.iter().rev().take(5).map(|it| it["type"].as_str().unwrap()).collect();
    let unsupported = "unsupported";
    assert_eq!(last, [unsupported, unsupported, unsupported, "paragraph", "paragraph"]);
    let shown = &met[met.len() - 4]["paragraph"]["rich_text"][0];
    assert_eq!(shown["plain_text"], "Sales deal 0", "{shown}");
    // To point there is to point at nothing.
    let append = json!({"children": [mention(hidden)]});
    assert_eq!(kit.call("PATCH", &world.editor, &path, Some(&append)).await.status, 404);
    world.kit.finish().await;
}

#[tokio::test]
async fn what_stands_in_a_hidden_row_is_hidden_whatever_its_own_values() {
    let world = World::start().await;
    let kit = &world.kit;
    set(
        kit,
        "@id(\"legal\") forbid (principal in Role::\"editor\", action in Action::\"read\", resource)\n\
         when { resource has row && resource.row.hasTag(\"Team\")\n\
         && resource.row.getTag(\"Team\").contains(\"Legal\") };",
    )
    .await;
    for (outer, expected) in [(world.legal[0], 404), (world.sales[0], 200)] {
        let columns = json!({"Name": {"title": {}}, "Note": {"rich_text": {}}});
        let (database, inner) = table(kit, outer, "Positions", columns).await;
        let position = row(kit, inner, json!({"Name": {"title": text("Position")}})).await;
        for path in [
            format!("/v1/databases/{database}"),
            format!("/v1/data_sources/{inner}"),
            format!("/v1/pages/{position}"),
            format!("/v1/blocks/{position}/children"),
        ] {
            assert_eq!(kit.get(&world.editor, &path).await.status, expected, "{path}");
        }
        let query = format!("/v1/data_sources/{inner}/query");
        assert_eq!(kit.post(&world.editor, &query, &json!({})).await.status, expected);
    }
    world.kit.finish().await;
}

#[tokio::test]
async fn what_cannot_be_read_hides_the_row() {
    let world = World::start().await;
    let (kit, deals) = (&world.kit, world.deals);
    let people = json!({"Needs": {"relation": {"data_source_id": deals, "single_property": {}}},
        "Twice": {"formula": {"expression": "prop(\"Amount\") * 2"}}});
    crate::columns::change(kit, deals, people).await;
    let forbid = |property: &str, value: &str| {
        format!(
            "@id(\"p\") forbid (principal in Role::\"editor\", action in Action::\"read\", \
             resource in Object::\"{deals}\") when {{ resource has row \
             && resource.row.hasTag(\"{property}\") \
             && resource.row.getTag(\"{property}\").contains(\"{value}\") }};"
        )
    };
    // Thirty rows are more than a page object shows: the one that matters may be among the others.
    let mut many = Vec::new();
    for number in 0..30 {
        many.push(row(kit, deals, deal(100 + number, "Sales")).await);
    }
    let needs = |rows: &[Id]| {
        let rows: Vec<_> = rows.iter().map(|row| json!({"id": row})).collect();
        json!({"properties": {"Needs": {"relation": rows}}})
    };
    let (full, few) = (world.sales[0], world.sales[1]);
    for (row, rows) in [(full, &many[..]), (few, &many[..3])] {
        let path = format!("/v1/pages/{row}");
        assert_eq!(kit.patch(&kit.admin, &path, &needs(rows)).await.status, 200);
    }
    set(kit, &forbid("Needs", &world.legal[0].to_string())).await;
    assert!(!world.sees(full).await && world.sees(few).await && world.sees(many[0]).await);
    set(kit, &forbid("Needs", &many[1].to_string())).await;
    assert!(!world.sees(full).await && !world.sees(few).await && world.sees(many[0]).await);
    // What is computed cannot be judged at all; another property does not matter.
    set(kit, &forbid("Twice", "1")).await;
    assert!(!world.sees(few).await && !world.sees(many[0]).await);
    set(kit, &forbid("Name", "Sales deal 1")).await;
    assert!(world.sees(full).await && !world.sees(few).await);
    world.kit.finish().await;
}

#[tokio::test]
async fn explanations_look_at_the_rows_values() {
    let world = World::start().await;
    let kit = &world.kit;
    let explain = async |row: Id, operation: &str| {
        let body = json!({"principal": "role:editor", "operation": operation, "object": row});
        let reply = kit.post(&kit.admin, "/api/v1/policy/explain", &body).await;
        assert_eq!(reply.status, 200, "{}", reply.text());
        let said = reply.json();
        (said["decision"].clone(), said["hidden"].clone(), said["rule"].clone())
    };
    let hidden = (json!("deny"), json!(true), json!("own-team"));
    for operation in ["retrieve-a-page", "patch-page", "get-block-children"] {
        assert_eq!(explain(world.legal[0], operation).await, hidden, "{operation}");
        assert_eq!(explain(world.sales[0], operation).await.0, "allow", "{operation}");
    }
    // What another policy would have changed.
    assert!(world.sees(world.sales[0]).await);
    let text = own_team(world.deals).replace("Team", "Amount").replace("Sales\"", "1000\"");
    let body = json!({"text": text});
    let replay = kit.post(&kit.admin, "/api/v1/policy/what-if", &body).await;
    assert_eq!(replay.status, 200, "{}", replay.text());
    assert_eq!(replay.json()["newly_refused"], json!([]), "{}", replay.text());
    let text = own_team(world.deals).replace("Team", "Amount");
    let replay =
        kit.post(&kit.admin, "/api/v1/policy/what-if", &json!({"text": text})).await.json();
    assert_eq!(replay["newly_refused"][0]["object"], world.sales[0].to_string(), "{replay}");
    world.kit.finish().await;
}
