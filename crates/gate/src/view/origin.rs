//! Addresses in answers at which the caller shall call again: they are the gate's and not Notion's.

use bytes::Bytes;
use notion::Operation;
use serde_json::Value;

/// Operations whose answers hold such addresses. They are small, so nobody's streaming is spoilt.
const OPERATIONS: &[&str] = &[
    "create-file",
    "list-file-uploads",
    "retrieve-file-upload",
    "upload-file",
    "complete-file-upload",
    "retrieve-async-task",
    "retrieve-a-page-property",
    // Where `allow_async` is asked for, they answer with a task.
    "post-page",
    "update-page-markdown",
];
/// The members that hold one.
const ADDRESSES: &[&str] = &["upload_url", "complete_url", "status_url", "next_url"];

/// Whether answers of this operation may hold addresses to call.
pub(crate) fn holds_addresses(operation: &Operation) -> bool {
    OPERATIONS.contains(&operation.name)
}

/// The answer with the gate's own address instead of Notion's; as it came, to the byte, if it holds none.
pub(crate) fn readdress(bytes: Bytes, notion: &str, gate: &str) -> Bytes {
    let Ok(mut answer) = serde_json::from_slice::<Value>(&bytes) else { return bytes };
    if walk(&mut answer, notion.trim_end_matches('/'), gate) {
        answer.to_string().into()
    } else {
        bytes
    }
}

fn walk(value: &mut Value, notion: &str, gate: &str) -> bool {
    match value {
        Value::Array(elements) => {
            let changed = elements.iter_mut().map(|element| walk(element, notion, gate));
            changed.filter(|changed| *changed).count() > 0
        }
        Value::Object(members) => members.iter_mut().fold(false, |any, (name, member)| {
            match member {
                Value::String(url) if ADDRESSES.contains(&name.as_str()) => {
                    let path = url.strip_prefix(notion).filter(|path| path.starts_with("/v1/"));
                    let Some(path) = path else { return any };
                    *url = format!("{gate}{path}");
                    true
                }
                // Keys are names that somebody gave.
                Value::Object(_) if name == "properties" => any,
                other => walk(other, notion, gate) || any,
            }
        }),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn only_addresses_of_calls_are_the_gates() {
        let answer = json!({
            "upload_url": "https://api.notion.com/v1/file_uploads/x/send",
            "results": [{"complete_url": "https://api.notion.com/v1/file_uploads/x/complete"}],
            "url": "https://api.notion.com/v1/pages", "next_url": null,
            "status_url": "https://api.notion.com.example/v1/x",
        });
        let shown = readdress(answer.to_string().into(), "https://api.notion.com", "https://gate");
        let shown: Value = serde_json::from_slice(&shown).unwrap();
        assert_eq!(shown["upload_url"], "https://gate/v1/file_uploads/x/send");
        assert_eq!(shown["results"][0]["complete_url"], "https://gate/v1/file_uploads/x/complete");
        for same in ["url", "next_url", "status_url"] {
            assert_eq!(shown[same], answer[same]);
        }
        let whole = Bytes::from_static(b"{ \"id\": 1.0 }");
        assert_eq!(readdress(whole.clone(), "https://api.notion.com", "https://gate"), whole);
    }
}
