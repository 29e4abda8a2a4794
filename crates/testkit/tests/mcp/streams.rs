//! Long calls: who hangs up ends them, and floods of openings leave nothing behind.

use std::time::Duration;

use serde_json::json;
use testkit::Kit;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::wire::{ERAS, ask, message};

/// Begins a call and hangs up before it is answered.
async fn begin(kit: &Kit, legacy: Option<&str>) -> TcpStream {
    let (headers, body) =
        message(legacy, "tools/call", json!({ "name": "API-get-self", "arguments": {} }));
    let body = body.to_string();
    let mut head = format!(
        "POST /mcp/official HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer {}\r\ncontent-length: {}\r\n",
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
