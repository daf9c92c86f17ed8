//! The process's single native clock thread: it fires deadlines and runs the watchdogs, whatever state the runtimes are
//! in.
//!
//! It starts when there is something to do, sleeps until the next moment, and ends once there has been nothing to do
//! for a while.

use std::{
    collections::BTreeMap,
    mem,
    sync::{
        Weak,
        atomic::{AtomicU64, Ordering},
    },
    task::Waker,
    thread,
    time::{Duration, Instant},
};

use super::{
    callbacks,
    mutex::{Condvar, Mutex},
    panics,
};

/// How long the thread stays without work: starting one takes longer than the work it is needed for.
const IDLE: Duration = Duration::from_secs(10);

/// A subject is found stuck between one and one and a half times its limit.
const LOOKS_PER_LIMIT: u32 = 4;

/// Microseconds of watched time, as of the last look. Starts at 1, so that 0 can mean never.
static TICK: AtomicU64 = AtomicU64::new(1);

static CLOCK: Clock = Clock { state: Mutex::new(State::new()), changed: Condvar::new() };

struct Clock {
    state: Mutex<State>,
    changed: Condvar,
}

struct State {
    /// The wakers by moment. The number distinguishes alarms of the same moment.
    alarms: BTreeMap<Alarm, Waker>,
    numbers: u64,
    watched: Vec<Watched>,
    /// The last look and the next.
    looked: Option<Instant>,
    next_look: Option<Instant>,
    /// When the thread, if there is one, next looks at this state by itself.
    sleeps_until: Option<Instant>,
}

/// A deadline on the native clock.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Alarm {
    at: Instant,
    number: u64,
}

/// What the clock watches.
pub(crate) trait Watch: Send + Sync {
    /// Looks at everything watched. `now` is in the clock's own time, which counts no more than the clock waited for.
    /// Returns the shortest limit to watch from now on; `None` if nothing is left to watch. May call into this module,
    /// and may panic.
    fn look(&self, now: Duration) -> Option<Duration>;
}

struct Watched {
    what: Weak<dyn Watch>,
    /// The shortest limit watched there.
    limit: Duration,
}

/// The coarse time with which a heartbeat is stamped: one load.
pub(crate) fn tick() -> u64 {
    TICK.load(Ordering::Relaxed)
}

/// How long ago that stamp was, as of the last look.
pub(crate) fn since(tick: u64) -> Duration {
    Duration::from_micros(self::tick().saturating_sub(tick))
}

/// Wakes `waker` at that moment. Replaces the alarm `before`, if there is one.
pub(crate) fn set(at: Instant, before: Option<Alarm>, waker: Waker) -> Alarm {
    let mut state = CLOCK.state.lock();
    let alarm = before.unwrap_or_else(|| {
        state.numbers += 1;
        Alarm { at, number: state.numbers }
    });
    let old = state.alarms.insert(alarm, waker);
    CLOCK.wake_by(&mut state, at);
    drop(state);
    drop(old);
    alarm
}

/// Cancels the alarm.
pub(crate) fn unset(alarm: Alarm) {
    let waker = CLOCK.state.lock().alarms.remove(&alarm);
    drop(waker);
}

/// Watches it from now on, until it has nothing left to watch.
pub(crate) fn watch(what: Weak<dyn Watch>, limit: Duration) {
    let mut state = CLOCK.state.lock();
    state.add(Watched { what, limit });
    if let Some(next) = state.plan(Instant::now()) {
        CLOCK.wake_by(&mut state, next);
    }
}

impl State {
    const fn new() -> Self {
        Self {
            alarms: BTreeMap::new(),
            numbers: 0,
            watched: Vec::new(),
            looked: None,
            next_look: None,
            sleeps_until: None,
        }
    }

    /// When to look next, given that what is watched may have changed.
    fn plan(&mut self, now: Instant) -> Option<Instant> {
        let Some(limit) = self.watched.iter().map(|watched| watched.limit).min() else {
            (self.looked, self.next_look) = (None, None);
            return None;
        };
        let next = now + limit.min(IDLE) / LOOKS_PER_LIMIT;
        self.looked.get_or_insert(now);
        self.next_look = Some(self.next_look.map_or(next, |before| before.min(next)));
        self.next_look
    }

    /// Takes the alarms that are due.
    fn due(&mut self, now: Instant) -> Vec<Waker> {
        let mut due = Vec::new();
        while let Some(first) = self.alarms.first_entry().filter(|first| first.key().at <= now) {
            due.push(first.remove());
        }
        due
    }

    /// Watches it; what is watched already, by the shorter of the two limits.
    fn add(&mut self, new: Watched) {
        match self.watched.iter_mut().find(|watched| watched.what.ptr_eq(&new.what)) {
            Some(watched) => watched.limit = watched.limit.min(new.limit),
            None => self.watched.push(new),
        }
    }

    /// How far the watched time advances at a look: as far as the clock, but never by much more than was waited for.
    /// Anything beyond that is time in which this thread did not run, and others may not have either.
    fn advance(&mut self, now: Instant) -> Option<Duration> {
        let (looked, planned) = (self.looked?, self.next_look?);
        if now < planned {
            return None;
        }
        self.looked = Some(now);
        self.next_look = None;
        Some((now - looked).min((planned - looked) * 2))
    }
}

impl Clock {
    /// Ensures that the thread looks at its state no later than that moment.
    fn wake_by(&'static self, state: &mut State, at: Instant) {
        match state.sleeps_until {
            Some(until) if until <= at => {}
            Some(_) => {
                state.sleeps_until = Some(at);
                self.changed.notify_one();
            }
            None => {
                // If no thread can be started, tokio's timer decides alone, and the next call tries again.
                let thread = thread::Builder::new().name("control-panel-clock".into());
                state.sleeps_until = thread.spawn(|| self.run()).ok().map(|_| at);
            }
        }
    }

    fn run(&'static self) {
        let mut idle_since = None;
        let mut state = self.state.lock();
        loop {
            let now = Instant::now();
            let due = state.due(now);
            let advance = state.advance(now);
            if !due.is_empty() || advance.is_some() {
                let watched = if advance.is_some() { mem::take(&mut state.watched) } else { Vec::new() };
                // Threads that change the state meanwhile need not wake this one.
                state.sleeps_until = Some(now);
                drop(state);
                let watched = work(due, watched, advance);
                state = self.state.lock();
                // What was added meanwhile.
                for new in mem::replace(&mut state.watched, watched) {
                    state.add(new);
                }
                continue;
            }
            let look = state.plan(now);
            let ring = state.alarms.first_key_value().map(|(alarm, _)| alarm.at);
            let next = if let Some(next) = ring.into_iter().chain(look).min() {
                idle_since = None;
                next
            } else {
                *idle_since.get_or_insert(now) + IDLE
            };
            if next <= now {
                state.sleeps_until = None;
                return;
            }
            state.sleeps_until = Some(next);
            state = self.changed.wait_timeout(state, next - now);
        }
    }
}

/// What is done without the lock, because it runs foreign code, which may call into this module and may panic.
fn work(due: Vec<Waker>, mut all: Vec<Watched>, advance: Option<Duration>) -> Vec<Watched> {
    callbacks::each(due, Waker::wake);
    if let Some(advance) = advance {
        // The tick only advances after the look, so no heartbeat sent before the look carries a later stamp.
        let now = Duration::from_micros(tick()) + advance;
        all.retain_mut(|watched| {
            match panics::catch(|| watched.what.upgrade()?.look(now)) {
                Ok(Some(limit)) => watched.limit = limit,
                // It is gone, or has nothing left to watch.
                Ok(None) => return false,
                // The panic hook has reported the panic, and the others continue.
                Err(_) => {}
            }
            true
        });
        TICK.store(u64::try_from(now.as_micros()).unwrap_or(u64::MAX), Ordering::Relaxed);
    }
    all
}

#[cfg(test)]
mod tests;
