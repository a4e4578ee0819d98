//! Logins, and findings about this host, in a line.

use monban_model::{ByOrigin, HostFinding, Login};

use crate::{Say, printable, quoted};

impl Say {
    /// Who came in, from where, how.
    pub fn login(&self, login: &Login) -> String {
        let address = login.address.map(|address| address.to_string()).unwrap_or_default();
        self.login_from(login, &address)
    }

    /// The same with an address as it is to be written.
    pub(crate) fn login_from(&self, login: &Login, address: &str) -> String {
        let shown = |bytes: &Option<Vec<u8>>| match bytes {
            Some(bytes) => printable(bytes),
            None => "?".to_owned(),
        };
        let user = login.user.as_deref().map_or_else(|| "?".to_owned(), quoted);
        let key = match (login.by.is_some(), login.address, login.failures) {
            (true, ..) => "login-became",
            (_, None, _) => "login-here",
            (_, Some(_), 0) => "login",
            (_, Some(_), _) => "login-after-failures",
        };
        let values = [
            ("user", user.as_str()),
            ("by", &login.by.as_deref().map_or_else(String::new, quoted)),
            ("address", address),
            ("service", &login.service),
            ("method", &shown(&login.method)),
            ("terminal", &shown(&login.terminal)),
            ("failures", &login.failures.to_string()),
        ];
        let mut text = self.text(key, &values);
        if login.by.is_none() && login.is_from_a_new_place() {
            let key = match login.earlier.ever {
                Some(_) => "login-new-place",
                None => "login-new-user",
            };
            text.push_str(&self.text(key, &[]));
        }
        text
    }

    /// Where somebody is, and the table of `[[origin]]` that is about that.
    pub fn by_origin(&self, by: &ByOrigin) -> String {
        let place = printable(by.place.as_bytes());
        let (origin, number) = (by.from.to_string(), by.number.to_string());
        let values = [("origin", &*origin), ("number", &*number), ("place", &*place)];
        self.text("by-origin", &values)
    }

    /// What was found about this host.
    pub fn found_here(&self, finding: &HostFinding) -> String {
        let key = &finding.key;
        // Several at once, of which none is told by itself.
        let are_more = matches!(&finding.values[..], [(name, _)] if name == "more");
        let more = are_more.then(|| self.find_with(&format!("{key}-more"), finding)).flatten();
        more.or_else(|| self.find_with(key, finding)).unwrap_or_else(|| key.clone())
    }

    /// What else is to be said of it, if anything: `why` it matters, a `hint` what to do.
    pub fn find_of(&self, finding: &HostFinding, part: &str) -> Option<String> {
        self.find_with(&format!("{}-{part}", finding.key), finding)
    }

    fn find_with(&self, key: &str, finding: &HostFinding) -> Option<String> {
        let user = finding.user.as_deref().map_or_else(|| "?".to_owned(), quoted);
        let clean: Vec<(&str, String)> = finding
            .values
            .iter()
            .map(|(name, value)| (name.as_str(), printable(value.as_bytes())))
            .collect();
        let mut values: Vec<(&str, &str)> =
            clean.iter().map(|(name, value)| (*name, value.as_str())).collect();
        values.extend([("user", user.as_str()), ("service", finding.service.as_str())]);
        self.find(key, &values)
    }
}
