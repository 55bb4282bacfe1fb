//! Secrets, kept as SecureString parameters under `/hashcart/<stage>/`.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use aws_sdk_ssm::error::SdkError;
use aws_sdk_ssm::operation::get_parameters::GetParametersError;
use aws_sdk_ssm::operation::get_parameters_by_path::GetParametersByPathError;
use aws_sdk_ssm::types::Parameter;
use domain::Retryable;
use domain::ids::NetworkId;
use domain::time::Timestamp;
use futures::future::try_join_all;

use crate::aws::Aws;
use crate::cache::Refreshing;

/// A secret value. Debug prints nothing of it.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// Takes the value.
    pub fn new(value: impl Into<String>) -> Self {
        Self(value.into())
    }

    /// The value, to be handed to what needs it and to nothing else.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

/// Why secrets can't be had.
#[derive(Debug, thiserror::Error)]
pub enum SecretError {
    /// The parameter store didn't answer as it should.
    #[error("the secrets can't be read")]
    Read(#[source] Box<SdkError<GetParametersByPathError>>),
    /// The parameter store didn't answer as it should to a request for a few of them.
    #[error("the secrets can't be read")]
    ReadNamed(#[source] Box<SdkError<GetParametersError>>),
    /// The secret isn't there.
    #[error("the secret `{0}` is not set: put it with `hashcart secrets set {0} --stage STAGE`")]
    Missing(String),
}

impl Retryable for SecretError {
    /// All are: an operator mends them, and the work waits in its queue until then.
    fn retryable(&self) -> bool {
        match self {
            Self::Read(_) | Self::ReadNamed(_) | Self::Missing(_) => true,
        }
    }
}

/// The secrets of a stage, by name (`hash-key`, `x/consumer-secret`).
#[derive(Clone, Debug, Default)]
pub struct SecretSet(BTreeMap<String, Vec<Secret>>);

impl SecretSet {
    /// Takes names and texts. A text holds one value a line, the newest first, so that a secret can
    /// be rotated without a moment in which either value is refused.
    pub fn new<N: Into<String>>(texts: impl IntoIterator<Item = (N, String)>) -> Self {
        let values = |text: &str| {
            text.lines().map(str::trim).filter(|line| !line.is_empty()).map(Secret::new).collect()
        };
        Self(texts.into_iter().map(|(name, text)| (name.into(), values(&text))).collect())
    }

    /// All values of a secret, the newest first; empty when it isn't set.
    pub fn values(&self, name: &str) -> &[Secret] {
        self.0.get(name).map_or(&[], Vec::as_slice)
    }

    /// The newest value of a secret.
    ///
    /// # Errors
    /// When it isn't set.
    pub fn newest(&self, name: &str) -> Result<&Secret, SecretError> {
        self.values(name).first().ok_or_else(|| SecretError::Missing(name.to_owned()))
    }
}

/// Reads the secrets of a stage with the first event that needs them and keeps them for a minute.
#[derive(Debug)]
pub struct Secrets {
    source: Source,
    kept: Refreshing<SecretSet>,
}

#[derive(Debug)]
enum Source {
    ParameterStore { aws: Aws, prefix: String, named: Option<&'static [&'static str]> },
    Given(Arc<SecretSet>),
}

impl Secrets {
    /// Secrets under `prefix` (`/hashcart/prod/`).
    pub fn new(aws: &Aws, prefix: String) -> Self {
        Self::of(aws, prefix, None)
    }

    /// Only these secrets under `prefix`, ten at most: for a function whose role may read no other.
    pub fn named(aws: &Aws, prefix: String, names: &'static [&'static str]) -> Self {
        Self::of(aws, prefix, Some(names))
    }

    fn of(aws: &Aws, prefix: String, named: Option<&'static [&'static str]>) -> Self {
        let source = Source::ParameterStore { aws: aws.clone(), prefix, named };
        Self { source, kept: Refreshing::default() }
    }

    /// Secrets that are known already.
    pub fn given(set: SecretSet) -> Self {
        Self { source: Source::Given(Arc::new(set)), kept: Refreshing::default() }
    }

    /// The secrets.
    ///
    /// # Errors
    /// When they can't be read and none were read before.
    pub async fn get(&self, now: Timestamp) -> Result<Arc<SecretSet>, SecretError> {
        match &self.source {
            Source::Given(set) => Ok(Arc::clone(set)),
            Source::ParameterStore { aws, prefix, named } => {
                let read = || async {
                    match named {
                        None => read(&aws.ssm(), prefix, "").await.map(SecretSet::new),
                        Some(names) => read_named(&aws.ssm(), prefix, names).await.map(SecretSet::new),
                    }
                };
                self.kept.get(now, read).await
            }
        }
    }

    /// The secrets of these networks and no others, read anew each time: for a function whose role may
    /// read no other. The caller keeps what it makes of them.
    ///
    /// # Errors
    /// When they can't be read.
    pub async fn of_networks<'n>(
        &self,
        networks: impl IntoIterator<Item = &'n NetworkId>,
    ) -> Result<Arc<SecretSet>, SecretError> {
        match &self.source {
            Source::Given(set) => Ok(Arc::clone(set)),
            Source::ParameterStore { aws, prefix, .. } => {
                let ssm = aws.ssm();
                let reads = networks.into_iter().map(|network| read(&ssm, prefix, network.as_str()));
                let texts = try_join_all(reads).await?;
                Ok(Arc::new(SecretSet::new(texts.into_iter().flatten())))
            }
        }
    }
}

/// Names, without the prefix, and texts.
type Texts = Vec<(String, String)>;

/// All that is kept under `<prefix><folder>`.
async fn read(ssm: &aws_sdk_ssm::Client, prefix: &str, folder: &str) -> Result<Texts, SecretError> {
    let path = format!("{prefix}{folder}");
    let mut pages = ssm
        .get_parameters_by_path()
        .path(path.trim_end_matches('/'))
        .recursive(true)
        .with_decryption(true)
        .into_paginator()
        .send();
    let mut texts = Texts::new();
    while let Some(page) = pages.next().await {
        let page = page.map_err(|error| SecretError::Read(Box::new(error)))?;
        texts.extend(page.parameters.unwrap_or_default().into_iter().filter_map(|found| text(found, prefix)));
    }
    Ok(texts)
}

/// These alone; one that isn't set is left out.
async fn read_named(ssm: &aws_sdk_ssm::Client, prefix: &str, names: &[&str]) -> Result<Texts, SecretError> {
    let names = names.iter().map(|name| format!("{prefix}{name}")).collect();
    let request = ssm.get_parameters().set_names(Some(names)).with_decryption(true);
    let answer = request.send().await.map_err(|error| SecretError::ReadNamed(Box::new(error)))?;
    Ok(answer.parameters.unwrap_or_default().into_iter().filter_map(|found| text(found, prefix)).collect())
}

fn text(parameter: Parameter, prefix: &str) -> Option<(String, String)> {
    let (name, value) = (parameter.name?, parameter.value?);
    Some((name.strip_prefix(prefix).unwrap_or(&name).to_owned(), value))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn several_values_newest_first_and_never_printed() {
        let set = SecretSet::new([("hash-key", "new\n old \n\n".to_owned())]);
        assert_eq!(set.values("hash-key"), [Secret::new("new"), Secret::new("old")]);
        assert_eq!(set.newest("hash-key").unwrap().expose(), "new");
        assert!(set.newest("x/consumer-secret").unwrap_err().to_string().contains("x/consumer-secret"));
        assert!(!format!("{set:?}").contains("old"));
    }
}
