//! Warm work: what an event costs once everything is read and connected.

use anyhow::Context as _;

use crate::callgrind;
use crate::loopback::{Addresses, Loopback};
use crate::peers::Peers;
use crate::release::Release;
use crate::runtime::{Process, Program};
use crate::start::{median, program};
use crate::table::Measure;
use crate::work::Work;

/// Events before the first that counts.
const WARMING: u64 = 500;
/// Into how many turns the events of a process are divided: the processes take turns, so that what else
/// the machine does meets them all.
const TURNS: u64 = 20;
/// How many times less processor time an event of ours is to take than a peer's.
const GAIN: f64 = 10.0;

/// A process at work: a row of the table.
struct Worker {
    name: String,
    work: Work,
    peer: bool,
    process: Process,
    given: u64,
    /// Microseconds of processor time for an event, in each turn.
    turns: Vec<f64>,
}

impl Worker {
    async fn start(name: &str, work: Work, peer: bool, program: &Program) -> anyhow::Result<Self> {
        let process = Process::start(program).await.with_context(|| name.to_owned())?;
        Ok(Self { name: name.to_owned(), work, peer, process, given: 0, turns: Vec::new() })
    }

    async fn work(&mut self, events: u64, aws: &Loopback) -> anyhow::Result<()> {
        for _ in 0..events {
            self.given += 1;
            let event = self.work.event(self.given)?;
            self.process.invoke(event).await.with_context(|| self.name.clone())?;
            self.work.check(&aws.forget())?;
        }
        Ok(())
    }

    async fn turn(&mut self, events: u64, aws: &Loopback) -> anyhow::Result<()> {
        let before = self.process.used()?.cpu;
        self.work(events, aws).await?;
        let took = self.process.used()?.cpu.saturating_sub(before);
        self.turns.push(took.as_secs_f64() * 1e6 / f64::from(u32::try_from(events)?));
        Ok(())
    }

    fn cpu_us(&self) -> f64 {
        median(self.turns.clone())
    }
}

/// Measures `events` events of each kind, and of each kind of the peers, if there are any.
///
/// # Errors
/// When a function can't be built, fails, or hasn't the effect that it should have.
pub async fn measure(events: u64, peers: Option<&Peers>) -> anyhow::Result<Vec<Measure>> {
    let release = Release::build()?;
    let aws = Loopback::start().await?;
    let mut workers = Vec::new();
    for work in Work::WARM {
        let program = program(&release, work, &aws, Addresses::Own)?;
        workers.push(Worker::start(work.name(), work, false, &program).await?);
    }
    for peer in peers.into_iter().flat_map(Peers::all) {
        workers.push(Worker::start(&peer.name, peer.work, true, &peer.program(&aws)).await?);
    }
    for worker in &mut workers {
        worker.work(WARMING.min(events), &aws).await?;
    }
    for _ in 0..TURNS {
        for worker in &mut workers {
            worker.turn(events.div_ceil(TURNS), &aws).await?;
        }
    }
    let mut measures: Vec<Measure> = workers
        .iter()
        .map(|worker| {
            Measure::new("warm", format!("{}, CPU of an event", worker.name), worker.cpu_us(), "µs")
        })
        .collect();
    measures.extend(gains(&workers));
    measures.extend(instructions(&release, &aws).await?);
    Ok(measures)
}

fn gains(workers: &[Worker]) -> Vec<Measure> {
    let mut gains = Vec::new();
    for peer in workers.iter().filter(|worker| worker.peer) {
        let Some(ours) = workers.iter().find(|ours| ours.work == peer.work) else { continue };
        let name = format!("{}, less CPU for an event than {}", ours.name, peer.name);
        gains.push(Measure::new("warm", name, peer.cpu_us() / ours.cpu_us(), "×").at_least(GAIN));
    }
    gains
}

async fn instructions(release: &Release, aws: &Loopback) -> anyhow::Result<Vec<Measure>> {
    let mut measures = Vec::new();
    for work in Work::WARM {
        let count = callgrind::count(&program(release, work, aws, Addresses::Own)?, work, aws).await?;
        let name = format!("{}, instructions of an event", work.name());
        measures.push(Measure::new("warm", name, count.warm / 1e3, "k"));
    }
    Ok(measures)
}
