//! What Notion is: ids, dated versions, capabilities, the catalogue of operations, errors and a
//! client.
//!
//! This crate knows nothing of notegate. A token is an argument of a call and never a field, so a
//! value of this crate cannot leak one. Facts come from Notion's API reference
//! (<https://developers.notion.com/reference>) and from recorded answers of the real service.

pub mod capability;
pub mod catalogue;
#[cfg(feature = "client")]
pub mod client;
pub mod error;
pub mod id;
pub mod link;
#[cfg(feature = "client")]
pub mod oauth;
pub mod references;
pub mod version;
#[cfg(feature = "webhook")]
pub mod webhook;

pub use capability::{Capabilities, Capability};
pub use catalogue::{Effect, Kind, Operation};
pub use error::ApiError;
pub use id::Id;
pub use version::Version;
