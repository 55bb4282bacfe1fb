//! The Lambda function `cart-add`.

use aws_lambda_events::sqs::SqsEvent;
use cart_add::CartAdd;
use lambda::aws::Aws;
use lambda::batch::BatchLoop;
use lambda::clock::Clock;
use lambda::env::Environment;
use lambda::queue::Sender;
use lambda_runtime::{LambdaEvent, service_fn};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_runtime::Error> {
    let env = Environment::from_process()?;
    lambda::log::start("cart-add", &env);
    let aws = Aws::from_env(&env)?;
    let sender = Sender::new(&aws, &env, Clock::system());
    let batches = BatchLoop::new("cart-add", "commands", &env, &aws, sender)?;
    let consumer = CartAdd::new(&env, &aws, Clock::system())?;
    let (batches, consumer) = (&batches, &consumer);
    let handler = |event: LambdaEvent<SqsEvent>| async move {
        batches.run(consumer, event.payload).await.map_err(lambda_runtime::Error::from)
    };
    lambda_runtime::run(service_fn(handler)).await
}
