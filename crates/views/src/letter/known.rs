//! What is known beside the records that a message tells of.

use std::collections::HashMap;

use monban_model::{Address, Event, Finding, HostFinding, Origin, Record, Seq, Subject, Who};

use crate::printable;

/// Where the addresses of some records are, and what the decisions among them rest on.
#[derive(Clone, Debug, Default)]
pub struct Known {
    /// What is known of addresses.
    pub places: HashMap<Address, Whereabouts>,
    /// Findings by their numbers.
    pub findings: HashMap<Seq, Box<Finding>>,
    /// The comments of keys, by what a log says of the key.
    pub comments: HashMap<Vec<u8>, String>,
}

/// What is known of an address. Texts are a stranger's, and empty where they are not known.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Whereabouts {
    /// Its country and autonomous system.
    pub origin: Origin,
    /// The name of the network or its holder.
    pub network: String,
    /// Its host name by reverse lookup.
    pub name: String,
    /// Whether that name leads back to the address.
    pub name_confirmed: bool,
    /// Where abuse is to be reported.
    pub abuse: String,
}

impl Known {
    /// What is known of addresses, and the findings among these records.
    pub fn new(places: HashMap<Address, Whereabouts>, findings: &[Record]) -> Self {
        let finding = |record: &Record| match &record.event {
            Event::Found(finding) => Some((record.seq, finding.clone())),
            _ => None,
        };
        let findings = findings.iter().filter_map(finding).collect();
        Self { places, findings, comments: HashMap::new() }
    }

    /// What a decision rests on.
    pub(super) fn finding_of(&self, record: &Record) -> Option<&Finding> {
        match &record.event {
            Event::Decided(decision) => self.findings.get(&decision.finding?).map(|one| &**one),
            _ => None,
        }
    }

    /// `203.0.113.9 (JP, OCN)`.
    pub(super) fn place(&self, address: Address) -> String {
        match self.whereabouts(address) {
            Some(known) => format!("{address} ({known})"),
            None => address.to_string(),
        }
    }

    /// `JP, OCN`, if anything is known.
    pub(super) fn whereabouts(&self, address: Address) -> Option<String> {
        self.places.get(&address).map(Whereabouts::short).filter(|known| !known.is_empty())
    }
}

impl Whereabouts {
    /// What registries and name servers say of an address, and where they say nothing the database
    /// of places.
    pub fn of(place: Origin, place_as_name: &str, who: Option<&Who>) -> Self {
        let origin = who.map(Who::origin).unwrap_or_default().or(place);
        let of_place = if origin.asn == place.asn { place_as_name } else { "" };
        let Some(who) = who else {
            return Self { origin, network: of_place.to_owned(), ..Self::default() };
        };
        let names = [who.as_name.as_str(), of_place, &who.org, &who.netname];
        let network = names.into_iter().find(|name| !name.is_empty());
        Self {
            origin,
            network: network.unwrap_or_default().to_owned(),
            name: who.name.clone(),
            name_confirmed: who.name_confirmed,
            abuse: who.abuse.first().cloned().unwrap_or_default(),
        }
    }

    /// `JP, OCN`, as far as it is known.
    fn short(&self) -> String {
        let country = self.origin.country.map(|country| country.to_string());
        let network = Some(printable(self.network.as_bytes())).filter(|name| !name.is_empty());
        country.into_iter().chain(network).collect::<Vec<_>>().join(", ")
    }
}

/// The addresses that a message about this record names.
pub fn named_addresses(record: &Record) -> Vec<Address> {
    match &record.event {
        Event::Entered(login) => login.address.into_iter().collect(),
        Event::Found(finding) => vec![finding.address],
        Event::Decided(decision) => address_of(decision.subject).into_iter().collect(),
        Event::Happened(outcome) => address_of(outcome.subject).into_iter().collect(),
        Event::Alarmed(change) => {
            let contributor = change.contributor.iter().map(|of| &of.value);
            let top = change.addresses.iter().map(|entry| &entry.name);
            contributor.chain(top).filter_map(|name| address_in(name)).collect()
        }
        Event::FoundHere(finding) => finding_address(finding).into_iter().collect(),
        Event::Ordered(_) | Event::Noticed(_) => Vec::new(),
    }
}

/// The address that a finding about this host is about, if it is about one.
pub(super) fn finding_address(finding: &HostFinding) -> Option<Address> {
    let value = finding.values.iter().find(|(name, _)| name == "address");
    value.and_then(|(_, value)| value.parse().ok())
}

/// The address that a subject stands for, if it is no wider network.
pub(super) fn address_of(subject: Subject) -> Option<Address> {
    subject.is_single().then(|| Address::new(subject.net().base()))
}

/// The address that is written there, if one is.
pub(super) fn address_in(name: &[u8]) -> Option<Address> {
    std::str::from_utf8(name).ok()?.parse().ok()
}
