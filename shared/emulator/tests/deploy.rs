//! The template on the emulator: deployed as it is, with its policies enforced.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking, its helpers too"
)]

use std::{
    collections::{BTreeMap, BTreeSet},
    error::Error as _,
    fs,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use aws_sdk_dynamodb::{error::DisplayErrorContext, types::AttributeValue};
use emulator::{DeployError, Deployment, Emulator, Logs, Options, Stack, Venv};
use serde_json::{Value, json};

const CHECKOUT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../..");
const FUNCTIONS: [&str; 6] =
    ["webhook-ingest", "classify", "cart-add", "notify", "account-link", "cart-page"];
const SENDER: &str = "cart@acme.example";

/// An emulator with the whole template on it, every function a puppet.
struct House {
    emulator: Emulator,
    stack: Stack,
    http: reqwest::Client,
    logs: Logs,
    directory: tempfile::TempDir,
}

/// A bootstrap that does what its events say; `difference` makes it another binary.
fn puppet(directory: &Path, difference: &str) -> PathBuf {
    let python = Path::new(CHECKOUT).join(".hashcart/emulator/bin/python");
    let script = include_str!("functions/puppet.py");
    let path = directory.join(format!("puppet{difference}"));
    let python = std::path::absolute(python).unwrap();
    fs::write(&path, format!("#!{}\n{script}\n# {difference}\n", python.display())).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
    path
}

fn deployment(binaries: &BTreeMap<&str, PathBuf>) -> Deployment {
    let deployment = Deployment::new("hashcart-local").parameter("MailFrom", SENDER);
    binaries.iter().fold(deployment, |deployment, (name, binary)| deployment.function(*name, binary))
}

impl House {
    async fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let options = Options::new(Venv::of_checkout(Path::new(CHECKOUT)), directory.path().join("data"))
            .enforce_iam()
            .keep_state();
        let emulator = Emulator::start(options).await.unwrap();
        let binary = puppet(directory.path(), "");
        let binaries = FUNCTIONS.into_iter().map(|name| (name, binary.clone())).collect();
        let stack = deployment(&binaries).deploy(&emulator.account()).await.unwrap();
        let logs = Logs::new(&emulator.account(), "local", FUNCTIONS, 0);
        let _ = rustls::crypto::ring::default_provider().install_default();
        let http = reqwest::Client::builder().no_proxy().build().unwrap();
        Self { emulator, stack, http, logs, directory }
    }

    fn output(&self, name: &str) -> &str {
        self.stack.output(name).unwrap()
    }

    /// What the function behind a path says to an order.
    async fn order(&self, path: &str, order: Value) -> Value {
        let url = format!("{}{path}", self.stack.api_url().unwrap());
        let answer = self.http.post(url).json(&order).send().await.unwrap();
        answer.json().await.unwrap()
    }

    async fn enqueue(&self, queue: &str, message: &Value) {
        aws_sdk_sqs::Client::new(&self.emulator.account().sdk_config())
            .send_message()
            .queue_url(self.output(queue))
            .message_body(message.to_string())
            .send()
            .await
            .unwrap();
    }

    /// The first new line of a function that satisfies `wanted`.
    async fn line(&mut self, function: &str, wanted: impl Fn(&Value) -> bool) -> Value {
        for _ in 0..400 {
            for line in self.logs.next().await.unwrap() {
                let Ok(value) = serde_json::from_str::<Value>(&line.text) else {
                    continue;
                };
                if line.function == function && wanted(&value) {
                    return value;
                }
            }
            tokio::time::sleep(Duration::from_millis(25)).await;
        }
        panic!("{function} didn't say what was wanted");
    }
}

fn put_item(table: &str, pk: &str) -> Value {
    json!({"service": "dynamodb", "call": "put_item",
        "args": {"TableName": table, "Item": {"pk": {"S": pk}, "sk": {"S": "TEST"}}}})
}

fn send(queue: &str) -> Value {
    json!({"service": "sqs", "call": "send_message", "args": {"QueueUrl": queue, "MessageBody": "{}"}})
}

/// One test, because a deployed house is dear: it walks through what every later test stands on.
#[tokio::test]
async fn the_template_deploys_and_its_parts_work_together() {
    let mut house = House::new().await;
    routes_reach_their_functions(&house).await;
    what_goes_wrong_is_told_and_shown(&house).await;
    roles_allow_what_is_used_and_nothing_else(&house).await;
    queues_feed_their_functions(&mut house).await;
    a_failing_message_comes_back_alone(&mut house).await;
    bounces_come_back(&mut house).await;
    only_a_changed_function_is_deployed_again(&mut house).await;
    the_house_survives_a_restart(house).await;
}

async fn routes_reach_their_functions(house: &House) {
    for (path, function, seen) in [
        ("/webhooks/generic", "webhook-ingest", "/webhooks/generic"),
        ("/link", "account-link", "/link"),
        ("/link/x/callback", "account-link", "/link/x/callback"),
        ("/cart", "cart-page", "/cart"),
        ("/cart/unsubscribe", "cart-page", "/cart/unsubscribe"),
    ] {
        let said = house.order(path, json!({})).await;
        assert_eq!(said["echo"]["path"], seen, "{path}: {said}");
        assert_eq!(said["env"]["HASHCART_STAGE"], "local");
        let has = |name: &str| said["env"].get(name).is_some();
        assert_eq!(has("HASHCART_QUEUE_POSTS"), function == "webhook-ingest", "{function}");
        assert_eq!(has("HASHCART_TABLE_LEDGER"), function == "cart-page", "{function}");
        assert!(
            has("HASHCART_TABLE_SETTINGS") && has("HASHCART_PUBLIC_URL") && has("HASHCART_SECRETS_PREFIX")
        );
    }
    let url = format!("{}/elsewhere", house.stack.api_url().unwrap());
    assert_eq!(house.http.get(url).send().await.unwrap().status(), 404);
}

/// The alarms' names, as the runbook and the operator know them.
fn alarms() -> BTreeSet<String> {
    let of_queues = ["posts", "commands", "outcomes", "feedback"]
        .into_iter()
        .flat_map(|queue| [format!("{queue}-dead-letters"), format!("{queue}-oldest-message")]);
    let of_functions = FUNCTIONS
        .into_iter()
        .flat_map(|function| [format!("{function}-errors"), format!("{function}-throttles")]);
    let others = [
        "api-errors",
        "mail-bounce-rate",
        "mail-complaint-rate",
        "replies-refused",
        "slow-notices",
        "webhooks-refused",
    ];
    of_queues
        .chain(of_functions)
        .chain(others.map(str::to_owned))
        .map(|name| format!("hashcart-local-{name}"))
        .collect()
}

async fn what_goes_wrong_is_told_and_shown(house: &House) {
    let config = house.emulator.account().sdk_config();
    let topic = house.output("AlarmsTopic");
    let resource = aws_sdk_cloudformation::Client::new(&config)
        .describe_stack_resource()
        .stack_name("hashcart-local")
        .logical_resource_id("AlarmsTopic")
        .send()
        .await
        .unwrap();
    let resource = resource.stack_resource_detail.unwrap();
    assert_eq!(resource.physical_resource_id.as_deref(), Some(topic));

    let account = house.emulator.account();
    let ask = async |target, question: Value| -> Value {
        let answer = emulator::ask_cloudwatch(&account, target, &question.to_string()).await.unwrap();
        serde_json::from_slice(&answer).unwrap()
    };
    let deployed = ask("GraniteServiceVersion20100801.DescribeAlarms", json!({"MaxRecords": 100})).await;
    let deployed = deployed["MetricAlarms"].as_array().unwrap();
    let name = |alarm: &Value| alarm["AlarmName"].as_str().unwrap().to_owned();
    assert_eq!(deployed.iter().map(name).collect::<BTreeSet<_>>(), alarms());

    let named = json!({"DashboardName": "hashcart-local"});
    let dashboard = ask("GraniteServiceVersion20100801.GetDashboard", named).await;
    let body = dashboard["DashboardBody"].as_str().unwrap();
    let widgets: Value = serde_json::from_str(body).unwrap();
    assert!(widgets["widgets"].as_array().unwrap().len() > 10);
    for alarm in deployed {
        assert_eq!(alarm["AlarmActions"], json!([topic]), "{alarm}");
        assert_eq!(alarm["OKActions"], json!([topic]), "{alarm}");
        assert!(alarm["AlarmDescription"].as_str().unwrap().contains("/docs/runbook/"), "{alarm}");
        assert!(body.contains(alarm["AlarmArn"].as_str().unwrap()), "{alarm}");
    }
    assert!(body.contains("hashcart-local-posts-dead") && body.contains(house.output("ApiId")));
}

async fn roles_allow_what_is_used_and_nothing_else(house: &House) {
    let (carts, settings) = (house.output("CartsTable"), house.output("SettingsTable"));
    let denied = json!({"error": "AccessDeniedException"});
    let ok = json!({"ok": "put_item"});
    assert_eq!(house.order("/cart", put_item(carts, "c1")).await, ok);
    assert_eq!(house.order("/cart", put_item(settings, "c1")).await, denied);
    assert_eq!(house.order("/webhooks/x", put_item(carts, "c1")).await, denied);

    let (posts, outcomes) = (house.output("PostsQueue"), house.output("OutcomesQueue"));
    assert_eq!(house.order("/webhooks/x", send(posts)).await, json!({"ok": "send_message"}));
    assert!(house.order("/webhooks/x", send(outcomes)).await["error"].is_string());

    let by_path = |path: &str| json!({"service": "ssm", "call": "get_parameters_by_path", "args": {"Path": path, "WithDecryption": true}});
    let ok = json!({"ok": "get_parameters_by_path"});
    assert_eq!(house.order("/link", by_path("/hashcart/local")).await, ok);
    assert!(house.order("/link", by_path("/hashcart/prod")).await["error"].is_string());
    assert!(house.order("/cart", by_path("/hashcart/local")).await["error"].is_string());
    let by_name = |name: &str| json!({"service": "ssm", "call": "get_parameters", "args": {"Names": [name], "WithDecryption": true}});
    assert_eq!(
        house.order("/cart", by_name("/hashcart/local/signing-key")).await,
        json!({"ok": "get_parameters"})
    );
    assert!(house.order("/cart", by_name("/hashcart/local/x/access-token")).await["error"].is_string());

    let query = |index: Option<&str>| {
        let mut args = json!({"TableName": house.output("CatalogTable"), "KeyConditionExpression": "#u = :u",
            "ExpressionAttributeNames": {"#u": "pk"}, "ExpressionAttributeValues": {":u": {"S": "x"}}});
        if let Some(index) = index {
            args["IndexName"] = index.into();
            args["ExpressionAttributeNames"]["#u"] = index.trim_start_matches("by_").into();
        }
        json!({"service": "dynamodb", "call": "query", "args": args})
    };
    assert_eq!(house.order("/cart", query(None)).await, json!({"ok": "query"}));
    assert_eq!(house.order("/cart", query(Some("by_url"))).await, denied, "only classify looks for links");
    let transaction = json!({"service": "dynamodb", "call": "transact_write_items", "args": {"TransactItems": [
        {"ConditionCheck": {"TableName": house.output("LinksTable"), "Key": {"pk": {"S": "x#1"}, "sk": {"S": "LINK"}},
            "ConditionExpression": "attribute_not_exists(pk)"}},
        {"Put": {"TableName": house.output("LinksTable"), "Item": {"pk": {"S": "x#1"}, "sk": {"S": "PARKED#1"}}}}]}});
    assert_eq!(house.order("/link", transaction).await, json!({"ok": "transact_write_items"}));
}

async fn queues_feed_their_functions(house: &mut House) {
    for (queue, function) in [
        ("PostsQueue", "classify"),
        ("CommandsQueue", "cart-add"),
        ("OutcomesQueue", "notify"),
        ("FeedbackQueue", "notify"),
    ] {
        house.enqueue(queue, &json!({"for": queue})).await;
        house.line(function, |said| said["record"]["for"] == queue).await;
    }
}

async fn a_failing_message_comes_back_alone(house: &mut House) {
    // Back-off needs the consumer's permission to change the visibility of its own queue's messages.
    let unknown = json!({"service": "sqs", "call": "change_message_visibility", "args": {
        "QueueUrl": house.output("CommandsQueue"), "ReceiptHandle": "none", "VisibilityTimeout": 0}});
    house.enqueue("CommandsQueue", &unknown).await;
    let said = house.line("cart-add", |said| said["record"]["call"] == "change_message_visibility").await;
    assert_eq!(said["error"], "ReceiptHandleIsInvalid", "allowed, but no such message");
    house.enqueue("CommandsQueue", &json!({"fail": true})).await;
    house.line("cart-add", |said| said["record"]["fail"] == true).await;
    let client = aws_sdk_sqs::Client::new(&house.emulator.account().sdk_config());
    let hidden = || async {
        let answer = client
            .get_queue_attributes()
            .queue_url(house.stack.output("CommandsQueue").unwrap())
            .attribute_names(aws_sdk_sqs::types::QueueAttributeName::ApproximateNumberOfMessagesNotVisible)
            .send()
            .await
            .unwrap();
        let count = answer.attributes.unwrap_or_default().into_values().next();
        count.and_then(|count| count.parse::<u32>().ok())
    };
    for _ in 0..200 {
        if hidden().await == Some(1) {
            return;
        }
        tokio::time::sleep(Duration::from_millis(25)).await;
    }
    panic!("only the failed message should wait for another try, but {:?} do", hidden().await);
}

async fn bounces_come_back(house: &mut House) {
    let account = house.emulator.account();
    let mail = |source: &str| {
        let raw = "RnJvbTogYUBiLmV4YW1wbGUNClN1YmplY3Q6IGhpDQoNCmJvZHkNCg=="; // a base64 MIME message
        json!({"service": "ses", "call": "send_raw_email", "args": {"Source": source,
            "Destinations": ["bounce@simulator.amazonses.com"], "RawMessage": {"Data": raw},
            "ConfigurationSetName": house.stack.output("MailConfiguration").unwrap()}})
    };
    assert_eq!(
        house.order("/cart", mail(SENDER)).await,
        json!({"error": "MessageRejected"}),
        "not verified yet"
    );
    let topic = house.output("FeedbackTopic").to_owned();
    emulator::verify_sender(&account, SENDER, &topic).await.unwrap();
    assert_eq!(house.order("/cart", mail(SENDER)).await, json!({"ok": "send_raw_email"}));
    assert!(house.order("/cart", mail("other@elsewhere.example")).await["error"].is_string());
    let said = house.line("notify", |said| said["record"]["notificationType"] == "Bounce").await;
    assert_eq!(said["record"]["mail"]["source"], SENDER);
}

/// How many processes of a function have been started so far.
fn starts(house: &House, function: &str) -> usize {
    let log = fs::read_to_string(house.emulator.log()).unwrap();
    log.matches(&format!("environment spawned for hashcart-local-{function} ")).count()
}

async fn only_a_changed_function_is_deployed_again(house: &mut House) {
    let (link_before, cart_before) = (starts(house, "account-link"), starts(house, "cart-page"));
    let same = puppet(house.directory.path(), "");
    let other = puppet(house.directory.path(), "-changed");
    let mut binaries: BTreeMap<&str, PathBuf> =
        FUNCTIONS.into_iter().map(|name| (name, same.clone())).collect();
    let account = house.emulator.account();
    let events = || async {
        let client = aws_sdk_cloudformation::Client::new(&house.emulator.account().sdk_config());
        let answer = client.describe_stack_events().stack_name("hashcart-local").send().await.unwrap();
        answer.stack_events().len()
    };
    let before = events().await;
    let unchanged = deployment(&binaries).deploy(&account).await.unwrap();
    assert_eq!(unchanged, house.stack);
    assert_eq!(events().await, before, "nothing was deployed");
    binaries.insert("cart-page", other);
    deployment(&binaries).deploy(&account).await.unwrap();
    house.order("/link", json!({})).await;
    house.order("/cart", json!({})).await;
    assert_eq!(starts(house, "account-link"), link_before, "the same process still answers");
    assert_eq!(starts(house, "cart-page"), cart_before + 1, "a new process answers");
}

async fn the_house_survives_a_restart(house: House) {
    let House { emulator, stack, directory, http, .. } = house;
    emulator.stop().await.unwrap();
    let options = Options::new(Venv::of_checkout(Path::new(CHECKOUT)), directory.path().join("data"))
        .enforce_iam()
        .keep_state();
    let emulator = Emulator::start(options).await.unwrap();
    let binary = puppet(directory.path(), "");
    let binaries = FUNCTIONS.into_iter().map(|name| (name, binary.clone())).collect();
    let again = deployment(&binaries).deploy(&emulator.account()).await.unwrap();
    assert_eq!(again.output("ApiId").unwrap(), stack.output("ApiId").unwrap());
    let url = format!("{}/cart", again.api_url().unwrap());
    assert_eq!(http.get(url).send().await.unwrap().status(), 200);
    let item = aws_sdk_dynamodb::Client::new(&emulator.account().sdk_config())
        .get_item()
        .table_name(again.output("CartsTable").unwrap())
        .key("pk", AttributeValue::S("c1".to_owned()))
        .key("sk", AttributeValue::S("TEST".to_owned()))
        .send()
        .await
        .unwrap();
    assert!(item.item.is_some(), "the cart is still there");
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_millis();
    let logs = Logs::new(&emulator.account(), "local", FUNCTIONS, i64::try_from(since).unwrap());
    let mut house = House { emulator, stack: again, directory, http, logs };
    queues_feed_their_functions(&mut house).await;
}

/// All that a merchant may add: an own domain and key, somebody to mail, reserved concurrency.
#[tokio::test]
async fn every_optional_part_deploys_and_half_a_domain_is_refused() {
    let account = emulator::shared().await.unwrap().test_account().unwrap();
    let directory = tempfile::tempdir().unwrap();
    let binary = puppet(directory.path(), "");
    let binaries = FUNCTIONS.into_iter().map(|name| (name, binary.clone())).collect();
    let half = deployment(&binaries)
        .parameter("DomainName", "cart.acme.example")
        .parameter("DirectAddress", "closed");
    let error = half.deploy(&account).await.unwrap_err();
    let why = error.source().map(|source| DisplayErrorContext(source).to_string()).unwrap_or_default();
    assert!(why.contains("DomainName needs the CertificateArn"), "{why}");

    let key = format!("arn:aws:kms:us-east-1:{}:key/5349494d-e4fe-4dbd-8e49-61cc86fef68f", account.id());
    let certificate =
        format!("arn:aws:acm:us-east-1:{}:certificate/12345678-1234-1234-1234-123456789012", account.id());
    let stack = half
        .parameter("CertificateArn", certificate)
        .parameter("KmsKeyArn", &key)
        .parameter("AlarmEmail", "operator@acme.example")
        .parameter("WebhookIngestReservedConcurrency", "10")
        .parameter("NotifyReservedConcurrency", "10")
        .deploy(&account)
        .await
        .unwrap();
    assert_eq!(stack.output("PublicUrl").unwrap(), "https://cart.acme.example");
    assert!(stack.output("DomainTarget").unwrap().contains("execute-api"));
    let attribute = aws_sdk_sqs::types::QueueAttributeName::KmsMasterKeyId;
    let queue = aws_sdk_sqs::Client::new(&account.sdk_config())
        .get_queue_attributes()
        .queue_url(stack.output("PostsDeadLetters").unwrap())
        .attribute_names(attribute.clone())
        .send()
        .await
        .unwrap();
    assert_eq!(queue.attributes.unwrap_or_default().get(&attribute), Some(&key));
}

#[tokio::test]
async fn the_data_part_deploys_into_an_account_of_its_own() {
    let account = emulator::shared().await.unwrap().test_account().unwrap();
    let stack = Deployment::new("test").parameter("MailFrom", SENDER).deploy_data(&account).await.unwrap();
    assert_eq!(stack.output("CartsTable").unwrap(), "hashcart-local-carts");
    assert!(stack.output("PostsQueue").unwrap().contains(account.id()));
    assert!(matches!(stack.api_url(), Err(DeployError::NoOutput { output, .. }) if output == "ApiId"));
    let tables = aws_sdk_dynamodb::Client::new(&account.sdk_config()).list_tables().send().await.unwrap();
    assert_eq!(tables.table_names().len(), 6);
}

#[tokio::test]
async fn a_failed_deployment_names_the_resource_and_the_reason_and_can_be_repaired() {
    let account = emulator::shared().await.unwrap().test_account().unwrap();
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("template.yaml");
    let template = |count: &str| {
        format!(
            "Parameters: {{Stage: {{Type: String}}, Architecture: {{Type: String}}, DeletionProtection: {{Type: String}}}}\n\
             Resources:\n  Good: {{Type: AWS::SQS::Queue}}\n  Bad:\n    Type: AWS::SQS::Queue\n    Properties:\n      \
             RedrivePolicy: {{deadLetterTargetArn: !GetAtt Good.Arn, maxReceiveCount: {count}}}\n"
        )
    };
    let deployment = Deployment::new("broken").template(&path);
    fs::write(&path, template("0")).unwrap();
    let error = deployment.deploy(&account).await.unwrap_err();
    let DeployError::Failed { failures, .. } = &error else {
        panic!("{error}");
    };
    assert_eq!(failures[0].resource, "Bad");
    assert_eq!(failures[0].kind, "AWS::SQS::Queue");
    assert!(error.to_string().contains("maxReceiveCount"), "{error}");

    fs::write(&path, template("5")).unwrap();
    deployment.deploy(&account).await.unwrap();
}

#[tokio::test]
async fn a_function_that_was_not_built_is_named_before_anything_is_deployed() {
    let account = emulator::shared().await.unwrap().test_account().unwrap();
    let deployment = Deployment::new("bare").parameter("MailFrom", SENDER);
    let error = deployment.deploy(&account).await.unwrap_err();
    assert!(matches!(error, DeployError::Template(_)), "{error}");
    let missing = deployment.function("cart-add", "/nonexistent/cart-add");
    let error = missing.deploy(&account).await.unwrap_err();
    assert!(matches!(error, DeployError::Package { ref function, .. } if function == "cart-add"), "{error}");
}
