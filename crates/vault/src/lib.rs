//! Secrets into [`Sealed`] and back: master keys, envelope, and the keys derived from the root. Pure.
//!
//! A secret is sealed under a data key of its own; the data key is wrapped by a master key. Both
//! layers are AES-256-GCM-SIV (RFC 8452), which stays safe if a nonce repeats, and both are bound to
//! the place where the secret is kept, so that a ciphertext cannot be moved to another row.
//!
//! Form: `1 | master key id (8) | nonce (12) | wrapped data key (32 + 16) | nonce (12) | ciphertext + tag`.

mod chance;
mod keyring;
mod master;
mod root;
mod sealed;
mod vault;

pub use chance::SystemChance;
pub use keyring::{Keyring, ParseKeyringError};
pub use master::{MasterKey, MasterKeyId, ParseMasterKeyError};
pub use root::{Label, Root};
pub use sealed::{OpenError, Place, SealError, Sealed, SealedHead};
pub use vault::{Replaced, Sealing, Vault};
