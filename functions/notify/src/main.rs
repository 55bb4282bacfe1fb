//! The Lambda function `notify`.

use aws_lambda_events::sqs::SqsEvent;
use lambda::aws::Aws;
use lambda::clock::Clock;
use lambda::env::Environment;
use lambda_runtime::{LambdaEvent, service_fn};
use notify::Notify;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_runtime::Error> {
    let env = Environment::from_process()?;
    lambda::log::start("notify", &env);
    let aws = Aws::from_env(&env)?;
    let notify = Notify::new(&env, &aws, &Clock::system())?;
    let notify = &notify;
    let handler = |event: LambdaEvent<SqsEvent>| async move {
        notify.handle(event.payload).await.map_err(lambda_runtime::Error::from)
    };
    lambda_runtime::run(service_fn(handler)).await
}
