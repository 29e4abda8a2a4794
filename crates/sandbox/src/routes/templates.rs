//! Templates of a data source: listed, chosen, and applied to a page after the answer.
//!
//! A template is a page of the data source that queries leave out.

use std::collections::HashMap;

use indexmap::IndexSet;
use jiff::tz::TimeZone;
use notion::{Id, Kind};
use serde_json::{Map, Value, json};

use super::{Request, Scene, trash};
use crate::fail::Fail;
use crate::input::check::Spot;
use crate::input::paging::Paging;
use crate::query::dates::normalise;
use crate::query::session;
use crate::render;
use crate::world::NODES_MAX;
use crate::world::block::Block;
use crate::world::duplicate::point_into;
use crate::world::journal::Change;
use crate::world::later::{Application, Work};
use crate::world::node::{Content, Node, Parent};
use crate::world::property::TITLE;
use crate::world::tree::Slot;

/// The zone of connections (documented for internal ones; people of the sandbox have none).
const ZONE: &str = "UTC";

/// `GET /v1/data_sources/{data_source_id}/templates`; the list has no `object` (measured).
pub(super) fn list(scene: &mut Scene, request: &Request) -> Result<Value, Fail> {
    let id = request.id("data_source_id")?;
    let paging = Paging::in_query(&request.query)?;
    let wanted = Spot::root("query", &request.query).get("name").string_opt()?;
    let wanted = wanted.unwrap_or_default().to_lowercase();
    scene.find(Kind::DataSource, id)?;
    let view = scene.view();
    let name = |id: Id| render::rich_text::plain(view, view.world.title_of(id));
    let default = view.world.source(id).and_then(|source| source.default_template);
    let all: Vec<Id> = templates(scene, id)
        .into_iter()
        .filter(|id| name(*id).to_lowercase().contains(&wanted))
        .collect();
    let (page, next) = session::slice(&all, &paging)?;
    let shown: Vec<Value> = page
        .iter()
        .map(|id| json!({"id": id, "name": name(*id), "is_default": default == Some(*id)}))
        .collect();
    Ok(json!({"templates": shown, "has_more": next.is_some(), "next_cursor": next}))
}

fn templates(scene: &Scene, source: Id) -> Vec<Id> {
    let is_template = |id: &Id| scene.world.page(*id).is_some_and(|page| page.is_template);
    scene.world.live_children(source).into_iter().filter(is_template).collect()
}

/// The template that a request wants.
pub(super) struct Wish {
    /// `None`: the default one.
    id: Option<Id>,
    timezone: String,
}

/// Reads `template`; `none` is nothing.
pub(super) fn read(spot: &Spot) -> Result<Option<Wish>, Fail> {
    if !spot.is_there() {
        return Ok(None);
    }
    spot.object()?;
    let kind = spot.get("type").word(&["none", "default", "template_id"], false)?;
    spot.only(&["type", "template_id", "timezone"])?;
    let zone = spot.get("timezone");
    let timezone = zone.string_opt()?.unwrap_or(ZONE);
    if TimeZone::get(timezone).is_err() {
        return Err(zone.should_be("a valid IANA time zone or `undefined`").into());
    }
    let id = match kind {
        "none" => return Ok(None),
        "default" => None,
        _ => Some(spot.get("template_id").id()?),
    };
    Ok(Some(Wish { id, timezone: timezone.to_owned() }))
}

/// Looks the wanted template up for a page of `source`; the texts are own wording.
pub(super) fn find(
    scene: &Scene,
    wish: Option<Wish>,
    source: Option<Id>,
) -> Result<Option<(Id, String)>, Fail> {
    let Some(wish) = wish else { return Ok(None) };
    let id = match wish.id {
        Some(id) => scene.find(Kind::Page, id)?.id,
        None => {
            let source = source.ok_or_else(|| {
                Fail::validation("Only pages of a data source have a default template.")
            })?;
            let default = scene.world.source(source).and_then(|source| source.default_template);
            default.filter(|id| templates(scene, source).contains(id)).ok_or_else(|| {
                Fail::validation(format!("Data source {source} has no default template."))
            })?
        }
    };
    if scene.world.is_gone(id) {
        return Err(Fail::validation(format!("Template {id} is in the trash.")));
    }
    Ok(Some((id, wish.timezone)))
}

/// Has a template applied after the answer.
pub(super) fn schedule(scene: &mut Scene, page: Id, template: (Id, String), erases: bool) {
    let (template, timezone) = template;
    let work = Work::Template(Application { page, template, timezone, erases });
    // Where too much waits already, this one is done at once.
    if let Work::Template(application) = &work
        && !scene.world.put_off(&scene.who, scene.version, work.clone())
    {
        apply(scene, application);
    }
}

/// Fills a page in: values that it does not have, icon, cover and content. A page or template that
/// is gone by now is left alone: nobody documents a signal for it.
pub(super) fn apply(scene: &mut Scene, wanted: &Application) {
    let there = |id: Id| scene.world.page(id).is_some() && !scene.world.is_gone(id);
    if !there(wanted.page) || !there(wanted.template) || wanted.page == wanted.template {
        return;
    }
    let Some(template) = scene.world.page(wanted.template).cloned() else { return };
    let moment = Moment::new(scene, &wanted.timezone);
    let same = |scene: &Scene, id: Id| scene.world.node(id).map(|node| node.parent);
    let is_row = same(scene, wanted.page) == same(scene, wanted.template);
    let mut changed = Vec::new();
    if let Some(page) = scene.world.nodes.get_mut(&wanted.page).and_then(|node| node.page_mut()) {
        for (property, value) in template.values {
            let is_free = page.values.get(&property).is_none_or(is_empty);
            if is_free && (is_row || property == TITLE) && !is_empty(&value) {
                changed.push(property.clone());
                page.values.insert(property, moment.resolved(value));
            }
        }
        for (slot, value) in [(&mut page.icon, template.icon), (&mut page.cover, template.cover)] {
            if slot.is_null() {
                *slot = value;
            }
        }
    }
    scene.note_node(wanted.page, Change::Properties(changed));
    let old = scene.world.live_children(wanted.page);
    copy(scene, wanted.template, wanted.page, &moment);
    if wanted.erases {
        for child in old {
            trash::set(scene, child, true);
        }
    }
    scene.touch(wanted.page);
}

fn is_empty(value: &Value) -> bool {
    value.is_null() || *value == json!([]) || *value == json!("")
}

/// Copies what is under one node to another. Databases in templates are not copied.
fn copy(scene: &mut Scene, from: Id, to: Id, moment: &Moment) {
    let (now, by) = (scene.now(), scene.who.user);
    let mut open = vec![(from, to)];
    let (mut made, mut copies) = (IndexSet::new(), HashMap::new());
    while let Some((from, to)) = open.pop() {
        for child in scene.world.live_children(from) {
            let content = match scene.world.node(child).map(|node| &node.content) {
                Some(Content::Block(block)) => {
                    Content::Block(Block::new(block.kind.clone(), &moment.resolved(block.body())))
                }
                Some(Content::Page(page)) => Content::Page(page.clone()),
                _ => continue,
            };
            // A template that holds the page itself would have no end.
            if scene.world.nodes.len() >= NODES_MAX || child == to || made.contains(&child) {
                return;
            }
            let id = scene.world.ids.object();
            let node = Node::new(id, Parent::Node(to), (now, by), content);
            scene.world.insert(node, Slot::End);
            open.push((child, id));
            made.insert(id);
            copies.insert(child, id);
        }
    }
    let made: Vec<Id> = made.into_iter().collect();
    // Meeting notes name their tabs.
    for id in &made {
        let block = scene.world.nodes.get_mut(id).and_then(|node| node.block_mut());
        if let Some(block) = block.filter(|block| block.kind == "meeting_notes") {
            let mut body = block.body();
            point_into(&mut body, &copies);
            block.set_body(&body);
        }
    }
    scene.note_content(&made);
}

/// What the mentions of templates mean when one is applied.
struct Moment {
    me: Id,
    today: String,
    now: String,
}

impl Moment {
    fn new(scene: &Scene, timezone: &str) -> Self {
        let zone = TimeZone::get(timezone).unwrap_or(TimeZone::UTC);
        let here = scene.now().to_zoned(zone);
        let now = here.strftime("%Y-%m-%dT%H:%M:%S%:z").to_string();
        Self {
            me: scene.who.user,
            today: here.date().to_string(),
            now: normalise(&now, &TimeZone::UTC).unwrap_or(now),
        }
    }

    /// A body or value with the mentions of templates resolved.
    fn resolved(&self, value: Value) -> Value {
        match value {
            Value::Object(mut members) => {
                if members.get("type").is_some_and(|kind| kind == "template_mention")
                    && let Some(mention) = members.shift_remove("template_mention")
                {
                    return self.mention(&mention);
                }
                let resolve = |(key, value)| (key, self.resolved(value));
                Value::Object(members.into_iter().map(resolve).collect::<Map<_, _>>())
            }
            Value::Array(all) => all.into_iter().map(|one| self.resolved(one)).collect(),
            other => other,
        }
    }

    fn mention(&self, mention: &Value) -> Value {
        let date = |start: &str| json!({"type": "date", "date": {"start": start, "end": null, "time_zone": null}});
        match mention["template_mention_date"].as_str() {
            Some("now") => date(&self.now),
            Some(_) => date(&self.today),
            None => json!({"type": "user", "user": {"id": self.me}}),
        }
    }
}
