//! Nanoseconds of processor time for a line that 1, 10 and all filters of a folder read together:
//! `cargo bench -p monban-fail2ban --bench many`. The filters are those below `MONBAN_FILTERS`
//! (else `/etc/fail2ban`), the logs: `MONBAN_CORPUS`'s of sshd, and two in which nobody fails.
//! With the words LOG COUNT ROUNDS (`sshd all 1`) it reads that log so often, and nothing else: to
//! be counted in instructions.

use std::hint::black_box;
use std::path::{Path, PathBuf};

use monban_fail2ban::config::{Complaints, Sourced, Version, read_filter};
use monban_fail2ban::dates::{DateFinder, Zone};
use monban_fail2ban::filter::{Filter, Texts, Together, Use, UseDns, When};
use rustix::time::{ClockId, clock_gettime};

/// The clock of the lines, and that of the machine, which says which years there are.
const NOW_S: i64 = 1_765_350_000;

/// The ten: the services that most machines have, with both filters that find most in the log.
const TEN: [&str; 10] = [
    "sshd",
    "dovecot",
    "postfix",
    "apache-auth",
    "nginx-http-auth",
    "vsftpd",
    "exim",
    "named-refused",
    "proftpd",
    "pam-generic",
];

/// How many times what ten filters cost all may cost, on each log.
const RATIO_MAX: f64 = 1.5;

/// So often a log is read; the best round counts.
const ROUNDS: u32 = 25;

fn main() {
    let folder = std::env::var_os("MONBAN_FILTERS").map(PathBuf::from);
    let folder = folder.unwrap_or_else(|| PathBuf::from("/etc/fail2ban"));
    let all = names(&folder);
    let Some(corpus) = std::env::var_os("MONBAN_CORPUS").map(PathBuf::from) else {
        println!("left out: MONBAN_CORPUS names no folder");
        return;
    };
    let attacked = std::fs::read(corpus.join("loghub/OpenSSH_2k.log")).unwrap_or_default();
    let attacked = String::from_utf8_lossy(&attacked).into_owned();
    let harmless = harmless();
    let web = web();
    let logs = [("sshd", &attacked), ("harmless", &harmless), ("web", &web)];
    let words: Vec<String> = std::env::args().skip(1).filter(|word| word != "--bench").collect();
    if let [log, count, rounds] = words.as_slice() {
        let text = logs.iter().find(|(name, _)| name == log).map_or("", |(_, text)| text);
        let lines: Vec<&str> = text.lines().collect();
        let names = match count.parse() {
            Ok(count) => TEN.iter().take(count).map(|name| (*name).to_owned()).collect(),
            Err(_) => all,
        };
        measure(&folder, &names, &lines, (log, count), rounds.parse().unwrap_or(1));
        return;
    }
    let mut is_too_much = false;
    for (log, text) in logs {
        let lines: Vec<&str> = text.lines().collect();
        let mut of_ten = f64::NAN;
        for (count, names) in [("1", &TEN[..1]), ("10", &TEN[..])] {
            let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
            of_ten = measure(&folder, &names, &lines, (log, count), ROUNDS);
        }
        let of_all = measure(&folder, &all, &lines, (log, "all"), ROUNDS);
        let ratio = of_all / of_ten;
        println!("{log}: all cost {ratio:.2} times what 10 cost");
        is_too_much |= ratio > RATIO_MAX || ratio.is_nan();
    }
    if is_too_much {
        std::process::exit(1);
    }
}

/// Lines of services in which nobody fails.
fn harmless() -> String {
    let line = |number: usize| {
        let (minute, second) = (number / 60 % 60, number % 60);
        let text = match number % 5 {
            0 => "CRON[4242]: (root) CMD (test -x /usr/sbin/anacron)".to_owned(),
            1 => format!("systemd[1]: Started session-{number}.scope - Session {number} of root."),
            2 => format!("kernel: [{number}.123456] eth0: link becomes ready"),
            3 => "dhclient[612]: DHCPACK of 192.0.2.17 from 192.0.2.1".to_owned(),
            _ => "rsyslogd: [origin software=\"rsyslogd\" x-pid=\"600\"] rsyslogd was HUPed"
                .to_owned(),
        };
        format!("Dec 10 07:{minute:02}:{second:02} server {text}\n")
    };
    (0..2000).map(line).collect()
}

/// Lines of a web server in which nobody fails.
fn web() -> String {
    let line = |number: usize| {
        let (minute, second) = (number / 60 % 60, number % 60);
        format!(
            "198.51.100.{} - - [10/Dec/2025:07:{minute:02}:{second:02} +0000] \"GET /page/{number} \
             HTTP/1.1\" 200 {} \"https://www.example.org/\" \"Mozilla/5.0 (X11; Linux x86_64)\"\n",
            number % 200 + 1,
            number * 7 % 9000 + 200,
        )
    };
    (0..2000).map(line).collect()
}

fn names(folder: &Path) -> Vec<String> {
    let files = std::fs::read_dir(folder.join("filter.d")).into_iter().flatten().flatten();
    let names = files.filter_map(|entry| {
        let path = entry.path();
        let is_filter = path.extension().is_some_and(|extension| extension == "conf");
        path.file_stem()?.to_str().filter(|_| is_filter).map(str::to_owned)
    });
    let mut names: Vec<String> = names.collect();
    names.sort();
    names
}

fn filter(folder: &Path, name: &str) -> Option<Filter> {
    let mut odd = Complaints::default();
    let spec = read_filter(folder, name, "auto", Version::default(), &mut odd).ok()?;
    let texts = |list: &[Sourced<String>]| -> Vec<String> {
        list.iter().map(|text| text.value.clone()).collect()
    };
    let (failregex, ignoreregex) = (texts(&spec.failregex), texts(&spec.ignoreregex));
    if failregex.is_empty() {
        return None;
    }
    let pattern = spec.datepattern.map(|text| text.value);
    let texts = Texts {
        prefregex: spec.prefregex.as_ref().map(|text| text.value.as_str()),
        failregex: &failregex,
        ignoreregex: &ignoreregex,
        maxlines: spec.maxlines.value as usize,
        usedns: UseDns::Warn,
    };
    let dates = DateFinder::new(pattern.as_deref(), NOW_S, Zone::utc(), None).ok()?;
    Filter::new(&texts, dates, Use::default()).ok()
}

/// The best of some runs, so that other work on the machine counts little.
fn measure(
    folder: &Path,
    names: &[String],
    lines: &[&str],
    what: (&str, &str),
    rounds: u32,
) -> f64 {
    let (log, count) = what;
    let start = processor_ns();
    let mut filters: Vec<Filter> = names.iter().filter_map(|name| filter(folder, name)).collect();
    let made = processor_ns() - start;
    let mut members: Vec<(&mut Filter, usize)> = filters.iter_mut().map(|one| (one, 0)).collect();
    let mut together = Together::new(&mut members);
    let joined = processor_ns() - start - made;
    let (mut best, mut hits, mut called) = (f64::MAX, 0, 0);
    for _ in 0..rounds {
        let start = processor_ns();
        let Some(found) = read(lines, &mut together, &mut filters) else {
            println!("{log}: parted");
            return f64::NAN;
        };
        (hits, called) = found;
        best = best.min((processor_ns() - start) / lines.len() as f64);
    }
    println!(
        "{log}, {count} ({} filters): {best:.0} ns a line; {hits} hits, {:.2} filters asked; \
         made in {:.1} ms, joined in {:.1} ms",
        filters.len(),
        called as f64 / lines.len() as f64,
        made / 1e6,
        joined / 1e6,
    );
    best
}

/// Reads a log once: the hits, and how many filters were asked. `None` if the filters parted.
#[inline(never)]
fn read(lines: &[&str], together: &mut Together, filters: &mut [Filter]) -> Option<(usize, usize)> {
    let (mut hits, mut called) = (0, 0);
    for line in lines {
        together.look(black_box(line), NOW_S, true).ok()?;
        called += together.called().len();
        for at in 0..together.called().len() {
            let number = together.called()[at];
            let read = together.read(number, &mut filters[number], line, NOW_S, When::Now);
            hits += read.hits.len();
        }
    }
    Some((hits, called))
}

/// Processor time of this thread, in nanoseconds; 0 where instructions are counted, as the way to
/// the clock does not work there.
fn processor_ns() -> f64 {
    if std::env::args().len() > 3 {
        return 0.0;
    }
    let time = clock_gettime(ClockId::ThreadCPUTime);
    time.tv_sec as f64 * 1e9 + time.tv_nsec as f64
}
