//! Arguments as they were meant: some clients wrap an object, a list or a number into a string, once or
//! several times over. Where the schema wants no text, a text that is JSON of what the schema wants is
//! taken for that. Everything else stays as it is, whatever it looks like: text is text.

use serde_json::Value;

use super::shapes;

/// How often a value can have been wrapped.
const LAYERS_MAX: usize = 3;

/// The value as `schema` wants it, as far as it can be told.
pub(super) fn repair(schema: &Value, value: Value) -> Value {
    match unwrapped(schema, value) {
        Value::Object(members) => {
            let mend = |(name, value): (String, Value)| {
                let value = match member(schema, &name) {
                    Some(schema) => repair(schema, value),
                    None => value,
                };
                (name, value)
            };
            Value::Object(members.into_iter().map(mend).collect())
        }
        Value::Array(elements) => match keyword(schema, "items") {
            Some(items) => elements.into_iter().map(|element| repair(items, element)).collect(),
            None => Value::Array(elements),
        },
        other => other,
    }
}

/// What is in a text, if the schema wants that and no text.
fn unwrapped(schema: &Value, value: Value) -> Value {
    let Value::String(whole) = &value else { return value };
    let Some(wanted) = schema.get("type") else { return value };
    if wants(wanted, "string") {
        return value;
    }
    let mut text = whole.clone();
    for _ in 0..LAYERS_MAX {
        match serde_json::from_str(text.trim()) {
            Ok(Value::String(inner)) => text = inner,
            Ok(inner) if fits(wanted, &inner) => return inner,
            Ok(_) | Err(_) => break,
        }
    }
    value
}

fn fits(wanted: &Value, value: &Value) -> bool {
    match value {
        Value::Null => wants(wanted, "null"),
        Value::Bool(_) => wants(wanted, "boolean"),
        Value::Number(number) => {
            wants(wanted, "number") || (wants(wanted, "integer") && !number.is_f64())
        }
        Value::String(_) => wants(wanted, "string"),
        Value::Array(_) => wants(wanted, "array"),
        Value::Object(_) => wants(wanted, "object"),
    }
}

/// Whether `type` names a type, alone or among others.
fn wants(wanted: &Value, name: &str) -> bool {
    match wanted {
        Value::Array(names) => names.iter().any(|it| it == name),
        one => one == name,
    }
}

/// The schema of a member of an object.
fn member<'a>(schema: &'a Value, name: &str) -> Option<&'a Value> {
    let known = keyword(schema, "properties").and_then(|all| all.get(name));
    known.or_else(|| keyword(schema, "additionalProperties"))
}

/// A keyword of a schema, or of the shape that it refers to.
fn keyword<'a>(schema: &'a Value, name: &str) -> Option<&'a Value> {
    schema.get(name).or_else(|| shapes::named(schema.get("$ref")?.as_str()?)?.get(name))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::table::TABLE;
    use super::*;

    fn mended(tool: &str, given: Value) -> Value {
        let row = TABLE.iter().find(|row| row.name == format!("API-{tool}")).unwrap();
        repair(&json!({ "properties": (row.arguments)() }), given)
    }

    fn wrapped(value: &Value, layers: usize) -> Value {
        (0..layers).fold(value.clone(), |value, _| Value::String(value.to_string()))
    }

    #[test]
    fn f135_what_was_wrapped_is_unwrapped_where_the_schema_wants_no_text() {
        let parent = json!({"page_id": "p"});
        let text = json!([{"text": {"content": "{\"a\": 1}"}}]);
        let block = json!({"type": "paragraph", "paragraph": {"rich_text": text}});
        let cases = [
            // objects and lists, once, twice and three times over
            ("post-page", "parent", wrapped(&parent, 1), parent.clone()),
            ("post-page", "parent", wrapped(&parent, 2), parent.clone()),
            ("post-page", "parent", wrapped(&parent, 3), parent.clone()),
            ("post-page", "parent", json!(" {\"page_id\": \"p\"}\n"), parent.clone()),
            ("patch-block-children", "children", wrapped(&json!([block]), 1), json!([block])),
            // an element, a member of an element, and both
            ("patch-block-children", "children", json!([wrapped(&block, 1)]), json!([block])),
            (
                "patch-block-children",
                "children",
                json!([{"type": "paragraph", "paragraph": wrapped(&block["paragraph"], 2)}]),
                json!([block]),
            ),
            (
                "patch-block-children",
                "children",
                json!([{"toggle": {"rich_text": wrapped(&text, 1), "children": [wrapped(&block, 1)]}}]),
                json!([{"toggle": {"rich_text": text, "children": [block]}}]),
            ),
            // values of properties, whatever the property is called
            (
                "patch-page",
                "properties",
                wrapped(&json!({"paragraph": {"number": "5"}, "B": {"checkbox": "true"}}), 1),
                json!({"paragraph": {"number": 5}, "B": {"checkbox": true}}),
            ),
            (
                "post-page",
                "properties",
                json!({"title": wrapped(&text, 1), "S": "{\"select\": \"{\\\"name\\\": \\\"x\\\"}\"}"}),
                json!({"title": text, "S": {"select": {"name": "x"}}}),
            ),
            // numbers, booleans, null
            ("post-search", "page_size", json!("10"), json!(10)),
            ("get-users", "page_size", json!("\"10\""), json!(10)),
            ("patch-page", "in_trash", json!("false"), json!(false)),
            ("retrieve-page-markdown", "include_transcript", json!("true"), json!(true)),
            ("patch-page", "icon", json!("null"), Value::Null),
            ("update-a-data-source", "properties", json!({"A": "null"}), json!({"A": null})),
            ("query-data-source", "filter_properties", json!("[\"a\"]"), json!(["a"])),
            (
                "query-data-source",
                "filter",
                json!(
                    "{\"and\": [\"{\\\"property\\\": \\\"Done\\\", \\\"checkbox\\\": {\\\"equals\\\": \\\"true\\\"}}\"]}"
                ),
                json!({"and": [{"property": "Done", "checkbox": {"equals": true}}]}),
            ),
            ("update-a-block", "to_do", json!("{\"checked\": \"true\"}"), json!({"checked": true})),
        ];
        for (tool, name, given, expected) in cases {
            let shown = given.to_string();
            assert_eq!(
                mended(tool, json!({name: given})),
                json!({name: expected}),
                "{tool} {shown}"
            );
        }
    }

    #[test]
    fn f135_everything_else_stays_as_it_is() {
        let json_text = "{\"name\": \"x\"}";
        let too_deep = wrapped(&json!({"page_id": "p"}), 4);
        let cases = [
            // text is wanted: text that looks like JSON stays text
            ("post-search", json!({"query": json_text})),
            ("post-search", json!({"query": "10", "start_cursor": "[1]"})),
            ("post-page", json!({"markdown": "[\"a\"]"})),
            (
                "create-a-comment",
                json!({"rich_text": [{"text": {"content": json_text}}], "markdown": "true"}),
            ),
            (
                "patch-block-children",
                json!({"children": [{"code": {"language": "json", "rich_text": [{"text": {"content": json_text}}]}}]}),
            ),
            ("patch-page", json!({"properties": {"A": {"url": json_text}, "B": {"email": "1"}}})),
            (
                "update-page-markdown",
                json!({"replace_content": {"new_str": json_text}, "update_content": {"content_updates": [{"old_str": "1", "new_str": "[]"}]}}),
            ),
            (
                "query-data-source",
                json!({"filter": {"property": "A", "rich_text": {"equals": "true"}, "select": {"equals": "1"}}}),
            ),
            ("get-user", json!({"user_id": "123"})),
            // not what is wanted
            ("post-search", json!({"page_size": "ten", "filter": "[1]", "sort": "7"})),
            ("post-search", json!({"page_size": "1.5"})),
            ("post-search", json!({"page_size": "[10]"})),
            ("post-page", json!({"parent": "p", "children": json_text, "icon": "🧪"})),
            ("post-page", json!({"parent": too_deep})),
            ("post-page", json!({"parent": "{\"page_id\": \"p\""})),
            ("patch-page", json!({"in_trash": "yes", "properties": {"A": "Done"}})),
            // what the schema does not know
            ("post-page", json!({"unheard_of": json_text})),
        ];
        for (tool, given) in cases {
            assert_eq!(mended(tool, given.clone()), given, "{tool}");
        }
    }

    proptest::proptest! {
        #[test]
        fn f135_a_text_where_text_is_wanted_is_never_touched(text in "\\PC{0,60}") {
            let given = json!({"query": text, "start_cursor": text});
            proptest::prop_assert_eq!(mended("post-search", given.clone()), given);
            let given = json!({"properties": {"N": {"title": [{"text": {"content": text}}]}}});
            proptest::prop_assert_eq!(mended("patch-page", given.clone()), given);
        }
    }
}
