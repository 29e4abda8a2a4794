//! Text in which something outside is mentioned decides nothing.

use notion::Id;
use serde_json::{Value, json};

use super::{World, row, text};

#[tokio::test]
async fn rows_whose_text_mentions_what_is_outside_are_found_by_no_text() {
    let world = World::start().await;
    let kit = &world.kit;
    let other = kit.get(&kit.admin, &format!("/v1/pages/{}", kit.demo.other_page_id)).await.json();
    let title = other["properties"]["title"]["title"][0]["plain_text"].as_str().unwrap().to_owned();
    let path = format!("/v1/data_sources/{}/query", world.people);
    let (ada, ben) = (world.ada.to_string(), world.ben.to_string());
    let by = |filter: Value| json!({"filter": filter});
    let notes = |condition: Value| json!({"property": "Notes", "rich_text": condition});
    let loud = |condition: Value| json!({"property": "Loud", "formula": {"string": condition}});
    for (body, found) in [
        (by(notes(json!({"contains": title}))), vec![]),
        (by(notes(json!({"does_not_contain": "Zebra"}))), vec![&ada]),
        (by(notes(json!({"is_not_empty": true}))), vec![&ada]),
        (by(loud(json!({"contains": title.to_uppercase()}))), vec![]),
        (
            by(
                json!({"or": [notes(json!({"contains": title})), {"property": "Points", "number": {"equals": 5}}]}),
            ),
            vec![&ada],
        ),
        (json!({"sorts": [{"property": "Notes", "direction": "ascending"}]}), vec![&ada]),
        (json!({"sorts": [{"property": "Name", "direction": "ascending"}]}), vec![&ada, &ben]),
        (by(json!({"property": "Name", "title": {"contains": "Ben"}})), vec![&ben]),
        (by(json!({"property": "Points", "number": {"equals": 5}})), vec![&ben, &ada]),
    ] {
        let rows = kit.post(&world.editor, &path, &body).await;
        assert_eq!(rows.status, 200, "{body}: {}", rows.text());
        assert_eq!(rows.ids().iter().collect::<Vec<_>>(), found, "{body}");
        // Whoever asks for other columns gets these, and the same rows.
        let path = format!("{path}?filter_properties=Points");
        let rows = kit.post(&world.editor, &path, &body).await;
        assert_eq!(rows.ids().iter().collect::<Vec<_>>(), found, "{body}");
        for row in rows.json()["results"].as_array().unwrap() {
            assert_eq!(super::names(row), ["Points"]);
        }
    }
    world.kit.finish().await;
}

#[tokio::test]
async fn pages_stay_full_where_rows_are_left_out() {
    let world = World::start().await;
    let kit = &world.kit;
    for number in 0..5 {
        let notes = match number % 2 {
            0 => text(&format!("note {number}")),
            _ => json!([{"mention": {"page": {"id": kit.demo.other_page_id}}}]),
        };
        let name = format!("Row {number}");
        row(
            kit,
            world.people,
            json!({"Name": {"title": text(&name)}, "Notes": {"rich_text": notes}}),
        )
        .await;
    }
    let path = format!("/v1/data_sources/{}/query", world.people);
    let mut body = json!({
        "filter": {"property": "Notes", "rich_text": {"is_not_empty": true}},
        "sorts": [{"property": "Name", "direction": "ascending"}], "page_size": 2,
    });
    let mut found: Vec<Id> = Vec::new();
    let mut sizes = Vec::new();
    loop {
        let page = kit.post(&world.editor, &path, &body).await;
        assert_eq!(page.status, 200, "{}", page.text());
        sizes.push(page.ids().len());
        found.extend(page.ids().iter().filter_map(|id| Id::parse(id)));
        let next = page.json()["next_cursor"].clone();
        assert_eq!(page.json()["has_more"], !next.is_null());
        if next.is_null() {
            break;
        }
        body["start_cursor"] = next;
    }
    assert_eq!(sizes, [2, 2], "Ada and the three notes");
    found.sort();
    found.dedup();
    assert_eq!(found.len(), 4);
    world.kit.finish().await;
}

#[tokio::test]
async fn templates_go_by_no_name_that_is_not_theirs() {
    let world = World::start().await;
    let kit = &world.kit;
    let source = kit.demo.data_source_id;
    let path = format!("/v1/data_sources/{source}/templates");
    let names = async |query: &str| {
        let list = kit.get(&world.editor, &format!("{path}{query}")).await;
        assert_eq!(list.status, 200, "{}", list.text());
        let all = list.json()["templates"].as_array().cloned().unwrap();
        all.iter().map(|one| one["name"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(names("").await, ["Bug report", "Chore"]);
    assert_eq!(names("?name=bug").await, ["Bug report"]);
    let list = kit.get(&kit.admin, &path).await.json();
    let template = list["templates"][0]["id"].as_str().unwrap();
    let title = json!({"properties": {"Task": {"title": [
        {"text": {"content": "About "}}, {"mention": {"page": {"id": kit.demo.other_page_id}}}]}}});
    kit.as_human("PATCH", &format!("/v1/pages/{template}"), title).await;
    assert_eq!(names("").await, ["Untitled", "Chore"]);
    assert_eq!(names("?name=about").await, Vec::<String>::new());
    world.kit.finish().await;
}
