use std::os::unix::fs::{PermissionsExt, symlink};

use super::*;

const PASSWD_TEXT: &str = "root:x:0:0:root:/root:/bin/bash\nhalf:x:1:1\n\
    alice:x:1001:1002:A,,,:/srv/alice:/bin/sh\nodd:x:5:5::relative:/bin/sh\n";

#[test]
fn an_account_is_found_by_its_whole_name() {
    let alice = Account::of(PASSWD_TEXT, "alice").unwrap();
    let home = PathBuf::from("/srv/alice");
    assert_eq!(alice, Account { name: "alice".to_owned(), uid: 1001, gid: 1002, home });
    for none in ["alic", "half", "odd", "", "x", "root:x"] {
        assert_eq!(Account::of(PASSWD_TEXT, none), None, "{none}");
    }
}

#[test]
fn what_a_stranger_may_have_typed_is_no_account() {
    for fine in ["alice", "www-data", "a.b_c", "x1"] {
        assert!(is_account(fine), "{fine}");
    }
    for other in ["", "-T", "..", "../x", "a/b", "a,addr=1", "a b", "門", "a\n", "%u"] {
        assert!(!is_account(other), "{other}");
    }
}

#[test]
fn names_of_files_have_the_tokens_of_sshd() {
    let alice = Account::of(PASSWD_TEXT, "alice").unwrap();
    for (name, expected) in [
        (".ssh/authorized_keys", Some("/srv/alice/.ssh/authorized_keys")),
        ("/etc/keys/%u", Some("/etc/keys/alice")),
        ("%h/k%%%U", Some("/srv/alice/k%1001")),
        ("none", None),
        ("%x", None),
        ("a%", None),
    ] {
        assert_eq!(alice.path(name), expected.map(PathBuf::from), "{name}");
    }
}

#[test]
fn only_what_sshd_would_believe_is_opened() {
    let folder = tempfile::tempdir().unwrap();
    let home = folder.path().join("home");
    let account = Account {
        name: "me".to_owned(),
        uid: rustix::process::geteuid().as_raw(),
        gid: 0,
        home: home.clone(),
    };
    let mode = |path: &Path, mode| {
        fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
    };
    let ssh = home.join(".ssh");
    fs::create_dir_all(&ssh).unwrap();
    for path in [&home, &ssh] {
        mode(path, 0o755);
    }
    let keys = ssh.join("keys");
    fs::write(&keys, "text").unwrap();
    mode(&keys, 0o600);
    assert!(account.open(&keys).is_ok());
    symlink("/etc/shadow", ssh.join("link")).unwrap();
    symlink("turn", ssh.join("turn")).unwrap();
    rustix::fs::mkfifoat(rustix::fs::CWD, ssh.join("pipe"), Mode::from_raw_mode(0o600)).unwrap();
    for other in ["link", "turn", "pipe", "", "none"] {
        assert!(account.open(&ssh.join(other)).is_err(), "{other}");
    }
    mode(&keys, 0o620);
    assert!(account.open(&keys).is_err(), "the group may write to it");
    mode(&keys, 0o600);
    mode(&ssh, 0o777);
    assert!(account.open(&keys).is_err(), "anybody may put another file there");
}

#[test]
fn an_account_that_is_not_there_is_an_empty_pipe_and_a_crowd_none() {
    let files = KeyFiles::default();
    let pipe = files.read("no-such-account", Box::new(Vec::new)).unwrap();
    let start = std::time::Instant::now();
    loop {
        match rustix::io::read(&pipe, &mut [0; 10][..]) {
            Ok(count) => break assert_eq!(count, 0),
            Err(_) => assert!(start.elapsed().as_secs() < 10),
        }
        thread::sleep(std::time::Duration::from_millis(2));
    }
    assert!(files.read("a b", Box::new(Vec::new)).is_none());
    let crowd: Vec<_> = (0..2 * KEYS_ASKED_MAX)
        .filter_map(|_| {
            let slow = || {
                thread::sleep(std::time::Duration::from_millis(300));
                Vec::new()
            };
            files.read("root", Box::new(slow))
        })
        .collect();
    assert!(crowd.len() <= KEYS_ASKED_MAX);
}
