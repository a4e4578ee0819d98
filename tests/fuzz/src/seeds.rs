//! What inputs are made from: the installed fail2ban, by path, and our own.

use std::fs;
use std::path::{Path, PathBuf};

use crate::chance::Corpus;

/// Files that are read of a folder at most, and characters of each.
const FILES_MAX: usize = 400;
const FILE_MAX: usize = 6000;

/// The folder of fail2ban's configuration: `MONBAN_FAIL2BAN`, or the usual one.
pub fn configuration() -> PathBuf {
    std::env::var_os("MONBAN_FAIL2BAN").map_or_else(|| "/etc/fail2ban".into(), PathBuf::from)
}

/// The folder with sample lines: `MONBAN_FAIL2BAN_LOGS`, or where Debian has it.
fn logs() -> PathBuf {
    let usual = "/usr/lib/python3/dist-packages/fail2ban/tests/files/logs";
    std::env::var_os("MONBAN_FAIL2BAN_LOGS").map_or_else(|| usual.into(), PathBuf::from)
}

/// Whole configuration files.
pub fn files() -> Corpus {
    let mut seeds: Vec<String> = OWN_FILES.iter().map(|text| (*text).to_owned()).collect();
    for below in ["", "filter.d", "action.d"] {
        seeds.extend(texts(&configuration().join(below)));
    }
    Corpus { seeds, words: owned(FILE_WORDS), longest: 20_000 }
}

/// Expressions, each with a text behind a line end.
pub fn expressions() -> Corpus {
    let mut seeds: Vec<String> = OWN_REGEXES.iter().map(|text| (*text).to_owned()).collect();
    let lines = sample_lines();
    let mut lines = lines.iter().cycle();
    for text in texts(&configuration().join("filter.d")) {
        let regexes = text.lines().filter(|line| line.contains('<') || line.contains('('));
        for regex in regexes.map(|line| line.trim_start_matches("failregex = ").trim()) {
            let regex = regex.replace("<HOST>", "(?P<ip4>(?:\\d{1,3}\\.){3}\\d{1,3})");
            seeds.push(format!("{regex}\n{}", lines.next().map_or("a", String::as_str)));
        }
    }
    Corpus { seeds, words: owned(REGEX_WORDS), longest: 4000 }
}

/// Lines with dates, three at a time; the first line may be a pattern.
pub fn dated() -> Corpus {
    let mut seeds: Vec<String> = OWN_DATES.iter().map(|text| (*text).to_owned()).collect();
    seeds.extend(sample_lines().chunks(3).map(|lines| lines.join("\n")));
    let mut words = owned(DATE_WORDS);
    words.extend(owned(OWN_DATES));
    Corpus { seeds, words, longest: 20_000 }
}

/// Lines of logs, six at a time.
pub fn lines() -> Corpus {
    let lines = sample_lines();
    let mut seeds: Vec<String> = lines.chunks(6).map(|lines| lines.join("\n")).collect();
    seeds.extend(OWN_DATES.iter().map(|text| (*text).to_owned()));
    Corpus { seeds, words: owned(LINE_WORDS), longest: 20_000 }
}

fn sample_lines() -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for text in texts(&logs()) {
        let plain = text.lines().filter(|line| !line.is_empty() && !line.starts_with('#'));
        lines.extend(plain.map(str::to_owned));
    }
    if lines.is_empty() {
        lines = owned(OWN_DATES);
    }
    lines
}

/// The files of a folder in the order of their names.
fn texts(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let mut paths: Vec<PathBuf> = entries.map(|entry| entry.path()).collect();
    paths.sort();
    let read = paths.iter().filter(|path| path.is_file()).filter_map(|path| fs::read(path).ok());
    let cut = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).chars().take(FILE_MAX).collect();
    read.take(FILES_MAX).map(cut).collect()
}

fn owned(words: &[&str]) -> Vec<String> {
    words.iter().map(|word| (*word).to_owned()).collect()
}

const OWN_FILES: &[&str] = &[
    "[a]\nenabled = yes\nfilter = x[mode=a]\naction = x[port=\"1,2\"]\nlogpath = /nowhere/x\n",
    "[INCLUDES]\nbefore = x.conf\n[DEFAULT]\na = %(b)s<c>\nb = %(known/a)s\n[x]\nenabled = true\n",
    "[Definition]\nfailregex = ^<HOST> <a-<m>>$\n  %(f)s\na-b = c\nm = b\nf = <F-USER>x</F-USER>\n\
     [Init?family=inet6]\nblocktype = x\n[Init]\nblocktype = y\n",
    "[a]\nenabled = 1\nbantime.increment = 1\nbantime.formula = ban.Time * (1<<(ban.Count if \
     ban.Count<20 else 20)) * banFactor\nbantime.multipliers = 1 2 4\nbantime = 1h 30m\n",
];

const FILE_WORDS: &[&str] = &[
    "[",
    "]",
    "[DEFAULT]\n",
    "[Definition]\n",
    "[INCLUDES]\nbefore = ",
    "after = x.local\n",
    "\n ",
    "%(",
    ")s",
    "%%",
    "%(known/failregex)s",
    "%(__name__)s",
    "<",
    ">",
    "<known/x>",
    "<<<",
    "/",
    "failregex = ",
    "prefregex = ",
    "<F-CONTENT>",
    "</F-CONTENT>",
    "<HOST>",
    "<ADDR>",
    "<F-ID>",
    "datepattern = ",
    "{^LN-BEG}",
    "{DATE}",
    "maxlines = ",
    "action = ",
    "filter = ",
    "logpath = ",
    "enabled = true\n",
    "bantime = ",
    "60*60*",
    "**9",
    "1h ",
    "if ",
    " else ",
    "ban.Count",
    "<<",
    "ignoreip = ",
    "?family=inet6",
    "[x=\"",
    "',",
    " ; ",
    "#",
    "= ",
    ": ",
    "journalmatch = ",
    "usedns = raw\n",
    "bantime.formula = ",
    "math.exp(",
    "99999999999",
    "-1",
    "1e999",
    "()",
];

const OWN_REGEXES: &[&str] = &[
    "(a|b)*?c(?=d)(?!e)\nabacd",
    "(?P<x>a)(?P=x)(?(x)b|c)\naab",
    "(?<=a{2})b|(?<!c)d\naab",
    "(?i:ß)\\b[^\\W\\d_]+$\nSSß",
    "(?>a+)b++(?:c*+)?\naabbc",
    "^(?:(?:a*)*)*$\naaaaaaaaaaaaaaaaaaaaaaaab",
];

const REGEX_WORDS: &[&str] = &[
    "(",
    ")",
    "(?:",
    "(?=",
    "(?!",
    "(?<=",
    "(?<!",
    "(?P<n>",
    "(?P=n)",
    "(?(1)",
    "(?(n)a|b)",
    "|",
    "*",
    "+",
    "?",
    "*?",
    "+?",
    "??",
    "*+",
    "++",
    "?+",
    "{2}",
    "{,3}",
    "{1,}",
    "{0,0}",
    "{2,5}?",
    "[",
    "]",
    "[^",
    "[a-z]",
    "[^\\W]",
    "\\d",
    "\\w",
    "\\s",
    "\\b",
    "\\B",
    "\\A",
    "\\Z",
    "\\1",
    "\\2",
    ".",
    "^",
    "$",
    "(?i)",
    "(?s:",
    "(?-i:",
    "(?x)",
    "(?a:",
    "(?>",
    "\\x41",
    "\\u0130",
    "\\n",
    "\n",
    "(?#c)",
    "()",
    "(|a)",
    "(a*)*",
    "\\.",
    "\\[",
    "ſ",
    "K",
    "ß",
];

const OWN_DATES: &[&str] = &[
    "2005-01-23T21:59:59.981746+01:00 x",
    "Aug 14 11:53:59 host sshd[1]: Failed password for root from 192.0.2.1 port 1 ssh2",
    "[Wed Aug 14 11:54:58.123 2005] [error] [client 192.0.2.1] x",
    "192.0.2.1 - - [14/Aug/2005:11:54:58 +0200] \"GET / HTTP/1.0\" 404 1",
    "audit(1106513999.123:987): x",
    "@400000004302a7b62f2b0f7c x",
    "1106513999 x",
    "%Y-%m-%d %H:%M:%S\n2005-01-23 21:59:59 x",
    "{^LN-BEG}%ExY(?P<_sep>[-/.])%m(?P=_sep)%d %H:%M:%S\n2005/01/23 21:59:59 x",
    "^x{DATE}y**\nx2005-01-23 21:59:59y",
];

const DATE_WORDS: &[&str] = &[
    "%Y",
    "%ExY",
    "%m",
    "%d",
    "%b",
    "%B",
    "%a",
    "%H",
    "%M",
    "%S",
    "%f",
    "%z",
    "%Z",
    "%Exz",
    "%y",
    "%p",
    "%I",
    "%j",
    "%U",
    "%W",
    "%w",
    "%s",
    "%k",
    "%l",
    "%%",
    "{EPOCH}",
    "{LEPOCH}",
    "{TAI64N}",
    "{NONE}",
    "{UNB}",
    "{DATE}",
    "{DEFAULT}",
    "{^LN-BEG}",
    "**",
    "()",
    "Jan",
    "Feb 29",
    "Dec 31",
    "23:59:60",
    "24:00:00",
    "00:00:00",
    " 2005",
    "1969",
    "9999",
    "+14:00",
    "-12",
    "UTC",
    "CEST",
    "12:",
    "/",
    "-",
    ".",
    "T",
    "[",
    "]",
    "AM",
    " PM",
    "\u{663}",
    "99999999999",
];

const LINE_WORDS: &[&str] = &[
    "\n",
    "<",
    ">",
    "from ",
    "192.0.2.1",
    "2001:db8::1",
    "::ffff:192.0.2.1",
    "[",
    "]",
    " port 22",
    "sshd[1]: ",
    "Failed password for ",
    "invalid user ",
    "rhost=",
    "user=",
    "client ",
    "\"",
    "'",
    "::",
    "999.999.999.999",
    "Connection closed by ",
    "Disconnected from ",
    " ssh2",
    ": ",
    "()",
    "example.org",
    "root",
    "message repeated 2 times: [ ",
    "/64",
    "error: PAM: ",
    "%",
    "\\",
];
