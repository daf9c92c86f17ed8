//! Where things are in a program: attributes and their arguments, items and lines.

use std::ops::Range;

const OPENINGS: [&str; 2] = ["#[worker", "#[intent"];

/// All attributes of the two macros, in order.
pub(crate) fn attributes(program: &str) -> Vec<Range<usize>> {
    let starts = OPENINGS.iter().flat_map(|opening| program.match_indices(opening).map(|(at, _)| at));
    let mut found: Vec<_> = starts.map(|start| start..closed(program, start + 1)).collect();
    found.sort_by_key(|range| range.start);
    found
}

/// What is behind the bracket that closes what opens at `open`.
pub(crate) fn closed(program: &str, open: usize) -> usize {
    let (mut depth, mut quoted) = (0, false);
    for (at, letter) in program[open..].char_indices() {
        match letter {
            '"' => quoted = !quoted,
            '(' | '[' | '{' if !quoted => depth += 1,
            ')' | ']' | '}' if !quoted => {
                depth -= 1;
                if depth == 0 {
                    return open + at + 1;
                }
            }
            _ => {}
        }
    }
    program.len()
}

/// What stands in an attribute's parentheses.
pub(crate) fn list(program: &str, attribute: &Range<usize>) -> Option<Range<usize>> {
    let inside =
        attribute.start + program[attribute.clone()].find(['(', '{', '['].as_slice()).filter(|at| *at > 1)?;
    let open = inside + 1;
    let close = closed(program, inside) - 1;
    (open <= close).then_some(open..close)
}

/// `#[worker(source = A, restart = never)]` without its first two letters has a bracket first; each argument without its comma.
pub(crate) fn arguments(program: &str, attribute: &Range<usize>) -> Vec<Range<usize>> {
    let name = attribute.start + 2;
    let Some(list) = list(program, &(name..attribute.end)) else { return Vec::new() };
    parts(program, list)
}

/// The parts between the commas of a list.
pub(crate) fn parts(program: &str, list: Range<usize>) -> Vec<Range<usize>> {
    let (mut depth, mut quoted, mut from) = (0, false, list.start);
    let mut found = Vec::new();
    let mut before = ' ';
    for (at, letter) in program[list.clone()].char_indices() {
        match letter {
            '"' => quoted = !quoted,
            '(' | '[' | '{' | '<' if !quoted => depth += 1,
            '>' if !quoted && (before == '=' || before == '-') => {}
            ')' | ']' | '}' | '>' if !quoted => depth -= 1,
            ',' | ';' if !quoted && depth == 0 => {
                found.push(from..list.start + at);
                from = list.start + at + 1;
            }
            _ => {}
        }
        before = letter;
    }
    if !program[from..list.end].trim().is_empty() {
        found.push(from..list.end);
    }
    found
}

/// The key that an argument begins with.
pub(crate) fn key(argument: &str) -> &str {
    let argument = argument.trim_start();
    let end = argument.find(|letter: char| !letter.is_alphanumeric() && letter != '_');
    &argument[..end.unwrap_or(argument.len())]
}

/// The whole function that this is in, with its attributes.
pub(crate) fn function(program: &str, at: usize) -> Option<Range<usize>> {
    let end = program[at..].find('\n').map_or(program.len(), |end| at + end);
    let mut start = line(program, program[..end].rfind("fn ")?);
    while start > 0 {
        let above = line(program, start - 1);
        if !program[above..].trim_start().starts_with("#[") {
            break;
        }
        start = above;
    }
    let open = at + program[at..].find('{')?;
    Some(start..closed(program, open))
}

/// Where the type ends that begins here: before a comma, a bracket or an angle that closes around it.
pub(crate) fn type_end(program: &str, start: usize) -> usize {
    let mut depth = 0;
    let mut before = ' ';
    for (at, letter) in program[start..].char_indices() {
        match letter {
            '(' | '[' | '<' => depth += 1,
            '>' if before == '-' => {}
            ')' | ']' | '>' | ',' | '{' | ';' if depth == 0 => return start + at,
            ')' | ']' | '>' => depth -= 1,
            _ => {}
        }
        before = letter;
    }
    program.len()
}

/// Where the line begins that this is in.
pub(crate) fn line(program: &str, at: usize) -> usize {
    program[..at].rfind('\n').map_or(0, |at| at + 1)
}

/// Where the item begins that this is in: above its attributes and its documentation.
pub(crate) fn item(program: &str, at: usize) -> usize {
    let mut start = line(program, at);
    while !program[start..].starts_with(|letter: char| letter.is_alphabetic() || letter == '#') && start > 0 {
        start = line(program, start - 1);
    }
    while start > 0 {
        let above = line(program, start - 1);
        if !program[above..].starts_with("#[") && !program[above..].starts_with("///") {
            break;
        }
        start = above;
    }
    start
}
