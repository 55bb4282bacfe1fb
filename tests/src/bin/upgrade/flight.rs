//! Work that is under way while the stack is upgraded.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Context as _, ensure};
use aws_sdk_dynamodb::types::AttributeValue;
use aws_sdk_sqs::types::{MessageSystemAttributeName, QueueAttributeName};
use domain::cart::Item;
use domain::command::CommandKey;
use domain::ids::{NetworkId, PostId, UserId};
use domain::time::Timestamp;
use emulator::{Account, Deployment};
use serde_json::Value;
use store::carts::{CartRecord, Carts};
use store::links::Links;
use tests::form::{ask_to_link, open_link};
use tests::stack::{Stack, workspace};

use crate::earlier::{Earlier, Programs};

/// The local stack's name and its sender, as the command `hashcart` has them.
const STACK: &str = "hashcart-local";
const MAIL_FROM: &str = "cart@acme.example";
/// The playground's network.
const NETWORK: &str = "generic";
/// The marketplace whose products are asked for, and one of them.
const MARKETPLACE: &str = "us";
const PRODUCT: &str = "walnut-speaker";
/// The queues of a post's way, from its end, and as the template's outputs name them: a function is
/// taken off its queue before the ones in front of it are.
const QUEUES: [&str; 3] = ["OutcomesQueue", "CommandsQueue", "PostsQueue"];
/// How long all of it may take after the upgrade: two tries of what came while a claim was held.
const DONE_WITHIN: Duration = Duration::from_secs(180);
/// How long the claim is held that somebody won't finish: beyond the upgrade.
const LEASE: Duration = Duration::from_secs(60);

/// The deployments of the stack that an upgrade goes through.
pub(crate) struct Deployments {
    account: Account,
    public_url: String,
    scratch: PathBuf,
    old: (PathBuf, Programs),
    new: (PathBuf, Programs),
}

impl Deployments {
    pub(crate) fn of(stack: &Stack, earlier: &Earlier, old: Programs, new: Programs) -> anyhow::Result<Self> {
        let functions =
            |programs: Programs| programs.into_iter().filter(|(name, _)| name != "hashcart").collect();
        Ok(Self {
            account: stack.account()?,
            public_url: stack.url().to_owned(),
            scratch: stack.data().join("upgrade-template.yaml"),
            old: (earlier.tree.join("infra/template.yaml"), functions(old)),
            new: (workspace().join("infra/template.yaml"), functions(new)),
        })
    }

    /// The earlier version, with no function at these queues.
    async fn earlier_without(&self, queues: &[&str]) -> anyhow::Result<emulator::Stack> {
        self.deploy(&self.old, |queue| !queues.contains(&queue)).await
    }

    /// The present version.
    pub(crate) async fn present(&self) -> anyhow::Result<emulator::Stack> {
        self.deploy(&self.new, |_| true).await
    }

    async fn deploy(
        &self,
        (template, functions): &(PathBuf, Programs),
        is_open: impl Fn(&str) -> bool,
    ) -> anyhow::Result<emulator::Stack> {
        std::fs::write(&self.scratch, with_mappings(template, is_open)?)?;
        let deployment = Deployment::new(STACK)
            .template(&self.scratch)
            .parameter("PublicUrl", &self.public_url)
            .parameter("MailFrom", MAIL_FROM);
        let deployment =
            functions.iter().fold(deployment, |all, (name, program)| all.function(name, program));
        deployment.deploy(&self.account).await.with_context(|| format!("deploying {}", template.display()))
    }

    fn sqs(&self) -> aws_sdk_sqs::Client {
        aws_sdk_sqs::Client::new(&self.account.sdk_config())
    }

    fn dynamodb(&self) -> aws_sdk_dynamodb::Client {
        aws_sdk_dynamodb::Client::new(&self.account.sdk_config())
    }
}

/// The template with each queue's function on its queue or off it. (The emulator keeps what a mapping
/// was when the template doesn't say it any more, so both are said.)
fn with_mappings(template: &Path, is_open: impl Fn(&str) -> bool) -> anyhow::Result<String> {
    let text = std::fs::read_to_string(template)?;
    let mut found = 0;
    let mut edited = String::new();
    for line in text.lines() {
        edited.push_str(line);
        edited.push('\n');
        let queue = QUEUES.into_iter().find(|queue| line.trim() == format!("Queue: !GetAtt {queue}.Arn"));
        if let Some(queue) = queue {
            let indent = &line[..line.len() - line.trim_start().len()];
            edited.push_str(&format!("{indent}Enabled: {}\n", is_open(queue)));
            found += 1;
        }
    }
    ensure!(found == QUEUES.len(), "{} lacks the event of one of {QUEUES:?}", template.display());
    Ok(edited)
}

/// Somebody's post that asks for one product.
struct Asked {
    author: &'static str,
    post: String,
    quantity: u32,
    /// How many mails they had before.
    mails: usize,
}

/// What is under way.
pub(crate) struct Flight {
    done: Asked,
    parked: Asked,
    waiting: Vec<Asked>,
    tables: emulator::Stack,
}

impl Flight {
    /// Has work done, and leaves work on each queue and in the tables.
    pub(crate) async fn begin(stack: &Stack, deployments: &Deployments) -> anyhow::Result<Self> {
        let done = ask(stack, "alice", 2).await?;
        stack.replies(&done.post).await?;
        stack.next_mail(&email("alice"), done.mails).await?;
        let parked = ask(stack, "nora", 3).await?;
        stack.replies(&parked.post).await?;

        let tables = deployments.earlier_without(&QUEUES[..1]).await?;
        let claimed = ask(stack, "bob", 4).await?;
        claim(deployments, &tables, &claimed.post).await?;
        let told = ask(stack, "chloe", 5).await?;
        wait_for(deployments, &tables, "OutcomesQueue", 2).await?;
        deployments.earlier_without(&QUEUES[..2]).await?;
        let decided = ask(stack, "dieter", 2).await?;
        wait_for(deployments, &tables, "CommandsQueue", 1).await?;
        deployments.earlier_without(&QUEUES).await?;
        let read = ask(stack, "lucia", 3).await?;
        wait_for(deployments, &tables, "PostsQueue", 1).await?;
        for queue in QUEUES {
            double(deployments, &tables, queue).await?;
        }
        Ok(Self { done, parked, waiting: vec![claimed, told, decided, read], tables })
    }

    /// Waits until nothing is left to do, and looks at what came of it.
    pub(crate) async fn end(self, stack: &Stack, deployments: &Deployments) -> anyhow::Result<()> {
        wait_until_idle(deployments, &self.tables).await?;
        for asked in self.waiting.iter().chain([&self.done]) {
            once(stack, deployments, &self.tables, asked).await?;
        }

        let browser = reqwest::Client::builder().no_proxy().cookie_store(true).build()?;
        let link = ask_to_link(stack, &browser, self.parked.author, &email(self.parked.author)).await?;
        let (confirm, form) = open_link(&browser, &link).await?;
        let confirmed = browser.post(confirm).form(&form.fields).send().await?;
        ensure!(confirmed.status().is_success(), "confirming answers {}", confirmed.status());
        stack
            .eventually("what was parked before the upgrade", || async {
                let cart = cart_of(deployments, &self.tables, self.parked.author).await?;
                Ok(cart.filter(|cart| quantity(cart) == Some(self.parked.quantity)))
            })
            .await?;

        // What the earlier version wrote takes part in what the present one decides.
        let removed =
            stack.post(self.done.author, "@acme #AcmeCart remove", Some(&speaker(stack).await?)).await?;
        stack.replies(&removed).await?;
        let cart = cart_of(deployments, &self.tables, self.done.author).await?.context("the cart is gone")?;
        ensure!(quantity(&cart).is_none(), "removed after the upgrade, and still there: {cart:?}");
        wait_until_idle(deployments, &self.tables).await?;
        tests::items::kinds_of_stack(&deployments.account).await?;
        Ok(())
    }
}

/// The brand's post that shows the product.
async fn speaker(stack: &Stack) -> anyhow::Result<String> {
    stack.brand_post(PRODUCT).await
}

async fn ask(stack: &Stack, author: &'static str, quantity: u32) -> anyhow::Result<Asked> {
    let mails = stack.mails_now(&email(author)).await?.len();
    let post =
        stack.post(author, &format!("@acme #AcmeCart x{quantity}"), Some(&speaker(stack).await?)).await?;
    Ok(Asked { author, post, quantity, mails })
}

fn email(author: &str) -> String {
    format!("{author}@shopper.example")
}

/// One decision, the right cart, one reply, one mail.
async fn once(
    stack: &Stack,
    deployments: &Deployments,
    tables: &emulator::Stack,
    asked: &Asked,
) -> anyhow::Result<()> {
    let Asked { author, post, quantity: wanted, mails } = asked;
    let cart =
        cart_of(deployments, tables, author).await?.with_context(|| format!("{author} isn't linked"))?;
    ensure!(
        quantity(&cart) == Some(*wanted),
        "{author}'s cart has {:?} instead of {wanted}",
        quantity(&cart)
    );
    let key =
        CommandKey { network: NetworkId::new(NETWORK), post: PostId::new(post.as_str()), line: 1, step: 0 };
    ensure!(cart.entry(&key).is_some(), "{author}'s post has no decision");
    let replies = stack.replies_now(post).await?;
    ensure!(replies.len() == 1, "{author} has {} replies: {replies:?}", replies.len());
    let now = stack.mails_now(&email(author)).await?.len();
    ensure!(now == mails + 1, "{author} got {} mails instead of one", now - mails);
    Ok(())
}

/// How many of the product are in a cart.
fn quantity(cart: &CartRecord) -> Option<u32> {
    let cart = cart.cart();
    let ours = |item: &Item| item.marketplace.as_str() == MARKETPLACE && item.product.as_str() == PRODUCT;
    cart.in_cart().find(|line| ours(&line.item)).map(|line| line.quantity)
}

/// What the present version reads of somebody, `None` for who isn't linked.
async fn cart_of(
    deployments: &Deployments,
    tables: &emulator::Stack,
    author: &str,
) -> anyhow::Result<Option<CartRecord>> {
    let account = store::Account::new(NetworkId::new(NETWORK), UserId::new(author));
    let links = Links::new(deployments.dynamodb(), tables.output("LinksTable")?);
    let Some(link) = links.link(&account).await? else { return Ok(None) };
    let carts = Carts::new(deployments.dynamodb(), tables.output("CartsTable")?);
    Ok(Some(carts.read(&link.customer).await?))
}

/// Claims the notice of a post as one does who dies before the reply: the golden file of version 1, with
/// this post's key and this moment's lease.
async fn claim(deployments: &Deployments, tables: &emulator::Stack, post: &str) -> anyhow::Result<()> {
    let file = workspace().join("tests/fixtures/items/v1/deliveries.notice-claimed.json");
    let golden: Value = serde_json::from_str(&std::fs::read_to_string(&file)?)?;
    let mut item = tests::items::from_json(&golden)?;
    let now = Timestamp::from_millis(
        std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH)?.as_millis().try_into()?,
    );
    let number = |at: u64| AttributeValue::N(at.to_string());
    item.insert("pk".to_owned(), AttributeValue::S(format!("{NETWORK}#{post}")));
    item.insert("leased_until".to_owned(), number(now.plus(LEASE).as_millis()));
    item.insert("expires_at".to_owned(), number(now.plus(Duration::from_secs(90 * 24 * 3600)).as_seconds()));
    let table = tables.output("DeliveriesTable")?;
    deployments.dynamodb().put_item().table_name(table).set_item(Some(item)).send().await?;
    Ok(())
}

/// Puts a second message beside each that lies on a queue: what SQS delivers twice.
async fn double(deployments: &Deployments, tables: &emulator::Stack, queue: &str) -> anyhow::Result<()> {
    let (sqs, url) = (deployments.sqs(), tables.output(queue)?);
    let taken = sqs
        .receive_message()
        .queue_url(url)
        .max_number_of_messages(10)
        .visibility_timeout(60)
        .message_system_attribute_names(MessageSystemAttributeName::All)
        .send()
        .await?;
    ensure!(!taken.messages().is_empty(), "nothing lies on {queue}");
    for message in taken.messages() {
        let group = message.attributes().and_then(|all| all.get(&MessageSystemAttributeName::MessageGroupId));
        let copy = sqs.send_message().queue_url(url).set_message_body(message.body().map(str::to_owned));
        copy.set_message_group_id(group.cloned()).send().await?;
        let receipt = message.receipt_handle().unwrap_or_default();
        sqs.change_message_visibility()
            .queue_url(url)
            .receipt_handle(receipt)
            .visibility_timeout(0)
            .send()
            .await?;
    }
    Ok(())
}

async fn wait_for(
    deployments: &Deployments,
    tables: &emulator::Stack,
    queue: &str,
    messages: usize,
) -> anyhow::Result<()> {
    let deadline = Instant::now() + Duration::from_secs(30);
    loop {
        let there = depth(deployments, tables, queue).await?;
        if there == messages {
            return Ok(());
        }
        ensure!(Instant::now() < deadline, "{queue} holds {there} messages instead of {messages}");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

/// Waits until no queue holds anything, and finds the dead-letter queues empty.
async fn wait_until_idle(deployments: &Deployments, tables: &emulator::Stack) -> anyhow::Result<()> {
    let deadline = Instant::now() + DONE_WITHIN;
    loop {
        let mut left = Vec::new();
        for queue in QUEUES.into_iter().chain(["FeedbackQueue"]) {
            left.push((queue, depth(deployments, tables, queue).await?));
        }
        if left.iter().all(|(_, messages)| *messages == 0) {
            break;
        }
        ensure!(Instant::now() < deadline, "not done after {} s: {left:?}", DONE_WITHIN.as_secs());
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    for queue in ["PostsDeadLetters", "CommandsDeadLetters", "OutcomesDeadLetters", "FeedbackDeadLetters"] {
        let dead = depth(deployments, tables, queue).await?;
        ensure!(dead == 0, "{queue} holds {dead} messages");
    }
    Ok(())
}

/// How many messages a queue holds: visible, being worked on, and put off.
async fn depth(deployments: &Deployments, tables: &emulator::Stack, queue: &str) -> anyhow::Result<usize> {
    use QueueAttributeName::{
        ApproximateNumberOfMessages, ApproximateNumberOfMessagesDelayed,
        ApproximateNumberOfMessagesNotVisible,
    };
    let names = [
        ApproximateNumberOfMessages,
        ApproximateNumberOfMessagesDelayed,
        ApproximateNumberOfMessagesNotVisible,
    ];
    let request = deployments.sqs().get_queue_attributes().queue_url(tables.output(queue)?);
    let answer = request.set_attribute_names(Some(names.to_vec())).send().await?;
    let attributes = answer.attributes().context("attributes")?;
    let number = |name| attributes.get(name).and_then(|value| value.parse::<usize>().ok());
    Ok(names.iter().filter_map(number).sum())
}
