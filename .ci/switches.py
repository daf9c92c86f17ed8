"""Builds many mutants of a program at once, each behind a switch: the body of a function that is mutated becomes
`{ if crate::switches::is_on(7) { its body, mutated } else { its body } }`. So what takes minutes, to compile and link, is done once.

The sources are copied for that, so that work in them never meets a mutant. Where the copy of a body does not compile beside the
other (each is another `impl Trait`), the mutant is built by itself.
"""
import json
import os
import pathlib
import re
import shutil
import subprocess

SWITCH = "CONTROL_PANEL_MUTANT"
MODULE = f"""
mod switches {{
    pub(crate) fn is_on(number: u32) -> bool {{
        static ON: std::sync::LazyLock<Option<u32>> =
            std::sync::LazyLock::new(|| std::env::var("{SWITCH}").ok()?.parse().ok());
        *ON == Some(number)
    }}
}}
"""
# What is no code: comments, text, characters (a lifetime is none).
SKIPPED = re.compile(r"""//[^\n]*|/\*.*?\*/|b?r(#*)".*?"\1|b?"(?:\\.|[^"\\])*"|b?'(?:\\[^\n]*?|[^'\\\n])'""", re.DOTALL)
TOKEN = re.compile(r"\bfn\s+\w+|[{}()\[\];]")


def body_around(source, place):
    """Where the body of the innermost function around this place begins and ends, at its braces."""
    code = SKIPPED.sub(lambda found: re.sub(r"[^\n]", " ", found[0]), source)
    # Each open brace, and whether it is a function's; then, of a function whose body has not begun, how many brackets were open.
    opened, brackets, awaited, found = [], 0, None, None
    for token in TOKEN.finditer(code):
        text = token[0]
        if text.startswith("fn"):
            awaited = brackets
        elif text in "([":
            brackets += 1
        elif text in ")]":
            brackets -= 1
        elif text == ";" and awaited == brackets:
            awaited = None
        elif text == "{":
            opened.append((token.start(), awaited == brackets))
            awaited = None if awaited == brackets else awaited
        elif text == "}":
            start, is_function = opened.pop()
            if is_function and start < place < token.start():
                if found is None or start > found[0]:
                    found = (start, token.start())
    return found


class Mutant:
    """One way to break the program."""

    def __init__(self, number, name, path, old, new, tests):
        self.number, self.name, self.path, self.old, self.new, self.tests = number, name, path, old, new, tests
        self.is_alone = False
        # Where its function is in the file with the switches: lines, for what the compiler says of them.
        self.lines = None

    def is_at(self, path, line):
        return path == self.path and self.lines[0] <= line <= self.lines[1]


class Copy:
    """The sources once more, with the mutants in them."""

    def __init__(self, root):
        self.root = root
        target = pathlib.Path(os.environ.get("CARGO_TARGET_DIR", root / "target"))
        target = target if target.is_absolute() else root / target
        # With a target folder of its own: cargo takes two copies of a package for one, wherever they are.
        self.tree, self.target = target / "mutants/tree", target / "mutants/target"
        listed = subprocess.run(["git", "ls-files", "-coz", "--exclude-standard"], cwd=root, capture_output=True, check=True)
        self.files = {name for name in listed.stdout.decode().split("\0") if name and (root / name).is_file()}

    def write(self, changed):
        """Only what differs is written: the compiler builds what is newer."""
        self.tree.mkdir(parents=True, exist_ok=True)
        for there in [path for path in self.tree.rglob("*") if path.is_file()]:
            if str(there.relative_to(self.tree)) not in self.files:
                there.unlink()
        for name in self.files:
            there, content = self.tree / name, (self.root / name).read_bytes()
            content = changed[name].encode() if name in changed else content
            if not there.exists() or there.read_bytes() != content:
                there.parent.mkdir(parents=True, exist_ok=True)
                there.write_bytes(content)
                shutil.copymode(self.root / name, there)

    def switched(self, library, mutants):
        """By file: its text with the switches of these."""
        of_file = {}
        for mutant in mutants:
            of_file.setdefault(mutant.path, []).append(mutant)
        changed = {library: (self.root / library).read_text() + MODULE}
        for name, mutants in of_file.items():
            source = (self.root / name).read_text()
            bodies = {}
            for mutant in mutants:
                body = body_around(source, source.index(mutant.old))
                bodies.setdefault(body, []).append(mutant)
            pieces, upto = [], 0
            for (start, end), mutants in sorted(bodies.items()):
                body = source[start : end + 1]
                pieces += [source[upto:start], "{\n"]
                first = "".join(pieces).count("\n")
                for mutant in mutants:
                    pieces.append(f"if crate::switches::is_on({mutant.number}) {body.replace(mutant.old, mutant.new)} else ")
                pieces += [body, "\n}"]
                for mutant in mutants:
                    mutant.lines = (first, "".join(pieces).count("\n") + 1)
                upto = end + 1
            changed[name] = "".join(pieces) + source[upto:]
        return changed

    def command(self, command, number=None):
        """How this cargo command is run in the copy, with the mutant of this number."""
        env = dict(os.environ, CARGO_TARGET_DIR=str(self.target), CARGO_INCREMENTAL="0", RUST_BACKTRACE="0")
        env.pop(SWITCH, None)
        env.setdefault("CARGO_PROFILE_DEV_DEBUG", "0")
        env.setdefault("SEEDS", "60")
        if number is not None:
            env[SWITCH] = str(number)
        return {"args": command, "cwd": self.tree, "env": env}

    def build(self, command):
        """Builds these tests. What the compiler calls wrong, as files and lines and in its words; nothing if it builds."""
        build = [*command[: command.index("--")], "--no-run", "--message-format=json"]
        build.remove("-q")
        run = subprocess.run(**self.command(build), capture_output=True, text=True, check=False)
        if run.returncode == 0:
            return [], ""
        messages = [json.loads(line).get("message") or {} for line in run.stdout.splitlines()]
        errors = [message for message in messages if message.get("level") == "error"]
        places = [(span["file_name"], span["line_start"]) for error in errors for span in error["spans"] if span["is_primary"]]
        return places, "".join(error["rendered"] for error in errors) or run.stderr

    def build_all(self, library, mutants, commands):
        """Builds these tests with all these mutants switched off; those that cannot be switched are marked."""
        while True:
            switched = [mutant for mutant in mutants if not mutant.is_alone]
            self.write(self.switched(library, switched))
            for command in commands:
                places, said = self.build(command)
                if said:
                    break
            else:
                return
            wrong = [mutant for mutant in switched if any(mutant.is_at(*place) for place in places)]
            if not wrong:
                raise SystemExit(f"{' '.join(command)} does not compile\n{said}")
            for mutant in wrong:
                mutant.is_alone = True
                print(f"{mutant.name}: is built by itself", flush=True)
