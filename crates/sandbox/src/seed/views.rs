//! Views of the demo's databases, beside the one that each has by itself. Written last, so that the
//! ids of all else do not depend on them.

use http::Method;
use serde_json::json;

use super::author::Author;
use super::engineering::Engineering;

pub(super) fn write(author: &mut Author, engineering: &Engineering) {
    let by_status = json!({"type": "status", "property_id": "Status", "group_by": "option",
        "sort": {"type": "manual"}});
    for (name, rest) in [
        (
            "By status",
            json!({"type": "board", "configuration": {"type": "board", "group_by": by_status,
                "properties": [
                    {"property_id": "Task", "visible": true},
                    {"property_id": "Priority", "visible": true},
                    {"property_id": "Assignee", "visible": true}]}}),
        ),
        (
            "Calendar",
            json!({"type": "calendar",
                "configuration": {"type": "calendar", "date_property_id": "Due",
                    "view_range": "month", "show_weekends": false}}),
        ),
        (
            "Urgent",
            json!({"type": "table",
                "filter": {"and": [
                    {"property": "Priority", "select": {"equals": "High"}},
                    {"property": "Reviewed", "checkbox": {"equals": false}}]},
                "sorts": [{"property": "Due", "direction": "ascending"}]}),
        ),
    ] {
        let mut body = rest;
        body["name"] = name.into();
        body["database_id"] = json!(engineering.database);
        body["data_source_id"] = json!(engineering.tasks);
        author.send(Method::POST, "/v1/views", &body);
    }
}
