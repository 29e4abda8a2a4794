//! Nonsense at the door, signed and unsigned. A moment of it in every test run; as much as one likes with
//! `cargo xtask fuzz webhooks --seconds N`.

use std::time::{Duration, Instant};

use gate::WebhookSettings;
use notion::webhook::Signature;
use testkit::Kit;

use super::{URL, event, events, id, pair};

/// Pieces that mean something to somebody.
const PIECES: &[&str] = &[
    "{",
    "}",
    "[",
    "]",
    "\"",
    ":",
    ",",
    "null",
    "true",
    "-1",
    "1e999",
    "99999999999999999999",
    "\\",
    "\\u0000",
    "\\ud800",
    "\u{0}",
    "\u{202e}",
    "é",
    "\"type\":",
    "\"id\":",
    "\"entity\":",
    "\"data\":",
    "\"challenge\":",
    "\"verification_token\":",
    "\"url_verification\"",
    "\"page.created\"",
    "secret_canary_in_a_body",
    "../",
    "<script>",
    " ",
    "\n",
];
const HEADER_PIECES: &[&str] =
    &["sha256=", "sha1=", "=", ",", "0", "f", "F", "g", " ", "-", "+", "%", "=="];

#[tokio::test]
async fn nonsense_is_never_taken_unsigned_and_breaks_nothing_signed() {
    let seconds = std::env::var("NOTEGATE_FUZZ_SECONDS").ok().and_then(|text| text.parse().ok());
    let seed = std::env::var("NOTEGATE_FUZZ_SEED").ok().and_then(|text| text.parse().ok());
    let mut dice = fastrand::Rng::with_seed(seed.unwrap_or(7));
    let kit = Kit::start_with(|options| {
        options.webhooks = WebhookSettings {
            unproven_per_minute: u32::MAX,
            signed_per_minute: u32::MAX,
            ..options.webhooks.clone()
        };
    })
    .await;
    let token = pair(&kit).await.token;
    kit.delete(&kit.admin, "/api/v1/webhooks/pairing").await;
    let good = event(&kit, 1, "page.created", &id(2), 1).to_string();
    let begun = Instant::now();
    let limit = seconds.map(Duration::from_secs);
    let (mut count, mut taken) = (0_u32, 0_usize);
    while limit.map_or(count < 600, |limit| begun.elapsed() < limit) {
        count += 1;
        let body = nonsense(&mut dice, &good, PIECES);
        let fits = Signature::of(&token.clone().into(), body.as_bytes()).to_header();
        let header = match dice.u8(0..4) {
            0 => None,
            1 => Some(nonsense(&mut dice, &fits, HEADER_PIECES)),
            _ => Some(fits.clone()),
        };
        // What no client can send is another test's.
        let header = header.filter(|text| http::HeaderValue::from_str(text).is_ok());
        let is_signed = header.as_ref().is_some_and(|text| text.trim() == fits);
        let mut headers = vec![("content-type", "application/json")];
        headers.extend(header.as_deref().map(|text| ("x-notion-signature", text)));
        let reply = kit.raw("POST", URL, &headers, Some(body.clone())).await;
        let told = || format!("{header:?} {body:?}: {} {}", reply.status, reply.text());
        let is_echo = reply.status == 200 && reply.json().get("challenge").is_some();
        let is_case = header.as_ref().is_some_and(|text| text.eq_ignore_ascii_case(&fits));
        if is_signed || is_case {
            assert!(matches!(reply.status, 200 | 400 | 401 | 403), "{}", told());
            taken += usize::from(reply.status == 200 && !is_echo);
        } else {
            assert!(is_echo || matches!(reply.status, 401 | 403), "{}", told());
        }
        assert!(is_echo || !reply.text().contains("secret_canary"), "{}", told());
    }
    let kept = events(&kit, "").await.len();
    assert!(kept <= taken && kept < 1000, "{kept} of {taken}");
    if limit.is_some() {
        println!("{count} requests, {taken} of them signed events");
    }
    kit.finish().await;
}

/// The good text with something done to it, or nothing but pieces.
fn nonsense(dice: &mut fastrand::Rng, good: &str, pieces: &[&str]) -> String {
    let mut text = if dice.u8(0..4) > 0 { good.to_owned() } else { String::new() };
    for _ in 0..dice.usize(0..6) {
        let places: Vec<usize> =
            text.char_indices().map(|(at, _)| at).chain([text.len()]).collect();
        let at = places[dice.usize(..places.len())];
        match dice.u8(0..8) {
            0 => text.truncate(at),
            1 => drop(text.drain(..at)),
            2 if text.len() < 4000 => text.insert_str(at, &text.clone()),
            _ => text.insert_str(at, pieces[dice.usize(..pieces.len())]),
        }
    }
    text
}
