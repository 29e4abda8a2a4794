//! A sequence: a key, its calls to both worlds, and what happens beside them outside its scope.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use fastrand::Rng;
use gate::KeyRequest;
use model::Role;
use notion::{Capabilities, Capability};
use serde_json::{Value, json};

use super::caller::Caller;
use super::calls::{Call, Sent, Way};
use super::compare::{Seen, difference};
use super::drills::Leak;
use super::ruled::{Ruled, SECRET};
use super::scene::{Plan, SEQUENCES_PER_PLAN, target, vendor};
use super::side::Side;

/// Tries to make a failing sequence shorter.
const SHRINKS_MAX: usize = 80;

/// Pages that are read of one search.
const PAGES_MAX: usize = 200;

/// Two products in front of twin worlds.
pub(crate) struct Twins {
    sides: [Side; 2],
    /// Keys that may do everything, for what others do.
    admins: [String; 2],
    plan: Plan,
    plan_seed: Option<u64>,
    ruled: Option<Ruled>,
}

/// Something that happens.
#[derive(Clone, Debug)]
enum Step {
    /// A call of the key.
    Call(Call),
    /// A call of somebody who may see everything, in one of the worlds: it fills what the gate
    /// remembers, and what it makes is nobody's business.
    Others(usize, Call),
    /// The same in both, for its cursor.
    TheirCursor(Call),
    /// A person writes something outside, in one of the worlds.
    Edit(usize, String, Value),
    /// Time passes.
    Wait(u64),
}

/// How a sequence went.
#[derive(Default)]
pub(crate) struct Tally {
    pub(crate) sequences: u64,
    /// By operation: calls, and those that succeeded.
    pub(crate) calls: BTreeMap<&'static str, (u64, u64)>,
}

impl Tally {
    pub(crate) fn add(&mut self, other: &Self) {
        self.sequences += other.sequences;
        for (name, (calls, successes)) in &other.calls {
            let sum = self.calls.entry(name).or_default();
            sum.0 += calls;
            sum.1 += successes;
        }
    }
}

/// Where the two worlds told different stories, or one told of the outside.
pub(crate) struct Failure {
    pub(crate) seed: u64,
    pub(crate) what: String,
    steps: Vec<(usize, Step)>,
    last: String,
}

impl Failure {
    /// Everything that is needed to understand it.
    pub(crate) fn told(&self) -> String {
        let mut text = format!("sequence {}: {}\n\nafter\n", self.seed, self.what);
        for (_, step) in &self.steps {
            let _ = match step {
                Step::Call(call) => writeln!(text, "  {}", shown(call)),
                Step::Others(side, call) => {
                    writeln!(
                        text,
                        "  (in {} only, by another key) {}",
                        ["A", "B"][*side],
                        shown(call)
                    )
                }
                Step::TheirCursor(call) => writeln!(text, "  (by another key) {}", shown(call)),
                Step::Edit(side, path, body) => {
                    writeln!(
                        text,
                        "  (in {} only, by a person) PATCH {path} {body}",
                        ["A", "B"][*side]
                    )
                }
                Step::Wait(seconds) => writeln!(text, "  ({seconds} s pass)"),
            };
        }
        let _ = write!(
            text,
            "\n{}\nagain: cargo xtask fuzz views --sequences 1 --seed {}",
            self.last, self.seed
        );
        text
    }
}

fn shown(call: &Call) -> String {
    let body = call.body.as_ref().map(ToString::to_string).unwrap_or_default();
    let cursor = call.cursor.map(|at| format!(" (cursor of step {at})")).unwrap_or_default();
    format!(
        "{} {} {} [{}, {}]{cursor}",
        call.sent(&[]).method,
        call.path,
        body,
        call.name,
        call.version
    )
}

/// A key, and the cursors that it and others were given, on one side.
struct Hand {
    key: String,
    cursors: Vec<Option<String>>,
}

impl Twins {
    pub(crate) async fn start(ruled: Option<Ruled>) -> Self {
        let sides = [Side::start().await, Side::start().await];
        let everything = || KeyRequest::new("admin", Role::Admin, Vec::new());
        let admins = [sides[0].key(everything()).await, sides[1].key(everything()).await];
        if let Some(ruled) = ruled {
            for side in &sides {
                side.set_policies(&ruled.policies()).await;
            }
        }
        Self { sides, admins, plan: Plan::new(0), plan_seed: None, ruled }
    }

    /// The sequence of this seed; with a leak put into the answers, if one is given.
    pub(crate) async fn run(&mut self, seed: u64, leak: Option<&Leak>) -> Result<Tally, Failure> {
        let plan_seed = seed / SEQUENCES_PER_PLAN;
        if self.plan_seed != Some(plan_seed) {
            self.plan = Plan::new(plan_seed);
            for (number, side) in self.sides.iter().enumerate() {
                let number = u16::try_from(number).expect("0 or 1");
                let world = match &self.ruled {
                    None => self.plan.world(number + 1),
                    Some(ruled) => ruled.world(&self.plan, number + 1),
                };
                side.load(&world).await;
            }
            self.plan_seed = Some(plan_seed);
        }
        let mut hands = self.hands(seed).await;
        let mut caller =
            Caller::new(seed, &self.plan, leak.map_or_else(Vec::new, |leak| leak.asks.clone()));
        let mut tally = Tally { sequences: 1, ..Tally::default() };
        let mut steps: Vec<(usize, Step)> = Vec::new();
        let mut again: Option<Call> = None;
        for number in 0..caller.random.usize(8..20) {
            let step = match again.take() {
                Some(call) => Step::Call(call),
                None => some_step(&mut caller),
            };
            steps.push((number, step.clone()));
            let outcome = self.take(&mut hands, number, &step, leak).await;
            match outcome {
                Ok(None) => {}
                Ok(Some(seen)) => {
                    if let Step::Call(call) = &step {
                        let of = tally.calls.entry(call.name).or_default();
                        of.0 += 1;
                        of.1 += u64::from(seen.status < 300);
                        caller.learn(call, &seen.body);
                    }
                    // What is given a cursor is often read on, by whomever.
                    let (Step::Call(call) | Step::TheirCursor(call)) = &step else { continue };
                    if seen.cursor().is_some() && caller.random.u8(..4) > 0 {
                        // A cursor of the one door may be shown at another.
                        let next = match call.searches() && caller.random.u8(..4) == 0 {
                            true => caller.by_mcp("search"),
                            false => call.clone(),
                        };
                        again = Some(next.going_on(number));
                    }
                }
                Err(told) => {
                    let (what, last) = *told;
                    return Err(Failure { seed, what, steps, last });
                }
            }
        }
        Ok(tally)
    }

    /// The same failure in fewer steps.
    pub(crate) async fn shrink(&self, mut failure: Failure, leak: Option<&Leak>) -> Failure {
        let mut tries = 0;
        let mut at = failure.steps.len().saturating_sub(1);
        while at > 0 && tries < SHRINKS_MAX {
            at -= 1;
            tries += 1;
            let mut fewer = failure.steps.clone();
            fewer.remove(at);
            if let Some((what, last)) = self.replay(failure.seed, &fewer, leak).await {
                failure = Failure { steps: fewer, what, last, ..failure };
            }
        }
        failure
    }

    async fn replay(
        &self,
        seed: u64,
        steps: &[(usize, Step)],
        leak: Option<&Leak>,
    ) -> Option<(String, String)> {
        let mut hands = self.hands(seed).await;
        let (last, before) = steps.split_last()?;
        for (number, step) in before {
            // Another failure than the one that is looked for.
            if self.take(&mut hands, *number, step, leak).await.is_err() {
                return None;
            }
        }
        self.take(&mut hands, last.0, &last.1, leak).await.err().map(|told| *told)
    }

    /// Both worlds as they were, and a new key to each.
    async fn hands(&self, seed: u64) -> [Hand; 2] {
        let mut random = Rng::with_seed(seed);
        let role =
            *random.choice(&[Role::Viewer, Role::Viewer, Role::Editor, Role::Admin]).unwrap();
        let capabilities = (random.u8(..8) == 0).then(|| {
            let all =
                [Capability::ReadContent, Capability::UpdateContent, Capability::InsertContent];
            all.into_iter().collect::<Capabilities>()
        });
        let mut hands = Vec::new();
        for side in &self.sides {
            side.restore().await;
            let request =
                KeyRequest { capabilities, ..KeyRequest::new("key", role, self.within()) };
            hands.push(Hand { key: side.key(request).await, cursors: vec![None; 64] });
        }
        hands.try_into().unwrap_or_else(|_| unreachable!("two sides"))
    }

    fn within(&self) -> Vec<notion::Id> {
        if self.is_open() { Vec::new() } else { self.plan.within() }
    }

    /// Whether the keys see every object.
    fn is_open(&self) -> bool {
        self.ruled.is_some_and(|ruled| ruled.open)
    }

    /// One step in both worlds; what the key saw, or how that differed.
    async fn take(
        &self,
        hands: &mut [Hand; 2],
        number: usize,
        step: &Step,
        leak: Option<&Leak>,
    ) -> Result<Option<Seen>, Box<(String, String)>> {
        match step {
            Step::Wait(seconds) => {
                self.sides.iter().for_each(|side| side.wait(*seconds));
                Ok(None)
            }
            // There is no outside that could differ.
            Step::Edit(..) if self.is_open() => Ok(None),
            Step::Edit(side, path, body) => {
                self.sides[*side].as_human("PATCH", path, body).await;
                Ok(None)
            }
            Step::Others(side, call) => {
                self.sides[*side].call(&self.admins[*side], &call.sent(&[])).await;
                Ok(None)
            }
            Step::TheirCursor(call) => {
                let mut first = None;
                for (at, side) in self.sides.iter().enumerate() {
                    let sent = call.sent(&[]);
                    let seen = Seen::of(&side.call(&self.admins[at], &sent).await, &sent);
                    hands[at].cursors[number] = seen.cursor();
                    first.get_or_insert(seen);
                }
                Ok(first)
            }
            Step::Call(call) => {
                let mut all: Vec<(Seen, Sent)> = Vec::new();
                for (at, hand) in hands.iter_mut().enumerate() {
                    let side = &self.sides[at];
                    let sent = call.sent(&hand.cursors);
                    let whole = match leak {
                        Some(leak) if leak.concerns(call) => {
                            Some(self.whole(at, call, &sent).await)
                        }
                        _ => None,
                    };
                    let mut seen = Seen::of(&side.call(&hand.key, &sent).await, &sent);
                    if self.plan.is_crowded() && call.searches() {
                        read_on(side, &hand.key, call, &mut seen).await;
                    }
                    if let (Some(leak), Some(whole)) = (leak, &whole) {
                        leak.put_into(call, &mut seen, whole);
                    }
                    hand.cursors[number] = seen.cursor();
                    all.push((seen, sent));
                }
                let compared: Vec<Seen> =
                    all.iter().map(|(seen, sent)| seen.comparable(sent)).collect();
                let last = || {
                    let shown = |seen: &Seen| format!("{} {}", seen.status, seen.body);
                    format!("A: {}\nB: {}", shown(&all[0].0), shown(&all[1].0))
                };
                if let Some(difference) = difference(&compared[0], &compared[1]) {
                    let what = format!("the answers differ {difference}");
                    return Err(Box::new((what, last())));
                }
                for ((seen, sent), side) in all.iter().zip(["A", "B"]) {
                    let word = if self.is_open() { SECRET } else { "" };
                    if let Some(canary) = seen.canary(sent, word) {
                        let what = format!("the answer in {side} tells of the outside: …{canary}…");
                        return Err(Box::new((what, last())));
                    }
                    if seen.status >= 500 {
                        let what = format!("the answer in {side} is a failure");
                        return Err(Box::new((what, last())));
                    }
                }
                Ok(all.pop().map(|(seen, _)| seen))
            }
        }
    }
}

impl Twins {
    /// What there is to leak: Notion's own answer; or, of a tool, what it says to somebody who sees everything.
    async fn whole(&self, at: usize, call: &Call, sent: &Sent) -> Seen {
        let reply = match call.way {
            Way::Rest(_) => self.sides[at].direct(sent).await,
            Way::Mcp(..) => self.sides[at].call(&self.admins[at], sent).await,
        };
        Seen::of(&reply, sent)
    }
}

/// The rest of a search, however many pages that takes: where a crowd stands outside, a call cannot look at
/// all of it, and its page is short. What is found in the end is the same.
async fn read_on(side: &Side, key: &str, call: &Call, seen: &mut Seen) {
    seen.listed();
    for _ in 0..PAGES_MAX {
        let Some(cursor) = seen.cursor() else { return };
        let next = call.going_on(0).sent(&[Some(cursor)]);
        let mut further = Seen::of(&side.call(key, &next).await, &next);
        further.listed();
        if let Some(results) = further.body["results"].as_array_mut() {
            let before = seen.body["results"].as_array().cloned().unwrap_or_default();
            results.splice(..0, before);
        }
        *seen = further;
    }
}

fn some_step(caller: &mut Caller<'_>) -> Step {
    let side = caller.random.usize(..2);
    match caller.random.u8(..20) {
        0 => {
            let mut call = caller.call();
            // What others write may be inside; only their reading is nobody's business.
            // (Keeping the result of a view draws an id, which would show in those that come after; and the one
            // that is let go may be the key's.)
            let keeps = |call: &Call| call.name.ends_with("-view-query") || call.name == "query";
            while !call.reads() || keeps(&call) {
                call = caller.call();
            }
            Step::Others(side, call)
        }
        1 => {
            let operation = notion::Operation::named("post-search").unwrap();
            let mut call = caller.by_rest(operation);
            call.body = Some(json!({ "page_size": 2 }));
            Step::TheirCursor(call)
        }
        2 => {
            let id = match caller.random.bool() {
                true => target(caller.random.usize(..6)),
                false => vendor(caller.random.usize(..4)),
            };
            let title = json!([{ "text": { "content": format!("Quartz anew {}", caller.random.u32(..)) } }]);
            Step::Edit(
                side,
                format!("/v1/pages/{id}"),
                json!({ "properties": { "title": { "title": title } } }),
            )
        }
        3 => Step::Wait(caller.random.u64(1..90)),
        _ => Step::Call(caller.call()),
    }
}
