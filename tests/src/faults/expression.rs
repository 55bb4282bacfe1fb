//! The part of DynamoDB's expression language that our requests use, and nothing beyond it: what it
//! can't read is a panic, so that a new request first teaches the model (Amazon DynamoDB Developer
//! Guide, "Condition and filter expressions", "Update expressions", "Key condition expressions").

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value as Json, json};

/// A value of an attribute.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Value {
    /// Text.
    S(String),
    /// A whole number.
    N(i128),
    /// Yes or no.
    Bool(bool),
    /// A set of texts.
    Ss(BTreeSet<String>),
    /// Bytes, in base64.
    B(String),
}

/// An item or a key.
pub type Item = BTreeMap<String, Value>;

impl Value {
    /// Reads a value as DynamoDB's JSON has it.
    pub fn read(json: &Json) -> Self {
        let object = json.as_object().unwrap_or_else(|| panic!("no attribute value: {json}"));
        let (kind, value) = object.iter().next().unwrap_or_else(|| panic!("no attribute value: {json}"));
        assert_eq!(object.len(), 1, "two types in one attribute value: {json}");
        match (kind.as_str(), value) {
            ("S", Json::String(text)) => Self::S(text.clone()),
            ("N", Json::String(digits)) => {
                Self::N(digits.parse().unwrap_or_else(|_| panic!("no whole number: {digits}")))
            }
            ("B", Json::String(base64)) => Self::B(base64.clone()),
            ("BOOL", Json::Bool(flag)) => Self::Bool(*flag),
            ("SS", Json::Array(texts)) => {
                let set: BTreeSet<String> =
                    texts.iter().filter_map(Json::as_str).map(str::to_owned).collect();
                assert!(
                    set.len() == texts.len() && !set.is_empty(),
                    "a set is empty or holds doubles: {json}"
                );
                Self::Ss(set)
            }
            _ => panic!("the model knows no attribute value like {json}"),
        }
    }

    /// The value as DynamoDB's JSON has it.
    pub fn json(&self) -> Json {
        match self {
            Self::S(text) => json!({ "S": text }),
            Self::N(number) => json!({ "N": number.to_string() }),
            Self::Bool(flag) => json!({ "BOOL": flag }),
            Self::Ss(set) => json!({ "SS": set }),
            Self::B(base64) => json!({ "B": base64 }),
        }
    }

    /// The text; a panic for anything else.
    pub fn text(&self) -> &str {
        match self {
            Self::S(text) => text,
            other => panic!("no text: {other:?}"),
        }
    }

    /// The number, if it is one.
    pub fn number(&self) -> Option<i128> {
        match self {
            Self::N(number) => Some(*number),
            _ => None,
        }
    }
}

/// Reads an item.
pub fn item(json: &Json) -> Item {
    let object = json.as_object().unwrap_or_else(|| panic!("no item: {json}"));
    object.iter().map(|(name, value)| (name.clone(), Value::read(value))).collect()
}

/// An item as JSON.
pub fn item_json(item: &Item) -> Json {
    Json::Object(item.iter().map(|(name, value)| (name.clone(), value.json())).collect())
}

/// What an expression's placeholders stand for. Each must be used, as DynamoDB demands.
#[derive(Debug, Default)]
pub struct Placeholders {
    names: BTreeMap<String, String>,
    values: BTreeMap<String, Value>,
    used: RefCell<BTreeSet<String>>,
}

impl Placeholders {
    /// Those of a request.
    pub fn of(request: &Json) -> Self {
        let names = request["ExpressionAttributeNames"].as_object().into_iter().flatten();
        let values = request["ExpressionAttributeValues"].as_object().into_iter().flatten();
        Self {
            names: names
                .map(|(key, name)| (key.clone(), name.as_str().unwrap_or_default().to_owned()))
                .collect(),
            values: values.map(|(key, value)| (key.clone(), Value::read(value))).collect(),
            used: RefCell::default(),
        }
    }

    fn name(&self, token: &str) -> String {
        if !token.starts_with('#') {
            return token.to_owned();
        }
        self.used.borrow_mut().insert(token.to_owned());
        self.names.get(token).unwrap_or_else(|| panic!("{token} is not defined")).clone()
    }

    fn value(&self, token: &str) -> Value {
        self.used.borrow_mut().insert(token.to_owned());
        self.values.get(token).unwrap_or_else(|| panic!("{token} is not defined")).clone()
    }

    /// DynamoDB refuses a request with placeholders that no expression uses.
    pub fn check_all_used(&self) {
        let used = self.used.borrow();
        for name in self.names.keys().chain(self.values.keys()) {
            assert!(used.contains(name), "ValidationException: {name} is defined and not used");
        }
    }
}

/// A condition.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Condition {
    And(Box<Self>, Box<Self>),
    Or(Box<Self>, Box<Self>),
    Compare(Operand, Order, Operand),
    Exists(String),
    Absent(String),
    BeginsWith(String, Value),
    Contains(String, Value),
}

/// What is compared.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Operand {
    Attribute(String),
    Value(Value),
    Size(String),
}

/// How it is compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    Equal,
    Less,
    LessOrEqual,
    Greater,
}

impl Operand {
    fn of(&self, item: &Item) -> Option<Value> {
        match self {
            Self::Attribute(name) => item.get(name).cloned(),
            Self::Value(value) => Some(value.clone()),
            Self::Size(name) => item.get(name).map(|value| match value {
                Value::Ss(set) => Value::N(i128::try_from(set.len()).unwrap_or(i128::MAX)),
                other => panic!("the model knows no size of {other:?}"),
            }),
        }
    }
}

impl Condition {
    /// Whether it holds for an item; an item that isn't there has no attributes.
    pub fn holds(&self, item: &Item) -> bool {
        match self {
            Self::And(a, b) => a.holds(item) && b.holds(item),
            Self::Or(a, b) => a.holds(item) || b.holds(item),
            Self::Exists(name) => item.contains_key(name),
            Self::Absent(name) => !item.contains_key(name),
            Self::BeginsWith(name, start) => match (item.get(name), start) {
                (Some(Value::S(text)), Value::S(start)) => text.starts_with(start.as_str()),
                _ => false,
            },
            Self::Contains(name, part) => match (item.get(name), part) {
                (Some(Value::Ss(set)), Value::S(part)) => set.contains(part),
                (None, _) => false,
                other => panic!("the model knows no contains of {other:?}"),
            },
            Self::Compare(a, order, b) => match (a.of(item), b.of(item)) {
                // Values of two types are never ordered.
                (Some(a), Some(b)) if std::mem::discriminant(&a) == std::mem::discriminant(&b) => match order
                {
                    Order::Equal => a == b,
                    Order::Less => a < b,
                    Order::LessOrEqual => a <= b,
                    Order::Greater => a > b,
                },
                _ => false,
            },
        }
    }
}

/// What an update does.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Changes {
    set: Vec<(String, Value)>,
    add: Vec<(String, Value)>,
}

impl Changes {
    /// Does it.
    pub fn apply(&self, item: &mut Item) {
        for (name, value) in &self.set {
            item.insert(name.clone(), value.clone());
        }
        for (name, value) in &self.add {
            let sum = match (item.get(name), value) {
                (None, value) => value.clone(),
                (Some(Value::N(a)), Value::N(b)) => Value::N(a + b),
                (Some(Value::Ss(a)), Value::Ss(b)) => Value::Ss(a.union(b).cloned().collect()),
                other => panic!("the model can't ADD {other:?}"),
            };
            item.insert(name.clone(), sum);
        }
    }
}

/// Reads a condition.
pub fn condition(text: &str, placeholders: &Placeholders) -> Condition {
    let mut reader = Reader::new(text, placeholders);
    let condition = reader.any_of();
    reader.end();
    condition
}

/// Reads an update.
pub fn changes(text: &str, placeholders: &Placeholders) -> Changes {
    let mut reader = Reader::new(text, placeholders);
    let mut changes = Changes::default();
    while let Some(clause) = reader.next() {
        loop {
            let name = placeholders.name(&reader.word());
            match clause.as_str() {
                "SET" => {
                    reader.expect("=");
                    let value = reader.word();
                    assert!(value.starts_with(':'), "the model sets values only, not {value}");
                    changes.set.push((name, placeholders.value(&value)));
                }
                "ADD" => {
                    let value = reader.word();
                    changes.add.push((name, placeholders.value(&value)));
                }
                other => panic!("the model knows no clause {other} in {text:?}"),
            }
            if reader.peek() != Some(",") {
                break;
            }
            reader.expect(",");
        }
    }
    let mut names: Vec<&String> = changes.set.iter().chain(&changes.add).map(|(name, _)| name).collect();
    names.sort();
    assert!(names.windows(2).all(|pair| pair[0] != pair[1]), "two paths overlap in {text:?}");
    assert!(!names.iter().any(|name| *name == "pk" || *name == "sk"), "an update can't change the key");
    changes
}

struct Reader<'a> {
    text: &'a str,
    tokens: Vec<String>,
    at: usize,
    placeholders: &'a Placeholders,
}

impl<'a> Reader<'a> {
    fn new(text: &'a str, placeholders: &'a Placeholders) -> Self {
        Self { text, tokens: tokens(text), at: 0, placeholders }
    }

    fn peek(&self) -> Option<&str> {
        self.tokens.get(self.at).map(String::as_str)
    }

    fn next(&mut self) -> Option<String> {
        let token = self.tokens.get(self.at).cloned();
        self.at += 1;
        token
    }

    fn word(&mut self) -> String {
        self.next().unwrap_or_else(|| panic!("{:?} ends too early", self.text))
    }

    fn expect(&mut self, token: &str) {
        let found = self.word();
        assert_eq!(found, token, "in {:?}", self.text);
    }

    fn end(&self) {
        assert_eq!(self.peek(), None, "the model can't read the rest of {:?}", self.text);
    }

    fn any_of(&mut self) -> Condition {
        let mut left = self.all_of();
        while self.peek() == Some("OR") {
            self.expect("OR");
            left = Condition::Or(Box::new(left), Box::new(self.all_of()));
        }
        left
    }

    fn all_of(&mut self) -> Condition {
        let mut left = self.one();
        while self.peek() == Some("AND") {
            self.expect("AND");
            left = Condition::And(Box::new(left), Box::new(self.one()));
        }
        left
    }

    fn one(&mut self) -> Condition {
        if self.peek() == Some("(") {
            self.expect("(");
            let inner = self.any_of();
            self.expect(")");
            return inner;
        }
        let function = self.tokens.get(self.at + 1).is_some_and(|next| next == "(");
        match self.peek() {
            Some("attribute_exists") => Condition::Exists(self.argument()),
            Some("attribute_not_exists") => Condition::Absent(self.argument()),
            Some("begins_with") => {
                let (name, value) = self.two_arguments();
                Condition::BeginsWith(name, value)
            }
            Some("contains") => {
                let (name, value) = self.two_arguments();
                Condition::Contains(name, value)
            }
            Some("size") => self.comparison(),
            Some(other) if function => panic!("the model knows no function {other} in {:?}", self.text),
            _ => self.comparison(),
        }
    }

    fn argument(&mut self) -> String {
        self.word();
        self.expect("(");
        let name = self.word();
        self.expect(")");
        self.placeholders.name(&name)
    }

    fn two_arguments(&mut self) -> (String, Value) {
        self.word();
        self.expect("(");
        let name = self.word();
        self.expect(",");
        let value = self.word();
        self.expect(")");
        (self.placeholders.name(&name), self.placeholders.value(&value))
    }

    fn comparison(&mut self) -> Condition {
        let left = self.operand();
        let order = match self.word().as_str() {
            "=" => Order::Equal,
            "<" => Order::Less,
            "<=" => Order::LessOrEqual,
            ">" => Order::Greater,
            other => panic!("the model knows no comparison {other} in {:?}", self.text),
        };
        Condition::Compare(left, order, self.operand())
    }

    fn operand(&mut self) -> Operand {
        match self.peek() {
            Some("size") => Operand::Size(self.argument()),
            Some(token) if token.starts_with(':') => {
                let token = self.word();
                Operand::Value(self.placeholders.value(&token))
            }
            _ => {
                let token = self.word();
                Operand::Attribute(self.placeholders.name(&token))
            }
        }
    }
}

fn tokens(text: &str) -> Vec<String> {
    let mut tokens = Vec::new();
    let mut rest = text.trim_start();
    while let Some(first) = rest.chars().next() {
        let is_word = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '#' | ':');
        let length = if is_word(first) {
            rest.find(|c| !is_word(c)).unwrap_or(rest.len())
        } else if rest.starts_with("<=") || rest.starts_with(">=") || rest.starts_with("<>") {
            2
        } else if matches!(first, '(' | ')' | ',' | '=' | '<' | '>') {
            1
        } else {
            panic!("the model can't read {first:?} in {text:?}");
        };
        let (token, after) = rest.split_at(length);
        tokens.push(token.to_owned());
        rest = after.trim_start();
    }
    tokens
}

#[cfg(test)]
mod tests {
    use super::*;

    fn placeholders() -> Placeholders {
        Placeholders::of(&json!({
            "ExpressionAttributeNames": {"#n": "name"},
            "ExpressionAttributeValues": {":a": {"N": "5"}, ":t": {"S": "text"}, ":s": {"SS": ["x"]}},
        }))
    }

    fn holds(text: &str, of: Json) -> bool {
        condition(text, &placeholders()).holds(&item(&of))
    }

    #[test]
    fn and_binds_tighter_than_or() {
        let a = json!({"a": {"N": "1"}});
        assert!(holds("attribute_exists(a) OR attribute_exists(b) AND attribute_exists(c)", a.clone()));
        assert!(!holds("(attribute_exists(a) OR attribute_exists(b)) AND attribute_exists(c)", a));
    }

    #[test]
    fn numbers_compare_as_numbers_and_never_with_texts() {
        assert!(holds("a > :a", json!({"a": {"N": "10"}})));
        assert!(!holds("a > :a", json!({"a": {"S": "10"}})));
        assert!(!holds("a <= :a", json!({})), "what isn't there is not smaller");
        assert!(holds("size(s) < :a AND contains(s, :t)", json!({"s": {"SS": ["text", "x"]}})));
        assert!(holds("begins_with(#n, :t)", json!({"name": {"S": "text and more"}})));
    }

    #[test]
    fn updates_set_and_add() {
        let placeholders = placeholders();
        let mut there = item(&json!({"n": {"N": "1"}}));
        changes("SET #n = :t ADD n :a, s :s", &placeholders).apply(&mut there);
        placeholders.check_all_used();
        assert_eq!(there["n"], Value::N(6));
        assert_eq!(there["name"], Value::S("text".to_owned()));
        assert_eq!(there["s"], Value::Ss(["x".to_owned()].into()));
    }

    #[test]
    fn what_it_does_not_know_is_a_panic() {
        for text in ["attribute_type(a, :t)", "NOT a = :a", "a <> :a", "a = :b", "a = :a a", "a.b = :a"] {
            assert!(std::panic::catch_unwind(|| condition(text, &placeholders())).is_err(), "{text}");
        }
        assert!(std::panic::catch_unwind(|| changes("REMOVE a", &placeholders())).is_err());
        assert!(std::panic::catch_unwind(|| placeholders().check_all_used()).is_err());
    }
}
