//! What a load is sent to: the stage's own webhook, and nothing else.

use std::collections::BTreeMap;

use anyhow::{Context as _, bail};
use console::Term;
use domain::ids::{MarketplaceId, NetworkId};
use domain::product::{Availability, Product};
use domain::storefront::{NetworkConfig, NetworkKind, Storefront};
use lambda::aws::Aws;
use networks::{SecretName, standard_webhooks};
use store::catalog::Catalog;
use store::settings::Snapshot;
use url::{Host, Url};

use super::Args;
use super::mix::{MOST_PRODUCTS, Wanted};
use crate::secrets::known::HASH_KEY;
use crate::secrets::shelf::Shelf;
use crate::stage::StageArgs;
use crate::terminal::is_attended;

/// A stage's webhook of a generic network, and what posts for it are made of.
pub(super) struct Target {
    /// The webhook.
    pub(super) webhook: Url,
    /// The network.
    pub(super) network: NetworkConfig,
    /// The marketplace whose tag the posts carry.
    pub(super) marketplace: MarketplaceId,
    /// Its tag.
    pub(super) tag: String,
    /// How much one shopper may ask for in an hour.
    pub(super) commands_per_hour: u32,
    /// The key of the network's signatures.
    pub(super) signing: Vec<u8>,
    /// The key that mail addresses are hashed with.
    pub(super) hash_key: lambda::secrets::Secret,
}

impl Target {
    /// Finds the stage's webhook and everything that it takes.
    ///
    /// # Errors
    /// When the address isn't the stage's own, the storefront has no generic network or a paused one, or a
    /// secret is missing.
    pub(super) async fn of(args: &Args, aws: &Aws) -> anyhow::Result<Self> {
        let Some(snapshot) = args.stage.settings().await?.snapshot().await? else {
            bail!(args.stage.no_storefront())
        };
        let network = network(&snapshot, args.network.as_deref())?.clone();
        let webhook = webhook(&args.stage, aws, args.to.as_ref(), &network.id).await?;
        let storefront = &snapshot.storefront.value;
        let marketplace = storefront.marketplaces.first().context("the storefront has no marketplace")?;
        let (signing, hash_key) = keys(&args.stage, &network.id).await?;
        Ok(Self {
            webhook,
            network,
            marketplace: marketplace.id.clone(),
            tag: marketplace.cart_tags.first().context("the marketplace has no cart tag")?.to_string(),
            commands_per_hour: storefront.limits.commands_per_hour,
            signing,
            hash_key,
        })
    }

    /// What a load may ask for: products that go into a cart without a question.
    ///
    /// # Errors
    /// When the catalogue can't be read or holds none.
    pub(super) async fn products(&self, stage: &StageArgs, aws: &Aws) -> anyhow::Result<Vec<Wanted>> {
        let all = Catalog::new(aws.dynamodb(), stage.table("catalog")).all(&self.marketplace).await?;
        let wanted: Vec<Wanted> = all.iter().filter_map(wanted).take(MOST_PRODUCTS).collect();
        if wanted.is_empty() {
            bail!(
                "the catalogue of {} has no product that goes into a cart without a question: `hashcart catalog \
                 import FEED`",
                self.marketplace
            );
        }
        Ok(wanted)
    }
}

/// A product of one variant that everybody may have.
fn wanted(product: &Product) -> Option<Wanted> {
    let first = product.first();
    let is_plain = product.variants().count() == 1
        && first.availability == Availability::InStock
        && !(first.deal || first.digital || first.restricted || first.sensitive);
    is_plain.then(|| Wanted { product: first.product.to_string(), link: first.link.clone() })
}

/// The generic network that is meant, if it runs.
fn network<'a>(snapshot: &'a Snapshot, named: Option<&str>) -> anyhow::Result<&'a NetworkConfig> {
    let network = generic(&snapshot.storefront.value, named)?;
    let pause = snapshot.pause(&network.id);
    if pause.all || pause.reply || pause.mail {
        bail!(
            "{} is paused: nothing that is sent there would come to its end. `hashcart resume {0}` lets it run",
            network.id
        );
    }
    Ok(network)
}

fn generic<'a>(storefront: &'a Storefront, named: Option<&str>) -> anyhow::Result<&'a NetworkConfig> {
    let generic = |network: &&NetworkConfig| matches!(network.kind, NetworkKind::Generic { .. });
    let known: Vec<&NetworkConfig> = storefront.networks.iter().filter(generic).collect();
    let names = || known.iter().map(|network| network.id.as_str()).collect::<Vec<_>>().join(", ");
    match (named, known.as_slice()) {
        (_, []) => bail!(
            "the storefront has no network of the kind `generic`, and a load goes to no other: other networks' \
             shoppers are real"
        ),
        (None, [only]) => Ok(only),
        (None, _) => {
            bail!("the storefront has several generic networks ({}): choose one with --network", names())
        }
        (Some(named), _) => {
            let found = known.iter().find(|network| network.id.as_str() == named);
            found.copied().with_context(|| {
                format!("`{named}` is no generic network of the storefront: there is {}", names())
            })
        }
    }
}

/// The webhook's address from the stack's own outputs.
async fn webhook(stage: &StageArgs, aws: &Aws, to: Option<&Url>, network: &NetworkId) -> anyhow::Result<Url> {
    let outputs = outputs(stage, aws).await?;
    let own = own_addresses(stage, aws, &outputs)?;
    let base = match to {
        None => own.first().context("the stack names no address of its API")?,
        Some(to) => ours(to, &own, &stage.name)?,
    };
    let mut url = base.clone();
    let Ok(mut path) = url.path_segments_mut() else { bail!("{base} is no address of a webhook") };
    path.pop_if_empty().extend(["webhooks", network.as_str()]);
    drop(path);
    Ok(url)
}

async fn outputs(stage: &StageArgs, aws: &Aws) -> anyhow::Result<BTreeMap<String, String>> {
    let name = format!("hashcart-{}", stage.name);
    let client = aws_sdk_cloudformation::Client::new(aws.config());
    let answer = client.describe_stacks().stack_name(&name).send().await.with_context(|| {
        format!("the stack {name} can't be found: check --stage, AWS_REGION and your credentials")
    })?;
    let stacks = answer.stacks.unwrap_or_default();
    let outputs = stacks.iter().flat_map(|stack| stack.outputs());
    Ok(outputs.filter_map(|o| Some((o.output_key()?.to_owned(), o.output_value()?.to_owned()))).collect())
}

/// Where the stage's API is reached: its own address first, then its domain.
fn own_addresses(
    stage: &StageArgs,
    aws: &Aws,
    outputs: &BTreeMap<String, String>,
) -> anyhow::Result<Vec<Url>> {
    let api = match (stage.is_local(), outputs.get("ApiId"), aws.config().endpoint_url()) {
        // The emulator's API has a host that resolves nowhere: a path of the emulator stands for it.
        (true, Some(id), Some(endpoint)) => Some(format!("{endpoint}/_aws/execute-api/{id}/$default")),
        (true, _, _) => None,
        (false, _, _) => outputs.get("ApiUrl").cloned(),
    };
    let addresses: Vec<Url> = [api.as_ref(), outputs.get("PublicUrl")]
        .into_iter()
        .flatten()
        .filter_map(|address| Url::parse(address).ok())
        .filter(
            |address| if stage.is_local() { is_this_machine(address) } else { address.scheme() == "https" },
        )
        .collect();
    if addresses.is_empty() {
        bail!("the stack hashcart-{} names no address of its API: deploy it again", stage.name);
    }
    Ok(addresses)
}

fn is_this_machine(address: &Url) -> bool {
    match address.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(ip)) => ip.is_loopback(),
        Some(Host::Ipv6(ip)) => ip.is_loopback(),
        None => false,
    }
}

/// The stage's own address that `to` names.
fn ours<'a>(to: &Url, own: &'a [Url], stage: &str) -> anyhow::Result<&'a Url> {
    own.iter().find(|address| address.origin() == to.origin()).with_context(|| {
        let known: Vec<&str> = own.iter().map(Url::as_str).collect();
        format!(
            "{to} isn't an address of the stage {stage}: a load goes to your own API only, which is {}",
            known.join(" or ")
        )
    })
}

/// The network's signing key and the key of our hashes.
async fn keys(stage: &StageArgs, network: &NetworkId) -> anyhow::Result<(Vec<u8>, lambda::secrets::Secret)> {
    let webhook = format!("{network}/{}", SecretName::WebhookSecret);
    let shelf = Shelf::of(stage).await?;
    let kept = shelf.read(&[webhook.as_str(), HASH_KEY]).await?;
    let newest = |name: &str| {
        let value = kept.get(name).and_then(|kept| kept.values.first());
        value.with_context(|| {
            format!("the secret {name} of the stage {} isn't set: `hashcart secrets init`", stage.name)
        })
    };
    let signing = standard_webhooks::key(&networks::Secret::new(newest(&webhook)?.expose()))
        .with_context(|| format!("the secret {webhook} is not of the form whsec_…"))?;
    Ok((signing, newest(HASH_KEY)?.clone()))
}

/// Asks before a stage of AWS is put under load: it costs money, and shoppers may be there.
///
/// # Errors
/// When nobody is there to ask, or another name was typed.
pub(super) async fn confirm(stage: &StageArgs, yes: bool, what: &str) -> anyhow::Result<()> {
    if stage.is_local() || yes {
        return Ok(());
    }
    if !is_attended() {
        bail!(
            "nobody is there to ask whether the stage {} may be put under load: say --yes to do it",
            stage.name
        );
    }
    let term = Term::stderr();
    term.write_str(&format!("{what}\nType the stage's name to do it: "))?;
    let answer = tokio::task::spawn_blocking(move || term.read_line()).await??;
    if answer.trim() != stage.name {
        bail!("that is not `{}`: nothing was sent", stage.name);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn urls(texts: &[&str]) -> Vec<Url> {
        texts.iter().map(|text| Url::parse(text).unwrap()).collect()
    }

    #[test]
    fn only_the_stages_own_origins_are_ours() {
        let own = urls(&["https://abc.execute-api.us-east-1.amazonaws.com", "https://cart.acme.example"]);
        for (to, at) in [
            ("https://cart.acme.example/webhooks/forum", 1),
            ("https://CART.acme.example:443", 1),
            ("https://abc.execute-api.us-east-1.amazonaws.com/x", 0),
        ] {
            assert_eq!(ours(&Url::parse(to).unwrap(), &own, "prod").unwrap(), &own[at], "{to}");
        }
        for foreign in [
            "https://cart.acme.example.evil.example",
            "https://cart.acme.example@evil.example",
            "http://cart.acme.example",
            "https://cart.acme.example:8443",
            "https://x.com",
            "https://xyz.execute-api.us-east-1.amazonaws.com",
        ] {
            let error = ours(&Url::parse(foreign).unwrap(), &own, "prod").unwrap_err().to_string();
            assert!(error.contains("isn't an address of the stage prod"), "{error}");
        }
    }

    #[test]
    fn this_machine_is_this_machine() {
        for (address, is_it) in [
            ("http://127.0.0.1:4566/x", true),
            ("http://localhost:8787", true),
            ("http://[::1]:1", true),
            ("http://192.168.0.7:4566", false),
            ("https://localhost.evil.example", false),
        ] {
            assert_eq!(is_this_machine(&Url::parse(address).unwrap()), is_it, "{address}");
        }
    }
}
