//! `update_page`: values, to-dos, pieces of text, all of the text, the trash; of one page or several.
//!
//! Everything is read and checked first, so that what cannot go is told before anything has changed.

use std::collections::HashMap;
use std::fmt::Write as _;

use notion::{Id, Kind};
use rmcp::model::JsonObject;
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::arguments::read;
use super::create::{icon, plain_page};
use super::edits::{Edit, apply, difference, dropped, tick};
use super::fault::{Fault, bounded, missing};
use super::fetch::markdown;
use super::flat_out::{one, shown, title};
use super::names::Names;
use super::reach;
use super::reference::Reference;
use super::schema::Schema;
use super::tokens::fit;
use super::{REHEARSED, TOKENS};
use crate::caller::{Ask, Caller};
use crate::tool::Outcome;

/// Pages in one call, and edits of each (Notion's own bound).
const PAGES_MAX: usize = 50;
const EDITS_MAX: usize = 100;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Arguments {
    pages: Vec<String>,
    #[serde(default)]
    properties: Map<String, Value>,
    icon: Option<String>,
    #[serde(default)]
    edits: Vec<Edit>,
    #[serde(default)]
    check: Vec<String>,
    #[serde(default)]
    uncheck: Vec<String>,
    append: Option<String>,
    replace_content: Option<String>,
    trash: Option<bool>,
    #[serde(default)]
    allow_deleting: bool,
    #[serde(default)]
    dry_run: bool,
}

impl Arguments {
    fn changes_text(&self) -> bool {
        !self.edits.is_empty()
            || !self.check.is_empty()
            || !self.uncheck.is_empty()
            || self.replace_content.is_some()
    }

    fn check_sense(&self) -> Result<(), Fault> {
        if self.pages.is_empty() {
            return Err(missing("pages", "{\"pages\": [\"<id>\"], \"check\": [\"Buy milk\"]}"));
        }
        bounded("pages", self.pages.len(), PAGES_MAX)?;
        bounded("edits", self.edits.len() + self.check.len() + self.uncheck.len(), EDITS_MAX)?;
        let others = !self.edits.is_empty()
            || !self.check.is_empty()
            || !self.uncheck.is_empty()
            || self.append.is_some();
        if self.replace_content.is_some() && others {
            return Err(Fault::input(
                "`replace_content` replaces all of the text: it does not go with `edits`, `check` or \
                 `append`.",
            ));
        }
        let nothing = self.properties.is_empty()
            && self.icon.is_none()
            && self.trash.is_none()
            && self.append.is_none()
            && !self.changes_text();
        if nothing {
            return Err(Fault::input(
                "Nothing to change: pass `properties`, `edits`, `check`, `append`, `replace_content`, \
                 `icon` or `trash`.",
            ));
        }
        Ok(())
    }
}

/// What is to happen to one page.
struct Plan {
    id: Id,
    /// What changes, in lines.
    says: String,
    /// Values, icon, trash.
    patch: Option<Value>,
    /// Commands on the text, in their order.
    commands: Vec<Value>,
}

pub(crate) async fn run(caller: &Caller<'_>, arguments: JsonObject) -> Result<Outcome, Fault> {
    let arguments: Arguments = read(arguments)?;
    arguments.check_sense()?;
    let mut planner =
        Planner { caller, names: Names::new(caller), schemas: HashMap::new(), wish: &arguments };
    let mut plans = Vec::with_capacity(arguments.pages.len());
    for page in &arguments.pages {
        let plan = planner.plan(page).await;
        plans.push(plan.map_err(|fault| fault.about(&format!("{page}: nothing was changed")))?);
    }
    if arguments.dry_run {
        reach::rehearse(caller, plans.iter().flat_map(Plan::asks).collect()).await?;
        let says: String = plans.iter().map(|plan| plan.says.as_str()).collect();
        return Ok(Outcome::text(format!(
            "Dry run, nothing changed. Would change:\n{}{REHEARSED}",
            cut(says)
        )));
    }
    let mut text = String::new();
    for (index, plan) in plans.iter().enumerate() {
        caller.progress(index as f64, Some(plans.len() as f64), "updating").await;
        if let Err((done, fault)) = carry_out(caller, plan).await {
            if index == 0 && done == 0 {
                return Err(fault);
            }
            let part = if done == 0 { "not changed" } else { "changed in part (fetch it)" };
            let left = plans.len() - index - 1;
            let _ = write!(
                text,
                "{} {part}, {left} further pages not changed: {}",
                plan.id.plain(),
                fault.text
            );
            return Ok(Outcome::error(text));
        }
        text.push_str(&plan.says);
    }
    Ok(Outcome::text(format!("Changed:\n{}", cut(text))))
}

/// What changed, as far as the budget of an answer goes.
fn cut(mut says: String) -> String {
    let whole = says.len();
    says.truncate(fit(&says, TOKENS));
    if says.len() < whole {
        says.push_str("[Cut here; the rest is like this.]\n");
    }
    says
}

impl Plan {
    /// The calls that it takes, in their order.
    fn asks(&self) -> Vec<Ask<'static>> {
        let ask = |operation, body: &Value| {
            let path = vec![("page_id", self.id.to_string())];
            Ask { operation, path, body: Some(body.clone()), ..Ask::default() }
        };
        let mut asks: Vec<_> =
            self.commands.iter().map(|command| ask("update-page-markdown", command)).collect();
        if let Some(patch) = &self.patch {
            // What is in the trash cannot be edited: in there last, out of there first.
            let at = if patch["in_trash"] == false { 0 } else { asks.len() };
            asks.insert(at, ask("patch-page", patch));
        }
        asks
    }
}

/// Makes the calls; how many were done before one failed.
async fn carry_out(caller: &Caller<'_>, plan: &Plan) -> Result<(), (usize, Fault)> {
    for (done, ask) in plan.asks().into_iter().enumerate() {
        reach::send(caller, ask).await.map_err(|fault| (done, fault))?;
    }
    Ok(())
}

struct Planner<'a, 'b> {
    caller: &'a Caller<'b>,
    names: Names<'a, 'b>,
    schemas: HashMap<Id, Schema>,
    wish: &'a Arguments,
}

impl Planner<'_, '_> {
    async fn plan(&mut self, page: &str) -> Result<Plan, Fault> {
        let reference = Reference { id: Reference::object(page)?, kind: None };
        let found = match reach::find(self.caller, reference, &[Kind::Page]).await {
            Err(fault) if fault.status == 400 => {
                return Err(Fault::input(format!("{} Only pages are updated here.", fault.text)));
            }
            other => other?,
        };
        let wish = self.wish;
        let mut says = format!("{} \"{}\"\n", found.id.plain(), title(&found.object));
        let mut patch = Map::new();
        if !wish.properties.is_empty() {
            let schema = self.schema(&found.object).await?;
            let values = self.names.values(&schema, &wish.properties).await?;
            for (wanted, after) in &wish.properties {
                let name = &schema.find(wanted)?.name;
                let before = shown(&one(&found.object["properties"][name]));
                let _ = writeln!(says, "- {name}: {before} -> {}", shown(after));
            }
            patch.insert("properties".into(), Value::Object(values));
        }
        if let Some(text) = &wish.icon {
            let _ = writeln!(says, "- icon: {text}");
            patch.insert("icon".into(), icon(text));
        }
        if let Some(trash) = wish.trash {
            says.push_str(if trash { "- to the trash\n" } else { "- out of the trash\n" });
            patch.insert("in_trash".into(), trash.into());
        }
        let commands = self.commands(found.id, &mut says).await?;
        let patch = (!patch.is_empty()).then_some(Value::Object(patch));
        Ok(Plan { id: found.id, says, patch, commands })
    }

    /// The columns that a page has values for.
    async fn schema(&mut self, page: &Value) -> Result<Schema, Fault> {
        let Some(id) = page["parent"]["data_source_id"].as_str().and_then(Id::parse) else {
            return Ok(plain_page());
        };
        if let Some(known) = self.schemas.get(&id) {
            return Ok(known.clone());
        }
        let schema = reach::table(self.caller, id).await?.schema;
        self.schemas.insert(id, schema.clone());
        Ok(schema)
    }

    /// What is to be said to Notion about the text of the page.
    async fn commands(&self, id: Id, says: &mut String) -> Result<Vec<Value>, Fault> {
        let wish = self.wish;
        let mut commands = Vec::new();
        if wish.changes_text() {
            let answer = markdown(self.caller, id).await?;
            let before = answer["markdown"].as_str().unwrap_or_default();
            let (after, mut command) = changed(wish, before, says)?;
            let gone = dropped(before, &after);
            if !gone.is_empty() && !wish.allow_deleting {
                return Err(Fault::input(format!(
                    "This would put {} child pages or databases into the trash: {}. Keep their tags in the \
                     text, or set allow_deleting: true.",
                    gone.len(),
                    gone.join(", ")
                )));
            }
            if after != before {
                if wish.allow_deleting {
                    let kind = command["type"].as_str().unwrap_or_default().to_owned();
                    command[kind]["allow_deleting_content"] = true.into();
                }
                commands.push(command);
            }
        }
        if let Some(text) = &wish.append {
            let _ = writeln!(says, "- {} lines at the end", text.lines().count());
            commands.push(json!({
                "type": "insert_content",
                "insert_content": {"content": text, "position": {"type": "end"}},
            }));
        }
        Ok(commands)
    }
}

/// The text of a page after what is wished, and the command for it.
fn changed(wish: &Arguments, before: &str, says: &mut String) -> Result<(String, Value), Fault> {
    if let Some(text) = &wish.replace_content {
        says.push_str(&difference(before, text));
        let command = json!({"type": "replace_content", "replace_content": {"new_str": text}});
        return Ok((text.clone(), command));
    }
    let mut text = before.to_owned();
    let mut updates = Vec::new();
    let mut change = |text: &mut String, edit: Edit, says: &mut String| {
        let after = apply(text, &edit)?;
        // Edit by edit, so that what stands between two of them is not told.
        says.push_str(&difference(text, &after));
        *text = after;
        updates.push(edit);
        Ok::<_, Fault>(())
    };
    for edit in &wish.edits {
        change(&mut text, edit.clone(), says)?;
    }
    let ticks = wish.check.iter().map(|it| (it, true));
    for (wanted, done) in ticks.chain(wish.uncheck.iter().map(|it| (it, false))) {
        match tick(&text, wanted, done)? {
            Some(edit) => change(&mut text, edit, says)?,
            None => {
                let state = if done { "ticked" } else { "open" };
                let _ = writeln!(says, "- `{wanted}` was {state} already");
            }
        }
    }
    let updates: Vec<Value> = updates
        .into_iter()
        .map(|Edit { find, replace, all }| {
            let mut update = json!({"old_str": find, "new_str": replace});
            if all {
                update["replace_all_matches"] = true.into();
            }
            update
        })
        .collect();
    Ok((text, json!({"type": "update_content", "update_content": {"content_updates": updates}})))
}
