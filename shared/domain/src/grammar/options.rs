//! Which variant of a product the shopper's words choose.

use std::borrow::Cow;
use std::collections::BTreeMap;

use crate::product::{OptionValue, Product, Variant};
use crate::text::fold;

/// What the shopper's words choose among a product's variants.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum OptionMatch<'p> {
    /// Exactly this one. A product of one variant always gives this.
    One(&'p Variant),
    /// These fit; the shopper is to choose. In the product's order, at least two.
    Several(Vec<&'p Variant>),
    /// The words name a choice that the product doesn't come in: a red XL where red ends at L, or
    /// `size 12` where sizes end at 10.
    None,
}

/// Matches words against the product's own option values. Each of `words` may hold several.
///
/// - A product of one variant always matches: there is nothing to choose.
/// - Values match as whole words, folded (`Navy Blue` by `navy-blue`), longer ones first: with `blue` and
///   `navy blue` on offer, `navy blue` means the second. Sizes also match by their other names (`medium`
///   for `M`, `2xl` for `XXL`).
/// - Where no value of as many words matches exactly, one typing mistake (a letter wrong, missing, too
///   many, or two swapped) is forgiven in values of at least four letters, if only one value is that near.
/// - An option's name in front of a value (`size 10`) or behind it (`10 size`) makes it this option's.
/// - Other words don't matter.
pub fn match_options<'p>(product: &'p Product, words: &[String]) -> OptionMatch<'p> {
    let variants: Vec<&Variant> = product.variants().collect();
    if let [only] = variants.as_slice() {
        return OptionMatch::One(only);
    }
    let words: Vec<String> = words.iter().flat_map(|word| split(word)).collect();
    let choice = Chooser::of(&variants, &words).choose();
    let fits = |variant: &&&Variant| choice.iter().all(|wish| wish.is_met_by(variant));
    let fitting: Vec<&Variant> = variants.iter().filter(fits).copied().collect();
    match fitting.as_slice() {
        [] => OptionMatch::None,
        [one] => OptionMatch::One(one),
        _ => OptionMatch::Several(fitting),
    }
}

/// A value that the words ask for: of any of these options.
struct Wish {
    /// The options and their folded values, one of which a variant needs.
    any_of: Vec<(String, String)>,
}

impl Wish {
    fn is_met_by(&self, variant: &Variant) -> bool {
        variant.options.iter().any(|option| {
            self.any_of
                .iter()
                .any(|(name, value)| *name == fold(&option.name) && *value == joined(&option.value))
        })
    }
}

/// A way to write a value on offer.
struct Offer {
    name: String,
    /// The folded value's words, one blank between.
    value: String,
    /// What to write for it.
    words: Vec<String>,
    /// Whether that is another name of a size.
    alias: bool,
}

/// The ways to match, the surest first.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Pass {
    Exact,
    Alias,
    Near,
}

struct Chooser<'a> {
    offers: Vec<Offer>,
    words: &'a [String],
    /// The words that have chosen already.
    used: Vec<bool>,
}

impl<'a> Chooser<'a> {
    fn of(variants: &[&Variant], words: &'a [String]) -> Self {
        let mut offers: Vec<Offer> = Vec::new();
        for OptionValue { name, value } in variants.iter().flat_map(|variant| &variant.options) {
            let (name, value) = (fold(name), joined(value));
            if offers.iter().any(|offer| offer.name == name && offer.value == value) {
                continue;
            }
            let others = SIZES.iter().filter(|all| all.contains(&value.as_str())).flat_map(|all| all.iter());
            for alias in others.filter(|alias| **alias != value) {
                let words = split(alias);
                offers.push(Offer { name: name.clone(), value: value.clone(), words, alias: true });
            }
            offers.push(Offer { name, words: split(&value), value, alias: false });
        }
        Self { offers, words, used: vec![false; words.len()] }
    }

    /// What the words ask for. Several values of one option are alternatives (`M or L`).
    fn choose(mut self) -> Vec<Wish> {
        let mut wishes: BTreeMap<Vec<String>, Wish> = BTreeMap::new();
        let longest = self.offers.iter().map(|offer| offer.words.len()).max().unwrap_or_default();
        // Longer values first, so that `navy blue` is not taken for `blue`.
        for length in (1..=longest).rev() {
            for pass in [Pass::Exact, Pass::Alias, Pass::Near] {
                for at in 0..self.words.len() {
                    let chosen =
                        |name: &str| wishes.keys().any(|names| names.iter().any(|other| other == name));
                    if let Some(any_of) = self.chosen_at(at, length, pass, chosen) {
                        let names = any_of.iter().map(|(name, _)| name.clone()).collect();
                        wishes
                            .entry(names)
                            .or_insert_with(|| Wish { any_of: Vec::new() })
                            .any_of
                            .extend(any_of);
                    }
                }
            }
        }
        let missing = self.missing();
        wishes.into_values().chain(missing).collect()
    }

    /// The options and values that `length` words from `at` on match, and takes these words. `chosen`
    /// tells the options that have a value already: no typing mistake adds another.
    fn chosen_at(
        &mut self,
        at: usize,
        length: usize,
        pass: Pass,
        chosen: impl Fn(&str) -> bool,
    ) -> Option<Vec<(String, String)>> {
        let words = self.words.get(at..at + length)?;
        if self.used.get(at..at + length)?.contains(&true) {
            return None;
        }
        let matches = |offer: &&Offer| {
            offer.words.len() == length
                && offer.alias == (pass == Pass::Alias)
                && if pass == Pass::Near {
                    !chosen(&offer.name) && near(words, offer)
                } else {
                    words == offer.words
                }
        };
        let found: Vec<&Offer> = self.offers.iter().filter(matches).collect();
        let named: Vec<&Offer> =
            found.iter().filter(|offer| self.is_named(&offer.name, at, length)).copied().collect();
        let found = if named.is_empty() { found } else { named };
        let different =
            found.iter().any(|offer| found.first().is_some_and(|first| first.value != offer.value));
        if found.is_empty() || different {
            return None;
        }
        let chosen = found.iter().map(|offer| (offer.name.clone(), offer.value.clone())).collect();
        self.used.iter_mut().skip(at).take(length).for_each(|used| *used = true);
        Some(chosen)
    }

    /// Whether the option's name stands right before or behind the words.
    fn is_named(&self, name: &str, at: usize, length: usize) -> bool {
        let names =
            |at: Option<usize>| at.and_then(|at| self.words.get(at)).is_some_and(|word| names(name, word));
        names(at.checked_sub(1)) || names(Some(at + length))
    }

    /// A value asked for by name (`size 12`) that isn't on offer: no variant meets it.
    fn missing(&self) -> Option<Wish> {
        let asked = self.words.windows(2).enumerate().any(|(at, pair)| {
            let [word, value] = pair else { return false };
            let free = self.used.get(at..at + 2).is_some_and(|used| !used.contains(&true));
            let sized = self.offers.iter().any(|offer| names(&offer.name, word) && names(SIZE, &offer.name));
            free && sized && is_size(value)
        });
        asked.then(|| Wish { any_of: Vec::new() })
    }
}

/// Google's name of the option, and what it is called here.
const SIZE: &str = "size";

/// What options are called in the languages of the grammar; feeds in English are ordered from in all.
const NAMES: &[(&str, &[&str])] = &[
    (SIZE, &["size", "sizes", "sz", "grösse", "groesse", "gr", "talla", "tamaño", "taille"]),
    ("color", &["color", "colour", "farbe", "couleur"]),
    ("material", &["material", "matière", "matiere", "fabric", "stoff", "tela"]),
    ("pattern", &["pattern", "muster", "motif", "motivo", "estampado"]),
];

/// Whether `word` names the option `name`.
fn names(name: &str, word: &str) -> bool {
    let word = word.trim_end_matches('.');
    word == name || NAMES.iter().any(|(_, all)| all.contains(&name) && all.contains(&word))
}

/// The other names of sizes.
const SIZES: &[&[&str]] = &[
    &["xxs", "2xs"],
    &["xs", "extra small", "x small", "xsmall"],
    &["s", "small"],
    &["m", "medium", "med"],
    &["l", "large"],
    &["xl", "extra large", "x large", "xlarge"],
    &["xxl", "2xl", "xx large"],
    &["xxxl", "3xl"],
    &["xxxxl", "4xl"],
];

/// Whether a word can only be meant as a size: a number or one of the letters.
fn is_size(word: &str) -> bool {
    word.chars().all(|c| c.is_ascii_digit()) || SIZES.iter().any(|all| all.contains(&word))
}

/// The shortest value in which a typing mistake is forgiven.
const FORGIVEN_LENGTH: usize = 4;

fn near(words: &[String], offer: &Offer) -> bool {
    offer.value.chars().filter(|c| *c != ' ').count() >= FORGIVEN_LENGTH
        && offer.value.chars().any(char::is_alphabetic)
        && is_near(&words.join(" "), &offer.value)
}

/// Whether one letter is wrong, missing, too many, or swapped with the next.
fn is_near(a: &str, b: &str) -> bool {
    let a: Vec<char> = a.chars().collect();
    let b: Vec<char> = b.chars().collect();
    if a.len().abs_diff(b.len()) > 1 {
        return false;
    }
    let start = a.iter().zip(&b).take_while(|(x, y)| x == y).count();
    let rest = |word: &'_ [char], skip: usize| word.get(start + skip..).map(<[char]>::to_vec);
    let swapped = || match (a.get(start..start + 2), b.get(start..start + 2)) {
        (Some([x, y]), Some([u, v])) => x == v && y == u && rest(&a, 2) == rest(&b, 2),
        _ => false,
    };
    a == b
        || (a.len() == b.len() && (rest(&a, 1) == rest(&b, 1) || swapped()))
        || (a.len() + 1 == b.len() && rest(&a, 0) == rest(&b, 1))
        || (a.len() == b.len() + 1 && rest(&a, 1) == rest(&b, 0))
}

/// The folded words of a text: apart at blanks, hyphens, slashes and commas, not at apostrophes (`let's`
/// asks for no S).
fn split(text: &str) -> Vec<String> {
    let folded = fold(text);
    let folded: Cow<'_, str> =
        if folded.contains('’') { folded.replace('’', "'").into() } else { folded.into() };
    folded
        .split(|c: char| {
            c.is_whitespace() || matches!(c, '-' | '‐' | '–' | '/' | ',' | ';' | ':' | '(' | ')' | '"')
        })
        .map(|word| word.trim_matches(|c: char| matches!(c, '\'' | '.' | '!' | '?')))
        .filter(|word| !word.is_empty())
        .map(str::to_owned)
        .collect()
}

/// A value's words with one blank between.
fn joined(value: &str) -> String {
    split(value).join(" ")
}

#[cfg(test)]
mod tests {
    use iso_currency::Currency;
    use proptest::prelude::*;

    use super::*;
    use crate::money::Money;
    use crate::product::Availability;

    fn product(variants: &[&[(&str, &str)]]) -> Product {
        let variant = |(index, options): (usize, &&[(&str, &str)])| Variant {
            marketplace: "us".into(),
            product: "shirt".into(),
            variant: format!("v{index}").as_str().into(),
            title: "Shirt".to_owned(),
            link: "https://acme.example/shirt".to_owned(),
            image_link: None,
            options: options
                .iter()
                .map(|(name, value)| OptionValue { name: (*name).to_owned(), value: (*value).to_owned() })
                .collect(),
            availability: Availability::InStock,
            availability_date: None,
            price: Money { minor: 1500, currency: Currency::USD },
            sale: None,
            deal: false,
            digital: false,
            sensitive: false,
            restricted: false,
            price_exposure: crate::product::PriceExposure::Anywhere,
            max_quantity: None,
            gtin: None,
            brand: None,
        };
        Product::new(variants.iter().enumerate().map(variant).collect()).unwrap()
    }

    /// Red, blue, navy blue and grey, each in M, L and XL; no grey XL.
    fn shirt() -> Product {
        product(&[
            &[("color", "Red"), ("size", "M")],
            &[("color", "Red"), ("size", "L")],
            &[("color", "Red"), ("size", "XL")],
            &[("color", "Blue"), ("size", "M")],
            &[("color", "Blue"), ("size", "L")],
            &[("color", "Blue"), ("size", "XL")],
            &[("color", "Navy Blue"), ("size", "M")],
            &[("color", "Navy Blue"), ("size", "L")],
            &[("color", "Navy Blue"), ("size", "XL")],
            &[("color", "Grey"), ("size", "M")],
            &[("color", "Grey"), ("size", "L")],
        ])
    }

    /// The labels of what fits: one, several with `|` between, or `-`.
    fn fitting(product: &Product, words: &str) -> String {
        let words: Vec<String> = words.split(' ').map(str::to_owned).collect();
        match match_options(product, &words) {
            OptionMatch::One(variant) => variant.options_label(),
            OptionMatch::Several(variants) if variants.len() == product.variants().count() => {
                "all".to_owned()
            }
            OptionMatch::Several(variants) => {
                variants.iter().map(|variant| variant.options_label()).collect::<Vec<_>>().join(" | ")
            }
            OptionMatch::None => "-".to_owned(),
        }
    }

    #[test]
    fn words_choose_variants() {
        for (words, label) in [
            ("red M", "Red, M"),
            ("M red", "Red, M"),
            ("size L colour RED", "Red, L"),
            ("Ｒｅｄ size m", "Red, M"),
            ("blue xl", "Blue, XL"),
            ("navy blue xl", "Navy Blue, XL"),
            ("navy-blue/XL", "Navy Blue, XL"),
            ("blue medium", "Blue, M"),
            ("extra large red", "Red, XL"),
            ("x-large red", "Red, XL"),
            ("gray L", "Grey, L"),
            ("grye L", "Grey, L"),
            ("gre L", "Grey, L"),
            ("greyy L", "Grey, L"),
            ("nayv blue L", "Navy Blue, L"),
            ("Größe M Farbe red", "Red, M"),
            ("talla L red", "Red, L"),
            ("taille XL blue", "Blue, XL"),
            ("red", "Red, M | Red, L | Red, XL"),
            ("grey", "Grey, M | Grey, L"),
            ("grey M or L", "Grey, M | Grey, L"),
            ("grey xl", "-"),
            ("red size 12", "-"),
            ("size XXL red", "-"),
            ("lovely", "all"),
            ("", "all"),
            ("let's go", "all"),
            ("rad", "all"),
            ("bleak", "all"),
        ] {
            assert_eq!(fitting(&shirt(), words), label, "{words}");
        }
    }

    #[test]
    fn the_only_variant_always_fits() {
        let mug = product(&[&[("color", "White")]]);
        for words in ["", "white", "black", "size 12"] {
            assert_eq!(fitting(&mug, words), "White", "{words}");
        }
    }

    #[test]
    fn values_that_look_alike() {
        let shoes = product(&[
            &[("size", "10"), ("width", "10")],
            &[("size", "10"), ("width", "12")],
            &[("size", "12"), ("width", "10")],
            &[("size", "12"), ("width", "12")],
        ]);
        assert_eq!(fitting(&shoes, "size 10 width 12"), "10, 12");
        assert_eq!(fitting(&shoes, "size 10"), "10, 10 | 10, 12");
        assert_eq!(fitting(&shoes, "10"), "10, 10 | 10, 12 | 12, 10");
        assert_eq!(fitting(&shoes, "11"), "all", "no mistake is forgiven in so short a value");
        let both = product(&[&[("color", "gray")], &[("color", "grey")]]);
        assert_eq!(fitting(&both, "gray"), "gray");
        assert_eq!(fitting(&both, "graay"), "gray");
        assert_eq!(fitting(&both, "gruy"), "all", "as near to one as to the other");
        let years = product(&[&[("edition", "2025")], &[("edition", "2026")]]);
        assert_eq!(fitting(&years, "2024"), "all", "a number is not a mistyped number");
        let sizes = product(&[&[("size", "XXL")], &[("size", "2XL")], &[("size", "3XL")]]);
        assert_eq!(fitting(&sizes, "2xl"), "2XL");
        assert_eq!(fitting(&sizes, "xxxl"), "3XL");
    }

    proptest! {
        #[test]
        fn the_own_label_always_finds_its_variant(index in 0_usize..11) {
            let shirt = shirt();
            let variant = shirt.variants().nth(index).unwrap();
            prop_assert_eq!(match_options(&shirt, &[variant.options_label()]), OptionMatch::One(variant));
        }

        #[test]
        fn no_word_panics(words in prop::collection::vec(".{0,12}", 0..8)) {
            match_options(&shirt(), &words);
        }

        #[test]
        fn one_mistake_is_near(word in "[a-z]{4,8}", at in 0_usize..4, letter in "[a-z]") {
            let mut other = word.clone();
            other.replace_range(at..=at, &letter);
            prop_assert!(is_near(&word, &other));
            other = word.clone();
            other.insert_str(at, &letter);
            prop_assert!(is_near(&word, &other) && is_near(&other, &word));
        }
    }
}
