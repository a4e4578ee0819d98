//! Logs that are only sent, beside those that are watched.

use super::*;

const SENDS: &str = r#"
[aws]
region = "us-east-1"
[[aws.logs]]
files = ["/x/*.log"]
group = "g"
"#;

/// Gives a watcher a configuration by which the logs of this folder are sent.
fn send(watch: &mut Watch, folder: &Path, again: bool) {
    let text = SENDS.replace("/x", folder.to_str().unwrap());
    let config = Some(SourceFile { file: "monban.toml".to_owned(), text });
    let mut file = tempfile::tempfile().unwrap();
    file.write_all(&Bundle { config, ..Bundle::default() }.to_bytes()).unwrap();
    file.rewind().unwrap();
    let frame = ToWatcher::Brief { guards: false, reload: 1, again, journal: false };
    watch.obey(frame, Some(file.into())).unwrap();
    assert!(watch.sending.sender.is_used());
}

/// Offers a log that stood there already, to be sent only.
fn offer_sent(watch: &mut Watch, path: &Path, number: u32) {
    fs::write(path, LINE).unwrap();
    let file = File::open(path).unwrap();
    let found = file.metadata().unwrap();
    let offered = Offered {
        file: number,
        path: path.to_str().unwrap().to_owned(),
        dev: found.dev(),
        ino: found.ino(),
        size: found.size(),
        later: false,
        watched: false,
        judged: false,
    };
    watch.obey(ToWatcher::Opened(offered), Some(file.into())).unwrap();
}

#[test]
fn a_log_that_is_only_sent_is_not_told_as_one_that_is_watched() {
    let (state, logs) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let (mut watch, _warden) = watch(state.path());
    send(&mut watch, logs.path(), false);
    let records = |watch: &mut Watch| {
        watch.commit();
        Reader::open(state.path()).unwrap().counts().unwrap().records
    };
    let before = records(&mut watch);
    for (number, name) in [(1, "a.log"), (2, "b.log")] {
        let path = logs.path().join(name);
        offer_sent(&mut watch, &path, number);
        let path = path.to_str().unwrap().to_owned();
        assert!(watch.sending.sender.follows(&path));
        let frame = match number {
            1 => ToWatcher::Gone { path },
            _ => ToWatcher::Dropped { path },
        };
        watch.obey(frame, None).unwrap();
    }
    assert_eq!(records(&mut watch), before);
    // Of one that is watched both are told.
    let path = logs.path().join("c.log");
    offer(&mut watch, &path, 3);
    let path = path.to_str().unwrap().to_owned();
    watch.obey(ToWatcher::Gone { path: path.clone() }, None).unwrap();
    watch.obey(ToWatcher::Dropped { path }, None).unwrap();
    assert_eq!(records(&mut watch), before + 2);
}

/// The position of a log that is seen for the first time is saved at once.
#[test]
fn after_a_restart_a_log_that_a_reload_adds_is_sent_from_its_end() {
    let (state, logs) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let begin = |again| {
        let (mut watch, warden) = watch(state.path());
        (watch.stage.all_opened, watch.stage.briefed) = (false, false);
        send(&mut watch, logs.path(), again);
        (watch, warden)
    };
    let (mut first, _warden) = begin(false);
    offer_sent(&mut first, &logs.path().join("known.log"), 1);
    first.commit();
    drop(first);
    let (mut watch, _warden) = begin(true);
    let offset = |watch: &mut Watch, name: &str, number| {
        offer_sent(watch, &logs.path().join(name), number);
        let (rows, _) = watch.sending.sender.take_unsaved();
        assert_eq!(rows.len(), 1);
        rows[0].offset
    };
    assert_eq!(offset(&mut watch, "came-meanwhile.log", 1), 0);
    watch.obey(ToWatcher::AllOpened, None).unwrap();
    assert_eq!(offset(&mut watch, "added.log", 2), LINE.len() as u64);
}
