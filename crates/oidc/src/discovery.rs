//! What a provider says of itself (OpenID Connect Discovery 1.0).

use serde::Deserialize;
use serde_json::Value;
use url::{Host, Url};

use crate::error::OidcError;

/// Where a provider's endpoints are, checked.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq)]
pub struct Metadata {
    /// Who it is.
    pub issuer: String,
    /// Where people sign in.
    pub authorization_endpoint: String,
    /// Where a code becomes tokens.
    pub token_endpoint: String,
    /// Where its keys are.
    pub jwks_uri: String,
    /// Where it tells more about a person.
    pub userinfo_endpoint: Option<String>,
    /// Where people sign out.
    pub end_session_endpoint: Option<String>,
    /// How clients may prove who they are; Basic if it does not say.
    #[serde(default)]
    pub token_endpoint_auth_methods_supported: Vec<String>,
    /// Whether what comes back always names the issuer (RFC 9207).
    #[serde(default)]
    pub authorization_response_iss_parameter_supported: bool,
}

impl Metadata {
    /// Where the metadata of an issuer are.
    pub fn url_of(issuer: &str) -> String {
        format!("{}/.well-known/openid-configuration", issuer.trim_end_matches('/'))
    }

    /// Reads the metadata of `issuer`. An endpoint may be in clear only if the issuer is, on this machine.
    pub fn read(issuer: &str, url: &str, answer: Value) -> Result<Self, OidcError> {
        let read: Self = serde_json::from_value(answer).map_err(|error| OidcError::Nonsense {
            url: url.to_owned(),
            what: error.to_string(),
        })?;
        if read.issuer != issuer {
            let named = read.issuer.chars().take(200).collect();
            return Err(OidcError::Issuer { named, expected: issuer.to_owned() });
        }
        let encrypted = issuer.starts_with("https:");
        for (what, endpoint) in [
            ("the authorization endpoint", Some(&read.authorization_endpoint)),
            ("the token endpoint", Some(&read.token_endpoint)),
            ("the address of the keys", Some(&read.jwks_uri)),
            ("the userinfo endpoint", read.userinfo_endpoint.as_ref()),
            ("the end session endpoint", read.end_session_endpoint.as_ref()),
        ] {
            let Some(endpoint) = endpoint else { continue };
            check_url(what, endpoint)?;
            if encrypted && !endpoint.starts_with("https:") {
                return Err(OidcError::Address { what, url: endpoint.clone() });
            }
        }
        Ok(read)
    }

    /// Whether the client's secret goes into the form: only where the header is not taken.
    pub(crate) fn secret_in_form(&self) -> bool {
        let methods = &self.token_endpoint_auth_methods_supported;
        let has = |name: &str| methods.iter().any(|method| method == name);
        has("client_secret_post") && !has("client_secret_basic")
    }
}

/// Whether something may travel to an address: https, or http on this machine; no user, no fragment.
pub fn check_url(what: &'static str, text: &str) -> Result<(), OidcError> {
    let wrong = || OidcError::Address { what, url: text.chars().take(200).collect() };
    let plain = text.bytes().all(|byte| byte.is_ascii_graphic()) && !text.contains('\\');
    let url = Url::parse(text).map_err(|_| wrong())?;
    let here = match url.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(ip)) => ip.is_loopback(),
        Some(Host::Ipv6(ip)) => ip.is_loopback(),
        None => return Err(wrong()),
    };
    let safe = url.scheme() == "https" || (url.scheme() == "http" && here);
    let bare = url.username().is_empty() && url.password().is_none() && url.fragment().is_none();
    if plain && safe && bare { Ok(()) } else { Err(wrong()) }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn endpoints_are_encrypted_or_on_this_machine() {
        for good in ["https://id.example", "https://id.example/realms/a", "http://127.0.0.1:8080/x"]
        {
            assert!(check_url("it", good).is_ok(), "{good}");
        }
        for bad in [
            "",
            "id.example",
            "http://id.example",
            "http://localhost.example",
            "http://10.0.0.1",
            "https://a:b@id.example",
            "https://id.example/#x",
            "https://id.example/\\x",
            "file:///etc/passwd",
            "javascript:alert(1)",
        ] {
            assert!(check_url("it", bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn metadata_is_of_the_issuer_that_was_asked() {
        let issuer = "https://id.example";
        let good = json!({
            "issuer": issuer, "authorization_endpoint": "https://id.example/auth",
            "token_endpoint": "https://id.example/token", "jwks_uri": "https://id.example/keys",
        });
        let read = |change: Value| {
            let mut answer = good.clone();
            for (name, value) in change.as_object().unwrap() {
                answer[name] = value.clone();
            }
            Metadata::read(issuer, "url", answer)
        };
        assert!(read(json!({})).is_ok());
        for (change, what) in [
            (json!({"issuer": "https://id.example/"}), "calls itself"),
            (json!({"issuer": "https://evil.example"}), "calls itself"),
            (json!({"jwks_uri": "http://id.example/keys"}), "keys"),
            (json!({"token_endpoint": "http://127.0.0.1/token"}), "token endpoint"),
            (json!({"end_session_endpoint": "javascript:alert(1)"}), "end session"),
            (json!({"token_endpoint": 7}), "makes no sense"),
        ] {
            let error = read(change).unwrap_err().to_string();
            assert!(error.contains(what), "{error}");
        }
        assert_eq!(
            Metadata::url_of("https://id.example/a/"),
            "https://id.example/a/.well-known/openid-configuration"
        );
    }
}
