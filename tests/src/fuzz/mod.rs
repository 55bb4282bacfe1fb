//! What fuzzing holds every input against: one function for each thing that strangers, networks, merchants or
//! earlier releases can write, with the laws that hold whatever they write. `fuzz/` runs them under libFuzzer,
//! `tests/tests/fuzz.rs` over every input that was kept. `docs/FUZZING.md` says how.
//!
//! A law that doesn't hold panics. This folder depends on shared crates and `notify` alone, so that `fuzz/` can
//! include it without building the emulator and the browser.

mod doors;
mod feeds;
mod kept;
mod payloads;
mod posts;
mod said;

use std::sync::LazyLock;

use domain::storefront::Storefront;
use domain::time::Timestamp;

/// Something that reads what others write.
#[derive(Clone, Copy, Debug)]
pub struct Target {
    /// Its name: of the target in `fuzz/fuzz_targets`, of its folders in `fuzz/corpus` and `fuzz/regressions`.
    pub name: &'static str,
    /// Holds one input against its laws.
    ///
    /// # Panics
    /// When a law doesn't hold.
    pub run: fn(&[u8]),
}

/// All of them.
pub const TARGETS: [Target; 17] = [
    Target { name: "address", run: posts::address },
    Target { name: "checkout", run: said::checkout },
    Target { name: "envelope", run: kept::envelope },
    Target { name: "feed_columns", run: feeds::columns },
    Target { name: "feed_xml", run: feeds::xml },
    Target { name: "feedback", run: payloads::feedback },
    Target { name: "generic", run: payloads::generic },
    Target { name: "grammar", run: posts::grammar },
    Target { name: "items", run: kept::items },
    Target { name: "link", run: posts::link },
    Target { name: "mail", run: said::mail },
    Target { name: "public_text", run: said::public_text },
    Target { name: "request", run: doors::request },
    Target { name: "storefront", run: kept::storefront },
    Target { name: "token", run: doors::token },
    Target { name: "webhook", run: doors::webhook },
    Target { name: "x", run: payloads::x },
];

/// Runs the target of this name.
///
/// # Panics
/// When there is none of this name, or a law doesn't hold.
pub fn run(name: &str, data: &[u8]) {
    let target = TARGETS.iter().find(|target| target.name == name);
    (target.unwrap_or_else(|| panic!("no target {name} in tests/src/fuzz/mod.rs")).run)(data);
}

/// When everything happens: 2026-11-21T00:00:00Z.
const NOW: Timestamp = Timestamp::from_millis(1_795_219_200_000);

/// What no error may repeat: it stands in inputs alone.
const CANARY: &str = "Zq7Canary";

/// The demonstration's storefront, with an Amazon shop beside the others.
static STOREFRONT: LazyLock<Storefront> = LazyLock::new(|| {
    const AMAZON: &str = "
        [[marketplaces]]
        id = \"amazon\"
        cart_tags = [\"AcmeAtAmazon\"]
        hosts = [\"www.amazon.com\"]
        currency = \"USD\"
        shop = { platform = \"amazon\", associate_tag = \"acme-20\" }
    ";
    let text = include_str!("../../../demo/storefront.toml").to_owned() + AMAZON;
    Storefront::from_toml(&text, false).unwrap_or_else(|errors| panic!("{errors}"))
});

/// The input with [`CANARY`] behind one of its quotes, which one its bytes say: in the middle of what an error
/// could quote.
fn with_canary(text: &str) -> Option<String> {
    let quotes: Vec<usize> = text.match_indices('"').map(|(at, _)| at).collect();
    let sum: usize = text.bytes().map(usize::from).sum();
    let at = quotes.get(sum.checked_rem(quotes.len())?)?;
    let (before, behind) = text.split_at(at + 1);
    Some(format!("{before}{CANARY}{behind}"))
}

/// Errors reach logs and reasons of dead letters: they name fields and never quote.
fn quotes_nothing(error: &(dyn std::error::Error + 'static)) {
    let mut next = Some(error);
    while let Some(error) = next {
        let said = error.to_string();
        assert!(!said.contains(CANARY), "an error quotes its input: {said}");
        next = error.source();
    }
}
