//! Frames that are cut short, that end late, and that end elsewhere.

use std::sync::Arc;

use shuttle::thread;

use super::{below, catch, check, panic_on_purpose, stage::Stage};

/// Frames are read in part, and the reducer panics; what is left comes with the next, in order.
#[test]
fn what_a_frame_leaves_comes_with_the_next() {
    check(|| {
        let mut stage = Stage::new(4);
        for source in [0, 0, 1] {
            stage.actor(source, |actor| (0..3).for_each(|_| actor.act()));
        }
        stage.run(|frame| match below(4) {
            0 => stage.read(frame),
            1 => drop(frame),
            2 => catch(|| {
                let mut left = below(3);
                stage.read_while(frame, || {
                    if left == 0 {
                        panic_on_purpose();
                    }
                    left -= 1;
                    true
                });
            }),
            _ => stage.read_some(frame, below(3)),
        });
        stage.finish();
    });
}

/// Frames are sent to other threads to be read and dropped there, several at a time.
#[test]
fn frames_end_on_other_threads_and_in_any_order() {
    check(|| {
        let mut stage = Stage::new(4);
        for source in [0, 0, 1] {
            stage.actor(source, |actor| assert!(actor.send() && actor.send()));
        }
        let mut readers = Vec::new();
        stage.run(|mut frame| {
            if below(3) == 0 || readers.len() == 4 {
                return stage.read_out_of_order(frame);
            }
            let (account, bell) = (Arc::clone(&stage.account), Arc::clone(&stage.bell));
            // The loop goes on while somebody may ring.
            bell.begins();
            readers.push(thread::spawn(move || {
                bell.ends_frames();
                for _ in 0..below(3) {
                    frame.next().iter().for_each(|queued| account.seen(queued, false));
                }
                drop(frame);
                bell.ends();
            }));
        });
        for reader in readers {
            reader.join().unwrap();
        }
        stage.finish();
    });
}
