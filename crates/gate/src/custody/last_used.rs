//! When connections were used the last time: noted at once in memory, and in the store some seconds
//! later, all at once, so that a call costs no write.

use std::collections::HashMap;
use std::sync::atomic::Ordering;
use std::time::Duration;

use jiff::Timestamp;
use model::{Connection, ConnectionId, TenantId};
use tokio::sync::watch;

use super::{Held, Name};
use crate::Gate;

/// What a crash can cost.
const FLUSH_EVERY: Duration = Duration::from_secs(10);

impl Held {
    /// The connection, with its last use as it is known in memory.
    pub(crate) fn connection(&self) -> Connection {
        let mut connection = self.current().connection.clone();
        let used = self.last_used.load(Ordering::Relaxed);
        let used = (used > 0).then(|| Timestamp::from_microsecond(used).ok()).flatten();
        connection.last_used_at = connection.last_used_at.max(used);
        connection
    }
}

impl Gate {
    /// Writes down the last uses every few seconds until `stop` turns true, and then once more.
    pub(crate) async fn keep_last_uses(&self, mut stop: watch::Receiver<bool>) {
        let mut known: HashMap<Name, Timestamp> = HashMap::new();
        loop {
            let stopping = tokio::select! {
                () = tokio::time::sleep(FLUSH_EVERY) => false,
                // An error means that nobody is left who could say stop: then it is time.
                _ = stop.wait_for(|stop| *stop) => true,
            };
            self.shared.custody.guests.forget_idle(self.shared.clock.now());
            self.flush_last_uses(&mut known).await;
            if stopping {
                return;
            }
        }
    }

    async fn flush_last_uses(&self, known: &mut HashMap<Name, Timestamp>) {
        let mut uses: Vec<(TenantId, ConnectionId, Timestamp)> = Vec::new();
        for held in self.shared.custody.all() {
            let Connection { tenant, bot_id, last_used_at, .. } = held.connection();
            let Some(at) = last_used_at else { continue };
            if known.get(&(tenant.clone(), bot_id)) != Some(&at) {
                uses.push((tenant, bot_id, at));
            }
        }
        if uses.is_empty() {
            return;
        }
        match self.shared.store.touch_connections(uses.clone()).await {
            Ok(()) => known.extend(uses.into_iter().map(|(tenant, id, at)| ((tenant, id), at))),
            // The next round tries again.
            Err(error) => tracing::warn!(%error, "the last uses of connections cannot be noted"),
        }
    }
}
