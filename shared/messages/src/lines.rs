//! The words for one line of a post: one sentence in public, a little more in a mail.

use domain::ids::MarketplaceId;
use domain::outcome::{Candidate, LineOutcome, Outcome, ProductBrief};
use domain::storefront::Storefront;

use crate::format::date;
use crate::language::Language;
use crate::public::{public_text, shortened};
use crate::text::{Arg, text};

/// At most so many choices are named in public; with more, the cart page is the better place.
const PUBLIC_CHOICES: usize = 6;

/// What all lines of a post are put into words with.
#[derive(Clone, Copy)]
pub(crate) struct Words<'a> {
    pub(crate) language: Language,
    pub(crate) storefront: &'a Storefront,
}

impl Words<'_> {
    /// The message `key` in the language of these words.
    pub(crate) fn say(&self, key: &str, args: &[(&str, Arg<'_>)]) -> String {
        text(self.language, key, args)
    }

    /// One sentence about a line that may be read by everybody: no price, no address, no name of a
    /// sensitive product. Titles are cut to `limit` graphemes. `link_page` is where an account is
    /// linked, if an address may stand in the sentence.
    pub(crate) fn in_public(&self, line: &LineOutcome, limit: usize, link_page: Option<&str>) -> String {
        let product = line.product.as_ref();
        let item = || self.item(product, limit);
        let counted = |quantity: u32| self.counted(quantity, item());
        let with_item = |key: &str| self.say(key, &[("item", item().into())]);
        match &line.outcome {
            Outcome::Added { quantity } => self.say("reply-added", &[("item", counted(*quantity).into())]),
            Outcome::QuantityChanged { from, to } => self.say(
                "reply-quantity-changed",
                &[("item", item().into()), ("from", (*from).into()), ("to", (*to).into())],
            ),
            Outcome::AlreadyInCart { quantity } => {
                self.say("reply-already-in-cart", &[("item", counted(*quantity).into())])
            }
            Outcome::Preordered { quantity, available_on: Some(on) } => self.say(
                "reply-preordered-on",
                &[("item", counted(*quantity).into()), ("date", date(self.language, *on).into())],
            ),
            Outcome::Preordered { quantity, available_on: None } => {
                self.say("reply-preordered", &[("item", counted(*quantity).into())])
            }
            Outcome::Removed => with_item("reply-removed"),
            Outcome::NotInCart => with_item("reply-not-in-cart"),
            Outcome::Wished => with_item("reply-wished"),
            Outcome::Superseded => with_item("reply-superseded"),
            Outcome::OutOfStock => with_item("reply-out-of-stock"),
            Outcome::DealExcluded => with_item("reply-deal-excluded"),
            Outcome::DigitalExcluded => with_item("reply-digital-excluded"),
            Outcome::Restricted => with_item("reply-restricted"),
            Outcome::WrongMarketplace { right } => match self.tag(right) {
                Some(tag) => {
                    self.say("reply-wrong-marketplace", &[("item", item().into()), ("tag", tag.into())])
                }
                None => with_item("reply-wrong-marketplace-unnamed"),
            },
            Outcome::ChooseOption { candidates } => self.choice_in_public(product, candidates, limit),
            Outcome::QuantityCapped { asked, got } => self.say(
                "reply-quantity-capped",
                &[("item", item().into()), ("asked", (*asked).into()), ("got", (*got).into())],
            ),
            Outcome::UnknownProduct => self.say("reply-unknown-product", &[]),
            Outcome::NoProductLink => self.say("reply-no-product-link", &[]),
            Outcome::ParentUnavailable => self.say("reply-parent-unavailable", &[]),
            Outcome::CartFull => with_item("reply-cart-full"),
            Outcome::TooOld => self.say("reply-too-old", &[]),
            Outcome::NotLinked => match link_page {
                Some(url) => self.say("reply-not-linked-here", &[("url", url.into())]),
                None => self.say("reply-not-linked", &[]),
            },
            Outcome::RateLimited => self.say("reply-rate-limited", &[]),
            Outcome::Blocked => self.say("reply-blocked", &[]),
            Outcome::Helped => self.help("reply-helped", self.tag_or_brand(&line.marketplace)),
            Outcome::Stopped => self.say("reply-stopped", &[("start", self.word("word-start").into())]),
            Outcome::Started => self.say("reply-started", &[]),
            Outcome::Purchased { quantity } => {
                self.say("reply-purchased", &[("item", counted(*quantity).into())])
            }
            Outcome::Erased => self.say("reply-erased", &[]),
        }
    }

    /// What became of a line, to be read below the product's title by the shopper alone.
    pub(crate) fn in_private(&self, line: &LineOutcome) -> String {
        let plain = |key: &str| self.say(key, &[]);
        match &line.outcome {
            Outcome::Added { .. } => plain("mail-added"),
            Outcome::QuantityChanged { from, to } => {
                self.say("mail-quantity-changed", &[("from", (*from).into()), ("to", (*to).into())])
            }
            Outcome::AlreadyInCart { .. } => plain("mail-already-in-cart"),
            Outcome::Preordered { available_on: Some(on), .. } => {
                self.say("mail-preordered-on", &[("date", date(self.language, *on).into())])
            }
            Outcome::Preordered { available_on: None, .. } => plain("mail-preordered"),
            Outcome::Removed => plain("mail-removed"),
            Outcome::NotInCart => plain("mail-not-in-cart"),
            Outcome::Wished => plain("mail-wished"),
            Outcome::Superseded => plain("mail-superseded"),
            Outcome::OutOfStock => plain("mail-out-of-stock"),
            Outcome::DealExcluded => plain("mail-deal-excluded"),
            Outcome::DigitalExcluded => plain("mail-digital-excluded"),
            Outcome::Restricted => plain("mail-restricted"),
            Outcome::WrongMarketplace { right } => match self.tag(right) {
                Some(tag) => self.say("mail-wrong-marketplace", &[("tag", format!("#{tag}").into())]),
                None => plain("mail-wrong-marketplace-unnamed"),
            },
            Outcome::ChooseOption { .. } => plain("mail-choose-option"),
            Outcome::QuantityCapped { asked, got } => {
                self.say("mail-quantity-capped", &[("asked", (*asked).into()), ("got", (*got).into())])
            }
            Outcome::UnknownProduct => plain("mail-unknown-product"),
            Outcome::NoProductLink => plain("mail-no-product-link"),
            Outcome::ParentUnavailable => plain("mail-parent-unavailable"),
            Outcome::CartFull => plain("mail-cart-full"),
            Outcome::TooOld => plain("mail-too-old"),
            Outcome::NotLinked => plain("mail-not-linked"),
            Outcome::RateLimited => plain("mail-rate-limited"),
            Outcome::Blocked => plain("mail-blocked"),
            Outcome::Helped => self.help("mail-helped", format!("#{}", self.tag_or_brand(&line.marketplace))),
            Outcome::Stopped => self.say("mail-stopped", &[("start", self.word("word-start").into())]),
            Outcome::Started => plain("mail-started"),
            Outcome::Purchased { quantity } => {
                self.say("mail-purchased", &[("quantity", (*quantity).into())])
            }
            Outcome::Erased => plain("mail-erased"),
        }
    }

    /// How it works, with the words that a post may say.
    fn help(&self, key: &str, tag: String) -> String {
        let (remove, stop) = (self.word("word-remove"), self.word("word-stop"));
        self.say(key, &[("tag", tag.into()), ("remove", remove.into()), ("stop", stop.into())])
    }

    /// A word of the grammar: in the language of these words if the storefront lists it, else in
    /// English, which is always understood.
    fn word(&self, key: &str) -> String {
        let mut listed = self.storefront.marketplaces.iter().flat_map(|marketplace| &marketplace.languages);
        let is_listed = listed.any(|lang| Language::of(lang) == Some(self.language));
        text(if is_listed { self.language } else { Language::En }, key, &[])
    }

    /// The product in public: its title and what was chosen, or words that name nothing.
    fn item(&self, product: Option<&ProductBrief>, limit: usize) -> String {
        let unnamed = || self.say("item-unnamed", &[]);
        let Some(product) = product.filter(|product| !product.sensitive) else { return unnamed() };
        let title = shortened(&public_text(&product.title), limit);
        let chosen = shortened(&public_text(&product.options), limit);
        if title.is_empty() {
            unnamed()
        } else if chosen.is_empty() {
            self.say("item-plain", &[("title", title.into())])
        } else {
            self.say("item-chosen", &[("title", title.into()), ("chosen", chosen.into())])
        }
    }

    fn counted(&self, quantity: u32, item: String) -> String {
        if quantity < 2 {
            return item;
        }
        self.say("item-counted", &[("quantity", quantity.into()), ("item", item.into())])
    }

    /// Variants of a product that may be named are named; several products aren't, because what is
    /// known of each here doesn't say whether it is sensitive.
    fn choice_in_public(
        &self,
        product: Option<&ProductBrief>,
        candidates: &[Candidate],
        limit: usize,
    ) -> String {
        let first = candidates.first().map(|candidate| &candidate.product.product);
        if product.is_none() && candidates.iter().any(|candidate| Some(&candidate.product.product) != first) {
            return self.say("reply-choose-product", &[]);
        }
        let item = self.item(product, limit);
        let choices: Vec<String> =
            candidates.iter().map(|candidate| shortened(&public_text(&candidate.options), limit)).collect();
        let nameable = product.is_some_and(|product| !product.sensitive)
            && (1..=PUBLIC_CHOICES).contains(&choices.len())
            && choices.iter().all(|choice| !choice.is_empty());
        if nameable {
            let choices = choices.join(" / ");
            self.say("reply-choose-option", &[("item", item.into()), ("choices", choices.into())])
        } else {
            self.say("reply-choose-option-in-cart", &[("item", item.into())])
        }
    }

    /// A marketplace's first cart tag, without its sign.
    fn tag(&self, marketplace: &MarketplaceId) -> Option<String> {
        self.storefront.marketplace(marketplace)?.cart_tags.first().cloned()
    }

    fn tag_or_brand(&self, marketplace: &MarketplaceId) -> String {
        self.tag(marketplace)
            .or_else(|| self.storefront.marketplaces.first()?.cart_tags.first().cloned())
            .unwrap_or_else(|| self.storefront.brand.clone())
    }
}
