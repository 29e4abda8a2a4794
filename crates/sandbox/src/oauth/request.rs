//! What a client asks a person for: the query of the authorization request.

use serde_json::Value;

use crate::pipeline::read_query;
use crate::world::World;
use crate::world::oauth::Client;
use notion::Id;

/// An authorization request that can be put to a person.
#[derive(Debug)]
pub(super) struct Ask {
    pub(super) client: Client,
    pub(super) back: Back,
    /// The redirect URI, if the request named it.
    pub(super) named: Option<String>,
    /// Whether it is asked in the name of the workspace.
    pub(super) for_workspace: bool,
}

/// Where the answer goes.
#[derive(Clone, Debug)]
pub(super) struct Back {
    pub(super) redirect_uri: String,
    pub(super) state: Option<String>,
}

/// Why a request cannot be put to a person.
#[derive(Debug)]
pub(super) enum Unfit {
    /// Client or redirect URI are not what they should be: the person hears of it, nobody else.
    Here(String),
    /// The client hears of it (RFC 6749, 4.1.2.1).
    There(Back, &'static str, String),
}

impl Ask {
    pub(super) fn read(world: &World, query: &str) -> Result<Self, Unfit> {
        let query = read_query(query);
        let here = |text: &str| Unfit::Here(text.to_owned());
        let client = single(&query, "client_id").and_then(|text| text.and_then(Id::parse));
        let client = client.and_then(|id| world.oauth.clients.get(&id));
        let client = client.ok_or_else(|| here("Missing or invalid client_id."))?;
        let named = single(&query, "redirect_uri");
        let named = named.ok_or_else(|| here("Missing or invalid redirect_uri."))?;
        let redirect_uri = match (named, client.redirect_uris.as_slice()) {
            (Some(named), all) => all.iter().find(|known| *known == named),
            (None, [only]) => Some(only),
            (None, _) => None,
        };
        // The words before the colon are those of Notion's page (quoted by users).
        let redirect_uri = redirect_uri.ok_or_else(|| {
            Unfit::Here(format!(
                "Missing or invalid redirect_uri. This app registered: {}",
                client.redirect_uris.join(", ")
            ))
        })?;
        let state = single(&query, "state");
        let back =
            Back { redirect_uri: redirect_uri.clone(), state: state.flatten().map(str::to_owned) };
        let there = |error, text: &str| Unfit::There(back.clone(), error, text.to_owned());
        if state.is_none() {
            return Err(there("invalid_request", "state should be given once."));
        }
        match single(&query, "response_type").flatten() {
            Some("code") => {}
            None => {
                return Err(there("invalid_request", "response_type should be given once."));
            }
            Some(_) => {
                let text = "response_type should be \"code\".";
                return Err(there("unsupported_response_type", text));
            }
        }
        // Documented as required; left out, it can only mean the one value that is documented. Apps that
        // ask for the workspace are there all the same.
        let owner = single(&query, "owner");
        if !matches!(owner, Some(None | Some("user" | "workspace"))) {
            return Err(there("invalid_request", "owner should be \"user\"."));
        }
        let for_workspace = owner == Some(Some("workspace"));
        Ok(Self { client: client.clone(), back, named: named.map(str::to_owned), for_workspace })
    }
}

impl Unfit {
    /// Something about the sandbox's own parameters, which its user set.
    pub(super) fn parameter(text: impl Into<String>) -> Self {
        Self::Here(text.into())
    }
}

/// A parameter that may be there once; `None` if it is there more often. Empty means not there.
fn single<'a>(query: &'a Value, name: &str) -> Option<Option<&'a str>> {
    match query.get(name) {
        None => Some(None),
        Some(Value::String(text)) => Some(Some(text.as_str()).filter(|text| !text.is_empty())),
        Some(_) => None,
    }
}
