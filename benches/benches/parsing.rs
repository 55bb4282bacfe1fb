//! `cargo bench -p benches`: posts read in a second, and what reading them allocates.

use benches::parsing::Bench;
use divan::counter::ItemsCount;
use divan::{AllocProfiler, Bencher};

#[global_allocator]
static ALLOCATIONS: AllocProfiler = AllocProfiler::system();

fn main() {
    divan::main();
}

fn run(bencher: Bencher<'_, '_>, posts: impl Fn(&Bench) -> usize, work: impl Fn(&Bench) -> usize + Sync) {
    let bench = match Bench::new() {
        Ok(bench) => bench,
        Err(error) => return complain(&error),
    };
    bencher.counter(ItemsCount::new(posts(&bench))).bench(|| work(&bench));
}

fn complain(error: &anyhow::Error) {
    use std::io::Write as _;
    let _ = writeln!(std::io::stderr().lock(), "{error:#}");
}

#[divan::bench]
fn turned_down(bencher: Bencher<'_, '_>) {
    run(bencher, |bench| bench.chatter.len(), Bench::reject);
}

#[divan::bench]
fn understood(bencher: Bencher<'_, '_>) {
    run(bencher, |bench| bench.asks.len(), Bench::read);
}

#[divan::bench]
fn hashtags_and_links(bencher: Bencher<'_, '_>) {
    run(bencher, |bench| bench.texts.len(), Bench::extract);
}

#[divan::bench]
fn hashtags_and_links_by_twitter_text(bencher: Bencher<'_, '_>) {
    run(bencher, |bench| bench.texts.len(), Bench::peer_extract);
}
