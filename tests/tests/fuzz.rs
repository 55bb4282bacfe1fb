//! Every input that fuzzing has kept, held against the laws once more: the corpora, and what broke a law before it
//! was mended. `docs/FUZZING.md` says how to find new ones.

use std::collections::BTreeSet;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};

use tests::fuzz::{TARGETS, run};
use tests::stack::workspace;

/// What all corpora together may hold, in bytes: they are cloned by everybody.
const CORPORA: u64 = 300 * 1024;

fn fuzz() -> PathBuf {
    workspace().join("fuzz")
}

fn entries(folder: &Path) -> Vec<PathBuf> {
    let Ok(entries) = std::fs::read_dir(folder) else { return Vec::new() };
    let mut paths: Vec<PathBuf> = entries.map(|entry| entry.expect("an entry").path()).collect();
    paths.sort();
    paths
}

/// The names of a folder's entries, without their endings.
fn names(folder: &str) -> BTreeSet<String> {
    let stem = |path: &PathBuf| path.file_stem().expect("a name").to_string_lossy().into_owned();
    entries(&fuzz().join(folder)).iter().map(stem).collect()
}

fn targets() -> BTreeSet<String> {
    TARGETS.iter().map(|target| target.name.to_owned()).collect()
}

/// The inputs that are kept for a target.
fn inputs(target: &str) -> Vec<PathBuf> {
    let kept = ["corpus", "regressions"].map(|folder| entries(&fuzz().join(folder).join(target)));
    kept.into_iter().flatten().collect()
}

#[test]
fn every_kept_input_keeps_the_laws() {
    let mut broken = Vec::new();
    for target in &TARGETS {
        for path in inputs(target.name) {
            let data = std::fs::read(&path).expect("an input");
            if catch_unwind(AssertUnwindSafe(|| run(target.name, &data))).is_err() {
                broken.push(path);
            }
        }
    }
    assert!(broken.is_empty(), "what each breaks stands above: {broken:#?}");
}

/// A target that nobody seeded, or a folder that nobody runs, would only look as if it were tested.
#[test]
fn every_target_is_built_and_has_a_corpus() {
    assert_eq!(names("corpus"), targets(), "fuzz/corpus");
    assert_eq!(names("fuzz_targets"), targets(), "fuzz/fuzz_targets");
    assert!(names("regressions").is_subset(&targets()), "fuzz/regressions: {:?}", names("regressions"));
    for target in targets() {
        assert!(!entries(&fuzz().join("corpus").join(&target)).is_empty(), "fuzz/corpus/{target} is empty");
        let path = fuzz().join("fuzz_targets").join(&target).with_extension("rs");
        let source = std::fs::read_to_string(path).expect("a target");
        assert!(source.contains(&format!("run(\"{target}\", data)")), "{target} runs another: {source}");
    }
    let manifest = std::fs::read_to_string(fuzz().join("Cargo.toml")).expect("the manifest");
    let (_, binaries) = manifest.split_once("[[bin]]").expect("binaries");
    let built: BTreeSet<String> = binaries
        .lines()
        .filter_map(|line| line.strip_prefix("name = \"")?.strip_suffix('"'))
        .map(str::to_owned)
        .collect();
    assert_eq!(built, targets(), "[[bin]] in fuzz/Cargo.toml");
}

#[test]
fn corpora_are_small() {
    let all = TARGETS.iter().flat_map(|target| inputs(target.name));
    let bytes: u64 = all.map(|path| std::fs::metadata(path).expect("an input").len()).sum();
    assert!(bytes <= CORPORA, "{bytes} bytes: minimise them by `cargo fuzz cmin`");
}
