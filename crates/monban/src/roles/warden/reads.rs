//! What is read of this machine: for the rules, for metrics, or for both.

use std::path::PathBuf;

use monban_config::{Config, JournalUse};
use monban_model::MetricSpec;

use crate::cli::RunArgs;
use crate::discover;

/// Logs and the journal, before those that only jails ask for.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Reads {
    /// All log paths. The usual ones are among them also where nothing is yet: a service that is
    /// installed tomorrow is watched from its first line.
    pub(super) patterns: Vec<String>,
    /// Those of them that only metrics name.
    pub(super) counted: Vec<String>,
    /// Those that a person named.
    pub(super) named: Vec<String>,
    /// Whether the journal is read.
    pub(super) journal: bool,
}

impl Reads {
    /// What a configuration asks for; jails may have its rules rest.
    pub(super) fn of(args: &RunArgs, config: &Config, own_rules: bool) -> Self {
        if !args.logs.is_empty() {
            let absolute =
                |path: &PathBuf| std::path::absolute(path).unwrap_or_else(|_| path.clone());
            let named: Vec<String> =
                args.logs.iter().map(|path| absolute(path).display().to_string()).collect();
            return match own_rules || !config.metrics.is_empty() {
                true => Self { patterns: named.clone(), named, ..Self::default() },
                false => Self::default(),
            };
        }
        let mut reads = Self::default();
        // Lines of a service may stand anywhere.
        let is_of_files = |metric: &MetricSpec| {
            let mut names = config.sources_of(metric).peekable();
            names.peek().is_some() && names.all(|name| name.starts_with('/'))
        };
        if own_rules || !config.metrics.iter().all(is_of_files) {
            reads.named.clone_from(&config.logs);
            reads.journal = wants_journal(config);
            if config.discover {
                reads.patterns.extend(discover::USUAL_LOGS.iter().map(|path| (*path).to_owned()));
            }
        }
        for name in config.metrics.iter().flat_map(|metric| config.sources_of(metric)) {
            if name.starts_with('/') && !reads.named.iter().any(|known| known == name) {
                reads.named.push(name.to_owned());
                if !reads.patterns.iter().any(|usual| usual == name) {
                    reads.counted.push(name.to_owned());
                }
            }
        }
        reads.patterns.extend(reads.named.iter().cloned());
        reads
    }
}

fn wants_journal(config: &Config) -> bool {
    match config.journal {
        JournalUse::On | JournalUse::Folder(_) => true,
        JournalUse::Off => false,
        JournalUse::Auto => {
            config.discover && discover::has_journal() && !discover::has_login_log()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILE: &str = r#"
[[metric]]
name = "slow"
pattern = "timeout"
sources = ["/var/log/myapp.log", "/var/log/auth.log"]
"#;

    const SERVICE: &str = r#"
[[metric]]
name = "preauth"
pattern = "preauth"
sources = ["sshd"]
"#;

    const GROUP: &str = r#"
[[metric]]
name = "errors"
pattern = "ERROR"
sources = ["web"]

[[aws.logs]]
files = ["/srv/web/*.log"]
group = "web"
stream = "here"
"#;

    /// What metrics there are, own rules, files that are named, usual ones, the journal, those that
    /// only metrics name.
    type Row<'a> = (&'a str, bool, &'a [&'a str], bool, bool, &'a [&'a str]);

    #[test]
    fn what_metrics_count_is_read_also_beside_jails() {
        let head = "[sources]\njournal = \"on\"\nlogs = [\"/var/log/auth.log\"]\n";
        let auth = "/var/log/auth.log";
        let (app, web) = ("/var/log/myapp.log", "/srv/web/*.log");
        let table: [Row<'_>; 7] = [
            ("", true, &[auth], true, true, &[]),
            ("", false, &[], false, false, &[]),
            (FILE, true, &[auth, app], true, true, &[app]),
            (FILE, false, &[app, auth], false, false, &[app, auth]),
            (SERVICE, true, &[auth], true, true, &[]),
            (SERVICE, false, &[auth], true, true, &[]),
            (GROUP, true, &[auth, web], true, true, &[web]),
        ];
        for (metrics, own_rules, named, usual, journal, counted) in table {
            let config = Config::parse("m.toml", &format!("{head}{metrics}")).unwrap();
            let reads = Reads::of(&RunArgs::default(), &config, own_rules);
            assert_eq!(reads.named, named, "{metrics} {own_rules}");
            let of_usual = if usual { discover::USUAL_LOGS.len() } else { 0 };
            assert_eq!(reads.patterns.len(), named.len() + of_usual, "{metrics} {own_rules}");
            assert!(named.iter().all(|name| reads.patterns.iter().any(|one| one == name)));
            assert_eq!(reads.journal, journal, "{metrics} {own_rules}");
            assert_eq!(reads.counted, counted, "{metrics} {own_rules}");
        }
    }
}
