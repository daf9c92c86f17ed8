//! The list of variants, whatever the enum looks like.

use control_panel::{GraphIntent, Intent, IntentSource};

#[derive(GraphIntent)]
enum Update<'a, T, const N: usize> {
    #[cfg(any())]
    Gone,
    Unit,
    #[intent(clock = clock)]
    Named { clock: u64 },
    #[cfg(any())]
    #[intent(clock = 0)]
    GoneToo(u64),
    #[cfg(all())]
    Here(#[cfg(any())] u8, [T; N]),
    r#Raw(&'a str),
    Empty(),
    Braces {},
    #[expect(non_camel_case_types)]
    r#type,
}

#[derive(GraphIntent)]
enum Empty {}

/// By hand, as before there were names.
struct ByHand;

impl Intent for ByHand {
    type Source = IntentSource;
}

/// What it lists can be used where a constant is needed.
const COUNT: usize = Update::<'static, u8, 2>::VARIANTS.len();

fn main() {
    let names: Vec<_> = Update::<'static, u8, 2>::VARIANTS.iter().map(|variant| variant.name).collect();
    assert_eq!(names, ["Unit", "Named", "Here", "Raw", "Empty", "Braces", "type"]);
    let replicated: Vec<_> = Update::<'static, u8, 2>::VARIANTS.iter().map(|variant| variant.replicated).collect();
    assert_eq!(replicated, [false, true, false, false, false, false, false]);
    assert_eq!(COUNT, 7);

    let all = [
        Update::Unit,
        Update::Named { clock: 1 },
        Update::Here([1, 2]),
        Update::r#Raw("raw"),
        Update::Empty(),
        Update::Braces {},
        Update::r#type,
    ];
    for (place, intent) in all.iter().enumerate() {
        assert_eq!(intent.variant(), place);
        assert_eq!(intent.variant_name(), names[place]);
    }

    assert!(Empty::VARIANTS.is_empty());
    assert!(ByHand::VARIANTS.is_empty());
    assert_eq!((ByHand.variant(), ByHand.variant_name()), (0, ""));
}
