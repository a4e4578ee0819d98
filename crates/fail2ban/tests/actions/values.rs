//! Tickets full of what strangers could write.

use std::collections::BTreeMap;

use monban_fail2ban::action::{Counters, Merged, Ticket, Time};
use monban_fail2ban::filter::Id;

use super::chance::Chance;

/// Values that mean something to a shell, to Python or to a regular expression.
pub const HOSTILE: [&str; 30] = [
    "",
    "plain",
    "two words",
    "\"",
    "'",
    "\"'\"'",
    "$(touch canary)",
    "`touch canary`",
    "; touch canary;",
    "'; touch canary; '",
    "\"; touch canary; \"",
    "\ntouch canary\n",
    "\r\ntouch canary\r\n",
    "| touch canary",
    "|| touch canary &",
    "&& touch canary",
    "$((1+1))${HOME}${IFS}$f2bV_ip$0",
    "<ip> <br> <F-USER> <matches>",
    "> canary",
    "-e",
    "--output=canary",
    "-rf *",
    "\\",
    "\\n\\000\\c%s%n%d",
    "門番 ünïcode \u{202e}\u{200b}\u{1f600}",
    "\u{85}\u{2028}\u{7f}\u{1}\t\u{b}\u{c}",
    "a\0b",
    "* ? [a-z] ~root {a,b}",
    "#comment",
    "!! !x %1 = : @ , ) ]",
];

pub fn address(text: &str) -> Id {
    Id::of_text(text)
}

/// Addresses and what stands for them.
pub const IDS: [&str; 12] = [
    "192.0.2.1",
    "2001:db8::1",
    "198.51.100.0/24",
    "2001:db8:5::/48",
    "::1.2.3.4",
    "::5",
    "1:0:0:2:0:0:0:3",
    "a user",
    "x; touch canary",
    "$(touch canary)",
    "'`touch canary`'",
    "",
];

/// A ticket in which every value is the same.
pub fn all(id: &str, value: &str) -> Ticket {
    let mut ticket = Ticket::new(address(id), Time::Fraction(1_700_000_000.25));
    ticket.matches = vec![value.to_owned(), value.to_owned()];
    ticket.host = Some(value.to_owned());
    ticket.failures = 5;
    let names = ["user", "fid", "fport", "mlfid", "alt-x"];
    ticket.captures = names.iter().map(|n| ((*n).to_owned(), value.to_owned())).collect();
    let merged = Merged { matches: vec![value.to_owned()], failures: 7 };
    ticket.of_ip = Some(merged.clone());
    ticket.of_ip_in_jail = Some(merged);
    ticket
}

/// A ticket made by chance.
pub fn by_chance(chance: &mut Chance) -> Ticket {
    let text = |chance: &mut Chance| (*chance.of(&HOSTILE)).to_owned();
    let id: &&str = chance.of(&IDS);
    let id = address(id);
    let whole = chance.below(2) == 0;
    let time = if whole { Time::Whole(1_700_000_000) } else { Time::Fraction(1_700_000_000.5) };
    let mut ticket = Ticket::new(id, time);
    if chance.below(4) == 0 {
        let ip: &&str = chance.of(&IDS[..7]);
        ticket.ip = Some(address(ip));
    }
    ticket.bantime_s = *chance.of(&[None, Some(600), Some(-1), Some(3_000_000)]);
    ticket.bancount = chance.below(5) as u32;
    ticket.failures = chance.below(100) as u64;
    ticket.matches = (0..chance.below(4)).map(|_| text(chance)).collect();
    if chance.below(50) == 0 {
        ticket.matches.push(["x", "$(touch canary)\n"][chance.below(2)].repeat(100_000 / 16));
    }
    ticket.restored = chance.below(4) == 0;
    let names = ["user", "fid", "fport", "mlfid", "x-y", "ip4"];
    ticket.captures = BTreeMap::new();
    for name in names {
        if chance.below(2) == 0 {
            ticket.captures.insert(name.to_owned(), text(chance));
        }
    }
    ticket.host = (chance.below(2) == 0).then(|| text(chance));
    let merged = |chance: &mut Chance| {
        let matches = (0..chance.below(3)).map(|_| text(chance)).collect();
        (chance.below(2) == 0).then_some(Merged { matches, failures: 9 })
    };
    ticket.of_ip = merged(chance);
    ticket.of_ip_in_jail = merged(chance);
    ticket.jail = COUNTERS;
    ticket
}

pub const COUNTERS: Counters = Counters { banned: 3, banned_total: 44, found: 5, found_total: 66 };
