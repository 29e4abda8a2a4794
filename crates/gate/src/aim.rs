//! Step 2, aim: which objects does a call touch? All ids in path, query and body.

use notion::catalogue::{Answer, Match, Place};
use notion::references::references;
use notion::{ApiError, Effect, Id, Kind};
use serde_json::Value;
use url::form_urlencoded;

/// Everything that a call names.
#[derive(Debug, Default)]
pub(crate) struct Named {
    /// Kind and id, path first.
    pub(crate) objects: Vec<(Kind, Id)>,
    /// Whether it puts something at no named place.
    pub(crate) nowhere: bool,
}

/// Ids in path and query; an error in Notion's words for a malformed one.
pub(crate) fn of_url(found: &Match, query: Option<&str>) -> Result<Vec<(Kind, Id)>, ApiError> {
    let mut objects = found.path_ids()?;
    for (name, value) in form_urlencoded::parse(query.unwrap_or_default().as_bytes()) {
        for place in found.operation.ids {
            if let Place::Query(known, kind) = place
                && name.split('[').next() == Some(known)
            {
                let id = Id::parse(&value);
                let id = id.ok_or_else(|| ApiError::bad_uuid("query", known, &value))?;
                objects.push((*kind, id));
            }
        }
    }
    Ok(objects)
}

/// Everything that a call with a body names.
pub(crate) fn of_call(
    found: &Match,
    mut objects: Vec<(Kind, Id)>,
    body: Option<&Value>,
) -> Result<Named, ApiError> {
    let references = body.map(references).transpose()?.unwrap_or_default();
    let below = |prefix: &str| references.iter().any(|reference| reference.at.starts_with(prefix));
    let operation = found.operation;
    let creates = operation.effect == Effect::Write
        && objects.is_empty()
        && operation.answer != Answer::One(Kind::FileUpload);
    let placed = placing(operation.name).iter().any(|prefix| below(prefix));
    let parent = body.and_then(|body| body.get("parent")).filter(|parent| !parent.is_null());
    let nowhere = (creates && !placed) || parent.is_some_and(|parent| !names_a_place(parent));
    objects.extend(references.iter().map(|reference| (reference.kind, reference.id)));
    objects.retain(|(kind, _)| !matches!(kind, Kind::User | Kind::AsyncTask));
    objects.dedup();
    Ok(Named { objects, nowhere })
}

/// Where the body of a creation says under what the new object will stand.
fn placing(operation: &str) -> &'static [&'static str] {
    match operation {
        "create-a-comment" => &["body.parent.", "body.discussion_id"],
        "create-view" => &["body.database_id", "body.view_id", "body.create_database.parent."],
        "create-meeting-notes" => &["body.parent.", "body.source.block_id"],
        _ => &["body.parent."],
    }
}

/// Whether a parent object names an object, and nothing but objects: not the top of the workspace
/// beside one, and not by a `type` that it does not have.
fn names_a_place(parent: &Value) -> bool {
    const MEMBERS: [&str; 4] = ["page_id", "block_id", "database_id", "data_source_id"];
    let id = |name: &str| parent.get(name).and_then(Value::as_str).and_then(Id::parse);
    let workspace =
        !matches!(parent.get("workspace"), None | Some(Value::Null | Value::Bool(false)));
    let typed = match parent.get("type") {
        None | Some(Value::Null) => true,
        Some(kind) => {
            kind.as_str().is_some_and(|kind| MEMBERS.contains(&kind) && id(kind).is_some())
        }
    };
    !workspace && typed && MEMBERS.iter().any(|name| id(name).is_some())
}

#[cfg(test)]
mod tests {
    use http::Method;
    use notion::catalogue::find;
    use serde_json::json;

    use super::*;

    const A: &str = "00000000-0000-4000-8000-00000000000a";
    const B: &str = "00000000-0000-4000-8000-00000000000b";

    fn named(method: Method, path: &str, query: Option<&str>, body: Value) -> Named {
        let found = find(&method, path).unwrap();
        let objects = of_url(&found, query).unwrap();
        of_call(&found, objects, Some(&body)).unwrap()
    }

    #[test]
    fn path_query_and_body_are_all_looked_at() {
        let id = |text| Id::parse(text).unwrap();
        let append = named(
            Method::PATCH,
            &format!("/v1/blocks/{A}/children"),
            None,
            json!({"children": [], "after": B}),
        );
        assert_eq!(append.objects, [(Kind::Block, id(A)), (Kind::Block, id(B))]);
        assert!(!append.nowhere);

        let query = format!("block_id={A}&block_id={B}");
        let comments = named(Method::GET, "/v1/comments", Some(&query), Value::Null);
        assert_eq!(comments.objects, [(Kind::Block, id(A)), (Kind::Block, id(B))]);

        let user = named(Method::GET, &format!("/v1/users/{A}"), None, Value::Null);
        assert!(user.objects.is_empty() && !user.nowhere);
    }

    #[test]
    fn creating_without_a_place_is_noticed() {
        let create = |body| named(Method::POST, "/v1/pages", None, body).nowhere;
        assert!(create(json!({"properties": {}})));
        assert!(create(json!({"parent": {"workspace": true}})));
        assert!(create(json!({"properties": {"x": {"relation": [{"id": A}]}}})));
        assert!(!create(json!({"parent": {"page_id": A}})));
        assert!(!create(json!({"parent": {"type": "page_id", "page_id": A}})));
        assert!(create(json!({"parent": {"type": "workspace", "workspace": true, "page_id": A}})));
        assert!(create(json!({"parent": {"workspace": true, "x": {"page_id": A}}})));
        assert!(create(json!({"parent": {"type": "database_id", "page_id": A}})));
        assert!(create(json!({"database_id": A, "properties": {}})));

        let move_out = json!({"parent": {"type": "workspace", "workspace": true}});
        assert!(named(Method::PATCH, &format!("/v1/databases/{A}"), None, move_out).nowhere);
        assert!(!named(Method::POST, "/v1/file_uploads", None, json!({})).nowhere);
        assert!(!named(Method::POST, "/v1/search", None, json!({})).nowhere);
    }

    #[test]
    fn a_malformed_id_in_the_query_is_notions_error() {
        let found = find(&Method::GET, "/v1/comments").unwrap();
        let error = of_url(&found, Some("block_id=x")).unwrap_err();
        assert_eq!(
            error.message,
            "query failed validation: query.block_id should be a valid uuid, instead was `\"x\"`."
        );
    }
}
