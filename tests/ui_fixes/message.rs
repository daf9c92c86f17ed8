//! An error, and the fixes that it names.

use std::ops::Range;

/// One error of rustc's.
#[derive(Debug)]
pub(crate) struct Message {
    /// Its first line.
    pub(crate) text: String,
    /// Whether rustc has a code for it: then it is rustc's own.
    pub(crate) code: Option<String>,
    /// What its notes say.
    pub(crate) notes: Vec<String>,
    /// What is underlined, in bytes.
    pub(crate) place: Range<usize>,
    /// rustc's own suggestions, each with what it puts where.
    pub(crate) suggested: Vec<Vec<(Range<usize>, String)>>,
}

impl Message {
    /// What it is about, without its fix, which may show other mistakes of the same item.
    pub(crate) fn about(&self) -> &str {
        self.text.split_once("; write `").map_or(&self.text, |(about, _)| about)
    }

    /// Whether one of the macros says it.
    pub(crate) fn is_ours(&self) -> bool {
        self.code.is_none() && self.suggested.is_empty()
    }
}

/// What a fix is made of.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Step {
    Write(String),
    /// This text, at or near what is underlined.
    Drop(String),
    /// What is underlined, or the argument that it is part of.
    DropThis,
    /// To where the message says, which any place may be.
    Move,
    /// A parameter, by a type.
    Replace(String),
    Suggested(Vec<(Range<usize>, String)>),
}

/// Each fix is a step or several that belong together; several fixes are alternatives.
pub(crate) fn fixes(message: &Message) -> Vec<Vec<Step>> {
    let mut fixes = in_words(&message.text);
    fixes.extend(message.notes.iter().flat_map(|note| in_words(note)));
    fixes.extend(message.suggested.iter().map(|parts| vec![Step::Suggested(parts.clone())]));
    fixes
}

type Verb = (&'static str, fn(String) -> Step);

const VERBS: [Verb; 8] = [
    ("write ", Step::Write),
    ("did you mean ", Step::Write),
    ("add ", Step::Write),
    ("needs ", Step::Write),
    ("drop this ", Step::Drop),
    ("drop ", Step::Drop),
    ("take ", Step::Drop),
    ("replace ", Step::Replace),
];

/// What is said without backquotes.
const PHRASES: [(&str, Step); 6] = [
    ("; drop it: ", Step::DropThis),
    ("keep one of the two", Step::DropThis),
    ("drop this one", Step::DropThis),
    ("drop this", Step::DropThis),
    ("drop the attribute", Step::DropThis),
    ("; move ", Step::Move),
];

/// What is in backquotes behind a verb. "and" joins the steps of one fix; "or" or a new verb begins another.
fn in_words(text: &str) -> Vec<Vec<Step>> {
    let mut fixes: Vec<Vec<Step>> = Vec::new();
    let mut rest = text;
    let mut followed = false;
    while let Some(open) = rest.find('`') {
        let before = &rest[..open];
        let Some(length) = rest[open + 1..].find('`') else { break };
        let quoted = rest[open + 1..open + 1 + length].to_owned();
        rest = &rest[open + length + 2..];
        let verb = VERBS.iter().find(|(verb, _)| before.ends_with(verb));
        let joins =
            [" and ", ", and ", " and write ", ", and in the body ", ", and in its body "].contains(&before);
        let without = before.ends_with(" body without ");
        let step = match (verb, fixes.last_mut()) {
            (_, Some(fix)) if followed && joins => {
                fix.push(Step::Write(quoted));
                continue;
            }
            (_, Some(fix)) if followed && without => {
                fix.push(Step::Drop(quoted));
                continue;
            }
            // "`escalate` needs `restart = on_failure`"; "needs a …" is no fix.
            (Some(("needs ", _)), _) if !quoted.contains(" = ") || quoted.contains('…') => continue,
            (Some((_, step)), _) => step(quoted),
            (None, Some(_)) if followed && [" or ", ", "].contains(&before) => Step::Write(quoted),
            // "cannot stand without `restart = on_failure`; add it"
            _ if before.ends_with("without ") && rest.contains("; add it") => Step::Write(quoted),
            _ => {
                followed = false;
                continue;
            }
        };
        followed = true;
        fixes.push(vec![step]);
        if let (true, Some(fix)) = (rest.starts_with(" and move the function"), fixes.last_mut()) {
            fix.push(Step::Move);
        }
    }
    let said = PHRASES.iter().filter(|(phrase, step)| {
        let of_text = |at: usize| text[at + phrase.len()..].starts_with(" `");
        text.find(phrase).is_some_and(|at| *step == Step::Move || !of_text(at))
    });
    let said: Vec<Step> = said.map(|(_, step)| step.clone()).collect();
    fixes.extend(said.into_iter().take(1).map(|step| vec![step]));
    fixes
}
