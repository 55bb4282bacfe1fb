//! What answers over HTTP: our own addresses, and those of the networks.

use std::time::Duration;

use anyhow::Context as _;
use domain::storefront::{NetworkKind, Storefront};
use reqwest::StatusCode;
use url::Url;

use super::findings::Findings;

/// How long an address may take to answer.
const PATIENCE: Duration = Duration::from_secs(10);
/// A webhook of no storefront's: ids are shorter than this one.
const NOBODYS_WEBHOOK: &str = "/webhooks/nobody-has-a-network-of-this-name";

/// Asks the API what it says to a page request and to webhooks that nobody signed.
pub(super) async fn check(url: &Url, storefront: Option<&Storefront>, findings: &mut Findings) {
    for path in ["/link", "/cart"] {
        match get(url, path).await {
            Ok(status) if status.is_success() || status.is_redirection() => {
                findings.fine(format!("{path} answers {status}"))
            }
            Ok(status) => findings.wrong(
                format!("{path} answers {status}"),
                "look at the log group of cart-page or account-link for the reason",
            ),
            Err(error) => return unreachable(url, &error, findings),
        }
    }
    let networks = storefront.map(|storefront| storefront.networks.as_slice()).unwrap_or_default();
    for network in networks {
        check_webhook(url, &format!("/webhooks/{}", network.id), findings).await;
    }
    match post_unsigned(url, NOBODYS_WEBHOOK).await {
        Ok(StatusCode::NOT_FOUND) => findings.fine("webhooks of no network of ours are not found"),
        // What every webhook answers then is told above.
        Ok(StatusCode::SERVICE_UNAVAILABLE) | Err(_) => {}
        Ok(status) => findings.wrong(
            format!("webhooks of no network of ours answer {status}"),
            "they must answer 404: check that the URL leads to webhook-ingest",
        ),
    }
}

async fn check_webhook(url: &Url, path: &str, findings: &mut Findings) {
    match post_unsigned(url, path).await {
        Ok(StatusCode::UNAUTHORIZED) => findings.fine(format!("{path} refuses what isn't signed")),
        Ok(StatusCode::SERVICE_UNAVAILABLE) => findings.wrong(
            format!("{path} is not ready: the function can't read its configuration or secrets"),
            "look at the log group of webhook-ingest for the reason",
        ),
        Ok(status) => findings.wrong(
            format!("{path} answers {status} to what isn't signed"),
            "it must answer 401: check that the URL leads to webhook-ingest, and that this storefront is in force",
        ),
        Err(error) => unreachable(url, &error, findings),
    }
}

fn unreachable(url: &Url, error: &anyhow::Error, findings: &mut Findings) {
    findings.wrong(
        format!("{url} can't be reached: {error:#}"),
        "check that the name leads to the API, that its certificate is valid, and that your network lets you out",
    );
}

/// Whether the networks' addresses answer at all, whatever they answer. From here: the functions stand
/// elsewhere.
pub(super) async fn check_networks(storefront: &Storefront, findings: &mut Findings) {
    for network in &storefront.networks {
        let (what, address) = match &network.kind {
            NetworkKind::Generic { callback_url, .. } => ("callback_url", callback_url),
            NetworkKind::X { api_url, .. } => ("api_url", api_url),
        };
        match head(address).await {
            Ok(_) => findings.fine(format!("the {what} of {} answers", network.id)),
            Err(error) => findings.wrong(
                format!("the {what} of {}, {address}, can't be reached from here: {error:#}", network.id),
                "check the address and the network's own state",
            ),
        }
    }
}

fn client() -> anyhow::Result<reqwest::Client> {
    crate::install_tls();
    let client = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).timeout(PATIENCE);
    client.build().context("no HTTP client can be made")
}

/// `path` below `base`, which may have a path of its own.
fn below(base: &Url, path: &str) -> anyhow::Result<Url> {
    Ok(Url::parse(&format!("{}{path}", base.as_str().trim_end_matches('/')))?)
}

/// The status that a page answers with.
///
/// # Errors
/// When nothing answers.
pub(super) async fn get(url: &Url, path: &str) -> anyhow::Result<StatusCode> {
    let answer = client()?.get(below(url, path)?).send().await;
    Ok(answer.map_err(reqwest::Error::without_url)?.status())
}

async fn post_unsigned(url: &Url, path: &str) -> anyhow::Result<StatusCode> {
    let request = client()?.post(below(url, path)?).header("content-type", "application/json").body("{}");
    Ok(request.send().await.map_err(reqwest::Error::without_url)?.status())
}

async fn head(url: &Url) -> anyhow::Result<StatusCode> {
    let answer = client()?.head(url.clone()).send().await;
    Ok(answer.map_err(reqwest::Error::without_url)?.status())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_stand_below_the_address() {
        let below = |base: &str| below(&Url::parse(base).unwrap(), "/cart").unwrap().to_string();
        assert_eq!(below("https://acme.example"), "https://acme.example/cart");
        assert_eq!(below("https://acme.example/shop/"), "https://acme.example/shop/cart");
    }
}
