//! The local stack's secrets: made up once and kept beside its data, or given in the checkout's
//! `.env`.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

use anyhow::{Context as _, bail};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use domain::storefront::{NetworkConfig, NetworkKind, Storefront};
use networks::SecretName;
use ring::rand::{SecureRandom as _, SystemRandom};
use url::Url;

/// Secrets by name (`x/consumer-secret`); several values stand in one text, a line each, newest first.
pub(crate) type Secrets = BTreeMap<String, String>;

/// Reads the secrets of a stack whose data are in `data`, makes up what is missing and keeps that.
///
/// A secret `x/consumer-secret` is written `X_CONSUMER_SECRET=value` in both files; several values
/// stand with commas between them, the newest first. The checkout's `.env` wins.
///
/// # Errors
/// When a file can't be read or written, or has a line that is none.
pub(crate) fn prepare(storefront: &Storefront, checkout: &Path, data: &Path) -> anyhow::Result<Secrets> {
    let (given, kept_at) = (read(&checkout.join(".env"))?, data.join("secrets.env"));
    let mut kept = read(&kept_at)?;
    let mut secrets = Secrets::new();
    let mut made = String::new();
    for (name, form) in wanted(storefront) {
        let variable = variable(&name);
        let value = match given.get(&variable).or_else(|| kept.get(&variable)) {
            Some(value) => value.clone(),
            None => match make(form)? {
                Some(value) => {
                    // Writing to a String can't fail.
                    let _ = writeln!(made, "{variable}={value}");
                    kept.insert(variable, value.clone());
                    value
                }
                None => continue,
            },
        };
        secrets.insert(name, value.split(',').map(str::trim).collect::<Vec<_>>().join("\n"));
    }
    if !made.is_empty() {
        let context = || format!("{} can't be written", kept_at.display());
        let mut file = fs::OpenOptions::new();
        let mut file = file.create(true).append(true).mode(0o600).open(&kept_at).with_context(context)?;
        file.write_all(made.as_bytes()).with_context(context)?;
    }
    Ok(secrets)
}

/// How a secret is made up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Form {
    /// Random text.
    Random,
    /// A Standard Webhooks secret.
    Webhook,
    /// Not at all: only the real network can give it.
    Given,
}

/// The secrets that `prepare` would neither find nor make up.
///
/// # Errors
/// When a file can't be read or has a line that is none.
pub(crate) fn missing(storefront: &Storefront, checkout: &Path, data: &Path) -> anyhow::Result<Vec<String>> {
    let (given, kept) = (read(&checkout.join(".env"))?, read(&data.join("secrets.env"))?);
    let is_there = |name: &str| given.contains_key(&variable(name)) || kept.contains_key(&variable(name));
    let wanted = wanted(storefront).into_iter();
    Ok(wanted.filter(|(name, form)| *form == Form::Given && !is_there(name)).map(|(name, _)| name).collect())
}

fn wanted(storefront: &Storefront) -> Vec<(String, Form)> {
    let mut wanted = vec![("hash-key".to_owned(), Form::Random), ("signing-key".to_owned(), Form::Random)];
    for network in &storefront.networks {
        wanted.extend(
            of_network(network).into_iter().map(|(name, form)| (format!("{}/{name}", network.id), form)),
        );
    }
    wanted
}

fn of_network(network: &NetworkConfig) -> Vec<(SecretName, Form)> {
    use SecretName as N;
    match &network.kind {
        NetworkKind::Generic { .. } => vec![(N::WebhookSecret, Form::Webhook)],
        NetworkKind::X { api_url, .. } => {
            // X signs its webhooks with the consumer secret: made up, it lets saved payloads be
            // replayed. The rest opens X's API; a stand-in on this machine takes anything.
            let api = if is_this_machine(api_url) { Form::Random } else { Form::Given };
            let rest = [
                N::ConsumerKey,
                N::AccessToken,
                N::AccessTokenSecret,
                N::BearerToken,
                N::ClientId,
                N::ClientSecret,
            ];
            let rest = rest.into_iter().map(|name| (name, api));
            std::iter::once((N::ConsumerSecret, Form::Random)).chain(rest).collect()
        }
    }
}

/// Whether an address is of this machine.
pub(crate) fn is_this_machine(url: &Url) -> bool {
    matches!(url.host_str(), Some("localhost" | "127.0.0.1" | "[::1]"))
}

/// `x/consumer-secret` → `X_CONSUMER_SECRET`.
pub(crate) fn variable(name: &str) -> String {
    name.chars().map(|c| if c.is_ascii_alphanumeric() { c.to_ascii_uppercase() } else { '_' }).collect()
}

fn make(form: Form) -> anyhow::Result<Option<String>> {
    let mut bytes = [0; 32];
    if SystemRandom::new().fill(&mut bytes).is_err() {
        bail!("the system gives no random numbers");
    }
    Ok(match form {
        Form::Random => Some(lambda::token::random()),
        Form::Webhook => Some(format!("whsec_{}", STANDARD.encode(bytes))),
        Form::Given => None,
    })
}

/// Reads `NAME=value` lines; empty lines and those that begin with `#` say nothing. A missing file is
/// an empty one.
pub(crate) fn read(path: &Path) -> anyhow::Result<BTreeMap<String, String>> {
    let text = match fs::read_to_string(path) {
        Ok(text) => text,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(BTreeMap::new()),
        Err(error) => return Err(error).with_context(|| format!("{} can't be read", path.display())),
    };
    let mut values = BTreeMap::new();
    for (number, line) in text.lines().enumerate() {
        let line = line.trim();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let (name, value) = line.split_once('=').with_context(|| {
            format!("{}, line {}: not of the form NAME=value", path.display(), number + 1)
        })?;
        let value = value.trim().trim_matches(['"', '\'']).to_owned();
        let name = name.trim().trim_start_matches("export ").to_owned();
        if !value.is_empty() {
            values.insert(name, value);
        }
    }
    Ok(values)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn storefront(x: &str) -> Storefront {
        toml::from_str(&format!(
            "brand = 'Acme'\n[[marketplaces]]\nid = 'us'\ncart_tags = ['AcmeCart']\nhosts = ['acme.example']\n\
             currency = 'USD'\nshop = {{ platform = 'template', checkout_url = 'https://acme.example/?{{items}}' }}\n\
             [[networks]]\nid = 'generic'\nkind = 'generic'\nbot_handle = 'acme'\nbot_id = 'acme'\n\
             callback_url = 'http://localhost:1/'\n[[networks]]\nid = 'x'\nkind = 'x'\nbot_handle = 'acme'\nbot_id = '1'\n{x}"
        ))
        .unwrap()
    }

    #[test]
    fn secrets_are_made_once_kept_and_overridden() {
        let folder = tempfile::tempdir().unwrap();
        let (checkout, data) = (folder.path().join("checkout"), folder.path().join("data"));
        fs::create_dir_all(&checkout).unwrap();
        fs::create_dir_all(&data).unwrap();
        let first = prepare(&storefront(""), &checkout, &data).unwrap();
        let names: Vec<&str> = first.keys().map(String::as_str).collect();
        assert_eq!(names, ["generic/webhook-secret", "hash-key", "signing-key", "x/consumer-secret"]);
        assert!(
            networks::standard_webhooks::key(&networks::Secret::new(&first["generic/webhook-secret"]))
                .is_some()
        );
        assert_eq!(prepare(&storefront(""), &checkout, &data).unwrap(), first);

        fs::write(checkout.join(".env"), "# mine\nexport X_CONSUMER_SECRET=\"new,old\"\nHASH_KEY=\n")
            .unwrap();
        let given = prepare(&storefront("api_url = 'http://localhost:9'"), &checkout, &data).unwrap();
        assert_eq!(given["x/consumer-secret"], "new\nold");
        assert_eq!(given["hash-key"], first["hash-key"]);
        assert!(given.contains_key("x/access-token"));

        fs::write(checkout.join(".env"), "\nnonsense\n").unwrap();
        let error = prepare(&storefront(""), &checkout, &data).unwrap_err();
        assert!(error.to_string().contains("line 2"), "{error}");
    }
}
