//! The frame of every page, and the few kinds of page that need nothing but words.

use askama::Template;
use axum::response::{Html, IntoResponse as _, Response};
use http::{Method, StatusCode};
use url::Url;

use crate::failure::Failure;
use crate::fields::Fields;
use crate::headers::{Allowed, STYLE, protect};
use crate::site::Visit;
use crate::words::{Words, own_name};
use messages::Language;

/// A place that the navigation names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// The cart.
    Cart,
    /// The settings.
    Settings,
    /// How it works.
    How,
    /// The sign-in.
    SignIn,
}

/// A way on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Way {
    /// Where to.
    pub href: String,
    /// What it is called.
    pub label: String,
}

impl Way {
    /// A way to `href` called `label`.
    pub fn new(href: impl Into<String>, label: impl Into<String>) -> Self {
        Self { href: href.into(), label: label.into() }
    }
}

/// An account on a network, as pages show it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Who {
    /// `@handle`, else the account's id.
    pub name: String,
    /// The network's name.
    pub place: String,
}

struct NavItem {
    href: &'static str,
    label: String,
    current: bool,
}

struct LanguageLink {
    href: String,
    tag: &'static str,
    name: &'static str,
    current: bool,
}

struct Frame<'a> {
    words: &'a Words,
    brand: &'a str,
    home: &'static str,
    nav: Vec<NavItem>,
    support: Option<Way>,
    postal_address: Option<&'a str>,
    languages: Vec<LanguageLink>,
    listed: bool,
}

#[derive(Template)]
#[template(path = "layout.html")]
struct Layout<'a> {
    f: Frame<'a>,
    title: &'a str,
    css: &'static str,
    content: &'a str,
}

#[derive(Template)]
#[template(path = "bare.html")]
struct Bare<'a> {
    language: &'static str,
    title: &'a str,
    lead: &'a str,
    css: &'static str,
}

/// A page for when not even the brand is known.
pub(crate) fn bare(words: Words, status: StatusCode, title: &str, lead: &str) -> Response {
    let page = Bare { language: words.language().code(), title, lead, css: STYLE };
    (status, Html(page.render().unwrap_or_else(|_| title.to_owned()))).into_response()
}

/// A page in the making.
#[derive(Debug)]
pub struct Page<'v> {
    visit: &'v Visit,
    title: String,
    status: StatusCode,
    place: Option<Place>,
    listed: bool,
    form_targets: Vec<Url>,
}

impl Visit {
    /// A page of this title.
    pub fn page(&self, title: impl Into<String>) -> Page<'_> {
        Page {
            visit: self,
            title: title.into(),
            status: StatusCode::OK,
            place: None,
            listed: false,
            form_targets: Vec::new(),
        }
    }
}

impl Page<'_> {
    /// With another status than 200.
    #[must_use]
    pub fn status(self, status: StatusCode) -> Self {
        Self { status, ..self }
    }

    /// At this place of the navigation.
    #[must_use]
    pub fn at(self, place: Place) -> Self {
        Self { place: Some(place), ..self }
    }

    /// A page that search engines may list.
    #[must_use]
    pub fn listed(self) -> Self {
        Self { listed: true, ..self }
    }

    /// Whose forms may lead to these other sites.
    #[must_use]
    pub fn leading_to(self, form_targets: Vec<Url>) -> Self {
        Self { form_targets, ..self }
    }

    /// The page around `content`.
    ///
    /// # Errors
    /// When a template can't be rendered: never for what a shopper sends.
    pub fn show(self, content: &impl Template) -> Result<Response, Failure> {
        let content = content.render().map_err(Failure::unavailable)?;
        let layout = Layout { f: self.frame(), title: &self.title, css: STYLE, content: &content };
        let html = layout.render().map_err(Failure::unavailable)?;
        let mut response = (self.status, Html(html)).into_response();
        let allowed = Allowed { plain_http: self.visit.site.is_local(), form_targets: self.form_targets };
        protect(response.headers_mut(), &allowed);
        Ok(self.visit.finish(response))
    }

    fn frame(&self) -> Frame<'_> {
        let visit = self.visit;
        let item =
            |place, href, id| NavItem { href, label: visit.words.t(id), current: self.place == Some(place) };
        let how = item(Place::How, "/link", "page-nav-how");
        let signed_in = visit.seems_signed_in();
        let nav = if signed_in {
            vec![
                item(Place::Cart, "/cart", "page-nav-cart"),
                item(Place::Settings, "/cart/settings", "page-nav-settings"),
                how,
            ]
        } else {
            vec![how, item(Place::SignIn, "/cart/sign-in", "page-nav-sign-in")]
        };
        Frame {
            words: &visit.words,
            brand: &visit.storefront.brand,
            home: if signed_in { "/cart" } else { "/link" },
            nav,
            support: visit.storefront.support.as_deref().map(support),
            postal_address: visit.storefront.postal_address.as_deref(),
            languages: self.languages(),
            listed: self.listed,
        }
    }

    /// The same page in each language. Only for pages that a GET shows: the others can't be asked
    /// for again.
    fn languages(&self) -> Vec<LanguageLink> {
        let visit = self.visit;
        if visit.method != Method::GET {
            return Vec::new();
        }
        let link = |language: Language| LanguageLink {
            href: with_language(visit.uri.path(), &visit.query, language.code()),
            tag: language.code(),
            name: own_name(language),
            current: language == visit.words.language(),
        };
        Language::ALL.into_iter().map(link).collect()
    }
}

fn with_language(path: &str, query: &Fields, lang: &str) -> String {
    let mut out = url::form_urlencoded::Serializer::new(String::new());
    for (name, value) in query.iter().filter(|(name, _)| *name != "lang" && *name != "told") {
        out.append_pair(name, value);
    }
    format!("{path}?{}", out.append_pair("lang", lang).finish())
}

/// A support address as a link: mail or web, else plain text that leads nowhere new.
fn support(text: &str) -> Way {
    let href = if text.starts_with("https://") || text.starts_with("mailto:") {
        text.to_owned()
    } else {
        format!("mailto:{text}")
    };
    Way::new(href, text.trim_start_matches("mailto:").trim_start_matches("https://"))
}

/// A page that says something and shows ways on.
#[derive(Debug, Template)]
#[template(path = "notice.html")]
pub struct Notice {
    /// The heading.
    pub title: String,
    /// What it is about.
    pub lead: String,
    /// Further paragraphs.
    pub more: Vec<String>,
    /// Ways on, the likeliest first.
    pub actions: Vec<Way>,
}

/// A page that does something only when its one button is pressed: programs that open links to look
/// at them change nothing.
#[derive(Debug, Template)]
#[template(path = "ask.html")]
pub struct Ask {
    /// The heading.
    pub title: String,
    /// The account that it is about.
    pub who: Option<Who>,
    /// What the button does.
    pub lead: String,
    /// What to mind.
    pub warning: Option<String>,
    /// Where the form goes.
    pub action: String,
    /// The form's hidden fields.
    pub fields: Vec<(&'static str, String)>,
    /// What the button says.
    pub button: String,
    /// Whether it can't be undone.
    pub danger: bool,
    /// Another way.
    pub other: Option<Way>,
}

/// The foot note of a form: some words and a link.
#[derive(Clone, Debug)]
pub struct Aside {
    /// The words before the link.
    pub before: String,
    /// Where the link leads.
    pub href: String,
    /// What it says.
    pub label: String,
}

/// A page that asks for an e-mail address.
#[derive(Debug, Template)]
#[template(path = "address.html")]
pub struct AskAddress<'a> {
    /// Speaks to the shopper.
    pub words: &'a Words,
    /// The heading.
    pub title: String,
    /// The account that it is about.
    pub who: Option<Who>,
    /// What the address is for.
    pub lead: String,
    /// Where the form goes.
    pub action: String,
    /// The form's hidden fields.
    pub fields: Vec<(&'static str, String)>,
    /// What stands under the label.
    pub hint: Option<String>,
    /// What was wrong with the address.
    pub problem: Option<String>,
    /// The address as it was written.
    pub value: String,
    /// What the button says.
    pub button: String,
    /// Another way.
    pub other: Option<Aside>,
}

impl AskAddress<'_> {
    fn described(&self) -> &'static str {
        match (self.hint.is_some(), self.problem.is_some()) {
            (true, true) => "email-fault email-hint",
            (true, false) => "email-hint",
            (false, true) => "email-fault",
            (false, false) => "",
        }
    }
}
