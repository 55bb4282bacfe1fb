//! HTTP for the AWS clients by the client that speaks to networks and shops too: a function that does both
//! holds one implementation of HTTP, not two.

use aws_sdk_dynamodb::config::{HttpClient, RuntimeComponents};
use aws_smithy_runtime_api::client::http::{
    HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_types::body::SdkBody;
use reqwest::{Body, Client, Error, Request};

/// The AWS clients' HTTP over reqwest. Its client has the timeout of connections in it; that of a whole
/// try is kept by the SDK.
#[derive(Clone, Debug)]
pub(crate) struct OverReqwest(pub(crate) Client);

impl HttpClient for OverReqwest {
    fn http_connector(&self, _: &HttpConnectorSettings, _: &RuntimeComponents) -> SharedHttpConnector {
        SharedHttpConnector::new(self.clone())
    }
}

impl HttpConnector for OverReqwest {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let client = self.0.clone();
        HttpConnectorFuture::new(async move {
            let request = request.try_into_http1x().map_err(|error| ConnectorError::user(error.into()))?;
            let request = Request::try_from(request.map(Body::wrap)).map_err(failed)?;
            let response = http::Response::<Body>::from(client.execute(request).await.map_err(failed)?);
            HttpResponse::try_from(response.map(SdkBody::from_body_1_x))
                .map_err(|error| ConnectorError::other(error.into(), None))
        })
    }
}

/// What the SDK may try again: all but a request that can't be made.
fn failed(error: Error) -> ConnectorError {
    if error.is_timeout() {
        ConnectorError::timeout(error.into())
    } else if error.is_builder() {
        ConnectorError::user(error.into())
    } else {
        ConnectorError::io(error.into())
    }
}

#[cfg(test)]
mod tests {
    use std::io::{Read as _, Write as _};
    use std::net::TcpListener;
    use std::thread::JoinHandle;

    use aws_sdk_sqs::config::retry::RetryConfig;

    use crate::aws::Aws;
    use crate::env::Environment;

    /// A server for one connection, which answers one request; it gives what it was sent.
    fn server(answer: &'static str) -> (Aws, JoinHandle<String>) {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        let served = std::thread::spawn(move || {
            let (mut connection, _) = listener.accept().unwrap();
            let mut asked = Vec::new();
            let mut part = [0; 4096];
            while !asked.ends_with(b"}") {
                let read = connection.read(&mut part).unwrap();
                asked.extend_from_slice(&part[..read]);
            }
            connection.write_all(answer.as_bytes()).unwrap();
            String::from_utf8(asked).unwrap()
        });
        let env = Environment::from_fn(move |name| match name {
            "HASHCART_STAGE" => Some("local".to_owned()),
            "AWS_REGION" => Some("eu-west-1".to_owned()),
            "AWS_ACCESS_KEY_ID" | "AWS_SECRET_ACCESS_KEY" => Some("test".to_owned()),
            "AWS_ENDPOINT_URL" => Some(address.clone()),
            _ => None,
        });
        (Aws::from_env(&env.unwrap()).unwrap(), served)
    }

    #[tokio::test]
    async fn requests_arrive_signed_and_whole_and_answers_are_read() {
        let (aws, served) = server(
            "HTTP/1.1 200 OK\r\ncontent-type: application/x-amz-json-1.0\r\ncontent-length: 17\r\n\r\n\
             {\"MessageId\":\"m\"}",
        );
        let sent = aws.sqs().send_message().queue_url("http://q/1/posts").message_body("héllo").send().await;
        assert_eq!(sent.unwrap().message_id(), Some("m"));
        let asked = served.join().unwrap();
        let (head, body) = asked.split_once("\r\n\r\n").unwrap();
        let head = head.to_lowercase();
        assert!(head.starts_with("post / http/1.1\r\n"), "{head}");
        assert!(head.contains("\r\nauthorization: aws4-hmac-sha256 "), "{head}");
        assert!(head.contains(&format!("\r\ncontent-length: {}\r\n", body.len())), "{head}");
        assert!(body.contains("héllo"), "{body}");
    }

    #[tokio::test]
    async fn an_answer_that_breaks_off_may_be_tried_again() {
        let (aws, _served) = server("HTTP/1.1 200 OK\r\n");
        let once = aws_sdk_sqs::config::Builder::new().retry_config(RetryConfig::disabled());
        let sent = aws.sqs().send_message().queue_url("http://q/1/posts").message_body("x").customize();
        let error = sent.config_override(once).send().await.unwrap_err();
        let failure = match error {
            aws_sdk_sqs::error::SdkError::DispatchFailure(failure) => failure,
            other => panic!("{other:?}"),
        };
        assert!(failure.is_io(), "{failure:?}");
    }
}
