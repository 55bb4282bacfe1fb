//! What we say with what others wrote: replies, mails, addresses of checkouts.

use std::sync::LazyLock;

use domain::cart::{CartLine, Item};
use domain::command::{CommandKey, Source, Stamp};
use domain::money::Money;
use domain::outcome::PostOutcomes;
use domain::storefront::Shop;
use lambda::envelope::Message;
use mail_parser::{HeaderName, MessageParser};
use messages::public::{self, plain_handle, plain_line, shortened};
use messages::{Address, Language, MailId, MailLinks, MailMessage, Recipient, ReplyRules};
use networks::LengthRule;
use shops::checkout::{LONGEST_ADDRESS, addresses};
use shops::codes::{asin, gtin};
use url::Url;

use super::{NOW, STOREFRONT};

fn url(text: &str) -> Url {
    Url::parse(text).unwrap_or_else(|error| panic!("{text}: {error}"))
}

fn mailbox(text: &str) -> Address {
    Address::parse(text).unwrap_or_else(|error| panic!("{text}: {error}"))
}

static LINKS: LazyLock<MailLinks> = LazyLock::new(|| MailLinks {
    cart: url("https://hashcart.example/cart"),
    unsubscribe: url("https://hashcart.example/unsubscribe?token=a"),
    preferences: url("https://hashcart.example/cart/settings"),
});

/// What is said about a message that came off a queue.
pub(super) fn about(message: &Message) {
    let Message::PostOutcomes(outcomes) = message else { return };
    for language in Language::ALL {
        reply(outcomes, language);
        let recipient = Recipient { address: mailbox("ann@example.com"), language };
        if let Some(mail) = messages::mail(outcomes, &STOREFRONT, &recipient, &LINKS) {
            markup_is_ours(&mail.html);
            travels(&mail);
        }
    }
}

fn reply(outcomes: &PostOutcomes, language: Language) {
    for length in [LengthRule::Weighted280, LengthRule::Graphemes(500)] {
        let rules = ReplyRules {
            language,
            fits: &|text| length.fits(text),
            link_page: None,
            prompt_due: true,
            address: true,
        };
        let Some(text) = messages::reply(outcomes, &STOREFRONT, &rules) else { continue };
        assert!(
            !text.trim().is_empty() && length.fits(&text),
            "{} of {}",
            length.count(&text),
            length.limit()
        );
        let handle = outcomes.post.author.handle.as_deref().and_then(plain_handle);
        let addressed = handle.map(|handle| format!("@{handle} ")).unwrap_or_default();
        text.strip_prefix(&addressed).unwrap_or(&text).lines().for_each(is_public);
    }
}

/// No mention, no tag, no link, one line.
fn is_public(text: &str) {
    for sign in ['@', '＠', '﹫', '#', '＃', '﹟', '\n', '\r', '\u{202e}', '\u{200b}'] {
        assert!(!text.contains(sign), "{sign:?} in {text:?}");
    }
    assert!(!text.contains("://"), "{text:?}");
    assert!(domain::text::mentions(text).is_empty() && domain::text::hashtags(text).is_empty(), "{text:?}");
    assert!(domain::text::links(text).is_empty(), "a link in {text:?}");
}

/// The elements of our templates and no others; addresses are web addresses.
fn markup_is_ours(html: &str) {
    const ELEMENTS: [&str; 17] = [
        "!doctype", "a", "body", "br", "head", "html", "img", "li", "meta", "p", "style", "table", "td",
        "title", "tr", "ul", "div",
    ];
    for tag in html.split('<').skip(1) {
        let name = tag.trim_start_matches('/').split(|c: char| !c.is_ascii_alphanumeric() && c != '!').next();
        assert!(name.is_some_and(|name| ELEMENTS.contains(&name)), "an element of a stranger's: <{tag}");
    }
    for attribute in ["href=\"", "src=\""] {
        for value in html.split(attribute).skip(1) {
            assert!(value.starts_with("https://") || value.starts_with("http://"), "{attribute}{value}");
        }
    }
}

/// The values of a mail between NULs: sender, subject, text, HTML, what names it.
pub(super) fn mail(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    let mut parts = text.split('\0').map(str::to_owned);
    let mut next = || parts.next().unwrap_or_default();
    let (sender, subject, body, html, to) = (next(), next(), next(), next(), next());
    let to = Address::parse(&to).unwrap_or_else(|_| mailbox("ann@example.com"));
    assert_eq!(Address::parse(to.as_str()).as_ref(), Ok(&to));
    let unsubscribe = Some(LINKS.unsubscribe.clone());
    travels(&MailMessage { to, language: Language::En, sender, subject, text: body, html, unsubscribe });
}

/// Whatever its values hold, a mail is one mail with our headers, and says what it was given.
fn travels(mail: &MailMessage) {
    let id = MailId::new(&mail.subject);
    let raw = mail.raw(&mailbox("shop@acme.example"), &id, NOW, Some("hashcart"));
    let raw = raw.unwrap_or_else(|error| panic!("{error}"));
    assert!(raw.is_ascii(), "not ASCII");
    let Some(read) = MessageParser::default().parse(&raw) else { panic!("no mail") };
    let known = |name: &HeaderName<'_>| {
        matches!(
            name.as_str(),
            "From"
                | "To"
                | "Subject"
                | "Date"
                | "Message-ID"
                | "Content-Language"
                | "Auto-Submitted"
                | "List-Unsubscribe"
                | "List-Unsubscribe-Post"
                | "X-SES-CONFIGURATION-SET"
                | "MIME-Version"
                | "Content-Type"
        )
    };
    let mut names: Vec<&str> = read.headers().iter().map(|header| header.name.as_str()).collect();
    assert!(read.headers().iter().all(|header| known(&header.name)), "{names:?}");
    names.sort_unstable();
    let count = names.len();
    names.dedup();
    assert_eq!(names.len(), count, "a header twice");
    let to: Vec<Option<&str>> =
        read.to().into_iter().flat_map(|to| to.iter()).map(|to| to.address()).collect();
    assert_eq!(to, [Some(mail.to.as_str())]);
    assert_eq!(read.from().into_iter().flat_map(|from| from.iter()).count(), 1, "several senders");
    assert_eq!((read.text_body_count(), read.html_body_count(), read.attachment_count()), (1, 1, 0));
    let lines = |text: &str| text.replace("\r\n", "\n").trim_end().to_owned();
    let said = read.body_text(0).map(|text| lines(&text));
    assert_eq!(said, Some(lines(&mail.text)), "the text travels otherwise");
}

/// Words of feeds and strangers.
fn words_of(text: &str) {
    let line = plain_line(text);
    assert_eq!(plain_line(&line), line);
    let told = public::public_text(text);
    is_public(&told);
    assert_eq!(public::public_text(&told), told, "more goes the second time");
    for limit in [1, 16, 60] {
        let short = shortened(text, limit);
        assert!(LengthRule::Graphemes(limit).fits(&short), "{short:?} is longer than {limit}");
    }
}

/// Words, handles, addresses, codes and amounts.
pub(super) fn public_text(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    words_of(text);
    if let Some(handle) = plain_handle(text) {
        assert!(handle.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_'));
    }
    if let Ok(address) = Address::parse(text) {
        assert_eq!(Address::parse(address.as_str()).as_ref(), Ok(&address));
        assert!(address.as_str().is_ascii() && !address.as_str().contains(char::is_whitespace));
        let plain = |b: u8| b.is_ascii_alphanumeric() || b"-.".contains(&b);
        assert!(address.host().bytes().all(plain), "{}", address.host());
    }
    if let Some(code) = asin(text) {
        assert_eq!(asin(&code), Some(code));
    }
    if let Some(code) = gtin(text) {
        assert_eq!(gtin(&code), Some(code));
    }
    if let Ok(money) = Money::parse(text) {
        let written = format!("{} {}", money.decimal(), money.currency.code());
        assert_eq!(Money::parse(&written), Ok(money), "{written}");
        for language in Language::ALL {
            assert!(!messages::money(language, money).is_empty());
        }
    }
}

/// A cart, a line for each item: product, variant and number, separated by tabs.
pub(super) fn checkout(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let lines: Vec<CartLine> = text.split('\n').take(200).filter_map(line).collect();
    for marketplace in &STOREFRONT.marketplaces {
        let Ok(addresses) = addresses(marketplace, &lines) else { continue };
        let Shop::Template { checkout_url, .. } = &marketplace.shop else {
            for address in addresses {
                assert!(
                    address.starts_with("https://www.amazon.com/gp/aws/cart/add.html?ASIN.1="),
                    "{address}"
                );
            }
            continue;
        };
        let (before, _) = checkout_url.split_once("{items}").unwrap_or_default();
        let mut items = Vec::new();
        for address in addresses {
            assert!(address.len() <= LONGEST_ADDRESS);
            // What a browser makes of it is what we wrote: nothing in an id moved.
            assert_eq!(url(&address).as_str(), address);
            let Some(rest) = address.strip_prefix(before) else { panic!("{address} leads elsewhere") };
            items.extend(rest.split(',').map(str::to_owned));
        }
        assert_eq!(items.len(), lines.len(), "an item became several");
    }
}

fn line(text: &str) -> Option<CartLine> {
    let mut fields = text.split('\t');
    let (product, variant) = (fields.next()?, fields.next()?);
    let quantity = fields.next()?.parse().ok()?;
    let key = CommandKey { network: "x".into(), post: "1".into(), line: 1, step: 0 };
    Some(CartLine {
        item: Item { marketplace: "us".into(), product: product.into(), variant: variant.into() },
        quantity,
        wished: false,
        brief: None,
        stamp: Stamp::new(NOW, &key),
        source: Source::default(),
    })
}
