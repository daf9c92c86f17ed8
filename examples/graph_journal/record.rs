//! `record`: runs the editor, and records it.

use std::{
    io::{self, Write},
    path::PathBuf,
    process::ExitCode,
    time::Duration,
};

use clap::Parser;
use control_panel::{Context, ControlPanel, IntentSource, journal::Journal, worker};
use fastrand::Rng;

use crate::{
    app::{Edit, Site},
    remarks::{self, Remark, THERE},
};

/// Runs an editor of a link graph, and records each of its frames.
#[derive(Parser)]
#[command(bin_name = "graph_journal record")]
struct Options {
    /// The journal: made if it is not there, else gone on with.
    file: PathBuf,
    /// What the workers edit.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// How many frames.
    #[arg(long, default_value_t = 200)]
    frames: u32,
    /// Where earlier sessions recorded more bytes than this, what they recorded is let go of.
    #[arg(long, value_name = "BYTES")]
    keep: Option<u64>,
}

/// Edits pages at random: a tenth of them.
#[worker(source = IntentSource::ServoDelegate)]
async fn editor(cx: Context<Edit>, seed: u64) {
    let mut rng = Rng::with_seed(seed);
    let mut page = move || rng.u32(..40);
    let mut chance = Rng::with_seed(!seed);
    loop {
        let edit = match chance.u32(..20) {
            0..8 => Edit::Add(page()),
            8..16 => Edit::Link(page(), page()),
            16 => Edit::Rename { page: page(), title: format!("about {}", page()) },
            _ => Edit::Remove(page()),
        };
        if cx.send(edit).await.is_err() {
            return;
        }
        if chance.u32(..8) == 0 {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    }
}

/// Remarks on pages, somewhere else: a replica of its own, of which each change comes here. A session is a life of its own, as it has no journal.
#[worker(source = IntentSource::P2pSync)]
async fn peer(cx: Context<Edit>, session: u32) {
    let mut remarks = remarks::builder(THERE).incarnation(session).build();
    for number in 0.. {
        remarks.commit(Remark { page: number % 40, text: format!("seen {number}") });
        let _ = remarks.settle();
        if let Some(delta) = remarks.outbox()
            && cx.send(Edit::FromPeer { delta }).await.is_err()
        {
            return;
        }
        tokio::time::sleep(Duration::from_millis(3)).await;
    }
}

/// Asks how large it is.
#[worker(source = IntentSource::Restore)]
async fn counter(cx: Context<Edit>) {
    while cx.request(Edit::Count).await.is_ok() {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

pub(crate) fn main() -> ExitCode {
    let options = Options::parse_from(std::env::args_os().skip(1));
    match record(&options) {
        Ok(site) => {
            // What reads it may have seen enough.
            let _ = writeln!(
                io::stdout(),
                "{} edits, {} pages: {}",
                site.edits,
                site.pages.len(),
                options.file.display()
            );
            ExitCode::SUCCESS
        }
        Err(error) => {
            let _ = writeln!(io::stderr(), "error: {error}");
            ExitCode::from(3)
        }
    }
}

fn record(options: &Options) -> Result<Site, Box<dyn std::error::Error>> {
    let journal = Journal::open(&options.file)?;
    if let Some(bytes) = options.keep {
        journal.keep_recorded(bytes);
    }
    let mut panel = ControlPanel::<Edit>::builder().capacity(64).record(&journal).try_build()?;
    let mut site: Site = journal.begin()?;
    panel.spawn_editor(options.seed);
    panel.spawn_counter();
    panel.spawn_peer(u32::try_from(journal.session())?);
    for frame in 0..options.frames {
        let x = f32::from(u16::try_from(frame % 1000)?);
        let remark =
            (frame % 20 == 7).then(|| Edit::Remark(Remark { page: frame % 40, text: "mine".to_owned() }));
        let local = [Edit::MouseMoved(x, x)].into_iter().chain(remark);
        panel.run_frame(&mut site, &mut (), local.map(|edit| (IntentSource::LocalUI, edit)));
        panel.wait_ready_timeout(Duration::from_millis(4));
    }
    let _ = panel.shutdown_blocking();
    drop(panel);
    journal.close()?;
    Ok(site)
}
