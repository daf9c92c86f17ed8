//! A service that is async throughout, but for its state: a line protocol over TCP.
//!
//!     cargo run --manifest-path examples/neighbours/Cargo.toml --example tcp
//!     printf 'SET a 1\nGET a\n' | nc 127.0.0.1 PORT
//!
//! What to look for: nothing is locked. Each connection is a worker; it asks the loop, which owns the store, and waits for the
//! answer. At most 64 connections are served at a time and 256 wait; Ctrl-C ends all of them within the deadline.

use std::{collections::BTreeMap, error::Error, io};

use control_panel::{
    Context, ControlPanel, GraphIntent, IntentSource, QueuedIntent, Reducer, requests::Reply, signals,
    supervision::Tasks, worker,
};
use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader},
    net::{TcpListener, TcpStream},
    runtime::Builder,
};

/// The longest line that is read.
const LONGEST: u64 = 4096;

#[derive(GraphIntent)]
enum Update {
    Asked { line: String, reply: Reply<String> },
}

/// The state: what the service knows.
#[derive(Default)]
struct Store(BTreeMap<String, String>);

impl Store {
    fn answer(&mut self, line: &str) -> String {
        match line.split_whitespace().collect::<Vec<_>>()[..] {
            ["GET", key] => self.0.get(key).map_or("NONE".into(), |value| format!("VALUE {value}")),
            ["SET", key, value] => {
                self.0.insert(key.into(), value.into());
                "OK".into()
            }
            _ => "ERROR write `GET key` or `SET key value`".into(),
        }
    }
}

impl Reducer for Store {
    type Intent = Update;

    fn apply(&mut self, queued: QueuedIntent<Update>) {
        let Update::Asked { line, reply } = queued.intent;
        reply.send(self.answer(&line));
    }
}

#[worker(source = IntentSource::P2pSync)]
async fn serve(cx: Context<Update>, stream: TcpStream) -> io::Result<()> {
    let (input, mut output) = stream.into_split();
    let mut input = BufReader::new(input);
    loop {
        let mut line = String::new();
        // A client that sends no end of a line is not read forever.
        if (&mut input).take(LONGEST).read_line(&mut line).await? == 0 {
            return Ok(());
        }
        let Ok(answer) = cx.request(|reply| Update::Asked { line, reply }).await else {
            return Ok(()); // the service ends
        };
        output.write_all(format!("{answer}\n").as_bytes()).await?;
    }
}

#[worker(source = IntentSource::P2pSync)]
async fn listen(_cx: Context<Update>, listener: TcpListener, connections: Tasks<Update>) -> io::Result<()> {
    loop {
        let (stream, _) = listener.accept().await?;
        // One too many is refused: its stream is dropped, which closes it.
        connections.spawn_serve(stream);
    }
}

/// Serves until `stop` resolves.
async fn run(listener: TcpListener, stop: impl Future<Output = ()>) -> control_panel::ShutdownReport {
    let mut panel = ControlPanel::<Update>::new(); // on the runtime that is there
    panel.spawn_listen(listener, panel.tasks().limit(64));
    let mut store = Store::default();
    let mut stop = std::pin::pin!(stop);
    loop {
        let next = control_panel::context::race(stop.as_mut(), panel.wait_ready()).await;
        if matches!(next, control_panel::context::Raced::First(())) {
            break;
        }
        panel.run_frame(&mut store, &mut (), []);
    }
    panel.shutdown().await
}

fn main() -> Result<(), Box<dyn Error>> {
    let stop = signals::listen()?;
    let runtime = Builder::new_multi_thread().enable_all().build()?;
    let report = runtime.block_on(async {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        println!("listening on {}; Ctrl-C ends it", listener.local_addr()?);
        Ok::<_, io::Error>(run(listener, stop.requested()).await)
    })?;
    println!("{report}");
    runtime.shutdown_background();
    Ok(())
}

#[test]
fn two_clients_share_one_store_and_the_end_closes_them() {
    let runtime = Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    runtime.block_on(async {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (end, ended) = tokio::sync::oneshot::channel::<()>();
        let service = tokio::spawn(run(listener, async { _ = ended.await }));

        let mut streams = Vec::new();
        for said in ["SET a 1\n", "GET a\nwhat\n"] {
            let mut stream = BufReader::new(TcpStream::connect(address).await.unwrap());
            stream.get_mut().write_all(said.as_bytes()).await.unwrap();
            let mut answer = String::new();
            stream.read_line(&mut answer).await.unwrap();
            streams.push((stream, answer));
        }
        let answers: Vec<_> = streams.iter().map(|(_, answer)| answer.trim()).collect();
        assert_eq!(answers, ["OK", "VALUE 1"]);

        let (mut last, _) = streams.pop().unwrap();
        let mut error = String::new();
        last.read_line(&mut error).await.unwrap();
        assert!(error.starts_with("ERROR write `GET key`"), "{error}");

        end.send(()).unwrap();
        let report = service.await.unwrap();
        assert!(report.is_clean(), "{report}");
        let mut rest = String::new();
        last.read_to_string(&mut rest).await.unwrap();
        assert!(rest.is_empty(), "it was closed: {rest}");
    });
}
