//! Which ports a ban shuts, of shipped actions and of others.

use std::fs;

use monban_fail2ban::action::{Ports, reach};
use monban_fail2ban::config::{Configuration, Reading};

use super::stock::{folders, with_jails};

/// Each action of one jail: its protocol and its ports.
fn told(found: &Configuration, jail: &str) -> Vec<(String, Option<String>, Ports)> {
    let jail = found.jails.iter().find(|known| known.name == jail).expect("the jail");
    let reaches = jail.actions.iter().map(reach);
    reaches.map(|reach| (reach.action, reach.protocol, reach.ports)).collect()
}

#[test]
fn shipped_actions_shut_the_ports_that_they_say() {
    let these = || Ports::These("http,https".to_owned());
    let expected = [
        ("nftables", these()),
        ("nftables-multiport", these()),
        ("nftables-allports", Ports::All),
        ("iptables", these()),
        ("iptables-multiport", these()),
        ("iptables-new", these()),
        ("iptables-allports", Ports::All),
        ("iptables-ipset-proto6", these()),
        ("iptables-ipset-proto6-allports", Ports::All),
        ("sendmail-whois", Ports::Unknown),
        ("ufw", Ports::Unknown),
        ("firewallcmd-ipset", these()),
        ("firewallcmd-rich-rules", Ports::Unknown),
    ];
    for folder in folders() {
        let jail = |(name, _): &(&str, Ports)| {
            let action = format!("{name}[port=\"http,https\", protocol=tcp]");
            ((*name).to_owned(), action)
        };
        let found = with_jails(&folder, &expected.iter().map(jail).collect::<Vec<_>>());
        for (name, ports) in &expected {
            let protocol = (*ports != Ports::Unknown).then(|| "tcp".to_owned());
            let one = ((*name).to_owned(), protocol, ports.clone());
            assert_eq!(told(&found, name), [one], "{}", folder.display());
        }
    }
}

#[test]
fn what_a_native_action_shuts_is_in_its_rules_or_unknown() {
    let sets = "actionban = nft add element inet t s \\{ <ip> \\}\n\
                actionunban = nft delete element inet t s \\{ <ip> \\}\n\
                [Init]\nport = 22\nprotocol = udp\n";
    let starts = [
        ("other", "nft add rule inet t c tcp dport 2222 ip saddr @s drop", Ports::Unknown),
        ("own", "nft add rule inet t c udp dport <port> drop", Ports::These("22".to_owned())),
        ("none", "", Ports::Unknown),
        ("all", "nft add rule inet t c meta l4proto udp ip saddr @s drop", Ports::All),
        ("from", "nft add rule inet t c meta l4proto udp th sport 53 drop", Ports::Unknown),
    ];
    let folder = tempfile::tempdir().expect("a folder");
    fs::create_dir(folder.path().join("action.d")).expect("made");
    let mut jails = String::new();
    for (name, start, _) in &starts {
        let text = format!("[Definition]\nactionstart = {start}\n{sets}");
        fs::write(folder.path().join(format!("action.d/{name}.conf")), text).expect("written");
        jails +=
            &format!("[{name}]\nenabled = true\nfilter =\nlogpath = /dev/null\naction = {name}\n");
    }
    fs::write(folder.path().join("jail.conf"), jails).expect("written");
    let found = Configuration::read(folder.path(), &Reading::default());
    for (name, _, ports) in starts {
        let protocol = (ports != Ports::Unknown).then(|| "udp".to_owned());
        assert_eq!(told(&found, name), [(name.to_owned(), protocol, ports)]);
    }
}
