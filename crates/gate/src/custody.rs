//! Custody: connections in memory, their credentials sealed; opened for one request and no longer.
//!
//! State and credentials of a connection change together ([`Gate::change`]): first in the store, in one
//! transaction, then here, in one step. A call takes one look at both ([`Held::current`]) and goes by
//! what it saw.
//!
//! - `check` asks Notion about a token before there is a connection; `probe`, what it may do.
//! - `connect` takes verified tokens into custody: `Gate::keep` is the one way in, for tokens that were
//!   given and for those from OAuth, for new connections and for ones that are authorised again.
//! - `send` is the one way out: it takes a permit.
//! - `mend` is what is done about a credential that Notion refuses, once for all who notice (`flight`):
//!   `refresh`, by the state machine of `machine`, or else the connection is out of use.
//! - `rotate` replaces a credential without losing a call; `disconnect` ends a connection.
//! - `guests` are connections by tokens that callers bring along: in memory only.
//! - `last_used` notes when connections were used, some seconds later, all at once.

mod age;
mod check;
mod connect;
mod damaged;
mod disconnect;
mod flight;
mod granted;
mod guests;
mod last_used;
mod machine;
mod mend;
mod probe;
mod refresh;
mod rotate;
mod send;

use std::collections::HashMap;
use std::fmt;
use std::sync::atomic::{AtomicBool, AtomicI64};
use std::sync::{Arc, PoisonError, RwLock};

use jiff::Timestamp;
use model::{Connection, ConnectionId, Principal, SecretString, TenantId};
use notion::error::Integration;
use notion::{ApiError, Effect, Id, Kind};
use store::{
    Credential, CredentialChange, Slot, Store, StoreError, StoredConnection, credential_row,
};

use crate::error::Error;
use crate::{Gate, to_its_end};

pub use age::CredentialAge;
pub use check::{Bot, TokenCheck, TokenError, is_notions_own};
pub(crate) use check::{NotFoundForm, bounded_name, bounded_owner};
pub use connect::Tokens;
pub(crate) use connect::Verified;
pub use guests::NotionToken;
pub(crate) use send::usable;

type Name = (TenantId, ConnectionId);

/// Every connection of every tenant.
#[derive(Default)]
pub(crate) struct Custody {
    held: RwLock<HashMap<Name, Arc<Held>>>,
    /// Beside them: what callers bring along.
    pub(crate) guests: guests::Guests,
    /// Held while a connection is added, so that no two tenants get the same bot.
    adding: tokio::sync::Mutex<()>,
}

/// One connection.
pub(crate) struct Held {
    current: RwLock<Arc<Current>>,
    not_found: RwLock<NotFoundForms>,
    /// When a call went out by it the last time, in microseconds; 0 if none did since the start.
    last_used: AtomicI64,
    /// When it was said the last time that its credential is old, in microseconds.
    reminded: AtomicI64,
    /// Whether a call was refused for a capability that it may have been granted meanwhile.
    doubted: AtomicBool,
    /// Who looks after a credential that Notion refused.
    flights: flight::Flights,
    /// Held while a rotation verifies a new credential and puts it in its place.
    rotating: tokio::sync::Mutex<()>,
    /// Held while its state or credentials change: one change at a time.
    changing: tokio::sync::Mutex<()>,
    /// Whether a caller brings its token along: then it is the caller's, and not looked after.
    is_guest: bool,
}

/// A connection as it is now. Never changed, only replaced.
pub(crate) struct Current {
    pub(crate) connection: Connection,
    pub(crate) credentials: Vec<Credential>,
    /// Counts the changes: the same number means the same credentials.
    pub(crate) generation: u64,
}

/// Notion's answers about an object that is not there, to each half of a connection.
#[derive(Clone, Default)]
pub(crate) struct NotFoundForms {
    pub(crate) reader: Option<NotFoundForm>,
    /// Only of a pair.
    pub(crate) writer: Option<NotFoundForm>,
}

impl Custody {
    pub(crate) async fn load(store: &dyn Store) -> Result<Self, StoreError> {
        let custody = Self::default();
        for StoredConnection { connection, credentials } in store.all_connections().await? {
            custody.add(connection, credentials);
        }
        Ok(custody)
    }

    /// The connection `id` of `tenant`, whatever its state.
    pub(crate) fn get(&self, tenant: &TenantId, id: ConnectionId) -> Option<Arc<Held>> {
        let held = self.held.read().unwrap_or_else(PoisonError::into_inner);
        held.get(&(tenant.clone(), id)).cloned()
    }

    /// The connection that a call of `tenant` goes out by: one in custody, or a guest.
    pub(crate) fn way_out(&self, tenant: &TenantId, id: ConnectionId) -> Option<Arc<Held>> {
        self.get(tenant, id).or_else(|| self.guests.get(&(tenant.clone(), id)))
    }

    /// Every connection of every tenant. For looking after them; never for a call.
    pub(crate) fn all(&self) -> Vec<Arc<Held>> {
        let held = self.held.read().unwrap_or_else(PoisonError::into_inner);
        held.values().cloned().collect()
    }

    /// The connections of `tenant`, the one that was authorised last first.
    pub(crate) fn of_tenant(&self, tenant: &TenantId) -> Vec<Arc<Held>> {
        let held = self.held.read().unwrap_or_else(PoisonError::into_inner);
        let mut own: Vec<_> = held
            .iter()
            .filter(|((whose, _), _)| whose == tenant)
            .map(|((_, id), held)| (held.current().connection.authorized_at, *id, held.clone()))
            .collect();
        own.sort_unstable_by_key(|(at, id, _)| std::cmp::Reverse((*at, *id)));
        own.into_iter().map(|(_, _, held)| held).collect()
    }

    /// The usable connection of `tenant` that was authorised last: the one for keys that name none.
    pub(crate) fn latest(&self, tenant: &TenantId) -> Option<Connection> {
        let usable = |held: Arc<Held>| Some(held.current().connection.clone());
        let mut all = self.of_tenant(tenant).into_iter().filter_map(usable);
        all.find(|connection| connection.state.is_usable())
    }

    /// The connection for calls by a key that is bound to none: the tenant's only one.
    /// [`ConnectionId::NONE`] if there is none, or more than one.
    pub(crate) fn only(&self, tenant: &TenantId) -> ConnectionId {
        let all = self.of_tenant(tenant);
        let id = |held: &Arc<Held>| held.current().connection.bot_id;
        let usable = all.iter().filter(|held| held.current().connection.state.is_usable());
        let usable: Vec<_> = usable.map(id).collect();
        match (&usable[..], &all[..]) {
            ([only], _) => *only,
            // Its key is told to have it authorised again.
            ([], [only]) => id(only),
            _ => ConnectionId::NONE,
        }
    }

    /// The tenant that has a bot, as a reader or as a writer.
    pub(crate) fn tenant_of(&self, bot: ConnectionId) -> Option<TenantId> {
        let held = self.held.read().unwrap_or_else(PoisonError::into_inner);
        let has = |held: &Held| {
            let current = held.current();
            let writer = current.connection.writer.as_ref().map(|writer| writer.bot_id);
            current.connection.bot_id == bot || writer == Some(bot)
        };
        held.iter().find(|(_, held)| has(held)).map(|((tenant, _), _)| tenant.clone())
    }

    fn remove(&self, tenant: &TenantId, id: ConnectionId) {
        let mut held = self.held.write().unwrap_or_else(PoisonError::into_inner);
        held.remove(&(tenant.clone(), id));
    }

    fn add(&self, connection: Connection, credentials: Vec<Credential>) -> Arc<Held> {
        let name = (connection.tenant.clone(), connection.bot_id);
        let new = Arc::new(Held::new(connection, credentials));
        let mut held = self.held.write().unwrap_or_else(PoisonError::into_inner);
        held.entry(name).or_insert(new).clone()
    }
}

impl fmt::Debug for Custody {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Custody")
    }
}

impl Held {
    fn new(connection: Connection, credentials: Vec<Credential>) -> Self {
        Self {
            current: RwLock::new(Arc::new(Current { connection, credentials, generation: 0 })),
            not_found: RwLock::default(),
            last_used: AtomicI64::new(0),
            reminded: AtomicI64::new(i64::MIN),
            doubted: AtomicBool::new(false),
            flights: flight::Flights::default(),
            rotating: tokio::sync::Mutex::default(),
            changing: tokio::sync::Mutex::default(),
            is_guest: false,
        }
    }

    fn guest(connection: Connection, credentials: Vec<Credential>) -> Self {
        Self { is_guest: true, ..Self::new(connection, credentials) }
    }

    /// The connection and its credentials as they are now.
    pub(crate) fn current(&self) -> Arc<Current> {
        self.current.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn switch(&self, connection: Connection, credentials: Vec<Credential>) -> Arc<Current> {
        let mut current = self.current.write().unwrap_or_else(PoisonError::into_inner);
        let generation = current.generation + 1;
        *current = Arc::new(Current { connection, credentials, generation });
        current.clone()
    }

    /// Takes over how Notion says that something is not there.
    pub(crate) fn learn_not_found(&self, forms: NotFoundForms) {
        *self.not_found.write().unwrap_or_else(PoisonError::into_inner) = forms;
    }

    /// Whether it is known how Notion says to each half that something is not there.
    fn knows_not_found(&self) -> bool {
        let forms = self.not_found.read().unwrap_or_else(PoisonError::into_inner);
        let pair = self.current().connection.writer.is_some();
        forms.reader.is_some() && (!pair || forms.writer.is_some())
    }

    /// The error for an object that is not there for the caller of an operation with this effect.
    pub(crate) fn not_found(&self, effect: Effect, kind: Kind, id: Id) -> ApiError {
        let forms = self.not_found.read().unwrap_or_else(PoisonError::into_inner).clone();
        let current = self.current();
        let connection = &current.connection;
        let (form, name, bot_id) = match &connection.writer {
            Some(writer) if effect != Effect::Read => (forms.writer, &writer.name, writer.bot_id),
            _ => (forms.reader, &connection.name, connection.bot_id),
        };
        let error = match form {
            Some(form) => form.about(kind, id),
            // What it is called nobody asked Notion.
            None if self.is_guest => ApiError::object_not_found(kind, &id, None),
            None => {
                let integration = Integration { name: name.clone(), id: bot_id.0 };
                ApiError::object_not_found(kind, &id, Some(&integration))
            }
        };
        // Of people Notion says it in words of their own.
        if kind == Kind::User { error.of_user(id) } else { error }
    }
}

impl Current {
    /// The sealed credential in `slot`.
    pub(crate) fn credential(&self, slot: Slot) -> Option<&Credential> {
        self.credentials.iter().find(|credential| credential.slot == slot)
    }
}

impl Gate {
    /// The connection that a call by `principal` goes out by, whatever its state.
    pub(crate) fn held_for(&self, principal: &Principal) -> Result<Arc<Held>, Error> {
        let custody = &self.shared.custody;
        if principal.connection == ConnectionId::NONE {
            let none = custody.of_tenant(&principal.tenant).is_empty();
            return Err(if none { Error::NoConnection } else { Error::WhichConnection });
        }
        // A key keeps the name of a connection whose record was removed.
        let held = custody.way_out(&principal.tenant, principal.connection);
        held.ok_or(Error::Reauthorize { connection: principal.connection })
    }

    /// Seals a credential for its place.
    pub(crate) fn seal(
        &self,
        connection: &Connection,
        slot: Slot,
        secret: &SecretString,
        since: Timestamp,
    ) -> Credential {
        let row = credential_row(&connection.tenant, connection.bot_id);
        let sealed = self.shared.vault.sealing().seal(slot.place(&row), secret);
        Credential { slot, sealed, since }
    }

    /// Opens the credential in `slot`, for one request; `None` if the slot is empty.
    pub(crate) fn unseal(
        &self,
        current: &Current,
        slot: Slot,
    ) -> Result<Option<SecretString>, Error> {
        let Some(credential) = current.credential(slot) else { return Ok(None) };
        let Connection { tenant, bot_id, .. } = &current.connection;
        let row = credential_row(tenant, *bot_id);
        let opened = self.shared.vault.open(slot.place(&row), &credential.sealed);
        opened.map(Some).map_err(Error::Credential)
    }

    /// Changes state and credentials of a connection: durably, then in memory. Whoever calls this holds
    /// `held.changing`, and has looked at `held.current()` since. It is done to its end even if the
    /// caller goes away.
    pub(crate) async fn change(
        &self,
        held: &Arc<Held>,
        connection: Connection,
        change: CredentialChange,
    ) -> Result<Arc<Current>, StoreError> {
        let (gate, held) = (self.clone(), held.clone());
        to_its_end(async move {
            let change = gate.store_connection(connection.clone(), change).await?;
            let credentials = change.applied_to(&held.current().credentials);
            Ok(held.switch(connection, credentials))
        })
        .await
    }

    /// Stores a connection and a change of its credentials; gives back what was stored.
    async fn store_connection(
        &self,
        connection: Connection,
        mut change: CredentialChange,
    ) -> Result<CredentialChange, StoreError> {
        // The master key may have changed since they were sealed. Held until they are stored.
        let sealing = self.shared.vault.sealing();
        let row = credential_row(&connection.tenant, connection.bot_id);
        for Credential { slot, sealed, .. } in &mut change.put {
            // What cannot be brought under the new key is stored as it is: it is found by its name.
            if let Ok(renewed) = sealing.renew(slot.place(&row), sealed) {
                *sealed = renewed;
            }
        }
        self.shared.store.put_connection(connection, change.clone()).await?;
        drop(sealing);
        Ok(change)
    }

    /// Seals anew what an older notegate sealed for another place.
    pub(crate) async fn reseal_legacy(&self) -> Result<(), StoreError> {
        for held in self.shared.custody.all() {
            let _changing = held.changing.lock().await;
            let current = held.current();
            let Some(old) = current.credential(Slot::Legacy).map(|legacy| legacy.since) else {
                continue;
            };
            let token = match self.unseal(&current, Slot::Legacy) {
                Ok(Some(token)) => token,
                Ok(None) => continue,
                // It stays as it is, and calls by this connection are told.
                Err(error) => {
                    tracing::error!(connection = %current.connection.bot_id, "{error}");
                    continue;
                }
            };
            let connection = current.connection.clone();
            let access = self.seal(&connection, Slot::Access, &token, old);
            let change = CredentialChange::only(vec![access]);
            self.change(&held, connection, change).await?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use model::{ConnectionKind, ConnectionState, Origin, Writer};

    use super::*;

    fn id(number: u8) -> Id {
        Id::parse(&format!("00000000-0000-4000-8000-0000000000{number:02x}")).unwrap()
    }

    pub(super) fn connection(tenant: &str, bot: u8, at: i64, state: ConnectionState) -> Connection {
        let at = Timestamp::from_second(at).unwrap();
        let (tenant, bot) = (TenantId::new(tenant), ConnectionId(id(bot)));
        let (kind, origin) = (ConnectionKind::Internal, Origin::Given);
        let new = Connection::new(tenant, bot, "page with care", kind, origin, at);
        Connection { state, ..new }
    }

    #[test]
    fn the_error_for_a_missing_object_is_notions_own_of_each_half() {
        let custody = Custody::default();
        let mut pair = connection("a", 12, 1, ConnectionState::Active);
        let writer = ConnectionId(id(13));
        pair.writer = Some(Writer { bot_id: writer, name: "writer".into(), capabilities: None });
        let held = custody.add(pair, Vec::new());
        let reader = Integration { name: "page with care".into(), id: id(12) };
        let writer = Integration { name: "writer".into(), id: id(13) };
        let form = |integration| NotFoundForm {
            sample: ApiError::object_not_found(Kind::Page, &id(10), Some(integration)),
            id: id(10),
        };
        for learned in [false, true] {
            if learned {
                held.learn_not_found(NotFoundForms {
                    reader: Some(form(&reader)),
                    writer: Some(form(&writer)),
                });
            }
            for kind in [Kind::Page, Kind::Block, Kind::Database] {
                let expected = ApiError::object_not_found(kind, &id(11), Some(&reader));
                assert_eq!(held.not_found(Effect::Read, kind, id(11)), expected);
                let expected = ApiError::object_not_found(kind, &id(11), Some(&writer));
                assert_eq!(held.not_found(Effect::Write, kind, id(11)), expected);
            }
        }
    }

    #[test]
    fn which_connection_a_key_without_one_gets() {
        let custody = Custody::default();
        let a = TenantId::new("a");
        assert_eq!(custody.only(&a), ConnectionId::NONE);
        custody.add(connection("b", 9, 9, ConnectionState::Active), Vec::new());
        assert_eq!(custody.only(&a), ConnectionId::NONE, "another tenant's");
        assert_eq!(custody.latest(&a), None);
        custody.add(connection("a", 1, 5, ConnectionState::Revoked), Vec::new());
        assert_eq!(custody.only(&a), ConnectionId(id(1)));
        assert_eq!(custody.latest(&a), None);
        custody.add(connection("a", 2, 3, ConnectionState::Active), Vec::new());
        assert_eq!(custody.only(&a), ConnectionId(id(2)));
        custody.add(connection("a", 3, 4, ConnectionState::Rotating), Vec::new());
        assert_eq!(custody.only(&a), ConnectionId::NONE, "two");
        assert_eq!(custody.latest(&a).unwrap().bot_id, ConnectionId(id(3)));
        assert_eq!(custody.tenant_of(ConnectionId(id(9))), Some(TenantId::new("b")));
        assert_eq!(custody.tenant_of(ConnectionId(id(4))), None);
    }
}
