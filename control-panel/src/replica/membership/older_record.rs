//! What a membership found out, as the format before had it: it says nothing of the words of those that retire a senior.

use super::record::{ChainRecord, Record, SeenRecord};

/// All that a membership found out by the rules before, where a retirement had all votes without its author's.
#[derive(Debug, serde::Serialize, serde::Deserialize)]
#[serde(transparent)]
pub(crate) struct OlderRecord(Record<OlderChain>);

#[derive(Debug, serde::Serialize, serde::Deserialize)]
struct OlderChain {
    seen: Vec<SeenRecord>,
    finals: Vec<(usize, u64)>,
    low: u64,
}

impl OlderRecord {
    /// The record in today's format. `None` where one of its retirements may need a word: the old format does not hold when a
    /// word was given, and for what is forgotten it cannot be derived.
    pub(crate) fn record(self) -> Option<Record> {
        let with_words =
            |OlderChain { seen, finals, low }| ChainRecord { seen, voted: Vec::new(), finals, low };
        let needs_none = self.0.acts.iter().all(|act| !act.may_need_word());
        needs_none.then(|| self.0.map_chains(with_words))
    }

    /// What the format before had of a record.
    #[cfg(test)]
    pub(crate) fn of(record: Record) -> Self {
        Self(record.map_chains(|ChainRecord { seen, finals, low, .. }| OlderChain { seen, finals, low }))
    }
}
