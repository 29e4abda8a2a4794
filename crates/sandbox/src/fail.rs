//! What the sandbox answers when it refuses: Notion's error object, and every text it is made of.

use std::fmt::Display;

use notion::{Id, Version};
use serde_json::{Map, Value, json};

use crate::world::access::Who;
use crate::world::era::Era;

/// A refusal.
#[derive(Clone, Debug)]
pub(crate) struct Fail {
    pub(crate) status: u16,
    pub(crate) code: String,
    pub(crate) message: String,
    pub(crate) additional_data: Option<Value>,
    /// Seconds for the `Retry-After` header.
    pub(crate) retry_after: Option<u64>,
}

impl Fail {
    pub(crate) fn new(status: u16, code: &str, message: impl Into<String>) -> Self {
        Self {
            status,
            code: code.to_owned(),
            message: message.into(),
            additional_data: None,
            retry_after: None,
        }
    }

    /// 400 `validation_error` with a text of its own.
    pub(crate) fn validation(message: impl Into<String>) -> Self {
        Self::new(400, "validation_error", message)
    }

    /// Unknown path, wrong method, or an endpoint that the version does not have.
    pub(crate) fn no_route() -> Self {
        Self::new(400, "invalid_request_url", "Invalid request URL.")
    }

    pub(crate) fn bad_json() -> Self {
        Self::new(400, "invalid_json", "Error parsing JSON body.")
    }

    pub(crate) fn no_bearer() -> Self {
        let text = "Authorization header must use the format \"Bearer <token>\".";
        Self::new(401, "unauthorized", text)
    }

    pub(crate) fn bad_token() -> Self {
        Self::new(401, "unauthorized", "API token is invalid.")
    }

    /// No `Notion-Version`, or one that does not exist.
    pub(crate) fn bad_version(given: Option<&str>) -> Self {
        let said = "Notion-Version header failed validation: Notion-Version header should be ";
        let text = match given {
            None => format!("{said}defined, instead was `undefined`."),
            Some(given) => {
                let known = notion::Version::ALL.map(|version| format!("`\"{version}\"`"));
                let (last, first) = known.split_last().expect("there are versions");
                format!("{said}{}, or {last}, instead was `\"{given}\"`.", first.join(", "))
            }
        };
        Self::new(400, "missing_version", text)
    }

    /// A capability is missing.
    pub(crate) fn no_capability() -> Self {
        Self::new(403, "restricted_resource", "Insufficient permissions for this endpoint.")
    }

    pub(crate) fn personal_token_lists_users() -> Self {
        Self::new(403, "restricted_resource", "Personal access tokens cannot list users.")
    }

    /// A page or database without a parent belongs to a person, and an internal connection has
    /// none (quoted by users, 2026).
    pub(crate) fn ownerless() -> Self {
        Self::validation(
            "Provide a `parent.page_id` or `parent.database_id` parameter to create a page, or \
             use a public integration with `insert_content` capability. Internal integrations \
             aren't owned by a single user, so creating workspace-level private pages is not \
             supported.",
        )
    }

    /// The resource exists, but is not the caller's to change.
    pub(crate) fn no_access() -> Self {
        let text = "API token does not have access to this resource.";
        Self::new(403, "restricted_resource", text)
    }

    /// Not there or not shared: the two look the same. Old versions do not say whose connection it
    /// is (recorded).
    pub(crate) fn not_found(kind: &str, id: impl Display, who: &Who, version: Version) -> Self {
        let integration = if version < Version::V2025_09_03 {
            "integration".to_owned()
        } else {
            format!("integration \"{}\"", who.name)
        };
        let fail = Self::new(
            404,
            "object_not_found",
            format!(
                "Could not find {kind} with ID: {id}. Make sure the relevant pages and databases \
                 are shared with your {integration}."
            ),
        );
        fail.to(who, version)
    }

    /// The same refusal as it was worded at the time.
    pub(crate) fn of_era(mut self, era: Era) -> Self {
        if self.code == "object_not_found" && era < Era::Of2026 {
            self.additional_data = None;
            if let Some((before, _)) = self.message.split_once(" with your integration \"") {
                self.message = format!("{before} with your integration.");
            }
            if era == Era::Of2021
                && let Some((before, _)) = self.message.split_once(" Make sure")
            {
                self.message.truncate(before.len());
            }
        }
        self
    }

    pub(crate) fn user_not_found(id: Id, who: &Who, version: Version) -> Self {
        let fail = Self::new(
            404,
            "object_not_found",
            format!(
                "Could not find user with ID: {id}. Make sure your integration has capabilities \
                 to read user information. With those capabilities, only members and guests in \
                 the integration's workspace are visible."
            ),
        );
        fail.to(who, version)
    }

    /// Says which connection was told so, where the version does (recorded).
    fn to(mut self, who: &Who, version: Version) -> Self {
        if version >= Version::V2025_09_03 {
            self.additional_data = Some(json!({"integration_id": who.connection}));
        }
        self
    }

    /// A linked database, or one whose data sources the caller does not see.
    pub(crate) fn no_source(database: Id) -> Self {
        Self::validation(format!(
            "Database with ID {database} does not contain any data sources accessible by this API \
             bot."
        ))
    }

    /// A version before 2025-09-03 meets a database with several data sources.
    pub(crate) fn several_sources(database: Id, sources: &[Id]) -> Self {
        let text = "Databases with multiple data sources are not supported in this API version.";
        let mut fail = Self::validation(text);
        fail.additional_data = Some(json!({
            "error_type": "multiple_data_sources_for_database",
            "database_id": database,
            "child_data_source_ids": sources,
            "minimum_api_version": "2025-09-03",
        }));
        fail
    }

    /// Too many requests; `seconds` until it is worth another try.
    pub(crate) fn rate_limited(reason: &str, seconds: u64) -> Self {
        let text = "You have been rate limited. Please try again in a few minutes.";
        let mut fail = Self::new(429, "rate_limited", text);
        fail.retry_after = Some(seconds);
        fail.additional_data =
            Some(json!({"rate_limit_reason": reason, "retry_after": seconds.to_string()}));
        fail
    }

    pub(crate) fn bad_cursor(cursor: &str) -> Self {
        Self::validation(format!("The start_cursor provided is invalid: {cursor}"))
    }

    pub(crate) fn archived_block() -> Self {
        Self::validation(
            "Can't edit block that is archived. You must unarchive the block before editing.",
        )
    }

    pub(crate) fn archived_ancestor() -> Self {
        Self::validation(
            "Can't edit page on block with an archived ancestor. You must unarchive the ancestor \
             before editing page.",
        )
    }

    /// The world has a bound, so that nobody fills the machine's memory (own wording).
    pub(crate) fn full() -> Self {
        Self::validation("The sandbox is full. Reset it, or remove what is not needed.")
    }

    /// The error object.
    pub(crate) fn body(&self, request_id: &str) -> Value {
        let mut body = Map::new();
        body.insert("object".into(), "error".into());
        body.insert("status".into(), self.status.into());
        body.insert("code".into(), self.code.clone().into());
        body.insert("message".into(), self.message.clone().into());
        if let Some(data) = &self.additional_data {
            body.insert("additional_data".into(), data.clone());
        }
        body.insert("request_id".into(), request_id.into());
        Value::Object(body)
    }
}
