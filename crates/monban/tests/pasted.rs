//! The filters and jails of a user's article, as people paste them: each is explained, and what
//! can run runs. The article is no part of the repository: `MONBAN_ARTICLES` names the folder of
//! its text (default `../shared/sources`). Cases of our own making stand in `fail2ban_check.rs`
//! and in `crates/fail2ban/tests`.

#![allow(clippy::unwrap_used, clippy::panic, reason = "all of it is test code")]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

/// The text of an article, by the beginning of its file's name.
fn article(number: &str) -> Option<String> {
    let beside = concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/sources");
    let folder = std::env::var_os("MONBAN_ARTICLES").map_or_else(|| beside.into(), PathBuf::from);
    let entries = fs::read_dir(&folder).into_iter().flatten().flatten();
    let mut files = entries.filter(|entry| {
        entry.file_name().to_str().is_some_and(|name| name.starts_with(&format!("{number}_")))
    });
    let found = files.next().and_then(|entry| fs::read_to_string(entry.path()).ok());
    if found.is_none() {
        println!("left out: no article {number} in {}", folder.display());
    }
    found
}

/// The lines from one that holds `first` to one that begins with `last`, without remarks.
fn block(text: &str, first: &str, last: &str) -> Vec<String> {
    let from = text.lines().skip_while(|line| !line.contains(first));
    let mut lines = Vec::new();
    for line in from {
        let is_last = line.starts_with(last);
        let line = line.split(" [/bash]").next().unwrap_or(line);
        if !line.starts_with('※') {
            lines.push(line.to_owned());
        }
        if is_last {
            break;
        }
    }
    lines
}

/// What the article says, as it is and mended.
struct Pasted {
    dovecot: Vec<String>,
    postfix: Vec<String>,
    jails: String,
    folder: tempfile::TempDir,
}

impl Pasted {
    fn new() -> Option<Self> {
        let text = article("003")?;
        let jail = |name: &str| block(&text, &format!("[{name}] enabled"), "ignoreip").join("\n");
        let pasted = Self {
            dovecot: block(&text, "failregex = .*(?:pop3-login", "auth: Debug: client in"),
            postfix: block(&text, "failregex = reject: RCPT", "lost connection after RCPT"),
            jails: format!("{}\n{}\n", jail("dovecot"), jail("postfix")),
            folder: tempfile::tempdir().unwrap(),
        };
        let ban = "[Definition]\nactionban = ban <ip>\n[Init]\nname = x\nport = 1\n";
        pasted.write("action.d/iptables-multiport.conf", ban);
        pasted.write("action.d/sendmail-whois.conf", ban);
        Some(pasted)
    }

    fn write(&self, name: &str, text: &str) {
        let path = self.folder.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    /// The filters with each expression below the first indented.
    fn write_mended_filters(&self) {
        for (name, lines) in [("dovecot", &self.dovecot), ("postfix", &self.postfix)] {
            let lines: Vec<&str> =
                lines.iter().map(String::as_str).filter(|l| !l.is_empty()).collect();
            let text = format!("[Definition]\n{}\n", lines.join("\n    "));
            self.write(&format!("filter.d/{name}.conf"), &text);
        }
    }

    fn monban(&self, arguments: &[&str]) -> String {
        let mut command = Command::new(env!("CARGO_BIN_EXE_monban"));
        let command = command.args(arguments).env("TZ", "UTC").env("LC_ALL", "C");
        let output = command.current_dir(self.folder.path()).output().unwrap();
        String::from_utf8(output.stdout).unwrap() + &String::from_utf8_lossy(&output.stderr)
    }

    fn check(&self) -> Vec<Value> {
        let text = self.monban(&["fail2ban", "check", ".", "--json"]);
        let found: Value = serde_json::from_str(text.lines().next().unwrap_or_default()).unwrap();
        found["problems"].as_array().unwrap().clone()
    }

    /// Who failed by a filter, or an expression, on a line behind a syslog head.
    fn who(&self, filter: &str, message: &str) -> Vec<String> {
        let line = format!("Aug 14 11:53:59 mx {message}");
        let arguments = ["filter", "test", "--json", "--fail2ban", ".", "--now", "1124013600"];
        let text = self.monban(&[&arguments[..], &[filter, &line]].concat());
        let first: Value = serde_json::from_str(text.lines().next().unwrap_or_default())
            .unwrap_or_else(|_| panic!("{filter} {line}: {text}"));
        let hits = first["hits"].as_array().map(Vec::as_slice).unwrap_or_default();
        hits.iter().filter_map(|hit| Some(hit["host"].as_str()?.to_owned())).collect()
    }

    fn hits(&self, filter: &str, message: &str) {
        let who = self.who(filter, message);
        assert!(
            who.first().is_some_and(|who| who == "203.0.113.5"),
            "{filter}: {message}: {who:?}"
        );
    }

    fn misses(&self, filter: &str, message: &str) {
        assert_eq!(self.who(filter, message), [""; 0], "{filter}: {message}");
    }
}

fn with_kind<'a>(problems: &'a [Value], kind: &str) -> Vec<&'a Value> {
    let found: Vec<&Value> = problems.iter().filter(|one| one["kind"] == kind).collect();
    let kinds: Vec<&Value> = problems.iter().map(|one| &one["kind"]).collect();
    assert!(!found.is_empty(), "{kind} is not among {kinds:?}");
    found
}

#[test]
fn jails_as_they_are_pasted_are_explained_and_run_when_mended() {
    let Some(pasted) = Pasted::new() else { return };
    pasted.write_mended_filters();
    pasted.write("jail.local", &pasted.jails);
    let problems = pasted.check();
    for (kind, count) in [("header-tail", 2), ("odd-character", 2), ("second-key", 2)] {
        assert_eq!(with_kind(&problems, kind).len(), count, "{kind}");
    }
    let mended = pasted.jails.replace("] enabled", "]\nenabled").replace('\u{201d}', "\"");
    let mended = mended.replace("] logpath", "]\nlogpath").replace("] sendmail", "]\n  sendmail");
    pasted.write("jail.local", &mended);
    let shown: Value =
        serde_json::from_str(&pasted.monban(&["fail2ban", "show", ".", "--json"])).unwrap();
    let jail = &shown["jails"][0];
    assert_eq!(jail["name"], "dovecot");
    for (key, value) in [("maxretry", 5), ("findtime", 1200), ("bantime", 1200)] {
        let found = jail[key].as_i64().or(jail[key]["seconds"].as_i64());
        assert_eq!(found, Some(value), "{key}: {jail}");
    }
    assert_eq!(jail["ignoreip"].as_array().map(Vec::len), Some(4), "{jail}");
    assert_eq!(jail["actions"].as_array().map(Vec::len), Some(2), "{jail}");
    assert_eq!(
        jail["actions"][0]["params"]["port"].as_str().map(|p| p.split(',').count()),
        Some(7)
    );
    let hints = pasted.check();
    assert!(hints.iter().all(|one| one["kind"] != "header-tail"));
    with_kind(&hints, "private-network");
    // Behind a jail of the same name in one file fail2ban itself does not start; here it is merged.
    pasted.write("jail.local", &format!("[dovecot]\nenabled = false\n{mended}"));
    with_kind(&pasted.check(), "twice-section");
}

#[test]
fn filters_that_lost_their_indentation_are_explained() {
    let Some(pasted) = Pasted::new() else { return };
    pasted.write("jail.local", "[d]\nenabled = true\nfilter = dovecot\naction = iptables-multiport\n[p]\nenabled = true\nfilter = postfix\naction = iptables-multiport\n");
    for (name, lines) in [("dovecot", &pasted.dovecot), ("postfix", &pasted.postfix)] {
        let text = format!("[Definition]\n{}\n", lines.join("\n"));
        pasted.write(&format!("filter.d/{name}.conf"), &text);
    }
    let problems = pasted.check();
    for kind in ["twice-key", "lost-indent", "lost-indent-line"] {
        with_kind(&problems, kind);
    }
    // The first expression of each is left, and runs.
    pasted.hits("dovecot", "dovecot: pop3-login: Disconnected (auth failed, 1 attempts): user=<a>, method=PLAIN, rip=203.0.113.5, lip=192.0.2.9");
    pasted.hits(
        "postfix",
        "postfix/smtpd[1]: NOQUEUE: reject: RCPT from a.example[203.0.113.5]: 554 5.7.1 x",
    );
}

#[test]
fn the_dovecot_filter_does_what_it_did() {
    let Some(pasted) = Pasted::new() else { return };
    pasted.write_mended_filters();
    pasted.write(
        "jail.local",
        "[d]\nenabled = true\nfilter = dovecot\naction = iptables-multiport\n",
    );
    let problems = pasted.check();
    let old = with_kind(&problems, "old-host");
    assert!(old[0].to_string().contains("<HOST>"), "{}", old[0]);
    pasted.hits("dovecot", "dovecot: auth: pam(bob,203.0.113.5): unknown user");
    pasted.misses("dovecot", "dovecot: auth-worker(12): pam(bob,203.0.113.5): unknown user");
    pasted.misses("dovecot", "dovecot: auth: pam(bob,203.0.113.5,<session>): unknown user");
    // Any attempt, also a good one.
    pasted.hits("dovecot", "dovecot: auth: Debug: pam(bob,203.0.113.5): lookup service=dovecot");
    let warned = problems.iter().filter_map(|one| one["kind"].as_str());
    let warned = warned.filter(|kind| kind.starts_with("bans-")).count();
    assert!(warned > 0, "{problems:#?}");
    let closing = |rest: &str| format!("dovecot: imap-login: Disconnected (auth failed, {rest}");
    pasted.hits(
        "dovecot",
        &closing("1 attempts): user=<a>, method=PLAIN, rip=203.0.113.5, lip=192.0.2.9"),
    );
    // The greedy part is right here: the last `rip=` is the server's own.
    pasted.hits("dovecot", &closing("1 attempts): user=<x, rip=198.51.100.9, y>, method=PLAIN, rip=203.0.113.5, lip=192.0.2.9"));
    let third = &pasted.dovecot.iter().find(|line| line.starts_with("imap-login")).unwrap();
    pasted.hits(
        third,
        &closing("1 attempts): user=<a>, method=PLAIN, rip=203.0.113.5, lip=192.0.2.9"),
    );
    pasted.misses(
        third,
        &closing("2 attempts): user=<a>, method=PLAIN, rip=203.0.113.5, lip=192.0.2.9"),
    );
    pasted.misses(
        third,
        &closing("1 attempts): user=, method=PLAIN, rip=203.0.113.5, lip=192.0.2.9"),
    );
}

#[test]
fn the_address_of_the_next_article_is_found_by_the_old_group_and_by_the_new() {
    let (Some(pasted), Some(log)) = (Pasted::new(), article("004")) else { return };
    pasted.write_mended_filters();
    let lines: Vec<&str> =
        log.lines().filter(|line| line.contains("dovecot: pop3-login: Disconnected")).collect();
    assert!(lines.len() >= 10);
    let old = pasted.dovecot[0].trim_start_matches("failregex = ");
    let new = old.replace("(?P<host>\\S*)", "<HOST>");
    assert_ne!(old, new);
    for line in &lines[..10] {
        let message = line.split_once(" main ").map_or(*line, |(_, message)| message);
        for filter in [old, &new, "dovecot"] {
            assert_eq!(
                pasted.who(filter, message).first().map(String::as_str),
                Some("94.102.63.160")
            );
        }
    }
    the_stock_filter_wants_its_brackets(&pasted, lines[0]);
    // The web page ate the name: that is said, and the other expressions run.
    let eaten = old.replace("(?P<host>", "(?P");
    let text = format!("[Definition]\nfailregex = {eaten}\n    ^bad <HOST>$\n");
    pasted.write("filter.d/eaten.conf", &text);
    pasted
        .write("jail.local", "[e]\nenabled = true\nfilter = eaten\naction = iptables-multiport\n");
    let told = pasted.monban(&["fail2ban", "check", ".", "--lang", "en"]);
    assert!(told.contains("a web page ate the name"), "{told}");
    let article_has = article("003").unwrap().contains("rip=(?P\\S*)");
    assert!(article_has, "the article shows it so");
}

/// The article's page lost `<..>` behind `user=`: as with fail2ban, its own filter misses that.
fn the_stock_filter_wants_its_brackets(pasted: &Pasted, line: &str) {
    let stock = std::env::var("MONBAN_FAIL2BAN").unwrap_or("/etc/fail2ban".to_owned());
    let filter = Path::new(&stock).join("filter.d/dovecot.conf");
    if !filter.exists() {
        println!("left out: {} is missing", filter.display());
        return;
    }
    let hosts = |line: &str| {
        let arguments = ["filter", "test", "--json", "--fail2ban", &stock, "dovecot", line];
        pasted.monban(&arguments).matches("\"host\":\"94.102.63.160\"").count()
    };
    assert_eq!(hosts(line), 0);
    for user in ["user=<>,", "user=<admin>,"] {
        assert_eq!(hosts(&line.replace("user=,", user)), 1, "{user}");
    }
}

#[test]
fn the_postfix_filter_does_what_it_did_and_is_warned_of() {
    let Some(pasted) = Pasted::new() else { return };
    pasted.write_mended_filters();
    pasted.write(
        "jail.local",
        "[p]\nenabled = true\nfilter = postfix\naction = iptables-multiport\n",
    );
    for message in [
        "postfix/smtpd[1]: warning: Connection rate limit exceeded: 31 from unknown[203.0.113.5] for service smtp",
        "postfix/anvil[1]: statistics: max connection count 1 for (smtp:203.0.113.5) at Aug 14 11:50:00",
        "postfix/anvil[1]: statistics: max recipient rate 40/60s for (smtp:203.0.113.5) at Aug 14 11:50:00",
        "postfix/smtpd[1]: lost connection after RCPT from unknown[203.0.113.5]",
        "postfix/smtpd[1]: warning: 203.0.113.5: address not listed for hostname a.example",
        "postfix/smtpd[1]: NOQUEUE: reject: RCPT from unknown[203.0.113.5]: 450 4.2.0 <a@b>: Greylisted",
        "postfix/smtpd[1]: warning: unknown[203.0.113.5]: SASL LOGIN authentication failed",
    ] {
        pasted.hits("postfix", message);
    }
    let newer =
        "postfix/smtpd[1]: warning: hostname a.example does not resolve to address 203.0.113.5";
    pasted.misses("postfix", newer);
    // `(?i)` is for the expression that it stands in.
    pasted.hits(
        "postfix",
        "postfix/smtpd[1]: WARNING: unknown[203.0.113.5]: sasl login AUTHENTICATION failed",
    );
    pasted.misses("postfix", "postfix/smtpd[1]: REJECT: rcpt from a.example[203.0.113.5]: 554 x");
    let problems = pasted.check();
    let kinds: Vec<&str> = problems.iter().filter_map(|one| one["kind"].as_str()).collect();
    assert!(kinds.contains(&"bans-harmless"), "{kinds:?}");
    typed_addresses_are_called_injectable(&pasted, &problems);
}

/// What a stranger types after the address is taken for it; monban's own rules are not moved.
fn typed_addresses_are_called_injectable(pasted: &Pasted, problems: &[Value]) {
    let injected = "postfix/smtpd[1]: NOQUEUE: reject: RCPT from a.example[203.0.113.5]: 450 4.2.0 <a@b>: x; from=<c@d> to=<a@b> proto=ESMTP helo=<[198.51.100.9]: 554>";
    assert_eq!(pasted.who("postfix", injected).first().map(String::as_str), Some("198.51.100.9"));
    let called = problems.iter().filter_map(|one| one["kind"].as_str());
    assert!(called.filter(|kind| kind.starts_with("injectable")).count() > 0, "{problems:#?}");
    let log = pasted.folder.path().join("mail.log");
    let line = format!("Aug 14 11:53:59 mx {}\n", injected.replace("450 4.2.0", "554 5.7.1"));
    fs::write(&log, line.repeat(25)).unwrap();
    let found = scan(pasted, &log);
    assert!(found.contains("203.0.113.5") && !found.contains("198.51.100.9"), "{found}");
}

fn scan(pasted: &Pasted, log: &Path) -> String {
    pasted.monban(&["scan", "--json", &log.display().to_string()])
}
