//! Whatever is ready immediately takes part in tokio's cooperative budget.

use std::{
    collections::VecDeque,
    future::{Future, poll_fn},
    pin::pin,
};

use super::*;

/// Whether it lets others have their turn, if it is asked again and again.
fn yields<F: Future>(again: impl FnMut() -> F) -> bool {
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let mut again = again;
    runtime.block_on(poll_fn(|cx| Poll::Ready((0..1000).any(|_| pin!(again()).poll(cx).is_pending()))))
}

#[test]
fn a_loop_yields_whatever_it_does_again_and_again() {
    let (queue, _) = queue(4);
    let sender = IntentSender::new(queue.producer(0));
    assert!(yields(|| async { sender.send_many(&mut VecDeque::new()).await }), "nothing to send");
    assert!(yields(|| async { sender.reserve_many(0).await }), "no slot");
    assert!(yields(|| async { sender.reserve_many(1).await }), "a slot");
    sender.try_send(plain(0)).ok().unwrap();
    assert!(yields(|| queue.ready()), "there is work");
    let (roomy, _) = super::queue(4096);
    let roomy = IntentSender::new(roomy.producer(0));
    assert!(yields(|| async { roomy.send(plain(0)).await }), "there is always room");
    queue.close();
    assert!(yields(|| async { sender.send(plain(1)).await }), "it is refused");
}

#[test]
fn without_a_runtime_nothing_yields() {
    let (queue, _) = queue(4);
    let sender = IntentSender::new(queue.producer(0));
    sender.try_send(plain(0)).ok().unwrap();
    let mut cx = Context::from_waker(Waker::noop());
    for _ in 0..1000 {
        assert!(pin!(queue.ready()).poll(&mut cx).is_ready());
        assert!(pin!(sender.send_many(&mut VecDeque::new())).poll(&mut cx).is_ready());
    }
}
