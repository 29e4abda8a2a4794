//! Authorization codes, in memory: they live for a minute, and a client whose code is lost begins again.
//!
//! A code is taken by the first who shows it, whatever comes of that. It is remembered for ten minutes, so
//! that the grant which it became is ended if somebody shows it once more.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Mutex, PoisonError};

use aws_lc_rs::hmac;
use jiff::Timestamp;
use model::{KeyId, Principal};

use super::fault::OAuthFault;
use super::{is_past, tag};
use crate::keys::KeyRequest;

/// Seconds for which a code counts.
pub(super) const LIFE: i64 = 60;
/// Seconds for which it is remembered.
const MEMORY: i64 = 600;
/// Codes that are remembered.
const CODES_MAX: usize = 10_000;

/// What a person approved.
#[derive(Clone, Debug)]
pub(super) struct Approved {
    pub(super) by: Principal,
    pub(super) client_id: String,
    pub(super) redirect_uri: String,
    pub(super) challenge: String,
    pub(super) issuer: String,
    pub(super) resource: String,
    pub(super) scope: String,
    /// The key that it becomes.
    pub(super) request: KeyRequest,
}

/// The codes of this process.
pub(super) struct Codes {
    hasher: hmac::Key,
    known: Mutex<HashMap<[u8; 32], Code>>,
}

struct Code {
    made_at: Timestamp,
    state: State,
}

enum State {
    Fresh(Box<Approved>),
    Taken { key: Option<KeyId>, again: bool },
}

/// What comes of showing a code.
#[derive(Debug)]
pub(super) enum Shown {
    /// It counts, for the one who showed it first.
    Good(Box<Approved>),
    /// It was shown before, and became this grant.
    Again(Option<KeyId>),
    /// It is none, or its time is over.
    Unknown,
}

impl Codes {
    pub(super) fn new(hasher: hmac::Key) -> Self {
        Self { hasher, known: Mutex::default() }
    }

    fn hash(&self, code: &str) -> [u8; 32] {
        tag(&self.hasher, "code ", code)
    }

    pub(super) fn put(
        &self,
        code: &str,
        approved: Approved,
        now: Timestamp,
    ) -> Result<(), OAuthFault> {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if known.len() >= CODES_MAX {
            known.retain(|_, code| !is_past(code.made_at, MEMORY, now));
        }
        if known.len() >= CODES_MAX {
            return Err(OAuthFault::full());
        }
        let state = State::Fresh(Box::new(approved));
        known.insert(self.hash(code), Code { made_at: now, state });
        Ok(())
    }

    /// Takes a code: whatever comes of it, nobody takes it again.
    pub(super) fn take(&self, code: &str, now: Timestamp) -> Shown {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(code) = known.get_mut(&self.hash(code)) else { return Shown::Unknown };
        match &mut code.state {
            State::Taken { key, again } => {
                *again = true;
                Shown::Again(key.clone())
            }
            fresh @ State::Fresh(_) => {
                let taken = State::Taken { key: None, again: false };
                let State::Fresh(approved) = std::mem::replace(fresh, taken) else {
                    return Shown::Unknown;
                };
                let over = is_past(code.made_at, LIFE, now);
                if over { Shown::Unknown } else { Shown::Good(approved) }
            }
        }
    }

    /// Notes what a code became; `false` if it was shown again meanwhile.
    pub(super) fn became(&self, code: &str, id: &KeyId) -> bool {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        match known.get_mut(&self.hash(code)).map(|code| &mut code.state) {
            Some(State::Taken { key, again }) => {
                *key = Some(id.clone());
                !*again
            }
            Some(State::Fresh(_)) | None => true,
        }
    }
}

impl fmt::Debug for Codes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Codes")
    }
}
