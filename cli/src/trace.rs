//! `hashcart trace`: the whole way of one post, from what the functions logged, what the tables hold and
//! what is stuck.

mod render;
mod way;

use std::collections::BTreeSet;
use std::time::Duration;

use anyhow::{Context as _, bail};
use domain::cart::Entry;
use domain::ids::{CustomerId, NetworkId, PostId};
use domain::post::PostRef;
use domain::time::Timestamp;
use lambda::clock::Clock;
use serde::Serialize;
use store::carts::Carts;
use store::deliveries::{Deliveries, Notice};
use url::Url;

use crate::dlq::{self, DeadLetter};
use crate::logs::Search;
use crate::queues::Queues;
use crate::stage::{StageArgs, stage_option};
use crate::stats::since;
use crate::terminal::{complain, say};
pub(crate) use way::{LogLine, Trace};

/// The functions that touch posts, in the order of a post's way.
const FUNCTIONS: [&str; 6] =
    ["webhook-ingest", "classify", "cart-add", "notify", "account-link", "cart-page"];

/// Shows the whole way of a post: what each function did with it, how its lines were decided, who was told
/// and what is stuck.
#[derive(Clone, Debug, clap::Args)]
#[command(after_help = "Examples:
  hashcart trace generic#01JD3X6V2M --since 1h          the local stack that runs here
  hashcart trace 'x#2080761390344937796' --stage prod
  hashcart trace https://x.com/ann/status/2080761390344937796 --stage prod --since 7d
  hashcart trace 'x#2080761390344937796' --stage prod --json

Looking changes nothing. No address and no text of a shopper is shown. A shorter --since is
faster: all log lines since then are searched. On AWS the newest ones may be missing for some
seconds.

Needs logs:FilterLogEvents on /aws/lambda/hashcart-STAGE-*, dynamodb:Query on the tables
deliveries and carts (and dynamodb:GetItem on settings for an address), and on the dead-letter
queues sqs:GetQueueUrl, sqs:GetQueueAttributes, sqs:ReceiveMessage, sqs:ChangeMessageVisibility.")]
pub struct Args {
    /// The post: NETWORK#ID as logs, metrics and `hashcart dlq` write it, or its address.
    #[arg(value_name = "POST")]
    post: String,
    /// How far back the logs are searched, as in 30m, 24h or 7d; at most 14d.
    #[arg(long, value_name = "TIME", default_value = "24h", value_parser = since)]
    since: Duration,
    /// JSON instead of text.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    stage: StageArgs,
}

/// All that is known of a post. What `--json` writes; fields are only ever added.
#[derive(Clone, Debug, Serialize)]
struct Report {
    stage: String,
    post: String,
    /// From where on the logs were searched, and whether to the end.
    searched: Searched,
    /// The ids of its X-Ray traces, the first one first.
    traces: Vec<String>,
    #[serde(flatten)]
    way: Trace,
    /// Its decisions as the customer's cart holds them.
    decisions: Vec<Decision>,
    notices: Vec<Notice>,
    /// Whether its author deleted it.
    erased: bool,
    dead_letters: Vec<DeadLetter>,
}

#[derive(Clone, Debug, Serialize)]
struct Searched {
    from: Timestamp,
    complete: bool,
}

/// A line of the post as it was decided.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
struct Decision {
    step: u16,
    line: u16,
    customer: CustomerId,
    outcome: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    product: Option<String>,
    at: Timestamp,
}

impl Decision {
    fn of(customer: &CustomerId, entry: &Entry) -> Self {
        Self {
            step: entry.key.step,
            line: entry.key.line,
            customer: customer.clone(),
            outcome: entry.told.outcome.name(),
            product: entry.told.product.as_ref().map(|brief| brief.product.product.to_string()),
            at: entry.decided_at,
        }
    }
}

/// Looks for a post everywhere and says what was found.
///
/// # Errors
/// When the stage can't be read, or nothing at all is known of the post.
pub async fn run(args: Args) -> anyhow::Result<()> {
    let post = args.post().await?;
    let report = report(&args, &post).await?;
    if report.is_empty() {
        bail!(nothing_found(&args, &post));
    }
    if !report.searched.complete {
        complain("Not all log lines were searched: there are too many. A shorter --since finds the rest.");
    }
    match args.json {
        true => say(serde_json::to_string_pretty(&report)?),
        false => render::report(&report),
    }
    Ok(())
}

impl Args {
    /// The post that is meant.
    async fn post(&self) -> anyhow::Result<PostRef> {
        if let Some((network, id)) = self.post.split_once('#')
            && !network.is_empty()
            && !network.contains(['/', ':'])
            && !id.is_empty()
        {
            return Ok(PostRef { network: NetworkId::new(network), id: PostId::new(id) });
        }
        let address = Url::parse(&self.post).ok().filter(Url::has_host).with_context(|| {
            format!(
                "`{}` is no post: give NETWORK#ID, such as x#2080761390344937796, or its address",
                self.post
            )
        })?;
        let Some(current) = self.stage.settings().await?.current().await? else {
            bail!(self.stage.no_storefront())
        };
        let networks = &current.value.networks;
        networks.iter().find_map(|network| networks::post_at(network, &address)).with_context(|| {
            let known: Vec<&str> = networks.iter().map(|network| network.id.as_str()).collect();
            format!(
                "no network of the storefront ({}) shows a post at this address: give NETWORK#ID",
                known.join(", ")
            )
        })
    }
}

async fn report(args: &Args, post: &PostRef) -> anyhow::Result<Report> {
    let aws = args.stage.aws().await?;
    let queues = Queues::new(&aws, &args.stage.name);
    let from = Clock::system().now().minus(args.since);
    let deliveries = Deliveries::new(aws.dynamodb(), args.stage.table("deliveries"));
    let search = Search::new(&aws, &args.stage.name, &post.to_string(), from);
    let (found, told, dead_letters) =
        futures::join!(walk(&search, post), deliveries.read(post), dlq::about(&queues, post),);
    let ((way, complete), told) = (found?, told.context("the table deliveries can't be read")?);
    let carts = Carts::new(aws.dynamodb(), args.stage.table("carts"));
    Ok(Report {
        stage: args.stage.name.clone(),
        post: post.to_string(),
        searched: Searched { from, complete },
        traces: traces(&way),
        decisions: decisions(&carts, &way, post).await?,
        way,
        notices: told.notices,
        erased: told.is_erased,
        dead_letters: dead_letters?,
    })
}

/// The post's way through all functions, and whether all their lines were looked at.
async fn walk(search: &Search, post: &PostRef) -> anyhow::Result<(Trace, bool)> {
    let (mut way, mut complete, post) = (Trace::default(), true, post.to_string());
    for function in FUNCTIONS {
        let take = |line: LogLine| {
            if line.post.as_deref() == Some(&post) {
                way.add(&line);
            }
        };
        complete &= search.lines(function, take).await?;
    }
    Ok((way, complete))
}

/// The post's decisions in the carts of the customers that the logs name.
async fn decisions(carts: &Carts, way: &Trace, post: &PostRef) -> anyhow::Result<Vec<Decision>> {
    let customers: BTreeSet<&str> = way.texts("customer").collect();
    let mut decisions = Vec::new();
    for customer in customers.into_iter().map(CustomerId::new) {
        let record = carts.read(&customer).await.context("the table carts can't be read")?;
        let of_post = |entry: &&Entry| entry.key.network == post.network && entry.key.post == post.id;
        decisions.extend(record.entries.iter().filter(of_post).map(|entry| Decision::of(&customer, entry)));
    }
    decisions.sort_by_key(|decision| (decision.step, decision.line));
    Ok(decisions)
}

/// The traces that the lines name, in the order of their first line.
fn traces(way: &Trace) -> Vec<String> {
    way.texts("trace").fold(Vec::new(), |mut traces, trace| {
        if !traces.iter().any(|known| known == trace) {
            traces.push(trace.to_owned());
        }
        traces
    })
}

impl Report {
    fn is_empty(&self) -> bool {
        self.way.steps.is_empty() && self.notices.is_empty() && self.dead_letters.is_empty() && !self.erased
    }
}

fn nothing_found(args: &Args, post: &PostRef) -> String {
    let stage = &args.stage.name;
    let option = stage_option(stage);
    format!(
        "nothing is known of {post} on the stage {stage}. Check, in this order:\n\
         - the id: the network's own, as in the post's address, after the network's id in storefront.toml;\n\
         - the time: the logs were searched since {} ago (--since), and are kept as long as the template's \
         LogRetentionDays;\n\
         - the network: what it sends may be refused (`hashcart stats{option}`) or not come at all \
         (`hashcart doctor{option}`)",
        indicatif::HumanDuration(args.since)
    )
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Parser)]
    struct Command {
        #[command(flatten)]
        args: Args,
    }

    async fn read(post: &str) -> anyhow::Result<PostRef> {
        Command::parse_from(["trace", post, "--data", "/nonexistent"]).args.post().await
    }

    #[tokio::test]
    async fn posts_are_named_as_in_logs() {
        for (text, id) in
            [("x#20", "20"), ("generic#a#b", "a#b"), ("generic#https://n.example/1", "https://n.example/1")]
        {
            assert_eq!(read(text).await.unwrap().id.as_str(), id, "{text}");
        }
        for bad in ["20", "#20", "x#", "x", ""] {
            let error = read(bad).await.unwrap_err().to_string();
            assert!(error.contains("NETWORK#ID"), "{bad}: {error}");
        }
    }
}
