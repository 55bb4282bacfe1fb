//! What happened in each second of a load.

use std::collections::BTreeMap;
use std::time::Duration;

use domain::time::Timestamp;

use super::report::Moment;
use super::stages::Lay;
use super::watch::{Look, QUEUES};

/// The seconds of a load, as far as something happened in them.
#[derive(Clone, Debug, Default)]
pub(super) struct Timeline(BTreeMap<u64, Moment>);

impl Timeline {
    fn at(&mut self, at: Duration) -> &mut Moment {
        let at_s = at.as_secs();
        self.0.entry(at_s).or_insert_with(|| Moment { at_s, ..Moment::default() })
    }

    /// A post was sent.
    pub(super) fn sent(&mut self, at: Duration) {
        self.at(at).sent += 1;
    }

    /// A post was answered.
    pub(super) fn answered(&mut self, at: Duration, status: &str) {
        *self.at(at).answered.entry(status.to_owned()).or_default() += 1;
    }

    /// A followed post was told; so many stand behind one.
    pub(super) fn told(&mut self, at: Duration, posts: u64) {
        self.at(at).told += posts;
    }

    /// The queues were looked at.
    pub(super) fn looked(&mut self, look: &Look) {
        let moment = self.at(look.at);
        for (queue, depth) in QUEUES.into_iter().zip(look.depths) {
            moment.queues.insert(queue.name(), depth);
        }
    }

    /// A followed message lay in a queue: at the end of each second it was so old.
    pub(super) fn lay(&mut self, queue: &'static str, lay: Lay, started: Timestamp) {
        let since = |ms: u64| Timestamp::from_millis(ms).since(started);
        let (from, to) = (since(lay.from_ms), since(lay.to_ms));
        for second in from.as_secs()..=to.as_secs() {
            let end = Duration::from_secs(second + 1).min(to);
            let age_ms = u64::try_from(end.saturating_sub(from).as_millis()).unwrap_or(u64::MAX);
            let oldest = self.at(Duration::from_secs(second)).oldest_ms.entry(queue).or_default();
            *oldest = age_ms.max(*oldest);
        }
    }

    /// All seconds up to the last one, the quiet ones too.
    pub(super) fn moments(mut self) -> Vec<Moment> {
        let last = self.0.keys().last().copied().unwrap_or(0);
        for second in 0..=last {
            self.at(Duration::from_secs(second));
        }
        self.0.into_values().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_second_stands_in_it_once() {
        let mut timeline = Timeline::default();
        let ms = Duration::from_millis;
        timeline.sent(ms(100));
        timeline.answered(ms(2_900), "200");
        timeline.looked(&Look { at: ms(1_500), depths: [7, 0, 1], ended: 0 });
        timeline.lay("posts", Lay { from_ms: 10_500, to_ms: 12_200 }, Timestamp::from_millis(10_000));
        timeline.told(ms(3_000), 5);
        let moments = timeline.moments();
        assert_eq!(moments.iter().map(|moment| moment.at_s).collect::<Vec<_>>(), [0, 1, 2, 3]);
        let oldest: Vec<Option<u64>> =
            moments.iter().map(|moment| moment.oldest_ms.get("posts").copied()).collect();
        assert_eq!(oldest, [Some(500), Some(1_500), Some(1_700), None]);
        assert_eq!(moments[1].queues["posts"], 7);
        assert_eq!((moments[0].sent, moments[2].answered["200"], moments[3].told), (1, 1, 5));
    }
}
