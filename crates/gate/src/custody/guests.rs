//! Guests: connections by a token of Notion that a caller brings along on each of its requests.
//!
//! The caller stays who it is: role, scope, capabilities and budget are its own. Only what its calls go
//! out by is another connection, whose id is a pseudonym made from the token: so places, columns,
//! cursors and the ledger's entries of one token never mix with those of another, and nothing need be
//! asked of Notion first. Guests are in memory alone, their tokens sealed like all others; whichever
//! was not used for an hour is forgotten, and is there again with the next request that brings it.

use std::collections::HashMap;
use std::fmt;
use std::sync::atomic::Ordering;
use std::sync::{Arc, OnceLock, PoisonError, RwLock};
use std::time::Duration;

use aws_lc_rs::hmac;
use jiff::Timestamp;
use model::{
    Connection, ConnectionId, ConnectionKind, ExposeSecret, KeyToken, Origin, Principal,
    SecretString, TenantId,
};
use notion::Id;
use store::Slot;
use vault::{Label, Root};

use super::{Held, Name, is_notions_own};
use crate::Gate;
use crate::error::Error;

/// Guests that one tenant has at a time; the one that was not used for longest makes room.
const GUESTS_MAX: usize = 1_000;
/// How long a guest that nobody uses is remembered.
const IDLE_MAX: Duration = Duration::from_secs(60 * 60);

/// What the tokens of Notion's integrations begin with: today's, and older ones.
const PREFIXES: [&str; 2] = ["ntn_", "secret_"];
const LENGTH_MIN: usize = 8;
const LENGTH_MAX: usize = 300;

/// A token of Notion that a caller brings along. Secret.
#[derive(Clone)]
pub struct NotionToken {
    text: SecretString,
    prefix: &'static str,
    length: usize,
}

impl NotionToken {
    /// Reads a token; `None` unless it has the form of one: `ntn_…` or `secret_…`, 8 to 300 visible
    /// ASCII characters, none of them a comma. Whether it is one, only Notion knows.
    pub fn parse(text: &str) -> Option<Self> {
        let text = text.trim();
        let prefix = PREFIXES.into_iter().find(|prefix| text.starts_with(prefix))?;
        let well_formed = (LENGTH_MIN..=LENGTH_MAX).contains(&text.len())
            && text.bytes().all(|byte| byte.is_ascii_graphic() && byte != b',');
        let length = text.len();
        well_formed.then(|| Self { text: text.to_owned().into(), prefix, length })
    }

    /// What logs and the ledger show of it: how it begins, and how long it is.
    pub fn shown(&self) -> String {
        format!("{}…({} chars)", self.prefix, self.length)
    }
}

impl fmt::Debug for NotionToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.shown())
    }
}

/// The guests of every tenant.
#[derive(Default)]
pub(crate) struct Guests {
    hasher: OnceLock<hmac::Key>,
    held: RwLock<HashMap<Name, Arc<Held>>>,
}

impl Guests {
    pub(super) fn get(&self, name: &Name) -> Option<Arc<Held>> {
        self.held.read().unwrap_or_else(PoisonError::into_inner).get(name).cloned()
    }

    /// What the ledger shows of the token by which the calls of `principal` go out, if it brought one.
    pub(crate) fn shown(&self, principal: &Principal) -> Option<String> {
        let held = self.held.read().unwrap_or_else(PoisonError::into_inner);
        if held.is_empty() {
            return None;
        }
        let guest = held.get(&(principal.tenant.clone(), principal.connection))?;
        Some(guest.current().connection.name.clone())
    }

    /// Forgets those that nobody used for long.
    pub(super) fn forget_idle(&self, now: Timestamp) {
        let recent = |guest: &Arc<Held>| {
            let idle = now.as_microsecond().saturating_sub(guest.last_used.load(Ordering::Relaxed));
            u128::from(idle.max(0).unsigned_abs()) <= IDLE_MAX.as_micros()
        };
        let mut held = self.held.write().unwrap_or_else(PoisonError::into_inner);
        held.retain(|_, guest| recent(guest));
    }

    fn add(&self, name: Name, new: Held) -> Arc<Held> {
        let mut held = self.held.write().unwrap_or_else(PoisonError::into_inner);
        let own = || held.iter().filter(|((tenant, _), _)| *tenant == name.0);
        if !held.contains_key(&name) && own().count() >= GUESTS_MAX {
            let oldest = own().min_by_key(|(_, guest)| guest.last_used.load(Ordering::Relaxed));
            if let Some(oldest) = oldest.map(|(name, _)| name.clone()) {
                held.remove(&oldest);
            }
        }
        held.entry(name).or_insert_with(|| Arc::new(new)).clone()
    }

    /// The id that stands for a token: no bot has it, since Notion's ids are of version 4.
    fn pseudonym(&self, root: &Root, tenant: &TenantId, token: &str) -> ConnectionId {
        let hasher = self.hasher.get_or_init(|| root.hmac_key(Label::Guests));
        let mut context = hmac::Context::with_key(hasher);
        context.update(tenant.as_str().as_bytes());
        context.update(&[0]);
        context.update(token.as_bytes());
        let mut bytes = [0; 16];
        bytes.copy_from_slice(&context.sign().as_ref()[..16]);
        let uuid = uuid::Builder::from_custom_bytes(bytes).into_uuid();
        ConnectionId(Id::from_bytes(uuid.into_bytes()))
    }
}

impl Gate {
    /// The same caller, whose calls go out by the token that it brought along with this request.
    ///
    /// Refused where the tenant does not let its callers, and what is no token of Notion at this gate: a
    /// key of notegate, or a sandbox's token where Notion is the real one.
    pub fn passing(&self, principal: &Principal, token: &NotionToken) -> Result<Principal, Error> {
        if !self.shared.tenants.take_tokens(&principal.tenant) {
            return Err(Error::Conflict(format!(
                "token passthrough is off for the tenant {}: an admin of it turns it on (`notegate tenants \
                 set --token-passthrough on`)",
                principal.tenant
            )));
        }
        self.going_by(principal, token)
    }

    /// The same for the token that whoever started this process gave it.
    pub fn going_by(&self, principal: &Principal, token: &NotionToken) -> Result<Principal, Error> {
        let text = token.text.expose_secret();
        if KeyToken::parse(text).is_some() {
            return Err(Error::Invalid(
                "that is a key of notegate, not a token of Notion: send it as `Authorization: Bearer`"
                    .to_owned(),
            ));
        }
        if text.starts_with("ntn_sandbox") && is_notions_own(&self.notion.settings().base_url) {
            return Err(Error::Invalid(
                "that is a token of a sandbox, and NOTION_BASE_URL is Notion's own".to_owned(),
            ));
        }
        let guests = &self.shared.custody.guests;
        let id = guests.pseudonym(&self.shared.root, &principal.tenant, text);
        let name = (principal.tenant.clone(), id);
        let now = self.shared.clock.now();
        let guest = guests.get(&name).unwrap_or_else(|| {
            let (kind, origin) = (ConnectionKind::Internal, Origin::Given);
            let tenant = principal.tenant.clone();
            let connection = Connection::new(tenant, id, token.shown(), kind, origin, now);
            let credential = self.seal(&connection, Slot::Access, &token.text, now);
            guests.add(name, Held::guest(connection, vec![credential]))
        });
        guest.used(now);
        Ok(Principal { connection: id, ..principal.clone() })
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::connection;
    use super::*;
    use model::ConnectionState;

    #[test]
    fn f120_the_form_of_a_token() {
        let long = |length: usize| format!("ntn_{}", "a".repeat(length - 4));
        let good = ["ntn_aaaa", "secret_a", " ntn_aaaa\t", &long(8), &long(300)].map(str::to_owned);
        for text in good {
            assert!(NotionToken::parse(&text).is_some(), "{text:?}");
        }
        let bad = [
            "",
            "ntn_",
            "ntn_aaa",
            "secret_",
            "NTN_aaaa",
            "ngk_aaaaaaaa",
            "Bearer ntn_aaaa",
            "ntn_aa aa",
            "ntn_aa\taa",
            "ntn_aaaa,ntn_bbbb",
            "ntn_aaaä",
            "ntn_aa\u{a0}aa",
            "ntn_aa\naa",
            "xntn_aaaa",
        ];
        for text in bad.map(str::to_owned).into_iter().chain([long(7), long(301)]) {
            assert!(NotionToken::parse(&text).is_none(), "{text:?}");
        }
    }

    #[test]
    fn f124_a_token_shows_how_it_begins_and_how_long_it_is() {
        let token = NotionToken::parse(&format!("ntn_{}", "s".repeat(40))).unwrap();
        assert_eq!(token.shown(), "ntn_…(44 chars)");
        assert_eq!(format!("{token:?}"), "ntn_…(44 chars)");
        assert_eq!(NotionToken::parse("secret_canary").unwrap().shown(), "secret_…(13 chars)");
    }

    #[test]
    fn f122_a_pseudonym_is_of_one_token_and_one_tenant() {
        let guests = Guests::default();
        let root = Root::generate(&vault::SystemChance::new());
        let (a, b) = (TenantId::new("a"), TenantId::new("b"));
        let id = guests.pseudonym(&root, &a, "ntn_one");
        assert_eq!(id, guests.pseudonym(&root, &a, "ntn_one"));
        assert_ne!(id, guests.pseudonym(&root, &a, "ntn_two"));
        assert_ne!(id, guests.pseudonym(&root, &b, "ntn_one"));
        assert!(Id::parse(&id.to_string()).is_some(), "it reads back like any id");
        assert_eq!(id.to_string().as_bytes()[14], b'8', "and is none of Notion's");
    }

    #[test]
    fn a_tenant_has_so_many_guests_and_idle_ones_go() {
        let guests = Guests::default();
        let at = |second: i64| Timestamp::from_second(second).unwrap();
        let add = |tenant: &str, number: usize, used: i64| {
            let mut connection = connection(tenant, 1, 1, ConnectionState::Active);
            let mut bytes = [0; 16];
            bytes[..8].copy_from_slice(&number.to_be_bytes());
            connection.bot_id = ConnectionId(Id::from_bytes(bytes));
            let name = (connection.tenant.clone(), connection.bot_id);
            guests.add(name.clone(), Held::guest(connection, Vec::new())).used(at(used));
            name
        };
        let other = add("b", 0, 1);
        let first = add("a", 1, 2);
        for number in 2..=GUESTS_MAX {
            add("a", number, 10);
        }
        assert!(guests.get(&first).is_some());
        let last = add("a", GUESTS_MAX + 1, 4_000);
        assert!(guests.get(&first).is_none(), "the one that was not used for longest made room");
        assert!(guests.get(&other).is_some(), "not another tenant's");
        guests.forget_idle(at(3_601));
        assert!(guests.get(&other).is_some());
        guests.forget_idle(at(4_000));
        assert!(guests.get(&other).is_none());
        assert!(guests.get(&last).is_some());
    }
}
