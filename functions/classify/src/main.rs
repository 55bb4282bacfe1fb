//! The Lambda function `classify`.

use aws_lambda_events::sqs::SqsEvent;
use classify::Classify;
use lambda::aws::Aws;
use lambda::batch::BatchLoop;
use lambda::clock::Clock;
use lambda::env::Environment;
use lambda::queue::Sender;
use lambda_runtime::{LambdaEvent, service_fn};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_runtime::Error> {
    let env = Environment::from_process()?;
    lambda::log::start("classify", &env);
    let aws = Aws::from_env(&env)?;
    let sender = Sender::new(&aws, &env, Clock::system());
    let batches = BatchLoop::new("classify", "posts", &env, &aws, sender)?;
    let consumer = Classify::new(&env, &aws, Clock::system())?;
    let (batches, consumer) = (&batches, &consumer);
    let handler = |event: LambdaEvent<SqsEvent>| async move {
        batches.run(consumer, event.payload).await.map_err(lambda_runtime::Error::from)
    };
    lambda_runtime::run(service_fn(handler)).await
}
