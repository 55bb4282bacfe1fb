//! Pages with forms, used without a browser.

use anyhow::{Context as _, ensure};
use reqwest::{Client, StatusCode};

use crate::stack::Stack;

/// Asks for a mail that links the persona `handle` to `email`; the link in that mail.
///
/// # Errors
/// When a page isn't as it should be or no mail comes.
pub async fn ask_to_link(
    stack: &Stack,
    browser: &Client,
    handle: &str,
    email: &str,
) -> anyhow::Result<String> {
    ask_to_link_from(stack, browser, &format!("/network/link/{handle}"), email).await
}

/// The same for whoever comes by `path`, such as an account that is nobody of the playground's.
///
/// # Errors
/// As [`ask_to_link`].
pub async fn ask_to_link_from(
    stack: &Stack,
    browser: &Client,
    path: &str,
    email: &str,
) -> anyhow::Result<String> {
    let page = browser.get(format!("{}{path}", stack.url())).send().await?;
    ensure!(page.status() == StatusCode::OK, "the link page answers {}", page.status());
    let (at, html) = (page.url().clone(), page.text().await?);
    let mut form = Form::first_with(&html, "email")?;
    form.set("email", email);
    let known = stack.mails_now(email).await?.len();
    let sent = browser.post(at.join(&form.action)?).form(&form.fields).send().await?;
    ensure!(sent.status().is_success(), "asking for the mail answers {}", sent.status());

    let mail = stack.next_mail(email, known).await?;
    let text = mail["text"].as_str().context("text")?;
    let link = text.split_whitespace().find(|word| word.contains("/link/confirm?"));
    Ok(link.context("a link to confirm")?.to_owned())
}

/// Opens a mailed link, as a mail scanner would, and gives the form to confirm and its address.
///
/// # Errors
/// When the page isn't as it should be.
pub async fn open_link(browser: &Client, link: &str) -> anyhow::Result<(url::Url, Form)> {
    let page = browser.get(link).send().await?;
    let (at, html) = (page.url().clone(), page.text().await?);
    let form = Form::first_with(&html, "token")?;
    Ok((at.join(&form.action)?, form))
}

/// A form of a page, as far as a browser without scripts needs it.
pub struct Form {
    /// Where it is sent.
    pub action: String,
    /// Its fields, by name.
    pub fields: Vec<(String, String)>,
}

impl Form {
    /// The first form that has a field of this name.
    ///
    /// # Errors
    /// When there is none.
    pub fn first_with(html: &str, field: &str) -> anyhow::Result<Self> {
        Self::first(html, &format!("name=\"{field}\""))
    }

    /// The first form that is sent to this path.
    ///
    /// # Errors
    /// When there is none.
    pub fn to(html: &str, action: &str) -> anyhow::Result<Self> {
        Self::first(html, &format!("action=\"{action}\""))
    }

    fn first(html: &str, part: &str) -> anyhow::Result<Self> {
        let form = html
            .split("<form")
            .skip(1)
            .map(|form| form.split("</form>").next().unwrap_or(form))
            .find(|form| form.contains(part))
            .with_context(|| format!("no form with {part}"))?;
        let action = attribute(form, "action").unwrap_or_default();
        let inputs = form.split("<input").skip(1).chain(form.split("<button").skip(1));
        let fields = inputs
            .map(|tag| tag.split('>').next().unwrap_or(tag))
            .filter_map(|tag| Some((attribute(tag, "name")?, attribute(tag, "value").unwrap_or_default())))
            .collect();
        Ok(Self { action, fields })
    }

    /// Gives a field its only value.
    pub fn set(&mut self, name: &str, value: &str) {
        self.fields.retain(|(field, _)| field != name);
        self.fields.push((name.to_owned(), value.to_owned()));
    }
}

fn attribute(tag: &str, name: &str) -> Option<String> {
    let value = tag.split(&format!("{name}=\"")).nth(1)?.split('"').next()?;
    let marks =
        [("&#34;", "\""), ("&#39;", "'"), ("&#60;", "<"), ("&#62;", ">"), ("&#38;", "&"), ("&amp;", "&")];
    Some(marks.into_iter().fold(value.to_owned(), |value, (mark, sign)| value.replace(mark, sign)))
}
