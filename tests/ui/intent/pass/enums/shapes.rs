//! Every shape of enum, clocks of every kind.

use control_panel::{GraphIntent, Intent, IntentSource, intent::LogicalClock};

#[derive(GraphIntent)]
enum Empty {}

#[derive(GraphIntent)]
enum WithoutClocks {
    A,
    B(u8),
}

struct Lamport(u64);

impl LogicalClock for Lamport {
    fn time(&self) -> Option<u64> {
        Some(self.0)
    }
}

#[derive(GraphIntent)]
enum Every {
    #[intent(clock = 0)]
    First(u64, String),
    #[intent(clock = 1)]
    Second(String, Option<u64>),
    #[intent(clock = r#type)]
    Raw { r#type: Lamport, other: u8 },
    #[intent(clock = plain)]
    Plain { plain: Option<Option<Lamport>> },
    #[cfg(any())]
    #[intent(clock = 0)]
    Gone(NoSuchType),
    #[cfg(all())]
    #[intent(clock = 0)]
    Here(u64),
}

#[derive(GraphIntent)]
enum r#Raw {
    r#Type,
}

/// By its other name.
#[derive(Intent)]
enum Named {
    A,
}

fn main() {
    assert_eq!(WithoutClocks::A.clock(), None);
    assert_eq!(WithoutClocks::B(1).clock(), None);
    assert_eq!(Every::First(3, String::new()).clock(), Some(3));
    assert_eq!(Every::Second(String::new(), None).clock(), None);
    assert_eq!(Every::Second(String::new(), Some(4)).clock(), Some(4));
    assert_eq!(Every::Raw { r#type: Lamport(5), other: 0 }.clock(), Some(5));
    assert_eq!(Every::Plain { plain: Some(Some(Lamport(6))) }.clock(), Some(6));
    assert_eq!(Every::Here(7).clock(), Some(7));
    assert_eq!(r#Raw::r#Type.clock(), None);
    assert_eq!(Named::A.clock(), None);
    fn source<I: Intent<Source = IntentSource>>() {}
    source::<Empty>();
}
