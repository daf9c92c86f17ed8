//! What one viewer reads: server-sent events.

use std::{
    convert::Infallible,
    future::Future,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
};

use hyper::body::{Body, Bytes, Frame};
use tokio::sync::watch;

use super::server::Shared;

type Messages = watch::Receiver<Arc<str>>;
type Next = Pin<Box<dyn Future<Output = Option<(Messages, Arc<str>)>> + Send>>;

/// The body of `/events`. It holds one message at most: the next is taken when the connection has room for it.
pub(super) struct Stream {
    first: Option<String>,
    next: Next,
    /// Counts the viewer until it leaves.
    _viewer: Viewer,
}

/// A viewer that was let in.
pub(super) struct Viewer(Arc<Shared>);

impl Viewer {
    /// Lets one more in, if there is room.
    pub(super) fn enter(shared: &Arc<Shared>) -> Option<Self> {
        shared.refusals.enter(shared.viewers).then(|| Self(Arc::clone(shared)))
    }
}

impl Drop for Viewer {
    fn drop(&mut self) {
        self.0.refusals.leave();
    }
}

impl Stream {
    pub(super) fn new(viewer: Viewer) -> Self {
        let shared = &viewer.0;
        let next = next(shared.feed.subscribe());
        let first = event("status", &shared.feed.status(shared));
        Self { first: Some(first), next, _viewer: viewer }
    }
}

fn next(mut messages: Messages) -> Next {
    Box::pin(async move {
        messages.changed().await.ok()?;
        let message = Arc::clone(&messages.borrow_and_update());
        Some((messages, message))
    })
}

/// JSON has no line breaks of its own, so one line of data is enough.
fn event(name: &str, data: &str) -> String {
    format!("event: {name}\ndata: {data}\n\n")
}

impl Body for Stream {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        if let Some(first) = self.first.take() {
            return Poll::Ready(Some(Ok(Frame::data(Bytes::from(first)))));
        }
        let Some((messages, message)) = ready!(self.next.as_mut().poll(cx)) else { return Poll::Ready(None) };
        self.next = next(messages);
        Poll::Ready(Some(Ok(Frame::data(Bytes::from(event("view", &message))))))
    }
}
