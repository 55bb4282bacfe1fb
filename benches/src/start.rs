//! Cold starts: from nothing to the first answer, of every function, of the empty one, and of the peers.

use std::time::Duration;

use anyhow::Context as _;

use crate::callgrind;
use crate::loopback::{Addresses, Loopback};
use crate::peers::{Peer, Peers};
use crate::quota::Quota;
use crate::release::{Release, zipped};
use crate::runtime::{Process, Program, Used};
use crate::table::Measure;
use crate::tell;
use crate::work::Work;

/// The share of a processor that a function of 128 MB has: 128 of 1,769 MB (Lambda's developer guide,
/// "Configure Lambda function memory").
const SHARE_OF_128_MB: f64 = 0.07;
/// The goals: millions of instructions, megabytes, and how many times less processor time than a peer.
const INIT: f64 = 4.0;
const FIRST: f64 = 9.0;
const MEMORY_MB: f64 = 8.0;
const ZIP_MB: f64 = 2.5;
const GAIN: f64 = 20.0;

/// What starts and how: one row of the table.
struct Starter {
    name: String,
    work: Work,
    program: Program,
    starts: Vec<Start>,
}

/// One start.
#[derive(Clone, Copy, Debug)]
struct Start {
    init: Used,
    first: Used,
}

impl Starter {
    fn new(name: &str, work: Work, program: Program) -> Self {
        Self { name: name.to_owned(), work, program, starts: Vec::new() }
    }

    /// Starts it once and gives it one event.
    async fn start(&mut self, aws: &Loopback, number: u64, quota: Option<&Quota>) -> anyhow::Result<()> {
        let mut program = self.program.clone();
        if let Some(quota) = quota {
            quota.put_on(&mut program);
        }
        let mut process = Process::start(&program).await.with_context(|| self.name.clone())?;
        let init = process.used()?;
        process.invoke(self.work.event(number)?).await.with_context(|| self.name.clone())?;
        let first = process.used()?;
        process.end().await?;
        self.work.check(&aws.forget(), 1)?;
        self.starts.push(Start { init, first });
        Ok(())
    }

    /// The median of what the starts used.
    fn middle(&self, used: impl Fn(&Start) -> f64) -> f64 {
        median(self.starts.iter().map(used).collect())
    }

    fn measures(&self) -> Vec<Measure> {
        let row = |what: &str, unit, used: &dyn Fn(&Start) -> f64| {
            Measure::new("start", format!("{}, {what}", self.name), self.middle(used), unit)
        };
        vec![
            row("CPU of init", "ms", &|start| start.init.cpu_ms()),
            row("CPU to the first answer", "ms", &|start| start.first.cpu_ms()),
            row("time to the first answer", "ms", &|start| start.first.wall_ms()),
            self.goal(row("memory after it", "MB", &|start| start.first.memory_mb())),
        ]
    }

    fn is_peer(&self) -> bool {
        self.name.contains(" in ")
    }

    /// A goal that ours have and peers don't.
    fn goal(&self, measure: Measure) -> Measure {
        if self.is_peer() { measure } else { measure.at_most(MEMORY_MB) }
    }

    fn throttled(&self) -> Measure {
        let name = format!("{}, time to the first answer at 7 % of a processor", self.name);
        Measure::new("start", name, self.middle(|start| start.first.wall_ms()), "ms")
    }
}

/// The middle one of numbers; of an even number of them, the upper of the two.
pub(crate) fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}

fn starters(release: &Release, peers: Option<&Peers>, aws: &Loopback) -> anyhow::Result<Vec<Starter>> {
    let mut starters = Vec::new();
    for work in Work::FIRST {
        starters.push(Starter::new(work.name(), work, program(release, work, aws, Addresses::Own)?));
    }
    let startable = |peer: &&Peer| Work::FIRST.contains(&peer.work);
    for peer in peers.into_iter().flat_map(Peers::all).filter(startable) {
        starters.push(Starter::new(&peer.name, peer.work, peer.program(aws)));
    }
    Ok(starters)
}

/// How a function's release binary is started.
///
/// # Errors
/// When there is none.
pub fn program(
    release: &Release,
    work: Work,
    aws: &Loopback,
    addresses: Addresses,
) -> anyhow::Result<Program> {
    Ok(Program {
        command: vec![release.binary(work.function())?.display().to_string()],
        environment: aws.environment(work.function(), addresses),
        folder: std::env::temp_dir(),
    })
}

fn sizes(release: &Release) -> anyhow::Result<Vec<Measure>> {
    let size = |work: Work| {
        let bytes = zipped(release.binary(work.function())?)?;
        let mb = Duration::from_micros(bytes).as_secs_f64();
        let measure = Measure::new("start", format!("{}, zip", work.name()), mb, "MB");
        Ok(measure.at_most(ZIP_MB))
    };
    Work::FIRST.into_iter().map(size).collect()
}

async fn instructions(release: &Release, aws: &Loopback) -> anyhow::Result<Vec<Measure>> {
    let mut measures = Vec::new();
    for work in Work::FIRST {
        let name = work.name();
        let row = |what: &str, count: f64| {
            Measure::new("start", format!("{name}, {what}"), count / 1e6, "M instructions")
        };
        let one = callgrind::count(&program(release, work, aws, Addresses::One)?, work, aws).await?;
        let own = callgrind::count(&program(release, work, aws, Addresses::Own)?, work, aws).await?;
        measures.push(row("init", one.init).at_most(INIT));
        measures.push(row("init and first event, one connection", one.init + one.first).at_most(FIRST));
        measures.push(row("init and first event, a connection for each service", own.init + own.first));
    }
    Ok(measures)
}

/// How many times less processor time ours take to the first answer than each peer.
fn gains(starters: &[Starter]) -> Vec<Measure> {
    let cpu = |starter: &Starter| starter.middle(|start| start.first.cpu_ms());
    let mut gains = Vec::new();
    for peer in starters.iter().filter(|starter| starter.is_peer()) {
        let Some(ours) = starters.iter().find(|ours| !ours.is_peer() && ours.work == peer.work) else {
            continue;
        };
        let name = format!("{}, less CPU to the first answer than {}", ours.name, peer.name);
        gains.push(Measure::new("start", name, cpu(peer) / cpu(ours), "×").at_least(GAIN));
    }
    gains
}

/// Measures the starts of the functions, `runs` times, interleaved with those of the empty function and of
/// the peers, if there are any.
///
/// # Errors
/// When a function can't be built, fails, or hasn't the effect that it should have.
pub async fn measure(runs: usize, peers: Option<&Peers>) -> anyhow::Result<Vec<Measure>> {
    let release = Release::build()?;
    let aws = Loopback::start().await?;
    let mut starters = starters(&release, peers, &aws)?;
    let mut measures = sizes(&release)?;
    measures.extend(instructions(&release, &aws).await?);
    for run in 0..runs {
        for starter in &mut starters {
            starter.start(&aws, u64::try_from(run)?, None).await?;
        }
    }
    measures.extend(starters.iter().flat_map(Starter::measures));
    measures.extend(gains(&starters));
    match Quota::of(SHARE_OF_128_MB) {
        Ok(quota) => {
            starters.iter_mut().for_each(|starter| starter.starts.clear());
            for run in 0..runs.div_ceil(3) {
                for starter in &mut starters {
                    starter.start(&aws, u64::try_from(run)?, Some(&quota)).await?;
                }
            }
            measures.extend(starters.iter().map(Starter::throttled));
        }
        Err(error) => tell(&format!("not measured under a quota: {error:#}")),
    }
    Ok(measures)
}
