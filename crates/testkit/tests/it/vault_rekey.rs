//! The master key changes while the gate serves; wherever that breaks off, everything opens.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use gate::{Gate, KeySource, KeySourceError, KeySourceKind};
use jiff::Timestamp;
use model::{
    Connection, ConnectionId, ConnectionKind, ConnectionState, ExposeSecret, Origin, Role, TenantId,
};
use notion::Id;
use serde_json::json;
use store::{Credential, CredentialChange, SealedCells, Slot, SqliteStore, Store, credential_row};
use testkit::{FaultyStore, Kit};
use vault::{Keyring, MasterKey, MasterKeyId, SystemChance, Vault};

/// A key file as the data directory has one, which can be told to break at its n-th write.
#[derive(Debug)]
struct File {
    text: Mutex<String>,
    writes_left: AtomicUsize,
}

impl File {
    fn new(text: &str) -> Arc<Self> {
        Arc::new(Self {
            text: Mutex::new(text.to_owned()),
            writes_left: AtomicUsize::new(usize::MAX),
        })
    }

    fn keyring(&self) -> Keyring {
        Keyring::parse(&self.text().into()).expect("keys")
    }

    fn text(&self) -> String {
        self.text.lock().expect("no panic").clone()
    }

    fn write(&self, keyring: &Keyring) -> Result<(), KeySourceError> {
        let left = self
            .writes_left
            .fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1));
        left.map_err(|_| KeySourceError("killed".to_owned()))?;
        *self.text.lock().expect("no panic") = keyring.reveal().expose_secret().to_owned();
        Ok(())
    }
}

#[async_trait]
impl KeySource for File {
    fn kind(&self) -> KeySourceKind {
        KeySourceKind::DataDirectory
    }

    fn shown(&self) -> String {
        "the test's key file".to_owned()
    }

    async fn renew(&self) -> Result<Keyring, KeySourceError> {
        let keyring = self.keyring();
        if keyring.ids().count() > 1 {
            return Ok(keyring);
        }
        let keyring = Keyring::before(MasterKey::generate(&SystemChance::new()), keyring);
        self.write(&keyring)?;
        Ok(keyring)
    }

    async fn settle(&self, current: MasterKeyId) -> Result<(), KeySourceError> {
        let keyring = self.keyring();
        assert_eq!(keyring.current().id(), current);
        self.write(&Keyring::parse(&keyring.current().reveal()).expect("a key"))
    }

    async fn is_unsettled(&self) -> bool {
        self.keyring().ids().count() > 1
    }
}

async fn open(store: Arc<dyn Store>, file: &Arc<File>) -> Gate {
    let mut options = testkit::options(store, file.keyring());
    options.key_source = file.clone();
    Gate::open(options).await.expect("the keys of the file open everything")
}

fn new_key() -> String {
    MasterKey::generate(&SystemChance::new()).reveal().expose_secret().to_owned()
}

/// Callers see nothing of it: no failure, no wait, and cursors of before go on.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn callers_see_nothing_of_it() {
    let first = new_key();
    let file = File::new(&first);
    let kit = Kit::start_with(|options| {
        options.keyring = file.keyring();
        options.key_source = file.clone();
    })
    .await;
    let kit = Arc::new(kit);
    let reader = kit.key(Role::Viewer, &[kit.demo.team_page_id]).await;
    let body = json!({ "page_size": 1 });
    let listed = kit.post(&reader, "/v1/search", &body).await.json();
    let cursor = listed["next_cursor"].as_str().expect("more than one page").to_owned();

    let stop = Arc::new(AtomicBool::new(false));
    let callers = (0..8).map(|_| {
        let (kit, reader, stop) = (kit.clone(), reader.clone(), stop.clone());
        tokio::spawn(async move {
            let path = format!("/v1/pages/{}", kit.demo.team_page_id);
            let mut calls = 0;
            while !stop.load(Ordering::Relaxed) {
                let reply = kit.get(&reader, &path).await;
                assert_eq!(reply.status, 200, "{reply:?}");
                calls += 1;
            }
            calls
        })
    });
    let callers: Vec<_> = callers.collect();
    let mut keys = vec![first];
    for round in 0..10 {
        let rotated = kit.gate.rotate_master_key(&kit.operator(), "test").await.expect("a change");
        assert!(rotated.settled && rotated.failed.is_empty(), "{rotated:?}");
        assert!(rotated.resealed >= 3, "check text, root and token: {rotated:?}");
        assert!(!keys.contains(&file.text()), "round {round}: a new key");
        keys.push(file.text());
        tokio::task::yield_now().await;
    }
    stop.store(true, Ordering::Relaxed);
    for caller in callers {
        assert!(caller.await.expect("no caller failed") > 0);
    }
    let body = json!({ "page_size": 1, "start_cursor": cursor });
    assert_eq!(kit.post(&reader, "/v1/search", &body).await.status, 200, "a cursor of before");

    let status = kit.gate.vault_status(&kit.operator(), "test").await.expect("the status");
    assert_eq!(status.keys[0].id, file.keyring().current().id().to_string());
    assert!(status.keys[1..].iter().all(|key| key.cells == 0 && key.removable), "{status:?}");
    // With the last key alone it opens; with any of before it does not.
    let gate = open(kit.store.clone(), &File::new(&file.text())).await;
    assert!(gate.close().await);
    for old in &keys[..10] {
        let keyring = Keyring::parse(&old.clone().into()).expect("a key");
        assert!(Gate::open(testkit::options(kit.store.clone(), keyring)).await.is_err());
    }
    let entries = kit.entries(900).await;
    let changes: Vec<_> =
        entries.iter().filter(|entry| entry.operation == "rotate-master-key").collect();
    assert_eq!(changes.len(), 20, "each with its intent");
    let text = format!("{entries:?}");
    assert!(keys.iter().all(|key| !text.contains(key.trim())), "a key in the ledger");
    Arc::into_inner(kit).expect("nobody else has it").finish().await;
}

fn connection(number: u8) -> Connection {
    let id = format!("00000000-0000-4000-8000-0000000000{number:02x}");
    let at = Timestamp::from_second(1_700_000_000).expect("a time");
    Connection {
        bot_id: ConnectionId(Id::parse(&id).expect("an id")),
        tenant: TenantId::default(),
        name: format!("bot {number}"),
        kind: ConnectionKind::Internal,
        workspace_id: None,
        workspace_name: None,
        workspace_icon: None,
        owner: None,
        duplicated_template_id: None,
        capabilities: None,
        writer: None,
        origin: Origin::Given,
        // So that the gate asks nobody about it.
        state: ConnectionState::NeedsReauthorization,
        state_reason: None,
        authorized_at: at,
        authorized_by: "operator".to_owned(),
        rotated_at: at,
        last_used_at: None,
    }
}

/// Puts `count` connections with two credentials each into the store.
async fn fill(store: &dyn Store, vault: &Vault, count: u8) {
    for number in 0..count {
        let connection = connection(number);
        let row = credential_row(&connection.tenant, connection.bot_id);
        let put = [Slot::Access, Slot::Refresh].map(|slot| {
            let secret = format!("ntn_{}_{number}", slot.as_str()).into();
            let sealed = vault.sealing().seal(slot.place(&row), &secret);
            Credential { slot, sealed, since: connection.rotated_at }
        });
        let change = CredentialChange { delete: Vec::new(), put: put.to_vec() };
        store.put_connection(connection, change).await.expect("a connection");
    }
}

/// Every credential of [`fill`] opens, at its place and with its text.
async fn everything_opens(store: &dyn Store, keyring: Keyring, count: u8) {
    let vault = Vault::new(keyring, Arc::new(SystemChance::new()));
    let all = store.all_connections().await.expect("the connections");
    assert_eq!(all.len(), usize::from(count));
    for stored in all {
        let row = credential_row(&stored.connection.tenant, stored.connection.bot_id);
        assert_eq!(stored.credentials.len(), 2);
        for Credential { slot, sealed, .. } in stored.credentials {
            let opened = vault.open(slot.place(&row), &sealed).expect("it opens");
            let number = stored.connection.name.strip_prefix("bot ").expect("a name");
            let expected = format!("ntn_{}_{number}", slot.as_str());
            assert_eq!(opened.expose_secret(), expected);
        }
    }
}

/// Killed after each write that there is, of the file and of the store, in turn.
#[tokio::test]
async fn killed_at_every_step_everything_opens() {
    const CONNECTIONS: u8 = 7;
    let directory = tempfile::tempdir().expect("a directory");
    let mut steps = 0;
    // Two writes of the file, and 16 cells: check text, root, and two of each connection.
    for file_writes in 0..3 {
        for cells in (0..=16).rev() {
            if file_writes == 0 && cells > 0 {
                continue;
            }
            let path = directory.path().join(format!("{file_writes}-{cells}.sqlite"));
            let store = Arc::new(FaultyStore::new(SqliteStore::open(&path).expect("a store")));
            let file = File::new(&new_key());
            let vault = Vault::new(file.keyring(), Arc::new(SystemChance::new()));
            fill(&*store, &vault, CONNECTIONS).await;
            let gate = open(store.clone(), &file).await;
            file.writes_left.store(file_writes, Ordering::SeqCst);
            store.fail_reseal_after(cells);
            let done = gate.rotate_master_key(&gate.operator(), "killed").await;
            assert_eq!(done.is_ok(), file_writes == 2 && cells == 16, "{file_writes} {cells}");
            // Dead: the gate does nothing more, and what is there is what was written.
            drop(gate);
            steps += 1;
            everything_opens(&*store, file.keyring(), CONNECTIONS).await;

            file.writes_left.store(usize::MAX, Ordering::SeqCst);
            store.fail_reseal_after(usize::MAX);
            let gate = open(store.clone(), &file).await;
            if file.is_unsettled().await {
                // What the gate does by itself once it serves.
                let (stop, stopped) = tokio::sync::watch::channel(false);
                let background = gate.clone();
                let background =
                    tokio::spawn(async move { background.run_background(stopped).await });
                while file.is_unsettled().await {
                    tokio::task::yield_now().await;
                }
                stop.send(true).expect("it runs");
                background.await.expect("it ends");
                assert_eq!(file.keyring().ids().count(), 1, "{file_writes} {cells}: it went on");
            }
            everything_opens(&*store, file.keyring(), CONNECTIONS).await;
            let rotated = gate.rotate_master_key(&gate.operator(), "again").await.expect("again");
            assert_eq!(rotated.resealed, 16, "{file_writes} {cells}");
            everything_opens(&*store, file.keyring(), CONNECTIONS).await;
            assert!(gate.close().await);
        }
    }
    assert_eq!(steps, 1 + 17 + 17);
}

/// Credentials that are written while the key changes are never lost, whichever key they began with.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_written_meanwhile_is_not_lost() {
    let file = File::new(&new_key());
    let kit = Kit::start_with(|options| {
        options.keyring = file.keyring();
        options.key_source = file.clone();
    })
    .await;
    let gate = kit.gate.clone();
    let token = kit.demo.tokens.full.clone();
    let stop = Arc::new(AtomicBool::new(false));
    let writer = tokio::spawn({
        let (stop, gate) = (stop.clone(), gate.clone());
        async move {
            let mut writes = 0;
            while !stop.load(Ordering::Relaxed) {
                let tokens = gate::Tokens { access: token.clone().into(), write: None };
                gate.connect(&gate.operator(), &tokens, Origin::Given, "test")
                    .await
                    .expect("it is connected");
                writes += 1;
            }
            writes
        }
    });
    for _ in 0..20 {
        let rotated = gate.rotate_master_key(&kit.operator(), "test").await.expect("a change");
        assert!(rotated.settled, "{rotated:?}");
        // At each of these moments the file's key alone must be enough.
        let keyring = file.keyring();
        assert_eq!(keyring.ids().count(), 1);
        for cell in kit.store.sealed_cells(None, 100).await.expect("the cells") {
            assert_eq!(cell.head.key_id(), Some(keyring.current().id()), "{}", cell.place());
        }
    }
    stop.store(true, Ordering::Relaxed);
    assert!(writer.await.expect("no write failed") > 0);
    kit.finish().await;
}

/// Swaps the access tokens of the two connections.
fn swap_access(path: &std::path::Path) {
    let db = rusqlite::Connection::open(path).expect("the database");
    db.execute_batch(
        "CREATE TEMP TABLE before AS SELECT bot_id, sealed FROM credentials WHERE slot = 'access';
         UPDATE credentials SET sealed =
         (SELECT sealed FROM before WHERE before.bot_id <> credentials.bot_id)
         WHERE slot = 'access';",
    )
    .expect("swapped");
}

/// A cell that does not open is named and left as it is, and its key is kept.
#[tokio::test]
async fn what_does_not_open_keeps_its_key() {
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("test.sqlite");
    let store = Arc::new(SqliteStore::open(&path).expect("a store"));
    let file = File::new(&new_key());
    let vault = Vault::new(file.keyring(), Arc::new(SystemChance::new()));
    fill(&*store, &vault, 2).await;
    let gate = open(store.clone(), &file).await;
    // Two rows are swapped, as somebody would who wants one workspace's token to be used as another's.
    swap_access(&path);
    let rotated = gate.rotate_master_key(&gate.operator(), "test").await.expect("a change");
    assert_eq!((rotated.failed_cells, rotated.settled), (2, false), "{rotated:?}");
    assert!(rotated.failed[0].contains("credentials.access, row default/"), "{rotated:?}");
    assert_eq!(file.keyring().ids().count(), 2, "the old key is kept");
    // Put back, the change ends.
    swap_access(&path);
    let rotated = gate.rotate_master_key(&gate.operator(), "test").await.expect("a change");
    assert_eq!((rotated.failed_cells, rotated.settled, rotated.resealed), (0, true, 2));
    everything_opens(&*store, file.keyring(), 2).await;
    assert!(gate.close().await);
}

/// Only whoever runs the installation sees or changes the master key.
#[tokio::test]
async fn keys_cannot_touch_it() {
    let kit = Kit::start().await;
    for (method, path) in [("GET", "/api/v1/vault"), ("POST", "/api/v1/vault/rotate")] {
        let reply = kit.call(method, &kit.admin, path, None).await;
        assert_eq!((reply.status, reply.reason()), (403, Some("operator")), "{reply:?}");
    }
    let entries = kit.entries(10).await;
    assert!(entries.iter().any(|entry| entry.action == "manage_denied"), "{entries:?}");
    kit.finish().await;
}

/// What Notion signs is recognised by a token that was sealed anew, however often.
#[tokio::test]
async fn webhooks_see_nothing_of_it() {
    let file = File::new(&new_key());
    let kit = Kit::start_with(|options| {
        options.keyring = file.keyring();
        options.key_source = file.clone();
    })
    .await;
    let token = crate::webhooks::pair(&kit).await.token;
    let page = kit.demo.team_page_id.to_string();
    for round in 1..=3 {
        let rotated = kit.gate.rotate_master_key(&kit.operator(), "test").await.expect("a change");
        assert!(rotated.failed.is_empty(), "{rotated:?}");
        let event = crate::webhooks::event(&kit, round, "page.created", &page, round);
        let reply = crate::webhooks::send(&kit, &token, &event).await;
        assert_eq!(reply.status, 200, "round {round}: {}", reply.text());
        let forged = crate::webhooks::send(&kit, "secret_of_somebody_else", &event).await;
        assert_eq!(forged.status, 401);
    }
    let shown = kit.get(&kit.admin, "/api/v1/webhooks/pairing").await.json();
    assert_eq!(shown["verification_token"], token.as_str(), "{shown}");
    kit.finish().await;
}
