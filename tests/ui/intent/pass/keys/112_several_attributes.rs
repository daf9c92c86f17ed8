//! Keys in several attributes, one of them behind a condition.

use control_panel::{GraphIntent, Intent, IntentSource};

#[derive(GraphIntent)]
#[cfg_attr(all(), intent(source = IntentSource))]
#[intent(crate = ::control_panel)]
enum Update {
    #[cfg_attr(all(), intent(clock = at))]
    #[intent(from)]
    Remote { at: u64 },
    #[cfg_attr(any(), intent(lossy))]
    #[intent(latest)]
    Level(u8),
}

fn main() {
    assert_eq!(Update::from(1).clock(), Some(1));
    let _ = Update::Level(1);
}
