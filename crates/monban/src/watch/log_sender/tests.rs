//! The sender with real files, rotated as by logrotate, and a courier that answers as it is told.

mod newest;

use std::fs::{self, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};

use monban_model::limits::LINE_MAX;
use monban_model::wire::{Taken, decode_events};
use monban_model::{AwsBatching, AwsDates, AwsEvent, AwsEventStart, AwsRefused};
use monban_rules::{Clock, RuleSet, Scratch};
use monban_warden::{Gate, GateEvent};

use super::*;

const NOW: Stamp = Stamp(1_800_000_000_000);

fn table(files: &str) -> AwsLogs {
    AwsLogs {
        files: vec![files.to_owned()],
        services: Vec::new(),
        group: "g".to_owned(),
        stream: "s".to_owned(),
        retention_days: None,
        newest_only: false,
        from_start: false,
        dates: AwsDates::Arrival,
        event_start: AwsEventStart::EveryLine,
        encoding: None,
        batching: AwsBatching { flush_ms: 100, ..AwsBatching::default() },
    }
}

/// A folder of logs, the warden's gate to it, and the sender.
struct Rig {
    folder: tempfile::TempDir,
    gate: Gate,
    sender: LogSender,
    rules: RuleSet,
    tables: Vec<AwsLogs>,
    /// What the ledger holds.
    ledger: HashMap<String, PositionRow>,
    ms: i64,
    began: Instant,
    /// Not the first process.
    again: bool,
}

impl Rig {
    fn new(change: impl FnOnce(&mut AwsLogs)) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut logs = table(&folder.path().join("a.log").display().to_string());
        change(&mut logs);
        let rules = RuleSet::compile_unchecked(&[]).unwrap();
        let gate = Gate::new(&[], &logs.files).unwrap();
        let sender = LogSender::new(Vec::new(), NOW);
        let began = Instant::now();
        let tables = vec![logs];
        let (ledger, ms, again) = (HashMap::new(), 0, false);
        Self { folder, gate, sender, rules, tables, ledger, ms, began, again }
    }

    fn path(&self) -> PathBuf {
        self.folder.path().join("a.log")
    }

    fn write(&self, text: &str) {
        append(&self.path(), text);
    }

    /// A new process with what the ledger holds.
    fn start(&mut self) {
        self.sender = LogSender::new(self.ledger.values().cloned().collect(), self.now());
        self.sender.take_over(&self.tables);
        self.gate = Gate::new(&[], &self.tables[0].files).unwrap();
        self.look();
        self.again = true;
    }

    fn now(&self) -> Stamp {
        NOW.plus_ms(self.ms)
    }

    /// The warden looks at the paths, and answers what it is asked.
    fn look(&mut self) {
        for event in self.gate.scan() {
            match event {
                GateEvent::Opened(opened) => {
                    assert!(!opened.watched);
                    let came = match (opened.appeared_later, self.again) {
                        (true, _) => Came::Later,
                        (false, true) => Came::AfterRestart,
                        (false, false) => Came::AtStart,
                    };
                    self.sender.opened(&opened.path, &File::from(opened.fd), false, came);
                }
                GateEvent::Gone { path, .. } => self.sender.gone(&path),
                other => panic!("{other:?}"),
            }
        }
        self.sender.wake_all();
        for _ in 0..8 {
            for (serial, want) in self.sender.wants() {
                for file in self.gate.siblings(&want.path, want.dev, want.ino).unwrap() {
                    self.sender.sibling(serial, &want.path, File::from(file.fd));
                }
                self.sender.siblings_end(serial, &want.path);
            }
            self.step();
        }
    }

    fn step(&mut self) {
        // Longer than a batch waits.
        self.ms += 200;
        let (now, millis) = (self.now(), self.ms.unsigned_abs());
        let mut means = Means {
            rules: &self.rules,
            clock: &mut Clock::new("UTC", now).unwrap(),
            scratch: &mut Scratch::default(),
            zone: &|seconds| seconds,
            now,
            instant: self.began + Duration::from_millis(millis),
        };
        while self.sender.step(&mut means) {}
        self.save();
    }

    fn save(&mut self) {
        let (rows, forgotten) = self.sender.take_unsaved();
        self.ledger.extend(rows.into_iter().map(|row| (row.path.clone(), row)));
        forgotten.iter().for_each(|name| drop(self.ledger.remove(name)));
    }

    fn hand_over(&mut self) -> Option<(String, Vec<String>)> {
        let instant = self.began + Duration::from_millis(self.ms.unsigned_abs());
        let (id, number, bytes) = self.sender.due(self.now(), instant)?;
        assert_eq!(number, 0);
        self.sender.handed(&id, instant);
        let events: Vec<AwsEvent> = decode_events(&bytes).unwrap();
        Some((id, events.into_iter().map(|event| event.text).collect()))
    }

    fn answer(&mut self, id: &str, taken: Taken) {
        let report = Report { id: id.to_owned(), taken, dialogue: String::new() };
        let instant = self.began + Duration::from_millis(self.ms.unsigned_abs());
        self.sender.reported(&report, instant);
        self.save();
    }

    /// All that is sent now, each batch taken.
    fn sent(&mut self) -> Vec<String> {
        let mut all = Vec::new();
        self.look();
        while let Some((id, texts)) = self.hand_over() {
            all.extend(texts);
            self.answer(&id, Taken::But(AwsRefused::default()));
            self.look();
        }
        all
    }

    fn keys(&mut self) -> Vec<String> {
        self.sender.take_notices().into_iter().map(|notice| notice.key).collect()
    }
}

fn append(path: &Path, text: &str) {
    let mut file = OpenOptions::new().create(true).append(true).open(path).unwrap();
    file.write_all(text.as_bytes()).unwrap();
}

fn failed() -> Taken {
    Taken::No { permanent: false, retry_after_s: None, why: "no connection".to_owned() }
}

#[test]
fn only_what_comes_is_sent_and_saved_when_it_was_taken() {
    let mut rig = Rig::new(|_| {});
    rig.write("old\n");
    rig.start();
    let begin: Vec<u64> = rig.ledger.values().map(|row| row.offset).collect();
    assert_eq!(begin, [4], "where it begins is saved before anything was sent");
    rig.write("one\ntwo\n");
    rig.look();
    let (_, texts) = rig.hand_over().unwrap();
    assert_eq!(texts, ["one", "two"]);
    // Killed before the answer: the same once more, and what came meanwhile.
    rig.write("three\n");
    rig.start();
    assert_eq!(rig.sent(), ["one", "two", "three"]);
    rig.start();
    assert!(rig.sent().is_empty(), "all was taken");
    assert!(rig.ledger.keys().all(|name| name.starts_with("aws:g:s:/")), "{:?}", rig.ledger);
}

#[test]
fn what_waits_waits_in_the_log_and_memory_holds_two_batches() {
    let mut rig = Rig::new(|logs| {
        logs.batching.bytes = 10_000;
        logs.from_start = true;
    });
    let lines: Vec<String> = (0..20_000).map(|n| format!("line {n}")).collect();
    rig.write(&(lines.join("\n") + "\n"));
    rig.start();
    let (id, first) = rig.hand_over().unwrap();
    for _ in 0..50 {
        rig.look();
    }
    assert!(rig.hand_over().is_none(), "one is underway");
    let state = rig.sender.streams[0].state();
    let in_log = rig.sender.streams[0].feed.backlog_bytes();
    let held = state.backlog_bytes - in_log;
    assert!(held < 200_000 && in_log > 0, "{held} {in_log}");
    rig.answer(&id, failed());
    assert_eq!(rig.keys(), ["aws-logs-failing"]);
    rig.ms += 60_000;
    let (id, again) = rig.hand_over().unwrap();
    assert_eq!(first, again);
    rig.answer(&id, Taken::But(AwsRefused::default()));
    assert_eq!(rig.keys(), ["aws-logs-works"]);
    let all = [first, rig.sent()].concat();
    assert_eq!(all, lines);
}

#[test]
fn rotations_while_nothing_is_taken_lose_nothing() {
    let mut rig = Rig::new(|logs| logs.batching.events = 2);
    rig.write("");
    rig.start();
    rig.write("a\nb\n");
    rig.look();
    let (_, lost_with_its_courier) = rig.hand_over().unwrap();
    assert_eq!(lost_with_its_courier, ["a", "b"]);
    rig.write("c\nd\ne\nf\ng\nh\n");
    rig.look();
    let folder = rig.folder.path().to_owned();
    let name = |number: u32| folder.join(format!("a.log.{number}"));
    fs::rename(rig.path(), name(1)).unwrap();
    rig.write("i\n");
    rig.look();
    fs::rename(name(1), name(2)).unwrap();
    fs::rename(rig.path(), name(1)).unwrap();
    rig.write("j\n");
    rig.look();
    rig.sender.couriers_lost(1);
    assert_eq!(rig.sent().concat(), "abcdefghij");
    rig.start();
    assert!(rig.sent().is_empty());
}

#[test]
fn what_is_rotated_away_for_good_is_counted_and_told() {
    let mut rig = Rig::new(|_| {});
    rig.write("old\n");
    rig.start();
    rig.write("a\n");
    rig.look();
    rig.hand_over().unwrap();
    rig.write("b\nc\n");
    fs::remove_file(rig.path()).unwrap();
    rig.write("d\n");
    rig.start();
    assert_eq!(rig.sent(), ["d"]);
    assert_eq!(rig.keys(), ["aws-logs-lost"]);
    assert_eq!(rig.sender.streams[0].state().lost, 1);
}

#[test]
fn an_event_of_several_lines_is_whole_also_over_a_kill() {
    let mut rig = Rig::new(|logs| {
        logs.event_start = AwsEventStart::Matches("^[^ ]".to_owned());
        logs.batching.flush_ms = 1000;
    });
    rig.write("");
    rig.start();
    rig.write("one\n 1\ntwo\n 2\n");
    rig.sender.wake_all();
    rig.step();
    rig.ms += 1000;
    let (id, texts) = rig.hand_over().unwrap();
    assert_eq!(texts, ["one\n 1"], "the second may go on");
    rig.answer(&id, Taken::But(AwsRefused::default()));
    rig.write(" 3\n");
    rig.start();
    let after = rig.sent();
    assert_eq!(after.last().unwrap(), "two\n 2\n 3");
}

#[test]
fn what_is_refused_is_counted_told_and_done_with() {
    let mut rig = Rig::new(|_| {});
    rig.write("");
    rig.start();
    rig.write("a\n\nb\nc\n");
    rig.look();
    let (id, texts) = rig.hand_over().unwrap();
    assert_eq!(texts, ["a", "b", "c"], "an empty one is left out");
    rig.answer(&id, Taken::But(AwsRefused { too_old: 1, too_new: 1 }));
    rig.step();
    let told = rig.sender.take_notices();
    let values: Vec<&str> = told[0].values.iter().map(|(_, value)| value.as_str()).collect();
    assert_eq!(values, ["g", "s", "0", "0", "1", "0", "0"], "as it was read");
    let state = rig.sender.streams[0].state();
    assert_eq!((state.sent, state.left_out, state.backlog_bytes), (1, 3, 0));
    rig.write("bad\ngood\n");
    rig.look();
    let refused = Taken::No { permanent: true, retry_after_s: None, why: "no".to_owned() };
    let (id, both) = rig.hand_over().unwrap();
    assert_eq!(both, ["bad", "good"]);
    rig.answer(&id, refused.clone());
    let (id, first) = rig.hand_over().unwrap();
    assert_eq!(first, ["bad"]);
    rig.answer(&id, refused);
    assert_eq!(rig.sent(), ["good"]);
    rig.start();
    assert!(rig.sent().is_empty());
}

#[test]
fn a_line_that_is_too_long_is_cut_counted_and_told() {
    let mut rig = Rig::new(|_| {});
    rig.write("");
    rig.start();
    rig.write(&format!("{}\nnext\n", "x".repeat(LINE_MAX + 5)));
    let sent = rig.sent();
    assert_eq!((sent[0].len(), sent[1].as_str()), (LINE_MAX, "next"));
    assert_eq!(rig.keys(), ["aws-logs-left-out"]);
    assert_eq!(rig.sender.streams[0].state().cut, 1);
}

#[test]
fn a_reload_goes_on_where_it_was() {
    let mut rig = Rig::new(|_| {});
    rig.write("");
    rig.start();
    rig.write("a\n");
    assert_eq!(rig.sent(), ["a"]);
    rig.write("b\n");
    rig.look();
    let (id, _) = rig.hand_over().unwrap();
    // The same table goes on; a changed one begins anew behind what was taken.
    rig.sender.take_over(&rig.tables.clone());
    rig.answer(&id, Taken::But(AwsRefused::default()));
    rig.tables[0].batching.gzip = false;
    rig.write("c\n");
    rig.sender.take_over(&rig.tables.clone());
    rig.gate = Gate::new(&[], &rig.tables[0].files).unwrap();
    assert_eq!(rig.sent(), ["c"]);
    rig.sender.take_over(&[]);
    assert!(!rig.sender.is_used());
}

/// The gate offers by name.

#[test]
fn one_that_dies_before_it_saved_anything_has_no_old_lines_sent() {
    let mut rig = Rig::new(|_| {});
    rig.write("old\n");
    rig.start();
    rig.ledger.clear();
    rig.start();
    assert_eq!(rig.sent(), [""; 0]);
    rig.write("new\n");
    assert_eq!(rig.sent(), ["new"]);
}

#[test]
fn streams_that_are_gone_are_shown_no_more() {
    let mut rig = Rig::new(|_| {});
    rig.write("");
    rig.start();
    assert!(rig.sender.take_meta().unwrap().1.contains("\"g\""));
    rig.sender.take_over(&[]);
    let (_, written) = rig.sender.take_meta().unwrap();
    assert!(!written.contains("\"g\""), "{written}");
}

#[test]
fn trouble_that_comes_and_goes_is_told_once_an_hour() {
    let mut rig = Rig::new(|_| {});
    rig.write("");
    rig.start();
    let mut told = Vec::new();
    for number in 0..4 {
        rig.write(&format!("{number}\n"));
        rig.look();
        let (id, _) = rig.hand_over().unwrap();
        rig.answer(&id, failed());
        rig.ms += 600_000;
        assert_eq!(rig.sent(), [number.to_string()]);
        told.extend(rig.keys());
    }
    assert_eq!(told, ["aws-logs-failing", "aws-logs-works"]);
}

#[test]
fn what_a_reload_changes_is_saved_before_a_kill() {
    let mut rig = Rig::new(|_| {});
    rig.write("");
    rig.start();
    rig.write("a\n");
    rig.look();
    let (id, _) = rig.hand_over().unwrap();
    let taken = Taken::But(AwsRefused::default());
    rig.sender.reported(&Report { id, taken, dialogue: String::new() }, rig.began);
    rig.tables[0].batching.gzip = false;
    rig.sender.take_over(&rig.tables.clone());
    assert!(rig.sender.has_unsaved());
    rig.save();
    rig.start();
    assert!(rig.sent().is_empty(), "a was taken");
}

#[test]
fn what_could_not_be_handed_over_is_not_due_at_once() {
    let mut rig = Rig::new(|_| {});
    rig.write("");
    rig.start();
    rig.write("a\n");
    rig.look();
    let (now, instant) = (rig.now(), rig.began + Duration::from_millis(rig.ms.unsigned_abs()));
    let (id, _, bytes) = rig.sender.due(now, instant).unwrap();
    assert_eq!(rig.sender.due_at(now, instant), Some(instant));
    let later = instant + Duration::from_secs(1);
    rig.sender.put_off(&id, later);
    assert!(!rig.sender.is_due(now, instant) && rig.sender.due(now, instant).is_none());
    assert_eq!(rig.sender.due_at(now, instant), Some(later));
    assert_eq!(rig.sender.due(now, later), Some((id, 0, bytes)));
}

#[test]
fn names_of_positions_read_back() {
    let tables = [table("/a"), table("/b")];
    let names = names(&tables);
    assert_eq!(names, ["g:s", "g:s:2"]);
    for name in ["g:s", "g:s:2", "/var/log/secure:{hostname}", "g:/s"] {
        let row = ledger_name(name, "/var/log/a:b");
        assert_eq!(split_name(&row), Some((name, "/var/log/a:b")), "{row}");
    }
    assert_eq!(split_name("/var/log/a"), None);
    assert_eq!(split_name("aws:"), None);
}
