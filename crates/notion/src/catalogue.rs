//! The operation catalogue: the one table of what Notion can do.
//!
//! Routes, roles, ledger words and documentation are made from it; adding an endpoint of Notion is
//! adding a row. Names are Notion's own operation ids.

use std::fmt;

use percent_encoding::{AsciiSet, CONTROLS, percent_decode_str, utf8_percent_encode};
use serde_json::Value;

use crate::capability::{Capabilities, Capability};
use crate::error::ApiError;
use crate::id::Id;
use crate::version::Version;

use Capability::{
    InsertComments, InsertContent, ReadComments, ReadContent, ReadUsersWithEmail,
    ReadUsersWithoutEmail, UpdateContent,
};
use Effect::{Destroy, Read, Write};
use Kind::{
    AsyncTask, Block, Comment, DataSource, Database, FileUpload, Page, User, View, ViewQuery,
};
use Place::{Path, Query};
use Verb::{Delete, Get, Patch, Post};

/// What sort of object an id names.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub enum Kind {
    /// The state of a long write.
    AsyncTask,
    /// A block; a page is also the block of its content.
    Block,
    /// A single comment.
    Comment,
    /// A table: schema and rows.
    DataSource,
    /// The container of data sources.
    Database,
    /// A thread of comments.
    Discussion,
    /// A file on its way into the workspace.
    FileUpload,
    /// A page, in a database or not.
    Page,
    /// A person or a bot.
    User,
    /// A view of a database.
    View,
    /// A stored result of a view.
    ViewQuery,
}

impl Kind {
    /// The word that Notion uses for it in `object` and in error texts.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::AsyncTask => "async_task",
            Self::Block => "block",
            Self::Comment => "comment",
            Self::DataSource => "data_source",
            Self::Database => "database",
            Self::Discussion => "discussion",
            Self::FileUpload => "file_upload",
            Self::Page => "page",
            Self::User => "user",
            Self::View => "view",
            Self::ViewQuery => "view_query",
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// What an operation does to the workspace.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub enum Effect {
    /// Nothing.
    Read,
    /// Creates or changes.
    Write,
    /// Trashes, archives, erases, removes.
    Destroy,
}

/// The HTTP method of an operation.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum Verb {
    /// `GET`
    Get,
    /// `POST`
    Post,
    /// `PATCH`
    Patch,
    /// `DELETE`
    Delete,
}

impl Verb {
    /// The method as HTTP writes it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Get => "GET",
            Self::Post => "POST",
            Self::Patch => "PATCH",
            Self::Delete => "DELETE",
        }
    }
}

impl From<Verb> for http::Method {
    fn from(verb: Verb) -> Self {
        match verb {
            Verb::Get => Self::GET,
            Verb::Post => Self::POST,
            Verb::Patch => Self::PATCH,
            Verb::Delete => Self::DELETE,
        }
    }
}

/// Where in a request an id stands. (Ids inside bodies: [`crate::references`].)
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Place {
    /// A parameter of the path template.
    Path(&'static str, Kind),
    /// A parameter of the query string.
    Query(&'static str, Kind),
}

/// Which capabilities a call needs.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Needs {
    /// All of these (none of them, if the list is empty).
    All(&'static [Capability]),
    /// At least one of these.
    Any(&'static [Capability]),
}

impl Needs {
    /// Whether `granted` suffices.
    pub fn met_by(self, granted: Capabilities) -> bool {
        match self {
            Self::All(all) => all.iter().all(|capability| granted.grants(*capability)),
            Self::Any(any) => any.iter().any(|capability| granted.grants(*capability)),
        }
    }
}

impl fmt::Display for Needs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (all, between) = match self {
            Self::All([]) => return f.write_str("none"),
            Self::All(all) => (all, " and "),
            Self::Any(any) => (any, " or "),
        };
        for (index, capability) in all.iter().enumerate() {
            write!(f, "{}{capability}", if index == 0 { "" } else { between })?;
        }
        Ok(())
    }
}

/// What the body of a success holds.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Answer {
    /// One object.
    One(Kind),
    /// A list under `results`, of objects of one kind.
    List(Kind),
    /// A list under `results` of pages and databases or data sources (search, queries).
    Rows,
    /// One property value, or a list of its elements.
    Property,
    /// Something with a shape of its own that holds no objects (markdown, tokens, templates).
    Other,
}

/// A member of a request body that turns a write into a destruction.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Trigger {
    /// Present, and neither `false` nor `null`.
    Set(&'static str),
    /// An object of which at least one member is `null` (removal of a property from a schema).
    NullIn(&'static str),
    /// `allow_deleting_content: true`, anywhere in the body.
    AllowsDeletion,
    /// A markdown command that leaves nothing: all of the page replaced by no text.
    Empties,
}

/// What a call shows to be let in.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Auth {
    /// A token of a connection.
    Bearer,
    /// The id and secret of an OAuth client (HTTP Basic).
    Client,
    /// Nothing: a page for a browser.
    Nobody,
}

/// One row of the catalogue.
#[derive(Debug)]
#[non_exhaustive]
pub struct Operation {
    /// Notion's operation id.
    pub name: &'static str,
    /// What it does, in a few words.
    pub summary: &'static str,
    /// The HTTP method.
    pub verb: Verb,
    /// The path, parameters in braces.
    pub path: &'static str,
    /// The first version that has it.
    pub since: Version,
    /// The last version that has it.
    pub until: Version,
    /// What the caller shows.
    pub auth: Auth,
    /// The capabilities that Notion asks for.
    pub needs: Needs,
    /// What it does to the workspace, its body aside (see [`Operation::effect_of`]).
    pub effect: Effect,
    /// Where ids stand in path and query.
    pub ids: &'static [Place],
    /// What makes it a destruction.
    pub triggers: &'static [Trigger],
    /// What it answers.
    pub answer: Answer,
    /// Whether an answer may be kept and given again.
    pub cacheable: bool,
    /// Whether the request body is `multipart/form-data` instead of JSON.
    pub multipart: bool,
}

impl Operation {
    const fn new(
        name: &'static str,
        verb: Verb,
        path: &'static str,
        summary: &'static str,
        effect: Effect,
        needs: Needs,
        answer: Answer,
    ) -> Self {
        Self {
            name,
            summary,
            verb,
            path,
            since: Version::FIRST,
            until: Version::LATEST,
            auth: Auth::Bearer,
            needs,
            effect,
            ids: &[],
            triggers: &[],
            answer,
            cacheable: false,
            multipart: false,
        }
    }

    const fn since(mut self, version: Version) -> Self {
        self.since = version;
        self
    }

    const fn until(mut self, version: Version) -> Self {
        self.until = version;
        self
    }

    const fn ids(mut self, ids: &'static [Place]) -> Self {
        self.ids = ids;
        self
    }

    const fn destroys(mut self, triggers: &'static [Trigger]) -> Self {
        self.triggers = triggers;
        self
    }

    const fn cacheable(mut self) -> Self {
        self.cacheable = true;
        self
    }

    const fn auth(mut self, auth: Auth) -> Self {
        self.auth = auth;
        self
    }

    const fn multipart(mut self) -> Self {
        self.multipart = true;
        self
    }

    /// The row with this operation id.
    pub fn named(name: &str) -> Option<&'static Self> {
        OPERATIONS.iter().find(|operation| operation.name == name)
    }

    /// A call of it, made from its path parameters; `None` if one is missing or cannot stand in a path.
    pub fn with_params(&'static self, given: &[(&str, String)]) -> Option<Match> {
        let mut params = Vec::new();
        for part in self.path.split('/') {
            let name = part.strip_prefix('{').and_then(|part| part.strip_suffix('}'));
            if let Some(name) = name {
                let (_, value) = given.iter().find(|(known, _)| *known == name)?;
                params.push((name, is_segment(value).then(|| value.clone())?));
            }
        }
        Some(Match { operation: self, params })
    }

    /// Whether `version` has it.
    pub fn exists_in(&self, version: Version) -> bool {
        self.since <= version && version <= self.until
    }

    /// Whether it may be sent again after an answer that leaves open what happened (5xx, time-out).
    pub fn repeatable(&self) -> bool {
        self.effect == Read
    }

    /// A capability that a call needs beyond [`Operation::needs`], because of what its body does.
    pub fn needs_too(&self, body: Option<&Value>) -> Option<Capability> {
        let has = |name: &str| body.and_then(|body| body.get(name)).is_some_and(|it| !it.is_null());
        let inserts = match self.name {
            "move-page" => true,
            "patch-page" => has("template"),
            "update-page-markdown" => has("insert_content"),
            _ => false,
        };
        inserts.then_some(InsertContent)
    }

    /// What a call does to the workspace, its body considered: a `PATCH` that sets `in_trash`
    /// destroys.
    pub fn effect_of(&self, body: Option<&Value>) -> Effect {
        let pulled =
            body.is_some_and(|body| self.triggers.iter().any(|trigger| trigger.in_body(body)));
        if pulled { Destroy } else { self.effect }
    }
}

impl Trigger {
    fn in_body(self, body: &Value) -> bool {
        match self {
            Self::Set(name) => {
                !matches!(body.get(name), None | Some(Value::Null | Value::Bool(false)))
            }
            Self::NullIn(name) => body
                .get(name)
                .and_then(Value::as_object)
                .is_some_and(|members| members.values().any(Value::is_null)),
            Self::Empties => {
                let text = body.pointer("/replace_content/new_str").map(Value::as_str);
                text.is_some_and(|text| text.is_none_or(|text| text.trim().is_empty()))
            }
            Self::AllowsDeletion => match body {
                Value::Object(members) => members.iter().any(|(name, value)| {
                    (name == "allow_deleting_content"
                        && !matches!(value, Value::Null | Value::Bool(false)))
                        || self.in_body(value)
                }),
                Value::Array(elements) => elements.iter().any(|element| self.in_body(element)),
                _ => false,
            },
        }
    }
}

const NOTHING: Needs = Needs::All(&[]);
const READ: Needs = Needs::All(&[ReadContent]);
const UPDATE: Needs = Needs::All(&[UpdateContent]);
const INSERT: Needs = Needs::All(&[InsertContent]);
const UPLOAD: Needs = Needs::Any(&[InsertContent, UpdateContent]);
const SEE_PEOPLE: Needs = Needs::Any(&[ReadUsersWithoutEmail, ReadUsersWithEmail]);
const READ_COMMENTS: Needs = Needs::All(&[ReadComments]);
const INSERT_COMMENTS: Needs = Needs::All(&[InsertComments]);

const PAGE: &[Place] = &[Path("page_id", Page)];
const BLOCK: &[Place] = &[Path("block_id", Block)];
const DATABASE: &[Place] = &[Path("database_id", Database)];
const DATA_SOURCE: &[Place] = &[Path("data_source_id", DataSource)];
const VIEW: &[Place] = &[Path("view_id", View)];
const VIEW_QUERY: &[Place] = &[Path("view_id", View), Path("query_id", ViewQuery)];
const COMMENT: &[Place] = &[Path("comment_id", Comment)];
const FILE_UPLOAD: &[Place] = &[Path("file_upload_id", FileUpload)];

const TRASH: &[Trigger] =
    &[Trigger::Set("in_trash"), Trigger::Set("archived"), Trigger::Set("is_archived")];
const TRASH_OR_ERASE: &[Trigger] = &[
    Trigger::Set("in_trash"),
    Trigger::Set("archived"),
    Trigger::Set("is_archived"),
    Trigger::Set("erase_content"),
];
const TRASH_OR_DROP: &[Trigger] = &[
    Trigger::Set("in_trash"),
    Trigger::Set("archived"),
    Trigger::Set("is_archived"),
    Trigger::NullIn("properties"),
];

const V2022_06_28: Version = Version::V2022_06_28;
const V2025_09_03: Version = Version::V2025_09_03;

/// Every operation that notegate knows. What is not here is refused.
///
/// Not here: Notion's endpoints for custom agents and sessions.
#[rustfmt::skip]
pub static OPERATIONS: &[Operation] = &[
    Operation::new("post-page", Post, "/v1/pages", "create a page", Write, INSERT, Answer::One(Page)),
    Operation::new("retrieve-a-page", Get, "/v1/pages/{page_id}", "retrieve a page", Read, READ, Answer::One(Page)).ids(PAGE).cacheable(),
    Operation::new("patch-page", Patch, "/v1/pages/{page_id}", "update a page's properties, icon, cover or state", Write, UPDATE, Answer::One(Page)).ids(PAGE).destroys(TRASH_OR_ERASE),
    Operation::new("move-page", Post, "/v1/pages/{page_id}/move", "move a page", Write, UPDATE, Answer::One(Page)).ids(PAGE).since(V2025_09_03),
    Operation::new("retrieve-a-page-property", Get, "/v1/pages/{page_id}/properties/{property_id}", "retrieve one property of a page", Read, READ, Answer::Property).ids(PAGE).cacheable(),
    Operation::new("retrieve-page-markdown", Get, "/v1/pages/{page_id}/markdown", "read a page as markdown", Read, READ, Answer::Other).ids(PAGE).cacheable(),
    Operation::new("update-page-markdown", Patch, "/v1/pages/{page_id}/markdown", "edit a page as markdown", Write, UPDATE, Answer::Other).ids(PAGE).destroys(&[Trigger::AllowsDeletion, Trigger::Empties]),

    Operation::new("retrieve-a-block", Get, "/v1/blocks/{block_id}", "retrieve a block", Read, READ, Answer::One(Block)).ids(BLOCK).cacheable(),
    Operation::new("update-a-block", Patch, "/v1/blocks/{block_id}", "update a block", Write, UPDATE, Answer::One(Block)).ids(BLOCK).destroys(TRASH),
    Operation::new("delete-a-block", Delete, "/v1/blocks/{block_id}", "move a block to the trash", Destroy, UPDATE, Answer::One(Block)).ids(BLOCK),
    Operation::new("get-block-children", Get, "/v1/blocks/{block_id}/children", "list the children of a block or page", Read, READ, Answer::List(Block)).ids(BLOCK).cacheable(),
    Operation::new("patch-block-children", Patch, "/v1/blocks/{block_id}/children", "append children to a block or page", Write, INSERT, Answer::List(Block)).ids(BLOCK),
    Operation::new("create-meeting-notes", Post, "/v1/blocks/meeting_notes", "create a meeting note from a recording", Write, INSERT, Answer::One(Block)),
    Operation::new("query-meeting-notes", Post, "/v1/blocks/meeting_notes/query", "search meeting notes", Read, READ, Answer::List(Block)),

    Operation::new("create-database", Post, "/v1/databases", "create a database", Write, INSERT, Answer::One(Database)),
    Operation::new("retrieve-a-database", Get, "/v1/databases/{database_id}", "retrieve a database", Read, READ, Answer::One(Database)).ids(DATABASE).cacheable(),
    Operation::new("update-database", Patch, "/v1/databases/{database_id}", "update a database", Write, UPDATE, Answer::One(Database)).ids(DATABASE).destroys(TRASH_OR_DROP),
    Operation::new("post-database-query", Post, "/v1/databases/{database_id}/query", "query the rows of a database", Read, READ, Answer::Rows).ids(DATABASE).until(V2022_06_28).cacheable(),
    Operation::new("get-databases", Get, "/v1/databases", "list the shared databases", Read, READ, Answer::Rows).until(Version::V2022_02_22),

    Operation::new("create-a-data-source", Post, "/v1/data_sources", "add a data source to a database", Write, INSERT, Answer::One(DataSource)).since(V2025_09_03),
    Operation::new("retrieve-a-data-source", Get, "/v1/data_sources/{data_source_id}", "retrieve a data source", Read, READ, Answer::One(DataSource)).ids(DATA_SOURCE).since(V2025_09_03).cacheable(),
    Operation::new("update-a-data-source", Patch, "/v1/data_sources/{data_source_id}", "update a data source and its schema", Write, UPDATE, Answer::One(DataSource)).ids(DATA_SOURCE).since(V2025_09_03).destroys(TRASH_OR_DROP),
    Operation::new("query-data-source", Post, "/v1/data_sources/{data_source_id}/query", "query the rows of a data source", Read, READ, Answer::Rows).ids(DATA_SOURCE).since(V2025_09_03).cacheable(),
    Operation::new("list-data-source-templates", Get, "/v1/data_sources/{data_source_id}/templates", "list the templates of a data source", Read, READ, Answer::Other).ids(DATA_SOURCE).since(V2025_09_03).cacheable(),

    Operation::new("list-views", Get, "/v1/views", "list the views of a database", Read, READ, Answer::List(View)).ids(&[Query("database_id", Database), Query("data_source_id", DataSource)]).since(V2025_09_03),
    Operation::new("create-view", Post, "/v1/views", "create a view", Write, INSERT, Answer::One(View)).since(V2025_09_03),
    Operation::new("retrieve-a-view", Get, "/v1/views/{view_id}", "retrieve a view", Read, READ, Answer::One(View)).ids(VIEW).since(V2025_09_03),
    Operation::new("update-a-view", Patch, "/v1/views/{view_id}", "update a view", Write, UPDATE, Answer::One(View)).ids(VIEW).since(V2025_09_03),
    Operation::new("delete-view", Delete, "/v1/views/{view_id}", "delete a view", Destroy, UPDATE, Answer::One(View)).ids(VIEW).since(V2025_09_03),
    Operation::new("create-view-query", Post, "/v1/views/{view_id}/queries", "run a view and keep its result", Read, READ, Answer::List(Page)).ids(VIEW).since(V2025_09_03),
    Operation::new("get-view-query-results", Get, "/v1/views/{view_id}/queries/{query_id}", "read a kept result of a view", Read, READ, Answer::List(Page)).ids(VIEW_QUERY).since(V2025_09_03),
    Operation::new("delete-view-query", Delete, "/v1/views/{view_id}/queries/{query_id}", "drop a kept result of a view", Read, READ, Answer::One(ViewQuery)).ids(VIEW_QUERY).since(V2025_09_03),

    Operation::new("post-search", Post, "/v1/search", "search by title", Read, READ, Answer::Rows),

    Operation::new("get-users", Get, "/v1/users", "list the people and bots of the workspace", Read, SEE_PEOPLE, Answer::List(User)).cacheable(),
    Operation::new("get-self", Get, "/v1/users/me", "retrieve the bot of the token", Read, NOTHING, Answer::One(User)).cacheable(),
    Operation::new("get-user", Get, "/v1/users/{user_id}", "retrieve a person or bot", Read, SEE_PEOPLE, Answer::One(User)).ids(&[Path("user_id", User)]).cacheable(),

    Operation::new("create-a-comment", Post, "/v1/comments", "comment on a page or block, or reply", Write, INSERT_COMMENTS, Answer::One(Comment)),
    Operation::new("retrieve-a-comment", Get, "/v1/comments", "list the open comments of a page or block", Read, READ_COMMENTS, Answer::List(Comment)).ids(&[Query("block_id", Block)]),
    Operation::new("retrieve-comment", Get, "/v1/comments/{comment_id}", "retrieve a comment", Read, READ_COMMENTS, Answer::One(Comment)).ids(COMMENT),
    Operation::new("update-a-comment", Patch, "/v1/comments/{comment_id}", "edit an own comment", Write, INSERT_COMMENTS, Answer::One(Comment)).ids(COMMENT),
    Operation::new("delete-a-comment", Delete, "/v1/comments/{comment_id}", "delete an own comment", Destroy, INSERT_COMMENTS, Answer::One(Comment)).ids(COMMENT),

    Operation::new("create-file", Post, "/v1/file_uploads", "begin a file upload", Write, UPLOAD, Answer::One(FileUpload)),
    Operation::new("list-file-uploads", Get, "/v1/file_uploads", "list the file uploads of the token", Read, UPLOAD, Answer::List(FileUpload)),
    Operation::new("retrieve-file-upload", Get, "/v1/file_uploads/{file_upload_id}", "retrieve a file upload", Read, UPLOAD, Answer::One(FileUpload)).ids(FILE_UPLOAD),
    Operation::new("upload-file", Post, "/v1/file_uploads/{file_upload_id}/send", "send the bytes of a file upload", Write, UPLOAD, Answer::One(FileUpload)).ids(FILE_UPLOAD).multipart(),
    Operation::new("complete-file-upload", Post, "/v1/file_uploads/{file_upload_id}/complete", "finish a multi-part file upload", Write, UPLOAD, Answer::One(FileUpload)).ids(FILE_UPLOAD),

    Operation::new("list-custom-emojis", Get, "/v1/custom_emojis", "list the custom emojis of the workspace", Read, READ, Answer::Other).cacheable(),
    Operation::new("retrieve-async-task", Get, "/v1/async_tasks/{task_id}", "poll a long write", Read, NOTHING, Answer::One(AsyncTask)),

    Operation::new("authorize", Get, "/v1/oauth/authorize", "ask a person to install a connection (a page for a browser)", Read, NOTHING, Answer::Other).auth(Auth::Nobody),
    Operation::new("create-a-token", Post, "/v1/oauth/token", "exchange a code, or refresh a token", Write, NOTHING, Answer::Other).auth(Auth::Client),
    Operation::new("introspect-token", Post, "/v1/oauth/introspect", "ask what a token is", Read, NOTHING, Answer::Other).auth(Auth::Client),
    Operation::new("revoke-token", Post, "/v1/oauth/revoke", "revoke a token", Destroy, NOTHING, Answer::Other).auth(Auth::Client),
];

/// A request recognised as an operation.
#[derive(Clone, Debug)]
pub struct Match {
    /// The row.
    pub operation: &'static Operation,
    /// The path parameters by name, decoded once.
    pub params: Vec<(&'static str, String)>,
}

/// Longest path segment that can be an id, a property id or a task id.
const SEGMENT_LENGTH_MAX: usize = 300;
/// What may not stand in a path segment as it is. `/`, `.` and `%` are not in it because no decoded
/// parameter with `/` or of dots alone gets this far.
const SEGMENT_ESCAPES: &AsciiSet = &CONTROLS
    .add(b' ')
    .add(b'"')
    .add(b'#')
    .add(b'%')
    .add(b'<')
    .add(b'>')
    .add(b'?')
    .add(b'`')
    .add(b'{')
    .add(b'}')
    .add(b'/')
    .add(b':')
    .add(b';')
    .add(b'=')
    .add(b'@')
    .add(b'[')
    .add(b'\\')
    .add(b']')
    .add(b'^')
    .add(b'|')
    .add(b'&')
    .add(b'+')
    .add(b',')
    .add(b'$')
    .add(b'!')
    .add(b'\'')
    .add(b'(')
    .add(b')')
    .add(b'*');

/// Finds the operation of a request; `path` is the raw path, still percent-encoded.
///
/// Nothing of `path` goes on as it came: [`Match::upstream_path`] writes a new one. An empty or
/// over-long segment, a dot segment and an encoded slash fit no operation.
pub fn find(method: &http::Method, path: &str) -> Option<Match> {
    let segments: Vec<&str> = path.strip_prefix("/v1/")?.split('/').collect();
    OPERATIONS.iter().filter(|operation| operation.verb.as_str() == method.as_str()).find_map(
        |operation| {
            let params = match_template(operation.path.strip_prefix("/v1/")?, &segments)?;
            Some(Match { operation, params })
        },
    )
}

fn match_template(
    template: &'static str,
    segments: &[&str],
) -> Option<Vec<(&'static str, String)>> {
    let mut params = Vec::new();
    let mut rest = segments.iter();
    for part in template.split('/') {
        let segment = rest.next()?;
        match part.strip_prefix('{').and_then(|part| part.strip_suffix('}')) {
            Some(name) => params.push((name, decode_segment(segment)?)),
            None if part == *segment => {}
            None => return None,
        }
    }
    rest.next().is_none().then_some(params)
}

fn decode_segment(segment: &str) -> Option<String> {
    let text = percent_decode_str(segment).decode_utf8().ok()?;
    is_segment(&text).then(|| text.into_owned())
}

/// Whether a text can be a parameter of a path.
fn is_segment(text: &str) -> bool {
    if text.is_empty() || text.len() > SEGMENT_LENGTH_MAX {
        return false;
    }
    let harmless = !text.contains(['/', '\\', '\0'])
        && !text.chars().any(char::is_control)
        && text.chars().any(|c| c != '.');
    // A property id may hold a backslash; it is the only parameter that may.
    harmless || is_property_id(text)
}

fn is_property_id(text: &str) -> bool {
    text.len() <= 36 && text.bytes().all(|byte| (0x3a..=0x7e).contains(&byte))
}

impl Match {
    /// The value of a path parameter.
    pub fn param(&self, name: &str) -> Option<&str> {
        self.params.iter().find(|(known, _)| *known == name).map(|(_, value)| value.as_str())
    }

    /// The ids in the path, each with its kind; an error in Notion's words if one is malformed.
    pub fn path_ids(&self) -> Result<Vec<(Kind, Id)>, ApiError> {
        let mut ids = Vec::new();
        for place in self.operation.ids {
            if let Path(name, kind) = place {
                let text = self.param(name).unwrap_or_default();
                ids.push((
                    *kind,
                    Id::parse(text).ok_or_else(|| ApiError::bad_uuid("path", name, text))?,
                ));
            }
        }
        Ok(ids)
    }

    /// The path to ask Notion for, written anew from the template.
    pub fn upstream_path(&self) -> String {
        let mut path = String::with_capacity(self.operation.path.len() + 40);
        for part in self.operation.path.split('/').skip(1) {
            path.push('/');
            match part.strip_prefix('{').and_then(|part| part.strip_suffix('}')) {
                Some(name) => {
                    let value = self.param(name).unwrap_or_default();
                    match Id::parse(value) {
                        Some(id) => path.push_str(&id.to_string()),
                        None => path.extend(utf8_percent_encode(value, SEGMENT_ESCAPES)),
                    }
                }
                None => path.push_str(part),
            }
        }
        path
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use http::Method;
    use serde_json::json;

    use super::*;

    #[test]
    fn names_and_routes_are_unique() {
        let mut names = HashSet::new();
        let mut routes = HashSet::new();
        for operation in OPERATIONS {
            assert!(names.insert(operation.name), "{}", operation.name);
            assert!(routes.insert((operation.verb, operation.path)), "{}", operation.path);
            for place in operation.ids {
                if let Path(name, _) = place {
                    assert!(operation.path.contains(&format!("{{{name}}}")), "{}", operation.name);
                }
            }
            assert!(operation.since <= operation.until, "{}", operation.name);
            assert!(!operation.cacheable || operation.effect == Read, "{}", operation.name);
        }
    }

    #[test]
    fn finds_operations_and_writes_their_path_anew() {
        let id = "0a1b2c3d4e5f4a6b8c7d9e0f1a2b3c4d";
        let dashed = "0a1b2c3d-4e5f-4a6b-8c7d-9e0f1a2b3c4d";
        let cases = [
            (Method::GET, "/v1/users/me".to_owned(), Some("get-self"), "/v1/users/me".to_owned()),
            (
                Method::GET,
                format!("/v1/pages/{id}"),
                Some("retrieve-a-page"),
                format!("/v1/pages/{dashed}"),
            ),
            (
                Method::GET,
                format!("/v1/pages/{id}/properties/%3BA%3Fa"),
                Some("retrieve-a-page-property"),
                format!("/v1/pages/{dashed}/properties/%3BA%3Fa"),
            ),
            (
                Method::GET,
                format!("/v1/pages/{id}/properties/p%5CHX"),
                Some("retrieve-a-page-property"),
                format!("/v1/pages/{dashed}/properties/p%5CHX"),
            ),
            (
                Method::POST,
                "/v1/blocks/meeting_notes/query".to_owned(),
                Some("query-meeting-notes"),
                "/v1/blocks/meeting_notes/query".to_owned(),
            ),
            (Method::PUT, format!("/v1/pages/{id}"), None, String::new()),
            (Method::GET, format!("/v1/pages/{id}/"), None, String::new()),
            (Method::GET, "/v1/pages//children".to_owned(), None, String::new()),
            (Method::GET, "/v1/pages/..".to_owned(), None, String::new()),
            (Method::GET, "/v1/pages/%2e%2E".to_owned(), None, String::new()),
            (Method::GET, format!("/v1/pages/{id}%2fmarkdown"), None, String::new()),
            (Method::GET, format!("/v1/pages/{id}%5c..%5cusers"), None, String::new()),
            (Method::GET, format!("/v1/pages/{}", "a".repeat(301)), None, String::new()),
            (Method::GET, "/v2/users/me".to_owned(), None, String::new()),
            (Method::GET, "/v1/admin".to_owned(), None, String::new()),
        ];
        for (method, path, name, upstream) in cases {
            let found = find(&method, &path);
            assert_eq!(found.as_ref().map(|found| found.operation.name), name, "{method} {path}");
            if let Some(found) = found {
                assert_eq!(found.upstream_path(), upstream);
            }
        }
    }

    #[test]
    fn malformed_ids_are_named_as_notion_names_them() {
        let found = find(&Method::GET, "/v1/pages/AAA").unwrap();
        assert_eq!(
            found.path_ids().unwrap_err().message,
            "path failed validation: path.page_id should be a valid uuid, instead was `\"AAA\"`."
        );
    }

    #[test]
    fn trashing_erasing_and_dropping_are_destruction() {
        let cases = [
            ("patch-page", json!({"properties": {}}), Write),
            ("patch-page", json!({"in_trash": false}), Write),
            ("patch-page", json!({"in_trash": true}), Destroy),
            ("patch-page", json!({"in_trash": "true"}), Destroy),
            ("patch-page", json!({"archived": 1}), Destroy),
            ("patch-page", json!({"is_archived": true}), Destroy),
            ("patch-page", json!({"erase_content": true}), Destroy),
            ("update-a-block", json!({"in_trash": true}), Destroy),
            ("update-a-data-source", json!({"properties": {"A": {"name": "B"}}}), Write),
            ("update-a-data-source", json!({"properties": {"A": null}}), Destroy),
            ("update-database", json!({"properties": {"A": null}}), Destroy),
            (
                "update-page-markdown",
                json!({"type": "replace_content", "replace_content": {"allow_deleting_content": true}}),
                Destroy,
            ),
            ("update-page-markdown", json!({"replace_content": {"new_str": " \n"}}), Destroy),
            ("update-page-markdown", json!({"replace_content": {"new_str": "text"}}), Write),
            ("update-database", json!({"is_archived": true}), Destroy),
            ("delete-a-block", Value::Null, Destroy),
            ("retrieve-a-page", Value::Null, Read),
        ];
        for (name, body, effect) in cases {
            let operation = Operation::named(name).unwrap();
            assert_eq!(operation.effect_of(Some(&body)), effect, "{name} {body}");
        }
    }

    proptest::proptest! {
        #[test]
        fn no_path_escapes_its_template(segment in "\\PC{0,40}", encoded in proptest::bool::ANY) {
            let segment = if encoded {
                utf8_percent_encode(&segment, percent_encoding::NON_ALPHANUMERIC).to_string()
            } else {
                segment
            };
            if let Some(found) = find(&Method::GET, &format!("/v1/pages/{segment}/properties/{segment}")) {
                let path = found.upstream_path();
                proptest::prop_assert!(path.is_ascii());
                proptest::prop_assert_eq!(path.split('/').count(), 6);
                proptest::prop_assert!(path.split('/').all(|part| part != ".." && part != "."));
                proptest::prop_assert!(!path.to_lowercase().contains("%2f"));
            }
        }
    }
}
