//! Sanitizes text from a mod or a file for display.

/// Characters kept of untrusted text.
const MOST: usize = 200;

/// Escapes all characters that are invisible or that affect the display of others (control characters, line separators,
/// direction marks, zero-width characters), and truncates long text: it goes to logs, tables and terminals, and its author is
/// not trusted.
pub(super) fn plain(text: &str) -> String {
    cut(text, MOST)
}

/// The same, truncated after this many characters of the original.
pub(super) fn cut(text: &str, most: usize) -> String {
    let mut plain = String::new();
    for (index, c) in text.chars().enumerate() {
        if index == most {
            plain.push('…');
            break;
        }
        if is_unseen(c) {
            plain.extend(c.escape_default());
        } else {
            plain.push(c);
        }
    }
    plain
}

/// Returns whether a character controls a terminal, breaks a line, changes the direction, or has no width: the general
/// categories Cc, Cf, Zl and Zp, and what else Unicode calls "default ignorable" (except variation selectors, which choose how
/// an emoji is drawn).
fn is_unseen(c: char) -> bool {
    c.is_control()
        || matches!(c,
            '\u{00ad}' | '\u{034f}' | '\u{0600}'..='\u{0605}' | '\u{061c}' | '\u{06dd}' | '\u{070f}' | '\u{0890}'..='\u{0891}'
            | '\u{08e2}' | '\u{115f}'..='\u{1160}' | '\u{17b4}'..='\u{17b5}' | '\u{180b}'..='\u{180f}'
            | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{3164}' | '\u{feff}'
            | '\u{ffa0}' | '\u{fff0}'..='\u{fffb}' | '\u{110bd}' | '\u{110cd}' | '\u{13430}'..='\u{1343f}'
            | '\u{1bca0}'..='\u{1bca3}' | '\u{1d173}'..='\u{1d17a}' | '\u{e0000}'..='\u{e0fff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_others_wrote_is_bounded_and_commands_nothing() {
        assert_eq!(plain("a\u{1b}[31m\n\u{202e}b"), "a\\u{1b}[31m\\n\\u{202e}b");
        assert_eq!(plain("café 🦀 ☀\u{fe0f} שלום"), "café 🦀 ☀\u{fe0f} שלום");
        assert_eq!(plain(&"x".repeat(1 << 20)).chars().count(), MOST + 1);
        assert_eq!(cut("abc", 3), "abc");
        assert_eq!(cut("abcd", 3), "abc…");
    }

    #[test]
    fn what_is_not_seen_is_escaped() {
        for c in [
            '\u{200b}',
            '\u{200d}',
            '\u{200e}',
            '\u{200f}',
            '\u{2028}',
            '\u{2029}',
            '\u{2060}',
            '\u{feff}',
            '\u{061c}',
            '\u{00ad}',
            '\u{3164}',
            '\u{e0041}',
            '\u{85}',
            '\u{7f}',
        ] {
            assert_eq!(plain(&format!("a{c}b")), format!("a{}b", c.escape_default()));
        }
    }
}
