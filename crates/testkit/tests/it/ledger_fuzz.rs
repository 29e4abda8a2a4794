//! Nonsense for the reader of exports. A moment of it in every test run; as much as one likes with
//! `cargo xtask fuzz ledger --seconds N`.

use std::time::{Duration, Instant};

use ledger::{Checkpoint, Line, Terms, verify_export};
use serde_json::json;
use testkit::Kit;

#[tokio::test]
async fn no_damage_to_an_export_goes_unnoticed() {
    let seconds = std::env::var("NOTEGATE_FUZZ_SECONDS").ok().and_then(|text| text.parse().ok());
    let seed = std::env::var("NOTEGATE_FUZZ_SEED").ok().and_then(|text| text.parse().ok());
    let seed = seed.unwrap_or(5);
    let mut dice = fastrand::Rng::with_seed(seed);
    let kit = Kit::start().await;
    let page = format!("/v1/pages/{}", kit.demo.team_page_id);
    for _ in 0..5 {
        kit.get(&kit.admin, &page).await;
        kit.patch(&kit.admin, &page, &json!({"icon": {"emoji": "🔥"}})).await;
    }
    kit.clock.advance(Duration::from_secs(3600));
    kit.entries(1).await;
    let body = json!({ "before": "2026-09-21T15:00:00Z" });
    let dropped = kit.as_operator("POST", "/api/v1/audit/prune", None, Some(&body)).await;
    assert!(dropped.json()["entries"].as_u64().unwrap() > 5, "{}", dropped.text());
    for _ in 0..5 {
        kit.patch(&kit.admin, &page, &json!({"icon": null})).await;
    }
    kit.entries(1).await;
    let good = kit.get(&kit.admin, "/api/v1/audit/export").await.bytes.to_vec();
    let kept = last_checkpoint(&good);
    kit.finish().await;

    let key = Some(kept.public_key.clone());
    let all_terms = [
        Terms { public_key: key.clone(), ..Terms::default() },
        Terms { public_key: key, part: true, ..Terms::default() },
        Terms { kept: vec![kept], ..Terms::default() },
    ];
    for terms in &all_terms {
        assert!(verify_export(&good[..], terms, &mut |_| {}).unwrap().verdict.intact);
    }
    let began = Instant::now();
    let (mut rounds, mut refused) = (0, 0);
    while seconds.map_or(rounds < 2000, |seconds| began.elapsed() < Duration::from_secs(seconds)) {
        rounds += 1;
        let mut bytes = good.clone();
        for _ in 0..dice.usize(1..4) {
            damage(&mut bytes, &mut dice);
        }
        if bytes == good {
            continue;
        }
        let terms = dice.choice(&all_terms).unwrap();
        match verify_export(&bytes[..], terms, &mut |_| {}) {
            Err(_) => refused += 1,
            Ok(checked) => {
                // A part may be any piece of the good text; then it says that it is one.
                let is_piece = terms.part && !checked.unproven.is_empty();
                let only_breaks = said(&bytes) == said(&good);
                assert!(
                    !checked.verdict.intact || is_piece || only_breaks,
                    "seed {seed}, round {rounds}: {checked:?}\n{}",
                    String::from_utf8_lossy(&bytes)
                );
            }
        }
    }
    println!("{rounds} damaged exports, {refused} of them no exports any more; seed {seed}");
}

fn last_checkpoint(export: &[u8]) -> Checkpoint {
    let last = export.trim_ascii_end().split(|byte| *byte == b'\n').next_back().unwrap();
    match Line::read(last).unwrap() {
        Line::Checkpoint { checkpoint } => checkpoint,
        other => panic!("{other:?}"),
    }
}

/// What the lines of a text say: empty ones nothing, and a checkpoint said twice no more than once.
fn said(text: &[u8]) -> Vec<Vec<u8>> {
    let lines = text.split(|byte| *byte == b'\n');
    let lines = lines.map(|line| line.strip_suffix(b"\r").unwrap_or(line).to_vec());
    let mut lines: Vec<_> = lines.filter(|line| !line.is_empty()).collect();
    lines.dedup();
    lines
}

fn damage(bytes: &mut Vec<u8>, dice: &mut fastrand::Rng) {
    if bytes.is_empty() {
        return;
    }
    let place = dice.usize(..bytes.len());
    let mut lines: Vec<Vec<u8>> =
        bytes.split_inclusive(|byte| *byte == b'\n').map(<[u8]>::to_vec).collect();
    let line = dice.usize(..lines.len());
    match dice.u8(..9) {
        0 => bytes[place] ^= 1 << dice.u8(..8),
        1 => bytes[place] = dice.u8(..),
        2 => drop(bytes.remove(place)),
        3 => bytes.insert(place, dice.u8(..)),
        4 => bytes.truncate(place),
        5 => {
            lines.remove(line);
            *bytes = lines.concat();
        }
        6 => {
            lines.insert(line, lines[dice.usize(..lines.len())].clone());
            *bytes = lines.concat();
        }
        7 => {
            let other = dice.usize(..lines.len());
            lines.swap(line, other);
            *bytes = lines.concat();
        }
        _ => {
            // A number, a letter or a sign that means something, for another.
            let pieces = [&b"0"[..], b"9", b"e5", b"null", b"\"", b"{", b"}", b"\\u0000", b"\xff"];
            let piece = dice.choice(pieces).unwrap();
            bytes.splice(place..place + 1, piece.iter().copied());
        }
    }
}
