//! Fills a fresh stack: secrets, configuration, the demonstration's products, and who is linked.

use std::path::Path;

use anyhow::Context as _;
use aws_sdk_dynamodb::Client;
use domain::ids::{CustomerId, NetworkId, UserId};

use lambda::keyed::KeyedHash;
use lambda::secrets::Secret;
use store::Account;
use store::catalog::Catalog;
use store::linking::{Linking, NewLink, Person};
use store::settings::Settings;

use super::secrets::Secrets;
use super::steps::Step;
use crate::catalog;
use crate::playground::{self, App, Persona, now};

/// Fills what is missing. People are linked at the first start only: what was unlinked since stays so.
///
/// # Errors
/// When the emulator refuses something.
pub(super) async fn all(
    app: &App,
    account: &emulator::Account,
    deployed: &emulator::Stack,
    secrets: &Secrets,
    feeds: &Path,
) -> anyhow::Result<()> {
    let client = Client::new(&account.sdk_config());
    let step = Step::begin("secrets and configuration");
    put_secrets(account, secrets).await?;
    let first_start = push_storefront(app, &client, deployed.output("SettingsTable")?).await?;
    step.done(if first_start { "written" } else { "up to date" });

    let catalog = Catalog::new(client.clone(), deployed.output("CatalogTable")?);
    import_feeds(app, &catalog, feeds).await?;
    if first_start {
        let step = Step::begin("people linked");
        let linking = Linking::new(client, deployed.output("LinksTable")?, deployed.output("CartsTable")?);
        let linked = link_people(app, &linking, secrets).await?;
        step.done(&linked.to_string());
    }
    Ok(())
}

async fn put_secrets(account: &emulator::Account, secrets: &Secrets) -> anyhow::Result<()> {
    let ssm = aws_sdk_ssm::Client::new(&account.sdk_config());
    for (name, value) in secrets {
        ssm.put_parameter()
            .name(format!("/hashcart/local/{name}"))
            .value(value)
            .r#type(aws_sdk_ssm::types::ParameterType::SecureString)
            .overwrite(true)
            .send()
            .await
            .with_context(|| format!("the secret {name} can't be stored"))?;
    }
    Ok(())
}

/// Pushes the storefront unless it is the current one already. Returns whether there was none.
async fn push_storefront(app: &App, client: &Client, table: &str) -> anyhow::Result<bool> {
    let settings = Settings::new(client.clone(), table);
    let current = settings.current().await.context("the configuration can't be read")?;
    if current.as_ref().is_none_or(|current| current.value != app.storefront) {
        let replaced = current.as_ref().map(|current| current.version);
        settings.push(&app.storefront, replaced, now()).await.context("the configuration can't be pushed")?;
    }
    Ok(current.is_none())
}

async fn import_feeds(app: &App, table: &Catalog, folder: &Path) -> anyhow::Result<()> {
    let step = Step::begin("catalogue imported");
    let mut products = 0_u64;
    for (marketplace, feed) in playground::feeds(&app.storefront, folder) {
        step.note(&feed.display().to_string());
        let exposure = app.storefront.map.price_exposure;
        products += catalog::import_file(table, marketplace, exposure, &feed).await?.accepted();
    }
    step.done(&format!("{products} variants"));
    Ok(())
}

/// Links those whom the demonstration says are linked, as account-link would have.
async fn link_people(app: &App, linking: &Linking, secrets: &Secrets) -> anyhow::Result<usize> {
    let key = secrets.get("hash-key").and_then(|keys| keys.lines().next()).context("there is no hash-key")?;
    let hash = KeyedHash::new(&Secret::new(key));
    let mut linked = 0;
    for persona in app.cast.personas.iter().filter(|persona| persona.linked) {
        for (network, user) in accounts(app, persona) {
            let person = Person {
                email: persona.email.clone(),
                email_hash: hash.email(&persona.email),
                lang: Some(persona.language.clone()),
                candidate: CustomerId::new(lambda::token::random()),
                at: now(),
            };
            let handle = Some(persona.handle.clone());
            let link = NewLink { account: Account::new(network, user), handle, person };
            linking.link(&link).await.with_context(|| format!("{} can't be linked", persona.handle))?;
        }
        linked += 1;
    }
    Ok(linked)
}

/// A persona's account on the playground's network, and those that the demonstration gives them on
/// others.
fn accounts(app: &App, persona: &Persona) -> Vec<(NetworkId, UserId)> {
    let own = (app.network.clone(), UserId::new(&persona.handle));
    let others = persona.accounts.iter().map(|(network, user)| (network.clone(), user.clone()));
    std::iter::once(own).chain(others).collect()
}
