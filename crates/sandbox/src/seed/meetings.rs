//! The demo's meeting notes.

use notion::Id;
use serde_json::{Value, json};

use super::Team;
use super::author::Author;
use super::words::{
    bullet, heading, link, mention_day, mention_page, mention_person, rich, run, to_do,
};

pub(super) fn write(author: &mut Author, root: Id, engineering: Id, team: &Team) {
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
}
