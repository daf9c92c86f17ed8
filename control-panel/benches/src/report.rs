//! A benchmark in sections: its command line, and what it prints and writes.

use std::{
    env, fs,
    path::Path,
    process::ExitCode,
    time::{Duration, Instant},
};

use crate::{bars::Bars, machine, machine::Quiet, readme, versions};

/// A section's name, its heading and what makes its text.
pub type Section = (&'static str, &'static str, fn(&Options, &mut Quiet, &mut Bars) -> String);

/// A benchmark, as its binary describes it.
pub struct Report {
    /// The binary's name, and that of its tables in README.md.
    pub name: &'static str,
    /// What it compares, in a line.
    pub about: &'static str,
    /// What `--write` writes besides the tables.
    pub also_writes: &'static str,
    /// The crates whose versions are printed.
    pub compared: &'static [&'static str],
    pub sections: &'static [Section],
    /// The head of the bars' first column.
    pub bars: &'static str,
}

/// What the command line asks for.
pub struct Options {
    pub quick: bool,
    only: Vec<String>,
    write: bool,
}

impl Options {
    /// One of two numbers.
    pub fn pick<T>(&self, full: T, quick: T) -> T {
        if self.quick { quick } else { full }
    }

    /// Writes a plot, where that is wanted.
    pub fn plot(&self, name: &str, svg: &str) {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("plots");
        if self.write
            && let Err(error) =
                fs::create_dir_all(&folder).and_then(|()| fs::write(folder.join(format!("{name}.svg")), svg))
        {
            eprintln!("{name}.svg: {error}");
        }
    }

    fn wants(&self, section: &str) -> bool {
        self.only.is_empty() || self.only.iter().any(|only| only == section)
    }
}

impl Report {
    /// Runs the sections that the command line asks for: the whole of a `main`.
    pub fn run(&self) -> ExitCode {
        match self.options() {
            Ok(Some(options)) => {
                self.measure(&options);
                ExitCode::SUCCESS
            }
            Ok(None) => {
                print!("{}", self.help());
                ExitCode::SUCCESS
            }
            Err(message) => {
                print!("{message}\n\n{}", self.help());
                ExitCode::FAILURE
            }
        }
    }

    fn measure(&self, options: &Options) {
        let began = Instant::now();
        let mut quiet =
            Quiet::new(Duration::from_secs(options.pick(60, 5)), Duration::from_secs(options.pick(9, 2)));
        let mut text = String::new();
        let mut tell = |part: String| {
            print!("{part}");
            text.push_str(&part);
        };
        let versions = versions::line(self.compared);
        tell(format!("Versions: {versions}.\n\nMachine before: {}.\n", machine::note()));
        let mut bars = Bars::default();
        for (name, title, run) in self.sections.iter().filter(|section| options.wants(section.0)) {
            eprintln!("{name} …");
            tell(format!("\n### {title}\n\n{}", run(options, &mut quiet, &mut bars)));
        }
        if let Some(table) = bars.table(self.bars) {
            tell(format!("\n### The bars\n\n{table}"));
        }
        let seconds = began.elapsed().as_secs();
        tell(format!("\nMachine after {seconds} s: {}; {}.\n", machine::note(), quiet.note()));
        if options.write {
            readme::write(self.name, &text);
        }
    }

    /// Nothing, where help is asked for.
    fn options(&self) -> Result<Option<Options>, String> {
        let mut options = Options { quick: false, only: Vec::new(), write: false };
        let mut arguments = env::args().skip(1);
        while let Some(argument) = arguments.next() {
            match argument.as_str() {
                "--quick" => options.quick = true,
                "--write" => options.write = true,
                "--only" => {
                    let name = arguments.next().unwrap_or_default();
                    if !self.sections.iter().any(|section| section.0 == name) {
                        return Err(format!("there is no section `{name}`"));
                    }
                    options.only.push(name);
                }
                "--help" | "-h" => return Ok(None),
                other => return Err(format!("what is `{other}`?")),
            }
        }
        Ok(Some(options))
    }

    fn help(&self) -> String {
        let Self { name, about, also_writes, .. } = self;
        let sections: Vec<_> = self.sections.iter().map(|section| section.0).collect();
        format!(
            "\
{about}

    {name} [--quick] [--only SECTION]… [--write]

--quick         fewer, shorter rounds: under a minute, for trying things out
--only SECTION  only this section: {}
--write         also writes the tables into README.md{also_writes}
--help          this

What it prints is Markdown; progress goes to stderr. All figures called × are medians of the ratios to the
baseline in interleaved rounds of this very run; never compare absolute times of two runs.
",
            sections.join(", ")
        )
    }
}
