//! `$n:literal` for an index.

use control_panel::{GraphIntent, Intent};

macro_rules! edit {
    ($n:literal) => {
        #[derive(GraphIntent)]
        enum Update {
            #[intent(clock = $n)]
            Edit(u64),
        }
    };
}
edit!(0);

fn main() {
    assert_eq!(Update::Edit(3).clock(), Some(3));
}
