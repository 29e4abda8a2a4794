//! An OpenID provider that says whatever a test wants, and signs it with whatever a test wants.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair, RSA_PKCS1_SHA256, RsaKeyPair,
};
use aws_lc_rs::{hmac, rsa};
use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;
use url::form_urlencoded;

pub(crate) const CLIENT: &str = "gate client";
pub(crate) const SECRET: &str = "a secret/with:odd+characters";

/// With what tokens are signed.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(crate) enum Signing {
    #[default]
    Curve,
    Rsa,
    /// `alg: none`, no signature.
    Nothing,
    /// HS256 with the text of the public keys as the secret.
    PublicKeyAsSecret,
    /// A good signature of a key that is not published.
    Unpublished,
    /// A signature of something else.
    Broken,
}

/// What the provider does, for a test to change.
#[derive(Default)]
pub(crate) struct Behaviour {
    pub(crate) signing: Signing,
    /// Put into every ID token, over what would be there; `null` takes a claim away.
    pub(crate) claims: Value,
    /// What the userinfo endpoint tells.
    pub(crate) userinfo: Value,
    /// Put into the metadata.
    pub(crate) metadata: Value,
    pub(crate) now: i64,
    codes: HashMap<String, HashMap<String, String>>,
    key: Option<Keys>,
    pub(crate) asked: Vec<String>,
}

struct Keys {
    number: u32,
    curve: EcdsaKeyPair,
    rsa: RsaKeyPair,
}

impl Keys {
    fn new(number: u32) -> Self {
        let pair = rsa::KeyPair::generate(rsa::KeySize::Rsa2048).unwrap();
        let curve = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).unwrap();
        Self { number, curve, rsa: pair }
    }

    fn published(&self) -> Value {
        let point = self.curve.public_key().as_ref();
        // PKCS #1: a sequence of the modulus (with a zero before it) and the exponent 65537.
        let public = self.rsa.public_key().as_ref();
        assert_eq!(
            (public.len(), &public[..9]),
            (270, &b"\x30\x82\x01\x0a\x02\x82\x01\x01\x00"[..])
        );
        json!({ "keys": [
            {
                "kty": "EC", "crv": "P-256", "use": "sig", "kid": format!("ec{}", self.number),
                "x": encode(&point[1..33]), "y": encode(&point[33..]),
            },
            {
                "kty": "RSA", "use": "sig", "kid": format!("rsa{}", self.number),
                "n": encode(&public[9..265]),
                "e": encode(&public[267..]),
            },
        ] })
    }
}

fn encode(bytes: impl AsRef<[u8]>) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

fn merge(into: &mut Value, change: &Value) {
    for (name, value) in change.as_object().into_iter().flatten() {
        match value {
            Value::Null => drop(into.as_object_mut().unwrap().remove(name)),
            value => into[name] = value.clone(),
        }
    }
}

/// A provider of a test's own; it ends with this value.
pub(crate) struct FakeProvider {
    pub(crate) url: String,
    behaviour: Arc<Mutex<Behaviour>>,
    task: JoinHandle<()>,
}

impl FakeProvider {
    pub(crate) async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let key = Some(Keys::new(1));
        let behaviour = Arc::new(Mutex::new(Behaviour { key, ..Behaviour::default() }));
        let (issuer, shared) = (url.clone(), behaviour.clone());
        let task = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (issuer, shared) = (issuer.clone(), shared.clone());
                tokio::spawn(async move { drop(serve(stream, &issuer, &shared).await) });
            }
        });
        Self { url, behaviour, task }
    }

    pub(crate) fn change(&self, change: impl FnOnce(&mut Behaviour)) {
        change(&mut self.behaviour.lock().unwrap());
    }

    /// From now on there are other keys, and only those.
    pub(crate) fn rotate(&self) {
        let mut behaviour = self.behaviour.lock().unwrap();
        let number = behaviour.key.as_ref().unwrap().number + 1;
        behaviour.key = Some(Keys::new(number));
    }

    /// A code for somebody who was sent here with these parameters.
    pub(crate) fn code_for(&self, sent: &HashMap<String, String>) -> String {
        let mut behaviour = self.behaviour.lock().unwrap();
        let code = format!("code{}", behaviour.codes.len() + 1);
        behaviour.codes.insert(code.clone(), sent.clone());
        code
    }

    pub(crate) fn count(&self, path: &str) -> usize {
        let behaviour = self.behaviour.lock().unwrap();
        behaviour.asked.iter().filter(|asked| asked.starts_with(path)).count()
    }
}

impl Drop for FakeProvider {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// A token for whoever has this code.
fn token(behaviour: &Behaviour, issuer: &str, sent: &HashMap<String, String>) -> String {
    let mut claims = json!({
        "iss": issuer, "aud": CLIENT, "sub": "ada", "nonce": sent["nonce"],
        "iat": behaviour.now, "exp": behaviour.now + 300,
        "email": "ada@example.com", "email_verified": true,
    });
    merge(&mut claims, &behaviour.claims);
    let keys = behaviour.key.as_ref().unwrap();
    let random = SystemRandom::new();
    let curve =
        |pair: &EcdsaKeyPair, text: &[u8]| pair.sign(&random, text).unwrap().as_ref().to_vec();
    let (alg, kid) = match behaviour.signing {
        Signing::Curve | Signing::Unpublished | Signing::Broken => ("ES256", "ec"),
        Signing::Rsa => ("RS256", "rsa"),
        Signing::Nothing => ("none", "ec"),
        Signing::PublicKeyAsSecret => ("HS256", "rsa"),
    };
    let head = json!({ "alg": alg, "typ": "JWT", "kid": format!("{kid}{}", keys.number) });
    let signed = format!("{}.{}", encode(head.to_string()), encode(claims.to_string()));
    let signature = match behaviour.signing {
        Signing::Curve => curve(&keys.curve, signed.as_bytes()),
        Signing::Unpublished => curve(&Keys::new(99).curve, signed.as_bytes()),
        Signing::Broken => curve(&keys.curve, b"something else"),
        Signing::Nothing => Vec::new(),
        Signing::Rsa => {
            let mut signature = vec![0; keys.rsa.public_modulus_len()];
            keys.rsa.sign(&RSA_PKCS1_SHA256, &random, signed.as_bytes(), &mut signature).unwrap();
            signature
        }
        Signing::PublicKeyAsSecret => {
            let secret = keys.rsa.public_key().as_ref();
            let secret = hmac::Key::new(hmac::HMAC_SHA256, secret);
            hmac::sign(&secret, signed.as_bytes()).as_ref().to_vec()
        }
    };
    format!("{signed}.{}", encode(signature))
}

fn answer(
    behaviour: &mut Behaviour,
    issuer: &str,
    path: &str,
    authorization: &str,
    body: &[u8],
) -> (u16, Value) {
    behaviour.asked.push(path.to_owned());
    match path {
        "/.well-known/openid-configuration" => {
            let mut metadata = json!({
                "issuer": issuer,
                "authorization_endpoint": format!("{issuer}/auth?tenant=a"),
                "token_endpoint": format!("{issuer}/token"),
                "jwks_uri": format!("{issuer}/keys"),
                "userinfo_endpoint": format!("{issuer}/me"),
                "end_session_endpoint": format!("{issuer}/end"),
                "authorization_response_iss_parameter_supported": true,
            });
            merge(&mut metadata, &behaviour.metadata);
            (200, metadata)
        }
        "/keys" => (200, behaviour.key.as_ref().unwrap().published()),
        "/me" if authorization == "Bearer access" => (200, behaviour.userinfo.clone()),
        "/token" => {
            let form: HashMap<String, String> = form_urlencoded::parse(body).into_owned().collect();
            let encoded =
                |text: &str| form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>();
            let pair = format!("{}:{}", encoded(CLIENT), encoded(SECRET));
            if authorization != format!("Basic {}", STANDARD.encode(pair)) {
                return (401, json!({ "error": "invalid_client" }));
            }
            let Some(sent) = behaviour.codes.remove(&form["code"]) else {
                return (400, json!({ "error": "invalid_grant" }));
            };
            let challenge = oidc::challenge_of(&form["code_verifier"]);
            let fits = sent["code_challenge"] == challenge
                && sent["code_challenge_method"] == "S256"
                && sent["redirect_uri"] == form["redirect_uri"]
                && form["grant_type"] == "authorization_code";
            if !fits {
                return (400, json!({ "error": "invalid_grant" }));
            }
            let id_token = token(behaviour, issuer, &sent);
            (200, json!({ "access_token": "access", "token_type": "Bearer", "id_token": id_token }))
        }
        _ => (404, json!({ "error": "not_found" })),
    }
}

async fn serve(
    mut stream: TcpStream,
    issuer: &str,
    behaviour: &Mutex<Behaviour>,
) -> std::io::Result<()> {
    let mut bytes = Vec::new();
    let end = loop {
        if stream.read_buf(&mut bytes).await? == 0 {
            return Ok(());
        }
        if let Some(end) = bytes.windows(4).position(|it| it == b"\r\n\r\n") {
            break end + 4;
        }
    };
    let head = String::from_utf8_lossy(&bytes[..end]).into_owned();
    let header = |name: &str| {
        let found = head.lines().find(|line| line.to_ascii_lowercase().starts_with(name));
        found.map(|line| line[name.len()..].trim().to_owned()).unwrap_or_default()
    };
    let length: usize = header("content-length:").parse().unwrap_or(0);
    while bytes.len() < end + length {
        if stream.read_buf(&mut bytes).await? == 0 {
            return Ok(());
        }
    }
    let path = head.split(' ').nth(1).unwrap_or_default().to_owned();
    let (status, body) = {
        let mut behaviour = behaviour.lock().unwrap();
        answer(&mut behaviour, issuer, &path, &header("authorization:"), &bytes[end..])
    };
    let body = body.to_string();
    let text = format!(
        "HTTP/1.1 {status} X\r\ncontent-type: application/json\r\nconnection: close\r\n\
         content-length: {}\r\n\r\n{body}",
        body.len()
    );
    stream.write_all(text.as_bytes()).await
}
