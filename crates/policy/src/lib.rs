//! May this principal do this, there? Asks for facts, does not fetch them.
//!
//! The answer is a value: a [`Permit`] that only this crate can make, and without which the gate can
//! send nothing to Notion. What is allowed is said by policies in Cedar: the built-in ones
//! (`builtin.cedar`), which are the roles, and those that a tenant adds. Read `notegate.cedarschema`
//! first: it is what they can talk about.
//!
//! Cedar decides once for each caller, action and path; [`Policies`] remembers. Only the policies that
//! could apply to a caller and an action are asked at all.

mod caller;
mod check;
mod engine;
mod explain;
mod permit;
mod refusal;
mod row;
mod rules;
mod schema;

pub use check::{Checked, Expected};
pub use engine::{Column, Decision, Policies};
pub use explain::{Explanation, Outcome};
pub use permit::{
    Admission, Aim, Depth, Permit, Place, Showing, Sight, Target, is_auditor, operate, read_bodies,
};
pub use refusal::Refusal;
pub use row::{Row, RowProperties};
pub use rules::{BUILT_IN, Fault, Faults, POLICIES_MAX, Rule, TEXT_MAX};
pub use schema::{Action, schema_text};
