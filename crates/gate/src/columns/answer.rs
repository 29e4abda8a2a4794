//! Takes out of answers what columns show that do not exist for the caller.

use std::sync::Arc;

use notion::catalogue::Answer;
use notion::{Effect, Id, Kind, Version};
use serde_json::{Map, Value};
use vault::Label;

use super::Columns;
use super::fate::{Shown, cut_item, cut_schema, cut_values, texts_of};
use crate::Gate;
use crate::error::Error;
use crate::locate::Looking;
use crate::view::{self, Asked, Eyes};

/// A value in a page object holds so many references; there may be more that it does not show.
const REFERENCES_SHOWN: usize = 25;

/// What a relation calls its other end.
const SYNCED_ID: &str = "synced_property_id";
type Members = Map<String, Value>;

/// Whether a value is a text, and all of it.
pub(super) fn whole_text(value: &Value) -> Option<&[Value]> {
    let runs = value["type"].as_str().and_then(|kind| value[kind].as_array())?;
    (runs.len() < REFERENCES_SHOWN).then_some(runs)
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
                let columns = self.shown_columns(looking, asked, source, object).await?;
                self.cut_row(looking, asked, columns.as_deref(), object).await
            }
            Some(kind @ ("data_source" | "database")) if has_columns => {
                let source = match own {
                    Some(database) if kind == "database" => {
                        self.only_source(looking, database).await.ok().flatten()
                    }
                    own => own,
                };
                let columns = self.shown_columns(looking, asked, source, object).await?;
                if let Some(properties) = object["properties"].as_object_mut() {
                    cut_schema(self.shown_of(asked, columns.as_deref()), properties);
                    let columns = columns.unwrap_or_default();
                    self.rename_databases(looking, eyes, &columns, properties).await?;
                    self.cut_other_ends(looking, asked, &columns, properties).await?;
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
        object: &Value,
    ) -> Result<Option<Arc<Columns>>, Error> {
        let Some(source) = source else { return Ok(None) };
        let mut columns = self.columns_of(looking, source).await;
        // Somebody may just have changed the columns: policies go by what they are called now.
        if let (Ok(known), Some(properties)) = (&columns, object["properties"].as_object())
            && self.shown_of(asked, Some(known)).is_outdated(properties)
            && looking.columns.refresh(source)
        {
            self.shared.columns.forget_schema(looking.principal().connection, source);
            columns = self.columns_of(looking, source).await;
        }
        match columns {
            Ok(columns) => Ok(Some(columns)),
            Err(_) if asked.effect != Effect::Read => Ok(None),
            Err(error) => Err(error),
        }
    }

    fn shown_of<'a>(&self, asked: &Asked<'_>, columns: Option<&'a Columns>) -> Shown<'a> {
        let ruled = self.sight(asked.principal).has_column_rules();
        Shown { columns, ruled, omits_empty: asked.version < Version::V2021_08_16 }
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
        asked: &Asked<'_>,
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
            cut_values(self.shown_of(asked, columns), properties, &clear);
        }
        let Some(columns) = columns else { return Ok(()) };
        // What is computed from a relation would count the rows that it does not show.
        let short = Box::pin(self.cut_related(looking, columns, page)).await?;
        if let Some(properties) = page["properties"].as_object_mut() {
            properties.retain(|_, value| {
                let id = value["id"].as_str().unwrap_or_default();
                !columns.is_computed_from(id, &short)
            });
        }
        Ok(())
    }

    /// A relation with two ends names the other one, which policies may hide.
    async fn cut_other_ends(
        &self,
        looking: &Looking<'_>,
        asked: &Asked<'_>,
        columns: &Columns,
        properties: &mut Members,
    ) -> Result<(), Error> {
        if !columns.ruled {
            return Ok(());
        }
        for column in properties.values_mut() {
            let source = column["id"].as_str().and_then(|id| columns.related(id));
            let relation = column.get_mut("relation").and_then(Value::as_object_mut);
            let Some((source, relation)) = source.zip(relation) else { continue };
            // Old versions say it beside the database.
            let other = relation.get("dual_property").and_then(|dual| dual.get(SYNCED_ID));
            let other = other.or_else(|| relation.get(SYNCED_ID)).and_then(Value::as_str);
            let Some(other) = other.map(str::to_owned) else { continue };
            let there = self.shown_columns(looking, asked, Some(source), &Value::Null).await?;
            if there.is_some_and(|there| there.find(&other).is_some()) {
                continue;
            }
            relation.retain(|name, _| !name.starts_with("synced_"));
            if relation.shift_remove("dual_property").is_some() {
                relation.insert("type".to_owned(), "single_property".into());
                relation.insert("single_property".to_owned(), Map::new().into());
            }
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
        let columns = self.shown_columns(looking, asked, source, &Value::Null).await?;
        let columns = columns.unwrap_or_default();
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
        answer: &mut Value,
    ) -> Result<(), Error> {
        let Some((kind, page)) = asked.objects.first().copied() else { return Ok(()) };
        let source = self.source_of_row(looking, page).await?;
        let columns = self.shown_columns(looking, asked, source, &Value::Null).await?;
        if cut_item(self.shown_of(asked, columns.as_deref()), answer) {
            Ok(())
        } else {
            Err(self.not_found(asked.principal, asked.effect, kind, page))
        }
    }
}
