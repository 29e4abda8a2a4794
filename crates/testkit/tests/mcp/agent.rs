//! The tools for agents, as an agent uses them: over `/mcp`, at a sandbox.

use model::Role;
use notion::Id;
use serde_json::{Value, json};
use testkit::{Kit, Reply};

/// The id that nobody has.
const NOWHERE: &str = "0a1b2c3d4e5f4a6b8c7d9e0f1a2b3c4d";

/// One request of the current protocol.
async fn ask(kit: &Kit, key: &str, method: &str, name: Option<&str>, params: Value) -> Reply {
    ask_at(kit, "/mcp", key, method, name, params).await
}

async fn ask_at(
    kit: &Kit,
    path: &str,
    key: &str,
    method: &str,
    name: Option<&str>,
    params: Value,
) -> Reply {
    let mut params = params;
    params["_meta"] = json!({
        "io.modelcontextprotocol/protocolVersion": "2026-07-28",
        "io.modelcontextprotocol/clientCapabilities": {},
        "io.modelcontextprotocol/clientInfo": {"name": "test", "version": "1"},
    });
    let body = json!({"jsonrpc": "2.0", "id": 1, "method": method, "params": params});
    let bearer = format!("Bearer {key}");
    let mut headers = vec![
        ("authorization", bearer.as_str()),
        ("content-type", "application/json"),
        ("accept", "application/json, text/event-stream"),
        ("mcp-protocol-version", "2026-07-28"),
        ("mcp-method", method),
    ];
    headers.extend(name.map(|name| ("mcp-name", name)));
    kit.raw("POST", path, &headers, Some(body.to_string())).await
}

/// A call of a tool: the text, and whether it is an error.
pub(crate) async fn call(kit: &Kit, key: &str, name: &str, arguments: Value) -> (String, bool) {
    let params = json!({"name": name, "arguments": arguments});
    let reply = ask(kit, key, "tools/call", Some(name), params).await;
    assert_eq!(reply.status, 200, "{name}: {}", reply.text());
    let result = &reply.json()["result"];
    let text = result["content"][0]["text"].as_str();
    (
        text.unwrap_or_else(|| panic!("{name}: {}", reply.text())).to_owned(),
        result["isError"] == true,
    )
}

/// A call that goes well.
pub(crate) async fn good(kit: &Kit, name: &str, arguments: Value) -> String {
    let (text, failed) = call(kit, &kit.admin, name, arguments.clone()).await;
    assert!(!failed, "{name} {arguments}: {text}");
    text
}

/// A call that does not.
pub(crate) async fn bad(kit: &Kit, name: &str, arguments: Value) -> String {
    let (text, failed) = call(kit, &kit.admin, name, arguments.clone()).await;
    assert!(failed, "{name} {arguments}: {text}");
    text
}

async fn names(kit: &Kit, key: &str) -> Vec<String> {
    let reply = ask(kit, key, "tools/list", None, json!({})).await;
    let body = reply.json();
    let tools = body["result"]["tools"].as_array().unwrap_or_else(|| panic!("{}", reply.text()));
    tools.iter().map(|tool| tool["name"].as_str().unwrap().to_owned()).collect()
}

/// Makes a page under the team's page; its id.
pub(crate) async fn page(kit: &Kit, title: &str, content: &str) -> String {
    let made = good(
        kit,
        "create_pages",
        json!({"parent": kit.demo.team_page_id, "pages": [{"title": title, "content": content}]}),
    )
    .await;
    let id = made.split_whitespace().nth(1).and_then(Id::parse);
    id.unwrap_or_else(|| panic!("{made}")).plain()
}

pub(crate) async fn markdown(kit: &Kit, id: &str) -> String {
    let reply = kit.direct("GET", &format!("/v1/pages/{id}/markdown"), None).await;
    reply.json()["markdown"].as_str().unwrap_or_default().to_owned()
}

/// How often the sandbox was asked for one of these operations.
pub(crate) async fn asked(kit: &Kit, operations: &[&str]) -> usize {
    let calls = kit.calls().await;
    let named =
        |call: &&Value| operations.contains(&call["operation"].as_str().unwrap_or_default());
    calls.iter().filter(named).count()
}

#[tokio::test]
async fn a_page_is_found_read_in_parts_and_by_section() {
    let kit = Kit::start().await;
    let body: String = (0..40)
        .map(|part| format!("## Part {part}\n{}\n", format!("Words of part {part}. ").repeat(12)))
        .collect();
    let id = page(&kit, "Zebra handbook", &body).await;
    let found = good(&kit, "search", json!({"query": "zebra"})).await;
    assert!(found.contains(&format!("Zebra handbook | {id}")), "{found}");

    let whole = markdown(&kit, &id).await;
    let (mut read, mut cursor) = (String::new(), Value::Null);
    for _ in 0..50 {
        let args = json!({"ids": [id], "max_tokens": 400, "cursor": cursor});
        let text = good(&kit, "fetch", args).await;
        let content = text.splitn(3, "---\n").nth(2).expect("front matter").to_owned();
        match content.split_once("\n[Cut here") {
            Some((part, note)) => {
                read.push_str(part);
                read.push('\n');
                cursor = json!(note.split('"').nth(1).expect("a cursor"));
            }
            None => {
                read.push_str(content.trim_end());
                break;
            }
        }
    }
    assert_eq!(read.trim_end(), whole.trim_end());
    let section = good(&kit, "fetch", json!({"ids": [id], "section": "part 7"})).await;
    assert!(section.contains("Words of part 7.") && !section.contains("part 8"), "{section}");
    let fault = bad(&kit, "fetch", json!({"ids": [id], "section": "nothing"})).await;
    assert!(fault.contains("Sections: \"Part 0\""), "{fault}");
    let fault = bad(&kit, "fetch", json!({"ids": [id], "cursor": "5.0"})).await;
    assert!(fault.contains("has changed since"), "{fault}");
    let url = format!("https://www.notion.so/acme/Zebra-{id}?pvs=4");
    let both = good(&kit, "fetch", json!({"ids": [url, NOWHERE]})).await;
    assert!(both.contains("Part 0") && both.contains("not shared with this key"), "{both}");
    kit.finish().await;
}

#[tokio::test]
async fn rows_are_asked_for_in_words() {
    let kit = Kit::start().await;
    let source = format!("collection://{}", kit.demo.data_source_id.plain());
    let schema = good(&kit, "fetch", json!({"ids": [source]})).await;
    for line in
        ["- Status: status [", "- Effort: formula (read-only)", "- Project: relation", "view://"]
    {
        assert!(schema.contains(line), "{line}: {schema}");
    }
    let rows = |filter: Value| {
        let args = json!({"source": kit.demo.database_id, "filter": filter, "columns": ["Task"]});
        let kit = &kit;
        async move {
            let text = good(kit, "query", args).await;
            text.lines().count() - 3
        }
    };
    assert_eq!(rows(json!("Status = Done")).await, 5);
    let own = json!({"property": "Status", "status": {"equals": "Done"}});
    assert_eq!(rows(own.clone()).await, 5);
    assert_eq!(rows(json!(own.to_string())).await, 5);
    assert_eq!(rows(json!("Status = Done and (Tags contains security or Estimate <= 1)")).await, 4);
    assert_eq!(rows(json!("Due is empty")).await, 5);
    let fault = bad(&kit, "query", json!({"source": source, "filter": "Status = Finished"})).await;
    assert!(fault.contains("Options: Not started"), "{fault}");

    // All rows, some at a time, with what fits.
    let (mut seen, mut cursor) = (Vec::new(), Value::Null);
    for _ in 0..60 {
        let args = json!({"source": source, "limit": 10, "max_tokens": 200, "sorts": ["Task"],
            "columns": ["Task", "Status", "Due", "Tags"], "cursor": cursor});
        let text = good(&kit, "query", args).await;
        let rows = text.lines().skip(2).filter(|line| line.contains(" | "));
        seen.extend(rows.map(|row| row.split(" | ").next().unwrap().to_owned()));
        match text.split_once("cursor \"") {
            Some((_, rest)) => cursor = json!(rest.split('"').next().unwrap()),
            None => break,
        }
    }
    let count = seen.len();
    seen.sort();
    seen.dedup();
    assert_eq!((count, seen.len()), (25, 25));
    let line = good(&kit, "query", json!({"source": source, "format": "json", "limit": 1})).await;
    let row: Value = serde_json::from_str(line.lines().nth(1).unwrap()).unwrap();
    assert!(row["Task"].is_string() && row["Status"].is_string(), "{row}");
    kit.finish().await;
}

#[tokio::test]
async fn rows_are_made_from_flat_values_all_or_none() {
    let kit = Kit::start().await;
    let parent = kit.demo.database_id;
    let people = good(&kit, "list_users", json!({"query": "ada"})).await;
    let ada = people.split(" <").next().unwrap().to_owned();
    let row = json!({"title": "Water the plants", "content": "# Why\nThey are thirsty.", "icon": "🪴",
        "properties": {"Status": "not started", "Priority": "High", "Tags": ["infra", "bug"],
            "Estimate": 2, "Due": "2026-11-21/2026-11-23", "Assignee": [ada], "Reviewed": true,
            "Project": "New look", "Pull request": "https://example.com/1"}});
    kit.forget_calls().await;
    let dry =
        good(&kit, "create_pages", json!({"parent": parent, "pages": [row], "dry_run": true}))
            .await;
    assert!(dry.starts_with("Dry run, nothing made"), "{dry}");
    assert_eq!(asked(&kit, &["post-page"]).await, 0);
    let made = good(&kit, "create_pages", json!({"parent": parent, "pages": [row]})).await;
    let id = made.split_whitespace().nth(1).unwrap().to_owned();
    let read = good(&kit, "fetch", json!({"ids": [id]})).await;
    for line in [
        "title: Water the plants",
        "Status: Not started",
        "Tags: [\"infra\",\"bug\"]",
        "Due: 2026-11-21/2026-11-23",
        &format!("Assignee: [\"{ada}\"]"),
        "Reviewed: true",
        "They are thirsty.",
    ] {
        assert!(read.contains(line), "{line}: {read}");
    }

    kit.forget_calls().await;
    let faulty = json!({"parent": parent, "pages": [{"title": "Fine"}, {"title": "Not", "properties":
        {"Status": "Finished", "Estimate": "many", "Nothing": 1, "Effort": "x", "Project": "o"}}]});
    let fault = bad(&kit, "create_pages", faulty).await;
    for part in [
        "pages[1]; nothing was made",
        "no option `Finished`",
        "takes a number",
        "no column `Nothing`",
        "Notion computes it",
        "may be one of several pages",
    ] {
        assert!(fault.contains(part), "{part}: {fault}");
    }
    assert_eq!(asked(&kit, &["post-page"]).await, 0);
    let fault = bad(
        &kit,
        "create_pages",
        json!({"parent": kit.demo.team_page_id,
        "pages": [{"title": "x", "properties": {"Status": "Done"}}]}),
    )
    .await;
    assert!(fault.contains("The parent is a page"), "{fault}");
    kit.finish().await;
}

#[tokio::test]
async fn pages_are_changed_in_one_place_and_never_by_accident() {
    let kit = Kit::start().await;
    let id = page(&kit, "Shopping", "# List\n- [ ] Buy milk\n- [ ] Buy milk and bread\nSame\nSame")
        .await;
    let change = |args: Value| {
        let mut args = args;
        args["pages"] = json!([id]);
        args
    };
    let before = markdown(&kit, &id).await;
    kit.forget_calls().await;
    let dry =
        good(&kit, "update_page", change(json!({"check": ["buy milk"], "dry_run": true}))).await;
    assert!(dry.contains("-- [ ] Buy milk\n+- [x] Buy milk\n"), "{dry}");
    for (args, told) in [
        (json!({"edits": [{"find": "Same", "replace": "x"}]}), "2 times"),
        (json!({"edits": [{"find": "Other", "replace": "x"}]}), "not on the page"),
        (json!({"check": ["Buy"]}), "several to-dos"),
        (json!({"check": ["Call"]}), "To-dos: Buy milk; Buy milk and bread"),
        (json!({"replace_content": "x", "append": "y"}), "does not go with"),
        (json!({}), "Nothing to change"),
        (json!({"properties": {"Status": "Done"}}), "no column `Status`"),
        (json!({"colour": "red"}), "unknown field `colour`"),
    ] {
        let fault = bad(&kit, "update_page", change(args)).await;
        assert!(fault.contains(told), "{told}: {fault}");
    }
    assert_eq!(asked(&kit, &["update-page-markdown", "patch-page"]).await, 0);
    assert_eq!(markdown(&kit, &id).await, before);

    let args = json!({"check": ["Buy milk", "bread"], "append": "## Later\nRest",
        "edits": [{"find": "Same\nSame", "replace": "Once"}], "properties": {"title": "Groceries"}});
    good(&kit, "update_page", change(args)).await;
    assert_eq!(
        markdown(&kit, &id).await,
        "# List\n- [x] Buy milk\n- [x] Buy milk and bread\nOnce\n## Later\nRest"
    );
    let again = good(&kit, "update_page", change(json!({"check": ["Buy milk"]}))).await;
    assert!(again.contains("ticked already"), "{again}");

    // Child pages do not go by accident.
    let child =
        good(&kit, "create_pages", json!({"parent": id, "pages": [{"title": "Child"}]})).await;
    let child = child.split_whitespace().nth(1).unwrap().to_owned();
    let fault = bad(&kit, "update_page", change(json!({"replace_content": "New"}))).await;
    assert!(fault.contains("1 child pages") && fault.contains("allow_deleting"), "{fault}");
    let all = json!({"replace_content": "New", "allow_deleting": true});
    good(&kit, "update_page", change(all)).await;
    assert_eq!(markdown(&kit, &id).await, "New");
    let gone = kit.direct("GET", &format!("/v1/pages/{child}"), None).await.json();
    assert_eq!(gone["in_trash"], true);
    good(&kit, "update_page", change(json!({"trash": true, "icon": "🗑"}))).await;
    let gone = kit.direct("GET", &format!("/v1/pages/{id}"), None).await.json();
    assert_eq!((&gone["in_trash"], &gone["icon"]["emoji"]), (&json!(true), &json!("🗑")));
    kit.finish().await;
}

#[tokio::test]
async fn pages_move_and_are_commented_and_files_come_in() {
    let kit = Kit::start().await;
    let (a, b) = (page(&kit, "A", "Text").await, page(&kit, "B", "").await);
    let to = kit.demo.other_page_id;
    let dry = good(&kit, "move_pages", json!({"pages": [a, b], "to": to, "dry_run": true})).await;
    assert!(dry.starts_with("Dry run, nothing moved"), "{dry}");
    good(&kit, "move_pages", json!({"pages": [a, b], "to": to})).await;
    let moved = kit.direct("GET", &format!("/v1/pages/{a}"), None).await.json();
    assert_eq!(moved["parent"]["page_id"], json!(to));

    let dry = good(&kit, "add_comment", json!({"on": a, "text": "Really?", "dry_run": true})).await;
    assert!(dry.contains("nothing written"), "{dry}");
    let made = good(&kit, "add_comment", json!({"on": a, "text": "Really **now**?"})).await;
    let thread = made.split("Thread: ").nth(1).expect("a thread");
    good(&kit, "add_comment", json!({"reply_to": thread, "text": "Yes."})).await;
    let listed = good(&kit, "comments", json!({"on": a})).await;
    assert!(listed.contains("Really now?") && listed.contains("Yes."), "{listed}");
    assert_eq!(listed.matches("discussion://").count(), 1, "{listed}");
    let read = good(&kit, "fetch", json!({"ids": [a], "comments": true})).await;
    assert!(read.contains("Yes."), "{read}");
    assert!(bad(&kit, "add_comment", json!({"text": "x"})).await.contains("`on`"));

    let args = json!({"name": "note.txt", "data": "aGVsbG8=", "attach_to": a});
    let sent = good(&kit, "upload_file", args).await;
    assert!(sent.contains("attached"), "{sent}");
    assert!(markdown(&kit, &a).await.contains("<file"), "{}", markdown(&kit, &a).await);
    for (args, told) in [
        (json!({"name": "/etc/passwd", "data": "aGVsbG8="}), "without a path"),
        (json!({"name": "a.txt", "data": "%%"}), "not base64"),
        (json!({"name": "a.txt"}), "`data` (base64) or `url`"),
        (json!({"name": "a.txt", "url": "file:///etc/passwd"}), "https://"),
    ] {
        let fault = bad(&kit, "upload_file", args).await;
        assert!(fault.contains(told), "{fault}");
    }
    kit.finish().await;
}

#[tokio::test]
async fn a_caller_is_offered_and_given_what_it_may() {
    let kit = Kit::start().await;
    let viewer = kit.key(Role::Viewer, &[kit.demo.team_page_id]).await;
    assert_eq!(
        names(&kit, &viewer).await,
        ["search", "fetch", "query", "comments", "list_users", "self"]
    );
    assert_eq!(names(&kit, &kit.admin).await.len(), 11);
    kit.forget_calls().await;
    let args = json!({"parent": kit.demo.team_page_id, "pages": [{"title": "x"}]});
    let (fault, failed) = call(&kit, &viewer, "create_pages", args).await;
    assert!(failed && fault.contains("write"), "{fault}");
    assert_eq!(asked(&kit, &["post-page"]).await, 0);

    // What stands outside is not there.
    let outside = kit.demo.other_page_id.plain();
    let (there, failed) = call(&kit, &viewer, "fetch", json!({"ids": [outside]})).await;
    assert!(failed, "{there}");
    let (nowhere, _) = call(&kit, &viewer, "fetch", json!({"ids": [NOWHERE]})).await;
    let dashed = |id: &str| Id::parse(id).unwrap().to_string();
    assert_eq!(
        there.replace(&dashed(&outside), "<id>").replace(&outside, "<id>"),
        nowhere.replace(&dashed(NOWHERE), "<id>").replace(NOWHERE, "<id>")
    );
    let (me, _) = call(&kit, &viewer, "self", json!({})).await;
    assert!(me.contains("role: viewer (may read)"), "{me}");
    assert!(
        me.contains(&format!("reaches only what is under: {}", kit.demo.team_page_id.plain())),
        "{me}"
    );
    kit.finish().await;
}

#[tokio::test]
async fn errors_of_notion_say_what_to_do() {
    let kit = Kit::start().await;
    let id = page(&kit, "Faulty", "x").await;
    let fault = bad(&kit, "fetch", json!({"ids": [NOWHERE]})).await;
    assert!(fault.contains("not shared with this key"), "{fault}");
    let fault = bad(&kit, "fetch", json!({"ids": ["no id"]})).await;
    assert!(fault.contains("find one with `search`"), "{fault}");
    let fault = bad(&kit, "fetch", json!({})).await;
    assert!(fault.contains("ids"), "{fault}");
    let broken =
        json!({"match": {"operation": "create-a-comment"}, "answer": {"status": 500}, "times": 9});
    kit.control("POST", "faults", Some(&broken)).await;
    let fault = bad(&kit, "add_comment", json!({"on": id, "text": "x"})).await;
    assert!(fault.contains("look whether it was done"), "{fault}");
    kit.finish().await;
}

#[tokio::test]
async fn arguments_of_any_sort_are_answered() {
    let kit = Kit::start().await;
    let hostile = [
        json!(null),
        json!([1]),
        json!({"ids": {"a": 1}}),
        json!("x".repeat(3_000)),
        json!(-1),
        json!("\u{0}"),
        json!("collection://"),
    ];
    for name in names(&kit, &kit.admin).await {
        for member in
            ["ids", "source", "pages", "parent", "to", "on", "query", "cursor", "limit", "name"]
        {
            for value in &hostile {
                let params = json!({"name": name, "arguments": {member: value}});
                let reply = ask(&kit, &kit.admin, "tools/call", Some(&name), params).await;
                assert_eq!(reply.status, 200, "{name} {member} {value}: {}", reply.text());
            }
        }
    }
    kit.finish().await;
}

#[tokio::test]
async fn a_page_and_the_documents_are_resources() {
    let kit = Kit::start().await;
    let listed = ask(&kit, &kit.admin, "resources/list", None, json!({})).await;
    assert!(listed.text().contains("notion://docs/values"), "{}", listed.text());
    let templates = ask(&kit, &kit.admin, "resources/templates/list", None, json!({})).await;
    assert!(templates.text().contains("notion://page/{id}"), "{}", templates.text());
    let read = async |key: &str, uri: &str| {
        let params = json!({ "uri": uri });
        ask(&kit, key, "resources/read", Some(uri), params).await.json()
    };
    let document = read(&kit.admin, "notion://docs/filters").await;
    assert!(document["result"]["contents"][0]["text"].as_str().unwrap().contains("past_week"));
    let id = page(&kit, "Resource", "Its text.").await;
    let read_page = read(&kit.admin, &format!("notion://page/{id}")).await;
    assert!(read_page["result"]["contents"][0]["text"].as_str().unwrap().contains("Its text."));
    let viewer = kit.key(Role::Viewer, &[kit.demo.other_page_id]).await;
    for (key, uri) in [
        (&viewer, format!("notion://page/{id}")),
        (&kit.admin, "notion://page/x".to_owned()),
        (&kit.admin, "file:///etc/passwd".to_owned()),
    ] {
        assert_eq!(read(key, &uri).await["error"]["code"], -32602, "{uri}");
    }
    kit.finish().await;
}

/// The five tasks of `tests/mcp/tasks.json`. What they cost, `cargo xtask bench mcp --tasks` counts.
#[tokio::test]
async fn the_five_tasks_can_be_done_with_both_sets_of_tools() {
    let tasks: Value =
        serde_json::from_str(include_str!("../../../../tests/mcp/tasks.json")).unwrap();
    assert_eq!(tasks.as_array().unwrap().len(), 5);
    for (set, path) in [("agent", "/mcp"), ("official", "/mcp/official")] {
        let kit = Kit::start().await;
        for task in tasks.as_array().unwrap() {
            let body = "## Weather\nRain on Monday.\n## Tools\n- [ ] Sharpen the scythe\n- [ ] Oil the cart";
            let id = page(&kit, "Harvest plan", body).await;
            let children =
                kit.direct("GET", &format!("/v1/blocks/{id}/children"), None).await.json();
            let todo =
                children["results"].as_array().unwrap().iter().find(|it| it["type"] == "to_do");
            let todo = todo.unwrap()["id"].as_str().unwrap().to_owned();
            for step in task[set].as_array().unwrap() {
                let arguments = step["arguments"].to_string().replace("$page", &id);
                let arguments = arguments.replace("$todo", &todo);
                let arguments = arguments.replace("$source", &kit.demo.data_source_id.plain());
                let arguments: Value = serde_json::from_str(&arguments).unwrap();
                let name = step["tool"].as_str().unwrap();
                let params = json!({"name": name, "arguments": arguments});
                let reply = ask_at(&kit, path, &kit.admin, "tools/call", Some(name), params).await;
                let result = reply.json()["result"].clone();
                assert_eq!(result["isError"], false, "{set}: {name}: {}", reply.text());
            }
            let gone = json!({"in_trash": true});
            kit.direct("PATCH", &format!("/v1/pages/{id}"), Some(&gone)).await;
        }
        kit.finish().await;
    }
}
