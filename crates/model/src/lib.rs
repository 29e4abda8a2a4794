//! The vocabulary: tenants, connections, keys, roles, scopes, budgets, principals, time and chance.
//!
//! Plain data, no I/O. Of our own crates it knows only `notion`'s words (ids and capabilities).

pub mod budget;
pub mod chance;
pub mod clock;
pub mod connection;
pub mod key;
pub mod principal;
pub mod role;
pub mod tenant;
pub mod tools;
pub mod user;

pub use budget::{Budget, Meter};
pub use chance::Chance;
pub use clock::{Clock, ManualClock, SystemClock};
pub use connection::{Connection, ConnectionId, ConnectionKind, ConnectionState, Origin, Writer};
pub use key::{Key, KeyId, KeyToken, Scope};
pub use principal::{Principal, Who};
pub use role::Role;
pub use secrecy::{ExposeSecret, SecretString};
pub use tenant::{Tenant, TenantId};
pub use tools::{ToolSet, UnknownToolSet};
