//! A journal's description of itself: the table `meta`.

use std::{collections::BTreeMap, fmt};

use redb::{ReadableTable, TableDefinition};

use super::{
    founders::{self, Founders},
    rows::check,
};
use crate::{
    journal::error::Fault,
    replica::{Peer, RunHash, codec::EncodeError},
};

/// Raised with each change of the tables or their rows.
pub(crate) const FORMAT: u64 = 6;
/// The first that is read: in those before, runs have other names.
const OLDEST: u64 = 6;

/// Names and values.
pub(super) type Rows = BTreeMap<String, Vec<u8>>;

pub(super) const META: TableDefinition<'_, &str, &[u8]> = TableDefinition::new("meta");

/// What a journal says of itself.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Meta {
    pub(crate) format: u64,
    /// How often it was opened for writing.
    pub(crate) session: u64,
    /// Of the last session, made of random bits.
    pub(crate) token: [u8; 16],
    /// Whether the last session closed it.
    pub(crate) clean: bool,
    /// Where it was then: machine, boot, folder and file, hashed. Zeros where that cannot be found out.
    pub(crate) whereabouts: [u8; 32],
    /// Of the replica; `None` until there is one.
    pub(crate) replica: Option<ReplicaMeta>,
    /// Of the replica's reducer.
    pub(crate) fingerprint: Option<u64>,
    /// Of the reducer that is recorded.
    pub(crate) reducer: Option<u64>,
    /// Why no snapshot of the replica took the place of its runs when that was tried last.
    pub(crate) unkept: Option<Unkept>,
}

impl Meta {
    /// The same, of the session after this one.
    pub(crate) fn of_next_session(self) -> Result<Self, Fault> {
        let session = self.session.checked_add(1);
        let session = session.ok_or_else(|| Fault::damaged("sessions are numbered to the end"))?;
        Ok(Self { session, ..self })
    }
}

/// What is wrong with a state of which no snapshot is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Unkept {
    /// Its `Serialize` fails, or panics.
    Unwritten = 1,
    /// Its `Deserialize` refuses what was written.
    Unread = 2,
    /// It is another when it is read back.
    Differs = 3,
}

impl Unkept {
    const ALL: [Self; 3] = [Self::Unwritten, Self::Unread, Self::Differs];

    pub(crate) fn of(error: &EncodeError) -> Self {
        match error {
            EncodeError::StateNotReadBack(_) => Self::Unread,
            EncodeError::StateDiffers => Self::Differs,
            _ => Self::Unwritten,
        }
    }
}

impl fmt::Display for Unkept {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Unwritten => "the replica's state cannot be written",
            Self::Unread => "the replica's state is written and cannot be read",
            Self::Differs => "the replica's state is another when it is read back",
        })
    }
}

/// What a journal says of its replica.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct ReplicaMeta {
    pub(crate) peer: Peer,
    /// The last that was handed out.
    pub(crate) incarnation: u32,
    pub(crate) genesis: RunHash,
    pub(crate) schema: u32,
}

/// The name of the row that finds a changed byte in the others.
const CHECK: &str = "check";

impl Meta {
    pub(super) fn write(
        &self,
        founders: Option<&Founders>,
        table: &mut redb::Table<'_, &str, &[u8]>,
    ) -> redb::Result {
        let rows = self.rows(founders);
        table.retain(|name, _| rows.contains_key(name))?;
        for (name, value) in &rows {
            table.insert(&name[..], &value[..])?;
        }
        Ok(())
    }

    fn rows(&self, founders: Option<&Founders>) -> Rows {
        let mut rows = Rows::new();
        if let Some(founders) = founders {
            founders::put(founders, &mut rows);
        }
        let mut put = |name: &str, value: &[u8]| drop(rows.insert(name.to_owned(), value.to_vec()));
        put("format", &self.format.to_le_bytes());
        put("session", &self.session.to_le_bytes());
        put("token", &self.token);
        put("clean", &[u8::from(self.clean)]);
        put("whereabouts", &self.whereabouts);
        for (name, fingerprint) in [("fingerprint", self.fingerprint), ("reducer", self.reducer)] {
            if let Some(fingerprint) = fingerprint {
                put(name, &fingerprint.to_le_bytes());
            }
        }
        if let Some(unkept) = self.unkept {
            put("uncompacted", &[unkept as u8]);
        }
        if let Some(ReplicaMeta { peer, incarnation, genesis, schema }) = self.replica {
            put("peer", &peer.0);
            put("incarnation", &incarnation.to_le_bytes());
            put("genesis", &genesis.0);
            put("schema", &schema.to_le_bytes());
        }
        let check = check_of(&rows);
        rows.insert(CHECK.to_owned(), check.to_vec());
        rows
    }

    pub(super) fn read(table: &impl ReadableTable<&'static str, &'static [u8]>) -> Result<Self, Fault> {
        Self::of(&read_rows(table)?)
    }

    pub(super) fn of(rows: &Rows) -> Result<Self, Fault> {
        let format = u64::from_le_bytes(field(rows, "format")?.ok_or(Fault::NotAJournal)?);
        if format > FORMAT {
            return Err(Fault::NewerFormat { found: format, known: FORMAT });
        }
        if format < OLDEST {
            return Err(Fault::OlderFormat { found: format, oldest: OLDEST });
        }
        if rows.get(CHECK).is_none_or(|found| *found != check_of(rows)) {
            return Err(Fault::damaged("a row of `meta` is another than was written"));
        }
        let missing = || Fault::damaged("a field of `meta` is missing");
        let clean: [u8; 1] = field(rows, "clean")?.ok_or_else(missing)?;
        let replica = match field(rows, "peer")? {
            None => None,
            Some(peer) => Some(ReplicaMeta {
                peer: Peer(peer),
                incarnation: u32::from_le_bytes(field(rows, "incarnation")?.ok_or_else(missing)?),
                genesis: RunHash(field(rows, "genesis")?.ok_or_else(missing)?),
                schema: u32::from_le_bytes(field(rows, "schema")?.ok_or_else(missing)?),
            }),
        };
        Ok(Self {
            format,
            session: u64::from_le_bytes(field(rows, "session")?.ok_or_else(missing)?),
            token: field(rows, "token")?.ok_or_else(missing)?,
            clean: clean == [1],
            whereabouts: field(rows, "whereabouts")?.ok_or_else(missing)?,
            replica,
            fingerprint: field(rows, "fingerprint")?.map(u64::from_le_bytes),
            reducer: field(rows, "reducer")?.map(u64::from_le_bytes),
            unkept: field(rows, "uncompacted")?
                .and_then(|[found]: [u8; 1]| Unkept::ALL.into_iter().find(|unkept| *unkept as u8 == found)),
        })
    }
}

pub(super) fn read_rows(table: &impl ReadableTable<&'static str, &'static [u8]>) -> Result<Rows, Fault> {
    let mut rows = Rows::new();
    for row in table.iter().map_err(super::fault_of)? {
        let (name, value) = row.map_err(super::fault_of)?;
        rows.insert(name.value().to_owned(), value.value().to_vec());
    }
    Ok(rows)
}

fn check_of(rows: &Rows) -> [u8; 8] {
    let mut all = Vec::new();
    for (name, value) in rows.iter().filter(|(name, _)| *name != CHECK) {
        all.extend_from_slice(&check("meta", name.as_bytes(), value));
    }
    check("meta", &[], &all)
}

fn field<const N: usize>(rows: &Rows, name: &'static str) -> Result<Option<[u8; N]>, Fault> {
    let Some(value) = rows.get(name) else { return Ok(None) };
    let wrong = |_| Fault::damaged(format_args!("`{name}` in `meta` has another length"));
    value[..].try_into().map(Some).map_err(wrong)
}
