//! `OPENAPI_MCP_HEADERS`: what the official server sends to Notion, as JSON.

use std::collections::BTreeMap;

use model::{ExposeSecret, SecretString};

/// What stands in it.
pub(super) struct Headers {
    pub(super) token: SecretString,
    pub(super) version: Option<String>,
}

/// Reads it. What is wrong is told without quoting any of it.
pub(super) fn read(text: &SecretString) -> Result<Headers, String> {
    const NAME: &str = "OPENAPI_MCP_HEADERS";
    let members: BTreeMap<String, String> = serde_json::from_str(text.expose_secret())
        .map_err(|_| format!("{NAME} must be a JSON object of texts, like {EXAMPLE}"))?;
    let find = |wanted: &str| {
        members.iter().find(|(name, _)| name.eq_ignore_ascii_case(wanted)).map(|(_, value)| value)
    };
    let token = find("authorization").and_then(|value| {
        let (scheme, token) = value.trim().split_once(' ')?;
        scheme.eq_ignore_ascii_case("bearer").then(|| token.trim().to_owned())
    });
    let token = token.filter(|token| !token.is_empty());
    let token = token.ok_or_else(|| format!("{NAME} has no bearer token: write {EXAMPLE}"))?;
    Ok(Headers { token: token.into(), version: find("notion-version").cloned() })
}

const EXAMPLE: &str = r#"{"Authorization":"Bearer ntn_…","Notion-Version":"2025-09-03"}"#;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn token_and_version_are_found() {
        let text = r#"{"authorization":"Bearer ntn_abc","Notion-Version":"2026-03-11"}"#;
        let headers = read(&text.into()).unwrap();
        assert_eq!(headers.token.expose_secret(), "ntn_abc");
        assert_eq!(headers.version.as_deref(), Some("2026-03-11"));
    }

    #[test]
    fn what_is_wrong_is_told_without_the_token() {
        for text in [
            "{\"Authorization\":\"Bearer ntn_canary\"",
            "[\"ntn_canary\"]",
            "{\"Authorization\":\"ntn_canary\"}",
            "{\"Authorization\":\"Basic ntn_canary\"}",
            "{\"Authorization\":\"Bearer \"}",
            "{}",
        ] {
            let fault = read(&text.into()).err().unwrap();
            assert!(fault.contains("OPENAPI_MCP_HEADERS") && !fault.contains("canary"), "{fault}");
        }
    }
}
