//! Takes out of answers what columns show that do not exist for the caller.

use std::sync::Arc;

use notion::catalogue::Answer;
use notion::{Effect, Id, Kind};
use serde_json::{Map, Value};
use vault::Label;

use super::Columns;
use super::judge::Text;
use super::schema::{is_own, kind_of};
use crate::Gate;
use crate::error::Error;
use crate::locate::Looking;
use crate::view::{self, Asked, Eyes, UNTITLED};

/// A value in a page object holds so many references; there may be more that it does not show.
const REFERENCES_SHOWN: usize = 25;

type Members = Map<String, Value>;

/// The texts of a row that visible columns are computed from, by the ids of their columns.
fn texts_of(columns: &Columns, properties: &Members) -> Vec<String> {
    let mut all = Vec::new();
    for value in properties.values().filter_map(Value::as_object) {
        let kind = kind_of(value);
        let id = value.get("id").and_then(Value::as_str).unwrap_or_default();
        if !is_own(kind)
            && let Some(Text::Own(texts)) = columns.shows(id, kind)
        {
            all.extend(
                texts.iter().filter(|text| !all.contains(*text)).cloned().collect::<Vec<_>>(),
            );
        }
    }
    all
}

/// Takes values out of the `properties` of a page.
///
/// `columns` are those of its table: none, if the page is no row. What is computed from a text that is not
/// in `clear` would repeat what the text says of what the caller does not see.
fn cut_values(columns: Option<&Columns>, properties: &mut Members, clear: &[String]) {
    properties.retain(|_, value| {
        let Some(value) = value.as_object() else { return false };
        let kind = kind_of(value);
        if is_own(kind) {
            return true;
        }
        let id = value.get("id").and_then(Value::as_str).unwrap_or_default();
        match columns.and_then(|columns| columns.shows(id, kind)) {
            None => false,
            Some(Text::None | Text::Others) => true,
            Some(Text::Own(texts)) => texts.iter().all(|text| clear.contains(text)),
        }
    });
}

/// Whether a value is a text, and all of it.
pub(super) fn whole_text(value: &Value) -> Option<&[Value]> {
    let runs = value["type"].as_str().and_then(|kind| value[kind].as_array())?;
    (runs.len() < REFERENCES_SHOWN).then_some(runs)
}

/// Takes columns out of the `properties` of a table.
fn cut_schema(columns: &Columns, properties: &mut Members) {
    properties.retain(|_, column| {
        let Some(column) = column.as_object() else { return false };
        let kind = kind_of(column);
        let id = column.get("id").and_then(Value::as_str).unwrap_or_default();
        is_own(kind) || columns.shows(id, kind).is_some()
    });
}

/// Whether an answer about one property of a page may be shown.
fn shows_item(columns: Option<&Columns>, answer: &Value) -> bool {
    let item = answer.get("property_item").unwrap_or(answer);
    let kind = item["type"].as_str().unwrap_or_default();
    let id = item["id"].as_str().unwrap_or_default();
    is_own(kind) || columns.is_some_and(|columns| columns.shows(id, kind).is_some())
}

impl Gate {
    /// Takes out of an answer what hidden columns hold, before it is cut down further.
    ///
    /// `answer` is a whole answer, or one object of a list that is filtered. What it turns out that the
    /// caller sees can be noted in `eyes`, so that it need not be looked up once more.
    pub(crate) async fn hide_columns(
        &self,
        looking: &Looking<'_>,
        asked: &Asked<'_>,
        eyes: &mut Eyes,
        answer: &mut Value,
    ) -> Result<(), Error> {
        if asked.operation.answer == Answer::Property {
            return self.check_item(looking, asked, answer).await;
        }
        if asked.operation.name == "list-data-source-templates" {
            return self.name_templates(looking, answer).await;
        }
        if let Some(Value::Array(results)) = answer.get_mut("results") {
            for result in results {
                self.hide_columns_of(looking, asked, eyes, result).await?;
            }
            return Ok(());
        }
        let is_task = answer.get("object").is_some_and(|kind| kind == "async_task");
        match answer.get_mut("result").filter(|_| is_task) {
            Some(made) => self.hide_columns_of(looking, asked, eyes, made).await,
            None => self.hide_columns_of(looking, asked, eyes, answer).await,
        }
    }

    async fn hide_columns_of(
        &self,
        looking: &Looking<'_>,
        asked: &Asked<'_>,
        eyes: &mut Eyes,
        object: &mut Value,
    ) -> Result<(), Error> {
        let id = |value: &Value| value.as_str().and_then(Id::parse);
        let (own, parent) = (id(&object["id"]), &object["parent"]);
        let has_columns = object.get("properties").is_some_and(Value::is_object);
        match object["object"].as_str() {
            Some("page") if has_columns => {
                let source = match (id(&parent["data_source_id"]), id(&parent["database_id"])) {
                    (Some(source), _) => Some(source),
                    (None, Some(database)) => self.table_of_old(looking, own, database).await,
                    (None, None) => None,
                };
                let columns = self.shown_columns(looking, asked, source).await?;
                self.cut_row(looking, columns.as_deref(), object).await
            }
            Some(kind @ ("data_source" | "database")) if has_columns => {
                let source = match own {
                    Some(database) if kind == "database" => {
                        self.only_source(looking, database).await.ok().flatten()
                    }
                    own => own,
                };
                let columns = self.shown_columns(looking, asked, source).await?;
                let columns = columns.unwrap_or_default();
                if let Some(properties) = object["properties"].as_object_mut() {
                    cut_schema(&columns, properties);
                    self.rename_databases(looking, eyes, &columns, properties).await?;
                }
                Ok(())
            }
            Some("view") if object.get("configuration").is_some() => {
                self.cut_view(looking, asked, object).await
            }
            _ => Ok(()),
        }
    }

    /// The columns of a table that exist for the caller. A write is done by then, and its answer should not
    /// fail: what cannot be found out is not shown.
    async fn shown_columns(
        &self,
        looking: &Looking<'_>,
        asked: &Asked<'_>,
        source: Option<Id>,
    ) -> Result<Option<Arc<Columns>>, Error> {
        let Some(source) = source else { return Ok(None) };
        match self.columns_of(looking, source).await {
            Ok(columns) => Ok(Some(columns)),
            Err(_) if asked.effect != Effect::Read => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// The table of a row whose parent is called by the database, as old versions do.
    async fn table_of_old(
        &self,
        looking: &Looking<'_>,
        row: Option<Id>,
        database: Id,
    ) -> Option<Id> {
        let known = row.and_then(|row| self.shared.tree.node(looking.principal().connection, row));
        match known.and_then(|node| node.parent) {
            Some((Kind::DataSource, source)) => Some(source),
            _ => self.only_source(looking, database).await.ok().flatten(),
        }
    }

    async fn cut_row(
        &self,
        looking: &Looking<'_>,
        columns: Option<&Columns>,
        page: &mut Value,
    ) -> Result<(), Error> {
        let mut clear = Vec::new();
        if let (Some(columns), Some(properties)) = (columns, page["properties"].as_object()) {
            for text in texts_of(columns, properties) {
                if self.is_row_clear(looking, page, std::slice::from_ref(&text)).await? {
                    clear.push(text);
                }
            }
        }
        if let Some(properties) = page["properties"].as_object_mut() {
            cut_values(columns, properties, &clear);
        }
        Ok(())
    }

    /// A relation to a table that the caller sees says the database, too, which it may not see.
    async fn rename_databases(
        &self,
        looking: &Looking<'_>,
        eyes: &mut Eyes,
        columns: &Columns,
        properties: &mut Members,
    ) -> Result<(), Error> {
        for column in properties.values_mut() {
            // Old versions say the database alone.
            let source = column["id"].as_str().and_then(|id| columns.related(id));
            let Some((source, relation)) = source.zip(column.get_mut("relation")) else { continue };
            let database = relation["database_id"].as_str().and_then(Id::parse);
            let Some(database) = database else { continue };
            if !self.sees_object(looking, Kind::Database, database).await? {
                let pseudonym = view::pseudonym(&self.hmac_key(Label::Pseudonyms), source);
                relation["database_id"] = pseudonym.to_string().into();
                eyes.note(pseudonym, true);
            }
        }
        Ok(())
    }

    async fn cut_view(
        &self,
        looking: &Looking<'_>,
        asked: &Asked<'_>,
        object: &mut Value,
    ) -> Result<(), Error> {
        let Some(id) = object["id"].as_str().and_then(Id::parse) else { return Ok(()) };
        let (connection, now) = (looking.principal().connection, self.shared.clock.now());
        self.shared.columns.learn(connection, (Kind::View, id), object.to_string().as_bytes(), now);
        if !self.view_exists(looking, id).await? {
            return Err(self.not_found(asked.principal, asked.effect, Kind::View, id));
        }
        let source = self.source_of_view(looking, id).await?;
        let columns = self.shown_columns(looking, asked, source).await?.unwrap_or_default();
        if let Some(view) = object.as_object_mut() {
            super::view::cut(&columns, view);
        }
        Ok(())
    }

    /// Whether the one property that was asked for exists, said by the answer itself.
    async fn check_item(
        &self,
        looking: &Looking<'_>,
        asked: &Asked<'_>,
        answer: &Value,
    ) -> Result<(), Error> {
        let Some((kind, page)) = asked.objects.first().copied() else { return Ok(()) };
        let source = self.source_of_row(looking, page).await?;
        let columns = self.shown_columns(looking, asked, source).await?;
        if shows_item(columns.as_deref(), answer) {
            Ok(())
        } else {
            Err(self.not_found(asked.principal, asked.effect, kind, page))
        }
    }

    /// Templates are listed by their titles, as plain text: those that show something that the caller does
    /// not see go by no name.
    async fn name_templates(&self, looking: &Looking<'_>, answer: &mut Value) -> Result<(), Error> {
        let templates = answer.get_mut("templates").and_then(Value::as_array_mut);
        for template in templates.into_iter().flatten() {
            let Some(id) = template["id"].as_str().and_then(Id::parse) else { continue };
            let page = self.fetch(looking, Kind::Page, id).await?.unwrap_or_default();
            let page = serde_json::from_slice(&page).unwrap_or(Value::Null);
            if !self.is_row_clear(looking, &page, &["title".to_owned()]).await? {
                template["name"] = UNTITLED.into();
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

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
        Columns { all: known.judge(id(1)).unwrap() }
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
            cut_values(columns, properties, &clear);
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
        cut_schema(&columns(), shown.as_object_mut().unwrap());
        assert_eq!(names(&shown), ["Name", "In", "Loud"]);
    }

    #[test]
    fn one_property_is_shown_or_not() {
        let columns = columns();
        for (answer, shown) in [
            (json!({"object": "property_item", "type": "number", "id": "n"}), true),
            (json!({"object": "list", "property_item": {"type": "relation", "id": "i%3B"}}), true),
            (json!({"object": "list", "property_item": {"type": "relation", "id": "o"}}), false),
            (json!({"object": "property_item", "type": "hologram", "id": "x"}), false),
            (json!({}), false),
        ] {
            assert_eq!(shows_item(Some(&columns), &answer), shown, "{answer}");
        }
    }
}
