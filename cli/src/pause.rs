//! `hashcart pause` and `hashcart resume`: the switch of each network.

use anyhow::bail;
use domain::ids::NetworkId;
use store::settings::Pause;

use crate::stage::{StageArgs, stage_option};
use crate::terminal::say;

/// Pauses a network without a deploy. What waits, waits in its queue and is done after `resume`.
#[derive(Clone, Debug, clap::Args)]
#[command(after_help = "Examples:
  hashcart pause x --stage prod              nothing from X is read or answered
  hashcart pause x --replies --stage prod    carts are filled and mails sent, X sees no reply
  hashcart resume x --stage prod

Without --replies or --mails everything that comes from the network or goes to it is paused. What
is said last holds alone. The functions notice within a minute.")]
pub struct PauseArgs {
    /// The network.
    #[arg(value_name = "NETWORK")]
    network: String,
    /// Replies alone.
    #[arg(long)]
    replies: bool,
    /// Mails about its posts alone.
    #[arg(long)]
    mails: bool,
    #[command(flatten)]
    stage: StageArgs,
}

/// Lets a paused network run again.
#[derive(Clone, Debug, clap::Args)]
#[command(after_help = "Example:
  hashcart resume x --stage prod")]
pub struct ResumeArgs {
    /// The network.
    #[arg(value_name = "NETWORK")]
    network: String,
    #[command(flatten)]
    stage: StageArgs,
}

/// Pauses.
///
/// # Errors
/// When the stage can't be reached or its storefront has no such network.
pub async fn pause(args: PauseArgs) -> anyhow::Result<()> {
    let pause = Pause { all: !args.replies && !args.mails, reply: args.replies, mail: args.mails };
    set(&args.network, &args.stage, pause).await?;
    let rest = if pause.all { "" } else { "; all else of it runs" };
    say(format!(
        "{} is {} within a minute{rest}. `hashcart resume {0}{}` lets it run again.",
        args.network,
        in_words(pause),
        stage_option(&args.stage.name)
    ));
    Ok(())
}

/// What is paused, as in `x is …`.
pub(crate) fn in_words(pause: Pause) -> &'static str {
    match (pause.all, pause.reply, pause.mail) {
        (true, _, _) => "paused",
        (_, true, true) => "paused in its replies and mails",
        (_, true, _) => "paused in its replies",
        (_, _, true) => "paused in its mails",
        (false, false, false) => "not paused",
    }
}

/// Resumes.
///
/// # Errors
/// As [`pause`].
pub async fn resume(args: ResumeArgs) -> anyhow::Result<()> {
    set(&args.network, &args.stage, Pause::default()).await?;
    say(format!("{} runs again; what waited is done within a quarter of an hour.", args.network));
    Ok(())
}

async fn set(network: &str, stage: &StageArgs, pause: Pause) -> anyhow::Result<()> {
    let network = NetworkId::new(network);
    let settings = stage.settings().await?;
    let Some(current) = settings.current().await? else { bail!(stage.no_storefront()) };
    if current.value.network(&network).is_none() {
        let known: Vec<&str> = current.value.networks.iter().map(|network| network.id.as_str()).collect();
        bail!("the storefront has no network `{network}`, only {}", known.join(", "));
    }
    Ok(settings.pause(&network, pause).await?)
}
