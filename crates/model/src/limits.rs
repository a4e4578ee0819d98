//! Every limit of monban, in one place, with the reason and how they relate.
//!
//! What is over a limit is cut, refused or evicted, and counted; never dropped in silence.

mod alarms;
mod aws;
mod digest;
mod letter;
mod logins;
mod metric;
mod origin;
mod pam;
mod topics;
mod who;

pub use alarms::*;
pub use aws::*;
pub use digest::*;
pub use letter::*;
pub use logins::*;
pub use metric::*;
pub use origin::*;
pub use pam::*;
pub use topics::*;
pub use who::*;

/// Longest line that is read as one, in bytes. Longer lines are cut here and the rest skipped.
/// rsyslog cuts at 8 KiB by default; a web server's request line may reach 8 KiB as well.
pub const LINE_MAX: usize = 16 * 1024;

/// Longest text that is tried as an address: a full IPv6 address with a v4 tail has 45 bytes.
pub const ADDRESS_TEXT_MAX: usize = 45;

/// Longest user name that is kept, in bytes. Names are typed by strangers.
pub const USER_MAX: usize = 64;

/// Longest line text that is kept as evidence, in bytes.
pub const EVIDENCE_TEXT_MAX: usize = 512;

/// Evidence lines that are kept of one tally: the last ones.
pub const EVIDENCE_LINES_MAX: usize = 10;

/// Bytes of evidence text that all tallies together hold in memory.
pub const EVIDENCE_BYTES_MAX: usize = 12 * 1024 * 1024;

/// Tallies (policy and subject) that are held at once; the one that was quiet for longest goes.
/// One with a line of evidence takes about 600 bytes: with a million attackers, 20,000 of them
/// blocked, all roles together stay below 64 MB.
pub const TALLIES_MAX: usize = 20_480;

/// Open connections whose attempts are told apart; the one that was quiet for longest goes. Between
/// two lines of one connection pass seconds, and sshd has 100 that are not logged in, at most
/// (MaxStartups); 8,192 take 0.7 MiB.
pub const CONNECTIONS_MAX: usize = 8_192;

/// A connection without a line for so long is forgotten (OpenSSH's LoginGraceTime is 120 s; a
/// pid may come back after that).
pub const CONNECTION_IDLE_S: u64 = 600;

/// Places that accounts came in from are remembered: for each account of each service anywhere, its
/// networks and its addresses.
pub const PLACES_MAX: usize = 16_384;

/// Logins that were told of by the log or by the hook in PAM alone, and may yet be by the other.
pub const ENTRIES_MAX: usize = 1024;

/// Of these so many are kept over a restart: all that were not told yet, and the youngest of the
/// others.
pub const ENTRIES_SAVED_MAX: usize = ENTRIES_MAX + 512;

/// Addresses whose last successful login is remembered.
pub const SUCCESSES_MAX: usize = 16_384;

/// Subjects whose earlier blocks are remembered for escalation.
pub const HISTORY_MAX: usize = 262_144;

/// Blocks in force at once. Above it a new block is refused and said.
pub const BLOCKS_MAX: usize = 1_000_000;

/// Most failures that a policy may ask for.
pub const POLICY_FAILURES_MAX: u32 = 1000;

/// Longest duration of a configuration: 100 years.
pub const DURATION_MAX_S: u64 = 100 * 366 * 86_400;

/// Policies of one configuration.
pub const POLICIES_MAX: usize = 256;

/// Ports of one scope.
pub const PORTS_MAX: usize = 32;

/// Networks on the allow list.
pub const ALLOW_MAX: usize = 4096;

/// Addresses of present sessions, of administrators and of others each.
pub const PRESENT_MAX: usize = 1024;

/// Longest reason that an operator may give with a ban, in bytes.
pub const WHY_MAX: usize = 200;

/// Files that are followed at once.
pub const FILES_MAX: usize = 512;

/// Longest path of a followed file, in bytes (Linux's PATH_MAX without the end mark).
pub const PATH_MAX: usize = 4095;

/// Siblings of a rotated file that are offered to find the half-read one.
pub const SIBLINGS_MAX: usize = 16;

/// Bytes before a position that are kept, to notice that a file was replaced under its inode.
pub const TAIL_BYTES: usize = 64;

/// First bytes of a file that its hash covers.
pub const HEAD_BYTES: usize = 1024;

/// A rotated file that was read to its end is watched so much longer: Apache's graceful restart
/// lets its old children write to the renamed log for as long as their requests last.
pub const LATE_S: u64 = 600;

/// Rotated files of one path that are watched so. Beyond it the oldest is closed.
pub const LATE_PER_PATH_MAX: usize = 4;

/// Rotated files of all paths together that are watched so: with `FILES_MAX` open files this stays
/// under the usual limit of 1,024 descriptors.
pub const LATE_FILES_MAX: usize = 128;

/// A rotated file whose last line has no end is given so long to get one.
pub const PARTIAL_QUIET_S: u64 = 5;

/// Notices of the reader that wait to be fetched; more are counted.
pub const FEED_NOTICES_MAX: usize = 256;

/// Saved positions that are kept for paths that are not there now.
pub const POSITIONS_MAX: usize = 4096;

/// Bytes of a compressed sibling that are unpacked to find our place in it.
pub const UNPACK_SEARCH_MAX: u64 = 1024 * 1024 * 1024;

/// Entries of one directory that are looked at to find a rotated file.
pub const DIR_ENTRIES_MAX: usize = 65_536;

/// Log paths and globs of one configuration.
pub const LOG_PATTERNS_MAX: usize = 256;

/// Bytes of one journal entry. A longer one is passed over and counted. Of a value the first
/// `LINE_MAX` are kept.
pub const JOURNAL_ENTRY_MAX: usize = 1024 * 1024;

/// Longest name of a journal field; journald itself allows 64.
pub const JOURNAL_NAME_MAX: usize = 1024;

/// Fields of a journal entry that are kept for the jails that read it.
pub const JOURNAL_FIELDS_MAX: usize = 128;

/// Longest value of a journal field that is passed over, in bytes. systemd writes none above
/// 768 MiB, so a stream that says more is not at the place where a length stands.
pub const JOURNAL_VALUE_MAX: u64 = 1024 * 1024 * 1024;

/// Longest cursor of a journal, in bytes. Those of systemd are six numbers in hexadecimal.
pub const JOURNAL_CURSOR_MAX: usize = 512;

/// Largest configuration, in bytes: of monban.toml, of rules.d and of texts each.
pub const CONFIG_BYTES_MAX: usize = 4 * 1024 * 1024;

/// Largest rule file, in bytes.
pub const RULE_FILE_BYTES_MAX: usize = 256 * 1024;

/// Rules of all services together.
pub const RULES_MAX: usize = 4096;

/// Most variants (optional parts taken or left) of one readable pattern.
pub const PATTERN_VARIANTS_MAX: usize = 64;

/// Files that one scan reads at most.
pub const ARCHIVE_FILES_MAX: usize = 100_000;

/// Folders below a named one that a scan goes down at most.
pub const ARCHIVE_DEPTH_MAX: usize = 16;

/// Largest frame between the roles, in bytes.
pub const FRAME_MAX: usize = 64 * 1024;

/// Bytes of a letter as a frame: SNS takes no more, and a report with its picture stays far below.
pub const LETTER_BYTES_MAX: usize = 256 * 1024;

/// Bytes of the key of a publication.
pub const PUBLICATION_KEY_MAX: usize = 255;

/// Bytes of the value of a label.
pub const LABEL_VALUE_MAX: usize = 255;

/// Subjects in one frame of orders: 1,000 times the largest order is under `FRAME_MAX`.
pub const ORDERS_PER_FRAME_MAX: usize = 500;

/// Bytes of backtracking that one pattern may cost on one message. A text that needs more is not
/// a line of the service.
pub const MATCH_STEPS_MAX: usize = 64 * 1024;

/// Longest Python regular expression, in bytes. The longest of fail2ban, with all its tags
/// replaced, has less than 4 KiB.
pub const REGEX_TEXT_MAX: usize = 64 * 1024;

/// Groups within groups of a Python regular expression. Its parser and compiler go down as deep.
pub const REGEX_DEPTH_MAX: usize = 100;

/// Groups that one Python regular expression may capture.
pub const REGEX_GROUPS_MAX: usize = 500;

/// Copies of all parts of a Python regular expression that its counted repetitions ask for, such
/// as `(a{60}){60}`.
pub const REGEX_COPIES_MAX: u64 = 10_000_000;

/// Such copies that a state machine may have. Of fail2ban's patterns the largest has 2,355.
pub const REGEX_MACHINE_COPIES_MAX: u64 = 3000;

/// Copies times bytes of a text that a state machine may look at: at worst 70 ns each. A longer
/// text is for backtracking, whose bounds are tighter.
pub const REGEX_MACHINE_WORK_MAX: u64 = 4_000_000;

/// Memory of one compiled state machine of a Python regular expression, in bytes. What needs more
/// is matched by backtracking.
pub const REGEX_MACHINE_BYTES_MAX: usize = 1024 * 1024;

/// Memory of what a state machine has worked out so far, in bytes, and the same once more for
/// matches backwards. When it is full it is begun anew. A stranger's texts can fill it.
pub const REGEX_CACHE_BYTES_MAX: usize = 128 * 1024;

/// Places that backtracking may come back to within one search.
pub const REGEX_BACKTRACKS_MAX: u32 = 20_000;

/// Steps and characters that backtracking may take within one search: a few milliseconds.
pub const REGEX_STEPS_MAX: u64 = 1_000_000;

/// Longest host name or program name in the head of a line, in bytes.
pub const HEAD_WORD_MAX: usize = 255;

/// Attempts that one line may stand for (`message repeated N times`, `N attempts`): as many as a
/// policy may ask for. A line that says more counts so many.
pub const ATTEMPTS_PER_LINE_MAX: u32 = POLICY_FAILURES_MAX;

/// Longest line that `last message repeated N times` may repeat, in bytes: RFC 3164's longest.
/// The last line of each log is kept for it.
pub const REPEATED_LINE_MAX: usize = 1024;

/// A line's own time is used if it is no older than this at its arrival.
pub const EVENT_AGE_MAX_S: u64 = 60;

/// A line's own time is used if it is no further ahead than this at its arrival.
pub const EVENT_AHEAD_MAX_S: u64 = 1;

/// Records that one ledger keeps by default, in bytes of the database file.
pub const LEDGER_BYTES_MAX: u64 = 256 * 1024 * 1024;

/// How long a ledger keeps records by default, in seconds: a year, so that this week can be held
/// against the same one of last year.
pub const LEDGER_KEEP_S: u64 = 366 * 86_400;

/// The newest records of a ledger, which are kept however small it is meant to be.
pub const LEDGER_RECORDS_KEPT: i64 = 1000;

/// Damaged ledgers that are kept beside the present one.
pub const LEDGER_DAMAGED_KEPT: u32 = 3;

/// Positions of sources that a ledger gives back: those followed now, and rotated ones.
pub const LEDGER_POSITIONS_MAX: usize = 16 * FILES_MAX;

/// Other names and values that a ledger gives back.
pub const LEDGER_META_MAX: usize = 4096;

/// Records that one reading call gives back.
pub const LEDGER_READ_MAX: usize = 10_000;

/// Largest file of a fail2ban configuration, in bytes; its largest own one has 50 KiB.
pub const FAIL2BAN_FILE_BYTES_MAX: usize = 1024 * 1024;

/// All files of a fail2ban configuration that runs, in bytes; fail2ban's own have 0.6 MiB.
pub const FAIL2BAN_BYTES_MAX: usize = 16 * 1024 * 1024;

/// All files that `ignoreip` of its jails names, in bytes; each is no larger than
/// [`FAIL2BAN_FILE_BYTES_MAX`].
pub const FAIL2BAN_LISTS_BYTES_MAX: usize = 16 * 1024 * 1024;

/// Files of one fail2ban configuration that are read.
pub const FAIL2BAN_FILES_MAX: usize = 4096;

/// Files that one jail, filter or action is put together from; a file counts each time that it is
/// included.
pub const FAIL2BAN_LAYERS_MAX: usize = 256;

/// Files that include each other, one below the other.
pub const FAIL2BAN_INCLUDE_DEPTH_MAX: usize = 16;

/// Values within values (`%(x)s`); Python's own limit.
pub const FAIL2BAN_INTERPOLATION_DEPTH_MAX: usize = 10;

/// How often one `<tag>` is put into one value; fail2ban's own limit.
pub const FAIL2BAN_TAG_REPEATS_MAX: u32 = 25;

/// Longest value of an option after everything was put in, in bytes.
pub const FAIL2BAN_VALUE_MAX: usize = 256 * 1024;

/// Bytes that may be moved to put together one value, so that values that vanish into each other
/// have an end as well.
pub const FAIL2BAN_VALUE_WORK_MAX: usize = 64 * FAIL2BAN_VALUE_MAX;

/// Jails of one configuration.
pub const FAIL2BAN_JAILS_MAX: usize = 1024;

/// Complaints about one fail2ban configuration that are kept; the rest is counted.
pub const FAIL2BAN_COMPLAINTS_MAX: usize = 2000;

/// Log files that one path with wildcards may name.
pub const FAIL2BAN_GLOB_MAX: usize = 4096;

/// Longest value of a tag that reaches a shell, in bytes: Linux takes no argument of a program
/// that is longer than 128 KiB with its end mark.
pub const FAIL2BAN_SHELL_VALUE_MAX: usize = 128 * 1024 - 1;

/// Longest text that a shell is started with: it is one argument as well.
pub const FAIL2BAN_SHELL_TEXT_MAX: usize = FAIL2BAN_SHELL_VALUE_MAX;

/// Bytes of each output of an action's command that are kept; the rest is read and counted.
pub const FAIL2BAN_OUTPUT_MAX: usize = 4096;

/// The end of jails with all that their actions did is waited for so long: by whoever stops one or
/// takes it out of the configuration, and by monban before it ends. A command of an action has as
/// long by default.
pub const JAILS_END_S: u64 = 60;

/// Requests to actions that wait at once. More are refused and counted.
pub const FAIL2BAN_REQUESTS_MAX: usize = 65_536;

/// Bytes of all requests to actions that wait.
pub const FAIL2BAN_REQUESTS_BYTES_MAX: usize = 64 * 1024 * 1024;

/// Commands of actions that run at once: one for each jail, at most so many.
pub const FAIL2BAN_COMMANDS_AT_ONCE_MAX: usize = 16;

/// Tokens of an expression such as `bantime.formula`, and its depth.
pub const FAIL2BAN_EXPRESSION_TOKENS_MAX: usize = 512;

/// Parentheses within parentheses in an expression.
pub const FAIL2BAN_EXPRESSION_DEPTH_MAX: usize = 32;

/// Rows of each table of fail2ban's database that are read; the newest.
pub const FAIL2BAN_ROWS_MAX: u32 = 2_000_000;

/// Longest value of fail2ban's database that is looked at, in bytes.
pub const FAIL2BAN_ROW_TEXT_MAX: usize = 255;

/// Logs that a status names as not read.
pub const STATUS_UNREAD_MAX: usize = 16;

/// Addresses, or whatever jails count by, with failures that have not led to a ban, in all jails.
/// Of the jail that has most the one that was quiet for longest makes room.
pub const JAIL_TICKETS_MAX: usize = 32_768;

/// What their names, lines and captures may take, in bytes. Beyond it the jail makes room that
/// takes most.
pub const JAIL_TICKETS_BYTES_MAX: usize = 16 * 1024 * 1024;

/// Longest line that is kept for the commands of a jail's actions, in bytes.
pub const JAIL_MATCH_MAX: usize = 2048;

/// Longest capture of a filter that is kept of a failure, for the same commands, in bytes.
pub const JAIL_CAPTURE_MAX: usize = 2048;

/// Lines that are kept of one address, whatever `maxmatches` says.
pub const JAIL_MATCHES_MAX: usize = 100;

/// Bans in all jails together.
pub const JAIL_BANS_MAX: usize = 200_000;

/// What the lines and captures of one jail's bans may take, in bytes; later bans keep none.
pub const JAIL_BANS_BYTES_MAX: usize = 4 * 1024 * 1024;

/// Addresses that were banned before, in all jails.
pub const JAIL_KNOWN_MAX: usize = 65_536;

/// Addresses whose failures were spared, in all jails; the one that was quiet for longest makes
/// room.
pub const JAIL_SPARED_MAX: usize = 2048;

/// Rows of the state of all jails.
pub const JAIL_ROWS_MAX: usize =
    JAIL_TICKETS_MAX + JAIL_BANS_MAX + JAIL_KNOWN_MAX + JAIL_SPARED_MAX;

/// One row of the state of a jail, and each text in it, in bytes.
pub const JAIL_ROW_BYTES_MAX: usize = 512 * 1024;

/// Largest database of fail2ban whose bans are taken over, in bytes.
pub const FAIL2BAN_DATABASE_BYTES_MAX: u64 = 1024 * 1024 * 1024;

/// What lines that wait for idle jails may take, in bytes and for all jails; the
/// oldest of the jail that has most make room.
pub const JAIL_HELD_BYTES_MAX: usize = 8 * 1024 * 1024;

/// Names that wait to be resolved for jails, and as many commands that wait to be asked.
pub const JAIL_QUESTIONS_MAX: usize = 1024;

/// Commands of one jail among them.
pub const JAIL_COMMANDS_MAX: usize = 256;

/// Commands that are asked at once, as many as are run at once; the others wait for their turn.
pub const JAIL_COMMANDS_ASKED_MAX: usize = 4;

/// Failures that wait for the answer to one of them.
pub const JAIL_WAITING_MAX: usize = 64;

/// What all failures that wait for an answer may take with their questions, in bytes. One jail may
/// have a quarter of it; what has no room is not counted, and that is said.
pub const JAIL_WAITING_BYTES_MAX: usize = 16 * 1024 * 1024;

/// Orders of one jail that are on their way to its actions at once; more wait, as bans that are to
/// be made and ends of bans. Of many jails each has an equal share of [`JAILS_UNDERWAY_MAX`].
pub const JAIL_UNDERWAY_MAX: usize = 512;

/// Orders of all jails that are on their way at once.
pub const JAILS_UNDERWAY_MAX: usize = 16_384;

/// Bytes of their tickets, shared out in the same way; each jail may have one order on its way.
pub const JAILS_UNDERWAY_BYTES_MAX: usize = 16 * 1024 * 1024;

/// Ends of bans that wait for the actions of all jails, shared out in the same way: while a jail
/// has its share of them waiting, no ban of it is made, so that no end is ever given up for want of
/// room. Bans that were made before may end at once, all of them. While [`JAIL_BANS_MAX`] ends wait
/// in all jails, those that a jail's actions were asked for count towards its share, too: so there
/// are at most twice [`JAIL_BANS_MAX`] and this.
pub const JAIL_ENDS_MAX: usize = 16_384;

/// What lines and captures of ends that wait may take, in bytes and for all jails. Beyond that an
/// end keeps who it is, and is counted.
pub const JAIL_ENDS_BYTES_MAX: usize = 16 * 1024 * 1024;

const _: () = assert!(2 * JAILS_UNDERWAY_MAX < FAIL2BAN_REQUESTS_MAX);
const _: () = assert!(
    JAILS_UNDERWAY_BYTES_MAX + FAIL2BAN_JAILS_MAX * TICKET_BYTES_MAX < FAIL2BAN_REQUESTS_BYTES_MAX
);

/// Orders to jails in one frame.
pub const JAIL_ORDERS_PER_FRAME_MAX: usize = 500;

/// What a command of a jail's action said when it failed, in bytes.
pub const JAIL_WHY_MAX: usize = 500;

/// The name of an action in what is told of it, in bytes.
pub const ACTION_NAME_MAX: usize = 64;

/// Outcomes of such orders in one frame.
pub const JAIL_OUTCOMES_PER_FRAME_MAX: usize = 64;

/// Values of one ban for the commands of actions, in bytes. Lines that do not fit are left out,
/// the oldest first.
pub const TICKET_BYTES_MAX: usize = 40 * 1024;

/// Captures of a filter that a ban is handed on with; fail2ban's own filters have at most 10.
pub const CAPTURES_PACKED_MAX: usize = 64;

/// Actions of one jail.
pub const JAIL_ACTIONS_MAX: usize = 64;

/// Longest host name that is resolved, in bytes: that of RFC 1035.
pub const DNS_NAME_MAX: usize = 255;

/// Addresses of one name that are counted.
pub const ADDRESSES_PER_NAME_MAX: usize = 64;

/// Names that wait for their addresses. More are answered with none, and that is said.
pub const NAMES_ASKED_MAX: usize = 512;

/// Names whose addresses are kept for a while.
pub const NAMES_KEPT_MAX: usize = 1000;

/// How long they are kept, also that a name has none: as long as fail2ban does.
pub const NAMES_KEPT_S: u64 = 300;

/// How long a name waits for its addresses.
pub const NAME_PATIENCE_S: u64 = 5;

/// A command of `fail2ban-client` with all its words, in bytes, and its answer.
pub const WORDS_BYTES_MAX: usize = 16 * 1024 * 1024;

/// Lists within lists of such an answer; the deepest one of fail2ban has seven.
pub const WORDS_DEPTH_MAX: usize = 16;

const _: () = assert!(EVIDENCE_TEXT_MAX <= LINE_MAX);
const _: () = assert!(EVIDENCE_LINES_MAX * EVIDENCE_TEXT_MAX < FRAME_MAX);
const _: () = assert!(PORTS_MAX * 2 * ORDERS_PER_FRAME_MAX + ORDERS_PER_FRAME_MAX * 48 < FRAME_MAX);
const _: () = assert!(PATH_MAX + 64 < FRAME_MAX);
// Each path of a log that is sent may hold one more, to see which was written last.
const _: () = assert!(FILES_MAX + LATE_FILES_MAX + AWS_LOG_FILES_MAX + AWS_LOG_PATHS_MAX < 1000);
const _: () = assert!(TICKET_BYTES_MAX + JAIL_ACTIONS_MAX * 4 + 128 < FRAME_MAX);
const _: () =
    assert!(JAIL_OUTCOMES_PER_FRAME_MAX * (JAIL_WHY_MAX + JAIL_ACTIONS_MAX * 4 + 32) < FRAME_MAX);
