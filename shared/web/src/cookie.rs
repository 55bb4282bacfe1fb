//! Cookies: the session, the browser that a step began in, the chosen language.
//!
//! Outside the stage `local` each name starts with `__Host-`: browsers then take the cookie only over
//! https, from this very host and for the whole of it (RFC 6265bis, section 4.1.3.2). `local` speaks
//! plain http, which no browser takes such a cookie from.

use std::time::Duration;

use http::{HeaderMap, HeaderValue, header};

/// A cookie of ours.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cookie {
    /// Who is signed in: a random token, of which only a hash is stored.
    Session,
    /// Which browser this is while nobody is signed in: binds forms and sign-ins to it.
    Browser,
    /// The language that was chosen on a page.
    Language,
}

impl Cookie {
    /// The name, plain in the stage `local`.
    pub fn name(self, local: bool) -> String {
        let name = match self {
            Self::Session => "hashcart",
            Self::Browser => "hashcart-browser",
            Self::Language => "hashcart-lang",
        };
        if local { name.to_owned() } else { format!("__Host-{name}") }
    }

    /// The cookie's value in a request; the first one where there are several.
    pub fn read(self, headers: &HeaderMap, local: bool) -> Option<String> {
        let name = self.name(local);
        headers
            .get_all(header::COOKIE)
            .iter()
            .filter_map(|value| value.to_str().ok())
            .flat_map(|value| value.split(';'))
            .filter_map(|pair| pair.trim().split_once('='))
            .find(|(found, value)| *found == name && !value.is_empty())
            .map(|(_, value)| value.to_owned())
    }

    /// The `Set-Cookie` that sets it: not readable by scripts, sent along with top-level navigation
    /// only. Without `keep` it goes with the browser's session. `None` for a value that no cookie may
    /// hold.
    pub fn set(self, value: &str, keep: Option<Duration>, local: bool) -> Option<HeaderValue> {
        let safe = |b: u8| b.is_ascii_alphanumeric() || b"-_.~".contains(&b);
        if !value.bytes().all(safe) {
            return None;
        }
        let secure = if local { "" } else { "; Secure" };
        let keep = keep.map(|keep| format!("; Max-Age={}", keep.as_secs())).unwrap_or_default();
        let name = self.name(local);
        HeaderValue::try_from(format!("{name}={value}; Path=/; HttpOnly{secure}; SameSite=Lax{keep}")).ok()
    }

    /// The `Set-Cookie` that takes it away.
    pub fn clear(self, local: bool) -> Option<HeaderValue> {
        self.set("", Some(Duration::ZERO), local)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn attributes_follow_the_stage() {
        let day = Some(Duration::from_secs(86_400));
        let everywhere = Cookie::Session.set("abc", day, false).unwrap();
        assert_eq!(everywhere, "__Host-hashcart=abc; Path=/; HttpOnly; Secure; SameSite=Lax; Max-Age=86400");
        let local = Cookie::Session.set("abc", day, true).unwrap();
        assert_eq!(local, "hashcart=abc; Path=/; HttpOnly; SameSite=Lax; Max-Age=86400");
        assert_eq!(
            Cookie::Browser.set("a", None, true).unwrap(),
            "hashcart-browser=a; Path=/; HttpOnly; SameSite=Lax"
        );
        assert!(Cookie::Session.clear(false).unwrap().to_str().unwrap().ends_with("; Max-Age=0"));
        assert_eq!(Cookie::Session.set("a; Domain=evil", None, true), None);
    }

    #[test]
    fn reads_its_own_and_no_other() {
        let mut headers = HeaderMap::new();
        headers.append(header::COOKIE, HeaderValue::from_static("a=1; hashcart-browser=b; hashcart=s=1"));
        headers.append(header::COOKIE, HeaderValue::from_static("hashcart-lang=de"));
        assert_eq!(Cookie::Session.read(&headers, true).as_deref(), Some("s=1"));
        assert_eq!(Cookie::Browser.read(&headers, true).as_deref(), Some("b"));
        assert_eq!(Cookie::Language.read(&headers, true).as_deref(), Some("de"));
        assert_eq!(Cookie::Session.read(&headers, false), None);
    }
}
