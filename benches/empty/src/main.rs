//! A Lambda function that reads its event, forgets it and answers nothing: what `lambda_runtime` costs by
//! itself, with which the costs of our functions are compared.

use lambda_runtime::{Error, LambdaEvent, run, service_fn};
use serde::de::IgnoredAny;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    run(service_fn(|_: LambdaEvent<IgnoredAny>| async { Ok::<_, Error>(()) })).await
}
