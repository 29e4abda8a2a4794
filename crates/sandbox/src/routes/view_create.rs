//! New views: tabs of a database, widgets of a dashboard, linked databases.

use notion::{Id, Kind};
use serde_json::{Value, json};

use super::views::{self, NAME_MAX};
use super::{Request, Scene};
use crate::fail::Fail;
use crate::input::check::Spot;
use crate::input::view_config;
use crate::input::view_query::Asking;
use crate::world::NODES_MAX;
use crate::world::journal::{Change, Subject};
use crate::world::node::{Content, Database, Node, Parent};
use crate::world::tree::Slot;
use crate::world::view::{DASHBOARD, DatabaseView, FEED, TYPES, Tab, VIEWS_MAX};

/// Most widgets of a dashboard, and of one of its rows.
const WIDGETS_MAX: usize = 12;
const ROW_MAX: usize = 4;

const TARGETS: [&str; 3] = ["database_id", "view_id", "create_database"];

/// Where a new view goes.
#[derive(Clone, Copy, Debug)]
enum Place {
    /// A tab of a database.
    Tab(Id, Tab),
    /// A widget of a dashboard: in a new row (at the end, if it does not say), or in one that is
    /// there.
    Widget { dashboard: Id, row: Option<usize>, is_new: bool },
    /// A linked database that is made for it.
    Linked { page: Id, slot: Slot },
}

/// `POST /v1/views`
pub(super) fn create(scene: &mut Scene, request: &Request) -> Result<Value, Fail> {
    let body = request.body();
    let mut known = vec!["data_source_id", "name", "type", "filter", "sorts", "quick_filters"];
    known.extend(["configuration", "position", "placement"]);
    known.extend(TARGETS);
    body.only(&known)?;
    let source = body.get("data_source_id").id()?;
    let name = body.get("name").text(NAME_MAX)?.to_owned();
    let kind = body.get("type");
    // People have types in the app that the API lacks.
    let in_app = scene.who.is_person() && kind.value.is_some_and(|kind| kind == FEED);
    let kind = if in_app { FEED } else { kind.word(&TYPES, false)? };
    let place = place(&body)?;
    let place = look_up(scene, place)?;
    scene.find(Kind::DataSource, source)?;
    let (filter, sorts, quick_filters, mut configuration) = question(scene, &body, kind, source)?;
    if scene.world.views.len() >= VIEWS_MAX || scene.world.nodes.len() >= NODES_MAX {
        return Err(Fail::full());
    }
    let (database, tab, dashboard) = match place {
        Place::Tab(database, tab) => (database, tab, None),
        Place::Linked { page, slot } => (link(scene, page, slot), Tab::End, None),
        Place::Widget { dashboard, .. } => {
            (views::find(scene, dashboard)?.database, Tab::End, Some(dashboard))
        }
    };
    let (now, by) = (scene.now(), scene.who.user);
    let id = scene.world.ids.view();
    view_config::give_ids(&mut configuration, &mut scene.world.ids);
    let view = DatabaseView {
        id,
        database,
        source: (kind != DASHBOARD).then_some(source),
        name,
        kind: kind.to_owned(),
        created_time: now,
        created_by: by,
        last_edited_time: now,
        last_edited_by: by,
        filter,
        sorts,
        quick_filters,
        configuration,
        dashboard,
    };
    scene.world.add_view(view, tab);
    scene.note(Subject::View { id, of: database }, Change::Created);
    if let Place::Widget { dashboard, row, is_new } = place {
        put(scene, dashboard, id, row, is_new);
    }
    Ok(views::written(scene, id))
}

/// Exactly one of the three, and what belongs to it.
fn place(body: &Spot) -> Result<Place, Fail> {
    let given: Vec<&str> = TARGETS.into_iter().filter(|name| body.get(name).is_there()).collect();
    let [target] = given.as_slice() else {
        // That it is refused is documented; own wording.
        return Err(Fail::validation(format!(
            "body failed validation: exactly one of body.{} should be defined, instead {} were.",
            TARGETS.join(", body."),
            given.len()
        )));
    };
    let (position, placement) = (body.get("position"), body.get("placement"));
    for (spot, with) in [(&position, "database_id"), (&placement, "view_id")] {
        if spot.is_there() && *target != with {
            return Err(spot.not_present().into());
        }
    }
    let spot = body.get(target);
    match *target {
        "database_id" => Ok(Place::Tab(spot.id()?, tab(&position)?)),
        "view_id" => {
            let (row, is_new) = row(&placement)?;
            Ok(Place::Widget { dashboard: spot.id()?, row, is_new })
        }
        _ => {
            spot.object()?;
            let parent = spot.get("parent");
            parent.object()?;
            let page = parent.get("page_id").id()?;
            let position = spot.get("position");
            let slot = match position.is_there() {
                false => Slot::End,
                true => {
                    position.object()?;
                    position.get("type").word(&["after_block"], false)?;
                    Slot::After(position.get("block_id").id()?)
                }
            };
            Ok(Place::Linked { page, slot })
        }
    }
}

fn tab(spot: &Spot) -> Result<Tab, Fail> {
    if !spot.is_there() {
        return Ok(Tab::End);
    }
    spot.object()?;
    Ok(match spot.get("type").word(&["start", "end", "after_view"], false)? {
        "start" => Tab::Start,
        "end" => Tab::End,
        _ => Tab::After(spot.get("view_id").id()?),
    })
}

fn row(spot: &Spot) -> Result<(Option<usize>, bool), Fail> {
    if !spot.is_there() {
        return Ok((None, true));
    }
    spot.object()?;
    let is_new = spot.get("type").word(&["new_row", "existing_row"], false)? == "new_row";
    let index = spot.get("row_index");
    if is_new && !index.is_there() {
        return Ok((None, true));
    }
    let number = index.number()?;
    let whole = (0..=WIDGETS_MAX).find(|whole| *whole as f64 == number);
    match whole {
        Some(whole) => Ok((Some(whole), is_new)),
        None => Err(index.should_be("the index of a row").into()),
    }
}

/// Everything that the place names is there, and has room.
fn look_up(scene: &Scene, place: Place) -> Result<Place, Fail> {
    match place {
        Place::Tab(database, tab) => {
            scene.find(Kind::Database, database)?;
            scene.check_editable(database)?;
            if let Tab::After(other) = tab
                && views::find(scene, other)?.database != database
            {
                return Err(Fail::validation(format!(
                    "View {other} does not belong to database {database}."
                )));
            }
        }
        Place::Widget { dashboard, row, is_new } => {
            let view = views::find_known(scene, dashboard)?;
            scene.check_editable(view.database)?;
            if view.kind != DASHBOARD {
                let text = format!("View {dashboard} is not a dashboard.");
                return Err(Fail::validation(text));
            }
            check_room(&view.configuration, row, is_new)?;
        }
        Place::Linked { page, slot } => {
            scene.find(Kind::Page, page)?;
            scene.check_editable(page)?;
            if let Slot::After(block) = slot {
                let node = scene.find(Kind::Block, block)?;
                if node.parent_id() != Some(page) {
                    let text = format!("Block {block} is not a child of page {page}.");
                    return Err(Fail::validation(text));
                }
            }
        }
    }
    Ok(place)
}

fn widgets(row: &Value) -> usize {
    row["widgets"].as_array().map_or(0, Vec::len)
}

fn check_room(configuration: &Value, row: Option<usize>, is_new: bool) -> Result<(), Fail> {
    let rows = configuration["rows"].as_array().map_or(&[][..], Vec::as_slice);
    if rows.iter().map(widgets).sum::<usize>() >= WIDGETS_MAX {
        let text = format!("A dashboard has at most {WIDGETS_MAX} widgets.");
        return Err(Fail::validation(text));
    }
    let Some(index) = row else { return Ok(()) };
    if index > rows.len() || (!is_new && index == rows.len()) {
        return Err(Fail::validation(format!("The dashboard has no row {index}.")));
    }
    if !is_new && rows.get(index).map_or(0, widgets) >= ROW_MAX {
        let text = format!("A row of a dashboard has at most {ROW_MAX} widgets.");
        return Err(Fail::validation(text));
    }
    Ok(())
}

/// Puts a widget into its row.
fn put(scene: &mut Scene, dashboard: Id, widget: Id, row: Option<usize>, is_new: bool) {
    let (row_id, widget_id) = (scene.world.ids.random(), scene.world.ids.random());
    let Some(view) = scene.world.views.get_mut(&dashboard) else { return };
    let Some(rows) = view.configuration["rows"].as_array_mut() else { return };
    let at = row.unwrap_or(rows.len()).min(rows.len());
    if is_new {
        rows.insert(at, json!({"id": row_id, "widgets": []}));
    }
    if let Some(widgets) = rows.get_mut(at).and_then(|row| row["widgets"].as_array_mut()) {
        widgets.push(json!({"id": widget_id, "view_id": widget}));
    }
}

/// A database without tables of its own, whose views show those of others.
fn link(scene: &mut Scene, page: Id, slot: Slot) -> Id {
    let (now, by) = (scene.now(), scene.who.user);
    let id = scene.world.ids.random();
    let database = Database { is_inline: true, ..Database::default() };
    scene.world.insert(
        Node::new(id, Parent::Node(page), (now, by), Content::Database(Box::new(database))),
        slot,
    );
    scene.touch(page);
    scene.note_node(id, Change::Created);
    scene.note_content(&[id]);
    id
}

type Question = (Value, Value, Value, Value);

/// Filter, sorts, quick filters and configuration.
fn question(scene: &Scene, body: &Spot, kind: &'static str, id: Id) -> Result<Question, Fail> {
    let [filter, sorts, quick_filters, configuration] =
        ["filter", "sorts", "quick_filters", "configuration"].map(|name| body.get(name));
    if kind == DASHBOARD {
        for spot in [&filter, &sorts, &quick_filters, &configuration] {
            if spot.is_there() {
                return Err(spot.not_present().into());
            }
        }
        let empty = json!({"type": DASHBOARD, "rows": []});
        return Ok((Value::Null, Value::Null, Value::Null, empty));
    }
    let Some(source) = scene.world.source(id) else {
        return Err(scene.not_found("data_source", id));
    };
    let asking = Asking { world: scene.world, source, me: scene.who.user };
    let read = |spot: &Spot, how: &dyn Fn() -> Result<Value, Fail>| {
        if spot.is_there() { how() } else { Ok(Value::Null) }
    };
    let configuration = if configuration.is_there() || view_config::is_needed(kind) {
        view_config::read(&configuration, kind, source, &Value::Null)?
    } else {
        json!({"type": kind})
    };
    Ok((
        read(&filter, &|| asking.filter(&filter))?,
        read(&sorts, &|| asking.sorts(&sorts, false))?,
        read(&quick_filters, &|| asking.quick_filters(&quick_filters, &Value::Null))?,
        configuration,
    ))
}
