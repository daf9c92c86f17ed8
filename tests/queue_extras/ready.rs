//! A loop that waits for work.

use std::{pin::pin, thread, time::Duration};

use tests::{Wakes, watched};

use super::{frame, note, panel};

#[test]
fn a_loop_that_waits_for_work_is_woken_once_there_is_some() {
    let mut panel = panel(4);
    let sender = panel.sender(0);
    let wakes = Wakes::new();
    for round in 0..3 {
        {
            let mut ready = pin!(panel.wait_ready());
            assert!(wakes.poll(ready.as_mut()).is_pending());
            sender.try_send(note(round)).unwrap();
            assert!(wakes.take() > 0);
            assert!(wakes.poll(ready.as_mut()).is_ready());
        }
        // Not read, so it is still there.
        drop(panel.drain());
        assert!(wakes.poll(pin!(panel.wait_ready())).is_ready());
        assert_eq!(frame(&mut panel), [round]);
    }
}

#[test]
fn a_thread_that_waits_for_work_misses_none() {
    watched(|| {
        let mut panel = panel(4);
        assert!(!panel.wait_ready_timeout(Duration::from_millis(1)));
        let sender = panel.sender(0);
        thread::scope(|scope| {
            scope.spawn(move || {
                for id in 0..300 {
                    sender.send_blocking(note(id)).ok().unwrap();
                }
            });
            let mut seen = Vec::new();
            while seen.len() < 300 {
                assert!(panel.wait_ready_timeout(Duration::MAX));
                seen.extend(frame(&mut panel));
            }
            assert_eq!(seen, (0..300).collect::<Vec<_>>());
        });
        assert!(!panel.wait_ready_timeout(Duration::ZERO));
    });
}
