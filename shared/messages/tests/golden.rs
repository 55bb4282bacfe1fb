//! What shoppers read, word for word.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test may fail where it stands")]

mod common;

use std::fmt::Write as _;

use common::{alice, every_outcome, graphemes, line, links, mug, outcomes, storefront, weighted_280};
use domain::grammar::{Ask, TagSet};
use domain::outcome::{Candidate, Outcome, PostOutcomes};
use domain::post::Post;
use domain::product::{PriceExposure, ProductRef};
use domain::time::Timestamp;
use messages::{
    Address, Language, MailId, Reply, ReplyRules, confirm_mail, mail, reply, sign_in_mail, text, voices,
};
use url::Url;

fn said(outcomes: &PostOutcomes, language: Language, fits: &dyn Fn(&str) -> bool) -> Option<String> {
    let rules = ReplyRules { language, fits, link_page: None, prompt_due: true, address: true };
    reply(outcomes, &storefront(), &rules)
}

#[test]
fn every_reply_in_every_language() {
    let mut all = String::new();
    for language in Language::ALL {
        writeln!(all, "== {language}").unwrap();
        for outcome in every_outcome() {
            let name = outcome.name();
            let text = said(&outcomes(vec![line(1, Some(mug()), outcome)]), language, &weighted_280);
            writeln!(all, "{name}: {}", text.as_deref().unwrap_or("(no reply)")).unwrap();
        }
    }
    insta::assert_snapshot!("replies", all);
}

#[test]
fn replies_sum_up_and_shorten() {
    let long = "An exceptionally long title of a product that no network has room for ".repeat(3);
    let mut lamp = mug();
    lamp.title = long.clone();
    let mut secret = mug();
    secret.sensitive = true;
    let shirt = |product: &str, title: &str| Candidate {
        product: ProductRef { marketplace: "us".into(), product: product.into(), variant: None },
        title: title.to_owned(),
        options: String::new(),
    };
    let several = Outcome::ChooseOption { candidates: vec![shirt("a", "Shirt A"), shirt("b", "Shirt B")] };
    let cases = [
        (
            "two lines",
            vec![
                line(1, Some(mug()), Outcome::Added { quantity: 1 }),
                line(2, Some(lamp.clone()), Outcome::OutOfStock),
            ],
        ),
        ("a long title", vec![line(1, Some(lamp.clone()), Outcome::Added { quantity: 2 })]),
        ("many lines", (1..=10).map(|n| line(n, Some(lamp.clone()), Outcome::OutOfStock)).collect()),
        ("many different lines", {
            let titled = |n: u16| {
                let mut product = lamp.clone();
                product.title = format!("{n} {long}");
                line(n, Some(product), Outcome::Added { quantity: u32::from(n) })
            };
            (1..=10).map(titled).collect()
        }),
        ("sensitive", vec![line(1, Some(secret.clone()), Outcome::Added { quantity: 2 })]),
        ("sensitive choice", vec![line(1, Some(secret), every_outcome()[14].clone())]),
        ("several products", vec![line(1, None, several)]),
        (
            "the same twice",
            vec![line(1, None, Outcome::UnknownProduct), line(2, None, Outcome::UnknownProduct)],
        ),
        ("nothing public", vec![line(1, Some(mug()), Outcome::Purchased { quantity: 1 })]),
    ];
    let mut all = String::new();
    for (name, lines) in cases {
        let text = said(&outcomes(lines), Language::En, &weighted_280);
        writeln!(all, "== {name}\n{}", text.as_deref().unwrap_or("(no reply)")).unwrap();
    }
    insta::assert_snapshot!("summaries", all);
}

#[test]
fn the_prompt_to_link_comes_only_when_due_and_with_an_address_only_where_allowed() {
    let unlinked =
        outcomes(vec![line(1, Some(mug()), Outcome::NotLinked), line(2, Some(mug()), Outcome::NotLinked)]);
    let fits = graphemes(300);
    let rules = ReplyRules {
        language: Language::En,
        fits: &fits,
        link_page: Some("https://cart.acme.example/link"),
        prompt_due: true,
        address: false,
    };
    let prompt = reply(&unlinked, &storefront(), &rules).unwrap();
    assert_eq!(prompt.matches("https://cart.acme.example/link").count(), 1);
    let without = reply(&unlinked, &storefront(), &ReplyRules { link_page: None, ..rules }).unwrap();
    assert!(!without.contains("://") && without.contains("profile"), "{without}");
    assert_eq!(reply(&unlinked, &storefront(), &ReplyRules { prompt_due: false, ..rules }), None);
}

#[test]
fn a_reply_is_the_same_however_often_it_is_made_and_varies_with_the_post() {
    let one = outcomes(vec![line(1, Some(mug()), Outcome::Added { quantity: 1 })]);
    assert_eq!(said(&one, Language::En, &weighted_280), said(&one, Language::En, &weighted_280));
    let texts: std::collections::BTreeSet<_> = (0..20)
        .map(|n| {
            let mut other = one.clone();
            other.post.id = format!("19{n}").as_str().into();
            said(&other, Language::En, &weighted_280).unwrap()
        })
        .collect();
    assert_eq!(texts.len(), 4, "{texts:?}");
}

#[test]
fn every_outcome_has_words_in_a_mail() {
    let mut all = String::new();
    for language in Language::ALL {
        writeln!(all, "== {language}").unwrap();
        for outcome in every_outcome() {
            let (name, voices) = (outcome.name(), voices(&outcome));
            let asked = outcomes(vec![line(1, Some(mug()), outcome)]);
            let Some(mail) = mail(&asked, &storefront(), &alice(language), &links()) else {
                assert!(!voices.mail, "{name}");
                writeln!(all, "{name}: (no mail)").unwrap();
                continue;
            };
            assert!(voices.mail, "{name}");
            let told: Vec<&str> =
                mail.text.lines().skip_while(|l| !l.starts_with('*')).take_while(|l| !l.is_empty()).collect();
            writeln!(all, "{name}: {} | {}", mail.subject, told.join(" | ")).unwrap();
        }
    }
    insta::assert_snapshot!("mails", all);
}

fn a_whole_notice(language: Language) -> messages::MailMessage {
    let mut map = mug();
    map.title = "Lamp <b>&\"".to_owned();
    map.price_exposure = PriceExposure::Cart;
    map.image_link = None;
    let asked = outcomes(vec![
        line(1, Some(mug()), Outcome::Added { quantity: 2 }),
        line(2, Some(map), Outcome::Wished),
        line(3, Some(mug()), every_outcome()[14].clone()),
        line(4, None, Outcome::UnknownProduct),
    ]);
    mail(&asked, &storefront(), &alice(language), &links()).unwrap()
}

#[test]
fn a_whole_notice_as_text_and_html() {
    let mail = a_whole_notice(Language::De);
    insta::assert_snapshot!("notice.txt", format!("Subject: {}\n\n{}", mail.subject, mail.text));
    insta::assert_snapshot!("notice.html", mail.html);
}

#[test]
fn a_whole_notice_as_mime() {
    let from = Address::parse("cart@acme.example").unwrap();
    let at = Timestamp::parse_rfc3339("2026-11-21T10:00:01Z").unwrap();
    let raw =
        a_whole_notice(Language::De).raw(&from, &MailId::new("x-1989-0"), at, Some("hashcart")).unwrap();
    assert!(raw.is_ascii());
    insta::assert_snapshot!("notice.eml", String::from_utf8(raw).unwrap().replace('\r', ""));
}

#[test]
fn the_mails_that_prove_an_address() {
    let to = Address::parse("alice@example.com").unwrap();
    let link = Url::parse("https://cart.acme.example/cart/sign-in?token=ONCE").unwrap();
    let mut all = String::new();
    for language in Language::ALL {
        let sign_in = sign_in_mail(language, &storefront(), &to, &link, 15);
        let confirm = confirm_mail(language, &storefront(), &to, "@alice (X)", &link, 60);
        for mail in [sign_in, confirm] {
            assert!(mail.html.contains(link.as_str()) && mail.unsubscribe.is_none());
            writeln!(all, "== {language}\nSubject: {}\n\n{}", mail.subject, mail.text).unwrap();
        }
    }
    insta::assert_snapshot!("account", all);
}

#[test]
fn what_is_told_in_public_is_told_by_mail_too() {
    for outcome in every_outcome() {
        let voices = voices(&outcome);
        assert!(voices.mail || voices.reply != Reply::Told, "{}", outcome.name());
    }
}

#[test]
fn the_words_that_we_teach_are_understood() {
    for language in Language::ALL {
        let mut storefront = storefront();
        storefront.marketplaces[0].languages = vec![language.into()];
        let set = TagSet::of(&storefront);
        for (key, ask) in [("word-remove", Ask::Remove), ("word-stop", Ask::Stop), ("word-start", Ask::Start)]
        {
            let word = text(language, key, &[]);
            let helped = mail(
                &outcomes(vec![line(1, None, Outcome::Helped), line(2, None, Outcome::Stopped)]),
                &storefront,
                &alice(language),
                &links(),
            );
            assert!(helped.unwrap().text.contains(&word), "{language}: {word}");
            let post = Post {
                head: outcomes(Vec::new()).post,
                text: format!("@acme #AcmeCart {word}"),
                tags: vec!["AcmeCart".to_owned()],
                links: Vec::new(),
                parent: None,
                quoted: None,
            };
            let asked: Vec<Ask> = set.read(&post).requests.iter().map(|request| request.ask).collect();
            assert_eq!(asked, [ask], "{language}: {word}");
        }
    }
}
