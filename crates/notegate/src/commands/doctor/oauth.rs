//! Whether the OAuth settings fit together, and the redirect URI the gate.
//!
//! Notion compares redirect URIs letter by letter; a slash at the end is the usual reason why it refuses.

use http::Uri;

use super::{Finding, Level, Patient};
use crate::settings::Settings;

const CODE: &str = "oauth";
const REDIRECT: &str = "NOTION_OAUTH_REDIRECT_URI";
const SERVICE: &str = "SERVICE_URL";

pub(super) fn look(patient: &Patient) -> Vec<Finding> {
    let settings = &patient.settings;
    let id = settings.text("NOTION_OAUTH_CLIENT_ID");
    let secret = settings.secret("NOTION_OAUTH_CLIENT_SECRET");
    let (redirect, service) = (settings.text(REDIRECT), settings.text(SERVICE));
    if id.is_none() && secret.is_none() && redirect.is_none() {
        let text = "not configured: workspaces are connected by their tokens";
        return vec![Finding::new(Level::Good, CODE, "OAuth", text)];
    }
    let mut found = Vec::new();
    for (name, value) in [
        ("NOTION_OAUTH_CLIENT_ID", id.map(str::to_owned)),
        ("NOTION_OAUTH_CLIENT_SECRET", secret.map(|_| "set (hidden)".to_owned())),
    ] {
        found.push(match value {
            Some(text) => Finding::new(Level::Good, CODE, name, text),
            None => Finding::new(Level::Problem, CODE, name, "is missing").advice(
                "copy it from the integration's page at https://www.notion.so/profile/integrations",
            ),
        });
    }
    found.extend(redirect_uri(redirect, service));
    found.extend(faults(settings));
    found
}

/// What is wrong with the settings, as far as it concerns these.
fn faults(settings: &Settings) -> Vec<Finding> {
    let ours = |fault: &&String| fault.contains("NOTION_OAUTH") || fault.contains(SERVICE);
    let faults = settings.faults().iter().filter(ours);
    faults.map(|fault| Finding::new(Level::Problem, CODE, "settings", fault)).collect()
}

fn redirect_uri(redirect: Option<&str>, service: Option<&str>) -> Vec<Finding> {
    let route = web::CALLBACK_PATH;
    let expected = service.map(|service| format!("{}{route}", service.trim_end_matches('/')));
    let register = |uri: &str| format!("register exactly this at Notion: {uri}");
    let Some(redirect) = redirect else {
        return vec![match expected {
            Some(expected) => Finding::new(
                Level::Good,
                CODE,
                REDIRECT,
                format!("{expected} (made from {SERVICE})"),
            )
            .advice(register(&expected)),
            None => Finding::new(Level::Problem, CODE, REDIRECT, "is missing").advice(format!(
                "set {SERVICE} to the gate's public URL, or {REDIRECT} to that URL with {route}"
            )),
        }];
    };
    let mut wrong = Vec::new();
    if let Err(error) = web::check_redirect_uri(redirect) {
        wrong.push(error.to_string());
    }
    let given = redirect.parse::<Uri>().ok();
    let path = given.as_ref().map_or(redirect, |uri| uri.path());
    if path != route {
        wrong.push(match path.trim_end_matches('/') == route {
            true => format!("it ends with a slash, and the route {route} does not"),
            false => format!("its path is {path}, and the gate's route is {route}"),
        });
    }
    if given.as_ref().is_some_and(|uri| uri.query().is_some()) {
        wrong.push("it has a query, and the gate's route has none".to_owned());
    }
    if let (Some(given), Some(service)) = (given, service.and_then(|it| it.parse::<Uri>().ok())) {
        wrong.extend(differences(&given, &service));
    }
    if wrong.is_empty() {
        let finding = Finding::new(Level::Good, CODE, REDIRECT, redirect);
        return vec![finding.advice(register(redirect))];
    }
    let advice = match &expected {
        Some(expected) => {
            format!("set it to {expected}, here and at Notion, where every letter counts")
        }
        None => format!("set it to the gate's public URL with {route}, here and at Notion"),
    };
    wrong
        .into_iter()
        .map(|what| {
            let text = format!("{redirect}: {what}");
            Finding::new(Level::Problem, CODE, REDIRECT, text).advice(advice.clone())
        })
        .collect()
}

/// In what the origin of the redirect URI is not that of the service.
fn differences(given: &Uri, service: &Uri) -> Vec<String> {
    let scheme = |uri: &Uri| uri.scheme_str().unwrap_or_default().to_ascii_lowercase();
    let host = |uri: &Uri| uri.host().unwrap_or_default().to_ascii_lowercase();
    let port = |uri: &Uri| {
        let usual = if scheme(uri) == "https" { 443 } else { 80 };
        uri.port_u16().unwrap_or(usual)
    };
    let mut wrong = Vec::new();
    let mut differ = |what: &str, one: String, other: String| {
        if one != other {
            wrong.push(format!("its {what} is {one}, and {SERVICE} has {other}"));
        }
    };
    differ("scheme", scheme(given), scheme(service));
    differ("host", host(given), host(service));
    // With another scheme the usual port is another one, too: that is no second difference.
    if scheme(given) == scheme(service) || given.port().is_some() || service.port().is_some() {
        differ("port", port(given).to_string(), port(service).to_string());
    }
    wrong
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn differences_are_named_one_by_one() {
        const SERVICE: &str = "https://gate.example.com";
        let texts = |redirect: &str, service: Option<&str>| -> Vec<String> {
            let found = redirect_uri(Some(redirect), service);
            found.into_iter().filter(|it| it.level == Level::Problem).map(|it| it.text).collect()
        };
        let right = "https://gate.example.com/auth/notion/callback";
        for service in [Some(SERVICE), Some("https://gate.example.com/"), None] {
            assert_eq!(texts(right, service), Vec::<String>::new());
        }
        assert_eq!(
            texts("https://gate.example.com:443/auth/notion/callback", Some(SERVICE)).len(),
            0
        );
        for (redirect, words) in [
            ("https://gate.example.com/auth/notion/callback/", &["slash"][..]),
            ("https://gate.example.com/auth/callback", &["/auth/callback"]),
            ("https://other.example.com/auth/notion/callback", &["host is other.example.com"]),
            ("https://gate.example.com:8443/auth/notion/callback", &["port is 8443"]),
            (
                "http://gate.example.com/auth/notion/callback",
                &["must be an https", "scheme is http"],
            ),
            ("https://gate.example.com/auth/notion/callback?a=b", &["query"]),
            ("http://localhost:3000/auth/notion/callback/", &["slash", "scheme", "host", "port"]),
        ] {
            let texts = texts(redirect, Some(SERVICE));
            assert_eq!(texts.len(), words.len(), "{redirect}: {texts:?}");
            for (text, word) in texts.iter().zip(words) {
                assert!(text.contains(word), "{redirect}: {text}");
            }
        }
        // Without a public URL only the path can be judged.
        assert_eq!(texts("https://a.example/auth/notion/callback/", None).len(), 1);
        let missing = redirect_uri(None, None);
        assert_eq!((missing.len(), missing[0].level), (1, Level::Problem));
        let made = redirect_uri(None, Some("https://gate.example.com/"));
        assert!(made[0].text.starts_with(right), "{made:?}");
    }
}
