//! Actions whose commands are those of fail2ban's own firewall actions: many bans of them are one
//! run of a program that reads its changes from its input.
//!
//! They are known by their commands and not by their names, after everything was put in. A command
//! of another form, or with anything that a shell would read, stays with the shell.

use std::collections::BTreeMap;
use std::fmt::Write;

use monban_model::{Net, SetName, TableFamily};

use crate::filter::Id;

use super::kernel::Elements;
use super::place::Place;
use super::ticket::Ticket;
use super::values::shown;

/// What decides by itself how long an element of an ipset stays, as fail2ban writes it.
const TIMEOUT_BANTIME: &str = r#"$([ "<bantime>" -le 2147483 ] && echo "<bantime>" || echo 0)"#;

/// The longest time of an element of an ipset, in seconds.
const IPSET_SECONDS_MAX: i64 = 2_147_483;

/// How the bans of an action are made many at a time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Native {
    kind: Kind,
    /// The program that reads changes, with its arguments.
    program: Vec<String>,
    /// What stands in a line before the address, and behind it.
    ban: [String; 2],
    unban: [String; 2],
    place: Place,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Kind {
    /// With the set, where the program is surely the one that its name says.
    Nftables(Option<SetName>),
    Ipset(Timeout),
    /// With the name of the table.
    Iptables(String),
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Timeout {
    Fixed,
    OfBan,
    /// That of the ban, and none where it is too long.
    OfBanOrNone,
}

/// A program and its input.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fed {
    /// The program with its arguments.
    pub program: Vec<String>,
    /// What it reads.
    pub input: String,
    /// The same for a [`super::Kernel`], which can do it without the program.
    pub elements: Option<Elements>,
}

/// What happens to an address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Way {
    In,
    Out,
}

impl Native {
    /// By the commands of a ban and of its end, in which `<ip>` still stands.
    pub fn of(ban: &str, unban: &str) -> Option<Self> {
        nftables(ban, unban).or_else(|| ipset(ban, unban)).or_else(|| iptables(ban, unban))
    }

    /// Whether the same address can be in it several times.
    pub fn repeats(&self) -> bool {
        matches!(self.kind, Kind::Iptables(_))
    }

    /// Where its bans lie.
    pub const fn place(&self) -> &Place {
        &self.place
    }

    /// The input for changes, in their order. `bantime_s` is that of the jail.
    pub fn feed<'t>(
        &self,
        changes: impl Iterator<Item = (Way, &'t Ticket)> + Clone,
        bantime_s: i64,
    ) -> Fed {
        let elements = self.elements(changes.clone());
        let mut input = String::new();
        if let Kind::Iptables(table) = &self.kind {
            let _ = writeln!(input, "*{table}");
        }
        let mut last = None;
        for (way, ticket) in changes {
            let [head, tail] = if way == Way::In { &self.ban } else { &self.unban };
            let ip = shown(ticket.address());
            match &self.kind {
                // Elements of one line go into the kernel together.
                Kind::Nftables(_) if last == Some(way) => {
                    input.truncate(input.len() - tail.len() - 1);
                    let _ = write!(input, ", {ip}{tail}");
                }
                Kind::Ipset(timeout) if way == Way::In => {
                    let _ = write!(input, "{head}{ip}{tail}");
                    let seconds = ticket.bantime_s.unwrap_or(bantime_s);
                    match timeout {
                        Timeout::Fixed => {}
                        Timeout::OfBanOrNone if seconds > IPSET_SECONDS_MAX => input.push('0'),
                        Timeout::OfBan | Timeout::OfBanOrNone => {
                            let _ = write!(input, "{seconds}");
                        }
                    }
                }
                _ => {
                    let _ = write!(input, "{head}{ip}{tail}");
                }
            }
            input.push('\n');
            last = Some(way);
        }
        if matches!(self.kind, Kind::Iptables(_)) {
            input.push_str("COMMIT\n");
        }
        Fed { program: self.program.clone(), input, elements }
    }

    /// What becomes of the elements of a set, as far as that is all.
    fn elements<'t>(&self, changes: impl Iterator<Item = (Way, &'t Ticket)>) -> Option<Elements> {
        let Kind::Nftables(Some(set)) = &self.kind else { return None };
        // What happened to an address last is what remains.
        let mut last: BTreeMap<Net, Way> = BTreeMap::new();
        for (way, ticket) in changes {
            let Id::Net(net) = ticket.address() else { return None };
            last.insert(*net, way);
        }
        let of = |wanted| {
            let own = last.iter().filter(move |(_, way)| **way == wanted);
            own.map(|(net, _)| *net).collect()
        };
        Some(Elements { set: set.clone(), add: of(Way::In), delete: of(Way::Out) })
    }
}

/// The words of a command without anything that a shell would read: `\{` and `\}` are words as
/// they are, and `<ip>` is the address.
fn words(command: &str) -> Option<Vec<&str>> {
    if command.trim().contains('\n') {
        return None;
    }
    let words = command.split_whitespace();
    words
        .map(|word| match word {
            r"\{" => Some("{"),
            r"\}" => Some("}"),
            "<ip>" => Some(word),
            word => word.bytes().all(is_plain).then_some(word),
        })
        .collect()
}

const fn is_plain(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.' | b',' | b':' | b'/' | b'+')
}

/// Whether a word is the name of this program, perhaps with its folder.
fn is_program(word: &str, name: &str) -> bool {
    word.rsplit('/').next() == Some(name)
}

/// Whether a program is looked for in the system's folders, or in one of them. In another one
/// somebody may have put something that does more.
fn is_of_system(program: &str) -> bool {
    const FOLDERS: [&str; 4] = ["/sbin", "/usr/sbin", "/bin", "/usr/bin"];
    program.rsplit_once('/').is_none_or(|(folder, _)| FOLDERS.contains(&folder))
}

fn nftables(ban: &str, unban: &str) -> Option<Native> {
    let (ban, unban) = (words(ban)?, words(unban)?);
    let [program, "add", "element", place @ .., "{", "<ip>", "}"] = &ban[..] else { return None };
    let ["delete", "element", rest @ ..] = unban.strip_prefix(&[*program])? else { return None };
    let is_same = rest.strip_suffix(&["{", "<ip>", "}"]) == Some(place);
    let [family, table, set] = place else { return None };
    let set_family = TableFamily::from_word(family)?;
    // A file for nft begins each statement with a keyword: other names are words of its own.
    let is_name = |name: &str| {
        name.starts_with(|c: char| c.is_ascii_alphabetic())
            && name.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.'))
    };
    if !is_same || !is_program(program, "nft") || !is_name(table) || !is_name(set) {
        return None;
    }
    let line = |verb: &str| [format!("{verb} element {family} {table} {set} {{ "), " }".to_owned()];
    let name = is_of_system(program).then(|| SetName {
        family: set_family,
        table: (*table).to_owned(),
        set: (*set).to_owned(),
    });
    let (list, show) =
        (&[program, "list", "tables"], &[program, "list", "set", family, table, set]);
    Some(Native {
        place: Place::new(name.clone(), list, show),
        kind: Kind::Nftables(name),
        program: vec![(*program).to_owned(), "-f".to_owned(), "-".to_owned()],
        ban: line("add"),
        unban: line("delete"),
    })
}

fn ipset(ban: &str, unban: &str) -> Option<Native> {
    let mut timeout = Timeout::Fixed;
    let mut ban = ban.trim().to_owned();
    for (text, kind) in [(TIMEOUT_BANTIME, Timeout::OfBanOrNone), ("<bantime>", Timeout::OfBan)] {
        let (head, tail) = ban.split_once(text).unwrap_or((&ban, "none"));
        if head.ends_with(" timeout ") && tail.is_empty() {
            (ban, timeout) = (head.to_owned(), kind);
        }
    }
    let (ban, unban) = (words(&ban)?, words(unban)?);
    // It may stand at the front or at the end.
    let without = |words: &[&str]| -> Option<Vec<String>> {
        let rest: Vec<String> =
            words.iter().filter(|word| **word != "-exist").map(|w| (*w).to_owned()).collect();
        (rest.len() + 1 == words.len()).then_some(rest)
    };
    let (ban, unban) = (without(&ban)?, without(&unban)?);
    let (ban, unban): (Vec<&str>, Vec<&str>) =
        (ban.iter().map(String::as_str).collect(), unban.iter().map(String::as_str).collect());
    let [program, "add", set, "<ip>", more @ ..] = &ban[..] else { return None };
    let tail = match (more, &timeout) {
        ([], Timeout::Fixed) => String::new(),
        (["timeout", seconds], Timeout::Fixed) if seconds.parse::<u32>().is_ok() => {
            format!(" timeout {seconds}")
        }
        (["timeout"], Timeout::OfBan | Timeout::OfBanOrNone) => " timeout ".to_owned(),
        _ => return None,
    };
    if !is_program(program, "ipset") || unban != [*program, "del", *set, "<ip>"] {
        return None;
    }
    let arguments = [*program, "restore", "-exist"];
    let list = [program, "list", "-n"];
    Some(Native {
        place: Place::new(None, &list, &[&list[..], &[set]].concat()),
        kind: Kind::Ipset(timeout),
        program: arguments.map(str::to_owned).to_vec(),
        ban: [format!("add {set} "), tail],
        unban: [format!("del {set} "), String::new()],
    })
}

fn iptables(ban: &str, unban: &str) -> Option<Native> {
    let (ban, unban) = (words(ban)?, words(unban)?);
    let program = *ban.first()?;
    if !is_program(program, "iptables") && !is_program(program, "ip6tables") {
        return None;
    }
    let (mut table, mut options, mut at) = ("filter", vec!["--noflush"], 1);
    loop {
        match ban.get(at..)? {
            ["-w", seconds, ..] if seconds.parse::<u32>().is_ok() => {
                options.extend(["-w", *seconds]);
                at += 2;
            }
            ["-w", ..] => {
                options.push("-w");
                at += 1;
            }
            ["-t", name, ..] if matches!(*name, "filter" | "raw" | "mangle" | "security") => {
                table = name;
                at += 2;
            }
            _ => break,
        }
    }
    let (head, ban) = ban.split_at_checked(at)?;
    let unban = unban.strip_prefix(head)?;
    let (chain, place, target) = match ban {
        ["-I", chain, "1", "-s", "<ip>", "-j", target @ ..] => (chain, " 1", target),
        ["-I", chain, "-s", "<ip>", "-j", target @ ..] => (chain, "", target),
        _ => return None,
    };
    let ["-D", other, "-s", "<ip>", "-j", left @ ..] = unban else { return None };
    if chain != other || target != left || target.is_empty() {
        return None;
    }
    let arguments = options.into_iter().map(str::to_owned);
    let tail = format!(" -j {}", target.join(" "));
    // All of the table, since a chain that the program cannot read is not gone.
    let list = [head, &["-S"]].concat();
    Some(Native {
        place: Place::new(None, &list, &[&list[..], &[chain]].concat()),
        kind: Kind::Iptables(table.to_owned()),
        program: std::iter::once(format!("{program}-restore")).chain(arguments).collect(),
        ban: [format!("-I {chain}{place} -s "), tail.clone()],
        unban: [format!("-D {chain} -s "), tail],
    })
}

#[cfg(test)]
mod tests {
    use super::super::ticket::Time;
    use super::*;
    use crate::filter::Id;

    fn ticket(ip: &str) -> Ticket {
        Ticket::new(Id::of_text(ip), Time::Whole(1))
    }

    fn fed(ban: &str, unban: &str) -> String {
        let native = Native::of(ban, unban).expect("a known form");
        let (one, two, net) = (ticket("192.0.2.1"), ticket("2001:db8::1"), ticket("10.0.0.0/8"));
        let changes = [(Way::In, &one), (Way::In, &two), (Way::Out, &one), (Way::In, &net)];
        let fed = native.feed(changes.into_iter(), 600);
        format!("{}|{}", fed.program.join(" "), fed.input)
    }

    #[test]
    fn stock_commands_become_input() {
        assert_eq!(
            fed(
                r"nft add element inet f2b-table addr-set-a \{ <ip> \}",
                r"nft delete element inet f2b-table addr-set-a \{ <ip> \}"
            ),
            "nft -f -|add element inet f2b-table addr-set-a { 192.0.2.1, 2001:db8::1 }\n\
             delete element inet f2b-table addr-set-a { 192.0.2.1 }\n\
             add element inet f2b-table addr-set-a { 10.0.0.0/8 }\n"
        );
        assert_eq!(
            fed("/sbin/ipset -exist add f2b-a <ip> timeout 0", "/sbin/ipset -exist del f2b-a <ip>"),
            "/sbin/ipset restore -exist|add f2b-a 192.0.2.1 timeout 0\n\
             add f2b-a 2001:db8::1 timeout 0\ndel f2b-a 192.0.2.1\nadd f2b-a 10.0.0.0/8 timeout 0\n"
        );
        let reject = "-s <ip> -j REJECT --reject-with icmp-port-unreachable";
        assert_eq!(
            fed(
                &format!("iptables -w -I f2b-a 1 {reject}"),
                &format!("iptables -w -D f2b-a {reject}")
            )
            .lines()
            .next(),
            Some("iptables-restore --noflush -w|*filter")
        );
    }

    #[test]
    fn elements_are_as_they_are_at_the_end() {
        let elements = |program: &str, changes: &[(Way, &str)]| {
            let command = |verb| format!(r"{program} {verb} element ip6 t s-1 \{{ <ip> \}}");
            let native = Native::of(&command("add"), &command("delete")).expect("a known form");
            let tickets: Vec<(Way, Ticket)> =
                changes.iter().map(|(way, ip)| (*way, ticket(ip))).collect();
            native.feed(tickets.iter().map(|(way, ticket)| (*way, ticket)), 600).elements
        };
        let changes = [(Way::In, "::1"), (Way::In, "::2"), (Way::Out, "::1"), (Way::In, "::3")];
        let found = elements("/usr/sbin/nft", &changes).expect("elements");
        let nets = |list: &[&str]| list.iter().map(|net| net.parse().unwrap()).collect::<Vec<_>>();
        assert_eq!(found.set.to_string(), "ip6 t s-1");
        assert_eq!((found.add, found.delete), (nets(&["::2", "::3"]), nets(&["::1"])));
        assert!(elements("nft", &changes).is_some());
        assert_eq!(elements("/opt/mine/nft", &changes), None);
        assert_eq!(elements("nft", &[(Way::In, "a-name")]), None);
    }

    #[test]
    fn the_time_of_an_element_is_that_of_the_ban() {
        let ban = format!("ipset -exist add s <ip> timeout {TIMEOUT_BANTIME}");
        let unban = "ipset -exist del s <ip>";
        assert!(fed(&ban, unban).contains("add s 192.0.2.1 timeout 600\n"));
        let native = Native::of(&ban, unban).expect("a known form");
        for (bantime, shown) in [(-1, "-1"), (2_147_484, "0"), (5, "5")] {
            let ticket = Ticket { bantime_s: Some(bantime), ..ticket("192.0.2.1") };
            let fed = native.feed(std::iter::once((Way::In, &ticket)), 600);
            assert_eq!(fed.input, format!("add s 192.0.2.1 timeout {shown}\n"));
        }
    }

    #[test]
    fn other_commands_stay_with_the_shell() {
        let nft = r"nft delete element inet t s \{ <ip> \}";
        for (ban, unban) in [
            (r"nft add element inet t s \{ <ip> \}; mail", nft),
            (r"nft add element inet t other \{ <ip> \}", nft),
            (r"nft add element inet t s \{ <ip> timeout 1h \}", nft),
            (r"nft add element inet $t s \{ <ip> \}", nft),
            (r"mynft add element inet t s \{ <ip> \}", nft),
            ("nft add element inet t s \\{ <ip> \\}\ntrue", nft),
            ("ipset --add s <ip>", "ipset --del s <ip>"),
            ("ipset add s <ip>", "ipset del s <ip>"),
            ("iptables -I c 1 -s <ip> -j DROP", "iptables -D c -s <ip> -j REJECT"),
            ("iptables -A c -s <ip> -j DROP", "iptables -D c -s <ip> -j DROP"),
            ("iptables -t nat -I c -s <ip> -j DROP", "iptables -t nat -D c -s <ip> -j DROP"),
            ("", ""),
        ] {
            assert_eq!(Native::of(ban, unban), None, "{ban}");
        }
    }
}
