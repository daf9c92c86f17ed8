//! Two senders of one source, and clones of one sender.
//!
//! Each call of `panel.sender(source)` makes a producer of its own: within a frame, what the older one sent comes first,
//! whichever thread was faster. A clone is the same producer, so its intents come in the order in which they were accepted.
//! Keep one sender and clone it where the order between callbacks counts; make two where it must not depend on timing.
//!
//! ```console
//! cargo run -p examples --example cookbook_two_senders
//! ```
//!
//! What to look for: `ab12` for two senders, whatever was sent first, and `1a2b` for a sender and its clone.

use control_panel::{ControlPanel, GraphIntent, IntentSource};

#[derive(GraphIntent)]
enum Update {
    Key(char),
}

fn drained(panel: &mut ControlPanel<Update>) -> String {
    panel
        .drain()
        .map(|queued| {
            let Update::Key(key) = queued.intent;
            key
        })
        .collect()
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut panel = ControlPanel::<Update>::new();

    let (keyboard, replay) = (panel.sender(IntentSource::LocalUI), panel.sender(IntentSource::LocalUI));
    for (first, second) in [('a', '1'), ('b', '2')] {
        replay.try_send(Update::Key(second))?;
        keyboard.try_send(Update::Key(first))?;
    }
    let apart = drained(&mut panel);

    let clone = keyboard.clone();
    for (first, second) in [('a', '1'), ('b', '2')] {
        clone.try_send(Update::Key(second))?;
        keyboard.try_send(Update::Key(first))?;
    }
    let together = drained(&mut panel);

    println!("two senders: {apart}; a sender and its clone: {together}");
    assert_eq!((apart.as_str(), together.as_str()), ("ab12", "1a2b"));
    Ok(())
}

#[test]
fn senders_are_ordered_by_age_and_clones_by_acceptance() {
    main().unwrap();
}
