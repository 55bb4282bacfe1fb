//! The pages of `account-link` and `cart-page` as one site, over tables, queues and mail of the emulator.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test stops where something is not as expected"
)]

mod cart;
mod guards;
mod link;
mod sign_in;
mod site;
mod x;
