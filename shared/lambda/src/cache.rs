//! A value that is fetched with the first event that needs it and kept for a while.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use domain::time::Timestamp;
use tokio::sync::Mutex;

/// How long configuration and secrets are kept before they are read again.
pub const KEEP: Duration = Duration::from_secs(60);

/// How long an old value goes on serving before a failed refresh is tried again.
const RETRY: Duration = Duration::from_secs(5);

/// A value that is read again when it has become old. While reading fails the old value serves.
#[derive(Debug)]
pub struct Refreshing<T> {
    keep: Duration,
    kept: Mutex<Option<Kept<T>>>,
}

#[derive(Debug)]
struct Kept<T> {
    until: Timestamp,
    value: Arc<T>,
}

impl<T> Default for Refreshing<T> {
    fn default() -> Self {
        Self::new(KEEP)
    }
}

impl<T> Refreshing<T> {
    /// A value that is kept for `keep`.
    pub fn new(keep: Duration) -> Self {
        Self { keep, kept: Mutex::new(None) }
    }

    /// The value, fetched if there is none yet or it is old. Callers at the same time share one
    /// fetch.
    ///
    /// # Errors
    /// When the fetch fails and there is no old value to serve.
    pub async fn get<E, F>(&self, now: Timestamp, fetch: impl FnOnce() -> F) -> Result<Arc<T>, E>
    where
        E: std::error::Error,
        F: Future<Output = Result<T, E>>,
    {
        let mut kept = self.kept.lock().await;
        if let Some(kept) = kept.as_ref().filter(|kept| now < kept.until) {
            return Ok(Arc::clone(&kept.value));
        }
        match (fetch().await, kept.as_mut()) {
            (Ok(value), _) => {
                let value = Arc::new(value);
                *kept = Some(Kept { until: now.plus(self.keep), value: Arc::clone(&value) });
                Ok(value)
            }
            (Err(error), Some(old)) => {
                tracing::warn!(error = %error, "refresh failed, the old value serves on");
                old.until = now.plus(RETRY);
                Ok(Arc::clone(&old.value))
            }
            (Err(error), None) => Err(error),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn keeps_refreshes_and_serves_the_old_value() {
        let cache = Refreshing::new(Duration::from_secs(60));
        let at = Timestamp::from_seconds;
        let ok = |value: u32| async move { Ok::<_, std::fmt::Error>(value) };
        assert!(cache.get(at(0), || async { Err(std::fmt::Error) }).await.is_err());
        assert_eq!(*cache.get(at(0), || ok(1)).await.unwrap(), 1);
        assert_eq!(*cache.get(at(59), || ok(2)).await.unwrap(), 1);
        assert_eq!(*cache.get(at(60), || async { Err(std::fmt::Error) }).await.unwrap(), 1);
        assert_eq!(*cache.get(at(64), || ok(3)).await.unwrap(), 1);
        assert_eq!(*cache.get(at(65), || ok(3)).await.unwrap(), 3);
    }
}
