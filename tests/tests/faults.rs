//! The seeded fault run, a short one. `docs/FAULTS.md` says how to run longer ones.

use tests::faults::plan::Schedule;
use tests::faults::run;
use tests::sabotage::{still_apply, switches};
use tests::stack::workspace;

/// Small worlds, and enough of them for each kind to come.
const POSTS: usize = 40;
const DELIVERIES: u64 = 400;

#[test]
fn no_law_breaks_whatever_goes_wrong() {
    let summary = run::many(3, POSTS, DELIVERIES, 2, &|_| {});
    if let Some(failure) = &summary.failure {
        panic!("{:#?}\n{:?}", failure.broken, failure.schedule);
    }
    assert!(summary.tally.all_deliveries() >= DELIVERIES);
    println!("{}", summary.tally.report(3, summary.worlds, summary.time));
}

#[test]
fn a_seed_ends_the_same_each_time() {
    let schedule = Schedule::of_seed(5, POSTS);
    let (first, second) = (run::check(&schedule), run::check(&schedule));
    assert_eq!(first.fired, second.fired);
    for (one, other) in first.end.lines().zip(second.end.lines()) {
        assert_eq!(one, other);
    }
    assert_eq!(first.digest, second.digest);
    // The faults that happened, given as a list, are the same run.
    let listed = Schedule { faults: Some(first.fired.clone()), ..schedule };
    assert_eq!(run::check(&listed).digest, first.digest);
}

/// `faults -- mutants` tries what the patches switch; the page says what each bug is.
#[test]
fn every_deliberate_bug_still_applies_and_stands_on_the_page() {
    let folder = workspace().join("tests/faults/bugs");
    still_apply(&folder).expect("patches that apply");
    let page = std::fs::read_to_string(workspace().join("docs/FAULTS.md")).expect("the page");
    let bugs = switches(&folder).expect("the bugs");
    let unnamed: Vec<_> = bugs.iter().filter(|bug| !page.contains(&format!("| `{bug}` |"))).collect();
    assert!(bugs.len() > 10 && unnamed.is_empty(), "docs/FAULTS.md leaves out {unnamed:?}");
}
