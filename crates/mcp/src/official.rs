//! The tools of the official server (`@notionhq/notion-mcp-server`), by name and with the same meaning:
//! one tool for one operation of Notion, answers as Notion gives them.
//!
//! `table.rs` has a row for each tool; `repair.rs` mends what clients wrap into strings, by the schema and
//! never otherwise. A body takes whatever Notion takes: what a schema does not list goes along unread.

mod repair;
mod shapes;
mod table;

use async_trait::async_trait;
use notion::catalogue::Verb;
use notion::{Effect, Operation, Version};
use percent_encoding::percent_decode_str;
use serde_json::{Map, Value, json};

use self::repair::repair;
use self::table::{Row, TABLE};
use crate::answer::as_notion_says;
use crate::caller::{Ask, Caller};
use crate::tool::{Arguments, Hints, Outcome, Run, Tool};
use model::ToolSet;

/// The tools, in the official server's order.
pub(crate) fn tools() -> Vec<Tool> {
    TABLE.iter().map(tool).collect()
}

fn tool(row: &'static Row) -> Tool {
    let arguments = (row.arguments)();
    let mut input = json!({ "type": "object", "properties": shapes::shown(&arguments) });
    if !row.required.is_empty() {
        input["required"] = json!(row.required);
    }
    if arguments.as_object().is_none_or(Map::is_empty) {
        input["additionalProperties"] = json!(false);
    }
    Tool {
        set: ToolSet::Official,
        name: row.name,
        title: row.title,
        description: row.description.to_owned(),
        input,
        operations: row.operations,
        hints: hints(row),
        run: Box::new(OneCall { row, arguments: json!({ "properties": arguments }) }),
    }
}

impl Row {
    /// The operation that the tool is.
    fn operation(&self) -> Option<&'static Operation> {
        self.operations.first().and_then(|name| Operation::named(name))
    }

    /// Markdown as the newest version has it; everything else as the one that clients know.
    fn version(&self) -> Version {
        match self.operations {
            ["retrieve-page-markdown" | "update-page-markdown"] => Version::V2026_03_11,
            _ => Version::V2025_09_03,
        }
    }
}

fn hints(row: &Row) -> Hints {
    let operation = row.operation();
    let effect = operation.map_or(Effect::Destroy, |operation| {
        // What can trash, erase or drop something may do so.
        if operation.triggers.is_empty() { operation.effect } else { Effect::Destroy }
    });
    Hints { effect, idempotent: row.idempotent || effect == Effect::Read }
}

/// A tool that is one call of one operation.
struct OneCall {
    row: &'static Row,
    arguments: Value,
}

#[async_trait]
impl Run for OneCall {
    async fn run(&self, caller: &Caller<'_>, arguments: Arguments) -> Outcome {
        let Some(operation) = self.row.operation() else {
            return Outcome::error("This tool has no operation of Notion.");
        };
        let given = repair(&self.arguments, Value::Object(arguments.0));
        let Value::Object(given) = given else {
            return Outcome::error("The arguments must be an object.");
        };
        match ask(self.row, operation, given) {
            Ok(ask) => as_notion_says(caller.relay(ask).await),
            Err(missing) => Outcome::error(format!(
                "`{missing}` is missing: `{}` takes it as a text.",
                self.row.name
            )),
        }
    }
}

/// Puts each argument where it belongs: into the path, the query, or, of what has a body, the body.
/// An error is the name of a path parameter that is not there.
fn ask(
    row: &Row,
    operation: &'static Operation,
    given: Map<String, Value>,
) -> Result<Ask<'static>, &'static str> {
    let has_body = matches!(operation.verb, Verb::Post | Verb::Patch);
    let (mut body, mut query) = (Map::new(), Vec::new());
    let mut given = given;
    let mut path = Vec::new();
    for name in parameters(operation.path) {
        let value = given.shift_remove(name).as_ref().and_then(plain);
        let value = value.filter(|value| !value.trim().is_empty()).ok_or(name)?;
        // The ids of properties are shown encoded, and mean the same either way.
        let decoded = percent_decode_str(value.trim()).decode_utf8_lossy().into_owned();
        path.push((name, decoded));
    }
    for (name, value) in given {
        match row.query.iter().find(|known| **known == name) {
            Some(name) => put(&mut query, name, &value),
            None if has_body => drop(body.insert(name, value)),
            // Notion has no other parameters.
            None => {}
        }
    }
    Ok(Ask {
        operation: operation.name,
        path,
        query,
        body: has_body.then_some(Value::Object(body)),
        version: Some(row.version()),
    })
}

/// The names of the parameters of a path template.
fn parameters(template: &'static str) -> impl Iterator<Item = &'static str> {
    template.split('/').filter_map(|part| part.strip_prefix('{')?.strip_suffix('}'))
}

/// A list stands in a query element by element.
fn put(query: &mut Vec<(&'static str, String)>, name: &'static str, value: &Value) {
    let elements = match value {
        Value::Array(elements) => elements.as_slice(),
        one => std::slice::from_ref(one),
    };
    query.extend(elements.iter().filter_map(plain).map(|text| (name, text)));
}

/// A value as a path or query has it; nothing for `null`.
fn plain(value: &Value) -> Option<String> {
    match value {
        Value::Null => None,
        Value::String(text) => Some(text.clone()),
        other => Some(other.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    /// The official server's `tools/list` (2.5.2), in its order.
    const GOLDEN: [&str; 24] = [
        "API-get-user",
        "API-get-users",
        "API-get-self",
        "API-post-search",
        "API-get-block-children",
        "API-patch-block-children",
        "API-retrieve-a-block",
        "API-update-a-block",
        "API-delete-a-block",
        "API-retrieve-a-page",
        "API-patch-page",
        "API-post-page",
        "API-retrieve-a-page-property",
        "API-retrieve-a-comment",
        "API-create-a-comment",
        "API-query-data-source",
        "API-retrieve-a-data-source",
        "API-update-a-data-source",
        "API-create-a-data-source",
        "API-list-data-source-templates",
        "API-retrieve-a-database",
        "API-move-page",
        "API-retrieve-page-markdown",
        "API-update-page-markdown",
    ];

    fn listed() -> BTreeMap<String, Value> {
        let shown = tools()
            .into_iter()
            .map(|tool| (tool.name.to_owned(), serde_json::to_value(tool.listed()).unwrap()));
        shown.collect()
    }

    #[test]
    fn f133_all_names_of_the_official_server_are_there() {
        let names: Vec<_> = tools().iter().map(|tool| tool.name).collect();
        assert_eq!(names, GOLDEN);
        for row in TABLE {
            assert_eq!(row.name.strip_prefix("API-"), row.operations.first().copied());
            assert_eq!(row.operations.len(), 1, "{}", row.name);
            assert!(row.operation().is_some(), "{}", row.name);
        }
    }

    #[test]
    fn f133_four_hints_are_said_and_right() {
        let read_only = [
            "API-get-user",
            "API-get-users",
            "API-get-self",
            "API-post-search",
            "API-get-block-children",
            "API-retrieve-a-block",
            "API-retrieve-a-page",
            "API-retrieve-a-page-property",
            "API-retrieve-a-comment",
            "API-query-data-source",
            "API-retrieve-a-data-source",
            "API-list-data-source-templates",
            "API-retrieve-a-database",
            "API-retrieve-page-markdown",
        ];
        let destructive = [
            "API-update-a-block",
            "API-delete-a-block",
            "API-patch-page",
            "API-update-a-data-source",
            "API-update-page-markdown",
        ];
        for (name, tool) in listed() {
            let hint = |of: &str| tool["annotations"][of].as_bool().expect("said");
            assert_eq!(hint("readOnlyHint"), read_only.contains(&name.as_str()), "{name}");
            assert_eq!(hint("destructiveHint"), destructive.contains(&name.as_str()), "{name}");
            assert!(hint("openWorldHint"), "{name}");
            assert!(hint("idempotentHint") || !read_only.contains(&name.as_str()), "{name}");
        }
    }

    #[test]
    fn f132_headers_are_no_arguments_and_paths_are_required() {
        for (row, tool) in TABLE.iter().zip(tools()) {
            let text = tool.input.to_string().to_lowercase();
            assert!(!text.contains("version") && !text.contains("authorization"), "{}", row.name);
            assert!(!text.contains("$ref") && !text.contains("$defs"), "{}", row.name);
            let properties = tool.input["properties"].as_object().unwrap();
            let operation = row.operation().unwrap();
            for name in parameters(operation.path) {
                assert!(properties.contains_key(name), "{}: {name}", row.name);
                assert!(row.required.contains(&name), "{}: {name}", row.name);
            }
            for name in row.required.iter().chain(row.query) {
                assert!(properties.contains_key(*name), "{}: {name}", row.name);
            }
        }
    }

    /// The list costs every conversation so much. Measured in o200k tokens by `cargo xtask bench mcp`;
    /// here by bytes, of which a token of such text has more than three.
    #[test]
    fn the_list_is_small() {
        let all: Vec<_> = tools().iter().map(Tool::listed).collect();
        let bytes = serde_json::to_string(&all).unwrap().len();
        assert!(bytes < 6_000 * 3, "{bytes}");
    }

    #[test]
    fn f129_markdown_goes_out_with_the_newest_version() {
        for row in TABLE {
            let expected =
                if row.name.ends_with("-markdown") { "2026-03-11" } else { "2025-09-03" };
            assert_eq!(row.version().as_str(), expected, "{}", row.name);
        }
    }

    /// Path, query and body.
    type Asked = (Vec<(&'static str, String)>, String, Value);

    fn asked(name: &str, given: Value) -> Result<Asked, &'static str> {
        let row = TABLE.iter().find(|row| row.name == name).unwrap();
        let Value::Object(given) = given else { panic!("no object") };
        let Ask { path, query, body, .. } = ask(row, row.operation().unwrap(), given)?;
        let query: Vec<_> = query.iter().map(|(name, value)| format!("{name}={value}")).collect();
        Ok((path, query.join("&"), body.unwrap_or_default()))
    }

    #[test]
    fn arguments_go_where_they_belong() {
        let answer = asked(
            "API-query-data-source",
            json!({"data_source_id": "d", "filter_properties": ["a", "b"], "page_size": 3, "new": {}}),
        );
        let path = vec![("data_source_id", "d".to_owned())];
        let body = json!({"page_size": 3, "new": {}});
        assert_eq!(answer, Ok((path, "filter_properties=a&filter_properties=b".to_owned(), body)));

        let answer = asked(
            "API-get-block-children",
            json!({"block_id": "b", "page_size": 2, "start_cursor": null, "strange": 1}),
        );
        let path = vec![("block_id", "b".to_owned())];
        assert_eq!(answer, Ok((path, "page_size=2".to_owned(), Value::Null)));

        let answer = asked(
            "API-retrieve-page-markdown",
            json!({"page_id": "p", "include_transcript": true}),
        );
        assert_eq!(answer.unwrap().1, "include_transcript=true");
        assert_eq!(asked("API-get-user", json!({})), Err("user_id"));
        assert_eq!(asked("API-get-user", json!({"user_id": " "})), Err("user_id"));
        assert_eq!(asked("API-post-search", json!({})), Ok((vec![], String::new(), json!({}))));
    }

    #[test]
    fn f127_the_guide_says_how_to_deploy_passthrough() {
        let guide = include_str!("../../../docs/mcp-official.md");
        assert!(guide.contains("## Token passthrough"));
        for advice in
            ["**Deploy it over TLS.**", "**Keep authentication on**", "NOTEGATE_REQUIRE_TLS"]
        {
            assert!(guide.contains(advice), "{advice}");
        }
    }

    #[test]
    fn the_list_as_clients_get_it() {
        let all: Vec<_> = tools().iter().map(Tool::listed).collect();
        insta::assert_json_snapshot!("official_tools", all);
    }
}
