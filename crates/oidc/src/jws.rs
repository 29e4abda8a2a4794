//! Signatures of tokens (RFC 7515, 7517, 7518): which algorithms count, which key fits, and whether it did
//! sign.
//!
//! The algorithm comes from a list of ours, and a key is only ever used for the kind that it is. So `none`
//! means nothing, and nobody can sign with the text of a public key as if it were a shared secret.

use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED, ECDSA_P384_SHA384_FIXED, ED25519, RSA_PKCS1_2048_8192_SHA256,
    RSA_PKCS1_2048_8192_SHA384, RSA_PKCS1_2048_8192_SHA512, RSA_PSS_2048_8192_SHA256,
    RSA_PSS_2048_8192_SHA384, RSA_PSS_2048_8192_SHA512, RsaParameters, RsaPublicKeyComponents,
    UnparsedPublicKey, VerificationAlgorithm,
};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Deserialize;
use serde_json::Value;

use crate::error::TokenFault;

/// The longest token that is read.
pub(crate) const TOKEN_MAX: usize = 32 * 1024;
/// Keys of a provider that are looked at.
const KEYS_MAX: usize = 100;

/// A public key, as a provider publishes it. Members of other kinds of keys are empty.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
struct Key {
    kty: String,
    kid: Option<String>,
    #[serde(rename = "use")]
    usage: Option<String>,
    alg: Option<String>,
    crv: String,
    n: String,
    e: String,
    x: String,
    y: String,
}

#[derive(Debug, Deserialize)]
struct Header {
    alg: String,
    kid: Option<String>,
    crit: Option<Value>,
}

/// How a signature is checked.
enum Check {
    Rsa(&'static RsaParameters),
    Curve(&'static str, &'static dyn VerificationAlgorithm),
    Edwards,
}

fn check_of(alg: &str) -> Option<Check> {
    Some(match alg {
        "RS256" => Check::Rsa(&RSA_PKCS1_2048_8192_SHA256),
        "RS384" => Check::Rsa(&RSA_PKCS1_2048_8192_SHA384),
        "RS512" => Check::Rsa(&RSA_PKCS1_2048_8192_SHA512),
        "PS256" => Check::Rsa(&RSA_PSS_2048_8192_SHA256),
        "PS384" => Check::Rsa(&RSA_PSS_2048_8192_SHA384),
        "PS512" => Check::Rsa(&RSA_PSS_2048_8192_SHA512),
        "ES256" => Check::Curve("P-256", &ECDSA_P256_SHA256_FIXED),
        "ES384" => Check::Curve("P-384", &ECDSA_P384_SHA384_FIXED),
        "EdDSA" => Check::Edwards,
        _ => return None,
    })
}

/// The payload of a token, if one of `keys` signed it.
pub(crate) fn open(token: &str, keys: &Value) -> Result<Value, TokenFault> {
    if token.len() > TOKEN_MAX {
        return Err(TokenFault::Form);
    }
    let mut parts = token.split('.');
    let (Some(header), Some(payload), Some(signature), None) =
        (parts.next(), parts.next(), parts.next(), parts.next())
    else {
        return Err(TokenFault::Form);
    };
    let decoded = |part: &str| URL_SAFE_NO_PAD.decode(part).map_err(|_| TokenFault::Form);
    let head: Header = serde_json::from_slice(&decoded(header)?).map_err(|_| TokenFault::Form)?;
    // What must be understood and is not known here.
    if head.crit.is_some() {
        return Err(TokenFault::Form);
    }
    let check = check_of(&head.alg).ok_or(TokenFault::Algorithm)?;
    let signed = token.get(..header.len() + 1 + payload.len()).unwrap_or_default();
    let signature = decoded(signature)?;
    let mut fitting = fitting(keys, &head, &check).peekable();
    if fitting.peek().is_none() {
        return Err(TokenFault::Key);
    }
    if !fitting.any(|key| verifies(&check, &key, signed.as_bytes(), &signature)) {
        return Err(TokenFault::Signature);
    }
    serde_json::from_slice(&decoded(payload)?).map_err(|_| TokenFault::Form)
}

/// The keys that a token with this header may be signed with.
fn fitting<'a>(
    keys: &'a Value,
    head: &'a Header,
    check: &'a Check,
) -> impl Iterator<Item = Key> + 'a {
    let all = keys["keys"].as_array().into_iter().flatten().take(KEYS_MAX);
    let all = all.filter_map(|key| Key::deserialize(key).ok());
    all.filter(move |key| {
        let kind = match check {
            Check::Rsa(_) => key.kty == "RSA",
            Check::Curve(curve, _) => key.kty == "EC" && key.crv == *curve,
            Check::Edwards => key.kty == "OKP" && key.crv == "Ed25519",
        };
        kind && head.kid.as_ref().is_none_or(|kid| key.kid.as_ref() == Some(kid))
            && key.usage.as_deref().is_none_or(|usage| usage == "sig")
            && key.alg.as_ref().is_none_or(|alg| *alg == head.alg)
    })
}

fn verifies(check: &Check, key: &Key, signed: &[u8], signature: &[u8]) -> bool {
    let number = |text: &str| URL_SAFE_NO_PAD.decode(text).ok().filter(|bytes| !bytes.is_empty());
    match check {
        Check::Rsa(parameters) => number(&key.n).zip(number(&key.e)).is_some_and(|(n, e)| {
            RsaPublicKeyComponents { n: &n, e: &e }.verify(parameters, signed, signature).is_ok()
        }),
        Check::Curve(_, algorithm) => number(&key.x).zip(number(&key.y)).is_some_and(|(x, y)| {
            let point = [&[4][..], &x, &y].concat();
            UnparsedPublicKey::new(*algorithm, point).verify(signed, signature).is_ok()
        }),
        Check::Edwards => number(&key.x)
            .is_some_and(|x| UnparsedPublicKey::new(&ED25519, x).verify(signed, signature).is_ok()),
    }
}

#[cfg(test)]
mod tests {
    use aws_lc_rs::rand::SystemRandom;
    use aws_lc_rs::signature::{
        ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair,
    };
    use aws_lc_rs::{digest, hmac};
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn encode(bytes: impl AsRef<[u8]>) -> String {
        URL_SAFE_NO_PAD.encode(bytes)
    }

    fn token(header: &Value, sign: impl Fn(&[u8]) -> Vec<u8>) -> String {
        let signed = format!("{}.{}", encode(header.to_string()), encode("{\"sub\":\"a\"}"));
        format!("{signed}.{}", encode(sign(signed.as_bytes())))
    }

    /// A key of our own, and what signs with it.
    fn p256() -> (Value, impl Fn(&[u8]) -> Vec<u8>) {
        let pair = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).unwrap();
        let point = pair.public_key().as_ref().to_owned();
        let key = json!({
            "kty": "EC", "crv": "P-256", "kid": "one", "use": "sig", "alg": "ES256",
            "x": encode(&point[1..33]), "y": encode(&point[33..]),
        });
        (key, move |text: &[u8]| pair.sign(&SystemRandom::new(), text).unwrap().as_ref().to_vec())
    }

    #[test]
    fn what_a_published_key_signed_is_believed_and_nothing_else() {
        let (key, sign) = p256();
        let (_, other) = p256();
        let keys = json!({ "keys": [{ "kty": "oct", "k": "AA" }, 7, key] });
        let head = json!({ "alg": "ES256", "kid": "one" });
        assert_eq!(open(&token(&head, &sign), &keys).unwrap()["sub"], "a");
        assert_eq!(open(&token(&json!({ "alg": "ES256" }), &sign), &keys).unwrap()["sub"], "a");
        assert_eq!(open(&token(&head, other), &keys), Err(TokenFault::Signature));
        let unknown = json!({ "alg": "ES256", "kid": "two" });
        assert_eq!(open(&token(&unknown, &sign), &keys), Err(TokenFault::Key));
        assert_eq!(open(&token(&head, &sign), &json!({})), Err(TokenFault::Key));
        let critical = json!({ "alg": "ES256", "kid": "one", "crit": ["b64"], "b64": false });
        assert_eq!(open(&token(&critical, &sign), &keys), Err(TokenFault::Form));
        // The key says what it is for.
        for (member, value) in [("use", "enc"), ("alg", "ES384"), ("kty", "RSA"), ("crv", "P-384")]
        {
            let mut wrong = keys.clone();
            wrong["keys"][2][member] = value.into();
            assert_eq!(open(&token(&head, &sign), &wrong), Err(TokenFault::Key), "{member}");
        }
        let mut short = keys.clone();
        short["keys"][2]["x"] = "AA".into();
        assert_eq!(open(&token(&head, &sign), &short), Err(TokenFault::Signature));
    }

    #[test]
    fn edwards_keys_are_taken() {
        let pair = Ed25519KeyPair::generate().unwrap();
        let key = json!({ "kty": "OKP", "crv": "Ed25519", "x": encode(pair.public_key()) });
        let head = json!({ "alg": "EdDSA" });
        let good = token(&head, |text| pair.sign(text).as_ref().to_vec());
        assert!(open(&good, &json!({ "keys": [key] })).is_ok());
    }

    #[test]
    fn no_signature_and_shared_secrets_are_no_signatures() {
        let (key, sign) = p256();
        let keys = json!({ "keys": [key] });
        for alg in ["none", "None", "nOnE", "HS256", "HS512", "", "ES256K", "dir", "RSA1_5"] {
            let head = json!({ "alg": alg, "kid": "one" });
            assert_eq!(open(&token(&head, &sign), &keys), Err(TokenFault::Algorithm), "{alg}");
            assert_eq!(open(&token(&head, |_| Vec::new()), &keys), Err(TokenFault::Algorithm));
        }
        // The public key as a shared secret.
        let secret = hmac::Key::new(hmac::HMAC_SHA256, keys.to_string().as_bytes());
        let shared =
            token(&json!({ "alg": "HS256" }), |text| hmac::sign(&secret, text).as_ref().to_vec());
        assert_eq!(open(&shared, &keys), Err(TokenFault::Algorithm));
        let hashed = token(&json!({ "alg": "ES256" }), |text| {
            digest::digest(&digest::SHA512, text).as_ref().to_vec()
        });
        assert_eq!(open(&hashed, &keys), Err(TokenFault::Signature));
        for odd in ["", ".", "..", "a.b", "a.b.c.d", "e30.e30.", &"a".repeat(TOKEN_MAX + 1)] {
            assert_eq!(open(odd, &keys), Err(TokenFault::Form), "{odd:.40}");
        }
    }

    proptest! {
        #[test]
        fn any_change_is_noticed(at in 0_usize..200, byte in any::<u8>()) {
            let (key, sign) = p256();
            let good = token(&json!({ "alg": "ES256", "kid": "one" }), sign);
            let mut changed = good.clone().into_bytes();
            let at = at % changed.len();
            changed[at] = byte;
            let changed = String::from_utf8_lossy(&changed).into_owned();
            let opened = open(&changed, &json!({ "keys": [key] }));
            prop_assert!(changed == good || opened.is_err(), "{changed}");
        }

        #[test]
        fn nothing_makes_it_fail(text in "[A-Za-z0-9_.=-]{0,200}", keys in "\\PC{0,40}") {
            let _ = open(&text, &json!({ "keys": [keys] }));
        }
    }
}
