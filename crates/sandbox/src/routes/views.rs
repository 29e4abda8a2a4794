//! Views: list, retrieve, update, delete.

use notion::{Capability, Id, Kind};
use serde_json::{Value, json};

use super::databases::take;
use super::{Request, Scene};
use crate::fail::Fail;
use crate::input::check::{Spot, fix_one};
use crate::input::paging::Paging;
use crate::input::view_config;
use crate::input::view_query::Asking;
use crate::query::session;
use crate::render;
use crate::render::list::list as envelope;
use crate::world::journal::{Change, Field, Subject};
use crate::world::view::{DASHBOARD, DatabaseView, FEED, TYPES};

/// The longest name of a view (own bound).
pub(super) const NAME_MAX: usize = 2000;

/// The view, if the caller sees its database and what it shows: the original of a linked database
/// must be shared as well.
pub(super) fn find<'a>(scene: &'a Scene, id: Id) -> Result<&'a DatabaseView, Fail> {
    let found = scene.world.views.get(&id).filter(|view| is_seen(scene, view));
    found.ok_or_else(|| scene.not_found("view", id))
}

fn is_seen(scene: &Scene, view: &DatabaseView) -> bool {
    let eyes = scene.view();
    eyes.sees(view.database) && view.source.is_none_or(|source| eyes.sees(source))
}

/// A view of a type that the API knows; the app has more.
pub(super) fn find_known<'a>(scene: &'a Scene, id: Id) -> Result<&'a DatabaseView, Fail> {
    let view = find(scene, id)?;
    if view.kind == FEED {
        return Err(Fail::validation(format!("Unsupported view type: {FEED}")));
    }
    Ok(view)
}

/// `GET /v1/views`
pub(super) fn list(scene: &mut Scene, request: &Request) -> Result<Value, Fail> {
    let query = Spot::root("query", &request.query);
    let (database, source) = (query.get("database_id"), query.get("data_source_id"));
    if !database.is_there() && !source.is_there() {
        return Err(fix_one(vec![database.undefined(), source.undefined()]));
    }
    let id = |spot: &Spot| if spot.is_there() { spot.id().map(Some) } else { Ok(None) };
    let (database, source) = (id(&database)?, id(&source)?);
    let paging = Paging::in_query(&request.query)?;
    if let Some(database) = database {
        scene.find(Kind::Database, database)?;
    }
    if let Some(source) = source {
        scene.find(Kind::DataSource, source)?;
    }
    // Nobody says whether widgets are listed: here, under their data source and not as tabs.
    let all: Vec<Id> = scene
        .world
        .views
        .values()
        .filter(|view| database.is_none_or(|id| view.database == id && view.dashboard.is_none()))
        .filter(|view| source.is_none_or(|id| view.source == Some(id)))
        .filter(|view| is_seen(scene, view))
        .map(|view| view.id)
        .collect();
    let (page, next) = session::slice(&all, &paging)?;
    let results = page.iter().map(|id| render::partial(Kind::View, *id)).collect();
    Ok(envelope("view", results, next))
}

/// `GET /v1/views/{view_id}`
pub(super) fn retrieve(scene: &mut Scene, request: &Request) -> Result<Value, Fail> {
    let view = find_known(scene, request.id("view_id")?)?;
    Ok(render::view::view(view, view.source.and_then(|id| scene.world.source(id))))
}

/// The answer to a write: the view, or just its id without the right to read.
pub(super) fn written(scene: &Scene, id: Id) -> Value {
    match scene.world.views.get(&id) {
        Some(view) if scene.who.can(Capability::ReadContent) => {
            render::view::view(view, view.source.and_then(|id| scene.world.source(id)))
        }
        _ => render::partial(Kind::View, id),
    }
}

/// The type of a view as the tables of configurations have it.
pub(super) fn known_type(kind: &str) -> &'static str {
    TYPES.into_iter().find(|known| *known == kind).unwrap_or(FEED)
}

/// `PATCH /v1/views/{view_id}`: what is not said stays, `null` clears. The type cannot change.
pub(super) fn update(scene: &mut Scene, request: &Request) -> Result<Value, Fail> {
    let id = request.id("view_id")?;
    let body = request.body();
    body.only(&["name", "filter", "sorts", "quick_filters", "configuration"])?;
    let name = body.get("name");
    let name = if name.is_there() { Some(name.text(NAME_MAX)?.to_owned()) } else { None };
    let [filter, sorts, quick_filters, configuration] =
        ["filter", "sorts", "quick_filters", "configuration"].map(|name| body.get(name));
    let view = find_known(scene, id)?;
    scene.check_editable(view.database)?;
    let world = &*scene.world;
    let source = view.source.and_then(|id| world.source(id));
    let mut new = (None, None, None, None);
    match source {
        None => {
            // A dashboard has nothing to ask and no layout that could be set.
            for spot in [&filter, &sorts, &quick_filters, &configuration] {
                if spot.is_there() && !spot.is_null() {
                    return Err(spot.not_present().into());
                }
            }
        }
        Some(source) => {
            let asking = Asking { world, source, me: scene.who.user };
            let read = |spot: &Spot, how: &dyn Fn() -> Result<Value, Fail>| match spot.value {
                None => Ok(None),
                Some(Value::Null) => Ok(Some(Value::Null)),
                Some(_) => how().map(Some),
            };
            new.0 = read(&filter, &|| asking.filter(&filter))?;
            new.1 = read(&sorts, &|| asking.sorts(&sorts, true))?;
            new.2 = read(&quick_filters, &|| {
                asking.quick_filters(&quick_filters, &view.quick_filters)
            })?;
            let kind = known_type(&view.kind);
            if configuration.is_there() {
                let before = &view.configuration;
                new.3 = Some(view_config::read(&configuration, kind, source, before)?);
            }
        }
    }
    let given = [
        (Field::Name, name.is_some()),
        (Field::Filter, new.0.is_some()),
        (Field::Sorts, new.1.is_some()),
        (Field::Configuration, new.3.is_some()),
    ];
    let changed = given.into_iter().filter(|(_, given)| *given).map(|(name, _)| name).collect();
    let of = view.database;
    if let Some(configuration) = &mut new.3 {
        view_config::give_ids(configuration, &mut scene.world.ids);
    }
    let (now, by) = (scene.now(), scene.who.user);
    if let Some(view) = scene.world.views.get_mut(&id).filter(|_| request.body != json!({})) {
        take(&mut view.name, name);
        take(&mut view.filter, new.0);
        take(&mut view.sorts, new.1);
        take(&mut view.quick_filters, new.2);
        take(&mut view.configuration, new.3);
        view.last_edited_time = now;
        view.last_edited_by = by;
        scene.note(Subject::View { id, of }, Change::View(changed));
    }
    Ok(written(scene, id))
}

/// `DELETE /v1/views/{view_id}`
pub(super) fn delete(scene: &mut Scene, request: &Request) -> Result<Value, Fail> {
    let id = request.id("view_id")?;
    let view = find_known(scene, id)?;
    let (database, dashboard) = (view.database, view.dashboard);
    scene.check_editable(database)?;
    if dashboard.is_none() && scene.world.views_of(database).count() == 1 {
        // Said to be refused; own wording.
        return Err(Fail::validation("The only view of a database cannot be deleted."));
    }
    let answer = render::view::deleted(view);
    if let Some(dashboard) = dashboard.and_then(|id| scene.world.views.get_mut(&id)) {
        leave_dashboard(&mut dashboard.configuration, id);
    }
    let is_dashboard = view_is_dashboard(scene, id);
    let goes = |view: &DatabaseView| view.id == id || is_dashboard && view.dashboard == Some(id);
    let gone: Vec<Id> =
        scene.world.views.values().filter(|view| goes(view)).map(|view| view.id).collect();
    for id in gone {
        scene.world.views.shift_remove(&id);
        scene.note(Subject::View { id, of: database }, Change::Deleted);
    }
    Ok(answer)
}

fn view_is_dashboard(scene: &Scene, id: Id) -> bool {
    scene.world.views.get(&id).is_some_and(|view| view.kind == DASHBOARD)
}

/// Takes a widget off its dashboard; a row without widgets goes as well.
fn leave_dashboard(configuration: &mut Value, widget: Id) {
    let Some(rows) = configuration["rows"].as_array_mut() else { return };
    for row in rows.iter_mut() {
        if let Some(widgets) = row["widgets"].as_array_mut() {
            widgets.retain(|one| one["view_id"] != json!(widget));
        }
    }
    rows.retain(|row| row["widgets"].as_array().is_some_and(|all| !all.is_empty()));
}
