//! Small requests that ask for much work: each is answered soon, whatever the answer is.

use std::fmt::Write;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::bench::Bench;

/// Far more than any of them takes in a build that is not optimised on a busy machine, and far less
/// than what takes the square of its input.
const LIMIT: Duration = Duration::from_secs(20);

async fn soon(what: &str, work: impl AsyncFnOnce()) {
    let start = Instant::now();
    work().await;
    let took = start.elapsed();
    println!("{what}: {took:?}");
    assert!(took < LIMIT, "{what} took {took:?}");
}

#[tokio::test]
async fn long_markdown_is_read_in_time() {
    let bench = Bench::new();
    let fill = |piece: &str| piece.repeat(60_000 / piece.len());
    let mut nested = String::new();
    for depth in 0..2000 {
        let _ = writeln!(nested, "{}- a", "\t".repeat(depth % 200));
    }
    let texts = [
        fill("*"),
        fill("_a "),
        fill("**a "),
        fill("["),
        fill("[a]("),
        fill("![a]("),
        fill("`a"),
        fill("<"),
        fill("<span "),
        fill("<a>"),
        fill("<callout>\n"),
        fill("> "),
        fill("$"),
        fill("$`a"),
        fill("\\"),
        fill(":a:"),
        fill("~~a"),
        fill("|a"),
        fill("|a\n"),
        fill("- "),
        fill("\n"),
        fill("[^a"),
        fill("a\n\n"),
        fill("<table>\n<tr>"),
        fill("</span>"),
        fill("```\n"),
        fill("https://a "),
        fill("]("),
        fill("{a"),
        nested,
    ];
    for text in texts {
        let parent = json!({"page_id": bench.demo.team_page_id});
        let what: String = text.chars().take(12).collect();
        soon(&format!("{what:?}"), async || {
            let body = json!({"parent": parent, "markdown": text});
            let answer = bench.call("POST", "/v1/pages", body).await;
            if answer.status == 200 {
                bench.get(&format!("/v1/pages/{}/markdown", answer.id())).await;
            }
        })
        .await;
    }
}

#[tokio::test]
async fn deep_and_wide_bodies_are_read_in_time() {
    let bench = Bench::new();
    let leaf = json!({"property": "Status", "status": {"equals": "Done"}});
    let deep = (0..100).fold(leaf.clone(), |inner, _| json!({"and": [inner]}));
    let wide = json!({"or": vec![json!({"and": vec![leaf; 60]}); 60]});
    for (what, filter) in [("deep", deep), ("wide", wide)] {
        soon(what, async || {
            bench.query(json!({"filter": filter})).await;
        })
        .await;
    }
    for (what, expression) in [
        ("parentheses", "(".repeat(20_000)),
        ("sum", "1+".repeat(20_000) + "1"),
        ("nots", "not ".repeat(20_000)),
        ("text", format!("\"{}\"", "a".repeat(50_000))),
        ("growth", "repeat(".repeat(30) + "\"aaaaaaaaaa\"" + &", 100)".repeat(30)),
        ("maps", "map([1,2,3,4,5,6,7,8,9],".repeat(30) + "1" + &")".repeat(30)),
        ("lets", "let(a, concat([1,2,3,4], [1,2,3,4]), ".repeat(50) + "1" + &")".repeat(50)),
    ] {
        soon(what, async || {
            let body = json!({"properties": {"F": {"formula": {"expression": expression}}}});
            let path = format!("/v1/data_sources/{}", bench.demo.data_source_id);
            bench.call("PATCH", &path, body).await;
            bench.query(Value::Null).await;
        })
        .await;
    }
    let text = "x".repeat(1900);
    let body = json!({"children": vec![json!({"paragraph": {"rich_text": vec![json!({"text": {"content": text}}); 100]}}); 2]});
    soon("rich text", async || {
        bench
            .call("PATCH", &format!("/v1/blocks/{}/children", bench.demo.team_page_id), body)
            .await;
    })
    .await;
}
