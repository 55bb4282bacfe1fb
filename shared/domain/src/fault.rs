//! Which errors are worth another try.

/// Says of an error whether the same work may succeed later.
///
/// Implementations match exhaustively, without a wildcard arm, so that a new variant does not
/// compile until someone has decided. A permanent error goes to the dead-letter queue at once with
/// its reason; a retryable one becomes a batch item failure with back-off.
pub trait Retryable: std::error::Error {
    /// `true` when trying again later may help (throttling, a timeout, a service that is down),
    /// `false` when the same input will always fail (it can't be decoded, a rule forbids it).
    fn retryable(&self) -> bool;
}

impl<E: Retryable> Retryable for Box<E> {
    fn retryable(&self) -> bool {
        E::retryable(self)
    }
}
