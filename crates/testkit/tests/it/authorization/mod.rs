//! MCP clients are let in: registration, the page that asks, codes, tokens, and their ends. The numbers in
//! the tests' names are those of the checklist for authorization servers (AS) and resource servers (RS).

mod approving;
mod checklist;
mod clients;
mod known;
mod people;
mod resource;
mod tokens;

use aws_lc_rs::digest::{SHA256, digest};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};
use testkit::{Kit, Reply};
use url::form_urlencoded;

use crate::browser::{Browser, FORM};

pub(super) const REDIRECT: &str = "https://client.example/callback";
pub(super) const VERIFIER: &str = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLM";

/// A form.
pub(super) fn form(pairs: &[(&str, &str)]) -> String {
    form_urlencoded::Serializer::new(String::new()).extend_pairs(pairs).finish()
}

pub(super) async fn register(kit: &Kit, body: &Value) -> Reply {
    kit.raw(
        "POST",
        "/oauth/register",
        &[("content-type", "application/json")],
        Some(body.to_string()),
    )
    .await
}

/// A client that registered.
pub(super) struct Client<'a> {
    pub(super) kit: &'a Kit,
    pub(super) id: String,
    pub(super) redirect: String,
}

impl<'a> Client<'a> {
    pub(super) async fn new(kit: &'a Kit) -> Self {
        Self::at(kit, REDIRECT).await
    }

    pub(super) async fn at(kit: &'a Kit, redirect: &str) -> Self {
        let asked = json!({ "client_name": "Probe <b>", "redirect_uris": [redirect] });
        let reply = register(kit, &asked).await;
        assert_eq!(reply.status, 201, "{}", reply.text());
        let id = reply.json()["client_id"].as_str().unwrap().to_owned();
        Self { kit, id, redirect: redirect.to_owned() }
    }

    pub(super) fn resource(&self) -> String {
        format!("{}/mcp", self.kit.url)
    }

    /// The query of a good request, with some parameters different; `None` leaves one out.
    pub(super) fn query(&self, changed: &[(&str, Option<&str>)]) -> String {
        let challenge = URL_SAFE_NO_PAD.encode(digest(&SHA256, VERIFIER.as_bytes()));
        let resource = self.resource();
        let usual = [
            ("response_type", "code"),
            ("client_id", self.id.as_str()),
            ("redirect_uri", self.redirect.as_str()),
            ("code_challenge", challenge.as_str()),
            ("code_challenge_method", "S256"),
            ("state", "the state+of/it"),
            ("scope", "notion:read notion:write"),
            ("resource", resource.as_str()),
        ];
        let mut pairs = Vec::new();
        for (name, value) in usual {
            match changed.iter().find(|(known, _)| *known == name) {
                Some((_, Some(other))) => pairs.push((name, *other)),
                Some((_, None)) => {}
                None => pairs.push((name, value)),
            }
        }
        form(&pairs)
    }

    /// A person approves; gives the address that the browser is sent to.
    pub(super) async fn approve(&self, browser: &Browser<'_>, choice: &[(&str, &str)]) -> Reply {
        self.decide(browser, &self.query(&[]), "allow", choice).await
    }

    pub(super) async fn decide(
        &self,
        browser: &Browser<'_>,
        query: &str,
        decision: &str,
        choice: &[(&str, &str)],
    ) -> Reply {
        let token = browser.token().await;
        let mut pairs =
            vec![("form_token", token.as_str()), ("request", query), ("decision", decision)];
        for usual in [("role", "editor"), ("days", "90"), ("within", "")] {
            let chosen = choice.iter().find(|(name, _)| *name == usual.0);
            pairs.push(*chosen.unwrap_or(&usual));
        }
        browser.post("/oauth/authorize", &form(&pairs)).await
    }

    /// A code that an admin approved.
    pub(super) async fn code(&self) -> String {
        let browser = Browser::signed_in(self.kit).await;
        let reply = self.approve(&browser, &[]).await;
        assert_eq!(reply.status, 303, "{}", reply.text());
        answer(&reply, "code").unwrap()
    }

    /// The form of a good exchange, with some parameters different.
    pub(super) fn exchange(&self, code: &str, changed: &[(&str, Option<&str>)]) -> String {
        let resource = self.resource();
        let usual = [
            ("grant_type", "authorization_code"),
            ("code", code),
            ("client_id", self.id.as_str()),
            ("redirect_uri", self.redirect.as_str()),
            ("code_verifier", VERIFIER),
            ("resource", resource.as_str()),
        ];
        let pairs = usual.into_iter().filter_map(|(name, value)| {
            match changed.iter().find(|(known, _)| *known == name) {
                Some((_, other)) => other.map(|other| (name, other)),
                None => Some((name, value)),
            }
        });
        form(&pairs.collect::<Vec<_>>())
    }

    pub(super) async fn token(&self, form: String) -> Reply {
        self.kit.raw("POST", "/oauth/token", &[("content-type", FORM)], Some(form)).await
    }

    pub(super) async fn refresh(&self, token: &str) -> Reply {
        self.token(form(&[
            ("grant_type", "refresh_token"),
            ("refresh_token", token),
            ("client_id", &self.id),
        ]))
        .await
    }

    /// Access token and refresh token of a grant that an admin approved.
    pub(super) async fn tokens(&self) -> (String, String) {
        let reply = self.token(self.exchange(&self.code().await, &[])).await;
        assert_eq!(reply.status, 200, "{}", reply.text());
        pair(&reply)
    }
}

/// Access token and refresh token of an answer.
pub(super) fn pair(reply: &Reply) -> (String, String) {
    let json = reply.json();
    let text = |name: &str| json[name].as_str().unwrap_or_else(|| panic!("{json}")).to_owned();
    (text("access_token"), text("refresh_token"))
}

/// A parameter of the address that a browser is sent to, which stands there once.
pub(super) fn answer(reply: &Reply, name: &str) -> Option<String> {
    let location = reply.header("location").unwrap_or_else(|| panic!("{}", reply.text()));
    let query = location.split_once('?').map_or("", |(_, query)| query);
    let mut found = form_urlencoded::parse(query.as_bytes()).filter(|(known, _)| known == name);
    let value = found.next().map(|(_, value)| value.into_owned());
    assert!(found.next().is_none(), "{name} stands twice: {location}");
    value
}

/// What a gate makes of a token at the MCP door.
pub(super) async fn at_mcp(kit: &Kit, token: &str) -> Result<model::Principal, gate::Error> {
    let origin = gate::Origin::new(&kit.url);
    kit.gate.recognise(Some(token), gate::Audience::Mcp(Some(&origin)), "test").await
}

/// What a JWT says.
pub(super) fn claims(token: &str) -> (Value, Value) {
    let parts: Vec<_> = token.split('.').collect();
    let read = |part: &str| serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part).unwrap()).unwrap();
    (read(parts[0]), read(parts[1]))
}
