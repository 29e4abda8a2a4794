//! The demo's meeting notes.

use notion::Id;
use serde_json::{Value, json};

use super::Team;
use super::author::Author;
use super::words::{
    bullet, heading, link, mention_day, mention_page, mention_person, paragraph, rich, run, text,
    to_do,
};

/// Gives the last of the pages.
pub(super) fn write(author: &mut Author, root: Id, engineering: Id, team: &Team) -> Id {
    let area = author.page(
        &json!({"page_id": root}),
        "Meeting notes",
        "🗓️",
        vec![rich(&json!([run("Newest on top. Decisions go to their own page.")]))],
    );
    let parent = json!({"page_id": area});
    let mut last = area;
    for (title, day, decisions, tasks) in [
        (
            "Weekly 2026-01-12",
            "2026-01-12",
            ["Keys are rotated this week", "No deploys on Friday"],
            ["Book the room", "Invite Eve"],
        ),
        (
            "Weekly 2026-01-19",
            "2026-01-19",
            ["CSV export goes first", "We hire in spring"],
            ["Write the job advert", "Ask finance for the budget"],
        ),
        (
            "Weekly 2026-01-26",
            "2026-01-26",
            ["Database upgrade on a Sunday", "One outage, not two"],
            ["Announce the window", "Update the status page"],
        ),
    ] {
        let mut content: Vec<Value> = vec![
            rich(&json!([
                run("On "),
                mention_day(day),
                run(" with "),
                mention_person(team.ada),
                run(" and "),
                mention_person(team.eve),
                run(" about "),
                mention_page(engineering),
            ])),
            heading(2, "Decisions"),
        ];
        content.extend(decisions.map(bullet));
        content.push(heading(2, "To do"));
        content.extend(tasks.map(|task| to_do(task, false)));
        last = author.page(&parent, title, "📝", content);
    }
    author.append(area, vec![link(last)]);
    author.thread(
        &json!({"page_id": last}),
        &[(team.dmitri, "Can we move this to the afternoon?"), (team.ada, "Fine with me.")],
    );
    author.by(team.ada);
    last
}

/// The notes that Notion took of a meeting. Written last, so that the ids of all else do not depend
/// on them.
pub(super) fn record(author: &mut Author, page: Id, team: &Team) {
    let tab = |name: &str, children: Vec<Value>| json!({"paragraph": {"rich_text": text(name), "children": children}});
    let summary = vec![
        paragraph("The database moves to the new version on a Sunday."),
        to_do("Announce the window", false),
    ];
    let notes = vec![bullet("Ask finance what the old machine costs")];
    let transcript = vec![
        paragraph("Ada: Shall we do the upgrade on a weekday?"),
        paragraph("Eve: Then we are down twice. On a Sunday it is once."),
    ];
    author.meeting(
        page,
        "Database upgrade",
        vec![tab("Summary", summary), tab("Notes", notes), tab("Transcript", transcript)],
        ["2026-01-26T10:00:00.000Z", "2026-01-26T10:30:00.000Z"],
        &[team.ada, team.eve],
    );
}
