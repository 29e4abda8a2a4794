//! `OPENAPI_MCP_HEADERS`: the headers for Notion, as users of the official MCP server have them in their
//! settings: a JSON object. Two of them mean something here: whose token, and which version.

use model::SecretString;
use serde_json::{Map, Value};

/// The setting.
pub(crate) const NAME: &str = "OPENAPI_MCP_HEADERS";

/// What the headers say.
#[derive(Debug, Default)]
pub(crate) struct OfficialHeaders {
    /// The token of `Authorization`.
    pub(crate) token: Option<SecretString>,
    /// `Notion-Version`.
    pub(crate) version: Option<String>,
}

impl OfficialHeaders {
    /// Reads them. What is wrong is told without quoting anything: there is a token in it.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let members: Map<String, Value> = serde_json::from_str(text).map_err(|error| {
            let place = format!("line {}, column {}", error.line(), error.column());
            fault(&format!("is no JSON object ({place})"))
        })?;
        let mut headers = Self::default();
        for (name, value) in &members {
            let Value::String(value) = value else {
                return Err(fault(&format!("has a value that is no text, of `{}`", shown(name))));
            };
            match name.to_ascii_lowercase().as_str() {
                "authorization" => headers.token = Some(bearer(value)?.to_owned().into()),
                "notion-version" => headers.version = Some(value.trim().to_owned()),
                // Notion looks at no other.
                _ => {}
            }
        }
        Ok(headers)
    }
}

fn bearer(value: &str) -> Result<&str, String> {
    let token =
        value.trim().split_once(' ').filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"));
    let token = token.map(|(_, token)| token.trim()).filter(|token| !token.is_empty());
    token.ok_or_else(|| fault("has an Authorization that does not read `Bearer ntn_…`"))
}

fn shown(name: &str) -> String {
    name.chars().take(40).collect()
}

fn fault(what: &str) -> String {
    format!(
        "{NAME} {what}: set it to something like {{\"Authorization\": \"Bearer ntn_…\"}}, or set NOTION_TOKEN \
         instead"
    )
}

#[cfg(test)]
mod tests {
    use model::ExposeSecret;

    use super::*;

    fn read(text: &str) -> Option<(Option<String>, Option<String>)> {
        let headers = OfficialHeaders::parse(text).ok()?;
        Some((headers.token.map(|it| it.expose_secret().to_owned()), headers.version))
    }

    #[test]
    fn f125_f129_token_and_version_are_taken() {
        let (token, version) = (Some("ntn_t".to_owned()), Some("2025-09-03".to_owned()));
        let both = r#"{"Authorization": "Bearer ntn_t", "Notion-Version": "2025-09-03"}"#;
        assert_eq!(read(both), Some((token.clone(), version)));
        assert_eq!(read(r#"{"authorization": "bearer  ntn_t "}"#), Some((token, None)));
        assert_eq!(read(r#"{"User-Agent": "mine"}"#), Some((None, None)));
        assert_eq!(read("{}"), Some((None, None)));
    }

    #[test]
    fn what_does_not_fit_is_told_with_advice_and_without_the_secret() {
        for text in [
            "ntn_canary",
            r#"{"Authorization": "Bearer ntn_canary""#,
            r#"["ntn_canary"]"#,
            r#""ntn_canary""#,
            r#"{"Authorization": "ntn_canary"}"#,
            r#"{"Authorization": "Basic ntn_canary"}"#,
            r#"{"Authorization": ["Bearer ntn_canary"]}"#,
            r#"{"Authorization": "Bearer "}"#,
            "null",
        ] {
            let fault = OfficialHeaders::parse(text).unwrap_err();
            assert!(fault.starts_with(NAME) && fault.contains("NOTION_TOKEN"), "{fault}");
            assert!(!fault.contains("canary"), "{fault}");
        }
    }
}
