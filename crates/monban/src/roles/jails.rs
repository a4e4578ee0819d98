//! The jails of a fail2ban configuration as the warden hands them on: files, and which logs they
//! read.

use std::io;
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};

use monban_config::{Bundle, Config, Fail2ban, SourceFile};
use monban_fail2ban::config::{Complaint, Configuration, Files, Reading, Severity};
use monban_model::Notice;
use monban_model::limits::{CONFIG_BYTES_MAX, FAIL2BAN_BYTES_MAX, FAIL2BAN_LISTS_BYTES_MAX};
use monban_model::wire::Refusal;
use monban_views::Say;
use monban_warden::{Gate, read_memory_file};

use super::theirs::Theirs;
use crate::cli::RunArgs;

/// Jails that are to run.
pub struct Jails {
    /// Their files, for the other roles.
    pub fail2ban: Fail2ban,
    /// The logs they read, with wildcards.
    pub logs: Vec<String>,
    /// Whether one of them reads the journal.
    pub journal: bool,
    /// `dbfile`, if it is a file.
    pub database: Option<PathBuf>,
    /// Where fail2ban itself would be met.
    pub theirs: Theirs,
    /// `logtarget`, if it is a file.
    pub log: Option<PathBuf>,
    /// What is wrong with the configuration, errors only.
    pub complaints: Vec<Complaint>,
}

/// Mistakes in the files of all jails that make fail2ban refuse the whole. Here the rest still runs
/// at a start; somebody who reloads is there to mend them, and meanwhile nothing is to change.
const REFUSED_KINDS: &[&str] = &[
    "bad-percent",
    "byte-order-mark",
    "header-tail",
    "interpolation-depth",
    "lost-indent-line",
    "missing-name",
    "no-delimiter",
    "no-jail-files",
    "no-key",
    "no-section",
    "not-utf8",
    "twice-key",
    "twice-list",
    "twice-section",
    "unreadable",
];

impl Jails {
    /// Why these are not taken over where jails run that had only those mistakes before.
    pub fn new_mistakes(&self, before: &[Complaint]) -> Vec<Complaint> {
        let is_same = |one: &Complaint, other: &Complaint| {
            one.kind == other.kind
                && one.place.file == other.place.file
                && one.values == other.values
        };
        let is_new = |one: &&Complaint| !before.iter().any(|known| is_same(one, known));
        let refused = |one: &&Complaint| {
            let file = Path::new(&*one.place.file).strip_prefix(&self.fail2ban.folder);
            let of_one =
                file.is_ok_and(|file| file.starts_with("filter.d") || file.starts_with("action.d"));
            REFUSED_KINDS.contains(&one.kind) && !of_one
        };
        self.complaints.iter().filter(is_new).filter(refused).cloned().collect()
    }
}

/// The folder whose jails are to run, and whether monban's own rules run beside them.
pub fn wanted(args: &RunArgs, config: &Config) -> Option<(PathBuf, bool)> {
    let beside = args.own_rules || config.own_rules;
    match (&args.fail2ban, &config.fail2ban) {
        (Some(folder), _) => {
            let folder = std::path::absolute(folder).unwrap_or_else(|_| folder.clone());
            Some((folder, beside))
        }
        (None, Some(folder)) => Some((PathBuf::from(folder), beside)),
        (None, None) => None,
    }
}

/// Reads the jails of a folder, out of what was read ahead of it, and the disk.
///
/// # Errors
/// What keeps all of them from running, as text for people.
pub fn read(folder: &Path, files: Files, beside: bool, say: &Say) -> Result<Jails, Refusal> {
    let (found, files) = Configuration::read_within(folder, files, &Reading::default());
    let shown = folder.display().to_string();
    let refuse = |key: &str, values: &[(&str, &str)]| Err(of_key(key, values, say));
    if files.texts().next().is_none() {
        return refuse("f2b-run-empty", &[("dir", &shown)]);
    }
    if let Some(foreign) = files.foreign().first() {
        let values = [
            ("path", foreign.path.display().to_string()),
            ("uid", foreign.uid.to_string()),
            ("mode", format!("{:o}", foreign.mode)),
        ];
        let values: Vec<(&str, &str)> = values.iter().map(|(n, v)| (*n, v.as_str())).collect();
        return refuse("f2b-run-foreign", &values);
    }
    if files.configured_bytes() > FAIL2BAN_BYTES_MAX {
        return refuse("f2b-run-large", &[("dir", &shown)]);
    }
    let is_journal =
        |jail: &&monban_fail2ban::config::Jail| jail.backend.value.name.starts_with("systemd");
    let mut logs: Vec<String> = Vec::new();
    for log in found.jails.iter().filter(|jail| !is_journal(jail)).flat_map(|jail| &jail.logpath) {
        // One that nothing can be read by, such as one in quotes, is told of, and keeps no other
        // jail from running.
        if Gate::takes(&log.pattern) && !logs.contains(&log.pattern) {
            logs.push(log.pattern.clone());
        }
    }
    let errors = found.complaints.list().iter();
    let errors = errors.filter(|complaint| complaint.severity == Severity::Error);
    let files = source_files(files.texts());
    Ok(Jails {
        fail2ban: Fail2ban { folder: shown, beside, files },
        logs,
        journal: found.jails.iter().any(|jail| is_journal(&jail)),
        database: file_of(&found, "dbfile"),
        theirs: Theirs { socket: file_of(&found, "socket"), pidfile: file_of(&found, "pidfile") },
        log: file_of(&found, "logtarget"),
        complaints: errors.cloned().collect(),
    })
}

/// A refusal of one sentence.
pub fn of_key(key: &str, values: &[(&str, &str)], say: &Say) -> Refusal {
    let named = values.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
    let problem = Notice { key: key.to_owned(), values: named.collect() };
    Refusal { text: say.text(key, values) + "\n", problems: vec![problem] }
}

/// What a role makes of the files that the warden's program read: the same in each, and the files
/// themselves for what else they are asked for.
pub fn read_held(fail2ban: &Fail2ban) -> (Configuration, Files) {
    let held = fail2ban.files.iter().map(|file| (PathBuf::from(&file.file), file.text.clone()));
    let folder = Path::new(&fail2ban.folder);
    Configuration::read_within(folder, Files::held(held), &Reading::default())
}

/// Files as they are handed on.
pub fn source_files<'f>(texts: impl Iterator<Item = (&'f Path, &'f str)>) -> Vec<SourceFile> {
    let file = |(path, text): (&Path, &str)| SourceFile {
        file: path.display().to_string(),
        text: text.to_owned(),
    };
    texts.map(file).collect()
}

/// The files of a configuration that came with a frame.
///
/// # Errors
/// If they cannot be read, or are none.
pub fn bundle_of(fd: OwnedFd) -> io::Result<Bundle> {
    let most = 3 * CONFIG_BYTES_MAX + FAIL2BAN_BYTES_MAX + FAIL2BAN_LISTS_BYTES_MAX;
    let bytes = read_memory_file(fd, most)?;
    let bundle = Bundle::from_bytes(&bytes);
    bundle.ok_or_else(|| io::Error::new(io::ErrorKind::InvalidData, "not a configuration"))
}

/// The file that an option of fail2ban.conf names; what stands in brackets behind it is left out.
fn file_of(found: &Configuration, option: &str) -> Option<PathBuf> {
    let target = found.server.options.get(option)?.as_str();
    let path = target.split('[').next().unwrap_or_default().trim();
    path.starts_with('/').then(|| PathBuf::from(path))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn own_rules_rest_beside_jails_unless_somebody_says_otherwise() {
        let config = |text: &str| Config::parse("monban.toml", text).unwrap();
        let flags = |fail2ban: Option<&str>, own_rules| RunArgs {
            fail2ban: fail2ban.map(PathBuf::from),
            own_rules,
            ..RunArgs::default()
        };
        let beside = |args: &RunArgs, text: &str| wanted(args, &config(text)).map(|found| found.1);
        let folder = "[fail2ban]\nfolder = \"/etc/fail2ban\"\n";
        assert_eq!(beside(&flags(None, false), folder), Some(false));
        assert_eq!(beside(&flags(None, true), folder), Some(true));
        assert_eq!(beside(&flags(Some("/x"), false), ""), Some(false));
        assert_eq!(beside(&flags(Some("/x"), true), ""), Some(true));
        let both = format!("{folder}own_rules = true\n");
        assert_eq!(beside(&flags(None, false), &both), Some(true));
        assert_eq!(beside(&flags(Some("/x"), false), &both), Some(true));
        assert_eq!(beside(&flags(None, true), ""), None);
    }

    #[test]
    fn a_path_in_quotes_is_told_of_and_watched_by_nobody() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir(folder.path().join("filter.d")).unwrap();
        let filter = "[Definition]\nfailregex = ^x <HOST>$\n";
        std::fs::write(folder.path().join("filter.d/x.conf"), filter).unwrap();
        let jail = |name: &str, path: &str| {
            format!("[{name}]\nenabled = yes\nfilter = x\nlogpath = {path}\n")
        };
        let jails = [("a", "\"/x.log\""), ("b", "/x.log"), ("c", "x.log"), ("d", "/x/**/y")];
        let jails: String = jails.iter().map(|(name, path)| jail(name, path)).collect();
        std::fs::write(folder.path().join("jail.local"), jails).unwrap();
        let say = Say::new(monban_views::Tongue::English);
        let found = read(folder.path(), Files::of_disk(), false, &say)
            .unwrap_or_else(|why| panic!("{why:?}"));
        assert_eq!(found.logs, ["/x.log"]);
        assert_eq!(found.complaints.iter().map(|one| one.kind).collect::<Vec<_>>(), ["quoted-log"]);
    }

    #[test]
    fn a_reload_is_refused_for_new_mistakes_of_all_jails_only() {
        let folder = tempfile::tempdir().unwrap();
        let say = Say::new(monban_views::Tongue::English);
        let write = |name: &str, text: &str| {
            let path = folder.path().join(name);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text).unwrap();
        };
        let kinds = |before: &[Complaint]| -> Vec<&'static str> {
            let jails = read(folder.path(), Files::of_disk(), false, &say)
                .unwrap_or_else(|refusal| panic!("{refusal:?}"));
            jails.new_mistakes(before).iter().map(|complaint| complaint.kind).collect()
        };
        let good = "[x]\nenabled = true\nfilter = x\nlogpath = /x.log\n";
        write("filter.d/x.conf", "[Definition]\nfailregex = ^x <HOST>$\n");
        write("jail.local", good);
        assert_eq!(kinds(&[]), Vec::<&str>::new());
        write("jail.local", &format!("{good}[open\n"));
        assert_eq!(kinds(&[]), ["no-delimiter"]);
        // With what was so before the jails run already.
        let before = read(folder.path(), Files::of_disk(), false, &say)
            .unwrap_or_else(|refusal| panic!("{refusal:?}"));
        write("jail.local", &format!("\n{good}[open\n"));
        assert_eq!(kinds(&before.complaints), Vec::<&str>::new());
        write("jail.local", good);
        write("filter.d/x.conf", "[Definition]\nfailregex = ^x <HOST>$\nword\n");
        assert_eq!(kinds(&[]), Vec::<&str>::new());
        write("jail.d/a.local/x", "");
        assert_eq!(kinds(&[]), ["unreadable"]);
    }
}
