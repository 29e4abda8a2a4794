//! OAuth clients: registered and removed in the developer portal.

use notion::Id;
use serde_json::{Value, json};
use url::Url;

use super::{Answer, Refused, connections, id, node};
use crate::app::Inner;
use crate::world::oauth::{CLIENTS_MAX, Client, ClientKind};

const REDIRECTS_MAX: usize = 20;
const REDIRECT_LENGTH_MAX: usize = 2000;

/// `POST oauth/clients` `{name, redirect_uris, capabilities, template_page_id?, kind?,
/// token_lifetime_ms?, refresh_grace_ms?}`
///
/// `kind` is `user`, or `workspace` for a client whose token answers name the workspace as owner.
pub(super) fn create(inner: &mut Inner, body: &Value) -> Answer {
    let (name, capabilities) = (connections::name(body)?, connections::capabilities(body)?);
    let redirect_uris = redirect_uris(body)?;
    let template_page_id = match body.get("template_page_id") {
        None | Some(Value::Null) => None,
        Some(_) => {
            let page = node(inner, id(body, "template_page_id")?)?;
            let error = "`template_page_id` must be the id of a page with less than 5000 blocks";
            Some(inner.world.copied(page).map(|_| page).ok_or((400, error.to_owned()))?)
        }
    };
    let kind = match body.get("kind") {
        None => ClientKind::User,
        Some(kind) => serde_json::from_value(kind.clone())
            .map_err(|_| (400, "`kind` must be \"user\" or \"workspace\"".to_owned()))?,
    };
    let token_lifetime_ms = milliseconds(body, "token_lifetime_ms")?;
    let refresh_grace_ms = milliseconds(body, "refresh_grace_ms")?.unwrap_or_default();
    if inner.world.oauth.clients.len() >= CLIENTS_MAX {
        return Err((400, "there are too many clients: delete some".to_owned()));
    }
    let client = Client {
        capabilities,
        template_page_id,
        kind,
        token_lifetime_ms,
        refresh_grace_ms,
        ..Client::new(&mut inner.world.ids, name, redirect_uris)
    };
    let answer = json!({"client_id": client.id, "client_secret": client.secret});
    inner.world.oauth.clients.insert(client.id, client);
    Ok((200, answer))
}

fn redirect_uris(body: &Value) -> Result<Vec<String>, Refused> {
    let all = body["redirect_uris"].as_array().into_iter().flatten();
    let all: Option<Vec<String>> =
        all.map(|one| one.as_str().filter(|uri| is_redirect(uri)).map(str::to_owned)).collect();
    all.filter(|all| (1..=REDIRECTS_MAX).contains(&all.len())).ok_or((
        400,
        format!(
            "`redirect_uris` must be a list of 1 to {REDIRECTS_MAX} absolute URIs without a \
             fragment, like http://127.0.0.1:3000/callback"
        ),
    ))
}

/// Absolute, and nothing that runs in the browser; kept as written, for matches are exact.
fn is_redirect(text: &str) -> bool {
    let fits =
        text.len() <= REDIRECT_LENGTH_MAX && text.bytes().all(|byte| byte.is_ascii_graphic());
    let harmless = |uri: &Url| {
        uri.fragment().is_none()
            && !matches!(
                uri.scheme(),
                "javascript" | "data" | "vbscript" | "file" | "blob" | "about"
            )
            && (uri.has_host() || !matches!(uri.scheme(), "http" | "https"))
    };
    fits && Url::parse(text).is_ok_and(|uri| harmless(&uri))
}

fn milliseconds(body: &Value, name: &str) -> Result<Option<u32>, Refused> {
    match body.get(name) {
        None | Some(Value::Null) => Ok(None),
        Some(given) => {
            let value = given.as_u64().and_then(|value| u32::try_from(value).ok());
            let error = format!("`{name}` must be a whole number of milliseconds");
            Ok(Some(value.ok_or((400, error))?))
        }
    }
}

/// `GET oauth/clients`; secrets are shown once, when a client is made.
pub(super) fn list(inner: &Inner) -> Answer {
    let all = inner.world.oauth.clients.values().map(|client| {
        json!({
            "client_id": client.id,
            "name": client.name,
            "redirect_uris": client.redirect_uris,
            "capabilities": client.capabilities,
            "template_page_id": client.template_page_id,
            "kind": client.kind,
            "token_lifetime_ms": client.token_lifetime_ms,
            "refresh_grace_ms": client.refresh_grace_ms,
        })
    });
    Ok((200, all.collect()))
}

/// `DELETE oauth/clients/{client_id}`: all that it got is worthless at once.
pub(super) fn remove(inner: &mut Inner, client: &str) -> Answer {
    match Id::parse(client) {
        Some(id) if inner.world.remove_client(id) => Ok((200, json!({"ok": true}))),
        _ => Err((404, format!("there is no client `{client}`"))),
    }
}
