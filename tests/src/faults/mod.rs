//! The seeded fault run: the real functions under every fault that queues, networks, AWS and Lambda
//! have, and the laws that hold all the same. `docs/FAULTS.md` says what is modelled and how to read a
//! failure.

pub mod aws;
pub mod browser;
pub mod dice;
pub mod dynamodb;
pub mod emulated;
pub mod expression;
pub mod functions;
pub mod ground;
pub mod laws;
pub mod line;
pub mod mutants;
pub mod network;
pub mod plan;
pub mod report;
pub mod run;
pub mod shop;
pub mod sqs;
pub mod world;
