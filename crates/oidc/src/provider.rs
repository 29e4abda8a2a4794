//! A provider that people sign in at.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use aws_lc_rs::digest::{SHA256, digest};
use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use http::StatusCode;
use jiff::{SignedDuration, Timestamp};
use secrecy::{ExposeSecret, SecretString};
use serde_json::Value;
use url::Url;
use url::form_urlencoded::{Serializer, byte_serialize};

use crate::claims::{Claims, Expected};
use crate::discovery::Metadata;
use crate::error::OidcError;
use crate::fetch::Fetch;
use crate::jws;

/// So long the metadata is believed without asking again.
const METADATA_AGE_MAX: SignedDuration = SignedDuration::from_mins(10);
/// For each question.
const TIMEOUT: Duration = Duration::from_secs(10);
/// What is asked for besides `openid`.
const SCOPES: &str = "openid email";

/// Which provider, and who this gate is there.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The issuer, exactly as it calls itself.
    pub issuer: String,
    /// The client's id.
    pub client_id: String,
    /// Its secret.
    pub client_secret: SecretString,
    /// Where people come back to, exactly as registered.
    pub redirect_uri: String,
    /// Further scopes, separated by spaces.
    pub scopes: Option<String>,
}

/// What a code was exchanged for.
pub struct Tokens {
    /// Says who signed in.
    pub id_token: SecretString,
    /// Asks for more about the person.
    pub access_token: Option<SecretString>,
}

impl fmt::Debug for Tokens {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Tokens")
    }
}

/// A provider.
pub struct Provider {
    settings: Settings,
    fetch: Fetch,
    known: Mutex<Option<(Timestamp, Arc<Metadata>)>>,
}

impl fmt::Debug for Provider {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Provider").field("settings", &self.settings).finish_non_exhaustive()
    }
}

/// What a verifier is shown as until the code comes back (RFC 7636, `S256`).
pub fn challenge_of(verifier: &str) -> String {
    URL_SAFE_NO_PAD.encode(digest(&SHA256, verifier.as_bytes()))
}

impl Provider {
    /// A provider; nothing is asked yet.
    pub fn new(settings: Settings) -> Self {
        Self { settings, fetch: Fetch::new(TIMEOUT), known: Mutex::default() }
    }

    /// Which one.
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// What it says of itself; asked again after some minutes.
    pub async fn metadata(&self, now: Timestamp) -> Result<Arc<Metadata>, OidcError> {
        let known = || self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((at, metadata)) = &*known()
            && now.duration_since(*at).abs() < METADATA_AGE_MAX
        {
            return Ok(metadata.clone());
        }
        let url = Metadata::url_of(&self.settings.issuer);
        let answer = self.fetch.get(&url, None).await?;
        let metadata = Arc::new(Metadata::read(&self.settings.issuer, &url, answer)?);
        *known() = Some((now, metadata.clone()));
        Ok(metadata)
    }

    /// Where a person is sent to sign in.
    pub fn authorize_url(
        &self,
        metadata: &Metadata,
        state: &str,
        nonce: &str,
        verifier: &str,
    ) -> Result<String, OidcError> {
        let endpoint = &metadata.authorization_endpoint;
        let mut url = Url::parse(endpoint).map_err(|_| OidcError::Address {
            what: "the authorization endpoint",
            url: endpoint.clone(),
        })?;
        let scope = match &self.settings.scopes {
            Some(more) => format!("{SCOPES} {more}"),
            None => SCOPES.to_owned(),
        };
        url.query_pairs_mut()
            .append_pair("response_type", "code")
            .append_pair("client_id", &self.settings.client_id)
            .append_pair("redirect_uri", &self.settings.redirect_uri)
            .append_pair("scope", &scope)
            .append_pair("state", state)
            .append_pair("nonce", nonce)
            .append_pair("code_challenge", &challenge_of(verifier))
            .append_pair("code_challenge_method", "S256");
        Ok(url.into())
    }

    /// Hands in a code.
    pub async fn exchange(
        &self,
        metadata: &Metadata,
        code: &SecretString,
        verifier: &str,
    ) -> Result<Tokens, OidcError> {
        let (header, form) = self.handing_in(metadata, code, verifier);
        let url = &metadata.token_endpoint;
        let (status, answer) = self.fetch.post(url, header.as_deref(), form).await?;
        if status != StatusCode::OK {
            let word = answer["error"].as_str().filter(|word| is_word(word));
            let error = word.map_or_else(|| format!("status {status}"), str::to_owned);
            return Err(OidcError::Exchange { error });
        }
        let token = |name: &str| answer[name].as_str().filter(|it| it.len() <= jws::TOKEN_MAX);
        let id_token = token("id_token").ok_or_else(|| OidcError::Nonsense {
            url: url.clone(),
            what: "there is no `id_token` in it".to_owned(),
        })?;
        Ok(Tokens {
            id_token: id_token.to_owned().into(),
            access_token: token("access_token").map(|token| token.to_owned().into()),
        })
    }

    /// What hands a code in: the header that says who this gate is, if one does, and the form.
    fn handing_in(
        &self,
        metadata: &Metadata,
        code: &SecretString,
        verifier: &str,
    ) -> (Option<String>, String) {
        let Settings { client_id, client_secret, redirect_uri, .. } = &self.settings;
        let mut form = Serializer::new(String::new());
        form.append_pair("grant_type", "authorization_code")
            .append_pair("code", code.expose_secret())
            .append_pair("redirect_uri", redirect_uri)
            .append_pair("code_verifier", verifier);
        if metadata.secret_in_form() {
            form.append_pair("client_id", client_id)
                .append_pair("client_secret", client_secret.expose_secret());
            return (None, form.finish());
        }
        // RFC 6749, 2.3.1: both are written as in a form first.
        let encoded = |text: &str| byte_serialize(text.as_bytes()).collect::<String>();
        let pair = format!("{}:{}", encoded(client_id), encoded(client_secret.expose_secret()));
        (Some(format!("Basic {}", STANDARD.encode(pair))), form.finish())
    }

    /// Who signed in. The keys are asked for each time: so a key that the provider changes is known, and
    /// one that it withdrew is not.
    pub async fn verify(
        &self,
        metadata: &Metadata,
        tokens: &Tokens,
        nonce: &str,
        now: Timestamp,
        wanted: &[&str],
    ) -> Result<Claims, OidcError> {
        let keys = self.fetch.get(&metadata.jwks_uri, None).await?;
        let payload: Value = jws::open(tokens.id_token.expose_secret(), &keys)?;
        let Settings { issuer, client_id, .. } = &self.settings;
        let mut claims = Claims::check(payload, Expected { issuer, client_id, nonce, now })?;
        // Many providers tell the rest only when asked with the access token.
        let missing = wanted.iter().any(|claim| !claims.has(claim));
        if let (true, Some(url), Some(token)) =
            (missing, &metadata.userinfo_endpoint, &tokens.access_token)
        {
            let more = self.fetch.get(url, Some(token.expose_secret())).await?;
            claims.complete(more)?;
        }
        Ok(claims)
    }

    /// Where a person is sent to sign out at the provider, too, if it has such a place.
    pub fn end_session_url(
        &self,
        metadata: &Metadata,
        id_token: &SecretString,
        back_to: &str,
    ) -> Option<String> {
        let mut url = Url::parse(metadata.end_session_endpoint.as_deref()?).ok()?;
        url.query_pairs_mut()
            .append_pair("id_token_hint", id_token.expose_secret())
            .append_pair("client_id", &self.settings.client_id)
            .append_pair("post_logout_redirect_uri", back_to);
        Some(url.into())
    }
}

/// Whether a text is a word of RFC 6749, and nothing that was sent.
fn is_word(text: &str) -> bool {
    text.len() <= 40 && text.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_challenge_is_that_of_the_rfc() {
        let verifier = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
        assert_eq!(challenge_of(verifier), "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM");
    }
}
