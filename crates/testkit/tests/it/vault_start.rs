//! What a gate makes of the master keys that it is given.

use std::path::Path;
use std::sync::Arc;

use gate::{Gate, KeyRequest, OpenError};
use model::{ExposeSecret, Role};
use store::{Meta, SealedCell, SealedCells, SqliteStore, Store};
use testkit::Kit;
use vault::{Keyring, MasterKey, SealedHead, SystemChance};

fn store(path: &Path) -> Arc<SqliteStore> {
    Arc::new(SqliteStore::open(path).expect("a store"))
}

async fn open(store: Arc<dyn Store>, keys: &str) -> Result<Gate, OpenError> {
    let keyring = Keyring::parse(&keys.to_owned().into()).expect("keys");
    Gate::open(testkit::options(store, keyring)).await
}

/// A keyring of `count` new keys, as text.
fn keys(count: usize) -> Vec<String> {
    let new = || MasterKey::generate(&SystemChance::new()).reveal().expose_secret().to_owned();
    std::iter::repeat_with(new).take(count).collect()
}

/// A new installation does not depend on the master key that it was begun with; one from before there
/// was a root secret goes on with what was derived from its master key.
#[tokio::test]
async fn what_is_derived_survives_the_master_key() {
    for old in [false, true] {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("test.sqlite");
        let [first, second] = keys(2).try_into().unwrap();
        if old {
            // As the first version wrote it: the text `notegate` under its master key.
            let vault = vault::Vault::new(
                Keyring::parse(&first.clone().into()).unwrap(),
                Arc::new(SystemChance::new()),
            );
            let place = vault::Place { table: "meta", row: "master_key_check", column: "value" };
            let check = vault.sealing().seal(place, &"notegate".to_owned().into());
            let store = store(&path);
            store.set_meta("master_key_check", check.as_bytes().to_vec()).await.unwrap();
        }
        let gate = open(store(&path), &first).await.unwrap();
        let request = KeyRequest::new("one", Role::Viewer, Vec::new());
        let made = gate.create_key(&gate.operator(), request, "test").await;
        let verdict = gate.verify_audit(&gate.operator(), "test").await.unwrap().verdict;
        assert!(gate.close().await);
        let signing = gate.audit_public_key().to_owned();
        assert!(verdict.intact, "{verdict:?}");
        if old {
            let seed =
                vault::Root::of_master_key(&MasterKey::parse(&first.clone().into()).unwrap())
                    .derive(vault::Label::LedgerSigning);
            let before = ledger::Signer::from_seed(&seed);
            assert_eq!(signing, before.public_key());
        }

        // The store is brought under the second key, cell by cell, as re-keying does it.
        let store = store(&path);
        let both = Keyring::parse(&format!("{second} {first}").into()).unwrap();
        let vault = vault::Vault::new(both, Arc::new(SystemChance::new()));
        for cell in store.sealed_cells(None, 100).await.unwrap() {
            let new = vault.sealing().rewrap(cell.place(), &cell.head).unwrap();
            assert!(store.replace_head(&cell, new).await.unwrap());
        }
        let gate = open(store.clone(), &second).await.unwrap();
        let verdict = gate.verify_audit(&gate.operator(), "test").await.unwrap().verdict;
        assert!(verdict.intact, "{verdict:?}");
        assert_eq!(gate.audit_public_key(), signing, "old: {old}");
        if let Ok(made) = &made {
            gate.identify(Some(made.token.reveal()), "test").await.unwrap();
        }
        assert!(gate.close().await);
        let error = open(store, &first).await.unwrap_err();
        assert!(matches!(error, OpenError::Sealed(_)), "{error:?}");
    }
}

/// The head of something that another vault sealed for the cell.
fn foreign_head(vault: &vault::Vault, cell: &SealedCell) -> SealedHead {
    let sealed = vault.sealing().seal(cell.place(), &"x".to_owned().into());
    SealedHead::from_bytes(sealed.as_bytes()[..SealedHead::LENGTH].to_vec())
}

/// Keys that open only a part are refused, and the error names what they do not open.
#[tokio::test]
async fn a_part_under_another_key_is_named() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("test.sqlite");
    let [first, second] = keys(2).try_into().unwrap();
    let store = store(&path);
    let gate = open(store.clone(), &first).await.unwrap();
    assert!(gate.close().await);
    let other = Keyring::parse(&second.clone().into()).unwrap();
    let id = other.current().id().to_string();
    let vault = vault::Vault::new(other, Arc::new(SystemChance::new()));
    let root = store.sealed_cells(None, 100).await.unwrap().pop().unwrap();
    assert_eq!(root.row, "root_secret");
    assert!(store.replace_head(&root, foreign_head(&vault, &root)).await.unwrap());
    let error = open(store.clone(), &first).await.unwrap_err();
    let text = format!(
        "{error}: {}",
        std::error::Error::source(&error).map(ToString::to_string).unwrap_or_default()
    );
    assert!(text.contains("root_secret") && text.contains(&id), "{text}");
    assert!(!text.contains(first.as_str()) && !text.contains(second.as_str()), "{text}");

    // A root that is gone is not replaced by a new one in silence.
    let path = directory.path().join("other.sqlite");
    let gate = open(self::store(&path), &first).await.unwrap();
    assert!(gate.close().await);
    drop(gate);
    let deleted = rusqlite::Connection::open(&path).unwrap();
    deleted.execute("DELETE FROM meta WHERE name = 'root_secret'", []).unwrap();
    let error = open(self::store(&path), &first).await.unwrap_err();
    assert!(error.to_string().contains("root secret is missing"), "{error}");
}

/// A connection whose token is under a key that is not given stops the start by its name.
#[tokio::test]
async fn a_connection_under_another_key_is_named() {
    let kit = Kit::start().await;
    let [other] = keys(1).try_into().unwrap();
    let vault = vault::Vault::new(
        Keyring::parse(&other.clone().into()).unwrap(),
        Arc::new(SystemChance::new()),
    );
    let cells = kit.store.sealed_cells(None, 100).await.unwrap();
    let token = cells.iter().find(|cell| cell.table != "meta").expect("a connection's token");
    assert!(kit.store.replace_head(token, foreign_head(&vault, token)).await.unwrap());
    let wrong = open(kit.store.clone(), &other).await.unwrap_err();
    assert!(matches!(wrong, OpenError::Sealed(_)), "{wrong:?}");
    let both = format!("{other} {}", kit.master_key);
    let gate = open(kit.store.clone(), &both).await.expect("both keys open everything");
    assert!(gate.close().await);
    let error = open(kit.store.clone(), &kit.master_key).await.unwrap_err();
    assert!(error.to_string().contains(&token.place().to_string()), "{error}");
    kit.finish().await;
}
