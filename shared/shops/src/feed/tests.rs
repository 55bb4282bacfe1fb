use std::io::Read;

use domain::product::{Availability, OptionValue, Variant};
use domain::storefront::Shop;
use domain::time::Timestamp;
use proptest::prelude::*;

use super::*;

fn marketplace() -> Marketplace {
    Marketplace {
        id: "us".into(),
        cart_tags: vec!["AcmeCart".into()],
        wish_tags: vec![],
        hosts: vec!["acme.example".into(), "www.acme.example".into()],
        shop: Shop::Template {
            checkout_url: "https://acme.example/checkout?items={items}".into(),
            checkout_item: "{variant}:{quantity}".into(),
            checkout_separator: ",".into(),
            affiliate_parameter: None,
            product_parameters: vec![],
            variant_parameters: vec!["variant".into()],
        },
        currency: "USD".into(),
        languages: vec![],
        feed: None,
    }
}

fn read(feed: impl AsRef<[u8]>) -> Vec<Result<Row, FeedError>> {
    Feed::open(feed.as_ref(), &marketplace(), PriceExposure::Anywhere).unwrap().collect()
}

fn refused(feed: impl AsRef<[u8]>) -> FeedError {
    match Feed::open(feed.as_ref(), &marketplace(), PriceExposure::Anywhere) {
        Ok(_) => panic!("opened"),
        Err(error) => error,
    }
}

fn rows(feed: impl AsRef<[u8]>) -> Vec<Row> {
    read(feed).into_iter().map(Result::unwrap).collect()
}

fn accepted(feed: impl AsRef<[u8]>) -> Vec<Listing> {
    let accept = |row| match row {
        Row::Accepted(listing) => *listing,
        Row::Rejected(row) => panic!("{row}"),
    };
    rows(feed).into_iter().map(accept).collect()
}

fn one(feed: impl AsRef<[u8]>) -> Variant {
    let mut all = accepted(feed);
    assert_eq!(all.len(), 1);
    all.remove(0).variant
}

fn rejections(feed: impl AsRef<[u8]>) -> Vec<String> {
    let reject = |row| match row {
        Row::Accepted(_) => None,
        Row::Rejected(row) => Some(row.to_string()),
    };
    rows(feed).into_iter().filter_map(reject).collect()
}

/// A feed of one row: the required columns and one more.
fn with(column: &str, value: &str) -> String {
    let mut fields = vec![
        ("id", "s1"),
        ("title", "Walnut speaker"),
        ("link", "https://acme.example/p/walnut-speaker"),
        ("price", "89.00 USD"),
        ("availability", "in_stock"),
    ];
    fields.retain(|(name, _)| *name != column);
    fields.push((column, value));
    let (names, values): (Vec<_>, Vec<_>) = fields.into_iter().unzip();
    format!("{}\n{}\n", names.join("\t"), values.join("\t"))
}

fn at(text: &str) -> Timestamp {
    Timestamp::parse_rfc3339(text).unwrap()
}

#[test]
fn a_row_of_every_column() {
    let feed = "id\tItem Group ID\tg:title\tlink\timage link\tavailability\tavailability date\tprice\t\
                sale price\tsale_price_effective_date\tgtin\tbrand\tcolor\tsize\tmaterial\tpattern\t\
                product_detail(section_name:attribute_name:attribute_value)\tadult\thashcart_deal\t\
                hashcart_digital\thashcart_sensitive\thashcart_restricted\thashcart_price_exposure\t\
                hashcart_max_quantity\tcustom_label_0\n\
                tee-m-red\ttee\tCanyon  Tee\thttps://www.acme.example/p/tee?variant=m-red&utm_source=feed\t\
                https://acme.example/pictures/tee.png\tpreorder\t2026-12-01T09:00-0800\t25 USD\t19.50 USD\t\
                2026-11-01T00:00+0100/2026-11-30\t4006381333931\tAcme\tred\tM\tcotton\tplain\t\
                Option:Sleeve:long,General:Weight:200 g\tno\tyes\tTRUE\t1\tfalse\tCart\t3\tadult\n";
    let listing = accepted(feed).remove(0);
    assert_eq!(listing.url, "https://acme.example/p/tee");
    assert_eq!(listing.choice.as_deref(), Some("variant=m-red"));
    let variant = listing.variant;
    let option = |name: &str, value: &str| OptionValue { name: name.into(), value: value.into() };
    assert_eq!((variant.product.as_str(), variant.variant.as_str()), ("tee", "tee-m-red"));
    assert_eq!(variant.title, "Canyon Tee");
    assert_eq!(variant.link, "https://www.acme.example/p/tee?variant=m-red&utm_source=feed");
    assert_eq!(variant.image_link.as_deref(), Some("https://acme.example/pictures/tee.png"));
    assert_eq!(
        variant.options,
        [
            option("size", "M"),
            option("color", "red"),
            option("material", "cotton"),
            option("pattern", "plain"),
            option("sleeve", "long"),
        ]
    );
    assert_eq!(variant.availability, Availability::Preorder);
    assert_eq!(variant.availability_date, Some(at("2026-12-01T17:00:00Z")));
    assert_eq!(variant.price.to_string(), "25.00 USD");
    let sale = variant.sale.unwrap();
    assert_eq!(sale.price.to_string(), "19.50 USD");
    assert_eq!(sale.from, Some(at("2026-10-31T23:00:00Z")));
    assert_eq!(sale.until, Some(at("2026-12-01T00:00:00Z")));
    assert_eq!(variant.gtin.as_deref(), Some("4006381333931"));
    assert_eq!(variant.brand.as_deref(), Some("Acme"));
    assert!(variant.deal && variant.digital && variant.sensitive && !variant.restricted);
    assert_eq!(variant.price_exposure, PriceExposure::Cart);
    assert_eq!(variant.max_quantity, Some(3));
}

#[test]
fn what_is_absent_has_its_default() {
    let variant = one(with("brand", ""));
    assert_eq!(variant.product.as_str(), "s1");
    assert!(!(variant.deal || variant.digital || variant.sensitive || variant.restricted));
    assert_eq!((variant.sale, variant.gtin, variant.brand, variant.max_quantity), (None, None, None, None));
    let feed = with("brand", "");
    let mut guarded = Feed::open(feed.as_bytes(), &marketplace(), PriceExposure::Checkout).unwrap();
    match guarded.next().unwrap().unwrap() {
        Row::Accepted(listing) => assert_eq!(listing.variant.price_exposure, PriceExposure::Checkout),
        Row::Rejected(row) => panic!("{row}"),
    }
    // A colour without a group is a description, no choice.
    assert_eq!(one(with("color", "black")).options, []);
    assert!(one(with("adult", "yes")).sensitive);
    assert!(!one(with("custom_label_0", "sensitive")).sensitive);
}

#[test]
fn availability_is_read_in_every_spelling() {
    for (text, availability) in [
        ("in_stock", Availability::InStock),
        ("in stock", Availability::InStock),
        ("In Stock", Availability::InStock),
        ("out of stock", Availability::OutOfStock),
        ("preorder", Availability::Preorder),
        ("pre-order", Availability::Preorder),
        ("backorder", Availability::Backorder),
    ] {
        assert_eq!(one(with("availability", text)).availability, availability, "{text}");
    }
}

#[test]
fn dates_are_read_in_iso_8601() {
    for (text, moment) in [
        ("2026-12-01", "2026-12-01T00:00:00Z"),
        ("2026-12-01T09:00", "2026-12-01T09:00:00Z"),
        ("2026-12-01T09:00Z", "2026-12-01T09:00:00Z"),
        ("2026-12-01T09:00:30+01:00", "2026-12-01T08:00:30Z"),
        ("2026-12-01T09:00+0100", "2026-12-01T08:00:00Z"),
        ("2016-11-25T13:00-0800", "2016-11-25T21:00:00Z"),
    ] {
        assert_eq!(one(with("availability_date", text)).availability_date, Some(at(moment)), "{text}");
    }
}

#[test]
fn what_is_wrong_is_named() {
    let long = "x".repeat(51);
    for (column, value, reason) in [
        ("id", "", "line 2, no id, id: it is missing"),
        ("id", long.as_str(), "longer than 50 characters"),
        ("title", "", r#"line 2, id "s1", title: it is missing"#),
        ("title", "a\u{7}b", "control characters"),
        ("link", "walnut-speaker", "link: it is not an http or https address"),
        ("link", "ftp://acme.example/p/x", "not an http or https address"),
        ("link", "https://other.example/p/x", "none of the marketplace's (acme.example, www.acme.example)"),
        ("link", "https://acme.example/", "shows no single product"),
        ("image_link", "x.png", "image_link: it is not an http"),
        ("availability", "", "availability: it is missing"),
        ("availability", "sold out", r#""sold out" is none of in_stock, out_of_stock"#),
        ("availability_date", "soon", "availability_date: it is not a date"),
        ("availability_date", "2026-13-01", "not a date"),
        ("price", "", "price: it is missing"),
        ("price", "89,00 USD", "price: a price is an amount"),
        ("price", "89.00 XQZ", "ISO 4217"),
        ("price", "89.00 EUR", "price: the marketplace sells in USD"),
        ("sale_price", "99.00 USD", "sale_price: it is higher than the price"),
        ("sale_price", "cheap", "sale_price: a price is"),
        ("sale_price", "9.00 GBP", "sale_price: the marketplace sells in USD"),
        (
            "sale_price_effective_date",
            "2026-11-02/2026-11-01",
            "sale_price_effective_date: it is not `<from>",
        ),
        ("sale_price_effective_date", "2026-11-02", "not `<from>"),
        ("gtin", "4006381333932", "gtin: it is not a GTIN"),
        ("adult", "maybe", r#"adult: "maybe" is none of yes and no"#),
        ("hashcart_deal", "2", "hashcart_deal: "),
        ("hashcart_price_exposure", "nowhere", "none of anywhere, cart and checkout"),
        ("hashcart_max_quantity", "0", "hashcart_max_quantity: it is not a whole number from 1"),
        ("hashcart_max_quantity", "-3", "whole number"),
        ("hashcart_max_quantity", "2.5", "whole number"),
    ] {
        let reasons = rejections(with(column, value));
        assert!(reasons.len() == 1 && reasons[0].contains(reason), "{column}={value}: {reasons:?}");
    }
}

#[test]
fn a_sale_at_the_regular_price_is_none() {
    assert_eq!(one(with("sale_price", "89.00 USD")).sale, None);
    assert_eq!(one(with("sale_price", "80.00 USD")).sale.unwrap().from, None);
}

const HEADER: &str = "id\ttitle\tlink\tprice\tavailability\n";

#[test]
fn a_broken_row_harms_no_other() {
    let mut feed = HEADER.as_bytes().to_vec();
    for row in [
        &b"a\tA\thttps://acme.example/p/a\t1 USD\tin_stock\n"[..],
        b"\n",
        b"b\tB\thttps://acme.example/p/b\t1 USD\n",
        b"c\tC \xE9\thttps://acme.example/p/c\t1 USD\tin_stock\n",
        b"d\tD\thttps://acme.example/p/d\t1 USD\tin_stock\tsurplus\n",
        b"\t\t\t\t\n",
        b"a\tA\thttps://acme.example/p/a\t1 USD\tin_stock\r\n",
        b"e\t\"Two\nlines\"\thttps://acme.example/p/e\t1 USD\tin_stock\t\t\n",
        b"f\t19\" wheel\thttps://acme.example/p/f\t1 USD\tnever\n",
        b"g\tG\thttps://acme.example/p/g\t1 USD\tin stock",
    ] {
        feed.extend_from_slice(row);
    }
    assert_eq!(
        rejections(&feed),
        [
            r#"line 4, id "b", availability: it is missing"#,
            r#"line 5, id "c", title: it is not in UTF-8"#,
            r#"line 6, id "d", the row has more than the 5 columns of the first line"#,
            r#"line 8, id "a", id: an earlier row has this id"#,
            r#"line 11, id "f", availability: "never" is none of in_stock, out_of_stock, preorder and backorder"#,
        ]
    );
    let accepted: Vec<_> = rows(&feed)
        .into_iter()
        .filter_map(|row| match row {
            Row::Accepted(listing) => Some((listing.variant.variant, listing.variant.title)),
            Row::Rejected(_) => None,
        })
        .collect();
    let expected = [("a", "A"), ("e", "Two lines"), ("g", "G")];
    assert_eq!(accepted, expected.map(|(id, title)| (id.into(), title.to_owned())));
}

#[test]
fn lines_are_counted_from_the_top_of_the_file() {
    let row = "a\tA\thttps://acme.example/p/a\t1 USD\tnever\n";
    let feed = format!("\n{HEADER}{row}\n\n{row}{row}");
    let lines = |feed: &str| -> Vec<u64> {
        let line = |row| match row {
            Row::Accepted(_) => None,
            Row::Rejected(row) => Some(row.line),
        };
        rows(feed).into_iter().filter_map(line).collect()
    };
    assert_eq!(lines(&feed), [3, 6, 7]);
    assert_eq!(lines(&feed.replace('\n', "\r\n")), [3, 6, 7]);
}

#[test]
fn every_separator_and_byte_order_mark_is_understood() {
    let tsv = with("brand", "Acme");
    for feed in [
        tsv.clone(),
        tsv.replace('\t', ","),
        tsv.replace('\t', ";"),
        tsv.replace('\n', "\r\n"),
        format!("\u{feff}{tsv}"),
        format!("\n\n{tsv}"),
    ] {
        assert_eq!(one(feed).brand.as_deref(), Some("Acme"));
    }
    let csv = "id,title,link,price,availability\ns1,\"Speaker, \"\"walnut\"\"\",https://acme.example/p/s,1 USD,in stock\n";
    assert_eq!(one(csv).title, "Speaker, \"walnut\"");
}

#[test]
fn what_is_no_feed_is_refused_at_once() {
    assert!(matches!(refused(""), FeedError::Empty));
    assert!(matches!(refused("\u{feff}\n \n"), FeedError::Empty));
    assert!(matches!(refused(b"\x1f\x8b\x08\x00"), FeedError::Compressed));
    assert!(matches!(refused(b"PK\x03\x04"), FeedError::Compressed));
    assert!(matches!(refused(b"\xff\xfei\x00d\x00"), FeedError::Encoding));
    assert!(matches!(refused("<?xml version='1.0' encoding='ISO-8859-1'?><rss/>"), FeedError::Encoding));
    assert!(
        matches!(refused("<!DOCTYPE html><html><body/></html>"), FeedError::NotAFeed { root } if root == "html")
    );
    let missing = refused("id\ttitle\tprix\n");
    assert_eq!(
        missing.to_string(),
        "the first line must name the columns; missing: link, price, availability"
    );
    assert!(matches!(refused("Not found"), FeedError::MissingColumns { .. }));
}

#[test]
fn a_quote_that_never_closes_stops_the_feed() {
    let mut feed = format!("{HEADER}a\tA\thttps://acme.example/p/a\t1 USD\tin_stock\nb\t\"B\t");
    feed.push_str(&"filler\tfiller\n".repeat(200_000));
    let rows = read(feed);
    assert_eq!(rows.len(), 2);
    assert!(matches!(rows[0], Ok(Row::Accepted(_))));
    assert!(matches!(rows[1], Err(FeedError::EndlessRow { line: 3 })), "{:?}", rows[1]);
}

const RSS: &str = r#"<?xml version="1.0" encoding="UTF-8"?>
<rss xmlns:g="http://base.google.com/ns/1.0" version="2.0">
<channel>
<title>Acme</title>
<link>https://acme.example</link>
<item>
  <title>A plain title</title>
  <link>https://acme.example/p/plain</link>
  <g:id>tee-m</g:id>
  <g:title><![CDATA[Salt & Pepper ]]>&amp; &#x1F336;&nbsp;set</g:title>
  <g:link>https://acme.example/p/tee?variant=m&amp;utm_source=feed</g:link>
  <g:price>25.00 USD</g:price>
  <g:availability>in_stock</g:availability>
  <g:item_group_id>tee</g:item_group_id>
  <g:shipping><g:country>US</g:country><g:price>4.00 USD</g:price></g:shipping>
  <g:size>M</g:size>
  <g:product_detail>
    <g:section_name>Option</g:section_name>
    <g:attribute_name>Sleeve</g:attribute_name>
    <g:attribute_value>long</g:attribute_value>
  </g:product_detail>
  <g:product_detail><g:section_name>General</g:section_name><g:attribute_name>Weight</g:attribute_name><g:attribute_value>200 g</g:attribute_value></g:product_detail>
  <g:hashcart_deal>yes</g:hashcart_deal>
  <hashcart_max_quantity>2</hashcart_max_quantity>
  <media:title xmlns:media="http://search.yahoo.com/mrss/">Another title</media:title>
  <g:brand/>
</item>
</channel>
</rss>
"#;

#[test]
fn rss_is_read() {
    let listing = accepted(RSS).remove(0);
    assert_eq!(listing.url, "https://acme.example/p/tee");
    assert_eq!(listing.choice.as_deref(), Some("variant=m"));
    let variant = listing.variant;
    assert_eq!(variant.title, "Salt & Pepper & 🌶 set");
    assert_eq!(variant.price.to_string(), "25.00 USD");
    assert_eq!(variant.options_label(), "M, long");
    assert_eq!((variant.deal, variant.max_quantity, variant.brand), (true, Some(2), None));
}

#[test]
fn a_namespace_counts_not_its_prefix() {
    let renamed = RSS.replace("xmlns:g=", "xmlns:gm=").replace("<g:", "<gm:").replace("</g:", "</gm:");
    assert_eq!(accepted(renamed), accepted(RSS));
    let undeclared = RSS.replace(r#"xmlns:g="http://base.google.com/ns/1.0""#, "");
    assert_eq!(accepted(undeclared), accepted(RSS));
    let stranger = RSS.replace("http://base.google.com/ns/1.0", "http://stranger.example/");
    assert_eq!(rejections(stranger), ["line 6, no id, id: it is missing"]);
}

#[test]
fn atom_is_read() {
    let feed = r#"<feed xmlns="http://www.w3.org/2005/Atom" xmlns:g="http://base.google.com/ns/1.0">
        <title>Acme</title><link rel="self" href="https://acme.example"/>
        <entry>
          <id>tag:acme.example,2026:s1</id>
          <g:id>s1</g:id>
          <title>Walnut &quot;speaker&quot;</title>
          <link rel="enclosure" href="https://acme.example/x.mp3"/>
          <link rel="alternate" href="https://acme.example/p/walnut-speaker?a=1&amp;b=2"/>
          <summary>Sounds good</summary>
          <g:price>89.00 USD</g:price><g:availability>in stock</g:availability>
        </entry>
        </feed>"#;
    let variant = one(feed);
    assert_eq!(variant.variant.as_str(), "s1");
    assert_eq!(variant.title, r#"Walnut "speaker""#);
    assert_eq!(variant.link, "https://acme.example/p/walnut-speaker?a=1&b=2");
}

fn rss(items: &str) -> String {
    format!("<rss version='2.0' xmlns:g='http://base.google.com/ns/1.0'><channel>{items}</channel></rss>")
}

const ITEM: &str = "<item><g:id>ID</g:id><title>TITLE</title><link>https://acme.example/p/ID</link>\
                    <g:price>1 USD</g:price><g:availability>in stock</g:availability></item>\n";

fn item(id: &str, title: &str) -> String {
    ITEM.replace("ID", id).replace("TITLE", title)
}

#[test]
fn faults_in_xml_stay_in_their_item() {
    let feed = rss(&[
        item("a", "Salt & Pepper"),
        item("b", "&undefined;"),
        item("c", "Fish & chips; peas"),
        item("d", "<b>D</b>"),
        item("a", "A again"),
        item("e", "&#0;"),
    ]
    .concat());
    assert_eq!(
        rejections(&feed),
        [
            r#"line 2, id "b", title: it holds an entity (`&name;`) that is not known"#,
            r#"line 4, id "d", title: it is missing"#,
            r#"line 5, id "a", id: an earlier row has this id"#,
            r#"line 6, id "e", title: it holds an entity (`&name;`) that is not known"#,
        ]
    );
    let titles: Vec<_> = rows(&feed)
        .into_iter()
        .filter_map(|row| match row {
            Row::Accepted(listing) => Some(listing.variant.title),
            Row::Rejected(_) => None,
        })
        .collect();
    assert_eq!(titles, ["Salt & Pepper", "Fish & chips; peas"]);
}

#[test]
fn a_document_type_expands_nothing() {
    let feed = format!(
        "<!DOCTYPE rss [<!ENTITY a \"aaaa\"><!ENTITY b \"&a;&a;\"><!ENTITY f SYSTEM \"file:///etc/passwd\">]>{}",
        rss(&[item("a", "&b;"), item("b", "&f;")].concat())
    );
    assert_eq!(rejections(feed).len(), 2);
}

#[test]
fn xml_that_breaks_off_is_an_error() {
    let whole = rss(&[item("a", "A"), item("b", "B")].concat());
    let end = whole.find("</channel>").unwrap();
    for cut in [end, end - 10, end - 100] {
        let rows = read(whole.get(..cut).unwrap());
        assert!(matches!(rows[0], Ok(Row::Accepted(_))));
        let last = rows.last().unwrap();
        assert!(matches!(last, Err(FeedError::CutOff { .. } | FeedError::Xml { .. })), "{last:?}");
    }
    let crossed = read(rss("<item><g:id>a</item></g:id>"));
    assert!(matches!(crossed[0], Err(FeedError::Xml { line: 1, .. })), "{:?}", crossed[0]);
    let endless = rss(&item("a", &"x".repeat(2_000_000)));
    assert!(matches!(read(endless)[0], Err(FeedError::EndlessRow { line: 1 })));
}

/// Makes a feed while it is read, so that only the reader could hold it.
struct Made<F> {
    made: F,
    rows: usize,
    ready: std::io::Cursor<Vec<u8>>,
}

impl<F: Fn(usize) -> String> Read for Made<F> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let read = self.ready.read(buffer)?;
        if read > 0 || self.rows == 100_001 {
            return Ok(read);
        }
        self.ready = std::io::Cursor::new((self.made)(self.rows).into_bytes());
        self.rows += 1;
        self.ready.read(buffer)
    }
}

#[test]
fn a_hundred_thousand_rows_are_read_one_by_one() {
    let tsv = |row: usize| match row {
        0 => HEADER.to_owned(),
        row => format!("id{row}\tProduct {row}\thttps://acme.example/p/{row}\t1.00 USD\tin_stock\n"),
    };
    let xml = |row: usize| match row {
        0 => "<rss xmlns:g='http://base.google.com/ns/1.0'><channel>".to_owned(),
        100_000 => format!("{}</channel></rss>", item("id100000", "Product 100000")),
        row => item(&format!("id{row}"), &format!("Product {row}")),
    };
    let count = |feed: Feed<Box<dyn Read>>| {
        feed.map(Result::unwrap).filter(|row| matches!(row, Row::Accepted(_))).count()
    };
    let open = |reader: Box<dyn Read>| Feed::open(reader, &marketplace(), PriceExposure::Anywhere).unwrap();
    let made = |made: Box<dyn Fn(usize) -> String>| Made { made, rows: 0, ready: Default::default() };
    assert_eq!(count(open(Box::new(made(Box::new(tsv))))), 100_000);
    assert_eq!(count(open(Box::new(made(Box::new(xml))))), 100_000);
}

proptest! {
    #[test]
    fn no_bytes_make_it_panic(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
        if let Ok(feed) = Feed::open(bytes.as_slice(), &marketplace(), PriceExposure::Anywhere) {
            feed.count();
        }
    }

    #[test]
    fn no_row_makes_it_panic(row in "[\\PC\t\"\n]{0,120}", markup in "[<>/&;a-z:\"' ]{0,120}") {
        read(format!("{HEADER}{row}"));
        read(rss(&markup));
    }
}
