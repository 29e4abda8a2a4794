//! Whether people can sign in by name: the settings, and what to register with the provider.
//!
//! `notegate serve --check` asks the provider itself.

use super::{Finding, Level, Patient};

const CODE: &str = "oidc";
const PARTS: [(&str, &str); 3] = [
    ("NOTEGATE_OIDC_ISSUER", "set it to the issuer, exactly as the provider writes it"),
    ("NOTEGATE_OIDC_CLIENT_ID", "register this gate as a client (web application) at the provider"),
    ("NOTEGATE_OIDC_CLIENT_SECRET", "set it to the client's secret, or name a file with _FILE"),
];

pub(super) fn look(patient: &Patient) -> Vec<Finding> {
    let settings = &patient.settings;
    if PARTS.iter().all(|(name, _)| settings.source(name).is_none()) {
        let text = "not configured: the dashboard takes the keys of admins";
        return vec![Finding::new(Level::Good, CODE, "sign-in", text)];
    }
    let mut found: Vec<_> = PARTS
        .iter()
        .map(|(name, advice)| match (settings.text(name), settings.secret(name)) {
            (Some(text), _) => Finding::new(Level::Good, CODE, *name, text),
            (None, Some(_)) => Finding::new(Level::Good, CODE, *name, "set (hidden)"),
            (None, None) => Finding::new(Level::Problem, CODE, *name, "is missing").advice(*advice),
        })
        .collect();
    if let Some(issuer) = settings.text(PARTS[0].0)
        && let Err(error) = gate::check_oidc_url(PARTS[0].0, issuer.trim())
    {
        let advice = "use https; http is for a provider on this machine";
        found
            .push(Finding::new(Level::Problem, CODE, PARTS[0].0, error.to_string()).advice(advice));
    }
    found.push(match settings.text("SERVICE_URL") {
        Some(url) => {
            let uri = format!("{}{}", url.trim_end_matches('/'), web::OIDC_CALLBACK_PATH);
            let out = format!("{}{}", url.trim_end_matches('/'), web::SIGNED_OUT_PATH);
            Finding::new(Level::Good, CODE, "redirect URI", uri.clone()).advice(format!(
                "register exactly {uri} at the provider, and {out} for signing out"
            ))
        }
        None => Finding::new(Level::Problem, CODE, "SERVICE_URL", "is missing")
            .advice("set it to the gate's public URL: people come back there"),
    });
    found
}
