//! The demo's finance area: outside engineering, with a database of two tables.

use notion::Id;
use serde_json::json;

use super::Team;
use super::author::Author;
use super::words::{callout, heading, paragraph, table, text};

pub(super) fn write(author: &mut Author, root: Id, team: &Team) -> Id {
    let finance = author.page(
        &json!({"page_id": root}),
        "Finance",
        "💶",
        vec![
            callout("🤫", "Numbers here are not for customers."),
            table(&[&["Quarter", "Revenue"], &["Q3 2025", "1.21 M"], &["Q4 2025", "1.34 M"]]),
        ],
    );
    let parent = json!({"page_id": finance});
    author.page(
        &parent,
        "Budget 2026",
        "📊",
        vec![heading(2, "Assumptions"), paragraph("Ten percent growth, two new hires.")],
    );
    author.page(&parent, "Auditors", "🔎", vec![paragraph("They come in March.")]);
    let (database, invoices) = author.database(
        finance,
        "Ledger",
        "📒",
        &json!({
            "Invoice": {"title": {}},
            "Amount": {"number": {"format": "euro"}},
            "Paid": {"checkbox": {}},
            "Owner": {"people": {}},
        }),
    );
    let suppliers = author.table(
        database,
        "Suppliers",
        &json!({"Supplier": {"title": {}}, "E-mail": {"email": {}}, "Web": {"url": {}}}),
    );
    for (name, amount, paid) in [
        ("2026-001 Hosting", 4120.5, true),
        ("2026-002 Coffee", 318.0, true),
        ("2026-003 Chairs", 2699.9, false),
    ] {
        author.row(
            invoices,
            &json!({
                "Invoice": {"title": text(name)},
                "Amount": {"number": amount},
                "Paid": {"checkbox": paid},
                "Owner": {"people": [{"id": team.eve}]},
            }),
            Vec::new(),
        );
    }
    for (name, mail) in
        [("Cloud Nine", "billing@cloudnine.example"), ("Bean There", "hi@beans.example")]
    {
        author.row(
            suppliers,
            &json!({"Supplier": {"title": text(name)}, "E-mail": {"email": mail}}),
            Vec::new(),
        );
    }
    finance
}
