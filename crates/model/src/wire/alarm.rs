//! Alarms as bytes: what the ledger keeps of a state and of a change beside their names.

use super::{FrameError, Reader, Wire, Writer};
use crate::limits::{
    ALARM_DESCRIPTION_MAX, ALARM_NAME_MAX, ALARM_POINTS_MAX, ALARM_RULE_BYTES_MAX,
    ALARM_RULE_CHILDREN_MAX, ALARM_SAMPLES_MAX, ALARM_SLICES_MAX, ALARM_TOP_MAX, ALARM_VALUES_MAX,
    DIMENSIONS_MAX, EVIDENCE_TEXT_MAX, LABEL_VALUE_MAX,
};
use crate::{
    AlarmChange, AlarmMemory, AlarmPoint, AlarmState, Amount, ChildState, Comparison, Contributor,
    Evidence, Generation, Missing, Reason, Semantics, Severity, Slice, Stamp, Statistic, TopEntry,
    Watched,
};

macro_rules! by_number {
    ($($type:ty),*) => {$(
        impl Wire for $type {
            fn put(&self, out: &mut Writer) {
                let at = Self::ALL.iter().position(|one| one == self);
                out.byte(at.and_then(|at| u8::try_from(at).ok()).unwrap_or(u8::MAX));
            }
            fn take(from: &mut Reader<'_>) -> Result<Self, FrameError> {
                Self::ALL.get(usize::from(from.byte()?)).copied().ok_or(FrameError::Unknown)
            }
        }
    )*};
}
by_number!(AlarmState, Comparison, Missing, Semantics);

impl Wire for Amount {
    fn put(&self, out: &mut Writer) {
        self.0.to_bits().put(out);
    }
    fn take(from: &mut Reader<'_>) -> Result<Self, FrameError> {
        u64::take(from).map(|bits| Self(f64::from_bits(bits)))
    }
}

impl Wire for AlarmPoint {
    fn put(&self, out: &mut Writer) {
        self.time.put(out);
        self.value.put(out);
        self.samples.put(out);
    }
    fn take(from: &mut Reader<'_>) -> Result<Self, FrameError> {
        let (time, value) = (Stamp::take(from)?, Wire::take(from)?);
        Ok(Self { time, value, samples: u64::take(from)? })
    }
}

impl Wire for Contributor {
    fn put(&self, out: &mut Writer) {
        out.text(&self.by, ALARM_NAME_MAX);
        out.bytes(&self.value, LABEL_VALUE_MAX);
    }
    fn take(from: &mut Reader<'_>) -> Result<Self, FrameError> {
        let by = from.text(ALARM_NAME_MAX)?;
        Ok(Self { by, value: from.byte_list(LABEL_VALUE_MAX)? })
    }
}

impl Wire for ChildState {
    fn put(&self, out: &mut Writer) {
        out.text(&self.alarm, ALARM_NAME_MAX);
        self.state.put(out);
        self.since.put(out);
    }
    fn take(from: &mut Reader<'_>) -> Result<Self, FrameError> {
        let (alarm, state) = (from.text(ALARM_NAME_MAX)?, AlarmState::take(from)?);
        Ok(Self { alarm, state, since: Stamp::take(from)? })
    }
}

impl Wire for Reason {
    fn put(&self, out: &mut Writer) {
        match self {
            Self::Created => out.byte(0),
            Self::Threshold { points, count, breaching, missing } => {
                out.byte(1);
                out.list(points);
                count.put(out);
                breaching.put(out);
                missing.put(out);
            }
            Self::Unknown { periods } => {
                out.byte(2);
                periods.put(out);
            }
            Self::Children(children) => {
                out.byte(3);
                out.list(children);
            }
            Self::Evicted => out.byte(4),
            Self::Removed => out.byte(5),
        }
    }
    fn take(from: &mut Reader<'_>) -> Result<Self, FrameError> {
        Ok(match from.byte()? {
            0 => Self::Created,
            1 => {
                let points = from.list(ALARM_POINTS_MAX)?;
                let (count, breaching) = (u32::take(from)?, bool::take(from)?);
                Self::Threshold { points, count, breaching, missing: u32::take(from)? }
            }
            2 => Self::Unknown { periods: u32::take(from)? },
            3 => Self::Children(from.list(ALARM_RULE_CHILDREN_MAX)?),
            4 => Self::Evicted,
            5 => Self::Removed,
            _ => return Err(FrameError::Unknown),
        })
    }
}

impl Wire for TopEntry {
    fn put(&self, out: &mut Writer) {
        out.bytes(&self.name, LABEL_VALUE_MAX);
        self.count.put(out);
        self.over.put(out);
    }
    fn take(from: &mut Reader<'_>) -> Result<Self, FrameError> {
        let name = from.byte_list(LABEL_VALUE_MAX)?;
        Ok(Self { name, count: u64::take(from)?, over: u64::take(from)? })
    }
}

impl Wire for Watched {
    fn put(&self, out: &mut Writer) {
        out.text(&self.metric, ALARM_NAME_MAX);
        (self.dimensions.len().min(DIMENSIONS_MAX) as u32).put(out);
        for (name, value) in self.dimensions.iter().take(DIMENSIONS_MAX) {
            out.text(name, ALARM_NAME_MAX);
            out.text(value, 4 * ALARM_NAME_MAX);
        }
        out.text(&self.statistic.to_string(), ALARM_NAME_MAX);
        self.comparison.put(out);
        self.threshold.put(out);
        self.period_s.put(out);
        self.evaluation_periods.put(out);
        self.datapoints_to_alarm.put(out);
        self.missing.put(out);
        self.ignore_low_samples.put(out);
        out.text(&self.unit, ALARM_NAME_MAX);
    }
    fn take(from: &mut Reader<'_>) -> Result<Self, FrameError> {
        let metric = from.text(ALARM_NAME_MAX)?;
        let count = u32::take(from)? as usize;
        if count > DIMENSIONS_MAX {
            return Err(FrameError::Limit);
        }
        let pair = |from: &mut Reader<'_>| {
            Ok((from.text(ALARM_NAME_MAX)?, from.text(4 * ALARM_NAME_MAX)?))
        };
        let dimensions = (0..count).map(|_| pair(from)).collect::<Result<_, FrameError>>()?;
        let statistic = Statistic::parse(&from.text(ALARM_NAME_MAX)?);
        Ok(Self {
            metric,
            dimensions,
            statistic: statistic.map_err(|_| FrameError::Unknown)?,
            comparison: Comparison::take(from)?,
            threshold: Amount::take(from)?,
            period_s: u32::take(from)?,
            evaluation_periods: u32::take(from)?,
            datapoints_to_alarm: u32::take(from)?,
            missing: Missing::take(from)?,
            ignore_low_samples: bool::take(from)?,
            unit: from.text(ALARM_NAME_MAX)?,
        })
    }
}

impl Wire for Evidence {
    fn put(&self, out: &mut Writer) {
        self.time.put(out);
        out.text(&self.rule, ALARM_NAME_MAX);
        self.weight.put(out);
        out.bytes(&self.line, EVIDENCE_TEXT_MAX);
    }
    fn take(from: &mut Reader<'_>) -> Result<Self, FrameError> {
        let (time, rule) = (Stamp::take(from)?, from.text(ALARM_NAME_MAX)?);
        let weight = u32::take(from)?;
        Ok(Self { time, rule, weight, line: from.byte_list(EVIDENCE_TEXT_MAX)? })
    }
}

impl Wire for Slice {
    fn put(&self, out: &mut Writer) {
        self.number.put(out);
        self.count.put(out);
        [self.sum, self.least, self.most].iter().for_each(|amount| amount.put(out));
        (self.values.len() as u32).put(out);
        for (value, times) in &self.values {
            value.put(out);
            times.put(out);
        }
    }
    fn take(from: &mut Reader<'_>) -> Result<Self, FrameError> {
        let (number, count) = (i64::take(from)?, u64::take(from)?);
        let (sum, least, most) = (Amount::take(from)?, Amount::take(from)?, Amount::take(from)?);
        let values = u32::take(from)? as usize;
        if values > 2 * ALARM_VALUES_MAX {
            return Err(FrameError::Limit);
        }
        let pair = |from: &mut Reader<'_>| Ok((Amount::take(from)?, u64::take(from)?));
        let values = (0..values).map(|_| pair(from)).collect::<Result<_, FrameError>>()?;
        Ok(Self { number, count, sum, least, most, values })
    }
}

impl Wire for Generation {
    fn put(&self, out: &mut Writer) {
        self.since.put(out);
        self.count.put(out);
        out.list(&self.addresses);
        out.list(&self.users);
    }
    fn take(from: &mut Reader<'_>) -> Result<Self, FrameError> {
        let (since, count) = (Stamp::take(from)?, u64::take(from)?);
        let addresses = from.list(ALARM_TOP_MAX)?;
        Ok(Self { since, count, addresses, users: from.list(ALARM_TOP_MAX)? })
    }
}

impl Wire for AlarmMemory {
    fn put(&self, out: &mut Writer) {
        self.definition.put(out);
        self.slice_ms.put(out);
        out.list(&self.slices);
        self.due.put(out);
        self.watched_since.put(out);
        self.told.put(out);
        self.since_told.put(out);
        self.now.put(out);
        self.before.put(out);
        out.list(&self.first);
        out.list(&self.last);
    }
    fn take(from: &mut Reader<'_>) -> Result<Self, FrameError> {
        Ok(Self {
            definition: u64::take(from)?,
            slice_ms: u32::take(from)?,
            slices: from.list(ALARM_SLICES_MAX)?,
            due: Wire::take(from)?,
            watched_since: Stamp::take(from)?,
            told: Stamp::take(from)?,
            since_told: u64::take(from)?,
            now: Generation::take(from)?,
            before: Generation::take(from)?,
            first: from.list(ALARM_SAMPLES_MAX as usize)?,
            last: from.list(ALARM_SAMPLES_MAX as usize)?,
        })
    }
}

impl Wire for AlarmChange {
    fn put(&self, out: &mut Writer) {
        out.text(&self.alarm, ALARM_NAME_MAX);
        out.text(&self.description, ALARM_DESCRIPTION_MAX);
        self.severity.put(out);
        self.semantics.put(out);
        self.contributor.put(out);
        self.old.put(out);
        self.new.put(out);
        self.since.put(out);
        self.again.put(out);
        self.reason.put(out);
        self.watched.put(out);
        out.text(&self.rule, ALARM_RULE_BYTES_MAX);
        out.list(&self.evaluated);
        self.count.put(out);
        out.list(&self.addresses);
        out.list(&self.users);
        out.list(&self.samples);
    }
    fn take(from: &mut Reader<'_>) -> Result<Self, FrameError> {
        Ok(Self {
            alarm: from.text(ALARM_NAME_MAX)?,
            description: from.text(ALARM_DESCRIPTION_MAX)?,
            severity: Severity::take(from)?,
            semantics: Semantics::take(from)?,
            contributor: Wire::take(from)?,
            old: AlarmState::take(from)?,
            new: AlarmState::take(from)?,
            since: Stamp::take(from)?,
            again: Wire::take(from)?,
            reason: Reason::take(from)?,
            watched: Wire::take(from)?,
            rule: from.text(ALARM_RULE_BYTES_MAX)?,
            evaluated: from.list(ALARM_POINTS_MAX)?,
            count: u64::take(from)?,
            addresses: from.list(ALARM_TOP_MAX)?,
            users: from.list(ALARM_TOP_MAX)?,
            samples: from.list(ALARM_SAMPLES_MAX as usize)?,
        })
    }
}

/// The bytes of a state or a change. It is no frame: the ledger takes more.
pub fn alarm_bytes<T: Wire>(one: &T) -> Vec<u8> {
    super::encode_long(one)
}

/// Reads them back.
///
/// # Errors
/// If the bytes are not what [`alarm_bytes`] writes.
pub fn alarm_from_bytes<T: Wire>(bytes: &[u8]) -> Result<T, FrameError> {
    super::decode_long(bytes, usize::MAX)
}
