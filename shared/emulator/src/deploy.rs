//! Deploying a template to the emulator, the way `sam deploy` sends it to AWS.

use std::{
    collections::BTreeMap,
    fmt,
    path::{Path, PathBuf},
    time::{Duration, Instant, SystemTime},
};

use aws_sdk_cloudformation::{
    Client,
    error::{ProvideErrorMetadata, SdkError},
    types::{Capability, Parameter, ResourceStatus, Stack as Described, StackEvent, StackStatus},
};
use aws_smithy_types::DateTime;

use crate::{
    Account,
    http::{Bucket, RequestError},
    package::{Package, PackageError, sha256_hex},
    template::{self, TemplateError},
};

/// How long a deployment may take; one takes seconds.
const PATIENCE: Duration = Duration::from_secs(180);
/// How often a deployment is looked at.
const POLL: Duration = Duration::from_millis(50);
/// Where the checkout's template is, from this crate.
const TEMPLATE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../infra/template.yaml");

/// Why a deployment failed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DeployError {
    /// The template can't be read from disk.
    #[error("the template {} can't be read", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// The template can't be prepared.
    #[error(transparent)]
    Template(#[from] TemplateError),
    /// A function can't be packed.
    #[error("the function {function} can't be packed from {}", binary.display())]
    Package {
        /// The function's name.
        function: String,
        /// Its binary.
        binary: PathBuf,
        /// Why.
        #[source]
        source: PackageError,
    },
    /// A package can't be uploaded.
    #[error(transparent)]
    Upload(#[from] RequestError),
    /// The emulator refused a request.
    #[error("the emulator's CloudFormation refused to {doing} the stack {stack}")]
    Refused {
        /// What was asked for.
        doing: &'static str,
        /// The stack.
        stack: String,
        /// Why.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// The stack was deleted while it was being deployed.
    #[error("the stack {stack} has vanished while it was being deployed")]
    Vanished {
        /// The stack.
        stack: String,
    },
    /// The deployment went wrong and was rolled back.
    #[error("the stack {stack} ended as {status}:{}", Failures(failures))]
    Failed {
        /// The stack.
        stack: String,
        /// Its final status.
        status: String,
        /// What went wrong, the first failure first.
        failures: Vec<Failure>,
    },
    /// The deployment took too long.
    #[error("the stack {stack} is still {status} after {} s", PATIENCE.as_secs())]
    Unfinished {
        /// The stack.
        stack: String,
        /// Its status at the end.
        status: String,
    },
    /// The stack lacks an output.
    #[error("the stack {stack} has no output {output}")]
    NoOutput {
        /// The stack.
        stack: String,
        /// The output's name.
        output: String,
    },
}

/// A resource that couldn't be created, changed or removed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// Its name in the template.
    pub resource: String,
    /// Its type, such as `AWS::SQS::Queue`.
    pub kind: String,
    /// What was tried, such as `CREATE_FAILED`.
    pub status: String,
    /// Why it failed.
    pub reason: String,
}

/// Failures as lines of a message.
struct Failures<'a>(&'a [Failure]);

impl fmt::Display for Failures<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for Failure { resource, kind, status, reason } in self.0 {
            write!(f, "\n  {resource} ({kind}) {status}: {reason}")?;
        }
        Ok(())
    }
}

/// What is to be deployed under which name.
#[derive(Debug, Clone)]
pub struct Deployment {
    stack: String,
    template: Option<PathBuf>,
    functions: BTreeMap<String, PathBuf>,
    parameters: BTreeMap<String, String>,
}

impl Deployment {
    /// The checkout's `infra/template.yaml` as a stack of this name, with the parameters that every
    /// deployment to the emulator needs: the stage `local`, this machine's processor, and tables that may
    /// be deleted.
    pub fn new(stack: impl Into<String>) -> Self {
        let deployment = Self {
            stack: stack.into(),
            template: None,
            functions: BTreeMap::new(),
            parameters: BTreeMap::new(),
        };
        deployment
            .parameter("Stage", "local")
            .parameter("Architecture", host_architecture())
            .parameter("DeletionProtection", "false")
    }

    /// Deploys this file instead.
    #[must_use]
    pub fn template(mut self, path: impl Into<PathBuf>) -> Self {
        self.template = Some(path.into());
        self
    }

    /// Sets a parameter of the template, such as `PublicUrl` or `MailFrom`.
    #[must_use]
    pub fn parameter(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.parameters.insert(name.into(), value.into());
        self
    }

    /// Gives a function, by the name of its directory under `functions/`, its binary, built for this
    /// machine.
    #[must_use]
    pub fn function(mut self, name: impl Into<String>, binary: impl Into<PathBuf>) -> Self {
        self.functions.insert(name.into(), binary.into());
        self
    }

    /// Deploys all of it: creates the stack, or changes it where it differs. A stack that is as it should
    /// be, code included, is left alone and nothing is uploaded.
    ///
    /// The account must be [`Emulator::account`](crate::Emulator::account) if the HTTP API is to be called.
    ///
    /// # Errors
    /// When the template or a binary can't be read, they don't fit each other, or CloudFormation fails.
    pub async fn deploy(&self, account: &Account) -> Result<Stack, DeployError> {
        let bucket = bucket_of(account);
        let template = template::with_code(&self.read()?, &self.addresses(&bucket)?)?;
        let mark = self.mark(&template);
        if let Some(stack) = self.unchanged(account, &mark).await? {
            return Ok(stack);
        }
        let template = template::with_mark(template, &mark);
        let bucket = Bucket::open(account, bucket).await?;
        self.upload(&bucket).await?;
        self.put(account, &bucket, template).await
    }

    /// Deploys the tables and queues only: what a test of an adapter needs, in milliseconds and in an
    /// account of its own.
    ///
    /// # Errors
    /// When the template can't be read or CloudFormation fails.
    pub async fn deploy_data(&self, account: &Account) -> Result<Stack, DeployError> {
        let text = template::only_data(&self.read()?)?;
        let bucket = Bucket::open(account, bucket_of(account)).await?;
        self.put(account, &bucket, text).await
    }

    fn read(&self) -> Result<String, DeployError> {
        let path = self.template.clone().unwrap_or_else(|| TEMPLATE.into());
        std::fs::read_to_string(&path).map_err(|source| DeployError::Read { path, source })
    }

    /// The `s3://` address that each function's package has in `bucket`.
    fn addresses(&self, bucket: &str) -> Result<BTreeMap<String, String>, DeployError> {
        let address = |(function, binary): (&String, &PathBuf)| {
            let name = Package::name_of(binary).map_err(unpackable(function, binary))?;
            Ok((function.clone(), format!("s3://{bucket}/{function}/{name}")))
        };
        self.functions.iter().map(address).collect()
    }

    /// Packs and uploads each function.
    async fn upload(&self, bucket: &Bucket) -> Result<(), DeployError> {
        for (function, binary) in &self.functions {
            let package = Package::of(binary).map_err(unpackable(function, binary))?;
            bucket.put(&format!("{function}/{}", package.name), package.bytes).await?;
        }
        Ok(())
    }

    /// What tells this deployment from every other one: its template, code and parameters.
    fn mark(&self, template: &str) -> String {
        sha256_hex(format!("{template}\n{:?}", self.parameters).as_bytes())
    }

    /// The stack, if it was completely deployed as `mark` says.
    async fn unchanged(&self, account: &Account, mark: &str) -> Result<Option<Stack>, DeployError> {
        let stacks = Stacks { client: Client::new(&account.sdk_config()), stack: &self.stack };
        match stacks.describe().await? {
            Some(found) if is_complete(&found) => {
                let is_same = stacks.template().await?.is_some_and(|template| template.contains(mark));
                Ok(is_same.then(|| self.stack(account, &found)))
            }
            _ => Ok(None),
        }
    }

    /// Creates or updates the stack and waits for the end of that.
    ///
    /// The template goes through the object store: a request may only carry 51,200 bytes of it.
    async fn put(&self, account: &Account, bucket: &Bucket, template: String) -> Result<Stack, DeployError> {
        let key = format!("templates/{}.yaml", sha256_hex(template.as_bytes()));
        bucket.put(&key, template.into_bytes()).await?;
        let url = bucket.address_of(&key);
        let stacks = Stacks { client: Client::new(&account.sdk_config()), stack: &self.stack };
        let started = SystemTime::now();
        let described = match stacks.describe().await? {
            None => stacks.create(url, self.parameters()).await?,
            Some(found) if is_beyond_repair(&found) => {
                stacks.delete().await?;
                stacks.create(url, self.parameters()).await?
            }
            Some(found) => {
                // An earlier run may have been interrupted in the middle of a deployment.
                stacks.settled(found).await?;
                stacks.update(url, self.parameters()).await?
            }
        };
        let settled = stacks.settled(described).await?;
        if !is_complete(&settled) {
            return Err(stacks.failed(&settled, started).await);
        }
        Ok(self.stack(account, &settled))
    }

    fn stack(&self, account: &Account, described: &Described) -> Stack {
        Stack {
            name: self.stack.clone(),
            endpoint: account.endpoint().to_owned(),
            outputs: outputs_of(described),
        }
    }

    fn parameters(&self) -> Vec<Parameter> {
        let parameter = |(name, value): (&String, &String)| {
            Parameter::builder().parameter_key(name).parameter_value(value).build()
        };
        self.parameters.iter().map(parameter).collect()
    }
}

/// This machine's processor, as Lambda calls it.
fn host_architecture() -> &'static str {
    if cfg!(target_arch = "aarch64") { "arm64" } else { "x86_64" }
}

/// Where the account's packages and templates lie.
fn bucket_of(account: &Account) -> String {
    format!("hashcart-packages-{}", account.id())
}

fn unpackable(function: &str, binary: &Path) -> impl FnOnce(PackageError) -> DeployError {
    let (function, binary) = (function.to_owned(), binary.to_owned());
    move |source| DeployError::Package { function, binary, source }
}

fn is_complete(stack: &Described) -> bool {
    matches!(stack.stack_status(), Some(StackStatus::CreateComplete | StackStatus::UpdateComplete))
}

/// A stack whose creation failed can only be deleted.
fn is_beyond_repair(stack: &Described) -> bool {
    use StackStatus::{CreateFailed, DeleteFailed, RollbackComplete, RollbackFailed};
    matches!(stack.stack_status(), Some(CreateFailed | DeleteFailed | RollbackComplete | RollbackFailed))
}

fn outputs_of(stack: &Described) -> BTreeMap<String, String> {
    stack
        .outputs()
        .iter()
        .filter_map(|output| Some((output.output_key()?.to_owned(), output.output_value()?.to_owned())))
        .collect()
}

/// A deployed stack.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stack {
    name: String,
    endpoint: String,
    outputs: BTreeMap<String, String>,
}

impl Stack {
    /// An output of the template, such as `CartsTable` or `PostsQueue`.
    ///
    /// # Errors
    /// When there is no such output.
    pub fn output(&self, name: &str) -> Result<&str, DeployError> {
        self.outputs
            .get(name)
            .map(String::as_str)
            .ok_or_else(|| DeployError::NoOutput { stack: self.name.clone(), output: name.to_owned() })
    }

    /// All outputs.
    pub fn outputs(&self) -> &BTreeMap<String, String> {
        &self.outputs
    }

    /// Where the HTTP API answers on this machine, without a trailing slash. The stack's own `ApiUrl`
    /// names a host that resolves nowhere, and a port that may have changed since it was deployed.
    ///
    /// # Errors
    /// When the stack has no HTTP API.
    pub fn api_url(&self) -> Result<String, DeployError> {
        let api = self.output("ApiId")?;
        Ok(format!("{}/_aws/execute-api/{api}/$default", self.endpoint))
    }
}

/// CloudFormation's requests about one stack.
struct Stacks<'a> {
    client: Client,
    stack: &'a str,
}

impl Stacks<'_> {
    /// The stack as it is now, or `None` if there is none.
    async fn describe(&self) -> Result<Option<Described>, DeployError> {
        match self.client.describe_stacks().stack_name(self.stack).send().await {
            Ok(answer) => Ok(answer.stacks().first().cloned()),
            Err(error) if says(&error, "does not exist") => Ok(None),
            Err(error) => Err(self.refused("describe", error)),
        }
    }

    /// The template that the stack was deployed from.
    async fn template(&self) -> Result<Option<String>, DeployError> {
        let answer = self.client.get_template().stack_name(self.stack).send().await;
        Ok(answer.map_err(|error| self.refused("read the template of", error))?.template_body)
    }

    async fn present(&self) -> Result<Described, DeployError> {
        self.describe().await?.ok_or_else(|| DeployError::Vanished { stack: self.stack.to_owned() })
    }

    async fn create(&self, url: String, parameters: Vec<Parameter>) -> Result<Described, DeployError> {
        self.client
            .create_stack()
            .stack_name(self.stack)
            .template_url(url)
            .set_parameters(Some(parameters))
            .set_capabilities(Some(capabilities()))
            .send()
            .await
            .map_err(|error| self.refused("create", error))?;
        self.present().await
    }

    async fn update(&self, url: String, parameters: Vec<Parameter>) -> Result<Described, DeployError> {
        let answer = self
            .client
            .update_stack()
            .stack_name(self.stack)
            .template_url(url)
            .set_parameters(Some(parameters))
            .set_capabilities(Some(capabilities()))
            .send()
            .await;
        match answer {
            Err(error) if says(&error, "No updates are to be performed") => {}
            Err(error) => return Err(self.refused("update", error)),
            Ok(_) => {}
        }
        self.present().await
    }

    async fn delete(&self) -> Result<(), DeployError> {
        self.client
            .delete_stack()
            .stack_name(self.stack)
            .send()
            .await
            .map_err(|error| self.refused("delete", error))?;
        let deadline = Instant::now() + PATIENCE;
        while let Some(stack) = self.describe().await? {
            match stack.stack_status() {
                Some(StackStatus::DeleteComplete) => break,
                status if Instant::now() > deadline => return Err(self.unfinished(status)),
                _ => tokio::time::sleep(POLL).await,
            }
        }
        Ok(())
    }

    /// Waits until nothing is in progress any more.
    async fn settled(&self, mut stack: Described) -> Result<Described, DeployError> {
        let deadline = Instant::now() + PATIENCE;
        while stack.stack_status().is_some_and(|status| status.as_str().ends_with("_IN_PROGRESS")) {
            if Instant::now() > deadline {
                return Err(self.unfinished(stack.stack_status()));
            }
            tokio::time::sleep(POLL).await;
            stack = self.present().await?;
        }
        Ok(stack)
    }

    /// What went wrong since `started`, from the stack's events.
    async fn failed(&self, stack: &Described, started: SystemTime) -> DeployError {
        let answer = match self.client.describe_stack_events().stack_name(self.stack).send().await {
            Ok(answer) => answer,
            Err(error) => return self.refused("read the events of", error),
        };
        // Events come newest first; seconds are all that some clocks tell.
        let earliest = DateTime::from(started).secs();
        let failures = answer
            .stack_events()
            .iter()
            .rev()
            .filter(|event| event.timestamp().is_none_or(|at| at.secs() >= earliest))
            .filter_map(failure_of)
            .collect();
        DeployError::Failed {
            stack: self.stack.to_owned(),
            status: status_text(stack.stack_status()),
            failures,
        }
    }

    fn unfinished(&self, status: Option<&StackStatus>) -> DeployError {
        DeployError::Unfinished { stack: self.stack.to_owned(), status: status_text(status) }
    }

    fn refused<E>(&self, doing: &'static str, error: SdkError<E>) -> DeployError
    where
        E: std::error::Error + Send + Sync + 'static,
    {
        DeployError::Refused { doing, stack: self.stack.to_owned(), source: Box::new(error) }
    }
}

fn capabilities() -> Vec<Capability> {
    vec![Capability::CapabilityIam, Capability::CapabilityNamedIam, Capability::CapabilityAutoExpand]
}

fn says<E: ProvideErrorMetadata>(error: &SdkError<E>, words: &str) -> bool {
    error
        .as_service_error()
        .and_then(ProvideErrorMetadata::message)
        .is_some_and(|message| message.contains(words))
}

fn status_text(status: Option<&StackStatus>) -> String {
    status.map_or("UNKNOWN", StackStatus::as_str).to_owned()
}

fn failure_of(event: &StackEvent) -> Option<Failure> {
    let status = event.resource_status().map(ResourceStatus::as_str)?;
    let reason = event.resource_status_reason().unwrap_or_default();
    // Resources that were given up because of another's failure say nothing new.
    if !status.ends_with("_FAILED") || reason.contains("cancelled") {
        return None;
    }
    Some(Failure {
        resource: event.logical_resource_id().unwrap_or_default().to_owned(),
        kind: event.resource_type().unwrap_or_default().to_owned(),
        status: status.to_owned(),
        reason: reason.to_owned(),
    })
}
