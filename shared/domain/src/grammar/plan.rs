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
    let from_parent = if own_products { Vec::new() } else { planner.lines_of_parent(parent) };
    for (index, request) in reading.requests.iter().enumerate() {
        match request.ask {
            Ask::Help => lines.push(request, Action::Help),
            Ask::Stop => lines.push(request, Action::Stop),
            Ask::Start => lines.push(request, Action::Start),
            Ask::Add | Ask::Remove | Ask::Wish | Ask::Unwish => {
                planner.lines_of_links(index).into_iter().for_each(|action| lines.push(request, action));
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
    fn lines_of_links(&self, index: usize) -> Vec<Action> {
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
    fn lines_of_parent(&self, parent: &ParentLinks) -> Vec<(usize, Action)> {
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

#[cfg(test)]
mod tests {
    use super::super::LinkRequest;
    use super::*;

    fn product(marketplace: &str, product: &str) -> ProductRef {
        ProductRef { marketplace: marketplace.into(), product: product.into(), variant: None }
    }

    fn found(marketplace: &str, id: &str) -> LinkResolution {
        LinkResolution::Product(product(marketplace, id))
    }

    fn request(marketplace: &str, ask: Ask) -> Request {
        Request { marketplace: marketplace.into(), ask, quantity: None, options: Vec::new() }
    }

    fn link(request: usize, quantity: Option<u32>) -> LinkRequest {
        LinkRequest {
            url: "https://acme.example/a".to_owned(),
            request,
            quantity,
            options: vec!["M".to_owned()],
        }
    }

    fn reading(requests: Vec<Request>, links: Vec<LinkRequest>) -> Reading {
        Reading { requests, links, over_limit: false }
    }

    fn parent(resolutions: &[LinkResolution]) -> ParentLinks {
        let link = |resolution: &LinkResolution| ParentLink {
            resolution: resolution.clone(),
            title: "Mug".to_owned(),
        };
        ParentLinks::Links(resolutions.iter().map(link).collect())
    }

    /// A line in short: `1 us Add a x2 [M]`.
    fn short(lines: &[CommandLine]) -> Vec<String> {
        let line = |line: &CommandLine| {
            let rest = match &line.action {
                Action::Add { product, quantity, options } => {
                    let quantity = quantity.map(|quantity| format!(" x{quantity}")).unwrap_or_default();
                    format!("Add {}{quantity} {options:?}", product.product)
                }
                Action::Remove { product, options } => format!("Remove {} {options:?}", product.product),
                Action::Wish { product, .. } => format!("Wish {}", product.product),
                Action::Unwish { product } => format!("Unwish {}", product.product),
                Action::Refused { refusal: Outcome::WrongMarketplace { right } } => {
                    format!("WrongMarketplace {right}")
                }
                Action::Refused { refusal: Outcome::ChooseOption { candidates } } => {
                    let products: Vec<&str> =
                        candidates.iter().map(|one| one.product.product.as_str()).collect();
                    format!("ChooseOption {}", products.join(" "))
                }
                Action::Refused { refusal } => refusal.name().to_owned(),
                other => format!("{other:?}"),
            };
            format!("{} {} {rest}", line.line, line.marketplace)
        };
        lines.iter().map(line).collect()
    }

    #[test]
    fn own_products_beat_the_parents() {
        let reading =
            reading(vec![request("us", Ask::Add)], vec![link(0, Some(2)), link(0, None), link(0, Some(0))]);
        let own = [found("us", "a"), LinkResolution::NotAProduct, found("us", "c")];
        assert_eq!(
            short(&plan(&reading, &own, &parent(&[found("us", "z")]))),
            ["1 us Add a x2 [\"M\"]", "2 us Remove c [\"M\"]"]
        );
    }

    #[test]
    fn links_go_to_the_tag_of_their_marketplace() {
        let reading = reading(
            vec![request("us", Ask::Add), request("uk", Ask::Wish)],
            vec![link(0, None), link(0, None)],
        );
        assert_eq!(
            short(&plan(&reading, &[found("uk", "a"), found("us", "b")], &ParentLinks::None)),
            ["1 us Add b [\"M\"]", "2 uk Wish a"]
        );
        assert_eq!(
            short(&plan(&reading, &[found("de", "a"), LinkResolution::Unknown], &ParentLinks::None)),
            ["1 us WrongMarketplace de", "2 us UnknownProduct"]
        );
    }

    #[test]
    fn the_same_product_twice_is_one_line() {
        let reading = reading(vec![request("us", Ask::Add)], vec![link(0, None), link(0, None)]);
        assert_eq!(
            short(&plan(&reading, &[found("us", "a"), found("us", "a")], &ParentLinks::None)),
            ["1 us Add a [\"M\"]"]
        );
    }

    #[test]
    fn the_parent_shows_one_several_or_nothing() {
        let add =
            reading(vec![Request { quantity: Some(3), ..request("us", Ask::Add) }], vec![link(0, None)]);
        let own = [LinkResolution::NotAProduct];
        for (parent, expected) in [
            (ParentLinks::None, "1 us NoProductLink"),
            (ParentLinks::Unavailable, "1 us ParentUnavailable"),
            (parent(&[]), "1 us NoProductLink"),
            (parent(&[LinkResolution::NotAProduct]), "1 us NoProductLink"),
            (parent(&[LinkResolution::NotAProduct, LinkResolution::Unknown]), "1 us UnknownProduct"),
            (parent(&[LinkResolution::Unknown, found("us", "a"), found("us", "a")]), "1 us Add a x3 []"),
            (parent(&[found("us", "a"), found("us", "b")]), "1 us ChooseOption a b"),
            (parent(&[found("uk", "a")]), "1 us WrongMarketplace uk"),
            (parent(&[found("uk", "a"), found("us", "b")]), "1 us Add b x3 []"),
        ] {
            assert_eq!(short(&plan(&add, &own, &parent)), [expected], "{parent:?}");
        }
    }

    #[test]
    fn several_tags_on_one_parent() {
        let both = reading(
            vec![request("us", Ask::Add), request("us", Ask::Wish), request("uk", Ask::Add)],
            Vec::new(),
        );
        assert_eq!(short(&plan(&both, &[], &parent(&[found("us", "a")]))), ["1 us Add a []", "2 us Wish a"]);
        assert_eq!(short(&plan(&both, &[], &ParentLinks::None)), ["1 us NoProductLink"]);
        let removes = reading(vec![request("us", Ask::Remove), request("us", Ask::Unwish)], Vec::new());
        assert_eq!(
            short(&plan(&removes, &[], &parent(&[found("us", "a")]))),
            ["1 us Remove a []", "2 us Unwish a"]
        );
    }

    #[test]
    fn words_without_a_product() {
        let reading = reading(
            vec![
                request("us", Ask::Help),
                request("us", Ask::Stop),
                request("uk", Ask::Start),
                request("us", Ask::Add),
            ],
            vec![link(3, None)],
        );
        let lines = plan(&reading, &[found("us", "a")], &ParentLinks::None);
        assert_eq!(short(&lines), ["1 us Help", "2 us Stop", "3 uk Start", "4 us Add a [\"M\"]"]);
        assert!(plan(&Reading::default(), &[], &ParentLinks::None).is_empty());
    }

    #[test]
    fn more_links_than_allowed_are_named() {
        let reading =
            Reading { over_limit: true, ..reading(vec![request("us", Ask::Add)], vec![link(0, None)]) };
        assert_eq!(
            short(&plan(&reading, &[found("us", "a")], &ParentLinks::None)),
            ["1 us Add a [\"M\"]", "2 us RateLimited"]
        );
        let nothing = plan(&reading, &[LinkResolution::NotAProduct], &ParentLinks::None);
        assert_eq!(short(&nothing), ["1 us NoProductLink"]);
    }
}
