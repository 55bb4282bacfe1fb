//! Warm work: what an event costs once everything is read and connected.

use anyhow::{Context as _, ensure};

use crate::callgrind;
use crate::loopback::{Addresses, Effect, Loopback};
use crate::peers::{Peer, Peers};
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
/// How many records a full batch has (`BatchSize` in the template).
const FULL: u64 = 10;
/// What comes in batches, one record leading to a next one.
const BATCHES: [Work; 3] = [Work::Match, Work::Add, Work::Tell];

/// A process at work: a row of the table.
struct Worker {
    name: String,
    work: Work,
    /// How many records each event has.
    records: u64,
    peer: bool,
    process: Process,
    given: u64,
    /// Microseconds of processor time for an event, in each turn.
    turns: Vec<f64>,
}

impl Worker {
    /// Starts a program that gets so many records an event.
    async fn start(name: &str, work: Work, records: u64, program: &Program) -> anyhow::Result<Self> {
        let process = Process::start(program).await.with_context(|| name.to_owned())?;
        let (name, peer) = (name.to_owned(), false);
        Ok(Self { name, work, records, peer, process, given: 0, turns: Vec::new() })
    }

    async fn peer(peer: &Peer, aws: &Loopback) -> anyhow::Result<Self> {
        let started = Self::start(&peer.name, peer.work, 1, &peer.program(aws)).await?;
        Ok(Self { peer: true, ..started })
    }

    /// Works on so many records, and gives what the last event did.
    async fn work(&mut self, records: u64, aws: &Loopback) -> anyhow::Result<Vec<Effect>> {
        let mut effects = Vec::new();
        for _ in 0..records.div_ceil(self.records) {
            self.given += 1;
            let event = self.work.batch(self.given, self.records)?;
            self.process.invoke(event).await.with_context(|| self.name.clone())?;
            effects = aws.forget();
            self.work.check(&effects, self.records)?;
        }
        Ok(effects)
    }

    async fn turn(&mut self, records: u64, aws: &Loopback) -> anyhow::Result<()> {
        let (before, given) = (self.process.used()?.cpu, self.given);
        self.work(records, aws).await?;
        let took = self.process.used()?.cpu.saturating_sub(before);
        self.turns.push(took.as_secs_f64() * 1e6 / f64::from(u32::try_from(self.given - given)?));
        Ok(())
    }

    fn cpu_us(&self) -> f64 {
        median(self.turns.clone())
    }

    /// What it is given: `an event`, which has one record, or `a batch of ten`.
    fn unit(&self) -> &'static str {
        if self.records == 1 { "an event" } else { "a batch of ten" }
    }

    fn cpu(&self) -> Measure {
        Measure::new("warm", format!("{}, CPU of {}", self.name, self.unit()), self.cpu_us(), "µs")
    }

    /// The bytes of its log, without the lines that Lambda writes itself.
    fn logged(&self) -> anyhow::Result<Measure> {
        let bytes =
            f64::from(u32::try_from(self.process.written()?)?) / f64::from(u32::try_from(self.given)?);
        Ok(Measure::new("warm", format!("{}, logged for {}", self.name, self.unit()), bytes, "bytes"))
    }
}

/// Measures `events` records of each kind, one an event and ten, and of each kind of the peers, if there
/// are any.
///
/// # Errors
/// When a function can't be built, fails, or hasn't the effect that it should have, or a peer has another.
pub async fn measure(events: u64, peers: Option<&Peers>) -> anyhow::Result<Vec<Measure>> {
    let release = Release::build()?;
    let aws = Loopback::start().await?;
    let mut workers = Vec::new();
    let one = Work::WARM.map(|work| (work, 1));
    for (work, records) in one.into_iter().chain(BATCHES.map(|work| (work, FULL))) {
        let program = program(&release, work, &aws, Addresses::Own)?;
        workers.push(Worker::start(work.name(), work, records, &program).await?);
    }
    for peer in peers.into_iter().flat_map(Peers::all) {
        workers.push(Worker::peer(peer, &aws).await?);
    }
    same_messages(&mut workers, &aws).await?;
    for worker in &mut workers {
        worker.work(WARMING.min(events), &aws).await?;
    }
    for _ in 0..TURNS {
        for worker in &mut workers {
            worker.turn(events.div_ceil(TURNS), &aws).await?;
        }
    }
    let mut measures: Vec<Measure> = workers.iter().map(Worker::cpu).collect();
    measures.extend(gains(&workers));
    for worker in workers.iter().filter(|worker| !worker.peer) {
        measures.push(worker.logged()?);
    }
    measures.extend(instructions(&release, &aws).await?);
    Ok(measures)
}

/// Checks with the first event of each that a peer sends the message that ours does, but for ids and moments.
async fn same_messages(workers: &mut [Worker], aws: &Loopback) -> anyhow::Result<()> {
    let mut sent: Vec<(Work, Vec<Effect>)> = Vec::new();
    for worker in workers.iter_mut().filter(|worker| worker.records == 1) {
        let effects = worker.work(1, aws).await?.into_iter().map(Effect::timeless).collect();
        match sent.iter().find(|(work, _)| worker.peer && *work == worker.work) {
            Some((_, ours)) => ensure!(
                *ours == effects,
                "{} does something else:\n{effects:?}\nours does:\n{ours:?}",
                worker.name
            ),
            None => sent.push((worker.work, effects)),
        }
    }
    Ok(())
}

fn gains(workers: &[Worker]) -> Vec<Measure> {
    let mut gains = Vec::new();
    for peer in workers.iter().filter(|worker| worker.peer) {
        let alike = |ours: &&Worker| ours.work == peer.work && ours.records == 1 && !ours.peer;
        let Some(ours) = workers.iter().find(alike) else { continue };
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

#[cfg(test)]
mod tests {
    use ::tests::stack::workspace;

    use crate::table::Report;

    /// What `hashcart cost` reckons with, and the rows of the table behind it.
    const RECKONED: [(&str, &str, &str); 5] = [
        ("webhook-ingest", "webhook-ingest", "an event"),
        ("webhook-ingest-reject", "webhook-ingest (reject)", "an event"),
        ("classify", "classify (match)", "a batch of ten"),
        ("cart-add", "cart-add", "a batch of ten"),
        ("notify", "notify", "a batch of ten"),
    ];

    #[test]
    fn the_cost_of_a_month_is_reckoned_with_what_was_measured() {
        let model = std::fs::read_to_string(workspace().join("cli/src/cost/model.toml")).unwrap();
        let model: toml::Table = model.parse().unwrap();
        let measured = Report::read(&workspace().join("docs/performance.json")).unwrap();
        let warm = &measured.parts["warm"].measures;
        let row = |name: String| warm.iter().find(|row| row.name == name).expect(&name).value;
        for (function, work, unit) in RECKONED {
            let taken = |name: &str| model["functions"][function][name].as_float().unwrap();
            let cpu_ms = row(format!("{work}, CPU of {unit}")) / 1e3;
            assert!((taken("cpu_ms") / cpu_ms - 1.0).abs() < 0.1, "{function}: {cpu_ms} ms were measured");
            let bytes = row(format!("{work}, logged for {unit}"));
            assert!((taken("log_bytes") / bytes - 1.0).abs() < 0.05, "{function}: {bytes} bytes were logged");
        }
    }
}
