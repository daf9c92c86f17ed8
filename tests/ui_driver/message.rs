//! What an expected output says: each error with its place and the fixes that it names.

/// One error of a `.stderr` file.
#[derive(Debug)]
pub(crate) struct Message {
    pub(crate) text: String,
    /// Line, column and length of what is underlined; none if that is more than a line.
    pub(crate) place: Option<(usize, usize, usize)>,
    /// Each fix is a step or several that belong together; several fixes are alternatives.
    pub(crate) fixes: Vec<Vec<Step>>,
}

#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Step {
    Write(String),
    Drop(String),
}

/// The errors of an output, in their order.
pub(crate) fn messages(output: &str) -> Vec<Message> {
    let mut found: Vec<Message> = Vec::new();
    let lines: Vec<&str> = output.lines().collect();
    for (nth, line) in lines.iter().enumerate() {
        let Some(text) = line.strip_prefix("error").and_then(|rest| rest.split_once(": ")) else { continue };
        let end =
            lines[nth + 1..].iter().position(|line| line.starts_with("error") || line.starts_with("warning"));
        let block = &lines[nth..end.map_or(lines.len(), |end| nth + 1 + end)];
        let notes = block.iter().filter_map(|line| line.trim_start().strip_prefix("= note: "));
        let text = std::iter::once(text.1).chain(notes).collect::<Vec<_>>().join("\n");
        found.push(Message { place: place(block), fixes: fixes(&text), text });
    }
    found
}

fn place(block: &[&str]) -> Option<(usize, usize, usize)> {
    let arrow = block.iter().find_map(|line| line.trim_start().strip_prefix("--> "))?;
    let mut numbers = arrow.rsplit(':');
    let column = numbers.next()?.parse().ok()?;
    let line: usize = numbers.next()?.parse().ok()?;
    let source = block.iter().position(|shown| shown.trim_start().starts_with(&format!("{line} |")))?;
    let underline = block.get(source + 1)?.split_once('|')?.1;
    let length = underline.chars().filter(|mark| *mark == '^').count();
    Some((line, column, length)).filter(|_| length > 0)
}

/// What is in backquotes behind a verb. "and" joins the steps of one fix, and "or" or a new verb begins another.
fn fixes(text: &str) -> Vec<Vec<Step>> {
    const VERBS: [(&str, bool); 5] =
        [("write ", true), ("did you mean ", true), ("add ", true), ("drop this ", false), ("drop ", false)];
    let mut fixes: Vec<Vec<Step>> = Vec::new();
    let mut rest = text;
    while let Some(open) = rest.find('`') {
        let before = &rest[..open];
        let Some(length) = rest[open + 1..].find('`') else { break };
        let quoted = rest[open + 1..open + 1 + length].to_owned();
        rest = &rest[open + length + 2..];
        let verb = VERBS.iter().find(|(verb, _)| before.ends_with(verb));
        let step = match verb {
            Some((_, true)) => Step::Write(quoted),
            Some((_, false)) => Step::Drop(quoted),
            None => match (before, fixes.last_mut()) {
                (" and ", Some(fix)) => {
                    fix.push(Step::Write(quoted));
                    continue;
                }
                (" or " | ", ", Some(_)) if !quoted.is_empty() => Step::Write(quoted),
                // "cannot stand without `restart = on_failure`; add it"
                _ if rest.starts_with("; add it")
                    || rest.contains("; add it") && before.ends_with("without ") =>
                {
                    Step::Write(quoted)
                }
                _ => continue,
            },
        };
        fixes.push(vec![step]);
    }
    fixes
}
