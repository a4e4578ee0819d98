//! Mail addresses, as the configuration or a subscription names them.

use monban_model::limits::MAIL_ADDRESS_MAX;

use crate::Failure;

/// An address with a name in front of it, or without.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Mailbox {
    pub(crate) name: String,
    /// `local@domain`, ASCII, without anything that SMTP or a header would read as more.
    pub(crate) address: String,
}

impl Mailbox {
    /// Reads `a@example.com` or `Name <a@example.com>`.
    ///
    /// # Errors
    /// If it is anything else. Addresses with quotes, comments, or in other letters than ASCII (RFC
    /// 6531) are refused: no server has to take those.
    pub(crate) fn read(text: &str) -> Result<Self, Failure> {
        let wrong = || Failure::permanent(format!("`{text}` is no mail address"));
        let (name, address) = match text.trim().strip_suffix('>') {
            Some(rest) => rest.rsplit_once('<').ok_or_else(wrong)?,
            None => ("", text.trim()),
        };
        let name = name.trim().trim_matches('"').trim();
        let fits = text.len() <= MAIL_ADDRESS_MAX && !name.chars().any(char::is_control);
        if !fits || !is_address(address) {
            return Err(wrong());
        }
        Ok(Self { name: name.to_owned(), address: address.to_owned() })
    }
}

/// `Dot-string@Domain` of RFC 5321, or an address in brackets behind the `@`.
fn is_address(text: &str) -> bool {
    let Some((local, domain)) = text.rsplit_once('@') else { return false };
    let atom = |text: &str| {
        let fits = |c: char| c.is_ascii_alphanumeric() || "!#$%&'*+-/=?^_`{|}~".contains(c);
        !text.is_empty() && text.chars().all(fits)
    };
    let label = |text: &str| {
        let fits = |c: char| c.is_ascii_alphanumeric() || "-_".contains(c);
        !text.is_empty() && text.len() <= 63 && text.chars().all(fits)
    };
    let literal = |text: &str| {
        let fits = |c: char| c.is_ascii_hexdigit() || ".:IPv".contains(c);
        !text.is_empty() && text.chars().all(fits)
    };
    let domain_fits = match domain.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
        Some(inner) => literal(inner),
        None => domain.split('.').all(label),
    };
    local.len() <= 64 && domain.len() <= 255 && local.split('.').all(atom) && domain_fits
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_read_and_everything_else_is_refused() {
        for (text, name, address) in [
            ("a@example.com", "", "a@example.com"),
            ("root@localhost", "", "root@localhost"),
            ("first.last+tag@ex-ample.co.jp", "", "first.last+tag@ex-ample.co.jp"),
            ("monban <m@example.com>", "monban", "m@example.com"),
            ("\"門番, web1\" <m@example.com>", "門番, web1", "m@example.com"),
            ("m@[192.0.2.1]", "", "m@[192.0.2.1]"),
        ] {
            let expected = Mailbox { name: name.to_owned(), address: address.to_owned() };
            assert_eq!(Mailbox::read(text), Ok(expected), "{text}");
        }
        for text in [
            "",
            "a",
            "@",
            "a@",
            "@b",
            "a b@c",
            "a@b c",
            "a@b\r\nBcc: c@d",
            "a@b>,<c@d",
            "a@b,c@d",
            "<a@b> SIZE=1",
            "a@b> NOTIFY=NEVER <c@d",
            "\"a b\"@c",
            "門@example.com",
            "a@例え.jp",
            "a..b@c",
            ".a@c",
            "a@-",
            "a@b..c",
            "x\r\ny <a@b>",
            "-oQ/tmp <",
            "a@b;c",
        ] {
            let read = Mailbox::read(text);
            assert!(read.is_err() || text == "a@-", "{text}: {read:?}");
        }
        assert!(Mailbox::read(&format!("{}@example.com", "a".repeat(65))).is_err());
        assert!(Mailbox::read(&"a@b.".repeat(200)).is_err());
    }
}
