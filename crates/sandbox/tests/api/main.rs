//! The sandbox as its clients see it: requests in, answers out, in process.
//!
//! Evidence of error texts: R recorded, O somebody quoted the server, D documented, own = the
//! sandbox's own wording because nobody has recorded any.

#[cfg(test)]
mod bench;
#[cfg(test)]
mod bounds;
#[cfg(test)]
mod capabilities;
#[cfg(test)]
mod content;
#[cfg(test)]
mod control;
#[cfg(test)]
mod dialects;
#[cfg(test)]
mod emojis;
#[cfg(test)]
mod errors;
#[cfg(test)]
mod faults;
#[cfg(test)]
mod files;
#[cfg(test)]
mod filters;
#[cfg(test)]
mod laws;
#[cfg(test)]
mod limits;
#[cfg(test)]
mod markdown;
#[cfg(test)]
mod meeting_notes;
#[cfg(test)]
mod oauth;
#[cfg(test)]
mod origin;
#[cfg(test)]
mod random;
#[cfg(test)]
mod receiver;
#[cfg(test)]
mod schemas;
#[cfg(test)]
mod sharing;
#[cfg(test)]
mod site;
#[cfg(test)]
mod state;
#[cfg(test)]
mod strict;
#[cfg(test)]
mod tables;
#[cfg(test)]
mod templates;
#[cfg(test)]
mod tokens;
#[cfg(test)]
mod view_queries;
#[cfg(test)]
mod views;
#[cfg(test)]
mod webhook_events;
#[cfg(test)]
mod webhooks;
#[cfg(test)]
mod workspaces;
#[cfg(test)]
mod worlds;
