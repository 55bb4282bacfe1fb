//! The post that a post answers or quotes: which products it shows.

use std::time::Duration;

use domain::grammar::{LinkResolution, ParentLink, ParentLinks};
use domain::ids::NetworkId;
use domain::post::{Post, PostRef, Related, RelatedPost};
use domain::product::ProductRef;
use domain::time::Timestamp;
use networks::{Network as _, NetworkError, Networks};

use crate::cache::Cache;
use crate::error::ClassifyError;
use crate::lookup::Resolved;

/// How long a post is kept before it is read again: it may be edited.
const KEEP_POST: Duration = Duration::from_secs(5 * 60);
/// How long it is kept that a post is gone.
const KEEP_GONE: Duration = Duration::from_secs(60);
/// How many posts are kept.
const KEPT: usize = 500;
/// How many links of a related post are looked up. A post that shows more is a list to choose from
/// elsewhere.
pub(crate) const MOST_LINKS: usize = 20;

/// Reads posts from their networks and keeps them for a moment.
#[derive(Debug)]
pub(crate) struct RelatedPosts {
    kept: Cache<PostRef, Option<RelatedPost>>,
}

impl RelatedPosts {
    pub(crate) fn new() -> Self {
        Self { kept: Cache::new(KEPT) }
    }

    /// The related post: as delivered, or as its network gives it. `None` where it is gone or hidden
    /// from us.
    pub(crate) async fn read(
        &self,
        network: &NetworkId,
        related: &Related,
        networks: impl AsyncFnOnce() -> Result<std::sync::Arc<Networks>, ClassifyError>,
        now: Timestamp,
    ) -> Result<Option<RelatedPost>, ClassifyError> {
        let id = match related {
            Related::Inline(post) => return Ok(Some((**post).clone())),
            Related::Ref(id) => id,
        };
        let key = PostRef { network: network.clone(), id: id.clone() };
        let read = async || {
            let networks = Box::pin(networks()).await?;
            let Some(network) = networks.get(network) else { return Ok((None, KEEP_GONE)) };
            match Box::pin(network.fetch_post(id)).await {
                Ok(Some(post)) => Ok((Some(post), KEEP_POST)),
                Ok(None) | Err(NetworkError::Gone) => Ok((None, KEEP_GONE)),
                Err(NetworkError::Refused { status }) => {
                    tracing::warn!(network = %network.id(), status, "the network refuses to show a post");
                    Ok((None, KEEP_GONE))
                }
                Err(error) => Err(ClassifyError::Parent(error)),
            }
        };
        self.kept.get(&key, now, read).await
    }
}

/// The posts that may show what is meant: the one that is answered before the one that is quoted.
pub(crate) fn related(post: &Post) -> impl Iterator<Item = &Related> {
    post.parent.iter().chain(&post.quoted)
}

/// What the related posts show.
#[derive(Debug, Default)]
pub(crate) struct Shown {
    /// The one whose links count, with what they stand for.
    seen: Option<(RelatedPost, Vec<Resolved>)>,
    /// Whether one of them can't be read.
    unavailable: bool,
}

impl Shown {
    /// Notes that one can't be read.
    pub(crate) fn is_unavailable(&mut self) {
        self.unavailable = true;
    }

    /// Takes one that was read; the first that shows a product of ours stands.
    pub(crate) fn add(&mut self, post: RelatedPost, resolved: Vec<Resolved>) {
        if !self.shows_products() {
            self.seen = Some((post, resolved));
        }
    }

    /// Whether one of them shows a product of ours, or what looks like one.
    pub(crate) fn shows_products(&self) -> bool {
        let is_ours = |link: &Resolved| link.resolution != LinkResolution::NotAProduct;
        self.seen.as_ref().is_some_and(|(_, resolved)| resolved.iter().any(is_ours))
    }

    /// The post whose product is meant.
    pub(crate) fn source(&self) -> Option<&RelatedPost> {
        self.seen.as_ref().map(|(post, _)| post)
    }

    /// The affiliate tag of the first link that has one.
    pub(crate) fn affiliate(&self) -> Option<&str> {
        self.seen.iter().flat_map(|(_, resolved)| resolved).find_map(|link| link.affiliate.as_deref())
    }

    /// How the post can be named in a log.
    pub(crate) fn describe(&self) -> &'static str {
        match (&self.seen, self.unavailable) {
            (Some(_), _) if self.shows_products() => "of the post that it answers",
            (_, true) => "of a post that can't be read",
            (Some(_), false) => "of a post without a product of ours",
            (None, false) => "of no post",
        }
    }

    /// As `plan` wants it: each product once, however often and with whatever tracking it is linked.
    pub(crate) fn links(&self) -> ParentLinks {
        match &self.seen {
            Some((_, resolved)) if self.shows_products() || !self.unavailable => {
                ParentLinks::Links(each_once(resolved))
            }
            _ if self.unavailable => ParentLinks::Unavailable,
            _ => ParentLinks::None,
        }
    }
}

fn each_once(resolved: &[Resolved]) -> Vec<ParentLink> {
    let mut links: Vec<ParentLink> = Vec::new();
    for link in resolved {
        let same = |earlier: &&mut ParentLink| match (&earlier.resolution, &link.resolution) {
            (LinkResolution::Product(earlier), LinkResolution::Product(product)) => {
                is_same_product(earlier, product)
            }
            (earlier, resolution) => earlier == resolution,
        };
        match links.iter_mut().find(same) {
            // Links to two variants of one product choose neither.
            Some(ParentLink { resolution: LinkResolution::Product(earlier), .. }) => {
                if Some(&*earlier) != link.product() {
                    earlier.variant = None;
                }
            }
            Some(_) => {}
            None => links.push(ParentLink { resolution: link.resolution.clone(), title: link.title.clone() }),
        }
    }
    links
}

/// Whether two links show the same product, of whatever variant.
fn is_same_product(a: &ProductRef, b: &ProductRef) -> bool {
    a.marketplace == b.marketplace && a.product == b.product
}

#[cfg(test)]
mod tests {
    use super::*;

    fn product(id: &str, variant: Option<&str>) -> Resolved {
        let variant = variant.map(Into::into);
        let product = ProductRef { marketplace: "us".into(), product: id.into(), variant };
        Resolved { resolution: LinkResolution::Product(product), title: id.to_owned(), affiliate: None }
    }

    fn other(resolution: LinkResolution) -> Resolved {
        Resolved { resolution, title: String::new(), affiliate: None }
    }

    fn post(id: &str) -> RelatedPost {
        RelatedPost { id: id.into(), author: None, links: vec![], url: None }
    }

    #[test]
    fn a_product_linked_twice_is_one() {
        let links = [
            product("mug", Some("mug")),
            other(LinkResolution::NotAProduct),
            product("mug", Some("mug")),
            product("tee", Some("tee-s")),
            product("tee", Some("tee-m")),
            other(LinkResolution::NotAProduct),
        ];
        let once = each_once(&links);
        let expected =
            [product("mug", Some("mug")), other(LinkResolution::NotAProduct), product("tee", None)];
        let expected = expected.map(|link| ParentLink { resolution: link.resolution, title: link.title });
        assert_eq!(once, expected);
    }

    #[test]
    fn the_first_post_that_shows_a_product_stands() {
        let mut shown = Shown::default();
        assert_eq!(shown.links(), ParentLinks::None);
        shown.is_unavailable();
        assert_eq!(shown.links(), ParentLinks::Unavailable);
        shown.add(post("blog"), vec![other(LinkResolution::NotAProduct)]);
        assert_eq!(shown.links(), ParentLinks::Unavailable, "the one that can't be read may show it");
        shown.add(post("mug"), vec![product("mug", None)]);
        assert!(matches!(shown.links(), ParentLinks::Links(links) if links.len() == 1));
        shown.add(post("tee"), vec![product("tee", None)]);
        assert_eq!(shown.source().unwrap().id.as_str(), "mug");
    }
}
