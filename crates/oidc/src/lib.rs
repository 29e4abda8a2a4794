//! OpenID Connect, as far as signing people in needs it: discovery, the authorization code flow with
//! PKCE, and the ID token (OpenID Connect Core 1.0, RFC 7636, RFC 9207).
//!
//! Nothing of ours is in here, and no clock: the time is an argument. What a provider says is bounded,
//! comes over TLS (or from this machine), and is believed only as far as its signature reaches.
//!
//! Not a crate of others, because each brings a second crypto library (one with an open advisory) and
//! reads the machine's clock; what is left to do with the one that is here is small.

mod claims;
mod discovery;
mod error;
mod fetch;
mod jws;
mod provider;

pub use claims::{Claims, Expected};
pub use discovery::{Metadata, check_url};
pub use error::{OidcError, TokenFault};
pub use provider::{Provider, Settings, Tokens, challenge_of};
