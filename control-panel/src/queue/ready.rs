//! Telling a loop that there is something to drain.

use tokio::{sync::Notify, task::coop};

use super::CachePadded;
use crate::util::callbacks::Callbacks;
use crate::util::sync::atomic::{AtomicU8, AtomicU64, Ordering};

/// What the panel calls when a sleeping loop has something to drain.
pub(crate) type OnReady = Box<dyn Fn() + Send + Sync>;

/// Nothing but intents asks for a frame.
const NO_NEWS: u8 = 0;
/// A frame began since there was news, and one more is to follow.
const ONE_FRAME_MORE: u8 = 1;
/// There is news, the loop was called for it, and no frame began since.
const NEWS: u8 = 2;

pub(super) struct Ready {
    /// How often the loop was notified: a frame knows by it whether something came since the last. Written under the
    /// queue's lock, and never by a frame that only takes what there is: so a loop that looks all the time takes it
    /// from the senders once a frame.
    signals: CachePadded<AtomicU64>,
    /// Whether there is something new that is no intent: an answer, a worker's status.
    ///
    /// An intent is handed out by the frame that ends the loop's wait for it. News is not: the loop looks at a status or an
    /// answer somewhere between two frames, before the drain or after it. So news asks for two frames. Between the two lies
    /// a whole turn of the loop, and with it a look that comes after the news.
    news: AtomicU8,
    callback: Option<OnReady>,
    /// Wakes the tasks that wait for something to drain.
    sleepers: Notify,
}

impl Ready {
    pub(super) fn new(callback: Option<OnReady>) -> Self {
        let (signals, news) = (CachePadded(AtomicU64::new(0)), AtomicU8::new(NO_NEWS));
        Self { signals, news, callback, sleepers: Notify::new() }
    }

    /// There is news, which is there to be found by now. Calls the loop, unless it was called for news and has begun no frame
    /// since: that frame, and the one after it, come after this news too. Never under a lock.
    pub(super) fn announce(&self) {
        self.call(self.news.swap(NEWS, Ordering::AcqRel) != NEWS);
    }

    /// A frame could not begin. Calls the loop for another; also where nothing is queued, if it is `wanted`.
    pub(super) fn ask(&self, wanted: bool) {
        if wanted {
            self.news.fetch_max(ONE_FRAME_MORE, Ordering::AcqRel);
        }
        self.call(true);
    }

    /// A frame begins. Calls the loop where one more frame is to follow.
    #[inline]
    pub(super) fn frame_begins(&self) {
        let news = self.news.load(Ordering::Relaxed);
        if news != NO_NEWS {
            self.take_news(news);
        }
    }

    #[cold]
    fn take_news(&self, seen: u8) {
        let after = if seen == NEWS { ONE_FRAME_MORE } else { NO_NEWS };
        // Fails where there is news again, for which the loop was called: then both frames are still to come.
        let taken = self.news.compare_exchange(seen, after, Ordering::AcqRel, Ordering::Relaxed);
        self.call(taken.is_ok() && seen == NEWS);
    }

    /// Whether news asks for a frame.
    #[inline]
    pub(super) fn has_news(&self) -> bool {
        self.news.load(Ordering::Acquire) != NO_NEWS
    }

    /// Under the lock: whether the loop is to be notified now, which is at most once between the beginnings of two frames.
    #[inline]
    pub(super) fn signal(&self, signalled: &mut bool) -> bool {
        if *signalled {
            return false;
        }
        *signalled = true;
        super::add(&self.signals, 1);
        true
    }

    /// How often the loop was notified so far.
    #[inline]
    pub(super) fn signals(&self) -> u64 {
        self.signals.load(Ordering::Acquire)
    }

    /// Tells the loop. Never under a lock: what is called is the user's.
    #[inline]
    pub(super) fn call(&self, ready: bool) {
        if ready {
            self.tell();
        }
    }

    #[cold]
    fn tell(&self) {
        let mut callbacks = Callbacks::default();
        callbacks.call(|| self.sleepers.notify_waiters());
        self.callback.iter().for_each(|callback| callbacks.call(callback));
        callbacks.end();
    }

    /// Resolves once `has_work` does, for every waiting task. Takes part in tokio's cooperative budget, as nothing else may
    /// in a loop that always finds work.
    pub(super) async fn wait(&self, has_work: impl Fn() -> bool) {
        loop {
            // Made before the look: it hears of every call from here on, also before it is polled.
            let notified = self.sleepers.notified();
            if has_work() {
                return coop::consume_budget().await;
            }
            notified.await;
        }
    }
}
