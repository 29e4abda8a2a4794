//! What is done about the events of one object: its place in the tree is learned anew, and whoever
//! else wants to know is told.

use std::panic::AssertUnwindSafe;
use std::time::Duration;

use futures_util::FutureExt;
use model::{Connection, Principal, Role, TenantId, Who};
use notion::webhook::{Body, Event};
use notion::{Capabilities, Id, Kind};
use store::{ObjectWork, StoredEvent};

use super::{EventWork, WorkedEvent};
use crate::Gate;
use crate::error::Error;
use crate::locate::Looking;

/// For all that is done about one object at once.
const TIME_MAX: Duration = Duration::from_secs(60);
/// How much of an error is kept.
const ERROR_LENGTH_MAX: usize = 300;

/// Why work did not end well.
#[derive(Debug)]
pub(super) enum WorkFault {
    /// It may go well later.
    Failed(String),
    /// There is no use in trying.
    Stopped(String),
}

impl Gate {
    /// Works the events of an object, in their order, as one.
    pub(super) async fn work_events(
        &self,
        work: &ObjectWork,
        events: &[StoredEvent],
    ) -> Result<(), WorkFault> {
        let Some(last) = events.last() else { return Ok(()) };
        let Ok(Body::Event(event)) = Body::read(&last.body) else {
            return Err(WorkFault::Stopped("its body cannot be read any more".to_owned()));
        };
        let connections = || self.connections_of(&work.tenant, &event);
        let Some(connection) = connections().into_iter().next() else {
            return Err(WorkFault::Stopped(unreachable(&event)));
        };
        let done = async {
            self.look_again(&connection, &event, last).await?;
            self.tell_handler(work, &connection, events).await
        };
        let done = tokio::time::timeout(TIME_MAX, AssertUnwindSafe(done).catch_unwind()).await;
        let fault = match done {
            Ok(Ok(Ok(()))) => return Ok(()),
            Ok(Ok(Err(fault))) => fault,
            Ok(Err(_)) => "it panicked; the log has more".to_owned(),
            Err(_) => format!("it took longer than {} s", TIME_MAX.as_secs()),
        };
        // Whoever disconnects a workspace meanwhile wants no more of this.
        if connections().is_empty() {
            return Err(WorkFault::Stopped(unreachable(&event)));
        }
        Err(WorkFault::Failed(fault.chars().take(ERROR_LENGTH_MAX).collect()))
    }

    /// The tenant's connections that are in use.
    pub(super) fn own_connections(&self, tenant: &TenantId) -> Vec<Connection> {
        let held = self.shared.custody.of_tenant(tenant);
        let all = held.into_iter().map(|held| held.current().connection.clone());
        all.filter(|connection| connection.state.is_usable()).collect()
    }

    /// The tenant's connections that may see what an event is about; those first that it names.
    fn connections_of(&self, tenant: &TenantId, event: &Event) -> Vec<Connection> {
        let workspace = event.workspace_id.as_deref().and_then(Id::parse);
        let mut connections = self.own_connections(tenant);
        connections.retain(|it| {
            it.workspace_id.is_none() || workspace.is_none() || it.workspace_id == workspace
        });
        let is_named = |connection: &Connection| {
            let bot = connection.bot_id.0;
            let named = event.integration_id.as_deref().and_then(Id::parse) == Some(bot);
            named || event.accessible_by.iter().any(|actor| Id::parse(&actor.id) == Some(bot))
        };
        connections.sort_by_key(|connection| !is_named(connection));
        connections
    }

    /// Asks Notion once where the object stands now.
    async fn look_again(
        &self,
        connection: &Connection,
        event: &Event,
        last: &StoredEvent,
    ) -> Result<(), String> {
        let Some((kind, id)) = kind_of(&last.entity_kind).zip(Id::parse(&last.entity)) else {
            return Ok(());
        };
        self.shared.tree.forget(connection.bot_id, id);
        if self.shared.columns.hear_of(connection.bot_id, &last.entity_kind) {
            self.shared.tree.forget_rows(connection.bot_id);
        }
        if event.is_deletion() {
            return Ok(());
        }
        let gate = Principal {
            who: Who::Gate,
            tenant: last.tenant.clone(),
            connection: connection.bot_id,
            role: Role::Viewer,
            capabilities: Capabilities::ALL,
            above: Default::default(),
            person: None,
        };
        let looking = Looking::new(&gate, &last.id, self.shared.clock.now());
        match self.look_up(&looking, kind, id).await {
            Ok(_) => Ok(()),
            // The connection may not look at such objects: there is nothing to learn.
            Err(Error::Notion(error)) if error.status == 403 => Ok(()),
            Err(error) => Err(error.to_string()),
        }
    }

    async fn tell_handler(
        &self,
        work: &ObjectWork,
        connection: &Connection,
        events: &[StoredEvent],
    ) -> Result<(), String> {
        let Some(handler) = &self.shared.webhooks.settings.handler else { return Ok(()) };
        let entity_kind = events.last().map(|event| event.entity_kind.clone()).unwrap_or_default();
        let worked = |event: &StoredEvent| WorkedEvent {
            id: event.id.clone(),
            kind: event.kind.clone(),
            at: event.at,
            body: event.body.clone(),
        };
        let work = EventWork {
            tenant: work.tenant.clone(),
            connection: connection.bot_id,
            entity_kind,
            entity: work.entity.clone(),
            events: events.iter().map(worked).collect(),
        };
        handler.handle(&work).await
    }
}

fn unreachable(event: &Event) -> String {
    let workspace = event.workspace_id.as_deref().unwrap_or("(not named)");
    format!("no connection to the workspace {workspace} is in use: connect it, then replay")
}

/// The kinds of objects that have a place in the tree.
fn kind_of(word: &str) -> Option<Kind> {
    [Kind::Page, Kind::Block, Kind::Database, Kind::DataSource, Kind::View, Kind::Comment]
        .into_iter()
        .find(|kind| kind.as_str() == word)
}
