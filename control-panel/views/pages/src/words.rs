//! Figures in few characters, and foreign text that is safe to draw.

use std::time::Duration;

use unicode_width::UnicodeWidthChar;

/// A duration in at most six characters: `870µs`, `1.2ms`, `3.4s`, `12s`, `3m`, `2h`, `5d`.
pub fn time(time: Duration) -> String {
    let seconds = time.as_secs();
    let tenths = |value: f64, unit: &str| {
        if value < 9.95 { format!("{value:.1}{unit}") } else { format!("{value:.0}{unit}") }
    };
    match seconds {
        0 if time.as_micros() < 1_000 => format!("{}µs", time.as_micros()),
        0 if time.as_micros() < 999_500 => tenths(time.as_secs_f64() * 1e3, "ms"),
        0..60 => tenths(time.as_secs_f64(), "s"),
        60..3_600 => format!("{}m", seconds / 60),
        3_600..172_800 => format!("{}h", seconds / 3_600),
        _ => format!("{}d", seconds / 86_400),
    }
}

/// A number in at most five characters: `999`, `12.3k`, `4.5M`.
pub fn count(number: u64) -> String {
    #[expect(clippy::cast_precision_loss, reason = "three digits are shown")]
    let value = number as f64;
    let mut scaled = value;
    for unit in ["", "k", "M", "G", "T"] {
        match scaled {
            _ if scaled < 999.5 && unit.is_empty() => return number.to_string(),
            _ if scaled < 99.95 => return format!("{scaled:.1}{unit}"),
            _ if scaled < 999.5 => return format!("{scaled:.0}{unit}"),
            _ => scaled /= 1e3,
        }
    }
    format!("{scaled:.0}P")
}

/// A rate a second; nothing where there is none.
pub fn rate(rate: f64) -> String {
    if rate < 0.05 {
        String::new()
    } else if rate < 9.95 {
        format!("{rate:.1}/s")
    } else {
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "it is greater than 9")]
        let whole = rate.round() as u64;
        format!("{}/s", count(whole))
    }
}

/// A number, or nothing where it is none.
pub fn some(number: u64) -> String {
    if number == 0 { String::new() } else { count(number) }
}

/// A character that may be drawn: what controls a terminal, or turns the direction of its text, is a dot.
pub fn drawable(letter: char) -> char {
    match letter {
        '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => '·',
        letter if letter.is_control() => '·',
        letter => letter,
    }
}

/// So much of a text as fits, with a sign where that is not all of it.
pub fn fit(text: &str, width: usize) -> String {
    let mut fitted = String::new();
    let mut used = 0;
    let mut letters = text.chars().map(drawable).peekable();
    while let Some(letter) = letters.next() {
        let wide = letter.width().unwrap_or(0);
        let last = letters.peek().is_none();
        if used + wide > width || (used + wide == width && !last) {
            if width > used {
                fitted.push('…');
            }
            return fitted;
        }
        used += wide;
        fitted.push(letter);
    }
    fitted
}

/// So much of a text's end as fits.
pub fn fit_end(text: &str, wide: usize) -> String {
    let mut letters: Vec<char> = text.chars().map(drawable).collect();
    let mut used = width(text);
    let mut from = 0;
    while used + usize::from(from > 0) > wide && from < letters.len() {
        used -= letters[from].width().unwrap_or(0);
        from += 1;
    }
    if from > 0 && wide > 0 {
        from -= 1;
        letters[from] = '…';
    }
    letters[from..].iter().collect()
}

/// How many columns a text takes.
pub fn width(text: &str) -> usize {
    text.chars().map(|letter| drawable(letter).width().unwrap_or(0)).sum()
}

/// A text in lines of at most `width` columns, between words where that is possible; its own lines stay.
pub fn wrap(text: &str, width: usize) -> Vec<String> {
    let mut lines = Vec::new();
    for line in text.lines() {
        let mut current = String::new();
        let mut used = 0;
        for letter in line.chars().flat_map(|letter| {
            match letter {
                '\t' => [Some(' '), Some(' ')],
                letter => [Some(drawable(letter)), None],
            }
            .into_iter()
            .flatten()
        }) {
            let wide = letter.width().unwrap_or(0);
            if used + wide > width && !current.is_empty() {
                // A word that is half a line long is cut: it is a path, or no word.
                let word = current.rfind(' ').map(|at| at + 1).filter(|at| *at > current.len() / 2);
                let rest = word.map_or_else(String::new, |at| current.split_off(at));
                used = self::width(&rest);
                lines.push(std::mem::replace(&mut current, rest));
            }
            used += wide;
            current.push(letter);
        }
        lines.push(current);
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_are_short_and_have_a_unit() {
        let times = [
            (0, "0µs"),
            (870, "870µs"),
            (1_240, "1.2ms"),
            (45_000, "45ms"),
            (999_400, "999ms"),
            (999_600, "1.0s"),
            (3_400_000, "3.4s"),
            (12_000_000, "12s"),
            (59_990_000, "60s"),
            (190_000_000, "3m"),
            (7_300_000_000, "2h"),
            (500_000_000_000, "5d"),
        ];
        for (micros, shown) in times {
            assert_eq!(time(Duration::from_micros(micros)), shown);
        }
        for (number, shown) in [
            (0, "0"),
            (999, "999"),
            (1_000, "1.0k"),
            (12_345, "12.3k"),
            (999_999, "1.0M"),
            (4_500_000, "4.5M"),
            (u64::MAX, "18447P"),
        ] {
            assert_eq!(count(number), shown);
        }
        assert_eq!(
            (rate(0.0).as_str(), rate(0.4).as_str(), rate(60.2).as_str(), rate(1_200.0).as_str()),
            ("", "0.4/s", "60/s", "1.2k/s")
        );
    }

    #[test]
    fn foreign_text_does_not_reach_the_terminal_as_it_is() {
        assert_eq!(fit("a\x1b[2J\u{202e}b\n", 20), "a·[2J·b·");
        assert_eq!(
            (fit("crawl.rs:12:5", 9).as_str(), fit("crawl.rs", 8).as_str(), fit("ab", 0).as_str()),
            ("crawl.rs…", "crawl.rs", "")
        );
        assert_eq!(fit("日本語", 5), "日本…");
        assert_eq!(fit("日本語", 4), "日…");
        assert_eq!(width("日本a"), 5);
        assert_eq!(
            (fit_end("src/crawl.rs:12:5", 9), fit_end("a.rs:1:1", 8)),
            ("….rs:12:5".into(), "a.rs:1:1".into())
        );
        assert_eq!(
            (fit_end("日本", 3), fit_end("ab", 0), fit_end("", 3)),
            ("…本".into(), String::new(), String::new())
        );
        assert_eq!(wrap("index out of bounds", 12), ["index out ", "of bounds"]);
        assert_eq!(wrap("one\ttwo\nnineteen", 4), ["one ", " two", "nine", "teen"]);
        assert_eq!(wrap("日本", 0), ["日", "本"]);
    }
}
