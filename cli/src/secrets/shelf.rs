//! Where the secrets of a stage are kept: the parameter store, or the files of the local stack.

use std::collections::BTreeMap;
use std::path::PathBuf;

use anyhow::{Context as _, bail};
use aws_sdk_ssm::types::{ParameterStringFilter, ParameterTier, ParameterType};
use domain::time::Timestamp;
use lambda::secrets::{Secret, SecretSet};

use crate::checkout::Checkout;
use crate::local::secrets as files;
use crate::stage::{StageArgs, local_endpoint};

/// The most that a parameter of the standard tier holds, in bytes
/// (<https://docs.aws.amazon.com/systems-manager/latest/userguide/parameter-store-advanced-parameters.html>).
const CAPACITY: usize = 4096;

/// A secret as it is kept.
#[derive(Clone, Debug)]
pub(crate) struct Kept {
    /// Its values, the newest first.
    pub(crate) values: Vec<Secret>,
    /// When it was changed, where that is known.
    pub(crate) changed: Option<Timestamp>,
    /// The parameter's version, counted by the parameter store.
    version: i64,
}

/// Where the secrets of a stage are kept.
#[derive(Clone, Debug)]
pub(crate) enum Shelf {
    /// SecureString parameters under a path.
    ParameterStore { ssm: aws_sdk_ssm::Client, prefix: String },
    /// The local stack's files, and the emulator's parameter store while it runs.
    Files { checkout: PathBuf, data: PathBuf, running: Option<Box<Shelf>> },
}

impl Shelf {
    /// The shelf of a stage.
    ///
    /// # Errors
    /// When the stage's account can't be reached, or the local stack has no checkout.
    pub(crate) async fn of(stage: &StageArgs) -> anyhow::Result<Self> {
        let store = async || {
            let ssm = stage.aws().await?.ssm();
            Ok::<Self, anyhow::Error>(Self::ParameterStore { ssm, prefix: stage.secrets_prefix() })
        };
        if !stage.is_local() {
            return store().await;
        }
        let (checkout, data) = (Checkout::find()?.root().to_owned(), stage.data()?);
        let running = if local_endpoint(&data).is_ok() { Some(Box::new(store().await?)) } else { None };
        Ok(Self::Files { checkout, data, running })
    }

    /// The secrets that are set, by their names: those of `names`, and in a parameter store every other one
    /// too.
    ///
    /// # Errors
    /// When they can't be read.
    pub(crate) async fn read(&self, names: &[&str]) -> anyhow::Result<BTreeMap<String, Kept>> {
        let (checkout, data) = match self {
            Self::ParameterStore { ssm, prefix } => return read_parameters(ssm, prefix).await,
            Self::Files { checkout, data, .. } => (checkout, data),
        };
        let kept = |text: String| {
            let set = SecretSet::new([("", text)]);
            Kept { values: set.values("").to_vec(), changed: None, version: 0 }
        };
        let found = files::find(checkout, data, names)?;
        Ok(found.into_iter().map(|(name, text)| (name, kept(text))).collect())
    }

    /// Puts `values` in the place of what was `replaced`, which this shelf gave; with nothing replaced, the
    /// secret must not be there. A new parameter is encrypted under `key_id`, else under the account's own
    /// key; one that is replaced keeps its key.
    ///
    /// # Errors
    /// When the values are too long for a parameter, it can't be written, or somebody else wrote it in the
    /// meantime.
    pub(crate) async fn write(
        &self,
        name: &str,
        values: &[Secret],
        replaced: Option<&Kept>,
        key_id: Option<&str>,
    ) -> anyhow::Result<()> {
        let text = values.iter().map(Secret::expose).collect::<Vec<_>>().join("\n");
        if text.len() > CAPACITY {
            bail!(
                "{} values of {name} take {} bytes and a parameter holds {CAPACITY}: `hashcart secrets prune \
                 {name}` drops the old ones",
                values.len(),
                text.len()
            );
        }
        match self {
            Self::ParameterStore { ssm, prefix } => {
                write_parameter(ssm, &format!("{prefix}{name}"), &text, replaced, key_id).await
            }
            Self::Files { checkout, data, running } => {
                if key_id.is_some() {
                    bail!("--key-id is for stages on AWS: the local stack encrypts nothing");
                }
                files::keep(checkout, data, name, &text)?;
                match running.as_deref() {
                    Some(Self::ParameterStore { ssm, prefix }) => {
                        let there = read_parameters(ssm, prefix).await?;
                        write_parameter(ssm, &format!("{prefix}{name}"), &text, there.get(name), None).await
                    }
                    _ => Ok(()),
                }
            }
        }
    }

    /// Where a secret is kept, for a person who must read its value.
    pub(crate) fn place(&self, name: &str) -> String {
        match self {
            Self::ParameterStore { prefix, .. } => format!(
                "aws ssm get-parameter --with-decryption --query Parameter.Value --output text --name {prefix}{name}"
            ),
            Self::Files { data, .. } => {
                format!("{} in {}", files::variable(name), data.join(files::KEPT).display())
            }
        }
    }
}

async fn read_parameters(ssm: &aws_sdk_ssm::Client, prefix: &str) -> anyhow::Result<BTreeMap<String, Kept>> {
    let request = ssm.get_parameters_by_path().path(prefix.trim_end_matches('/')).recursive(true);
    let mut pages = request.with_decryption(true).into_paginator().send();
    let mut found = BTreeMap::new();
    while let Some(page) = pages.next().await {
        let page = page.with_context(|| {
            format!(
                "the secrets under {prefix} can't be read: your credentials need ssm:GetParametersByPath there \
                 and kms:Decrypt"
            )
        })?;
        for parameter in page.parameters.unwrap_or_default() {
            let (Some(name), Some(value)) = (parameter.name, parameter.value) else { continue };
            let name = name.strip_prefix(prefix).unwrap_or(&name).to_owned();
            let set = SecretSet::new([("", value)]);
            let changed = parameter.last_modified_date.and_then(|at| u64::try_from(at.secs()).ok());
            let kept = Kept {
                values: set.values("").to_vec(),
                changed: changed.map(Timestamp::from_seconds),
                version: parameter.version,
            };
            found.insert(name, kept);
        }
    }
    Ok(found)
}

/// The parameter store knows no condition on what is overwritten, only its absence: a write that comes
/// between is seen by the version afterwards, and told. It is in the parameter's history.
async fn write_parameter(
    ssm: &aws_sdk_ssm::Client,
    path: &str,
    text: &str,
    replaced: Option<&Kept>,
    key_id: Option<&str>,
) -> anyhow::Result<()> {
    let request = ssm.put_parameter().name(path).value(text).r#type(ParameterType::SecureString);
    let request = match replaced {
        // A parameter that is overwritten without a key is encrypted under the account's own from then on.
        Some(_) => {
            let key = match key_id {
                Some(key) => Some(key.to_owned()),
                None => key_of(ssm, path).await?,
            };
            request.overwrite(true).set_key_id(key)
        }
        None => {
            let request = request.tier(ParameterTier::Standard).overwrite(false);
            request
                .description("A secret of Hashcart: one value a line, the newest first")
                .set_key_id(key_id.map(str::to_owned))
        }
    };
    let written = request.send().await;
    if let Err(error) = &written
        && error.as_service_error().is_some_and(|error| error.is_parameter_already_exists())
    {
        bail!("somebody else set {path} at this moment: look at `hashcart secrets list` and do it again");
    }
    let written = written.with_context(|| {
        format!(
            "{path} can't be written: your credentials need ssm:PutParameter there and the use of its key"
        )
    })?;
    match replaced {
        Some(replaced) if written.version() != replaced.version.saturating_add(1) => bail!(
            "somebody else changed {path} at this moment: theirs, version {}, isn't in force any more. Both are in \
             its history (`aws ssm get-parameter-history --name {path}`): do theirs again",
            written.version().saturating_sub(1)
        ),
        _ => Ok(()),
    }
}

/// The key that a parameter is encrypted under.
async fn key_of(ssm: &aws_sdk_ssm::Client, path: &str) -> anyhow::Result<Option<String>> {
    let filter = ParameterStringFilter::builder().key("Name").option("Equals").values(path).build()?;
    let found = ssm.describe_parameters().parameter_filters(filter).send().await.with_context(|| {
        format!(
            "the key of {path} can't be found out: your credentials need ssm:DescribeParameters, or name it with \
             --key-id"
        )
    })?;
    Ok(found.parameters.unwrap_or_default().into_iter().find_map(|parameter| parameter.key_id))
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn shelf() -> (aws_sdk_ssm::Client, Shelf) {
        let account = emulator::shared().await.unwrap().test_account().unwrap();
        let ssm = aws_sdk_ssm::Client::new(&account.sdk_config());
        (ssm.clone(), Shelf::ParameterStore { ssm, prefix: "/hashcart/dev/".to_owned() })
    }

    fn values(values: &[&str]) -> Vec<Secret> {
        values.iter().map(|value| Secret::new(*value)).collect()
    }

    #[tokio::test]
    async fn a_write_that_came_between_is_told() {
        let (_, shelf) = shelf().await;
        let name = "signing-key";
        shelf.write(name, &values(&["first"]), None, None).await.unwrap();
        let error = shelf.write(name, &values(&["other"]), None, None).await.unwrap_err();
        assert!(error.to_string().contains("somebody else set"), "{error}");

        let seen = shelf.read(&[]).await.unwrap();
        shelf.write(name, &values(&["theirs", "first"]), seen.get(name), None).await.unwrap();
        let error = shelf
            .write(name, &values(&["ours", "first"]), seen.get(name), None)
            .await
            .unwrap_err()
            .to_string();
        assert!(error.contains("version 2, isn't in force"), "{error}");
        assert!(!error.contains("theirs,first") && !error.contains("ours"), "{error}");
        let kept = shelf.read(&[]).await.unwrap();
        assert_eq!(kept[name].values, values(&["ours", "first"]));
        assert!(kept[name].changed.is_some());
    }

    #[tokio::test]
    async fn a_parameter_keeps_its_key_and_its_limit() {
        let (ssm, shelf) = shelf().await;
        let key = "alias/hashcart";
        shelf.write("x/access-token", &values(&["a"]), None, Some(key)).await.unwrap();
        let seen = shelf.read(&[]).await.unwrap();
        shelf.write("x/access-token", &values(&["b", "a"]), seen.get("x/access-token"), None).await.unwrap();
        assert_eq!(key_of(&ssm, "/hashcart/dev/x/access-token").await.unwrap().as_deref(), Some(key));

        let long = "v".repeat(1024);
        let error = shelf.write("hash-key", &values(&[long.as_str(); 4]), None, None).await.unwrap_err();
        assert!(error.to_string().contains("4099 bytes"), "{error}");
        assert!(!error.to_string().contains("vvv"));
    }
}
