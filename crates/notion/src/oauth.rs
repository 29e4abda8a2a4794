//! OAuth 2.0 with Notion: where a person is sent, and the four requests that an app makes with its id
//! and secret.
//!
//! Source: <https://developers.notion.com/docs/authorization>. An error tells whether Notion refused
//! (nothing was done), was surely not asked, or may have done it: a refresh replaces the pair of tokens,
//! so these three must never be mixed up.

use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::{Method, StatusCode};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Deserializer};
use serde_json::{Value, json};

use crate::client::{Client, Request, RequestBody, SendError, authorization};
use crate::error::ApiError;
use crate::id::Id;
use crate::version::Version;

/// An answer with tokens is short; what is longer is none.
const ANSWER_MAX: usize = 64 * 1024;
/// Text of a refusal that is kept.
const TEXT_MAX: usize = 300;
/// All but what RFC 3986 calls unreserved.
const ESCAPES: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// An app as it is registered with Notion ("public connection").
#[derive(Clone)]
pub struct OAuthClient {
    /// Its id.
    pub client_id: String,
    /// Its secret.
    pub client_secret: SecretString,
    /// Where Notion sends people back to: exactly as it is registered.
    pub redirect_uri: String,
}

impl fmt::Debug for OAuthClient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OAuthClient")
            .field("client_id", &self.client_id)
            .field("redirect_uri", &self.redirect_uri)
            .finish_non_exhaustive()
    }
}

/// On whose behalf an app is installed.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum Owner {
    /// A person: the connection reaches what that person may share.
    #[default]
    User,
    /// The workspace.
    Workspace,
}

impl Owner {
    /// The value of the parameter.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::User => "user",
            Self::Workspace => "workspace",
        }
    }
}

/// Where a person is sent to let the app in. `base` is Notion's address without a slash at its end.
pub fn authorize_url(
    base: &str,
    client_id: &str,
    redirect_uri: &str,
    owner: Owner,
    state: &str,
) -> String {
    let parameters = [
        ("client_id", client_id),
        ("redirect_uri", redirect_uri),
        ("response_type", "code"),
        ("owner", owner.as_str()),
        ("state", state),
    ];
    let query: Vec<String> = parameters
        .iter()
        .map(|(name, value)| format!("{name}={}", utf8_percent_encode(value, ESCAPES)))
        .collect();
    format!("{base}/v1/oauth/authorize?{}", query.join("&"))
}

/// What a code or a refresh token is exchanged for.
#[derive(Debug, Deserialize)]
pub struct TokenAnswer {
    /// What calls are made with.
    #[serde(deserialize_with = "secret")]
    pub access_token: SecretString,
    /// What a new pair is asked for with; not every connection has one.
    #[serde(default, deserialize_with = "secret_if_any")]
    pub refresh_token: Option<SecretString>,
    /// The bot that the tokens act as: what the authorisation is known by.
    pub bot_id: Id,
    /// The workspace.
    pub workspace_id: Id,
    /// Its name.
    pub workspace_name: Option<String>,
    /// Its icon: an address or an emoji.
    #[serde(default, deserialize_with = "text_if_any")]
    pub workspace_icon: Option<String>,
    /// Who let the app in, as Notion tells it.
    #[serde(default)]
    pub owner: Value,
    /// The copy of the app's template that was made for this person.
    pub duplicated_template_id: Option<Id>,
}

fn secret<'de, D: Deserializer<'de>>(wire: D) -> Result<SecretString, D::Error> {
    String::deserialize(wire).map(SecretString::from)
}

fn secret_if_any<'de, D: Deserializer<'de>>(wire: D) -> Result<Option<SecretString>, D::Error> {
    Ok(Option::<String>::deserialize(wire)?.map(SecretString::from))
}

/// An icon may become an object some day: that is no reason to lose a pair of tokens.
fn text_if_any<'de, D: Deserializer<'de>>(wire: D) -> Result<Option<String>, D::Error> {
    Ok(match Value::deserialize(wire)? {
        Value::String(text) => Some(text),
        _ => None,
    })
}

/// What Notion says about a token.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq)]
pub struct Introspection {
    /// Whether it works.
    pub active: bool,
    /// The capabilities, with spaces between them.
    pub scope: Option<String>,
    /// When it was issued, in milliseconds since 1970.
    pub iat: Option<i64>,
}

/// Why an OAuth request did not give what was asked for.
#[derive(Debug, thiserror::Error)]
pub enum OAuthError {
    /// Notion says no. Nothing was done.
    #[error("Notion refused ({status} {error}){}", .description.as_deref().map(|text| format!(": {text}")).unwrap_or_default())]
    Refused {
        /// The HTTP status.
        status: u16,
        /// The word of RFC 6749 (`invalid_grant`, …), or Notion's own code.
        error: String,
        /// Its text. It may quote what was sent: escape it.
        description: Option<String>,
    },
    /// Notion has too much to do (429, 529). Nothing was done.
    #[error("Notion has too much to do ({status}): try again later")]
    Busy {
        /// The HTTP status.
        status: u16,
    },
    /// The request never left. Nothing was done.
    #[error("Notion could not be asked")]
    Unsent(#[source] SendError),
    /// No answer came, or only a piece of one. It may have been done.
    #[error("Notion's answer did not arrive: it may have done what it was asked for")]
    Unanswered(#[source] SendError),
    /// An answer that says neither yes nor no. It may have been done.
    #[error("Notion's answer ({status}) is neither yes nor no: {text}")]
    Unclear {
        /// The HTTP status.
        status: u16,
        /// What is wrong with it, without anything secret.
        text: String,
    },
}

impl OAuthError {
    /// Whether Notion may have done what it was asked for.
    pub fn may_be_done(&self) -> bool {
        match self {
            Self::Refused { .. } | Self::Busy { .. } | Self::Unsent(_) => false,
            Self::Unanswered(_) | Self::Unclear { .. } => true,
        }
    }

    /// The word with which Notion refused.
    pub fn refusal(&self) -> Option<&str> {
        match self {
            Self::Refused { error, .. } => Some(error),
            _ => None,
        }
    }

    /// Whether Notion says that the code or refresh token is no good (any more).
    pub fn is_invalid_grant(&self) -> bool {
        self.refusal() == Some("invalid_grant")
    }
}

/// The requests of one app.
#[derive(Clone, Copy, Debug)]
pub struct OAuth<'a> {
    http: &'a Client,
    app: &'a OAuthClient,
}

impl<'a> OAuth<'a> {
    /// The requests of `app`, through `http`.
    pub fn new(http: &'a Client, app: &'a OAuthClient) -> Self {
        Self { http, app }
    }

    /// The app.
    pub fn app(&self) -> &'a OAuthClient {
        self.app
    }

    /// Where a person is sent to let the app in.
    pub fn authorize_url(&self, owner: Owner, state: &str) -> String {
        let OAuthClient { client_id, redirect_uri, .. } = self.app;
        authorize_url(&self.http.settings().base_url, client_id, redirect_uri, owner, state)
    }

    /// Gives a code for tokens; `redirect_uri` is the one that the person was sent away with.
    pub async fn exchange(
        &self,
        code: &SecretString,
        redirect_uri: &str,
    ) -> Result<TokenAnswer, OAuthError> {
        let body = json!({
            "grant_type": "authorization_code",
            "code": code.expose_secret(),
            "redirect_uri": redirect_uri,
        });
        self.ask("/v1/oauth/token", body).await
    }

    /// Gives a refresh token for a new pair. Notion may end the old pair at once.
    pub async fn refresh(&self, refresh_token: &SecretString) -> Result<TokenAnswer, OAuthError> {
        let refresh_token = refresh_token.expose_secret();
        let body = json!({ "grant_type": "refresh_token", "refresh_token": refresh_token });
        self.ask("/v1/oauth/token", body).await
    }

    /// Asks whether a token works.
    pub async fn introspect(&self, token: &SecretString) -> Result<Introspection, OAuthError> {
        self.ask("/v1/oauth/introspect", json!({ "token": token.expose_secret() })).await
    }

    /// Ends a token. One that Notion does not know is no error (RFC 7009).
    pub async fn revoke(&self, token: &SecretString) -> Result<(), OAuthError> {
        let body = json!({ "token": token.expose_secret() });
        self.ask::<serde::de::IgnoredAny>("/v1/oauth/revoke", body).await.map(drop)
    }

    async fn ask<T: for<'de> Deserialize<'de>>(
        &self,
        path: &str,
        body: Value,
    ) -> Result<T, OAuthError> {
        let OAuthClient { client_id, client_secret, .. } = self.app;
        let pair = format!("{client_id}:{}", client_secret.expose_secret());
        let pair = SecretString::from(STANDARD.encode(pair));
        let authorization = authorization("Basic", &pair).map_err(OAuthError::Unsent)?;
        let request = Request {
            method: Method::POST,
            path_and_query: path.to_owned(),
            version: Version::DEFAULT.as_str(),
            body: RequestBody::Json(body.to_string().into()),
            repeatable: false,
        };
        let answer =
            self.http.send_as(request, &authorization).await.map_err(|error| match error {
                SendError::Connect(_) | SendError::Malformed(_) => OAuthError::Unsent(error),
                SendError::Timeout(_) | SendError::Broken(_) => OAuthError::Unanswered(error),
            })?;
        let (status, _, body) = answer
            .collect(ANSWER_MAX)
            .await
            .map_err(|error| OAuthError::Unanswered(SendError::Broken(error)))?;
        read(status, &body)
    }
}

/// Reads an answer. Nothing of it is quoted in an error but what RFC 6749 calls the error's words.
fn read<T: for<'de> Deserialize<'de>>(status: StatusCode, body: &[u8]) -> Result<T, OAuthError> {
    let unclear = |text: &str| OAuthError::Unclear { status: status.as_u16(), text: text.into() };
    if status == StatusCode::OK {
        return serde_json::from_slice(body).map_err(|error| match error.classify() {
            serde_json::error::Category::Data => unclear("a member is missing or of another type"),
            _ => unclear("it is not JSON, or only a piece of it"),
        });
    }
    if matches!(status.as_u16(), 429 | 529) {
        return Err(OAuthError::Busy { status: status.as_u16() });
    }
    if !status.is_client_error() {
        return Err(unclear("it is no answer to an OAuth request"));
    }
    let (error, description) =
        refusal(status, body).ok_or_else(|| unclear("the refusal does not say why"))?;
    Err(OAuthError::Refused { status: status.as_u16(), error, description })
}

/// The words of a refusal: RFC 6749's form, or Notion's ordinary one.
fn refusal(status: StatusCode, body: &[u8]) -> Option<(String, Option<String>)> {
    #[derive(Deserialize)]
    struct Wire {
        error: String,
        error_description: Option<String>,
    }
    let short = |text: String| text.chars().take(TEXT_MAX).collect::<String>();
    if let Ok(Wire { error, error_description }) = serde_json::from_slice(body) {
        return Some((short(error), error_description.map(short)));
    }
    let ApiError { code, message, .. } = ApiError::parse(status.as_u16(), body)?;
    Some((short(code), Some(short(message))))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(status: u16, body: &str) -> Result<TokenAnswer, OAuthError> {
        read(StatusCode::from_u16(status).unwrap(), body.as_bytes())
    }

    const WHOLE: &str = r#"{"access_token":"ntn_a","token_type":"bearer","refresh_token":"nrt_r",
        "bot_id":"0a1b2c3d-4e5f-4a6b-8c7d-9e0f1a2b3c4d","workspace_icon":"🏠",
        "workspace_name":"Acme","workspace_id":"1a1b2c3d-4e5f-4a6b-8c7d-9e0f1a2b3c4d",
        "owner":{"workspace":true},"duplicated_template_id":null,"request_id":"x","new":1}"#;

    #[test]
    fn the_documented_answer_is_read_and_not_printed() {
        let read = answer(200, WHOLE).unwrap();
        assert_eq!(read.access_token.expose_secret(), "ntn_a");
        assert_eq!(read.refresh_token.as_ref().unwrap().expose_secret(), "nrt_r");
        assert_eq!(read.workspace_name.as_deref(), Some("Acme"));
        assert_eq!(read.workspace_icon.as_deref(), Some("🏠"));
        assert_eq!(read.owner, json!({"workspace": true}));
        let shown = format!("{read:?}");
        assert!(!shown.contains("ntn_a") && !shown.contains("nrt_r"), "{shown}");
        let bare = r#"{"access_token":"t","bot_id":"0a1b2c3d4e5f4a6b8c7d9e0f1a2b3c4d",
            "workspace_id":"1a1b2c3d4e5f4a6b8c7d9e0f1a2b3c4d","workspace_icon":{"type":"emoji"}}"#;
        let bare = answer(200, bare).unwrap();
        assert!(bare.refresh_token.is_none() && bare.workspace_icon.is_none());
    }

    #[test]
    fn half_an_answer_is_unclear_wherever_it_ends_and_quotes_nothing() {
        for length in 0..WHOLE.len() - 1 {
            let Some(half) = WHOLE.get(..length) else { continue };
            let error = answer(200, half).unwrap_err();
            assert!(error.may_be_done(), "{length}: {error}");
            assert!(!format!("{error} {error:?}").contains("ntn_a"), "{length}: {error:?}");
        }
        let wrong = WHOLE.replace("\"ntn_a\"", "[\"ntn_a\"]");
        let error = answer(200, &wrong).unwrap_err();
        assert!(error.may_be_done() && !format!("{error:?}").contains("ntn_a"), "{error:?}");
    }

    #[test]
    fn refusals_of_both_forms_are_told_from_what_is_unclear() {
        let rfc = r#"{"error":"invalid_grant","error_description":"Used."}"#;
        let own = r#"{"object":"error","status":400,"code":"invalid_grant","message":"Used."}"#;
        for body in [rfc, own, r#"{"error":"invalid_grant","request_id":"r"}"#] {
            let error = answer(400, body).unwrap_err();
            assert!(error.is_invalid_grant() && !error.may_be_done(), "{error:?}");
        }
        let error = answer(401, r#"{"error":"invalid_client"}"#).unwrap_err();
        assert_eq!((error.refusal(), error.is_invalid_grant()), (Some("invalid_client"), false));
        for (status, body) in [
            (400, "<html>"),
            (403, ""),
            (500, rfc),
            (502, "Bad Gateway"),
            (302, ""),
            (200, "{}"),
            (201, WHOLE),
            (204, ""),
        ] {
            assert!(answer(status, body).unwrap_err().may_be_done(), "{status} {body}");
        }
        for status in [429, 529] {
            assert!(!answer(status, "").unwrap_err().may_be_done(), "{status}");
        }
        let long = format!(r#"{{"error":"{}"}}"#, "x".repeat(5000));
        assert_eq!(answer(400, &long).unwrap_err().refusal().unwrap().len(), TEXT_MAX);
    }

    #[test]
    fn where_people_are_sent_is_escaped() {
        let url = authorize_url(
            "https://api.notion.com",
            "a&b",
            "http://127.0.0.1:3000/auth/notion/callback?x=1",
            Owner::User,
            "s+=",
        );
        assert_eq!(
            url,
            "https://api.notion.com/v1/oauth/authorize?client_id=a%26b&redirect_uri=http%3A%2F%2F\
             127.0.0.1%3A3000%2Fauth%2Fnotion%2Fcallback%3Fx%3D1&response_type=code&owner=user&\
             state=s%2B%3D"
        );
    }
}
