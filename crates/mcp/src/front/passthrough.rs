//! Token passthrough: a caller may bring a token of Notion of its own with each request, in the header
//! `Notion-Token`, where the operator allows that. Who the caller is, and what it may do, is another matter
//! (`credentials.rs`): the token only says by which connection its calls go out.
//!
//! Where nobody is asked who they are, `Authorization: Bearer ntn_…` will do, too, as it does with the
//! official server. A token that is there and is none is refused, never passed over: whoever sends one does
//! not mean another.

use gate::NotionToken;
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use model::{ConnectionId, Principal};
use rmcp::ServerHandler;

use super::refusal::Refusal;
use crate::Door;
use crate::settings::{Admission, Settings};

/// Brings a token of Notion.
pub(super) const NOTION_TOKEN: HeaderName = HeaderName::from_static("notion-token");

/// The token that a request brings, if it may and does.
pub(super) fn brought(
    headers: &HeaderMap,
    settings: &Settings,
    bearer: Option<&str>,
) -> Result<Option<NotionToken>, Refusal> {
    let mut values = headers.get_all(NOTION_TOKEN).iter();
    match (values.next(), values.next()) {
        (Some(_), _) if !settings.passthrough => Err(Refusal::new(
            StatusCode::BAD_REQUEST,
            "`Notion-Token` is not taken here: token passthrough is off (`--enable-token-passthrough` or \
             ENABLE_TOKEN_PASSTHROUGH=true turns it on)",
        )),
        (Some(_), Some(_)) => Err(refused("`Notion-Token` may stand only once")),
        (Some(value), None) => {
            let token = value.to_str().ok().and_then(NotionToken::parse);
            token.map(Some).ok_or_else(|| {
                refused(
                    "`Notion-Token` is no token of a Notion integration: those begin with `ntn_` or \
                     `secret_` and are 8 to 300 characters long",
                )
            })
        }
        (None, _) => {
            let instead = matches!(settings.admission, Admission::Everybody(_));
            let bearer = bearer.filter(|_| settings.passthrough && instead);
            Ok(bearer.and_then(NotionToken::parse))
        }
    }
}

impl<H: ServerHandler + Clone> Door<H> {
    /// The caller, whose calls go out by the token that it brought, or by that of the start.
    pub(super) fn by_way_of(
        &self,
        principal: Principal,
        token: Option<&NotionToken>,
    ) -> Result<Principal, Refusal> {
        match (token, &self.settings.token) {
            (Some(token), _) => self.gate.passing(&principal, token).map_err(|error| match error {
                // Off for this tenant, like off for all.
                gate::Error::Conflict(text) => Refusal::new(StatusCode::BAD_REQUEST, text),
                other => refused(format!("`Notion-Token` is not taken: {other}")),
            }),
            (None, Some(token)) => {
                let by_it = self.gate.going_by(&principal, token);
                by_it.map_err(|error| {
                    refused(format!("the token of the start is not taken: {error}"))
                })
            }
            (None, None)
                if self.settings.passthrough && principal.connection == ConnectionId::NONE =>
            {
                Err(refused("there is no Notion token: send one in the header `Notion-Token`"))
            }
            (None, None) => Ok(principal),
        }
    }
}

/// A 401 that is about the Notion token, so that no client takes it for an invitation to sign in here.
fn refused(message: impl Into<std::borrow::Cow<'static, str>>) -> Refusal {
    let challenge = HeaderValue::from_static("Notion-Token realm=\"notion\"");
    Refusal::new(StatusCode::UNAUTHORIZED, message).with(header::WWW_AUTHENTICATE, challenge)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use http::Request;
    use model::{Role, TenantId, Who};

    use super::*;

    fn nobody() -> Principal {
        Principal {
            who: Who::Visitor,
            tenant: TenantId::default(),
            connection: ConnectionId::NONE,
            role: Role::Admin,
            capabilities: notion::Capabilities::ALL,
            above: Arc::default(),
            person: None,
        }
    }

    /// The status of a refusal, or what is shown of the token.
    fn outcome(passthrough: bool, open: bool, headers: &[&str], bearer: Option<&str>) -> String {
        let admission = if open { Admission::Everybody(nobody()) } else { Admission::Shown };
        let settings = Settings { passthrough, admission, ..Settings::default() };
        let mut request = Request::builder();
        for value in headers {
            request = request.header("Notion-Token", *value);
        }
        let headers = request.body(()).unwrap().into_parts().0.headers;
        match brought(&headers, &settings, bearer) {
            Ok(token) => token.map_or_else(|| "none".to_owned(), |token| token.shown()),
            Err(refusal) => refusal.into_response(None).status().as_u16().to_string(),
        }
    }

    #[test]
    fn f115_f128_a_token_is_refused_while_the_feature_is_off() {
        assert_eq!(outcome(false, false, &["ntn_good"], None), "400");
        assert_eq!(outcome(false, true, &["ntn_good"], None), "400");
        assert_eq!(outcome(false, true, &[""], None), "400");
        assert_eq!(outcome(false, true, &[], Some("ntn_good")), "none");
    }

    #[test]
    fn f116_f117_which_header_counts() {
        assert_eq!(outcome(true, false, &["ntn_good"], Some("secret")), "ntn_…(8 chars)");
        assert_eq!(outcome(true, false, &[], Some("ntn_good")), "none");
        assert_eq!(outcome(true, true, &[], Some("ntn_good")), "ntn_…(8 chars)");
        assert_eq!(outcome(true, true, &[], Some("anything")), "none");
        assert_eq!(
            outcome(true, true, &["secret_first"], Some("ntn_second")),
            "secret_…(12 chars)"
        );
    }

    #[test]
    fn f119_f120_what_is_no_token_is_never_passed_over() {
        for open in [false, true] {
            for bad in [
                &["nonsense"][..],
                &[""],
                &["ntn_a b_c"],
                &["ntn_good,ntn_good"],
                &["ntn_good", "ntn_good"],
                &["Bearer ntn_good"],
                &["ntn_abc"],
            ] {
                assert_eq!(outcome(true, open, bad, Some("ntn_other")), "401", "{bad:?}");
            }
        }
    }
}
