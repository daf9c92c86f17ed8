use super::*;
use crate::workers::mods::ModLimits;

/// "id: required required / provided": slot and id are the same unless the id is written `slot=id`.
fn manifest(line: &str) -> (String, ModManifest) {
    let (name, rest) = line.split_once(':').unwrap_or((line, ""));
    let (slot, id) = name.split_once('=').unwrap_or((name, name));
    let (requires, provides) = rest.split_once('/').unwrap_or((rest, ""));
    let list =
        |names: &str| names.split_whitespace().map(|name| format!("'{name}',")).collect::<Vec<_>>().concat();
    let text = format!(
        "id = '{}'\nversion = '1.0.0'\nentry = 'x.wasm'\nrequires = [{}]\nprovides = [{}]",
        id.trim_end_matches(['*', '!']),
        list(requires),
        list(provides)
    );
    (slot.to_owned(), ModManifest::parse(&text, &ModLimits::default()).expect("valid"))
}

/// A `*` after the id means running, a `!` means off.
fn planned(lines: &[&str]) -> (Vec<String>, Vec<String>) {
    let parsed: Vec<_> = lines.iter().map(|line| (line, manifest(line))).collect();
    let candidates: Vec<_> = parsed
        .iter()
        .map(|(line, (slot, manifest))| {
            let name = line.split(':').next().unwrap_or_default();
            Candidate { slot, manifest, running: name.ends_with('*'), off: name.ends_with('!') }
        })
        .collect();
    let found = plan(&candidates);
    let mut backwards = candidates.clone();
    backwards.reverse();
    let failures = found.failures.iter().map(|(slot, error)| format!("{slot}: {error}")).collect();
    let order = found.order.clone();
    assert_eq!(found, plan(&backwards), "the order of the candidates decides nothing");
    (order, failures)
}

#[test]
fn each_mod_comes_after_what_it_requires_and_ties_go_by_id() {
    let (order, failures) = planned(&["a: c d", "b", "c: d", "d", "e: titles", "z: / titles"]);
    assert_eq!(order, ["b", "d", "c", "a", "z", "e"]);
    assert!(failures.is_empty());
}

#[test]
fn what_is_missing_takes_its_dependents_along_and_no_other() {
    let (order, failures) = planned(&["a: nowhere", "b: a", "c: b", "d"]);
    assert_eq!(order, ["d"]);
    assert_eq!(
        failures,
        [
            "a: it requires `nowhere`, which no mod provides",
            "b: it requires `a`, whose mod is not running",
            "c: it requires `b`, whose mod is not running"
        ]
    );
}

#[test]
fn cycles_are_named_and_those_behind_them_distinguished() {
    let (order, failures) = planned(&["a: b", "b: c", "c: a", "d: a", "e: e", "f"]);
    assert_eq!(order, ["f"]);
    assert_eq!(
        failures,
        [
            "a: mods require each other in a circle: a requires b requires c requires a",
            "b: mods require each other in a circle: b requires c requires a requires b",
            "c: mods require each other in a circle: c requires a requires b requires c",
            "d: it requires `a`, whose mod is not running",
            "e: it requires itself"
        ]
    );
}

#[test]
fn a_mod_that_requires_what_it_provides_itself_is_a_circle_too() {
    let (order, failures) = planned(&["a: titles / titles", "b"]);
    assert_eq!((order, failures), (vec!["b".into()], vec!["a: it requires itself".into()]));
}

#[test]
fn of_one_id_none_is_preferred_unless_it_runs() {
    let (order, failures) = planned(&["x=a", "y=a", "z"]);
    assert_eq!(order, ["z"]);
    assert_eq!(
        failures,
        [
            "x: the id `a` is also that of y: ids must differ",
            "y: the id `a` is also that of x: ids must differ"
        ]
    );
    let (order, failures) = planned(&["x=a", "y=a*", "z=a"]);
    assert_eq!(order, ["y"]);
    assert_eq!(failures[0], "x: the id `a` is also that of y: ids must differ");
    assert_eq!(failures.len(), 2);
}

#[test]
fn of_one_provided_name_none_is_preferred_unless_it_runs() {
    let (order, failures) = planned(&["a: / titles", "b: / titles", "c: titles", "d"]);
    assert_eq!(order, ["d"]);
    assert_eq!(
        failures,
        [
            "a: `titles` is also provided by the mod `b`: only one of them can be loaded",
            "b: `titles` is also provided by the mod `a`: only one of them can be loaded",
            "c: it requires `titles`, whose mod is not running"
        ]
    );
    let (order, failures) = planned(&["a: / titles", "b*: / titles", "c: titles"]);
    assert_eq!((order, failures.len()), (vec!["b*".to_owned(), "c".to_owned()], 1));
    assert_eq!(planned(&["a: / a"]).0, ["a"], "one's own id is no conflict");
}

/// Otherwise any mod could keep another from loading.
#[test]
fn an_id_is_stronger_than_a_provided_name() {
    let (order, failures) = planned(&["a", "b: / a", "c: a"]);
    assert_eq!(order, ["a", "c"]);
    assert_eq!(failures, ["b: it provides `a`, which is the id of another mod: provide another name"]);
    // Also against several; and a mod that loses that way takes no name from a third.
    let (order, failures) = planned(&["a", "b: / a titles", "c: / a", "d: / titles"]);
    assert_eq!((order, failures.len()), (vec!["a".to_owned(), "d".to_owned()], 2));
    // Here, too, running mods stay.
    let (order, failures) = planned(&["a", "b*: / a"]);
    assert_eq!(order, ["b*"]);
    assert_eq!(failures, ["a: `a` is also provided by the mod `b`: only one of them can be loaded"]);
    let (order, failures) = planned(&["a: / b", "b: / a"]);
    assert_eq!((order.len(), failures.len()), (0, 2), "each provides the other's");
    assert_eq!(planned(&["a!", "b: / a"]).0, ["b"], "what is off is not there");
}

#[test]
fn what_is_off_provides_nothing_and_conflicts_with_nothing() {
    let (order, failures) = planned(&["a!: / titles", "b: titles", "c: / titles"]);
    assert_eq!(order, ["c", "b"]);
    assert!(failures.is_empty());
    let (order, failures) = planned(&["a!", "b: a"]);
    assert!(order.is_empty());
    assert_eq!(failures, ["b: it requires `a`, whose mod is not running"]);
}

/// Against a reference: whatever the graph, what runs comes after everything that it requires, and what does not run has a true
/// reason.
#[test]
fn every_small_graph_is_planned_right() {
    let ids = ["a", "b", "c"];
    for bits in 0..1_u32 << 9 {
        let lines: Vec<String> = (0..3)
            .map(|from| {
                let requires = (0..3).filter(|to| bits >> (from * 3 + to) & 1 == 1).map(|to| ids[to]);
                format!("{}: {}", ids[from], requires.collect::<Vec<_>>().join(" "))
            })
            .collect();
        let (order, failures) = planned(&lines.iter().map(String::as_str).collect::<Vec<_>>());
        assert_eq!(order.len() + failures.len(), 3);
        let requires = |from: usize, to: usize| bits >> (from * 3 + to) & 1 == 1;
        // The transitive closure shows which mods are in a cycle, or behind one.
        let reach = |from: usize, to: usize| {
            requires(from, to)
                || (0..3).any(|via| {
                    requires(from, via)
                        && (requires(via, to) || {
                            (0..3).any(|last| requires(via, last) && requires(last, to))
                        })
                })
        };
        for (index, id) in ids.iter().enumerate() {
            let in_circle = reach(index, index);
            let behind = (0..3).any(|other| reach(index, other) && reach(other, other));
            if let Some(at) = order.iter().position(|slot| slot == id) {
                assert!(!in_circle && !behind, "{lines:?} runs {id}");
                for other in (0..3).filter(|other| requires(index, *other)) {
                    assert!(order[..at].iter().any(|slot| slot == ids[other]), "{lines:?}: {order:?}");
                }
            } else {
                assert!(in_circle || behind, "{lines:?} does not run {id}");
                let failure = failures.iter().find(|failure| failure.starts_with(id)).expect("a reason");
                assert_eq!(failure.contains("circle") || failure.contains("itself"), in_circle, "{failure}");
            }
        }
    }
}

/// The simplest possible plan: everything is recomputed at each step.
fn plainly(candidates: &[Candidate<'_>]) -> Plan {
    let mut failures = clashes(candidates);
    let mut left: Vec<Candidate<'_>> = candidates
        .iter()
        .copied()
        .filter(|candidate| !candidate.off && !failures.contains_key(candidate.slot))
        .collect();
    loop {
        let lacks = |candidate: &Candidate<'_>| {
            let mut requires = candidate.manifest.requires();
            requires.find(|name| !left.iter().any(|it| names(it).any(|own| own == *name))).map(str::to_owned)
        };
        let lacking: Vec<_> = left.iter().filter_map(|it| Some((it.slot, lacks(it)?))).collect();
        if lacking.is_empty() {
            break;
        }
        for (slot, name) in lacking {
            left.retain(|it| it.slot != slot);
            let known = candidates.iter().any(|it| names(it).any(|own| own == name));
            let error = if known { ModError::NotRunning { name } } else { ModError::Missing { name } };
            failures.insert(slot.to_owned(), error);
        }
    }
    let (mut order, mut provided) = (Vec::new(), BTreeSet::new());
    while let Some(next) = left
        .iter()
        .copied()
        .filter(|it| it.manifest.requires().all(|name| provided.contains(name)))
        .min_by_key(|it| it.manifest.id())
    {
        left.retain(|it| it.slot != next.slot);
        provided.extend(names(&next));
        order.push(next.slot.to_owned());
    }
    // The tests above cover why these wait.
    for it in left {
        failures.insert(it.slot.to_owned(), ModError::Cycle { through: Vec::new() });
    }
    Plan { order, failures }
}

proptest::proptest! {
    #![proptest_config(proptest::test_runner::Config { failure_persistence: None, ..Default::default() })]

    #[test]
    fn it_is_what_the_plainest_plan_is(
        mods in proptest::collection::vec(
            (proptest::collection::btree_set(0_u8..14, 0..4), 0_u8..14, 0_u8..20, 0_u8..12), 0..14),
    ) {
        let lines: Vec<String> = mods
            .iter()
            .enumerate()
            .map(|(slot, (requires, provides, id, flag))| {
                // Most have an id of their own; some names are ids.
                let id = if *id < 2 { 0 } else { slot };
                let flag = match flag { 0 => "!", 1..=3 => "*", _ => "" };
                let requires: Vec<_> = requires
                    .iter()
                    .map(|of| if of % 2 == 0 { format!("m{of}") } else { format!("n{of}") })
                    .collect();
                format!("s{slot}=m{id}{flag}: {} / n{provides}", requires.join(" "))
            })
            .collect();
        let parsed: Vec<_> = lines.iter().map(|line| (line, manifest(line))).collect();
        let candidates: Vec<_> = parsed
            .iter()
            .map(|(line, (slot, manifest))| {
                let name = line.split(':').next().unwrap_or_default();
                Candidate { slot, manifest, running: name.ends_with('*'), off: name.ends_with('!') }
            })
            .collect();
        let (found, plain) = (plan(&candidates), plainly(&candidates));
        proptest::prop_assert_eq!(&found.order, &plain.order);
        proptest::prop_assert_eq!(found.failures.len(), plain.failures.len());
        for (slot, error) in plain.failures {
            match (&found.failures[&slot], &error) {
                (ModError::Cycle { .. } | ModError::NotRunning { .. }, ModError::Cycle { .. }) => {}
                (found, plain) => proptest::prop_assert_eq!(found, plain),
            }
        }
    }
}
