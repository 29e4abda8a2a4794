//! Webhooks: from what handlers note in the journal to signed requests at a subscriber's URL.
//!
//! `gather` joins changes of one entity within a window of time; `event` shows a change as a
//! subscription's version tells it, if the connection may know of it; `queue` plans deliveries and
//! retries on the world's clock; `send` is the request; `pump` sends what is due, by itself on a
//! running clock, or when a control route moves the time.

mod event;
mod gather;
mod pump;
mod queue;
mod send;

pub(crate) use event::KNOWN;
pub(crate) use gather::gather;
pub(crate) use pump::{pump, run, send_one};
pub(crate) use queue::job;
pub(crate) use send::{Outcome, Sender, sign};
