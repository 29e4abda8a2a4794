//! The demo's projects: related to the tasks of another area, in both directions, with rollups.

use notion::Id;
use serde_json::{Value, json};

use super::Team;
use super::author::Author;
use super::engineering::Engineering;
use super::words::{heading, paragraph, text};

pub(super) fn write(author: &mut Author, root: Id, engineering: &Engineering, team: &Team) {
    let schema = json!({
        "Project": {"title": {}},
        "Tasks": {"relation": {"data_source_id": engineering.tasks,
            "dual_property": {"synced_property_name": "Project"}}},
        "Lead": {"people": {}},
        "Phase": {"select": {"options": [
            {"name": "Idea", "color": "gray"}, {"name": "Active", "color": "green"},
            {"name": "Shipped", "color": "blue"}]}},
        "Budget": {"number": {"format": "euro"}},
        "Period": {"date": {}},
    });
    let (_, projects) = author.database(root, "Projects", "🎯", &schema);
    author.schema(
        projects,
        &json!({
            "Number of tasks": {"rollup": {"relation_property_name": "Tasks",
                "rollup_property_name": "Task", "function": "count"}},
            "Effort": {"rollup": {"relation_property_name": "Tasks",
                "rollup_property_name": "Estimate", "function": "sum"}},
            "Reviewed": {"rollup": {"relation_property_name": "Tasks",
                "rollup_property_name": "Reviewed", "function": "percent_checked"}},
            "Next due": {"rollup": {"relation_property_name": "Tasks",
                "rollup_property_name": "Due", "function": "earliest_date"}},
            "Task names": {"rollup": {"relation_property_name": "Tasks",
                "rollup_property_name": "Task", "function": "show_original"}},
        }),
    );
    author.schema(
        engineering.tasks,
        &json!({"Project lead": {"rollup": {"relation_property_name": "Project",
            "rollup_property_name": "Lead", "function": "show_original"}}}),
    );
    let tasks = tasks(author, engineering.tasks);
    for (index, (title, phase, budget, period, from, to)) in [
        ("Trustworthy platform", "Active", 40_000, Some(("2026-01-01", "2026-06-30")), 0, 6),
        ("Self-service API", "Active", 25_500, Some(("2026-02-01", "2026-04-30")), 6, 12),
        ("New look", "Idea", 12_000, None, 12, 16),
        ("Quiet nights", "Shipped", 8_000, Some(("2025-10-01", "2025-12-19")), 16, 18),
        ("Office move", "Idea", 95_000, None, 0, 0),
    ]
    .into_iter()
    .enumerate()
    {
        let related: Vec<Value> =
            tasks.get(from..to).unwrap_or_default().iter().map(|id| json!({"id": id})).collect();
        let mut values = json!({
            "Project": {"title": text(title)},
            "Phase": {"select": {"name": phase}},
            "Budget": {"number": budget},
            "Lead": {"people": [{"id": team.pick(index + 2)}]},
            "Tasks": {"relation": related},
        });
        if let Some((start, end)) = period {
            values["Period"] = json!({"date": {"start": start, "end": end}});
        }
        let content = vec![heading(2, "Why"), paragraph("Because our customers asked for it.")];
        author.row(projects, &values, content);
    }
}

/// The tasks, oldest first.
fn tasks(author: &mut Author, source: Id) -> Vec<Id> {
    let body = json!({"sorts": [{"timestamp": "created_time", "direction": "ascending"}]});
    let path = format!("/v1/data_sources/{source}/query");
    let answer = author.send(http::Method::POST, &path, &body);
    let results = answer["results"].as_array().into_iter().flatten();
    results.filter_map(|page| page["id"].as_str().and_then(Id::parse)).collect()
}
