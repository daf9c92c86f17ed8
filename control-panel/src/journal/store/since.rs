//! What another replica lacks, of what is in the file.

use std::{collections::BTreeSet, sync::Arc};

use super::{
    OPS, RETURNED, Reader, fault_of,
    reader::named,
    rows::{self, AuthorId},
};
use crate::{
    journal::{
        error::Fault,
        record::{RunPlace, RunRecord},
        serve::Unread,
    },
    replica::{
        Author, Version,
        codec::{decode_run, name_run},
        run::Run,
    },
};

impl Reader {
    /// Admitted runs that a replica of that version lacks, each behind its past. Where it has an end of an author's chain that is not here, it gets all
    /// of that author: that is how forks are found.
    pub(crate) fn since(&self, version: &Version) -> Result<Vec<Arc<Run<()>>>, Fault> {
        let mut runs = Vec::new();
        for (id, author) in (0..).zip(self.author_list()) {
            let (from, has) = match self.lacks_from(id, *author, version)? {
                Some(from) => (from, version.get(*author)),
                None => (0, 0),
            };
            for run in self.runs_between(id, *author, from..u64::MAX)? {
                let run = run?;
                if !run.admitted {
                    continue;
                }
                let run: Arc<Run<()>> =
                    decode_run(&run.bytes().map_err(Fault::Encode)?, &Unread).map_err(Fault::Run)?;
                if run.next_seq() > has {
                    runs.push(run);
                }
            }
        }
        // A run's time is above those of all in its past.
        runs.sort_by_key(|run| (run.header.lamport, run.header.author, run.header.seq));
        Ok(runs)
    }

    /// The number of the first operation of the first run that may be lacking; `None` if all of the author's are to be sent.
    fn lacks_from(&self, id: AuthorId, author: Author, version: &Version) -> Result<Option<u64>, Fault> {
        for end in version.ends(author) {
            // Of a fork there are several that end there.
            let mut before = self.runs_between(id, author, 0..end.next_seq)?.rev();
            // What is behind here altogether cannot tell.
            let mut reaches = self.runs_between(id, author, end.next_seq..u64::MAX)?.next().is_some();
            let mut last = None;
            let known = loop {
                let Some(run) = before.next().transpose()? else { break false };
                if *last.get_or_insert(run.key.seq) != run.key.seq {
                    break false;
                }
                let name = name_run(&run.bytes().map_err(Fault::Encode)?).map_err(Fault::Run)?;
                reaches |= name.next_seq >= end.next_seq;
                if name.hash == end.hash {
                    break true;
                }
            };
            if reaches && !known {
                return Ok(None);
            }
        }
        // The run that the count is in the middle of, if it is.
        let count = version.get(author);
        let mut before = self.runs_between(id, author, 0..count)?.rev();
        Ok(Some(before.next().transpose()?.map_or(0, |run| run.key.seq)))
    }

    /// Those whose first operation has a number in this range.
    fn runs_between(
        &self,
        id: AuthorId,
        author: Author,
        numbers: std::ops::Range<u64>,
    ) -> Result<impl DoubleEndedIterator<Item = Result<RunRecord, Fault>> + '_, Fault> {
        let table = self.transaction().open_table(OPS).map_err(fault_of)?;
        let key = |seq| rows::put_place(id, &RunPlace { author, seq, prefix: [0; 8] });
        let rows =
            table.range_owned::<&[u8]>(&key(numbers.start)[..]..&key(numbers.end)[..]).map_err(fault_of)?;
        Ok(rows.map(move |row| {
            let (key, value) = row.map_err(fault_of)?;
            let place = rows::read_place(key.value(), |_| Some(author)).map_err(Fault::damaged)?;
            named(place, value.value())
        }))
    }

    /// Void runs that the program has back.
    pub(crate) fn returned(&self) -> Result<BTreeSet<RunPlace>, Fault> {
        let table = self.transaction().open_table(RETURNED).map_err(fault_of)?;
        let authors = self.author_list();
        let place = |row: Result<_, redb::StorageError>| {
            let (key, _): (redb::OwnedAccessGuard<&[u8]>, redb::OwnedAccessGuard<()>) =
                row.map_err(fault_of)?;
            rows::read_place(key.value(), |id| authors.get(id as usize).copied()).map_err(Fault::damaged)
        };
        table.range_owned::<&[u8]>(..).map_err(fault_of)?.map(place).collect()
    }
}
