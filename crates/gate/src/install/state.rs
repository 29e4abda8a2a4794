//! The `state` of an authorisation: what the gate gives the browser to carry to Notion, or to the provider
//! where people sign in, and back.
//!
//! It is sealed under a key that only this process has, so nothing has to be kept for flows that were
//! begun: nobody can fill the memory by beginning them. Kept is only which ones came back, until they
//! would have ended anyway; and as the key ends with the process, a state works once at most. Sealed in,
//! it says who began the flow and in which browser; it is bound to the redirect URI and to the Notion
//! that it was made for.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::{SignedDuration, Timestamp};
use model::chance::base62;
use model::{Chance, ExposeSecret, SecretString};
use notion::oauth::OAuthClient;
use serde::{Deserialize, Serialize};
use vault::{Label, Place, Root, Sealed, Vault};

/// How long a person may take at Notion.
pub(super) const AGE_MAX: SignedDuration = SignedDuration::from_mins(10);
/// 43 characters of base62 are 256 bits.
const BROWSER_LENGTH: usize = 43;
/// 22 characters of base62 are 131 bits.
const ID_LENGTH: usize = 22;
/// The longest text that is looked at: ours are a third of it.
const LENGTH_MAX: usize = 1024;
/// States that came back within their time. With so many, no further one is taken: to forget one would
/// be to take it twice.
const USED_MAX: usize = 10_000;

/// Why what came back is not what this gate gave out.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum StateFault {
    /// There is none.
    #[error("what came back does not say which authorisation it belongs to")]
    Missing,
    /// It was not made by this gate since it was started, or was changed, or repeated.
    #[error("what came back belongs to no authorisation that this gate began since it was started")]
    Unknown,
    /// Its time is over.
    #[error("the authorisation was begun more than ten minutes ago")]
    Expired,
    /// It came back before.
    #[error("this authorisation was finished before")]
    Used,
    /// Another browser brings it, or this one lost its cookie.
    #[error("the authorisation was begun in another browser, or this one did not keep its cookie")]
    OtherBrowser,
    /// Another server answers than the one that was asked.
    #[error("the answer names another issuer (`iss`) than the Notion that was asked")]
    Issuer,
    /// Whoever began it may not do so any more.
    #[error("the key that began the authorisation is no admin's key any more")]
    Starter,
    /// Too many came back.
    #[error("too many authorisations came back within ten minutes")]
    TooMany,
}

impl StateFault {
    /// A word for the ledger.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Missing => "state_missing",
            Self::Unknown => "state_unknown",
            Self::Expired => "state_expired",
            Self::Used => "state_replayed",
            Self::OtherBrowser => "state_of_another_browser",
            Self::Issuer => "other_issuer",
            Self::Starter => "starter_ended",
            Self::TooMany => "too_many",
        }
    }
}

/// A flow that was begun.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub(crate) struct Flow {
    id: String,
    browser: String,
    /// Who began it (see [`super::Starter`]), or what whoever began it must know again.
    pub(crate) by: String,
    pub(crate) tenant: String,
    ends_at: i64,
}

/// The states of this process.
pub(crate) struct States {
    vault: Vault,
    used: Mutex<HashMap<String, i64>>,
}

/// What a browser is sent away with.
pub(crate) struct Begun {
    pub(crate) state: String,
    /// The value of the cookie.
    pub(crate) browser: String,
}

impl States {
    pub(crate) fn new(chance: Arc<dyn Chance>) -> Self {
        // A root of its own, which is nowhere but here.
        let vault = Root::generate(&*chance).vault(Label::OauthState, chance);
        Self { vault, used: Mutex::default() }
    }

    /// Begins a flow in a browser that has no cookie for it yet.
    pub(crate) fn begin(
        &self,
        chance: &dyn Chance,
        binding: Binding<'_>,
        by: String,
        tenant: String,
        now: Timestamp,
    ) -> Begun {
        let flow = Flow {
            id: base62(chance, ID_LENGTH),
            browser: base62(chance, BROWSER_LENGTH),
            by,
            tenant,
            ends_at: now.saturating_add(AGE_MAX).unwrap_or(Timestamp::MAX).as_second(),
        };
        let text = serde_json::to_string(&flow)
            // INVARIANT: strings and a number always become JSON.
            .expect("a flow is JSON");
        let sealed = self.vault.sealing().seal(binding.place(), &text.into());
        Begun { state: URL_SAFE_NO_PAD.encode(sealed.as_bytes()), browser: flow.browser }
    }

    /// Takes a state that came back, once. With a fault comes the flow, if it was one of ours.
    pub(crate) fn take(
        &self,
        binding: Binding<'_>,
        shown: Option<&str>,
        browser: Option<&str>,
        now: Timestamp,
    ) -> Result<Flow, (StateFault, Option<Flow>)> {
        let shown = shown.ok_or((StateFault::Missing, None))?;
        let flow = self.open(binding, shown).ok_or((StateFault::Unknown, None))?;
        let fault = |fault, flow| Err((fault, Some(flow)));
        if !is_same(flow.browser.as_bytes(), browser.unwrap_or_default().as_bytes()) {
            return fault(StateFault::OtherBrowser, flow);
        }
        let now = now.as_second();
        if now >= flow.ends_at {
            return fault(StateFault::Expired, flow);
        }
        // A clock that was set back: such a state would live longer than it should.
        if flow.ends_at - now > AGE_MAX.as_secs() {
            return fault(StateFault::Expired, flow);
        }
        let mut used = self.used.lock().unwrap_or_else(PoisonError::into_inner);
        if used.contains_key(&flow.id) {
            return fault(StateFault::Used, flow);
        }
        if used.len() >= USED_MAX {
            used.retain(|_, ends_at| now < *ends_at);
        }
        if used.len() >= USED_MAX {
            return fault(StateFault::TooMany, flow);
        }
        used.insert(flow.id.clone(), flow.ends_at);
        Ok(flow)
    }

    fn open(&self, binding: Binding<'_>, shown: &str) -> Option<Flow> {
        if shown.len() > LENGTH_MAX {
            return None;
        }
        let sealed = Sealed::from_bytes(URL_SAFE_NO_PAD.decode(shown).ok()?);
        let text: SecretString = self.vault.open(binding.place(), &sealed).ok()?;
        serde_json::from_str(text.expose_secret()).ok()
    }
}

/// What a state is bound to besides the browser.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Binding<'a> {
    /// Which server it goes to.
    pub(crate) issuer: &'a str,
    /// The client, and where it is come back to.
    pub(crate) app: &'a OAuthClient,
}

impl Binding<'_> {
    fn place(&self) -> Place<'_> {
        Place { table: self.issuer, row: &self.app.client_id, column: &self.app.redirect_uri }
    }
}

fn is_same(one: &[u8], other: &[u8]) -> bool {
    aws_lc_rs::constant_time::verify_slices_are_equal(one, other).is_ok()
}

impl std::fmt::Debug for States {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("States")
    }
}

#[cfg(test)]
mod tests {
    use vault::SystemChance;

    use super::*;

    fn app(redirect_uri: &str) -> OAuthClient {
        OAuthClient {
            client_id: "client".into(),
            client_secret: "secret".to_owned().into(),
            redirect_uri: redirect_uri.into(),
        }
    }

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_second(1_790_000_000 + seconds).unwrap()
    }

    fn fault(taken: Result<Flow, (StateFault, Option<Flow>)>) -> StateFault {
        taken.unwrap_err().0
    }

    #[test]
    fn a_state_works_once_for_ten_minutes_in_its_browser() {
        let chance = Arc::new(SystemChance::new());
        let states = States::new(chance.clone());
        let app = app("http://127.0.0.1:3000/auth/notion/callback");
        let here = Binding { issuer: "https://api.notion.com", app: &app };
        let begin = || states.begin(&*chance, here, "operator".into(), "default".into(), at(0));
        let (one, two) = (begin(), begin());
        assert_ne!(one.state, two.state);
        assert_ne!(one.browser, two.browser);
        let take = |state: &str, browser: Option<&str>, now| {
            states.take(here, Some(state), browser, at(now))
        };
        assert_eq!(fault(take(&one.state, Some(&two.browser), 1)), StateFault::OtherBrowser);
        assert_eq!(fault(take(&one.state, None, 1)), StateFault::OtherBrowser);
        assert_eq!(fault(take(&one.state, Some(&one.browser), 600)), StateFault::Expired);
        assert_eq!(fault(take(&one.state, Some(&one.browser), -1)), StateFault::Expired);
        let flow = take(&one.state, Some(&one.browser), 599).unwrap();
        assert_eq!((flow.by.as_str(), flow.tenant.as_str()), ("operator", "default"));
        assert_eq!(fault(take(&one.state, Some(&one.browser), 599)), StateFault::Used);
        assert_eq!(fault(states.take(here, None, Some(&two.browser), at(1))), StateFault::Missing);

        // Not by another app, at another address, at another Notion, or by the process of before.
        let other = OAuthClient {
            redirect_uri: "https://x.example/auth/notion/callback".into(),
            ..app.clone()
        };
        for elsewhere in
            [Binding { app: &other, ..here }, Binding { issuer: "https://x.example", ..here }]
        {
            let taken = states.take(elsewhere, Some(&two.state), Some(&two.browser), at(1));
            assert_eq!(fault(taken), StateFault::Unknown);
        }
        let after = States::new(chance.clone());
        let taken = after.take(here, Some(&two.state), Some(&two.browser), at(1));
        assert_eq!(fault(taken), StateFault::Unknown);
        assert!(take(&two.state, Some(&two.browser), 1).is_ok());
    }

    #[test]
    fn every_changed_character_is_noticed() {
        let chance = Arc::new(SystemChance::new());
        let states = States::new(chance.clone());
        let app = app("http://127.0.0.1:3000/auth/notion/callback");
        let here = Binding { issuer: "https://api.notion.com", app: &app };
        let begun = states.begin(&*chance, here, "operator".into(), "default".into(), at(0));
        assert!(begun.state.len() < LENGTH_MAX / 2, "{}", begun.state.len());
        for index in 0..begun.state.len() {
            let mut bytes = begun.state.clone().into_bytes();
            bytes[index] = if bytes[index] == b'A' { b'B' } else { b'A' };
            let changed = String::from_utf8(bytes).unwrap();
            let taken = states.take(here, Some(&changed), Some(&begun.browser), at(1));
            assert_eq!(fault(taken), StateFault::Unknown, "{index}");
            let cut = states.take(here, Some(&begun.state[..index]), Some(&begun.browser), at(1));
            assert_eq!(fault(cut), StateFault::Unknown, "{index}");
        }
        let long = "A".repeat(1_000_000);
        let taken = states.take(here, Some(&long), Some(&begun.browser), at(1));
        assert_eq!(fault(taken), StateFault::Unknown);
    }

    #[test]
    fn what_came_back_is_remembered_within_a_bound_and_never_forgotten_too_early() {
        let chance = Arc::new(SystemChance::new());
        let states = States::new(chance.clone());
        let app = app("http://127.0.0.1:3000/auth/notion/callback");
        let here = Binding { issuer: "https://api.notion.com", app: &app };
        let begin =
            |now| states.begin(&*chance, here, "operator".into(), "default".into(), at(now));
        let first = begin(0);
        states.take(here, Some(&first.state), Some(&first.browser), at(0)).unwrap();
        states
            .used
            .lock()
            .unwrap()
            .extend((1..USED_MAX).map(|n| (n.to_string(), at(100).as_second())));
        let next = begin(50);
        let taken = states.take(here, Some(&next.state), Some(&next.browser), at(50));
        assert_eq!(fault(taken), StateFault::TooMany);
        let taken = states.take(here, Some(&next.state), Some(&next.browser), at(101));
        assert!(taken.is_ok());
        let again = states.take(here, Some(&first.state), Some(&first.browser), at(102));
        assert_eq!(fault(again), StateFault::Used);
        assert_eq!(states.used.lock().unwrap().len(), 2);
    }
}
