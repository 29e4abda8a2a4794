//! What an export proves, and what it does not: parts, kept checkpoints, dropped entries, every changed
//! bit, every cut.

#![expect(clippy::unwrap_used, reason = "test helpers")]

use jiff::Timestamp;
use ledger::{
    Chain, Checked, Checkpoint, Draft, Dropped, Entry, ExportError, Fault, Head, LINE_MAX, Line,
    Meta, Outcome, Pruned, Resource, Row, Signer, Terms, Unproven, Unreadable, Verifier,
    verify_export,
};
use proptest::prelude::*;

fn signer() -> Signer {
    Signer::from_seed(&[7; 32])
}

fn time(number: i64) -> Timestamp {
    Timestamp::from_microsecond(1_700_000_000_000_000 + number).unwrap()
}

fn chain(length: i64) -> Vec<Entry> {
    let mut chain = Chain::after(Head::START);
    let draft = |number: i64| Draft {
        at: time(number),
        principal: format!("key:{number}"),
        tenant: "default".into(),
        connection: "bot".into(),
        action: "read".into(),
        operation: "retrieve-a-page".into(),
        resource: Resource { kind: "page".into(), id: "a\"\u{1}ü/".into() },
        result: Outcome::Success,
        reason: (number % 2 == 0).then(|| "role".into()),
        request_id: "r".into(),
        metadata: [("ok".into(), Meta::Flag(true)), ("z".into(), "é".into())].into(),
    };
    (1..=length).map(|number| chain.append(draft(number))).collect()
}

fn head(entry: &Entry) -> Head {
    Head { seq: entry.seq, hash: entry.hash }
}

fn at(entries: &[Entry], seq: usize) -> Checkpoint {
    signer().sign("default", head(&entries[seq - 1]))
}

fn entry_line(entry: &Entry) -> String {
    Line::Row(Row::from(entry.clone())).to_json() + "\n"
}

fn checkpoint_line(checkpoint: &Checkpoint) -> String {
    Line::Checkpoint { checkpoint: checkpoint.clone() }.to_json() + "\n"
}

/// Entries from one to another, and the checkpoint at the last one.
fn export(entries: &[Entry], from: usize, to: usize) -> String {
    let lines: String = entries[from - 1..to].iter().map(entry_line).collect();
    lines + &checkpoint_line(&at(entries, to))
}

fn known() -> Terms {
    Terms { public_key: Some(signer().public_key().to_owned()), ..Terms::default() }
}

fn check(text: &str, terms: &Terms) -> Checked {
    verify_export(text.as_bytes(), terms, &mut |_| {}).unwrap()
}

fn fault(text: &str, terms: &Terms) -> Option<(u64, Fault)> {
    let verdict = check(text, terms).verdict;
    assert_eq!(verdict.intact, verdict.fault.is_none());
    verdict.at.zip(verdict.fault)
}

#[test]
fn a_whole_export_proves_everything_but_whose_key_it_is() {
    let entries = chain(9);
    let text = export(&entries, 1, 9);
    let checked = check(&text, &known());
    assert_eq!((checked.first, checked.last, checked.signed), (Some(1), Some(9), Some(9)));
    assert_eq!((checked.verdict.entries, checked.tenant.as_deref()), (9, Some("default")));
    assert!(checked.unproven.is_empty(), "{checked:?}");
    assert_eq!(check(&text, &Terms::default()).unproven, [Unproven::Key]);
    // Line breaks of another system are no change; anything else is.
    assert_eq!(fault(&text.replace('\n', "\r\n"), &known()), None);
    assert_eq!(
        fault(&text.replace("\"seq\":4", "\"seq\": 4"), &known()),
        Some((4, Fault::Unreadable))
    );
    assert_eq!(fault(&text.replace("T22", "t22"), &known()), Some((1, Fault::Unreadable)));
}

#[test]
fn a_part_says_what_it_cannot_prove() {
    let entries = chain(9);
    let part = Terms { part: true, ..known() };
    let cut: String = entries[3..7].iter().map(entry_line).collect();
    assert_eq!(fault(&cut, &known()), Some((1, Fault::Gap)), "not told that it is a part");
    let checked = check(&cut, &part);
    assert!(checked.verdict.intact);
    assert_eq!((checked.first, checked.last, checked.signed), (Some(4), Some(7), None));
    let unsigned = Unproven::Unsigned { from: 4, to: 7 };
    let after = Unproven::After { last: 7 };
    assert_eq!(checked.unproven, [Unproven::Before { first: 4 }, after, unsigned]);

    // A checkpoint in its middle covers what stands before it.
    let covered = Terms { kept: vec![at(&entries, 6)], ..part.clone() };
    let checked = check(&cut, &covered);
    assert_eq!(checked.signed, Some(6));
    let unsigned = Unproven::Unsigned { from: 7, to: 7 };
    assert_eq!(checked.unproven, [Unproven::Before { first: 4 }, after, unsigned]);

    // With the checkpoint before it and the one at its end nothing is left open.
    let whole = Terms { kept: vec![at(&entries, 3)], ..known() };
    let text = export(&entries, 4, 9);
    assert_eq!(check(&text, &whole).unproven, []);
    assert_eq!(fault(&text, &whole), None);
    let told = checkpoint_line(&at(&entries, 3)) + &text;
    assert_eq!(check(&told, &part).unproven, []);

    // Exports that follow each other, in one file.
    let joined = export(&entries, 1, 3) + &export(&entries, 4, 9);
    assert_eq!(check(&joined, &known()).unproven, []);
    assert_eq!(check(&joined, &known()).verdict.entries, 9);

    // A file of a checkpoint alone is no export of everything.
    let alone = checkpoint_line(&at(&entries, 9));
    assert_eq!(fault(&alone, &known()), Some((1, Fault::Cut)));
}

#[test]
fn a_kept_checkpoint_shows_rewriting_and_cutting_by_who_can_sign() {
    let entries = chain(9);
    let kept = Terms { kept: vec![at(&entries, 3), at(&entries, 6)], ..Terms::default() };
    assert_eq!(fault(&export(&entries, 1, 9), &kept), None);
    assert_eq!(check(&export(&entries, 1, 9), &kept).unproven, [], "the kept key is known");
    assert_eq!(fault(&export(&entries, 1, 5), &kept), Some((6, Fault::Shortened)));

    // Rewritten from the second entry on, hashed and signed as if it had always been so.
    let mut chain = Chain::after(head(&entries[0]));
    let rewritten: Vec<Entry> = entries[..1]
        .iter()
        .cloned()
        .chain(entries[1..].iter().map(|entry| {
            chain.append(Draft {
                at: entry.at,
                principal: "key:other".into(),
                tenant: entry.tenant.clone(),
                connection: entry.connection.clone(),
                action: entry.action.clone(),
                operation: entry.operation.clone(),
                resource: entry.resource.clone(),
                result: entry.result,
                reason: None,
                request_id: entry.request_id.clone(),
                metadata: entry.metadata.clone(),
            })
        }))
        .collect();
    let text = export(&rewritten, 1, 9);
    assert_eq!(fault(&text, &known()), None, "without a kept checkpoint nobody can tell");
    assert_eq!(fault(&text, &kept), Some((3, Fault::Rewritten)));
    let before = Terms { kept: vec![at(&entries, 3)], ..Terms::default() };
    assert_eq!(fault(&export(&rewritten, 4, 9), &before), Some((4, Fault::Rewritten)));

    // A kept checkpoint of somebody else is no measure.
    let strange = Signer::from_seed(&[8; 32]).sign("default", head(&entries[2]));
    let terms = Terms { kept: vec![strange], ..known() };
    let error = verify_export("".as_bytes(), &terms, &mut |_| {}).unwrap_err();
    assert!(matches!(error, ExportError::Kept { seq: 3 }), "{error}");
    let other = signer().sign("other", head(&entries[2]));
    let terms = Terms { kept: vec![at(&entries, 2), other], ..known() };
    assert!(verify_export("".as_bytes(), &terms, &mut |_| {}).is_err());
}

fn pruned(entries: &[Entry], first: usize, last: usize) -> Pruned {
    let dropped = Dropped { first: head(&entries[first - 1]), last: head(&entries[last - 1]) };
    signer().sign_pruned("default", dropped, time(5), time(100), "operator")
}

fn pruned_line(pruned: &Pruned) -> String {
    Line::Pruned { pruned: pruned.clone() }.to_json() + "\n"
}

#[test]
fn what_was_dropped_says_so_and_leaves_the_rest_provable() {
    let entries = chain(9);
    let (one, two) = (pruned(&entries, 1, 2), pruned(&entries, 3, 5));
    let text = pruned_line(&one) + &pruned_line(&two) + &export(&entries, 6, 9);
    let checked = check(&text, &known());
    assert!(checked.verdict.intact && checked.unproven.is_empty(), "{checked:?}");
    assert_eq!((checked.first, checked.last), (Some(6), Some(9)));
    assert_eq!(checked.dropped, [one.clone(), two.clone()]);

    // Kept checkpoints at the ends of what is gone still speak; those in the middle cannot.
    let kept = Terms { kept: vec![at(&entries, 5), at(&entries, 4)], ..Terms::default() };
    assert_eq!(check(&text, &kept).unproven, [Unproven::Kept { seq: 4 }]);

    // Without its record, out of order, forged, or of another tenant.
    let gap = Some((3, Fault::BadPruned));
    assert_eq!(fault(&export(&entries, 6, 9), &known()), Some((1, Fault::Gap)));
    let missing = pruned_line(&one) + &export(&entries, 6, 9);
    assert_eq!(fault(&missing, &known()), Some((3, Fault::Gap)));
    let swapped = pruned_line(&two) + &pruned_line(&one) + &export(&entries, 6, 9);
    assert_eq!(fault(&swapped, &known()), Some((1, Fault::BadPruned)));
    let late = pruned_line(&one) + &export(&entries, 3, 5) + &pruned_line(&two);
    assert_eq!(fault(&late, &known()), Some((6, Fault::BadPruned)));
    let mut changes: Vec<Pruned> = Vec::new();
    for change in [
        |it: &mut Pruned| it.last += 1,
        |it: &mut Pruned| it.last_hash.0[0] ^= 1,
        |it: &mut Pruned| it.first_hash.0[0] ^= 1,
        |it: &mut Pruned| it.before = time(6),
        |it: &mut Pruned| it.at = time(6),
        |it: &mut Pruned| it.by = "gate".into(),
        |it: &mut Pruned| it.tenant = "other".into(),
    ] {
        let mut changed = two.clone();
        change(&mut changed);
        changes.push(changed);
    }
    let stranger = Signer::from_seed(&[8; 32]);
    let dropped = Dropped { first: head(&entries[2]), last: head(&entries[4]) };
    changes.push(stranger.sign_pruned("default", dropped, time(5), time(100), "operator"));
    for changed in changes {
        let text = pruned_line(&one) + &pruned_line(&changed) + &export(&entries, 6, 9);
        assert_eq!(fault(&text, &known()), gap, "{changed:?}");
    }
}

#[test]
fn rows_that_cannot_be_read_are_shown_and_are_a_fault() {
    let entries = chain(5);
    let unreadable = Unreadable { seq: 3, column: "metadata".into() };
    let line = Line::Row(Row::Unreadable { unreadable }).to_json() + "\n";
    assert_eq!(line, "{\"unreadable\":{\"seq\":3,\"column\":\"metadata\"}}\n");
    let text: String = [entry_line(&entries[0]), entry_line(&entries[1]), line].concat();
    let text = text + &export(&entries, 4, 5);
    assert_eq!(fault(&text, &known()), Some((3, Fault::Unreadable)));
}

#[test]
fn files_that_are_no_export_are_told_so() {
    let error = |text: &[u8]| verify_export(text, &known(), &mut |_| {}).unwrap_err();
    assert!(matches!(error(b""), ExportError::Empty));
    assert!(matches!(error(b"\n\r\n\n"), ExportError::Empty));
    assert!(matches!(error(b"seq,at,principal\n1,2,3\n"), ExportError::Csv));
    assert!(matches!(error(b"\n{\"a\":1}\n[]"), ExportError::NoExport { line: 2, .. }));
    assert!(matches!(error(b"\xff\xfe"), ExportError::NoExport { line: 1, .. }));
    assert!(matches!(error(&vec![b'['; 3 * LINE_MAX]), ExportError::NoExport { line: 1, .. }));
    // The first line is damaged, the next shows what it is.
    let text = export(&chain(3), 1, 3).replacen('{', "[", 1);
    assert_eq!(fault(&text, &known()), Some((1, Fault::Unreadable)));
}

#[test]
fn a_ledger_is_of_one_tenant() {
    let entries = chain(2);
    let mut other = Chain::after(head(&entries[0]));
    let mut draft_of_other = Draft {
        at: time(1),
        principal: "key:1".into(),
        tenant: "other".into(),
        connection: String::new(),
        action: "read".into(),
        operation: "x".into(),
        resource: Resource::default(),
        result: Outcome::Success,
        reason: None,
        request_id: String::new(),
        metadata: [].into(),
    };
    draft_of_other.metadata.insert("a".into(), Meta::Number(-1));
    let strange = other.append(draft_of_other);
    let mut verifier = Verifier::after(Head::START);
    verifier.check(&entries[0]);
    verifier.check(&strange);
    assert_eq!(verifier.verdict().fault, Some(Fault::OtherTenant));
    let text =
        entry_line(&entries[0]) + &checkpoint_line(&signer().sign("other", head(&entries[0])));
    assert_eq!(fault(&text, &known()), Some((1, Fault::BadCheckpoint)));
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, cases: 400, ..ProptestConfig::default() })]

    /// The whole file, the records of what was dropped and the checkpoint included.
    #[test]
    fn any_changed_bit_is_noticed(place in 0.0..1.0_f64, bit in 0..8_u32, part: bool) {
        let entries = chain(6);
        let text = pruned_line(&pruned(&entries, 1, 2)) + &export(&entries, 3, 6);
        let mut bytes = text.into_bytes();
        let index = (place * bytes.len() as f64) as usize;
        bytes[index] ^= 1 << bit;
        let checked = verify_export(&bytes[..], &Terms { part, ..known() }, &mut |_| {});
        // The last line break alone says nothing; changed, it would.
        prop_assert!(checked.is_err() || !checked.unwrap().verdict.intact, "byte {index}, bit {bit}");
    }

    /// Lines cut out anywhere: a fault, or, in a file that is given as a part, said to be unproven.
    #[test]
    fn any_cut_is_noticed_or_said(from in 0..10_usize, length in 1..10_usize, part: bool) {
        let entries = chain(9);
        let text = export(&entries, 1, 9);
        let mut lines: Vec<&str> = text.lines().collect();
        let to = (from + length).min(lines.len());
        lines.drain(from.min(to)..to);
        let cut = lines.join("\n");
        let Ok(checked) = verify_export(cut.as_bytes(), &Terms { part, ..known() }, &mut |_| {}) else {
            prop_assert!(lines.is_empty());
            return Ok(());
        };
        let said = checked.unproven.iter().any(|it| matches!(it, Unproven::Before { .. } | Unproven::After { .. }));
        let is_tail = part && lines.len() == 1;
        prop_assert!(!checked.verdict.intact || (part && said) || is_tail, "{checked:?}");
        if !part {
            prop_assert!(!checked.verdict.intact);
        }
    }

    #[test]
    fn any_bytes_are_judged_without_panic(bytes in prop::collection::vec(any::<u8>(), 0..300), part: bool) {
        let _ = verify_export(&bytes[..], &Terms { part, ..known() }, &mut |_| {});
    }

    /// Lines of an export in any order and number, some of them damaged: nothing of that is intact in
    /// another order than the right one.
    #[test]
    fn any_shuffle_is_noticed(order in prop::collection::vec(0..8_usize, 1..12)) {
        let entries = chain(7);
        let text = export(&entries, 1, 7);
        let lines: Vec<&str> = text.lines().collect();
        let shuffled: Vec<&str> = order.iter().map(|index| lines[*index]).collect();
        let right = order == (0..8).collect::<Vec<_>>();
        let checked = check(&shuffled.join("\n"), &known());
        prop_assert_eq!(checked.verdict.intact, right);
    }
}
