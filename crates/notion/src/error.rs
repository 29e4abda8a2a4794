//! Notion's error object, and the errors that a gateway answers in Notion's own words.
//!
//! Source: <https://developers.notion.com/reference/status-codes>; the texts are those that the
//! service sends.

use serde_json::{Map, Value};

use crate::catalogue::Kind;
use crate::id::Id;
use crate::version::Version;

/// An error as Notion answers it.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[error("{status} {code}: {message}")]
pub struct ApiError {
    /// The HTTP status.
    pub status: u16,
    /// The stable code.
    pub code: String,
    /// The text, which may change.
    pub message: String,
    /// Further members, strings or arrays of strings.
    pub additional_data: Option<Map<String, Value>>,
}

impl ApiError {
    /// An error without additional data.
    pub fn new(status: u16, code: &str, message: impl Into<String>) -> Self {
        Self { status, code: code.to_owned(), message: message.into(), additional_data: None }
    }

    /// Unknown path, or a known path with another method.
    pub fn invalid_request_url() -> Self {
        Self::new(400, "invalid_request_url", "Invalid request URL.")
    }

    /// The body is not JSON.
    pub fn invalid_json() -> Self {
        Self::new(400, "invalid_json", "Error parsing JSON body.")
    }

    /// The request breaks a rule of form or content.
    pub fn validation(message: impl Into<String>) -> Self {
        Self::new(400, "validation_error", message)
    }

    /// `section` is `path`, `query` or `body`.
    pub fn bad_uuid(section: &str, name: &str, value: &str) -> Self {
        let shown: String = value.chars().take(80).collect();
        Self::validation(format!(
            "{section} failed validation: {section}.{name} should be a valid uuid, instead was `{}`.",
            Value::String(shown)
        ))
    }

    /// No `Authorization` header, or one of another scheme.
    pub fn no_bearer() -> Self {
        Self::new(
            401,
            "unauthorized",
            "Authorization header must use the format \"Bearer <token>\".",
        )
    }

    /// A token that opens nothing.
    pub fn unauthorized() -> Self {
        Self::new(401, "unauthorized", "API token is invalid.")
    }

    /// The version header is absent (`None`) or names no version.
    pub fn missing_version(sent: Option<&str>) -> Self {
        let message = match sent {
            None => "Notion-Version header failed validation: Notion-Version header should be \
                     defined, instead was `undefined`."
                .to_owned(),
            Some(sent) => {
                let shown: String = sent.chars().take(80).collect();
                let known: Vec<_> =
                    Version::ALL.iter().map(|version| format!("`\"{version}\"`")).collect();
                let (last, others) = known.split_last().expect("there are versions");
                format!(
                    "Notion-Version header failed validation: Notion-Version header should be {}, \
                     or {last}, instead was `{}`.",
                    others.join(", "),
                    Value::String(shown)
                )
            }
        };
        Self::new(400, "missing_version", message)
    }

    /// A missing capability.
    pub fn restricted_resource() -> Self {
        Self::new(403, "restricted_resource", "Insufficient permissions for this endpoint.")
    }

    /// Not there, or not shared: Notion does not say which.
    pub fn object_not_found(kind: Kind, id: &Id, integration: Option<&Integration>) -> Self {
        let (named, additional_data) = match integration {
            None => (String::new(), None),
            Some(integration) => (
                format!(" \"{}\"", integration.name),
                Some(Map::from_iter([(
                    "integration_id".to_owned(),
                    Value::String(integration.id.to_string()),
                )])),
            ),
        };
        let message = format!(
            "Could not find {kind} with ID: {id}. Make sure the relevant pages and databases are \
             shared with your integration{named}."
        );
        Self { additional_data, ..Self::new(404, "object_not_found", message) }
    }

    /// The same about somebody: Notion says that in words of their own.
    pub fn of_user(self, id: Id) -> Self {
        let message = format!(
            "Could not find user with ID: {id}. Make sure your integration has capabilities to read \
             user information. With those capabilities, only members and guests in the \
             integration's workspace are visible."
        );
        Self { message, ..self }
    }

    /// Too much; `retry_after` in whole seconds.
    pub fn rate_limited(retry_after: u64) -> Self {
        Self {
            additional_data: Some(Map::from_iter([
                (
                    "rate_limit_reason".to_owned(),
                    Value::String("public_api_request_rate_limit".to_owned()),
                ),
                ("retry_after".to_owned(), Value::String(retry_after.to_string())),
            ])),
            ..Self::new(
                429,
                "rate_limited",
                "You have been rate limited. Please try again in a few minutes.",
            )
        }
    }

    /// The upstream took longer than the time-out.
    pub fn gateway_timeout(message: impl Into<String>) -> Self {
        Self::new(504, "gateway_timeout", message)
    }

    /// Something that is needed does not answer.
    pub fn service_unavailable(message: impl Into<String>) -> Self {
        Self::new(503, "service_unavailable", message)
    }

    /// Reads an error answer; `None` if the body is not Notion's error object.
    pub fn parse(status: u16, body: &[u8]) -> Option<Self> {
        #[derive(serde::Deserialize)]
        struct Wire {
            code: String,
            message: String,
            additional_data: Option<Map<String, Value>>,
        }
        let Wire { code, message, additional_data } = serde_json::from_slice(body).ok()?;
        Some(Self { status, code, message, additional_data })
    }

    /// The body, keys in Notion's order.
    pub fn to_json(&self, request_id: &str) -> Value {
        let mut body = Map::new();
        body.insert("object".into(), "error".into());
        body.insert("status".into(), self.status.into());
        body.insert("code".into(), self.code.clone().into());
        body.insert("message".into(), self.message.clone().into());
        if let Some(additional_data) = &self.additional_data {
            body.insert("additional_data".into(), Value::Object(additional_data.clone()));
        }
        body.insert("request_id".into(), request_id.into());
        Value::Object(body)
    }
}

/// The connection as Notion names it in its errors.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Integration {
    /// Its name in the workspace's settings.
    pub name: String,
    /// Its id (in practice the id of its bot).
    pub id: Id,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_stand_in_notions_order_and_read_back() {
        let id = Id::parse("0a1b2c3d-4e5f-4a6b-8c7d-9e0f1a2b3c4d").unwrap();
        let integration = Integration { name: "Gate".into(), id };
        let error = ApiError::object_not_found(Kind::Page, &id, Some(&integration));
        let body = error.to_json("r").to_string();
        assert_eq!(
            body,
            "{\"object\":\"error\",\"status\":404,\"code\":\"object_not_found\",\"message\":\"Could \
             not find page with ID: 0a1b2c3d-4e5f-4a6b-8c7d-9e0f1a2b3c4d. Make sure the relevant \
             pages and databases are shared with your integration \\\"Gate\\\".\",\
             \"additional_data\":{\"integration_id\":\"0a1b2c3d-4e5f-4a6b-8c7d-9e0f1a2b3c4d\"},\
             \"request_id\":\"r\"}"
        );
        assert_eq!(ApiError::parse(404, body.as_bytes()), Some(error));
    }

    #[test]
    fn an_unknown_version_lists_the_known_ones() {
        let message = ApiError::missing_version(Some("")).message;
        assert!(message.starts_with(
            "Notion-Version header failed validation: Notion-Version header should be \
             `\"2021-05-11\"`, `\"2021-05-13\"`"
        ));
        assert!(message.ends_with("or `\"2026-03-11\"`, instead was `\"\"`."));
    }
}
