//! What every backend must do. One suite; each backend runs it.

#![expect(clippy::unwrap_used, reason = "test helpers")]

use jiff::Timestamp;
use ledger::{Chain, Draft, Dropped, Head, Outcome, Resource, Row, Signer};
use model::user::{Group, Identity, User, UserId};
use model::{
    Budget, Connection, ConnectionId, ConnectionKind, ConnectionState, Key, KeyId, Origin, Role,
    Scope, Tenant, TenantId, ToolSet, Writer,
};
use notion::{Capabilities, Capability, Id};
use store::{
    AuditMade, Credential, CredentialChange, Due, EntryFilter, EventFilter, EventState, KeyHash,
    MirrorState, Numbered, ObjectWork, Phase, SealedCell, Slot, SqliteStore, Store, StoreError,
    StoredAudit, StoredEvent, StoredKey, StoredPairing, StoredPolicies, StoredSubscription,
    WorkEnd,
};
use vault::{Sealed, SealedHead};

fn id(number: u8) -> Id {
    Id::parse(&format!("00000000-0000-4000-8000-0000000000{number:02x}")).unwrap()
}

fn time(second: i64) -> Timestamp {
    Timestamp::from_second(1_700_000_000 + second).unwrap()
}

fn key(name: &str, tenant: &str, at: i64) -> StoredKey {
    let key = Key {
        id: KeyId::parse(&format!("{name:0>12}")).unwrap(),
        name: name.to_owned(),
        tenant: TenantId::new(tenant),
        connection: Some(ConnectionId(id(1))),
        role: Role::Editor,
        within: Scope::new(vec![id(2), id(3)]),
        capabilities: Capabilities::ALL,
        budget: Budget { calls_per_minute: Some(5), ..Budget::default() },
        user: (at == 2).then(|| UserId(id(4))),
        parent: (at == 2).then(|| KeyId::parse("000000000000").unwrap()),
        agent: (at == 2).then(|| "summariser".to_owned()),
        may_delegate: at == 2,
        auditor: at == 1,
        tools: (at == 2).then_some(ToolSet::Official),
        created_at: time(at),
        created_by: "operator".to_owned(),
        expires_at: Some(time(at + 60)),
        revoked_at: None,
    };
    StoredKey { key, hash: KeyHash([7; 32]) }
}

async fn keys(store: &dyn Store) {
    let (one, two) = (key("one", "a", 1), key("two", "b", 2));
    let mut two = two;
    two.key.connection = None;
    store.add_key(one.clone()).await.unwrap();
    store.add_key(two.clone()).await.unwrap();
    let all = store.all_keys().await.unwrap();
    assert_eq!(
        all.iter().map(|it| it.key.clone()).collect::<Vec<_>>(),
        [two.key.clone(), one.key.clone()]
    );
    assert!(all.iter().all(|it| it.hash == KeyHash([7; 32])));
    assert!(store.add_key(one.clone()).await.is_err(), "an id is given once");

    let (a, b) = (TenantId::new("a"), TenantId::new("b"));
    assert!(!store.revoke_key(&b, &one.key.id, time(9)).await.unwrap(), "another tenant's key");
    assert!(store.revoke_key(&a, &one.key.id, time(9)).await.unwrap());
    assert!(store.revoke_key(&a, &one.key.id, time(99)).await.unwrap());
    let all = store.all_keys().await.unwrap();
    assert_eq!(all[1].key.revoked_at, Some(time(9)), "the first end counts");
    assert_eq!(all[0].key.revoked_at, None);
}

fn connection(tenant: &str, number: u8, name: &str) -> Connection {
    Connection {
        bot_id: ConnectionId(id(number)),
        tenant: TenantId::new(tenant),
        name: name.to_owned(),
        kind: ConnectionKind::Oauth,
        workspace_id: Some(id(9)),
        workspace_name: None,
        workspace_icon: Some("🌊".to_owned()),
        owner: Some(serde_json::json!({"type": "user", "user": {"id": id(8)}})),
        duplicated_template_id: Some(id(7)),
        capabilities: Some([Capability::ReadContent].into_iter().collect()),
        writer: Some(Writer {
            bot_id: ConnectionId(id(6)),
            name: "writer".to_owned(),
            capabilities: None,
        }),
        origin: Origin::Given,
        state: ConnectionState::NeedsReauthorization,
        state_reason: Some("refresh_lost".to_owned()),
        authorized_at: time(1),
        authorized_by: "key:x".to_owned(),
        rotated_at: time(2),
        last_used_at: None,
    }
}

fn credential(slot: Slot, secret: &[u8]) -> Credential {
    Credential { slot, sealed: Sealed::from_bytes(secret.to_vec()), since: time(3) }
}

async fn connections(store: &dyn Store) {
    let put = |connection, delete: &[Slot], put: &[Credential]| {
        let change = CredentialChange { delete: delete.to_vec(), put: put.to_vec() };
        store.put_connection(connection, change)
    };
    let access = credential(Slot::Access, b"x");
    let refresh = credential(Slot::Refresh, b"r");
    let first = connection("a", 1, "first");
    put(first.clone(), &[], &[refresh.clone(), access.clone()]).await.unwrap();
    let all = store.all_connections().await.unwrap();
    assert_eq!(all[0].connection, first);
    assert_eq!(all[0].credentials, [access, refresh.clone()]);

    // The same bot is the same row; slots that are not named stay.
    let second = connection("a", 1, "second");
    let (access, previous) =
        (credential(Slot::Access, b"y"), credential(Slot::PreviousAccess, b"x"));
    put(second.clone(), &[], &[access.clone(), previous.clone()]).await.unwrap();
    let other = connection("b", 2, "another tenant's");
    put(other.clone(), &[], &[credential(Slot::Access, b"z")]).await.unwrap();
    let all = store.all_connections().await.unwrap();
    assert_eq!(all.len(), 2, "one row for each bot");
    assert_eq!(all[0].connection, second);
    assert_eq!(all[0].credentials, [access.clone(), refresh, previous]);

    // What is deleted is gone, and nothing of anybody else's.
    put(second.clone(), &[Slot::Refresh, Slot::PreviousAccess], &[]).await.unwrap();
    let all = store.all_connections().await.unwrap();
    assert_eq!((&all[0].credentials[..], all[1].credentials.len()), (&[access][..], 1));

    let (a, b) = (TenantId::new("a"), TenantId::new("b"));
    let bot = ConnectionId(id(1));
    let touch =
        |tenant: &TenantId, at| store.touch_connections(vec![(tenant.clone(), bot, time(at))]);
    touch(&a, 9).await.unwrap();
    touch(&a, 5).await.unwrap();
    touch(&b, 99).await.unwrap();
    // A change of something else does not forget the last use.
    put(second, &[], &[]).await.unwrap();
    let all = store.all_connections().await.unwrap();
    assert_eq!(all[0].connection.last_used_at, Some(time(9)));
    assert_eq!(all[1].connection.last_used_at, None);

    assert!(!store.remove_connection(&b, bot).await.unwrap(), "another tenant's connection");
    assert!(store.remove_connection(&a, bot).await.unwrap());
    let all = store.all_connections().await.unwrap();
    assert_eq!(all.iter().map(|it| &it.connection).collect::<Vec<_>>(), [&other]);
}

async fn users(store: &dyn Store) {
    let user = |number: u8, tenant: &str, role| User {
        id: UserId(id(number)),
        tenant: TenantId::new(tenant),
        email: format!("{number}@example.com"),
        role,
        bot_id: (number == 1).then(|| ConnectionId(id(9))),
        identity: (role == Role::Editor)
            .then(|| Identity { issuer: "https://id".into(), subject: "ada".into() }),
        groups: Vec::new(),
        created_at: time(number.into()),
    };
    store.put_user(user(1, "a", Role::Viewer)).await.unwrap();
    store.put_user(user(2, "b", Role::Admin)).await.unwrap();
    store.put_user(user(1, "a", Role::Editor)).await.unwrap();
    let all = store.all_users().await.unwrap();
    assert_eq!(all, [user(2, "b", Role::Admin), user(1, "a", Role::Editor)]);
    let (a, b) = (TenantId::new("a"), TenantId::new("b"));
    let group = |tenant: &TenantId, name: &str| Group {
        tenant: tenant.clone(),
        name: name.to_owned(),
        created_at: time(5),
    };
    for (tenant, name) in [(&a, "two"), (&a, "one"), (&b, "one")] {
        assert!(store.add_group(group(tenant, name)).await.unwrap());
    }
    assert!(!store.add_group(group(&a, "one")).await.unwrap(), "a name is given once");
    let all = store.all_groups().await.unwrap();
    assert_eq!(all, [group(&a, "one"), group(&a, "two"), group(&b, "one")]);
    let names = |names: &[&str]| names.iter().map(ToString::to_string).collect::<Vec<_>>();
    let one = UserId(id(1));
    store.set_groups(&a, one, names(&["two", "one", "gone", "one"])).await.unwrap();
    store.put_user(user(1, "a", Role::Editor)).await.unwrap();
    assert_eq!(store.all_users().await.unwrap()[1].groups, ["one", "two"]);
    assert!(store.delete_group(&b, "one").await.unwrap());
    assert!(!store.delete_group(&b, "two").await.unwrap(), "another tenant's group");
    assert_eq!(store.all_users().await.unwrap()[1].groups, ["one", "two"]);
    assert!(store.delete_group(&a, "one").await.unwrap());
    assert_eq!(store.all_users().await.unwrap()[1].groups, ["two"]);
    store.set_groups(&a, one, Vec::new()).await.unwrap();
    assert_eq!(store.all_users().await.unwrap()[1].groups, [""; 0]);
    assert!(!store.delete_user(&b, UserId(id(1))).await.unwrap(), "another tenant's user");
    assert!(store.delete_user(&a, UserId(id(1))).await.unwrap());
    assert_eq!(store.all_users().await.unwrap().len(), 1);
}

async fn tenants(store: &dyn Store) {
    let tenant = |name: &str, at| Tenant {
        name: TenantId::new(name),
        created_at: time(at),
        token_passthrough: name == "b",
    };
    assert!(store.add_tenant(tenant("b", 1)).await.unwrap());
    assert!(store.add_tenant(tenant("a", 2)).await.unwrap());
    assert!(!store.add_tenant(tenant("b", 3)).await.unwrap(), "a name is given once");
    assert_eq!(store.all_tenants().await.unwrap(), [tenant("a", 2), tenant("b", 1)]);
    let changed = Tenant { token_passthrough: true, ..tenant("a", 2) };
    assert!(store.change_tenant(changed.clone()).await.unwrap());
    assert!(!store.change_tenant(tenant("c", 1)).await.unwrap(), "there is none");
    assert_eq!(store.all_tenants().await.unwrap(), [changed, tenant("b", 1)]);
}

async fn sealed_cells(store: &dyn Store) {
    let slots = [Slot::Access, Slot::PreviousAccess, Slot::Legacy];
    let put = slots.map(|slot| credential(slot, b"x")).to_vec();
    let change = CredentialChange { delete: Vec::new(), put };
    store.put_connection(connection("a", 1, "one"), change).await.unwrap();
    for name in ["master_key_check", "something else"] {
        store.set_meta(name, name.as_bytes().to_vec()).await.unwrap();
    }
    // Longer than a head: what comes after it stays.
    let long = [&[3; SealedHead::LENGTH][..], b" and a tail"].concat();
    store.set_meta("root_secret", long).await.unwrap();
    let all = store.sealed_cells(None, 100).await.unwrap();
    let places: Vec<_> = all.iter().map(|cell| cell.place().to_string()).collect();
    let tokens = ["connections.token", "credentials.access", "credentials.previous_access"];
    let tokens = tokens.map(|place| format!("{place}, row a/{}", id(1)));
    let meta = ["master_key_check", "root_secret"].map(|row| format!("meta.value, row {row}"));
    assert_eq!(places, [&tokens[..], &meta].concat());
    // In any portions, the same cells in the same order.
    for limit in 1..4 {
        let mut walked = Vec::new();
        loop {
            let batch = store.sealed_cells(walked.last(), limit).await.unwrap();
            assert!(batch.len() <= limit as usize);
            if batch.is_empty() {
                break;
            }
            walked.extend(batch);
        }
        assert_eq!(walked, all, "{limit} at a time");
    }
    for cell in &all {
        assert!(cell.head.as_bytes().len() <= SealedHead::LENGTH);
        let new = SealedHead::from_bytes(vec![7; cell.head.as_bytes().len()]);
        let other = SealedCell { row: "elsewhere".to_owned(), ..cell.clone() };
        assert!(!store.replace_head(&other, new.clone()).await.unwrap(), "there is no such row");
        assert!(store.replace_head(cell, new.clone()).await.unwrap());
        assert!(!store.replace_head(cell, new).await.unwrap(), "it is not what it was");
    }
    let replaced = store.sealed_cells(None, 100).await.unwrap();
    assert_eq!(replaced.len(), all.len());
    assert!(replaced.iter().all(|cell| cell.head.as_bytes().iter().all(|byte| *byte == 7)));
    let root = store.meta("root_secret").await.unwrap().unwrap();
    assert_eq!(root, [&[7; SealedHead::LENGTH][..], b" and a tail"].concat());
    assert_eq!(store.meta("something else").await.unwrap().unwrap(), b"something else");
}

fn draft(tenant: &str, number: i64) -> Draft {
    Draft {
        at: time(number),
        principal: format!("key:{}", number % 2),
        tenant: tenant.to_owned(),
        connection: id(1).to_string(),
        action: "read".into(),
        operation: "retrieve-a-page".into(),
        resource: Resource { kind: "page".into(), id: format!("object {}", number % 3) },
        result: if number % 5 == 0 { Outcome::Denied } else { Outcome::Success },
        reason: (number % 5 == 0).then(|| "role".into()),
        request_id: format!("request {number}"),
        metadata: [("status".into(), 200.into()), ("text".into(), "ü".into())].into(),
    }
}

async fn ledger_entries(store: &dyn Store) {
    let signer = Signer::from_seed(&[1; 32]);
    let mut chain = Chain::after(Head::START);
    let whole: Vec<_> = (1..=20)
        .map(|number| Numbered { entry: chain.append(draft("a", number)), phase: Phase::Whole })
        .collect();
    let entries: Vec<_> = whole.iter().map(|numbered| numbered.entry.clone()).collect();
    let checkpoint = signer.sign("a", chain.head());
    store.append_entries(whole.clone().into(), vec![checkpoint.clone()]).await.unwrap();
    assert_eq!(store.checkpoints().await.unwrap(), std::slice::from_ref(&checkpoint));

    let (a, b) = (TenantId::new("a"), TenantId::new("b"));
    assert_eq!(store.heads().await.unwrap(), [(a.clone(), chain.head())]);
    let rows: Vec<Row> = entries.iter().cloned().map(Row::from).collect();
    assert_eq!(store.entries_after(&a, 0, 100).await.unwrap(), rows);
    assert_eq!(store.entries_after(&a, 5, 3).await.unwrap(), rows[5..8]);
    assert_eq!(store.entries_after(&b, 0, 100).await.unwrap(), []);

    let list = async |filter, before, limit| {
        let found = store.list_entries(&a, filter, before, limit).await.unwrap();
        found.iter().map(Row::seq).collect::<Vec<_>>()
    };
    let text = |text: &str| Some(text.to_owned());
    let any = EntryFilter::default;
    assert_eq!(list(any(), None, 3).await, [20, 19, 18]);
    assert_eq!(list(any(), Some(3), 10).await, [2, 1]);
    assert_eq!(
        list(EntryFilter { result: text("denied"), ..any() }, None, 10).await,
        [20, 15, 10, 5]
    );
    assert_eq!(
        list(EntryFilter { principal: text("key:1"), ..any() }, Some(6), 10).await,
        [5, 3, 1]
    );
    assert_eq!(list(EntryFilter { object: text("object 0"), ..any() }, Some(10), 2).await, [9, 6]);
    assert_eq!(list(EntryFilter { action: text("write"), ..any() }, None, 10).await, [0; 0]);

    // All or none: the second of these has a number that is taken.
    let next = Numbered { entry: chain.append(draft("a", 21)), phase: Phase::Whole };
    let twice = vec![next, whole[0].clone()];
    assert!(matches!(
        store.append_entries(twice.into(), vec![]).await,
        Err(StoreError::Database { .. })
    ));
    assert_eq!(list(any(), None, 1).await, [20]);
    assert_eq!(store.checkpoints().await.unwrap(), [checkpoint]);

    let mut other = Chain::after(Head::START);
    let intents: Vec<_> = (1..=2)
        .map(|number| Numbered { entry: other.append(draft("b", number)), phase: Phase::Intent })
        .collect();
    let open = intents[1].entry.clone();
    store.append_entries(intents.into(), vec![]).await.unwrap();
    assert_eq!(store.open_intents().await.unwrap().len(), 2);
    let conclusion = Numbered { entry: other.append(draft("b", 3)), phase: Phase::Conclusion(1) };
    store.append_entries([conclusion].into(), vec![]).await.unwrap();
    assert_eq!(store.open_intents().await.unwrap(), [Row::from(open)]);
    let heads = store.heads().await.unwrap();
    assert_eq!(heads[1], (b.clone(), other.head()));

    // What is dropped is gone at once, and removed bit by bit; bodies of that time go with it.
    let sealed = || Sealed::from_bytes(vec![1, 2, 3]);
    store.add_body(&a, "old", time(5), sealed()).await.unwrap();
    store.add_body(&a, "new", time(7), sealed()).await.unwrap();
    store.add_body(&b, "old", time(5), sealed()).await.unwrap();
    assert!(store.add_body(&a, "old", time(5), sealed()).await.is_err(), "an id is given once");
    assert_eq!(store.sweep_pruned(100).await.unwrap(), 0);
    let head = |index: usize| Head { seq: entries[index].seq, hash: entries[index].hash };
    let dropped = Dropped { first: head(0), last: head(5) };
    let pruned = signer.sign_pruned("a", dropped, time(7), time(100), "operator");
    store.add_pruned(pruned.clone()).await.unwrap();
    assert_eq!(store.pruned(&a).await.unwrap(), std::slice::from_ref(&pruned));
    assert_eq!(store.pruned(&b).await.unwrap(), []);
    assert!(store.add_pruned(pruned).await.is_err(), "an entry is dropped once");
    for _ in 0..2 {
        assert_eq!(store.entries_after(&a, 0, 100).await.unwrap(), rows[6..]);
        assert_eq!(list(any(), Some(10), 10).await, [9, 8, 7]);
        assert_eq!(store.entries_after(&b, 0, 100).await.unwrap().len(), 3);
        let mut swept = 0;
        while let count @ 1.. = store.sweep_pruned(2).await.unwrap() {
            assert!(count <= 4);
            swept += count;
        }
        assert!([0, 7].contains(&swept), "{swept}");
    }
    let body = async |tenant, id| store.body(tenant, id).await.unwrap();
    assert_eq!(body(&a, "old").await, None);
    assert_eq!(body(&a, "new").await, Some(sealed()));
    assert_eq!(body(&b, "old").await, Some(sealed()));
    assert_eq!(body(&b, "new").await, None);
    assert_eq!(store.heads().await.unwrap()[0].1.seq, 20);
}

async fn mirrors(store: &dyn Store) {
    let (a, b) = (TenantId::new("a"), TenantId::new("b"));
    let mut chain = Chain::after(Head::START);
    let mut add = |action: &'static str, because: &str| {
        let mut draft = draft("a", 1);
        draft.action = action.into();
        draft.metadata.insert("because".into(), because.into());
        Numbered { entry: chain.append(draft), phase: Phase::Whole }
    };
    let entries = vec![
        add("read", "x"),
        add("write_intended", "x"),
        add("write", "x"),
        add("read_denied", "x"),
        add("receive", "x"),
        add("manage", "\"because\":\"audit-mirror\""),
        add("write", "audit-mirror"),
        add("delete", "x"),
    ];
    store.append_entries(entries.into(), vec![]).await.unwrap();
    let shown = async |tenant, after, reads, limit| {
        let (rows, count) = store.entries_to_mirror(tenant, after, reads, limit).await.unwrap();
        (rows.iter().map(Row::seq).collect::<Vec<_>>(), count)
    };
    assert_eq!(shown(&a, 0, false, 9).await, (vec![3, 4, 6, 8], 4));
    assert_eq!(shown(&a, 0, true, 9).await, (vec![1, 3, 4, 5, 6, 8], 6));
    assert_eq!(shown(&a, 3, false, 2).await, (vec![4, 6], 3));
    assert_eq!(shown(&b, 0, true, 9).await, (vec![], 0));
    assert_eq!(store.mirror_state(&a).await.unwrap(), None);
    for state in [MirrorState { done: 3, pending: Some(4) }, MirrorState { done: 9, pending: None }]
    {
        store.set_mirror_state(&a, state).await.unwrap();
        assert_eq!(store.mirror_state(&a).await.unwrap(), Some(state));
        assert_eq!(store.mirror_state(&b).await.unwrap(), None);
    }
}

async fn access_audits(store: &dyn Store) {
    let (a, b) = (TenantId::new("a"), TenantId::new("b"));
    let (one, other) = (ConnectionId(id(1)), ConnectionId(id(2)));
    let audit = |second: i64| StoredAudit {
        made: AuditMade { at: time(second), total: second.unsigned_abs() },
        report: Sealed::from_bytes(vec![second as u8]),
    };
    let times = async |tenant: &TenantId, bot| {
        let made = store.access_audits_made(tenant, bot).await.unwrap();
        made.iter().map(|made| made.total).collect::<Vec<_>>()
    };
    for second in [1, 3, 2, 4] {
        store.add_access_audit(&a, one, audit(second), 3).await.unwrap();
    }
    store.add_access_audit(&a, other, audit(9), 3).await.unwrap();
    store.add_access_audit(&b, one, audit(8), 3).await.unwrap();
    assert_eq!(times(&a, one).await, [4, 3, 2], "the newest are kept, newest first");
    let read = async |bot, at| {
        let found = store.access_audit(&a, bot, at).await.unwrap();
        found.map(|audit| (audit.made.total, audit.report.as_bytes().to_vec()))
    };
    assert_eq!(read(one, None).await, Some((4, vec![4])));
    assert_eq!(read(one, Some(time(2))).await, Some((2, vec![2])));
    assert_eq!(read(one, Some(time(1))).await, None, "pruned");
    assert_eq!(read(one, Some(time(8))).await, None, "another tenant's");
    store.forget_access_audits(&a, one).await.unwrap();
    assert_eq!((times(&a, one).await, read(one, None).await), (vec![], None));
    assert_eq!((times(&a, other).await, times(&b, one).await), (vec![9], vec![8]));
}

async fn meta(store: &dyn Store) {
    assert_eq!(store.meta("x").await.unwrap(), None);
    store.set_meta("x", vec![1]).await.unwrap();
    store.set_meta("x", vec![2, 0, 255]).await.unwrap();
    assert_eq!(store.meta("x").await.unwrap(), Some(vec![2, 0, 255]));
}

fn event(tenant: &str, name: &str, entity: &str, at: i64) -> StoredEvent {
    StoredEvent {
        tenant: TenantId::new(tenant),
        id: name.to_owned(),
        subscription: "s".to_owned(),
        received_at: time(at),
        kind: "page.created".to_owned(),
        entity_kind: "page".to_owned(),
        entity: entity.to_owned(),
        at: time(at),
        attempts: 0,
        state: EventState::New,
        last_error: None,
        body: vec![0, 255],
    }
}

fn due(at: i64) -> Due {
    Due { at: time(at + 2), latest: time(at + 10) }
}

async fn inbox(store: &dyn Store) {
    let (a, b) = (TenantId::new("a"), TenantId::new("b"));
    let accept = async |tenant: &str, name: &str, entity: &str, at| {
        store.accept_event(event(tenant, name, entity, at), due(at)).await.unwrap()
    };
    let late = time(1_000_000);
    let ready = async |now| {
        let work = store.due_work(time(now), late, 10).await.unwrap();
        work.into_iter().map(|it| (it.tenant.to_string(), it.entity)).collect::<Vec<_>>()
    };
    let pair = |tenant: &str, entity: &str| (tenant.to_owned(), entity.to_owned());
    assert!(accept("a", "one", "page", 5).await);
    assert!(!accept("a", "one", "page", 6).await, "the same event");
    assert!(accept("b", "one", "page", 5).await, "another tenant's event");
    assert_eq!(ready(6).await, []);
    assert_eq!(store.next_work(time(6)).await.unwrap(), Some(time(7)));
    assert_eq!(ready(7).await, [pair("a", "page"), pair("b", "page")]);

    // More events put it off, up to a limit; an earlier one that comes late is worked first.
    assert!(accept("a", "zero", "page", 6).await);
    assert_eq!(ready(7).await, [pair("b", "page")]);
    assert!(accept("a", "late", "page", 14).await);
    assert_eq!(store.next_work(time(8)).await.unwrap(), Some(time(15)));
    store
        .accept_event(StoredEvent { at: time(1), ..event("a", "old", "page", 14) }, due(14))
        .await
        .unwrap();
    let names = async |entity| {
        let events = store.waiting_events(&a, entity, 10).await.unwrap();
        events.into_iter().map(|event| event.id).collect::<Vec<_>>()
    };
    assert_eq!(names("page").await, ["old", "one", "zero", "late"]);

    // What failed is tried again; what came meanwhile does not hurry it.
    let work = |attempts| ObjectWork { tenant: a.clone(), entity: "page".to_owned(), attempts };
    let again = WorkEnd::Again(time(50), "no".to_owned());
    let all: Vec<String> = names("page").await;
    store.end_work(work(0), all[..3].to_vec(), again).await.unwrap();
    assert!(accept("a", "meanwhile", "page", 20).await);
    assert_eq!(ready(49).await, [pair("b", "page")]);
    assert_eq!(store.due_work(time(50), late, 10).await.unwrap()[0], work(1));
    let old = store.event(&a, "old").await.unwrap().unwrap();
    assert_eq!((old.attempts, old.last_error.as_deref()), (1, Some("no")));
    assert_eq!((old.received_at, old.at, &old.body[..]), (time(14), time(1), &[0, 255][..]));

    store
        .end_work(work(1), all.clone(), WorkEnd::Dead(time(60), "never".to_owned()))
        .await
        .unwrap();
    assert_eq!(names("page").await, ["meanwhile"]);
    assert_eq!(store.due_work(time(60), late, 10).await.unwrap()[0], work(0));
    store.end_work(work(0), vec!["meanwhile".to_owned()], WorkEnd::Done(time(61))).await.unwrap();
    assert_eq!(ready(99).await, [pair("b", "page")]);

    // The clock was set back: what seems due in a far future is due.
    assert_eq!(store.due_work(time(-500), time(-400), 10).await.unwrap().len(), 1);

    let list = async |tenant: &TenantId, filter, before: Option<&str>, limit| {
        let before = before.map(str::to_owned);
        let events = store.list_events(tenant, filter, before, limit).await.unwrap();
        events.into_iter().map(|event| event.id).collect::<Vec<_>>()
    };
    let any = EventFilter::default;
    assert_eq!(list(&a, any(), None, 2).await, ["meanwhile", "old"]);
    assert_eq!(list(&a, any(), Some("late"), 9).await, ["zero", "one"]);
    assert_eq!(list(&b, any(), None, 9).await, ["one"]);
    assert_eq!(list(&b, any(), Some("zero"), 9).await, [""; 0], "another tenant's cursor");
    let dead = EventFilter { state: Some(EventState::Dead), ..any() };
    assert_eq!(list(&a, dead, None, 9).await, ["old", "late", "zero", "one"]);
    let done = EventFilter { state: Some(EventState::Done), ..any() };
    assert_eq!(list(&a, done, None, 9).await, ["meanwhile"]);
    let other = EventFilter { object: Some("other".to_owned()), ..any() };
    assert_eq!(list(&a, other, None, 9).await, [""; 0]);

    assert!(!store.replay_event(&b, "zero", time(70)).await.unwrap(), "another tenant's event");
    assert!(store.replay_event(&a, "zero", time(70)).await.unwrap());
    assert_eq!((names("page").await, ready(70).await.len()), (vec!["zero".to_owned()], 2));
    store.stop_events(&b, "s", "gone").await.unwrap();
    let stopped = store.event(&b, "one").await.unwrap().unwrap();
    assert_eq!((stopped.state, stopped.last_error.as_deref()), (EventState::Dead, Some("gone")));

    assert_eq!(store.prune_events(time(21), time(6)).await.unwrap(), 3);
    assert_eq!(store.prune_events(time(21), time(6)).await.unwrap(), 0);
    assert_eq!(store.count_events().await.unwrap(), [(a, 3)]);
}

async fn unrecorded(store: &dyn Store) {
    for name in ["one", "two", "three"] {
        store.accept_event(event("a", name, "page", 1), due(1)).await.unwrap();
    }
    let mut chain = Chain::after(Head::START);
    let received = |name: &str, result| Draft {
        operation: "receive-event".into(),
        request_id: name.to_owned(),
        result,
        ..draft("a", 1)
    };
    let drafts = [
        received("two", Outcome::Success),
        received("three", Outcome::Denied),
        Draft { request_id: "one".to_owned(), ..draft("a", 1) },
    ];
    let entries: Vec<_> = drafts
        .into_iter()
        .map(|draft| Numbered { entry: chain.append(draft), phase: Phase::Whole })
        .collect();
    store.append_entries(entries.into(), vec![]).await.unwrap();
    let left = store.unrecorded_events().await.unwrap();
    assert_eq!(left.iter().map(|event| &event.id).collect::<Vec<_>>(), ["one", "three"]);
}

async fn subscriptions(store: &dyn Store) {
    let (a, b) = (TenantId::new("a"), TenantId::new("b"));
    let pairing = |state: &str| StoredPairing {
        tenant: a.clone(),
        hook: "hook".to_owned(),
        state: state.to_owned(),
        open_until: time(9),
        opened_by: "operator".to_owned(),
        subscription: Some("s".to_owned()),
    };
    store.put_pairing(pairing("waiting")).await.unwrap();
    store.put_pairing(pairing("closed")).await.unwrap();
    let taken = StoredPairing { tenant: b.clone(), ..pairing("waiting") };
    assert!(store.put_pairing(taken).await.is_err(), "a way in belongs to one tenant");
    let all = store.all_pairings().await.unwrap();
    assert_eq!((all.len(), all[0].state.as_str(), all[0].open_until), (1, "closed", time(9)));

    let subscription = |notion_id: Option<&str>| StoredSubscription {
        tenant: a.clone(),
        id: "s".to_owned(),
        token: Sealed::from_bytes(vec![1, 2]),
        created_at: time(3),
        created_by: "operator".to_owned(),
        notion_id: notion_id.map(str::to_owned),
        integration_id: None,
    };
    store.put_subscription(subscription(None)).await.unwrap();
    store.put_subscription(subscription(Some("n"))).await.unwrap();
    let all = store.all_subscriptions().await.unwrap();
    assert_eq!((all.len(), all[0].notion_id.as_deref()), (1, Some("n")));
    assert_eq!((all[0].token.as_bytes(), all[0].created_at), (&[1, 2][..], time(3)));
    assert!(!store.delete_subscription(&b, "s").await.unwrap(), "another tenant's");
    assert!(store.delete_subscription(&a, "s").await.unwrap());
    assert!(store.all_subscriptions().await.unwrap().is_empty());
}

/// Version by version, the newest of each tenant.
async fn policies(store: &dyn Store) {
    let version = |tenant: &str, version: u64| StoredPolicies {
        tenant: TenantId::new(tenant),
        version,
        text: format!("// {tenant} {version}"),
        made_at: time(version.cast_signed()),
        made_by: "operator".to_owned(),
        note: "a note".to_owned(),
    };
    for (tenant, number) in [("a", 1), ("a", 2), ("b", 1), ("a", 3)] {
        assert!(store.add_policies(version(tenant, number), 2).await.unwrap());
    }
    // Another with the same number does not replace the first.
    let late = StoredPolicies { text: "late".to_owned(), ..version("a", 3) };
    assert!(!store.add_policies(late, 2).await.unwrap());

    let newest = store.newest_policies().await.unwrap();
    assert_eq!(newest, [version("a", 3), version("b", 1)]);
    // Of each tenant the newest stay.
    let kept = store.policy_versions(&TenantId::new("a")).await.unwrap();
    assert_eq!(kept, [version("a", 3), version("a", 2)]);
    assert_eq!(store.policy_versions(&TenantId::new("c")).await.unwrap(), []);
}

macro_rules! contract {
    ($backend:ident, $open:expr) => {
        mod $backend {
            #[tokio::test]
            async fn keys() {
                super::keys(&$open.1).await;
            }

            #[tokio::test]
            async fn connections() {
                super::connections(&$open.1).await;
            }

            #[tokio::test]
            async fn policies() {
                super::policies(&$open.1).await;
            }

            #[tokio::test]
            async fn users() {
                super::users(&$open.1).await;
            }

            #[tokio::test]
            async fn tenants() {
                super::tenants(&$open.1).await;
            }

            #[tokio::test]
            async fn sealed_cells() {
                let (_directory, store) = $open;
                super::sealed_cells(&store).await;
            }

            #[tokio::test]
            async fn ledger_entries() {
                super::ledger_entries(&$open.1).await;
            }

            #[tokio::test]
            async fn mirrors() {
                super::mirrors(&$open.1).await;
            }

            #[tokio::test]
            async fn inbox() {
                super::inbox(&$open.1).await;
            }

            #[tokio::test]
            async fn unrecorded() {
                super::unrecorded(&$open.1).await;
            }

            #[tokio::test]
            async fn subscriptions() {
                super::subscriptions(&$open.1).await;
            }

            #[tokio::test]
            async fn access_audits() {
                super::access_audits(&$open.1).await;
            }

            #[tokio::test]
            async fn meta() {
                super::meta(&$open.1).await;
            }
        }
    };
}

/// A new store, and the directory that goes away with it.
fn sqlite() -> (tempfile::TempDir, SqliteStore) {
    let directory = tempfile::tempdir().unwrap();
    let store = SqliteStore::open(&directory.path().join("test.sqlite")).unwrap();
    (directory, store)
}

contract!(sqlite, super::sqlite());

#[tokio::test]
async fn what_was_written_is_there_after_opening_again() {
    let (directory, store) = sqlite();
    keys(&store).await;
    drop(store);
    let again = SqliteStore::open(&directory.path().join("test.sqlite")).unwrap();
    assert_eq!(store::Keys::all_keys(&again).await.unwrap().len(), 2);
}

#[tokio::test]
async fn credentials_that_were_deleted_are_in_no_file_any_more() {
    let (directory, store) = sqlite();
    let store: &dyn Store = &store;
    let secret = b"sealed bytes that nobody else has, long enough to stand out";
    let holds = || {
        let files = std::fs::read_dir(directory.path()).unwrap();
        let bytes = files.map(|file| std::fs::read(file.unwrap().path()).unwrap());
        bytes.filter(|bytes| bytes.windows(secret.len()).any(|part| part == secret)).count()
    };
    let all = [Slot::Access, Slot::Refresh, Slot::PreviousAccess, Slot::PreviousRefresh];
    let put = all.map(|slot| credential(slot, secret)).to_vec();
    let connection = connection("a", 1, "first");
    let change = CredentialChange { delete: Vec::new(), put };
    store.put_connection(connection.clone(), change).await.unwrap();
    assert!(holds() > 0, "otherwise there is nothing to prove");
    // Some replaced, some deleted.
    let other = vec![credential(Slot::Access, b"another")];
    let change = CredentialChange { delete: all.to_vec(), put: other };
    store.put_connection(connection, change).await.unwrap();
    store.scrub().await.unwrap();
    assert_eq!(holds(), 0);
    // The store is as usable as before.
    store.scrub().await.unwrap();
    assert_eq!(store.all_connections().await.unwrap()[0].credentials.len(), 1);
}

#[test]
fn foreign_files_are_refused_and_left_alone() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("x.sqlite");
    std::fs::write(&path, "this is a diary and no database, whatever its name says").unwrap();
    let error = SqliteStore::open(&path).unwrap_err();
    assert!(error.to_string().contains("is not a database"), "{error}");
    assert!(std::fs::read_to_string(&path).unwrap().starts_with("this is a diary"));

    std::fs::remove_file(&path).unwrap();
    let foreign = rusqlite::Connection::open(&path).unwrap();
    foreign.execute_batch("CREATE TABLE diary (day TEXT)").unwrap();
    drop(foreign);
    let error = SqliteStore::open(&path).unwrap_err();
    assert!(error.to_string().contains("another program"), "{error}");
}

/// A row that makes no sense is a gap that shows, and hides nothing else.
#[tokio::test]
async fn unreadable_rows_of_the_ledger_are_shown() {
    let (directory, store) = sqlite();
    let mut chain = Chain::after(Head::START);
    let whole: Vec<_> = (1..=9)
        .map(|number| Numbered { entry: chain.append(draft("a", number)), phase: Phase::Intent })
        .collect();
    store::LedgerEntries::append_entries(&store, whole.into(), vec![]).await.unwrap();
    let db = rusqlite::Connection::open(directory.path().join("test.sqlite")).unwrap();
    for (seq, column, value) in [
        (1, "at", "9223372036854775807"),
        (2, "principal", "CAST(x'ff' AS TEXT)"),
        (3, "result", "'maybe'"),
        (4, "metadata", "'nonsense'"),
        (5, "metadata", "'{\"a\":1.5}'"),
        (6, "prev", "x'00'"),
        (7, "hash", "x''"),
        (8, "reason", "CAST(x'ff' AS TEXT)"),
    ] {
        let sql = format!("UPDATE ledger SET {column} = {value} WHERE seq = {seq}");
        assert_eq!(db.execute(&sql, []).unwrap(), 1);
        let a = TenantId::new("a");
        let rows = store::LedgerEntries::entries_after(&store, &a, 0, 100).await.unwrap();
        let shown = ledger::Unreadable { seq, column: column.into() };
        assert_eq!(rows[seq as usize - 1], Row::Unreadable { unreadable: shown });
        assert_eq!(rows.iter().map(Row::seq).collect::<Vec<_>>(), (1..=9).collect::<Vec<_>>());
        let any = EntryFilter::default();
        let list = store::LedgerEntries::list_entries(&store, &a, any, None, 100).await.unwrap();
        assert_eq!(list.iter().rev().cloned().collect::<Vec<_>>(), rows);
        assert_eq!(store::LedgerEntries::open_intents(&store).await.unwrap(), rows);
    }
}

/// A database as the first version of the tables left it.
#[tokio::test]
async fn what_an_older_notegate_kept_is_carried_over() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("old.sqlite");
    let old = rusqlite::Connection::open(&path).unwrap();
    old.execute_batch(include_str!("version-1.sql")).unwrap();
    drop(old);
    let store = SqliteStore::open(&path).unwrap();
    let all = store::Connections::all_connections(&store).await.unwrap();
    let [stored] = &all[..] else { panic!("{all:?}") };
    assert_eq!(
        (stored.connection.name.as_str(), stored.connection.authorized_at),
        ("Old", time(1))
    );
    assert_eq!(stored.connection.state, ConnectionState::Active);
    assert_eq!(stored.connection.origin, Origin::Environment);
    assert_eq!(stored.connection.rotated_at, time(1));
    let [token] = &stored.credentials[..] else { panic!("{stored:?}") };
    assert_eq!((token.slot, token.sealed.as_bytes()), (Slot::Legacy, &[1, 2, 3][..]));
    let keys = store::Keys::all_keys(&store).await.unwrap();
    assert_eq!(keys[0].key.connection, Some(ConnectionId(id(1))));
    assert_eq!(keys[0].hash, KeyHash([7; 32]));
}

#[tokio::test]
async fn what_is_spent_of_budgets_is_kept_with_its_pages() {
    use model::Meter;
    use store::{Budgets, SpentWindow};

    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("test.sqlite");
    let spent = |name: &str, meter, window, spent, pages: &[u8]| SpentWindow {
        tenant: TenantId::default(),
        key: KeyId::parse(&format!("{name:0>12}")).unwrap(),
        meter,
        window,
        spent,
        pages: pages.iter().map(|number| id(*number)).collect(),
    };
    let store = SqliteStore::open(&path).unwrap();
    let (calls, pages) = (Meter::CallsPerDay, Meter::PagesPerHour);
    store
        .put_spent(vec![spent("a", calls, 7, 3, &[]), spent("a", pages, 1, 2, &[1, 2])])
        .await
        .unwrap();
    store
        .put_spent(vec![spent("a", pages, 1, 3, &[3]), spent("b", pages, 1, 1, &[1])])
        .await
        .unwrap();
    store.put_spent(vec![spent("a", calls, 8, 1, &[])]).await.unwrap();
    drop(store);

    let store = SqliteStore::open(&path).unwrap();
    let all = async || {
        let mut all = store.all_spent().await.unwrap();
        all.sort_by_key(|it| (it.key.clone(), it.meter));
        all.iter_mut().for_each(|it| it.pages.sort());
        all
    };
    let b = spent("b", pages, 1, 1, &[1]);
    let expected = [spent("a", calls, 8, 1, &[]), spent("a", pages, 1, 3, &[1, 2, 3]), b.clone()];
    assert_eq!(all().await, expected);
    // Pages belong to their window.
    store.put_spent(vec![spent("a", pages, 2, 1, &[9])]).await.unwrap();
    let expected = [spent("a", calls, 8, 1, &[]), spent("a", pages, 2, 1, &[9]), b];
    assert_eq!(all().await, expected);
    store.forget_spent(pages, 2).await.unwrap();
    store.forget_spent(calls, 9).await.unwrap();
    assert_eq!(all().await, [spent("a", pages, 2, 1, &[9])]);
}
