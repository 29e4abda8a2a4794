//! What surrounds every page: the document, its style, the header, and headers that keep it to itself.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::LazyLock;

use axum::body::Body;
use axum::response::Response;
use http::{HeaderName, HeaderValue, StatusCode, header};
use jiff::Timestamp;
use maud::{DOCTYPE, Markup, html};

use super::words;
use crate::App;
use crate::session::{FORM_TOKEN, Visitor};

const STYLE: &str = include_str!("style.css");
const ICON: &str = include_str!("icon.svg");
/// The address of the style holds its hash, so that browsers keep it until it changes.
static STYLE_NAME: LazyLock<String> = LazyLock::new(|| {
    let mut hasher = DefaultHasher::new();
    STYLE.hash(&mut hasher);
    format!("style-{:016x}.css", hasher.finish())
});
const ICON_NAME: &str = "icon.svg";

/// What a page may do: show itself, and send forms to this gate. No scripts at all.
const POLICY: &str = "default-src 'none'; style-src 'self'; img-src 'self' data:; \
     form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

/// The parts of the dashboard, as the header names them.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Section {
    Workspaces,
    People,
    Keys,
    Policies,
    Webhooks,
    Activity,
    None,
}

impl Section {
    const SHOWN: [(Self, &'static str, &'static str); 6] = [
        (Self::Workspaces, "Workspaces", "/dashboard"),
        (Self::People, "People", "/dashboard/people"),
        (Self::Keys, "Keys", "/dashboard/keys"),
        (Self::Policies, "Policies", "/dashboard/policies"),
        (Self::Webhooks, "Webhooks", "/dashboard/webhooks"),
        (Self::Activity, "Activity", "/dashboard/activity"),
    ];
}

/// A page for somebody who is signed in.
pub(super) struct Frame<'a> {
    visitor: &'a Visitor,
    title: &'a str,
    section: Section,
    refresh: Option<u32>,
    secure: bool,
    /// Whether the visitor manages the tenant; others see the pages about their own things.
    manages: bool,
    /// The time that the page tells.
    pub(super) now: Timestamp,
}

impl<'a> Frame<'a> {
    pub(super) fn new(app: &App, visitor: &'a Visitor, title: &'a str, section: Section) -> Self {
        let (now, secure) = (app.gate.clock().now(), app.site.is_secure());
        let manages = app.gate.is_manager(visitor.principal());
        Self { visitor, title, section, refresh: None, secure, manages, now }
    }

    /// The page loads itself again after so many seconds.
    pub(super) fn refreshed(mut self, seconds: u32) -> Self {
        self.refresh = Some(seconds);
        self
    }

    /// The hidden field that every form needs.
    pub(super) fn token(&self) -> Markup {
        html! { input type="hidden" name=(FORM_TOKEN) value=(self.visitor.session.form_token()); }
    }

    /// The page as an answer.
    pub(super) fn page(&self, main: &Markup) -> Response {
        let here = |section: Section| (section == self.section).then_some("page");
        let principal = self.visitor.principal();
        let (how, name) = match (principal.key(), &principal.person) {
            (Some(key), _) => ("Signed in with the key ", key.name.as_str()),
            (None, Some(person)) => ("Signed in as ", person.email.as_str()),
            (None, None) => ("Signed in as ", "operator"),
        };
        let shown = Section::SHOWN.iter().filter(|it| self.manages || it.0 == Section::Keys);
        let body = html! {
            a.skip href="#main" { "Skip to the content" }
            header.top {
                div.bar {
                    a.brand href="/dashboard" {
                        img src={ "/dashboard/assets/" (ICON_NAME) } alt="" width="22" height="22";
                        "notegate"
                    }
                    nav aria-label="Dashboard" {
                        ul {
                            @for (section, title, path) in shown {
                                li { a href=(path) aria-current=[here(*section)] { (title) } }
                            }
                        }
                    }
                    div.who {
                        p {
                            span.hidden { (how) }
                            span.name { (words::line(name, 40)) }
                            span.hidden { " for the tenant " }
                            span.tenant { (words::line(principal.tenant.as_str(), 40)) }
                        }
                        form method="post" action="/dashboard/sign-out" {
                            (self.token())
                            button.plain { "Sign out" }
                        }
                    }
                }
            }
            main #main tabindex="-1" { (main) }
        };
        let title = format!("{} · notegate", self.title);
        answer(&document(&title, self.refresh, &body), self.secure)
    }
}

/// A page without header, for those who are not signed in.
pub(crate) fn bare(title: &str, body: &Markup) -> Response {
    let main = html! { main #main .alone { (body) } };
    answer(&document(&format!("{title} · notegate"), None, &main), false)
}

/// The sign by which people recognise the gate.
pub(crate) fn brand() -> Markup {
    html! {
        p.brand {
            img src={ "/dashboard/assets/" (ICON_NAME) } alt="" width="28" height="28";
            "notegate"
        }
    }
}

/// A page whose only content is the way on. Browsers apply `form-action` to every redirect after a
/// form, so what leads out of this gate must begin anew from a page.
pub(super) fn hop(to: &str) -> Response {
    let body = html! {
        div.sheet { h1 { "Going on" } p { a.button href=(to) { "Continue" } } }
    };
    let page = html! {
        (DOCTYPE)
        html lang="en" {
            head { (head("Going on · notegate")) meta http-equiv="refresh" content={ "0;url=" (to) }; }
            body { main.alone { (body) } }
        }
    };
    answer(&page, false)
}

fn document(title: &str, refresh: Option<u32>, body: &Markup) -> Markup {
    html! {
        (DOCTYPE)
        html lang="en" {
            head {
                (head(title))
                @if let Some(seconds) = refresh { meta http-equiv="refresh" content=(seconds); }
            }
            body { (body) }
        }
    }
}

fn head(title: &str) -> Markup {
    html! {
        meta charset="utf-8";
        meta name="viewport" content="width=device-width, initial-scale=1";
        meta name="color-scheme" content="light dark";
        title { (title) }
        link rel="icon" type="image/svg+xml" href={ "/dashboard/assets/" (ICON_NAME) };
        link rel="stylesheet" href={ "/dashboard/assets/" (*STYLE_NAME) };
    }
}

fn answer(page: &Markup, secure: bool) -> Response {
    let mut response = response(page.0.clone(), "text/html; charset=utf-8", "no-store");
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY));
    // `no-referrer` would make browsers hide the origin of our own forms, which is checked.
    headers.insert(header::REFERRER_POLICY, HeaderValue::from_static("same-origin"));
    headers.insert(header::X_FRAME_OPTIONS, HeaderValue::from_static("DENY"));
    let opener = HeaderName::from_static("cross-origin-opener-policy");
    headers.insert(opener, HeaderValue::from_static("same-origin"));
    if secure {
        let hsts = HeaderValue::from_static("max-age=31536000");
        headers.insert(header::STRICT_TRANSPORT_SECURITY, hsts);
    }
    response
}

/// Style or icon, by name.
pub(super) fn asset(name: &str) -> Response {
    const FOREVER: &str = "public, max-age=31536000, immutable";
    if name == *STYLE_NAME {
        response(STYLE.to_owned(), "text/css; charset=utf-8", FOREVER)
    } else if name == ICON_NAME {
        response(ICON.to_owned(), "image/svg+xml", "public, max-age=86400")
    } else {
        let mut gone = response("There is no such file.".to_owned(), "text/plain", "no-store");
        *gone.status_mut() = StatusCode::NOT_FOUND;
        gone
    }
}

fn response(body: String, kind: &'static str, cache: &'static str) -> Response {
    let mut response = Response::new(Body::from(body));
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static(cache));
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    response
}
