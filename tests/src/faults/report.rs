//! What a run was: counts for the report.

use std::collections::BTreeMap;
use std::fmt::{self, Write as _};
use std::time::Duration;

/// What is counted in a run.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// Records handed to a function, by function.
    pub deliveries: BTreeMap<&'static str, u64>,
    /// Requests, by function and operation.
    pub requests: BTreeMap<(&'static str, String), u64>,
    /// Faults, by kind.
    pub faults: BTreeMap<&'static str, u64>,
    /// Deaths, by function and operation.
    pub deaths: BTreeMap<String, u64>,
    /// What the laws looked at, by law.
    pub checked: BTreeMap<&'static str, u64>,
    /// Posts that reached us.
    pub posts: u64,
    /// Decisions that were written.
    pub decisions: u64,
    /// Mails and replies that went out.
    pub notices: u64,
    /// Mails that went out twice, each with its cause.
    pub doubles: u64,
    /// Messages that the operator sent back after their tries were up.
    pub redriven: u64,
}

fn merge<K: Ord + Clone>(into: &mut BTreeMap<K, u64>, from: &BTreeMap<K, u64>) {
    for (key, count) in from {
        *into.entry(key.clone()).or_default() += count;
    }
}

impl Tally {
    /// Counts a request.
    pub fn request(&mut self, function: &'static str, operation: &str) {
        *self.requests.entry((function, operation.to_owned())).or_default() += 1;
    }

    /// Counts records handed to a function.
    pub fn deliver(&mut self, function: &'static str, count: usize) {
        *self.deliveries.entry(function).or_default() += u64::try_from(count).unwrap_or(u64::MAX);
    }

    /// Counts what a law looked at.
    pub fn check(&mut self, law: &'static str, count: usize) {
        *self.checked.entry(law).or_default() += u64::try_from(count).unwrap_or(u64::MAX);
    }

    /// All deliveries.
    pub fn all_deliveries(&self) -> u64 {
        self.deliveries.values().sum()
    }

    /// Adds another run's counts.
    pub fn add(&mut self, other: &Self) {
        merge(&mut self.deliveries, &other.deliveries);
        merge(&mut self.requests, &other.requests);
        merge(&mut self.faults, &other.faults);
        merge(&mut self.deaths, &other.deaths);
        merge(&mut self.checked, &other.checked);
        self.posts += other.posts;
        self.decisions += other.decisions;
        self.notices += other.notices;
        self.doubles += other.doubles;
        self.redriven += other.redriven;
    }

    /// The report of a run of these counts that took `time` over `worlds` worlds.
    pub fn report(&self, seed: u64, worlds: u64, time: Duration) -> String {
        let all = self.all_deliveries();
        let rate = u128::from(all) * 1000 / time.as_millis().max(1);
        let mut text = String::new();
        let mut say = |line: fmt::Arguments<'_>| {
            // Writing to a String can't fail.
            let _ = writeln!(text, "{line}");
        };
        say(format_args!("seed {seed}: {all} deliveries in {worlds} worlds, {} s, {rate}/s", time.as_secs()));
        say(format_args!(
            "{} posts, {} decisions, {} notices, {} of them mailed twice with cause, {} messages redriven",
            self.posts, self.decisions, self.notices, self.doubles, self.redriven
        ));
        let mut table = |title: &str, rows: Vec<(String, u64)>| {
            let sum: u64 = rows.iter().map(|(_, count)| count).sum();
            let _ = writeln!(text, "\n{title}: {sum}");
            for (name, count) in rows {
                let _ = writeln!(text, "  {count:>10}  {name}");
            }
        };
        let rows = |of: &BTreeMap<&'static str, u64>| of.iter().map(|(n, c)| ((*n).to_owned(), *c)).collect();
        table("deliveries", rows(&self.deliveries));
        table("faults", rows(&self.faults));
        table("deaths", self.deaths.iter().map(|(name, count)| (name.clone(), *count)).collect());
        let mut requests = BTreeMap::new();
        for ((_, operation), count) in &self.requests {
            *requests.entry(operation.clone()).or_default() += count;
        }
        table("requests", requests.into_iter().collect());
        table("laws, and how often each was checked", rows(&self.checked));
        text
    }
}
