//! The same list over MCP: the official tools and those for agents say of what is outside what they say of what
//! does not exist, to the byte.

use notion::Id;
use serde_json::{Value, json};
use testkit::Reply;

use super::{NOWHERE, Probe, SECRET, text, titled};

/// A version of the protocol from each era.
const ERAS: [&str; 2] = ["2026-07-28", "2025-11-25"];

impl Probe {
    async fn tool(&self, era: &str, name: &str, arguments: &Value) -> Reply {
        let method = if name == "resources/read" { name } else { "tools/call" };
        let mut params = match method {
            "tools/call" => json!({ "name": name, "arguments": arguments }),
            _ => arguments.clone(),
        };
        let bearer = format!("Bearer {}", self.key);
        let mut headers = vec![
            ("authorization", bearer.as_str()),
            ("content-type", "application/json"),
            ("accept", "application/json, text/event-stream"),
            ("mcp-protocol-version", era),
        ];
        let named = params["name"].as_str().or(params["uri"].as_str()).map(str::to_owned);
        if era == ERAS[0] {
            headers.push(("mcp-method", method));
            headers.extend(named.as_deref().map(|name| ("mcp-name", name)));
            params["_meta"] = json!({
                "io.modelcontextprotocol/protocolVersion": era,
                "io.modelcontextprotocol/clientCapabilities": {},
            });
        }
        let body = json!({ "jsonrpc": "2.0", "id": 1, "method": method, "params": params });
        self.kit.raw("POST", "/mcp/all", &headers, Some(body.to_string())).await
    }

    /// Asks a tool for `there` and for what is nowhere, by id and by address: the answers are the same, and
    /// an error.
    async fn tool_gone(&self, name: &str, there: Id, arguments: impl Fn(&str) -> Value) {
        self.tool_says(&["ould not find", "not find"], name, there, arguments).await;
    }

    /// The same, and the error says one of these.
    async fn tool_says(
        &self,
        words: &[&str],
        name: &str,
        there: Id,
        arguments: impl Fn(&str) -> Value,
    ) {
        for (era, form) in ERAS.iter().flat_map(|era| [0, 1, 2].map(|form| (era, form))) {
            let [there, nowhere] = [there.to_string(), NOWHERE.to_owned()].map(|id| match form {
                0 => id,
                1 => id.replace('-', ""),
                _ => format!("https://www.notion.so/{}", id.replace('-', "")),
            });
            // Ids of Notion's own tools are ids.
            if form == 2 && name.starts_with("API-") {
                continue;
            }
            let ours = self.tool(era, name, &arguments(&there)).await;
            let theirs = self.tool(era, name, &arguments(&nowhere)).await;
            let shown = format!("{name} {}: {}", arguments(&there), ours.text());
            assert_eq!(bare(&ours, &there), bare(&theirs, &nowhere), "{shown}");
            assert!(words.iter().any(|words| ours.text().contains(words)), "{shown}");
            assert!(!ours.text().contains(SECRET), "{shown}");
        }
    }

    /// What a tool says, which goes well and tells nothing of the outside.
    async fn tool_shows(&self, name: &str, arguments: Value) -> String {
        let reply = self.tool(ERAS[0], name, &arguments).await;
        let text = reply.text();
        assert_eq!(reply.json()["result"]["isError"], false, "{name}: {text}");
        assert!(!text.contains(SECRET) && !text.contains(&self.row.plain()), "{name}: {text}");
        assert!(!text.contains(&self.row.to_string()), "{name}: {text}");
        text
    }
}

/// Everything of an answer but the id that was asked for and what is new in each.
fn bare(reply: &Reply, id: &str) -> (u16, String) {
    let mut body = reply.json();
    for place in ["/result/content/0/text", "/error/data/text"] {
        if let Some(said) = body.pointer_mut(place)
            && let Ok(mut inner) = serde_json::from_str::<Value>(said.as_str().unwrap_or_default())
        {
            inner["request_id"] = Value::Null;
            *said = inner.to_string().into();
        }
    }
    let id = Id::parse(&id[id.len().saturating_sub(36)..])
        .or_else(|| Id::parse(&id[id.len().saturating_sub(32)..]));
    let id = id.expect("an id");
    let text = body.to_string().replace(&id.to_string(), "<id>").replace(&id.plain(), "<id>");
    (reply.status, text)
}

#[tokio::test]
async fn an_outside_page_by_id_or_address() {
    let probe = Probe::start().await;
    let of = |id: &str| json!({ "page_id": id });
    for tool in ["API-retrieve-a-page", "API-retrieve-page-markdown"] {
        probe.tool_gone(tool, probe.page, of).await;
    }
    let titled = json!({ "title": { "title": text("x") } });
    let change = |id: &str| json!({ "page_id": id, "properties": titled });
    probe.tool_gone("API-patch-page", probe.page, change).await;
    let item = |id: &str| json!({ "page_id": id, "property_id": "title" });
    probe.tool_gone("API-retrieve-a-page-property", probe.row, item).await;
    for there in [probe.page, probe.row, probe.template] {
        probe.tool_gone("fetch", there, |id| json!({ "ids": [id] })).await;
        probe.tool_gone("fetch", there, |id| json!({ "ids": [id], "comments": true })).await;
    }
    for dry_run in [false, true] {
        let change = |id: &str| json!({ "pages": [id], "append": "x", "dry_run": dry_run });
        probe.tool_gone("update_page", probe.page, change).await;
        let trash = |id: &str| json!({ "pages": [id], "trash": true, "dry_run": dry_run });
        probe.tool_gone("update_page", probe.row, trash).await;
    }
    let uri = |id: &str| json!({ "uri": format!("notion://page/{}", &id[id.len() - 32..]) });
    for plain in [probe.page, probe.row] {
        let ours = probe.tool(ERAS[0], "resources/read", &uri(&plain.plain())).await;
        let nowhere = NOWHERE.replace('-', "");
        let theirs = probe.tool(ERAS[0], "resources/read", &uri(&nowhere)).await;
        assert_eq!(bare(&ours, &plain.plain()), bare(&theirs, &nowhere), "{}", ours.text());
        assert!(ours.json()["error"].is_object(), "{}", ours.text());
    }
    probe.finish().await;
}

#[tokio::test]
async fn an_outside_page_as_a_block() {
    let probe = Probe::start().await;
    let of = |id: &str| json!({ "block_id": id });
    for there in [probe.page, probe.block, probe.database, probe.row, probe.original] {
        for tool in ["API-retrieve-a-block", "API-get-block-children", "API-delete-a-block"] {
            probe.tool_gone(tool, there, of).await;
        }
        let divider = |id: &str| json!({ "block_id": id, "children": [{ "divider": {} }] });
        probe.tool_gone("API-patch-block-children", there, divider).await;
        probe.tool_gone("fetch", there, |id| json!({ "ids": [id] })).await;
    }
    let edit = |id: &str| json!({ "block_id": id, "paragraph": { "rich_text": text("x") } });
    probe.tool_gone("API-update-a-block", probe.block, edit).await;
    probe.finish().await;
}

#[tokio::test]
async fn an_outside_page_as_a_parent() {
    let probe = Probe::start().await;
    let (inside, page) = (probe.inside, |parent: Value| titled(&parent, "mine"));
    let make = "API-post-page";
    probe.tool_gone(make, probe.page, |id| page(json!({ "page_id": id }))).await;
    probe.tool_gone(make, probe.source, |id| page(json!({ "data_source_id": id }))).await;
    probe.tool_gone(make, probe.database, |id| page(json!({ "database_id": id }))).await;
    let columns = json!({ "Name": { "title": {} } });
    let source = |id: &str| json!({ "parent": { "type": "database_id", "database_id": id }, "properties": columns });
    probe.tool_gone("API-create-a-data-source", probe.database, source).await;
    let database = |id: &str| json!({ "data_source_id": probe.kit.demo.data_source_id, "parent": { "type": "database_id", "database_id": id } });
    probe.tool_gone("API-update-a-data-source", probe.database, database).await;
    for there in [probe.page, probe.source, probe.database, probe.row] {
        for dry_run in [false, true] {
            let make = |id: &str| json!({ "parent": id, "pages": [{ "title": "mine" }], "dry_run": dry_run });
            probe.tool_gone("create_pages", there, make).await;
            let to =
                |id: &str| json!({ "pages": [inside.to_string()], "to": id, "dry_run": dry_run });
            probe.tool_gone("move_pages", there, to).await;
        }
    }
    probe.finish().await;
}

#[tokio::test]
async fn moves_out_and_in() {
    let probe = Probe::start().await;
    let (inside, team) = (probe.inside, probe.kit.demo.team_page_id);
    for page in [inside, team] {
        let to = |id: &str| json!({ "page_id": page, "parent": { "page_id": id } });
        probe.tool_gone("API-move-page", probe.page, to).await;
    }
    let from = |id: &str| json!({ "page_id": id, "parent": { "page_id": inside } });
    probe.tool_gone("API-move-page", probe.page, from).await;
    for there in [probe.page, probe.database, probe.row] {
        let from = |id: &str| json!({ "pages": [id], "to": inside });
        probe.tool_gone("move_pages", there, from).await;
    }
    // Somebody moves a page of the team's out, and one in.
    let away = json!({ "parent": { "page_id": probe.page } });
    probe.kit.as_human("POST", &format!("/v1/pages/{inside}/move"), away).await;
    probe.kit.clock.advance(std::time::Duration::from_secs(120));
    probe.tool_gone("fetch", inside, |id| json!({ "ids": [id] })).await;
    probe.tool_gone("API-retrieve-a-page", inside, |id| json!({ "page_id": id })).await;
    probe.finish().await;
}

#[tokio::test]
async fn an_outside_page_as_a_relation() {
    let probe = Probe::start().await;
    let table = probe.kit.demo.data_source_id;
    let rows = format!("/v1/data_sources/{table}/query");
    let row = probe.kit.post(&probe.key, &rows, &json!({ "page_size": 1 })).await.ids().remove(0);
    let value = |id: &str| json!({ "page_id": row, "properties": { "Blocked by": { "relation": [{ "id": id }] } } });
    probe.tool_gone("API-patch-page", probe.row, value).await;
    let filter = |id: &str| json!({ "data_source_id": table, "filter": { "property": "Blocked by", "relation": { "contains": id } } });
    probe.tool_gone("API-query-data-source", probe.row, filter).await;
    let column = |id: &str| json!({ "data_source_id": table, "properties": { "Spy": { "relation": { "data_source_id": id, "single_property": {} } } } });
    probe.tool_gone("API-update-a-data-source", probe.source, column).await;
    let flat = |id: &str| json!({ "pages": [row], "properties": { "Blocked by": [id] } });
    probe.tool_gone("update_page", probe.row, flat).await;
    let made = |id: &str| json!({ "parent": table, "pages": [{ "title": "x", "properties": { "Blocked by": id } }] });
    probe.tool_gone("create_pages", probe.row, made).await;
    let said =
        |id: &str| json!({ "source": table, "filter": format!("Blocked by contains \"{id}\"") });
    probe.tool_gone("query", probe.row, said).await;
    // By its title there is nobody.
    let by_title = |title: &str| json!({ "pages": [row], "properties": { "Blocked by": [title] } });
    let ours = probe.tool(ERAS[0], "update_page", &by_title(&format!("{SECRET} row"))).await;
    let theirs = probe.tool(ERAS[0], "update_page", &by_title("Nothing row")).await;
    assert_eq!(ours.text().replace(SECRET, "Nothing"), theirs.text());
    probe.finish().await;
}

#[tokio::test]
async fn a_relation_and_a_rollup_to_the_outside() {
    let probe = Probe::start().await;
    let row = super::written::spy(&probe).await;
    let table = probe.kit.demo.data_source_id;
    for (tool, arguments) in [
        ("API-retrieve-a-page", json!({ "page_id": row })),
        ("API-retrieve-a-data-source", json!({ "data_source_id": table })),
        ("API-query-data-source", json!({ "data_source_id": table })),
        ("fetch", json!({ "ids": [row, table] })),
        ("query", json!({ "source": table })),
        ("query", json!({ "source": table, "format": "json", "limit": 100 })),
    ] {
        let text = probe.tool_shows(tool, arguments).await;
        assert!(!text.contains("Link\\") && !text.contains("Rolled"), "{tool}: {text}");
    }
    let ask = async |tool: &str, arguments: &dyn Fn(&str) -> Value| {
        for name in ["Link", "Rolled"] {
            let hidden = probe.tool(ERAS[0], tool, &arguments(name)).await.text();
            let unknown = probe.tool(ERAS[0], tool, &arguments("Nought")).await.text();
            let same = |text: &str, name: &str| {
                let text = text.replace(name, "<column>");
                let at = text.find("request_id").map_or(text.len(), |at| at);
                text[..at].to_owned()
            };
            assert_eq!(same(&hidden, name), same(&unknown, "Nought"), "{tool}");
        }
    };
    ask("API-retrieve-a-page-property", &|name| json!({ "page_id": row, "property_id": name }))
        .await;
    ask("API-retrieve-a-page", &|name| json!({ "page_id": row, "filter_properties": [name] }))
        .await;
    ask("query", &|name| json!({ "source": table, "columns": [name] })).await;
    ask("query", &|name| json!({ "source": table, "filter": format!("{name} is empty") })).await;
    ask("query", &|name| json!({ "source": table, "sorts": [format!("{name} desc")] })).await;
    ask("update_page", &|name| json!({ "pages": [row], "properties": { name: ["x"] } })).await;
    ask(
        "create_pages",
        &|name| json!({ "parent": table, "pages": [{ "properties": { name: ["x"] } }] }),
    )
    .await;
    probe.finish().await;
}

#[tokio::test]
async fn an_outside_page_in_a_text() {
    let probe = Probe::start().await;
    let inside = probe.inside;
    let run = |id: &str| json!([{ "mention": { "page": { "id": id } } }]);
    let paragraph = |id: &str| json!({ "block_id": inside, "children": [{ "paragraph": { "rich_text": run(id) } }] });
    probe.tool_gone("API-patch-block-children", probe.page, paragraph).await;
    let copy = |id: &str| json!({ "block_id": inside, "children": [{ "synced_block": { "synced_from": { "block_id": id } } }] });
    probe.tool_gone("API-patch-block-children", probe.original, copy).await;
    // Words before it, as many as fit.
    let padded = |id: &str| {
        let words =
            json!({ "paragraph": { "rich_text": [{ "text": { "content": "x".repeat(2000) } }] } });
        let mut children = vec![words; 90];
        children.push(json!({ "paragraph": { "rich_text": run(id) } }));
        json!({ "block_id": inside, "children": children })
    };
    probe.tool_gone("API-patch-block-children", probe.page, padded).await;
    let tags = ["<page url=\"URL\">x</page>", "a <mention-page url=\"URL\"/>", "[x](URL)"];
    for tag in tags {
        let tag = |id: &str| {
            let plain = id.rsplit('/').next().unwrap_or(id).replace('-', "");
            tag.replace("URL", &format!("https://www.notion.so/{plain}"))
        };
        let insert = |id: &str| json!({ "page_id": inside, "type": "insert_content", "insert_content": { "content": tag(id) } });
        probe.tool_gone("API-update-page-markdown", probe.page, insert).await;
        let append = |id: &str| json!({ "pages": [inside], "append": tag(id) });
        probe.tool_gone("update_page", probe.page, append).await;
        let replace = |id: &str| json!({ "pages": [inside], "replace_content": tag(id) });
        probe.tool_gone("update_page", probe.page, replace).await;
        let made =
            |id: &str| json!({ "parent": inside, "pages": [{ "title": "x", "content": tag(id) }] });
        probe.tool_gone("create_pages", probe.page, made).await;
        let said = |id: &str| json!({ "on": inside, "text": tag(id) });
        probe.tool_gone("add_comment", probe.page, said).await;
    }
    probe.finish().await;
}

#[tokio::test]
async fn an_outside_comment_and_its_discussion() {
    let probe = Probe::start().await;
    for there in [probe.page, probe.block] {
        probe.tool_gone("API-retrieve-a-comment", there, |id| json!({ "block_id": id })).await;
        probe.tool_gone("comments", there, |id| json!({ "on": id })).await;
        probe.tool_gone("add_comment", there, |id| json!({ "on": id, "text": "x" })).await;
    }
    let reply = |id: &str| json!({ "discussion_id": id, "rich_text": text("x") });
    probe.tool_gone("API-create-a-comment", probe.thread, reply).await;
    probe.tool_gone("add_comment", probe.thread, |id| json!({ "reply_to": id, "text": "x" })).await;
    probe.tool_gone("fetch", probe.comment, |id| json!({ "ids": [id] })).await;
    probe.finish().await;
}

#[tokio::test]
async fn an_outside_table_its_views_and_templates() {
    let probe = Probe::start().await;
    for there in [probe.source, probe.database, probe.view] {
        probe.tool_gone("fetch", there, |id| json!({ "ids": [id] })).await;
        probe.tool_gone("query", there, |id| json!({ "source": id })).await;
        let filtered = |id: &str| json!({ "source": id, "filter": "Sum > 3", "sorts": ["Sum"] });
        probe.tool_gone("query", there, filtered).await;
    }
    let of = |id: &str| json!({ "data_source_id": id });
    for tool in [
        "API-retrieve-a-data-source",
        "API-query-data-source",
        "API-list-data-source-templates",
        "API-update-a-data-source",
    ] {
        probe.tool_gone(tool, probe.source, of).await;
    }
    probe
        .tool_gone("API-retrieve-a-database", probe.database, |id| json!({ "database_id": id }))
        .await;
    let trash = |id: &str| json!({ "data_source_id": id, "in_trash": true });
    probe.tool_gone("API-query-data-source", probe.source, trash).await;
    let inside = probe.kit.demo.data_source_id;
    let from = |id: &str| json!({ "parent": { "data_source_id": inside }, "template": { "type": "template_id", "template_id": id } });
    for there in [probe.template, probe.page] {
        probe.tool_gone("API-post-page", there, from).await;
    }
    probe.finish().await;
}

#[tokio::test]
async fn a_file_of_somebody_else() {
    let probe = Probe::start().await;
    let image = |id: &str| json!({ "block_id": probe.inside, "children": [{ "image": { "type": "file_upload", "file_upload": { "id": id } } }] });
    probe.tool_gone("API-patch-block-children", probe.upload, image).await;
    let icon = |id: &str| json!({ "page_id": probe.inside, "icon": { "type": "file_upload", "file_upload": { "id": id } } });
    probe.tool_gone("API-patch-page", probe.upload, icon).await;
    probe.finish().await;
}

#[tokio::test]
async fn both_words_for_the_trash() {
    let probe = Probe::start().await;
    probe
        .kit
        .as_human("PATCH", &format!("/v1/pages/{}", probe.page), json!({ "in_trash": true }))
        .await;
    for flags in [
        json!({ "in_trash": false, "archived": true }),
        json!({ "archived": false }),
        json!({ "is_archived": false }),
    ] {
        let with = |id: &str| {
            let mut arguments = flags.clone();
            arguments["page_id"] = id.into();
            arguments
        };
        probe.tool_gone("API-patch-page", probe.page, with).await;
    }
    let restore = |id: &str| json!({ "pages": [id], "trash": false });
    probe.tool_gone("update_page", probe.page, restore).await;
    probe.finish().await;
}

#[tokio::test]
async fn searches_and_cursors() {
    let probe = Probe::start().await;
    for (tool, query) in
        [("API-post-search", "query"), ("search", "query"), ("list_users", "query")]
    {
        let ask = async |words: &str| {
            let reply = probe.tool(ERAS[0], tool, &json!({ query: words })).await;
            let text = reply.text();
            text[..text.find("request_id").unwrap_or(text.len())].to_owned()
        };
        assert_eq!(ask(SECRET).await, ask("Nothingness").await, "{tool}");
        probe.tool_shows(tool, json!({})).await;
    }
    // A cursor of another key, and one of this key for another search.
    let first = probe.kit.post(&probe.kit.admin, "/v1/search", &json!({ "page_size": 1 })).await;
    let first = first.json();
    let other = json!({ "page_size": 1, "sort": { "timestamp": "last_edited_time", "direction": "ascending" } });
    let own = probe.kit.post(&probe.key, "/v1/search", &other).await.json();
    let nobodys = "A".repeat(40);
    for cursor in [&first["next_cursor"], &own["next_cursor"]] {
        let cursor = cursor.as_str().expect("a cursor");
        for (tool, name) in [("API-post-search", "start_cursor"), ("search", "cursor")] {
            let shown = async |cursor: &str| {
                let reply = probe.tool(ERAS[0], tool, &json!({ name: cursor })).await;
                let text = reply.text();
                assert!(text.contains("start_cursor provided is invalid"), "{tool}: {text}");
                text[..text.find("is invalid").expect("the words")].to_owned()
            };
            assert_eq!(shown(cursor).await, shown(&nobodys).await);
        }
    }
    probe.finish().await;
}

#[tokio::test]
async fn an_answer_that_another_key_has_just_had() {
    let probe = Probe::start().await;
    let whole = Probe { key: probe.kit.admin.clone(), ..probe };
    let all = [whole.page, whole.block, whole.database, whole.source, whole.view, whole.comment];
    for there in all {
        let reply = whole.tool(ERAS[0], "fetch", &json!({ "ids": [there] })).await;
        assert_eq!(reply.json()["result"]["isError"], false, "{there}: {}", reply.text());
    }
    let key = whole.kit.key(model::Role::Admin, &[whole.kit.demo.team_page_id]).await;
    let probe = Probe { key, ..whole };
    for there in all {
        probe.tool_gone("fetch", there, |id| json!({ "ids": [id] })).await;
    }
    probe.finish().await;
}
