//! The guard: what the functions execute and request is compared with a baseline in the repository, so that no
//! change makes them dearer unnoticed.
//!
//! Instructions count as multiples of the empty function's in the same run, because another processor
//! or another C library executes others. Times never count: they differ from run to run.

use std::collections::BTreeMap;
use std::path::PathBuf;

use ::tests::stack::workspace;
use anyhow::Context as _;
use serde::{Deserialize, Serialize};

use crate::callgrind;
use crate::loopback::{Addresses, Loopback};
use crate::release::Release;
use crate::requests;
use crate::start::program;
use crate::work::Work;

/// How much worse a number may be.
const TOLERANCE: f64 = 0.03;
/// How the baseline is changed on purpose.
const ACCEPT: &str = "cargo run -p benches -- guard --accept";

/// What is compared, by name.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Baseline {
    /// Instructions as multiples of the empty function's: `cart-add, first event`.
    pub instructions: BTreeMap<String, f64>,
    /// Requests of ours to AWS: `cart-add dynamodb PutItem`, for one add.
    pub requests: BTreeMap<String, f64>,
}

/// A number that is not as the baseline has it.
#[derive(Clone, Debug, PartialEq)]
struct Difference {
    name: String,
    /// `None` where the baseline has no such number.
    before: Option<f64>,
    /// `None` where it is not measured any more.
    now: Option<f64>,
}

impl Difference {
    /// Whether it is dearer than it may be, or not known to the baseline.
    fn is_worse(&self) -> bool {
        match (self.before, self.now) {
            (Some(before), Some(now)) => now > before * (1.0 + TOLERANCE),
            (None, Some(_)) | (Some(_), None) => true,
            (None, None) => false,
        }
    }

    /// Whether it is so much cheaper that the baseline should follow.
    fn is_better(&self) -> bool {
        matches!((self.before, self.now), (Some(before), Some(now)) if now < before * (1.0 - TOLERANCE))
    }

    fn told(&self) -> String {
        let number =
            |value: Option<f64>| value.map_or_else(|| "none".to_owned(), |value| format!("{value:.3}"));
        let change = match (self.before, self.now) {
            (Some(before), Some(now)) => format!(" ({:+.1} %)", (now / before - 1.0) * 100.0),
            _ => String::new(),
        };
        format!("{}: {} in the baseline, now {}{change}", self.name, number(self.before), number(self.now))
    }
}

fn file() -> PathBuf {
    workspace().join("benches/baseline.json")
}

/// Measures, and compares with the baseline; with `only_requests` the functions aren't built for release, and their
/// instructions not counted. Gives what there is to say when all is well.
///
/// # Errors
/// When something is dearer by more than 3 %, can't be measured, or isn't in the baseline.
pub async fn check(only_requests: bool) -> anyhow::Result<String> {
    let text = std::fs::read_to_string(file())
        .with_context(|| format!("{} can't be read; make it by `{ACCEPT}`", file().display()))?;
    let baseline: Baseline = serde_json::from_str(&text).context("benches/baseline.json")?;
    if only_requests {
        let baseline = Baseline { instructions: BTreeMap::new(), ..baseline };
        let now = Baseline { requests: requests().await?, ..Baseline::default() };
        return verdict(&baseline, &now);
    }
    verdict(&baseline, &measured().await?)
}

/// Measures, and makes that the baseline.
///
/// # Errors
/// When something can't be measured or the baseline can't be written.
pub async fn accept() -> anyhow::Result<String> {
    let measured = measured().await?;
    std::fs::write(file(), serde_json::to_string_pretty(&measured)? + "\n")?;
    let numbers = measured.instructions.len() + measured.requests.len();
    Ok(format!(
        "benches/baseline.json holds these {numbers} numbers now: look at the difference, and commit it with the reason"
    ))
}

fn verdict(baseline: &Baseline, measured: &Baseline) -> anyhow::Result<String> {
    let mut differences = differences("instructions", &baseline.instructions, &measured.instructions);
    differences.extend(self::differences("requests", &baseline.requests, &measured.requests));
    let told = |wanted: fn(&Difference) -> bool| {
        let lines = differences.iter().filter(|difference| wanted(difference));
        lines.map(|difference| format!("  {}\n", difference.told())).collect::<String>()
    };
    let (worse, better) = (told(Difference::is_worse), told(Difference::is_better));
    anyhow::ensure!(
        worse.is_empty(),
        "dearer than the baseline by more than 3 %, or not in it:\n{worse}Make it cheaper, or accept it on purpose: \
         run `{ACCEPT}`, and commit benches/baseline.json with the reason"
    );
    Ok(if better.is_empty() {
        format!("{} numbers are as in the baseline", differences.len())
    } else {
        format!("cheaper than the baseline, good; keep it so by `{ACCEPT}`:\n{better}")
    })
}

fn differences(of: &str, before: &BTreeMap<String, f64>, now: &BTreeMap<String, f64>) -> Vec<Difference> {
    let names: std::collections::BTreeSet<&String> = before.keys().chain(now.keys()).collect();
    let difference = |name: &String| Difference {
        name: format!("{of} of {name}"),
        before: before.get(name).copied(),
        now: now.get(name).copied(),
    };
    names.into_iter().map(difference).collect()
}

async fn measured() -> anyhow::Result<Baseline> {
    Ok(Baseline { instructions: instructions().await?, requests: requests().await? })
}

async fn requests() -> anyhow::Result<BTreeMap<String, f64>> {
    tokio::task::spawn_blocking(requests::for_guard).await?
}

async fn instructions() -> anyhow::Result<BTreeMap<String, f64>> {
    let release = Release::build()?;
    let aws = Loopback::start().await?;
    let mut instructions = BTreeMap::new();
    let count = async |work: Work| {
        callgrind::count(&program(&release, work, &aws, Addresses::Own)?, work, &aws).await
    };
    let empty = count(Work::Nothing).await?;
    for work in Work::FIRST.into_iter().skip(1).chain([Work::Reject, Work::Unwanted]) {
        let count = count(work).await?;
        let parts = [
            ("init", count.init, empty.init),
            ("first event", count.first, empty.first),
            ("later event", count.warm, empty.warm),
        ];
        for (part, ours, least) in parts {
            let multiple = (ours / least * 1000.0).round() / 1000.0;
            instructions.insert(format!("{}, {part}", work.name()), multiple);
        }
    }
    Ok(instructions)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn baseline(init: f64, requests: f64) -> Baseline {
        Baseline {
            instructions: BTreeMap::from([("cart-add, init".to_owned(), init)]),
            requests: BTreeMap::from([("cart-add dynamodb PutItem".to_owned(), requests)]),
        }
    }

    #[test]
    fn three_per_cent_pass_and_more_does_not() {
        let before = baseline(10.0, 1.0);
        assert!(verdict(&before, &baseline(10.29, 1.0)).is_ok());
        let error = verdict(&before, &baseline(10.31, 1.0)).unwrap_err().to_string();
        assert!(error.contains("cart-add, init: 10.000 in the baseline, now 10.310 (+3.1 %)"), "{error}");
        assert!(error.contains(ACCEPT), "{error}");
        assert!(!error.contains("PutItem"), "{error}");
        assert!(verdict(&before, &baseline(10.0, 2.0)).is_err());
    }

    #[test]
    fn what_became_cheaper_is_told_and_passes() {
        let told = verdict(&baseline(10.0, 1.0), &baseline(9.0, 1.0)).unwrap();
        assert!(told.contains("cart-add, init") && told.contains(ACCEPT), "{told}");
    }

    #[test]
    fn what_the_baseline_does_not_know_or_nobody_measures_any_more_is_no_pass() {
        let before = baseline(10.0, 1.0);
        let mut more = before.clone();
        more.instructions.insert("mention-poll, init".to_owned(), 9.0);
        assert!(verdict(&before, &more).is_err());
        assert!(verdict(&more, &before).is_err());
    }
}
