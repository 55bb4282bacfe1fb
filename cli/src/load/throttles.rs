//! How often AWS held a stage back during a load: what CloudWatch counts of Lambda and DynamoDB. The
//! emulator holds nothing back and counts nothing.

use domain::time::Timestamp;
use lambda::aws::Aws;

use super::report::Throttled;
use crate::stage::StageArgs;
use crate::stats::sums;

/// What is asked for: namespace, metric, the dimension that names the resource, the resources.
const ASKED: [(&str, &str, &str, &[&str]); 3] = [
    ("AWS/Lambda", "Throttles", "FunctionName", &["webhook-ingest", "classify", "cart-add", "notify"]),
    ("AWS/DynamoDB", "ReadThrottleEvents", "TableName", TABLES),
    ("AWS/DynamoDB", "WriteThrottleEvents", "TableName", TABLES),
];
const TABLES: &[&str] = &["links", "carts", "catalog", "deliveries", "settings", "ledger"];

/// Reads them; those that didn't occur are left out.
///
/// # Errors
/// When CloudWatch can't be asked.
pub(super) async fn read(
    aws: &Aws,
    stage: &StageArgs,
    from: Timestamp,
    to: Timestamp,
) -> anyhow::Result<Vec<Throttled>> {
    if stage.is_local() {
        return Ok(Vec::new());
    }
    let mut throttled = Vec::new();
    for (namespace, metric, dimension, names) in ASKED {
        let resources: Vec<String> = names.iter().map(|name| stage.table(name)).collect();
        let counts = sums(aws, (namespace, metric, dimension), &resources, from, to).await?;
        for (name, count) in names.iter().zip(counts) {
            if count > 0 {
                throttled.push(Throttled { what: format!("{namespace} {metric} {name}"), count });
            }
        }
    }
    Ok(throttled)
}
