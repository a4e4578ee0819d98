//! A great many attackers while somebody is told of blocks: few messages, little memory.

use std::time::{Duration, Instant};

use super::trouble::PORT;
use crate::checks::flood;
use crate::guard::Guard;
use crate::kernel::count;
use crate::lines::Log;
use crate::machine::Machine;
use crate::mailbox::Mail;
use crate::memory::PeakPss;
use crate::runner::Setting;
use crate::sink::{Manner, Sink};
use crate::trouble::{Tried, must};
use crate::waiting::until_true;

/// The rate of the subscription and a digest of the rest, in each half minute.
const MESSAGES_A_TURN: u64 = 21;
const TURN_S: u64 = 30;
/// What tells of the flood itself.
const OTHERS: u64 = 5;
/// What the watcher may need for it.
const MORE_MIB_MAX: f64 = 8.0;

/// The same flood with a reader and without.
pub fn is_bounded(setting: &Setting) -> Tried<String> {
    let attackers: u32 = setting.sized(100_000, 1_000_000);
    let server = Machine::new()?;
    let sink = Sink::start(&server, PORT, Manner::Good)?;
    let told = format!(
        "[mail]\nfrom = \"monban@localhost\"\nserver = \"127.0.0.1:{PORT}\"\nsecurity = \"plain\"\n\
         [[topic]]\nname = \"default\"\nthemes = [\"block\", \"digest\", \"notice\"]\ndaily = []\n\
         [[subscription]]\ntopic = \"default\"\nname = \"owner\"\nmail = \"owner@localhost\"\n\
         confirm = false\nlang = \"en\"\nrate = \"20/30s\"\n"
    );
    let started = Instant::now();
    let with = Flooded::by(setting, &server, attackers, &told)?;
    let begun = Instant::now();
    // Meanwhile the digest becomes due.
    let other = Machine::new()?;
    let without = Flooded::by(setting, &other, attackers, "")?;
    let subjects = || sink.mails().iter().map(Mail::subject).collect::<Vec<String>>();
    let told = || subjects().iter().map(|subject| blocks_in(subject)).sum::<u64>();
    let within = Duration::from_secs(70).saturating_sub(begun.elapsed());
    until_true("all are told of", within, || Ok(told() >= u64::from(attackers)))
        .map_err(|trouble| format!("{trouble}: {} by {:?}", told(), subjects()))?;
    let mails = subjects();
    let digest = mails.last().cloned().unwrap_or_default();
    let turns = started.elapsed().as_secs() / TURN_S + 1;
    let is_few = mails.len() as u64 <= turns * MESSAGES_A_TURN + OTHERS;
    must(is_few, || format!("{} messages in {turns} turns; the last: {digest}", mails.len()))?;
    let is_met = with.peak_mib - without.peak_mib <= MORE_MIB_MAX;
    setting.goal(is_met, format!(
        "{attackers} attackers, {} blocked in {:.1} s ({:.1} s without a reader): {} messages, the \
         last `{digest}`; peak PSS of the watcher {:.1} MiB, {:.1} MiB without a reader; goal {MORE_MIB_MAX} MiB more",
        with.blocked,
        with.took_s,
        without.took_s,
        mails.len(),
        with.peak_mib,
        without.peak_mib
    ))
}

/// Of how many blocks a subject tells: `10 blocks (+56075 more)`, or of one by its address.
fn blocks_in(subject: &str) -> u64 {
    let number = |text: Option<&str>| text.and_then(|text| text.trim().parse::<u64>().ok());
    let Some((before, _)) = subject.split_once(" blocks") else {
        return u64::from(subject.contains("block"));
    };
    let more = subject.split_once("(+").and_then(|(_, rest)| rest.split(' ').next());
    number(before.rsplit(' ').next()).unwrap_or(0) + number(more).unwrap_or(0)
}

/// A machine after a flood.
struct Flooded<'a> {
    _guard: Guard<'a>,
    blocked: usize,
    took_s: f64,
    peak_mib: f64,
}

impl<'a> Flooded<'a> {
    /// Each attacker fails once and is blocked for it.
    fn by(setting: &Setting, server: &'a Machine, attackers: u32, told: &str) -> Tried<Self> {
        let config = format!("[policy.default]\nfailures = 1\nblock = \"1h\"\n{told}");
        let mut log = Log::open(&server.log("auth.log"))?;
        let guard = Guard::start(server, setting.plan(server, &config, &["auth.log"]))?;
        let peak = PeakPss::of(guard.watcher()?);
        let start = Instant::now();
        flood::write(&mut log, attackers, 1)?;
        let wanted = usize::try_from(attackers).unwrap_or(usize::MAX);
        let mut blocked = 0;
        until_true("all are blocked", Duration::from_secs(600), || {
            std::thread::sleep(Duration::from_millis(500));
            blocked = guard.json(&["status"])?["blocks"].as_u64().unwrap_or(0);
            Ok(blocked >= u64::from(attackers))
        })
        .map_err(|trouble| format!("{trouble}: {blocked} are"))?;
        let took_s = start.elapsed().as_secs_f64();
        let blocked = count(server)?;
        must(blocked == wanted, || format!("the firewall has {blocked}"))?;
        Ok(Self { _guard: guard, blocked, took_s, peak_mib: peak.stop_mib() })
    }
}
