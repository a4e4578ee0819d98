//! An action as one jail uses it, with everything put in that is known at load.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::OnceLock;
use std::time::Duration;

use monban_model::limits::{FAIL2BAN_TAG_REPEATS_MAX, FAIL2BAN_VALUE_MAX};

use crate::config::{ActionKind, ActionSpec, Complaint, Jail, Options, Text, tags};

use super::family::Family;
use super::hostnames::Hostnames;
use super::mail::Mailer;
use super::native::Native;
use super::operation::Operation;
use super::shell::{self, Shell};
use super::ticket::Ticket;
use super::values::{OfFamily, OfTicket, TAGS};

/// Lines of the log are strangers' texts: a parameter of that name is escaped, and not searched
/// for tags.
const ESCAPED: [&str; 3] = ["matches", "ipmatches", "ipjailmatches"];

/// Names that fail2ban's server takes for something to do, not for a value.
const CALLABLE: [&str; 15] = [
    "ban",
    "clearAllParams",
    "consistencyCheck",
    "escapeTag",
    "executeCmd",
    "flush",
    "invalidateBanEpoch",
    "prolong",
    "reban",
    "reload",
    "replaceDynamicTags",
    "replaceTag",
    "start",
    "stop",
    "unban",
];

/// Commands that every action has: an empty text where nothing else is written.
pub(crate) const COMMANDS: [&str; 9] = [
    "actionban",
    "actioncheck",
    "actionflush",
    "actionreban",
    "actionreload",
    "actionrepair",
    "actionstart",
    "actionstop",
    "actionunban",
];

/// The conditions that values can depend on.
const CONDITIONS: [Option<&str>; 3] = [None, Some("inet4"), Some("inet6")];

/// An action with the tags put in that are known at load; those of the ban still stand.
#[derive(Clone, Debug)]
pub struct Template {
    /// The name of its file.
    pub name: String,
    /// Its name in the jail.
    pub actname: String,
    /// The jail.
    pub jail: String,
    /// Whether it leaves out bans from before a restart.
    pub norestored: bool,
    /// Longest time of a command.
    pub timeout: Duration,
    /// All values that stand for tags.
    properties: Options,
    /// Made when it is first asked for: many jails never ban.
    commands: OnceLock<Commands>,
    /// It is no commands, but mails.
    pub(crate) mailer: Option<Mailer>,
    pub(crate) has: Has,
    pub(crate) families: Vec<Family>,
    bantime_s: i64,
    hostnames: Hostnames,
}

/// What runs.
#[derive(Clone, Debug, PartialEq)]
struct Commands {
    /// By operation and condition; `None` where tags lead to themselves.
    texts: Vec<[Option<String>; 3]>,
    /// By condition.
    native: [Option<Native>; 3],
}

/// What decides on which commands run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Has {
    pub on_demand: bool,
    pub check: bool,
    pub flush: bool,
    pub prolong: bool,
    pub reban: bool,
    pub repair_on_unban: bool,
}

impl Template {
    /// Prepares an action of a jail whose bans last `bantime_s`. With `ipv6` both families are
    /// started where an action is not started on demand. `None` for what is not made of commands.
    ///
    /// A command whose tags lead to themselves is never run, as in fail2ban.
    pub fn new(
        spec: &ActionSpec,
        jail: &str,
        bantime_s: i64,
        hostnames: &Hostnames,
        ipv6: bool,
    ) -> Option<Self> {
        if spec.kind != ActionKind::Shell {
            return None;
        }
        let properties = properties(spec);
        let text = |key: &str| properties.get(key).map_or("", Text::as_str);
        let conditional = properties.iter().any(|(key, _)| is_conditional(key));
        let has = Has {
            on_demand: spec.start_on_demand.unwrap_or(conditional),
            check: !text("actioncheck").is_empty(),
            flush: !text("actionflush").is_empty(),
            prolong: !text("actionprolong").trim().is_empty(),
            reban: !text("actionreban").is_empty(),
            repair_on_unban: spec.repair_on_unban.unwrap_or(false),
        };
        let seconds = spec.timeout.value.seconds.clamp(0.0, f64::from(u32::MAX));
        Some(Self {
            name: spec.name.clone(),
            actname: spec.actname.clone(),
            jail: jail.to_owned(),
            norestored: spec.norestored,
            timeout: Duration::from_secs_f64(seconds),
            mailer: None,
            families: families(text("families"), conditional, ipv6),
            commands: OnceLock::new(),
            properties,
            has,
            bantime_s,
            hostnames: hostnames.clone(),
        })
    }

    /// An action in the place of one that is not made of commands: it sends mails, or does nothing.
    pub(crate) fn of_python(
        spec: &ActionSpec,
        jail: &str,
        bantime_s: i64,
        hostnames: &Hostnames,
    ) -> Self {
        let mailer = Mailer::of(spec, hostnames);
        Self {
            name: spec.name.clone(),
            actname: spec.actname.clone(),
            jail: jail.to_owned(),
            norestored: mailer.is_some(),
            mailer,
            timeout: Duration::ZERO,
            properties: Options::default(),
            commands: OnceLock::from(Commands::none()),
            has: Has::default(),
            families: vec![Family::Every],
            bantime_s,
            hostnames: hostnames.clone(),
        }
    }

    /// Whether it runs the same commands as another; how long bans last may differ.
    pub fn is_as(&self, other: &Self) -> bool {
        let of = |one: &Self| (one.norestored, one.timeout, one.has);
        (&self.name, &self.actname, &self.jail) == (&other.name, &other.actname, &other.jail)
            && (&self.mailer, &self.families) == (&other.mailer, &other.families)
            && (of(self), &self.hostnames) == (of(other), &other.hostnames)
            && self.commands() == other.commands()
    }

    fn commands(&self) -> &Commands {
        self.commands.get_or_init(|| Commands::of(&self.properties, &self.hostnames, self.has))
    }

    /// Whether its bans are made many at a time, by a program that reads them, and not by a shell.
    pub fn is_native(&self) -> bool {
        self.commands().native.iter().any(Option::is_some)
    }

    /// Whether no command runs for a ban or its end.
    pub(crate) fn is_silent(&self) -> bool {
        self.mailer.is_none()
            && [Operation::Ban, Operation::Unban].into_iter().all(|operation| {
                let families = [Family::Every, Family::Inet4, Family::Inet6];
                families.into_iter().all(|family| self.command(operation, family) == Some(""))
            })
    }

    pub(crate) fn native(&self, family: Family) -> Option<&Native> {
        let at = match family {
            Family::Inet4 => 1,
            Family::Inet6 => 2,
            Family::Every | Family::None => return None,
        };
        self.commands().native.get(at)?.as_ref()
    }

    pub(crate) const fn bantime_s(&self) -> i64 {
        self.bantime_s
    }

    /// A command with the tags of the ban still in it; empty if there is none.
    pub fn command(&self, operation: Operation, family: Family) -> Option<&str> {
        let condition = family.condition();
        let at = CONDITIONS.iter().position(|one| *one == condition)?;
        let row = Operation::ALL.iter().position(|one| *one == operation)?;
        self.commands().texts.get(row)?.get(at)?.as_deref()
    }

    /// Whether a command of this action asks for the value of a tag.
    pub fn asks(&self, tag: &str) -> bool {
        let tag = format!("<{tag}>");
        self.commands().texts.iter().flatten().flatten().any(|command| command.contains(&tag))
    }

    /// The tags of a ticket that a command asks for, and the captures.
    pub fn dynamic_tags(&self, operation: Operation, family: Family) -> Vec<&str> {
        let mut found = Vec::new();
        let Some(command) = self.command(operation, family) else { return found };
        let mut at = 0;
        while let Some((start, end)) = tags::find(command, at) {
            let tag = &command[start + 1..end - 1];
            if TAGS.contains(&tag) || tag.starts_with("F-") {
                found.push(tag);
            }
            at = end;
        }
        found
    }

    /// The command of a ban as a shell gets it; `None` if its tags lead to themselves.
    pub fn of_ban(&self, operation: Operation, ticket: &Ticket) -> Option<Shell> {
        let command = self.command(operation, ticket.family())?;
        Some(shell::fill(command, &self.values(ticket, None)))
    }

    /// A command of no ban, before the counters are put in.
    pub(crate) fn of_family(&self, operation: Operation, family: Family) -> Option<Shell> {
        let command = self.command(operation, family)?;
        if family.text().is_empty() || family == Family::None {
            return Some(Shell { text: command.to_owned(), values: Vec::new() });
        }
        Some(shell::fill(command, &OfFamily(family, &self.hostnames)))
    }

    /// The same with the values that nobody has.
    pub(crate) fn of_nobody(&self, command: &Shell, family: Family, ticket: &Ticket) -> Shell {
        shell::fill(&command.text, &self.values(ticket, Some(family)))
    }

    fn values<'a>(&'a self, ticket: &'a Ticket, family: Option<Family>) -> OfTicket<'a> {
        let bantime_s = self.bantime_s;
        OfTicket { ticket, family, jail: &self.jail, bantime_s, hostnames: &self.hostnames }
    }
}

impl Commands {
    fn none() -> Self {
        let texts = vec![[const { Some(String::new()) }; 3]; Operation::ALL.len()];
        Self { texts, native: [const { None }; 3] }
    }

    fn of(properties: &Options, hostnames: &Hostnames, has: Has) -> Self {
        let mut texts = vec![[const { None }; 3]; Operation::ALL.len()];
        let of_all = put_in(properties, None, hostnames);
        for (at, condition) in CONDITIONS.into_iter().enumerate() {
            let found = match condition.filter(|family| has_own_values(properties, family)) {
                Some(family) => put_in(properties, Some(family), hostnames),
                None => of_all.clone(),
            };
            for (row, command) in texts.iter_mut().zip(found.unwrap_or_default()) {
                row[at] = command;
            }
        }
        Self { native: native(&texts, has), texts }
    }
}

/// `ignorecommand` of a jail, with the values of who is asked about. It spares whom it exits with 0
/// for.
pub fn ignore_command(jail: &Jail, ticket: &Ticket, hostnames: &Hostnames) -> Shell {
    let bantime_s = jail.bantime.value.seconds as i64;
    let values = OfTicket { ticket, family: None, jail: &jail.name, bantime_s, hostnames };
    shell::fill(&jail.ignorecommand.value, &values)
}

/// The start of an action for IPv4, if its bans are made many at a time, by a program that reads
/// them, and not by a shell: in less time than it takes to make all of a [`Template`].
pub(crate) fn native_start(spec: &ActionSpec) -> Option<String> {
    if spec.kind != ActionKind::Shell {
        return None;
    }
    let (properties, hostnames) = (properties(spec), Hostnames::default());
    let reban = properties.get(Operation::Reban.key()).map_or("", Text::as_str);
    if !reban.is_empty() {
        return None;
    }
    let of = |condition| put_in(&properties, condition, &hostnames).unwrap_or_default();
    let one = |commands: &[Option<String>], wanted: Operation| {
        let at = Operation::ALL.iter().position(|one| *one == wanted)?;
        commands.get(at)?.clone()
    };
    let is_native = |commands: &[Option<String>]| {
        let pair = one(commands, Operation::Ban).zip(one(commands, Operation::Unban));
        pair.is_some_and(|(ban, unban)| Native::of(&ban, &unban).is_some())
    };
    let inet4 = of(Some("inet4"));
    let is_one =
        is_native(&inet4) || [None, Some("inet6")].into_iter().any(|at| is_native(&of(at)));
    is_one.then(|| one(&inet4, Operation::Start).unwrap_or_default())
}

/// How bans are made many at a time, for each condition.
fn native(commands: &[[Option<String>; 3]], has: Has) -> [Option<Native>; 3] {
    let row = |wanted: Operation| Operation::ALL.iter().position(|one| *one == wanted);
    let of = |operation, at: usize| commands.get(row(operation)?)?.get(at)?.as_deref();
    let pair = |at| Some((of(Operation::Ban, at)?, of(Operation::Unban, at)?));
    let native = |at| pair(at).and_then(|(ban, unban)| Native::of(ban, unban));
    let of_all = native(0);
    let of_one = |at| if pair(at) == pair(0) { of_all.clone() } else { native(at) };
    // Another command for the same ban could do anything.
    [of_all.clone(), of_one(1), of_one(2)].map(|native| native.filter(|_| !has.reban))
}

/// All values that stand for tags, in the order in which they are put into each other.
fn properties(spec: &ActionSpec) -> Options {
    let mut all: BTreeMap<&str, Text> =
        COMMANDS.into_iter().map(|key| (key, Text::built_in(""))).collect();
    let seconds = spec.timeout.value.seconds;
    let seconds = match seconds.fract() == 0.0 {
        true => format!("{seconds:.0}"),
        false => format!("{seconds:?}"),
    };
    all.insert("timeout", Text::built_in(seconds));
    all.insert("banEpoch", Text::built_in("0"));
    for (key, value) in spec.options.iter().chain(spec.params.iter()) {
        // The ban time is always that of the ban, and the time limit stands above.
        let is_own = matches!(key, "bantime" | "timeout" | "banEpoch");
        if is_own || key.starts_with('_') || CALLABLE.contains(&key) {
            continue;
        }
        let is_yes_or_no =
            matches!(key, "actionstart_on_demand" | "actionrepair_on_unban") || key == "norestored";
        let value = match is_yes_or_no && spec.options.contains(key) {
            true if crate::config::is_yes(value.as_str()) => Text::built_in("True"),
            true => Text::built_in("False"),
            false => value.clone(),
        };
        all.insert(key, value);
    }
    let mut sorted = Options::default();
    for (key, value) in all {
        sorted.set(key, value);
    }
    sorted
}

/// Whether some value is for one family only. Without any, its commands are those of all.
fn has_own_values(properties: &Options, family: &str) -> bool {
    let ending = format!("?family={family}");
    properties.iter().any(|(key, _)| key.ends_with(&ending))
}

/// All commands for one condition.
fn put_in(
    properties: &Options,
    condition: Option<&str>,
    hostnames: &Hostnames,
) -> Result<Vec<Option<String>>, Complaint> {
    let ignore = tags::Names::from_iter(ESCAPED.map(str::to_owned));
    let values = tags::substitute(properties.clone(), &ignore, condition, &mut |_| Ok(None))?;
    let one = |operation: &Operation| resolve(operation.key(), &values, condition, hostnames);
    Ok(Operation::ALL.iter().map(one).collect())
}

/// Puts values into a command until nothing changes: tags within the names of tags are known only
/// after others were put in.
fn resolve(
    key: &str,
    values: &Options,
    condition: Option<&str>,
    hostnames: &Hostnames,
) -> Option<String> {
    let mut text = format!("<{key}>");
    for _ in 0..=FAIL2BAN_TAG_REPEATS_MAX {
        let next = shell::replace(&text, |tag| {
            let Some(value) = tags::of_family(values, tag, condition) else {
                return hostnames.value(tag).map(Cow::Borrowed);
            };
            let value = value.as_str();
            Some(match ESCAPED.contains(&tag) {
                true => Cow::Owned(escape(value)),
                false => Cow::Borrowed(value),
            })
        });
        if next == text || !next.contains('<') {
            return Some(next);
        }
        if next.len() > FAIL2BAN_VALUE_MAX {
            return None;
        }
        text = next;
    }
    None
}

/// The characters of a shell, each behind a backslash.
fn escape(value: &str) -> String {
    let mut out = String::new();
    for c in value.chars() {
        match c {
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            c if shell::is_special(c) => out.extend(['\\', c]),
            c => out.push(c),
        }
    }
    out
}

/// Whether a key is for one family only: `word?family=..`.
fn is_conditional(key: &str) -> bool {
    let is_word =
        |word: &str| !word.is_empty() && word.chars().all(|c| c.is_alphanumeric() || c == '_');
    key.split_once("?family=").is_some_and(|(word, _)| is_word(word))
}

fn families(named: &str, conditional: bool, ipv6: bool) -> Vec<Family> {
    let words = named.split(|c: char| c == ',' || c.is_whitespace());
    let named: Vec<Family> = words.filter_map(Family::from_name).collect();
    match (named.is_empty(), conditional, ipv6) {
        (false, ..) => named,
        (true, false, _) => vec![Family::Every],
        (true, true, true) => vec![Family::Inet4, Family::Inet6],
        (true, true, false) => vec![Family::Inet4],
    }
}

#[cfg(test)]
mod tests;
