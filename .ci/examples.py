#!/usr/bin/env python3
"""Which public items of control-panel are in no example that runs.

  .ci/examples.py           fails where an item is in no example at all, and is not reviewed below
  .ci/examples.py elsewhere lists the items whose own page has none, and the pages that show them
  .ci/examples.py methods   lists the methods without an example of their own, which the page's example may show

Reads the pages that `cargo doc -p control-panel --no-deps --all-features` made. An item (a type, a trait, a function, a macro, a module) is
shown where its page has an example, its own or one of its methods', or where an example of another page names it.
"""

import html
import os
import pathlib
import re
import sys

DOCS = pathlib.Path(os.environ.get("CARGO_TARGET_DIR", "target")) / "doc/control_panel"
# One that is ignored or fails to compile is none.
EXAMPLE = re.compile(r'<div class="example-wrap(?: should_panic)?">(?:(?!<div class="example-wrap).)*?<pre class="rust rust-example-rendered"><code>(.*?)</code></pre>', re.S)
# Reviewed, by their last names, as items move from module to module: how a builder remembers where its policy comes from. And all of `expansion`,
# which the macros' expansions call and no program writes.
REVIEWED = {"ByDefault", "Configured", "Given", "GivesPolicy"}


def kind_and_name(page):
    path = page.relative_to(DOCS)
    parts = list(path.parts)
    kind, _, name = parts.pop().removesuffix(".html").partition(".")
    if kind == "index":
        return ("mod", "::".join(parts)) if parts else ("mod", "")
    return kind, "::".join([*parts, name])


def examples(page):
    return [html.unescape(re.sub(r"<[^>]+>", "", code)) for code in EXAMPLE.findall(page)]


def main(arguments):
    pages = {page: page.read_text() for page in sorted(DOCS.rglob("*.html")) if page.name not in ("all.html", "sidebar-items.html")}
    pages = {page: text for page, text in pages.items() if 'http-equiv="refresh"' not in text}
    if arguments == ["methods"]:
        for page, text in pages.items():
            for section in re.split(r'<section id="(?:ty)?method\.', text)[1:]:
                if not EXAMPLE.search(section):
                    print(kind_and_name(page)[1], section.split('"', 1)[0])
        return 0
    words = {}
    for page, text in pages.items():
        for word in set(re.findall(r"\w+", "\n".join(examples(text)))):
            words.setdefault(word, []).append(kind_and_name(page)[1] or "the crate's page")
    items, elsewhere, nowhere = 0, [], []
    for page, text in pages.items():
        kind, name = kind_and_name(page)
        is_apart = name.split("::")[0] in ("guide", "expansion")
        if is_apart or kind not in ("struct", "enum", "trait", "fn", "macro", "derive", "attr", "mod"):
            continue
        items += 1
        if EXAMPLE.search(text):
            continue
        shown = words.get(name.rsplit("::")[-1], [])
        (elsewhere if shown else nowhere).append((kind, name, shown))
    print(f"{items} items: {len(elsewhere)} are shown on another page than their own, {len(nowhere)} on none")
    if arguments == ["elsewhere"]:
        for kind, name, shown in elsewhere:
            print(f"{kind} {name}: {', '.join(shown[:3])}")
    last = {name.rsplit("::")[-1] for _, name, _ in nowhere}
    wrong = [f"{kind} {name} is in no example" for kind, name, _ in nowhere if name.rsplit("::")[-1] not in REVIEWED]
    wrong += [f"{name} is in one, or is gone: take it off the list" for name in sorted(REVIEWED - last)]
    print("\n".join(wrong))
    return bool(wrong) or items < 100


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
