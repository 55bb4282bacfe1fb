//! E-mail addresses, as far as a mail needs them.

use std::fmt;

use url::Host;

/// The address of one mailbox, safe to stand in a header. `Debug` doesn't print it.
#[derive(Clone, PartialEq, Eq)]
pub struct Address(String);

/// Why a text is no address that a mail can be sent to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AddressError {
    /// Not `local@host`.
    #[error("an address is a name, an at sign and a host")]
    Shape,
    /// The part before the at sign is empty, longer than 64 bytes (RFC 5321, 4.5.3.1.1) or holds
    /// something else than the unquoted characters of RFC 5322, 3.2.3. SES takes ASCII only.
    #[error("the part before the at sign holds a character that can't be sent to")]
    Local,
    /// The host is no domain name with a dot.
    #[error("the part behind the at sign is no domain")]
    Host,
}

impl Address {
    /// Reads one address. A domain in another script becomes its ASCII form (IDNA).
    ///
    /// # Errors
    /// When it is not one mailbox that SES can send to.
    pub fn parse(text: &str) -> Result<Self, AddressError> {
        let (local, host) = text.trim().rsplit_once('@').ok_or(AddressError::Shape)?;
        let atom = |c: char| c.is_ascii_alphanumeric() || "!#$%&'*+-/=?^_`{|}~.".contains(c);
        let dots = local.starts_with('.') || local.ends_with('.') || local.contains("..");
        if local.is_empty() || local.len() > 64 || dots || !local.chars().all(atom) {
            return Err(AddressError::Local);
        }
        match Host::parse(host) {
            Ok(Host::Domain(domain)) if is_mail_domain(&domain) => Ok(Self(format!("{local}@{domain}"))),
            _ => Err(AddressError::Host),
        }
    }

    /// The address.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The domain.
    pub fn host(&self) -> &str {
        self.0.rsplit_once('@').map_or("", |(_, host)| host)
    }
}

/// Letters, digits, hyphens and a dot within (RFC 5321, 2.3.5). URLs know hosts with commas and brackets, which
/// would part an address in a header or begin a comment there.
fn is_mail_domain(domain: &str) -> bool {
    let plain = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'.');
    domain.bytes().all(plain) && domain.contains('.') && !domain.ends_with('.')
}

impl fmt::Debug for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Address(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_read_or_say_why_not() {
        assert_eq!(
            Address::parse(" Ann.O'Neil+x@Example.COM ").unwrap().as_str(),
            "Ann.O'Neil+x@example.com"
        );
        assert_eq!(Address::parse("ann@bücher.example").unwrap().host(), "xn--bcher-kva.example");
        for (text, error) in [
            ("ann", AddressError::Shape),
            ("@example.com", AddressError::Local),
            ("a b@example.com", AddressError::Local),
            ("a,b@example.com", AddressError::Local),
            ("ann@example.com\r\nBcc: eve@example.com", AddressError::Local),
            ("a@b@example.com", AddressError::Local),
            ("änn@example.com", AddressError::Local),
            ("ann@localhost", AddressError::Host),
            ("ann@127.0.0.1", AddressError::Host),
            ("ann@exa mple.com", AddressError::Host),
            ("ann@exa,mple.com", AddressError::Host),
            ("ann@example(.com", AddressError::Host),
            ("ann@", AddressError::Host),
        ] {
            assert_eq!(Address::parse(text), Err(error), "{text}");
        }
    }

    #[test]
    fn addresses_do_not_print_themselves() {
        let printed = format!("{:?}", Address::parse("ann@example.com").unwrap());
        assert!(!printed.contains("ann"));
    }
}
