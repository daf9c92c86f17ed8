#!/usr/bin/env python3
"""The features of control-panel, what they cost and which Rust they need, read off cargo.

  features.py names   the features' names, one a line
  features.py table   a row a feature: crates compiled, Rust needed
  features.py check   fails where README.md states another Rust for a feature than its dependencies need, where
                      the default features compile more than 30 crates, or where syn's `full` or anything that only
                      `p2p` brings is on without `p2p`
"""

import json
import re
import subprocess
import sys

PACKAGE = "control-panel"
MOST_CRATES = 30


def cargo(*arguments):
    return subprocess.run(["cargo", *arguments], check=True, capture_output=True, text=True).stdout


def metadata():
    return json.loads(cargo("metadata", "--format-version", "1", "--all-features"))


def version(text):
    return tuple(int(part) for part in (text or "1.0").split("."))


def tree(features, form):
    chosen = ["--no-default-features", *(["--features", features] if features else [])]
    lines = cargo("tree", "-p", PACKAGE, "-e", "normal,build", "--prefix", "none", "--format", form, *chosen)
    return sorted(set(line.replace(" (*)", "") for line in lines.splitlines() if line))


def crates(features):
    return sorted({tuple(line.split()[:2]) for line in tree(features, "{p}")})


def msrv(features, needed):
    """The greatest `rust-version` among the crates that these features compile."""
    return max((needed[name, number.lstrip("v")] for name, number in crates(features)), key=version)


def stated():
    """What README.md's table of features states: | `name` | … | 1.85 |"""
    rows = re.findall(r"^\| (?:`([\w-]+)`|(none)) \|.*\| (1\.\d+) \|$", open("README.md").read(), re.M)
    return {feature or "": rust for feature, _, rust in rows}


def main(command):
    data = metadata()
    package = next(package for package in data["packages"] if package["name"] == PACKAGE)
    names = sorted(name for name in package["features"] if name != "default")
    needed = {(p["name"], p["version"]): p["rust_version"] or "1.0" for p in data["packages"]}
    if command == "names":
        print("\n".join(names))
        return 0
    rows = [(feature, len(crates(feature)), msrv(feature, needed)) for feature in ["", *names, "default"]]
    for feature, count, rust in rows:
        print(f"{feature or 'none':<16} {count:>3} crates   Rust {rust}")
    if command == "table":
        return 0
    wrong = []
    listed = stated()
    for feature, _, rust in rows:
        if feature != "default" and version(listed.get(feature))[:2] != version(rust)[:2]:
            wrong.append(f"README.md states Rust {listed.get(feature)} for `{feature or 'none'}`, which needs {rust}")
    if version(package["rust_version"])[:2] != version(msrv("", needed))[:2]:
        wrong.append(f"Cargo.toml's rust-version is {package['rust_version']}, the core needs {msrv('', needed)}")
    if rows[-1][1] > MOST_CRATES:
        wrong.append(f"the default features compile {rows[-1][1]} crates, and {MOST_CRATES} is the limit")
    # A build without peers compiles none of what they need.
    others = [name for name in names if name != "p2p"]
    direct = {entry.removeprefix("dep:") for entry in package["features"]["p2p"] if entry.startswith("dep:")}
    shared = {entry.removeprefix("dep:") for name in others for entry in package["features"][name]}
    engine = {name for name, _ in crates("p2p") if re.match(r"(iroh|noq|rustls|ring$)", name)} | direct - shared
    for features in ["", "default", *others, ",".join(others)]:
        found = sorted(engine & {name for name, _ in crates(features)})
        if found:
            wrong.append(f"without `p2p` the features {features or 'none'} compile {', '.join(found)}")
    print(f"only with p2p: {', '.join(sorted(engine))}")
    # What peers need brings it along by itself.
    for features in ["default", ",".join(others)]:
        for line in tree(features, "{p} [{f}]"):
            if line.startswith("syn ") and "full" in re.split(r"[\[\],]", line):
                wrong.append(f"syn's `full` is on with the features {features}: {line}")
    print("\n".join(wrong) or "as stated")
    return bool(wrong)


if __name__ == "__main__":
    if len(sys.argv) != 2 or sys.argv[1] not in ("names", "table", "check"):
        sys.exit(__doc__)
    sys.exit(main(sys.argv[1]))
