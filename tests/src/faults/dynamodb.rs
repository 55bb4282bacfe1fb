//! DynamoDB as far as our requests go: tables in memory, the operations that `store` makes, and a panic
//! for every other one and for every parameter that it doesn't expect.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value as Json, json};

use super::expression::{self, Condition, Item, Placeholders, Value, item, item_json};

/// An item's place in its table.
pub type Key = (String, String);

/// The tables by name.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tables {
    tables: BTreeMap<String, BTreeMap<Key, Item>>,
    /// The tokens of transactions that were done: the same one again is done already.
    tokens: BTreeMap<String, Json>,
    /// How many items a page of a query holds at most.
    pub page: usize,
}

/// A change of one item.
#[derive(Clone, Debug)]
pub struct Write {
    /// The table.
    pub table: String,
    /// The item's key.
    pub key: Key,
    /// The item before.
    pub old: Option<Item>,
    /// The item after.
    pub new: Option<Item>,
}

/// An error that DynamoDB answers with status 400.
#[derive(Clone, Debug)]
pub struct Refusal {
    /// Its code.
    pub code: &'static str,
    /// What else stands in the answer.
    pub more: Map<String, Json>,
}

impl Refusal {
    fn condition(there: Option<&Item>) -> Self {
        let mut more = Map::new();
        if let Some(there) = there {
            more.insert("Item".to_owned(), item_json(there));
        }
        Self { code: "ConditionalCheckFailedException", more }
    }

    /// The body of the answer.
    pub fn body(&self) -> Json {
        let mut body = self.more.clone();
        body.insert("__type".to_owned(), format!("com.amazonaws.dynamodb.v20120810#{}", self.code).into());
        body.insert("message".to_owned(), self.code.into());
        Json::Object(body)
    }
}

/// The parameters that the model knows of an operation.
fn known_parameters(operation: &str) -> &'static [&'static str] {
    const WRITES: &[&str] = &[
        "TableName",
        "Key",
        "Item",
        "ConditionExpression",
        "UpdateExpression",
        "ExpressionAttributeNames",
        "ExpressionAttributeValues",
        "ReturnValues",
        "ReturnValuesOnConditionCheckFailure",
    ];
    match operation {
        "GetItem" => &["TableName", "Key", "ConsistentRead"],
        "PutItem" | "UpdateItem" | "DeleteItem" | "Put" | "Update" | "Delete" | "ConditionCheck" => WRITES,
        "Query" => &[
            "TableName",
            "IndexName",
            "ConsistentRead",
            "KeyConditionExpression",
            "ExpressionAttributeNames",
            "ExpressionAttributeValues",
            "ExclusiveStartKey",
            "Limit",
        ],
        "Scan" => &[
            "TableName",
            "ConsistentRead",
            "FilterExpression",
            "ExpressionAttributeValues",
            "ProjectionExpression",
            "ExclusiveStartKey",
        ],
        "BatchGetItem" | "BatchWriteItem" => &["RequestItems"],
        "TransactWriteItems" => &["TransactItems", "ClientRequestToken"],
        other => panic!("the model knows no operation {other} of DynamoDB"),
    }
}

fn check_parameters(operation: &str, request: &Json) {
    let known = known_parameters(operation);
    for name in request.as_object().into_iter().flat_map(Map::keys) {
        assert!(known.contains(&name.as_str()), "the model knows no parameter {name} of {operation}");
    }
}

fn text<'a>(request: &'a Json, name: &str) -> &'a str {
    request[name].as_str().unwrap_or_else(|| panic!("no {name} in {request}"))
}

fn key_of(item: &Item) -> Key {
    let part = |name: &str| {
        let text = item.get(name).unwrap_or_else(|| panic!("ValidationException: no {name} in a key")).text();
        assert!(!text.is_empty(), "ValidationException: {name} is empty");
        text.to_owned()
    };
    (part("pk"), part("sk"))
}

fn only_key(json: &Json) -> Key {
    let key = item(json);
    assert_eq!(key.len(), 2, "ValidationException: a key of {} parts", key.len());
    key_of(&key)
}

/// One write of whatever operation, taken apart.
struct Action {
    table: String,
    key: Key,
    what: What,
    condition: Option<Condition>,
    shows_old: bool,
}

enum What {
    Put(Item),
    Update(expression::Changes),
    Delete,
    Check,
}

impl Action {
    fn read(operation: &str, request: &Json) -> Self {
        check_parameters(operation, request);
        let placeholders = Placeholders::of(request);
        let condition =
            request["ConditionExpression"].as_str().map(|text| expression::condition(text, &placeholders));
        let (key, what) = match operation {
            "Put" => {
                let new = item(&request["Item"]);
                check_item(&new);
                (key_of(&new), What::Put(new))
            }
            "Update" => {
                let changes = expression::changes(text(request, "UpdateExpression"), &placeholders);
                (only_key(&request["Key"]), What::Update(changes))
            }
            "Delete" => (only_key(&request["Key"]), What::Delete),
            "ConditionCheck" => (only_key(&request["Key"]), What::Check),
            other => panic!("the model knows no write {other}"),
        };
        placeholders.check_all_used();
        let shows_old = match request["ReturnValuesOnConditionCheckFailure"].as_str() {
            None | Some("NONE") => false,
            Some("ALL_OLD") => true,
            Some(other) => panic!("the model knows no ReturnValuesOnConditionCheckFailure {other}"),
        };
        Self { table: text(request, "TableName").to_owned(), key, what, condition, shows_old }
    }
}

/// What every item of ours keeps to: an expiry in whole seconds of this century, and DynamoDB's size.
fn check_item(item: &Item) {
    if let Some(expires) = item.get("expires_at") {
        let seconds = expires.number().unwrap_or_else(|| panic!("expires_at is no number"));
        assert!((1_000_000_000..5_000_000_000).contains(&seconds), "expires_at isn't in seconds: {seconds}");
    }
    let size = item_json(item).to_string().len();
    assert!(size < 400 * 1024, "ValidationException: an item of {size} bytes");
}

impl Tables {
    /// Tables of these names, empty.
    pub fn new(names: impl IntoIterator<Item = String>) -> Self {
        let tables = names.into_iter().map(|name| (name, BTreeMap::new())).collect();
        Self { tables, tokens: BTreeMap::new(), page: usize::MAX }
    }

    /// A table.
    pub fn table(&self, name: &str) -> &BTreeMap<Key, Item> {
        self.tables.get(name).unwrap_or_else(|| panic!("ResourceNotFoundException: no table {name}"))
    }

    /// All tables by name.
    pub fn all(&self) -> impl Iterator<Item = (&String, &BTreeMap<Key, Item>)> {
        self.tables.iter()
    }

    fn table_mut(&mut self, name: &str) -> &mut BTreeMap<Key, Item> {
        self.tables.get_mut(name).unwrap_or_else(|| panic!("ResourceNotFoundException: no table {name}"))
    }

    /// An item.
    pub fn get(&self, table: &str, key: &Key) -> Option<&Item> {
        self.table(table).get(key)
    }

    /// Takes an item away, as TTL does.
    pub fn expire(&mut self, table: &str, key: &Key) {
        self.table_mut(table).remove(key);
    }

    /// The keys that a request names.
    pub fn touched(operation: &str, request: &Json) -> Vec<(String, Key)> {
        let one = |request: &Json| {
            let key = if request["Item"].is_object() {
                key_of(&item(&request["Item"]))
            } else {
                only_key(&request["Key"])
            };
            (text(request, "TableName").to_owned(), key)
        };
        match operation {
            "GetItem" | "PutItem" | "UpdateItem" | "DeleteItem" => vec![one(request)],
            "TransactWriteItems" => request["TransactItems"]
                .as_array()
                .into_iter()
                .flatten()
                .flat_map(|action| action.as_object().into_iter().flat_map(Map::values).map(one))
                .collect(),
            "BatchGetItem" => request["RequestItems"]
                .as_object()
                .into_iter()
                .flatten()
                .flat_map(|(table, of)| {
                    let keys = of["Keys"].as_array().into_iter().flatten();
                    keys.map(|key| (table.clone(), only_key(key)))
                })
                .collect(),
            _ => Vec::new(),
        }
    }

    /// Does what a request asks.
    ///
    /// # Errors
    /// What DynamoDB refuses by a condition.
    ///
    /// # Panics
    /// For a request that the model doesn't know, or that DynamoDB would call invalid.
    pub fn answer(&mut self, operation: &str, request: &Json) -> (Result<Json, Refusal>, Vec<Write>) {
        check_parameters(operation, request);
        match operation {
            "GetItem" => (Ok(self.get_item(request)), Vec::new()),
            "Query" => (Ok(self.query(request)), Vec::new()),
            "Scan" => (Ok(self.scan(request)), Vec::new()),
            "BatchGetItem" => (Ok(self.batch_get(request)), Vec::new()),
            "BatchWriteItem" => self.batch_write(request),
            "PutItem" => self.write("Put", request),
            "UpdateItem" => self.write("Update", request),
            "DeleteItem" => self.write("Delete", request),
            "TransactWriteItems" => self.transact(request),
            other => panic!("the model knows no operation {other} of DynamoDB"),
        }
    }

    fn get_item(&self, request: &Json) -> Json {
        assert_eq!(request["ConsistentRead"], true, "a read that may be stale");
        match self.get(text(request, "TableName"), &only_key(&request["Key"])) {
            Some(found) => json!({ "Item": item_json(found) }),
            None => json!({}),
        }
    }

    fn query(&self, request: &Json) -> Json {
        let placeholders = Placeholders::of(request);
        let condition = expression::condition(text(request, "KeyConditionExpression"), &placeholders);
        placeholders.check_all_used();
        let index = request["IndexName"].as_str();
        let attribute = match index {
            None => "pk",
            Some("by_url") => "url",
            Some("by_gtin") => "gtin",
            Some(other) => panic!("the model knows no index {other}"),
        };
        assert!(names_partition(&condition, attribute), "a query must name its partition: {condition:?}");
        assert_eq!(index.is_none(), request["ConsistentRead"] == true, "indexes alone are read stale");
        let table = self.table(text(request, "TableName"));
        let within: Box<dyn Iterator<Item = (&Key, &Item)>> = match named_partition(&condition) {
            Some(pk) if index.is_none() => Box::new(partition(table, pk)),
            _ => Box::new(table.iter()),
        };
        let start = request.get("ExclusiveStartKey").map(only_key);
        let limit = request["Limit"].as_u64().map_or(usize::MAX, |limit| usize::try_from(limit).unwrap_or(0));
        let most = self.page.min(limit);
        let mut found: Vec<(&Key, &Item)> = within
            .filter(|(key, _)| start.as_ref().is_none_or(|start| *key > start))
            .filter(|(_, item)| condition.holds(item))
            .take(most.saturating_add(1))
            .collect();
        let more = found.len() > most;
        found.truncate(most);
        let mut answer = page(&found);
        if more
            && index.is_none()
            && let Some((key, _)) = found.last()
        {
            answer["LastEvaluatedKey"] = json!({"pk": {"S": key.0}, "sk": {"S": key.1}});
        }
        answer
    }

    fn scan(&self, request: &Json) -> Json {
        let placeholders = Placeholders::of(request);
        let filter = expression::condition(text(request, "FilterExpression"), &placeholders);
        placeholders.check_all_used();
        let found: Vec<(&Key, &Item)> =
            self.table(text(request, "TableName")).iter().filter(|(_, item)| filter.holds(item)).collect();
        page(&found)
    }

    fn batch_get(&self, request: &Json) -> Json {
        let mut responses = Map::new();
        let mut count = 0;
        for (table, of) in request["RequestItems"].as_object().into_iter().flatten() {
            assert_eq!(of["ConsistentRead"], true, "a read that may be stale");
            let keys: Vec<Key> = of["Keys"].as_array().into_iter().flatten().map(only_key).collect();
            let distinct: BTreeSet<&Key> = keys.iter().collect();
            assert_eq!(distinct.len(), keys.len(), "ValidationException: a key twice in one batch");
            count += keys.len();
            // In whatever order: DynamoDB promises none.
            let found = distinct.into_iter().filter_map(|key| self.get(table, key)).map(item_json);
            responses.insert(table.clone(), found.collect());
        }
        assert!((1..=100).contains(&count), "ValidationException: {count} keys in one batch");
        json!({ "Responses": responses, "UnprocessedKeys": {} })
    }

    fn batch_write(&mut self, request: &Json) -> (Result<Json, Refusal>, Vec<Write>) {
        let mut writes = Vec::new();
        for (table, requests) in request["RequestItems"].as_object().into_iter().flatten() {
            for put in requests.as_array().into_iter().flatten() {
                let new = item(&put["PutRequest"]["Item"]);
                check_item(&new);
                let key = key_of(&new);
                let old = self.table_mut(table).insert(key.clone(), new.clone());
                writes.push(Write { table: table.clone(), key, old, new: Some(new) });
            }
        }
        assert!((1..=25).contains(&writes.len()), "ValidationException: {} writes in a batch", writes.len());
        (Ok(json!({ "UnprocessedItems": {} })), writes)
    }

    fn write(&mut self, operation: &str, request: &Json) -> (Result<Json, Refusal>, Vec<Write>) {
        let action = Action::read(operation, request);
        let there = self.get(&action.table, &action.key).cloned();
        let empty = Item::new();
        if let Some(condition) = &action.condition
            && !condition.holds(there.as_ref().unwrap_or(&empty))
        {
            return (Err(Refusal::condition(there.as_ref().filter(|_| action.shows_old))), Vec::new());
        }
        let wanted = request["ReturnValues"].as_str().unwrap_or("NONE");
        let write = self.apply(action);
        let answer = match (wanted, &write.new) {
            ("NONE", _) => json!({}),
            ("ALL_NEW", Some(new)) => json!({ "Attributes": item_json(new) }),
            (other, _) => panic!("the model knows no ReturnValues {other}"),
        };
        (Ok(answer), vec![write])
    }

    fn apply(&mut self, action: Action) -> Write {
        let Action { table, key, what, .. } = action;
        let items = self.table_mut(&table);
        let old = items.get(&key).cloned();
        let new = match what {
            What::Put(new) => Some(new),
            What::Update(changes) => {
                let keys = [("pk", &key.0), ("sk", &key.1)];
                let fresh = || keys.map(|(name, part)| (name.to_owned(), Value::S(part.clone()))).into();
                let mut new = old.clone().unwrap_or_else(fresh);
                changes.apply(&mut new);
                check_item(&new);
                Some(new)
            }
            What::Delete => None,
            What::Check => old.clone(),
        };
        match &new {
            Some(new) => items.insert(key.clone(), new.clone()),
            None => items.remove(&key),
        };
        Write { table, key, old, new }
    }

    fn transact(&mut self, request: &Json) -> (Result<Json, Refusal>, Vec<Write>) {
        let token = text(request, "ClientRequestToken").to_owned();
        if let Some(done) = self.tokens.get(&token) {
            assert_eq!(done, &request["TransactItems"], "IdempotentParameterMismatchException");
            return (Ok(json!({})), Vec::new());
        }
        let actions: Vec<Action> = request["TransactItems"]
            .as_array()
            .into_iter()
            .flatten()
            .map(|action| {
                let object = action.as_object().unwrap_or_else(|| panic!("no action: {action}"));
                assert_eq!(object.len(), 1, "several writes in one action");
                let (operation, request) = object.iter().next().unwrap_or_else(|| panic!("no action"));
                Action::read(operation, request)
            })
            .collect();
        assert!((1..=100).contains(&actions.len()), "ValidationException: {} actions", actions.len());
        let distinct: BTreeSet<(&str, &Key)> = actions.iter().map(|a| (a.table.as_str(), &a.key)).collect();
        assert_eq!(distinct.len(), actions.len(), "ValidationException: two actions on one item");
        let empty = Item::new();
        let reasons: Vec<Json> = actions
            .iter()
            .map(|action| {
                let there = self.get(&action.table, &action.key);
                let holds = action.condition.as_ref().is_none_or(|c| c.holds(there.unwrap_or(&empty)));
                match (holds, there.filter(|_| action.shows_old)) {
                    (true, _) => json!({"Code": "None"}),
                    (false, None) => json!({"Code": "ConditionalCheckFailed", "Message": "m"}),
                    (false, Some(there)) => {
                        json!({"Code": "ConditionalCheckFailed", "Message": "m", "Item": item_json(there)})
                    }
                }
            })
            .collect();
        if reasons.iter().any(|reason| reason["Code"] != "None") {
            return (Err(cancelled(reasons)), Vec::new());
        }
        let is_check = |action: &Action| matches!(action.what, What::Check);
        let writes = actions.into_iter().filter(|a| !is_check(a)).map(|action| self.apply(action)).collect();
        self.tokens.insert(token, request["TransactItems"].clone());
        (Ok(json!({})), writes)
    }
}

/// A transaction that isn't done, with the reason of each action.
pub fn cancelled(reasons: Vec<Json>) -> Refusal {
    let more = [("CancellationReasons".to_owned(), Json::Array(reasons))].into_iter().collect();
    Refusal { code: "TransactionCanceledException", more }
}

fn page(found: &[(&Key, &Item)]) -> Json {
    let items: Vec<Json> = found.iter().map(|(_, item)| item_json(item)).collect();
    json!({ "Items": items, "Count": items.len(), "ScannedCount": items.len() })
}

/// What stands under one partition key.
pub fn partition<'t, T>(table: &'t BTreeMap<Key, T>, pk: &str) -> impl Iterator<Item = (&'t Key, &'t T)> {
    let pk = pk.to_owned();
    table.range((pk.clone(), String::new())..).take_while(move |(key, _)| key.0 == pk)
}

/// The partition key that a query's condition names.
fn named_partition(condition: &Condition) -> Option<&str> {
    use expression::{Operand, Order};
    match condition {
        Condition::And(a, _) => named_partition(a),
        Condition::Compare(Operand::Attribute(_), Order::Equal, Operand::Value(Value::S(pk))) => Some(pk),
        _ => None,
    }
}

fn names_partition(condition: &Condition, attribute: &str) -> bool {
    use expression::{Operand, Order};
    match condition {
        Condition::And(a, b) => {
            names_partition(a, attribute) && matches!(&**b, Condition::BeginsWith(name, _) if name == "sk")
        }
        Condition::Compare(Operand::Attribute(name), Order::Equal, Operand::Value(_)) => name == attribute,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tables() -> Tables {
        Tables::new(["t".to_owned()])
    }

    fn put(condition: Option<&str>) -> Json {
        let mut put = json!({"TableName": "t", "Item": {"pk": {"S": "a"}, "sk": {"S": "b"}}});
        if let Some(condition) = condition {
            put["ConditionExpression"] = condition.into();
            put["ReturnValuesOnConditionCheckFailure"] = "ALL_OLD".into();
        }
        put
    }

    #[test]
    fn a_put_if_absent_is_done_once_and_shows_what_is_there() {
        let mut tables = tables();
        let put = put(Some("attribute_not_exists(pk)"));
        assert!(tables.answer("PutItem", &put).0.is_ok());
        let refused = tables.answer("PutItem", &put).0.unwrap_err();
        assert_eq!(refused.code, "ConditionalCheckFailedException");
        assert_eq!(refused.body()["Item"]["pk"]["S"], "a");
    }

    #[test]
    fn a_transaction_is_done_whole_or_not_at_all_and_once_for_its_token() {
        let mut tables = tables();
        let other = json!({"TableName": "t", "Item": {"pk": {"S": "x"}, "sk": {"S": "y"}}});
        let both = |token: &str| {
            json!({"ClientRequestToken": token,
                   "TransactItems": [{"Put": put(Some("attribute_not_exists(pk)"))}, {"Put": other}]})
        };
        assert!(tables.answer("TransactWriteItems", &both("1")).0.is_ok());
        assert!(tables.answer("TransactWriteItems", &both("1")).0.is_ok(), "the answer got lost");
        tables.expire("t", &("x".to_owned(), "y".to_owned()));
        let (refused, writes) = tables.answer("TransactWriteItems", &both("2"));
        let reasons = refused.unwrap_err().body()["CancellationReasons"].clone();
        assert_eq!(
            (&reasons[0]["Code"], &reasons[1]["Code"]),
            (&json!("ConditionalCheckFailed"), &json!("None"))
        );
        assert!(writes.is_empty() && tables.table("t").len() == 1);
    }

    #[test]
    fn queries_come_in_pages() {
        let mut tables = tables();
        for sk in ["1", "2", "3"] {
            let put = json!({"TableName": "t", "Item": {"pk": {"S": "a"}, "sk": {"S": sk}}});
            tables.answer("PutItem", &put).0.unwrap();
        }
        tables.page = 2;
        let mut query = json!({"TableName": "t", "ConsistentRead": true, "KeyConditionExpression": "pk = :pk",
            "ExpressionAttributeValues": {":pk": {"S": "a"}}});
        let first = tables.answer("Query", &query).0.unwrap();
        assert_eq!(first["Count"], 2);
        query["ExclusiveStartKey"] = first["LastEvaluatedKey"].clone();
        let second = tables.answer("Query", &query).0.unwrap();
        assert_eq!((&second["Count"], second.get("LastEvaluatedKey")), (&json!(1), None));
    }

    #[test]
    fn what_it_does_not_know_is_a_panic() {
        for (operation, request) in [
            ("CreateTable", json!({})),
            ("GetItem", json!({"TableName": "t", "Key": {"pk": {"S": "a"}, "sk": {"S": "b"}}})),
            ("PutItem", json!({"TableName": "t", "Item": {"pk": {"S": "a"}}})),
            ("PutItem", json!({"TableName": "none", "Item": {"pk": {"S": "a"}, "sk": {"S": "b"}}})),
            ("PutItem", json!({"TableName": "t", "Item": {}, "Expected": {}})),
        ] {
            let answer = std::panic::catch_unwind(|| tables().answer(operation, &request).1.len());
            assert!(answer.is_err(), "{operation} {request}");
        }
    }
}
