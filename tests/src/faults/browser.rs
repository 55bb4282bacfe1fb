//! A shopper's browser: keeps cookies, reads the forms of our pages and sends them.

use std::collections::BTreeMap;

use axum::body::{Body, to_bytes};
use http::{Request, header};
use url::form_urlencoded;

use super::functions::{Ended, Function};

/// A page as it came.
#[derive(Debug)]
pub struct Page {
    /// Its status.
    pub status: u16,
    /// Where it leads, if it does.
    pub location: Option<String>,
    body: String,
}

/// A browser.
#[derive(Debug, Default)]
pub struct Browser {
    cookies: BTreeMap<String, String>,
}

impl Browser {
    /// A request for a page.
    pub fn get(&self, path: &str) -> Request<Body> {
        self.request(Request::get(path), Body::empty())
    }

    /// A form with its fields.
    pub fn post(&self, path: &str, fields: &[(String, String)]) -> Request<Body> {
        let body = form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
        let request = Request::post(path)
            .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
            .header("sec-fetch-site", "same-origin");
        self.request(request, Body::from(body))
    }

    fn request(&self, request: http::request::Builder, body: Body) -> Request<Body> {
        let cookies: Vec<String> =
            self.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
        let request =
            request.header(header::ACCEPT_LANGUAGE, "en").header(header::COOKIE, cookies.join("; "));
        request.body(body).unwrap_or_else(|error| panic!("a request: {error}"))
    }

    /// Sends a request; nothing comes back when the function dies.
    pub async fn send(&mut self, pages: &Function, request: Request<Body>) -> Option<Page> {
        let Ended::Answered(response) = pages.visit(request).await else { return None };
        let (parts, body) = response.into_parts();
        for cookie in parts.headers.get_all(header::SET_COOKIE) {
            let cookie = cookie.to_str().unwrap_or_default();
            if let Some((name, value)) = cookie.split(';').next().and_then(|pair| pair.split_once('=')) {
                self.cookies.insert(name.to_owned(), value.to_owned());
            }
        }
        let body = to_bytes(body, usize::MAX).await.unwrap_or_else(|error| panic!("a page: {error}"));
        let location = parts.headers.get(header::LOCATION).and_then(|to| to.to_str().ok()).map(str::to_owned);
        Some(Page {
            status: parts.status.as_u16(),
            location,
            body: String::from_utf8_lossy(&body).into_owned(),
        })
    }
}

/// A form of a page: its address, its hidden fields and its whole text.
pub type Form<'p> = (String, Vec<(String, String)>, &'p str);

impl Page {
    /// The forms that go to `action`.
    pub fn forms(&self, action: &str) -> Vec<Form<'_>> {
        let mut found = Vec::new();
        for form in self.body.split("<form ").skip(1) {
            let form = form.split("</form>").next().unwrap_or_default();
            let Some(to) = attribute(form.split('>').next().unwrap_or_default(), "action") else { continue };
            if !to.starts_with(action) {
                continue;
            }
            let hidden = inputs(form)
                .filter(|input| input.contains("type=\"hidden\""))
                .filter_map(|input| Some((attribute(input, "name")?, attribute(input, "value")?)))
                .collect();
            found.push((to, hidden, form));
        }
        found
    }
}

fn inputs(form: &str) -> impl Iterator<Item = &str> {
    form.split("<input ").skip(1).filter_map(|input| input.split('>').next())
}

/// The values of the inputs of this name in a form.
pub fn values(form: &str, name: &str) -> Vec<String> {
    let of_name = |input: &&str| attribute(input, "name").as_deref() == Some(name);
    inputs(form).filter(of_name).filter_map(|input| attribute(input, "value")).collect()
}

fn attribute(tag: &str, name: &str) -> Option<String> {
    let (_, rest) = tag.split_once(&format!("{name}=\""))?;
    let value = rest.split('"').next()?;
    Some(
        value
            .replace("&#34;", "\"")
            .replace("&#39;", "'")
            .replace("&#60;", "<")
            .replace("&#62;", ">")
            .replace("&#38;", "&"),
    )
}
