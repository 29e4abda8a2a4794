//! Answers cut down to the capabilities of a key.
//!
//! The connection's token usually has more capabilities than the key, so Notion does not cut: it answers
//! what it would answer to the connection. This does to the answer what Notion does for a token without
//! the capability (<https://developers.notion.com/reference/capabilities>): without reading, a write
//! answers only `object` and `id`; people shrink to their id, or lose their address.

use bytes::Bytes;
use notion::catalogue::Answer;
use notion::{Capabilities, Capability, Kind, Operation};
use serde_json::{Map, Value};

use crate::error::Error;

/// The answer as a key with these capabilities gets it; `None` if nothing must be cut.
pub(crate) fn trim(
    operation: &Operation,
    granted: Capabilities,
    bytes: &Bytes,
) -> Result<Option<Bytes>, Error> {
    if granted == Capabilities::ALL {
        return Ok(None);
    }
    let people = granted.grants(Capability::ReadUsersWithoutEmail);
    let addresses = granted.grants(Capability::ReadUsersWithEmail);
    let mut answer: Value = serde_json::from_slice(bytes)
        .map_err(|_| Error::Answer(format!("{}: no JSON", operation.name)))?;
    let (kind, list) = match operation.answer {
        Answer::One(kind) => (kind, false),
        Answer::List(kind) => (kind, true),
        Answer::Rows => (Kind::Page, true),
        Answer::Property | Answer::Other => (Kind::Page, false),
    };
    let readable = match kind {
        Kind::Comment | Kind::Discussion => granted.grants(Capability::ReadComments),
        Kind::User | Kind::FileUpload | Kind::AsyncTask => true,
        _ => granted.grants(Capability::ReadContent),
    };
    match (readable, list) {
        (true, _) => {}
        (false, false) => shrink(&mut answer),
        (false, true) => {
            let results = answer.get_mut("results").and_then(Value::as_array_mut);
            results.into_iter().flatten().for_each(shrink);
        }
    }
    // The bot of the token is nobody's address, and Notion gives it without any capability.
    if operation.name != "get-self" && !(people && addresses) {
        hide_people(&mut answer, people);
    }
    Ok(Some(answer.to_string().into()))
}

/// Leaves `object`, `id` and `request_id`.
fn shrink(object: &mut Value) {
    if let Some(members) = object.as_object_mut() {
        members.retain(|name, _| matches!(name.as_str(), "object" | "id" | "request_id"));
    }
}

fn hide_people(value: &mut Value, shown: bool) {
    match value {
        Value::Object(members) => {
            if members.get("object").is_some_and(|object| object == "user") {
                if !shown {
                    members
                        .retain(|name, _| matches!(name.as_str(), "object" | "id" | "request_id"));
                } else if let Some(person) = members.get_mut("person") {
                    *person = Value::Object(Map::new());
                }
            }
            members.values_mut().for_each(|member| hide_people(member, shown));
        }
        Value::Array(elements) => {
            elements.iter_mut().for_each(|element| hide_people(element, shown));
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn trimmed(operation: &str, granted: &[Capability], answer: Value) -> Value {
        let operation = Operation::named(operation).unwrap();
        let granted = granted.iter().copied().collect();
        let bytes = trim(operation, granted, &answer.to_string().into()).unwrap().unwrap();
        serde_json::from_slice(&bytes).unwrap()
    }

    #[test]
    fn a_writer_that_may_not_read_learns_the_id() {
        let page = json!({"object": "page", "id": "x", "properties": {"a": 1}, "request_id": "r"});
        let shrunk = json!({"object": "page", "id": "x", "request_id": "r"});
        assert_eq!(trimmed("patch-page", &[Capability::UpdateContent], page.clone()), shrunk);
        assert_eq!(trimmed("retrieve-a-page", &[Capability::ReadContent], page.clone()), page);
        let list = json!({"object": "list", "results": [page], "type": "block"});
        let appended = trimmed("patch-block-children", &[Capability::InsertContent], list);
        assert_eq!(appended["results"], json!([shrunk]));
        let comment = json!({"object": "comment", "id": "c", "rich_text": []});
        let answer = trimmed("create-a-comment", &[Capability::InsertComments], comment);
        assert_eq!(answer, json!({"object": "comment", "id": "c"}));
    }

    #[test]
    fn people_shrink_wherever_they_stand() {
        let person = json!({"object": "user", "id": "p", "name": "Ada", "type": "person", "person": {"email": "a@b.c"}});
        let page = json!({"object": "page", "properties": {"Who": {"people": [person]}}});
        let who = |granted: &[Capability]| {
            trimmed("retrieve-a-page", granted, page.clone())["properties"]["Who"]["people"][0]
                .clone()
        };
        let read = Capability::ReadContent;
        assert_eq!(who(&[read]), json!({"object": "user", "id": "p"}));
        let without = who(&[read, Capability::ReadUsersWithoutEmail]);
        assert_eq!((&without["name"], &without["person"]), (&json!("Ada"), &json!({})));
        assert_eq!(who(&[read, Capability::ReadUsersWithEmail])["person"]["email"], "a@b.c");
    }
}
