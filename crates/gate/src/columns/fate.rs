//! What becomes of values and of the schema of columns: shown, emptied, or taken out.

use serde_json::{Map, Value};

use super::judge::{JudgedColumn, Text};
use super::schema::{Column, is_own, kind_of};
use super::{Columns, mask};

/// The type of the column that names the page everywhere, so that it always exists.
const TITLE: &str = "title";

type Members = Map<String, Value>;

/// The texts of a row that visible columns are computed from, by the ids of their columns.
pub(super) fn texts_of(columns: &Columns, properties: &Members) -> Vec<String> {
    let mut all = Vec::new();
    for value in properties.values().filter_map(Value::as_object) {
        let kind = kind_of(value);
        let id = value.get("id").and_then(Value::as_str).unwrap_or_default();
        if !is_own(kind)
            && let Some(Text::Own(texts)) =
                columns.known(id, kind, None).and_then(|it| it.text.as_ref())
        {
            all.extend(
                texts.iter().filter(|text| !all.contains(*text)).cloned().collect::<Vec<_>>(),
            );
        }
    }
    all
}

/// What becomes of a value or of the schema of a column.
enum Fate<'a> {
    Hidden,
    Masked(&'a Column),
    /// Shown; with the text that it is computed from, if it is.
    Shown(Option<&'a Text>),
}

/// The columns of a table, as far as the caller sees them.
#[derive(Clone, Copy)]
pub(super) struct Shown<'a> {
    /// None, if the page is no row, or its table cannot be found out.
    pub(super) columns: Option<&'a Columns>,
    /// Whether policies about columns could apply to the caller.
    pub(super) ruled: bool,
    /// Whether rows leave out what is empty, as the oldest versions do: a value that is there would say that
    /// somebody filled it in.
    pub(super) omits_empty: bool,
}

impl<'a> Shown<'a> {
    /// What becomes of an entry of `properties`, or (without a name) of one property alone.
    fn fate(self, name: Option<&str>, entry: &Members) -> Fate<'a> {
        let kind = kind_of(entry);
        if is_own(kind) && (!self.ruled || kind == TITLE) {
            return Fate::Shown(None);
        }
        let id = entry.get("id").and_then(Value::as_str).unwrap_or_default();
        match self.columns.and_then(|columns| columns.known(id, kind, name)) {
            Some(JudgedColumn { column, text: Some(text), mask, .. }) => match mask {
                Some(_) => Fate::Masked(column),
                None => Fate::Shown((!is_own(kind)).then_some(text)),
            },
            _ => Fate::Hidden,
        }
    }

    /// Whether the table has other columns by now than those that are known.
    pub(super) fn is_outdated(self, properties: &Members) -> bool {
        let Some(columns) = self.columns.filter(|_| self.ruled) else { return false };
        properties.iter().any(|(name, entry)| {
            let Some(entry) = entry.as_object() else { return false };
            let id = entry.get("id").and_then(Value::as_str).unwrap_or_default();
            columns.known(id, kind_of(entry), Some(name)).is_none()
        })
    }
}

/// Takes values out of the `properties` of a page, and empties those that are masked.
///
/// What is computed from a text that is not in `clear` would repeat what the text says of what the caller
/// does not see.
pub(super) fn cut_values(shown: Shown<'_>, properties: &mut Members, clear: &[String]) {
    properties.retain(|name, value| {
        let Some(value) = value.as_object_mut() else { return false };
        match shown.fate(Some(name), value) {
            Fate::Hidden => false,
            Fate::Masked(_) if shown.omits_empty => false,
            Fate::Masked(column) => {
                mask::value(column, value);
                true
            }
            Fate::Shown(Some(Text::Own(texts))) => texts.iter().all(|text| clear.contains(text)),
            Fate::Shown(_) => true,
        }
    });
}

/// Takes columns out of the `properties` of a table.
pub(super) fn cut_schema(shown: Shown<'_>, properties: &mut Members) {
    properties.retain(|name, entry| {
        let Some(entry) = entry.as_object_mut() else { return false };
        match shown.fate(Some(name), entry) {
            Fate::Hidden => false,
            Fate::Masked(column) => {
                mask::schema(column, entry);
                true
            }
            Fate::Shown(_) => true,
        }
    });
}

/// Cuts down an answer about one property of a page; whether it may be shown at all.
pub(super) fn cut_item(shown: Shown<'_>, answer: &mut Value) -> bool {
    let item = answer.get("property_item").unwrap_or(answer).as_object();
    match item.map_or(Fate::Hidden, |item| shown.fate(None, item)) {
        Fate::Hidden => false,
        Fate::Masked(column) => {
            if let Some(answer) = answer.as_object_mut() {
                mask::item(column, answer);
            }
            true
        }
        Fate::Shown(_) => true,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use std::sync::Arc;

    use notion::Id;
    use policy::{Rule, Showing};

    use super::super::answer::whole_text;
    use super::super::judge::Known;
    use super::super::schema::Schema;
    use super::*;

    fn id(number: u8) -> Id {
        Id::parse(&format!("00000000-0000-4000-8000-0000000000{number:02x}")).unwrap()
    }

    fn schema() -> Value {
        json!({
            "Name": {"id": "title", "type": "title", "title": {}},
            "In": {"id": "i%3B", "type": "relation", "relation": {"data_source_id": id(2), "database_id": id(12)}},
            "Out": {"id": "o", "type": "relation", "relation": {"data_source_id": id(3), "database_id": id(13)}},
            "Loud": {"id": "l", "type": "formula", "formula": {"expression": "upper(prop(\"Name\"))"}},
            "Odd": {"id": "x", "type": "hologram", "hologram": {}},
        })
    }

    fn columns() -> Columns {
        let mut known = Known::default();
        known
            .put_schema(id(1), Schema::read(id(1), &json!({"properties": schema()})).map(Arc::new));
        for (number, inside) in [(1, true), (2, true), (3, false)] {
            known.put_place(id(number), inside);
        }
        Columns { all: known.judge(id(1)).unwrap(), ruled: false }
    }

    fn names(properties: &Value) -> Vec<&str> {
        properties.as_object().unwrap().keys().map(String::as_str).collect()
    }

    #[test]
    fn values_of_hidden_columns_go() {
        let row = |title: Value| {
            json!({
                "Name": {"id": "title", "type": "title", "title": title},
                "In": {"id": "i%3B", "type": "relation", "relation": [], "has_more": false},
                "Out": {"id": "o", "type": "relation", "relation": [{"id": id(9)}]},
                "Loud": {"id": "l", "type": "formula", "formula": {"type": "string", "string": "X"}},
                "Disguised": {"id": "i%3B", "type": "rollup", "rollup": {}},
                "Stranger": {"id": "new", "type": "formula", "formula": {}},
                "Odd": {"id": "x", "type": "hologram", "hologram": 1},
                "Bare": 7,
            })
        };
        let cut = |columns: Option<&Columns>, title: Value| {
            let mut row = row(title);
            let properties = row.as_object_mut().unwrap();
            let is_clear = |text: &str| {
                let value = properties.values().find(|value| value["id"] == text).unwrap();
                whole_text(value).is_some_and(|runs| runs.iter().all(|run| run["secret"] == false))
            };
            let texts = columns.map(|columns| texts_of(columns, properties)).unwrap_or_default();
            let clear: Vec<String> = texts.into_iter().filter(|text| is_clear(text)).collect();
            cut_values(Shown { columns, ruled: false, omits_empty: false }, properties, &clear);
            row
        };
        let columns = columns();
        assert_eq!(names(&cut(Some(&columns), json!([{"secret": false}]))), ["Name", "In", "Loud"]);
        assert_eq!(names(&cut(Some(&columns), json!([{"secret": true}]))), ["Name", "In"]);
        // More than is shown may be in it.
        let many = vec![json!({"secret": false}); 25];
        assert_eq!(names(&cut(Some(&columns), json!(many))), ["Name", "In"]);
        assert_eq!(names(&cut(None, json!([]))), ["Name"]);
    }

    #[test]
    fn schemas_show_what_exists() {
        let mut shown = schema();
        cut_schema(
            Shown { columns: Some(&columns()), ruled: false, omits_empty: false },
            shown.as_object_mut().unwrap(),
        );
        assert_eq!(names(&shown), ["Name", "In", "Loud"]);
    }

    #[test]
    fn one_property_is_shown_or_not() {
        let columns = columns();
        for (mut answer, shown) in [
            (json!({"object": "property_item", "type": "number", "id": "n"}), true),
            (json!({"object": "list", "property_item": {"type": "relation", "id": "i%3B"}}), true),
            (json!({"object": "list", "property_item": {"type": "relation", "id": "o"}}), false),
            (json!({"object": "property_item", "type": "hologram", "id": "x"}), false),
            (json!({}), false),
        ] {
            let whole = answer.clone();
            let columns = Shown { columns: Some(&columns), ruled: false, omits_empty: false };
            assert_eq!(cut_item(columns, &mut answer), shown, "{answer}");
            assert_eq!(answer, whole);
        }
    }

    /// The same, where a policy hides the first column of these and masks the second.
    fn ruled(hidden: &str, masked: &str) -> Columns {
        let object = json!({"properties": {
            "Name": {"id": "title", "type": "title", "title": {}},
            "Pay": {"id": "p", "type": "number", "number": {}},
            "Grade": {"id": "g", "type": "select", "select": {"options": [{"name": "high"}]}},
            "Since": {"id": "s", "type": "created_time", "created_time": {}},
            "Odd": {"id": "x", "type": "hologram", "hologram": {}},
        }});
        let schema = Schema::read(id(1), &object).unwrap();
        let rule = Rule { id: "pay".into(), says: "".into(), own: true };
        let rulings = schema.columns.iter().map(|column| match column.name.as_str() {
            name if name == hidden => Showing::Hidden(None),
            name if name == masked => Showing::Masked(rule.clone()),
            _ => Showing::Whole,
        });
        let mut known = Known::of(true, true);
        known.put_rulings(id(1), rulings.collect());
        known.put_place(id(1), true);
        known.put_schema(id(1), Some(Arc::new(schema)));
        Columns { all: known.judge(id(1)).unwrap(), ruled: true }
    }

    #[test]
    fn policies_hide_and_mask_what_is_the_rows_own() {
        let row = json!({
            "Name": {"id": "title", "type": "title", "title": [{"plain_text": "Ada"}]},
            "Pay": {"id": "p", "type": "number", "number": 7},
            "Grade": {"id": "g", "type": "select", "select": {"name": "high"}},
            "Since": {"id": "s", "type": "created_time", "created_time": "2026-01-01"},
            "Odd": {"id": "x", "type": "hologram", "hologram": 1},
            "Stranger": {"id": "new", "type": "number", "number": 1},
        });
        let cut = |columns: &Columns| {
            let mut row = row.clone();
            let columns = Some(columns);
            cut_values(
                Shown { columns, ruled: true, omits_empty: false },
                row.as_object_mut().unwrap(),
                &[],
            );
            row
        };
        let shown = cut(&ruled("Pay", "Grade"));
        assert_eq!(names(&shown), ["Name", "Grade", "Since"]);
        assert_eq!(shown["Grade"], json!({"id": "g", "type": "select", "select": null}));
        // What always has a value cannot be masked, so it is hidden.
        assert_eq!(names(&cut(&ruled("", "Since"))), ["Name", "Pay", "Grade"]);
        // Where empty values are left out, one that is there says that it is not.
        let columns = ruled("Pay", "Grade");
        let oldest = Shown { columns: Some(&columns), ruled: true, omits_empty: true };
        let mut old = row.clone();
        cut_values(oldest, old.as_object_mut().unwrap(), &[]);
        assert_eq!(names(&old), ["Name", "Since"]);
        // Under another name, another policy might apply.
        let renamed = json!({"Wage": {"id": "p", "type": "number", "number": 7}});
        let columns = ruled("", "");
        let shown = Shown { columns: Some(&columns), ruled: true, omits_empty: false };
        assert!(shown.is_outdated(renamed.as_object().unwrap()));
        let mut cut = renamed.clone();
        cut_values(shown, cut.as_object_mut().unwrap(), &[]);
        assert_eq!(cut, json!({}));
        // Whose columns they are could not be found out.
        let mut alone = row.clone();
        let nobody = Shown { columns: None, ruled: true, omits_empty: false };
        cut_values(nobody, alone.as_object_mut().unwrap(), &[]);
        assert_eq!(names(&alone), ["Name"]);
    }

    #[test]
    fn of_masked_columns_the_options_go_and_their_items_are_empty() {
        let columns = ruled("Pay", "Grade");
        let shown = Shown { columns: Some(&columns), ruled: true, omits_empty: false };
        let mut schema = json!({
            "Pay": {"id": "p", "type": "number", "number": {}},
            "Grade": {"id": "g", "type": "select", "select": {"options": [{"name": "high"}]}},
        });
        cut_schema(shown, schema.as_object_mut().unwrap());
        let grade = json!({"Grade": {"id": "g", "type": "select", "select": {"options": []}}});
        assert_eq!(schema, grade);
        let item = |id: &str, kind: &str| json!({"object": "property_item", "type": kind, "id": id, kind: 1});
        assert!(!cut_item(shown, &mut item("p", "number")));
        let mut grade = item("g", "select");
        assert!(cut_item(shown, &mut grade));
        assert_eq!(grade["select"], Value::Null);
    }
}
