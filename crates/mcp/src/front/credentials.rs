//! Who is calling. Everything that shows nothing good gets a 401, whatever it wants: by that, clients
//! find out how to sign in.

use gate::{Audience, Error, Origin, bearer};
use http::request::Parts;
use http::{HeaderName, HeaderValue, StatusCode, header};
use model::{ExposeSecret, Principal};
use rmcp::ServerHandler;

use super::passthrough::brought;
use super::refusal::Refusal;
use crate::Door;
use crate::settings::Admission;
use crate::tools;
use model::ToolSet;

/// The rule that refused, as on the other doors.
const REASON: HeaderName = HeaderName::from_static("x-notegate-reason");

impl<H: ServerHandler + Clone> Door<H> {
    /// Who sends this request. The doors around this one may have found out already (the control socket).
    pub(super) async fn identify(
        &self,
        parts: &Parts,
        request_id: &str,
    ) -> Result<Principal, Refusal> {
        let token = brought(&parts.headers, &self.settings, bearer(&parts.headers))?;
        let principal = self.known(parts, request_id).await?;
        self.by_way_of(principal, token.as_ref())
    }

    async fn known(&self, parts: &Parts, request_id: &str) -> Result<Principal, Refusal> {
        if let Some(principal) = parts.extensions.get::<Principal>() {
            return Ok(principal.clone());
        }
        let shown = bearer(&parts.headers);
        let origin = parts.extensions.get::<Origin>();
        let known = match &self.settings.admission {
            Admission::Everybody(principal) => return Ok(principal.clone()),
            Admission::Secret(secret, principal) => match shown {
                Some(shown) if same(shown, secret.expose_secret()) => return Ok(principal.clone()),
                // Nobody can sign in here, as the token was told at the start: a 401 would invite to that in
                // vain, and the official server says 403, too. Where people can sign in, whatever is shown
                // and not known is a 401, a Notion token like anything else.
                Some(_) => return Err(not_the_secret()),
                None => Err(Error::NoKey),
            },
            Admission::Shown => self.gate.recognise(shown, Audience::Mcp(origin), request_id).await,
        };
        known.map_err(|error| unknown(&error, parts, origin))
    }
}

/// The answer to somebody who shows another token than the one that this server was told.
fn not_the_secret() -> Refusal {
    Refusal::new(
        StatusCode::FORBIDDEN,
        "this is not the bearer token of this server (--auth-token or AUTH_TOKEN); a Notion token goes into \
         the header `Notion-Token`",
    )
}

/// The answer to somebody who is not known.
fn unknown(error: &Error, parts: &Parts, origin: Option<&Origin>) -> Refusal {
    let api = error.to_api();
    let status = StatusCode::from_u16(api.status).unwrap_or(StatusCode::SERVICE_UNAVAILABLE);
    // Notion's own words for it would not say which key is meant.
    let message = match status {
        StatusCode::UNAUTHORIZED => error.to_string(),
        _ => api.message,
    };
    let mut refusal = Refusal::new(status, message);
    if let Some(reason) = error.reason() {
        refusal = refusal.with(REASON, HeaderValue::from_static(reason));
    }
    if status != StatusCode::UNAUTHORIZED {
        return refusal;
    }
    let sent = parts.headers.contains_key(header::AUTHORIZATION);
    refusal.with(header::WWW_AUTHENTICATE, challenge(error, sent, parts.uri.path(), origin))
}

/// Whether the caller shows an access token: then its client may ask the person for more.
pub(super) fn is_access_token(parts: &Parts) -> bool {
    bearer(&parts.headers).is_some_and(|shown| shown.starts_with("ey"))
}

/// Tells a client whose access token has too little scope for a tool which scope it needs, so that it can
/// ask the person for more. It is not told where the person has no more to give, or what is no question of
/// scope: those answers are the tool's.
pub(super) fn check_scope(
    parts: &Parts,
    principal: &Principal,
    set: ToolSet,
    name: &str,
) -> Result<(), Refusal> {
    let by_token = is_access_token(parts);
    let Some(origin) = parts.extensions.get::<Origin>().filter(|_| by_token) else { return Ok(()) };
    let Some(tool) = tools::find(set, name) else { return Ok(()) };
    if !tool.could_be_given_to(principal) {
        return Ok(());
    }
    let message = "the access token has too little scope for this tool: ask the person for more";
    let refusal = Refusal::new(StatusCode::FORBIDDEN, message)
        .with(REASON, HeaderValue::from_static("scope_of_token"));
    let path = parts.uri.path().trim_end_matches('/');
    Err(match HeaderValue::try_from(origin.step_up(path, tool.needs())) {
        Ok(challenge) => refusal.with(header::WWW_AUTHENTICATE, challenge),
        Err(_) => refusal,
    })
}

/// What a client is told about signing in: where to begin, if the gate knows by what name it is reached.
fn challenge(error: &Error, sent: bool, path: &str, origin: Option<&Origin>) -> HeaderValue {
    let path = path.trim_end_matches('/');
    let told = origin.and_then(|origin| HeaderValue::try_from(origin.challenge(path, error)).ok());
    told.unwrap_or(HeaderValue::from_static(match sent {
        true => "Bearer realm=\"notegate\", error=\"invalid_token\"",
        false => "Bearer realm=\"notegate\"",
    }))
}

/// Compares without telling by its time where they differ.
fn same(shown: &str, secret: &str) -> bool {
    aws_lc_rs::constant_time::verify_slices_are_equal(shown.as_bytes(), secret.as_bytes()).is_ok()
}
