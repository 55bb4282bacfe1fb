//! The mail that sums up what became of a post.

use askama::Template;
use domain::outcome::{LineOutcome, Outcome, PostOutcomes, ProductBrief};
use domain::product::PriceExposure;
use domain::storefront::Storefront;
use url::Url;

use crate::address::Address;
use crate::format::price;
use crate::language::Language;
use crate::lines::Words;
use crate::mime::MailMessage;
use crate::public::{plain_line, shortened};
use crate::text::Arg;
use crate::voices::voices;

/// Who gets a mail.
#[derive(Clone, Debug)]
pub struct Recipient {
    /// Where to.
    pub address: Address,
    /// In which language.
    pub language: Language,
}

/// The addresses of our pages that a mail links to. Opening any of them changes nothing: each shows a
/// page with a button, so that software which fetches links ahead of the reader does no harm.
#[derive(Clone, Debug)]
pub struct MailLinks {
    /// The shopper's cart; signed, signs the shopper in.
    pub cart: Url,
    /// Stops mails; signed. A `POST` to it is the one-click unsubscription of RFC 8058.
    pub unsubscribe: Url,
    /// The shopper's settings.
    pub preferences: Url,
}

/// Titles are cut to so many graphemes in the subject.
const SUBJECT_TITLE: usize = 60;
/// The length of a title in the body: that of the longest that Google Merchant takes, and some.
const BODY_TITLE: usize = 200;

/// The mail about a post to its shopper, `None` when no outcome in it is worth one.
///
/// Prices stand in it only where the product's policy allows them anywhere. A sensitive product is
/// named in the body, never in the subject, which shows on locked screens.
pub fn mail(
    outcomes: &PostOutcomes,
    storefront: &Storefront,
    recipient: &Recipient,
    links: &MailLinks,
) -> Option<MailMessage> {
    let lines: Vec<&LineOutcome> = outcomes.lines.iter().filter(|line| voices(&line.outcome).mail).collect();
    let words = Words { language: recipient.language, storefront };
    let subject = subject(&words, &lines)?;
    let page = NoticePage::new(&words, &lines, outcomes, links);
    Some(MailMessage {
        to: recipient.address.clone(),
        language: recipient.language,
        sender: plain_line(&storefront.brand),
        text: NoticeText { page: &page }.render().unwrap_or_default(),
        html: NoticeHtml { page: &page, subject: &subject }.render().unwrap_or_default(),
        subject,
        unsubscribe: Some(links.unsubscribe.clone()),
    })
}

/// The public sentence about the only line, else how many answers there are. `None` without lines.
fn subject(words: &Words<'_>, lines: &[&LineOutcome]) -> Option<String> {
    match lines {
        [] => None,
        [line] => Some(words.in_public(line, SUBJECT_TITLE, None)),
        lines => Some(words.say(
            "mail-subject-many",
            &[("count", lines.len().into()), ("brand", words.storefront.brand.as_str().into())],
        )),
    }
}

/// Everything that the two layouts of a notice show, as plain text: the HTML layout escapes it.
struct NoticePage {
    language: Language,
    brand: String,
    greeting: String,
    intro: String,
    lines: Vec<MailLine>,
    prices_change: Option<String>,
    button: String,
    cart: String,
    reason: String,
    post_label: String,
    post: Option<String>,
    preferences_label: String,
    preferences: String,
    unsubscribe_label: String,
    unsubscribe: String,
    support: Option<String>,
    postal_address: Option<String>,
}

/// One line of a notice.
struct MailLine {
    title: Option<String>,
    options: Option<String>,
    link: Option<String>,
    picture: Option<String>,
    picture_label: String,
    quantity: Option<String>,
    price: Option<String>,
    what: String,
    choices: Vec<String>,
}

impl NoticePage {
    fn new(words: &Words<'_>, lines: &[&LineOutcome], outcomes: &PostOutcomes, links: &MailLinks) -> Self {
        let storefront = words.storefront;
        let shows_amount = |line: &&&LineOutcome| {
            in_cart(&line.outcome).is_some()
                && line.product.as_ref().is_some_and(|p| p.price_exposure == PriceExposure::Anywhere)
        };
        let prices_change = lines.iter().find(shows_amount).map(|_| words.say("mail-prices-change", &[]));
        Self {
            language: words.language,
            brand: plain_line(&storefront.brand),
            greeting: greeting(words, outcomes),
            intro: words.say("mail-intro", &[]),
            lines: lines.iter().map(|line| MailLine::new(words, line)).collect(),
            prices_change,
            button: words.say("mail-button-cart", &[]),
            cart: links.cart.to_string(),
            reason: reason(words, outcomes),
            post_label: words.say("mail-post", &[]),
            post: outcomes.post.url.as_deref().and_then(web_address),
            preferences_label: words.say("mail-preferences", &[]),
            preferences: links.preferences.to_string(),
            unsubscribe_label: words.say("mail-unsubscribe", &[]),
            unsubscribe: links.unsubscribe.to_string(),
            support: support(words),
            postal_address: storefront.postal_address.as_deref().map(plain_line),
        }
    }
}

impl MailLine {
    fn new(words: &Words<'_>, line: &LineOutcome) -> Self {
        let product = line.product.as_ref();
        let title = product.map(|product| shortened(&plain_line(&product.title), BODY_TITLE));
        let quantity = in_cart(&line.outcome).filter(|quantity| *quantity > 0);
        let label = |title: &String| words.say("mail-picture", &[("title", Arg::from(title.as_str()))]);
        Self {
            picture_label: title.as_ref().map(label).unwrap_or_default(),
            options: product
                .map(|product| plain_line(&product.options))
                .filter(|options| !options.is_empty()),
            link: product.and_then(|product| web_address(&product.link)),
            picture: product.and_then(|product| web_address(product.image_link.as_deref()?)),
            quantity: quantity.map(|n| words.say("mail-quantity", &[("quantity", n.into())])),
            price: in_cart(&line.outcome).and(product).map(|product| price_line(words, product)),
            what: words.in_private(line),
            choices: choices(&line.outcome),
            title,
        }
    }
}

/// How many the cart holds after an outcome that leaves something in the cart (0: on the wish list).
const fn in_cart(outcome: &Outcome) -> Option<u32> {
    match outcome {
        Outcome::Added { quantity }
        | Outcome::AlreadyInCart { quantity }
        | Outcome::Preordered { quantity, .. }
        | Outcome::QuantityChanged { to: quantity, .. }
        | Outcome::QuantityCapped { got: quantity, .. } => Some(*quantity),
        Outcome::Wished => Some(0),
        _ => None,
    }
}

fn price_line(words: &Words<'_>, product: &ProductBrief) -> String {
    let shown = price(words.language, product.price_exposure, product.price);
    match product.price_exposure {
        PriceExposure::Anywhere => words.say("mail-price", &[("price", shown.into())]),
        PriceExposure::Cart | PriceExposure::Checkout => shown,
    }
}

/// What a shopper is to choose from: the options of one product, or the titles of several.
fn choices(outcome: &Outcome) -> Vec<String> {
    let Outcome::ChooseOption { candidates } = outcome else { return Vec::new() };
    let name = |text: &str| Some(plain_line(text)).filter(|text| !text.is_empty());
    candidates
        .iter()
        .filter_map(|candidate| name(&candidate.options).or_else(|| name(&candidate.title)))
        .collect()
}

fn greeting(words: &Words<'_>, outcomes: &PostOutcomes) -> String {
    match outcomes.post.author.handle.as_deref().map(|handle| shortened(&plain_line(handle), 64)) {
        Some(handle) if !handle.is_empty() => words.say("mail-greeting-handle", &[("handle", handle.into())]),
        _ => words.say("mail-greeting", &[]),
    }
}

/// Why this mail comes: which account, linked with whom.
fn reason(words: &Words<'_>, outcomes: &PostOutcomes) -> String {
    let author = &outcomes.post.author;
    let handle = author.handle.as_deref().unwrap_or(author.id.as_str());
    let network = words
        .storefront
        .network(&outcomes.post.network)
        .map_or(outcomes.post.network.as_str(), |network| network.display_name());
    let account = format!("@{} ({network})", shortened(&plain_line(handle), 64));
    let brand = words.storefront.brand.as_str();
    words.say("mail-reason", &[("account", account.into()), ("brand", brand.into())])
}

/// Where a person helps, if the merchant says so.
pub(crate) fn support(words: &Words<'_>) -> Option<String> {
    let support = words.storefront.support.as_deref()?;
    Some(words.say("mail-support", &[("support", plain_line(support).into())]))
}

/// `text` if it is an address of the web; a feed may hold `javascript:` or worse.
fn web_address(text: &str) -> Option<String> {
    let url = Url::parse(text).ok()?;
    matches!(url.scheme(), "https" | "http").then(|| url.to_string())
}

#[derive(Template)]
#[template(path = "notice.txt")]
struct NoticeText<'a> {
    page: &'a NoticePage,
}

#[derive(Template)]
#[template(path = "notice.html")]
struct NoticeHtml<'a> {
    page: &'a NoticePage,
    subject: &'a str,
}
