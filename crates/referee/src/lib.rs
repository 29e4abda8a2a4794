//! The referee: what is known of the real Notion, put to an answer of the sandbox.
//!
//! [`schemas`] holds an answer against the strict JSON Schema of its operation and version;
//! [`errors`] is the table of the errors that Notion is known to give, each with its evidence. Both
//! are for development: the sandbox's own tests and `cargo xtask fidelity` ask them.

pub mod errors;
pub mod schemas;
