//! A stage in an AWS account, deployed or local: account, stack, configuration, secrets, catalogue, mail,
//! queues, alarms.

use std::collections::BTreeMap;

use aws_sdk_cloudformation::types::Stack;
use aws_sdk_cloudwatch::types::{MetricAlarm, StateValue};
use aws_sdk_ses::types::VerificationStatus;
use domain::storefront::Storefront;
use domain::time::Timestamp;
use lambda::aws::Aws;
use lambda::batch::reason;
use lambda::clock::Clock;
use store::catalog::Catalog;
use store::settings::{Pause, Settings};
use url::Url;

use super::findings::Findings;
use super::{Args, reach};
use crate::config::diff;
use crate::pause::in_words;
use crate::queues::{Queue, Queues};
use crate::secrets::known::{Known, Origin, known};
use crate::secrets::shelf::Shelf;
use crate::stage::StageArgs;
use crate::terminal::counted;

/// What SES lets an account send in a day that it has not let out of the sandbox
/// (<https://docs.aws.amazon.com/ses/latest/dg/request-production-access.html>).
const SANDBOX_QUOTA: f64 = 200.0;
/// From which share of the day's quota on a note is due.
const NEARLY_USED_UP: f64 = 0.8;
/// How old a catalogue may be before a note is due, in days.
const OLD_CATALOGUE_DAYS: u64 = 7;
/// How long old values of a secret may stay before a note is due, in days.
const OLD_VALUES_DAYS: u64 = 90;

/// Looks at a deployed stage and at what it answers.
pub(super) async fn check(args: &Args, file: Option<&Storefront>, findings: &mut Findings) {
    let Some((stack, in_force)) = check_account(args, file, findings).await else { return };
    findings.section("Reach");
    let said = stack.as_ref().and_then(|stack| stack.outputs.get("PublicUrl")).map(|url| Url::parse(url));
    let url = match (&args.url, said) {
        (Some(url), Some(Ok(said)))
            if url.as_str().trim_end_matches('/') != said.as_str().trim_end_matches('/') =>
        {
            findings.wrong(
                format!("the stack was deployed for {said}, not for {url}: links in mails lead there"),
                "deploy it with the parameter PublicUrl or DomainName set to yours",
            );
            Some(url.clone())
        }
        (Some(url), _) => Some(url.clone()),
        (None, Some(Ok(said))) => Some(said),
        (None, _) => None,
    };
    let storefront = in_force.as_ref().or(file);
    match url {
        Some(url) if url.scheme() != "https" => {
            findings.wrong(
                format!("{url} is no https address"),
                "deploy it under one: see the parameter PublicUrl",
            );
        }
        Some(url) => reach::check(&url, storefront, findings).await,
        None => findings.note("say --url to have the API looked at: the stack doesn't name it"),
    }
    if let Some(storefront) = storefront {
        reach::check_networks(storefront, findings).await;
    }
}

/// What the stack says of itself.
#[derive(Debug, Default)]
pub(super) struct Deployed {
    outputs: BTreeMap<String, String>,
    parameters: BTreeMap<String, String>,
}

/// Looks at all that AWS says of a stage: its stack, and the storefront in force. `None` where there is no
/// way to it.
pub(super) async fn check_account(
    args: &Args,
    file: Option<&Storefront>,
    findings: &mut Findings,
) -> Option<(Option<Deployed>, Option<Storefront>)> {
    findings.section("Account");
    let aws = match args.stage.aws().await {
        Ok(aws) => aws,
        Err(error) => {
            let (what, remedy) = split(&error);
            findings.wrong(what, remedy);
            return None;
        }
    };
    if !check_identity(&aws, findings).await {
        return None;
    }
    findings.section("Stack");
    let stack = check_stack(args, &aws, findings).await;
    // The local stack puts its own addresses in and can't differ otherwise.
    let file_there = file.filter(|_| !args.stage.is_local());
    let in_force = check_in_force(args, &aws, file_there, findings).await;
    if let Some(storefront) = in_force.as_ref().or(file) {
        findings.section("Secrets");
        check_secrets(&args.stage, storefront, findings).await;
        findings.section("Catalogue");
        check_catalogue(&args.stage, &aws, storefront, findings).await;
    }
    findings.section("Mail");
    check_mail(&aws, stack.as_ref(), findings).await;
    findings.section("Queues");
    check_queues(&args.stage, findings).await;
    if let Some(storefront) = &in_force {
        check_pauses(&args.stage, &aws, storefront, findings).await;
    }
    findings.section("Alarms");
    check_alarms(&args.stage, &aws, findings).await;
    Some((stack, in_force))
}

/// An error of ours says `what is wrong: what to do`; its causes belong to what is wrong.
fn split(error: &anyhow::Error) -> (String, String) {
    let said = error.to_string();
    let (what, remedy) = said.split_once(": ").unwrap_or((said.as_str(), "look at `hashcart help doctor`"));
    let causes: Vec<String> = error.chain().skip(1).map(ToString::to_string).collect();
    let causes = if causes.is_empty() { String::new() } else { format!(" ({})", causes.join(": ")) };
    (format!("{what}{causes}"), remedy.to_owned())
}

async fn check_identity(aws: &Aws, findings: &mut Findings) -> bool {
    match aws_sdk_sts::Client::new(aws.config()).get_caller_identity().send().await {
        Ok(identity) => {
            let region = aws.config().region().map_or("no region", |region| region.as_ref());
            let (account, arn) = (identity.account().unwrap_or("?"), identity.arn().unwrap_or("?"));
            findings.fine(format!("account {account}, region {region}, as {arn}"));
            true
        }
        Err(error) => {
            findings.wrong(
                format!("AWS doesn't know your credentials: {}", reason(&error)),
                "look at AWS_PROFILE; a session of SSO is renewed by `aws sso login`",
            );
            false
        }
    }
}

// ---------------------------------------------------------------- the stack

async fn check_stack(args: &Args, aws: &Aws, findings: &mut Findings) -> Option<Deployed> {
    let name = args.stack.clone().unwrap_or_else(|| format!("hashcart-{}", args.stage.name));
    let client = aws_sdk_cloudformation::Client::new(aws.config());
    let stack = match client.describe_stacks().stack_name(&name).send().await {
        Ok(answer) => answer.stacks.unwrap_or_default().into_iter().next(),
        Err(error) => {
            findings.wrong(
                format!("the stack {name} can't be found: {}", reason(&error)),
                "deploy it (`sam build && sam deploy`), name another one with --stack, or check region and account",
            );
            return None;
        }
    };
    let stack = stack?;
    check_state(&name, &stack, findings);
    let outputs = stack.outputs().iter();
    let outputs = outputs.filter_map(|o| Some((o.output_key()?.to_owned(), o.output_value()?.to_owned())));
    let parameters = stack.parameters().iter();
    let parameters =
        parameters.filter_map(|p| Some((p.parameter_key()?.to_owned(), p.parameter_value()?.to_owned())));
    let deployed = Deployed { outputs: outputs.collect(), parameters: parameters.collect() };
    if let Some(stage) = deployed.parameters.get("Stage").filter(|stage| **stage != args.stage.name) {
        findings.wrong(
            format!("the stack {name} is the stage {stage}, not {}", args.stage.name),
            "name the right one with --stack or --stage",
        );
    }
    Some(deployed)
}

fn check_state(name: &str, stack: &Stack, findings: &mut Findings) {
    let state = stack.stack_status().map_or("without a state", |status| status.as_str());
    let why = stack.stack_status_reason().map(|why| format!(" ({why})")).unwrap_or_default();
    match state {
        "CREATE_COMPLETE" | "UPDATE_COMPLETE" | "IMPORT_COMPLETE" => {
            findings.fine(format!("the stack {name} is deployed: {state}"));
        }
        "UPDATE_ROLLBACK_COMPLETE" | "IMPORT_ROLLBACK_COMPLETE" => findings.wrong(
            format!("the last deployment of the stack {name} was undone: {state}{why}"),
            "look at the stack's events for the first failure, mend it and deploy again",
        ),
        state if state.ends_with("_IN_PROGRESS") => {
            findings.note(format!("the stack {name} is being changed: {state}"));
        }
        state => findings.wrong(
            format!("the stack {name} is not deployed: {state}{why}"),
            "look at its events for the first failure; after ROLLBACK_COMPLETE delete it and deploy again",
        ),
    }
}

// ---------------------------------------------------------------- the storefront

async fn check_in_force(
    args: &Args,
    aws: &Aws,
    file: Option<&Storefront>,
    findings: &mut Findings,
) -> Option<Storefront> {
    let (stage, table) = (&args.stage.name, args.stage.table("settings"));
    match Settings::new(aws.dynamodb(), &table).current().await {
        Ok(Some(current)) => {
            findings.fine(format!("storefront: version {} is in force", current.version));
            let changes =
                file.map(|file| diff::changes(&current.value, file).map_or(0, |changes| changes.len()));
            if let Some(changes) = changes.filter(|changes| *changes > 0) {
                findings.note(format!(
                    "it differs from the file here in {}: `hashcart config push --stage {stage} --dry-run` shows \
                     where",
                    counted(changes, "place")
                ));
            }
            Some(current.value)
        }
        Ok(None) => {
            findings.wrong(
                "no storefront has been pushed",
                format!("`hashcart config push storefront.toml --stage {stage}`"),
            );
            None
        }
        Err(error) => {
            findings.wrong(
                format!("the table {table} can't be read: {}", reason(&error)),
                "check the stage's name, AWS_REGION and your credentials",
            );
            None
        }
    }
}

// ---------------------------------------------------------------- secrets

async fn check_secrets(stage: &StageArgs, storefront: &Storefront, findings: &mut Findings) {
    let known = known(storefront, stage.is_local());
    let names: Vec<&str> = known.iter().map(|known| known.name.as_str()).collect();
    let kept = match Shelf::of(stage).await {
        Ok(shelf) => shelf.read(&names).await,
        Err(error) => Err(error),
    };
    let kept = match kept {
        Ok(kept) => kept,
        Err(error) => {
            let (what, remedy) = split(&error);
            return findings.wrong(what, remedy);
        }
    };
    let before = findings.wrong_ones();
    for known in &known {
        let Some(kept) = kept.get(&known.name).filter(|kept| !kept.values.is_empty()) else {
            // What this machine's stack does without, and says so, is no fault of it.
            let is_wrong = !(stage.is_local() && known.origin == Origin::Network);
            if let Some(need) = known.need.filter(|_| is_wrong) {
                findings.wrong(format!("{} is not set: {need}", known.name), remedy(known, stage));
            }
            continue;
        };
        if let Some(problem) = kept.values.iter().find_map(|value| known.problem(value.expose())) {
            findings.wrong(
                format!("a value of {} {problem}", known.name),
                format!(
                    "`hashcart secrets rotate {} --stage {}`, then the same with `prune`",
                    known.name, stage.name
                ),
            );
        }
        let old = kept.changed.is_some_and(|at| days_since(at) >= OLD_VALUES_DAYS);
        if kept.values.len() > 1 && old {
            findings.note(format!(
                "{} keeps {} values, unchanged for {OLD_VALUES_DAYS} days: `hashcart secrets prune {0} --stage {}` drops \
                 the old",
                known.name,
                kept.values.len(),
                stage.name
            ));
        }
    }
    if findings.wrong_ones() == before {
        findings.fine("no secret is missing, and each is of the right form");
    }
}

fn remedy(known: &Known, stage: &StageArgs) -> String {
    match known.origin {
        Origin::Network => format!("`hashcart secrets set {} --stage {}`", known.name, stage.name),
        Origin::Random | Origin::Webhook => {
            format!("`hashcart secrets init --stage {}` makes it up", stage.name)
        }
    }
}

fn days_since(at: Timestamp) -> u64 {
    Clock::system().now().since(at).as_secs() / (24 * 60 * 60)
}

// ---------------------------------------------------------------- the catalogue

async fn check_catalogue(stage: &StageArgs, aws: &Aws, storefront: &Storefront, findings: &mut Findings) {
    let catalog = Catalog::new(aws.dynamodb(), stage.table("catalog"));
    for marketplace in &storefront.marketplaces {
        let id = &marketplace.id;
        let import = format!("`hashcart catalog import FEED --marketplace {id} --stage {}`", stage.name);
        let seen = match catalog.has_products(id).await {
            Ok(false) => {
                findings.wrong(format!("the catalogue of `{id}` is empty"), import);
                continue;
            }
            Ok(true) => catalog.imported(id).await,
            Err(error) => Err(error),
        };
        match seen {
            Ok(Some(imported)) => {
                let (days, what) = (days_since(imported.at), imported.variants);
                let told = format!(
                    "the catalogue of `{id}` was imported {} with {what} variants",
                    if days == 0 { "today".to_owned() } else { format!("{days} days ago") }
                );
                if days >= OLD_CATALOGUE_DAYS {
                    findings.note(format!("{told}: prices and stock may be others by now; {import}"));
                } else {
                    findings.fine(told);
                }
                if imported.rejected > 0 {
                    findings.note(format!("rejected of that feed: {}", counted(imported.rejected, "row")));
                }
            }
            Ok(None) => findings.fine(format!("the catalogue of `{id}` has products, of unknown age")),
            Err(error) => findings.wrong(
                format!("the catalogue of `{id}` can't be read: {}", reason(&error)),
                "your credentials need dynamodb:Scan on it",
            ),
        }
    }
}

// ---------------------------------------------------------------- mail

async fn check_mail(aws: &Aws, stack: Option<&Deployed>, findings: &mut Findings) {
    let ses = aws.ses();
    match stack.and_then(|stack| stack.parameters.get("MailFrom")) {
        Some(sender) => check_sender(&ses, sender, findings).await,
        None => findings.note("the stack names no sender: its identity is not looked at"),
    }
    match ses.get_send_quota().send().await {
        Ok(quota) if quota.max24_hour_send() <= SANDBOX_QUOTA => findings.wrong(
            "SES is in its sandbox: it mails nobody but verified addresses",
            "ask for production access in the SES console, under Account dashboard",
        ),
        Ok(quota) => {
            let (sent, most) = (quota.sent_last24_hours(), quota.max24_hour_send());
            let told = format!(
                "{sent} of {most} mails were sent in 24 hours, {} a second at most",
                quota.max_send_rate()
            );
            if sent >= most * NEARLY_USED_UP {
                findings.note(format!("{told}: ask SES for a higher quota"));
            } else {
                findings.fine(told);
            }
        }
        Err(error) => findings.note(format!("the quota of SES can't be read: {}", reason(&error))),
    }
    // Whoever may not ask this sees the quota at least.
    if let Ok(sending) = ses.get_account_sending_enabled().send().await
        && !sending.enabled()
    {
        findings.wrong(
            "SES has paused all sending of this account",
            "look at the reasons in the SES console, under Reputation",
        );
    }
    if let Some(set) = stack.and_then(|stack| stack.outputs.get("MailConfiguration")) {
        match ses.describe_configuration_set().configuration_set_name(set).send().await {
            Ok(_) => findings.fine(format!("the configuration set {set} is there")),
            Err(error) => findings.wrong(
                format!("the configuration set {set} can't be read: {}", reason(&error)),
                "deploy the stack again: without it no mail is sent and bounces are not heard of",
            ),
        }
    }
}

/// The address or its domain has to be verified; either does.
async fn check_sender(ses: &aws_sdk_ses::Client, sender: &str, findings: &mut Findings) {
    let domain = sender.rsplit_once('@').map_or(sender, |(_, domain)| domain);
    let request = ses.get_identity_verification_attributes().identities(sender).identities(domain);
    match request.send().await {
        Ok(answer) => {
            let is_verified = |identity: &str| {
                let found = answer.verification_attributes().get(identity);
                found.is_some_and(|found| *found.verification_status() == VerificationStatus::Success)
            };
            match [sender, domain].into_iter().find(|identity| is_verified(identity)) {
                Some(identity) => findings.fine(format!("{identity} is a verified identity of SES")),
                None => findings.wrong(
                    format!("neither {sender} nor {domain} is a verified identity of SES in this region"),
                    "verify the domain in the SES console and put its DKIM records into the DNS",
                ),
            }
        }
        Err(error) => findings.note(format!("the identities of SES can't be read: {}", reason(&error))),
    }
}

// ---------------------------------------------------------------- queues, switches

async fn check_queues(stage: &StageArgs, findings: &mut Findings) {
    let queues = match Queues::of(stage).await {
        Ok(queues) => queues,
        Err(error) => {
            let (what, remedy) = split(&error);
            return findings.wrong(what, remedy);
        }
    };
    let before = findings.wrong_ones();
    for queue in Queue::ALL {
        check_dead_letters(&queues, queue, findings).await;
        let waiting = async {
            let url = queues.url(&queue.physical(&stage.name)).await?;
            queues.counts(&url).await
        };
        // A queue that can't be asked is told by its dead-letter queue, which stands beside it.
        if let Ok(counts) = waiting.await
            && counts.total() > 0
        {
            findings.note(format!(
                "{queue}: {} waiting, {} being handled, {} held back",
                counted(counts.waiting, "message"),
                counts.in_flight,
                counts.delayed
            ));
        }
    }
    if findings.wrong_ones() == before {
        findings.fine("the dead-letter queues are empty");
    }
}

async fn check_dead_letters(queues: &Queues, queue: Queue, findings: &mut Findings) {
    let dead = async {
        let url = queues.url(&queue.physical_dead(queues.stage())).await?;
        queues.counts(&url).await
    };
    match dead.await {
        Ok(counts) if counts.total() == 0 => {}
        Ok(counts) => findings.wrong(
            format!("the dead-letter queue of {queue} holds {}", counted(counts.total(), "message")),
            format!("`hashcart dlq list {queue} --stage {}` shows them with their reasons", queues.stage()),
        ),
        Err(error) => {
            let (what, remedy) = split(&error);
            findings.wrong(what, remedy);
        }
    }
}

async fn check_pauses(stage: &StageArgs, aws: &Aws, storefront: &Storefront, findings: &mut Findings) {
    let networks: Vec<_> = storefront.networks.iter().map(|network| network.id.clone()).collect();
    match Settings::new(aws.dynamodb(), stage.table("settings")).paused(&networks).await {
        Ok(paused) => {
            for (network, pause) in paused.iter().filter(|(_, pause)| **pause != Pause::default()) {
                findings.note(format!(
                    "{network} is {}: `hashcart resume {network} --stage {}`",
                    in_words(*pause),
                    stage.name
                ));
            }
        }
        Err(error) => findings
            .wrong(format!("the pause switches can't be read: {}", reason(&error)), "check your credentials"),
    }
}

// ---------------------------------------------------------------- alarms

async fn check_alarms(stage: &StageArgs, aws: &Aws, findings: &mut Findings) {
    let prefix = format!("hashcart-{}-", stage.name);
    let client = aws_sdk_cloudwatch::Client::new(aws.config());
    let mut pages = client.describe_alarms().alarm_name_prefix(&prefix).into_paginator().send();
    let mut alarms = Vec::new();
    while let Some(page) = pages.next().await {
        match page {
            Ok(page) => alarms.extend(page.metric_alarms.unwrap_or_default()),
            Err(error) => {
                return findings.note(format!("the alarms can't be read: {}", reason(&error)));
            }
        }
    }
    let ringing: Vec<&MetricAlarm> =
        alarms.iter().filter(|alarm| alarm.state_value() == Some(&StateValue::Alarm)).collect();
    for alarm in &ringing {
        findings.wrong(
            format!("the alarm {} has gone off", alarm.alarm_name().unwrap_or("?")),
            alarm.alarm_description().unwrap_or("look at it in the CloudWatch console"),
        );
    }
    let silenced = alarms.iter().filter(|alarm| alarm.actions_enabled() == Some(false)).count();
    if silenced > 0 {
        findings.note(format!("the actions of {} are switched off", counted(silenced, "alarm")));
    }
    match (alarms.len(), ringing.len()) {
        (0, _) => findings.wrong(
            format!("there are no alarms {prefix}…"),
            "deploy the template of this release: it has them",
        ),
        (many, 0) => findings.fine(format!("{}, and none has gone off", counted(many, "alarm"))),
        _ => {}
    }
}
