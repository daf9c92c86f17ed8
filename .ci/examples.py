#!/usr/bin/env python3
"""Which public items of control-panel are in no example that runs.

  .ci/examples.py           fails where an item or a method is in no example at all, and is not reviewed below
  .ci/examples.py elsewhere lists the items whose own page has none, and the pages that show them
  .ci/examples.py methods   lists the methods without an example of their own, which another's or the page's example shows

Reads the pages that `cargo doc -p control-panel --no-deps --all-features` made. An item (a type, a trait, a function, a macro, a module) is
shown where its page has an example, its own or one of its methods', or where an example of another page names it. A method is shown where an
example calls or defines it.
"""

import html
import os
import pathlib
import re
import sys

DOCS = pathlib.Path(os.environ.get("CARGO_TARGET_DIR", "target")) / "doc/control_panel"
# One that is ignored or fails to compile is none.
EXAMPLE = re.compile(r'<div class="example-wrap(?: should_panic)?">(?:(?!<div class="example-wrap).)*?<pre class="rust rust-example-rendered"><code>(.*?)</code></pre>', re.S)
# Reviewed, by their last names, as items move from module to module: none. And all of `expansion`, which the macros' expansions call and no
# program writes.
REVIEWED = set()
# Methods, by type and name, with the reason why no example has them.
REVIEWED_METHODS = {}
CALLED = re.compile(r"(?:[.:]|\bfn )(\w+)\b")
# Behind the type's own methods come those of the traits that it implements, which are the traits' business.
TRAITS = re.compile(r'<h2 id="(?:trait-implementations|synthetic-implementations|blanket-implementations|deref-methods|implement[o]rs|foreign-impls)[^"]*"')


def kind_and_name(page):
    path = page.relative_to(DOCS)
    parts = list(path.parts)
    kind, _, name = parts.pop().removesuffix(".html").partition(".")
    if kind == "index":
        return ("mod", "::".join(parts)) if parts else ("mod", "")
    return kind, "::".join([*parts, name])


def examples(page):
    return [html.unescape(re.sub(r"<[^>]+>", "", code)) for code in EXAMPLE.findall(page)]


def methods(pages):
    """Each type's and trait's own methods: its name, the method's, and whether it has an example of its own. A type that the root exports as well
    has two pages, of which the one in its module counts."""
    names = {kind_and_name(page)[1] for page in pages}
    for page, text in pages.items():
        kind, name = kind_and_name(page)
        in_a_module = "::" in name or not any(other.endswith("::" + name) for other in names)
        if kind not in ("struct", "enum", "trait") or name.split("::")[0] in ("guide", "expansion") or not in_a_module:
            continue
        own = TRAITS.split(text)[0]
        for section in re.split(r'<section id="(?:ty)?method\.', own)[1:]:
            # Of several of one name, in several `impl`s, rustdoc numbers all but the first.
            yield name, re.sub(r"-\d+$", "", section.split('"', 1)[0]), bool(EXAMPLE.search(section))


def main(arguments):
    pages = {page: page.read_text() for page in sorted(DOCS.rglob("*.html")) if page.name not in ("all.html", "sidebar-items.html")}
    pages = {page: text for page, text in pages.items() if 'http-equiv="refresh"' not in text}
    if arguments == ["methods"]:
        for name, method, has_one in methods(pages):
            if not has_one:
                print(name, method)
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
    called = {word for text in pages.values() for code in examples(text) for word in CALLED.findall(code)}
    all_methods = {f"{name.rsplit('::')[-1]}::{method}": has_one or method in called for name, method, has_one in methods(pages)}
    unseen = {name for name, is_shown in all_methods.items() if not is_shown}
    print(f"{len(all_methods)} methods: {len(unseen)} are in no example, {len(REVIEWED_METHODS)} are reviewed")
    wrong += [f"method {name} is in no example" for name in sorted(unseen - REVIEWED_METHODS.keys())]
    wrong += [f"method {name} is in one, or is gone: take it off the list" for name in sorted(REVIEWED_METHODS.keys() - unseen)]
    print("\n".join(wrong))
    return bool(wrong) or items < 100 or len(all_methods) < 500


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
