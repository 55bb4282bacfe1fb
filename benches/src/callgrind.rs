//! Instructions by callgrind: they repeat where times don't.

use anyhow::Context as _;

use crate::loopback::Loopback;
use crate::runtime::{Process, Program};
use crate::work::Work;

/// How many events a warm one's cost is the mean of.
const WARM_EVENTS: u32 = 20;

/// How many instructions a function's process executes, all of its libraries' included.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Instructions {
    /// From the start until it asks for its first event.
    pub init: f64,
    /// For the first event, connections and configuration included.
    pub first: f64,
    /// For a later event.
    pub warm: f64,
}

/// Counts those of a program over all stages.
///
/// # Errors
/// When valgrind is missing or the function fails.
pub async fn count(program: &Program, work: Work, aws: &Loopback) -> anyhow::Result<Instructions> {
    let init = run(program, work, 0, aws).await?;
    let first = run(program, work, 1, aws).await?;
    let warm = run(program, work, 1 + u64::from(WARM_EVENTS), aws).await?;
    Ok(Instructions { init, first: first - init, warm: (warm - first) / f64::from(WARM_EVENTS) })
}

/// Instructions from the start to the end of a process that was given so many events.
async fn run(program: &Program, work: Work, events: u64, aws: &Loopback) -> anyhow::Result<f64> {
    let valgrind = ["valgrind", "--tool=callgrind", "--callgrind-out-file=/dev/null"].map(str::to_owned);
    let command = [valgrind.as_slice(), program.command.as_slice()].concat();
    let mut process = Process::start(&Program { command, ..program.clone() })
        .await
        .with_context(|| format!("{} under valgrind (apt-get install valgrind)", work.name()))?;
    for number in 0..events {
        process.invoke(work.event(number)?).await.with_context(|| work.name())?;
        work.check(&aws.forget(), 1)?;
    }
    let said = process.end().await?;
    let count = said.lines().find_map(|line| line.split_once("Collected : ")).context(said.clone())?.1;
    count.trim().parse().with_context(|| format!("`{count}` is no count"))
}
