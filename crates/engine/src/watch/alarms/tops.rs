//! Who took part, counted in little room: the space-saving sketch of Metwally, Agrawal and
//! El Abbadi (ICDT 2005). Whoever makes up more than one in [`ALARM_TOP_MAX`] is always among them.

use monban_model::limits::{ALARM_TOP_MAX, ALARM_TOP_TOLD, LABEL_VALUE_MAX};
use monban_model::{Generation, Stamp, TopEntry};

/// Counts somebody.
pub(super) fn count(entries: &mut Vec<TopEntry>, name: &[u8], times: u64) {
    let name = &name[..name.len().min(LABEL_VALUE_MAX)];
    if let Some(at) = entries.iter().position(|entry| entry.name == name) {
        entries[at].count = entries[at].count.saturating_add(times);
        // Those who come often are found first.
        if at > 0 && entries[at - 1].count < entries[at].count {
            entries.swap(at - 1, at);
        }
        return;
    }
    if entries.len() < ALARM_TOP_MAX {
        entries.push(TopEntry { name: name.to_vec(), count: times, over: 0 });
        return;
    }
    // Whoever was seen least makes room; the new one may have been there as often.
    if let Some(least) = entries.iter_mut().min_by_key(|entry| entry.count) {
        least.name.clear();
        least.name.extend_from_slice(name);
        least.over = least.count;
        least.count = least.count.saturating_add(times);
    }
}

/// Those who took part most in both, most first.
pub(super) fn told(now: &[TopEntry], before: &[TopEntry]) -> Vec<TopEntry> {
    let least = |entries: &[TopEntry]| match entries.len() {
        ALARM_TOP_MAX => entries.iter().map(|entry| entry.count).min().unwrap_or(0),
        _ => 0,
    };
    // Whoever is missing in one that is full was there at most as often as its least.
    let (least_now, least_before) = (least(now), least(before));
    let mut sum: Vec<TopEntry> = now.to_vec();
    for entry in &mut sum {
        match before.iter().find(|other| other.name == entry.name) {
            Some(other) => {
                entry.count = entry.count.saturating_add(other.count);
                entry.over = entry.over.saturating_add(other.over);
            }
            None => {
                entry.count = entry.count.saturating_add(least_before);
                entry.over = entry.over.saturating_add(least_before);
            }
        }
    }
    for other in before.iter().filter(|other| now.iter().all(|entry| entry.name != other.name)) {
        let (count, over) = (other.count + least_now, other.over + least_now);
        sum.push(TopEntry { name: other.name.clone(), count, over });
    }
    sum.sort_by(|one, other| {
        let by_count = (other.count - other.over).cmp(&(one.count - one.over));
        by_count.then_with(|| one.name.cmp(&other.name))
    });
    sum.truncate(ALARM_TOP_TOLD);
    sum
}

/// Begins a new generation where the one at hand is as old as the window is long. Returns whether
/// it did.
pub(super) fn turn(
    now: &mut Generation,
    before: &mut Generation,
    time: Stamp,
    window_ms: i64,
) -> bool {
    let age_ms = time.0.saturating_sub(now.since.0);
    if age_ms < window_ms {
        return false;
    }
    *before = std::mem::take(now);
    if age_ms >= window_ms.saturating_mul(2) {
        *before = Generation { since: time, ..Generation::default() };
    }
    now.since = time;
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whoever_comes_often_is_found_in_a_crowd() {
        let mut entries = Vec::new();
        for n in 0..100_000_u32 {
            count(&mut entries, format!("stranger {n}").as_bytes(), 1);
            if n % 10 == 0 {
                count(&mut entries, b"attacker", 1);
            }
        }
        assert_eq!(entries.len(), ALARM_TOP_MAX);
        let top = told(&entries, &[]);
        assert_eq!(top[0].name, b"attacker");
        let (most, least) = (top[0].count, top[0].count - top[0].over);
        assert!(least <= 10_000 && 10_000 <= most, "{least} to {most}");
    }

    #[test]
    fn few_are_counted_exactly() {
        let (mut now, mut before) = (Vec::new(), Vec::new());
        for _ in 0..3 {
            count(&mut now, b"a", 2);
            count(&mut before, b"a", 1);
            count(&mut before, b"b", 1);
        }
        let entry = |name: &[u8], count| TopEntry { name: name.to_vec(), count, over: 0 };
        assert_eq!(told(&now, &before), [entry(b"a", 9), entry(b"b", 3)]);
    }
}
