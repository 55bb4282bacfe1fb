//! The shop of a run: its storefront, products, secrets, and what a function's environment says.

use std::collections::BTreeMap;

use domain::money::Money;
use domain::product::{Availability, Listing, OptionValue, PriceExposure, Variant};
use domain::storefront::Storefront;
use domain::time::Timestamp;
use lambda::env::Environment;
use serde_json::json;

use super::plan::{PRODUCTS, Plan, SIZED};

/// When runs happen.
pub const START: Timestamp = Timestamp::from_seconds(1_795_000_000);
/// The sender of mails.
pub const SENDER: &str = "cart@acme.example";
/// Where shoppers reach us.
pub const PUBLIC_URL: &str = "https://cart.acme.example";
/// The secret of the network `square`.
pub const WEBHOOK_SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
/// The secret of the network `x` that signs its webhooks.
pub const CONSUMER_SECRET: &str = "consumer secret";
/// The key that names personal data.
pub const HASH_KEY: &str = "a key for hashes";
/// The key that signs links.
pub const SIGNING_KEY: &str = "a key for links";
/// Our account on `x`.
pub const X_BOT: &str = "1500000000000000001";

/// The secrets by name.
pub const SECRETS: [(&str, &str); 9] = [
    ("hash-key", HASH_KEY),
    ("signing-key", SIGNING_KEY),
    ("square/webhook-secret", WEBHOOK_SECRET),
    ("x/consumer-key", "consumer key"),
    ("x/consumer-secret", CONSUMER_SECRET),
    ("x/access-token", "access token"),
    ("x/access-token-secret", "access token secret"),
    ("x/client-id", "client"),
    ("x/client-secret", "client secret"),
];

/// The tables by the names that the environment gives them.
pub const TABLES: [&str; 6] = ["links", "carts", "catalog", "deliveries", "settings", "ledger"];
/// The queues that functions consume.
pub const QUEUES: [&str; 4] = ["posts", "commands", "outcomes", "feedback"];

/// The storefront of a plan.
pub fn storefront(plan: &Plan) -> Storefront {
    let limits = if plan.tight {
        json!({"quantity_cap": 3, "cart_lines": 3, "commands_per_hour": 6})
    } else if plan.folding {
        json!({"quantity_cap": 10, "cart_lines": 1000, "commands_per_hour": 100_000, "acceptance_days": 3, "parking_days": 1})
    } else {
        json!({"quantity_cap": 10, "cart_lines": 1000, "commands_per_hour": 100_000})
    };
    let value = json!({
        "brand": "Acme",
        "postal_address": "Acme Inc., 1 Canyon Road",
        "short_link_hosts": ["go.acme.example"],
        "marketplaces": [{
            "id": "us", "cart_tags": ["AcmeCart"], "wish_tags": ["AcmeWish"],
            "hosts": ["acme.example"], "currency": "USD",
            "shop": {"platform": "template", "checkout_url": "https://acme.example/checkout?items={items}"},
        }],
        "networks": [
            {"id": "square", "name": "Square", "kind": "generic", "bot_handle": "acme", "bot_id": "acme",
             "callback_url": "https://square.example/replies", "post_url": "https://square.example/posts/{id}",
             "link_url": "https://square.example/link"},
            {"id": "x", "kind": "x", "bot_handle": "acme", "bot_id": X_BOT},
        ],
        "limits": limits,
        "campaigns": [{"id": "autumn", "tag": "AcmeAutumn"}],
    });
    serde_json::from_value(value).unwrap_or_else(|error| panic!("the run's storefront: {error}"))
}

/// The name of the product at a place.
pub fn product(place: usize) -> String {
    format!("thing{place}")
}

/// The page of the product at a place.
pub fn link(place: usize) -> String {
    format!("https://acme.example/p/{}", product(place))
}

/// What the shop sells: most of it in stock, one thing in three sizes, and one of each kind that can't
/// be put into a cart.
pub fn listings() -> Vec<Listing> {
    (0..PRODUCTS)
        .flat_map(variants)
        .map(|variant| Listing { url: variant.link.clone(), choice: None, variant })
        .collect()
}

fn variants(place: usize) -> Vec<Variant> {
    let mut variant = Variant {
        marketplace: "us".into(),
        product: product(place).as_str().into(),
        variant: product(place).as_str().into(),
        title: format!("The thing {place}"),
        link: link(place),
        image_link: None,
        options: vec![],
        availability: Availability::InStock,
        availability_date: None,
        price: Money::parse("25 USD").unwrap_or_else(|error| panic!("a price: {error}")),
        sale: None,
        deal: false,
        digital: false,
        sensitive: false,
        restricted: false,
        price_exposure: PriceExposure::Anywhere,
        max_quantity: None,
        gtin: None,
        brand: None,
    };
    match place {
        SIZED => {
            let sized = |size: &str| Variant {
                variant: format!("{}-{size}", product(place)).as_str().into(),
                options: vec![OptionValue { name: "size".to_owned(), value: size.to_owned() }],
                ..variant.clone()
            };
            return ["S", "M", "L"].map(sized).into();
        }
        6 => variant.availability = Availability::OutOfStock,
        7 => variant.availability = Availability::Preorder,
        8 => variant.restricted = true,
        9 => variant.sensitive = true,
        _ => {}
    }
    vec![variant]
}

/// What a function is told by its environment; `url` makes a queue's address of its name.
pub fn environment(name_of: impl Fn(&str) -> String, url_of: impl Fn(&str) -> String) -> Environment {
    let mut variables: BTreeMap<String, String> = [
        ("HASHCART_STAGE", "dev"),
        ("HASHCART_PUBLIC_URL", PUBLIC_URL),
        ("HASHCART_MAIL_FROM", SENDER),
        ("HASHCART_SES_CONFIGURATION_SET", "hashcart"),
    ]
    .map(|(name, value)| (name.to_owned(), value.to_owned()))
    .into();
    for table in TABLES {
        variables.insert(format!("HASHCART_TABLE_{}", table.to_uppercase()), name_of(table));
    }
    for queue in QUEUES {
        let dead_letters = super::sqs::dead_letters_of(queue);
        variables.insert(format!("HASHCART_QUEUE_{}", queue.to_uppercase()), url_of(queue));
        variables.insert(format!("HASHCART_DLQ_{}", queue.to_uppercase()), url_of(&dead_letters));
    }
    Environment::from_fn(move |name| variables.get(name).cloned())
        .unwrap_or_else(|error| panic!("the run's environment: {error}"))
}
