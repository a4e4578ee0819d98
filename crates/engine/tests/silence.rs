//! Alarms about something that stopped: never early, and not because monban itself was away.

mod world;

use monban_engine::Observation;
use monban_model::*;
use proptest::prelude::*;
use world::rig::{Rig, alarm, watched};

/// The guide's pattern: less than one line in a period.
fn stopped(period_s: u32) -> Watched {
    Watched {
        comparison: Comparison::Less,
        missing: Missing::Breaching,
        period_s,
        ..watched("heartbeat")
    }
}

#[test]
fn silence_is_an_alarm_where_that_is_asked_for() {
    let mut rig = Rig::new(vec![alarm("a", Watch::Metric(stopped(300)))]);
    for second in 0..200 {
        rig.tick(second);
    }
    rig.put(200, "heartbeat", 1.0);
    for second in (200..900).step_by(10) {
        rig.tick(second);
    }
    // Nobody is there for half an hour: that is no silence, and no end of one.
    rig.tick(2700);
    rig.put(2800, "heartbeat", 1.0);
    rig.tick(2850);
    rig.tick(4600);
    rig.tick(4800);
    let wanted = ["200 a INSUFFICIENT_DATA -> OK", "505 a OK -> ALARM", "2800 a ALARM -> OK"];
    assert_eq!(rig.told(), wanted, "not before five minutes were watched");
    for second in (4800..5200).step_by(10) {
        rig.tick(second);
    }
    assert_eq!(rig.told().last().map(String::as_str), Some("5100 a OK -> ALARM"));
}

#[test]
fn a_stop_of_seconds_is_no_silence_either() {
    let mut rig = Rig::new(vec![alarm("a", Watch::Metric(stopped(30)))]);
    for second in 0..=90 {
        rig.beat_ms(second * 1000);
    }
    rig.restart();
    // The first look finds many slices ended; what was written meanwhile is read right after.
    rig.tick(131);
    for second in 91..=131 {
        rig.late_beat_ms(second * 1000, 131_000);
    }
    rig.wait_ms(131_000, 155_000);
    assert_eq!(rig.told(), ["0 a INSUFFICIENT_DATA -> OK"]);
    rig.wait_ms(155_000, 300_000);
    assert_eq!(rig.told()[1..], ["162 a OK -> ALARM"], "its last line was in second 131");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn what_comes_once_a_period_never_alarms_and_its_end_does(
        period_s in prop::sample::select(vec![60_u32, 97, 3600, 86_400]),
        phase in 0.0..1.0_f64,
        periods in 1_u32..4,
        statistic in prop::sample::select(vec![Statistic::Sum, Statistic::SampleCount]),
    ) {
        let (evaluation_periods, datapoints_to_alarm) = (periods, periods);
        let watched =
            Watched { evaluation_periods, datapoints_to_alarm, statistic, ..stopped(period_s) };
        let mut rig = Rig::new(vec![alarm("a", Watch::Metric(watched))]);
        let period_ms = i64::from(period_s) * 1000;
        let mut now = 0;
        rig.tell_ms(now, Observation::Tick);
        for beat in 0..8 {
            let time = (period_ms as f64 * phase) as i64 + beat * period_ms;
            rig.wait_ms(now, time);
            now = time;
            rig.beat_ms(now);
        }
        rig.wait_ms(now, now + 5 * period_ms);
        let told: Vec<(AlarmState, i64)> =
            rig.changes_ms().iter().map(|(ms, change)| (change.new, ms - now)).collect();
        prop_assert!(
            matches!(told[..], [(AlarmState::Ok, _), (AlarmState::Alarm, _)]),
            "{:?}",
            &told,
        );
        let whole_ms = i64::from(periods) * period_ms;
        let late_ms = told[1].1 - whole_ms;
        prop_assert!((0..=period_ms / 40).contains(&late_ms), "{late_ms} ms late");
    }
}
