//! Where the demonstration's shops are on this machine. Their hosts end in `.example`, which nobody
//! can own, so whatever a person is to click on leads to pages of the playground instead.

use domain::storefront::Storefront;

/// The shops' hosts and where they are here.
#[derive(Clone, Debug)]
pub(crate) struct Shops {
    /// `https://acme.example/` → `http://localhost:8787/shop/us/`, the longest host first.
    places: Vec<(String, String)>,
}

/// A path behind a host's name says where the name ends: `https://acme.example.evil/` isn't ours.
const END: [char; 3] = ['/', '?', '#'];

impl Shops {
    /// The shops of a storefront, on the playground at `public_url` (without a slash at its end).
    /// Only hosts of the reserved top-level domain `.example` (RFC 2606) are led here: another one
    /// is a real shop.
    pub(crate) fn new(storefront: &Storefront, public_url: &str) -> Self {
        let mut places = Vec::new();
        for marketplace in &storefront.marketplaces {
            for host in marketplace.hosts.iter().filter(|host| host.ends_with(".example")) {
                places.push((format!("https://{host}"), format!("{public_url}/shop/{}", marketplace.id)));
            }
        }
        places.sort_by_key(|(host, _)| std::cmp::Reverse(host.len()));
        Self { places }
    }

    /// `text` with every link to a shop's host leading here.
    pub(crate) fn here(&self, text: &str) -> String {
        self.places.iter().fold(text.to_owned(), |text, (host, here)| {
            let mut out = String::with_capacity(text.len());
            let mut rest = text.as_str();
            while let Some((before, after)) = rest.split_once(host.as_str()) {
                out.push_str(before);
                // HTML escapes a slash at times; an address in it then goes on with `&#x2F;`.
                let ends = after.is_empty()
                    || after.starts_with(END)
                    || after.starts_with(['"', '\'', '<', '&', ' ']);
                out.push_str(if ends { here } else { host });
                rest = after;
            }
            out.push_str(rest);
            out
        })
    }

    /// The pairs, for the page's own script.
    pub(crate) fn places(&self) -> &[(String, String)] {
        &self.places
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_to_the_shops_lead_here_and_others_stay() {
        let shops = Shops {
            places: vec![
                ("https://acme-uk.example".to_owned(), "http://localhost:1/shop/uk".to_owned()),
                ("https://acme.example".to_owned(), "http://localhost:1/shop/us".to_owned()),
            ],
        };
        for (there, here) in [
            ("https://acme.example/p/mug?variant=1", "http://localhost:1/shop/us/p/mug?variant=1"),
            ("<a href=\"https://acme-uk.example/\">x</a>", "<a href=\"http://localhost:1/shop/uk/\">x</a>"),
            ("https://acme.example", "http://localhost:1/shop/us"),
            ("https://acme.example.evil/p", "https://acme.example.evil/p"),
            ("https://other.example/p", "https://other.example/p"),
        ] {
            assert_eq!(shops.here(there), here);
        }
    }
}
