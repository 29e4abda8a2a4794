//! When the events of an object are worked: once it has been quiet for a moment, never twice at once,
//! some objects side by side, no tenant before the others; what fails again and again is given up.

use std::collections::{HashMap, HashSet};
use std::sync::PoisonError;
use std::time::Duration;

use jiff::Timestamp;
use model::TenantId;
use store::{ObjectWork, StoreError, WorkEnd};
use tokio::sync::watch;
use tokio::task::{Id as TaskId, JoinSet};
use tokio::time::Instant;

use super::object::WorkFault;
use crate::Gate;

/// Objects that are worked side by side.
const WORKED_MAX: usize = 16;
/// Of them those of one tenant: a tenant whose work takes long leaves room for the others.
const WORKED_OF_TENANT_MAX: usize = 8;
/// Events of one object that are worked together; what is beyond comes next.
const EVENTS_MAX: u32 = 500;
/// After each attempt that failed; when there is none left, the work is given up: about an hour.
const RETRY_AFTER: [u64; 7] = [5, 15, 45, 135, 300, 900, 2100];
/// Nothing is put off for longer than this. What seems to be was put off by another clock.
const PUT_OFF_MAX: Duration = Duration::from_secs(2 * 3600);
/// A new event is not looked for before this time: it must be quiet for longer anyway.
const LOOK_AGAIN: Duration = Duration::from_millis(50);
/// How long to wait at most for what is put off: the clock may move otherwise than ours.
const WAIT_MAX: Duration = Duration::from_millis(500);
/// For work that is under way when the gate stops; what is cut off is worked at the next start.
const STOP_MAX: Duration = Duration::from_secs(5);

/// How often old events are forgotten.
const PRUNE_EVERY: Duration = Duration::from_secs(600);
/// Events are known for this long: Notion repeats one for a day.
const DONE_KEPT: Duration = Duration::from_secs(7 * 24 * 3600);
/// What was given up can be looked at, and replayed, for this long.
const DEAD_KEPT: Duration = Duration::from_secs(30 * 24 * 3600);
/// Events that a tenant can have in its inbox; then no more are taken until some are forgotten.
const INBOX_MAX: u64 = 1_000_000;

type Object = (TenantId, String);

impl Gate {
    /// Works what is in the inbox until `stop` turns true.
    pub(crate) async fn work_webhooks(&self, mut stop: watch::Receiver<bool>) {
        let mut running = JoinSet::new();
        let mut busy: HashMap<TaskId, Object> = HashMap::new();
        let mut prune_at = Instant::now();
        loop {
            if Instant::now() >= prune_at {
                prune_at = Instant::now() + PRUNE_EVERY;
                if let Err(error) = self.prune_inbox().await {
                    tracing::warn!(%error, "old events were not forgotten");
                }
            }
            let pause = match self.begin_due(&mut running, &mut busy).await {
                Ok(pause) => pause,
                Err(error) => {
                    tracing::warn!(%error, "the inbox cannot be read");
                    Some(Duration::from_secs(1))
                }
            };
            let pause = pause.unwrap_or(PRUNE_EVERY);
            tokio::select! {
                () = told_to_stop(&mut stop) => break,
                Some(ended) = running.join_next_with_id() => {
                    let id = match ended {
                        Ok((id, ())) => id,
                        Err(error) => error.id(),
                    };
                    busy.remove(&id);
                }
                () = self.shared.webhooks.wake.notified() => tokio::time::sleep(LOOK_AGAIN).await,
                () = tokio::time::sleep(pause) => {}
            }
        }
        let all = async { while running.join_next().await.is_some() {} };
        if tokio::time::timeout(STOP_MAX, all).await.is_err() {
            tracing::warn!("webhook work was cut off; it is done at the next start");
        }
    }

    /// Begins what is due, as far as there is room. When to look again, if nothing happens meanwhile.
    async fn begin_due(
        &self,
        running: &mut JoinSet<()>,
        busy: &mut HashMap<TaskId, Object>,
    ) -> Result<Option<Duration>, StoreError> {
        let shared = &self.shared;
        let now = shared.clock.now();
        if busy.len() < WORKED_MAX {
            let absurd = now.saturating_add(PUT_OFF_MAX).unwrap_or(Timestamp::MAX);
            // Those that are worked now are due as well.
            let limit = (WORKED_OF_TENANT_MAX + busy.len()) as u32;
            let due = shared.store.due_work(now, absurd, limit).await?;
            for work in in_turn(due, busy.values()) {
                let object = (work.tenant.clone(), work.entity.clone());
                let task = running.spawn(self.clone().work_object(work));
                busy.insert(task.id(), object);
            }
        }
        if busy.len() >= WORKED_MAX {
            return Ok(None);
        }
        let next = shared.store.next_work(now).await?;
        Ok(next.map(|at| at.duration_since(now).unsigned_abs().min(WAIT_MAX)))
    }

    /// Works the events that wait for one object, and writes down how that ended.
    async fn work_object(self, work: ObjectWork) {
        let shared = &self.shared;
        let waiting = shared.store.waiting_events(&work.tenant, &work.entity, EVENTS_MAX).await;
        let ended = match waiting {
            Ok(events) => {
                let end = self.end_of(&work, self.work_events(&work, &events).await);
                let events = events.into_iter().map(|event| event.id).collect();
                shared.store.end_work(work, events, end).await
            }
            Err(error) => Err(error),
        };
        if let Err(error) = ended {
            tracing::warn!(%error, "how webhook work ended was not written down; it is done again");
            // Not at once: whatever is wrong with the store, haste makes it worse.
            tokio::time::sleep(Duration::from_secs(1)).await;
        }
    }

    fn end_of(&self, work: &ObjectWork, worked: Result<(), WorkFault>) -> WorkEnd {
        let now = self.shared.clock.now();
        let after = |time: Duration| now.saturating_add(time).unwrap_or(Timestamp::MAX);
        let next = after(self.shared.webhooks.settings.debounce);
        let ObjectWork { tenant, entity, attempts } = work;
        match worked {
            Ok(()) => WorkEnd::Done(next),
            Err(WorkFault::Failed(why)) => match RETRY_AFTER.get(*attempts as usize) {
                Some(seconds) => WorkEnd::Again(after(Duration::from_secs(*seconds)), why),
                None => {
                    tracing::warn!(%tenant, entity, why, "webhook work failed too often: given up");
                    WorkEnd::Dead(next, why)
                }
            },
            Err(WorkFault::Stopped(why)) => WorkEnd::Dead(next, why),
        }
    }

    async fn prune_inbox(&self) -> Result<(), StoreError> {
        let store = &self.shared.store;
        let now = self.shared.clock.now();
        let before = |time: Duration| now.saturating_sub(time).unwrap_or(Timestamp::MIN);
        while store.prune_events(before(DONE_KEPT), before(DEAD_KEPT)).await? > 0 {
            // The writer is for everybody.
            tokio::time::sleep(LOOK_AGAIN).await;
        }
        let counts = store.count_events().await?;
        let full: HashSet<TenantId> =
            counts.into_iter().filter(|(_, count)| *count >= INBOX_MAX).map(|(it, _)| it).collect();
        for tenant in &full {
            tracing::error!(%tenant, "the inbox of webhook events is full: no more are taken until some are a week old");
        }
        *self.shared.webhooks.full.write().unwrap_or_else(PoisonError::into_inner) = full;
        Ok(())
    }
}

async fn told_to_stop(stop: &mut watch::Receiver<bool>) {
    // An error means that nobody is left who could say stop: then it is time.
    let _ = stop.wait_for(|stop| *stop).await;
}

/// What may begin now: of each tenant one in turn, as far as there is room, and nothing that is being
/// worked.
fn in_turn<'a>(due: Vec<ObjectWork>, busy: impl Iterator<Item = &'a Object>) -> Vec<ObjectWork> {
    let busy: HashSet<&Object> = busy.collect();
    let mut of_tenant: HashMap<TenantId, usize> = HashMap::new();
    for (tenant, _) in &busy {
        *of_tenant.entry(tenant.clone()).or_default() += 1;
    }
    let mut ranked = Vec::new();
    for work in due {
        let rank = of_tenant.entry(work.tenant.clone()).or_default();
        let object = (work.tenant.clone(), work.entity.clone());
        if !busy.contains(&object) && *rank < WORKED_OF_TENANT_MAX {
            ranked.push((*rank, work));
            *rank += 1;
        }
    }
    // Stable: what is due first stays first among a tenant's.
    ranked.sort_by_key(|(rank, _)| *rank);
    let room = WORKED_MAX.saturating_sub(busy.len());
    ranked.into_iter().map(|(_, work)| work).take(room).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn work(tenant: &str, entity: usize) -> ObjectWork {
        ObjectWork { tenant: TenantId::new(tenant), entity: entity.to_string(), attempts: 0 }
    }

    #[test]
    fn every_tenant_has_its_turn_and_no_object_two_at_once() {
        let due: Vec<_> = (0..40).map(|n| work("loud", n)).chain([work("quiet", 1)]).collect();
        let none: Vec<Object> = Vec::new();
        let begun = in_turn(due.clone(), none.iter());
        assert_eq!(begun.len(), WORKED_OF_TENANT_MAX + 1);
        assert_eq!(begun[0], work("loud", 0));
        assert_eq!(begun[1], work("quiet", 1), "before the loud one's second");
        assert_eq!(begun[2], work("loud", 1));

        let busy: Vec<Object> = (0..WORKED_OF_TENANT_MAX - 1)
            .map(|n| (TenantId::new("loud"), n.to_string()))
            .chain([(TenantId::new("quiet"), "1".to_owned())])
            .collect();
        let begun = in_turn(due, busy.iter());
        assert_eq!(begun, [work("loud", WORKED_OF_TENANT_MAX - 1)]);

        let many: Vec<_> = (0..30).map(|n| work(&format!("t{n}"), 0)).collect();
        assert_eq!(in_turn(many, busy.iter()).len(), WORKED_MAX - busy.len());
    }

    #[test]
    fn it_is_tried_for_about_an_hour() {
        let all: u64 = RETRY_AFTER.iter().sum();
        assert!((3000..=4200).contains(&all), "{all}");
        assert!(RETRY_AFTER.iter().all(|seconds| Duration::from_secs(*seconds) < PUT_OFF_MAX));
    }
}
