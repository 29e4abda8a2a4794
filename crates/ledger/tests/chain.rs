//! A changed, deleted or swapped entry breaks the chain, and the place is named.

#![expect(clippy::unwrap_used, reason = "test helpers")]

use jiff::Timestamp;
use ledger::{Chain, Draft, Entry, Fault, Head, Meta, Outcome, Resource, Signer, Verifier};
use ledger::{Row, Terms, csv_line};

fn draft(number: i64) -> Draft {
    Draft {
        at: Timestamp::from_microsecond(1_700_000_000_000_000 + number).unwrap(),
        principal: format!("key:{number}"),
        tenant: "default".into(),
        connection: "bot".into(),
        action: "read".into(),
        operation: "retrieve-a-page".into(),
        resource: Resource { kind: "page".into(), id: "a\"\u{1}ü".into() },
        result: Outcome::Success,
        reason: (number % 2 == 0).then(|| "role".into()),
        request_id: "r".into(),
        metadata: [("status".into(), Meta::Number(200)), ("z".into(), "é".into())].into(),
    }
}

fn chain(length: i64) -> Vec<Entry> {
    let mut chain = Chain::after(Head::START);
    (1..=length).map(|number| chain.append(draft(number))).collect()
}

fn check(entries: &[Entry]) -> (u64, Option<(u64, Fault)>) {
    let mut verifier = Verifier::after(Head::START);
    entries.iter().for_each(|entry| verifier.check(entry));
    let verdict = verifier.verdict();
    (verdict.entries, verdict.at.zip(verdict.fault))
}

fn export(entries: &[Entry], signer: &Signer) -> String {
    let last =
        entries.last().map_or(Head::START, |entry| Head { seq: entry.seq, hash: entry.hash });
    let mut text = String::new();
    for entry in entries {
        text += &(serde_json::to_string(entry).unwrap() + "\n");
    }
    let checkpoint = serde_json::json!({ "checkpoint": signer.sign("default", last) });
    text + &checkpoint.to_string() + "\n"
}

fn verify_export(text: &[u8], key: Option<&str>) -> Result<ledger::Checked, ledger::ExportError> {
    let terms = Terms { public_key: key.map(str::to_owned), ..Terms::default() };
    ledger::verify_export(text, &terms, &mut |_| {})
}

#[test]
fn an_untouched_chain_is_intact() {
    assert_eq!(check(&chain(20)), (20, None));
    assert_eq!(check(&[]), (0, None));
}

#[test]
fn the_canonical_form_is_sorted_json_without_the_hash() {
    let entry = &chain(1)[0];
    let text = String::from_utf8(entry.canonical()).unwrap();
    assert_eq!(
        text,
        "{\"action\":\"read\",\"at\":\"2023-11-14T22:13:20.000001Z\",\"connection\":\"bot\",\
         \"metadata\":{\"status\":200,\"z\":\"é\"},\"operation\":\"retrieve-a-page\",\"prev\":\
         \"0000000000000000000000000000000000000000000000000000000000000000\",\
         \"principal\":\"key:1\",\"request_id\":\"r\",\
         \"resource\":{\"id\":\"a\\\"\\u0001ü\",\"type\":\"page\"},\"result\":\"success\",\"seq\":1,\
         \"tenant\":\"default\"}"
    );
}

#[test]
fn every_change_is_noticed_at_its_place() {
    let good = chain(9);
    let changes: [fn(&mut Entry); 12] = [
        |entry| entry.at = Timestamp::UNIX_EPOCH,
        |entry| entry.principal.push('x'),
        |entry| entry.tenant.push('x'),
        |entry| entry.connection.push('x'),
        |entry| entry.action = "write".into(),
        |entry| entry.operation = "patch-page".into(),
        |entry| entry.resource.id.push('x'),
        |entry| entry.result = Outcome::Denied,
        |entry| entry.reason = Some("other".into()),
        |entry| entry.request_id.push('x'),
        |entry| drop(entry.metadata.pop_first()),
        |entry| entry.hash.0[31] ^= 1,
    ];
    for change in changes {
        let mut entries = good.clone();
        change(&mut entries[4]);
        assert_eq!(check(&entries), (4, Some((5, Fault::Changed))));
    }

    let mut entries = good.clone();
    entries.remove(4);
    assert_eq!(check(&entries), (4, Some((5, Fault::Gap))));

    let mut entries = good.clone();
    entries.swap(4, 5);
    assert_eq!(check(&entries), (4, Some((5, Fault::Gap))));

    // Swapped with their numbers, or hashed anew: then the links do not fit.
    let mut entries = good.clone();
    entries[4].principal.push('x');
    entries[4].hash = entries[4].compute_hash();
    assert_eq!(check(&entries), (5, Some((6, Fault::Broken))));
}

#[test]
fn exports_are_checked_without_a_database() {
    let signer = Signer::from_seed(&[7; 32]);
    let entries = chain(5);
    let text = export(&entries, &signer);
    let verdict = |text: &str, key| {
        let verdict = verify_export(text.as_bytes(), key).unwrap().verdict;
        verdict.at.zip(verdict.fault)
    };
    assert_eq!(verdict(&text, None), None);
    assert_eq!(verdict(&text, Some(signer.public_key())), None);

    // The end cut off, with and without the checkpoint.
    let lines: Vec<_> = text.lines().collect();
    let cut = [lines[0], lines[1], lines[2], lines[5]].join("\n");
    assert_eq!(verdict(&cut, None), Some((4, Fault::Cut)));
    assert_eq!(verdict(&lines[..5].join("\n"), None), Some((6, Fault::Cut)));

    // The whole made anew by somebody else.
    let forged = export(&entries[..3], &Signer::from_seed(&[8; 32]));
    assert_eq!(verdict(&forged, None), None);
    assert_eq!(verdict(&forged, Some(signer.public_key())), Some((3, Fault::BadCheckpoint)));

    assert!(verify_export("".as_bytes(), None).is_err());
    let error = verify_export("{\"seq\":1}".as_bytes(), None).unwrap_err();
    assert!(error.to_string().starts_with("line 1 is no ledger entry"));
}

#[test]
fn csv_quotes_and_disarms() {
    let mut entry = chain(1).remove(0);
    entry.principal = "=cmd|' /C calc'!A0".into();
    entry.operation = "a,\"b\"".into();
    let line = csv_line(&Row::from(entry));
    assert!(line.contains(",'=cmd|' /C calc'!A0,"), "{line}");
    assert!(line.contains(",\"a,\"\"b\"\"\","), "{line}");
}

proptest::proptest! {
    #[test]
    fn exports_read_back_whatever_the_text(principal in "\\PC{0,40}", id in ".{0,40}") {
        let mut chain = Chain::after(Head::START);
        let mut first = draft(1);
        first.principal = principal;
        first.resource.id = id;
        let entries = [chain.append(first), chain.append(draft(2))];
        let signer = Signer::from_seed(&[7; 32]);
        let verdict = verify_export(export(&entries, &signer).as_bytes(), Some(signer.public_key()));
        proptest::prop_assert!(verdict.unwrap().verdict.intact);
    }

    #[test]
    fn any_text_is_judged_without_panic(text in "\\PC{0,200}") {
        let _ = verify_export(text.as_bytes(), None);
    }
}
