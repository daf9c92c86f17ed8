//! The same operations, whatever surrounds them.

use std::{
    fmt::Debug,
    ops::Range,
    thread,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use super::{
    agree,
    broken::{BrokenLaw, Law, Shows},
    script::Script,
};
use crate::{
    replica::State,
    util::difference::{Difference, difference, outline::outline},
};

/// How many operations are between two changes of what surrounds them.
const CHUNK: usize = 16;
/// Longer than a millisecond, so that a clock in milliseconds has gone on.
const LATER: Duration = Duration::from_millis(2);

fn chunks<S: State>(script: &Script<S>) -> impl Iterator<Item = Range<usize>> + use<S> {
    let length = script.steps.len();
    (0..length).step_by(CHUNK).map(move |from| from..length.min(from + CHUNK))
}

/// What is applied to a clone changes no other.
pub(super) fn clones_are_their_own<S>(script: &Script<S>, init: &impl Fn() -> S) -> Result<(), BrokenLaw>
where
    S: State + Debug,
    S::Op: Debug,
{
    let mut original = init();
    for steps in chunks(script) {
        let mut clone = original.clone();
        let before = outline(&original);
        for step in steps.clone() {
            script.apply(&mut clone, step)?;
        }
        // What two clones share is in both: only the output from before shows it.
        if outline(&original) != before {
            return Err(script.broken(Law::OwnClone, steps.start, Shows::differ(&init(), &original)));
        }
        for step in steps {
            script.apply(&mut original, step)?;
        }
    }
    Ok(())
}

/// A clone is equal to its original, and goes on as that does.
pub(super) fn clones_go_on<S>(script: &Script<S>, init: &impl Fn() -> S) -> Result<(), BrokenLaw>
where
    S: State + Debug + PartialEq,
    S::Op: Debug,
{
    let (mut original, mut cloned) = (init(), init());
    for step in 0..script.steps.len() {
        cloned = cloned.clone();
        script.apply(&mut original, step)?;
        script.apply(&mut cloned, step)?;
        if let Some(shows) = differ(&original, &cloned) {
            return Err(script.broken(Law::OwnClone, step, shows));
        }
    }
    Ok(())
}

/// Runs some operations, in surroundings of its own.
type Run = fn(&mut (dyn FnMut() + Send));

/// Each with the law that is broken where the second time gives another result, and an immediate repetition does not.
const TRIALS: [(Law, Run); 3] = [
    (Law::NoClock, |job| {
        // Real time, also where a test's is paused: a state that reads a clock reads the real one.
        thread::sleep(LATER);
        job();
    }),
    (Law::NoAddress, |job| {
        // Takes the places that the first time left free, in the allocator's small sizes. Not of zeros, which it takes from elsewhere.
        let taken: Vec<_> = (0..256).map(|n| vec![1_u8; 16 * (1 + n % 64)]).collect();
        job();
        drop(taken);
    }),
    (Law::NoThread, |job| {
        thread::scope(|scope| _ = scope.spawn(job).join());
    }),
];

/// The script twice on states made anew, with every result compared.
pub(super) fn repeats<S>(script: &Script<S>, init: &impl Fn() -> S) -> Result<(), BrokenLaw>
where
    S: State + Debug + PartialEq,
    S::Op: Debug,
{
    for (law, run) in TRIALS {
        if let Err(mut broken) = twice(script, init, run) {
            // A clock in milliseconds seldom goes on in between; a counter always does.
            let again = || twice(script, init, |job| job());
            if broken.law == Law::Deterministic {
                // Of a map in the state, a clone has the hasher too: what one item of it tells differs between states made anew alone.
                let kept = init();
                let cloned = || twice(script, &|| kept.clone(), |job| job());
                if (0..3).any(|_| again().is_ok()) {
                    broken.law = law;
                } else if (0..3).all(|_| cloned().is_ok()) {
                    broken.law = Law::NoHashOrder;
                }
            }
            return Err(broken);
        }
    }
    Ok(())
}

fn twice<S>(script: &Script<S>, init: &impl Fn() -> S, run: Run) -> Result<(), BrokenLaw>
where
    S: State + Debug + PartialEq,
    S::Op: Debug,
{
    let (mut first, mut second) = (init(), init());
    for steps in chunks(script) {
        let mut expected = Vec::with_capacity(CHUNK);
        for step in steps.clone() {
            script.apply(&mut first, step)?;
            expected.push(first.clone());
        }
        let mut result = Ok(());
        run(&mut || {
            result = steps.clone().zip(&expected).try_for_each(|(step, expected)| {
                script.apply(&mut second, step)?;
                match differ(expected, &second) {
                    Some(shows) => Err(script.broken(cause(&shows), step, shows)),
                    None => Ok(()),
                }
            });
        });
        result?;
    }
    Ok(())
}

fn differ<S: Debug + PartialEq>(left: &S, right: &S) -> Option<Shows> {
    (!agree(left, right)).then(|| Shows::Differ(difference(left, right)))
}

/// What a difference looks like, whatever the trial in which it shows.
fn cause(shows: &Shows) -> Law {
    let Shows::Differ(Some(Difference { path, left, right, reordered, .. })) = shows else {
        return Law::Deterministic;
    };
    let both = |law_of: fn(&str) -> bool| law_of(left) && law_of(right);
    if *reordered {
        Law::NoHashOrder
    } else if both(is_time) || path.ends_with(".tv_sec") || path.ends_with(".tv_nsec") {
        Law::NoClock
    } else if both(|text| text.starts_with("ThreadId")) {
        Law::NoThread
    } else if both(is_address) {
        Law::NoAddress
    } else {
        Law::Deterministic
    }
}

fn number(text: &str) -> Option<u128> {
    match text.strip_prefix("0x") {
        Some(digits) => u128::from_str_radix(digits, 16).ok(),
        None => text.parse().ok(),
    }
}

/// An `Instant`, a `SystemTime` (which have two fields on Unix), or a number within a day of this time, in a unit from seconds to nanoseconds.
fn is_time(text: &str) -> bool {
    if ["Instant", "SystemTime"].iter().any(|name| text.starts_with(name)) {
        return true;
    }
    let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_nanos());
    let day = 86_400_000_000_000;
    number(text).is_some_and(|number| {
        [1, 1_000, 1_000_000, 1_000_000_000]
            .iter()
            .any(|unit| number.checked_mul(*unit).is_some_and(|nanos| nanos.abs_diff(now) < day))
    })
}

/// A number among the addresses of a 64-bit process, and above what most counters reach.
fn is_address(text: &str) -> bool {
    number(text).is_some_and(|number| (1 << 40..1 << 47).contains(&number))
}
