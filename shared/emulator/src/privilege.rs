//! What the roles of deployed functions may do, and what they did.
//!
//! With [`Options::enforce_iam`](crate::Options::enforce_iam) the emulator checks each request against the
//! policies of the role that signed it, as AWS does, and writes down which role asked for what.

use std::collections::BTreeSet;
use std::path::Path;

use percent_encoding::percent_decode_str;
use quick_xml::Reader;
use quick_xml::events::Event;
use reqwest::Method;
use serde::Deserialize;

use crate::http::{Call, Signed};
use crate::{Account, RequestError};

/// Why policies or calls can't be read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PrivilegeError {
    /// The emulator's IAM didn't answer as it should.
    #[error("the emulator's roles can't be asked for")]
    Request(#[from] RequestError),
    /// Its answer isn't XML.
    #[error("the emulator's roles can't be read")]
    Answer(#[from] quick_xml::Error),
    /// A policy isn't one.
    #[error("a policy of the role {role} can't be read")]
    Policy {
        /// The role.
        role: String,
        /// Where it breaks.
        #[source]
        source: serde_json::Error,
    },
    /// The record of calls isn't there.
    #[error("the record of calls can't be read: was the emulator told to enforce policies?")]
    Record(#[source] std::io::Error),
    /// The record has a line that is none.
    #[error("line {line} of the record of calls can't be read")]
    Line {
        /// From 1.
        line: usize,
        /// Where it breaks.
        #[source]
        source: serde_json::Error,
    },
}

/// One action on one resource.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Right {
    /// The role, by its name in IAM.
    pub role: String,
    /// Such as `dynamodb:PutItem`.
    pub action: String,
    /// Its ARN; in what a policy allows a pattern, with `*` for any text.
    pub resource: String,
}

impl Right {
    /// Whether this, as a policy has it, covers what was asked for.
    pub fn allows(&self, asked: &Self) -> bool {
        self.role == asked.role
            && is_like(&self.action, &asked.action)
            && is_like(&self.resource, &asked.resource)
    }
}

/// Whether `text` is what the pattern of a policy means: `*` stands for any text, `?` for any character.
fn is_like(pattern: &str, text: &str) -> bool {
    let (mut pattern_rest, mut text_rest) = (pattern.chars(), text.chars());
    match (pattern_rest.next(), text_rest.next()) {
        (None, None) => true,
        (Some('*'), None) => is_like(pattern_rest.as_str(), text),
        (Some('*'), Some(_)) => is_like(pattern_rest.as_str(), text) || is_like(pattern, text_rest.as_str()),
        (Some(wanted), Some(found)) if wanted == '?' || wanted == found => {
            is_like(pattern_rest.as_str(), text_rest.as_str())
        }
        _ => false,
    }
}

/// What a role asked for.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Asked {
    /// What it was. Transactions and batches are told by their parts, as IAM checks them.
    pub right: Right,
    /// Whether the role's policies allow it.
    pub allowed: bool,
}

/// What a role may do and nothing in a test makes it do.
#[derive(Debug, Clone, Copy)]
pub struct Unused {
    /// The action, or how it begins: `logs:`.
    pub action: &'static str,
    /// The end of the resource, as the policy has it.
    pub resource: &'static str,
    /// The role's name in the template, without `Role`; empty for every role.
    pub role: &'static str,
    /// Why nothing asks for it.
    pub reason: &'static str,
}

impl Unused {
    fn covers(&self, right: &Right) -> bool {
        let role = self.role.is_empty() || right.role.contains(&format!("-{}Role", self.role));
        role && right.action.starts_with(self.action) && right.resource.ends_with(self.resource)
    }
}

/// What is wrong between rights and calls, a line each: calls that no right covers, and rights that nothing
/// asked for and `unused` doesn't name.
pub fn differences(rights: &[Right], asked: &[Asked], unused: &[Unused]) -> Vec<String> {
    let told =
        |right: &Right, what: &str| format!("{}: {} on {} {what}", right.role, right.action, right.resource);
    let mut wrong = BTreeSet::new();
    for call in asked {
        if !call.allowed || !rights.iter().any(|right| right.allows(&call.right)) {
            wrong.insert(told(&call.right, "was asked for and isn't allowed"));
        }
    }
    for right in rights {
        let is_used = asked.iter().any(|call| call.allowed && right.allows(&call.right));
        match unused.iter().find(|unused| unused.covers(right)) {
            None if !is_used => wrong.insert(told(right, "is allowed and was never asked for")),
            Some(unused) if is_used => {
                wrong.insert(told(right, &format!("was asked for, though: {}", unused.reason)))
            }
            _ => false,
        };
    }
    for unused in unused.iter().filter(|unused| !rights.iter().any(|right| unused.covers(right))) {
        wrong.insert(format!("nobody may {} …{}: the exception can go", unused.action, unused.resource));
    }
    wrong.into_iter().collect()
}

/// Everything that the roles of an account may do by policies of their own, action by action and resource
/// by resource. Statements that deny or have conditions are not told.
///
/// # Errors
/// When the emulator refuses or answers what can't be read.
pub async fn rights(account: &Account) -> Result<Vec<Right>, PrivilegeError> {
    let call = Call {
        service: "iam",
        method: Method::POST,
        path: "/",
        content_type: Some("application/x-www-form-urlencoded"),
        target: None,
        body: b"Action=GetAccountAuthorizationDetails&Version=2010-05-08&Filter.member.1=Role".to_vec(),
    };
    let answer = Signed::new(account)?.send(call).await?;
    let mut rights = Vec::new();
    for (role, policy) in policies(&String::from_utf8_lossy(&answer))? {
        rights.extend(rights_in(&role, &policy)?);
    }
    Ok(rights)
}

/// What a policy, as JSON, gives a role; as [`rights`] tells it.
///
/// # Errors
/// When it is no policy.
pub fn rights_in(role: &str, policy: &str) -> Result<Vec<Right>, PrivilegeError> {
    let policy: Policy = serde_json::from_str(policy)
        .map_err(|source| PrivilegeError::Policy { role: role.to_owned(), source })?;
    Ok(policy.statement.into_iter().flat_map(|statement| statement.rights(role)).collect())
}

/// What the roles asked for since the emulator's start, each thing once, in the order in which it was first
/// asked for. `data` is the emulator's directory.
///
/// # Errors
/// When the record is missing or damaged.
pub fn asked(data: &Path) -> Result<Vec<Asked>, PrivilegeError> {
    let text = std::fs::read_to_string(data.join("calls.jsonl")).map_err(PrivilegeError::Record)?;
    let read = |(index, line)| {
        let call: Recorded =
            serde_json::from_str(line).map_err(|source| PrivilegeError::Line { line: index + 1, source })?;
        Ok(call.asked())
    };
    text.lines().enumerate().map(read).filter_map(Result::transpose).collect()
}

/// A line of the record.
#[derive(Deserialize)]
struct Recorded {
    principal: String,
    action: String,
    resource: String,
    allowed: bool,
}

impl Recorded {
    /// `arn:aws:sts::<account>:assumed-role/<role>/<session>` names the role; other principals have none.
    fn asked(self) -> Option<Asked> {
        let role = self.principal.split_once(":assumed-role/")?.1.split('/').next()?.to_owned();
        let Self { action, resource, allowed, .. } = self;
        Some(Asked { right: Right { role, action, resource }, allowed })
    }
}

#[derive(Deserialize)]
struct Policy {
    #[serde(rename = "Statement")]
    statement: Vec<Statement>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Statement {
    effect: String,
    #[serde(default)]
    action: OneOrMany,
    #[serde(default)]
    resource: OneOrMany,
    condition: Option<serde_json::Value>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum OneOrMany {
    One(String),
    Many(Vec<String>),
}

impl Default for OneOrMany {
    fn default() -> Self {
        Self::Many(Vec::new())
    }
}

impl OneOrMany {
    fn as_slice(&self) -> &[String] {
        match self {
            Self::One(one) => std::slice::from_ref(one),
            Self::Many(many) => many,
        }
    }
}

impl Statement {
    fn rights(self, role: &str) -> Vec<Right> {
        if self.effect != "Allow" || self.condition.is_some() {
            return Vec::new();
        }
        let right = |action: &String, resource: &String| Right {
            role: role.to_owned(),
            action: action.clone(),
            resource: resource.clone(),
        };
        let of = |action| self.resource.as_slice().iter().map(move |resource| right(action, resource));
        self.action.as_slice().iter().flat_map(of).collect()
    }
}

/// Each role's policies, percent-decoded (IAM API reference, `PolicyDetail`).
fn policies(xml: &str) -> Result<Vec<(String, String)>, PrivilegeError> {
    let (mut reader, mut role, mut found) = (Reader::from_str(xml), String::new(), Vec::new());
    let mut element = String::new();
    loop {
        match reader.read_event()? {
            Event::Start(start) => element = start.local_name().as_ref().to_owned(),
            Event::Text(text) => {
                let text = text.to_string();
                match element.as_str() {
                    "RoleName" => role = text,
                    "PolicyDocument" => {
                        let document = percent_decode_str(&text).decode_utf8_lossy().into_owned();
                        found.push((role.clone(), document));
                    }
                    _ => {}
                }
            }
            Event::End(_) => element.clear(),
            Event::Eof => return Ok(found),
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn policies_are_told_with_their_role() {
        let xml = "<R><member><AssumeRolePolicyDocument>%7B%7D</AssumeRolePolicyDocument><RoleName>a</RoleName>\
            <RolePolicyList><member><PolicyName>p</PolicyName><PolicyDocument>%7B%22x%22%3A1%7D</PolicyDocument>\
            </member></RolePolicyList></member></R>";
        assert_eq!(policies(xml).unwrap(), [("a".to_owned(), r#"{"x":1}"#.to_owned())]);
    }

    #[test]
    fn a_statement_is_each_action_on_each_resource() {
        let policy = r#"{"Statement":[{"Effect":"Allow","Action":["s:A","s:B"],"Resource":["r","q"]},
            {"Effect":"Deny","Action":"s:C","Resource":"r"}]}"#;
        let rights = rights_in("a", policy).unwrap();
        let told: Vec<_> = rights.iter().map(|r| format!("{} {}", r.action, r.resource)).collect();
        assert_eq!(told, ["s:A r", "s:A q", "s:B r", "s:B q"]);
    }

    #[test]
    fn rights_and_calls_differ_both_ways() {
        let right = |action: &str, resource: &str| Right {
            role: "hashcart-local-CartAddRole-1".to_owned(),
            action: action.to_owned(),
            resource: resource.to_owned(),
        };
        let call = |action: &str, resource: &str, allowed| Asked { right: right(action, resource), allowed };
        let put = [right("dynamodb:PutItem", "arn:table/carts")];
        let asked = call("dynamodb:PutItem", "arn:table/carts", true);
        assert_eq!(differences(&put, std::slice::from_ref(&asked), &[]), [""; 0]);
        let unused = |role| Unused { action: "dynamodb:", resource: "/carts", role, reason: "why" };
        assert_eq!(differences(&put, &[], &[unused("CartAdd")]), [""; 0]);
        for (calls, exceptions, what) in [
            (vec![], vec![], "never asked for"),
            (vec![call("dynamodb:PutItem", "arn:table/carts2", true)], vec![], "isn't allowed"),
            (vec![call("dynamodb:PutItem", "arn:table/carts", false)], vec![], "isn't allowed"),
            (vec![call("dynamodb:GetItem", "arn:table/carts", true)], vec![], "isn't allowed"),
            (vec![asked.clone()], vec![unused("")], "was asked for, though: why"),
            (vec![asked], vec![unused("Notify")], "the exception can go"),
        ] {
            let wrong = differences(&put, &calls, &exceptions).join("\n");
            assert!(wrong.contains(what), "{calls:?}: {wrong}");
        }
    }

    #[test]
    fn a_pattern_means_what_it_means_to_iam() {
        let right = |role: &str, action: &str, resource: &str| Right {
            role: role.to_owned(),
            action: action.to_owned(),
            resource: resource.to_owned(),
        };
        let index = right("a", "dynamodb:Query", "arn:table/*/index/by_?");
        assert!(index.allows(&right("a", "dynamodb:Query", "arn:table/a/b/index/by_x")));
        assert!(!index.allows(&right("a", "dynamodb:Query", "arn:table/a/index/by_xy")));
        assert!(!index.allows(&right("a", "dynamodb:Scan", "arn:table/a/index/by_x")));
        assert!(!index.allows(&right("b", "dynamodb:Query", "arn:table/a/index/by_x")));
        assert!(right("a", "s:A", "*").allows(&right("a", "s:A", "")));
    }

    #[test]
    fn only_roles_are_told_by_their_name() {
        let call = |principal: &str| {
            let line = serde_json::json!({"principal": principal, "action": "s:A", "resource": "r", "allowed": true});
            serde_json::from_value::<Recorded>(line).unwrap().asked()
        };
        let asked = call("arn:aws:sts::000000000000:assumed-role/hashcart-Notify/session").unwrap();
        assert_eq!(asked.right.role, "hashcart-Notify");
        assert_eq!(call("arn:aws:iam::000000000000:user/ann"), None);
    }
}
