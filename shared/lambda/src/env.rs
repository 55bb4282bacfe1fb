//! A function's environment, as Lambda and the template set it.

use url::Url;

/// The variable that an error names, and what is wrong with it.
#[derive(Debug, thiserror::Error)]
pub enum EnvError {
    /// Not set.
    #[error("{0} is not set: Lambda and the template set it on every function that needs it")]
    Missing(String),
    /// Set to something that can't be used.
    #[error("{name} is not a valid {what}")]
    Invalid {
        /// The variable.
        name: String,
        /// What it should be.
        what: &'static str,
    },
}

/// The stage that the function runs in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stage(String);

impl Stage {
    /// A stage by its name: lower-case letters, digits and `-`.
    ///
    /// # Errors
    /// When the name holds anything else.
    pub fn new(name: &str) -> Result<Self, EnvError> {
        let valid = !name.is_empty()
            && name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-');
        valid.then(|| Self(name.to_owned())).ok_or_else(|| EnvError::Invalid {
            name: "HASHCART_STAGE".to_owned(),
            what: "stage (lower-case letters, digits and `-`)",
        })
    }

    /// The stage's name.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether this is the stack on one machine: the only stage with plain http, plain cookies and
    /// requests to its own port.
    pub fn is_local(&self) -> bool {
        self.0 == "local"
    }
}

/// What the template tells a function through its environment variables.
pub struct Environment {
    stage: Stage,
    read: Box<Read>,
}

/// Gives a variable by its name.
type Read = dyn Fn(&str) -> Option<String> + Send + Sync;

impl Environment {
    /// Reads the process's own environment.
    ///
    /// # Errors
    /// When `HASHCART_STAGE` is missing or no stage.
    pub fn from_process() -> Result<Self, EnvError> {
        Self::from_fn(|name| std::env::var(name).ok())
    }

    /// Reads variables from anywhere.
    ///
    /// # Errors
    /// When `HASHCART_STAGE` is missing or no stage.
    pub fn from_fn(read: impl Fn(&str) -> Option<String> + Send + Sync + 'static) -> Result<Self, EnvError> {
        let name = "HASHCART_STAGE";
        let stage = Stage::new(&read(name).ok_or_else(|| EnvError::Missing(name.to_owned()))?)?;
        Ok(Self { stage, read: Box::new(read) })
    }

    /// The stage.
    pub fn stage(&self) -> &Stage {
        &self.stage
    }

    /// Any variable.
    pub fn var(&self, name: &str) -> Option<String> {
        (self.read)(name).filter(|value| !value.is_empty())
    }

    /// A variable that must be set.
    ///
    /// # Errors
    /// When it is missing or empty.
    pub fn required(&self, name: &str) -> Result<String, EnvError> {
        self.var(name).ok_or_else(|| EnvError::Missing(name.to_owned()))
    }

    /// The name of a table: `links`, `carts`, `catalog`, `deliveries`, `settings`, `ledger`.
    ///
    /// # Errors
    /// When the function isn't given that table (`HASHCART_TABLE_<NAME>`).
    pub fn table(&self, name: &str) -> Result<String, EnvError> {
        self.required(&format!("HASHCART_TABLE_{}", name.to_ascii_uppercase()))
    }

    /// The URL of a queue: `posts`, `commands`, `outcomes`, `feedback`.
    ///
    /// # Errors
    /// When the function isn't given that queue (`HASHCART_QUEUE_<NAME>`).
    pub fn queue(&self, name: &str) -> Result<String, EnvError> {
        self.required(&format!("HASHCART_QUEUE_{}", name.to_ascii_uppercase()))
    }

    /// The URL of a queue's dead-letter queue.
    ///
    /// # Errors
    /// When the function isn't given that queue (`HASHCART_DLQ_<NAME>`).
    pub fn dead_letter_queue(&self, name: &str) -> Result<String, EnvError> {
        self.required(&format!("HASHCART_DLQ_{}", name.to_ascii_uppercase()))
    }

    /// Where shoppers reach us, without a slash at the end: `https://cart.acme.example`.
    ///
    /// # Errors
    /// When it is missing, not an address, or not https in any stage but `local`.
    pub fn public_url(&self) -> Result<Url, EnvError> {
        let name = "HASHCART_PUBLIC_URL";
        let invalid = |what| EnvError::Invalid { name: name.to_owned(), what };
        let url = Url::parse(self.required(name)?.trim_end_matches('/')).map_err(|_| invalid("address"))?;
        match url.scheme() {
            "https" => Ok(url),
            "http" if self.stage.is_local() => Ok(url),
            _ => Err(invalid("https address (only the stage `local` may use plain http)")),
        }
    }

    /// The path under which the stage's secrets are kept, with a slash at the end.
    pub fn secrets_prefix(&self) -> String {
        self.var("HASHCART_SECRETS_PREFIX").unwrap_or_else(|| format!("/hashcart/{}/", self.stage.as_str()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn env(pairs: &'static [(&str, &str)]) -> Result<Environment, EnvError> {
        Environment::from_fn(move |name| {
            pairs.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned())
        })
    }

    #[test]
    fn errors_name_the_variable() {
        let named = |error: EnvError| error.to_string();
        assert!(named(env(&[]).err().unwrap()).contains("HASHCART_STAGE"));
        assert!(env(&[("HASHCART_STAGE", "Prod 1")]).is_err());
        let env = env(&[("HASHCART_STAGE", "dev"), ("HASHCART_TABLE_LINKS", "")]).unwrap();
        assert!(named(env.table("links").unwrap_err()).contains("HASHCART_TABLE_LINKS"));
        assert!(named(env.public_url().unwrap_err()).contains("HASHCART_PUBLIC_URL"));
    }

    #[test]
    fn plain_http_is_for_local_alone() {
        let local = env(&[("HASHCART_STAGE", "local"), ("HASHCART_PUBLIC_URL", "http://localhost:8787/")]);
        assert!(local.unwrap().public_url().is_ok());
        for stage in ["dev", "prod", "local2"] {
            let vars = [
                ("HASHCART_STAGE".to_owned(), stage.to_owned()),
                ("HASHCART_PUBLIC_URL".to_owned(), "http://localhost:8787".to_owned()),
            ];
            let env = Environment::from_fn(move |name| {
                vars.iter().find(|(key, _)| key == name).map(|(_, value)| value.clone())
            });
            assert!(env.unwrap().public_url().is_err(), "{stage}");
        }
    }
}
