//! The token endpoint: a code becomes a grant, a refresh token the next one, and both can be revoked.
//!
//! A refresh token is the id of the grant's key, a number and a tag over both, made with a key that only
//! this installation has. Nothing of it is stored but the number that counts now. A token with an earlier
//! number was used before: whoever shows it, two parties have it, and the grant ends (RFC 9700, 4.14.2).

use std::collections::HashMap;
use std::fmt;
use std::sync::{Mutex, MutexGuard, PoisonError};

use aws_lc_rs::constant_time::verify_slices_are_equal;
use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::hmac;
use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use jiff::Timestamp;
use ledger::Resource;
use model::key::KeyState;
use model::user::UserId;
use model::{Key, KeyId, Principal, SecretString, Who};
use notion::Id;
use percent_encoding::percent_decode_str;
use store::{Store, StoreError, StoredGrant};

use super::authorize::bounded;
use super::clients::{AuthMethod, Client};
use super::codes::{Approved, Shown};
use super::fault::OAuthFault;
use super::{Origin, Said, is_past, redirect, scope, tag};
use crate::Gate;
use crate::record::Record;

/// What refresh tokens begin with.
const PREFIX: &str = "ngr_";
/// A refresh token that nobody uses for so many seconds ends.
const IDLE: i64 = 30 * 24 * 3600;
/// For so many seconds the token before is answered with the same successor: the answer may have got lost,
/// or two windows of a client asked at once.
const GRACE: i64 = 5;
/// The longest token that is looked at.
const LENGTH_MAX: usize = 4096;

/// What a client sends to the token endpoint.
#[derive(Debug)]
pub struct TokenRequest<'a> {
    /// The form.
    pub form: &'a [(String, String)],
    /// The header `Authorization`.
    pub authorization: Option<&'a str>,
    /// Where it was sent to.
    pub origin: &'a Origin,
}

impl TokenRequest<'_> {
    /// A parameter; one without a value is none.
    fn get(&self, name: &str) -> Option<&str> {
        let found = self.form.iter().find(|(known, _)| known == name);
        found.map(|(_, value)| value.as_str()).filter(|value| !value.is_empty())
    }

    fn need(&self, name: &str) -> Result<&str, OAuthFault> {
        self.get(name).ok_or_else(|| OAuthFault::request(format!("`{name}` is missing")))
    }

    fn check(&self) -> Result<(), OAuthFault> {
        let mut names: Vec<_> = self.form.iter().map(|(name, _)| name).collect();
        names.sort_unstable();
        let repeated = names.windows(2).any(|pair| pair[0] == pair[1]);
        if repeated { Err(OAuthFault::request("a parameter stands twice")) } else { Ok(()) }
    }
}

/// What the client gets.
#[derive(Debug)]
pub struct TokenAnswer {
    /// A JWT.
    pub access_token: SecretString,
    /// For how many seconds it counts.
    pub expires_in: u64,
    /// What brings the next one.
    pub refresh_token: SecretString,
    /// What was granted.
    pub scope: String,
}

/// For which client a key is.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct GrantOf {
    /// Its `client_id`.
    pub client_id: String,
    /// What it called itself when it was let in.
    pub name: String,
    /// Where it was answered: a host, or the scheme of a program.
    pub redirect: String,
    /// Who let it in: the person's address, or how the ledger names who it was.
    pub approved_by: String,
    /// The door.
    pub resource: String,
    /// When it last called, as far as is known, or got a token.
    pub used_at: Timestamp,
}

/// Every grant, by its key.
pub(super) struct Grants {
    signer: hmac::Key,
    known: Mutex<HashMap<KeyId, Known>>,
    /// Whoever replaces a refresh token.
    rotating: tokio::sync::Mutex<()>,
}

struct Known {
    grant: StoredGrant,
    /// When its client last called. Not stored: it gets a token often enough.
    called_at: Option<Timestamp>,
}

impl Grants {
    pub(super) async fn load(store: &dyn Store, signer: hmac::Key) -> Result<Self, StoreError> {
        let known = store.all_grants().await?.into_iter();
        let known =
            known.map(|grant| (grant.key.clone(), Known { grant, called_at: None })).collect();
        Ok(Self { signer, known: Mutex::new(known), rotating: tokio::sync::Mutex::default() })
    }

    fn get(&self, key: &KeyId) -> Option<StoredGrant> {
        self.lock().get(key).map(|known| known.grant.clone())
    }

    fn put(&self, grant: StoredGrant) {
        let mut known = self.lock();
        let called_at = known.get(&grant.key).and_then(|known| known.called_at);
        known.insert(grant.key.clone(), Known { grant, called_at });
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<KeyId, Known>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Notes that the client of a grant calls.
    pub(super) fn note_call(&self, key: &KeyId, now: Timestamp) {
        if let Some(known) = self.lock().get_mut(key) {
            known.called_at = Some(now);
        }
    }

    /// The grants that are so.
    pub(super) fn matching(&self, is_so: impl Fn(&StoredGrant) -> bool) -> Vec<StoredGrant> {
        let known = self.lock();
        known.values().map(|it| &it.grant).filter(|it| is_so(it)).cloned().collect()
    }

    fn refresh_token(&self, key: &KeyId, generation: u32) -> SecretString {
        let text = format!("{PREFIX}{key}.{generation}");
        let tag = URL_SAFE_NO_PAD.encode(tag(&self.signer, "refresh ", &text));
        format!("{text}.{tag}").into()
    }

    /// The grant and the number of a refresh token that this gate made.
    fn read(&self, token: &str) -> Option<(KeyId, u32)> {
        if token.len() > LENGTH_MAX {
            return None;
        }
        let (text, shown) = token.rsplit_once('.')?;
        let (key, generation) = text.strip_prefix(PREFIX)?.split_once('.')?;
        let (key, generation) = (KeyId::parse(key)?, generation.parse().ok()?);
        let shown = URL_SAFE_NO_PAD.decode(shown).ok()?;
        let expected = tag(&self.signer, "refresh ", text);
        verify_slices_are_equal(&expected, &shown).is_ok().then_some((key, generation))
    }
}

impl fmt::Debug for Grants {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Grants")
    }
}

impl Gate {
    /// Gives a client tokens for a code or a refresh token.
    pub async fn token(
        &self,
        request: TokenRequest<'_>,
        request_id: &str,
    ) -> Result<TokenAnswer, OAuthFault> {
        request.check()?;
        let grant_type = request.need("grant_type")?;
        if !matches!(grant_type, "authorization_code" | "refresh_token") {
            let text = "`grant_type` is authorization_code or refresh_token";
            return Err(OAuthFault::new("unsupported_grant_type", text));
        }
        let client = self.client_of(&request).await?;
        let answer = match grant_type {
            "authorization_code" => self.exchange_code(&client, &request, request_id).await?,
            _ => self.refresh_grant(&client, &request, request_id).await?,
        };
        self.note_use(&client.id).await?;
        Ok(answer)
    }

    /// Who sends this, shown in the way that the client registered.
    async fn client_of(
        &self,
        request: &TokenRequest<'_>,
    ) -> Result<std::sync::Arc<Client>, OAuthFault> {
        let basic = match request.authorization {
            None => None,
            Some(header) => Some(basic(header).ok_or_else(OAuthFault::bad_secret)?),
        };
        let in_form = request.get("client_secret");
        if basic.is_some() && in_form.is_some() {
            return Err(OAuthFault::request("the client shows who it is in two ways at once"));
        }
        let id = match (&basic, request.get("client_id")) {
            (Some((id, _)), Some(other)) if id != other => {
                return Err(OAuthFault::request("`client_id` is not the one in the header"));
            }
            (Some((id, _)), _) => id.as_str(),
            (None, Some(id)) => id,
            (None, None) => return Err(OAuthFault::request("`client_id` is missing")),
        };
        let client = self.client(id).await?;
        let (method, secret) = match (basic, in_form) {
            (Some((_, secret)), _) => (AuthMethod::Basic, Some(secret)),
            (None, Some(secret)) => (AuthMethod::Post, Some(SecretString::from(secret.to_owned()))),
            (None, None) => (AuthMethod::None, None),
        };
        let clients = &self.shared.authorization.clients;
        let shown = secret.is_none_or(|secret| clients.is_secret_of(&client, &secret));
        if method != client.auth_method || !shown {
            return Err(OAuthFault::bad_secret());
        }
        Ok(client)
    }

    async fn exchange_code(
        &self,
        client: &Client,
        request: &TokenRequest<'_>,
        request_id: &str,
    ) -> Result<TokenAnswer, OAuthFault> {
        let code = request.need("code")?;
        let codes = &self.shared.authorization.codes;
        // From here on the code is used up.
        let approved = match codes.take(code, self.shared.clock.now()) {
            Shown::Good(approved) => approved,
            Shown::Again(grant) => {
                if let Some(grant) =
                    grant.and_then(|key| self.shared.authorization.grants.get(&key))
                {
                    self.end_grant(&grant, "code_replayed", request_id).await?;
                }
                return Err(OAuthFault::grant("the code was used before"));
            }
            Shown::Unknown => return Err(OAuthFault::grant("the code is none, or is too old")),
        };
        fits(&approved, client, request)?;
        let by = self.still_there(&approved.by);
        let by =
            by.ok_or_else(|| OAuthFault::grant("whoever approved it may not do so any more"))?;
        // Nobody is shown the key itself.
        let key = self.create_grant(&by, approved.request.clone(), request_id).await?.key;
        let grant = StoredGrant {
            tenant: key.tenant.clone(),
            key: key.id.clone(),
            client_id: client.id.clone(),
            client_name: client.name.clone(),
            redirect: redirect::shown(&approved.redirect_uri),
            issuer: approved.issuer.clone(),
            resource: approved.resource.clone(),
            scope: approved.scope.clone(),
            subject: by.name(),
            generation: 0,
            rotated_at: self.shared.clock.now(),
        };
        self.shared.store.add_grant(grant.clone()).await?;
        self.shared.authorization.grants.put(grant.clone());
        if !codes.became(code, &key.id) {
            self.end_grant(&grant, "code_replayed", request_id).await?;
            return Err(OAuthFault::grant("the code was used before"));
        }
        Ok(self.answer(&grant, &grant.scope))
    }

    async fn refresh_grant(
        &self,
        client: &Client,
        request: &TokenRequest<'_>,
        request_id: &str,
    ) -> Result<TokenAnswer, OAuthFault> {
        let shared = &self.shared;
        let grants = &shared.authorization.grants;
        let none = || OAuthFault::grant("the refresh token is none of this client's, or has ended");
        let (key, generation) = grants.read(request.need("refresh_token")?).ok_or_else(none)?;
        // One at a time, so that of two who show the same token one is the first.
        let _turn = grants.rotating.lock().await;
        let grant = grants.get(&key).filter(|it| it.client_id == client.id).ok_or_else(none)?;
        let known = shared.keys.find(&key).filter(|key| self.key_state(key) == KeyState::Active);
        let known = known.ok_or_else(none)?;
        if request.get("resource").is_some_and(|resource| resource != grant.resource) {
            return Err(OAuthFault::target("`resource` is another than was granted"));
        }
        let scope = match request.get("scope") {
            None => grant.scope.as_str(),
            Some(asked) => {
                let (asked, most) = (scope::asked(Some(asked)), scope::role_of(&grant.scope));
                let wide = || OAuthFault::new("invalid_scope", "`scope` is wider than was granted");
                scope::of_role(asked.filter(|asked| Some(*asked) <= most).ok_or_else(wide)?)
            }
        };
        let now = shared.clock.now();
        let since = grant.rotated_at;
        // A clock that was set back is no reason to end what is in use.
        if now.as_second().saturating_sub(since.as_second()) >= IDLE {
            self.end_grant(&grant, "idle", request_id).await?;
            return Err(none());
        }
        if generation + 1 == grant.generation && !is_past(since, GRACE, now) {
            return Ok(self.answer(&grant, scope));
        }
        if generation != grant.generation {
            self.end_grant(&grant, "refresh_token_reused", request_id).await?;
            return Err(OAuthFault::grant(
                "the refresh token was used before, so the grant has ended",
            ));
        }
        let principal = self.principal_of(known);
        let record = self.record_of(&principal, &grant, "refresh-grant", request_id);
        if !shared.store.rotate_grant(&grant.tenant, &grant.key, generation, now).await? {
            record.failed_because("conflict").await?;
            return Err(none());
        }
        let next = StoredGrant { generation: generation + 1, rotated_at: now, ..grant.clone() };
        grants.put(next.clone());
        record.done().await?;
        Ok(self.answer(&next, scope))
    }

    /// Ends the grant of a token (RFC 7009). A token that is none of the client's is nothing to be done.
    pub async fn revoke_token(
        &self,
        request: TokenRequest<'_>,
        request_id: &str,
    ) -> Result<(), OAuthFault> {
        request.check()?;
        let client = self.client_of(&request).await?;
        let token = request.need("token")?;
        let authorization = &self.shared.authorization;
        let key = match authorization.grants.read(token) {
            Some((key, _)) => Some(key),
            None => {
                let claims = authorization.keys.verify(token, self.shared.clock.now());
                claims.ok().and_then(|claims| KeyId::parse(&claims.grant))
            }
        };
        let grant = key.and_then(|key| authorization.grants.get(&key));
        if let Some(grant) = grant.filter(|grant| grant.client_id == client.id) {
            self.end_grant(&grant, "revoked_by_client", request_id).await?;
        }
        Ok(())
    }

    /// For which client a key is, if it is a grant.
    pub fn grant_of(&self, key: &Key) -> Option<GrantOf> {
        let known = self.shared.authorization.grants.lock();
        let Known { grant, called_at } = known.get(&key.id)?;
        let person = grant.subject.strip_prefix("user:").and_then(Id::parse);
        let person = person.and_then(|id| self.shared.users.get(&grant.tenant, UserId(id)));
        Some(GrantOf {
            client_id: grant.client_id.clone(),
            name: grant.client_name.clone(),
            redirect: grant.redirect.clone(),
            approved_by: person.map_or_else(|| grant.subject.clone(), |it| it.email.clone()),
            resource: grant.resource.clone(),
            used_at: called_at.map_or(grant.rotated_at, |at| at.max(grant.rotated_at)),
        })
    }

    async fn end_grant(
        &self,
        grant: &StoredGrant,
        why: &'static str,
        request_id: &str,
    ) -> Result<(), OAuthFault> {
        let itself = Principal { tenant: grant.tenant.clone(), ..self.itself() };
        let mut record = self.record_of(&itself, grant, "end-grant", request_id);
        record.fact("why", why);
        record.done().await?;
        tracing::info!(key = %grant.key, why, "a client's grant is ended");
        Ok(self.revoke_key(&itself, grant.key.as_str(), request_id).await?)
    }

    fn record_of<'a>(
        &'a self,
        principal: &Principal,
        grant: &StoredGrant,
        operation: &'static str,
        request_id: &str,
    ) -> Record<'a> {
        let resource = Resource { kind: "key".into(), id: grant.key.to_string() };
        let mut record = Record::manage(&self.shared, principal, operation, resource, request_id);
        record.fact("client", bounded(&grant.client_id));
        record
    }

    /// Whoever approved something, as they are now.
    fn still_there(&self, principal: &Principal) -> Option<Principal> {
        match &principal.who {
            Who::Key(key) => self.holder_of_key(&key.id),
            Who::User(id) => {
                let identity = principal.person.as_ref()?.identity.as_ref()?;
                self.principal_of_user(&principal.tenant, *id, identity)
            }
            Who::Operator | Who::Gate | Who::Visitor => None,
        }
    }

    fn answer(&self, grant: &StoredGrant, scope: &str) -> TokenAnswer {
        let access_token = self.access_token(Said {
            iss: &grant.issuer,
            sub: &grant.subject,
            aud: &grant.resource,
            client_id: &grant.client_id,
            scope,
            key: &grant.key,
        });
        let grants = &self.shared.authorization.grants;
        TokenAnswer {
            access_token,
            expires_in: self.access_token_seconds(),
            refresh_token: grants.refresh_token(&grant.key, grant.generation),
            scope: scope.to_owned(),
        }
    }
}

/// Whether a code is shown by whom and with what it was made for.
fn fits(
    approved: &Approved,
    client: &Client,
    request: &TokenRequest<'_>,
) -> Result<(), OAuthFault> {
    if approved.client_id != client.id {
        return Err(OAuthFault::grant("the code is another client's"));
    }
    if request.get("redirect_uri") != Some(&approved.redirect_uri) {
        return Err(OAuthFault::grant("`redirect_uri` is not that of the authorization request"));
    }
    let verifier = request.get("code_verifier").unwrap_or_default();
    let hash = URL_SAFE_NO_PAD.encode(digest(&SHA256, verifier.as_bytes()));
    let same = verify_slices_are_equal(hash.as_bytes(), approved.challenge.as_bytes()).is_ok();
    if !same || !(43..=128).contains(&verifier.len()) {
        return Err(OAuthFault::grant("`code_verifier` does not fit"));
    }
    if request.get("resource").is_some_and(|resource| resource != approved.resource) {
        return Err(OAuthFault::target("`resource` is another than was approved"));
    }
    if approved.issuer != request.origin.as_str() {
        return Err(OAuthFault::grant("the code was made at another address of this gate"));
    }
    Ok(())
}

/// Id and secret of a client in the header `Authorization` (RFC 6749, 2.3.1).
fn basic(header: &str) -> Option<(String, SecretString)> {
    let (scheme, encoded) = header.split_once(' ')?;
    if !scheme.eq_ignore_ascii_case("basic") || encoded.len() > LENGTH_MAX {
        return None;
    }
    let text = String::from_utf8(STANDARD.decode(encoded.trim()).ok()?).ok()?;
    let (id, secret) = text.split_once(':')?;
    let decoded = |text: &str| {
        let text = text.replace('+', " ");
        percent_decode_str(&text).decode_utf8().map(std::borrow::Cow::into_owned).ok()
    };
    Some((decoded(id)?, decoded(secret)?.into()))
}
