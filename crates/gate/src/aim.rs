//! Step 2, aim: which objects does a call touch? All ids in path, query and body.

use notion::catalogue::{Match, Place};
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
                && (name == *known || name.strip_suffix("[]") == Some(known))
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
    let creates = found.operation.effect == Effect::Write
        && objects.is_empty()
        && found.operation.answer != notion::catalogue::Answer::One(Kind::FileUpload);
    let placed = PLACING.iter().any(|prefix| below(prefix));
    let has_parent =
        body.and_then(|body| body.get("parent")).is_some_and(|parent| !parent.is_null());
    let nowhere = (creates && !placed) || (has_parent && !below("body.parent."));
    objects.extend(references.iter().map(|reference| (reference.kind, reference.id)));
    objects.retain(|(kind, _)| !matches!(kind, Kind::User | Kind::AsyncTask));
    objects.dedup();
    Ok(Named { objects, nowhere })
}

/// Where a body says under what something new will stand.
const PLACING: &[&str] = &[
    "body.parent.",
    "body.discussion_id",
    "body.database_id",
    "body.view_id",
    "body.create_database.parent.",
    "body.source.block_id",
];

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
