//! Filters of several lines that read several logs, each of them together with others: they find
//! what each finds alone.

use monban_fail2ban::dates::{DateFinder, Zone};
use monban_fail2ban::filter::{Filter, Texts, Together, Use, When};

const NOW_S: i64 = 1_765_350_000;

/// A filter that looks for these lines, one behind the other.
fn several(lines: &[&str], maxlines: usize, datepattern: Option<&str>) -> Filter {
    let failregex = [format!("^ ?{}$", lines.join(r"\n ?"))];
    let texts = Texts { failregex: &failregex, maxlines, ..Texts::default() };
    let dates = DateFinder::new(datepattern, NOW_S, Zone::utc(), None).expect("a pattern");
    Filter::new(&texts, dates, Use::default()).expect("a filter")
}

fn together(filters: &mut [Filter]) -> Together {
    Together::new(&mut filters.iter_mut().map(|filter| (filter, 0)).collect::<Vec<_>>())
}

/// What filters find of lines, each of the log with this number, together and alone.
fn compare(make: impl Fn() -> Vec<Filter>, lines: &[(usize, &str)]) -> usize {
    let (mut alone, mut shared) = (make(), make());
    let mut logs = [together(&mut shared), together(&mut shared)];
    let mut all = 0;
    for (log, line) in lines {
        if logs[*log].look(line, NOW_S, true).is_err() {
            logs[*log] = together(&mut shared);
            logs[*log].look(line, NOW_S, true).expect("nothing has parted them");
        }
        let called = logs[*log].called().to_vec();
        for (at, filter) in alone.iter_mut().enumerate() {
            let expected = filter.read_when(line, NOW_S, When::Now).hits.len();
            let found = match called.contains(&at) {
                true => logs[*log].read(at, &mut shared[at], line, NOW_S, When::Now).hits.len(),
                false => 0,
            };
            assert_eq!(found, expected, "filter {at}: {line}");
            all += expected;
        }
    }
    all
}

const FAILURE: [&str; 3] = ["other", "from <HOST>", "failed now altogether"];

#[test]
fn lines_of_one_log_are_not_taken_for_those_of_another() {
    let make = || vec![several(&FAILURE, 3, None)];
    let lines = [
        (0, "Dec 10 07:00:00 something else here"),
        (1, "Dec 10 07:00:00 something of another log"),
        (0, "Dec 10 07:00:00 other"),
        (0, "Dec 10 07:00:00 from 192.0.2.1"),
        (0, "Dec 10 07:00:01 failed now altogether"),
    ];
    assert_eq!(compare(make, &lines), 1);
    let make = || vec![several(&["A", "B <HOST>"], 2, None)];
    let lines = [
        (1, "Dec 10 07:00:00 A"),
        (0, "Dec 10 07:00:00 a kept line that is harmless"),
        (0, "Dec 10 07:00:01 B 192.0.2.1"),
    ];
    assert_eq!(compare(make, &lines), 0);
}

#[test]
fn lines_are_kept_while_another_filter_stumbles() {
    let pattern = Some("^%Y-%m-%d %H:%M:%S %Z");
    let make = || vec![several(&FAILURE, 3, None), several(&FAILURE, 3, pattern)];
    let mut lines =
        vec![(0, "2025-12-10 07:00:00 UTC other"), (0, "2025-12-10 07:00:00 UTC from 192.0.2.1")];
    lines.extend([(0, "2025-12-10 07:00:01 XYZ x"); 9]);
    lines.push((0, "2025-12-10 07:00:01 UTC failed now altogether"));
    assert_eq!(compare(make, &lines), 1);
}

#[test]
fn lines_by_chance_of_two_logs_are_told_alike() {
    let make = || {
        let lines = [&FAILURE[..], &["A", "B <HOST>"], &["other", "B <HOST>"]];
        let each = lines.iter().enumerate();
        each.map(|(at, lines)| several(lines, 2 + at, None)).collect::<Vec<_>>()
    };
    let texts = ["other", "from 192.0.2.1", "failed now altogether", "A", "B 192.0.2.2", "x"];
    let mut chance = 7u64;
    let mut lines = Vec::new();
    for _ in 0..20_000 {
        chance =
            chance.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let of = |shift: u32, end: u64| (chance >> shift) as usize % end as usize;
        lines.push((of(33, 2), format!("Dec 10 07:00:00 {}", texts[of(40, 6)])));
    }
    let lines: Vec<(usize, &str)> = lines.iter().map(|(log, line)| (*log, line.as_str())).collect();
    assert!(compare(make, &lines) > 500);
}
