//! What must never be said, for whatever product and shopper.

mod common;

use common::{alice, every_outcome, graphemes, line, links, outcomes, storefront, weighted_280};
use domain::money::Money;
use domain::outcome::{Candidate, Outcome, PostOutcomes, ProductBrief};
use domain::product::{PriceExposure, ProductRef};
use domain::time::Timestamp;
use iso_currency::Currency;
use mail_parser::{MessageParser, MimeHeaders};
use messages::{Address, Language, MailId, ReplyRules, mail, money, reply};
use proptest::prelude::*;

/// Words that stand for themselves: none of our own texts holds them.
fn marker() -> impl Strategy<Value = String> {
    "[qx][zwj]{2}[a-z]{4,12}"
}

/// Titles as feeds have them and as nobody should: any characters, with addresses, prices, tags,
/// links and controls in them.
fn title() -> impl Strategy<Value = String> {
    prop_oneof![
        "[A-Za-z ]{1,40}",
        "\\PC{0,200}",
        any::<String>(),
        "[a-z]{1,8} @[a-z]{1,8} #[A-Za-z]{1,8} https?://[a-z]{1,8}\\.com/[a-z]{0,5}",
        "[a-z]{1,8}@[a-z]{1,8}\\.(com|de|shop)",
        "[\u{200b}\u{202e}\u{2066}\u{feff}A-Z]{1,20}",
        "(🎁|👨‍👩‍👧|é|中文){1,100}",
    ]
}

fn product() -> impl Strategy<Value = ProductBrief> {
    let exposure =
        prop_oneof![Just(PriceExposure::Anywhere), Just(PriceExposure::Cart), Just(PriceExposure::Checkout)];
    let currency =
        prop_oneof![Just(Currency::USD), Just(Currency::EUR), Just(Currency::JPY), Just(Currency::CHF)];
    (title(), title(), 10_000_u64..100_000_000, currency, exposure, any::<bool>()).prop_map(
        |(title, options, minor, currency, price_exposure, sensitive)| ProductBrief {
            product: ProductRef { marketplace: "us".into(), product: "p".into(), variant: None },
            title,
            options,
            link: "https://www.acme.example/p".to_owned(),
            image_link: None,
            price: Money { minor, currency },
            price_exposure,
            sensitive,
        },
    )
}

/// A post with one to ten lines of any outcome.
fn post() -> impl Strategy<Value = PostOutcomes> {
    let one = (proptest::option::of(product()), proptest::sample::select(every_outcome()), title());
    (proptest::collection::vec(one, 1..=10), proptest::option::of(title())).prop_map(|(lines, handle)| {
        let lines = lines.into_iter().zip(1..).map(|((product, outcome, words), number)| {
            let candidate = Candidate {
                product: ProductRef { marketplace: "us".into(), product: "p".into(), variant: None },
                title: words.clone(),
                options: words,
            };
            let outcome = match outcome {
                Outcome::ChooseOption { .. } => Outcome::ChooseOption { candidates: vec![candidate; 3] },
                other => other,
            };
            line(number, product, outcome)
        });
        let mut post = outcomes(lines.collect());
        post.post.author.handle = handle;
        post
    })
}

fn language() -> impl Strategy<Value = Language> {
    proptest::sample::select(Language::ALL.to_vec())
}

/// The reply on each network: X, Bluesky's length, Mastodon's length.
fn replies(post: &PostOutcomes, language: Language) -> Vec<(String, bool)> {
    let (three, five) = (graphemes(300), graphemes(500));
    let counts: [&dyn Fn(&str) -> bool; 3] = [&weighted_280, &three, &five];
    counts
        .into_iter()
        .filter_map(|fits| {
            let rules = ReplyRules { language, fits, link_page: None, prompt_due: true, address: true };
            let text = reply(post, &storefront(), &rules)?;
            let fitting = fits(&text);
            Some((text, fitting))
        })
        .collect()
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_reply_fits_and_has_words(post in post(), language in language()) {
        for (text, fits) in replies(&post, language) {
            prop_assert!(fits, "{text}");
            prop_assert!(!text.trim().is_empty());
        }
    }

    #[test]
    fn a_reply_names_nobody_and_starts_no_tag(post in post(), language in language()) {
        let handle = post.post.author.handle.clone().unwrap_or_default();
        for (text, _) in replies(&post, language) {
            let text = text.strip_prefix(&format!("@{handle} ")).unwrap_or(&text);
            prop_assert!(!text.contains(['@', '#', '＠', '＃', '﹫', '﹟']), "{text:?}");
            prop_assert!(!text.contains("://"), "{text:?}");
            prop_assert!(!text.chars().any(|c| c.is_control() && c != '\n'), "{text:?}");
            prop_assert!(!text.contains(['\u{202e}', '\u{2066}', '\u{200b}', '\u{feff}']), "{text:?}");
            // What a network would take for a link: letters on both sides of a dot.
            let chars: Vec<char> = text.chars().collect();
            let linked = chars.windows(3).any(|w| w[1] == '.' && w[0].is_alphanumeric() && w[2].is_alphabetic());
            prop_assert!(!linked, "{text:?}");
        }
    }

    #[test]
    fn a_reply_holds_no_price(post in post(), language in language()) {
        for (text, _) in replies(&post, language) {
            for product in post.lines.iter().filter_map(|line| line.product.as_ref()) {
                let decimal = product.price.decimal();
                prop_assert!(!text.contains(&decimal) || product.title.contains(&decimal), "{text}");
                for spoken in Language::ALL {
                    prop_assert!(!text.contains(&money(spoken, product.price)), "{text}");
                }
            }
        }
    }

    #[test]
    fn a_reply_drops_the_price_that_a_title_advertises(
        minor in 100_u64..10_000_000, language in language(), name in marker(), outcome in proptest::sample::select(every_outcome())
    ) {
        let price = Money { minor, currency: Currency::USD };
        for written in [format!("${}", price.decimal()), price.to_string(), format!("{} €", price.decimal())] {
            let mut product = common::mug();
            product.title = format!("{name} now {written}");
            for (text, _) in replies(&outcomes(vec![line(1, Some(product), outcome.clone())]), language) {
                prop_assert!(!text.contains(&price.decimal()), "{text}");
            }
        }
    }

    #[test]
    fn a_sensitive_product_is_named_neither_in_the_reply_nor_in_the_subject(
        name in marker(), options in marker(), language in language(), outcome in proptest::sample::select(every_outcome())
    ) {
        let mut product = common::mug();
        product.title = format!("The {name}");
        product.options = options.clone();
        product.sensitive = true;
        let outcome = match outcome {
            Outcome::ChooseOption { .. } => Outcome::ChooseOption { candidates: vec![Candidate {
                product: product.product.clone(), title: product.title.clone(), options: options.clone(),
            }] },
            other => other,
        };
        let post = outcomes(vec![line(1, Some(product), outcome)]);
        for (text, _) in replies(&post, language) {
            prop_assert!(!text.contains(&name) && !text.contains(&options), "{text}");
        }
        if let Some(mail) = mail(&post, &storefront(), &alice(language), &links()) {
            prop_assert!(!mail.subject.contains(&name) && !mail.subject.contains(&options), "{}", mail.subject);
            prop_assert!(mail.text.contains(&name) && mail.html.contains(&name));
        }
    }

    #[test]
    fn a_mail_shows_a_price_only_where_it_may_stand(product in product(), language in language()) {
        let hidden = product.price_exposure != PriceExposure::Anywhere;
        let amount = money(language, product.price);
        let post = outcomes(vec![line(1, Some(product), Outcome::Added { quantity: 1 })]);
        let mail = mail(&post, &storefront(), &alice(language), &links()).unwrap();
        prop_assert_eq!(mail.text.contains(&amount), !hidden, "{}", mail.text);
    }

    #[test]
    fn a_mail_is_one_mail_whatever_the_feed_says(post in post(), language in language()) {
        let Some(mail) = mail(&post, &storefront(), &alice(language), &links()) else { return Ok(()) };
        let from = Address::parse("cart@acme.example").unwrap();
        let at = Timestamp::from_seconds(1_795_000_000);
        let raw = mail.raw(&from, &MailId::new("x-1\r\nBcc: eve@example.com"), at, Some("set")).unwrap();
        prop_assert!(raw.is_ascii());
        prop_assert!(raw.split(|b| *b == b'\n').all(|line| line.len() <= 998));
        let parsed = MessageParser::default().parse(&raw).unwrap();
        let mut names: Vec<String> = parsed.headers().iter().map(|h| h.name().to_ascii_lowercase()).collect();
        names.sort();
        prop_assert_eq!(names, [
            "auto-submitted", "content-language", "content-type", "date", "from", "list-unsubscribe",
            "list-unsubscribe-post", "message-id", "mime-version", "subject", "to", "x-ses-configuration-set",
        ]);
        prop_assert_eq!(parsed.parts.len(), 3);
        prop_assert!(parsed.parts.iter().skip(1).all(|part| part.content_type().is_some()));
        prop_assert_eq!(parsed.to().unwrap().first().unwrap().address(), Some("alice@example.com"));
        prop_assert_eq!(parsed.subject().unwrap_or_default(), messages::public::plain_line(&mail.subject));
        prop_assert!(!mail.subject.chars().any(char::is_control));
    }

    #[test]
    fn a_mail_escapes_what_strangers_wrote(words in "[<>\"'&a-z/= ]{1,40}") {
        let hostile = format!("<script>alert(1)</script><img src=x onerror=\"{words}\">");
        let mut product = common::mug();
        product.title = hostile.clone();
        product.options = hostile.clone();
        product.link = format!("javascript:alert('{words}')");
        product.image_link = Some("https://www.acme.example/i.png?\"><script>".to_owned());
        let mut post = outcomes(vec![line(1, Some(product), Outcome::Added { quantity: 1 })]);
        post.post.author.handle = Some(hostile.clone());
        post.post.url = Some("data:text/html,x".to_owned());
        let mail = mail(&post, &storefront(), &alice(Language::En), &links()).unwrap();
        prop_assert!(!mail.html.contains("<script") && !mail.html.contains("<img src=x"), "{}", mail.html);
        prop_assert!(!mail.html.contains("javascript:") && !mail.html.contains("data:text"), "{}", mail.html);
    }
}

/// The writer of mails takes its values from anywhere: each comes out as one plain line, by itself.
#[test]
fn each_value_of_a_mail_is_one_line() {
    let hostile = "Mug\r\nBcc: eve@example.com\r\n\r\n<b>\u{202e}moc.elpmaxe\u{0}";
    let post = outcomes(vec![line(1, Some(common::mug()), Outcome::Added { quantity: 1 })]);
    let mut mail = mail(&post, &storefront(), &alice(Language::En), &links()).unwrap();
    (mail.sender, mail.subject) = (hostile.to_owned(), hostile.to_owned());
    let from = Address::parse("cart@acme.example").unwrap();
    let raw = mail.raw(&from, &MailId::new("1"), Timestamp::from_seconds(1_795_000_000), None).unwrap();
    let parsed = MessageParser::default().parse(&raw).unwrap();
    let plain = "Mug Bcc: eve@example.com <b>moc.elpmaxe";
    assert_eq!(parsed.subject(), Some(plain));
    assert_eq!(parsed.from().unwrap().first().unwrap().name(), Some(plain));
    assert_eq!(parsed.header_raw("Bcc"), None);
}

#[test]
fn headers_that_mailbox_providers_ask_for() {
    let post = outcomes(vec![line(1, Some(common::mug()), Outcome::Added { quantity: 1 })]);
    let mut storefront = storefront();
    storefront.brand = "Käse & Söhne \"GmbH\"\r\nBcc: eve@example.com".to_owned();
    let mail = mail(&post, &storefront, &alice(Language::En), &links()).unwrap();
    let from = Address::parse("cart@acme.example").unwrap();
    let raw =
        mail.raw(&from, &MailId::new("x-1989-0"), Timestamp::from_seconds(1_795_000_000), None).unwrap();
    let parsed = MessageParser::default().parse(&raw).unwrap();
    let raw_header = |name: &str| parsed.header_raw(name).map(|value| value.trim().replace("\r\n ", ""));
    assert_eq!(
        raw_header("List-Unsubscribe").unwrap(),
        "<https://cart.acme.example/cart/unsubscribe?token=STOP>"
    );
    assert_eq!(raw_header("List-Unsubscribe-Post").unwrap(), "List-Unsubscribe=One-Click");
    assert_eq!(raw_header("Auto-Submitted").unwrap(), "auto-generated");
    assert_eq!(raw_header("X-SES-CONFIGURATION-SET"), None);
    assert_eq!(raw_header("Bcc"), None);
    assert_eq!(parsed.message_id(), Some("x-1989-0@acme.example"));
    let sender = parsed.from().unwrap().first().unwrap();
    assert_eq!(sender.name(), Some("Käse & Söhne \"GmbH\" Bcc: eve@example.com"));
    assert_eq!(sender.address(), Some("cart@acme.example"));
    assert!(mail.raw(&from, &MailId::new("1"), Timestamp::default(), Some("a\r\nX: y")).is_err());
}
