use clap::Parser;

use super::{Cli, run};

fn output(args: &str) -> (bool, String) {
    let cli = Cli::try_parse_from(["shared_list"].into_iter().chain(args.split_whitespace())).unwrap();
    let mut out = Vec::new();
    let converged = run(&cli, &mut out).unwrap();
    (converged, String::from_utf8(out).unwrap())
}

#[test]
fn three_replicas_agree_whatever_the_seed_and_however_lossy_the_air() {
    for seed in 0..8 {
        for loss in [0, 30, 70] {
            let (converged, shown) = output(&format!("--seed {seed} --loss {loss} --frames 12"));
            assert!(converged, "{shown}");
            let lists: Vec<_> =
                shown.lines().rev().take(3).map(|line| line.split_once(": ").unwrap().1).collect();
            assert!(lists.iter().all(|list| *list == lists[0]), "{shown}");
        }
    }
}

#[test]
fn one_seed_makes_one_table_and_another_makes_another() {
    let [first, again, other] = [7, 7, 8].map(|seed| output(&format!("--seed {seed}")).1);
    assert_eq!(first, again);
    assert_ne!(first, other);
}

#[test]
fn operations_are_redone() {
    let shown = output("--seed 1").1;
    let redone =
        shown.lines().find_map(|line| line.split(", ").find(|part| part.ends_with("operations redone")));
    assert_ne!(redone.expect("a figure"), "0 operations redone", "{shown}");
}
