//! AWS requests as they come off the SDK: which service and operation they are for, how they are
//! answered, how they fail, and the laws that hold for every single one.

use std::collections::BTreeMap;

use aws_smithy_runtime_api::client::orchestrator::HttpRequest;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use mail_parser::MessageParser;
use serde_json::{Map, Value as Json, json};
use url::form_urlencoded;

use super::dynamodb::{self, Tables, Write};
use super::expression::{Item, Value};
use super::ground::{Ground, Mail, json};
use super::line::Line;
use super::plan::Fault;
use super::shop::SECRETS;

/// A service that we speak to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Service {
    DynamoDb,
    Sqs,
    Ses,
    Ssm,
}

impl Service {
    /// Its name in a signature's scope.
    pub fn name(self) -> &'static str {
        match self {
            Self::DynamoDb => "dynamodb",
            Self::Sqs => "sqs",
            Self::Ses => "ses",
            Self::Ssm => "ssm",
        }
    }
}

/// A request as it left the SDK.
#[derive(Debug)]
pub struct Request {
    /// The service.
    pub service: Service,
    /// The operation.
    pub operation: String,
    target: String,
    /// The body as it was sent.
    pub body: Vec<u8>,
}

impl Request {
    /// Reads a request.
    ///
    /// # Panics
    /// When it is for a service that the model doesn't know.
    pub fn read(request: &HttpRequest) -> Self {
        let body = request.body().bytes().unwrap_or_else(|| panic!("a request whose body streams")).to_vec();
        let target = request.headers().get("x-amz-target").unwrap_or_default().to_owned();
        let (service, operation) = match target.split_once('.') {
            Some(("DynamoDB_20120810", operation)) => (Service::DynamoDb, operation.to_owned()),
            Some(("AmazonSQS", operation)) => (Service::Sqs, operation.to_owned()),
            Some(("AmazonSSM", operation)) => (Service::Ssm, operation.to_owned()),
            Some((other, _)) => panic!("the model knows no service {other}"),
            None => (Service::Ses, field(&body, "Action").unwrap_or_default()),
        };
        Self { service, operation, target, body }
    }
}

fn field(body: &[u8], name: &str) -> Option<String> {
    form_urlencoded::parse(body).find(|(key, _)| key == name).map(|(_, value)| value.into_owned())
}

/// Status and body.
pub type Answer = (u16, String);

/// Does what a request asks and answers it. What the model refuses to know breaks the run, even where a
/// handler would survive the panic.
pub fn answer(line: &Line, place: &str, request: &Request, partial: bool) -> Answer {
    let answered = std::panic::AssertUnwindSafe(|| answer_known(line, place, request, partial));
    std::panic::catch_unwind(answered).unwrap_or_else(|panic| {
        let what = panic.downcast_ref::<String>().map(String::as_str);
        let what = what.or(panic.downcast_ref::<&str>().copied()).unwrap_or("the model gave up");
        line.ground().violate(format!("the model: {what} (at {place})"));
        std::panic::resume_unwind(panic)
    })
}

fn answer_known(line: &Line, place: &str, request: &Request, partial: bool) -> Answer {
    let ground = line.ground();
    match request.service {
        Service::DynamoDb => dynamodb(line, request, partial),
        Service::Sqs => {
            let refuses = |index: usize| partial && index.is_multiple_of(2);
            let now = ground.elapsed();
            let json = json(&request.body);
            let (answer, sent) = ground.state().queues.answer(&request.operation, &json, now, refuses);
            ground.sent(&sent);
            match answer {
                Ok(answer) => (200, answer.to_string()),
                Err(refusal) => (400, json!({"__type": refusal.0, "message": "refused"}).to_string()),
            }
        }
        Service::Ses => ses(line, place, request),
        Service::Ssm => ssm(ground, request),
    }
}

fn dynamodb(line: &Line, request: &Request, partial: bool) -> Answer {
    let ground = line.ground();
    let mut asked = json(&request.body);
    ground.expire(Tables::touched(&request.operation, &asked));
    let unprocessed = if partial { held_back(&request.operation, &mut asked) } else { None };
    let (answer, writes) = ground.state().tables.answer(&request.operation, &asked);
    let (status, mut body) = match answer {
        Ok(answer) => (200, answer),
        Err(refusal) => (400, refusal.body()),
    };
    for write in &writes {
        if let Some(broken) = broken_by(line, write) {
            ground.violate(format!("{broken} (by {} at {}/{})", line.invocation(), write.key.0, write.key.1));
        }
    }
    if let Some(beside) = &ground.beside {
        let theirs = beside.exchange("dynamodb", &request.target, asked.to_string().as_bytes());
        compare(ground, request, (status, &body), &theirs);
        if let Ok(json) = serde_json::from_slice(&theirs.1) {
            body = json;
        }
    }
    if let Some(unprocessed) = unprocessed {
        body["UnprocessedKeys"] = unprocessed;
    }
    (status, body.to_string())
}

/// Takes every second key out of a batch of reads: DynamoDB may leave any part of it undone.
fn held_back(operation: &str, asked: &mut Json) -> Option<Json> {
    if operation != "BatchGetItem" {
        return None;
    }
    let mut left = Map::new();
    let mut number = 0;
    for (table, of) in asked["RequestItems"].as_object_mut()? {
        let mut keys = of["Keys"].as_array().cloned().unwrap_or_default();
        keys.sort_by_key(Json::to_string);
        let (mut now, mut later) = (Vec::new(), Vec::new());
        for key in keys {
            number += 1;
            if number % 2 == 1 { now.push(key) } else { later.push(key) }
        }
        of["Keys"] = Json::Array(now);
        if !later.is_empty() {
            left.insert(table.clone(), json!({"Keys": later, "ConsistentRead": true}));
        }
    }
    asked["RequestItems"].as_object_mut()?.retain(|_, of| of["Keys"] != json!([]));
    Some(Json::Object(left))
}

fn attribute<'a>(item: Option<&'a Item>, name: &str) -> Option<&'a Value> {
    item?.get(name)
}

fn body_of(item: &Item) -> Json {
    item.get("body").map_or(Json::Null, |body| json(body.text().as_bytes()))
}

fn is_done(state: Option<&Value>) -> bool {
    matches!(state, Some(Value::S(text)) if text.contains("\"done\""))
}

/// The law that a single write breaks, if it breaks one.
fn broken_by(line: &Line, write: &Write) -> Option<String> {
    let (old, new) = (write.old.as_ref(), write.new.as_ref());
    match (write.table.as_str(), write.key.1.as_str()) {
        ("carts", sk) if sk.starts_with("CMD#") => match (old, new) {
            (None, Some(new)) => {
                let mut state = line.ground().state();
                let decision = body_of(new);
                if !state.history.contains_key(&write.key) {
                    state.history.insert(write.key.clone(), decision);
                    return None;
                }
                Some("a command was decided twice".to_owned())
            }
            (Some(old), Some(new)) if old != new => Some("a decision was overwritten".to_owned()),
            (Some(old), None) => {
                let state = line.ground().state();
                let base = state.tables.get("carts", &(write.key.0.clone(), "BASE".to_owned()));
                let horizon = attribute(base, "horizon").map(|horizon| horizon.text().to_owned());
                let stamp = body_of(old)["stamp"].as_str().unwrap_or_default().to_owned();
                let is_folded = horizon.is_some_and(|horizon| stamp <= horizon);
                (!is_folded).then(|| "a decision above the base was deleted".to_owned())
            }
            _ => None,
        },
        ("carts", "BASE") => (attribute(old, "horizon") > attribute(new, "horizon"))
            .then(|| "a base's horizon went back".to_owned()),
        ("deliveries", sk) if sk.starts_with("NOTICE#") => broken_claim(line, old, new?),
        ("deliveries", "ERASED") => {
            let at = line.ground().elapsed();
            line.ground().state().erased.entry(write.key.0.clone()).or_insert(at);
            None
        }
        ("links", sk) if sk.starts_with("PARKED#") && old.is_none() && new.is_some() => {
            let mut state = line.ground().state();
            state.parked.insert(write.key.clone(), line.invocation());
            let link = (write.key.0.clone(), "LINK".to_owned());
            state.tables.get("links", &link).map(|_| "commands of a linked account were parked".to_owned())
        }
        ("links", "STOP") => (attribute(old, "stamp") > attribute(new, "stamp"))
            .then(|| "an earlier word overwrote a later one".to_owned()),
        _ => None,
    }
}

/// A claim changes hands only when it is free or its lease is over, and what is done stays done.
fn broken_claim(line: &Line, old: Option<&Item>, new: &Item) -> Option<String> {
    let old = old?;
    for channel in ["reply", "mail"] {
        if is_done(old.get(channel)) && old.get(channel) != new.get(channel) {
            return Some(format!("a {channel} that was out was forgotten"));
        }
    }
    if old.get("is_open") == Some(&Value::Bool(false)) && new.get("is_open") == Some(&Value::Bool(true)) {
        return Some("a notice that was settled was opened again".to_owned());
    }
    if old.get("claim") == new.get("claim") {
        return None;
    }
    let until = old.get("leased_until").and_then(Value::number).unwrap_or(0);
    let now = i128::from(line.now().as_millis());
    (until > now).then(|| format!("a claim was taken {} ms before its lease was over", until - now))
}

/// Before a notice leaves, its post and step must be claimed by whoever sends it.
pub fn check_claim(line: &Line, post: &str, step: &str) -> Option<String> {
    let state = line.ground().state();
    let key = (post.to_owned(), format!("NOTICE#{step}"));
    let claim = state.tables.get("deliveries", &key);
    let Some(claim) = claim else { return Some(format!("{post}/{step} was told without a claim")) };
    let open = claim.get("is_open") == Some(&Value::Bool(true));
    (!open).then(|| format!("{post}/{step} was told again after it was settled"))
}

fn ses(line: &Line, place: &str, request: &Request) -> Answer {
    assert_eq!(
        request.operation, "SendRawEmail",
        "the model knows no operation {} of SES",
        request.operation
    );
    for (name, _) in form_urlencoded::parse(&request.body) {
        let known = ["Action", "Version", "Source", "Destinations.member.1", "RawMessage.Data"];
        assert!(known.contains(&name.as_ref()), "the model knows no parameter {name} of SendRawEmail");
    }
    let ground = line.ground();
    let to = field(&request.body, "Destinations.member.1").unwrap_or_default();
    if to.starts_with("unmailable-") {
        return (400, error_xml("MessageRejected"));
    }
    let raw = STANDARD
        .decode(field(&request.body, "RawMessage.Data").unwrap_or_default())
        .unwrap_or_else(|error| panic!("RawMessage.Data: {error}"));
    let parsed = MessageParser::default().parse(&raw).unwrap_or_else(|| panic!("no mail"));
    let id = parsed.message_id().and_then(|id| id.split('@').next()).unwrap_or_default().to_owned();
    let mail = Mail {
        to,
        subject: parsed.subject().unwrap_or_default().to_owned(),
        place: place.to_owned(),
        text: parsed.body_text(0).unwrap_or_default().into_owned(),
        id,
    };
    if line.function() == "notify"
        && let Some(broken) =
            notice_of(ground, &mail.id).and_then(|(post, step)| check_claim(line, &post, &step))
    {
        ground.violate(format!("{broken} by mail (at {place})"));
    }
    ground.state().mails.push(mail);
    let number = ground.state().mails.len();
    if let Some(beside) = &ground.beside {
        let (status, _) = beside.exchange("ses", "", &request.body);
        if status != 200 {
            ground.violate(format!("the emulator took no mail: {status}"));
        }
    }
    (200, mail_taken(number))
}

/// What SES answers when it has taken its `number`th mail.
pub fn mail_taken(number: usize) -> String {
    format!(
        "<SendRawEmailResponse xmlns=\"http://ses.amazonaws.com/doc/2010-12-01/\"><SendRawEmailResult>\
         <MessageId>mail-{number}</MessageId></SendRawEmailResult><ResponseMetadata><RequestId>model\
         </RequestId></ResponseMetadata></SendRawEmailResponse>"
    )
}

/// The post and step that a mail's id names, among those that we have outcomes of.
pub fn notice_of(ground: &Ground, mail: &str) -> Option<(String, String)> {
    let state = ground.state();
    let found = state.outcomes.keys().find(|key| mail_id(key) == mail)?;
    let (post, step) = found.rsplit_once('/')?;
    Some((post.to_owned(), step.to_owned()))
}

/// The id of the mail about a post and step.
pub fn mail_id(notice: &str) -> String {
    let (post, step) = notice.rsplit_once('/').unwrap_or((notice, ""));
    messages::MailId::new(&format!("{post}-{step}")).as_str().to_owned()
}

/// What the parameter store answers: the secrets of a run's shop.
///
/// # Panics
/// For a request that the model doesn't know.
pub fn secrets(operation: &str, asked: &Json) -> Json {
    let parameter = |(name, value): &(&str, &str)| json!({"Name": format!("/hashcart/dev/{name}"), "Value": value, "Type": "SecureString"});
    match operation {
        "GetParametersByPath" => {
            assert_eq!((&asked["Recursive"], &asked["WithDecryption"]), (&json!(true), &json!(true)));
            let path = asked["Path"].as_str().unwrap_or_default().trim_end_matches('/');
            let below = path.strip_prefix("/hashcart/dev").unwrap_or_else(|| panic!("the path {path}"));
            let below = below.trim_start_matches('/');
            let is_below = |name: &str| {
                below.is_empty() || name.strip_prefix(below).is_some_and(|rest| rest.starts_with('/'))
            };
            json!({"Parameters": SECRETS.iter().filter(|(name, _)| is_below(name)).map(parameter).collect::<Vec<_>>()})
        }
        "GetParameters" => {
            assert_eq!(asked["WithDecryption"], json!(true));
            let names: Vec<&str> =
                asked["Names"].as_array().into_iter().flatten().filter_map(Json::as_str).collect();
            assert!((1..=10).contains(&names.len()), "{} names in GetParameters", names.len());
            let wanted =
                |(name, _): &&(&str, &str)| names.contains(&format!("/hashcart/dev/{name}").as_str());
            json!({"Parameters": SECRETS.iter().filter(wanted).map(parameter).collect::<Vec<_>>(), "InvalidParameters": []})
        }
        other => panic!("the model knows no operation {other} of SSM"),
    }
}

fn ssm(ground: &Ground, request: &Request) -> Answer {
    let answer = secrets(&request.operation, &json(&request.body));
    if let Some(beside) = &ground.beside {
        let (status, body) = beside.exchange("ssm", &request.target, &request.body);
        let theirs: Json = serde_json::from_slice(&body).unwrap_or_default();
        let names = |json: &Json| -> std::collections::BTreeSet<String> {
            let parameters = json["Parameters"].as_array().cloned().unwrap_or_default();
            parameters.iter().map(|p| format!("{}={}", p["Name"], p["Value"])).collect()
        };
        if status != 200 || names(&theirs) != names(&answer) {
            ground.violate("the emulator has other secrets".to_owned());
        }
    }
    (200, answer.to_string())
}

/// The answer of a service that fails.
pub fn failure(request: &Request, fault: Fault) -> Answer {
    let throttled = fault == Fault::Throttled;
    match request.service {
        Service::Ses if throttled => (400, error_xml("Throttling")),
        Service::Ses => (500, error_xml("InternalFailure")),
        Service::DynamoDb if fault == Fault::Conflict => {
            let count = json(&request.body)["TransactItems"].as_array().map_or(1, Vec::len);
            let mut reasons = vec![json!({"Code": "None"}); count];
            reasons[0] = json!({"Code": "TransactionConflict", "Message": "m"});
            (400, dynamodb::cancelled(reasons).body().to_string())
        }
        Service::DynamoDb | Service::Ssm | Service::Sqs => {
            let (status, code) = match (request.service, throttled) {
                (Service::DynamoDb, true) => {
                    (400, "com.amazonaws.dynamodb.v20120810#ProvisionedThroughputExceededException")
                }
                (_, true) => (400, "ThrottlingException"),
                (Service::DynamoDb, false) => (500, "com.amazonaws.dynamodb.v20120810#InternalServerError"),
                (_, false) => (500, "InternalError"),
            };
            (status, json!({"__type": code, "message": "a fault of the schedule"}).to_string())
        }
    }
}

fn error_xml(code: &str) -> String {
    format!(
        "<ErrorResponse xmlns=\"http://ses.amazonaws.com/doc/2010-12-01/\"><Error><Type>Sender</Type>\
         <Code>{code}</Code><Message>a fault of the schedule</Message></Error><RequestId>model</RequestId>\
         </ErrorResponse>"
    )
}

/// What the emulator answers must be what the model answers.
fn compare(ground: &Ground, request: &Request, ours: (u16, &Json), theirs: &(u16, Vec<u8>)) {
    let body: Json = serde_json::from_slice(&theirs.1).unwrap_or_default();
    let same = ours.0 == theirs.0 && essence(ours.1) == essence(&body);
    if !same {
        let (said, modelled) = (essence(&body).to_string(), essence(ours.1).to_string());
        // From where they differ on.
        let at = said.bytes().zip(modelled.bytes()).take_while(|(a, b)| a == b).count().saturating_sub(40);
        let from = |text: &str| text.chars().skip(at).take(300).collect::<String>();
        ground.violate(format!(
            "the emulator answers {} with {} …{}, the model with {} …{}",
            request.operation,
            theirs.0,
            from(&said),
            ours.0,
            from(&modelled)
        ));
    }
}

/// What counts of an answer: items whatever their order, codes without their prefix, no messages.
fn essence(body: &Json) -> Json {
    match body {
        Json::Object(object) => {
            let skipped = ["message", "Message", "ConsumedCapacity", "ScannedCount"];
            let kept = object.iter().filter(|(name, _)| !skipped.contains(&name.as_str()));
            let empty = |value: &Json| *value == json!({}) || *value == json!([]) || value.is_null();
            let read = |(name, value): (&String, &Json)| {
                let value = match (name.as_str(), value) {
                    ("__type", Json::String(code)) => code.rsplit('#').next().unwrap_or_default().into(),
                    (_, value) => essence(value),
                };
                (name.clone(), value)
            };
            let sorted: BTreeMap<String, Json> = kept.map(read).filter(|(_, value)| !empty(value)).collect();
            Json::Object(sorted.into_iter().collect())
        }
        Json::Array(values) => {
            let mut values: Vec<Json> = values.iter().map(essence).collect();
            // The reasons of a transaction stand in the order of its actions.
            if !values.iter().any(|value| value.get("Code").is_some()) {
                values.sort_by_key(Json::to_string);
            }
            Json::Array(values)
        }
        other => other.clone(),
    }
}
