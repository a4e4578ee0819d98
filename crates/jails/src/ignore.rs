//! Who is spared: `ignoreip`.

use std::collections::HashSet;

use monban_fail2ban::filter::Id;
use monban_model::{Address, Net};

/// A name that is spared.
#[derive(Clone, Debug)]
struct Named {
    name: String,
    /// Its addresses, as far as they are known.
    addresses: Vec<Address>,
    /// Whether anybody has said which these are, or that there is none.
    answered: bool,
}

/// The list of a jail.
#[derive(Clone, Debug, Default)]
pub(crate) struct IgnoreList {
    nets: Vec<Net>,
    addresses: HashSet<Id>,
    names: Vec<Named>,
    /// Of files, which are not listed.
    files: Vec<Net>,
}

impl IgnoreList {
    /// Adds one entry.
    pub(crate) fn add(&mut self, text: &str) {
        match Id::of_text(text) {
            Id::Net(net) if Net::host(Address::new(net.base())) == net => {
                self.addresses.insert(Id::Net(net));
            }
            Id::Net(net) => self.nets.push(net),
            Id::Name(name) | Id::Text(name) => {
                self.addresses.insert(Id::Text(name.clone()));
                self.names.push(Named { name, addresses: Vec::new(), answered: false });
            }
        }
    }

    /// Adds the entries of a file: one a line, `#` begins a comment.
    pub(crate) fn add_file(&mut self, text: &str) {
        let lines = text.lines().map(|line| line.split(['#', ';']).next().unwrap_or_default());
        for word in lines.flat_map(str::split_whitespace) {
            if let Id::Net(net) = Id::of_text(word) {
                self.files.push(net);
            }
        }
    }

    /// Takes over the addresses of names from the list before.
    pub(crate) fn keep_names(&mut self, before: &Self) {
        for own in &mut self.names {
            let known = before.names.iter().find(|known| known.name == own.name);
            if let Some(known) = known.filter(|_| own.addresses.is_empty()) {
                own.clone_from(known);
            }
        }
    }

    /// The names whose addresses are wanted.
    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        self.names.iter().map(|named| named.name.as_str())
    }

    /// Whether there is a name of which nobody has said anything yet.
    pub(crate) fn is_open(&self) -> bool {
        self.names.iter().any(|named| !named.answered)
    }

    /// The addresses of a name; those before stay if there are none now.
    pub(crate) fn resolved(&mut self, name: &str, addresses: &[Address]) {
        for known in self.names.iter_mut().filter(|known| known.name == name) {
            known.answered = true;
            if !addresses.is_empty() {
                known.addresses = addresses.to_vec();
            }
        }
    }

    /// By which kind of entry somebody is spared: `ip` or `dns`, as fail2ban says it.
    pub(crate) fn spares(&self, id: &Id) -> Option<&'static str> {
        if self.addresses.contains(id) {
            return Some("ip");
        }
        let Id::Net(net) = id else { return None };
        let mut nets = self.nets.iter().chain(&self.files);
        if nets.any(|wide| wide.covers(*net)) {
            return Some("ip");
        }
        let mut named = self.names.iter().flat_map(|named| &named.addresses);
        named.any(|address| Net::host(*address) == *net).then_some("dns")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_networks_and_names_are_spared() {
        let mut list = IgnoreList::default();
        for text in ["127.0.0.1/8", "192.0.2.7", "2001:db8::/32", "home.example", "192.0.2.7"] {
            list.add(text);
        }
        let spares = |list: &IgnoreList, text: &str| list.spares(&Id::of_text(text));
        assert_eq!(spares(&list, "127.3.3.3"), Some("ip"));
        assert_eq!(spares(&list, "192.0.2.7"), Some("ip"));
        assert_eq!(spares(&list, "192.0.2.8"), None);
        assert_eq!(spares(&list, "2001:db8:1::1"), Some("ip"));
        assert_eq!(spares(&list, "198.51.100.1"), None);
        assert!(list.is_open());
        list.resolved("home.example", &[Address::new("198.51.100.1".parse().expect("good"))]);
        assert_eq!(spares(&list, "198.51.100.1"), Some("dns"));
        list.resolved("home.example", &[]);
        assert!(!list.is_open());
        assert_eq!(spares(&list, "198.51.100.1"), Some("dns"));
        list.add_file("# mine\n203.0.113.0/24 ; test\n\n203.0.114.1\n");
        assert_eq!(spares(&list, "203.0.113.9"), Some("ip"));
        let mut next = IgnoreList::default();
        next.add("home.example");
        next.keep_names(&list);
        assert_eq!(spares(&next, "198.51.100.1"), Some("dns"));
        assert_eq!(spares(&next, "192.0.2.7"), None);
    }
}
