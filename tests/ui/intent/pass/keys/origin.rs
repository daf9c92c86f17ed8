//! The peer of a replicated intent, from fields of every kind.

use control_panel::{GraphIntent, Intent, intent::PeerId};

struct Replica(&'static str);

impl PeerId for Replica {
    fn peer(&self) -> Option<u64> {
        Some(self.0.len() as u64)
    }
}

#[derive(GraphIntent)]
enum Update<P> {
    Local(u64),
    #[intent(clock = 0, origin = 1)]
    Tuple(u64, u32),
    #[intent(clock = clock, origin = r#type)]
    Named { clock: u64, r#type: Option<Replica> },
    #[intent(clock = 0, origin = 0)]
    Both(u64),
    #[intent(origin = 1, clock = 0)]
    Generic(u64, Option<P>),
}

fn main() {
    type Updates = Update<u64>;
    assert_eq!(Updates::Local(1).peer(), None);
    assert_eq!(Updates::Tuple(1, 2).peer(), Some(2));
    assert_eq!(Updates::Named { clock: 1, r#type: Some(Replica("abc")) }.peer(), Some(3));
    assert_eq!(Updates::Named { clock: 1, r#type: None }.peer(), None);
    assert_eq!(Updates::Both(4).peer(), Some(4));
    assert_eq!(Updates::Generic(1, Some(5)).peer(), Some(5));
    let intent = Updates::Generic(1, None);
    assert_eq!((intent.peer(), intent.clock()), (None, Some(1)));
}
