//! Strict JSON Schemas of Notion's answers, per operation and version.
//!
//! They lie beside the workspace (`../shared/notion/schemas/{version}.json.gz`, JSON Schema draft
//! 07), are read when they are first needed, and are no part of the project. Without them nothing
//! can be judged, and [`judge`] says so.

use std::collections::HashMap;
use std::io::Read as _;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use flate2::read::GzDecoder;
use http::Method;
use jsonschema::Validator;
use notion::{Version, catalogue};
use serde_json::{Value, json};

/// What the referee says of an answer.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Verdict {
    /// It fits.
    Fits,
    /// It does not; what is wrong, and where.
    Broken(String),
    /// There is no schema to hold it against; why.
    Unknown(&'static str),
}

/// Operation, name of its answer in the schemas.
const DEFINITIONS: [(&str, &str); 53] = [
    ("post-page", "CreatePageResponse"),
    ("retrieve-a-page", "GetPageResponse"),
    ("patch-page", "UpdatePageResponse"),
    ("move-page", "MovePageResponse"),
    ("retrieve-a-page-property", "GetPagePropertyResponse"),
    ("retrieve-page-markdown", "GetPageMarkdownResponse"),
    ("update-page-markdown", "UpdatePageMarkdownResponse"),
    ("retrieve-a-block", "GetBlockResponse"),
    ("update-a-block", "UpdateBlockResponse"),
    ("delete-a-block", "DeleteBlockResponse"),
    ("get-block-children", "ListBlockChildrenResponse"),
    ("patch-block-children", "AppendBlockChildrenResponse"),
    ("create-meeting-notes", "CreateMeetingNoteResponse"),
    ("query-meeting-notes", "QueryMeetingNotesResponse"),
    ("create-database", "CreateDatabaseResponse"),
    ("retrieve-a-database", "GetDatabaseResponse"),
    ("update-database", "UpdateDatabaseResponse"),
    ("post-database-query", "QueryDatabaseResponse"),
    ("get-databases", "ListDatabasesResponse"),
    ("create-a-data-source", "CreateDataSourceResponse"),
    ("retrieve-a-data-source", "GetDataSourceResponse"),
    ("update-a-data-source", "UpdateDataSourceResponse"),
    ("query-data-source", "QueryDataSourceResponse"),
    ("list-data-source-templates", "ListDataSourceTemplatesResponse"),
    ("list-views", "ListDatabaseViewsResponse"),
    ("create-view", "CreateViewResponse"),
    ("retrieve-a-view", "GetViewResponse"),
    ("update-a-view", "UpdateViewResponse"),
    ("delete-view", "DeleteViewResponse"),
    ("create-view-query", "CreateViewQueryResponse"),
    ("get-view-query-results", "GetViewQueryResultsResponse"),
    ("delete-view-query", "DeleteViewQueryResponse"),
    ("post-search", "SearchResponse"),
    ("get-users", "ListUsersResponse"),
    ("get-user", "GetUserResponse"),
    ("get-self", "GetSelfResponse"),
    ("create-a-comment", "CreateCommentResponse"),
    ("retrieve-a-comment", "ListCommentsResponse"),
    ("retrieve-comment", "GetCommentResponse"),
    ("update-a-comment", "UpdateCommentResponse"),
    ("delete-a-comment", "DeleteCommentResponse"),
    ("create-file", "CreateFileUploadResponse"),
    ("list-file-uploads", "ListFileUploadsResponse"),
    ("retrieve-file-upload", "GetFileUploadResponse"),
    ("upload-file", "SendFileUploadResponse"),
    ("complete-file-upload", "CompleteFileUploadResponse"),
    ("list-custom-emojis", "ListCustomEmojisResponse"),
    ("retrieve-async-task", "GetAsyncTaskResponse"),
    ("create-a-token", "OauthTokenResponse"),
    ("introspect-token", "OauthIntrospectResponse"),
    ("revoke-token", "OauthRevokeResponse"),
    // Answers of a long write, 202: see `judge`.
    ("post-page 202", "GetAsyncTaskResponse"),
    ("update-page-markdown 202", "GetAsyncTaskResponse"),
];

/// Holds an answer to `/v1` against what is known: the strict schema of a success, the envelope of
/// an error.
pub fn judge(method: &Method, path: &str, version: &str, status: u16, body: &Value) -> Verdict {
    let Some(found) = catalogue::find(method, path) else { return envelope(status, body) };
    let operation = found.operation;
    let is_oauth = operation.auth != catalogue::Auth::Bearer;
    if status >= 400 {
        // What is refused before OAuth looks at it (no JSON), or by a server that fails, is
        // refused as everywhere.
        let has_own = is_oauth && body["object"] != "error";
        return if has_own { oauth_envelope(body) } else { envelope(status, body) };
    }
    let version = match Version::parse(version) {
        Some(version) => version,
        // OAuth asks for no version.
        None if is_oauth => Version::LATEST,
        None => return Verdict::Broken(format!("a success without a version: {status}")),
    };
    let name =
        if status == 202 { format!("{} 202", operation.name) } else { operation.name.into() };
    let Some((_, definition)) = DEFINITIONS.iter().find(|(operation, _)| *operation == name) else {
        return Verdict::Unknown("no definition belongs to the operation");
    };
    let Some(schemas) = of_version(version) else {
        return Verdict::Unknown("there are no schemas of this version here");
    };
    schemas.judge(definition, body)
}

/// Holds an event of a webhook against the strict schema of its type. Those of the newest version
/// know the events of all.
pub fn judge_event(event: &Value) -> Verdict {
    let Some(kind) = event["type"].as_str() else {
        return Verdict::Broken(format!("an event without a type: {event}"));
    };
    let mut name = String::new();
    for word in kind.split(['.', '_']) {
        let mut letters = word.chars();
        name.extend(letters.next().into_iter().flat_map(char::to_uppercase));
        name.push_str(letters.as_str());
    }
    let Some(schemas) = of_version(Version::LATEST) else {
        return Verdict::Unknown("there are no schemas of this version here");
    };
    schemas.judge(&format!("{name}WebhookPayload"), event)
}

/// `object status code message [additional_data] request_id`, in this order (recorded).
fn envelope(status: u16, body: &Value) -> Verdict {
    let Some(members) = body.as_object() else {
        return Verdict::Broken(format!("an error that is no object: {body}"));
    };
    let keys: Vec<&str> = members.keys().map(String::as_str).collect();
    let plain = ["object", "status", "code", "message", "request_id"];
    let with_data = ["object", "status", "code", "message", "additional_data", "request_id"];
    if keys != plain && keys != with_data {
        return Verdict::Broken(format!("an error with the members {keys:?}"));
    }
    if body["object"] != "error" || body["status"] != status {
        return Verdict::Broken(format!("an error {status} that says {body}"));
    }
    let texts = ["code", "message", "request_id"];
    match texts.iter().find(|name| body[**name].as_str().is_none_or(str::is_empty)) {
        Some(name) => Verdict::Broken(format!("an error whose `{name}` is no text: {body}")),
        None => Verdict::Fits,
    }
}

/// `error [error_description] request_id` (recorded).
fn oauth_envelope(body: &Value) -> Verdict {
    let keys: Vec<&str> =
        body.as_object().map(|all| all.keys()).into_iter().flatten().map(String::as_str).collect();
    match keys.as_slice() {
        ["error", "request_id"] | ["error", "error_description", "request_id"] => Verdict::Fits,
        _ => Verdict::Broken(format!("an OAuth error with the members {keys:?}")),
    }
}

/// The schemas of one version, and what was made of them so far.
struct Schemas {
    definitions: Value,
    made: Mutex<HashMap<String, Arc<Validator>>>,
}

impl Schemas {
    fn read(version: Version) -> Option<Self> {
        let path = PathBuf::from(env!("CARGO_MANIFEST_DIR"))
            .join("../../../shared/notion/schemas")
            .join(format!("{version}.json.gz"));
        let mut text = String::new();
        GzDecoder::new(std::fs::File::open(path).ok()?).read_to_string(&mut text).ok()?;
        let mut document: Value = serde_json::from_str(&text).ok()?;
        // The schemas' maker took "any condition" of the types for "no members at all".
        if let Some(condition) = document.pointer_mut("/definitions/QuickFilterConditionResponse") {
            *condition = json!({"type": "object"});
        }
        // It gave `request_id`, which every object has, to no branch of this union.
        let made = document.pointer_mut("/definitions/CreateMeetingNoteResponse/anyOf");
        for branch in made.and_then(Value::as_array_mut).into_iter().flatten() {
            branch["properties"]["request_id"] = json!({"type": "string"});
        }
        Some(Self { definitions: document["definitions"].take(), made: Mutex::default() })
    }

    fn judge(&self, name: &str, answer: &Value) -> Verdict {
        if self.definitions.get(name).is_none() {
            return Verdict::Unknown("the version has no such definition");
        }
        let validator = match self.validator(name) {
            Ok(validator) => validator,
            Err(error) => return Verdict::Broken(format!("the schema {name} is broken: {error}")),
        };
        let Err(error) = validator.validate(answer) else { return Verdict::Fits };
        let mut answer = without_gaps(answer);
        if self.definitions.get("TranscriptionBlockResponse").is_none() {
            without_meetings(&mut answer);
        }
        if is_partial(&answer) || validator.is_valid(&answer) {
            return Verdict::Fits;
        }
        let text: String = error.to_string().chars().take(400).collect();
        Verdict::Broken(format!("{name} at `{}`: {text}", error.instance_path()))
    }

    fn validator(&self, name: &str) -> Result<Arc<Validator>, String> {
        let mut made = self.made.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(validator) = made.get(name) {
            return Ok(validator.clone());
        }
        let schema = json!({
            "$schema": "http://json-schema.org/draft-07/schema#",
            "$ref": format!("#/definitions/{name}"),
            "definitions": self.definitions,
        });
        let validator = jsonschema::validator_for(&schema).map_err(|error| error.to_string())?;
        let validator = Arc::new(validator);
        made.insert(name.to_owned(), validator.clone());
        Ok(validator)
    }
}

/// The old SDK's types know places only where they are `null`, and none as a single item; a person who
/// verified a page, of whom no more may be told, only without `object`; and an unsupported block not
/// by its type, which recorded answers tell. What has these is judged as something else of that form.
fn without_gaps(answer: &Value) -> Value {
    match answer {
        Value::Object(members) if members.get("type").is_some_and(|it| it == "place") => {
            let is_item = members.get("object").is_some_and(|it| it == "property_item");
            let members = members.iter().map(|(key, value)| match key.as_str() {
                "type" if is_item => (key.clone(), json!("button")),
                "place" if is_item => ("button".to_owned(), json!({})),
                "place" => (key.clone(), Value::Null),
                _ => (key.clone(), value.clone()),
            });
            Value::Object(members.collect())
        }
        Value::Object(members) => {
            let members = members.iter().map(|(key, value)| match key.as_str() {
                "verified_by" if value.get("type").is_none() && value.is_object() => {
                    (key.clone(), json!({"id": value["id"]}))
                }
                "unsupported" if value.is_object() => (key.clone(), json!({})),
                _ => (key.clone(), without_gaps(value)),
            });
            Value::Object(members.collect())
        }
        Value::Array(all) => all.iter().map(without_gaps).collect(),
        other => other.clone(),
    }
}

/// The old SDK's types do not know meeting notes: they are judged as blocks that it knows not.
fn without_meetings(answer: &mut Value) {
    match answer {
        Value::Object(members) => {
            if members.get("type").is_some_and(|it| it == "transcription")
                && members.shift_remove("transcription").is_some()
            {
                members.insert("type".to_owned(), "unsupported".into());
                members.insert("unsupported".to_owned(), json!({}));
            }
            members.values_mut().for_each(without_meetings);
        }
        Value::Array(all) => all.iter_mut().for_each(without_meetings),
        _ => {}
    }
}

/// What a writer without the right to read gets: that the object exists.
fn is_partial(answer: &Value) -> bool {
    let Some(members) = answer.as_object() else { return false };
    let keys: Vec<&str> = members.keys().map(String::as_str).collect();
    keys == ["object", "id", "request_id"]
}

fn of_version(version: Version) -> Option<&'static Schemas> {
    static READ: [OnceLock<Option<Schemas>>; 3] = [const { OnceLock::new() }; 3];
    let index = match version {
        Version::V2022_06_28 => 0,
        Version::V2025_09_03 => 1,
        Version::V2026_03_11 => 2,
        _ => return None,
    };
    READ[index].get_or_init(|| Schemas::read(version)).as_ref()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_definition_belongs_to_an_operation() {
        for (operation, _) in DEFINITIONS {
            let name = operation.strip_suffix(" 202").unwrap_or(operation);
            assert!(catalogue::Operation::named(name).is_some(), "{name}");
        }
        for operation in catalogue::OPERATIONS {
            let known = DEFINITIONS.iter().any(|(name, _)| *name == operation.name);
            assert!(known || operation.name == "authorize", "{} has none", operation.name);
        }
    }

    #[test]
    fn errors_have_one_form() {
        let path = "/v1/users";
        let error = |body: Value| judge(&Method::GET, path, "2026-03-11", 404, &body);
        let good = json!({"object": "error", "status": 404, "code": "object_not_found",
            "message": "No.", "request_id": "1"});
        assert_eq!(error(good.clone()), Verdict::Fits);
        let mut bad = good.clone();
        bad["status"] = json!(400);
        assert!(matches!(error(bad), Verdict::Broken(_)));
        let other_order = json!({"status": 404, "object": "error", "code": "object_not_found",
            "message": "No.", "request_id": "1"});
        assert!(matches!(error(other_order), Verdict::Broken(_)));
    }
}
