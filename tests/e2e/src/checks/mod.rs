//! The list of checks. Each is a function from the setting to its figures.

mod admin;
mod articles;
mod backlog;
mod check;
mod confined;
mod crash;
mod daemons;
mod dropbear;
mod fail2ban;
mod flood;
mod freeing;
mod fresh;
mod full_disk;
mod heir;
mod idle;
mod jails;
mod journal;
mod latency;
mod mail;
mod many_blocks;
mod messages;
mod origins;
mod pam_env;
mod pam_hook;
mod privilege;
mod reload;
mod repair;
mod rotation;
mod scan;
mod ssh;
mod start;
mod web;

pub use check::{Check, Need};
use check::{FAIL2BAN, GUARD, JAILS, JAILS_MAIL, JAILS_SSH, MAIL, NFT, SSH};

/// Every check, in the order in which they run: what the others stand on comes first.
pub const ALL: &[Check] = &[
    Check {
        name: "daemons",
        about: "the daemons of the harness log what the checks wait for, without monban",
        needs: &[
            Need::Root,
            NFT,
            Need::Program("sshd"),
            Need::Program("rsyslogd"),
            Need::Program("sshpass"),
            Need::Program("dovecot"),
            Need::Program("postfix"),
            Need::Program("nginx"),
        ],
        run: daemons::log_what_happens,
    },
    Check {
        name: "fresh",
        about: "without any log `monban run` says what it looked for and points to the demo",
        needs: &[Need::Root, Need::Monban],
        run: fresh::without_a_log,
    },
    Check {
        name: "demo",
        about: "`monban demo` shows an attack, a block in nftables, a why and an unblock",
        needs: GUARD,
        run: fresh::demo,
    },
    Check {
        name: "ssh-ipv4",
        about: "5 wrong passwords, the 6th connection gets no answer, the block ends by itself",
        needs: SSH,
        run: ssh::over_ipv4,
    },
    Check {
        name: "ssh-ipv6",
        about: "the same over IPv6, where the /64 is blocked",
        needs: SSH,
        run: ssh::over_ipv6,
    },
    Check {
        name: "ssh-hostile-name",
        about: "a user name that looks like the end of the line moves nothing",
        needs: SSH,
        run: ssh::with_a_hostile_name,
    },
    Check {
        name: "admin",
        about: "I-9: failures from the address of a live session do not lock it out",
        needs: SSH,
        run: admin::is_not_locked_out,
    },
    Check {
        name: "admin-forwards",
        about: "I-9: a tunnel without PAM is a session; whom it forwards can be blocked",
        needs: SSH,
        run: admin::forwards,
    },
    Check {
        name: "origins",
        about: "[[origin]]: a country is blocked at once, a network in it never, another is told",
        needs: SSH,
        run: origins::by_country_and_network,
    },
    Check {
        name: "freeing",
        about: "free is free in the kernel: while observing, while guarding, without a daemon",
        needs: &[Need::Root, Need::Monban, NFT],
        run: freeing::in_every_mode,
    },
    Check {
        name: "confined",
        about: "the watcher has no terminal, session or open file of whoever started monban",
        needs: &[Need::Root, Need::Monban, Need::Program("script")],
        run: confined::watcher,
    },
    Check {
        name: "mail",
        about: "dictionaries over IMAP, POP3 and SMTP are blocked, two mistypes are not",
        needs: MAIL,
        run: mail::dictionaries,
    },
    Check {
        name: "web-nginx",
        about: "a scanner and a guesser are blocked, a visitor with a broken link is not",
        needs: &[Need::Root, Need::Monban, NFT, Need::Program("nginx")],
        run: web::nginx,
    },
    Check {
        name: "web-apache",
        about: "the same at apache",
        needs: &[Need::Root, Need::Monban, NFT, Need::Program("apache2")],
        run: web::apache,
    },
    Check {
        name: "dropbear",
        about: "wrong passwords and unknown names are blocked, two mistypes are not",
        needs: &[
            Need::Root,
            Need::Monban,
            NFT,
            Need::Program("rsyslogd"),
            Need::Program("dropbear"),
            Need::Program("dbclient"),
            Need::Program("sshpass"),
        ],
        run: dropbear::guessing,
    },
    Check {
        name: "su-sudo",
        about: "wrong passwords for su and sudo are told, and nobody is blocked",
        needs: &[
            Need::Root,
            Need::Monban,
            NFT,
            Need::Program("rsyslogd"),
            Need::Program("sudo"),
            Need::Program("su"),
        ],
        run: privilege::su_and_sudo,
    },
    Check {
        name: "pam-hook",
        about: "the hook in PAM holds up no session, whoever listens and whatever is full",
        needs: &[Need::Root, Need::Monban, Need::Program("pamtester")],
        run: pam_hook::costs_no_time,
    },
    Check {
        name: "pam-hook-services",
        about: "the hook tells of a session of each service that it is put into by itself",
        needs: &[Need::Root, Need::Monban, Need::Program("pamtester"), Need::Program("sshd")],
        run: pam_hook::tells_of_each_service,
    },
    Check {
        name: "pam-hook-logins",
        about: "ssh, sftp, ssh -N, su and sudo are told once by the hook, as the logs tell them",
        needs: &[
            Need::Root,
            Need::Monban,
            Need::Program("sshd"),
            Need::Program("rsyslogd"),
            Need::Program("sshpass"),
            Need::Program("sudo"),
            Need::Program("su"),
        ],
        run: pam_hook::tells_of_logins,
    },
    Check {
        name: "pam-user-environment",
        about: "a user's ~/.pam_environment neither runs in the hook nor hides a login from it",
        needs: &[
            Need::Root,
            Need::Monban,
            Need::Program("sshd"),
            Need::Program("rsyslogd"),
            Need::Program("sshpass"),
        ],
        run: pam_env::reaches_no_hook,
    },
    Check {
        name: "login-message",
        about: "one mail per login within a second, also of logins while monban does not run",
        needs: messages::NEEDS,
        run: messages::are_told,
    },
    Check {
        name: "login-witness",
        about: "that the hook is gone, a line forged or a log silenced is told, and nothing else",
        needs: messages::NEEDS,
        run: messages::is_missed,
    },
    Check {
        name: "alarm-walk",
        about: "tries without a key raise the article's alarm and its mail; loopback stays free",
        needs: messages::NEEDS,
        run: messages::walk,
    },
    Check {
        name: "mail-trouble",
        about: "servers of mail that misbehave and kill -9 of every part lose no message",
        needs: &[Need::Root, Need::Monban],
        run: messages::is_outlived,
    },
    Check {
        name: "mail-pictures",
        about: "mails of real messages in two languages: both parts say the same; pictures of them",
        needs: GUARD,
        run: messages::are_seen,
    },
    Check {
        name: "message-flood",
        about: "a great many blocks while blocks are told: few messages, and memory stays bounded",
        needs: GUARD,
        run: messages::is_bounded,
    },
    Check {
        name: "aws-logs",
        about: "logs arrive at CloudWatch Logs over kills, outages and rotations, and an import",
        needs: &[Need::Root, Need::Monban, Need::Moto],
        run: messages::arrive,
    },
    Check {
        name: "journal",
        about: "sshd in a real journal counts once over a restart, a user who poses as it never",
        needs: &[
            Need::Root,
            Need::Monban,
            NFT,
            Need::Program("systemd-journald"),
            Need::Program("journalctl"),
            Need::Program("sshd"),
            Need::Program("sshpass"),
        ],
        run: journal::of_journald,
    },
    Check {
        name: "articles-scan",
        about: "the article cases 5 to 7, 22 and 25 to 28 with `monban scan`",
        needs: &[Need::Monban],
        run: articles::scanned,
    },
    Check {
        name: "articles-slow",
        about: "case 25 live: three tries every half hour are blocked at the tenth line",
        needs: GUARD,
        run: articles::slow_window,
    },
    Check {
        name: "scan-loghub",
        about: "`monban scan` finds every address that failed in a real log, as grep does",
        needs: &[Need::Monban, Need::Corpus],
        run: scan::loghub,
    },
    Check {
        name: "reload",
        about: "a changed configuration loses no count, a bad one is refused by file and line",
        needs: GUARD,
        run: reload::loses_nothing,
    },
    Check {
        name: "rotation",
        about: "a log is rotated in each way between the third and the fourth failure",
        needs: GUARD,
        run: rotation::between_failures,
    },
    Check {
        name: "full-disk",
        about: "blocks go on from memory and are in the ledger once it has room again",
        needs: GUARD,
        run: full_disk::goes_on_from_memory,
    },
    Check {
        name: "crash-between",
        about: "two failures before a kill and two after do not block; the fifth does",
        needs: GUARD,
        run: crash::between_failures,
    },
    Check {
        name: "crash-load",
        about: "kill -9 at random instants under load with rotations changes no count",
        needs: GUARD,
        run: crash::under_load,
    },
    Check {
        name: "repair",
        about: "a foreign `nft flush ruleset` during an attack is repaired within a second",
        needs: GUARD,
        run: repair::after_a_flush,
    },
    Check {
        name: "latency",
        about: "from the line in the log to the element in the kernel",
        needs: GUARD,
        run: latency::line_to_element,
    },
    Check {
        name: "latency-under-load",
        about: "the same while 100,000 lines a second are written to the same log and another",
        needs: GUARD,
        run: latency::under_load,
    },
    Check {
        name: "start",
        about: "from the command to a ready guard, with all rules and with all jails of fail2ban",
        needs: FAIL2BAN,
        run: start::to_ready,
    },
    Check {
        name: "idle",
        about: "with nothing to do no process wakes more often than once a second",
        needs: GUARD,
        run: idle::no_waking,
    },
    Check {
        name: "backlog",
        about: "lines and rotations while nothing is read: it says so, and reads each line once",
        needs: GUARD,
        run: backlog::after_a_stop,
    },
    Check {
        name: "flood",
        about: "a great many attackers: memory stays bounded, evictions are shown",
        needs: GUARD,
        run: flood::of_attackers,
    },
    Check {
        name: "many-blocks",
        about: "a great many blocks are put back at a start, also into a new table, and freed",
        needs: GUARD,
        run: many_blocks::over_restarts,
    },
    Check {
        name: "soak",
        about: "mixed logs with rotations and floods as fast as they are read: all stays bounded",
        needs: GUARD,
        run: crate::soak::sample,
    },
    Check {
        name: "fail2ban-beside",
        about: "fail2ban and monban make the same bans of the same configuration and live log",
        needs: FAIL2BAN,
        run: fail2ban::side_by_side,
    },
    Check {
        name: "fail2ban-many",
        about: "thousands of bans by hand, at an end and at a start, beside fail2ban",
        needs: FAIL2BAN,
        run: fail2ban::many_bans,
    },
    Check {
        name: "fail2ban-heir",
        about: "after a fail2ban its bans go on, and reading goes on where it stopped",
        needs: FAIL2BAN,
        run: heir::takes_over,
    },
    Check {
        name: "fail2ban-trial",
        about: "beside a fail2ban monban observes first, and takes its place by a reload",
        needs: FAIL2BAN,
        run: heir::takes_over_by_reload,
    },
    Check {
        name: "jails-live",
        about: "a real sshd and the stock jail: bans, unbanip, ignoreip, a late log, recidive",
        needs: JAILS_SSH,
        run: jails::guesses,
    },
    Check {
        name: "jails-crash",
        about: "kill -9 of watcher, warden, actor and all under load changes no ban and no count",
        needs: JAILS,
        run: jails::under_load,
    },
    Check {
        name: "jails-reload",
        about: "counts go on, changes take effect, a bad configuration is refused by file and line",
        needs: JAILS,
        run: jails::goes_on,
    },
    Check {
        name: "jails-idle",
        about: "what an idle jail missed is read once that ends; status names who does not run",
        needs: JAILS,
        run: jails::wait_and_are_named,
    },
    Check {
        name: "jails-lame",
        about: "bans that no action of the jail makes are called so, until they are made",
        needs: JAILS,
        run: jails::are_named,
    },
    Check {
        name: "jails-journal",
        about: "a jail reads a real journal by its journalmatch, and a user who poses never",
        needs: &[
            Need::Root,
            Need::Monban,
            NFT,
            Need::Program("fail2ban-server"),
            Need::Program("systemd-journald"),
            Need::Program("journalctl"),
        ],
        run: jails::with_a_forger,
    },
    Check {
        name: "jails-asks",
        about: "ignorecommand, ignorecache and names of a log are asked for beside the lines",
        needs: JAILS,
        run: jails::of_commands_and_names,
    },
    Check {
        name: "jails-repair",
        about: "what others remove of jails' tables and chains is back soon, with every ban",
        needs: JAILS,
        run: jails::of_what_others_removed,
    },
    Check {
        name: "jails-mail",
        about: "mails of smtp.py over the real postfix, with a password, a wrong one and none",
        needs: JAILS_MAIL,
        run: jails::over_postfix,
    },
    Check {
        name: "jails-ends",
        about: "no kill keeps a ban of slow commands in force beyond its end",
        needs: JAILS,
        run: jails::come_after_kills,
    },
    Check {
        name: "jails-slow",
        about: "thousands of bans with slow commands hold up neither other jails nor a stop",
        needs: JAILS,
        run: jails::beside_a_quick_one,
    },
    Check {
        name: "jails-free",
        about: "monban's own free and allow end the bans of jails; observing does nothing at all",
        needs: JAILS,
        run: jails::by_monbans_own_words,
    },
];

/// A configuration whose first block is this long, and nothing else changed.
pub fn config(block: &str) -> String {
    format!("[policy.default]\nblock = \"{block}\"\n")
}
