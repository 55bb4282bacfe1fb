//! An AWS account inside the emulator.

use aws_credential_types::{Credentials, provider::SharedCredentialsProvider};
use aws_smithy_async::rt::sleep::SharedAsyncSleep;
use aws_smithy_async::rt::sleep::TokioSleep;
use aws_smithy_runtime_api::client::behavior_version::BehaviorVersion;
use aws_types::{SdkConfig, region::Region};
use ring::rand::{SecureRandom, SystemRandom};

/// The emulator's region.
pub(crate) const REGION: &str = "us-east-1";
/// The secret that the emulator expects of every account's root user.
pub(crate) const SECRET: &str = "test";
/// The account that requests without credentials belong to: what browsers and networks send reaches
/// only an HTTP API that was deployed here.
const FRONT_DOOR: &str = "000000000000";

/// Credentials for one account of an emulator. Accounts see nothing of each other (the names of S3
/// buckets aside), so tests that take one each run side by side in one emulator.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Account {
    id: String,
    endpoint: String,
}

impl Account {
    /// The account whose HTTP APIs the world can call, in the emulator at `endpoint`
    /// (`http://127.0.0.1:<port>`), whoever started that.
    pub fn front_door(endpoint: impl Into<String>) -> Self {
        Self { id: FRONT_DOOR.to_owned(), endpoint: endpoint.into() }
    }

    /// An account that nobody has used before, with a probability of collision of one in 10¹¹.
    pub(crate) fn random(endpoint: String) -> Result<Self, ring::error::Unspecified> {
        let mut bytes = [0; 8];
        SystemRandom::new().fill(&mut bytes)?;
        let number = 100_000_000_000 + u64::from_be_bytes(bytes) % 900_000_000_000;
        Ok(Self { id: number.to_string(), endpoint })
    }

    /// Its number of twelve digits, which is its access key too.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// The emulator's address, `http://127.0.0.1:<port>`.
    pub fn endpoint(&self) -> &str {
        &self.endpoint
    }

    pub(crate) fn credentials(&self) -> Credentials {
        Credentials::new(&self.id, SECRET, None, None, "emulator")
    }

    /// What any AWS client of the Rust SDK is made from, as in
    /// `aws_sdk_sqs::Client::new(&account.sdk_config())`. It speaks plain HTTP only. A client belongs to
    /// the tokio runtime that first uses it: make one per test.
    pub fn sdk_config(&self) -> SdkConfig {
        SdkConfig::builder()
            .behavior_version(BehaviorVersion::latest())
            .region(Region::from_static(REGION))
            .endpoint_url(&self.endpoint)
            .credentials_provider(SharedCredentialsProvider::new(self.credentials()))
            .sleep_impl(SharedAsyncSleep::new(TokioSleep::new()))
            .http_client(aws_smithy_http_client::Builder::new().build_http())
            .build()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn random_accounts_are_twelve_digits_and_differ() {
        let account = |_| Account::random(String::new()).unwrap().id;
        let ids: std::collections::BTreeSet<String> = (0..1000).map(account).collect();
        assert_eq!(ids.len(), 1000);
        assert!(
            ids.iter()
                .all(|id| id.len() == 12 && !id.starts_with('0') && id.bytes().all(|b| b.is_ascii_digit()))
        );
    }
}
