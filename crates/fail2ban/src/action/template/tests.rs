//! What is made of an action, and when.

use std::fs;

use crate::config::{Configuration, Reading};

use super::*;

/// The action `a` of a jail, with this text below `[Definition]`.
fn spec(definition: &str) -> ActionSpec {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| {
        let path = folder.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    };
    write("filter.d/x.conf", "[Definition]\nfailregex = ^x <HOST>$\n");
    write("action.d/a.conf", &format!("[Definition]\n{definition}"));
    write("jail.local", "[x]\nenabled = yes\nfilter = x\nlogpath = /x\naction = a\n");
    let mut found = Configuration::read(folder.path(), &Reading::default());
    found.jails.remove(0).actions.remove(0)
}

fn template(spec: &ActionSpec) -> Template {
    Template::new(spec, "x", 600, &Hostnames::default(), true).unwrap()
}

/// An action whose firewall is a program of the family.
const OF_FAMILIES: &str = "\
actionstart = <program> -N <name>
actionban = <program> -I <name> -s <ip> -j DROP
actionunban = <program> -D <name> -s <ip> -j DROP
[Init]
program = iptables
[Init?family=inet6]
program = ip6tables
";

#[test]
fn commands_are_made_when_one_is_asked_for() {
    let template = template(&spec(OF_FAMILIES));
    assert!(template.has.on_demand && template.commands.get().is_none());
    assert_eq!(template.command(Operation::Start, Family::Inet4), Some("iptables -N x"));
    assert!(template.commands.get().is_some());
    assert!(template.is_as(&super::tests::template(&spec(OF_FAMILIES))));
    let other = OF_FAMILIES.replace("DROP", "REJECT");
    assert!(!template.is_as(&super::tests::template(&spec(&other))));
}

#[test]
fn a_family_without_values_of_its_own_has_the_commands_of_all() {
    let template = template(&spec(OF_FAMILIES));
    let start = |family| template.command(Operation::Start, family).unwrap();
    assert_eq!(start(Family::Inet4), start(Family::Every));
    assert_eq!(start(Family::Inet6), "ip6tables -N x");
    let native = |family| template.native(family).unwrap().place().clone();
    assert_ne!(native(Family::Inet4), native(Family::Inet6));
}

#[test]
fn the_start_of_an_action_is_that_of_all_its_commands() {
    let shell = OF_FAMILIES.replace("DROP", "DROP; true");
    let of_six = OF_FAMILIES.replace("program = iptables", "program = mine");
    let reban = format!("actionreban = true\n{OF_FAMILIES}");
    let loops = OF_FAMILIES.replace("-N <name>", "<loop>") + "loop = <loop>\n";
    for (text, is_native) in
        [(OF_FAMILIES, true), (&shell, false), (&of_six, true), (&reban, false), (&loops, true)]
    {
        let spec = spec(text);
        let template = template(&spec);
        assert_eq!(template.is_native(), is_native, "{text}");
        let start = template.command(Operation::Start, Family::Inet4).unwrap_or_default();
        assert_eq!(native_start(&spec), is_native.then(|| start.to_owned()), "{text}");
    }
}
