//! Whether a peer is in contact, and what of that is reported: pure.

use std::{collections::VecDeque, time::Duration};

use tokio::time::Instant;

use super::event::OfflineReason;

/// More losses than this within a minute are flapping.
const LOSSES: usize = 5;
const WITHIN: Duration = Duration::from_secs(60);

/// A peer that flaps is reported as online after so long in contact.
const SETTLES: Duration = Duration::from_secs(10);

/// So often in a row a connection may give way to another, which is on its way, and be no loss.
const REPLACED: u32 = 3;

const FIRST_PAUSE: Duration = Duration::from_millis(500);
const LONGEST_PAUSE: Duration = Duration::from_secs(60);

/// What is to be reported. Each is another than the one before.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Change {
    Online { flapped: u32 },
    Offline { reason: OfflineReason, flapped: u32 },
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
enum State {
    /// Nothing was reported yet.
    #[default]
    Unknown,
    Offline,
    /// In contact, and reported as offline until then.
    Settling {
        until: Instant,
    },
    Online,
}

/// One peer's.
#[derive(Debug, Default)]
pub(super) struct Contact {
    state: State,
    /// When it was lost, the last times.
    losses: VecDeque<Instant>,
    flapped: u32,
    /// Whether a refusal was reported since it was reported as online last.
    refusal: bool,
    /// Attempts since it was reached last.
    attempts: u32,
    /// Since when it is in contact.
    since: Option<Instant>,
    /// How often a connection gave way to another of the same two, none of which lasted.
    replaced: u32,
    /// When to dial next; `None` while it is in contact, or a dial is on its way.
    pub(super) dial_at: Option<Instant>,
}

impl Contact {
    pub(super) fn new(now: Instant) -> Self {
        Self { dial_at: Some(now), ..Self::default() }
    }

    /// It is in contact.
    pub(super) fn up(&mut self, now: Instant) -> Option<Change> {
        (self.attempts, self.dial_at, self.since) = (0, None, Some(now));
        if matches!(self.state, State::Online | State::Settling { .. }) {
            return None;
        }
        self.forget_old(now);
        if self.losses.len() > LOSSES {
            self.state = State::Settling { until: now + SETTLES };
            return None;
        }
        Some(self.settled())
    }

    fn settled(&mut self) -> Change {
        (self.state, self.refusal) = (State::Online, false);
        Change::Online { flapped: std::mem::take(&mut self.flapped) }
    }

    /// It is not, or was not reached. `jitter`: below 1.
    pub(super) fn down(&mut self, now: Instant, reason: OfflineReason, jitter: f64) -> Option<Change> {
        (self.since, self.replaced) = (None, 0);
        self.pause(now, jitter);
        match std::mem::replace(&mut self.state, State::Offline) {
            State::Unknown => {}
            // It was lost, or not reached, and now it is known what keeps the two apart.
            State::Offline if reason.is_refusal() && !self.refusal => {}
            State::Offline => return None,
            State::Settling { .. } => {
                self.lose(now);
                self.flapped = self.flapped.saturating_add(1);
                return None;
            }
            State::Online => self.lose(now),
        }
        self.refusal |= reason.is_refusal();
        Some(Change::Offline { reason, flapped: std::mem::take(&mut self.flapped) })
    }

    fn lose(&mut self, now: Instant) {
        self.losses.push_back(now);
        if self.losses.len() > LOSSES + 1 {
            self.losses.pop_front();
        }
    }

    fn forget_old(&mut self, now: Instant) {
        while self.losses.front().is_some_and(|lost| now.saturating_duration_since(*lost) > WITHIN) {
            self.losses.pop_front();
        }
    }

    /// The next dial: after a second at most, then after twice as long each time.
    fn pause(&mut self, now: Instant, jitter: f64) {
        let longest = FIRST_PAUSE.saturating_mul(1 << self.attempts.min(10)).min(LONGEST_PAUSE);
        self.attempts = self.attempts.saturating_add(1);
        self.dial_at = Some(now + longest.mul_f64(0.5 + jitter / 2.0));
    }

    /// It has no session, and was not lost, as there is another connection: it is dialled soon. Where that happens again and again two programs have one key, and each ends the other's: then more and
    /// more seldom, so that each has time for what it has to say; and that is a loss.
    pub(super) fn redial(&mut self, now: Instant, jitter: f64) -> Option<Change> {
        if self.since.take().is_some_and(|since| now.saturating_duration_since(since) > WITHIN) {
            self.replaced = 0;
        }
        let pause = FIRST_PAUSE.saturating_mul(1 << self.replaced.min(10)).min(LONGEST_PAUSE);
        let replaced = self.replaced.saturating_add(1);
        let change = if replaced > REPLACED { self.down(now, OfflineReason::Closed, jitter) } else { None };
        (self.replaced, self.dial_at) = (replaced, Some(now + pause.mul_f64(1.0 + jitter / 2.0)));
        change
    }

    /// It may be reachable again: no pause any more.
    pub(super) fn hint(&mut self, now: Instant) {
        self.attempts = 0;
        self.dial_at = self.dial_at.map(|_| now);
    }

    /// Time passed.
    pub(super) fn tick(&mut self, now: Instant) -> Option<Change> {
        match self.state {
            State::Settling { until } if now >= until => Some(self.settled()),
            _ => None,
        }
    }

    pub(super) fn deadline(&self) -> Option<Instant> {
        let settles = match self.state {
            State::Settling { until } => Some(until),
            _ => None,
        };
        [settles, self.dial_at].into_iter().flatten().min()
    }

    /// Whether it has been in contact for so long.
    pub(super) fn lasts(&self, now: Instant, long: Duration) -> bool {
        self.since.is_some_and(|since| now.saturating_duration_since(since) > long)
    }

    pub(super) fn is_online(&self) -> bool {
        self.state == State::Online
    }
}

/// Numbers from a seed, for jitter (`SplitMix64`; Steele et al., 2014).
#[derive(Debug)]
pub(super) struct Jitter(u64);

impl Jitter {
    pub(super) fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// From 0 up to 1.
    pub(super) fn next(&mut self) -> f64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^= mixed >> 31;
        let high = u32::try_from(mixed >> 32).unwrap_or(u32::MAX);
        f64::from(high) / (f64::from(u32::MAX) + 1.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: u64) -> Instant {
        static BEGIN: std::sync::OnceLock<Instant> = std::sync::OnceLock::new();
        *BEGIN.get_or_init(Instant::now) + Duration::from_secs(seconds)
    }

    #[test]
    fn each_change_is_reported_once() {
        let mut contact = Contact::new(at(0));
        let offline = |reason| Some(Change::Offline { reason, flapped: 0 });
        assert_eq!(contact.down(at(1), OfflineReason::Unreachable, 0.0), offline(OfflineReason::Unreachable));
        assert_eq!(contact.down(at(2), OfflineReason::Unreachable, 0.0), None);
        assert_eq!(contact.up(at(3)), Some(Change::Online { flapped: 0 }));
        assert_eq!(contact.up(at(3)), None);
        assert_eq!(contact.down(at(9), OfflineReason::TimedOut, 0.0), offline(OfflineReason::TimedOut));
        assert_eq!(contact.down(at(9), OfflineReason::Closed, 0.0), None);
    }

    #[test]
    fn one_that_was_not_reached_and_refuses_then_is_reported_once_more() {
        let mut contact = Contact::new(at(0));
        let version = |theirs| OfflineReason::Version { ours: 1..=1, theirs };
        let offline = |reason| Some(Change::Offline { reason, flapped: 0 });
        assert_eq!(contact.down(at(1), OfflineReason::Unreachable, 0.0), offline(OfflineReason::Unreachable));
        assert_eq!(contact.down(at(2), version(2..=2), 0.0), offline(version(2..=2)));
        assert_eq!(contact.down(at(3), OfflineReason::Unreachable, 0.0), None);
        assert_eq!(contact.down(at(4), version(3..=3), 0.0), None);
        assert_eq!(contact.up(at(5)), Some(Change::Online { flapped: 0 }));
        assert_eq!(contact.down(at(6), OfflineReason::Refused, 0.0), offline(OfflineReason::Refused));
        assert_eq!(contact.down(at(7), OfflineReason::OtherGroup, 0.0), None);
    }

    #[test]
    fn what_flaps_stays_offline_until_it_has_settled() {
        let mut contact = Contact::new(at(0));
        for time in 0..6 {
            assert!(contact.up(at(time)).is_some());
            assert!(contact.down(at(time), OfflineReason::TimedOut, 0.0).is_some());
        }
        for time in 6..9 {
            assert_eq!(contact.up(at(time)), None);
            assert_eq!(contact.tick(at(time)), None);
            assert_eq!(contact.down(at(time), OfflineReason::TimedOut, 0.0), None);
        }
        assert_eq!(contact.up(at(20)), None);
        assert_eq!(contact.deadline(), Some(at(30)));
        assert_eq!(contact.tick(at(29)), None);
        assert_eq!(contact.tick(at(30)), Some(Change::Online { flapped: 3 }));
        assert_eq!(contact.tick(at(31)), None);
        // A quiet minute later it is as any other.
        assert!(contact.down(at(100), OfflineReason::TimedOut, 0.0).is_some());
        assert_eq!(contact.up(at(101)), Some(Change::Online { flapped: 0 }));
    }

    /// Two programs have its key: each connection ends the one before.
    #[test]
    fn one_that_is_replaced_again_and_again_is_dialled_more_seldom() {
        let mut contact = Contact::new(at(0));
        let (mut pauses, mut losses) = (Vec::new(), 0);
        let mut now = at(0);
        for _ in 0..9 {
            contact.up(now);
            losses += u32::from(contact.redial(now, 0.0).is_some());
            let next = contact.dial_at.unwrap();
            pauses.push(next.duration_since(now).as_millis());
            now = next;
        }
        assert_eq!(pauses, [500, 1_000, 2_000, 4_000, 8_000, 16_000, 32_000, 60_000, 60_000]);
        assert!(losses > 3, "from the fourth on: {losses}");
        // One that lasts, and one that is lost, begin anew.
        contact.up(now);
        contact.redial(now + Duration::from_secs(61), 0.0);
        assert_eq!(contact.dial_at.unwrap().duration_since(now).as_millis(), 61_500);
        contact.redial(now, 0.0);
        contact.down(now, OfflineReason::TimedOut, 0.0);
        contact.redial(now, 0.0);
        assert_eq!(contact.dial_at.unwrap().duration_since(now).as_millis(), 500);
    }

    #[test]
    fn dials_come_within_a_second_and_then_more_seldom() {
        let (mut contact, mut jitter) = (Contact::new(at(0)), Jitter::new(7));
        assert_eq!(contact.dial_at, Some(at(0)));
        let mut pauses = Vec::new();
        for _ in 0..20 {
            contact.down(at(0), OfflineReason::Unreachable, jitter.next());
            pauses.push(contact.dial_at.unwrap() - at(0));
        }
        assert!(pauses[0] <= Duration::from_secs(1), "{pauses:?}");
        assert!(pauses[4] > pauses[0] * 4, "{pauses:?}");
        assert!(pauses.iter().all(|pause| *pause <= LONGEST_PAUSE), "{pauses:?}");
        assert!(pauses[10..].iter().all(|pause| *pause >= LONGEST_PAUSE / 2), "{pauses:?}");
        contact.hint(at(5));
        assert_eq!(contact.dial_at, Some(at(5)));
    }
}
