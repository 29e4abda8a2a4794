//! The shapes of versions before 2022-06-28, made of those of 2022-06-28: what was called otherwise,
//! and what was not there yet (documented in the changes by version; little of it was recorded).
//! And what came later without a new version, where a world answers as of a time before (measured).

use notion::Version;
use serde_json::{Map, Value, json};

use crate::world::era::Era;
use crate::world::property::decode;

/// An answer in the words of its version and time.
pub(crate) fn shown(mut answer: Value, version: Version, era: Era) -> Value {
    if version < Version::V2022_06_28 {
        walk(&mut answer, version);
    }
    if era < Era::Of2025 {
        before(&mut answer, version, era);
    }
    // Lists did not say of what (measured in 2021, and with 2021-08-16 in February 2022).
    if (era == Era::Of2021 || is_early(version, era))
        && answer["object"] == "list"
        && let Some(list) = answer.as_object_mut()
        && let Some(Value::String(kind)) = list.shift_remove("type")
    {
        list.shift_remove(&kind);
    }
    answer
}

/// Whether blocks had no colour yet, and could not be folded.
fn is_early(version: Version, era: Era) -> bool {
    era <= Era::Of2022 && version < Version::V2022_02_22
}

/// Takes away what came later.
fn before(value: &mut Value, version: Version, era: Era) {
    match value {
        Value::Array(all) => all.iter_mut().for_each(|one| before(one, version, era)),
        Value::Object(members) => {
            let kind = members.get("object").and_then(Value::as_str).unwrap_or_default().to_owned();
            for member in later(&kind, era) {
                members.shift_remove(*member);
            }
            let inner = members.get("type").and_then(Value::as_str).unwrap_or_default().to_owned();
            let inner = members.get_mut(&inner).and_then(Value::as_object_mut);
            match (kind.as_str(), inner) {
                ("block", Some(body)) if is_early(version, era) => {
                    body.retain(|key, _| key != "color" && key != "is_toggleable");
                }
                ("user", Some(bot)) => {
                    bot.retain(|key, _| key != "workspace_id" && key != "workspace_limits");
                }
                _ => {}
            }
            if kind == "database"
                && era < Era::Of2024
                && let Some(Value::Object(properties)) = members.get_mut("properties")
            {
                for schema in properties.values_mut().filter_map(Value::as_object_mut) {
                    schema.shift_remove("description");
                    let options = schema.values_mut().filter_map(|kind| kind.get_mut("options"));
                    let options = options.filter_map(Value::as_array_mut).flatten();
                    for option in options.filter_map(Value::as_object_mut) {
                        option.shift_remove("description");
                    }
                }
            }
            members.values_mut().for_each(|one| before(one, version, era));
        }
        _ => {}
    }
}

/// Members of an object that were not there at the time.
fn later(kind: &str, era: Era) -> &'static [&'static str] {
    match (kind, era < Era::Of2024) {
        ("database", true) if era == Era::Of2021 => &[
            "created_by",
            "last_edited_by",
            "description",
            "is_inline",
            "archived",
            "in_trash",
            "public_url",
        ],
        ("page" | "database" | "data_source", true) => &["in_trash", "public_url", "is_locked"],
        ("page" | "database" | "data_source", false) => &["is_locked"],
        ("block", true) => &["in_trash"],
        ("comment", _) => &["display_name"],
        _ => &[],
    }
}

fn walk(value: &mut Value, version: Version) {
    match value {
        Value::Array(all) => all.iter_mut().for_each(|one| walk(one, version)),
        Value::Object(members) => {
            match members.get("object").and_then(Value::as_str) {
                Some("block") => block(members, version),
                Some("comment") if version < Version::V2022_02_22 => {
                    rename(members, "rich_text", "text");
                }
                Some("page") if version < Version::V2021_08_16 => {
                    if let Some(Value::Object(values)) = members.get_mut("properties") {
                        values.retain(|_, value| !is_empty(value));
                    }
                }
                _ => {}
            }
            if let Some(Value::Object(properties)) = members.get_mut("properties") {
                properties.values_mut().for_each(|one| property(one, version));
            }
            members.values_mut().for_each(|one| walk(one, version));
        }
        _ => {}
    }
}

/// Blocks did not say where they hang, and their text was `text`.
fn block(members: &mut Map<String, Value>, version: Version) {
    members.shift_remove("parent");
    let kind = members.get("type").and_then(Value::as_str).unwrap_or_default().to_owned();
    if version < Version::V2022_02_22
        && let Some(Value::Object(body)) = members.get_mut(&kind)
    {
        rename(body, "rich_text", "text");
    }
}

/// A property's value or schema.
fn property(value: &mut Value, version: Version) {
    let Some(members) = value.as_object_mut() else { return };
    if let Some(Value::Object(relation)) = members.get_mut("relation") {
        // There were no one-way relations to tell apart.
        relation.shift_remove("type");
        relation.shift_remove("data_source_id");
        relation.shift_remove("single_property");
        if let Some(Value::Object(synced)) = relation.shift_remove("dual_property") {
            relation.extend(synced);
        }
    }
    if version < Version::V2021_08_16 {
        if let Some(Value::String(id)) = members.get_mut("id") {
            *id = decode(id);
        }
        let array = members.get_mut("rollup").and_then(|rollup| rollup.get_mut("array"));
        for element in array.and_then(Value::as_array_mut).into_iter().flatten() {
            for (new, old) in [("files", "file"), ("rich_text", "text"), ("people", "person")] {
                if element["type"] == new
                    && let Some(element) = element.as_object_mut()
                {
                    element["type"] = old.into();
                    rename(element, new, old);
                }
            }
        }
    }
    if version < Version::V2021_05_13 && members.get("type") == Some(&json!("rich_text")) {
        members["type"] = "text".into();
        rename(members, "rich_text", "text");
    }
}

/// Values that were left out where they were empty.
fn is_empty(value: &Value) -> bool {
    let kinds = ["number", "email", "select", "date", "rollup"];
    kinds.iter().any(|kind| value["type"] == **kind && value[*kind].is_null())
}

/// Gives a member another name in its place.
fn rename(members: &mut Map<String, Value>, from: &str, to: &str) {
    if members.contains_key(from) {
        let all = std::mem::take(members);
        let renamed = |key: String| if key == from { to.to_owned() } else { key };
        members.extend(all.into_iter().map(|(key, value)| (renamed(key), value)));
    }
}

/// A request in the words of 2022-06-28.
pub(crate) fn understood(body: &mut Value, version: Version) {
    if version >= Version::V2022_06_28 {
        return;
    }
    for value in body["properties"].as_object_mut().into_iter().flat_map(Map::values_mut) {
        let Some(members) = value.as_object_mut() else { continue };
        if version < Version::V2021_05_13 {
            rename(members, "text", "rich_text");
            if members.get("type") == Some(&json!("text")) {
                members["type"] = "rich_text".into();
            }
        }
        if let Some(Value::Object(relation)) = members.get_mut("relation")
            && relation.contains_key("database_id")
            && !relation.contains_key("single_property")
            && !relation.contains_key("dual_property")
        {
            // Every relation had two ends.
            relation.insert("dual_property".to_owned(), json!({}));
        }
    }
}
