//! Plans deliveries on the world's clock.
//!
//! An event is sent up to eight times. The second attempt follows the first after 79 seconds, and
//! each pause is three times as long as the one before, so that the eighth comes 23 hours, 59
//! minutes and 7 seconds after the first. (Documented: eight attempts, exponential, for about 24
//! hours; the steps are the sandbox's own.) Any status from 200 to 299 ends it.

use jiff::{SignedDuration, Timestamp};
use notion::Id;

use super::event::event;
use super::gather::{gather, is_joined};
use super::send::{Outcome, sign};
use crate::world::World;
use crate::world::webhooks::{Attempt, Delivery, Pending, Progress, State, Webhooks};

/// Most attempts.
const ATTEMPTS_MAX: u8 = 8;
/// Most attempts that a delivery remembers, with those that were asked for.
const LOG_MAX: usize = 32;
const FIRST_PAUSE_S: i64 = 79;

/// The pause after an attempt.
fn pause(number: u8) -> SignedDuration {
    SignedDuration::from_secs(FIRST_PAUSE_S * 3_i64.pow(u32::from(number.clamp(1, 8) - 1)))
}

/// One request to make.
#[derive(Clone, Debug)]
pub(crate) struct Job {
    pub(crate) delivery: Id,
    pub(crate) subscription: Id,
    pub(crate) number: u8,
    pub(crate) url: String,
    pub(crate) body: String,
    pub(crate) signature: String,
    /// To be sent twice.
    pub(crate) twice: bool,
}

fn later(time: Timestamp, by: SignedDuration) -> Timestamp {
    time.checked_add(by).unwrap_or(Timestamp::MAX)
}

/// When the changes of an entity have waited long enough.
fn ripe_at(webhooks: &Webhooks, pending: &Pending) -> Timestamp {
    let window = i64::from(webhooks.settings.window_ms);
    let window = if is_joined(pending.subject, &pending.change) { window } else { 0 };
    later(pending.since, SignedDuration::from_millis(window))
}

/// Makes deliveries of the changes that have waited long enough, or of all.
pub(super) fn ripen(world: &mut World, all: bool) {
    let now = world.now();
    // Time alone changes uploads.
    world.settle_uploads();
    gather(world);
    let waiting = std::mem::take(&mut world.webhooks.pending);
    let (mut ripe, rest): (Vec<Pending>, Vec<Pending>) =
        waiting.into_iter().partition(|one| all || ripe_at(&world.webhooks, one) <= now);
    world.webhooks.pending = rest;
    ripe.sort_by_key(|one| one.at);
    let settings = world.webhooks.settings;
    let due = later(now, SignedDuration::from_millis(i64::from(settings.delay_ms)));
    let mut made = Vec::new();
    let mut ids = world.webhooks.ids.clone();
    for pending in &ripe {
        for subscription in world.webhooks.subscriptions.values() {
            if subscription.state != State::Active || pending.at < subscription.created_time {
                continue;
            }
            let id = ids.random();
            let Some(event) = event(world, subscription, pending, id) else { continue };
            made.push(Delivery {
                id,
                subscription: subscription.id,
                url: subscription.url.clone(),
                event,
                progress: Progress::Waiting,
                due,
                attempts: Vec::new(),
            });
        }
    }
    world.webhooks.ids = ids;
    if settings.reverse {
        made.reverse();
    }
    for delivery in made {
        world.webhooks.enqueue(delivery);
    }
}

/// The requests that are due now, in the order in which they became so.
pub(super) fn due(world: &World) -> Vec<Job> {
    let (now, webhooks) = (world.now(), &world.webhooks);
    let mut due: Vec<&Delivery> =
        waiting(webhooks).filter(|delivery| delivery.due <= now).collect();
    due.sort_by_key(|delivery| delivery.due);
    due.into_iter().filter_map(|delivery| job(webhooks, delivery)).collect()
}

/// The next attempt of a delivery.
pub(crate) fn job(webhooks: &Webhooks, delivery: &Delivery) -> Option<Job> {
    let subscription = webhooks.subscriptions.get(&delivery.subscription)?;
    let before = delivery.attempts.last().map_or(0, |attempt| attempt.number);
    let number = before.saturating_add(1).min(ATTEMPTS_MAX);
    let body = delivery.body(number);
    Some(Job {
        delivery: delivery.id,
        subscription: delivery.subscription,
        number,
        url: delivery.url.clone(),
        signature: sign(&subscription.verification_token, body.as_bytes()),
        body,
        twice: webhooks.settings.duplicate && before == 0,
    })
}

/// What waits for its time; a subscription that is paused keeps what it has.
fn waiting(webhooks: &Webhooks) -> impl Iterator<Item = &Delivery> {
    let is_active =
        |id: &Id| webhooks.subscriptions.get(id).is_some_and(|one| one.state == State::Active);
    webhooks.deliveries.iter().filter(move |delivery| {
        delivery.progress == Progress::Waiting && is_active(&delivery.subscription)
    })
}

/// When there is something to do next.
pub(super) fn next(world: &World) -> Option<Timestamp> {
    let webhooks = &world.webhooks;
    let ripe = webhooks.pending.iter().map(|pending| ripe_at(webhooks, pending)).min();
    let due = waiting(webhooks).map(|delivery| delivery.due).min();
    // Time alone changes uploads, which only subscribers need to know before somebody asks.
    let upload = Some(world).filter(|_| !webhooks.subscriptions.is_empty());
    let upload = upload.and_then(World::next_of_uploads);
    ripe.into_iter().chain(due).chain(upload).chain(world.next_of_jobs()).min()
}

/// Writes down what came of a request, and plans the next.
pub(super) fn attempt(world: &mut World, job: &Job, outcome: Outcome) {
    let now = world.now();
    let Some(delivery) = world.webhooks.delivery_mut(job.delivery) else { return };
    if delivery.attempts.len() >= LOG_MAX {
        delivery.attempts.remove(0);
    }
    let is_taken = outcome.is_taken();
    delivery.attempts.push(Attempt {
        at: now,
        number: job.number,
        status: outcome.status,
        latency_ms: outcome.latency_ms,
        error: outcome.error,
        signature: job.signature.clone(),
    });
    if is_taken {
        delivery.progress = Progress::Delivered;
    } else if delivery.progress == Progress::Waiting {
        if job.number >= ATTEMPTS_MAX {
            delivery.progress = Progress::Dropped;
        } else {
            // Planned from the plan, not from now: a clock that is moved by a day makes all due.
            delivery.due = later(delivery.due, pause(job.number));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn eight_attempts_fill_a_day() {
        let pauses: Vec<i64> = (1..ATTEMPTS_MAX).map(|number| pause(number).as_secs()).collect();
        assert_eq!(pauses, [79, 237, 711, 2133, 6399, 19_197, 57_591]);
        assert_eq!(pauses.iter().sum::<i64>(), 24 * 3600 - 53);
    }
}
