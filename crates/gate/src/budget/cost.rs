//! What a call costs in Notion's terms: blocks that it writes, what it destroys, pages that it shows.
//!
//! Counted before the call is made, from its body. Where the body does not tell, the count is an upper
//! bound.

use notion::catalogue::{Answer, Match};
use notion::{Effect, Id, Kind};
use serde::Deserialize;
use serde_json::Value;

/// As many blocks as Notion writes for one request; for what nobody can count beforehand.
const BLOCKS_MAX: u64 = 1000;
/// A meeting note has a summary, notes and a transcript below it.
const MEETING_NOTE: u64 = 4;

/// What a call costs.
#[derive(Debug, Default, Eq, PartialEq)]
pub(crate) struct Cost {
    /// Blocks that it writes.
    pub(crate) blocks: u64,
    /// Things that it destroys.
    pub(crate) deletions: u64,
    /// Pages that it shows, as far as the call names them.
    pub(crate) pages: Vec<Id>,
}

impl Cost {
    /// Adds what another call costs.
    pub(crate) fn add(&mut self, other: Self) {
        self.blocks += other.blocks;
        self.deletions += other.deletions;
        self.pages.extend(other.pages);
    }

    /// Of a call with this body.
    pub(crate) fn of(found: &Match, effect: Effect, body: Option<&Value>) -> Self {
        let nothing = Value::Null;
        let body = body.unwrap_or(&nothing);
        let deletions = match effect {
            Effect::Destroy => dropped_columns(body).max(1),
            Effect::Read | Effect::Write => 0,
        };
        let ids = found.path_ids().unwrap_or_default();
        // A page is asked for as a block, too, and nothing tells which it is: what is read below a block
        // counts like a page.
        let shows = |kind| kind == Kind::Page || (kind == Kind::Block && effect == Effect::Read);
        let pages = ids.iter().filter(|(kind, _)| shows(*kind)).map(|(_, id)| *id);
        Self { blocks: blocks(found.operation.name, body), deletions, pages: pages.collect() }
    }
}

fn blocks(operation: &str, body: &Value) -> u64 {
    let template = body.get("template").is_some_and(|template| !template.is_null());
    let of_template = if template { BLOCKS_MAX } else { 0 };
    match operation {
        // A page is a block, too; so is a table.
        "post-page" => 1 + children(body) + text(body.get("markdown")) + of_template,
        "patch-page" => of_template,
        "patch-block-children" => children(body),
        "update-a-block" => 1 + children(body),
        "update-page-markdown" => of_edit(body),
        "create-database" | "create-a-data-source" | "create-view" => 1,
        "create-meeting-notes" => MEETING_NOTE,
        _ => 0,
    }
}

/// All blocks under `children` (or `content`, as Notion also calls them), nested ones too.
fn children(value: &Value) -> u64 {
    match value {
        Value::Object(members) => {
            let own = |name: &str, member: &Value| match member {
                Value::Array(elements) if matches!(name, "children" | "content") => elements.len(),
                _ => 0,
            };
            members.iter().map(|(name, it)| own(name, it) as u64 + children(it)).sum()
        }
        Value::Array(elements) => elements.iter().map(children).sum(),
        _ => 0,
    }
}

/// The columns of a schema that are set to nothing.
fn dropped_columns(body: &Value) -> u64 {
    let columns = body.get("properties").and_then(Value::as_object);
    columns.map_or(0, |columns| columns.values().filter(|it| it.is_null()).count() as u64)
}

/// What an edit in markdown may write: every new text, wherever it stands in the body. One that takes
/// the place of all that matches may come any number of times.
fn of_edit(value: &Value) -> u64 {
    match value {
        Value::Object(members) => {
            let repeats = members.get("replace_all_matches").is_some_and(|it| *it != false);
            let texts = members.iter().map(|(name, member)| match (name.as_str(), member) {
                ("new_str" | "content", Value::String(_)) if repeats => BLOCKS_MAX,
                ("new_str" | "content", Value::String(_)) => text(Some(member)),
                _ => of_edit(member),
            });
            texts.sum()
        }
        Value::Array(elements) => elements.iter().map(of_edit).sum(),
        _ => 0,
    }
}

/// No more blocks can come of a text in markdown: one for each line that is not empty, for each further
/// mark at its beginning, and for each tag.
fn text(markdown: Option<&Value>) -> u64 {
    let Some(Value::String(text)) = markdown else { return 0 };
    let breaks = ['\n', '\r', '\u{b}', '\u{c}', '\u{85}', '\u{2028}', '\u{2029}'];
    let lines = text.split(breaks).filter(|line| !line.trim().is_empty());
    let bound = lines.map(|line| marks(line).max(1) + line.matches('<').count() as u64);
    bound.sum()
}

/// The marks at the beginning of a line: `> - 1. ` are three.
fn marks(line: &str) -> u64 {
    let mut marks = 0;
    let mut rest = line.trim_start();
    loop {
        let digits = rest.trim_start_matches(|c: char| c.is_ascii_alphanumeric());
        rest = match rest.chars().next() {
            Some('>' | '-' | '*' | '+' | '#') => rest[1..].trim_start(),
            Some(c) if c.is_ascii_alphanumeric() && digits.starts_with(['.', ')']) => {
                digits[1..].trim_start()
            }
            _ => return marks,
        };
        marks += 1;
    }
}

/// The pages that an answer shows in a list; those that the call names are in its [`Cost`].
pub(crate) fn pages_in(found: &Match, answer: &[u8]) -> Option<Vec<Id>> {
    #[derive(Deserialize)]
    struct List {
        results: Vec<Listed>,
    }
    #[derive(Deserialize)]
    struct Listed {
        object: Option<String>,
        id: Option<Id>,
    }
    let blocks_count = found.operation.name == "query-meeting-notes";
    match found.operation.answer {
        Answer::Rows | Answer::List(Kind::Page) => {}
        Answer::List(Kind::Block) if blocks_count => {}
        _ => return Some(Vec::new()),
    }
    let list: List = serde_json::from_slice(answer).ok()?;
    let counts = |it: &Listed| blocks_count || it.object.as_deref() == Some("page");
    // What has no id cannot be counted, and so is not shown.
    list.results.into_iter().filter(counts).map(|it| it.id).collect()
}

#[cfg(test)]
mod tests {
    use http::Method;
    use notion::catalogue::find;
    use serde_json::json;

    use super::*;

    const A: &str = "00000000-0000-4000-8000-00000000000a";

    fn cost(method: Method, path: &str, body: &Value) -> Cost {
        let found = find(&method, path).unwrap();
        let effect = found.operation.effect_of(Some(body));
        Cost::of(&found, effect, Some(body))
    }

    #[test]
    fn blocks_are_counted_with_those_below_them() {
        let bullet =
            |below: Value| json!({"bulleted_list_item": {"rich_text": [], "children": below}});
        let body = json!({"children": [bullet(json!([bullet(json!([])), {}])), {"divider": {}}]});
        let append = cost(Method::PATCH, &format!("/v1/blocks/{A}/children"), &body);
        assert_eq!((append.blocks, append.deletions, append.pages.len()), (4, 0, 0));
        let create = |body| cost(Method::POST, "/v1/pages", &body).blocks;
        assert_eq!(create(body), 5);
        assert_eq!(create(json!({"content": [{}, {}]})), 3);
        assert_eq!(create(json!({"markdown": "# A\n\n- b\n- c"})), 4);
        assert_eq!(create(json!({"template": {"type": "default"}})), 1 + BLOCKS_MAX);
        assert_eq!(create(json!({"template": null})), 1);
        let text = json!({"rich_text": [{"text": {"content": "children"}}]});
        let update = cost(Method::PATCH, &format!("/v1/blocks/{A}"), &json!({"paragraph": text}));
        assert_eq!(update.blocks, 1);
    }

    #[test]
    fn markdown_is_never_counted_too_low() {
        for (markdown, blocks) in [
            ("", 0),
            ("one paragraph\nand its second line", 2),
            ("- a\n  - b\n\t- c", 3),
            ("> - 1. three", 3),
            ("a. list) no", 2),
            ("<columns><column>a</column><column>b</column></columns>", 7),
            ("a\r\nb\u{2028}c", 3),
            ("***", 3),
        ] {
            assert_eq!(text(Some(&markdown.into())), blocks, "{markdown:?}");
        }
        let edit = |body| cost(Method::PATCH, &format!("/v1/pages/{A}/markdown"), &body);
        let replaced =
            edit(json!({"type": "replace_content", "replace_content": {"new_str": "a\nb"}}));
        assert_eq!((replaced.blocks, replaced.pages.len()), (2, 1));
        let updates =
            json!([{"old_str": "x\ny\nz", "new_str": "a"}, {"old_str": "x", "new_str": "b\nc"}]);
        let updated =
            edit(json!({"type": "update_content", "update_content": {"content_updates": updates}}));
        assert_eq!(updated.blocks, 3);
        let all = json!([{"old_str": "x", "new_str": "a\nb", "replace_all_matches": true}]);
        let updated = edit(json!({"update_content": {"content_updates": all}}));
        assert_eq!(updated.blocks, BLOCKS_MAX);
        assert_eq!(edit(json!({"insert_content": {"content": "a\nb\nc"}})).blocks, 3);
    }

    #[test]
    fn what_is_destroyed_is_counted_column_by_column() {
        let path = format!("/v1/data_sources/{A}");
        let drop =
            cost(Method::PATCH, &path, &json!({"properties": {"A": null, "B": null, "C": {}}}));
        assert_eq!(drop.deletions, 2);
        let trash = cost(Method::PATCH, &format!("/v1/pages/{A}"), &json!({"in_trash": true}));
        assert_eq!((trash.deletions, trash.blocks), (1, 0));
        let update = cost(Method::PATCH, &format!("/v1/pages/{A}"), &json!({"in_trash": false}));
        assert_eq!((update.deletions, update.pages.len()), (0, 1));
    }

    #[test]
    fn rows_are_pages_and_other_things_are_not() {
        let query = find(&Method::POST, "/v1/search").unwrap();
        let rows =
            json!({"results": [{"object": "page", "id": A}, {"object": "database", "id": A}]});
        assert_eq!(pages_in(&query, rows.to_string().as_bytes()).unwrap().len(), 1);
        assert_eq!(pages_in(&query, br#"{"results":[{"object":"page","id":"x"}]}"#), None);
        let users = find(&Method::GET, "/v1/users").unwrap();
        assert_eq!(pages_in(&users, b"{}"), Some(Vec::new()));
        let blocks = find(&Method::GET, &format!("/v1/blocks/{A}/children")).unwrap();
        let read = Cost::of(&blocks, Effect::Read, None);
        assert_eq!((read.pages.len(), read.blocks), (1, 0));
    }
}
