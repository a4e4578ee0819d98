//! Jails as a whole: what they ban, order, ask and remember.
#![allow(clippy::unwrap_used, reason = "a test ends where something is wrong")]

mod adopted;
mod asking;
mod begun;
mod earlier;
mod holding;
mod idle;
mod lacks;
mod lost;
mod orders;
mod repairs;
mod spared;
mod standing;
mod together;
mod waiting;
mod world;

use monban_fail2ban::action::Ticket;
use monban_jails::{Ask, Entry, Told, WhyFreed, WhyNot};
use monban_model::limits::JAIL_UNDERWAY_MAX;
use monban_model::{
    JailAnswer, JailJob, JailOutcome, JailRepairs, JailResult, JailRowKind, Line, Refusal, Stamp,
};
use world::{LINE, TWO, World};

const BOB: &str = "no bob from 192.0.2.1";

#[test]
fn each_jail_counts_its_own_files_and_bans_single_addresses() {
    let mut world = World::new(TWO);
    for _ in 0..2 {
        world.line("/one-a.log", BOB);
        world.line("/one-b.log", "no eve from 2001:db8::1");
    }
    assert_eq!(world.told(), Vec::<String>::new());
    world.line("/one-b.log", BOB);
    world.line("/one-a.log", "no eve from 2001:db8::1");
    world.line("/two.log", BOB);
    world.line("/else.log", BOB);
    let told = ["one banned 192.0.2.1/32", "one banned 2001:db8::1/128", "two banned 192.0.2.1/32"];
    let short: Vec<String> =
        told.iter().map(|one| one.replace("/32", "").replace("/128", "")).collect();
    assert_eq!(world.told(), short);
    let orders = world.orders();
    let jobs: Vec<(u32, JailJob)> = orders.iter().map(|order| (order.jail, order.job)).collect();
    assert_eq!(jobs, [(0, JailJob::Ban), (0, JailJob::Ban), (1, JailJob::Ban)]);
    let ticket = Ticket::from_bytes(&orders[0].ticket).unwrap();
    assert_eq!(ticket.captures.get("user").map(String::as_str), Some("bob"));
    assert_eq!((ticket.failures, ticket.bancount, ticket.matches.len()), (3, 1, 3));
    world.tick(60);
    assert_eq!(world.told(), Vec::<String>::new());
    world.tick(1);
    assert_eq!(world.told().len(), 3);
    assert!(world.ordered().iter().all(|(_, job, _)| *job == JailJob::Unban));
}

#[test]
fn a_reload_loses_no_count_and_no_ban_and_one_that_breaks_a_jail_changes_nothing() {
    let mut world = World::new(TWO);
    world.line("/one.log", BOB);
    world.line("/one.log", BOB);
    world.line("/two.log", BOB);
    world.told();
    let broken = TWO.replace("[two]", "[new]\nenabled = yes\nfilter = nosuch\n[two]");
    world.write("jail.conf", &format!("{broken}logencoding = no-such\n"));
    let problems = world.reload().unwrap_err();
    assert_eq!(problems.len(), 1);
    assert_eq!(problems[0].jail, "two");
    let said = |why: &str| why.contains("no-such");
    assert!(matches!(&problems[0].why, WhyNot::Unusable(why) if said(why)), "{problems:?}");
    world.line("/one.log", BOB);
    assert_eq!(world.told(), ["one banned 192.0.2.1"]);
    world.write("jail.conf", &broken);
    assert_eq!(world.set_up(), []);
    assert!(world.client("status two").contains("Banned IP list:\t192.0.2.1"));
    world.tick(61);
    assert_eq!(world.told(), ["one freed 192.0.2.1", "two freed 192.0.2.1"]);
}

#[test]
fn whoever_reads_the_ledger_sees_what_a_jail_counts() {
    let mut world = World::new(TWO);
    world.line("/one.log", BOB);
    world.now_s += 5;
    world.line("/one.log", BOB);
    world.line("/two.log", BOB);
    world.commit();
    assert_eq!(world.counted("one", "192.0.2.1"), Some((2, world::START_S + 5)));
    // A ban is no open count.
    assert_eq!(world.counted("two", "192.0.2.1"), None);
}

#[test]
fn counts_and_bans_go_on_over_an_end_at_any_instant() {
    let mut world = World::new(TWO);
    world.line("/one.log", BOB);
    world.line("/one.log", BOB);
    world.line("/two.log", "no eve from 192.0.2.2");
    world.commit();
    world.restart();
    assert_eq!(world.told(), ["two restored 192.0.2.2"]);
    world.line("/one.log", BOB);
    assert_eq!(world.told(), ["one banned 192.0.2.1"]);
    world.commit();
    assert_eq!(world.committed(JailRowKind::Ticket), 0);
    assert_eq!(world.committed(JailRowKind::Ban), 2);
    world.tick(61);
    world.commit();
    assert_eq!(world.committed(JailRowKind::Ban), 0);
    // A ban that is longer than the jail's is as long as that now.
    world.line("/two.log", "no eve from 192.0.2.3");
    world.commit();
    world.write("jail.conf", &TWO.replace("bantime = 1m", "bantime = 10"));
    world.now_s += 11;
    world.told();
    world.restart();
    assert_eq!(world.told(), Vec::<String>::new());
}

#[test]
fn orders_wait_until_the_actions_are_started() {
    let mut world = World::new(TWO);
    world.guards = true;
    world.set_up();
    world.line("/two.log", BOB);
    assert_eq!(world.ordered(), []);
    let now = world.now();
    world.jails.actions(&[0, 1], now);
    let bob = "192.0.2.1".to_owned();
    let started = [
        (0, JailJob::Start, String::new()),
        (1, JailJob::Start, String::new()),
        (1, JailJob::Ban, bob.clone()),
    ];
    let ordered = world.ordered();
    let plain = |list: &[(u32, JailJob, String)]| -> Vec<(u32, JailJob, String)> {
        list.iter().map(|(n, job, net)| (*n, *job, net.replace("/32", ""))).collect()
    };
    assert_eq!(plain(&ordered), started);
    // The actor was started anew: all bans are made again.
    world.jails.actions(&[1], now);
    let again = [(1, JailJob::Start, String::new()), (1, JailJob::Ban, bob.clone())];
    assert_eq!(plain(&world.ordered()), again);
    // The watcher was: what it knows is there already.
    world.commit();
    world.restart();
    world.jails.actions(&[], now);
    assert_eq!(world.ordered(), []);
    world.tick(61);
    assert_eq!(plain(&world.ordered()), [(1, JailJob::Unban, bob)]);
}

#[test]
fn what_the_warden_refuses_is_not_in_force() {
    let mut world = World::new(TWO);
    world.jails.actions(&[0, 1], world.now());
    world.orders();
    world.line("/two.log", BOB);
    world.line("/two.log", "no eve from 192.0.2.2");
    let orders = world.orders();
    world.told();
    let now = world.now();
    let outcome = |order, result| JailOutcome { order, jail: 1, job: JailJob::Ban, result };
    let refused = JailResult::Refused(Refusal::TooWide);
    world.jails.outcome(outcome(orders[0].id, refused), now);
    let news: Vec<Told> = world.news().into_iter().map(|one| one.told).collect();
    let refused = Told::Refused { job: JailJob::Ban, why: Refusal::TooWide };
    assert_eq!(news, [refused, Told::Freed(WhyFreed::Refused(Refusal::TooWide))]);
    assert!(!world.client("status two").contains("192.0.2.1"));
}

#[test]
fn names_are_resolved_and_each_of_their_addresses_is_counted() {
    let mut world = World::new(&TWO.replace("[two]", "[two]\nignoreip = home.example"));
    let questions = world.questions();
    assert_eq!(questions[0].ask, Ask::Name("home.example".to_owned()));
    let address = |text: &str| monban_model::Address::new(text.parse().unwrap());
    let now = world.now();
    let home = vec![address("198.51.100.1")];
    world.jails.answer(questions[0].id, JailAnswer::Addresses(home.clone()), now);
    world.line("/two.log", "no bob from 198.51.100.1");
    world.line("/two.log", "no bob from bad.example");
    let questions = world.questions();
    assert_eq!(questions[0].ask, Ask::Name("bad.example".to_owned()));
    let both = vec![address("192.0.2.1"), address("2001:db8::1"), home[0]];
    world.jails.answer(questions[0].id, JailAnswer::Addresses(both), now);
    let told = [
        "two spared 198.51.100.1",
        "two banned 192.0.2.1",
        "two banned 2001:db8::1",
        "two spared 198.51.100.1",
    ];
    assert_eq!(world.told(), told);
    // A flood of names has an end.
    for number in 0..5000 {
        world.line("/two.log", &format!("no bob from n{number}.example"));
    }
    assert_eq!(world.questions().len(), monban_model::limits::JAIL_QUESTIONS_MAX);
    world.tick(1);
    let lost = 5000 - monban_model::limits::JAIL_QUESTIONS_MAX as u64;
    let unasked = |one: &monban_jails::News| one.told == Told::Unasked { count: lost };
    assert_eq!(world.news().into_iter().filter(unasked).count(), 1);
}

#[test]
fn a_jail_of_the_journal_reads_the_entries_it_asks_for() {
    let jail = "[j]\nenabled = yes\nfilter = x\nbackend = systemd\nmaxretry = 1\naction = tell\n";
    let mut world = World::new(jail);
    let filter = "[Definition]\nfailregex = ^\\S+ sshd\\[\\d+\\]: no \\S+ from <HOST>$\n";
    world.write("filter.d/x.conf", &format!("{filter}journalmatch = _COMM=sshd\n"));
    world.set_up();
    assert!(world.jails.read_journal());
    let entry = |comm: &str| -> Vec<(Vec<u8>, Vec<u8>)> {
        [
            ("_HOSTNAME", "h"),
            ("_COMM", comm),
            ("_PID", "7"),
            ("SYSLOG_IDENTIFIER", "sshd"),
            ("MESSAGE", BOB),
        ]
        .iter()
        .map(|(name, value)| (name.as_bytes().to_vec(), value.as_bytes().to_vec()))
        .collect()
    };
    let (now, realtime_us) = (world.now(), world.now().0.cast_unsigned() * 1000);
    for comm in ["logger", "sshd"] {
        let fields = entry(comm);
        world.jails.entry(&Entry { fields: &fields, realtime_us }, now, false);
    }
    assert_eq!(world.told(), ["j banned 192.0.2.1"]);
}

#[test]
fn a_clock_that_is_set_changes_no_count_and_no_ban() {
    let mut world = World::new(TWO);
    world.line("/one.log", BOB);
    world.line("/one.log", BOB);
    world.line("/two.log", BOB);
    world.told();
    world.now_s -= 86_400;
    world.jails.clock_set(-86_400_000);
    world.tick(1);
    world.line("/one.log", BOB);
    assert_eq!(world.told(), ["one banned 192.0.2.1"]);
    world.tick(60);
    assert_eq!(world.told(), ["two freed 192.0.2.1"]);
}

#[test]
fn hostile_rows_and_words_are_errors_and_never_a_panic() {
    let mut world = World::new(TWO);
    world.line("/two.log", BOB);
    let rows: Vec<_> = world.jails.take_changes();
    for row in rows {
        let Some(data) = row.data.clone() else { continue };
        for at in 0..data.len() {
            let mut cut = data.clone();
            cut[at] ^= 0x5a;
            let _ =
                world.jails.load(vec![monban_model::JailRow { data: Some(cut), ..row.clone() }]);
            let short = monban_model::JailRow { data: Some(data[..at].to_vec()), ..row.clone() };
            assert_eq!(world.jails.load(vec![short]), 1);
        }
    }
    world.set_up();
    for bytes in [&b""[..], b"\xff\xff\xff\xff", &[4; 1000]] {
        monban_fail2ban::client::answer(bytes, &mut world.jails);
    }
    assert_eq!(world.client("set two banip"), "0");
    assert_eq!(
        world.client("set nobody banip 192.0.2.1"),
        "Sorry but the jail 'nobody' does not exist"
    );
    let no_line = [0xff_u8; 70_000];
    for (arrival, catching_up) in [(Stamp(i64::MAX), false), (Stamp(i64::MIN), true)] {
        let line = Line { bytes: &no_line, arrival, ..LINE };
        world.jails.line("/two.log", &line, catching_up);
    }
}

#[test]
fn the_client_changes_what_counts() {
    let mut world = World::new(TWO);
    assert_eq!(world.client("set one maxretry 1"), "1");
    world.line("/one.log", BOB);
    assert_eq!(world.told(), ["one banned 192.0.2.1"]);
    world.client("set one addignoreip 198.51.100.0/24");
    world.line("/one.log", "no bob from 198.51.100.7");
    assert_eq!(world.told(), ["one spared 198.51.100.7"]);
    world.client("set one bantime 5");
    world.tick(6);
    assert_eq!(world.told(), ["one freed 192.0.2.1"]);
    world.client("set one addfailregex ^ bad <HOST>$");
    assert_eq!(world.client("set one banip 192.0.2.9 192.0.2.8 192.0.2.9"), "2");
    assert_eq!(world.client("set one unbanip 192.0.2.9"), "1");
    assert_eq!(world.client("unban --all"), "1");
    let jobs: Vec<JailJob> = world.ordered().iter().map(|one| one.1).collect();
    assert!(jobs.contains(&JailJob::Flush { stopping: false }), "{jobs:?}");
    world.client("set one idle on");
    world.line("/one.log", BOB);
    assert!(world.client("status one").contains("Currently banned:\t0"));
}

#[test]
fn an_attempt_is_told_as_that_and_counts_as_it_is() {
    let grows = TWO.replace("[two]", "bantime.increment = true\nmaxretry = 8\n[two]");
    let mut world = World::new(&grows);
    for _ in 0..3 {
        world.client("set one banip 192.0.2.1");
        world.client("set one banip 192.0.2.2");
        world.tick(1000);
    }
    world.news();
    world.client("set one attempt 192.0.2.1 a");
    world.client("set one attempt 192.0.2.1 b");
    let told: Vec<Told> = world.news().into_iter().map(|one| one.told).collect();
    let attempt = Told::Attempt { time: world.now_s };
    assert_eq!(told, [attempt.clone(), attempt]);
    world.commit();
    assert_eq!(world.counted("one", "192.0.2.1").unwrap().0, 2);
    // A failure of such an address in a log is told and counted as ever.
    world.line("/one.log", "no bob from 192.0.2.2");
    let told = world.news();
    assert!(matches!(told[0].told, Told::Found { .. }), "{told:?}");
    assert!(matches!(told[1].told, Told::Bad { bans: 3, .. }), "{told:?}");
    world.client("set one attempt 192.0.2.1 c d e f g h");
    assert!(world.told().contains(&"one banned 192.0.2.1".to_owned()));
}

#[test]
fn monbans_own_free_and_allow_end_bans_also_of_jails_that_are_away() {
    let mut world = World::new(TWO);
    for number in 1..=4 {
        world.line("/two.log", &format!("no bob from 192.0.2.{number}"));
    }
    world.line("/two.log", "no bob from 2001:db8::1");
    world.told();
    let net = |text: &str| text.parse().unwrap();
    let freed = world.jails.free_within(net("192.0.2.1"));
    assert_eq!(
        freed.iter().map(|(jail, id)| format!("{jail} {id}")).next().unwrap(),
        "two 192.0.2.1"
    );
    assert_eq!((freed.len(), world.jails.free_within(net("192.0.2.1")).len()), (1, 0));
    // Whoever is allowed goes free, and is spared from then on.
    assert_eq!(world.jails.free_allowed(net("192.0.2.2")).len(), 1);
    world.jails.allow(vec![net("192.0.2.2"), net("192.0.2.3")], vec![]);
    world.jails.present(&["2001:db8::1".parse().unwrap()]);
    world.line("/two.log", "no bob from 192.0.2.3");
    let told = ["freed 192.0.2.1", "freed 192.0.2.2", "freed 192.0.2.3", "freed 2001:db8::1"];
    let told: Vec<String> = told.iter().map(|one| format!("two {one}")).collect();
    assert_eq!(world.told(), [&told[..], &["two spared 192.0.2.3".to_owned()]].concat());
    assert_eq!(world.client("set two banip 192.0.2.3"), "0");
    assert_eq!(world.told(), ["two refused 192.0.2.3"]);
    // A jail that is switched off keeps its bans, but not those that are ended meanwhile.
    let off = TWO.replace("[two]\nenabled = yes", "[two]\nenabled = no");
    world.write("jail.conf", &off);
    world.set_up();
    assert_eq!(world.jails.free_all(), 0);
    world.write("jail.conf", TWO);
    world.set_up();
    assert!(world.client("status two").contains("Currently banned:\t0"));
}

#[test]
fn all_bans_ended_before_the_actions_are_known_to_run_are_ended_then() {
    let mut world = World::new(TWO);
    world.guards = true;
    world.set_up();
    world.jails.actions(&[], world.now());
    world.line("/two.log", BOB);
    assert_eq!(world.orders().len(), 1);
    world.commit();
    world.restart();
    world.orders();
    assert_eq!(world.jails.free_all(), 1);
    assert_eq!(world.ordered(), []);
    world.jails.actions(&[], world.now());
    assert!(world.ordered().iter().any(|(jail, job, _)| (*jail, *job) == (1, JailJob::Unban)));
}

#[test]
fn a_ban_that_ended_while_nobody_ran_here_is_ended_for_actions_that_ran_on() {
    let mut world = World::new(TWO);
    world.guards = true;
    world.set_up();
    world.jails.actions(&[], world.now());
    world.line("/two.log", BOB);
    assert_eq!(world.ordered().len(), 1);
    world.commit();
    world.now_s += 100;
    world.told();
    world.restart();
    assert_eq!(world.told(), Vec::<String>::new());
    world.jails.actions(&[], world.now());
    assert_eq!(world.ordered(), [(1, JailJob::Unban, "192.0.2.1".to_owned())]);
    // Nor was it an actor that died, but one after it may have to make up for it.
    world.restart();
    world.jails.actions(&[1], world.now());
    let end = (1, JailJob::Unban, "192.0.2.1".to_owned());
    assert_eq!(world.ordered(), [(1, JailJob::Start, String::new()), end]);
}

#[test]
fn whatever_would_spoil_a_jail_that_runs_is_refused_with_the_rest_of_the_reload() {
    let mut world = World::new(TWO);
    world.line("/two.log", BOB);
    world.orders();
    let x = "[Definition]\nfailregex = ^ no <F-USER>\\S+</F-USER> from <HOST>$\n";
    let spoilt: &[(&str, String)] = &[
        ("jail.conf", format!("{TWO}logencoding = no-such\n")),
        (
            "jail.conf",
            TWO.replace("[two]\nenabled = yes\nfilter = x", "[two]\nenabled = yes\nfilter = xx"),
        ),
        ("jail.conf", format!("{TWO}action = telll\n")),
        ("jail.conf", format!("{TWO}action = tell[a=\n")),
        ("jail.conf", TWO.replace("[two]\nenabled = yes", "[two]\nenabled = treu")),
        ("filter.d/x.conf", x.replace("[Definition]", "[Definitin]")),
        ("filter.d/x.conf", format!("{x}datepattern = %(nope)s\n")),
        ("filter.d/x.conf", x.replace("<HOST>", "<HOST>(")),
    ];
    for (number, (file, text)) in spoilt.iter().enumerate() {
        world.write(file, text);
        let lacks = world.reload().expect_err(text);
        assert!(lacks.iter().any(|lack| lack.jail == "two"), "{text}: {lacks:?}");
        world.line("/two.log", &format!("no eve from 192.0.2.{}", 100 + number));
        world.write("jail.conf", TWO);
        world.write("filter.d/x.conf", x);
    }
    let told = world.told();
    assert_eq!(told.len(), 1 + spoilt.len(), "{told:?}");
    assert!(told.iter().all(|one| one.starts_with("two banned")), "{told:?}");
    // What is meant so is done: switched off, and another that is new and broken beside it.
    let off = TWO.replace("[two]\nenabled = yes", "[two]\nenabled = no");
    world.write("jail.conf", &format!("{off}[new]\nenabled = yes\nfilter = nosuch\n"));
    assert_eq!(world.set_up(), []);
    assert!(world.client("status").contains("Jail list:\tone"));
}

#[test]
fn more_orders_than_fit_on_the_way_wait_for_their_turn() {
    let mut world = World::new(TWO);
    let earlier = |number: u32| monban_jails::Earlier {
        jail: "two".to_owned(),
        id: monban_fail2ban::filter::Id::of_text(&std::net::Ipv4Addr::from(number).to_string()),
        time_s: world::START_S,
        seconds: Some(600),
        count: 1,
    };
    let many: Vec<_> = (0x0a00_0000..0x0a00_0000 + 20_000).map(earlier).collect();
    let now = world.now();
    assert_eq!(world.jails.take_earlier(many.clone(), now), 20_000);
    // Once more is not twice.
    assert_eq!(world.jails.take_earlier(many, now), 0);
    let mut count = 0;
    loop {
        let orders = world.orders();
        if orders.is_empty() {
            break;
        }
        assert!(orders.len() <= JAIL_UNDERWAY_MAX, "{}", orders.len());
        count += orders.len();
        for order in orders {
            let result = JailResult::Done { singly: Vec::new(), repairs: JailRepairs::default() };
            let outcome = JailOutcome { order: order.id, jail: 1, job: order.job, result };
            world.jails.outcome(outcome, now);
        }
    }
    assert_eq!(count, 20_000);
}

#[test]
fn a_flush_that_fails_or_cannot_be_done_at_once_is_done_one_by_one() {
    let mut world = World::new(TWO);
    for round in 0..2 {
        world.line("/two.log", BOB);
        world.line("/two.log", "no eve from 192.0.2.2");
        world.orders();
        assert_eq!(world.client("unban --all"), "2");
        let orders = world.orders();
        let result = match round {
            0 => JailResult::Done { singly: vec![1], repairs: JailRepairs::default() },
            _ => JailResult::failed("no"),
        };
        let now = world.now();
        for order in orders {
            let (order, jail, job) = (order.id, order.jail, order.job);
            world.jails.outcome(JailOutcome { order, jail, job, result: result.clone() }, now);
        }
        let singly = world.orders();
        assert!(singly.iter().all(|order| order.job == JailJob::Unban));
        assert_eq!(singly.len(), 2);
        assert_eq!(singly[0].actions, if round == 0 { vec![1] } else { vec![] });
    }
}
