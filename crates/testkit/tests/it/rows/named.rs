//! A row that a policy hides by its id, without a condition on rows: it is not there, wherever somebody meets it.

use serde_json::json;

use super::*;
use crate::columns::{change, names};

/// A table of deals, of which one is hidden from editors, and what leads to it.
struct Hidden {
    world: World,
    hidden: Id,
    tasks: Id,
    task: Id,
    clear: Id,
    page: Id,
}

impl Hidden {
    /// `amount` and `title` are what differs between two worlds, as is whether the row leads to the other task.
    async fn start(amount: u32, title: &str, leads: bool) -> Self {
        let world = World::start().await;
        let kit = &world.kit;
        let two_ways = json!({"relation": {"data_source_id": world.deals, "dual_property": {
            "synced_property_name": "Tasks"}}});
        let columns = json!({"Name": {"title": {}}, "Deals": two_ways});
        let (_, tasks) = table(kit, kit.demo.team_page_id, "Tasks", columns).await;
        let rollup = |target: &str, function: &str| {
            json!({"rollup": {"relation_property_name": "Deals", "rollup_property_name": target,
                "function": function}})
        };
        let formula = json!({"formula": {"expression": "length(prop(\"Deals\"))"}});
        let computed = json!({"Worth": rollup("Amount", "sum"), "Titles": rollup("Name", "show_original"), "Many": formula});
        change(kit, tasks, computed).await;
        let values = json!({"Name": {"title": text(title)}, "Amount": {"number": amount}});
        let hidden = row(kit, world.deals, values).await;
        let task = |name: &str, all: &[Id]| {
            let all: Vec<_> = all.iter().map(|id| json!({"id": id})).collect();
            json!({"Name": {"title": text(name)}, "Deals": {"relation": all}})
        };
        let task_of = async |name: &str, all: &[Id]| row(kit, tasks, task(name, all)).await;
        let both = task_of("Both", &[world.sales[0], hidden]).await;
        let other: &[Id] = if leads { &[world.sales[1], hidden] } else { &[world.sales[1]] };
        let clear = task_of("Other", other).await;
        let body = json!({"parent": {"page_id": kit.demo.team_page_id},
            "properties": {"title": {"title": text("Minutes")}},
            "children": [{"paragraph": {"rich_text": [
                {"text": {"content": "about "}}, {"mention": {"page": {"id": hidden}}}]}}]});
        let page = id(&kit.post(&kit.admin, "/v1/pages", &body).await.json()["id"]);
        let policy = format!(
            "@id(\"secret\") @says(\"a secret deal\")\n\
             forbid (principal in Role::\"editor\", action in Action::\"read\", resource in \
             Object::\"{hidden}\");"
        );
        set(kit, &policy).await;
        Self { tasks, task: both, clear, page, hidden, world }
    }

    /// Everything that an editor can ask that could meet the row: answers, as they differ between worlds in
    /// nothing but ids and times.
    async fn answers(&self) -> Vec<String> {
        let kit = &self.world.kit;
        let (tasks, deals) = (self.tasks, self.world.deals);
        let views = kit.get(&kit.admin, &format!("/v1/views?data_source_id={tasks}")).await.json();
        let view = views["results"][0]["id"].as_str().unwrap().to_owned();
        let of_deals =
            kit.get(&kit.admin, &format!("/v1/views?data_source_id={deals}")).await.json();
        let of_deals = of_deals["results"][0]["id"].as_str().unwrap().to_owned();
        let schema = kit.get(&kit.admin, &format!("/v1/data_sources/{tasks}")).await.json();
        let property = |name: &str| schema["properties"][name]["id"].as_str().unwrap().to_owned();
        let (task, clear, page, hidden) = (self.task, self.clear, self.page, self.hidden);
        let get = |path: String| ("GET", path, Value::Null);
        let query = |body: Value| ("POST", format!("/v1/data_sources/{tasks}/query"), body);
        let by = |property: &str, condition: Value| {
            let mut filter = json!({"property": property});
            filter[condition["of"].as_str().unwrap()] = condition["is"].clone();
            json!({"filter": filter})
        };
        let mut answers = Vec::new();
        for (method, path, body) in [
            get(format!("/v1/pages/{hidden}")),
            get(format!("/v1/blocks/{hidden}/children")),
            get(format!("/v1/pages/{task}")),
            get(format!("/v1/pages/{clear}")),
            get(format!("/v1/pages/{task}/properties/{}", property("Deals"))),
            get(format!("/v1/pages/{task}/properties/{}", property("Worth"))),
            get(format!("/v1/pages/{task}/properties/{}", property("Titles"))),
            get(format!("/v1/pages/{clear}/properties/{}", property("Many"))),
            get(format!("/v1/data_sources/{tasks}")),
            get(format!("/v1/blocks/{page}/children")),
            get(format!("/v1/pages/{page}/markdown")),
            get(format!("/v1/views/{view}")),
            query(json!({})),
            query(by("Deals", json!({"of": "relation", "is": {"contains": hidden}}))),
            query(by("Deals", json!({"of": "relation", "is": {"is_empty": true}}))),
            query(by("Worth", json!({"of": "rollup", "is": {"number": {"greater_than": 5}}}))),
            query(json!({"sorts": [{"property": "Worth", "direction": "descending"}]})),
            ("POST", format!("/v1/data_sources/{deals}/query"), json!({})),
            ("POST", "/v1/search".to_owned(), json!({"query": "deal"})),
            ("POST", format!("/v1/views/{view}/queries"), json!({})),
            ("POST", format!("/v1/views/{of_deals}/queries"), json!({})),
        ] {
            let reply = self.world.call_in("2026-03-11", method, &path, body).await;
            let mut answer = reply.json();
            answer["request_id"] = Value::Null;
            answers.push(format!("{method} {path}: {} {answer}", reply.status));
        }
        answers
    }
}

#[tokio::test]
async fn a_row_hidden_by_its_id_is_nowhere() {
    let found = Hidden::start(7000, "Hush deal", true).await;
    let id = found.hidden.to_string();
    for answer in found.answers().await {
        let (asked, said) = answer.split_once(": ").unwrap();
        let echo = asked.contains(&id) || said.starts_with("404");
        assert!(echo || !said.contains(&id), "{answer}");
        assert!(
            !said.contains("Hush") && !said.contains("7000") && !said.contains("7001"),
            "{answer}"
        );
        assert!(!said.starts_with('5'), "{answer}");
    }
    let kit = &found.world.kit;
    let page = kit.get(&found.world.editor, &format!("/v1/pages/{}", found.task)).await.json();
    assert_eq!(names(&page), ["Deals", "Name"], "{page}");
    assert_eq!(page["properties"]["Deals"]["relation"], json!([{"id": found.world.sales[0]}]));
    // Rows that somebody else sees are all there, and computed from.
    let whole = kit.get(&kit.admin, &format!("/v1/pages/{}", found.task)).await.json();
    assert_eq!(names(&whole), ["Deals", "Many", "Name", "Titles", "Worth"]);
    // What the caller writes there leaves it where it is.
    let write = json!({"properties": {"Deals": {"relation": [{"id": found.world.sales[2]}]}}});
    let path = format!("/v1/pages/{}", found.task);
    let written = kit.patch(&found.world.editor, &path, &write).await;
    assert_eq!(written.status, 200, "{}", written.text());
    let whole = kit.get(&kit.admin, &path).await.text();
    assert!(whole.contains(&id) && whole.contains(&found.world.sales[2].to_string()), "{whole}");
    found.world.kit.finish().await;
}

#[tokio::test]
async fn worlds_that_differ_in_a_hidden_row_are_the_same() {
    let first = Hidden::start(7000, "Hush deal", true).await;
    let second = Hidden::start(3, "Another deal", false).await;
    // Ids are drawn from the same seed; what is random is who asks, and opaque.
    let bare = |text: String| {
        let mut value: Vec<String> = text.split('"').map(str::to_owned).collect();
        for part in &mut value {
            let is_id = Id::parse(part).is_some() || part.len() > 200;
            let is_time = part.starts_with("20") && part.contains(":");
            if is_id || is_time {
                "…".clone_into(part);
            }
        }
        value.join("\"")
    };
    let (ours, theirs) = (first.answers().await, second.answers().await);
    for (one, other) in ours.into_iter().zip(theirs) {
        let (one, other) = (one.split_once(": ").unwrap(), other.split_once(": ").unwrap());
        assert_eq!(bare(one.1.to_owned()), bare(other.1.to_owned()), "{}", one.0);
    }
    first.world.kit.finish().await;
    second.world.kit.finish().await;
}

#[tokio::test]
async fn many_named_objects_cost_no_look_ups_and_hide_more_rather_than_less() {
    let found = Hidden::start(7000, "Hush deal", true).await;
    let kit = &found.world.kit;
    let many: String = (0..40)
        .map(|number| {
            format!(
                "@id(\"n{number}\") forbid (principal in Role::\"editor\", action in Action::\"read\", \
                 resource in Object::\"00000000-0000-4000-8000-0000000000{number:02}\");\n"
            )
        })
        .collect();
    let secret = format!(
        "@id(\"secret\") forbid (principal in Role::\"editor\", action in Action::\"read\", resource in \
         Object::\"{}\");",
        found.hidden
    );
    set(kit, &format!("{many}{secret}")).await;
    let page = kit.get(&found.world.editor, &format!("/v1/pages/{}", found.task)).await.json();
    assert_eq!(names(&page), ["Deals", "Name"], "{page}");
    assert_eq!(page["properties"]["Deals"]["relation"], json!([{"id": found.world.sales[0]}]));
    found.world.kit.finish().await;
}
