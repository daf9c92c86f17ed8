//! Where a text that is to be written can go.

use std::ops::Range;

use super::{
    apply::{argument_at, attribute_at, parameter_at, put},
    places::{arguments, attributes, closed, function, item, key, line, list, type_end},
};

/// `&str` or `impl Trait`, of which a message underlines the first token.
fn whole_type(program: &str, place: &Range<usize>) -> Range<usize> {
    match &program[place.clone()] {
        "&" | "impl" => place.start..type_end(program, place.start),
        _ => place.clone(),
    }
}

/// With the calls of a worker that has another name now.
fn renamed(program: &str, text: &str) -> Option<String> {
    let name = text.strip_prefix("name = ")?.trim_start_matches("r#");
    let call = program.find(".spawn_")? + 1;
    let end = call + program[call..].find('(')?;
    Some(put(program, &(call..end), &format!("spawn_{name}")))
}

pub(crate) fn written(program: &str, place: &Range<usize>, text: &str, found: &mut Vec<String>) {
    let attribute = attribute_at(program, place);
    let is_argument = is_word(text) || is_pair(text);
    if text.starts_with("#[") {
        // In place of the one that is there, or above the item.
        if let Some(attribute) = &attribute {
            found.push(put(program, attribute, text));
            let rest = put(program, attribute, "");
            for at in std::iter::once(0).chain(rest.match_indices('\n').map(|(at, _)| at + 1)) {
                found.push(put(&rest, &(at..at), &format!("{text}\n")));
            }
        }
        let above = line(program, place.start);
        found.push(put(program, &(above..above), &format!("{text}\n")));
        for attribute in attributes(program) {
            found.push(put(program, &attribute, text));
        }
        for word in ["struct ", "enum "] {
            for (at, _) in program.match_indices(word) {
                let at = line(program, at);
                found.push(put(program, &(at..at), &format!("{text}\n")));
            }
        }
    }
    if text.starts_with("let ") {
        let body = place.end + program[place.end..].find(" {\n").map_or(0, |at| at + 2);
        found.push(put(program, &(body..body), &format!("\n    {text}")));
    }
    if text.starts_with(".typed") {
        found.extend(program.find(".send(").map(|at| put(program, &(at..at), text)));
    }
    if text == ".await"
        && let Some(function) = function(program, place.start)
    {
        found.push(put(program, &(function.end - 1..function.end - 1), text));
    }
    if ["const ", "impl ", "fn main"].iter().any(|item| text.starts_with(item)) {
        let above = item(program, place.start);
        found.push(put(program, &(above..above), &format!("{text}\n")));
        found.push(format!("{program}\n{text}\n"));
    }
    if text.starts_with("enum ") {
        let end = program[place.start..].find(['{', ';'].as_slice()).map_or(place.end, |at| place.start + at);
        let end = if program[end..].starts_with('{') { closed(program, end) } else { end + 1 };
        found.push(put(program, &(place.start..end), text));
    }
    if is_pair(text) && attribute.is_some() {
        for argument in arguments(program, &attribute.clone().unwrap_or_default()) {
            if key(&program[argument.clone()]) == key(text) {
                let written = put(program, &argument, &format!(" {text}"));
                // Names that follow it without its brackets are in them now.
                let end = argument.start + 1 + text.len();
                let behind = written[end..].find(", \"").map(|at| end + at);
                let rest = behind.and_then(|at| Some((at, at + written[at..].find(")]")?)));
                found.extend(rest.map(|(from, to)| put(&written, &(from..to), "")));
                found.push(written);
            }
        }
        found.extend(argument_at(program, place).map(|argument| put(program, &argument, text)));
        if let Some(argument) = argument_at(program, place) {
            found.extend(renamed(&put(program, &argument, &format!(" {text}")), text));
        }
    }
    found.push(put(program, &whole_type(program, place), text));
    if program[place.end..].starts_with('<') {
        found.push(put(program, &(place.start..type_end(program, place.start)), text));
    }
    found.push(put(program, place, text));
    if text.starts_with("Context<") {
        let start = program.find(": Context<").map_or(place.start, |at| at + 2);
        found.push(put(program, &(start..type_end(program, start)), text));
    }
    if let Some(argument) = parameter_at(program, place) {
        let start = argument.start;
        found.push(put(program, &(start..start), &format!("{text}, ")));
    }
    found.extend(argument_at(program, place).map(|argument| put(program, &argument, text)));
    if is_argument {
        more_argument(program, place, text, found);
    }
    found.push(put(program, &(place.start..place.start), text));
    found.push(put(program, &(place.start..place.start), &format!("{text}, ")));
    found.push(put(program, &(place.end..place.end), &format!(" {text}")));
    // In place of a whole function's head, or of its name and arguments.
    if text.contains('(')
        && let Some(end) = program[place.start..].find('{')
        && let Some(word) = program[..place.start + 3].rfind("fn ")
    {
        let end = place.start + end;
        let start = if text.contains("fn ") { line(program, word) } else { word + 3 };
        let close = program[start..end].find(") ").map_or(end, |at| start + at + 1);
        found.push(put(program, &(start..end), &format!("{text} ")));
        found.push(put(program, &(start..close), text));
    }
}

/// One more argument of an attribute, or in place of one of the same key.
fn more_argument(program: &str, place: &Range<usize>, text: &str, found: &mut Vec<String>) {
    let mut all = attributes(program);
    let near = |attribute: &Range<usize>| {
        let above = item(program, place.start);
        !(attribute.start >= above && attribute.start <= place.end)
    };
    all.sort_by_key(near);
    for attribute in all {
        for argument in arguments(program, &attribute) {
            if key(&program[argument.clone()]) == key(text) {
                found.push(put(program, &argument, &format!(" {text}")));
            }
        }
        let name = attribute.start + 2;
        if let Some(list) = list(program, &(name..attribute.end)) {
            let comma = if program[list.clone()].trim().is_empty()
                || program[list.clone()].trim_end().ends_with(',')
            {
                " "
            } else {
                ", "
            };
            found.push(put(program, &(list.end..list.end), &format!("{comma}{text}")));
        }
    }
}

fn is_word(text: &str) -> bool {
    text.chars().all(|letter| letter.is_ascii_lowercase() || letter == '_')
}

/// `key = value`
fn is_pair(text: &str) -> bool {
    let word = text.chars().take_while(|letter| letter.is_ascii_lowercase() || *letter == '_').count();
    word > 0 && text[word..].starts_with(" = ")
}
