//! What is written, what it means, and what is said of mistakes.

use monban_config::{Bundle, Config, DEFAULTS, JournalUse, SourceFile};
use monban_model::limits::TEXTS_FILE_BYTES_MAX;
use monban_model::{Kind, Reach, Scope, Window};

fn problems(text: &str) -> Vec<String> {
    match Config::parse("monban.toml", text) {
        Ok(_) => Vec::new(),
        Err(problems) => problems.iter().map(ToString::to_string).collect(),
    }
}

#[test]
fn the_shipped_defaults_are_without_a_problem_and_change_nothing() {
    assert_eq!(problems(DEFAULTS), [""; 0]);
    assert_eq!(Config::parse("x", DEFAULTS).unwrap(), Config::shipped());
    let config = Config::shipped();
    let default = config.policies.iter().find(|p| p.name == "default").unwrap();
    assert_eq!(default.window, Window { failures: 5, length_s: 600 });
    assert_eq!(default.slow, Some(Window { failures: 10, length_s: 86_400 }));
    assert_eq!(default.reach, Reach::EveryService);
    assert!(default.kinds.contains(Kind::LoginFailed));
    let probe = config.policies.iter().find(|p| p.name == "probe").unwrap();
    assert_eq!((probe.slow, &probe.reach), (None, &Reach::EveryService));
}

#[test]
fn a_policy_for_a_service_takes_what_it_leaves_out_from_the_default() {
    let text = "[policy.sshd]\nfailures = 3\nblock = \"forever\"\nports = [22, 2222, 22]\n";
    let config = Config::parse("monban.toml", text).unwrap();
    let sshd = config.policies.iter().find(|policy| policy.name == "sshd").unwrap();
    assert_eq!((sshd.name.as_str(), &sshd.reach), ("sshd", &Reach::Services(vec!["sshd".into()])));
    assert_eq!(sshd.window, Window { failures: 3, length_s: 600 });
    assert_eq!((sshd.backoff.first_s, &sshd.scope), (None, &Scope::Ports(vec![22, 2222])));
}

#[test]
fn changing_the_default_leaves_the_other_policies_alone() {
    let config = Config::parse("x", "[policy.default]\nfailures = 2\n").unwrap();
    let of = |name: &str| config.policies.iter().find(|p| p.name == name).unwrap().window.failures;
    assert_eq!((of("default"), of("probe")), (2, 20));
}

#[test]
fn all_mistakes_are_told_at_once_with_place_and_hint() {
    let text = "observ = true\n\
        [allow]\naddresses = [\"192.0.2.1\", \"example.org\", 5]\n\
        [policy.sshd]\nfailurs = 3\nwithin = \"ten minutes\"\nblock = 600\nports = \"ssh\"\n\
        kinds = [\"login-faild\"]\n";
    let said = problems(text);
    let expected = [
        "monban.toml:1: unknown key `observ` in the file (it would have no effect); did you mean `observe`?",
        "monban.toml:3: `addresses`: `example.org` is not an address or a network such as 192.0.2.0/24",
        "monban.toml:3: `addresses` wants texts in quotes",
        "monban.toml:5: unknown key `failurs` in [policy.sshd] (it would have no effect); did you mean `failures`?",
        "monban.toml:6: `within`: `ten minutes` is not a duration; write for example 90s, 10m, 1h30m, 7d",
        "monban.toml:7: `block` in [policy.sshd] is the number 600; write a text in quotes",
        "monban.toml:8: `ports` is neither \"all\" nor a list of port numbers; write \"all\", or 1 to 32 ports such as [22, 2222]",
        "monban.toml:9: `kinds`: `login-faild` is no kind; did you mean `login-failed`?",
    ];
    assert_eq!(said, expected);
}

#[test]
fn broken_toml_is_told_with_its_line_and_the_rest_is_read_on() {
    let said = problems("observe = true\nledger_mib = \n[allow]\nadresses = []\n");
    assert!(said[0].starts_with("monban.toml:2: "), "{said:?}");
    assert!(said.iter().any(|line| line.contains("did you mean `addresses`?")), "{said:?}");
}

#[test]
fn sources_are_absolute_paths() {
    let config =
        Config::parse("x", "[sources]\nlogs = [\"/srv/*/a.log\"]\njournal = \"off\"\n").unwrap();
    assert_eq!((config.logs.len(), config.journal), (1, JournalUse::Off));
    assert_eq!(problems("[sources]\nlogs = [\"a.log\"]\n").len(), 1);
    let config = Config::parse("x", "[sources]\njournal = \"/mnt/log/journal\"\n").unwrap();
    assert_eq!(config.journal, JournalUse::Folder("/mnt/log/journal".to_owned()));
    assert_eq!(problems("[sources]\njournal = \"log/journal\"\n").len(), 1);
}

#[test]
fn a_policy_for_an_unknown_service_is_a_problem() {
    let text = "[policy.shd]\nfailures = 3\n[policy.web]\nservices = [\"apache\", \"ngin\"]\n";
    let config = Config::parse("x", text).unwrap();
    let said = config.unknown_services("x", text, &["sshd", "apache", "nginx", "web-access"]);
    let places: Vec<_> = said.iter().map(|problem| (problem.line, problem.column)).collect();
    assert_eq!(places, [(1, 9), (4, 23)], "{said:?}");
    assert!(said[0].to_string().contains("did you mean `sshd`?"), "{said:?}");
    assert!(said[1].to_string().contains("did you mean `nginx`?"), "{said:?}");
}

#[test]
fn a_service_that_is_not_there_is_told_where_it_would_count_nothing() {
    let metric = |source: &str| {
        format!("[[metric]]\nname = \"m\"\npattern = \"x\"\nsources = [\"{source}\"]\n")
    };
    let rule = |service: &str| {
        format!("[[logins.rule]]\nservice = {service}\ntell = \"none\"\n[logins]\ntell = \"all\"\n")
    };
    let group = "[[aws.logs]]\nservices = [\"sshd\"]\ngroup = \"secure\"\n";
    for (text, wanted) in [
        (metric("sshdd"), Some((4, "did you mean `sshd`?"))),
        (metric("foo"), Some((4, "known: sshd, su, sudo, apache"))),
        (metric("sshd"), None),
        (metric("/var/log/*.log"), None),
        (metric("secure") + group, None),
        // PAM has services of any name, also one that is almost ours; and a rule takes patterns.
        (rule("[\"sshd\", \"su-l\", \"sudo-i\", \"login\", \"sddm\", \"kiosk\"]"), None),
        (rule("[\"ssh\", \"rsh\", \"sssd\", \"apache2\", \"ssh*\"]"), None),
    ] {
        let config = Config::parse("x", &text).unwrap();
        let services = ["sshd", "su", "sudo", "apache", "nginx", "web-access"];
        let said = config.unknown_services("x", &text, &services);
        let said: Vec<(u32, String)> =
            said.iter().map(|problem| (problem.line, problem.to_string())).collect();
        match wanted {
            Some((line, hint)) => {
                assert!(said.len() == 1 && said[0].0 == line, "{text}\n{said:?}");
                assert!(said[0].1.contains(hint), "{text}\n{said:?}");
            }
            None => assert!(said.is_empty(), "{text}\n{said:?}"),
        }
    }
}

#[test]
fn hostile_bytes_never_panic() {
    let mut state = 1_u64;
    for _ in 0..20_000 {
        let mut text = String::new();
        for _ in 0..24 {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            let parts = [
                "[", "]", "=", "\"", "policy", ".", "a", "\n", "{", "}", "9", ",", "'", "é", "#",
                "-",
            ];
            text.push_str(parts[(state >> 60) as usize]);
        }
        let _ = Config::parse("x", &text);
    }
}

#[test]
fn a_bundle_survives_the_way_and_writable_files_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("monban.toml");
    std::fs::write(&path, "observe = true\n").unwrap();
    std::fs::create_dir(folder.path().join("rules.d")).unwrap();
    std::fs::write(folder.path().join("rules.d/b.toml"), "x").unwrap();
    std::fs::write(folder.path().join("rules.d/a.toml"), "y").unwrap();
    std::fs::write(folder.path().join("rules.d/notes.txt"), "z").unwrap();
    std::fs::create_dir(folder.path().join("texts")).unwrap();
    let english = folder.path().join("texts/en.toml");
    std::fs::write(&english, "e").unwrap();
    let bundle = Bundle::read(&path, true).unwrap();
    let names: Vec<_> = bundle.rules.iter().map(|file| file.text.as_str()).collect();
    assert_eq!(names, ["y", "x"]);
    assert_eq!(bundle.texts[0].text, "e");
    assert_eq!(Bundle::from_bytes(&bundle.to_bytes()).as_ref(), Some(&bundle));
    assert_eq!(Bundle::from_bytes(&bundle.to_bytes()[..20]), None);
    use std::os::unix::fs::PermissionsExt;
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o666)).unwrap();
    let said = Bundle::read(&path, true).unwrap_err();
    assert!(said[0].to_string().contains("may be written by others"), "{said:?}");
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).unwrap();
    std::fs::set_permissions(&english, std::fs::Permissions::from_mode(0o666)).unwrap();
    let said = Bundle::read(&path, true).unwrap_err();
    assert!(said[0].to_string().contains("decides what monban tells people"), "{said:?}");
    std::fs::set_permissions(&english, std::fs::Permissions::from_mode(0o600)).unwrap();
    std::fs::write(&english, vec![b'e'; TEXTS_FILE_BYTES_MAX + 1]).unwrap();
    let said = Bundle::read(&path, true).unwrap_err();
    assert!(said[0].to_string().contains("has more than 262144 bytes"), "{said:?}");
}

#[test]
fn a_missing_file_is_a_problem_only_when_it_was_asked_for() {
    let path = std::path::Path::new("/nonexistent/monban.toml");
    assert_eq!(Bundle::read(path, false), Ok(Bundle::default()));
    assert!(Bundle::read(path, true).is_err());
    let _ = SourceFile { file: String::new(), text: String::new() };
}

#[test]
fn a_configuration_that_is_closed_to_us_counts_as_absent_unless_it_was_named() {
    use std::os::unix::fs::{MetadataExt, PermissionsExt};
    let folder = tempfile::tempdir().unwrap();
    if std::fs::metadata(folder.path()).unwrap().uid() == 0 {
        println!("left out: root may read every file");
        return;
    }
    let path = folder.path().join("monban.toml");
    std::fs::write(&path, "observe = true\n").unwrap();
    let set = |mode| std::fs::Permissions::from_mode(mode);
    std::fs::set_permissions(&path, set(0o000)).unwrap();
    assert!(Bundle::read(&path, false).is_err(), "our own is there, only its mode is wrong");
    std::fs::set_permissions(folder.path(), set(0o000)).unwrap();
    assert_eq!(Bundle::read(&path, false), Ok(Bundle::default()));
    assert!(Bundle::read(&path, true).is_err());
    std::fs::set_permissions(folder.path(), set(0o700)).unwrap();
}

#[test]
fn a_policy_for_a_service_counts_what_the_default_counts_wherever_that_stands() {
    let shipped = Config::shipped();
    let named = |config: &Config, name: &str| {
        config.policies.iter().find(|policy| policy.name == name).unwrap().clone()
    };
    assert_eq!(named(&shipped, "apache").kinds, named(&shipped, "default").kinds);
    let text = "[policy.abc]\n[policy.default]\nblock = \"3h\"\n";
    let config = Config::parse("x", text).unwrap();
    assert_eq!(named(&config, "abc").backoff.first_s, Some(10_800));
}

#[test]
fn a_changed_default_holds_for_the_policies_that_do_not_say_otherwise() {
    let text =
        "[policy.web]\nservices = [\"nginx\"]\n[policy.default]\nfailures = 3\nblock = \"1h\"\n";
    let config = Config::parse("monban.toml", text).unwrap();
    let policy = |name: &str| config.policies.iter().find(|policy| policy.name == name).unwrap();
    for (name, failures) in [("default", 3), ("apache", 3), ("web", 3), ("probe", 20)] {
        assert_eq!(policy(name).window.failures, failures, "{name}");
        assert_eq!(policy(name).backoff.first_s, Some(3600), "{name}");
    }
}

#[test]
fn the_ledger_keeps_records_for_as_long_as_is_wished() {
    assert_eq!(Config::shipped().ledger_keep_s, monban_model::limits::LEDGER_KEEP_S);
    assert_eq!(Config::parse("x", "ledger_keep = '90d'").unwrap().ledger_keep_s, 90 * 86_400);
    for wrong in ["ledger_keep = 90", "ledger_keep = 'soon'"] {
        assert_eq!(Config::parse("x", wrong).unwrap_err().len(), 1, "{wrong}");
    }
}

#[test]
fn home_is_a_country_and_the_database_a_path() {
    let config = Config::parse("x", "home = \"jp\"\n[geo]\ndatabase = \"/a.mmdb\"\n").unwrap();
    assert_eq!(config.home, "JP".parse().ok());
    assert_eq!(config.geo.as_deref(), Some("/a.mmdb"));
    let shipped = Config::shipped();
    assert_eq!((shipped.home, shipped.geo), (None, None));
    let problems = Config::parse("x", "home = \"Japan\"\n[geo]\ndatabase = \"a\"\nx = 1\n");
    let lines: Vec<u32> = problems.unwrap_err().iter().map(|problem| problem.line).collect();
    assert_eq!(lines, [1, 3, 4]);
}
