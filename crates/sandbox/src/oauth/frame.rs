//! The frame of the pages that OAuth shows: one document, nothing loaded from anywhere.

use axum::body::Body;
use axum::response::Response;
use http::{HeaderValue, StatusCode, header};
use maud::{DOCTYPE, Markup, PreEscaped, html};
use uuid::Uuid;

use super::request::Back;

const STYLE: &str = include_str!("consent.css");

/// A page. Its form may lead to `back`, and nowhere else.
pub(super) fn show(status: u16, title: &str, body: &Markup, back: Option<&Back>) -> Response {
    let nonce = Uuid::new_v4().simple().to_string();
    let page = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                title { (title) }
                style nonce=(nonce) { (PreEscaped(STYLE)) }
            }
            body { (body) }
        }
    };
    let mut response = Response::new(Body::from(page.into_string()));
    *response.status_mut() = StatusCode::from_u16(status).unwrap_or(StatusCode::BAD_REQUEST);
    let forms = back.and_then(|back| origin(&back.redirect_uri));
    let policy = format!(
        "default-src 'none'; style-src 'nonce-{nonce}'; form-action 'self' {}; base-uri 'none'; \
         frame-ancestors 'none'",
        forms.unwrap_or_default()
    );
    let headers = response.headers_mut();
    if let Ok(policy) = HeaderValue::from_str(&policy) {
        headers.insert(header::CONTENT_SECURITY_POLICY, policy);
    }
    for (name, value) in [
        (header::CONTENT_TYPE, "text/html; charset=utf-8"),
        (header::CACHE_CONTROL, "no-store"),
        (header::X_FRAME_OPTIONS, "DENY"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        // `no-referrer` would make browsers hide the origin of the form, which is checked.
        (header::REFERRER_POLICY, "same-origin"),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    response
}

/// What a policy calls the place of a redirect URI. Browsers hold the redirect after a form to
/// the form's policy.
fn origin(uri: &str) -> Option<String> {
    let uri = url::Url::parse(uri).ok()?;
    Some(match uri.scheme() {
        "http" | "https" => uri.origin().ascii_serialization(),
        scheme => format!("{scheme}:"),
    })
}

/// The page for requests that cannot be put to anybody, and are not answered to the client either.
pub(super) fn problem(text: &str) -> Response {
    let body = html! {
        main.card.problem {
            h1 { "Something went wrong" }
            p.lead role="alert" { (text) }
            p.quiet {
                "Nothing was shared. You can close this page. If you are building the app: check "
                "the address that it sent you to."
            }
        }
    };
    show(400, "Something went wrong", &body, None)
}
