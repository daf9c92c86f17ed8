use super::*;

const GOOD: &str = "id = \"a\"\nversion = \"1.0.0\"\nentry = \"a.wasm\"\n";

fn parse(text: &str) -> Result<ModManifest, String> {
    ModManifest::parse(text, &ModLimits::default()).map_err(|error| error.to_string())
}

fn wrong(text: &str) -> String {
    parse(text).expect_err(text)
}

#[test]
fn a_manifest_says_who_and_where_and_the_rest_has_defaults() {
    let manifest = parse(GOOD).expect("valid");
    assert_eq!((manifest.id(), manifest.version(), manifest.entry()), ("a", "1.0.0", "a.wasm"));
    assert_eq!(manifest.limits(), &ModLimits::default());
    assert_eq!(manifest.provides().chain(manifest.requires()).chain(manifest.capabilities()).count(), 0);
    let full = format!(
        "{GOOD}provides = ['x']\nrequires = ['y', 'z']\ncapabilities = ['intent', 'policy:warm_cache']\n\
         [limits]\nfuel = 1_000\ntime_ms = 5\nmemory_kib = 64\ntable = 1\nhost_calls = 2\nintents = 3\n"
    );
    let manifest = parse(&full).expect("valid");
    assert!(manifest.has_capability("policy:warm_cache") && !manifest.has_capability("policy"));
    let limits = manifest.limits();
    assert_eq!((limits.fuel, limits.time, limits.memory), (1_000, Duration::from_millis(5), 64 << 10));
    assert_eq!((limits.table, limits.host_calls, limits.intents), (1, 2, 3));
    assert_eq!(limits.stack, ModLimits::default().stack);
}

#[test]
fn each_mistake_is_reported_with_its_line() {
    for (text, expected) in [
        ("", "the manifest is wrong: it has no `id`"),
        ("id = 'a'", "the manifest is wrong: it has no `version`"),
        ("\n\nid = [", "the manifest is wrong in line 3: "),
        ("id = 'a'\nid = 'b'", "the manifest is wrong in line 2: the key `id` is there twice"),
        ("[limits]\nfuel = 1\n[limits]", "in line 3: the key `limits` is there twice"),
        ("id = 'a'\nversion = '1.0.0", "in line 2: `version` cannot be read: invalid literal string"),
        ("id = 'a'\nversion", "in line 2: key with no value"),
        ("id = [\n[\n]", "the manifest is wrong in line "),
        ("author = 'me'", "the manifest is wrong in line 1: there is no key `author`; known are id, version"),
        ("id = ''", "`id` must be 1 to 64 of the characters"),
        ("id = 'A b'", "`id` must be 1 to 64 of the characters"),
        ("id = '../x'", "`id` must be 1 to 64 of the characters"),
        ("id = 'a'\nversion = '1.0'", "in line 2: `version` must be three numbers like `1.2.0`"),
        (
            "id = 'a'\nversion = 1.0",
            "in line 2: `version` must be a text in quotes, not a number with a point or an exponent",
        ),
    ] {
        assert!(wrong(text).contains(expected), "{text:?} gave {:?}", wrong(text));
    }
    for (line, expected) in [
        ("provides = 'x'", "in line 4: `provides` must be a list like [\"a\", \"b\"], not a text"),
        ("requires = [1]", "`requires` holds an integer where a text must be"),
        ("requires = ['x', 'x']", "`requires` names `x` twice"),
        ("capabilities = ['a:b:c']", "`a:b:c` in `capabilities` must be 1 to 64"),
        ("limits = 3", "`limits` must be a table, not an integer"),
        ("limits.cores = 3", "there is no key `limits.cores`"),
        ("limits.fuel = 0", "`limits.fuel` must be a whole number above 0"),
        ("limits.fuel = -1", "`limits.fuel` must be a whole number above 0"),
        ("limits.fuel = 0x0", "`limits.fuel` must be a whole number above 0"),
        (
            "limits.fuel = 1.5",
            "`limits.fuel` must be a whole number above 0, not a number with a point or an exponent",
        ),
        ("limits.fuel = '1'", "`limits.fuel` must be a whole number above 0, not a text"),
        ("[limits]\nfuel = 1\nfuel = 2", "the manifest is wrong in line 6: the key `fuel` is there twice"),
        (
            "limits.fuel = 99999999999999999999999",
            "in line 4: `limits.fuel` asks for 99999999999999999999999, and this host allows 50000000: ask for less",
        ),
        (
            "requires = ['html >= 1.0']",
            "in line 4: `html >= 1.0` in `requires` must be a name alone, `html`: there are no version constraints",
        ),
        ("requires = ['x@1']", "must be a name alone, `x`: there are no version constraints"),
        ("requires = ['X y']", "`X y` in `requires` must be 1 to 64"),
        ("limits.time_ms = 5000", "`limits.time_ms` asks for 5000, and this host allows 50: ask for less"),
        ("limits.memory_kib = 99999999999999999", "this host allows 16384"),
    ] {
        let message = wrong(&format!("{GOOD}{line}\n"));
        assert!(message.contains(expected), "{line:?} gave {message:?}");
    }
    let many =
        format!("{GOOD}requires = [{}]", (0..33).map(|n| format!("'n{n}',")).collect::<Vec<_>>().concat());
    assert!(wrong(&many).contains("`requires` has more than 32 entries"));
}

#[test]
fn an_entry_lies_below_its_folder() {
    for entry in ["a.wasm", "a.wat", "build/a.wasm"] {
        assert!(parse(&GOOD.replace("a.wasm", entry)).is_ok(), "{entry}");
    }
    for entry in ["../a.wasm", "x/../../a.wasm", "/a.wasm", "", ".", "./../a.wasm", "a.so", "wasm", "a.WASM"]
    {
        let message = wrong(&GOOD.replace("a.wasm", entry));
        assert!(message.contains("`entry` must"), "{entry:?} gave {message:?}");
    }
}

#[test]
fn what_a_stranger_wrote_is_cut_and_escaped() {
    let message = wrong(&format!("\"{}\\u001b\" = 1", "x".repeat(10_000)));
    assert!(message.len() < 400 && !message.contains('\u{1b}'), "{message:?}");
}

#[test]
fn no_document_is_too_deep_for_the_parser() {
    let nested = format!("{GOOD}x = {}", "[".repeat(30_000));
    assert_eq!(wrong(&nested), "the manifest is wrong in line 4: its lists or tables are nested too deeply");
    let parts = vec!["a"; 9_000].join(".");
    for dotted in [format!("{parts} = 1"), format!("[{parts}]")] {
        let message = wrong(&format!("{GOOD}{dotted}\n[limits]\nfuel = 1\n"));
        assert_eq!(message, "the manifest is wrong in line 4: a key has too many parts");
    }
    assert!(wrong(&format!("{} = 1", "a.".repeat(30_000))).contains("the manifest is wrong in line 1"));
}
