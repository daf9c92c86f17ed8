//! A whole panel, with intents of the loop's own.

use std::sync::{Arc, OnceLock};

use shuttle::thread;
use tokio::runtime::{Builder, Runtime};

use super::{
    account::{Account, Item, Kind},
    below, catch, check,
    drive::block_on,
    panic_on_purpose,
};
use crate::{ControlPanel, FrameBudget, QueuedIntent, Reducer};

/// The producer of the loop's own.
const OWN: u32 = 0;
const OWN_SOURCE: u8 = 1;

/// No worker runs on it.
fn runtime() -> &'static Runtime {
    static RUNTIME: OnceLock<Runtime> = OnceLock::new();
    RUNTIME.get_or_init(|| Builder::new_current_thread().enable_time().build().unwrap())
}

/// Panics when it has applied so many more.
struct Applies {
    account: Arc<Account>,
    left: Option<u32>,
}

impl Reducer for Applies {
    type Intent = Item;

    fn apply(&mut self, queued: QueuedIntent<Item>) {
        self.account.seen(&queued, true);
        match &mut self.left {
            Some(0) => panic_on_purpose(),
            Some(left) => *left -= 1,
            None => {}
        }
    }
}

/// Frames are cut short by a budget, a break and the reducer's panic, while the queue is busy.
#[test]
fn the_loops_own_intents_are_applied_once_and_in_order() {
    runtime();
    check(|| {
        let budget = FrameBudget::default().intents(1 + below(3) as usize);
        let mut panel: ControlPanel<Item> = ControlPanel::builder()
            .runtime(runtime().handle().clone())
            .capacity(3)
            .frame_budget(budget)
            .build();
        let account = Arc::<Account>::default();
        let senders: Vec<_> = [0, OWN_SOURCE]
            .into_iter()
            .enumerate()
            .map(|(who, source)| {
                let (sender, account) = (panel.sender(source), Arc::clone(&account));
                thread::spawn(move || {
                    for n in 0..3 {
                        let id = (u32::try_from(who).unwrap() + OWN + 1, n);
                        block_on(sender.send(account.item(id, Kind::Plain))).unwrap();
                        account.accepted(id, Kind::Plain);
                    }
                })
            })
            .collect();
        let mut state = Applies { account: Arc::clone(&account), left: None };
        for frame in 0..6 {
            state.left = (frame < 4 && below(2) == 0).then(|| below(4));
            let own: Vec<_> = (2 * frame..2 * frame + below(3))
                .map(|n| {
                    account.accepted((OWN, n), Kind::Plain);
                    (OWN_SOURCE, account.item((OWN, n), Kind::Plain))
                })
                .collect();
            catch(|| _ = panel.run_frame(&mut state, &mut (), own));
            if below(4) == 0 {
                panel.drain().take(1).for_each(|queued| account.seen(&queued, true));
            }
            thread::yield_now();
        }
        state.left = None;
        while panel.status().accepted < 6 {
            panel.run_frame(&mut state, &mut (), []);
            thread::yield_now();
        }
        for sender in senders {
            sender.join().unwrap();
        }
        // Nothing is busy any more.
        while panel.run_frame(&mut state, &mut (), []).applied > 0 || panel.status().queued > 0 {}
        account.assert_all_seen();
        drop((panel, state));
        account.assert_none_kept();
    });
}
