//! Least privilege, both ways: what the functions asked of AWS in all the tests before this one is what
//! their roles allow, and what the roles allow was asked for.

use std::collections::BTreeSet;

use anyhow::ensure;
use emulator::privilege::{Unused, asked, differences, rights};
use tests::stack::Stack;

/// What a role may do and no test makes it do.
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
    let wrong = differences(&rights, &asked, UNUSED);
    ensure!(wrong.is_empty(), "\n{}", wrong.join("\n"));
    Ok(())
}
