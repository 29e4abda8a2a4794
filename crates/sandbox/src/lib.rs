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
//! Operations of the catalogue that answer 400 `invalid_request`: meeting notes.
//! Versions before 2022-06-28 are served in the shapes of 2022-06-28. Formulas know a core of
//! functions (arithmetic, comparison, texts, dates); what goes beyond it is a string without a
//! value. Expressions read back as they were written, with placeholders for properties, where
//! Notion prints them anew. A rollup of rollups is `unsupported`.
//!
//! Markdown v2 is read and written in a core: blank lines between blocks, the tags of media,
//! bookmarks, embeds, columns with ratios, synced blocks; what v1 writes with markers it writes the
//! same. Its `<ul>`, `<ol>`, `<li>`, `<tabs>`, `<toggle>`, `<folder>`, `<mail>` and custom blocks are
//! text, and `warnings` are not answered. Applying a template copies no databases.
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
mod import;
mod input;
mod limits;
mod markdown;
mod media_type;
mod oauth;
mod openapi;
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
mod world;

pub use seed::{Demo, DemoTokens};
pub use server::{Options, Sandbox, Seed};
