//! Access tokens: JWTs (RFC 9068) that this gate signs for itself, with Ed25519.
//!
//! The keys are derived, one for each period of thirty days, so that they change without anybody's doing
//! and nothing of them is stored. That of the period before still counts: no token lives so long.
//!
//! Whoever checks a token here knows what its header must be, to the byte. So no header that somebody else
//! wrote is ever read: there is no `alg` to be talked into, no `jku` to follow.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::hmac;
use aws_lc_rs::signature::{ED25519, Ed25519KeyPair, KeyPair, UnparsedPublicKey};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

/// Seconds for which a key signs.
const PERIOD: i64 = 30 * 24 * 3600;
/// The longest token that is looked at: ours are a third of it.
const LENGTH_MAX: usize = 4096;
/// So far the clock of another gate of the same installation may be off, in seconds.
const SKEW: i64 = 30;

/// What an access token says.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Claims {
    /// The gate's public address.
    pub(crate) iss: String,
    /// Who granted it.
    pub(crate) sub: String,
    /// The resource that it is for.
    pub(crate) aud: String,
    pub(crate) client_id: String,
    pub(crate) iat: i64,
    pub(crate) nbf: i64,
    pub(crate) exp: i64,
    pub(crate) jti: String,
    pub(crate) scope: String,
    /// The key that it is a credential of.
    pub(crate) grant: String,
}

/// Why a token is not taken.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum TokenFault {
    /// It is none of ours.
    Unknown,
    /// It was one.
    Expired,
}

/// The keys that sign access tokens.
pub(crate) struct TokenKeys {
    secret: hmac::Key,
    made: Mutex<Vec<Arc<TokenKey>>>,
}

struct TokenKey {
    period: i64,
    pair: Ed25519KeyPair,
    kid: String,
    /// The header of every token that it signs, encoded.
    header: String,
}

impl TokenKeys {
    /// Keys that derive from `secret`.
    pub(crate) fn new(secret: &[u8]) -> Self {
        Self { secret: hmac::Key::new(hmac::HMAC_SHA256, secret), made: Mutex::default() }
    }

    fn key(&self, period: i64) -> Arc<TokenKey> {
        let mut made = self.made.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(key) = made.iter().find(|key| key.period == period) {
            return key.clone();
        }
        let key = Arc::new(TokenKey::derive(&self.secret, period));
        if made.len() >= 4 {
            made.remove(0);
        }
        made.push(key.clone());
        key
    }

    fn current(now: Timestamp) -> i64 {
        now.as_second().div_euclid(PERIOD)
    }

    /// A token that says `claims`.
    pub(crate) fn sign(&self, claims: &Claims, now: Timestamp) -> String {
        let key = self.key(Self::current(now));
        // INVARIANT: texts and numbers always have a JSON form.
        let payload = serde_json::to_vec(claims).expect("claims are JSON");
        let signed = format!("{}.{}", key.header, URL_SAFE_NO_PAD.encode(payload));
        let signature = URL_SAFE_NO_PAD.encode(key.pair.sign(signed.as_bytes()));
        format!("{signed}.{signature}")
    }

    /// What a token says, if this gate said it and its time is not over.
    pub(crate) fn verify(&self, token: &str, now: Timestamp) -> Result<Claims, TokenFault> {
        let unknown = TokenFault::Unknown;
        if token.len() > LENGTH_MAX {
            return Err(unknown);
        }
        let (signed, signature) = token.rsplit_once('.').ok_or(unknown)?;
        let (header, payload) = signed.split_once('.').ok_or(unknown)?;
        let current = Self::current(now);
        let keys = [current, current - 1].map(|period| self.key(period));
        let key = keys.iter().find(|key| key.header == header).ok_or(unknown)?;
        let signature = URL_SAFE_NO_PAD.decode(signature).map_err(|_| unknown)?;
        UnparsedPublicKey::new(&ED25519, key.pair.public_key().as_ref())
            .verify(signed.as_bytes(), &signature)
            .map_err(|_| unknown)?;
        let payload = URL_SAFE_NO_PAD.decode(payload).map_err(|_| unknown)?;
        let claims: Claims = serde_json::from_slice(&payload).map_err(|_| unknown)?;
        if claims.nbf > now.as_second().saturating_add(SKEW) {
            return Err(unknown);
        }
        if claims.exp <= now.as_second() {
            return Err(TokenFault::Expired);
        }
        Ok(claims)
    }

    /// The public halves of the keys that count now (RFC 7517).
    pub(crate) fn public(&self, now: Timestamp) -> Value {
        let current = Self::current(now);
        let keys = [current, current - 1].map(|period| {
            let key = self.key(period);
            json!({
                "kty": "OKP", "crv": "Ed25519", "use": "sig", "alg": "EdDSA", "kid": key.kid,
                "x": URL_SAFE_NO_PAD.encode(key.pair.public_key()),
            })
        });
        json!({ "keys": keys })
    }
}

impl TokenKey {
    fn derive(secret: &hmac::Key, period: i64) -> Self {
        let seed = hmac::sign(secret, format!("access tokens {period}").as_bytes());
        // INVARIANT: any 32 bytes are a seed (RFC 8032, 5.1.5), and HMAC-SHA256 gives as many.
        let pair = Ed25519KeyPair::from_seed_unchecked(seed.as_ref()).expect("32 bytes are a seed");
        let fingerprint = digest(&SHA256, pair.public_key().as_ref());
        let kid = URL_SAFE_NO_PAD.encode(&fingerprint.as_ref()[..12]);
        let header = json!({ "typ": "at+jwt", "alg": "EdDSA", "kid": kid }).to_string();
        Self { period, pair, kid, header: URL_SAFE_NO_PAD.encode(header) }
    }
}

impl fmt::Debug for TokenKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TokenKeys")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_second(1_790_000_000 + seconds).unwrap()
    }

    fn claims() -> Claims {
        let now = at(0).as_second();
        Claims {
            iss: "https://gate.example".into(),
            sub: "user:x".into(),
            aud: "https://gate.example/mcp".into(),
            client_id: "ngc_x".into(),
            iat: now,
            nbf: now,
            exp: now + 900,
            jti: "1".into(),
            scope: "notion:read".into(),
            grant: "abcdefghijkl".into(),
        }
    }

    /// Another header or payload over the signature of a good token, or signed by somebody else.
    #[test]
    fn rs_02_tokens_that_this_gate_did_not_sign_are_unknown() {
        let keys = TokenKeys::new(b"secret");
        let good = keys.sign(&claims(), at(0));
        assert_eq!(keys.verify(&good, at(1)), Ok(claims()));
        let unknown = Err(TokenFault::Unknown);
        let parts: Vec<_> = good.split('.').collect();
        let public = keys.public(at(0));
        let x = public["keys"][0]["x"].as_str().unwrap();
        let kid = public["keys"][0]["kid"].as_str().unwrap();
        for header in [
            json!({ "typ": "at+jwt", "alg": "none", "kid": kid }),
            json!({ "typ": "at+jwt", "alg": "HS256", "kid": kid }),
            json!({ "typ": "JWT", "alg": "EdDSA", "kid": kid }),
            json!({ "typ": "at+jwt", "alg": "EdDSA", "kid": "other" }),
            json!({ "typ": "at+jwt", "alg": "EdDSA", "kid": kid, "jku": "https://evil.example" }),
            json!({ "typ": "at+jwt", "alg": "EdDSA", "kid": kid, "jwk": public["keys"][0] }),
            json!({ "typ": "at+jwt", "alg": "EdDSA", "kid": kid, "x5u": "https://evil.example" }),
        ] {
            let header = URL_SAFE_NO_PAD.encode(header.to_string());
            let signed = format!("{header}.{}", parts[1]);
            let public = hmac::Key::new(hmac::HMAC_SHA256, &URL_SAFE_NO_PAD.decode(x).unwrap());
            let forged = URL_SAFE_NO_PAD.encode(hmac::sign(&public, signed.as_bytes()));
            for signature in [parts[2], forged.as_str(), ""] {
                assert_eq!(keys.verify(&format!("{signed}.{signature}"), at(1)), unknown);
            }
        }
        let wider = Claims { scope: "notion:delete".into(), ..claims() };
        let wider = URL_SAFE_NO_PAD.encode(serde_json::to_vec(&wider).unwrap());
        for token in [
            format!("{}.{wider}.{}", parts[0], parts[2]),
            TokenKeys::new(b"other").sign(&claims(), at(0)),
            format!("{}.{}", parts[0], parts[1]),
            format!("{good}.x"),
            String::new(),
            "..".into(),
            "a".repeat(20_000),
        ] {
            assert_eq!(keys.verify(&token, at(1)), unknown);
        }
    }

    #[test]
    fn rs_02_tokens_have_a_beginning_and_an_end() {
        let keys = TokenKeys::new(b"secret");
        let good = keys.sign(&claims(), at(0));
        assert!(keys.verify(&good, at(899)).is_ok());
        assert_eq!(keys.verify(&good, at(900)), Err(TokenFault::Expired));
        assert_eq!(keys.verify(&good, at(-31)), Err(TokenFault::Unknown));
        assert!(keys.verify(&good, at(-30)).is_ok());
        // Without an end there is no token.
        let mut endless = serde_json::to_value(claims()).unwrap();
        endless.as_object_mut().unwrap().remove("exp");
        let key = keys.key(TokenKeys::current(at(0)));
        let payload = URL_SAFE_NO_PAD.encode(endless.to_string());
        let signed = format!("{}.{payload}", key.header);
        let token =
            format!("{signed}.{}", URL_SAFE_NO_PAD.encode(key.pair.sign(signed.as_bytes())));
        assert_eq!(keys.verify(&token, at(1)), Err(TokenFault::Unknown));
    }

    #[test]
    fn rs_08_keys_change_with_an_overlap_and_without_a_restart() {
        let keys = TokenKeys::new(b"secret");
        let begin = TokenKeys::current(at(0)) * PERIOD + PERIOD - 1;
        let last_second = Timestamp::from_second(begin).unwrap();
        let claims = Claims { nbf: begin, exp: begin + 3600, ..claims() };
        let token = keys.sign(&claims, last_second);
        let after = Timestamp::from_second(begin + 1800).unwrap();
        assert_eq!(keys.verify(&token, after), Ok(claims.clone()));
        let kid = |now| keys.public(now)["keys"][0]["kid"].clone();
        assert_ne!(kid(last_second), kid(after));
        assert_eq!(keys.public(after)["keys"][1]["kid"], kid(last_second));
        // Two periods later it counts no more, whatever it says of itself.
        let endless = keys.sign(&Claims { exp: i64::MAX, ..claims }, last_second);
        let much_later = Timestamp::from_second(begin + 2 * PERIOD).unwrap();
        assert_eq!(keys.verify(&endless, much_later), Err(TokenFault::Unknown));
    }

    #[test]
    fn as_51_what_is_published_has_no_private_part() {
        let keys = TokenKeys::new(b"secret");
        let public = keys.public(at(0));
        for key in public["keys"].as_array().unwrap() {
            let mut names: Vec<_> = key.as_object().unwrap().keys().collect();
            names.sort();
            assert_eq!(names, ["alg", "crv", "kid", "kty", "use", "x"]);
        }
    }

    proptest::proptest! {
        #[test]
        fn rs_02_no_token_makes_it_fail(token in "\\PC{0,200}", dots in "[A-Za-z0-9._-]{0,200}") {
            let keys = TokenKeys::new(b"secret");
            proptest::prop_assert!(keys.verify(&token, at(0)).is_err());
            proptest::prop_assert!(keys.verify(&dots, at(0)).is_err());
        }
    }
}
