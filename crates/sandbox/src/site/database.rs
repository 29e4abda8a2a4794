//! A database: its views as tabs, the rows as the chosen view lays them out, and the schema.

use maud::{Markup, html};
use notion::Id;
use serde_json::Value;

use super::frame::Place;
use super::text::{icon_of, link_to, runs, title};
use super::{Page, Pages, aside, page, rows, schema};
use crate::input::view_query::Asking;
use crate::query::sort;
use crate::render;
use crate::world::access::View;
use crate::world::node::{DataSource, Node};
use crate::world::property::{Property, PropertyKind};
use crate::world::view::{DASHBOARD, DatabaseView};

/// So many tabs are shown.
const TABS_MAX: usize = 50;

/// The page of a database; that of a data source is the same with the views of its rows only.
pub(super) fn page(view: View, node: &Node, pages: &Pages) -> Page {
    let container = match node.source() {
        Some(_) => node.parent_id().and_then(|id| view.world.node(id)).unwrap_or(node),
        None => node,
    };
    let sources = view.world.sources_of(container.id);
    let only = node.source().map(|_| node.id);
    let tabs: Vec<&DatabaseView> = view
        .world
        .views_of(container.id)
        .filter(|tab| only.is_none() || tab.source == only)
        .take(TABS_MAX)
        .collect();
    let wanted = pages.query("view").and_then(Id::parse);
    let chosen = tabs.iter().copied().find(|tab| Some(tab.id) == wanted).or(tabs.first().copied());
    let shows_schema = pages.query("show") == Some("schema");
    let source = only.or(chosen.and_then(|tab| tab.source)).or(sources.first().copied());
    let name = title(view, container.id);
    let database = render::any(view, container);
    let main = html! {
        div.over-aside {
            article {
                (page::breadcrumb(view, container.id, "Breadcrumb"))
                (page::cover_band(&database["cover"]))
                header.title { h1 { (icon_of(view, container.id)) span { (name) } } (aside::flags(view, container)) }
                p.description { (runs(&database["description"])) }
                @if sources.len() > 1 || only.is_some() { (source_list(view, container.id, &sources, only)) }
                nav.tab-list aria-label="Views" {
                    @for tab in &tabs {
                        @let is_here = !shows_schema && chosen.is_some_and(|chosen| chosen.id == tab.id);
                        a href=(pages.link(&[("view", &tab.id.plain()), ("show", ""), ("from", "")]))
                            aria-current=[is_here.then_some("page")] {
                            (tab.name) span.label { (tab.kind.as_str()) }
                        }
                    }
                    a href=(pages.link(&[("show", "schema"), ("from", "")]))
                        aria-current=[shows_schema.then_some("page")] { "Schema" }
                }
                @match source.and_then(|id| Some((id, view.world.source(id)?))) {
                    Some((id, source)) if shows_schema => (schema::table(view, id, source)),
                    Some((id, source)) => (laid_out(view, id, source, chosen, pages)),
                    None => p.empty { "This database has no data source. Add one with POST /v1/data_sources." },
                }
            }
            (aside::about(view, node))
        }
    };
    Page::new(name, Place::Node(container.id), main)
}

/// The first rows of a database that is shown within a page.
pub(super) fn inline(view: View, id: Id) -> Markup {
    const ROWS: usize = 8;
    const COLUMNS: usize = 6;
    let is_inline = view.world.node(id).and_then(Node::database).is_some_and(|it| it.is_inline);
    let first = view.world.sources_of(id).first().copied().filter(|_| is_inline);
    let Some((id, source)) = first.and_then(|id| Some((id, view.world.source(id)?))) else {
        return html! {};
    };
    let rows = view.world.rows_of(id);
    let mut columns = columns(source, &Value::Null);
    columns.truncate(COLUMNS);
    let name = title(view, id);
    html! {
        @if !rows.is_empty() {
            div.scroll tabindex="0" role="region" aria-label={ "Rows of " (name) } {
                (rows::grid(view, &name, &columns, &rows[..rows.len().min(ROWS)]))
            }
            @if rows.len() > ROWS { p.cut { (rows.len() - ROWS) " more rows are on its own page." } }
        }
    }
}

fn source_list(view: View, container: Id, sources: &[Id], only: Option<Id>) -> Markup {
    let here = |is_here: bool| is_here.then_some("page");
    html! {
        nav.tab-list aria-label="Data sources" {
            a href=(link_to(container)) aria-current=[here(only.is_none())] { "All data sources" }
            @for id in sources {
                a href=(link_to(*id)) aria-current=[here(Some(*id) == only)] { (title(view, *id)) }
            }
        }
    }
}

fn laid_out(
    view: View,
    id: Id,
    source: &DataSource,
    tab: Option<&DatabaseView>,
    pages: &Pages,
) -> Markup {
    let name = title(view, id);
    let Some(tab) = tab else {
        let all = rows_of(view, id, source, None);
        return rows::table(view, &name, &columns(source, &Value::Null), &all, pages);
    };
    if tab.kind == DASHBOARD {
        return dashboard(view, tab);
    }
    let all = rows_of(view, id, source, Some(tab));
    let settings = &tab.configuration;
    let named = |member: &Value| member.as_str().and_then(|id| source.schema.get(id));
    let rows = match tab.kind.as_str() {
        "board" => match named(&settings["group_by"]["property_id"]).or_else(|| grouping(source)) {
            Some(by) => rows::board(view, &all, by),
            None => rows::list(view, &all, None, pages),
        },
        "calendar" | "timeline" => {
            rows::list(view, &all, named(&settings["date_property_id"]), pages)
        }
        "list" | "gallery" | "feed" => rows::list(view, &all, None, pages),
        _ => rows::table(view, &name, &columns(source, settings), &all, pages),
    };
    let is_other = !matches!(tab.kind.as_str(), "table" | "board" | "list");
    html! {
        @if is_other { p.quiet { "Not drawn as a " (tab.kind.as_str()) " here; these are its rows." } }
        (rows)
        (definition(view, tab))
    }
}

/// The rows that a view shows, in its order; without one as they were made.
fn rows_of(view: View, id: Id, source: &DataSource, tab: Option<&DatabaseView>) -> Vec<Id> {
    let asking = Asking { world: view.world, source, me: view.who.user };
    // A filter that cannot be carried out hides nothing.
    let ready = tab.and_then(|tab| asking.ready(&tab.filter, &tab.sorts).ok());
    let (filter, sorts) = ready.unwrap_or_default();
    let mut rows = view.world.rows_of(id);
    rows.retain(|row| {
        view.world.page(*row).is_some_and(|page| !page.is_archived)
            && filter.as_ref().is_none_or(|filter| filter.passes(view, *row))
    });
    sort::sort(view, &mut rows, &sorts);
    rows
}

/// Columns as a view has them: its own order first, then the schema's; without those it hides.
fn columns<'a>(source: &'a DataSource, settings: &Value) -> Vec<&'a Property> {
    let listed: Vec<(&str, bool)> = settings["properties"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(|one| Some((one["property_id"].as_str()?, one["visible"] != false)))
        .collect();
    let place = |property: &Property| listed.iter().position(|(id, _)| *id == property.id);
    let is_shown = |property: &&Property| {
        property.kind == PropertyKind::Title || place(property).is_none_or(|at| listed[at].1)
    };
    let mut columns: Vec<&Property> = source.schema.values().filter(is_shown).collect();
    columns.sort_by_key(|property| {
        (property.kind != PropertyKind::Title, place(property).unwrap_or(usize::MAX))
    });
    columns
}

/// What a board without settings is grouped by.
fn grouping(source: &DataSource) -> Option<&Property> {
    let of = |kind| source.schema.values().find(move |property: &&Property| property.kind == kind);
    of(PropertyKind::Status).or_else(|| of(PropertyKind::Select))
}

fn dashboard(view: View, tab: &DatabaseView) -> Markup {
    let widgets = view.world.views.values().filter(|other| other.dashboard == Some(tab.id));
    html! {
        p.quiet { "Dashboards are not drawn here; these are the views on it." }
        ul {
            @for widget in widgets.take(TABS_MAX) {
                li {
                    (widget.name) " (" (widget.kind.as_str()) ")"
                    @if let Some(source) = widget.source { " of " a href=(link_to(source)) { (title(view, source)) } }
                }
            }
        }
        (definition(view, tab))
    }
}

/// The view as the API answers it.
fn definition(view: View, tab: &DatabaseView) -> Markup {
    let source = tab.source.and_then(|id| view.world.source(id));
    let shown = render::view::view(tab, source);
    html! {
        details.definition {
            summary { "Definition of the view “" (tab.name) "”" }
            pre tabindex="0" role="group" aria-label="Definition of the view" {
                code { (super::media::shortened(&format!("{shown:#}"), 20_000)) }
            }
        }
    }
}
