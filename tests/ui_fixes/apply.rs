//! Where a fix can go.

use std::ops::Range;

use super::{
    message::{Message, Step},
    places::{arguments, attributes, closed, function, item, key, line, parts},
    write,
};

/// The programs that come out of one fix, of which one has to compile; the likeliest first.
pub(crate) fn candidates(program: &str, message: &Message, fix: &[Step]) -> Vec<String> {
    let mut programs = vec![(program.to_owned(), message.place.clone())];
    for step in fix {
        let next = programs.iter().flat_map(|(program, place)| {
            let after = apply(program, place, step);
            after.into_iter().map(|after| {
                let place = moved(place, program, &after);
                (after, place)
            })
        });
        programs = next.collect();
    }
    programs.into_iter().map(|(program, _)| program).flat_map(|program| filled(&program)).collect()
}

/// What is underlined, after something above it has changed.
fn moved(place: &Range<usize>, before: &str, after: &str) -> Range<usize> {
    let same = |(before, after): &(u8, u8)| before == after;
    let common = before.bytes().zip(after.bytes()).take_while(same).count();
    let most = before.len().min(after.len()) - common;
    let behind = before.bytes().rev().zip(after.bytes().rev()).take_while(same).count().min(most);
    if place.end <= common {
        return place.clone();
    }
    if place.start < before.len() - behind {
        // It was part of what has changed.
        return common..after.len() - behind;
    }
    let at = |at: usize| after.len() - (before.len() - at);
    at(place.start)..at(place.end)
}

/// With what only the user knows: `Context<…>` may be of each enum of the program, and a command is of a type of the user's.
fn filled(program: &str) -> Vec<String> {
    let mut program =
        program.replace("{ … }", "{ todo!() }").replace("TypeName", "u8").replace("= …;", "= u8;");
    if program.contains("inbox = Type") && program.contains("<String>") {
        program = program.replace("inbox = Type", "inbox = String");
    }
    program = program.replace("::<Type>", "::<String>");
    for ty in ["Command", "Type"] {
        if program.contains(&format!("inbox = {ty}")) && !program.contains(&format!("struct {ty}")) {
            program = format!("{program}struct {ty};\n");
        }
    }
    if !program.contains('…') {
        return vec![program];
    }
    let enums = program.match_indices("enum ").map(|(at, word)| key(&program[at + word.len()..]));
    let words = enums.chain(["lamport", "clock", "0", "String"]);
    words.map(|word| program.replace('…', word)).collect()
}

pub(crate) fn put(program: &str, at: &Range<usize>, text: &str) -> String {
    format!("{}{text}{}", &program[..at.start], &program[at.end..])
}

fn apply(program: &str, place: &Range<usize>, step: &Step) -> Vec<String> {
    let mut found = Vec::new();
    match step {
        Step::Suggested(parts) => {
            let mut parts: Vec<_> = parts.iter().collect();
            parts.sort_by_key(|(at, _)| std::cmp::Reverse(at.start));
            found.push(
                parts.into_iter().fold(program.to_owned(), |program, (at, text)| put(&program, at, text)),
            );
        }
        Step::DropThis => dropped(program, place, &mut found),
        Step::Drop(text) => dropped_text(program, place, text, &mut found),
        Step::Move => moves(program, place, &mut found),
        Step::Replace(name) => replaced(program, place, name, &mut found),
        Step::Write(text) => write::written(program, place, text, &mut found),
    }
    found
}

/// The attribute that this is in.
pub(crate) fn attribute_at(program: &str, place: &Range<usize>) -> Option<Range<usize>> {
    attributes(program)
        .into_iter()
        .find(|attribute| attribute.start <= place.start && place.start < attribute.end)
}

/// The argument of an attribute that this is in.
pub(crate) fn argument_at(program: &str, place: &Range<usize>) -> Option<Range<usize>> {
    let all = arguments(program, &attribute_at(program, place)?);
    all.into_iter().find(|argument| argument.start <= place.start && place.start <= argument.end)
}

/// Without that part of a list, and without its comma.
fn without(program: &str, part: &Range<usize>) -> String {
    if program[part.end..].starts_with(',') {
        return put(program, &(part.start..part.end + 1), "");
    }
    let comma = program[..part.start].trim_end();
    let start = if comma.ends_with(',') { comma.len() - 1 } else { part.start };
    put(program, &(start..part.end), "")
}

fn dropped(program: &str, place: &Range<usize>, found: &mut Vec<String>) {
    if let Some(attribute) = attribute_at(program, place) {
        match argument_at(program, place) {
            Some(argument) if arguments(program, &attribute).len() > 1 => {
                found.push(without(program, &argument));
            }
            _ => found.push(put(program, &attribute, "")),
        }
    }
    // An argument of the function.
    if let Some(argument) = parameter_at(program, place) {
        found.push(without(program, &argument));
    }
    found.push(put(program, place, ""));
    // The attribute of the item.
    let above = item(program, place.start);
    let of_item = attributes(program).into_iter().find(|attribute| attribute.start >= above);
    for attribute in attribute_at(program, place).into_iter().chain(of_item) {
        found.push(put(program, &attribute, ""));
    }
}

pub(crate) fn parameter_at(program: &str, place: &Range<usize>) -> Option<Range<usize>> {
    let opening = program[..place.start].rfind("fn ")?;
    let open = opening + program[opening..].find('(')?;
    let close = closed(program, open);
    let all = parts(program, open + 1..close - 1);
    all.into_iter().find(|part| part.start <= place.start && place.end <= part.end)
}

fn dropped_text(program: &str, place: &Range<usize>, text: &str, found: &mut Vec<String>) {
    let here = line(program, place.start);
    let near = [place.start, here, 0].into_iter().filter_map(|from| Some(from + program[from..].find(text)?));
    let mut seen = Vec::new();
    for at in near.chain(program.match_indices(text).map(|(at, _)| at)) {
        if seen.contains(&at) {
            continue;
        }
        seen.push(at);
        let range = at..at + text.len();
        if let Some(parameter) =
            parameter_at(program, &range).filter(|part| program[part.clone()].trim() == text)
        {
            found.push(without(program, &parameter));
        }
        let word = text.chars().all(|letter| letter.is_alphanumeric() || letter == '_');
        if let Some(argument) = argument_at(program, &range)
            && key(&program[argument.clone()]) == key(text)
        {
            dropped(program, &range, found);
        }
        let touches =
            |letter: Option<char>| letter.is_some_and(|letter| letter.is_alphanumeric() || letter == '_');
        let part = touches(program[..at].chars().next_back()) || touches(program[range.end..].chars().next());
        if !(word && part) {
            found.push(put(program, &range, ""));
        }
    }
    // As a message shows it, which may be with other spaces.
    found.push(put(program, place, ""));
}

/// What is underlined, its attribute, or its argument of the function, put at the start of each line and of the arguments.
fn moves(program: &str, place: &Range<usize>, found: &mut Vec<String>) {
    let here = line(program, place.start);
    let whole_line = here..program[here..].find('\n').map_or(program.len(), |end| here + end + 1);
    let above = item(program, place.start);
    let attribute = attribute_at(program, place);
    let of_item = attributes(program).into_iter().find(|attribute| attribute.start >= above);
    let whole_function = function(program, place.start);
    let variant = variant_at(program, place);
    let cuts = [attribute, of_item, parameter_at(program, place), variant, whole_function, Some(whole_line)];
    for cut in cuts.into_iter().flatten() {
        let piece = program[cut.clone()].trim().trim_end_matches(',');
        let in_list = [parameter_at(program, place), variant_at(program, place)].contains(&Some(cut.clone()));
        let rest = if in_list { without(program, &cut) } else { put(program, &cut, "") };
        let openings = rest.match_indices("fn ").filter_map(|(at, _)| Some(at + rest[at..].find('(')? + 1));
        for open in openings {
            found.push(put(&rest, &(open..open), &format!("{piece}, ")));
        }
        let lines = std::iter::once(0).chain(rest.match_indices('\n').map(|(at, _)| at + 1));
        for at in lines {
            for end in ["\n", ",\n"] {
                found.push(put(&rest, &(at..at), &format!("{piece}{end}")));
            }
        }
    }
}

/// The part of an enum that this is in.
fn variant_at(program: &str, place: &Range<usize>) -> Option<Range<usize>> {
    let open = program[..place.start].rfind("enum ")?;
    let open = open + program[open..].find('{')?;
    let all = parts(program, open + 1..closed(program, open) - 1);
    all.into_iter().find(|part| part.contains(&place.start))
}

/// A parameter by a type, or by a number.
fn replaced(program: &str, place: &Range<usize>, name: &str, found: &mut Vec<String>) {
    if name == "Self" {
        found.push(put(program, place, &program[place.clone()].replace(name, "u8")));
    }
    let Some(open) = program[..place.start].rfind('<') else { return };
    let close = open + program[open..].find(['(', '\n'].as_slice()).unwrap_or(0);
    let close = program[..close].rfind('>').map_or(close, |at| at + 1);
    let generics = parts(program, open + 1..close - 1);
    let plain = match (generics.len(), generics.iter().find(|part| part.contains(&place.start))) {
        (2.., Some(part)) => without(program, part),
        _ => put(program, &(open..close), ""),
    };
    for with in ["String", "u8", "1"] {
        let mut text = String::new();
        let mut word = String::new();
        for letter in plain.chars().chain([' ']) {
            if letter.is_alphanumeric() || letter == '_' {
                word.push(letter);
                continue;
            }
            text.push_str(if word == name { with } else { &word });
            word.clear();
            text.push(letter);
        }
        found.push(text);
    }
}
