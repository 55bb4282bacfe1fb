//! What a storefront has to keep: every rule, with the key and the remedy.

use std::collections::BTreeMap;

use iso_currency::Currency;
use url::{Host, Url};

use crate::grammar;
use crate::ids::{Lang, NetworkId};
use crate::text::{fold, is_hashtag};

use super::{Campaign, ConfigProblem, Limits, Marketplace, NetworkConfig, NetworkKind, Shop, Storefront};

/// The longest id.
const MAX_ID: usize = 32;
/// The longest acceptance window in days: what we did about a post is remembered for that long.
const MAX_ACCEPTANCE_DAYS: u16 = 90;
/// The shortest reply that holds a sentence, in characters.
const MIN_REPLY_LENGTH: u32 = 50;
/// Network ids with a meaning of their own: our own page, and the first words of other keys beside
/// `<network>#<user>`.
const RESERVED_NETWORKS: &[&str] =
    &[NetworkId::PAGE, "email", "session", "once", "storefront", "campaign", "block"];

impl Storefront {
    /// Everything that is wrong with it; empty when all is well. `local` allows what only the local
    /// stack may do: plain http to this machine.
    pub fn check(&self, local: bool) -> Vec<ConfigProblem> {
        let mut check = Check { local, problems: Vec::new(), seen: BTreeMap::new() };
        check.storefront(self);
        check.problems
    }
}

struct Check {
    local: bool,
    problems: Vec<ConfigProblem>,
    /// Values that may occur once, by kind, each with the key where it was first.
    seen: BTreeMap<(&'static str, String), String>,
}

impl Check {
    fn problem(&mut self, key: impl Into<String>, problem: impl Into<String>) {
        self.problems.push(ConfigProblem { key: key.into(), problem: problem.into(), line: None });
    }

    /// Notes a value that may occur only once.
    fn once(&mut self, kind: &'static str, value: String, key: &str) {
        match self.seen.get(&(kind, value.clone())) {
            Some(first) => {
                let problem = format!("this {kind} is in {first} already; each may occur once");
                self.problem(key, problem);
            }
            None => {
                self.seen.insert((kind, value), key.to_owned());
            }
        }
    }

    fn not_blank(&mut self, key: &str, value: &str) {
        if value.trim().is_empty() {
            self.problem(key, "is empty; give it a value");
        }
    }

    fn not_empty<T>(&mut self, key: &str, list: &[T], what: &str) {
        if list.is_empty() {
            self.problem(key, format!("is empty; name at least one {what}"));
        }
    }

    fn storefront(&mut self, storefront: &Storefront) {
        self.not_blank("brand", &storefront.brand);
        self.language("default_language", &storefront.default_language);
        for (key, value) in [("support", &storefront.support), ("postal_address", &storefront.postal_address)]
        {
            if let Some(value) = value {
                self.not_blank(key, value);
            }
        }
        self.not_empty("marketplaces", &storefront.marketplaces, "marketplace");
        for (index, marketplace) in storefront.marketplaces.iter().enumerate() {
            self.marketplace(&format!("marketplaces[{index}]"), marketplace);
        }
        for (index, host) in storefront.short_link_hosts.iter().enumerate() {
            self.host(&format!("short_link_hosts[{index}]"), host);
        }
        self.not_empty("networks", &storefront.networks, "network");
        for (index, network) in storefront.networks.iter().enumerate() {
            self.network(&format!("networks[{index}]"), network);
        }
        self.limits(&storefront.limits);
        for (index, campaign) in storefront.campaigns.iter().enumerate() {
            self.campaign(&format!("campaigns[{index}]"), campaign);
        }
    }

    fn marketplace(&mut self, at: &str, marketplace: &Marketplace) {
        self.id("marketplace id", &format!("{at}.id"), marketplace.id.as_str());
        self.not_empty(&format!("{at}.cart_tags"), &marketplace.cart_tags, "hashtag");
        for (key, tags) in [("cart_tags", &marketplace.cart_tags), ("wish_tags", &marketplace.wish_tags)] {
            for (index, tag) in tags.iter().enumerate() {
                self.tag(&format!("{at}.{key}[{index}]"), tag);
            }
        }
        self.not_empty(&format!("{at}.hosts"), &marketplace.hosts, "host");
        for (index, host) in marketplace.hosts.iter().enumerate() {
            self.host(&format!("{at}.hosts[{index}]"), host);
        }
        if Currency::from_code(&marketplace.currency).is_none() {
            self.problem(format!("{at}.currency"), "is no currency of ISO 4217; write its code, as in `USD`");
        }
        for (index, language) in marketplace.languages.iter().enumerate() {
            self.language(&format!("{at}.languages[{index}]"), language);
        }
        if let Some(feed) = &marketplace.feed {
            self.feed(&format!("{at}.feed"), feed);
        }
        self.shop(&format!("{at}.shop"), &marketplace.shop);
    }

    /// Lower-case letters, digits and `-`: ids are parts of keys and addresses.
    fn id(&mut self, kind: &'static str, key: &str, id: &str) {
        let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
        if id.is_empty() || id.len() > MAX_ID || !id.bytes().all(plain) {
            self.problem(key, format!("must be 1 to {MAX_ID} lower-case letters, digits and `-`"));
        }
        self.once(kind, id.to_owned(), key);
    }

    fn tag(&mut self, key: &str, tag: &str) {
        if tag.starts_with(['#', '＃']) {
            self.problem(key, "write the hashtag without its `#`");
        } else if !is_hashtag(tag) {
            self.problem(
                key,
                "networks take no such hashtag: letters, digits and `_` without blanks, at least one letter",
            );
        }
        self.once("hashtag", fold(tag), key);
    }

    fn host(&mut self, key: &str, host: &str) {
        if let Err(problem) = hostname(host, self.local) {
            self.problem(key, problem);
        }
        self.once("host", host.to_ascii_lowercase(), key);
    }

    fn language(&mut self, key: &str, language: &Lang) {
        if !grammar::languages().any(|spoken| spoken == language.primary()) {
            let spoken: Vec<&str> = grammar::languages().collect();
            self.problem(key, format!("is not spoken yet; choose from {}", spoken.join(", ")));
        }
    }

    /// An https address, or with `local` an http one of this machine.
    fn address(&mut self, key: &str, address: &Url) {
        let plain_but_here = self.local && address.scheme() == "http" && is_this_machine(address);
        if address.scheme() != "https" && !plain_but_here {
            self.problem(key, "must be an https:// address");
        } else if !address.username().is_empty() || address.password().is_some() {
            self.problem(key, "must hold no user name or password; keep secrets out of the configuration");
        }
    }

    /// The text of an address in which placeholders stand.
    fn template(&mut self, key: &str, template: &str, placeholder: &str) {
        if !template.contains(placeholder) {
            self.problem(key, format!("must hold `{placeholder}`"));
        }
        self.placeholders(key, template, &[placeholder]);
        match Url::parse(&template.replace(placeholder, "0")) {
            Ok(address) => self.address(key, &address),
            Err(_) => self.problem(key, "must be an https:// address"),
        }
    }

    /// Refuses `{…}` that nothing fills.
    fn placeholders(&mut self, key: &str, template: &str, known: &[&str]) {
        let rest = known.iter().fold(template.to_owned(), |rest, placeholder| rest.replace(placeholder, ""));
        if rest.contains(['{', '}']) {
            self.problem(key, format!("may hold no other braces than {}", known.join(", ")));
        }
    }

    fn feed(&mut self, key: &str, feed: &str) {
        self.not_blank(key, feed);
        if feed.contains("://") {
            match Url::parse(feed) {
                Ok(address) => self.address(key, &address),
                Err(_) => self.problem(key, "must be an https:// address or the path of a file"),
            }
        }
    }

    fn shop(&mut self, at: &str, shop: &Shop) {
        match shop {
            Shop::Template {
                checkout_url,
                checkout_item,
                checkout_separator,
                affiliate_parameter,
                product_parameters,
                variant_parameters,
            } => {
                self.template(&format!("{at}.checkout_url"), checkout_url, "{items}");
                self.checkout_item(&format!("{at}.checkout_item"), checkout_item);
                if checkout_separator.is_empty() {
                    self.problem(format!("{at}.checkout_separator"), "is empty; items would run together");
                }
                if let Some(parameter) = affiliate_parameter {
                    self.parameter(&format!("{at}.affiliate_parameter"), parameter);
                }
                for (key, list) in
                    [("product_parameters", product_parameters), ("variant_parameters", variant_parameters)]
                {
                    for (index, parameter) in list.iter().enumerate() {
                        self.parameter(&format!("{at}.{key}[{index}]"), parameter);
                    }
                }
                self.parameters_apart(
                    at,
                    affiliate_parameter.as_deref(),
                    product_parameters,
                    variant_parameters,
                );
            }
            Shop::Amazon { associate_tag } => {
                let plain = |tag: &String| {
                    tag.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte))
                };
                if associate_tag.as_ref().is_some_and(|tag| tag.is_empty() || !plain(tag)) {
                    self.problem(
                        format!("{at}.associate_tag"),
                        "must be letters, digits and `-`, as in `acme-20`",
                    );
                }
            }
        }
    }

    fn checkout_item(&mut self, key: &str, item: &str) {
        if !item.contains("{variant}") && !item.contains("{product}") {
            self.problem(key, "must hold `{variant}` or `{product}`");
        }
        if !item.contains("{quantity}") {
            self.problem(key, "must hold `{quantity}`, or the shop would get one of everything");
        }
        self.placeholders(key, item, &["{product}", "{variant}", "{quantity}"]);
    }

    fn parameter(&mut self, key: &str, parameter: &str) {
        if parameter.is_empty() || parameter.contains(['&', '=', '?', '#', ' ']) {
            self.problem(key, "must be the bare name of a query parameter, as in `id`");
        }
    }

    /// A parameter has one job.
    fn parameters_apart(
        &mut self,
        at: &str,
        affiliate: Option<&str>,
        product: &[String],
        variant: &[String],
    ) {
        for (index, parameter) in variant.iter().enumerate() {
            if product.contains(parameter) {
                self.problem(
                    format!("{at}.variant_parameters[{index}]"),
                    "is one of `product_parameters` already",
                );
            }
        }
        let taken = |name: &str| product.iter().chain(variant).any(|parameter| parameter == name);
        if affiliate.is_some_and(taken) {
            self.problem(
                format!("{at}.affiliate_parameter"),
                "names a product or variant already; links lose the affiliate's tag",
            );
        }
    }

    fn network(&mut self, at: &str, network: &NetworkConfig) {
        let key = format!("{at}.id");
        self.id("network id", &key, network.id.as_str());
        if RESERVED_NETWORKS.contains(&network.id.as_str()) {
            self.problem(key, "means something else here; choose another id");
        }
        if let Some(name) = &network.name {
            self.not_blank(&format!("{at}.name"), name);
        }
        let handle = &network.bot_handle;
        if handle.is_empty() || handle.starts_with(['@', '＠']) || handle.contains(char::is_whitespace) {
            self.problem(format!("{at}.bot_handle"), "must be our account's handle without its `@`");
        }
        self.not_blank(&format!("{at}.bot_id"), network.bot_id.as_str());
        match &network.kind {
            NetworkKind::Generic { callback_url, post_url, link_url, reply_length } => {
                self.address(&format!("{at}.callback_url"), callback_url);
                if let Some(post_url) = post_url {
                    self.template(&format!("{at}.post_url"), post_url, "{id}");
                }
                if let Some(link_url) = link_url {
                    self.address(&format!("{at}.link_url"), link_url);
                }
                if *reply_length < MIN_REPLY_LENGTH {
                    let problem =
                        format!("must be at least {MIN_REPLY_LENGTH}; a shorter reply says nothing");
                    self.problem(format!("{at}.reply_length"), problem);
                }
            }
            NetworkKind::X { api_url, web_url } => {
                self.address(&format!("{at}.api_url"), api_url);
                self.address(&format!("{at}.web_url"), web_url);
            }
        }
    }

    fn limits(&mut self, limits: &Limits) {
        for (key, zero) in [
            ("quantity_cap", limits.quantity_cap == 0),
            ("cart_lines", limits.cart_lines == 0),
            ("commands_per_hour", limits.commands_per_hour == 0),
            ("lines_per_post", limits.lines_per_post == 0),
            ("acceptance_days", limits.acceptance_days == 0),
            ("parking_days", limits.parking_days == 0),
            ("prompt_days", limits.prompt_days == 0),
        ] {
            if zero {
                self.problem(format!("limits.{key}"), "must be at least 1");
            }
        }
        if limits.acceptance_days > MAX_ACCEPTANCE_DAYS {
            let problem =
                format!("must be at most {MAX_ACCEPTANCE_DAYS}; that long we remember what we answered");
            self.problem("limits.acceptance_days", problem);
        }
    }

    fn campaign(&mut self, at: &str, campaign: &Campaign) {
        self.id("campaign id", &format!("{at}.id"), campaign.id.as_str());
        self.tag(&format!("{at}.tag"), &campaign.tag);
        if let (Some(from), Some(until)) = (campaign.from, campaign.until)
            && from >= until
        {
            self.problem(format!("{at}.until"), "must be after `from`");
        }
    }
}

fn is_this_machine(address: &Url) -> bool {
    match address.host() {
        Some(Host::Domain(domain)) => domain == "localhost" || domain.ends_with(".localhost"),
        Some(Host::Ipv4(ip)) => ip.is_loopback(),
        Some(Host::Ipv6(ip)) => ip.is_loopback(),
        None => false,
    }
}

/// What is wrong with a host's name.
fn hostname(host: &str, local: bool) -> Result<(), &'static str> {
    if host.contains("://") || host.contains(['/', ':', '?', '#', '@']) {
        return Err("write the bare host without protocol, port and path, as in `www.acme.example`");
    }
    match Host::parse(host) {
        Ok(Host::Domain(domain)) if domain != host => {
            Err("write it in lower case, international names as `xn--…`")
        }
        Ok(Host::Domain(domain)) if local && domain == "localhost" => Ok(()),
        Ok(Host::Domain(domain)) if domain.contains('.') && domain.split('.').all(is_label) => Ok(()),
        Ok(Host::Ipv4(ip)) if local && ip.is_loopback() => Ok(()),
        _ => Err("is no host's name; write it as in `www.acme.example`"),
    }
}

/// A label of a domain (RFC 1123, 2.1).
fn is_label(label: &str) -> bool {
    (1..=63).contains(&label.len())
        && !label.starts_with('-')
        && !label.ends_with('-')
        && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
}
