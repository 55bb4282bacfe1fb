//! What the forms of the cart change. Each is a command, decided at once by the code that decides
//! posts, and named by the form, so that a double click is one command.

use std::sync::Arc;

use axum::extract::State;
use axum::response::Response;
use domain::cart::Item;
use domain::command::{Action, CommandKey, CommandLine, PostCommands, Shopper};
use domain::ids::{CustomerId, MarketplaceId, NetworkId, UserId};
use domain::outcome::Outcome;
use domain::post::{Author, PostHead, Visibility};
use domain::product::ProductRef;
use store::carts::CartRecord;
use store::decider::Circumstances;
use ulid::Ulid;
use web::{Failure, Fields, Form, Visit};

use crate::App;
use crate::model::open_choices;

/// `POST /cart/edit`: sets a quantity, removes, moves between cart and wish list.
pub(crate) async fn edit(State(app): State<Arc<App>>, form: Form) -> Result<Response, Failure> {
    let Form { visit, fields } = form;
    let customer = app.customer_id(&visit).await?;
    let edit = fields.need("edit")?;
    Ulid::from_string(edit).map_err(|_| Failure::BadRequest("edit"))?;
    let item: Item = serde_json::from_str(fields.need("item")?).map_err(|_| Failure::BadRequest("item"))?;
    let lines = lines(&fields, &item)?;
    let commands = PostCommands::page_edit(edit, customer.clone(), visit.now, lines);
    let outcome = app.decide(&visit, &customer, &commands).await?;
    Ok(visit.lead_on(&back(outcome.as_ref())))
}

/// The commands behind a button.
fn lines(fields: &Fields, item: &Item) -> Result<Vec<CommandLine>, Failure> {
    let product = ProductRef {
        marketplace: item.marketplace.clone(),
        product: item.product.clone(),
        variant: Some(item.variant.clone()),
    };
    let remove = || Action::Remove { product: product.clone(), options: Vec::new() };
    let add = |quantity| Action::Add { product: product.clone(), quantity, options: Vec::new() };
    let unwish = || Action::Unwish { product: product.clone() };
    let actions = match fields.need("do")? {
        "set" => match wanted_quantity(fields)? {
            0 => vec![remove()],
            quantity => vec![add(Some(quantity))],
        },
        "remove" => vec![remove()],
        "wish" => vec![Action::Wish { product: product.clone(), options: Vec::new() }, remove()],
        "cart" => vec![add(None), unwish()],
        "unwish" => vec![unwish()],
        _ => return Err(Failure::BadRequest("do")),
    };
    Ok(numbered(&item.marketplace, actions))
}

fn numbered(marketplace: &MarketplaceId, actions: Vec<Action>) -> Vec<CommandLine> {
    let line = |(line, action)| CommandLine { line, marketplace: marketplace.clone(), action };
    (1..).zip(actions).map(line).collect()
}

/// The number in the field, and one more or less by the buttons beside it.
fn wanted_quantity(fields: &Fields) -> Result<u32, Failure> {
    let written: u32 =
        fields.need("quantity")?.trim().parse().map_err(|_| Failure::BadRequest("quantity"))?;
    Ok(match fields.get("by") {
        None => written,
        Some("1") => written.saturating_add(1),
        Some("-1") => written.saturating_sub(1),
        Some(_) => return Err(Failure::BadRequest("by")),
    })
}

/// `POST /cart/choose`: answers a question that a post left open, as a further step of that post, or
/// drops it.
pub(crate) async fn choose(State(app): State<Arc<App>>, form: Form) -> Result<Response, Failure> {
    let Form { mut visit, fields } = form;
    let record = app.customer(&mut visit).await?;
    let key = CommandKey::parse(fields.need("key")?).ok_or(Failure::BadRequest("key"))?;
    // A question that was answered meanwhile: the cart shows how.
    let Some(commands) = answer(&visit, &record, &key, &fields)? else {
        return Ok(visit.lead_on("/cart"));
    };
    let outcome = app.decide(&visit, &record.customer, &commands).await?;
    Ok(visit.lead_on(&back(outcome.as_ref())))
}

fn answer(
    visit: &Visit,
    record: &CartRecord,
    key: &CommandKey,
    fields: &Fields,
) -> Result<Option<PostCommands>, Failure> {
    let open = open_choices(record, visit.now);
    let Some((entry, candidates)) = open.into_iter().find(|(entry, _)| entry.key == *key) else {
        return Ok(None);
    };
    let action = if fields.get("dismiss").is_some() {
        Action::Refused { refusal: Outcome::Superseded }
    } else {
        let chosen: ProductRef =
            serde_json::from_str(fields.need("candidate")?).map_err(|_| Failure::BadRequest("candidate"))?;
        if !candidates.iter().any(|candidate| candidate.product == chosen) {
            return Err(Failure::BadRequest("candidate"));
        }
        match fields.get("do") {
            Some("wish") => Action::Wish { product: chosen, options: Vec::new() },
            _ => Action::Add { product: chosen, quantity: None, options: Vec::new() },
        }
    };
    let marketplace = action.product().map_or(&entry.told.marketplace, |product| &product.marketplace);
    let line = CommandLine { line: key.line, marketplace: marketplace.clone(), action };
    Ok(Some(PostCommands {
        post: head(visit, record, key, entry.stamp.as_of()),
        shopper: Shopper::Customer(record.customer.clone()),
        as_of: entry.stamp.as_of(),
        step: key.step.saturating_add(1),
        source: entry.source.clone(),
        lines: vec![line],
    }))
}

/// As much of the post's head as is known of it here: its name, and whose it was.
fn head(visit: &Visit, record: &CartRecord, key: &CommandKey, as_of: domain::time::Timestamp) -> PostHead {
    let author = record.accounts.iter().find(|linked| linked.account.network == key.network);
    let bot = visit.storefront.network(&key.network).map(|network| network.bot_id.clone());
    PostHead {
        network: key.network.clone(),
        bot: bot.unwrap_or_else(|| UserId::new("")),
        id: key.post.clone(),
        url: None,
        author: Author {
            id: author.map_or_else(|| UserId::new(record.customer.as_str()), |a| a.account.user.clone()),
            handle: None,
        },
        mentions_us: false,
        created_at: as_of,
        first_seen: as_of,
        lang: None,
        visibility: Visibility::Direct,
    }
}

impl App {
    /// Decides commands of the page; the outcome of the first line is what the shopper is told.
    async fn decide(
        &self,
        visit: &Visit,
        customer: &CustomerId,
        commands: &PostCommands,
    ) -> Result<Option<Outcome>, Failure> {
        let circumstances =
            Circumstances { now: visit.now, limits: &visit.storefront.limits, blocked: false };
        let decision = self.decider.decide(customer, commands, circumstances).await;
        // Their data was deleted since they signed in, in another window.
        let decision = decision.map_err(Failure::unavailable)?.ok_or(Failure::SignedOut)?;
        for line in &decision.outcomes.lines {
            let (post, outcome) = (commands.post.post_ref().to_string(), line.outcome.name());
            tracing::info!(post, line = line.line, outcome, "decided a command of the page");
            lambda::metrics::DECIDED.add([NetworkId::PAGE, outcome], &[("post", &post)]);
        }
        Ok(decision.outcomes.lines.into_iter().next().map(|line| line.outcome))
    }
}

/// The cart with what the shopper is told about the edit.
fn back(outcome: Option<&Outcome>) -> String {
    match outcome {
        Some(Outcome::QuantityCapped { got, .. }) => format!("/cart?told=QuantityCapped&got={got}"),
        Some(outcome) => format!("/cart?told={}", outcome.name()),
        None => "/cart".to_owned(),
    }
}

/// What the shopper is told about an edit.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Told {
    /// The sentence.
    pub(crate) text: String,
    /// Whether it was refused.
    pub(crate) alarm: bool,
}

/// Reads what [`back`] wrote. The query only chooses among our own sentences.
pub(crate) fn told(visit: &Visit) -> Option<Told> {
    let (key, alarm) = match visit.query.get("told")? {
        "Added" => ("page-told-Added", false),
        "QuantityChanged" => ("page-told-QuantityChanged", false),
        "AlreadyInCart" => ("page-told-AlreadyInCart", false),
        "Preordered" => ("page-told-Preordered", false),
        "Removed" => ("page-told-Removed", false),
        "NotInCart" => ("page-told-NotInCart", false),
        "Wished" => ("page-told-Wished", false),
        "Superseded" => ("page-told-Superseded", false),
        "ChooseOption" => ("page-told-ChooseOption", false),
        "QuantityCapped" => ("page-told-QuantityCapped", false),
        "OutOfStock" => ("page-told-OutOfStock", true),
        "DealExcluded" => ("page-told-DealExcluded", true),
        "DigitalExcluded" => ("page-told-DigitalExcluded", true),
        "Restricted" => ("page-told-Restricted", true),
        "WrongMarketplace" => ("page-told-WrongMarketplace", true),
        "UnknownProduct" => ("page-told-UnknownProduct", true),
        "CartFull" => ("page-told-CartFull", true),
        "TooOld" => ("page-told-TooOld", true),
        "RateLimited" => ("page-told-RateLimited", true),
        "Blocked" => ("page-told-Blocked", true),
        _ => return None,
    };
    let got: u64 = visit.query.get("got").and_then(|got| got.parse().ok()).unwrap_or_default();
    Some(Told { text: visit.words.tn(key, "got", got), alarm })
}
