//! Pages of all sorts, read and written by the tools for agents.

use std::time::Duration;

use serde_json::{Value, json};
use testkit::Kit;

use crate::agent::{bad, good, markdown, page};

/// What is on a page, of every sort that has a form of its own in markdown.
const ODD: &[(&str, &str)] = &[
    (
        "a table",
        "<table header-row=\"true\">\n<tr>\n<td>A</td>\n<td>B | C</td>\n</tr>\n<tr>\n<td>**1**</td>\n<td></td>\n</tr>\n</table>",
    ),
    ("code with backticks", "````markdown\n```rust\nlet a = `b`;\n```\n````"),
    (
        "code with tags",
        "```html\n<page url=\"x\">no page</page>\n# no heading\n- [ ] no to-do\n```",
    ),
    (
        "a toggle",
        "<details>\n<summary>More</summary>\n\tInside\n\t- [ ] a to-do inside\n</details>",
    ),
    ("a heading that toggles", "# Heading {toggle=\"true\"}\n\tBelow it"),
    ("a callout", "<callout icon=\"💡\">\n\tMind the **gap**\n\tand the step\n</callout>"),
    ("an equation", "$$\nE = mc^2\n$$"),
    ("an equation in a line", "It holds that $`a^2 + b^2 = c^2`$ here."),
    (
        "columns",
        "<columns>\n\t<column>\n\t\tLeft\n\t</column>\n\t<column>\n\t\tRight\n\t</column>\n</columns>",
    ),
    ("nested lists", "- a\n\t1. b\n\t\t- [x] c\n- d"),
    ("a quote and a line", "> Said\n---\nAfter"),
    (
        "marks",
        "**b** *i* ~~s~~ `c` <span color=\"red\">red</span> [link](https://example.com/a?b=c&d)",
    ),
    ("what looks like marks", "2 \\* 3 = 6, \\[no link\\], a\\_b, 1 \\< 2"),
];

/// The content of a page as `fetch` shows it.
async fn fetched(kit: &Kit, id: &str) -> String {
    let text = good(kit, "fetch", json!({"ids": [id], "max_tokens": 25_000})).await;
    text.splitn(3, "---\n").nth(2).expect("front matter").trim_end().to_owned()
}

#[tokio::test]
async fn what_was_fetched_can_be_written_back() {
    let kit = Kit::start().await;
    for (name, text) in ODD {
        let id = page(&kit, name, text).await;
        let first = fetched(&kit, &id).await;
        assert_eq!(first, markdown(&kit, &id).await.trim_end(), "{name}");
        let back = json!({"pages": [id], "replace_content": first});
        good(&kit, "update_page", back).await;
        assert_eq!(fetched(&kit, &id).await, first, "{name}: written back");
        // An edit of something else leaves it as it is.
        good(&kit, "update_page", json!({"pages": [id], "append": "Z"})).await;
        let edit = json!([{"find": "\nZ", "replace": "\nY"}]);
        good(&kit, "update_page", json!({"pages": [id], "edits": edit})).await;
        assert_eq!(fetched(&kit, &id).await, format!("{first}\nY"), "{name}: edited");
    }
    kit.finish().await;
}

#[tokio::test]
async fn a_page_with_a_database_inside_leads_to_its_rows() {
    let kit = Kit::start().await;
    let text = good(&kit, "fetch", json!({"ids": [kit.demo.team_page_id]})).await;
    let tag =
        text.lines().find(|line| line.trim_start().starts_with("<database ")).expect("a database");
    let url = tag.split("url=\"").nth(1).and_then(|rest| rest.split('"').next()).expect("a URL");
    let rows = good(&kit, "query", json!({"source": url, "limit": 2})).await;
    assert!(rows.contains("2 rows. More"), "{rows}");
    kit.finish().await;
}

#[tokio::test]
async fn rows_are_paged_whatever_the_limits_on_the_way() {
    let kit = Kit::start().await;
    let (mut seen, mut cursor) = (Vec::new(), Value::Null);
    for limit in (1..=9).cycle().take(200) {
        let args = json!({"source": kit.demo.data_source_id, "limit": limit, "max_tokens": 200,
            "columns": ["Task", "Status", "Due", "Tags", "Assignee"], "cursor": cursor});
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
    assert_eq!((count, seen.len()), (25, 25), "each once");
    let strange = json!({"source": kit.demo.data_source_id, "cursor": "18446744073709551615~x"});
    assert!(bad(&kit, "query", strange).await.contains("pass it as it was"));
    kit.finish().await;
}

#[tokio::test]
async fn a_page_of_five_thousand_blocks_is_read_to_its_end() {
    // A sandbox that was built for tests is slow with so much.
    let kit = Kit::start_with(|options| options.notion.timeout = Duration::from_secs(100)).await;
    let all: Vec<String> = (0..5_000).map(|number| format!("- item {number}")).collect();
    let id = page(&kit, "Long", "").await;
    for chunk in all.chunks(100) {
        let text = |line: &String| json!([{"text": {"content": &line[2..]}}]);
        let item = |line| json!({"bulleted_list_item": {"rich_text": text(line)}});
        let body = json!({"children": chunk.iter().map(item).collect::<Vec<_>>()});
        let path = format!("/v1/blocks/{id}/children");
        assert_eq!(kit.direct("PATCH", &path, Some(&body)).await.status, 200);
    }
    let (mut read, mut cursor) = (Vec::new(), Value::Null);
    for _ in 0..20 {
        let args = json!({"ids": [id], "max_tokens": 25_000, "cursor": cursor});
        let text = good(&kit, "fetch", args).await;
        let items = text.lines().filter(|line| line.starts_with("- item "));
        read.extend(items.map(str::to_owned));
        match text.split_once("cursor \"") {
            Some((_, rest)) => cursor = json!(rest.split('"').next().unwrap()),
            None => break,
        }
    }
    assert_eq!(read.len(), all.len());
    assert_eq!(read, all);
    // One of them is changed in place, and the answer does not repeat the page.
    let edit = json!([{"find": "- item 4711\n", "replace": "- item 4711, done\n"}]);
    let told = good(&kit, "update_page", json!({"pages": [id], "edits": edit})).await;
    assert!(told.contains("+- item 4711, done") && told.len() < 300, "{told}");
    kit.finish().await;
}

#[tokio::test]
async fn a_view_gives_the_rows_that_it_shows() {
    let kit = Kit::start().await;
    let source = kit.demo.data_source_id;
    let schema =
        good(&kit, "fetch", json!({"ids": [format!("collection://{}", source.plain())]})).await;
    let view =
        schema.lines().find(|line| line.contains("\"Urgent\"")).expect("a view that filters");
    let view = view.split(' ').next().unwrap();
    let rows = async |args: Value| {
        let text = good(&kit, "query", args).await;
        text.lines()
            .skip(2)
            .filter(|line| line.contains(" | "))
            .map(str::to_owned)
            .collect::<Vec<_>>()
    };
    let shown = rows(json!({"source": view, "columns": ["Priority", "Reviewed"]})).await;
    assert!(!shown.is_empty() && shown.iter().all(|row| row.ends_with("High | no")), "{shown:?}");
    // What is asked for goes before what the view says.
    let own = json!({"source": view, "filter": "Priority = Low", "columns": ["Priority"]});
    let shown = rows(own).await;
    assert!(!shown.is_empty() && shown.iter().all(|row| row.ends_with("Low")), "{shown:?}");
    kit.finish().await;
}

#[tokio::test]
async fn a_file_is_attached_from_its_address_once_notion_has_it() {
    let kit = Kit::start().await;
    let id = page(&kit, "Files", "").await;
    let args = json!({"name": "a.png", "url": "https://example.com/a.png", "attach_to": id});
    let told = good(&kit, "upload_file", args).await;
    assert!(told.contains("attached at the end of"), "{told}");
    assert!(markdown(&kit, &id).await.contains("!["), "{}", markdown(&kit, &id).await);
    kit.finish().await;
}

#[tokio::test]
async fn all_related_pages_are_shown_not_only_those_that_notion_tells_first() {
    let kit = Kit::start().await;
    let source = kit.demo.data_source_id;
    let rows: Vec<Value> =
        (0..30).map(|number| json!({"title": format!("Row {number}")})).collect();
    let made = good(&kit, "create_pages", json!({"parent": source, "pages": rows})).await;
    let ids: Vec<&str> = made.lines().filter_map(|line| line.split(' ').nth(1)).take(30).collect();
    let row = json!({"title": "All", "properties": {"Blocked by": ids}});
    let made = good(&kit, "create_pages", json!({"parent": source, "pages": [row]})).await;
    let id = made.split(' ').nth(1).unwrap();
    let text = good(&kit, "fetch", json!({"ids": [id]})).await;
    let line = text.lines().find(|line| line.starts_with("Blocked by: ")).unwrap();
    assert!(ids.iter().all(|id| line.contains(id)), "{line}");
    assert!(!line.contains("more"), "{line}");
    kit.finish().await;
}

#[tokio::test]
async fn a_page_comes_out_of_the_trash_before_it_is_edited() {
    let kit = Kit::start().await;
    let id = page(&kit, "Back", "Old").await;
    good(&kit, "update_page", json!({"pages": [id], "trash": true})).await;
    let back = json!({"pages": [id], "trash": false, "append": "New"});
    good(&kit, "update_page", back).await;
    assert_eq!(markdown(&kit, &id).await, "Old\nNew");
    kit.finish().await;
}
