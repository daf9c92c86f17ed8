//! Deltas are read off the session's task: the connections' packets are not to wait for hashes and signatures. Meanwhile the next arrive.

use std::{
    collections::VecDeque,
    future::{Future, pending, poll_fn},
    pin::Pin,
    task::{Context, Poll},
};

use crate::{Delta, Intent, State, anti_entropy::Extent, link::Link, replica::codec::DecodeError};

/// Up to how many bytes are read on the session's own task: they have a few signatures at most, and to hand them over costs more.
const SHORT: usize = 1 << 10;

/// How many portions are read at a time. Nothing more is taken off the stream meanwhile.
const PORTIONS: usize = 4;

/// A delta by its number, or why it is none.
pub(super) type Decoded<I> = (u64, Result<(Extent, I), DecodeError>);

type Job<I> = Pin<Box<dyn Future<Output = Vec<Decoded<I>>> + Send>>;

/// What is read, in the order in which it came.
pub(super) struct Decoding<I> {
    jobs: VecDeque<Job<I>>,
    /// Came, and is not being read yet.
    came: Vec<(u64, Vec<u8>)>,
}

impl<I: Intent> Decoding<I> {
    pub(super) fn new() -> Self {
        Self { jobs: VecDeque::new(), came: Vec::new() }
    }

    pub(super) fn has_room(&self) -> bool {
        self.jobs.len() < PORTIONS
    }

    pub(super) fn push(&mut self, number: u64, delta: Vec<u8>) {
        self.came.push((number, delta));
    }

    /// Reads what came since the last call, as one portion: a thread is asked once for all of it.
    pub(super) fn start<S>(&mut self, link: &Link<S>)
    where
        S: State,
        I: From<Delta<S::Op>>,
    {
        if self.came.is_empty() {
            return;
        }
        let (came, link) = (std::mem::take(&mut self.came), link.clone());
        let bytes: usize = came.iter().map(|(_, delta)| delta.len()).sum();
        let read = move || {
            let decode = |delta| link.decode_own(delta).map(|delta| (Extent::of(&delta), I::from(delta)));
            came.into_iter().map(|(number, delta)| (number, decode(delta))).collect()
        };
        self.jobs.push_back(if bytes <= SHORT {
            Box::pin(std::future::ready(read()))
        } else {
            let reading = tokio::task::spawn_blocking(read);
            Box::pin(async move {
                match reading.await {
                    Ok(decoded) => decoded,
                    // The user's codec panicked: so does the worker.
                    Err(error) if error.is_panic() => std::panic::resume_unwind(error.into_panic()),
                    // The runtime stops.
                    Err(_) => pending().await,
                }
            })
        });
    }

    /// The next portion, once it is read. Pending where there is none.
    pub(super) fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Vec<Decoded<I>>> {
        let Some(job) = self.jobs.front_mut() else { return Poll::Pending };
        let decoded = std::task::ready!(job.as_mut().poll(cx));
        self.jobs.pop_front();
        Poll::Ready(decoded)
    }

    /// Likewise, and `None` where there is none.
    pub(super) async fn next(&mut self) -> Option<Vec<Decoded<I>>> {
        if self.jobs.is_empty() { None } else { Some(poll_fn(|cx| self.poll(cx)).await) }
    }
}
