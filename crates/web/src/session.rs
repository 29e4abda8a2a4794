//! Browser sessions at the door: the cookie, who a browser is, and forms that only our pages can send.
//!
//! [`of_browser`] tells who is signed in; it is what any door asks that people reach with a browser
//! (`/dashboard`, `/auth/notion`). There is no cookie before somebody signs in.
//!
//! A form is taken if three things hold: the session goes on, the browser says that the form stood on a
//! page of this gate (`Origin`, `Sec-Fetch-Site`), and the form carries the session's own token.

use axum::extract::{FromRequest, FromRequestParts, Request};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use gate::{Session, SessionToken};
use http::request::Parts;
use http::{HeaderMap, HeaderValue, StatusCode, header};
use model::{Principal, SecretString};
use url::form_urlencoded;

use crate::App;
use crate::caller::{BODY_TIMEOUT, RequestId};
use crate::dashboard::{fault, sign_in};
use crate::site::Site;

/// The largest form.
const FORM_MAX: usize = 64 * 1024;
/// The name of the field that carries the session's token.
pub(crate) const FORM_TOKEN: &str = "form_token";

/// The session of a browser, if it is signed in.
pub(crate) fn of_browser(app: &App, headers: &HeaderMap) -> Option<Session> {
    app.gate.session(cookie(&app.site, headers)?)
}

/// The session of a browser on the page where a client is let in: there any key will do.
pub(crate) fn of_consent(app: &App, headers: &HeaderMap) -> Option<Session> {
    app.gate.session_for_consent(cookie(&app.site, headers)?)
}

/// What the browser shows as its session.
pub(crate) fn cookie<'a>(site: &Site, headers: &'a HeaderMap) -> Option<&'a str> {
    let name = cookie_name(site);
    let all = headers.get_all(header::COOKIE).iter().filter_map(|value| value.to_str().ok());
    let mut pairs = all.flat_map(|text| text.split(';')).filter_map(|pair| pair.split_once('='));
    pairs.find(|(known, _)| known.trim() == name).map(|(_, value)| value.trim())
}

/// With the prefix `__Host-`, browsers let neither a neighbouring host nor plain HTTP set it.
fn cookie_name(site: &Site) -> &'static str {
    if site.is_secure() { "__Host-notegate" } else { "notegate" }
}

/// The header that hands a session to the browser.
pub(crate) fn set_cookie(site: &Site, token: &SessionToken) -> Option<HeaderValue> {
    let mut value = HeaderValue::try_from(line(site, token.reveal(), "")).ok()?;
    value.set_sensitive(true);
    Some(value)
}

/// The header that takes it back.
pub(crate) fn clear_cookie(site: &Site) -> Option<HeaderValue> {
    HeaderValue::try_from(line(site, "", "; Max-Age=0")).ok()
}

fn line(site: &Site, value: &str, end: &str) -> String {
    let secure = if site.is_secure() { "; Secure" } else { "" };
    format!("{}={value}; Path=/; HttpOnly; SameSite=Lax{secure}{end}", cookie_name(site))
}

/// Somebody who is signed in. Others are sent to sign in, and come back afterwards: that is seen to
/// before the handler runs (`routes.rs`).
#[derive(Clone, Debug)]
pub(crate) struct Visitor {
    pub(crate) session: Session,
    pub(crate) request_id: RequestId,
}

impl Visitor {
    pub(crate) fn principal(&self) -> &Principal {
        &self.session.principal
    }

    pub(crate) fn request_id(&self) -> &str {
        self.request_id.as_str()
    }
}

impl FromRequestParts<App> for Visitor {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, _: &App) -> Result<Self, Response> {
        parts.extensions.remove::<Self>().ok_or_else(|| sign_in::redirect(parts))
    }
}

/// A form of somebody who is signed in, sent by a page of ours.
#[derive(Debug)]
pub(crate) struct Submitted {
    pub(crate) visitor: Visitor,
    pub(crate) fields: Fields,
}

impl FromRequest<App> for Submitted {
    type Rejection = Response;

    async fn from_request(request: Request, app: &App) -> Result<Self, Response> {
        let (mut parts, body) = request.into_parts();
        let visitor = Visitor::from_request_parts(&mut parts, app).await?;
        let fields = Fields::from_request(Request::from_parts(parts, body), app).await?;
        if !visitor.session.accepts_form(fields.text(FORM_TOKEN)) {
            let text = "The form is older than your session, or did not come from a page of this \
                        gate. Nothing was done: go back, load the page again, and repeat it.";
            return Err(fault(StatusCode::FORBIDDEN, "That form is not valid any more", text));
        }
        Ok(Self { visitor, fields })
    }
}

/// The fields of a form that a page of ours sent.
#[derive(Debug)]
pub(crate) struct Fields(Vec<(String, String)>);

impl Fields {
    /// A field; empty if there is none.
    pub(crate) fn text(&self, name: &str) -> &str {
        self.0.iter().find(|(known, _)| known == name).map_or("", |(_, value)| value.trim())
    }

    /// A field as it was sent; empty if there is none.
    pub(crate) fn raw(&self, name: &str) -> &str {
        self.0.iter().find(|(known, _)| known == name).map_or("", |(_, value)| value)
    }

    /// Every value of a field, as it was sent.
    pub(crate) fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.0.iter().filter(move |(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// A field that holds a secret.
    pub(crate) fn secret(&self, name: &str) -> SecretString {
        self.text(name).to_owned().into()
    }
}

impl FromRequest<App> for Fields {
    type Rejection = Response;

    async fn from_request(request: Request, app: &App) -> Result<Self, Response> {
        if !is_same_origin(&app.site, request.headers()) {
            let advice = match &app.site.service_url {
                Some(url) => {
                    format!("Nothing was done. Open this gate at {url} and repeat it there.")
                }
                None => "Nothing was done. If a reverse proxy stands in front of this gate, set \
                         SERVICE_URL to the address that people open."
                    .to_owned(),
            };
            let title = "That form came from another site";
            return Err(fault(StatusCode::FORBIDDEN, title, &advice));
        }
        let kind = request.headers().get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok());
        let kind = kind.and_then(|kind| kind.split(';').next()).unwrap_or_default();
        if !kind.trim().eq_ignore_ascii_case("application/x-www-form-urlencoded") {
            let status = StatusCode::UNSUPPORTED_MEDIA_TYPE;
            return Err(fault(status, "That is no form", "Nothing was done."));
        }
        let whole = axum::body::to_bytes(request.into_body(), FORM_MAX);
        let bytes: Bytes = match tokio::time::timeout(BODY_TIMEOUT, whole).await {
            Ok(Ok(bytes)) => bytes,
            Ok(Err(_)) => {
                let status = StatusCode::PAYLOAD_TOO_LARGE;
                return Err(fault(status, "That form is too large", "Nothing was done."));
            }
            Err(_) => return Err(StatusCode::REQUEST_TIMEOUT.into_response()),
        };
        Ok(Self(form_urlencoded::parse(&bytes).into_owned().collect()))
    }
}

/// Whether the browser says that a page of this gate sent the form. A browser that says nothing is
/// none that we know of: every current one sends `Origin` with a form.
fn is_same_origin(site: &Site, headers: &HeaderMap) -> bool {
    let text = |name| headers.get(name).and_then(|value| value.to_str().ok());
    let fetched_from_here = text("sec-fetch-site").is_none_or(|from| from == "same-origin");
    let own = site.origin(text("host"));
    fetched_from_here && own.is_some() && text("origin") == own.as_deref()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
        let pairs = pairs.iter().map(|(name, value)| {
            (header::HeaderName::from_static(name), HeaderValue::from_static(value))
        });
        pairs.collect()
    }

    #[test]
    fn the_cookie_is_found_among_others_and_by_its_whole_name() {
        let (plain, secure) = (Site::default(), Site { own_tls: true, ..Site::default() });
        let shown = headers(&[("cookie", "a=b; notegate=one; __Host-notegate=two; x")]);
        assert_eq!(cookie(&plain, &shown), Some("one"));
        assert_eq!(cookie(&secure, &shown), Some("two"));
        let shown = headers(&[("cookie", "xnotegate=one; notegate2=two; notegate")]);
        assert_eq!(cookie(&plain, &shown), None);
        assert!(!line(&plain, "x", "").contains("Secure"));
        let expected = "__Host-notegate=x; Path=/; HttpOnly; SameSite=Lax; Secure";
        assert_eq!(line(&secure, "x", ""), expected);
    }

    #[test]
    fn only_pages_of_this_gate_can_send_forms() {
        let here = Site::default();
        let proxied =
            Site { service_url: Some("https://gate.example".parse().unwrap()), ..Site::default() };
        let host = ("host", "127.0.0.1:3000");
        let own = ("origin", "http://127.0.0.1:3000");
        assert!(is_same_origin(&here, &headers(&[host, own])));
        assert!(is_same_origin(&here, &headers(&[host, own, ("sec-fetch-site", "same-origin")])));
        assert!(is_same_origin(&proxied, &headers(&[host, ("origin", "https://gate.example")])));
        for wrong in [
            &[host][..],
            &[host, ("origin", "null")],
            &[host, ("origin", "https://127.0.0.1:3000")],
            &[host, ("origin", "http://127.0.0.1:3001")],
            &[host, ("origin", "http://127.0.0.1:3000.evil.example")],
            &[host, own, ("sec-fetch-site", "cross-site")],
            &[host, own, ("sec-fetch-site", "same-site")],
            &[own],
        ] {
            assert!(!is_same_origin(&here, &headers(wrong)), "{wrong:?}");
        }
        assert!(!is_same_origin(&proxied, &headers(&[host, own])));
        let evil = [("host", "gate.example"), ("origin", "http://gate.example")];
        assert!(!is_same_origin(&proxied, &headers(&evil)));
    }
}
