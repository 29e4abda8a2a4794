//! What an ID token says, checked as OpenID Connect Core 1.0, 3.1.3.7 asks.

use jiff::Timestamp;
use serde_json::Value;

use crate::error::TokenFault;

/// Clocks differ by so many seconds.
const SKEW: i64 = 60;
/// The longest subject (OpenID Connect Core 1.0, section 2).
const SUBJECT_MAX: usize = 255;
/// Groups of one person that are looked at.
const GROUPS_MAX: usize = 1000;

/// What an ID token must fit to.
#[derive(Clone, Copy, Debug)]
pub struct Expected<'a> {
    /// Who made it.
    pub issuer: &'a str,
    /// For whom.
    pub client_id: &'a str,
    /// In which sign-in.
    pub nonce: &'a str,
    /// When.
    pub now: Timestamp,
}

/// Who signed in, as the provider says.
#[derive(Clone, Debug)]
pub struct Claims(Value);

impl Claims {
    /// Checks the payload of a token whose signature is good.
    pub fn check(payload: Value, expected: Expected<'_>) -> Result<Self, TokenFault> {
        if payload["iss"].as_str() != Some(expected.issuer) {
            return Err(TokenFault::Issuer);
        }
        check_audience(&payload, expected.client_id)?;
        check_time(&payload, expected.now.as_second())?;
        let nonce = payload["nonce"].as_str().unwrap_or_default().as_bytes();
        let wanted = expected.nonce.as_bytes();
        if wanted.is_empty()
            || aws_lc_rs::constant_time::verify_slices_are_equal(nonce, wanted).is_err()
        {
            return Err(TokenFault::Nonce);
        }
        let is_subject = |text: &str| {
            (1..=SUBJECT_MAX).contains(&text.len()) && !text.chars().any(char::is_control)
        };
        if !payload["sub"].as_str().is_some_and(is_subject) {
            return Err(TokenFault::Subject);
        }
        Ok(Self(payload))
    }

    /// Adds what the userinfo endpoint tells of the same person. What the token says counts more.
    pub fn complete(&mut self, more: Value) -> Result<(), TokenFault> {
        if more["sub"].as_str() != Some(self.subject()) {
            return Err(TokenFault::Subject);
        }
        if let (Some(known), Value::Object(more)) = (self.0.as_object_mut(), more) {
            // An address and whether it is verified belong together, from one source.
            let has_email = known.contains_key("email");
            for (name, value) in more {
                if !(has_email && name == "email_verified") {
                    known.entry(name).or_insert(value);
                }
            }
        }
        Ok(())
    }

    /// Who it is, for this provider and for ever.
    pub fn subject(&self) -> &str {
        self.0["sub"].as_str().unwrap_or_default()
    }

    /// The address, if the provider says that it is the person's.
    pub fn verified_email(&self) -> Option<&str> {
        // Some providers write booleans as text.
        let verified = match &self.0["email_verified"] {
            Value::Bool(verified) => *verified,
            Value::String(text) => text == "true",
            _ => false,
        };
        self.email().filter(|_| verified)
    }

    /// The address, verified or not.
    pub fn email(&self) -> Option<&str> {
        self.0["email"].as_str()
    }

    /// The person's groups, by the claim of this name; `None` if there is no such claim.
    pub fn groups(&self, claim: &str) -> Option<Vec<String>> {
        match self.0.get(claim)? {
            Value::String(one) => Some(vec![one.clone()]),
            Value::Array(all) => {
                let texts = all.iter().filter_map(Value::as_str).take(GROUPS_MAX);
                Some(texts.map(str::to_owned).collect())
            }
            _ => None,
        }
    }

    /// Whether a claim is there.
    pub fn has(&self, claim: &str) -> bool {
        self.0.get(claim).is_some()
    }
}

fn check_audience(payload: &Value, client_id: &str) -> Result<(), TokenFault> {
    let several = match &payload["aud"] {
        Value::String(one) if one == client_id => false,
        Value::Array(all) if all.iter().any(|one| one == client_id) => all.len() > 1,
        _ => return Err(TokenFault::Audience),
    };
    // Who it was made for, if that is not clear.
    match payload.get("azp") {
        Some(party) if party == client_id => Ok(()),
        None if !several => Ok(()),
        _ => Err(TokenFault::Audience),
    }
}

fn check_time(payload: &Value, now: i64) -> Result<(), TokenFault> {
    let second = |name: &str| match payload.get(name) {
        None => Ok(None),
        Some(value) => {
            let whole = value.as_i64().or_else(|| value.as_f64().map(|it| it as i64));
            whole.map(Some).ok_or(TokenFault::Time)
        }
    };
    let (Some(ends), Some(made)) = (second("exp")?, second("iat")?) else {
        return Err(TokenFault::Time);
    };
    let begins = second("nbf")?.unwrap_or(i64::MIN);
    let in_time = now.saturating_sub(SKEW) < ends
        && made <= now.saturating_add(SKEW)
        && begins <= now.saturating_add(SKEW);
    if in_time { Ok(()) } else { Err(TokenFault::Time) }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const NOW: i64 = 1_790_000_000;

    fn check(change: Value) -> Result<Claims, TokenFault> {
        let mut payload = json!({
            "iss": "https://id.example", "aud": "gate", "sub": "ada", "nonce": "n",
            "exp": NOW + 300, "iat": NOW,
        });
        for (name, value) in change.as_object().unwrap() {
            payload[name] = value.clone();
            if value.is_null() {
                payload.as_object_mut().unwrap().remove(name);
            }
        }
        let now = Timestamp::from_second(NOW).unwrap();
        let issuer = "https://id.example";
        Claims::check(payload, Expected { issuer, client_id: "gate", nonce: "n", now })
    }

    #[test]
    fn each_claim_is_checked() {
        assert!(check(json!({})).is_ok());
        assert!(check(json!({ "aud": ["gate"], "azp": "gate" })).is_ok());
        assert!(check(json!({ "aud": ["gate", "other"], "azp": "gate" })).is_ok());
        assert!(check(json!({ "exp": NOW - 59 })).is_ok());
        assert!(check(json!({ "exp": NOW as f64 + 0.5 })).is_ok());
        for (change, fault) in [
            (json!({ "iss": "https://id.example/" }), TokenFault::Issuer),
            (json!({ "iss": null }), TokenFault::Issuer),
            (json!({ "aud": "other" }), TokenFault::Audience),
            (json!({ "aud": null }), TokenFault::Audience),
            (json!({ "aud": [] }), TokenFault::Audience),
            (json!({ "aud": ["gate", "other"] }), TokenFault::Audience),
            (json!({ "azp": "other" }), TokenFault::Audience),
            (json!({ "azp": 1 }), TokenFault::Audience),
            (json!({ "exp": NOW - 60 }), TokenFault::Time),
            (json!({ "exp": null }), TokenFault::Time),
            (json!({ "exp": "soon" }), TokenFault::Time),
            (json!({ "iat": null }), TokenFault::Time),
            (json!({ "iat": NOW + 61 }), TokenFault::Time),
            (json!({ "nbf": NOW + 61 }), TokenFault::Time),
            (json!({ "nonce": "m" }), TokenFault::Nonce),
            (json!({ "nonce": null }), TokenFault::Nonce),
            (json!({ "sub": null }), TokenFault::Subject),
            (json!({ "sub": "" }), TokenFault::Subject),
            (json!({ "sub": 7 }), TokenFault::Subject),
            (json!({ "sub": "a".repeat(256) }), TokenFault::Subject),
        ] {
            assert_eq!(check(change.clone()).unwrap_err(), fault, "{change}");
        }
    }

    #[test]
    fn an_address_counts_only_if_it_is_verified() {
        let email = |change: Value| {
            let claims = check(change).unwrap();
            claims.verified_email().map(str::to_owned)
        };
        let ada = "ada@example.com";
        assert_eq!(email(json!({ "email": ada, "email_verified": true })).as_deref(), Some(ada));
        assert_eq!(email(json!({ "email": ada, "email_verified": "true" })).as_deref(), Some(ada));
        for odd in [json!(false), json!("false"), json!(1), json!("TRUE"), json!([true])] {
            assert_eq!(email(json!({ "email": ada, "email_verified": odd })), None, "{odd}");
        }
        assert_eq!(email(json!({ "email": ada })), None);
    }

    #[test]
    fn more_is_told_only_of_the_same_person() {
        let mut claims = check(json!({ "email": "a@b.example" })).unwrap();
        let other = json!({ "sub": "eve", "groups": ["admins"] });
        assert_eq!(claims.complete(other), Err(TokenFault::Subject));
        claims
            .complete(
                json!({ "sub": "ada", "email": "x@y", "email_verified": true, "groups": "a" }),
            )
            .unwrap();
        assert_eq!(claims.email(), Some("a@b.example"));
        assert_eq!(claims.verified_email(), None, "that is said of the other address");
        assert_eq!(claims.groups("groups"), Some(vec!["a".to_owned()]));
        assert_eq!(claims.groups("other"), None);
    }
}
