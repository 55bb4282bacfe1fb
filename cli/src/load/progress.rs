//! What a person sees while a load runs.

use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};

/// A bar over the posts that were answered, with what waits behind them. Shown on a terminal only.
#[derive(Clone, Debug)]
pub(super) struct Progress(ProgressBar);

impl Progress {
    /// A bar for so many posts.
    pub(super) fn new(posts: u32) -> Self {
        let bar = ProgressBar::new(u64::from(posts));
        // The template is a constant that indicatif reads; its default would do too.
        if let Ok(style) =
            ProgressStyle::with_template("{bar:30.cyan} {pos}/{len} answered, {msg} {elapsed:.dim}")
        {
            bar.set_style(style);
        }
        bar.enable_steady_tick(Duration::from_millis(200));
        Self(bar)
    }

    /// A post was answered.
    pub(super) fn answered(&self) {
        self.0.inc(1);
    }

    /// The queues were looked at.
    pub(super) fn looked(&self, depths: [u64; 3], ended: u64) {
        let [posts, commands, outcomes] = depths;
        self.0.set_message(format!(
            "{ended} ended; queued: posts {posts}, commands {commands}, outcomes {outcomes}"
        ));
    }

    /// Takes the bar away.
    pub(super) fn finish(&self) {
        self.0.finish_and_clear();
    }
}
