//! Who is spared: `ignoreip`.

use std::collections::{BTreeMap, HashSet};

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

/// Networks and single addresses, by family and length of their prefixes: lists from files are
/// long, and each failure is looked up.
#[derive(Clone, Debug, Default)]
struct Nets(BTreeMap<(bool, u8), HashSet<Net>>);

impl Nets {
    fn add(&mut self, net: Net) {
        self.0.entry((net.base().is_ipv6(), net.prefix())).or_default().insert(net);
    }

    /// Whether one of them has all of this network.
    fn cover(&self, net: Net) -> bool {
        let (base, is_v6) = (net.base(), net.base().is_ipv6());
        let mut wider = self.0.range((is_v6, 0)..=(is_v6, net.prefix()));
        wider.any(|((_, prefix), nets)| {
            Net::new(base, *prefix).is_some_and(|wide| nets.contains(&wide))
        })
    }
}

/// The list of a jail.
#[derive(Clone, Debug, Default)]
pub(crate) struct IgnoreList {
    nets: Nets,
    /// Names and other texts, literally.
    texts: HashSet<Id>,
    names: Vec<Named>,
}

impl IgnoreList {
    /// Adds one entry.
    pub(crate) fn add(&mut self, text: &str) {
        match Id::of_text(text) {
            Id::Net(net) => self.nets.add(net),
            Id::Name(name) | Id::Text(name) => {
                self.texts.insert(Id::Text(name.clone()));
                self.names.push(Named { name, addresses: Vec::new(), answered: false });
            }
        }
    }

    /// Adds the entries of a file: one a line, `#` begins a comment.
    pub(crate) fn add_file(&mut self, text: &str) {
        let lines = text.lines().map(|line| line.split(['#', ';']).next().unwrap_or_default());
        for word in lines.flat_map(str::split_whitespace) {
            if let Id::Net(net) = Id::of_text(word) {
                self.nets.add(net);
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
        let Id::Net(net) = id else { return self.texts.contains(id).then_some("ip") };
        if self.nets.cover(*net) {
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
    fn networks_of_each_length_are_found_as_by_looking_at_all() {
        let mut list = IgnoreList::default();
        let texts = ["10.0.0.0/8", "10.1.0.0/16", "192.0.2.128/25", "0.0.0.0/32", "::/128"];
        let more = ["2001:db8::/33", "2001:db8:8000::1", "203.0.113.77", "::ffff:198.51.100.0/120"];
        let nets: Vec<Net> = texts.iter().chain(&more).map(|one| one.parse().unwrap()).collect();
        texts.iter().chain(&more).for_each(|one| list.add(one));
        let asked = ["10.2.3.4", "10.0.0.0/7", "192.0.2.127", "192.0.2.129", "192.0.2.0/24"];
        let others = ["2001:db8:7fff::", "2001:db8:8000::", "::", "0.0.0.0", "198.51.100.9"];
        for one in asked.iter().chain(&others).chain(&texts).chain(&more) {
            let net: Net = one.parse().unwrap();
            let is_in = nets.iter().any(|wide| wide.covers(net));
            assert_eq!(list.spares(&Id::Net(net)).is_some(), is_in, "{one}");
        }
    }

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
