//! `hashcart doctor`: looks for what is missing, and says how to mend it.

mod findings;
mod local;
mod reach;
mod stage;

use std::path::PathBuf;

use anyhow::bail;
use console::style;
use domain::storefront::Storefront;
use url::Url;

use crate::checkout::Checkout;
use crate::stage::StageArgs;
use crate::terminal::{counted, say};
use findings::Findings;

/// Finds out what is wrong with an installation: configuration, secrets, stack, mail, queues, reach.
#[derive(Clone, Debug, clap::Args)]
#[command(after_help = "Examples:
  hashcart doctor                                    looks at the local stack, running or not
  hashcart doctor --storefront shop/storefront.toml  checks a configuration before it is pushed
  hashcart doctor --stage prod                       what is deployed, with your credentials
  hashcart doctor --stage prod --json | jq '.findings[] | select(.state == \"wrong\")'

It changes nothing. It ends with status 1 if something is wrong; each finding says its remedy. It
doesn't see whether Lambda reads the queues, whether somebody gets the alarms, and whom SES
suppresses: look at those in the console.")]
pub struct Args {
    #[command(flatten)]
    stage: StageArgs,
    /// Where the installation is reached (default: what the stack says; for the stage `local` port 8787 of
    /// this machine).
    #[arg(long, value_name = "URL")]
    url: Option<Url>,
    /// The configuration to check (default: `storefront.toml` here, else the demonstration's).
    #[arg(long, value_name = "FILE")]
    storefront: Option<PathBuf>,
    /// The stack's name in CloudFormation (default: `hashcart-<stage>`).
    #[arg(long, value_name = "NAME")]
    stack: Option<String>,
    /// JSON instead of text.
    #[arg(long)]
    json: bool,
}

/// Looks at everything and says what it finds.
///
/// # Errors
/// When something is wrong, so that the exit status says it.
pub async fn run(args: Args) -> anyhow::Result<()> {
    let mut findings = Findings::new(args.json);
    findings.section("Configuration");
    let storefront = check_storefront(&args, &mut findings);
    if args.stage.is_local() {
        local::check(&args, storefront.as_ref(), &mut findings).await;
    } else {
        stage::check(&args, storefront.as_ref(), &mut findings).await;
    }
    let wrong = findings.wrong_ones();
    if args.json {
        say(findings.json(&args.stage.name)?);
    }
    match wrong {
        0 if args.json => Ok(()),
        0 => {
            say(format!("\n{}", style("Nothing is wrong.").green()));
            Ok(())
        }
        1 => bail!("one thing is wrong"),
        many => bail!("{many} things are wrong"),
    }
}

/// The storefront in the file; that there is none is wrong only for who named one or has pushed none.
fn check_storefront(args: &Args, findings: &mut Findings) -> Option<Storefront> {
    let here = PathBuf::from("storefront.toml");
    let file = match (&args.storefront, Checkout::find()) {
        (Some(file), _) => file.clone(),
        (None, _) if here.is_file() => here,
        (None, Ok(checkout)) if args.stage.is_local() => checkout.demo_storefront(),
        (None, _) => {
            findings.note("no storefront.toml here to compare with: name it with --storefront FILE");
            return None;
        }
    };
    let text = match std::fs::read_to_string(&file) {
        Ok(text) => text,
        Err(error) => {
            findings.wrong(
                format!("{} can't be read: {error}", file.display()),
                "name another one with --storefront",
            );
            return None;
        }
    };
    match Storefront::from_toml(&text, args.stage.is_local()) {
        Ok(storefront) => {
            let shops = counted(storefront.marketplaces.len(), "marketplace");
            let networks = counted(storefront.networks.len(), "network");
            findings.fine(format!("{}: {shops}, {networks}", file.display()));
            Some(storefront)
        }
        Err(errors) => {
            for problem in errors.problems() {
                findings.wrong(format!("{}: {problem}", file.display()), "mend that key");
            }
            None
        }
    }
}
