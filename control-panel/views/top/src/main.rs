//! `control-panel top ADDRESS`: looks at a running program's dashboard from another terminal.

mod address;
mod app;
mod cli;
mod command;
mod control;
mod follow;
mod http;
mod keys;
mod read;
mod token;

use std::{
    error::Error,
    io::{self, IsTerminal, Write},
    process::ExitCode,
    thread,
    time::{Duration, Instant},
};

use clap::Parser;
use control_panel::{
    ControlPanel, IntentSource,
    signals::{self, Stop},
};
use control_panel_ratatui::{ConsoleState, ConsoleWidget, INTERVAL, Page, Palette, TICK};
use ratatui::{DefaultTerminal, Terminal, backend::TestBackend};

use crate::{
    app::{App, Ending, Update},
    cli::{Cli, Command, Top},
    command::Ask,
    read::Status,
    token::Token,
};

fn main() -> ExitCode {
    let Command::Top(top) = Cli::parse().command;
    let variable = std::env::var(token::VARIABLE).ok();
    let token = match Token::find(top.token_file.as_deref(), variable.as_deref()) {
        Ok(token) => token,
        Err(why) => {
            say(&why);
            return ExitCode::from(2);
        }
    };
    if let Some(token) = &token
        && let Err(error) = control::check(&top.address, token, top.patience)
    {
        say(&format!("{}: {error}", top.address));
        return ExitCode::from(error.exit_code());
    }
    let status = match read::status(&top.address, top.patience) {
        Ok(status) => status,
        Err(error) => {
            say(&format!("{}: {error}", top.address));
            return ExitCode::from(error.exit_code());
        }
    };
    let shown = if top.once || !io::stdout().is_terminal() {
        print(&status, top.width).map(|()| ExitCode::SUCCESS)
    } else {
        show(&top, token.as_ref(), status)
    };
    shown.unwrap_or_else(|error| {
        say(&format!("the terminal cannot be used: {error}"));
        ExitCode::FAILURE
    })
}

/// Shows it until somebody ends it.
fn show(top: &Top, token: Option<&Token>, status: Status) -> Result<ExitCode, Box<dyn Error>> {
    let stop = signals::listen()?;
    let mut panel =
        ControlPanel::<Update>::builder().name("top").shutdown_timeout(Duration::from_secs(2)).build();
    let mut app = App::new(status, Palette::detect(), token.is_some());
    // Also gives the terminal back before a panic is printed; a worker's panic is no reason to.
    let mut terminal = ratatui::try_init()?;
    std::panic::set_hook(control_panel::supervision::skip_supervised_panics(std::panic::take_hook()));
    let wake = panel.sender(IntentSource::LocalUI);
    stop.on_request(move || _ = wake.try_send(Update::Signal));
    panel.spawn(follow::follow(top.address.clone(), top.patience));
    panel.spawn(keys::keys());
    let shown = run(&mut panel, &mut app, &mut terminal, &stop, |panel, ask| {
        if let Some(token) = token {
            panel.spawn(control::ask(top.address.clone(), token.clone(), top.patience, ask));
        }
    });
    ratatui::try_restore()?;
    // The connection is read in short steps: it is over in time.
    panel.shutdown_blocking();
    shown?;
    Ok(match (app.ending, stop.signal()) {
        (Some(Ending::Blind(why)), _) => return Err(why.into()),
        (Some(Ending::CtrlC), _) => ExitCode::from(130),
        (_, Some(signals::Signal::Terminate)) => ExitCode::from(143),
        (_, Some(_)) => ExitCode::from(130),
        (Some(Ending::Quit) | None, None) => ExitCode::SUCCESS,
    })
}

fn run(
    panel: &mut ControlPanel<Update>,
    app: &mut App,
    terminal: &mut DefaultTerminal,
    stop: &Stop,
    do_it: impl Fn(&ControlPanel<Update>, Ask),
) -> io::Result<()> {
    let mut drawn: Option<Instant> = None;
    while app.ending.is_none() && stop.signal().is_none() {
        panel.run_frame(app, &mut (), []);
        if let Some(ask) = app.next_ask() {
            do_it(panel, ask);
        }
        // What only time changes is drawn too: ages, and that nothing is heard.
        if app.changed || drawn.is_none_or(|drawn| drawn.elapsed() >= TICK) {
            // A key is answered immediately, a flood of news at a bounded rate.
            if let Some(left) = drawn.and_then(|drawn| (INTERVAL / 3).checked_sub(drawn.elapsed())) {
                thread::sleep(left);
                panel.run_frame(app, &mut (), []);
            }
            terminal.draw(|frame| app.draw(frame))?;
            drawn = Some(Instant::now());
        }
        panel.wait_ready_timeout(TICK);
    }
    Ok(())
}

/// Prints all pages, one below the other, as text.
fn print(status: &Status, width: u16) -> Result<(), Box<dyn Error>> {
    let mut out = io::stdout().lock();
    for page in Page::ALL {
        let rows = status.view.workers.len().max(status.view.ends.len()).min(1_000);
        let height = u16::try_from(rows + 24).unwrap_or(u16::MAX);
        let mut terminal = Terminal::new(TestBackend::new(width, height))?;
        let mut state = ConsoleState::default();
        state.set_page(page);
        terminal.draw(|frame| {
            let widget = ConsoleWidget::new(&status.view, &status.history).palette(Palette::Plain);
            frame.render_stateful_widget(widget, frame.area(), &mut state);
        })?;
        let buffer = terminal.backend().buffer();
        let lines = buffer.content.chunks(usize::from(width));
        let lines: Vec<String> =
            lines.map(|row| row.iter().map(ratatui::buffer::Cell::symbol).collect()).collect();
        // The head once; the keys, which are in the last line, not at all.
        let from = if page == Page::ALL[0] {
            0
        } else {
            lines.iter().position(|line| line.starts_with(" 1 ")).unwrap_or(0)
        };
        let end = lines.len() - 1;
        let lines = lines[from..end].iter().map(|line| line.trim_end()).filter(|line| !line.is_empty());
        for line in lines {
            match writeln!(out, "{line}") {
                Err(error) if error.kind() == io::ErrorKind::BrokenPipe => return Ok(()),
                written => written?,
            }
        }
    }
    Ok(())
}

/// A line on stderr; that it is not read is no reason to fail.
fn say(line: &str) {
    writeln!(io::stderr(), "{line}").ok();
}
