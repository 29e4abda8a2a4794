//! One flight per connection: of all that find a credential dead at the same time, one looks after it and
//! the others wait for what it finds.
//!
//! It flies on the runtime on which the gate was opened, so it goes on when the caller hangs up or its
//! door closes.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use store::Credential;
use tokio::sync::watch;
use tokio::time::Instant;

use super::Held;
use crate::Gate;

/// How long nobody tries again after a flight that found nothing out: callers do not come singly.
const PAUSE: Duration = Duration::from_secs(2);

/// What a flight is for.
#[derive(Clone, Debug)]
pub(super) enum Errand {
    /// Notion refused this credential.
    Refused(Credential),
    /// The pair of tokens is to be replaced, or it is to be found out whether it was.
    Refresh,
}

/// What a flight found.
#[derive(Clone, Debug)]
pub(crate) enum Found {
    /// There is another credential now.
    Renewed,
    /// Notion says that the credential works.
    Works,
    /// The connection is out of use.
    Gone,
    /// Nothing: why.
    Unknown(Arc<str>),
}

/// The flight of one connection.
#[derive(Default)]
pub(super) struct Flights(Mutex<State>);

#[derive(Default)]
struct State {
    under_way: Option<watch::Receiver<Option<Found>>>,
    in_vain: Option<(Instant, Arc<str>)>,
}

impl Flights {
    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Flights {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Flights")
    }
}

impl Gate {
    /// Joins the flight that is under way, or starts one.
    pub(super) async fn fly(&self, held: &Arc<Held>, errand: Errand) -> Found {
        let told = {
            let mut state = held.flights.state();
            match (&state.under_way, &state.in_vain, &errand) {
                (Some(told), _, _) => told.clone(),
                (None, Some((at, why)), Errand::Refused(_)) if at.elapsed() < PAUSE => {
                    return Found::Unknown(why.clone());
                }
                (None, _, _) => {
                    let (tell, told) = watch::channel(None);
                    state.under_way = Some(told.clone());
                    self.start_flight(held.clone(), errand, tell);
                    told
                }
            }
        };
        self.landing(told).await
    }

    fn start_flight(&self, held: Arc<Held>, errand: Errand, tell: watch::Sender<Option<Found>>) {
        let gate = self.at_home();
        let home = gate.shared.home.clone();
        home.spawn(async move {
            // Whatever becomes of the task, the next one may fly.
            let over = Over(held.clone());
            let found = match errand {
                Errand::Refused(credential) => gate.look_after(&held, &credential).await,
                Errand::Refresh => gate.refresh_pair(&held).await,
            };
            held.flights.state().in_vain = match &found {
                Found::Unknown(why) => Some((Instant::now(), why.clone())),
                _ => None,
            };
            drop(over);
            let _ = tell.send(Some(found));
        });
    }

    /// Waits for a flight; not for ever, for nobody who called would.
    async fn landing(&self, mut told: watch::Receiver<Option<Found>>) -> Found {
        let patience = self.notion.settings().timeout.saturating_mul(2);
        let unknown = |text: &str| Found::Unknown(text.into());
        let found = match tokio::time::timeout(patience, told.wait_for(Option::is_some)).await {
            Ok(Ok(found)) => found.clone(),
            Ok(Err(_)) => None,
            Err(_) => return unknown("the credential is being looked after, which takes long"),
        };
        found.unwrap_or_else(|| unknown("looking after the credential was cut off"))
    }

    /// Waits until no flight of this connection is under way.
    pub(super) async fn landed(&self, held: &Held) {
        let under_way = held.flights.state().under_way.clone();
        if let Some(told) = under_way {
            self.landing(told).await;
        }
    }

    /// Waits until no flight is under way.
    pub(crate) async fn all_landed(&self) {
        for held in self.shared.custody.all() {
            self.landed(&held).await;
        }
    }
}

struct Over(Arc<Held>);

impl Drop for Over {
    fn drop(&mut self) {
        self.0.flights.state().under_way = None;
    }
}
