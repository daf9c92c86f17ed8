//! Where a fix can go.

use super::message::{Message, Step};

/// The programs that come out of one fix, of which one has to compile.
pub(crate) fn candidates(program: &str, message: &Message, fix: &[Step]) -> Vec<String> {
    let mut programs = vec![program.to_owned()];
    for (nth, step) in fix.iter().enumerate() {
        // A step that went in above moved what is underlined down.
        let moved = |text: &str| text.lines().count() - program.lines().count();
        programs = programs
            .iter()
            .flat_map(|before| {
                let place =
                    message.place.map(|(line, column, length)| (line + moved(before), column, length));
                apply(before, place.filter(|_| nth == 0 || moved(before) > 0 || !step.is_key()), step)
            })
            .collect();
    }
    programs
}

impl Step {
    /// `key = value`
    fn is_key(&self) -> bool {
        match self {
            Self::Write(text) => is_key(text),
            Self::Drop(_) => false,
        }
    }
}

fn is_key(text: &str) -> bool {
    let word = text.chars().take_while(|letter| letter.is_ascii_lowercase() || *letter == '_').count();
    word > 0 && text[word..].starts_with(" = ")
}

fn apply(program: &str, place: Option<(usize, usize, usize)>, step: &Step) -> Vec<String> {
    let mut found = Vec::new();
    let at = place.and_then(|(line, column, length)| {
        let start = offset(program, line, column)?;
        let end = start + program[start..].chars().take(length).map(char::len_utf8).sum::<usize>();
        Some((line, start, end))
    });
    let put = |from: usize, to: usize, text: &str| format!("{}{text}{}", &program[..from], &program[to..]);
    match step {
        Step::Drop(text) => {
            if let Some((line, start, end)) = at {
                found.push(put(start, end, ""));
                if let Some((from, to)) = argument_at(program, start) {
                    found.push(put(from, to, ""));
                }
                let begin = offset(program, line, 1).unwrap_or(start);
                if let Some(nth) = program[begin..].find(text.as_str()) {
                    found.push(put(begin + nth, begin + nth + text.len(), ""));
                }
            }
            if let Some(nth) = program.find(text.as_str()) {
                found.push(put(nth, nth + text.len(), ""));
            }
        }
        Step::Write(text) => {
            if let Some((line, start, end)) = at {
                found.push(put(start, end, text));
                if let Some((from, to)) = argument_at(program, start) {
                    found.push(put(from, to, text));
                }
                let begin = offset(program, line, 1).unwrap_or(start);
                if text.starts_with("#[") || text.ends_with(';') || text.ends_with('}') {
                    found.push(put(begin, begin, &format!("{text}\n")));
                    // In place of the attribute.
                    if let Some(attribute) = program[..start.max(begin)].rfind("#[").or(Some(begin))
                        && let Some(length) = program[attribute..].find(")]\n")
                    {
                        found.push(put(attribute, attribute + length + 2, text));
                    }
                    found.push(format!("{text}\n{program}"));
                }
                if text.starts_with(',') || text.ends_with(',') {
                    found.push(put(start, start, text));
                }
                // Behind, and before.
                found.push(put(end, end, &format!(" {text}")));
                found.push(put(start, start, &format!("{text} ")));
            }
            // Above the type that it is for.
            if text.starts_with("#[derive") {
                for (nth, _) in program.match_indices("\nstruct ").chain(program.match_indices("\nenum ")) {
                    found.push(put(nth + 1, nth + 1, &format!("{text}\n")));
                }
            }
            // In place of the argument of the same key, and of what is underlined besides.
            let key = text.split(' ').next().unwrap_or(text);
            for (from, to) in arguments(program).filter(|_| is_key(text) || is_word(text)) {
                let argument = program[from..to].trim_start();
                let rest = argument.strip_prefix(key).filter(|rest| {
                    !rest.starts_with(|letter: char| letter.is_alphanumeric() || letter == '_')
                });
                if rest.is_none() {
                    continue;
                }
                found.push(put(from, to, text));
                if let Some((other, end)) =
                    at.and_then(|(_, start, _)| argument_at(program, start)).filter(|(other, _)| *other > to)
                {
                    found.push(format!(
                        "{}{text}{}{}",
                        &program[..from],
                        &program[to..other - 1],
                        &program[end..]
                    ));
                }
            }
            // One more argument of an attribute.
            for opening in ["#[worker(", "#[intent("] {
                for (nth, _) in program.match_indices(opening).filter(|_| is_key(text) || is_word(text)) {
                    let inside = nth + opening.len();
                    found.push(put(inside, inside, &format!("{text}, ")));
                    if let Some(close) = program[inside..].find(")]") {
                        found.push(put(inside + close, inside + close, &format!(", {text}")));
                    }
                }
            }
        }
    }
    found
}

fn is_word(text: &str) -> bool {
    text.chars().all(|letter| letter.is_ascii_lowercase() || letter == '_')
}

fn offset(program: &str, line: usize, column: usize) -> Option<usize> {
    let before: usize = program.split_inclusive('\n').take(line - 1).map(str::len).sum();
    let chars = program.get(before..)?.chars().take(column - 1);
    Some(before + chars.map(char::len_utf8).sum::<usize>())
}

/// The argument of an attribute's list that this is in, without its comma.
fn argument_at(program: &str, at: usize) -> Option<(usize, usize)> {
    arguments(program).find(|(from, to)| *from <= at && at < *to)
}

/// All arguments of all attributes, each without its comma.
fn arguments(program: &str) -> impl Iterator<Item = (usize, usize)> {
    let openings = ["#[worker(", "#[intent("];
    let starts = openings
        .into_iter()
        .flat_map(|opening| program.match_indices(opening).map(move |(nth, _)| nth + opening.len()));
    let lists = starts.filter_map(|start| Some((start, start + program[start..].find(")]")?)));
    lists.flat_map(|(start, end)| {
        let (mut depth, mut quoted, mut from) = (0, false, start);
        let mut found = Vec::new();
        for (nth, letter) in program[start..end].char_indices() {
            match letter {
                '"' => quoted = !quoted,
                '(' | '[' | '{' | '<' if !quoted => depth += 1,
                ')' | ']' | '}' | '>' if !quoted => depth -= 1,
                ',' if !quoted && depth == 0 => {
                    found.push((from, start + nth));
                    from = start + nth + 1;
                }
                _ => {}
            }
        }
        found.push((from, end));
        found
    })
}
