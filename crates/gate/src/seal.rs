//! What the store is sealed under: the master keys are checked against it when the gate opens, and the
//! root secret is taken out of it.

use std::fmt;
use std::sync::Arc;

use model::{Chance, ExposeSecret, SecretString};
use store::Store;
use vault::{Keyring, MasterKeyId, Place, Root, SealError, Sealed, Vault};

/// The text by which a master key is recognised, and where it is kept.
const CHECK: &str = "master_key_check";
/// The root secret.
const ROOT: &str = "root_secret";
/// The text of an installation without a root secret: what is derived comes from its master key.
const WITHOUT_ROOT: &str = "notegate";
const WITH_ROOT: &str = "notegate, with a root secret";
/// Cells that are looked at in one go.
const BATCH: u32 = 500;
/// Cells that an error names.
const NAMED_MAX: usize = 3;

/// Why the master keys do not open the store.
#[derive(Debug, thiserror::Error)]
pub enum SealFault {
    /// The store belongs to another master key, or what is sealed in it is damaged.
    #[error("the master key does not fit the data directory")]
    MasterKey(#[source] vault::OpenError),
    /// Some of it is under a key that is not given.
    #[error(
        "the master key does not fit all of the data directory: {cells} sealed under {key}; give that \
         key, too, after the current one"
    )]
    OtherKey {
        /// Which cells, and how many.
        cells: Cells,
        /// Under which key.
        key: MasterKeyId,
    },
    /// The root secret is gone.
    #[error(
        "the root secret is missing in the database (meta.value, row {ROOT}): restore it from a backup"
    )]
    NoRoot,
}

/// Cells of the store, the first few by name.
#[derive(Debug, Default)]
pub struct Cells {
    named: Vec<String>,
    count: usize,
}

impl Cells {
    pub(crate) fn add(&mut self, place: Place<'_>) {
        if self.named.len() < NAMED_MAX {
            self.named.push(place.to_string());
        }
        self.count += 1;
    }
}

impl fmt::Display for Cells {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.named.join("; "))?;
        match self.count - self.named.len() {
            0 => write!(f, " {}", if self.count == 1 { "is" } else { "are" }),
            more => write!(f, " and {more} more are"),
        }
    }
}

fn place(row: &str) -> Place<'_> {
    Place { table: "meta", row, column: "value" }
}

/// Checks the keys against everything that is sealed and gives the root secret; makes it, and notes
/// the master key, where the store has none yet.
pub(crate) async fn open(
    store: &dyn Store,
    keyring: Keyring,
    chance: Arc<dyn Chance>,
) -> Result<(Vault, Root), crate::OpenError> {
    let found = look(store, &keyring).await?;
    check_cells(store, &keyring).await?;
    let vault = Vault::new(keyring, chance.clone());
    let sealing = vault.sealing();
    let write = async |row: &str, secret: &SecretString| {
        let sealed = sealing.seal(place(row), secret);
        store.set_meta(row, sealed.as_bytes().to_vec()).await
    };
    let root = match found {
        Found::Whole(root) => return Ok((vault, root)),
        Found::Unmarked(root) => root,
        Found::Old(root) => {
            write(ROOT, &root.reveal()).await?;
            root
        }
        Found::Nothing => {
            let root = Root::generate(&*chance);
            write(ROOT, &root.reveal()).await?;
            root
        }
    };
    // Last, so that a store without it is one that was not finished.
    write(CHECK, &WITH_ROOT.to_owned().into()).await?;
    Ok((vault, root))
}

/// The root secret of a store that is only to be looked at.
pub(crate) async fn root_at_rest(
    store: &dyn Store,
    keyring: &Keyring,
) -> Result<Root, crate::OpenError> {
    Ok(match look(store, keyring).await? {
        Found::Whole(root) | Found::Unmarked(root) | Found::Old(root) => root,
        Found::Nothing => Root::of_master_key(keyring.current()),
    })
}

/// What a store knows of its master key.
enum Found {
    /// Everything.
    Whole(Root),
    /// The root is there, and it is not noted that it must be.
    Unmarked(Root),
    /// It was made before there were roots.
    Old(Root),
    /// It is new.
    Nothing,
}

async fn look(store: &dyn Store, keyring: &Keyring) -> Result<Found, crate::OpenError> {
    let check = read(store, keyring, CHECK).await?;
    let root = read(store, keyring, ROOT).await?;
    let root = root
        .map(|(text, sealed)| {
            let damaged =
                || vault::OpenError { place: place(ROOT).to_string(), fault: SealError::Damaged };
            Root::parse(&text)
                .map(|root| (root, sealed))
                .map_err(|_| SealFault::MasterKey(damaged()))
        })
        .transpose()?;
    Ok(match (check, root) {
        (Some((text, _)), Some((root, _))) if text.expose_secret() == WITH_ROOT => {
            Found::Whole(root)
        }
        (_, Some((root, _))) => Found::Unmarked(root),
        (Some((text, sealed)), None) if text.expose_secret() == WITHOUT_ROOT => {
            // INVARIANT: it just opened under a key of the keyring, which has the name that it bears.
            let key =
                sealed.key_id().and_then(|id| keyring.find(id)).expect("the key it opened with");
            Found::Old(Root::of_master_key(key))
        }
        (Some(_), None) => return Err(SealFault::NoRoot.into()),
        (None, None) => Found::Nothing,
    })
}

async fn read(
    store: &dyn Store,
    keyring: &Keyring,
    row: &str,
) -> Result<Option<(SecretString, Sealed)>, crate::OpenError> {
    let Some(bytes) = store.meta(row).await? else { return Ok(None) };
    let sealed = Sealed::from_bytes(bytes);
    let text = sealed.open(keyring, place(row)).map_err(SealFault::MasterKey)?;
    Ok(Some((text, sealed)))
}

/// Refuses keys that do not open everything: better not to start than to find out at the call.
async fn check_cells(store: &dyn Store, keyring: &Keyring) -> Result<(), crate::OpenError> {
    let mut strange: Option<(MasterKeyId, Cells)> = None;
    let mut last = None;
    loop {
        let batch = store.sealed_cells(last.as_ref(), BATCH).await?;
        for cell in &batch {
            // What bears no key's name is damaged. That is said when it is to be opened.
            let Some(id) = cell.head.key_id().filter(|id| keyring.find(*id).is_none()) else {
                continue;
            };
            let (key, cells) = strange.get_or_insert_with(|| (id, Cells::default()));
            if *key == id {
                cells.add(cell.place());
            }
        }
        match batch.into_iter().last() {
            Some(cell) => last = Some(cell),
            None => break,
        }
    }
    match strange {
        Some((key, cells)) => Err(SealFault::OtherKey { cells, key }.into()),
        None => Ok(()),
    }
}
