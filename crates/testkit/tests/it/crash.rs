//! The process dies at every step of a refresh, a rotation and a disconnection, on a wire that loses and
//! breaks answers: no installation is lost that Notion lets live, and what is lost is named.
//!
//! The steps are counted, not listed: every write to the store before and after its commit, every request
//! to Notion before it leaves and after its answer is there. The suite runs a few deaths; many:
//! `cargo xtask crash --kills N`.

pub(crate) mod stage;
pub(crate) mod wire;

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use model::ConnectionState;
use testkit::Death;

use stage::{Life, Stage, Tenant, passes};
use wire::{Fate, Fates};

/// Longer than a test.
const GRACE_MS: u64 = 36_000_000;

/// A prime: in steps of it all places are visited, and a few deaths are spread over all of them.
const STRIDE: u64 = 7919;

/// Deaths in each of the tests here; `cargo xtask crash` asks for more.
fn kills(usually: u64) -> u64 {
    let asked = std::env::var("NOTEGATE_TEST_KILLS").ok();
    asked.and_then(|number| number.parse().ok()).unwrap_or(usually)
}

/// What was found, for whoever asks with `--no-capture`.
#[derive(Debug, Default)]
struct Tally(BTreeMap<String, u64>);

impl Tally {
    fn count(&mut self, what: impl Into<String>) {
        *self.0.entry(what.into()).or_default() += 1;
    }

    fn show(&self, title: &str) {
        println!("{title}");
        for (what, count) in &self.0 {
            println!("  {count:>6}  {what}");
        }
    }
}

/// A day on which everything happens that replaces tokens: they run out under many callers, an admin
/// has them refreshed, and those of before are forgotten.
async fn day(life: &Life, stage: &StageView) {
    Stage::expire_tokens(&stage.tenants).await;
    let mut calls = tokio::task::JoinSet::new();
    for _ in 0..4 {
        for tenant in stage.tenants.clone() {
            let life = life.clone();
            calls.spawn(async move { life.call(&tenant).await });
        }
    }
    while let Some(call) = calls.join_next().await {
        call.expect("a call");
    }
    let first = &stage.tenants[0];
    // It may fail, by the wire; what that comes to is looked at afterwards.
    let _ = life.gate.rotate(&life.operator(first), first.bot, None, "rotate").await;
    life.call(first).await;
    stage.clock.advance(Duration::from_secs(3600));
    life.gate.tend_connections().await;
    life.call(first).await;
}

/// What a day needs of the stage.
#[derive(Clone)]
struct StageView {
    tenants: Vec<Tenant>,
    clock: Arc<model::ManualClock>,
}

impl Stage {
    fn view(&self) -> StageView {
        StageView { tenants: self.tenants.clone(), clock: self.clock.clone() }
    }
}

/// Fates by dice: most requests about tokens pass, some get lost, come back in pieces or late.
fn awkward(seed: u64) -> Fates {
    let dice = Mutex::new(fastrand::Rng::with_seed(seed));
    Arc::new(move |path| {
        if !path.starts_with("/v1/oauth/") {
            return Fate::Passes;
        }
        match dice.lock().expect("dice").u8(..10) {
            0 => Fate::NeverArrives,
            1 => Fate::AnswerLost,
            2 => Fate::HalfAnswer,
            3 => Fate::FailsAfterwards,
            4 => Fate::Slow,
            _ => Fate::Passes,
        }
    })
}

/// After a death: everything is taken up, each tenant reaches its own workspace again, and what is lost
/// is named.
fn recover(stage: &Stage, grace: bool, tally: &mut Tally) {
    let view = stage.view();
    let states = stage.live(Arc::new(Death::never()), passes(), async move |life: Life| {
        for _ in 0..5 {
            if life.gate.tend_connections().await {
                break;
            }
        }
        let mut lost = Vec::new();
        for (number, tenant) in view.tenants.iter().enumerate() {
            match life.call(tenant).await {
                200 => {}
                409 => {
                    lost.push(number);
                    let again = life.install(tenant, "").await;
                    assert_eq!(again, tenant.bot, "authorised again, not doubled");
                    assert_eq!(life.call(tenant).await, 200);
                }
                status => panic!("{status} although nothing is wrong any more"),
            }
        }
        let operator = life.operator(&view.tenants[0]);
        let verdict = life.gate.verify_audit(&operator, "verify").await.expect("a verdict").verdict;
        assert!(verdict.intact, "{verdict:?}");
        lost
    });
    let lost = states.expect("nobody died");
    assert!(!grace || lost.is_empty(), "lost, though Notion kept the tokens of before: {lost:?}");
    tally.count(format!("tenants that went on: {}", stage.tenants.len() - lost.len()));
    assert_eq!(stage.leaks(), Vec::<String>::new());
}

/// The states on the disk after a death, in words.
fn expect_named(stage: &Stage, grace: bool, tally: &mut Tally) {
    for tenant in &stage.tenants {
        let (connection, _) = stage.stored(tenant.bot).expect("a connection");
        let reason = connection.state_reason.clone().unwrap_or_default();
        match connection.state {
            ConnectionState::Active => {}
            ConnectionState::Rotating => {
                assert!(["refresh_sent", "refresh_unclear"].contains(&reason.as_str()), "{reason}");
            }
            ConnectionState::NeedsReauthorization => {
                assert!(!grace, "lost in spite of the grace: {reason}");
                assert_eq!(reason, "refresh_lost");
            }
            ConnectionState::Revoked => panic!("revoked: {reason}"),
        }
        tally.count(format!("found on the disk: {} {reason}", connection.state));
    }
}

fn die_again_and_again(grace: bool, awkward_wire: bool, kills: u64, seed: u64) {
    let stage = Stage::new(if grace { GRACE_MS } else { 0 });
    let mut tally = Tally::default();
    let counted = Arc::new(Death::never());
    let view = stage.view();
    let calm = async |life: Life| day(&life, &view).await;
    stage.live(counted.clone(), passes(), calm).expect("nobody died");
    let effects = counted.effects();
    recover(&stage, true, &mut tally);
    let mut died = 0;
    let mut round = 0;
    while died < kills {
        let at = 1 + round * STRIDE % effects;
        round += 1;
        let death = Arc::new(Death::at(at));
        let view = stage.view();
        let fates = if awkward_wire { awkward(seed + round) } else { passes() };
        let lived = stage.live(death.clone(), fates, async |life: Life| day(&life, &view).await);
        if lived.is_none() {
            died += 1;
            tally.count(format!("died {}", kind(&death.place())));
        }
        expect_named(&stage, grace, &mut tally);
        recover(&stage, grace, &mut tally);
    }
    let wire = if awkward_wire { "a wire that loses answers" } else { "a good wire" };
    tally.show(&format!(
        "{died} deaths at {effects} steps, {wire}, Notion {} a pair of before:",
        if grace { "keeps" } else { "ends" }
    ));
}

/// A step without the ids in it.
fn kind(place: &str) -> String {
    let words = place.split('/').map(|part| if part.len() > 30 { "…" } else { part });
    words.collect::<Vec<_>>().join("/")
}

#[test]
fn with_a_grace_no_installation_is_lost_wherever_the_process_dies() {
    die_again_and_again(true, false, kills(30), 1);
}

#[test]
fn with_a_grace_and_a_wire_that_loses_answers_no_installation_is_lost() {
    die_again_and_again(true, true, kills(20), 2);
}

#[test]
fn without_a_grace_what_is_lost_is_named() {
    die_again_and_again(false, false, kills(20), 3);
    die_again_and_again(false, true, kills(10), 4);
}

#[test]
fn a_disconnection_is_finished_wherever_the_process_dies() {
    let stage = Stage::new(0);
    let people = stage.people();
    let tenant = stage.tenants[0].clone();
    let mut tally = Tally::default();
    let effects = Arc::new(AtomicU64::new(u64::MAX));
    let kills = kills(15);
    for round in 0..=kills {
        let counting = round == 0;
        // Another person's installation, so that the tenants' own go on.
        let installed = stage.live(Arc::new(Death::never()), passes(), {
            let (tenant, person) = (tenant.clone(), format!("&_sandbox_user={}", people[1]));
            async move |life: Life| life.install(&tenant, &person).await
        });
        let bot = installed.expect("nobody died");
        assert_ne!(bot, tenant.bot);
        let at =
            if counting { u64::MAX } else { 1 + round * STRIDE % effects.load(Ordering::SeqCst) };
        let death = Arc::new(Death::at(at));
        let fates = if round % 3 == 2 { awkward(round) } else { passes() };
        let lived = stage.live(death.clone(), fates, {
            let tenant = tenant.clone();
            async move |life: Life| {
                let operator = life.operator(&tenant);
                life.gate.disconnect(&operator, bot, "disconnect").await
            }
        });
        if counting {
            effects.store(death.effects(), Ordering::SeqCst);
        }
        if lived.is_none() {
            tally.count(format!("died {}", kind(&death.place())));
        }
        let began = stage.stored(bot).is_some_and(|(it, _)| it.state == ConnectionState::Revoked);
        let view = stage.view();
        stage
            .live(Arc::new(Death::never()), passes(), async move |life: Life| {
                for _ in 0..5 {
                    if life.gate.tend_connections().await {
                        break;
                    }
                }
                if !began {
                    let operator = life.operator(&view.tenants[0]);
                    life.gate.disconnect(&operator, bot, "again").await.expect("an end");
                }
                // The others are as they were.
                for tenant in &view.tenants {
                    assert_eq!(life.call(tenant).await, 200);
                }
            })
            .expect("nobody died");
        let (connection, credentials) = stage.stored(bot).expect("its record");
        assert_eq!((connection.state, credentials), (ConnectionState::Revoked, 0));
        assert!(!stage.has_token(bot), "Notion still takes its token");
        tally.count(if began { "finished at the next start" } else { "not begun" });
        assert_eq!(stage.leaks(), Vec::<String>::new());
    }
    tally.show(&format!("{kills} deaths of a disconnection at {effects:?} steps:"));
}
