//! No shape of Notion's lets through what stands outside: canaries in random answers.

use notion::{Id, Operation};
use proptest::prelude::*;
use serde_json::{Value, json};

use super::eyes::Eyes;
use super::sweep::sweep;
use super::titles::Title;
use super::walk::{Strange, Walk};

/// The id of something outside, and its title.
const OUT: &str = "0a1b2c3d-4e5f-4a6b-8c7d-9e0f1a2b3c4d";
const OUT_PLAIN: &str = "0a1b2c3d4e5f4a6b8c7d9e0f1a2b3c4d";
const SECRET: &str = "Quartz";
const IN: &str = "38c9ce7b-60a4-81d7-9c8f-0027e2be250c";
const USER: &str = "5e1b2c3d-4e5f-4a6b-8c7d-9e0f1a2b3c4d";

/// An answer as it is cut down for a caller that sees `IN` and nothing else.
fn cut(operation: &str, answer: &Value) -> Result<Value, Strange> {
    let mut eyes = Eyes::default();
    let inside = Id::parse(IN).unwrap();
    eyes.note(inside, true);
    let plain = Title::of(&json!({"object": "page", "id": IN, "properties": {
        "Name": {"type": "title", "title": [{"type": "text", "plain_text": "Plan"}]},
    }}));
    eyes.note_title(inside, plain.map(|(_, title)| title));
    let (pseudonym, source_of) = (|_| Id::NIL, |_| None);
    let mut shown = answer.clone();
    let mut walk = Walk {
        eyes: &mut eyes,
        pseudonym: &pseudonym,
        source_of: &source_of,
        names_unsupported: true,
    };
    walk.answer(Operation::named(operation).unwrap(), &mut shown)?;
    sweep(&mut eyes, &shown)?;
    Ok(shown)
}

fn link(to: &str) -> String {
    format!("https://www.notion.so/{SECRET}-{}", to.replace('-', ""))
}

fn annotated(kind: &str, member: Value, text: &str, href: Value) -> Value {
    json!({
        "type": kind, kind: member, "annotations": {"bold": true, "color": "default"},
        "plain_text": text, "href": href,
    })
}

fn run() -> impl Strategy<Value = Value> {
    let words = annotated("text", json!({"content": "words", "link": null}), "words", Value::Null);
    let mention = |kind: &str, member: Value, text: &str| {
        annotated("mention", json!({"type": kind, kind: member}), text, link(OUT).into())
    };
    prop_oneof![
        Just(words),
        Just(annotated(
            "text",
            json!({"content": "words", "link": {"url": link(OUT)}}),
            "words",
            link(OUT).into(),
        )),
        Just(annotated(
            "equation",
            json!({"expression": "x"}),
            "x",
            format!("/{OUT_PLAIN}").into()
        )),
        Just(mention("page", json!({ "id": OUT }), SECRET)),
        Just(mention("database", json!({ "id": OUT }), SECRET)),
        Just(mention("agent", json!({ "id": OUT }), SECRET)),
        Just(mention("link_preview", json!({ "url": link(OUT) }), SECRET)),
        Just(mention("link_mention", json!({"href": link(OUT), "title": SECRET}), SECRET)),
        Just(annotated("hologram", json!({ "id": OUT }), SECRET, Value::Null)),
        Just(annotated(
            "mention",
            json!({"type": "user", "user": {"object": "user", "id": USER, "name": "Ada"}}),
            "@Ada",
            Value::Null,
        )),
    ]
}

fn runs() -> impl Strategy<Value = Value> {
    prop::collection::vec(run(), 0..4).prop_map(Value::from)
}

fn parent() -> impl Strategy<Value = Value> {
    prop_oneof![
        Just(json!({"type": "page_id", "page_id": IN})),
        Just(json!({"type": "page_id", "page_id": OUT})),
        Just(json!({"type": "block_id", "block_id": OUT})),
        Just(json!({"type": "database_id", "database_id": OUT})),
        Just(json!({"type": "data_source_id", "data_source_id": OUT, "database_id": OUT})),
        Just(json!({"type": "data_source_id", "data_source_id": IN, "database_id": OUT})),
        Just(json!({"type": "agent_id", "agent_id": OUT})),
        Just(json!({"type": "workspace", "workspace": true})),
        Just(json!({ "space_id": OUT })),
        Just(json!(OUT)),
    ]
}

fn file() -> impl Strategy<Value = Value> {
    prop_oneof![
        Just(Value::Null),
        Just(json!({"type": "emoji", "emoji": "x"})),
        Just(json!({"type": "external", "external": {"url": link(OUT)}})),
        Just(json!({"type": "external", "external": {"url": "https://example.com/a.png"}})),
        Just(json!({"type": "file", "file": {"url": link(OUT), "expiry_time": "x"}})),
    ]
}

/// Something that nobody knows, under a name that nobody knows.
fn strange() -> impl Strategy<Value = (String, Value)> {
    let leaf = prop_oneof![
        Just(json!(OUT)),
        Just(json!(OUT_PLAIN)),
        Just(json!(link(OUT))),
        Just(json!(IN)),
        Just(json!(7)),
    ];
    let value = leaf.prop_recursive(3, 12, 3, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..3).prop_map(Value::from),
            ("x_[a-z]{1,6}", inner).prop_map(|(name, value)| json!({ name: value })),
        ]
    });
    ("x_[a-z]{1,6}", value)
}

fn block() -> impl Strategy<Value = Value> {
    let body = prop_oneof![
        (prop::sample::select(vec!["paragraph", "to_do", "quote", "code"]), runs())
            .prop_map(|(kind, runs)| (kind, json!({"rich_text": runs, "caption": []}))),
        (runs(), runs()).prop_map(|(a, b)| ("table_row", json!({ "cells": [a, b] }))),
        (runs(), file())
            .prop_map(|(runs, icon)| ("callout", json!({"rich_text": runs, "icon": icon}))),
        Just(("link_to_page", json!({"type": "page_id", "page_id": OUT}))),
        Just(("link_to_page", json!({"type": "comment_id", "comment_id": OUT}))),
        Just(("link_to_page", json!({"type": "space_id", "space_id": OUT}))),
        Just(("synced_block", json!({"synced_from": {"type": "block_id", "block_id": OUT}}))),
        Just(("synced_block", json!({"synced_from": {"type": "odd", "odd": OUT}}))),
        runs().prop_map(|caption| ("bookmark", json!({"url": link(OUT), "caption": caption}))),
        runs().prop_map(|caption| ("embed", json!({"url": link(IN), "caption": caption}))),
        Just(("link_preview", json!({ "url": link(OUT) }))),
        runs().prop_map(|caption| (
            "image",
            json!({"type": "external", "external": {"url": link(OUT)}, "caption": caption}),
        )),
        Just(("hologram", json!({"title": SECRET, "id": OUT}))),
        Just(("ai_block", json!({ "rich_text": SECRET }))),
    ];
    (body, parent(), prop::option::of(strange())).prop_map(|((kind, body), parent, strange)| {
        let mut block = json!({
            "object": "block", "id": IN, "parent": parent,
            "created_by": {"object": "user", "id": USER}, "has_children": true,
            "type": kind, kind: body,
        });
        if let Some((name, value)) = strange {
            block[name] = value;
        }
        block
    })
}

fn page() -> impl Strategy<Value = Value> {
    let files = prop::collection::vec(
        file().prop_map(|file| {
            let mut file = if file.is_null() { json!({}) } else { file };
            file["name"] = "a.png".into();
            file
        }),
        0..3,
    );
    (runs(), runs(), files, (parent(), file(), file()), prop::option::of(strange())).prop_map(
        |(title, text, files, (parent, icon, cover), strange)| {
            let mut page = json!({
                "object": "page", "id": IN, "parent": parent, "icon": icon, "cover": cover,
                "created_by": {"object": "user", "id": USER},
                "properties": {
                    "Name": {"id": "title", "type": "title", "title": title},
                    "parent": {"id": "a", "type": "rich_text", "rich_text": text},
                    "Files": {"id": "b", "type": "files", "files": files},
                    "People": {"id": "c", "type": "people", "people": [{"object": "user", "id": USER}]},
                    "Rolled": {"id": "d", "type": "rollup", "rollup": {"type": "array", "array": [
                        {"type": "rich_text", "rich_text": text},
                    ]}},
                },
                "url": link(IN).replace(SECRET, "Plan"), "public_url": link(OUT),
            });
            // The address holds the title, and that what it mentions.
            let mentions = page["properties"]["Name"]["title"].to_string().contains(SECRET);
            if mentions {
                page["url"] = link(IN).into();
            }
            if let Some((name, value)) = strange {
                page[name] = value;
            }
            page
        },
    )
}

fn comment() -> impl Strategy<Value = Value> {
    (runs(), parent(), prop::sample::select(vec!["rich_text", "text"])).prop_map(
        |(runs, parent, name)| {
            json!({
                "object": "comment", "id": IN, "parent": parent, "discussion_id": IN, name: runs,
                "created_by": {"object": "user", "id": USER},
            })
        },
    )
}

fn answer() -> impl Strategy<Value = Value> {
    let one = prop_oneof![block(), page(), comment()].boxed();
    prop_oneof![
        one.clone(),
        prop::collection::vec(one.clone(), 0..4).prop_map(|results| json!({
            "object": "list", "results": results, "next_cursor": OUT, "has_more": true,
            "type": "block", "block": {}, "request_id": USER,
        })),
        one.prop_map(|result| json!({"object": "async_task", "id": "task_1", "result": result})),
        runs().prop_map(|runs| json!({"object": "hologram", "id": IN, "rich_text": runs})),
        runs().prop_map(|runs| json!({
            "object": "property_item", "type": "title", "id": "title",
            "title": runs.get(0).cloned().unwrap_or_default(),
        })),
    ]
}

proptest! {
    #[test]
    fn no_canary_is_in_what_is_shown(mut answer in answer()) {
        // A cursor is Notion's own word for where to go on.
        if answer.get("next_cursor").is_some() {
            answer["next_cursor"] = Value::Null;
        }
        if let Ok(shown) = cut("get-block-children", &answer) {
            let text = shown.to_string();
            for canary in [OUT, OUT_PLAIN, SECRET] {
                // The words of a link that leads inside are the address's own.
                let text = text.replace(&link(IN), "");
                prop_assert!(!text.contains(canary), "{canary} in {text}, of {answer}");
            }
        }
    }
}

#[test]
fn what_is_known_is_shown_and_the_rest_is_not() {
    let words = annotated("text", json!({"content": "a", "link": null}), "a", Value::Null);
    let block = json!({
        "object": "block", "id": IN, "parent": {"type": "page_id", "page_id": IN},
        "has_children": false, "type": "paragraph", "paragraph": {"rich_text": [words]},
    });
    assert_eq!(cut("retrieve-a-block", &block).unwrap(), block);
    let mut odd = block.clone();
    odd["type"] = "hologram".into();
    odd["hologram"] = json!({ "secret": SECRET });
    let shown = cut("retrieve-a-block", &odd).unwrap();
    assert_eq!(shown["unsupported"], json!({"block_type": "hologram"}));
    assert!(!shown.to_string().contains(SECRET));

    let mut stray = block.clone();
    stray["stray"] = json!({"deep": [OUT]});
    assert!(matches!(cut("retrieve-a-block", &stray), Err(Strange::Outside(_))));
    let object = json!({"object": "hologram", "id": IN});
    assert!(matches!(cut("retrieve-a-block", &object), Err(Strange::Object(_))));
    let dashboards = json!({"object": "list", "results": [{"object": "hologram"}]});
    assert!(cut("get-block-children", &dashboards).is_err());
}

#[test]
fn a_row_of_a_root_names_a_database_that_nobody_has() {
    let row = json!({
        "object": "page", "id": IN, "properties": {},
        "parent": {"type": "data_source_id", "data_source_id": IN, "database_id": OUT},
    });
    let shown = cut("retrieve-a-page", &row).unwrap();
    assert_eq!(shown["parent"]["data_source_id"], IN);
    assert_eq!(shown["parent"]["database_id"], Id::NIL.to_string());
    let mut above = row.clone();
    above["parent"]["data_source_id"] = OUT.into();
    let shown = cut("retrieve-a-page", &above).unwrap();
    assert_eq!(shown["parent"], json!({"type": "workspace", "workspace": true}));
}
