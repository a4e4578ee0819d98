//! Where logs usually lie.

use std::path::Path;
use std::time::Duration;

use monban_model::limits::FILES_MAX;

/// Log files of the usual services on the usual distributions.
pub const USUAL_LOGS: &[&str] = &[
    // Logins: Debian and its kin, Red Hat and its kin.
    "/var/log/auth.log",
    "/var/log/secure",
    "/var/log/syslog",
    "/var/log/messages",
    // Mail.
    "/var/log/mail.log",
    "/var/log/maillog",
    "/var/log/dovecot.log",
    "/var/log/dovecot-info.log",
    // Web servers, with a file for each virtual host where there is one.
    "/var/log/nginx/*access*.log",
    "/var/log/nginx/*error*.log",
    "/var/log/apache2/*access*.log",
    "/var/log/apache2/*error*.log",
    "/var/log/httpd/*access*log",
    "/var/log/httpd/*error*log",
];

/// Log files that tell of logins: where one is written to, the journal tells nothing new.
const LOGIN_LOGS: &[&str] = &["/var/log/auth.log", "/var/log/secure"];

/// A login log that was not written to for so long is a leftover of a syslog daemon that is gone.
const LOGIN_LOG_AGE_MAX: Duration = Duration::from_secs(7 * 86_400);

/// Where journalctl lies. PATH is not asked: whoever set it would say what root starts.
const JOURNALCTL: [&str; 2] = ["/usr/bin/journalctl", "/bin/journalctl"];

/// Whether a log file of this machine tells of logins.
pub fn has_login_log() -> bool {
    LOGIN_LOGS.iter().any(|path| is_in_use(Path::new(path)))
}

/// Whether a log was written to of late. A time ahead of the clock counts as of late.
fn is_in_use(path: &Path) -> bool {
    let written = std::fs::metadata(path).and_then(|facts| facts.modified());
    written.is_ok_and(|at| at.elapsed().map_or(true, |age| age < LOGIN_LOG_AGE_MAX))
}

/// Whether there is a systemd journal, and the program to read it with.
pub fn has_journal() -> bool {
    let folders = ["/var/log/journal", "/run/log/journal"];
    folders.iter().any(|path| Path::new(path).is_dir()) && Path::new(journalctl()).exists()
}

/// The path of journalctl.
pub fn journalctl() -> &'static str {
    let [first, second] = JOURNALCTL;
    if Path::new(first).exists() { first } else { second }
}

/// The usual logs that are there.
pub fn usual_logs_present() -> bool {
    USUAL_LOGS
        .iter()
        .any(|pattern| glob::glob(pattern).is_ok_and(|mut paths| paths.any(|path| path.is_ok())))
}

/// The files that these patterns match now, at most [`FILES_MAX`].
pub fn present(patterns: &[String]) -> Vec<String> {
    let matches = patterns.iter().filter_map(|pattern| glob::glob(pattern).ok()).flatten();
    let paths = matches.flatten().take(FILES_MAX);
    paths.map(|path| path.to_string_lossy().into_owned()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::SystemTime;

    #[test]
    fn a_login_log_that_nobody_writes_any_more_is_not_in_use() {
        let path = std::env::temp_dir().join(format!("monban-discover-{}", std::process::id()));
        let file = std::fs::File::create(&path).unwrap();
        assert!(is_in_use(&path));
        let day = Duration::from_secs(86_400);
        file.set_modified(SystemTime::now() - 8 * day).unwrap();
        assert!(!is_in_use(&path));
        file.set_modified(SystemTime::now() + day).unwrap();
        assert!(is_in_use(&path));
        std::fs::remove_file(&path).unwrap();
        assert!(!is_in_use(&path));
    }
}
