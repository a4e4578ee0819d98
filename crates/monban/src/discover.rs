//! Where logs usually lie.

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

/// Log files that tell of logins: where one is, the journal tells nothing new.
const LOGIN_LOGS: &[&str] = &["/var/log/auth.log", "/var/log/secure"];

/// Whether a log file of this machine tells of logins.
pub fn has_login_log() -> bool {
    LOGIN_LOGS.iter().any(|path| std::path::Path::new(path).exists())
}

/// Whether there is a systemd journal.
pub fn has_journal() -> bool {
    ["/var/log/journal", "/run/log/journal"].iter().any(|path| std::path::Path::new(path).is_dir())
}

/// The usual logs that are there.
pub fn usual_logs_present() -> bool {
    USUAL_LOGS
        .iter()
        .any(|pattern| glob::glob(pattern).is_ok_and(|mut paths| paths.any(|path| path.is_ok())))
}
