//! `cargo run -p tests --bin faults -- --deliveries 1000000 --seed 1 --progress`: the seeded fault run at
//! any length. See `docs/FAULTS.md`.

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use anyhow::Context as _;
use clap::{Parser, Subcommand};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use tests::faults::emulated;
use tests::faults::mutants::Bench;
use tests::faults::plan::Schedule;
use tests::faults::run::{self, Finding};

/// Runs the functions under faults and checks the laws of `docs/FAULTS.md`.
#[derive(Debug, Parser)]
#[command(args_conflicts_with_subcommands = true)]
struct Options {
    #[command(subcommand)]
    other: Option<Other>,
    /// How many deliveries: records handed to a function.
    #[arg(long, default_value_t = 10_000)]
    deliveries: u64,
    /// The seed. The same one is the same run.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// How many posts a world has: small worlds are quicker to understand, large ones meet more.
    #[arg(long, default_value_t = run::POSTS)]
    posts: usize,
    /// How many worlds run side by side.
    #[arg(long, default_value_t = 2)]
    threads: usize,
    /// Shows how far it is.
    #[arg(long)]
    progress: bool,
    /// Repeats one schedule, as a failure has left it in a file.
    #[arg(long, value_name = "FILE")]
    schedule: Option<PathBuf>,
    /// Where a failing schedule is left.
    #[arg(long, value_name = "FILE", default_value = "faults-failure.json")]
    save: PathBuf,
    /// How many seconds are spent on making a failing schedule smaller.
    #[arg(long, default_value_t = 300)]
    shrink: u64,
}

#[derive(Debug, Subcommand)]
enum Other {
    /// Runs the same seed over the emulator and over the model: both must end the same.
    Emulator {
        /// How many deliveries.
        #[arg(long, default_value_t = 10_000)]
        deliveries: u64,
        /// The seed.
        #[arg(long, default_value_t = 1)]
        seed: u64,
    },
    /// Tries the deliberate bugs of `tests/faults/bugs`: each must be found.
    Mutants {
        /// Where cargo builds them.
        #[arg(long, value_name = "FOLDER", default_value = "target/mutants")]
        target: PathBuf,
        /// With which profile.
        #[arg(long, default_value = "faults")]
        profile: String,
        /// After how many deliveries a bug counts as not found.
        #[arg(long, default_value_t = 200_000)]
        deliveries: u64,
        /// The seed of each bug's run.
        #[arg(long, default_value_t = 1)]
        seed: u64,
        /// Only those whose name holds this.
        #[arg(long)]
        only: Option<String>,
    },
}

fn main() -> anyhow::Result<ExitCode> {
    // A panic is a finding like any other: it is reported once, with its schedule.
    std::panic::set_hook(Box::new(|_| {}));
    let options = Options::parse();
    match options.other {
        Some(Other::Emulator { deliveries, seed }) => return compare(seed, deliveries),
        Some(Other::Mutants { target, profile, deliveries, seed, only }) => {
            let target = std::path::absolute(target)?;
            return mutants(&Bench { target, profile, deliveries, seed, only });
        }
        None => {}
    }
    if let Some(file) = &options.schedule {
        let text =
            std::fs::read_to_string(file).with_context(|| format!("no schedule in {}", file.display()))?;
        let schedule: Schedule = serde_json::from_str(&text)
            .with_context(|| format!("{} is no schedule of this version", file.display()))?;
        let finding = run::check(&schedule);
        tell(&finding);
        return Ok(if finding.broken.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE });
    }
    let bar = bar(&options);
    let progress = |done: u64| bar.set_position(done.min(options.deliveries));
    let summary = run::many(options.seed, options.posts, options.deliveries, options.threads, &progress);
    bar.finish_and_clear();
    println!("{}", summary.tally.report(options.seed, summary.worlds, summary.time));
    let Some(failure) = summary.failure else {
        println!("every law held");
        return Ok(ExitCode::SUCCESS);
    };
    println!("a law broke in the world of seed {}: {:#?}", failure.schedule.seed, failure.broken);
    let smaller =
        |faults: usize, deeds: usize| eprintln!("still failing with {faults} faults, {deeds} deeds");
    let small = run::shrink(&failure, Duration::from_secs(options.shrink), &smaller);
    tell(&small);
    std::fs::write(&options.save, serde_json::to_string_pretty(&small.schedule)?)?;
    println!("the schedule is in {0}: --schedule {0} repeats it", options.save.display());
    Ok(ExitCode::FAILURE)
}

fn compare(seed: u64, deliveries: u64) -> anyhow::Result<ExitCode> {
    let began = Instant::now();
    let compared = emulated::compare(seed, deliveries, &|done| eprintln!("{done} deliveries the same"))?;
    println!(
        "seed {seed}: {} deliveries in {} worlds end the same over the emulator, {} items, {} s",
        compared.deliveries,
        compared.worlds,
        compared.items,
        began.elapsed().as_secs()
    );
    Ok(ExitCode::SUCCESS)
}

fn mutants(bench: &Bench) -> anyhow::Result<ExitCode> {
    let tried = bench.run(&|tried| {
        let (seconds, law) = (tried.time.as_secs_f32(), tried.law.as_deref().unwrap_or("NOT FOUND"));
        println!("{:<28} {:>8} deliveries {seconds:>6.1} s  {law}", tried.name, tried.deliveries);
    })?;
    let missed = tried.iter().filter(|tried| tried.law.is_none()).count();
    println!("{} bugs found, {missed} not", tried.len() - missed);
    Ok(if missed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn bar(options: &Options) -> ProgressBar {
    let target = if options.progress { ProgressDrawTarget::stderr() } else { ProgressDrawTarget::hidden() };
    let bar = ProgressBar::with_draw_target(Some(options.deliveries), target);
    let style =
        ProgressStyle::with_template("{wide_bar} {human_pos}/{human_len} deliveries, {per_sec}, {eta} left");
    if let Ok(style) = style {
        bar.set_style(style);
    }
    bar
}

/// What a schedule does, and what breaks.
fn tell(finding: &Finding) {
    let plan = finding.schedule.plan();
    println!("\nseed {}, {} deeds:", plan.seed, plan.inputs.len());
    for input in plan.inputs.iter().take(40) {
        let who = plan.shoppers.get(input.shopper).map_or("", |shopper| shopper.name.as_str());
        println!("  {:>10} ms  {} {who}: {:?}", input.at, input.name, input.deed);
    }
    println!("{} faults:", finding.fired.len());
    for (place, fault) in finding.fired.iter().take(40) {
        println!("  {place}: {}", fault.kind());
    }
    if finding.broken.is_empty() {
        println!("every law held");
    }
    for broken in &finding.broken {
        println!("broken: {broken}");
    }
}
