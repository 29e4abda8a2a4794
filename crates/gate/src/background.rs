//! What the gate does beside the calls. One future, run by whoever opened the gate; each task in it
//! ends by itself once it is told to stop.

use tokio::sync::watch;

use crate::Gate;

impl Gate {
    /// Looks after the gate until `stop` turns true, and then ends what is begun.
    pub async fn run_background(&self, stop: watch::Receiver<bool>) {
        self.keep_last_uses(stop).await;
    }
}
