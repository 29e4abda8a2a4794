//! What a token may do, found out without doing anything.
//!
//! Notion checks the capability before it looks for the object, so a call about an object that cannot
//! exist tells whether the capability is there (403: no; 400 or 404: yes) and can change nothing. These
//! calls are in the ledger like all others, the ones that have the form of a write with their intent.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use model::{Connection, ConnectionId, Principal, SecretString, Who, Writer};
use notion::client::{Request, RequestBody};
use notion::{ApiError, Capabilities, Capability, Id, Operation, Version};
use serde::Deserialize;
use serde_json::{Value, json};
use store::{CredentialChange, Slot};
use tokio::sync::watch;

use super::Held;
use super::check::TokenError;
use crate::Gate;
use crate::error::Error;
use crate::record::Record;

/// How often it is looked whether there is something left to find out.
const LOOK_EVERY: Duration = Duration::from_secs(60);
/// How long a start waits for it.
const FIRST_LOOK_MAX: Duration = Duration::from_secs(5);

#[derive(Deserialize)]
struct People {
    results: Vec<Person>,
}

#[derive(Deserialize)]
struct Person {
    person: Option<Value>,
}

/// One token that is asked about.
struct Probe<'a> {
    gate: &'a Gate,
    token: &'a SecretString,
    principal: Principal,
    request_id: &'a str,
    /// The id of nothing: a fresh random one.
    nothing: Id,
}

impl Gate {
    /// The capabilities of a bot's token; `None` if one of them could not be found out.
    pub(crate) async fn capabilities(
        &self,
        principal: &Principal,
        bot: ConnectionId,
        token: &SecretString,
        request_id: &str,
    ) -> Option<Capabilities> {
        use Capability::{InsertComments, InsertContent, ReadComments, ReadContent, UpdateContent};
        let nothing = Id::parse(&self.new_request_id())?;
        let principal = Principal { who: Who::Gate, connection: bot, ..principal.clone() };
        let probe = Probe { gate: self, token, principal, request_id, nothing };
        let comment = json!({ "parent": { "page_id": nothing }, "rich_text": [] });
        let (read, update, insert, read_comments, insert_comments, users) = tokio::join!(
            probe.may("retrieve-a-page", None),
            probe.may("patch-page", Some(json!({}))),
            probe.may("patch-block-children", Some(json!({ "children": [] }))),
            probe.may("retrieve-comment", None),
            probe.may("create-a-comment", Some(comment)),
            probe.users(),
        );
        let found = [
            (ReadContent, read?),
            (UpdateContent, update?),
            (InsertContent, insert?),
            (ReadComments, read_comments?),
            (InsertComments, insert_comments?),
        ];
        let granted = found.into_iter().filter(|(_, granted)| *granted);
        Some(granted.map(|(capability, _)| capability).chain(users?.iter()).collect())
    }

    /// Finds out what is not known yet of connections, until `stop` turns true: how Notion says that
    /// something is not there at once, so that the gate can say it in the same words; capabilities by and
    /// by, as far as the start did not wait for them.
    pub(crate) async fn find_out(&self, mut stop: watch::Receiver<bool>) {
        loop {
            let ask = async {
                for held in self.shared.custody.all() {
                    self.find_out_form(&held).await;
                }
            };
            // A Notion that cannot be reached must not keep the gate from stopping.
            tokio::select! {
                () = ask => {}
                _ = stop.wait_for(|stop| *stop) => return,
            }
            tokio::select! {
                () = tokio::time::sleep(LOOK_EVERY) => {}
                // An error means that nobody is left who could say stop: then it is time.
                _ = stop.wait_for(|stop| *stop) => return,
            }
            self.find_out_all_capabilities().await;
        }
    }

    /// Finds out what connections may do, as far as that is not known.
    async fn find_out_all_capabilities(&self) {
        for held in self.shared.custody.all() {
            if let Err(error) = self.find_out_capabilities(&held).await {
                let connection = held.current().connection.bot_id;
                tracing::warn!(%connection, "what it may do cannot be found out: {error}");
            }
        }
    }

    /// The same before the first call, so that none goes out which Notion would refuse; once for each new
    /// token, and not for long: what takes longer is found out later.
    pub async fn find_out_before_serving(&self) {
        let _ = tokio::time::timeout(FIRST_LOOK_MAX, self.find_out_all_capabilities()).await;
    }

    async fn find_out_form(&self, held: &Held) {
        let current = held.current();
        if held.knows_not_found() || !current.connection.state.is_usable() {
            return;
        }
        let open = |slot| self.unseal(&current, slot).ok().flatten();
        if let Some(access) = open(Slot::Access) {
            let forms = self.not_found_forms(&access, open(Slot::Write).as_ref()).await;
            held.learn_not_found(forms);
        }
    }

    /// Finds out the capabilities of a connection where they are not known, or not certain any more.
    pub(crate) async fn find_out_capabilities(&self, held: &Arc<Held>) -> Result<(), Error> {
        let before = held.current();
        let Connection { tenant, bot_id, state, capabilities, writer, .. } = &before.connection;
        let doubted = held.doubted.swap(false, Ordering::Relaxed);
        let unknown_writer = writer.as_ref().filter(|it| doubted || it.capabilities.is_none());
        let unknown = doubted || capabilities.is_none();
        if !state.is_usable() || !(unknown || unknown_writer.is_some()) {
            return Ok(());
        }
        let (gate, id) = (self.operator_for(tenant.clone()), self.new_request_id());
        let mut found = *capabilities;
        if unknown && let Some(token) = self.unseal(&before, Slot::Access)? {
            found = self.capabilities(&gate, *bot_id, &token, &id).await.or(found);
        }
        let mut found_writer = writer.as_ref().and_then(|writer| writer.capabilities);
        if let (Some(writer), Some(token)) = (unknown_writer, self.unseal(&before, Slot::Write)?) {
            let found = self.capabilities(&gate, writer.bot_id, &token, &id).await;
            found_writer = found.or(found_writer);
        }
        let _changing = held.changing.lock().await;
        let current = held.current();
        if current.generation != before.generation {
            // What was asked about is not what is in use any more.
            return Ok(());
        }
        let mut connection = current.connection.clone();
        connection.capabilities = found;
        connection.writer =
            connection.writer.map(|writer| Writer { capabilities: found_writer, ..writer });
        if connection != current.connection {
            self.change(held, connection.clone(), CredentialChange::none()).await?;
            self.log_warnings(connection);
        }
        Ok(())
    }

    /// Tells the log what there is to say about a connection.
    pub(crate) fn log_warnings(&self, connection: Connection) {
        let bot_id = connection.bot_id;
        for warning in self.workspace(connection).warnings {
            tracing::warn!(connection = %bot_id, code = warning.code, "{}", warning.detail);
        }
    }
}

impl Probe<'_> {
    /// Whether an operation on nothing is refused for something else than a capability.
    async fn may(&self, operation: &str, body: Option<Value>) -> Option<bool> {
        let (status, answer) = self.ask(operation, "", body).await?;
        match status {
            403 => Some(false),
            // A route that this Notion does not have tells nothing.
            400 | 404 => {
                let code = ApiError::parse(status, &answer).map(|error| error.code);
                (code.as_deref() != Some("invalid_request_url")).then_some(true)
            }
            _ => None,
        }
    }

    /// The capabilities about people. Where no person is seen with an address, seeing addresses is not
    /// taken for granted.
    async fn users(&self) -> Option<Capabilities> {
        let (status, answer) = self.ask("get-users", "?page_size=100", None).await?;
        match status {
            403 => Some(Capabilities::NONE),
            200 => {
                let people: People = serde_json::from_slice(&answer).ok()?;
                let has_address = |it: &Person| {
                    it.person.as_ref().is_some_and(|person| person.get("email").is_some())
                };
                let with_addresses = people.results.iter().any(has_address);
                let addresses = with_addresses.then_some(Capability::ReadUsersWithEmail);
                Some(addresses.into_iter().chain([Capability::ReadUsersWithoutEmail]).collect())
            }
            _ => None,
        }
    }

    async fn ask(
        &self,
        operation: &str,
        query: &str,
        body: Option<Value>,
    ) -> Option<(u16, bytes::Bytes)> {
        let operation = Operation::named(operation)?;
        let shared = &self.gate.shared;
        let effect = operation.effect;
        let mut record =
            Record::open(shared, &self.principal, effect, operation.name, self.request_id);
        record.about("page", self.nothing);
        record.fact("because", "probe");
        if effect != notion::Effect::Read {
            record.intend().await.ok()?;
        }
        let request = Request {
            method: operation.verb.into(),
            path_and_query: self.path(operation) + query,
            version: Version::DEFAULT.as_str(),
            body: body
                .map_or(RequestBody::Empty, |body| RequestBody::Json(body.to_string().into())),
            repeatable: false,
        };
        match self.gate.token_check().send(request, self.token).await {
            Ok((status, answer)) => {
                let code = ApiError::parse(status, &answer).map(|error| error.code);
                record.answered(status, code).await.ok()?;
                Some((status, answer))
            }
            Err(error) => {
                let TokenError::Unreachable { source, .. } = error else { return None };
                record.failed(Error::Upstream(source)).await;
                None
            }
        }
    }

    /// The path of an operation on nothing.
    fn path(&self, operation: &Operation) -> String {
        let parts = operation.path.split('/').map(|part| {
            if part.starts_with('{') { self.nothing.to_string() } else { part.to_owned() }
        });
        parts.collect::<Vec<_>>().join("/")
    }
}
