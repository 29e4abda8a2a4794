//! The referee: what is known of the real Notion, put to an answer of the sandbox.
//!
//! [`schemas`] holds an answer against the strict JSON Schema of its operation and version;
//! [`errors`] is the table of the errors that Notion is known to give, each with its evidence;
//! [`fuzz`] makes requests of all sorts, and says what no answer may be. All are for development:
//! the sandbox's own tests, `cargo xtask fidelity` and `cargo xtask fuzz` use them.

pub mod errors;
pub mod fuzz;
pub mod schemas;
