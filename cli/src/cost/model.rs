//! The model: quantities of a month from measured counts, and list prices over them.

use std::collections::BTreeMap;

use anyhow::Context as _;
use serde::{Deserialize, Serialize};

use super::{Likeness, Network};

/// Prices and usage.
const MODEL: &str = include_str!("model.toml");
/// Requests and units per add, as `benches` counted them last (`docs/PERFORMANCE.md`).
const REQUESTS: &str = include_str!("../../../docs/requests.json");

/// How many messages the measured batches held.
const BATCH: f64 = 10.0;
/// How many queues an add goes through.
const QUEUES: f64 = 3.0;
/// Minutes of a month of thirty days.
const MINUTES: f64 = 30.0 * 24.0 * 60.0;
const GB: f64 = 1e9;

/// A list price and where it stands.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Price {
    usd: f64,
    /// For so many units.
    per: f64,
    unit: String,
    source: String,
    region: String,
    date: String,
    /// Whether somebody compared it with its page on that day.
    checked: bool,
}

/// What an invocation of a function takes: milliseconds, and bytes of its own log.
#[derive(Clone, Copy, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
struct Invocation {
    cpu_ms: f64,
    wait_ms: f64,
    log_bytes: f64,
}

#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
struct Prices {
    http_api: Price,
    lambda_requests: Price,
    lambda_gb_seconds: Price,
    sqs_requests: Price,
    sqs_fair_requests: Price,
    dynamodb_write_units: Price,
    dynamodb_read_units: Price,
    dynamodb_storage: Price,
    ses_mails: Price,
    cloudwatch_logs: Price,
    cloudwatch_metrics: Price,
    cloudwatch_alarms: Price,
    cloudwatch_dashboards: Price,
    xray_traces: Price,
    kms_requests: Price,
    data_transfer: Price,
    x_events: Price,
    x_reads: Price,
    x_replies: Price,
}

#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct Functions {
    webhook_ingest: Invocation,
    webhook_ingest_reject: Invocation,
    classify: Invocation,
    cart_add: Invocation,
    notify: Invocation,
}

/// See `model.toml`, which says what each is and where it comes from.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
struct Usage {
    memory_mb: f64,
    processor_mb: f64,
    lambda_log_bytes: f64,
    access_log_bytes_per_request: f64,
    item_bytes_per_add: f64,
    kept_months: f64,
    answer_bytes: f64,
    reply_bytes: f64,
    traced_share: f64,
    traces_per_post: f64,
    warm_environments: f64,
    secrets_per_read: f64,
    idle_polls: f64,
    metrics: f64,
    alarms: f64,
    dashboards: f64,
}

/// Everything that the model reckons with.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Model {
    prices: Prices,
    functions: Functions,
    usage: Usage,
}

/// What is sent to one operation of a service for each add.
#[derive(Clone, Debug, PartialEq, Deserialize)]
struct Count {
    function: String,
    service: String,
    requests: f64,
    #[serde(default)]
    read_units: f64,
    #[serde(default)]
    write_units: f64,
}

/// The measured counts.
#[derive(Clone, Debug, PartialEq, Deserialize)]
struct Counts {
    adds: BTreeMap<String, Vec<Count>>,
}

/// The counts of one likeness, summed up.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
struct PerAdd {
    sqs: f64,
    read_units: f64,
    write_units: f64,
}

/// What a month brings.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub(super) struct Month {
    /// Posts that are not for us.
    pub(super) posts: u64,
    pub(super) adds: u64,
    /// Adds for each mail.
    pub(super) digest: u64,
    pub(super) network: Network,
    pub(super) adds_are: Likeness,
}

/// Lines that are read together.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Group {
    /// Grows with posts and adds.
    Use,
    /// Mail.
    Mail,
    /// Tracing.
    Tracing,
    /// What networks charge.
    Network,
    /// There whether anybody posts or not.
    Fixed,
}

impl Group {
    /// All of them.
    pub(super) const ALL: [Self; 5] = [Self::Use, Self::Mail, Self::Tracing, Self::Network, Self::Fixed];

    /// Its title.
    pub(super) fn title(self) -> &'static str {
        match self {
            Self::Use => "By use",
            Self::Mail => "Mail",
            Self::Tracing => "Tracing",
            Self::Network => "Network fees",
            Self::Fixed => "Each month, whether anybody posts or not",
        }
    }
}

/// A line of the bill.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(super) struct Line {
    pub(super) group: Group,
    pub(super) name: String,
    pub(super) quantity: f64,
    pub(super) unit: String,
    pub(super) usd: f64,
    /// Of this, what the posts that are not for us cause.
    pub(super) of_posts_usd: f64,
    pub(super) price: Price,
}

/// A month's bill. What `--json` writes; fields are only ever added.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(super) struct Bill {
    #[serde(flatten)]
    pub(super) month: Month,
    pub(super) lines: Vec<Line>,
    /// By use, before mail, tracing and network fees; absent where there are no adds.
    pub(super) usd_per_million_adds: Option<f64>,
    /// The same for posts that are not for us; absent where there are none.
    pub(super) usd_per_million_posts: Option<f64>,
    pub(super) digest_saves_usd: f64,
    pub(super) usd: f64,
    /// How many of the prices nobody has compared with their pages.
    pub(super) unchecked: usize,
}

impl Bill {
    /// The sum of a group.
    pub(super) fn sum(&self, group: Group) -> f64 {
        self.lines.iter().filter(|line| line.group == group).map(|line| line.usd).sum()
    }
}

impl Model {
    /// The built-in model with what `other` puts in its place.
    ///
    /// # Errors
    /// When `other` isn't TOML or names what the model doesn't know.
    pub(super) fn with(other: &str) -> anyhow::Result<Self> {
        let mut model: toml::Table = MODEL.parse().context("the built-in model can't be read")?;
        put(&mut model, other.parse()?);
        Ok(model.try_into()?)
    }

    /// Reckons a month.
    ///
    /// # Errors
    /// When the measured counts can't be read or lack the likeness.
    pub(super) fn bill(&self, month: Month) -> anyhow::Result<Bill> {
        let per_add = per_add(month.adds_are)?;
        let (posts, adds) = (number(month.posts), number(month.adds));
        let mut lines = self.use_lines(per_add, posts, adds);
        let mails = adds / number(month.digest);
        lines.push(line(Group::Mail, "SES", &self.prices.ses_mails, 0.0, mails));
        let traces = self.usage.traced_share * self.usage.traces_per_post;
        let of_posts = posts * self.usage.traced_share;
        lines.push(line(Group::Tracing, "X-Ray", &self.prices.xray_traces, of_posts, adds * traces));
        if month.network == Network::X {
            lines.extend(self.x_lines(posts, adds));
        }
        lines.extend(self.fixed_lines());
        Ok(self.billed(month, lines))
    }

    fn billed(&self, month: Month, lines: Vec<Line>) -> Bill {
        let (posts, adds) = (number(month.posts), number(month.adds));
        let of_use = || lines.iter().filter(|line| line.group == Group::Use);
        let by_posts: f64 = of_use().map(|line| line.of_posts_usd).sum();
        let by_adds: f64 = of_use().map(|line| line.usd - line.of_posts_usd).sum();
        let mail = &self.prices.ses_mails;
        let per_million = |usd: f64, count: f64| (count > 0.0).then(|| usd / count * 1e6);
        Bill {
            month,
            usd_per_million_adds: per_million(by_adds, adds),
            usd_per_million_posts: per_million(by_posts, posts),
            digest_saves_usd: (adds - adds / number(month.digest)) / mail.per * mail.usd,
            usd: lines.iter().map(|line| line.usd).sum(),
            unchecked: lines.iter().filter(|line| !line.price.checked).count(),
            lines,
        }
    }

    /// What grows with posts and adds. A network delivers each post by a request of its own.
    fn use_lines(&self, per_add: PerAdd, posts: f64, adds: f64) -> Vec<Line> {
        let (prices, usage) = (&self.prices, &self.usage);
        let by_use = |name: &str, price: &Price, of_posts: f64, of_adds: f64| {
            line(Group::Use, name, price, of_posts, of_adds)
        };
        let functions = &self.functions;
        // Only the first function sees what is not for us.
        let rejected = functions.webhook_ingest_reject;
        let of_an_add = [
            ("webhook-ingest", functions.webhook_ingest, 1.0),
            ("classify", functions.classify, 1.0 / BATCH),
            ("cart-add", functions.cart_add, 1.0 / BATCH),
            ("notify", functions.notify, 1.0 / BATCH),
        ];
        let invocations: f64 = of_an_add.iter().map(|(_, _, invocations)| invocations).sum();
        let mut lines = vec![
            by_use("API Gateway, HTTP API", &prices.http_api, posts, adds),
            by_use("Lambda, requests", &prices.lambda_requests, posts, adds * invocations),
        ];
        for (function, took, invocations) in of_an_add {
            let of_posts = if function == "webhook-ingest" { posts * self.gb_seconds(rejected) } else { 0.0 };
            let of_adds = adds * invocations * self.gb_seconds(took);
            lines.push(by_use(&format!("Lambda, {function}"), &prices.lambda_gb_seconds, of_posts, of_adds));
        }
        let logged = |took: Invocation| took.log_bytes + usage.lambda_log_bytes;
        let logged_by_add: f64 = of_an_add.iter().map(|(_, took, each)| each * logged(*took)).sum();
        // Lambda receives and deletes a batch by one request each.
        let sqs = per_add.sqs + QUEUES * 2.0 / BATCH;
        let logs = |bytes: f64| (bytes + usage.access_log_bytes_per_request) / GB;
        let stored = usage.item_bytes_per_add * usage.kept_months / GB;
        lines.extend([
            by_use("SQS", &prices.sqs_requests, 0.0, adds * sqs),
            by_use("SQS, fair queues", &prices.sqs_fair_requests, 0.0, adds * per_add.sqs),
            by_use("DynamoDB, writes", &prices.dynamodb_write_units, 0.0, adds * per_add.write_units),
            by_use("DynamoDB, reads", &prices.dynamodb_read_units, 0.0, adds * per_add.read_units),
            by_use("DynamoDB, storage and recovery", &prices.dynamodb_storage, 0.0, adds * stored),
            by_use(
                "CloudWatch, logs",
                &prices.cloudwatch_logs,
                posts * logs(logged(rejected)),
                adds * logs(logged_by_add),
            ),
            by_use(
                "Data transfer",
                &prices.data_transfer,
                posts * usage.answer_bytes / GB,
                adds * (usage.answer_bytes + usage.reply_bytes) / GB,
            ),
        ]);
        lines
    }

    /// What an invocation takes: processor time over the share of a processor that the memory buys,
    /// and waiting.
    fn gb_seconds(&self, took: Invocation) -> f64 {
        let share = (self.usage.memory_mb / self.usage.processor_mb).min(1.0);
        let seconds = (took.cpu_ms / share + took.wait_ms) / 1000.0;
        seconds * self.usage.memory_mb / 1024.0
    }

    fn x_lines(&self, posts: f64, adds: f64) -> [Line; 3] {
        let prices = &self.prices;
        let fee =
            |name: &str, price: &Price, of_posts: f64| line(Group::Network, name, price, of_posts, adds);
        [
            fee("X, events delivered", &prices.x_events, posts),
            fee("X, parents read", &prices.x_reads, 0.0),
            fee("X, replies", &prices.x_replies, 0.0),
        ]
    }

    fn fixed_lines(&self) -> [Line; 5] {
        let (prices, usage) = (&self.prices, &self.usage);
        let fixed = |name: &str, price: &Price, quantity: f64| line(Group::Fixed, name, price, 0.0, quantity);
        let reads = MINUTES * usage.warm_environments * usage.secrets_per_read;
        [
            fixed("CloudWatch, metrics", &prices.cloudwatch_metrics, usage.metrics),
            fixed("CloudWatch, alarms", &prices.cloudwatch_alarms, usage.alarms),
            fixed("CloudWatch, dashboard", &prices.cloudwatch_dashboards, usage.dashboards),
            fixed("SQS, polling of idle queues", &prices.sqs_requests, usage.idle_polls),
            fixed("KMS, reading secrets", &prices.kms_requests, reads),
        ]
    }
}

/// A line of this quantity: what posts that are not for us cause, and what adds do.
fn line(group: Group, name: &str, price: &Price, of_posts: f64, of_adds: f64) -> Line {
    let usd = |quantity: f64| quantity / price.per * price.usd;
    Line {
        group,
        name: name.to_owned(),
        quantity: of_posts + of_adds,
        unit: price.unit.clone(),
        usd: usd(of_posts + of_adds),
        of_posts_usd: usd(of_posts),
        price: price.clone(),
    }
}

/// Quantities are far below 2^53.
fn number(count: u64) -> f64 {
    count as f64
}

/// The measured counts of this likeness, summed up. Mails are counted by the month's digest.
fn per_add(likeness: Likeness) -> anyhow::Result<PerAdd> {
    let counts: Counts = serde_json::from_str(REQUESTS).context("the measured counts can't be read")?;
    let name = match likeness {
        Likeness::Different => "different",
        Likeness::Popular => "popular",
    };
    let of =
        counts.adds.get(name).with_context(|| format!("there are no measured counts of `{name}` adds"))?;
    Ok(of.iter().fold(PerAdd::default(), |sum, count| PerAdd {
        sqs: sum.sqs + if count.service == "sqs" { count.requests } else { 0.0 },
        read_units: sum.read_units + count.read_units,
        write_units: sum.write_units + count.write_units,
    }))
}

/// Puts the values of `other` in the place of those of `table`, through all tables below.
fn put(table: &mut toml::Table, other: toml::Table) {
    for (key, value) in other {
        match (table.get_mut(&key), value) {
            (Some(toml::Value::Table(below)), toml::Value::Table(other)) => put(below, other),
            (Some(held @ toml::Value::Float(_)), toml::Value::Integer(whole)) => {
                // A whole number is as good as one with a point.
                *held = toml::Value::Float(whole as f64);
            }
            (_, value) => {
                table.insert(key, value);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn month() -> Month {
        Month {
            posts: 0,
            adds: 1_000_000,
            digest: 1,
            network: Network::Generic,
            adds_are: Likeness::Different,
        }
    }

    fn bill(month: Month) -> Bill {
        Model::with("").unwrap().bill(month).unwrap()
    }

    fn usd(bill: &Bill, name: &str) -> f64 {
        bill.lines.iter().find(|line| line.name == name).unwrap_or_else(|| panic!("no line {name}")).usd
    }

    #[test]
    fn a_million_adds_stay_below_thirteen_dollars_before_mail_tracing_and_fees() {
        let per_million = |adds_are| bill(Month { adds_are, ..month() }).usd_per_million_adds.unwrap();
        let (different, popular) = (per_million(Likeness::Different), per_million(Likeness::Popular));
        assert!(1.0 < popular && popular < different && different < 13.0, "{popular} {different}");
    }

    #[test]
    fn lines_are_quantities_at_list_prices() {
        let posted = bill(Month { posts: 2_000_000, ..month() });
        assert!((usd(&posted, "API Gateway, HTTP API") - 3.0).abs() < 1e-9);
        assert!((usd(&posted, "SES") - 100.0).abs() < 1e-9);
        // A million posts: one request of the API and of Lambda each, milliseconds of a quarter GB, some log.
        let per_million = posted.usd_per_million_posts.unwrap();
        assert!(per_million > 1.2 && per_million < 2.0, "{per_million}");
        assert_eq!(posted.usd_per_million_adds, bill(month()).usd_per_million_adds);
        let groups: f64 = Group::ALL.into_iter().map(|group| posted.sum(group)).sum();
        assert!((groups - posted.usd).abs() < 1e-9, "every line is in one group");
        assert_eq!(bill(Month { adds: 0, ..month() }).usd_per_million_adds, None);
    }

    #[test]
    fn a_digest_saves_mails_and_a_network_takes_its_fees() {
        let digest = bill(Month { digest: 5, ..month() });
        assert!((usd(&digest, "SES") - 20.0).abs() < 1e-9);
        assert!((digest.digest_saves_usd - 80.0).abs() < 1e-9);
        let on_x = bill(Month { network: Network::X, ..month() });
        assert!((on_x.sum(Group::Network) - 20_000.0).abs() < 1e-6, "two cents an add");
        assert_eq!(bill(month()).sum(Group::Network), 0.0);
    }

    #[test]
    fn other_prices_stand_in_place_and_unknown_ones_are_named() {
        let model = Model::with("[prices.ses_mails]\nusd = 1\n[usage]\nmetrics = 0").unwrap();
        let dear = model.bill(month()).unwrap();
        assert!((usd(&dear, "SES") - 1000.0).abs() < 1e-9);
        assert_eq!(usd(&dear, "CloudWatch, metrics"), 0.0);
        for (bad, named) in
            [("[prices.mails]\nusd = 1", "mails"), ("[usage]\nmetrcs = 1", "metrcs"), ("x", "expected")]
        {
            let error = format!("{:#}", Model::with(bad).unwrap_err());
            assert!(error.contains(named), "{bad}: {error}");
        }
    }
}
