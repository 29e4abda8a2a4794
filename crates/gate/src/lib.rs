//! The gate: the one way to Notion, and everything that looks after it.
//!
//! Every door makes a [`Call`] and hands it to [`Gate::call`], which takes the nine steps: name, aim,
//! locate, decide, spend, intend, act, view, conclude (see `call.rs`, which reads in that order). What
//! notegate itself offers are methods of [`Gate`], one per use case.
//!
//! Deliberately absent: HTTP servers, SQL, the environment. Time, chance, store and master keys come
//! in through [`Options`].

mod access;
mod aim;
mod audit;
mod authorization;
mod background;
mod bearer;
mod bodies;
mod budget;
mod call;
mod capabilities;
mod columns;
mod custody;
mod error;
mod groups;
mod install;
mod keys;
mod listing;
mod locate;
mod meetings;
mod mirror;
mod moves;
mod own_keys;
mod policies;
mod prune;
mod rate;
mod record;
mod recorder;
mod rekey;
mod require;
mod rows;
mod schema;
mod seal;
mod sessions;
mod sight;
mod sign_in;
mod spend;
mod tenants;
mod tree;
mod trim;
mod users;
mod view;
mod view_results;
mod webhooks;
mod workspaces;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use model::{Chance, Clock, ExposeSecret, SecretString};
use notion::Version;
use notion::client::{Client, Settings};
use notion::oauth::{OAuth, OAuthClient};
use store::Store;
use vault::{Keyring, Label, Root, Vault};

pub use access::{
    Above, AccessCounts, AccessItem, AccessKind, AccessLink, AccessProgress, AccessQuery,
    AccessReport, AccessTrace, Asked, Changed, Compared, OnProgress, TraceAnswer, UNTITLED,
    compare, compare_with_ids,
};
pub use audit::{AuditCheck, AuditExport, AuditFilter, AuditPage, verify_at_rest};
pub use authorization::{
    Audience, AuthMethod, AuthorizationRequest, AuthorizationSettings, Choice, Client as McpClient,
    ClientKind, ClientRequest, Document, Documents, GrantOf, KnownClient, NotAnswered, OAuthFault,
    Origin, Registered, Registration, SCOPE_FIRST, SCOPES, TokenAnswer, TokenRequest, WebDocuments,
};
pub use bearer::bearer;
pub use bodies::KeptBody;
pub use budget::{Exhausted, Usage};
pub use call::{Answer, AnswerBody, BODY_MAX, Call, CallBody};
pub use capabilities::{
    CapabilityReport, ConnectionCapabilities, Granted, KeyCapabilities, UsedCapability,
};
pub use custody::{
    Bot, CredentialAge, NotionToken, TokenCheck, TokenError, Tokens, is_notions_own,
};
pub use error::{Error, KeyFault};
pub use groups::GroupMembers;
pub use install::{Callback, Departure, InstallError, Returned, Starter, StateFault};
pub use keys::{KeyRequest, NewKey, parse_duration};
pub use mirror::{MirrorSettings, MirrorStatus};
pub use moves::{MoveEffect, MoveQuery};
pub use oidc::{
    OidcError, Provider as OidcProvider, Settings as OidcSettings, check_url as check_oidc_url,
};
pub use policies::{
    Change, ColumnChange, ExplainRequest, Explained, PolicyChange, Replay, ShownPolicies,
    Suggestion, WhatIf,
};
pub use policy::{
    BUILT_IN as BUILT_IN_POLICIES, Fault as PolicyFault, Outcome, Policies, Refusal,
    schema_text as policy_schema,
};
pub use prune::AuditPruned;
pub use rate::{Limiter, Source};
pub use recorder::EntrySink;
pub use rekey::{
    FixedKeys, KeySource, KeySourceError, KeySourceKind, KeyStatus, Progress, Rotated, VaultStatus,
};
pub use seal::{Cells, SealFault};
pub use sessions::{Purpose, Session, SessionToken};
pub use sign_in::{OidcOptions, SignInError, SignedIn};
pub use store::AuditMade;
pub use store::StoredPolicies;
pub use store::{EventFilter, EventState};
pub use users::{UserChange, UserRequest};
pub use webhooks::{
    Delivery, DeliveryBody, EventHandler, EventWork, Pairing, PairingState, Received, ShownEvent,
    ShownSubscription, WebhookRefusal, WebhookSettings, WorkedEvent,
};
pub use workspaces::{Warning, Workspace};

use crate::budget::Budgets;
use crate::custody::Custody;
use crate::install::{Refusals, States};
use crate::keys::KeyRing;
use crate::locate::LookUps;
use crate::policies::InForce;
use crate::recorder::Recorder;
use crate::rekey::Rekeying;
use crate::sessions::Sessions;
use crate::sign_in::SignIns;
use crate::tenants::Tenants;
use crate::tree::Tree;
use crate::users::Users;
use crate::view::Own;

/// What a gate is made of.
pub struct Options {
    /// What lasts.
    pub store: Arc<dyn Store>,
    /// What opens the secrets in it; the first seals.
    pub keyring: Keyring,
    /// Where the keys come from, for when they change.
    pub key_source: Arc<dyn KeySource>,
    /// What time it is.
    pub clock: Arc<dyn Clock>,
    /// Where randomness comes from.
    pub chance: Arc<dyn Chance>,
    /// Where Notion is, and how patient to be.
    pub notion: Settings,
    /// The app that people install, if notegate is one of Notion's OAuth clients.
    pub oauth: Option<OAuthClient>,
    /// Where people sign in, if anywhere.
    pub oidc: Option<OidcOptions>,
    /// How MCP clients are authorized.
    pub authorization: AuthorizationSettings,
    /// A version that all calls go out with, whatever the caller asked for.
    pub notion_version: Option<Version>,
    /// Whether reads, too, wait until they are in the ledger.
    pub strict_ledger: bool,
    /// How long entries are kept; for ever if not said.
    pub ledger_retention: Option<Duration>,
    /// Whether the bodies of writes are kept, sealed.
    pub ledger_bodies: bool,
    /// Where the ledger is mirrored, if anywhere.
    pub mirror: Option<MirrorSettings>,
    /// How long a place in the tree is believed without asking again.
    pub tree_age_max: Duration,
    /// How often the gate asks Notion in a minute where something stands, on behalf of one key.
    pub lookups_per_minute: u32,
    /// The secret of browser sessions; derived if not given.
    pub session_secret: Option<SecretString>,
    /// How long a credential that was replaced is kept.
    pub rotation_grace: Duration,
    /// How webhooks are taken and worked.
    pub webhooks: WebhookSettings,
    /// Is told every entry once it is in the ledger.
    pub on_entry: EntrySink,
}

impl fmt::Debug for Options {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Options").field("notion", &self.notion).finish_non_exhaustive()
    }
}

/// The gate. A clone is another handle of the same one.
#[derive(Clone)]
pub struct Gate {
    shared: Arc<Shared>,
    notion: Arc<Client>,
}

struct Shared {
    store: Arc<dyn Store>,
    /// Seals what is stored.
    vault: Vault,
    key_source: Arc<dyn KeySource>,
    rekeying: Rekeying,
    /// Seals what is given out to come back soon.
    cursors: Vault,
    /// Everything derived comes from it.
    root: Root,
    clock: Arc<dyn Clock>,
    chance: Arc<dyn Chance>,
    oauth: Option<OAuthClient>,
    /// Where work goes on when the caller has gone: the runtime on which the gate was opened, and the
    /// connections to Notion that live on it.
    home: tokio::runtime::Handle,
    home_notion: Arc<Client>,
    rotation_grace: Duration,
    notion_version: Option<Version>,
    strict_ledger: bool,
    ledger_retention: Option<Duration>,
    keeps_bodies: bool,
    mirror: mirror::Mirror,
    /// Held while entries are dropped from the ledger.
    pruning: tokio::sync::Mutex<()>,
    keys: KeyRing,
    custody: Custody,
    tenants: Tenants,
    users: Users,
    budgets: Budgets,
    tree: Tree,
    own: Own,
    look_ups: LookUps,
    columns: columns::Memory,
    access_audits: access::Audits,
    sessions: Sessions,
    states: States,
    refused_callbacks: Refusals,
    sign_ins: Option<SignIns>,
    authorization: authorization::Authorization,
    recorder: Recorder,
    policies: InForce,
    webhooks: webhooks::Webhooks,
}

/// Why a gate does not open.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The store does not give what is needed.
    #[error(transparent)]
    Store(#[from] store::StoreError),
    /// The master keys do not open what is sealed.
    #[error(transparent)]
    Sealed(#[from] SealFault),
}

impl Gate {
    /// Opens the gate on a store: checks the master key, reads keys and connections into memory,
    /// takes up the ledger and closes what a crash left open in it.
    pub async fn open(options: Options) -> Result<Self, OpenError> {
        let Options { store, keyring, clock, chance, notion, .. } = options;
        let (vault, root) = seal::open(&*store, keyring, chance.clone()).await?;
        let signer = ledger::Signer::from_seed(&root.derive(Label::LedgerSigning));
        let recorder =
            Recorder::start(store.clone(), signer, options.on_entry, clock.now()).await?;
        recorder.close_interrupted(&*store, clock.now()).await?;
        let derived = root.derive(Label::Sessions);
        let notion = Arc::new(Client::new(notion));
        webhooks::record_missing(&*store, &recorder).await?;
        let mirror = mirror::Mirror::load(&*store, options.mirror).await?;
        let shared = Shared {
            keys: KeyRing::load(&*store, &root).await?,
            custody: Custody::load(&*store).await?,
            tenants: Tenants::load(&*store, clock.now()).await?,
            users: Users::load(&*store).await?,
            budgets: Budgets::load(store.clone(), clock.now()).await?,
            tree: Tree::new(options.tree_age_max),
            own: Own::new(),
            look_ups: LookUps::new(options.lookups_per_minute),
            columns: columns::Memory::new(options.tree_age_max),
            access_audits: access::Audits::default(),
            sessions: Sessions::new(match &options.session_secret {
                Some(secret) => secret.expose_secret().as_bytes(),
                None => &*derived,
            }),
            states: States::new(chance.clone()),
            refused_callbacks: Refusals::default(),
            sign_ins: options.oidc.map(|oidc| SignIns::new(oidc, States::new(chance.clone()))),
            authorization: authorization::Authorization::load(
                &*store,
                &root,
                options.authorization,
            )
            .await?,
            recorder,
            policies: InForce::load(&*store).await?,
            webhooks: webhooks::Webhooks::load(&*store, options.webhooks).await?,
            store,
            vault,
            key_source: options.key_source,
            rekeying: Rekeying::default(),
            cursors: root.vault(Label::Cursors, chance.clone()),
            root,
            clock,
            chance,
            oauth: options.oauth,
            home: tokio::runtime::Handle::current(),
            home_notion: notion.clone(),
            rotation_grace: options.rotation_grace,
            notion_version: options.notion_version,
            strict_ledger: options.strict_ledger,
            ledger_retention: options.ledger_retention,
            keeps_bodies: options.ledger_bodies,
            mirror,
            pruning: tokio::sync::Mutex::new(()),
        };
        let gate = Self { shared: Arc::new(shared), notion };
        gate.reseal_legacy().await?;
        gate.put_damaged_out_of_use().await;
        Ok(gate)
    }

    /// The same gate with a pool of connections of its own, for another runtime.
    pub fn for_this_runtime(&self) -> Self {
        Self {
            shared: self.shared.clone(),
            notion: Client::new(self.notion.settings().clone()).into(),
        }
    }

    /// The same gate on the runtime on which it was opened.
    fn at_home(&self) -> Self {
        Self { shared: self.shared.clone(), notion: self.shared.home_notion.clone() }
    }

    /// The clock that the gate goes by.
    pub fn clock(&self) -> &dyn Clock {
        &*self.shared.clock
    }

    /// The OAuth requests of the app that people install, if there is one.
    pub fn oauth(&self) -> Option<OAuth<'_>> {
        self.shared.oauth.as_ref().map(|app| OAuth::new(&self.notion, app))
    }

    /// Whether the gate can do its work now: the ledger takes entries, and calls go out.
    pub fn readiness(&self) -> Readiness {
        let all = self.shared.custody.all();
        let usable = |held: &Arc<custody::Held>| held.current().connection.state.is_usable();
        Readiness {
            ledger: self.shared.recorder.is_healthy(),
            connection: (!all.is_empty()).then(|| all.iter().any(usable)),
        }
    }

    /// Writes what is left to write; `false` if the ledger cannot be written. The gate takes no calls
    /// afterwards.
    pub async fn close(&self) -> bool {
        self.all_landed().await;
        self.shared.budgets.close(|id| self.shared.keys.find(id)).await;
        self.shared.recorder.close().await
    }

    /// A new id for a request: a UUID of version 4.
    pub fn new_request_id(&self) -> String {
        let mut bytes = [0; 16];
        self.shared.chance.fill(&mut bytes);
        uuid::Builder::from_random_bytes(bytes).into_uuid().to_string()
    }

    /// A key of its own for `label`, from the installation's root secret.
    pub fn hmac_key(&self, label: Label) -> aws_lc_rs::hmac::Key {
        self.shared.root.hmac_key(label)
    }

    /// Whether a caller may manage its tenant.
    pub fn is_manager(&self, principal: &model::Principal) -> bool {
        self.operator_of(principal).is_ok()
    }
}

impl fmt::Debug for Gate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Gate")
    }
}

/// Does work to its end even if whoever waits for it goes away: what is in the store, in memory and
/// in the ledger must not part.
pub(crate) async fn to_its_end<T: Send + 'static>(
    work: impl Future<Output = T> + Send + 'static,
) -> T {
    match tokio::spawn(work).await {
        Ok(done) => done,
        Err(error) => match error.try_into_panic() {
            Ok(panic) => std::panic::resume_unwind(panic),
            // The runtime ends, and whoever waits with it.
            Err(_) => std::future::pending().await,
        },
    }
}

/// Whether the gate can do its work.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Readiness {
    /// The ledger takes entries.
    pub ledger: bool,
    /// Some connection is in use; `None` while there is none to be.
    pub connection: Option<bool>,
}

impl Readiness {
    /// Whether requests can be taken. A gate whose connections are all out of use takes them, too:
    /// otherwise nobody could reach it to connect one.
    pub fn takes_requests(self) -> bool {
        self.ledger
    }

    /// Whether calls to Notion can be made.
    pub fn makes_calls(self) -> bool {
        self.ledger && self.connection == Some(true)
    }
}
