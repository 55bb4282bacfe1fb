//! The mails that prove an address: signing in, confirming a new link.

use askama::Template;
use domain::storefront::Storefront;
use url::Url;

use crate::address::Address;
use crate::language::Language;
use crate::lines::Words;
use crate::mime::MailMessage;
use crate::notice::support;
use crate::public::{plain_line, shortened};

/// A mail with one button.
#[derive(Template)]
#[template(path = "action.txt")]
struct ActionText<'a> {
    page: &'a ActionPage,
}

#[derive(Template)]
#[template(path = "action.html")]
struct ActionHtml<'a> {
    page: &'a ActionPage,
}

struct ActionPage {
    language: Language,
    brand: String,
    subject: String,
    greeting: String,
    intro: String,
    button: String,
    link: String,
    expiry: String,
    ignore: String,
    support: Option<String>,
    postal_address: Option<String>,
}

/// The mail with the one-time link that signs a shopper in. `link` must lead to a page whose button
/// signs in: opening it may do nothing yet. It works for `minutes`.
pub fn sign_in_mail(
    language: Language,
    storefront: &Storefront,
    to: &Address,
    link: &Url,
    minutes: u32,
) -> MailMessage {
    let words = Words { language, storefront };
    let brand = plain_line(&storefront.brand);
    action_mail(
        &words,
        to,
        ActionPage {
            language,
            subject: words.say("sign-in-subject", &[("brand", brand.as_str().into())]),
            greeting: words.say("mail-greeting", &[]),
            intro: words.say("sign-in-intro", &[("brand", brand.as_str().into())]),
            button: words.say("sign-in-button", &[]),
            link: link.to_string(),
            expiry: words.say("sign-in-expiry", &[("minutes", minutes.into())]),
            ignore: words.say("sign-in-ignore", &[]),
            support: support(&words),
            postal_address: storefront.postal_address.as_deref().map(plain_line),
            brand,
        },
    )
}

/// The mail with the one-time link that confirms an address for a newly linked `account` (its handle
/// and network, as the shopper knows them). The same holds for `link` as in [`sign_in_mail`].
pub fn confirm_mail(
    language: Language,
    storefront: &Storefront,
    to: &Address,
    account: &str,
    link: &Url,
    minutes: u32,
) -> MailMessage {
    let words = Words { language, storefront };
    let brand = plain_line(&storefront.brand);
    let account = shortened(&plain_line(account), 100);
    action_mail(
        &words,
        to,
        ActionPage {
            language,
            subject: words.say("confirm-subject", &[("brand", brand.as_str().into())]),
            greeting: words.say("mail-greeting", &[]),
            intro: words
                .say("confirm-intro", &[("brand", brand.as_str().into()), ("account", account.into())]),
            button: words.say("confirm-button", &[]),
            link: link.to_string(),
            expiry: words.say("confirm-expiry", &[("minutes", minutes.into())]),
            ignore: words.say("confirm-ignore", &[]),
            support: support(&words),
            postal_address: storefront.postal_address.as_deref().map(plain_line),
            brand,
        },
    )
}

fn action_mail(words: &Words<'_>, to: &Address, page: ActionPage) -> MailMessage {
    MailMessage {
        to: to.clone(),
        language: words.language,
        sender: page.brand.clone(),
        subject: page.subject.clone(),
        text: ActionText { page: &page }.render().unwrap_or_default(),
        html: ActionHtml { page: &page }.render().unwrap_or_default(),
        // Asked for by the shopper a moment ago: there is nothing to unsubscribe from.
        unsubscribe: None,
    }
}
