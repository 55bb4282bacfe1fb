//! What can go wrong with a table.

use std::error::Error;

use aws_sdk_dynamodb::error::{BuildError, ProvideErrorMetadata, SdkError};
use domain::Retryable;

/// Why the tables could not do what was asked. A condition that does not hold is no error: each
/// function answers that in its own type.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// DynamoDB did not do it.
    #[error("{operation} on {table} failed: {fault}")]
    Request {
        /// The operation (`PutItem`).
        operation: &'static str,
        /// The table, or several.
        table: String,
        /// What kind of failure it is.
        fault: Fault,
        /// What the SDK says.
        #[source]
        source: Box<dyn Error + Send + Sync>,
    },
    /// An item in the table is not what we write there.
    #[error("an item of {table} can't be read: {what}")]
    Item {
        /// The table.
        table: String,
        /// The attribute or the path in its document and what is wrong, without the value.
        what: String,
    },
    /// An item was written by a later release. While that is being deployed, the functions of the earlier
    /// one meet such items: who tries again finds the later one in its place.
    #[error(
        "an item of {table} is of version {found}, and this release reads up to {reads}: deploy the release that wrote it"
    )]
    Version {
        /// The table.
        table: String,
        /// The item's version.
        found: u64,
        /// The latest version that this release reads.
        reads: u64,
    },
    /// The storefront in force has keys or values that this release doesn't know. Nothing is wrong with
    /// what waits for it.
    #[error(
        "version {version} of the storefront can't be read ({what}): deploy the release that it was pushed with, or \
         push one that this release knows"
    )]
    Storefront {
        /// The storefront's version.
        version: u64,
        /// The path in it and the kind of mistake, without the value.
        what: String,
    },
    /// A value could not be written as JSON: a key that is no text, or the like.
    #[error("a value can't be written to {table}")]
    Encode {
        /// The table.
        table: String,
        /// Why.
        #[source]
        source: serde_json::Error,
    },
    /// A request of ours lacks a part that it must have.
    #[error("a request can't be built")]
    Build(#[from] BuildError),
    /// Others changed the same items each time that we tried.
    #[error("{operation} gave way to other writers too often")]
    Contended {
        /// What was tried.
        operation: &'static str,
    },
    /// DynamoDB left a part of a batch undone each time that we tried.
    #[error("{left} items of a batch were left undone")]
    Unprocessed {
        /// How many.
        left: usize,
    },
}

/// Kinds of failure of a request to DynamoDB.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// More requests than the table or the account takes.
    #[error("throttled")]
    Throttled,
    /// DynamoDB answered that it is in trouble.
    #[error("the service is unavailable")]
    Unavailable,
    /// No answer: a timeout, a broken connection. The request may have been done.
    #[error("no answer")]
    NoAnswer,
    /// A transaction on the same item was under way.
    #[error("another transaction was under way")]
    Conflict,
    /// The table is missing, or our role may not use it: an operator must mend that.
    #[error("the table or the permission is missing")]
    Setup,
    /// The request is wrong in itself.
    #[error("the request was refused")]
    Refused,
}

impl Retryable for StoreError {
    fn retryable(&self) -> bool {
        match self {
            Self::Request { fault, .. } => match fault {
                Fault::Throttled | Fault::Unavailable | Fault::NoAnswer | Fault::Conflict | Fault::Setup => {
                    true
                }
                Fault::Refused => false,
            },
            Self::Version { .. } | Self::Storefront { .. } => true,
            Self::Contended { .. } | Self::Unprocessed { .. } => true,
            Self::Item { .. } | Self::Encode { .. } | Self::Build(_) => false,
        }
    }
}

impl StoreError {
    /// Takes an error of the SDK over: `.map_err(StoreError::request("PutItem", &table))`.
    pub fn request<E>(operation: &'static str, table: &str) -> impl FnOnce(SdkError<E>) -> Self
    where
        E: Error + ProvideErrorMetadata + Send + Sync + 'static,
    {
        let table = table.to_owned();
        move |error| Self::Request { operation, table, fault: fault(&error), source: Box::new(error) }
    }

    /// An item that can't be read.
    pub fn item(table: &str, what: impl Into<String>) -> Self {
        Self::Item { table: table.to_owned(), what: what.into() }
    }
}

fn fault<E: ProvideErrorMetadata>(error: &SdkError<E>) -> Fault {
    match error {
        SdkError::TimeoutError(_) | SdkError::DispatchFailure(_) | SdkError::ResponseError(_) => {
            Fault::NoAnswer
        }
        SdkError::ServiceError(service) if service.raw().status().is_server_error() => Fault::Unavailable,
        SdkError::ServiceError(service) => code_fault(service.err().code().unwrap_or_default()),
        _ => Fault::Refused,
    }
}

/// The kind behind an error code (Amazon DynamoDB Developer Guide, "Error handling": the codes with
/// "OK to retry: yes", and what a missing table or permission gives).
pub(crate) fn code_fault(code: &str) -> Fault {
    match code {
        "ProvisionedThroughputExceededException"
        | "ProvisionedThroughputExceeded"
        | "ThrottlingException"
        | "ThrottlingError"
        | "RequestLimitExceeded"
        | "LimitExceededException" => Fault::Throttled,
        "InternalServerError" | "ServiceUnavailable" | "ServiceUnavailableException" | "InternalFailure" => {
            Fault::Unavailable
        }
        "TransactionConflictException"
        | "TransactionConflict"
        | "TransactionInProgressException"
        | "ReplicatedWriteConflictException" => Fault::Conflict,
        "ResourceNotFoundException"
        | "AccessDeniedException"
        | "UnrecognizedClientException"
        | "ExpiredTokenException"
        | "InvalidSignatureException"
        | "IncompleteSignatureException"
        | "MissingAuthenticationTokenException" => Fault::Setup,
        _ => Fault::Refused,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_may_pass_is_retryable_and_what_is_wrong_is_not() {
        let request = |fault| StoreError::Request {
            operation: "PutItem",
            table: "carts".to_owned(),
            fault,
            source: "x".into(),
        };
        for code in [
            "ThrottlingException",
            "InternalServerError",
            "TransactionConflictException",
            "AccessDeniedException",
        ] {
            assert!(request(code_fault(code)).retryable(), "{code}");
        }
        for code in ["ValidationException", "ItemCollectionSizeLimitExceededException", ""] {
            assert!(!request(code_fault(code)).retryable(), "{code}");
        }
        assert!(!StoreError::item("carts", "body").retryable());
    }
}
