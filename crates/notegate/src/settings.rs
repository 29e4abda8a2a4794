//! Settings: one table, four sources. Flag over environment over file over default.
//!
//! This is the only module that reads the environment.

use std::collections::BTreeMap;
use std::fmt;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use model::{ExposeSecret, SecretString};

use crate::official_headers::{self, OfficialHeaders};
use crate::secret;

/// One setting: its name in the environment, other names that people already have, and its default.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Setting {
    pub(crate) name: &'static str,
    aliases: &'static [&'static str],
    secret: bool,
    default: Option<&'static str>,
    pub(crate) used: bool,
    pub(crate) about: &'static str,
}

const fn setting(name: &'static str, default: &'static str, about: &'static str) -> Setting {
    Setting { name, aliases: &[], secret: false, default: Some(default), used: true, about }
}

const fn optional(name: &'static str, about: &'static str) -> Setting {
    Setting { name, aliases: &[], secret: false, default: None, used: true, about }
}

impl Setting {
    const fn secret(mut self) -> Self {
        self.secret = true;
        self
    }

    const fn also(mut self, aliases: &'static [&'static str]) -> Self {
        self.aliases = aliases;
        self
    }

    /// Understood and shown, for a part of notegate that is not built yet.
    const fn later(mut self) -> Self {
        self.used = false;
        self
    }

    /// Whether its value must not be shown.
    pub(crate) fn is_secret(&self) -> bool {
        self.secret
    }

    /// Every name that it has in the environment.
    pub(crate) fn names(&self) -> impl Iterator<Item = &'static str> {
        std::iter::once(self.name).chain(self.aliases.iter().copied())
    }

    /// Its key in `notegate.toml`: the name in lower case, without `NOTEGATE_`.
    pub(crate) fn key(&self) -> String {
        self.name.strip_prefix("NOTEGATE_").unwrap_or(self.name).to_lowercase()
    }
}

/// Every setting, in the order in which they are shown.
pub(crate) const SETTINGS: &[Setting] = &[
    setting(
        "NOTEGATE_LISTEN",
        "127.0.0.1:3000",
        "address of the gate; port 0 picks one (PORT: port only)",
    ),
    optional(
        "SERVICE_URL",
        "where people and Notion reach the gate, if not where it listens: https://gate.example.com",
    ),
    setting(
        "NOTEGATE_REQUIRE_TLS",
        "false",
        "refuse what did not come over https, here or at the reverse proxy in front",
    )
    .also(&["REQUIRE_TLS"]),
    optional("NOTEGATE_TLS_CERT", "certificate chain (PEM file): the gate speaks https itself"),
    optional("NOTEGATE_TLS_KEY", "its private key (PEM file that only its owner can read)"),
    setting("NOTEGATE_DATA_DIR", "./notegate-data", "directory of keys, credentials and ledger"),
    setting("NOTEGATE_CONFIG", "./notegate.toml", "settings file"),
    setting("NOTEGATE_SANDBOX", "false", "run a Notion here and stand in front of that"),
    setting("NOTEGATE_SANDBOX_LISTEN", "127.0.0.1:3001", "address of that Notion"),
    optional("NOTEGATE_READY_FILE", "file to write once it serves: URL and admin key as JSON"),
    setting(
        "NOTEGATE_LOG",
        "info",
        "what is logged: error, warn, info, debug, or a filter by part",
    ),
    setting("NOTEGATE_LOG_FORMAT", "auto", "auto (text on a terminal, else JSON), text or json"),
    setting("NOTEGATE_LEDGER_STRICT", "false", "let reads wait until they are in the ledger, too"),
    setting(
        "NOTEGATE_LEDGER_BODIES",
        "none",
        "bodies that are kept, sealed, for auditors: none, or those of writes",
    ),
    optional(
        "NOTEGATE_LEDGER_RETENTION_DAYS",
        "drop entries of the ledger that are older, leaving a signed record; kept for ever if not set",
    ),
    setting(
        "NOTEGATE_TREE_AGE_MAX",
        "60",
        "seconds for which a place in the page tree is believed",
    ),
    setting(
        "NOTEGATE_LOOKUPS_PER_MINUTE",
        "600",
        "how often Notion is asked in a minute where something stands, for one key and those it made",
    ),
    setting(
        "NOTEGATE_WEBHOOK_RATE",
        "100",
        "webhook requests that prove nothing, from one address in a minute",
    ),
    setting(
        "NOTEGATE_WEBHOOK_SIGNED_RATE",
        "6000",
        "webhook events with a good signature, by one subscription in a minute",
    ),
    setting(
        "NOTEGATE_WEBHOOK_DEBOUNCE",
        "2",
        "seconds for which an object must be quiet until its events are worked, as one",
    ),
    setting(
        "NOTEGATE_ROTATION_GRACE",
        "3600",
        "seconds for which a Notion token that was replaced is kept",
    ),
    setting("NOTEGATE_UPSTREAM_TIMEOUT", "30", "seconds for a whole call to Notion"),
    optional(
        "NOTEGATE_MASTER_KEY",
        "32 bytes that open the data directory, in base64; made there if not set",
    )
    .secret(),
    optional(
        "NOTEGATE_MASTER_KEY_COMMAND",
        "a command that prints them (docs/master-key.md); run without a shell",
    ),
    setting("NOTION_BASE_URL", "https://api.notion.com", "where Notion is").also(&["BASE_URL"]),
    optional("NOTION_VERSION", "a version that all calls go out with, whatever the caller sends"),
    optional("NOTION_TOKEN", "the workspace's token").secret().also(&["NOTION_API_TOKEN"]),
    optional("NOTION_DATABASE_ID", "a database that must be reachable at the start"),
    optional("NOTION_READ_TOKEN", "token for reads, beside one for writes").secret(),
    optional("NOTION_WRITE_TOKEN", "token for writes, beside one for reads").secret(),
    optional("NOTION_OAUTH_CLIENT_ID", "OAuth client that workspaces install (/auth/notion)"),
    optional("NOTION_OAUTH_CLIENT_SECRET", "its secret").secret(),
    optional(
        "NOTION_OAUTH_REDIRECT_URI",
        "its redirect URI, exactly as registered; SERVICE_URL/auth/notion/callback if not set",
    )
    .also(&["NOTION_REDIRECT_URI"]),
    optional(
        "NOTEGATE_OIDC_ISSUER",
        "OpenID provider where people sign in to the dashboard, as it calls itself",
    ),
    optional("NOTEGATE_OIDC_CLIENT_ID", "this gate's client there"),
    optional("NOTEGATE_OIDC_CLIENT_SECRET", "its secret").secret(),
    optional("NOTEGATE_OIDC_SCOPES", "scopes to ask for besides openid and email"),
    optional(
        "NOTEGATE_OIDC_GROUPS_CLAIM",
        "the claim with a person's groups; it then decides who is in which",
    ),
    optional(
        "NOTEGATE_BOOTSTRAP_ADMIN",
        "address of the first admin among the users, made while there is none",
    ),
    optional("NOTION_AUDIT_DB_ID", "Notion database that mirrors the ledger (docs/ledger.md)"),
    setting(
        "NOTEGATE_AUDIT_MIRROR",
        "writes",
        "what is mirrored there: writes (and management, and refusals) or all",
    ),
    setting("NOTEGATE_AUDIT_MIRROR_RATE", "20", "requests to Notion in a minute for that, at most"),
    optional(
        "SESSION_SECRET",
        "secret of browser sessions; derived from the master key if not set",
    )
    .secret(),
    optional("NOTEGATE_URL", "a gate elsewhere, for `notegate mcp`: https://gate.example.com"),
    optional("NOTEGATE_KEY", "a key of it").secret(),
    optional("AUTH_TOKEN", "bearer token of `notegate mcp --transport http`").secret(),
    setting(
        "ENABLE_TOKEN_PASSTHROUGH",
        "false",
        "let MCP callers bring Notion tokens of their own (header Notion-Token)",
    ),
    optional(
        "OPENAPI_MCP_HEADERS",
        "headers for Notion as JSON, as the official MCP server takes them: token and version",
    )
    .secret(),
    optional(
        "JWT_SECRET",
        "what the keys that sign access tokens derive from; the data directory's root if not set",
    )
    .secret(),
    setting(
        "JWT_EXPIRY",
        "15m",
        "how long access tokens count: seconds, or a number with s, m, h or d; a day at most",
    ),
    setting("NOTEGATE_CLIENT_REGISTRATION", "true", "whether MCP clients may register themselves"),
    setting(
        "NOTEGATE_CLIENT_DOCUMENTS",
        "true",
        "whether MCP clients may be documents, which the gate fetches from the Internet",
    ),
    optional("RATE_LIMIT_WINDOW_MS", "window of the caller's rate limit").later(),
    optional("RATE_LIMIT_MAX_REQUESTS", "requests in that window").later(),
    optional("OPENSPEC_API_URL", "OpenSpec service").later(),
    optional("OPENSPEC_API_TOKEN", "its token").secret().later(),
    optional("OPENSPEC_CLI", "OpenSpec command").later(),
    optional("AI_GENERATION_ENABLED", "generation of specifications").later(),
    optional("AUTO_VALIDATION_ENABLED", "validation of specifications").later(),
    optional("VERSION_HISTORY_ENABLED", "versions of specifications").later(),
    optional("REVIEW_WORKFLOW_ENABLED", "reviews of specifications").later(),
    optional("DATABASE_URL", "PostgreSQL instead of the data directory").secret().later(),
    optional("REDIS_URL", "Redis, shared by several gates").secret().later(),
];

/// Where a value came from.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) enum Source {
    Flag,
    Environment(String),
    SecretFile(PathBuf),
    File(PathBuf),
    Default,
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Flag => f.write_str("flag"),
            Self::Environment(name) => write!(f, "environment ({name})"),
            Self::SecretFile(path) => write!(f, "secret file ({})", path.display()),
            Self::File(path) => write!(f, "{}", path.display()),
            Self::Default => f.write_str("default"),
        }
    }
}

/// The value of a setting.
#[derive(Clone)]
enum Value {
    Plain(String),
    Secret(SecretString),
}

/// All settings, with everything that is wrong with them.
pub(crate) struct Settings {
    values: BTreeMap<&'static str, (Value, Source)>,
    faults: Vec<String>,
    /// What is wrong with the official server's headers: a fault only for what talks to Notion by them.
    headers_fault: Option<String>,
}

/// Settings that flags give, by name.
pub(crate) type Flags = BTreeMap<&'static str, String>;

impl Settings {
    /// Gathers the settings of this process.
    pub(crate) fn gather(flags: Flags) -> Self {
        Self::from_parts(flags, |name| {
            std::env::var_os(name).map(|value| value.to_string_lossy().into_owned())
        })
    }

    fn from_parts(flags: Flags, environment: impl Fn(&str) -> Option<String>) -> Self {
        let mut settings =
            Self { values: BTreeMap::new(), faults: Vec::new(), headers_fault: None };
        let file = settings.read_file(&flags, &environment);
        for setting in SETTINGS {
            if let Some(found) = settings.look_up(setting, &flags, &environment, file.as_ref()) {
                settings.values.insert(setting.name, found);
            }
        }
        settings.apply_official_headers();
        settings
    }

    /// What users of the official MCP server have in one setting goes before what the environment says in
    /// two.
    fn apply_official_headers(&mut self) {
        let Some(text) = self.secret(official_headers::NAME).cloned() else { return };
        let headers = match OfficialHeaders::parse(text.expose_secret()) {
            Ok(headers) => headers,
            Err(fault) => return self.headers_fault = Some(fault),
        };
        let token = headers.token.map(|token| ("NOTION_TOKEN", Value::Secret(token)));
        let version = headers.version.map(|version| ("NOTION_VERSION", Value::Plain(version)));
        for (name, value) in token.into_iter().chain(version) {
            if self.source(name) != Some(&Source::Flag) {
                let source = Source::Environment(official_headers::NAME.to_owned());
                self.values.insert(name, (value, source));
            }
        }
    }

    fn look_up(
        &mut self,
        setting: &Setting,
        flags: &Flags,
        environment: &impl Fn(&str) -> Option<String>,
        file: Option<&(PathBuf, toml::Table)>,
    ) -> Option<(Value, Source)> {
        if let Some(value) = flags.get(setting.name) {
            return Some((Value::Plain(value.clone()), Source::Flag));
        }
        let names = std::iter::once(&setting.name).chain(setting.aliases);
        for name in names {
            if let Some(value) = environment(name).filter(|value| !value.is_empty()) {
                let source = Source::Environment((*name).to_owned());
                let value =
                    if setting.secret { Value::Secret(value.into()) } else { Value::Plain(value) };
                return Some((value, source));
            }
            let in_file = environment(&format!("{name}_FILE")).filter(|path| !path.is_empty());
            if let Some(path) = in_file.filter(|_| setting.secret) {
                match secret::read_file(Path::new(&path)) {
                    Ok(value) => {
                        return Some((Value::Secret(value), Source::SecretFile(path.into())));
                    }
                    Err(error) => self.faults.push(format!("{name}_FILE: {error}")),
                }
                return None;
            }
        }
        if setting.name == "NOTEGATE_LISTEN"
            && let Some(port) = environment("PORT").filter(|port| !port.is_empty())
        {
            let source = Source::Environment("PORT".to_owned());
            return Some((Value::Plain(format!("127.0.0.1:{port}")), source));
        }
        if let Some((path, table)) = file
            && let Some(value) = table.get(&setting.key())
        {
            let value = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
            return Some((Value::Plain(value), Source::File(path.clone())));
        }
        setting.default.map(|value| (Value::Plain(value.to_owned()), Source::Default))
    }

    /// The settings file: the one that was named, or `./notegate.toml` if it is there.
    fn read_file(
        &mut self,
        flags: &Flags,
        environment: &impl Fn(&str) -> Option<String>,
    ) -> Option<(PathBuf, toml::Table)> {
        let named =
            flags.get("NOTEGATE_CONFIG").cloned().or_else(|| environment("NOTEGATE_CONFIG"));
        let named = named.filter(|path| !path.is_empty());
        let path = PathBuf::from(named.as_deref().unwrap_or("./notegate.toml"));
        if named.is_none() && !path.exists() {
            return None;
        }
        let shown = path.display();
        let table = std::fs::read_to_string(&path)
            .map_err(|error| format!("the settings file {shown} cannot be read: {error}"))
            .and_then(|text| {
                // The parser's message quotes the line, which may be a secret: only its place is told.
                text.parse::<toml::Table>().map_err(|error: toml::de::Error| {
                    let offset = error.span().map_or(0, |span| span.start);
                    let line = text.get(..offset).map_or(1, |before| before.lines().count().max(1));
                    format!("the settings file {shown} is not TOML, near line {line}")
                })
            });
        match table {
            Ok(table) => {
                for key in table.keys() {
                    match SETTINGS.iter().find(|setting| setting.key() == *key) {
                        None => self.faults.push(format!("{shown}: there is no setting `{key}`; `notegate config print` lists them")),
                        Some(setting) if setting.secret => self.faults.push(format!(
                            "{shown}: `{key}` is a secret and does not belong into this file: set {} or {}_FILE in the environment",
                            setting.name, setting.name
                        )),
                        Some(_) => {}
                    }
                }
                Some((path, table))
            }
            Err(fault) => {
                self.faults.push(fault);
                None
            }
        }
    }

    /// The text of a setting that is no secret.
    pub(crate) fn text(&self, name: &str) -> Option<&str> {
        match self.values.get(name) {
            Some((Value::Plain(text), _)) => Some(text),
            _ => None,
        }
    }

    /// A secret.
    pub(crate) fn secret(&self, name: &str) -> Option<&SecretString> {
        match self.values.get(name) {
            Some((Value::Secret(secret), _)) => Some(secret),
            _ => None,
        }
    }

    /// A value as another type; a fault is noted if it is none.
    pub(crate) fn parse<T: FromStr>(&mut self, name: &str, expected: &str) -> Option<T> {
        let text = self.text(name)?.to_owned();
        let parsed = text.trim().parse().ok();
        if parsed.is_none() {
            let source = self.source(name).map(ToString::to_string).unwrap_or_default();
            self.fault(format!("{name} must be {expected}, and is `{text}` ({source})"));
        }
        parsed
    }

    /// A switch: `true`/`false`, `1`/`0`, `yes`/`no`, `on`/`off`.
    pub(crate) fn switch(&mut self, name: &str) -> bool {
        let text = self.text(name).unwrap_or("false").trim().to_lowercase();
        match text.as_str() {
            "true" | "1" | "yes" | "on" => true,
            "false" | "0" | "no" | "off" => false,
            _ => {
                self.fault(format!("{name} must be true or false, and is `{text}`"));
                false
            }
        }
    }

    /// An address.
    pub(crate) fn address(&mut self, name: &str) -> Option<SocketAddr> {
        self.parse(name, "an address like 127.0.0.1:3000")
    }

    /// Where a value came from.
    pub(crate) fn source(&self, name: &str) -> Option<&Source> {
        self.values.get(name).map(|(_, source)| source)
    }

    /// What to show for a setting: its value, masked if it is secret.
    pub(crate) fn shown(&self, setting: &Setting) -> Option<String> {
        self.values.get(setting.name).map(|(value, _)| match value {
            Value::Plain(_) if setting.secret => "(hidden)".to_owned(),
            Value::Plain(text) => text.clone(),
            Value::Secret(_) => "(hidden)".to_owned(),
        })
    }

    /// From here on the official server's headers must make sense.
    pub(crate) fn want_official_headers(&mut self) {
        self.faults.extend(self.headers_fault.take());
    }

    /// Notes something that is wrong.
    pub(crate) fn fault(&mut self, fault: impl Into<String>) {
        self.faults.push(fault.into());
    }

    /// Everything that is wrong.
    pub(crate) fn faults(&self) -> &[String] {
        &self.faults
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn gather(flags: &[(&'static str, &str)], environment: &[(&str, &str)]) -> Settings {
        let flags = flags.iter().map(|(name, value)| (*name, (*value).to_owned())).collect();
        Settings::from_parts(flags, |wanted| {
            let found = environment.iter().find(|(name, _)| *name == wanted);
            found.map(|(_, value)| (*value).to_owned())
        })
    }

    #[test]
    fn f125_explicit_headers_go_before_the_environment() {
        let headers = r#"{"Authorization": "Bearer ntn_header", "Notion-Version": "2026-03-11"}"#;
        let environment = [("OPENAPI_MCP_HEADERS", headers), ("NOTION_TOKEN", "ntn_env")];
        let settings = gather(&[("NOTION_VERSION", "2022-06-28")], &environment);
        assert_eq!(settings.secret("NOTION_TOKEN").unwrap().expose_secret(), "ntn_header");
        assert_eq!(settings.text("NOTION_VERSION"), Some("2022-06-28"), "a flag goes before both");
        let settings = gather(&[], &environment);
        assert_eq!(settings.text("NOTION_VERSION"), Some("2026-03-11"));
        let settings = gather(&[], &[("OPENAPI_MCP_HEADERS", "{}"), ("NOTION_TOKEN", "ntn_env")]);
        assert_eq!(settings.secret("NOTION_TOKEN").unwrap().expose_secret(), "ntn_env");
        let mut settings = gather(&[], &[("OPENAPI_MCP_HEADERS", "Bearer ntn_x")]);
        assert!(
            settings.faults().is_empty(),
            "those who do not want them are not kept from their work"
        );
        settings.want_official_headers();
        assert!(settings.faults()[0].contains("is no JSON object"), "{:?}", settings.faults());
    }

    #[test]
    fn flag_over_environment_over_file_over_default() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("notegate.toml");
        std::fs::write(&path, "listen = \"127.0.0.1:1\"\nlog = \"warn\"\nledger_strict = true\n")
            .unwrap();
        let file = path.to_str().unwrap();
        let settings = gather(
            &[("NOTEGATE_CONFIG", file), ("NOTEGATE_LISTEN", "127.0.0.1:3")],
            &[("NOTEGATE_LISTEN", "127.0.0.1:2"), ("NOTEGATE_LOG", "debug")],
        );
        assert_eq!(settings.text("NOTEGATE_LISTEN"), Some("127.0.0.1:3"));
        assert_eq!(settings.text("NOTEGATE_LOG"), Some("debug"));
        assert_eq!(settings.text("NOTEGATE_LEDGER_STRICT"), Some("true"));
        assert_eq!(settings.text("NOTEGATE_DATA_DIR"), Some("./notegate-data"));
        assert_eq!(settings.source("NOTEGATE_LISTEN"), Some(&Source::Flag));
        assert!(settings.faults().is_empty(), "{:?}", settings.faults());
    }

    #[test]
    fn secrets_and_unknown_keys_do_not_belong_into_the_file() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("notegate.toml");
        std::fs::write(&path, "notion_token = \"ntn_canary\"\nlisten_on = 1\n").unwrap();
        let settings = gather(&[("NOTEGATE_CONFIG", path.to_str().unwrap())], &[]);
        let faults = settings.faults().join("\n");
        assert!(faults.contains("`notion_token` is a secret"), "{faults}");
        assert!(faults.contains("no setting `listen_on`"), "{faults}");
        assert!(!faults.contains("canary"), "{faults}");

        std::fs::write(&path, "a = 1\nnotion_token = ntn_canary\n").unwrap();
        let settings = gather(&[("NOTEGATE_CONFIG", path.to_str().unwrap())], &[]);
        let faults = settings.faults().join("\n");
        assert!(faults.contains("not TOML, near line 2") && !faults.contains("canary"), "{faults}");
    }

    #[test]
    fn names_that_people_already_have_are_understood() {
        let settings = gather(
            &[],
            &[("PORT", "8080"), ("BASE_URL", "http://127.0.0.1:1"), ("NOTION_API_TOKEN", "ntn_t")],
        );
        assert_eq!(settings.text("NOTEGATE_LISTEN"), Some("127.0.0.1:8080"));
        assert_eq!(settings.text("NOTION_BASE_URL"), Some("http://127.0.0.1:1"));
        assert_eq!(settings.secret("NOTION_TOKEN").unwrap().expose_secret(), "ntn_t");
        let token = SETTINGS.iter().find(|setting| setting.name == "NOTION_TOKEN").unwrap();
        assert_eq!(settings.shown(token).as_deref(), Some("(hidden)"));
    }
}
