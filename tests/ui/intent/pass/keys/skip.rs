//! What a journal has the name of only, beside the keys that go with it.

use control_panel::{GraphIntent, Intent, intent::Delivery};

#[derive(GraphIntent)]
enum Update<T> {
    Open(String),
    #[intent(skip)]
    Password(String),
    #[intent(skip, lossy)]
    Sample { value: f64 },
    #[intent(latest, skip)]
    Moved(f32, f32),
    #[intent(skip, from)]
    Generic(T),
    #[intent(skip)]
    Unit,
    #[intent(clock = 0)]
    Merged(u64),
}

fn main() {
    type Updates = Update<u32>;
    let skipped: Vec<_> =
        Updates::VARIANTS.iter().filter(|variant| variant.skipped).map(|variant| variant.name).collect();
    assert_eq!(skipped, ["Password", "Sample", "Moved", "Generic", "Unit"]);
    assert!(Updates::VARIANTS.iter().all(|variant| !(variant.skipped && variant.replicated)));
    assert!(!Updates::VARIANTS[Updates::Open(String::new()).variant()].skipped);
    assert!(Updates::VARIANTS[Updates::Password(String::new()).variant()].skipped);
    assert_eq!(Updates::Sample { value: 1.0 }.delivery(), Delivery::Lossy);
    assert!(matches!(Updates::Moved(1.0, 2.0).delivery(), Delivery::Latest(_)));
    assert_eq!(Updates::from(1).variant_name(), "Generic");
    assert_eq!(Updates::Unit.variant(), 5);
    assert_eq!(Updates::Merged(1).clock(), Some(1));
}
