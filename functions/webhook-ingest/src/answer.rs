//! How a webhook is answered, and what is logged and counted of it.

use aws_lambda_events::apigw::ApiGatewayV2httpResponse;
use aws_lambda_events::encodings::Body;
use http::header::{ALLOW, CACHE_CONTROL, CONTENT_TYPE, HeaderName, RETRY_AFTER};
use http::{HeaderValue, StatusCode};
use lambda::batch::reason;
use networks::{HandshakeAnswer, ParseError, VerifyError};
use store::StoreError;

/// The most of a body that is read, in bytes. Networks send a few kilobytes; a queue's message holds
/// no more than one megabyte.
pub const BODY_LIMIT: usize = 512 * 1024;

/// Why a webhook is not taken.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Refused {
    /// No network of this name.
    #[error("no such network")]
    UnknownNetwork,
    /// Neither a delivery nor a question that the network may ask.
    #[error("method not allowed")]
    Method,
    /// Longer than [`BODY_LIMIT`].
    #[error("the body is too long")]
    TooLong,
    /// API Gateway said base64, but it isn't.
    #[error("the body is not base64")]
    Encoding,
    /// A handshake that can't be answered.
    #[error("the handshake is malformed")]
    Handshake(#[source] VerifyError),
    /// Unsigned or wrongly signed.
    #[error("the sender is not proven")]
    Unproven(#[source] VerifyError),
    /// Signed, but not of the network's form.
    #[error("the body is malformed")]
    Malformed(#[source] ParseError),
    /// We can't tell, for want of a secret.
    #[error("a secret is missing")]
    Unconfigured(#[source] VerifyError),
    /// We can't tell, for want of configuration.
    #[error("the configuration can't be read")]
    Store(#[from] StoreError),
    /// Nobody has pushed a storefront yet.
    #[error("there is no storefront yet: push one with `hashcart config push`")]
    NoStorefront,
    /// We can't tell, for want of secrets.
    #[error("the secrets can't be read")]
    Secrets(#[from] lambda::secrets::SecretError),
    /// What was read could not be put on its queue.
    #[error("{0} messages could not be sent")]
    Unsent(usize),
}

impl Refused {
    /// The status: 4xx for what would fail again, 503 for our own failings, so that the network sends
    /// it again later.
    pub(crate) fn status(&self) -> StatusCode {
        match self {
            Self::UnknownNetwork => StatusCode::NOT_FOUND,
            Self::Method => StatusCode::METHOD_NOT_ALLOWED,
            Self::TooLong => StatusCode::PAYLOAD_TOO_LARGE,
            Self::Encoding | Self::Handshake(_) | Self::Malformed(_) => StatusCode::BAD_REQUEST,
            Self::Unproven(_) => StatusCode::UNAUTHORIZED,
            Self::Unconfigured(_)
            | Self::Store(_)
            | Self::NoStorefront
            | Self::Secrets(_)
            | Self::Unsent(_) => StatusCode::SERVICE_UNAVAILABLE,
        }
    }

    /// One word for the metric.
    fn kind(&self) -> &'static str {
        match self {
            Self::UnknownNetwork => "unknown_network",
            Self::Method => "method",
            Self::TooLong => "too_long",
            Self::Encoding | Self::Malformed(_) => "malformed",
            Self::Handshake(_) => "handshake",
            Self::Unproven(_) => "unproven",
            Self::Unconfigured(_) | Self::Store(_) | Self::NoStorefront | Self::Secrets(_) => "unconfigured",
            Self::Unsent(_) => "unsent",
        }
    }

    /// Says it in the logs and counts it. `network` is a configured network's id: what a stranger
    /// writes into an address never becomes a dimension.
    pub(crate) fn tell(&self, network: &str) {
        let (status, why) = (self.status().as_u16(), reason(self));
        if status >= 500 {
            tracing::error!(network, status, reason = why, "webhook not taken");
        } else {
            tracing::warn!(network, status, reason = why, "webhook refused");
        }
        lambda::metrics::WEBHOOKS_REFUSED.add([network, self.kind()], &[]);
    }

    pub(crate) fn response(&self) -> ApiGatewayV2httpResponse {
        let status = self.status();
        // Strangers learn the status only, not why.
        let mut response =
            answer(status, "text/plain; charset=utf-8", status.canonical_reason().unwrap_or_default());
        match status {
            StatusCode::METHOD_NOT_ALLOWED => put(&mut response, ALLOW, "POST"),
            StatusCode::SERVICE_UNAVAILABLE => put(&mut response, RETRY_AFTER, "30"),
            _ => {}
        }
        response
    }
}

/// 200 for a delivery that was taken.
pub(crate) fn taken() -> ApiGatewayV2httpResponse {
    answer(StatusCode::OK, "text/plain; charset=utf-8", "OK")
}

/// 200 with what the network asked for.
pub(crate) fn handshake(said: &HandshakeAnswer) -> ApiGatewayV2httpResponse {
    answer(StatusCode::OK, said.content_type, &said.body)
}

fn answer(status: StatusCode, content_type: &'static str, body: &str) -> ApiGatewayV2httpResponse {
    let mut response = ApiGatewayV2httpResponse::default();
    response.status_code = i64::from(status.as_u16());
    response.body = Some(Body::Text(body.to_owned()));
    put(&mut response, CONTENT_TYPE, content_type);
    put(&mut response, CACHE_CONTROL, "no-store");
    response
}

fn put(response: &mut ApiGatewayV2httpResponse, name: HeaderName, value: &'static str) {
    response.headers.insert(name, HeaderValue::from_static(value));
}

#[cfg(test)]
mod tests {
    use networks::{FieldProblem, SecretName};

    use super::*;

    #[test]
    fn the_log_names_the_field_and_strangers_learn_nothing() {
        let error = ParseError { path: "data.links[3]".to_owned(), problem: FieldProblem::WrongType };
        let refused = Refused::Malformed(error);
        assert_eq!(reason(&refused), "the body is malformed: data.links[3]: wrong type");
        assert_eq!(refused.response().body, Some(Body::Text("Bad Request".to_owned())));
        let missing = Refused::Unconfigured(VerifyError::Unconfigured(SecretName::WebhookSecret));
        assert_eq!(
            reason(&missing),
            "a secret is missing: the secret webhook-secret is missing or unreadable"
        );
        assert_eq!(missing.response().status_code, 503);
    }
}
