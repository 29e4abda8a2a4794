//! Long calls: who hangs up ends them, and floods of openings leave nothing behind.

use std::time::Duration;

use serde_json::{Value, json};
use testkit::Kit;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::wire::{ERAS, ask, message};

/// Begins a call and hangs up before it is answered.
async fn begin(kit: &Kit, legacy: Option<&str>) -> TcpStream {
    let (headers, body) =
        message(legacy, "tools/call", json!({ "name": "API-get-self", "arguments": {} }));
    send(kit, "/mcp/official", &headers, &body).await
}

/// Sends a message on a connection of its own.
async fn send(kit: &Kit, path: &str, headers: &[(String, String)], body: &Value) -> TcpStream {
    let body = body.to_string();
    let mut head = format!(
        "POST {path} HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer {}\r\ncontent-length: {}\r\n",
        kit.admin,
        body.len()
    );
    for (name, value) in headers {
        head.push_str(&format!("{name}: {value}\r\n"));
    }
    let address = kit.url.strip_prefix("http://").unwrap();
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(format!("{head}\r\n{body}").as_bytes()).await.unwrap();
    stream
}

#[tokio::test]
async fn h16_mt_03_who_hangs_up_ends_the_call_to_notion() {
    let kit = Kit::start().await;
    for legacy in ERAS {
        let slow = json!({ "match": { "operation": "get-self" }, "latency_ms": 4000 });
        kit.control("POST", "faults", Some(&slow)).await;
        kit.forget_calls().await;
        let stream = begin(&kit, legacy).await;
        tokio::time::sleep(Duration::from_millis(300)).await;
        drop(stream);
        // Concluded long before Notion would have answered.
        let deadline = tokio::time::Instant::now() + Duration::from_secs(3);
        loop {
            let newest = kit.entries(3).await;
            let call = newest.iter().find(|entry| entry.operation == "get-self");
            if call.is_some() {
                break;
            }
            assert!(tokio::time::Instant::now() < deadline, "the call went on: {newest:?}");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        kit.control("DELETE", "faults", None).await;
        // The way to Notion is free.
        let params = json!({ "name": "API-get-self", "arguments": {} });
        let reply = ask(&kit, &kit.admin, "/mcp/official", legacy, "tools/call", params).await;
        assert_eq!(reply.status, 200, "{}", reply.text());
    }
    kit.finish().await;
}

#[tokio::test]
async fn mt_06_a_body_that_never_ends_is_not_waited_for_by_others() {
    let kit = Kit::start().await;
    let address = kit.url.strip_prefix("http://").unwrap();
    let mut slow = TcpStream::connect(address).await.unwrap();
    let head = format!(
        "POST /mcp HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer {}\r\ncontent-type: application/json\r\ncontent-length: 100\r\n\r\n{{",
        kit.admin
    );
    slow.write_all(head.as_bytes()).await.unwrap();
    let reply = ask(&kit, &kit.admin, "/mcp", None, "tools/list", json!({})).await;
    assert_eq!(reply.status, 200);
    let mut rest = [0; 16];
    let silent = tokio::time::timeout(Duration::from_millis(100), slow.read(&mut rest)).await;
    assert!(silent.is_err(), "answered before the body came");
    drop(slow);
    kit.finish().await;
}

/// What has come of a stream until `until` stands in it.
async fn read_until(stream: &mut TcpStream, until: &str) -> String {
    let (mut text, mut buffer) = (String::new(), [0; 4096]);
    while !text.contains(until) {
        let read = tokio::time::timeout(Duration::from_secs(20), stream.read(&mut buffer)).await;
        match read.expect("something comes in time").unwrap() {
            0 => panic!("the stream ended before `{until}`: {text}"),
            count => text.push_str(&String::from_utf8_lossy(&buffer[..count])),
        }
    }
    text
}

/// Begins a call that makes two pages, and wants to be told how far it is.
fn making_two(kit: &Kit, legacy: Option<&str>) -> (Vec<(String, String)>, Value) {
    let arguments =
        json!({ "parent": kit.demo.team_page_id, "pages": [{ "title": "A" }, { "title": "B" }] });
    let params = json!({
        "name": "create_pages", "arguments": arguments, "_meta": { "progressToken": "how far" },
    });
    message(legacy, "tools/call", params)
}

#[tokio::test]
async fn mt_04_h15_progress_comes_while_the_work_goes_on_and_the_answer_ends_the_stream() {
    let kit = Kit::start().await;
    for legacy in ERAS {
        let slow = json!({ "match": { "operation": "post-page" }, "latency_ms": 1500 });
        kit.control("POST", "faults", Some(&slow)).await;
        kit.forget_calls().await;
        let (headers, body) = making_two(&kit, legacy);
        let mut stream = send(&kit, "/mcp", &headers, &body).await;
        let first = read_until(&mut stream, "notifications/progress").await;
        // No page is made by now: the news were not kept back until there is an answer.
        let made = kit.calls().await;
        let made =
            made.iter().filter(|call| call["operation"] == "post-page" && call["status"] == 200);
        assert_eq!(made.count(), 0, "{first}");
        let head = first.to_lowercase();
        assert!(head.contains("content-type: text/event-stream"), "{first}");
        assert!(head.contains("x-accel-buffering: no"), "{first}");
        // What else comes: notifications of this request, one answer, and the end.
        let rest = read_until(&mut stream, "\r\n0\r\n\r\n").await;
        let whole = format!("{first}{rest}");
        let messages = whole.lines().filter_map(|line| line.strip_prefix("data:"));
        let messages = messages.filter(|data| !data.trim().is_empty());
        let messages: Vec<Value> =
            messages.map(|data| serde_json::from_str(data).unwrap()).collect();
        let (answer, news) = messages.split_last().unwrap();
        assert_eq!((&answer["id"], answer["result"]["isError"] == true), (&json!(1), false));
        let far: Vec<f64> =
            news.iter().map(|it| it["params"]["progress"].as_f64().unwrap()).collect();
        assert!(far.len() >= 2 && far.is_sorted(), "{far:?}");
        for it in news {
            assert_eq!(it["method"], "notifications/progress");
            assert_eq!(it["params"]["progressToken"], "how far");
            assert!(it.get("id").is_none(), "no requests on a stream: {it}");
        }
        kit.control("DELETE", "faults", None).await;
    }
    kit.finish().await;
}

#[tokio::test]
async fn mt_06_h15_nobody_can_hold_a_stream_open() {
    let kit = Kit::start().await;
    // There is nothing to listen to, so nobody does.
    for (legacy, method) in [
        (None, "subscriptions/listen"),
        (None, "resources/subscribe"),
        (Some("2025-11-25"), "resources/subscribe"),
        (Some("2025-11-25"), "logging/setLevel"),
    ] {
        let params = json!({ "uri": "notion://docs/values", "level": "info", "notifications": {} });
        let reply = ask(&kit, &kit.admin, "/mcp", legacy, method, params).await;
        assert!(reply.json()["error"]["code"].is_i64(), "{method}: {}", reply.text());
    }
    let told = ask(&kit, &kit.admin, "/mcp", None, "server/discover", json!({})).await.json();
    for (capability, declared) in told["result"]["capabilities"].as_object().unwrap() {
        for promise in ["listChanged", "subscribe"] {
            assert_ne!(declared[promise], true, "{capability}.{promise}");
        }
    }
    kit.finish().await;
}

#[tokio::test]
async fn mt_05_many_openings_leave_nothing_behind() {
    let kit = Kit::start().await;
    let resident = || {
        let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
        let line = status.lines().find(|line| line.starts_with("VmRSS")).unwrap_or_default();
        line.split_whitespace().nth(1).and_then(|kb| kb.parse::<u64>().ok()).unwrap_or(0)
    };
    let open = async |count: usize| {
        for _ in 0..count {
            let params = json!({
                "protocolVersion": "2025-11-25", "capabilities": {},
                "clientInfo": { "name": "test", "version": "1" },
            });
            let reply =
                ask(&kit, &kit.admin, "/mcp", Some("2025-11-25"), "initialize", params).await;
            assert_eq!(reply.status, 200);
        }
    };
    open(300).await;
    let before = resident();
    open(1500).await;
    let after = resident();
    // 50 kB each, as sessions cost, would be 75 MB.
    assert!(after < before + 20_000, "{before} kB before, {after} kB after");
    kit.finish().await;
}
