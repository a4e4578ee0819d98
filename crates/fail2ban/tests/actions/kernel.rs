//! Firewall actions, in the kernel of a namespace: many at a time against one command for each.

use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::time::{Duration, Instant};

use monban_fail2ban::action::{
    Environment, Execute, Fed, JailActions, Place, Request, Shell, Table, Template, Ticket, Time,
    run, run_fed,
};
use monban_firewall::SetWriter;
use monban_model::JailJob;

use super::oracle::hostnames;
use super::{stock, values};

const INSIDE: &str = "MONBAN_TEST_INSIDE_NAMESPACE";

const ACTIONS: [&str; 9] = [
    "nftables-multiport",
    "nftables-allports",
    "nftables[type=custom, match='tcp dport 22', blocktype=drop, table=mine]",
    "iptables",
    "iptables-multiport[blocktype=DROP]",
    "iptables-allports",
    "iptables-new",
    "iptables-multiport-log",
    "iptables-ipset-proto6[ipsettime='<timeout-bantime>']",
];

/// Runs a test again in a network namespace of its own.
fn in_namespace(name: &str, test: impl FnOnce()) {
    if std::env::var_os(INSIDE).is_some() {
        return test();
    }
    let name = format!("kernel::{name}");
    if !rustix::process::geteuid().is_root() {
        return println!("left out: needs root ({name})");
    }
    for program in ["unshare", "nft", "iptables", "ipset"] {
        if Command::new(program).arg("--version").output().is_err() {
            return println!("left out: needs the program {program} ({name})");
        }
    }
    if !Path::new("/etc/fail2ban/jail.conf").is_file() {
        return println!("left out: needs the configuration of fail2ban ({name})");
    }
    let status = Command::new("unshare")
        .arg("--net")
        .arg(std::env::current_exe().expect("this"))
        .args(["--exact", &name, "--nocapture", "--test-threads=1"])
        .env(INSIDE, "1")
        .status();
    assert!(status.expect("unshare").success(), "{name} failed in its namespace");
}

fn sh(command: &str) -> String {
    let output = Command::new("sh").args(["-c", command]).output().expect("a shell");
    let error = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{command}: {error}");
    String::from_utf8(output.stdout).expect("text")
}

/// A jail with one action at work.
struct Work {
    templates: Vec<Template>,
    actions: JailActions,
    runner: Runner,
}

struct Runner {
    environment: Environment,
    native: bool,
    /// Where elements of sets go over netlink.
    netlink: Option<SetWriter>,
    commands: usize,
    /// Runs of a program for many changes, and what went over netlink instead.
    fed: usize,
    written: usize,
    /// Questions whether something is gone.
    asked: usize,
}

/// How bans are made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum How {
    /// By the commands of the action.
    Shell,
    /// By a program that reads many changes.
    Program,
    /// Over netlink, what goes over it, and else by a program.
    Netlink,
}

impl Execute for Runner {
    fn execute(&mut self, shell: &Shell, timeout: Duration) -> bool {
        self.commands += 1;
        run(shell, timeout, &self.environment).is_ok()
    }

    fn feed(&mut self, fed: &Fed, timeout: Duration) -> bool {
        if let Some((writer, changes)) = self.netlink.as_mut().zip(fed.elements.as_ref()) {
            self.written += 1;
            let written = writer.write(&changes.set, &changes.add, &changes.delete);
            if let Err(why) = &written {
                println!("{}: {why}", changes.set);
            }
            return written.is_ok();
        }
        self.fed += 1;
        let outcome = run_fed(fed, timeout, &self.environment);
        if !outcome.is_ok() {
            println!("{:?}: {}", fed.program, String::from_utf8_lossy(&outcome.stderr).trim());
        }
        outcome.is_ok()
    }

    fn is_gone(&mut self, place: &Place, timeout: Duration) -> bool {
        self.asked += 1;
        if let Some((writer, set)) = self.netlink.as_mut().zip(place.set.as_ref()) {
            return !writer.has(set).expect("an answer");
        }
        place.is_gone_by(|fed| run_fed(fed, timeout, &self.environment).is_ok())
    }
}

impl Work {
    fn start(action: &str, how: How) -> Self {
        let jails = [("j".to_owned(), action.to_owned())];
        let found = stock::with_jails(Path::new("/etc/fail2ban"), &jails);
        let table = Table::new(&found.jails, &hostnames(), true);
        let number = table.number("j").expect("the jail");
        let templates = table.templates(number).expect("the jail").to_vec();
        assert!(templates.iter().all(Template::is_native), "{action} is known");
        let environment = Environment::of_this_process();
        let native = how != How::Shell;
        let netlink = (how == How::Netlink).then(SetWriter::open);
        let runner =
            Runner { environment, native, netlink, commands: 0, fed: 0, written: 0, asked: 0 };
        let mut work = Self { templates, actions: JailActions::new(Arc::default()), runner };
        work.one(JailJob::Start);
        work
    }

    fn one(&mut self, job: JailJob) {
        let failed = self.many(job, &[String::new()]);
        assert_eq!(failed, [0; 0], "{job:?}");
    }

    /// Whose turn failed.
    fn many(&mut self, job: JailJob, ips: &[String]) -> Vec<usize> {
        let request = |ip: &String| {
            let mut ticket = match ip.is_empty() {
                true => Ticket::of_nobody(Time::Whole(1), Default::default()),
                false => Ticket::new(values::address(ip), Time::Whole(1)),
            };
            ticket.bantime_s = Some(600);
            Request { jail: 0, actions: Vec::new(), job, ticket }
        };
        let requests: Vec<Request> = ips.iter().map(request).collect();
        let together = self.runner.native
            && matches!(job, JailJob::Ban | JailJob::Unban | JailJob::Reban { .. });
        let now = Time::Whole(1);
        let all: Vec<&Request> = requests.iter().collect();
        let done = match together {
            true => self.actions.perform_all(&self.templates, &all, now, &mut self.runner),
            false => {
                let one = |one| self.actions.perform(&self.templates, one, now, &mut self.runner);
                all.into_iter().map(one).collect()
            }
        };
        let failed = done.iter().enumerate().filter(|(_, done)| !done.failed.is_empty());
        failed.map(|(at, _)| at).collect()
    }
}

/// What the kernel holds: sets as sorted lists, without the time that passes.
fn state() -> String {
    let text = sh("nft list ruleset; iptables-save; ip6tables-save; ipset save | sort");
    let lines = text.lines().filter(|line| !line.starts_with('#'));
    let words: Vec<&str> = lines.flat_map(str::split_whitespace).collect();
    let mut out: Vec<String> = Vec::new();
    let mut elements: Option<Vec<String>> = None;
    for (at, word) in words.iter().enumerate() {
        let before = at.checked_sub(1).map_or("", |at| words[at]);
        match (&mut elements, *word) {
            (None, "{") if before == "=" => elements = Some(Vec::new()),
            (Some(list), "}") => {
                list.sort();
                out.append(list);
                elements = None;
            }
            (Some(list), word) => list.push(word.trim_end_matches(',').to_owned()),
            _ if before == "initval" => {}
            _ if before == "timeout" && *word != "0" => out.push("SOME".to_owned()),
            _ => out.push((*word).to_owned()),
        }
    }
    out.join(" ")
}

fn some() -> Vec<String> {
    ["192.0.2.1", "2001:db8::1", "192.0.2.2", "192.0.2.3", "2001:db8::2"].map(str::to_owned).into()
}

/// The kernel at each step, and what ran.
fn steps(action: &str, how: How) -> (Vec<String>, Runner) {
    let mut work = Work::start(action, how);
    let mut states = vec![state()];
    assert_eq!(work.many(JailJob::Ban, &some()), [0; 0], "{action}");
    states.push(state());
    assert_eq!(work.many(JailJob::Unban, &some()[1..3]), [0; 0], "{action}");
    states.push(state());
    assert_eq!(work.many(JailJob::Ban, &["192.0.2.9".to_owned()]), [0; 0], "{action}");
    states.push(state());
    work.one(JailJob::Flush { stopping: false });
    states.push(state());
    work.one(JailJob::Stop);
    states.push(state());
    sh("nft flush ruleset; ipset destroy");
    (states, work.runner)
}

#[test]
fn many_at_a_time_leave_the_kernel_as_single_commands_do() {
    in_namespace("many_at_a_time_leave_the_kernel_as_single_commands_do", || {
        for action in ACTIONS {
            let (by_shell, of_shell) = steps(action, How::Shell);
            for how in [How::Program, How::Netlink] {
                let (natively, Runner { commands, fed, written, .. }) = steps(action, how);
                for (step, (one, two)) in natively.iter().zip(&by_shell).enumerate() {
                    assert_eq!(one, two, "{action}, {how:?}, step {step}");
                }
                assert!(natively[1].contains("192.0.2.3") && natively[1].contains("2001:db8::2"));
                assert!(!natively[4].contains("192.0.2.3"));
                let more = of_shell.commands;
                println!(
                    "{action}: {commands} commands, {fed} runs, {written} over netlink, not {more}"
                );
                let is_netlink = how == How::Netlink && action.starts_with("nftables");
                let expected = if is_netlink { (0, 5) } else { (5, 0) };
                assert!(commands < more && (fed, written) == expected);
            }
        }
    });
}

#[test]
fn what_vanished_behind_our_back_is_put_back_whole() {
    in_namespace("what_vanished_behind_our_back_is_put_back_whole", || {
        let gone = [
            (ACTIONS[0], How::Netlink, "nft delete table inet f2b-table"),
            (ACTIONS[0], How::Program, "nft delete table inet f2b-table"),
            (ACTIONS[4], How::Program, "iptables -F; iptables -X; ip6tables -F; ip6tables -X"),
            (ACTIONS[8], How::Program, "iptables -F; ip6tables -F; ipset destroy"),
        ];
        for (action, how, destroy) in gone {
            let mut work = Work::start(action, how);
            assert_eq!(work.many(JailJob::Ban, &some()), [0; 0]);
            sh(destroy);
            let more = ["192.0.2.7".to_owned(), "2001:db8::7".to_owned()];
            assert_eq!(work.many(JailJob::Ban, &more), [0; 0], "{action}");
            let repaired = state();
            sh(destroy);
            work.one(JailJob::Check);
            assert_eq!(state(), repaired, "{action}");
            work.one(JailJob::Stop);
            sh("nft flush ruleset; ipset destroy");
            let mut fresh = Work::start(action, how);
            let mut all: Vec<String> = some().into_iter().chain(more).collect();
            all.sort();
            assert_eq!(fresh.many(JailJob::Ban, &all), [0; 0]);
            let sorted = |text: &str| {
                let mut words: Vec<String> = text.split(' ').map(str::to_owned).collect();
                words.sort();
                words
            };
            assert_eq!(sorted(&state()), sorted(&repaired), "{action}");
            fresh.one(JailJob::Stop);
            sh("nft flush ruleset; ipset destroy");
        }
    });
}

#[test]
fn what_is_gone_needs_no_removing() {
    in_namespace("what_is_gone_needs_no_removing", || {
        let (nft, ipt, ips) = (
            "nft flush ruleset",
            "iptables -F; iptables -X; ip6tables -F; ip6tables -X",
            "ipset destroy",
        );
        let both = format!("{ipt}; {ips}");
        let gone = [
            (ACTIONS[0], How::Netlink, nft),
            (ACTIONS[0], How::Program, nft),
            (ACTIONS[0], How::Shell, nft),
            (ACTIONS[4], How::Program, ipt),
            (ACTIONS[4], How::Shell, nft),
            (ACTIONS[8], How::Program, &both),
        ];
        for (action, how, destroy) in gone {
            let ends: [(JailJob, &[String]); 4] = [
                (JailJob::Unban, &some()[..1]),
                (JailJob::Unban, &some()),
                (JailJob::Flush { stopping: true }, &[String::new()]),
                (JailJob::Stop, &[String::new()]),
            ];
            for (job, who) in ends {
                let mut work = Work::start(action, how);
                assert_eq!(work.many(JailJob::Ban, &some()), [0; 0]);
                assert_eq!(work.runner.asked, 0);
                sh(destroy);
                assert_eq!(work.many(job, who), [0; 0], "{action}, {how:?}: {job:?}");
                assert!(work.runner.asked > 0, "{action}, {how:?}: {job:?}");
                assert!(!state().contains("192.0.2"), "{action}, {how:?}: {job:?}");
                // And a ban has all that it needs again.
                if job != JailJob::Stop {
                    let more = ["192.0.2.7".to_owned()];
                    assert_eq!(work.many(JailJob::Ban, &more), [0; 0], "{action}: {job:?}");
                    assert!(state().contains("192.0.2.7"), "{action}: {job:?}");
                    work.one(JailJob::Stop);
                }
                sh(&format!("{nft}; {both}"));
            }
        }
    });
}

#[test]
fn what_is_there_and_cannot_be_removed_is_a_failure() {
    in_namespace("what_is_there_and_cannot_be_removed_is_a_failure", || {
        let mut work = Work::start(ACTIONS[4], How::Program);
        assert_eq!(work.many(JailJob::Ban, &some()[..1]), [0; 0]);
        sh("iptables -A FORWARD -j f2b-j");
        assert_eq!(work.many(JailJob::Stop, &[String::new()]), [0]);
        sh("iptables -F; iptables -X");
        // No program can say that anything is gone.
        for action in [ACTIONS[0], ACTIONS[4], ACTIONS[8]] {
            let mut work = Work::start(action, How::Program);
            assert_eq!(work.many(JailJob::Ban, &some()[..1]), [0; 0]);
            work.runner.environment = Environment::of_this_process().with("PATH", "/nowhere");
            assert_eq!(work.many(JailJob::Unban, &some()[..1]), [0], "{action}");
            assert_eq!(work.many(JailJob::Stop, &[String::new()]), [0], "{action}");
            sh("nft flush ruleset; ipset destroy");
        }
    });
}

#[test]
fn one_that_the_kernel_refuses_does_not_hold_up_the_others() {
    in_namespace("one_that_the_kernel_refuses_does_not_hold_up_the_others", || {
        let mut work = Work::start("iptables-allports", How::Program);
        let ips: Vec<String> = (0..200).map(|n| format!("192.0.2.{n}")).collect();
        assert_eq!(work.many(JailJob::Ban, &ips), [0; 0]);
        // Twice is once: its end would leave a rule.
        assert_eq!(work.many(JailJob::Ban, &ips), [0; 0]);
        assert_eq!(sh("iptables-save | grep -c 192.0.2"), "200\n");
        sh("iptables -D f2b-j -s 192.0.2.77 -j REJECT");
        assert_eq!(work.many(JailJob::Unban, &ips), [77]);
        assert_eq!(sh("iptables-save | grep -c 192.0.2 || true"), "0\n");
        // The table is a set of addresses of IPv4, and this is none of its elements.
        for how in [How::Netlink, How::Program] {
            let mut work = Work::start("nftables-allports", how);
            let mixed = ["192.0.2.1", "198.51.100.0/24", "192.0.2.3"].map(str::to_owned);
            assert_eq!(work.many(JailJob::Ban, &mixed), [1]);
            assert_eq!(sh("nft list ruleset | grep -c 192.0.2.3"), "1\n");
            work.one(JailJob::Stop);
        }
    });
}

#[test]
fn a_firewall_is_not_asked_about_who_is_no_address() {
    in_namespace("a_firewall_is_not_asked_about_who_is_no_address", || {
        for how in [How::Netlink, How::Program] {
            let mut work = Work::start("nftables-allports", how);
            let mixed = ["192.0.2.1", "localhost", "192.0.2.3"].map(str::to_owned);
            assert_eq!(work.many(JailJob::Ban, &mixed), [1]);
            assert_eq!(sh("nft list ruleset | grep -c 'saddr @'"), "1\n");
            assert_eq!(sh("nft list ruleset | grep -c 127.0.0.1 || true"), "0\n");
            // What was banned beside it ends with all others.
            assert_eq!(work.many(JailJob::Unban, &["localhost".to_owned()]), [0; 0]);
            work.one(JailJob::Flush { stopping: false });
            assert_eq!(sh("nft list ruleset | grep -c 192.0.2 || true"), "0\n");
            work.one(JailJob::Stop);
        }
    });
}

#[test]
fn twenty_thousand_bans_are_quick() {
    in_namespace("twenty_thousand_bans_are_quick", || {
        let ips: Vec<String> = (0..20_000)
            .map(|n| format!("10.{}.{}.{}", n / 65_536, n / 256 % 256, n % 256))
            .collect();
        let all = [
            (ACTIONS[0], How::Netlink),
            (ACTIONS[0], How::Program),
            (ACTIONS[4], How::Program),
            (ACTIONS[8], How::Program),
        ];
        for (action, how) in all {
            let mut by_shell = Work::start(action, How::Shell);
            let begun = Instant::now();
            assert_eq!(by_shell.many(JailJob::Ban, &ips[..50]), [0; 0]);
            let one_by_shell = begun.elapsed() / 50;
            by_shell.one(JailJob::Stop);
            let mut work = Work::start(action, how);
            // What a first ban starts is not counted.
            assert_eq!(work.many(JailJob::Ban, &["192.0.2.1".to_owned()]), [0; 0]);
            let begun = Instant::now();
            assert_eq!(work.many(JailJob::Ban, &["192.0.2.2".to_owned()]), [0; 0]);
            let one = begun.elapsed();
            let begun = Instant::now();
            assert_eq!(work.many(JailJob::Ban, &ips), [0; 0]);
            let all = begun.elapsed();
            let begun = Instant::now();
            work.one(JailJob::Flush { stopping: true });
            let flush = begun.elapsed();
            work.one(JailJob::Stop);
            println!(
                "{action} {how:?}: one {one:?}, 20,000 {all:?}, flush {flush:?}; by shell {one_by_shell:?} \
                 each, so 20,000 {:?}",
                one_by_shell * 20_000
            );
            assert!(all < one_by_shell * 2000, "ten times as quick");
        }
    });
}
