//! Naming a column that does not exist for the caller is naming one that does not exist.
//!
//! What a request calls by a name or id that is none of a column that exists is called otherwise on the way
//! to Notion: by a word made for this call, which no column is called. In Notion's answer the word is turned
//! back. So the answer is the one that Notion has for a column that is not there, and nothing depends on how
//! Notion compares names.

use bytes::Bytes;
use model::chance::base62;
use model::{Chance, Principal};
use notion::catalogue::Match;
use notion::{ApiError, Id, Kind, Version};
use policy::Refusal;
use serde_json::{Map, Value};
use url::form_urlencoded;

use super::Columns;
use super::answer::whole_text;
use super::judge::Text;
use super::schema::Reads;
use super::view::names_a_column;
use crate::Gate;
use crate::error::Error;
use crate::locate::Looking;

/// A stand-in is as long as what it stands in for, within these bounds.
const LENGTHS: std::ops::RangeInclusive<usize> = 24..=300;
const FILTER_PROPERTIES: &str = "filter_properties";
/// Members of a change to a column that leave its type alone.
const NO_TYPE: &[&str] = &["description", "id", "name"];

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
    pairs: Vec<(String, String)>,
    /// The texts that decide which rows are found, by the ids of their columns.
    pub(crate) texts: Vec<String>,
    /// Columns that were asked for only to look at them.
    extra: Vec<String>,
    /// What the names of templates must hold: Notion would compare with what they mention.
    template: Option<String>,
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
        if self.sees_everything(principal) {
            return Ok(StandIns::default());
        }
        match call.found.operation.name {
            "create-view-query" => self.check_view_query(looking, &call).await?,
            "list-data-source-templates" => return Ok(without_name(call.query)),
            _ => {}
        }
        let mut columns = Vec::new();
        for table in tables(&call) {
            let source = match table {
                Table::Source(id) => Some(id),
                Table::Database(id) => self.only_source(looking, id).await?,
                Table::RowOf(id) => self.source_of_row(looking, id).await?,
                Table::ShownBy(id) => self.source_of_view(looking, id).await?,
            };
            if let Some(source) = source {
                columns.push(self.columns_of(looking, source).await?);
            }
        }
        // No table: a page like any other, whose title is all that there is to name.
        let [first, ..] = columns.as_slice() else { return Ok(StandIns::default()) };
        let mut naming = Naming {
            columns: columns.iter().map(|columns| &**columns).collect(),
            chance: &*self.shared.chance,
            stand_ins: StandIns::default(),
        };
        match call.found.operation.name {
            "retrieve-a-page-property" => {
                let named = call.found.param("property_id").unwrap_or_default().to_owned();
                let is_clear = match first.find(&named) {
                    Some((column, Text::Own(texts)))
                        if matches!(column.reads, Reads::Formula(_)) =>
                    {
                        self.is_clear(looking, &call, texts).await?
                    }
                    _ => true,
                };
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
        if !matches!(call.found.operation.name, "query-data-source" | "post-database-query") {
            naming.stand_ins.texts.clear();
        }
        Ok(naming.stand_ins)
    }

    /// A kept result tells how many rows a view found: if their texts decided that, nobody can look through
    /// them.
    async fn check_view_query(&self, looking: &Looking<'_>, call: &Call<'_>) -> Result<(), Error> {
        let operation = call.found.operation.name;
        for (kind, id) in call.found.path_ids().map_err(Error::Malformed)? {
            if kind == Kind::View && self.view_asks_for_text(looking, id).await? {
                return Err(Error::Refused(Refusal::Uncut { operation }));
            }
        }
        Ok(())
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

struct Naming<'a> {
    columns: Vec<&'a Columns>,
    chance: &'a dyn Chance,
    stand_ins: StandIns,
}

impl Naming<'_> {
    /// Everything but the path.
    fn call(&mut self, call: &mut Call<'_>) -> Result<(), Error> {
        let changes_columns =
            matches!(call.found.operation.name, "update-a-data-source" | "update-database");
        if let Some(body) = call.body.as_deref_mut() {
            for name in ["filter", "sorts"] {
                body.get_mut(name).map_or(Ok(()), |asked| self.asked(asked))?;
            }
            if let Some(Value::Object(filters)) = body.get_mut("quick_filters") {
                for called in filters.keys() {
                    self.check_asked(called)?;
                }
                self.keys(filters, |naming, called, _| Ok(naming.other(called)))?;
            }
            if let Some(configuration) = body.get_mut("configuration") {
                self.configuration(configuration);
            }
            if let Some(Value::Object(properties)) = body.get_mut("properties") {
                let how = if changes_columns { Self::changed } else { Self::written };
                self.keys(properties, how)?;
            }
        }
        self.query(call.query);
        Ok(())
    }

    /// Filters and sorts, with `property` wherever it stands.
    fn asked(&mut self, value: &mut Value) -> Result<(), Error> {
        match value {
            Value::Array(all) => all.iter_mut().try_for_each(|one| self.asked(one)),
            Value::Object(members) => {
                if let Some(Value::String(called)) = members.get_mut("property") {
                    self.check_asked(called)?;
                    if let Some(stand_in) = self.other(called) {
                        *called = stand_in;
                    }
                }
                members.values_mut().try_for_each(|member| self.asked(member))
            }
            _ => Ok(()),
        }
    }

    /// Notes which texts decide; those of other rows cannot.
    fn check_asked(&mut self, called: &str) -> Result<(), Error> {
        for (_, text) in self.columns.iter().filter_map(|columns| columns.find(called)) {
            match text {
                Text::None => {}
                Text::Own(texts) => self.stand_ins.texts.extend(texts.iter().cloned()),
                Text::Others => {
                    return Err(Error::Malformed(ApiError::validation(format!(
                        "A key with a scope cannot filter or sort by \"{called}\": it repeats the text \
                         of other pages. Filter those pages instead."
                    ))));
                }
            }
        }
        Ok(())
    }

    fn configuration(&mut self, value: &mut Value) {
        match value {
            Value::Array(all) => all.iter_mut().for_each(|one| self.configuration(one)),
            Value::Object(members) => {
                for (name, member) in members {
                    match member {
                        Value::String(called) if names_a_column(name) => {
                            if let Some(stand_in) = self.other(called) {
                                *called = stand_in;
                            }
                        }
                        other => self.configuration(other),
                    }
                }
            }
            _ => {}
        }
    }

    /// Replaces keys, in their places.
    fn keys(
        &mut self,
        members: &mut Map<String, Value>,
        how: impl Fn(&mut Self, &str, &Value) -> Result<Option<String>, Error>,
    ) -> Result<(), Error> {
        for (called, value) in std::mem::take(members) {
            let stand_in = how(self, &called, &value)?;
            members.insert(stand_in.unwrap_or(called), value);
        }
        Ok(())
    }

    fn written(&mut self, called: &str, _: &Value) -> Result<Option<String>, Error> {
        Ok(self.other(called))
    }

    /// A column that is to be changed, or made.
    fn changed(&mut self, called: &str, change: &Value) -> Result<Option<String>, Error> {
        let keeps_type = change
            .as_object()
            .is_none_or(|change| change.keys().all(|name| NO_TYPE.contains(&name.as_str())));
        if keeps_type {
            return Ok(self.other(called));
        }
        // Under a name that is not there Notion makes a new column: this one would not be new.
        if !self.exists(called) && self.columns.iter().any(|columns| columns.is_hidden(called)) {
            let message = format!("Cannot create \"{called}\": the name is already taken.");
            return Err(Error::Malformed(ApiError::validation(message)));
        }
        Ok(None)
    }

    /// `filter_properties`, once or many times. The texts that decide are asked for as well: the gate looks
    /// at them.
    fn query(&mut self, query: &mut Option<String>) {
        let Some(text) = query.as_deref() else { return };
        let is_wanted = |name: &str| name.split('[').next() == Some(FILTER_PROPERTIES);
        let pairs: Vec<_> = form_urlencoded::parse(text.as_bytes()).into_owned().collect();
        if !pairs.iter().any(|(name, _)| is_wanted(name)) {
            return;
        }
        let mut wanted = Vec::new();
        let mut needed = self.stand_ins.texts.clone();
        let mut out = form_urlencoded::Serializer::new(String::new());
        let mut member = FILTER_PROPERTIES.to_owned();
        for (name, value) in &pairs {
            if !is_wanted(name) {
                out.append_pair(name, value);
                continue;
            }
            let first = self.columns.first();
            let found = first.into_iter().flat_map(|columns| &columns.all);
            let found = found.filter(|it| it.column.is_called(value));
            for column in found.filter(|it| it.text.is_some()) {
                wanted.push(column.column.id.clone());
                if let Some(Text::Own(texts)) = &column.text {
                    needed.extend(texts.iter().cloned());
                }
            }
            let stand_in = self.other(value);
            out.append_pair(name, stand_in.as_ref().unwrap_or(value));
            member.clone_from(name);
        }
        needed.sort();
        needed.dedup();
        for text in needed.into_iter().filter(|text| !wanted.contains(text)) {
            // Under the very name that the others have, so that Notion reads all of them as one list.
            out.append_pair(&member, &text);
            self.stand_ins.extra.push(text);
        }
        *query = Some(out.finish());
    }

    fn exists(&self, called: &str) -> bool {
        self.columns.iter().all(|columns| columns.find(called).is_some())
    }

    /// What to call a column instead, if it does not exist.
    fn other(&mut self, called: &str) -> Option<String> {
        (!called.is_empty() && !self.exists(called)).then(|| self.stand_in(called))
    }

    fn stand_in(&mut self, called: &str) -> String {
        let length = called.chars().count().clamp(*LENGTHS.start(), *LENGTHS.end());
        let known = self.stand_ins.pairs.iter().find(|(_, it)| it == called);
        match known {
            Some((stand_in, _)) => stand_in.clone(),
            None => {
                let stand_in = base62(self.chance, length);
                self.stand_ins.pairs.push((stand_in.clone(), called.to_owned()));
                stand_in
            }
        }
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
        if self.extra.is_empty() && self.template.is_none() {
            return answer;
        }
        let Ok(mut object) = serde_json::from_slice::<Value>(&answer) else { return answer };
        let templates = object.get_mut("templates").and_then(Value::as_array_mut);
        if let Some((wanted, templates)) = self.template.as_ref().zip(templates) {
            templates.retain(|template| {
                template["name"].as_str().is_some_and(|name| name.to_lowercase().contains(wanted))
            });
        }
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
