//! What the gate does beside the calls. One future, run by whoever opened the gate; each task in it
//! ends by itself once it is told to stop.

use std::time::Duration;

use tokio::sync::watch;

use crate::Gate;

/// Between two looks at the connections.
const LOOK_EVERY: Duration = Duration::from_secs(5);
/// The longest time between two attempts at what does not come to an end.
const LOOK_SELDOM: Duration = Duration::from_secs(600);

impl Gate {
    /// Looks after the gate until `stop` turns true, and then ends what is begun.
    pub async fn run_background(&self, stop: watch::Receiver<bool>) {
        tokio::join!(
            self.keep_last_uses(stop.clone()),
            self.find_out(stop.clone()),
            self.look_after_connections(stop.clone()),
            self.keep_retention(stop.clone()),
            self.mirror_ledger(stop.clone()),
            self.work_webhooks(stop),
            self.resume_rotation(),
        );
    }

    async fn look_after_connections(&self, mut stop: watch::Receiver<bool>) {
        let mut pause = LOOK_EVERY;
        loop {
            let is_over = self.tend_connections().await;
            pause = if is_over { LOOK_EVERY } else { pause.saturating_mul(2).min(LOOK_SELDOM) };
            tokio::select! {
                () = tokio::time::sleep(pause) => {}
                // An error means that nobody is left who could say stop: then it is time.
                _ = stop.wait_for(|stop| *stop) => return,
            }
        }
    }

    /// One look at every connection: what a crash or an unreachable Notion left unfinished is taken up,
    /// what has had its grace is forgotten, what is old is named. `false` if something is unfinished
    /// still.
    pub async fn tend_connections(&self) -> bool {
        self.take_up_unfinished().await;
        self.forget_previous().await;
        self.remind_of_age();
        !self.has_unfinished()
    }
}
