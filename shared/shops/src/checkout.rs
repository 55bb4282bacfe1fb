//! The hand-over of a cart to the shop's checkout: an address that the shopper opens.
//!
//! Nothing is bought by it. The shop shows its own checkout with the products in it, and the shopper
//! goes on there.

use domain::cart::CartLine;
use domain::storefront::{Marketplace, Shop};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use crate::codes;

/// The longest address that is made, in bytes: what the servers and content networks in front of
/// shops take (8 kB for a request's first line) with some air for the shop's own redirects.
pub const LONGEST_ADDRESS: usize = 7000;

/// Everything but RFC 3986's unreserved characters: a product's id can't change the address.
const RESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// Why a cart can't be handed over.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CheckoutError {
    /// There is nothing to hand over.
    #[error("the cart is empty")]
    Empty,
    /// The marketplace has no host to lead to.
    #[error("the marketplace has no host")]
    NoHost,
    /// Amazon's cart takes ASINs only.
    #[error("{variant} is no ASIN")]
    NotAnAsin {
        /// The variant.
        variant: String,
    },
    /// One item alone makes too long an address.
    #[error("the address of {variant} alone is longer than {LONGEST_ADDRESS} bytes")]
    TooLong {
        /// The variant.
        variant: String,
    },
}

/// The addresses that hand `lines` over to the shop of `marketplace`, in their order: one, or
/// several to be opened one after the other when one would be too long.
///
/// For Amazon it is the documented add-to-cart form's address
/// (<https://webservices.amazon.com/paapi5/documentation/add-to-cart-form.html>), which shows a page
/// of confirmation.
///
/// # Errors
/// When `lines` is empty, an item alone is too long, or a variant is no ASIN where the shop is
/// Amazon.
pub fn addresses<'a>(
    marketplace: &Marketplace,
    lines: impl IntoIterator<Item = &'a CartLine>,
) -> Result<Vec<String>, CheckoutError> {
    let lines: Vec<&CartLine> = lines.into_iter().collect();
    if lines.is_empty() {
        return Err(CheckoutError::Empty);
    }
    let mut addresses = Vec::new();
    let mut rest = lines.as_slice();
    while let Some(first) = rest.first() {
        let mut fitting = 0;
        let mut address = String::new();
        // Longer by one line at a time: an item's length depends on the shop and on its number.
        for count in 1..=rest.len() {
            let longer = address_of(marketplace, rest.get(..count).unwrap_or_default())?;
            if longer.len() > LONGEST_ADDRESS {
                break;
            }
            (fitting, address) = (count, longer);
        }
        if fitting == 0 {
            return Err(CheckoutError::TooLong { variant: first.item.variant.to_string() });
        }
        addresses.push(address);
        rest = rest.get(fitting..).unwrap_or_default();
    }
    Ok(addresses)
}

fn address_of(marketplace: &Marketplace, lines: &[&CartLine]) -> Result<String, CheckoutError> {
    match &marketplace.shop {
        Shop::Template { checkout_url, checkout_item, checkout_separator, .. } => {
            let items: Vec<String> = lines.iter().map(|line| filled(checkout_item, line)).collect();
            Ok(checkout_url.replace("{items}", &items.join(checkout_separator)))
        }
        Shop::Amazon { associate_tag } => {
            let host = marketplace.hosts.first().ok_or(CheckoutError::NoHost)?;
            amazon(host, associate_tag.as_deref(), lines)
        }
    }
}

/// The template of an item with its placeholders filled, each once from left to right: what is
/// filled in is never read as a placeholder again.
fn filled(template: &str, line: &CartLine) -> String {
    let encoded = |text: &str| utf8_percent_encode(text, RESERVED).to_string();
    let mut filled = String::new();
    let mut rest = template;
    while let Some((before, after)) = rest.split_once('{') {
        filled.push_str(before);
        let (value, behind) = match after.split_once('}') {
            Some(("product", behind)) => (encoded(line.item.product.as_str()), behind),
            Some(("variant", behind)) => (encoded(line.item.variant.as_str()), behind),
            Some(("quantity", behind)) => (line.quantity.to_string(), behind),
            _ => ("{".to_owned(), after),
        };
        filled.push_str(&value);
        rest = behind;
    }
    filled + rest
}

fn amazon(host: &str, tag: Option<&str>, lines: &[&CartLine]) -> Result<String, CheckoutError> {
    let www = if host.starts_with("www.") { "" } else { "www." };
    let mut query = url::form_urlencoded::Serializer::new(String::new());
    for (number, line) in lines.iter().enumerate() {
        let variant = line.item.variant.as_str();
        let asin =
            codes::asin(variant).ok_or_else(|| CheckoutError::NotAnAsin { variant: variant.to_owned() })?;
        query.append_pair(&format!("ASIN.{}", number + 1), &asin);
        query.append_pair(&format!("Quantity.{}", number + 1), &line.quantity.to_string());
    }
    if let Some(tag) = tag {
        query.append_pair("AssociateTag", tag);
    }
    Ok(format!("https://{www}{host}/gp/aws/cart/add.html?{}", query.finish()))
}

#[cfg(test)]
mod tests {
    use domain::cart::Item;
    use domain::command::{CommandKey, Source, Stamp};
    use domain::time::Timestamp;

    use super::*;

    fn line(product: &str, variant: &str, quantity: u32) -> CartLine {
        let key = CommandKey { network: "x".into(), post: "1".into(), line: 1, step: 0 };
        CartLine {
            item: Item { marketplace: "us".into(), product: product.into(), variant: variant.into() },
            quantity,
            wished: false,
            brief: None,
            stamp: Stamp::new(Timestamp::from_millis(0), &key),
            source: Source::default(),
        }
    }

    fn marketplace(shop: Shop) -> Marketplace {
        Marketplace {
            id: "us".into(),
            cart_tags: vec!["AcmeCart".into()],
            wish_tags: vec![],
            hosts: vec!["amazon.com".into()],
            shop,
            currency: "USD".into(),
            languages: vec![],
            feed: None,
        }
    }

    fn template(url: &str, item: &str, separator: &str) -> Marketplace {
        marketplace(Shop::Template {
            checkout_url: url.into(),
            checkout_item: item.into(),
            checkout_separator: separator.into(),
            affiliate_parameter: None,
            product_parameters: vec![],
            variant_parameters: vec![],
        })
    }

    #[test]
    fn shops_of_every_kind_take_a_cart() {
        let lines = [line("tee", "7088", 2), line("mug", "41", 1)];
        for (url, item, separator, address) in [
            // Shopify: cart permalinks
            (
                "https://s.example/cart/{items}",
                "{variant}:{quantity}",
                ",",
                "https://s.example/cart/7088:2,41:1",
            ),
            // WooCommerce: checkout links
            (
                "https://w.example/checkout-link/?products={items}",
                "{variant}:{quantity}",
                ",",
                "https://w.example/checkout-link/?products=7088:2,41:1",
            ),
            // a form of its own
            (
                "https://o.example/add?{items}&go=1",
                "p={product}&v={variant}&n={quantity}",
                "&",
                "https://o.example/add?p=tee&v=7088&n=2&p=mug&v=41&n=1&go=1",
            ),
        ] {
            assert_eq!(addresses(&template(url, item, separator), &lines), Ok(vec![address.to_owned()]));
        }
    }

    #[test]
    fn an_id_can_not_change_the_address() {
        let shop = template("https://s.example/?i={items}", "{variant}:{quantity}", ",");
        let lines = [line("p", "a&b=c,d:9#/../é {quantity}", 1)];
        assert_eq!(
            addresses(&shop, &lines),
            Ok(vec!["https://s.example/?i=a%26b%3Dc%2Cd%3A9%23%2F..%2F%C3%A9%20%7Bquantity%7D:1".into()])
        );
        let literal = template("https://s.example/?i={items}", "{x}{variant}{", ",");
        assert_eq!(addresses(&literal, &[line("p", "1", 1)]), Ok(vec!["https://s.example/?i={x}1{".into()]));
    }

    #[test]
    fn amazon_takes_asins() {
        let shop = |tag: Option<&str>| marketplace(Shop::Amazon { associate_tag: tag.map(str::to_owned) });
        let lines = [line("g", "B0C1234567", 2), line("h", "080442957x", 1)];
        assert_eq!(
            addresses(&shop(Some("ours-20")), &lines),
            Ok(vec![
                "https://www.amazon.com/gp/aws/cart/add.html?ASIN.1=B0C1234567&Quantity.1=2&\
                 ASIN.2=080442957X&Quantity.2=1&AssociateTag=ours-20"
                    .into()
            ])
        );
        assert_eq!(
            addresses(&shop(None), &[line("g", "mug", 1)]),
            Err(CheckoutError::NotAnAsin { variant: "mug".into() })
        );
    }

    #[test]
    fn what_is_too_long_is_handed_over_in_parts() {
        let shop = template("https://s.example/cart/{items}", "{variant}:{quantity}", ",");
        let lines: Vec<CartLine> =
            (0..400).map(|n| line("p", &format!("a-rather-long-variant-id-{n:04}"), 1)).collect();
        let parts = addresses(&shop, &lines).unwrap();
        assert!(parts.len() > 1 && parts.iter().all(|part| part.len() <= LONGEST_ADDRESS));
        let items: Vec<&str> =
            parts.iter().flat_map(|part| part.rsplit('/').next().unwrap().split(',')).collect();
        assert_eq!(items.len(), 400);
        assert_eq!(items[399], "a-rather-long-variant-id-0399:1");
        let giant = "x".repeat(LONGEST_ADDRESS);
        assert!(matches!(addresses(&shop, &[line("p", &giant, 1)]), Err(CheckoutError::TooLong { .. })));
        assert_eq!(addresses(&shop, &[]), Err(CheckoutError::Empty));
    }
}
