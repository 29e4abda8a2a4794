//! Sends what is due: by itself on a running clock, and when a control route asks for it.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use notion::Id;
use tokio::sync::watch;
use tokio::task::JoinSet;

use super::queue::{Job, attempt, due, next, ripen};
use crate::app::App;
use crate::routes::later::run_due;

/// Most rounds in one go: a receiver that answers events with changes could keep it busy for ever.
const ROUNDS_MAX: usize = 64;
/// What is due but was not sent in one go is taken up again after this time.
const REST: Duration = Duration::from_millis(50);

/// Sends what is due and waits until that is done; with `all`, changes that are still being
/// gathered are due as well.
pub(crate) async fn pump(app: &Arc<App>, all: bool) {
    // One at a time: nothing is sent twice, and whoever waits finds it done.
    let _turn = app.turn.lock().await;
    {
        let inner = &mut *app.lock();
        run_due(&mut inner.world, &mut inner.sessions);
        ripen(&mut inner.world, all);
    }
    for _ in 0..ROUNDS_MAX {
        let jobs = {
            let world = &mut app.lock().world;
            ripen(world, false);
            due(world)
        };
        if jobs.is_empty() {
            return;
        }
        // In order to each subscriber; one that is slow does not hold up the others.
        let mut by_subscription: HashMap<Id, Vec<Job>> = HashMap::new();
        for job in jobs {
            by_subscription.entry(job.subscription).or_default().push(job);
        }
        let mut tasks = JoinSet::new();
        for jobs in by_subscription.into_values() {
            tasks.spawn(send(app.clone(), jobs));
        }
        while tasks.join_next().await.is_some() {}
    }
}

async fn send(app: Arc<App>, jobs: Vec<Job>) {
    for job in jobs {
        for _ in 0..=u8::from(job.twice) {
            send_one(&app, &job).await;
        }
    }
}

/// Makes one request and writes down what came of it.
pub(crate) async fn send_one(app: &App, job: &Job) {
    let limit = Duration::from_millis(app.lock().world.webhooks.settings.timeout_ms.into());
    let outcome = app.sender.post(&job.url, job.body.clone(), &job.signature, limit).await;
    attempt(&mut app.lock().world, job, outcome);
}

/// Sends by itself until the sandbox stops. While the clock stands still, it sends what is due at
/// once, and waits to be woken.
pub(crate) async fn run(app: Arc<App>, mut stopped: watch::Receiver<bool>) {
    loop {
        tokio::select! {
            () = pump(&app, false) => {}
            _ = stopped.changed() => return,
        }
        let pause = pause(&app);
        let pause = async {
            match pause {
                Some(pause) => tokio::time::sleep(pause).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            () = pause => {}
            () = app.wake.notified() => {}
            _ = stopped.changed() => return,
        }
    }
}

/// How long there is nothing to do.
fn pause(app: &App) -> Option<Duration> {
    let world = &app.lock().world;
    let (now, next): (Timestamp, Timestamp) = (world.now(), next(world)?);
    if next > now && world.clock.is_frozen() {
        return None;
    }
    let wait = u64::try_from(next.as_millisecond() - now.as_millisecond()).unwrap_or_default();
    Some(Duration::from_millis(wait).max(REST))
}
