//! What is said about configurations as people paste them, and that it is not said without cause.

use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use monban_fail2ban::check::{
    GoodLine, Report, Services, TRUE_ADDRESS, TYPED_ADDRESS, Verdict, check,
};
use monban_fail2ban::config::{Complaint, Configuration, Reading, Severity};
use monban_fail2ban::dates::{DateFinder, Zone};
use monban_fail2ban::filter::{Filter, Texts, Use, When};

const JAIL: &str =
    "[j]\nenabled = true\nfilter = f\naction = nftables\nlogpath = /dev/null\nusedns = no\n";
const ACTION: &str = "[Definition]\n\
    actionban = nft add element inet t x \\{ <ip> \\}\n\
    actionunban = nft delete element inet t x \\{ <ip> \\}\n";

/// What a machine knows.
const SERVICES: &str = "imap2 143/tcp imap\nimaps 993/tcp\n";

/// The report on a jail `j` with these expressions.
fn report(failregex: &[&str]) -> Report {
    let filter = format!("[Definition]\nfailregex = {}\n", failregex.join("\n    "));
    report_of(&[("filter.d/f.conf", &filter)])
}

fn report_of(files: &[(&str, &str)]) -> Report {
    let folder = tempfile::tempdir().expect("a folder");
    let usual = [("jail.local", JAIL), ("action.d/nftables.conf", ACTION)];
    for (name, text) in usual.iter().chain(files) {
        let path = folder.path().join(name);
        fs::create_dir_all(path.parent().expect("a folder")).expect("made");
        fs::write(path, text).expect("written");
    }
    let found = Configuration::read(folder.path(), &Reading::default());
    check(&found, &good(), &Services::read(SERVICES))
}

fn good() -> Vec<GoodLine> {
    let line = |line: &str, is_success| GoodLine {
        line: line.to_owned(),
        is_success,
        service: "s".to_owned(),
    };
    vec![
        line("Aug 10 14:25:01 host sshd[1]: Accepted password for bob from 192.0.2.1 port 1", true),
        line("Aug 10 14:25:01 host s[1]: statistics: max rate 1/60s for (smtp:192.0.2.1)", false),
    ]
}

fn kinds(report: &Report) -> Vec<&str> {
    report.complaints.iter().map(|complaint| complaint.kind).collect()
}

fn one<'a>(report: &'a Report, kind: &str) -> &'a Complaint {
    let found = report.complaints.iter().find(|complaint| complaint.kind == kind);
    found.unwrap_or_else(|| panic!("{kind} is not among {:?}", kinds(report)))
}

/// Whom the filter reports for a line: asked of the filter itself.
fn reported(failregex: &str, line: &str) -> Option<String> {
    let failregex = [failregex.to_owned()];
    let texts = Texts { failregex: &failregex, maxlines: 1, ..Texts::default() };
    let dates = DateFinder::new(None, 0, Zone::utc(), None).expect("the usual dates");
    let mut filter = Filter::new(&texts, dates, Use::default()).expect("a filter");
    let reading = filter.read_at(line, 0, 0, When::Ever);
    reading.hits.first().and_then(|hit| hit.id.as_ref()).map(ToString::to_string)
}

#[test]
fn a_sound_filter_runs_without_a_word() {
    let report = report(&["^refused login of \\S+ from <ADDR> port \\d+$"]);
    assert_eq!((report.verdict(), kinds(&report)), (Verdict::Native, Vec::new()));
    assert_eq!((report.jails.len(), report.filters.len(), report.actions.len()), (1, 1, 1));
}

#[test]
fn a_default_that_takes_names_is_told_at_the_first_jail_that_has_it() {
    let jails = JAIL.replace("usedns = no\n", "") + "[k]\nenabled = true\nfilter = f\n";
    let filter = "[Definition]\nfailregex = ^refused <HOST>$\n";
    let report = report_of(&[("jail.local", &jails), ("filter.d/f.conf", filter)]);
    let told = one(&report, "takes-names");
    assert!(told.place.file.ends_with("jail.local"), "{:?}", told.place);
    assert_eq!((told.place.line, told.value("jails")), (1, Some("j, k")));
}

#[test]
fn a_stranger_who_chooses_the_address_is_proven_with_his_line() {
    for (kind, regex) in [
        ("injectable", "^refused login of user=<.*>, rip=<ADDR>, lip=.*$"),
        ("unanchored", "authentication failed for <ADDR>"),
        ("injectable-behind", "^.*authentication failed for <ADDR>\\b"),
    ] {
        let report = report(&[regex]);
        let found = kinds(&report);
        // The greedy `.*` is right if nothing free follows; here `lip=.*` follows.
        assert!(found.iter().any(|found| found.starts_with(kind)), "{regex}: {found:?}");
        let complaint = one(&report, found[0]);
        let line = complaint.value("line").expect("a proof");
        assert!(line.contains(TRUE_ADDRESS), "{line}");
        assert_eq!(reported(regex, line).as_deref(), Some(TYPED_ADDRESS), "{regex}: {line}");
    }
}

#[test]
fn what_cannot_be_forged_is_not_called_so() {
    for regex in [
        "^refused login of .* from <ADDR> port \\d+$",
        "^refused login from <ADDR>: user .*$",
        "^<ADDR> \\S+ \"GET .*\" refused$",
        "^refused login of [^ ]* from <ADDR>: .*$",
    ] {
        assert_eq!(kinds(&report(&[regex])), Vec::<&str>::new(), "{regex}");
    }
}

#[test]
fn the_old_name_of_the_address_works_and_its_new_form_is_shown() {
    let report = report(&["^refused user, rip=(?P<host>\\S*), lip$"]);
    let complaint = one(&report, "old-host");
    assert_eq!(complaint.value("instead"), Some("^refused user, rip=<HOST>, lip$"));
    assert_eq!(report.verdict(), Verdict::Differs);
}

#[test]
fn a_name_that_a_web_page_ate_is_explained_and_the_rest_runs() {
    let report = report(&["^refused, rip=(?P\\S*), lip$", "^refused from <ADDR>$"]);
    let complaint = one(&report, "regex-wrong");
    assert_eq!((complaint.value("hint"), complaint.place.line), (Some("name-lost"), 2));
    assert!(
        complaint
            .value("near")
            .is_some_and(|near| near.starts_with("(?P\\S*)") || near.starts_with("?P\\S*)")),
        "{:?}",
        complaint.value("near")
    );
    assert_eq!(report.filters[0].verdict, Verdict::Differs);
    let alone = self::report(&["^refused, rip=(?P\\S*), lip$"]);
    assert_eq!(alone.jails[0].verdict, Verdict::Cannot);
}

#[test]
fn a_filter_that_would_ban_the_owner_is_called_so() {
    let report = report(&[
        "^\\s*\\S+ sshd\\[\\d+\\]: \\S+ password for \\S+ from <ADDR>",
        "^\\s*\\S+ s\\[\\d+\\]: statistics: max rate \\S+ for \\(smtp:<ADDR>\\)$",
    ]);
    assert!(one(&report, "bans-owner").value("line").is_some_and(|l| l.contains("Accepted")));
    assert_eq!(one(&report, "bans-harmless").value("number"), Some("2"));
}

#[test]
fn what_has_no_end_is_measured() {
    let report = report(&["^smtp: (?:[^\\[]+ )*\\[<ADDR>\\] authentication failure$"]);
    let complaint = one(&report, "hangs-elsewhere");
    assert!(complaint.value("line").is_some_and(|line| line.starts_with("smtp: ")));
    let bounded = self::report(&["^smtp: (?:[^\\[]+ )*(?!x)\\[<ADDR>\\] authentication failure$"]);
    assert!(kinds(&bounded).iter().any(|kind| kind.starts_with("hangs")));
}

#[test]
fn actions_and_times_are_judged() {
    let jail = JAIL
        .replace("nftables", "nftables\n mine[actname=m]\n smtp.py[dest=a]\n other.py\n nothing");
    let report = report_of(&[
        ("filter.d/f.conf", "[Definition]\nfailregex = ^refused <ADDR>$\ndatepattern = [\n"),
        ("jail.local", &format!("{jail}bantime = -1\nfindtime = 0\n")),
        ("action.d/mine.conf", "[Definition]\nactionban = echo <ip>\n"),
        ("action.d/nothing.conf", "[Definition]\nactionstart = true\n"),
    ]);
    let of = |name: &str| {
        let part = report.actions.iter().find(|part| part.name == name).expect("an action");
        part.verdict
    };
    let all = ["nftables", "mine", "smtp.py", "other.py", "nothing"].map(of);
    assert_eq!(
        all,
        [Verdict::Native, Verdict::Shell, Verdict::Native, Verdict::Cannot, Verdict::Shell]
    );
    for kind in ["action-without-ban", "bans-forever", "finds-nothing", "datepattern-wrong"] {
        one(&report, kind);
    }
    assert_eq!(report.jails[0].verdict, Verdict::Cannot, "its dates cannot be read");
    let reasons = |report: &Report| -> Vec<&str> {
        report.jails[0].reasons.iter().map(|reason| reason.kind).collect()
    };
    assert!(!reasons(&report).contains(&"blocks-nobody"));
    // A jail that can do nothing runs all the same, and that is said.
    for action in ["other.py", "", "nothing"] {
        let report = report_of(&[
            ("jail.local", &JAIL.replace("nftables", action)),
            ("filter.d/f.conf", "[Definition]\nfailregex = ^refused <ADDR>$\n"),
            ("action.d/nothing.conf", "[Definition]\nactionstart = true\n"),
        ]);
        assert_eq!(report.jails[0].verdict, Verdict::Differs, "{action}");
        assert!(reasons(&report).contains(&"blocks-nobody"), "{action}");
    }
}

#[test]
fn a_port_that_is_no_service_is_named_with_its_line() {
    if !Path::new("/etc/fail2ban/action.d/nftables.conf").is_file() {
        println!("left out: there is no fail2ban configuration at /etc/fail2ban");
        return;
    }
    let action = |name: &str| {
        let text = fs::read_to_string(format!("/etc/fail2ban/action.d/{name}.conf"));
        text.expect("an action of fail2ban")
    };
    let (nftables, iptables) = (action("nftables"), action("iptables"));
    let report = |of_jail: &str| {
        report_of(&[
            ("jail.local", &format!("{}{of_jail}", JAIL.replace("action = nftables\n", ""))),
            ("filter.d/f.conf", "[Definition]\nfailregex = ^refused <ADDR>$\n"),
            ("action.d/nftables.conf", &nftables),
            ("action.d/iptables.conf", &iptables),
        ])
    };
    let wrong =
        "port = imap,impas,0:65535,143\naction = nftables[type=multiport,port=\"%(port)s\"]\n";
    let wrong = report(wrong);
    let unknown: Vec<&Complaint> =
        wrong.complaints.iter().filter(|one| one.kind == "port-unknown").collect();
    assert_eq!(unknown.len(), 1, "{:?}", kinds(&wrong));
    assert_eq!((unknown[0].value("port"), unknown[0].place.line), (Some("impas"), 6));
    let by_iptables = report("action = iptables[type=multiport,port=\"993,nosuch\"]\n");
    assert_eq!(one(&by_iptables, "port-unknown").value("port"), Some("nosuch"));
    let right = "port = imap,imaps,imap2:imaps,22-25\n\
                 action = nftables[type=multiport,port=\"%(port)s\"]\n iptables[type=allports]\n";
    assert!(!kinds(&report(right)).contains(&"port-unknown"));
}

#[test]
fn a_jail_is_no_better_than_its_action() {
    let jail = JAIL.replace("nftables", "nftables\n odd");
    let report = report_of(&[
        ("filter.d/f.conf", "[Definition]\nfailregex = ^refused <ADDR>$\n"),
        ("jail.local", &jail),
        ("action.d/odd.conf", "[Definition]\nactionban = echo <ip> <ip-host>\n"),
    ]);
    assert_eq!(report.actions[1].verdict, Verdict::Differs);
    let jail = &report.jails[0];
    let reasons: Vec<_> = jail.reasons.iter().map(|reason| reason.kind).collect();
    assert_eq!((jail.verdict, reasons), (Verdict::Differs, vec!["by-different-action"]));
}

/// The configurations that fail2ban ships are sound: nothing in them is an error, all of it runs,
/// and what is said about them is what was looked at and found true.
#[test]
fn stock_configurations_come_out_without_false_alarms() {
    let known = [
        "hangs-elsewhere",
        "slows-elsewhere",
        "injectable",
        "injectable-behind",
        "takes-names",
        "bans-harmless",
    ];
    let other = std::env::var("MONBAN_FAIL2BAN_CONFIG").unwrap_or_default();
    for folder in ["/etc/fail2ban", other.as_str()] {
        if !Path::new(folder).join("jail.conf").is_file() {
            println!("left out: there is no fail2ban configuration at `{folder}`");
            continue;
        }
        let started = Instant::now();
        let all = Reading { all: true, ..Reading::default() };
        let found = Configuration::read(Path::new(folder), &all);
        let services = fs::read_to_string("/etc/services").unwrap_or_default();
        let report = check(&found, &good(), &Services::read(&services));
        let bound = if cfg!(debug_assertions) { 120 } else { 10 };
        assert!(started.elapsed() < Duration::from_secs(bound), "{:?}", started.elapsed());
        assert_eq!(report.verdict(), Verdict::Native);
        let errors = report.complaints.iter().filter(|one| one.severity == Severity::Error);
        assert_eq!(errors.count(), 0);
        let unknown: Vec<_> = kinds(&report).into_iter().filter(|k| !known.contains(k)).collect();
        assert_eq!(unknown, Vec::<&str>::new(), "{folder}");
        println!("{folder}: {} jails in {:.1?}", report.jails.len(), started.elapsed());
    }
}
