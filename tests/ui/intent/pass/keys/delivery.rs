//! What becomes of each variant, with keys of every kind.

use control_panel::{GraphIntent, Intent, intent::{CoalesceKey, Delivery, LatestKey}};

struct TabId(u32);

impl CoalesceKey for TabId {
    fn key(&self) -> u64 {
        u64::from(self.0)
    }
}

#[derive(GraphIntent)]
enum Update<K> {
    #[cfg(any())]
    #[intent(lossy)]
    Gone,
    Reliable,
    #[intent(lossy)]
    Sample(f64),
    #[intent(latest)]
    Level { percent: u8 },
    #[intent(latest = tab)]
    Progress { tab: TabId, percent: u8 },
    #[intent(latest = 1)]
    Choice(&'static str, bool),
    #[intent(latest = 0)]
    Generic(K),
    #[intent(lossy, clock = 0)]
    Seen(u64),
}

#[derive(GraphIntent)]
enum Keys {
    #[intent(latest = 0)]
    A(char),
    #[intent(latest = 0)]
    B(usize),
    #[intent(latest = 0)]
    C(u64),
    #[intent(latest = r#type)]
    D { r#type: u16 },
}

fn latest(variant: usize, key: u64) -> Delivery {
    Delivery::Latest(LatestKey { variant, key })
}

fn main() {
    type Updates = Update<u32>;
    assert_eq!(Updates::Reliable.delivery(), Delivery::Reliable);
    assert_eq!(Updates::Sample(0.5).delivery(), Delivery::Lossy);
    assert_eq!(Updates::Level { percent: 1 }.delivery(), latest(2, 0));
    assert_eq!(Updates::Progress { tab: TabId(9), percent: 1 }.delivery(), latest(3, 9));
    assert_eq!(Updates::Choice("x", true).delivery(), latest(4, 1));
    assert_eq!(Updates::Generic(7).delivery(), latest(5, 7));
    assert_eq!(Updates::Seen(1).delivery(), Delivery::Lossy);
    assert_eq!(Updates::VARIANTS[5].name, "Generic");

    assert_eq!(Keys::A('a').delivery(), latest(0, 97));
    assert_eq!(Keys::B(usize::MAX).delivery(), latest(1, usize::MAX as u64));
    assert_eq!(Keys::C(3).delivery(), latest(2, 3));
    assert_eq!(Keys::D { r#type: 4 }.delivery(), latest(3, 4));
}
