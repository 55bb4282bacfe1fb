//! `hashcart dlq`: what is stuck in the dead-letter queues, why, and on its way again.
//!
//! SQS's own redrive (`StartMessageMoveTask`) can't choose messages and doesn't carry on the attributes that
//! matter here, so messages are received, sent and only then deleted: whatever stops this command, a
//! message is in one of the two queues, at worst in both, which the functions take.

mod file;
mod hold;
mod letter;
mod render;
mod selection;
mod send;
mod work;

use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::time::Instant;

use anyhow::{Context as _, bail};
use domain::post::PostRef;
use domain::time::Timestamp;
use lambda::clock::Clock;

use crate::queues::{Queue, Queues};
use crate::signals::{INTERRUPTED, Interrupt};
use crate::stage::StageArgs;
use crate::terminal::{self, complain, counted, say};
use file::Saved;
use hold::{DeadLetters, Held};
use letter::Letter;
use selection::Selection;
use send::Sent;
use work::{Deed, Done, Work, bar};

/// Looks into the dead-letter queues: what is stuck, why; sends it on or takes it out.
#[derive(Clone, Debug, clap::Args)]
#[command(after_help = "Examples:
  hashcart dlq list --stage prod                        what is stuck, and why
  hashcart dlq list commands --stage prod               message by message
  hashcart dlq show commands 8f0c12ab --stage prod      one message, and what to do
  hashcart dlq redrive commands --all --dry-run --stage prod
  hashcart dlq redrive outcomes --reason throttled --rate 5 --stage prod

Looking changes nothing: what was looked at is visible again at once.")]
pub struct Args {
    #[command(subcommand)]
    action: Action,
}

#[derive(Clone, Debug, clap::Subcommand)]
enum Action {
    List(ListArgs),
    Show(ShowArgs),
    Redrive(RedriveArgs),
    Drop(DropArgs),
}

/// Says what is stuck: for all queues the reasons with their counts, for one queue each message.
#[derive(Clone, Debug, clap::Args)]
#[command(after_help = "Examples:
  hashcart dlq list                              the local stack that runs here
  hashcart dlq list outcomes --stage prod
  hashcart dlq list --stage prod --json          for programs

`lost in` says when SQS deletes the oldest message for its age.")]
struct ListArgs {
    /// One queue, message by message (default: all, in short).
    #[arg(value_name = "QUEUE")]
    queue: Option<Queue>,
    /// How many messages are shown, the oldest first.
    #[arg(long, value_name = "N", default_value_t = 50)]
    limit: usize,
    /// JSON instead of text.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    stage: StageArgs,
}

/// Shows one message: what it says, why it is here, what to do about it.
#[derive(Clone, Debug, clap::Args)]
#[command(after_help = "Examples:
  hashcart dlq show commands 8f0c12ab
  hashcart dlq show posts 8f0c12ab --text --stage prod

What a shopper wrote, and who it was, is personal data: it is shown with --text only.")]
struct ShowArgs {
    /// The queue.
    #[arg(value_name = "QUEUE")]
    queue: Queue,
    /// The message's id, or its beginning.
    #[arg(value_name = "ID")]
    id: String,
    /// Shows what persons wrote and are known by, too.
    #[arg(long)]
    text: bool,
    #[command(flatten)]
    stage: StageArgs,
}

/// Sends messages to the queue that they came from, as they were, and takes them out of the dead-letter
/// queue once that has accepted them.
#[derive(Clone, Debug, clap::Args)]
#[command(after_help = "Examples:
  hashcart dlq redrive commands --all --dry-run --stage prod    what would go
  hashcart dlq redrive commands --id 8f0c12ab --stage prod      one, to see whether it works now
  hashcart dlq redrive commands --all --rate 5 --yes --stage prod
  hashcart dlq redrive outcomes --kind exhausted --reason timeout
  hashcart dlq redrive --from-file hashcart-prod-posts-dead-20261122T031500Z.jsonl --stage prod

It may be interrupted and repeated at any time: nothing is lost. A crash at the wrong moment sends
a message twice, which changes no cart and tells nobody twice. Messages that can't be decoded would
come straight back and stay, unless named by --id or --undecodable. It ends with status 1 if a
message could not be sent, 130 if it was interrupted.")]
struct RedriveArgs {
    /// The queue.
    #[arg(value_name = "QUEUE", required_unless_present = "from_file")]
    queue: Option<Queue>,
    #[command(flatten)]
    selection: Selection,
    /// Says what would be sent, and sends nothing.
    #[arg(long)]
    dry_run: bool,
    /// How many messages a second at most.
    #[arg(long, value_name = "N", default_value_t = 20, value_parser = rate)]
    rate: u32,
    /// Sends what `drop` saved in this file (all of it, unless something is chosen).
    #[arg(long, value_name = "FILE")]
    from_file: Option<PathBuf>,
    /// Doesn't ask.
    #[arg(long, short)]
    yes: bool,
    #[command(flatten)]
    stage: StageArgs,
}

/// Takes messages out of a dead-letter queue, after writing them to a file from which they can be sent
/// again.
#[derive(Clone, Debug, clap::Args)]
#[command(after_help = "Examples:
  hashcart dlq drop posts --id 8f0c12ab --stage prod
  hashcart dlq drop posts --reason 'cannot be decoded' --dry-run --stage prod
  hashcart dlq drop posts --reason 'cannot be decoded' --save bad-posts.jsonl --yes --stage prod
  hashcart dlq redrive --from-file bad-posts.jsonl --stage prod       undoes it

The file holds what shoppers wrote: only you can read it; delete it when it has served.")]
struct DropArgs {
    /// The queue.
    #[arg(value_name = "QUEUE")]
    queue: Queue,
    #[command(flatten)]
    selection: Selection,
    /// Says what would be taken out, and takes nothing.
    #[arg(long)]
    dry_run: bool,
    /// Where to write the messages; one line of JSON each, added to what is there (default:
    /// hashcart-STAGE-QUEUE-dead-TIME.jsonl here).
    #[arg(long, value_name = "FILE")]
    save: Option<PathBuf>,
    /// Writes no file: the messages are lost for good.
    #[arg(long, conflicts_with_all = ["save", "all"])]
    no_save: bool,
    /// Doesn't ask.
    #[arg(long, short)]
    yes: bool,
    #[command(flatten)]
    stage: StageArgs,
}

/// A rate as in `20` or `20/s`.
fn rate(text: &str) -> Result<u32, String> {
    match text.trim_end_matches("/s").parse() {
        Ok(rate @ 1..=10_000) => Ok(rate),
        _ => Err("must be a number of messages a second from 1 to 10000".to_owned()),
    }
}

/// Looks, sends on or takes out.
///
/// # Errors
/// When the stage's queues can't be reached, the chosen messages aren't there, or some could not be sent or
/// taken out.
pub async fn run(args: Args) -> anyhow::Result<()> {
    let clock = Clock::system();
    match args.action {
        Action::List(args) => list(&args, clock.now()).await,
        Action::Show(args) => show(&args, clock.now()).await,
        Action::Redrive(args) => redrive(&args).await,
        Action::Drop(args) => drop_letters(&args, clock.now()).await,
    }
}

async fn list(args: &ListArgs, now: Timestamp) -> anyhow::Result<()> {
    let queues = Queues::of(&args.stage).await?;
    let interrupt = Interrupt::listen()?;
    if let Some(queue) = args.queue {
        let letters = DeadLetters::open(&queues, queue).await?;
        let held = look(&letters, &interrupt).await?;
        match args.json {
            true => say(format!("{:#}", render::list_json(&letters, &held))),
            false => render::list(&letters, &held, args.limit, now),
        }
        return ended(&interrupt);
    }
    let look_at = async |queue| {
        let letters = DeadLetters::open(&queues, queue).await?;
        let held = look(&letters, &interrupt).await?;
        anyhow::Ok(render::Overview::of(&letters, &held))
    };
    // Side by side, and each to its end: a failure must not leave another's messages hidden.
    let looked = futures::future::join_all(Queue::ALL.map(look_at)).await;
    let overviews = looked.into_iter().collect::<anyhow::Result<Vec<_>>>()?;
    if args.json {
        say(format!("{:#}", serde_json::json!({ "stage": queues.stage(), "queues": overviews })));
    } else {
        render::overview(queues.stage(), &overviews, now);
    }
    ended(&interrupt)
}

async fn show(args: &ShowArgs, now: Timestamp) -> anyhow::Result<()> {
    let selection = selection::one(&args.id)?;
    let letters = DeadLetters::open(&Queues::of(&args.stage).await?, args.queue).await?;
    let interrupt = Interrupt::listen()?;
    let held = letters.hold(&interrupt, |held| held.iter().any(|letter| letter.id == args.id)).await?;
    letters.give_back(&held.letters).await;
    let chosen = held.letters.iter().filter(|letter| selection.chooses(letter));
    match (selection.check_ids(chosen.clone()), held.is_complete) {
        (Err(error), false) => Err(error.context("not all messages could be looked at")),
        (checked, _) => checked,
    }?;
    chosen.for_each(|letter| render::show(&letters, letter, held.counts, args.text, now));
    ended(&interrupt)
}

/// A dead letter as other commands speak of it.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub(crate) struct DeadLetter {
    /// The queue that it comes from.
    pub(crate) queue: &'static str,
    /// SQS's id of the message.
    pub(crate) id: String,
    /// The function that gave it up.
    pub(crate) function: String,
    /// `permanent` or `exhausted`.
    pub(crate) kind: &'static str,
    /// Why.
    pub(crate) reason: String,
}

/// The dead letters about a post.
///
/// # Errors
/// When the stage's queues can't be reached.
pub(crate) async fn about(queues: &Queues, post: &PostRef) -> anyhow::Result<Vec<DeadLetter>> {
    let (interrupt, post) = (Interrupt::listen()?, post.to_string());
    let look_at = async |queue: Queue| {
        let letters = DeadLetters::open(queues, queue).await?;
        // What is empty needs no second look.
        if letters.counts().await?.total() == 0 {
            return anyhow::Ok(Vec::new());
        }
        let held = look(&letters, &interrupt).await?;
        let ours = held.letters.iter().filter(|letter| letter.post().as_ref() == Some(&post));
        let brief = |letter: &Letter| DeadLetter {
            queue: queue.name(),
            id: letter.id.clone(),
            function: letter.function(queue).to_owned(),
            kind: letter.kind().name(),
            reason: letter.reason().to_owned(),
        };
        Ok(ours.map(brief).collect())
    };
    // Reports of SES are about no post. Each to its end, so that nothing stays hidden.
    let about_posts = Queue::ALL.into_iter().filter(|queue| *queue != Queue::Feedback);
    let looked = futures::future::join_all(about_posts.map(look_at)).await;
    let found = looked.into_iter().collect::<anyhow::Result<Vec<_>>>()?;
    ended(&interrupt)?;
    Ok(found.into_iter().flatten().collect())
}

/// Receives everything and gives it back at once.
async fn look(letters: &DeadLetters, interrupt: &Interrupt) -> anyhow::Result<Held> {
    let held = letters.hold(interrupt, |_| false).await?;
    letters.give_back(&held.letters).await;
    Ok(held)
}

/// Ends the process where the command was interrupted, with the status that says it.
fn ended(interrupt: &Interrupt) -> anyhow::Result<()> {
    if interrupt.is_asked() {
        complain("Interrupted; everything that was looked at is visible again.");
        std::process::exit(INTERRUPTED);
    }
    Ok(())
}

// ---------------------------------------------------------------- redrive

async fn redrive(args: &RedriveArgs) -> anyhow::Result<()> {
    if let Some(file) = &args.from_file {
        return redrive_file(args, file).await;
    }
    let queue = args.queue.context("which queue?")?;
    args.selection.check()?;
    let queues = Queues::of(&args.stage).await?;
    let letters = DeadLetters::open(&queues, queue).await?;
    let to = queues.url(&queue.physical(queues.stage())).await?;
    let interrupt = Interrupt::listen()?;
    if args.dry_run || !args.yes || args.selection.is_by_id() {
        let preview = Preview::of(&letters, &args.selection, &interrupt, Selection::sends).await?;
        preview.tell(&letters, &format!("to {queue}"));
        let question = format!("Send them to {queue} of the stage {}?", queues.stage());
        if args.dry_run || preview.is_empty() || !(args.yes || confirmed(&question, &interrupt).await?) {
            return ended_dry(args.dry_run);
        }
    }
    let deed = Deed::Redrive { to: &to, rate: args.rate };
    let bar = bar("sending");
    let done = Work { letters: &letters, selection: &args.selection, deed, interrupt: &interrupt, bar }
        .run()
        .await?;
    tell(&done, &letters, "sent", &format!(" to {queue} of the stage {}", queues.stage())).await
}

async fn redrive_file(args: &RedriveArgs, file: &Path) -> anyhow::Result<()> {
    let saved = file::read(file, &args.stage.name, args.queue)?;
    let is_meant = |letter: &Letter| {
        args.selection.is_empty() && letter.is_readable()
            || !args.selection.is_empty() && args.selection.sends(letter)
    };
    let queues = Queues::of(&args.stage).await?;
    let interrupt = Interrupt::listen()?;
    let (mut sent, mut left, mut failed) = (0, 0, 0);
    for (queue, letters) in saved {
        let (meant, others): (Vec<_>, Vec<_>) = letters.into_iter().partition(is_meant);
        left += others.len();
        if args.dry_run || meant.is_empty() {
            say(format!("{} would be sent to {queue}.", counted(meant.len(), "message")));
            continue;
        }
        let question =
            format!("Send {} to {queue} of the stage {}?", counted(meant.len(), "message"), queues.stage());
        if !args.yes && !confirmed(&question, &interrupt).await? {
            left += meant.len();
            continue;
        }
        let to = queues.url(&queue.physical(queues.stage())).await?;
        let (accepted, refused) = send_saved(&queues, &to, meant, args.rate, &interrupt).await;
        say(format!("{} sent to {queue}.", counted(accepted, "message")));
        (sent, failed) = (sent + accepted, failed + refused);
    }
    if left > 0 {
        say(format!("{} of {} left out.", counted(left, "message"), file.display()));
    }
    if interrupt.is_asked() {
        let sent = counted(sent, "message");
        complain(format!("Interrupted after {sent}: repeat the command, doubles do no harm."));
        std::process::exit(INTERRUPTED);
    }
    if failed > 0 {
        bail!("{} could not be sent: repeat the command, doubles do no harm", counted(failed, "message"));
    }
    Ok(())
}

/// How many messages were accepted and how many refused.
async fn send_saved(
    queues: &Queues,
    to: &str,
    letters: Vec<Letter>,
    rate: u32,
    interrupt: &Interrupt,
) -> (usize, usize) {
    let (mut accepted, mut refused) = (0, 0);
    let bar = bar("sending");
    bar.set_length(u64::try_from(letters.len()).unwrap_or(0));
    for batch in letters.chunks(work::batch_size(rate)) {
        if interrupt.is_asked() {
            break;
        }
        let begun = Instant::now();
        for result in send::send(queues.sqs(), to, batch).await {
            match result {
                Sent::Accepted => accepted += 1,
                Sent::Failed(why) => {
                    refused += 1;
                    bar.suspend(|| complain(format!("a message was not sent: {why}")));
                }
            }
        }
        bar.inc(u64::try_from(batch.len()).unwrap_or(0));
        work::pace(rate, begun, batch.len(), interrupt).await;
    }
    bar.finish_and_clear();
    (accepted, refused)
}

// ---------------------------------------------------------------- drop

async fn drop_letters(args: &DropArgs, now: Timestamp) -> anyhow::Result<()> {
    args.selection.check()?;
    let queues = Queues::of(&args.stage).await?;
    let letters = DeadLetters::open(&queues, args.queue).await?;
    let interrupt = Interrupt::listen()?;
    let mut only = None;
    if args.dry_run || !args.yes || args.selection.is_by_id() {
        let preview = Preview::of(&letters, &args.selection, &interrupt, Selection::chooses).await?;
        preview.tell(&letters, "out of the dead-letter queue");
        let fate = if args.no_save {
            "They are not saved: they are lost for good."
        } else {
            "They are saved to a file first."
        };
        let question = format!("Take them out? {fate}");
        if args.dry_run || preview.is_empty() || !(args.yes || confirmed(&question, &interrupt).await?) {
            return ended_dry(args.dry_run);
        }
        only = Some(preview.ids());
    }
    let path = args.save.clone().unwrap_or_else(|| file::default_path(queues.stage(), args.queue, now));
    let saved = (!args.no_save).then(|| Saved::open(&path)).transpose()?;
    let deed = Deed::Drop { saved, only };
    let bar = bar("taking out");
    let done = Work { letters: &letters, selection: &args.selection, deed, interrupt: &interrupt, bar }
        .run()
        .await?;
    let place = match args.no_save {
        true => ", and not saved".to_owned(),
        false => format!(", and saved to {}", path.display()),
    };
    tell(&done, &letters, "taken out", &place).await
}

// ---------------------------------------------------------------- both

/// What a command is about to do.
struct Preview {
    held: Held,
    chosen: Vec<Letter>,
    unreadable: usize,
}

impl Preview {
    /// Looks at everything, gives it back, and keeps what `takes` chooses.
    async fn of(
        letters: &DeadLetters,
        selection: &Selection,
        interrupt: &Interrupt,
        takes: impl Fn(&Selection, &Letter) -> bool,
    ) -> anyhow::Result<Self> {
        let held = look(letters, interrupt).await?;
        ended(interrupt)?;
        selection.check_ids(held.letters.iter())?;
        let chosen: Vec<Letter> =
            held.letters.iter().filter(|letter| takes(selection, letter)).cloned().collect();
        let meant = held.letters.iter().filter(|letter| selection.chooses(letter)).count();
        Ok(Self { unreadable: meant - chosen.len(), held, chosen })
    }

    fn is_empty(&self) -> bool {
        self.chosen.is_empty()
    }

    fn ids(&self) -> HashSet<String> {
        self.chosen.iter().map(|letter| letter.id.clone()).collect()
    }

    fn tell(&self, of: &DeadLetters, whereto: &str) {
        let seen = render::seen(self.held.letters.len(), self.held.is_complete, self.held.counts.waiting);
        say(format!("{} chosen, to go {whereto}; {seen}.", counted(self.chosen.len(), "message")));
        render::reason_lines(&render::reasons(of, &self.chosen));
        if self.unreadable > 0 {
            say(format!(
                "  {} that can't be decoded left there: name them by --id or --undecodable",
                self.unreadable
            ));
        }
    }
}

/// Asks; an interrupt is a no.
async fn confirmed(question: &str, interrupt: &Interrupt) -> anyhow::Result<bool> {
    tokio::select! {
        answer = terminal::confirmed(question) => answer,
        () = interrupt.asked() => {
            complain("");
            // The thread that waits for the answer would keep the process alive.
            std::process::exit(INTERRUPTED)
        }
    }
}

fn ended_dry(dry_run: bool) -> anyhow::Result<()> {
    say(if dry_run { "Dry run: nothing was changed." } else { "Nothing was changed." });
    Ok(())
}

/// Says what came of it, and fails where messages stay that should not.
async fn tell(done: &Done, letters: &DeadLetters, verb: &str, place: &str) -> anyhow::Result<()> {
    say(format!("{} {verb}{place}.", counted(done.done, "message")));
    if done.doubled > 0 {
        complain(format!(
            "{} of them could not be deleted from the dead-letter queue: the next redrive sends them again, which does \
             no harm",
            done.doubled
        ));
    }
    if done.came_back > 0 {
        complain(format!(
            "{} dead again already, and left there: the cause is not mended yet",
            counted(done.came_back, "message")
        ));
    }
    for (why, count) in &done.failed {
        complain(format!("{} left there: {}", counted(*count, "message"), crate::table::plain(why)));
    }
    if let Some((seen, counted)) = done.unseen {
        complain(format!("Not everything could be looked at: {}.", render::seen(seen, false, counted)));
    }
    let left = letters.counts().await?;
    if left.total() > 0 {
        say(format!("Still in the dead-letter queue: about {}.", counted(left.total(), "message")));
    }
    if done.interrupted {
        complain("Interrupted: repeat the command to go on.");
        std::process::exit(INTERRUPTED);
    }
    match (done.failures(), done.doubled) {
        (0, 0) => Ok(()),
        (0, doubled) => bail!("{} {verb}, but still in the dead-letter queue", counted(doubled, "message")),
        (failures, _) => bail!("{} could not be {verb}", counted(failures, "message")),
    }
}
