//! What the summary says of this program's own.

/// What became of what the prefetch scheduler chose.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct PrefetchTally {
    pub(crate) promoted: u64,
    /// Chosen when there was no place any more, or no need.
    pub(crate) declined: u64,
    /// Visited while active or warm.
    pub(crate) visited: u64,
}

/// What was typed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct CommandTally {
    /// How often the policy was changed.
    pub(crate) policies: u64,
    /// How often somebody asked how things are.
    pub(crate) questions: u64,
    /// How often somebody asked what there is.
    pub(crate) listings: u64,
    /// How many tickets were asked for: for peers that write, and for owners.
    pub(crate) invites: [u64; 2],
    /// Whether somebody asked for the end.
    pub(crate) quit: bool,
}
