use control_panel::{ControlPanel, GraphIntent, Intent, intent::{LogicalClock, Source}};

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Peer<T>(T);

#[derive(GraphIntent)]
#[intent(source = Peer<S>)]
enum Update<'a, S: Source, T, C = u64, const N: usize = 2>
where
    T: Send,
{
    Borrowed(&'a str),
    Values([T; N], S),
    #[intent(clock = clock)]
    Stamped { clock: C },
    #[intent(clock = 0)]
    Optional(Option<C>),
}

type Small<C = u64> = Update<'static, u8, (), C>;

fn stamped<C: LogicalClock + Send + 'static>(clock: C) -> Option<u64> {
    Small::Stamped { clock }.clock()
}

fn main() {
    let panel = ControlPanel::<Small>::new();
    assert!(panel.sender(Peer(7)).try_send(Small::Borrowed("x")).is_ok());
    assert_eq!(stamped(Some(3)), Some(3));
    assert_eq!(Small::<u64>::Values([(), ()], 1).clock(), None);
    assert_eq!(Small::<u64>::Optional(Some(4)).clock(), Some(4));
}
