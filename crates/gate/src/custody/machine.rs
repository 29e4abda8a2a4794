//! A refresh as a state machine. Pure: the driver (`refresh.rs`) takes the steps and tells what came of
//! them.
//!
//! A refresh replaces both tokens of a pair, and Notion may end the old pair at once. So, whatever
//! moment the process dies in, the pair on the disk is the current one or the one before it, and the
//! disk says when it may be the one before:
//!
//! ```text
//! idle ── `sent` is noted ── asked ──▶ a new pair: current and previous change in one commit ──▶ idle
//!                              │─────▶ surely not done ──▶ idle
//!                              └─────▶ maybe done, or the process died ──▶ unclear
//! unclear: 1. does the old access token work?
//!             yes: 2. is the old refresh token good still?  no ──▶ idle, with the old pair
//!             no:  3. it is tried (so is one that is good): a new pair, or the connection is lost
//!          no answer to any of these ──▶ unclear still, again later
//! ```
//!
//! A refresh token of which Notion says that it is spent is not shown again while the access token
//! works: a service may take that for theft and end the whole installation (RFC 9700, 4.14.2).

/// What the disk says of a refresh.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Phase {
    /// There is none.
    Idle,
    /// The refresh token is about to be sent.
    Sent,
    /// It was sent, and what came of it is not known.
    Unclear,
}

/// What is to be done next.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Step {
    /// Note this phase, durably.
    Note(Phase),
    /// Send the refresh token.
    Send,
    /// Ask Notion whether the access token works.
    Probe,
    /// Ask Notion whether the refresh token is good, without using it.
    Introspect,
    /// Put the new pair in place of the old, keep the old as previous, and note [`Phase::Idle`]: in
    /// one commit.
    Switch,
    /// Note that the connection must be authorised again, and why.
    NoteLoss(Loss),
    /// Nothing: it is over.
    End(Ending),
}

/// What came of a step.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Event {
    /// A note or the switch is on the disk.
    Noted,
    /// It could not be written.
    NotNoted,
    /// Sending gave a new pair of the same bot.
    Pair,
    /// Sending gave a pair of another bot or workspace.
    ForeignPair,
    /// Sending: the refresh token is no good. Nothing was done.
    InvalidGrant,
    /// Sending: surely nothing was done.
    NotDone,
    /// Sending: it may have been done.
    MaybeDone,
    /// Probing: the access token works.
    Alive,
    /// Probing: it does not.
    Dead,
    /// Introspecting: the refresh token is good.
    Good,
    /// Introspecting: it is not.
    Spent,
    /// Probing, introspecting: no answer.
    NoAnswer,
}

/// Why a connection must be authorised again.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Loss {
    /// Notion replaced the pair, and the new one never arrived.
    Lost,
    /// Notion takes neither token any more, and no refresh was under way.
    Refused,
    /// Notion gave somebody else's pair.
    Mismatch,
}

impl Loss {
    /// The word for it.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Lost => "refresh_lost",
            Self::Refused => "refresh_refused",
            Self::Mismatch => "refresh_mismatch",
        }
    }
}

/// How it is over.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Ending {
    /// There is a new pair.
    Refreshed,
    /// Nothing was done, and the old pair is in use: perhaps later.
    NotDone,
    /// The refresh token is no good, but the access token works: the old pair is in use.
    Kept,
    /// The connection must be authorised again.
    Lost(Loss),
    /// What Notion did is not known: again later.
    Unclear,
}

/// A refresh that is under way.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Refresh {
    /// `sent` is being noted.
    Opening,
    /// The refresh token is being sent. In doubt, it was sent before, and it is known whether the
    /// access token works.
    Sending(Option<Access>),
    /// `unclear` is being noted.
    Doubting,
    /// The access token is being tried, and if it is dead, this is why.
    Probing(Loss),
    /// The refresh token is being asked about.
    Introspecting,
    /// The new pair is being written.
    Switching,
    /// `idle` is being noted.
    Closing(Ending),
    /// The loss is being noted.
    Losing(Loss),
    /// It is over.
    Over(Ending),
}

/// Whether the old access token works.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Access {
    /// It does.
    Works,
    /// It does not.
    Dead,
}

impl Refresh {
    /// Begins one, or takes up the one of which the disk tells.
    pub(crate) fn begin(disk: Phase) -> Self {
        match disk {
            Phase::Idle => Self::Opening,
            // The process died while it was under way: nobody knows how it went.
            Phase::Sent => Self::Doubting,
            Phase::Unclear => Self::Probing(Loss::Lost),
        }
    }

    /// What is to be done.
    pub(crate) fn step(self) -> Step {
        match self {
            Self::Opening => Step::Note(Phase::Sent),
            Self::Sending(_) => Step::Send,
            Self::Doubting => Step::Note(Phase::Unclear),
            Self::Probing(_) => Step::Probe,
            Self::Introspecting => Step::Introspect,
            Self::Switching => Step::Switch,
            Self::Closing(_) => Step::Note(Phase::Idle),
            Self::Losing(loss) => Step::NoteLoss(loss),
            Self::Over(ending) => Step::End(ending),
        }
    }

    /// Where it stands after what came of the step.
    pub(crate) fn after(self, event: Event) -> Self {
        use Ending::{Kept, Lost, NotDone, Refreshed, Unclear};
        match (self, event) {
            (Self::Opening, Event::Noted) => Self::Sending(None),
            // What is not noted is not begun.
            (Self::Opening, _) => Self::Over(NotDone),

            (Self::Sending(_), Event::Pair) => Self::Switching,
            (Self::Sending(None), Event::NotDone) => Self::Closing(NotDone),
            (Self::Sending(None), Event::InvalidGrant) => Self::Probing(Loss::Refused),
            (Self::Sending(None), Event::ForeignPair) => Self::Probing(Loss::Mismatch),
            (Self::Sending(None), _) => Self::Doubting,
            (Self::Sending(Some(Access::Works)), Event::InvalidGrant | Event::ForeignPair) => {
                Self::Closing(Kept)
            }
            (Self::Sending(Some(Access::Dead)), Event::InvalidGrant) => Self::Losing(Loss::Lost),
            (Self::Sending(Some(Access::Dead)), Event::ForeignPair) => Self::Losing(Loss::Mismatch),

            // If it cannot be noted the disk says `sent`, which is taken for the same.
            (Self::Doubting, _) => Self::Probing(Loss::Lost),

            (Self::Probing(Loss::Lost), Event::Alive) => Self::Introspecting,
            (Self::Probing(Loss::Lost), Event::Dead) => Self::Sending(Some(Access::Dead)),
            (Self::Probing(_), Event::Alive) => Self::Closing(Kept),
            (Self::Probing(loss), Event::Dead) => Self::Losing(loss),
            (Self::Probing(Loss::Refused), _) => Self::Closing(NotDone),

            (Self::Introspecting, Event::Good) => Self::Sending(Some(Access::Works)),
            (Self::Introspecting, Event::Spent) => Self::Closing(Kept),

            (Self::Switching, Event::Noted) => Self::Over(Refreshed),
            // The only copy of the new pair is in memory: it is written as soon as it can be.
            (Self::Switching, _) => Self::Switching,
            (Self::Closing(ending), Event::Noted) => Self::Over(ending),
            (Self::Losing(loss), Event::Noted) => Self::Over(Lost(loss)),
            (Self::Over(ending), _) => Self::Over(ending),

            // No answer, none that fits, or the disk does not say that it is over: so it is not.
            (
                Self::Sending(Some(_))
                | Self::Probing(_)
                | Self::Introspecting
                | Self::Closing(_)
                | Self::Losing(_),
                _,
            ) => Self::Over(Unclear),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::collection::vec;
    use proptest::prelude::*;

    use super::*;

    /// Generations of tokens, counted up at each refresh that Notion does.
    type Generation = u32;

    /// Notion, as far as one pair of tokens goes.
    #[derive(Clone, Copy, Debug)]
    struct Notion {
        current: Generation,
        /// The generation before is good, too, and its refresh token gives the current pair.
        grace: bool,
        removed: bool,
    }

    impl Notion {
        fn knows(self, token: Generation) -> bool {
            !self.removed && (token == self.current || self.grace && token + 1 == self.current)
        }

        fn refresh(&mut self, token: Generation) -> Option<Generation> {
            if !self.knows(token) {
                return None;
            }
            if token == self.current {
                self.current += 1;
            }
            Some(self.current)
        }
    }

    #[derive(Clone, Copy, Debug)]
    struct Disk {
        phase: Phase,
        pair: Generation,
        lost: Option<Loss>,
    }

    /// What goes wrong in one step.
    #[derive(Clone, Copy, Debug)]
    enum Luck {
        Good,
        /// The request does not arrive, the disk does not take the note.
        Before,
        /// It is done, and nobody learns of it.
        After,
        /// Notion has something else to do (only for requests).
        Busy,
        /// The process dies before the step.
        DiesBefore,
        /// The process dies after it.
        DiesAfter,
        /// Somebody wants a refresh, while one is perhaps under way.
        Wanted,
        /// The person removes the app.
        Removed,
        /// Its time of grace ends.
        GraceEnds,
    }

    fn luck() -> impl Strategy<Value = Luck> {
        prop_oneof![
            12 => Just(Luck::Good),
            2 => Just(Luck::Before),
            3 => Just(Luck::After),
            1 => Just(Luck::Busy),
            2 => Just(Luck::DiesBefore),
            3 => Just(Luck::DiesAfter),
            3 => Just(Luck::Wanted),
            1 => Just(Luck::Removed),
            1 => Just(Luck::GraceEnds),
        ]
    }

    #[derive(Debug)]
    struct World {
        notion: Notion,
        disk: Disk,
        /// What the process knows; a crash forgets it.
        running: Option<Refresh>,
        received: Option<Generation>,
        grace_ended: bool,
        has_sent_unnoted: bool,
    }

    impl World {
        fn new(grace: bool) -> Self {
            Self {
                notion: Notion { current: 0, grace, removed: false },
                disk: Disk { phase: Phase::Idle, pair: 0, lost: None },
                running: None,
                received: None,
                grace_ended: false,
                has_sent_unnoted: false,
            }
        }

        fn dies(&mut self) {
            self.running = None;
            self.received = None;
        }

        fn goes_on(&mut self, luck: Luck) {
            match luck {
                Luck::DiesBefore => return self.dies(),
                Luck::Removed => self.notion.removed = true,
                Luck::GraceEnds => {
                    self.grace_ended |= self.notion.grace;
                    self.notion.grace = false;
                }
                _ => {}
            }
            if self.running.is_none() {
                if self.disk.lost.is_some() {
                    return;
                }
                self.running = Some(Refresh::begin(self.disk.phase));
            }
            let Some(running) = self.running else { return };
            let event = self.takes(running.step(), luck);
            self.running = match running.after(event) {
                Refresh::Over(_) => {
                    let held = self.received.take();
                    assert!(
                        held.is_none_or(|pair| pair == self.disk.pair),
                        "{self:?} dropped {held:?}"
                    );
                    None
                }
                going_on => Some(going_on),
            };
            if matches!(luck, Luck::DiesAfter) {
                self.dies();
            }
        }

        fn takes(&mut self, step: Step, luck: Luck) -> Event {
            let notes = |disk: &mut Disk, change: &dyn Fn(&mut Disk)| {
                if matches!(luck, Luck::Before | Luck::Busy) {
                    return Event::NotNoted;
                }
                change(disk);
                if matches!(luck, Luck::After) { Event::NotNoted } else { Event::Noted }
            };
            match step {
                Step::Note(phase) => notes(&mut self.disk, &|disk| disk.phase = phase),
                Step::NoteLoss(loss) => notes(&mut self.disk, &|disk| disk.lost = Some(loss)),
                Step::Switch => {
                    let pair = self.received.expect("a switch has a pair");
                    notes(&mut self.disk, &|disk| {
                        *disk = Disk { phase: Phase::Idle, pair, lost: None };
                    })
                }
                Step::Send => {
                    self.has_sent_unnoted |= self.disk.phase == Phase::Idle;
                    match luck {
                        Luck::Before => return Event::MaybeDone,
                        Luck::Busy => return Event::NotDone,
                        _ => {}
                    }
                    let pair = self.notion.refresh(self.disk.pair);
                    if matches!(luck, Luck::After) {
                        return Event::MaybeDone;
                    }
                    self.received = pair;
                    if pair.is_some() { Event::Pair } else { Event::InvalidGrant }
                }
                Step::Probe | Step::Introspect
                    if matches!(luck, Luck::Before | Luck::After | Luck::Busy) =>
                {
                    Event::NoAnswer
                }
                Step::Probe if self.notion.knows(self.disk.pair) => Event::Alive,
                Step::Probe => Event::Dead,
                Step::Introspect if self.notion.knows(self.disk.pair) => Event::Good,
                Step::Introspect => Event::Spent,
                Step::End(ending) => unreachable!("{ending:?} is not a step to take"),
            }
        }

        fn check(&self) {
            let Self { notion, disk, .. } = self;
            // Either the old or the new token is known: the disk is never two steps behind.
            assert!(disk.pair <= notion.current && notion.current <= disk.pair + 1, "{self:?}");
            // If it is one behind, the disk says so: as doubt, as a loss, or as a pair that is kept.
            let is_behind = disk.pair < notion.current;
            if is_behind && disk.phase == Phase::Idle && disk.lost.is_none() {
                assert!(self.grace_ended || notion.removed, "{self:?}");
            }
            assert!(!self.has_sent_unnoted, "sent before it was noted: {self:?}");
            match disk.lost {
                Some(Loss::Lost) => assert!(is_behind || notion.removed, "{self:?}"),
                Some(Loss::Refused) => {
                    assert!(notion.removed || self.grace_ended && is_behind, "{self:?}");
                }
                Some(Loss::Mismatch) => panic!("{self:?}"),
                None => {}
            }
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(600))]

        #[test]
        fn the_old_or_the_new_token_is_known_whatever_happens(
            grace in any::<bool>(),
            all in vec(luck(), 1..80),
        ) {
            let mut world = World::new(grace);
            for luck in all {
                world.goes_on(luck);
                world.check();
            }
            // Peace at last: whatever was unclear becomes clear.
            for _ in 0..20 {
                world.goes_on(Luck::Good);
                world.check();
            }
            world.dies();
            let Notion { current, removed, .. } = world.notion;
            if removed {
                prop_assert!(world.disk.lost.is_some(), "{world:?}");
            } else if grace && !world.grace_ended {
                prop_assert!(world.disk.lost.is_none(), "lost in spite of the grace: {world:?}");
                prop_assert!(world.notion.knows(world.disk.pair), "{world:?}");
            } else if world.disk.lost.is_none() {
                prop_assert!(world.disk.pair + 1 >= current, "{world:?}");
            }
        }

        #[test]
        fn events_that_do_not_fit_lose_nothing(
            disk in prop_oneof![Just(Phase::Idle), Just(Phase::Sent), Just(Phase::Unclear)],
            events in vec(0_usize..12, 0..40),
        ) {
            use Event::*;
            const ALL: [Event; 12] = [
                Noted, NotNoted, Pair, ForeignPair, InvalidGrant, NotDone, MaybeDone, Alive, Dead,
                Good, Spent, NoAnswer,
            ];
            let (mut refresh, mut seen) = (Refresh::begin(disk), Vec::new());
            for event in events {
                let step = refresh.step();
                refresh = refresh.after(ALL[event]);
                seen.push((step, ALL[event]));
            }
            let had = |step, event| seen.contains(&(step, event));
            if let Refresh::Losing(_) = refresh {
                prop_assert!(had(Step::Probe, Dead), "{seen:?}");
                prop_assert!(had(Step::Send, InvalidGrant) || had(Step::Send, ForeignPair), "{seen:?}");
            }
            if refresh == Refresh::Switching || refresh == Refresh::Over(Ending::Refreshed) {
                prop_assert!(had(Step::Send, Pair), "{seen:?}");
            }
        }
    }
}
