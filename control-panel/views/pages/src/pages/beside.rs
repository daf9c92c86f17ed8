//! What is shown beside the panel: peers, journals, mods, the policy.

use control_panel::console::{JournalRow, ModRow, PeerRow, View};

use crate::{
    table::{Cell, Column, Row, Table, Tone},
    words::{count, time},
};

const COLUMNS: [Column; 4] = [
    Column::text("what", 7, 7, 2),
    Column::text("name", 10, 40, 0),
    Column::text("state", 10, 40, 1),
    Column::text("figures", 12, 80, 3),
];

pub(super) fn table(view: &View) -> Table {
    let peers = view.peers.iter().map(|peer| {
        let tone = if peer.online { Tone::Good } else { Tone::Warn };
        ("peer", peer.name.clone(), peer.state.clone(), tone, of_peer(peer), false)
    });
    let journals = view.journals.iter().map(|journal| {
        let (state, tone) = match &journal.trouble {
            Some(trouble) => (trouble.clone(), Tone::Trouble),
            None => ("written".to_owned(), Tone::Good),
        };
        ("journal", journal.path.clone(), state, tone, of_journal(journal), journal.trouble.is_some())
    });
    let mods = view.mods.iter().map(|module| {
        let tone = if module.trouble.is_some() { Tone::Trouble } else { Tone::Text };
        ("mod", named(module), module.health.clone(), tone, of_mod(module), module.trouble.is_some())
    });
    let policy = view
        .policy
        .iter()
        .map(|fact| ("policy", fact.name.clone(), fact.value.clone(), Tone::Text, String::new(), false));
    let rows = peers.chain(journals).chain(mods).chain(policy).zip(0..);
    let rows = rows.map(|((what, name, state, tone, figures, trouble), id)| Row {
        id,
        trouble,
        cells: vec![
            Cell::text(what).tone(Tone::Dim),
            Cell::text(name),
            Cell::text(state).tone(tone),
            Cell::text(figures),
        ],
    });
    Table {
        columns: &COLUMNS,
        rows: rows.collect(),
        empty: "no peers, no journal, no mods, and the program shows no policy",
        left_out: view.exhibits_left_out as u64,
    }
}

fn named(module: &ModRow) -> String {
    match &module.version {
        Some(version) => format!("{} {version}", module.name),
        None => module.name.clone(),
    }
}

fn of_peer(peer: &PeerRow) -> String {
    let mut figures = Vec::new();
    figures.extend(peer.lag.map(|lag| format!("lacks {}", count(lag))));
    figures.extend(peer.redo_depth.map(|depth| format!("redo {}", count(depth))));
    figures.extend(peer.bytes.map(|(sent, received)| format!("↑{}B ↓{}B", count(sent), count(received))));
    figures.join(", ")
}

fn of_journal(journal: &JournalRow) -> String {
    let mut figures = Vec::new();
    figures.extend(journal.bytes.map(|bytes| format!("{}B", count(bytes))));
    figures.push(format!("{} pending", count(journal.pending)));
    figures.extend(journal.last_fsync.map(|ago| format!("on disk {} ago", time(ago))));
    figures.join(", ")
}

fn of_mod(module: &ModRow) -> String {
    let mut figures = vec![format!("{} calls", count(module.calls))];
    if module.refused > 0 {
        figures.push(format!("{} refused", count(module.refused)));
    }
    figures.extend(module.trouble.clone());
    figures.join(", ")
}

pub(super) fn detail(view: &View, id: u64) -> Option<(String, String)> {
    let table = table(view);
    let row = table.rows.iter().find(|row| row.id == id)?;
    let text = |at: usize| row.cells.get(at).map(|cell| cell.text.clone()).unwrap_or_default();
    Some((format!("{} {}", text(0), text(1)), [text(2), text(3)].join("\n")))
}
