//! What a journal says of itself.

use redb::{ReadableTable, TableDefinition};

use crate::{
    journal::error::Fault,
    replica::{Peer, RunHash},
};

/// Raised with each change of the tables or their rows.
pub(crate) const FORMAT: u64 = 2;
/// The first that is read.
const OLDEST: u64 = 2;

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

impl Meta {
    pub(super) fn write(&self, table: &mut redb::Table<'_, &str, &[u8]>) -> redb::Result {
        table.insert("format", &self.format.to_le_bytes()[..])?;
        table.insert("session", &self.session.to_le_bytes()[..])?;
        table.insert("token", &self.token[..])?;
        table.insert("clean", &[u8::from(self.clean)][..])?;
        table.insert("whereabouts", &self.whereabouts[..])?;
        for (name, fingerprint) in [("fingerprint", self.fingerprint), ("reducer", self.reducer)] {
            match fingerprint {
                Some(fingerprint) => table.insert(name, &fingerprint.to_le_bytes()[..])?,
                None => table.remove(name)?,
            };
        }
        if let Some(ReplicaMeta { peer, incarnation, genesis, schema }) = self.replica {
            table.insert("peer", &peer.0[..])?;
            table.insert("incarnation", &incarnation.to_le_bytes()[..])?;
            table.insert("genesis", &genesis.0[..])?;
            table.insert("schema", &schema.to_le_bytes()[..])?;
        }
        Ok(())
    }

    pub(super) fn read(table: &impl ReadableTable<&'static str, &'static [u8]>) -> Result<Self, Fault> {
        let format = u64::from_le_bytes(field(table, "format")?.ok_or(Fault::NotAJournal)?);
        if format > FORMAT {
            return Err(Fault::NewerFormat { found: format, known: FORMAT });
        }
        if format < OLDEST {
            return Err(Fault::OlderFormat { found: format, oldest: OLDEST });
        }
        let missing = || Fault::damaged("a field of `meta` is missing");
        let clean: [u8; 1] = field(table, "clean")?.ok_or_else(missing)?;
        let replica = match field(table, "peer")? {
            None => None,
            Some(peer) => Some(ReplicaMeta {
                peer: Peer(peer),
                incarnation: u32::from_le_bytes(field(table, "incarnation")?.ok_or_else(missing)?),
                genesis: RunHash(field(table, "genesis")?.ok_or_else(missing)?),
                schema: u32::from_le_bytes(field(table, "schema")?.ok_or_else(missing)?),
            }),
        };
        Ok(Self {
            format,
            session: u64::from_le_bytes(field(table, "session")?.ok_or_else(missing)?),
            token: field(table, "token")?.ok_or_else(missing)?,
            clean: clean == [1],
            whereabouts: field(table, "whereabouts")?.ok_or_else(missing)?,
            replica,
            fingerprint: field(table, "fingerprint")?.map(u64::from_le_bytes),
            reducer: field(table, "reducer")?.map(u64::from_le_bytes),
        })
    }
}

fn field<const N: usize>(
    table: &impl ReadableTable<&'static str, &'static [u8]>,
    name: &'static str,
) -> Result<Option<[u8; N]>, Fault> {
    let Some(value) = table.get(name).map_err(super::fault_of)? else { return Ok(None) };
    let wrong = |_| Fault::damaged(format_args!("`{name}` in `meta` has another length"));
    value.value().try_into().map(Some).map_err(wrong)
}
