//! What people paste from web pages into their configuration: it is explained, and the rest runs.

use std::fs;
use std::path::Path;

use monban_fail2ban::config::{Complaint, Configuration, Reading, read_filter};

/// A configuration with a filter `f`, an action `a`, and these files.
fn read(files: &[(&str, &str)]) -> (tempfile::TempDir, Configuration) {
    let folder = tempfile::tempdir().expect("a folder");
    let usual = [
        ("filter.d/f.conf", "[Definition]\nfailregex = ^bad <HOST>$\n"),
        ("action.d/a.conf", "[Definition]\nactionban = b <ip>\n[Init]\nport = 1\n"),
    ];
    for (name, text) in usual.iter().chain(files) {
        let path = folder.path().join(name);
        fs::create_dir_all(path.parent().expect("a folder")).expect("made");
        fs::write(path, text).expect("written");
    }
    let found = Configuration::read(folder.path(), &Reading::default());
    (folder, found)
}

fn complaint<'a>(found: &'a Configuration, kind: &str) -> &'a Complaint {
    let list = found.complaints.list();
    let kinds: Vec<&str> = list.iter().map(|found| found.kind).collect();
    let one = list.iter().find(|found| found.kind == kind);
    one.unwrap_or_else(|| panic!("{kind} is not among {kinds:?}"))
}

fn at(complaint: &Complaint) -> (&str, u32) {
    let file = Path::new(complaint.place.file.as_ref()).file_name().and_then(|name| name.to_str());
    (file.unwrap_or_default(), complaint.place.line)
}

const GOOD: &str = "[good]\nenabled = true\nfilter = f\naction = a\nlogpath = /dev/null\n";

#[test]
fn a_jail_on_one_line_is_explained() {
    let jail = format!("{GOOD}[bad] enabled = true\nfilter = f\n");
    let (_folder, found) = read(&[("jail.local", &jail)]);
    let one = complaint(&found, "header-tail");
    assert_eq!((at(one), one.value("tail")), (("jail.local", 6), Some("enabled = true")));
    assert_eq!(found.jails.len(), 1);
}

#[test]
fn typographic_quotes_break_their_jail_only() {
    let jail = format!(
        "{GOOD}[bad]\nenabled = true\nfilter = f\naction = a[name=x, port=\u{201c}1,2\u{201d}] logpath = /x\n"
    );
    let (_folder, found) = read(&[("jail.local", &jail)]);
    let one = complaint(&found, "odd-character");
    assert_eq!((at(one), one.column, one.value("instead")), (("jail.local", 9), 25, Some("\"")));
    assert_eq!(complaint(&found, "second-key").value("second"), Some("logpath"));
    assert_eq!(found.broken.len(), 1);
    assert_eq!(found.jails.iter().map(|jail| jail.name.as_str()).collect::<Vec<_>>(), ["good"]);
}

#[test]
fn a_jail_that_was_appended_a_second_time_is_merged() {
    let twice = format!("{GOOD}[DEFAULT]\nmaxretry = 9\n[good]\nmaxretry = 4\nbantime = 1200\n");
    let (_folder, found) = read(&[("jail.conf", &twice)]);
    let one = complaint(&found, "twice-section");
    assert!(one.value("first").is_some_and(|first| first.ends_with("jail.conf:1")));
    let jail = found.jail("good").expect("there");
    assert_eq!((jail.maxretry.value, jail.bantime.value.seconds), (4, 1200.0));
    assert_eq!((jail.maxretry.from.line, jail.bantime.from.line), (9, 10));
}

#[test]
fn expressions_that_lost_their_indentation_are_explained() {
    let filter = "[Definition]\nfailregex = one <HOST>\nauth: pam(x,<HOST>): y\nauth: two <HOST>\nthree <HOST>\n";
    let jail = GOOD.replace("filter = f", "filter = g");
    let (_folder, found) = read(&[("jail.local", &jail), ("filter.d/g.conf", filter)]);
    assert_eq!(at(complaint(&found, "lost-indent")), ("g.conf", 4));
    assert_eq!(at(complaint(&found, "twice-key")), ("g.conf", 4));
    assert_eq!(at(complaint(&found, "lost-indent-line")), ("g.conf", 5));
    let jail = found.jail("good").expect("it runs with the expression that is left");
    assert_eq!(jail.filter.failregex.len(), 1);
}

#[test]
fn mistyped_names_are_answered_with_the_one_that_was_meant() {
    let jail = format!(
        "{GOOD}maxretri = 3\nownvar = 1\nother = %(ownvar)s\n_x = 1\n[b]\nenabled=1\nfilter = ff\n[c]\nenabled=ture\n[d]\nenabled=1\nfilter=f\naction=aa\n"
    );
    let filter = "[Definiton]\nx = 1\n[Definition]\nfailregx = x\nignoreregex = <_y>\n_z = 1\n";
    let filter = ("filter.d/f.local", filter);
    let (_folder, found) = read(&[("jail.local", &jail), filter]);
    assert_eq!(complaint(&found, "unknown-key").value("meant"), Some("maxretry"));
    let unknown = found.complaints.list().iter().filter(|c| c.kind == "unknown-key");
    let unknown: Vec<_> = unknown.filter_map(|c| c.value("key")).collect();
    assert_eq!(unknown, ["maxretri", "other", "failregx"]);
    assert_eq!(complaint(&found, "unknown-section").value("meant"), Some("Definition"));
    assert_eq!(complaint(&found, "no-filter-file").value("meant"), Some("f"));
    assert_eq!(complaint(&found, "no-action-file").value("meant"), Some("a"));
    assert_eq!(complaint(&found, "bad-yes").value("value"), Some("ture"));
    assert_eq!(found.broken.len(), 3);
}

#[test]
fn logs_and_networks_are_looked_at() {
    let (folder, _) = read(&[]);
    let log = folder.path().join("x.log");
    fs::write(&log, "").expect("written");
    let pattern = folder.path().join("*.log").display().to_string();
    let jail = format!(
        "[a]\nenabled=1\nfilter=f\naction=a\nlogpath = {pattern} tail\n  /nowhere/x\nignoreip = 10.0.0.0/8,\n  172.16.0.0/16\n  198.51.100.0/33 2001:db8::/64 192.0.2.0/255.255.255.0\n"
    );
    let (_other, found) = read(&[("jail.local", &jail)]);
    let jail = found.jail("a").expect("there");
    assert_eq!((jail.logpath[0].tail, jail.logpath[0].files.clone()), (true, vec![log]));
    assert_eq!(jail.logpath[0].pattern, pattern);
    assert_eq!(at(complaint(&found, "no-log")), ("jail.local", 6));
    assert_eq!(at(complaint(&found, "private-network")), ("jail.local", 8));
    assert_eq!(at(complaint(&found, "bad-prefix")), ("jail.local", 9));
    let wrong = found.complaints.list().iter().filter(|one| one.kind == "bad-prefix");
    assert_eq!(wrong.count(), 1);
    assert_eq!(jail.ignoreip.len(), 5);
}

#[test]
fn wrong_values_have_their_defaults_and_are_explained() {
    let jail = format!(
        "{GOOD}maxretry = many\nfindtime = soon\nbackend = magic\nbantime.formula = exit(1)\nusedns = maybe\nbantime.factor = 2*3\nbantime.multipliers = 1 2 4\nbantime.increment = yes\nbantime = 100\nbantime.maxtime = 2000\n"
    );
    let (_folder, found) = read(&[("jail.local", &jail)]);
    for kind in ["bad-number", "bad-time", "bad-backend", "bad-formula", "bad-usedns"] {
        complaint(&found, kind);
    }
    let jail = found.jail("good").expect("it runs");
    assert_eq!((jail.maxretry.value, jail.findtime.value.seconds), (3, 600.0));
    let lengths: Vec<f64> = (0..5).map(|n| jail.increment.next_seconds(100.0, n)).collect();
    assert_eq!(lengths, [600.0, 1200.0, 2000.0, 2000.0, 2000.0]);
}

#[test]
fn each_jail_knows_which_of_its_values_cannot_be_read_and_each_is_told_once() {
    let jails = "[DEFAULT]\nmaxretry = three\nmaxmatches = %(maxretry)s\nfindtme = 1m\n\
        [off]\nenabled = treu\nfilter = f\naction = a\n\
        [other]\nenabled = yes\nfilter = f\naction = a\nlogpath = /dev/null\nmaxretry = 2\n\
        maxmatches = 3\n";
    let (_folder, found) = read(&[("jail.local", &format!("{jails}{GOOD}bantime = 1 weeek\n"))]);
    let faults = |name: &str| -> Vec<(&'static str, u32)> {
        let jail = found.jail(name).expect("it runs");
        jail.faults.iter().map(|fault| (fault.kind, fault.place.line)).collect()
    };
    assert_eq!(faults("good"), [("bad-number", 2), ("bad-time", 21)]);
    assert_eq!(faults("other"), []);
    let said = found.complaints.list().iter().filter(|one| one.kind == "bad-number");
    assert_eq!(said.map(|one| one.value("default")).collect::<Vec<_>>(), [Some("3")]);
    // One that is off by a mistake is no jail that nobody wanted.
    let (name, why) = &found.broken[0];
    assert_eq!((name.as_str(), why.kind), ("off", "bad-yes"));
}

#[test]
fn each_wrong_value_of_bans_that_grow_says_what_stands_for_it() {
    for (key, value, kind) in [
        ("multipliers", "1 2 x", "bad-multipliers"),
        ("factor", "two", "bad-factor"),
        ("formula", "1 +", "bad-formula"),
        ("maxtime", "soon", "bad-extra-time"),
        ("rndtime", "1x", "bad-extra-time"),
    ] {
        let (_folder, found) = read(&[("jail.local", &format!("{GOOD}bantime.{key} = {value}\n"))]);
        let said = complaint(&found, kind);
        assert_eq!(said.value("key"), Some(format!("bantime.{key}").as_str()));
        let jail = found.jail("good").expect("it runs");
        assert_eq!(jail.faults.len(), 1);
        assert_eq!(jail.increment.next_seconds(10.0, 2), 40.0, "{key}");
    }
}

#[test]
fn a_mode_that_a_filter_does_not_have_is_named_where_it_was_chosen() {
    let filter = "[Definition]\nfailregex = ^a <HOST>\n    <mdre-<mode>>\n    <mdre-<mode>-other>\n\
        mdre-normal =\nmdre-normal-other =\nmdre-extra-other =\nmdre-extra = ^b <HOST>\n\
        mdre-aggressive = ^c <HOST>\nmode = normal\n";
    let said = |jail: &str, local: &str| {
        let files = [("jail.conf", jail), ("filter.d/g.conf", filter), ("filter.d/g.local", local)];
        let (_folder, found) = read(&files);
        let one = found.complaints.list().iter().find(|one| one.kind == "unknown-mode")?.clone();
        let value = |name| one.value(name).unwrap_or_default().to_owned();
        let file = at(&one).0.to_owned();
        Some((file, one.place.line, value("value"), value("known"), value("meant")))
    };
    let of_jail = GOOD.replace("filter = f", "filter = g[mode=%(mode)s]");
    let lines = u32::try_from(of_jail.lines().count()).expect("few");
    for good in ["normal", "extra", "aggressive"] {
        assert_eq!(said(&format!("{of_jail}mode = {good}\n"), ""), None, "{good}");
    }
    let known = "aggressive, extra, normal".to_owned();
    let wrong = |file: &str, line| {
        Some((
            file.to_owned(),
            line,
            "agressive".to_owned(),
            known.clone(),
            "aggressive".to_owned(),
        ))
    };
    assert_eq!(said(&format!("{of_jail}mode = agressive\n"), ""), wrong("jail.conf", lines + 1));
    let plain = GOOD.replace("filter = f", "filter = g");
    assert_eq!(said(&plain, ""), None);
    assert_eq!(said(&plain, "[Definition]\nmode = agressive\n"), wrong("g.local", 2));
    let given = said(&GOOD.replace("filter = f", "filter = g[mode=agressive]"), "");
    assert_eq!(given.map(|one| one.0), Some("jail.conf".to_owned()));
}

#[test]
fn quotes_around_a_path_are_named() {
    let jail = GOOD.replace("logpath = ", "logpath = \"") + "x = 1\n";
    let jail = jail.replace("/dev/null", "/dev/null\"");
    let (_folder, found) = read(&[("jail.local", &jail)]);
    complaint(&found, "quoted-log");
}

#[test]
fn no_failures_are_a_number_that_fail2ban_takes() {
    for (text, number) in [("0", 0), ("-2", -2), ("99999999999999999999", i64::MAX)] {
        let jail = format!("{GOOD}maxretry = {text}\nmaxmatches = {text}\n");
        let (_folder, found) = read(&[("jail.local", &jail)]);
        let jail = found.jail("good").expect("it runs");
        assert_eq!((jail.maxretry.value, jail.maxmatches.value), (number, number));
        assert!(found.complaints.list().iter().all(|one| one.kind != "bad-number"), "{text}");
    }
}

#[test]
fn a_filter_is_read_by_itself() {
    let filter = "[Definition]\nfailregex = <re-<mode>> <t-<logtype>>\nre-a = A <HOST>\nre-b = B <HOST>\nmode = a\nt-file = F\nt-journal = J\n";
    let (folder, _) = read(&[("filter.d/g.conf", filter)]);
    let read = |reference: &str, backend: &str| {
        let mut complaints = Default::default();
        let version = Default::default();
        read_filter(folder.path(), reference, backend, version, &mut complaints)
            .map(|filter| filter.failregex[0].value.clone())
            .map_err(|complaint| complaint.kind)
    };
    assert_eq!(read("g", "auto").as_deref(), Ok("A <HOST> F"));
    assert_eq!(read("g[mode=\"b\"]", "systemd").as_deref(), Ok("B <HOST> J"));
    assert_eq!(read("g[mode=b,logtype=journal]", "auto").as_deref(), Ok("B <HOST> J"));
    assert_eq!(read("nothing", "auto"), Err("no-filter-file"));
    assert_eq!(read("g[x", "auto"), Err("bad-reference"));
}
