//! Commands to a worker, and questions with an answer.
//!
//! A worker that names an inbox type has a typed [`Inbox`] of commands, which its handle sends; several workers can share one
//! by a [`Broadcast`]. A [`Reply`] is the half that answers a question, in a command or in an intent, and its [`Answer`] is the
//! half that waits: a question that is dropped unanswered ends in an error, never in a wait without end.
//!
//! ```
//! use control_panel::{
//!     Context, ControlPanel, GraphIntent, IntentSource, worker,
//!     requests::{Reply, reply},
//! };
//!
//! #[derive(GraphIntent)]
//! enum Update {}
//!
//! struct Length(&'static str, Reply<usize>);
//!
//! #[worker(source = IntentSource::Restore, inbox = Length)]
//! async fn measure(cx: Context<Update>) {
//!     let mut inbox = cx.inbox::<Length>();
//!     while let Some(Length(text, reply)) = inbox.recv().await {
//!         reply.send(text.len());
//!     }
//! }
//!
//! let panel = ControlPanel::<Update>::new();
//! let worker = panel.spawn_measure();
//! let (reply, mut answer) = reply();
//! worker.send(Length("four", reply)).unwrap();
//! assert_eq!(answer.take_blocking(), Ok(4));
//! ```

pub use crate::{
    lifecycle::{error::CommandError, no_reply::NoReply},
    worker::{
        inbox::{Broadcast, Inbox, NoInbox},
        reply::{Answer, Reply, RequestError, reply},
    },
};
