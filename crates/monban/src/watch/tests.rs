//! The watcher's parts together: real files, a real ledger and a real channel.
#![allow(clippy::unwrap_used, reason = "a test ends where something is wrong")]

use std::fs;
use std::io::{Seek, Write};
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use monban_config::{Bundle, SourceFile};
use monban_ledger::{Batch, LedgerError, Reader};
use monban_model::limits::{FILES_MAX, LATE_S};
use monban_model::wire::{Errand, Offered, Peer};
use monban_views::{Say, Tongue};

use super::*;

/// What the hook in PAM tells, and kills.
mod hook;
/// Logs that are sent.
mod sent;

const LINE: &str =
    "192.0.2.1 - - [22/Nov/2026:05:33:01 +0900] \"GET / HTTP/1.1\" 200 612 \"-\" \"x\"\n";

/// A watcher with the shipped configuration, and the warden's end of its channel.
fn watch(state: &Path) -> (Watch, Channel) {
    let (ledger, saved) = Ledger::open(state).unwrap();
    let clock = Clock::new("UTC", now()).unwrap();
    let output = Output::new(Say::new(Tongue::English), true, false);
    let lock = File::create(state.join("lock")).unwrap().into();
    let (warden, watcher) = Channel::pair().unwrap();
    let channel = Channel::over(watcher);
    let mut watch = Watch::new(
        channel,
        ledger,
        saved,
        Local {
            clock,
            zone: monban_fail2ban::dates::Zone::utc(),
            log: jiff::tz::TimeZone::UTC,
            folder: state.into(),
            text: ProgramText::default(),
        },
        output,
        lock,
    )
    .unwrap();
    brief(&mut watch, &Bundle::default());
    watch.obey(ToWatcher::AllOpened, None).unwrap();
    (watch, Channel::over(warden))
}

fn brief(watch: &mut Watch, bundle: &Bundle) {
    let mut brief = tempfile::tempfile().unwrap();
    brief.write_all(&bundle.to_bytes()).unwrap();
    brief.rewind().unwrap();
    let frame = ToWatcher::Brief { guards: false, reload: 0, again: false, journal: false };
    watch.obey(frame, Some(brief.into())).unwrap();
}

/// Makes a file and offers it.
fn offer(watch: &mut Watch, path: &Path, number: u32) {
    offer_with(watch, path, number, LINE, true);
}

fn offer_with(watch: &mut Watch, path: &Path, number: u32, text: &str, judged: bool) {
    fs::write(path, text).unwrap();
    let file = File::open(path).unwrap();
    let metadata = file.metadata().unwrap();
    let offered = Offered {
        file: number,
        path: path.to_str().unwrap().to_owned(),
        dev: metadata.dev(),
        ino: metadata.ino(),
        size: metadata.size(),
        later: true,
        watched: true,
        judged,
    };
    watch.obey(ToWatcher::Opened(offered), Some(file.into())).unwrap();
}

/// The sizes of all that is kept by file or path.
fn sizes(watch: &Watch) -> Vec<usize> {
    let follows = watch.feed.sources().count();
    [vec![watch.paths.len(), follows], watch.watched.sizes().into(), watch.mind.sizes().into()]
        .concat()
}

/// Whoever writes into such a file, and be it by a line break in a name, would block anybody.
#[test]
fn where_only_metrics_count_no_rule_looks_for_attacks() {
    let folder = tempfile::tempdir().unwrap();
    let line = format!(
        "{} h sshd[1]: Failed password for root from 203.0.113.9 port 1 ssh2\n",
        jiff::Timestamp::now()
    );
    for (judged, known) in [(true, 1), (false, 0)] {
        let state = folder.path().join(judged.to_string());
        fs::create_dir(&state).unwrap();
        let (mut watch, _warden) = watch(&state);
        offer_with(&mut watch, &state.join("app.log"), 1, &line, judged);
        while watch.read_files().unwrap() {}
        assert_eq!(watch.mind.engine().sizes().0, known, "{judged}");
    }
}

#[test]
fn files_that_come_and_go_leave_nothing_behind() {
    let folder = tempfile::tempdir().unwrap();
    let (mut watch, mut warden) = watch(folder.path());
    let mut number = 0;
    for round in 0..5 {
        let paths: Vec<_> =
            (0..560).map(|n| folder.path().join(format!("{round}-{n}.log"))).collect();
        for path in &paths {
            number += 1;
            offer(&mut watch, path, number);
        }
        while watch.read_files().unwrap() {}
        for path in &paths {
            fs::remove_file(path).unwrap();
            watch.obey(ToWatcher::Gone { path: path.to_str().unwrap().to_owned() }, None).unwrap();
        }
        assert!(sizes(&watch).iter().all(|size| *size <= FILES_MAX + 1), "{:?}", sizes(&watch));
        // Their late lines may come until then.
        for s in [LATE_S + 5, 2 * LATE_S] {
            let later = Stamp(now().0 + s as i64 * 1000);
            watch.feed.wake_all();
            watch.feed.read(SLICE_BYTES, later, monban_sources::Turns::Round, &mut |_, _| {});
            watch.commit();
        }
        watch.tick().unwrap();
        watch.commit();
        while !matches!(warden.receive::<ToWarden>().unwrap(), Received::Nothing) {}
    }
    assert_eq!(number, 2800);
    assert!(sizes(&watch).iter().all(|size| *size <= 1), "{:?}", sizes(&watch));
    let told = Reader::open(folder.path()).unwrap().counts().unwrap().records;
    assert!(told < 60, "{told} notices of 5,600");
}

/// The first start was with the clock in 2030.
#[test]
fn a_clock_that_was_ahead_silences_nothing_until_its_time() {
    let (now, ahead) = (Stamp::from_s(1_795_392_000), Stamp::from_s(1_893_456_000));
    for (text, wanted) in [
        (Some(ahead.0.to_string()), now),
        (Some("1000".to_owned()), Stamp(1000)),
        (Some("x".to_owned()), now),
        (None, now),
    ] {
        let meta: Vec<(String, String)> =
            text.into_iter().map(|text| (tell::SINCE_META.to_owned(), text)).collect();
        assert_eq!(tell_since(&meta, now), wanted, "{meta:?}");
    }
}

/// Whoever fills the disk first and logs in then is told of.
#[test]
fn while_the_disk_is_full_messages_leave_all_the_same() {
    let folder = tempfile::tempdir().unwrap();
    let (mut watch, _warden) = watch(folder.path());
    let text = "[[subscription]]\nname = \"me\"\ncommand = [\"/bin/cat\"]\n";
    let config = Some(SourceFile { file: "monban.toml".to_owned(), text: text.to_owned() });
    brief(&mut watch, &Bundle { config, ..Bundle::default() });
    let (here, there) = Channel::pair().unwrap();
    watch.teller.lane(Peer::Runner, Some(here));
    let mut runner = Channel::over(there);
    let mut errands = || {
        let mut count = 0;
        while let Received::Frame(errand, _) = runner.receive::<Errand>().unwrap() {
            assert!(matches!(errand, Errand::Run { .. }));
            count += 1;
        }
        count
    };
    let full = LedgerError::Disk("no space left".to_owned());
    watch.not_committed(Batch::default(), &full);
    assert_eq!(errands(), 1, "that it is full");
    watch.tell(notice("watcher-failed", &[]));
    watch.tell_people().unwrap();
    assert_eq!(errands(), 0, "it waits for the next try");
    watch.not_committed(Batch::default(), &full);
    assert_eq!(errands(), 1);
    watch.not_committed(Batch::default(), &full);
    assert_eq!(errands(), 0, "each leaves once");
}
