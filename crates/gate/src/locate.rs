//! Step 3, locate: where does an object stand? From the tree, and from Notion where the tree does
//! not know or may be out of date.

mod ahead;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::Duration;

use http::StatusCode;
use jiff::Timestamp;
use model::{KeyId, Principal, Who};
use notion::catalogue::Operation;
use notion::client::{Request, RequestBody};
use notion::{ApiError, Effect, Id, Kind, Version};
use policy::{Permit, Place, RowProperties};
use serde_json::Value;
use tokio::time::Instant;

use crate::Gate;
use crate::columns::Judged;
use crate::error::Error;
use crate::rate::Limiter;
use crate::record::Record;
use crate::tree::{Node, Object};
use crate::view::Title;

/// Notion's trees are not this deep; a longer path is a circle.
const DEPTH_MAX: usize = 64;
/// An object's own place is asked for again after this time, where the answer will not tell it.
const OWN_AGE_MAX: Duration = Duration::from_secs(10);
/// The largest answer to a look-up that is read.
const LOOKUP_MAX: usize = 4 * 1024 * 1024;

/// Look-ups that one call may make; a call that needs more goes on when it is made again.
const LOOKUPS_MAX: u32 = 300;
/// So many of them it may make however long they take, and a list that can give a page that is short no more.
const LOOKUPS_ANYWAY: u32 = 100;
/// What a call pays of its key's look-ups as soon as it needs one.
const AT_FIRST: u32 = 5;

/// On whose behalf places are asked for, and how often yet.
///
/// Look-ups have a limit of their own for each key and minute, apart from the key's budget. What a call
/// pays there may not tell what stands outside either: a call that is refused pays the same however deep
/// the object stands, and whether it is there at all. One that is allowed pays what it took.
pub(crate) struct Looking<'a> {
    pub(crate) principal: &'a Principal,
    pub(crate) request_id: &'a str,
    most: u32,
    left: AtomicU32,
    has_paid: AtomicBool,
    begun: Timestamp,
    /// The same by a clock that nobody sets.
    since: Instant,
    /// What was found out about the columns of tables.
    pub(crate) columns: Judged,
    /// The properties of rows to look at, if others than the policies in force look at.
    pub(crate) rows: Option<Arc<RowProperties>>,
}

impl<'a> Looking<'a> {
    pub(crate) fn new(principal: &'a Principal, request_id: &'a str, now: Timestamp) -> Self {
        Self {
            principal,
            request_id,
            most: LOOKUPS_MAX,
            left: AtomicU32::new(LOOKUPS_MAX),
            has_paid: AtomicBool::new(false),
            begun: now,
            since: Instant::now(),
            columns: Judged::default(),
            rows: None,
        }
    }

    /// For a list that goes on with its next page.
    pub(crate) fn for_list(principal: &'a Principal, request_id: &'a str, now: Timestamp) -> Self {
        let left = AtomicU32::new(LOOKUPS_ANYWAY);
        Self { most: LOOKUPS_ANYWAY, left, ..Self::new(principal, request_id, now) }
    }

    /// On whose behalf.
    pub(crate) fn principal(&self) -> &'a Principal {
        self.principal
    }

    fn made(&self) -> u32 {
        self.most.saturating_sub(self.left.load(Ordering::Relaxed))
    }

    /// One look-up more; `false` if there is none left. `time` is what a call may take.
    fn spend(&self, time: Duration) -> bool {
        let is_late = self.made() >= LOOKUPS_ANYWAY && self.since.elapsed() > time / 2;
        let less = |left: u32| left.checked_sub(1).filter(|_| !is_late);
        self.left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, less).is_ok()
    }
}

/// How many look-ups each key has left in the current minute, those of the keys that it made included.
#[derive(Debug)]
pub(crate) struct LookUps(Limiter<KeyId>);

impl LookUps {
    pub(crate) fn new(per_minute: u32) -> Self {
        Self(Limiter::new(per_minute.max(AT_FIRST)))
    }
}

impl Gate {
    /// Pays for the look-ups of a call, before the first of them.
    fn pay_for_looking(&self, looking: &Looking<'_>) -> Result<(), Error> {
        let Some(payer) = self.payer(looking.principal) else { return Ok(()) };
        if looking.has_paid.swap(true, Ordering::Relaxed) {
            return Ok(());
        }
        let taken = self.shared.look_ups.0.take_many(&payer, AT_FIRST, looking.begun);
        taken.map_err(|retry_after| Error::LookUps { retry_after })
    }

    /// The call is allowed: all that was looked up stands inside, and is paid for one by one.
    pub(crate) fn settle_looking(&self, looking: &Looking<'_>) {
        let Some(payer) = self.payer(looking.principal) else { return };
        if looking.has_paid.swap(false, Ordering::Relaxed) {
            let more = i64::from(looking.made()) - i64::from(AT_FIRST);
            self.shared.look_ups.0.settle(&payer, more, looking.begun);
        }
    }

    /// The key that pays: the topmost above the caller's, so that making keys makes no look-ups.
    fn payer(&self, principal: &Principal) -> Option<KeyId> {
        principal.key().map(|key| self.shared.keys.top(key))
    }
}

/// How sure the place of the object itself must be; its ancestors may be as old as the tree allows.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Trust {
    /// As the tree has it: the answer of the call will tell the place once more.
    Tree,
    /// Seen lately.
    Lately,
    /// Asked for now, the whole path: only what was seen after this time is believed.
    Since(Timestamp),
}

impl Gate {
    /// Where `id` stands, as far as it matters to the caller: the path ends at the first root of its
    /// scope, unless policies could name what is above.
    pub(crate) async fn locate(
        &self,
        looking: &Looking<'_>,
        kind: Kind,
        id: Id,
        trust: Trust,
    ) -> Result<Place, Error> {
        let principal = looking.principal;
        let connection = principal.connection;
        let settled = |path: &[Id]| self.is_settled(principal, path);
        if matches!(kind, Kind::FileUpload | Kind::ViewQuery) {
            let own = self.shared.own.has_made(connection, id, principal.key_id());
            return Ok(if own { Place::Own } else { Place::Unknown });
        }
        let wanted = self.rows_wanted(looking);
        let names_tables = wanted.is_some() || self.sight(principal).needs_whole_paths();
        let now = self.shared.clock.now();
        let (mut path, mut rows) = (Vec::new(), Vec::new());
        let mut next = Some((kind, id));
        while let Some((kind, id)) = next {
            if path.contains(&id) || path.len() == DEPTH_MAX {
                return Ok(Place::Unknown);
            }
            let own = path.is_empty();
            path.push(id);
            let is_fresh = |seen_at: Timestamp| {
                let age_max = match trust {
                    Trust::Since(since) => return seen_at > since,
                    Trust::Lately if own => OWN_AGE_MAX.min(self.shared.tree.age_max()),
                    Trust::Lately | Trust::Tree => self.shared.tree.age_max(),
                };
                now.duration_since(seen_at).unsigned_abs() <= age_max
            };
            let known = self.shared.tree.node(connection, id);
            let known = known.filter(|node| is_fresh(node.seen_at));
            let looked = known.is_none() && kind == Kind::Page;
            let mut node = match known {
                Some(node) => node,
                // A root is inside itself wherever it stands; only whether it is there at all
                // remains, and the call will tell that.
                None if settled(&path) => break,
                None => match self.look_up(looking, kind, id).await? {
                    Some(node) => node,
                    None if own => return Ok(Place::Unknown),
                    // What stands above is not shared with the connection: this is its top.
                    None => {
                        let top = Node { parent: None, seen_at: now, copy_of: None };
                        self.shared.tree.put(connection, id, top);
                        top
                    }
                },
            };
            if settled(&path) {
                break;
            }
            if matches!(kind, Kind::Page | Kind::Block)
                && let Some((Kind::Database, database)) = node.parent
                && (names_tables || self.may_end_at_a_table(looking, &path, database).await?)
            {
                node = self.in_its_table(looking, id, node, database).await?;
            }
            if let Some(wanted) = &wanted
                && matches!(node.parent, Some((Kind::DataSource, _)))
            {
                let row = self.row(looking, wanted, id, looked, is_fresh).await?;
                rows.push((path.len() - 1, row));
            }
            next = node.parent;
        }
        let place = if rows.is_empty() { Place::Path(path) } else { Place::InRows(path, rows) };
        self.unless_no_view(looking, kind, id, place).await
    }

    /// Whether a row of `database` may stand inside the scope although the database does not: a root
    /// of the scope can be one of its tables.
    async fn may_end_at_a_table(
        &self,
        looking: &Looking<'_>,
        path: &[Id],
        database: Id,
    ) -> Result<bool, Error> {
        let Some(scope) = looking.principal.scope() else { return Ok(false) };
        if scope.covers(&[path, &[database]].concat()) {
            return Ok(false);
        }
        let tables = self.tables_of(looking, database).await?;
        Ok(scope.levels().flatten().any(|root| tables.contains(root)))
    }

    /// An old version names the database that a row stands in, where the scope or policies may name the table.
    async fn in_its_table(
        &self,
        looking: &Looking<'_>,
        id: Id,
        node: Node,
        database: Id,
    ) -> Result<Node, Error> {
        match self.only_source(looking, database).await? {
            // It was the table itself.
            Some(source) if source == id => Ok(node),
            Some(source) => {
                let node = Node { parent: Some((Kind::DataSource, source)), ..node };
                self.shared.tree.put(looking.principal.connection, id, node);
                Ok(node)
            }
            None => Ok(self.look_up(looking, Kind::Page, id).await?.unwrap_or(node)),
        }
    }

    /// Whether nothing above this path is asked for: the caller's scope is settled, and policies name nothing there.
    fn is_settled(&self, principal: &Principal, path: &[Id]) -> bool {
        principal.scope().is_some_and(|scope| scope.covers(path))
            && !self.sight(principal).needs_whole_paths()
    }

    /// A view that stands where the caller sees it may all the same not exist for it.
    async fn unless_no_view(
        &self,
        looking: &Looking<'_>,
        kind: Kind,
        id: Id,
        place: Place,
    ) -> Result<Place, Error> {
        let principal = looking.principal;
        let is_there = kind != Kind::View
            || self.sees_everything(principal)
            || !self.sees(principal, &place)
            // A view's table is located, too.
            || Box::pin(self.view_exists(looking, id)).await?;
        Ok(if is_there { place } else { Place::Unknown })
    }

    /// Asks Notion where `id` stands; `None` if it is not there for the connection.
    pub(crate) async fn look_up(
        &self,
        looking: &Looking<'_>,
        kind: Kind,
        id: Id,
    ) -> Result<Option<Node>, Error> {
        let Some(body) = self.fetch(looking, kind, id).await? else { return Ok(None) };
        let object: Object<'_> = serde_json::from_slice(&body)
            .map_err(|_| Error::Answer(format!("{kind}: not the object that it should be")))?;
        let (connection, now) = (looking.principal.connection, self.shared.clock.now());
        let node = self.shared.tree.learn(connection, &object, now);
        self.shared.columns.learn(connection, (kind, id), &body, now);
        if matches!(kind, Kind::Page | Kind::Database | Kind::DataSource)
            && let Ok(whole) = serde_json::from_slice(&body)
        {
            self.learn_row(looking, &whole);
            if let Some((id, title)) = Title::of(&whole) {
                self.shared.tree.put_title(connection, id, title, now);
            }
        }
        Ok(node.filter(|_| object.id == Some(id)))
    }

    /// Asks Notion for an object, for the gate itself to look at.
    pub(crate) async fn fetch(
        &self,
        looking: &Looking<'_>,
        kind: Kind,
        id: Id,
    ) -> Result<Option<bytes::Bytes>, Error> {
        match lookup_operation(kind) {
            Some(operation) => self.fetch_by(looking, operation, kind, id).await,
            None => Ok(None),
        }
    }

    /// The same by an operation of one's choice that reads.
    pub(crate) async fn fetch_by(
        &self,
        looking: &Looking<'_>,
        operation: &'static Operation,
        kind: Kind,
        id: Id,
    ) -> Result<Option<bytes::Bytes>, Error> {
        let (before, after) = operation.path.split_once('{').unwrap_or((operation.path, ""));
        let after = after.split_once('}').map_or("", |(_, after)| after);
        let path = format!("{before}{id}{after}");
        self.fetch_at(looking, operation, (kind, id), path, None).await
    }

    /// The same at a path and with a body of one's own. That they are the operation's is for the caller to see
    /// to.
    pub(crate) async fn fetch_at(
        &self,
        looking: &Looking<'_>,
        operation: &'static Operation,
        (kind, id): (Kind, Id),
        path_and_query: String,
        body: Option<&Value>,
    ) -> Result<Option<bytes::Bytes>, Error> {
        let Looking { principal, request_id, .. } = looking;
        let connection = principal.connection;
        let permit = Permit::housekeeping(principal.tenant.clone(), connection, operation);
        let Some(permit) = permit else { return Ok(None) };
        self.pay_for_looking(looking)?;
        if !looking.spend(self.notion.settings().timeout) {
            return Err(Error::LookUps { retry_after: 1 });
        }
        let gate = Principal { who: Who::Gate, ..(*principal).clone() };
        let mut record =
            Record::open(&self.shared, &gate, Effect::Read, operation.name, request_id);
        record.about(kind.as_str(), id);
        record.fact("for", principal.name());
        let (status, body) = match self.ask(permit, operation, path_and_query, body).await {
            Ok(answer) => answer,
            Err(error) => return Err(record.failed(error).await),
        };
        record.answered(status.as_u16(), None).await?;
        match status {
            StatusCode::OK => Ok(Some(body)),
            StatusCode::NOT_FOUND | StatusCode::BAD_REQUEST => {
                self.shared.tree.forget(connection, id);
                Ok(None)
            }
            // About the connection and not about the object, and so the caller's to know.
            StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN | StatusCode::TOO_MANY_REQUESTS => {
                let error = ApiError::parse(status.as_u16(), &body);
                Err(error.map_or_else(|| Error::Answer(format!("{status}")), Error::Notion))
            }
            // Which object that was is not said: it may be one that the caller does not know of.
            other => Err(Error::Answer(format!(
                "Notion answered {} when the gate asked where an object stands",
                other.as_u16()
            ))),
        }
    }

    async fn ask(
        &self,
        permit: Permit,
        operation: &'static Operation,
        path_and_query: String,
        body: Option<&Value>,
    ) -> Result<(StatusCode, bytes::Bytes), Error> {
        let request = Request {
            method: operation.verb.into(),
            path_and_query,
            version: Version::DEFAULT.as_str(),
            body: body
                .map_or(RequestBody::Empty, |body| RequestBody::Json(body.to_string().into())),
            repeatable: true,
        };
        let answer = self.send(permit, request).await?;
        let answer = answer.collect(LOOKUP_MAX).await;
        let (status, _, body) = answer.map_err(|error| Error::Answer(error.to_string()))?;
        Ok((status, body))
    }
}

/// The operation that tells where an object of `kind` stands.
pub(crate) fn lookup_operation(kind: Kind) -> Option<&'static Operation> {
    Operation::named(match kind {
        Kind::Page => "retrieve-a-page",
        Kind::Block => "retrieve-a-block",
        Kind::Database => "retrieve-a-database",
        Kind::DataSource => "retrieve-a-data-source",
        Kind::View => "retrieve-a-view",
        Kind::Comment => "retrieve-comment",
        Kind::Discussion | Kind::ViewQuery | Kind::FileUpload | Kind::User | Kind::AsyncTask => {
            return None;
        }
    })
}
