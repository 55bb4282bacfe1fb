//! Many runs beside each other, and the smallest schedule of one that fails.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use super::dice::Dice;
use super::ground::Ground;
use super::laws;
use super::plan::{Fault, Schedule};
use super::report::Tally;
use super::world;

/// How many posts one world has: some 2,000 deliveries, faults included.
pub const POSTS: usize = 250;

/// How a world ended.
#[derive(Clone, Debug)]
pub struct Finding {
    /// What was run.
    pub schedule: Schedule,
    /// What broke the laws; empty when all held.
    pub broken: Vec<String>,
    /// The faults that happened.
    pub fired: BTreeMap<String, Fault>,
    /// Counts.
    pub tally: Tally,
    /// A fingerprint of the end.
    pub digest: String,
    /// The end itself, line by line.
    pub end: String,
}

/// Runs a schedule and the same deeds without faults, and checks the laws.
pub fn check(schedule: &Schedule) -> Finding {
    let calm = Schedule { faults: Some(BTreeMap::new()), ..schedule.clone() };
    let calm = caught(&calm);
    let stormy = match caught(schedule) {
        Ok(ground) => ground,
        Err(broken) => return failed(schedule, broken),
    };
    let calm = match calm {
        Ok(ground) => ground,
        Err(broken) => return failed(schedule, format!("without faults: {broken}")),
    };
    let (mut broken, tally) = laws::check(&stormy, Some(&calm));
    let (broken_in_calm, _) = laws::check(&calm, None);
    broken.extend(broken_in_calm.into_iter().map(|law| format!("without faults: {law}")));
    let end = laws::account_of(&stormy);
    let digest = lambda::token::digest(&end);
    let fired = stormy.state().fired.clone();
    Finding { schedule: schedule.clone(), broken, fired, tally, digest, end }
}

fn failed(schedule: &Schedule, broken: String) -> Finding {
    Finding {
        schedule: schedule.clone(),
        broken: vec![broken],
        fired: BTreeMap::new(),
        tally: Tally::default(),
        digest: String::new(),
        end: String::new(),
    }
}

/// A run whose panic is a finding like any other.
fn caught(schedule: &Schedule) -> Result<Arc<Ground>, String> {
    let run = std::panic::AssertUnwindSafe(|| world::run(schedule, None));
    std::panic::catch_unwind(run).map_err(|panic| {
        let text = panic.downcast_ref::<String>().cloned();
        let text = text.or_else(|| panic.downcast_ref::<&str>().map(|text| (*text).to_owned()));
        format!("panicked: {}", text.unwrap_or_default())
    })
}

/// What many worlds came to.
#[derive(Debug)]
pub struct Summary {
    /// The sum of all worlds.
    pub tally: Tally,
    /// How many there were.
    pub worlds: u64,
    /// How long it took.
    pub time: Duration,
    /// The first world that broke a law.
    pub failure: Option<Finding>,
}

/// Runs worlds of a seed with `posts` posts each, on `threads` threads, until they have had so many
/// deliveries, or one breaks a law. `progress` hears how many there were so far.
pub fn many(
    seed: u64,
    posts: usize,
    deliveries: u64,
    threads: usize,
    progress: &(dyn Fn(u64) + Sync),
) -> Summary {
    let began = Instant::now();
    let (next, done) = (AtomicU64::new(0), AtomicU64::new(0));
    let sum = Mutex::new((Tally::default(), 0_u64));
    let failure: Mutex<Option<(u64, Finding)>> = Mutex::new(None);
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                while done.load(Ordering::SeqCst) < deliveries {
                    let number = next.fetch_add(1, Ordering::SeqCst);
                    let finding = check(&Schedule::of_seed(Dice::new(seed).part(number), posts));
                    done.fetch_add(finding.tally.all_deliveries().max(1), Ordering::SeqCst);
                    progress(done.load(Ordering::SeqCst));
                    let mut sum = sum.lock().unwrap_or_else(PoisonError::into_inner);
                    sum.0.add(&finding.tally);
                    sum.1 += 1;
                    drop(sum);
                    if !finding.broken.is_empty() {
                        done.store(u64::MAX / 2, Ordering::SeqCst);
                        let mut failure = failure.lock().unwrap_or_else(PoisonError::into_inner);
                        if failure.as_ref().is_none_or(|(earlier, _)| number < *earlier) {
                            *failure = Some((number, finding));
                        }
                    }
                }
            });
        }
    });
    let (tally, worlds) = sum.into_inner().unwrap_or_else(PoisonError::into_inner);
    let failure = failure.into_inner().unwrap_or_else(PoisonError::into_inner).map(|(_, finding)| finding);
    Summary { tally, worlds, time: began.elapsed(), failure }
}

/// Makes a failing schedule as small as it gets in `time`: first whole shoppers, then their deeds, then
/// the faults, by delta debugging (Zeller, Hildebrandt: Simplifying and isolating failure-inducing input). What is left
/// breaks a law of the same kind.
pub fn shrink(finding: &Finding, time: Duration, progress: &dyn Fn(usize, usize)) -> Finding {
    let until = Instant::now() + time;
    let mut best = finding.clone();
    best.schedule.faults = Some(finding.fired.clone());
    let deeds: BTreeSet<String> = best.schedule.plan().inputs.into_iter().map(|input| input.name).collect();
    best.schedule.deeds = Some(deeds);
    let kind = kind_of(finding);
    let again = check(&best.schedule);
    if kind_of(&again) != kind {
        // Without its seed's draws the run doesn't fail: it stays as it is.
        return finding.clone();
    }
    best = without_bystanders(only_what_fired(again), &kind, progress);
    loop {
        let before = size(&best.schedule);
        best = fewer(
            best,
            &kind,
            until,
            progress,
            |schedule| schedule.deeds.clone().unwrap_or_default().into_iter().collect(),
            |schedule, keep| {
                if let Some(deeds) = &mut schedule.deeds {
                    deeds.retain(|name| keep.contains(name));
                }
            },
        );
        best = fewer(
            best,
            &kind,
            until,
            progress,
            |schedule| schedule.faults.clone().unwrap_or_default().into_keys().collect(),
            |schedule, keep| {
                if let Some(faults) = &mut schedule.faults {
                    faults.retain(|place, _| keep.contains(place));
                }
            },
        );
        if size(&best.schedule) == before || Instant::now() > until {
            return best;
        }
    }
}

/// The same run without the faults of its list that didn't happen.
fn only_what_fired(mut finding: Finding) -> Finding {
    finding.schedule.faults = Some(finding.fired.clone());
    finding
}

/// Leaves out all that a shopper does, one shopper after the other: every further try is quicker then.
fn without_bystanders(mut best: Finding, kind: &Option<String>, progress: &dyn Fn(usize, usize)) -> Finding {
    let plan = best.schedule.plan();
    for place in 0..plan.shoppers.len() {
        let of_theirs = plan.inputs.iter().filter(|input| input.shopper == place);
        let theirs: BTreeSet<&String> = of_theirs.map(|input| &input.name).collect();
        let mut schedule = best.schedule.clone();
        if let Some(deeds) = &mut schedule.deeds {
            deeds.retain(|name| !theirs.contains(name));
        }
        let tried = check(&schedule);
        if kind_of(&tried) == *kind {
            best = only_what_fired(tried);
            let (faults, deeds) = size(&best.schedule);
            progress(faults, deeds);
        }
    }
    best
}

fn size(schedule: &Schedule) -> (usize, usize) {
    (schedule.faults.as_ref().map_or(0, BTreeMap::len), schedule.deeds.as_ref().map_or(0, BTreeSet::len))
}

/// What law is broken: the words of the first finding that name no place.
fn kind_of(finding: &Finding) -> Option<String> {
    let first = finding.broken.first()?;
    let words =
        first.split_whitespace().filter(|word| word.chars().all(|c| c.is_ascii_lowercase() || c == ','));
    Some(words.take(8).collect::<Vec<_>>().join(" "))
}

/// Leaves out parts of a list as long as the rest still fails.
fn fewer(
    mut best: Finding,
    kind: &Option<String>,
    until: Instant,
    progress: &dyn Fn(usize, usize),
    list: impl Fn(&Schedule) -> Vec<String>,
    keep: impl Fn(&mut Schedule, &BTreeSet<String>),
) -> Finding {
    let mut parts = 2;
    loop {
        let all = list(&best.schedule);
        let chunk = all.len().div_ceil(parts).max(1);
        let mut smaller = None;
        for start in (0..all.len()).step_by(chunk) {
            if Instant::now() > until {
                return best;
            }
            let left: BTreeSet<String> = all
                .iter()
                .enumerate()
                .filter(|(at, _)| *at < start || *at >= start + chunk)
                .map(|(_, name)| name.clone())
                .collect();
            let mut schedule = best.schedule.clone();
            keep(&mut schedule, &left);
            let tried = check(&schedule);
            if kind_of(&tried) == *kind {
                let (faults, deeds) = size(&schedule);
                progress(faults, deeds);
                smaller = Some(tried);
                break;
            }
        }
        match smaller {
            Some(found) => {
                best = only_what_fired(found);
                parts = parts.saturating_sub(1).max(2);
            }
            None if chunk == 1 => return best,
            None => parts = (parts * 2).min(all.len().max(2)),
        }
    }
}
