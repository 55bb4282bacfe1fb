//! The Lambda function `webhook-ingest`.

use aws_lambda_events::apigw::ApiGatewayV2httpRequest;
use lambda::aws::Aws;
use lambda::clock::Clock;
use lambda::env::Environment;
use lambda_runtime::{LambdaEvent, service_fn};
use webhook_ingest::WebhookIngest;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_runtime::Error> {
    let env = Environment::from_process()?;
    lambda::log::start("webhook-ingest", &env);
    let aws = Aws::from_env(&env)?;
    let ingest = WebhookIngest::new(&env, &aws, Clock::system())?;
    let ingest = &ingest;
    let handler = |event: LambdaEvent<ApiGatewayV2httpRequest>| async move {
        let trace = event.context.xray_trace_id;
        Ok::<_, lambda_runtime::Error>(ingest.handle(event.payload, trace.as_deref()).await)
    };
    lambda_runtime::run(service_fn(handler)).await
}
