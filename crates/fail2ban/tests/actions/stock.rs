//! All shipped actions, as the jails use them and alone, with hostile values in both families.

use std::fs;
use std::path::{Path, PathBuf};

use monban_fail2ban::action::{Ticket, Time};
use monban_fail2ban::config::{ActionKind, Configuration, Jail, Reading, Version};
use monban_model::JailJob;

use super::chance::Chance;
use super::oracle::{Oracle, Row, compare};
use super::values;

/// Variables of jail.conf that hold actions.
const VARIANTS: [&str; 9] = [
    "action_",
    "action_mw",
    "action_mwl",
    "action_xarf",
    "action_cf_mwl",
    "action_blocklist_de",
    "action_abuseipdb",
    "banaction",
    "banaction_allports",
];

/// The installed configuration, and the newer one where there is a corpus.
pub fn folders() -> Vec<PathBuf> {
    let corpus = std::env::var_os("MONBAN_CORPUS").map(PathBuf::from);
    let newer = corpus.map(|corpus| corpus.join("fail2ban/config"));
    let all = [Some(PathBuf::from("/etc/fail2ban")), newer];
    let here = all.into_iter().flatten().filter(|folder| folder.join("jail.conf").is_file());
    let here: Vec<PathBuf> = here.collect();
    if here.len() < 2 {
        println!(
            "left out: {} of 2 configurations (MONBAN_CORPUS names the newer)",
            2 - here.len()
        );
    }
    here
}

/// Names of the actions that are made of commands and can stand alone.
pub fn names(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder.join("action.d")).expect("a folder").flatten();
    let mut names: Vec<String> = entries
        .filter_map(|entry| Some(entry.file_name().to_str()?.strip_suffix(".conf")?.to_owned()))
        .collect();
    names.sort();
    names
}

/// A configuration with jails of our own beside the shipped files.
pub fn with_jails(folder: &Path, jails: &[(String, String)]) -> Configuration {
    let copy = tempfile::tempdir().expect("a folder");
    for name in ["action.d", "filter.d"] {
        let link = copy.path().join(name);
        std::os::unix::fs::symlink(folder.join(name), link).expect("a link");
    }
    for entry in fs::read_dir(folder).expect("a folder").flatten() {
        if entry.path().is_file() {
            fs::copy(entry.path(), copy.path().join(entry.file_name())).expect("copied");
        }
    }
    let section = |(name, action): &(String, String)| {
        format!(
            "[{name}]\nenabled = true\nfilter =\nport = http,https\nlogpath = /dev/null\naction = {action}\n"
        )
    };
    let text: String = jails.iter().map(section).collect();
    fs::write(copy.path().join("jail.local"), text).expect("written");
    let reading = Reading { version: Version::V1_0, ..Reading::default() };
    Configuration::read(copy.path(), &reading)
}

/// Every action alone, with its defaults and with usual parameters, and every variant of a jail.
pub fn all_ways(folder: &Path) -> Vec<Jail> {
    let mut jails: Vec<(String, String)> =
        VARIANTS.iter().map(|name| (format!("v-{name}"), format!("%({name})s"))).collect();
    for (at, name) in names(folder).iter().enumerate() {
        let usual = r#"name=%(__name__)s, port="http,https", protocol="tcp,udp", chain="<known/chain>", dest="root""#;
        jails.push((format!("alone-{at}"), name.clone()));
        jails.push((format!("usual-{at}"), format!("{name}[{usual}, bantime=10m, timeout=5m]")));
    }
    let found = with_jails(folder, &jails);
    let of_ours = found.jails.into_iter().filter(|jail| {
        jails.iter().any(|(name, _)| *name == jail.name) && !jail.actions.is_empty()
    });
    let shell_only = of_ours.map(|mut jail| {
        jail.actions.retain(|action| action.kind == ActionKind::Shell);
        jail
    });
    shell_only.collect()
}

/// What happens in the life of a jail, for each of several values.
fn life(values: &[&str]) -> Row {
    let nobody = Ticket::of_nobody(Time::Whole(1), values::COUNTERS);
    let mut steps = vec![(JailJob::Start, nobody.clone())];
    for value in values {
        // fail2ban takes ten seconds to see that a long text is no address.
        let raw = if value.len() > 1000 { "raw" } else { value };
        let [four, six, raw] = ["192.0.2.1", "2001:db8::", raw].map(|id| values::all(id, value));
        let mut old = values::all("203.0.113.9", value);
        old.restored = true;
        for (job, ticket) in [
            (JailJob::Ban, &four),
            (JailJob::Ban, &six),
            (JailJob::Ban, &raw),
            (JailJob::Prolong, &four),
            (JailJob::Check, &nobody),
            (JailJob::Reban { after: u64::MAX }, &six),
            (JailJob::Reload, &nobody),
            (JailJob::Unban, &four),
            (JailJob::Flush { stopping: false }, &nobody),
            (JailJob::Ban, &old),
            (JailJob::Unban, &raw),
            (JailJob::Unban, &six),
            (JailJob::Flush { stopping: true }, &nobody),
            (JailJob::Unban, &old),
            (JailJob::Stop, &nobody),
        ] {
            steps.push((job, ticket.clone()));
        }
    }
    Row { steps, fails: Vec::new() }
}

#[test]
fn every_shipped_action_makes_the_commands_of_fail2ban() {
    let Some(mut oracle) = Oracle::start() else { return };
    let long = "x$\n".repeat(50_000 / 3);
    for folder in folders() {
        let jails = all_ways(&folder);
        let mut commands = 0;
        for jail in &jails {
            commands += compare(&mut oracle, jail, &life(&values::HOSTILE));
            commands += compare(&mut oracle, jail, &life(&[&long]));
        }
        let files = names(&folder).len();
        println!(
            "{}: {files} files, {} jails, {} values, {commands} commands, 0 differences",
            folder.display(),
            jails.len(),
            values::HOSTILE.len() + 1,
        );
        assert!(jails.len() > 100);
    }
}

/// Any order of what can happen, with commands that fail.
#[test]
fn whatever_happens_the_same_commands_follow() {
    let Some(mut oracle) = Oracle::start() else { return };
    let mut chance = Chance::seeded();
    let jobs = [
        JailJob::Start,
        JailJob::Ban,
        JailJob::Ban,
        JailJob::Ban,
        JailJob::Reban { after: u64::MAX },
        JailJob::Prolong,
        JailJob::Unban,
        JailJob::Unban,
        JailJob::Flush { stopping: false },
        JailJob::Flush { stopping: true },
        JailJob::Check,
        JailJob::Reload,
        JailJob::Stop,
    ];
    let (mut commands, mut rows) = (0, 0);
    for folder in folders() {
        let mut jails = all_ways(&folder);
        jails.extend(own_jails(&folder));
        for jail in &jails {
            for _ in 0..3 {
                let often = *chance.of(&[2, 3, 10, 1000]);
                let steps = (0..12).map(|_| (*chance.of(&jobs), values::by_chance(&mut chance)));
                let steps = steps.collect();
                let fails = (0..60).map(|_| chance.below(often) == 0).collect();
                commands += compare(&mut oracle, jail, &Row { steps, fails });
                rows += 1;
            }
        }
    }
    println!("{rows} rows of events, {commands} commands, 0 differences");
}

/// Actions of our own, with every command and every tag that there is.
fn own_jails(folder: &Path) -> Vec<Jail> {
    let all = "<ip> <family> <ip-rev> <ip-host> <fid> <failures> <time> <bantime> <bancount> \
        <matches> <restored> <ipmatches> <ipjailmatches> <ipfailures> <ipjailfailures> <raw-ticket> \
        <jail.banned> <jail.banned_total> <jail.found> <jail.found_total> <fq-hostname> \
        <sh-hostname> a<br>b<sp>c <F-USER> <F-ID> <F-PORT> <F-X-Y> <F-MATCHES> <F-FAILURES> <F-IP> \
        <F-NOTHING> <unknown> <name> <actname> <timeout> <banEpoch> <deep-<x>> <which>";
    let few = "<ip> <F-USER> <matches> <which> <deep-<x>> <family>";
    let keys = ["start", "stop", "check", "ban", "unban", "flush", "prolong", "reban", "repair"];
    let mut jails = Vec::new();
    for version in 0..12 {
        let file = tempfile::tempdir().expect("a folder");
        let mut text = String::from("[Definition]\n");
        for key in keys {
            let left_out = version > 5 && matches!(key, "repair" | "reban")
                || key == "check" && version % 4 == 3;
            let tags = if version % 2 == 0 && key == "ban" { all } else { few };
            if !left_out {
                text += &format!("action{key} = {key} {tags}\n");
            }
        }
        text += &format!("actionreload = reload <which>\nnorestored = {}\n", version % 3 == 0);
        if version % 5 == 1 {
            text += "actionrepair_on_unban = 1\n";
        }
        match version % 4 {
            1 => text += "actionstart_on_demand = false\n",
            2 => text += "actionstart_on_demand = true\n",
            _ => {}
        }
        text += "[Init]\nx = 1\nwhich = all <x>\ndeep-1 = one\ndeep-2 = two\nmatch = <matches>\n";
        if version % 3 != 2 {
            text += "[Init?family=inet6]\nwhich = six\nx = 2\n";
        }
        copy_folder(folder, file.path());
        fs::write(file.path().join("action.d/own.conf"), text).expect("written");
        let found = with_jails(
            file.path(),
            &[
                (format!("own{version}"), "own[name=\"a;b\"]".to_owned()),
                (
                    format!("two{version}"),
                    "own[name=n, x=2]\n  own[name=o, matches=\"a$b\"]".to_owned(),
                ),
            ],
        );
        let ours = found
            .jails
            .into_iter()
            .filter(|j| j.name.starts_with("own") || j.name.starts_with("two"));
        jails.extend(ours);
    }
    assert_eq!(jails.len(), 24);
    jails
}

fn copy_folder(from: &Path, to: &Path) {
    for name in ["action.d", "filter.d"] {
        fs::create_dir(to.join(name)).expect("made");
    }
    for name in ["jail.conf", "fail2ban.conf", "paths-debian.conf", "paths-common.conf"] {
        if from.join(name).is_file() {
            fs::copy(from.join(name), to.join(name)).expect("copied");
        }
    }
}
