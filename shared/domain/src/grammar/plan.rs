//! From a reading and what its links stand for to the command lines.

use crate::command::{Action, CommandLine};
use crate::outcome::{Candidate, Outcome};
use crate::product::ProductRef;

use super::{Ask, Reading, Request};

/// What a link stands for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LinkResolution {
    /// A product of the catalogue. Its marketplace may differ from the tag's: [`plan`] sees to that.
    Product(ProductRef),
    /// A link of one of our shops, but to no product of its catalogue.
    Unknown,
    /// No link of ours: a blog, a picture, another post.
    NotAProduct,
}

/// One link of the parent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ParentLink {
    /// What it stands for.
    pub resolution: LinkResolution,
    /// The product's title, for the choice when there are several; empty where there is no product.
    pub title: String,
}

/// What is known of the post that this one answers (or, answering none, quotes).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ParentLinks {
    /// The post answers none, or its own links made reading it needless.
    None,
    /// It answers one that can't be read.
    Unavailable,
    /// Its links in the order of its text.
    Links(Vec<ParentLink>),
}

/// The command lines of a post, numbered from 1 in the order of the text.
///
/// `own` holds what each of [`Reading::links`] stands for, in the same order. The parent is needed only
/// when [`Reading::needs_product`] and `own` holds nothing but [`LinkResolution::NotAProduct`].
///
/// - The post's own product links beat the parent's: each is a line of the tag that it belongs to, or,
///   where its product is sold by the marketplace of another tag of the post, of that one. Sold by
///   neither: `WrongMarketplace`.
/// - Else the parent's: one product is a line, several are a choice (`ChooseOption`), never a guess.
/// - The quantity 0 removes.
/// - A post with more links than the storefront takes gets `RateLimited` for the rest.
pub fn plan(reading: &Reading, own: &[LinkResolution], parent: &ParentLinks) -> Vec<CommandLine> {
    let mut lines = Lines::default();
    let own_products = own.iter().any(|resolution| *resolution != LinkResolution::NotAProduct);
    let planner = Planner { reading, own };
    let from_parent = if own_products { Vec::new() } else { planner.from_parent(parent) };
    for (index, request) in reading.requests.iter().enumerate() {
        match request.ask {
            Ask::Help => lines.push(request, Action::Help),
            Ask::Stop => lines.push(request, Action::Stop),
            Ask::Start => lines.push(request, Action::Start),
            Ask::Add | Ask::Remove | Ask::Wish | Ask::Unwish => {
                planner.from_links(index).into_iter().for_each(|action| lines.push(request, action));
                let mine = from_parent.iter().filter(|(of, _)| *of == index);
                mine.for_each(|(_, action)| lines.push(request, action.clone()));
            }
        }
    }
    if own_products
        && reading.over_limit
        && let Some(request) = reading.requests.first()
    {
        lines.push(request, Action::Refused { refusal: Outcome::RateLimited });
    }
    lines.0
}

#[derive(Default)]
struct Lines(Vec<CommandLine>);

impl Lines {
    /// Adds a line, unless an earlier one asks for the very same (a link and its short form).
    fn push(&mut self, request: &Request, action: Action) {
        if self.0.iter().any(|line| line.marketplace == request.marketplace && line.action == action) {
            return;
        }
        let line = u16::try_from(self.0.len() + 1).unwrap_or(u16::MAX);
        self.0.push(CommandLine { line, marketplace: request.marketplace.clone(), action });
    }
}

struct Planner<'a> {
    reading: &'a Reading,
    own: &'a [LinkResolution],
}

impl Planner<'_> {
    /// The lines of the post's own links that belong to the request at `index`.
    fn from_links(&self, index: usize) -> Vec<Action> {
        let links = self.reading.links.iter().zip(self.own);
        let actions = links.filter_map(|(link, resolution)| {
            let (of, outcome) = self.place(link.request, resolution)?;
            if of != index {
                return None;
            }
            let request = self.reading.requests.get(index)?;
            Some(match outcome {
                Ok(product) => act(request.ask, product, link.quantity, &link.options),
                Err(refusal) => Action::Refused { refusal },
            })
        });
        actions.collect()
    }

    /// The request that a link ends up with, and its product or why not. `None` for no link of ours.
    fn place<'r>(
        &self,
        positional: usize,
        resolution: &'r LinkResolution,
    ) -> Option<(usize, Result<&'r ProductRef, Outcome>)> {
        match resolution {
            LinkResolution::NotAProduct => None,
            LinkResolution::Unknown => Some((positional, Err(Outcome::UnknownProduct))),
            LinkResolution::Product(product) => {
                let sells = |index: &usize| {
                    let request = self.reading.requests.get(*index);
                    request.is_some_and(|request| {
                        request.ask.needs_product() && request.marketplace == product.marketplace
                    })
                };
                let others = 0..self.reading.requests.len();
                Some(match std::iter::once(positional).chain(others).find(sells) {
                    Some(index) => (index, Ok(product)),
                    None => {
                        (positional, Err(Outcome::WrongMarketplace { right: product.marketplace.clone() }))
                    }
                })
            }
        }
    }

    /// The lines of the parent's links, each with its request.
    fn from_parent(&self, parent: &ParentLinks) -> Vec<(usize, Action)> {
        let requests = self.reading.requests.iter().enumerate();
        let asking: Vec<(usize, &Request)> =
            requests.filter(|(_, request)| request.ask.needs_product()).collect();
        let Some((first, _)) = asking.first() else { return Vec::new() };
        let refused = |refusal| vec![(*first, Action::Refused { refusal })];
        let links = match parent {
            ParentLinks::None => return refused(Outcome::NoProductLink),
            ParentLinks::Unavailable => return refused(Outcome::ParentUnavailable),
            ParentLinks::Links(links) => links,
        };
        let products = candidates(links);
        let lines: Vec<(usize, Action)> = asking
            .iter()
            .filter_map(|(index, request)| Some((*index, choose(request, &products)?)))
            .collect();
        if !lines.is_empty() {
            lines
        } else if let Some(elsewhere) = products.first() {
            refused(Outcome::WrongMarketplace { right: elsewhere.product.marketplace.clone() })
        } else if links.iter().any(|link| link.resolution == LinkResolution::Unknown) {
            refused(Outcome::UnknownProduct)
        } else {
            refused(Outcome::NoProductLink)
        }
    }
}

/// The different products of the parent, in order.
fn candidates(links: &[ParentLink]) -> Vec<Candidate> {
    let mut products: Vec<Candidate> = Vec::new();
    for link in links {
        if let LinkResolution::Product(product) = &link.resolution
            && !products.iter().any(|other| other.product == *product)
        {
            products.push(Candidate {
                product: product.clone(),
                title: link.title.clone(),
                options: String::new(),
            });
        }
    }
    products
}

/// What a request makes of the parent's products; `None` when its marketplace sells none of them.
fn choose(request: &Request, products: &[Candidate]) -> Option<Action> {
    let sold: Vec<&Candidate> =
        products.iter().filter(|candidate| candidate.product.marketplace == request.marketplace).collect();
    Some(match sold.as_slice() {
        [] => return None,
        [one] => act(request.ask, &one.product, request.quantity, &request.options),
        several => Action::Refused {
            refusal: Outcome::ChooseOption { candidates: several.iter().map(|one| (*one).clone()).collect() },
        },
    })
}

fn act(ask: Ask, product: &ProductRef, quantity: Option<u32>, options: &[String]) -> Action {
    let (product, options) = (product.clone(), options.to_vec());
    match ask {
        Ask::Add if quantity != Some(0) => Action::Add { product, quantity, options },
        Ask::Wish => Action::Wish { product, options },
        Ask::Unwish => Action::Unwish { product },
        Ask::Add | Ask::Remove => Action::Remove { product, options },
        Ask::Help => Action::Help,
        Ask::Stop => Action::Stop,
        Ask::Start => Action::Start,
    }
}
