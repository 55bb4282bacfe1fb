//! What was just read, kept for a moment: a campaign sends many shoppers to the same few posts and
//! products.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use domain::time::Timestamp;
use tokio::sync::OnceCell;

/// A bounded cache. Callers at the same time share one read; what failed isn't kept.
#[derive(Debug)]
pub(crate) struct Cache<K, V> {
    capacity: usize,
    slots: Mutex<HashMap<K, Arc<Slot<V>>>>,
}

#[derive(Debug)]
struct Slot<V> {
    kept: OnceCell<(V, Timestamp)>,
}

impl<V> Slot<V> {
    fn is_old(&self, now: Timestamp) -> bool {
        self.kept.get().is_some_and(|(_, until)| *until <= now)
    }
}

impl<K: Clone + Eq + Hash, V: Clone> Cache<K, V> {
    /// Keeps at most `capacity` values.
    pub(crate) fn new(capacity: usize) -> Self {
        Self { capacity, slots: Mutex::default() }
    }

    /// The value of `key`, read if it isn't kept. `read` says how long to keep it.
    pub(crate) async fn get<E>(
        &self,
        key: &K,
        now: Timestamp,
        read: impl AsyncFnOnce() -> Result<(V, Duration), E>,
    ) -> Result<V, E> {
        let slot = self.slot(key, now);
        let read = || async { read().await.map(|(value, keep)| (value, now.plus(keep))) };
        slot.kept.get_or_try_init(read).await.map(|(value, _)| value.clone())
    }

    fn slot(&self, key: &K, now: Timestamp) -> Arc<Slot<V>> {
        let mut slots = self.lock();
        if let Some(slot) = slots.get(key).filter(|slot| !slot.is_old(now)) {
            return Arc::clone(slot);
        }
        if slots.len() >= self.capacity {
            // What nobody waits for and holds no value is the rest of a failed read.
            slots.retain(|_, slot| {
                !slot.is_old(now) && (slot.kept.initialized() || Arc::strong_count(slot) > 1)
            });
        }
        let slot = Arc::new(Slot { kept: OnceCell::new() });
        if slots.len() < self.capacity || slots.contains_key(key) {
            slots.insert(key.clone(), Arc::clone(&slot));
        }
        slot
    }

    /// Nothing that holds the lock can leave the map half changed, so a panic elsewhere does no harm.
    fn lock(&self) -> MutexGuard<'_, HashMap<K, Arc<Slot<V>>>> {
        self.slots.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;
    use std::sync::atomic::{AtomicU32, Ordering};

    use super::*;

    const KEEP: Duration = Duration::from_secs(60);

    fn at(seconds: u64) -> Timestamp {
        Timestamp::from_seconds(seconds)
    }

    async fn get(cache: &Cache<u32, u32>, key: u32, now: u64, value: u32) -> u32 {
        cache.get(&key, at(now), async || Ok::<_, Infallible>((value, KEEP))).await.unwrap()
    }

    #[tokio::test]
    async fn values_are_kept_for_their_time() {
        let cache = Cache::new(2);
        assert_eq!(get(&cache, 1, 0, 10).await, 10);
        assert_eq!(get(&cache, 1, 59, 11).await, 10);
        assert_eq!(get(&cache, 1, 60, 12).await, 12);
    }

    #[tokio::test]
    async fn never_more_than_its_capacity() {
        let cache = Cache::new(2);
        for key in 0..10 {
            assert_eq!(get(&cache, key, 0, key).await, key);
        }
        assert_eq!(cache.lock().len(), 2);
        // What is old gives way.
        assert_eq!(get(&cache, 9, 60, 90).await, 90);
        assert_eq!(get(&cache, 9, 61, 91).await, 90);
    }

    #[tokio::test]
    async fn failures_are_not_kept_and_leave_no_slot_behind() {
        let cache: Cache<u32, u32> = Cache::new(1);
        let failed = cache.get(&1, at(0), async || Err("no")).await;
        assert_eq!(failed, Err("no"));
        assert_eq!(get(&cache, 2, 0, 20).await, 20);
        assert_eq!(get(&cache, 2, 1, 21).await, 20);
    }

    #[tokio::test]
    async fn callers_at_the_same_time_share_one_read() {
        let cache = Cache::new(2);
        let reads = AtomicU32::new(0);
        let read = async || {
            tokio::task::yield_now().await;
            Ok::<_, Infallible>((reads.fetch_add(1, Ordering::Relaxed), KEEP))
        };
        let both = futures::future::join(cache.get(&1, at(0), read), cache.get(&1, at(0), read));
        assert_eq!(both.await, (Ok(0), Ok(0)));
        assert_eq!(reads.into_inner(), 1);
    }
}
