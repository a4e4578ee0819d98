//! Metrics on their way to CloudWatch: the datapoints of each minute together, kept in the ledger
//! until they were taken.
//!
//! A minute is sent when it is over. Lines of it that come later make another sum of the same
//! minute, and CloudWatch adds them up.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::time::{Duration, Instant};

use monban_config::Config;
use monban_model::limits::{
    AWS_DIMENSION_VALUE_MAX, AWS_SUMS_AT_ONCE, AWS_SUMS_BYTES_MAX, AWS_SUMS_MAX,
};
use monban_model::wire::{Report, Taken, encode_sum, encode_sums};
use monban_model::{Amount, AwsSum, Datapoint, Notice, Stamp, StateRow};

use super::notice;

/// How each id of a batch begins; no letter's does.
pub const BATCH_PREFIX: &str = "metrics-";

const MINUTE_MS: i64 = 60_000;

/// A minute that is over waits so long for lines that were written last in it.
const GRACE_S: u64 = 10;

/// Whether a minute is over is looked at so often.
const LOOK: Duration = Duration::from_secs(1);

/// Without a report for so long a batch is handed over again; the courier knows if it has it.
const NO_REPORT: Duration = Duration::from_secs(90);

/// The first wait after a failure; it doubles.
const AGAIN_FIRST: Duration = Duration::from_secs(5);

/// The longest wait.
const AGAIN_LONGEST: Duration = Duration::from_secs(300);

/// The same trouble is told of so often.
const TOLD_EVERY: Duration = Duration::from_secs(3600);

/// Sums by minute and number: the oldest are sent, and dropped, first.
type At = (Stamp, u64);

/// What is added up, and what waits.
#[derive(Debug, Default)]
pub struct Minutes {
    /// Namespaces and unit of each metric that is sent.
    wanted: HashMap<String, (Vec<String>, String)>,
    sums: BTreeMap<At, AwsSum>,
    /// Those that are still added to. What was saved never is: it may have been sent.
    open: HashMap<Vec<u8>, At>,
    changed: BTreeSet<At>,
    gone: Vec<u64>,
    next: u64,
    /// Tells the batches of this process from those of others.
    process: u64,
    batches: u64,
    batch: Option<Batch>,
    /// How many are sent at once: fewer once CloudWatch refused some for themselves.
    at_once: usize,
    /// Namespaces that wait after a failure.
    waits: HashMap<String, (Instant, Duration)>,
    looked: Option<Instant>,
    dropped: u64,
    told: HashMap<&'static str, Instant>,
    notices: Vec<Notice>,
    key: Vec<u8>,
}

#[derive(Debug)]
struct Batch {
    id: String,
    namespace: String,
    sums: Vec<At>,
    handed: Option<Instant>,
}

impl Minutes {
    /// Goes on with what was saved.
    pub fn new(saved: Vec<AwsSum>, now: Stamp) -> Self {
        let next = saved.iter().map(|sum| sum.id + 1).max().unwrap_or(1);
        let sums = saved.into_iter().map(|sum| ((sum.minute, sum.id), sum)).collect();
        let process = now.0.unsigned_abs();
        Self { sums, next, process, at_once: AWS_SUMS_AT_ONCE, ..Self::default() }
    }

    /// Takes over which metrics go where. What goes nowhere any more is forgotten.
    pub fn take_over(&mut self, config: &Config) {
        self.wanted.clear();
        for spec in &config.metrics {
            let is_meant = |one: &&monban_model::AwsMetrics| {
                one.metrics.is_empty() || one.metrics.contains(&spec.name)
            };
            let of = config.aws.metrics.iter().filter(is_meant);
            let mut namespaces: Vec<String> = of.map(|one| one.namespace.clone()).collect();
            namespaces.sort_unstable();
            namespaces.dedup();
            if !namespaces.is_empty() {
                self.wanted.insert(spec.name.clone(), (namespaces, spec.unit.clone()));
            }
        }
        let is_known =
            |sum: &AwsSum| config.aws.metrics.iter().any(|one| one.namespace == sum.namespace);
        let stale = self.sums.iter().filter(|(_, sum)| !is_known(sum)).map(|(at, _)| *at);
        for at in stale.collect::<Vec<_>>() {
            self.forget(at);
        }
        self.waits.clear();
    }

    /// Adds a datapoint.
    pub fn add(&mut self, point: &Datapoint<'_>) {
        let Some((namespaces, unit)) = self.wanted.get(point.metric) else { return };
        let total = point.value * f64::from(point.count);
        if !total.is_finite() {
            return;
        }
        let minute = Stamp(point.time.0.div_euclid(MINUTE_MS) * MINUTE_MS);
        for namespace in namespaces {
            let names = [namespace.as_bytes(), point.metric.as_bytes()];
            let pairs = point.dimensions.iter().map(|(name, value)| (name.as_bytes(), *value));
            write_key(&mut self.key, minute, names, pairs);
            let at = match self.open.get(&self.key) {
                Some(at) => *at,
                None => {
                    let sum = AwsSum {
                        id: self.next,
                        namespace: namespace.clone(),
                        metric: point.metric.to_owned(),
                        unit: unit.clone(),
                        dimensions: dimensions(point),
                        minute,
                        least: Amount(point.value),
                        most: Amount(point.value),
                        ..AwsSum::default()
                    };
                    let at = (minute, self.next);
                    self.next += 1;
                    self.open.insert(self.key.clone(), at);
                    self.sums.insert(at, sum);
                    at
                }
            };
            if let Some(sum) = self.sums.get_mut(&at) {
                sum.count = sum.count.saturating_add(u64::from(point.count));
                sum.sum.0 += total;
                sum.least.0 = sum.least.0.min(point.value);
                sum.most.0 = sum.most.0.max(point.value);
                self.changed.insert(at);
            }
        }
        self.bound();
    }

    /// What changed, for the commit that begins now.
    pub fn take_rows(&mut self) -> Vec<StateRow> {
        let gone = self.gone.drain(..).map(StateRow::NoSum);
        let changed = std::mem::take(&mut self.changed);
        let changed = changed.iter().filter_map(|at| self.sums.get(at)).cloned();
        gone.chain(changed.map(StateRow::Sum)).collect()
    }

    /// What is to be handed to the courier now: its id and bytes. Ask again until it was
    /// [`Minutes::handed`].
    pub fn due(&mut self, clock: Stamp, now: Instant) -> Option<(String, Vec<u8>)> {
        if self.looked.is_some_and(|looked| now < looked + LOOK) {
            return None;
        }
        self.looked = Some(now);
        if self.batch.is_none() {
            self.batch = self.next_batch(clock, now);
        }
        let batch = self.batch.as_ref()?;
        if batch.handed.is_some_and(|handed| now < handed + NO_REPORT) {
            return None;
        }
        let sums = batch.sums.iter().filter_map(|at| self.sums.get(at)).cloned();
        Some((batch.id.clone(), encode_sums(&sums.collect::<Vec<_>>())))
    }

    /// The courier has it.
    pub fn handed(&mut self, now: Instant) {
        if let Some(batch) = &mut self.batch {
            batch.handed = Some(now);
        }
    }

    /// What became of a batch; true if the ledger is to forget something.
    pub fn reported(&mut self, report: &Report, now: Instant) -> bool {
        let Some(batch) = self.batch.take_if(|batch| batch.id == report.id) else { return false };
        match &report.taken {
            Taken::But(_) => {}
            Taken::Yes { said } => {
                batch.sums.iter().for_each(|at| self.forget(*at));
                self.waits.remove(&batch.namespace);
                self.at_once = (self.at_once * 2).min(AWS_SUMS_AT_ONCE);
                if !said.is_empty() {
                    self.tell(now, "aws-metrics-left-out", vec![("why", said.clone())]);
                }
                self.looked = None;
            }
            Taken::No { permanent: true, why, .. } if batch.sums.len() > 1 => {
                // One of them may be the reason, and the others are not to suffer from it.
                self.at_once = batch.sums.len() / 2;
                self.tell_failing(now, why);
            }
            Taken::No { permanent: true, why, .. } => {
                batch.sums.iter().for_each(|at| self.forget(*at));
                self.at_once = (self.at_once * 2).min(AWS_SUMS_AT_ONCE);
                self.tell(now, "aws-metrics-left-out", vec![("why", why.clone())]);
            }
            Taken::No { permanent: false, why, retry_after_s } => {
                let before = self.waits.get(&batch.namespace).map(|(_, wait)| *wait * 2);
                let wait = before.unwrap_or(AGAIN_FIRST).min(AGAIN_LONGEST);
                let wait = wait.max(Duration::from_secs(retry_after_s.unwrap_or_default()));
                self.waits.insert(batch.namespace, (now + wait, wait));
                self.tell_failing(now, why);
            }
        }
        !self.gone.is_empty()
    }

    /// What is to be recorded and said on this host.
    pub fn take_notices(&mut self) -> Vec<Notice> {
        std::mem::take(&mut self.notices)
    }

    /// The oldest minutes of a namespace that are over and in the ledger.
    fn next_batch(&mut self, clock: Stamp, now: Instant) -> Option<Batch> {
        let until = Stamp(clock.minus_s(GRACE_S).0 - MINUTE_MS);
        let waits = |namespace: &str| {
            self.waits.get(namespace).is_some_and(|(again_at, _)| now < *again_at)
        };
        let is_ready =
            |(at, sum): &(&At, &AwsSum)| !self.changed.contains(*at) && !waits(&sum.namespace);
        let over = self.sums.range(..=(until, u64::MAX));
        let mut over = over.filter(is_ready).peekable();
        let namespace = over.peek()?.1.namespace.clone();
        let (mut sums, mut bytes) = (Vec::new(), 4);
        for (at, sum) in over.filter(|(_, sum)| sum.namespace == namespace).take(self.at_once) {
            bytes += encode_sum(sum).len();
            if bytes > AWS_SUMS_BYTES_MAX {
                break;
            }
            sums.push(*at);
        }
        // What is on its way is added to no more.
        let chosen: BTreeSet<At> = sums.iter().copied().collect();
        self.open.retain(|_, at| !chosen.contains(at));
        self.batches += 1;
        let id = format!("{BATCH_PREFIX}{:x}-{}", self.process, self.batches);
        Some(Batch { id, namespace, sums, handed: None })
    }

    fn forget(&mut self, at: At) {
        if self.sums.remove(&at).is_some() {
            self.changed.remove(&at);
            self.gone.push(at.1);
            self.open.retain(|_, open| *open != at);
        }
    }

    fn bound(&mut self) {
        if self.sums.len() <= AWS_SUMS_MAX {
            return;
        }
        // Some at once: to look for one each time would cost more than the lines themselves.
        let over = AWS_SUMS_MAX / 64;
        let oldest: BTreeSet<At> = self.sums.keys().take(over).copied().collect();
        for at in &oldest {
            self.sums.remove(at);
            self.changed.remove(at);
            self.gone.push(at.1);
        }
        self.open.retain(|_, at| !oldest.contains(at));
        if let Some(batch) = &mut self.batch {
            batch.sums.retain(|at| !oldest.contains(at));
        }
        self.dropped += over as u64;
        let count = self.dropped.to_string();
        if self.tell(Instant::now(), "aws-metrics-dropped", vec![("count", count)]) {
            self.dropped = 0;
        }
    }

    fn tell_failing(&mut self, now: Instant, why: &str) {
        let count = self.sums.len().to_string();
        self.tell(now, "aws-metrics-failing", vec![("why", why.to_owned()), ("count", count)]);
    }

    /// Tells it, unless it was told lately.
    fn tell(&mut self, now: Instant, key: &'static str, values: Vec<(&str, String)>) -> bool {
        if self.told.get(key).is_some_and(|told| now < *told + TOLD_EVERY) {
            return false;
        }
        self.told.insert(key, now);
        self.notices.push(notice(key, &values));
        true
    }
}

/// The dimensions of a datapoint as CloudWatch can take them; one without a value is none.
fn dimensions(point: &Datapoint<'_>) -> Vec<(String, String)> {
    let pair = |(name, value): &(&str, &[u8])| {
        let mut text = String::from_utf8_lossy(value).into_owned();
        text.truncate(text.floor_char_boundary(AWS_DIMENSION_VALUE_MAX));
        ((*name).to_owned(), text)
    };
    let pairs = point.dimensions.iter().map(pair);
    pairs.filter(|(_, value)| !value.trim().is_empty()).collect()
}

/// Writes what tells a sum from others.
fn write_key<'a>(
    key: &mut Vec<u8>,
    minute: Stamp,
    names: [&[u8]; 2],
    dimensions: impl Iterator<Item = (&'a [u8], &'a [u8])>,
) {
    key.clear();
    key.extend(minute.0.to_le_bytes());
    let pairs = dimensions.flat_map(|(name, value)| [name, value]);
    for part in names.into_iter().chain(pairs) {
        key.extend((part.len() as u32).to_le_bytes());
        key.extend(part);
    }
}

#[cfg(test)]
#[path = "minutes/tests.rs"]
mod tests;
