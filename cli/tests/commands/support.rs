//! A stage `dev` in the emulator behind TLS, and the program that is called on it.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::Arc;
use std::time::Duration;

use aws_sdk_cloudformation::client::Waiters as _;
use aws_sdk_cloudformation::types::Capability;
use base64::Engine as _;
use emulator::Account;
use lambda::aws::Aws;
use serde_json::{Value, json};
use store::settings::Settings;
use tempfile::TempDir;
use tokio::io::AsyncWriteExt as _;
use tokio::net::{TcpListener, TcpStream};
use tokio::process::Command;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};

/// A storefront with a network of each kind, whose addresses nobody answers at.
pub(crate) const STOREFRONT: &str = r#"brand = "Acme"

[[marketplaces]]
id = "us"
cart_tags = ["AcmeCart"]
hosts = ["acme.example"]
currency = "USD"
shop = { platform = "template", checkout_url = "https://acme.example/checkout?items={items}" }

[[networks]]
id = "forum"
kind = "generic"
bot_handle = "acme"
bot_id = "acme"
callback_url = "https://localhost:1/replies"

[[networks]]
id = "x"
kind = "x"
bot_handle = "acme"
bot_id = "2244994945"
api_url = "https://localhost:1/"
"#;

/// What a call printed and how it ended.
#[derive(Debug)]
pub(crate) struct Said {
    pub(crate) out: String,
    pub(crate) error: String,
    pub(crate) success: bool,
}

impl Said {
    /// Stops the test where the call failed.
    #[track_caller]
    pub(crate) fn fine(self) -> Self {
        assert!(self.success, "{}\n{}", self.out, self.error);
        self
    }

    /// Stops the test where the call succeeded or said something else.
    #[track_caller]
    pub(crate) fn refused(self, because: &str) -> Self {
        assert!(!self.success, "{}", self.out);
        assert!(self.error.contains(because), "{}", self.error);
        self
    }
}

/// A stage `dev` and an engineer's machine: an empty home, an AWS configuration, a storefront.
pub(crate) struct Stage {
    pub(crate) account: Account,
    home: TempDir,
    endpoint: String,
}

impl Stage {
    /// An account of its own without any deployment.
    pub(crate) async fn empty() -> Self {
        let account = emulator::shared().await.unwrap().test_account().unwrap();
        let home = tempfile::tempdir().unwrap();
        let (port, certificate) = serve_tls(account.endpoint()).await;
        std::fs::write(home.path().join("ca.pem"), certificate).unwrap();
        std::fs::write(home.path().join("storefront.toml"), STOREFRONT).unwrap();
        let stage = Self { account, home, endpoint: format!("https://localhost:{port}") };
        stage.write_profile();
        stage
    }

    /// With the template's tables and queues.
    pub(crate) async fn deployed() -> Self {
        let stage = Self::empty().await;
        let deployment = emulator::Deployment::new("hashcart-dev").parameter("Stage", "dev");
        deployment.parameter("MailFrom", "cart@acme.example").deploy_data(&stage.account).await.unwrap();
        stage
    }

    /// A profile whose credentials a program prints
    /// (<https://docs.aws.amazon.com/sdkref/latest/guide/feature-process-credentials.html>).
    fn write_profile(&self) {
        let printed =
            format!(r#"{{"Version": 1, "AccessKeyId": "{}", "SecretAccessKey": "test"}}"#, self.account.id());
        let program = self.put("credentials.sh", &format!("echo run >> \"$HOME/runs\"\necho '{printed}'\n"));
        let config = format!(
            "[profile shop]\nregion = us-east-1\ncredential_process = sh {}\n\
             [profile nowhere]\ncredential_process = sh {0}\n\
             [profile assumed]\nregion = us-east-1\nsource_profile = shop\n\
             role_arn = arn:aws:iam::{1}:role/Operator\nrole_session_name = test\n\
             [profile documented]\nregion = us-east-1\nsource_profile = shop\n\
             role_arn = arn:aws:iam::{1}:role/Documented\nrole_session_name = test\n\
             [profile broken]\nregion = us-east-1\ncredential_process = false\n\
             [profile sso]\nregion = us-east-1\nsso_session = acme\nsso_account_id = 111122223333\nsso_role_name = Operator\n\
             [sso-session acme]\nsso_region = us-east-1\nsso_start_url = https://acme.awsapps.com/start\n\
             sso_registration_scopes = sso:account:access\n",
            program.display(),
            self.account.id()
        );
        self.put("aws-config", &config);
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.home.path().join(name)
    }

    pub(crate) fn put(&self, name: &str, text: &str) -> PathBuf {
        let path = self.path(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, text).unwrap();
        path
    }

    /// The stage's settings, past the program.
    pub(crate) fn settings(&self) -> Settings {
        let aws = Aws::from_config(self.account.sdk_config());
        Settings::new(aws.dynamodb(), "hashcart-dev-settings")
    }

    /// Calls `hashcart ARGS --stage dev` with the profile `shop`.
    pub(crate) async fn call(&self, args: &[&str]) -> Said {
        self.call_with(args, "").await
    }

    /// As [`Stage::call`], with `input` on standard input.
    pub(crate) async fn call_with(&self, args: &[&str], input: &str) -> Said {
        self.call_as("shop", args, input).await
    }

    /// As [`Stage::call_with`], with another profile.
    pub(crate) async fn call_as(&self, profile: &str, args: &[&str], input: &str) -> Said {
        let mut command = self.command(args);
        command.args(["--stage", "dev"]).env("AWS_PROFILE", profile);
        run(command, input).await
    }

    /// Makes a role that everybody in the account may assume, with this policy.
    pub(crate) async fn make_role(&self, name: &str, policy: &Value) {
        let root = format!("arn:aws:iam::{}:root", self.account.id());
        let trust = json!([{"Effect": "Allow", "Principal": {"AWS": root}, "Action": "sts:AssumeRole"}]);
        let role = json!({"Type": "AWS::IAM::Role", "Properties": {
            "RoleName": name,
            "AssumeRolePolicyDocument": {"Version": "2012-10-17", "Statement": trust},
            "Policies": [{"PolicyName": "all", "PolicyDocument": policy}],
        }});
        let client = aws_sdk_cloudformation::Client::new(&self.account.sdk_config());
        let create = client.create_stack().stack_name("people").capabilities(Capability::CapabilityNamedIam);
        create.template_body(json!({"Resources": {"Role": role}}).to_string()).send().await.unwrap();
        let created = client.wait_until_stack_create_complete().stack_name("people");
        created.wait(Duration::from_secs(30)).await.unwrap();
    }

    /// The program in this home, with the stage's address and no credentials.
    pub(crate) fn command(&self, args: &[&str]) -> Command {
        let mut command = program(args);
        command
            .current_dir(self.home.path())
            .env("HOME", self.home.path())
            .env("AWS_CONFIG_FILE", self.path("aws-config"))
            .env("AWS_SHARED_CREDENTIALS_FILE", self.path("none"))
            .env("AWS_EC2_METADATA_DISABLED", "true")
            .env("AWS_CA_BUNDLE", self.path("ca.pem"))
            .env("AWS_ENDPOINT_URL", &self.endpoint);
        command
    }
}

/// The program with nothing of our environment but the path.
pub(crate) fn program(args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_hashcart"));
    command.args(args).env_clear().env("PATH", std::env::var_os("PATH").unwrap());
    command
}

/// Runs a command to its end.
pub(crate) async fn run(mut command: Command, input: &str) -> Said {
    let pipes = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = pipes.kill_on_drop(true).spawn().unwrap();
    // Whoever doesn't read its input may end before it is written.
    let _ = child.stdin.take().unwrap().write_all(input.as_bytes()).await;
    let output = child.wait_with_output().await.unwrap();
    Said {
        out: String::from_utf8(output.stdout).unwrap(),
        error: String::from_utf8(output.stderr).unwrap(),
        success: output.status.success(),
    }
}

/// Serves `http://…` over TLS, for only the stage `local` may use plain http; the port, and the certificate
/// as PEM.
async fn serve_tls(http: &str) -> (u16, String) {
    let upstream = http.strip_prefix("http://").unwrap().to_owned();
    let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let certificate: CertificateDer<'static> = made.cert.der().clone();
    let key = PrivateKeyDer::try_from(made.signing_key.serialize_der()).unwrap();
    let provider = Arc::new(tokio_rustls::rustls::crypto::ring::default_provider());
    let config = ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
    let config = config.with_no_client_auth().with_single_cert(vec![certificate.clone()], key).unwrap();
    let (acceptor, listener) =
        (TlsAcceptor::from(Arc::new(config)), TcpListener::bind(("127.0.0.1", 0)).await.unwrap());
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        while let Ok((client, _)) = listener.accept().await {
            let (acceptor, upstream) = (acceptor.clone(), upstream.clone());
            tokio::spawn(async move {
                let (Ok(mut client), Ok(mut server)) =
                    (acceptor.accept(client).await, TcpStream::connect(upstream).await)
                else {
                    return;
                };
                let _ = tokio::io::copy_bidirectional(&mut client, &mut server).await;
            });
        }
    });
    (port, pem(&certificate))
}

fn pem(certificate: &CertificateDer<'_>) -> String {
    let text = base64::engine::general_purpose::STANDARD.encode(certificate);
    let lines: Vec<String> =
        text.as_bytes().chunks(64).map(|line| String::from_utf8(line.to_vec()).unwrap()).collect();
    format!("-----BEGIN CERTIFICATE-----\n{}\n-----END CERTIFICATE-----\n", lines.join("\n"))
}

/// A checkout with nothing in it but what the program knows one by, and its demonstration.
pub(crate) fn checkout() -> TempDir {
    let checkout = tempfile::tempdir().unwrap();
    let put = |name: &str, text: &str| {
        let path = checkout.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    };
    put("Cargo.toml", "");
    put("infra/template.yaml", "");
    put("functions/README", "");
    // Of an X on this machine everything is made up.
    put("demo/storefront.toml", &STOREFRONT.replace("api_url = \"https://localhost:1/\"\n", ""));
    checkout
}

/// The program in a checkout, on the stage `local`.
pub(crate) async fn call_local(checkout: &Path, args: &[&str], input: &str) -> Said {
    let mut command = program(args);
    command.current_dir(checkout).env("HOME", checkout);
    run(command, input).await
}
