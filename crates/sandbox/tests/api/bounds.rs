//! Small requests that ask for much work are answered. What takes too long hangs, and the runner of the
//! tests ends what hangs; how long things take is for benchmarks.

use std::fmt::Write;

use serde_json::{Value, json};

use crate::bench::{Answer, Bench};

/// Carried out or refused, but answered.
#[track_caller]
fn answered(what: &str, answer: &Answer) {
    assert!([200, 400].contains(&answer.status), "{what}: {} {}", answer.status, answer.body);
}

#[tokio::test]
async fn awkward_markdown_is_answered() {
    let bench = Bench::new();
    let fill = |piece: &str| piece.repeat(12_000 / piece.len());
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
        let body = json!({"parent": parent, "markdown": text});
        let answer = bench.call("POST", "/v1/pages", body).await;
        answered(&what, &answer);
        if answer.status == 200 {
            answered(&what, &bench.get(&format!("/v1/pages/{}/markdown", answer.id())).await);
        }
    }
}

#[tokio::test]
async fn deep_and_wide_bodies_are_answered() {
    let bench = Bench::new();
    let leaf = json!({"property": "Status", "status": {"equals": "Done"}});
    let deep = (0..100).fold(leaf.clone(), |inner, _| json!({"and": [inner]}));
    let wide = json!({"or": vec![json!({"and": vec![leaf; 60]}); 60]});
    for (what, filter) in [("deep", deep), ("wide", wide)] {
        answered(what, &bench.query(json!({"filter": filter})).await);
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
        let body = json!({"properties": {"F": {"formula": {"expression": expression}}}});
        let path = format!("/v1/data_sources/{}", bench.demo.data_source_id);
        answered(what, &bench.call("PATCH", &path, body).await);
        answered(what, &bench.query(Value::Null).await);
    }
    let text = "x".repeat(1900);
    let body = json!({"children": vec![json!({"paragraph": {"rich_text": vec![json!({"text": {"content": text}}); 100]}}); 2]});
    let path = format!("/v1/blocks/{}/children", bench.demo.team_page_id);
    answered("rich text", &bench.call("PATCH", &path, body).await);
}
