use std::sync::Arc;

use http::Method;
use notion::catalogue::find;
use serde_json::json;

use super::super::Columns;
use super::super::judge::Known;
use super::super::schema::Schema;
use super::*;
use model::Chance;

const ID: &str = "00000000-0000-4000-8000-000000000001";

#[derive(Debug)]
struct Dice;

impl Chance for Dice {
    fn fill(&self, bytes: &mut [u8]) {
        bytes.fill(7);
    }
}

/// What stands in for a short name here.
const OTHER: &str = "777777777777777777777777";

fn columns() -> Columns {
    let id = Id::parse(ID).unwrap();
    let outside = "00000000-0000-4000-8000-000000000002";
    let object = json!({"properties": {
        "Name": {"id": "title", "type": "title"},
        "Notes": {"id": "n%3B", "type": "rich_text"},
        "Points": {"id": "pts", "type": "number"},
        "Secret": {"id": "s%3Bx", "type": "relation", "relation": {"data_source_id": outside}},
        "Own": {"id": "own", "type": "relation", "relation": {"data_source_id": ID}},
        "Names": {"id": "nms", "type": "rollup", "rollup": {
            "relation_property_id": "own", "rollup_property_id": "title", "function": "show_original"}},
        "Loud": {"id": "loud", "type": "formula", "formula": {"expression": "upper(prop(\"Notes\"))"}},
    }});
    let mut known = Known::default();
    known.put_place(id, true);
    known.put_place(Id::parse(outside).unwrap(), false);
    known.put_schema(id, Schema::read(id, &object).map(Arc::new));
    Columns { all: known.judge(id).unwrap(), ruled: false }
}

struct Named {
    query: Option<String>,
    body: Value,
    stand_ins: StandIns,
}

fn named(method: Method, path: &str, query: Option<&str>, body: Value) -> Result<Named, Error> {
    let mut found = find(&method, path).unwrap();
    let (mut query, mut body) = (query.map(str::to_owned), body);
    let columns = columns();
    let mut naming = Naming {
        left: Vec::new(),
        columns: vec![&columns],
        chance: &Dice,
        rows: None,
        stand_ins: StandIns::default(),
    };
    naming.call(&mut Call {
        found: &mut found,
        query: &mut query,
        body: Some(&mut body),
        version: Version::DEFAULT,
    })?;
    let stand_ins = naming.stand_ins;
    Ok(Named { query, body, stand_ins })
}

fn queried(query: Option<&str>, body: Value) -> Named {
    named(Method::POST, &format!("/v1/data_sources/{ID}/query"), query, body).unwrap()
}

#[test]
fn filters_and_sorts_lose_the_names_of_what_does_not_exist() {
    let asked = queried(
        None,
        json!({
            "filter": {"and": [
                {"property": "Secret", "relation": {"contains": ID}},
                {"or": [{"property": "s;x", "relation": {"is_empty": true}}, {"property": "Points", "number": {"equals": 1}}]},
            ]},
            "sorts": [{"property": "s%3Bx", "direction": "ascending"}, {"timestamp": "created_time"}],
        }),
    );
    assert_eq!(
        asked.body,
        json!({
            "filter": {"and": [
                {"property": OTHER, "relation": {"contains": ID}},
                {"or": [{"property": OTHER, "relation": {"is_empty": true}}, {"property": "Points", "number": {"equals": 1}}]},
            ]},
            "sorts": [{"property": OTHER, "direction": "ascending"}, {"timestamp": "created_time"}],
        })
    );
    assert_eq!(asked.stand_ins.pairs.len(), 3, "each by the word that it was called by");
    assert!(asked.stand_ins.texts.is_empty());
}

#[test]
fn the_texts_that_decide_are_known() {
    let asked = queried(
        None,
        json!({
            "filter": {"or": [{"property": "Loud", "formula": {"string": {"contains": "x"}}}]},
            "sorts": [{"property": "Name", "direction": "ascending"}],
        }),
    );
    assert_eq!(asked.stand_ins.texts, ["n%3B", "title"]);
    // Those of other rows cannot be looked through.
    let refused = named(
        Method::POST,
        &format!("/v1/data_sources/{ID}/query"),
        None,
        json!({"filter": {"property": "Names", "rollup": {"any": {"rich_text": {"contains": "x"}}}}}),
    );
    assert!(matches!(refused, Err(Error::Malformed(_))));
}

#[test]
fn filter_properties_name_what_exists_and_what_is_looked_at() {
    let asked =
        queried(Some("filter_properties=Points&page_size=2&filter_properties=Secret"), json!({}));
    assert_eq!(
        asked.query.unwrap(),
        format!("filter_properties=Points&page_size=2&filter_properties={OTHER}")
    );
    let asked = queried(
        Some("filter_properties%5B%5D=loud"),
        json!({"filter": {"property": "Name", "title": {"contains": "x"}}}),
    );
    assert_eq!(
        asked.query.unwrap(),
        "filter_properties%5B%5D=loud&filter_properties%5B%5D=n%253B&filter_properties%5B%5D=title"
    );
    let row = json!({"object": "page", "properties": {
        "Name": {"id": "title"}, "Notes": {"id": "n%3B"}, "Loud": {"id": "loud"},
    }});
    let answer = json!({"object": "list", "results": [row]}).to_string();
    let shown: Value = serde_json::from_slice(&asked.stand_ins.restore(answer.into())).unwrap();
    assert_eq!(shown["results"][0]["properties"], json!({"Loud": {"id": "loud"}}));
    // Nothing is asked for: nothing is added.
    assert_eq!(queried(Some("page_size=2"), json!({})).query.unwrap(), "page_size=2");
}

#[test]
fn values_and_views_cannot_name_it_either() {
    let written = named(
        Method::PATCH,
        &format!("/v1/pages/{ID}"),
        None,
        json!({"properties": {"Points": {"number": 1}, "Secret": {"relation": []}, "New": {}}, "in_trash": false}),
    )
    .unwrap();
    let keys: Vec<_> = written.body["properties"].as_object().unwrap().keys().collect();
    assert_eq!(keys, ["Points", OTHER], "in their places");
    let view = named(
        Method::POST,
        "/v1/views",
        None,
        json!({
            "data_source_id": ID,
            "quick_filters": {"Secret": {"relation": {"is_empty": true}}, "Points": {}},
            "configuration": {"type": "board", "group_by": {"type": "relation", "property_id": "Secret"},
                "properties": [{"property_id": "pts", "visible": true}]},
        }),
    )
    .unwrap();
    assert_eq!(
        view.body["quick_filters"],
        json!({OTHER: {"relation": {"is_empty": true}}, "Points": {}})
    );
    assert_eq!(view.body["configuration"]["group_by"]["property_id"], OTHER);
    assert_eq!(view.body["configuration"]["type"], "board");
    assert_eq!(view.body["configuration"]["properties"][0]["property_id"], "pts");
}

#[test]
fn schemas_change_only_where_the_caller_sees_them() {
    let changed = |properties: Value| {
        let path = format!("/v1/data_sources/{ID}");
        named(Method::PATCH, &path, None, json!({"properties": properties})).map(|it| it.body)
    };
    let kept =
        json!({"Points": {"number": {"format": "euro"}}, "Fresh": {"checkbox": {}}, "Own": null});
    assert_eq!(changed(kept.clone()).unwrap()["properties"], kept);
    assert_eq!(changed(json!({"Secret": null})).unwrap()["properties"], json!({OTHER: null}));
    let renamed = json!({"s%3Bx": {"name": "Mine"}});
    assert_eq!(changed(renamed).unwrap()["properties"], json!({OTHER: {"name": "Mine"}}));
    for taken in ["Secret", " secret", "s;x"] {
        assert!(changed(json!({taken: {"number": {}}})).is_err(), "{taken}");
    }
}

#[test]
fn answers_speak_the_callers_words() {
    let called = "A \"quoted\" \\ name";
    let asked = queried(None, json!({"filter": {"property": called}}));
    let stand_in = asked.body["filter"]["property"].as_str().unwrap();
    let answer = json!({"message": format!("Could not find property with name or id: {stand_in}")});
    let restored: Value =
        serde_json::from_slice(&asked.stand_ins.restore(answer.to_string().into())).unwrap();
    assert_eq!(restored["message"], format!("Could not find property with name or id: {called}"));
}

#[test]
fn notion_is_not_asked_for_templates_by_their_names() {
    let mut query = Some("name=Bug&page_size=2".to_owned());
    let stand_ins = without_name(&mut query);
    assert_eq!(query.as_deref(), Some("page_size=2"));
    assert_eq!(stand_ins.template.as_deref(), Some("bug"));
}

#[test]
fn mentions_are_told_from_what_is_written() {
    let page = json!({"type": "mention", "mention": {"type": "page", "page": {"id": ID}}});
    assert!(matches!(mention(&page), Mention::Object(Kind::Page, _)));
    let day = json!({"type": "mention", "mention": {"type": "date", "date": {}}});
    assert!(matches!(mention(&day), Mention::Nothing));
    assert!(matches!(mention(&json!({"type": "text"})), Mention::Nothing));
    for strange in [
        json!({}),
        json!({"type": "mention", "mention": {"type": "page"}}),
        json!({"type": "mention", "mention": {"type": "hologram"}}),
    ] {
        assert!(matches!(mention(&strange), Mention::Strange), "{strange}");
    }
}
