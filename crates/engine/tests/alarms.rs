//! Alarms in the engine: both kinds of rules, states kept apart, alarms over alarms, restarts.

mod world;

use monban_engine::{Effect, Observation, Setup};
use monban_model::*;
use world::rig::{Rig, START_S, alarm, rule, watched};

#[test]
fn the_articles_alarm_by_cloudwatchs_rules() {
    for (missing, after) in [
        (Missing::Missing, vec!["240 a ALARM -> INSUFFICIENT_DATA"]),
        (Missing::NotBreaching, vec!["240 a ALARM -> OK"]),
        (Missing::Ignore, vec![]),
        (Missing::Breaching, vec![]),
    ] {
        let watched = Watched { missing, ..watched("preauth") };
        let spec = AlarmSpec { semantics: Semantics::Aws, ..alarm("a", Watch::Metric(watched)) };
        let mut rig = Rig::new(vec![spec]);
        rig.tick(1);
        for second in 10..16 {
            rig.put(second, "preauth", 1.0);
        }
        for second in (20..600).step_by(10) {
            rig.tick(second);
        }
        let mut wanted = vec!["60 a INSUFFICIENT_DATA -> ALARM"];
        wanted.extend(after);
        assert_eq!(rig.told(), wanted, "{missing:?}");
        let changes = rig.changes();
        let first = changes[0].1;
        assert_eq!(
            first.aws_reason(),
            "Threshold Crossed: 1 out of the last 1 datapoints [6.0 (03/10/26 00:00:00)] was \
             greater than or equal to the threshold (1.0) (minimum 1 datapoint for OK -> ALARM \
             transition)."
        );
        assert_eq!(first.samples.len(), 6);
        assert_eq!(first.samples[0].line, b"line of 10");
        let entry = |name: &[u8]| TopEntry { name: name.to_vec(), count: 6, over: 0 };
        assert_eq!(
            (&first.addresses, &first.users),
            (&vec![entry(b"192.0.2.1")], &vec![entry(b"root")])
        );
    }
}

#[test]
fn cloudwatchs_short_periods_are_looked_at_every_ten_seconds() {
    let watched = Watched {
        period_s: 10,
        evaluation_periods: 3,
        datapoints_to_alarm: 2,
        statistic: Statistic::Average,
        comparison: Comparison::Greater,
        threshold: Amount(50.0),
        missing: Missing::Missing,
        ..watched("m")
    };
    let spec = AlarmSpec { semantics: Semantics::Aws, ..alarm("a", Watch::Metric(watched)) };
    let mut rig = Rig::new(vec![spec]);
    for (second, value) in [(5, 0.0), (15, 100.0), (25, 0.0), (35, 100.0), (45, 0.0), (55, 0.0)] {
        rig.put(second, "m", value);
    }
    for second in 56..200 {
        rig.tick(second);
    }
    let wanted = [
        "10 a INSUFFICIENT_DATA -> OK",
        "40 a OK -> ALARM",
        "50 a ALARM -> OK",
        // The range is N and a minute: the last one leaves it at 50 + 90.
        "150 a OK -> INSUFFICIENT_DATA",
    ];
    assert_eq!(rig.told(), wanted);
}

#[test]
fn by_default_an_alarm_goes_off_at_the_datapoint_and_ends_with_its_window() {
    let watched = Watched { threshold: Amount(3.0), ..watched("m") };
    let mut rig = Rig::new(vec![alarm("a", Watch::Metric(watched))]);
    for second in [10, 40, 65, 68] {
        rig.put(second, "m", 1.0);
    }
    rig.tick(1000);
    assert_eq!(rig.told(), ["65 a OK -> ALARM", "100 a ALARM -> OK"]);
    let changes = rig.changes();
    let reason = "Threshold Crossed: 1 out of the last 1 datapoints [2.0 (03/10/26 00:00:41)] was \
                  not greater than or equal to the threshold (3.0) (minimum 1 datapoint for ALARM \
                  -> OK transition).";
    assert_eq!(changes[1].1.aws_reason(), reason);
    assert_eq!(changes[1].1.since, Stamp::from_s(START_S + 65));
}

#[test]
fn a_firing_alarm_is_said_again_with_what_came_since() {
    let spec = AlarmSpec { repeat_s: Some(300), ..alarm("a", Watch::Metric(watched("m"))) };
    let mut rig = Rig::new(vec![spec]);
    for second in (0..700).step_by(10) {
        rig.put(second, "m", 1.0);
    }
    rig.tick(5000);
    let wanted = [
        "0 a OK -> ALARM",
        "300 a ALARM -> ALARM +29",
        "600 a ALARM -> ALARM +30",
        "750 a ALARM -> OK",
    ];
    assert_eq!(rig.told(), wanted);
}

#[test]
fn an_alarm_in_alarm_that_shall_be_repeated_now_is_repeated() {
    let endless = Watched { missing: Missing::Ignore, ..watched("m") };
    let mut rig = Rig::new(vec![alarm("a", Watch::Metric(endless))]);
    rig.put(0, "m", 1.0);
    rig.tick(100);
    rig.setup.alarms = vec![AlarmSpec { repeat_s: Some(300), ..rig.setup.alarms[0].clone() }];
    rig.engine.set_up(rig.setup.clone());
    rig.tick(320);
    rig.tick(700);
    let wanted =
        ["0 a INSUFFICIENT_DATA -> ALARM", "300 a ALARM -> ALARM +0", "700 a ALARM -> ALARM +0"];
    assert_eq!(rig.told(), wanted);
}

#[test]
fn each_address_may_have_a_state_of_its_own() {
    let watched = Watched { threshold: Amount(2.0), ..watched("m") };
    let spec = AlarmSpec { per: Per::Address, ..alarm("a", Watch::Metric(watched)) };
    let both = alarm("any", rule(r#"ALARM("a")"#));
    let mut rig = Rig::new(vec![both, spec]);
    for second in [1, 2] {
        rig.put_from(second, "m", 1.0, "192.0.2.1");
        rig.put_from(second, "m", 1.0, "2001:db8::1");
    }
    rig.put_from(30, "m", 1.0, "192.0.2.1");
    rig.tick(500);
    let wanted = [
        "2 a[192.0.2.1] OK -> ALARM",
        "2 any OK -> ALARM",
        "2 a[2001:db8::/64] OK -> ALARM",
        "61 a[2001:db8::/64] ALARM -> OK",
        "62 a[192.0.2.1] ALARM -> OK",
        "62 any ALARM -> OK",
    ];
    assert_eq!(rig.told(), wanted);
    assert_eq!(rig.engine.alarm_sizes().0, 0, "what is quiet is forgotten");
}

#[test]
fn alarms_over_alarms_follow_at_once_whatever_their_order() {
    let mut rig = Rig::new(vec![
        alarm("top", rule(r#"ALARM("middle") AND NOT ALARM("b")"#)),
        alarm("middle", rule(r#"AT_LEAST(50%, ALARM, ("a", "b"))"#)),
        alarm("a", Watch::Metric(watched("m"))),
        alarm("b", Watch::Metric(watched("n"))),
    ]);
    rig.put(1, "m", 1.0);
    rig.put(2, "n", 1.0);
    rig.tick(100);
    let wanted = [
        "1 a OK -> ALARM",
        "1 middle OK -> ALARM",
        "1 top OK -> ALARM",
        "2 b OK -> ALARM",
        "2 top ALARM -> OK",
        "61 a ALARM -> OK",
        "62 b ALARM -> OK",
        "62 middle ALARM -> OK",
    ];
    assert_eq!(rig.told(), wanted);
    let changes = rig.changes();
    let Reason::Children(children) = &changes[1].1.reason else { panic!() };
    assert_eq!((children[0].alarm.as_str(), children[0].state), ("a", AlarmState::Alarm));
}

#[test]
fn what_is_late_has_its_own_place_and_what_is_far_off_is_counted() {
    let mut rig = Rig::new(vec![alarm("a", Watch::Metric(watched("m")))]);
    rig.tick(1000);
    let mut put = |time: i64, value: f64| {
        let time = Stamp::from_s(START_S + time);
        let point = Datapoint {
            metric: "m",
            time,
            value,
            count: 1,
            dimensions: &[],
            address: None,
            user: None,
            line: &[],
        };
        rig.tell(1000, Observation::Datapoint(&point));
    };
    put(900, 1.0);
    put(5000, 1.0);
    put(1000, f64::NAN);
    put(1000, f64::INFINITY);
    put(970, 1.0);
    rig.tick(2000);
    assert_eq!(rig.told(), ["1000 a OK -> ALARM", "1030 a ALARM -> OK"]);
    let uncounted = rig.engine.alarms_uncounted();
    assert_eq!((uncounted.late, uncounted.ahead, uncounted.no_number), (1, 1, 2));
}

#[test]
fn sightings_and_blocks_are_datapoints_by_themselves() {
    let failed = Watched { threshold: Amount(3.0), ..watched("login-failed") };
    let alarms = vec![
        alarm("failed", Watch::Metric(failed)),
        alarm("blocks", Watch::Metric(watched("blocks"))),
    ];
    let mut world = world::World::with(Setup { alarms, ..world::setup() });
    for pid in 1..=5 {
        // PAM tells of the same attempt: it counts once.
        world.see(Kind::LoginFailed, "192.0.2.7", pid, 0);
        world.see(Kind::LoginFailed, "192.0.2.7", pid, 1);
    }
    let told: Vec<(&str, u64, usize)> = world
        .effects
        .iter()
        .filter_map(|effect| match effect {
            Effect::Record(Record { event: Event::Alarmed(change), .. }) => {
                Some((change.alarm.as_str(), change.count, change.samples.len()))
            }
            _ => None,
        })
        .collect();
    assert_eq!(told, [("failed", 3, 3), ("blocks", 1, 0)]);
}

#[test]
fn a_percentile_is_exact() {
    let watched = Watched {
        statistic: Statistic::parse("p90").unwrap(),
        threshold: Amount(90.0),
        ..watched("m")
    };
    let mut rig = Rig::new(vec![alarm("a", Watch::Metric(watched))]);
    for value in 1..=100 {
        rig.put(1, "m", f64::from(value));
    }
    rig.tick(10);
    let changes = rig.changes();
    assert_eq!(changes[0].0, 2, "worked out within a second");
    let Reason::Threshold { points, .. } = &changes[0].1.reason else { panic!() };
    assert_eq!((points[0].value, points[0].samples), (Some(Amount(90.0)), 100));
}

fn story(kills: bool) -> Vec<String> {
    let aws = AlarmSpec {
        semantics: Semantics::Aws,
        ..alarm("aws", Watch::Metric(Watched { missing: Missing::Missing, ..watched("m") }))
    };
    let per = AlarmSpec {
        per: Per::Address,
        repeat_s: Some(120),
        ..alarm("per", Watch::Metric(Watched { threshold: Amount(3.0), ..watched("m") }))
    };
    let high = Watched {
        statistic: Statistic::parse("tm90").expect("a statistic"),
        threshold: Amount(5.0),
        evaluation_periods: 3,
        datapoints_to_alarm: 2,
        ..watched("m")
    };
    let any = alarm("any", rule("ALARM(per) OR ALARM(high)"));
    let mut rig = Rig::new(vec![any, aws, per, alarm("high", Watch::Metric(high))]);
    rig.kills = kills;
    let mut seed = 11_u64;
    let mut second = 0;
    for _ in 0..400 {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        second += (seed >> 60) as i64;
        let address = format!("192.0.2.{}", (seed >> 40) % 5);
        rig.put_from(second, "m", ((seed >> 33) % 12) as f64, &address);
        if seed >> 57 == 0 {
            second += 400;
            rig.tell(second, Observation::ClockSet { ms: -7000 });
        }
    }
    rig.tick(second + 5000);
    rig.effects
        .iter()
        .filter(|e| matches!(e, Effect::Record(_)))
        .map(|e| format!("{e:?}"))
        .collect()
}

#[test]
fn kills_after_every_step_change_no_record() {
    let (whole, killed) = (story(false), story(true));
    assert!(whole.len() > 50, "{}", whole.len());
    for (one, other) in whole.iter().zip(&killed) {
        assert_eq!(one, other);
    }
    assert_eq!(whole.len(), killed.len());
}

#[test]
fn a_reload_keeps_what_is_the_same_and_forgets_what_is_not() {
    let mut rig = Rig::new(vec![
        alarm("same", Watch::Metric(watched("m"))),
        alarm("other", Watch::Metric(watched("m"))),
        alarm("gone", Watch::Metric(watched("m"))),
    ]);
    rig.put(1, "m", 1.0);
    assert_eq!(rig.told().len(), 3);
    rig.restart();
    let lower = Watched { threshold: Amount(9.0), ..watched("m") };
    rig.setup.alarms =
        vec![alarm("other", Watch::Metric(lower)), alarm("same", Watch::Metric(watched("m")))];
    rig.engine.set_up(rig.setup.clone());
    rig.tick(10);
    rig.restart();
    let saved = rig.rows.saved(1, 1);
    let names: Vec<&str> = saved.alarms.iter().map(|row| row.alarm.as_str()).collect();
    assert!(!names.contains(&"gone") && names.len() == 2, "{names:?}");
    rig.tick(100);
    let wanted =
        ["10 gone ALARM -> INSUFFICIENT_DATA", "11 other ALARM -> OK", "61 same ALARM -> OK"];
    assert_eq!(rig.told()[3..], wanted);
}

/// Each state that people were told of comes to an end, also where it means something else now.
#[test]
fn what_a_configuration_takes_away_is_over() {
    let apart = AlarmSpec { per: Per::Address, ..alarm("a", Watch::Metric(watched("m"))) };
    let alone = alarm("a", Watch::Metric(watched("m")));
    let over = "10 a[192.0.2.1] ALARM -> INSUFFICIENT_DATA";
    let table: [(&AlarmSpec, &[&AlarmSpec], &[&str]); 4] = [
        (&apart, &[], &[over]),
        (&apart, &[&alone], &[over]),
        (&alone, &[], &["10 a ALARM -> INSUFFICIENT_DATA"]),
        (&alone, &[&apart], &["10 a ALARM -> INSUFFICIENT_DATA"]),
    ];
    // By a reload, a start, a reload and a kill before anything was told of it.
    for (is_reloaded, is_stopped) in [(true, false), (false, true), (true, true)] {
        for (before, after, wanted) in table {
            let mut rig = Rig::new(vec![before.clone()]);
            rig.put(1, "m", 1.0);
            assert_eq!(rig.told().len(), 1);
            rig.restart();
            rig.setup.alarms = after.iter().map(|spec| (*spec).clone()).collect();
            if is_reloaded {
                rig.engine.set_up(rig.setup.clone());
            }
            if is_stopped {
                rig.restart();
            }
            rig.tick(10);
            rig.restart();
            rig.tick(11);
            assert_eq!(rig.told()[1..], *wanted, "{:?} {is_stopped}", before.per);
        }
    }
}

#[test]
fn memory_is_bounded_under_a_million_contributors() {
    let watched = Watched { threshold: Amount(2.0), ..watched("m") };
    let per = AlarmSpec { per: Per::User, ..alarm("user", Watch::Metric(watched.clone())) };
    let whole =
        alarm("whole", Watch::Metric(Watched { threshold: Amount(1e9), ..watched.clone() }));
    let mut rig = Rig::new(vec![per, whole]);
    let line = [b'x'; 600];
    for n in 0..1_000_000_u32 {
        let user = format!("user {n}");
        let now = Stamp::from_s(START_S + i64::from(n / 20_000));
        let point = Datapoint {
            metric: "m",
            time: now,
            value: 1.0,
            count: 1,
            dimensions: &[],
            address: Some(Address::new(std::net::Ipv4Addr::from(n).into())),
            user: Some(user.as_bytes()),
            line: &line,
        };
        rig.engine.step(now, Observation::Datapoint(&point), &mut rig.effects);
    }
    let (states, bytes) = rig.engine.alarm_sizes();
    assert!(states <= limits::ALARM_STATES_MAX, "{states}");
    assert!(bytes <= limits::ALARM_BYTES_MAX, "{bytes}");
    let evicted = rig.engine.alarms_uncounted().evicted;
    assert_eq!(evicted + states as u64, 1_000_000);
    assert!(rig.told().is_empty());
}
