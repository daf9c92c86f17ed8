//! Commands to a worker, and questions with an answer.
//!
//! A worker that declares an inbox receives commands of one type through its [`Inbox`]. Its handle sends them;
//! [`broadcast_command`](crate::ControlPanel::broadcast_command) sends one to all workers of a name and returns a [`Broadcast`].
//!
//! A question is a command or an intent that carries a [`Reply`]. The receiver answers through the reply, and the caller awaits
//! the [`Answer`]. If the reply is dropped unanswered, the answer is an error, so no caller waits forever.
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
