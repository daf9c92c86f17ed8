//! The state, and how a command changes it.

use control_panel::{GraphIntent, QueuedIntent, Reducer, requests::Reply};
use std::{collections::BTreeMap, fmt::Write};

/// More names are refused.
const MOST_NAMES: usize = 10_000;

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Origin {
    Client,
}

#[derive(Debug, PartialEq)]
pub enum Request {
    Add(String, i64),
    Get(String),
    List,
}

impl Request {
    pub fn parse(line: &str) -> Option<Self> {
        let words: Vec<_> = line.split_ascii_whitespace().collect();
        Some(match words[..] {
            ["add", name, n] => Self::Add(name.to_owned(), n.parse().ok()?),
            ["get", name] => Self::Get(name.to_owned()),
            ["list"] => Self::List,
            _ => return None,
        })
    }
}

#[derive(Debug, GraphIntent)]
#[intent(source = Origin)]
pub enum Command {
    Asked(Request, Reply<String>),
}

#[derive(Debug, Default)]
pub struct Counters(BTreeMap<String, i64>);

impl Counters {
    #[cfg(test)]
    pub fn get(&self, name: &str) -> Option<i64> {
        self.0.get(name).copied()
    }

    fn answer(&mut self, request: Request) -> String {
        match request {
            Request::Add(name, n) => {
                if self.0.len() >= MOST_NAMES && !self.0.contains_key(&name) {
                    return "err too many names".to_owned();
                }
                let value = self.0.entry(name).or_default();
                match value.checked_add(n) {
                    Some(sum) => {
                        *value = sum;
                        format!("ok {sum}")
                    }
                    None => "err overflow".to_owned(),
                }
            }
            Request::Get(name) => match self.0.get(&name) {
                Some(value) => format!("ok {value}"),
                None => "err unknown".to_owned(),
            },
            Request::List => {
                let mut list = "ok".to_owned();
                for (name, value) in &self.0 {
                    let _ = write!(list, " {name}={value}");
                }
                list
            }
        }
    }
}

impl Reducer for Counters {
    type Intent = Command;

    fn apply(&mut self, queued: QueuedIntent<Command>) {
        let Command::Asked(request, reply) = queued.intent;
        let answer = self.answer(request);
        reply.send(answer);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use control_panel::requests::reply;

    fn ask(counters: &mut Counters, line: &str) -> String {
        let (reply, mut answer) = reply();
        let command = Command::Asked(Request::parse(line).unwrap(), reply);
        counters.apply(QueuedIntent::new(Origin::Client, command));
        answer.try_take().unwrap().unwrap()
    }

    #[test]
    fn a_reducer_without_a_panel() {
        let mut counters = Counters::default();
        assert_eq!(ask(&mut counters, "add a 2"), "ok 2");
        assert_eq!(ask(&mut counters, "add a 9223372036854775807"), "err overflow");
        assert_eq!(ask(&mut counters, "get a"), "ok 2");
        assert_eq!(ask(&mut counters, "list"), "ok a=2");
    }

    #[test]
    fn nonsense_is_no_request() {
        for line in ["", "add", "add a", "add a b", "get", "list x", "add a 1 2"] {
            assert_eq!(Request::parse(line), None, "{line}");
        }
    }
}
