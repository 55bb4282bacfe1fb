//! `hashcart catalog` as it is called: the program, a feed, and the tables of a stage in the emulator.
#![expect(clippy::unwrap_used, reason = "a test stops where something is not as expected")]

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use domain::product::Availability;
use domain::storefront::Storefront;
use domain::time::Timestamp;
use lambda::aws::Aws;
use store::catalog::Catalog;
use store::settings::Settings;
use tempfile::TempDir;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::process::Command;

const STOREFRONT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../demo/storefront.toml");
const HEADER: &str = "id\ttitle\tlink\tprice\tavailability\n";

/// What a call printed and how it ended.
struct Said {
    out: String,
    error: String,
    success: bool,
}

async fn hashcart(args: &[&str]) -> Said {
    let program = env!("CARGO_BIN_EXE_hashcart");
    let output = Command::new(program).arg("catalog").args(args).output().await.unwrap();
    Said {
        out: String::from_utf8(output.stdout).unwrap(),
        error: String::from_utf8(output.stderr).unwrap(),
        success: output.status.success(),
    }
}

fn row(id: &str) -> String {
    format!("{id}\tThe {id}\thttps://acme.example/p/{id}\t25 USD\tin_stock\n")
}

fn feed(ids: &[&str]) -> String {
    ids.iter().fold(HEADER.to_owned(), |feed, id| feed + &row(id))
}

struct Folder(TempDir);

impl Folder {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn put(&self, name: &str, text: &str) -> String {
        std::fs::write(self.path(name), text).unwrap();
        shown(&self.path(name))
    }
}

fn shown(path: &Path) -> String {
    path.to_str().unwrap().to_owned()
}

#[tokio::test]
async fn a_feed_is_checked_without_aws() {
    let folder = Folder::new();
    let mut text = feed(&["a", "b", "a"]);
    text.push_str("c\tC\thttps://other.example/p/c\t25 USD\tin_stock\n");
    let (file, report) = (folder.put("feed.tsv", &text), shown(&folder.path("rejected.tsv")));
    let check = ["check", &file, "--marketplace", "us", "--storefront", STOREFRONT, "--report", &report];

    let said = hashcart(&check).await;
    assert!(said.success, "{}", said.error);
    assert!(said.out.contains("2 good, 2 rejected"), "{}", said.out);
    assert!(said.out.contains(r#"line 4, id "a", id: an earlier row has this id"#), "{}", said.out);
    let listed = std::fs::read_to_string(&report).unwrap();
    let lines: Vec<&str> = listed.lines().collect();
    assert_eq!(lines.len(), 3);
    assert_eq!(lines.first(), Some(&"line\tid\tfield\treason"));
    assert_eq!(lines.get(1), Some(&"4\ta\tid\tan earlier row has this id"));

    let strict = hashcart(&[&check[..], &["--max-rejected", "1"]].concat()).await;
    assert!(!strict.success);
    assert!(strict.error.contains("2 rows were rejected, more than the 1"), "{}", strict.error);
    assert!(hashcart(&[&check[..], &["--max-rejected", "2"]].concat()).await.success);
}

#[tokio::test]
async fn what_can_not_be_read_says_so_in_one_sentence() {
    let folder = Folder::new();
    let html = folder.put("feed.html", "<!DOCTYPE html><html></html>");
    let only_bad = folder.put("bad.tsv", &format!("{HEADER}a\tA\tno link\t1 USD\tin_stock\n"));
    let twins =
        folder.put("twins.tsv", &feed(&["a", "b"]).replace("/p/a", "/p?sku=1").replace("/p/b", "/p?sku=2"));
    let check = async |source: &str, marketplace: &str| {
        hashcart(&["check", source, "--marketplace", marketplace, "--storefront", STOREFRONT]).await
    };
    for (source, marketplace, message) in [
        (html.as_str(), "us", "neither RSS nor Atom"),
        (&only_bad, "us", "no product that can be imported"),
        (&html, "fr", "no marketplace `fr`, only us, uk"),
        ("/nowhere/feed.tsv", "us", "/nowhere/feed.tsv can't be read"),
        ("http://shop.example/feed.tsv?token=secret", "us", "must be an https address"),
    ] {
        let said = check(source, marketplace).await;
        assert!(!said.success && said.error.contains(message), "{source}: {}", said.error);
        assert!(!said.error.contains("secret"));
    }
    let said = check(&twins, "us").await;
    assert!(said.success && said.out.contains("`product_parameters`"), "{}", said.out);
}

/// A stage in the emulator with the demonstration's storefront pushed to it.
struct Stage {
    endpoint: String,
    catalog: Catalog,
}

impl Stage {
    async fn new() -> Self {
        let account = emulator::shared().await.unwrap().account();
        let deployment = emulator::Deployment::new("catalog").parameter("MailFrom", "shop@acme.example");
        let stack = deployment.deploy_data(&account).await.unwrap();
        let aws = Aws::from_config(account.sdk_config());
        let storefront: Storefront = toml::from_str(&std::fs::read_to_string(STOREFRONT).unwrap()).unwrap();
        let settings = Settings::new(aws.dynamodb(), stack.output("SettingsTable").unwrap());
        settings.push(&storefront, None, Timestamp::from_seconds(1)).await.unwrap();
        let catalog = Catalog::new(aws.dynamodb(), stack.output("CatalogTable").unwrap());
        Self { endpoint: account.endpoint().to_owned(), catalog }
    }

    async fn import(&self, source: &str, more: &[&str]) -> Said {
        let args = ["import", source, "--marketplace", "us", "--endpoint-url", &self.endpoint];
        hashcart(&[&args[..], more].concat()).await
    }

    async fn availability(&self, id: &str) -> Option<Availability> {
        let product = self.catalog.product(&"us".into(), &id.into()).await.unwrap()?;
        Some(product.first().availability)
    }
}

/// Answers every request with these bytes and closes the connection.
async fn serve(answer: String) -> String {
    let listener = tokio::net::TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        while let Ok((mut connection, _)) = listener.accept().await {
            let _ = connection.read(&mut [0; 4096]).await;
            let _ = connection.write_all(answer.as_bytes()).await;
        }
    });
    format!("http://127.0.0.1:{port}/feed.tsv?token=secret")
}

#[tokio::test]
async fn an_operator_imports_and_imports_again() {
    let (stage, folder) = (Stage::new().await, Folder::new());
    let whole = folder.put("whole.tsv", &feed(&["a", "b", "c", "d"]));

    let said = stage.import(&whole, &["--dry-run"]).await;
    assert!(said.success && said.out.contains("4 new, 0 changed, 0 unchanged"), "{}{}", said.out, said.error);
    assert_eq!(stage.availability("a").await, None);

    let said = stage.import(&whole, &[]).await;
    assert!(said.out.contains("4 new, 0 changed, 0 unchanged, 0 vanished, 0 rejected"), "{}", said.out);
    let changed = folder.put("changed.tsv", &feed(&["a", "b", "c"]).replace("The a", "An a"));
    let said = stage.import(&changed, &[]).await;
    assert!(said.out.contains("0 new, 1 changed, 2 unchanged, 1 vanished"), "{}", said.out);
    assert_eq!(stage.availability("d").await, Some(Availability::OutOfStock));

    // Most of the shop missing, an empty feed, too many bad rows: nothing goes out of stock.
    let one = folder.put("one.tsv", &feed(&["a"]));
    let said = stage.import(&one, &[]).await;
    assert!(!said.success && said.error.contains("2 of 3 products are missing"), "{}", said.error);
    let said = stage.import(&folder.put("empty.tsv", HEADER), &[]).await;
    assert!(!said.success && said.error.contains("no product that can be imported"), "{}", said.error);
    let mut bad = feed(&["a", "b"]);
    writeln!(bad, "c\tC\thttps://acme.example/p/c\tfree\tin_stock").unwrap();
    let bad = folder.put("bad.tsv", &bad);
    assert!(!stage.import(&bad, &["--max-rejected", "0"]).await.success);
    // What was known of a bad row stays, and the others count.
    let said = stage.import(&bad, &[]).await;
    assert!(said.success && said.out.contains("0 vanished, 1 rejected"), "{}{}", said.out, said.error);
    for id in ["b", "c"] {
        assert_eq!(stage.availability(id).await, Some(Availability::InStock));
    }

    // Over HTTP; a download that breaks off is no feed that ends.
    let text = feed(&["a", "b", "e"]);
    let cut = format!("HTTP/1.1 200 OK\r\ncontent-length: 100000\r\n\r\n{text}");
    let said = stage.import(&serve(cut).await, &["--force"]).await;
    assert!(!said.success && said.error.contains("can't be read on from line"), "{}", said.error);
    assert!(!said.error.contains("secret"), "{}", said.error);
    assert_eq!(stage.availability("c").await, Some(Availability::InStock));
    let good = format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n{text}", text.len());
    let said = stage.import(&serve(good).await, &[]).await;
    assert!(said.out.contains("127.0.0.1/feed.tsv: "), "{}{}", said.out, said.error);
    assert!(said.out.contains("1 vanished"), "{}{}", said.out, said.error);
    let gone = "HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\n\r\n".to_owned();
    let said = stage.import(&serve(gone).await, &[]).await;
    assert!(!said.success && said.error.contains("can't be fetched"), "{}", said.error);

    let said = stage.import(&one, &["--force"]).await;
    assert!(said.success && said.out.contains("2 vanished"), "{}{}", said.out, said.error);
    assert_eq!(stage.availability("e").await, Some(Availability::OutOfStock));
}
