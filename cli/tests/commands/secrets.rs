//! `hashcart secrets`.

use std::os::unix::fs::PermissionsExt as _;

use aws_sdk_ssm::types::ParameterType;
use domain::time::Timestamp;
use lambda::aws::Aws;
use lambda::secrets::Secrets;
use serde_json::Value;

use crate::support::{Said, Stage, call_local, checkout};

const CONSUMER_SECRET: &str = "kGfV1dQ9yCx7nZb3mRt5uWs2eHj8pLa4";
const NEWER: &str = "nEwErQ9yCx7nZb3mRt5uWs2eHj8pLa4kG";

/// Calls on a stage, and all that they said.
struct Session {
    stage: Stage,
    said: String,
}

impl Session {
    async fn new() -> Self {
        Self { stage: Stage::empty().await, said: String::new() }
    }

    async fn call(&mut self, args: &[&str], input: &str) -> Said {
        let said = self.stage.call_with(&[&["secrets"], args].concat(), input).await;
        self.said += &format!("{}{}", said.out, said.error);
        said
    }

    async fn listed(&mut self) -> Vec<Value> {
        let said = self.call(&["list", "--json"], "").await.fine();
        serde_json::from_str(&said.out).unwrap()
    }

    /// The values of a secret as a function reads them.
    async fn values(&self, name: &str) -> Vec<String> {
        let aws = Aws::from_config(self.stage.account.sdk_config());
        let secrets = Secrets::new(&aws, "/hashcart/dev/".to_owned());
        let set = secrets.get(Timestamp::from_seconds(1)).await.unwrap();
        set.values(name).iter().map(|value| value.expose().to_owned()).collect()
    }

    /// Every value there is, and every one that was.
    async fn all_values(&self) -> Vec<String> {
        let ssm = Aws::from_config(self.stage.account.sdk_config()).ssm();
        let mut all = Vec::new();
        for name in ["hash-key", "signing-key", "forum/webhook-secret", "x/consumer-secret"] {
            let history = ssm.get_parameter_history().name(format!("/hashcart/dev/{name}"));
            let history = history.with_decryption(true).send().await.unwrap();
            let versions = history.parameters.unwrap_or_default();
            all.extend(
                versions.into_iter().flat_map(|version| {
                    version.value.unwrap().lines().map(str::to_owned).collect::<Vec<_>>()
                }),
            );
        }
        all
    }
}

fn entry<'l>(listed: &'l [Value], name: &str) -> &'l Value {
    listed.iter().find(|entry| entry["name"] == name).unwrap()
}

#[tokio::test]
async fn from_nothing_to_a_rotation() {
    let mut session = Session::new().await;
    let listed = session.call(&["list"], "").await.fine().out;
    assert!(listed.contains("hashcart secrets init --stage dev` makes up 3"), "{listed}");
    assert!(listed.contains("x/access-token"), "{listed}");

    let dry = session.call(&["init", "--dry-run"], "").await.fine().out;
    assert!(dry.contains("forum/webhook-secret: would be made up"), "{dry}");
    assert_eq!(entry(&session.listed().await, "hash-key")["values"], 0);
    let made = session.call(&["init"], "").await.fine().out;
    assert!(
        made.contains("--name /hashcart/dev/forum/webhook-secret") && made.contains("Keep a copy"),
        "{made}"
    );
    let again = session.call(&["init"], "").await.fine().out;
    assert!(again.contains("Every secret that is ours"), "{again}");
    let webhook = networks::Secret::new(&session.values("forum/webhook-secret").await[0]);
    assert!(networks::standard_webhooks::key(&webhook).is_some());

    session.call(&["set", "x/consumer-secret"], &format!("{CONSUMER_SECRET}\n")).await.fine();
    assert_eq!(session.values("x/consumer-secret").await, [CONSUMER_SECRET]);
    let listed = session.listed().await;
    let set = entry(&listed, "x/consumer-secret");
    assert_eq!((&set["values"], &set["known"]), (&Value::from(1), &Value::from(true)));
    assert!(set["changed"].as_str().unwrap().ends_with('Z'));
    assert_eq!(entry(&listed, "x/bearer-token").get("needed_for"), None);

    let rotated = session.call(&["rotate", "x/consumer-secret"], NEWER).await.fine().out;
    assert!(
        rotated.contains("2 values") && rotated.contains("prune x/consumer-secret --stage dev"),
        "{rotated}"
    );
    assert_eq!(session.values("x/consumer-secret").await, [NEWER, CONSUMER_SECRET]);
    session.call(&["prune", "x/consumer-secret", "--yes"], "").await.refused("less than 2 minutes ago");
    session.call(&["prune", "x/consumer-secret", "--now"], "").await.refused("nobody is there to ask");
    let dry = session.call(&["prune", "x/consumer-secret", "--dry-run"], "").await.fine().out;
    assert!(dry.contains("the old value of x/consumer-secret would be dropped"), "{dry}");
    session.call(&["prune", "x/consumer-secret", "--now", "--yes"], "").await.fine();
    assert_eq!(session.values("x/consumer-secret").await, [NEWER]);
    session.call(&["prune", "x/consumer-secret", "--yes"], "").await.fine();

    session.call(&["rotate", "signing-key"], "").await.fine();
    session.call(&["rotate", "forum/webhook-secret"], "").await.fine();
    session.call(&["rotate", "hash-key"], "").await.refused("nobody would be found again");
    assert_eq!((session.values("signing-key").await.len(), session.values("hash-key").await.len()), (2, 1));

    let all = session.all_values().await;
    assert!(all.len() > 6, "{}", all.len());
    for value in all {
        assert!(!session.said.contains(&value), "a value was shown");
    }
}

#[tokio::test]
async fn what_can_not_be_a_secret_is_refused_and_not_shown() {
    let mut session = Session::new().await;
    session
        .call(&["set", "x/consumer-secrets"], CONSUMER_SECRET)
        .await
        .refused("did you mean `x/consumer-secret`?");
    session.call(&["set", "x/consumer-secret", CONSUMER_SECRET], "").await.refused("unexpected argument");
    // What clap says of an argument that it doesn't know repeats it: that one was in the shell's history.
    session.said.clear();
    let two_lines = format!("{CONSUMER_SECRET}\n{NEWER}\n");
    session.call(&["set", "x/consumer-secret"], &two_lines).await.refused("more than one line");
    session.call(&["set", "x/consumer-secret"], "").await.refused("is empty");
    session.call(&["set", "x/consumer-secret"], "kGfV1dQ9yCx").await.refused("cut off");
    session.call(&["set", "forum/webhook-secret"], CONSUMER_SECRET).await.refused("whsec_");
    session.call(&["rotate", "x/consumer-secret"], NEWER).await.refused("isn't set yet");
    session.call(&["prune", "x/consumer-secret"], "").await.refused("isn't set");
    let token = format!("99-{CONSUMER_SECRET}");
    let warned = session.call(&["set", "x/access-token"], &token).await.fine();
    assert!(warned.error.contains("begin with the bot's id 2244994945"), "{}", warned.error);

    session.call(&["set", "x/consumer-secret"], CONSUMER_SECRET).await.fine();
    session.call(&["set", "x/consumer-secret"], NEWER).await.refused("set already");
    session.call(&["rotate", "x/consumer-secret"], CONSUMER_SECRET).await.refused("has this value already");
    session.call(&["set", "x/consumer-secret", "--replace"], NEWER).await.fine();
    assert_eq!(session.values("x/consumer-secret").await, [NEWER]);
    session.call(&["init"], "").await.fine();
    session.call(&["set", "hash-key", "--replace"], CONSUMER_SECRET).await.refused("can't be exchanged");
    for shown in [CONSUMER_SECRET, NEWER, "kGfV1dQ9yCx", &token] {
        assert!(!session.said.contains(shown), "{}", session.said);
    }
}

#[tokio::test]
async fn what_no_network_of_the_storefront_needs_is_listed_as_such() {
    let mut session = Session::new().await;
    let ssm = Aws::from_config(session.stage.account.sdk_config()).ssm();
    let put = ssm.put_parameter().name("/hashcart/dev/old/webhook-secret").value("whsec_old");
    put.r#type(ParameterType::SecureString).send().await.unwrap();
    let listed = session.listed().await;
    assert_eq!(entry(&listed, "old/webhook-secret")["known"], false);
    assert!(!session.said.contains("whsec_old"));
}

#[tokio::test]
async fn a_key_of_the_merchants_own_stays() {
    let mut session = Session::new().await;
    session.call(&["init", "--key-id", "alias/hashcart"], "").await.fine();
    session.call(&["rotate", "signing-key"], "").await.fine();
    let ssm = Aws::from_config(session.stage.account.sdk_config()).ssm();
    let found = ssm.describe_parameters().send().await.unwrap().parameters.unwrap();
    let keys: Vec<Option<&str>> = found.iter().map(|parameter| parameter.key_id()).collect();
    assert_eq!(keys, [Some("alias/hashcart"); 3]);
}

#[tokio::test]
async fn the_local_stacks_stand_beside_its_data() {
    let checkout = checkout();
    let call = async |args: &[&str], input: &str| call_local(checkout.path(), args, input).await;
    let made = call(&["secrets", "init"], "").await.fine().out;
    assert!(made.contains("HASH_KEY in") && made.contains("secrets.env"), "{made}");
    call(&["secrets", "rotate", "signing-key"], "").await.fine();
    call(&["secrets", "set", "x/access-token"], CONSUMER_SECRET).await.fine();
    let file = checkout.path().join(".hashcart/local/secrets.env");
    let kept = std::fs::read_to_string(&file).unwrap();
    assert_eq!(std::fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
    assert!(kept.contains(&format!("X_ACCESS_TOKEN={CONSUMER_SECRET}\n")), "{kept}");
    let signing = kept.lines().find(|line| line.starts_with("SIGNING_KEY=")).unwrap();
    assert_eq!(signing.matches(',').count(), 1);

    std::fs::write(checkout.path().join(".env"), format!("X_CONSUMER_KEY={NEWER}\n")).unwrap();
    call(&["secrets", "rotate", "x/consumer-key"], CONSUMER_SECRET)
        .await
        .refused(".env gives X_CONSUMER_KEY");
    let listed = call(&["secrets", "list"], "").await.fine().out;
    let line = listed.lines().find(|line| line.starts_with("x/consumer-key")).unwrap();
    assert!(line.contains("set"), "{line}");
    assert!(!listed.contains(NEWER) && !listed.contains(CONSUMER_SECRET));
}
