//! Nonsense at the two routes that everybody reaches. A moment of it in every test run; as much as one
//! likes with `cargo xtask fuzz callback --seconds N`.

use std::time::{Duration, Instant};

use testkit::Kit;

use super::{Browser, back, exchanges, stored};

/// Pieces that mean something to somebody.
const PIECES: &[&str] = &[
    "code",
    "state",
    "error",
    "iss",
    "owner",
    "error_description",
    "=",
    "=",
    "=",
    "&",
    "&",
    "&",
    "?",
    "#",
    ";",
    "+",
    "%",
    "%00",
    "%0d%0a",
    "%ff",
    "%C0%AE",
    "<script>",
    "%3Cscript%3E",
    "\"",
    "'",
    "access_denied",
    "user",
    "workspace",
    "../",
    "https://evil.example",
    "ntn_canary_in_a_query",
    "\u{202e}",
    "é",
    "[]",
    "[0]",
    "{}",
    "null",
    "true",
    "-1",
    "99999999999999999999",
];

#[tokio::test]
async fn nonsense_never_gets_through() {
    let seconds = std::env::var("NOTEGATE_FUZZ_SECONDS").ok().and_then(|text| text.parse().ok());
    let seed = std::env::var("NOTEGATE_FUZZ_SEED").ok().and_then(|text| text.parse().ok());
    let mut dice = fastrand::Rng::with_seed(seed.unwrap_or(4));
    let kit = Kit::start().await;
    let browser = Browser::begin(&kit, "").await;
    let good = browser.approve(kit.demo.team_page_id).await;
    kit.forget_calls().await;
    let begun = Instant::now();
    let limit = seconds.map(Duration::from_secs);
    let mut count = 0_u32;
    while limit.map_or(count < 300, |limit| begun.elapsed() < limit) {
        count += 1;
        let query = escaped(&nonsense(&mut dice, &good));
        // The one query that is good is another test's.
        if query == good {
            continue;
        }
        let cookie = match dice.u8(0..4) {
            0 => String::new(),
            1 => format!("notegate_install={}", dice.u64(..)),
            _ => browser.cookie.clone(),
        };
        let headers = [("cookie", cookie.as_str())];
        let reply = if dice.bool() {
            back(&kit, &query, &headers).await
        } else {
            kit.raw("GET", &format!("/auth/notion?{query}"), &headers, None).await
        };
        let told = || format!("{query} with {cookie}: {} {}", reply.status, reply.text());
        assert!(matches!(reply.status, 302 | 400 | 403), "{}", told());
        if reply.status == 302 {
            let location = reply.header("location").unwrap();
            let notion = format!("{}/v1/oauth/authorize?", kit.sandbox.url());
            assert!(location.starts_with(&notion), "{}", told());
        }
        assert!(!reply.text().contains("<script"), "{}", told());
        assert!(!reply.text().contains("ntn_canary"), "{}", told());
    }
    assert_eq!(exchanges(&kit).await, 0, "a code was exchanged");
    assert!(stored(&kit).await.is_empty());
    if limit.is_some() {
        println!("{count} requests, none got through");
    }
    kit.finish().await;
}

/// The good query with something done to it, or nothing but pieces.
fn nonsense(dice: &mut fastrand::Rng, good: &str) -> String {
    let mut text = if dice.bool() { good.to_owned() } else { String::new() };
    for _ in 0..dice.usize(1..8) {
        let places: Vec<usize> =
            text.char_indices().map(|(at, _)| at).chain([text.len()]).collect();
        let at = places[dice.usize(..places.len())];
        match dice.u8(0..6) {
            0 => text.truncate(at),
            1 => drop(text.drain(..at)),
            2 => text.insert_str(at, &text.clone()),
            _ => text.insert_str(at, PIECES[dice.usize(..PIECES.len())]),
        }
        let mut end = text.len().min(3000);
        while !text.is_char_boundary(end) {
            end -= 1;
        }
        text.truncate(end);
    }
    text
}

/// What a client can put into the first line of a request.
fn escaped(text: &str) -> String {
    let mut out = String::new();
    for byte in text.bytes() {
        match byte {
            b'#' | b' ' | b'"' | b'<' | b'>' | b'`' | b'{' | b'}' | b'|' | b'\\' | b'^' => {
                out.push_str(&format!("%{byte:02X}"));
            }
            byte if byte.is_ascii_graphic() => out.push(char::from(byte)),
            byte => out.push_str(&format!("%{byte:02X}")),
        }
    }
    out
}
