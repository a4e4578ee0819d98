//! Mail addresses, as the configuration or a subscription names them.

use monban_model::is_mail_address;
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
    /// If it is anything else.
    pub(crate) fn read(text: &str) -> Result<Self, Failure> {
        let wrong = || Failure::permanent(format!("`{text}` is no mail address"));
        let (name, address) = match text.trim().strip_suffix('>') {
            Some(rest) => rest.rsplit_once('<').ok_or_else(wrong)?,
            None => ("", text.trim()),
        };
        let name = name.trim().trim_matches('"').trim();
        let fits = text.len() <= MAIL_ADDRESS_MAX && !name.chars().any(char::is_control);
        if !fits || !is_mail_address(address) {
            return Err(wrong());
        }
        Ok(Self { name: name.to_owned(), address: address.to_owned() })
    }
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
            "a@",
            "a@b\r\nBcc: c@d",
            "a@b>,<c@d",
            "<a@b> SIZE=1",
            "a@b> NOTIFY=NEVER <c@d",
            "x\r\ny <a@b>",
            "-oQ/tmp <",
        ] {
            assert!(Mailbox::read(text).is_err(), "{text}");
        }
        assert!(Mailbox::read(&"a@b.".repeat(200)).is_err());
    }
}
