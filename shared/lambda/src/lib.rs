//! What every function shares: its [environment](mod@env), [AWS clients](aws), [secrets], queue
//! [envelopes](envelope) and the [batch loop](batch), [tokens](token) and [keyed hashes](keyed),
//! [logs](log) and [metrics].
//!
//! Architecture invariant: imports `domain` only. No network traffic happens at init: everything is
//! fetched with the first event that needs it.

pub mod aws;
pub mod batch;
pub mod cache;
pub mod clock;
pub mod env;
pub mod envelope;
mod http;
pub mod keyed;
pub mod log;
pub mod metrics;
pub mod queue;
pub mod secrets;
pub mod token;
