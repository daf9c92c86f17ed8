//! The plan against a simple model on random schedules, and by example.

use super::*;
use crate::workers::wait::LONG;

const MS: Duration = Duration::from_millis(1);
const BASE: Duration = Duration::from_millis(100);
const MAX: Duration = Duration::from_secs(3);

fn settings(pace: u64, budget: usize, ahead: usize) -> PrefetchSettings {
    PrefetchSettings { enabled: true, pace: Duration::from_millis(pace), budget, ahead }
}

/// The expected behaviour, implemented naively: everything is kept, nothing is deferred.
struct Model {
    now: Instant,
    settings: PrefetchSettings,
    level: MemoryLevel,
    focus: Option<u32>,
    ranking: Vec<u32>,
    occupied: usize,
    chosen: Vec<u32>,
    sent_at: Option<Instant>,
    refused_until: Option<Instant>,
    refusals: u32,
}

impl Model {
    /// Checks what the plan does now. Returns the node if it sends one.
    fn check(&mut self, plan: &mut Plan<u32>) -> Option<u32> {
        let (mut ranked, mut looked) = (None, false);
        let rank = |most: usize| {
            ranked = Some(most);
            self.ranking.iter().copied().take(most).collect()
        };
        let occupied = || {
            looked = true;
            self.occupied
        };
        let step = plan.next(self.now, &self.settings, self.level, rank, occupied);
        assert!(ranked.is_none_or(|most| most <= 2 * MOST_AHEAD), "it asks for no more than it can use");

        let ahead = self.settings.ahead.min(1_024);
        let on = self.settings.enabled && self.settings.budget > 0 && self.level != MemoryLevel::Critical;
        if !on || self.chosen.len() >= ahead {
            assert_eq!(step, Step::Idle);
            return None;
        }
        let slower = if self.level == MemoryLevel::Warning { 4 } else { 1 };
        let due = self.sent_at.map(|sent| sent + self.settings.pace * slower);
        let due = [due, self.refused_until].into_iter().flatten().max();
        if let Some(due) = due.filter(|due| *due > self.now) {
            assert_eq!(step, Step::WaitUntil(due));
            return None;
        }
        let mut left = self.ranking.iter().filter(|node| !self.chosen.contains(node));
        let Some(&best) = left.next() else {
            assert_eq!(step, Step::Idle);
            return None;
        };
        assert!(looked);
        if self.occupied < self.settings.budget {
            assert_eq!(step, Step::Send(best));
            return Some(best);
        }
        let Step::WaitUntil(until) = step else { panic!("{step:?} beyond the budget") };
        self.refuse(until);
        None
    }

    fn refuse(&mut self, until: Instant) {
        let nominal = (BASE * 2_u32.pow(self.refusals.min(10))).min(MAX);
        let wait = until - self.now;
        assert!(wait >= nominal / 2 && wait <= nominal, "{wait:?} of {nominal:?}");
        (self.refused_until, self.refusals) = (Some(until), self.refusals + 1);
    }

    fn forget_backoff(&mut self) {
        (self.refused_until, self.refusals) = (None, 0);
    }

    fn send(&mut self, node: u32) {
        self.chosen.push(node);
        (self.sent_at, self.refusals) = (Some(self.now), 0);
    }
}

/// Numbers below a bound, by a linear congruential generator (Knuth's, of MMIX).
fn random(seed: u64) -> impl FnMut(u32) -> u32 {
    let mut state = seed;
    move |bound| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        u32::try_from((state >> 33) % u64::from(bound)).expect("less than the bound")
    }
}

#[test]
fn a_plan_does_what_a_plain_model_does() {
    let (mut sent, mut refused) = (0, 0);
    for seed in 0..3_000 {
        let mut below = random(seed);
        let mut plan = Plan::new(Backoff::new(BASE, MAX), seed);
        let mut model = Model {
            now: Instant::now(),
            settings: settings(50, 2, 3),
            level: MemoryLevel::Normal,
            focus: None,
            ranking: Vec::new(),
            occupied: 0,
            chosen: Vec::new(),
            sent_at: None,
            refused_until: None,
            refusals: 0,
        };
        for _ in 0..100 {
            match below(9) {
                0 => {
                    let focus = Some(below(3)).filter(|focus| *focus > 0);
                    // The same nodes come again and again, in another order.
                    let (turn, count) = (below(12), below(9));
                    model.ranking = (0..count).map(|node| (node * 5 + turn) % 12).collect();
                    if model.focus != focus {
                        model.focus = focus;
                        model.chosen.clear();
                        model.forget_backoff();
                    }
                    plan.look_at(focus.as_ref());
                }
                1 => {
                    let levels = [MemoryLevel::Normal, MemoryLevel::Warning, MemoryLevel::Critical];
                    model.level = levels[below(3) as usize];
                }
                2 => {
                    let before = model.settings;
                    model.settings =
                        settings([0, 1, 50, 700][below(4) as usize], below(4) as usize, below(6) as usize);
                    model.settings.enabled = below(5) > 0;
                    if below(9) == 0 {
                        model.settings.ahead = usize::MAX;
                    }
                    if model.settings != before {
                        model.forget_backoff();
                    }
                }
                3 => model.occupied = below(4) as usize,
                4..6 => model.now += Duration::from_millis([1, 30, 400, 5_000][below(4) as usize]),
                _ => {}
            }
            if let Some(node) = model.check(&mut plan) {
                if below(4) > 0 {
                    plan.sent(node, model.now);
                    model.send(node);
                    sent += 1;
                } else {
                    let until = plan.refused(model.now);
                    model.refuse(until);
                    refused += 1;
                }
            }
        }
    }
    assert!(sent > 3_000 && refused > 1_000, "the schedules are worth something: {sent}, {refused}");
}

#[test]
fn absurd_durations_overflow_nothing_and_spin_never() {
    let now = Instant::now();
    let mut plan = Plan::new(Backoff::new(Duration::MAX, Duration::MAX), 1);
    let next = |plan: &mut Plan<u32>, pace| {
        plan.next(
            now,
            &PrefetchSettings { pace, ..settings(0, 9, 9) },
            MemoryLevel::Warning,
            |_| vec![1, 2],
            || 0,
        )
    };
    assert_eq!(next(&mut plan, Duration::MAX), Step::Send(1), "the first need not wait");
    plan.sent(1, now);
    assert!(matches!(next(&mut plan, Duration::MAX), Step::WaitUntil(then) if then > now + LONG / 2));
    assert_eq!(next(&mut plan, Duration::ZERO), Step::Send(2));
    assert!(plan.refused(now) > now + LONG / 2);

    let mut hasty = Plan::<u32>::new(Backoff::none(), 1);
    assert_eq!(hasty.refused(now), now + MS, "a backoff of nothing is no busy loop");
}

#[test]
fn a_ranking_is_asked_for_once_and_only_when_it_is_due() {
    let start = Instant::now();
    let mut plan = Plan::new(Backoff::default(), 1);
    let mut asked = 0;
    let mut at = |plan: &mut Plan<u32>, ms| {
        let rank = |_: usize| {
            asked += 1;
            vec![1, 2, 3]
        };
        let step = plan.next(start + ms * MS, &settings(100, 9, 9), MemoryLevel::Normal, rank, || 0);
        (step, asked)
    };
    assert_eq!(at(&mut plan, 0), (Step::Send(1), 1));
    plan.sent(1, start);
    for _ in 0..5 {
        plan.look_at(None);
        assert_eq!(
            at(&mut plan, 99),
            (Step::WaitUntil(start + 100 * MS), 1),
            "frames publish, it does not rank"
        );
    }
    assert_eq!(at(&mut plan, 100), (Step::Send(2), 2));
    assert_eq!(at(&mut plan, 101), (Step::Send(2), 2));
}
