//! What a client does with its id and secret: exchange a code, refresh, introspect, revoke.

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use notion::{Capability, Id};
use serde_json::{Map, Value, json};

use super::refused::Refused;
use crate::pipeline::Incoming;
use crate::world::World;
use crate::world::access::{View, Who};
use crate::world::connection::Connection;
use crate::world::oauth::{Client, ClientKind};

type Answer = Result<Map<String, Value>, Refused>;

/// Answers the three endpoints, all but `request_id`.
pub(super) fn answer(world: &mut World, incoming: &Incoming, body: &Value) -> Answer {
    let client = client(world, incoming).ok_or_else(Refused::client)?;
    if !body.is_object() {
        return Err(Refused::request("The body should be an object."));
    }
    match incoming.path.as_str() {
        "/v1/oauth/token" => exchange(world, &client, body),
        "/v1/oauth/introspect" => introspect(world, &client, body),
        _ => revoke(world, &client, body),
    }
}

/// The client whose id and secret the `Authorization` header holds.
fn client(world: &World, incoming: &Incoming) -> Option<Client> {
    let (scheme, encoded) = incoming.authorization.as_deref()?.split_once(' ')?;
    let decoded = BASE64_STANDARD.decode(encoded.trim()).ok()?;
    let text = String::from_utf8(decoded).ok()?;
    let (id, secret) = text.split_once(':')?;
    let client = world.oauth.clients.get(&Id::parse(id)?)?;
    (scheme.eq_ignore_ascii_case("basic") && client.secret == secret).then(|| client.clone())
}

/// A parameter; `None` if it is missing, empty or null (RFC 6749, 3.2).
fn parameter<'a>(body: &'a Value, name: &str) -> Result<Option<&'a str>, Refused> {
    match body.get(name) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) => Ok(Some(text.as_str()).filter(|text| !text.is_empty())),
        Some(_) => Err(Refused::request(format!("{name} should be a string, and given once."))),
    }
}

fn required<'a>(body: &'a Value, name: &str) -> Result<&'a str, Refused> {
    parameter(body, name)?.ok_or_else(|| Refused::request(format!("{name} should be defined.")))
}

fn exchange(world: &mut World, client: &Client, body: &Value) -> Answer {
    let bot = match required(body, "grant_type")? {
        "authorization_code" => redeem(world, client, body)?,
        "refresh_token" => refresh(world, client, body)?,
        other => return Err(Refused::grant_type(other)),
    };
    world.connections.get(&bot).map(|found| pair(world, client, found)).ok_or_else(Refused::client)
}

fn redeem(world: &mut World, client: &Client, body: &Value) -> Result<Id, Refused> {
    let text = required(body, "code")?;
    let redirect_uri = parameter(body, "redirect_uri")?;
    let of_client = |code: &&crate::world::oauth::Code| code.client == client.id;
    let code = world.oauth.codes.get(text).filter(of_client).ok_or_else(Refused::unknown_code)?;
    if code.is_used {
        // Somebody else may have it: RFC 6749, 4.1.2, takes back what it gave.
        world.take_back(text);
        return Err(Refused::used_code());
    }
    if code.has_ended(world.now()) {
        return Err(Refused::ended_code());
    }
    match (&code.redirect_uri, redirect_uri) {
        (Some(_), None) => {
            let text = "redirect_uri should be defined: the authorization request had it.";
            return Err(Refused::request(text));
        }
        (Some(asked), Some(given)) if asked != given => return Err(Refused::other_redirect()),
        (None, Some(_)) => {
            let text = "redirect_uri should be not present: the authorization request had none.";
            return Err(Refused::request(text));
        }
        _ => {}
    }
    if code.consent.template && !template_fits(world, client) {
        return Err(Refused::template());
    }
    world.redeem(client, text).ok_or_else(Refused::unknown_code)
}

fn template_fits(world: &World, client: &Client) -> bool {
    client.template_page_id.is_some_and(|page| world.copied(page).is_some())
}

fn refresh(world: &mut World, client: &Client, body: &Value) -> Result<Id, Refused> {
    let token = required(body, "refresh_token")?;
    let found = world.refreshable(client.id, token);
    let (bot, is_current) = found.ok_or_else(Refused::refresh_token)?;
    // In its time of grace, the old token gets the pair that replaced it: an answer was lost.
    if is_current {
        world.rotate(client, bot);
    }
    Ok(bot)
}

/// The answer to both grants, in the documented order.
fn pair(world: &World, client: &Client, connection: &Connection) -> Map<String, Value> {
    let grant = connection.grant.as_ref();
    let mut answer = Map::new();
    let mut with = |key: &str, value: Value| answer.insert(key.to_owned(), value);
    with("access_token", json!(connection.token));
    with("token_type", "bearer".into());
    with("refresh_token", json!(grant.map(|grant| &grant.refresh_token)));
    with("bot_id", json!(connection.bot_id));
    with("workspace_icon", Value::Null);
    with("workspace_name", world.workspace.name.as_str().into());
    with("workspace_id", json!(world.workspace.id));
    with("owner", owner(world, client, connection));
    let template = grant.and_then(|grant| grant.duplicated_template_id);
    with("duplicated_template_id", json!(template));
    answer
}

/// The person, whole only if the client may know addresses: there is no form in between.
fn owner(world: &World, client: &Client, connection: &Connection) -> Value {
    let for_workspace = connection.grant.as_ref().is_some_and(|grant| grant.for_workspace);
    let is_persons = client.kind == ClientKind::User && !for_workspace;
    let person = connection.owner.person().filter(|_| is_persons);
    let Some(person) = person else { return json!({"type": "workspace", "workspace": true}) };
    let who = Who::of(connection);
    let view = View { world, who: &who, version: notion::Version::LATEST };
    let user = if client.capabilities.grants(Capability::ReadUsersWithEmail) {
        crate::render::user::user(view, person)
    } else {
        crate::render::user::reference(person)
    };
    json!({"type": "user", "user": user})
}

fn introspect(world: &World, client: &Client, body: &Value) -> Answer {
    let bot = world.holder(client.id, required(body, "token")?);
    let mut answer = Map::new();
    answer.insert("active".to_owned(), bot.is_some().into());
    let connection = bot.and_then(|bot| world.connections.get(&bot));
    if let Some((connection, grant)) = connection.and_then(|one| Some((one, one.grant.as_ref()?))) {
        answer.insert("scope".to_owned(), scope(connection).into());
        answer.insert("iat".to_owned(), grant.issued_at.as_millisecond().into());
    }
    Ok(answer)
}

/// The capabilities, in the order of the documented example.
fn scope(connection: &Connection) -> String {
    let mut names: Vec<&str> = connection.capabilities.iter().map(Capability::as_str).collect();
    names.sort_by_key(|name| {
        ["read_content", "insert_content", "update_content"]
            .iter()
            .position(|first| first == name)
            .unwrap_or(3)
    });
    names.join(" ")
}

/// Of a pair, both tokens end (undocumented; RFC 7009 asks for it). Unknown ones are gone already.
fn revoke(world: &mut World, client: &Client, body: &Value) -> Answer {
    let bot = world.holder(client.id, required(body, "token")?);
    if let Some(connection) = bot.and_then(|bot| world.connections.get_mut(&bot)) {
        connection.revoke();
    }
    Ok(Map::new())
}
