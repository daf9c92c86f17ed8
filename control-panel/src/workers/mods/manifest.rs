//! A mod's manifest: parsed by hand and checked in full before anything of the mod runs. Pure.

mod check;

use std::{collections::BTreeSet, time::Duration};

use toml::{
    Spanned,
    de::{DeTable, DeValue},
};

use self::check::{check_capability, check_entry, check_name, check_required, check_version, kind};
use super::{error::ModError, limits::ModLimits, text::plain};

/// The maximum length of an id, a capability's name, or an entry path.
const LONGEST: usize = 64;
/// The maximum number of entries in one list.
const MOST: usize = 32;

const KEYS: [&str; 7] = ["id", "version", "entry", "provides", "requires", "capabilities", "limits"];
const LIMITS: [&str; 6] = ["fuel", "time_ms", "memory_kib", "table", "host_calls", "intents"];

/// A valid manifest: a mod's identity, where its module is, what it requires and which capabilities it asks for.
///
/// ```
/// use control_panel::workers::mods::{ModLimits, ModManifest};
///
/// let manifest = ModManifest::parse(
///     r#"
/// id = "title-cleaner"
/// version = "1.2.0"
/// entry = "title_cleaner.wasm"
/// requires = ["page-titles"]
/// capabilities = ["intent"]
///
/// [limits]
/// time_ms = 10
/// "#,
///     &ModLimits::default(),
/// )?;
/// assert_eq!((manifest.id(), manifest.version()), ("title-cleaner", "1.2.0"));
///
/// let wrong = ModManifest::parse("id = 7", &ModLimits::default()).unwrap_err();
/// assert_eq!(
///     wrong.to_string(),
///     "the manifest is wrong in line 1: `id` must be a text in quotes, \
///      not an integer"
/// );
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ModManifest {
    id: String,
    version: String,
    entry: String,
    provides: BTreeSet<String>,
    requires: BTreeSet<String>,
    capabilities: BTreeSet<String>,
    limits: ModLimits,
}

impl ModManifest {
    /// Parses a manifest; `most` is what the host lets a mod use.
    ///
    /// # Errors
    /// [`ModError::Manifest`] with the line and the mistake in it: invalid TOML, an unknown key, a missing key, a value of the
    /// wrong type, an invalid name, an entry path that leads elsewhere, more than `most`.
    pub fn parse(text: &str, most: &ModLimits) -> Result<Self, ModError> {
        let document = DeTable::parse(text).map_err(|error| syntax(text, &error))?;
        let reader = Reader { text };
        let table = document.get_ref();
        reader.only_known(table, &KEYS, "")?;
        let manifest = Self {
            id: reader.text(table, "id", check_name)?,
            version: reader.text(table, "version", check_version)?,
            entry: reader.text(table, "entry", check_entry)?,
            provides: reader.list(table, "provides", check_name)?,
            requires: reader.list(table, "requires", check_required)?,
            capabilities: reader.list(table, "capabilities", check_capability)?,
            limits: reader.limits(table, most)?,
        };
        Ok(manifest)
    }

    /// Returns the mod's id.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// Returns its version.
    pub fn version(&self) -> &str {
        &self.version
    }

    /// Returns its module's path, relative to the folder that holds the manifest.
    ///
    /// ```
    /// use control_panel::workers::mods::{ModLimits, ModManifest};
    ///
    /// let text = r#"
    /// id = "tags"
    /// version = "1.0.0"
    /// entry = "tags.wasm"
    /// provides = ["labels"]
    /// capabilities = ["intent"]
    /// "#;
    /// let tags = ModManifest::parse(text, &ModLimits::default())?;
    /// assert_eq!(tags.entry(), "tags.wasm");
    /// assert!(tags.provides().eq(["labels"]) && tags.requires().next().is_none());
    /// assert!(tags.has_capability("intent") && tags.capabilities().count() == 1);
    /// # Ok::<(), control_panel::workers::mods::ModError>(())
    /// ```
    pub fn entry(&self) -> &str {
        &self.entry
    }

    /// Returns the names that it provides to other mods, besides its id.
    pub fn provides(&self) -> impl Iterator<Item = &str> {
        self.provides.iter().map(String::as_str)
    }

    /// Returns the names that active mods must provide.
    pub fn requires(&self) -> impl Iterator<Item = &str> {
        self.requires.iter().map(String::as_str)
    }

    /// Returns the capabilities that it asks the host for.
    pub fn capabilities(&self) -> impl Iterator<Item = &str> {
        self.capabilities.iter().map(String::as_str)
    }

    /// Returns whether it asks for a capability.
    pub fn has_capability(&self, name: &str) -> bool {
        self.capabilities.contains(name)
    }

    /// Returns whether it can replace `other` for the mods that require that: it provides and requires the same.
    pub(super) fn stands_for(&self, other: &Self) -> bool {
        self.id() == other.id()
            && self.provides().eq(other.provides())
            && self.requires().eq(other.requires())
    }

    /// Returns its limits.
    pub fn limits(&self) -> &ModLimits {
        &self.limits
    }
}

/// Reads values and knows their positions.
struct Reader<'t> {
    text: &'t str,
}

impl Reader<'_> {
    fn wrong(&self, at: &Spanned<DeValue<'_>>, problem: &str) -> ModError {
        wrong_at(self.text, at.span().start, problem)
    }

    fn only_known(&self, table: &DeTable<'_>, known: &[&str], within: &str) -> Result<(), ModError> {
        for key in table.keys() {
            if !known.contains(&key.get_ref().as_ref()) {
                let problem =
                    format!("there is no key `{within}{}`; known are {}", key.get_ref(), known.join(", "));
                return Err(wrong_at(self.text, key.span().start, &problem));
            }
        }
        Ok(())
    }

    fn text(
        &self,
        table: &DeTable<'_>,
        key: &str,
        check: fn(&str) -> Result<(), String>,
    ) -> Result<String, ModError> {
        let Some(value) = table.get(key) else {
            return Err(ModError::Manifest { line: None, problem: format!("it has no `{key}`") });
        };
        let DeValue::String(text) = value.get_ref() else {
            let problem = format!("`{key}` must be a text in quotes, not {}", kind(value.get_ref()));
            return Err(self.wrong(value, &problem));
        };
        check(text).map_err(|problem| self.wrong(value, &format!("`{key}` {problem}")))?;
        Ok(text.clone().into_owned())
    }

    fn list(
        &self,
        table: &DeTable<'_>,
        key: &str,
        check: fn(&str) -> Result<(), String>,
    ) -> Result<BTreeSet<String>, ModError> {
        let Some(value) = table.get(key) else { return Ok(BTreeSet::new()) };
        let DeValue::Array(entries) = value.get_ref() else {
            let problem =
                format!("`{key}` must be a list like [\"a\", \"b\"], not {}", kind(value.get_ref()));
            return Err(self.wrong(value, &problem));
        };
        if entries.len() > MOST {
            return Err(self.wrong(value, &format!("`{key}` has more than {MOST} entries")));
        }
        let mut names = BTreeSet::new();
        for entry in entries {
            let DeValue::String(name) = entry.get_ref() else {
                let problem = format!("`{key}` holds {} where a text must be", kind(entry.get_ref()));
                return Err(self.wrong(entry, &problem));
            };
            check(name).map_err(|problem| self.wrong(entry, &format!("`{name}` in `{key}` {problem}")))?;
            if !names.insert(name.clone().into_owned()) {
                return Err(self.wrong(entry, &format!("`{key}` names `{name}` twice")));
            }
        }
        Ok(names)
    }

    fn limits(&self, table: &DeTable<'_>, most: &ModLimits) -> Result<ModLimits, ModError> {
        let Some(value) = table.get("limits") else { return Ok(*most) };
        let DeValue::Table(asked) = value.get_ref() else {
            let problem = format!("`limits` must be a table, not {}", kind(value.get_ref()));
            return Err(self.wrong(value, &problem));
        };
        self.only_known(asked, &LIMITS, "limits.")?;
        let number = |key: &str, most: u64| match asked.get(key) {
            None => Ok(most),
            Some(value) => self.number(value, key, most),
        };
        let millis = u64::try_from(most.time.as_millis()).unwrap_or(u64::MAX);
        let kib = number("memory_kib", most.memory as u64 / 1024)?;
        let mut limits = *most;
        limits.fuel = number("fuel", most.fuel)?;
        if asked.contains_key("time_ms") {
            limits.time = Duration::from_millis(number("time_ms", millis)?);
        }
        limits.memory = usize::try_from(kib).unwrap_or(usize::MAX).saturating_mul(1024).min(most.memory);
        limits.table = usize::try_from(number("table", most.table as u64)?).unwrap_or(most.table);
        limits.intents = usize::try_from(number("intents", most.intents as u64)?).unwrap_or(most.intents);
        let host_calls = number("host_calls", u64::from(most.host_calls))?;
        limits.host_calls = u32::try_from(host_calls).unwrap_or(most.host_calls);
        Ok(limits)
    }

    fn number(&self, value: &Spanned<DeValue<'_>>, key: &str, most: u64) -> Result<u64, ModError> {
        let wrong = |problem: &str| self.wrong(value, &format!("`limits.{key}` {problem}"));
        let DeValue::Integer(digits) = value.get_ref() else {
            return Err(wrong(&format!("must be a whole number above 0, not {}", kind(value.get_ref()))));
        };
        // Without its sign: a number that remains and is not a `u64` is too large for one.
        let (sign, number) = match digits.as_str().strip_prefix('-') {
            Some(number) => (true, number),
            None => (false, digits.as_str()),
        };
        if sign || number.bytes().all(|digit| digit == b'0') {
            return Err(wrong("must be a whole number above 0"));
        }
        match u64::from_str_radix(number, digits.radix()) {
            Ok(number) if number <= most => Ok(number),
            _ => Err(wrong(&format!("asks for {digits}, and this host allows {most}: ask for less"))),
        }
    }
}

/// The parser's message, with the line that it is about, and naming the key.
fn syntax(text: &str, error: &toml::de::Error) -> ModError {
    let Some(span) = error.span() else {
        let problem = match error.message() {
            "recursion limit" => "a key has too many parts",
            other => other,
        };
        return ModError::Manifest { line: Some(line_without_span(text, error)), problem: plain(problem) };
    };
    let problem = match error.message() {
        "duplicate key" => {
            let key = text.get(span.clone()).unwrap_or_default().trim();
            format!("the key `{key}` is there twice")
        }
        "cannot recurse further; max recursion depth met" => {
            "its lists or tables are nested too deeply".to_owned()
        }
        other => match key_of_value(text, span.start) {
            Some(key) => format!("`{key}` cannot be read: {other}"),
            None => other.to_owned(),
        },
    };
    wrong_at(text, span.start, &problem)
}

/// Returns the key whose value contains this position, if it is on the same line.
fn key_of_value(text: &str, at: usize) -> Option<&str> {
    let before = text.get(..at)?;
    let line = before.get(before.rfind('\n').map_or(0, |end| end + 1)..)?;
    let key = line.split_once('=')?.0.trim();
    let is_bare = key.bytes().all(|c| c.is_ascii_alphanumeric() || matches!(c, b'-' | b'_' | b'.'));
    Some(key).filter(|key| is_bare && !key.is_empty())
}

/// Returns the line of a mistake whose position the parser does not report: the smallest number of lines that already contain
/// it.
fn line_without_span(text: &str, error: &toml::de::Error) -> usize {
    let ends: Vec<usize> = text.match_indices('\n').map(|(at, _)| at + 1).chain([text.len()]).collect();
    let is_made = |end: &usize| {
        let made = text.get(..*end).map(DeTable::parse);
        made.is_some_and(|made| made.is_err_and(|it| it.span().is_none() && it.message() == error.message()))
    };
    // By bisection: if a line has the mistake, it has it whatever follows.
    (ends.partition_point(|end| !is_made(end)) + 1).min(ends.len())
}

fn wrong_at(text: &str, at: usize, problem: &str) -> ModError {
    let before = text.get(..at).unwrap_or(text);
    ModError::Manifest { line: Some(before.matches('\n').count() + 1), problem: plain(problem) }
}

#[cfg(test)]
mod tests;
