//! Writes a large made-up workspace, as `GET /_sandbox/state` would.

use std::io::Write;

use anyhow::Result;
use serde_json::{Value, json};

/// What a client needs to ask for it.
pub(super) struct Made {
    pub(super) token: String,
    pub(super) source: String,
    pub(super) pages: Vec<String>,
}

const BOT: &str = "00000000-0000-4000-8000-000000000001";
const PERSON: &str = "00000000-0000-4000-8000-000000000002";
const TIME: &str = "2026-01-05T09:00:00Z";
/// Properties of the table: name (also the id), type, settings.
const PLAIN: [(&str, &str); 4] =
    [("Notes", "rich_text"), ("Due", "date"), ("Ready", "checkbox"), ("Link", "url")];
const STAGES: [&str; 4] = ["Planned", "Doing", "Done", "Dropped"];

/// Writes a table of `pages` rows, each with `blocks` blocks, under one page.
pub(super) fn write(mut out: impl Write, pages: usize, blocks: usize) -> Result<Made> {
    let (root, database, source) = (id(1, 0, 0), id(2, 0, 0), id(3, 0, 0));
    let token = format!("ntn_sandbox{}", "B".repeat(39));
    let rows: Vec<String> = (0..pages).map(|page| id(4, page, 0)).collect();
    write_head(&mut out, &token, &root)?;
    let title = json!({"page": {"values": {"title": text("Large")}}});
    node(&mut out, &root, None, std::slice::from_ref(&database), &title, true)?;
    let container = json!({"database": {"title": text("Rows"), "description": []}});
    node(&mut out, &database, Some(&root), std::slice::from_ref(&source), &container, false)?;
    node(&mut out, &source, Some(&database), &rows, &table(), false)?;
    for (index, row) in rows.iter().enumerate() {
        let children: Vec<String> = (0..blocks).map(|block| id(6, index, block)).collect();
        node(&mut out, row, Some(&source), &children, &page(index), false)?;
        for (number, child) in children.iter().enumerate() {
            node(&mut out, child, Some(row), &[], &block(index, number), false)?;
        }
    }
    out.write_all(b"}}")?;
    out.flush()?;
    Ok(Made { token, source, pages: rows })
}

/// Writes `objects` pages in a tree, of which `in_blocks` stand in a toggle each. Gives a token.
pub(super) fn write_scattered(
    mut out: impl Write,
    objects: usize,
    in_blocks: usize,
) -> Result<String> {
    let token = format!("ntn_sandbox{}", "B".repeat(39));
    let page = |number: usize| id(4, number, 0);
    let toggle = |number: usize| id(6, number, 0);
    // The first ones stand in blocks of the top page, the others ten below each.
    let is_in_block = |number: usize| (1..=in_blocks).contains(&number);
    let parent = |number: usize| if is_in_block(number) { 0 } else { (number - 1) / 10 };
    let mut children = vec![Vec::new(); objects];
    for number in 1..objects {
        let child = if is_in_block(number) { toggle(number) } else { page(number) };
        children[parent(number)].push(child);
    }
    write_head(&mut out, &token, &page(0))?;
    for (number, below) in children.iter().enumerate() {
        let title = json!({"page": {"values": {"title": text(&format!("Page {number}"))}}});
        let above = match number {
            0 => None,
            _ if is_in_block(number) => Some(toggle(number)),
            _ => Some(page(parent(number))),
        };
        node(&mut out, &page(number), above.as_deref(), below, &title, number == 0)?;
        if is_in_block(number) {
            let body = json!({"rich_text": text("More"), "color": "default"});
            let block = json!({"block": {"kind": "toggle", "body": body}});
            node(&mut out, &toggle(number), Some(&page(0)), &[page(number)], &block, false)?;
        }
    }
    out.write_all(b"}}")?;
    out.flush()?;
    Ok(token)
}

/// What comes before the nodes: a workspace, and a connection that shares the page `root`.
fn write_head(out: &mut impl Write, token: &str, root: &str) -> Result<()> {
    let head = json!({
        "workspace": {
            "id": id(5, 0, 0),
            "name": "Large",
            "max_file_upload_size_in_bytes": 5_368_709_120_u64,
        },
        "clock": {},
        "ids": {"seed": 1, "drawn": 0},
        "people": {PERSON: {"id": PERSON, "name": "Ada", "email": "ada@acme.example"}},
        "connections": {BOT: {
            "bot_id": BOT,
            "name": "Bench",
            "token": token,
            "capabilities": ["read_content", "update_content", "insert_content"],
            "shared": [root],
            "owner": "workspace",
        }},
        "roots": [root],
        "comments": {},
    });
    let head = head.to_string();
    write!(out, "{},\"nodes\":{{", head.strip_suffix('}').unwrap_or(&head))?;
    Ok(())
}

/// An id of version 8: what it is for, and two numbers, scattered as real ids are.
fn id(kind: u64, page: usize, block: usize) -> String {
    let number = (kind << 48) ^ ((page as u64) << 20) ^ block as u64;
    let mixed = number.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    format!(
        "{:08x}-{:04x}-81{:02x}-{:04x}-{:012x}",
        mixed >> 32,
        mixed >> 16 & 0xffff,
        mixed >> 8 & 0xff,
        0x8000 | mixed & 0xff,
        number & 0xffff_ffff_ffff
    )
}

fn node(
    out: &mut impl Write,
    id: &str,
    parent: Option<&str>,
    children: &[String],
    content: &Value,
    is_first: bool,
) -> Result<()> {
    let parent = parent.map_or_else(|| json!("workspace"), |id| json!({"node": id}));
    let node = json!({
        "id": id,
        "parent": parent,
        "created_time": TIME,
        "created_by": PERSON,
        "last_edited_time": TIME,
        "last_edited_by": PERSON,
        "children": children,
        "content": content,
    });
    let comma = if is_first { "" } else { "," };
    Ok(write!(out, "{comma}\"{id}\":{node}")?)
}

fn text(content: &str) -> Value {
    json!([{
        "type": "text",
        "text": {"content": content, "link": null},
        "annotations": {
            "bold": false,
            "italic": false,
            "strikethrough": false,
            "underline": false,
            "code": false,
            "color": "default",
        },
    }])
}

fn table() -> Value {
    let property = |id: &str, name: &str, kind: &str, settings: Value| {
        json!({
            "id": id,
            "name": name,
            "description": null,
            "kind": kind,
            "settings": settings,
        })
    };
    let options: Vec<Value> = STAGES
        .iter()
        .map(|name| json!({"id": name, "name": name, "color": "default", "description": null}))
        .collect();
    let mut schema = json!({
        "title": property("title", "Name", "title", json!("plain")),
        "Stage": property(
            "Stage",
            "Stage",
            "select",
            json!({"choices": {"options": options, "groups": []}}),
        ),
        "Effort": property("Effort", "Effort", "number", json!({"number": {"format": "number"}})),
    });
    for (name, kind) in PLAIN {
        schema[name] = property(name, name, kind, json!("plain"));
    }
    json!({"data_source": {"title": text("Rows"), "description": [], "schema": schema}})
}

fn page(index: usize) -> Value {
    json!({"page": {"values": {
        "title": text(&format!("Row {index}: what was agreed on")),
        "Stage": STAGES[index % STAGES.len()],
        "Effort": index % 23,
        "Notes": text("A short note on what is to be done, and by whom."),
        "Due": {"start": "2026-03-01", "end": null, "time_zone": null},
        "Ready": index.is_multiple_of(2),
        "Link": "https://acme.example/rows",
    }}})
}

fn block(page: usize, number: usize) -> Value {
    let words = "The quick brown fox jumps over the lazy dog, and nobody wonders why any more.";
    let content = text(&format!("{page}.{number} {words}"));
    let (kind, body) = match number % 10 {
        0 => {
            let body = json!({"rich_text": content, "is_toggleable": false, "color": "default"});
            ("heading_2", body)
        }
        1..=3 => ("bulleted_list_item", json!({"rich_text": content, "color": "default"})),
        4 => ("to_do", json!({"rich_text": content, "checked": false, "color": "default"})),
        5 => ("divider", json!({})),
        _ => ("paragraph", json!({"rich_text": content, "icon": null, "color": "default"})),
    };
    json!({"block": {"kind": kind, "body": body}})
}
