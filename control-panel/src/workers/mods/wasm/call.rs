//! One call of a mod, in slices of fuel: the clock and the stop flag are checked between them.

use std::time::{Duration, Instant};

use wasmi::{Error, Store, TypedFunc, TypedResumableCall, WasmResults};

use super::{
    super::{
        error::{Fault, ModError},
        limits::Pace,
        stopwatch::Stretch,
        text::plain,
    },
    host::{Host, Raised},
};

/// The costs of a mod's calls so far.
#[non_exhaustive]
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct CallCosts {
    /// Calls of the mod's functions.
    pub calls: u64,
    /// The fuel that they used.
    pub fuel: u64,
    /// The duration of the last one: its own time, without time during which the machine slept, was paused or ran other
    /// programs.
    pub last: Duration,
    /// The duration of the longest one, measured the same way.
    pub longest: Duration,
}

impl CallCosts {
    fn add(&mut self, fuel: u64, time: Duration) {
        self.calls += 1;
        self.fuel = self.fuel.saturating_add(fuel);
        self.last = time;
        self.longest = self.longest.max(time);
    }
}

/// Calls `function` within the mod's limits.
///
/// Uses the machine's clock, not tokio's: the call runs on a blocking thread, and its limit protects the real machine. Time for
/// which the machine itself delays the call is not charged to the mod: see [`Stopwatch`](super::super::stopwatch::Stopwatch).
pub(super) fn call<R: WasmResults>(
    store: &mut Store<Host>,
    function: TypedFunc<(), R>,
    name: &'static str,
    pace: &mut Pace,
    costs: &mut CallCosts,
) -> Result<R, ModError> {
    let limits = *store.data().manifest.limits();
    store.data_mut().begin();
    let mut fuel = Fuel { granted: 0, left: limits.fuel };
    let outcome = run(store, function, pace, &mut fuel);
    let unused = store.get_fuel().unwrap_or(0);
    // Up to its last instruction.
    let _ = store.data_mut().overdue(Stretch::Code);
    costs.add(fuel.granted.saturating_sub(unused), store.data().used());
    outcome.map_err(|stopped| {
        let fault = match stopped {
            Stopped::Fault(fault) => fault,
            Stopped::Error(error) => fault(&error, store.data(), limits.fuel),
        };
        ModError::Fault { call: name, fault }
    })
}

enum Stopped {
    Fault(Fault),
    Error(Error),
}

impl From<Error> for Stopped {
    fn from(error: Error) -> Self {
        Self::Error(error)
    }
}

/// A call's fuel: how much was granted so far, and how much was not.
struct Fuel {
    granted: u64,
    left: u64,
}

impl Fuel {
    /// Grants a slice, at least `need`; `None` if that much is not left.
    fn grant(&mut self, slice: u64, need: u64) -> Option<u64> {
        let grant = slice.max(need).min(self.left);
        if grant == 0 || grant < need {
            return None;
        }
        self.left -= grant;
        self.granted += grant;
        Some(grant)
    }
}

fn run<R: WasmResults>(
    store: &mut Store<Host>,
    function: TypedFunc<(), R>,
    pace: &mut Pace,
    fuel: &mut Fuel,
) -> Result<R, Stopped> {
    let all = fuel.left;
    if let Some(fault) = store.data_mut().overdue(Stretch::Code) {
        return Err(Stopped::Fault(fault));
    }
    store.set_fuel(fuel.grant(pace.slice(), 0).unwrap_or(0))?;
    let mut slice_began = Instant::now();
    let mut state = function.call_resumable(&mut *store, ())?;
    loop {
        let paused = match state {
            TypedResumableCall::Finished(result) => return Ok(result),
            TypedResumableCall::HostTrap(trap) => return Err(trap.into_host_error_of_call()),
            TypedResumableCall::OutOfFuel(paused) => paused,
        };
        pace.took(slice_began.elapsed());
        if let Some(fault) = store.data_mut().overdue(Stretch::Code) {
            return Err(Stopped::Fault(fault));
        }
        let unused = store.get_fuel()?;
        // A single instruction may need more than a slice: it copies or fills memory.
        let need = paused.required_fuel().saturating_sub(unused);
        let Some(more) = fuel.grant(pace.slice(), need) else { return Err(Stopped::Fault(Fault::Fuel(all))) };
        store.set_fuel(unused + more)?;
        slice_began = Instant::now();
        state = paused.resume(&mut *store)?;
    }
}

/// Translates an error of the engine into plain words.
fn fault(error: &Error, host: &Host, fuel: u64) -> Fault {
    if let Some(Raised(fault)) = error.downcast_ref::<Raised>() {
        return fault.clone();
    }
    if error.as_trap_code() == Some(wasmi::TrapCode::OutOfFuel) {
        return Fault::Fuel(fuel);
    }
    let mut what = plain(&error.to_string());
    if let Some(denied) = &host.limiter.denied {
        what = format!("{what}, after it was denied {denied}");
    }
    Fault::Trap(what)
}

/// Extracts the error from a call that a function of the host ended.
trait HostTrap {
    fn into_host_error_of_call(self) -> Stopped;
}

impl<R> HostTrap for wasmi::TypedResumableCallHostTrap<R> {
    fn into_host_error_of_call(self) -> Stopped {
        match self.host_error().downcast_ref::<Raised>() {
            Some(Raised(fault)) => Stopped::Fault(fault.clone()),
            None => Stopped::Fault(Fault::Trap(plain(&self.host_error().to_string()))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_more_fuel_is_handed_out_than_there_is() {
        let mut fuel = Fuel { granted: 0, left: 100 };
        assert_eq!(fuel.grant(40, 0), Some(40));
        assert_eq!(fuel.grant(10, 30), Some(30), "an instruction that needs more than a slice gets it");
        assert_eq!(fuel.grant(10, 31), None);
        assert_eq!(fuel.grant(40, 1), Some(30));
        assert_eq!(fuel.grant(40, 0), None);
        assert_eq!((fuel.granted, fuel.left), (100, 0));
    }
}
