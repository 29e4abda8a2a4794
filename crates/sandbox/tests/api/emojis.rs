//! Custom emojis: listed, named, and shown where they are used.
use serde_json::{Value, json};

use crate::bench::Bench;

#[tokio::test]
async fn emojis_are_listed_by_name_and_in_pages() {
    let bench = Bench::new();
    let all = bench.get("/v1/custom_emojis").await.ok();
    assert_eq!(all.keys(), ["object", "type", "results", "has_more", "next_cursor", "request_id"]);
    assert_eq!(all.body["results"].as_array().unwrap().len(), 3);
    let made = bench.control("POST", "emojis", json!({"name": "larch tree"})).await.ok();
    assert!(made.body["url"].as_str().unwrap().ends_with("/larch%20tree.png"));
    let named = bench.get("/v1/custom_emojis?name=larch+tree").await.ok();
    assert_eq!(named.body["results"], json!([made.body]));
    assert_eq!(bench.get("/v1/custom_emojis?name=nobody").await.ok().body["results"], json!([]));
    let first = bench.get("/v1/custom_emojis?page_size=3").await.ok();
    assert_eq!(first.body["next_cursor"], made.body["id"]);
    let rest = format!("/v1/custom_emojis?start_cursor={}", made.id());
    assert_eq!(bench.get(&rest).await.ok().body["results"], json!([made.body]));
    for bad in [json!({}), json!({"name": ""}), json!({"name": "x", "url": "nowhere"})] {
        assert_eq!(bench.control("POST", "emojis", bad).await.status, 400);
    }
}

#[tokio::test]
async fn icons_and_mentions_show_the_emoji_that_they_name() {
    let bench = Bench::new();
    let made = bench
        .control("POST", "emojis", json!({"name": "larch", "url": "https://example.com/l.png"}))
        .await
        .ok();
    let page = bench.demo.team_page_id;
    let icon = json!({"icon": {"type": "custom_emoji", "custom_emoji": {"id": made.id()}}});
    let shown = bench.call("PATCH", &format!("/v1/pages/{page}"), icon).await.ok();
    assert_eq!(shown.body["icon"]["custom_emoji"], made.body);
    let mention = json!({"type": "mention", "mention": {
        "type": "custom_emoji", "custom_emoji": {"id": made.id()},
    }});
    let children = json!({"children": [{"paragraph": {"rich_text": [mention]}}]});
    let path = format!("/v1/blocks/{page}/children");
    let block = bench.call("PATCH", &path, children).await.ok();
    let run: &Value = &block.body["results"][0]["paragraph"]["rich_text"][0];
    assert_eq!(run["mention"]["custom_emoji"], made.body);
    assert_eq!(run["plain_text"], ":larch:");
}

#[tokio::test]
async fn markdown_names_emojis_between_colons() {
    let bench = Bench::new();
    let made = bench.control("POST", "emojis", json!({"name": "larch-tree"})).await.ok();
    let page = json!({
        "parent": {"page_id": bench.demo.team_page_id},
        "markdown": "A :larch-tree: and :no-such:.",
    });
    let id = bench.call("POST", "/v1/pages", page).await.ok().id();
    let below = async || bench.get(&format!("/v1/blocks/{id}/children")).await.ok().body;
    let runs = below().await["results"][0]["paragraph"]["rich_text"].clone();
    assert_eq!(runs[1]["mention"]["custom_emoji"], made.body);
    assert_eq!(runs[2]["plain_text"], " and :no-such:.");
    let path = format!("/v1/pages/{id}/markdown");
    let read = bench.get(&path).await.ok().body["markdown"].clone();
    assert_eq!(read, "A :larch-tree: and :no-such:.");
    let more = json!({"type": "insert_content", "insert_content": {"content": "More :shipped:"}});
    bench.call("PATCH", &path, more).await.ok();
    let last = below().await["results"][1]["paragraph"]["rich_text"][1].clone();
    assert_eq!(last["mention"]["custom_emoji"]["name"], "shipped");
    // One that is named by its id alone reads by its name.
    let mention = json!({"type": "mention", "mention": {
        "type": "custom_emoji", "custom_emoji": {"id": made.id()},
    }});
    let children = json!({"children": [{"paragraph": {"rich_text": [mention]}}]});
    bench.call("PATCH", &format!("/v1/blocks/{id}/children"), children).await.ok();
    let read = bench.get(&path).await.ok().body["markdown"].clone();
    assert!(read.as_str().unwrap().ends_with(":larch-tree:"), "{read}");
    let comment = json!({"parent": {"page_id": id}, "markdown": ":shipped:"});
    let comment = bench.call("POST", "/v1/comments", comment).await.ok();
    assert_eq!(comment.body["rich_text"][0]["mention"]["custom_emoji"]["name"], "shipped");
}

#[tokio::test]
async fn an_icon_is_an_emoji_or_one_of_notions_own_in_its_colours() {
    let bench = Bench::new();
    let path = format!("/v1/pages/{}", bench.demo.team_page_id);
    for emoji in ["👍🏽", "❤️", "1️⃣", "🇩🇪", "ℹ️", "Ⓜ️"] {
        let shown = bench.call("PATCH", &path, json!({"icon": {"emoji": emoji}})).await.ok();
        assert_eq!(shown.body["icon"]["emoji"], emoji);
    }
    for text in ["x", "", ":tada:", "1", "é", "字"] {
        let refused = bench.call("PATCH", &path, json!({"icon": {"emoji": text}})).await;
        assert_eq!(refused.status, 400, "{text}");
        assert!(refused.message().starts_with("body failed validation: body.icon.emoji should be"));
    }
    let icon = |color: &str| json!({"icon": {"icon": {"name": "pizza", "color": color}}});
    let shown = bench.call("PATCH", &path, icon("lightgray")).await.ok();
    assert_eq!(shown.body["icon"]["icon"]["color"], "lightgray");
    let refused = bench.call("PATCH", &path, icon("mauve")).await;
    assert!(refused.message().contains("body.icon.icon.color should be `\"gray\"`"));
}
