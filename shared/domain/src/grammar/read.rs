//! Reading a post.

use crate::ids::MarketplaceId;
use crate::post::Post;

use super::command::{Command, Commands};
use super::quantity::{Quantity, quantities};
use super::tokens::{Kind, Token, tokens};
use super::words::Roles;
use super::{Ask, LinkRequest, Reading, Request, TagKind, TagSet};

/// How many words on each side of a tag or link may choose options: enough for any sentence, and a
/// bound for texts of thousands of words.
const OPTION_REACH: usize = 16;
/// The longest word that may choose an option, in bytes.
const OPTION_LENGTH: usize = 64;

impl TagSet {
    /// What the post asks for; empty when it isn't for us.
    pub fn read(&self, post: &Post) -> Reading {
        if !self.is_for_us(post) {
            return Reading::default();
        }
        let tokens = tokens(&post.text, &self.words, |tag| self.find(tag), &post.links);
        Reader { set: self, post, quantities: quantities(&tokens, &self.words), tokens: &tokens }.read()
    }

    /// The command that is all a text says, mentions aside: `@acme stop`.
    pub(super) fn lone_command(&self, text: &str) -> Option<Ask> {
        if self.words.surely_say_more(text) { None } else { self.lone_command_in_full(text) }
    }

    /// [`TagSet::lone_command`] without a glance first.
    pub(super) fn lone_command_in_full(&self, text: &str) -> Option<Ask> {
        let tokens = tokens(text, &self.words, |_| None, &[]);
        if tokens.iter().any(|token| matches!(token.kind, Kind::ForeignTag | Kind::Link(_))) {
            return None;
        }
        match Commands::new(&tokens, &[]).alone()? {
            Command::Remove => None,
            Command::Help => Some(Ask::Help),
            Command::Stop => Some(Ask::Stop),
            Command::Start => Some(Ask::Start),
        }
    }
}

struct Reader<'a> {
    set: &'a TagSet,
    post: &'a Post,
    tokens: &'a [Token<'a>],
    quantities: Vec<Quantity>,
}

/// A tag of ours in the text.
struct TagAt {
    /// Its token; the end of the text for a tag that only the network names.
    at: usize,
    marketplace: MarketplaceId,
    ask: Ask,
}

impl Reader<'_> {
    fn read(&self) -> Reading {
        let tags = self.tags();
        if tags.is_empty() {
            return self.lone();
        }
        let links =
            if tags.iter().any(|tag| tag.ask.needs_product()) { self.links(&tags) } else { Vec::new() };
        self.merged(&tags, links)
    }

    fn lone(&self) -> Reading {
        let request =
            |ask| Request { marketplace: self.set.first.clone(), ask, quantity: None, options: Vec::new() };
        Reading {
            requests: self.set.lone_command(&self.post.text).map(request).into_iter().collect(),
            ..Reading::default()
        }
    }

    /// Our tags with their commands: those in the text in order, then those that only the network names.
    fn tags(&self) -> Vec<TagAt> {
        let mut commands = Commands::new(self.tokens, &self.quantities);
        let in_text = self.tokens.iter().enumerate().filter_map(|(at, token)| match token.kind {
            Kind::Tag(tag) => Some((at, tag)),
            _ => None,
        });
        let in_text: Vec<(usize, usize)> = in_text.collect();
        let named = self.post.tags.iter().filter_map(|tag| self.set.find(tag));
        let mut elsewhere: Vec<usize> = Vec::new();
        for tag in named {
            if !elsewhere.contains(&tag) && !in_text.iter().any(|(_, other)| *other == tag) {
                elsewhere.push(tag);
            }
        }
        let alone = commands.alone();
        let mut tags: Vec<TagAt> =
            in_text.into_iter().filter_map(|(at, tag)| self.tag(at, tag, commands.next_to(at))).collect();
        tags.extend(elsewhere.into_iter().filter_map(|tag| self.tag(self.tokens.len(), tag, alone)));
        tags
    }

    fn tag(&self, at: usize, tag: usize, command: Option<Command>) -> Option<TagAt> {
        let tag = self.set.tags.get(tag)?;
        let ask = match (command, tag.kind) {
            (None, TagKind::Cart) => Ask::Add,
            (None, TagKind::Wish) => Ask::Wish,
            (Some(Command::Remove), TagKind::Cart) => Ask::Remove,
            (Some(Command::Remove), TagKind::Wish) => Ask::Unwish,
            (Some(Command::Help), _) => Ask::Help,
            (Some(Command::Stop), _) => Ask::Stop,
            (Some(Command::Start), _) => Ask::Start,
        };
        Some(TagAt { at, marketplace: tag.marketplace.clone(), ask })
    }

    /// The post's links with their words, each with the index of its tag.
    fn links(&self, tags: &[TagAt]) -> Vec<LinkRequest> {
        let mut places: Vec<(usize, usize)> = self
            .tokens
            .iter()
            .enumerate()
            .filter_map(|(at, token)| match token.kind {
                Kind::Link(Some(link)) => Some((at, link)),
                _ => None,
            })
            .collect();
        let anchors: Vec<usize> = places.iter().map(|(at, _)| *at).collect();
        let words = self.words_of(&anchors);
        for link in 0..self.post.links.len() {
            if !places.iter().any(|(_, placed)| *placed == link) {
                places.push((self.tokens.len(), link));
            }
        }
        let first = places.first().map_or(0, |(at, _)| *at);
        let mut words = words.into_iter();
        let mut requests = Vec::new();
        for (at, link) in places {
            let (quantity, options) = words.next().unwrap_or_default();
            let Some(url) = self.post.links.get(link) else { continue };
            requests.push(LinkRequest {
                url: url.clone(),
                request: tag_of(tags, first, at),
                quantity,
                options,
            });
        }
        once_each(requests)
    }

    /// The quantity and the option words that belong to each of some tags or links.
    ///
    /// One alone has all words. Of several each has the words behind it, the first also those in front
    /// of it; but when a quantity stands in front of the first one and none behind the last (`2x <link>
    /// 3x <link>`), each has the words in front of it.
    fn words_of(&self, anchors: &[usize]) -> Vec<(Option<u32>, Vec<String>)> {
        let (Some(first), Some(last)) = (anchors.first(), anchors.last()) else { return Vec::new() };
        let leading = self.quantities.iter().any(|quantity| quantity.start < *first)
            && !self.quantities.iter().any(|quantity| quantity.start > *last);
        let owner = |at: usize| {
            let behind = anchors.partition_point(|anchor| *anchor < at);
            if leading { behind.min(anchors.len() - 1) } else { behind.saturating_sub(1) }
        };
        anchors
            .iter()
            .enumerate()
            .map(|(index, anchor)| {
                (
                    self.quantity_near(*anchor, |at| owner(at) == index),
                    self.options_near(*anchor, |at| owner(at) == index),
                )
            })
            .collect()
    }

    /// The nearest of the quantities that are `ours`.
    fn quantity_near(&self, anchor: usize, ours: impl Fn(usize) -> bool) -> Option<u32> {
        let nearest = self
            .quantities
            .iter()
            .filter(|quantity| ours(quantity.start))
            .min_by_key(|quantity| quantity.start.abs_diff(anchor))?;
        Some(nearest.value)
    }

    /// The words on both sides that are `ours` and may choose an option, in the order of the text.
    fn options_near(&self, anchor: usize, ours: impl Fn(usize) -> bool) -> Vec<String> {
        let option = |at: &usize| ours(*at) && self.may_be_option(*at);
        let mut before: Vec<usize> =
            (0..anchor.min(self.tokens.len())).rev().filter(option).take(OPTION_REACH).collect();
        before.reverse();
        let behind = (anchor + 1..self.tokens.len()).filter(option).take(OPTION_REACH);
        before
            .into_iter()
            .chain(behind)
            .filter_map(|at| self.tokens.get(at))
            .map(|token| token.text.to_owned())
            .collect()
    }

    fn may_be_option(&self, at: usize) -> bool {
        const NEVER: Roles =
            Roles::NEGATION.and(Roles::FILLER).and(Roles::NOISE).and(Roles::LABEL).and(Roles::TAKE);
        let Some(token) = self.tokens.get(at) else { return false };
        token.word().is_some_and(|word| word.len() <= OPTION_LENGTH && !word.starts_with(['-', '−', '–']))
            && !token.roles().any(NEVER)
            && !token.roles().is_command()
            && !self.quantities.iter().any(|quantity| (quantity.start..quantity.end).contains(&at))
    }

    /// The requests of the tags, alike ones in one; the links with the places of their requests.
    fn merged(&self, tags: &[TagAt], mut links: Vec<LinkRequest>) -> Reading {
        let anchors: Vec<usize> = tags.iter().map(|tag| tag.at).collect();
        let used: Vec<bool> =
            (0..tags.len()).map(|tag| links.iter().any(|link| link.request == tag)).collect();
        let mut requests: Vec<Request> = Vec::new();
        let mut places = Vec::new();
        for ((tag, (quantity, options)), used) in tags.iter().zip(self.words_of(&anchors)).zip(used) {
            let same = |request: &Request| request.marketplace == tag.marketplace && request.ask == tag.ask;
            let commanded = |other: &TagAt| {
                other.marketplace == tag.marketplace && !matches!(other.ask, Ask::Add | Ask::Wish)
            };
            if let Some(place) = requests.iter().position(same) {
                if let Some(request) = requests.get_mut(place) {
                    request.quantity = request.quantity.or(quantity);
                    request.options.extend(options);
                }
                places.push(place);
            } else if !used && matches!(tag.ask, Ask::Add | Ask::Wish) && tags.iter().any(commanded) {
                // `remove #AcmeCart … #AcmeCart`: the bare tag only repeats the other.
                places.push(0);
            } else {
                places.push(requests.len());
                requests.push(Request {
                    marketplace: tag.marketplace.clone(),
                    ask: tag.ask,
                    quantity,
                    options,
                });
            }
        }
        for link in &mut links {
            link.request = places.get(link.request).copied().unwrap_or_default();
        }
        let limit = self.set.lines_per_post;
        let over_limit = links.len() > limit;
        links.truncate(limit);
        Reading { requests, links, over_limit }
    }
}

/// The tag of the link at `at`, among those that ask for a product: when a tag stands in front of the
/// first link, the last one in front of it; else the first one behind it.
fn tag_of(tags: &[TagAt], first_link: usize, at: usize) -> usize {
    let mut asking = tags.iter().enumerate().filter(|(_, tag)| tag.ask.needs_product());
    let leading = tags.iter().any(|tag| tag.ask.needs_product() && tag.at < first_link);
    let last = asking.clone().next_back();
    let found = if leading {
        asking.clone().rfind(|(_, tag)| tag.at < at).or_else(|| asking.next())
    } else {
        asking.find(|(_, tag)| tag.at > at).or(last)
    };
    found.map_or(0, |(index, _)| index)
}

/// The same link twice is one, unless words tell the two apart.
fn once_each(requests: Vec<LinkRequest>) -> Vec<LinkRequest> {
    let mut kept: Vec<LinkRequest> = Vec::with_capacity(requests.len());
    for request in requests {
        let bare = |request: &LinkRequest| request.quantity.is_none() && request.options.is_empty();
        match kept.iter_mut().find(|other| other.url == request.url && other.request == request.request) {
            Some(_) if bare(&request) => {}
            Some(other) if bare(other) => *other = request,
            Some(other) if *other == request => {}
            _ => kept.push(request),
        }
    }
    kept
}
