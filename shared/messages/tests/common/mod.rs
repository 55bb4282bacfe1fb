//! Samples: every outcome, a storefront, the ways in which networks count.
#![allow(
    dead_code,
    clippy::allow_attributes,
    clippy::unwrap_used,
    reason = "each test file uses a part of these samples, and samples are known to be valid"
)]

use domain::ids::{Lang, MarketplaceId};
use domain::money::Money;
use domain::outcome::{Candidate, LineOutcome, Outcome, PostOutcomes, ProductBrief};
use domain::post::{Author, PostHead, Visibility};
use domain::product::{PriceExposure, ProductRef};
use domain::storefront::{Limits, MapDefaults, Marketplace, NetworkConfig, NetworkKind, Shop, Storefront};
use domain::time::Timestamp;
use messages::{Address, Language, MailLinks, Recipient};
use unicode_segmentation::UnicodeSegmentation;
use url::Url;

/// The outcome after `outcome` in the order of the enum: the match makes a new one show here.
fn after(outcome: &Outcome) -> Option<Outcome> {
    let at = Timestamp::parse_rfc3339("2027-02-14T00:00:00Z").unwrap();
    Some(match outcome {
        Outcome::Added { .. } => Outcome::QuantityChanged { from: 1, to: 3 },
        Outcome::QuantityChanged { .. } => Outcome::AlreadyInCart { quantity: 1 },
        Outcome::AlreadyInCart { .. } => Outcome::Preordered { quantity: 1, available_on: Some(at) },
        Outcome::Preordered { available_on: Some(_), .. } => {
            Outcome::Preordered { quantity: 2, available_on: None }
        }
        Outcome::Preordered { available_on: None, .. } => Outcome::Removed,
        Outcome::Removed => Outcome::NotInCart,
        Outcome::NotInCart => Outcome::Wished,
        Outcome::Wished => Outcome::Superseded,
        Outcome::Superseded => Outcome::OutOfStock,
        Outcome::OutOfStock => Outcome::DealExcluded,
        Outcome::DealExcluded => Outcome::DigitalExcluded,
        Outcome::DigitalExcluded => Outcome::Restricted,
        Outcome::Restricted => Outcome::WrongMarketplace { right: "uk".into() },
        Outcome::WrongMarketplace { .. } => Outcome::ChooseOption { candidates: sizes() },
        Outcome::ChooseOption { .. } => Outcome::QuantityCapped { asked: 50, got: 10 },
        Outcome::QuantityCapped { .. } => Outcome::UnknownProduct,
        Outcome::UnknownProduct => Outcome::NoProductLink,
        Outcome::NoProductLink => Outcome::ParentUnavailable,
        Outcome::ParentUnavailable => Outcome::CartFull,
        Outcome::CartFull => Outcome::TooOld,
        Outcome::TooOld => Outcome::NotLinked,
        Outcome::NotLinked => Outcome::RateLimited,
        Outcome::RateLimited => Outcome::Blocked,
        Outcome::Blocked => Outcome::Helped,
        Outcome::Helped => Outcome::Stopped,
        Outcome::Stopped => Outcome::Started,
        Outcome::Started => Outcome::Purchased { quantity: 2 },
        Outcome::Purchased { .. } => Outcome::Erased,
        Outcome::Erased => return None,
    })
}

/// Every outcome, one or two samples each.
pub(crate) fn every_outcome() -> Vec<Outcome> {
    std::iter::successors(Some(Outcome::Added { quantity: 2 }), after).collect()
}

fn sizes() -> Vec<Candidate> {
    ["S", "M", "L"]
        .map(|size| Candidate {
            product: ProductRef {
                marketplace: "us".into(),
                product: "mug".into(),
                variant: Some(format!("mug-{size}").as_str().into()),
            },
            title: "Blue Mug".to_owned(),
            options: size.to_owned(),
        })
        .to_vec()
}

/// A product that may be named, at a price that may be shown.
pub(crate) fn mug() -> ProductBrief {
    ProductBrief {
        product: ProductRef {
            marketplace: "us".into(),
            product: "mug".into(),
            variant: Some("mug-m".into()),
        },
        title: "Blue Mug".to_owned(),
        options: "M".to_owned(),
        link: "https://www.acme.example/p/mug?size=m".to_owned(),
        image_link: Some("https://www.acme.example/i/mug.png".to_owned()),
        price: Money::parse("19.99 USD").unwrap(),
        price_exposure: PriceExposure::Anywhere,
        sensitive: false,
    }
}

/// A line about `product` that ended so.
pub(crate) fn line(number: u16, product: Option<ProductBrief>, outcome: Outcome) -> LineOutcome {
    LineOutcome { line: number, marketplace: MarketplaceId::new("us"), product, outcome }
}

/// The outcomes of one post of alice's.
pub(crate) fn outcomes(lines: Vec<LineOutcome>) -> PostOutcomes {
    let at = Timestamp::parse_rfc3339("2026-11-21T10:00:00Z").unwrap();
    PostOutcomes {
        post: PostHead {
            network: "x".into(),
            bot: "1".into(),
            id: "1989".into(),
            url: Some("https://x.com/alice/status/1989".to_owned()),
            author: Author { id: "77".into(), handle: Some("alice".to_owned()) },
            mentions_us: true,
            created_at: at,
            first_seen: at,
            lang: Lang::parse("en"),
            visibility: Visibility::Public,
        },
        customer: Some("c1".into()),
        step: 0,
        decided_at: at,
        lines,
    }
}

fn marketplace(id: &str, tag: &str) -> Marketplace {
    Marketplace {
        id: id.into(),
        cart_tags: vec![tag.to_owned()],
        wish_tags: Vec::new(),
        hosts: vec!["www.acme.example".to_owned()],
        shop: Shop::Amazon { associate_tag: None },
        currency: "USD".to_owned(),
        languages: Language::ALL.map(Lang::from).to_vec(),
        feed: None,
    }
}

/// Acme, with two marketplaces, on X.
pub(crate) fn storefront() -> Storefront {
    Storefront {
        brand: "Acme".to_owned(),
        default_language: Lang::parse("en").unwrap(),
        support: Some("help@acme.example".to_owned()),
        postal_address: Some("Acme Inc., 1 Main Street, Springfield".to_owned()),
        marketplaces: vec![marketplace("us", "AcmeCart"), marketplace("uk", "AcmeBasket")],
        networks: vec![NetworkConfig {
            id: "x".into(),
            name: None,
            bot_handle: "acme".to_owned(),
            bot_id: "1".into(),
            replies: true,
            kind: NetworkKind::X {
                api_url: Url::parse("https://api.x.com/").unwrap(),
                web_url: Url::parse("https://x.com/").unwrap(),
            },
        }],
        limits: Limits::default(),
        map: MapDefaults::default(),
        campaigns: Vec::new(),
        short_link_hosts: Vec::new(),
    }
}

/// Alice's mailbox.
pub(crate) fn alice(language: Language) -> Recipient {
    Recipient { address: Address::parse("alice@example.com").unwrap(), language }
}

/// Our pages, as a mail links to them.
pub(crate) fn links() -> MailLinks {
    let page = |path: &str| Url::parse(&format!("https://cart.acme.example{path}")).unwrap();
    MailLinks {
        cart: page("/cart/enter?token=CART"),
        unsubscribe: page("/cart/unsubscribe?token=STOP"),
        preferences: page("/cart/settings"),
    }
}

/// The length of a post: X's weighted count (twitter-text configuration v3: most scripts 1, the rest
/// and emoji 2; an emoji sequence counts once, which this count, being stricter, leaves out).
pub(crate) fn weighted_280(text: &str) -> bool {
    let weight = |c: char| match u32::from(c) {
        0..=4351 | 8192..=8205 | 8208..=8223 | 8242..=8247 => 1_usize,
        _ => 2,
    };
    text.chars().map(weight).sum::<usize>() <= 280
}

/// The length of a post in graphemes.
pub(crate) fn graphemes(limit: usize) -> impl Fn(&str) -> bool {
    move |text| text.graphemes(true).count() <= limit
}
