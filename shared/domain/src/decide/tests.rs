//! Every decision by table, and what holds for all of them.

use super::*;
use crate::command::{CommandLine, Shopper, Source};
use crate::money::Money;
use crate::post::{Author, PostHead, PostRef, Visibility};
use crate::product::OptionValue;

const NOW: Timestamp = Timestamp::from_seconds(1_760_000_000);

fn variant(product: &str, variant: &str, size: &str) -> Variant {
    Variant {
        marketplace: "us".into(),
        product: product.into(),
        variant: variant.into(),
        title: format!("The {product}"),
        link: format!("https://www.acme.example/{product}"),
        image_link: None,
        options: match size {
            "" => Vec::new(),
            _ => vec![OptionValue { name: "size".to_owned(), value: size.to_owned() }],
        },
        availability: Availability::InStock,
        availability_date: None,
        price: Money::parse("15.00 USD").unwrap(),
        sale: None,
        deal: false,
        digital: false,
        sensitive: false,
        restricted: false,
        price_exposure: crate::product::PriceExposure::Anywhere,
        max_quantity: None,
        gtin: None,
        brand: None,
    }
}

fn mug() -> Product {
    Product::new(vec![variant("mug", "mug", "")]).unwrap()
}

fn mug_with(change: impl FnOnce(&mut Variant)) -> Product {
    let mut mug = variant("mug", "mug", "");
    change(&mut mug);
    Product::new(vec![mug]).unwrap()
}

fn shirt() -> Product {
    Product::new(vec![variant("shirt", "shirt-s", "S"), variant("shirt", "shirt-m", "M")]).unwrap()
}

fn named(product: &str) -> ProductRef {
    ProductRef { marketplace: "us".into(), product: product.into(), variant: None }
}

fn named_variant(product: &str, variant: &str) -> ProductRef {
    ProductRef { variant: Some(variant.into()), ..named(product) }
}

fn add(product: &str) -> Action {
    Action::Add { product: named(product), quantity: None, options: Vec::new() }
}

fn add_exactly(product: &str, quantity: u32) -> Action {
    Action::Add { product: named(product), quantity: Some(quantity), options: Vec::new() }
}

fn add_option(product: &str, option: &str) -> Action {
    Action::Add { product: named(product), quantity: None, options: vec![option.to_owned()] }
}

fn remove(product: &str) -> Action {
    Action::Remove { product: named(product), options: Vec::new() }
}

fn wish(product: &str) -> Action {
    Action::Wish { product: named(product), options: Vec::new() }
}

fn post(network: &str, id: &str, at: Timestamp, action: Action) -> PostCommands {
    PostCommands {
        post: PostHead {
            network: network.into(),
            bot: "acme".into(),
            id: id.into(),
            url: None,
            author: Author { id: "alice".into(), handle: None },
            mentions_us: true,
            created_at: at,
            first_seen: NOW,
            lang: None,
            visibility: Visibility::Public,
        },
        shopper: Shopper::Account { network: network.into(), user: "alice".into() },
        as_of: at,
        step: 0,
        source: Source::default(),
        lines: vec![CommandLine { line: 1, marketplace: "us".into(), action }],
    }
}

/// A cart's past and the moment: what the tables below vary.
struct Scene {
    products: Vec<Product>,
    entries: Vec<Entry>,
    base: Option<Base>,
    limits: Limits,
    blocked: bool,
}

impl Scene {
    fn new() -> Self {
        Self {
            products: vec![mug(), shirt()],
            entries: Vec::new(),
            base: None,
            limits: Limits::default(),
            blocked: false,
        }
    }

    fn with(product: Product) -> Self {
        Self { products: vec![product], ..Self::new() }
    }

    fn decide(&self, commands: &PostCommands) -> Entry {
        let line = &commands.lines[0];
        let product = line
            .action
            .product()
            .and_then(|named| self.products.iter().find(|p| p.first().product == named.product));
        let context = Context {
            now: NOW,
            limits: &self.limits,
            product,
            base: self.base.as_ref(),
            entries: &self.entries,
            blocked: self.blocked,
        };
        decide(commands, line, &context)
    }

    /// Decides and keeps the entry; `ago` in seconds orders the deeds.
    fn say(&mut self, ago: u64, action: Action) -> Outcome {
        let at = NOW.minus(Duration::from_secs(ago));
        let commands = post("x", &format!("{}", 1_000_000 + self.entries.len()), at, action);
        self.keep(&commands)
    }

    fn keep(&mut self, commands: &PostCommands) -> Outcome {
        let entry = self.decide(commands);
        let outcome = entry.told.outcome.clone();
        self.entries.push(entry);
        outcome
    }

    fn quantity(&self, product: &str, variant: &str) -> u32 {
        let item = Item { marketplace: "us".into(), product: product.into(), variant: variant.into() };
        Cart::fold(self.base.as_ref(), &self.entries).quantity(&item)
    }
}

#[test]
fn an_add_tells_what_it_changed() {
    let mut scene = Scene::new();
    assert_eq!(scene.say(90, add("mug")), Outcome::Added { quantity: 1 });
    assert_eq!(scene.say(80, add("mug")), Outcome::AlreadyInCart { quantity: 1 });
    assert_eq!(scene.say(70, add_exactly("mug", 3)), Outcome::QuantityChanged { from: 1, to: 3 });
    assert_eq!(scene.say(60, add("mug")), Outcome::AlreadyInCart { quantity: 3 });
    assert_eq!(scene.say(50, add_exactly("mug", 0)), Outcome::QuantityChanged { from: 3, to: 1 });
    assert_eq!(scene.quantity("mug", "mug"), 1);
}

#[test]
fn what_may_not_go_into_a_cart_is_refused_by_name_and_without_effect() {
    type Change = fn(&mut Variant);
    let cases: [(Change, Outcome, Outcome); 4] = [
        (|v| v.availability = Availability::OutOfStock, Outcome::OutOfStock, Outcome::Wished),
        (|v| v.deal = true, Outcome::DealExcluded, Outcome::Wished),
        (|v| v.digital = true, Outcome::DigitalExcluded, Outcome::Wished),
        (|v| v.restricted = true, Outcome::Restricted, Outcome::Restricted),
    ];
    for (change, refusal, wished) in cases {
        let mut scene = Scene::with(mug_with(change));
        assert_eq!(scene.say(9, add("mug")), refusal);
        assert_eq!(scene.entries[0].effect, Effect::None);
        assert_eq!(scene.entries[0].told.product.as_ref().unwrap().title, "The mug");
        assert_eq!(scene.say(8, wish("mug")), wished);
    }
}

#[test]
fn fewer_of_what_has_sold_out_is_possible_and_more_is_not() {
    let mut scene = Scene::new();
    scene.say(90, add_exactly("mug", 3));
    scene.products = vec![mug_with(|v| v.availability = Availability::OutOfStock)];
    assert_eq!(scene.say(80, add_exactly("mug", 4)), Outcome::OutOfStock);
    assert_eq!(scene.say(70, add_exactly("mug", 2)), Outcome::QuantityChanged { from: 3, to: 2 });
}

#[test]
fn what_comes_later_is_preordered_with_its_date() {
    let date = Some(Timestamp::from_seconds(1_800_000_000));
    for availability in [Availability::Preorder, Availability::Backorder] {
        let mut scene = Scene::with(mug_with(|v| {
            v.availability = availability;
            v.availability_date = date;
        }));
        assert_eq!(scene.say(9, add("mug")), Outcome::Preordered { quantity: 1, available_on: date });
        assert_eq!(scene.say(8, add("mug")), Outcome::AlreadyInCart { quantity: 1 });
    }
}

#[test]
fn a_product_of_another_marketplace_names_the_right_one() {
    let mut commands = post("x", "1", NOW, add("mug"));
    commands.lines[0].marketplace = "uk".into();
    let entry = Scene::new().decide(&commands);
    assert_eq!(entry.told.outcome, Outcome::WrongMarketplace { right: "us".into() });
    assert_eq!(entry.effect, Effect::None);
    commands.lines[0].action = wish("mug");
    let outcome = Scene::new().decide(&commands).told.outcome;
    assert_eq!(outcome, Outcome::WrongMarketplace { right: "us".into() });
}

#[test]
fn a_vanished_product_is_unknown_but_can_be_removed() {
    let mut scene = Scene::new();
    scene.say(90, add("mug"));
    scene.products.clear();
    assert_eq!(scene.say(80, add("mug")), Outcome::UnknownProduct);
    assert_eq!(scene.say(75, wish("mug")), Outcome::UnknownProduct);
    assert_eq!(scene.say(70, remove("mug")), Outcome::Removed);
    assert_eq!(scene.entries[3].told.product.as_ref().unwrap().title, "The mug");
    assert_eq!(scene.quantity("mug", "mug"), 0);
}

#[test]
fn options_are_chosen_by_words_then_by_the_link_and_never_guessed() {
    let mut scene = Scene::new();
    let Outcome::ChooseOption { candidates } = scene.say(90, add("shirt")) else { panic!() };
    assert_eq!(candidates.iter().map(|c| c.options.as_str()).collect::<Vec<_>>(), ["S", "M"]);
    let Outcome::ChooseOption { .. } = scene.say(85, add_option("shirt", "XXL")) else { panic!() };
    assert_eq!(scene.say(80, add_option("shirt", "m")), Outcome::Added { quantity: 1 });
    assert_eq!(scene.quantity("shirt", "shirt-m"), 1);
    let linked =
        Action::Add { product: named_variant("shirt", "shirt-s"), quantity: None, options: Vec::new() };
    assert_eq!(scene.say(70, linked), Outcome::Added { quantity: 1 });
    assert_eq!(scene.quantity("shirt", "shirt-s"), 1);
    let swapped = Action::Add {
        product: named_variant("shirt", "shirt-s"),
        quantity: Some(2),
        options: vec!["M".to_owned()],
    };
    assert_eq!(scene.say(60, swapped), Outcome::QuantityChanged { from: 1, to: 2 });
    assert_eq!(scene.quantity("shirt", "shirt-m"), 2);
}

#[test]
fn only_what_can_be_had_is_offered_for_choice() {
    let mut small = variant("shirt", "shirt-s", "S");
    small.availability = Availability::OutOfStock;
    small.sensitive = true;
    let mut medium = variant("shirt", "shirt-m", "M");
    let scene = Scene::with(Product::new(vec![small.clone(), medium.clone()]).unwrap());
    let entry = scene.decide(&post("x", "1", NOW, add("shirt")));
    let Outcome::ChooseOption { candidates } = &entry.told.outcome else { panic!() };
    assert_eq!(candidates.len(), 1);
    medium.availability = Availability::OutOfStock;
    let scene = Scene::with(Product::new(vec![small, medium]).unwrap());
    let entry = scene.decide(&post("x", "1", NOW, add("shirt")));
    assert_eq!(entry.told.outcome, Outcome::OutOfStock);
    assert!(entry.told.product.unwrap().sensitive, "one discreet variant makes the product discreet");
}

#[test]
fn quantities_are_capped_aloud() {
    let mut scene = Scene::new();
    assert_eq!(scene.say(90, add_exactly("mug", 50)), Outcome::QuantityCapped { asked: 50, got: 10 });
    assert_eq!(scene.say(80, add_exactly("mug", 60)), Outcome::QuantityCapped { asked: 60, got: 10 });
    let mut scene = Scene::with(mug_with(|v| v.max_quantity = Some(2)));
    assert_eq!(scene.say(90, add_exactly("mug", 3)), Outcome::QuantityCapped { asked: 3, got: 2 });
    assert_eq!(scene.quantity("mug", "mug"), 2);
}

#[test]
fn a_full_cart_takes_no_further_line_but_changes_its_own() {
    let mut scene = Scene::new();
    scene.limits.cart_lines = 1;
    scene.say(90, add("mug"));
    assert_eq!(scene.say(80, add_option("shirt", "S")), Outcome::CartFull);
    assert_eq!(scene.entries[1].effect, Effect::None);
    assert_eq!(scene.say(70, add_exactly("mug", 2)), Outcome::QuantityChanged { from: 1, to: 2 });
    assert_eq!(scene.say(60, wish("mug")), Outcome::Wished);
    let wish_shirt = Action::Wish { product: named("shirt"), options: vec!["S".to_owned()] };
    assert_eq!(scene.say(50, wish_shirt), Outcome::CartFull);
}

#[test]
fn what_a_later_deed_has_settled_is_superseded_and_kept() {
    let mut scene = Scene::new();
    scene.say(50, remove("mug"));
    assert_eq!(scene.say(90, add("mug")), Outcome::Superseded);
    assert_eq!(scene.quantity("mug", "mug"), 0);
    scene.say(40, add_exactly("mug", 3));
    assert_eq!(scene.say(45, add_exactly("mug", 5)), Outcome::Superseded);
    assert_eq!(scene.say(44, remove("mug")), Outcome::Superseded);
    assert_eq!(scene.quantity("mug", "mug"), 3);

    let later = PostRef { network: "x".into(), id: "1000000".into() };
    scene.say(10, Action::Erase { post: later });
    let latest = PostRef { network: "x".into(), id: "1000002".into() };
    scene.say(9, Action::Erase { post: latest });
    assert_eq!(scene.quantity("mug", "mug"), 0, "the remove at 44 still stands");
    let remove_44 = PostRef { network: "x".into(), id: "1000004".into() };
    scene.say(8, Action::Erase { post: remove_44 });
    assert_eq!(scene.quantity("mug", "mug"), 5, "what was superseded counts once the later is gone");
}

#[test]
fn a_late_add_that_still_matters_says_so() {
    let mut scene = Scene::new();
    scene.say(50, add("mug"));
    assert_eq!(scene.say(90, add_exactly("mug", 2)), Outcome::QuantityChanged { from: 1, to: 2 });
    scene.say(40, wish("mug"));
    assert_eq!(scene.say(45, add("mug")), Outcome::AlreadyInCart { quantity: 2 }, "a wish settles no number");
}

#[test]
fn removing() {
    let mut scene = Scene::new();
    assert_eq!(scene.say(99, remove("mug")), Outcome::NotInCart);
    scene.say(90, add_option("shirt", "S"));
    scene.say(89, add_option("shirt", "M"));
    let remove_m = Action::Remove { product: named("shirt"), options: vec!["M".to_owned()] };
    assert_eq!(scene.say(80, remove_m.clone()), Outcome::Removed);
    assert_eq!((scene.quantity("shirt", "shirt-s"), scene.quantity("shirt", "shirt-m")), (1, 0));
    assert_eq!(scene.say(79, remove_m), Outcome::NotInCart);
    scene.say(70, add_option("shirt", "M"));
    let by_link = Action::Remove { product: named_variant("shirt", "shirt-s"), options: Vec::new() };
    assert_eq!(scene.say(60, by_link), Outcome::Removed);
    assert_eq!((scene.quantity("shirt", "shirt-s"), scene.quantity("shirt", "shirt-m")), (0, 0));
}

#[test]
fn on_the_page_a_remove_takes_the_line_that_was_pressed() {
    let mut scene = Scene::new();
    scene.say(90, add_option("shirt", "S"));
    scene.say(89, add_option("shirt", "M"));
    let by_line = Action::Remove { product: named_variant("shirt", "shirt-s"), options: Vec::new() };
    let edit = PostCommands::page_edit("01J", "c1".into(), NOW, post("x", "1", NOW, by_line).lines);
    assert_eq!(scene.keep(&edit), Outcome::Removed);
    assert_eq!((scene.quantity("shirt", "shirt-s"), scene.quantity("shirt", "shirt-m")), (0, 1));
}

#[test]
fn words_that_name_no_option_remove_the_whole_product() {
    let mut scene = Scene::new();
    scene.say(90, add_option("shirt", "S"));
    scene.say(80, add_option("shirt", "M"));
    let chatty = Action::Remove { product: named("shirt"), options: vec!["please".to_owned()] };
    assert_eq!(scene.say(70, chatty), Outcome::Removed);
    assert_eq!((scene.quantity("shirt", "shirt-s"), scene.quantity("shirt", "shirt-m")), (0, 0));
}

#[test]
fn words_that_fit_several_held_variants_are_a_question() {
    let colored = |id: &str, size: &str, color: &str| {
        let mut colored = variant("shirt", id, size);
        colored.options.push(OptionValue { name: "color".to_owned(), value: color.to_owned() });
        colored
    };
    let red = |id: &str, size: &str| colored(id, size, "red");
    let variants = vec![red("rs", "S"), red("rm", "M"), red("rl", "L"), colored("bx", "XL", "blue")];
    let mut scene = Scene::with(Product::new(variants).unwrap());
    scene.say(90, add_option("shirt", "S"));
    let remove_red = Action::Remove { product: named("shirt"), options: vec!["red".to_owned()] };
    scene.say(80, add_option("shirt", "L"));
    let Outcome::ChooseOption { candidates } = scene.say(70, remove_red.clone()) else { panic!() };
    assert_eq!(candidates.len(), 2);
    let remove_s = Action::Remove { product: named("shirt"), options: vec!["S".to_owned()] };
    assert_eq!(scene.say(60, remove_s), Outcome::Removed);
    assert_eq!(scene.say(50, remove_red), Outcome::Removed, "only one red one is left");
    assert_eq!(scene.quantity("shirt", "rl"), 0);
}

#[test]
fn wishes_come_and_go_apart_from_the_cart() {
    let mut scene = Scene::new();
    assert_eq!(scene.say(90, wish("mug")), Outcome::Wished);
    assert_eq!(scene.say(80, wish("mug")), Outcome::Wished);
    assert_eq!(scene.say(70, Action::Unwish { product: named("mug") }), Outcome::Removed);
    assert_eq!(scene.say(60, Action::Unwish { product: named("mug") }), Outcome::NotInCart);
    assert_eq!(scene.say(75, wish("mug")), Outcome::Superseded);
    assert_eq!(scene.quantity("mug", "mug"), 0);
}

#[test]
fn a_purchase_of_one_of_three_leaves_two_even_when_it_comes_first() {
    let bought =
        |quantity| Action::Purchase { order: "o1".into(), product: named_variant("mug", "mug"), quantity };
    let mut scene = Scene::new();
    assert_eq!(scene.say(50, bought(1)), Outcome::Purchased { quantity: 1 });
    scene.say(90, add_exactly("mug", 3));
    assert_eq!(scene.quantity("mug", "mug"), 2);
    let unnamed = Action::Purchase { order: "o2".into(), product: named("mug"), quantity: 1 };
    assert_eq!(scene.say(40, unnamed), Outcome::Purchased { quantity: 1 });
    assert_eq!(scene.quantity("mug", "mug"), 1);
    let which = Action::Purchase { order: "o3".into(), product: named("shirt"), quantity: 1 };
    assert_eq!(scene.say(30, which), Outcome::UnknownProduct);
}

#[test]
fn an_erased_post_counts_no_more_whichever_comes_first() {
    let mut scene = Scene::new();
    let target = PostRef { network: "x".into(), id: "77".into() };
    let erasure = PostCommands::erasure(
        target,
        "acme".into(),
        "alice".into(),
        "us".into(),
        NOW.minus(Duration::from_secs(5)),
        NOW,
    );
    let post = post("x", "77", NOW.minus(Duration::from_secs(60)), add("mug"));
    assert_eq!(scene.keep(&post), Outcome::Added { quantity: 1 });
    assert_eq!(scene.keep(&erasure), Outcome::Erased);
    assert_eq!(scene.quantity("mug", "mug"), 0);
    assert_ne!(scene.entries[0].key, scene.entries[1].key);

    let mut other_way = Scene::new();
    assert_eq!(other_way.keep(&erasure), Outcome::Erased);
    assert_eq!(other_way.keep(&post), Outcome::Erased);
    assert_eq!(other_way.quantity("mug", "mug"), 0);
}

#[test]
fn an_old_post_is_refused_and_a_parked_one_gets_its_days() {
    let scene = Scene::new();
    let old = NOW.minus(DAY * 91);
    let mut commands = post("x", "1", old, add("mug"));
    assert_eq!(scene.decide(&commands).told.outcome, Outcome::TooOld);
    commands.step = 1;
    assert_eq!(scene.decide(&commands).told.outcome, Outcome::Added { quantity: 1 });
    commands.as_of = NOW.minus(DAY * 121);
    assert_eq!(scene.decide(&commands).told.outcome, Outcome::TooOld);
    commands.lines[0].action = Action::Stop;
    assert_eq!(scene.decide(&commands).told.outcome, Outcome::Stopped);
    let young = post("x", "1", NOW.minus(DAY * 89), add("mug"));
    assert_eq!(scene.decide(&young).told.outcome, Outcome::Added { quantity: 1 });
}

#[test]
fn nothing_is_accepted_below_the_base() {
    let mut scene = Scene::new();
    let commands = post("x", "1", NOW.minus(DAY), add("mug"));
    scene.base = Some(Base { horizon: Stamp::horizon(NOW), lines: Vec::new() });
    assert_eq!(scene.decide(&commands).told.outcome, Outcome::TooOld);
    assert!(horizon(&scene.limits, NOW) < scene.decide(&commands).stamp);
}

#[test]
fn a_post_from_the_future_freezes_nothing() {
    let mut scene = Scene::new();
    let mut future = post("x", "1", NOW.plus(DAY), add_exactly("mug", 5));
    future.post.first_seen = NOW.minus(Duration::from_secs(60));
    assert_eq!(scene.keep(&future), Outcome::Added { quantity: 5 });
    assert_eq!(scene.entries[0].stamp.as_of(), future.post.first_seen);
    assert_eq!(scene.say(30, remove("mug")), Outcome::Removed);
    future.post.first_seen = NOW.plus(DAY);
    assert_eq!(scene.decide(&future).stamp.as_of(), NOW);
}

#[test]
fn the_rate_counts_commands_of_the_last_hour_and_spares_facts() {
    let mut scene = Scene::new();
    scene.limits.commands_per_hour = 2;
    scene.say(90, add("mug"));
    scene.say(80, remove("mug"));
    assert_eq!(scene.say(70, add("mug")), Outcome::RateLimited);
    assert_eq!(scene.say(69, Action::Help), Outcome::RateLimited);
    assert_eq!(scene.entries[2].effect, Effect::None);
    let bought = Action::Purchase { order: "o".into(), product: named_variant("mug", "mug"), quantity: 1 };
    assert_eq!(scene.say(60, bought), Outcome::Purchased { quantity: 1 });
    assert_eq!(scene.say(50, Action::Stop), Outcome::Stopped);
    let edit = PostCommands::page_edit("01J", "c1".into(), NOW, post("x", "1", NOW, add("mug")).lines);
    assert_eq!(scene.keep(&edit), Outcome::Added { quantity: 1 });
    for entry in &mut scene.entries {
        entry.decided_at = NOW.minus(HOUR);
    }
    assert_eq!(scene.say(5, wish("mug")), Outcome::Wished);
}

#[test]
fn a_blocked_account_may_still_take_back_and_stop() {
    let mut scene = Scene::new();
    scene.say(90, add("mug"));
    scene.blocked = true;
    for action in [add("mug"), remove("mug"), wish("mug"), Action::Help] {
        assert_eq!(scene.say(60, action), Outcome::Blocked);
    }
    assert_eq!(scene.say(50, Action::Stop), Outcome::Stopped);
    let target = PostRef { network: "x".into(), id: "1000000".into() };
    assert_eq!(scene.say(40, Action::Erase { post: target }), Outcome::Erased);
    assert_eq!(scene.quantity("mug", "mug"), 0);
}

#[test]
fn words_and_refusals_pass_through() {
    let mut scene = Scene::new();
    assert_eq!(scene.say(90, Action::Help), Outcome::Helped);
    assert_eq!(scene.say(80, Action::Start), Outcome::Started);
    for refusal in [Outcome::NoProductLink, Outcome::ParentUnavailable, Outcome::UnknownProduct] {
        assert_eq!(scene.say(70, Action::Refused { refusal: refusal.clone() }), refusal);
    }
    assert!(scene.entries.iter().all(|entry| entry.effect == Effect::None));
}

mod laws {
    use proptest::prelude::*;

    use super::*;

    fn actions() -> impl Strategy<Value = Action> {
        let product = prop_oneof![
            Just(named_variant("mug", "mug")),
            Just(named_variant("shirt", "shirt-s")),
            Just(named_variant("shirt", "shirt-m")),
        ];
        let posts =
            (0..6_u8).prop_map(|id| PostRef { network: "x".into(), id: id.to_string().as_str().into() });
        let add = (product.clone(), proptest::option::of(1..5_u32))
            .prop_map(|(product, quantity)| Action::Add { product, quantity, options: Vec::new() });
        prop_oneof![
            4 => add,
            2 => product.clone().prop_map(|product| Action::Remove { product, options: Vec::new() }),
            1 => product.clone().prop_map(|product| Action::Wish { product, options: Vec::new() }),
            1 => product.clone().prop_map(|product| Action::Unwish { product }),
            2 => (product, 1..3_u32).prop_map(|(product, quantity)| {
                Action::Purchase { order: "o".into(), product, quantity }
            }),
            1 => posts.prop_map(|post| Action::Erase { post }),
        ]
    }

    /// One command per post; erasures come as the deletion's own step.
    fn commands() -> impl Strategy<Value = Vec<PostCommands>> {
        let one = (actions(), 1..20_u64);
        proptest::collection::vec(one, 1..9).prop_map(|deeds| {
            let numbered = deeds.into_iter().enumerate();
            numbered
                .map(|(id, (action, ago))| {
                    let mut commands =
                        post("x", &id.to_string(), NOW.minus(Duration::from_secs(ago)), action);
                    if let Action::Erase { .. } = commands.lines[0].action {
                        commands.step = PostCommands::ERASURE_STEP;
                    }
                    commands
                })
                .collect()
        })
    }

    fn arrivals() -> impl Strategy<Value = (Vec<PostCommands>, Vec<usize>)> {
        commands().prop_flat_map(|commands| {
            let all: Vec<usize> = (0..commands.len()).chain(0..commands.len()).collect();
            (Just(commands), Just(all).prop_shuffle())
        })
    }

    proptest! {
        /// Where no limit binds, what the cart comes to doesn't depend on when its commands come or
        /// how often.
        #[test]
        fn commands_commute((commands, order) in arrivals()) {
            let mut straight = Scene::new();
            for one in &commands {
                straight.keep(one);
            }
            let mut shuffled = Scene::new();
            for one in order.into_iter().map(|index| &commands[index]) {
                if !shuffled.entries.iter().any(|entry| entry.key == one.key(1)) {
                    shuffled.keep(one);
                }
            }
            let cart = |scene: &Scene| Cart::fold(None, &scene.entries);
            prop_assert_eq!(cart(&straight), cart(&shuffled));
        }

        /// The outcome tells the cart: what it says is in there is in there.
        #[test]
        fn outcomes_are_true((commands, order) in arrivals()) {
            let mut scene = Scene::new();
            for one in order.into_iter().map(|index| &commands[index]) {
                let before = Cart::fold(None, &scene.entries);
                let entry = scene.decide(one);
                scene.entries.retain(|known| known.key != entry.key);
                scene.entries.push(entry.clone());
                let Effect::Add { item, .. } = &entry.effect else { continue };
                let now = scene.quantity(item.product.as_str(), item.variant.as_str());
                match entry.told.outcome {
                    Outcome::Added { quantity } | Outcome::AlreadyInCart { quantity } => prop_assert_eq!(quantity, now),
                    Outcome::QuantityChanged { from, to } => {
                        prop_assert_eq!((from, to), (before.quantity(item), now));
                    }
                    _ => {}
                }
            }
        }
    }
}
