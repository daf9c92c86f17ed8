//! The paths that a source file names.
//!
//! Rust's grammar is not parsed: what is looked for begins with `crate`, `super` or `self` and goes on with `::`, in a `use` or anywhere else, and a tree
//! of imports is a path that branches. Comments, literals and modules for tests are skipped.

/// The paths in `source` that begin in its crate, from the root: `module` is where the file stands.
pub(crate) fn paths(source: &str, module: &[String]) -> Vec<Vec<String>> {
    let tokens = tokens(source);
    let mut found = Vec::new();
    // Inline modules, each with the depth of braces at which it ends.
    let mut inline: Vec<(String, usize)> = Vec::new();
    let (mut at, mut depth) = (0, 0);
    while at < tokens.len() {
        match tokens[at].as_str() {
            "#" if is_for_tests(&tokens[at..]) => at = after_item(&tokens, at),
            "mod" if tokens.get(at + 2).is_some_and(|next| next == "{") => {
                inline.push((tokens[at + 1].clone(), depth));
                (at, depth) = (at + 3, depth + 1);
            }
            "{" => (at, depth) = (at + 1, depth + 1),
            "}" => {
                (at, depth) = (at + 1, depth.saturating_sub(1));
                if inline.last().is_some_and(|(_, outside)| *outside == depth) {
                    inline.pop();
                }
            }
            "crate" | "super" | "self" if starts_path(&tokens, at) => {
                let mut here = module.to_vec();
                here.extend(inline.iter().map(|(name, _)| name.clone()));
                at = branch(&tokens, at, &here, &mut found);
            }
            _ => at += 1,
        }
    }
    found
}

/// The modules of their own files that `source` has for tests alone.
pub(crate) fn modules_for_tests(source: &str) -> Vec<String> {
    let tokens = tokens(source);
    let mut found = Vec::new();
    for at in 0..tokens.len() {
        if tokens[at] == "#" && is_for_tests(&tokens[at..]) {
            let item = &tokens[at..after_item(&tokens, at)];
            if let [.., keyword, name, end] = item
                && (keyword, end) == (&"mod".to_owned(), &";".to_owned())
            {
                found.push(name.clone());
            }
        }
    }
    found
}

fn starts_path(tokens: &[String], at: usize) -> bool {
    let follows = tokens.get(at + 1).is_some_and(|next| next == "::");
    // `pub(in crate::…)` says where an item is visible, and uses nothing.
    follows && (at == 0 || !matches!(tokens[at - 1].as_str(), "::" | "in"))
}

/// Reads one path or tree at `at`; gives back what follows it.
fn branch(tokens: &[String], mut at: usize, prefix: &[String], found: &mut Vec<Vec<String>>) -> usize {
    let mut path = prefix.to_vec();
    while let Some(token) = tokens.get(at) {
        match token.as_str() {
            "{" => {
                at += 1;
                while tokens.get(at).is_some_and(|token| token != "}") {
                    let before = at;
                    at = branch(tokens, at, &path, found);
                    // An alias, and the comma.
                    while tokens.get(at).is_some_and(|token| token != "," && token != "}") {
                        at += 1;
                    }
                    at += usize::from(tokens.get(at).is_some_and(|token| token == ","));
                    assert!(at > before, "a tree of imports that is none: {:?}", &tokens[before..]);
                }
                return at + 1;
            }
            "crate" => path.clear(),
            "super" => drop(path.pop()),
            "self" => {}
            name => path.push(name.to_owned()),
        }
        at += 1;
        if tokens.get(at).is_none_or(|token| token != "::") {
            break;
        }
        at += 1;
    }
    found.push(path);
    at
}

fn is_for_tests(tokens: &[String]) -> bool {
    let attribute: String = tokens.iter().take(14).map(String::as_str).collect();
    ["#[cfg(test)]", "#[cfg(all(test,", "#[cfg(all(shuttle,test", "#[test]"]
        .iter()
        .any(|start| attribute.starts_with(start))
}

/// Past the item that the attribute at `at` belongs to.
fn after_item(tokens: &[String], mut at: usize) -> usize {
    let (mut depth, mut brackets) = (0_usize, 0_usize);
    while let Some(token) = tokens.get(at) {
        at += 1;
        match token.as_str() {
            "[" | "(" => brackets += 1,
            "]" | ")" => brackets -= 1,
            "{" => depth += 1,
            // The last field, arm or statement of its block.
            "}" if depth == 0 => return at - 1,
            "}" if depth == 1 && brackets == 0 => {
                // What a `use` ends with comes after its tree.
                return at + usize::from(tokens.get(at).is_some_and(|token| token == ";"));
            }
            "}" => depth -= 1,
            ";" | "," if depth == 0 && brackets == 0 => return at,
            _ => {}
        }
    }
    at
}

/// Words, `::` and single signs; no comments, strings or characters.
fn tokens(source: &str) -> Vec<String> {
    let source: Vec<char> = source.chars().collect();
    let starts = |at: usize, text: &str| text.chars().eq(source[at..].iter().copied().take(text.len()));
    let mut tokens = Vec::new();
    let mut at = 0;
    while at < source.len() {
        let sign = source[at];
        if starts(at, "//") {
            at += source[at..].iter().take_while(|sign| **sign != '\n').count();
        } else if starts(at, "/*") {
            at += 2;
            while at < source.len() && !starts(at, "*/") {
                at += 1;
            }
            at += 2;
        } else if sign == '"' {
            at += 1;
            while at < source.len() && source[at] != '"' {
                at += 1 + usize::from(source[at] == '\\');
            }
            at += 1;
        } else if sign == 'r' && (starts(at, "r\"") || starts(at, "r#\"") || starts(at, "r##\"")) {
            let hashes = source[at + 1..].iter().take_while(|sign| **sign == '#').count();
            let end = format!("\"{}", "#".repeat(hashes));
            at += hashes + 2;
            while at < source.len() && !starts(at, &end) {
                at += 1;
            }
            at += end.len();
        } else if sign == '\'' {
            // A character, or a lifetime.
            let escaped = source.get(at + 1) == Some(&'\\');
            if escaped || source.get(at + 2) == Some(&'\'') {
                at += 2 + usize::from(escaped);
                at += source[at..].iter().take_while(|sign| **sign != '\'').count();
            }
            at += 1;
        } else if sign.is_alphanumeric() || sign == '_' {
            let word: String =
                source[at..].iter().take_while(|sign| sign.is_alphanumeric() || **sign == '_').collect();
            at += word.chars().count();
            tokens.push(word);
        } else if starts(at, "::") {
            tokens.push("::".to_owned());
            at += 2;
        } else {
            if !sign.is_whitespace() {
                tokens.push(sign.to_string());
            }
            at += 1;
        }
    }
    tokens
}
