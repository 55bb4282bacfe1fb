//! The signed addresses in a mail. `cart-page` reads them.

use std::time::Duration;

use domain::ids::CustomerId;
use domain::time::Timestamp;
use lambda::token::{Signer, TokenError};
use messages::MailLinks;
use url::Url;

/// How long the cart link of a mail signs its reader in.
const CART_LINK: Duration = Duration::from_secs(14 * 24 * 3600);

/// The links of a mail can't be made.
#[derive(Debug, thiserror::Error)]
pub enum MailLinkError {
    /// There is no key to sign them with.
    #[error("the links of a mail can't be signed: is the secret `signing-key` set?")]
    Unsigned(#[source] TokenError),
    /// The public address can't carry a path.
    #[error("the public address can't carry a path")]
    Base,
}

/// The links for `customer`. The link to the cart works for two weeks, the one that unsubscribes for
/// good: a mail that is found years later must still be able to end the mails.
pub(crate) fn mail_links(
    public_url: &Url,
    signer: &Signer,
    customer: &CustomerId,
    now: Timestamp,
) -> Result<MailLinks, MailLinkError> {
    let signed = |purpose: &str, path: &[&str], expires_at: Option<Timestamp>| {
        let token = signer.sign(purpose, &customer.as_str(), expires_at).map_err(MailLinkError::Unsigned)?;
        let mut url = page(public_url, path)?;
        url.query_pairs_mut().append_pair("token", &token);
        Ok::<Url, MailLinkError>(url)
    };
    Ok(MailLinks {
        cart: signed("cart-link", &["cart", "enter"], Some(now.plus(CART_LINK)))?,
        unsubscribe: signed("unsubscribe", &["cart", "unsubscribe"], None)?,
        preferences: page(public_url, &["cart", "settings"])?,
    })
}

/// The page where an account is linked: short enough for a reply.
pub(crate) fn link_page(public_url: &Url) -> Option<String> {
    page(public_url, &["link"]).ok().map(Url::into)
}

fn page(public_url: &Url, path: &[&str]) -> Result<Url, MailLinkError> {
    let mut url = public_url.clone();
    url.path_segments_mut().map_err(|()| MailLinkError::Base)?.pop_if_empty().extend(path);
    Ok(url)
}

#[cfg(test)]
mod tests {
    use lambda::secrets::Secret;

    use super::*;

    #[test]
    fn links_lead_to_our_pages_and_say_who_is_meant() {
        let signer = Signer::new(&[Secret::new("key")]);
        let now = Timestamp::from_seconds(1_000_000);
        for base in ["https://cart.acme.example", "https://cart.acme.example/", "https://acme.example/shop/"]
        {
            let base = Url::parse(base).unwrap();
            let links = mail_links(&base, &signer, &"c1".into(), now).unwrap();
            let token =
                |url: &Url| url.query_pairs().find(|(name, _)| name == "token").unwrap().1.into_owned();
            let prefix = base.path().trim_end_matches('/').to_owned();
            assert_eq!(links.cart.path(), format!("{prefix}/cart/enter"));
            assert_eq!(links.preferences.path(), format!("{prefix}/cart/settings"));
            let read = |purpose, url, at| signer.read::<String>(purpose, &token(url), at);
            assert_eq!(read("cart-link", &links.cart, now), Ok("c1".to_owned()));
            assert_eq!(read("cart-link", &links.cart, now.plus(CART_LINK)), Err(TokenError::Expired));
            let years = Duration::from_secs(20 * 365 * 24 * 3600);
            assert_eq!(read("unsubscribe", &links.unsubscribe, now.plus(years)), Ok("c1".to_owned()));
        }
        let base = Url::parse("https://cart.acme.example/").unwrap();
        assert_eq!(link_page(&base).unwrap(), "https://cart.acme.example/link");
        assert!(mail_links(&base, &Signer::new(&[]), &"c1".into(), now).is_err());
    }
}
