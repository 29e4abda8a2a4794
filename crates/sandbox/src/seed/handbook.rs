//! The demo's handbook: prose with every common sort of block.

use notion::Id;
use serde_json::json;

use super::Team;
use super::author::Author;
use super::words::{
    bold, bookmark, bullet, callout, code, columns, contents, divider, equation, heading, image,
    linked, mention_person, paragraph, quote, rich, run, step, synced, synced_copy, table, to_do,
    toggle,
};

pub(super) fn write(author: &mut Author, root: Id, team: &Team) {
    let handbook = author.page(
        &json!({"page_id": root}),
        "Handbook",
        "📘",
        vec![contents(), paragraph("How we work at Acme. If something here is wrong, change it.")],
    );
    let parent = json!({"page_id": handbook});

    let onboarding = author.page(
        &parent,
        "Onboarding",
        "🚀",
        vec![
            heading(1, "Your first week"),
            rich(&json!([
                run("Welcome! Your buddy is "),
                mention_person(team.ben),
                run(". Ask them "),
                bold("anything"),
                run("; the "),
                linked("glossary", "https://acme.example/glossary"),
                run(" helps as well."),
            ])),
            to_do("Get a laptop and a badge", true),
            to_do("Read the handbook", true),
            to_do("Ship something small", false),
            toggle(
                "Accounts that you need",
                vec![
                    toggle("Everybody", vec![bullet("Mail"), bullet("Chat"), bullet("Notion")]),
                    toggle("Engineers", vec![bullet("Git host"), bullet("Pager")]),
                ],
            ),
            columns(vec![
                vec![heading(3, "Do"), bullet("Ask early"), bullet("Write it down")],
                vec![heading(3, "Don't"), bullet("Work weekends"), bullet("Suffer in silence")],
            ]),
        ],
    );
    let made = author.append(
        onboarding,
        vec![synced(vec![callout("📞", "Office hours: Tuesdays and Thursdays, 14:00 to 15:00.")])],
    );
    author.page(
        &parent,
        "Ways of working",
        "🧭",
        vec![
            heading(2, "Principles"),
            step("Write first, meet second."),
            step("Small changes, often."),
            step("Blame the process, not the person."),
            quote("If it hurts, do it more often."),
            divider(),
            heading(2, "Little's law"),
            equation("L = \\lambda W"),
            paragraph("So limit the work in progress."),
        ],
    );
    let ways = author.page(
        &parent,
        "Travel policy",
        "✈️",
        vec![
            paragraph("Trains before planes, where it takes less than six hours."),
            table(&[
                &["City", "Hotel per night", "Daily allowance"],
                &["Berlin", "140", "38"],
                &["London", "190", "52"],
                &["Lisbon", "120", "35"],
            ]),
        ],
    );
    author.append(ways, made.into_iter().map(synced_copy).collect());
    author.page(
        &parent,
        "Security",
        "🛡️",
        vec![
            callout("⚠️", "Report incidents to security@acme.example at once."),
            code("bash", "gpg --verify release.sig release.tar.gz"),
            bookmark("https://owasp.org/www-project-top-ten/"),
            image("https://acme.example/badge.png", "Wear your badge"),
        ],
    );
    author.thread(
        &json!({"page_id": onboarding}),
        &[
            (team.dmitri, "Should the buddy be someone from another team?"),
            (team.chloe, "Yes, let us try that in March."),
        ],
    );
}
