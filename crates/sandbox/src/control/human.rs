//! What a person does in the app: the same operations, without a token and with all rights.

use bytes::Bytes;
use http::{HeaderMap, Method};
use notion::Id;
use serde_json::Value;
use uuid::Uuid;

use super::Answer;
use crate::app::Inner;
use crate::pipeline::{self, Caller, Incoming};

/// `POST as-human` `{method, path, body, user_id?, notion_version?}`; answers as `/v1` would.
pub(super) fn act(inner: &mut Inner, body: &Value) -> Answer {
    let person = match body.get("user_id") {
        Some(Value::String(text)) => Id::parse(text),
        _ => inner.world.people.keys().next().copied(),
    };
    let person = person.and_then(|id| inner.world.person(id));
    let who = person.ok_or((
        404,
        "`user_id` names nobody of this workspace; GET /_sandbox/state shows its people".to_owned(),
    ))?;
    let method = body["method"].as_str().and_then(|method| method.parse::<Method>().ok());
    let method = method.ok_or((400, "`method` must be GET, POST, PATCH or DELETE".to_owned()))?;
    let path = body["path"].as_str().filter(|path| path.starts_with("/v1/"));
    let path = path.ok_or((400, "`path` must be a path that begins with /v1/".to_owned()))?;
    let (path, query) = path.split_once('?').unwrap_or((path, ""));
    let content = match body.get("body") {
        None | Some(Value::Null) => Bytes::new(),
        Some(content) => Bytes::from(content.to_string()),
    };
    let incoming = Incoming {
        method,
        path: path.to_owned(),
        query: query.to_owned(),
        authorization: None,
        version: body["notion_version"].as_str().map(str::to_owned),
        headers: HeaderMap::new(),
        body: content,
    };
    let Inner { world, sessions, .. } = inner;
    let request_id = Uuid::new_v4().to_string();
    Ok(match pipeline::answer(world, sessions, &incoming, &Caller::Person(who)) {
        Ok(mut answer) => {
            if let Some(members) = answer.as_object_mut().filter(|all| all.contains_key("object")) {
                members.insert("request_id".to_owned(), request_id.into());
            }
            (pipeline::status(&incoming, &answer), answer)
        }
        Err(fail) => (fail.status, fail.body(&request_id)),
    })
}
