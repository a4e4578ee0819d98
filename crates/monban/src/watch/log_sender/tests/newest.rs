//! Of several files the newest is sent.

use super::*;

#[test]
fn of_more_files_than_are_sent_the_newest_is_sent_after_each_start() {
    for from_start in [false, true] {
        let mut rig = Rig::new(|logs| {
            logs.files[0] = logs.files[0].replace("a.log", "app-*.log");
            (logs.newest_only, logs.from_start) = (true, from_start);
        });
        let folder = rig.folder.path().to_owned();
        let day = |day: usize| folder.join(format!("app-{day:03}.log"));
        let days = 2 * AWS_LOG_PATHS_MAX + 50;
        for number in 0..days {
            append(&day(number), &format!("old {number}\n"));
            let age = Duration::from_secs(3600 * (days - number) as u64);
            let file = OpenOptions::new().write(true).open(day(number)).unwrap();
            file.set_modified(std::time::SystemTime::now() - age).unwrap();
        }
        rig.start();
        let last = format!("old {}", days - 1);
        let before: &[String] = if from_start { &[last] } else { &[] };
        assert_eq!(rig.sent(), before);
        for text in ["one", "two"] {
            append(&day(days - 1), &format!("{text}\n"));
            rig.start();
            assert_eq!(rig.sent(), [text]);
            assert_eq!(rig.keys(), [""; 0]);
        }
        append(&day(days), "tomorrow\n");
        assert_eq!(rig.sent(), ["tomorrow"]);
        let stream = &rig.sender.streams[0];
        assert!(stream.candidates() <= AWS_LOG_PATHS_MAX && stream.feed.files() <= 2);
    }
}

#[test]
fn the_newest_until_a_kill_is_read_to_its_end_after_it() {
    for from_start in [false, true] {
        let mut rig = Rig::new(|logs| {
            logs.files[0] = logs.files[0].replace("a.log", "app-*.log");
            (logs.newest_only, logs.from_start) = (true, from_start);
        });
        let day = |rig: &Rig, day| rig.folder.path().join(format!("app-{day}.log"));
        append(&day(&rig, 1), "old\n");
        rig.start();
        rig.sent();
        append(&day(&rig, 1), "one\n");
        assert_eq!(rig.sent(), ["one"]);
        append(&day(&rig, 1), "two\n");
        rig.look();
        rig.hand_over().unwrap();
        append(&day(&rig, 2), "three\n");
        let later = std::time::SystemTime::now() + Duration::from_secs(5);
        let file = OpenOptions::new().write(true).open(day(&rig, 2)).unwrap();
        file.set_modified(later).unwrap();
        rig.start();
        let mut sent = rig.sent();
        sent.sort_unstable();
        assert_eq!(sent, ["three", "two"], "from the start: {from_start}");
    }
}

#[test]
fn of_logs_that_come_and_go_nothing_stays() {
    let mut rig = Rig::new(|logs| {
        logs.files[0] = logs.files[0].replace("a.log", "app-*.log");
        logs.newest_only = true;
    });
    rig.start();
    let folder = rig.folder.path().to_owned();
    let day = |day: usize| folder.join(format!("app-{day:03}.log"));
    for number in 0..40 {
        append(&day(number), &format!("{number}\n"));
        assert_eq!(rig.sent(), [number.to_string()]);
        if let Some(old) = number.checked_sub(5) {
            fs::remove_file(day(old)).unwrap();
            rig.look();
        }
        let sizes = rig.sender.streams[0].sizes();
        assert!(sizes.iter().all(|size| *size <= 7), "{sizes:?}");
        assert!(rig.ledger.len() <= 7, "{}", rig.ledger.len());
    }
}
