//! Two people type into one text at the same time, and it comes out right.
//!
//!     cargo run -p examples --example shared_text
//!     cargo run -p examples --example shared_text -- --help
//!
//! What to look for:
//!
//! - `page`: a state with a text that `yrs` keeps. Its operations are the updates of that document, and their footprint is
//!   `Commutes`: `yrs` puts them into their places whatever the order, so that none is ever taken back. The title beside it
//!   is an ordinary field, where the last one wins.
//! - `plain`: the same typing as positions in a string. Replicas converge, because all apply the same operations in the same
//!   order; but a position means something only in the version that its author saw, so the text is wrong, and on both the same.

mod page;
mod plain;

use std::collections::VecDeque;

use clap::Parser;
use control_panel::{Delta, Peer, Replica, State};

use crate::{
    page::{Edit, Page},
    plain::Plain,
};

/// Two people type into one text at the same time: as a document in a shared state, and as positions in a string.
#[derive(Parser)]
struct Options {
    /// After so many keystrokes of their own they hear of the other's.
    #[arg(long, default_value_t = 4, value_name = "KEYSTROKES")]
    delay: usize,
}

const BEGINNING: &str = "Hello world";
const EXPECTED: &str = "Goodbye brave new world";

/// A key that was pressed, as an editor sees it: so many bytes deleted at this position, and this inserted.
#[derive(Debug, Clone)]
struct Key {
    at: u32,
    deleted: u32,
    inserted: String,
}

/// Types over the first word.
fn first(_: &str, nth: usize) -> Option<Key> {
    let letter = "Goodbye".chars().nth(nth)?;
    Some(Key {
        at: u32::try_from(nth).ok()?,
        deleted: if nth == 0 { 5 } else { 0 },
        inserted: letter.to_string(),
    })
}

/// Inserts two words before the last.
fn second(seen: &str, nth: usize) -> Option<Key> {
    let letter = "brave new ".chars().nth(nth)?;
    let at = seen.find("world").unwrap_or(seen.len());
    Some(Key { at: u32::try_from(at).ok()?, deleted: 0, inserted: letter.to_string() })
}

/// One of the two.
struct Person<S: State> {
    replica: Replica<S>,
    /// What the other sent in each of the last turns.
    arriving: VecDeque<Option<Delta<S::Op>>>,
    undone: usize,
}

impl<S: State> Person<S> {
    fn new(replica: Replica<S>) -> Self {
        Self { replica, arriving: VecDeque::new(), undone: 0 }
    }

    /// Receives what has been on its way for `delay` turns.
    fn receive(&mut self, delay: usize) {
        while self.arriving.len() > delay {
            if let Some(Some(delta)) = self.arriving.pop_front() {
                self.replica.merge(delta);
            }
        }
        self.undone += self.replica.settle().undone;
    }
}

/// How a kind of state is typed into.
struct Typing<S: State> {
    press: fn(&S, &Key) -> S::Op,
    text: fn(&S) -> String,
}

/// Both see the same beginning, then press a key each turn, before they hear of the other's last ones.
fn type_together<S: State>(people: &mut [Person<S>; 2], typing: &Typing<S>, delay: usize) {
    let beginning = Key { at: 0, deleted: 0, inserted: BEGINNING.into() };
    press(&mut people[0], typing, &beginning);
    exchange(people, 0);
    for turn in 0.. {
        let texts = people.each_ref().map(|person| (typing.text)(person.replica.state()));
        let keys = [first(&texts[0], turn), second(&texts[1], turn)];
        if keys.iter().all(Option::is_none) {
            break;
        }
        for (person, key) in people.iter_mut().zip(&keys) {
            if let Some(key) = key {
                press(person, typing, key);
            }
        }
        exchange(people, delay);
    }
    exchange(people, 0);
}

fn press<S: State>(person: &mut Person<S>, typing: &Typing<S>, key: &Key) {
    // Nothing is typed where the operation would be void: the page would have what the other never gets.
    person.replica.commit_with(|state| (typing.press)(state, key));
}

fn exchange<S: State>(people: &mut [Person<S>; 2], delay: usize) {
    let [one, two] = people;
    one.arriving.push_back(two.replica.outbox());
    two.arriving.push_back(one.replica.outbox());
    one.receive(delay);
    two.receive(delay);
}

/// What came of it, in three lines.
fn report<S: State>(what: &str, people: &[Person<S>; 2], typing: &Typing<S>) -> String {
    let texts = people.each_ref().map(|person| (typing.text)(person.replica.state()));
    let same = if texts[0] == texts[1] { "the same on both" } else { "DIFFERENT" };
    let right = if texts[0] == EXPECTED { "right" } else { "wrong" };
    let undone: usize = people.iter().map(|person| person.undone).sum();
    format!("{what}: \"{}\"\n    {same}, and {right}; operations taken back: {undone}", texts[0])
}

const PEERS: [Peer; 2] = [Peer([1; 32]), Peer([2; 32])];

fn document(delay: usize) -> String {
    let replica = |peer| Replica::builder(peer, Page::default()).members(PEERS).undoing().build();
    let mut people = PEERS.map(|peer| Person::new(replica(peer)));
    let typing = Typing { press: Page::press, text: Page::text };
    // Both give it a title, too: the other's is later in the order of all operations.
    for (person, title) in people.iter_mut().zip(["Greeting", "A greeting"]) {
        person.replica.commit(Edit::Rename(title.into()));
    }
    type_together(&mut people, &typing, delay);
    let titles = people.each_ref().map(|person| person.replica.state().title());
    format!("{}\n    the title on both: {titles:?}", report("a document in the state", &people, &typing))
}

fn positions(delay: usize) -> String {
    let replica = |peer| Replica::builder(peer, Plain::default()).members(PEERS).undoing().build();
    let mut people = PEERS.map(|peer| Person::new(replica(peer)));
    let typing = Typing { press: |_: &Plain, key: &Key| key.clone(), text: Plain::text };
    type_together(&mut people, &typing, delay);
    report("positions in a string  ", &people, &typing)
}

fn main() {
    let Options { delay } = Options::parse();
    println!(
        "one types \"Goodbye\" over \"Hello\", the other \"brave new \" before \"world\": \"{EXPECTED}\"\n"
    );
    println!("{}\n\n{}", document(delay), positions(delay));
}

#[cfg(test)]
mod tests {
    use control_panel::{Replica, State};

    use super::{Edit, Key, PEERS, document, page::Page, positions};

    #[test]
    fn a_document_in_the_state_is_right_whatever_the_delay() {
        for delay in 0..20 {
            let said = document(delay);
            assert!(
                said.contains("\"Goodbye brave new world\"\n    the same on both, and right; "),
                "{said}"
            );
            assert!(said.ends_with("[\"A greeting\", \"A greeting\"]"), "{said}");
        }
    }

    /// What is pressed is taken once here. In another copy of the state, which a job may have made meanwhile, it is taken too.
    #[test]
    fn what_was_pressed_is_in_each_copy_of_the_state() {
        let mut page = Page::default();
        let key = |at, inserted: &str| Key { at, deleted: 0, inserted: inserted.into() };
        let stamp = Replica::builder(PEERS[0], Page::default()).build().commit(Edit::Rename(String::new()));
        let mut before = page.clone();
        let edit = page.press(&key(0, "a"));
        let mut after = page.clone();
        for copy in [&mut before, &mut after, &mut page] {
            copy.apply(&edit, &stamp);
            assert_eq!(copy.text(), "a");
        }
        // Pressed, and another's comes first: neither is lost.
        let other = before.press(&key(1, "b"));
        let edit = page.press(&key(0, "c"));
        for edit in [&other, &edit] {
            page.apply(edit, &stamp);
        }
        assert_eq!(page.text(), "cab");
    }

    #[test]
    fn positions_converge_to_wrong_text() {
        let said = positions(4);
        assert!(said.contains("the same on both, and wrong; "), "{said}");
    }

    /// Red where the text's clone is `yrs`' own, which is the same document once more.
    #[test]
    fn what_a_retired_member_typed_unheard_leaves_the_text() {
        let replica = |peer| Replica::builder(peer, Page::default()).members(PEERS).undoing().build();
        let [mut owner, mut retired] = PEERS.map(replica);
        let press = |replica: &mut Replica<Page>, at, inserted: &str| {
            let key = Key { at, deleted: 0, inserted: inserted.into() };
            replica.commit_with(|page| page.press(&key))
        };
        assert!(press(&mut owner, 0, "Hello").is_some());
        retired.merge(owner.outbox().unwrap());
        let _ = retired.settle();
        assert!(press(&mut retired, 5, " you").is_some());
        owner.retire(PEERS[1]).unwrap();
        let (there, here) = (owner.outbox(), retired.outbox());
        retired.merge(there.unwrap());
        owner.merge(here.unwrap());
        let _ = (owner.settle(), retired.settle());
        assert_eq!((owner.state().text(), retired.state().text()), ("Hello".into(), "Hello".into()));
        assert_eq!(retired.take_void().len(), 1);
        assert!(press(&mut retired, 5, ", all").is_none());
        assert_eq!(retired.state().text(), "Hello", "what it may not write is not typed either");
    }
}
