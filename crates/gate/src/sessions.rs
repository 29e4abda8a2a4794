//! Browser sessions: begun with a key or by a person who signed in elsewhere, kept in memory, ended by
//! time, by hand, or with the key or the person. Keys that manage nothing open one page alone: that on
//! which a client is let in.
//!
//! A session holds which key or person began it, and never the key. What it may do is what they may do
//! now: they are looked up at each request. Sessions are found by a keyed hash of what the browser shows,
//! so a look at the memory gives nobody a session.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Mutex, PoisonError};

use aws_lc_rs::hmac;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::{SignedDuration, Timestamp};
use ledger::Resource;
use model::chance::base62;
use model::key::KeyState;
use model::user::{Identity, UserId};
use model::{ConnectionId, ExposeSecret, KeyId, Principal, SecretString, TenantId, Who};
use notion::Capabilities;

use crate::Gate;
use crate::error::Error;
use crate::record::Record;

/// A session ends so long after its sign-in, whatever happens.
const AGE_MAX: SignedDuration = SignedDuration::from_hours(8);
/// A session ends if nothing is heard of it for so long.
const IDLE_MAX: SignedDuration = SignedDuration::from_hours(1);
/// Sessions of one tenant; a further one takes the place of the one that was quiet for longest.
const SESSIONS_MAX: usize = 1000;
/// 43 characters of base62 are 256 bits.
const TOKEN_LENGTH: usize = 43;

/// What a browser shows of its session: the value of its cookie. Secret.
pub struct SessionToken(SecretString);

impl SessionToken {
    /// The token, for the cookie.
    pub fn reveal(&self) -> &str {
        self.0.expose_secret()
    }
}

impl fmt::Debug for SessionToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SessionToken")
    }
}

/// A browser that is signed in.
#[derive(Clone, Debug)]
pub struct Session {
    /// Who it is.
    pub principal: Principal,
    /// What its forms must carry, so that no other site can send them.
    form_token: String,
}

impl Session {
    /// The token for a form of this session.
    pub fn form_token(&self) -> &str {
        &self.form_token
    }

    /// Whether a form carried this session's token.
    pub fn accepts_form(&self, shown: &str) -> bool {
        let (expected, shown) = (self.form_token.as_bytes(), shown.as_bytes());
        aws_lc_rs::constant_time::verify_slices_are_equal(expected, shown).is_ok()
    }
}

/// All sessions, by the hash of their token.
pub(crate) struct Sessions {
    hasher: hmac::Key,
    open: Mutex<HashMap<Hash, Open>>,
}

type Hash = [u8; 32];

struct Open {
    holder: Holder,
    tenant: TenantId,
    began: Timestamp,
    seen: Timestamp,
}

/// Whose a session is.
#[derive(Clone, Debug)]
pub(crate) enum Holder {
    /// Whoever showed this key.
    Key(KeyId),
    /// A person.
    User {
        id: UserId,
        /// As whom the person signed in: once that is another, the session is nobody's.
        identity: Identity,
        /// What an OpenID provider said, for signing out there.
        id_token: Option<SecretString>,
    },
}

impl Open {
    /// A clock that was set back ends a session no later than one that goes on.
    fn is_over(&self, now: Timestamp) -> bool {
        now.duration_since(self.began).abs() >= AGE_MAX
            || now.duration_since(self.seen).abs() >= IDLE_MAX
    }
}

impl Sessions {
    pub(crate) fn new(secret: &[u8]) -> Self {
        Self { hasher: hmac::Key::new(hmac::HMAC_SHA256, secret), open: Mutex::default() }
    }

    fn hash(&self, purpose: &[u8], token: &str) -> Hash {
        let mut context = hmac::Context::with_key(&self.hasher);
        context.update(purpose);
        context.update(token.as_bytes());
        let mut hash = [0; 32];
        hash.copy_from_slice(context.sign().as_ref());
        hash
    }

    fn begin(&self, token: &str, tenant: TenantId, holder: Holder, now: Timestamp) {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        open.retain(|_, session| !session.is_over(now));
        let of_tenant = || open.iter().filter(|(_, session)| session.tenant == tenant);
        if of_tenant().count() >= SESSIONS_MAX {
            let quietest = of_tenant().min_by_key(|(_, session)| session.seen);
            if let Some(hash) = quietest.map(|(hash, _)| *hash) {
                open.remove(&hash);
            }
        }
        let hash = self.hash(FOR_LOOKUP, token);
        open.insert(hash, Open { holder, tenant, began: now, seen: now });
    }

    /// Whose a session is that is not over; its idle time begins anew.
    fn touch(&self, token: &str, now: Timestamp) -> Option<(TenantId, Holder)> {
        let hash = self.hash(FOR_LOOKUP, token);
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        let session = open.get_mut(&hash)?;
        if session.is_over(now) {
            open.remove(&hash);
            return None;
        }
        session.seen = now;
        Some((session.tenant.clone(), session.holder.clone()))
    }

    fn end(&self, token: &str) -> Option<Holder> {
        let hash = self.hash(FOR_LOOKUP, token);
        self.open
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .remove(&hash)
            .map(|open| open.holder)
    }
}

const FOR_LOOKUP: &[u8] = b"session ";
const FOR_FORMS: &[u8] = b"form ";

impl fmt::Debug for Sessions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Sessions")
    }
}

/// What somebody signs in for.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Purpose {
    /// The dashboard: that takes a key that manages the tenant.
    Dashboard,
    /// To let a client in, as far as the key goes: any key will do.
    Consent,
}

impl Gate {
    /// Begins a session for whoever shows a key that is enough.
    pub async fn sign_in(
        &self,
        shown: &SecretString,
        purpose: Purpose,
        request_id: &str,
    ) -> Result<SessionToken, Error> {
        let shared = &self.shared;
        let principal = self.identify(Some(shown.expose_secret()), request_id).await?;
        let key = principal.key_id().cloned().ok_or(Error::NoKey)?;
        let resource = Resource { kind: "key".into(), id: key.to_string() };
        let record = Record::manage(shared, &principal, "sign-in", resource, request_id);
        if purpose == Purpose::Dashboard
            && let Err(error) = self.operator_of(&principal)
        {
            return Err(record.failed(error).await);
        }
        record.done().await?;
        Ok(self.begin_session(principal.tenant, Holder::Key(key)))
    }

    pub(crate) fn begin_session(&self, tenant: TenantId, holder: Holder) -> SessionToken {
        let shared = &self.shared;
        let token = base62(&*shared.chance, TOKEN_LENGTH);
        shared.sessions.begin(&token, tenant, holder, shared.clock.now());
        SessionToken(token.into())
    }

    /// The session that a browser shows, for the dashboard: its key manages this gate, or it is a person.
    pub fn session(&self, shown: &str) -> Option<Session> {
        let session = self.session_for_consent(shown)?;
        let is_person = session.principal.user_id().is_some();
        (is_person || self.operator_of(&session.principal).is_ok()).then_some(session)
    }

    /// The session that a browser shows, for letting a client in, if it goes on: its key works, or its
    /// person is still there.
    pub fn session_for_consent(&self, shown: &str) -> Option<Session> {
        if shown.len() != TOKEN_LENGTH {
            return None;
        }
        let sessions = &self.shared.sessions;
        let (tenant, holder) = sessions.touch(shown, self.shared.clock.now())?;
        let principal = match &holder {
            Holder::Key(key) => self.holder_of_key(key),
            Holder::User { id, identity, .. } => self.principal_of_user(&tenant, *id, identity),
        };
        let Some(principal) = principal else {
            sessions.end(shown);
            return None;
        };
        let form_token = URL_SAFE_NO_PAD.encode(sessions.hash(FOR_FORMS, shown));
        Some(Session { principal, form_token })
    }

    /// Ends a session. For a person who signed in at a provider comes what the provider said then, so
    /// that the person can sign out there, too.
    pub async fn sign_out(
        &self,
        shown: &str,
        request_id: &str,
    ) -> Result<Option<SecretString>, Error> {
        let session = self.session_for_consent(shown);
        let Some(Session { principal, .. }) = session else { return Ok(None) };
        let ended = self.shared.sessions.end(shown);
        let resource = match (principal.key_id(), principal.user_id()) {
            (Some(key), _) => Resource { kind: "key".into(), id: key.to_string() },
            (None, Some(user)) => Resource { kind: "app_user".into(), id: user.to_string() },
            (None, None) => Resource { kind: "session".into(), id: String::new() },
        };
        Record::manage(&self.shared, &principal, "sign-out", resource, request_id).done().await?;
        Ok(match ended {
            Some(Holder::User { id_token, .. }) => id_token,
            Some(Holder::Key(_)) | None => None,
        })
    }

    /// A person who is signed in, as long as the person is a user and the same.
    pub(crate) fn principal_of_user(
        &self,
        tenant: &TenantId,
        id: UserId,
        identity: &Identity,
    ) -> Option<Principal> {
        let person = self.shared.users.get(tenant, id)?;
        if person.identity.as_ref() != Some(identity) {
            return None;
        }
        let latest = || self.shared.custody.latest(tenant).map(|latest| latest.bot_id);
        Some(Principal {
            who: Who::User(id),
            tenant: tenant.clone(),
            connection: person.bot_id.or_else(latest).unwrap_or(ConnectionId::NONE),
            role: person.role,
            capabilities: Capabilities::ALL,
            above: Default::default(),
            person: Some(person),
        })
    }

    /// The principal of a key, if the key works now and may manage.
    pub(crate) fn manager_by_key(&self, id: &KeyId) -> Option<Principal> {
        self.holder_of_key(id).filter(|principal| self.operator_of(principal).is_ok())
    }

    /// The principal of a key, if the key works now.
    pub(crate) fn holder_of_key(&self, id: &KeyId) -> Option<Principal> {
        let key = self.shared.keys.find(id)?;
        let works = self.key_state(&key) == KeyState::Active;
        works.then(|| self.principal_of(key))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tenant(name: &str) -> TenantId {
        TenantId::new(name)
    }

    fn after(seconds: i64) -> Timestamp {
        Timestamp::from_second(1_790_000_000 + seconds).unwrap()
    }

    fn key() -> Holder {
        Holder::Key(KeyId::parse("abcdefghijkl").unwrap())
    }

    #[test]
    fn a_session_ends_by_age_by_silence_and_by_a_clock_that_jumps() {
        let sessions = Sessions::new(b"secret");
        let begin = || sessions.begin("token", tenant("a"), key(), after(0));
        begin();
        assert!(sessions.touch("other", after(1)).is_none());
        for minute in (50..480).step_by(50) {
            assert!(sessions.touch("token", after(minute * 60)).is_some(), "{minute}");
        }
        assert!(sessions.touch("token", after(8 * 3600)).is_none());
        begin();
        assert!(sessions.touch("token", after(3599)).is_some());
        assert!(sessions.touch("token", after(3599 + 3600)).is_none());
        begin();
        assert!(sessions.touch("token", after(-10)).is_some());
        assert!(sessions.touch("token", after(-20 * 3600)).is_none());
        assert!(sessions.touch("token", after(1)).is_none(), "ended is ended");
    }

    #[test]
    fn one_tenant_cannot_push_out_anothers_sessions() {
        let sessions = Sessions::new(b"secret");
        sessions.begin("of b", tenant("b"), key(), after(0));
        for number in 0..SESSIONS_MAX + 5 {
            let token = format!("of a {number}");
            sessions.begin(&token, tenant("a"), key(), after(1 + number as i64));
        }
        let now = after(2000);
        assert!(sessions.touch("of b", now).is_some());
        assert!(sessions.touch("of a 4", now).is_none());
        assert!(sessions.touch("of a 5", now).is_some());
        assert_eq!(sessions.open.lock().unwrap().len(), SESSIONS_MAX + 1);
    }

    #[test]
    fn nothing_that_is_kept_is_what_the_browser_shows() {
        let sessions = Sessions::new(b"secret");
        sessions.begin("token", tenant("a"), key(), after(0));
        let open = sessions.open.lock().unwrap();
        let (hash, _) = open.iter().next().unwrap();
        assert_ne!(hash, &Sessions::new(b"other").hash(FOR_LOOKUP, "token"));
        assert_ne!(hash, &sessions.hash(FOR_FORMS, "token"));
    }
}
