//! What a replica read during a frame that no call brought: what its keeper answered, whether a job was lost, and
//! whether it was slow. A record of the frame has the
//! answers, and a replay gives them again.

use std::cell::RefCell;

thread_local! {
    static ANSWERS: RefCell<Option<Answers>> = const { RefCell::new(None) };
}

/// What is asked: all but the last three of a keeper.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Question {
    /// How many of this author's operations are durable.
    Durable = 0,
    /// Whether it accepts a commit.
    Accepts = 1,
    /// Whether it has room for a delta.
    HasRoom = 2,
    /// Whether the [job](super::Redo) that is somewhere else is lost: where it is dropped no call says so.
    JobLost = 3,
    /// As which life the replica began: asked once.
    Life = 4,
    /// Whether [operations](super::ReplicaBuilder::slow_after) took too long to apply.
    TooSlow = 5,
}

/// An unusual answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Answer {
    /// By its place among those of [`Question`].
    pub(crate) question: u8,
    /// How often the question was asked in the frame before.
    pub(crate) nth: u64,
    pub(crate) value: u64,
}

impl Answer {
    /// As which life the frame's replica began, if this says so.
    #[cfg(feature = "journal")]
    pub(crate) fn life(&self) -> Option<u32> {
        (self.question == Question::Life as u8).then(|| u32::try_from(self.value).ok()).flatten()
    }
}

/// Those of the frame that runs on this thread.
#[derive(Debug, Default)]
pub(crate) struct Answers {
    asked: [u64; 6],
    /// All but the usual ones.
    unusual: Vec<Answer>,
    replays: bool,
}

#[cfg_attr(not(feature = "journal"), allow(dead_code, reason = "the journal records and replays"))]
impl Answers {
    /// For a frame that is recorded.
    pub(crate) fn to_record() -> Self {
        Self::default()
    }

    /// For a frame that is replayed.
    pub(crate) fn to_replay(unusual: Vec<Answer>) -> Self {
        Self { unusual, replays: true, ..Self::default() }
    }

    pub(crate) fn into_unusual(self) -> Vec<Answer> {
        self.unusual
    }

    /// Whether a frame is recorded, or replayed, on this thread.
    pub(super) fn are_used() -> bool {
        ANSWERS.with_borrow(Option::is_some)
    }

    /// From now on these are used on this thread. Returns those before.
    pub(crate) fn set(answers: Option<Self>) -> Option<Self> {
        ANSWERS.replace(answers)
    }
}

/// The answer. In a replay the recorded one.
pub(super) fn answer(question: Question, usual: u64, ask: impl FnOnce() -> u64) -> u64 {
    // Neither a keeper nor a job asks for an answer of its own: the cell is free while it is asked.
    let nth = ANSWERS.with_borrow_mut(|answers| {
        let answers = answers.as_mut()?;
        let asked = &mut answers.asked[question as usize];
        *asked += 1;
        let nth = *asked - 1;
        let is_it = |answer: &&Answer| (answer.question, answer.nth) == (question as u8, nth);
        let recorded =
            answers.replays.then(|| answers.unusual.iter().find(is_it).map_or(usual, |answer| answer.value));
        Some((nth, recorded))
    });
    let Some((nth, recorded)) = nth else { return ask() };
    if let Some(recorded) = recorded {
        return recorded;
    }
    let value = ask();
    if value != usual {
        ANSWERS.with_borrow_mut(|answers| {
            if let Some(answers) = answers {
                answers.unusual.push(Answer { question: question as u8, nth, value });
            }
        });
    }
    value
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_answered_is_answered_again() {
        let ask = |real: [u64; 4]| {
            [
                answer(Question::Accepts, 1, || real[0]),
                answer(Question::Durable, 7, || real[1]),
                answer(Question::Accepts, 1, || real[2]),
                answer(Question::HasRoom, 1, || real[3]),
            ]
        };
        assert_eq!(ask([5, 6, 7, 8]), [5, 6, 7, 8], "outside a frame it is asked");
        let outer = Answers::set(Some(Answers::to_record()));
        assert_eq!(ask([1, 9, 0, 1]), [1, 9, 0, 1]);
        let unusual = Answers::set(outer).unwrap().into_unusual();
        assert_eq!(unusual.len(), 2);
        let outer = Answers::set(Some(Answers::to_replay(unusual)));
        assert_eq!(ask([0; 4]), [1, 9, 0, 1], "nothing is asked");
        Answers::set(outer);
    }
}
