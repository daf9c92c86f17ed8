use super::*;
use crate::queue::waiters::Standing;

fn shares(capacity: usize, sources: &[u8]) -> Shares<u8, u32> {
    let mut shares = Shares::new(capacity);
    for &source in sources {
        shares.attach(source);
    }
    shares
}

fn take(shares: &mut Shares<u8, u32>, lane: LaneId) -> bool {
    shares.take(lane, &mut Credit::default())
}

fn flood(shares: &mut Shares<u8, u32>, lane: LaneId) -> usize {
    (0..1_000).take_while(|_| take(shares, lane)).count()
}

fn end_frame(shares: &mut Shares<u8, u32>) -> Option<u32> {
    shares.ended();
    shares.serve()
}

/// Hands the baton from one to the next until no waiter is left, as if each took its slot; what they get.
fn run_baton(
    shares: &mut Shares<u8, u32>,
    first: Option<u32>,
    waiter_ids: &[WaiterId],
) -> (Vec<u32>, Vec<usize>) {
    let (mut woken, mut slots, mut next) = (Vec::new(), Vec::new(), first);
    while let Some(waker) = next {
        woken.push(waker);
        let mut credit = Credit::default();
        next = shares.claim(waiter_ids[waker as usize], &mut credit).1;
        slots.push(1 + credit.slots);
    }
    (woken, slots)
}

#[test]
fn a_flood_leaves_a_slot_for_each_known_source_and_one_unseen() {
    let mut shares = shares(8, &[1, 2, 3]);
    assert_eq!(flood(&mut shares, 1), 5);
    assert!(take(&mut shares, 0) && take(&mut shares, 2));
    assert!(!take(&mut shares, 0) && !take(&mut shares, 2), "what is left is kept for a source not seen yet");
    let unseen = shares.attach(0);
    assert!(take(&mut shares, unseen));
    assert_eq!(shares.held, 8);
}

#[test]
fn a_share_is_never_below_one() {
    let mut shares = shares(2, &[1, 2, 3, 4, 5]);
    for lane in 0..5 {
        assert_eq!(flood(&mut shares, lane), 1);
    }
    assert_eq!(shares.held, 5, "with more sources than slots the bound is the number of sources");
}

#[test]
fn an_unused_source_is_forgotten_but_not_while_it_holds_a_slot() {
    let mut shares = shares(4, &[1, 2]);
    assert!(take(&mut shares, 1));
    shares.detach(1);
    assert_eq!(shares.known.len(), 2);
    shares.release(1, 1);
    assert_eq!((shares.known.len(), shares.idle, shares.held), (1, 1, 0));
    assert_eq!(shares.attach(9), 1, "its place is used again");
    shares.detach(1);
    shares.detach(0);
    assert_eq!((shares.known.len(), shares.idle), (0, 0));
}

#[test]
fn grants_go_round_the_sources_first_come_first_served_and_are_woken_one_by_one() {
    let mut shares = shares(8, &[1, 2]);
    assert_eq!(flood(&mut shares, 0), 6);
    assert!(take(&mut shares, 1));
    let mut waiter_ids: Vec<_> = (0..5).map(|waker| shares.wait(0, waker)).collect();
    waiter_ids.extend((5..10).map(|waker| shares.wait(1, waker)));
    shares.release(0, 6);
    let first = end_frame(&mut shares);
    assert_eq!(first, Some(0), "one is woken from outside");
    assert_eq!(shares.waiters.standing(waiter_ids[6]), Standing::Granted);
    assert_eq!(shares.waiters.standing(waiter_ids[3]), Standing::Waiting);
    let (woken, slots) = run_baton(&mut shares, first, &waiter_ids);
    assert_eq!(woken, [0, 5, 1, 6, 2, 7], "each wakes the next, source by source");
    assert_eq!(slots, [1; 6]);
    assert_eq!(shares.held, 7);
}

#[test]
fn what_is_left_is_shared_out_as_credit_until_the_round_or_a_frame_ends() {
    let mut shares = shares(9, &[1]);
    assert_eq!(flood(&mut shares, 0), 8);
    let waiter_ids = [shares.wait(0, 0), shares.wait(0, 1), shares.wait(0, 2)];
    shares.release(0, 8);
    let first = end_frame(&mut shares);
    let mut credit = Credit::default();
    let second = shares.claim(waiter_ids[first.unwrap() as usize], &mut credit).1;
    assert_eq!(credit.slots, 2, "8 slots for 3");
    assert!(shares.take(0, &mut credit));
    assert_eq!(end_frame(&mut shares), None, "the round goes on");
    assert!(shares.take(0, &mut credit), "and its credit is good");
    assert!(!shares.take(0, &mut credit), "the others' credit is not for the taking");
    let (_, slots) = run_baton(&mut shares, second, &waiter_ids);
    assert_eq!(slots, [3, 2]);
    assert_eq!(shares.held, 6, "the round is over, and the second has left two unused");
    shares.release(0, 5);
    assert_eq!(end_frame(&mut shares), None);
    assert_eq!(shares.held, 0, "five sent, and the third has left one unused");
}

#[test]
fn a_stalled_baton_is_passed_on_by_the_next_frame() {
    let mut shares = shares(4, &[1]);
    assert_eq!(flood(&mut shares, 0), 3);
    let waiter_ids = [shares.wait(0, 0), shares.wait(0, 1), shares.wait(0, 2)];
    shares.release(0, 3);
    assert_eq!(end_frame(&mut shares), Some(0));
    assert!(shares.is_unwoken());
    assert_eq!(end_frame(&mut shares), Some(1), "the first has not moved");
    assert_eq!(shares.claim(waiter_ids[1], &mut Credit::default()).1, Some(2));
    assert_eq!(end_frame(&mut shares), None);
    assert!(!shares.is_unwoken());
}

#[test]
fn a_cancelled_grant_is_passed_on_and_a_cancelled_wait_forgotten() {
    let mut shares = shares(3, &[1]);
    assert_eq!(flood(&mut shares, 0), 2);
    let (a, b, c) = (shares.wait(0, 1), shares.wait(0, 2), shares.wait(0, 3));
    assert_eq!(shares.leave(0, b), (Some(2), None));
    shares.release(0, 1);
    assert_eq!(end_frame(&mut shares), Some(1));
    assert_eq!(shares.leave(0, a), (None, Some(3)), "the slot goes to the next that waits");
    assert_eq!(shares.claim(c, &mut Credit::default()).1, None);
    assert_eq!((shares.held, shares.waiters.pending()), (2, 0));
}

#[test]
fn those_who_leave_are_not_remembered() {
    let mut shares = shares(1, &[1]);
    assert_eq!(flood(&mut shares, 0), 1);
    shares.wait(0, 0);
    for waker in 1..10_000 {
        let waiter_id = shares.wait(0, waker);
        assert!(waiter_id < 8, "places are used again");
        shares.leave(0, waiter_id);
    }
    assert!(shares.lanes[0].waiting.len() < 8);
}

#[test]
fn dismissal_wakes_all_and_revoking_frees_the_granted() {
    let mut shares = shares(3, &[1]);
    assert_eq!(flood(&mut shares, 0), 2);
    let (a, b) = (shares.wait(0, 1), shares.wait(0, 2));
    let mut wakes = Vec::new();
    shares.release(0, 1);
    assert_eq!(end_frame(&mut shares), Some(1));
    shares.dismiss(&mut wakes);
    assert_eq!(wakes, [2]);
    assert_eq!(shares.waiters.standing(a), Standing::Granted);
    assert_eq!(shares.waiters.standing(b), Standing::Dismissed);
    shares.revoke(&mut wakes);
    assert_eq!(shares.waiters.standing(a), Standing::Dismissed);
    assert_eq!(shares.held, 1);
    assert_eq!((shares.leave(0, a), shares.leave(0, b)), ((None, None), (None, None)));
}

#[test]
fn what_was_not_taken_beyond_its_slot_is_taken_back_when_the_next_frame_ends() {
    let mut shares = shares(9, &[1]);
    assert_eq!(flood(&mut shares, 0), 8);
    let asleep = shares.wait(0, 0);
    shares.release(0, 8);
    assert_eq!((end_frame(&mut shares), shares.held), (Some(0), 8));
    let other = shares.wait(0, 1);
    assert_eq!(shares.waiters.standing(other), Standing::Waiting);
    assert_eq!(end_frame(&mut shares), Some(1));
    let mut credit = Credit::default();
    shares.claim(asleep, &mut credit);
    assert_eq!(credit.slots, 0, "one is left to it");
    shares.claim(other, &mut credit);
    assert_eq!((credit.slots, shares.held), (6, 8));
    shares.give_back(0, &mut credit);
    assert_eq!((credit.slots, shares.held, shares.lanes[0].credit), (0, 2, 0));
}

#[test]
fn a_baton_that_moves_is_left_alone_and_skips_those_who_left() {
    let mut shares = shares(6, &[1]);
    assert_eq!(flood(&mut shares, 0), 5);
    let waiter_ids: Vec<_> = (0..5).map(|waker| shares.wait(0, waker)).collect();
    shares.release(0, 5);
    assert_eq!(end_frame(&mut shares), Some(0));
    assert_eq!(shares.claim(waiter_ids[0], &mut Credit::default()).1, Some(1));
    assert_eq!(end_frame(&mut shares), None, "it has moved");
    assert_eq!(shares.leave(0, waiter_ids[2]), (Some(2), Some(3)), "not woken yet, and the next is");
    assert_eq!(end_frame(&mut shares), None);
    assert_eq!(end_frame(&mut shares), Some(4), "it has not");
    assert_eq!((shares.waiters.waiting(), shares.waiters.pending()), (0, 3));
}

#[test]
fn a_frame_leaves_what_it_frees_to_the_end_of_a_round_that_goes_on() {
    let mut shares = shares(9, &[1]);
    assert_eq!(flood(&mut shares, 0), 8);
    let mut waiter_ids: Vec<_> = (0..3).map(|waker| shares.wait(0, waker)).collect();
    shares.release(0, 2);
    assert_eq!(end_frame(&mut shares), Some(0));
    let mut credit = Credit::default();
    assert_eq!(shares.claim(waiter_ids[0], &mut credit).1, Some(1));
    waiter_ids.push(shares.wait(0, 3));
    shares.release(0, 6);
    assert_eq!(end_frame(&mut shares), None);
    assert_eq!(shares.waiters.standing(waiter_ids[2]), Standing::Waiting);
    assert!(shares.is_unwoken(), "should the one that was woken stall, a frame is to look after the others");
    assert_eq!(shares.claim(waiter_ids[1], &mut credit).1, Some(2), "the last of its round begins the next");
    assert!(!shares.waiters.is_over());
    let (woken, slots) = run_baton(&mut shares, Some(2), &waiter_ids);
    assert_eq!((woken, slots), (vec![2, 3], vec![3, 3]));
    assert!(!shares.is_unwoken());
}

#[test]
fn a_round_that_stalls_is_served_by_the_next_frame() {
    let mut shares = shares(9, &[1]);
    assert_eq!(flood(&mut shares, 0), 8);
    let waiter_ids: Vec<_> = (0..2).map(|waker| shares.wait(0, waker)).collect();
    shares.release(0, 1);
    assert_eq!(end_frame(&mut shares), Some(0));
    let late = shares.wait(0, 2);
    shares.release(0, 3);
    assert_eq!(end_frame(&mut shares), Some(1), "nothing has moved");
    assert_eq!(shares.waiters.standing(late), Standing::Granted);
    assert_eq!(shares.claim(waiter_ids[1], &mut Credit::default()).1, Some(2));
}

#[test]
fn slots_taken_in_advance_are_credit_again_while_a_send_waits_and_else_the_next_has_them() {
    let mut shares = shares(9, &[1]);
    assert_eq!(flood(&mut shares, 0), 8);
    let waiter_ids = [shares.wait(0, 0), shares.wait(0, 1)];
    shares.release(0, 8);
    assert_eq!(end_frame(&mut shares), Some(0));
    let mut credit = Credit::default();
    assert_eq!(shares.claim(waiter_ids[0], &mut credit).1, Some(1));
    let late = shares.wait(0, 2);
    shares.release(0, 1);
    assert_eq!((shares.prepay(0, &mut credit, 64, 1), credit.slots), (3, 0), "its own, and not the free one");
    shares.withdraw(0, &mut credit, 2);
    assert_eq!((credit.slots, flood(&mut shares, 0)), (2, 1));
    assert_eq!(shares.occupied(0), 6, "four granted, one in advance, one taken");
    shares.leave(0, late);
    assert_eq!(shares.claim(waiter_ids[1], &mut Credit::default()).1, None);
    shares.release(0, 2);
    assert_eq!(shares.prepay(0, &mut credit, 64, 2), 2, "half of what is free");
    shares.withdraw(0, &mut credit, 1);
    assert_eq!((shares.held, shares.lanes[0].credit), (5, 3), "and one of them is free again");
}

#[test]
fn what_is_free_while_each_waiter_has_a_grant_is_for_the_first_to_come() {
    let mut shares = shares(9, &[1]);
    assert_eq!(flood(&mut shares, 0), 8);
    let waiter_ids = [shares.wait(0, 0), shares.wait(0, 1)];
    shares.release(0, 4);
    assert_eq!(end_frame(&mut shares), Some(0));
    shares.release(0, 4);
    let mut credit = Credit::default();
    assert_eq!(shares.prepay(0, &mut credit, 64, 2), 2, "half of what is free");
    shares.withdraw(0, &mut credit, 2);
    assert_eq!((credit.slots, flood(&mut shares, 0)), (0, 4), "and free again");
    assert_eq!(shares.claim(waiter_ids[0], &mut credit).1, Some(1));
    assert_eq!(credit.slots, 1, "what was granted is nobody else's");
}

/// What one is woken for is worth the wake; with a few waiters each has its part at once.
#[test]
fn of_many_waiters_a_round_is_of_those_that_get_four_slots_each() {
    for (waiters, granted) in [(15, 15), (19, 19), (64, 19)] {
        let mut shares = shares(83, &[1, 2]);
        assert_eq!(flood(&mut shares, 0), 81);
        let waiter_ids: Vec<_> = (0..waiters).map(|waker| shares.wait(0, waker)).collect();
        let quiet = shares.wait(1, waiters);
        shares.release(0, 81);
        assert_eq!(end_frame(&mut shares), Some(0));
        let standings = waiter_ids.iter().map(|&waiter_id| shares.waiters.standing(waiter_id));
        let of_the_round: Vec<_> = standings.map(|standing| standing == Standing::Granted).collect();
        assert!(of_the_round.is_sorted_by(|a, b| a >= b), "{waiters}: first come, first served");
        assert_eq!(of_the_round.iter().filter(|&&is_granted| is_granted).count(), granted, "{waiters}");
        assert_eq!(shares.waiters.standing(quiet), Standing::Granted, "another source's is not behind them");
    }
}

/// It is one of those that come next, however few of the others do.
#[test]
fn the_last_of_a_round_shares_what_it_was_granted_with_those_that_wait() {
    let mut shares = shares(256, &[1]);
    assert_eq!(flood(&mut shares, 0), 255);
    let first = shares.wait(0, 0);
    shares.release(0, 255);
    assert_eq!(end_frame(&mut shares), Some(0));
    let waiter_ids: Vec<_> = (1..201).map(|waker| shares.wait(0, waker)).collect();
    let mut credit = Credit::default();
    assert_eq!(shares.claim(first, &mut credit).1, Some(1));
    assert!(credit.slots <= 4, "{}", credit.slots);
    let mut of_the_next = Credit::default();
    shares.claim(waiter_ids[0], &mut of_the_next);
    assert!(of_the_next.slots >= 2, "{}", of_the_next.slots);
}

/// However many sources there are, each has the slot that is kept for it.
#[test]
fn a_round_grants_a_slot_to_each_source_that_holds_none() {
    let sources: Vec<_> = (0..40).collect();
    let mut shares = shares(8, &sources);
    let waiter_ids: Vec<_> = (0..40)
        .map(|lane| {
            assert!(take(&mut shares, lane) && !take(&mut shares, lane));
            shares.wait(lane, 0)
        })
        .collect();
    (0..40).for_each(|lane| shares.release(lane, 1));
    assert_eq!(end_frame(&mut shares), Some(0));
    assert!(waiter_ids.iter().all(|&waiter_id| shares.waiters.standing(waiter_id) == Standing::Granted));
}

#[test]
fn the_last_of_a_round_has_nothing_beyond_its_slot_that_another_waits_for() {
    let mut shares = shares(6, &[0, 1]);
    (0..4).for_each(|_| assert!(take(&mut shares, 0)));
    assert!(take(&mut shares, 1) && !take(&mut shares, 0));
    let first = shares.wait(0, 10);
    shares.release(0, 2);
    shares.ended();
    assert_eq!(shares.serve(), Some(10));
    let second = shares.wait(1, 20);
    let mut credit = Credit::default();
    assert_eq!(shares.claim(first, &mut credit), (None, Some(20)));
    assert_eq!((shares.waiters.standing(second), credit.slots), (Standing::Granted, 0));
    assert_eq!([shares.occupied(0), shares.occupied(1)], [3, 2]);
}
