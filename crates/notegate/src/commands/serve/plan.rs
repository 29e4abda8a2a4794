//! What `serve` is going to do: settings read, judged and put together; `serve --check`.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use anyhow::anyhow;
use gate::{
    AuthorizationSettings, KeySource, KeySourceKind, MirrorSettings, OidcOptions, OidcProvider,
    OidcSettings, TokenCheck, TokenError, Tokens, WebDocuments, WebhookSettings,
};
use model::{Chance, Clock, ExposeSecret, SecretString, SystemClock};
use notion::client::{Dice, Settings as NotionSettings};
use notion::oauth::OAuthClient;
use notion::{Id, Version};
use vault::SystemChance;
use web::{ServiceUrl, Site, Tls};

use crate::Done;
use crate::data_dir::DataDir;
use crate::failure::Failure;
use crate::local::block_on;
use crate::logging;
use crate::master_key::MasterKeys;
use crate::secret::{self, TOKEN_URL, check_token};
use crate::settings::{Flags, Settings};
use crate::term::{Style, printable};

/// Everything that `serve` needs to know, with nothing left to go wrong but the world.
pub(crate) struct Plan {
    pub(crate) listen: SocketAddr,
    pub(crate) sandbox_listen: Option<SocketAddr>,
    /// How callers reach the gate.
    pub(crate) site: Site,
    /// The gate's own certificate, if it speaks https itself.
    pub(crate) tls: Option<Tls>,
    pub(crate) data_dir: PathBuf,
    pub(crate) ready_file: Option<PathBuf>,
    pub(crate) base_url: String,
    /// The workspace's token, or those of a pair.
    pub(crate) tokens: Option<Tokens>,
    /// The app that workspaces install.
    pub(crate) oauth: Option<OAuthClient>,
    /// Where people sign in.
    pub(crate) oidc: Option<OidcOptions>,
    /// How MCP clients are authorized.
    pub(crate) authorization: AuthorizationSettings,
    pub(crate) bootstrap_admin: Option<String>,
    pub(crate) database: Option<Id>,
    pub(crate) notion_version: Option<Version>,
    pub(crate) upstream_timeout: Duration,
    pub(crate) tree_age_max: Duration,
    pub(crate) lookups_per_minute: u32,
    pub(crate) rotation_grace: Duration,
    pub(crate) strict_ledger: bool,
    pub(crate) ledger_retention: Option<Duration>,
    pub(crate) mirror: Option<MirrorSettings>,
    pub(crate) ledger_bodies: bool,
    pub(crate) master_keys: Arc<MasterKeys>,
    pub(crate) webhooks: WebhookSettings,
    pub(crate) session_secret: Option<SecretString>,
    /// Whether MCP callers may bring Notion tokens of their own.
    pub(crate) token_passthrough: bool,
}

/// A shorter secret could be guessed.
const SESSION_SECRET_MIN: usize = 32;

impl Plan {
    /// Reads the settings; all faults at once, in one line.
    pub(crate) fn make(settings: &mut Settings) -> Result<Self, String> {
        settings.want_official_headers();
        let sandbox = settings.switch("NOTEGATE_SANDBOX");
        let listen = settings.address("NOTEGATE_LISTEN");
        // A gate on a port of the system's choice is one of several: its sandbox, too.
        let beside = listen.is_some_and(|listen| listen.port() == 0)
            && settings.source("NOTEGATE_SANDBOX_LISTEN")
                == Some(&crate::settings::Source::Default);
        let sandbox_listen = if beside {
            Some(SocketAddr::from(([127, 0, 0, 1], 0)))
        } else {
            settings.address("NOTEGATE_SANDBOX_LISTEN")
        };
        let base_url =
            settings.text("NOTION_BASE_URL").unwrap_or_default().trim_end_matches('/').to_owned();
        check_base_url(settings, &base_url, sandbox);
        check_groups(settings);
        let tls = tls(settings);
        let site = Site {
            own_tls: tls.is_some(),
            require_tls: settings.switch("NOTEGATE_REQUIRE_TLS"),
            service_url: service_url(settings),
        };
        let oauth = oauth(settings, site.service_url.as_ref());
        let data_dir =
            PathBuf::from(settings.text("NOTEGATE_DATA_DIR").unwrap_or("./notegate-data"));
        let tokens = if sandbox { None } else { own_tokens(settings, &base_url) };
        // Workspaces that people install bring their tokens along, and others may be connected already.
        if !sandbox && tokens.is_none() && oauth.is_none() && !DataDir::is_one(&data_dir) {
            require_token(settings);
        }
        let database = settings.text("NOTION_DATABASE_ID").map(str::to_owned).and_then(|text| {
            let id = Id::from_pasted(&text);
            if id.is_none() {
                settings.fault(format!(
                    "NOTION_DATABASE_ID must be an id or URL of Notion, and is `{text}`"
                ));
            }
            id
        });
        let notion_version = settings.text("NOTION_VERSION").map(str::to_owned).and_then(|text| {
            let version = Version::parse(&text);
            if version.is_none() {
                let known = Version::ALL.map(Version::as_str).join(", ");
                settings.fault(format!("NOTION_VERSION must be one of {known}, and is `{text}`"));
            }
            version
        });
        let data_dir =
            PathBuf::from(settings.text("NOTEGATE_DATA_DIR").unwrap_or("./notegate-data"));
        let master_keys = Arc::new(MasterKeys::of(settings, &data_dir));
        if let Err(fault) = logging::check(settings) {
            settings.fault(fault);
        }
        let session_secret = settings.secret("SESSION_SECRET").cloned();
        if session_secret.as_ref().is_some_and(|it| it.expose_secret().len() < SESSION_SECRET_MIN) {
            settings.fault(format!(
                "SESSION_SECRET is shorter than {SESSION_SECRET_MIN} characters: make one with \
                 `openssl rand -base64 32`, or leave it out"
            ));
        }
        let oidc = oidc(settings, site.service_url.as_ref());
        let authorization = authorization(settings);
        let plan = Self {
            oidc,
            authorization,
            bootstrap_admin: settings.text("NOTEGATE_BOOTSTRAP_ADMIN").map(str::to_owned),
            oauth: oauth.filter(|_| !sandbox),
            site,
            tls,
            listen: listen.unwrap_or_else(|| SocketAddr::from(([127, 0, 0, 1], 3000))),
            sandbox_listen: sandbox_listen.filter(|_| sandbox),
            data_dir,
            ready_file: settings.text("NOTEGATE_READY_FILE").map(Into::into),
            base_url,
            tokens,
            database: database.filter(|_| !sandbox),
            notion_version,
            upstream_timeout: seconds(settings, "NOTEGATE_UPSTREAM_TIMEOUT", 0.1..=600.0),
            tree_age_max: seconds(settings, "NOTEGATE_TREE_AGE_MAX", 0.0..=3600.0),
            lookups_per_minute: per_minute(settings, "NOTEGATE_LOOKUPS_PER_MINUTE"),
            rotation_grace: seconds(settings, "NOTEGATE_ROTATION_GRACE", 0.0..=604_800.0),
            strict_ledger: settings.switch("NOTEGATE_LEDGER_STRICT"),
            ledger_retention: retention(settings),
            mirror: mirror(settings),
            ledger_bodies: bodies(settings),
            master_keys,
            webhooks: webhooks(settings),
            session_secret,
            token_passthrough: settings.switch("ENABLE_TOKEN_PASSTHROUGH"),
        };
        match settings.faults() {
            [] => Ok(plan),
            faults => Err(faults.join("; ")),
        }
    }

    pub(crate) fn notion(&self, base_url: String) -> NotionSettings {
        NotionSettings { base_url, timeout: self.upstream_timeout, dice: dice() }
    }
}

/// Where Notion is and how patient to be, for a command that asks it without serving.
pub(crate) fn notion_of(settings: &mut Settings) -> NotionSettings {
    let base_url =
        settings.text("NOTION_BASE_URL").unwrap_or_default().trim_end_matches('/').to_owned();
    check_base_url(settings, &base_url, false);
    if let Some(token) = settings.secret("NOTION_TOKEN").cloned() {
        check_own_token(settings, "NOTION_TOKEN", &token, &base_url);
    }
    let timeout = seconds(settings, "NOTEGATE_UPSTREAM_TIMEOUT", 0.1..=600.0);
    NotionSettings { base_url, timeout, dice: dice() }
}

fn service_url(settings: &mut Settings) -> Option<ServiceUrl> {
    let text = settings.text("SERVICE_URL")?.to_owned();
    match text.parse() {
        Ok(url) => Some(url),
        Err(error) => {
            settings.fault(format!("SERVICE_URL {error}, and is `{text}`"));
            None
        }
    }
}

/// Where Notion sends people back to, on a gate at this address.
pub(super) fn callback_at(service_url: &str) -> String {
    format!("{service_url}{}", web::CALLBACK_PATH)
}

fn oauth(settings: &mut Settings, service_url: Option<&ServiceUrl>) -> Option<OAuthClient> {
    let client_id = settings.text("NOTION_OAUTH_CLIENT_ID").map(|id| id.trim().to_owned());
    if client_id.as_ref().is_some_and(|id| !id.bytes().all(|byte| byte.is_ascii_graphic())) {
        settings
            .fault("NOTION_OAUTH_CLIENT_ID is no id of an OAuth client: copy it as it is shown");
    }
    let given = settings.text("NOTION_OAUTH_REDIRECT_URI").map(str::to_owned);
    if let Some(given) = &given
        && let Err(error) = web::check_redirect_uri(given)
    {
        settings.fault(format!("NOTION_OAUTH_REDIRECT_URI {error}, and is `{given}`"));
    }
    // What is missing is said where groups of settings are checked.
    Some(OAuthClient {
        client_id: client_id?,
        client_secret: settings.secret("NOTION_OAUTH_CLIENT_SECRET")?.clone(),
        redirect_uri: given.or_else(|| Some(callback_at(service_url?.as_str())))?,
    })
}

/// The settings without which nobody can sign in at a provider.
pub(super) const OIDC: [&str; 4] = [
    "NOTEGATE_OIDC_ISSUER",
    "NOTEGATE_OIDC_CLIENT_ID",
    "NOTEGATE_OIDC_CLIENT_SECRET",
    "SERVICE_URL",
];

fn oidc(settings: &mut Settings, service_url: Option<&ServiceUrl>) -> Option<OidcOptions> {
    let text = |name| settings.text(name).map(|text: &str| text.trim().to_owned());
    let (issuer, client_id) = (text(OIDC[0]), text(OIDC[1]));
    let (scopes, groups_claim) = (text("NOTEGATE_OIDC_SCOPES"), text("NOTEGATE_OIDC_GROUPS_CLAIM"));
    if let Some(issuer) = &issuer
        && let Err(error) = gate::check_oidc_url("NOTEGATE_OIDC_ISSUER", issuer)
    {
        settings.fault(error.to_string());
    }
    // What is missing is said where groups of settings are checked.
    let service_url = service_url?.as_str();
    let provider = OidcSettings {
        issuer: issuer?,
        client_id: client_id?,
        client_secret: settings.secret(OIDC[2])?.clone(),
        redirect_uri: format!("{service_url}{}", web::OIDC_CALLBACK_PATH),
        scopes,
    };
    let signed_out_uri = format!("{service_url}{}", web::SIGNED_OUT_PATH);
    Some(OidcOptions { provider, groups_claim, signed_out_uri })
}

fn tls(settings: &mut Settings) -> Option<Tls> {
    let chain = settings.text("NOTEGATE_TLS_CERT")?.to_owned();
    // That it is missing is said where groups of settings are checked.
    let key = settings.text("NOTEGATE_TLS_KEY")?.to_owned();
    let read = || {
        let chain_pem = std::fs::read(&chain)
            .map_err(|error| format!("NOTEGATE_TLS_CERT: {chain}: {error}"))?;
        let key_pem = secret::read_file(Path::new(&key))
            .map_err(|error| format!("NOTEGATE_TLS_KEY: {error}"))?;
        Tls::from_pem(&chain_pem, &key_pem).map_err(|error| {
            format!("NOTEGATE_TLS_CERT ({chain}), NOTEGATE_TLS_KEY ({key}): {error}")
        })
    };
    read().map_err(|fault| settings.fault(fault)).ok()
}

fn webhooks(settings: &mut Settings) -> WebhookSettings {
    WebhookSettings {
        unproven_per_minute: per_minute(settings, "NOTEGATE_WEBHOOK_RATE"),
        signed_per_minute: per_minute(settings, "NOTEGATE_WEBHOOK_SIGNED_RATE"),
        debounce: seconds(settings, "NOTEGATE_WEBHOOK_DEBOUNCE", 0.0..=60.0),
        handler: None,
    }
}

/// The Notion database that mirrors the ledger.
fn mirror(settings: &mut Settings) -> Option<MirrorSettings> {
    let expected = "a whole number, at least 1";
    let per_minute = settings.parse::<std::num::NonZeroU32>("NOTEGATE_AUDIT_MIRROR_RATE", expected);
    let reads = match settings.text("NOTEGATE_AUDIT_MIRROR").unwrap_or("writes") {
        "writes" => false,
        "all" => true,
        other => {
            let fault = format!("NOTEGATE_AUDIT_MIRROR must be writes or all, and is `{other}`");
            settings.fault(fault);
            false
        }
    };
    let text = settings.text("NOTION_AUDIT_DB_ID")?.to_owned();
    let Some(database) = Id::from_pasted(&text) else {
        settings
            .fault(format!("NOTION_AUDIT_DB_ID must be an id or URL of Notion, and is `{text}`"));
        return None;
    };
    Some(MirrorSettings { database, per_minute: per_minute?, reads })
}

/// Whether the bodies of writes are kept.
fn bodies(settings: &mut Settings) -> bool {
    match settings.text("NOTEGATE_LEDGER_BODIES").unwrap_or("none") {
        "none" => false,
        "writes" => true,
        other => {
            let fault = format!("NOTEGATE_LEDGER_BODIES must be none or writes, and is `{other}`");
            settings.fault(fault);
            false
        }
    }
}

/// How long entries are kept; `None` for ever.
fn retention(settings: &mut Settings) -> Option<Duration> {
    settings.text("NOTEGATE_LEDGER_RETENTION_DAYS")?;
    let expected = "a number of days, at least 1";
    let days =
        settings.parse::<std::num::NonZeroU16>("NOTEGATE_LEDGER_RETENTION_DAYS", expected)?;
    Some(Duration::from_secs(u64::from(days.get()) * 24 * 3600))
}

fn per_minute(settings: &mut Settings, name: &'static str) -> u32 {
    let expected = "a whole number, at least 1";
    let number = settings.parse::<std::num::NonZeroU32>(name, expected);
    number.map_or(1, std::num::NonZeroU32::get)
}

fn dice() -> Dice {
    let chance = SystemChance::new();
    Arc::new(move || {
        let mut bytes = [0; 4];
        chance.fill(&mut bytes);
        f64::from(u32::from_le_bytes(bytes)) / (f64::from(u32::MAX) + 1.0)
    })
}

/// The longest that an access token may count.
const ACCESS_TOKEN_LIFE_MAX: u64 = 24 * 3600;

fn authorization(settings: &mut Settings) -> AuthorizationSettings {
    let secret = settings.secret("JWT_SECRET").cloned();
    if secret.as_ref().is_some_and(|it| it.expose_secret().len() < SESSION_SECRET_MIN) {
        settings.fault(format!(
            "JWT_SECRET is shorter than {SESSION_SECRET_MIN} characters: make one with \
             `openssl rand -base64 32`, or leave it out"
        ));
    }
    let expiry = settings.text("JWT_EXPIRY").unwrap_or_default().to_owned();
    let life = gate::parse_duration(&expiry).filter(|it| (60..=ACCESS_TOKEN_LIFE_MAX).contains(it));
    if life.is_none() {
        settings.fault(format!(
            "JWT_EXPIRY must be a minute to a day, as seconds or with s, m, h or d (`15m`), and is `{expiry}`"
        ));
    }
    let documents = settings.switch("NOTEGATE_CLIENT_DOCUMENTS");
    AuthorizationSettings {
        secret,
        access_token_life: Duration::from_secs(life.unwrap_or(60)),
        registration: settings.switch("NOTEGATE_CLIENT_REGISTRATION"),
        documents: documents.then(|| Arc::new(WebDocuments::new()) as Arc<dyn gate::Documents>),
    }
}

fn seconds(
    settings: &mut Settings,
    name: &'static str,
    range: std::ops::RangeInclusive<f64>,
) -> Duration {
    let value = settings.parse::<f64>(name, "a number of seconds").unwrap_or(*range.start());
    if !range.contains(&value) {
        settings.fault(format!(
            "{name} must be {} to {} seconds, and is {value}",
            range.start(),
            range.end()
        ));
        return Duration::ZERO;
    }
    Duration::from_secs_f64(value)
}

/// A token must not travel in clear over a network.
fn check_base_url(settings: &mut Settings, base_url: &str, sandbox: bool) {
    if sandbox {
        return;
    }
    let uri = base_url.parse::<http::Uri>().ok();
    let host = uri.as_ref().and_then(http::Uri::host).unwrap_or_default();
    let here = host == "localhost"
        || host
            .trim_matches(['[', ']'])
            .parse::<std::net::IpAddr>()
            .is_ok_and(|ip| ip.is_loopback());
    let scheme = uri.as_ref().and_then(http::Uri::scheme_str);
    match scheme {
        Some("https") => {}
        Some("http") if here => {}
        Some("http") => settings.fault(format!(
            "NOTION_BASE_URL is `{base_url}`: a token would travel unencrypted; use https"
        )),
        _ => settings.fault(format!("NOTION_BASE_URL must be an https URL, and is `{base_url}`")),
    }
}

/// Settings that make sense only together.
fn check_groups(settings: &mut Settings) {
    let oauth =
        ["NOTION_OAUTH_CLIENT_ID", "NOTION_OAUTH_CLIENT_SECRET", "NOTION_OAUTH_REDIRECT_URI"];
    // The redirect URI follows from the public address.
    let derived = settings.source("SERVICE_URL").is_some();
    let given = settings.source(oauth[2]).is_some();
    for group in [
        if derived && !given { &oauth[..2] } else { &oauth[..] },
        &["NOTEGATE_TLS_CERT", "NOTEGATE_TLS_KEY"],
        // The public address has uses of its own.
        if OIDC[..3].iter().any(|name| settings.source(name).is_some()) { &OIDC[..] } else { &[] },
    ] {
        let Some(set) = group.iter().find(|name| settings.source(name).is_some()) else { continue };
        let missing: Vec<_> = group.iter().filter(|name| settings.source(name).is_none()).collect();
        for name in missing {
            settings.fault(format!("{name} is required with {set}"));
        }
    }
}

/// The tokens that the environment names. A pair counts more than NOTION_TOKEN; half a pair needs it for
/// the other half.
fn own_tokens(settings: &mut Settings, base_url: &str) -> Option<Tokens> {
    let mut token = |name| {
        let token = settings.secret(name).cloned()?;
        check_own_token(settings, name, &token, base_url);
        Some(token)
    };
    let (read, write) = (token("NOTION_READ_TOKEN"), token("NOTION_WRITE_TOKEN"));
    let whole = token("NOTION_TOKEN");
    match (read, write, whole) {
        (Some(access), Some(write), _)
        | (Some(access), None, Some(write))
        | (None, Some(write), Some(access)) => Some(Tokens { access, write: Some(write) }),
        (None, None, whole) => whole.map(|access| Tokens { access, write: None }),
        (Some(_), None, None) => {
            settings.fault(
                "NOTION_WRITE_TOKEN is required with NOTION_READ_TOKEN, unless NOTION_TOKEN is set, \
                 which then writes",
            );
            None
        }
        (None, Some(_), None) => {
            settings.fault(
                "NOTION_READ_TOKEN is required with NOTION_WRITE_TOKEN, unless NOTION_TOKEN is set, \
                 which then reads",
            );
            None
        }
    }
}

fn check_own_token(settings: &mut Settings, name: &str, token: &SecretString, base_url: &str) {
    if let Err(fault) = check_token(name, token) {
        settings.fault(fault);
    } else if gate::is_notions_own(base_url) && secret::is_sandbox_token(token) {
        settings
            .fault(format!("{name} is a token of a sandbox, and NOTION_BASE_URL is Notion's own"));
    }
}

/// What to do where there is no token at all.
pub(super) fn token_required() -> String {
    format!(
        "NOTION_TOKEN is required: create an integration at {TOKEN_URL} and set its token (or name a \
         file with NOTION_TOKEN_FILE); to try notegate without an account, add --sandbox"
    )
}

fn require_token(settings: &mut Settings) {
    // One that could not be read was told already.
    let failed = settings.faults().iter().any(|fault| {
        fault.contains("_TOKEN_FILE")
            || fault.contains("NOTION_READ_TOKEN")
            || fault.contains("NOTION_WRITE_TOKEN")
    });
    if !failed {
        settings.fault(token_required());
    }
}

/// `serve --check`: settings, then the token, then the database.
pub(super) fn check(flags: Flags) -> Done {
    let mut settings = Settings::gather(flags);
    let plan = Plan::make(&mut settings).map_err(|faults| Failure::no(anyhow!(faults)))?;
    let style = Style::of_stdout();
    let good = |text: String| println!("{} {text}", style.green("✓"));
    good("settings".to_owned());
    if plan.master_keys.kind() == KeySourceKind::Command {
        block_on(async { plan.master_keys.read().await.map_err(Failure::no) })?;
        good(format!("master key: from {}", plan.master_keys.shown()));
    }
    if let Some(oidc) = &plan.oidc {
        let provider = OidcProvider::new(oidc.provider.clone());
        let asked = block_on(async {
            provider.metadata(SystemClock.now()).await.map_err(|error| match &error {
                gate::OidcError::Unreachable { .. } => Failure::could_not(error),
                _ => Failure::no(error),
            })
        });
        asked?;
        good(format!("sign-in: the provider {} answers", printable(&oidc.provider.issuer)));
    }
    let (Some(tokens), None) = (&plan.tokens, plan.sandbox_listen) else {
        let why = match (plan.sandbox_listen, &plan.oauth) {
            (Some(_), _) => "sandbox: no token needed",
            (None, Some(_)) => "OAuth: no token needed",
            (None, None) => "no token: the workspaces that are connected already will do",
        };
        good(why.to_owned());
        return Ok(ExitCode::SUCCESS);
    };
    block_on(async {
        let check = TokenCheck::new(plan.notion(plan.base_url.clone()));
        let (bot, writer) = check.bots(tokens).await.map_err(connect_failure)?;
        for (name, bot) in [("token", Some(&bot)), ("token for writes", writer.as_ref())] {
            let Some(bot) = bot else { continue };
            let workspace = bot.workspace_name.as_deref().unwrap_or("(unnamed)");
            good(format!(
                "{name}: bot \"{}\" ({}) in workspace \"{}\"",
                printable(&bot.name),
                bot.id,
                printable(workspace)
            ));
        }
        if let Some(database) = plan.database {
            check.database(&tokens.access, database).await.map_err(connect_failure)?;
            good(format!("database: {database} is reachable"));
        }
        Ok(ExitCode::SUCCESS)
    })
}

/// Whose fault it is that there is no connection, when it is asked as a question.
fn connect_failure(error: TokenError) -> Failure {
    match &error {
        TokenError::Unreachable { .. } => Failure::could_not(error),
        TokenError::Rejected
        | TokenError::Mismatch(_)
        | TokenError::Unexpected { .. }
        | TokenError::DatabaseNotFound(_) => Failure::no(error),
    }
}
