//! The token that a dashboard asks of those that change something.

use std::{fmt, fs, path::Path};

/// The environment variable that has it: what a process is given on its command line others see.
pub(crate) const VARIABLE: &str = "CONTROL_PANEL_TOKEN";

/// The longest, in bytes.
const MOST: usize = 4_096;

/// One line of visible letters, so that it fits a header. It is not shown.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Token(String);

impl Token {
    /// The one in that file, or else in the environment; `None` if there is none.
    ///
    /// # Errors
    /// The file cannot be read, or what is there is no token.
    pub(crate) fn find(file: Option<&Path>, variable: Option<&str>) -> Result<Option<Self>, String> {
        match (file, variable) {
            (Some(path), _) => {
                let text =
                    fs::read_to_string(path).map_err(|error| format!("{}: {error}", path.display()))?;
                Self::of(&text).map(Some).map_err(|why| format!("{}: {why}", path.display()))
            }
            (None, Some(text)) if !text.is_empty() => {
                Self::of(text).map(Some).map_err(|why| format!("{VARIABLE}: {why}"))
            }
            (None, _) => Ok(None),
        }
    }

    fn of(text: &str) -> Result<Self, &'static str> {
        let text = text.trim();
        if text.bytes().all(|byte| byte.is_ascii_graphic()) && (1..=MOST).contains(&text.len()) {
            Ok(Self(text.to_owned()))
        } else {
            Err("a token is one line of visible letters, as the program prints it")
        }
    }

    pub(crate) fn text(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Token")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_one_line_and_the_file_comes_first() {
        let folder = std::env::temp_dir().join(format!("control-panel-top-{}", std::process::id()));
        fs::write(&folder, "0123456789abcdef\n").expect("written");
        let found =
            |file: Option<&Path>, variable| Token::find(file, variable).map(|token| token.map(|it| it.0));
        assert_eq!(found(Some(&folder), Some("other")), Ok(Some("0123456789abcdef".into())));
        assert_eq!(found(None, Some(" other\n")), Ok(Some("other".into())));
        assert_eq!((found(None, None), found(None, Some(""))), (Ok(None), Ok(None)));
        fs::remove_file(&folder).expect("removed");
        assert!(found(Some(&folder), None).expect_err("it is gone").contains("control-panel-top"));
        for wrong in ["a b", "a\r\nX: y", "\u{1b}[2J", " ", &"x".repeat(MOST + 1)] {
            assert!(found(None, Some(wrong)).is_err(), "{wrong:?}");
        }
        assert_eq!(format!("{:?}", Token::of("secret")), "Ok(Token)");
    }
}
