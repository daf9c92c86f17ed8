//! Small helpers on tokens and names that know nothing of workers or intents.

use proc_macro2::{Delimiter, Group, Ident, Spacing, Span, TokenStream, TokenTree};

/// Cuts at the commas outside every delimiter and every `<…>`; a trailing comma makes no empty last part.
pub(crate) fn split_commas(tokens: TokenStream) -> Vec<TokenStream> {
    let mut parts = Vec::new();
    let mut part = Vec::new();
    let mut angles = Angles::default();
    for token in tokens {
        angles.see(&token);
        if is_punct(&token, ',') && angles.closed() {
            parts.push(part.drain(..).collect());
        } else {
            part.push(token);
        }
    }
    if !part.is_empty() {
        parts.push(part.into_iter().collect());
    }
    parts
}

/// Counts `<` and `>`, which tokens do not group. The `>` of `->` and `=>` closes nothing.
#[derive(Default)]
pub(crate) struct Angles {
    depth: usize,
    after_arrow_stem: bool,
}

impl Angles {
    pub(crate) fn see(&mut self, token: &TokenTree) {
        let stem = match token {
            TokenTree::Punct(punct) => {
                match punct.as_char() {
                    '<' => self.depth += 1,
                    '>' if !self.after_arrow_stem => self.depth = self.depth.saturating_sub(1),
                    _ => {}
                }
                matches!(punct.as_char(), '-' | '=') && punct.spacing() == Spacing::Joint
            }
            _ => false,
        };
        self.after_arrow_stem = stem;
    }

    pub(crate) fn closed(&self) -> bool {
        self.depth == 0
    }

    /// Whether a `>` would be that of `->` or `=>`.
    pub(crate) fn is_arrow(&self) -> bool {
        self.after_arrow_stem
    }

    /// How many are open.
    pub(crate) fn open(&self) -> usize {
        self.depth
    }
}

pub(crate) fn is_punct(token: &TokenTree, wanted: char) -> bool {
    matches!(token, TokenTree::Punct(punct) if punct.as_char() == wanted)
}

pub(crate) fn is_brace(token: &TokenTree) -> bool {
    matches!(token, TokenTree::Group(group) if group.delimiter() == Delimiter::Brace)
}

/// Whether one of `names` occurs in `tokens`, however deep.
pub(crate) fn mentions(tokens: &TokenStream, names: &[String]) -> bool {
    !names.is_empty()
        && tokens.clone().into_iter().any(|token| match token {
            TokenTree::Group(group) => mentions(&group.stream(), names),
            TokenTree::Ident(ident) => names.contains(&ident.to_string()),
            _ => false,
        })
}

/// The spans of the first and the last token; what lies between is underlined by pairs made of them.
pub(crate) fn ends(tokens: &TokenStream) -> Option<(Span, Span)> {
    let mut tokens = tokens.clone().into_iter();
    let first = tokens.next()?;
    let last = tokens.last().unwrap_or_else(|| first.clone());
    let last = match &last {
        TokenTree::Group(group) => group.span_close(),
        other => other.span(),
    };
    Some((first.span(), last))
}

/// A span that is shown at `place` but whose local names can neither see the user's nor be seen by them.
pub(crate) fn hidden_at(place: Span) -> Span {
    Span::mixed_site().located_at(place)
}

/// The same tokens with the same meaning, shown between the two ends.
pub(crate) fn shown_at(tokens: TokenStream, (first, last): (Span, Span)) -> TokenStream {
    let shown = tokens.into_iter().enumerate().map(|(nth, mut token)| {
        // `located_at` keeps what the token resolves to.
        token.set_span(token.span().located_at(if nth == 0 { first } else { last }));
        token
    });
    shown.collect()
}

/// The name without `r#`.
pub(crate) fn plain(ident: &Ident) -> String {
    let name = ident.to_string();
    name.strip_prefix("r#").map(str::to_owned).unwrap_or(name)
}

/// `memory_monitor` becomes `MemoryMonitor`, and `fetch_2` stays another name than `fetch2`: `Fetch_2`.
pub(crate) fn pascal(snake: &str) -> String {
    let mut pascal = String::with_capacity(snake.len());
    for word in snake.split('_') {
        if word.starts_with(|first: char| first.is_ascii_digit()) && !pascal.is_empty() {
            pascal.push('_');
        }
        let mut letters = word.chars();
        pascal.extend(letters.next().into_iter().flat_map(char::to_uppercase));
        pascal.push_str(letters.as_str());
    }
    pascal
}

/// The tokens as a person would write a path or a type: `Feed::Rss`, not `Feed :: Rss`.
pub(crate) fn readable(tokens: &TokenStream) -> String {
    let mut text = String::new();
    let (mut word_before, mut joint_before) = (false, false);
    let mut tokens = tokens.clone().into_iter().peekable();
    while let Some(token) = tokens.next() {
        let word = matches!(token, TokenTree::Ident(_) | TokenTree::Literal(_));
        // `for<'a> Reads<'a>`
        if word && (word_before || text.ends_with('>')) {
            text.push(' ');
        }
        let mut joint = false;
        match &token {
            TokenTree::Group(group) => {
                if word_before && group.delimiter() == Delimiter::Brace {
                    text.push(' ');
                }
                text.push_str(&readable_group(group));
            }
            TokenTree::Punct(punct) => {
                joint = punct.spacing() == Spacing::Joint;
                let sign = punct.as_char();
                let alone = !joint && !joint_before;
                match sign {
                    ',' | ';' if tokens.peek().is_none() => text.push(sign),
                    ',' | ';' => text.extend([sign, ' ']),
                    ':' if alone => text.push_str(": "),
                    '=' | '+' | '@' if alone => text.extend([' ', sign, ' ']),
                    '-' if joint && tokens.peek().is_some_and(|next| is_punct(next, '>')) => {
                        text.push_str(" -");
                    }
                    '>' if text.ends_with(" -") => text.push_str("> "),
                    _ => text.push(sign),
                }
            }
            other => text.push_str(&other.to_string()),
        }
        (word_before, joint_before) = (word, joint);
    }
    text.trim().to_owned()
}

fn readable_group(group: &Group) -> String {
    let inner = readable(&group.stream());
    match group.delimiter() {
        Delimiter::Parenthesis => format!("({inner})"),
        Delimiter::Brace => format!("{{ {inner} }}"),
        Delimiter::Bracket => format!("[{inner}]"),
        Delimiter::None => inner,
    }
}

/// "`a`, `b` or `c`".
pub(crate) fn one_of<'a>(names: impl IntoIterator<Item = &'a str>, link: &str) -> String {
    let quoted: Vec<String> = names.into_iter().map(|name| format!("`{name}`")).collect();
    match quoted.split_last() {
        None => String::new(),
        Some((last, [])) => last.clone(),
        Some((last, before)) => format!("{} {link} {last}", before.join(", ")),
    }
}

/// The candidate that `typed` was probably meant to be.
pub(crate) fn nearest<'a>(typed: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let allowed = (typed.chars().count() / 3).max(1);
    candidates
        .into_iter()
        .map(|candidate| (distance(typed, candidate), candidate))
        .filter(|(distance, candidate)| *distance <= allowed && *distance < candidate.len())
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

/// Insertions, deletions, substitutions and swaps of neighbours ("sorce", "soucre") count one each.
fn distance(a: &str, b: &str) -> usize {
    let (a, b): (Vec<char>, Vec<char>) = (a.chars().collect(), b.chars().collect());
    let mut rows = vec![(0..=b.len()).collect::<Vec<_>>()];
    for i in 1..=a.len() {
        let mut row = vec![i];
        for j in 1..=b.len() {
            let substituted = rows[i - 1][j - 1] + usize::from(a[i - 1] != b[j - 1]);
            let mut best = substituted.min(rows[i - 1][j] + 1).min(row[j - 1] + 1);
            if i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] {
                best = best.min(rows[i - 2][j - 2] + 1);
            }
            row.push(best);
        }
        rows.push(row);
    }
    rows[a.len()][b.len()]
}

/// The same without the invisible groups in which a `macro_rules!` wraps what it captured as `$x:literal`, `:expr`, `:ty` or
/// `:path`. For reading: what is emitted keeps them, because they hold `&$t` together.
pub(crate) fn see_through(tokens: TokenStream) -> TokenStream {
    if !tokens.clone().into_iter().any(|token| matches!(token, TokenTree::Group(_))) {
        return tokens;
    }
    let see = |token| match token {
        TokenTree::Group(group) => {
            let inner = see_through(group.stream());
            if group.delimiter() == Delimiter::None {
                return inner;
            }
            let mut seen = Group::new(group.delimiter(), inner);
            seen.set_span(group.span());
            TokenStream::from(TokenTree::Group(seen))
        }
        other => other.into(),
    };
    tokens.into_iter().map(see).collect()
}
