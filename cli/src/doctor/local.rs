//! The stack on this machine: what it needs to start, and, where it runs, what every stage is asked.

use std::net::Ipv4Addr;
use std::path::Path;

use domain::storefront::Storefront;
use emulator::Venv;
use reqwest::StatusCode;
use tokio::net::TcpListener;
use url::Url;

use super::findings::Findings;
use super::{Args, reach, stage};
use crate::checkout::Checkout;
use crate::local::secrets as files;
use crate::stage::local_endpoint;

pub(super) async fn check(args: &Args, storefront: Option<&Storefront>, findings: &mut Findings) {
    findings.section("Local stack");
    let Ok(checkout) = Checkout::find() else {
        findings.note("this is no checkout: the local stack needs one");
        return;
    };
    check_python(checkout.root(), findings);
    check_secrets(args, &checkout, storefront, findings);
    let url = args.url.clone().or_else(|| Url::parse("http://localhost:8787").ok());
    if let Some(url) = &url
        && is_up(url, findings).await
    {
        reach::check(url, storefront, findings).await;
    }
    if args.stage.data().is_ok_and(|data| local_endpoint(&data).is_ok()) {
        stage::check_account(args, storefront, findings).await;
    }
}

fn check_python(root: &Path, findings: &mut Findings) {
    let venv = Venv::of_checkout(root);
    if venv.is_ready() {
        findings.fine("the AWS emulator is set up");
        return;
    }
    match Venv::suitable_python() {
        Ok(python) => findings.fine(format!("{python}; the AWS emulator is set up at the first start")),
        Err(error) => findings.wrong(error, "install Python 3.11 or newer with its venv module"),
    }
}

fn check_secrets(args: &Args, checkout: &Checkout, storefront: Option<&Storefront>, findings: &mut Findings) {
    let (Some(storefront), Ok(data)) = (storefront, args.stage.data()) else { return };
    if !data.is_dir() {
        findings.fine("secrets: made up at the first start");
        return;
    }
    match files::missing(storefront, checkout.root(), &data) {
        Ok(missing) if missing.is_empty() => findings.fine("secrets: all there"),
        Ok(missing) => findings.note(format!(
            "secrets not given: {}. The networks that need them aren't answered; `hashcart secrets set NAME` takes \
             them, or put them into .env",
            missing.join(", ")
        )),
        Err(error) => findings.wrong(format!("{error:#}"), "mend that line"),
    }
}

/// Whether a local stack answers there.
async fn is_up(url: &Url, findings: &mut Findings) -> bool {
    let port = url.port_or_known_default().unwrap_or(80);
    if TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await.is_ok() {
        findings.fine(format!("port {port} is free: `cargo run` starts the stack"));
        return false;
    }
    match reach::get(url, "/api/ready").await {
        Ok(StatusCode::OK) => {
            findings.fine(format!("a local stack is up at {url}"));
            true
        }
        Ok(StatusCode::SERVICE_UNAVAILABLE) => {
            findings.note(format!("a local stack is starting at {url}"));
            false
        }
        _ => {
            findings.wrong(
                format!("something else listens on port {port}"),
                "stop it, or start the stack with --port",
            );
            false
        }
    }
}
