//! Twins that also differ in rows which a policy hides by their values: what those hold, what stands in them, and
//! how many there are.

use serde_json::{Value, json};

use super::scene::{CANARY, Plan, outside};
use super::world::{Made, block, property, row, text, time};

/// Hides the rows that say so, from everybody.
pub(crate) const POLICY: &str = r#"
@id("rows")
forbid (principal, action in Action::"read", resource)
when { resource has row && resource.row.hasTag("Access") && resource.row.getTag("Access").contains("secret") };
"#;

/// Whether a row is one of the hidden ones: the same in both worlds.
fn is_hidden(id: &str) -> bool {
    id.as_bytes().last().is_some_and(|last| last % 3 == 0)
}

/// Gives the tables of the inside a column by which rows are hidden, and hides some.
pub(crate) fn hide(world: &mut Value, plan: &Plan, number: u16) {
    let own = |id: &str| plan.sources.iter().any(|source| source.id == id);
    let words = json!([text(&format!("{CANARY} pay {number}"))]);
    let all = world["nodes"].as_object_mut().expect("nodes");
    let mut hidden: Vec<String> = Vec::new();
    for (id, node) in all.iter_mut() {
        let parent = node["parent"]["node"].as_str().unwrap_or_default();
        if own(id) {
            let option = |name: &str| json!({ "id": name, "name": name, "color": "red", "description": null });
            let options = json!({ "options": [option("open"), option("secret")], "groups": [] });
            let column = property("accs", "Access", "select", json!({ "choices": options }));
            node["content"]["data_source"]["schema"]["accs"] = column;
        } else if own(parent) && is_hidden(id) && node["content"]["page"]["is_template"] != true {
            let values = &mut node["content"]["page"]["values"];
            values["accs"] = "secret".into();
            values["title"] = words.clone();
            values["peer"] = if number == 1 { json!([]) } else { values["peer"].clone() };
            values["chec"] = (number == 1).into();
            node["last_edited_time"] = time(61_000 + i64::from(number)).into();
            hidden.push(id.clone());
        }
    }
    // What stands in them differs, and is more in one world; so are the rows.
    for id in &hidden {
        let children = all[id]["children"].as_array().cloned().unwrap_or_default();
        for child in children.iter().filter_map(Value::as_str) {
            let body = &mut all[child]["content"]["block"]["body"];
            if body["rich_text"].is_array() {
                body["rich_text"] = words.clone();
            }
        }
    }
    if number == 1 {
        return;
    }
    let made = Made::by(&plan.people[0], 61_500);
    for (at, source) in plan.sources.iter().enumerate() {
        for more in 0..3 {
            let id = outside(2, 2, 0x900 + 16 * at + more);
            let values =
                json!({ "title": words, "accs": "secret", "numb": 1, "peer": [plan.rows[0]] });
            let inside = outside(2, 5, 0x900 + 16 * at + more);
            let paragraph = json!({ "rich_text": words, "icon": null, "color": "default" });
            hang(world, &id, &source.id, row(values), &made);
            hang(world, &inside, &id, block("paragraph", paragraph), &made);
        }
    }
}

fn hang(world: &mut Value, id: &str, parent: &str, content: Value, made: &Made) {
    let nodes = &mut world["nodes"];
    nodes[parent]["children"].as_array_mut().expect("children").push(id.into());
    nodes[id] = json!({
        "id": id, "parent": { "node": parent }, "children": [], "content": content,
        "created_time": time(made.at), "created_by": made.by,
        "last_edited_time": time(made.at), "last_edited_by": made.by, "in_trash": false,
    });
}
