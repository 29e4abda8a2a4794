//! The row of an entry.

use jiff::fmt::temporal::DateTimePrinter;
use ledger::Entry;
use serde_json::{Value, json};

use super::target::{ENTRY, Target};

/// The longest text that Notion takes in one piece.
const TEXT_MAX: usize = 2000;

/// The page that an entry becomes.
pub(super) fn page(target: &Target, entry: &Entry) -> Value {
    let text = |text: String| json!([{ "type": "text", "text": { "content": text } }]);
    let mut properties = json!({
        "Action": { "title": text(action(entry)) },
        "User": { "rich_text": text(user(entry)) },
        "Result": { "select": { "name": entry.result.as_str() } },
        "Resource": { "rich_text": text(resource(entry)) },
        "Timestamp": { "date": { "start": timestamp(entry) } },
    });
    if target.has_entry {
        properties[ENTRY] = json!({ "number": entry.seq });
    }
    let parent = json!({ "type": "data_source_id", "data_source_id": target.data_source });
    json!({ "parent": parent, "properties": properties })
}

/// Finds rows that may be of an entry.
pub(super) fn filter(target: &Target, entry: &Entry) -> Value {
    if target.has_entry {
        json!({ "property": ENTRY, "number": { "equals": entry.seq } })
    } else {
        json!({ "property": "Timestamp", "date": { "equals": timestamp(entry) } })
    }
}

/// Whether a row shows what the entry says.
pub(super) fn shows(page: &Value, entry: &Entry) -> bool {
    let property = |name: &str| &page["properties"][name];
    let text = |value: &Value| -> String {
        let pieces = value.as_array().into_iter().flatten();
        pieces.filter_map(|piece| piece["plain_text"].as_str()).collect()
    };
    text(&property("Action")["title"]) == action(entry)
        && text(&property("User")["rich_text"]) == user(entry)
        && text(&property("Resource")["rich_text"]) == resource(entry)
        && property("Result")["select"]["name"] == entry.result.as_str()
}

fn action(entry: &Entry) -> String {
    bounded(format!("{} {}", entry.action, entry.operation))
}

fn user(entry: &Entry) -> String {
    bounded(entry.principal.clone())
}

fn resource(entry: &Entry) -> String {
    bounded(format!("{} {}", entry.resource.kind, entry.resource.id).trim_end().to_owned())
}

fn timestamp(entry: &Entry) -> String {
    const PRINTER: DateTimePrinter = DateTimePrinter::new().precision(Some(3));
    PRINTER.timestamp_to_string(&entry.at)
}

fn bounded(text: String) -> String {
    // Notion counts in UTF-16.
    let mut left = TEXT_MAX;
    let fits = |c: &char| {
        let fits = left.checked_sub(c.len_utf16());
        left = fits.unwrap_or(0);
        fits.is_some()
    };
    text.chars().take_while(fits).collect()
}

#[cfg(test)]
mod tests {
    use ledger::{Chain, Draft, Head, Outcome, Resource};
    use notion::Id;

    use super::*;

    #[test]
    fn a_row_is_known_again() {
        let mut chain = Chain::after(Head::START);
        let mut draft = Draft {
            at: "2026-01-02T03:04:05.678901Z".parse().unwrap(),
            principal: "😀".repeat(3000),
            tenant: "default".into(),
            connection: String::new(),
            action: "write_denied".into(),
            operation: "patch-page".into(),
            resource: Resource { kind: "page".into(), id: "x".into() },
            result: Outcome::Denied,
            reason: Some("role".into()),
            request_id: String::new(),
            metadata: [].into(),
        };
        let entry = chain.append(draft.clone());
        let data_source = Id::parse("0a1b2c3d-4e5f-4a6b-8c7d-9e0f1a2b3c4d").unwrap();
        let mut target = Target { data_source, has_entry: true };
        let page = page(&target, &entry);
        let properties = &page["properties"];
        assert_eq!(properties["Timestamp"]["date"]["start"], "2026-01-02T03:04:05.678Z");
        assert_eq!(properties["Entry"]["number"], 1);
        let name = properties["User"]["rich_text"][0]["text"]["content"].as_str().unwrap();
        assert_eq!(name.encode_utf16().count(), TEXT_MAX);
        assert_eq!(filter(&target, &entry)["number"]["equals"], 1);
        target.has_entry = false;
        assert_eq!(filter(&target, &entry)["date"]["equals"], "2026-01-02T03:04:05.678Z");

        // As Notion answers it.
        let mut answered = page.clone();
        for (name, kind) in [("Action", "title"), ("User", "rich_text"), ("Resource", "rich_text")]
        {
            let piece = &mut answered["properties"][name][kind][0];
            piece["plain_text"] = piece["text"]["content"].clone();
        }
        assert!(shows(&answered, &entry));
        draft.result = Outcome::Success;
        assert!(!shows(&answered, &chain.append(draft)));
        assert!(!shows(&Value::Null, &entry));
    }
}
