//! What real posts say, by language, and what they must not be taken for.

use proptest::prelude::*;

use super::*;
use crate::ids::{MarketplaceId, PostId};
use crate::post::{Author, PostHead, Visibility};
use crate::time::Timestamp;

fn storefront() -> Storefront {
    let text = r#"
        brand = "Acme"
        [[marketplaces]]
        id = "us"
        cart_tags = ["AcmeCart"]
        wish_tags = ["AcmeWish"]
        hosts = ["acme.example"]
        currency = "USD"
        languages = ["en", "de", "es", "fr"]
        shop = { platform = "template", checkout_url = "https://acme.example/cart?items={items}" }
        [[marketplaces]]
        id = "uk"
        cart_tags = ["AcmeBasket"]
        hosts = ["acme-uk.example"]
        currency = "GBP"
        shop = { platform = "template", checkout_url = "https://acme-uk.example/cart?items={items}" }
        [[networks]]
        id = "x"
        kind = "x"
        bot_handle = "acme"
        bot_id = "1"
    "#;
    toml::from_str(text).unwrap()
}

fn set() -> TagSet {
    TagSet::of(&storefront())
}

/// A post as a network without entities gives it.
fn post(text: &str) -> Post {
    let own = |entities: Vec<crate::text::Entity<'_>>| {
        entities.iter().map(|entity| entity.text.to_owned()).collect()
    };
    Post {
        head: PostHead {
            network: "x".into(),
            bot: "1".into(),
            id: PostId::new("10"),
            url: None,
            author: Author { id: "2".into(), handle: None },
            mentions_us: crate::text::mentions(text).iter().any(|mention| mention.text == "acme"),
            created_at: Timestamp::default(),
            first_seen: Timestamp::default(),
            lang: None,
            visibility: Visibility::Public,
        },
        text: text.to_owned(),
        tags: own(crate::text::hashtags(text)),
        links: own(crate::text::links(text)),
        parent: None,
        quoted: None,
    }
}

/// A reading in short: `us add x2 [red M] <link>; uk help`.
fn short(reading: &Reading) -> String {
    let with = |quantity: Option<u32>, options: &[String]| {
        let quantity = quantity.map(|quantity| format!(" x{quantity}")).unwrap_or_default();
        let options = if options.is_empty() { String::new() } else { format!(" [{}]", options.join(" ")) };
        format!("{quantity}{options}")
    };
    let name = |request: &Request| {
        format!("{} {}", request.marketplace, format!("{:?}", request.ask).to_lowercase())
    };
    let mut parts = Vec::new();
    for (index, request) in reading.requests.iter().enumerate() {
        let links: Vec<&LinkRequest> = reading.links.iter().filter(|link| link.request == index).collect();
        if links.is_empty() && (reading.links.is_empty() || !request.ask.needs_product()) {
            parts.push(format!("{}{}", name(request), with(request.quantity, &request.options)));
        }
        for link in links {
            parts.push(format!("{}{} <{}>", name(request), with(link.quantity, &link.options), link.url));
        }
    }
    parts.join("; ")
}

fn check(table: &[(&str, &str)]) {
    let set = set();
    for (text, expected) in table {
        let post = post(text);
        let reading = set.read(&post);
        assert_eq!(short(&reading), *expected, "{text}");
        assert_eq!(set.is_for_us(&post), !expected.is_empty(), "{text}");
    }
}

#[test]
fn english() {
    check(&[
        ("@acme #AcmeCart", "us add"),
        ("Love it! #acmecart please", "us add"),
        ("@acme #ACMECART x2", "us add x2"),
        ("#AcmeCart 2x, thanks", "us add x2"),
        ("I'll take two... #AcmeCart qty 2", "us add x2 [two]"),
        ("@acme #AcmeCart size M in navy blue please", "us add [size M navy blue]"),
        ("omg need this in red, size 10 #AcmeCart", "us add [red size 10]"),
        ("#AcmeBasket ×3 for the office", "uk add x3 [office]"),
        ("Adding to my #AcmeWish", "us wish"),
        ("remove #AcmeCart", "us remove"),
        ("Please remove it from my #AcmeCart", "us remove"),
        ("#AcmeCart remove", "us remove"),
        ("@acme #AcmeCart please remove this, sorry", "us remove [sorry]"),
        ("Remove the red one from my #AcmeCart", "us remove [red]"),
        ("take the blue mug out of my #AcmeCart", "us remove [blue mug]"),
        ("undo #AcmeCart", "us remove"),
        ("#AcmeCart undo!", "us remove"),
        ("Pass. #AcmeCart", "us remove"),
        ("#AcmeCart pass", "us remove"),
        ("Please delete #AcmeWish", "us unwish"),
        ("@acme help #AcmeCart", "us help"),
        ("#AcmeCart help", "us help"),
        ("Help! #AcmeCart", "us help"),
        ("#AcmeCart I need help with this", "us help"),
        ("@acme stop #AcmeCart", "us stop"),
        ("#AcmeCart STOP", "us stop"),
        ("#AcmeCart stop sending me these", "us stop [sending]"),
        ("#AcmeCart start", "us start"),
        ("@acme start #AcmeCart", "us start"),
        ("@acme stop", "us stop"),
        ("@acme please stop!", "us stop"),
        ("@acme Help?", "us help"),
        ("@acme start", "us start"),
        ("#AcmeCart #AcmeBasket", "us add; uk add"),
        ("＃ＡｃｍｅＣａｒｔ ｘ２", "us add x2"),
        ("👨‍👩‍👧#AcmeCart🛒x2", "us add x2"),
        ("#AcmeCart qty 0", "us add x0"),
    ]);
}

#[test]
fn english_near_misses() {
    check(&[
        ("don't remove #AcmeCart", "us add"),
        ("Don’t remove it from my #AcmeCart", "us add"),
        ("I do not want to remove anything #AcmeCart", "us add [anything]"),
        ("never stop #AcmeCart", "us add"),
        ("can't stop, won't stop #AcmeCart", "us add"),
        ("so helpful #AcmeCart", "us add [helpful]"),
        ("thanks for your help, #AcmeCart", "us add"),
        ("the bus stop #AcmeCart", "us add [bus]"),
        ("non-stop fun #AcmeCart", "us add [non-stop fun]"),
        ("boarding pass holder #AcmeCart", "us add [boarding holder]"),
        ("#AcmeCart pass the salt", "us add [salt]"),
        ("#AcmeCart start your day right", "us add [day right]"),
        ("Start your day right #AcmeCart", "us add [day right]"),
        ("the stain remover! #AcmeCart", "us add [stain remover]"),
        ("x-ray #AcmeCart", "us add [x-ray]"),
        ("iPhone 2x4 #AcmeCart", "us add [iPhone 2x4]"),
        ("size 10 #AcmeCart", "us add [size 10]"),
        ("#AcmeCart 10", "us add [10]"),
        ("2x faster than mine #AcmeCart", "us add [2x faster]"),
        ("x0.5 #AcmeCart", "us add [x0.5]"),
        ("#AcmeCart -2x", "us add"),
        ("2 x 4 m #AcmeCart", "us add [2 x 4 m]"),
        ("#AcmeCart's great", "us add"),
        ("#AcmeCarts", ""),
        ("AcmeCart", ""),
        ("@acme", ""),
        ("@acme stop it, you are great", ""),
        ("@acme don't stop", ""),
        ("stop", ""),
        ("@other stop", ""),
        ("@acme remove", ""),
        ("x&#AcmeCart", ""),
        ("https://acme.example/#AcmeCart", ""),
        ("#AcmeCart. Help is on its way", "us add [way]"),
        ("Stop right there. #AcmeCart", "us add [right]"),
    ]);
}

#[test]
fn german() {
    check(&[
        ("@acme #AcmeCart bitte", "us add"),
        ("Das will ich haben! #AcmeCart", "us add"),
        ("#AcmeCart Menge 2", "us add x2"),
        ("#AcmeCart 2 Stück bitte", "us add x2"),
        ("Anzahl: 3 #AcmeCart", "us add x3"),
        ("#AcmeCart 2mal in Größe M", "us add x2 [Größe M]"),
        ("2 mal #AcmeCart", "us add x2"),
        ("Bitte in Rot, Größe 42 #AcmeCart", "us add [Rot Größe 42]"),
        ("Entfernen #AcmeCart", "us remove"),
        ("Bitte aus #AcmeCart entfernen", "us remove"),
        ("entferne das aus meinem #AcmeCart", "us remove"),
        ("Nimm das rote Shirt aus meinem #AcmeCart", "us remove [rote Shirt]"),
        ("#AcmeCart löschen", "us remove"),
        ("#AcmeCart LÖSCHEN", "us remove"),
        ("#AcmeCart rückgängig", "us remove"),
        ("Raus! #AcmeCart", "us remove"),
        ("#AcmeCart stornieren", "us remove"),
        ("#AcmeWish entfernen", "us unwish"),
        ("Hilfe #AcmeCart", "us help"),
        ("#AcmeCart Hilfe!", "us help"),
        ("#AcmeCart stopp", "us stop"),
        ("Bitte stopp #AcmeCart", "us stop"),
        ("#AcmeCart abmelden", "us stop"),
        ("#AcmeCart starten", "us start"),
        ("#AcmeCart weiter", "us start"),
        ("@acme Hilfe", "us help"),
        ("@acme bitte stopp", "us stop"),
        // What it is not:
        ("#AcmeCart bitte nicht entfernen", "us add"),
        ("Nicht entfernen #AcmeCart", "us add"),
        ("Entferne das nicht #AcmeCart", "us add"),
        ("sehr hilfreich #AcmeCart", "us add [hilfreich]"),
        ("ohne Hilfe #AcmeCart", "us add"),
        ("so geht es weiter mit mir #AcmeCart", "us add [geht]"),
        ("3x mehr Platz #AcmeCart", "us add [3x mehr Platz]"),
        ("die Haltestelle #AcmeCart", "us add [Haltestelle]"),
        ("#AcmeCart weiter geht's", "us add [geht's]"),
        ("@acme nicht stopp", ""),
    ]);
}

#[test]
fn spanish() {
    check(&[
        ("@acme #AcmeCart por favor", "us add"),
        ("¡Me encanta! #AcmeCart", "us add"),
        ("#AcmeCart cantidad 2", "us add x2"),
        ("#AcmeCart 2 unidades", "us add x2"),
        ("Quiero 3 uds #AcmeCart", "us add x3"),
        ("#AcmeCart talla M color rojo", "us add [talla M color rojo]"),
        ("lo quiero en azul marino #AcmeCart", "us add [azul marino]"),
        ("x2 #AcmeCart gracias", "us add x2"),
        ("A mi lista de deseos #AcmeWish", "us wish"),
        ("quita #AcmeCart", "us remove"),
        ("Por favor quita esto de mi #AcmeCart", "us remove"),
        ("Quitar la camiseta roja de mi #AcmeCart", "us remove [camiseta roja]"),
        ("#AcmeCart eliminar", "us remove"),
        ("#AcmeCart QUÍTALO", "us remove"),
        ("Elimina #AcmeCart", "us remove"),
        ("saca el libro de mi #AcmeCart", "us remove [libro]"),
        ("#AcmeCart deshacer", "us remove"),
        ("#AcmeCart cancelar", "us remove"),
        ("#AcmeWish borrar", "us unwish"),
        ("ayuda #AcmeCart", "us help"),
        ("#AcmeCart ¡ayuda!", "us help"),
        ("#AcmeCart parar", "us stop"),
        ("#AcmeCart baja", "us stop"),
        ("Stop #AcmeCart", "us stop"),
        ("#AcmeCart iniciar", "us start"),
        ("#AcmeCart alta", "us start"),
        ("@acme baja", "us stop"),
        ("@acme ayuda, por favor", "us help"),
        // What it is not:
        ("no quites nada #AcmeCart", "us add [quites]"),
        ("No quitar #AcmeCart", "us add"),
        ("no quiero eliminar #AcmeCart", "us add"),
        ("es de baja calidad #AcmeCart", "us add [calidad]"),
        ("#AcmeCart alta calidad", "us add [calidad]"),
        ("esto es para mi hermana #AcmeCart", "us add [hermana]"),
        ("sin parar #AcmeCart", "us add"),
        ("2x más rápido #AcmeCart", "us add [2x más rápido]"),
        ("me ayudas mucho #AcmeCart", "us add [ayudas]"),
        ("@acme no pare", ""),
    ]);
}

#[test]
fn french() {
    check(&[
        ("@acme #AcmeCart s'il vous plaît", "us add"),
        ("J'adore ! #AcmeCart", "us add"),
        ("#AcmeCart quantité 2", "us add x2"),
        ("#AcmeCart qté : 2", "us add x2"),
        ("#AcmeCart 2 exemplaires", "us add x2"),
        ("3 pièces #AcmeCart svp", "us add x3"),
        ("#AcmeCart taille M couleur rouge", "us add [taille M couleur rouge]"),
        ("Je le veux en bleu marine #AcmeCart", "us add [bleu marine]"),
        ("2 fois #AcmeCart", "us add x2"),
        ("Dans ma liste d’envies #AcmeWish", "us wish"),
        ("retire #AcmeCart", "us remove"),
        ("Retirez l'article de mon #AcmeCart", "us remove"),
        ("Enlève le pull rouge de mon #AcmeCart", "us remove [pull rouge]"),
        ("#AcmeCart supprimer", "us remove"),
        ("#AcmeCart ANNULER", "us remove"),
        ("sors-le de mon #AcmeCart", "us add [sors-le]"),
        ("sors ça de mon #AcmeCart", "us remove"),
        ("#AcmeWish retirer", "us unwish"),
        ("aide #AcmeCart", "us help"),
        ("#AcmeCart aidez-moi", "us help"),
        ("À l'aide ! #AcmeCart", "us help"),
        ("#AcmeCart arrêter", "us stop"),
        ("Arrêtez #AcmeCart", "us stop"),
        ("#AcmeCart stop", "us stop"),
        ("#AcmeCart démarrer", "us start"),
        ("#AcmeCart reprendre", "us start"),
        ("@acme arrêt", "us stop"),
        ("@acme aide svp", "us help"),
        // What it is not:
        ("n'enlève pas #AcmeCart", "us add"),
        ("ne retire rien de mon #AcmeCart", "us add"),
        ("Ne supprimez pas #AcmeCart", "us add"),
        ("je n’arrête pas #AcmeCart", "us add"),
        ("sans aide #AcmeCart", "us add"),
        ("la fin du film #AcmeCart", "us add [film]"),
        ("2x plus rapide #AcmeCart", "us add [2x plus rapide]"),
        ("une aidante #AcmeCart", "us add [aidante]"),
        ("@acme n'arrête pas", ""),
    ]);
}

#[test]
fn links_and_their_words() {
    check(&[
        ("#AcmeCart https://acme.example/a", "us add <https://acme.example/a>"),
        ("https://acme.example/a size M x2 #AcmeCart", "us add x2 [size M] <https://acme.example/a>"),
        (
            "#AcmeCart https://acme.example/a x2 red https://acme.example/b x3 blue",
            "us add x2 [red] <https://acme.example/a>; us add x3 [blue] <https://acme.example/b>",
        ),
        (
            "2x https://acme.example/a 3x https://acme.example/b #AcmeCart",
            "us add x2 <https://acme.example/a>; us add x3 <https://acme.example/b>",
        ),
        (
            "#AcmeCart size M https://acme.example/a https://acme.example/b size L",
            "us add [size M] <https://acme.example/a>; us add [size L] <https://acme.example/b>",
        ),
        (
            "#AcmeCart https://acme.example/a #AcmeBasket https://acme-uk.example/b",
            "us add <https://acme.example/a>; uk add <https://acme-uk.example/b>",
        ),
        (
            "https://acme.example/a #AcmeCart https://acme-uk.example/b #AcmeBasket",
            "us add <https://acme.example/a>; uk add <https://acme-uk.example/b>",
        ),
        (
            "#AcmeCart remove https://acme.example/a #AcmeWish https://acme.example/b",
            "us remove <https://acme.example/a>; us wish <https://acme.example/b>",
        ),
        ("https://acme.example/a https://acme.example/a #AcmeCart", "us add <https://acme.example/a>"),
        (
            "#AcmeCart https://acme.example/a M https://acme.example/a L",
            "us add [M] <https://acme.example/a>; us add [L] <https://acme.example/a>",
        ),
        ("#AcmeCart https://acme.example/a remove", "us remove <https://acme.example/a>"),
        ("remove https://acme.example/a #AcmeCart", "us remove <https://acme.example/a>"),
        ("#AcmeCart help https://acme.example/a", "us help"),
        ("#AcmeCart remove #AcmeCart", "us remove"),
        ("#AcmeCart x2 #AcmeBasket x3", "us add x2; uk add x3"),
    ]);
}

#[test]
fn what_the_network_says_counts() {
    let set = set();
    let mut shortened = post("so nice x2 https://t.co/abc #AcmeCart https://t.co/pic");
    shortened.links = vec!["https://acme.example/a".to_owned()];
    assert_eq!(short(&set.read(&shortened)), "us add x2 <https://acme.example/a>");

    let mut tagged_aside = post("in red please");
    tagged_aside.tags = vec!["ACMECART".to_owned()];
    assert!(set.is_for_us(&tagged_aside));
    assert_eq!(short(&set.read(&tagged_aside)), "us add [red]");
    tagged_aside.text = "remove".to_owned();
    assert_eq!(short(&set.read(&tagged_aside)), "us remove");

    let mut linked_aside = post("#AcmeCart x2");
    linked_aside.links = vec!["https://acme.example/a".to_owned()];
    assert_eq!(short(&set.read(&linked_aside)), "us add <https://acme.example/a>");
}

#[test]
fn no_more_lines_than_allowed() {
    let text: String =
        (0..12).map(|n| format!("https://acme.example/{n} ")).chain(["#AcmeCart".to_owned()]).collect();
    let reading = set().read(&post(&text));
    assert_eq!(reading.links.len(), 10);
    assert!(reading.over_limit);
    let long = format!("#AcmeCart {}", "word ".repeat(5000));
    assert_eq!(set().read(&post(&long)).requests[0].options.len(), 16);
}

#[test]
fn languages_of_the_storefront_only() {
    let mut storefront = storefront();
    storefront.marketplaces[0].languages = vec![];
    let set = TagSet::of(&storefront);
    assert_eq!(short(&set.read(&post("#AcmeCart löschen"))), "us add [löschen]");
    assert_eq!(short(&set.read(&post("#AcmeCart remove"))), "us remove", "English is always spoken");
}

#[test]
fn the_table_of_words_is_sound() {
    for vocabulary in words::VOCABULARIES {
        let mut commands = std::collections::BTreeMap::new();
        for (list, roles) in words::roles(vocabulary) {
            for word in list {
                assert_eq!(fold(word), *word, "{}: {word} is not folded", vocabulary.language);
                if roles.is_command() {
                    let before = commands.insert(*word, roles);
                    assert_eq!(before, None, "{}: {word} asks for two things", vocabulary.language);
                }
            }
        }
        let quiet = words::Roles::NEGATION.and(words::Roles::FILLER).and(words::Roles::NOISE);
        for (list, roles) in words::roles(vocabulary) {
            for word in list.iter().filter(|_| roles.any(quiet)) {
                assert!(
                    !commands.contains_key(word),
                    "{}: {word} is a command and is not",
                    vocabulary.language
                );
            }
        }
    }
}

#[test]
fn the_page_for_merchants_shows_every_word() {
    let page =
        std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/GRAMMAR.md")).unwrap();
    for vocabulary in words::VOCABULARIES {
        let lists =
            [vocabulary.remove, vocabulary.remove_alone, vocabulary.take, vocabulary.help, vocabulary.stop];
        let others = [
            vocabulary.stop_alone,
            vocabulary.start_alone,
            vocabulary.label,
            vocabulary.unit,
            vocabulary.negation,
        ];
        for list in lists.into_iter().chain(others).filter(|list| !list.is_empty()) {
            let cell = format!("| {} |", list.join(", "));
            assert!(page.contains(&cell), "{}: {cell} is missing in docs/GRAMMAR.md", vocabulary.language);
        }
    }
}

/// Pieces that posts are made of, so that random posts meet the rules at all.
fn piece() -> impl Strategy<Value = String> {
    prop_oneof![
        Just("#AcmeCart".to_owned()),
        Just("＃ａｃｍｅｃａｒｔ".to_owned()),
        Just("#AcmeWish ".to_owned()),
        Just(" #acmebasket".to_owned()),
        Just("@acme ".to_owned()),
        Just(" https://acme.example/a ".to_owned()),
        Just("acme.example/#AcmeCart".to_owned()),
        Just(" remove ".to_owned()),
        Just(" stop ".to_owned()),
        Just("n'enlève ".to_owned()),
        Just(" x2 ".to_owned()),
        Just(" qty: 0".to_owned()),
        Just("'s".to_owned()),
        Just("&".to_owned()),
        Just("\u{200d}\u{fe0f}".to_owned()),
        "[ .,!?'#@×x0-9-]{0,4}",
        ".{0,6}",
    ]
}

/// Words of the grammar, as people write them.
fn spoken() -> impl Strategy<Value = String> {
    let vocabulary = &words::VOCABULARIES[0];
    let known: Vec<&str> =
        [vocabulary.help, vocabulary.stop, vocabulary.start_alone, vocabulary.filler, vocabulary.negation]
            .concat();
    let end = prop_oneof![
        Just(" "),
        Just(", "),
        Just("! "),
        Just("\n"),
        Just(")"),
        Just(" @acme "),
        Just(" やめて")
    ];
    (prop::sample::select(known), end, any::<bool>()).prop_map(|(word, end, loud)| {
        let word = if loud { word.to_uppercase() } else { word.to_owned() };
        format!("{word}{end}")
    })
}

#[test]
fn most_posts_that_mention_us_are_seen_through_at_a_glance() {
    let words = set().words;
    for more in ["@acme love the new catalogue", "@acme, WOW!", "@acme 配送状況を教えて", "stop buses"]
    {
        assert!(words.surely_say_more(more), "{more}");
    }
    for unsure in ["@acme stop", "STOP!", "@acme, please stop it.", "don't stop", "@acme.example", "👍", ""]
    {
        assert!(!words.surely_say_more(unsure), "{unsure}");
    }
    for c in ('\0'..=char::MAX).filter(|c| crate::text::is_far_letter(*c)) {
        let folded = crate::text::fold(&c.to_string());
        let in_a_word = |vocabulary: &words::Vocabulary| {
            words::roles(vocabulary).iter().any(|(list, _)| list.iter().any(|word| word.contains(&folded)))
        };
        assert!(!folded.is_empty() && !words::VOCABULARIES.iter().any(in_a_word), "{c}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn the_quick_check_and_the_grammar_agree(pieces in prop::collection::vec(piece(), 0..10), mentions_us: bool) {
        let set = set();
        let mut post = post(&pieces.concat());
        post.head.mentions_us = mentions_us;
        let reading = set.read(&post);
        prop_assert_eq!(set.is_for_us(&post), !reading.requests.is_empty());
        prop_assert!(reading.links.iter().all(|link| link.request < reading.requests.len()));
        prop_assert!(reading.links.iter().all(|link| reading.requests[link.request].ask.needs_product()));
        let known: Vec<MarketplaceId> = vec!["us".into(), "uk".into()];
        prop_assert!(reading.marketplaces().all(|marketplace| known.contains(marketplace)));
        // And the same without what the network says.
        post.tags.clear();
        prop_assert_eq!(short(&set.read(&post)), short(&reading));
    }

    #[test]
    fn what_is_seen_at_a_glance_is_so(pieces in prop::collection::vec(prop_oneof![spoken(), piece()], 0..8)) {
        let (set, text) = (set(), pieces.concat());
        prop_assert!(!set.words.surely_say_more(&text) || set.lone_command_in_full(&text).is_none());
    }

    #[test]
    fn entities_are_pieces_of_the_text(text in prop_oneof![".*", prop::collection::vec(piece(), 0..10).prop_map(|pieces| pieces.concat())]) {
        for entity in [crate::text::hashtags(&text), crate::text::links(&text), crate::text::urls(&text), crate::text::mentions(&text)].concat() {
            let whole = text.get(entity.span.start..entity.span.end);
            prop_assert!(whole.is_some_and(|whole| whole.ends_with(entity.text)));
            prop_assert!(!entity.text.is_empty());
        }
        let mut offsets = crate::text::CodePoints::new(&text);
        for (count, (at, _)) in text.char_indices().enumerate() {
            prop_assert_eq!(offsets.at(at), count);
        }
        prop_assert_eq!(offsets.at(text.len()), text.chars().count());
    }
}
