//! `fail2ban.conf`: the settings of the server itself.

use super::complaint::{Complaint, Complaints};
use super::definition::DEFINITION;
use super::jail::bad_value;
use super::keys;
use super::layers::Layers;
use super::options::Options;
use super::place::{Place, Sourced, Text};
use super::resolved::ServerSettings;
use super::seconds::Span;

/// What fail2ban has where its file says nothing.
const DEFAULTS: &[(&str, &str)] = &[
    ("loglevel", "INFO"),
    ("logtarget", "/var/log/fail2ban.log"),
    ("syslogsocket", "auto"),
    ("allowipv6", "auto"),
    ("dbfile", "/var/lib/fail2ban/fail2ban.sqlite3"),
    ("dbpurgeage", "1d"),
    ("socket", "/var/run/fail2ban/fail2ban.sock"),
    ("pidfile", "/var/run/fail2ban/fail2ban.pid"),
];

/// Seconds that old bans are kept.
const PURGE_S: u32 = 86_400;

/// Reads the settings.
pub(crate) fn settings(layers: Option<&Layers>, complaints: &mut Complaints) -> ServerSettings {
    let none = Layers::default();
    let layers = layers.unwrap_or(&none);
    let mut options = Options::default();
    let mut read = |section: &str, key: &str, default: Option<&str>| {
        let found = match layers.get(section, key, &Options::default()) {
            Ok(found) => found,
            Err(complaint) => {
                complaints.add(complaint);
                None
            }
        };
        if let Some(value) = found.or_else(|| default.map(Text::built_in)) {
            options.set(key, value);
        }
    };
    for (key, default) in DEFAULTS {
        read(DEFINITION, key, Some(default));
    }
    read(DEFINITION, "dbmaxmatches", None);
    read("Thread", "stacksize", None);
    let level = options.get("loglevel").map_or("", Text::as_str).to_uppercase();
    if let Some(text) = options.get("loglevel").filter(|_| !is_level(&level)) {
        complaints.add(bad_value("bad-level", "loglevel", text));
    }
    for (key, value) in layers.own(DEFINITION) {
        let known = DEFAULTS.iter().map(|(key, _)| *key).chain(["dbmaxmatches"]);
        if known.clone().any(|known| known == key) {
            continue;
        }
        if let Some(meant) = monban_model::closest(key, known) {
            let complaint = Complaint::warning("unknown-key", value.place());
            complaints.add(complaint.with("key", key).with("meant", meant));
        }
    }
    ServerSettings {
        dbpurgeage: purge_age(options.get("dbpurgeage"), complaints),
        dbmaxmatches: max_matches(options.get("dbmaxmatches"), complaints),
        options,
    }
}

fn purge_age(text: Option<&Text>, complaints: &mut Complaints) -> Sourced<Span> {
    let default = Sourced::new(Span::of_seconds(PURGE_S), Place::default());
    let Some(text) = text else { return default };
    match Span::parse(text.as_str()) {
        Ok(span) => Sourced::new(span, text.place()),
        Err(_) => {
            let complaint = bad_value("bad-time", "dbpurgeage", text);
            complaints.add(complaint.with("default", format!("{PURGE_S} s")));
            default
        }
    }
}

fn max_matches(text: Option<&Text>, complaints: &mut Complaints) -> Option<Sourced<u32>> {
    let text = text?;
    let number = keys::whole_number(text.as_str()).and_then(|number| u32::try_from(number).ok());
    if number.is_none() {
        let complaint = bad_value("bad-number", "dbmaxmatches", text);
        complaints.add(complaint.with("default", "10"));
    }
    Some(Sourced::new(number?, text.place()))
}

/// The levels of Python's logging, by name or number, and fail2ban's own.
fn is_level(level: &str) -> bool {
    let named = [
        "CRITICAL",
        "ERROR",
        "WARNING",
        "NOTICE",
        "INFO",
        "DEBUG",
        "MSG",
        "TRACEDEBUG",
        "HEAVYDEBUG",
    ];
    named.contains(&level) || (!level.is_empty() && level.bytes().all(|b| b.is_ascii_digit()))
}
