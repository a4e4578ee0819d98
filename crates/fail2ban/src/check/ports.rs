//! Names of services in `port` that this machine does not know: the firewall refuses each ban.

use std::collections::HashSet;

use crate::action::{Ports, Reach, reach};
use crate::config::{Complaint, Jail};

/// Names of services, as /etc/services has them.
#[derive(Clone, Debug, Default)]
pub struct Services(HashSet<String>);

impl Services {
    /// Reads the text of such a file: a name, its port and other names in each line.
    pub fn read(text: &str) -> Self {
        let names = text.lines().flat_map(|line| {
            let told = line.split('#').next().unwrap_or_default();
            let mut words = told.split_whitespace();
            let name = words.next();
            // The second word is the port.
            name.into_iter().chain(words.skip(1)).map(str::to_owned)
        });
        Self(names.collect())
    }

    /// Whether a port is a number or a name that is known; so a range, of which each end is one.
    fn know(&self, port: &str) -> bool {
        let is_one = |one: &str| self.0.contains(one) || one.parse::<u16>().is_ok();
        let is_range = || {
            let mut ends = port.splitn(2, [':', '-']);
            ends.next().is_some_and(is_one) && ends.next().is_some_and(is_one)
        };
        is_one(port) || is_range()
    }
}

/// Complains of the names in a jail's ports that are none; whether there is one. Without any list
/// nothing is known.
pub(crate) fn complain(jail: &Jail, services: &Services, complaints: &mut Vec<Complaint>) -> bool {
    if services.0.is_empty() {
        return false;
    }
    let before = complaints.len();
    for Reach { action, ports, .. } in jail.actions.iter().map(reach) {
        let Ports::These(ports) = ports else { continue };
        let spec = jail.actions.iter().find(|spec| spec.actname == action);
        let Some(spec) = spec else { continue };
        let written = jail.port.as_ref().filter(|port| port.value == ports);
        let place = written.map_or(&spec.from, |port| &port.from);
        let names = ports.split([',', ' ', '\t', '\n', '{', '}']).filter(|name| !name.is_empty());
        for name in names.filter(|name| !name.contains('<') && !services.know(name)) {
            let kind = "port-unknown";
            let complaint = match jail.enabled {
                true => Complaint::error(kind, place.clone()),
                false => Complaint::warning(kind, place.clone()),
            };
            let complaint = complaint.with("port", name).with("action", &action);
            complaints.push(complaint.with("jail", &jail.name));
        }
    }
    complaints.len() > before
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_names_and_ranges_are_known_and_nothing_else() {
        let text = "# ports\nimap2\t143/tcp\timap\t# mail\nhttp-alt 8080/udp\n\nssh 22/tcp";
        let services = Services::read(text);
        for known in ["22", "imap", "imap2", "ssh", "http-alt", "0:65535", "22-25", "ssh:imap"] {
            assert!(services.know(known), "{known}");
        }
        for unknown in ["impas", "143/tcp", "mail", "ports", "65536", "22:", "-25", "a-b", "#"] {
            assert!(!services.know(unknown), "{unknown}");
        }
    }
}
