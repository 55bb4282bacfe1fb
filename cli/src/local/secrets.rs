//! The local stack's secrets: made up once and kept beside its data, or given in the checkout's
//! `.env`.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

use anyhow::{Context as _, bail};
use domain::storefront::Storefront;

use crate::secrets::known::{Known, Origin, known};

/// The file beside the data that keeps what was made up.
pub(crate) const KEPT: &str = "secrets.env";
/// The file in the checkout that wins.
const GIVEN: &str = ".env";

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
    let (given, kept_at) = (read(&checkout.join(GIVEN))?, data.join(KEPT));
    let mut kept = read(&kept_at)?;
    let mut secrets = Secrets::new();
    let mut made = String::new();
    for Known { name, origin, .. } in known(storefront, true) {
        let variable = variable(&name);
        let value = match given.get(&variable).or_else(|| kept.get(&variable)) {
            Some(value) => value.clone(),
            None => match origin.make()? {
                Some(value) => {
                    // Writing to a String can't fail.
                    let _ = writeln!(made, "{variable}={value}");
                    kept.insert(variable, value.clone());
                    value
                }
                None => continue,
            },
        };
        secrets.insert(name, lines(&value));
    }
    if !made.is_empty() {
        let context = || format!("{} can't be written", kept_at.display());
        let mut file = fs::OpenOptions::new();
        let mut file = file.create(true).append(true).mode(0o600).open(&kept_at).with_context(context)?;
        file.write_all(made.as_bytes()).with_context(context)?;
    }
    Ok(secrets)
}

/// The secrets that `prepare` would neither find nor make up.
///
/// # Errors
/// When a file can't be read or has a line that is none.
pub(crate) fn missing(storefront: &Storefront, checkout: &Path, data: &Path) -> anyhow::Result<Vec<String>> {
    let known = known(storefront, true);
    let names: Vec<&str> = known.iter().map(|known| known.name.as_str()).collect();
    let found = find(checkout, data, &names)?;
    let is_missing = |known: &Known| known.origin == Origin::Network && !found.contains_key(&known.name);
    Ok(known.into_iter().filter(is_missing).map(|known| known.name).collect())
}

/// Those of these secrets that are given or kept, one value a line.
///
/// # Errors
/// As [`missing`].
pub(crate) fn find(checkout: &Path, data: &Path, names: &[&str]) -> anyhow::Result<Secrets> {
    let (given, kept) = (read(&checkout.join(GIVEN))?, read(&data.join(KEPT))?);
    let value = |name: &&str| given.get(&variable(name)).or_else(|| kept.get(&variable(name)));
    Ok(names.iter().filter_map(|name| Some(((*name).to_owned(), lines(value(name)?)))).collect())
}

/// Keeps a secret beside the stack's data: `text` has one value a line.
///
/// # Errors
/// When the checkout's `.env` gives it, a value can't stand in the file, or the file can't be written.
pub(crate) fn keep(checkout: &Path, data: &Path, name: &str, text: &str) -> anyhow::Result<()> {
    let (given_in, variable) = (checkout.join(GIVEN), variable(name));
    if read(&given_in)?.contains_key(&variable) {
        bail!(
            "{} gives {variable}, and it wins: change it there and start the stack again",
            given_in.display()
        );
    }
    if text.contains(',') {
        bail!("a value with a comma can't be kept for the local stack: commas stand between its values");
    }
    let kept_in = data.join(KEPT);
    let mut kept = read(&kept_in)?;
    kept.insert(variable, text.lines().collect::<Vec<_>>().join(","));
    let lines =
        kept.iter().fold(String::new(), |lines, (variable, value)| lines + variable + "=" + value + "\n");
    fs::create_dir_all(data).with_context(|| format!("{} can't be made", data.display()))?;
    let (context, new) = (|| format!("{} can't be written", kept_in.display()), data.join("secrets.env.new"));
    let mut file = fs::OpenOptions::new();
    let mut file =
        file.create(true).write(true).truncate(true).mode(0o600).open(&new).with_context(context)?;
    file.write_all(lines.as_bytes()).with_context(context)?;
    fs::rename(&new, &kept_in).with_context(context)
}

/// What stands in a file with commas, one value a line.
fn lines(value: &str) -> String {
    value.split(',').map(str::trim).collect::<Vec<_>>().join("\n")
}

/// `x/consumer-secret` → `X_CONSUMER_SECRET`.
pub(crate) fn variable(name: &str) -> String {
    name.chars().map(|c| if c.is_ascii_alphanumeric() { c.to_ascii_uppercase() } else { '_' }).collect()
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

        keep(&checkout, &data, "signing-key", "newer\nolder").unwrap();
        let names = ["signing-key", "x/consumer-secret", "y/bearer-token"];
        let found = find(&checkout, &data, &names).unwrap();
        assert_eq!(found["signing-key"], "newer\nolder");
        assert_eq!(found["x/consumer-secret"], "new\nold", "what .env gives");
        assert!(!found.contains_key("y/bearer-token"));
        let error = keep(&checkout, &data, "x/consumer-secret", "newer").unwrap_err().to_string();
        assert!(error.contains(".env gives X_CONSUMER_SECRET"), "{error}");
        let kept = prepare(&storefront(""), &checkout, &data).unwrap();
        assert_eq!(kept["signing-key"], "newer\nolder");
        assert_eq!(kept["hash-key"], first["hash-key"], "the others are as they were");

        fs::write(checkout.join(".env"), "\nnonsense\n").unwrap();
        let error = prepare(&storefront(""), &checkout, &data).unwrap_err();
        assert!(error.to_string().contains("line 2"), "{error}");
    }
}
