//! Non-interference: what is outside a key's scope makes no difference to what its holder reads.
//!
//! Two sandbox worlds that are the same inside a random scope and differ outside it ([`scene`]); the same
//! random calls of a key to both, by REST and MCP, through the whole product ([`calls`], [`side`]); and the answers must
//! be the same bytes, times, request ids and opaque cursors aside ([`compare`]). That the test would see a
//! leak is shown by leaks that are put into the answers ([`drills`]).
//!
//! `cargo xtask fuzz views --sequences N --seed S` goes on for as long as one likes.

mod agent_drills;
mod bodies;
mod caller;
mod calls;
mod compare;
mod drills;
mod rows;
mod ruled;
mod scene;
mod sequence;
mod side;
mod tools;
mod world;

use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use notion::catalogue::{Auth, OPERATIONS};

use drills::Leak;
use sequence::{Failure, Tally, Twins};
use tools::{AGENTS, METHODS, OFFICIALS};

/// Sequences in a usual test run.
const SEQUENCES: u64 = 2000;
/// Sequences after which a drill that nobody noticed has failed.
const DRILL_SEQUENCES: u64 = 600;
/// At the same time, unless told otherwise.
const WORKERS: u64 = 2;
/// Of a thread: calls wait within each other, in large frames where nothing is optimised.
const STACK: usize = 16 << 20;

fn setting(name: &str) -> Option<u64> {
    std::env::var(name).ok().and_then(|text| text.parse().ok())
}

/// Runs `work` on threads of their own, each with twins of its own.
fn with_twins(work: impl Fn(&tokio::runtime::Runtime, &mut Twins) + Sync) {
    with_such_twins(None, work);
}

/// The same, of two worlds that also differ in columns that policies hide and mask, if it is said how.
fn with_such_twins(
    ruled: Option<ruled::Ruled>,
    work: impl Fn(&tokio::runtime::Runtime, &mut Twins) + Sync,
) {
    std::thread::scope(|scope| {
        for _ in 0..setting("NOTEGATE_FUZZ_WORKERS").unwrap_or(WORKERS) {
            let thread = std::thread::Builder::new().stack_size(STACK);
            let started = thread.spawn_scoped(scope, || {
                let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
                let runtime = runtime.expect("a runtime");
                let mut twins = runtime.block_on(Twins::start(ruled));
                work(&runtime, &mut twins);
            });
            started.expect("a thread");
        }
    });
}

#[test]
fn two_worlds_that_differ_outside_the_scope_look_the_same() {
    let sequences = setting("NOTEGATE_FUZZ_SEQUENCES").unwrap_or(SEQUENCES);
    let seed = setting("NOTEGATE_FUZZ_SEED").unwrap_or(0);
    // For whoever mends: go on after a failure, and show this many of them.
    let failures_max = setting("NOTEGATE_FUZZ_FAILURES").unwrap_or(1);
    let begun = Instant::now();
    let (next, sum) = (AtomicU64::new(seed), Mutex::new(Tally::default()));
    let failures: Mutex<Vec<Failure>> = Mutex::default();
    with_twins(|runtime, twins| {
        loop {
            let number = next.fetch_add(1, Ordering::Relaxed);
            let is_over = failures.lock().unwrap().len() as u64 >= failures_max;
            if number >= seed + sequences || is_over {
                return;
            }
            match runtime.block_on(twins.run(number, None)) {
                Ok(tally) => {
                    let mut sum = sum.lock().unwrap();
                    sum.add(&tally);
                    if sum.sequences % 1000 == 0 {
                        println!(
                            "{:>6} s  {} sequences, next seed {number}",
                            begun.elapsed().as_secs(),
                            sum.sequences
                        );
                    }
                }
                Err(failure) => {
                    let failure = runtime.block_on(twins.shrink(failure, None));
                    println!("{}\n{}", failure.told(), "-".repeat(100));
                    failures.lock().unwrap().push(failure);
                }
            }
        }
    });
    let (sum, failures) = (sum.into_inner().unwrap(), failures.into_inner().unwrap());
    let took = begun.elapsed();
    println!("{} sequences in {:.1} s", sum.sequences, took.as_secs_f64());
    for (name, (calls, successes)) in &sum.calls {
        println!("{name:>28}: {calls} calls, {successes} succeeded");
    }
    if let Some(first) = failures.first() {
        panic!("sequence {} (of {} failures): {}", first.seed, failures.len(), first.what);
    }
    if sequences >= SEQUENCES {
        let operations = OPERATIONS.iter().filter(|operation| operation.auth == Auth::Bearer);
        let names = operations.map(|operation| operation.name);
        for name in names.chain([OFFICIALS, AGENTS, METHODS].concat()) {
            let (calls, successes) = sum.calls.get(name).copied().unwrap_or_default();
            assert!(calls > 0, "{name} was never called");
            assert!(
                successes > 0 || NEVER_SUCCEED.contains(&name),
                "{name} never succeeded in {calls} calls"
            );
        }
    }
}

/// What a key with a scope cannot do, or only with what nobody gives it here.
const NEVER_SUCCEED: &[&str] =
    &["complete-file-upload", "create-meeting-notes", "retrieve-async-task"];

#[test]
fn every_kind_of_leak_is_noticed() {
    let leaks = Leak::all();
    let (next, unnoticed) = (AtomicU64::new(0), Mutex::new(Vec::new()));
    with_twins(|runtime, twins| {
        while let Some(leak) = leaks.get(next.fetch_add(1, Ordering::Relaxed) as usize) {
            let noticed = (0..DRILL_SEQUENCES)
                .find(|seed| runtime.block_on(twins.run(*seed, Some(leak))).is_err());
            println!("{}: {noticed:?}", leak.name());
            // It is the leak that was noticed.
            let mended = leak.mended();
            let is_it = noticed
                .is_some_and(|seed| runtime.block_on(twins.run(seed, Some(&mended))).is_ok());
            if !is_it {
                unnoticed.lock().unwrap().push(leak.name());
            }
        }
    });
    assert!(leaks.len() >= 100, "{}", leaks.len());
    let unnoticed = unnoticed.into_inner().unwrap();
    assert!(unnoticed.is_empty(), "nobody noticed: {unnoticed:#?}");
}
