//! Least privilege, both ways: what the functions asked of AWS in all the tests before this one is what
//! their roles allow, and what the roles allow was asked for.

use std::collections::BTreeSet;

use anyhow::{Context as _, ensure};
use emulator::privilege::{Asked, Right, asked, rights};
use tests::stack::Stack;

/// What a role may do and no test makes it do.
struct Unused {
    action: &'static str,
    /// The end of the resource's ARN.
    resource: &'static str,
    /// The end of the role's name in the template, without `Role`; empty for every role.
    role: &'static str,
    reason: &'static str,
}

const UNUSED: &[Unused] = &[
    unused("logs:", "", "", "Lambda writes the logs, with the role; the emulator takes them without asking"),
    unused("xray:", "*", "", "Lambda sends the segments, with the role; the emulator has no X-Ray"),
    unused("sqs:ReceiveMessage", "", "", POLLED),
    unused("sqs:DeleteMessage", "", "", POLLED),
    unused("sqs:GetQueueAttributes", "", "", POLLED),
    unused(
        "sqs:ChangeMessageVisibility",
        "",
        "",
        "the back-off after a failure that may pass: shared/emulator/tests/deploy.rs has a message that fails",
    ),
    unused("sqs:SendMessage", ":hashcart-local-posts", "Classify", PAUSED),
    unused("sqs:SendMessage", ":hashcart-local-outcomes", "Notify", PAUSED),
    unused(
        "dynamodb:Query",
        ":table/hashcart-local-catalog",
        "Classify",
        "a shop at Amazon, whose links carry the product's id: the demonstration has none",
    ),
    unused(
        "ses:SendRawEmail",
        ":identity/acme.example",
        "",
        "the identity is either the address, as here, or its domain",
    ),
];

const POLLED: &str = "Lambda polls the queue, with the role; the emulator polls without asking";
const PAUSED: &str = "what a pause makes wait is sent again, and a pause is seen within a minute: \
    functions/classify/tests and functions/notify/tests have it";

const fn unused(
    action: &'static str,
    resource: &'static str,
    role: &'static str,
    reason: &'static str,
) -> Unused {
    Unused { action, resource, role, reason }
}

impl Unused {
    fn covers(&self, right: &Right) -> bool {
        let role = self.role.is_empty() || right.role.contains(&format!("-{}Role", self.role));
        role && right.action.starts_with(self.action) && right.resource.ends_with(self.resource)
    }
}

/// Whether `text` is what the pattern of a policy means: `*` stands for any text, `?` for any character.
fn is_like(pattern: &str, text: &str) -> bool {
    match (pattern.chars().next(), text.chars().next()) {
        (None, None) => true,
        (Some('*'), _) => {
            let rest = &pattern[1..];
            (0..=text.len()).filter(|at| text.is_char_boundary(*at)).any(|at| is_like(rest, &text[at..]))
        }
        (Some(wanted), Some(found)) if wanted == '?' || wanted == found => {
            is_like(&pattern[wanted.len_utf8()..], &text[found.len_utf8()..])
        }
        _ => false,
    }
}

fn allows(right: &Right, asked: &Right) -> bool {
    right.role == asked.role
        && is_like(&right.action, &asked.action)
        && is_like(&right.resource, &asked.resource)
}

/// The rights and calls of the six roles, and what is wrong between them, a line each.
fn differences(rights: &[Right], asked: &[Asked]) -> Vec<String> {
    let told =
        |right: &Right, what: &str| format!("{}: {} on {} {what}", right.role, right.action, right.resource);
    let mut wrong = BTreeSet::new();
    for call in asked {
        if !call.allowed || !rights.iter().any(|right| allows(right, &call.right)) {
            wrong.insert(told(&call.right, "was asked for and isn't allowed"));
        }
    }
    for right in rights {
        let is_used = asked.iter().any(|call| call.allowed && allows(right, &call.right));
        match UNUSED.iter().find(|unused| unused.covers(right)) {
            None if !is_used => wrong.insert(told(right, "is allowed and was never asked for")),
            Some(unused) if is_used => {
                wrong.insert(told(right, &format!("was asked for, though: {}", unused.reason)))
            }
            _ => false,
        };
    }
    wrong.into_iter().collect()
}

/// Runs behind all other tests.
pub(crate) async fn roles_allow_what_was_used_and_nothing_else(stack: &Stack) -> anyhow::Result<()> {
    let rights = rights(&stack.account()?).await?;
    let asked = asked(&stack.data().join("emulator"))?;
    let roles: BTreeSet<&str> = rights.iter().map(|right| right.role.as_str()).collect();
    ensure!(roles.len() == 6, "one role for each function: {roles:?}");
    for right in &rights {
        let wild = right.resource == "*" && !right.action.starts_with("xray:");
        ensure!(!wild && !right.action.contains('*'), "{right:?} is for everything");
    }
    for unused in UNUSED {
        rights.iter().find(|right| unused.covers(right)).with_context(|| {
            format!("no role may {} …{}: the exception can go", unused.action, unused.resource)
        })?;
    }
    let wrong = differences(&rights, &asked);
    ensure!(wrong.is_empty(), "\n{}", wrong.join("\n"));
    Ok(())
}

/// The comparison itself, on a handful of rights.
pub(crate) async fn the_comparison_finds_both_directions(_: &Stack) -> anyhow::Result<()> {
    let right = |action: &str, resource: &str| Right {
        role: "hashcart-local-CartAddRole-1".to_owned(),
        action: action.to_owned(),
        resource: resource.to_owned(),
    };
    let call = |action: &str, resource: &str, allowed| Asked { right: right(action, resource), allowed };
    let put = right("dynamodb:PutItem", "arn:table/carts");
    assert!(
        differences(std::slice::from_ref(&put), &[call("dynamodb:PutItem", "arn:table/carts", true)])
            .is_empty()
    );
    for (calls, what) in [
        (vec![], "never asked for"),
        (vec![call("dynamodb:PutItem", "arn:table/carts2", true)], "isn't allowed"),
        (vec![call("dynamodb:PutItem", "arn:table/carts", false)], "isn't allowed"),
        (vec![call("dynamodb:GetItem", "arn:table/carts", true)], "isn't allowed"),
    ] {
        let wrong = differences(std::slice::from_ref(&put), &calls).join("\n");
        ensure!(wrong.contains(what), "{calls:?}: {wrong}");
    }
    let index = right("dynamodb:Query", "arn:table/*/index/by_?");
    assert!(allows(&index, &right("dynamodb:Query", "arn:table/a/b/index/by_x")));
    assert!(!allows(&index, &right("dynamodb:Query", "arn:table/a/index/by_xy")));
    Ok(())
}
