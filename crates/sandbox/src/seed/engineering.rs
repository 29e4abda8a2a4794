//! The demo's engineering area: runbooks, and the tasks with a property of every type.

use notion::Id;
use serde_json::{Value, json};

use super::Team;
use super::author::Author;
use super::words::{
    bullet, callout, code, heading, mention_day, mention_person, paragraph, rich, run, step, text,
    to_do,
};

/// What others refer to.
#[derive(Clone, Copy, Debug)]
pub(super) struct Engineering {
    pub(super) page: Id,
    pub(super) database: Id,
    pub(super) tasks: Id,
}

/// Title, status, priority, estimate, due day, tags, done.
type Task =
    (&'static str, &'static str, &'static str, f64, &'static str, &'static [&'static str], bool);

const TASKS: [Task; 25] = [
    ("Rotate the signing keys", "Done", "High", 3.0, "2026-01-16", &["security"], true),
    ("Upgrade the database to 17", "In progress", "High", 8.0, "2026-02-13", &["infra"], false),
    ("Fix the flaky checkout test", "Done", "Medium", 2.0, "2026-01-20", &["bug", "tests"], true),
    ("Write the incident review", "Done", "Medium", 1.0, "2026-01-23", &["docs"], true),
    (
        "Move images to the new bucket",
        "In progress",
        "Medium",
        5.0,
        "2026-02-20",
        &["infra"],
        false,
    ),
    ("Rate limits for the public API", "Not started", "High", 8.0, "2026-03-06", &["api"], false),
    ("Delete the old search index", "Not started", "Low", 1.0, "2026-03-13", &["infra"], false),
    ("Dark mode for the dashboard", "Backlog", "Low", 5.0, "", &["frontend"], false),
    ("Accessible colours in charts", "Backlog", "Medium", 3.0, "", &["frontend", "bug"], false),
    ("Export as CSV", "In review", "Medium", 3.0, "2026-02-06", &["api"], false),
    ("Paginate the audit log", "In review", "High", 2.0, "2026-02-03", &["api", "bug"], false),
    ("Document the webhook retries", "Not started", "Low", 1.0, "2026-03-20", &["docs"], false),
    ("Replace the cron host", "Blocked", "High", 5.0, "2026-02-27", &["infra"], false),
    (
        "Alert on certificate expiry",
        "Done",
        "High",
        1.0,
        "2026-01-30",
        &["security", "infra"],
        true,
    ),
    ("Invoice PDF layout", "In progress", "Medium", 3.0, "2026-02-18", &["frontend"], false),
    ("Threat model for uploads", "Not started", "High", 5.0, "2026-03-03", &["security"], false),
    ("Trim the docker image", "Backlog", "Low", 2.0, "", &["infra"], false),
    ("Translate the e-mails", "Blocked", "Medium", 3.0, "2026-03-10", &["frontend"], false),
    ("Load test of the gateway", "Not started", "Medium", 5.0, "2026-03-17", &["tests"], false),
    ("Remove feature flag “billing-v1”", "Done", "Low", 1.0, "2026-02-02", &["api"], true),
    ("Backup restore drill", "Not started", "High", 3.0, "2026-03-24", &["infra"], false),
    ("Fuzz the importer", "Backlog", "Medium", 5.0, "", &["tests", "security"], false),
    ("Speed up the landing page", "In progress", "Low", 3.0, "2026-02-25", &["frontend"], false),
    ("Move off the old queue", "Not started", "Medium", 8.0, "2026-04-01", &["infra"], false),
    ("Hire a second pair of hands", "Backlog", "High", 0.0, "", &[], false),
];

fn options(all: &[(&str, &str)]) -> Value {
    all.iter().map(|(name, color)| json!({"name": name, "color": color})).collect()
}

fn schema() -> Value {
    json!({
        "Task": {"title": {}},
        "Notes": {"rich_text": {}, "description": "One line, the rest goes on the page"},
        "Estimate": {"number": {"format": "number"}},
        "Priority": {"select": {"options": options(
            &[("High", "red"), ("Medium", "yellow"), ("Low", "gray")])}},
        "Tags": {"multi_select": {"options": options(&[
            ("infra", "blue"), ("api", "purple"), ("frontend", "pink"), ("bug", "red"),
            ("docs", "brown"), ("tests", "green"), ("security", "orange")])}},
        "Status": {"status": {"options": [
            {"name": "Not started", "color": "default", "group": "To-do"},
            {"name": "Backlog", "color": "gray", "group": "To-do"},
            {"name": "Blocked", "color": "red", "group": "In progress"},
            {"name": "In progress", "color": "blue", "group": "In progress"},
            {"name": "In review", "color": "yellow", "group": "In progress"},
            {"name": "Done", "color": "green", "group": "Complete"}]}},
        "Due": {"date": {}},
        "Assignee": {"people": {}},
        "Attachments": {"files": {}},
        "Reviewed": {"checkbox": {}},
        "Pull request": {"url": {}},
        "Contact": {"email": {}},
        "Hotline": {"phone_number": {}},
        "Effort": {"formula": {"expression":
            "if(prop(\"Estimate\") >= 5, \"large\", if(empty(prop(\"Estimate\")), \"none\", \"small\"))"}},
        "Created": {"created_time": {}},
        "Author": {"created_by": {}},
        "Edited": {"last_edited_time": {}},
        "Editor": {"last_edited_by": {}},
        "ID": {"unique_id": {"prefix": "ENG"}},
        "Close": {"button": {}},
        "Checked": {"verification": {}},
        "Site": {"place": {}},
    })
}

pub(super) fn write(author: &mut Author, root: Id, team: &Team) -> Engineering {
    let page = author.page(
        &json!({"page_id": root}),
        "Engineering",
        "🛠️",
        vec![
            callout("🧯", "On call this week: Ben. Pager first, then chat."),
            heading(2, "What we run"),
            bullet("Gateway, importer, billing"),
            bullet("Two regions, one database"),
        ],
    );
    let (database, tasks) = author.database(page, "Tasks", "✅", &schema());
    let blocked = json!({"Blocked by": {
        "relation": {"data_source_id": tasks, "single_property": {}}}});
    author.schema(tasks, &blocked);
    let rows: Vec<Id> = (0..TASKS.len()).map(|index| row(author, tasks, index, team)).collect();
    for (task, by) in [(12, 4), (17, 14), (18, 5), (23, 1)] {
        author.values(rows[task], &json!({"Blocked by": {"relation": [{"id": rows[by]}]}}));
    }
    details(author, &rows, team);
    runbooks(author, page, team);
    Engineering { page, database, tasks }
}

fn row(author: &mut Author, tasks: Id, index: usize, team: &Team) -> Id {
    let (title, status, priority, estimate, due, tags, done) = TASKS[index];
    let tags: Vec<Value> = tags.iter().map(|tag| json!({"name": tag})).collect();
    let mut values = json!({
        "Task": {"title": text(title)},
        "Status": {"status": {"name": status}},
        "Priority": {"select": {"name": priority}},
        "Tags": {"multi_select": tags},
        "Reviewed": {"checkbox": done},
        "Assignee": {"people": [{"id": team.pick(index)}]},
    });
    if estimate > 0.0 {
        values["Estimate"] = json!({"number": estimate});
    }
    if !due.is_empty() {
        values["Due"] = json!({"date": {"start": due}});
    }
    author.row(tasks, &values, Vec::new())
}

fn details(author: &mut Author, rows: &[Id], team: &Team) {
    author.values(
        rows[0],
        &json!({
            "Notes": {"rich_text": [{"text": {"content": "Done on a "}},
                {"text": {"content": "Friday"}, "annotations": {"italic": true}}]},
            "Pull request": {"url": "https://git.acme.example/acme/gateway/pull/812"},
            "Contact": {"email": "security@acme.example"},
            "Hotline": {"phone_number": "+49 30 5550 123"},
            "Attachments": {"files": [{"name": "keys.pdf",
                "external": {"url": "https://acme.example/files/keys.pdf"}}]},
            "Site": {"place": {"lat": 52.52, "lon": 13.405, "name": "Berlin office",
                "address": "Berlin, Germany"}},
            "Due": {"date": {"start": "2026-01-16T09:00:00+01:00",
                "end": "2026-01-16T17:00:00+01:00"}},
            "Checked": {"verification": {"state": "verified"}},
        }),
    );
    author.append(
        rows[0],
        vec![
            heading(2, "Steps"),
            step("Make the new keys offline"),
            step("Publish them next to the old ones"),
            step("Wait a week, then remove the old ones"),
            code("bash", "openssl genpkey -algorithm ed25519 -out signing.pem"),
        ],
    );
    let made = author.append(
        rows[1],
        vec![
            paragraph("Version 15 ends in November. We skip 16."),
            to_do("Rehearse on staging", true),
            to_do("Announce the window", false),
        ],
    );
    if let Some(first) = made.first() {
        let about = json!({"block_id": first});
        author.thread(&about, &[(team.ada, "Why skip 16?"), (team.ben, "One outage, not two.")]);
    }
    author.thread(
        &json!({"page_id": rows[5]}),
        &[(team.eve, "A customer asked for this again, please raise it.")],
    );
    author.by(team.ben);
}

fn runbooks(author: &mut Author, page: Id, team: &Team) {
    let runbooks = author.page(
        &json!({"page_id": page}),
        "Runbooks",
        "📓",
        vec![paragraph("One page per alarm. Short sentences: it is three in the morning.")],
    );
    let parent = json!({"page_id": runbooks});
    for (title, first, then) in [
        ("The queue is full", "Look at the oldest message.", "Scale the importer to four."),
        ("Payments fail", "Check the provider's status page.", "Switch to the second provider."),
        ("Disk almost full", "Delete old builds.", "Grow the volume by half."),
    ] {
        author.page(&parent, title, "🚨", vec![step(first), step(then), step("Tell the team.")]);
    }
    author.page(
        &json!({"page_id": page}),
        "On-call handover",
        "🔁",
        vec![rich(&json!([
            run("From "),
            mention_person(team.ben),
            run(" to "),
            mention_person(team.dmitri),
            run(" on "),
            mention_day("2026-02-09"),
        ]))],
    );
}

const BUG_REPORT: &str = "\
> Found by <mention-template value=\"me\"/> on <mention-template value=\"today\"/>
## What happens
<empty-block/>
## What should happen
<empty-block/>
## How to see it
1. Open …
2. Click …
- [ ] A test that fails
- [ ] The cause is known";

const CHORE: &str = "\
- [ ] Say when it is done
- [ ] Do it
- [ ] Tell <mention-template value=\"me\"/>";

/// What tasks are begun with.
pub(super) fn templates(author: &mut Author, tasks: Id) {
    author.template(tasks, "Bug report", BUG_REPORT, true);
    author.template(tasks, "Chore", CHORE, false);
}
