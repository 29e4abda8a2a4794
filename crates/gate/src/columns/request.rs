//! Naming a column that does not exist for the caller is naming one that does not exist.
//!
//! What a request calls by a name or id that is none of a column that exists is called otherwise on the way
//! to Notion: by a word made for this call, which no column is called. In Notion's answer the word is turned
//! back. So the answer is the one that Notion has for a column that is not there, and nothing depends on how
//! Notion compares names.

use std::sync::Arc;

use bytes::Bytes;
use model::Principal;
use notion::catalogue::Match;
use notion::{Id, Kind, Version};
use policy::Refusal;
use serde_json::{Map, Value};
use url::form_urlencoded;

use super::Columns;
use super::answer::whole_text;
use super::change::changes_columns;
use super::judge::Text;
use super::naming::Naming;
use super::schema::Reads;
use crate::Gate;
use crate::error::Error;
use crate::locate::Looking;

pub(crate) const FILTER_PROPERTIES: &str = "filter_properties";

/// A call, as far as it may name columns.
#[derive(Debug)]
pub(crate) struct Call<'a> {
    pub(crate) found: &'a mut Match,
    pub(crate) query: &'a mut Option<String>,
    pub(crate) body: Option<&'a mut Value>,
    pub(crate) version: Version,
}

/// What a request says otherwise than its caller did, and what that means for the answer.
#[derive(Debug, Default)]
pub(crate) struct StandIns {
    /// What stands in, and for what.
    pub(super) pairs: Vec<(String, String)>,
    /// The texts that decide which rows are found, by the ids of their columns.
    pub(crate) texts: Vec<String>,
    /// Columns that were asked for only to look at them.
    pub(super) extra: Vec<String>,
    /// The relation that was asked for, by its id, if it shows some of the rows that it leads to.
    pub(crate) related: Option<(String, Id)>,
    /// Relations that decide which rows are found, where rows have left the tables that they lead to.
    pub(crate) relations: Vec<(String, Id)>,
    /// What the names of templates must hold: Notion would compare with what they mention.
    pub(crate) template: Option<String>,
}

/// Whose columns a call names.
#[derive(Clone, Copy, Debug)]
enum Table {
    Source(Id),
    Database(Id),
    RowOf(Id),
    ShownBy(Id),
}

impl Gate {
    /// Replaces the names of columns that do not exist for the caller.
    pub(crate) async fn hide_names(
        &self,
        looking: &Looking<'_>,
        mut call: Call<'_>,
    ) -> Result<StandIns, Error> {
        let principal: &Principal = looking.principal();
        let sight = self.sight(principal);
        if sight.is_everything() {
            return Ok(StandIns::default());
        }
        let open = sight.is_every_object();
        if sight.has_column_rules() {
            self.check_ruled(looking, &call).await?;
        }
        if call.found.operation.name == "list-data-source-templates" && !open {
            return Ok(without_name(call.query));
        }
        let (mut columns, mut sources) = (Vec::new(), Vec::new());
        for table in tables(&call) {
            let source = match table {
                Table::Source(id) => Some(id),
                Table::Database(id) => self.only_source(looking, id).await?,
                Table::RowOf(id) => self.source_of_row(looking, id).await?,
                Table::ShownBy(id) => self.source_of_view(looking, id).await?,
            };
            if let Some(source) = source {
                columns.push(self.columns_of(looking, source).await?);
                sources.push(source);
            }
        }
        if changes_columns(&call) {
            let (source, columns) = (sources.first().copied(), columns.first());
            let columns = columns.map(|columns| &**columns);
            self.check_new_columns(looking, &call, source, columns).await?;
            if let Some((source, body)) = source.zip(call.body.as_deref_mut()) {
                self.name_other_ends(looking, source, body).await?;
            }
        }
        // No table: a page like any other, whose title is all that there is to name.
        let [first, ..] = columns.as_slice() else { return Ok(StandIns::default()) };
        let mut naming = Naming {
            left: self.tables_left(looking, &columns),
            columns: columns.iter().map(|columns| &**columns).collect(),
            chance: &*self.shared.chance,
            rows: self.rows_wanted(looking),
            stand_ins: StandIns::default(),
        };
        match call.found.operation.name {
            "retrieve-a-page-property" => {
                let named = call.found.param("property_id").unwrap_or_default().to_owned();
                if first.is_masked(&named) {
                    // What comes next in it tells how much of it there is.
                    *call.query = None;
                }
                let is_clear = match first.find(&named) {
                    Some((column, Text::Own(texts)))
                        if matches!(column.reads, Reads::Formula(_))
                            && !first.is_masked(&named) =>
                    {
                        self.is_clear(looking, &call, texts).await?
                    }
                    Some((column, text)) if !first.is_masked(&named) => {
                        if let Reads::Relation(table) = column.reads
                            && (*text == Text::Rows || naming.left.contains(&table))
                        {
                            naming.stand_ins.related = Some((column.id.clone(), table));
                        }
                        true
                    }
                    _ => true,
                };
                let counted =
                    first.relations_of(&named).filter(|_| naming.stand_ins.related.is_none());
                let counted: Vec<_> =
                    counted.filter(|(_, table)| naming.left.contains(table)).cloned().collect();
                let is_clear = is_clear
                    && (counted.is_empty()
                        || Box::pin(self.is_complete(looking, &call, &counted)).await?);
                let stand_in = match is_clear {
                    true => naming.other(&named),
                    false => Some(naming.stand_in(&named)),
                };
                let param = call.found.params.iter_mut().find(|(name, _)| *name == "property_id");
                if let (Some((_, value)), Some(stand_in)) = (param, stand_in) {
                    *value = stand_in;
                }
            }
            _ => naming.call(&mut call)?,
        }
        if call.found.operation.name == "patch-page"
            && let Ok([(_, page), ..]) = call.found.path_ids().as_deref()
            && let Some(body) = call.body.as_deref_mut()
        {
            self.keep_related(looking, first, *page, body).await?;
        }
        if !matches!(call.found.operation.name, "query-data-source" | "post-database-query") {
            naming.stand_ins.texts.clear();
            naming.stand_ins.relations.clear();
        }
        Ok(naming.stand_ins)
    }

    /// The tables that these columns lead to, and that rows have left.
    fn tables_left(&self, looking: &Looking<'_>, columns: &[Arc<Columns>]) -> Vec<Id> {
        if self.sees_every_object(looking.principal()) {
            return Vec::new();
        }
        let tables = columns.iter().flat_map(|columns| &columns.all);
        let tables = tables.flat_map(|it| &it.through.own).map(|(_, table)| *table);
        let connection = looking.principal().connection;
        tables.filter(|table| self.shared.tree.left.of(connection, *table).is_some()).collect()
    }

    /// Whether these relations of a page show every row that they name.
    async fn is_complete(
        &self,
        looking: &Looking<'_>,
        call: &Call<'_>,
        relations: &[(String, Id)],
    ) -> Result<bool, Error> {
        let ids = call.found.path_ids().map_err(Error::Malformed)?;
        let Some((kind, id)) = ids.first().copied() else { return Ok(false) };
        let Some(page) = self.fetch(looking, kind, id).await? else { return Ok(false) };
        let page: Value = serde_json::from_slice(&page)
            .map_err(|_| Error::Answer("a page cannot be read".to_owned()))?;
        self.is_row_complete(looking, &page, relations).await
    }

    /// Where policies speak of columns: views that ask for one that is hidden or masked do not exist, and
    /// nothing moves away from such a policy.
    async fn check_ruled(&self, looking: &Looking<'_>, call: &Call<'_>) -> Result<(), Error> {
        let (principal, operation) = (looking.principal(), call.found.operation);
        let ids = call.found.path_ids().map_err(Error::Malformed)?;
        for (kind, id) in ids.iter().copied() {
            if kind == Kind::View && !self.view_exists(looking, id).await? {
                return Err(self.not_found(principal, operation.effect, kind, id));
            }
        }
        let object = ids.first().copied();
        let moved = self.places_of_move(looking, (operation.name, object), call.body.as_deref());
        match moved.await? {
            Some((before, after))
                if self.sight(principal).column_rules_name_above(&before, &after) =>
            {
                Err(Error::Refused(Refusal::MovedAway))
            }
            _ => Ok(()),
        }
    }

    /// Whether what is computed from texts of a page repeats nothing that the caller does not see.
    async fn is_clear(
        &self,
        looking: &Looking<'_>,
        call: &Call<'_>,
        texts: &[String],
    ) -> Result<bool, Error> {
        let ids = call.found.path_ids().map_err(Error::Malformed)?;
        let Some((kind, id)) = ids.first().copied() else { return Ok(false) };
        let Some(page) = self.fetch(looking, kind, id).await? else { return Ok(false) };
        let page: Value = serde_json::from_slice(&page)
            .map_err(|_| Error::Answer("a page cannot be read".to_owned()))?;
        self.is_row_clear(looking, &page, texts).await
    }

    /// Whether these texts of a page, which are all in its object, show everything that they say.
    pub(crate) async fn is_row_clear(
        &self,
        looking: &Looking<'_>,
        page: &Value,
        texts: &[String],
    ) -> Result<bool, Error> {
        let properties = page.get("properties").and_then(Value::as_object);
        let values = || properties.into_iter().flat_map(Map::values);
        for text in texts {
            let Some(value) = values().find(|value| value["id"] == text.as_str()) else {
                return Ok(false);
            };
            let Some(runs) = whole_text(value) else { return Ok(false) };
            if !self.are_runs_clear(looking, runs).await? {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Whether pieces of text mention nothing that the caller does not see.
    pub(super) async fn are_runs_clear(
        &self,
        looking: &Looking<'_>,
        runs: &[Value],
    ) -> Result<bool, Error> {
        for run in runs {
            let is_clear = match mention(run) {
                Mention::Nothing => true,
                Mention::Object(kind, id) => self.sees_object(looking, kind, id).await?,
                Mention::Strange => false,
            };
            if !is_clear {
                return Ok(false);
            }
        }
        Ok(true)
    }
}

/// A query without `name`, which the gate compares itself, with the names that the caller sees.
fn without_name(query: &mut Option<String>) -> StandIns {
    let mut stand_ins = StandIns::default();
    let Some(text) = query.as_deref() else { return stand_ins };
    let mut out = form_urlencoded::Serializer::new(String::new());
    for (name, value) in form_urlencoded::parse(text.as_bytes()) {
        if name == "name" {
            stand_ins.template = Some(value.to_lowercase());
        } else {
            out.append_pair(&name, &value);
        }
    }
    *query = Some(out.finish());
    stand_ins
}

enum Mention {
    Nothing,
    Object(Kind, Id),
    Strange,
}

/// What a piece of text mentions by a name that is not written in it.
fn mention(run: &Value) -> Mention {
    match run["type"].as_str() {
        Some("text" | "equation") => return Mention::Nothing,
        Some("mention") => {}
        _ => return Mention::Strange,
    }
    let mention = &run["mention"];
    let id = |name: &str| mention[name]["id"].as_str().and_then(Id::parse);
    match mention["type"].as_str() {
        Some("user" | "date" | "template_mention" | "custom_emoji") => Mention::Nothing,
        Some("page") => id("page").map_or(Mention::Strange, |id| Mention::Object(Kind::Page, id)),
        Some("database") => {
            id("database").map_or(Mention::Strange, |id| Mention::Object(Kind::Database, id))
        }
        _ => Mention::Strange,
    }
}

/// Whose columns a call names. More than one where its body is not clear about that.
fn tables(call: &Call<'_>) -> Vec<Table> {
    let body = call.body.as_deref();
    let has = |name: &str| body.and_then(|body| body.get(name)).is_some_and(|it| !it.is_null());
    let filters = call.query.as_deref().is_some_and(|query| query.contains(FILTER_PROPERTIES));
    let in_path = |table: fn(Id) -> Table| {
        let ids = call.found.path_ids().unwrap_or_default();
        ids.first().map(|(_, id)| table(*id)).into_iter().collect::<Vec<_>>()
    };
    let in_body = |holder: Option<&Value>| {
        let id = |name: &str| holder?.get(name)?.as_str().and_then(Id::parse);
        let tables =
            [id("data_source_id").map(Table::Source), id("database_id").map(Table::Database)];
        tables.into_iter().flatten().collect::<Vec<_>>()
    };
    match call.found.operation.name {
        "query-data-source" if has("filter") || has("sorts") || filters => in_path(Table::Source),
        "post-database-query" if has("filter") || has("sorts") || filters => {
            in_path(Table::Database)
        }
        "retrieve-a-page" if filters => in_path(Table::RowOf),
        "retrieve-a-page-property" => in_path(Table::RowOf),
        "patch-page" if has("properties") || filters => in_path(Table::RowOf),
        "post-page" if has("properties") || filters => {
            in_body(body.and_then(|body| body.get("parent")))
        }
        "update-a-data-source" if has("properties") => in_path(Table::Source),
        // Later versions keep the columns in the data source alone.
        "update-database" if has("properties") && call.version < Version::V2025_09_03 => {
            in_path(Table::Database)
        }
        "create-view" => in_body(body).into_iter().take(1).collect(),
        "update-a-view" => in_path(Table::ShownBy),
        _ => Vec::new(),
    }
}

impl StandIns {
    /// Notion's answer in the caller's own words, and without what the caller did not ask for.
    pub(crate) fn restore(&self, answer: Bytes) -> Bytes {
        let mut answer = answer;
        if !self.pairs.is_empty()
            && let Ok(text) = std::str::from_utf8(&answer)
        {
            let mut text = text.to_owned();
            for (stand_in, called) in &self.pairs {
                let quoted = Value::from(called.as_str()).to_string();
                // Without the quotes around it.
                let inside = quoted.get(1..quoted.len() - 1).unwrap_or_default();
                text = text.replace(stand_in, inside);
            }
            answer = text.into();
        }
        if self.extra.is_empty() {
            return answer;
        }
        let Ok(mut object) = serde_json::from_slice::<Value>(&answer) else { return answer };
        let results = object.get_mut("results").and_then(Value::as_array_mut);
        match results {
            Some(results) => results.iter_mut().for_each(|row| self.without_extra(row)),
            None => self.without_extra(&mut object),
        }
        object.to_string().into()
    }

    fn without_extra(&self, page: &mut Value) {
        let properties = page.get_mut("properties").and_then(Value::as_object_mut);
        if let Some(properties) = properties {
            properties.retain(|_, value| !self.extra.iter().any(|id| value["id"] == id.as_str()));
        }
    }
}

#[cfg(test)]
#[path = "request_tests.rs"]
mod tests;
