//! The table `catalog` over the wire: imports as differences, products by id and by link.
#![expect(clippy::unwrap_used, reason = "a test stops where something is not as expected")]

use domain::ids::MarketplaceId;
use domain::money::Money;
use domain::product::{Availability, Listing, PriceExposure, Variant};
use domain::time::Timestamp;
use store::catalog::{Catalog, Change, Imported, Vanished};

async fn catalog() -> Catalog {
    let account = emulator::shared().await.unwrap().test_account().unwrap();
    let deployment = emulator::Deployment::new("catalog-test").parameter("MailFrom", "shop@acme.example");
    let stack = deployment.deploy_data(&account).await.unwrap();
    let client = aws_sdk_dynamodb::Client::new(&account.sdk_config());
    Catalog::new(client, stack.output("CatalogTable").unwrap())
}

fn us() -> MarketplaceId {
    "us".into()
}

fn listing(product: &str, variant: &str, choice: Option<&str>) -> Listing {
    Listing {
        url: format!("https://acme.example/p/{product}"),
        choice: choice.map(str::to_owned),
        variant: Variant {
            marketplace: us(),
            product: product.into(),
            variant: variant.into(),
            title: format!("The {product}"),
            link: format!("https://acme.example/p/{product}?utm_source=feed"),
            image_link: None,
            options: vec![],
            availability: Availability::InStock,
            availability_date: None,
            price: Money::parse("25 USD").unwrap(),
            sale: None,
            deal: false,
            digital: false,
            sensitive: false,
            restricted: false,
            price_exposure: PriceExposure::Anywhere,
            max_quantity: None,
            gtin: None,
            brand: None,
        },
    }
}

fn shelf() -> Vec<Listing> {
    let mut mug = listing("mug", "mug", None);
    mug.variant.gtin = Some("036000291452".into());
    vec![
        listing("tee", "tee-s", Some("variant=1")),
        listing("tee", "tee-m", Some("variant=2")),
        listing("tee", "tee-l", Some("variant=3")),
        mug,
    ]
}

/// Imports a whole feed and says what became of its rows.
async fn import(catalog: &Catalog, feed: &[Listing]) -> (Vec<Change>, Vanished) {
    let mut import = catalog.import(&us(), false).await.unwrap();
    let mut changes = Vec::new();
    for listing in feed {
        changes.push(import.put(listing).await.unwrap());
    }
    let vanished = import.settle().await.unwrap();
    import.mark_vanished().await.unwrap();
    (changes, vanished)
}

async fn availability(catalog: &Catalog, product: &str) -> Vec<(String, Availability)> {
    let product = catalog.product(&us(), &product.into()).await.unwrap().unwrap();
    product.variants().map(|v| (v.variant.to_string(), v.availability)).collect()
}

#[tokio::test]
async fn products_are_found_by_id_by_link_and_by_gtin() {
    let catalog = catalog().await;
    import(&catalog, &shelf()).await;

    let tee = catalog.product(&us(), &"tee".into()).await.unwrap().unwrap();
    let variants: Vec<_> = tee.variants().map(|v| v.variant.as_str()).collect();
    assert_eq!(variants, ["tee-s", "tee-m", "tee-l"], "in the feed's order");
    assert_eq!(tee.first(), &shelf()[0].variant);
    assert_eq!(catalog.product(&us(), &"hat".into()).await.unwrap(), None);
    assert_eq!(catalog.product(&"uk".into(), &"tee".into()).await.unwrap(), None);

    let url = "https://acme.example/p/tee";
    let found = catalog.find(&us(), url, None).await.unwrap().unwrap();
    assert_eq!((found.product.product.as_str(), found.product.variant), ("tee", None));
    assert_eq!(found.title, "The tee");
    let found = catalog.find(&us(), url, Some("variant=2")).await.unwrap().unwrap();
    assert_eq!(found.product.variant, Some("tee-m".into()));
    assert_eq!(catalog.find(&"uk".into(), url, None).await.unwrap(), None);
    assert_eq!(catalog.find(&us(), "https://acme.example/p/te", None).await.unwrap(), None);

    let found = catalog.find_by_id(&us(), &"tee".into()).await.unwrap().unwrap();
    assert_eq!((found.product.variant, found.title.as_str()), (None, "The tee"));
    let found = catalog.with_gtin(&us(), "0036000291452").await.unwrap();
    assert_eq!(found.len(), 1);
    assert_eq!(found[0].product.as_str(), "mug");
    assert_eq!(catalog.all(&us()).await.unwrap().len(), 2);
    assert_eq!(catalog.all(&"uk".into()).await.unwrap(), []);
}

#[tokio::test]
async fn an_import_writes_the_difference() {
    let catalog = catalog().await;
    let (changes, vanished) = import(&catalog, &shelf()).await;
    assert_eq!(changes, [Change::New; 4]);
    assert_eq!(vanished, Vanished { missing: 0, listed: 0 });

    let (changes, vanished) = import(&catalog, &shelf()).await;
    assert_eq!(changes, [Change::Unchanged; 4]);
    assert_eq!(vanished, Vanished { missing: 0, listed: 4 });

    // A price, a link and a choice are each a difference.
    let mut feed = shelf();
    feed[0].variant.price = Money::parse("26 USD").unwrap();
    feed[1].choice = Some("variant=22".into());
    feed[3].url.push_str("-new");
    let (changes, _) = import(&catalog, &feed).await;
    assert_eq!(changes, [Change::Changed, Change::Changed, Change::Unchanged, Change::Changed]);
    let mug = catalog.find(&us(), "https://acme.example/p/mug-new", None).await.unwrap();
    assert_eq!(mug.unwrap().product.product.as_str(), "mug");
    assert_eq!(catalog.find(&us(), "https://acme.example/p/mug", None).await.unwrap(), None);
}

#[tokio::test]
async fn what_vanishes_is_out_of_stock_until_it_is_back() {
    let catalog = catalog().await;
    import(&catalog, &shelf()).await;
    let (_, vanished) = import(&catalog, &shelf()[..3]).await;
    assert_eq!(vanished, Vanished { missing: 1, listed: 4 });
    assert_eq!(availability(&catalog, "mug").await, [("mug".into(), Availability::OutOfStock)]);
    // Known still, by its link as well.
    assert!(catalog.find(&us(), "https://acme.example/p/mug", None).await.unwrap().is_some());

    // Vanished once, it isn't missed again.
    let (_, vanished) = import(&catalog, &shelf()[..3]).await;
    assert_eq!(vanished, Vanished { missing: 0, listed: 3 });

    let (changes, _) = import(&catalog, &shelf()).await;
    assert_eq!(changes[3], Change::Changed);
    assert_eq!(availability(&catalog, "mug").await, [("mug".into(), Availability::InStock)]);
}

#[tokio::test]
async fn a_variant_that_moves_to_another_product_is_found_there() {
    let catalog = catalog().await;
    import(&catalog, &shelf()).await;
    let mut feed = shelf();
    feed[3].variant.product = "cup".into();
    import(&catalog, &feed).await;
    let found = catalog.find(&us(), "https://acme.example/p/mug", None).await.unwrap().unwrap();
    assert_eq!(found.product.product.as_str(), "cup");
    assert_eq!(availability(&catalog, "mug").await, [("mug".into(), Availability::OutOfStock)]);
}

#[tokio::test]
async fn a_row_that_can_not_be_read_keeps_what_was_known() {
    let catalog = catalog().await;
    import(&catalog, &shelf()).await;
    let mut import = catalog.import(&us(), false).await.unwrap();
    for listing in &shelf()[..3] {
        import.put(listing).await.unwrap();
    }
    import.keep("mug".into());
    assert_eq!(import.settle().await.unwrap().missing, 0);
    import.mark_vanished().await.unwrap();
    assert_eq!(availability(&catalog, "mug").await, [("mug".into(), Availability::InStock)]);
}

#[tokio::test]
async fn a_dry_run_writes_nothing() {
    let catalog = catalog().await;
    import(&catalog, &shelf()[..1]).await;
    let mut dry = catalog.import(&us(), true).await.unwrap();
    assert_eq!(dry.put(&shelf()[3]).await.unwrap(), Change::New);
    assert_eq!(dry.settle().await.unwrap(), Vanished { missing: 1, listed: 1 });
    dry.mark_vanished().await.unwrap();
    assert_eq!(catalog.product(&us(), &"mug".into()).await.unwrap(), None);
    assert_eq!(availability(&catalog, "tee").await, [("tee-s".into(), Availability::InStock)]);
}

#[tokio::test]
async fn marketplaces_do_not_see_each_other() {
    let catalog = catalog().await;
    import(&catalog, &shelf()).await;
    let mut other = catalog.import(&"u".into(), false).await.unwrap();
    assert_eq!(other.settle().await.unwrap(), Vanished { missing: 0, listed: 0 });
}

#[tokio::test]
async fn two_products_with_one_link_are_not_guessed() {
    let catalog = catalog().await;
    let mut feed = shelf();
    feed[3].url = feed[0].url.clone();
    import(&catalog, &feed).await;
    assert_eq!(catalog.find(&us(), "https://acme.example/p/tee", None).await.unwrap(), None);
}

#[tokio::test]
async fn many_rows_go_in_many_batches() {
    let catalog = catalog().await;
    let feed: Vec<Listing> = (0..1003).map(|n| listing(&format!("p{n}"), &format!("p{n}"), None)).collect();
    let (changes, _) = import(&catalog, &feed).await;
    assert!(changes.iter().all(|change| *change == Change::New));
    assert_eq!(catalog.all(&us()).await.unwrap().len(), 1003);
    let (changes, vanished) = import(&catalog, &feed[..3]).await;
    assert_eq!(changes, [Change::Unchanged; 3]);
    assert!(vanished.is_suspicious());
    assert_eq!(vanished, Vanished { missing: 1000, listed: 1003 });
}

#[tokio::test]
async fn the_last_import_is_noted_and_is_no_product() {
    let catalog = catalog().await;
    assert!(!catalog.has_products(&us()).await.unwrap());
    assert_eq!(catalog.imported(&us()).await.unwrap(), None);
    let imported = Imported { at: Timestamp::from_seconds(7), variants: 4, rejected: 1 };
    catalog.note_imported(&us(), &imported).await.unwrap();
    assert_eq!(catalog.imported(&us()).await.unwrap(), Some(imported));
    assert!(!catalog.has_products(&us()).await.unwrap());
    assert!(catalog.all(&us()).await.unwrap().is_empty());
    import(&catalog, &shelf()).await;
    assert!(catalog.has_products(&us()).await.unwrap());
    assert!(!catalog.has_products(&"uk".into()).await.unwrap());
}
