//! The workers: one listens, and one serves each connection.

use crate::{
    Limits,
    counters::{Command, Origin, Request},
};
use control_panel::{
    Context, SendError,
    context::{Raced, race},
    requests::reply,
    supervision::Tasks,
    worker,
};
use std::{io, net, sync::Arc, time::Duration};
use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader},
    net::{
        TcpListener, TcpStream,
        tcp::{OwnedReadHalf, OwnedWriteHalf},
    },
    time::timeout,
};

/// A longer line ends its connection.
const LONGEST_LINE: u64 = 1024;

/// Accepts connections. Fails, and is restarted after a while, where the system has no more sockets to give.
#[worker(source = Origin::Client, restart = on_failure, backoff = "50ms", max_backoff = "1s")]
pub async fn listen(
    cx: Context<Command>,
    listener: Arc<net::TcpListener>,
    connections: Tasks<Command>,
    limits: Limits,
) -> io::Result<()> {
    let listener = listener.try_clone()?;
    listener.set_nonblocking(true)?;
    let listener = TcpListener::from_std(listener)?;
    cx.healthy();
    loop {
        let (mut stream, _) = listener.accept().await?;
        if connections.len() < limits.connections {
            connections.spawn_serve(stream, limits);
        } else {
            // A new socket's buffer is empty: this does not wait.
            let _ = timeout(
                Duration::from_millis(100),
                stream.write_all(b"err too many connections\n"),
            )
            .await;
        }
    }
}

/// Serves one connection: reads a command, asks the reducer, writes its answer.
#[worker(source = Origin::Client, cancel = cooperative, grace = "3s")]
pub async fn serve(cx: Context<Command>, stream: TcpStream, limits: Limits) {
    let (read, write) = stream.into_split();
    // What the client did to its connection is no failure of the worker.
    let _ = converse(&cx, read, write, limits).await;
}

async fn converse(
    cx: &Context<Command>,
    read: OwnedReadHalf,
    mut write: OwnedWriteHalf,
    limits: Limits,
) -> io::Result<()> {
    let mut read = BufReader::new(read);
    let mut line = Vec::new();
    loop {
        line.clear();
        let mut bounded = (&mut read).take(LONGEST_LINE);
        let reading = timeout(limits.idle, bounded.read_until(b'\n', &mut line));
        let answer = match race(cx.cancelled(), reading).await {
            Raced::First(()) => "err shutting down".to_owned(),
            Raced::Second(Err(_)) => "err idle".to_owned(),
            Raced::Second(Ok(Err(error))) => return Err(error),
            Raced::Second(Ok(Ok(0))) => return Ok(()),
            Raced::Second(Ok(Ok(_))) if line.last() != Some(&b'\n') => "err line too long".to_owned(),
            Raced::Second(Ok(Ok(_))) => {
                let text = String::from_utf8_lossy(&line);
                let answer = match text.trim() {
                    "quit" => "bye".to_owned(),
                    text => match Request::parse(text) {
                        Some(request) => ask(cx, request, limits).await,
                        None => "err what?".to_owned(),
                    },
                };
                let ends = answer == "bye";
                say(&mut write, answer, limits).await?;
                if ends {
                    return Ok(());
                }
                continue;
            }
        };
        return say(&mut write, answer, limits).await;
    }
}

/// Asks the reducer. Not `cx.request`: that stops waiting once the worker is asked to stop, and an accepted command is
/// to be answered, by the frames of `shutdown_draining`.
async fn ask(cx: &Context<Command>, request: Request, limits: Limits) -> String {
    let (reply, answer) = reply();
    match cx
        .send_timeout(Command::Asked(request, reply), limits.queue_wait)
        .await
    {
        Ok(()) => answer.await.unwrap_or_else(|_| "err no answer".to_owned()),
        Err(SendError::Timeout(_)) => "err busy, try again".to_owned(),
        Err(_) => "err shutting down".to_owned(),
    }
}

async fn say(write: &mut OwnedWriteHalf, mut answer: String, limits: Limits) -> io::Result<()> {
    answer.push('\n');
    timeout(limits.write, write.write_all(answer.as_bytes())).await?
}

#[cfg(test)]
mod tests {
    use super::*;
    use control_panel::{ControlPanel, testing};

    #[test]
    fn a_full_queue_is_said_and_not_waited_for() {
        let builder = ControlPanel::<Command>::builder().capacity(1);
        testing::paused_with(builder, async |panel: &mut ControlPanel<Command>| {
            let cx = panel.context(Origin::Client);
            let full = panel.sender(Origin::Client);
            while full.try_send(Command::Asked(Request::List, reply().0)).is_ok() {}
            let answer = ask(&cx, Request::List, Limits::default()).await;
            assert_eq!(answer, "err busy, try again");
        });
    }

    #[test]
    fn a_loop_that_is_gone_is_said() {
        testing::paused(async |panel: &mut ControlPanel<Command>| {
            let cx = panel.context(Origin::Client);
            panel.shutdown().await;
            let answer = ask(&cx, Request::List, Limits::default()).await;
            assert_eq!(answer, "err shutting down");
        });
    }
}
