//! Secrets into [`Sealed`] and back: master key, envelope, and the keys derived from it. Pure.
//!
//! A secret is sealed under a data key of its own; the data key is wrapped by the master key. Both
//! layers are AES-256-GCM-SIV (RFC 8452), which stays safe if a nonce repeats, and both are bound to
//! the place where the secret is kept, so that a ciphertext cannot be moved to another row.
//!
//! Form: `1 | master key id (8) | nonce (12) | wrapped data key (32 + 16) | nonce (12) | ciphertext + tag`.

mod chance;
mod master;
mod sealed;

pub use chance::SystemChance;
pub use master::{Label, MasterKey, ParseMasterKeyError};
pub use sealed::{Place, SealError, Sealed};
