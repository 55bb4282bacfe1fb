//! `hashcart explain`: what Hashcart reads in posts, and why, without any network or AWS.

use std::collections::BTreeMap;
use std::io::{self, BufRead, BufReader, BufWriter, Read, Write};
use std::path::PathBuf;

use anyhow::Context as _;
use domain::command::{Action, CommandLine};
use domain::grammar::{LinkResolution, ParentLink, ParentLinks, Reading, TagSet, link_places, plan};
use domain::ids::{MarketplaceId, NetworkId, PostId, ProductId, UserId};
use domain::post::{Author, NetworkEvent, Post, PostHead, Related, Visibility};
use domain::product::ProductRef;
use domain::storefront::Storefront;
use domain::text::{self, CodePoints, Entity, Span};
use domain::time::Timestamp;
use networks::{AnyNetwork, Http, Network as _, NetworkSecrets, Reach};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use shops::links::{LinkRules, LinkTarget, ProductLink};

use crate::playground::now;

/// The storefront of the demonstration, read when no other one is given.
const DEMONSTRATION: &str = include_str!("../../demo/storefront.toml");

/// Says what Hashcart reads in posts, and why.
#[derive(Clone, Debug, clap::Args)]
#[command(after_help = "Examples:
  echo '{\"text\":\"@acme #AcmeCart x2 in red\"}' | hashcart explain
  hashcart explain --storefront storefront.toml < posts.jsonl
  hashcart explain --network x < webhook-bodies.jsonl | jq .decision

Reads JSON Lines: {\"text\": \"…\"}, or with --network one webhook body of that network a line.
Writes one JSON object a line: `tags` and `mentions` [{\"text\", \"start\", \"end\"}] and `links`
[{\"url\", \"start\", \"end\"}] with offsets in Unicode code points, `decision` (`command` or
`ignore`), `reason`, and `commands` as they would travel. There is no catalogue here: a product is
shown by its canonical link, one of the post that is answered as {\"of\": \"parent\"}. A line that
can't be read gives {\"error\", \"line\"}; the rest goes on.")]
pub struct Args {
    /// The network whose webhook bodies these are, by its id in the storefront.
    #[arg(long, value_name = "ID")]
    pub network: Option<String>,
    /// The storefront to read by (default: the demonstration's).
    #[arg(long, value_name = "FILE")]
    pub storefront: Option<PathBuf>,
}

/// Reads the standard input and writes to the standard output.
///
/// # Errors
/// When the storefront is not valid, has no such network, or the input can't be read.
pub async fn run(args: Args) -> anyhow::Result<()> {
    let explainer = Explainer::new(&args)?;
    match explainer.lines(io::stdin().lock(), io::stdout().lock()) {
        // Whoever read our output (`head`) has enough.
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        result => result.context("can't read the input or write the output"),
    }
}

struct Explainer {
    storefront: Storefront,
    /// Our accounts' handles, folded.
    handles: Vec<String>,
    tags: TagSet,
    links: LinkRules,
    network: Option<AnyNetwork>,
    received: Timestamp,
}

/// A line of the input.
#[derive(Deserialize)]
struct Line {
    text: String,
}

/// What is said of a line.
#[derive(Serialize)]
#[serde(untagged)]
enum Said<'t> {
    /// A text, or a body with one event.
    One(Explanation<'t>),
    /// A body with several.
    Many { events: Vec<Explanation<'t>> },
    /// Nothing: it can't be read.
    Unreadable { error: String, line: u64 },
}

/// A hashtag or mention, without its sign.
#[derive(Serialize)]
struct Named<'t> {
    text: &'t str,
    start: usize,
    end: usize,
}

/// A link as written.
#[derive(Serialize)]
struct Link<'t> {
    url: &'t str,
    /// Where it stands; nowhere when only the network names it.
    #[serde(skip_serializing_if = "Option::is_none")]
    start: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    end: Option<usize>,
    /// The address behind it, where the network gives another.
    #[serde(skip_serializing_if = "Option::is_none")]
    expanded: Option<&'t str>,
}

/// What is said of a post.
#[derive(Serialize)]
struct Explanation<'t> {
    #[serde(skip_serializing_if = "Option::is_none")]
    post: Option<String>,
    tags: Vec<Named<'t>>,
    links: Vec<Link<'t>>,
    mentions: Vec<Named<'t>>,
    decision: &'static str,
    reason: String,
    commands: Vec<Value>,
}

impl Explanation<'_> {
    /// What is said of an event that is no post.
    fn of_event(decision: &'static str, reason: String, commands: Vec<Value>) -> Self {
        let (tags, links, mentions) = (Vec::new(), Vec::new(), Vec::new());
        Self { post: None, tags, links, mentions, decision, reason, commands }
    }
}

impl Explainer {
    fn new(args: &Args) -> anyhow::Result<Self> {
        let storefront = match &args.storefront {
            Some(file) => {
                let name = file.display().to_string();
                let text = std::fs::read_to_string(file).with_context(|| format!("can't read {name}"))?;
                crate::storefront::parse(&name, &text)?
            }
            None => crate::storefront::parse("the demonstration's storefront", DEMONSTRATION)?,
        };
        let network = args.network.as_deref().map(|id| network(&storefront, id)).transpose()?;
        let (tags, links) = (TagSet::of(&storefront), LinkRules::new(&storefront));
        let handles = storefront.networks.iter().map(|network| text::fold(&network.bot_handle)).collect();
        Ok(Self { storefront, handles, tags, links, network, received: now() })
    }

    /// One object a line. What has been read is written as soon as no more input waits, so that a
    /// terminal or a program at the other end gets its answers at once.
    fn lines(&self, input: impl Read, output: impl Write) -> io::Result<()> {
        let mut input = BufReader::with_capacity(1 << 16, input);
        let mut output = BufWriter::with_capacity(1 << 16, output);
        let mut line = Vec::new();
        let mut number = 0_u64;
        while input.read_until(b'\n', &mut line)? > 0 {
            number += 1;
            let body = line.trim_ascii();
            if !body.is_empty() {
                self.line(body, number, &mut output)?;
            }
            line.clear();
            if input.buffer().is_empty() {
                output.flush()?;
            }
        }
        output.flush()
    }

    fn line(&self, body: &[u8], number: u64, output: &mut impl Write) -> io::Result<()> {
        let answer = match &self.network {
            Some(network) => self.body(network, body, number),
            None => self.text(body, number),
        }?;
        output.write_all(&answer)?;
        output.write_all(b"\n")
    }

    /// Explains `{"text": "…"}`.
    fn text(&self, body: &[u8], number: u64) -> io::Result<Vec<u8>> {
        let line: Line = match serde_json::from_slice(body) {
            Ok(line) => line,
            Err(error) => return unreadable(not_a_line(&error), number),
        };
        let found = Found::in_text(&line.text);
        json_of(&Said::One(self.post(&self.bare_post(&line.text, &found), &found, true)))
    }

    /// Explains a webhook's body.
    fn body(&self, network: &AnyNetwork, body: &[u8], number: u64) -> io::Result<Vec<u8>> {
        let events = match network.parse(body, self.received) {
            Ok(events) => events,
            Err(error) => return unreadable(error.to_string(), number),
        };
        let mut said: Vec<Explanation<'_>> = events.iter().map(|event| self.event(event)).collect();
        match (said.pop(), said.is_empty()) {
            (Some(only), true) => json_of(&Said::One(only)),
            (Some(last), false) => {
                said.push(last);
                json_of(&Said::Many { events: said })
            }
            (None, _) => {
                let reason = "the body holds no event".to_owned();
                json_of(&Said::One(Explanation::of_event("ignore", reason, Vec::new())))
            }
        }
    }

    fn event<'t>(&self, event: &'t NetworkEvent) -> Explanation<'t> {
        match event {
            NetworkEvent::Posted(post) => {
                let parent = post.parent.is_some() || post.quoted.is_some();
                let mut said = self.post(post, &Found::in_text(&post.text), parent);
                said.post = Some(post.head.post_ref().to_string());
                said
            }
            NetworkEvent::Deleted { post, .. } => {
                let reason = format!("{post} was deleted: what it asked for counts no more");
                let action = Action::Erase { post: post.clone() };
                Explanation::of_event("command", reason, serde_json::to_value(action).into_iter().collect())
            }
            NetworkEvent::Revoked { .. } => {
                let reason = "the shopper withdrew the app's access: the account is unlinked".to_owned();
                Explanation::of_event("command", reason, vec![json!({ "action": "Unlink" })])
            }
            NetworkEvent::Ignored(name) => {
                Explanation::of_event("ignore", format!("nothing is done about `{name}`"), Vec::new())
            }
        }
    }

    /// A post of which nothing but the text is known.
    fn bare_post(&self, text: &str, found: &Found<'_>) -> Post {
        let own = |entities: &[Entity<'_>]| entities.iter().map(|entity| entity.text.to_owned()).collect();
        let mentions_us = found.mentions.iter().any(|mention| {
            let is_named = |handle: &String| text::eq_folded(mention.text, handle);
            self.handles.iter().any(is_named)
        });
        Post {
            head: PostHead {
                network: NetworkId::new(""),
                bot: UserId::new(""),
                id: PostId::new(""),
                url: None,
                author: Author { id: UserId::new(""), handle: None },
                mentions_us,
                created_at: self.received,
                first_seen: self.received,
                lang: None,
                visibility: Visibility::Public,
            },
            text: text.to_owned(),
            tags: own(&found.tags),
            links: own(&found.links),
            parent: None,
            quoted: None,
        }
    }

    /// `parent` says whether the post answers (or quotes) another, or may do so for all we know.
    fn post<'t>(&self, post: &'t Post, found: &Found<'t>, parent: bool) -> Explanation<'t> {
        let mut places = Places(CodePoints::new(&post.text));
        let tags = found.tags.iter().map(|tag| places.named(tag)).collect();
        let links = links_of(post, found, &mut places);
        let mentions = found.mentions.iter().map(|mention| places.named(mention)).collect();
        let reading = self.tags.read(post);
        let (decision, reason) = match self.reason(post, found, &reading) {
            Some(reason) => ("command", reason),
            None => ("ignore", "carries none of the storefront's tags".to_owned()),
        };
        let commands = self.commands(post, &reading, parent);
        Explanation { post: None, tags, links, mentions, decision, reason, commands }
    }

    /// Why the post is for us; `None` when it isn't.
    fn reason(&self, post: &Post, found: &Found<'_>, reading: &Reading) -> Option<String> {
        if reading.requests.is_empty() {
            return None;
        }
        let tags = post.tags.iter().map(String::as_str).chain(found.tags.iter().map(|tag| tag.text));
        for tag in tags {
            for marketplace in &self.storefront.marketplaces {
                for (ours, what) in [(&marketplace.cart_tags, "cart"), (&marketplace.wish_tags, "wish")] {
                    if ours.iter().any(|ours| text::eq_folded(tag, &text::fold(ours))) {
                        return Some(format!(
                            "carries #{tag}, a {what} tag of the marketplace `{}`",
                            marketplace.id
                        ));
                    }
                }
            }
        }
        Some("mentions us and says nothing but a command".to_owned())
    }

    fn commands(&self, post: &Post, reading: &Reading, parent: bool) -> Vec<Value> {
        let mut products = Products::default();
        let own: Vec<LinkResolution> = reading
            .links
            .iter()
            .map(|link| products.of_link(&self.links, reading, &link.url, link.request))
            .collect();
        let parent = match parent_links(post) {
            Some(links) => {
                let link = |link: &String| ParentLink {
                    resolution: products.of_link(&self.links, reading, link, 0),
                    title: String::new(),
                };
                ParentLinks::Links(links.iter().map(link).collect())
            }
            None if parent => products.of_parent(reading),
            None => ParentLinks::None,
        };
        plan(reading, &own, &parent).iter().filter_map(|line| products.shown(line)).collect()
    }
}

/// What stands in a text.
struct Found<'t> {
    links: Vec<Entity<'t>>,
    tags: Vec<Entity<'t>>,
    mentions: Vec<Entity<'t>>,
}

impl<'t> Found<'t> {
    fn in_text(text: &'t str) -> Self {
        let links = text::links(text);
        Self { tags: text::hashtags_beside(text, &links), mentions: text::mentions(text), links }
    }
}

/// The links of the text, with the address behind where the network gives another; then those that only
/// the network names.
fn links_of<'t>(post: &'t Post, found: &Found<'t>, places: &mut Places<'_>) -> Vec<Link<'t>> {
    let placed = link_places(&found.links, &post.links);
    let mut links = Vec::new();
    for (link, place) in found.links.iter().zip(&placed) {
        let (start, end) = places.of(link.span);
        let expanded = place.and_then(|place| post.links.get(place)).map(String::as_str);
        let expanded = expanded.filter(|expanded| *expanded != link.text);
        links.push(Link { url: link.text, start: Some(start), end: Some(end), expanded });
    }
    let aside = post.links.iter().enumerate().filter(|(index, _)| !placed.contains(&Some(*index)));
    links.extend(aside.map(|(_, url)| Link { url, start: None, end: None, expanded: None }));
    links
}

/// The links of the post that this one answers, else of the one that it quotes, where they came along.
fn parent_links(post: &Post) -> Option<&Vec<String>> {
    match post.parent.as_ref().or(post.quoted.as_ref())? {
        Related::Inline(related) => Some(&related.links),
        Related::Ref(_) => None,
    }
}

/// The network of the storefront.
fn network(storefront: &Storefront, id: &str) -> anyhow::Result<AnyNetwork> {
    let ids: Vec<&str> = storefront.networks.iter().map(|network| network.id.as_str()).collect();
    let config = storefront
        .network(&NetworkId::new(id))
        .with_context(|| format!("the storefront has no network `{id}`; it has {}", ids.join(", ")))?;
    Ok(AnyNetwork::new(config.clone(), NetworkSecrets::default(), Http::new(Reach::Public, now)))
}

/// Says what is wrong with a line without quoting it.
fn not_a_line(error: &serde_json::Error) -> String {
    if error.is_data() {
        "not of the form {\"text\": \"…\"}".to_owned()
    } else {
        format!("not JSON (column {})", error.column())
    }
}

fn unreadable(error: String, line: u64) -> io::Result<Vec<u8>> {
    json_of(&Said::Unreadable { error, line })
}

fn json_of(said: &Said<'_>) -> io::Result<Vec<u8>> {
    Ok(serde_json::to_vec(said)?)
}

/// Offsets in code points.
struct Places<'t>(CodePoints<'t>);

impl Places<'_> {
    fn of(&mut self, span: Span) -> (usize, usize) {
        (self.0.at(span.start), self.0.at(span.end))
    }

    fn named<'t>(&mut self, entity: &Entity<'t>) -> Named<'t> {
        let (start, end) = self.of(entity.span);
        Named { text: entity.text, start, end }
    }
}

/// Products as far as links alone tell: without a catalogue, each link of a shop is taken for one.
#[derive(Default)]
struct Products(BTreeMap<ProductRef, Value>);

impl Products {
    fn of_link(&mut self, rules: &LinkRules, reading: &Reading, url: &str, request: usize) -> LinkResolution {
        match rules.read(url) {
            LinkTarget::NotOurs => LinkResolution::NotAProduct,
            LinkTarget::Product(link) => LinkResolution::Product(self.of_shop(link)),
            LinkTarget::ShortLink(short) => {
                let Some(request) = reading.requests.get(request) else { return LinkResolution::Unknown };
                let shown = json!({ "marketplace": request.marketplace, "short_link": short.as_str() });
                LinkResolution::Product(self.keep(request.marketplace.clone(), short.to_string(), shown))
            }
        }
    }

    fn of_shop(&mut self, link: ProductLink) -> ProductRef {
        let mut shown = json!({ "marketplace": link.marketplace, "link": link.url });
        if let Some(fields) = shown.as_object_mut() {
            fields.extend(link.id.map(|id| ("product".to_owned(), json!(id))));
            fields.extend(link.choice.as_ref().map(|choice| ("choice".to_owned(), json!(choice))));
            fields.extend(link.affiliate.map(|tag| ("affiliate".to_owned(), json!(tag))));
        }
        let key = format!("{} {}", link.url, link.choice.unwrap_or_default());
        self.keep(link.marketplace, key, shown)
    }

    /// A product of a parent that isn't known here: one in each marketplace that is asked.
    fn of_parent(&mut self, reading: &Reading) -> ParentLinks {
        let product = |marketplace: &MarketplaceId| {
            let shown = json!({ "marketplace": marketplace, "of": "parent" });
            let product = self.keep(marketplace.clone(), String::new(), shown);
            ParentLink { resolution: LinkResolution::Product(product), title: String::new() }
        };
        ParentLinks::Links(reading.marketplaces().map(product).collect())
    }

    fn keep(&mut self, marketplace: MarketplaceId, key: String, shown: Value) -> ProductRef {
        let product = ProductRef { marketplace, product: ProductId::new(key), variant: None };
        self.0.insert(product.clone(), shown);
        product
    }

    /// A line with its product as far as it is known.
    fn shown(&self, line: &CommandLine) -> Option<Value> {
        let mut value = serde_json::to_value(line).ok()?;
        if let Some(product) = line.action.product() {
            *value.get_mut("product")? = self.0.get(product)?.clone();
        }
        for candidate in
            value.pointer_mut("/refusal/candidates").and_then(Value::as_array_mut).into_iter().flatten()
        {
            let product = serde_json::from_value::<ProductRef>(candidate.get("product")?.clone()).ok()?;
            *candidate = self.0.get(&product)?.clone();
        }
        Some(value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn explain(network: Option<&str>, input: &str) -> Vec<Value> {
        let args = Args { network: network.map(str::to_owned), storefront: None };
        let mut output = Vec::new();
        Explainer::new(&args).unwrap().lines(input.as_bytes(), &mut output).unwrap();
        String::from_utf8(output).unwrap().lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    #[test]
    fn a_text_is_explained_with_offsets_in_code_points() {
        let text =
            "👨‍👩‍👧 é @acme ＃AcmeCart x2 red https://www.acme.example/p/mug?utm_source=x&variant=12&aff=bob";
        let said = &explain(None, &json!({ "text": text }).to_string())[0];
        assert_eq!(said["tags"], json!([{ "text": "AcmeCart", "start": 14, "end": 23 }]));
        assert_eq!(said["mentions"], json!([{ "text": "acme", "start": 8, "end": 13 }]));
        assert_eq!(said["links"][0]["start"], 31);
        assert_eq!(said["links"][0]["end"], text.chars().count());
        assert_eq!(said["decision"], "command");
        assert_eq!(said["reason"], "carries #AcmeCart, a cart tag of the marketplace `us`");
        assert_eq!(
            said["commands"],
            json!([{
                "line": 1,
                "marketplace": "us",
                "action": "Add",
                "product": {
                    "marketplace": "us",
                    "link": "https://acme.example/p/mug",
                    "choice": "variant=12",
                    "affiliate": "bob"
                },
                "quantity": 2,
                "options": ["é", "red"]
            }])
        );
    }

    #[test]
    fn what_is_not_for_us_is_ignored() {
        let said = &explain(None, r#"{"text":"nice #AcmeCarts x&#AcmeCart"}"#)[0];
        assert_eq!(said["decision"], "ignore");
        assert_eq!(said["commands"], json!([]));
        assert_eq!(said["tags"][0]["text"], "AcmeCarts");
    }

    #[test]
    fn the_parent_is_not_known_here() {
        let said = explain(None, "{\"text\":\"#AcmeCart #AcmeBasket\"}\n\n{\"text\":\"@acme stop\"}\n");
        assert_eq!(said.len(), 2);
        assert_eq!(said[0]["commands"][1]["product"], json!({ "marketplace": "uk", "of": "parent" }));
        assert_eq!(said[1]["commands"], json!([{ "line": 1, "marketplace": "us", "action": "Stop" }]));
        assert_eq!(said[1]["reason"], "mentions us and says nothing but a command");
    }

    #[test]
    fn a_bad_line_spoils_no_other() {
        let said =
            explain(None, "{\"text\":\"a\"}\nnot json\n{\"txt\":1}\n\u{FEFF}\n{\"text\":\"#AcmeCart\"}");
        assert_eq!(said[1], json!({ "error": "not JSON (column 2)", "line": 2 }));
        assert_eq!(said[2]["line"], 3);
        assert_eq!(said[3]["line"], 4);
        assert_eq!(said[4]["decision"], "command");
    }

    #[test]
    fn webhook_bodies_of_a_network() {
        let created = json!({
            "type": "post.created",
            "timestamp": "2026-11-21T10:00:00Z",
            "data": {
                "id": "10",
                "author": { "id": "alice", "handle": "alice" },
                "text": "@acme #AcmeCart x3",
                "created_at": "2026-11-21T10:00:00Z",
                "in_reply_to": { "id": "9", "links": ["https://acme.example/p/mug", "https://acme.example/p/cup"] }
            }
        });
        let said = explain(
            Some("generic"),
            &format!("{created}\n{{\"type\":\"poll.closed\",\"data\":{{}}}}\n{{\"type\":7}}"),
        );
        assert_eq!(said[0]["post"], "generic#10");
        assert_eq!(said[0]["commands"][0]["action"], "Refused");
        assert_eq!(said[0]["commands"][0]["refusal"]["candidates"][1]["link"], "https://acme.example/p/cup");
        assert_eq!(said[1]["decision"], "ignore");
        assert_eq!(said[2]["line"], 3);
        let unknown = Explainer::new(&Args { network: Some("fax".to_owned()), storefront: None });
        assert!(unknown.err().unwrap().to_string().contains("no network `fax`; it has generic, x"));
    }
}
