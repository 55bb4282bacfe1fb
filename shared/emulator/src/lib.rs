//! AWS on one machine: [MiniStack](https://pypi.org/project/ministack/) set up, started, filled and stopped,
//! without an AWS account, Docker or any tool but Python.
//!
//! The local stack and the tests deploy the very template that goes to AWS:
//!
//! ```no_run
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! use emulator::{Deployment, Emulator, Options, Venv};
//!
//! let venv = Venv::of_checkout(std::path::Path::new("."));
//! let emulator = Emulator::start(Options::new(venv, ".hashcart/data").keep_state()).await?;
//! let stack = Deployment::new("hashcart-local")
//!     .parameter("MailFrom", "cart@acme.example")
//!     .function("cart-add", "target/debug/cart-add")
//!     .deploy(&emulator.account())
//!     .await?;
//! println!("{}/cart", stack.api_url()?);
//! emulator.stop().await?;
//! # Ok(())
//! # }
//! ```
//!
//! Tests of adapters share one emulator per process, each in an account of its own:
//!
//! ```no_run
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! let account = emulator::shared().await?.test_account()?;
//! let tables = emulator::Deployment::new("test").parameter("MailFrom", "a@b.example").deploy_data(&account).await?;
//! // let client = aws_sdk_dynamodb::Client::new(&account.sdk_config());
//! println!("{}", tables.output("CartsTable")?);
//! # Ok(())
//! # }
//! ```
//!
//! What MiniStack does otherwise than AWS and matters here is said where we meet it.

mod account;
mod cargo;
mod deploy;
mod http;
mod logs;
mod mail;
mod package;
pub mod privilege;
mod process;
mod shared;
mod template;
mod venv;

pub use account::Account;
pub use cargo::outside_cargo;
pub use deploy::{DeployError, Deployment, Failure, Stack};
pub use http::{RequestError, ask_cloudwatch, invoke};
pub use logs::{Line, Logs, LogsError};
pub use mail::{SenderError, verify_sender};
pub use package::{Package, PackageError};
pub use process::{Emulator, EmulatorError, Options};
pub use shared::shared;
pub use template::TemplateError;
pub use venv::{Venv, VenvError};
