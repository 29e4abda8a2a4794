//! Why an object is reachable, or not: its way up, as far as the connection sees it.
//!
//! Rights in Notion come from above: what is shared brings everything below it. So the topmost object
//! on the way that the connection sees is the one that was shared. (Whether something below that was
//! shared once more, Notion does not tell.)

use std::fmt;

use http::StatusCode;
use model::{ConnectionId, Principal};
use notion::client::{Request, RequestBody};
use notion::{ApiError, Id, Kind, Version};
use policy::Permit;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::about;
use super::found::{Found, Parent};
use super::report::{Above, AccessKind};
use crate::Gate;
use crate::call::ANSWER_MAX;
use crate::error::Error;
use crate::locate::lookup_operation;
use crate::record::Record;

/// Notion's trees are not this deep.
const DEPTH_MAX: usize = 64;

/// The rules by which pages are shared.
const RULES: [&str; 4] = [
    "What is shared brings everything below it: pages, databases, rows.",
    "It does not bring what is above it or beside it.",
    "Taking it away takes everything below it away, unless that is shared itself.",
    "A linked database shows data only where its original database is reachable, too.",
];

/// One object on the way up.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct AccessLink {
    /// What it is; `None` if the object was not found as anything.
    #[serde(rename = "type")]
    pub kind: Option<AccessKind>,
    /// Its id.
    pub id: Id,
    /// Its title, where it is reachable; of a block what sort of block it is.
    pub title: Option<String>,
    /// Where people find it.
    pub url: Option<String>,
    /// Whether the connection sees it.
    pub reachable: bool,
}

/// Why.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum TraceAnswer {
    /// It was shared itself.
    SharedDirectly,
    /// Something above it was shared.
    Inherited,
    /// Nothing on its way up is shared, or it does not exist.
    NotReachable,
}

/// Why an object is reachable, or not.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct AccessTrace {
    /// The connection: the id of its bot.
    pub connection: ConnectionId,
    /// The bot's name.
    pub name: String,
    /// Whether the connection reaches it.
    pub reachable: bool,
    /// Why.
    pub answer: TraceAnswer,
    /// Why, for people.
    pub because: String,
    /// What to do, if it is not as it should be.
    pub advice: String,
    /// The object, and what is above it, nearest first. The last one may be out of reach.
    pub chain: Vec<AccessLink>,
    /// What was shared, so that the object is reachable.
    pub granted_by: Option<AccessLink>,
    /// What else is worth knowing.
    pub notes: Vec<String>,
    /// The rules by which pages are shared.
    pub rules: Vec<String>,
}

/// An object that was looked at.
struct Looked {
    found: Found,
    /// A database none of whose data sources is reachable.
    is_bare: bool,
}

impl Gate {
    /// Finds out why a connection reaches an object, or why not. `kind` is what the caller takes it for.
    pub async fn trace_access(
        &self,
        principal: &Principal,
        connection: Option<ConnectionId>,
        kind: Option<AccessKind>,
        id: Id,
        request_id: &str,
    ) -> Result<AccessTrace, Error> {
        let shared = &self.shared;
        let mut record =
            Record::manage(shared, principal, "trace-access", about(connection), request_id);
        record.fact("object", id.to_string());
        let connection = match self.audited_connection(principal, connection) {
            Ok(connection) => connection,
            Err(error) => return Err(record.failed(error).await),
        };
        record.about("connection", connection.bot_id);
        let whose = Whose { gate: self, principal, connection: connection.bot_id };
        match whose.way_up(kind, id).await {
            Ok(way) => {
                let trace = way.explain(connection.bot_id, &connection.name);
                record.fact("reachable", trace.reachable.to_string());
                record.done().await?;
                Ok(trace)
            }
            Err(error) => Err(record.failed(error).await),
        }
    }
}

struct Whose<'a> {
    gate: &'a Gate,
    principal: &'a Principal,
    connection: ConnectionId,
}

impl Whose<'_> {
    async fn way_up(&self, kind: Option<AccessKind>, id: Id) -> Result<Way, Error> {
        use AccessKind::{Block, DataSource, Database, Page};
        let mut way = Way::default();
        let mut kinds = vec![Page, Database, DataSource, Block];
        // What the caller takes it for comes first; people take one for the other.
        kinds.sort_by_key(|it| Some(*it) != kind);
        let mut next = None;
        for kind in kinds {
            if let Some(looked) = self.look(kind, id).await? {
                next = way.step(looked);
                break;
            }
        }
        if way.chain.is_empty() {
            way.chain.push(out_of_reach(kind, id));
        }
        while let Some(above) = next {
            if way.chain.iter().any(|link| link.id == above.id) || way.chain.len() >= DEPTH_MAX {
                way.notes.push("What Notion says is above it goes in a circle.".to_owned());
                break;
            }
            match self.look(above.kind, above.id).await? {
                Some(looked) => next = way.step(looked),
                None => {
                    way.chain.push(out_of_reach(Some(above.kind), above.id));
                    break;
                }
            }
        }
        Ok(way)
    }

    /// Looks at an object; `None` if it is not there for the connection, as this kind.
    async fn look(&self, kind: AccessKind, id: Id) -> Result<Option<Looked>, Error> {
        let tenant = self.principal.tenant.clone();
        let permit = lookup_operation(Kind::from(kind))
            .and_then(|operation| Permit::housekeeping(tenant, self.connection, operation))
            .ok_or_else(|| Error::Answer(format!("a {kind} cannot be looked up")))?;
        let operation = permit.operation();
        let path = operation.path.split('{').next().unwrap_or_default();
        let request = Request {
            method: operation.verb.into(),
            path_and_query: format!("{path}{id}"),
            version: Version::DEFAULT.as_str(),
            body: RequestBody::Empty,
            repeatable: true,
        };
        let answer = self.gate.send(permit, request).await?;
        let answer = answer.collect(ANSWER_MAX).await;
        let (status, _, body) = answer.map_err(|error| Error::Answer(error.to_string()))?;
        match status {
            StatusCode::OK => {
                let text = std::str::from_utf8(&body).unwrap_or_default();
                let found = Found::read(text).filter(|found| found.id == id).ok_or_else(|| {
                    Error::Answer(format!("{}: not the object that it should be", operation.name))
                })?;
                Ok(Some(Looked { is_bare: is_bare_database(text), found }))
            }
            StatusCode::NOT_FOUND | StatusCode::BAD_REQUEST => Ok(None),
            status => {
                let error = ApiError::parse(status.as_u16(), &body);
                Err(error.map_or_else(|| Error::Answer(format!("{status}")), Error::Notion))
            }
        }
    }
}

fn is_bare_database(text: &str) -> bool {
    #[derive(Deserialize)]
    struct Wire<'a> {
        #[serde(borrow, default)]
        data_sources: Option<Vec<&'a RawValue>>,
    }
    let wire: Result<Wire<'_>, _> = serde_json::from_str(text);
    wire.is_ok_and(|wire| wire.data_sources.is_some_and(|sources| sources.is_empty()))
}

fn out_of_reach(kind: Option<AccessKind>, id: Id) -> AccessLink {
    AccessLink { kind, id, title: None, url: None, reachable: false }
}

/// The way up that was seen.
#[derive(Default)]
struct Way {
    chain: Vec<AccessLink>,
    notes: Vec<String>,
    /// Whether it ends at the top of the workspace.
    ends_at_top: bool,
}

impl Way {
    /// Goes one step up; gives what comes next.
    fn step(&mut self, Looked { found, is_bare }: Looked) -> Option<Above> {
        let link = AccessLink {
            kind: Some(found.kind),
            id: found.id,
            title: Some(found.title),
            url: found.url,
            reachable: true,
        };
        if is_bare && found.kind == AccessKind::Database {
            self.notes.push(format!(
                "{} shows no data source: if it is a linked database, its original must be shared, too.",
                Named(&link)
            ));
        }
        if found.in_trash {
            self.notes.push(format!("{} lies in the trash.", Named(&link)));
        }
        self.chain.push(link);
        self.ends_at_top = found.parent == Parent::Workspace;
        match found.parent {
            Parent::Under(above, _) => Some(above),
            Parent::Workspace | Parent::Unknown => None,
        }
    }

    fn explain(self, connection: ConnectionId, name: &str) -> AccessTrace {
        let granted_by = self.chain.iter().rfind(|link| link.reachable).cloned();
        let why = match self.ends_at_top {
            true => "it stands at the top of the workspace",
            false => "nothing above it is reachable",
        };
        let how = "In Notion, open the page or one above it, then ••• → Connections, and";
        let (answer, because, advice) = match &granted_by {
            None => (
                TraceAnswer::NotReachable,
                format!(
                    "not reachable: Notion answers as if it were not there. Either it does not exist, \
                     or neither it nor anything above it is shared with “{name}”"
                ),
                format!("{how} add “{name}”. If there is no such page, the id is wrong."),
            ),
            Some(top) if self.chain.first() == Some(top) => (
                TraceAnswer::SharedDirectly,
                format!("shared directly: {why}"),
                format!("{how} remove “{name}” to end it; everything below ends with it."),
            ),
            Some(top) => (
                TraceAnswer::Inherited,
                format!("inherits from {}, which is shared directly: {why}", Named(top)),
                format!("{how} remove “{name}” there, or on the page itself, to end it."),
            ),
        };
        AccessTrace {
            connection,
            name: name.to_owned(),
            reachable: granted_by.is_some(),
            answer,
            because,
            advice,
            chain: self.chain,
            granted_by,
            notes: self.notes,
            rules: RULES.map(str::to_owned).to_vec(),
        }
    }
}

/// An object as a sentence names it.
struct Named<'a>(&'a AccessLink);

impl fmt::Display for Named<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = self.0.kind.map_or("object", AccessKind::as_str).replace('_', " ");
        match &self.0.title {
            Some(title) => write!(f, "the {kind} “{title}” ({})", self.0.id),
            None => write!(f, "the {kind} {}", self.0.id),
        }
    }
}
