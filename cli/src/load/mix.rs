//! What posts a load consists of: a pure function of the seed and the post's number.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use domain::time::Timestamp;
use serde::Serialize;
use serde_json::{Value, json};

/// What all ids of a load begin with: no network gives such ones.
pub(super) const PREFIX: &str = "hashcart-load";

/// The most products that a load asks for.
pub(super) const MOST_PRODUCTS: usize = 50;

/// A shape of post.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Shape {
    /// Carries no tag of ours.
    Unwanted,
    /// Many shoppers ask for many products.
    Spread,
    /// Many shoppers ask for one product.
    HotProduct,
    /// One shopper asks for many products.
    HotShopper,
    /// Many shoppers answer one post, which shows the product.
    HotThread,
}

impl Shape {
    /// All of them.
    pub(super) const ALL: [Self; 5] =
        [Self::Unwanted, Self::Spread, Self::HotProduct, Self::HotShopper, Self::HotThread];

    /// Its name, as the command line and the report write it.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Unwanted => "unwanted",
            Self::Spread => "spread",
            Self::HotProduct => "hot-product",
            Self::HotShopper => "hot-shopper",
            Self::HotThread => "hot-thread",
        }
    }

    /// Whether such a post is for us.
    pub(super) fn is_wanted(self) -> bool {
        self != Self::Unwanted
    }
}

/// The shapes of a load with their weights.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub(super) struct Mix(BTreeMap<Shape, u32>);

impl FromStr for Mix {
    type Err = String;

    /// Reads `spread` or `unwanted=9,spread=1`.
    fn from_str(text: &str) -> Result<Self, String> {
        let known = || Shape::ALL.map(Shape::name).join(", ");
        let mut weights = BTreeMap::new();
        for part in text.split(',').map(str::trim) {
            let (name, weight) = part.split_once('=').unwrap_or((part, "1"));
            let shape = Shape::ALL.into_iter().find(|shape| shape.name() == name);
            let shape =
                shape.ok_or_else(|| format!("`{name}` is no shape of post: there are {}", known()))?;
            let weight: u32 = weight.parse().ok().filter(|weight| *weight <= 1_000_000).ok_or_else(|| {
                format!("`{weight}` is no weight of {name}: give a whole number, at most a million")
            })?;
            if weights.insert(shape, weight).is_some() {
                return Err(format!("{name} stands twice"));
            }
        }
        weights.retain(|_, weight| *weight > 0);
        if weights.is_empty() { Err("every weight is 0".to_owned()) } else { Ok(Self(weights)) }
    }
}

impl fmt::Display for Mix {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let parts: Vec<String> =
            self.0.iter().map(|(shape, weight)| format!("{}={weight}", shape.name())).collect();
        f.write_str(&parts.join(","))
    }
}

impl Mix {
    /// Whether any post is for us.
    pub(super) fn is_any_wanted(&self) -> bool {
        self.0.keys().any(|shape| shape.is_wanted())
    }

    /// About how many of so many posts are for us: at least.
    pub(super) fn wanted_of(&self, posts: u32) -> u32 {
        let of = |wanted: bool| -> u64 {
            self.0.iter().filter(|(shape, _)| shape.is_wanted() == wanted).map(|(_, w)| u64::from(*w)).sum()
        };
        let (wanted, all) = (of(true), of(true) + of(false));
        u32::try_from((u64::from(posts) * wanted).div_ceil(all.max(1))).unwrap_or(u32::MAX)
    }

    fn shape(&self, chance: u64) -> Shape {
        let all: u64 = self.0.values().map(|weight| u64::from(*weight)).sum();
        let mut at = chance % all.max(1);
        for (shape, weight) in &self.0 {
            match at.checked_sub(u64::from(*weight)) {
                Some(rest) => at = rest,
                None => return *shape,
            }
        }
        Shape::Unwanted
    }
}

/// A product that posts ask for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Wanted {
    /// Its id in the catalogue.
    pub(super) product: String,
    /// The link to its page.
    pub(super) link: String,
}

/// Everything that a load's posts are made of.
#[derive(Clone, Debug)]
pub(super) struct Posts {
    /// The load's own name: the same in all its ids.
    pub(super) run: String,
    /// What the chances depend on.
    pub(super) seed: u64,
    /// The shapes.
    pub(super) mix: Mix,
    /// How many shoppers there are. The first is the hot one.
    pub(super) shoppers: u32,
    /// What they ask for; never empty where a post is wanted.
    pub(super) products: Vec<Wanted>,
    /// Our account's handle on the network.
    pub(super) bot: String,
    /// The tag that adds to a cart.
    pub(super) tag: String,
    /// The post that a hot thread answers, by its id on the network; without it the posts bring the
    /// parent with them.
    pub(super) parent: Option<String>,
    /// One of so many posts is followed through the logs.
    pub(super) follow_every: u64,
}

/// One post of a load.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct LoadPost {
    /// Its shape.
    pub(super) shape: Shape,
    /// Its id.
    pub(super) id: String,
    /// The number of its shopper.
    pub(super) shopper: u32,
    /// The place of its product among the load's.
    pub(super) product: usize,
}

impl Posts {
    /// The `number`-th post.
    pub(super) fn post(&self, number: u32) -> LoadPost {
        let chance = mixed(self.seed ^ (u64::from(number) << 20));
        let shape = self.mix.shape(chance);
        let spread = number.checked_rem(self.shoppers.saturating_sub(1)).map_or(0, |place| place + 1);
        let shopper = if shape == Shape::HotShopper { 0 } else { spread };
        let many = u64::try_from(self.products.len()).unwrap_or(1).max(1);
        let product = match shape {
            Shape::Unwanted | Shape::Spread | Shape::HotShopper => mixed(chance) % many,
            Shape::HotProduct | Shape::HotThread => 0,
        };
        let product = usize::try_from(product).unwrap_or(0);
        LoadPost { shape, id: self.id(number), shopper, product }
    }

    fn id(&self, number: u32) -> String {
        if self.is_followed(number) {
            format!("{}{number}", self.followed())
        } else {
            format!("{PREFIX}-{}-{number}", self.run)
        }
    }

    /// Whether a post is looked for in the logs.
    pub(super) fn is_followed(&self, number: u32) -> bool {
        mixed(self.seed.wrapping_add(1) ^ (u64::from(number) << 20)).is_multiple_of(self.follow_every.max(1))
    }

    /// What the ids of those posts begin with.
    pub(super) fn followed(&self) -> String {
        format!("{PREFIX}-{}-s-", self.run)
    }

    /// The number of a post that is followed, by its id.
    pub(super) fn number(&self, id: &str) -> Option<u32> {
        id.strip_prefix(&self.followed())?.parse().ok()
    }

    /// Whether an id is one of this load's.
    pub(super) fn is_ours(&self, id: &str) -> bool {
        id.strip_prefix(PREFIX).and_then(|rest| rest.strip_prefix('-')?.strip_prefix(&self.run)).is_some()
    }

    /// The body of its webhook, as the network writes it at `now` (`docs/networks/generic.md`).
    pub(super) fn body(&self, post: &LoadPost, now: Timestamp) -> Value {
        let link = self.products.get(post.product).map_or("", |wanted| wanted.link.as_str());
        let asks = format!("@{} #{}", self.bot, self.tag);
        let text = match post.shape {
            Shape::Unwanted => "Saw this on the way home, lovely colours".to_owned(),
            Shape::Spread | Shape::HotProduct | Shape::HotShopper => format!("{asks} {link}"),
            Shape::HotThread => asks,
        };
        let author = shopper_id(&self.run, post.shopper);
        let mut data = json!({
            "id": post.id,
            "author": {"id": author, "handle": author},
            "text": text,
            "created_at": now.to_string(),
            "language": "en",
        });
        if post.shape == Shape::HotThread
            && let Some(fields) = data.as_object_mut()
        {
            fields.insert("in_reply_to".to_owned(), self.thread(link));
        }
        json!({"type": "post.created", "timestamp": now.to_string(), "data": data})
    }

    /// The post that a hot thread answers. It names no author: nobody earns credit by a load.
    fn thread(&self, link: &str) -> Value {
        match &self.parent {
            Some(id) => json!({ "id": id }),
            None => {
                let id = format!("{PREFIX}-{}-thread", self.run);
                json!({"id": id, "text": format!("New in the shop: {link}"), "links": [link]})
            }
        }
    }
}

/// The account of a load's shopper on the network.
pub(super) fn shopper_id(run: &str, number: u32) -> String {
    format!("{PREFIX}-{run}-shopper-{number}")
}

/// `SplitMix64`'s output function (Steele, Lea, Flood: Fast splittable pseudorandom number generators,
/// 2014): numbers that follow each other come out as if by chance, the same at every call.
fn mixed(number: u64) -> u64 {
    let mut z = number.wrapping_add(0x9E37_79B9_7F4A_7C15);
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    fn posts(mix: &str) -> Posts {
        let wanted =
            |n: u32| Wanted { product: format!("p{n}"), link: format!("https://acme.example/p/{n}") };
        Posts {
            run: "01k".to_owned(),
            seed: 7,
            mix: mix.parse().unwrap(),
            shoppers: 11,
            products: (0..5).map(wanted).collect(),
            bot: "acme".to_owned(),
            tag: "AcmeCart".to_owned(),
            parent: None,
            follow_every: 3,
        }
    }

    #[test]
    fn mixes_are_read_and_written() {
        for (text, written) in [
            ("spread", "spread=1"),
            ("spread=3, unwanted=9", "unwanted=9,spread=3"),
            ("hot-thread=1,spread=0", "hot-thread=1"),
        ] {
            assert_eq!(text.parse::<Mix>().unwrap().to_string(), written);
        }
        for (bad, why) in [
            ("", "no shape"),
            ("sprad=1", "`sprad` is no shape"),
            ("spread=-1", "`-1` is no weight of spread"),
            ("spread=x", "no weight"),
            ("spread=0", "every weight is 0"),
            ("spread,spread", "stands twice"),
        ] {
            let error = bad.parse::<Mix>().unwrap_err();
            assert!(error.contains(why), "{bad}: {error}");
        }
        assert_eq!("unwanted=9,spread=1".parse::<Mix>().unwrap().wanted_of(100), 10);
        assert_eq!("unwanted".parse::<Mix>().unwrap().wanted_of(100), 0);
    }

    #[test]
    fn shapes_come_by_their_weights_and_the_same_again() {
        let posts = posts("unwanted=6,spread=2,hot-product=1,hot-shopper=1");
        let mut counts = BTreeMap::new();
        let mut ids = HashSet::new();
        for number in 0..10_000 {
            let post = posts.post(number);
            assert_eq!(post, posts.post(number));
            assert!(posts.is_ours(&post.id) && post.shopper < 11 && post.product < 5);
            assert_eq!(post.shopper == 0, post.shape == Shape::HotShopper, "{post:?}");
            assert_eq!(posts.number(&post.id), posts.is_followed(number).then_some(number));
            assert!(ids.insert(post.id.clone()), "{} twice", post.id);
            *counts.entry(post.shape).or_insert(0) += 1;
        }
        for (shape, expected) in
            [(Shape::Unwanted, 6_000), (Shape::Spread, 2_000), (Shape::HotShopper, 1_000)]
        {
            let count: i32 = counts[&shape];
            assert!((count - expected).abs() < 200, "{shape:?}: {count}");
        }
        assert!(!posts.is_ours("hashcart-loads-01k-1") && !posts.is_ours("01k"));
    }

    #[test]
    fn a_thread_brings_its_parent_unless_the_network_has_it() {
        let mut posts = posts("hot-thread");
        let at = Timestamp::from_seconds(1);
        let body = posts.body(&posts.post(1), at);
        assert_eq!(body["data"]["in_reply_to"]["links"][0], "https://acme.example/p/0");
        assert_eq!(body["data"]["text"], "@acme #AcmeCart");
        posts.parent = Some("77".to_owned());
        assert_eq!(posts.body(&posts.post(1), at)["data"]["in_reply_to"], json!({"id": "77"}));
        let lone = Posts { shoppers: 1, ..posts };
        assert_eq!(lone.post(5).shopper, 0, "one shopper alone does everything");
    }
}
