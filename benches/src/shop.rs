//! The shop that functions are measured in: the demonstration storefront with its products, and one
//! linked shopper, as the operator's own code writes them into DynamoDB.

use std::fs::File;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use anyhow::Context as _;
use domain::ids::CustomerId;
use domain::storefront::{NetworkKind, Storefront};
use domain::time::Timestamp;
use lambda::aws::Aws;
use lambda::keyed::KeyedHash;
use lambda::secrets::Secret;
use shops::feed::{Feed, Row};
use store::Account;
use store::catalog::Catalog;
use store::linking::{Linking, NewLink, Person};
use store::settings::Settings;
use tests::faults::dynamodb::Tables;
use tests::faults::functions::{fresh_region, sdk_config};
use tests::faults::ground::Ground;
use tests::faults::line::Line;
use tests::faults::plan::Plan;
use tests::stack::workspace;

/// What signs the webhooks of the network `generic`: the example of Standard Webhooks.
pub const WEBHOOK_SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
/// The key that names personal data.
pub const HASH_KEY: &str = "a key for hashes";
/// The shopper who is linked.
pub const SHOPPER: &str = "alice";

/// The secrets by name, as many as a shop with these networks has.
pub const SECRETS: [(&str, &str); 9] = [
    ("hash-key", HASH_KEY),
    ("signing-key", "a key for links"),
    ("generic/webhook-secret", WEBHOOK_SECRET),
    ("x/consumer-key", "consumer key"),
    ("x/consumer-secret", "consumer secret"),
    ("x/access-token", "access token"),
    ("x/access-token-secret", "access token secret"),
    ("x/client-id", "client"),
    ("x/client-secret", "client secret"),
];

/// The time of this machine.
pub fn now() -> Timestamp {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or(Duration::ZERO);
    Timestamp::from_millis(u64::try_from(since.as_millis()).unwrap_or(u64::MAX))
}

/// DynamoDB with the shop in it. Replies of the network `generic` go to `callback_url`.
///
/// # Errors
/// When the demonstration's files can't be read or don't fit the tables.
pub async fn tables(callback_url: &str) -> anyhow::Result<Tables> {
    let storefront = storefront(callback_url)?;
    // The model of AWS that the fault run uses, without any fault; what is written through the SDK here
    // is what the functions read over the wire later.
    let ground = Arc::new(Ground::new(Plan::new(0, 0), None, None));
    let line = Line::new(Arc::clone(&ground), "operator", "");
    let aws = Aws::from_config(sdk_config(&line, &fresh_region()));
    Settings::new(aws.dynamodb(), "settings").push(&storefront, None, now()).await?;
    import(&storefront, &Catalog::new(aws.dynamodb(), "catalog")).await?;
    let email = "alice@shopper.example".to_owned();
    let person = Person {
        email_hash: KeyedHash::new(&Secret::new(HASH_KEY)).email(&email),
        email,
        lang: None,
        candidate: CustomerId::new("01K9ZZZZZZZZZZZZZZZZZZZZZZ"),
        at: now(),
    };
    let account = Account::new("generic".into(), SHOPPER.into());
    let link = NewLink { account, handle: Some(SHOPPER.to_owned()), person };
    Linking::new(aws.dynamodb(), "links", "carts").link(&link).await?;
    let mut tables = ground.state().tables.clone();
    tables.page = usize::MAX;
    Ok(tables)
}

fn storefront(callback_url: &str) -> anyhow::Result<Storefront> {
    let file = workspace().join("demo/storefront.toml");
    let text = std::fs::read_to_string(&file).with_context(|| format!("{}", file.display()))?;
    let mut storefront: Storefront = toml::from_str(&text).with_context(|| format!("{}", file.display()))?;
    for network in &mut storefront.networks {
        if let NetworkKind::Generic { callback_url: to, .. } = &mut network.kind {
            *to = callback_url.parse().context("callback_url")?;
        }
    }
    Ok(storefront)
}

async fn import(storefront: &Storefront, catalog: &Catalog) -> anyhow::Result<()> {
    for marketplace in &storefront.marketplaces {
        let Some(feed) = &marketplace.feed else { continue };
        let file = File::open(workspace().join("demo").join(feed)).with_context(|| feed.clone())?;
        let mut import = catalog.import(&marketplace.id, false).await?;
        for row in Feed::open(file, marketplace, storefront.map.price_exposure)? {
            if let Row::Accepted(listing) = row? {
                import.put(&listing).await?;
            }
        }
        import.settle().await?;
    }
    Ok(())
}
