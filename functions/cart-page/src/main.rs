//! The Lambda function `cart-page`.

use std::sync::Arc;

use cart_page::{App, router};
use lambda::aws::Aws;
use lambda::clock::Clock;
use lambda::env::Environment;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_http::Error> {
    let env = Environment::from_process()?;
    lambda::log::start("cart-page", &env);
    let aws = Aws::from_env(&env)?;
    let app = App::new(&env, &aws, Clock::system())?;
    lambda_http::run(router(Arc::new(app))).await
}
