//! `from` lets built-in workers feed the enum, whatever its shape.

use control_panel::workers::memory_monitor::{MemoryPolicy, MemoryPressure, MemoryThresholds, SpawnMemoryMonitor};
use control_panel::{ControlPanel, GraphIntent, Intent};

#[derive(GraphIntent)]
enum Update {
    #[intent(from)]
    Pressure(MemoryPressure),
    #[intent(from, clock = r#type)]
    Remote { r#type: u64 },
    #[intent(from)]
    Boxed(Box<Self>),
    #[intent(from)]
    r#Raw(&'static str),
    #[cfg(any())]
    #[intent(from)]
    Gone(&'static str),
    Refresh,
}

#[derive(GraphIntent)]
enum Generic<'a, T, U = u8, const N: usize = 2>
where
    T: Copy,
{
    #[intent(from)]
    Values([T; N]),
    #[intent(from)]
    Borrowed(&'a U),
}

#[derive(Default)]
struct Limits;

impl MemoryPolicy for Limits {
    fn memory_thresholds(&self) -> MemoryThresholds {
        MemoryThresholds::warning_at(0.75)
    }
}

fn main() {
    let panel = ControlPanel::<Update, Limits>::builder().policy(Limits).build();
    panel.spawn_memory_monitor();
    assert_eq!(Update::from(7).clock(), Some(7));
    assert!(matches!(Update::from(Box::new(Update::from("raw"))), Update::Boxed(_)));
    assert!(matches!(Generic::<u16>::from([1, 2]), Generic::Values([1, 2])));
    assert!(matches!(Generic::<u16>::from(&3), Generic::Borrowed(3)));
    let _ = (Update::Refresh, |pressure| Update::Pressure(pressure));
}
