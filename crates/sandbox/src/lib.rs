//! The sandbox: a Notion that runs here.
//!
//! [`Sandbox::start`] serves Notion's REST API under `/v1` and control routes under `/_sandbox/`:
//! a workspace that remembers what is done to it, with Notion's shapes, permissions and error
//! texts. It shares nothing with the gateway but the wire vocabulary of `notion` (ids, versions,
//! capabilities, the catalogue of operations): an emulator that shared our logic would agree with
//! our bugs.
//!
//! # The way of a request
//!
//! `app` takes it in and asks `faults`; `pipeline` makes the checks that all operations
//! share, in Notion's order; `routes` has one file per noun. Handlers read the request with
//! `input` (which refuses in Notion's words and changes nothing), look things up in `world`,
//! change it, and show the result with `render`. `query` and `compute` are filters, sorts,
//! cursors, rollups and formulas. `control` is what people do in Notion's app. Handlers note what
//! they changed in the journal of the world, and `webhooks` tells subscribers of it. `site` shows
//! people the workspace, and what was called, as pages under `/`.
//!
//! # What is missing
//!
//! [`GAPS`] says what differs from Notion, or is not there; `docs/fidelity.md` is made from it and
//! from what was measured.
//!
//! Texts that nobody has recorded are the sandbox's own wording; tests mark the others with their
//! evidence.

mod app;
mod calls;
mod clock;
mod compute;
mod control;
mod cors;
mod fail;
mod faults;
mod gaps;
mod import;
mod input;
mod limits;
mod markdown;
mod media_type;
mod oauth;
mod openapi;
mod origin;
mod pipeline;
mod query;
mod render;
mod routes;
mod seed;
mod served;
mod server;
mod site;
mod transfer;
mod webhooks;
mod workspaces;
mod world;

pub use gaps::{Distance, GAPS, Gap};
pub use seed::{Demo, DemoTokens};
pub use server::{Options, Sandbox, Seed};
