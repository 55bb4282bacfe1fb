//! One local stack, started as the README says, and everything that is tested through it: posts over
//! HTTP from the webhook to the mail, and the pages in Chromium.
//!
//! Behind all of them, and only if all of them run, stand the tests that look at the whole run.
//!
//! Without Chromium the browser tests count as ignored; with `CI=true` its absence fails them.

/// Every test of a file, by name: `tests!["file"; first_test, second_test]`.
macro_rules! tests {
    ($file:literal; $($name:ident),* $(,)?) => {
        /// Every test of this file, by name.
        pub(crate) const TESTS: &[(&str, $crate::Test)] = &[$(
            (concat!($file, "::", stringify!($name)), |runtime: &::tokio::runtime::Runtime, stack| {
                runtime.block_on($name(stack))
            }),
        )*];
    };
}

mod account;
mod afterwards;
mod browser;
mod end_to_end;
mod kinds;
mod load;
mod logs;
mod operator;
mod privilege;
mod trace;

use std::process::ExitCode;
use std::sync::{Arc, OnceLock};

use libtest_mimic::{Arguments, Failed, Trial};
use tests::stack::Stack;
use tokio::runtime::Runtime;

/// A test through the stack.
type Test = fn(&Runtime, &Stack) -> anyhow::Result<()>;

/// The stack, started by the first test that runs, and the runtime that all tests share with its
/// client.
struct Shared {
    runtime: Runtime,
    stack: OnceLock<Result<Stack, String>>,
}

impl Shared {
    fn run(&self, test: Test) -> Result<(), Failed> {
        let start = || self.runtime.block_on(Stack::start("stack")).map_err(|error| format!("{error:#}"));
        match self.stack.get_or_init(start) {
            Ok(stack) => test(&self.runtime, stack).map_err(|error| format!("{error:?}").into()),
            Err(error) => Err(error.into()),
        }
    }
}

fn main() -> ExitCode {
    let arguments = Arguments::from_args();
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
    let shared = Arc::new(Shared { runtime: runtime.expect("a runtime"), stack: OnceLock::new() });
    let trial = |(name, test): (&'static str, Test)| {
        let shared = Arc::clone(&shared);
        Trial::test(name, move || shared.run(test))
    };
    let ignored = browser::missing().is_some() && std::env::var_os("CI").is_none();
    let trials = end_to_end::TESTS
        .iter()
        .chain(account::TESTS)
        .chain(operator::TESTS)
        .chain(load::TESTS)
        .chain(trace::TESTS)
        .copied()
        .map(trial)
        .chain(browser::TESTS.iter().copied().map(|test| trial(test).with_ignored_flag(ignored)))
        .collect();
    let conclusion = libtest_mimic::run(&arguments, trials);
    let is_whole = arguments.filter.is_none() && arguments.skip.is_empty();
    let looks_back = arguments.list || (is_whole && !conclusion.has_failed());
    let trials =
        afterwards::TESTS.iter().copied().map(|test| trial(test).with_ignored_flag(!looks_back)).collect();
    let afterwards = libtest_mimic::run(&arguments, trials);
    let stopped = match Arc::into_inner(shared).and_then(|shared| shared.stack.into_inner()) {
        Some(Ok(stack)) => stack.stop(),
        Some(Err(_)) | None => Ok(()),
    };
    if let Err(error) = stopped {
        eprintln!("{error:#}");
        return ExitCode::FAILURE;
    }
    if conclusion.has_failed() { conclusion.exit_code() } else { afterwards.exit_code() }
}
