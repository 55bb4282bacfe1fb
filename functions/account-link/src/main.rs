//! The Lambda function `account-link`.

use std::sync::Arc;

use account_link::{App, router};
use lambda::aws::Aws;
use lambda::clock::Clock;
use lambda::env::Environment;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_http::Error> {
    let env = Environment::from_process()?;
    lambda::log::start("account-link", &env);
    let aws = Aws::from_env(&env)?;
    let app = App::new(&env, &aws, Clock::system())?;
    lambda_http::run(router(Arc::new(app))).await
}
