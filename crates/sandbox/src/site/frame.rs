//! What surrounds every page for people: the document, its style and script, and the sidebar.

use std::sync::LazyLock;

use axum::body::Body;
use axum::response::Response;
use http::{HeaderName, HeaderValue, StatusCode, header};
use maud::{DOCTYPE, Markup, html};
use notion::Id;

use super::tree;
use crate::calls::fingerprint;
use crate::world::access::View;

const STYLE: &str = include_str!("style.css");
const SCRIPT: &str = include_str!("script.js");
/// The address of an asset holds its hash, so that browsers keep it until it changes.
static STYLE_NAME: LazyLock<String> = LazyLock::new(|| format!("{}.css", fingerprint(STYLE)));
static SCRIPT_NAME: LazyLock<String> = LazyLock::new(|| format!("{}.js", fingerprint(SCRIPT)));

/// Pages of the sidebar that are not about content.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Tool {
    Calls,
    Connections,
    OAuth,
    Webhooks,
    Uploads,
    Faults,
    Clock,
    People,
    Trash,
}

impl Tool {
    const ALL: [Self; 9] = [
        Self::Calls,
        Self::Connections,
        Self::OAuth,
        Self::Webhooks,
        Self::Uploads,
        Self::Faults,
        Self::Clock,
        Self::People,
        Self::Trash,
    ];

    pub(super) fn title(self) -> &'static str {
        match self {
            Self::Calls => "Calls",
            Self::Connections => "Connections",
            Self::OAuth => "OAuth clients",
            Self::Webhooks => "Webhooks",
            Self::Uploads => "File uploads",
            Self::Faults => "Faults",
            Self::Clock => "Clock",
            Self::People => "People",
            Self::Trash => "Trash",
        }
    }

    pub(super) fn path(self) -> &'static str {
        match self {
            Self::Calls => "/workspace/calls",
            Self::Connections => "/workspace/connections",
            Self::OAuth => "/workspace/oauth",
            Self::Webhooks => "/workspace/webhooks",
            Self::Uploads => "/workspace/uploads",
            Self::Faults => "/workspace/faults",
            Self::Clock => "/workspace/clock",
            Self::People => "/workspace/people",
            Self::Trash => "/workspace/trash",
        }
    }
}

/// Where in the sidebar the reader is.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Place {
    Home,
    Node(Id),
    Tool(Tool),
    Elsewhere,
}

/// A page of the workspace, with its sidebar.
pub(super) struct Frame<'a> {
    pub(super) view: View<'a>,
    pub(super) title: &'a str,
    pub(super) place: Place,
    pub(super) is_live: bool,
}

impl Frame<'_> {
    pub(super) fn around(&self, main: &Markup) -> Markup {
        let name = &self.view.world.workspace.name;
        let title = format!("{} · {name}", self.title);
        let here = |is_here: bool| is_here.then_some("page");
        let body = html! {
            a.skip href="#main" { "Skip to the content" }
            div.app {
                header.side {
                    div.brand {
                        a href="/" aria-current=[here(self.place == Place::Home)] { (name) }
                        span.badge { "sandbox" }
                    }
                    details.menu {
                        summary { "Menu" }
                        form.search role="search" action="/workspace/search" {
                            label.hidden for="q" { "Search titles" }
                            input #q type="search" name="q" placeholder="Search" maxlength="200";
                        }
                        nav aria-label="Pages" { (tree::markup(self.view, self.place)) }
                        nav aria-label="Tools" {
                            p.nav-title { "Developer" }
                            ul {
                                @for tool in Tool::ALL {
                                    li {
                                        a href=(tool.path())
                                            aria-current=[here(self.place == Place::Tool(tool))] {
                                            (tool.title())
                                        }
                                    }
                                }
                            }
                        }
                    }
                }
                main #main tabindex="-1" { (main) }
            }
        };
        document(&title, self.is_live, &body)
    }
}

fn document(title: &str, is_live: bool, body: &Markup) -> Markup {
    html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                title { (title) }
                // With scripts, only the list is renewed, and only while nobody reads it.
                @if is_live { noscript { meta http-equiv="refresh" content="3"; } }
                link rel="icon" href="data:,";
                link rel="stylesheet" href={ "/workspace/assets/" (*STYLE_NAME) };
                script src={ "/workspace/assets/" (*SCRIPT_NAME) } defer {}
            }
            body { (body) }
        }
    }
}

/// What a page may do: show itself, and ask this server.
const POLICY: &str = "default-src 'none'; style-src 'self'; script-src 'self'; \
     connect-src 'self'; img-src 'self' data:; media-src 'self'; form-action 'self'; \
     base-uri 'none'; frame-ancestors 'none'";

/// A page as an answer, with the headers that keep it to itself.
pub(super) fn answer(status: u16, page: &Markup) -> Response {
    let mut response = response(page.0.clone(), "text/html; charset=utf-8", "no-store");
    *response.status_mut() = StatusCode::from_u16(status).unwrap_or(StatusCode::OK);
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY));
    headers.insert(header::REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    let opener = HeaderName::from_static("cross-origin-opener-policy");
    headers.insert(opener, HeaderValue::from_static("same-origin"));
    response
}

/// A way to another page of this site.
pub(super) fn redirect(to: &str) -> Response {
    let mut moved = response(String::new(), "text/plain", "no-store");
    *moved.status_mut() = StatusCode::SEE_OTHER;
    if let Ok(to) = HeaderValue::from_str(to) {
        moved.headers_mut().insert(header::LOCATION, to);
    }
    moved
}

/// Style or script, by name.
pub(super) fn asset(name: &str) -> Response {
    const FOREVER: &str = "public, max-age=31536000, immutable";
    if name == *STYLE_NAME {
        response(STYLE.to_owned(), "text/css; charset=utf-8", FOREVER)
    } else if name == *SCRIPT_NAME {
        response(SCRIPT.to_owned(), "text/javascript; charset=utf-8", FOREVER)
    } else {
        let mut gone = response("There is no such file.".to_owned(), "text/plain", "no-store");
        *gone.status_mut() = StatusCode::NOT_FOUND;
        gone
    }
}

fn response(body: String, content_type: &'static str, cache: &'static str) -> Response {
    let mut response = Response::new(Body::from(body));
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static(cache));
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    response
}
