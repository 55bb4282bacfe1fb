//! From a link to what it stands for: a short link is followed, a link of ours is looked up.

use std::time::Duration;

use domain::Retryable as _;
use domain::grammar::LinkResolution;
use domain::product::ProductRef;
use domain::time::Timestamp;
use networks::Http;
use shops::links::{LinkRules, LinkTarget, ProductLink};
use store::catalog::{Catalog, Found};
use url::Url;

use crate::cache::Cache;
use crate::error::ClassifyError;

/// How long a product is kept before it is looked up again.
const KEEP_PRODUCT: Duration = Duration::from_secs(60);
/// How long it is kept that there is none: an import may be under way.
const KEEP_NOTHING: Duration = Duration::from_secs(10);
/// How long the end of a short link is kept.
const KEEP_SHORT_LINK: Duration = Duration::from_secs(15 * 60);
/// How many lookups are kept of each kind.
const KEPT: usize = 1000;

/// What a link stands for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Resolved {
    /// What `plan` needs of it.
    pub(crate) resolution: LinkResolution,
    /// The product's title; empty where there is none.
    pub(crate) title: String,
    /// The affiliate tag of the link.
    pub(crate) affiliate: Option<String>,
}

impl Resolved {
    /// No link of ours.
    pub(crate) const NOT_A_PRODUCT: Self =
        Self { resolution: LinkResolution::NotAProduct, title: String::new(), affiliate: None };

    /// The product, if it is one.
    pub(crate) fn product(&self) -> Option<&ProductRef> {
        match &self.resolution {
            LinkResolution::Product(product) => Some(product),
            LinkResolution::Unknown | LinkResolution::NotAProduct => None,
        }
    }
}

/// Looks links up and keeps what it found for a moment.
#[derive(Debug)]
pub(crate) struct Lookup {
    catalog: Catalog,
    http: Http,
    products: Cache<ProductLink, Option<Found>>,
    short_links: Cache<Url, Option<Url>>,
}

impl Lookup {
    pub(crate) fn new(catalog: Catalog, http: Http) -> Self {
        Self { catalog, http, products: Cache::new(KEPT), short_links: Cache::new(KEPT) }
    }

    pub(crate) fn with_http(self, http: Http) -> Self {
        Self { http, ..self }
    }

    /// What `link` stands for by these rules.
    pub(crate) async fn resolve(
        &self,
        rules: &LinkRules,
        link: &str,
        now: Timestamp,
    ) -> Result<Resolved, ClassifyError> {
        let target = match rules.read(link) {
            LinkTarget::ShortLink(short) => match self.follow(rules, short, now).await? {
                Some(end) => rules.read(end.as_str()),
                None => LinkTarget::NotOurs,
            },
            target @ (LinkTarget::Product(_) | LinkTarget::NotOurs) => target,
        };
        match target {
            LinkTarget::Product(link) => self.product(link, now).await,
            LinkTarget::ShortLink(_) | LinkTarget::NotOurs => Ok(Resolved::NOT_A_PRODUCT),
        }
    }

    /// Where a short link leads; `None` where it leads nowhere, or where we may not follow.
    async fn follow(
        &self,
        rules: &LinkRules,
        short: Url,
        now: Timestamp,
    ) -> Result<Option<Url>, ClassifyError> {
        let hosts = rules.short_hosts();
        let read = async || match Box::pin(self.http.guard().resolve_short_link(&short, &hosts)).await {
            Ok(end) => Ok((Some(end), KEEP_SHORT_LINK)),
            Err(error) if error.retryable() => Err(ClassifyError::ShortLink(error)),
            Err(error) => {
                let host = short.host_str().unwrap_or_default();
                tracing::warn!(host, error = %error, "a short link leads nowhere");
                Ok((None, KEEP_NOTHING))
            }
        };
        self.short_links.get(&short, now, read).await
    }

    async fn product(&self, link: ProductLink, now: Timestamp) -> Result<Resolved, ClassifyError> {
        // Whoever shared it, it is the same product.
        let key = ProductLink { affiliate: None, ..link.clone() };
        let read = async || {
            let find = self.catalog.find(&key.marketplace, &key.url, key.choice.as_deref());
            let mut found = Box::pin(find).await?;
            if let (None, Some(id)) = (&found, &key.id) {
                found = Box::pin(self.catalog.find_by_id(&key.marketplace, id)).await?;
            }
            let keep = if found.is_some() { KEEP_PRODUCT } else { KEEP_NOTHING };
            Ok::<_, ClassifyError>((found, keep))
        };
        let found = self.products.get(&key, now, read).await?;
        let (resolution, title) = match found {
            Some(found) => (LinkResolution::Product(found.product), found.title),
            None => (LinkResolution::Unknown, String::new()),
        };
        Ok(Resolved { resolution, title, affiliate: link.affiliate })
    }
}
