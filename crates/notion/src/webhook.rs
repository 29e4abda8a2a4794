//! Webhooks as Notion sends them: the signature, the handshake, the envelope of an event.
//!
//! Pure: bytes in, a view of them out. The view is thin, so that types and fields that nobody here
//! has heard of pass: whoever keeps an event keeps its bytes. Anybody can send these bytes: nothing
//! here panics, and nothing is believed before its signature fits.

use std::fmt::Write;

use aws_lc_rs::hmac;
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use serde_json::{Map, Value};

/// The header that carries the signature.
pub const SIGNATURE_HEADER: &str = "x-notion-signature";

/// How long a verification token may be. Notion's have 50 characters.
const TOKEN_LENGTH: std::ops::RangeInclusive<usize> = 16..=256;
/// How long a challenge may be that is sent back.
const CHALLENGE_LENGTH_MAX: usize = 256;
/// How long ids, types and times may be.
const WORD_LENGTH_MAX: usize = 100;

/// The value of the signature header: HMAC-SHA256 of the body's bytes, the whole verification token
/// being the key.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Signature([u8; 32]);

impl Signature {
    /// Reads `sha256=` and 64 hexadecimal digits, in either case; `None` for anything else.
    pub fn parse(header: &str) -> Option<Self> {
        let digits = header.strip_prefix("sha256=")?.as_bytes();
        let digit = |at: usize| char::from(*digits.get(at)?).to_digit(16);
        if digits.len() != 64 {
            return None;
        }
        let mut bytes = [0; 32];
        for (index, byte) in bytes.iter_mut().enumerate() {
            *byte = u8::try_from(digit(2 * index)? * 16 + digit(2 * index + 1)?).ok()?;
        }
        Some(Self(bytes))
    }

    /// Signs a body.
    pub fn of(token: &SecretString, body: &[u8]) -> Self {
        let mut bytes = [0; 32];
        bytes.copy_from_slice(hmac::sign(&key(token), body).as_ref());
        Self(bytes)
    }

    /// Whether it was made over exactly these bytes, with this token. Takes the same time whichever
    /// byte differs.
    pub fn fits(&self, token: &SecretString, body: &[u8]) -> bool {
        hmac::verify(&key(token), body, &self.0).is_ok()
    }

    /// As it stands in the header.
    pub fn to_header(&self) -> String {
        let mut text = "sha256=".to_owned();
        for byte in self.0 {
            // Writing to a text cannot fail.
            let _ = write!(text, "{byte:02x}");
        }
        text
    }
}

fn key(token: &SecretString) -> hmac::Key {
    hmac::Key::new(hmac::HMAC_SHA256, token.expose_secret().as_bytes())
}

/// What a body is.
#[derive(Debug)]
pub enum Body {
    /// The first request to a new subscription: the token that signs from now on.
    Handshake(SecretString),
    /// A challenge to be sent back. Notion has none; tools that test receivers do.
    Challenge(String),
    /// Something happened.
    Event(Box<Event>),
}

/// Why a body is none of these.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error("{0}")]
pub struct BodyFault(String);

impl Body {
    /// Reads a body.
    pub fn read(bytes: &[u8]) -> Result<Self, BodyFault> {
        let fault = |what: String| Err(BodyFault(what));
        let object: Map<String, Value> = match serde_json::from_slice(bytes) {
            Ok(Value::Object(object)) => object,
            Ok(_) => return fault("it is no JSON object".to_owned()),
            Err(error) => {
                let (line, column) = (error.line(), error.column());
                return fault(format!("it is no JSON (line {line}, column {column})"));
            }
        };
        if let Some(token) = object.get("verification_token") {
            let token = token.as_str().filter(|token| {
                TOKEN_LENGTH.contains(&token.len())
                    && token.bytes().all(|byte| byte.is_ascii_graphic())
            });
            return match token {
                Some(token) => Ok(Self::Handshake(SecretString::from(token))),
                None => fault("`verification_token` is no token".to_owned()),
            };
        }
        if object.get("type").is_some_and(|kind| kind == "url_verification") {
            let challenge = object.get("challenge").and_then(Value::as_str);
            return match challenge.filter(|text| text.len() <= CHALLENGE_LENGTH_MAX) {
                Some(challenge) => Ok(Self::Challenge(challenge.to_owned())),
                None => fault(format!(
                    "`challenge` must be a text of at most {CHALLENGE_LENGTH_MAX} bytes"
                )),
            };
        }
        Event::check(&object)?;
        match serde_json::from_value(Value::Object(object)) {
            Ok(event) => Ok(Self::Event(Box::new(event))),
            // What it quotes is the sender's own, and bounded by us.
            Err(error) => fault(error.to_string().chars().take(200).collect()),
        }
    }
}

/// The envelope of an event, as far as anybody here needs it.
#[derive(Clone, Debug, Deserialize)]
pub struct Event {
    /// The event's id: the same one however often it is sent.
    pub id: String,
    /// What happened: `page.created`, …, or something that is not known yet.
    #[serde(rename = "type")]
    pub kind: String,
    /// To what.
    pub entity: Entity,
    /// When, as Notion writes it.
    #[serde(default)]
    pub timestamp: Option<String>,
    /// Where.
    #[serde(default)]
    pub workspace_id: Option<String>,
    /// By which subscription it comes.
    #[serde(default)]
    pub subscription_id: Option<String>,
    /// Of which connection that is.
    #[serde(default)]
    pub integration_id: Option<String>,
    /// Whose connections may see the object; only told to public connections.
    #[serde(default)]
    pub accessible_by: Vec<Actor>,
    /// Which attempt to deliver it this is.
    #[serde(default)]
    pub attempt_number: Option<u32>,
}

/// What an event is about.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq)]
pub struct Entity {
    /// Its id.
    pub id: String,
    /// What it is: `page`, `block`, `database`, …
    #[serde(rename = "type")]
    pub kind: String,
}

/// A person or a bot.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq)]
pub struct Actor {
    /// Its id.
    pub id: String,
    /// `person`, `bot` or `agent`.
    #[serde(default, rename = "type")]
    pub kind: Option<String>,
}

impl Event {
    /// The members that every event has; what is missing is named.
    fn check(object: &Map<String, Value>) -> Result<(), BodyFault> {
        let text = |of: &Map<String, Value>, name: &str, shown: &str| match of.get(name) {
            Some(Value::String(text)) if is_word(text) => Ok(()),
            Some(_) => Err(BodyFault(format!("`{shown}` must be a short plain text"))),
            None => Err(BodyFault(format!("`{shown}` is missing"))),
        };
        text(object, "type", "type")?;
        text(object, "id", "id")?;
        match object.get("entity") {
            Some(Value::Object(entity)) => {
                text(entity, "id", "entity.id")?;
                text(entity, "type", "entity.type")?;
            }
            Some(_) => return Err(BodyFault("`entity` must be an object".to_owned())),
            None => return Err(BodyFault("`entity` is missing".to_owned())),
        }
        if object.contains_key("timestamp") {
            text(object, "timestamp", "timestamp")?;
        }
        let of_a_file = object
            .get("type")
            .and_then(Value::as_str)
            .is_some_and(|it| it.starts_with("file_upload."));
        match object.get("data") {
            Some(Value::Object(_)) => Ok(()),
            // Notion sends these without any.
            None | Some(Value::Null) if of_a_file => Ok(()),
            Some(_) => Err(BodyFault("`data` must be an object".to_owned())),
            None => Err(BodyFault("`data` is missing".to_owned())),
        }
    }

    /// Whether the object is gone with it.
    pub fn is_deletion(&self) -> bool {
        self.kind.ends_with(".deleted")
    }
}

/// A text that can stand in a log, a list and the ledger as it is.
fn is_word(text: &str) -> bool {
    (1..=WORD_LENGTH_MAX).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_graphic())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    /// The sample of Notion's own documentation.
    const TOKEN: &str = "secret_tMrlL1qK5vuQAh1b6cZGhFChZTSYJlce98V0pYn7yBl";
    const HEADER: &str = "sha256=461e8cbcba8a75c3edd866f0e71280f5a85cbf21eff040ebd10fe266df38a735";

    fn token() -> SecretString {
        TOKEN.into()
    }

    fn sample() -> Vec<u8> {
        format!("{{\"verification_token\":\"{TOKEN}\"}}").into_bytes()
    }

    fn event() -> Value {
        json!({
            "id": "367cba44-b6f3-4c92-81e7-6a2e9659efd4",
            "timestamp": "2026-11-21T10:00:00.123Z",
            "type": "page.created",
            "entity": {"id": "153104cd-477e-809d-8dc4-ff2d96ae3090", "type": "page"},
            "data": {"parent": {"id": "36cc9195-760f-4fff-a67e-3a46c559b176", "type": "space"}},
            "accessible_by": [{"id": "153104cd-477e-809d-8dc4-ff2d96ae3090", "type": "bot"}],
        })
    }

    fn read(value: &Value) -> Result<Body, BodyFault> {
        Body::read(value.to_string().as_bytes())
    }

    #[test]
    fn the_documents_own_sample_is_genuine() {
        let signature = Signature::parse(HEADER).unwrap();
        assert!(signature.fits(&token(), &sample()));
        assert_eq!(Signature::of(&token(), &sample()), signature);
        assert_eq!(signature.to_header(), HEADER);
        let upper = format!("sha256={}", HEADER["sha256=".len()..].to_uppercase());
        assert_eq!(Signature::parse(&upper), Some(signature));
        let Body::Handshake(read) = Body::read(&sample()).unwrap() else { panic!() };
        assert_eq!(read.expose_secret(), TOKEN);
    }

    #[test]
    fn any_other_byte_does_not_fit() {
        let signature = Signature::parse(HEADER).unwrap();
        for index in 0..sample().len() {
            let mut body = sample();
            body[index] ^= 1;
            assert!(!signature.fits(&token(), &body), "byte {index}");
        }
        assert!(!signature.fits(&token(), &[]));
        assert!(!signature.fits(&TOKEN[..TOKEN.len() - 1].into(), &sample()));
        // The same JSON in other bytes is another body.
        assert!(
            !signature
                .fits(&token(), format!("{{ \"verification_token\":\"{TOKEN}\"}}").as_bytes())
        );
    }

    #[test]
    fn malformed_headers_are_refused() {
        let digits = &HEADER["sha256=".len()..];
        let wrong = [
            String::new(),
            digits.to_owned(),
            "sha256=".to_owned(),
            format!("sha1={digits}"),
            format!("SHA256={digits}"),
            format!("sha256={}", &digits[1..]),
            format!("sha256={digits}0"),
            format!("sha256= {}", &digits[1..]),
            format!("sha256=+{}", &digits[1..]),
            format!("sha256={}g", &digits[1..]),
            format!("sha256={}", "é".repeat(32)),
            format!("sha256={digits},sha256={digits}"),
        ];
        for header in wrong {
            assert_eq!(Signature::parse(&header), None, "{header}");
        }
    }

    #[test]
    fn what_an_event_must_have_is_named() {
        assert!(matches!(read(&event()), Ok(Body::Event(_))));
        for missing in ["type", "entity", "data", "id"] {
            let mut event = event();
            event.as_object_mut().unwrap().remove(missing);
            assert_eq!(read(&event).unwrap_err().to_string(), format!("`{missing}` is missing"));
        }
        let wrong = [
            ("type", json!(5)),
            ("type", json!("")),
            ("type", json!("two\nlines")),
            ("id", json!({})),
            ("id", json!("x".repeat(101))),
            ("entity", json!("page")),
            ("entity", json!({"id": "a"})),
            ("entity", json!({"type": "page"})),
            ("entity", json!({"id": 1, "type": "page"})),
            ("data", json!([])),
            ("data", json!("text")),
            ("timestamp", json!(1)),
            ("workspace_id", json!(true)),
            ("accessible_by", json!({"id": "a"})),
            ("accessible_by", json!([5])),
        ];
        for (name, value) in wrong {
            let mut event = event();
            event[name] = value.clone();
            assert!(read(&event).is_err(), "{name}: {value}");
        }
        for bytes in [&b""[..], b"[]", b"5", b"null", b"{", b"\xff\xfe", b"{\"type\":"] {
            assert!(Body::read(bytes).is_err(), "{bytes:?}");
        }
    }

    #[test]
    fn unknown_types_and_fields_pass_and_files_need_no_data() {
        let mut unknown = event();
        unknown["type"] = json!("teamspace.renamed_again");
        unknown["surprise"] = json!({"deep": [1, 2]});
        let Ok(Body::Event(read_back)) = read(&unknown) else { panic!() };
        assert_eq!(read_back.kind, "teamspace.renamed_again");
        let mut file = event();
        file["type"] = json!("file_upload.completed");
        file.as_object_mut().unwrap().remove("data");
        assert!(matches!(read(&file), Ok(Body::Event(_))));
    }

    #[test]
    fn a_challenge_is_short_and_a_token_is_a_token() {
        let challenge = |text: Value| read(&json!({"type": "url_verification", "challenge": text}));
        assert!(matches!(challenge(json!("x")), Ok(Body::Challenge(text)) if text == "x"));
        assert!(challenge(json!("x".repeat(257))).is_err());
        assert!(challenge(json!(1)).is_err());
        assert!(read(&json!({"type": "url_verification"})).is_err());
        for token in
            [json!(""), json!("short"), json!(7), json!("a b".repeat(10)), json!("s".repeat(257))]
        {
            assert!(read(&json!({"verification_token": token})).is_err(), "{token}");
        }
        let Ok(body) = Body::read(&sample()) else { panic!() };
        assert!(!format!("{body:?}").contains(TOKEN), "a token in a log");
    }

    proptest! {
        #[test]
        fn no_header_panics(header in any::<String>(), body in any::<Vec<u8>>()) {
            for header in [header.clone(), format!("sha256={header}")] {
                if let Some(signature) = Signature::parse(&header) {
                    prop_assert!(!signature.fits(&token(), &body));
                }
            }
        }

        #[test]
        fn no_body_panics(body in any::<Vec<u8>>()) {
            let _ = Body::read(&body);
        }

        #[test]
        fn no_almost_event_panics(
            name in "[a-z_.]{1,20}",
            value in prop_oneof![
                Just(json!(null)), Just(json!([[]])), Just(json!(1.5)), any::<String>().prop_map(Value::from),
            ],
            cut in any::<prop::sample::Index>(),
        ) {
            let mut event = event();
            for member in ["id", "type", "entity", "data", "timestamp", "workspace_id", "accessible_by"] {
                let mut changed = event.clone();
                changed[member] = value.clone();
                let _ = read(&changed);
            }
            event[name.as_str()] = value;
            let text = event.to_string().into_bytes();
            let _ = Body::read(&text);
            let _ = Body::read(&text[..cut.index(text.len())]);
        }

        #[test]
        fn only_its_own_token_and_bytes_fit(body in any::<Vec<u8>>(), other in any::<Vec<u8>>()) {
            let signature = Signature::of(&token(), &body);
            prop_assert_eq!(Signature::parse(&signature.to_header()), Some(signature));
            prop_assert!(signature.fits(&token(), &body));
            prop_assert_eq!(signature.fits(&token(), &other), body == other);
            prop_assert!(!signature.fits(&"secret_another_token_entirely".into(), &body));
        }
    }
}
