//! Notion's operations, one file per noun. Handlers check everything first and change then.

mod attach;
mod blocks;
mod comments;
mod convert;
mod custom_emojis;
mod data_sources;
mod databases;
mod file_uploads;
pub(crate) mod later;
mod markdown;
mod meeting_notes;
mod page_property;
mod pages;
mod query;
mod rewrite;
mod rows;
mod search;
mod templates;
mod trash;
mod users;
mod view_create;
mod view_queries;
mod views;

pub(crate) use blocks::plant;

use jiff::Timestamp;
use notion::catalogue::Operation;
use notion::{Capability, Id, Kind, Version};
use serde_json::Value;

use crate::fail::Fail;
use crate::input::check::Spot;
use crate::input::multipart::Form;
use crate::input::schema::Sees;
use crate::query::session::Sessions;
use crate::render;
use crate::world::World;
use crate::world::access::{Reach, View, Who};
use crate::world::connection::Owner;
use crate::world::journal::{Change, Subject};
use crate::world::node::{Node, Parent};

/// What an operation works in: the world, the caller, the version.
#[derive(Debug)]
pub(crate) struct Scene<'a> {
    pub(crate) world: &'a mut World,
    pub(crate) sessions: &'a mut Sessions,
    pub(crate) who: Who,
    pub(crate) version: Version,
}

/// A request that passed the checks which all operations share.
#[derive(Debug)]
pub(crate) struct Request {
    /// Path parameters.
    pub(crate) path: Value,
    /// Query parameters: text, or an array of text if repeated.
    pub(crate) query: Value,
    pub(crate) body: Value,
}

impl Request {
    pub(crate) fn body(&self) -> Spot<'_> {
        Spot::body(&self.body)
    }

    /// An id in the path.
    pub(crate) fn id(&self, name: &str) -> Result<Id, Fail> {
        Ok(Spot::root("path", &self.path).get(name).id()?)
    }

    /// The values of a query parameter that may be repeated, with or without `[]`.
    pub(crate) fn all(&self, name: &str) -> Vec<&str> {
        let values = [name.to_owned(), format!("{name}[]")];
        let found = values.iter().filter_map(|name| self.query.get(name));
        found
            .flat_map(|value| match value {
                Value::Array(all) => all.iter().filter_map(Value::as_str).collect(),
                other => other.as_str().into_iter().collect::<Vec<_>>(),
            })
            .collect()
    }
}

impl Scene<'_> {
    pub(crate) fn view(&self) -> View<'_> {
        View { world: self.world, who: &self.who, version: self.version }
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.world.now()
    }

    pub(crate) fn not_found(&self, kind: &str, id: Id) -> Fail {
        Fail::not_found(kind, id, &self.who, self.version)
    }

    /// The node of that kind, if the caller sees it. As blocks, pages and databases count too.
    pub(crate) fn find(&self, kind: Kind, id: Id) -> Result<&Node, Fail> {
        let fits = |node: &&Node| match kind {
            Kind::Block => node.kind() != Kind::DataSource,
            _ => node.kind() == kind,
        };
        let node = self.world.node(id).filter(fits).filter(|_| self.view().sees(id));
        node.ok_or_else(|| self.not_found(kind.as_str(), id))
    }

    /// Refuses changes to what is in the trash, itself or by something above it.
    pub(crate) fn check_editable(&self, id: Id) -> Result<(), Fail> {
        if self.world.node(id).is_some_and(|node| node.in_trash) {
            return Err(Fail::archived_block());
        }
        if self.world.has_trashed_ancestor(id) {
            return Err(Fail::archived_ancestor());
        }
        Ok(())
    }

    /// The answer to a write: the object, or just its id without the right to read.
    pub(crate) fn written(&self, kind: Kind, id: Id) -> Value {
        let view = self.view();
        match view.world.node(id) {
            Some(node) if self.who.can(Capability::ReadContent) => match kind {
                Kind::Block => render::block::block(view, node),
                _ => render::any(view, node),
            },
            _ => render::partial(kind, id),
        }
    }

    /// The top of the workspace, where only somebody's pages stand: a person's, or those of a
    /// connection that a person is behind.
    fn own_level(&self) -> Result<Parent, Fail> {
        match self.who.owner {
            Some(Owner::Workspace) => Err(Fail::ownerless()),
            _ => Ok(Parent::Workspace),
        }
    }

    /// What a connection puts at the top is for the person behind it alone, and for itself.
    fn keep_private(&mut self, id: Id) {
        let is_top = self.world.node(id).is_some_and(|node| node.parent == Parent::Workspace);
        let Some(person) = self.who.owner.and_then(Owner::person).filter(|_| is_top) else {
            return;
        };
        self.world.private.insert(id, vec![person]);
        if let Some(connection) = self.world.connections.get_mut(&self.who.connection) {
            connection.shared.push(id);
            self.who.reach = Some(Reach::of(connection));
        }
    }

    fn touch(&mut self, id: Id) {
        let now = self.now();
        self.world.touch(id, self.who.user, now);
    }

    /// Notes that the caller changed something.
    fn note(&mut self, subject: Subject, change: Change) {
        self.world.note(self.who.user, subject, change);
    }

    /// Notes that a page, database or data source changed.
    fn note_node(&mut self, id: Id, change: Change) {
        self.note(Subject::Node(id), change);
    }

    /// Notes that nodes came, changed or went as content of what is above them.
    fn note_content(&mut self, changed: &[Id]) {
        self.world.note_content(self.who.user, changed);
    }

    fn has_sources(&self) -> bool {
        self.version >= Version::V2025_09_03
    }
}

/// How schema readers ask what the caller sees.
#[derive(Debug)]
struct Eyes<'a>(View<'a>);

impl Sees for Eyes<'_> {
    fn sees(&self, id: Id) -> bool {
        self.0.sees(id)
    }

    fn not_found(&self, kind: &str, id: Id) -> Fail {
        Fail::not_found(kind, id, self.0.who, self.0.version)
    }
}

/// Runs the one operation whose body is a form.
pub(crate) fn send(scene: &mut Scene, request: &Request, form: Form) -> Result<Value, Fail> {
    file_uploads::send(scene, request, form)
}

/// Runs an operation.
pub(crate) fn run(
    scene: &mut Scene,
    operation: &'static Operation,
    request: &Request,
) -> Result<Value, Fail> {
    match operation.name {
        "post-page" => pages::create(scene, request),
        "retrieve-a-page" => pages::retrieve(scene, request),
        "patch-page" => pages::update(scene, request),
        "move-page" => pages::relocate(scene, request),
        "retrieve-a-page-property" => page_property::retrieve(scene, request),
        "retrieve-page-markdown" => markdown::retrieve(scene, request),
        "update-page-markdown" => markdown::update(scene, request),
        "retrieve-async-task" => later::retrieve(scene, request),
        "retrieve-a-block" => blocks::retrieve(scene, request),
        "update-a-block" => blocks::update(scene, request),
        "delete-a-block" => blocks::delete(scene, request),
        "get-block-children" => blocks::children(scene, request),
        "patch-block-children" => blocks::append(scene, request),
        "create-database" => databases::create(scene, request),
        "retrieve-a-database" => databases::retrieve(scene, request),
        "update-database" => databases::update(scene, request),
        "post-database-query" => query::database(scene, request),
        "get-databases" => search::databases(scene, request),
        "create-a-data-source" => data_sources::create(scene, request),
        "retrieve-a-data-source" => data_sources::retrieve(scene, request),
        "update-a-data-source" => data_sources::update(scene, request),
        "query-data-source" => query::data_source(scene, request),
        "list-data-source-templates" => templates::list(scene, request),
        "post-search" => search::search(scene, request),
        "get-users" => users::list(scene, request),
        "get-self" => users::me(scene),
        "get-user" => users::retrieve(scene, request),
        "create-a-comment" => comments::create(scene, request),
        "retrieve-a-comment" => comments::list(scene, request),
        "retrieve-comment" => comments::retrieve(scene, request),
        "update-a-comment" => comments::update(scene, request),
        "delete-a-comment" => comments::delete(scene, request),
        "list-views" => views::list(scene, request),
        "create-view" => view_create::create(scene, request),
        "retrieve-a-view" => views::retrieve(scene, request),
        "update-a-view" => views::update(scene, request),
        "delete-view" => views::delete(scene, request),
        "create-view-query" => view_queries::create(scene, request),
        "get-view-query-results" => view_queries::results(scene, request),
        "delete-view-query" => view_queries::delete(scene, request),
        "list-custom-emojis" => custom_emojis::list(scene, request),
        "create-file" => file_uploads::create(scene, request),
        "list-file-uploads" => file_uploads::list(scene, request),
        "retrieve-file-upload" => file_uploads::retrieve(scene, request),
        "complete-file-upload" => file_uploads::complete(scene, request),
        "create-meeting-notes" => meeting_notes::create(scene, request),
        "query-meeting-notes" => meeting_notes::query(scene, request),
        // The others are no handlers of this table: what they take is not JSON, or not a token.
        _ => Err(Fail::no_route()),
    }
}
