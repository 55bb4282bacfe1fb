//! Which link means which product.
//!
//! A link is read into its canonical form: the same text however the link was written, shared or
//! tracked. Catalogue rows are stored under the canonical form of the feed's link, so a link in a
//! post finds its product with one read.
//!
//! What the canonical form of a template shop's link is made of:
//! - `https`, whatever the scheme was, and no credentials, fragment or default port;
//! - the host in lower case and punycode, without a dot at its end and without `www.`, `m.` or
//!   `mobile.` before it;
//! - the path with dot segments resolved, empty segments and a slash at its end dropped, and every
//!   byte but RFC 3986's unreserved ones percent-encoded in upper case;
//! - the query parameters that tell products apart, sorted by name; every other one is tracking
//!   (`utm_*`, `gclid`, `fbclid`, `ref`, …) or chooses a variant.
//!
//! Hosts are compared whole, never by a part of them: `acme.example.evil.example` is not ours.

mod amazon;

use std::collections::BTreeMap;

use domain::ids::{MarketplaceId, ProductId};
use domain::storefront::{Marketplace, Shop, Storefront};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, percent_encode, utf8_percent_encode};
use url::Url;

/// The longest link that is read, in bytes. Product links are shorter than 2 kB everywhere
/// (Google Merchant, `link`: at most 2,000 characters).
const LONGEST_LINK: usize = 4096;
/// The longest affiliate tag that is kept, in bytes.
const LONGEST_TAG: usize = 128;
/// Everything but RFC 3986's unreserved characters.
const RESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// A link to a page of one of the storefront's shops, read as far as it names a product.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct ProductLink {
    /// The marketplace whose shop it is.
    pub marketplace: MarketplaceId,
    /// The canonical link: the key of the catalogue's index.
    pub url: String,
    /// The parameters that choose a variant, canonical as well (`variant=12`); `None` when the link
    /// means the product as a whole.
    pub choice: Option<String>,
    /// The shop's own id in the link (an ASIN), where its links carry one.
    pub id: Option<ProductId>,
    /// The affiliate tag, kept aside: who gets the credit.
    pub affiliate: Option<String>,
}

/// What a link is to us.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LinkTarget {
    /// A page of one of our shops that may show a product.
    Product(ProductLink),
    /// A shortened link that may stand for one: follow it, then read where it leads.
    ShortLink(Url),
    /// Anything else, a shop's home page included.
    NotOurs,
}

/// The link rules of a storefront, made once and asked for every link.
#[derive(Clone, Debug)]
pub struct LinkRules {
    shops: BTreeMap<String, ShopRules>,
    short_hosts: Vec<String>,
    amazon: bool,
}

/// How one shop's links name products.
#[derive(Clone, Debug)]
struct ShopRules {
    marketplace: MarketplaceId,
    shop: Shop,
}

impl LinkRules {
    /// The rules of `storefront`. Where two marketplaces claim one host, the first has it.
    pub fn new(storefront: &Storefront) -> Self {
        let mut rules = Self {
            shops: BTreeMap::new(),
            short_hosts: storefront
                .short_link_hosts
                .iter()
                .filter_map(|host| configured_host(host))
                .collect(),
            amazon: false,
        };
        for marketplace in &storefront.marketplaces {
            rules.add(marketplace);
        }
        rules
    }

    /// The rules of one marketplace alone: what reading its feed needs.
    pub fn of(marketplace: &Marketplace) -> Self {
        let mut rules = Self { shops: BTreeMap::new(), short_hosts: Vec::new(), amazon: false };
        rules.add(marketplace);
        rules
    }

    fn add(&mut self, marketplace: &Marketplace) {
        let is_amazon = matches!(marketplace.shop, Shop::Amazon { .. });
        self.amazon |= is_amazon;
        for host in marketplace.hosts.iter().filter_map(|host| configured_host(host)) {
            let hosts = if is_amazon { amazon::hosts(&host) } else { vec![host] };
            for host in hosts {
                self.shops.entry(host).or_insert_with(|| ShopRules {
                    marketplace: marketplace.id.clone(),
                    shop: marketplace.shop.clone(),
                });
            }
        }
    }

    /// The hosts whose links are followed: the storefront's, and Amazon's own where one of its shops
    /// is at Amazon.
    pub fn short_hosts(&self) -> Vec<String> {
        let amazon = amazon::SHORT_HOSTS.iter().filter(|_| self.amazon).map(|host| (*host).to_owned());
        self.short_hosts.iter().cloned().chain(amazon).collect()
    }

    /// Reads a link as it stands in a post or a feed; one without a scheme is taken as `https`.
    pub fn read(&self, link: &str) -> LinkTarget {
        let Some(url) = parse(link) else { return LinkTarget::NotOurs };
        let Some(host) = host_of(&url) else { return LinkTarget::NotOurs };
        if let Some(product) = self.shops.get(&host).and_then(|rules| rules.read(&url, &host)) {
            return LinkTarget::Product(product);
        }
        // Without its port: whoever follows the link refuses ports that are not the scheme's own.
        let host = url.host_str().unwrap_or_default().trim_end_matches('.');
        let shortened = self.short_hosts.iter().any(|short| short == host)
            || (self.amazon && amazon::SHORT_HOSTS.contains(&host));
        if shortened && url.path() != "/" { short_link(url) } else { LinkTarget::NotOurs }
    }
}

impl ShopRules {
    fn read(&self, url: &Url, host: &str) -> Option<ProductLink> {
        match &self.shop {
            Shop::Amazon { .. } => {
                let asin = amazon::asin_in(url)?;
                Some(ProductLink {
                    marketplace: self.marketplace.clone(),
                    url: amazon::canonical(host, &asin),
                    choice: None,
                    id: Some(ProductId::new(asin)),
                    affiliate: parameter(url, "tag"),
                })
            }
            Shop::Template { affiliate_parameter, product_parameters, variant_parameters, .. } => {
                let path = canonical_path(url);
                let query = canonical_query(url, product_parameters);
                if path.is_empty() && query.is_none() {
                    return None; // the home page shows no product
                }
                let query = query.map_or_else(String::new, |query| format!("?{query}"));
                Some(ProductLink {
                    marketplace: self.marketplace.clone(),
                    url: format!("https://{}{path}{query}", plain_host(host)),
                    choice: canonical_query(url, variant_parameters),
                    id: None,
                    affiliate: affiliate_parameter.as_ref().and_then(|name| parameter(url, name)),
                })
            }
        }
    }
}

/// Reads an http(s) address without credentials; a missing scheme is `https`.
fn parse(link: &str) -> Option<Url> {
    let link = link.trim();
    if link.is_empty() || link.len() > LONGEST_LINK {
        return None;
    }
    let url = if link.contains("://") { Url::parse(link) } else { Url::parse(&format!("https://{link}")) };
    let plain = |url: &Url| url.username().is_empty() && url.password().is_none();
    url.ok().filter(|url| matches!(url.scheme(), "http" | "https") && plain(url))
}

/// The host as rules are keyed by it: with its port unless that is the scheme's own.
fn host_of(url: &Url) -> Option<String> {
    let host = url.host_str()?.trim_end_matches('.');
    Some(url.port().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}")))
}

/// A host of the configuration in the form that [`host_of`] gives.
fn configured_host(host: &str) -> Option<String> {
    host_of(&Url::parse(&format!("https://{}", host.trim())).ok()?)
}

/// The host without the names that shops give to the same pages for phones and habit.
fn plain_host(host: &str) -> &str {
    ["www.", "m.", "mobile."].iter().find_map(|prefix| host.strip_prefix(prefix)).unwrap_or(host)
}

fn canonical_path(url: &Url) -> String {
    url.path()
        .split('/')
        .filter(|segment| !segment.is_empty())
        .map(|segment| {
            let bytes: Vec<u8> = percent_decode_str(segment).collect();
            format!("/{}", percent_encode(&bytes, RESERVED))
        })
        .collect()
}

/// The named parameters sorted by name, the first of each name; `None` when there is none.
fn canonical_query(url: &Url, names: &[String]) -> Option<String> {
    let mut kept: BTreeMap<String, String> = BTreeMap::new();
    for (name, value) in url.query_pairs() {
        if names.iter().any(|n| *n == name) && !value.is_empty() {
            kept.entry(name.into_owned()).or_insert_with(|| value.into_owned());
        }
    }
    let pair = |(name, value): (&String, &String)| {
        format!("{}={}", utf8_percent_encode(name, RESERVED), utf8_percent_encode(value, RESERVED))
    };
    (!kept.is_empty()).then(|| kept.iter().map(pair).collect::<Vec<_>>().join("&"))
}

fn parameter(url: &Url, name: &str) -> Option<String> {
    let value = url.query_pairs().find(|(n, _)| n == name)?.1.into_owned();
    (!value.is_empty() && value.len() <= LONGEST_TAG).then_some(value)
}

/// A short link to follow. Whoever follows it does so over https, whatever was written.
fn short_link(mut url: Url) -> LinkTarget {
    url.set_fragment(None);
    LinkTarget::ShortLink(url)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn template(id: &str, hosts: &[&str]) -> Marketplace {
        Marketplace {
            id: id.into(),
            cart_tags: vec!["AcmeCart".into()],
            wish_tags: vec![],
            hosts: hosts.iter().map(|h| (*h).to_owned()).collect(),
            shop: Shop::Template {
                checkout_url: "https://acme.example/checkout?items={items}".into(),
                checkout_item: "{variant}:{quantity}".into(),
                checkout_separator: ",".into(),
                affiliate_parameter: Some("aff".into()),
                product_parameters: vec!["id".into(), "edition".into()],
                variant_parameters: vec!["variant".into()],
            },
            currency: "USD".into(),
            languages: vec![],
            feed: None,
        }
    }

    fn amazon(id: &str, host: &str) -> Marketplace {
        let shop = Shop::Amazon { associate_tag: Some("ours-20".into()) };
        Marketplace { shop, ..template(id, &[host]) }
    }

    fn rules() -> LinkRules {
        let mut rules =
            LinkRules::of(&template("us", &["acme.example", "www.acme.example", "MÜNCHEN.example"]));
        rules.add(&template("uk", &["acme-uk.example", "shop.acme-uk.example:8443"]));
        rules.add(&amazon("amazon-us", "www.amazon.com"));
        rules.add(&amazon("amazon-uk", "amazon.co.uk"));
        rules.short_hosts.push("go.acme.example".into());
        rules
    }

    fn product(link: &str) -> ProductLink {
        match rules().read(link) {
            LinkTarget::Product(product) => product,
            other => panic!("{link}: {other:?}"),
        }
    }

    #[test]
    fn one_product_has_one_canonical_link() {
        let canonical = "https://acme.example/p/walnut-speaker";
        for link in [
            "https://acme.example/p/walnut-speaker",
            "http://acme.example/p/walnut-speaker",
            "acme.example/p/walnut-speaker",
            "HTTPS://ACME.EXAMPLE/p/walnut-speaker",
            "https://www.acme.example/p/walnut-speaker/",
            "https://acme.example./p/walnut-speaker",
            "https://acme.example:443/p/walnut-speaker",
            "http://acme.example:80/p/walnut-speaker",
            "https://acme.example//p//walnut-speaker",
            "https://acme.example/x/../p/./walnut-speaker",
            "https://acme.example/p/walnut%2Dspeaker",
            "https://acme.example/%70/walnut-speaker",
            "https://acme.example/p/walnut-speaker?",
            "https://acme.example/p/walnut-speaker#reviews",
            "https://acme.example/p/walnut-speaker?utm_source=x&utm_medium=social&utm_campaign=a",
            "https://acme.example/p/walnut-speaker?fbclid=1&gclid=2&msclkid=3&ref=home&igshid=4&twclid=5",
            "https://acme.example/p/walnut-speaker/?id=&utm_id=#top",
            " https://acme.example/p/walnut-speaker ",
        ] {
            let read = product(link);
            assert_eq!((read.url.as_str(), read.choice, read.affiliate), (canonical, None, None), "{link}");
            assert_eq!(read.marketplace.as_str(), "us");
        }
    }

    #[test]
    fn what_tells_products_apart_stays() {
        for (link, canonical) in [
            ("https://acme.example/P/Walnut", "https://acme.example/P/Walnut"),
            ("https://acme.example/product.php?id=7&utm_source=x", "https://acme.example/product.php?id=7"),
            (
                "https://acme.example/product.php?id=7&edition=b&id=8",
                "https://acme.example/product.php?edition=b&id=7",
            ),
            ("https://acme.example/?id=7", "https://acme.example?id=7"),
            ("https://acme.example/p/a%2fb", "https://acme.example/p/a%2Fb"),
            ("https://acme.example/p/a,b", "https://acme.example/p/a%2Cb"),
            ("https://acme.example/p/caf%c3%a9", "https://acme.example/p/caf%C3%A9"),
            ("https://acme.example/p/café", "https://acme.example/p/caf%C3%A9"),
            ("https://acme.example/p/a%zz", "https://acme.example/p/a%25zz"),
            ("https://acme.example/p/%ff", "https://acme.example/p/%FF"),
            ("https://acme.example/p?id=a+b", "https://acme.example/p?id=a%20b"),
            ("https://münchen.example/p/x", "https://xn--mnchen-3ya.example/p/x"),
            ("https://shop.acme-uk.example:8443/p/x", "https://shop.acme-uk.example:8443/p/x"),
        ] {
            assert_eq!(product(link).url, canonical, "{link}");
        }
    }

    #[test]
    fn variants_and_affiliates_are_kept_aside() {
        let read = product("https://acme-uk.example/p/tee?variant=tee-m-red&aff=alice&utm_source=x");
        assert_eq!(read.url, "https://acme-uk.example/p/tee");
        assert_eq!(read.choice.as_deref(), Some("variant=tee-m-red"));
        assert_eq!(read.affiliate.as_deref(), Some("alice"));
        assert_eq!(read.marketplace.as_str(), "uk");
        let long = format!("https://acme.example/p/tee?aff={}", "a".repeat(129));
        assert_eq!(product(&long).affiliate, None);
    }

    #[test]
    fn other_links_are_not_ours() {
        for link in [
            "https://evil.example/p/walnut-speaker",
            "https://acme.example.evil.example/p/walnut-speaker",
            "https://notacme.example/p/walnut-speaker",
            "https://acme.example@evil.example/p/walnut-speaker",
            "https://user@acme.example/p/walnut-speaker",
            "https://shop.acme.example/p/walnut-speaker",
            "https://acme.example:8443/p/walnut-speaker",
            "https://shop.acme-uk.example/p/x",
            "ftp://acme.example/p/walnut-speaker",
            "javascript://acme.example/p/x",
            "mailto:help@acme.example",
            "https://acme.example",
            "https://acme.example/",
            "https://www.acme.example/?utm_source=x",
            "https://evil.example/?u=https://acme.example/p/walnut-speaker",
            "https://evil.example/acme.example/p/walnut-speaker",
            "https://evil.example#acme.example/p/x",
            "",
            "://",
            "https://",
            "not a link",
            "https://amazon.com.evil.example/dp/B0C1234567",
            "https://amazon.fr/dp/B0C1234567",
            "https://go.acme.example/",
            "https://amzn.to",
        ] {
            assert_eq!(rules().read(link), LinkTarget::NotOurs, "{link}");
        }
        let long = format!("https://acme.example/p/{}", "a".repeat(LONGEST_LINK));
        assert_eq!(rules().read(&long), LinkTarget::NotOurs);
    }

    #[test]
    fn every_amazon_form_names_its_asin() {
        for path in [
            "/dp/B0C1234567",
            "/dp/B0C1234567/",
            "/dp/b0c1234567",
            "/Some-Slug-Here/dp/B0C1234567",
            "/Some-Slug/dp/B0C1234567/ref=sr_1_1?th=1&psc=1",
            "/dp/product/B0C1234567",
            "/gp/product/B0C1234567",
            "/gp/product/B0C1234567/ref=ox_sc_act_title_1?smid=A1&psc=1",
            "/gp/product/glance/B0C1234567",
            "/gp/aw/d/B0C1234567",
            "/gp/offer-listing/B0C1234567/ref=dp_olp_new",
            "/exec/obidos/ASIN/B0C1234567",
            "/exec/obidos/ASIN/B0C1234567/someone-20",
            "/exec/obidos/tg/detail/-/B0C1234567",
            "/o/ASIN/B0C1234567",
            "/product-reviews/B0C1234567",
            "/Some-Slug/product-reviews/B0C1234567/ref=cm_cr",
            "/-/en/dp/B0C1234567",
            "/-/es/Some-Slug/dp/B0C1234567",
            "/-/en/gp/product/B0C1234567",
            "/%E3%83%86%E3%82%B9%E3%83%88/dp/B0C1234567",
            "//dp//B0C1234567",
        ] {
            for host in ["www.amazon.com", "amazon.com", "smile.amazon.com", "m.amazon.com"] {
                let read = product(&format!("https://{host}{path}"));
                assert_eq!(read.url, "https://www.amazon.com/dp/B0C1234567", "{path}");
                assert_eq!(read.id, Some("B0C1234567".into()));
                assert_eq!(read.marketplace.as_str(), "amazon-us");
            }
        }
        let read = product("https://www.amazon.co.uk/dp/080442957X?tag=alice-21&linkCode=ll1");
        assert_eq!(read.url, "https://www.amazon.co.uk/dp/080442957X");
        assert_eq!((read.marketplace.as_str(), read.affiliate.as_deref()), ("amazon-uk", Some("alice-21")));
        assert_eq!(product("https://amzn.com/B0C1234567").url, "https://www.amazon.com/dp/B0C1234567");
        assert_eq!(product("https://amzn.com/dp/B0C1234567").marketplace.as_str(), "amazon-us");
    }

    #[test]
    fn amazon_pages_without_a_product_are_not_ours() {
        for link in [
            "https://www.amazon.com/",
            "https://www.amazon.com/dp/0306406153",
            "https://www.amazon.com/dp/B0C123456",
            "https://www.amazon.com/dp/B0C12345678",
            "https://www.amazon.com/dp",
            "https://www.amazon.com/s?k=B0C1234567",
            "https://www.amazon.com/B0C1234567",
            "https://www.amazon.com/a/b/dp/B0C1234567",
            "https://www.amazon.com/gp/cart/view.html",
            "https://music.amazon.com/dp/B0C1234567",
        ] {
            assert_eq!(rules().read(link), LinkTarget::NotOurs, "{link}");
        }
    }

    #[test]
    fn short_links_are_to_be_followed() {
        for (link, follow) in [
            ("https://amzn.to/3AbCdEf", "https://amzn.to/3AbCdEf"),
            ("http://a.co/d/abc123", "http://a.co/d/abc123"),
            ("https://amzn.eu/d/abc123", "https://amzn.eu/d/abc123"),
            ("https://amzn.asia/d/abc123", "https://amzn.asia/d/abc123"),
            ("https://amzn.in/d/abc123", "https://amzn.in/d/abc123"),
            ("https://amzn.com/d/abc123", "https://amzn.com/d/abc123"),
            ("go.acme.example/s1?x=1#y", "https://go.acme.example/s1?x=1"),
            ("https://go.acme.example:8443/s1", "https://go.acme.example:8443/s1"),
        ] {
            assert_eq!(rules().read(link), LinkTarget::ShortLink(Url::parse(follow).unwrap()), "{link}");
        }
        assert!(rules().short_hosts().iter().any(|host| host == "amzn.to"));
        // A storefront without an Amazon shop has no use for Amazon's short links.
        let acme = LinkRules::of(&template("us", &["acme.example"]));
        assert_eq!(acme.read("https://amzn.to/3AbCdEf"), LinkTarget::NotOurs);
        assert_eq!(acme.short_hosts(), Vec::<String>::new());
    }

    proptest! {
        /// Reading a canonical link gives that link: the law that makes it a key.
        #[test]
        fn a_canonical_link_reads_as_itself(path in "(/[ -~é]{0,6}){0,4}", query in "(&?(id|edition|utm)=[ -~]{0,4}){0,3}") {
            if let LinkTarget::Product(read) = rules().read(&format!("https://www.acme.example/{path}?{query}")) {
                prop_assert_eq!(product(&read.url).url, read.url);
            }
        }

        #[test]
        fn no_text_makes_it_panic(text in "\\PC*") {
            rules().read(&text);
        }
    }
}
