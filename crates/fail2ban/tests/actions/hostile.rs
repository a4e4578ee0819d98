//! A real shell, values that would run a program of ours if any of them were read as shell, and
//! every shipped action.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Command, Stdio};

use monban_fail2ban::action::{Family, Operation, Shell, Table, Template, Ticket, Time};
use monban_fail2ban::filter::Id;

use super::oracle::hostnames;
use super::{stock, values};

/// Values that create the file `canary` if a shell reads them.
const PAYLOADS: [&str; 13] = [
    "$(canary)",
    "`canary`",
    "; canary ;",
    "'; canary; '",
    "\"; canary; \"",
    "'\"; canary; \"'",
    "\ncanary\n",
    "x' $(canary) 'x",
    "| canary & canary",
    "> canary",
    "<ip>$(canary)<F-USER>",
    "${x:-$(canary)}",
    "\\`canary\\` \\$(canary)\\\\\"; canary",
];

/// Programs that actions only work on texts with.
const TOOLS: [&str; 17] = [
    "sed", "awk", "cat", "grep", "fgrep", "tr", "date", "wc", "cut", "head", "tail", "expr",
    "perl", "uname", "sort", "rm", "sh",
];

/// Programs that do nothing here.
const STUBS: [&str; 30] = [
    "apf",
    "apprise",
    "csf",
    "curl",
    "dig",
    "firewall-cmd",
    "geoiplookup",
    "host",
    "ip",
    "ip6tables",
    "ipfw",
    "ipset",
    "iptables",
    "ipf",
    "mail",
    "mailx",
    "nft",
    "nginx",
    "npfctl",
    "nsupdate",
    "pfctl",
    "route",
    "sendmail",
    "service",
    "shorewall",
    "shorewall6",
    "ssh",
    "ufw",
    "wget",
    "whois",
];

/// A folder with nothing in it but what an action may call.
fn cage() -> tempfile::TempDir {
    let cage = tempfile::tempdir().expect("a folder");
    let bin = cage.path().join("bin");
    fs::create_dir(&bin).expect("made");
    let script = |name: &str, text: &str| {
        fs::write(bin.join(name), text).expect("written");
        fs::set_permissions(bin.join(name), fs::Permissions::from_mode(0o755)).expect("set");
    };
    script("canary", "#!/bin/sh\n: > canary\n");
    for name in STUBS {
        script(name, "#!/bin/sh\nexit 0\n");
    }
    for name in TOOLS {
        let found = ["/usr/bin", "/bin"].map(|folder| Path::new(folder).join(name));
        if let Some(found) = found.iter().find(|path| path.exists()) {
            symlink(found, bin.join(name)).expect("a link");
        }
    }
    // Somebody without rights writes in it.
    fs::set_permissions(cage.path(), fs::Permissions::from_mode(0o777)).expect("set");
    cage
}

/// Runs a command in the cage, as nobody where we are root; true if the canary is there.
fn sings(cage: &Path, shell: &Shell) -> bool {
    let mut command = Command::new("/bin/sh");
    command.arg("-c").arg(&shell.text).args(&shell.values);
    command.env_clear().env("PATH", cage.join("bin")).current_dir(cage);
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    if rustix::process::geteuid().is_root() {
        command.uid(65534).gid(65534);
    }
    command.status().expect("a shell");
    fs::remove_file(cage.join("canary")).is_ok()
}

/// Every shipped action with files of its own in the cage.
fn templates(folder: &Path) -> Vec<Template> {
    let params = r#"name=%(__name__)s, port="80,443", protocol=tcp, tmpfile=./tmp, target=./noted, file=./deny, startstatefile=./state, srv_cfg_path=./, logpath=/dev/null, ipset=set, blck_lst_file=./list, dest=you, sender=me"#;
    let names = stock::names(folder);
    let jails: Vec<(String, String)> =
        names.iter().map(|name| (format!("in-{name}"), format!("{name}[{params}]"))).collect();
    let found = stock::with_jails(folder, &jails);
    let ours: Vec<_> =
        found.jails.into_iter().filter(|jail| jail.name.starts_with("in-")).collect();
    let table = Table::new(&ours, &hostnames(), true);
    (0..table.len())
        .flat_map(|at| table.templates(at as u32).expect("it is there").to_vec())
        .collect()
}

/// All that strangers write; `raw` says whether even who is banned is a text.
fn ticket(payload: &str, raw: bool) -> Ticket {
    let mut ticket = values::all("192.0.2.1", payload);
    if raw {
        ticket.id = Id::Text(payload.to_owned());
    }
    ticket
}

#[test]
fn no_hostile_value_is_run_by_a_shipped_action() {
    let cage = cage();
    let control = Shell { text: "canary".to_owned(), values: Vec::new() };
    assert!(sings(cage.path(), &control), "the cage is deaf");
    for folder in stock::folders() {
        let (mut runs, mut unsafe_ones) = (0, Vec::new());
        for template in templates(&folder) {
            for operation in [Operation::Ban, Operation::Unban, Operation::Prolong] {
                for (payload, raw) in PAYLOADS.iter().flat_map(|p| [(p, false), (p, true)]) {
                    let Some(shell) = template.of_ban(operation, &ticket(payload, raw)) else {
                        continue;
                    };
                    // Nothing of a stranger is in it: it is the same for all.
                    if shell.values.is_empty() && *payload != PAYLOADS[0] {
                        continue;
                    }
                    runs += 1;
                    if sings(cage.path(), &shell) {
                        unsafe_ones.push((template.name.clone(), operation, *payload, raw));
                    }
                }
            }
        }
        println!("{}: {runs} runs, the canary sang {} times", folder.display(), unsafe_ones.len());
        let mut names: Vec<_> =
            unsafe_ones.iter().map(|(name, op, _, raw)| (name, op, raw)).collect();
        names.dedup();
        assert!(names.is_empty(), "{names:?}\n{unsafe_ones:?}");
    }
}

/// How a tag stands in a command.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Quotes {
    None,
    Single,
    Double,
}

/// Where strangers' values stand outside of double quotes: there they are split, and expanded to
/// names of files, or shown as the name of their variable, though never run. An address is never
/// changed by that; what a filter bans instead of an address is.
#[test]
fn shipped_actions_quote_what_strangers_write() {
    for folder in stock::folders() {
        let (mut quoted, mut bare, mut only_addresses) = (0, Vec::new(), Vec::new());
        for template in templates(&folder) {
            for operation in [Operation::Ban, Operation::Unban, Operation::Prolong] {
                let command = template.command(operation, Family::None).unwrap_or_default();
                for tag in ["matches", "ipmatches", "ipjailmatches", "ip-host", "fid", "ip"] {
                    for quotes in quotes_of(command, tag) {
                        match (quotes, tag) {
                            (Quotes::Double, _) => quoted += 1,
                            (quotes, "ip") => only_addresses.push((template.name.clone(), quotes)),
                            (quotes, _) => bare.push((template.name.clone(), tag, quotes)),
                        }
                    }
                }
            }
        }
        only_addresses.sort();
        only_addresses.dedup();
        println!("{}: {quoted} in double quotes, bare: {bare:?}", folder.display());
        println!("for addresses only: {only_addresses:?}");
        assert!(quoted > 20 && bare.is_empty());
    }
}

fn quotes_of(command: &str, tag: &str) -> Vec<Quotes> {
    let needle = format!("<{tag}>");
    let mut found = Vec::new();
    let mut stack = vec![Quotes::None];
    let mut at = 0;
    while at < command.len() {
        let rest = &command[at..];
        let top = *stack.last().expect("never empty");
        let (mut step, first) = (rest.chars().next().map_or(1, char::len_utf8), rest.as_bytes()[0]);
        if rest.starts_with(&needle) {
            found.push(top);
        } else if top == Quotes::Single {
            if first == b'\'' {
                stack.pop();
            }
        } else if first == b'\\' {
            step += rest[1..].chars().next().map_or(0, char::len_utf8);
        } else if rest.starts_with("$(") {
            stack.push(Quotes::None);
            step = 2;
        } else if first == b')' && top == Quotes::None && stack.len() > 1 {
            stack.pop();
        } else if first == b'"' {
            match top == Quotes::Double {
                true => stack.truncate(stack.len() - 1),
                false => stack.push(Quotes::Double),
            }
        } else if first == b'\'' && top == Quotes::None {
            stack.push(Quotes::Single);
        }
        at += step;
    }
    found
}

/// Each value reaches a program as it is, whatever it holds.
#[test]
fn values_in_double_quotes_arrive_unchanged() {
    let config = "[Definition]\nactionban = printf '%%s|' \"<matches>\" \"<F-USER>\" \"<ip-host>\" \"<fid>\"\n";
    let folder = tempfile::tempdir().expect("a folder");
    for name in ["action.d", "filter.d"] {
        fs::create_dir(folder.path().join(name)).expect("made");
    }
    fs::write(folder.path().join("action.d/own.conf"), config).expect("written");
    for name in ["jail.conf", "fail2ban.conf"] {
        fs::write(folder.path().join(name), "[Definition]\n").expect("written");
    }
    let found = stock::with_jails(folder.path(), &[("j".to_owned(), "own".to_owned())]);
    let table = Table::new(&found.jails, &hostnames(), true);
    let number = table.number("j").expect("the jail");
    let template = &table.templates(number).expect("the jail")[0];
    let long = "$x'\"\n".repeat(20_000);
    for value in values::HOSTILE.iter().chain(&PAYLOADS).chain([&long.as_str()]) {
        let mut ticket = Ticket::new(Id::Text("'$id'".to_owned()), Time::Whole(1));
        ticket.matches = vec![(*value).to_owned()];
        ticket.host = Some((*value).to_owned());
        ticket.captures.insert("user".to_owned(), (*value).to_owned());
        let shell = template.of_ban(Operation::Ban, &ticket).expect("a command");
        let output = Command::new("/bin/sh")
            .arg("-c")
            .arg(&shell.text)
            .args(&shell.values)
            .output()
            .expect("a shell");
        let value = value.replace('\0', "");
        assert_eq!(
            String::from_utf8_lossy(&output.stdout),
            format!("{value}|{value}|{value}|'$id'|"),
            "{shell:?}"
        );
    }
}
