//! The same run over the emulator: every request of a world goes to MiniStack too, each answer is held
//! against the model's, the functions get the emulator's, and the tables are compared at the end. Time
//! is the schedule's all the while, so the queues are the model's.

use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Mutex, PoisonError};

use anyhow::{Context as _, ensure};
use aws_sdk_dynamodb::types::{
    AttributeDefinition, BillingMode, GlobalSecondaryIndex, KeySchemaElement, KeyType, Projection,
    ProjectionType, ScalarAttributeType,
};
use emulator::{Account, Emulator, Options, Venv};
use serde_json::{Value as Json, json};

use super::dice::Dice;
use super::expression::item_json;
use super::ground::Beside;
use super::laws;
use super::plan::Schedule;
use super::run::POSTS;
use super::shop::{SECRETS, SENDER, TABLES};
use super::world;

/// A request on its way to the emulator's thread.
struct Errand {
    service: String,
    target: String,
    body: Vec<u8>,
    answer: Sender<(u16, Vec<u8>)>,
}

/// An account of the emulator. Whoever asks waits with the whole of their thread, so that no time passes
/// in the run.
struct Bridge(Mutex<Sender<Errand>>);

impl Beside for Bridge {
    fn exchange(&self, service: &str, target: &str, body: &[u8]) -> (u16, Vec<u8>) {
        let (answer, answered) = channel();
        let errand =
            Errand { service: service.to_owned(), target: target.to_owned(), body: body.to_vec(), answer };
        let sent = self.0.lock().unwrap_or_else(PoisonError::into_inner).send(errand);
        sent.unwrap_or_else(|_| panic!("the emulator's thread ended"));
        answered.recv().unwrap_or_else(|_| panic!("the emulator gave no answer"))
    }
}

/// Takes the errands to the emulator, one after the other.
fn serve(errands: &Receiver<Errand>, account: &Account) -> anyhow::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let client = reqwest::Client::builder().no_proxy().build()?;
    while let Ok(errand) = errands.recv() {
        let content_type = match errand.service.as_str() {
            "dynamodb" => "application/x-amz-json-1.0",
            "ssm" => "application/x-amz-json-1.1",
            _ => "application/x-www-form-urlencoded",
        };
        let scope = format!("{}/20261122/us-east-1/{}/aws4_request", account.id(), errand.service);
        let request = client
            .post(account.endpoint())
            .header("content-type", content_type)
            .header("x-amz-target", &errand.target)
            .header(
                "authorization",
                format!("AWS4-HMAC-SHA256 Credential={scope}, SignedHeaders=host, Signature=0"),
            )
            .body(errand.body);
        let answer = runtime.block_on(async {
            let response = request.send().await?;
            let status = response.status().as_u16();
            anyhow::Ok((status, response.bytes().await?.to_vec()))
        })?;
        // Who asked may have died of something else meanwhile.
        let _ = errand.answer.send(answer);
    }
    Ok(())
}

/// Makes the tables, secrets and the sender in an account.
async fn set_up(account: &Account) -> anyhow::Result<()> {
    let config = account.sdk_config();
    let dynamodb = aws_sdk_dynamodb::Client::new(&config);
    let text = |name: &str| {
        AttributeDefinition::builder().attribute_name(name).attribute_type(ScalarAttributeType::S).build()
    };
    let part = |name: &str, kind| KeySchemaElement::builder().attribute_name(name).key_type(kind).build();
    for table in TABLES {
        let mut request = dynamodb
            .create_table()
            .table_name(table)
            .billing_mode(BillingMode::PayPerRequest)
            .attribute_definitions(text("pk")?)
            .attribute_definitions(text("sk")?)
            .key_schema(part("pk", KeyType::Hash)?)
            .key_schema(part("sk", KeyType::Range)?);
        if table == "catalog" {
            let all = Projection::builder().projection_type(ProjectionType::All).build();
            let index = GlobalSecondaryIndex::builder()
                .index_name("by_url")
                .key_schema(part("url", KeyType::Hash)?)
                .projection(all)
                .build()?;
            request = request.attribute_definitions(text("url")?).global_secondary_indexes(index);
        }
        request.send().await.with_context(|| format!("the table {table}"))?;
    }
    let ses = aws_sdk_ses::Client::new(&config);
    ses.verify_email_identity().email_address(SENDER).send().await?;
    let ssm = lambda::aws::Aws::from_config(config).ssm();
    for (name, value) in SECRETS {
        let request = ssm.put_parameter().name(format!("/hashcart/dev/{name}")).value(value);
        request.set_type(Some("SecureString".into())).send().await?;
    }
    Ok(())
}

/// What the comparison saw.
#[derive(Clone, Copy, Debug, Default)]
pub struct Compared {
    /// Deliveries.
    pub deliveries: u64,
    /// Worlds.
    pub worlds: u64,
    /// Items in the tables at the end.
    pub items: u64,
}

/// Runs worlds of a seed over the emulator and over the model alone until there were so many deliveries;
/// each must end the same.
///
/// # Errors
/// At the first difference, or when the emulator can't be run.
pub fn compare(seed: u64, deliveries: u64, progress: &dyn Fn(u64)) -> anyhow::Result<Compared> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let data = tempfile_dir()?;
    let emulator = runtime.block_on(async {
        let venv = Venv::of_checkout(&crate::stack::workspace());
        Emulator::start(Options::new(venv, data).remove_data()).await
    })?;
    let mut compared = Compared::default();
    for number in 0.. {
        let schedule = Schedule::of_seed(Dice::new(seed).part(number), POSTS);
        // Pages of the model's size are the model's own.
        if schedule.plan().page != usize::MAX {
            continue;
        }
        let account = emulator.test_account()?;
        runtime.block_on(set_up(&account))?;
        let alone = world::run(&schedule, None);
        let (items, end) = over(&schedule, &account)?;
        compared.items += items;
        compared.worlds += 1;
        compared.deliveries += alone.state().tally.all_deliveries();
        let ours = laws::account_of(&alone);
        let difference = ours.lines().zip(end.lines()).find(|(a, b)| a != b);
        ensure!(difference.is_none() && ours.len() == end.len(), "seed {}: {difference:?}", schedule.seed);
        progress(compared.deliveries);
        if compared.deliveries >= deliveries {
            break;
        }
    }
    Ok(compared)
}

/// Runs a schedule over an account; gives how many items its tables hold, and the end.
fn over(schedule: &Schedule, account: &Account) -> anyhow::Result<(u64, String)> {
    let (errands, taken) = channel();
    let served = {
        let account = account.clone();
        std::thread::spawn(move || serve(&taken, &account))
    };
    let ground = world::run(schedule, Some(Box::new(Bridge(Mutex::new(errands)))));
    let state = ground.state();
    ensure!(state.violations.is_empty(), "seed {}: {:#?}", schedule.seed, state.violations);
    let mut items = 0;
    let beside = ground.beside.as_deref().context("no emulator beside the model")?;
    for (name, table) in state.tables.all() {
        let theirs = scan(beside, name)?;
        for item in table.values() {
            ensure!(
                theirs.contains(&sorted(&item_json(item))),
                "an item of {name} is not in the emulator: {item:?}"
            );
        }
        ensure!(
            theirs.len() == table.len(),
            "{name} holds {} items, the emulator {}",
            table.len(),
            theirs.len()
        );
        items += table.len() as u64;
    }
    drop(state);
    let end = laws::account_of(&ground);
    drop(ground);
    served.join().map_err(|_| anyhow::anyhow!("the emulator's thread panicked"))??;
    Ok((items, end))
}

/// All items of a table of the emulator.
fn scan(beside: &dyn Beside, table: &str) -> anyhow::Result<Vec<Json>> {
    let mut items = Vec::new();
    let mut start = Json::Null;
    loop {
        let mut request = json!({"TableName": table, "ConsistentRead": true});
        if !start.is_null() {
            request["ExclusiveStartKey"] = start;
        }
        let (status, body) =
            beside.exchange("dynamodb", "DynamoDB_20120810.Scan", request.to_string().as_bytes());
        ensure!(status == 200, "scanning {table}: {status}");
        let page: Json = serde_json::from_slice(&body)?;
        items.extend(page["Items"].as_array().into_iter().flatten().map(sorted));
        start = page["LastEvaluatedKey"].clone();
        if start.is_null() {
            return Ok(items);
        }
    }
}

/// An item with its sets in order.
fn sorted(item: &Json) -> Json {
    let mut item = item.clone();
    for value in item.as_object_mut().into_iter().flat_map(serde_json::Map::values_mut) {
        if let Some(set) = value.get_mut("SS").and_then(Json::as_array_mut) {
            set.sort_by_key(Json::to_string);
        }
    }
    item
}

fn tempfile_dir() -> anyhow::Result<std::path::PathBuf> {
    let name = format!("hashcart-faults-{}", std::process::id());
    let path = std::env::temp_dir().join(name);
    std::fs::create_dir_all(&path)?;
    Ok(path)
}
